//! `cargo xtask sim`: the whole pipeline in simulated time, by seed.

use std::process::ExitCode;

use anyhow::Result;

use super::{Verb, setup, test};
use crate::args::Args;
use crate::report::{Report, Step};
use crate::suite::{self, Selection};
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "sim",
    about: "run the simulation over a number of seeds",
    help: "
Runs gateway and compound in simulated time with faults drawn from a seed. A failure prints its seed
and the command that replays it.

  --seeds N   how many seeds (the tests read WANGLOU_SEEDS; without it they choose a few)
  --seed S    exactly this seed (the tests read WANGLOU_SEED)
  --full      also the long forms

  cargo xtask sim
  cargo xtask sim --seeds 200
  cargo xtask sim --seed 42",
    run,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words, &["--full"], &["--seeds", "--seed"])?;
    let seeds = args.parsed::<u32>("--seeds")?;
    let seed = args.parsed::<u64>("--seed")?;
    let mut env = Vec::new();
    env.extend(seeds.map(|seeds| ("WANGLOU_SEEDS", seeds.to_string())));
    env.extend(seed.map(|seed| ("WANGLOU_SEED", seed.to_string())));
    let selection = Selection { target: Some("sim*"), full: args.has("--full"), env };
    let sim = Step {
        name: "sim",
        about: "simulation tests",
        needs: &["build"],
        run: &|workspace, log| suite::run(workspace, log, &selection),
    };
    let mut report = Report::new(workspace);
    report.run(&[&setup::BUILD_TOOLS, &test::BUILD, &sim], true)?;
    Ok(report.finish())
}

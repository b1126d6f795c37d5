//! `cargo xtask sim`: engine and pipeline in simulated time, by seed.

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
Runs the engine beside a reference model of the rules, and the gateway's pipeline with the seed
compound, in simulated time with faults drawn from a seed. A failure prints its seed, the shortest
trace that still fails, and the command that replays it. docs/testing.md says what is shown by it.

  --seeds N   how many seeds (the tests read WANGLOU_SEEDS; without it they choose a few)
  --from N    begin with this seed, where an earlier run stopped (the tests read WANGLOU_FROM)
  --seed S    exactly this seed, with its trace (the tests read WANGLOU_SEED)
  --full      ten thousand seeds of the model, in minutes, with progress in the log
  --floods    the floods F1 to F8 and an ordinary week alone, with a table of whose phone rang how often
              (docs/floods.md; the tests write it to the file that WANGLOU_FLOODS names)

  cargo xtask sim
  cargo xtask sim --full
  cargo xtask sim --full --from 5000
  cargo xtask sim --floods
  cargo xtask sim --seed 42",
    run,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words, &["--full", "--floods"], &["--seeds", "--from", "--seed"])?;
    let seeds = args.parsed::<u32>("--seeds")?;
    let from = args.parsed::<u64>("--from")?;
    let seed = args.parsed::<u64>("--seed")?;
    let mut env = Vec::new();
    env.extend(seeds.map(|seeds| ("WANGLOU_SEEDS", seeds.to_string())));
    env.extend(from.map(|from| ("WANGLOU_FROM", from.to_string())));
    env.extend(seed.map(|seed| ("WANGLOU_SEED", seed.to_string())));
    let table = workspace.root.join("target/floods.md");
    let floods = args.has("--floods");
    if floods {
        // An earlier table would pass for this one.
        let _ = std::fs::remove_file(&table);
        env.push(("WANGLOU_FLOODS", table.display().to_string()));
    }
    let target = if floods { "sim_floods" } else { "sim*" };
    let full = args.has("--full");
    let shown = full || seed.is_some();
    let selection = Selection { target: Some(target), full, shown, env };
    let sim = Step {
        name: "sim",
        about: "simulation tests",
        needs: &["build"],
        run: &|workspace, log| suite::run(workspace, log, &selection),
    };
    let mut report = Report::new(workspace);
    report.run(&[&setup::BUILD_TOOLS, &test::BUILD, &sim], true)?;
    if let Some(text) = std::fs::read_to_string(&table).ok().filter(|_| floods) {
        println!("\n{text}");
    }
    Ok(report.finish())
}

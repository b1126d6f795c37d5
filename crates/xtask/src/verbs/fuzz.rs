//! `cargo xtask fuzz`: the profile decoder against mutated messages.

use std::process::ExitCode;

use anyhow::Result;

use super::{Verb, setup};
use crate::args::Args;
use crate::report::{Report, Step};
use crate::suite::{self, Selection};
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "fuzz",
    about: "fuzz the profile decoder by the structure of its messages",
    help: "
Takes the examples of every profile apart, puts them together wrongly, and decodes the result: no
panic, no memory over eight times the message, no time beyond its length. A failure prints its
seed, the message, and the command that repeats it.

  --executions N   how many (without it 200,000)
  --seed S         which ones
  --full           10,000,000

  cargo xtask fuzz
  cargo xtask fuzz --executions 1000000 --seed 7
  cargo xtask fuzz --full",
    run,
};

/// What a run does without being told.
const USUAL: u64 = 200_000;
/// What is promised.
const FULL: u64 = 10_000_000;

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words, &["--full"], &["--executions", "--seed"])?;
    let usual = if args.has("--full") { FULL } else { USUAL };
    let executions = args.parsed::<u64>("--executions")?.unwrap_or(usual);
    let mut env = vec![("WANGLOU_EXECUTIONS", executions.to_string())];
    env.extend(args.parsed::<u64>("--seed")?.map(|seed| ("WANGLOU_SEED", seed.to_string())));
    // A long run must not be ended for being slow.
    let selection = Selection { target: Some("fuzz*"), full: executions > USUAL, shown: false, env };
    let fuzz = Step {
        name: "fuzz",
        about: "mutated messages",
        needs: &[],
        run: &|workspace, log| suite::run(workspace, log, &selection),
    };
    let mut report = Report::new(workspace);
    report.run(&[&setup::BUILD_TOOLS, &fuzz], true)?;
    Ok(report.finish())
}

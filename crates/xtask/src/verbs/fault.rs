//! `cargo xtask fault`: kills, power cuts, flipped bits, full disks.

use std::process::ExitCode;

use anyhow::Result;

use super::{Verb, setup, test};
use crate::args::Args;
use crate::report::{Report, Step};
use crate::suite::{self, Selection};
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "fault",
    about: "run the fault tests: kills, power cuts, flipped bits",
    help: "
Kills the gateway under load, cuts recorded journals at every sync and byte, flips bits, and counts
what was acknowledged and is missing. A small set of it is part of `cargo xtask test`.

  --full   the long forms: a thousand kills, a hundred thousand cuts (tests marked `#[ignore]`, and
           WANGLOU_FULL=1 for the others); hours

  cargo xtask fault
  cargo xtask fault --full",
    run,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words, &["--full"], &[])?;
    let full = args.has("--full");
    let fault = Selection { target: Some("fault*"), full, ..Selection::default() };
    let recovery = Selection { target: Some("recovery*"), full, ..Selection::default() };
    let fault = Step {
        name: "fault",
        about: "kills, cuts, flipped bits",
        needs: &["build"],
        run: &|workspace, log| suite::run(workspace, log, &fault),
    };
    let recovery = Step {
        name: "recovery",
        about: "restarts and what they may not change",
        needs: &["build"],
        run: &|workspace, log| suite::run(workspace, log, &recovery),
    };
    let mut report = Report::new(workspace);
    report.run(&[&setup::TOOLS, &test::BUILD, &fault, &recovery], false)?;
    Ok(report.finish())
}

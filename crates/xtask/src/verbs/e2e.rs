//! `cargo xtask e2e`: real mosquitto, real gateway, real browser.

use std::process::ExitCode;

use anyhow::Result;

use super::{Verb, setup, test};
use crate::args::Args;
use crate::report::{Report, Step};
use crate::suite::{self, Selection};
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "e2e",
    about: "run the end-to-end tests: mosquitto, gateway, browser",
    help: "
Starts Debian's mosquitto and the gateway for each test, publishes what sensors publish, and looks at
what officers see. Also part of `cargo xtask test`.

  --full   also the long forms, such as a thousand kills

  cargo xtask e2e
  cargo xtask e2e --full",
    run,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words, &["--full"], &[])?;
    let selection = Selection { target: Some("e2e*"), full: args.has("--full"), ..Selection::default() };
    let e2e = Step {
        name: "e2e",
        about: "end-to-end tests",
        needs: &["build", "web-build"],
        run: &|workspace, log| suite::run(workspace, log, &selection),
    };
    let mut report = Report::new(workspace);
    report.run(&[&setup::TOOLS, &setup::NPM, &test::WEB_BUILD, &test::BUILD, &e2e, &test::BROWSER], true)?;
    Ok(report.finish())
}

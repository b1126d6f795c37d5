//! `cargo xtask screenshots`: what officers see, as pictures.

use std::process::ExitCode;

use anyhow::Result;

use super::{Verb, setup, test};
use crate::args::Args;
use crate::browser;
use crate::report::{Report, Step};
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "screenshots",
    about: "take pictures of every page into screenshots/",
    help: "
Starts the gateway and a headless browser at phone size and writes PNG files into screenshots/.

  cargo xtask screenshots",
    run,
};

const PICTURES: Step<'_> = Step {
    name: "pictures",
    about: "every page at phone size",
    needs: &["web-build", "build"],
    run: &browser::screenshots,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    Args::parse(words, &[], &[])?;
    let mut report = Report::new(workspace);
    report.run(&[&setup::TOOLS, &setup::NPM, &test::WEB_BUILD, &test::BUILD, &PICTURES], true)?;
    Ok(report.finish())
}

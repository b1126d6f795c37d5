//! `cargo xtask screenshots`: what officers see, as pictures.

use std::process::ExitCode;

use anyhow::Result;

use super::{Verb, setup, test};
use crate::args::Args;
use crate::report::Report;
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "screenshots",
    about: "take pictures of every page, for looking at",
    help: "
Shows each page of the web app in a headless browser, at phone size, in both languages and themes,
checks it for accessibility, and writes PNG files into crates/web/screenshots. Also part of
`cargo xtask test --full`.

  cargo xtask screenshots",
    run,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    Args::parse(words, &[], &[])?;
    let mut report = Report::new(workspace);
    report.run(&[&setup::TOOLS, &setup::NPM, &test::WEB_BUILD, &test::SCREENS], true)?;
    Ok(report.finish())
}

//! `cargo xtask setup`: Debian packages and npm packages, nothing else.

use std::process::ExitCode;

use anyhow::Result;

use super::Verb;
use crate::args::Args;
use crate::report::{Report, Step};
use crate::workspace::Workspace;
use crate::{tools, web};

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "setup",
    about: "install what building and testing need",
    help: "
Installs missing Debian packages (as root; otherwise says which are missing) and the web app's npm
packages by lock file. The other verbs do this themselves; on its own it prepares a machine.

  cargo xtask setup",
    run,
};

/// Debian packages for everything.
pub(super) const TOOLS: Step<'_> =
    Step { name: "tools", about: "programs from Debian's packages", needs: &[], run: &tools::for_testing };
/// Debian packages for building only.
pub(super) const BUILD_TOOLS: Step<'_> = Step { run: &tools::for_building, ..TOOLS };
/// npm packages.
pub(super) const NPM: Step<'_> = Step {
    name: "npm",
    about: "the web app's packages, by lock file",
    needs: &["tools"],
    run: &web::install,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    Args::parse(words, &[], &[])?;
    let mut report = Report::new(workspace);
    report.run(&[&TOOLS, &NPM], false)?;
    Ok(report.finish())
}

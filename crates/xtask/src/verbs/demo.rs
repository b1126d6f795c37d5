//! `cargo xtask demo`: builds everything and becomes `wanglou demo`.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::{Verb, setup, test};
use crate::report::Report;
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "demo",
    about: "build everything and run the seed compound on this machine",
    help: "
Builds the web app and the gateway, then runs `wanglou demo`: embedded broker, simulated compound,
gateway and web app, all on loopback. All arguments go to `wanglou demo` (its own help:
`cargo xtask demo -- --help`). Ctrl-C ends everything; a second start resumes.

  cargo xtask demo
  cargo xtask demo --pace 60              an hour of the compound's day in each minute
  cargo xtask demo --pace off             no simulated traffic: only what you publish
  cargo xtask demo --lan                  for real phones in this network, by https
  cargo xtask demo --http 127.0.0.1:9000 --mqtt 127.0.0.1:2883 --data my-demo",
    run,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let mut report = Report::new(workspace);
    report.run(&[&setup::BUILD_TOOLS, &setup::NPM, &test::WEB_BUILD], true)?;
    if !report.is_good() {
        return Ok(report.finish());
    }
    println!("building the gateway; the first time takes minutes, later ones seconds");
    build_gateway(workspace)?;
    let words = words.strip_prefix(&["--".to_owned()]).unwrap_or(words);
    let error = workspace.command(&workspace.binary, &workspace.root).arg("demo").args(words).exec();
    Err(error).with_context(|| format!("starting {}", workspace.binary.display()))
}

/// Cargo shows its own progress, better than a step could.
fn build_gateway(workspace: &Workspace) -> Result<()> {
    let mut cargo = workspace.building("build --package wanglou-gateway");
    if !cargo.status().context("starting cargo")?.success() {
        bail!("the gateway did not build");
    }
    Ok(())
}

//! `cargo xtask bench`: the load bench, on the profile that is measured.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::{Verb, setup};
use crate::report::Report;
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "bench",
    about: "measure CPU per durable message and time to a phone",
    help: "
Builds the load bench on the bench profile and runs it against a mosquitto of its own on loopback.
All arguments but --full go to it. Figures and the machine they were taken on: benches/README.md.
Numbers mean something only on a machine that does nothing else.

  --full   longer runs, for figures that are written down (WANGLOU_FULL=1)

  cargo xtask bench
  cargo xtask bench --full",
    run,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let is_full = words.iter().any(|word| word == "--full");
    let rest = words.iter().filter(|word| *word != "--full");
    let mut report = Report::new(workspace);
    report.run(&[&setup::TOOLS], true)?;
    if !report.is_good() {
        return Ok(report.finish());
    }
    println!("building on the bench profile; the first time takes minutes");
    let mut cargo = workspace.cargo("run --profile bench --locked --package wanglou-benches --bin load --");
    if is_full {
        cargo.env("WANGLOU_FULL", "1");
    }
    let status = cargo.args(rest).status().context("starting cargo")?;
    if !status.success() {
        bail!("the load bench failed ({status})");
    }
    Ok(ExitCode::SUCCESS)
}

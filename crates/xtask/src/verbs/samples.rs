//! `cargo xtask samples`: what the shipped profiles make of a folder of real payloads.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::Verb;
use crate::args::Args;
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "samples",
    about: "decode a folder of real payloads and compare with what they mean",
    help: "
Decodes every DIR/<family>/<name>.json (an object with `topic`, and `payload`, `payload_text` or
`payload_base64`) with the profiles in config/profiles, and prints for each family how many came out as
meant, were rightly ignored, unmatched or rejected, and how many are WRONG. What is expected stands in
crates/profiles/tests/samples/expected.toml; a file without an expectation is wrong too. The folder is no
part of the project: without one nothing is compared, and that is said.

  --dir DIR      the folder; without it the one that WANGLOU_SAMPLES names
  --show FAMILY  print what comes out in place of comparing (all: of every family)

  cargo xtask samples --dir ../samples
  cargo xtask samples --dir ../samples --show zigbee2mqtt",
    run,
};

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words, &[], &["--dir", "--show"])?;
    let mut cargo =
        workspace.cargo("test --quiet --locked --package wanglou-profiles --test samples -- --nocapture");
    if let Some(dir) = args.value("--dir") {
        cargo.env("WANGLOU_SAMPLES", folder(dir)?);
    }
    if let Some(family) = args.value("--show") {
        cargo.env("WANGLOU_SAMPLES_SHOW", family);
    }
    let status = cargo.status().context("starting cargo")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The folder as an absolute path: the test runs in its own package's folder.
///
/// # Errors
/// When there is no such folder.
fn folder(given: &str) -> Result<PathBuf> {
    let folder = Path::new(given);
    if !folder.is_dir() {
        bail!("--dir {given}: there is no such folder");
    }
    folder.canonicalize().with_context(|| format!("--dir {given}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = folder("no/such/folder").expect_err("it is not there").to_string();
        assert!(error.contains("no/such/folder"), "{error}");
        assert!(folder(".").expect("here").is_absolute());
    }
}

//! `cargo xtask fuzz`: not there yet.

use std::process::ExitCode;

use anyhow::Result;

use super::{Verb, later};
use crate::workspace::Workspace;

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "fuzz",
    about: "fuzz decoders and readers (a later issue's work)",
    help: "
Will drive the profile decoder, the frame reader and the MQTT loop with a coverage-guided fuzzer. Until
then the malformed corpus and the property tests of `cargo xtask test` cover them.

  cargo xtask fuzz",
    run,
};

fn run(_: &Workspace, _: &[String]) -> Result<ExitCode> {
    later("fuzzing")
}

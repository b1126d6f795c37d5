//! The README's two commands are there, and every `cargo xtask VERB` in the documents exists.

use anyhow::{Context, Result};

use super::files;
use crate::log::Log;
use crate::report::Outcome;
use crate::verbs;
use crate::workspace::Workspace;

const DOCUMENTS: [&str; 3] = ["README.md", "README.zh-CN.md", "ARCHITECTURE.md"];
/// Must stand in the README, as typed.
const PROMISED: [&str; 2] = ["cargo xtask demo", "cargo xtask test"];

/// Fails with each promised command that is missing and each verb that does not exist.
pub(crate) fn check(workspace: &Workspace, _: &Log) -> Result<Outcome> {
    let readme = std::fs::read_to_string(workspace.root.join("README.md")).context("README.md")?;
    let mut faults: Vec<String> =
        missing(&readme).map(|command| format!("README.md: no `{command}`")).collect();
    for document in DOCUMENTS {
        // The twin and the architecture may not be written yet; the README must be.
        let text = std::fs::read_to_string(workspace.root.join(document)).unwrap_or_default();
        faults
            .extend(unknown_verbs(&text).map(|verb| format!("{document}: there is no `cargo xtask {verb}`")));
    }
    files::none_of(&faults, "the documents and the commands disagree:")?;
    Ok(Outcome::passed(""))
}

fn missing(readme: &str) -> impl Iterator<Item = &'static str> {
    PROMISED.into_iter().filter(move |command| !readme.contains(command))
}

/// Words after `cargo xtask` that look like a verb and are none.
fn unknown_verbs(text: &str) -> impl Iterator<Item = &str> {
    text.split("cargo xtask ").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '-').unwrap_or(rest.len());
        let verb = &rest[..end];
        (!verb.is_empty() && !verb.starts_with('-') && verbs::find(verb).is_none()).then_some(verb)
    })
}

#[cfg(test)]
mod tests {
    use super::{missing, unknown_verbs};

    #[test]
    fn a_readme_without_its_two_commands_is_told_which() {
        let missing: Vec<_> = missing("Run `cargo xtask demo`.").collect();
        assert_eq!(missing, ["cargo xtask test"]);
    }

    #[test]
    fn verbs_that_do_not_exist_are_found() {
        let text = "`cargo xtask demo --pace 60`, `cargo xtask test`, `cargo xtask VERB`, cargo xtask deploy, cargo xtask --help";
        assert_eq!(unknown_verbs(text).collect::<Vec<_>>(), ["deploy"]);
    }
}

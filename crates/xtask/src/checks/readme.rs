//! What the documents name is there: the README's two commands, every `cargo xtask VERB` with its flags, every file that
//! a link or a path leads to. Of `wanglou` the gateway's own tests know the flags.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::files;
use crate::log::Log;
use crate::report::Outcome;
use crate::verbs;
use crate::workspace::Workspace;

/// Must stand in the README, as typed.
const PROMISED: [&str; 2] = ["cargo xtask demo", "cargo xtask test"];
/// A path in backticks that begins with one of these is one of the repository.
const FOLDERS: [&str; 6] = ["benches/", "config/", "crates/", "deploy/", "docs/", "tests/"];

/// Fails with each promised command that is missing, and each verb, flag or file that does not exist.
pub(crate) fn check(workspace: &Workspace, _: &Log) -> Result<Outcome> {
    let root = &workspace.root;
    let readme = std::fs::read_to_string(root.join("README.md")).context("README.md")?;
    let mut faults: Vec<String> =
        missing(&readme).map(|command| format!("README.md: no `{command}`")).collect();
    let all = files::below(root)?;
    for document in all.iter().filter(|file| file.extension().is_some_and(|end| end == "md")) {
        let text = std::fs::read_to_string(document).with_context(|| document.display().to_string())?;
        let folder = document.parent().unwrap_or(root);
        let links = links(&text).filter(|link| !folder.join(link).exists());
        let paths = spans(&text).filter(|span| names_a_file(span) && !is_there(root, &all, span));
        let shown = document.strip_prefix(root).unwrap_or(document).display();
        faults.extend(unknown(&text).into_iter().map(|words| format!("{shown}: there is no `{words}`")));
        faults.extend(links.chain(paths).map(|path| format!("{shown}: nothing lies at {path}")));
    }
    files::none_of(&faults, "the documents name what is not there:")?;
    Ok(Outcome::passed(""))
}

fn missing(readme: &str) -> impl Iterator<Item = &'static str> {
    PROMISED.into_iter().filter(move |command| !readme.contains(command))
}

/// `cargo xtask …` with a verb, or a flag of it, that does not exist. A list of verbs has commas.
fn unknown(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for command in text.split("cargo xtask ").skip(1) {
        let command = command.split(['`', '\n', '#']).next().unwrap_or_default();
        let mut words = command.split_whitespace();
        let mut known = None;
        for word in words.by_ref() {
            let verb = plain(word);
            known = verbs::find(verb);
            if known.is_none() && !verb.is_empty() && !verb.starts_with('-') {
                found.push(format!("cargo xtask {verb}"));
            }
            if !word.ends_with(',') {
                break;
            }
        }
        let Some(verb) = known else { continue };
        let flags = words.map(plain).filter(|word| word.starts_with("--") && word.len() > 2);
        let strange =
            flags.filter(|flag| *flag != "--help" && !verb.help.split_whitespace().any(|w| w == *flag));
        found.extend(strange.map(|flag| format!("cargo xtask {} {flag}", verb.name)));
    }
    found
}

/// The lower-case letters, digits and hyphens that the word begins with.
fn plain(word: &str) -> &str {
    let end = word.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '-');
    &word[..end.unwrap_or(word.len())]
}

/// Where links in the text lead to, but for other sites and places on the same page.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = ends.map(|(target, _)| target.split('#').next().unwrap_or_default());
    targets.filter(|target| !target.is_empty() && !target.contains("://"))
}

/// What stands between single backticks.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    let outside = text.split("```").step_by(2);
    outside.flat_map(|part| part.lines()).flat_map(|line| line.split('`').skip(1).step_by(2))
}

fn names_a_file(span: &str) -> bool {
    FOLDERS.iter().any(|folder| span.starts_with(folder)) && !span.contains([' ', '<', '{'])
}

/// Whether there is such a file or folder; a `*` stands for anything.
fn is_there(root: &Path, all: &[PathBuf], path: &str) -> bool {
    let Some((begin, end)) = path.split_once('*') else { return root.join(path).exists() };
    let mut names = all.iter().filter_map(|file| file.strip_prefix(root).ok()?.to_str());
    names.any(|name| name.starts_with(begin) && name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_readme_without_its_two_commands_is_told_which() {
        let missing: Vec<_> = missing("Run `cargo xtask demo`.").collect();
        assert_eq!(missing, ["cargo xtask test"]);
    }

    #[test]
    fn verbs_and_flags_that_do_not_exist_are_found() {
        let text = "`cargo xtask demo --pace 60`, `cargo xtask test`, `cargo xtask VERB`, cargo xtask deploy, \
                    cargo xtask --help\ncargo xtask sim --seed 4 --fuel # --not-this\n`cargo xtask fuzz, fault, flood`";
        let expected = ["cargo xtask deploy", "cargo xtask sim --fuel", "cargo xtask flood"];
        assert_eq!(unknown(text), expected);
    }

    #[test]
    fn links_and_paths_are_told_from_other_words() {
        let text = "[a](docs/a.md#b) [c](https://x.example/) [d](#d) `crates/x/*.rs`, `a/b` and\n```\n`docs/no`\n```";
        assert_eq!(links(text).collect::<Vec<_>>(), ["docs/a.md"]);
        let named: Vec<_> = spans(text).filter(|span| names_a_file(span)).collect();
        assert_eq!(named, ["crates/x/*.rs"]);
    }

    #[test]
    fn a_star_stands_for_anything() {
        let root = Path::new("/w");
        let all = [root.join("tests/tests/fault_kill.rs")];
        assert!(is_there(root, &all, "tests/tests/fault_*.rs"));
        assert!(!is_there(root, &all, "tests/tests/flood_*.rs"));
    }
}

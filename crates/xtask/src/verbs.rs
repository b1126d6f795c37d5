//! The list of verbs, their help, and the way from a command line to one of them.

mod bench;
mod demo;
mod e2e;
mod fault;
mod fuzz;
mod samples;
mod screenshots;
mod setup;
mod sim;
mod test;

use std::process::ExitCode;

use anyhow::Result;

use crate::workspace::Workspace;

/// One verb.
pub(crate) struct Verb {
    /// What is typed.
    pub(crate) name: &'static str,
    /// What it does, in a line.
    pub(crate) about: &'static str,
    /// Its arguments and examples.
    pub(crate) help: &'static str,
    /// Does it with the words after the verb.
    pub(crate) run: fn(&Workspace, &[String]) -> Result<ExitCode>,
}

const VERBS: [&Verb; 10] = [
    &demo::VERB,
    &test::VERB,
    &setup::VERB,
    &e2e::VERB,
    &sim::VERB,
    &fault::VERB,
    &fuzz::VERB,
    &samples::VERB,
    &bench::VERB,
    &screenshots::VERB,
];

/// Wrong usage, as most programs say it.
const USAGE: u8 = 2;

/// The verb of that name.
pub(crate) fn find(name: &str) -> Option<&'static Verb> {
    VERBS.into_iter().find(|verb| verb.name == name)
}

/// Runs what the command line asks for.
pub(crate) fn dispatch(arguments: &[String]) -> Result<ExitCode> {
    let Some((name, rest)) = arguments.split_first() else {
        println!("{}", overview());
        return Ok(ExitCode::from(USAGE));
    };
    if ["help", "--help", "-h"].contains(&name.as_str()) {
        println!("{}", overview());
        return Ok(ExitCode::SUCCESS);
    }
    let Some(verb) = find(name) else {
        eprintln!("xtask: there is no verb `{name}`\n\n{}", overview());
        return Ok(ExitCode::from(USAGE));
    };
    if rest.first().is_some_and(|word| word == "--help" || word == "-h") {
        println!("cargo xtask {}: {}\n\n{}", verb.name, verb.about, verb.help.trim());
        return Ok(ExitCode::SUCCESS);
    }
    (verb.run)(&Workspace::find()?, rest)
}

fn overview() -> String {
    let mut text = "cargo xtask VERB [ARGUMENTS]\n\n".to_owned();
    for verb in VERBS {
        text.push_str(&format!("  {:<12} {}\n", verb.name, verb.about));
    }
    text.push_str("\ncargo xtask VERB --help shows a verb's arguments and examples.");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_help_with_an_example_of_itself() {
        for verb in VERBS {
            assert!(verb.help.contains(&format!("cargo xtask {}", verb.name)), "{}", verb.name);
            assert!(overview().contains(verb.about), "{}", verb.name);
        }
    }

    #[test]
    fn an_unknown_verb_is_wrong_usage() {
        let code = dispatch(&["deploy".to_owned()]).expect("an exit code");
        assert_eq!(code, ExitCode::from(USAGE));
    }
}

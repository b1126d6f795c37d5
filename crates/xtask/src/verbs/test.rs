//! `cargo xtask test`: everything that must hold before a change lands.

use std::process::ExitCode;

use anyhow::{Result, bail};

use super::{Verb, setup};
use crate::args::Args;
use crate::checks::{licences, paths, purity, readme};
use crate::report::{Report, Step};
use crate::workspace::Workspace;
use crate::{browser, suite, web};

/// This verb.
pub(crate) const VERB: Verb = Verb {
    name: "test",
    about: "run all checks and tests; CI runs this",
    help: "
Installs what it needs, then checks and tests everything, quick things first. A step's output goes to
target/xtask/STEP.log and is shown when the step fails. Ends with `N passed, N failed`.

  --only A,B     only these steps (needed ones are taken to have passed)
  --without A,B  all but these steps
  --fail-fast    stop at the first failure
  --full         the pictures of every page too (web-screens), which take minutes

Steps: tools fmt purity paths readme npm web-check web-test web-build web-size clippy licences
advisories build tests doc-tests web-screens browser

  cargo xtask test
  cargo xtask test --only fmt,clippy
  cargo xtask test --without browser --fail-fast",
    run,
};

/// The app that the gateway embeds.
pub(super) const WEB_BUILD: Step<'_> =
    Step { name: "web-build", about: "the web app", needs: &["npm"], run: &web::build };
/// Every page as a picture, checked for accessibility.
pub(super) const SCREENS: Step<'_> = Step {
    name: "web-screens",
    about: "every page at phone size: accessible, nothing sideways",
    needs: &["tools", "web-build"],
    run: &web::screens,
};
/// The gateway's binary and all tests.
pub(super) const BUILD: Step<'_> =
    Step { name: "build", about: "the gateway and all tests", needs: &["tools"], run: &suite::build };
/// A real browser against a real gateway.
pub(super) const BROWSER: Step<'_> = Step {
    name: "browser",
    about: "headless Chromium against the gateway",
    needs: &["tools", "web-build", "build"],
    run: &browser::test,
};

const STEPS: [Step<'_>; 18] = [
    setup::TOOLS,
    Step { name: "fmt", about: "formatting", needs: &[], run: &suite::fmt },
    Step {
        name: "purity",
        about: "no clock, random or runtime in pure crates",
        needs: &[],
        run: &purity::check,
    },
    Step { name: "paths", about: "no path or address of one machine", needs: &[], run: &paths::check },
    Step { name: "readme", about: "what the documents name exists", needs: &[], run: &readme::check },
    setup::NPM,
    Step {
        name: "web-check",
        about: "types and templates of the web app",
        needs: &["npm"],
        run: &web::check,
    },
    Step { name: "web-test", about: "the web app's own tests", needs: &["npm"], run: &web::test },
    WEB_BUILD,
    Step { name: "web-size", about: "what a phone loads at once", needs: &["web-build"], run: &web::size },
    Step { name: "clippy", about: "lints, warnings denied", needs: &["tools"], run: &suite::clippy },
    Step { name: "licences", about: "licences, bans, sources", needs: &[], run: &licences::check },
    Step { name: "advisories", about: "known vulnerabilities", needs: &[], run: &licences::advisories },
    BUILD,
    Step {
        name: "tests",
        about: "unit, scenario, simulation, recovery, fault, end to end",
        needs: &["build"],
        run: &suite::all,
    },
    Step { name: "doc-tests", about: "examples in documentation", needs: &["build"], run: &suite::doc },
    SCREENS,
    BROWSER,
];

fn run(workspace: &Workspace, words: &[String]) -> Result<ExitCode> {
    let args = Args::parse(words, &["--fail-fast", "--full"], &["--only", "--without"])?;
    let mut steps = select(args.value("--only"), args.value("--without"))?;
    if !args.has("--full") && args.value("--only").is_none() {
        // Some two hundred pictures take minutes: `cargo xtask screenshots` makes them too.
        steps.retain(|step| step.name != SCREENS.name);
    }
    let mut report = Report::new(workspace);
    report.run(&steps, args.has("--fail-fast"))?;
    Ok(report.finish())
}

/// The steps to run, in their order.
fn select(only: Option<&str>, without: Option<&str>) -> Result<Vec<&'static Step<'static>>> {
    let named = |list: Option<&str>| {
        list.unwrap_or_default()
            .split(',')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (only, without) = (named(only), named(without));
    for name in only.iter().chain(&without) {
        if STEPS.iter().all(|step| step.name != *name) {
            bail!("there is no step `{name}`; --help lists them");
        }
    }
    let is_chosen = |step: &&Step<'_>| {
        (only.is_empty() || only.iter().any(|name| name == step.name))
            && without.iter().all(|name| name != step.name)
    };
    let chosen: Vec<&Step<'_>> = STEPS.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        bail!("no step is left to run");
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(only: Option<&str>, without: Option<&str>) -> Vec<&'static str> {
        select(only, without).expect("steps").iter().map(|step| step.name).collect()
    }

    #[test]
    fn chosen_steps_keep_their_order() {
        assert_eq!(names(Some("clippy,fmt"), None), ["fmt", "clippy"]);
        assert_eq!(names(None, None).len(), STEPS.len());
        assert!(!names(None, Some("browser")).contains(&"browser"));
    }

    #[test]
    fn a_step_that_does_not_exist_is_named() {
        let error = select(Some("fmt,clipy"), None).err().expect("no such step");
        assert!(error.to_string().contains("`clipy`"));
        assert!(select(Some("fmt"), Some("fmt")).is_err());
    }

    #[test]
    fn needs_come_before_the_steps_that_have_them() {
        for (index, step) in STEPS.iter().enumerate() {
            for need in step.needs {
                assert!(
                    STEPS[..index].iter().any(|earlier| earlier.name == *need),
                    "{} needs {need}",
                    step.name
                );
            }
        }
    }

    #[test]
    fn the_help_lists_every_step() {
        for step in &STEPS {
            assert!(VERB.help.contains(step.name), "{}", step.name);
        }
    }
}

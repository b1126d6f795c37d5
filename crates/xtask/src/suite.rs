//! Builds the workspace and runs its Rust tests.
//!
//! All of it selects the same packages with the same features in the same profile, so that each
//! dependency is compiled once for lints, once for everything else.
//!
//! What tests can rely on: `WANGLOU_BIN` is the gateway's binary, `CHROMIUM` the browser,
//! `mosquitto` is on the path; `WANGLOU_SEEDS` and `WANGLOU_SEED` say how many simulation seeds, or
//! which one; `WANGLOU_FULL=1` asks for the long forms, which are also marked `#[ignore]` where they
//! are tests of their own. The verbs `sim`, `fault` and `e2e` select test targets of those names
//! (`tests/tests/sim*.rs`, …).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::counts::Counts;
use crate::log::Log;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Which tests to run, and how hard.
#[derive(Debug, Default)]
pub(crate) struct Selection<'a> {
    /// A pattern of test targets, such as `sim*`; all when absent.
    pub(crate) target: Option<&'a str>,
    /// Also the long forms: tests marked `#[ignore]`, and `WANGLOU_FULL=1` for all.
    pub(crate) full: bool,
    /// What the tests print is shown as it comes, one test after the other; their figures are in the summary.
    pub(crate) shown: bool,
    /// What the tests read from the environment.
    pub(crate) env: Vec<(&'static str, String)>,
}

/// Lints with warnings denied.
pub(crate) fn clippy(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    log.must(workspace.building("clippy --workspace --all-targets").args(["--", "-D", "warnings"]))?;
    Ok(Outcome::passed(""))
}

/// Formatting. The files of the rules are named one by one: a macro declares their modules, which rustfmt does
/// not follow.
pub(crate) fn fmt(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    log.must(&mut workspace.cargo("fmt --all --check"))?;
    let rules = rule_files(&workspace.root.join("crates/engine/src/rules"))?;
    let mut command = workspace.command("rustfmt", &workspace.root);
    let done = log.run(command.args(["--edition", "2024", "--check"]).args(&rules))?;
    if !done.status.success() {
        bail!(
            "a rule is not formatted: rustfmt --edition 2024 crates/engine/src/rules/*.rs crates/engine/src/rules/*/mod.rs"
        );
    }
    Ok(Outcome::passed(""))
}

/// The root file of each rule: rustfmt follows the modules that it declares.
fn rule_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        files.push(if path.is_dir() { path.join("mod.rs") } else { path });
    }
    files.retain(|path| path.extension().is_some_and(|ending| ending == "rs") && path.exists());
    files.sort();
    Ok(files)
}

/// The gateway's binary and all tests. The binary is asked for by name because the end-to-end and
/// browser tests start it, and cargo builds it for the gateway's own tests only.
pub(crate) fn build(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    log.must(&mut workspace.building("build --workspace --lib --bins --tests"))?;
    Ok(Outcome::passed(""))
}

/// All Rust tests of the workspace but those in documentation.
pub(crate) fn all(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    run(workspace, log, &Selection::default())
}

/// The selected tests, by cargo-nextest where it is installed, else by cargo itself.
pub(crate) fn run(workspace: &Workspace, log: &Log, selection: &Selection<'_>) -> Result<Outcome> {
    let has_nextest = workspace.has_cargo("nextest");
    let mut command =
        if has_nextest { nextest(workspace, selection) } else { cargo_test(workspace, selection) };
    if selection.full {
        command.env("WANGLOU_FULL", "1");
    }
    command.envs(selection.env.iter().map(|(name, value)| (name, value)));
    let done = if selection.full { log.run_full(&mut command)? } else { log.run(&mut command)? };
    let counts =
        if has_nextest { Counts::from_nextest(&done.output) } else { Counts::from_cargo_test(&done.output) };
    let counts = counts.with_context(|| format!("the tests did not run ({})", done.status))?;
    if !done.status.success() && counts.failed == 0 {
        bail!("the test runner failed outside of its tests ({}; {counts})", done.status);
    }
    let figures = figures(&done.output);
    Ok(if figures.is_empty() { Outcome::tests(counts)? } else { Outcome::tests(counts)?.noting(&figures) })
}

/// The lines in which simulations say how much happened.
fn figures(output: &str) -> String {
    let lines: Vec<&str> = output.lines().filter(|line| line.starts_with("simulated ")).collect();
    lines.join("; ")
}

/// The examples in documentation.
pub(crate) fn doc(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    let done = log.run(&mut workspace.building("test --doc --workspace --no-fail-fast"))?;
    let counts = Counts::from_cargo_test(&done.output).unwrap_or_default();
    if !done.status.success() && counts.failed == 0 {
        bail!("the documentation's tests did not run ({})", done.status);
    }
    Ok(Outcome::optional_tests(counts))
}

fn nextest(workspace: &Workspace, selection: &Selection<'_>) -> Command {
    let mut command = workspace.building("nextest run --workspace --no-fail-fast --no-tests pass");
    command.args(["--show-progress", "none", "--status-level", "pass"]);
    command.args(if selection.shown { &["--no-capture"][..] } else { &["--failure-output", "final"] });
    if let Some(target) = selection.target {
        command.args(["--test", target]);
    }
    if selection.full {
        command.args(["--run-ignored", "all", "--profile", "full"]);
    }
    command
}

fn cargo_test(workspace: &Workspace, selection: &Selection<'_>) -> Command {
    let mut command = workspace.building("test --workspace --no-fail-fast");
    match selection.target {
        Some(target) => command.args(["--test", target]),
        None => command.args(["--lib", "--bins", "--tests"]),
    };
    let ignored = selection.full.then_some("--include-ignored");
    let shown = selection.shown.then_some("--nocapture");
    if ignored.or(shown).is_some() {
        command.arg("--").args(ignored).args(shown);
    }
    command
}

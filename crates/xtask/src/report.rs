//! Runs numbered steps, shows each with its time, and ends with one summary.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::counts::Counts;
use crate::log::{CLEAR_LINE, Log, brief, now};
use crate::workspace::Workspace;

/// One thing to do.
pub(crate) struct Step<'a> {
    /// Short name: also the log's file name, and what `--only` takes.
    pub(crate) name: &'static str,
    /// What it does, for a person.
    pub(crate) about: &'static str,
    /// Steps without which this one makes no sense.
    pub(crate) needs: &'static [&'static str],
    /// Does it. An error is a failure with its reason.
    pub(crate) run: &'a dyn Fn(&Workspace, &Log) -> Result<Outcome>,
}

/// What a step that did not fail outright has to say.
#[derive(Debug)]
pub(crate) struct Outcome {
    counts: Counts,
    note: String,
}

impl Outcome {
    /// A check that held.
    pub(crate) fn passed(note: impl Into<String>) -> Self {
        Self { counts: Counts::ONE, note: note.into() }
    }

    /// A step that cannot run here; counted, and said aloud.
    pub(crate) fn skipped(reason: impl Into<String>) -> Self {
        Self { counts: Counts { skipped: 1, ..Counts::default() }, note: reason.into() }
    }

    /// A run of tests that must have some.
    pub(crate) fn tests(counts: Counts) -> Result<Self> {
        if counts.executed() == 0 {
            bail!("no test was executed");
        }
        Ok(Self { counts, note: counts.to_string() })
    }

    /// The same, with more to say.
    pub(crate) fn noting(mut self, more: &str) -> Self {
        self.note = format!("{}; {more}", self.note);
        self
    }

    /// A run of tests that may have none.
    pub(crate) fn optional_tests(counts: Counts) -> Self {
        Self { counts, note: counts.to_string() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Passed,
    Failed,
    Skipped,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "ok",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
        }
    }
}

struct Row {
    name: &'static str,
    verdict: Verdict,
    took: Duration,
    note: String,
}

/// The steps of one verb, as they went.
pub(crate) struct Report<'a> {
    workspace: &'a Workspace,
    started: Instant,
    rows: Vec<Row>,
    counts: Counts,
}

impl<'a> Report<'a> {
    /// An empty report.
    pub(crate) fn new(workspace: &'a Workspace) -> Self {
        Self { workspace, started: now(), rows: Vec::new(), counts: Counts::default() }
    }

    /// Runs the steps in their order. One whose need failed is skipped; with `stop_at_failure` so
    /// are all after the first failure.
    pub(crate) fn run(&mut self, steps: &[&Step<'_>], stop_at_failure: bool) -> Result<()> {
        for (index, step) in steps.iter().enumerate() {
            let label = format!("[{:>2}/{}] {:<11}", index + 1, steps.len(), step.name);
            let log =
                Log::create(self.workspace.scratch().join(format!("{}.log", step.name)), label.clone())?;
            announce(&format!("{label} {}", step.about));
            let outcome = match self.missing_need(step, stop_at_failure) {
                Some(need) => Ok(Outcome::skipped(format!("needs `{need}`, which did not pass"))),
                None => (step.run)(self.workspace, &log),
            };
            self.settle(step, &label, &log, outcome);
        }
        Ok(())
    }

    /// Whether nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        self.counts.failed == 0
    }

    /// Prints the table of steps and, last, the counts; the exit code says whether all held.
    pub(crate) fn finish(self) -> ExitCode {
        println!();
        for row in &self.rows {
            let note = row.note.lines().next().unwrap_or_default();
            println!("{:<11} {:<8} {:>8}  {note}", row.name, row.verdict.word(), brief(row.took));
        }
        println!(
            "{} in all; logs in {}",
            brief(now().duration_since(self.started)),
            self.workspace.scratch().display()
        );
        println!();
        println!("{}", self.counts);
        if self.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn missing_need(&self, step: &Step<'_>, stop_at_failure: bool) -> Option<&'static str> {
        let bad = |row: &&Row| match row.verdict {
            Verdict::Passed => false,
            Verdict::Failed => stop_at_failure || step.needs.contains(&row.name),
            Verdict::Skipped => step.needs.contains(&row.name),
        };
        self.rows.iter().find(bad).map(|row| row.name)
    }

    fn settle(&mut self, step: &Step<'_>, label: &str, log: &Log, outcome: Result<Outcome>) {
        let (verdict, counts, note) = match outcome {
            Ok(outcome) => (verdict(outcome.counts), outcome.counts, outcome.note),
            Err(error) => (Verdict::Failed, Counts { failed: 1, ..Counts::default() }, format!("{error:#}")),
        };
        self.counts += counts;
        let took = log.elapsed();
        println!("{}{label} {} ({}) {note}", clear(), verdict.word(), brief(took));
        if verdict == Verdict::Failed {
            let tail = log.tail();
            if !tail.is_empty() {
                println!("---- the end of {}\n{tail}\n----", log.path().display());
            }
        }
        self.rows.push(Row { name: step.name, verdict, took, note });
    }
}

fn verdict(counts: Counts) -> Verdict {
    if counts.failed > 0 {
        Verdict::Failed
    } else if counts.passed == 0 && counts.skipped > 0 {
        Verdict::Skipped
    } else {
        Verdict::Passed
    }
}

fn announce(line: &str) {
    let mut out = std::io::stdout();
    let end = if out.is_terminal() { "" } else { "\n" };
    // A closed terminal must not stop the run.
    let _ = write!(out, "{line}{end}").and_then(|()| out.flush());
}

fn clear() -> &'static str {
    if std::io::stdout().is_terminal() { CLEAR_LINE } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace() -> Workspace {
        let target = std::env::temp_dir().join(format!("wanglou-xtask-report-{}", std::process::id()));
        Workspace { root: target.clone(), binary: target.join("wanglou"), target }
    }

    fn holds(_: &Workspace, _: &Log) -> Result<Outcome> {
        Ok(Outcome::passed(""))
    }

    fn breaks(_: &Workspace, _: &Log) -> Result<Outcome> {
        bail!("broken")
    }

    fn empty(_: &Workspace, _: &Log) -> Result<Outcome> {
        Outcome::tests(Counts::default())
    }

    const fn step<'a>(
        name: &'static str,
        needs: &'static [&'static str],
        run: &'a dyn Fn(&Workspace, &Log) -> Result<Outcome>,
    ) -> Step<'a> {
        Step { name, about: "", needs, run }
    }

    #[test]
    fn a_step_whose_need_failed_is_skipped_and_the_others_go_on() {
        let workspace = workspace();
        let mut report = Report::new(&workspace);
        let (a, b, c) = (step("a", &[], &breaks), step("b", &["a"], &holds), step("c", &[], &holds));
        report.run(&[&a, &b, &c], false).expect("logs can be written");
        assert_eq!(report.counts, Counts { passed: 1, failed: 1, skipped: 1 });
        assert!(!report.is_good());
    }

    #[test]
    fn stopping_at_the_first_failure_skips_all_that_follow() {
        let workspace = workspace();
        let mut report = Report::new(&workspace);
        let (a, b) = (step("a", &[], &breaks), step("b", &[], &holds));
        report.run(&[&a, &b], true).expect("logs can be written");
        assert_eq!(report.counts, Counts { passed: 0, failed: 1, skipped: 1 });
    }

    #[test]
    fn a_step_that_executed_no_test_has_failed() {
        let workspace = workspace();
        let mut report = Report::new(&workspace);
        report.run(&[&step("a", &[], &empty)], false).expect("logs can be written");
        assert_eq!(report.counts, Counts { passed: 0, failed: 1, skipped: 0 });
    }
}

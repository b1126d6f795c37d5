//! How many tests passed, failed and were skipped, read from what the runners print.

use std::ops::AddAssign;

use anyhow::{Context, Result};
use serde_json::Value;

/// Numbers of tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Ran and held.
    pub(crate) passed: u64,
    /// Ran and did not hold, or could not run although asked to.
    pub(crate) failed: u64,
    /// Left out.
    pub(crate) skipped: u64,
}

impl Counts {
    /// One check that held.
    pub(crate) const ONE: Self = Self { passed: 1, failed: 0, skipped: 0 };

    /// Tests that were executed.
    pub(crate) fn executed(self) -> u64 {
        self.passed + self.failed
    }

    /// The last `Summary [ 1.0s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 3 skipped`
    /// of cargo-nextest.
    pub(crate) fn from_nextest(output: &str) -> Option<Self> {
        let line = output.lines().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
        let (_, numbers) = line.split_once(" run: ")?;
        let mut counts = Self::default();
        for (number, word) in parts(&without_parentheses(numbers)) {
            match word {
                "passed" => counts.passed += number,
                "skipped" => counts.skipped += number,
                // failed, timed out, exec failed
                _ => counts.failed += number,
            }
        }
        Some(counts)
    }

    /// The sum of all `test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out`
    /// lines of `cargo test`.
    pub(crate) fn from_cargo_test(output: &str) -> Option<Self> {
        let mut sum = None;
        for line in output.lines().filter(|line| line.trim_start().starts_with("test result: ")) {
            let counts: &mut Self = sum.get_or_insert_default();
            for (number, word) in parts(line.split_once(". ")?.1) {
                match word {
                    "passed" => counts.passed += number,
                    "failed" => counts.failed += number,
                    "ignored" => counts.skipped += number,
                    _ => {}
                }
            }
        }
        sum
    }

    /// The closing `# pass 3`, `# fail 1`, … of `node --test` with its TAP reporter.
    pub(crate) fn from_node(output: &str) -> Option<Self> {
        let number = |name: &str| {
            let mut lines = output.lines().rev();
            lines.find_map(|line| line.strip_prefix("# ")?.strip_prefix(name)?.trim().parse::<u64>().ok())
        };
        Some(Self {
            passed: number("pass ")?,
            failed: number("fail ")? + number("cancelled ").unwrap_or(0),
            skipped: number("skipped ").unwrap_or(0) + number("todo ").unwrap_or(0),
        })
    }

    /// The report of vitest's `json` reporter. A file that could not be loaded has no tests in it,
    /// so it counts as one failure.
    pub(crate) fn from_vitest(report: &str) -> Result<Self> {
        let report: Value = serde_json::from_str(report).context("vitest's report is not JSON")?;
        let number = |name: &str| {
            report
                .get(name)
                .and_then(Value::as_u64)
                .with_context(|| format!("vitest's report has no number `{name}`"))
        };
        let unloaded = report
            .get("testResults")
            .and_then(Value::as_array)
            .map_or(0, |files| files.iter().filter(|file| is_unloaded(file)).count() as u64);
        Ok(Self {
            passed: number("numPassedTests")?,
            failed: number("numFailedTests")? + unloaded,
            skipped: number("numPendingTests")? + number("numTodoTests").unwrap_or(0),
        })
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

/// `12 passed, 0 failed`, and `, 3 skipped` where there are any: CI reads this line.
impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

fn is_unloaded(file: &Value) -> bool {
    file.get("status").and_then(Value::as_str) == Some("failed")
        && file.get("assertionResults").and_then(Value::as_array).is_none_or(Vec::is_empty)
}

/// `9 passed, 1 timed out` or `9 passed; 1 failed` as numbers with their words.
fn parts(text: &str) -> impl Iterator<Item = (u64, &str)> {
    text.split([',', ';']).filter_map(|part| {
        let (number, word) = part.trim().split_once(' ')?;
        Some((number.parse().ok()?, word.trim()))
    })
}

/// Leaves out what nextest adds in parentheses: those tests are counted before it.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(c),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::Counts;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts { passed, failed, skipped }
    }

    #[test]
    fn nextest_counts_every_way_to_fail_and_no_test_twice() {
        let all_kinds = "\
            PASS [   0.004s] wanglou-model ids\n\
     Summary [   4.201s] 14 tests run: 9 passed (2 slow, 1 flaky), 3 failed, 1 timed out, 1 exec failed, 5 skipped\n\
error: test run failed\n";
        assert_eq!(Counts::from_nextest(all_kinds), Some(counts(9, 5, 5)));
        let good = "     Summary [   0.020s] 1 test run: 1 passed, 0 skipped\n";
        assert_eq!(Counts::from_nextest(good), Some(counts(1, 0, 0)));
        let cancelled = "     Summary [   0.020s] 2/7 tests run: 1 passed, 1 failed, 0 skipped\n";
        assert_eq!(Counts::from_nextest(cancelled), Some(counts(1, 1, 0)));
    }

    #[test]
    fn a_run_without_a_summary_has_no_counts() {
        assert_eq!(Counts::from_nextest("error: could not compile `wanglou-model`"), None);
        assert_eq!(Counts::from_cargo_test("error: could not compile `wanglou-model`"), None);
        assert_eq!(Counts::from_node("Error: cannot find module"), None);
    }

    #[test]
    fn cargo_test_sums_over_binaries() {
        let output = "\
test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.02s\n\
test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s\n";
        assert_eq!(Counts::from_cargo_test(output), Some(counts(7, 3, 1)));
    }

    #[test]
    fn node_counts_cancelled_tests_as_failed() {
        let output = "ok 1 - accepts\n1..4\n# tests 6\n# suites 0\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 1\n# duration_ms 31.5\n";
        assert_eq!(Counts::from_node(output), Some(counts(2, 2, 2)));
    }

    #[test]
    fn vitest_counts_a_file_that_did_not_load() {
        let report = r#"{"numPassedTests":4,"numFailedTests":1,"numPendingTests":2,"numTodoTests":0,
            "testResults":[
                {"status":"failed","assertionResults":[]},
                {"status":"failed","assertionResults":[{"status":"failed"}]},
                {"status":"passed","assertionResults":[{"status":"passed"}]}]}"#;
        assert_eq!(Counts::from_vitest(report).expect("a report"), counts(4, 2, 2));
        assert!(Counts::from_vitest("{}").is_err());
        assert!(Counts::from_vitest("").is_err());
    }

    #[test]
    fn the_closing_line_names_skipped_tests_only_when_there_are_any() {
        assert_eq!(counts(3, 0, 0).to_string(), "3 passed, 0 failed");
        assert_eq!(counts(3, 1, 2).to_string(), "3 passed, 1 failed, 2 skipped");
    }
}

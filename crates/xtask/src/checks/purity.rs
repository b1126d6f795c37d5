//! The vocabulary, the profiles and the engine read no clock, draw no random number and know no
//! runtime: the same input gives the same bytes, today and in a replay.

use anyhow::Result;

use super::files;
use crate::log::Log;
use crate::report::Outcome;
use crate::workspace::Workspace;

const PURE: [&str; 3] = ["crates/model", "crates/profiles", "crates/engine"];
const FORBIDDEN: [&str; 4] = ["SystemTime::now", "Instant::now", "rand::", "tokio"];

/// Fails with each place that mentions one of them, comments included: then a plain search shows
/// the same.
pub(crate) fn check(workspace: &Workspace, _: &Log) -> Result<Outcome> {
    let folders = PURE.map(|folder| workspace.root.join(folder));
    let faults = files::faults(&workspace.root, &folders, |_, line| fault(line))?;
    files::none_of(&faults, "clock, random numbers or a runtime in a pure crate:")?;
    Ok(Outcome::passed(""))
}

fn fault(line: &str) -> Option<String> {
    let word = FORBIDDEN.iter().find(|word| line.contains(*word))?;
    Some(format!("`{word}` in `{}`", line.trim()))
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn each_source_of_surprise_is_found() {
        for line in
            ["let t = SystemTime::now();", "Instant::now()", "rand::random()", "tokio.workspace = true"]
        {
            assert!(fault(line).is_some(), "{line}");
        }
        assert_eq!(fault("let at = input.at;"), None);
    }
}

//! Tests that drive a real browser against a real gateway.
//!
//! They lie in `tests/browser` with a lock file of their own. They are told by the environment which
//! gateway and which browser to start: `WANGLOU_BIN`, `CHROMIUM`.

use anyhow::{Context, Result, bail};

use crate::counts::Counts;
use crate::log::Log;
use crate::report::Outcome;
use crate::web;
use crate::workspace::Workspace;

/// One file at a time: each starts a gateway and a browser, and two cores are enough for one.
const NODE_TEST: [&str; 4] =
    ["--test", "--test-reporter=tap", "--test-concurrency=1", "--test-timeout=180000"];

/// Runs `node --test` over the browser tests.
pub(crate) fn test(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    let folder = workspace.browser();
    web::install_in(workspace, log, &folder)?;
    let done = log.run(workspace.command("node", &folder).args(NODE_TEST))?;
    let counts = Counts::from_node(&done.output)
        .with_context(|| format!("node --test printed no summary ({})", done.status))?;
    if !done.status.success() && counts.failed == 0 {
        bail!("node --test failed outside of its tests ({}; {counts})", done.status);
    }
    Outcome::tests(counts)
}

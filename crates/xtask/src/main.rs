//! The workspace's commands: `cargo xtask VERB`.
//!
//! Each verb installs what it needs, does one thing, shows numbered steps while it works and ends
//! with one summary. A verb is one file under [`verbs`]; what several of them share (tools, the
//! web app, running tests, parsing their summaries) lies beside it. Nothing here is part of the
//! product: it builds on every call, so it depends on almost nothing.

mod args;
mod browser;
mod checks;
mod counts;
mod log;
mod report;
mod suite;
mod tools;
mod verbs;
mod web;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match verbs::dispatch(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! `wanglou verify`: is the journal sound?

use super::Ended;
use crate::cli::say::say;
use clap::Args as ClapArgs;
use std::path::PathBuf;
use wanglou_journal::files::disk::DiskFiles;

/// Check the journal frame by frame and link by link, and name every bad byte. Changes nothing.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  wanglou verify --data data\n\nExit code 1 if anything is bad. Stop the gateway first, or read the last batch as still being written."
)]
pub struct Args {
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Args {
    /// Reads everything and prints what is bad.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn run(self) -> anyhow::Result<Ended> {
        let report = wanglou_journal::verify(&DiskFiles, &self.data)?;
        for bad in &report.bad {
            say!("bad: {bad}")?;
        }
        say!(
            "{} segments, {} batches, {} records ({} without body by age), {} bytes; {} snapshots, {} blobs, {} configurations; {} bad places",
            report.segments,
            report.batches,
            report.records,
            report.erased,
            report.bytes,
            report.snapshots,
            report.blobs,
            report.configs,
            report.bad.len()
        )?;
        Ok(if report.is_sound() { Ended::Well } else { Ended::Faulty })
    }
}

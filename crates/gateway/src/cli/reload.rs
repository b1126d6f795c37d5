//! `wanglou reload`: the running gateway reads its configuration anew.

use super::{Ended, local};
use crate::cli::say::tell;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Have the gateway that runs here read its configuration anew.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou reload --config config/gateway.toml --why agreed-with-the-dancers
  wanglou check --config config/gateway.toml && wanglou reload --config config/gateway.toml

A change with faults is refused as a whole, with every fault named, and the old configuration runs on. kill -HUP does
the same and tells the log. Addresses, the broker and limits of memory are read at a start only.")]
pub struct Args {
    /// The file of the gateway that runs on this machine.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Why, for the journal and the log.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

impl Args {
    /// Asks the gateway and prints which configuration holds now.
    ///
    /// # Errors
    /// When no gateway runs, or it refused: then nothing has changed.
    pub async fn run(self) -> anyhow::Result<Ended> {
        let answer =
            local::post(&self.config, "/api/admin/reload", &serde_json::json!({"why": self.why})).await?;
        let hash = answer["config"].as_str().unwrap_or_default();
        tell!("reloaded: configuration {}", hash.get(..12).unwrap_or(hash));
        Ok(Ended::Well)
    }
}

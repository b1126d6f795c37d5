//! `wanglou test-alarm`: does an alarm really arrive?

use super::{Ended, local};
use crate::cli::say::tell;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Raise an alarm marked TEST, which goes through the real ladder to real phones.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  wanglou test-alarm --config config/gateway.toml --place 3/2/lift-B\n  wanglou test-alarm --config config/gateway.toml --place cover/17 --priority 1"
)]
pub struct Args {
    /// The file of the gateway that runs on this machine.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The place, as in places.csv: it decides who is told.
    #[arg(long)]
    place: String,
    /// 1, 2 or 3.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=3))]
    priority: u8,
}

impl Args {
    /// Asks the gateway and prints whom it told.
    ///
    /// # Errors
    /// When no gateway runs, or the place is unknown.
    pub async fn run(self) -> anyhow::Result<Ended> {
        let body = serde_json::json!({"place": self.place, "priority": self.priority});
        let answer = local::post(&self.config, "/api/local/test-alarm", &body).await?;
        let told: Vec<&str> =
            answer["told"].as_array().into_iter().flatten().filter_map(|id| id.as_str()).collect();
        tell!("{} told {}", answer["alarm"].as_str().unwrap_or_default(), told.join(", "));
        if told.is_empty() {
            tell!("Nobody on duty serves this place: look at the rota. The ladder goes on all the same.");
        }
        Ok(Ended::Well)
    }
}

//! `wanglou metrics`: what Prometheus can scrape, and what for.

use super::Ended;
use crate::cli::say::out;
use crate::metrics::{Metrics, catalogue};
use clap::Args as ClapArgs;
use std::io::Write;

/// List every metric with its type, unit, labels, and the question that it answers.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:\n  wanglou metrics\n  wanglou metrics --markdown > docs/metrics.md")]
pub struct Args {
    /// As the page docs/metrics.md.
    #[arg(long)]
    markdown: bool,
}

impl Args {
    /// Prints them.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn run(self) -> anyhow::Result<Ended> {
        let metrics = Metrics::default();
        let mut out = out();
        if self.markdown {
            out.write_all(catalogue::markdown(&metrics).as_bytes())?;
            return Ok(Ended::Well);
        }
        for metric in metrics.described() {
            let question = catalogue::question(&metric.name).unwrap_or_default();
            let labels = metric.labels.join(",");
            let braces = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            writeln!(out, "{}{braces}\n    {question}", metric.name)?;
        }
        Ok(Ended::Well)
    }
}

//! `wanglou run`: the gateway.

use super::Ended;
use crate::configuration::{self, Fault, LogFormat};
use crate::http::Asked;
use crate::run::{RunOptions, start};
use crate::service_manager;
use clap::Args as ClapArgs;
use std::path::PathBuf;
use tokio::signal::unix::{SignalKind, signal};

/// Run the gateway. SIGHUP reloads the configuration, SIGTERM and Ctrl-C stop in order.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  wanglou run --config config/gateway.toml\n  RUST_LOG=wanglou_gateway=debug wanglou run --config config/gateway.toml"
)]
pub struct Args {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Acknowledge before the commit, which loses messages: the red control of the kill test.
    #[arg(long, hide = true)]
    acknowledge_before_commit: bool,
    /// Move the clocks ahead by the seconds that this file holds: for tests of long deadlines.
    #[arg(long, hide = true, value_name = "FILE")]
    clock_ahead_file: Option<PathBuf>,
}

impl Args {
    /// Runs until stopped.
    ///
    /// # Errors
    /// When the configuration has faults, an address is taken, or the journal fails.
    pub async fn run(self) -> anyhow::Result<Ended> {
        let loaded = configuration::load(&self.config).map_err(faults)?;
        logs(loaded.gateway.log.format);
        for warning in &loaded.warnings {
            tracing::warn!(%warning, "configuration");
        }
        let mut hangup = signal(SignalKind::hangup())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let address = loaded.gateway.http.listen;
        let options = RunOptions {
            acknowledge_before_commit: self.acknowledge_before_commit,
            clock_ahead_file: self.clock_ahead_file,
        };
        let mut running = start(loaded, self.config.clone(), options).await?;
        tracing::info!(%address, "ready for phones");
        service_manager::ready(running.address);
        let watchdog = tokio::spawn(service_manager::feed_watchdog(running.writer.clone()));
        loop {
            tokio::select! {
                _ = hangup.recv() => {
                    if let Err(faults) = (running.reload)(Asked { who: "SIGHUP".into(), why: String::new() }).await {
                        for fault in faults {
                            tracing::error!(fault, "the reload is refused; the old configuration runs on");
                        }
                    }
                }
                _ = terminate.recv() => break,
                _ = tokio::signal::ctrl_c() => break,
                failed = running.failed() => return Err(failed.into()),
            }
        }
        tracing::info!("stopping");
        service_manager::stopping();
        watchdog.abort();
        running.stop().await?;
        Ok(Ended::Well)
    }
}

/// Every fault as one error.
pub(super) fn faults(faults: Vec<Fault>) -> anyhow::Error {
    let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
    anyhow::anyhow!("the configuration has faults:\n{}", lines.join("\n"))
}

/// Logs to standard error, as the configuration says; RUST_LOG decides how much.
pub fn logs(format: LogFormat) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A log that cannot be written must not take the gateway down: telling of it would panic, in whatever thread it is.
    let builder = builder.log_internal_errors(false);
    // Somebody who embeds the gateway may have set up logs of their own; theirs stay.
    let _ = match format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

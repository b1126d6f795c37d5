//! `wanglou demo`: broker, simulated compound, gateway and web app in one process, on loopback.

#[cfg(feature = "demo")]
mod broker;
#[cfg_attr(not(feature = "demo"), expect(dead_code, reason = "`init` needs a part of it"))]
pub(in crate::cli) mod shipped;
#[cfg(feature = "demo")]
mod show;
#[cfg(feature = "demo")]
mod stage;

use super::Ended;
use super::simulate::Pace;
use clap::Args as ClapArgs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Show everything on this machine: a broker, the demo compound simulated, the gateway and the web app.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou demo
  wanglou demo --pace 60                an hour of the compound's day in each minute
  wanglou demo --pace off               no simulated traffic: only what you publish
  wanglou demo --http 127.0.0.1:9000 --mqtt 127.0.0.1:2883 --data my-demo

Ctrl-C ends everything. A second start with the same --data goes on where the first one ended; people who had logged
in still are. Its configuration is in the data directory: change it there, it is kept.")]
pub struct Args {
    /// Where the web app answers; on loopback, for it is plain http.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Where the demo's broker listens; on loopback, for it asks nobody for a password.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:1883")]
    mqtt: SocketAddr,
    /// How many times as fast as life the compound lives; off: not at all.
    #[arg(long, default_value = "1")]
    pace: Pace,
    /// Where journal and configuration of the demo are kept.
    #[arg(long, value_name = "DIR", default_value = "data/demo")]
    data: PathBuf,
    /// Another seed, another day.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Args {
    /// Runs until Ctrl-C.
    ///
    /// # Errors
    /// When an address is taken, the data directory is in use, or the configuration in it has faults.
    #[cfg(feature = "demo")]
    pub async fn run(self) -> anyhow::Result<Ended> {
        stage::run(self).await?;
        Ok(Ended::Well)
    }

    /// Says how to get a program that can.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "demo"))]
    pub async fn run(self) -> anyhow::Result<Ended> {
        let Args { http: _, mqtt: _, pace: _, data: _, seed: _ } = self;
        anyhow::bail!(
            "this program was built without the demo's broker: use `cargo xtask demo`, or build it with \
             `cargo build --package wanglou-gateway --features demo`"
        )
    }
}

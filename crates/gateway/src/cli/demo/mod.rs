//! `wanglou demo`: broker, simulated compound, gateway and web app in one process, on loopback; with `--lan` the web
//! app is there for phones too, by https.

#[cfg(feature = "demo")]
mod authority;
#[cfg(feature = "demo")]
mod broker;
#[cfg(feature = "demo")]
mod lan;
#[cfg_attr(not(feature = "demo"), expect(dead_code, reason = "`init` needs a part of it"))]
pub(in crate::cli) mod shipped;
#[cfg(feature = "demo")]
mod show;
#[cfg(feature = "demo")]
mod stage;
#[cfg(feature = "demo")]
mod trust;

use super::Ended;
use super::simulate::Pace;
use clap::Args as ClapArgs;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Show everything on this machine: a broker, the demo compound simulated, the gateway and the web app.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou demo
  wanglou demo --pace 60                an hour of the compound's day in each minute
  wanglou demo --pace off               no simulated traffic: only what you publish
  wanglou demo --lan                    for real phones in this network: https, and QR codes to scan
  wanglou demo --http 127.0.0.1:9000 --mqtt 127.0.0.1:2883 --data my-demo

Ctrl-C ends everything. A second start with the same --data goes on where the first one ended; people who had logged
in still are. Its configuration is in the data directory: change it there, it is kept.")]
pub struct Args {
    /// Where the web app answers; on loopback, for it is plain http. With --lan its port is that of the page that tells
    /// phones how to trust the demo.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Let phones of this network in: https at this machine's private address, or at the one given as --lan=IP, with a
    /// certificate of the demo's own authority, which is kept in the data directory.
    #[arg(long, value_name = "IP", num_args = 0..=1, require_equals = true, default_missing_value = "auto")]
    lan: Option<Reach>,
    /// With --lan: the port of https.
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    https_port: u16,
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

/// At which of this machine's addresses phones are let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The one by which it reaches others.
    Auto,
    /// This one.
    At(IpAddr),
}

impl std::str::FromStr for Reach {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let address =
            text.parse().map_err(|_| format!("{text:?} is not an IP address, such as 192.168.1.5"))?;
        Ok(Self::At(address))
    }
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
        let Args { http: _, lan: _, https_port: _, mqtt: _, pace: _, data: _, seed: _ } = self;
        anyhow::bail!(
            "this program was built without the demo's broker: use `cargo xtask demo`, or build it with \
             `cargo build --package wanglou-gateway --features demo`"
        )
    }
}

//! `wanglou simulate`: the compound's day as traffic, against any broker.

mod into;

use super::Ended;
use super::demo::shipped;
use super::publish::BrokerArgs;
use crate::cli::say::tell;
use crate::clock;
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use wanglou_model::{Site, Span, Timestamp};
use wanglou_simulator::publish::{Progress, Tempo, run};
use wanglou_simulator::{Flood, Options, Traffic};

/// Simulate the sensors of a compound: what they would say at this hour, in the vendors' formats, over real MQTT.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou simulate                                   the demo compound's day, as it goes
  wanglou simulate --mqtt 127.0.0.1:1883 --pace 60   an hour in each minute
  wanglou simulate --rate 2000 --count 120000        a fixed load for a minute
  wanglou simulate --site my-compound/site --seed 7
  wanglou simulate --into /tmp/month --days 30       a month as a journal, to be looked back on:
  wanglou backtest --config config/gateway.toml --data /tmp/month
  wanglou simulate --flood f3                        a fire in building 7, half a minute from now, in the ordinary traffic
  wanglou simulate --flood f1 --into /tmp/storm      a storm at noon of the first day, with what people do meanwhile

Floods (docs/floods.md): f1 a storm · f2 a broker that was out · f3 a fire in building 7 · f4 New Year's Eve ·
f5 one camera that never stops · f6 60 wrong clocks · f7 a power cut · f8 the storm during a handover. What no sensor
says (40 reports, a phone that is off, a handover) is in a journal only: it does not come over MQTT.

The same seed gives the same day. Ctrl-C ends it.")]
pub struct Args {
    /// The folder of the compound; by default the demo compound, which is built in.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Another seed, another day.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// So many times as fast as life.
    #[arg(long, default_value = "1", conflicts_with = "rate")]
    pace: Pace,
    /// So many messages a second, whatever the hour.
    #[arg(long, value_name = "N", value_parser = positive)]
    rate: Option<f64>,
    /// Ends after so many messages.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// Write the traffic into a journal in this folder instead, with nothing decided: a past for `wanglou backtest`.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["rate", "count", "pace"])]
    into: Option<PathBuf>,
    /// So many days of it.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "into", value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
    /// From this time on; by default so many whole days ago.
    #[arg(long, value_name = "TIME", requires = "into", value_parser = super::backtest::time)]
    from: Option<Timestamp>,
    /// A flood beside the ordinary traffic: f1 to f8. Live it begins after half a minute, in a journal at noon.
    #[arg(long, value_name = "NAME")]
    flood: Option<Flood>,
    #[command(flatten)]
    broker: BrokerArgs,
}

/// A flood begins so long after the start, in real seconds: when every device has reported.
const FLOOD_AFTER_S: f64 = 30.0;
/// The fastest pace: a day in less than a minute and a half.
const PACE_MAX: f64 = 1_000.0;

/// How fast simulated time runs, or that there is none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// No simulated traffic at all.
    Off,
    /// So many times as fast as life.
    Times(f64),
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Pace::Off);
        }
        match text.parse::<f64>() {
            Ok(times) if times > 0.0 && times <= PACE_MAX => Ok(Pace::Times(times)),
            Ok(_) | Err(_) => {
                Err(format!("{text:?} is neither \"off\" nor a number above 0 up to {PACE_MAX}, such as 60"))
            }
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| format!("{text:?} is not a number above 0"))
}

impl Args {
    /// Simulates until stopped, or until `--count` is reached.
    ///
    /// # Errors
    /// When the site has faults, or no broker answers.
    pub async fn run(self) -> anyhow::Result<Ended> {
        super::run::logs(crate::configuration::LogFormat::Text);
        let site = self.site()?;
        if let Some(folder) = &self.into {
            let from = self.from.map_or_else(|| into::days_ago(&site, self.days), Ok)?;
            let until = from + Span::hours(24 * i64::from(self.days));
            let messages = into::write(&site, self.seed, (from, until), self.flood, folder)?;
            tell!("{messages} messages of {} days written to {}", self.days, folder.display());
            return Ok(Ended::Well);
        }
        let tempo = match (self.rate, self.pace) {
            (Some(rate), _) => Tempo::PerSecond(rate),
            (None, Pace::Times(pace)) => Tempo::Pace(pace),
            (None, Pace::Off) => {
                bail!("--pace off means that nothing is simulated: give a number, such as 1 or 60")
            }
        };
        let traffic = traffic(&site, self.seed, tempo, self.flood)?;
        let broker = self.broker.broker("simulator")?;
        tell!(
            "simulating {} devices of {} to {}:{}; Ctrl-C ends it",
            site.devices.len(),
            site.id,
            broker.host,
            broker.port
        );
        let progress = Arc::new(Progress::default());
        let zone = site.zone.clone();
        let teller = tokio::spawn(tell(Arc::clone(&progress), zone));
        let result = run(&broker, traffic, tempo, self.count, clock::wall, &progress, stopped()).await;
        teller.abort();
        let count = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
        tell!("\n{} messages sent, {} acknowledged", count(&progress.sent), count(&progress.acknowledged));
        result?;
        Ok(Ended::Well)
    }

    fn site(&self) -> anyhow::Result<Site> {
        let files = match &self.site {
            Some(folder) => wanglou_site::read_folder(folder)
                .with_context(|| format!("the site folder {} cannot be read", folder.display()))?,
            None => shipped::demo_site(),
        };
        let checked = wanglou_site::Compound::check(&files).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(|fault| format!("  {fault}")).collect();
            anyhow::anyhow!("the site has faults:\n{}", lines.join("\n"))
        })?;
        Ok(checked.site)
    }
}

/// The site's traffic from now on; devices without a voice are named.
pub(super) fn traffic(site: &Site, seed: u64, tempo: Tempo, flood: Option<Flood>) -> anyhow::Result<Traffic> {
    let pace = match tempo {
        Tempo::Pace(pace) => pace,
        Tempo::PerSecond(_) => 1.0,
    };
    let now = clock::wall();
    let soon = now + Span((FLOOD_AFTER_S * pace.max(1.0) * 1e6) as i64);
    let flood = flood.map(|flood| (flood, soon));
    let traffic = Traffic::new(site, Options { flood, ..Options::live(seed, now, pace) })?;
    if !traffic.mute().is_empty() {
        tracing::warn!(devices = traffic.mute().len(), "devices whose profile is not simulated stay silent");
    }
    Ok(traffic)
}

/// Ctrl-C or SIGTERM.
pub(super) async fn stopped() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => drop(terminate.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// One line that renews itself on a terminal, else one every ten seconds.
async fn tell(progress: Arc<Progress>, zone: String) {
    let terminal = std::io::stdout().is_terminal();
    let every = Duration::from_secs(if terminal { 1 } else { 10 });
    let mut ticks = tokio::time::interval(every);
    let mut before = 0;
    loop {
        ticks.tick().await;
        let sent = progress.sent.load(Ordering::Relaxed);
        let line = line(&progress, (sent - before) as f64 / every.as_secs_f64(), &zone);
        before = sent;
        if terminal {
            drop(super::say::to_output(format_args!("\r\x1b[2K{line}")));
        } else {
            tell!("{line}");
        }
    }
}

fn line(progress: &Progress, per_second: f64, zone: &str) -> String {
    let count = |of: &std::sync::atomic::AtomicU64| of.load(Ordering::Relaxed);
    let behind_s = count(&progress.behind_ms) as f64 / 1_000.0;
    let behind = if behind_s >= 1.0 { format!(", {behind_s:.0} s behind") } else { String::new() };
    let connection = if progress.connected.load(Ordering::Relaxed) { "" } else { ", no connection" };
    format!(
        "{}  {} sent, {} acknowledged, {per_second:.0}/s{behind}{connection}",
        local(Timestamp(progress.at.load(Ordering::Relaxed)), zone),
        count(&progress.sent),
        count(&progress.acknowledged),
    )
}

/// Simulated time where the compound is: `Mon 18:04`.
fn local(at: Timestamp, zone: &str) -> String {
    let instant = jiff::Timestamp::from_microsecond(at.0).ok().filter(|_| at.0 > 0);
    let zoned = instant.and_then(|instant| instant.in_tz(zone).ok());
    zoned.map_or_else(|| "--- --:--".to_owned(), |zoned| zoned.strftime("%a %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pace_is_off_or_a_number() {
        assert_eq!("off".parse(), Ok(Pace::Off));
        assert_eq!("1".parse(), Ok(Pace::Times(1.0)));
        assert_eq!("0.5".parse(), Ok(Pace::Times(0.5)));
        for bad in ["0", "-1", "fast", "1e9", "NaN", "inf", ""] {
            assert!(bad.parse::<Pace>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_line_says_when_it_is_there_and_what_has_been_done() {
        let progress = Progress::default();
        assert_eq!(
            line(&progress, 0.0, "Asia/Shanghai"),
            "--- --:--  0 sent, 0 acknowledged, 0/s, no connection"
        );
        progress.at.store(1_772_445_840_000_000, Ordering::Relaxed);
        progress.sent.store(1_200, Ordering::Relaxed);
        progress.acknowledged.store(1_198, Ordering::Relaxed);
        progress.behind_ms.store(2_400, Ordering::Relaxed);
        progress.connected.store(true, Ordering::Relaxed);
        let words = "Mon 18:04  1200 sent, 1198 acknowledged, 12/s, 2 s behind";
        assert_eq!(line(&progress, 12.0, "Asia/Shanghai"), words);
    }
}

//! Ten thousand phones: what an idle socket costs, how long it takes until all are back, and how long one alarm takes to
//! reach the last of them; beside a bare tokio-tungstenite broadcast in the same run. The gateway's phones are in this
//! process; the gateway, the bare server and the bare server's phones are in processes of their own, so that each has its
//! own memory and descriptors.

use anyhow::{Context, bail};
use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use wanglou_benches::apart::{self, CrowdApart};
use wanglou_benches::crowd::Crowd;
use wanglou_benches::stats::{now, quantile};
use wanglou_benches::{broadcast, crowd};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What ten thousand idle phones cost, and how long one alarm takes to the last of them.
#[derive(Debug, Parser)]
#[command(
    after_help = "Examples:\n  cargo run --profile bench -p wanglou-benches --bin sockets -- --program target/release/wanglou\n  … -- --phones 1000 --rounds 3"
)]
struct Args {
    /// The gateway's program, optimised as this one is.
    #[arg(long, default_value = "target/release/wanglou")]
    program: PathBuf,
    /// Phones; four of each officer, since a compound has at most 5,000.
    #[arg(long, default_value_t = 10_000)]
    phones: usize,
    /// Alarms that are raised one after the other.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// The configuration to begin with.
    #[arg(long, default_value = "config")]
    config: PathBuf,
    /// Be the bare server on this port (used by the bench itself).
    #[arg(long, hide = true)]
    bare_server: Option<u16>,
    /// Be the phones of the bare server on this port (used by the bench itself).
    #[arg(long, hide = true)]
    bare_phones: Option<u16>,
}

/// They come for the first time spread over this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);
/// They come back spread over this time.
const RECONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A process that is measured sits still for so long first.
const SETTLE: Duration = Duration::from_secs(5);

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match (args.bare_server, args.bare_phones) {
        (Some(port), _) => runtime.block_on(broadcast::serve(port)),
        (None, Some(port)) => runtime.block_on(apart::serve(port, args.phones, CONNECT_WITHIN)),
        (None, None) => runtime.block_on(measure(&args)),
    }
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let site = crowd::compound(&args.config, folder.path(), args.phones.div_ceil(4))?;
    let gateway = Ended(
        Command::new(&args.program)
            .args(["run", "--config"])
            .arg(&site.config)
            .stderr(Stdio::from(std::fs::File::create(folder.path().join("log"))?))
            .spawn()
            .with_context(|| format!("{} does not start: build it first", args.program.display()))?,
    );
    let bare_port = crowd::free_port()?;
    let bare = Ended(
        Command::new(std::env::current_exe()?)
            .args(["--bare-server", &bare_port.to_string()])
            .spawn()
            .context("the bare server")?,
    );
    site.ready().await?;
    println!("linking {} phones", args.phones);
    let doors = site.link(args.phones).await?;
    let began = memory(&gateway)?;
    println!("| | wanglou | bare tokio-tungstenite |\n|---|---|---|");

    let bare_began = memory(&bare)?;
    let mut ours = Crowd::open(&doors, CONNECT_WITHIN).await?;
    let (port, phones) = (bare_port.to_string(), args.phones.to_string());
    let mut theirs = CrowdApart::open(&["--bare-phones", &port, "--phones", &phones])?;
    tokio::time::sleep(SETTLE).await;
    let (idle, bare_idle) = (memory(&gateway)?, memory(&bare)?);
    let each = |all: u64, before: u64| (all.saturating_sub(before)) as f64 / args.phones as f64;
    println!(
        "| memory of one idle socket, KiB | {:.1} | {:.1} |",
        each(idle, began),
        each(bare_idle, bare_began)
    );
    println!(
        "| the process with all of them, MiB | {:.0} | {:.0} |",
        idle as f64 / 1024.0,
        bare_idle as f64 / 1024.0
    );

    let (mut last, mut bare_last) = (Vec::new(), Vec::new());
    for round in 0..args.rounds {
        // By turns, so that a noisy machine hurts both.
        let from = now();
        site.raise(round).await?;
        last.push((ours.last_alarm(round + 1).await? - from).as_secs_f64() * 1e3);
        bare_last.push(theirs.tell(ours.body())?);
    }
    println!(
        "| one alarm to the last phone, ms, median of {} | {:.0} | {:.0} |",
        args.rounds,
        quantile(&mut last, 0.5),
        quantile(&mut bare_last, 0.5)
    );

    drop(ours);
    tokio::time::sleep(SETTLE).await;
    let from = now();
    let again = Crowd::open(&doors, RECONNECT_WITHIN).await?;
    println!("| all back and synced, those of 10 s, s | {:.1} | |", (again.synced()? - from).as_secs_f64());
    println!(
        "| most memory in all of it, MiB | {:.0} | {:.0} |",
        peak(&gateway)? as f64 / 1024.0,
        peak(&bare)? as f64 / 1024.0
    );
    Ok(())
}

/// A process that ends with this one.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// KiB in memory now.
fn memory(process: &Ended) -> anyhow::Result<u64> {
    status(process, "VmRSS:")
}

/// KiB in memory at most so far.
fn peak(process: &Ended) -> anyhow::Result<u64> {
    status(process, "VmHWM:")
}

fn status(process: &Ended, field: &str) -> anyhow::Result<u64> {
    let path = PathBuf::from(format!("/proc/{}/status", process.0.id()));
    let text = std::fs::read_to_string(&path).with_context(|| gone(&path))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field)).with_context(|| gone(&path))?;
    let Some(number) = line.split_whitespace().next() else { bail!("{}", gone(&path)) };
    Ok(number.parse()?)
}

fn gone(path: &Path) -> String {
    format!("{}: the process has ended", path.display())
}

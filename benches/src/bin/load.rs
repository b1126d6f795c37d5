//! The load bench. Runs of ours and of the bare consumer alternate in one run; CPU per message is the figure to trust.

use anyhow::Context;
use clap::Parser;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use wanglou_benches::feeder::{self, Feed};
use wanglou_benches::stats::{Cost, median, now, quantile};
use wanglou_benches::{bare, ours, phone};
use wanglou_gateway::access::{AccessEvent, TokenHash};
use wanglou_gateway::configuration;
use wanglou_gateway::run::{RunOptions, start};
use wanglou_model::{OfficerId, Timestamp};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a durable message costs, beside a bare rumqttc consumer in the same run.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:\n  cargo xtask bench\n  cargo xtask bench -- --messages 50000 --rounds 3")]
struct Args {
    /// Messages per run.
    #[arg(long, default_value_t = 200_000)]
    messages: u64,
    /// Messages per run through mosquitto.
    #[arg(long, default_value_t = 60_000)]
    through: u64,
    /// Rounds; the median is printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// More messages and rounds.
    #[arg(long)]
    full: bool,
    /// The gateway's file.
    #[arg(long, default_value = "config/gateway.toml")]
    config: PathBuf,
    /// Where journals are written: a real disk.
    #[arg(long, default_value = "target")]
    data: PathBuf,
    /// One run of this part alone, for a profiler: direct, mqtt or bare.
    #[arg(long)]
    only: Option<Part>,
    /// Play the broker on this port (used by the bench itself).
    #[arg(long, hide = true)]
    feed: Option<u16>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Direct,
    Mqtt,
    Bare,
}

/// One message of a hundred is alarm-worthy.
const ALARM_EVERY: u64 = 100;
const ALARMS: usize = 90;

fn main() -> anyhow::Result<()> {
    let mut args = Args::parse();
    let _ = rustls::crypto::ring::default_provider().install_default();
    if args.full {
        (args.messages, args.through, args.rounds) = (args.messages * 5, args.through * 5, args.rounds * 2);
    }
    if let Some(port) = args.feed {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        println!("ready");
        feeder::serve(&listener, Feed { messages: args.messages, alarm_every: ALARM_EVERY })?;
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    match args.only {
        Some(part) => {
            let cost = runtime.block_on(run(part, &args))?;
            println!("{:.0} messages/s, {:.2} µs of CPU each", cost.per_second(), cost.cpu_us());
            Ok(())
        }
        None => runtime.block_on(measure(&args)),
    }
}

async fn run(part: Part, args: &Args) -> anyhow::Result<Cost> {
    if part == Part::Bare {
        let (feeder, port) = feeder_process(args.messages)?;
        let cost = bare::consume(port, None, args.messages).await?;
        finish(feeder);
        return Ok(cost);
    }
    let pipeline = ours::Pipeline::start(&args.config, &args.data)?;
    let cost = if part == Part::Direct {
        ours::direct(&pipeline, args.messages, ALARM_EVERY, 256).await?
    } else {
        let (feeder, port) = feeder_process(args.messages)?;
        let cost = ours::consume(&pipeline, port, None, args.messages).await?;
        finish(feeder);
        cost
    };
    pipeline.stop();
    Ok(cost)
}

async fn measure(args: &Args) -> anyhow::Result<()> {
    let mut table: Vec<(&str, Vec<Cost>)> = vec![
        ("ours, fed directly", vec![]),
        ("ours, by MQTT", vec![]),
        ("bare rumqttc, manual acks", vec![]),
    ];
    for round in 0..args.rounds {
        eprintln!("round {} of {}", round + 1, args.rounds);
        for (row, part) in [Part::Direct, Part::Mqtt, Part::Bare].into_iter().enumerate() {
            table[row].1.push(run(part, args).await?);
        }
    }
    println!("\n| run | messages/s | CPU µs per message |\n|---|---|---|");
    let mut cpu = Vec::new();
    for (name, costs) in &table {
        cpu.push(row(name, costs));
    }
    println!(
        "\nCPU per durable message, by MQTT, against the bare consumer that drops: {:.2}",
        cpu[1] / cpu[2]
    );
    through_mosquitto(args).await?;
    latency(args).await
}

fn row(name: &str, costs: &[Cost]) -> f64 {
    let cpu = median(&mut costs.iter().map(Cost::cpu_us).collect::<Vec<_>>());
    let rate = median(&mut costs.iter().map(Cost::per_second).collect::<Vec<_>>());
    println!("| {name} | {rate:.0} | {cpu:.2} |");
    cpu
}

fn feeder_process(messages: u64) -> anyhow::Result<(Child, u16)> {
    use std::io::BufRead;
    let port = free_port()?;
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--feed", &port.to_string(), "--messages", &messages.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("the feeder has no output")?;
    std::io::BufReader::new(stdout).read_line(&mut line)?;
    Ok((child, port))
}

fn finish(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Debian's mosquitto, wide open, on loopback.
fn mosquitto(folder: &Path) -> anyhow::Result<(Child, u16)> {
    let port = free_port()?;
    let file = folder.join("mosquitto.conf");
    let text = format!(
        "listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 1000\nmax_queued_messages 1000000\n"
    );
    std::fs::write(&file, text)?;
    let child = Command::new("mosquitto")
        .arg("-c")
        .arg(&file)
        .stderr(Stdio::null())
        .spawn()
        .context("mosquitto is not installed")?;
    let until = now() + Duration::from_secs(5);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() && now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok((child, port))
}

async fn publish(port: u16, messages: u64) -> anyhow::Result<()> {
    let mut options = rumqttc::MqttOptions::new("load", "127.0.0.1", port);
    options.set_inflight(1_000).set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = rumqttc::AsyncClient::new(options, 4_096);
    let driving = tokio::spawn(async move {
        let mut acked = 0;
        while acked < messages {
            match events.poll().await {
                Ok(rumqttc::Event::Incoming(rumqttc::Packet::PubAck(_))) => acked += 1,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    });
    for n in 0..messages {
        let (topic, payload) = feeder::message(n, ALARM_EVERY);
        client.publish(topic, rumqttc::QoS::AtLeastOnce, false, payload).await?;
    }
    driving.await?;
    Ok(())
}

/// Both consumers behind mosquitto. The publisher runs in this process too, the same for both.
async fn through_mosquitto(args: &Args) -> anyhow::Result<()> {
    let (mut ours_costs, mut bare_costs) = (vec![], vec![]);
    for _ in 0..args.rounds {
        let folder = tempfile::tempdir()?;
        let (broker, port) = mosquitto(folder.path())?;
        let pipeline = ours::Pipeline::start(&args.config, &args.data)?;
        let publisher = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            publish(port, args_messages()).await
        });
        THROUGH.store(args.through, std::sync::atomic::Ordering::Relaxed);
        ours_costs.push(ours::consume(&pipeline, port, None, args.through).await?);
        publisher.await??;
        pipeline.stop();
        finish(broker);
        let (broker, port) = mosquitto(folder.path())?;
        let publisher = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            publish(port, args_messages()).await
        });
        bare_costs.push(bare::consume(port, None, args.through).await?);
        publisher.await??;
        finish(broker);
    }
    println!(
        "\n| through mosquitto, publisher in the same process | messages/s | CPU µs per message |\n|---|---|---|"
    );
    row("ours, durable", &ours_costs);
    row("bare rumqttc, dropping", &bare_costs);
    Ok(())
}

static THROUGH: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

fn args_messages() -> u64 {
    THROUGH.load(std::sync::atomic::Ordering::Relaxed)
}

/// From `publish` to the phone, at 500 messages a second: real mosquitto, the whole gateway, one socket.
async fn latency(args: &Args) -> anyhow::Result<()> {
    let folder = tempfile::tempdir_in(&args.data)?;
    let (broker, port) = mosquitto(folder.path())?;
    let mut loaded = configuration::load(&args.config).map_err(|faults| anyhow::anyhow!("{}", faults[0]))?;
    let http = free_port()?;
    loaded.gateway.mqtt.port = port;
    loaded.gateway.mqtt.discovery = false;
    loaded.gateway.http.listen.set_port(http);
    loaded.gateway.http.public_url = format!("http://127.0.0.1:{http}");
    loaded.gateway.metrics.listen.set_port(free_port()?);
    loaded.gateway.data = std::path::absolute(folder.path().join("data"))?;
    let running = start(loaded, args.config.clone(), RunOptions::default()).await?;
    let token = "BENCHTOKEN";
    // The property manager's phone: managers see every alarm of the compound, whoever is on duty.
    let invited = AccessEvent::Invited {
        token: TokenHash::of(token),
        officer: OfficerId::parse("he")?,
        expires_at: Timestamp(i64::MAX),
        by: "bench".into(),
    };
    running.writer.admit(invited).await?;
    let arrivals = phone::listen(&format!("http://127.0.0.1:{http}"), token).await?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let sent = alarms_among_traffic(port).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let got = arrivals.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let mut millis: Vec<f64> = sent
        .iter()
        .filter_map(|(place, at)| got.get(place).map(|arrived| (*arrived - *at).as_secs_f64() * 1e3))
        .collect();
    println!(
        "\npublish → phone at 500 messages/s, through mosquitto, fdatasync included: n {}, p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms",
        millis.len(),
        quantile(&mut millis, 0.5),
        quantile(&mut millis, 0.99),
        quantile(&mut millis, 1.0)
    );
    running.stop().await?;
    finish(broker);
    Ok(())
}

/// 500 messages a second; every tenth one opens a cover that was shut. Returns when each was published.
async fn alarms_among_traffic(port: u16) -> anyhow::Result<Vec<(String, Duration)>> {
    let mut options = rumqttc::MqttOptions::new("steady", "127.0.0.1", port);
    options.set_inflight(1_000).set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = rumqttc::AsyncClient::new(options, 1_000);
    let driving = tokio::spawn(async move { while events.poll().await.is_ok() {} });
    let mut tick = tokio::time::interval(Duration::from_millis(2));
    let mut sent = Vec::new();
    for n in 0..ALARMS * 10 {
        tick.tick().await;
        let cover = n / 10 + 1;
        if n % 10 == 0 {
            let payload = format!(
                r#"{{"device":"cover-{cover}","kind":"cover","value":{{"open":true}},"event":"l-{n}"}}"#
            );
            sent.push((format!("cover/{cover}"), now()));
            client
                .publish(format!("wanglou/v1/in/cover-{cover}"), rumqttc::QoS::AtLeastOnce, false, payload)
                .await?;
        } else {
            let (topic, payload) = feeder::message(n as u64 + 1_000_001, u64::MAX);
            client.publish(topic, rumqttc::QoS::AtLeastOnce, false, payload).await?;
        }
    }
    driving.abort();
    Ok(sent)
}

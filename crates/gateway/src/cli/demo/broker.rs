//! The broker inside the program: rumqttd, which keeps everything in memory and acknowledges before anything is on
//! disk. For the demo, where a broker that is gone takes only simulated sensors with it.

use anyhow::{Context, bail};
use rumqttd::{Broker, Config, ConnectionSettings, RouterConfig, ServerSettings};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

/// For each subscription filter it keeps so many segments of so many bytes: the backlog that a slow reader may have.
const SEGMENT_BYTES: usize = 1 << 20;
const SEGMENTS: usize = 8;
/// The largest message, bytes: above what the gateway takes, so that its own limit can be tried.
const PAYLOAD_BYTES_MAX: usize = 4 << 20;
/// It listens within this time, or never.
const LISTENS_WITHIN: Duration = Duration::from_secs(5);
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// Starts it on a thread of its own, which ends with the process.
pub(super) async fn start(listen: SocketAddr) -> anyhow::Result<()> {
    let mut broker = Broker::new(config(listen));
    let run = move || {
        if let Err(error) = broker.start() {
            tracing::error!(%error, "the demo's broker");
        }
    };
    std::thread::Builder::new().name("broker".into()).spawn(run).context("the broker's thread")?;
    let deadline = tokio::time::Instant::now() + LISTENS_WITHIN;
    while tokio::net::TcpStream::connect(listen).await.is_err() {
        if tokio::time::Instant::now() > deadline {
            bail!("the demo's broker does not answer on {listen}; choose another address with --mqtt");
        }
        tokio::time::sleep(ASK_AGAIN).await;
    }
    Ok(())
}

fn config(listen: SocketAddr) -> Config {
    let connections = ConnectionSettings {
        connection_timeout_ms: 10_000,
        max_payload_size: PAYLOAD_BYTES_MAX,
        max_inflight_count: 500,
        auth: None,
        external_auth: None,
        dynamic_filters: true,
    };
    let server = ServerSettings {
        name: "demo".to_owned(),
        listen,
        tls: None,
        next_connection_delay_ms: 1,
        connections,
    };
    Config {
        router: RouterConfig {
            max_connections: 1_000,
            max_outgoing_packet_count: 500,
            max_segment_size: SEGMENT_BYTES,
            max_segment_count: SEGMENTS,
            ..RouterConfig::default()
        },
        v4: Some(HashMap::from([("demo".to_owned(), server)])),
        ..Config::default()
    }
}

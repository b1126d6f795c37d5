//! To a broker, in real time: MQTT 3.1.1 over TCP at QoS 1, through rumqttc's client.
//!
//! Simulated time runs `pace` times as fast as the clock on the wall. What the devices' own clocks say is wall time
//! at the moment of sending, at any pace: a gateway would not believe anything else.

use crate::traffic::Event;
use crate::voice::Message;
use rumqttc::{AsyncClient, ConnectionError, EventLoop, MqttOptions, Packet, QoS};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wanglou_model::{Span, Timestamp};

/// Messages that are on their way without PUBACK at most.
const IN_FLIGHT_MAX: u16 = 200;
/// Messages that wait for the connection; when as many wait, the simulation waits too.
const QUEUE_MAX: usize = 1_000;
/// The largest message either way, bytes.
const PACKET_BYTES_MAX: usize = 16 << 20;
/// Room for fixed header, topic length and packet id.
const PACKET_EXTRA_BYTES: usize = 16;
/// After a lost connection the next attempt waits so long.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);
/// The first connection must be made within this time.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// At the end PUBACKs are waited for so long.
const LAST_PUBACK_WITHIN: Duration = Duration::from_secs(10);

/// Where to, and as whom.
#[derive(Debug, Clone)]
pub struct Broker {
    /// Name or address.
    pub host: String,
    /// Usually 1883.
    pub port: u16,
    /// User and password, if the broker asks for them.
    pub login: Option<(String, String)>,
    /// No other client may use it at the same time.
    pub client_id: String,
}

impl Broker {
    fn options(&self) -> MqttOptions {
        let mut options = MqttOptions::new(&self.client_id, &self.host, self.port);
        options.set_keep_alive(Duration::from_secs(20));
        options.set_inflight(IN_FLIGHT_MAX);
        options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        if let Some((user, password)) = &self.login {
            options.set_credentials(user, password);
        }
        options
    }

    fn failed(&self, error: &ConnectionError) -> PublishError {
        PublishError::Connect { address: format!("{}:{}", self.host, self.port), reason: error.to_string() }
    }
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tempo {
    /// So many times as fast as life; above 0.
    Pace(f64),
    /// So many messages a second, whatever the hour; above 0.
    PerSecond(f64),
}

/// Why nothing more was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The first connection could not be made.
    #[error("no MQTT broker answers on {address}: {reason}; is it running, and are user and password right?")]
    Connect {
        /// Host and port.
        address: String,
        /// In the client library's words.
        reason: String,
    },
    /// The broker did not acknowledge in time.
    #[error("{missing} of {sent} messages were not acknowledged within {} s", LAST_PUBACK_WITHIN.as_secs())]
    Unacknowledged {
        /// Without PUBACK.
        missing: u64,
        /// Handed to the connection.
        sent: u64,
    },
    /// No broker would take it.
    #[error("a message of {bytes} bytes is too large: {PACKET_BYTES_MAX} are the limit")]
    TooLarge {
        /// Topic and payload.
        bytes: usize,
    },
    /// Not a topic to publish to.
    #[error("{0:?} is no topic to publish to: it is empty or too long, or has a wildcard (+ #) or NUL in it")]
    Topic(String),
    /// The connection's task has ended.
    #[error("the connection to the broker has ended")]
    Ended,
}

/// What has been done so far; readable while it goes on.
#[derive(Debug, Default)]
pub struct Progress {
    /// Messages handed to the connection.
    pub sent: AtomicU64,
    /// Messages that the broker acknowledged.
    pub acknowledged: AtomicU64,
    /// How far the sending is behind its own timetable, milliseconds.
    pub behind_ms: AtomicU64,
    /// Simulated time of the latest message, microseconds since the epoch; 0 before the first.
    pub at: AtomicI64,
    /// Is there a connection?
    pub connected: AtomicBool,
}

/// Publishes `events` until `count` of them are out, the events end, or `stop` is done; then waits for PUBACKs.
/// `wall` is the clock that the devices' clocks show.
///
/// # Errors
/// [`PublishError`]. A connection that is lost later is made again, with what was unacknowledged sent once more.
pub async fn run(
    broker: &Broker,
    events: impl Iterator<Item = Event>,
    tempo: Tempo,
    count: Option<u64>,
    wall: impl Fn() -> Timestamp,
    progress: &Arc<Progress>,
    stop: impl Future<Output = ()>,
) -> Result<(), PublishError> {
    let line = Line::connect(broker, Arc::clone(progress)).await?;
    tokio::pin!(stop);
    let mut timetable = Timetable { tempo, begin: Instant::now(), first: None, number: 0 };
    for event in events.take(count.map_or(usize::MAX, |count| usize::try_from(count).unwrap_or(usize::MAX))) {
        let due = timetable.due(event.at);
        let now = Instant::now();
        let behind = now.saturating_duration_since(due).as_millis();
        progress.behind_ms.store(u64::try_from(behind).unwrap_or(u64::MAX), Ordering::Relaxed);
        let send = async {
            if due > now {
                tokio::time::sleep_until(due).await;
            }
            line.send(event.message(wall())).await
        };
        tokio::select! {
            sent = send => sent?,
            () = &mut stop => break,
        }
        progress.at.store(event.at.0, Ordering::Relaxed);
    }
    line.finish().await
}

/// How much is wanted of the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// QoS 0: written to the connection, nothing more.
    AtMostOnce,
    /// QoS 1: the broker has acknowledged.
    AtLeastOnce,
}

/// Publishes one message, and at QoS 1 waits for its PUBACK.
///
/// # Errors
/// [`PublishError`].
pub async fn once(broker: &Broker, message: Message, delivery: Delivery) -> Result<(), PublishError> {
    let bytes = message.topic.len() + message.payload.len();
    if bytes + PACKET_EXTRA_BYTES > PACKET_BYTES_MAX {
        return Err(PublishError::TooLarge { bytes });
    }
    let plain = !message.topic.is_empty() && !message.topic.contains(['+', '#', '\0']);
    if !plain || message.topic.len() > usize::from(u16::MAX) {
        return Err(PublishError::Topic(message.topic));
    }
    let line = Line::connect(broker, Arc::default()).await?;
    match delivery {
        Delivery::AtLeastOnce => line.send(message).await?,
        Delivery::AtMostOnce => line.send_unacknowledged(message).await?,
    }
    line.finish().await
}

/// When the next event is due.
struct Timetable {
    tempo: Tempo,
    begin: Instant,
    first: Option<Timestamp>,
    number: u64,
}

impl Timetable {
    fn due(&mut self, at: Timestamp) -> Instant {
        let first = *self.first.get_or_insert(at);
        let after_s = match self.tempo {
            Tempo::Pace(pace) => Span::as_secs_f64(at - first) / pace,
            Tempo::PerSecond(rate) => self.number as f64 / rate,
        };
        self.number += 1;
        self.begin + Duration::try_from_secs_f64(after_s).unwrap_or(Duration::MAX / 4)
    }
}

/// A connection, with the task that works for it.
struct Line {
    client: AsyncClient,
    progress: Arc<Progress>,
    news: watch::Receiver<u64>,
    task: tokio::task::JoinHandle<()>,
}

impl Line {
    async fn connect(broker: &Broker, progress: Arc<Progress>) -> Result<Line, PublishError> {
        let (client, mut events) = AsyncClient::new(broker.options(), QUEUE_MAX);
        let connected = async {
            loop {
                match events.poll().await {
                    Ok(rumqttc::Event::Incoming(Packet::ConnAck(_))) => return Ok(()),
                    Ok(_) => {}
                    Err(error) => return Err(broker.failed(&error)),
                }
            }
        };
        match tokio::time::timeout(CONNECT_WITHIN, connected).await {
            Ok(connected) => connected?,
            Err(_) => return Err(broker.failed(&ConnectionError::NetworkTimeout)),
        }
        progress.connected.store(true, Ordering::Relaxed);
        let (tell, news) = watch::channel(0);
        let task = tokio::spawn(work(events, Arc::clone(&progress), tell));
        Ok(Line { client, progress, news, task })
    }

    async fn send(&self, message: Message) -> Result<(), PublishError> {
        let Message { topic, payload, retain } = message;
        let sent = self.client.publish(topic, QoS::AtLeastOnce, retain, payload).await;
        sent.map_err(|_| PublishError::Ended)?;
        self.progress.sent.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    async fn send_unacknowledged(&self, message: Message) -> Result<(), PublishError> {
        let Message { topic, payload, retain } = message;
        self.client.publish(topic, QoS::AtMostOnce, retain, payload).await.map_err(|_| PublishError::Ended)
    }

    /// Waits for every PUBACK, then says goodbye.
    async fn finish(mut self) -> Result<(), PublishError> {
        let sent = self.progress.sent.load(Ordering::Relaxed);
        let all = self.news.wait_for(|acknowledged| *acknowledged >= sent);
        let acknowledged = tokio::time::timeout(LAST_PUBACK_WITHIN, all).await.is_ok_and(|all| all.is_ok());
        if !acknowledged {
            self.task.abort();
            let missing = sent - self.progress.acknowledged.load(Ordering::Relaxed).min(sent);
            return Err(PublishError::Unacknowledged { missing, sent });
        }
        // Everything is acknowledged; whether the goodbye arrives does not matter.
        let _ = self.client.disconnect().await;
        let _ = tokio::time::timeout(Duration::from_secs(1), &mut self.task).await;
        self.task.abort();
        Ok(())
    }
}

/// Works for the connection until it is told to disconnect.
async fn work(mut events: EventLoop, progress: Arc<Progress>, tell: watch::Sender<u64>) {
    loop {
        match events.poll().await {
            Ok(rumqttc::Event::Incoming(Packet::PubAck(_))) => {
                let acknowledged = progress.acknowledged.fetch_add(1, Ordering::Relaxed) + 1;
                let _ = tell.send(acknowledged);
            }
            Ok(rumqttc::Event::Incoming(Packet::ConnAck(_))) => {
                progress.connected.store(true, Ordering::Relaxed);
                tracing::info!("connected to the broker again");
            }
            Ok(rumqttc::Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return,
            Ok(_) => {}
            Err(error) => {
                if progress.connected.swap(false, Ordering::Relaxed) {
                    tracing::warn!(%error, "the connection to the broker is lost; trying again");
                }
                tokio::time::sleep(RECONNECT_AFTER).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn simulated_time_runs_at_its_pace() {
        let due = |tempo| {
            let begin = Instant::now();
            let mut timetable = Timetable { tempo, begin, first: None, number: 0 };
            let at =
                [0, 60, 3_600].map(|seconds| timetable.due(Timestamp::from_millis(1_000 * (5 + seconds))));
            at.map(|at| at.duration_since(begin).as_millis())
        };
        assert_eq!(due(Tempo::Pace(1.0)), [0, 60_000, 3_600_000]);
        assert_eq!(due(Tempo::Pace(60.0)), [0, 1_000, 60_000]);
        assert_eq!(due(Tempo::PerSecond(500.0)), [0, 2, 4]);
    }

    #[tokio::test]
    async fn what_no_broker_takes_is_refused_before_anybody_is_asked() {
        let broker = Broker { host: "127.0.0.1".into(), port: 1, login: None, client_id: "t".into() };
        let refused = async |topic: &str, bytes: usize| {
            let message = Message { topic: topic.into(), payload: vec![0; bytes], retain: false };
            once(&broker, message, Delivery::AtLeastOnce).await.expect_err("refused")
        };
        for topic in ["", "a/#", "a/+/b", "nul\0"] {
            assert!(matches!(refused(topic, 1).await, PublishError::Topic(_)), "{topic:?}");
        }
        assert!(matches!(refused("a", 16 << 20).await, PublishError::TooLarge { .. }));
        assert!(matches!(refused("a", 1).await, PublishError::Connect { .. }));
    }

    #[tokio::test]
    async fn a_broker_that_is_not_there_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("its address").port();
        drop(listener);
        let broker = Broker { host: "127.0.0.1".into(), port, login: None, client_id: "t".into() };
        let message = Message { topic: "a".into(), payload: vec![], retain: false };
        let error = once(&broker, message, Delivery::AtLeastOnce).await.expect_err("nobody listens");
        assert!(
            error.to_string().starts_with(&format!("no MQTT broker answers on 127.0.0.1:{port}: ")),
            "{error}"
        );
    }
}

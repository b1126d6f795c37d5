//! What Wanglou itself publishes: commands to actuators, and output for other systems. Over rumqttc's own client.
//!
//! Each message has one outcome, because an effect is a row that must end: [`Outcome::Done`] when the broker sent
//! PUBACK, [`Outcome::Failed`] when the message certainly never left, [`Outcome::Unknown`] when it may have. A
//! command that comes late is worse than none, so a message that finds no connection before it expires fails, and
//! none is ever sent again by itself: with each connection the client starts empty, and what the former one had
//! not got acknowledged is unknown.

mod line;

use super::backoff::Backoff;
use super::counters::PublisherCounters;
use super::options::BrokerOptions;
use bytes::Bytes;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::time::Instant;

/// A message to publish: QoS 1; not retained, but by [`Publisher::keep`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Without wildcards and NUL.
    pub topic: String,
    /// At most [`PublisherOptions::payload_bytes_max`].
    pub payload: Bytes,
    /// Not handed to the broker's connection after this.
    pub expires_at: Instant,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The broker has taken it. Mosquitto says so too when its ACL makes it drop the message.
    Done,
    /// It never left; trying again is safe.
    Failed {
        /// For the log and the timeline.
        reason: String,
    },
    /// It may have left: handed to the connection, and no PUBACK came.
    Unknown {
        /// For the log and the timeline.
        reason: String,
    },
}

/// Why a message was not even queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotQueued {
    /// The queue is full: the broker has been away, or takes less than we send.
    #[error("the queue of {0} messages to publish is full")]
    Full(usize),
    /// The publisher has been stopped.
    #[error("the publisher has stopped")]
    Stopped,
    /// More than [`PublisherOptions::payload_bytes_max`].
    #[error("the payload has {bytes} bytes, {max} are allowed")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Empty, or with a wildcard or NUL.
    #[error("no message can be published to such a topic: it is empty, or has a wildcard or NUL in it")]
    Topic,
}

/// What the broker says, retained, when the connection is gone, whether by a fault or by a stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastWill {
    /// Without wildcards and NUL.
    pub topic: String,
    /// What it says.
    pub payload: String,
}

/// The publisher's limits.
#[derive(Debug, Clone)]
pub struct PublisherOptions {
    /// No other client may use it.
    pub client_id: String,
    /// Messages that wait for the connection; default 256.
    pub queue_max: usize,
    /// Messages on their way without PUBACK; default 32.
    pub in_flight_max: usize,
    /// Default 256 KiB.
    pub payload_bytes_max: usize,
    /// How long the broker may take for a PUBACK before the connection counts as broken; default 5 s.
    pub puback_timeout: Duration,
    /// How long a stop waits for PUBACKs; default 2 s.
    pub stop_grace: Duration,
    /// None by default.
    pub last_will: Option<LastWill>,
}

impl PublisherOptions {
    /// The site's publisher with the default limits; the client id is `wanglou-<site>-publisher`.
    pub fn new(site: &str) -> PublisherOptions {
        PublisherOptions {
            client_id: format!("wanglou-{site}-publisher"),
            queue_max: 256,
            in_flight_max: 32,
            payload_bytes_max: 256 << 10,
            puback_timeout: Duration::from_secs(5),
            stop_grace: Duration::from_secs(2),
            last_will: None,
        }
    }
}

/// A message with the way to tell what became of it.
#[derive(Debug)]
struct Request {
    message: Outbound,
    /// The broker keeps it for those who come later.
    retain: bool,
    outcome: oneshot::Sender<Outcome>,
    /// Its place in the queue, free again once the request goes to the connection or ends.
    place: Option<OwnedSemaphorePermit>,
}

impl Request {
    fn end(self, outcome: Outcome) {
        // Whoever does not wait for the outcome does not need it.
        drop(self.outcome.send(outcome));
    }
}

/// The way to a running publisher. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    requests: mpsc::UnboundedSender<Request>,
    /// As many as may wait; the queue itself needs no limit then.
    places: Arc<Semaphore>,
    queue_max: usize,
    payload_bytes_max: usize,
    counters: Arc<PublisherCounters>,
}

impl Publisher {
    /// A publisher, and the task that does its work until `stop` turns true or all clones are gone.
    pub fn new(
        broker: BrokerOptions,
        options: PublisherOptions,
        stop: watch::Receiver<bool>,
    ) -> (Publisher, impl Future<Output = ()> + Send + 'static) {
        Publisher::with_backoff(broker, options, stop, Backoff::from_system())
    }

    /// The same with waits of its own choosing.
    pub fn with_backoff(
        broker: BrokerOptions,
        options: PublisherOptions,
        stop: watch::Receiver<bool>,
        backoff: Backoff,
    ) -> (Publisher, impl Future<Output = ()> + Send + 'static) {
        let counters = Arc::new(PublisherCounters::default());
        let (requests, waiting) = mpsc::unbounded_channel();
        let publisher = Publisher {
            requests,
            places: Arc::new(Semaphore::new(options.queue_max)),
            queue_max: options.queue_max,
            payload_bytes_max: options.payload_bytes_max,
            counters: Arc::clone(&counters),
        };
        (publisher, line::Line::new(broker, options, counters, waiting, stop, backoff).run())
    }

    /// Queues a message. The receiver yields its outcome at the latest when the message has expired or its PUBACK
    /// is overdue; a receiver whose sender is gone means that the publisher has ended before it took the message.
    ///
    /// # Errors
    /// [`NotQueued`] says why it was not even queued; nothing of it leaves then.
    pub fn publish(&self, message: Outbound) -> Result<oneshot::Receiver<Outcome>, NotQueued> {
        self.queue(message, false)
    }

    /// The same for a message that the broker keeps for those who come later; an empty one takes it away.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub fn keep(&self, message: Outbound) -> Result<oneshot::Receiver<Outcome>, NotQueued> {
        self.queue(message, true)
    }

    fn queue(&self, message: Outbound, retain: bool) -> Result<oneshot::Receiver<Outcome>, NotQueued> {
        let bytes = message.payload.len();
        if bytes > self.payload_bytes_max {
            return Err(NotQueued::TooLarge { bytes, max: self.payload_bytes_max });
        }
        if message.topic.is_empty() || message.topic.contains(['+', '#', '\0']) {
            return Err(NotQueued::Topic);
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = Some(place.map_err(|_| NotQueued::Full(self.queue_max))?);
        let (outcome, told) = oneshot::channel();
        self.requests.send(Request { message, retain, outcome, place }).map_err(|_| NotQueued::Stopped)?;
        Ok(told)
    }

    /// What it has done; stays readable while it runs.
    pub fn counters(&self) -> Arc<PublisherCounters> {
        Arc::clone(&self.counters)
    }
}

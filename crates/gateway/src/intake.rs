//! The contract between whatever brings messages in and the writer that journals them.
//!
//! A source hands over what one read of its socket returned, as one batch (or, where it is more than 64 KiB, as
//! several, so that an alarm can go between them), together with the way to acknowledge it. It keeps nothing back for later and acknowledges nothing itself: the writer does so after the commit, and
//! the acknowledgement can only reach the connection that the batch came from.

use bytes::Bytes;
use std::future::Future;
use tokio::sync::mpsc;
use wanglou_model::LaneName;

/// Which connection a message came by. The writer serves the alarm lane first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lane {
    /// Life safety and the four kinds of the mission.
    Alarm,
    /// Everything else that is wired in.
    Bulk,
    /// `#` at QoS 0, sampled: topics that nobody wired in yet. Feeds the quarantine, never the engine.
    Discovery,
}

impl Lane {
    /// The lane's name in metrics, logs and client ids.
    pub fn name(self) -> &'static str {
        match self {
            Lane::Alarm => "alarm",
            Lane::Bulk => "bulk",
            Lane::Discovery => "discovery",
        }
    }
}

impl Lane {
    /// The lane as the engine knows it; discovery never reaches it.
    pub fn name_in_engine(self) -> Option<LaneName> {
        match self {
            Lane::Alarm => Some(LaneName::Alarm),
            Lane::Bulk => Some(LaneName::Bulk),
            Lane::Discovery => None,
        }
    }
}

/// One MQTT PUBLISH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbound {
    /// Its topic; valid UTF-8 without NUL, as MQTT 3.1.1 demands (a topic that is not is rejected by the source).
    pub topic: String,
    /// What it carried.
    pub body: Body,
    /// Retained by the broker.
    pub retain: bool,
    /// Delivered before, says the broker.
    pub dup: bool,
    /// The packet identifier of a QoS 1 message, to acknowledge; `None` at QoS 0.
    pub packet_id: Option<u16>,
}

/// A payload, or what is known of one that was too large to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Up to `packet_bytes_max`, byte for byte.
    Whole(Bytes),
    /// Larger: hashed while it was skipped.
    Oversize {
        /// Length of the payload in bytes.
        bytes: u64,
        /// SHA-256 of the payload.
        sha256: [u8; 32],
    },
}

/// What one read returned, or a part of it.
#[derive(Debug)]
pub struct Batch {
    /// The connection's lane.
    pub lane: Lane,
    /// The connection's generation: raised with each connect of the lane, never reused in a process.
    pub generation: u64,
    /// When they were read from the socket, or the last of them if there were several reads.
    pub read_at: tokio::time::Instant,
    /// The messages in receive order.
    pub messages: Vec<Inbound>,
    /// Where the acknowledgement goes once the batch is on disk. A connection that is gone has dropped its end,
    /// and the acknowledgement with it: the broker delivers again.
    pub acks: mpsc::UnboundedSender<Acknowledge>,
}

/// Sent by the writer after the commit: all QoS 1 messages of that many batches, in the order they were handed
/// over, are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledge {
    /// How many more batches of this connection are durable.
    pub batches: usize,
}

/// What happens to the path between broker and gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathEvent {
    /// Connected and subscribed. Without a session, whatever was published meanwhile is lost. With one, the first
    /// messages of its queue may arrive before this: the broker sends them without waiting for a SUBSCRIBE.
    Up {
        /// The broker kept the session.
        session_present: bool,
    },
    /// The marker that was published after this connect has come back: the backlog is behind us.
    Drained,
    /// The connection is gone, for this reason. It will be tried again.
    Down {
        /// For the log and the health page.
        reason: String,
    },
    /// Neither a marker nor traffic for ten seconds.
    Quiet,
    /// Traffic again after `Quiet`.
    Heard,
}

/// What a source hands over.
#[derive(Debug)]
pub enum Arrival {
    /// Messages, to be journaled and then acknowledged.
    Messages(Batch),
    /// News of the path.
    Path {
        /// Of which lane.
        lane: Lane,
        /// Of which generation of its connection.
        generation: u64,
        /// What happened.
        event: PathEvent,
    },
}

/// The writer is gone; the source must stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the writer has stopped")]
pub struct Closed;

/// Where arrivals go: the writer's bounded queues, or a test's list.
pub trait Intake: Send + Sync + 'static {
    /// Waits until there is room, then hands over. While it waits the source must not read its socket, so that
    /// the broker holds what it cannot take.
    ///
    /// # Errors
    /// [`Closed`] once the writer has stopped.
    fn offer(&self, arrival: Arrival) -> impl Future<Output = Result<(), Closed>> + Send;
}

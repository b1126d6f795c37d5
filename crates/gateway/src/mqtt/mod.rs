//! MQTT: how messages come in and how commands go out.
//!
//! In: one [`Consumer`] per lane, an own loop over rumqttc's packet codec. It takes what one read of the socket
//! returned, hands it over as one [`Batch`](crate::intake::Batch), and sends the PUBACKs, in receive order and in
//! one write, once the writer says that the batch is on disk. Acknowledgements live and die with their connection,
//! so a stale one cannot exist. Out: the [`Publisher`], over rumqttc's own client.
//!
//! Not here: what a topic or payload means (profiles), and what to do about it (engine).

use crate::intake::{Closed, Intake};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

mod backoff;
mod connection;
mod consumer;
mod counters;
mod decode;
mod dial;
mod fault;
mod in_flight;
mod options;
mod publisher;
mod sample;
mod subscribing;
mod timers;
mod tls;
pub mod topic;
mod wire;

pub use backoff::{Backoff, Jitter};
pub use consumer::Consumer;
pub use counters::{Count, Gauge, PublisherCounters, SourceCounters};
pub use decode::{DecodeFault, Rejection};
pub use dial::{Dial, Network, Stream, certificate};
pub use fault::{ConnectFault, LoginFault, TlsFault};
pub use options::{Address, BrokerOptions, ClientCertificate, ConsumerOptions, Login, Sampling, Tls};
pub use publisher::{LastWill, NotQueued, Outbound, Outcome, Publisher, PublisherOptions};

/// Something that brings messages in: the MQTT consumer, or a test's script.
pub trait Source: Send + 'static {
    /// Runs until `stop` turns true (or its sender is gone), handing everything to `intake`.
    ///
    /// # Errors
    /// [`Closed`] when the writer has stopped first.
    fn run<I: Intake>(
        self,
        intake: Arc<I>,
        stop: watch::Receiver<bool>,
    ) -> impl Future<Output = Result<(), Closed>> + Send;
}

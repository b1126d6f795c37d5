//! The consumer of one lane: connects, serves the connection, and connects again, for as long as it runs.

use super::Source;
use super::backoff::Backoff;
use super::connection::{Connection, End, Reached, stopped};
use super::counters::SourceCounters;
use super::decode::Decoder;
use super::dial::{Dial, Network};
use super::fault::Lost;
use super::options::{BrokerOptions, ConsumerOptions};
use super::wire::Wire;
use crate::intake::{Arrival, Closed, Intake, PathEvent};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;
use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

/// A connection that has carried its marker and lasted this long was good: the next wait is short again.
const GOOD_AFTER: Duration = Duration::from_secs(2);

/// Consumes one lane from one broker.
#[derive(Debug)]
pub struct Consumer<D> {
    dial: D,
    broker: BrokerOptions,
    options: Arc<ConsumerOptions>,
    counters: Arc<SourceCounters>,
    backoff: Backoff,
    reported: Option<String>,
}

impl Consumer<Network> {
    /// A consumer that dials the broker over the network.
    pub fn new(broker: BrokerOptions, options: ConsumerOptions) -> Consumer<Network> {
        Consumer::with_dial(Network::new(broker.clone()), broker, options)
    }
}

impl<D: Dial> Consumer<D> {
    /// A consumer with a way to dial of its own; of the broker's options, login and times count.
    pub fn with_dial(dial: D, broker: BrokerOptions, options: ConsumerOptions) -> Consumer<D> {
        let counters = Arc::new(SourceCounters::new(&options.filters));
        let backoff = Backoff::from_system();
        Consumer { dial, broker, options: Arc::new(options), counters, backoff, reported: None }
    }

    /// The same with waits of its own choosing.
    #[must_use]
    pub fn with_backoff(mut self, backoff: Backoff) -> Consumer<D> {
        self.backoff = backoff;
        self
    }

    /// What it has seen; stays readable while it runs.
    pub fn counters(&self) -> Arc<SourceCounters> {
        Arc::clone(&self.counters)
    }

    async fn connection<I: Intake>(
        &self,
        generation: u64,
        intake: &Arc<I>,
        stop: &watch::Receiver<bool>,
    ) -> (End, Reached) {
        let mut decoder = Decoder::new(self.options.packet_bytes_max);
        let mut stop_opening = stop.clone();
        let opened = select! {
            biased;
            () = stopped(&mut stop_opening) => return (End::Stopped, Reached::Connecting),
            opened = Wire::open(&self.dial, &self.broker, &self.options, &mut decoder) => opened,
        };
        match opened {
            Err(lost) => (End::Lost(lost), Reached::Connecting),
            Ok((wire, welcome)) => {
                let (options, counters) = (Arc::clone(&self.options), Arc::clone(&self.counters));
                let parts = (wire, welcome, decoder);
                let (intake, stop) = (Arc::clone(intake), stop.clone());
                Connection::new(&self.broker, options, counters, intake, stop, generation, parts).run().await
            }
        }
    }

    /// Tells of a lost connection once per cause.
    async fn report(
        &mut self,
        lost: &Lost,
        reached: Reached,
        generation: u64,
        intake: &Arc<impl Intake>,
    ) -> Result<(), Closed> {
        self.counters.disconnects.one();
        let (lane, reason) = (self.options.lane, lost.to_string());
        if reached == Reached::Connecting && self.reported.as_ref() == Some(&reason) {
            tracing::debug!(lane = lane.name(), reason, "still no connection");
            return Ok(());
        }
        tracing::warn!(lane = lane.name(), reason, "no connection to the broker; trying again");
        self.reported = Some(reason.clone());
        intake.offer(Arrival::Path { lane, generation, event: PathEvent::Down { reason } }).await
    }
}

impl<D: Dial> Source for Consumer<D> {
    async fn run<I: Intake>(mut self, intake: Arc<I>, mut stop: watch::Receiver<bool>) -> Result<(), Closed> {
        loop {
            let generation = self.options.generations.fetch_add(1, Relaxed) + 1;
            let began = Instant::now();
            let (end, reached) = self.connection(generation, &intake, &stop).await;
            let lost = match end {
                End::Stopped => return Ok(()),
                End::WriterGone => return Err(Closed),
                End::Lost(lost) => lost,
            };
            // A broker that accepts and fails is not tried faster, and two gateways that take one client id from each
            // other slow down.
            if reached == Reached::Drained && began.elapsed() >= GOOD_AFTER {
                self.backoff.reset();
            }
            self.report(&lost, reached, generation, &intake).await?;
            let wait = self.backoff.next_wait();
            select! {
                () = stopped(&mut stop) => return Ok(()),
                () = sleep(wait) => {}
            }
        }
    }
}

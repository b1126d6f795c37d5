//! One connection from CONNACK to its end: the loop that reads, hands over, acknowledges and keeps alive.
//!
//! ```text
//!  read ─► decode all that is complete ─► one batch ─► intake          no room, or intake waits: no read
//!  writer: n batches durable ─► PUBACKs of those batches ─► one write
//!  SUBACKs complete ─► Up ─► marker out … marker back ─► Drained
//! ```

mod path;
mod receive;

use super::counters::SourceCounters;
use super::decode::{DecodeFault, Decoder};
use super::fault::Lost;
use super::in_flight::InFlight;
use super::options::{BrokerOptions, ConsumerOptions};
use super::sample::Sampler;
use super::subscribing::Subscribing;
use super::timers::{Due, Intervals, Timers};
use super::wire::{Welcome, Wire};
use crate::intake::{Acknowledge, Closed, Intake, Lane, PathEvent};
use receive::Gathered;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Unsubscribe};
use std::pin::Pin;
use std::sync::Arc;
use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// How a connection ended.
#[derive(Debug)]
pub(super) enum End {
    Stopped,
    WriterGone,
    Lost(Lost),
}

impl From<Lost> for End {
    fn from(lost: Lost) -> End {
        End::Lost(lost)
    }
}

impl From<DecodeFault> for End {
    fn from(fault: DecodeFault) -> End {
        End::Lost(Lost::Decode(fault))
    }
}

impl From<Closed> for End {
    fn from(_: Closed) -> End {
        End::WriterGone
    }
}

/// How far a connection came before it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    Connecting,
    Up,
    Drained,
}

/// The loop's state.
pub(super) struct Connection<I> {
    options: Arc<ConsumerOptions>,
    counters: Arc<SourceCounters>,
    intake: Arc<I>,
    stop: watch::Receiver<bool>,
    generation: u64,
    welcome: Welcome,
    wire: Wire,
    decoder: Decoder,
    subscribing: Subscribing,
    gathered: Gathered,
    in_flight: InFlight,
    acks_to_us: mpsc::UnboundedSender<Acknowledge>,
    acks: mpsc::UnboundedReceiver<Acknowledge>,
    timers: Timers,
    alarm_clock: Pin<Box<Sleep>>,
    sampler: Option<Sampler>,
    last_packet_id: u16,
    told_of_rejection: bool,
    reached: Reached,
}

impl<I: Intake> Connection<I> {
    pub(super) fn new(
        broker: &BrokerOptions,
        options: Arc<ConsumerOptions>,
        counters: Arc<SourceCounters>,
        intake: Arc<I>,
        stop: watch::Receiver<bool>,
        generation: u64,
        (wire, welcome, decoder): (Wire, Welcome, Decoder),
    ) -> Connection<I> {
        let (acks_to_us, acks) = mpsc::unbounded_channel();
        let every = Intervals {
            keep_alive: broker.keep_alive,
            marker_every: options.marker_every,
            quiet_after: options.quiet_after,
            suback_timeout: options.suback_timeout,
        };
        let timers = Timers::new(every, Instant::now());
        Connection {
            counters,
            intake,
            stop,
            generation,
            welcome,
            wire,
            decoder,
            subscribing: Subscribing::default(),
            gathered: Gathered::default(),
            in_flight: InFlight::new(options.in_flight_batches_max, options.in_flight_bytes_max),
            acks_to_us,
            acks,
            alarm_clock: Box::pin(sleep_until(timers.next())),
            timers,
            sampler: options.sampling.clone().map(Sampler::new),
            last_packet_id: 0,
            told_of_rejection: false,
            reached: Reached::Connecting,
            options,
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) -> (End, Reached) {
        let Err(end) = self.serve().await;
        self.counters.up.set(0);
        self.counters.in_flight_batches.set(0);
        self.counters.in_flight_bytes.set(0);
        (end, self.reached)
    }

    async fn serve(&mut self) -> Result<std::convert::Infallible, End> {
        self.subscribe().await?;
        loop {
            self.take_input().await?;
            let room = self.in_flight.has_room();
            self.timers.pause(!room, Instant::now());
            let wanted = self.decoder.wanted(&self.wire.input);
            select! {
                biased;
                () = stopped(&mut self.stop) => return Err(self.finish().await),
                Some(ack) = self.acks.recv() => self.acknowledge(ack).await?,
                () = self.alarm_clock.as_mut() => self.on_time().await?,
                bytes = self.wire.read(wanted), if room => {
                    self.counters.bytes.add(bytes?);
                    self.timers.read();
                }
            }
        }
    }

    async fn subscribe(&mut self) -> Result<(), End> {
        let filters = self.options.subscriptions();
        let mut last = self.last_packet_id;
        for packet in self.subscribing.ask(&filters, qos(self.options.lane), || next_id(&mut last)) {
            self.wire.put(&Packet::Subscribe(packet))?;
        }
        if !self.options.retired.is_empty() {
            let topics = self.options.retired.clone();
            self.wire.put(&Packet::Unsubscribe(Unsubscribe { pkid: next_id(&mut last), topics }))?;
        }
        self.last_packet_id = last;
        Ok(self.wire.flush().await?)
    }

    async fn on_time(&mut self) -> Result<(), End> {
        let quiet = self.put_due()?;
        self.wire.flush().await?;
        if quiet {
            tracing::warn!(
                lane = self.lane(),
                "connected, but neither a message nor our own marker comes through"
            );
            self.path(PathEvent::Quiet).await?;
        }
        Ok(())
    }

    /// Puts what is due on the wire. True if the path has become quiet.
    fn put_due(&mut self) -> Result<bool, Lost> {
        let now = Instant::now();
        let mut quiet = false;
        while let Some(due) = self.timers.due(now) {
            match due {
                Due::Ping => self.wire.put(&Packet::PingReq)?,
                Due::Marker => self.put_marker()?,
                Due::Quiet => quiet = true,
                Due::Silent => return Err(Lost::Silent(self.timers.keep_alive())),
                Due::NoSuback => return Err(Lost::NoSuback(self.options.suback_timeout)),
            }
        }
        self.arm();
        Ok(quiet)
    }

    fn arm(&mut self) {
        self.alarm_clock.as_mut().reset(self.timers.next());
    }

    /// The writer has batches on disk: their PUBACKs go out, in receive order, in one write.
    async fn acknowledge(&mut self, first: Acknowledge) -> Result<(), End> {
        let mut next = Some(first);
        while let Some(Acknowledge { batches }) = next {
            let packet_ids = self.in_flight.durable(batches).ok_or(Lost::Overacknowledged(batches))?;
            for id in packet_ids {
                self.wire.put_puback(id);
            }
            next = self.acks.try_recv().ok();
        }
        self.show_in_flight();
        Ok(self.wire.flush().await?)
    }

    /// Stops in order: no more reading, acknowledgements that still come, goodbye.
    async fn finish(&mut self) -> End {
        if let Err(end) = self.settle(Instant::now() + self.options.stop_grace).await {
            tracing::debug!(?end, "connection ended while stopping");
            return End::Stopped;
        }
        self.wire.close().await;
        End::Stopped
    }

    async fn settle(&mut self, until: Instant) -> Result<(), End> {
        while !self.in_flight.is_empty() {
            let Ok(Some(ack)) = timeout_at(until, self.acks.recv()).await else { break };
            self.acknowledge(ack).await?;
        }
        Ok(self.wire.flush().await?)
    }

    fn show_in_flight(&self) {
        self.counters.in_flight_batches.set(self.in_flight.batches());
        self.counters.in_flight_bytes.set(self.in_flight.bytes());
    }

    fn lane(&self) -> &'static str {
        self.options.lane.name()
    }
}

/// Waits until `stop` is true or its sender is gone.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, and with it whoever could want us to run on.
    drop(stop.wait_for(|stop| *stop).await);
}

fn qos(lane: Lane) -> QoS {
    match lane {
        Lane::Alarm | Lane::Bulk => QoS::AtLeastOnce,
        Lane::Discovery => QoS::AtMostOnce,
    }
}

/// Packet identifiers 1 to 65,535, in turn.
fn next_id(last: &mut u16) -> u16 {
    *last = last.checked_add(1).unwrap_or(1);
    *last
}

//! One connection from CONNACK to its end: the loop that reads, hands over, acknowledges and keeps alive.
//!
//! ```text
//!  read ─► decode all that is complete ─► one batch ─► intake          no room, or intake waits: no read
//!  writer: n batches durable ─► PUBACKs of those batches ─► one write
//!  SUBACKs complete ─► Up ─► marker out … marker back ─► Drained
//! ```

use super::counters::SourceCounters;
use super::decode::{DecodeFault, Decoder, Incoming};
use super::fault::Lost;
use super::in_flight::InFlight;
use super::options::{BrokerOptions, ConsumerOptions};
use super::sample::Sampler;
use super::subscribing::Subscribing;
use super::timers::{Due, Intervals, Timers};
use super::topic;
use super::wire::{Welcome, Wire};
use crate::intake::{Acknowledge, Arrival, Batch, Body, Closed, Inbound, Intake, Lane, PathEvent};
use futures_util::FutureExt;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Publish, SubAck, Unsubscribe};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
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

/// After a packet that ends the connection, the writer gets this long to make durable what came before it; else
/// the broker would send that again with every attempt.
const SETTLE: Duration = Duration::from_secs(1);

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
    reached: Reached,
}

/// What was decoded since the last hand-over.
#[derive(Default)]
struct Gathered {
    messages: Vec<Inbound>,
    /// To acknowledge with it, also those of packets that the writer does not see.
    packet_ids: Vec<u16>,
    bytes: usize,
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

    /// Decodes what the buffer holds and hands it over.
    async fn take_input(&mut self) -> Result<(), End> {
        loop {
            let before = self.wire.input.len();
            let incoming = self.decoder.next(&mut self.wire.input);
            self.gathered.bytes += before - self.wire.input.len();
            match incoming {
                Ok(Some(incoming)) => self.sort(incoming).await?,
                Ok(None) => break,
                Err(fault) => return Err(self.give_up(fault).await?),
            }
        }
        self.hand_over().await?;
        Ok(self.wire.flush().await?)
    }

    async fn sort(&mut self, incoming: Incoming) -> Result<(), End> {
        match incoming {
            Incoming::Message(message) if message.topic.starts_with(topic::SELF_PREFIX) => {
                self.marker(message).await
            }
            Incoming::Message(message) => {
                self.gather(message);
                Ok(())
            }
            Incoming::Rejected { packet_id, rejection } => {
                self.counters.rejected.one();
                tracing::warn!(lane = self.lane(), %rejection, "message rejected and acknowledged");
                self.gathered.packet_ids.extend(packet_id);
                Ok(())
            }
            Incoming::SubAck(answer) => self.suback(&answer).await,
            // Only markers are published here, and a marker that comes back says more than its PUBACK.
            Incoming::PubAck(_) | Incoming::UnsubAck(_) | Incoming::PingResp => Ok(()),
            Incoming::ConnAck(_) => Err(DecodeFault::Unexpected(2).into()),
        }
    }

    fn gather(&mut self, message: Inbound) {
        self.counters.messages.one();
        if let Body::Oversize { .. } = message.body {
            self.counters.oversize.one();
        }
        if message.packet_id.is_none() {
            self.counters.qos0_seen(&message.topic);
        }
        self.gathered.packet_ids.extend(message.packet_id);
        let taken = self.sampler.as_mut().is_none_or(|sampler| sampler.takes(&message.topic, Instant::now()));
        if taken {
            self.gathered.messages.push(message);
        } else {
            self.counters.unsampled.one();
        }
    }

    async fn marker(&mut self, message: Inbound) -> Result<(), End> {
        // What came before the marker is handed over before the news that it is back.
        self.hand_over().await?;
        self.gathered.packet_ids.extend(message.packet_id);
        self.heard().await?;
        let Body::Whole(payload) = &message.body else { return Ok(()) };
        if !payload.starts_with(nonce_text(self.options.nonce).as_bytes()) {
            self.counters.foreign_markers.one();
            return Ok(());
        }
        let ours = message.topic == topic::marker(self.options.lane, self.generation);
        if ours {
            self.counters.markers.one();
        }
        if ours && self.timers.marker_back() {
            self.reached = Reached::Drained;
            self.path(PathEvent::Drained).await?;
        }
        Ok(())
    }

    async fn suback(&mut self, answer: &SubAck) -> Result<(), End> {
        let granted = self.subscribing.answered(answer).inspect_err(|fault| {
            if let Lost::SubscriptionsRefused { filters } = fault {
                self.counters.subscriptions_refused.add(filters.len());
            }
        })?;
        for filter in granted.downgraded {
            self.counters.subscriptions_downgraded.one();
            tracing::warn!(
                lane = self.lane(),
                filter,
                "granted at QoS 0 only: what comes while the path is down is lost"
            );
        }
        if self.subscribing.is_done() && self.reached == Reached::Connecting {
            self.hand_over().await?;
            self.came_up().await?;
        }
        Ok(())
    }

    async fn came_up(&mut self) -> Result<(), End> {
        self.reached = Reached::Up;
        self.counters.connects.one();
        self.counters.up.set(1);
        let session_present = self.welcome.session_present;
        if self.options.keeps_session() && !session_present {
            self.counters.sessions_lost.one();
            tracing::warn!(
                lane = self.lane(),
                "connected; the broker held no session, so all is subscribed anew"
            );
        } else {
            tracing::info!(lane = self.lane(), session_present, "connected and subscribed");
        }
        self.path(PathEvent::Up { session_present }).await?;
        self.timers.subscribed(Instant::now());
        self.put_marker()?;
        self.arm();
        Ok(())
    }

    fn put_marker(&mut self) -> Result<(), Lost> {
        let mut marker = Publish::new(
            topic::marker(self.options.lane, self.generation),
            QoS::AtLeastOnce,
            format!("{} {}", nonce_text(self.options.nonce), self.generation),
        );
        marker.pkid = next_id(&mut self.last_packet_id);
        self.wire.put(&Packet::Publish(marker))
    }

    /// Hands over what was gathered, as one batch.
    async fn hand_over(&mut self) -> Result<(), End> {
        let Gathered { messages, packet_ids, bytes } = std::mem::take(&mut self.gathered);
        if messages.is_empty() {
            for id in packet_ids {
                if self.in_flight.trail(id) {
                    self.wire.put_puback(id);
                }
            }
            return Ok(());
        }
        self.heard().await?;
        self.in_flight.push(bytes, packet_ids);
        self.show_in_flight();
        let acks = self.acks_to_us.clone();
        let batch = Batch { lane: self.options.lane, generation: self.generation, messages, acks };
        self.offer(Arrival::Messages(batch)).await
    }

    async fn heard(&mut self) -> Result<(), End> {
        if self.timers.message(Instant::now()) { self.path(PathEvent::Heard).await } else { Ok(()) }
    }

    async fn path(&mut self, event: PathEvent) -> Result<(), End> {
        let (lane, generation) = (self.options.lane, self.generation);
        self.offer(Arrival::Path { lane, generation, event }).await
    }

    /// Hands over, and keeps the connection alive while the intake has no room.
    async fn offer(&mut self, arrival: Arrival) -> Result<(), End> {
        let intake = Arc::clone(&self.intake);
        let mut offering = pin!(intake.offer(arrival));
        if let Some(done) = offering.as_mut().now_or_never() {
            return Ok(done?);
        }
        self.timers.pause(true, Instant::now());
        let mut stop = self.stop.clone();
        let mut give_up_at = None;
        loop {
            select! {
                biased;
                done = offering.as_mut() => {
                    self.timers.pause(false, Instant::now());
                    self.arm();
                    return Ok(done?);
                }
                () = stopped(&mut stop), if give_up_at.is_none() => {
                    give_up_at = Some(Instant::now() + self.options.stop_grace);
                }
                () = sleep_until(give_up_at.unwrap_or_else(Instant::now)), if give_up_at.is_some() => {
                    return Err(End::Stopped);
                }
                Some(ack) = self.acks.recv() => self.acknowledge(ack).await?,
                () = self.alarm_clock.as_mut() => {
                    self.put_due()?;
                    self.wire.flush().await?;
                }
            }
        }
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

    /// What came before a packet that ends the connection is still handed over and acknowledged.
    async fn give_up(&mut self, fault: DecodeFault) -> Result<End, End> {
        match fault {
            DecodeFault::Qos2 { .. } => self.counters.qos2.one(),
            DecodeFault::RemainingLength
            | DecodeFault::Unexpected(_)
            | DecodeFault::ControlTooLarge { .. }
            | DecodeFault::Malformed { .. } => self.counters.malformed.one(),
        }
        self.hand_over().await?;
        self.settle(Instant::now() + SETTLE).await?;
        Ok(fault.into())
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

fn nonce_text(nonce: u64) -> String {
    format!("{nonce:016x}")
}

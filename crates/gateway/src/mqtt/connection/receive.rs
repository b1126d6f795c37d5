//! The way in: from the buffer through the decoder to the intake, in receive order.

use super::{Connection, End, stopped};
use crate::intake::{Arrival, Batch, Body, Inbound, Intake};
use crate::mqtt::decode::{DecodeFault, Incoming, Rejection};
use crate::mqtt::fault::Lost;
use crate::mqtt::topic;
use futures_util::FutureExt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::select;
use tokio::time::{Instant, sleep_until};

/// After a packet that ends the connection, the writer gets this long to make durable what came before it; else
/// the broker would send that again with every attempt.
const SETTLE: Duration = Duration::from_secs(1);

/// What was decoded since the last hand-over.
#[derive(Default)]
pub(super) struct Gathered {
    messages: Vec<Inbound>,
    /// To acknowledge with it, also those of packets that the writer does not see.
    pub(super) packet_ids: Vec<u16>,
    /// What the messages keep in memory.
    bytes: usize,
}

fn held_bytes(message: &Inbound) -> usize {
    let payload = match &message.body {
        Body::Whole(payload) => payload.len(),
        Body::Oversize { .. } => 0,
    };
    message.topic.len() + payload
}

impl<I: Intake> Connection<I> {
    /// Decodes what the buffer holds and hands it over.
    pub(super) async fn take_input(&mut self) -> Result<(), End> {
        match self.decode_all().await {
            Ok(()) => self.hand_over().await?,
            Err(End::Lost(fault)) => return Err(self.give_up(fault).await),
            Err(end) => return Err(end),
        }
        Ok(self.wire.flush().await?)
    }

    async fn decode_all(&mut self) -> Result<(), End> {
        while let Some(incoming) = self.decoder.next(&mut self.wire.input)? {
            self.sort(incoming).await?;
            if self.gathered.bytes >= self.options.batch_bytes_max {
                self.hand_over().await?;
            }
        }
        Ok(())
    }

    /// What came before a packet that ends the connection is still handed over and acknowledged.
    async fn give_up(&mut self, fault: Lost) -> End {
        if let Lost::Decode(fault) = &fault {
            self.counters.fault_seen(fault);
        }
        let settled = match self.hand_over().await {
            Ok(()) => self.settle(Instant::now() + SETTLE).await,
            Err(end) => Err(end),
        };
        match settled {
            Ok(()) | Err(End::Lost(_)) => End::Lost(fault),
            Err(End::Stopped) => End::Stopped,
            Err(End::WriterGone) => End::WriterGone,
        }
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
                self.reject(packet_id, &rejection);
                Ok(())
            }
            Incoming::SubAck(answer) => self.suback(&answer).await,
            // Only markers are published here, and a marker that comes back says more than its PUBACK.
            Incoming::PubAck(_) | Incoming::UnsubAck(_) | Incoming::PingResp => Ok(()),
            Incoming::ConnAck(_) => Err(DecodeFault::Unexpected(2).into()),
        }
    }

    pub(super) fn gather(&mut self, message: Inbound) {
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
            self.gathered.bytes += held_bytes(&message);
            self.gathered.messages.push(message);
        } else {
            self.counters.unsampled.one();
        }
    }

    fn reject(&mut self, packet_id: Option<u16>, rejection: &Rejection) {
        self.counters.rejected.one();
        self.gathered.packet_ids.extend(packet_id);
        // One device may send nothing else; its first message tells all there is to know.
        match std::mem::replace(&mut self.told_of_rejection, true) {
            false => tracing::warn!(lane = self.lane(), %rejection, "message rejected and acknowledged"),
            true => tracing::debug!(lane = self.lane(), %rejection, "message rejected and acknowledged"),
        }
    }

    /// Hands over what was gathered, as one batch.
    pub(super) async fn hand_over(&mut self) -> Result<(), End> {
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
        let read_at = Instant::now();
        let batch = Batch { lane: self.options.lane, generation: self.generation, read_at, messages, acks };
        self.offer(Arrival::Messages(batch)).await
    }

    /// Hands over, and keeps the connection alive while the intake has no room.
    pub(super) async fn offer(&mut self, arrival: Arrival) -> Result<(), End> {
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
}

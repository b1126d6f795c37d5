//! The state of the path: subscribed, marked, drained, quiet, heard again.

use super::{Connection, End, Reached, next_id};
use crate::canary;
use crate::intake::{Arrival, Body, Inbound, Intake, PathEvent};
use crate::mqtt::fault::Lost;
use crate::mqtt::topic;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Publish, SubAck};
use tokio::time::Instant;

impl<I: Intake> Connection<I> {
    pub(super) async fn marker(&mut self, message: Inbound) -> Result<(), End> {
        if self.is_our_canary(&message) {
            self.gather(message);
            return Ok(());
        }
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

    /// A canary of this process goes the way of a sensor's message. Those of an earlier one are late: they are taken
    /// for foreign markers, acknowledged and forgotten.
    fn is_our_canary(&self, message: &Inbound) -> bool {
        let Body::Whole(payload) = &message.body else { return false };
        topic::is_canary(&message.topic) && canary::read(self.options.nonce, payload).is_some()
    }

    pub(super) async fn suback(&mut self, answer: &SubAck) -> Result<(), End> {
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

    pub(super) fn put_marker(&mut self) -> Result<(), Lost> {
        let mut marker = Publish::new(
            topic::marker(self.options.lane, self.generation),
            QoS::AtLeastOnce,
            format!("{} {}", nonce_text(self.options.nonce), self.generation),
        );
        marker.pkid = next_id(&mut self.last_packet_id);
        self.wire.put(&Packet::Publish(marker))
    }

    pub(super) async fn heard(&mut self) -> Result<(), End> {
        if self.timers.message(Instant::now()) { self.path(PathEvent::Heard).await } else { Ok(()) }
    }

    pub(super) async fn path(&mut self, event: PathEvent) -> Result<(), End> {
        let (lane, generation) = (self.options.lane, self.generation);
        self.offer(Arrival::Path { lane, generation, event }).await
    }
}

/// What a marker of this process begins with.
fn nonce_text(nonce: u64) -> String {
    format!("{nonce:016x}")
}

//! Sends commands to devices that do something, lifts' controllers and loudspeakers, over MQTT. Each is begun in the journal
//! before it leaves, leaves at most once, and not at all after it has expired; what the broker said of it goes back to the
//! engine, which waits for the device's own word.

use crate::mqtt::{Outbound, Outcome, Publisher};
use crate::writer::{Observer, WriterHandle};
use serde::Serialize;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use wanglou_engine::Engine;
use wanglou_model::{ChannelNews, Ended, Fact, Input, LiftCommand, Purpose, Timestamp, rfc3339_micros};

/// Commands that wait to be sent; more are left to time out.
const COMMANDS_MAX: usize = 64;

/// What the device gets, on `wanglou/v1/cmd/<its identity>/<action>`.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Order {
    /// The same for a redelivery.
    id: String,
    /// `voice`, `hold` or `release`.
    action: &'static str,
    /// The place of the lift or loudspeaker.
    place: String,
    /// The same, for the controller of a lift.
    #[serde(skip_serializing_if = "Option::is_none")]
    lift: Option<String>,
    /// Not to be done after this.
    expires_at: String,
    #[serde(skip)]
    device: String,
    #[serde(skip)]
    expires: Instant,
}

impl Order {
    fn of(engine: &Engine, at: Timestamp, command: &LiftCommand) -> Option<Self> {
        let device = engine.setup().site.devices.get(&command.device)?;
        let rest = u64::try_from((command.expires_at - at).0).ok()?;
        Some(Self {
            id: command.command.clone(),
            action: command.action.name(),
            place: command.lift.to_string(),
            lift: (device.purpose == Purpose::LiftController).then(|| command.lift.to_string()),
            expires_at: rfc3339_micros::format(engine.senses().wall(command.expires_at)),
            device: device.identity.clone(),
            expires: Instant::now() + Duration::from_micros(rest),
        })
    }

    fn outbound(&self) -> Option<Outbound> {
        let payload = serde_json::to_vec(self).ok()?.into();
        let topic = format!("wanglou/v1/cmd/{}/{}", self.device, self.action);
        Some(Outbound { topic, payload, expires_at: self.expires })
    }
}

/// Hands new commands from the writer to the sender.
#[derive(Debug)]
pub struct Orders {
    queue: mpsc::Sender<Order>,
}

/// The sending end.
#[derive(Debug)]
pub struct Sender {
    queue: mpsc::Receiver<Order>,
}

/// Both ends. What an earlier run of the gateway had not ended is not sent.
pub fn orders() -> (Orders, Sender) {
    let (queue, waiting) = mpsc::channel(COMMANDS_MAX);
    (Orders { queue }, Sender { queue: waiting })
}

impl Observer for Orders {
    fn committed(&mut self, at: Timestamp, engine: &Engine, facts: &[Fact]) {
        for fact in facts {
            let Fact::Commanded(command) = fact else { continue };
            let Some(order) = Order::of(engine, at, command) else { continue };
            if self.queue.try_send(order).is_err() {
                tracing::warn!(command = command.command, "too many commands wait; this one times out");
            }
        }
    }
}

impl Sender {
    /// Sends until the gateway stops.
    pub async fn run(
        mut self,
        writer: WriterHandle,
        publisher: Publisher,
        mut stopping: watch::Receiver<bool>,
    ) {
        let mut under_way = JoinSet::new();
        loop {
            let order = tokio::select! {
                order = self.queue.recv() => order,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            let Some(order) = order else { return };
            while under_way.len() >= COMMANDS_MAX {
                under_way.join_next().await;
            }
            under_way.spawn(send(order, writer.clone(), publisher.clone()));
        }
    }
}

async fn send(order: Order, writer: WriterHandle, publisher: Publisher) {
    // Without the beginning on disk nothing leaves: after a crash nobody would know that it may have.
    if !tell(&writer, &order.id, None, String::new()).await {
        return;
    }
    let outcome = match order.outbound().map(|message| publisher.publish(message)) {
        Some(Ok(told)) => {
            told.await.unwrap_or(Outcome::Failed { reason: "the publisher has stopped".into() })
        }
        Some(Err(refused)) => Outcome::Failed { reason: refused.to_string() },
        None => Outcome::Failed { reason: "it cannot be written as JSON".into() },
    };
    let (ended, detail) = match outcome {
        Outcome::Done => (Ended::Done, String::new()),
        Outcome::Failed { reason } => (Ended::Failed, reason),
        Outcome::Unknown { reason } => (Ended::Unknown, reason),
    };
    tell(&writer, &order.id, Some(ended), detail).await;
}

/// Whether it is on disk.
async fn tell(writer: &WriterHandle, command: &str, ended: Option<Ended>, detail: String) -> bool {
    let news = Input::Channel(ChannelNews { effect: command.to_owned(), ended, detail });
    match writer.submit(news).await {
        Ok(_) => true,
        Err(refused) => {
            tracing::warn!(%refused, command, "news of a command was not taken");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_goes_to_its_device_with_its_end() {
        let order = Order {
            id: "cm_1".into(),
            action: "release",
            place: "3/2/lift-B".into(),
            lift: Some("3/2/lift-B".into()),
            expires_at: "2026-03-02T00:00:05Z".into(),
            device: "ctl-7".into(),
            expires: Instant::now(),
        };
        let message = order.outbound().expect("JSON");
        assert_eq!(message.topic, "wanglou/v1/cmd/ctl-7/release");
        let body: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
        assert_eq!(body["action"], "release");
        assert_eq!(body["expires_at"], "2026-03-02T00:00:05Z");
        assert!(body.get("device").is_none() && body.get("expires").is_none());
    }
}

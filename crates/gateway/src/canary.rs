//! Canaries: a message of the gateway's own, every ten seconds, by the whole path that an alarm takes.
//!
//! ```text
//!  publisher ─► broker ─► lane ─► journal ─► engine ─► fact ─► journal ─► hub ─► receiver's queue ─► receipt ─► journal
//!  └────── publish ──────┘└───────────────────── intake ──────────────────────┘└─────────── receipt ───────────┘
//! ```
//!
//! It is no alarm: no rule judges it, nobody sees it, no figure of the month counts it. What it leaves out is what
//! only a site's own devices, rules and phones can show: a vendor's format, a ladder, the way from the socket to the
//! phone.

use crate::configuration::CanaryTable;
use crate::health::{Concern, Detail, Health};
use crate::hub::{Hub, Push, Socket};
use crate::intake::{Body, Inbound};
use crate::lanes::Lanes;
use crate::metrics::Metrics;
use crate::mqtt::{Outbound, Outcome, Publisher, topic};
use crate::writer::{Refused, WriterHandle};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, timeout_at};
use wanglou_model::{Canary, Input};

/// So many in a row fail before the health page turns red: one may meet a reload.
const RED_AFTER: u32 = 3;
/// The first one waits so long for the path to come up; then it goes out, and fails.
const PATH_WITHIN: Duration = Duration::from_secs(30);
/// How often it looks whether the path is up.
const PATH_LOOK: Duration = Duration::from_millis(200);

/// How far a canary did not come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The broker did not take it.
    Publish,
    /// The broker took it, and it did not come to the receiver by lane, journal, engine and hub.
    Intake,
    /// Its receipt did not get onto the disk.
    Receipt,
}

impl Stage {
    /// All of them.
    pub const ALL: [Stage; 3] = [Stage::Publish, Stage::Intake, Stage::Receipt];

    /// The name in metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Publish => "publish",
            Stage::Intake => "intake",
            Stage::Receipt => "receipt",
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Stage::Publish => ("消息服务器未收下自检消息", "the broker does not take them"),
            Stage::Intake => {
                ("消息服务器收下后未送回", "the broker took them, and they are not taken in and handed on")
            }
            Stage::Receipt => ("回执未能落盘", "their receipts do not get onto the disk"),
        }
    }
}

/// The payload of a canary: whose it is, and which.
fn payload(nonce: u64, n: u64) -> String {
    format!("{nonce:016x} {n}")
}

/// A canary's number, if it is one of this process.
pub(crate) fn read(nonce: u64, payload: &[u8]) -> Option<Canary> {
    parse(payload).filter(|(found, _)| *found == nonce).map(|(_, canary)| canary)
}

/// The canary that a message is.
pub(crate) fn of(message: &Inbound) -> Option<Canary> {
    let Body::Whole(payload) = &message.body else { return None };
    topic::is_canary(&message.topic).then(|| parse(payload)).flatten().map(|(_, canary)| canary)
}

fn parse(payload: &[u8]) -> Option<(u64, Canary)> {
    let (nonce, n) = std::str::from_utf8(payload).ok()?.split_once(' ')?;
    let nonce = u64::from_str_radix(nonce, 16).ok()?;
    // Half of it tells two runs of a gateway apart.
    Some((nonce, Canary { run: nonce as u32, n: n.parse().ok()? }))
}

/// Sends canaries and waits for them.
pub(crate) struct Canaries {
    table: CanaryTable,
    lanes: Arc<Lanes>,
    writer: WriterHandle,
    publisher: Publisher,
    metrics: Metrics,
    health: Arc<Health>,
    receiver: Arc<Socket>,
    sent: u64,
    failed_in_a_row: u32,
}

impl Canaries {
    /// Those of one gateway.
    pub(crate) fn new(
        table: CanaryTable,
        lanes: Arc<Lanes>,
        hub: Hub,
        writer: WriterHandle,
        publisher: Publisher,
        metrics: &Metrics,
        health: Arc<Health>,
    ) -> Self {
        let receiver = hub.attach_canary();
        for stage in Stage::ALL {
            // There from the start, so that the first failure is an increase.
            metrics.canary_failures.with_label_values(&[stage.name()]).inc_by(0);
        }
        let metrics = metrics.clone();
        Self { table, lanes, writer, publisher, metrics, health, receiver, sent: 0, failed_in_a_row: 0 }
    }

    /// Until the gateway stops.
    pub(crate) async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let singing = async {
            self.path_up().await;
            let mut every = tokio::time::interval(Duration::from_secs(self.table.every_s));
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                every.tick().await;
                match self.round().await {
                    Ok(Some(took)) => self.came_back(took),
                    Ok(None) => {}
                    Err(stage) => self.failed(stage),
                }
            }
        };
        tokio::select! {
            () = singing => {}
            _ = stopping.wait_for(|stop| *stop) => {}
        }
    }

    /// A gateway that starts is not a gateway that fails.
    async fn path_up(&self) {
        let until = Instant::now() + PATH_WITHIN;
        let down =
            |health: &Health| health.concerns().iter().any(|(concern, _)| *concern == Concern::AlarmPath);
        while down(&self.health) && Instant::now() < until {
            tokio::time::sleep(PATH_LOOK).await;
        }
    }

    /// One canary: how long it took. None where there is no lane to send it by.
    async fn round(&mut self) -> Result<Option<Duration>, Stage> {
        let Some(lane) = self.lanes.canary_lane().await else { return Ok(None) };
        self.sent += 1;
        let began = Instant::now();
        let until = began + Duration::from_secs(self.table.within_s);
        let payload = payload(self.lanes.nonce(), self.sent);
        let outbound = Outbound { topic: topic::canary(lane), payload: payload.into(), expires_at: until };
        let taken = self.publisher.publish(outbound).map_err(|_| Stage::Publish)?;
        let receiver = Arc::clone(&self.receiver);
        let coming = arrival(&receiver, self.sent);
        let canary = match timeout_at(until, coming).await {
            Ok(canary) => canary,
            // What it was not taken for in time, or never, is the broker's.
            Err(_) => {
                let taken = timeout_at(until, taken).await;
                return Err(match taken {
                    Ok(Ok(Outcome::Done)) => Stage::Intake,
                    Ok(_) | Err(_) => Stage::Publish,
                });
            }
        };
        match timeout_at(until, self.writer.submit(Input::CanaryReceipt(canary))).await {
            Ok(Ok(_)) => Ok(Some(began.elapsed())),
            Ok(Err(Refused::Stopped)) => Ok(None),
            Ok(Err(Refused::Busy)) | Err(_) => Err(Stage::Receipt),
        }
    }

    fn came_back(&mut self, took: Duration) {
        self.metrics.canary_seconds.observe(took.as_secs_f64());
        self.failed_in_a_row = 0;
        self.health.clear(Concern::Canary);
    }

    fn failed(&mut self, stage: Stage) {
        self.metrics.canary_failures.with_label_values(&[stage.name()]).inc();
        self.failed_in_a_row += 1;
        let (n, within_s) = (self.sent, self.table.within_s);
        tracing::warn!(n, stage = stage.name(), within_s, "a canary did not come back in time");
        if self.failed_in_a_row >= RED_AFTER {
            let (zh, en) = stage.words();
            self.health.raise(Concern::Canary, Detail::said(zh, en));
        }
    }
}

/// Waits for the canary of this number; older ones are late.
async fn arrival(receiver: &Socket, n: u64) -> Canary {
    loop {
        if let Push::Canary(canary) = receiver.next().await
            && canary.n == n
        {
            return canary;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::Lane;
    use bytes::Bytes;

    fn message(topic: String, payload: &str) -> Inbound {
        let body = Body::Whole(Bytes::from(payload.to_owned()));
        Inbound { topic, body, retain: false, dup: false, packet_id: Some(1) }
    }

    #[test]
    fn a_canary_is_known_by_its_topic_and_by_whose_it_is() {
        let nonce = 0xfeed_0000_0000_0007;
        let sung = payload(nonce, 41);
        assert_eq!(read(nonce, sung.as_bytes()), Some(Canary { run: 7, n: 41 }));
        assert_eq!(read(nonce + 1, sung.as_bytes()), None, "another gateway's, or an earlier one's");
        assert_eq!(of(&message(topic::canary(Lane::Alarm), &sung)), Some(Canary { run: 7, n: 41 }));
        assert_eq!(of(&message("lift/1/canary".into(), &sung)), None, "a sensor's");
        for broken in ["", "7", "x 1", "7 x", "7 -1", "7 1 2"] {
            assert_eq!(of(&message(topic::canary(Lane::Alarm), broken)), None, "{broken}");
        }
    }

    #[test]
    fn a_redelivered_canary_is_not_a_new_one() {
        let canary = Canary { run: 7, n: 3 };
        assert!(canary.is_new_after(None) && canary.is_new_after(Some(Canary { run: 7, n: 2 })));
        assert!(canary.is_new_after(Some(Canary { run: 8, n: 90 })), "of another run");
        assert!(!canary.is_new_after(Some(canary)) && !canary.is_new_after(Some(Canary { run: 7, n: 4 })));
    }
}

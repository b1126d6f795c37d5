//! Evidence at ingest: each picture and clip that an alarm names is fetched, hashed and kept at once, because cameras
//! overwrite theirs. What cannot be had is tried again, and the alarm says that it is pending; it never waits for it.
//!
//! ```text
//!  facts ─► Ingest (observer) ─► queue ─► fetch, put into data/blobs ─► Input::Evidence ─► custody list
//! ```

use crate::evidence::{Evidence, Missing};
use crate::writer::{Observer, WriterHandle};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use wanglou_engine::Engine;
use wanglou_model::{AlarmId, CustodyEvent, EvidenceNews, Fact, Input, Timestamp};

/// Pieces that wait to be fetched; more stay pending.
const WAITING_MAX: usize = 1_024;
/// What could not be had is tried again after these times.
const RETRIES: [Duration; 3] = [Duration::from_secs(10), Duration::from_secs(60), Duration::from_secs(300)];

/// One piece of an alarm.
#[derive(Debug, Clone)]
struct Piece {
    alarm: AlarmId,
    number: usize,
    evidence: wanglou_model::Evidence,
}

/// Hands new pieces from the writer to whoever fetches them, and erases files.
#[derive(Debug)]
pub struct Ingest {
    queue: mpsc::Sender<Piece>,
    evidence: Arc<Evidence>,
}

/// The fetching end.
#[derive(Debug)]
pub struct Fetching {
    queue: mpsc::Receiver<Piece>,
    evidence: Arc<Evidence>,
}

impl Ingest {
    /// Both ends. What open alarms of the recovered engine do not have yet is fetched first.
    pub fn new(engine: &Engine, evidence: Arc<Evidence>) -> (Self, Fetching) {
        let (sender, queue) = mpsc::channel(WAITING_MAX);
        let ingest = Self { queue: sender, evidence: Arc::clone(&evidence) };
        for alarm in engine.book().open_alarms() {
            ingest.hand_over(engine, &alarm.id, 0);
        }
        (ingest, Fetching { queue, evidence })
    }

    /// Pieces from a number on that nobody has fetched.
    fn hand_over(&self, engine: &Engine, id: &AlarmId, from: usize) {
        let Some(alarm) = engine.book().alarms.get(id) else { return };
        let held = |number: usize| {
            alarm.custody.iter().any(|line| line.number == number && line.event == CustodyEvent::Held)
        };
        let new = alarm.evidence.iter().enumerate().skip(from);
        for (number, evidence) in new.filter(|(number, piece)| piece.uri.is_some() && !held(*number)) {
            let piece = Piece { alarm: id.clone(), number, evidence: evidence.clone() };
            if self.queue.try_send(piece).is_err() {
                tracing::warn!(alarm = %id, number, "too many pictures wait; this one stays pending");
            }
        }
    }
}

impl Observer for Ingest {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn committed(&mut self, _at: Timestamp, engine: &Engine, facts: &[Fact]) {
        for fact in facts {
            match fact {
                Fact::Raised(raised) if !raised.evidence.is_empty() => {
                    self.hand_over(engine, &raised.alarm, 0)
                }
                Fact::Repeated { alarm, evidence, .. } if !evidence.is_empty() => {
                    let known = engine.book().alarms.get(alarm).map_or(0, |alarm| alarm.evidence.len());
                    self.hand_over(engine, alarm, known.saturating_sub(evidence.len()));
                }
                Fact::Erased { files, .. } => self.evidence.erase(files),
                _ => {}
            }
        }
    }
}

impl Fetching {
    /// Fetches until the gateway stops.
    pub async fn run(mut self, writer: WriterHandle, mut stopping: watch::Receiver<bool>) {
        loop {
            let piece = tokio::select! {
                piece = self.queue.recv() => piece,
                _ = stopping.wait_for(|stop| *stop) => return,
            };
            let Some(piece) = piece else { return };
            let (evidence, writer) = (Arc::clone(&self.evidence), writer.clone());
            // A camera that does not answer keeps nobody else waiting; how many are fetched at once, `Evidence` bounds.
            tokio::spawn(async move { fetch(&evidence, &writer, &piece).await });
        }
    }
}

async fn fetch(evidence: &Arc<Evidence>, writer: &WriterHandle, piece: &Piece) {
    for wait in [None].into_iter().chain(RETRIES.map(Some)) {
        if let Some(wait) = wait {
            tokio::time::sleep(wait).await;
        }
        let (event, sha256, detail) = match evidence.keep_fetched(&piece.evidence, crate::clock::wall()).await
        {
            Ok(sha256) => (CustodyEvent::Held, Some(sha256), String::new()),
            Err(Missing::Mismatch) => (CustodyEvent::Mismatch, None, Missing::Mismatch.code().to_owned()),
            // The compound's file says that nobody is to be asked: nothing was tried.
            Err(Missing::HostNotAllowed | Missing::NoAddress) => return,
            Err(missing) => (CustodyEvent::Failed, None, missing.code().to_owned()),
        };
        let (alarm, number) = (piece.alarm.clone(), piece.number);
        let news = EvidenceNews { alarm, number, event, sha256, detail };
        if let Err(refused) = writer.submit(Input::Evidence(news)).await {
            tracing::warn!(%refused, alarm = %piece.alarm, "news of evidence was not taken");
        }
        if event != CustodyEvent::Failed {
            return;
        }
    }
}

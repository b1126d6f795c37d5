//! Reading ahead: a journal is read and decoded on a thread of its own while the engine decides on what came before.
//! Half of a replay is reading; each half has a core.

use super::simulation::{Heard, hear};
use crate::record::{self, Kept, Payload, kind};
use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use wanglou_journal::{Blob, BlobId, Blobs, Body, Position, Record, SegmentLog, Store, StoreError};
use wanglou_model::{Input, RawMessage, Timestamp};
use wanglou_profiles::{DecodeState, ProfileSet};

/// Entries that are handed over together: with each alone, two threads would wake each other all the time.
const TOGETHER: usize = 512;
/// So many of those wait for the engine; then the reader waits. About two megabytes.
const AHEAD_MAX: usize = 8;

/// One record that says something.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where it stands in the journal.
    pub(super) position: Position,
    /// When it came.
    pub(super) at: Timestamp,
    pub(super) what: What,
}

/// What it says.
#[derive(Debug)]
pub(super) enum What {
    Message { heard: Heard, retain: bool, dup: bool },
    Input(Box<Input>),
    Unreadable,
}

/// Reads from a position on, up to a time.
pub(super) struct Reader<'a> {
    pub(super) log: SegmentLog,
    pub(super) blobs: &'a Blobs,
    pub(super) profiles: &'a ProfileSet,
    pub(super) decoding: DecodeState,
    pub(super) until: Option<Timestamp>,
}

impl Reader<'_> {
    /// Gives `take` every entry in its order, from the thread that calls. What is taken last is all that was read: where
    /// the journal cannot be read further, the rest is missing.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub(super) fn read(self, start: Position, mut take: impl FnMut(Entry)) -> Result<(), StoreError> {
        std::thread::scope(|threads| {
            let (sender, receiver): (SyncSender<Vec<Entry>>, Receiver<_>) = sync_channel(AHEAD_MAX);
            let reading = threads.spawn(move || self.send(start, &sender));
            receiver.into_iter().flatten().for_each(&mut take);
            match reading.join() {
                Ok(read) => read,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }

    fn send(self, start: Position, sender: &SyncSender<Vec<Entry>>) -> Result<(), StoreError> {
        let Self { log, blobs, profiles, decoding, until } = self;
        let mut decoder = Decoder { blobs, profiles, decoding };
        let mut together = Vec::with_capacity(TOGETHER);
        let read = log.read_from(start, &mut |record| {
            let at = Timestamp(record.at_micros);
            if until.is_some_and(|until| at > until) {
                return ControlFlow::Break(());
            }
            let what = decoder.what(&record, at);
            together.extend(what.map(|what| Entry { position: record.position, at, what }));
            if together.len() < TOGETHER {
                return ControlFlow::Continue(());
            }
            let full = std::mem::replace(&mut together, Vec::with_capacity(TOGETHER));
            // Nobody takes it any more only when the other thread has panicked.
            if sender.send(full).is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        let _ = sender.send(together);
        read.map(|_| ())
    }
}

struct Decoder<'a> {
    blobs: &'a Blobs,
    profiles: &'a ProfileSet,
    decoding: DecodeState,
}

impl Decoder<'_> {
    /// A body that is past its age says nothing any more.
    fn what(&mut self, record: &Record, at: Timestamp) -> Option<What> {
        let Body::Whole { head, payload } = record.body else { return None };
        match record.kind {
            kind::MESSAGE => self.message(at, head, payload),
            kind::INPUT => Some(match serde_json::from_slice(payload) {
                Ok(input) => What::Input(Box::new(input)),
                Err(_) => What::Unreadable,
            }),
            _ => None,
        }
    }

    fn message(&mut self, at: Timestamp, head: &[u8], payload: &[u8]) -> Option<What> {
        let Ok(Kept { topic, retain, dup, payload, .. }) = record::message(head, payload) else {
            return Some(What::Unreadable);
        };
        let blob;
        let payload = match payload {
            Payload::Here(bytes) => bytes,
            Payload::Blob(id) => {
                let Ok(Blob::Whole(bytes)) = self.blobs.read(BlobId(id)) else { return None };
                blob = bytes;
                &blob
            }
            Payload::Oversize { .. } => return None,
        };
        let raw = RawMessage { topic, payload, at, retain, dup };
        let heard = hear(self.profiles, &raw, &mut self.decoding);
        Some(What::Message { heard, retain, dup })
    }
}

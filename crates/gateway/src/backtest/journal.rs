//! A journal's own past, decided on again with the configuration of today. Up to `from` its facts are applied as
//! they were written; from there on its messages and people's acts go in once more, and deadlines fire when they are
//! due by the rules of today. The journal itself is left as it is, and may belong to a gateway that is running.

use super::effects::Effect;
use super::simulation::{Remark, Simulation};
use super::untouched::Untouched;
use crate::configuration::Decisive;
use crate::record::{self, Payload, kind};
use crate::recovery::{self, RecoveryError};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use wanglou_engine::{Engine, Stimulus};
use wanglou_journal::files::Files;
use wanglou_journal::{
    Blob, BlobId, Blobs, Body, Configs, FileError, OpenError, Options, Position, Record, SegmentLog, Store,
    StoreError,
};
use wanglou_model::{Input, Timestamp};

/// Why a journal cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be opened.
    #[error("the journal cannot be opened: {0}")]
    Open(#[from] OpenError),
    /// A file beside it cannot be read.
    #[error("{0}")]
    File(#[from] FileError),
    /// It cannot be read.
    #[error("the journal cannot be read: {0}")]
    Store(#[from] StoreError),
    /// What was before `from` cannot be recovered.
    #[error("what was before cannot be recovered: {0}")]
    Recovery(#[from] RecoveryError),
}

/// Replays the journal of a data directory. Each effect is given out as soon as it is known, with the time of the
/// journal; alarms that were raised before `from` are named by their ids.
///
/// # Errors
/// [`JournalError`].
pub fn replay(
    data: &Path,
    current: &Decisive,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    out: &mut dyn FnMut(Effect),
) -> Result<Vec<Remark>, JournalError> {
    let files: Arc<dyn Files> = Arc::new(Untouched::default());
    let (log, _) = SegmentLog::open(Options { files: Arc::clone(&files), ..Options::new(data) })?;
    let blobs = Blobs::open(Arc::clone(&files), data)?;
    let configs = Configs::open(files, data)?;
    let (simulation, start) = match from {
        None => (Simulation::bare(Engine::new(Arc::clone(&current.setup)), current), Position::FIRST),
        Some(from) => {
            let start = first_from(&log, from)?;
            let found =
                recovery::recover_until(&log, &blobs, &configs, current, Some(start), &mut |_, _, _| {})?;
            let mut engine = found.engine;
            engine.reconfigure(Arc::clone(&current.setup));
            (Simulation::bare(engine, current), start)
        }
    };
    let mut replay = Replay { simulation, blobs: &blobs, until };
    log.read_from(start, &mut |record| {
        let flow = replay.take(&record);
        replay.simulation.take_effects().into_iter().for_each(&mut *out);
        flow
    })?;
    if let Some(until) = until {
        replay.simulation.pass(until);
    }
    let (effects, remarks) = replay.simulation.end();
    effects.into_iter().for_each(out);
    Ok(remarks)
}

/// The first record at or after a time.
fn first_from(log: &SegmentLog, from: Timestamp) -> Result<Position, StoreError> {
    let mut found = log.position();
    log.read_from(Position::FIRST, &mut |record| {
        if record.at_micros < from.0 {
            return ControlFlow::Continue(());
        }
        found = record.position;
        ControlFlow::Break(())
    })?;
    Ok(found)
}

struct Replay<'a> {
    simulation: Simulation,
    blobs: &'a Blobs,
    until: Option<Timestamp>,
}

impl Replay<'_> {
    fn take(&mut self, record: &Record) -> ControlFlow<()> {
        let at = Timestamp(record.at_micros);
        if self.until.is_some_and(|until| at > until) {
            return ControlFlow::Break(());
        }
        self.simulation.at_line(usize::try_from(record.position.0).unwrap_or(usize::MAX));
        // A body that is past its age says nothing any more.
        if let Body::Whole { head, payload } = record.body {
            match record.kind {
                kind::MESSAGE => self.message(at, head, payload),
                kind::INPUT => self.input(at, payload),
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn message(&mut self, at: Timestamp, head: &[u8], payload: &[u8]) {
        let Ok(kept) = record::message(head, payload) else {
            self.simulation.remark("the record cannot be read: left out".into());
            return;
        };
        let blob;
        let payload = match kept.payload {
            Payload::Here(bytes) => bytes,
            Payload::Blob(id) => match self.blobs.read(BlobId(id)) {
                Ok(Blob::Whole(bytes)) => {
                    blob = bytes;
                    &blob
                }
                Ok(_) | Err(_) => return,
            },
            Payload::Oversize { .. } => return,
        };
        self.simulation.pass(at);
        self.simulation.message(at, kept.topic, payload, kept.retain, kept.dup);
    }

    fn input(&mut self, at: Timestamp, payload: &[u8]) {
        let Ok(input) = serde_json::from_slice::<Input>(payload) else {
            self.simulation.remark("the record cannot be read: left out".into());
            return;
        };
        match &input {
            // Today's configuration holds throughout.
            Input::Config { .. } => {}
            // The gateway was there, but its deadlines are today's.
            Input::Tick => self.simulation.pass(at),
            // It was off until then: what came due meanwhile was judged after the start.
            Input::Start { .. } => self.simulation.step(at, Stimulus::Input(&input)),
            Input::Command(_)
            | Input::Receipt(_)
            | Input::Phone(_)
            | Input::Channel(_)
            | Input::Call(_)
            | Input::Path(_)
            | Input::Blind { .. }
            | Input::ClockStep { .. }
            | Input::Clock { .. } => {
                self.simulation.pass(at);
                self.simulation.step(at, Stimulus::Input(&input));
            }
        }
    }
}

//! From the journal back to where the gateway stood: the latest snapshot, then every later input observed and every
//! later fact applied as it was written. Nothing is decided.

use crate::access::{Access, AccessEvent};
use crate::clock::Earlier;
use crate::configuration::{Decisive, Fault};
use crate::record::{self, Payload, RecordError, kind};
use crate::snapshot;
use std::ops::ControlFlow;
use std::sync::Arc;
use wanglou_engine::{Engine, Stimulus};
use wanglou_journal::{
    Blobs, Body, Config, ConfigHash, Configs, Damage, Position, Record, Store, StoreError,
};
use wanglou_model::{Decoded, Fact, Input, Observation, RawMessage, Timestamp, Way};
use wanglou_profiles::DecodeState;

/// Why the gateway cannot start from this journal.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// It cannot be read.
    #[error("the journal cannot be read: {0}")]
    Store(#[from] StoreError),
    /// A configuration of its time is missing or damaged.
    #[error("configuration {hash} of the journal {problem}: restore data/config from a backup")]
    Config {
        /// Which one.
        hash: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A record cannot be understood.
    #[error("record {position}: {error}")]
    Record {
        /// Its number.
        position: u64,
        /// Why.
        error: RecordError,
    },
}

/// Where the gateway stood.
pub struct Recovered {
    /// The engine.
    pub engine: Engine,
    /// Who may come in.
    pub access: Access,
    /// What decoding remembers from one message to the next.
    pub decoding: DecodeState,
    /// The configuration in force.
    pub decisive: Decisive,
    /// For the clock; `None` for a journal without records.
    pub earlier: Option<Earlier>,
    /// Records that were lost to damage, and snapshots that could not be used.
    pub damage: Vec<String>,
    /// How many records were read.
    pub records: u64,
}

/// Reads the journal. `current` is the configuration of a journal that has none yet.
///
/// # Errors
/// [`RecoveryError`].
pub fn recover(
    log: &dyn Store,
    blobs: &Blobs,
    configs: &Configs,
    current: &Decisive,
) -> Result<Recovered, RecoveryError> {
    recover_until(log, blobs, configs, current, None, &mut |_, _, _| {})
}

/// The same, up to a position (for `wanglou backtest`), showing each input with its facts.
///
/// # Errors
/// [`RecoveryError`].
pub fn recover_until(
    log: &dyn Store,
    blobs: &Blobs,
    configs: &Configs,
    current: &Decisive,
    until: Option<Position>,
    seen: &mut dyn FnMut(Timestamp, &Stimulus, &[Fact]),
) -> Result<Recovered, RecoveryError> {
    let latest = log.latest_snapshot()?;
    let mut damage: Vec<String> = latest.damaged.iter().map(Damage::to_string).collect();
    let mut reader = Reader::fresh(current, blobs, configs, seen);
    let mut from = Position::FIRST;
    // A snapshot of a later time is of no use for an earlier one.
    let usable = latest.snapshot.as_ref().filter(|found| until.is_none_or(|until| found.position <= until));
    if let Some(found) = usable {
        let decisive = configuration(configs, ConfigHash(found.config))?;
        match snapshot::read(found, Arc::clone(&decisive.setup)) {
            Ok((engine, access, decoding)) => {
                (reader.engine, reader.access, reader.decisive) = (engine, access, decisive);
                reader.decoding = decoding;
                from = found.position;
            }
            Err(unusable) => {
                damage.push(format!("the snapshot at {} is not used: {unusable}", found.position.0))
            }
        }
    }
    let mut failed = None;
    let end = log.read_from(from, &mut |record| {
        if until.is_some_and(|until| record.position >= until) {
            return ControlFlow::Break(());
        }
        match reader.take(&record) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    reader.flush();
    damage.extend(end.skipped.iter().map(Damage::to_string));
    let earlier = reader.earlier();
    let Reader { engine, access, decoding, decisive, records, .. } = reader;
    Ok(Recovered { engine, access, decoding, decisive, earlier, damage, records })
}

fn configuration(configs: &Configs, hash: ConfigHash) -> Result<Decisive, RecoveryError> {
    let problem = |problem: String| RecoveryError::Config { hash: hash.to_string(), problem };
    let found = configs.read(hash).map_err(|error| problem(error.to_string()))?;
    let bundle = match found {
        Config::Whole(bundle) => bundle,
        Config::Absent => return Err(problem("is missing".into())),
        Config::Damaged => return Err(problem("is damaged".into())),
    };
    let words = |faults: Vec<Fault>| faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ");
    Decisive::from_bundle(bundle).map_err(|faults| problem(format!("cannot be used: {}", words(faults))))
}

/// A payload that is gone or damaged says nothing: its facts are applied all the same.
fn blob_bytes(blobs: &Blobs, id: [u8; 32]) -> Vec<u8> {
    match blobs.read(wanglou_journal::BlobId(id)) {
        Ok(wanglou_journal::Blob::Whole(bytes)) => bytes,
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// The input that waits for its facts.
enum Fed {
    Said { observations: Vec<Observation>, retain: bool, dup: bool, by: Option<Way> },
    Input(Input),
}

impl Fed {
    fn stimulus(&self) -> Stimulus<'_> {
        match self {
            Fed::Said { observations, retain, dup, by } => {
                Stimulus::Said { observations, retain: *retain, dup: *dup, by: *by }
            }
            Fed::Input(input) => Stimulus::Input(input),
        }
    }
}

struct Reader<'a> {
    engine: Engine,
    access: Access,
    decoding: DecodeState,
    decisive: Decisive,
    blobs: &'a Blobs,
    configs: &'a Configs,
    seen: &'a mut dyn FnMut(Timestamp, &Stimulus, &[Fact]),
    waiting: Option<(Timestamp, Position, Fed)>,
    facts: Vec<Fact>,
    records: u64,
}

impl<'a> Reader<'a> {
    fn fresh(
        current: &Decisive,
        blobs: &'a Blobs,
        configs: &'a Configs,
        seen: &'a mut dyn FnMut(Timestamp, &Stimulus, &[Fact]),
    ) -> Self {
        Self {
            engine: Engine::new(Arc::clone(&current.setup)),
            access: Access::default(),
            decoding: DecodeState::default(),
            decisive: current.clone(),
            blobs,
            configs,
            seen,
            waiting: None,
            facts: Vec::new(),
            records: 0,
        }
    }

    fn take(&mut self, record: &Record) -> Result<(), RecoveryError> {
        self.records += 1;
        let at = Timestamp(record.at_micros);
        let failed = |error| RecoveryError::Record { position: record.position.0, error };
        let Body::Whole { head, payload } = record.body else {
            // Its facts follow and are applied; what it said is past its age.
            self.wait(
                (at, record.position),
                Fed::Said { observations: Vec::new(), retain: false, dup: false, by: None },
            );
            return Ok(());
        };
        match record.kind {
            kind::MESSAGE => {
                let fed = self.message(at, head, payload).map_err(failed)?;
                self.wait((at, record.position), fed);
            }
            kind::INPUT => {
                let input: Input = serde_json::from_slice(payload).map_err(|error| failed(error.into()))?;
                self.input((at, record.position), input)?;
            }
            kind::FACT => {
                let fact: Fact = serde_json::from_slice(payload).map_err(|error| failed(error.into()))?;
                self.facts.push(fact);
            }
            kind::ACCESS => {
                let event: AccessEvent =
                    serde_json::from_slice(payload).map_err(|error| failed(error.into()))?;
                self.access.apply(at, &event);
            }
            _ => return Err(failed(RecordError::Shape("its kind is unknown; start the newer program"))),
        }
        Ok(())
    }

    fn input(&mut self, (at, position): (Timestamp, Position), input: Input) -> Result<(), RecoveryError> {
        match &input {
            Input::Config { hash, .. } => {
                self.flush();
                let decisive = configuration(self.configs, ConfigHash(snapshot::config_bytes(hash)))?;
                self.engine.reconfigure(at, Arc::clone(&decisive.setup));
                self.decisive = decisive;
            }
            Input::Tick
            | Input::Start { .. }
            | Input::Command(_)
            | Input::Receipt(_)
            | Input::Phone(_)
            | Input::Push(_)
            | Input::Channel(_)
            | Input::Call(_)
            | Input::Note(_)
            | Input::Evidence(_)
            | Input::Path(_)
            | Input::Blind { .. }
            | Input::ClockStep { .. }
            | Input::Canary(_)
            | Input::CanaryReceipt(_)
            | Input::Clock { .. } => {}
        }
        self.wait((at, position), Fed::Input(input));
        Ok(())
    }

    fn message(&mut self, at: Timestamp, head: &[u8], payload: &[u8]) -> Result<Fed, RecordError> {
        let kept = record::message(head, payload)?;
        let blob;
        let payload = match kept.payload {
            Payload::Here(bytes) => bytes,
            Payload::Blob(id) => {
                blob = blob_bytes(self.blobs, id);
                &blob
            }
            Payload::Oversize { .. } => &[],
        };
        let raw = RawMessage { topic: kept.topic, payload, at, retain: kept.retain, dup: kept.dup };
        let observations = match self.decisive.profiles.decode_in(&raw, &mut self.decoding).decoded {
            Decoded::Observations(said) => said,
            Decoded::Ignored(_) | Decoded::Unmatched(_) | Decoded::Rejected { .. } => Vec::new(),
        };
        let by = kept.lane.name_in_engine().map(|lane| Way { lane, qos0: !kept.qos1 });
        Ok(Fed::Said { observations, retain: kept.retain, dup: kept.dup, by })
    }

    fn wait(&mut self, (at, position): (Timestamp, Position), fed: Fed) {
        self.flush();
        self.waiting = Some((at, position, fed));
    }

    /// The facts of the waiting input are all here.
    fn flush(&mut self) {
        let facts = std::mem::take(&mut self.facts);
        let Some((at, position, fed)) = self.waiting.take() else { return };
        self.engine.caused_by(position.0);
        self.engine.replay(at, fed.stimulus(), &facts);
        (self.seen)(at, &fed.stimulus(), &facts);
    }

    fn earlier(&self) -> Option<Earlier> {
        let senses = self.engine.senses();
        if senses.at == Timestamp(0) {
            return None;
        }
        Some(Earlier {
            at: senses.at,
            wall_minus_at: senses.wall_minus_at,
            boot_id: senses.boot_id.clone(),
            at_minus_boot: senses.at_minus_boot,
            trusted: senses.clock_trusted,
        })
    }
}

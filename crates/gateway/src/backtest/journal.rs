//! A journal's own past, decided on again with the configuration of today. Up to `from` its facts are applied as
//! they were written; from there on its messages and people's acts go in once more, and deadlines fire when they are
//! due by the rules of today. The journal itself is left as it is, and may belong to a gateway that is running.

use super::ahead::{Entry, Reader, What as Read};
use super::diff::Telling;
use super::effects::Effect;
use super::simulation::{Remark, Simulation};
use super::untouched::Untouched;
use crate::configuration::Decisive;
use crate::record::{self, Kept, Payload, kind};
use crate::recovery::{self, RecoveryError};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use wanglou_engine::{Engine, Stimulus};
use wanglou_journal::files::Files;
use wanglou_journal::{
    Blob, BlobId, Blobs, Body, Configs, FileError, OpenError, Options, Position, SegmentLog, Store,
    StoreError,
};
use wanglou_model::{Fact, Input, RawMessage, Span, Timestamp};
use wanglou_profiles::DecodeState;

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

/// What came of replaying a journal, beside its effects.
#[derive(Debug)]
pub struct Replayed {
    /// What its reader should know.
    pub remarks: Vec<Remark>,
    /// Who was told what.
    pub telling: Telling,
}

/// Who was told what at the time, by the facts that were written then.
///
/// # Errors
/// [`JournalError`].
pub fn recorded(
    data: &Path,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
) -> Result<Telling, JournalError> {
    let mut telling = Telling::default();
    facts(data, &mut |written| {
        if let Written::Fact(at, fact) = written
            && from.is_none_or(|from| from <= at)
            && until.is_none_or(|until| at <= until)
        {
            telling.take(at, &fact);
        }
    })?;
    Ok(telling)
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
) -> Result<Replayed, JournalError> {
    let files: Arc<dyn Files> = Arc::new(Untouched::default());
    let (log, _) = SegmentLog::open(Options { files: Arc::clone(&files), ..Options::new(data) })?;
    let blobs = Blobs::open(Arc::clone(&files), data)?;
    let configs = Configs::open(files, data)?;
    let (engine, decoding, start) = match from {
        None => (Engine::new(Arc::clone(&current.setup)), DecodeState::default(), Position::FIRST),
        Some(from) => {
            let start = first_from(&log, from)?;
            let found =
                recovery::recover_until(&log, &blobs, &configs, current, Some(start), &mut |_, _, _| {})?;
            let mut engine = found.engine;
            let at = engine.senses().at;
            engine.reconfigure(at, Arc::clone(&current.setup));
            (engine, found.decoding, start)
        }
    };
    let mut simulation = Simulation::bare(engine, current, from);
    let reader = Reader { log, blobs: &blobs, profiles: &current.profiles, decoding, until };
    reader.read(start, |entry| {
        take(&mut simulation, entry);
        simulation.take_effects().into_iter().for_each(&mut *out);
    })?;
    if let Some(until) = until {
        simulation.pass(until);
    }
    let telling = simulation.take_telling();
    let (effects, remarks) = simulation.end();
    effects.into_iter().for_each(out);
    Ok(Replayed { remarks, telling })
}

fn take(simulation: &mut Simulation, entry: Entry) {
    let Entry { position, at, what } = entry;
    simulation.at_line(usize::try_from(position.0).unwrap_or(usize::MAX));
    match what {
        Read::Message { heard, retain, dup } => {
            simulation.pass(at);
            simulation.heard(at, heard, retain, dup);
        }
        Read::Input(input) => take_input(simulation, at, &input),
        Read::Unreadable => simulation.remark("the record cannot be read: left out".into()),
    }
}

fn take_input(simulation: &mut Simulation, at: Timestamp, input: &Input) {
    match input {
        // Today's configuration holds throughout.
        Input::Config { .. } => {}
        // No alarm, and nothing that a person did.
        Input::Canary(_) | Input::CanaryReceipt(_) => {}
        // The gateway was there, but its deadlines are today's.
        Input::Tick => simulation.pass(at),
        // It was off until then: what came due meanwhile was judged after the start.
        Input::Start { .. } => simulation.step(at, Stimulus::Input(input)),
        Input::Command(_)
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
        | Input::Clock { .. } => {
            simulation.pass(at);
            simulation.step(at, Stimulus::Input(input));
        }
    }
}

/// Gives out the messages of a journal whose bodies are kept, of its latest `records`, in their order. The journal is
/// left as it is, and may belong to a gateway that is running.
///
/// # Errors
/// [`JournalError`].
pub fn messages(data: &Path, records: u64, out: &mut dyn FnMut(&RawMessage<'_>)) -> Result<(), JournalError> {
    let files: Arc<dyn Files> = Arc::new(Untouched::default());
    let (log, _) = SegmentLog::open(Options { files: Arc::clone(&files), ..Options::new(data) })?;
    let blobs = Blobs::open(files, data)?;
    let start = Position(log.position().0.saturating_sub(records));
    log.read_from(start, &mut |record| {
        if let Body::Whole { head, payload } = record.body
            && record.kind == kind::MESSAGE
            && let Ok(kept) = record::message(head, payload)
        {
            let at = Timestamp(record.at_micros);
            let Kept { topic, retain, dup, .. } = kept;
            let mut give = |payload: &[u8]| out(&RawMessage { topic, payload, at, retain, dup });
            match kept.payload {
                Payload::Here(bytes) => give(bytes),
                Payload::Blob(id) => {
                    if let Ok(Blob::Whole(bytes)) = blobs.read(BlobId(id)) {
                        give(&bytes);
                    }
                }
                Payload::Oversize { .. } => {}
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}

/// What statistics are made of.
#[derive(Debug)]
pub enum Written {
    /// A fact, with the time of its record.
    Fact(Timestamp, Box<Fact>),
    /// From here on wall time is the record's time plus this.
    ClockStep(Span),
}

/// Gives out the facts of a journal in their order, and the steps of the wall clock between them. Returns the time of
/// the first record. The journal is left as it is, and may belong to a gateway that is running.
///
/// # Errors
/// [`JournalError`].
pub fn facts(data: &Path, out: &mut dyn FnMut(Written)) -> Result<Option<Timestamp>, JournalError> {
    let files: Arc<dyn Files> = Arc::new(Untouched::default());
    let (log, _) = SegmentLog::open(Options { files: Arc::clone(&files), ..Options::new(data) })?;
    let mut first = None;
    log.read_from(Position::FIRST, &mut |record| {
        let at = Timestamp(record.at_micros);
        first.get_or_insert(at);
        if let Body::Whole { payload, .. } = record.body {
            match record.kind {
                kind::FACT => {
                    if let Ok(fact) = serde_json::from_slice(payload) {
                        out(Written::Fact(at, fact));
                    }
                }
                kind::INPUT if payload.windows(CLOCK_STEP.len()).take(64).any(|part| part == CLOCK_STEP) => {
                    if let Ok(Input::ClockStep { wall_minus_at }) = serde_json::from_slice(payload) {
                        out(Written::ClockStep(wall_minus_at));
                    }
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(first)
}

/// What the JSON of such an input begins with, so that ticks and receipts need not be read.
const CLOCK_STEP: &[u8] = b"\"clock_step\"";

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration;
    use crate::intake::{Inbound, Lane};
    use crate::record::Encoder;
    use wanglou_journal::{Batch, Purpose};
    use wanglou_model::{OfficerId, PhoneId, PhoneNews, PhoneState, rfc3339_micros};

    fn shipped() -> Decisive {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/gateway.toml");
        configuration::load(&path).expect("the shipped configuration").decisive
    }

    fn at(text: &str) -> Timestamp {
        rfc3339_micros::parse(text).expect("a time")
    }

    /// Cover 17 tilts at nine, and further a minute later. The journal holds no facts: nothing was decided then.
    fn write(data: &Path) {
        let (mut log, _) = SegmentLog::open(Options::new(data)).expect("opens");
        let (mut batch, mut encoder) = (Batch::new(), Encoder::default());
        let nine = at("2026-03-02T09:00:00+08:00");
        let start = Input::Start { version: "1".into(), boot_id: String::new(), at_minus_boot: Span::ZERO };
        let officer = OfficerId::parse("wu").expect("an id");
        let phone = PhoneId::parse("d1").expect("an id");
        let online = Input::Phone(PhoneNews { officer, phone, state: PhoneState::Online });
        encoder.input(&mut batch, nine, &start).expect("fits");
        encoder.input(&mut batch, nine, &online).expect("fits");
        let tilt = |deg: i64| {
            let body = serde_json::json!({"device": "cover-17", "kind": "cover", "value": {"tilt_deg": deg}});
            message("wanglou/v1/in/cover-17", body.to_string().into_bytes())
        };
        for (minute, deg) in [(0, 22), (1, 70)] {
            let arrival = nine + Span::mins(minute);
            encoder.message(&mut batch, arrival, (Lane::Alarm, 1), &tilt(deg), None).expect("fits");
            encoder.input(&mut batch, arrival + Span::secs(30), &Input::Tick).expect("fits");
        }
        log.append(log.claim(), Purpose::Intake, &batch).expect("appends");
        drop(log);
    }

    fn message(topic: &str, payload: Vec<u8>) -> Inbound {
        let (topic, body) = (topic.to_owned(), crate::intake::Body::Whole(payload.into()));
        Inbound { topic, body, retain: false, dup: false, packet_id: Some(1) }
    }

    fn lines(data: &Path, current: &Decisive, from: Option<&str>) -> Vec<String> {
        let mut lines = Vec::new();
        let out = &mut |effect: Effect| {
            let name = serde_json::to_value(effect.effect).expect("JSON");
            let what = effect.priority.map(|priority| priority.to_string()).or(effect.to);
            if let (Some(name @ ("raise" | "update" | "notify")), Some(what)) = (name.as_str(), what) {
                lines.push(format!("{} {name} {what}", &effect.at[11..19]));
            }
        };
        replay(data, current, from.map(at), None, out).expect("replays");
        lines
    }

    #[test]
    fn a_journal_is_decided_on_again_and_left_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path());
        let files = |folder: &Path| {
            let mut files: Vec<(std::path::PathBuf, Vec<u8>)> = Vec::new();
            let mut folders = vec![folder.to_owned()];
            while let Some(folder) = folders.pop() {
                for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
                    let path = entry.path();
                    if path.is_dir() {
                        folders.push(path);
                    } else {
                        files.push((path.clone(), std::fs::read(&path).expect("a file")));
                    }
                }
            }
            files.sort();
            files
        };
        let before = files(folder.path());

        let current = shipped();
        let found = lines(folder.path(), &current, None);
        let told = "notify officer:wu";
        let expected = [
            "09:00:30 raise P2",
            &format!("09:00:30 {told}"),
            "09:01:00 update P1",
            &format!("09:01:00 {told}"),
        ];
        assert_eq!(found, expected);

        // Rules of today that would not have raised anything.
        let mut setup = Arc::clone(&current.setup);
        let mut rules = setup.rules.clone();
        (rules.manhole.open_deg, rules.manhole.wide_open_deg) = (80.0, 85.0);
        let changed =
            wanglou_engine::Setup::new(setup.site.clone(), rules, "changed".into(), vec![]).expect("a zone");
        setup = Arc::new(changed);
        let blind = Decisive { setup, ..current.clone() };
        assert_eq!(lines(folder.path(), &blind, None), Vec::<String>::new());
        // The second reading alone, from where it begins.
        let late = lines(folder.path(), &current, Some("2026-03-02T09:00:50+08:00"));
        assert_eq!(late, ["09:01:00 raise P1", &format!("09:01:00 {told}")]);

        assert!(before == files(folder.path()), "not a byte has changed");
    }

    #[test]
    fn nothing_is_timed_before_from() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut log, _) = SegmentLog::open(Options::new(folder.path())).expect("opens");
        let (mut batch, mut encoder) = (Batch::new(), Encoder::default());
        let nine = at("2026-03-02T09:00:00+08:00");
        let body = br#"{"device":"cover-17","kind":"cover","value":{"tilt_deg":22}}"#;
        let said = message("wanglou/v1/in/cover-17", body.to_vec());
        encoder.message(&mut batch, nine, (Lane::Alarm, 1), &said, None).expect("fits");
        // The gateway was late: no tick came when the deadline was due, at 09:00:30.
        encoder.input(&mut batch, nine + Span::mins(2), &Input::Tick).expect("fits");
        log.append(log.claim(), Purpose::Intake, &batch).expect("appends");
        drop(log);
        let from = "2026-03-02T09:00:45+08:00";
        let mut effects = Vec::new();
        replay(folder.path(), &shipped(), Some(at(from)), None, &mut |effect: Effect| effects.push(effect))
            .expect("replays");
        assert!(effects.iter().any(|effect| effect.at == from), "what was due before is told at once");
        assert!(effects.iter().all(|effect| effect.time >= at(from)), "{effects:#?}");
    }

    #[test]
    fn what_was_told_then_is_laid_beside_what_is_told_now() {
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path());
        let then = recorded(folder.path(), None, None).expect("reads");
        let now = replay(folder.path(), &shipped(), None, None, &mut |_| {}).expect("replays").telling;
        let calendar = shipped().setup.calendar.clone();
        let found = super::super::diff(&then, &now, &calendar);
        // Nothing was decided then; now wu is told at 09:00:30 and again when it is P1.
        assert_eq!((found.alarms_before, found.alarms_after), (0, 1));
        let wu = &found.people["officer:wu"];
        assert_eq!((wu.before, wu.after, wu.more), (0, 2, 1));
    }

    #[test]
    fn what_is_read_ahead_is_taken_once_in_its_order_up_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut log, _) = SegmentLog::open(Options::new(folder.path())).expect("opens");
        let (mut batch, mut encoder) = (Batch::new(), Encoder::default());
        let nine = at("2026-03-02T09:00:00+08:00");
        let count = 1_300;
        for n in 0..count {
            let stranger = message(&format!("stranger/{n}"), b"{}".to_vec());
            encoder
                .message(&mut batch, nine + Span::secs(n), (Lane::Alarm, 1), &stranger, None)
                .expect("fits");
        }
        log.append(log.claim(), Purpose::Intake, &batch).expect("appends");
        drop(log);
        let named = |until: Option<i64>| -> Vec<String> {
            let until = until.map(|second| nine + Span::secs(second));
            let found = replay(folder.path(), &shipped(), None, until, &mut |_| {}).expect("replays");
            let topic = |text: &str| text.split(['/', ':']).nth(1).unwrap_or_default().to_owned();
            found.remarks.iter().map(|remark| topic(&remark.text)).collect()
        };
        let upto = |n: i64| -> Vec<String> { (0..n).map(|n| n.to_string()).collect() };
        assert_eq!(named(None), upto(count));
        assert_eq!(named(Some(699)), upto(700));
    }
}

//! Any sequence of calls does what an obvious model does.

#[path = "common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::Arc;

use common::{DATA, Kept, append, at_micros, options, read_all};
use proptest::prelude::*;
use wanglou_journal::files::memory::MemoryFiles;
use wanglou_journal::{Class, Left, Options, Position, SegmentLog, Snapshot, Store, verify};

/// What a gateway may do to its journal.
#[derive(Debug, Clone)]
enum Call {
    Append(u64),
    Snapshot,
    Erase(u64),
    Drop(u64),
    Close,
    Kill,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        8 => (1_u64..12).prop_map(Call::Append),
        1 => Just(Call::Append(45)),
        2 => Just(Call::Snapshot),
        1 => (0_u64..200).prop_map(Call::Erase),
        1 => (0_u64..100).prop_map(Call::Drop),
        1 => Just(Call::Close),
        1 => Just(Call::Kill),
    ];
    prop::collection::vec(call, 1..60)
}

/// What should be in the journal.
#[derive(Debug, Default)]
struct Model {
    records: Vec<Kept>,
    first: u64,
    snapshots: Vec<u64>,
}

impl Model {
    fn append(&mut self, records: u64) {
        let end = self.records.len() as u64;
        self.records.extend((end..end + records).map(Kept::at));
    }

    fn snapshot(&mut self) {
        let end = self.records.len() as u64;
        self.snapshots.retain(|position| *position != end);
        self.snapshots.push(end);
        let surplus = self.snapshots.len().saturating_sub(2);
        self.snapshots.drain(..surplus);
    }

    fn erase(&mut self, before: u64) {
        let before = self.snapshots.first().map_or(0, |oldest| before.min(*oldest));
        for record in &mut self.records {
            if record.position < before && record.class == Class::Erasable {
                record.body = None;
            }
        }
    }

    fn kept(&self) -> &[Kept] {
        &self.records[usize::try_from(self.first).expect("small")..]
    }
}

struct Journal {
    files: MemoryFiles,
    log: Option<SegmentLog>,
    segment_bytes: u64,
}

impl Journal {
    fn open(&mut self, left: Left) {
        let options = Options { segment_bytes: self.segment_bytes, ..options(Arc::new(self.files.clone())) };
        let (log, recovery) = SegmentLog::open(options).expect("opens");
        assert_eq!((recovery.left, recovery.truncated), (left, None));
        assert_eq!((recovery.skipped, recovery.damaged), (vec![], vec![]));
        self.log = Some(log);
    }

    fn log(&mut self) -> &mut SegmentLog {
        self.log.as_mut().expect("open")
    }
}

fn perform(call: &Call, journal: &mut Journal, model: &mut Model) {
    match call {
        Call::Append(records) => {
            append(journal.log(), *records);
            model.append(*records);
        }
        Call::Snapshot => {
            let log = journal.log();
            let snapshot =
                Snapshot { position: log.position(), config: [0; 32], version: 1, state: vec![7; 50] };
            log.put_snapshot(log.claim(), &snapshot).expect("stored");
            model.snapshot();
        }
        Call::Erase(before) => {
            journal.log().erase(at_micros(*before)).expect("erased");
            model.erase(*before);
        }
        Call::Drop(before) => {
            let dropped = journal.log().drop_before(at_micros(*before)).expect("dropped");
            let allowed = model.snapshots.first().map_or(0, |oldest| *oldest.min(before)).max(model.first);
            assert!((model.first..=allowed).contains(&dropped.first.0), "{dropped:?}");
            model.first = dropped.first.0;
        }
        Call::Close => {
            journal.log.take().expect("open").close().expect("closed");
            journal.open(Left::Clean);
        }
        Call::Kill => {
            journal.log = None;
            journal.open(Left::Unclean);
        }
    }
}

fn agree(journal: &mut Journal, model: &Model) {
    let log = journal.log();
    assert_eq!(log.position(), Position(model.records.len() as u64));
    let (records, lost) = read_all(&log.reader());
    assert_eq!((&records[..], lost), (model.kept(), 0));
    let latest = log.latest_snapshot().expect("readable").snapshot;
    assert_eq!(latest.map(|snapshot| snapshot.position.0), model.snapshots.last().copied());
    let report = verify(&journal.files, Path::new(DATA)).expect("readable");
    assert_eq!((report.bad, report.torn), (vec![], None));
    assert_eq!(report.records, model.kept().len() as u64);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if common::full() { 5000 } else { 300 }, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_of_calls_agrees_with_the_model(calls in calls(), segment_bytes in prop::sample::select(vec![4096_u64, 8192])) {
        let mut journal = Journal { files: MemoryFiles::default(), log: None, segment_bytes };
        journal.open(Left::New);
        let mut model = Model::default();
        for call in &calls {
            perform(call, &mut journal, &mut model);
            agree(&mut journal, &model);
        }
    }
}

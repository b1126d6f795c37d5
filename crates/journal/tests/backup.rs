//! Copies that are made while the journal is written to: whole batches, sound, and no older than they may become.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{DATA, Kept, append, at_micros, options, read_all};
use wanglou_journal::files::memory::MemoryFiles;
use wanglou_journal::{
    Blobs, Configs, CopyError, History, Options, OsSalt, Position, SegmentLog, Snapshot, Store, verify,
};

const COPY: &str = "/backup/data";
const NOTHING: i64 = i64::MIN;

fn snapshot(log: &mut SegmentLog, position: Position) {
    let snapshot = Snapshot { position, config: [1; 32], version: 1, state: b"state".to_vec() };
    log.put_snapshot(log.claim(), &snapshot).expect("a snapshot");
}

/// A journal of several segments with a snapshot at its end.
fn journal(files: &MemoryFiles, batches: u64) -> SegmentLog {
    let (mut log, _) = SegmentLog::open(options(Arc::new(files.clone()))).expect("opens");
    for _ in 0..batches {
        append(&mut log, 3);
    }
    let end = log.position();
    snapshot(&mut log, end);
    log
}

fn reopened(files: &MemoryFiles, history: History) -> SegmentLog {
    // A counter would begin again and give the new history the old one's id.
    let salts = Box::new(OsSalt::default());
    let options = Options { data: COPY.into(), history, salts, ..options(Arc::new(files.clone())) };
    let (log, recovery) = SegmentLog::open(options).expect("opens");
    assert_eq!((recovery.skipped, recovery.damaged, recovery.truncated), (vec![], vec![], None));
    log
}

#[test]
fn a_copy_holds_everything_up_to_its_cut_and_nothing_behind() {
    let files = MemoryFiles::default();
    let mut log = journal(&files, 40);
    let reader = log.reader();
    append(&mut log, 2); // behind the snapshot
    let copied = reader.copy_into(Path::new(COPY), NOTHING).expect("a copy");
    append(&mut log, 5); // behind the cut
    assert_eq!((copied.first, copied.end, copied.erased), (Position::FIRST, Position(122), 0));
    assert!(copied.segments > 2, "{copied:?}");
    let report = verify(&files, Path::new(COPY)).expect("readable");
    assert!(report.is_sound(), "{:?}", report.bad);
    assert_eq!((report.records, report.end, report.snapshots), (122, Position(122), 1));
    let copy = reopened(&files, History::Continues);
    let (records, lost) = read_all(&copy.reader());
    assert_eq!((records.len(), lost, copy.position()), (122, 0, Position(122)));
    assert_eq!(copy.history(), log.history());
    assert!(records.iter().all(|record| *record == Kept::at(record.position)));
}

#[test]
fn a_restored_copy_has_a_history_of_its_own_and_can_be_written_to() {
    let files = MemoryFiles::default();
    let log = journal(&files, 10);
    log.reader().copy_into(Path::new(COPY), NOTHING).expect("a copy");
    let mut copy = reopened(&files, History::Restored);
    assert_ne!(copy.history(), log.history());
    append(&mut copy, 3);
    let history = copy.history();
    copy.close().expect("closed");
    assert!(verify(&files, Path::new(COPY)).expect("readable").is_sound());
    assert_eq!(reopened(&files, History::Continues).history(), history, "once");
}

#[test]
fn bodies_that_would_become_too_old_are_left_out_and_the_chain_still_holds() {
    let files = MemoryFiles::default();
    let log = journal(&files, 40);
    let copied = log.reader().copy_into(Path::new(COPY), at_micros(50)).expect("a copy");
    let erasable = |position: &u64| position % 3 != 2;
    assert_eq!(copied.erased, (0..50u64).filter(erasable).count() as u64);
    let report = verify(&files, Path::new(COPY)).expect("readable");
    assert!(report.is_sound(), "{:?}", report.bad);
    let (records, _) = read_all(&reopened(&files, History::Continues).reader());
    assert_eq!(records.len(), 120);
    for record in records {
        let whole = record.position >= 50 || !erasable(&record.position);
        assert_eq!(record.body.is_some(), whole, "{}", record.position);
    }
    let (own, _) = read_all(&log.reader());
    assert!(own.iter().all(|record| record.body.is_some()), "the journal itself is as it was");
}

#[test]
fn what_was_erased_or_dropped_since_the_reader_was_made_is_copied_as_it_is() {
    let files = MemoryFiles::default();
    let mut log = journal(&files, 40);
    let reader = log.reader();
    log.erase(at_micros(60)).expect("erased");
    log.drop_before(at_micros(20)).expect("dropped");
    let copied = reader.copy_into(Path::new(COPY), NOTHING).expect("a copy");
    assert!(copied.first > Position::FIRST);
    assert!(verify(&files, Path::new(COPY)).expect("readable").is_sound());
    assert_eq!(read_all(&reopened(&files, History::Continues).reader()), read_all(&log.reader()));
}

#[test]
fn blobs_keep_their_age_and_those_too_old_stay_behind() {
    let files = MemoryFiles::default();
    let log = journal(&files, 4);
    let blobs = Blobs::open(Arc::new(files.clone()), Path::new(DATA)).expect("opens");
    blobs.put(b"old", 1_000).expect("put");
    let young = blobs.put(b"young", 9_000).expect("put");
    let set = [("site.json".to_owned(), b"{}".to_vec())].into();
    let configs = Configs::open(Arc::new(files.clone()), Path::new(DATA)).expect("opens");
    let config = configs.put(&set).expect("put");
    let copied = log.reader().copy_into(Path::new(COPY), 5_000).expect("a copy");
    assert_eq!(copied.blobs, 1);
    let there = Blobs::open(Arc::new(files.clone()), Path::new(COPY)).expect("opens");
    assert_eq!(there.read(young).expect("readable"), wanglou_journal::Blob::Whole(b"young".to_vec()));
    assert_eq!(there.remove_before(9_001).expect("removed"), 1, "by the time of the one that was copied");
    let there = Configs::open(Arc::new(files.clone()), Path::new(COPY)).expect("opens");
    assert_eq!(there.read(config).expect("readable"), wanglou_journal::Config::Whole(set));
}

#[test]
fn without_a_snapshot_there_is_no_copy() {
    let files = MemoryFiles::default();
    let (log, _) = SegmentLog::open(options(Arc::new(files.clone()))).expect("opens");
    let refused = log.reader().copy_into(Path::new(COPY), NOTHING).expect_err("no snapshot");
    assert!(matches!(refused, CopyError::NoSnapshot), "{refused}");
}

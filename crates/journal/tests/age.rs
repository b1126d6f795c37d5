//! Bodies go after their time, whole segments after theirs, and the chain still verifies.

#[path = "common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::Arc;

use common::{DATA, Kept, append, at_micros, options, read_all};
use wanglou_journal::files::Files;
use wanglou_journal::files::memory::MemoryFiles;
use wanglou_journal::{Class, Position, SegmentLog, Snapshot, Store, verify};

fn open(files: &MemoryFiles) -> SegmentLog {
    SegmentLog::open(options(Arc::new(files.clone()))).expect("opens").0
}

fn snapshot(log: &mut SegmentLog) {
    let snapshot = Snapshot { position: log.position(), config: [3; 32], version: 2, state: vec![1, 2, 3] };
    log.put_snapshot(log.claim(), &snapshot).expect("stored");
}

/// A journal over several segments.
fn journal(files: &MemoryFiles) -> SegmentLog {
    let mut log = open(files);
    for _ in 0..30 {
        append(&mut log, 3);
    }
    log
}

fn expected(erased_before: u64, end: u64) -> Vec<Kept> {
    let record = |position| match Kept::at(position) {
        record if record.class == Class::Erasable && position < erased_before => record.erased(),
        record => record,
    };
    (0..end).map(record).collect()
}

fn contains(files: &MemoryFiles, needle: &[u8]) -> bool {
    files.contents().values().any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

#[test]
fn nothing_is_erased_or_dropped_without_a_snapshot() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    let erased = log.erase(i64::MAX).expect("nothing to do");
    assert_eq!((erased.bodies, erased.up_to), (0, None));
    assert_eq!(log.drop_before(i64::MAX).expect("nothing to do").segments, 0);
    assert_eq!(read_all(&log.reader()), (expected(0, 90), 0));
}

#[test]
fn bodies_before_a_time_are_gone_from_the_disk_and_facts_stay() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    snapshot(&mut log);
    assert!(contains(&files, b"payload 40 "));
    let erased = log.erase(at_micros(50)).expect("erased");
    assert_eq!((erased.bodies, erased.up_to), (34, Some(Position(90))));
    assert_eq!(read_all(&log.reader()), (expected(50, 90), 0));
    for position in 0..90 {
        let payload = format!("payload {position} ");
        let kept = position >= 50 || position % 3 == 2;
        assert_eq!(contains(&files, payload.as_bytes()), kept, "{payload}");
    }
    let report = verify(&files, Path::new(DATA)).expect("readable");
    assert_eq!((report.bad, report.records, report.erased), (vec![], 90, 34));
}

#[test]
fn erasing_goes_only_as_far_as_the_older_snapshot() {
    let files = MemoryFiles::default();
    let mut log = open(&files);
    for _ in 0..4 {
        append(&mut log, 10);
        snapshot(&mut log);
    }
    assert_eq!(log.erase(i64::MAX).expect("erased").up_to, Some(Position(30)));
    assert_eq!(read_all(&log.reader()), (expected(30, 40), 0));
}

#[test]
fn a_damaged_snapshot_allows_nothing() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    snapshot(&mut log);
    files.flip(Path::new("/data/snapshots/00000000000000000090.snap"), 30, 1);
    assert_eq!(log.erase(i64::MAX).expect("nothing to do").up_to, None);
    assert_eq!(log.drop_before(i64::MAX).expect("nothing to do").segments, 0);
}

#[test]
fn the_segment_being_written_is_ended_so_that_its_bodies_can_go_too() {
    let files = MemoryFiles::default();
    let mut log = open(&files);
    append(&mut log, 6);
    snapshot(&mut log);
    assert_eq!(log.erase(i64::MAX).expect("erased").bodies, 4);
    append(&mut log, 3);
    assert_eq!(read_all(&log.reader()), (expected(6, 9), 0));
    let again = log.erase(i64::MAX).expect("nothing to do");
    assert_eq!((again.bodies, again.segments), (0, 0), "what lies behind the snapshot stays");
}

#[test]
fn erasing_twice_writes_nothing_the_second_time() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    snapshot(&mut log);
    log.erase(at_micros(50)).expect("erased");
    let before = files.contents();
    assert_eq!(log.erase(at_micros(50)).expect("nothing to do").segments, 0);
    assert_eq!(files.contents(), before);
}

#[test]
fn an_erased_journal_opens_reads_and_goes_on() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    snapshot(&mut log);
    log.erase(at_micros(50)).expect("erased");
    drop(log);
    let mut log = open(&files);
    append(&mut log, 3);
    assert_eq!(read_all(&log.reader()), (expected(50, 93), 0));
    drop(log);
    // Without the snapshot the open scans the erased segments too.
    files.remove(Path::new("/data/snapshots/00000000000000000090.snap")).expect("there");
    let (log, recovery) = SegmentLog::open(options(Arc::new(files.clone()))).expect("opens");
    assert_eq!((recovery.skipped, recovery.damaged), (vec![], vec![]));
    assert_eq!(read_all(&log.reader()), (expected(50, 93), 0));
}

#[test]
fn segments_before_a_time_are_dropped_from_the_oldest_on_and_the_rest_verifies() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    snapshot(&mut log);
    let dropped = log.drop_before(at_micros(50)).expect("dropped");
    assert!(dropped.segments >= 1 && dropped.first > Position(0) && dropped.first <= Position(50));
    let first = usize::try_from(dropped.first.0).expect("small");
    assert_eq!(read_all(&log.reader()), (expected(0, 90)[first..].to_vec(), 0));
    let report = verify(&files, Path::new(DATA)).expect("readable");
    assert_eq!((report.bad, report.first), (vec![], dropped.first));
    drop(log);
    assert_eq!(read_all(&open(&files).reader()).0.len(), 90 - first);
}

#[test]
fn the_segment_being_written_is_never_dropped() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    snapshot(&mut log);
    let dropped = log.drop_before(i64::MAX).expect("dropped");
    assert!(dropped.first < Position(90));
    append(&mut log, 3);
    assert_eq!(log.position(), Position(93));
}

#[test]
fn erasing_takes_damaged_bodies_with_it() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    snapshot(&mut log);
    let path = Path::new("/data/journal/00000000000000000000.seg");
    let bytes = files.contents().remove(path).expect("there");
    let needle = b"payload 3 ";
    let at = bytes.windows(needle.len()).position(|window| window == needle).expect("written");
    files.flip(path, at as u64, 1);
    log.erase(at_micros(50)).expect("erased");
    assert!(!contains(&files, b"qayload 3 "), "the damaged body is still there");
    assert_eq!(read_all(&log.reader()), (expected(50, 90), 0));
}

#[test]
fn a_seal_that_rotted_before_its_segment_was_erased_is_still_missed() {
    let files = MemoryFiles::default();
    let mut log = journal(&files);
    snapshot(&mut log);
    let path = Path::new("/data/journal/00000000000000000000.seg");
    let first_seal = 256 + common::batch(Position(0), 3).encoded_bytes() - 80;
    files.flip(path, first_seal + 30, 1);
    log.erase(at_micros(50)).expect("erased");
    let report = verify(&files, Path::new(DATA)).expect("readable");
    let bad: Vec<_> = report.bad.iter().map(|bad| (bad.position, bad.lost, bad.what)).collect();
    assert_eq!(bad, [(Position(3), 0, "the seal of a batch is missing")]);
    assert_eq!(read_all(&log.reader()), (expected(50, 90), 0));
}

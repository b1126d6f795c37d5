//! What the journal does when the file system refuses, fails, or is in somebody else's hands.

#[path = "common/mod.rs"]
mod common;

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use common::{append, batch, options, read_all};
use wanglou_journal::files::Files;
use wanglou_journal::files::faulty::FaultyFiles;
use wanglou_journal::files::memory::MemoryFiles;
use wanglou_journal::{
    Left, OpenError, Options, Partition, Position, Purpose, SegmentLog, Snapshot, Store, StoreError,
};

fn faulty() -> (FaultyFiles, SegmentLog) {
    let files = FaultyFiles::new(Arc::new(MemoryFiles::default()));
    let (log, _) = SegmentLog::open(options(Arc::new(files.clone()))).expect("opens");
    (files, log)
}

fn try_append(log: &mut SegmentLog, records: u64, purpose: Purpose) -> Result<Position, StoreError> {
    let batch = batch(log.position(), records);
    log.append(log.claim(), purpose, &batch)
}

fn reopened(files: &FaultyFiles) -> (SegmentLog, wanglou_journal::Recovery) {
    SegmentLog::open(options(Arc::new(files.clone()))).expect("opens again")
}

fn is_poisoned<T: std::fmt::Debug>(result: Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Poisoned { .. }))
}

#[test]
fn a_failed_sync_stops_the_journal_for_good() {
    let (files, mut log) = faulty();
    append(&mut log, 2);
    files.faults().fail_syncs(0);
    let failed = try_append(&mut log, 3, Purpose::Intake).expect_err("the sync fails");
    assert!(
        matches!(&failed, StoreError::Io(error) if error.to_string().contains("cannot sync")),
        "{failed}"
    );
    files.faults().fail_syncs(u64::MAX);

    assert_eq!(log.position(), Position(2), "nobody may see what was not synced");
    let snapshot = Snapshot { position: Position(2), config: [0; 32], version: 1, state: Vec::new() };
    assert!(is_poisoned(try_append(&mut log, 1, Purpose::Control)));
    assert!(is_poisoned(log.secure(1, Purpose::Control)));
    assert!(is_poisoned(log.put_snapshot(log.claim(), &snapshot)));
    assert!(is_poisoned(log.latest_snapshot()));
    assert!(is_poisoned(log.read_from(Position(0), &mut |_| ControlFlow::Continue(()))));
    assert!(is_poisoned(log.erase(0)));
    assert!(is_poisoned(log.drop_before(0)));
    assert!(is_poisoned(log.close()));
}

#[test]
fn every_failing_sync_of_a_run_stops_it_and_loses_nothing() {
    for after in 0..200 {
        let (files, mut log) = faulty();
        files.faults().fail_syncs(after);
        let mut promised = Position(0);
        let failed = loop {
            match try_append(&mut log, 3, Purpose::Intake) {
                Ok(end) => promised = end,
                Err(failed) => break failed,
            }
        };
        assert!(matches!(failed, StoreError::Io(_)), "{failed}");
        assert!(is_poisoned(try_append(&mut log, 1, Purpose::Intake)));
        files.faults().fail_syncs(u64::MAX);
        drop(log);
        let (log, recovery) = reopened(&files);
        assert!(log.position() >= promised, "{recovery:?}");
        assert_eq!(read_all(&log.reader()).0.len() as u64, log.position().0);
    }
}

#[test]
fn a_failed_write_stops_the_journal_for_good() {
    let (files, mut log) = faulty();
    append(&mut log, 2);
    files.faults().fail_writes(0);
    let failed = try_append(&mut log, 3, Purpose::Intake).expect_err("the write fails");
    assert!(matches!(failed, StoreError::Io(_)), "{failed}");
    files.faults().fail_writes(u64::MAX);
    assert!(is_poisoned(try_append(&mut log, 3, Purpose::Intake)));
}

#[test]
fn a_sync_that_reports_a_full_disk_is_a_failure_and_no_matter_of_space() {
    let (files, mut log) = faulty();
    files.faults().fail_with(io::ErrorKind::StorageFull);
    files.faults().fail_syncs(0);
    let failed = try_append(&mut log, 3, Purpose::Intake).expect_err("the sync fails");
    assert!(matches!(failed, StoreError::Io(_)), "{failed}");
    assert!(is_poisoned(try_append(&mut log, 3, Purpose::Intake)));
}

#[test]
fn a_batch_half_written_for_want_of_space_is_never_read_and_the_journal_heals() {
    let (files, mut log) = faulty();
    append(&mut log, 5);
    files.faults().set_writes_full(true);
    for _ in 0..3 {
        let refused = try_append(&mut log, 4, Purpose::Intake).expect_err("no space");
        assert!(matches!(refused, StoreError::NoSpace { .. }), "{refused}");
    }
    files.faults().set_writes_full(false);
    append(&mut log, 1); // shorter than what was half written
    let (written, lost) = read_all(&log.reader());
    assert_eq!((written.len(), lost), (6, 0));
    drop(log);
    let (log, recovery) = reopened(&files);
    assert_eq!((recovery.truncated, recovery.skipped, recovery.damaged), (None, vec![], vec![]));
    assert_eq!(read_all(&log.reader()).0, written);
}

#[test]
fn intake_stops_before_the_reserve_and_control_has_all_of_it() {
    let files = FaultyFiles::new(Arc::new(MemoryFiles::default()));
    let opened = Options { reserve_bytes: 3 * 4096, ..options(Arc::new(files.clone())) };
    let (mut log, _) = SegmentLog::open(opened).expect("opens");
    files.faults().set_full(true);
    while try_append(&mut log, 1, Purpose::Intake).is_ok() {}
    let mut in_the_reserve = 0;
    loop {
        let next = batch(log.position(), 1);
        match log.append(log.claim(), Purpose::Control, &next) {
            Ok(_) => in_the_reserve += next.encoded_bytes(),
            Err(refused) => {
                assert!(
                    matches!(refused, StoreError::NoSpace { purpose: Purpose::Control, .. }),
                    "{refused}"
                );
                break;
            }
        }
        try_append(&mut log, 1, Purpose::Intake).expect_err("the reserve is not for intake");
    }
    // What does not fit at the end of each of the three segments is lost to it.
    assert!((3 * 3500..=3 * 4096 + 400).contains(&in_the_reserve), "{in_the_reserve}");
    files.faults().set_full(false);
    append(&mut log, 1);
    assert_eq!(read_all(&log.reader()).0.len() as u64, log.position().0);
}

#[test]
fn a_snapshot_that_finds_no_room_leaves_the_older_ones_alone() {
    let (files, mut log) = faulty();
    append(&mut log, 2);
    let first = Snapshot { position: Position(2), config: [0; 32], version: 1, state: vec![1; 100] };
    log.put_snapshot(log.claim(), &first).expect("stored");
    append(&mut log, 2);
    files.faults().set_writes_full(true);
    let second = Snapshot { position: Position(4), ..first.clone() };
    let refused = log.put_snapshot(log.claim(), &second).expect_err("no space");
    assert!(matches!(refused, StoreError::NoSpace { .. }), "{refused}");
    files.faults().set_writes_full(false);
    assert_eq!(log.latest_snapshot().expect("readable").snapshot, Some(first));
    log.put_snapshot(log.claim(), &second).expect("there is room again");
    assert_eq!(log.latest_snapshot().expect("readable").snapshot, Some(second));
}

#[test]
fn erasing_on_a_full_disk_leaves_the_reserve_alone() {
    let (files, mut log) = faulty();
    append(&mut log, 4);
    let snapshot = Snapshot { position: Position(4), config: [0; 32], version: 1, state: vec![1] };
    log.put_snapshot(log.claim(), &snapshot).expect("stored");
    files.faults().set_full(true);
    // The segment being written would have to be ended, which takes a spare.
    let refused = log.erase(i64::MAX).expect_err("no space");
    assert!(matches!(refused, StoreError::NoSpace { .. }), "{refused}");
    append(&mut log, 1); // the reserve is complete, so intake goes on
    files.faults().set_full(false);
    assert!(log.erase(i64::MAX).expect("there is room again").bodies > 0);
}

#[test]
fn a_journal_opens_on_a_full_disk_and_serves_control_first() {
    let (files, mut log) = faulty();
    append(&mut log, 10);
    drop(log); // killed: the open needs a segment, and only the reserve has one
    files.faults().set_full(true);
    let (mut log, recovery) = reopened(&files);
    assert_eq!((recovery.left, log.position()), (Left::Unclean, Position(10)));
    try_append(&mut log, 1, Purpose::Intake).expect_err("the reserve is not complete");
    try_append(&mut log, 1, Purpose::Control).expect("room in the segment that was begun");
    files.faults().set_full(false);
    append(&mut log, 1);
}

#[test]
fn a_batch_longer_than_a_segment_gets_one_of_its_own() {
    let (files, mut log) = faulty();
    append(&mut log, 3);
    let end = append(&mut log, 60);
    assert!(batch(Position(3), 60).encoded_bytes() > 4096);
    append(&mut log, 3);
    let (written, _) = read_all(&log.reader());
    assert_eq!((written.len(), end), (66, Position(63)));
    drop(log);
    assert_eq!(read_all(&reopened(&files).0.reader()).0, written);
}

/// While a child is started it holds what its parent had open, locks too, so no other test of
/// locks may run at that moment.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn a_second_opener_in_the_same_process_is_refused_and_told_who_holds_it() {
    let _alone = ONE_AT_A_TIME.lock().expect("the other test passed");
    let dir = tempfile::tempdir().expect("a directory");
    let (log, _) = SegmentLog::open(on_disk(dir.path())).expect("opens");
    let refused = SegmentLog::open(on_disk(dir.path())).expect_err("held").to_string();
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    drop(log);
    SegmentLog::open(on_disk(dir.path())).expect("free again");
}

const CHILD_DATA: &str = "WANGLOU_TEST_CHILD_DATA";

#[test]
fn a_second_opener_in_another_process_is_refused_and_told_who_holds_it() {
    if let Some(data) = std::env::var_os(CHILD_DATA) {
        let refused = SegmentLog::open(on_disk(Path::new(&data)));
        println!("answer: {:?}", refused.map(drop).map_err(|error| error.to_string()));
        return;
    }
    let _alone = ONE_AT_A_TIME.lock().expect("the other test passed");
    let dir = tempfile::tempdir().expect("a directory");
    let answer = |data: &Path| {
        let name = "a_second_opener_in_another_process_is_refused_and_told_who_holds_it";
        let mut child = Command::new(std::env::current_exe().expect("this test"));
        let out = child.args([name, "--exact", "--nocapture"]).env(CHILD_DATA, data).output();
        String::from_utf8_lossy(&out.expect("ran").stdout).into_owned()
    };
    let (log, _) = SegmentLog::open(on_disk(dir.path())).expect("opens");
    let refused = answer(dir.path());
    assert!(refused.contains(&format!("is in use by process {}", std::process::id())), "{refused}");
    drop(log);
    assert!(answer(dir.path()).contains("answer: Ok"), "without the holder it must open");
}

fn on_disk(data: &Path) -> Options {
    Options { segment_bytes: 4096, reserve_bytes: 4096, ..Options::new(data) }
}

#[test]
fn a_journal_of_another_partition_is_refused() {
    let (files, log) = faulty();
    drop(log);
    let other = Options { partition: Partition(7), ..options(Arc::new(files)) };
    let refused = SegmentLog::open(other).expect_err("another partition");
    let OpenError::WrongPartition { asked, held, .. } = refused else {
        panic!("{refused}");
    };
    assert_eq!((asked, held), (Partition(7), Partition(0)));
}

#[test]
fn segments_too_short_or_crooked_are_refused() {
    for segment_bytes in [0, 4095, 4100] {
        let files: Arc<dyn Files> = Arc::new(MemoryFiles::default());
        let refused = SegmentLog::open(Options { segment_bytes, ..options(files) }).expect_err("refused");
        assert!(matches!(refused, OpenError::SegmentBytes { .. }), "{refused}");
    }
}

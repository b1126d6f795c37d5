//! What an open finds, does and reports.

#[path = "common/mod.rs"]
mod common;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{DATA, Kept, append, options, read_all};
use wanglou_journal::files::Files;
use wanglou_journal::files::memory::{Cut, MemoryFiles, NamesKept, Replay};
use wanglou_journal::{
    History, Left, Options, OsSalt, Position, Recovery, SegmentLog, Snapshot, Store, verify,
};

fn open(files: &MemoryFiles) -> (SegmentLog, Recovery) {
    SegmentLog::open(options(Arc::new(files.clone()))).expect("opens")
}

fn snapshot(log: &mut SegmentLog) -> Snapshot {
    let state = format!("state at {}", log.position()).into_bytes();
    let snapshot = Snapshot { position: log.position(), config: [3; 32], version: 2, state };
    log.put_snapshot(log.claim(), &snapshot).expect("stored");
    snapshot
}

fn last_segment(files: &MemoryFiles) -> PathBuf {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "seg");
    files.contents().into_keys().rfind(is_segment).expect("a segment")
}

fn uneventful(left: Left, position: u64) -> Recovery {
    Recovery {
        position: Position(position),
        left,
        truncated: None,
        skipped: vec![],
        damaged: vec![],
        snapshot: None,
        copied: 0,
    }
}

#[test]
fn a_new_journal_is_reported_as_new() {
    assert_eq!(open(&MemoryFiles::default()).1, uneventful(Left::New, 0));
}

#[test]
fn a_closed_journal_goes_on_in_the_same_segment() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    append(&mut log, 4);
    log.close().expect("closed");
    let segment = last_segment(&files);
    let (mut log, recovery) = open(&files);
    assert_eq!(recovery, uneventful(Left::Clean, 4));
    append(&mut log, 4);
    assert_eq!(last_segment(&files), segment);
    assert_eq!(read_all(&log.reader()).0, (0..8).map(Kept::at).collect::<Vec<_>>());
}

#[test]
fn after_a_kill_the_last_batch_is_copied_to_another_segment_before_the_open_returns() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    append(&mut log, 4);
    append(&mut log, 3);
    drop(log);
    let (log, recovery) = open(&files);
    assert_eq!(recovery, Recovery { copied: 3, ..uneventful(Left::Unclean, 7) });
    assert!(last_segment(&files).ends_with("00000000000000000004.seg"));
    assert_eq!(read_all(&log.reader()).0, (0..7).map(Kept::at).collect::<Vec<_>>());
    assert!(verify(&files, Path::new(DATA)).expect("readable").is_sound());
}

#[test]
fn a_clean_close_is_not_believed_a_second_time() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    append(&mut log, 4);
    log.close().expect("closed");
    let (mut log, _) = open(&files);
    append(&mut log, 2);
    drop(log);
    assert_eq!(open(&files).1.left, Left::Unclean);
}

#[test]
fn an_epoch_never_comes_again_although_the_newer_copy_of_the_identity_is_lost() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    append(&mut log, 2);
    log.close().expect("closed");
    let (log, _) = open(&files);
    let used = log.epoch();
    log.close().expect("closed by a writer that wrote nothing");
    files.flip(Path::new(&format!("/data/journal/meta-{}", used.0 % 2)), 20, 1);
    let (mut log, recovery) = open(&files);
    assert_eq!((recovery.left, recovery.damaged.len()), (Left::Unclean, 1));
    assert!(log.epoch() > used);
    append(&mut log, 1);
    drop(log);
    assert_eq!(open(&files).1.left, Left::Unclean, "the old marker must not speak for this writer");
}

#[test]
fn rot_behind_the_end_of_a_closed_journal_costs_nothing_and_is_left_behind() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    append(&mut log, 2);
    log.close().expect("closed");
    files.flip(&last_segment(&files), 3000, 1);
    let (mut log, recovery) = open(&files);
    assert_eq!((recovery.left, recovery.damaged.len(), log.position()), (Left::Clean, 1, Position(2)));
    append(&mut log, 2);
    drop(log);
    let (log, recovery) = open(&files);
    assert_eq!((recovery.damaged, recovery.truncated), (vec![], None));
    assert_eq!(read_all(&log.reader()).0, (0..4).map(Kept::at).collect::<Vec<_>>());
}

#[test]
fn many_kills_take_little_room() {
    let files = MemoryFiles::default();
    for _ in 0..200 {
        let (mut log, _) = open(&files);
        append(&mut log, 1);
    }
    let (log, _) = open(&files);
    assert_eq!(read_all(&log.reader()).0.len(), 200);
    let bytes = log.disk_bytes().expect("readable");
    assert!(bytes < 200 * 700, "{bytes} bytes for 200 short records");
}

#[test]
fn the_history_stays_until_it_is_restored() {
    let files = MemoryFiles::default();
    let id = |history: History| {
        let salts = Box::new(OsSalt::default());
        let options = Options { history, salts, ..options(Arc::new(files.clone())) };
        let (mut log, _) = SegmentLog::open(options).expect("opens");
        append(&mut log, 2);
        log.history()
    };
    let first = id(History::Continues);
    assert_eq!(id(History::Continues), first);
    let restored = id(History::Restored);
    assert_ne!(restored, first);
    assert_eq!(id(History::Continues), restored);
    let (log, recovery) = open(&files);
    assert_eq!((read_all(&log.reader()), recovery.skipped), (((0..8).map(Kept::at).collect(), 0), vec![]));
    assert!(verify(&files, Path::new(DATA)).expect("readable").is_sound());
}

#[test]
fn a_damaged_newest_snapshot_is_reported_and_the_one_before_it_used() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    append(&mut log, 4);
    let older = snapshot(&mut log);
    append(&mut log, 4);
    snapshot(&mut log);
    append(&mut log, 4);
    log.close().expect("closed");
    files.flip(Path::new("/data/snapshots/00000000000000000008.snap"), 100, 4);
    let (log, recovery) = open(&files);
    assert_eq!((recovery.snapshot, recovery.damaged.len()), (Some(Position(4)), 1));
    let latest = log.latest_snapshot().expect("readable");
    assert_eq!((latest.snapshot, latest.damaged), (Some(older), recovery.damaged));
}

#[test]
fn only_the_newest_two_snapshots_are_kept() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    for _ in 0..5 {
        append(&mut log, 2);
        snapshot(&mut log);
    }
    let kept = files.list(Path::new("/data/snapshots")).expect("there");
    assert_eq!(kept, ["00000000000000000008.snap", "00000000000000000010.snap"]);
}

#[test]
fn what_an_interrupted_write_left_is_removed() {
    let files = MemoryFiles::default();
    drop(open(&files));
    for dir in ["/data/journal", "/data/snapshots"] {
        files.create(&Path::new(dir).join("half.tmp")).expect("new");
    }
    drop(open(&files));
    assert!(files.contents().into_keys().all(|path| !path.display().to_string().ends_with(".tmp")));
}

#[test]
fn reading_from_any_position_starts_there() {
    let files = MemoryFiles::default();
    let roomy = Options { segment_bytes: 4 << 20, ..options(Arc::new(files.clone())) };
    let (mut log, _) = SegmentLog::open(roomy).expect("opens");
    while log.position() < Position(20_000) {
        append(&mut log, 37);
    }
    log.close().expect("closed");
    let roomy = Options { segment_bytes: 4 << 20, ..options(Arc::new(files.clone())) };
    let (log, _) = SegmentLog::open(roomy).expect("opens");
    for from in [0, 1, 36, 37, 5_000, 19_999] {
        let mut first = None;
        let read = log.read_from(Position(from), &mut |record| {
            first = Some(Kept::of(record));
            ControlFlow::Break(())
        });
        assert_eq!(read.expect("readable").next, Position(from + 1));
        assert_eq!(first, Some(Kept::at(from)));
    }
}

#[test]
fn a_reader_on_another_thread_sees_whole_batches_while_the_writer_goes_on() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    let reader = log.reader();
    let following = std::thread::spawn(move || {
        let mut next = Position::FIRST;
        while next < Position(3000) {
            let read = reader.read_from(next, &mut |record| {
                assert_eq!(record.position.0, Kept::at(record.position.0).position);
                assert_eq!(Kept::of(record), Kept::at(record.position.0));
                ControlFlow::Continue(())
            });
            let read = read.expect("readable");
            assert_eq!((read.next.0 % 3, read.skipped), (0, vec![]), "within a batch");
            next = read.next;
        }
    });
    while log.position() < Position(3000) {
        append(&mut log, 3);
    }
    following.join().expect("the reader saw only what was written");
}

#[test]
fn a_last_batch_that_a_snapshot_proves_is_not_cut_off_for_one_bad_record() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    append(&mut log, 4);
    let first_of_last = log.position();
    append(&mut log, 4);
    snapshot(&mut log);
    drop(log);
    let path = last_segment(&files);
    let needle = format!("payload {} ", first_of_last.after(1));
    let bytes = files.contents().remove(&path).expect("there");
    let at = bytes.windows(needle.len()).position(|window| window == needle.as_bytes()).expect("written");
    files.flip(&path, at as u64, 1);
    let (log, recovery) = open(&files);
    assert_eq!((log.position(), &recovery.truncated), (Position(8), &None));
    let lost: Vec<_> = recovery.skipped.iter().map(|bad| (bad.position, bad.lost)).collect();
    assert_eq!(lost, [(first_of_last.after(1), 1)]);
    assert_eq!(read_all(&log.reader()).0.len(), 7);
}

#[test]
fn without_that_proof_it_is_cut_off_and_said_to_be_possibly_receipted() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    append(&mut log, 4);
    append(&mut log, 4);
    drop(log);
    let path = last_segment(&files);
    let bytes = files.contents().remove(&path).expect("there");
    let at = bytes.windows(10).position(|window| window == b"payload 5 ").expect("written");
    files.flip(&path, at as u64, 1);
    let (log, recovery) = open(&files);
    let cut = recovery.truncated.expect("cut off");
    assert_eq!((cut.position, cut.records, log.position()), (Position(4), 4, Position(4)));
    assert_eq!(recovery.skipped, []);
}

#[test]
fn a_batch_that_is_gone_as_a_whole_is_no_broken_chain() {
    let files = MemoryFiles::default();
    let (mut log, _) = open(&files);
    let mut ends = Vec::new();
    for _ in 0..3 {
        ends.push(append(&mut log, 2));
    }
    log.close().expect("closed");
    let path = last_segment(&files);
    let mut bytes = files.contents().remove(&path).expect("there");
    let batch_bytes = |first: u64| common::batch(Position(first), 2).encoded_bytes() as usize;
    let start = 256 + batch_bytes(0);
    bytes[start..start + batch_bytes(2)].fill(0);
    files.overwrite(&path, bytes);
    let (_, recovery) = open(&files);
    assert_eq!((recovery.skipped.len(), recovery.damaged), (1, vec![]));
    assert_eq!((recovery.skipped[0].position, recovery.skipped[0].lost), (Position(2), 2));
}

#[test]
fn the_reserve_is_durable_when_an_open_returns() {
    let files = MemoryFiles::recording();
    drop(open(&files));
    let mut replay = Replay::default();
    files.ops().iter().for_each(|op| replay.step(op));
    let after_a_power_cut = replay.disk(Cut::Drops, NamesKept::First(0)).contents();
    let spares = after_a_power_cut.iter().filter(|(path, _)| path.display().to_string().contains("spare-"));
    assert_eq!(spares.map(|(_, bytes)| bytes.len()).collect::<Vec<_>>(), [4096]);
}

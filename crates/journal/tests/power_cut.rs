//! After a power cut at any moment, everything that was promised is there and nothing else.
//!
//! A run is recorded operation by operation: batches over several segments, snapshots, erasure,
//! retention, a clean close, a kill. Then the power is cut after every single operation, and what
//! was not synced is dropped, kept, torn at every byte, zero-filled, doubled or reordered. Each
//! disk that leaves is opened and judged.
//!
//! `WANGLOU_FULL=1` cuts at every byte; without, at every 11th (about ten times fewer disks).

#[path = "common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::Arc;

use common::{DATA, Kept, append, at_micros, options, read_all};
use wanglou_journal::files::Files;
use wanglou_journal::files::faulty::{Faults, FaultyFiles};
use wanglou_journal::files::memory::{Cut, MemoryFiles, Op, Replay};
use wanglou_journal::{Class, Epoch, Position, Purpose, SegmentLog, Snapshot, Store, verify};

/// What was promised, and when: in recorded operations.
#[derive(Debug, Default)]
struct Promises {
    /// The end of every batch.
    ends: Vec<Position>,
    /// After so many operations, an append up to here had returned.
    appended: Vec<(usize, Position)>,
    /// After so many operations, an open under this epoch had returned.
    opened: Vec<(usize, Epoch)>,
    /// After so many operations, bodies up to this position were erased.
    erased: Vec<(usize, Position)>,
    /// From so many operations on, an erasure was on its way.
    erasing: Option<usize>,
    /// From so many operations on, segments up to this position were being dropped.
    dropping: Option<(usize, Position)>,
}

struct Run {
    files: Arc<FaultyFiles>,
    recording: MemoryFiles,
    promises: Promises,
}

impl Run {
    fn new(faults: impl Fn(&Faults)) -> Self {
        let recording = MemoryFiles::recording();
        let files = FaultyFiles::new(Arc::new(recording.clone()));
        faults(files.faults());
        Self { files: Arc::new(files), recording, promises: Promises::default() }
    }

    fn open(&mut self) -> SegmentLog {
        let files: Arc<dyn Files> = Arc::clone(&self.files) as Arc<dyn Files>;
        let (log, _) = SegmentLog::open(options(files)).expect("opens");
        self.promises.opened.push((self.recording.ops_len(), log.epoch()));
        // Whatever an open found and lets be answered for must be durable by then.
        self.promises.appended.push((self.recording.ops_len(), log.position()));
        log
    }

    fn append(&mut self, log: &mut SegmentLog, batches: impl IntoIterator<Item = u64>) {
        for records in batches {
            self.promises.ends.push(log.position().after(records));
            append(log, records);
            self.promises.appended.push((self.recording.ops_len(), log.position()));
        }
    }

    /// Killed when a batch was in the page cache and nowhere else.
    fn killed_before_the_sync(&mut self, mut log: SegmentLog) {
        self.files.faults().fail_syncs(0);
        self.promises.ends.push(log.position().after(3));
        let batch = common::batch(log.position(), 3);
        log.append(log.claim(), Purpose::Intake, &batch).expect_err("not synced");
        self.files.faults().fail_syncs(u64::MAX);
    }

    fn snapshot(&self, log: &mut SegmentLog) {
        let state = format!("state at {}", log.position()).into_bytes();
        let snapshot = Snapshot { position: log.position(), config: [1; 32], version: 1, state };
        log.put_snapshot(log.claim(), &snapshot).expect("stored");
    }

    fn erase(&mut self, log: &mut SegmentLog, before: Position) {
        self.promises.erasing.get_or_insert(self.recording.ops_len());
        let erased = log.erase(at_micros(before.0)).expect("erased");
        assert!(erased.bodies > 0, "the run must erase something");
        let up_to = erased.up_to.expect("there is a snapshot").min(before);
        self.promises.erased.push((self.recording.ops_len(), up_to));
    }

    fn drop_before(&mut self, log: &mut SegmentLog, before: Position) {
        self.promises.dropping = Some((self.recording.ops_len(), before));
        let dropped = log.drop_before(at_micros(before.0)).expect("dropped");
        assert!(dropped.segments > 1, "the run must drop several, one after the other");
    }
}

/// Everything a journal goes through, in small.
fn life(mut run: Run) -> Run {
    let mut log = run.open();
    run.append(&mut log, [1, 3, 2, 6, 1, 4, 5]);
    run.snapshot(&mut log);
    run.append(&mut log, [2, 7, 3, 1, 1, 6]);
    log.close().expect("closed");

    let mut log = run.open();
    run.append(&mut log, [3, 2]);
    run.snapshot(&mut log);
    run.erase(&mut log, Position(20));
    run.append(&mut log, [4, 1]);
    drop(log); // killed

    let mut log = run.open();
    run.append(&mut log, [2]);
    drop(log); // killed again, so that a segment of one batch is replaced

    let log = run.open();
    run.killed_before_the_sync(log);

    let mut log = run.open();
    run.snapshot(&mut log);
    run.append(&mut log, [5, 5, 5]);
    run.snapshot(&mut log);
    run.drop_before(&mut log, Position(40));
    run.erase(&mut log, Position(60));
    run.append(&mut log, [1, 2]);
    run
}

/// What the power cut left, judged against what had been promised by then.
fn judge(disk: &MemoryFiles, now: usize, promises: &Promises) -> Result<(), String> {
    verified(disk, now, promises)?;
    let opened = SegmentLog::open(options(Arc::new(disk.clone())));
    let (mut log, recovery) = opened.map_err(|error| format!("does not open: {error}"))?;
    if !recovery.skipped.is_empty() || !recovery.damaged.is_empty() {
        return Err(format!("open calls a power cut damage: {recovery:?}"));
    }
    promised(&log, now, promises)?;
    let end = append(&mut log, 2);
    log.close().map_err(|error| format!("does not close: {error}"))?;
    let opened = SegmentLog::open(options(Arc::new(disk.clone())));
    let (log, recovery) = opened.map_err(|error| format!("does not open again: {error}"))?;
    if log.position() != end || !recovery.skipped.is_empty() || recovery.truncated.is_some() {
        return Err(format!("after going on to {end}: {recovery:?}"));
    }
    Ok(())
}

fn verified(disk: &MemoryFiles, now: usize, promises: &Promises) -> Result<(), String> {
    match verify(disk, Path::new(DATA)) {
        Ok(report) if report.is_sound() => Ok(()),
        Ok(report) => Err(format!("verify calls a power cut damage: {:?}", report.bad)),
        // Before the first open returned there may be no directory to verify.
        Err(_) if promises.opened[0].0 > now => Ok(()),
        Err(error) => Err(format!("verify: {error}")),
    }
}

fn promised(log: &SegmentLog, now: usize, promises: &Promises) -> Result<(), String> {
    let end = log.position();
    let by_now = |(at, what): &(usize, Position)| (*at <= now).then_some(*what);
    let owed = promises.appended.iter().filter_map(by_now).max().unwrap_or_default();
    if end < owed {
        return Err(format!("ends at {end}, but {owed} had been promised"));
    }
    if end != Position::FIRST && !promises.ends.contains(&end) {
        return Err(format!("ends at {end}, within a batch"));
    }
    let epochs = promises.opened.iter().filter(|(at, _)| *at <= now).map(|(_, epoch)| *epoch);
    if epochs.max().is_some_and(|held| held >= log.epoch()) {
        return Err(format!("epoch {} was given out before", log.epoch()));
    }
    let erased = promises.erased.iter().filter_map(by_now).max().unwrap_or_default();
    let first = log.reader().first_position();
    let dropping = promises.dropping.filter(|(at, _)| *at <= now);
    if first > dropping.map_or(Position::FIRST, |(_, before)| before) {
        return Err(format!("starts at {first}: too much was dropped"));
    }
    let may_be_erased = promises.erasing.is_some_and(|at| at <= now);
    let (records, lost) = read_all(&log.reader());
    if lost > 0 || records.len() as u64 != end.0 - first.0 {
        return Err(format!("{} records from {first} to {end}, {lost} named as lost", records.len()));
    }
    for (position, record) in (first.0..).zip(&records) {
        let written = Kept::at(position);
        let erasable = written.class == Class::Erasable;
        if *record != written && !(erasable && may_be_erased && *record == written.clone().erased()) {
            return Err(format!("wrote {written:?}, read {record:?}"));
        }
        if erasable && position < erased.0 && record.body.is_some() {
            return Err(format!("the body at {position} came back"));
        }
    }
    Ok(())
}

/// Cuts the power after every operation; `each` judges every disk, until it breaks.
fn cut_everywhere(
    ops: &[Op],
    stride: usize,
    mut each: impl FnMut(usize, &MemoryFiles, Cut) -> bool,
) -> usize {
    let (mut replay, mut disks) = (Replay::default(), 0);
    for (index, op) in ops.iter().enumerate() {
        replay.step(op);
        let chosen = |(at, _): &(usize, Cut)| at % stride == index % stride;
        let (few, many): (Vec<_>, Vec<_>) = replay
            .cuts(op)
            .into_iter()
            .partition(|cut| !matches!(cut, Cut::Tears(_) | Cut::TearsToZeros(_) | Cut::LandsFrom(_)));
        let many = many.into_iter().enumerate().filter(chosen).map(|(_, cut)| cut);
        for cut in few.into_iter().chain(many) {
            for names in replay.names_kept() {
                disks += 1;
                if !each(index + 1, &replay.disk(cut, names), cut) {
                    return disks;
                }
            }
        }
    }
    disks
}

#[test]
fn whatever_a_power_cut_leaves_holds_what_was_promised_and_nothing_else() {
    let run = life(Run::new(|_| {}));
    let stride = if common::full() { 1 } else { 11 };
    let disks = cut_everywhere(&run.recording.ops(), stride, |now, disk, cut| {
        if let Err(wrong) = judge(disk, now, &run.promises) {
            panic!("cut after operation {now}, {cut:?}: {wrong}");
        }
        true
    });
    println!("{disks} disks after {} operations", run.recording.ops_len());
    assert!(disks > 5_000, "only {disks} disks");
}

/// The judge must be able to see loss. How often it does, with a disk that lies about syncs.
fn losses_seen(faults: impl Fn(&Faults)) -> usize {
    let run = life(Run::new(faults));
    let mut seen = 0;
    cut_everywhere(&run.recording.ops(), 997, |now, disk, _| {
        let wrong = judge(disk, now, &run.promises).err();
        seen += usize::from(wrong.is_some_and(|wrong| wrong.contains("had been promised")));
        true
    });
    seen
}

#[test]
fn red_control_a_disk_that_lies_about_fdatasync_is_caught() {
    assert!(losses_seen(|faults| faults.set_lying_syncs(true)) > 100);
    assert_eq!(losses_seen(|_| {}), 0);
}

#[test]
fn red_control_a_disk_that_lies_about_directory_syncs_is_caught() {
    assert!(losses_seen(|faults| faults.set_lying_dir_syncs(true)) > 100);
}

#[test]
fn the_same_run_does_the_same_operations() {
    let [a, b] = [(); 2].map(|()| life(Run::new(|_| {})).recording);
    assert_eq!(a.contents(), b.contents());
    assert_eq!(format!("{:?}", a.ops()), format!("{:?}", b.ops()));
}

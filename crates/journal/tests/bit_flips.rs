//! A flipped bit is named, costs at most the record it hit, and never changes another.
//!
//! Over small journals that hold everything a journal can hold: several segments, one of them
//! with erased bodies, snapshots, a blob, a configuration, a spare; closed cleanly, or killed.
//! Every byte of every file is flipped, one bit at a time.
//!
//! `WANGLOU_FULL=1` flips all eight bits of a byte; without, one, a different one for each byte.

#[path = "common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{DATA, Kept, append, at_micros, options, read_all};
use wanglou_journal::files::Files;
use wanglou_journal::files::memory::MemoryFiles;
use wanglou_journal::{
    Blob, BlobId, Blobs, Config, ConfigHash, Configs, Damage, FileSet, Left, Recovery, SegmentLog, Snapshot,
    Store, VerifyReport, verify,
};

const BLOB: &[u8] = b"a body too long for a record";

/// How the journal was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Closed,
    Killed,
}

/// A journal, and what is in it.
struct Journal {
    files: MemoryFiles,
    records: Vec<Kept>,
    /// The first record of the last batch.
    last_batch: u64,
    ending: Ending,
}

fn file_set() -> FileSet {
    FileSet::from([("rules.toml".to_owned(), b"format = 1".to_vec())])
}

fn snapshot(log: &mut SegmentLog) {
    let state = format!("state at {}", log.position()).into_bytes();
    let snapshot = Snapshot { position: log.position(), config: [1; 32], version: 1, state };
    log.put_snapshot(log.claim(), &snapshot).expect("stored");
}

fn journal(ending: Ending) -> Journal {
    let files = MemoryFiles::default();
    let shared: Arc<dyn Files> = Arc::new(files.clone());
    let (mut log, _) = SegmentLog::open(options(Arc::clone(&shared))).expect("opens");
    for records in [1, 5, 9, 2] {
        append(&mut log, records);
    }
    snapshot(&mut log);
    log.erase(at_micros(10)).expect("erased");
    for records in [8, 1, 7, 4] {
        append(&mut log, records);
    }
    snapshot(&mut log);
    for records in [3, 1, 2] {
        append(&mut log, records);
    }
    Blobs::open(Arc::clone(&shared), Path::new(DATA)).expect("opens").put(BLOB, 5).expect("stored");
    Configs::open(shared, Path::new(DATA)).expect("opens").put(&file_set()).expect("stored");
    let (records, lost) = read_all(&log.reader());
    assert_eq!((records.len(), lost), (43, 0));
    assert!(records[0].body.is_none() && records[12].body.is_some(), "a part is erased");
    match ending {
        Ending::Closed => log.close().expect("closed"),
        Ending::Killed => drop(log),
    }
    Journal { files, records, last_batch: 41, ending }
}

/// Every flip that is made, as path, offset and bit.
fn flips(files: &MemoryFiles) -> Vec<(PathBuf, u64, u8)> {
    let contents = files.contents();
    let places = contents.iter().flat_map(|(path, bytes)| (0..bytes.len() as u64).map(move |at| (path, at)));
    let bits = |at: u64| if common::full() { 0..8 } else { (at % 8) as u8..(at % 8) as u8 + 1 };
    places.flat_map(|(path, at)| bits(at).map(move |bit| (path.clone(), at, bit))).collect()
}

fn covers(damage: &Damage, path: &Path, offset: u64) -> bool {
    Path::new(DATA).join(&damage.file) == path
        && damage.offset <= offset
        && offset < damage.offset + damage.bytes
}

fn is_named(report: &VerifyReport, path: &Path, offset: u64) -> bool {
    report.bad.iter().chain(&report.torn).any(|damage| covers(damage, path, offset))
}

/// Judges what a flip did; returns how many records it cost.
fn judge(journal: &Journal, disk: &MemoryFiles, path: &Path, offset: u64) -> Result<u64, String> {
    let report = verify(disk, Path::new(DATA)).map_err(|error| format!("verify: {error}"))?;
    if !is_named(&report, path, offset) {
        return Err(format!("verify does not name it: {:?} {:?}", report.bad, report.torn));
    }
    let opened = SegmentLog::open(options(Arc::new(disk.clone())));
    let (mut log, recovery) = opened.map_err(|error| format!("does not open: {error}"))?;
    let cost = lost(journal, &log, &recovery)?;
    snapshot_is_right(&log)?;
    side_files_are_right(disk)?;
    let end = append(&mut log, 2);
    log.close().map_err(|error| format!("does not close: {error}"))?;
    let (log, recovery) = SegmentLog::open(options(Arc::new(disk.clone())))
        .map_err(|error| format!("opens no more: {error}"))?;
    if (recovery.left, log.position()) != (Left::Clean, end) {
        return Err(format!("after going on to {end}: {recovery:?}"));
    }
    Ok(cost)
}

/// What is read must be what was written, and what is not read must be named.
fn lost(journal: &Journal, log: &SegmentLog, recovery: &Recovery) -> Result<u64, String> {
    let (records, named) = read_all(&log.reader());
    for record in &records {
        let written = &journal.records[usize::try_from(record.position).expect("small")];
        if record != written {
            return Err(format!("wrote {written:?}, read {record:?}"));
        }
    }
    let missing = journal.records.len() as u64 - records.len() as u64;
    match &recovery.truncated {
        None if missing == named && missing <= 1 => Ok(missing),
        Some(cut) if journal.ending == Ending::Killed && named == 0 => {
            let last = journal.records.len() as u64 - journal.last_batch;
            let whole_batch = cut.position.0 == journal.last_batch && missing == last;
            let nothing = cut.position.0 == journal.records.len() as u64 && missing == 0;
            if whole_batch || nothing { Ok(missing) } else { Err(format!("cut {cut:?}, {missing} missing")) }
        }
        _ => Err(format!("{missing} missing, {named} named, {recovery:?}")),
    }
}

fn snapshot_is_right(log: &SegmentLog) -> Result<(), String> {
    let latest = log.latest_snapshot().map_err(|error| format!("snapshot: {error}"))?;
    let Some(snapshot) = latest.snapshot else {
        return Err("no snapshot is left".to_owned());
    };
    let right = snapshot.state == format!("state at {}", snapshot.position).into_bytes()
        && (snapshot.config, snapshot.version) == ([1; 32], 1)
        && snapshot.position.0 == if latest.damaged.is_empty() { 37 } else { 17 };
    if right { Ok(()) } else { Err(format!("wrong snapshot {snapshot:?}")) }
}

fn side_files_are_right(disk: &MemoryFiles) -> Result<(), String> {
    let files: Arc<dyn Files> = Arc::new(disk.clone());
    let blobs = Blobs::open(Arc::clone(&files), Path::new(DATA)).expect("opens");
    let configs = Configs::open(files, Path::new(DATA)).expect("opens");
    let blob = blobs.read(BlobId::of(BLOB)).expect("readable");
    let config = configs.read(ConfigHash::of(&file_set())).expect("readable");
    let blob_is_right = matches!(&blob, Blob::Damaged) || blob == Blob::Whole(BLOB.to_vec());
    let config_is_right = matches!(&config, Config::Damaged) || config == Config::Whole(file_set());
    if blob_is_right && config_is_right { Ok(()) } else { Err(format!("{blob:?} {config:?}")) }
}

fn flip_everything(ending: Ending) {
    let journal = journal(ending);
    let sound = verify(&journal.files, Path::new(DATA)).expect("readable");
    assert_eq!((sound.bad, sound.torn, sound.records, sound.erased), (vec![], None, 43, 7));
    let (mut flipped, mut cost) = (0, 0);
    for (path, offset, bit) in flips(&journal.files) {
        let disk = journal.files.copy();
        disk.flip(&path, offset, 1 << bit);
        match judge(&journal, &disk, &path, offset) {
            Ok(lost) => cost += u64::from(lost > 0),
            Err(wrong) => panic!("{ending:?}: bit {bit} of byte {offset} of {}: {wrong}", path.display()),
        }
        flipped += 1;
    }
    println!("{flipped} bits flipped, {cost} of them cost something");
    assert!(flipped > 10_000 && cost > 1_000, "{flipped} flipped, {cost} with a cost");
}

#[test]
fn a_flipped_bit_in_a_closed_journal_is_named_and_costs_at_most_its_record() {
    flip_everything(Ending::Closed);
}

#[test]
fn a_flipped_bit_in_a_killed_journal_is_named_and_costs_at_most_its_record_or_the_last_batch() {
    flip_everything(Ending::Killed);
}

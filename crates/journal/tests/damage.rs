//! Damage is named, costs at most the records it hit, and never changes another.
//!
//! Over small journals that hold everything a journal can hold: several segments, one of them
//! with erased bodies, snapshots, a blob, a configuration, a spare; closed cleanly, or killed.
//! Every byte of every file is flipped, one bit at a time; regions are zeroed, doubled, cut off;
//! files vanish.
//!
//! `WANGLOU_FULL=1` flips all eight bits of a byte; without, one, a different one for each byte.

#[path = "common/mod.rs"]
mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

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

/// What may be gone without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Silence {
    Nothing,
    /// Last batches of a killed journal that were replaced by zeros to the last byte, as if they
    /// had never been written: nothing is left that could tell.
    WholeLastBatches,
}

/// The ends of the batches behind the last snapshot.
const ENDS: [u64; 4] = [37, 40, 41, 43];

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

/// Opens, judges what is there, writes on, opens again. Returns how many records it cost.
fn judge(journal: &Journal, disk: &MemoryFiles, silence: Silence) -> Result<u64, String> {
    let opened = SegmentLog::open(options(Arc::new(disk.clone())));
    let (mut log, recovery) = opened.map_err(|error| format!("does not open: {error}"))?;
    let cost = lost(journal, &log, &recovery, silence)?;
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
fn lost(journal: &Journal, log: &SegmentLog, recovery: &Recovery, silence: Silence) -> Result<u64, String> {
    let (records, named) = read_all(&log.reader());
    for record in &records {
        let written = &journal.records[usize::try_from(record.position).expect("small")];
        if record != written {
            return Err(format!("wrote {written:?}, read {record:?}"));
        }
    }
    let missing = journal.records.len() as u64 - records.len() as u64;
    let cut = match &recovery.truncated {
        None if silence == Silence::WholeLastBatches && ENDS.contains(&log.position().0) => {
            journal.records.len() as u64 - log.position().0
        }
        None => 0,
        Some(_) if journal.ending == Ending::Closed => return Err(format!("{recovery:?}")),
        Some(cut) => journal.records.len() as u64 - cut.position.0,
    };
    if missing != named + cut {
        return Err(format!("{missing} missing, {named} named, {recovery:?}"));
    }
    Ok(missing)
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

fn judge_flip(journal: &Journal, disk: &MemoryFiles, path: &Path, offset: u64) -> Result<u64, String> {
    let report = verify(disk, Path::new(DATA)).map_err(|error| format!("verify: {error}"))?;
    if !is_named(&report, path, offset) {
        return Err(format!("verify does not name it: {:?} {:?}", report.bad, report.torn));
    }
    let cost = judge(journal, disk, Silence::Nothing)?;
    let last_batch = journal.records.len() as u64 - journal.last_batch;
    let allowed = if journal.ending == Ending::Killed { last_batch } else { 1 };
    if cost > allowed { Err(format!("cost {cost} records")) } else { Ok(cost) }
}

fn flip_everything(ending: Ending) {
    let journal = journal(ending);
    let sound = verify(&journal.files, Path::new(DATA)).expect("readable");
    assert_eq!((sound.bad, sound.torn, sound.records, sound.erased), (vec![], None, 43, 7));
    let (mut flipped, mut cost) = (0, 0);
    for (path, offset, bit) in flips(&journal.files) {
        let disk = journal.files.copy();
        disk.flip(&path, offset, 1 << bit);
        match judge_flip(&journal, &disk, &path, offset) {
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

/// Judges a disk on which more than a bit is wrong: verify must complain when it cost something.
fn judge_region(journal: &Journal, disk: &MemoryFiles) -> Result<u64, String> {
    let report = verify(disk, Path::new(DATA)).map_err(|error| format!("verify: {error}"))?;
    let silence = match journal.ending {
        Ending::Closed => Silence::Nothing,
        Ending::Killed => Silence::WholeLastBatches,
    };
    let cost = judge(journal, disk, silence)?;
    let seen = !report.is_sound() || report.torn.is_some();
    if cost > 0 && !seen && silence == Silence::Nothing {
        return Err(format!("verify sees nothing, but {cost} records are lost"));
    }
    Ok(cost)
}

fn segments_of(files: &MemoryFiles) -> Vec<(PathBuf, Vec<u8>)> {
    let is_segment = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "seg");
    files.contents().into_iter().filter(|(path, _)| is_segment(path)).collect()
}

/// Does something to every region of every segment. What it costs is bounded by what it hit:
/// a frame is at least 88 bytes, and one more may be hit at either end.
fn damage_regions(ending: Ending, region_bytes: usize, what: &str, damage: impl Fn(&mut Vec<u8>, usize)) {
    let journal = journal(ending);
    for (path, bytes) in segments_of(&journal.files) {
        for at in (0..bytes.len()).step_by(8) {
            let disk = journal.files.copy();
            let mut damaged = bytes.clone();
            damage(&mut damaged, at);
            disk.overwrite(&path, damaged);
            let place = || format!("{ending:?}: {what} at {at} of {}", path.display());
            let cost = judge_region(&journal, &disk).unwrap_or_else(|wrong| panic!("{}: {wrong}", place()));
            let last_batch = journal.records.len() as u64 - journal.last_batch;
            let hit = (region_bytes / 88) as u64 + 2 + last_batch;
            assert!(cost <= hit, "{}: cost {cost} records", place());
        }
    }
}

#[test]
fn a_zeroed_region_costs_what_it_hit() {
    for ending in [Ending::Closed, Ending::Killed] {
        damage_regions(ending, 512, "512 zeros", |bytes, at| {
            let end = bytes.len().min(at + 512);
            bytes[at..end].fill(0);
        });
    }
}

#[test]
fn a_region_written_twice_costs_what_it_hit() {
    for ending in [Ending::Closed, Ending::Killed] {
        damage_regions(ending, 512, "512 bytes again", |bytes, at| {
            let end = (at + 1024).min(bytes.len());
            let doubled = at..end.saturating_sub(512).max(at);
            let behind = (at + 512).min(bytes.len());
            bytes.copy_within(doubled, behind);
        });
    }
}

#[test]
fn a_closed_segment_cut_short_costs_what_was_behind_the_cut() {
    damage_regions(Ending::Closed, 4096, "cut", |bytes, at| bytes.truncate(at));
}

/// Nothing tells that there was more behind the cut; what is before it must be whole batches.
#[test]
fn a_killed_journal_cut_short_keeps_whole_batches() {
    let journal = journal(Ending::Killed);
    let (path, bytes) = segments_of(&journal.files).pop().expect("segments");
    for at in 0..bytes.len() {
        let disk = journal.files.copy();
        disk.overwrite(&path, bytes[..at].to_vec());
        let (log, recovery) = SegmentLog::open(options(Arc::new(disk.clone()))).expect("opens");
        let end = log.position().0;
        assert!(ENDS.contains(&end), "cut at {at}: ends at {end}, {recovery:?}");
        let (records, lost) = read_all(&log.reader());
        for record in &records {
            assert_eq!(
                record,
                &journal.records[usize::try_from(record.position).expect("small")],
                "cut at {at}"
            );
        }
        assert_eq!(records.len() as u64 + lost, end, "cut at {at}: {recovery:?}");
    }
}

#[test]
fn a_segment_that_vanished_is_named_with_its_records() {
    let journal = journal(Ending::Closed);
    for (path, _) in segments_of(&journal.files) {
        let disk = journal.files.copy();
        disk.remove(&path).expect("there");
        let (log, recovery) = SegmentLog::open(options(Arc::new(disk.clone()))).expect("opens");
        assert_eq!(log.position().0, 43, "{}", path.display());
        let (records, named) = read_all(&log.reader());
        // Before the first segment that is left, records may be gone by age: nobody can tell.
        let first = log.reader().first_position().0;
        assert_eq!(records.len() as u64 + named + first, 43, "{}: {recovery:?}", path.display());
        let report = verify(&disk, Path::new(DATA)).expect("readable");
        assert!(first > 0 || !report.is_sound(), "{}", path.display());
    }
}

#[test]
fn red_control_the_judge_sees_a_record_that_changed_without_a_word() {
    let mut journal = journal(Ending::Closed);
    judge(&journal, &journal.files.copy(), Silence::Nothing).expect("nothing changed");
    let (_, payload) = journal.records[20].body.as_mut().expect("not erased");
    payload[0] ^= 1;
    let wrong = judge(&journal, &journal.files.copy(), Silence::Nothing).expect_err("one bit differs");
    assert!(wrong.starts_with("wrote"), "{wrong}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if common::full() { 20_000 } else { 500 }, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_anywhere_never_panic_and_never_change_a_record(
        closed in any::<bool>(),
        hits in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..300)), 1..6)
    ) {
        let journal = journal(if closed { Ending::Closed } else { Ending::Killed });
        let disk = journal.files.copy();
        for (file, at, noise) in hits {
            let (path, mut bytes) = file.get(&disk.contents().into_iter().collect::<Vec<_>>()).clone();
            let at = at.index(bytes.len());
            let end = bytes.len().min(at + noise.len());
            bytes[at..end].copy_from_slice(&noise[..end - at]);
            disk.overwrite(&path, bytes);
        }
        verify(&disk, Path::new(DATA)).expect("readable");
        let (log, _) = SegmentLog::open(options(Arc::new(disk.clone()))).expect("opens");
        for record in read_all(&log.reader()).0 {
            prop_assert_eq!(&record, &journal.records[usize::try_from(record.position).expect("small")]);
        }
    }
}

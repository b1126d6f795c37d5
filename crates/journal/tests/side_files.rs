//! Blobs and configurations: found by what they hold, checked when read.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use wanglou_journal::files::Files;
use wanglou_journal::files::disk::DiskFiles;
use wanglou_journal::files::memory::{Cut, MemoryFiles, NamesKept, Replay};
use wanglou_journal::{Blob, BlobId, Blobs, Config, ConfigHash, Configs, FileSet};

const DATA: &str = "/data";

fn shared(files: &MemoryFiles) -> Arc<dyn Files> {
    Arc::new(files.clone())
}

#[test]
fn a_blob_is_named_by_its_sha256_and_read_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let blobs = Blobs::open(Arc::new(DiskFiles), dir.path()).expect("opens");
    let id = blobs.put(b"abc", 1_772_000_000_000_000).expect("stored");
    // FIPS 180-2, appendix B.1.
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(id.to_string(), known);
    assert_eq!(std::fs::read(dir.path().join("blobs").join(known)).expect("there"), b"abc");
    assert_eq!(blobs.read(id).expect("readable"), Blob::Whole(b"abc".to_vec()));
    assert_eq!(blobs.read(BlobId::of(b"abd")).expect("readable"), Blob::Absent);
    assert_eq!(blobs.remove_before(1_772_000_000_000_000).expect("removed"), 0);
    assert_eq!(blobs.remove_before(1_772_000_000_000_001).expect("removed"), 1);
    assert_eq!(blobs.read(id).expect("readable"), Blob::Absent);
}

#[test]
fn a_blob_needed_again_is_kept_longer_and_mended() {
    let files = MemoryFiles::default();
    let blobs = Blobs::open(shared(&files), Path::new(DATA)).expect("opens");
    let id = blobs.put(b"picture", 10).expect("stored");
    blobs.put(b"picture", 30).expect("stored");
    blobs.put(b"picture", 20).expect("stored");
    assert_eq!(blobs.remove_before(30).expect("nothing to remove"), 0);
    files.flip(&Path::new(DATA).join("blobs").join(id.to_string()), 0, 1);
    assert_eq!(blobs.read(id).expect("readable"), Blob::Damaged);
    blobs.put(b"picture", 30).expect("mended");
    assert_eq!(blobs.read(id).expect("readable"), Blob::Whole(b"picture".to_vec()));
}

#[test]
fn a_blob_is_durable_when_put_returns() {
    let files = MemoryFiles::recording();
    let id = Blobs::open(shared(&files), Path::new(DATA)).expect("opens").put(b"picture", 1).expect("stored");
    let mut replay = Replay::default();
    files.ops().iter().for_each(|op| replay.step(op));
    let disk = replay.disk(Cut::Drops, NamesKept::First(0));
    let blobs = Blobs::open(shared(&disk), Path::new(DATA)).expect("opens");
    assert_eq!(blobs.read(id).expect("readable"), Blob::Whole(b"picture".to_vec()));
}

fn set(pairs: &[(&str, &[u8])]) -> FileSet {
    pairs.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect()
}

#[test]
fn a_configuration_is_found_by_its_content_until_nothing_needs_it() {
    let files = MemoryFiles::default();
    let configs = Configs::open(shared(&files), Path::new(DATA)).expect("opens");
    let (old, new) = (set(&[("rules.toml", b"a"), ("site/people.toml", b"")]), set(&[("rules.toml", b"b")]));
    let [old_hash, new_hash] = [&old, &new].map(|set| configs.put(set).expect("stored"));
    assert_eq!(configs.put(&old).expect("stored again"), old_hash);
    assert_eq!(configs.read(old_hash).expect("readable"), Config::Whole(old));
    assert_eq!(configs.remove_all_but(&BTreeSet::from([new_hash])).expect("removed"), 1);
    assert_eq!(configs.read(old_hash).expect("readable"), Config::Absent);
    assert_eq!(configs.read(new_hash).expect("readable"), Config::Whole(new));
}

#[test]
fn configurations_that_differ_have_different_names() {
    let sets = [
        set(&[]),
        set(&[("", b"")]),
        set(&[("a", b"bc")]),
        set(&[("ab", b"c")]),
        set(&[("a", b"b"), ("c", b"")]),
        set(&[("a", b""), ("b", b"c")]),
    ];
    let hashes: BTreeSet<_> = sets.iter().map(ConfigHash::of).collect();
    assert_eq!(hashes.len(), sets.len());
}

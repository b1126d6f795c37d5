//! Snapshots: state at a position, so that opening need not read everything.
//!
//! ```text
//!  byte 0          8            12       16       24        56      64        96
//!      ┌──────────┬────────────┬────────┬────────┬─────────┬───────┬─────────┬──────
//!      │ WLSNAP 0 │ CRC32C of  │ version│position│ config  │ state │ BLAKE3  │ state
//!      │ 1        │ 12..96     │        │        │ hash    │ bytes │ of state│
//!      └──────────┴────────────┴────────┴────────┴─────────┴───────┴─────────┴──────
//! ```
//!
//! Written beside its place, synced, renamed, directory synced, read back and compared. The
//! newest two are kept: when the newest turns out to be damaged, the one before it and a longer
//! stretch of journal lead to the same state.

use std::path::{Path, PathBuf};

use crate::files::{self, Doing, Files};
use crate::layout::SNAPSHOTS;
use crate::record::Position;
use crate::store::{Damage, FileError, LatestSnapshot, SYNC, Snapshot};

const MAGIC: &[u8; 8] = b"WLSNAP\0\x01";
const HEADER_BYTES: usize = 96;
const ENDING: &str = ".snap";
const KEPT: usize = 2;

/// Writes a snapshot, reads it back, and lets go of those older than the newest two.
pub(crate) fn put(files: &dyn Files, dir: &Path, snapshot: &Snapshot) -> Result<Written, FileError> {
    let name = name(snapshot.position);
    files::write_whole(files, dir, &name, &[&header(snapshot), &snapshot.state])?;
    match read(files, &dir.join(&name))? {
        Found::Whole(read) if read == *snapshot => {}
        Found::Whole(_) | Found::Damaged { .. } | Found::Absent => return Ok(Written::ReadsBackDifferently),
    }
    for (_, path) in list(files, dir)?.into_iter().rev().skip(KEPT) {
        files.remove(&path).doing("remove", &path)?;
    }
    files.sync_dir(dir).doing(SYNC, dir)?;
    Ok(Written::AndVerified)
}

/// What came of writing a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    AndVerified,
    ReadsBackDifferently,
}

/// What is found under a snapshot's name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Whole(Snapshot),
    Damaged { bytes: u64 },
    Absent,
}

/// The newest whole snapshot.
pub(crate) fn latest(files: &dyn Files, dir: &Path) -> Result<LatestSnapshot, FileError> {
    let mut latest = LatestSnapshot::default();
    for (position, path) in list(files, dir)?.into_iter().rev() {
        match read(files, &path)? {
            Found::Absent => {}
            Found::Damaged { bytes } => latest.damaged.push(damaged(position, bytes)),
            Found::Whole(snapshot) => {
                latest.snapshot = Some(snapshot);
                break;
            }
        }
    }
    Ok(latest)
}

/// Every snapshot on disk, oldest first.
pub(crate) fn all(files: &dyn Files, dir: &Path) -> Result<Vec<Result<Snapshot, Damage>>, FileError> {
    let mut all = Vec::new();
    for (position, path) in list(files, dir)? {
        match read(files, &path)? {
            Found::Absent => {} // it was the oldest, and another took its place since
            Found::Damaged { bytes } => all.push(Err(damaged(position, bytes))),
            Found::Whole(snapshot) => all.push(Ok(snapshot)),
        }
    }
    Ok(all)
}

fn damaged(position: Position, bytes: u64) -> Damage {
    let file = format!("{SNAPSHOTS}/{}", name(position));
    Damage { file, offset: 0, bytes, position, lost: 0, what: "a snapshot that is not what was written" }
}

fn list(files: &dyn Files, dir: &Path) -> Result<Vec<(Position, PathBuf)>, FileError> {
    let names = files::list_if_there(files, dir)?;
    let mut found: Vec<_> =
        names.iter().filter_map(|name| Some((position_of(name)?, dir.join(name)))).collect();
    found.sort();
    Ok(found)
}

fn name(position: Position) -> String {
    format!("{:020}{ENDING}", position.0)
}

fn position_of(name: &str) -> Option<Position> {
    name.strip_suffix(ENDING)?.parse().ok().map(Position)
}

fn header(snapshot: &Snapshot) -> [u8; HEADER_BYTES] {
    let mut bytes = [0; HEADER_BYTES];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[12..16].copy_from_slice(&snapshot.version.to_le_bytes());
    bytes[16..24].copy_from_slice(&snapshot.position.0.to_le_bytes());
    bytes[24..56].copy_from_slice(&snapshot.config);
    bytes[56..64].copy_from_slice(&(snapshot.state.len() as u64).to_le_bytes());
    bytes[64..96].copy_from_slice(blake3::hash(&snapshot.state).as_bytes());
    let crc = crc32c::crc32c(&bytes[12..]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// A snapshot, if it is whole and is the one its name says.
fn read(files: &dyn Files, path: &Path) -> Result<Found, FileError> {
    let Some(mut bytes) = files::read_whole(files, path)? else {
        return Ok(Found::Absent);
    };
    let named = path.file_name().and_then(|name| name.to_str()).and_then(position_of);
    let whole = decode(&bytes).filter(|snapshot| Some(snapshot.position) == named);
    Ok(match whole {
        Some(snapshot) => Found::Whole(Snapshot { state: bytes.split_off(HEADER_BYTES), ..snapshot }),
        None => Found::Damaged { bytes: bytes.len() as u64 },
    })
}

/// Everything but the state.
fn decode(bytes: &[u8]) -> Option<Snapshot> {
    let (header, state) = bytes.split_at_checked(HEADER_BYTES)?;
    let number = |at: usize| Some(u64::from_le_bytes(header[at..at + 8].try_into().ok()?));
    let sound = header[..8] == *MAGIC
        && header[8..12] == crc32c::crc32c(&header[12..]).to_le_bytes()
        && number(56)? == state.len() as u64
        && header[64..96] == *blake3::hash(state).as_bytes();
    sound.then_some(Snapshot {
        position: Position(number(16)?),
        config: header[24..56].try_into().ok()?,
        version: u32::from_le_bytes(header[12..16].try_into().ok()?),
        state: Vec::new(),
    })
}

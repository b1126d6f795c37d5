//! Two small files: what this journal is, and where it ended when it was last closed.
//!
//! `meta-0` and `meta-1` both hold the history, the partition and the writer's epoch; the one
//! with the higher epoch counts, and they are written in turn, so that damage to one costs
//! nothing. `clean` is written by a clean close; it counts only for the epoch that wrote it, so
//! that a stale one is never believed.
//!
//! ```text
//!  meta   WLMETA 0 1 │ CRC32C of 12.. │ 0 (4) │ history (16) │ partition (8) │ epoch (8)
//!  clean  WLCLEAN  1 │ CRC32C of 12.. │ serial (4) │ epoch (8) │ end offset (8) │ position (8)
//! ```

use std::path::Path;

use crate::files::{self, Files};
use crate::record::{Epoch, HistoryId, Partition, Position};
use crate::store::{Damage, FileError};

const META_MAGIC: &[u8; 8] = b"WLMETA\0\x01";
const CLEAN_MAGIC: &[u8; 8] = b"WLCLEAN\x01";
const META_NAMES: [&str; 2] = ["meta-0", "meta-1"];
const META_BYTES: usize = 48;
const CLEAN_NAME: &str = "clean";
const CLEAN_BYTES: usize = 40;

/// What this journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) history: HistoryId,
    pub(crate) partition: Partition,
    pub(crate) epoch: Epoch,
}

/// What the two copies say.
#[derive(Debug, Default)]
pub(crate) struct MetaCopies {
    pub(crate) meta: Option<Meta>,
    pub(crate) damaged: Vec<Damage>,
}

pub(crate) fn read_meta(files: &dyn Files, dir: &Path) -> Result<MetaCopies, FileError> {
    let mut copies = MetaCopies::default();
    for name in META_NAMES {
        let Some(bytes) = files::read_whole(files, &dir.join(name))? else {
            continue;
        };
        match decode_meta(&bytes) {
            Some(meta) => copies.meta = newer(copies.meta, meta),
            None => copies.damaged.push(damaged(name, bytes.len(), "this copy of the journal's identity")),
        }
    }
    Ok(copies)
}

fn newer(held: Option<Meta>, found: Meta) -> Option<Meta> {
    match held {
        Some(held) if held.epoch >= found.epoch => Some(held),
        Some(_) | None => Some(found),
    }
}

/// Writes the copy whose turn it is; the other one stays as it was.
pub(crate) fn write_meta(files: &dyn Files, dir: &Path, meta: &Meta) -> Result<(), FileError> {
    let mut bytes = [0; META_BYTES];
    bytes[..8].copy_from_slice(META_MAGIC);
    bytes[16..32].copy_from_slice(&meta.history.0);
    bytes[32..40].copy_from_slice(&meta.partition.0.to_le_bytes());
    bytes[40..48].copy_from_slice(&meta.epoch.0.to_le_bytes());
    let turn = usize::from(meta.epoch.0 % 2 == 1);
    files::write_whole(files, dir, META_NAMES[turn], &[&with_crc(bytes)])
}

fn decode_meta(bytes: &[u8]) -> Option<Meta> {
    let bytes: &[u8; META_BYTES] = checked(bytes, META_MAGIC)?;
    Some(Meta {
        history: HistoryId(bytes[16..32].try_into().ok()?),
        partition: Partition(u64_at(bytes, 32)),
        epoch: Epoch(u64_at(bytes, 40)),
    })
}

/// Where a cleanly closed journal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Clean {
    pub(crate) serial: u32,
    pub(crate) epoch: Epoch,
    pub(crate) end_offset: u64,
    pub(crate) position: Position,
}

/// What the marker of a clean close says.
#[derive(Debug)]
pub(crate) enum CleanMarker {
    None,
    Damaged(Damage),
    Says(Clean),
}

pub(crate) fn read_clean(files: &dyn Files, dir: &Path) -> Result<CleanMarker, FileError> {
    let Some(bytes) = files::read_whole(files, &dir.join(CLEAN_NAME))? else {
        return Ok(CleanMarker::None);
    };
    Ok(match decode_clean(&bytes) {
        Some(clean) => CleanMarker::Says(clean),
        None => CleanMarker::Damaged(damaged(CLEAN_NAME, bytes.len(), "the marker of a clean close")),
    })
}

pub(crate) fn write_clean(files: &dyn Files, dir: &Path, clean: &Clean) -> Result<(), FileError> {
    let mut bytes = [0; CLEAN_BYTES];
    bytes[..8].copy_from_slice(CLEAN_MAGIC);
    bytes[12..16].copy_from_slice(&clean.serial.to_le_bytes());
    bytes[16..24].copy_from_slice(&clean.epoch.0.to_le_bytes());
    bytes[24..32].copy_from_slice(&clean.end_offset.to_le_bytes());
    bytes[32..40].copy_from_slice(&clean.position.0.to_le_bytes());
    files::write_whole(files, dir, CLEAN_NAME, &[&with_crc(bytes)])
}

fn decode_clean(bytes: &[u8]) -> Option<Clean> {
    let bytes: &[u8; CLEAN_BYTES] = checked(bytes, CLEAN_MAGIC)?;
    Some(Clean {
        serial: u32::from_le_bytes(bytes[12..16].try_into().ok()?),
        epoch: Epoch(u64_at(bytes, 16)),
        end_offset: u64_at(bytes, 24),
        position: Position(u64_at(bytes, 32)),
    })
}

fn with_crc<const N: usize>(mut bytes: [u8; N]) -> [u8; N] {
    let crc = crc32c::crc32c(&bytes[12..]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    bytes
}

fn checked<'a, const N: usize>(bytes: &'a [u8], magic: &[u8; 8]) -> Option<&'a [u8; N]> {
    let bytes: &[u8; N] = bytes.try_into().ok()?;
    let sound = bytes[..8] == *magic && bytes[8..12] == crc32c::crc32c(&bytes[12..]).to_le_bytes();
    sound.then_some(bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

fn damaged(name: &str, bytes: usize, what: &'static str) -> Damage {
    Damage {
        file: format!("{}/{name}", crate::layout::JOURNAL),
        offset: 0,
        bytes: bytes as u64,
        position: Position::FIRST,
        lost: 0,
        what,
    }
}

//! A segment: one file of the log, and what its first bytes say about it.
//!
//! ```text
//!  byte 0        8        12       16          32          40      48       56
//!      ┌────────┬────────┬────────┬───────────┬───────────┬───────┬────────┐
//!      │ WLSEG  │ CRC32C │ serial │ history   │ partition │ epoch │ base   │
//!      │ 0 0 1  │ 12..128│        │ 16 bytes  │           │       │position│
//!      └────────┴────────┴────────┴───────────┴───────────┴───────┴────────┘
//!  byte 56          64       68    72            104        128
//!      ┌───────────┬────────┬─────┬─────────────┬──────────┐
//!      │ end offset│ serial │ 0   │ link of the │ 0        │   twice: at 0 and at 128,
//!      │ of the segment before     │ chain before│          │   frames follow from 256
//!      └───────────┴────────┴─────┴─────────────┴──────────┘
//! ```
//!
//! The link makes a segment verifiable when those before it are gone. Behind its last frame a
//! segment is zeros. Where a crash left something else there, the segment that recovery began
//! says where the one before it ends; that counts only while that one still has the serial named
//! (erasure rewrites a segment under a new serial, at exactly the length it needs). The second
//! copy is there so that a bad sector in the first costs nothing.

use std::path::{Path, PathBuf};

use crate::files::{Access, Doing, File, Files};
use crate::frame::{FrameId, Link};
use crate::record::{Epoch, HistoryId, Partition, Position};
use crate::store::FileError;

/// Where the frames start.
pub(crate) const FRAMES_START: u64 = 2 * COPY_BYTES as u64;

const COPY_BYTES: usize = 128;
const MAGIC: &[u8; 8] = b"WLSEG\0\0\x01";
const ENDING: &str = ".seg";

/// The first bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) serial: u32,
    pub(crate) history: HistoryId,
    pub(crate) partition: Partition,
    pub(crate) epoch: Epoch,
    pub(crate) base: Position,
    pub(crate) before: Option<Before>,
    pub(crate) link_before: Link,
}

/// Where the segment before this one ends, when a crash left more than zeros behind that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) serial: u32,
    pub(crate) end_offset: u64,
}

impl SegmentHeader {
    pub(crate) fn frame_id(&self) -> FrameId {
        FrameId::new(self.history, self.serial)
    }

    /// Both copies.
    pub(crate) fn encode(&self) -> [u8; FRAMES_START as usize] {
        let mut bytes = [0; FRAMES_START as usize];
        let (first, second) = bytes.split_at_mut(COPY_BYTES);
        let before = self.before.unwrap_or(Before { serial: 0, end_offset: 0 });
        first[..8].copy_from_slice(MAGIC);
        first[12..16].copy_from_slice(&self.serial.to_le_bytes());
        first[16..32].copy_from_slice(&self.history.0);
        first[32..40].copy_from_slice(&self.partition.0.to_le_bytes());
        first[40..48].copy_from_slice(&self.epoch.0.to_le_bytes());
        first[48..56].copy_from_slice(&self.base.0.to_le_bytes());
        first[56..64].copy_from_slice(&before.end_offset.to_le_bytes());
        first[64..68].copy_from_slice(&before.serial.to_le_bytes());
        first[72..104].copy_from_slice(&self.link_before);
        let crc = crc32c::crc32c(&first[12..]);
        first[8..12].copy_from_slice(&crc.to_le_bytes());
        second.copy_from_slice(first);
        bytes
    }
}

/// What the two copies of a header say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeaderCopies {
    pub(crate) header: Option<SegmentHeader>,
    /// Offset of each copy that is not what was written.
    pub(crate) damaged: [Option<u64>; 2],
}

/// Length of one copy, for naming what is damaged.
pub(crate) const HEADER_COPY_BYTES: u64 = COPY_BYTES as u64;

pub(crate) fn read_header(file: &dyn File, path: &Path) -> Result<HeaderCopies, FileError> {
    let mut bytes = [0; FRAMES_START as usize];
    file.pread(0, &mut bytes).doing("read", path)?;
    let copies = [decode(&bytes[..COPY_BYTES]), decode(&bytes[COPY_BYTES..])];
    let bad = |at: usize| copies[at].is_none().then_some((at * COPY_BYTES) as u64);
    Ok(HeaderCopies { header: copies[0].or(copies[1]), damaged: [bad(0), bad(1)] })
}

fn decode(bytes: &[u8]) -> Option<SegmentHeader> {
    let field = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let short = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    if bytes[..8] != *MAGIC || short(8) != crc32c::crc32c(&bytes[12..]) {
        return None;
    }
    let before = Before { serial: short(64), end_offset: field(56) };
    Some(SegmentHeader {
        serial: short(12),
        history: HistoryId(bytes[16..32].try_into().ok()?),
        partition: Partition(field(32)),
        epoch: Epoch(field(40)),
        base: Position(field(48)),
        before: (before.end_offset > 0).then_some(before),
        link_before: bytes[72..104].try_into().ok()?,
    })
}

/// The name of the segment whose first record is `base`.
pub(crate) fn name(base: Position) -> String {
    format!("{:020}{ENDING}", base.0)
}

/// The first record of the segment called `name`; `None` when it is no segment.
pub(crate) fn base_of(name: &str) -> Option<Position> {
    let digits = name.strip_suffix(ENDING)?;
    let decimal = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    // No journal gets that far; a name that says so must not make sums overflow.
    let sane = |base: &u64| *base < 1 << 62;
    decimal.then(|| digits.parse().ok().filter(sane).map(Position))?
}

/// The segments in a directory, by their first record.
pub(crate) fn list(files: &dyn Files, dir: &Path) -> Result<Vec<(Position, PathBuf)>, FileError> {
    let names = files.list(dir).doing("list", dir)?;
    let mut found: Vec<_> = names.iter().filter_map(|name| Some((base_of(name)?, dir.join(name)))).collect();
    found.sort();
    Ok(found)
}

pub(crate) fn open(files: &dyn Files, path: &Path, access: Access) -> Result<Box<dyn File>, FileError> {
    files.open(path, access).doing("open", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_header_survives_damage_to_one_copy() {
        let header = SegmentHeader {
            serial: 3,
            history: HistoryId([8; 16]),
            partition: Partition(1),
            epoch: Epoch(2),
            base: Position(77),
            before: Some(Before { serial: 2, end_offset: 4096 }),
            link_before: [5; 32],
        };
        let files = crate::files::memory::MemoryFiles::default();
        let file = files.create(Path::new("/s")).expect("new");
        for bit in 0..FRAMES_START as usize * 8 {
            let mut bytes = header.encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            file.pwrite(0, &bytes).expect("written");
            let read = read_header(&*file, Path::new("/s")).expect("read");
            assert_eq!(read.header, Some(header));
            let copy = u64::from(bit >= 1024);
            assert_eq!(read.damaged[copy as usize], Some(copy * HEADER_COPY_BYTES));
            assert_eq!(read.damaged[1 - copy as usize], None);
        }
    }

    #[test]
    fn names_of_segments_are_told_from_others() {
        assert_eq!(base_of(&name(Position(42))), Some(Position(42)));
        for other in [
            "spare-1.seg",
            "42.seg",
            "clean",
            "99999999999999999999.seg",
            "09999999999999999999.seg",
            "0000000000000000004x.seg",
        ] {
            assert_eq!(base_of(other), None, "{other}");
        }
    }
}

//! Looks at what is on disk before a journal is opened: the small files, and the frames of the
//! segments that matter. Decides nothing; see `open`.

use std::path::{Path, PathBuf};

use crate::batches::{BatchSpan, Batches, BrokenLink};
use crate::files::{Access, Doing, File, Files};
use crate::frame::{self, ALIGN, FrameId, HEADER_BYTES, Link, What};
use crate::layout::Layout;
use crate::meta::{self, Clean, CleanMarker, Meta};
use crate::read::{OldestBody, Segment};
use crate::record::{Class, Epoch, HistoryId, Position};
use crate::segment::{self, FRAMES_START, HEADER_COPY_BYTES, HeaderCopies, SegmentHeader};
use crate::snapshots;
use crate::store::{Damage, FileError};
use crate::walk::{Bad, Step, Walk};

/// What is on disk, as far as it can be told without reading frames.
pub(crate) struct LeftBehind {
    pub(crate) meta: Option<Meta>,
    pub(crate) clean: Option<Clean>,
    pub(crate) segments: Vec<Found>,
    /// The newest whole snapshot's position.
    pub(crate) snapshot: Option<Position>,
    pub(crate) damaged: Vec<Damage>,
}

/// A segment file, before its frames are read.
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) base: Position,
    pub(crate) header: Option<SegmentHeader>,
    pub(crate) id: FrameId,
    pub(crate) len: u64,
}

impl LeftBehind {
    /// Whether both saw the same segments.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        let of = |found: &Found| (found.base, found.id, found.len);
        self.segments.iter().map(of).eq(other.segments.iter().map(of))
    }

    /// How many bytes of the segment at `index` can hold frames.
    pub(crate) fn end_offset(&self, index: usize) -> u64 {
        let found = &self.segments[index];
        let next = self.segments.get(index + 1).and_then(|next| next.header);
        match next.and_then(|next| next.before) {
            Some(before) if before.serial == found.id.serial => before.end_offset.min(found.len),
            Some(_) | None => found.len,
        }
    }
}

/// Reads the small files and the segments' headers.
pub(crate) fn look(files: &dyn Files, layout: &Layout) -> Result<LeftBehind, FileError> {
    let copies = meta::read_meta(files, &layout.journal)?;
    let mut damaged = copies.damaged;
    let clean = match meta::read_clean(files, &layout.journal)? {
        CleanMarker::None => None,
        CleanMarker::Says(clean) => Some(clean),
        CleanMarker::Damaged(damage) => {
            damaged.push(damage);
            None
        }
    };
    let snapshots = snapshots::latest(files, &layout.snapshots)?;
    damaged.extend(snapshots.damaged);
    let mut segments = Vec::new();
    for (base, path) in segment::list(files, &layout.journal)? {
        let (found, bad) = look_at_segment(files, layout, (base, path), copies.meta)?;
        segments.push(found);
        damaged.extend(bad);
    }
    let snapshot = snapshots.snapshot.map(|snapshot| snapshot.position);
    Ok(LeftBehind { meta: copies.meta, clean, segments, snapshot, damaged })
}

fn look_at_segment(
    files: &dyn Files,
    layout: &Layout,
    (base, path): (Position, PathBuf),
    meta: Option<Meta>,
) -> Result<(Found, Vec<Damage>), FileError> {
    let file = segment::open(files, &path, Access::Read)?;
    let copies = segment::read_header(&*file, &path)?;
    let damaged = damaged_copies(layout, &path, base, &copies);
    let id = frame_id(&*file, &path, copies.header, meta)?;
    let len = file.len().doing("measure", &path)?;
    Ok((Found { path, base, header: copies.header, id, len }, damaged))
}

/// The damaged copies of a segment's header, as they are reported.
pub(crate) fn damaged_copies(
    layout: &Layout,
    path: &Path,
    base: Position,
    copies: &HeaderCopies,
) -> Vec<Damage> {
    let bad = copies.damaged.iter().flatten();
    bad.map(|offset| Damage {
        file: layout.named(path),
        offset: *offset,
        bytes: HEADER_COPY_BYTES,
        position: base,
        lost: 0,
        what: "a copy of the segment's header is not what was written",
    })
    .collect()
}

/// What the frames of a segment are told by: from its header, else from its first sound frame.
pub(crate) fn frame_id(
    file: &dyn File,
    path: &Path,
    header: Option<SegmentHeader>,
    meta: Option<Meta>,
) -> Result<FrameId, FileError> {
    let history = match (header, meta) {
        (Some(header), _) => return Ok(header.frame_id()),
        (None, Some(meta)) => meta.history,
        (None, None) => HistoryId([0; 16]),
    };
    let mut bytes = vec![0; SEARCHED_BYTES];
    let read = file.pread(FRAMES_START, &mut bytes).doing("read", path)?;
    let frames = bytes[..read].windows(HEADER_BYTES as usize).step_by(ALIGN as usize);
    let ids = frames.map(|frame| (FrameId::new(history, frame::serial_of(frame)), frame));
    let found = ids.into_iter().find(|(id, frame)| frame::decode(*id, frame).is_some());
    Ok(found.map_or(FrameId::new(history, 0), |(id, _)| id))
}

/// How far a sound frame is looked for when both copies of a segment's header are bad.
const SEARCHED_BYTES: usize = 1 << 20;

/// One segment after its frames were read.
pub(crate) struct Scanned {
    pub(crate) entry: Segment,
    /// The position the next record would have had.
    pub(crate) next: Position,
    pub(crate) bads: Vec<Bad>,
    pub(crate) broken: Vec<BrokenLink>,
    pub(crate) last: BatchSpan,
    /// The link after it, unless damage hides it.
    pub(crate) link: Option<Link>,
    /// The last link that was known.
    pub(crate) last_link: Link,
    pub(crate) epoch_max: Epoch,
}

/// Reads the frames of a segment up to `end`.
pub(crate) fn scan(
    file: &dyn File,
    found: &Found,
    end: u64,
    (link, last_link): (Option<Link>, Link),
) -> Result<Scanned, FileError> {
    let mut walk = Walk::new(file, found.id, (found.base, FRAMES_START), end);
    let mut batches = Batches::new(FRAMES_START, found.base, link, last_link);
    let mut entry = unread(found, found.base, FRAMES_START);
    entry.oldest_body = OldestBody::None;
    let (mut bads, mut broken) = (Vec::new(), Vec::new());
    loop {
        match walk.step().doing("read", &found.path)? {
            Step::End => break,
            Step::Bad(bad) => {
                batches.bad(&bad);
                bads.push(bad);
            }
            Step::Frame { offset, header } => {
                broken.extend(batches.frame(offset, &header).err());
                if header.what == What::Whole(Class::Erasable) {
                    entry.oldest_body = entry.oldest_body.with(header.at);
                }
                entry.mark(batches.last().first, batches.last().start);
            }
        }
    }
    Ok(Scanned {
        entry,
        next: walk.next_position(),
        bads,
        broken,
        last: *batches.last(),
        link: batches.known_link(),
        last_link: batches.last_link(),
        epoch_max: batches.epoch_max(),
    })
}

/// A segment's entry before anything is known of its frames.
pub(crate) fn unread(found: &Found, end: Position, end_offset: u64) -> Segment {
    Segment {
        path: found.path.clone(),
        id: found.id,
        base: found.base,
        end,
        end_offset,
        marks: Vec::new(),
        oldest_body: OldestBody::Unknown,
    }
}

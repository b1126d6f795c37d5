//! Reading records back, from any thread.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::files::{Access, Doing, File, Files};
use crate::frame::{FrameId, What};
use crate::layout::Layout;
use crate::record::{Position, Record};
use crate::segment::{self, FRAMES_START};
use crate::store::{Damage, FileError, ReadEnd, StoreError, Visit};
use crate::walk::{Bad, Step, Walk};

/// Reads what is committed; cheap to clone, to be used from any thread while the writer goes on.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) layout: Layout,
    pub(crate) catalog: Arc<Mutex<Catalog>>,
}

/// Which records lie where. Shared by the writer and its readers.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) segments: Vec<Segment>,
    pub(crate) end: Position,
}

/// One segment as its readers need it.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) path: PathBuf,
    pub(crate) id: FrameId,
    pub(crate) base: Position,
    /// The position after its last record.
    pub(crate) end: Position,
    /// Where its last batch ends.
    pub(crate) end_offset: u64,
    /// Some batches' first positions and offsets, ascending, so that reading can start nearby.
    pub(crate) marks: Vec<(Position, u64)>,
    /// The oldest erasable body in it, where known.
    pub(crate) oldest_body: OldestBody,
}

/// What is known of the bodies in a segment that may have to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OldestBody {
    Unknown,
    None,
    AtMicros(i64),
}

impl OldestBody {
    pub(crate) fn with(self, at_micros: i64) -> Self {
        match self {
            Self::Unknown => Self::Unknown,
            Self::None => Self::AtMicros(at_micros),
            Self::AtMicros(oldest) => Self::AtMicros(oldest.min(at_micros)),
        }
    }
}

impl OldestBody {
    /// Whether a body stamped before that can be in the segment.
    pub(crate) fn may_be_before(self, before_micros: i64) -> bool {
        match self {
            Self::Unknown => true,
            Self::None => false,
            Self::AtMicros(at) => at < before_micros,
        }
    }
}

/// How far apart marks are, at least.
const MARK_EVERY_BYTES: u64 = 256 << 10;

impl Segment {
    /// Remembers that a batch starts here, if the last mark is far enough behind.
    pub(crate) fn mark(&mut self, first: Position, offset: u64) {
        let last = self.marks.last().map_or(FRAMES_START, |(_, offset)| *offset);
        if offset >= last + MARK_EVERY_BYTES {
            self.marks.push((first, offset));
        }
    }

    fn start_for(&self, position: Position) -> (Position, u64) {
        let behind = self.marks.partition_point(|(first, _)| *first <= position);
        match behind.checked_sub(1) {
            Some(mark) => self.marks[mark],
            None => (self.base, FRAMES_START),
        }
    }
}

impl Reader {
    /// The end: the position the next record will have.
    #[must_use]
    pub fn position(&self) -> Position {
        lock(&self.catalog).end
    }

    /// The first position that is still kept.
    #[must_use]
    pub fn first_position(&self) -> Position {
        let catalog = lock(&self.catalog);
        catalog.segments.first().map_or(catalog.end, |segment| segment.base)
    }

    /// As [`crate::Store::read_from`]: never anything that is not committed.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a file cannot be read.
    pub fn read_from(&self, from: Position, visit: &mut Visit<'_>) -> Result<ReadEnd, StoreError> {
        let end = self.position();
        let mut read = ReadEnd { next: from.max(self.first_position()).min(end), skipped: Vec::new() };
        while read.next < end {
            let Some(segment) = self.segment_for(read.next) else {
                break;
            };
            if self.read_segment(&segment, &mut read, visit)?.is_break() {
                break;
            }
        }
        Ok(read)
    }

    /// The segment that holds a position, else the first one behind it.
    fn segment_for(&self, position: Position) -> Option<Segment> {
        let catalog = lock(&self.catalog);
        let at = catalog.segments.partition_point(|segment| segment.end <= position);
        catalog.segments.get(at).cloned()
    }

    fn read_segment(
        &self,
        segment: &Segment,
        read: &mut ReadEnd,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, FileError> {
        let path = &segment.path;
        let file = match segment::open(&*self.files, path, Access::Read) {
            Err(_) if self.was_dropped(segment) => {
                read.next = segment.end;
                return Ok(ControlFlow::Continue(()));
            }
            opened => opened?,
        };
        let id = self.current_id(segment, &*file)?;
        let len = file.len().doing("measure", path)?;
        let mut walk = Walk::new(&*file, id, segment.start_for(read.next), len);
        let limit = segment.end;
        while walk.next_position() < limit {
            match walk.step().doing("read", path)? {
                Step::End => break,
                Step::Bad(bad) => self.skip(segment, &bad, limit, read),
                Step::Frame { header, .. } if header.what == What::Seal => {}
                Step::Frame { header, .. } if header.position < read.next => {}
                Step::Frame { header, .. } => {
                    let record = Record {
                        position: header.position,
                        kind: header.kind,
                        at_micros: header.at,
                        class: header.class(),
                        body: header.split(walk.body().doing("read", path)?),
                    };
                    read.next = header.position.after(1);
                    if visit(record).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                }
            }
        }
        self.miss(segment, limit, read);
        Ok(ControlFlow::Continue(()))
    }

    /// Whether a segment went by age since the catalog told of it.
    fn was_dropped(&self, segment: &Segment) -> bool {
        self.first_position() > segment.base
    }

    /// Erasure may have put another file in the place of the one the catalog told of.
    fn current_id(&self, segment: &Segment, file: &dyn File) -> Result<FrameId, FileError> {
        let header = segment::read_header(file, &segment.path)?.header;
        Ok(header.map_or(segment.id, |header| header.frame_id()))
    }

    fn skip(&self, segment: &Segment, bad: &Bad, limit: Position, read: &mut ReadEnd) {
        let behind = bad.position.after(bad.lost).min(limit);
        if behind <= read.next {
            return; // lies before what was asked for, or cost nothing
        }
        read.skipped.push(damage(self.layout.named(&segment.path), bad));
        read.next = behind;
    }

    /// Records that should be in this segment and are not.
    fn miss(&self, segment: &Segment, limit: Position, read: &mut ReadEnd) {
        if read.next >= limit {
            return;
        }
        read.skipped.push(Damage {
            file: self.layout.named(&segment.path),
            offset: segment.end_offset,
            bytes: 0,
            position: read.next,
            lost: limit.0 - read.next.0,
            what: "records are missing at the end of this segment",
        });
        read.next = limit;
    }
}

/// A bad region as it is reported.
pub(crate) fn damage(file: String, bad: &Bad) -> Damage {
    let Bad { offset, bytes, position, lost, what, header: _ } = *bad;
    Damage { file, offset, bytes, position, lost, what }
}

/// The catalog; a reader that panicked left it as it was.
pub(crate) fn lock(catalog: &Mutex<Catalog>) -> std::sync::MutexGuard<'_, Catalog> {
    catalog.lock().unwrap_or_else(PoisonError::into_inner)
}

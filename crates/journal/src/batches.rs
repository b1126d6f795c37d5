//! Follows the frames of a segment as batches: where each begins and ends, whether it is
//! whole, and whether the chain holds.

use crate::frame::{Chained, HEADER_BYTES, Header, Link, SEAL_BYTES, What};
use crate::record::{Epoch, Position};
use crate::store::Damage;
use crate::walk::Bad;

/// The state of following.
#[derive(Debug)]
pub(crate) struct Batches {
    /// The link before the current batch, after it once it is sealed; `None` where damage took
    /// it away.
    link: Option<Link>,
    /// The last link that was known: what a new segment continues from, damage or not.
    last_link: Link,
    chained: Chained,
    current: BatchSpan,
    epoch_max: Epoch,
}

/// Where a batch lies, and what was seen of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BatchSpan {
    /// Where the batch before it ended.
    pub(crate) boundary: u64,
    /// Where the first frame that was seen of it starts.
    pub(crate) start: u64,
    /// Where the last frame that was seen of it ends.
    pub(crate) end: u64,
    pub(crate) first: Position,
    pub(crate) next: Position,
    pub(crate) link_before: Link,
    pub(crate) stage: Stage,
    /// One more than the highest index that was seen.
    pub(crate) records: u32,
    headers: Seen,
    bodies: Seen,
}

/// How far a batch came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// No frame of it was seen.
    Nothing,
    /// Records, no seal.
    Open,
    /// The seal was seen, or another batch began behind it.
    Ended,
    /// The seal was seen.
    Sealed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    All,
    SomeLost,
}

impl BatchSpan {
    fn nothing(boundary: u64, first: Position, link_before: Link) -> Self {
        Self {
            boundary,
            start: boundary,
            end: boundary,
            first,
            next: first,
            link_before,
            stage: Stage::Nothing,
            records: 0,
            headers: Seen::All,
            bodies: Seen::All,
        }
    }

    /// Whether every frame and the seal are sound.
    pub(crate) fn is_whole(&self) -> bool {
        self.stage == Stage::Sealed && self.headers == Seen::All && self.bodies == Seen::All
    }
}

/// The chain does not continue at a batch although all its headers are sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BrokenLink {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    pub(crate) position: Position,
}

impl BrokenLink {
    /// As it is reported.
    pub(crate) fn damage(&self, file: String) -> Damage {
        let Self { offset, bytes, position } = *self;
        Damage { file, offset, bytes, position, lost: 0, what: "the chain does not continue at this batch" }
    }
}

impl Batches {
    /// From the start of a segment, or any other boundary between batches.
    ///
    /// `link` is the one before it, where damage left it; `last_link` the last that was known.
    pub(crate) fn new(boundary: u64, next: Position, link: Option<Link>, last_link: Link) -> Self {
        let last_link = link.unwrap_or(last_link);
        Self {
            link,
            last_link,
            chained: Chained::default(),
            current: BatchSpan::nothing(boundary, next, last_link),
            epoch_max: Epoch(0),
        }
    }

    /// The batch seen last.
    pub(crate) fn last(&self) -> &BatchSpan {
        &self.current
    }

    /// The link after everything seen: computed, else as stored, else the last one known.
    pub(crate) fn last_link(&self) -> Link {
        self.last_link
    }

    /// The link after everything seen, unless damage hides it.
    pub(crate) fn known_link(&self) -> Option<Link> {
        self.link
    }

    /// The highest epoch that sealed anything.
    pub(crate) fn epoch_max(&self) -> Epoch {
        self.epoch_max
    }

    /// A sound frame.
    pub(crate) fn frame(&mut self, offset: u64, header: &Header) -> Result<(), BrokenLink> {
        match header.what {
            What::Seal => self.seal(offset, header),
            What::Whole(_) | What::Erased => {
                self.record(header, offset, offset + header.frame_bytes());
                Ok(())
            }
        }
    }

    /// A bad region.
    pub(crate) fn bad(&mut self, bad: &Bad) {
        if let Some(header) = &bad.header {
            self.record(header, bad.offset - HEADER_BYTES, bad.offset + bad.bytes);
            self.current.bodies = Seen::SomeLost;
        } else if bad.lost > 0 && self.current.stage == Stage::Open {
            self.current.headers = Seen::SomeLost;
        }
    }

    /// The end of a segment behind which others follow: what was open ends here.
    pub(crate) fn close(&mut self) {
        if self.current.stage != Stage::Open {
            return;
        }
        let span = &self.current;
        let before = self.link.filter(|_| span.headers == Seen::All);
        self.link = before.map(|before| self.chained.link(&before, span.next, span.records));
        self.last_link = self.link.unwrap_or(self.last_link);
        self.current.stage = Stage::Ended;
    }

    fn record(&mut self, header: &Header, start: u64, end: u64) {
        self.belong_to(header.first_of_batch(), start);
        if header.index != self.current.records {
            self.current.headers = Seen::SomeLost;
        }
        self.current.records = header.index.saturating_add(1);
        self.current.next = header.position.after(1);
        self.current.end = end;
        self.chained.record(header);
    }

    /// Starts another batch when the current one is over.
    fn belong_to(&mut self, first: Position, start: u64) {
        if self.current.stage == Stage::Open && self.current.first == first {
            return;
        }
        self.close();
        if first != self.current.next {
            self.link = None; // whole batches are missing in between
        }
        self.current = BatchSpan::nothing(self.current.end, first, self.last_link);
        self.current.stage = Stage::Open;
        self.current.start = start;
        self.chained.clear();
    }

    fn seal(&mut self, offset: u64, seal: &Header) -> Result<(), BrokenLink> {
        self.belong_to(seal.first_of_batch(), offset);
        if self.current.records != seal.index {
            self.current.headers = Seen::SomeLost;
        }
        let expected = self.expected_link(seal);
        self.current.stage = Stage::Sealed;
        self.current.next = seal.position;
        self.current.end = offset + SEAL_BYTES;
        self.link = Some(seal.digest);
        self.last_link = seal.digest;
        self.epoch_max = self.epoch_max.max(Epoch(seal.at.cast_unsigned()));
        if expected.is_none_or(|expected| expected == seal.digest) {
            return Ok(());
        }
        Err(self.broken())
    }

    fn expected_link(&self, seal: &Header) -> Option<Link> {
        let before = self.link.filter(|_| self.current.headers == Seen::All)?;
        Some(self.chained.link(&before, seal.position, seal.index))
    }

    fn broken(&self) -> BrokenLink {
        let span = &self.current;
        BrokenLink { offset: span.start, bytes: span.end - span.start, position: span.first }
    }
}

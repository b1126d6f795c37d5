//! Walks over the frames of one segment, and finds the next valid one behind a bad one.
//!
//! Used by everything that reads a segment: opening, reading, verifying, erasing. It judges
//! single frames; what batches and the chain say about them is the affair of `batches`.

use std::io;
use std::ops::Range;

use crate::files::File;
use crate::frame::{self, ALIGN, BodyState, FrameId, HEADER_BYTES, Header, What};
use crate::record::Position;

/// What a walk comes upon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A frame with sound header and body; the body is in [`Walk::body`].
    Frame { offset: u64, header: Header },
    /// Bytes that are not what was written.
    Bad(Bad),
    /// Nothing but zeros from here on.
    End,
}

/// A bad region, and what the frames around it say is lost by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bad {
    pub(crate) offset: u64,
    /// 0 when records are missing between two sound frames.
    pub(crate) bytes: u64,
    pub(crate) position: Position,
    pub(crate) lost: u64,
    pub(crate) what: &'static str,
    /// The header, when only the body is bad.
    pub(crate) header: Option<Header>,
}

/// A walk over one segment.
#[derive(Debug)]
pub(crate) struct Walk<'f> {
    window: Window<'f>,
    id: FrameId,
    offset: u64,
    /// The position the next record should have.
    next: Position,
    /// The frame whose padding was already complained of.
    complained_at: Option<u64>,
    body: Range<u64>,
}

impl<'f> Walk<'f> {
    /// From a frame of `position` at an offset, up to `end` bytes.
    pub(crate) fn new(file: &'f dyn File, id: FrameId, start: (Position, u64), end: u64) -> Self {
        let (next, offset) = start;
        Self { window: Window::new(file, end), id, offset, next, complained_at: None, body: 0..0 }
    }

    /// The position the next record should have.
    pub(crate) fn next_position(&self) -> Position {
        self.next
    }

    /// The next frame or bad region.
    pub(crate) fn step(&mut self) -> io::Result<Step> {
        let bounds = bounds(self.next, self.offset, self.window.end);
        let bytes = self.window.bytes(self.offset, HEADER_BYTES)?;
        match plausible(self.id, bytes, bounds) {
            None => self.resync(),
            Some(header) if header.position > self.next => Ok(self.gap(header.position)),
            Some(header) => self.judge(header),
        }
    }

    /// The body of the frame given out last: salt, head and payload.
    pub(crate) fn body(&mut self) -> io::Result<&[u8]> {
        self.window.bytes(self.body.start, self.body.end - self.body.start)
    }

    fn judge(&mut self, header: Header) -> io::Result<Step> {
        let offset = self.offset;
        let start = offset + HEADER_BYTES;
        let padded = self.window.bytes(start, header.frame_bytes() - HEADER_BYTES)?;
        let state = frame::body_is_sound(&header, padded);
        if state == BodyState::PaddingDamaged && self.complained_at != Some(offset) {
            self.complained_at = Some(offset);
            return Ok(Step::Bad(bad_padding(offset, &header)));
        }
        self.offset += header.frame_bytes();
        if header.what != What::Seal {
            self.next = header.position.after(1);
        }
        if state == BodyState::Damaged {
            return Ok(Step::Bad(bad_body(offset, header)));
        }
        self.body = start..start + u64::from(header.body_bytes);
        Ok(Step::Frame { offset, header })
    }

    /// Two sound frames with numbers missing between them.
    fn gap(&mut self, found: Position) -> Step {
        let bad = self.bad(0, found, "records are missing here");
        self.next = found;
        Step::Bad(bad)
    }

    /// Looks for the next valid frame behind a bad one.
    fn resync(&mut self) -> io::Result<Step> {
        let (next, end) = (self.next, self.window.end);
        let mut offset = self.offset;
        let mut dirty_end = None;
        while offset < end {
            let chunk = self.window.bytes(offset, CHUNK_BYTES + HEADER_BYTES)?;
            if let Some(last) = last_nonzero(chunk) {
                dirty_end = Some(offset + last + 1);
                if let Some((at, header)) = search(self.id, chunk, |at| bounds(next, offset + at, end)) {
                    return Ok(self.found(offset + at, &header));
                }
            }
            offset += CHUNK_BYTES;
        }
        Ok(self.rest(dirty_end))
    }

    fn found(&mut self, offset: u64, header: &Header) -> Step {
        let bad = self.bad(offset - self.offset, header.position, "not a frame that was written");
        self.offset = offset;
        self.next = header.position;
        Step::Bad(bad)
    }

    fn rest(&mut self, dirty_end: Option<u64>) -> Step {
        let Some(dirty_end) = dirty_end else {
            return Step::End;
        };
        let bad = self.bad(dirty_end - self.offset, self.next, "neither frames nor zeros");
        self.offset = frame::padded(dirty_end);
        Step::Bad(bad)
    }

    fn bad(&self, bytes: u64, found: Position, what: &'static str) -> Bad {
        let lost = found.0 - self.next.0;
        Bad { offset: self.offset, bytes, position: self.next, lost, what, header: None }
    }
}

/// What a header at some place may say.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    lowest: Position,
    highest: Position,
    frame_bytes_max: u64,
}

fn bounds(next: Position, offset: u64, end: u64) -> Bounds {
    let fit_into_the_segment = end / HEADER_BYTES;
    Bounds {
        lowest: next,
        highest: Position(next.0.saturating_add(fit_into_the_segment)),
        frame_bytes_max: end.saturating_sub(offset),
    }
}

fn plausible(id: FrameId, bytes: &[u8], bounds: Bounds) -> Option<Header> {
    let header = frame::decode(id, bytes)?;
    let fits = (bounds.lowest..=bounds.highest).contains(&header.position)
        && header.frame_bytes() <= bounds.frame_bytes_max;
    fits.then_some(header)
}

/// The first plausible frame that starts in `chunk`, and where.
fn search(id: FrameId, chunk: &[u8], bounds_at: impl Fn(u64) -> Bounds) -> Option<(u64, Header)> {
    (0..chunk.len())
        .step_by(ALIGN as usize)
        .find_map(|at| Some((at as u64, plausible(id, &chunk[at..], bounds_at(at as u64))?)))
}

fn bad_body(offset: u64, header: Header) -> Bad {
    Bad {
        offset: offset + HEADER_BYTES,
        bytes: header.frame_bytes() - HEADER_BYTES,
        position: header.position,
        lost: 1,
        what: "the body is not what was written",
        header: Some(header),
    }
}

fn bad_padding(offset: u64, header: &Header) -> Bad {
    let used = HEADER_BYTES + u64::from(header.body_bytes);
    Bad {
        offset: offset + used,
        bytes: header.frame_bytes() - used,
        position: header.position,
        lost: 0,
        what: "padding that is not zero",
        header: None,
    }
}

/// Offset of the last byte that is not zero.
fn last_nonzero(bytes: &[u8]) -> Option<u64> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let dirty = bytes.chunks(ZEROS.len()).rposition(|block| *block != ZEROS[..block.len()])?;
    let start = dirty * ZEROS.len();
    let block = &bytes[start..bytes.len().min(start + ZEROS.len())];
    block.iter().rposition(|byte| *byte != 0).map(|at| (start + at) as u64)
}

/// How much is read at once.
const CHUNK_BYTES: u64 = 256 << 10;

/// A piece of a file in memory, moved forward as it is asked for.
#[derive(Debug)]
struct Window<'f> {
    file: &'f dyn File,
    end: u64,
    start: u64,
    held: Vec<u8>,
}

impl<'f> Window<'f> {
    fn new(file: &'f dyn File, end: u64) -> Self {
        Self { file, end, start: 0, held: Vec::new() }
    }

    /// The bytes from `offset`, fewer where the file ends.
    fn bytes(&mut self, offset: u64, bytes: u64) -> io::Result<&[u8]> {
        let bytes = bytes.min(self.end.saturating_sub(offset));
        if offset < self.start || offset + bytes > self.start + self.held.len() as u64 {
            self.load(offset, bytes)?;
        }
        let at = index(offset - self.start).min(self.held.len());
        let end = (at + index(bytes)).min(self.held.len());
        Ok(&self.held[at..end])
    }

    fn load(&mut self, offset: u64, bytes: u64) -> io::Result<()> {
        let wanted = bytes.max(CHUNK_BYTES).min(self.end.saturating_sub(offset));
        self.held.resize(index(wanted), 0);
        self.start = offset;
        let read = self.file.pread(offset, &mut self.held)?;
        self.held.truncate(read);
        Ok(())
    }
}

fn index(bytes: u64) -> usize {
    usize::try_from(bytes).expect("a window fits in memory")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Files;
    use crate::files::memory::MemoryFiles;
    use crate::frame::{Encoder, Link, Place};
    use crate::record::{Batch, Class, Draft, Epoch, HistoryId};

    const LINK: Link = [0; 32];

    fn id() -> FrameId {
        FrameId::new(HistoryId([1; 16]), 5)
    }

    /// The frames of one batch of `payloads`, from `first` on.
    fn frames(id: FrameId, first: u64, payloads: &[&[u8]]) -> Vec<u8> {
        let mut batch = Batch::new();
        for payload in payloads {
            batch
                .push(Draft { kind: 0, at_micros: 0, class: Class::Kept, head: b"", payload })
                .expect("short");
        }
        let place = Place { id, first: Position(first), epoch: Epoch(1), link_before: LINK };
        let mut encoder = Encoder::default();
        let encoded = encoder.encode(place, batch.iter(), &mut |_| Ok(()));
        encoded.expect("needs no salt").0.to_vec()
    }

    fn walk(bytes: &[u8]) -> Vec<(u64, Option<Bad>)> {
        let files = MemoryFiles::default();
        let file = files.create(std::path::Path::new("/s")).expect("new");
        file.pwrite(0, bytes).expect("written");
        let mut walk = Walk::new(&*file, id(), (Position(0), 0), bytes.len() as u64);
        let mut steps = Vec::new();
        loop {
            match walk.step().expect("readable") {
                Step::End => return steps,
                Step::Bad(bad) => steps.push((bad.position.0, Some(bad))),
                Step::Frame { header, .. } => steps.push((header.position.0, None)),
            }
        }
    }

    fn lost(steps: &[(u64, Option<Bad>)]) -> Vec<(u64, u64, u64)> {
        let bads = steps.iter().filter_map(|(_, bad)| bad.as_ref());
        bads.map(|bad| (bad.offset, bad.bytes, bad.lost)).collect()
    }

    #[test]
    fn a_frame_hidden_in_the_payload_of_a_damaged_one_is_not_taken_from_another_segment() {
        let elsewhere = FrameId::new(HistoryId([2; 16]), 5);
        let hidden = frames(elsewhere, 0, &[b"an evil record"]);
        let mut bytes = frames(id(), 0, &[&hidden, b"next"]);
        bytes[30] ^= 1;
        let steps = walk(&bytes);
        assert_eq!(lost(&steps), [(0, 80 + hidden.len() as u64, 1)]);
        assert_eq!(steps.iter().map(|(position, _)| *position).collect::<Vec<_>>(), [0, 1, 2]);
    }

    #[test]
    fn a_frame_with_a_number_no_record_here_can_have_is_not_taken() {
        for wrong in [3, 1_000_000] {
            let mut bytes = frames(id(), 5, &[b"right"]);
            bytes.extend(frames(id(), wrong, &[b"wrong"]));
            let sound = frames(id(), 6, &[b"right again"]);
            bytes.extend(&sound);
            let steps = walk(&bytes);
            // The first gap is that of positions 0 to 4, which this segment never had.
            assert_eq!(lost(&steps), [(0, 0, 5), (88 + 80, 88 + 80, 0)], "{wrong}");
        }
    }

    #[test]
    fn a_length_that_says_more_than_the_segment_holds_is_no_frame() {
        let bytes = frames(id(), 0, &[&[7; 400]]);
        assert_eq!(walk(&bytes[..300]).len(), 1);
        assert_eq!(lost(&walk(&bytes[..300])), [(0, 300, 0)]);
    }
}

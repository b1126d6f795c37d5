//! Where writing goes on after an open: how much of the last segment stays, and in which file.

use super::{Left, Opening, Tail, Truncated};
use crate::batches::Stage;
use crate::files::{Access, Doing};
use crate::frame::{self, Link};
use crate::log::{self, Active};
use crate::meta::{Clean, Meta};
use crate::read::OldestBody;
use crate::record::Position;
use crate::scan::{Found, Scanned};
use crate::segment::{self, Before, SegmentHeader};
use crate::space::Spares;
use crate::store::{Damage, FileError, SYNC};
use crate::walk::{Step, Walk};

impl Opening<'_> {
    /// Decides where writing goes on, and makes everything before that durable.
    pub(super) fn resume(
        &mut self,
        tail: Option<Tail<'_>>,
        spares: &mut Spares,
    ) -> Result<(Active, Link), FileError> {
        let Some((found, scanned)) = tail else {
            return self.start(spares);
        };
        let closed_at = self.behind.clean.filter(|_| self.recovery.left == Left::Clean);
        let kept = keep(&scanned, self.proven(), closed_at);
        self.report(found, &scanned, kept.sound_until);
        self.recovery.truncated = kept.torn.map(|(offset, records)| Truncated {
            file: self.layout.named(&found.path),
            offset,
            position: kept.position,
            records,
        });
        let position = kept.position.max(self.proven());
        self.miss(found, kept.cut, kept.position, position);
        match self.clean_end(found, &scanned) {
            Some(end_offset) => self.go_on(found, scanned, end_offset),
            None => self.move_on(found, scanned, Kept { position, ..kept }, spares),
        }
    }

    /// The position up to which everything is known to have been durable, because a clean close
    /// or a snapshot says so.
    fn proven(&self) -> Position {
        let clean = self.behind.clean.filter(|clean| self.is_last(clean));
        let closed_at = clean.map_or(Position::FIRST, |clean| clean.position);
        closed_at.max(self.behind.snapshot.unwrap_or(Position::FIRST))
    }

    fn is_last(&self, clean: &Clean) -> bool {
        self.behind.meta.is_some_and(|meta| meta.epoch == clean.epoch)
    }

    /// Where a cleanly closed segment can be written on: nothing but zeros follow.
    fn clean_end(&self, found: &Found, scanned: &Scanned) -> Option<u64> {
        let clean = self.behind.clean.filter(|_| self.recovery.left == Left::Clean)?;
        let dirty = scanned.bads.iter().any(|bad| bad.offset + bad.bytes > clean.end_offset);
        let fits = scanned.last.end <= clean.end_offset
            && clean.end_offset <= found.len
            && clean.position >= self.proven();
        (fits && !dirty).then_some(clean.end_offset)
    }

    /// The very first segment; or all are gone, and a snapshot says how far they went.
    fn start(&mut self, spares: &mut Spares) -> Result<(Active, Link), FileError> {
        let base = self.proven();
        if base > Position::FIRST {
            self.recovery.skipped.push(self.all_gone(base));
        }
        let header = self.next_header(base, None, [0; 32]);
        let active = self.begin(spares, &header, (&[], base))?;
        Ok((active, [0; 32]))
    }

    fn all_gone(&self, lost: Position) -> Damage {
        Damage {
            file: self.layout.named(&self.layout.journal),
            offset: 0,
            bytes: 0,
            position: Position::FIRST,
            lost: lost.0,
            what: "every segment before the newest snapshot is missing",
        }
    }

    /// Writes on in a segment that was closed cleanly.
    fn go_on(
        &mut self,
        found: &Found,
        scanned: Scanned,
        end_offset: u64,
    ) -> Result<(Active, Link), FileError> {
        let file = segment::open(&*self.files, &found.path, Access::Write)?;
        let position = self.proven();
        let mut entry = scanned.entry;
        entry.end = position;
        entry.end_offset = end_offset;
        self.recovery.position = position;
        self.catalog.end = position;
        self.catalog.segments.push(entry);
        let (path, serial, id) = (found.path.clone(), found.id.serial, found.id);
        let active = Active { file, path, serial, id, room_end: found.len, end_offset };
        Ok((active, scanned.last_link))
    }

    /// Writes on in another segment, which starts with the last batch if only the page cache may
    /// have that.
    fn move_on(
        &mut self,
        found: &Found,
        scanned: Scanned,
        kept: Kept,
        spares: &mut Spares,
    ) -> Result<(Active, Link), FileError> {
        let copies = kept.copies && kept.position == scanned.last.next;
        let base = if copies { scanned.last.first } else { kept.position };
        let cut = if copies { scanned.last.start } else { kept.cut };
        let (before_copy, link) = match copies {
            true => (scanned.last.link_before, scanned.last_link),
            false => (kept.link, kept.link),
        };
        let replaces = base == found.base;
        let before = match replaces {
            true => found.header.and_then(|header| header.before),
            false => Some(Before { serial: found.id.serial, end_offset: cut }),
        };
        let header = self.next_header(base, before, before_copy);
        let frames = match copies {
            true => self.copy(found, &scanned, &header)?,
            false => Vec::new(),
        };
        if !replaces {
            let mut entry = scanned.entry;
            entry.end = base;
            entry.end_offset = cut;
            self.catalog.segments.push(entry);
        }
        let active = self.begin(spares, &header, (&frames, kept.position))?;
        if !replaces {
            self.cut(found, cut)?;
        }
        self.recovery.copied = kept.position.0 - base.0;
        Ok((active, link))
    }

    /// The frames of the last batch, as they look in the segment that `header` begins.
    fn copy(&self, found: &Found, scanned: &Scanned, header: &SegmentHeader) -> Result<Vec<u8>, FileError> {
        let file = segment::open(&*self.files, &found.path, Access::Read)?;
        let last = &scanned.last;
        let mut walk = Walk::new(&*file, found.id, (last.first, last.start), last.end);
        let mut frames = Vec::new();
        loop {
            match walk.step().doing("read", &found.path)? {
                Step::End => return Ok(frames),
                Step::Bad(_) => {} // padding, already reported; the copy gets it right
                Step::Frame { header: frame, .. } => {
                    let body = walk.body().doing("read", &found.path)?;
                    frame::push_copy(&mut frames, header.frame_id(), &frame, body);
                }
            }
        }
    }

    fn begin(
        &mut self,
        spares: &mut Spares,
        header: &SegmentHeader,
        (frames, end): (&[u8], Position),
    ) -> Result<Active, FileError> {
        let room = log::room(self.segment_bytes, frames.len() as u64);
        let (active, mut entry) =
            log::begin(&*self.files, &self.layout.journal, spares, (header, frames), room)?;
        entry.end = end;
        if !frames.is_empty() {
            entry.oldest_body = OldestBody::Unknown;
        }
        self.catalog.end = end;
        self.catalog.segments.push(entry);
        self.recovery.position = end;
        Ok(active)
    }

    /// Gives back what a segment that is no longer written to holds behind its end.
    fn cut(&self, found: &Found, end_offset: u64) -> Result<(), FileError> {
        let file = segment::open(&*self.files, &found.path, Access::Write)?;
        file.set_len(end_offset).doing("cut", &found.path)?;
        file.fdatasync().doing(SYNC, &found.path)
    }

    fn next_header(&mut self, base: Position, before: Option<Before>, link_before: Link) -> SegmentHeader {
        let serial = self.next_serial;
        self.next_serial += 1;
        let Meta { history, partition, epoch } = self.meta;
        SegmentHeader { serial, history, partition, epoch, base, before, link_before }
    }
}

/// How much of the last segment stays.
#[derive(Debug, Clone, Copy)]
struct Kept {
    /// The end.
    position: Position,
    /// The offset of the end.
    cut: u64,
    link: Link,
    /// The last batch is whole, so it can be copied.
    copies: bool,
    /// Whatever is bad before this offset is rot.
    sound_until: u64,
    /// Where a torn batch was cut off, and how many records of it had been seen.
    torn: Option<(u64, u64)>,
}

fn keep(scanned: &Scanned, proven: Position, closed_at: Option<Clean>) -> Kept {
    let last = &scanned.last;
    let dirty_end = scanned.bads.iter().map(|bad| bad.offset + bad.bytes).max().unwrap_or(0);
    let all = Kept {
        position: scanned.next,
        cut: closed_at.map_or(dirty_end, |clean| clean.end_offset).max(last.end),
        link: scanned.last_link,
        copies: false,
        sound_until: u64::MAX,
        torn: None,
    };
    if closed_at.is_some() {
        return all;
    }
    if last.is_whole() || last.stage == Stage::Nothing {
        let torn = (dirty_end > last.end).then_some((last.end, 0));
        return Kept { cut: last.end, copies: last.is_whole(), sound_until: last.end, torn, ..all };
    }
    if last.first < proven {
        return all;
    }
    Kept {
        position: last.first,
        cut: last.boundary,
        link: last.link_before,
        sound_until: last.boundary,
        torn: Some((last.boundary, last.records.into())),
        ..all
    }
}

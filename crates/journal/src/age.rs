//! Forgetting by age: erasing bodies, and dropping whole segments.
//!
//! Both go only as far as every kept snapshot that is whole, checked at that moment: whoever
//! falls back to the older of two must still find what lies behind it. A segment is erased by
//! writing it again without the bodies, beside its place, and renaming it over the old one; the
//! chain covers digests, so it still verifies. Segments are dropped from the oldest on, each
//! durably before the next, so that no crash leaves a gap.

use std::path::Path;

use crate::files::{self, Access, Doing, File, Files, UNFINISHED};
use crate::frame::{self, Header, What};
use crate::log::SegmentLog;
use crate::read::{self, OldestBody, Segment};
use crate::record::{Class, Position};
use crate::segment::{self, FRAMES_START, SegmentHeader};
use crate::snapshots;
use crate::store::{FileError, Purpose, SYNC, StoreError};
use crate::walk::{Step, Walk};

/// What an erasure did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// How many bodies are gone now.
    pub bodies: u64,
    /// How many segments were written again for that.
    pub segments: u64,
    /// Everything before this position could be erased; `None` without a whole snapshot.
    pub up_to: Option<Position>,
}

/// What a drop did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropped {
    /// How many segments are gone now.
    pub segments: u64,
    /// The first position that is still there.
    pub first: Position,
}

impl SegmentLog {
    /// Erases the bodies of [`Class::Erasable`] records stamped before `before_micros`, as far as
    /// the snapshots allow. When the segment being written holds such, it is ended first.
    ///
    /// # Errors
    /// `NoSpace`: nothing is broken, some may be erased, call again. Otherwise stop.
    pub fn erase(&mut self, before_micros: i64) -> Result<Erased, StoreError> {
        self.healthy()?;
        let erased = self.erase_behind(before_micros);
        self.settle(erased, 0, Purpose::Intake)
    }

    /// Drops segments in which every record is stamped before `before_micros`, as far as the
    /// snapshots allow.
    ///
    /// # Errors
    /// As [`SegmentLog::erase`].
    pub fn drop_before(&mut self, before_micros: i64) -> Result<Dropped, StoreError> {
        self.healthy()?;
        let dropped = self.drop_behind(before_micros);
        self.settle(dropped, 0, Purpose::Intake)
    }

    fn erase_behind(&mut self, before_micros: i64) -> Result<Erased, FileError> {
        let mut erased = Erased { up_to: self.snapshots_allow()?, ..Erased::default() };
        let Some(up_to) = erased.up_to else {
            return Ok(erased);
        };
        let too_old = TooOld { before_micros, up_to };
        for index in 0..self.segments().len() {
            let segment = self.segments()[index].clone();
            if segment.base >= up_to || !self.has_bodies(index, &segment, too_old)? {
                continue;
            }
            if segment.path == self.active.path {
                self.spares.ensure(&*self.files, self.reserve + 1)?;
                self.rotate(0)?;
            }
            erased.bodies += self.rewrite(index, too_old)?;
            erased.segments += 1;
        }
        Ok(erased)
    }

    fn drop_behind(&mut self, before_micros: i64) -> Result<Dropped, FileError> {
        let mut dropped = Dropped::default();
        let up_to = self.snapshots_allow()?.unwrap_or(Position::FIRST);
        loop {
            let segments = self.segments();
            dropped.first = segments[0].base;
            let oldest = segments[0].clone();
            let in_use = oldest.path == self.active.path || oldest.end > up_to;
            if in_use || self.newest_at(&oldest)?.is_none_or(|newest| newest >= before_micros) {
                return Ok(dropped);
            }
            read::lock(&self.catalog).segments.remove(0);
            self.files.remove(&oldest.path).doing("remove", &oldest.path)?;
            self.files.sync_dir(&self.layout.journal).doing(SYNC, &self.layout.journal)?;
            dropped.segments += 1;
        }
    }

    /// Everything before this is in every whole snapshot that is kept.
    fn snapshots_allow(&self) -> Result<Option<Position>, FileError> {
        let snapshots = snapshots::all(&*self.files, &self.layout.snapshots)?;
        Ok(snapshots.into_iter().flatten().map(|whole| whole.position).min())
    }

    fn segments(&self) -> Vec<Segment> {
        read::lock(&self.catalog).segments.clone()
    }

    /// Whether a segment has bodies that must go; remembers when its oldest is.
    fn has_bodies(&self, index: usize, segment: &Segment, too_old: TooOld) -> Result<bool, FileError> {
        if !segment.oldest_body.may_be_before(too_old.before_micros) {
            return Ok(false);
        }
        let (mut oldest, mut covered) = (OldestBody::None, false);
        each_record(&*self.files, segment, |header| {
            if header.what == What::Whole(Class::Erasable) {
                oldest = oldest.with(header.at);
            }
            covered |= too_old.covers(header);
        })?;
        read::lock(&self.catalog).segments[index].oldest_body = oldest;
        Ok(covered)
    }

    fn newest_at(&self, segment: &Segment) -> Result<Option<i64>, FileError> {
        let mut newest = None;
        each_record(&*self.files, segment, |header| newest = newest.max(Some(header.at)))?;
        Ok(newest)
    }

    /// Writes a segment again without the bodies that are too old; returns how many that were.
    fn rewrite(&mut self, index: usize, too_old: TooOld) -> Result<u64, FileError> {
        let old = self.segments()[index].clone();
        let header = self.header_again(&old)?;
        let name = segment::name(old.base);
        let beside = self.layout.journal.join(format!("{name}{UNFINISHED}"));
        let written = write_again(&*self.files, &old, &beside, &header, too_old);
        if written.is_err() {
            // Best effort: an open removes what is left, and the first error tells more.
            let _ = self.files.remove(&beside);
        }
        let Written { bodies, end_offset, oldest_body } = written?;
        self.files.rename(&beside, &old.path).doing("rename to", &old.path)?;
        self.files.sync_dir(&self.layout.journal).doing(SYNC, &self.layout.journal)?;
        let mut catalog = read::lock(&self.catalog);
        let entry = &mut catalog.segments[index];
        *entry = Segment { id: header.frame_id(), end_offset, marks: Vec::new(), oldest_body, ..old };
        Ok(bodies)
    }

    /// The header of a segment, under a new serial.
    fn header_again(&mut self, old: &Segment) -> Result<SegmentHeader, FileError> {
        let file = segment::open(&*self.files, &old.path, Access::Read)?;
        let held = segment::read_header(&*file, &old.path)?.header;
        let fresh = self.next_header(old.base, None, [0; 32]);
        Ok(held.map_or(fresh, |held| SegmentHeader { serial: fresh.serial, ..held }))
    }
}

/// Which bodies have to go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooOld {
    pub(crate) before_micros: i64,
    pub(crate) up_to: Position,
}

impl TooOld {
    pub(crate) fn covers(self, header: &Header) -> bool {
        header.what == What::Whole(Class::Erasable)
            && header.at < self.before_micros
            && header.position < self.up_to
    }
}

pub(crate) struct Written {
    pub(crate) bodies: u64,
    end_offset: u64,
    oldest_body: OldestBody,
}

pub(crate) fn write_again(
    files: &dyn Files,
    old: &Segment,
    beside: &Path,
    header: &SegmentHeader,
    too_old: TooOld,
) -> Result<Written, FileError> {
    files::remove_if_there(files, beside)?;
    let from = segment::open(files, &old.path, Access::Read)?;
    let to = files.create(beside).doing("create", beside)?;
    let mut out = Out { file: &*to, path: beside, offset: 0, held: header.encode().to_vec() };
    let mut walk = Walk::new(&*from, old.id, (old.base, FRAMES_START), old.end_offset);
    let (mut bodies, mut oldest_body) = (0, OldestBody::None);
    loop {
        let frame = match walk.step().doing("read", &old.path)? {
            Step::End => break,
            Step::Frame { header, .. } => header,
            // What is damaged may still hold what must be erased: it is left out. Where only the
            // body was bad, the record stays, as one whose body was erased.
            Step::Bad(bad) => match bad.header.filter(|header| too_old.covers(header)) {
                Some(header) => header,
                None => continue,
            },
        };
        if too_old.covers(&frame) {
            bodies += 1;
            out.frame(header, &erased(&frame), &[])?;
            continue;
        }
        if frame.what == What::Whole(Class::Erasable) {
            oldest_body = oldest_body.with(frame.at);
        }
        out.frame(header, &frame, walk.body().doing("read", &old.path)?)?;
    }
    Ok(Written { bodies, end_offset: out.finish()?, oldest_body })
}

fn erased(header: &Header) -> Header {
    Header { what: What::Erased, body_bytes: 0, body_crc: 0, ..*header }
}

/// A file that is written from its start on.
struct Out<'f> {
    file: &'f dyn File,
    path: &'f Path,
    offset: u64,
    held: Vec<u8>,
}

const WRITTEN_AT_ONCE_BYTES: usize = 1 << 20;

impl Out<'_> {
    fn frame(&mut self, segment: &SegmentHeader, header: &Header, body: &[u8]) -> Result<(), FileError> {
        frame::push_copy(&mut self.held, segment.frame_id(), header, body);
        if self.held.len() < WRITTEN_AT_ONCE_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), FileError> {
        self.file.pwrite(self.offset, &self.held).doing("write", self.path)?;
        self.offset += self.held.len() as u64;
        self.held.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<u64, FileError> {
        self.flush()?;
        self.file.fdatasync().doing(SYNC, self.path)?;
        Ok(self.offset)
    }
}

pub(crate) fn each_record(
    files: &dyn Files,
    segment: &Segment,
    mut see: impl FnMut(&Header),
) -> Result<(), FileError> {
    let file = segment::open(files, &segment.path, Access::Read)?;
    let mut walk = Walk::new(&*file, segment.id, (segment.base, FRAMES_START), segment.end_offset);
    loop {
        match walk.step().doing("read", &segment.path)? {
            Step::End => return Ok(()),
            Step::Frame { header, .. } if header.what == What::Seal => {}
            Step::Frame { header, .. } => see(&header),
            Step::Bad(bad) => bad.header.iter().for_each(&mut see),
        }
    }
}

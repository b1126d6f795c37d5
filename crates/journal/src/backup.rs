//! Copying a journal while it is written to.
//!
//! The cut is the catalog at one moment: which segments there are, and where the last batch of each ends. Behind that
//! point nothing is copied, so a copy never holds a part of a batch. While it is made, erasure may put another file in
//! a segment's place, and age may drop the oldest: the one is copied as it is found, the other left out.
//!
//! A copy is made to be kept for some time, and ages meanwhile: bodies that would be too old by then are left out of
//! it from the start, as far as its snapshot allows.

use std::path::Path;

use crate::age::{self, TooOld};
use crate::blobs::{self, Blobs};
use crate::configs::{self, Configs};
use crate::files::{self, Access, Doing, File, Files};
use crate::frame::{HEADER_BYTES, What};
use crate::layout::Layout;
use crate::meta;
use crate::read::{self, Reader, Segment};
use crate::record::{Class, HEAD_BYTES_MAX, HistoryId, PAYLOAD_BYTES_MAX, Position};
use crate::segment::{self, SegmentHeader};
use crate::snapshots;
use crate::store::{FileError, SYNC};

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The history that it is of.
    pub history: HistoryId,
    /// The first position that is in it.
    pub first: Position,
    /// The end: the position that the next record would have had.
    pub end: Position,
    /// How many segments.
    pub segments: u64,
    /// How many blobs.
    pub blobs: u64,
    /// How many bodies were left out, because they would have been too old.
    pub erased: u64,
}

/// Why a copy could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The journal's own identity cannot be read.
    #[error("the journal's identity (meta-0, meta-1) cannot be read: run `wanglou verify`")]
    NoIdentity,
    /// There is no whole snapshot to begin from.
    #[error("there is no whole snapshot to begin from: run `wanglou verify`")]
    NoSnapshot,
}

const COPIED_AT_ONCE_BYTES: usize = 1 << 20;
/// A frame may end with zeros: behind the last other byte this much may still belong to one.
const FRAME_BYTES_MAX: u64 = HEADER_BYTES + (HEAD_BYTES_MAX + PAYLOAD_BYTES_MAX) as u64 + 64;

impl Reader {
    /// Copies journal, newest snapshot, blobs and configurations into a new data directory, from any thread, while
    /// the writer goes on. Bodies stamped before `erase_before_micros` are left out. On return all of it is durable.
    ///
    /// # Errors
    /// [`CopyError`]; what was written so far is the caller's to remove.
    pub fn copy_into(&self, data: &Path, erase_before_micros: i64) -> Result<Copied, CopyError> {
        let to = Layout::of(data);
        for dir in [&to.journal, &to.snapshots] {
            self.files.create_dir(dir).doing("make the directory", dir)?;
        }
        let held = meta::read_meta(&*self.files, &self.layout.journal)?.meta.ok_or(CopyError::NoIdentity)?;
        let snapshot = snapshots::latest(&*self.files, &self.layout.snapshots)?.snapshot;
        let snapshot = snapshot.ok_or(CopyError::NoSnapshot)?;
        // Before the cut: a snapshot never stands behind the end of what is copied.
        snapshots::put(&*self.files, &to.snapshots, &snapshot)?;
        let (cut, end) = {
            let catalog = read::lock(&self.catalog);
            (catalog.segments.clone(), catalog.end)
        };
        meta::write_meta(&*self.files, &to.journal, &held)?;
        let too_old = TooOld { before_micros: erase_before_micros, up_to: snapshot.position };
        let mut copied = Copied { history: held.history, first: end, end, segments: 0, blobs: 0, erased: 0 };
        let mut fresh = cut.iter().map(|segment| segment.id.serial).max().unwrap_or(0);
        for segment in &cut {
            let Some(erased) = self.copy_segment(segment, &to.journal, too_old, &mut fresh)? else {
                continue;
            };
            copied.first = copied.first.min(segment.base);
            copied.segments += 1;
            copied.erased += erased;
        }
        self.files.sync_dir(&to.journal).doing(SYNC, &to.journal)?;
        copied.blobs = self.copy_blobs(data, erase_before_micros)?;
        self.copy_configs(data)?;
        Ok(copied)
    }

    /// One segment; how many bodies were left out. None when age has dropped it meanwhile.
    fn copy_segment(
        &self,
        segment: &Segment,
        dir: &Path,
        too_old: TooOld,
        fresh: &mut u32,
    ) -> Result<Option<u64>, FileError> {
        let Some((file, segment, header)) = self.found(segment)? else { return Ok(None) };
        let place = dir.join(segment::name(segment.base));
        if !covered(&*self.files, &segment, too_old)? {
            copy_bytes(&*self.files, &*file, &segment, &place)?;
            return Ok(Some(0));
        }
        // Under another serial, for its frames lie elsewhere than the segment behind it may say.
        *fresh += 1;
        let header = SegmentHeader { serial: *fresh, ..header };
        Ok(Some(age::write_again(&*self.files, &segment, &place, &header, too_old)?.bodies))
    }

    /// The file in a segment's place, as it is now: erasure may have put another one there, which ends where its last
    /// batch does.
    #[expect(clippy::type_complexity, reason = "three things about one file, used at one place")]
    fn found(&self, cut: &Segment) -> Result<Option<(Box<dyn File>, Segment, SegmentHeader)>, FileError> {
        let file = match self.files.open(&cut.path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).doing("open", &cut.path),
        };
        let Some(header) = segment::read_header(&*file, &cut.path)?.header else {
            let unreadable =
                std::io::Error::new(std::io::ErrorKind::InvalidData, "both copies of its header are bad");
            return Err(unreadable).doing("copy", &cut.path);
        };
        let mut segment = cut.clone();
        if header.serial != cut.id.serial {
            segment.end_offset = file.len().doing("measure", &cut.path)?;
            segment.id = header.frame_id();
        }
        Ok(Some((file, segment, header)))
    }

    fn copy_blobs(&self, data: &Path, before_micros: i64) -> Result<u64, FileError> {
        let to = Blobs::open(std::sync::Arc::clone(&self.files), data)?;
        let mut copied = 0;
        for (path, at_micros) in blobs::kept_since(&*self.files, &self.layout.data, before_micros)? {
            // Removed by age since it was listed.
            let Some(bytes) = files::read_whole(&*self.files, &path)? else { continue };
            to.put(&bytes, at_micros)?;
            copied += 1;
        }
        Ok(copied)
    }

    fn copy_configs(&self, data: &Path) -> Result<(), FileError> {
        Configs::open(std::sync::Arc::clone(&self.files), data)?;
        let (from, to) = (self.layout.data.join(crate::layout::CONFIG), data.join(crate::layout::CONFIG));
        for name in configs::names(&*self.files, &from)? {
            let Some(bytes) = files::read_whole(&*self.files, &from.join(&name))? else { continue };
            files::write_whole(&*self.files, &to, &name, &[&bytes])?;
        }
        Ok(())
    }
}

/// Whether a segment has bodies that must be left out.
fn covered(files: &dyn Files, segment: &Segment, too_old: TooOld) -> Result<bool, FileError> {
    let may = segment.base < too_old.up_to && segment.oldest_body.may_be_before(too_old.before_micros);
    if !may {
        return Ok(false);
    }
    let mut covered = false;
    age::each_record(files, segment, |header| {
        covered |= header.what == What::Whole(Class::Erasable) && too_old.covers(header);
    })?;
    Ok(covered)
}

/// Byte for byte, up to where the last batch ends; without the zeros behind that.
fn copy_bytes(files: &dyn Files, from: &dyn File, segment: &Segment, place: &Path) -> Result<(), FileError> {
    let to = files.create(place).doing("create", place)?;
    let (mut offset, mut content_end) = (0, 0);
    let mut held = vec![0; COPIED_AT_ONCE_BYTES];
    while offset < segment.end_offset {
        let wanted = usize::try_from(segment.end_offset - offset).unwrap_or(usize::MAX).min(held.len());
        let read = from.pread(offset, &mut held[..wanted]).doing("read", &segment.path)?;
        if read == 0 {
            break;
        }
        if let Some(last) = held[..read].iter().rposition(|byte| *byte != 0) {
            to.pwrite(offset, &held[..read]).doing("write", place)?;
            content_end = offset + last as u64 + 1;
        }
        offset += read as u64;
    }
    to.set_len(offset.min(content_end + FRAME_BYTES_MAX)).doing("cut", place)?;
    to.fdatasync().doing(SYNC, place)
}

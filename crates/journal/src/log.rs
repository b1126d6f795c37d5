//! The embedded store: a log of segments in a directory.
//!
//! One batch is one write and one `fdatasync`. Opening, recovery, erasure and reading are in
//! files of their own; here is what happens on every commit.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::files::disk::DiskFiles;
use crate::files::{Access, Doing, File, Files, LockGuard, UNFINISHED};
use crate::frame::{Encoder, FrameId, Link, Place};
use crate::layout::Layout;
use crate::meta::{self, Clean, Meta};
use crate::read::{self, Catalog, OldestBody, Reader, Segment};
use crate::record::{Batch, Class, Epoch, HistoryId, Partition, Position};
use crate::salt::{OsSalt, SaltSource};
use crate::segment::{self, Before, FRAMES_START, SegmentHeader};
use crate::snapshots::{self, Written};
use crate::space::{self, Spares};
use crate::store::{
    Claim, FileError, LatestSnapshot, Purpose, ReadEnd, SYNC, Snapshot, Store, StoreError, Visit,
};

/// How a journal is opened.
#[derive(Debug)]
pub struct Options {
    /// The data directory; made if it is not there.
    pub data: PathBuf,
    /// Which partition this is; a journal remembers and refuses another.
    pub partition: Partition,
    /// Length of a segment file in bytes. Default 64 MiB, at least 4 KiB.
    pub segment_bytes: u64,
    /// Room that intake leaves alone, in bytes; rounded up to whole segments, at least one.
    /// Default 64 MiB.
    pub reserve_bytes: u64,
    /// Whether this is the same history as before.
    pub history: History,
    /// The file system.
    pub files: Arc<dyn Files>,
    /// Where salts and the history id come from.
    pub salts: Box<dyn SaltSource>,
}

/// Whether a journal continues its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum History {
    /// It does.
    Continues,
    /// It was restored from a backup: positions after the backup mean something else now, so the
    /// history gets another id, once, at this open.
    Restored,
}

impl Options {
    /// The defaults for a data directory.
    #[must_use]
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            data: data.into(),
            partition: Partition(0),
            segment_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            history: History::Continues,
            files: Arc::new(DiskFiles),
            salts: Box::new(OsSalt::default()),
        }
    }
}

/// The embedded [`Store`].
///
/// One thread owns it. It stops for good after any failure of the medium: every later call
/// answers [`StoreError::Poisoned`].
#[derive(Debug)]
pub struct SegmentLog {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) layout: Layout,
    pub(crate) meta: Meta,
    pub(crate) spares: Spares,
    /// How many spares are the reserve.
    pub(crate) reserve: usize,
    pub(crate) segment_bytes: u64,
    pub(crate) active: Active,
    pub(crate) link: Link,
    pub(crate) next_serial: u32,
    pub(crate) catalog: Arc<Mutex<Catalog>>,
    pub(crate) encoder: Encoder,
    pub(crate) salts: Box<dyn SaltSource>,
    pub(crate) poison: Option<String>,
    pub(crate) _lock: Box<dyn LockGuard>,
}

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) file: Box<dyn File>,
    pub(crate) path: PathBuf,
    pub(crate) serial: u32,
    pub(crate) id: FrameId,
    /// How many bytes of room it has.
    pub(crate) room_end: u64,
    /// Where the next batch goes.
    pub(crate) end_offset: u64,
}

impl Active {
    fn fits(&self, bytes: u64) -> bool {
        self.end_offset + bytes <= self.room_end
    }
}

impl Store for SegmentLog {
    fn partition(&self) -> Partition {
        self.meta.partition
    }

    fn epoch(&self) -> Epoch {
        self.meta.epoch
    }

    fn position(&self) -> Position {
        read::lock(&self.catalog).end
    }

    fn secure(&mut self, bytes: u64, purpose: Purpose) -> Result<(), StoreError> {
        self.healthy()?;
        let secured = self.secure_room(bytes, purpose);
        self.settle(secured, bytes, purpose)
    }

    fn append(&mut self, claim: Claim, purpose: Purpose, batch: &Batch) -> Result<Position, StoreError> {
        self.healthy()?;
        self.check(claim)?;
        if batch.is_empty() {
            return Ok(claim.expected);
        }
        let bytes = batch.encoded_bytes();
        let room = self.room_for(bytes, purpose);
        self.settle(room, bytes, purpose)?;
        let written = self.write(claim.expected, batch);
        self.settle(written, bytes, purpose)
    }

    fn read_from(&self, from: Position, visit: &mut Visit<'_>) -> Result<ReadEnd, StoreError> {
        self.healthy()?;
        self.reader().read_from(from, visit)
    }

    fn put_snapshot(&mut self, claim: Claim, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.healthy()?;
        self.check(Claim { expected: self.position(), ..claim })?;
        if snapshot.position > self.position() {
            let actual = self.position();
            return Err(StoreError::UnexpectedPosition { expected: snapshot.position, actual });
        }
        let dir = self.layout.snapshots.clone();
        let bytes = snapshot.state.len() as u64;
        let written = snapshots::put(&*self.files, &dir, snapshot).and_then(|written| match written {
            Written::AndVerified => Ok(()),
            Written::ReadsBackDifferently => Err(differs()).doing("read back a snapshot in", &dir),
        });
        self.settle(written, bytes, Purpose::Control)
    }

    fn latest_snapshot(&self) -> Result<LatestSnapshot, StoreError> {
        self.healthy()?;
        Ok(snapshots::latest(&*self.files, &self.layout.snapshots)?)
    }
}

fn differs() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not what was written")
}

impl SegmentLog {
    /// The name of this line of history.
    #[must_use]
    pub fn history(&self) -> HistoryId {
        self.meta.history
    }

    /// A handle for reading from other threads.
    #[must_use]
    pub fn reader(&self) -> Reader {
        let (files, layout) = (Arc::clone(&self.files), self.layout.clone());
        Reader { files, layout, catalog: Arc::clone(&self.catalog) }
    }

    /// How many bytes the journal's files take, spares included.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the directory cannot be read.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        let dir = &self.layout.journal;
        let mut bytes = 0;
        for name in self.files.list(dir).doing("list", dir)? {
            let path = dir.join(name);
            let file = segment::open(&*self.files, &path, Access::Read)?;
            bytes += file.len().doing("measure", &path)?;
        }
        Ok(bytes)
    }

    /// Closes cleanly: the next open need not look for what a crash left.
    ///
    /// # Errors
    /// As [`Store::append`]; the journal is intact either way.
    pub fn close(mut self) -> Result<(), StoreError> {
        self.healthy()?;
        let clean = Clean {
            serial: self.active.serial,
            epoch: self.meta.epoch,
            end_offset: self.active.end_offset,
            position: self.position(),
        };
        let written = meta::write_clean(&*self.files, &self.layout.journal, &clean);
        self.settle(written, 0, Purpose::Control)
    }

    /// Makes the reserve's spares as far as there is room; without, intake will be refused.
    pub(crate) fn fill_reserve(&mut self) -> Result<(), FileError> {
        match self.spares.ensure(&*self.files, self.reserve) {
            Err(error) if error.is_no_space() => Ok(()),
            other => other,
        }
    }

    pub(crate) fn healthy(&self) -> Result<(), StoreError> {
        match &self.poison {
            None => Ok(()),
            Some(cause) => Err(StoreError::Poisoned { cause: cause.clone() }),
        }
    }

    /// A full disk can heal; anything else must not be tried again.
    pub(crate) fn settle<T>(
        &mut self,
        result: Result<T, FileError>,
        bytes: u64,
        purpose: Purpose,
    ) -> Result<T, StoreError> {
        result.map_err(|error| {
            if error.is_no_space() {
                return StoreError::NoSpace { bytes, purpose };
            }
            self.poison = Some(error.to_string());
            error.into()
        })
    }

    fn check(&self, claim: Claim) -> Result<(), StoreError> {
        let (held, held_by, actual) = (self.meta.partition, self.meta.epoch, self.position());
        if claim.partition != held {
            return Err(StoreError::WrongPartition { asked: claim.partition, held });
        }
        if claim.epoch != held_by {
            return Err(StoreError::Fenced { held_by });
        }
        if claim.expected != actual {
            return Err(StoreError::UnexpectedPosition { expected: claim.expected, actual });
        }
        Ok(())
    }

    fn secure_room(&mut self, bytes: u64, purpose: Purpose) -> Result<(), FileError> {
        let another = usize::from(!self.active.fits(bytes));
        let spares = match purpose {
            Purpose::Intake => self.reserve + another,
            Purpose::Control => another,
        };
        self.spares.ensure(&*self.files, spares)
    }

    /// Room in the active segment, in a new one if need be.
    fn room_for(&mut self, bytes: u64, purpose: Purpose) -> Result<(), FileError> {
        self.secure_room(bytes, purpose)?;
        if self.active.fits(bytes) {
            return Ok(());
        }
        self.rotate(bytes)
    }

    /// Begins another segment, behind everything written so far.
    pub(crate) fn rotate(&mut self, bytes: u64) -> Result<(), FileError> {
        let base = self.position();
        let header = self.next_header(base, None, self.link);
        let (active, entry) = self.begin(&header, bytes, &[])?;
        self.active = active;
        read::lock(&self.catalog).segments.push(entry);
        Ok(())
    }

    pub(crate) fn next_header(
        &mut self,
        base: Position,
        before: Option<Before>,
        link_before: Link,
    ) -> SegmentHeader {
        let serial = self.next_serial;
        self.next_serial += 1;
        let Meta { history, partition, epoch } = self.meta;
        SegmentHeader { serial, history, partition, epoch, base, before, link_before }
    }

    fn begin(
        &mut self,
        header: &SegmentHeader,
        bytes: u64,
        frames: &[u8],
    ) -> Result<(Active, Segment), FileError> {
        begin(
            &*self.files,
            &self.layout.journal,
            &mut self.spares,
            (header, frames),
            room(self.segment_bytes, bytes),
        )
    }

    /// One write, one sync.
    fn write(&mut self, first: Position, batch: &Batch) -> Result<Position, FileError> {
        let active = &mut self.active;
        let place = Place { id: active.id, first, epoch: self.meta.epoch, link_before: self.link };
        let salts = &mut self.salts;
        let encoded = self.encoder.encode(place, batch.iter(), &mut |salt| salts.fill(salt));
        let (frames, link) = encoded.doing("draw a salt for", &active.path)?;
        let offset = active.end_offset;
        if let Err(error) = active.file.pwrite(offset, frames).doing("write", &active.path) {
            retreat_if_full(active, &error)?;
            return Err(error);
        }
        active.file.fdatasync().doing(SYNC, &active.path)?;
        active.end_offset += frames.len() as u64;
        self.link = link;
        Ok(self.committed(first, offset, batch))
    }

    /// Lets readers see it.
    fn committed(&mut self, first: Position, offset: u64, batch: &Batch) -> Position {
        let end = first.after(batch.len() as u64);
        let mut catalog = read::lock(&self.catalog);
        catalog.end = end;
        let entry = catalog.segments.last_mut().expect("the active segment is in the catalog");
        entry.end = end;
        entry.end_offset = self.active.end_offset;
        entry.mark(first, offset);
        if let Some(oldest) = oldest_body(batch) {
            entry.oldest_body = entry.oldest_body.with(oldest);
        }
        end
    }
}

fn oldest_body(batch: &Batch) -> Option<i64> {
    let erasable = batch.iter().filter(|draft| draft.class == Class::Erasable);
    erasable.map(|draft| draft.at_micros).min()
}

/// The file system was full although room had been reserved (some cannot reserve). What was half
/// written must never be read: the segment ends where its last batch ends.
fn retreat_if_full(active: &mut Active, error: &FileError) -> Result<(), FileError> {
    if !error.is_no_space() {
        return Ok(());
    }
    active.file.set_len(active.end_offset).doing("cut", &active.path)?;
    active.file.fdatasync().doing(SYNC, &active.path)?;
    active.room_end = active.end_offset;
    Ok(())
}

/// How long a segment must be for a batch of `bytes`.
pub(crate) fn room(segment_bytes: u64, bytes: u64) -> u64 {
    segment_bytes.max(FRAMES_START + bytes)
}

/// Makes a segment under its name: header and frames synced before the name is.
pub(crate) fn begin(
    files: &dyn Files,
    dir: &Path,
    spares: &mut Spares,
    (header, frames): (&SegmentHeader, &[u8]),
    room: u64,
) -> Result<(Active, Segment), FileError> {
    let beside = dir.join(format!("next{UNFINISHED}"));
    let path = dir.join(segment::name(header.base));
    if room == spares.segment_bytes() {
        spares.take(files, &beside)?;
    } else {
        space::reserve(files, &beside, room)?;
    }
    let file = segment::open(files, &beside, Access::Write)?;
    file.pwrite(0, &header.encode()).doing("write", &beside)?;
    if !frames.is_empty() {
        file.pwrite(FRAMES_START, frames).doing("write", &beside)?;
    }
    file.fdatasync().doing(SYNC, &beside)?;
    files.rename(&beside, &path).doing("rename to", &path)?;
    files.sync_dir(dir).doing(SYNC, dir)?;
    let end_offset = FRAMES_START + frames.len() as u64;
    let (serial, id) = (header.serial, header.frame_id());
    let active = Active { file, path: path.clone(), serial, id, room_end: room, end_offset };
    Ok((active, entry(path, header, end_offset)))
}

fn entry(path: PathBuf, header: &SegmentHeader, end_offset: u64) -> Segment {
    Segment {
        path,
        id: header.frame_id(),
        base: header.base,
        end: header.base,
        end_offset,
        marks: Vec::new(),
        oldest_body: OldestBody::None,
    }
}

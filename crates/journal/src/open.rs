//! Opening: the lock, the epoch, and what is done about what a crash or a bad disk left.
//!
//! Every append is synced before it returns, and nothing is written behind a batch whose sync
//! failed. So a batch with another one behind it is on disk, and whatever is wrong with it is rot:
//! it is skipped and named. Only the last batch of the last segment can be half there, or be there
//! in the page cache alone.
//!
//! | found | done |
//! |---|---|
//! | zeros behind the last batch | normal |
//! | the last batch is not whole | cut off, reported in [`Recovery::truncated`]: it may have been receipted |
//! | … but a clean close or a snapshot proves that it was | skipped like any other, in [`Recovery::skipped`] |
//! | a bad frame, valid ones behind it | left out, in [`Recovery::skipped`] |
//! | no marker of a clean close | the last batch is copied to a new segment and synced, before the open returns |
//! | one copy of a header or of the identity is bad | the other is used, in [`Recovery::damaged`] |
//!
//! Segments are scanned from the newest whole snapshot on; older ones are `verify`'s to look at.

mod resume;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::files::{self, Access, Doing, Files, Lock, LockGuard};
use crate::frame::{ALIGN, Encoder, Link};
use crate::layout::{LOCK, Layout};
use crate::log::{History, Options, SegmentLog};
use crate::meta::{self, Meta};
use crate::read::{self, Catalog};
use crate::record::{Epoch, HistoryId, Partition, Position};
use crate::scan::{self, Found, LeftBehind, Scanned};
use crate::segment;
use crate::space::Spares;
use crate::store::{Damage, FileError};

/// What an open found, and what it did about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The end: the position the next record will have.
    pub position: Position,
    /// How the journal had been left.
    pub left: Left,
    /// The last batch, cut off because it was not whole. Some of it may have been receipted if
    /// the disk lied or rotted; after a crash it was not.
    pub truncated: Option<Truncated>,
    /// Records that are lost: health is red and somebody must be told.
    pub skipped: Vec<Damage>,
    /// Bytes that are wrong without costing a record.
    pub damaged: Vec<Damage>,
    /// The position of the newest whole snapshot.
    pub snapshot: Option<Position>,
    /// How many records were copied to a new segment because only the page cache may have had
    /// them.
    pub copied: u64,
}

/// How a journal had been left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// There was none.
    New,
    /// Closed.
    Clean,
    /// Not closed: a crash, a kill, a power cut.
    Unclean,
}

/// A last batch that was not whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Truncated {
    /// The file, relative to the data directory.
    pub file: String,
    /// Where it was cut.
    pub offset: u64,
    /// The position the lost batch began at, which the next batch will have.
    pub position: Position,
    /// How many of its records had been seen.
    pub records: u64,
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else has it open.
    #[error("{} is in use by {holder}; one data directory serves one gateway: stop that process, or give this one a directory of its own", data.display())]
    Locked {
        /// The data directory.
        data: PathBuf,
        /// What the holder left: its process id.
        holder: String,
    },
    /// It belongs to another partition.
    #[error("{} holds partition {held}, not {asked}", data.display())]
    WrongPartition {
        /// The data directory.
        data: PathBuf,
        /// What was asked for.
        asked: Partition,
        /// What it holds.
        held: Partition,
    },
    /// The options contradict themselves.
    #[error("segment_bytes is {segment_bytes}; it must be at least {SEGMENT_BYTES_MIN} and a multiple of 8")]
    SegmentBytes {
        /// What was asked for.
        segment_bytes: u64,
    },
    /// The file system failed, or is so full that not even the reserve could be kept.
    #[error(transparent)]
    File(#[from] FileError),
    /// The system gave no random bytes.
    #[error("no random bytes from the system: {0}")]
    Salt(std::io::Error),
}

/// The shortest segment, in bytes.
pub const SEGMENT_BYTES_MIN: u64 = 4096;

impl SegmentLog {
    /// Opens a journal, or makes one.
    ///
    /// # Errors
    /// See [`OpenError`]. Damaged records are no error: see [`Recovery`].
    pub fn open(mut options: Options) -> Result<(Self, Recovery), OpenError> {
        if options.segment_bytes < SEGMENT_BYTES_MIN || !options.segment_bytes.is_multiple_of(ALIGN) {
            return Err(OpenError::SegmentBytes { segment_bytes: options.segment_bytes });
        }
        let layout = Layout::of(&options.data);
        for dir in [&layout.journal, &layout.snapshots] {
            options.files.create_dir(dir).doing("make the directory", dir)?;
        }
        let lock = take_lock(&*options.files, &layout.data)?;
        for dir in [&layout.journal, &layout.snapshots] {
            files::remove_unfinished(&*options.files, dir)?;
        }
        let behind = scan::look(&*options.files, &layout)?;
        let mut opening = Opening::new(&mut options, &layout, &behind)?;
        let tail = opening.scan()?;
        opening.raise_epoch(tail.as_ref())?;
        let mut spares = Spares::take_over(&*options.files, &layout.journal, options.segment_bytes)?;
        let (active, link) = opening.resume(tail, &mut spares)?;
        let Opening { meta, catalog, recovery, next_serial, .. } = opening;
        let reserve = options.reserve_bytes.div_ceil(options.segment_bytes).max(1);
        let mut log = Self {
            files: options.files,
            layout,
            meta,
            spares,
            reserve: usize::try_from(reserve).expect("a reserve of fewer than 2^64 segments"),
            segment_bytes: options.segment_bytes,
            active,
            link,
            next_serial,
            catalog: Arc::new(Mutex::new(catalog)),
            encoder: Encoder::default(),
            salts: options.salts,
            poison: None,
            _lock: lock,
        };
        log.fill_reserve()?;
        Ok((log, recovery))
    }
}

fn take_lock(files: &dyn Files, data: &Path) -> Result<Box<dyn LockGuard>, OpenError> {
    let path = data.join(LOCK);
    let owner = format!("process {}", std::process::id());
    match files.lock(&path, &owner).doing("lock", &path)? {
        Lock::Taken(guard) => Ok(guard),
        Lock::HeldBy(holder) => {
            let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
            Err(OpenError::Locked { data: data.to_path_buf(), holder })
        }
    }
}

/// An open in progress.
struct Opening<'o> {
    files: Arc<dyn Files>,
    layout: &'o Layout,
    behind: &'o LeftBehind,
    meta: Meta,
    catalog: Catalog,
    recovery: Recovery,
    next_serial: u32,
    segment_bytes: u64,
}

/// The last segment, and the link before it as the segments before it have it.
type Tail<'o> = (&'o Found, Scanned);

impl<'o> Opening<'o> {
    fn new(options: &mut Options, layout: &'o Layout, behind: &'o LeftBehind) -> Result<Self, OpenError> {
        let newest = behind.segments.iter().rev().find_map(|found| found.header);
        let held = behind.meta.or(newest.map(|header| Meta {
            history: header.history,
            partition: header.partition,
            epoch: header.epoch,
        }));
        let meta = match held {
            Some(meta) if meta.partition != options.partition => {
                let (asked, held) = (options.partition, meta.partition);
                return Err(OpenError::WrongPartition { data: layout.data.clone(), asked, held });
            }
            Some(meta) if options.history == History::Continues => meta,
            Some(meta) => Meta { history: new_history(options)?, ..meta },
            None => Meta { history: new_history(options)?, partition: options.partition, epoch: Epoch(0) },
        };
        let serials = behind.segments.iter().map(|found| found.id.serial);
        let left = left(behind);
        let recovery = Recovery {
            position: Position::FIRST,
            left,
            truncated: None,
            skipped: Vec::new(),
            damaged: behind.damaged.clone(),
            snapshot: behind.snapshot,
            copied: 0,
        };
        Ok(Self {
            files: Arc::clone(&options.files),
            layout,
            behind,
            meta,
            catalog: Catalog::default(),
            recovery,
            next_serial: serials.max().unwrap_or(0) + 1,
            segment_bytes: options.segment_bytes,
        })
    }

    /// Reads every segment from the newest snapshot on; answers with the last one.
    fn scan(&mut self) -> Result<Option<Tail<'o>>, FileError> {
        let behind = self.behind;
        let snapshot = behind.snapshot.unwrap_or(Position::FIRST);
        let mut link = None;
        for (index, found) in behind.segments.iter().enumerate() {
            let next = behind.segments.get(index + 1).map(|next| next.base);
            let end = behind.end_offset(index);
            if let Some(next) = next.filter(|next| *next <= snapshot) {
                self.catalog.segments.push(scan::unread(found, next, end));
                continue;
            }
            let scanned = self.scan_segment(found, end, link)?;
            let Some(next) = next else {
                return Ok(Some((found, scanned)));
            };
            link = scanned.link;
            self.sealed(found, scanned, next, end);
        }
        Ok(None)
    }

    fn scan_segment(&mut self, found: &Found, end: u64, link: Option<Link>) -> Result<Scanned, FileError> {
        let file = segment::open(&*self.files, &found.path, Access::Read)?;
        let says = found.header.map(|header| header.link_before);
        if let (Some(link), Some(says)) = (link, says)
            && link != says
        {
            self.recovery.damaged.push(self.unlinked(found));
        }
        scan::scan(&*file, found, end, (says.or(link), [0; 32]))
    }

    fn unlinked(&self, found: &Found) -> Damage {
        Damage {
            file: self.layout.named(&found.path),
            offset: 0,
            bytes: 0,
            position: found.base,
            lost: 0,
            what: "the chain does not continue from the segment before",
        }
    }

    /// A segment with another one behind it: whatever is bad in it is rot.
    fn sealed(&mut self, found: &Found, scanned: Scanned, next: Position, end: u64) {
        self.report(found, &scanned, u64::MAX);
        let mut entry = scanned.entry;
        entry.end = next;
        entry.end_offset = end;
        self.catalog.segments.push(entry);
        self.miss(found, end, scanned.next, next);
    }

    /// Reports what is bad before `limit`.
    fn report(&mut self, found: &Found, scanned: &Scanned, limit: u64) {
        let file = self.layout.named(&found.path);
        for bad in scanned.bads.iter().filter(|bad| bad.offset < limit) {
            let reported = read::damage(file.clone(), bad);
            match bad.lost {
                0 => self.recovery.damaged.push(reported),
                _ => self.recovery.skipped.push(reported),
            }
        }
        let broken = scanned.broken.iter().map(|broken| broken.damage(file.clone()));
        self.recovery.damaged.extend(broken);
    }

    /// Reports records that are missing although a later segment or a snapshot proves them.
    fn miss(&mut self, found: &Found, offset: u64, position: Position, next: Position) {
        if position >= next {
            return;
        }
        self.recovery.skipped.push(Damage {
            file: self.layout.named(&found.path),
            offset,
            bytes: 0,
            position,
            lost: next.0 - position.0,
            what: "records are missing at the end of this segment",
        });
    }

    fn raise_epoch(&mut self, tail: Option<&Tail<'_>>) -> Result<(), FileError> {
        let sealed = tail.map_or(Epoch(0), |(_, scanned)| scanned.epoch_max);
        let closed = self.behind.clean.map_or(Epoch(0), |clean| clean.epoch);
        // The newer copy of the identity may be lost. An epoch that was ever used must not come
        // again: a marker of a clean close would be believed that is none of this writer's.
        self.meta.epoch = Epoch(self.meta.epoch.max(sealed).max(closed).0 + 1);
        meta::write_meta(&*self.files, &self.layout.journal, &self.meta)
    }
}

fn new_history(options: &mut Options) -> Result<HistoryId, OpenError> {
    let mut id = [0; 16];
    options.salts.fill(&mut id).map_err(OpenError::Salt)?;
    Ok(HistoryId(id))
}

fn left(behind: &LeftBehind) -> Left {
    let Some(last) = behind.segments.last() else {
        return if behind.meta.is_some() { Left::Unclean } else { Left::New };
    };
    match (behind.clean, behind.meta) {
        (Some(clean), Some(meta)) if clean.epoch == meta.epoch && clean.serial == last.id.serial => {
            Left::Clean
        }
        _ => Left::Unclean,
    }
}

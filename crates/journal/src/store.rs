//! The contract of a durable store of records, and the errors it may answer with.
//!
//! Two stores meet it: [`crate::SegmentLog`], which is what a compound runs on, and
//! [`crate::MemoryStore`], which is what the simulation runs on. It is shaped so that a
//! database can meet it for a district: whoever writes says which partition, under which
//! epoch, and at which position it believes the end to be, and is refused otherwise. The
//! clauses are executable: see [`crate::contract`].

use std::io;
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::record::{Batch, Epoch, Partition, Position, Record};

/// A durable, ordered store of records with one writer per partition.
pub trait Store {
    /// The partition this store was opened for.
    fn partition(&self) -> Partition;

    /// The epoch this writer was given when it opened the store.
    fn epoch(&self) -> Epoch;

    /// The end: the position the next record will have. Everything before it is durable.
    fn position(&self) -> Position;

    /// Makes sure that a batch of `bytes` ([`Batch::encoded_bytes`]) for `purpose` will find
    /// room. Called before a batch is stepped, so that nothing is decided that cannot be kept.
    ///
    /// # Errors
    /// [`StoreError::NoSpace`]: nothing is broken, ask again later. Otherwise stop.
    fn secure(&mut self, bytes: u64, purpose: Purpose) -> Result<(), StoreError>;

    /// Appends a batch and returns the new end. On return it is durable as a whole; on an
    /// error none of it will ever be read. An empty batch changes nothing.
    ///
    /// # Errors
    /// See [`StoreError`]; after [`StoreError::Io`] the caller must stop.
    fn append(&mut self, claim: Claim, purpose: Purpose, batch: &Batch) -> Result<Position, StoreError>;

    /// Hands every record from `from` up to the end to `visit`, in order, until it breaks.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the medium cannot be read. Damaged records are no error: they
    /// are left out and named in [`ReadEnd::skipped`].
    fn read_from(&self, from: Position, visit: &mut Visit<'_>) -> Result<ReadEnd, StoreError>;

    /// Stores a snapshot durably and checks it by reading it back.
    ///
    /// # Errors
    /// Fenced or a position beyond the end: nothing was written. `NoSpace`: the older
    /// snapshots are untouched.
    fn put_snapshot(&mut self, claim: Claim, snapshot: &Snapshot) -> Result<(), StoreError>;

    /// The newest snapshot that is whole.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the medium cannot be read.
    fn latest_snapshot(&self) -> Result<LatestSnapshot, StoreError>;

    /// What this writer must present with its next append.
    fn claim(&self) -> Claim {
        Claim { partition: self.partition(), epoch: self.epoch(), expected: self.position() }
    }
}

/// What is called for each record; `Break` ends the reading.
pub type Visit<'v> = dyn FnMut(Record<'_>) -> ControlFlow<()> + 'v;

/// What a writer believes; an append that does not fit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The partition it writes to.
    pub partition: Partition,
    /// The epoch it was given.
    pub epoch: Epoch,
    /// Where it believes the end to be.
    pub expected: Position,
}

/// Whom the space is for. Intake leaves the reserve alone; control may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// What arrives from sensors: can wait, the broker holds it.
    Intake,
    /// Ticks, receipts and commands: what keeps alarms moving while the disk is full.
    Control,
}

/// State at a position: everything before `position` is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The first record that is not in it.
    pub position: Position,
    /// The configuration that was in force.
    pub config: [u8; 32],
    /// The version of the layout of `state`; the journal carries it unread.
    pub version: u32,
    /// The state, unread by the journal.
    pub state: Vec<u8>,
}

/// The newest whole snapshot, and what was passed over to find it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LatestSnapshot {
    /// None: read from the first record.
    pub snapshot: Option<Snapshot>,
    /// Newer ones that are damaged.
    pub damaged: Vec<Damage>,
}

/// How far a reading came, and what it had to leave out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadEnd {
    /// The position after the last record that was handed out or left out.
    pub next: Position,
    /// Records that are lost to damage.
    pub skipped: Vec<Damage>,
}

/// A region of bytes that is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The file, relative to the data directory.
    pub file: String,
    /// The first bad byte.
    pub offset: u64,
    /// How many bytes are suspect; 0 when something is missing rather than wrong.
    pub bytes: u64,
    /// The first record that is lost by it; where none is, the one it stands before.
    pub position: Position,
    /// How many records are lost by it, from `position` on.
    pub lost: u64,
    /// What is wrong, in words.
    pub what: &'static str,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { file, offset, bytes, position, lost, what } = self;
        write!(out, "{file}: {bytes} bytes from offset {offset}: {what}; ")?;
        match lost {
            0 => write!(out, "no record lost (before position {position})"),
            1 => write!(out, "lost the record at position {position}"),
            _ => write!(out, "lost {lost} records from position {position}"),
        }
    }
}

/// Why a store refused.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another writer has taken over. Nothing was written; stop.
    #[error("another writer holds the journal under epoch {held_by}; this one must stop")]
    Fenced {
        /// The epoch that may write now.
        held_by: Epoch,
    },
    /// The writer's idea of the end is not the store's. Nothing was written.
    #[error("the writer expects the end at position {expected}, the journal ends at {actual}")]
    UnexpectedPosition {
        /// What the claim said.
        expected: Position,
        /// Where the end is.
        actual: Position,
    },
    /// The claim names a partition this store does not hold. Nothing was written.
    #[error("this journal holds partition {held}, not {asked}")]
    WrongPartition {
        /// What the claim said.
        asked: Partition,
        /// What this store holds.
        held: Partition,
    },
    /// No room for this purpose. Nothing was written, nothing is broken; ask again later.
    #[error("no space for {bytes} bytes of {purpose:?}; free space on the journal's file system")]
    NoSpace {
        /// What was asked for.
        bytes: u64,
        /// For whom.
        purpose: Purpose,
    },
    /// The medium failed. What was being written may or may not be there: the caller must stop.
    #[error("the journal's medium failed: {0}")]
    Io(#[from] FileError),
    /// An earlier call failed with `Io`; nothing can be trusted until the journal is reopened.
    #[error("the journal stopped after an earlier failure: {cause}")]
    Poisoned {
        /// The words of that failure.
        cause: String,
    },
}

/// The verb of every `fdatasync` and directory sync.
pub(crate) const SYNC: &str = "sync";

/// A failed operation on a file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing} {}: {source}", path.display())]
pub struct FileError {
    /// The verb.
    pub doing: &'static str,
    /// The file or directory.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl FileError {
    /// Whether the file system was full, and nothing else is wrong. A sync that reports a full
    /// disk has lost what was written: that is a failure like any other.
    #[must_use]
    pub fn is_no_space(&self) -> bool {
        self.doing != SYNC && is_no_space(&self.source)
    }
}

/// Whether an error means that the file system or the quota is full.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    let kinds = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
    kinds.contains(&error.kind())
}

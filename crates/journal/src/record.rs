//! What the journal holds: numbered records, handed over in batches.
//!
//! The journal knows bytes, not meaning: which `kind` is an input and which a fact, and how
//! a payload is laid out, is the writer's affair. It knows only how long a body may be kept
//! ([`Class`]), because that changes the bytes on disk.

use std::fmt;

/// The number of a record: 0 for the first ever written, contiguous, never reused.
///
/// As an end or a snapshot's place it means "everything before this number".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(pub u64);

impl Position {
    /// The position of the first record of a journal.
    pub const FIRST: Self = Self(0);

    /// The position `records` further on.
    ///
    /// # Panics
    /// Beyond `u64::MAX` records, which no journal reaches.
    #[must_use]
    pub fn after(self, records: u64) -> Self {
        let next = self.0.checked_add(records);
        Self(next.expect("a journal holds fewer than 2^64 records"))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Which writer: raised and persisted at every open, so that an older writer can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// A set of compounds with one order of records and one writer. The embedded store has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Partition(pub u64);

impl fmt::Display for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// The name of one line of history, random, made once. It changes only when a journal is
/// restored from a backup, so that whoever remembers a position (a phone's cursor) notices.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HistoryId(pub [u8; 16]);

impl fmt::Display for HistoryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(out, &self.0)
    }
}

impl fmt::Debug for HistoryId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(out, &self.0)
    }
}

/// Writes bytes as lower-case hexadecimal.
pub(crate) fn write_hex(out: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

/// How long a record's body may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Kept as long as its segment: facts.
    Kept,
    /// Head and payload can be erased while the chain still verifies: what arrived from
    /// outside, which is people's door history. Stored with a random salt, so that the digest
    /// left behind gives nothing away.
    Erasable,
}

/// One record as the writer hands it over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draft<'a> {
    /// What the payload is; the journal carries it unread.
    pub kind: u8,
    /// When, in microseconds since 1970 UTC, as the writer stamped it.
    pub at_micros: i64,
    /// How long the body may be kept.
    pub class: Class,
    /// The part that says where it came from, such as an MQTT topic: 0 to 65,535 bytes.
    pub head: &'a [u8],
    /// What it says: 0 to [`PAYLOAD_BYTES_MAX`] bytes.
    pub payload: &'a [u8],
}

/// The longest head, in bytes (an MQTT topic's own limit).
pub const HEAD_BYTES_MAX: usize = u16::MAX as usize;

/// The longest payload, in bytes. Longer input belongs into [`crate::Blobs`] long before.
pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;

/// One record as it is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number.
    pub position: Position,
    /// As given in [`Draft::kind`].
    pub kind: u8,
    /// As given in [`Draft::at_micros`].
    pub at_micros: i64,
    /// As given in [`Draft::class`].
    pub class: Class,
    /// What is left of it.
    pub body: Body<'a>,
}

/// The body of a record that is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// All of it.
    Whole {
        /// As given in [`Draft::head`].
        head: &'a [u8],
        /// As given in [`Draft::payload`].
        payload: &'a [u8],
    },
    /// Erased when it was too old to be kept; these lengths are what is left.
    Erased {
        /// How many bytes the head had.
        head_bytes: usize,
        /// How many bytes the payload had.
        payload_bytes: usize,
    },
}

impl<'a> Body<'a> {
    /// Head and payload, unless they were erased.
    #[must_use]
    pub fn whole(self) -> Option<(&'a [u8], &'a [u8])> {
        match self {
            Self::Whole { head, payload } => Some((head, payload)),
            Self::Erased { .. } => None,
        }
    }
}

/// Records that are committed together: all of them, or none.
///
/// One growing buffer, meant to be filled, appended, cleared and filled again.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
    encoded_bytes: u64,
}

/// Where in [`Batch::bytes`] one record lies.
#[derive(Debug, Clone, Copy)]
struct Entry {
    kind: u8,
    class: Class,
    at_micros: i64,
    start: usize,
    head_end: usize,
    end: usize,
}

/// Why a record was not taken into a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a record's {part} of {bytes} bytes is longer than the {bytes_max} the journal takes; store it as a blob and journal its hash"
)]
pub struct RecordTooLarge {
    /// `head` or `payload`.
    pub part: &'static str,
    /// How long it is.
    pub bytes: usize,
    /// How long it may be.
    pub bytes_max: usize,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one record behind the others.
    ///
    /// # Errors
    /// When head or payload is over its limit; the batch is then as it was.
    pub fn push(&mut self, draft: Draft<'_>) -> Result<(), RecordTooLarge> {
        within("head", draft.head.len(), HEAD_BYTES_MAX)?;
        within("payload", draft.payload.len(), PAYLOAD_BYTES_MAX)?;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(draft.head);
        let head_end = self.bytes.len();
        self.bytes.extend_from_slice(draft.payload);
        self.entries.push(Entry {
            kind: draft.kind,
            class: draft.class,
            at_micros: draft.at_micros,
            start,
            head_end,
            end: self.bytes.len(),
        });
        self.encoded_bytes += crate::frame::frame_bytes(draft.class, draft.head.len(), draft.payload.len());
        Ok(())
    }

    /// The records, in the order in which they were pushed.
    pub fn iter(&self) -> impl Iterator<Item = Draft<'_>> {
        self.entries.iter().map(|entry| Draft {
            kind: entry.kind,
            at_micros: entry.at_micros,
            class: entry.class,
            head: &self.bytes[entry.start..entry.head_end],
            payload: &self.bytes[entry.head_end..entry.end],
        })
    }

    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many bytes the batch takes in the journal, its seal included; 0 when empty.
    #[must_use]
    pub fn encoded_bytes(&self) -> u64 {
        if self.is_empty() {
            return 0;
        }
        self.encoded_bytes + crate::frame::SEAL_BYTES
    }

    /// Forgets the records and keeps the memory.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
        self.encoded_bytes = 0;
    }
}

fn within(part: &'static str, bytes: usize, bytes_max: usize) -> Result<(), RecordTooLarge> {
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(RecordTooLarge { part, bytes, bytes_max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleared_batch_is_empty_again() {
        let mut batch = Batch::new();
        let draft = Draft { kind: 1, at_micros: 2, class: Class::Kept, head: b"h", payload: b"p" };
        batch.push(draft).expect("short");
        assert_eq!(batch.iter().collect::<Vec<_>>(), [draft]);
        batch.clear();
        assert_eq!((batch.len(), batch.encoded_bytes()), (0, 0));
    }

    #[test]
    fn a_head_beyond_its_limit_is_refused_and_changes_nothing() {
        let head = vec![b'x'; HEAD_BYTES_MAX + 1];
        let mut batch = Batch::new();
        let draft = Draft { kind: 1, at_micros: 2, class: Class::Kept, head: &head, payload: b"" };
        let refused = batch.push(draft).expect_err("too long");
        assert_eq!((refused.part, refused.bytes_max), ("head", 65_535));
        assert!(batch.is_empty());
    }
}

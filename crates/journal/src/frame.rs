//! How a record lies on disk: the header, the body, and the seal that ends a batch.
//!
//! ```text
//!  byte   0        4          8           12             16      17      18    20
//!        ┌────────┬──────────┬───────────┬──────────────┬───────┬───────┬─────┐
//!        │ header │ body     │ body      │ segment      │ 0xB7  │ marks │ 0 0 │
//!        │ CRC32C │ bytes    │ CRC32C    │ serial       │       │       │     │
//!        └────────┴──────────┴───────────┴──────────────┴───────┴───────┴─────┘
//!  byte  20     22     23      24        28        32         40     48         80
//!        ┌──────┬──────┬───────┬─────────┬─────────┬──────────┬──────┬──────────┐
//!        │ head │ kind │ class │ index   │ payload │ position │ at   │ digest   │  chained
//!        │ bytes│      │       │ in batch│ bytes   │          │ µs   │ 32 bytes │
//!        └──────┴──────┴───────┴─────────┴─────────┴──────────┴──────┴──────────┘
//!  then the body, padded with zeros to a multiple of 8 bytes:
//!        salt (16 bytes, only class erasable) ‖ head ‖ payload
//! ```
//!
//! All numbers are little-endian. The header CRC covers bytes 4..80 and starts from a seed made
//! of the history id and the serial, so that no frame of another segment, and none that somebody
//! sends as a payload, is ever taken for one of this segment. `digest` is BLAKE3 over the
//! unpadded body. Marks: bit 0 says that the body was erased; body bytes and CRC are then 0 and
//! no body follows. Bytes before 20 may change (a copy has another serial, an erased frame no
//! body); bytes from 20 on never do, and these are what the chain covers.
//!
//! The last frame of a batch is its seal: a header with class 2 and no body, whose `position` is
//! the one after the batch, whose `index` is the number of records in it, whose `at` is the
//! writer's epoch, and whose `digest` is the link of the chain:
//!
//! ```text
//!  link = BLAKE3( link before ‖ bytes 20..80 of each record's header ‖ bytes 20..40 of the seal's )
//! ```
//!
//! The epoch stays out, so that the link of a batch whose seal is damaged can still be computed.
//! A batch without a valid seal never happened.

mod encode;

pub(crate) use encode::{Chained, Encoder, Place, push_copy};

use crate::record::{Body, Class, Epoch, HistoryId, Position};

/// Length of a frame's header.
pub(crate) const HEADER_BYTES: u64 = 80;
/// How many bytes the end of a batch takes.
pub const SEAL_BYTES: u64 = HEADER_BYTES;
/// Frames start at multiples of this.
pub(crate) const ALIGN: u64 = 8;
/// Length of a salt.
pub(crate) const SALT_BYTES: usize = 16;

const HEADER: usize = HEADER_BYTES as usize;
const CHAINED: usize = 20;
const AT: usize = 40;
const DIGEST: usize = 48;
const MAGIC: u8 = 0xB7;
const ERASED: u8 = 1;
const CLASS_KEPT: u8 = 0;
const CLASS_ERASABLE: u8 = 1;
const CLASS_SEAL: u8 = 2;

/// A link of the chain: what all headers up to here hash to.
pub(crate) type Link = [u8; 32];

/// What tells frames of one segment from those of every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameId {
    pub(crate) serial: u32,
    seed: u32,
}

impl FrameId {
    pub(crate) fn new(history: HistoryId, serial: u32) -> Self {
        let seed = crc32c::crc32c_append(crc32c::crc32c(&history.0), &serial.to_le_bytes());
        Self { serial, seed }
    }
}

/// The header of a frame whose CRC was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) body_bytes: u32,
    pub(crate) body_crc: u32,
    pub(crate) what: What,
    pub(crate) head_bytes: u16,
    pub(crate) payload_bytes: u32,
    pub(crate) kind: u8,
    /// In the batch; of a seal, how many records the batch has.
    pub(crate) index: u32,
    pub(crate) position: Position,
    /// Of a seal, the epoch.
    pub(crate) at: i64,
    pub(crate) digest: [u8; 32],
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A record with its body.
    Whole(Class),
    /// A record whose body was erased.
    Erased,
    /// The end of a batch.
    Seal,
}

impl Header {
    /// Bytes of the whole frame, padding included.
    pub(crate) fn frame_bytes(&self) -> u64 {
        HEADER_BYTES + padded(u64::from(self.body_bytes))
    }

    /// The first position of the batch this frame belongs to.
    pub(crate) fn first_of_batch(&self) -> Position {
        Position(self.position.0 - u64::from(self.index))
    }

    pub(crate) fn class(&self) -> Class {
        match self.what {
            What::Whole(class) => class,
            What::Erased => Class::Erasable,
            What::Seal => Class::Kept,
        }
    }

    /// Head and payload within the stored body.
    pub(crate) fn split<'a>(&self, body: &'a [u8]) -> Body<'a> {
        let head_bytes = usize::from(self.head_bytes);
        if self.what == What::Erased {
            return Body::Erased { head_bytes, payload_bytes: self.payload_bytes as usize };
        }
        let (head, payload) = body[salt_bytes(self.class())..].split_at(head_bytes);
        Body::Whole { head, payload }
    }
}

/// Reads a header at the start of `bytes`; `None` unless its CRC is right and it makes sense.
pub(crate) fn decode(id: FrameId, bytes: &[u8]) -> Option<Header> {
    let bytes: &[u8; HEADER] = bytes.get(..HEADER)?.try_into().ok()?;
    if bytes[16] != MAGIC || u32_at(bytes, 12) != id.serial {
        return None; // cheap, and so first: a search tries this at every eighth byte
    }
    if u32_at(bytes, 0) != crc32c::crc32c_append(id.seed, &bytes[4..]) {
        return None;
    }
    let header = Header {
        body_bytes: u32_at(bytes, 4),
        body_crc: u32_at(bytes, 8),
        what: what(bytes[17], bytes[23])?,
        head_bytes: u16::from_le_bytes([bytes[20], bytes[21]]),
        kind: bytes[22],
        index: u32_at(bytes, 24),
        payload_bytes: u32_at(bytes, 28),
        position: Position(u64_at(bytes, 32)),
        at: u64_at(bytes, 40).cast_signed(),
        digest: bytes[DIGEST..].try_into().ok()?,
    };
    let sound =
        u64::from(header.body_bytes) == stored_bytes(&header) && header.position.0 >= u64::from(header.index);
    sound.then_some(header)
}

/// The serial a header carries, right or wrong.
///
/// # Panics
/// When `bytes` is shorter than a header.
pub(crate) fn serial_of(bytes: &[u8]) -> u32 {
    u32_at(bytes[..HEADER].try_into().expect("as long as a header"), 12)
}

fn what(marks: u8, class: u8) -> Option<What> {
    match (marks, class) {
        (0, CLASS_KEPT) => Some(What::Whole(Class::Kept)),
        (0, CLASS_ERASABLE) => Some(What::Whole(Class::Erasable)),
        (ERASED, CLASS_ERASABLE) => Some(What::Erased),
        (0, CLASS_SEAL) => Some(What::Seal),
        _ => None,
    }
}

fn stored_bytes(header: &Header) -> u64 {
    match header.what {
        What::Whole(class) => body_bytes(class, header.head_bytes.into(), header.payload_bytes as usize),
        What::Erased | What::Seal => 0,
    }
}

/// Whether a body is what was written: CRC, and zeros behind it.
pub(crate) fn body_is_sound(header: &Header, padded_body: &[u8]) -> BodyState {
    let (body, padding) = padded_body.split_at(header.body_bytes as usize);
    if header.body_bytes > 0 && crc32c::crc32c(body) != header.body_crc {
        return BodyState::Damaged;
    }
    if padding.iter().any(|byte| *byte != 0) {
        return BodyState::PaddingDamaged;
    }
    BodyState::Sound
}

/// The answer of [`body_is_sound`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyState {
    Sound,
    /// Nothing is lost, but somebody should know.
    PaddingDamaged,
    Damaged,
}

fn seal_header(position: Position, records: u32, epoch: Epoch) -> Header {
    Header {
        body_bytes: 0,
        body_crc: 0,
        what: What::Seal,
        head_bytes: 0,
        payload_bytes: 0,
        kind: 0,
        index: records,
        position,
        at: epoch.0.cast_signed(),
        digest: [0; 32],
    }
}

/// The bytes of a header.
pub(crate) fn encoded(id: FrameId, header: &Header) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    write_header(id, header, &mut bytes);
    bytes
}

fn write_header(id: FrameId, header: &Header, into: &mut [u8; HEADER]) {
    fill_header(header, into);
    into[12..16].copy_from_slice(&id.serial.to_le_bytes());
    let crc = crc32c::crc32c_append(id.seed, &into[4..]);
    into[..4].copy_from_slice(&crc.to_le_bytes());
}

/// All that does not depend on the segment.
fn fill_header(header: &Header, into: &mut [u8; HEADER]) {
    let (marks, class) = match header.what {
        What::Whole(Class::Kept) => (0, CLASS_KEPT),
        What::Whole(Class::Erasable) => (0, CLASS_ERASABLE),
        What::Erased => (ERASED, CLASS_ERASABLE),
        What::Seal => (0, CLASS_SEAL),
    };
    into[4..8].copy_from_slice(&header.body_bytes.to_le_bytes());
    into[8..12].copy_from_slice(&header.body_crc.to_le_bytes());
    into[16] = MAGIC;
    into[17] = marks;
    into[20..22].copy_from_slice(&header.head_bytes.to_le_bytes());
    into[22] = header.kind;
    into[23] = class;
    into[24..28].copy_from_slice(&header.index.to_le_bytes());
    into[28..32].copy_from_slice(&header.payload_bytes.to_le_bytes());
    into[32..AT].copy_from_slice(&header.position.0.to_le_bytes());
    into[AT..DIGEST].copy_from_slice(&header.at.to_le_bytes());
    into[DIGEST..].copy_from_slice(&header.digest);
}

/// How many bytes a record takes in the journal, padding included.
#[must_use]
pub fn frame_bytes(class: Class, head_bytes: usize, payload_bytes: usize) -> u64 {
    HEADER_BYTES + padded(body_bytes(class, head_bytes, payload_bytes))
}

fn body_bytes(class: Class, head_bytes: usize, payload_bytes: usize) -> u64 {
    (salt_bytes(class) + head_bytes + payload_bytes) as u64
}

fn salt_bytes(class: Class) -> usize {
    match class {
        Class::Kept => 0,
        Class::Erasable => SALT_BYTES,
    }
}

/// The next multiple of [`ALIGN`].
pub(crate) fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(ALIGN)
}

fn pad(bytes: usize) -> usize {
    bytes.next_multiple_of(ALIGN as usize)
}

fn small(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a batch takes no longer record")
}

fn u32_at(bytes: &[u8; HEADER], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn u64_at(bytes: &[u8; HEADER], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Draft;
    use proptest::prelude::*;

    const ID: FrameId = FrameId { serial: 7, seed: 99 };

    fn header() -> Header {
        Header {
            body_bytes: 25,
            body_crc: 5,
            what: What::Whole(Class::Erasable),
            head_bytes: 4,
            payload_bytes: 5,
            kind: 3,
            index: 2,
            position: Position(12),
            at: -8,
            digest: [9; 32],
        }
    }

    #[test]
    fn a_header_reads_back_as_written() {
        assert_eq!(decode(ID, &encoded(ID, &header())), Some(header()));
    }

    #[test]
    fn a_header_of_another_history_or_serial_is_not_taken() {
        let bytes = encoded(FrameId::new(HistoryId([1; 16]), 7), &header());
        assert_eq!(decode(FrameId::new(HistoryId([2; 16]), 7), &bytes), None);
        assert_eq!(decode(FrameId::new(HistoryId([1; 16]), 8), &bytes), None);
        assert!(decode(FrameId::new(HistoryId([1; 16]), 7), &bytes).is_some());
    }

    #[test]
    fn every_flipped_bit_of_a_header_is_noticed() {
        let good = encoded(ID, &header());
        for bit in 0..good.len() * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(ID, &bad), None, "bit {bit}");
        }
    }

    #[test]
    fn erasing_a_body_leaves_the_chained_bytes_alone() {
        let erased = Header { what: What::Erased, body_bytes: 0, body_crc: 0, ..header() };
        let elsewhere = FrameId { serial: 8, seed: 1 };
        assert_eq!(encoded(ID, &header())[CHAINED..], encoded(elsewhere, &erased)[CHAINED..]);
    }

    proptest! {
        #[test]
        fn any_batch_has_the_size_and_link_that_was_said(
            records in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..40), prop::collection::vec(any::<u8>(), 0..300)), 1..20)
        ) {
            let mut batch = crate::Batch::new();
            for (erasable, head, payload) in &records {
                let class = if *erasable { Class::Erasable } else { Class::Kept };
                batch.push(Draft { kind: 1, at_micros: 5, class, head, payload }).expect("short");
            }
            let place = Place { id: ID, first: Position(100), epoch: Epoch(3), link_before: [4; 32] };
            let mut encoder = Encoder::default();
            let (bytes, link) = encoder.encode(place, batch.iter(), &mut |salt| { salt.fill(6); Ok(()) }).expect("salted");
            prop_assert_eq!(bytes.len() as u64, batch.encoded_bytes());

            let mut chained = Chained::default();
            let (mut offset, mut read) = (0, 0);
            loop {
                let header = decode(ID, &bytes[offset..]).expect("a frame");
                if header.what == What::Seal {
                    prop_assert_eq!(chained.link(&[4; 32], header.position, header.index), link);
                    prop_assert_eq!(header.digest, link);
                    prop_assert_eq!(read, records.len());
                    break;
                }
                let end = offset + header.frame_bytes() as usize;
                let body = &bytes[offset + HEADER..end];
                prop_assert_eq!(body_is_sound(&header, body), BodyState::Sound);
                let body = &body[..header.body_bytes as usize];
                let (head, payload) = (&records[read].1[..], &records[read].2[..]);
                prop_assert_eq!(header.split(body), Body::Whole { head, payload });
                prop_assert_eq!(blake3::hash(body), header.digest);
                chained.record(&header);
                (offset, read) = (end, read + 1);
            }
        }
    }
}

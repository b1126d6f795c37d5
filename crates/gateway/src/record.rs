//! What the gateway writes into the journal, and reads out of it again.
//!
//! One input is one record, followed by one record for each fact that it led to; a batch never ends between them.
//! A message's record keeps the topic and the payload byte for byte. Its head is
//!
//! ```text
//! offset 0  1        2     3          4            8
//!        ┌──┬────────┬─────┬──────────┬────────────┬──────────┐
//!        │1 │ flags  │lane │ reserved │ generation │ topic …  │
//!        └──┴────────┴─────┴──────────┴────────────┴──────────┘
//!        format       0 alarm, 1 bulk   u32 LE       UTF-8
//! flags: 1 retained, 2 dup, 4 QoS 1, 8 the payload is in a blob, 16 oversize: only length and hash are known
//! ```
//!
//! With flag 8 the payload is the blob's SHA-256 (32 bytes); with flag 16 the length (u64 LE) and the SHA-256.

use crate::intake::{Body, Inbound, Lane};
use wanglou_journal::{Batch, Class, Draft, RecordTooLarge};
use wanglou_model::{Fact, Input, Timestamp};

/// Kinds of records.
pub mod kind {
    /// A message.
    pub const MESSAGE: u8 = 1;
    /// Another input, as JSON.
    pub const INPUT: u8 = 2;
    /// A fact, as JSON.
    pub const FACT: u8 = 3;
    /// News of log-ins and sessions, as JSON.
    pub const ACCESS: u8 = 4;
}

const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 8;
const RETAINED: u8 = 1;
const DUP: u8 = 2;
const QOS1: u8 = 4;
const IN_BLOB: u8 = 8;
const OVERSIZE: u8 = 16;

/// Larger payloads go to a blob, bytes.
pub const INLINE_BYTES_MAX: usize = 64 << 10;

/// A message as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<'a> {
    /// Which connection it came by.
    pub lane: Lane,
    /// Which generation of that.
    pub generation: u32,
    /// Its topic.
    pub topic: &'a str,
    /// Its payload.
    pub payload: Payload<'a>,
    /// Retained by the broker.
    pub retain: bool,
    /// Delivered before, says the broker.
    pub dup: bool,
    /// To be acknowledged.
    pub qos1: bool,
}

/// The payload of a kept message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Byte for byte.
    Here(&'a [u8]),
    /// In the blob of this SHA-256.
    Blob([u8; 32]),
    /// Too large to keep.
    Oversize {
        /// Its length.
        bytes: u64,
        /// Its SHA-256.
        sha256: [u8; 32],
    },
}

/// Why a record cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A newer program wrote it.
    #[error("the record has format {found}, this program reads {FORMAT}: start the newer program")]
    Format {
        /// Its format.
        found: u8,
    },
    /// It is too short, or not UTF-8, or has an unknown lane.
    #[error("the record is not a message: {0}")]
    Shape(&'static str),
    /// It is not the JSON that it should be.
    #[error("the record cannot be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// Reused for each batch, so that nothing is allocated per message.
#[derive(Debug, Default)]
pub struct Encoder {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Encoder {
    /// Adds a message. `blob` is where its payload went, if it is larger than [`INLINE_BYTES_MAX`].
    ///
    /// # Errors
    /// [`RecordTooLarge`]: a topic longer than the journal's heads; the caller rejects such a message before.
    pub fn message(
        &mut self,
        batch: &mut Batch,
        at: Timestamp,
        (lane, generation): (Lane, u64),
        message: &Inbound,
        blob: Option<[u8; 32]>,
    ) -> Result<(), RecordTooLarge> {
        let mut flags = 0;
        for (set, flag) in
            [(message.retain, RETAINED), (message.dup, DUP), (message.packet_id.is_some(), QOS1)]
        {
            flags |= if set { flag } else { 0 };
        }
        self.body.clear();
        let payload: &[u8] = match (&message.body, blob) {
            (Body::Whole(bytes), None) => bytes,
            (Body::Whole(_), Some(id)) => {
                flags |= IN_BLOB;
                self.body.extend_from_slice(&id);
                &self.body
            }
            (Body::Oversize { bytes, sha256 }, _) => {
                flags |= OVERSIZE;
                self.body.extend_from_slice(&bytes.to_le_bytes());
                self.body.extend_from_slice(sha256);
                &self.body
            }
        };
        let lane = match lane {
            Lane::Alarm => 0,
            Lane::Bulk | Lane::Discovery => 1,
        };
        self.head.clear();
        self.head.extend_from_slice(&[FORMAT, flags, lane, 0]);
        self.head.extend_from_slice(&(generation as u32).to_le_bytes());
        self.head.extend_from_slice(message.topic.as_bytes());
        let class = Class::Erasable;
        batch.push(Draft { kind: kind::MESSAGE, at_micros: at.0, class, head: &self.head, payload })
    }

    /// Adds another input. Notes and answers are personal: they are erased with the messages.
    ///
    /// # Errors
    /// [`RecordTooLarge`]; the edges bound what comes in.
    pub fn input(&mut self, batch: &mut Batch, at: Timestamp, input: &Input) -> Result<(), RecordTooLarge> {
        self.json(input);
        let class = match input {
            Input::Config { .. } | Input::Start { .. } | Input::Blind { .. } | Input::ClockStep { .. } => {
                Class::Kept
            }
            Input::Tick
            | Input::Command(_)
            | Input::Receipt(_)
            | Input::Phone(_)
            | Input::Push(_)
            | Input::Channel(_)
            | Input::Call(_)
            | Input::Note(_)
            | Input::Evidence(_)
            | Input::Path(_)
            | Input::Canary(_)
            | Input::CanaryReceipt(_)
            | Input::Clock { .. } => Class::Erasable,
        };
        batch.push(Draft { kind: kind::INPUT, at_micros: at.0, class, head: &[], payload: &self.body })
    }

    /// Adds a fact.
    ///
    /// # Errors
    /// [`RecordTooLarge`]; the engine bounds its facts.
    pub fn fact(&mut self, batch: &mut Batch, at: Timestamp, fact: &Fact) -> Result<(), RecordTooLarge> {
        self.json(fact);
        // Canaries prove nothing a year later, and there are thousands a day.
        let class = if matches!(fact, Fact::Canary(_)) { Class::Erasable } else { Class::Kept };
        batch.push(Draft { kind: kind::FACT, at_micros: at.0, class, head: &[], payload: &self.body })
    }

    /// Adds news of log-ins and sessions.
    ///
    /// # Errors
    /// [`RecordTooLarge`].
    pub fn access<E: serde::Serialize>(
        &mut self,
        batch: &mut Batch,
        at: Timestamp,
        event: &E,
    ) -> Result<(), RecordTooLarge> {
        self.json(event);
        batch.push(Draft {
            kind: kind::ACCESS,
            at_micros: at.0,
            class: Class::Kept,
            head: &[],
            payload: &self.body,
        })
    }

    fn json<T: serde::Serialize>(&mut self, value: &T) {
        self.body.clear();
        serde_json::to_writer(&mut self.body, value)
            .expect("inputs and facts have text keys and finite numbers");
    }
}

/// Reads a message's record.
///
/// # Errors
/// [`RecordError`].
pub fn message<'a>(head: &'a [u8], payload: &'a [u8]) -> Result<Kept<'a>, RecordError> {
    let Some((fixed, topic)) = head.split_at_checked(HEAD_BYTES) else {
        return Err(RecordError::Shape("its head is too short"));
    };
    if fixed[0] != FORMAT {
        return Err(RecordError::Format { found: fixed[0] });
    }
    let flags = fixed[1];
    let lane = match fixed[2] {
        0 => Lane::Alarm,
        1 => Lane::Bulk,
        _ => return Err(RecordError::Shape("its lane is unknown")),
    };
    let generation = u32::from_le_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
    let topic = std::str::from_utf8(topic).map_err(|_| RecordError::Shape("its topic is not UTF-8"))?;
    let payload = payload_of(flags, payload)?;
    let is = |flag| flags & flag != 0;
    Ok(Kept { lane, generation, topic, payload, retain: is(RETAINED), dup: is(DUP), qos1: is(QOS1) })
}

fn payload_of(flags: u8, payload: &[u8]) -> Result<Payload<'_>, RecordError> {
    let hash = |bytes: &[u8]| bytes.try_into().map_err(|_| RecordError::Shape("its hash has another length"));
    if flags & OVERSIZE != 0 {
        let Some((length, sha256)) = payload.split_first_chunk::<8>() else {
            return Err(RecordError::Shape("its length is missing"));
        };
        return Ok(Payload::Oversize { bytes: u64::from_le_bytes(*length), sha256: hash(sha256)? });
    }
    if flags & IN_BLOB != 0 {
        return Ok(Payload::Blob(hash(payload)?));
    }
    Ok(Payload::Here(payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn round_trip(message_in: &Inbound, blob: Option<[u8; 32]>) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut batch = Batch::new();
        let mut encoder = Encoder::default();
        encoder.message(&mut batch, Timestamp(7), (Lane::Bulk, 3), message_in, blob).expect("fits");
        batch.iter().map(|draft| (draft.head.to_vec(), draft.payload.to_vec())).collect()
    }

    #[test]
    fn a_message_is_kept_byte_for_byte() {
        let body = Body::Whole(Bytes::from_static(b"\x00\xff{\"a\":1}"));
        let inbound = Inbound { topic: "a/b".into(), body, retain: true, dup: false, packet_id: Some(9) };
        let drafts = round_trip(&inbound, None);
        let kept = message(&drafts[0].0, &drafts[0].1).expect("reads");
        assert_eq!((kept.topic, kept.lane, kept.generation), ("a/b", Lane::Bulk, 3));
        assert_eq!((kept.retain, kept.dup, kept.qos1), (true, false, true));
        assert_eq!(kept.payload, Payload::Here(b"\x00\xff{\"a\":1}"));
    }

    #[test]
    fn what_is_too_large_is_kept_by_its_hash() {
        let inbound = |body| Inbound { topic: "t".into(), body, retain: false, dup: true, packet_id: None };
        let oversize = inbound(Body::Oversize { bytes: 5_000_000, sha256: [7; 32] });
        let drafts = round_trip(&oversize, None);
        let kept = message(&drafts[0].0, &drafts[0].1).expect("reads");
        assert_eq!(kept.payload, Payload::Oversize { bytes: 5_000_000, sha256: [7; 32] });
        let blob = inbound(Body::Whole(Bytes::from(vec![1; INLINE_BYTES_MAX + 1])));
        let drafts = round_trip(&blob, Some([9; 32]));
        assert_eq!(message(&drafts[0].0, &drafts[0].1).expect("reads").payload, Payload::Blob([9; 32]));
    }

    #[test]
    fn a_record_of_a_newer_program_is_named() {
        assert!(matches!(message(&[2, 0, 0, 0, 0, 0, 0, 0], b""), Err(RecordError::Format { found: 2 })));
        assert!(matches!(message(&[1, 0], b""), Err(RecordError::Shape(_))));
    }
}

//! What the tests of the journal share.

#![expect(dead_code, reason = "each test file uses its part of this")]

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use wanglou_journal::files::Files;
use wanglou_journal::{
    Batch, Body, Class, CounterSalt, Draft, Options, Position, Purpose, Reader, Record, SegmentLog, Store,
};

/// Where the data directory is in memory.
pub(crate) const DATA: &str = "/data";

/// The smallest segments, so that rotation happens often.
pub(crate) fn options(files: Arc<dyn Files>) -> Options {
    Options {
        segment_bytes: 4096,
        reserve_bytes: 4096,
        files,
        salts: Box::new(CounterSalt::default()),
        ..Options::new(Path::new(DATA))
    }
}

/// A record as it can be kept and compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) position: u64,
    pub(crate) at_micros: i64,
    pub(crate) class: Class,
    /// None once erased.
    pub(crate) body: Option<(Vec<u8>, Vec<u8>)>,
}

impl Kept {
    pub(crate) fn of(record: Record<'_>) -> Self {
        let body = record.body.whole().map(|(head, payload)| (head.to_vec(), payload.to_vec()));
        Self { position: record.position.0, at_micros: record.at_micros, class: record.class, body }
    }

    /// The record every test writes at a position: stamped by its position, every third one kept.
    pub(crate) fn at(position: u64) -> Self {
        let class = if position % 3 == 2 { Class::Kept } else { Class::Erasable };
        let payload_bytes = usize::try_from(position * 29 % 90).expect("small");
        let mut payload = format!("payload {position} ").into_bytes();
        payload.resize(payload.len() + payload_bytes, (position % 251) as u8);
        let body = Some((format!("topic/{}", position % 7).into_bytes(), payload));
        Self { position, at_micros: at_micros(position), class, body }
    }

    pub(crate) fn erased(self) -> Self {
        Self { body: None, ..self }
    }
}

/// The stamp of the record at a position.
pub(crate) fn at_micros(position: u64) -> i64 {
    1_000_000 * position.cast_signed()
}

/// Appends `records` of them as one batch.
pub(crate) fn append(log: &mut SegmentLog, records: u64) -> Position {
    let batch = batch(log.position(), records);
    log.append(log.claim(), Purpose::Intake, &batch).expect("appended")
}

/// A batch of the records every test writes.
pub(crate) fn batch(first: Position, records: u64) -> Batch {
    let mut batch = Batch::new();
    for position in first.0..first.0 + records {
        let Kept { at_micros, class, body, .. } = Kept::at(position);
        let (head, payload) = body.expect("not erased");
        let draft = Draft { kind: 1, at_micros, class, head: &head, payload: &payload };
        batch.push(draft).expect("short");
    }
    batch
}

/// Everything that can be read, and how many records were named as lost.
pub(crate) fn read_all(reader: &Reader) -> (Vec<Kept>, u64) {
    let mut records = Vec::new();
    let read = reader.read_from(Position::FIRST, &mut |record| {
        records.push(Kept::of(record));
        ControlFlow::Continue(())
    });
    let read = read.expect("readable");
    assert_eq!(read.next, reader.position());
    (records, read.skipped.iter().map(|bad| bad.lost).sum())
}

/// Whether the long versions of the tests were asked for: `WANGLOU_FULL=1`.
pub(crate) fn full() -> bool {
    std::env::var_os("WANGLOU_FULL").is_some_and(|value| value == "1")
}

/// That a body that is there is the one that was written.
pub(crate) fn body_is_right(record: &Kept) -> bool {
    record.body.is_none() || *record == Kept::at(record.position)
}

/// That a record's body was erased.
pub(crate) fn is_erased(body: Body<'_>) -> bool {
    matches!(body, Body::Erased { .. })
}

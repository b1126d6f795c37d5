//! The clauses of the [`Store`] contract, to be run against every store.
//!
//! A clause is a function that panics, in words, when a store does not meet it.
//! [`contract_tests!`](crate::contract_tests) makes one test of each:
//!
//! ```
//! use wanglou_journal::contract::Ground;
//! use wanglou_journal::{MemoryDisk, MemoryStore, Partition};
//!
//! struct InMemory(MemoryDisk);
//! impl Ground for InMemory {
//!     type Store = MemoryStore;
//!     fn open(&mut self) -> MemoryStore { MemoryStore::open(&self.0, Partition(3)) }
//!     fn fill(&mut self) { self.0.set_free_bytes(66_000) }
//!     fn free(&mut self) { self.0.set_free_bytes(u64::MAX) }
//! }
//! let mut ground = InMemory(MemoryDisk::new());
//! wanglou_journal::contract::what_was_appended_is_read_back_in_order(&mut ground);
//! ```

use std::ops::ControlFlow;

use crate::record::{Batch, Body, Class, Draft, Epoch, Partition, Position};
use crate::store::{Claim, Purpose, Snapshot, Store, StoreError};

/// Where a store under test lives.
pub trait Ground {
    /// The store.
    type Store: Store;

    /// Opens it, after an earlier one was dropped without any farewell.
    fn open(&mut self) -> Self::Store;

    /// Leaves little more room than the reserve.
    fn fill(&mut self);

    /// Gives the room back.
    fn free(&mut self);
}

/// Makes one test of each clause: `contract_tests!(expression that makes a Ground);`
#[macro_export]
macro_rules! contract_tests {
    ($ground:expr) => {
        $crate::contract_tests! { $ground =>
            a_new_store_is_empty
            what_was_appended_is_read_back_in_order
            an_append_is_there_after_a_reopen
            an_empty_batch_changes_nothing
            reading_starts_where_asked_and_stops_when_told
            an_unexpected_position_is_refused_and_changes_nothing
            an_older_epoch_is_refused_and_told_who_holds
            another_partition_is_refused
            the_epoch_rises_with_every_open
            the_latest_snapshot_is_the_newest
            a_snapshot_ahead_of_the_end_is_refused
            a_full_disk_refuses_intake_first_and_heals
        }
    };
    ($ground:expr => $($clause:ident)*) => {
        $(
            #[test]
            fn $clause() {
                $crate::contract::$clause(&mut $ground);
            }
        )*
    };
}

type Owned = (u64, u8, i64, Class, Vec<u8>, Vec<u8>);

/// There is nothing in it, and the next record will be the first.
pub fn a_new_store_is_empty(ground: &mut impl Ground) {
    let store = ground.open();
    assert_eq!(store.position(), Position::FIRST);
    assert_eq!(all(&store), []);
    let latest = store.latest_snapshot().expect("readable");
    assert_eq!(latest.snapshot, None);
}

/// Byte for byte, numbered without a gap, across batches of all sizes and both classes.
pub fn what_was_appended_is_read_back_in_order(ground: &mut impl Ground) {
    let mut store = ground.open();
    let mut written = Vec::new();
    for records in [1, 2, 7, 1, 30] {
        written.extend(append(&mut store, records));
    }
    assert_eq!(store.position(), Position(41));
    assert_eq!(all(&store), written);
}

/// Durable on return.
pub fn an_append_is_there_after_a_reopen(ground: &mut impl Ground) {
    let mut store = ground.open();
    let mut written = append(&mut store, 5);
    drop(store);
    let mut store = ground.open();
    assert_eq!(all(&store), written);
    written.extend(append(&mut store, 3));
    drop(store);
    assert_eq!(all(&ground.open()), written);
}

/// Neither an error nor a position.
pub fn an_empty_batch_changes_nothing(ground: &mut impl Ground) {
    let mut store = ground.open();
    append(&mut store, 2);
    let end = store.append(store.claim(), Purpose::Intake, &Batch::new()).expect("nothing to refuse");
    assert_eq!((end, store.position()), (Position(2), Position(2)));
}

/// `from` is the first position handed out; a `Break` ends it after that record.
pub fn reading_starts_where_asked_and_stops_when_told(ground: &mut impl Ground) {
    let mut store = ground.open();
    append(&mut store, 10);
    let mut seen = Vec::new();
    let read = store.read_from(Position(4), &mut |record| {
        seen.push(record.position.0);
        if record.position == Position(6) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(read.expect("readable").next, Position(7));
    assert_eq!(seen, [4, 5, 6]);
    for beyond in [10, 11, u64::MAX] {
        let read = store.read_from(Position(beyond), &mut |record| panic!("{record:?} is not there"));
        assert_eq!(read.expect("readable").next, Position(10));
    }
}

/// A writer whose idea of the end is wrong must not write, ahead or behind.
pub fn an_unexpected_position_is_refused_and_changes_nothing(ground: &mut impl Ground) {
    let mut store = ground.open();
    let written = append(&mut store, 3);
    for wrong in [0, 2, 4] {
        let claim = Claim { expected: Position(wrong), ..store.claim() };
        let refused = store.append(claim, Purpose::Intake, &batch(3, 1)).expect_err("wrong position");
        let StoreError::UnexpectedPosition { expected, actual } = refused else {
            panic!("{refused}");
        };
        assert_eq!((expected, actual), (Position(wrong), Position(3)));
    }
    assert_eq!(all(&store), written);
}

/// A writer that was superseded must not write.
pub fn an_older_epoch_is_refused_and_told_who_holds(ground: &mut impl Ground) {
    let stale = ground.open().claim();
    let mut store = ground.open();
    let refused = store.append(stale, Purpose::Intake, &batch(0, 1)).expect_err("stale epoch");
    let StoreError::Fenced { held_by } = refused else {
        panic!("{refused}");
    };
    assert_eq!(held_by, store.epoch());
    let snapshot = Snapshot { position: Position::FIRST, config: [0; 32], version: 1, state: Vec::new() };
    let refused = store.put_snapshot(stale, &snapshot).expect_err("stale epoch");
    assert!(matches!(refused, StoreError::Fenced { .. }), "{refused}");
    assert_eq!(all(&store), []);
}

/// A partition is written by whoever holds that partition.
pub fn another_partition_is_refused(ground: &mut impl Ground) {
    let mut store = ground.open();
    let asked = Partition(store.partition().0 + 1);
    let claim = Claim { partition: asked, ..store.claim() };
    let refused = store.append(claim, Purpose::Intake, &batch(0, 1)).expect_err("not ours");
    assert!(matches!(refused, StoreError::WrongPartition { .. }), "{refused}");
    assert_eq!(all(&store), []);
}

/// Even when nothing was written in between.
pub fn the_epoch_rises_with_every_open(ground: &mut impl Ground) {
    let mut last = Epoch(0);
    for _ in 0..4 {
        let epoch = ground.open().epoch();
        assert!(epoch > last, "{epoch} after {last}");
        last = epoch;
    }
}

/// All of it comes back, also after a reopen, and one at the same place replaces.
pub fn the_latest_snapshot_is_the_newest(ground: &mut impl Ground) {
    let mut store = ground.open();
    let mut last = None;
    for (records, state) in [(2, &b"one"[..]), (3, b"two"), (0, b"again"), (4, b"four")] {
        append(&mut store, records);
        let snapshot =
            Snapshot { position: store.position(), config: [7; 32], version: 9, state: state.to_vec() };
        store.put_snapshot(store.claim(), &snapshot).expect("stored");
        assert_eq!(store.latest_snapshot().expect("readable").snapshot.as_ref(), Some(&snapshot));
        last = Some(snapshot);
    }
    drop(store);
    assert_eq!(ground.open().latest_snapshot().expect("readable").snapshot, last);
}

/// State nobody journaled is no state.
pub fn a_snapshot_ahead_of_the_end_is_refused(ground: &mut impl Ground) {
    let mut store = ground.open();
    append(&mut store, 2);
    let snapshot = Snapshot { position: Position(3), config: [0; 32], version: 1, state: vec![1] };
    let refused = store.put_snapshot(store.claim(), &snapshot).expect_err("ahead");
    assert!(matches!(refused, StoreError::UnexpectedPosition { .. }), "{refused}");
    assert_eq!(store.latest_snapshot().expect("readable").snapshot, None);
}

/// Intake stops with `NoSpace` before the reserve is touched, control goes on in it, nothing is
/// lost, and intake goes on by itself when there is room again.
pub fn a_full_disk_refuses_intake_first_and_heals(ground: &mut impl Ground) {
    let mut store = ground.open();
    let mut written = append(&mut store, 3);
    ground.fill();
    let (refused, needed) = loop {
        let next = batch(store.position().0, 4);
        match store.append(store.claim(), Purpose::Intake, &next) {
            Ok(_) => written.extend(owned(written.len() as u64, &next)),
            Err(error) => break (error, next.encoded_bytes()),
        }
        assert!(written.len() < 1_000_000, "the disk never fills");
    };
    assert!(matches!(refused, StoreError::NoSpace { purpose: Purpose::Intake, .. }), "{refused}");
    store.secure(needed, Purpose::Intake).expect_err("no room for intake");
    for _ in 0..3 {
        store.secure(needed, Purpose::Control).expect("the reserve is there");
        let next = batch(store.position().0, 4);
        store.append(store.claim(), Purpose::Control, &next).expect("the reserve is there");
        written.extend(owned(written.len() as u64, &next));
    }
    assert_eq!(all(&store), written);
    ground.free();
    store.secure(needed, Purpose::Intake).expect("there is room again");
    written.extend(append(&mut store, 4));
    drop(store);
    assert_eq!(all(&ground.open()), written);
}

/// A batch of `records`, each telling its position.
fn batch(first: u64, records: u64) -> Batch {
    let mut batch = Batch::new();
    for position in first..first + records {
        let head = format!("wanglou/v1/in/{position}");
        let payload = vec![position.to_le_bytes()[0]; 8 + (position * 37 % 300) as usize];
        let class = if position % 3 == 2 { Class::Kept } else { Class::Erasable };
        let at_micros = 1_772_000_000_000_000 + position.cast_signed();
        let draft =
            Draft { kind: (position % 5) as u8, at_micros, class, head: head.as_bytes(), payload: &payload };
        batch.push(draft).expect("short enough");
    }
    batch
}

fn append(store: &mut impl Store, records: u64) -> Vec<Owned> {
    let first = store.position();
    let batch = batch(first.0, records);
    store.secure(batch.encoded_bytes(), Purpose::Intake).expect("there is room");
    let end = store.append(store.claim(), Purpose::Intake, &batch).expect("appended");
    assert_eq!(end, first.after(records));
    assert_eq!(store.position(), end);
    owned(first.0, &batch)
}

fn owned(first: u64, batch: &Batch) -> Vec<Owned> {
    let number = |(index, draft): (usize, Draft<'_>)| {
        let Draft { kind, at_micros, class, head, payload } = draft;
        (first + index as u64, kind, at_micros, class, head.to_vec(), payload.to_vec())
    };
    batch.iter().enumerate().map(number).collect()
}

fn all(store: &impl Store) -> Vec<Owned> {
    let mut records = Vec::new();
    let read = store.read_from(Position::FIRST, &mut |record| {
        let Body::Whole { head, payload } = record.body else {
            panic!("nothing was erased at {}", record.position);
        };
        let (kind, at, class) = (record.kind, record.at_micros, record.class);
        records.push((record.position.0, kind, at, class, head.to_vec(), payload.to_vec()));
        ControlFlow::Continue(())
    });
    let read = read.expect("readable");
    assert_eq!(read.skipped, []);
    assert_eq!(read.next, store.position());
    records
}

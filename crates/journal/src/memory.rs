//! The store of the simulation: the same contract, in memory, the same bytes in every run.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::frame::{self, Encoder, FrameId, HEADER_BYTES, Link, Place, What};
use crate::record::{Batch, Epoch, HistoryId, Partition, Position, Record};
use crate::salt::{CounterSalt, SaltSource};
use crate::store::{
    Claim, Damage, FileError, LatestSnapshot, Purpose, ReadEnd, Snapshot, Store, StoreError, Visit,
};

/// What survives when a [`MemoryStore`] is dropped: the simulated disk of one partition.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<Disk>>);

#[derive(Debug)]
struct Disk {
    epoch: Epoch,
    /// Frames and seals, exactly as the embedded store would write them.
    bytes: Vec<u8>,
    /// Where each record's frame starts.
    offsets: Vec<usize>,
    link: Link,
    snapshots: Vec<Snapshot>,
    free_bytes: u64,
    salts: CounterSalt,
}

impl Default for Disk {
    fn default() -> Self {
        Self {
            epoch: Epoch(0),
            bytes: Vec::new(),
            offsets: Vec::new(),
            link: [0; 32],
            snapshots: Vec::new(),
            free_bytes: u64::MAX,
            salts: CounterSalt::default(),
        }
    }
}

/// How much of the free space only [`Purpose::Control`] may use, in bytes.
const RESERVE_BYTES: u64 = 64 << 10;
const SNAPSHOTS_KEPT: usize = 2;

impl MemoryDisk {
    /// An empty disk without limit.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Everything ever appended, byte for byte: two runs of one seed must give equal bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.disk().bytes.clone()
    }

    /// Leaves this much room; `u64::MAX` is no limit. The last 64 KiB are the reserve.
    pub fn set_free_bytes(&self, free_bytes: u64) {
        self.disk().free_bytes = free_bytes;
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A writer on a [`MemoryDisk`]. Opening another one fences it.
#[derive(Debug)]
pub struct MemoryStore {
    disk: MemoryDisk,
    partition: Partition,
    epoch: Epoch,
    encoder: Encoder,
}

impl MemoryStore {
    /// Opens a disk under the next epoch.
    #[must_use]
    pub fn open(disk: &MemoryDisk, partition: Partition) -> Self {
        let mut held = disk.disk();
        held.epoch = Epoch(held.epoch.0 + 1);
        let epoch = held.epoch;
        drop(held);
        Self { disk: disk.clone(), partition, epoch, encoder: Encoder::default() }
    }
}

impl Store for MemoryStore {
    fn partition(&self) -> Partition {
        self.partition
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn position(&self) -> Position {
        self.disk.disk().position()
    }

    fn secure(&mut self, bytes: u64, purpose: Purpose) -> Result<(), StoreError> {
        self.disk.disk().secure(bytes, purpose)
    }

    fn append(&mut self, claim: Claim, purpose: Purpose, batch: &Batch) -> Result<Position, StoreError> {
        let mut disk = self.disk.disk();
        disk.check(self.partition, claim)?;
        if batch.is_empty() {
            return Ok(claim.expected);
        }
        disk.secure(batch.encoded_bytes(), purpose)?;
        Ok(disk.write(&mut self.encoder, batch)?)
    }

    fn read_from(&self, from: Position, visit: &mut Visit<'_>) -> Result<ReadEnd, StoreError> {
        let Disk { bytes, offsets, .. } = &*self.disk.disk();
        let start = usize::try_from(from.0).unwrap_or(usize::MAX).min(offsets.len());
        for (read, offset) in offsets[start..].iter().enumerate() {
            if visit(record(&bytes[*offset..])).is_break() {
                let next = Position((start + read + 1) as u64);
                return Ok(ReadEnd { next, skipped: Vec::new() });
            }
        }
        Ok(ReadEnd { next: Position(offsets.len() as u64), skipped: Vec::new() })
    }

    fn put_snapshot(&mut self, claim: Claim, snapshot: &Snapshot) -> Result<(), StoreError> {
        let mut disk = self.disk.disk();
        let actual = disk.position();
        disk.check(self.partition, Claim { expected: actual, ..claim })?;
        if snapshot.position > actual {
            return Err(StoreError::UnexpectedPosition { expected: snapshot.position, actual });
        }
        disk.snapshots.retain(|held| held.position != snapshot.position);
        disk.snapshots.push(snapshot.clone());
        disk.snapshots.sort_by_key(|held| held.position);
        let surplus = disk.snapshots.len().saturating_sub(SNAPSHOTS_KEPT);
        disk.snapshots.drain(..surplus);
        Ok(())
    }

    fn latest_snapshot(&self) -> Result<LatestSnapshot, StoreError> {
        let snapshot = self.disk.disk().snapshots.last().cloned();
        Ok(LatestSnapshot { snapshot, damaged: Vec::<Damage>::new() })
    }
}

impl Disk {
    fn position(&self) -> Position {
        Position(self.offsets.len() as u64)
    }

    fn check(&self, held: Partition, claim: Claim) -> Result<(), StoreError> {
        if claim.partition != held {
            return Err(StoreError::WrongPartition { asked: claim.partition, held });
        }
        if claim.epoch != self.epoch {
            return Err(StoreError::Fenced { held_by: self.epoch });
        }
        let actual = self.position();
        if claim.expected != actual {
            return Err(StoreError::UnexpectedPosition { expected: claim.expected, actual });
        }
        Ok(())
    }

    fn secure(&self, bytes: u64, purpose: Purpose) -> Result<(), StoreError> {
        let needed = match purpose {
            Purpose::Intake => bytes.saturating_add(RESERVE_BYTES),
            Purpose::Control => bytes,
        };
        if needed > self.free_bytes {
            return Err(StoreError::NoSpace { bytes, purpose });
        }
        Ok(())
    }

    fn write(&mut self, encoder: &mut Encoder, batch: &Batch) -> Result<Position, FileError> {
        let place = Place { id: id(), first: self.position(), epoch: self.epoch, link_before: self.link };
        let Self { bytes, offsets, salts, .. } = self;
        let encoded = encoder.encode(place, batch.iter(), &mut |salt| salts.fill(salt));
        let (frames, link) = encoded.expect("a counter never fails");
        let mut offset = bytes.len();
        bytes.extend_from_slice(frames);
        for draft in batch.iter() {
            offsets.push(offset);
            let frame = frame::frame_bytes(draft.class, draft.head.len(), draft.payload.len());
            offset += usize::try_from(frame).expect("frames fit in memory");
        }
        self.link = link;
        self.free_bytes = match self.free_bytes {
            u64::MAX => u64::MAX,
            limited => limited - batch.encoded_bytes(),
        };
        Ok(self.position())
    }
}

fn id() -> FrameId {
    FrameId::new(HistoryId([0; 16]), 1)
}

fn record(frame: &[u8]) -> Record<'_> {
    let header = frame::decode(id(), frame).expect("memory keeps what was written");
    debug_assert_ne!(header.what, What::Seal);
    let body = &frame[HEADER_BYTES as usize..][..header.body_bytes as usize];
    Record {
        position: header.position,
        kind: header.kind,
        at_micros: header.at,
        class: header.class(),
        body: header.split(body),
    }
}

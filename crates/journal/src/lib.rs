//! The durable journal: everything that arrives and everything that was drawn from it is written
//! here first, and nothing leaves the gateway before it is.
//!
//! It holds numbered records in batches that are committed as a whole, snapshots, bodies too long
//! for a record, and configurations. It knows bytes, not meaning: not what an input or a fact is.
//! Blocking, without threads and without a clock of its own; one thread, the writer, owns it.
//! Records come from the gateway's writer; they go back to it after a crash, to the views, to
//! `wanglou verify` and to `wanglou backtest`.
//!
//! - [`Store`] is the contract, [`contract`] its executable clauses.
//! - [`SegmentLog`] is the embedded store, [`MemoryStore`] the simulation's.
//! - [`files`] is the only way to the file system, so that power cuts can be replayed.

mod age;
mod backup;
mod batches;
mod blobs;
mod configs;
pub mod contract;
pub mod files;
mod frame;
mod layout;
mod log;
mod memory;
mod meta;
mod open;
mod read;
mod record;
mod salt;
mod scan;
mod segment;
mod snapshots;
mod space;
mod store;
mod verify;
mod walk;

pub use age::{Dropped, Erased};
pub use backup::{Copied, CopyError};
pub use blobs::{Blob, BlobId, Blobs};
pub use configs::{Config, ConfigHash, Configs, FileSet};
pub use frame::{SEAL_BYTES, frame_bytes};
pub use log::{History, Options, SegmentLog};
pub use memory::{MemoryDisk, MemoryStore};
pub use open::{Left, OpenError, Recovery, SEGMENT_BYTES_MIN, Truncated};
pub use read::Reader;
pub use record::{
    Batch, Body, Class, Draft, Epoch, HEAD_BYTES_MAX, HistoryId, PAYLOAD_BYTES_MAX, Partition, Position,
    Record, RecordTooLarge,
};
pub use salt::{CounterSalt, OsSalt, SaltSource};
pub use store::{
    Claim, Damage, FileError, LatestSnapshot, Purpose, ReadEnd, Snapshot, Store, StoreError, Visit,
};
pub use verify::{VerifyReport, verify};

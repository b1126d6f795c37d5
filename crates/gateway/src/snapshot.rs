//! The gateway's state at a position: the engine's, and who may come in.
//!
//! ```text
//! u32 LE length of the engine's part │ engine (its own JSON) │ access (JSON)
//! ```

use crate::access::Access;
use crate::writer::{Parts, WriterError};
use std::sync::Arc;
use wanglou_engine::{Engine, Setup, SnapshotError};
use wanglou_journal::{Snapshot, Store};

/// The format of the whole.
const VERSION: u32 = 1;

/// Why a snapshot cannot be used; the journal is then read from an older one, or from its beginning.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// A newer program wrote it.
    #[error("it has version {0}, this program reads {VERSION}: start the newer program")]
    Newer(u32),
    /// It is cut short.
    #[error("it is shorter than it says")]
    Short,
    /// The engine's part.
    #[error("{0}")]
    Engine(#[from] SnapshotError),
    /// The rest.
    #[error("{0}")]
    Access(#[from] serde_json::Error),
}

pub(crate) fn write(parts: &Parts, access: &Access) -> Result<Snapshot, WriterError> {
    let engine = parts.engine.snapshot()?;
    let access = serde_json::to_vec(access).map_err(SnapshotError::from)?;
    let mut state = Vec::with_capacity(4 + engine.len() + access.len());
    let length = u32::try_from(engine.len()).expect("an engine's state stays below 4 GiB");
    state.extend_from_slice(&length.to_le_bytes());
    state.extend_from_slice(&engine);
    state.extend_from_slice(&access);
    let config = config_bytes(parts.decisive.hash());
    Ok(Snapshot { position: parts.log.position(), config, version: VERSION, state })
}

/// Reads a snapshot's state.
///
/// # Errors
/// [`Unusable`].
pub fn read(snapshot: &Snapshot, setup: Arc<Setup>) -> Result<(Engine, Access), Unusable> {
    if snapshot.version != VERSION {
        return Err(Unusable::Newer(snapshot.version));
    }
    let (length, rest) = snapshot.state.split_first_chunk::<4>().ok_or(Unusable::Short)?;
    let (engine, access) =
        rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(Unusable::Short)?;
    Ok((Engine::restore(setup, engine)?, serde_json::from_slice(access)?))
}

/// A configuration's hash as bytes; zero for text that is none.
pub(crate) fn config_bytes(hash: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(hash.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(pair).unwrap_or("00");
        *byte = u8::from_str_radix(digits, 16).unwrap_or(0);
    }
    bytes
}

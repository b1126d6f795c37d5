//! The gateway's state at a position: the engine's, who may come in, and what decoding remembers.
//!
//! ```text
//! version 1   u32 LE length of the engine's part │ engine (its own JSON) │ access (JSON)
//! version 2   the same │ u32 LE length of the access part before it │ … │ decoding (JSON)
//!             i.e. length │ engine │ length │ access │ decoding
//! ```

use crate::access::Access;
use crate::writer::{Parts, WriterError};
use std::sync::Arc;
use wanglou_engine::{Engine, Setup, SnapshotError};
use wanglou_journal::{Snapshot, Store};
use wanglou_profiles::DecodeState;

/// The format of the whole.
const VERSION: u32 = 2;
/// Before decoding remembered anything.
const WITHOUT_DECODING: u32 = 1;

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
    let decoding = serde_json::to_vec(&parts.decoding).map_err(SnapshotError::from)?;
    let mut state = Vec::with_capacity(8 + engine.len() + access.len() + decoding.len());
    for part in [&engine, &access] {
        let length = u32::try_from(part.len()).expect("each part of the state stays below 4 GiB");
        state.extend_from_slice(&length.to_le_bytes());
        state.extend_from_slice(part);
    }
    state.extend_from_slice(&decoding);
    let config = config_bytes(parts.decisive.hash());
    Ok(Snapshot { position: parts.log.position(), config, version: VERSION, state })
}

/// Reads a snapshot's state.
///
/// # Errors
/// [`Unusable`].
pub fn read(snapshot: &Snapshot, setup: Arc<Setup>) -> Result<(Engine, Access, DecodeState), Unusable> {
    let (engine, rest) = match snapshot.version {
        WITHOUT_DECODING | VERSION => part(&snapshot.state)?,
        newer => return Err(Unusable::Newer(newer)),
    };
    let (access, decoding) = match snapshot.version {
        WITHOUT_DECODING => (rest, DecodeState::default()),
        _ => {
            let (access, decoding) = part(rest)?;
            (access, serde_json::from_slice(decoding)?)
        }
    };
    Ok((Engine::restore(setup, engine)?, serde_json::from_slice(access)?, decoding))
}

/// A part with its length before it, and what follows.
fn part(state: &[u8]) -> Result<(&[u8], &[u8]), Unusable> {
    let (length, rest) = state.split_first_chunk::<4>().ok_or(Unusable::Short)?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(Unusable::Short)
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

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_journal::Position;

    fn snapshot(version: u32, state: Vec<u8>) -> Snapshot {
        Snapshot { position: Position::FIRST, config: [0; 32], version, state }
    }

    #[test]
    fn a_snapshot_of_the_version_before_is_read_and_one_of_the_next_is_not() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/gateway.toml");
        let setup = crate::configuration::load(&folder).expect("without faults").decisive.setup;
        let engine = Engine::new(Arc::clone(&setup)).snapshot().expect("a snapshot");
        let length = u32::try_from(engine.len()).expect("small").to_le_bytes();
        let access = serde_json::to_vec(&Access::default()).expect("JSON");
        let old = [&length[..], &engine, &access].concat();
        let (_, _, decoding) = read(&snapshot(1, old.clone()), Arc::clone(&setup)).expect("readable");
        assert!(decoding.is_empty());
        let long = u32::try_from(access.len()).expect("small").to_le_bytes();
        let new = [&length[..], &engine, &long, &access, b"{}"].concat();
        assert!(read(&snapshot(2, new), Arc::clone(&setup)).is_ok());
        assert!(matches!(read(&snapshot(2, old), Arc::clone(&setup)), Err(Unusable::Short)));
        assert!(matches!(read(&snapshot(3, Vec::new()), setup), Err(Unusable::Newer(3))));
    }
}

//! Pictures that come inside of messages: taken out, hashed, and handed to whoever keeps evidence.

use crate::chain::base64;
use crate::json::Token;
use crate::value::evidence_of;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use wanglou_model::Evidence;

/// A picture or clip that stood inside of a message. Observations know its SHA-256 and length, never its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// SHA-256 of the bytes in lower-case hex, as the observation's evidence has it.
    pub sha256: String,
    /// The bytes themselves.
    pub bytes: Vec<u8>,
}

/// Pieces of one message; of more, the value is unknown.
const PIECES_MAX: usize = 16;

/// The pictures of the message at hand. Empty, it costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Pictures {
    /// Where in memory each one stood, so that the rules of a message hash it once.
    seen: Vec<(usize, usize, Evidence)>,
    pub(crate) blobs: Vec<Blob>,
}

impl Pictures {
    /// An address, or the picture itself, in base64. `left` is what decoding may still put out, in bytes.
    pub(crate) fn take(&mut self, token: &Token<'_>, left: &mut usize) -> Option<Evidence> {
        if let Some(evidence) = evidence_of(token) {
            return Some(evidence);
        }
        let place = (token.text.as_ptr() as usize, token.text.len());
        if let Some((_, _, evidence)) = self.seen.iter().find(|(at, length, _)| (*at, *length) == place) {
            return Some(evidence.clone());
        }
        if self.seen.len() >= PIECES_MAX || token.text.len() / 4 * 3 > *left {
            return None;
        }
        let bytes = base64(token.scalar()?.as_bytes()).ok().filter(|bytes| !bytes.is_empty())?;
        *left = left.checked_sub(bytes.len())?;
        let evidence =
            Evidence { uri: None, sha256: Some(sha256(&bytes)), bytes: u64::try_from(bytes.len()).ok() };
        self.seen.push((place.0, place.1, evidence.clone()));
        let sha256 = evidence.sha256.clone().unwrap_or_default();
        if self.blobs.iter().all(|blob| blob.sha256 != sha256) {
            self.blobs.push(Blob { sha256, bytes });
        }
        Some(evidence)
    }
}

/// In lower-case hex.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

//! gzip (RFC 1952), with a bound on what comes out.

use flate2::read::GzDecoder;
use std::io::Read;

/// Inflates at most `max` bytes.
///
/// # Errors
/// When it is no gzip, is damaged, or becomes longer than that.
pub(super) fn inflate(bytes: &[u8], max: usize) -> Result<Vec<u8>, String> {
    let mut out = vec![];
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let read = GzDecoder::new(bytes).take(limit).read_to_end(&mut out);
    match read {
        Err(error) => Err(format!("not gzip: {error}")),
        Ok(_) if out.len() > max => Err(super::out::too_much()),
        Ok(_) => Ok(out),
    }
}

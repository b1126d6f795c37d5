//! Is a message that nobody understood understood by now?

use crate::configuration::Decisive;
use crate::quarantine::Entry;
use wanglou_model::{Decoded, RawMessage};

/// With this configuration its topic would not be in the quarantine: a profile knows the sample, and every device in
/// it is registered, or it is ignored on purpose. Decoded by itself: what needs earlier messages to be understood
/// (Sparkplug's aliases) is not.
pub fn is_understood(decisive: &Decisive, entry: &Entry) -> bool {
    let raw = RawMessage {
        topic: &entry.topic,
        payload: &entry.sample,
        at: entry.last_at,
        retain: false,
        dup: false,
    };
    match decisive.profiles.decode(&raw) {
        Decoded::Observations(said) => said.iter().all(|said| decisive.setup.device_of(said).is_some()),
        Decoded::Ignored(_) => true,
        Decoded::Unmatched(_) | Decoded::Rejected { .. } => false,
    }
}

//! What nobody understood: unknown topics, malformed payloads, devices that are not registered. A bounded memory of
//! samples, for the property manager to wire in.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wanglou_model::Timestamp;

/// Topics that are remembered; the one unheard for longest goes first.
pub const TOPICS_MAX: usize = 1_000;
/// Of a payload so much is kept, bytes.
pub const SAMPLE_BYTES_MAX: usize = 2 << 10;

/// Why something is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No profile knows the topic or the payload.
    Unmatched,
    /// A profile knows it, and it is malformed, or too large.
    Rejected,
    /// It is understood, and the device is not in the registry.
    Unregistered,
}

impl Why {
    /// The name in metrics and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Why::Unmatched => "unmatched",
            Why::Rejected => "rejected",
            Why::Unregistered => "unregistered",
        }
    }
}

/// One topic.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The topic.
    pub topic: String,
    /// Why it is here.
    pub why: Why,
    /// In words.
    pub reason: String,
    /// The profile that knows it, if one does.
    pub profile: Option<String>,
    /// How many messages.
    pub count: u64,
    /// The first one.
    pub first_at: Timestamp,
    /// The latest one.
    pub last_at: Timestamp,
    /// The beginning of the latest payload.
    pub sample: Vec<u8>,
    /// The length of the latest payload.
    pub bytes: u64,
}

/// The memory.
#[derive(Debug, Default)]
pub struct Quarantine {
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl Quarantine {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[expect(clippy::too_many_arguments, reason = "what an entry says, in its order")]
    /// Notes a message. `bytes` is its real length, where only a part of it is at hand.
    pub fn note(
        &self,
        at: Timestamp,
        topic: &str,
        payload: &[u8],
        bytes: u64,
        why: Why,
        reason: &str,
        profile: Option<&str>,
    ) {
        let mut entries = self.lock();
        let sample = payload[..payload.len().min(SAMPLE_BYTES_MAX)].to_vec();
        if let Some(entry) = entries.get_mut(topic) {
            entry.count += 1;
            (entry.last_at, entry.sample, entry.bytes) = (at, sample, bytes);
            (entry.why, entry.reason, entry.profile) = (why, reason.to_owned(), profile.map(str::to_owned));
            return;
        }
        if entries.len() >= TOPICS_MAX {
            let oldest = entries.values().min_by_key(|entry| entry.last_at).map(|entry| entry.topic.clone());
            if let Some(topic) = oldest {
                entries.remove(&topic);
            }
        }
        let entry = Entry {
            topic: topic.to_owned(),
            why,
            reason: reason.to_owned(),
            profile: profile.map(str::to_owned),
            count: 1,
            first_at: at,
            last_at: at,
            sample,
            bytes,
        };
        entries.insert(topic.to_owned(), entry);
    }

    /// Everything, the latest first.
    pub fn entries(&self) -> Vec<Entry> {
        let mut all: Vec<Entry> = self.lock().values().cloned().collect();
        all.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.topic.cmp(&b.topic)));
        all
    }

    /// Drops what was not heard since `before`: the age limit of bodies binds samples too.
    pub fn forget(&self, before: Timestamp) {
        self.lock().retain(|_, entry| entry.last_at >= before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_topic_unheard_for_longest_goes_at_the_limit() {
        let quarantine = Quarantine::default();
        let note = |n: usize| {
            quarantine.note(Timestamp(n as i64), &format!("t{n}"), b"x", 1, Why::Unmatched, "r", None)
        };
        (0..TOPICS_MAX).for_each(note);
        quarantine.note(Timestamp(5_000), "t0", b"y", 1, Why::Rejected, "again", Some("p"));
        note(TOPICS_MAX + 1);
        let all = quarantine.entries();
        assert_eq!(all.len(), TOPICS_MAX);
        assert_eq!((all[0].topic.as_str(), all[0].count, all[0].why), ("t0", 2, Why::Rejected));
        assert!(!all.iter().any(|entry| entry.topic == "t1"));
    }

    #[test]
    fn a_sample_is_cut_and_its_length_is_told() {
        let quarantine = Quarantine::default();
        quarantine.note(Timestamp(0), "t", &[b'a'; 5000], 5000, Why::Unmatched, "r", None);
        let entry = &quarantine.entries()[0];
        assert_eq!((entry.sample.len(), entry.bytes), (SAMPLE_BYTES_MAX, 5000));
    }
}

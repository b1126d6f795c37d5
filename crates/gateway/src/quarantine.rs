//! What nobody understood: unknown topics, malformed payloads, devices that are not registered. A bounded memory of
//! samples, for the property manager to wire in. The views' thread spills it to disk each minute and reads it back at
//! the start; what was noted since the last spill is lost with a crash, and shows up again with the next message.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wanglou_model::{Reason, Timestamp};

/// Topics that are remembered; the one unheard for longest goes first.
pub const TOPICS_MAX: usize = 1_000;
/// Of a payload so much is kept, bytes.
pub const SAMPLE_BYTES_MAX: usize = 2 << 10;
/// Of a topic so much is kept, bytes: MQTT allows 64 KiB.
pub const TOPIC_BYTES_MAX: usize = 1 << 10;
/// Of a reason so much is kept in each language, bytes: it may quote the payload.
const REASON_BYTES_MAX: usize = 600;

/// Why something is here.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "WhyQuarantined")]
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "QuarantineEntry")]
pub struct Entry {
    /// The topic, cut at [`TOPIC_BYTES_MAX`].
    pub topic: String,
    /// Why it is here.
    pub why: Why,
    /// The same in words.
    #[schemars(with = "crate::http::ReasonShape")]
    pub reason: Reason,
    /// The profile that knows it, if one does.
    pub profile: Option<String>,
    /// How many messages.
    pub count: u64,
    /// The first one; microseconds since 1970.
    #[schemars(with = "i64")]
    pub first_at: Timestamp,
    /// The latest one.
    #[schemars(with = "i64")]
    pub last_at: Timestamp,
    /// The beginning of the latest payload.
    pub sample: Vec<u8>,
    /// The length of the latest payload.
    pub bytes: u64,
}

impl Entry {
    /// Messages a minute, over the time in which they came, which counts as a minute at least; one decimal.
    pub fn rate_per_min(&self) -> f64 {
        let minutes = ((self.last_at - self.first_at).as_secs_f64() / 60.0).max(1.0);
        (self.count as f64 / minutes * 10.0).round() / 10.0
    }

    /// Whether the sample is only the beginning of the payload.
    pub fn is_cut(&self) -> bool {
        self.sample.len() as u64 != self.bytes
    }

    /// The sample as text, where it is one; hexadecimal digits otherwise. A character that was cut in two at the
    /// end is left out.
    pub fn text(&self) -> Result<&str, String> {
        let text = match std::str::from_utf8(&self.sample) {
            Ok(text) => Some(text),
            Err(error) if self.is_cut() && error.error_len().is_none() => {
                std::str::from_utf8(&self.sample[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        let hex = || self.sample.iter().map(|byte| format!("{byte:02x}")).collect();
        text.filter(|text| !text.contains('\0')).ok_or_else(hex)
    }
}

/// What a spill writes and removes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Spill {
    /// Entries that are new or changed since the last one.
    pub put: Vec<Entry>,
    /// Topics that are gone since the last one.
    pub remove: Vec<String>,
}

/// The memory.
#[derive(Debug, Default)]
pub struct Quarantine {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: BTreeMap<String, Entry>,
    /// Topics in memory that the disk does not have as they are.
    unspilled: BTreeSet<String>,
    /// Topics that the disk has: at most as many as there were in memory at the last spill.
    on_disk: BTreeSet<String>,
    restored: bool,
}

impl Quarantine {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
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
        mut reason: Reason,
        profile: Option<&str>,
    ) {
        let topic = cut(topic, TOPIC_BYTES_MAX);
        for text in [&mut reason.text.zh, &mut reason.text.en] {
            text.truncate(cut(text, REASON_BYTES_MAX).len());
        }
        let sample = payload[..payload.len().min(SAMPLE_BYTES_MAX)].to_vec();
        let mut inner = self.lock();
        inner.unspilled.insert(topic.to_owned());
        if let Some(entry) = inner.entries.get_mut(topic) {
            entry.count += 1;
            (entry.last_at, entry.sample, entry.bytes) = (at, sample, bytes);
            (entry.why, entry.reason, entry.profile) = (why, reason, profile.map(str::to_owned));
            return;
        }
        inner.make_room();
        let entry = Entry {
            topic: topic.to_owned(),
            why,
            reason,
            profile: profile.map(str::to_owned),
            count: 1,
            first_at: at,
            last_at: at,
            sample,
            bytes,
        };
        inner.entries.insert(topic.to_owned(), entry);
    }

    /// How many topics there are.
    pub fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everything, the latest first.
    pub fn entries(&self) -> Vec<Entry> {
        let mut all: Vec<Entry> = self.lock().entries.values().cloned().collect();
        all.sort_by(|a, b| b.last_at.cmp(&a.last_at).then_with(|| a.topic.cmp(&b.topic)));
        all
    }

    /// Drops what is understood by now: after a change of the configuration. What was noted while `understood` looked
    /// stays, and so does a sample that was cut, for nobody can tell.
    pub fn settle(&self, understood: impl Fn(&Entry) -> bool) {
        let settled: Vec<Entry> =
            self.entries().into_iter().filter(|entry| !entry.is_cut() && understood(entry)).collect();
        let mut inner = self.lock();
        for entry in settled {
            let topic = &entry.topic;
            if inner.entries.get(topic).is_some_and(|now| now.count == entry.count) {
                inner.entries.remove(topic);
                inner.unspilled.remove(topic);
            }
        }
    }

    /// Drops what was not heard since `before`: the age limit of bodies binds samples too, here and on disk.
    pub fn forget(&self, before: Timestamp) {
        let mut inner = self.lock();
        inner.entries.retain(|_, entry| entry.last_at >= before);
        let Inner { entries, unspilled, .. } = &mut *inner;
        unspilled.retain(|topic| entries.contains_key(topic));
    }

    /// Takes over what an earlier run left on disk, once: `kept` beside what was noted already. Whoever opens the
    /// disk's copy again has an empty one, and is given everything with the next spill.
    pub fn restore(&self, kept: Vec<Entry>, before: Timestamp) {
        let mut inner = self.lock();
        let first = !std::mem::replace(&mut inner.restored, true);
        inner.on_disk = kept.iter().map(|entry| entry.topic.clone()).collect();
        inner.unspilled = inner.entries.keys().cloned().collect();
        if !first {
            return;
        }
        for entry in kept.into_iter().filter(|entry| entry.last_at >= before) {
            if let Some(noted) = inner.entries.get_mut(&entry.topic) {
                noted.count += entry.count;
                noted.first_at = noted.first_at.min(entry.first_at);
            } else {
                inner.make_room();
                inner.entries.insert(entry.topic.clone(), entry);
            }
        }
    }

    /// What the disk lacks. A spill that fails is followed by [`Quarantine::restore`].
    pub fn spill(&self) -> Spill {
        let mut inner = self.lock();
        let Inner { entries, unspilled, on_disk, .. } = &mut *inner;
        let put = std::mem::take(unspilled).iter().filter_map(|topic| entries.get(topic).cloned()).collect();
        let remove = on_disk.iter().filter(|topic| !entries.contains_key(*topic)).cloned().collect();
        *on_disk = entries.keys().cloned().collect();
        Spill { put, remove }
    }
}

impl Inner {
    fn make_room(&mut self) {
        if self.entries.len() < TOPICS_MAX {
            return;
        }
        let oldest = self.entries.values().min_by_key(|entry| entry.last_at).map(|entry| entry.topic.clone());
        if let Some(topic) = oldest {
            self.entries.remove(&topic);
            self.unspilled.remove(&topic);
        }
    }
}

/// The beginning of a text, at most so many bytes, whole characters.
fn cut(text: &str, bytes_max: usize) -> &str {
    let mut end = text.len().min(bytes_max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(quarantine: &Quarantine, at: i64, topic: &str, why: Why) {
        let reason = Reason::new("r", "原因", "reason");
        quarantine.note(Timestamp(at), topic, b"x", 1, why, reason, None);
    }

    fn topics(entries: &[Entry]) -> Vec<&str> {
        entries.iter().map(|entry| entry.topic.as_str()).collect()
    }

    #[test]
    fn the_topic_unheard_for_longest_goes_at_the_limit() {
        let quarantine = Quarantine::default();
        for n in 0..TOPICS_MAX {
            note(&quarantine, n as i64, &format!("t{n}"), Why::Unmatched);
        }
        note(&quarantine, 5_000, "t0", Why::Rejected);
        note(&quarantine, 1_001, "new", Why::Unmatched);
        let all = quarantine.entries();
        assert_eq!(all.len(), TOPICS_MAX);
        assert_eq!((all[0].topic.as_str(), all[0].count, all[0].why), ("t0", 2, Why::Rejected));
        assert!(!all.iter().any(|entry| entry.topic == "t1"));
        assert_eq!(quarantine.spill().put.len(), TOPICS_MAX, "what went is not written");
    }

    #[test]
    fn samples_topics_and_reasons_are_cut_and_the_length_is_told() {
        let quarantine = Quarantine::default();
        let long = "楼".repeat(30_000);
        let reason = Reason::new("r", long.clone(), long.clone());
        quarantine.note(Timestamp(0), &long, &[b'a'; 5000], 5000, Why::Unmatched, reason, None);
        let entry = &quarantine.entries()[0];
        assert_eq!((entry.sample.len(), entry.bytes), (SAMPLE_BYTES_MAX, 5000));
        assert_eq!((entry.topic.len(), entry.reason.text.zh.len()), (1023, 600), "whole characters");
    }

    #[test]
    fn a_spill_says_what_changed_since_the_last_one() {
        let quarantine = Quarantine::default();
        note(&quarantine, 1, "a", Why::Unmatched);
        note(&quarantine, 2, "b", Why::Unmatched);
        assert_eq!(topics(&quarantine.spill().put), ["a", "b"]);
        assert_eq!(quarantine.spill(), Spill::default());
        note(&quarantine, 3, "b", Why::Unmatched);
        quarantine.forget(Timestamp(2));
        let Spill { put, remove } = quarantine.spill();
        assert_eq!((topics(&put), remove), (vec!["b"], vec!["a".to_owned()]), "age limits bind the disk too");
    }

    #[test]
    fn what_is_understood_by_now_goes_unless_it_was_cut_or_heard_again() {
        let quarantine = Quarantine::default();
        for topic in ["a", "b", "again"] {
            note(&quarantine, 1, topic, Why::Unmatched);
        }
        let reason = Reason::new("r", "原因", "reason");
        quarantine.note(Timestamp(2), "cut", &[b'x'; 3000], 3000, Why::Unmatched, reason, None);
        quarantine.settle(|entry| {
            if entry.topic == "again" {
                note(&quarantine, 3, "again", Why::Rejected);
            }
            entry.topic != "b"
        });
        assert_eq!(topics(&quarantine.entries()), ["again", "cut", "b"]);
        assert_eq!(topics(&quarantine.spill().put), ["again", "b", "cut"]);
    }

    #[test]
    fn what_an_earlier_run_left_is_taken_over_once_and_not_when_it_is_too_old() {
        let earlier = Quarantine::default();
        for (at, topic) in [(1, "old"), (10, "a"), (11, "b")] {
            note(&earlier, at, topic, Why::Unmatched);
        }
        let kept = earlier.spill().put;
        let quarantine = Quarantine::default();
        note(&quarantine, 20, "a", Why::Rejected);
        quarantine.restore(kept.clone(), Timestamp(5));
        let all = quarantine.entries();
        assert_eq!(topics(&all), ["a", "b"]);
        assert_eq!((all[0].count, all[0].first_at, all[0].why), (2, Timestamp(10), Why::Rejected));
        assert_eq!(quarantine.spill().remove, ["old"]);
        // The disk's copy was damaged and is begun anew: nothing counts twice, and all of it is written again.
        quarantine.restore(vec![], Timestamp(5));
        assert_eq!(quarantine.entries(), all);
        assert_eq!(quarantine.spill().put.len(), 2);
    }
}

//! Events seen lately: a redelivery is told from a second event.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use wanglou_model::{DeviceId, Span, Timestamp};

/// How many events are remembered; the oldest is forgotten first. More than a broker holds in flight, and more
/// than one journal batch can carry between two acknowledgements.
pub(crate) const EVENTS_MAX: usize = 65_536;
/// A message without an id and without a time is a redelivery only within this time, and only if marked so.
const CONTENT_WITHIN: Span = Span::mins(10);

/// The memory of events.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, Timestamp)>", into = "Vec<(u64, Timestamp)>")]
pub struct Recent {
    order: VecDeque<(u64, Timestamp)>,
    seen: BTreeMap<u64, Timestamp>,
}

impl Recent {
    /// Has this very event, told by its key, been seen before? Remembers it.
    pub(crate) fn is_repeat(&mut self, device: &DeviceId, key: &str, at: Timestamp) -> bool {
        self.remember(hash(device, 'k', key), at).is_some()
    }

    /// Has the same content been seen within ten minutes, and does the broker say that it repeats itself?
    pub(crate) fn is_redelivery(
        &mut self,
        device: &DeviceId,
        content: &str,
        dup: bool,
        at: Timestamp,
    ) -> bool {
        let before = self.remember(hash(device, 'c', content), at);
        dup && before.is_some_and(|before| at - before <= CONTENT_WITHIN)
    }

    fn remember(&mut self, hash: u64, at: Timestamp) -> Option<Timestamp> {
        let before = self.seen.insert(hash, at);
        if before.is_none() {
            self.order.push_back((hash, at));
        }
        if self.order.len() > EVENTS_MAX
            && let Some((oldest, _)) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        before
    }
}

fn hash(device: &DeviceId, class: char, key: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(device.as_str().as_bytes()).update(&[0, class as u8]).update(key.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
}

impl From<Vec<(u64, Timestamp)>> for Recent {
    fn from(list: Vec<(u64, Timestamp)>) -> Self {
        Self { seen: list.iter().copied().collect(), order: list.into() }
    }
}

impl From<Recent> for Vec<(u64, Timestamp)> {
    fn from(recent: Recent) -> Self {
        let latest = |(hash, at): &(u64, Timestamp)| (*hash, recent.seen.get(hash).copied().unwrap_or(*at));
        recent.order.iter().map(latest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_a_second_event_unless_the_broker_says_otherwise() {
        let (mut recent, device) = (Recent::default(), DeviceId::parse("d").expect("an id"));
        assert!(!recent.is_redelivery(&device, "open", false, Timestamp(0)));
        assert!(!recent.is_redelivery(&device, "open", false, Timestamp(1)));
        assert!(recent.is_redelivery(&device, "open", true, Timestamp(2)));
        let later = Timestamp(2) + Span::mins(11);
        assert!(!recent.is_redelivery(&device, "open", true, later));
        assert!(!recent.is_repeat(&device, "e1", Timestamp(0)));
        assert!(recent.is_repeat(&device, "e1", later));
    }

    #[test]
    fn the_oldest_event_is_forgotten_at_the_limit() {
        let (mut recent, device) = (Recent::default(), DeviceId::parse("d").expect("an id"));
        for n in 0..=EVENTS_MAX {
            assert!(!recent.is_repeat(&device, &n.to_string(), Timestamp(0)));
        }
        assert!(!recent.is_repeat(&device, "0", Timestamp(0)), "forgotten");
        assert!(recent.is_repeat(&device, &EVENTS_MAX.to_string(), Timestamp(0)), "still known");
        assert_eq!(recent.order.len(), recent.seen.len());
    }
}

//! Events seen lately: a redelivery is told from a second event.

use crate::senses::Sighting;
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::io::Write as _;
use wanglou_model::{Observation, Span, Timestamp};

/// How many events are remembered; the oldest is forgotten first. More than a broker holds in flight, and more
/// than one journal batch can carry between two acknowledgements.
pub(crate) const EVENTS_MAX: usize = 65_536;
/// A message without an id and without a time is a redelivery only within this time, and only if marked so.
const CONTENT_WITHIN: Span = Span::mins(10);

/// The memory of events.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(u64, Timestamp)>", into = "Vec<(u64, Timestamp)>")]
pub struct Recent {
    /// The first seen first.
    order: VecDeque<u64>,
    /// When each was seen last.
    seen: Table<u64, Timestamp>,
    /// What is hashed, in one buffer for all messages.
    text: Vec<u8>,
}

impl Recent {
    /// Has this very event, told by its id or its time, been seen before? Remembers it.
    ///
    /// Begin and end of one event carry the same id; a redelivery carries the same content too.
    pub(crate) fn is_repeat(&mut self, sighting: &Sighting, at: Timestamp) -> bool {
        let (device, said) = (sighting.id.as_str(), sighting.said);
        self.begin(device, b'k');
        self.text.extend_from_slice(said.reading.kind().as_bytes());
        self.text.push(b':');
        match (&said.event, said.at_device) {
            (Some(event), _) => self.text.extend_from_slice(event.as_bytes()),
            (None, Some(time)) => {
                let _ = write!(self.text, "{}:", time.0);
                self.content(said);
            }
            (None, None) => {}
        }
        self.text.push(b':');
        self.content(said);
        let hash = self.hash();
        self.remember(hash, at).is_some()
    }

    /// Has this event's id been seen before, whatever was said under it? Remembers it. Begin and end of one event would be
    /// two statements of one kind under one id: only for senders whose profile says that they never do that.
    pub(crate) fn is_id_known(&mut self, sighting: &Sighting, event: &str, at: Timestamp) -> bool {
        self.begin(sighting.id.as_str(), b'i');
        self.text.extend_from_slice(sighting.said.reading.kind().as_bytes());
        self.text.push(b':');
        self.text.extend_from_slice(event.as_bytes());
        let hash = self.hash();
        self.remember(hash, at).is_some()
    }

    /// Has the same content been seen within ten minutes, and does the broker say that it repeats itself?
    pub(crate) fn is_redelivery(&mut self, sighting: &Sighting, dup: bool, at: Timestamp) -> bool {
        self.begin(sighting.id.as_str(), b'c');
        self.content(sighting.said);
        // Only with the broker's word, so nobody gains by making one content look like another: a quick hash will do.
        let hash = foldhash::quality::FixedState::default().hash_one(&self.text);
        let before = self.remember(hash, at);
        dup && before.is_some_and(|before| at - before <= CONTENT_WITHIN)
    }

    /// Has the device said the same within this time of the first? It sends everything several times.
    ///
    /// The time is counted from the first one, so that a device which says the same for ever is heard again.
    pub(crate) fn is_echo(&mut self, sighting: &Sighting, within: Span, at: Timestamp) -> bool {
        self.begin(sighting.id.as_str(), b'e');
        self.content(sighting.said);
        let hash = self.hash();
        if self.seen.get(&hash).is_some_and(|first| at - *first <= within) {
            return true;
        }
        self.remember(hash, at);
        false
    }

    fn begin(&mut self, device: &str, class: u8) {
        self.text.clear();
        self.text.extend_from_slice(device.as_bytes());
        self.text.extend_from_slice(&[0, class]);
    }

    fn content(&mut self, said: &Observation) {
        // Readings are plain data: writing them to memory cannot fail.
        let _ = serde_json::to_writer(&mut self.text, &said.reading);
    }

    fn hash(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&blake3::hash(&self.text).as_bytes()[..8]);
        u64::from_le_bytes(first)
    }

    fn remember(&mut self, hash: u64, at: Timestamp) -> Option<Timestamp> {
        let before = self.seen.insert(hash, at);
        if before.is_some() {
            return before;
        }
        // Before the new one enters: room for one more would double all of it.
        if self.order.len() == EVENTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.order.push_back(hash);
        None
    }
}

impl From<Vec<(u64, Timestamp)>> for Recent {
    fn from(list: Vec<(u64, Timestamp)>) -> Self {
        let mut seen = Table::default();
        for (hash, at) in &list {
            seen.insert(*hash, *at);
        }
        Self { seen, order: list.into_iter().map(|(hash, _)| hash).collect(), text: Vec::new() }
    }
}

impl From<Recent> for Vec<(u64, Timestamp)> {
    fn from(recent: Recent) -> Self {
        let with_time = |hash: &u64| recent.seen.get(hash).map(|at| (*hash, *at));
        recent.order.iter().filter_map(with_time).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::senses::Freshness;
    use wanglou_model::{Device, DeviceId, PlaceId, Purpose, Quality, Reading, Repeats};

    fn device() -> (DeviceId, Device) {
        let place = PlaceId::parse("door/1").expect("an id");
        let device = serde_json::json!({
            "profile": "wanglou", "identity": "d", "place": place, "purpose": Purpose::DoorContact
        });
        (DeviceId::parse("d").expect("an id"), serde_json::from_value(device).expect("a device"))
    }

    fn said(event: Option<&str>, time: Option<i64>, open: bool) -> Observation {
        Observation {
            device: "d".into(),
            reading: Reading::Contact { open: Some(open), opens: None },
            at_device: time.map(Timestamp),
            quality: Quality::Ok,
            event: event.map(str::to_owned),
            sequence: None,
            evidence: Vec::new(),
            repeats: Repeats::Count,
            profile: "wanglou".into(),
        }
    }

    fn with<T>(said: &Observation, ask: impl FnOnce(&Sighting) -> T) -> T {
        let (id, device) = device();
        let at = Timestamp(0);
        ask(&Sighting {
            id: &id,
            device: &device,
            home: None,
            said,
            occurred: at,
            freshness: Freshness::Fresh,
            duplicate: false,
            reused_id: false,
        })
    }

    #[test]
    fn a_device_that_sends_everything_six_times_is_heard_once_and_later_again() {
        let (mut recent, open) = (Recent::default(), said(None, None, true));
        let mut echo = |ms| {
            with(&open, |sighting| recent.is_echo(sighting, Span::millis(700), Timestamp::from_millis(ms)))
        };
        assert_eq!([0, 130, 650, 700, 701, 1400].map(&mut echo), [false, true, true, true, false, true]);
    }

    #[test]
    fn the_same_content_is_a_second_event_unless_the_broker_says_otherwise() {
        let (mut recent, open) = (Recent::default(), said(None, None, true));
        let mut redelivered = |dup, at| with(&open, |sighting| recent.is_redelivery(sighting, dup, at));
        assert!(!redelivered(false, Timestamp(0)));
        assert!(!redelivered(false, Timestamp(1)));
        assert!(redelivered(true, Timestamp(2)));
        assert!(!redelivered(true, Timestamp(2) + Span::mins(11)));
    }

    #[test]
    fn an_event_is_told_by_its_id_or_its_time_and_by_what_it_says() {
        let mut recent = Recent::default();
        let mut repeats =
            |said: &Observation| with(said, |sighting| recent.is_repeat(sighting, Timestamp(0)));
        assert!(!repeats(&said(Some("e1"), Some(5), true)));
        assert!(repeats(&said(Some("e1"), Some(6), true)), "the id tells it, whatever the time");
        assert!(!repeats(&said(Some("e1"), Some(5), false)), "its end has the same id");
        assert!(!repeats(&said(Some("e2"), Some(5), true)));
        assert!(!repeats(&said(None, Some(5), true)));
        assert!(!repeats(&said(None, Some(6), true)));
        assert!(repeats(&said(None, Some(6), true)));
    }

    #[test]
    fn the_oldest_event_is_forgotten_at_the_limit() {
        let mut recent = Recent::default();
        for n in 0..=EVENTS_MAX as u64 {
            assert_eq!(recent.remember(n, Timestamp(0)), None);
        }
        assert_eq!(recent.remember(0, Timestamp(0)), None, "forgotten");
        assert_eq!(recent.remember(EVENTS_MAX as u64, Timestamp(0)), Some(Timestamp(0)), "still known");
        assert_eq!(recent.order.len(), recent.seen.len());
    }
}

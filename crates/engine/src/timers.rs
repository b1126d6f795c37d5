//! Every deadline of the engine, in one ordered index. Setting one again replaces it.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{AlarmId, DeviceId, OfficerId, PlaceId, Timestamp};

/// What a deadline is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Timer {
    /// A rule wants to look at a subject again: a debounce, a hysteresis, a silence.
    Rule {
        /// The rule's name.
        rule: Cow<'static, str>,
        /// Its subject.
        subject: PlaceId,
        /// Which of the rule's timers.
        slot: u8,
    },
    /// A device with an interval should have spoken.
    Silence(DeviceId),
    /// The ladder of an alarm moves.
    Ladder(AlarmId),
    /// Somebody who accepted should be on scene.
    OnScene(AlarmId),
    /// A count that was held back is published.
    Count(AlarmId),
    /// The second channel of somebody whom an alarm told.
    Channel(AlarmId),
    /// A timer of an alarm's rule: a reminder, an overdue stage.
    Alarm {
        /// Which alarm.
        alarm: AlarmId,
        /// Which of the rule's timers.
        slot: u8,
    },
    /// A closed alarm leaves memory.
    Forget(AlarmId),
    /// The time for which an alarm was shelved is over.
    Shelf(AlarmId),
    /// A command to a lift should have had its effect.
    Command(String),
    /// Somebody's phones have been gone for a minute.
    Offline(OfficerId),
    /// A flood of alarms for somebody may be over.
    Flood(OfficerId),
    /// After a start, phones that did not come back are offline.
    PhonesReturn,
}

/// The index.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(Timestamp, Timer)>", into = "Vec<(Timestamp, Timer)>")]
pub struct Timers {
    order: BTreeSet<(Timestamp, Timer)>,
    at: BTreeMap<Timer, Timestamp>,
}

impl Timers {
    /// Sets a deadline, in place of an earlier one for the same thing.
    pub fn arm(&mut self, timer: Timer, at: Timestamp) {
        if let Some(before) = self.at.insert(timer.clone(), at) {
            self.order.remove(&(before, timer.clone()));
        }
        self.order.insert((at, timer));
    }

    /// Takes a deadline away; nothing happens if there is none.
    pub fn disarm(&mut self, timer: &Timer) {
        if let Some(before) = self.at.remove(timer) {
            self.order.remove(&(before, timer.clone()));
        }
    }

    /// When this is due, if it is armed.
    pub fn due(&self, timer: &Timer) -> Option<Timestamp> {
        self.at.get(timer).copied()
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the earliest deadline at or before `at`.
    pub fn pop(&mut self, at: Timestamp) -> Option<(Timestamp, Timer)> {
        let (due, _) = self.order.first()?;
        if *due > at {
            return None;
        }
        let (due, timer) = self.order.pop_first()?;
        self.at.remove(&timer);
        Some((due, timer))
    }

    /// How many are armed.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Is none armed?
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }
}

impl From<Vec<(Timestamp, Timer)>> for Timers {
    fn from(list: Vec<(Timestamp, Timer)>) -> Self {
        let mut timers = Timers::default();
        for (at, timer) in list {
            timers.arm(timer, at);
        }
        timers
    }
}

impl From<Timers> for Vec<(Timestamp, Timer)> {
    fn from(timers: Timers) -> Self {
        timers.order.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(id: &str) -> Timer {
        Timer::Ladder(AlarmId::parse(id).expect("an id"))
    }

    #[test]
    fn arming_again_moves_the_deadline() {
        let mut timers = Timers::default();
        timers.arm(alarm("a"), Timestamp(10));
        timers.arm(alarm("a"), Timestamp(5));
        timers.arm(alarm("b"), Timestamp(7));
        assert_eq!(timers.pop(Timestamp(6)), Some((Timestamp(5), alarm("a"))));
        assert_eq!(timers.pop(Timestamp(6)), None);
        assert_eq!(timers.next(), Some(Timestamp(7)));
        timers.disarm(&alarm("b"));
        assert!(timers.is_empty());
    }
}

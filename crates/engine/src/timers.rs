//! Every deadline of the engine, in one ordered index. Setting one again replaces it.

use crate::rules::RuleName;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::hash::BuildHasher;
use wanglou_model::{AlarmId, DeviceId, OfficerId, PlaceId, Timestamp};

/// What a deadline is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Timer {
    /// A rule wants to look at a subject again: a debounce, a hysteresis, a silence.
    Rule {
        /// The rule's name.
        rule: RuleName,
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
    Command(Box<str>),
    /// Somebody's phones have been gone for a minute.
    Offline(OfficerId),
    /// A flood of alarms for somebody may be over.
    Flood(OfficerId),
    /// After a start, phones that did not come back are offline.
    PhonesReturn,
}

/// The index. Each timer stands once, in a slot; the order by time and the way to a slot hold its number only. (With the
/// timer itself in both, an armed deadline took three times the room, and each look-up went down a tree of texts.)
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(Timestamp, Timer)>", into = "Vec<(Timestamp, Timer)>")]
pub struct Timers {
    slots: Vec<Slot>,
    free: Vec<u32>,
    known: HashTable<u32>,
    order: BTreeSet<(Timestamp, u32)>,
    /// Those due at one time that are being taken, the first at the end: slots have no order of their own.
    due_together: (Timestamp, Vec<u32>),
}

#[derive(Debug, Clone)]
struct Slot {
    timer: Timer,
    /// [`FREE`]: nothing is armed here.
    at: Timestamp,
}

/// No deadline is armed for the beginning of time.
const FREE: Timestamp = Timestamp(i64::MIN);

/// Runs are the same each time: nobody outside chooses what is hashed.
fn hash_of(timer: &Timer) -> u64 {
    foldhash::fast::FixedState::default().hash_one(timer)
}

impl Timers {
    /// Sets a deadline, in place of an earlier one for the same thing.
    pub fn arm(&mut self, timer: Timer, at: Timestamp) {
        let hash = hash_of(&timer);
        let number = match self.known.find(hash, |number| self.slots[*number as usize].timer == timer) {
            Some(number) => {
                let number = *number;
                let before = std::mem::replace(&mut self.slots[number as usize].at, at);
                if before == at {
                    return;
                }
                self.leaves(number, before);
                number
            }
            None => self.enter(timer, hash, at),
        };
        self.order.insert((at, number));
        self.joins_those_due(number, at);
    }

    fn enter(&mut self, timer: Timer, hash: u64, at: Timestamp) -> u32 {
        let slot = Slot { timer, at };
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = slot;
                number
            }
            None => {
                // An eighth more at a time: doubled, half of the room would stand empty.
                if self.slots.len() == self.slots.capacity() {
                    self.slots.reserve_exact(self.slots.len() / 8 + 64);
                }
                self.slots.push(slot);
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        let slots = &self.slots;
        self.known.insert_unique(hash, number, |number| hash_of(&slots[*number as usize].timer));
        number
    }

    /// One that is armed for the very time at which others are being taken takes its turn among them.
    fn joins_those_due(&mut self, number: u32, at: Timestamp) {
        let (together, due) = &mut self.due_together;
        if *together == at && !due.is_empty() {
            let slots = &self.slots;
            let timer = |number: &u32| &slots[*number as usize].timer;
            let place = due.partition_point(|other| timer(other) > timer(&number));
            due.insert(place, number);
        }
    }

    fn leaves(&mut self, number: u32, at: Timestamp) {
        self.order.remove(&(at, number));
        if self.due_together.0 == at {
            self.due_together.1.retain(|other| *other != number);
        }
    }

    /// Takes a deadline away; nothing happens if there is none.
    pub fn disarm(&mut self, timer: &Timer) {
        if let Some(number) = self.find(timer) {
            self.leaves(number, self.slots[number as usize].at);
            self.free(number);
        }
    }

    fn find(&self, timer: &Timer) -> Option<u32> {
        let known = self.known.find(hash_of(timer), |number| self.slots[*number as usize].timer == *timer);
        known.copied()
    }

    /// Empties a slot that is in no order any more. Returns what it was for.
    fn free(&mut self, number: u32) -> Timer {
        let slot = &mut self.slots[number as usize];
        slot.at = FREE;
        let timer = std::mem::replace(&mut slot.timer, Timer::PhonesReturn);
        if let Ok(known) = self.known.find_entry(hash_of(&timer), |known| *known == number) {
            known.remove();
        }
        self.free.push(number);
        timer
    }

    /// When this is due, if it is armed.
    pub fn due(&self, timer: &Timer) -> Option<Timestamp> {
        self.find(timer).map(|number| self.slots[number as usize].at)
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the earliest deadline at or before `at`; of those due together, in the order of [`Timer`].
    pub fn pop(&mut self, at: Timestamp) -> Option<(Timestamp, Timer)> {
        let due = self.next().filter(|due| *due <= at)?;
        if self.due_together.0 != due || self.due_together.1.is_empty() {
            let together = self.order.range((due, 0)..=(due, u32::MAX)).map(|(_, number)| *number);
            let mut together: Vec<u32> = together.collect();
            let slots = &self.slots;
            together.sort_unstable_by(|a, b| slots[*b as usize].timer.cmp(&slots[*a as usize].timer));
            self.due_together = (due, together);
        }
        let number = self.due_together.1.pop()?;
        self.order.remove(&(due, number));
        Some((due, self.free(number)))
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
        let mut timers = Timers {
            slots: Vec::with_capacity(list.len()),
            known: HashTable::with_capacity(list.len()),
            ..Timers::default()
        };
        for (at, timer) in list {
            let hash = hash_of(&timer);
            match timers.known.find(hash, |number| timers.slots[*number as usize].timer == timer) {
                // Written by a program of ours none stands twice; the last one holds, as when arming.
                Some(number) => timers.slots[*number as usize].at = at,
                None => _ = timers.enter(timer, hash, at),
            }
        }
        // All at once: one after the other they would be put in order one after the other.
        timers.order = (0..).zip(&timers.slots).map(|(number, slot)| (slot.at, number)).collect();
        timers
    }
}

impl From<Timers> for Vec<(Timestamp, Timer)> {
    fn from(timers: Timers) -> Self {
        let armed = timers.slots.into_iter().filter(|slot| slot.at != FREE).map(|slot| (slot.at, slot.timer));
        let mut all: Vec<_> = armed.collect();
        all.sort_unstable();
        all
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

    /// The same by full scans.
    #[derive(Default)]
    struct Plain(Vec<(Timestamp, Timer)>);

    impl Plain {
        fn arm(&mut self, timer: Timer, at: Timestamp) {
            self.disarm(&timer);
            self.0.push((at, timer));
        }

        fn disarm(&mut self, timer: &Timer) {
            self.0.retain(|(_, known)| known != timer);
        }

        fn pop(&mut self, at: Timestamp) -> Option<(Timestamp, Timer)> {
            let first = self.0.iter().filter(|(due, _)| *due <= at).min().cloned()?;
            self.disarm(&first.1);
            Some(first)
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Arm(u8, i64),
        Disarm(u8),
        Pop(i64),
    }

    proptest::proptest! {
        #[test]
        fn it_does_what_a_plain_list_does(steps in proptest::collection::vec(step(), 0..200)) {
            let (mut timers, mut plain) = (Timers::default(), Plain::default());
            for step in steps {
                match step {
                    Step::Arm(id, at) => {
                        timers.arm(alarm(&id.to_string()), Timestamp(at));
                        plain.arm(alarm(&id.to_string()), Timestamp(at));
                    }
                    Step::Disarm(id) => {
                        timers.disarm(&alarm(&id.to_string()));
                        plain.disarm(&alarm(&id.to_string()));
                    }
                    Step::Pop(at) => proptest::prop_assert_eq!(timers.pop(Timestamp(at)), plain.pop(Timestamp(at))),
                }
                proptest::prop_assert_eq!(timers.next(), plain.0.iter().map(|(at, _)| *at).min());
                proptest::prop_assert_eq!(timers.len(), plain.0.len());
                let mut listed = plain.0.clone();
                listed.sort();
                proptest::prop_assert_eq!(Vec::from(timers.clone()), listed);
            }
        }
    }

    fn step() -> impl proptest::strategy::Strategy<Value = Step> {
        use proptest::prelude::*;
        prop_oneof![
            3 => (0..20_u8, 0..6_i64).prop_map(|(id, at)| Step::Arm(id, at)),
            1 => (0..20_u8).prop_map(Step::Disarm),
            2 => (0..6_i64).prop_map(Step::Pop),
        ]
    }
}

//! Which input brought each change about: its position in the journal, on the alarm and on the lines of its timeline. It decides
//! nothing, and no id comes of it; logs and screens show it, so that a slow alarm and its log lines find each other.

use crate::Engine;
use wanglou_model::{Fact, Timestamp};

impl Engine {
    /// The position in the journal of the input that is stepped, or replayed, next. It holds for that one; not said, nothing is
    /// traced.
    pub fn caused_by(&mut self, position: u64) {
        self.cause = Some(position);
    }

    /// Notes the cause of a fact that was applied just now.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what brings an alarm about is listed; a new fact is its consequence"
    )]
    pub(crate) fn trace(&mut self, at: Timestamp, fact: &Fact) {
        let Some(alarm) = fact.alarm().and_then(|id| self.book.alarms.get_mut(id)) else { return };
        match fact {
            Fact::Raised(_) | Fact::Repeated { .. } | Fact::Upgraded { .. } | Fact::Reopened { .. } => {
                alarm.trace = self.cause;
            }
            _ => {}
        }
        let new = alarm.timeline.iter_mut().rev().take_while(|entry| entry.at == at && entry.trace.is_none());
        new.for_each(|entry| entry.trace = self.cause);
    }
}

//! Facts for other programs: JSON lines, CSV, and the Common Alerting Protocol 1.2 (OASIS, 2010).
//!
//! Read from the journal, which is not touched: the gateway may be running. Canaries are no facts of the compound, and
//! are left out everywhere.

pub mod cap;
mod rows;

pub use rows::{Columns, csv_row, json_line};

use std::collections::BTreeMap;
use wanglou_model::{AlarmId, Fact, Raised, Span, Timestamp};

/// Which facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Not before this wall time.
    pub from: Option<Timestamp>,
    /// Before this wall time.
    pub until: Option<Timestamp>,
}

impl Wanted {
    /// Whether a time is among them.
    pub fn holds(self, wall: Timestamp) -> bool {
        self.from.is_none_or(|from| wall >= from) && self.until.is_none_or(|until| wall < until)
    }
}

/// A fact with what is known of its alarm.
#[derive(Debug)]
pub struct Told<'a> {
    /// Wall time.
    pub wall: Timestamp,
    /// The fact.
    pub fact: &'a Fact,
    /// How its alarm was raised, with the priority that it has now; none for facts about no alarm, and where that is older than the journal.
    pub raised: Option<&'a Raised>,
}

/// Follows facts in their order, and remembers the alarms that are not forgotten.
#[derive(Debug, Default)]
pub struct Follow {
    wall_minus_at: Span,
    raised: BTreeMap<AlarmId, Raised>,
}

impl Follow {
    /// The wall clock was set.
    pub fn clock_stepped(&mut self, wall_minus_at: Span) {
        self.wall_minus_at = wall_minus_at;
    }

    /// The next fact; told on if it is wanted.
    ///
    /// # Errors
    /// What `tell` says.
    pub fn take<E>(
        &mut self,
        at: Timestamp,
        fact: &Fact,
        wanted: Wanted,
        tell: &mut dyn FnMut(&Told<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        if matches!(fact, Fact::Canary(_)) {
            return Ok(());
        }
        if let Fact::Raised(raised) = fact {
            self.raised.insert(raised.alarm.clone(), (**raised).clone());
        }
        if let Fact::Upgraded { alarm, priority, .. } = fact
            && let Some(raised) = self.raised.get_mut(alarm)
        {
            raised.priority = *priority;
        }
        let wall = at + self.wall_minus_at;
        let raised = fact.alarm().and_then(|id| self.raised.get(id));
        if wanted.holds(wall) {
            tell(&Told { wall, fact, raised })?;
        }
        if let Fact::Forgotten { alarm } = fact {
            self.raised.remove(alarm);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

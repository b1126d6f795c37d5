//! What a decision may look at: the configuration, what was seen, and the alarm book. Nothing in it can change.

use crate::book::Book;
use crate::calendar::Local;
use crate::senses::Senses;
use crate::setup::Setup;
use crate::timers::Timers;
use wanglou_model::{MinuteOfDay, Timestamp};

/// The view of a decision.
#[derive(Debug, Clone, Copy)]
pub struct World<'a> {
    /// The time of the input that is being decided on.
    pub at: Timestamp,
    /// The configuration.
    pub setup: &'a Setup,
    /// What was seen.
    pub senses: &'a Senses,
    /// The alarm book.
    pub book: &'a Book,
    /// The deadlines.
    pub timers: &'a Timers,
}

impl World<'_> {
    /// What the compound's clocks show at a point of the timeline.
    pub fn local_at(&self, at: Timestamp) -> Local {
        self.setup.calendar.local(self.senses.wall(at))
    }

    /// Is it so dark that an open cover or a falling object is not seen: 18:30 to 06:30?
    pub fn is_dark(&self, at: Timestamp) -> bool {
        self.local_at(at).is_between(MinuteOfDay(18 * 60 + 30), MinuteOfDay(6 * 60 + 30))
    }
}

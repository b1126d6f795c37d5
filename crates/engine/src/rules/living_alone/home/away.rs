//! Absences: while the resident is away silence means nothing, and a door that moves means that they may be back.

use super::{Home, Look, News};
use crate::register::Absence;
use wanglou_model::{Span, Timestamp};

impl Look<'_> {
    fn absence(&self) -> Option<&Absence> {
        self.senses.register.away.get(self.place)
    }

    /// Had somebody entered by then that the resident is away?
    fn is_away_at(&self, at: Timestamp) -> bool {
        self.absence().is_some_and(|absence| absence.holds(self.senses.wall(at)))
    }

    fn is_visited_at(&self, at: Timestamp) -> bool {
        let visitor = self.senses.register.visitors.get(self.place);
        visitor.is_some_and(|visitor| visitor.holds(self.senses.wall(at)))
    }

    fn long_from(&self, absence: &Absence) -> Timestamp {
        let from = self.senses.from_wall(absence.from);
        from + Span::hours(24 * i64::from(self.settings.away_days))
    }
}

impl Home {
    /// Away, and no door has moved since they left: nothing is judged by silence.
    pub(super) fn is_away(&self, look: &Look) -> bool {
        let came_back = |absence: &Absence| self.back_at.is_some_and(|back| back >= absence.entered);
        look.is_away_at(look.at()) && !look.absence().is_some_and(came_back)
    }

    /// A door moved. Returns whether it tells anything of the resident: a visitor's hand does not.
    pub(super) fn moved_while_away(&mut self, look: &Look, when: Timestamp) -> bool {
        if !look.is_away_at(when) {
            return true;
        }
        if look.is_visited_at(when) {
            return false;
        }
        if self.is_away(look) {
            self.back_at = Some(look.at());
            self.news.push(News::PerhapsBack);
        }
        true
    }

    /// The end of an absence, and one that has no end.
    pub(super) fn review_absence_register(&mut self, look: &Look) {
        let Some(absence) = look.absence() else { return };
        let end = absence.until.map(|until| look.senses.from_wall(until)).filter(|end| *end <= look.at());
        if let Some(end) = end.filter(|_| self.away_ended != Some(absence.entered)) {
            self.away_ended = Some(absence.entered);
            // T runs from the door that moved, where one did.
            if self.back_at.is_none_or(|back| back < absence.entered) {
                self.begin_anew(end);
            }
        }
        let asks = absence.until.is_none() && self.is_away(look) && look.long_from(absence) <= look.at();
        if asks && self.away_asked != Some(absence.entered) {
            self.away_asked = Some(absence.entered);
            self.news.push(News::AwayLong);
        }
    }

    /// When the absence has its next date.
    pub(super) fn away_due(&self, look: &Look) -> Option<Timestamp> {
        let absence = look.absence()?;
        let begins = look.senses.from_wall(absence.from);
        let next = match absence.until {
            Some(until) => look.senses.from_wall(until),
            None => look.long_from(absence),
        };
        Some(if begins > look.at() { begins } else { next })
    }

    /// T starts at the end of the absence.
    fn begin_anew(&mut self, end: Timestamp) {
        self.life = self.life.max(Some(end));
        (self.since, self.banked) = (self.since.map(|_| end), Span::ZERO);
        (self.watched, self.called, self.visit_told, self.moved_to) = (false, false, false, None);
    }
}

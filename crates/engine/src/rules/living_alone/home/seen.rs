//! What the sensors of a home say: which of it is a sign of life, and which only looks like one.

use super::{Door, Home, Look, News};
use crate::rules::living_alone::settings::{LivingAloneSettings, hours, secs};
use crate::senses::{Freshness, Sighting};
use wanglou_model::{DeviceId, Quality, Reading, Span, Timestamp};

impl Home {
    /// Most messages only say that a sensor lives, and that all is as it was. Then nothing can be found by a look: what
    /// time brings has its deadline, and this one puts the next off. Returns whether it was one of those.
    pub(in super::super) fn only_lives(&mut self, look: &Look, sighting: &Sighting) -> bool {
        let calm = self.unknown.is_none()
            && !self.may_be_overdue(look)
            && self.looks_at.is_some_and(|next| next > look.at())
            && is_word(sighting);
        let Reading::Contact { open, opens } = sighting.said.reading else { return false };
        let Some(door) = self.doors.get_mut(sighting.id).filter(|_| calm) else { return false };
        let same = open.is_some()
            && open == door.open
            && opens == door.opens
            && door.open_since.is_some() == (open == Some(true))
            && door.as_of.is_some_and(|as_of| as_of <= sighting.occurred)
            && door.heard.is_some()
            && door.trouble.is_none()
            && door.flapping.is_none()
            && !door.reported;
        if same {
            door.heard = door.heard.max(Some(sighting.occurred));
            door.as_of = Some(sighting.occurred);
            // As at each look: what the last one found was decided on.
            self.news.clear();
        }
        same
    }

    /// Has T run so long that a call, or the family, may be waiting for nothing but a fresh word?
    fn may_be_overdue(&self, look: &Look) -> bool {
        let earliest = hours(look.settings.shortcut_h.min(look.settings.call_h));
        self.since.is_none_or(|since| self.banked + (look.at() - since) >= earliest)
    }

    /// Takes in what a door sensor said.
    pub(in super::super) fn see_door(&mut self, look: &Look, sighting: &Sighting) {
        let contact = if let Reading::Contact { open, opens } = &sighting.said.reading {
            Some((*open, *opens))
        } else {
            None
        };
        if sighting.freshness == Freshness::Retained {
            if let Some((Some(open), _)) = contact {
                self.found(sighting.id, open, look.at());
            }
            return;
        }
        // What a hub says about a sensor is no message of the sensor.
        if !is_word(sighting) || matches!(sighting.said.reading, Reading::Availability { .. }) {
            return;
        }
        self.first_heard.get_or_insert(look.at());
        let door = self.doors.entry(sighting.id);
        door.heard = door.heard.max(Some(sighting.occurred));
        let Some((open, opens)) = contact else { return };
        let counted = door.opens.zip(opens).is_some_and(|(before, now)| now > before);
        let moved = door.reads(open, opens, sighting.occurred) && !door.flaps(look.settings, sighting);
        if moved && (counted || open == Some(true)) {
            self.passes_door(look, sighting.occurred);
        }
        if moved && self.moved_while_away(look, sighting.occurred) {
            self.life_sign(look, sighting.occurred);
        }
        if let Some(open) = open {
            self.stands(sighting.id, open, sighting.occurred, true);
        }
    }

    /// Somebody saw or spoke to the resident.
    pub(in super::super) fn was_visited(&mut self, look: &Look) {
        self.visited = Some(look.at());
        for door in self.doors.values_mut().filter(|door| door.open_since.is_some()) {
            door.excused = true;
        }
        self.life_sign(look, look.at());
        self.news.clear();
    }

    pub(super) fn life_sign(&mut self, look: &Look, when: Timestamp) {
        if self.life.is_some_and(|before| when <= before) {
            return;
        }
        (self.life, self.moved_to) = (Some(when), None);
        match (self.since, self.unknown) {
            (Some(since), _) if when >= since => (self.since, self.banked) = (Some(when), Span::ZERO),
            (Some(since), _) => {
                // From where T stood still to where it ran on nothing was counted, whatever moved meanwhile.
                let counted_to = self.froze.filter(|froze| *froze < since).unwrap_or(since);
                self.banked = self.banked.min(look.senses.seen_between(look.doors, when, counted_to));
            }
            (None, Some(unknown)) => {
                self.banked = self.banked.min(look.senses.seen_between(look.doors, when, unknown.stopped));
            }
            (None, None) => {}
        }
        if look.senses.seen_between(look.doors, when, look.at()) < hours(look.settings.call_h) {
            (self.watched, self.called, self.visit_told) = (false, false, false);
            self.news.push(News::Life);
        }
    }

    /// A retained message: a condition, no movement.
    fn found(&mut self, id: &DeviceId, open: bool, at: Timestamp) {
        self.doors.entry(id);
        self.stands(id, open, at, false);
    }

    fn stands(&mut self, id: &DeviceId, open: bool, occurred: Timestamp, moved: bool) {
        let Some(door) = self.doors.get_mut(id) else { return };
        if moved && door.as_of.is_some_and(|as_of| occurred < as_of) {
            return;
        }
        if open {
            door.open_since.get_or_insert(occurred);
            return;
        }
        if door.told_open > 0 {
            self.news.push(News::Shut { door: id.clone(), moved });
        }
        (door.open_since, door.told_open, door.excused) = (None, 0, false);
    }
}

/// Is it a live message, or a stored one that says when it was so?
pub(super) fn is_word(sighting: &Sighting) -> bool {
    let dated = sighting.said.at_device.is_some() && sighting.said.quality != Quality::SuspectClock;
    match sighting.freshness {
        Freshness::Fresh | Freshness::Late => !sighting.duplicate,
        Freshness::Replayed => dated && !sighting.duplicate,
        Freshness::Retained | Freshness::Test => false,
    }
}

impl Door {
    /// Takes a reading in. Returns whether the door moved. A reading that is older than the latest one still tells
    /// that the door moved, and changes nothing else.
    fn reads(&mut self, open: Option<bool>, opens: Option<u64>, occurred: Timestamp) -> bool {
        let changed = self.open.zip(open).is_some_and(|(before, now)| before != now);
        let counted = self.opens.zip(opens).is_some_and(|(before, now)| now > before);
        if self.as_of.is_none_or(|as_of| occurred >= as_of) {
            (self.open, self.opens) = (open.or(self.open), opens.or(self.opens));
            self.as_of = Some(occurred);
        }
        changed || counted
    }

    /// Notes a movement. Returns whether there were more of them than a door can make.
    fn flaps(&mut self, settings: &LivingAloneSettings, sighting: &Sighting) -> bool {
        let occurred = sighting.occurred;
        // Out of a backlog and without a time of its own: not known to have been within one minute.
        if sighting.freshness == Freshness::Late && sighting.said.at_device.is_none() {
            return self.flapping.is_some();
        }
        let limit = usize::from(settings.flapping_edges.clamp(2, 64));
        self.moves.push(occurred);
        let excess = self.moves.len().saturating_sub(limit);
        self.moves.drain(..excess);
        let burst = self.moves.len() == limit && occurred - self.moves[0] <= Span::mins(1);
        if burst || self.flapping.is_some() {
            self.flapping = self.flapping.max(Some(occurred));
        }
        self.flapping.is_some()
    }

    pub(super) fn calm_from(&self, settings: &LivingAloneSettings) -> Option<Timestamp> {
        self.flapping.map(|last| last + secs(settings.flapping_calm_s))
    }
}

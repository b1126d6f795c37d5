//! Motion and water: signs of life that put the first call off once, and call everybody back later. Where both have
//! been silent as long as the doors, they are a reason to tell the family earlier.

use super::seen::is_word;
use super::{Home, Look, Motion, News};
use crate::rules::living_alone::settings::hours;
use crate::senses::Sighting;
use serde::{Deserialize, Serialize};
use wanglou_model::{DeviceId, Reading, Repeats, Span, Timestamp};

/// Hours whose use is compared, to tell a tap that drips from a hand that turned it.
const LEAK_HOURS: usize = 2;

/// A water meter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Meter {
    heard: Option<Timestamp>,
    /// The reading that the use of an hour is counted from.
    from: Option<(Timestamp, f64)>,
    /// The latest total, litres.
    total: Option<f64>,
    /// What ran in each of the latest hours, litres an hour.
    hours: Vec<f64>,
    /// The latest sign of life.
    used: Option<Timestamp>,
}

impl Meter {
    /// Takes a total in. Returns whether somebody used water: more within an hour than always runs.
    fn reads(&mut self, when: Timestamp, litres: f64, least: f64) -> bool {
        self.heard = self.heard.max(Some(when));
        let Some((from, before)) = self.from.filter(|(_, before)| litres >= *before) else {
            // The first reading, or a new meter.
            (self.from, self.total, self.hours) = (Some((when, litres)), Some(litres), Vec::new());
            return false;
        };
        if when <= from {
            return false;
        }
        let passed = (when - from).max(Span::hours(1));
        let per_hour = (litres - before) / (passed.0 as f64 / Span::hours(1).0 as f64);
        let leak = match self.hours.len() {
            LEAK_HOURS => self.hours.iter().copied().fold(f64::INFINITY, f64::min),
            _ => 0.0,
        };
        let more = self.total.is_some_and(|total| litres > total);
        self.total = Some(litres);
        if when - from >= Span::hours(1) {
            self.from = Some((when, litres));
            self.hours.push(per_hour);
            let excess = self.hours.len().saturating_sub(LEAK_HOURS);
            self.hours.drain(..excess);
        }
        let used = more && per_hour - leak >= least;
        if used {
            self.used = self.used.max(Some(when));
        }
        used
    }
}

impl Home {
    /// Takes in what a motion sensor said.
    pub(in super::super) fn see_motion(&mut self, look: &Look, sighting: &Sighting) {
        if !is_word(sighting) {
            return;
        }
        let sensor = self.motion.entry(sighting.id);
        sensor.heard = sensor.heard.max(Some(sighting.occurred));
        let Reading::Motion { active } = sighting.said.reading else { return };
        // One that only ever says "motion" means each of them; one stuck at it means nothing.
        let begins = active
            && sighting.said.repeats != Repeats::State
            && (sensor.active != Some(true) || !sensor.says_false);
        sensor.active = Some(active);
        sensor.says_false |= !active;
        if begins {
            sensor.moved = sensor.moved.max(Some(sighting.occurred));
            self.moves_inside(sighting.occurred);
            self.signs(look, sighting.occurred);
        }
    }

    /// Takes in what a water meter said.
    pub(in super::super) fn see_water(&mut self, look: &Look, sighting: &Sighting) {
        let Reading::WaterMeter { litres, .. } = sighting.said.reading else { return };
        if !is_word(sighting) || !litres.is_finite() {
            return;
        }
        let meter = self.water.entry(sighting.id);
        if meter.reads(sighting.occurred, litres, look.settings.water_l) {
            self.signs(look, sighting.occurred);
        }
    }

    /// Before the call it is kept, and puts the call off when that is due; after it, it calls everybody back.
    fn signs(&mut self, look: &Look, when: Timestamp) {
        self.sign = self.sign.max(Some(when));
        if self.called || self.visit_told {
            self.life_sign(look, when);
        }
    }

    /// The call is due: is there a younger sign of life? It puts the call off, once.
    pub(super) fn put_off(&mut self, look: &Look) -> bool {
        let young = |sign: &Timestamp| look.at() - *sign < hours(look.settings.sign_h);
        let Some(sign) = self.sign.filter(young).filter(|_| self.moved_to.is_none()) else { return false };
        self.moved_to = Some(look.senses.after(look.doors, sign, hours(look.settings.call_h)));
        true
    }

    /// When the family is told without waiting for the call, if motion sensor and water meter say no more.
    pub(super) fn shortcut_due(&self, look: &Look) -> Option<Timestamp> {
        let quick = |id: &&DeviceId| {
            look.interval(id).is_some_and(|interval| interval <= hours(look.settings.shortcut_meter_h))
        };
        let motion = look.sensors.motion.iter().filter_map(|id| self.motion.get(id)?.moved).max()?;
        let water =
            look.sensors.water.iter().filter(quick).filter_map(|id| self.water.get(id)?.used).max()?;
        let silent = hours(look.settings.shortcut_h);
        let doors = self.counted_to(look, look.settings.shortcut_h).filter(|_| !self.called)?;
        let due = doors.max(motion + silent).max(water + silent);
        let both_lately = motion.min(water) + hours(look.settings.shortcut_active_h) >= due;
        both_lately.then(|| match look.is_shortcut_time(due) {
            true => due,
            false => look.next_time_of_day(due, look.settings.shortcut_from),
        })
    }

    pub(super) fn review_shortcut(&mut self, look: &Look) {
        let due = self.shortcut_due(look).is_some_and(|due| due <= look.at());
        if due && look.is_shortcut_time(look.at()) && self.others_live(look) && self.may_call(look) {
            self.called = true;
            self.news.push(News::Shortcut);
        }
    }

    /// Every motion sensor and water meter of the home was heard lately: a dead one corroborates nothing.
    fn others_live(&self, look: &Look) -> bool {
        let live = |id: &DeviceId, heard: Option<Timestamp>| {
            let since = heard.map(|heard| look.at() - heard);
            since.is_some_and(|since| since <= look.live_for(id)) && !look.hub_is_down(id)
        };
        let motion = |id: &DeviceId| self.motion.get(id).and_then(|sensor: &Motion| sensor.heard);
        let water = |id: &DeviceId| self.water.get(id).and_then(|meter| meter.heard);
        look.sensors.motion.iter().all(|id| live(id, motion(id)))
            && look.sensors.water.iter().all(|id| live(id, water(id)))
    }
}

impl Look<'_> {
    fn is_shortcut_time(&self, at: Timestamp) -> bool {
        let local = self.setup.calendar.local(self.senses.wall(at));
        local.is_between(self.settings.shortcut_from, self.settings.shortcut_until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(meter: &mut Meter, readings: &[(i64, f64)]) -> Vec<bool> {
        let at = |minutes| Timestamp(0) + Span::mins(minutes);
        readings.iter().map(|(minutes, litres)| meter.reads(at(*minutes), *litres, 1.0)).collect()
    }

    #[test]
    fn a_litre_within_an_hour_is_a_hand_and_a_tap_that_always_drips_is_not() {
        let mut meter = Meter::default();
        assert_eq!(reads(&mut meter, &[(0, 100.0), (60, 100.4), (120, 140.0)]), [false, false, true]);
        let mut leak = Meter::default();
        let dripping: Vec<(i64, f64)> = (0..8).map(|hour| (hour * 60, hour as f64 * 3.0)).collect();
        let signs = reads(&mut leak, &dripping);
        assert_eq!(signs[3..], [false; 5], "once it has run for two hours it is the leak");
        assert_eq!(reads(&mut leak, &[(480, 24.0 + 5.0)]), [true], "and what is on top of it is a hand");
    }

    #[test]
    fn the_same_total_again_and_a_new_meter_are_no_use_of_water() {
        let mut meter = Meter::default();
        assert_eq!(reads(&mut meter, &[(0, 100.0), (10, 105.0), (20, 105.0)]), [false, true, false]);
        assert_eq!(reads(&mut meter, &[(30, 2.0), (40, 2.5)]), [false, false]);
    }
}

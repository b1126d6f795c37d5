//! §4: manholes.

#![expect(clippy::wildcard_enum_match_arm, reason = "a few variants matter here, and no other")]

use super::alarm::Raise;
use super::news::{Age, Told};
use super::{Due, Model};
use wanglou_model::*;

/// What is known of a cover.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cover {
    device: Option<DeviceId>,
    /// Readings of the angle, and the device's own word, as they came.
    angles: Vec<(Timestamp, f64)>,
    says_open: Option<Timestamp>,
    /// It says by itself that it is shut, and tells no angle with it.
    says_shut: bool,
    /// It said by itself that it is open after so many angles: those tell of no rest any more.
    rest_from: usize,
    /// The angle has stood for long enough.
    settled: bool,
    /// It was seen to rest for long enough.
    rest_told: bool,
    heard: Option<Timestamp>,
    moved: bool,
    lost_told: bool,
    silent_told: bool,
    water: Option<f64>,
    water_alarm: Option<bool>,
}

impl Cover {
    /// Since when every reading has been that of an open cover.
    fn tilted_since(&self) -> Option<Timestamp> {
        let run = self.angles.iter().rev().take_while(|(_, deg)| *deg >= 15.0);
        run.last().map(|(at, _)| *at)
    }

    fn rests_since(&self) -> Option<Timestamp> {
        if self.says_shut {
            return Some(Timestamp(i64::MIN / 2));
        }
        let run = self.angles[self.rest_from..].iter().rev().take_while(|(_, deg)| *deg < 5.0);
        run.last().map(|(at, _)| *at)
    }

    fn is_open(&self) -> bool {
        self.says_open.is_some() || (self.settled && self.tilted_since().is_some())
    }

    fn since(&self) -> Option<Timestamp> {
        let tilted = self.tilted_since().filter(|_| self.settled);
        [self.says_open, tilted].into_iter().flatten().min()
    }
}

const OPEN: (&str, &str) = ("manhole", "open");

impl Model {
    pub(crate) fn cover_said(&mut self, told: &Told) {
        if told.known.purpose != Purpose::Cover || matches!(told.age, Age::Replayed | Age::Test) {
            return;
        }
        let (place, now) = (told.known.place.clone(), self.now);
        let cover = self.covers.entry(place.clone()).or_default();
        cover.device = Some(told.device.clone());
        if told.is_news() {
            (cover.heard, cover.lost_told, cover.silent_told) = (Some(now), false, false);
            cover.moved = matches!(told.reading, Reading::Cover { moved: Some(true), .. })
                || matches!(told.reading, Reading::Cover { tilt_deg: Some(deg), .. } if deg >= 15.0);
        }
        match told.reading {
            Reading::Cover { tilt_deg, open, .. } => {
                if let Some(open) = open {
                    cover.says_open = open.then(|| cover.says_open.unwrap_or(told.when));
                }
                if let Some(deg) = tilt_deg {
                    cover.says_shut &= deg < 5.0;
                    cover.angles.push((now, deg));
                    if deg < 5.0 && open != Some(true) {
                        cover.says_open = None;
                    }
                    if deg < 15.0 {
                        cover.settled = false;
                    } else if told.known.debounced {
                        cover.settled = true;
                    }
                    if deg >= 5.0 {
                        cover.rest_told = false;
                    }
                } else if let Some(open) = open {
                    cover.says_shut = !open;
                    if open {
                        cover.rest_from = cover.angles.len();
                        cover.rest_told = false;
                    }
                }
                // A redelivery tells the state, and is no reason to raise anything.
                if !told.double {
                    self.judge_cover(&place, Some(told));
                }
            }
            Reading::WaterLevel { mm_below_rim, alarm, .. } => {
                cover.water = mm_below_rim.or(cover.water);
                cover.water_alarm = alarm.or(cover.water_alarm);
                let (water, alarm) = (cover.water, cover.water_alarm);
                if !told.double {
                    self.judge_water(told, water, alarm);
                }
            }
            _ => {}
        }
    }

    fn judge_cover(&mut self, place: &PlaceId, told: Option<&Told>) {
        let Some(cover) = self.covers.get(place).cloned() else { return };
        let (key, now) = (place.to_string(), self.now);
        if !cover.is_open() {
            if cover.rests_since().is_some_and(|since| now - since >= Span::secs(600)) {
                self.clear(OPEN, &key);
            }
            return;
        }
        let priority = self.cover_priority(place, &cover);
        let news = told.is_some_and(Told::is_news);
        if let Some(n) = self.active_one(OPEN, &key)
            && !news
            && priority >= self.alarms[n].priority
        {
            return;
        }
        // A person found nothing, and the sensor has said the same ever since: it is stuck, for a day.
        let latest = self.alarms.iter().rev().find(|alarm| alarm.what == OPEN && alarm.key == key);
        let stuck = latest.is_some_and(|alarm| {
            let ended = alarm.closed_at.filter(|ended| now - *ended < Span::hours(24));
            let nothing = alarm.outcome.is_some_and(found_nothing);
            nothing && ended.is_some_and(|ended| cover.since().unwrap_or(now) <= ended)
        });
        if stuck {
            return;
        }
        let mut raise = Raise::new(OPEN, key, place, priority);
        raise.stage = Some("open");
        let began = cover.since().unwrap_or(now);
        self.raise(raise.because(told, began));
    }

    /// "≥ 60°, or on a footpath in the dark: P1."
    fn cover_priority(&self, place: &PlaceId, cover: &Cover) -> Priority {
        let angle = cover.angles.last().map_or(0.0, |(_, deg)| *deg);
        let footpath = self.site.places.get(place).is_some_and(|place| place.footpath);
        let dark = self.is_between(self.now, 18 * 60 + 30, 6 * 60 + 30);
        if angle >= 60.0 || (footpath && dark) { Priority::P1 } else { Priority::P2 }
    }

    fn judge_water(&mut self, told: &Told, water: Option<f64>, alarm: Option<bool>) {
        const WATER: (&str, &str) = ("manhole", "water");
        let place = &told.known.place;
        let key = place.to_string();
        let priority = match water {
            _ if alarm == Some(true) => Priority::P2,
            Some(mm) if mm <= 0.0 => Priority::P2,
            Some(mm) if mm <= 300.0 => Priority::P3,
            _ => return self.clear(WATER, &key),
        };
        self.raise(Raise::new(WATER, key, place, priority).because(Some(told), told.when));
    }

    pub(crate) fn cover_dues(&self, dues: &mut Vec<(Timestamp, Due)>) {
        for (place, cover) in &self.covers {
            if let Some(since) = cover.tilted_since().filter(|_| !cover.settled) {
                dues.push((since + Span::secs(30), Due::Settled(place.clone())));
            }
            let rests = cover.rests_since().filter(|_| !cover.says_shut && !cover.rest_told);
            dues.extend(rests.map(|since| (since + Span::secs(600), Due::Rested(place.clone()))));
            if !self.may_judge_silence() {
                continue;
            }
            dues.extend(self.lost_from(cover).map(|at| (at.max(self.now), Due::Lost(place.clone()))));
            dues.extend(self.silent_from(cover).map(|at| (at.max(self.now), Due::Silent(place.clone()))));
        }
    }

    /// "Lost after movement": the promised follow-up is 10 min overdue, or the next heartbeat is missed.
    fn lost_from(&self, cover: &Cover) -> Option<Timestamp> {
        let device = cover.device.as_ref()?;
        let known = self.site.devices.get(device)?;
        let promised = known.follow_up.map(|span| span + Span::mins(10));
        let missed = known.interval.map(|interval| Span(interval.0 / 2 * 3));
        let limit = promised.or(missed).filter(|_| cover.moved && !cover.lost_told)?;
        Some(self.later(std::slice::from_ref(device), cover.heard?, limit))
    }

    /// "Otherwise silence is P4 at 3 × interval."
    fn silent_from(&self, cover: &Cover) -> Option<Timestamp> {
        let device = cover.device.as_ref()?;
        let interval = self.site.devices.get(device)?.interval.filter(|_| !cover.silent_told)?;
        Some(self.later(std::slice::from_ref(device), cover.heard?, Span(interval.0 * 3)))
    }

    pub(crate) fn settled_due(&mut self, place: &PlaceId) {
        if let Some(cover) = self.covers.get_mut(place) {
            cover.settled = true;
        }
        self.judge_cover(place, None);
    }

    pub(crate) fn rested_due(&mut self, place: &PlaceId) {
        if let Some(cover) = self.covers.get_mut(place) {
            cover.rest_told = true;
        }
        self.judge_cover(place, None);
    }

    pub(crate) fn lost_due(&mut self, place: &PlaceId) {
        let Some(cover) = self.covers.get_mut(place) else { return };
        cover.lost_told = true;
        let stands_open = cover.is_open();
        if stands_open && self.open_one(OPEN, place.as_str()).is_some() {
            return;
        }
        let raise = Raise::new(("manhole", "lost"), place.to_string(), place, Priority::P2);
        self.raise(raise.because(None, self.now));
    }

    pub(crate) fn silent_due(&mut self, place: &PlaceId) {
        let Some(cover) = self.covers.get_mut(place) else { return };
        cover.silent_told = true;
        let raise = Raise::new(("manhole", "silent"), place.to_string(), place, Priority::P4);
        self.raise(raise.because(None, self.now));
    }

    /// "Remind every 10 min until guarded, then every 2 h."
    pub(crate) fn remember_cover(&mut self, n: usize) {
        let place = self.alarms[n].place.clone();
        let rests = self.covers.get(&place).is_some_and(|cover| cover.rests_since().is_some());
        match self.alarms[n].response {
            Response::Unaccepted | Response::Closed => {}
            Response::Resolved if rests => {}
            Response::Resolved if self.alarms[n].active => self.reopen(n, "still active", 0),
            Response::Accepted | Response::EnRoute | Response::Arrived | Response::Resolved => self.remind(n),
        }
        let guarded = self.alarms[n].stage == Some("guarded");
        let wait = if guarded { Span::hours(2) } else { Span::mins(10) };
        let due = self.now + wait;
        self.alarms[n].own.insert(super::Own::First, due);
        if self.alarms[n].active {
            self.judge_cover(&place, None);
        }
    }

    /// Nobody's word closes a cover that still stands open, unless they say that there was nothing.
    pub(crate) fn word_ends_cover(&self, n: usize, outcome: Outcome) -> bool {
        let alarm = &self.alarms[n];
        let tells = self.covers.get(&alarm.place).is_some_and(|cover| !cover.angles.is_empty());
        found_nothing(outcome) || alarm.what.1 != "open" || !alarm.active || !tells
    }
}

pub(crate) fn found_nothing(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::FalseAlarm | Outcome::Test | Outcome::Duplicate | Outcome::Unfounded)
}

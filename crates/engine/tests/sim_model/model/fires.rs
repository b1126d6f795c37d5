//! §8: smoke. Detectors of one building are scanned anew each time.

use super::Model;
use super::alarm::{Own, Raise, Step, Steps, Tell, roles, step, usual};
use super::covers::found_nothing;
use super::news::{Age, Told};
use wanglou_model::*;

/// A smoke detector that has spoken.
#[derive(Debug, Clone)]
pub(crate) struct Detector {
    device: DeviceId,
    place: PlaceId,
    /// It says so.
    on: bool,
    /// Since when it does not.
    off_at: Option<Timestamp>,
    /// A person ended the alarm while it said so.
    disbelieved: bool,
}

const SMOKE: (&str, &str) = ("smoke", "");

impl Model {
    /// How long an answer is waited for, and word from the spot: shorter at night.
    pub(crate) fn fire_times(&self) -> (Span, Span) {
        let night = self.is_between(self.now, 20 * 60, 6 * 60);
        if night { (Span::secs(30), Span::mins(3)) } else { (Span::secs(60), Span::mins(5)) }
    }

    fn burns(&self, place: &PlaceId) -> bool {
        self.detectors.iter().any(|known| known.place == *place && known.on && !known.disbelieved)
    }

    fn building(&self, place: &PlaceId) -> PlaceId {
        let outermost = place.as_str().split('/').next().unwrap_or_default();
        crate::compound::place(outermost)
    }

    /// Detectors of the building that say so, or did within the last ten minutes.
    fn witnesses(&self, building: &PlaceId) -> usize {
        let counts = |known: &&Detector| {
            let lately = known.off_at.is_some_and(|at| self.now - at < Span::mins(10));
            self.building(&known.place) == *building && !known.disbelieved && (known.on || lately)
        };
        self.detectors.iter().filter(counts).count()
    }

    pub(crate) fn smoke_said(&mut self, told: &Told) {
        let Reading::Smoke { active, .. } = told.reading else { return };
        if told.double || told.age == Age::Test {
            return;
        }
        let (place, now) = (told.known.place.clone(), self.now);
        if !active {
            return self.smoke_gone(told, &place);
        }
        let burnt = self.burns(&place);
        match self.detectors.iter_mut().find(|known| known.device == told.device) {
            Some(known) if known.on => {}
            Some(known) => (known.on, known.off_at, known.disbelieved) = (true, None, false),
            None => self.detectors.push(Detector {
                device: told.device.clone(),
                place: place.clone(),
                on: true,
                off_at: None,
                disbelieved: false,
            }),
        }
        if !burnt && self.burns(&place) {
            // Within ten minutes of its end it is the same fire.
            let same = self.fires.get(&place).and_then(|(began, quiet)| {
                quiet.filter(|quiet| now - *quiet < Span::mins(10)).map(|_| *began)
            });
            self.fires.insert(place.clone(), (same.unwrap_or(now), None));
        }
        let building = self.building(&place);
        let agreed = self.witnesses(&building) >= 2;
        if self.burns(&place) {
            self.fire_burns(told, &place, agreed);
        }
        if agreed {
            self.confirm_building(&building);
        }
    }

    fn fire_burns(&mut self, told: &Told, place: &PlaceId, agreed: bool) {
        let key = self.fire_key(place);
        if self.active_one(SMOKE, &key).is_some() && !told.is_news() {
            return;
        }
        let mut raise = Raise::new(SMOKE, key.clone(), place, Priority::P1);
        if agreed && self.current(SMOKE, &key).is_none() {
            (raise.ladder, raise.confirmed, raise.stage) = (confirmed_ladder(), true, Some("confirmed"));
        } else {
            raise.ladder = self.fire_ladder();
            raise.stage = self.site.homes.contains_key(place).then_some("call");
        }
        self.raise(raise.because(Some(told), told.when));
    }

    /// The fire that is known in the building of a place.
    pub(crate) fn fire_here(&self, place: &PlaceId) -> Option<usize> {
        let building = self.building(place);
        let here = |alarm: &&super::alarm::Alarm| {
            alarm.is_open() && alarm.is_fire() && self.building(&alarm.place) == building
        };
        self.alarms.iter().filter(here).filter_map(|alarm| alarm.fire).min()
    }

    fn fire_key(&self, place: &PlaceId) -> String {
        let began = self.fires.get(place).map_or(0, |(began, _)| began.0);
        format!("{place} {began}")
    }

    fn confirm_building(&mut self, building: &PlaceId) {
        for n in 0..self.alarms.len() {
            let alarm = &self.alarms[n];
            let here = alarm.is_open() && alarm.is_fire() && self.building(&alarm.place) == *building;
            let quiet = self.fires.get(&alarm.place).and_then(|(_, quiet)| *quiet);
            let lately = alarm.active || quiet.is_some_and(|quiet| self.now - quiet < Span::mins(10));
            if here && lately && !alarm.confirmed {
                self.confirm(n);
            }
        }
    }

    /// It is a fire: everybody at once, whoever had taken it.
    pub(crate) fn confirm(&mut self, n: usize) {
        let alarm = &mut self.alarms[n];
        (alarm.confirmed, alarm.cooking) = (true, false);
        (alarm.priority, alarm.ladder) = (Priority::P1, confirmed_ladder());
        alarm.stage = Some("confirmed");
        self.reopen(n, "confirmed", 0);
    }

    fn smoke_gone(&mut self, told: &Told, place: &PlaceId) {
        let (burnt, now) = (self.burns(place), self.now);
        if let Some(known) = self.detectors.iter_mut().find(|known| known.device == told.device) {
            known.on = false;
            known.off_at.get_or_insert(now);
            known.disbelieved = false;
        }
        if burnt
            && !self.burns(place)
            && let Some((_, quiet)) = self.fires.get_mut(place)
        {
            *quiet = Some(now);
        }
        if self.burns(place) || !self.fires.contains_key(place) {
            return;
        }
        let key = self.fire_key(place);
        let Some(n) = self.open_one(SMOKE, &key) else { return };
        let cooked = self.alarms[n].cooking
            && !self.alarms[n].confirmed
            && self.alarms[n].response != Response::Resolved;
        self.clear(SMOKE, &key);
        if cooked {
            self.close(n, Outcome::FalseAlarm, true);
        }
    }

    /// A person ended it: a detector that says the same all the time is stuck.
    pub(crate) fn dismiss_fire(&mut self, place: &PlaceId) {
        let now = self.now;
        if self.burns(place)
            && let Some((_, quiet)) = self.fires.get_mut(place)
        {
            *quiet = Some(now);
        }
        for known in self.detectors.iter_mut().filter(|known| known.place == *place && known.on) {
            known.disbelieved = true;
        }
    }

    fn fire_ladder(&self) -> Steps {
        let (answer, word) = self.fire_times();
        let mut second = roles(&[Role::Captain]);
        second.push(Tell::Backup);
        let rungs: Vec<Step> = vec![
            step(Span::ZERO, roles(&[Role::Guard, Role::ControlRoom])),
            step(answer, second),
            step(word, roles(&[Role::Station, Role::Officer, Role::Manager])),
            step(word + answer, roles(&[Role::Leader])),
        ];
        Steps { rungs, ..usual(Priority::P1) }
    }

    /// "5 min (3) without word from the spot: station."
    pub(crate) fn no_word(&mut self, n: usize) {
        let alarm = &self.alarms[n];
        if alarm.seen_to_by.is_some() || alarm.cooking || alarm.response == Response::Resolved {
            return;
        }
        let station =
            alarm.ladder.rungs.iter().position(|step| step.tell.contains(&Tell::Role(Role::Station)));
        self.alarms[n].stage = Some("call_119");
        let Some(rung) = station.filter(|rung| self.alarms[n].rung.is_none_or(|reached| reached < *rung))
        else {
            return;
        };
        if self.alarms[n].response == Response::Unaccepted {
            self.climb(n, rung, None);
        } else {
            self.reopen(n, "next stage", rung);
        }
    }

    /// "Cooking", they said, and it still smokes.
    pub(crate) fn still_smoke(&mut self, n: usize) {
        if !self.alarms[n].active || !self.alarms[n].cooking {
            return;
        }
        let due = self.now + self.fire_times().1;
        let alarm = &mut self.alarms[n];
        (alarm.cooking, alarm.rang_again, alarm.stage) = (false, true, Some("still_smoke"));
        alarm.own.insert(Own::First, due);
        self.reopen(n, "still active", 0);
    }

    pub(crate) fn fire_answered(&mut self, home: &PlaceId, answer: CallAnswer) {
        let here = |n: &usize| {
            let alarm = &self.alarms[*n];
            alarm.is_open() && alarm.is_fire() && alarm.place == *home && !alarm.confirmed
        };
        let fires: Vec<usize> = (0..self.alarms.len()).filter(here).collect();
        for n in fires {
            match answer {
                CallAnswer::Help => self.confirm(n),
                CallAnswer::Ok | CallAnswer::Cooking if !self.alarms[n].active => {
                    self.close(n, Outcome::FalseAlarm, true);
                }
                CallAnswer::Ok | CallAnswer::Cooking => {
                    self.await_smoke(n);
                    self.alarms[n].stage = Some("cooking");
                    let by = self.now + Span::mins(5);
                    let alarm = &mut self.alarms[n];
                    if alarm.response == Response::Unaccepted
                        && let Some((rung, _)) = alarm.next
                    {
                        // The ladder waits meanwhile.
                        alarm.rung = Some(alarm.rung.unwrap_or(0));
                        alarm.next = Some((rung, by + Span::mins(1)));
                    }
                }
                CallAnswer::OtherPerson | CallAnswer::Unclear | CallAnswer::None => {}
            }
        }
    }

    /// The smoke should be gone in five minutes.
    fn await_smoke(&mut self, n: usize) {
        let by = self.now + Span::mins(5);
        self.alarms[n].cooking = true;
        self.alarms[n].own.insert(Own::Cooking, by);
    }

    /// A person said how it ended, and the detector does not agree: what is to be waited for.
    pub(crate) fn fire_waits(&mut self, n: usize, outcome: Outcome) {
        if found_nothing(outcome) || outcome == Outcome::Ok {
            self.await_smoke(n);
        }
    }

    pub(crate) fn word_ends_fire(&self, n: usize, outcome: Outcome) -> bool {
        let alarm = &self.alarms[n];
        let there = alarm.seen_to_by.is_some();
        match outcome {
            _ if !alarm.active => true,
            Outcome::Test | Outcome::Duplicate => true,
            Outcome::FalseAlarm | Outcome::Unfounded | Outcome::Ok => there && alarm.rang_again,
            Outcome::Real | Outcome::Complied | Outcome::Unverified => there,
        }
    }
}

fn confirmed_ladder() -> Steps {
    let mut first = roles(&[Role::Guard, Role::ControlRoom, Role::GridWorker, Role::Captain, Role::Officer]);
    first.push(Tell::Backup);
    let rungs = vec![
        step(Span::ZERO, first),
        step(Span::mins(1), roles(&[Role::Station, Role::Manager])),
        step(Span::mins(2), roles(&[Role::Leader])),
    ];
    Steps { rungs, ..usual(Priority::P1) }
}

//! §3: people living alone, by their doors. What has moved when is kept as it was told; how long it has been silent is
//! counted anew each time.

use super::alarm::{Raise, Step, Steps, Tell, roles, step, usual};
use super::news::{Age, Told};
use super::{Due, Model};
use std::collections::BTreeMap;
use wanglou_model::*;

/// A door sensor.
#[derive(Debug, Clone, Default)]
pub(crate) struct DoorState {
    /// Its latest word, by its own time.
    heard: Option<Timestamp>,
    /// What it said last, by its own time, and when.
    says: Option<(Timestamp, bool)>,
    open_since: Option<Timestamp>,
    /// 0: not told; 1: told; 2: somebody is to look.
    told_open: u8,
    /// Somebody looked while it stood open.
    excused: bool,
    trouble_since: Option<Timestamp>,
    trouble_told: bool,
}

/// What is known of a home.
#[derive(Debug, Clone, Default)]
pub(crate) struct HomeState {
    doors: BTreeMap<DeviceId, DoorState>,
    first_heard: Option<Timestamp>,
    /// The latest movement of a door, or when somebody saw the resident.
    life: Option<Timestamp>,
    visited: Option<Timestamp>,
    /// Unknown since then, and from which last word on.
    unknown: Option<(Timestamp, Timestamp)>,
    /// Times that do not count, because a sensor was dead.
    frozen: Vec<(Timestamp, Timestamp)>,
    called: bool,
    visit_told: bool,
}

const INACTIVE: (&str, &str) = ("living_alone", "inactive");
const VISIT: (&str, &str) = ("living_alone", "visit");
const VISITS: (&str, &str) = ("living_alone", "visits");
const FAULT: (&str, &str) = ("device_fault", "");
const OPEN_DOOR: (&str, &str) = ("door_open", "");
const LIVE_FOR: Span = Span::hours(8);

impl Model {
    fn doors_of(&self, home: &PlaceId) -> Vec<DeviceId> {
        let of_home = |device: &&Device| device.purpose == Purpose::HomeDoor && device.place == *home;
        self.site
            .devices
            .iter()
            .filter(|(_, device)| of_home(&&***device))
            .map(|(id, _)| id.clone())
            .collect()
    }

    fn has_hub(&self, door: &DeviceId) -> bool {
        self.site.devices.get(door).is_some_and(|device| device.hub.is_some())
    }

    fn hub_is_down(&self, door: &DeviceId) -> bool {
        self.has_hub(door) && self.hub_online == Some(false)
    }

    pub(crate) fn hub_said(&mut self, told: &Told) {
        if let Reading::Availability { online, .. } = told.reading {
            self.hub_online = Some(online);
        }
    }

    pub(crate) fn home_said(&mut self, told: &Told) {
        if told.known.purpose != Purpose::HomeDoor {
            return;
        }
        let place = told.known.place.clone();
        self.homes.entry(place.clone()).or_default().doors.entry(told.device.clone()).or_default();
        let open = if let Reading::Contact { open, .. } = told.reading { open } else { None };
        let word = match told.age {
            Age::Fresh | Age::Late => !told.double,
            Age::Replayed => told.dated && !told.double,
            Age::Retained | Age::Test => false,
        };
        if told.age == Age::Retained {
            // A condition, no movement.
            if let Some(open) = open {
                self.door_stands(&place, &told.device, open, self.now, false);
            }
        } else if word {
            self.door_word(&place, told, open);
        }
        self.review(&place);
    }

    fn door_word(&mut self, place: &PlaceId, told: &Told, open: Option<bool>) {
        let (when, now) = (told.when, self.now);
        let Some(home) = self.homes.get_mut(place) else { return };
        home.first_heard.get_or_insert(now);
        let Some(door) = home.doors.get_mut(&told.device) else { return };
        door.heard = door.heard.max(Some(when));
        let Some(open) = open else { return };
        let moved = door.says.is_some_and(|(_, before)| before != open);
        let latest = door.says.is_none_or(|(as_of, _)| when >= as_of);
        if latest {
            door.says = Some((when, open));
        }
        if moved {
            self.life_sign(place, when, true);
        }
        if latest {
            self.door_stands(place, &told.device, open, when, true);
        }
    }

    fn life_sign(&mut self, place: &PlaceId, when: Timestamp, tells: bool) {
        let doors = self.doors_of(place);
        let ago = (self.now - when).max(Span::ZERO) - self.blind_in(&doors, when, self.now);
        let Some(home) = self.homes.get_mut(place) else { return };
        if home.life.is_some_and(|before| when <= before) {
            return;
        }
        home.life = Some(when);
        if ago >= Span::hours(24) {
            return;
        }
        (home.called, home.visit_told) = (false, false);
        if !tells {
            return;
        }
        for what in [INACTIVE, VISIT] {
            if let Some(n) = self.open_one(what, place.as_str()).filter(|n| !self.alarms[*n].helps) {
                self.stand_down(n, None);
                self.close(n, Outcome::Ok, false);
            }
        }
    }

    /// Somebody saw or spoke to the resident.
    pub(crate) fn was_visited(&mut self, place: &PlaceId) {
        let now = self.now;
        let home = self.homes.entry(place.clone()).or_default();
        home.visited = Some(now);
        for door in home.doors.values_mut().filter(|door| door.open_since.is_some()) {
            door.excused = true;
        }
        self.life_sign(place, now, false);
    }

    fn door_stands(&mut self, place: &PlaceId, id: &DeviceId, open: bool, when: Timestamp, moved: bool) {
        let Some(door) = self.homes.get_mut(place).and_then(|home| home.doors.get_mut(id)) else { return };
        if open {
            door.open_since.get_or_insert(when);
            return;
        }
        let told = door.told_open > 0;
        (door.open_since, door.told_open, door.excused) = (None, 0, false);
        if told && let Some(n) = self.open_one(OPEN_DOOR, id.as_str()) {
            self.alarms[n].active = false;
            if moved {
                self.close(n, Outcome::Ok, false);
            }
        }
    }

    /// *T*: time since the last movement that was neither blind nor unknown.
    fn silent_for(&self, place: &PlaceId, home: &HomeState) -> Option<Span> {
        let from = home.first_heard?.max(home.life.unwrap_or(Timestamp(i64::MIN)));
        let until = home.unknown.map_or(self.now, |(_, stopped)| stopped.max(from));
        let doors = self.doors_of(place);
        let mut sum = (until - from).max(Span::ZERO) - self.blind_in(&doors, from, until);
        for (a, b) in &home.frozen {
            let (a, b) = ((*a).max(from), (*b).min(until));
            if b > a {
                sum = sum - (b - a) + self.blind_in(&doors, a, b);
            }
        }
        Some(sum)
    }

    /// Since when a door's sensor is dead, if it is, and whether its hub is.
    fn trouble(&self, home: &HomeState, id: &DeviceId) -> Option<(bool, Timestamp)> {
        if self.hub_is_down(id) {
            return Some((true, self.now));
        }
        let dead = self.dead_from(home, id)?;
        (dead <= self.now).then_some((false, dead))
    }

    fn last_word(&self, home: &HomeState, id: &DeviceId) -> Option<Timestamp> {
        home.doors.get(id).and_then(|door| door.heard).or(home.first_heard)
    }

    fn dead_from(&self, home: &HomeState, id: &DeviceId) -> Option<Timestamp> {
        Some(self.later(std::slice::from_ref(id), self.last_word(home, id)?, LIVE_FOR))
    }

    /// Looks at the home as it stands now.
    fn review(&mut self, place: &PlaceId) {
        let Some(home) = self.homes.get(place).cloned() else { return };
        if home.first_heard.is_none() || !self.may_judge_silence() {
            return;
        }
        let doors = self.doors_of(place);
        for id in &doors {
            self.review_door(place, id);
        }
        self.review_unknown(place, &doors);
        for id in &doors {
            self.review_open(place, id);
        }
        self.review_call(place);
        let Some(home) = self.homes.get(place).cloned() else { return };
        if self.visit_at(place, &home).is_some_and(|due| due <= self.now) {
            self.homes.entry(place.clone()).or_default().visit_told = true;
            self.raise_visit(place, &doors);
        }
    }

    fn review_door(&mut self, place: &PlaceId, id: &DeviceId) {
        let Some(home) = self.homes.get(place).cloned() else { return };
        let (trouble, now) = (self.trouble(&home, id), self.now);
        let door = self.homes.entry(place.clone()).or_default().doors.entry(id.clone()).or_default();
        let Some((by_hub, since)) = trouble else {
            door.trouble_since = None;
            if std::mem::take(&mut door.trouble_told) {
                self.mended(id);
            }
            return;
        };
        let since = *door.trouble_since.get_or_insert(since);
        let grace = if by_hub { Span::mins(10) } else { Span::ZERO };
        if !door.trouble_told && since + grace <= now {
            door.trouble_told = true;
            let (subject, at) = if by_hub {
                ("hub".to_owned(), crate::compound::place("2"))
            } else {
                (id.to_string(), place.clone())
            };
            if self.open_one(FAULT, &subject).is_none() {
                let mut raise = Raise::new(FAULT, subject, &at, Priority::P3);
                let rungs = vec![
                    step(Span::ZERO, roles(&[Role::Manager, Role::GridWorker])),
                    step(Span::mins(15), roles(&[Role::ControlRoom])),
                ];
                raise.ladder = Steps { rungs, ..usual(Priority::P3) };
                self.raise(raise.because(None, now));
            }
        }
    }

    fn mended(&mut self, id: &DeviceId) {
        let hub = self.has_hub(id).then(|| "hub".to_owned());
        for subject in [Some(id.to_string()), hub].into_iter().flatten() {
            if let Some(n) = self.open_one(FAULT, &subject) {
                self.alarms[n].active = false;
                self.close(n, Outcome::Ok, false);
            }
        }
    }

    fn review_unknown(&mut self, place: &PlaceId, doors: &[DeviceId]) {
        let now = self.now;
        let Some(home) = self.homes.get(place).cloned() else { return };
        let dead: Vec<&DeviceId> = doors
            .iter()
            .filter(|id| home.doors.get(*id).is_some_and(|door| door.trouble_since.is_some()))
            .collect();
        let since = dead.iter().filter_map(|id| home.doors[*id].trouble_since).min();
        let stopped = dead.iter().filter_map(|id| self.last_word(&home, id)).min();
        let kept = self.homes.entry(place.clone()).or_default();
        match (since.zip(stopped), home.unknown) {
            (Some(unknown), None) => kept.unknown = Some(unknown),
            (None, Some((_, stopped))) => {
                kept.unknown = None;
                kept.frozen.push((stopped, now));
                kept.visit_told = false;
                self.heard_again(place);
            }
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn heard_again(&mut self, place: &PlaceId) {
        let visit = self.active_one(VISIT, place.as_str());
        let unknown = |home: &PlaceId| self.homes.get(home).is_some_and(|home| home.unknown.is_some());
        let behind = self.doors_of(place).iter().any(|door| self.has_hub(door));
        let others = self
            .homes
            .keys()
            .any(|home| unknown(home) && self.doors_of(home).iter().any(|door| self.has_hub(door)));
        let list = if behind && !others { self.active_one(VISITS, "hub") } else { None };
        for n in [visit, list].into_iter().flatten() {
            self.alarms[n].active = false;
        }
    }

    /// "A door standing open: P3 at 30 min (10 at night), P2 visit at 2 h."
    fn open_due(&self, door: &DoorState) -> Option<Timestamp> {
        let since = door.open_since?;
        let at_night = since + Span::mins(10);
        match door.told_open {
            0 if since + Span::hours(2) <= self.now => Some(since + Span::hours(2)),
            0 if self.is_between(at_night, 22 * 60, 6 * 60) => Some(at_night),
            0 => Some((since + Span::mins(30)).min(self.next_time(at_night, 22 * 60))),
            1 => Some(since + Span::hours(2)),
            _ => None,
        }
    }

    fn review_open(&mut self, place: &PlaceId, id: &DeviceId) {
        let Some(door) = self.homes.get(place).and_then(|home| home.doors.get(id)).cloned() else { return };
        if self.open_due(&door).is_none_or(|due| due > self.now) {
            return;
        }
        // Late news of a door that has stood open for that long already: somebody looks at once.
        let visit =
            door.told_open == 1 || door.open_since.is_some_and(|since| since + Span::hours(2) <= self.now);
        if let Some(door) = self.homes.get_mut(place).and_then(|home| home.doors.get_mut(id)) {
            door.told_open = if visit { 2 } else { 1 };
        }
        let priority = if visit { Priority::P2 } else { Priority::P3 };
        let mut raise = Raise::new(OPEN_DOOR, id.to_string(), place, priority);
        raise.merge = Span::ZERO;
        raise.stage = visit.then_some("visit");
        self.raise(raise.because(None, self.now));
    }

    fn may_call(&self, home: &HomeState, doors: &[DeviceId]) -> bool {
        doors.iter().all(|id| {
            let Some(door) = home.doors.get(id) else { return false };
            let fresh = door.heard.is_some_and(|heard| self.now - heard <= Span::hours(2));
            fresh && (door.open_since.is_none() || door.excused)
        })
    }

    fn is_quiet(&self, place: &PlaceId) -> bool {
        let high_risk = self.site.homes.get(place).is_some_and(|home| home.high_risk);
        !high_risk && self.is_between(self.now, 22 * 60, 7 * 60)
    }

    /// When a day without a movement will be over, or was.
    fn call_at(&self, place: &PlaceId, home: &HomeState) -> Option<Timestamp> {
        if home.called || home.unknown.is_some() {
            return None;
        }
        Some(self.now + (Span::hours(24) - self.silent_for(place, home)?))
    }

    fn review_call(&mut self, place: &PlaceId) {
        let (Some(home), doors) = (self.homes.get(place).cloned(), self.doors_of(place)) else { return };
        let due = self.call_at(place, &home).is_some_and(|due| due <= self.now);
        if !due || !self.may_call(&home, &doors) || self.is_quiet(place) {
            return;
        }
        self.homes.entry(place.clone()).or_default().called = true;
        let mut raise = Raise::new(INACTIVE, place.to_string(), place, Priority::P3);
        (raise.stage, raise.merge, raise.ladder) = (Some("call"), Span::ZERO, self.stages(place));
        self.raise(raise.because(None, self.now));
    }

    /// CALL at t0 and t0 + 5, FAMILY + 10, CAPTAIN or grid worker + 20, POLICE + 60.
    fn stages(&self, place: &PlaceId) -> Steps {
        let home = self.site.homes.get(place);
        let rings_by_itself =
            home.is_some_and(|home| home.telephone) && self.channels.contains(&Channel::Voice);
        let family = home.map(|home| home.family.clone()).unwrap_or_default();
        let stage = |minutes: i64, tell: Vec<Tell>, stage: &'static str, priority| Step {
            stage: Some(stage),
            priority: Some(priority),
            ..step(Span::mins(minutes), tell)
        };
        let first = stage(0, roles(&[Role::ControlRoom, Role::GridWorker]), "call", Priority::P3);
        let rungs = vec![
            Step { rings: !rings_by_itself, ..first },
            Step { rings: false, ..step(Span::mins(5), vec![]) },
            stage(10, vec![Tell::People(family)], "family", Priority::P2),
            stage(20, roles(&[Role::Captain, Role::GridWorker]), "captain", Priority::P2),
            stage(60, roles(&[Role::Officer, Role::Station, Role::ControlRoom]), "police", Priority::P1),
        ];
        Steps { rungs, repeat: Span::mins(5), on_scene: Span::mins(45), staged: true }
    }

    /// "> 12 h unknown: a human visit", and again a day after somebody looked.
    fn visit_at(&self, place: &PlaceId, home: &HomeState) -> Option<Timestamp> {
        let (since, _) = home.unknown.filter(|_| !home.visit_told)?;
        let from = since.max(home.life.unwrap_or(since));
        let due = self.later(&self.doors_of(place), from, Span::hours(12));
        Some(home.visited.map_or(due, |seen| due.max(seen + Span::hours(24))))
    }

    /// "A lost hub gives one visit list."
    fn raise_visit(&mut self, place: &PlaceId, doors: &[DeviceId]) {
        let by_hub = doors.iter().any(|door| self.hub_is_down(door));
        let (what, key, at) = match by_hub {
            true => (VISITS, "hub".to_owned(), crate::compound::place("2")),
            false => (VISIT, place.to_string(), place.clone()),
        };
        if by_hub && self.open_one(what, &key).is_some() {
            return;
        }
        let mut raise = Raise::new(what, key, &at, Priority::P2);
        raise.stage = Some("visit");
        self.raise(raise.because(None, self.now));
    }

    pub(crate) fn home_dues(&self, dues: &mut Vec<(Timestamp, Due)>) {
        if !self.may_judge_silence() {
            return;
        }
        for (place, home) in &self.homes {
            if home.first_heard.is_none() {
                continue;
            }
            let doors = self.doors_of(place);
            let mut times: Vec<Timestamp> = Vec::new();
            for id in &doors {
                let known = home.doors.get(id).cloned().unwrap_or_default();
                let troubled = known.trouble_since.is_some();
                if self.hub_is_down(id) && !troubled {
                    times.push(self.now);
                }
                times.extend(self.dead_from(home, id).filter(|_| !troubled));
                let down = self.hub_is_down(id);
                let dead = self.dead_from(home, id).is_some_and(|at| at <= self.now);
                if troubled && !down && !dead {
                    times.push(self.now);
                }
                let grace = if down { Span::mins(10) } else { Span::ZERO };
                times.extend(known.trouble_since.filter(|_| !known.trouble_told).map(|since| since + grace));
                times.extend(self.open_due(&known));
            }
            if let Some(due) = self.call_at(place, home) {
                let waits = due <= self.now && self.is_quiet(place) && self.may_call(home, &doors);
                let may = due > self.now || (self.may_call(home, &doors) && !self.is_quiet(place));
                times.extend(may.then_some(due));
                times.extend(waits.then(|| self.next_time(self.now, 7 * 60)));
            }
            times.extend(self.visit_at(place, home));
            dues.extend(times.into_iter().map(|at| (at, Due::Home(place.clone()))));
        }
    }

    pub(crate) fn home_due(&mut self, place: &PlaceId) {
        self.review(place);
    }

    /// What the resident said: only "ok" ends it, "help" is P1 at once.
    pub(crate) fn home_answered(&mut self, place: &PlaceId, answer: CallAnswer) {
        let Some(n) = self.open_one(INACTIVE, place.as_str()).filter(|n| !self.alarms[*n].helps) else {
            return;
        };
        match answer {
            CallAnswer::Ok => {
                self.stand_down(n, None);
                self.close(n, Outcome::Ok, true);
            }
            CallAnswer::Help => {
                let mut ladder = usual(Priority::P1);
                ladder.rungs[0].tell.push(Tell::Role(Role::Captain));
                let family = self.site.homes.get(place).map(|home| home.family.clone()).unwrap_or_default();
                ladder.rungs[0].tell.push(Tell::People(family));
                let alarm = &mut self.alarms[n];
                (alarm.priority, alarm.ladder, alarm.stage, alarm.helps) =
                    (Priority::P1, ladder, Some("help"), true);
                self.reopen(n, "priority rose", 0);
            }
            CallAnswer::Cooking | CallAnswer::OtherPerson | CallAnswer::Unclear | CallAnswer::None => {}
        }
    }

    /// Somebody took it and should be at the door by now.
    pub(crate) fn there_by(&mut self, n: usize) {
        if matches!(self.alarms[n].response, Response::Accepted | Response::EnRoute) {
            self.remind(n);
        }
    }

    pub(crate) fn resumed(&mut self) {
        let homes: Vec<PlaceId> = self.homes.keys().cloned().collect();
        for home in homes {
            self.review(&home);
        }
    }
}

//! People living alone (`living_alone`): the door of a home has not moved for a day, and somebody asks after them.
//! The resident judges this rule by the visits that were not needed, and by the one that was.
//!
//! Subject: a home with consent. Alarms by key: `inactive`, `visit` and `exit`, each with the home's place; of other kinds
//! `device_fault` (a sensor to repair) and `door_open`.
//!
//! ```text
//!  T = 20 h      T = 24 h      t0+10 min   t0+20       t0+60
//!   watch ───────► CALL ───────► FAMILY ────► CAPTAIN ───► POLICE
//!   (silent)      P3, twice       P2           P2           P1
//!                 └──── a life sign, or somebody who saw or spoke to the resident: stood down, everybody is told
//!
//!  a sensor silent for 8 h, or its hub gone: UNKNOWN. T stands still, P3 repair, and after 12 h a visit (P2)
//! ```
//!
//!  away: silent; a door that moves: "perhaps back", and T runs from it. Motion or water: the call is put off once
//!
//! Beside these `exit`: somebody who may not find back went out between 00:00 and 05:00, and is not back in 20 min (P2).

mod home;
mod settings;
mod stages;

use super::{Cause, KindWords, Proposal, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::senses::{Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::table::Table;
use crate::world::World;
use home::{Home, Look, Sensors};
use std::collections::BTreeMap;
use wanglou_model::{CallAnswer, Device, DeviceId, Fact, Outcome, PlaceId, Purpose, Reason, Site};

pub use settings::LivingAloneSettings;

/// The one timer on a home: look again.
const LOOK: u8 = 0;
/// The timer on an alarm: whoever took it should be at the door.
const THERE_BY: u8 = 0;

/// The rule.
#[derive(Debug)]
pub(crate) struct LivingAlone {
    settings: LivingAloneSettings,
    /// The homes with consent and a door sensor, by the registry.
    sensors: Table<PlaceId, Sensors>,
    homes: Table<Subject, Box<Home>>,
}

impl LivingAlone {
    pub(crate) fn new(settings: LivingAloneSettings) -> Self {
        Self { settings, sensors: Table::default(), homes: Table::default() }
    }

    /// Changes a home, looks at it, and arms the next look. Returns whether there is anything to decide.
    fn look(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        place: &PlaceId,
        timers: &mut RuleTimers,
        change: impl FnOnce(&mut Home, &Look),
    ) -> bool {
        let Some(sensors) = self.sensors.get(place) else { return false };
        let home = self.homes.entry(place);
        let look = Look { settings: &self.settings, senses, setup, place, doors: &sensors.doors, sensors };
        home.news.clear();
        change(home, &look);
        let next = home.next_look(&look);
        match next {
            // Later than the armed one: that one looks, finds nothing, and arms this one. Most messages only put off
            // the next look, and need not move any deadline.
            Some(at) if home.looks_at.is_some_and(|armed| armed <= at && armed > senses.at) => {}
            Some(at) => timers.arm(place, LOOK, at),
            None => timers.disarm(place, LOOK),
        }
        home.looks_at = match next {
            Some(at) => {
                Some(home.looks_at.filter(|armed| *armed > senses.at).map_or(at, |armed| armed.min(at)))
            }
            None => None,
        };
        !home.news.is_empty()
    }
}

/// May what a device says be a sign of life? One on probation may be wired the wrong way round, or hang in another home: it
/// would hide that a person is silent.
fn is_believed(sensors: Option<&Sensors>, sighting: &Sighting) -> bool {
    if sighting.device.purpose == Purpose::HomeDoor {
        return sensors.is_some_and(|sensors| sensors.doors.contains(sighting.id));
    }
    !sighting.device.probation
}

/// The home with consent that a place is, or lies in.
fn home_of<'a>(site: &'a Site, place: &PlaceId) -> Option<&'a PlaceId> {
    match site.homes.get_key_value(place) {
        Some((home, known)) => known.consent.then_some(home),
        None => home_of(site, &place.parent()?),
    }
}

/// Each home's sensors of some purposes, where there is consent.
fn by_home<'a>(
    senses: &'a Senses,
    site: &'a Site,
    purposes: &'a [Purpose],
) -> impl Iterator<Item = (PlaceId, DeviceId, Purpose)> + 'a {
    let of_purpose = site.devices.iter().filter(|(_, device)| purposes.contains(&device.purpose));
    of_purpose.filter_map(|(id, device)| {
        let home = home_of(site, &device.place)?;
        let withdrawn = senses.register.withdrawn.contains(home);
        (!withdrawn).then(|| (home.clone(), id.clone(), device.purpose))
    })
}

/// A door sensor on probation counts only in a home that has no trusted one; another sensor never.
fn sensors_by_home(senses: &Senses, site: &Site) -> Table<PlaceId, Sensors> {
    let mut homes: BTreeMap<PlaceId, Sensors> = BTreeMap::new();
    let purposes = [Purpose::HomeDoor, Purpose::HomeMotion, Purpose::HomeWater];
    let trusted = |id: &DeviceId| site.devices.get(id).is_some_and(|device| !device.probation);
    for (home, id, purpose) in by_home(senses, site, &purposes) {
        let of_home = homes.entry(home).or_default();
        if purpose != Purpose::HomeDoor && !trusted(&id) {
            continue;
        }
        let of_purpose = match purpose == Purpose::HomeDoor {
            true => &mut of_home.doors,
            false if purpose == Purpose::HomeWater => &mut of_home.water,
            false => &mut of_home.motion,
        };
        of_purpose.push(id);
    }
    let mut sensors = Table::default();
    for (home, mut of_home) in homes {
        if of_home.doors.iter().any(trusted) {
            of_home.doors.retain(trusted);
        }
        if !of_home.doors.is_empty() {
            of_home.register(&home, site);
            sensors.insert(home, of_home);
        }
    }
    sensors
}

impl Sensors {
    fn register(&mut self, home: &PlaceId, site: &Site) {
        let all = self.doors.iter().chain(&self.motion).chain(&self.water);
        let known = |id: &DeviceId| {
            let device = site.devices.get(id)?;
            Some((id.clone(), device.interval, device.hub.clone()))
        };
        self.known = all.filter_map(known).collect();
        let of_home = site.homes.get(home);
        self.high_risk = of_home.is_some_and(|home| home.high_risk);
        self.night_exit = of_home.is_some_and(|home| home.night_exit);
    }
}

impl Rule for LivingAlone {
    fn name(&self) -> &'static str {
        "living_alone"
    }

    fn words(&self) -> KindWords {
        stages::words()
    }

    fn words_of(&self, kind: &str) -> Option<KindWords> {
        if kind == self.name() { Some(self.words()) } else { stages::words_of(kind) }
    }

    fn listens(&self, device: &Device) -> bool {
        matches!(device.purpose, Purpose::HomeDoor | Purpose::HomeMotion | Purpose::HomeWater)
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.living_alone);
    }

    fn configure(&mut self, senses: &Senses, setup: &Setup, timers: &mut RuleTimers) {
        let first = self.sensors.is_empty();
        let sensors = sensors_by_home(senses, &setup.site);
        let doors = |all: &Table<PlaceId, Sensors>| -> Vec<(PlaceId, Vec<DeviceId>)> {
            all.sorted().into_iter().map(|(home, of_home)| (home.clone(), of_home.doors.clone())).collect()
        };
        let changed = doors(&sensors) != doors(&self.sensors) || self.settings != setup.rules.living_alone;
        self.settings = setup.rules.living_alone.clone();
        self.sensors = sensors;
        let sensors = &self.sensors;
        self.homes.retain(|place, home| {
            let Some(of_home) = sensors.get(place) else {
                timers.disarm(place, LOOK);
                return false;
            };
            home.doors.retain(|door, _| of_home.doors.contains(door));
            // At a start nothing is armed here: the path is not up yet, and every home is looked at when it is.
            if changed && !first {
                timers.arm(place, LOOK, senses.at);
            }
            true
        });
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let place = sighting.home?;
        let sensors = self.sensors.get(place);
        if !is_believed(sensors, sighting) {
            return None;
        }
        if let Some((sensors, home)) = sensors.zip(self.homes.get_mut(place)) {
            let look =
                Look { settings: &self.settings, senses, setup, place, doors: &sensors.doors, sensors };
            if home.only_lives(&look, sighting) {
                return None;
            }
        }
        let decide = self.look(senses, setup, place, timers, |home, look| {
            match sighting.device.purpose {
                Purpose::HomeDoor => home.see_door(look, sighting),
                Purpose::HomeWater => home.see_water(look, sighting),
                _ => home.see_motion(look, sighting),
            }
            home.review(look);
        });
        decide.then(|| place.clone())
    }

    fn due(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        place: &Subject,
        _slot: u8,
        timers: &mut RuleTimers,
    ) -> bool {
        if let Some(home) = self.homes.get_mut(place) {
            home.looks_at = None;
        }
        // Until then no look is armed: the end of the outage brings one.
        senses.may_judge_absence() && self.look(senses, setup, place, timers, Home::review)
    }

    fn resumed(&mut self, senses: &Senses, setup: &Setup, timers: &mut RuleTimers) -> Vec<Subject> {
        let known: Vec<Subject> = self.homes.sorted().into_iter().map(|(home, _)| home.clone()).collect();
        known.into_iter().filter(|place| self.look(senses, setup, place, timers, Home::review)).collect()
    }

    fn health(&mut self, senses: &Senses, setup: &Setup, device: &DeviceId, timers: &mut RuleTimers) {
        let behind = setup.behind.get(device).into_iter().flatten();
        let places = behind.filter_map(|id| setup.site.devices.get(id)).map(|door| &door.place);
        for place in places.filter_map(|place| home_of(&setup.site, place)) {
            if self.homes.get(place).is_some() {
                timers.arm(place, LOOK, senses.at);
            }
        }
    }

    fn registered(&mut self, senses: &Senses, setup: &Setup, entry: &Fact, timers: &mut RuleTimers) {
        if let Fact::Consent { .. } = entry {
            self.configure(senses, setup, timers);
        }
        if let Fact::Away { home, .. } = entry
            && self.sensors.get(home).is_some()
        {
            self.homes.entry(home);
            timers.arm(home, LOOK, senses.at);
        }
    }

    fn decide(&self, world: &World, place: &Subject, _cause: Cause) -> Vec<Proposal> {
        let Some(home) = self.homes.get(place) else { return Vec::new() };
        home.news.iter().flat_map(|news| self.stage(world, place, news)).collect()
    }

    fn alarm_due(&self, _world: &World, alarm: &Alarm, slot: u8) -> Vec<Proposal> {
        let late = slot == THERE_BY && stages::is_under_way(alarm);
        late.then(|| Proposal::Fact(crate::command::remind_holder(alarm))).into_iter().collect()
    }

    fn after_raise(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        let at = world.at + settings::secs(stages::there_by_s(&self.settings, alarm));
        let armed = Fact::Armed { alarm: alarm.id.clone(), timer: THERE_BY, at };
        if stages::is_ladder(alarm) { vec![armed] } else { Vec::new() }
    }

    fn answered(&self, world: &World, home: &PlaceId, answer: CallAnswer) -> Vec<Proposal> {
        self.answer(world, home, answer)
    }

    /// Only somebody who saw or spoke to the resident ends it, whatever they found.
    fn word_is_enough(&self, _world: &World, alarm: &Alarm, outcome: Outcome) -> bool {
        match outcome {
            _ if alarm.kind.as_str() != self.name() => true,
            Outcome::Ok | Outcome::Real | Outcome::FalseAlarm | Outcome::Unfounded => true,
            Outcome::Unverified | Outcome::Duplicate | Outcome::Test | Outcome::Complied => false,
        }
    }

    fn ended(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        alarm: &Alarm,
        reason: &Reason,
        timers: &mut RuleTimers,
    ) {
        if stages::was_seen_by_somebody(alarm, reason) {
            self.look(senses, setup, &alarm.place, timers, Home::was_visited);
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.homes)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.homes = snapshot::read(kept)?;
        Ok(())
    }
}

/// A point of the timeline as part of a reason would be a line of somebody's door history: none is shown.
fn reason(code: &str, zh: &str, en: &str) -> Reason {
    Reason { code: code.to_owned(), text: text(zh, en) }
}

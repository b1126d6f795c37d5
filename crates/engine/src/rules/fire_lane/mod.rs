//! Cars in fire lanes (`fire_lane`), and what a geomagnet alone says of one (`parking`).
//!
//! Subject: the lane. Key: segment and the hash of the plate; a camera that reads no plate knows one car in a segment.
//!
//! ```text
//!  there 3 min ─► P3, the owner (or a guard) ─ 10 min ─► P2, a guard ─ 30 min ─► station      segment empty 60 s: over
//!     └── a confirmed fire in that building: P1 at once          camera blocked: UNKNOWN, its time does not count
//! ```

mod lane;
mod settings;

pub use settings::FireLaneSettings;

use super::sensing::{building_of, mark_of, over, self_tested, there};
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::ladder::{default_ladder, rung};
use crate::raising::kind_of;
use crate::rules::smoke::{is_confirmed_fire, is_fire};
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use lane::{Car, Lane, News, Sight};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use wanglou_model::{
    Audience, Device, Fact, Ladder, NextRung, Officer, OfficerId, Outcome, PlaceId, PlaceKind, Priority,
    Purpose, Reading, Reason, Role, Rung, Span, StopsAt, Timestamp,
};

/// Slots of its timers on a lane.
const LOOK: u8 = 0;
const OCCUPIED: u8 = 1;
const FIRE: u8 = 2;
/// The kind of what a geomagnet alone says.
const PARKING: &str = "parking";
/// Plates whose latest times are remembered; the one that was unseen for longest goes first.
const PLATES_MAX: usize = 1_000;

/// The rule.
#[derive(Debug)]
pub(crate) struct FireLane {
    settings: FireLaneSettings,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    lanes: BTreeMap<PlaceId, Lane>,
    /// When each plate stood there for too long, lately.
    times: BTreeMap<String, VecDeque<Timestamp>>,
}

/// The stage in which somebody is sent to the car.
const GUARD_GOES: &str = "guard_goes";

impl FireLane {
    pub(crate) fn new(settings: FireLaneSettings) -> Self {
        Self { settings, kept: Kept::default() }
    }

    fn with_lane(
        &mut self,
        senses: &Senses,
        place: &PlaceId,
        timers: &mut RuleTimers,
        change: impl FnOnce(&mut Lane, &FireLaneSettings),
    ) -> bool {
        let lane = self.kept.lanes.entry(place.clone()).or_default();
        lane.news.clear();
        change(lane, &self.settings);
        lane.look(&self.settings, senses.at);
        match lane.next_look(&self.settings) {
            Some(at) => timers.arm(place, LOOK, at.max(senses.at)),
            None => timers.disarm(place, LOOK),
        }
        match lane.occupied {
            Some(since) => {
                timers.arm(place, OCCUPIED, (since + Span::secs(self.settings.owner_s)).max(senses.at))
            }
            None => timers.disarm(place, OCCUPIED),
        }
        let stands: Vec<String> = lane
            .news
            .iter()
            .filter_map(
                |news| if let News::Stands(key) = news { lane.cars.get(key)?.plate.clone() } else { None },
            )
            .collect();
        let any = !lane.news.is_empty();
        stands.into_iter().for_each(|plate| self.count(plate, senses.at));
        any
    }

    fn count(&mut self, plate: String, at: Timestamp) {
        let times = self.kept.times.entry(plate).or_default();
        times.retain(|time| at - *time <= Span::hours(24 * self.settings.times_days));
        times.push_back(at);
        if times.len() > self.settings.times.max(1) {
            times.pop_front();
        }
        if self.kept.times.len() > PLATES_MAX {
            let oldest = self.kept.times.iter().min_by_key(|(_, times)| times.back().copied());
            if let Some(plate) = oldest.map(|(plate, _)| plate.clone()) {
                self.kept.times.remove(&plate);
            }
        }
    }

    /// Confirmed fires of the building that the lane leads to. A lane of which nobody said where leads everywhere.
    fn fires<'w>(&self, world: &World<'w>, place: &PlaceId) -> impl Iterator<Item = &'w Alarm> {
        let (setup, book, place) = (world.setup, world.book, place.clone());
        let site = &setup.site;
        let zone = site.places.get(&place).and_then(|lane| lane.zone.clone());
        let leads_to = move |building: &PlaceId| {
            let same = site.grid_of(&place).is_none_or(|grid| site.grid_of(building) == Some(grid));
            place.is_within(building) || zone.as_ref().map_or(same, |zone| zone == building)
        };
        let confirmed = book.open_alarms().filter(|alarm| is_confirmed_fire(alarm));
        confirmed.filter(move |alarm| leads_to(&building_of(setup, &alarm.place)))
    }

    /// Is a fire confirmed in the building that the lane leads to?
    fn is_needed(&self, world: &World, place: &PlaceId) -> bool {
        self.fires(world, place).next().is_some()
    }

    fn owner(&self, world: &World, car: &Car) -> Option<OfficerId> {
        let plate = car.plate.as_ref()?;
        let mut officers = world.setup.site.officers.iter();
        let owner = officers.find(|(_, officer)| officer.vehicles.contains(plate));
        owner.filter(|(id, officer)| world.is_reachable(id, officer)).map(|(id, _)| id.clone())
    }

    fn ladder(&self, world: &World, car: &Car) -> Ladder {
        let on_duty = |roles: &[Role]| roles.iter().copied().map(Audience::OnDuty).collect::<Vec<_>>();
        let after = |s: i64| (car.since + Span::secs(s) - world.at).max(Span::ZERO);
        let guards = on_duty(&[Role::Guard, Role::GridWorker]);
        let staged = |rung: Rung, stage: &str| Rung { stage: Some(stage.into()), ..rung };
        let late = after(self.settings.guard_s) == Span::ZERO;
        let first = match self.owner(world, car).filter(|_| !late) {
            Some(owner) => staged(rung(Span::ZERO, vec![Audience::People(vec![owner])]), "owner"),
            None => staged(rung(Span::ZERO, guards.clone()), "guard"),
        };
        let second = Rung {
            priority: Some(Priority::P2),
            ..staged(rung(after(self.settings.guard_s), guards), GUARD_GOES)
        };
        let station = staged(
            rung(after(self.settings.station_s), on_duty(&[Role::Station, Role::ControlRoom, Role::Manager])),
            "station",
        );
        let rungs = if late { vec![first, station] } else { vec![first, second, station] };
        let base = default_ladder(if late { Priority::P2 } else { Priority::P3 });
        Ladder { rungs, repeat: Span::mins(30), stops_at: StopsAt::Closure, ..base }
    }

    fn raise(
        &self,
        world: &World,
        place: &Subject,
        key: &str,
        fire: bool,
        said: Option<&Sighting>,
    ) -> Option<Proposal> {
        let car = self.kept.lanes.get(place)?.cars.get(key)?;
        let long = world.at - car.since >= Span::secs(self.settings.guard_s);
        let (priority, reason) = match () {
            () if fire => (
                Priority::P1,
                Reason::new(
                    "lane_blocked_in_fire",
                    "楼内起火，消防通道被占",
                    "a fire, and its lane is blocked",
                ),
            ),
            () if long => (
                Priority::P2,
                Reason::new(
                    "lane_blocked_long",
                    "消防通道被占十分钟以上",
                    "the fire lane has been blocked for ten minutes",
                ),
            ),
            () => (Priority::P3, Reason::new("lane_blocked", "消防通道被占", "the fire lane is blocked")),
        };
        let mut raise = Raise::new(format!("{place}:{key}"), place, priority, car.since, reason);
        if let Some(said) = said {
            raise = raise.seen_by(said);
            raise.first_at = car.since;
        }
        raise.incident =
            if fire { self.fires(world, place).find_map(|alarm| alarm.incident.clone()) } else { None };
        raise.event_key = Some(format!("since {}", car.since.0));
        raise.mark = car.mark;
        raise.merge = Span::secs(self.settings.hidden_s);
        raise.stage = Some(if fire { "fire" } else { "stands" }.into());
        raise.ladder = Some(if fire { default_ladder(Priority::P1) } else { self.ladder(world, car) });
        raise.details = BTreeMap::from([("segment".to_owned(), car.segment.clone().into())]);
        there(world, &kind_of("fire_lane"), said, raise)
    }

    /// The third time within a month is for the officer's summary.
    fn summary(&self, world: &World, place: &Subject, key: &str) -> Option<Proposal> {
        let car = self.kept.lanes.get(place)?.cars.get(key)?;
        let plate = car.plate.as_ref()?;
        let times = self.kept.times.get(plate).map_or(0, VecDeque::len);
        if times < self.settings.times.max(1) {
            return None;
        }
        let reason = Reason::new(
            "lane_third_time",
            "同一车辆多次占用消防通道",
            "the same car blocks fire lanes again and again",
        );
        let mut raise = Raise::new(format!("times:{plate}"), place, Priority::P4, world.at, reason);
        let shown = Rung { ring: false, ..rung(Span::ZERO, vec![Audience::OnDuty(Role::Officer)]) };
        raise.ladder = Some(Ladder { rungs: vec![shown], ..default_ladder(Priority::P4) });
        raise.details = BTreeMap::from([("times".to_owned(), times.into())]);
        Some(Proposal::Raise(Box::new(raise)))
    }

    fn concerning(
        &self,
        world: &World,
        place: &Subject,
        news: &News,
        said: Option<&Sighting>,
    ) -> Vec<Proposal> {
        let kind = kind_of("fire_lane");
        let fire = || self.is_needed(world, place);
        match news {
            News::Came(key) if fire() => self.raise(world, place, key, true, said).into_iter().collect(),
            News::Came(_) => Vec::new(),
            News::Stands(key) => {
                let raise = self.raise(world, place, key, fire(), said);
                raise.into_iter().chain(self.summary(world, place, key)).collect()
            }
            News::Gone(key) => {
                let reason = Reason::new("lane_empty", "消防通道已腾空", "the fire lane is free again");
                over(world, &kind, &format!("{place}:{key}"), Outcome::Complied, &reason)
            }
            News::Blind => {
                let reason = Reason::new(
                    "camera_blocked",
                    "摄像机看不到通道，状态未知",
                    "the camera does not see the lane: UNKNOWN",
                );
                vec![Proposal::Fact(Fact::Suppressed { kind, place: place.clone(), reason })]
            }
        }
    }

    /// Something stands on a geomagnet, and no camera sees a car there.
    fn parked(&self, world: &World, place: &Subject) -> Vec<Proposal> {
        let kind = kind_of(PARKING);
        let lane = self.kept.lanes.get(place);
        let Some(since) = lane.and_then(|lane| lane.occupied) else {
            let reason = Reason::new("lane_empty", "已腾空", "free again");
            return over(world, &kind, place.as_str(), Outcome::Complied, &reason);
        };
        let seen = lane.is_some_and(|lane| lane.cars.values().any(Car::is_here));
        if seen || world.at - since < Span::secs(self.settings.owner_s) {
            return Vec::new();
        }
        let reason =
            Reason::new("occupied", "地磁显示有车停放", "a geomagnet says that something stands there");
        let mut raise = Raise::new(place.as_str(), place, Priority::P4, since, reason);
        raise.kind = Some(PARKING);
        there(world, &kind, None, raise).into_iter().collect()
    }
}

/// Is it a lane, of which a geomagnet's word matters? On a parking lot cars may stand.
fn is_lane(setup: &Setup, device: &Device) -> bool {
    let road = setup.site.places.get(&device.place).is_some_and(|place| place.kind == PlaceKind::Road);
    road || device.purpose == Purpose::LaneCamera
}

/// Is it a gate, or the entrance of a car park? Cars come through there all day, and it is nobody's fire lane.
fn is_gate(setup: &Setup, device: &Device) -> bool {
    let door = setup.site.places.get(&device.place).is_some_and(|place| place.kind == PlaceKind::Door);
    door && device.purpose != Purpose::LaneCamera
}

fn is_vehicle(class: &str) -> bool {
    matches!(class, "vehicle" | "car" | "truck" | "van" | "bus")
}

impl Rule for FireLane {
    fn name(&self) -> &'static str {
        "fire_lane"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("占用消防通道", "Fire lane blocked"),
            advice: vec![
                text("先联系车主挪车，语气平和", "Ask the owner to move it, calmly"),
                text(
                    "联系不上：到场劝离，必要时请派出所协助",
                    "No answer: go there; the station helps if needed",
                ),
                text(
                    "发生火情：立即组织清障，不要等车主",
                    "In a fire: clear it at once, do not wait for the owner",
                ),
            ],
        }
    }

    fn words_of(&self, kind: &str) -> Option<KindWords> {
        match kind {
            "fire_lane" => Some(self.words()),
            PARKING => Some(KindWords {
                title: text("疑似占道", "Perhaps parked in a lane"),
                advice: vec![text(
                    "仅地磁信号，巡逻时顺路看一眼",
                    "A geomagnet alone: have a look on the next patrol",
                )],
            }),
            _ => None,
        }
    }

    fn listens(&self, device: &Device) -> bool {
        device.purpose == Purpose::LaneCamera
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a few kinds of reading matter here")]
    fn hears(&self, device: &Device, reading: &Reading) -> bool {
        match reading {
            Reading::Vehicle { .. } | Reading::Parking { .. } => true,
            Reading::Object { .. } | Reading::DeviceFault { .. } | Reading::Tamper { .. } => {
                self.listens(device)
            }
            _ => false,
        }
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.fire_lane);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, timers: &mut RuleTimers) {
        self.settings = setup.rules.fire_lane.clone();
        for gone in self.kept.lanes.keys().filter(|place| !setup.site.places.contains_key(*place)) {
            timers.disarm(gone, LOOK);
            timers.disarm(gone, OCCUPIED);
        }
        self.kept.lanes.retain(|place, _| setup.site.places.contains_key(place));
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a few kinds of reading matter here")]
    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let place = sighting.device.place.clone();
        if sighting.duplicate {
            return None;
        }
        let test = sighting.freshness == Freshness::Test;
        let (at, now, mark) = (sighting.occurred, senses.at, mark_of(sighting.freshness));
        let whole = place.as_str().to_owned();
        let news = match &sighting.said.reading {
            Reading::Vehicle { present, .. } | Reading::Object { active: present, .. } if test => *present,
            Reading::Vehicle { .. } if is_gate(setup, sighting.device) => return None,
            Reading::Vehicle { plate_hash, class, segment, present, attended } => {
                let exempt = class.as_ref().is_some_and(|class| self.settings.exempt.contains(class));
                let plate = plate_hash.as_deref();
                let sight = Sight {
                    segment,
                    plate,
                    present: *present && !exempt,
                    attended: *attended,
                    at,
                    now,
                    mark,
                };
                self.with_lane(senses, &place, timers, |lane, settings| lane.see(settings, &sight))
            }
            Reading::Object { class, active, zone, .. } if is_vehicle(class) => {
                let segment = zone.as_ref().unwrap_or(&whole);
                let sight = Sight { segment, plate: None, present: *active, attended: None, at, now, mark };
                self.with_lane(senses, &place, timers, |lane, settings| lane.see(settings, &sight))
            }
            Reading::DeviceFault { active, .. } | Reading::Tamper { active } => {
                let (active, now) = (*active, senses.at);
                self.with_lane(senses, &place, timers, |lane, _| match active {
                    true if lane.blind.is_none() => {
                        lane.blind = Some(now);
                        lane.news.push(News::Blind);
                    }
                    true => {}
                    false => lane.sees_again(now),
                })
            }
            Reading::Parking { occupied, dwell_s } if is_lane(setup, sighting.device) && !test => {
                let began = at - Span((dwell_s.unwrap_or(0.0).clamp(0.0, 86_400.0) * 1e6) as i64);
                let since = occupied.then_some(began);
                self.with_lane(senses, &place, timers, |lane, _| {
                    lane.occupied = lane.occupied.and(since).or(since)
                });
                true
            }
            _ => return None,
        };
        news.then_some(place)
    }

    fn due(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        subject: &Subject,
        slot: u8,
        timers: &mut RuleTimers,
    ) -> bool {
        let Some(lane) = self.kept.lanes.get_mut(subject) else { return false };
        if slot != LOOK {
            lane.news.clear();
            return true;
        }
        self.with_lane(senses, subject, timers, |_, _| {})
    }

    /// A fire is confirmed: whoever stands in a lane is looked at now.
    fn staged(&mut self, senses: &Senses, _setup: &Setup, alarm: &Alarm, timers: &mut RuleTimers) {
        if !is_fire(alarm) || alarm.stage.as_deref() != Some("confirmed") {
            return;
        }
        for (place, lane) in &self.kept.lanes {
            if lane.cars.values().any(Car::is_here) {
                timers.arm(place, FIRE, senses.at);
            }
        }
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let said = match cause {
            Cause::Said(said) => Some(said),
            Cause::Due { slot: OCCUPIED } => return self.parked(world, subject),
            Cause::Due { slot: FIRE } => return self.in_fire(world, subject),
            Cause::Due { .. } => None,
            Cause::Resumed => return Vec::new(),
        };
        if said.is_some_and(|said| said.freshness == Freshness::Test) {
            return vec![self_tested(&kind_of("fire_lane"), subject)];
        }
        if said.is_some_and(|said| matches!(said.said.reading, Reading::Parking { .. })) {
            return self.parked(world, subject);
        }
        let news = self.kept.lanes.get(subject).map(|lane| lane.news.as_slice()).unwrap_or_default();
        news.iter().flat_map(|news| self.concerning(world, subject, news, said)).collect()
    }

    /// A guard who stands beside the car need not be sent there, nor anybody else: the station comes next, in its time.
    fn arrived(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        let holder = alarm.accepted.as_ref().and_then(|held| world.setup.site.officers.get(&held.by));
        let goes = |officer: &&Officer| {
            officer.roles.contains(&Role::Guard) || officer.roles.contains(&Role::GridWorker)
        };
        let rungs = &alarm.ladder.rungs;
        let sent = |next: &NextRung| {
            rungs.get(next.rung).is_some_and(|rung| rung.stage.as_deref() == Some(GUARD_GOES))
        };
        let Some(next) = alarm.next_rung.filter(sent).filter(|_| holder.is_some_and(|held| goes(&held)))
        else {
            return Vec::new();
        };
        let Some(station) = rungs.get(next.rung + 1) else { return Vec::new() };
        let next = NextRung { rung: next.rung + 1, at: alarm.ladder_from + station.after };
        let rung = alarm.rung.unwrap_or(0);
        vec![Fact::Rung { alarm: alarm.id.clone(), rung, told: Vec::new(), ring: true, next: Some(next) }]
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

impl FireLane {
    fn in_fire(&self, world: &World, place: &Subject) -> Vec<Proposal> {
        let Some(lane) = self.kept.lanes.get(place).filter(|_| self.is_needed(world, place)) else {
            return Vec::new();
        };
        let here = lane.cars.iter().filter(|(_, car)| car.is_here());
        here.filter_map(|(key, _)| self.raise(world, place, key, true, None)).collect()
    }
}

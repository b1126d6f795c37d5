//! Deciding: what is known of a lift against what the alarm book says. Without a new event it proposes only what
//! the book does not have yet, so that it may be asked as often as anything changes.

use super::state::{Bike, Lift, RIPE};
use super::{EbikeInLift, words};
use crate::alarm::Alarm;
use crate::raising::{incident_of, kind_of};
use crate::rules::{Cause, Proposal, Raise};
use crate::senses::{Freshness, Sighting};
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{
    AlarmKind, DeviceId, Fact, IncidentId, LiftClass, Mark, Outcome, PlaceId, PlaceKind, Priority, Reading,
    Reason, Reopening, Response, Span, Timestamp,
};

/// Slot of the rule's timer on an alarm: by then a wired hold must be seen.
const HOLD_EXPECTED: u8 = 0;
/// The rung at which phones ring.
const RINGS: usize = 1;

impl EbikeInLift {
    /// Everything that follows for one lift.
    pub(super) fn judge(&self, world: &World, place: &PlaceId, lift: &Lift, cause: Cause) -> Vec<Proposal> {
        let said = match cause {
            Cause::Said(sighting) if sighting.device.place == *place => Some(sighting),
            Cause::Said(_) | Cause::Due { .. } | Cause::Resumed => None,
        };
        let alarm = world.book.open(&self.kind, place.as_str());
        let mut proposals = Vec::new();
        proposals.extend(said.and_then(|sighting| self.too_old(place, sighting)));
        proposals.extend(self.suspected(world, place, lift, alarm));
        match self.raised(world, place, lift, alarm) {
            Some(raise) => proposals.push(raise),
            None => {
                proposals.extend(self.counted(world, place, lift, alarm, said, cause));
                proposals
                    .extend(alarm.into_iter().flat_map(|alarm| self.followed(world, place, lift, alarm)));
            }
        }
        proposals.extend(self.battery(world, place, lift));
        proposals.extend(self.lift_fault(world, place, lift));
        proposals.extend(camera_health(world, lift, said));
        proposals
    }

    /// A hit from long ago is history, not an alarm.
    fn too_old(&self, place: &PlaceId, sighting: &Sighting) -> Option<Proposal> {
        let hit = matches!(
            sighting.said.reading,
            Reading::LiftCamera { class: LiftClass::Ebike, present: true, confidence, .. }
                if confidence.is_none_or(|confidence| confidence >= self.settings.confidence)
        );
        let old = hit && !sighting.duplicate && sighting.freshness == Freshness::Late;
        old.then(|| {
            let (kind, place, reason) = (self.kind.clone(), place.clone(), words::news_too_old());
            Proposal::Fact(Fact::Suppressed { kind, place, reason })
        })
    }

    /// The silent stage before an alarm.
    fn suspected(
        &self,
        world: &World,
        place: &PlaceId,
        lift: &Lift,
        alarm: Option<&Alarm>,
    ) -> Option<Proposal> {
        let bike = lift.bike.as_ref()?;
        let new = bike.hits == 1 && bike.since == world.at && bike.last_hit == world.at && !bike.ripe;
        let watched = Fact::Watched {
            kind: self.kind.clone(),
            place: place.clone(),
            stage: "suspect".to_owned(),
            reason: words::suspect(),
        };
        (new && alarm.is_none()).then_some(Proposal::Fact(watched))
    }

    /// A new alarm, or one that is active again.
    fn raised(&self, world: &World, place: &PlaceId, lift: &Lift, alarm: Option<&Alarm>) -> Option<Proposal> {
        let bike = lift.bike.as_ref().filter(|bike| bike.ripe && !bike.left)?;
        if alarm.is_some_and(Alarm::is_active) {
            return None;
        }
        let ended = self
            .latest(world, &self.kind, place.as_str())
            .and_then(|alarm| alarm.closed_at.zip(alarm.outcome));
        let seen_before_its_end = ended.filter(|(closed, _)| alarm.is_none() && bike.since <= *closed);
        let anew = match seen_before_its_end {
            None => false,
            Some((closed, outcome)) if self.is_still_there(world, bike, closed, outcome) => true,
            Some(_) => return None,
        };
        let mut raise = self.raise(world, place, lift, bike);
        if anew {
            (raise.event_key, raise.first_at) = (None, world.at);
        }
        Some(Proposal::Raise(Box::new(raise)))
    }

    /// A person ended the alarm, not as a false one, and well after that the camera still sees the same bike.
    fn is_still_there(&self, world: &World, bike: &Bike, closed: Timestamp, outcome: Outcome) -> bool {
        let nothing =
            matches!(outcome, Outcome::FalseAlarm | Outcome::Test | Outcome::Duplicate | Outcome::Unfounded);
        let hit_now = bike.last_hit == world.at && bike.is_inside();
        !nothing && hit_now && world.at - closed > Span::secs(self.settings.merge_s)
    }

    fn raise(&self, world: &World, place: &PlaceId, lift: &Lift, bike: &Bike) -> Raise {
        let burns = self.burns_near(world, place);
        let (priority, reason) =
            if burns { (Priority::P1, words::fire_near()) } else { (Priority::P2, words::raised(bike)) };
        let stage = stage_of(lift, None).unwrap_or("present");
        let mut raise = Raise::new(place.as_str(), place, priority, bike.first_at, reason);
        raise.device = Some(bike.device.clone());
        raise.event_key = bike.event_key.clone();
        raise.evidence = bike.evidence.clone();
        raise.merge = Span::secs(self.settings.merge_s);
        let calm = matches!(stage, "held" | "present");
        let silent = calm && (self.wired.contains(place) || lift.car.is_held());
        raise.ladder = (!burns).then(|| self.settings.ladder(silent));
        raise.stage = Some(stage.to_owned());
        raise.details = details(bike);
        raise.incident = Some(self.incident(world, place, bike));
        raise
    }

    /// Another event of an alarm that is active.
    fn counted(
        &self,
        world: &World,
        place: &PlaceId,
        lift: &Lift,
        alarm: Option<&Alarm>,
        said: Option<&Sighting>,
        cause: Cause,
    ) -> Option<Proposal> {
        let bike = lift.bike.as_ref().filter(|bike| bike.ripe && bike.is_inside())?;
        let alarm = alarm.filter(|alarm| alarm.is_active())?;
        let another_stay = matches!(cause, Cause::Due { slot: RIPE }) && bike.since > alarm.raised_at;
        // A streaming camera repeats itself; that is no event.
        let hit = said
            .filter(|said| said.is_news() && !bike.streaming && bike.hits > 1 && bike.last_hit == world.at);
        if !another_stay && hit.is_none_or(|said| !is_bike(said)) {
            return None;
        }
        let mut raise = Raise::new(place.as_str(), place, alarm.priority, bike.first_at, words::raised(bike));
        (raise.device, raise.evidence) = (Some(bike.device.clone()), bike.evidence.clone());
        if let Some(said) = hit {
            (raise.first_at, raise.evidence) = (said.occurred, said.said.evidence.clone());
        }
        Some(Proposal::Raise(Box::new(raise)))
    }

    /// What changed for an open alarm: fire, doubt, stage, end.
    fn followed(&self, world: &World, place: &PlaceId, lift: &Lift, alarm: &Alarm) -> Vec<Proposal> {
        if let Some(worse) = self.worse(world, place, lift, alarm) {
            return vec![Proposal::Raise(Box::new(worse))];
        }
        let Some(bike) = &lift.bike else { return Vec::new() };
        // A bike that is not long enough in the car has nothing to do with the alarm of an earlier one.
        if !bike.ripe {
            return Vec::new();
        }
        let mut proposals = doubted(alarm, bike);
        proposals.extend(confirmed(world, alarm, bike));
        proposals.extend(self.staged(world, lift, alarm));
        if bike.left && alarm.is_active() {
            proposals.push(fact(Fact::Cleared { alarm: alarm.id.clone(), reason: words::gone() }));
        }
        proposals.extend(self.complied(world, lift, bike, alarm));
        proposals
    }

    fn worse(&self, world: &World, place: &PlaceId, lift: &Lift, alarm: &Alarm) -> Option<Raise> {
        if alarm.priority == Priority::P1 {
            return None;
        }
        let reason = if self.burns_near(world, place) {
            words::fire_near()
        } else if lift.car.in_fire {
            words::held_in_fire()
        } else {
            return None;
        };
        let mut raise = Raise::new(place.as_str(), place, Priority::P1, world.at, reason);
        raise.stage = alarm.stage.clone();
        Some(raise)
    }

    fn staged(&self, world: &World, lift: &Lift, alarm: &Alarm) -> Vec<Proposal> {
        let before = alarm.stage.as_deref();
        let Some(stage) = stage_of(lift, before).filter(|stage| Some(*stage) != before) else {
            return Vec::new();
        };
        let inside = lift.bike.as_ref().is_some_and(Bike::is_inside);
        let reason = words::stage(stage, inside, lift.car.floor);
        let staged =
            Fact::Staged { alarm: alarm.id.clone(), stage: stage.to_owned(), reason: reason.clone() };
        let mut proposals = vec![fact(staged)];
        let urgent =
            matches!(stage, "hold_failed" | "held_overdue" | "defeated") || (stage == "released" && inside);
        match stage {
            "held" => proposals.extend(hushed(world, alarm)),
            _ if urgent => proposals.extend(called(alarm, reason)),
            _ => {}
        }
        proposals
    }

    /// It closes itself only if everything about it is known and well, and soon.
    fn complied(&self, world: &World, lift: &Lift, bike: &Bike, alarm: &Alarm) -> Option<Proposal> {
        let known = bike.confidence.is_some() && bike.sure && bike.doubt.is_none() && alarm.mark.is_none();
        let well = !bike.moved && !bike.defeated && !lift.car.is_held() && !lift.car.failed;
        let soon = world.at - alarm.raised_at <= Span::secs(self.settings.complied_within_s);
        let calm = alarm.priority == Priority::P2;
        (bike.left && known && well && soon && calm)
            .then(|| fact(closed(alarm, Outcome::Complied, words::complied())))
    }

    fn battery(&self, world: &World, place: &PlaceId, lift: &Lift) -> Option<Proposal> {
        let key = format!("battery:{place}");
        let alarm = world.book.open(&self.kind, &key).filter(|alarm| alarm.is_active());
        let Some(battery) = &lift.battery else {
            return alarm.map(|alarm| fact(Fact::Cleared { alarm: alarm.id.clone(), reason: words::gone() }));
        };
        let known = self
            .latest(world, &self.kind, &key)
            .is_some_and(|alarm| battery.since <= alarm.raised_at.max(alarm.last_at));
        if !battery.ripe || known || alarm.is_some_and(|alarm| alarm.last_at >= battery.hit.first_at) {
            return None;
        }
        let hit = &battery.hit;
        let mut raise = Raise::new(key, place, Priority::P4, hit.first_at, words::battery());
        (raise.device, raise.event_key) = (Some(hit.device.clone()), hit.event_key.clone());
        raise.evidence = hit.evidence.clone();
        raise.merge = Span::secs(self.settings.merge_s);
        Some(Proposal::Raise(Box::new(raise)))
    }

    /// A hold that nobody needs, or that must not be.
    fn lift_fault(&self, world: &World, place: &PlaceId, lift: &Lift) -> Vec<Proposal> {
        let bike_alarm = world.book.open(&self.kind, place.as_str()).is_some();
        let in_fire = lift.car.in_fire && !bike_alarm;
        let faults = [
            ("idle", lift.car.idle, lift.car.held_since, Priority::P2, words::idle_hold()),
            ("fire", in_fire, lift.car.fire_since, Priority::P1, words::held_in_fire()),
        ];
        let kind = kind_of(words::LIFT_FAULT);
        let proposals = faults.into_iter().map(|(name, holds, since, priority, reason)| {
            let key = format!("{name}:{place}");
            let alarm = world.book.open(&kind, &key).filter(|alarm| alarm.is_active());
            match (holds, alarm, since) {
                (true, None, Some(since)) => {
                    let ended = self.latest(world, &kind, &key).and_then(|alarm| alarm.closed_at);
                    let mut raise = Raise::new(key, place, priority, since, reason);
                    raise.kind = Some(words::LIFT_FAULT);
                    ended.is_none_or(|ended| ended < since).then(|| Proposal::Raise(Box::new(raise)))
                }
                (false, Some(alarm), _) => {
                    Some(fact(Fact::Cleared { alarm: alarm.id.clone(), reason: words::hold_over() }))
                }
                (true, Some(_), _) | (true, None, None) | (false, None, _) => None,
            }
        });
        proposals.flatten().collect()
    }

    /// After a raise: a hold that is wired must show soon.
    pub(super) fn expect_hold(&self, world: &World, alarm: &Alarm) -> Option<Fact> {
        let silent = alarm.key == alarm.place.as_str() && is_silent(alarm);
        let at = world.at + Span::secs(self.settings.hold_expected_s);
        silent.then(|| Fact::Armed { alarm: alarm.id.clone(), timer: HOLD_EXPECTED, at })
    }

    /// No hold has come, and the bike is still there: phones ring.
    pub(super) fn hold_is_missing(&self, world: &World, alarm: &Alarm, slot: u8) -> Option<Proposal> {
        let lift = self.kept.lifts.get(&alarm.place)?;
        let inside = lift.bike.as_ref().is_some_and(Bike::is_inside);
        let missing = slot == HOLD_EXPECTED && inside && !lift.car.is_held() && world.at >= alarm.ladder_from;
        missing.then(|| louder(alarm)).flatten()
    }

    fn latest<'a>(&self, world: &World<'a>, kind: &AlarmKind, key: &str) -> Option<&'a Alarm> {
        world.book.alarms.get(world.book.keys.get(kind)?.get(key)?)
    }

    /// Is a smoke or heat detector active in the lift, or in the parts of its unit that everybody uses?
    fn burns_near(&self, world: &World, lift: &PlaceId) -> bool {
        let lobby = |place: &PlaceId| {
            let kind = world.setup.site.places.get(place).map(|place| place.kind);
            let shared = matches!(kind, Some(PlaceKind::Unit | PlaceKind::Floor | PlaceKind::Corridor));
            shared && lift.parent().is_some_and(|unit| place.is_within(&unit))
        };
        self.kept.fires.values().any(|place| place.is_within(lift) || lobby(place))
    }

    /// Alarms of one building within a few minutes from the first belong together.
    fn incident(&self, world: &World, place: &PlaceId, bike: &Bike) -> IncidentId {
        let building = building_of(world, place);
        let mut begins: BTreeMap<&IncidentId, Timestamp> = BTreeMap::new();
        for alarm in world.book.alarms.values() {
            if let Some(incident) = alarm
                .incident
                .as_ref()
                .filter(|_| alarm.kind == self.kind && alarm.place.is_within(&building))
            {
                let begin = begins.entry(incident).or_insert(alarm.raised_at);
                *begin = alarm.raised_at.min(*begin);
            }
        }
        let latest = begins.into_iter().max_by_key(|(_, begin)| *begin);
        let joined = latest.filter(|(_, begin)| world.at - *begin <= Span::secs(self.settings.incident_s));
        joined.map_or_else(
            || {
                let site = world.setup.site.id.as_str();
                let first = bike.first_at.0.to_string();
                incident_of(&[site, self.kind.as_str(), building.as_str(), place.as_str(), &first])
            },
            |(incident, _)| incident.clone(),
        )
    }
}

/// The stage that an alarm has now, where `before` is the one that it had.
fn stage_of(lift: &Lift, before: Option<&str>) -> Option<&'static str> {
    let bike = lift.bike.as_ref()?;
    match (bike.left, bike.is_inside()) {
        (true, _) => stage_after(lift, bike, before),
        (false, true) => Some(stage_inside(lift, bike, before)),
        (false, false) => None,
    }
}

fn stage_inside(lift: &Lift, bike: &Bike, before: Option<&str>) -> &'static str {
    let (held, car) = (lift.car.is_held(), &lift.car);
    let was_held = matches!(before, Some("held" | "held_overdue" | "hold_failed" | "released"));
    match () {
        () if bike.defeated => "defeated",
        () if car.failed => "hold_failed",
        () if held && car.overdue => "held_overdue",
        () if held => "held",
        () if was_held => "released",
        () => "present",
    }
}

fn stage_after(lift: &Lift, bike: &Bike, before: Option<&str>) -> Option<&'static str> {
    match before {
        _ if bike.moved || !bike.sure => Some("left_at_floor"),
        Some("left") if !lift.car.is_held() => Some("released"),
        Some("left" | "released") => None,
        _ => Some("left"),
    }
}

fn doubted(alarm: &Alarm, bike: &Bike) -> Vec<Proposal> {
    let Some(doubt) = bike.doubt.filter(|_| alarm.mark != Some(Mark::Unverified)) else { return Vec::new() };
    let (alarm, mark, reason) = (alarm.id.clone(), Mark::Unverified, words::doubt(doubt));
    vec![fact(Fact::Marked { alarm, mark, reason })]
}

/// The camera that had failed sees the bike again: whoever had accepted an unverified alarm is asked once more.
fn confirmed(world: &World, alarm: &Alarm, bike: &Bike) -> Vec<Proposal> {
    let again = alarm.mark == Some(Mark::Unverified) && bike.doubt.is_none() && bike.last_hit == world.at;
    if !again || !bike.ripe || alarm.details.contains_key("confirmed") {
        return Vec::new();
    }
    let details = BTreeMap::from([("confirmed".to_owned(), serde_json::Value::Bool(true))]);
    let mut facts = vec![Fact::Detailed { alarm: alarm.id.clone(), details }];
    if !alarm.is_unaccepted() {
        facts.push(Fact::Reopened { alarm: alarm.id.clone(), why: Reopening::Confirmed, rung: 0 });
    }
    facts.into_iter().map(fact).collect()
}

fn is_bike(said: &Sighting) -> bool {
    matches!(said.said.reading, Reading::LiftCamera { class: LiftClass::Ebike, present: true, .. })
}

fn is_silent(alarm: &Alarm) -> bool {
    alarm.ladder.rungs.first().is_some_and(|rung| !rung.ring)
}

/// The hold ended or failed: whoever has the alarm is asked again; without anybody, phones ring now.
fn called(alarm: &Alarm, reason: Reason) -> Option<Proposal> {
    let holder = alarm.accepted.as_ref().map(|acceptance| acceptance.by.clone());
    match (alarm.response, holder) {
        (Response::Unaccepted, _) => louder(alarm),
        (Response::Closed, _) | (_, None) => None,
        (_, Some(holder)) => Some(fact(Fact::Reminded { alarm: alarm.id.clone(), to: vec![holder], reason })),
    }
}

fn louder(alarm: &Alarm) -> Option<Proposal> {
    let quiet = alarm.is_unaccepted() && is_silent(alarm) && alarm.rung.is_none_or(|rung| rung < RINGS);
    quiet.then(|| Proposal::Climb { alarm: alarm.id.clone(), rung: RINGS })
}

/// The hold came after all: silent again, until the time at which phones ring anyhow.
fn hushed(world: &World, alarm: &Alarm) -> Option<Proposal> {
    let rings_at = alarm.ladder_from + alarm.ladder.rungs.get(RINGS)?.after;
    let early = alarm.is_unaccepted() && is_silent(alarm) && alarm.rung == Some(RINGS) && world.at < rings_at;
    early.then(|| Proposal::Climb { alarm: alarm.id.clone(), rung: 0 })
}

fn closed(alarm: &Alarm, outcome: Outcome, reason: Reason) -> Fact {
    Fact::Closed { alarm: alarm.id.clone(), outcome, reason }
}

fn fact(fact: Fact) -> Proposal {
    Proposal::Fact(fact)
}

/// The camera that fell silent, and the same camera heard again.
fn camera_health(world: &World, lift: &Lift, said: Option<&Sighting>) -> Option<Proposal> {
    let unhealthy = |id: &DeviceId| world.book.unhealthy.contains_key(id);
    if let Some(camera) = lift.silent_camera.as_ref().filter(|camera| !unhealthy(camera)) {
        let reason = words::no_frames();
        return Some(fact(Fact::Health { device: Some(camera.clone()), ok: false, reason }));
    }
    let back = said.filter(|said| {
        let silent = lift.silent_camera.as_ref() == Some(said.id);
        let known = world.senses.is_unknown(said.id, said.device);
        said.is_news() && unhealthy(said.id) && !silent && !known
    })?;
    Some(fact(Fact::Health { device: Some(back.id.clone()), ok: true, reason: words::frames_again() }))
}

fn details(bike: &Bike) -> BTreeMap<String, serde_json::Value> {
    let floor = bike.floor.map(|floor| ("floor".to_owned(), floor.into()));
    let confidence = bike.confidence.map(|confidence| ("confidence".to_owned(), confidence.into()));
    floor.into_iter().chain(confidence).collect()
}

fn building_of(world: &World, place: &PlaceId) -> PlaceId {
    let is_building = |place: &PlaceId| {
        world.setup.site.places.get(place).is_some_and(|known| known.kind == PlaceKind::Building)
    };
    let mut outermost = place.clone();
    loop {
        if is_building(&outermost) {
            return outermost;
        }
        match outermost.parent() {
            Some(outer) => outermost = outer,
            None => return outermost,
        }
    }
}

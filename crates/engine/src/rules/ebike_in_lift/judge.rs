//! Deciding: what is known of a lift against what the alarm book says. Without a new event it proposes only what
//! the book does not have yet, so that it may be asked as often as anything changes.

use super::bike::Bike;
use super::faults::camera_health;
use super::follow::stage_of;
use super::state::{Lift, RIPE};
use super::{EbikeInLift, words};
use crate::alarm::Alarm;
use crate::raising::incident_of;
use crate::rules::{Cause, Proposal, Raise};
use crate::senses::{Freshness, Sighting};
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{
    AlarmKind, Fact, IncidentId, LiftClass, Mark, Outcome, PlaceId, PlaceKind, Priority, Reading, Span,
    Timestamp,
};

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
        proposals.extend(summary(world, place, lift, &self.settings));
        proposals.extend(self.battery(world, place, lift));
        proposals.extend(self.lift_fault(world, place, lift));
        proposals.extend(camera_health(world, lift, said));
        proposals.extend(self.commands(world, place, lift, cause));
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
            .and_then(|alarm| alarm.closed_at.zip(alarm.outcome))
            // A camera that never says "stop" outlives the memory of alarms.
            .or(bike.ended);
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
        raise.mark = bike.doubt.map(|_| Mark::Unverified);
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

    pub(super) fn latest<'a>(&self, world: &World<'a>, kind: &AlarmKind, key: &str) -> Option<&'a Alarm> {
        world.book.alarms.get(world.book.keys.get(kind)?.get(key)?)
    }

    /// Is a smoke or heat detector active in the lift, or in the parts of its unit that everybody uses?
    pub(super) fn burns_near(&self, world: &World, lift: &PlaceId) -> bool {
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

/// So many bikes in one lift: the officer should talk to people there. Nobody's phone rings.
fn summary(
    world: &World,
    place: &PlaceId,
    lift: &Lift,
    settings: &super::EbikeInLiftSettings,
) -> Option<Proposal> {
    let at = lift.summary.filter(|at| *at == world.at)?;
    let told = world.book.current(&crate::raising::kind_of(words::SUMMARY), place.as_str(), world.at);
    if told.is_some_and(|told| told.last_at == at) {
        return None;
    }
    let mut raise = Raise::new(place.as_str(), place, Priority::P4, at, words::summary(settings));
    raise.kind = Some(words::SUMMARY);
    raise.merge = Span::ZERO;
    raise.details.insert("hits".to_owned(), settings.summary_hits.into());
    raise.details.insert("days".to_owned(), settings.summary_days.into());
    raise.ladder = Some(settings.summary_ladder());
    Some(Proposal::Raise(Box::new(raise)))
}

fn is_bike(said: &Sighting) -> bool {
    matches!(said.said.reading, Reading::LiftCamera { class: LiftClass::Ebike, present: true, .. })
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

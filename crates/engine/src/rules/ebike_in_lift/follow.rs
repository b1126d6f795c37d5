//! What changes for an alarm that is open: fire, doubt, stages with their ringing, and the end.

use super::bike::Bike;
use super::state::Lift;
use super::{EbikeInLift, words};
use crate::alarm::Alarm;
use crate::rules::{Proposal, Raise};
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{Fact, Mark, Outcome, PlaceId, Priority, Reason, Reopening, Response, Span};

/// Slot of the rule's timer on an alarm: by then a wired hold must be seen.
const HOLD_EXPECTED: u8 = 0;
/// The rung at which phones ring.
const RINGS: usize = 1;

impl EbikeInLift {
    /// What changed for an open alarm: fire, doubt, stage, end.
    pub(super) fn followed(
        &self,
        world: &World,
        place: &PlaceId,
        lift: &Lift,
        alarm: &Alarm,
    ) -> Vec<Proposal> {
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
        match stage {
            "held" => proposals.extend(hushed(world, alarm)),
            "hold_failed" | "held_overdue" | "defeated" => proposals.extend(called(alarm, reason)),
            "released" if inside => proposals.extend(called(alarm, reason)),
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
}

/// The stage that an alarm has now, where `before` is the one that it had.
pub(super) fn stage_of(lift: &Lift, before: Option<&str>) -> Option<&'static str> {
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

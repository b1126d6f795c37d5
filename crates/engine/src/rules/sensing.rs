//! What the rules about conditions share: how a reading's age marks an alarm, which part of the compound belongs
//! together, and when a person's word about a sensor that still says so counts.

use super::{Proposal, Raise};
use crate::alarm::Alarm;
use crate::command::closed;
use crate::senses::{Freshness, Sighting};
use crate::setup::Setup;
use crate::world::World;
use wanglou_model::{AlarmKind, Fact, Mark, Outcome, PlaceId, PlaceKind, Priority, Reason, Response};

/// A condition is judged whatever its age; the alarm says how old the news was.
pub(super) fn mark_of(freshness: Freshness) -> Option<Mark> {
    match freshness {
        Freshness::Late | Freshness::Replayed => Some(Mark::Late),
        Freshness::Retained => Some(Mark::FoundAtStart),
        Freshness::Fresh | Freshness::Test => None,
    }
}

/// What belongs together with a device: its home, or else its place.
pub(super) fn subject_of(sighting: &Sighting) -> PlaceId {
    sighting.home.unwrap_or(&sighting.device.place).clone()
}

/// The building or shed that a place lies in; outside of both, the outermost place around it.
pub(super) fn building_of(setup: &Setup, place: &PlaceId) -> PlaceId {
    let kind = setup.site.places.get(place).map(|place| place.kind);
    match place.parent() {
        _ if matches!(kind, Some(PlaceKind::Building | PlaceKind::Shed)) => place.clone(),
        Some(outer) => building_of(setup, &outer),
        None => place.clone(),
    }
}

/// Does an outcome say that there was nothing?
pub(super) fn was_nothing(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::FalseAlarm | Outcome::Test | Outcome::Duplicate | Outcome::Unfounded)
}

/// A device tests itself: it goes into the report, and nobody is called.
pub(super) fn self_tested(kind: &AlarmKind, place: &PlaceId) -> Proposal {
    let reason = Reason::new("self_test", "设备自检，已记录", "a self-test: recorded");
    Proposal::Fact(Fact::Suppressed { kind: kind.clone(), place: place.clone(), reason })
}

/// What a condition comes to that is there now: a new alarm; a repeat, where a device said so again; or nothing.
pub(super) fn there(
    world: &World,
    kind: &AlarmKind,
    said: Option<&Sighting>,
    raise: Raise,
) -> Option<Proposal> {
    let open = world.book.open(kind, &raise.key).filter(|alarm| alarm.is_active());
    let repeats = said.is_none_or(|said| !said.is_news());
    let idle = open.is_some_and(|alarm| repeats && raise.priority >= alarm.priority);
    (!idle).then(|| Proposal::Raise(Box::new(raise)))
}

/// What follows when a condition is no longer there: the sensor's axis clears; and what a person has ended, ends.
pub(super) fn gone(world: &World, kind: &AlarmKind, key: &str, reason: Reason) -> Vec<Proposal> {
    let open = world.book.open(kind, key).filter(|alarm| alarm.is_active());
    let facts = open.map(|alarm| cleared(alarm, reason)).unwrap_or_default();
    facts.into_iter().map(Proposal::Fact).collect()
}

fn cleared(alarm: &Alarm, reason: Reason) -> Vec<Fact> {
    let mut facts = vec![Fact::Cleared { alarm: alarm.id.clone(), reason }];
    if alarm.response == Response::Resolved {
        let outcome = alarm.outcome.unwrap_or(Outcome::Real);
        let (zh, en) = ("已处置且传感器已恢复", "resolved, and the sensor agrees");
        facts.push(closed(alarm, outcome, "resolved_and_cleared", zh, en));
    }
    facts
}

/// The same, for what needs no person to end it.
pub(super) fn over(
    world: &World,
    kind: &AlarmKind,
    key: &str,
    outcome: Outcome,
    reason: &Reason,
) -> Vec<Proposal> {
    let Some(alarm) = world.book.open(kind, key) else { return Vec::new() };
    let clear = alarm.is_active().then(|| Fact::Cleared { alarm: alarm.id.clone(), reason: reason.clone() });
    let close = Fact::Closed { alarm: alarm.id.clone(), outcome, reason: reason.clone() };
    clear.into_iter().chain([close]).map(Proposal::Fact).collect()
}

/// Nobody's word ends what may cost a life while the sensor still says so, unless they are there, or say that it was
/// a test.
pub(super) fn word_ends_it(alarm: &Alarm, outcome: Outcome) -> bool {
    let there = alarm.arrived_by.is_some();
    !alarm.is_active() || there || alarm.priority != Priority::P1 || outcome == Outcome::Test
}

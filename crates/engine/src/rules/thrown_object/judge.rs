//! Deciding: what a hit of a throw changes in the alarm book.

use super::throw::{How, Throw};
use super::worth::evidence;
use super::{ThrownObject, words};
use crate::alarm::Alarm;
use crate::custody::{self, CustodyLine};
use crate::ladder::default_ladder;
use crate::rules::{Proposal, Raise};
use crate::senses::Sighting;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wanglou_model::{Evidence, Fact, Mark, ObjectSize, PlaceId, Priority, Reason, Reopening, Span};

impl ThrownObject {
    /// What the latest message of a façade comes to.
    pub(super) fn judge(&self, world: &World, facade: &PlaceId, sighting: &Sighting) -> Vec<Proposal> {
        let Some((throw, how)) = self.kept.facades.get(facade).and_then(|known| known.of_latest()) else {
            return Vec::new();
        };
        let alarm = world
            .book
            .keys
            .get(&self.kind)
            .and_then(|keys| keys.get(&throw.key))
            .and_then(|id| world.book.alarms.get(id));
        match alarm {
            Some(alarm) => folded(alarm, throw, how, sighting).into_iter().map(Proposal::Fact).collect(),
            None if how == How::More => Vec::new(),
            None => vec![Proposal::Raise(Box::new(self.raise(world, facade, throw, sighting)))],
        }
    }

    fn raise(&self, world: &World, facade: &PlaceId, throw: &Throw, sighting: &Sighting) -> Raise {
        let told = self.told_before(world, facade, throw);
        let review = !is_certain(throw) && told.is_none();
        let (priority, reason) = match (&told, review) {
            (Some((_, reason)), _) => (Priority::P1, reason.clone()),
            (None, true) => (Priority::P3, words::review(throw)),
            (None, false) => (priority(throw), words::certain(throw)),
        };
        let mut raise = Raise::new(throw.key.as_str(), facade, priority, throw.first_at, reason);
        raise.device = Some(sighting.id.clone());
        raise.event_key = throw.event_key.clone();
        raise.evidence = evidence(&sighting.said.evidence, &sighting.said.reading);
        raise.merge = Span::secs(self.settings.merge_receive_s);
        raise.stage = Some(if review { "review" } else { "detected" }.to_owned());
        raise.ladder = review.then(|| self.settings.review_ladder());
        raise.mark = throw.late.then_some(Mark::Late);
        raise.details = details(throw, &raise.evidence, &[]);
        raise.incident = told.map(|(incident, _)| incident);
        raise
    }

    /// A camera that has begun to see throws everywhere.
    pub(super) fn storm(&self, world: &World, facade: &PlaceId, sighting: &Sighting) -> Option<Proposal> {
        let camera = self.kept.facades.get(facade).and_then(|known| known.cameras.get(sighting.id));
        let known = world.book.unhealthy.contains_key(sighting.id);
        let (device, reason) = (Some(sighting.id.clone()), words::storm());
        let begun = camera.is_some_and(|camera| camera.is_shelved()) && !known;
        begun.then_some(Proposal::Fact(Fact::Health { device, ok: false, reason }))
    }

    /// Cameras whose shelf has ended just now.
    pub(super) fn storms_over(&self, world: &World, facade: &PlaceId) -> Vec<Proposal> {
        let cameras = self.kept.facades.get(facade).into_iter().flat_map(|known| &known.cameras);
        let over = cameras.filter(|(id, camera)| {
            let device = world.setup.site.devices.get(*id);
            let heard = device.is_some_and(|device| !world.senses.is_unknown(id, device));
            camera.unshelved_at == Some(world.at) && heard && world.book.unhealthy.contains_key(*id)
        });
        let healthy = over.map(|(id, _)| Fact::Health {
            device: Some(id.clone()),
            ok: true,
            reason: words::storm_over(),
        });
        healthy.map(Proposal::Fact).collect()
    }
}

/// One more message about a throw that has its alarm, open or not.
fn folded(alarm: &Alarm, throw: &Throw, how: How, sighting: &Sighting) -> Vec<Fact> {
    let found = evidence(&sighting.said.evidence, &sighting.said.reading);
    let found: Vec<Evidence> = found
        .into_iter()
        .filter(|new| !alarm.evidence.iter().any(|known| custody::is_same(known, new)))
        .collect();
    let all: Vec<Evidence> = alarm.evidence.iter().chain(&found).cloned().collect();
    let count = u64::from(how != How::More || sighting_is_hit(sighting));
    let id = || alarm.id.clone();
    let mut facts = Vec::new();
    if count > 0 || !found.is_empty() {
        let (last_at, device) = (sighting.occurred, Some(sighting.id.clone()));
        facts.push(Fact::Repeated { alarm: id(), count, last_at, device, evidence: found });
    }
    let mut details = details(throw, &all, &alarm.custody);
    details.retain(|name, value| alarm.details.get(name) != Some(value));
    if !details.is_empty() {
        facts.push(Fact::Detailed { alarm: id(), details });
    }
    let alone = matches!(alarm.stage.as_deref(), Some("detected" | "review"));
    if how == How::SecondCamera && alone && !throw.in_sky {
        facts.push(staged(alarm, "merged", words::second_camera()));
    }
    facts.extend(risen(alarm, throw));
    facts
}

/// Out of the silent review, or to a higher priority: it must be accepted anew.
fn risen(alarm: &Alarm, throw: &Throw) -> Vec<Fact> {
    let priority = priority(throw);
    let (review, rose) = (is_in_review(alarm), priority < alarm.priority);
    if !is_certain(throw) || !(review || rose) {
        return Vec::new();
    }
    let why = if review { Reopening::Confirmed } else { Reopening::PriorityRose };
    upgraded(alarm, priority, words::certain(throw), why)
}

/// A reviewer, or somebody who is there, says that it is real.
pub(super) fn confirmed(alarm: &Alarm) -> Vec<Fact> {
    let mut facts = vec![staged(alarm, "confirmed", words::confirmed())];
    if is_in_review(alarm) {
        let people_below = alarm.details.get("people_below") == Some(&Value::Bool(true));
        let heavy = matches!(alarm.details.get("size").and_then(Value::as_str), Some("M" | "L"));
        let priority = if people_below && heavy { Priority::P1 } else { Priority::P2 };
        facts.extend(upgraded(alarm, priority, words::confirmed(), Reopening::Confirmed));
    }
    facts
}

pub(super) fn upgraded(alarm: &Alarm, priority: Priority, reason: Reason, why: Reopening) -> Vec<Fact> {
    let (alarm, ladder) = (alarm.id.clone(), default_ladder(priority));
    vec![
        Fact::Upgraded { alarm: alarm.clone(), priority, ladder, reason },
        Fact::Reopened { alarm, why, rung: 0 },
    ]
}

pub(super) fn staged(alarm: &Alarm, stage: &str, reason: Reason) -> Fact {
    Fact::Staged { alarm: alarm.id.clone(), stage: stage.to_owned(), reason }
}

fn sighting_is_hit(sighting: &Sighting) -> bool {
    matches!(sighting.said.reading, wanglou_model::Reading::ThrownObject { active: true, .. })
}

/// Nobody has to look first: a camera is sure, two agree, or there are people below. Old news is always reviewed, and
/// so is what two cameras think they see while all façades see something.
fn is_certain(throw: &Throw) -> bool {
    !throw.late && (throw.certain || (throw.cameras.len() > 1 && !throw.in_sky) || throw.people_below)
}

fn priority(throw: &Throw) -> Priority {
    match throw.size {
        Some(ObjectSize::M | ObjectSize::L) if throw.people_below => Priority::P1,
        Some(ObjectSize::S) if throw.certain => Priority::P3,
        Some(ObjectSize::S | ObjectSize::M | ObjectSize::L) | None => Priority::P2,
    }
}

/// Its ladder is the silent one.
pub(super) fn is_in_review(alarm: &Alarm) -> bool {
    alarm.ladder.rungs.first().is_some_and(|rung| !rung.ring)
}

/// What is shown with the alarm and kept for the court.
fn details(throw: &Throw, evidence: &[Evidence], custody: &[CustodyLine]) -> BTreeMap<String, Value> {
    let mut details = BTreeMap::new();
    let mut put = |name: &str, value: Value| details.insert(name.to_owned(), value);
    if let Some((floors, agreed)) = throw.floors() {
        put("floors", range(floors));
        if !agreed {
            put("cameras_disagree", json!(true));
        }
        let each = throw.hits.iter().filter_map(|seen| Some((seen, seen.floors?)));
        let each = each.map(|(seen, floors)| {
            let mut shown = range(floors);
            shown["camera"] = json!(seen.device);
            shown
        });
        put("floor_ranges", each.collect());
    }
    if let Some(size) = throw.size {
        put("size", json!(size));
    }
    if throw.people_below {
        put("people_below", json!(true));
    }
    if let Some(confidence) = throw.confidence {
        put("confidence", json!(confidence));
    }
    if !evidence.is_empty() {
        put(custody::DETAIL, json!(custody::state(evidence, custody)));
    }
    details
}

/// An end that is not known is left out.
fn range((min, max): (i32, i32)) -> Value {
    let mut shown = serde_json::Map::new();
    if min > i32::MIN {
        shown.insert("min".to_owned(), json!(min));
    }
    if max < i32::MAX {
        shown.insert("max".to_owned(), json!(max));
    }
    Value::Object(shown)
}

//! Beside bikes: batteries carried by hand, a lift that is held for nothing, and cameras that fall silent.

use super::state::Lift;
use super::{EbikeInLift, words};
use crate::raising::kind_of;
use crate::rules::{Proposal, Raise};
use crate::senses::Sighting;
use crate::world::World;
use wanglou_model::{DeviceId, Fact, PlaceId, Priority, Span};

impl EbikeInLift {
    pub(super) fn battery(&self, world: &World, place: &PlaceId, lift: &Lift) -> Option<Proposal> {
        let key = format!("battery:{place}");
        let alarm = world.book.open(&self.kind, &key).filter(|alarm| alarm.is_active());
        let Some(battery) = &lift.battery else {
            return alarm.map(|alarm| fact(Fact::Cleared { alarm: alarm.id.clone(), reason: words::gone() }));
        };
        let hit = &battery.hit;
        let known = self.latest(world, &self.kind, &key).is_some_and(|alarm| alarm.last_at >= hit.first_at);
        if !battery.ripe || known {
            return None;
        }
        let mut raise = Raise::new(key, place, Priority::P4, hit.first_at, words::battery());
        (raise.device, raise.event_key) = (Some(hit.device.clone()), hit.event_key.clone());
        raise.evidence = hit.evidence.clone();
        raise.merge = Span::secs(self.settings.merge_s);
        Some(Proposal::Raise(Box::new(raise)))
    }

    /// A hold that nobody needs, or that must not be.
    pub(super) fn lift_fault(&self, world: &World, place: &PlaceId, lift: &Lift) -> Vec<Proposal> {
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
}

/// The camera that fell silent, and the same camera heard again.
pub(super) fn camera_health(world: &World, lift: &Lift, said: Option<&Sighting>) -> Option<Proposal> {
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

fn fact(fact: Fact) -> Proposal {
    Proposal::Fact(fact)
}

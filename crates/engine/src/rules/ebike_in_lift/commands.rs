//! What the lift's controller is asked for: a voice in the car, to let go of the door, and, where its maintainer has
//! signed that on, to keep the open door of a standing car open. A moving car is never stopped: a rescue takes ten
//! minutes, the smoke of a battery half a minute.
//!
//! All of it follows from fresh news: what the broker kept, what is old, and what recovery reads decides nothing.

use super::bike::{Bike, Doubt};
use super::state::Lift;
use super::{EbikeInLift, words};
use crate::alarm::Alarm;
use crate::lift_command::{Order, confirmed, give};
use crate::rules::{Cause, Proposal};
use crate::senses::Freshness;
use crate::world::World;
use wanglou_model::{
    AlarmId, Command, DeviceId, Fact, LiftAction, LiftDoor, LiftMode, PlaceId, Reason, Span, Timestamp,
};

impl EbikeInLift {
    /// What follows for the controller, and what it has done.
    pub(super) fn commands(
        &self,
        world: &World,
        place: &PlaceId,
        lift: &Lift,
        cause: Cause,
    ) -> Vec<Proposal> {
        let mut facts = confirmed(world, place, lift.car.is_held());
        if is_fresh(cause) && world.senses.may_judge_absence() {
            facts.extend(self.release(world, place, lift));
            facts.extend(self.voice(world, place, lift));
            facts.extend(self.hold(world, place, lift));
        }
        facts.into_iter().map(Proposal::Fact).collect()
    }

    fn order(
        &self,
        world: &World,
        place: &PlaceId,
        action: LiftAction,
        occasion: (&str, Timestamp),
        reason: Reason,
    ) -> Option<Fact> {
        let alarm: Option<&AlarmId> = world.book.open(&self.kind, place.as_str()).map(|alarm| &alarm.id);
        let occasion = format!("{}|{}", occasion.0, occasion.1.0);
        let device = self.controllers.get(place)?;
        give(world, Order { lift: place, device, action, alarm, by: None, occasion: &occasion, reason })
    }

    /// Nobody watches the car any more, or the lift is in fire mode: the controller lets go by itself, and is told to.
    fn release(&self, world: &World, place: &PlaceId, lift: &Lift) -> Option<Fact> {
        let held_since = lift.car.held_since?;
        let blind = lift
            .bike
            .as_ref()
            .is_some_and(|bike| matches!(bike.doubt, Some(Doubt::NoFrames | Doubt::Offline)) && !bike.left);
        let (occasion, reason) = match (lift.car.fire_since, blind) {
            (Some(since), _) => (("fire", since), words::release_in_fire()),
            (None, true) => (("blind", held_since), words::release_blind()),
            (None, false) => return None,
        };
        self.order(world, place, LiftAction::Release, occasion, reason)
    }

    /// A bike is seen while the car moves: the voice only.
    fn voice(&self, world: &World, place: &PlaceId, lift: &Lift) -> Option<Fact> {
        let bike = lift.bike.as_ref().filter(|bike| bike.last_hit == world.at && bike.is_inside())?;
        let moves = lift.car.moving == Some(true);
        moves.then(|| self.order(world, place, LiftAction::Voice, ("bike", bike.since), words::voice()))?
    }

    /// Every condition must be known to hold: what is unknown refuses.
    fn hold(&self, world: &World, place: &PlaceId, lift: &Lift) -> Option<Fact> {
        let bike = lift.bike.as_ref().filter(|bike| bike.ripe && bike.is_inside() && bike.doubt.is_none())?;
        let car = &lift.car;
        let stands_open = car.moving == Some(false)
            && car.door == Some(LiftDoor::Open)
            && car.mode == Some(LiftMode::Normal)
            && !car.is_held();
        let signed_on = self.settings.hold_on_request.contains(place);
        let heard = self.controllers.get(place).is_some_and(|id| self.was_heard(world, id));
        let alarm = world.book.open(&self.kind, place.as_str()).is_some();
        let asks = alarm
            && signed_on
            && stands_open
            && heard
            && !self.burns_near(world, place)
            && !was_defeated(bike);
        asks.then(|| self.order(world, place, LiftAction::Hold, ("bike", bike.since), words::hold_asked()))?
    }

    /// Did the controller speak so lately that the car stands as it said?
    fn was_heard(&self, world: &World, id: &DeviceId) -> bool {
        let device = world.setup.site.devices.get(id);
        let known = device.is_some_and(|device| !world.senses.is_unknown(id, device));
        let Some(heard) = world.senses.heard(id).filter(|_| known) else { return false };
        let lost = world.senses.blind_between(std::slice::from_ref(id), heard, world.at);
        world.at - heard <= Span::secs(self.settings.hold_status_s) && lost == Span::ZERO
    }

    /// A hold that an alarm asks for at once.
    pub(super) fn after(&self, world: &World, alarm: &Alarm) -> Option<Fact> {
        let lift = self.kept.lifts.get(&alarm.place).filter(|_| world.senses.may_judge_absence())?;
        self.hold(world, &alarm.place, lift)
    }

    /// Is there a hold that a person may end?
    pub(super) fn can_release(&self, place: &PlaceId) -> bool {
        self.controllers.contains_key(place)
            && self.kept.lifts.get(place).is_some_and(|lift| lift.car.is_held())
    }

    /// A person ends the hold: whenever they like, and it is written down who.
    pub(super) fn release_by(
        &self,
        world: &World,
        alarm: &Alarm,
        command: &Command,
        why: &str,
    ) -> Result<Vec<Fact>, Reason> {
        let device = self.controllers.get(&alarm.place).filter(|_| self.can_release(&alarm.place));
        let device = device.ok_or_else(words::not_held)?;
        let occasion = format!("person|{}", command.cid);
        let order = Order {
            lift: &alarm.place,
            device,
            action: LiftAction::Release,
            alarm: Some(&alarm.id),
            by: Some(&command.officer),
            occasion: &occasion,
            reason: words::release_asked(why),
        };
        Ok(give(world, order).into_iter().collect())
    }
}

fn was_defeated(bike: &Bike) -> bool {
    bike.defeated
}

/// Nothing is asked of a lift because of what may be long over.
fn is_fresh(cause: Cause) -> bool {
    match cause {
        Cause::Said(sighting) => sighting.freshness == Freshness::Fresh && !sighting.duplicate,
        Cause::Due { .. } => true,
        Cause::Resumed => false,
    }
}

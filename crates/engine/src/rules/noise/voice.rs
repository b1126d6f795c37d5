//! The voice on the spot: a loudspeaker of the square is asked to say its own recorded words. It is advice, given once
//! for each occasion, on fresh news only, and never again by recovery; where there is no loudspeaker it is a stage.

use super::Noise;
use crate::alarm::Alarm;
use crate::lift_command::{Order, give};
use crate::setup::Setup;
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{DeviceId, Fact, LiftAction, PlaceId, Purpose, Reason, Span};

/// Short noise that goes on is one occasion for so long.
const AGAIN_AFTER: Span = Span::mins(5);

/// The loudspeaker of each place: the first that stands there, else the first that stands anywhere in its zone.
pub(super) fn speakers(setup: &Setup) -> BTreeMap<PlaceId, DeviceId> {
    let (mut here, mut around) = (BTreeMap::new(), BTreeMap::new());
    for (id, device) in &setup.site.devices {
        if device.purpose != Purpose::Speaker {
            continue;
        }
        here.entry(device.place.clone()).or_insert_with(|| id.clone());
        if let Some(zone) = setup.site.places.get(&device.place).and_then(|place| place.zone.clone()) {
            around.entry(zone).or_insert_with(|| id.clone());
        }
    }
    around.extend(here);
    around
}

impl Noise {
    pub(super) fn speak(
        &self,
        world: &World,
        place: &PlaceId,
        alarm: Option<&Alarm>,
        reason: &Reason,
    ) -> Option<Fact> {
        let zone = world.setup.site.places.get(place).and_then(|place| place.zone.as_ref());
        let device = self.speakers.get(place).or_else(|| self.speakers.get(zone?))?;
        let occasion = match alarm {
            Some(alarm) => format!("{}|{}", alarm.id, alarm.raised_at.0),
            None => format!("burst|{}", world.at.0 / AGAIN_AFTER.0),
        };
        let order = Order {
            lift: place,
            device,
            action: LiftAction::Voice,
            alarm: alarm.map(|alarm| &alarm.id),
            by: None,
            occasion: &occasion,
            reason: reason.clone(),
        };
        give(world, order).filter(|_| world.senses.may_judge_absence())
    }
}

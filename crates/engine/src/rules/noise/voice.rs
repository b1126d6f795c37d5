//! The voice on the spot: a loudspeaker of the square is asked to say its own recorded words. It is advice, given once
//! for each occasion, on fresh news only, and never again by recovery; where there is no loudspeaker it is a stage.

use super::Noise;
use crate::alarm::Alarm;
use crate::lift_command::{Order, give};
use crate::setup::Setup;
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{CommandState, DeviceId, Fact, LiftAction, PlaceId, Purpose, Reason, Span};

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
        if alarm.is_none() && spoke_lately(world, place) {
            return None;
        }
        let occasion = match alarm {
            Some(alarm) => format!("{}|{}", alarm.id, alarm.raised_at.0),
            None => format!("burst|{}", world.at.0),
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

/// Was short noise at this place spoken to, less than five minutes ago? What never left was not heard.
fn spoke_lately(world: &World, place: &PlaceId) -> bool {
    world.book.commands.values().any(|row| {
        let burst = row.command.action == LiftAction::Voice && row.command.alarm.is_none();
        let heard = row.state != CommandState::Failed;
        burst && heard && row.command.lift == *place && world.at - row.at < AGAIN_AFTER
    })
}

//! From what cameras and controllers say to what is known of a lift.

use super::bike::Hit;
use super::car::Status;
use super::settings::EbikeInLiftSettings;
use super::state::Lift;
use crate::senses::{Freshness, Senses, Sighting};
use wanglou_model::{Evidence, LiftClass, Reading};

/// Takes in what a camera or a controller of the lift said.
pub(super) fn see(lift: &mut Lift, settings: &EbikeInLiftSettings, senses: &Senses, sighting: &Sighting) {
    let reading = &sighting.said.reading;
    if let Some(status) = status_of(reading) {
        if !sighting.duplicate {
            lift.status(senses.at, status);
        }
    } else if let Reading::LiftCamera { class, present, confidence, picture } = reading {
        let sight = sight_of(lift, settings, *class, *present, *confidence);
        look(lift, settings, senses, sighting, sight, || hit(sighting, *confidence, picture));
    } else if sighting.is_news() {
        lift.frame(senses.at, sighting.id);
    }
}

fn status_of(reading: &Reading) -> Option<Status> {
    let Reading::LiftStatus { door, moving, floor, mode, hold_command, hold_feedback, .. } = reading else {
        return None;
    };
    let (door, moving, floor, mode) = (*door, *moving, *floor, *mode);
    Some(Status { door, moving, floor, mode, hold_command: *hold_command, hold_feedback: *hold_feedback })
}

fn look(
    lift: &mut Lift,
    settings: &EbikeInLiftSettings,
    senses: &Senses,
    sighting: &Sighting,
    sight: Sight,
    hit: impl FnOnce() -> Hit,
) {
    let (at, id) = (senses.at, sighting.id);
    let fresh = sighting.is_news() && sighting.freshness == Freshness::Fresh;
    match sight {
        Sight::Bike if fresh => lift.hit(at, hit()),
        Sight::Battery if fresh => {
            lift.frame(at, id);
            lift.battery_hit(at, hit(), settings);
        }
        Sight::Bike if sighting.duplicate => lift.hit_repeated(at, id),
        Sight::Nothing(class) if sighting.is_news() => {
            let occurred = sighting.said.at_device.map(|_| sighting.occurred);
            if class != LiftClass::Ebike {
                lift.battery = None;
            }
            if class != LiftClass::EbikeBattery {
                lift.stop(at, id, occurred, settings);
            }
        }
        Sight::Other if fresh => lift.frame(at, id),
        Sight::Bike | Sight::Battery | Sight::Nothing(_) | Sight::Other => {}
    }
}

/// What a camera's message means to this rule.
enum Sight {
    Bike,
    Battery,
    /// None of this class any more; [`LiftClass::None`]: none of any.
    Nothing(LiftClass),
    /// Something else, or a bike that it is not sure of: it is alive.
    Other,
}

fn sight_of(
    lift: &Lift,
    settings: &EbikeInLiftSettings,
    class: LiftClass,
    present: bool,
    confidence: Option<f64>,
) -> Sight {
    let inside = lift.bike.as_ref().is_some_and(|bike| !bike.left);
    let enough = if inside { settings.stay_confidence } else { settings.confidence };
    let sure = |enough: f64| confidence.is_none_or(|confidence| confidence >= enough);
    match (class, present) {
        (LiftClass::None, _) => Sight::Nothing(LiftClass::None),
        (LiftClass::Ebike | LiftClass::EbikeBattery, false) => Sight::Nothing(class),
        (LiftClass::Ebike, true) if sure(enough) => Sight::Bike,
        (LiftClass::EbikeBattery, true) if sure(settings.confidence) => Sight::Battery,
        (
            LiftClass::Ebike
            | LiftClass::EbikeBattery
            | LiftClass::Bicycle
            | LiftClass::Wheelchair
            | LiftClass::Stroller
            | LiftClass::Cart
            | LiftClass::Scooter
            | LiftClass::Person,
            _,
        ) => Sight::Other,
    }
}

fn hit(sighting: &Sighting, confidence: Option<f64>, picture: &Option<Evidence>) -> Hit {
    let mut evidence = sighting.said.evidence.clone();
    evidence.extend(picture.iter().filter(|picture| !sighting.said.evidence.contains(picture)).cloned());
    Hit {
        device: sighting.id.clone(),
        streaming: sighting.device.streaming,
        confidence,
        occurred: sighting.occurred,
        dated: sighting.said.at_device.is_some(),
        event_key: sighting.event_key(),
        evidence,
    }
}

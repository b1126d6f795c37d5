//! Squares, gates and fire lanes.

use super::{Script, Stage};
use crate::compound::At;
use crate::random::Random;
use wanglou_model::{Purpose, Reading};

pub(super) fn passer_by(camera: At, stage: &mut Stage<'_>, script: &mut Script) {
    let sensor = stage.compound.sensor(camera);
    let random = &mut stage.random;
    if sensor.plates {
        let segment = sensor.place.to_string();
        let plate = plate_hash(random);
        script.say(0.0, Some(camera), car(&segment, &plate, true));
        script.say(random.between(3.0, 9.0), Some(camera), car(&segment, &plate, false));
        return;
    }
    let on_wheels = sensor.purpose == Purpose::LaneCamera && random.chance(0.6);
    let class = if on_wheels { "vehicle" } else { "person" };
    let confidence = Some((random.between(0.6, 0.98) * 100.0).round() / 100.0);
    let object =
        |active| Reading::Object { class: class.to_owned(), active, zone: None, confidence, track: None };
    script.say(0.0, Some(camera), object(true));
    script.say(random.between(3.0, 25.0), Some(camera), object(false));
}

/// Between three and twenty minutes; most drivers come when they are called.
pub(super) fn lane_blocked(camera: At, stage: &mut Stage<'_>, script: &mut Script) {
    script.stage(stage.stretch);
    let segment = stage.compound.sensor(camera).place.to_string();
    let plate = plate_hash(&mut stage.random);
    script.say(0.0, Some(camera), car(&segment, &plate, true));
    script.say(stage.random.between(190.0, 1_200.0), Some(camera), car(&segment, &plate, false));
}

fn car(segment: &str, plate_hash: &str, present: bool) -> Reading {
    Reading::Vehicle {
        plate_hash: Some(plate_hash.to_owned()),
        class: Some("car".to_owned()),
        segment: segment.to_owned(),
        present,
        attended: None,
    }
}

fn plate_hash(random: &mut Random) -> String {
    format!("{:016x}", Random::of(random.below(1_200) as u64, &[17]).next())
}

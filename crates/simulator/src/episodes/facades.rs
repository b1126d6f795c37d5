//! Façades: what falls, and what only looks as if.

use super::{Script, Stage};
use crate::beat::tenths;
use crate::compound::At;
use crate::random::Random;
use wanglou_model::{ObjectSize, Reading};

/// Cameras that judge for themselves report less: one in four of the others' false hits.
const PASSES_OWN_THRESHOLD: f64 = 0.25;

/// A bird, laundry, a plastic bag: unsure, upwards, or more sideways than down.
pub(super) fn hit(facade: usize, stage: &mut Stage<'_>, script: &mut Script) {
    let random = &mut stage.random;
    let Some(camera) = random.pick(&stage.compound.facades[facade]).copied() else { return };
    let seen = nothing(random);
    let judges_itself = !stage.compound.sensor(camera).voice.has_confidence();
    if judges_itself && !random.chance(PASSES_OWN_THRESHOLD) {
        // Drawn all the same, so that the day has its number of hits: another camera's.
        let other = stage
            .compound
            .facades
            .iter()
            .flatten()
            .find(|at| stage.compound.sensor(**at).voice.has_confidence() && random.chance(0.1));
        script.say(0.0, other.copied(), seen.reading());
        return;
    }
    script.say(0.0, Some(camera), seen.reading());
}

/// What a camera makes of a bird, a leaf, a drop of rain.
fn nothing(random: &mut Random) -> Seen {
    Seen {
        upward: Some(random.chance(0.3)),
        confidence: Some(random.between(0.30, 0.78)),
        drop_m: Some(random.between(0.5, 5.5)),
        horizontal_m: Some(random.between(3.0, 12.0)),
        speed_mps: Some(random.between(0.8, 4.0)),
        ..Seen::default()
    }
}

/// One hit of something that nobody threw.
pub(crate) fn false_hit(random: &mut Random) -> Reading {
    nothing(random).reading()
}

/// Sparks that come down over the roofs: they fall far, and the camera is half sure.
pub(crate) fn rocket_hit(random: &mut Random) -> Reading {
    let seen = Seen {
        confidence: Some(random.between(0.45, 0.88)),
        drop_m: Some(random.between(4.0, 30.0)),
        horizontal_m: Some(random.between(0.5, 8.0)),
        upward: Some(false),
        speed_mps: Some(random.between(3.0, 12.0)),
        ..Seen::default()
    };
    seen.reading()
}

/// One camera's hit of something that fell from this floor.
pub(crate) fn thrown_hit(random: &mut Random, floor: i32) -> Reading {
    let seen = Seen {
        confidence: Some(random.between(0.92, 0.97)),
        drop_m: Some(f64::from(floor) * 2.8),
        horizontal_m: Some(random.between(0.2, 2.0)),
        upward: Some(false),
        speed_mps: Some(random.between(14.0, 26.0)),
        floors: Some((floor - 1, floor + 1)),
        column: Some(4),
        size: Some(ObjectSize::M),
    };
    seen.reading()
}

/// A bottle or a bag of rubbish from one of the upper floors.
pub(super) fn thrown(facade: usize, stage: &mut Stage<'_>, script: &mut Script) {
    script.stage(stage.stretch);
    let floor = 5 + stage.random.below(13) as i32;
    let size = if stage.random.chance(0.5) { ObjectSize::M } else { ObjectSize::S };
    let cameras: Vec<At> = stage.compound.facades[facade].clone();
    for (number, camera) in cameras.into_iter().enumerate() {
        let random: &mut Random = &mut stage.random;
        let (first, last) = stage.compound.sensor(camera).columns;
        let seen = Seen {
            confidence: Some(random.between(0.86, 0.97)),
            drop_m: Some(f64::from(floor) * 2.8),
            horizontal_m: Some(random.between(0.2, 2.0)),
            upward: Some(false),
            speed_mps: Some(random.between(14.0, 26.0)),
            floors: Some((floor - 1, floor + 1)),
            column: Some(first + (last - first) / 2),
            size: Some(size),
        };
        script.say(number as f64 * 0.8, Some(camera), seen.reading());
    }
}

/// What the camera's analysis makes of a track; a vendor's format carries a part of it.
#[derive(Default)]
struct Seen {
    confidence: Option<f64>,
    drop_m: Option<f64>,
    horizontal_m: Option<f64>,
    upward: Option<bool>,
    speed_mps: Option<f64>,
    floors: Option<(i32, i32)>,
    column: Option<i32>,
    size: Option<ObjectSize>,
}

impl Seen {
    fn reading(&self) -> Reading {
        Reading::ThrownObject {
            active: true,
            track: None,
            from: None,
            until: None,
            drop_m: self.drop_m.map(tenths),
            zone: None,
            floor_min: self.floors.map(|(lowest, _)| lowest),
            floor_max: self.floors.map(|(_, highest)| highest),
            column: self.column,
            size: self.size,
            speed_mps: self.speed_mps.map(tenths),
            horizontal_m: self.horizontal_m.map(tenths),
            upward: self.upward,
            confidence: self.confidence.map(|confidence| (confidence * 100.0).round() / 100.0),
            people_below: None,
            clip: None,
            picture: None,
        }
    }
}

//! Homes of people who live alone, and smoke wherever it is.

use super::{Script, Stage};
use crate::compound::At;
use wanglou_model::Reading;

pub(super) fn motion(home: usize, stage: &mut Stage<'_>, script: &mut Script) {
    let place = stage.compound.homes[home];
    script.say(0.0, place.motion, Reading::Motion { active: true });
    script.say(stage.random.between(60.0, 180.0), place.motion, Reading::Motion { active: false });
    if stage.random.chance(0.4) {
        let litres = stage.random.between(0.3, 14.0);
        stage.state.use_water(place.water, litres);
    }
}

/// The door twice: out, and back half an hour to an hour and a half later.
pub(super) fn outing(home: usize, stage: &mut Stage<'_>, script: &mut Script) {
    let door = stage.compound.homes[home].door;
    let back = stage.random.between(1_500.0, 5_400.0);
    for begin in [0.0, back] {
        script.say(begin, door, contact(true));
        script.say(begin + stage.random.between(5.0, 40.0), door, contact(false));
    }
}

pub(super) fn sos(home: usize, stage: &mut Stage<'_>, script: &mut Script) {
    script.stage(stage.stretch);
    let button = stage.compound.homes[home].sos;
    let pressed = |active| Reading::Sos { active, source: Some("pendant".to_owned()) };
    for press in 0..1 + stage.random.below(3) {
        script.say(press as f64 * 4.0, button, pressed(true));
    }
    script.say(90.0, button, pressed(false));
}

/// Burnt rice, mostly: two to four minutes.
pub(super) fn smoke(detector: At, stage: &mut Stage<'_>, script: &mut Script) {
    script.stage(stage.stretch);
    script.say(0.0, Some(detector), Reading::Smoke { active: true, source: None });
    script.say(
        stage.random.between(120.0, 240.0),
        Some(detector),
        Reading::Smoke { active: false, source: None },
    );
}

fn contact(open: bool) -> Reading {
    Reading::Contact { open: Some(open), opens: None }
}

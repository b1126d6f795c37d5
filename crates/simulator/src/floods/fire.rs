//! A fire in building 7.

use super::{Does, Plot};
use crate::compound::At;
use wanglou_model::{LiftDoor, LiftMode, PlaceId, Purpose, Reading};

/// Where it burns.
pub(super) const BUILDING: &str = "7";
const DETECTORS: usize = 12;
/// So long the smoke stands.
const BURNS_S: f64 = 2_400.0;

/// From one corridor it spreads upstairs, a detector every half a minute or so. The panel recalls the lifts and lets
/// the doors go; somebody stops in the lane to look.
pub(super) fn plot(plot: &mut Plot<'_>) {
    let compound = plot.compound;
    let Ok(building) = PlaceId::parse(BUILDING) else { return };
    let inside = |at: &At| compound.sensor(*at).place.is_within(&building);
    let corridor = |at: &&At| inside(at) && compound.sensor(**at).purpose == Purpose::Smoke;
    let mut detectors: Vec<At> = compound.smoke.iter().filter(corridor).copied().collect();
    detectors.truncate(DETECTORS - 1);
    let home = |at: &&At| inside(at) && compound.sensor(**at).purpose == Purpose::HomeSmoke;
    detectors.extend(compound.smoke.iter().find(home));
    let mut when = 0.0;
    for detector in detectors {
        plot.say(when, detector, Reading::Smoke { active: true, source: None });
        plot.say(BURNS_S - 60.0, detector, Reading::Smoke { active: false, source: None });
        when += plot.random.between(15.0, 45.0);
    }
    for (number, lift) in compound.lifts.iter().enumerate() {
        if let Some(controller) = lift.controller.filter(inside) {
            recalled(plot, number, controller);
        }
    }
    for door in compound.doors.iter().filter(|door| inside(&door.reader)) {
        plot.say(31.0, door.reader, Reading::Contact { open: Some(true), opens: None });
    }
    let lane = compound.lanes.iter().find(|at| compound.sensor(**at).place.as_str() == "lane/7");
    if let Some(camera) = lane {
        let car = |present| Reading::Vehicle {
            plate_hash: Some("5f0c2d7791ab34e8".to_owned()),
            class: Some("car".to_owned()),
            segment: "lane/7".to_owned(),
            present,
            attended: None,
        };
        plot.say(100.0, *camera, car(true));
        plot.say(BURNS_S - 300.0, *camera, car(false));
    }
}

fn recalled(plot: &mut Plot<'_>, lift: usize, controller: At) {
    let until = plot.after(BURNS_S);
    plot.step(28.0, Does::LiftTaken(lift, until));
    let says = |moving: bool, door: LiftDoor| Reading::LiftStatus {
        door: Some(door),
        moving: Some(moving),
        floor: Some(1),
        mode: Some(LiftMode::Fire),
        hold_command: Some(false),
        hold_feedback: Some(false),
        persons: Some(0),
    };
    plot.say(30.0, controller, says(true, LiftDoor::Closed));
    let mut when = 55.0;
    while when < BURNS_S {
        plot.say(when, controller, says(false, LiftDoor::Open));
        when += 55.0;
    }
}

//! E-bikes in lifts, as stories with exact times: what a camera and a controller say, and all that comes out.

mod story;

use story::*;
use wanglou_engine::{EbikeInLiftSettings, RuleSettings};
use wanglou_model::*;

const LIFT: &str = "3/2/lift-B";
const NOTHING: [&str; 0] = [];

/// Building 3 with two lifts, corridor smoke detectors and a home; a hub that one camera speaks through.
fn site() -> Site {
    let mut site = empty_site();
    for (id, kind) in [
        ("3", PlaceKind::Building),
        ("3/2", PlaceKind::Unit),
        (LIFT, PlaceKind::Lift),
        ("3/1", PlaceKind::Unit),
        ("3/1/lift-A", PlaceKind::Lift),
        ("3/2/1F", PlaceKind::Floor),
        ("3/2/1203", PlaceKind::Home),
        ("4", PlaceKind::Building),
        ("4/1/lift-A", PlaceKind::Lift),
    ] {
        add_place(&mut site, id, kind);
    }
    add_device(&mut site, "cam", LIFT, Purpose::LiftCamera, |camera| {
        camera.hub = Some(device("hub"));
    });
    add_device(&mut site, "car", LIFT, Purpose::LiftController, |car| car.hold_wired = true);
    add_device(&mut site, "cam-1A", "3/1/lift-A", Purpose::LiftCamera, |_| {});
    add_device(&mut site, "cam-4", "4/1/lift-A", Purpose::LiftCamera, |_| {});
    add_device(&mut site, "hub", "3", Purpose::Hub, |_| {});
    add_device(&mut site, "smoke-1F", "3/2/1F", Purpose::Smoke, |_| {});
    add_device(&mut site, "smoke-1203", "3/2/1203", Purpose::HomeSmoke, |_| {});
    add_team(&mut site);
    site
}

fn streaming() -> Site {
    let mut site = site();
    site.devices.get_mut("cam").expect("the camera").streaming = true;
    site
}

fn without_hold() -> Site {
    let mut site = site();
    site.devices.get_mut("car").expect("the controller").hold_wired = false;
    site
}

fn begin(site: Site) -> Story {
    Story::begin(site, RuleSettings::default())
}

fn bike(confidence: impl Into<Option<f64>>) -> Reading {
    Reading::LiftCamera {
        class: LiftClass::Ebike,
        present: true,
        confidence: confidence.into(),
        picture: None,
    }
}

fn seen(class: LiftClass, present: bool, confidence: impl Into<Option<f64>>) -> Reading {
    Reading::LiftCamera { class, present, confidence: confidence.into(), picture: None }
}

fn gone() -> Reading {
    seen(LiftClass::Ebike, false, None)
}

const UNCHANGED: Reading = Reading::LiftStatus {
    door: None,
    moving: None,
    floor: None,
    mode: None,
    hold_command: None,
    hold_feedback: None,
    persons: None,
};

fn door(door_: LiftDoor) -> Reading {
    let Reading::LiftStatus { moving, floor, mode, hold_command, hold_feedback, persons, .. } = UNCHANGED
    else {
        unreachable!("a status")
    };
    Reading::LiftStatus { door: Some(door_), moving, floor, mode, hold_command, hold_feedback, persons }
}

/// Standing at a floor with the door open, or moving past it with the door closed.
fn car(moving: bool, floor: i32) -> Reading {
    let door = if moving { LiftDoor::Closed } else { LiftDoor::Open };
    Reading::LiftStatus {
        door: Some(door),
        moving: Some(moving),
        floor: Some(floor),
        mode: Some(LiftMode::Normal),
        hold_command: None,
        hold_feedback: None,
        persons: None,
    }
}

fn hold(command: bool, feedback: bool) -> Reading {
    Reading::LiftStatus {
        door: None,
        moving: None,
        floor: None,
        mode: None,
        hold_command: Some(command),
        hold_feedback: Some(feedback),
        persons: None,
    }
}

fn fire_mode() -> Reading {
    Reading::LiftStatus {
        door: None,
        moving: None,
        floor: None,
        mode: Some(LiftMode::Fire),
        hold_command: None,
        hold_feedback: None,
        persons: None,
    }
}

/// Raised at 1.5 s, held from 2 s on, at floor 1.
fn held(site: Site) -> Story {
    let mut story = begin(site);
    story.say(-10, "car", car(false, 1));
    assert_eq!(story.say(0, "cam", bike(0.93)), ["watch suspect 3/2/lift-B"]);
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B present", "show wu zhao"]);
    assert_eq!(story.say(2, "car", hold(true, true)), ["stage held"]);
    story
}

#[test]
fn scenario_1_taken_out_again_at_the_floor_where_it_came_in() {
    let mut story = begin(site());
    assert_eq!(story.say(-10, "car", car(false, 1)), NOTHING);
    assert_eq!(story.say(0, "cam", bike(0.93)), ["watch suspect 3/2/lift-B"]);
    assert_eq!(story.say(0.5, "car", hold(true, true)), NOTHING);
    assert_eq!(story.pass(1.499), NOTHING);
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B held", "show wu zhao"]);
    assert_eq!((story.only_alarm().raised_at, story.only_alarm().first_at), (at(1.5), at(0)));
    assert_eq!(story.say(40, "cam", gone()), NOTHING);
    assert_eq!(story.pass(44.9), NOTHING);
    assert_eq!(
        story.pass(45),
        ["stage left", "clear ebike_gone"].map(str::to_owned).into_iter().rev().collect::<Vec<_>>()
    );
    assert_eq!(story.say(47, "car", hold(false, false)), ["stage released", "close complied complied"]);
    assert_eq!(story.pass(4 * 3600), NOTHING);
    assert_eq!(story.only_alarm().closed_at, Some(at(47)));
}

//! One lift with a camera and a controller, and what they say.

use crate::story::*;
use std::sync::Arc;
use wanglou_engine::RuleSettings;
use wanglou_model::*;

pub(crate) const LIFT: &str = "3/2/lift-B";

pub(crate) const NOTHING: [&str; 0] = [];

/// Building 3 with two lifts, corridor smoke detectors and a home; a hub that one camera speaks through.
pub(crate) fn site() -> Site {
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
    add_device(&mut site, "smoke-1203", "3/2/1203", Purpose::Smoke, |_| {});
    add_team(&mut site);
    site
}

pub(crate) fn streaming() -> Site {
    let mut site = site();
    Arc::make_mut(site.devices.get_mut("cam").expect("the camera")).streaming = true;
    site
}

pub(crate) fn without_hold() -> Site {
    let mut site = site();
    Arc::make_mut(site.devices.get_mut("car").expect("the controller")).hold_wired = false;
    site
}

pub(crate) fn begin(site: Site) -> Story {
    Story::begin(site, RuleSettings::default())
}

pub(crate) fn bike(confidence: impl Into<Option<f64>>) -> Reading {
    Reading::LiftCamera {
        class: LiftClass::Ebike,
        present: true,
        confidence: confidence.into(),
        picture: None,
    }
}

pub(crate) fn seen(class: LiftClass, present: bool, confidence: impl Into<Option<f64>>) -> Reading {
    Reading::LiftCamera { class, present, confidence: confidence.into(), picture: None }
}

pub(crate) fn gone() -> Reading {
    seen(LiftClass::Ebike, false, None)
}

/// Nothing said about anything.
pub(crate) fn status() -> Status {
    Status::default()
}

/// What a controller says, as far as a test cares.
#[derive(Default)]
pub(crate) struct Status {
    pub(crate) door: Option<LiftDoor>,
    pub(crate) moving: Option<bool>,
    pub(crate) floor: Option<i32>,
    pub(crate) mode: Option<LiftMode>,
    pub(crate) hold_command: Option<bool>,
    pub(crate) hold_feedback: Option<bool>,
}

impl From<Status> for Reading {
    fn from(status: Status) -> Self {
        let Status { door, moving, floor, mode, hold_command, hold_feedback } = status;
        Reading::LiftStatus { door, moving, floor, mode, hold_command, hold_feedback, persons: None }
    }
}

pub(crate) fn door(state: LiftDoor) -> Reading {
    Status { door: Some(state), ..status() }.into()
}

/// Standing at a floor with the door open, or moving past it with the door closed.
pub(crate) fn car(moving: bool, floor: i32) -> Reading {
    let door = if moving { LiftDoor::Closed } else { LiftDoor::Open };
    Status { door: Some(door), moving: Some(moving), floor: Some(floor), ..status() }.into()
}

pub(crate) fn hold(command: bool, feedback: bool) -> Reading {
    Status { hold_command: Some(command), hold_feedback: Some(feedback), ..status() }.into()
}

pub(crate) fn mode(mode: LiftMode) -> Reading {
    Status { mode: Some(mode), ..status() }.into()
}

/// Raised at 1.5 s at floor 1, held from 2 s on.
pub(crate) fn held(site: Site) -> Story {
    let mut story = begin(site);
    story.say(-10, "car", car(false, 1));
    assert_eq!(story.say(0, "cam", bike(0.93)), [SUSPECT]);
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B present", "show wu zhao"]);
    assert_eq!(story.say(2, "car", hold(true, true)), ["stage held"]);
    story
}

pub(crate) const SUSPECT: &str = "watch suspect 3/2/lift-B";

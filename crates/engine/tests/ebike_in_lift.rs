//! E-bikes in lifts, as stories with exact times: what a camera and a controller say, and all that comes out.

mod story;

use std::sync::Arc;
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
    add_device(&mut site, "smoke-1203", "3/2/1203", Purpose::Smoke, |_| {});
    add_team(&mut site);
    site
}

fn streaming() -> Site {
    let mut site = site();
    Arc::make_mut(site.devices.get_mut("cam").expect("the camera")).streaming = true;
    site
}

fn without_hold() -> Site {
    let mut site = site();
    Arc::make_mut(site.devices.get_mut("car").expect("the controller")).hold_wired = false;
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

/// Nothing said about anything.
fn status() -> Status {
    Status::default()
}

/// What a controller says, as far as a test cares.
#[derive(Default)]
struct Status {
    door: Option<LiftDoor>,
    moving: Option<bool>,
    floor: Option<i32>,
    mode: Option<LiftMode>,
    hold_command: Option<bool>,
    hold_feedback: Option<bool>,
}

impl From<Status> for Reading {
    fn from(status: Status) -> Self {
        let Status { door, moving, floor, mode, hold_command, hold_feedback } = status;
        Reading::LiftStatus { door, moving, floor, mode, hold_command, hold_feedback, persons: None }
    }
}

fn door(state: LiftDoor) -> Reading {
    Status { door: Some(state), ..status() }.into()
}

/// Standing at a floor with the door open, or moving past it with the door closed.
fn car(moving: bool, floor: i32) -> Reading {
    let door = if moving { LiftDoor::Closed } else { LiftDoor::Open };
    Status { door: Some(door), moving: Some(moving), floor: Some(floor), ..status() }.into()
}

fn hold(command: bool, feedback: bool) -> Reading {
    Status { hold_command: Some(command), hold_feedback: Some(feedback), ..status() }.into()
}

fn mode(mode: LiftMode) -> Reading {
    Status { mode: Some(mode), ..status() }.into()
}

/// Raised at 1.5 s at floor 1, held from 2 s on.
fn held(site: Site) -> Story {
    let mut story = begin(site);
    story.say(-10, "car", car(false, 1));
    assert_eq!(story.say(0, "cam", bike(0.93)), [SUSPECT]);
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B present", "show wu zhao"]);
    assert_eq!(story.say(2, "car", hold(true, true)), ["stage held"]);
    story
}

const SUSPECT: &str = "watch suspect 3/2/lift-B";

#[test]
fn scenario_1_taken_out_again_at_the_floor_where_it_came_in() {
    let mut story = begin(site());
    assert_eq!(story.say(-10, "car", car(false, 1)), NOTHING);
    assert_eq!(story.say(0, "cam", bike(0.93)), [SUSPECT]);
    assert_eq!(story.say(0.5, "car", hold(true, true)), NOTHING);
    assert_eq!(story.pass(1.499), NOTHING);
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B held", "show wu zhao"]);
    assert_eq!((story.only_alarm().raised_at, story.only_alarm().first_at), (at(1.5), at(0)));
    assert_eq!(story.say(40, "cam", gone()), NOTHING);
    assert_eq!(story.pass(44.999), NOTHING);
    assert_eq!(story.pass(45), ["stage left", "clear ebike_gone"]);
    assert_eq!(story.say(47, "car", hold(false, false)), ["stage released", "close complied complied"]);
    assert_eq!(story.pass(4 * 3600), NOTHING);
    story.decides_the_same_again();
}

#[test]
fn scenario_2_wheelchairs_and_strollers_ride_in_peace() {
    let mut story = begin(site());
    for (second, class) in
        [LiftClass::Wheelchair, LiftClass::Stroller, LiftClass::Bicycle, LiftClass::Scooter]
            .into_iter()
            .enumerate()
    {
        assert_eq!(story.say(second as f64, "cam", seen(class, true, 0.97)), NOTHING);
    }
    assert_eq!(story.say(10, "cam", bike(0.79)), NOTHING);
    assert_eq!(story.pass(3600), NOTHING);
}

#[test]
fn scenario_3_a_glimpse_is_suspect_and_no_alarm() {
    let mut story = begin(site());
    assert_eq!(story.say(0, "cam", bike(0.82)), [SUSPECT]);
    assert_eq!(story.say(0.8, "cam", gone()), NOTHING);
    assert_eq!(story.pass(3600), NOTHING);
    assert!(story.alarms().is_empty());
}

#[test]
fn scenario_4_a_moving_car_is_left_alone_and_judged_at_the_next_open_door() {
    let mut story = begin(site());
    story.say(-10, "car", car(true, 5));
    assert_eq!(story.say(0, "cam", bike(0.93)), [SUSPECT]);
    assert_eq!(story.pass(20), NOTHING);
    assert_eq!(story.say(20, "car", car(false, 6)), NOTHING);
    assert_eq!(story.pass(21.499), NOTHING);
    assert_eq!(story.pass(21.5), ["raise ebike_in_lift P2 3/2/lift-B present", "show wu zhao"]);
    assert_eq!(story.only_alarm().first_at, at(0));
    // It leaves there, and the car had moved: somebody looks at that landing.
    story.say(30, "cam", gone());
    assert_eq!(story.pass(35), ["stage left_at_floor", "clear ebike_gone"]);
    assert!(story.only_alarm().is_open());
}

#[test]
fn a_door_that_closes_within_the_time_begins_it_anew() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.93));
    assert_eq!(story.say(1, "car", door(LiftDoor::Closing)), NOTHING);
    assert_eq!(story.say(3, "car", door(LiftDoor::Open)), NOTHING);
    assert_eq!(story.pass(4.499), NOTHING);
    assert_eq!(story.pass(4.5), ["raise ebike_in_lift P2 3/2/lift-B present", "show wu zhao"]);
}

#[test]
fn scenario_5_fire_mode_with_the_door_still_held_is_life_threatening() {
    let mut story = held(site());
    assert_eq!(story.say(10, "car", mode(LiftMode::Fire)), NOTHING);
    assert_eq!(
        story.pass(13),
        ["repeat +1", "upgrade P1 held_in_fire", "reopen PriorityRose", "ring li sun wu zhao"]
    );
}

#[test]
fn scenario_5_a_hold_that_ends_with_fire_mode_stays_what_it_was() {
    let mut story = held(site());
    story.say(10, "car", mode(LiftMode::Fire));
    // The bike is still inside and nothing holds the door: the guard's phone rings.
    assert_eq!(story.say(12.9, "car", hold(false, false)), ["stage released", "ring wu zhao"]);
    assert_eq!(story.pass(119), NOTHING);
    assert_eq!(story.only_alarm().priority, Priority::P2);
}

#[test]
fn a_hold_in_fire_mode_without_a_bike_is_a_fault_of_the_lift() {
    let mut story = begin(site());
    story.say(0, "car", mode(LiftMode::Fire));
    assert_eq!(story.say(5, "car", hold(true, true)), NOTHING);
    assert_eq!(story.pass(8), ["raise lift_fault P1 3/2/lift-B", "ring li sun wu zhao"]);
    assert_eq!(story.say(9, "car", hold(false, false)), ["clear hold_over"]);
}

#[test]
fn scenario_6_a_streaming_camera_that_dies_leaves_the_alarm_open_and_unverified() {
    let mut story = held(streaming());
    for second in 2..=20 {
        assert_eq!(story.say(second, "cam", bike(0.9)), NOTHING);
    }
    assert_eq!(story.pass(29.999), NOTHING);
    assert_eq!(story.pass(30), ["mark Unverified", "health cam bad no_frames"]);
    // The controller lets go by itself; nobody knows whether the bike is inside.
    assert_eq!(story.say(31, "car", hold(false, false)), ["stage released", "ring wu zhao"]);
    assert_eq!(story.pass(119), NOTHING);
    assert!(story.only_alarm().is_open() && story.only_alarm().is_active());
}

#[test]
fn a_camera_that_comes_back_and_sees_the_bike_asks_whoever_has_it_once_more() {
    let mut story = held(streaming());
    story.pass(10);
    let id = story.only_alarm().id.clone();
    assert_eq!(story.command(20, "wu", &id, Op::Accept { eta_s: None }), ["accepted wu"]);
    let lines = story.say(30, "cam", bike(0.9));
    assert_eq!(lines, ["reopen Confirmed", "show wu zhao", "health cam ok frames_again"]);
    assert_eq!(story.say(31, "cam", bike(0.9)), NOTHING);
    // Gone before anybody could see where to: no story that ends by itself.
    story.say(32, "cam", gone());
    assert_eq!(story.pass(37), ["stage left_at_floor", "clear ebike_gone"]);
    assert_eq!(story.say(38, "car", hold(false, false)), NOTHING);
    assert!(story.only_alarm().is_open());
}

#[test]
fn a_streaming_camera_is_silent_for_three_seconds_and_alive_afterwards_so_the_bike_has_gone() {
    let mut story = held(streaming());
    for second in 2..=20 {
        story.say(second, "cam", bike(0.9));
    }
    // Frames without a bike: of other things, or a heartbeat.
    assert_eq!(story.say(21, "cam", seen(LiftClass::Person, true, 0.9)), NOTHING);
    assert_eq!(story.say(22, "cam", Reading::Heartbeat {}), NOTHING);
    assert_eq!(story.pass(27.999), NOTHING);
    assert_eq!(story.pass(28), ["stage left", "clear ebike_gone"]);
    assert_eq!(story.say(29, "car", hold(false, false)), ["stage released", "close complied complied"]);
}

#[test]
fn a_gap_of_a_streaming_camera_is_bridged() {
    let mut story = held(streaming());
    for (second, confidence) in [(2, 0.9), (4, 0.6), (6, 0.5), (8, 0.7), (10, 0.5), (12, 0.6), (14, 0.5)] {
        assert_eq!(story.say(second, "cam", bike(confidence)), NOTHING);
    }
    assert_eq!(story.pass(17), NOTHING);
    // What it is less sure of shows that it is alive, and no bike.
    story.say(18, "cam", bike(0.49));
    assert_eq!(story.pass(23), ["stage left", "clear ebike_gone"]);
    assert_eq!(story.only_alarm().count, 1, "a camera that repeats itself is no event");
}

#[test]
fn a_camera_that_is_offline_makes_the_alarm_unverified_at_once() {
    for (teller, scope) in [("cam", AvailabilityScope::Device), ("hub", AvailabilityScope::Hub)] {
        let mut story = held(site());
        let offline = Reading::Availability { online: false, scope };
        let lines = story.say(20, teller, offline);
        assert_eq!(lines, [format!("health {teller} bad offline"), "mark Unverified".into()]);
        // Back again, and no bike: nobody saw how it left.
        story.say(30, teller, Reading::Availability { online: true, scope });
        story.say(40, "cam", gone());
        assert_eq!(story.pass(45), ["stage left_at_floor", "clear ebike_gone"]);
        story.say(46, "car", hold(false, false));
        assert!(story.only_alarm().is_open());
    }
}

#[test]
fn somebody_is_asked_to_accept_anew_once_only() {
    let mut story = held(streaming());
    let id = story.only_alarm().id.clone();
    story.pass(12);
    story.command(13, "wu", &id, Op::Accept { eta_s: None });
    assert_eq!(story.say(14, "cam", bike(0.9))[0], "reopen Confirmed");
    story.command(15, "wu", &id, Op::Accept { eta_s: None });
    assert_eq!(story.pass(24), ["health cam bad no_frames"]);
    assert_eq!(story.say(30, "cam", bike(0.9)), ["health cam ok frames_again"]);
}

#[test]
fn an_unverified_alarm_never_closes_itself() {
    let quick = EbikeInLiftSettings { no_stop_s: 20, ..Default::default() };
    let mut story = Story::begin(site(), RuleSettings { ebike_in_lift: quick, ..Default::default() });
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.9));
    story.say(1, "car", hold(true, true));
    story.pass(19);
    assert_eq!(story.pass(20), ["mark Unverified"]);
    story.say(30, "cam", gone());
    assert_eq!(story.pass(35), ["stage left", "clear ebike_gone"]);
    assert_eq!(story.say(36, "car", hold(false, false)), ["stage released"]);
}

#[test]
fn scenario_7_a_redelivery_leaves_the_count_as_it_was() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    let mut start = observation("cam", bike(0.93));
    start.event = Some("e-1".into());
    story.observe(0, start.clone());
    story.pass(1.5);
    assert_eq!(story.observe(3, start.clone()), NOTHING);
    let dup = Fed::Said { observations: vec![observation("cam", bike(0.93))], retain: false, dup: true };
    assert_eq!(told(&story.feed(at(3.5), dup.clone())), ["repeat +1"], "never seen without the id");
    assert_eq!(told(&story.feed(at(4), dup)), NOTHING);
    assert_eq!(story.only_alarm().count, 2);
    // The stop carries the id of its start, and is not the start again.
    let mut stop = observation("cam", gone());
    stop.event = Some("e-1".into());
    story.observe(10, stop);
    assert_eq!(story.pass(15), ["stage left", "clear ebike_gone", "close complied complied"]);
    assert_eq!(story.observe(20, start), NOTHING, "delivered again after the end");
    assert_eq!(story.pass(3600), NOTHING);
}

#[test]
fn scenario_8_taken_out_at_another_floor_stays_open_for_somebody_to_look() {
    let mut story = begin(without_hold());
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.93));
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B present", "ring wu zhao"]);
    story.say(5, "car", car(true, 1));
    story.say(30, "car", car(false, 12));
    story.say(33, "cam", gone());
    assert_eq!(story.pass(38), ["stage left_at_floor", "clear ebike_gone"]);
    let alarm = story.only_alarm();
    assert_eq!((alarm.priority, alarm.is_open(), alarm.is_active()), (Priority::P2, true, false));
    let stage = alarm
        .timeline
        .iter()
        .filter_map(|entry| entry.reason.as_ref())
        .find(|reason| reason.code == "left_at_floor");
    assert!(
        stage.is_some_and(|reason| reason.text.zh.contains("12层") && reason.text.en.contains("floor 12"))
    );
    assert_eq!(story.pass(59), NOTHING);
    assert_eq!(story.pass(61.5), ["ring wu zhao"]);
}

#[test]
fn scenario_9_a_camera_that_sends_only_start_and_stop_raises_and_a_person_closes() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    assert_eq!(story.say(0, "cam", bike(None)), [SUSPECT]);
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B present", "show wu zhao"]);
    story.say(2, "car", hold(true, true));
    story.say(20, "cam", gone());
    assert_eq!(story.pass(25), ["stage left", "clear ebike_gone"]);
    assert_eq!(story.say(26, "car", hold(false, false)), ["stage released"]);
    assert!(story.only_alarm().is_open());
    let id = story.only_alarm().id.clone();
    let resolve = Op::Resolve { outcome: Outcome::Complied, note: String::new(), photos: vec![] };
    assert_eq!(
        story.command(50, "wu", &id, resolve),
        ["accepted wu", "resolved complied", "close complied resolved"]
    );
    assert_eq!(story.pass(3600), NOTHING);
}

#[test]
fn a_camera_alone_without_a_controller_rings_at_once_and_does_not_know_where_it_left() {
    let mut story = begin(site());
    assert_eq!(story.say(0, "cam-4", bike(0.93)), ["watch suspect 4/1/lift-A"]);
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 4/1/lift-A present", "ring wu zhao"]);
    story.say(20, "cam-4", gone());
    assert_eq!(story.pass(25), ["stage left_at_floor", "clear ebike_gone"]);
    assert!(story.only_alarm().is_open());
}

#[test]
fn a_start_without_a_stop_is_unverified_after_two_minutes() {
    let mut story = held(site());
    assert_eq!(story.pass(119.999), ["ring wu zhao"]);
    assert_eq!(story.pass(120), ["mark Unverified"]);
    assert!(story.only_alarm().is_open());
}

#[test]
fn the_ladder_is_silent_while_held_and_then_rings() {
    let mut story = held(site());
    assert_eq!(story.pass(61.499), NOTHING);
    assert_eq!(story.pass(61.5), ["ring wu zhao"]);
    assert_eq!(story.say(100, "cam", bike(0.9)), ["repeat +1"]);
    assert_eq!(story.pass(121.499), NOTHING);
    assert_eq!(story.pass(121.5), ["ring sun"]);
    assert_eq!(story.say(200, "cam", bike(0.9)), ["repeat +1"]);
    assert_eq!(story.pass(301.499), NOTHING);
    assert_eq!(story.pass(301.5), ["ring qian"]);
    // Held for five minutes: the guard hears of it once, and the bike is seen all the time.
    assert_eq!(story.pass(302), ["stage held_overdue"]);
}

#[test]
fn a_wired_hold_that_does_not_come_rings_and_one_that_comes_late_hushes() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.93));
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B present", "show wu zhao"]);
    assert_eq!(story.pass(4.499), NOTHING);
    assert_eq!(story.pass(4.5), ["ring wu zhao"]);
    assert_eq!(story.say(10, "car", hold(true, true)), ["stage held", "show wu zhao"]);
    assert_eq!(story.pass(61.499), NOTHING);
    assert_eq!(story.pass(61.5), ["ring wu zhao"]);
}

#[test]
fn once_the_guard_was_to_be_called_anyhow_a_late_hold_hushes_nobody() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.93));
    story.pass(5);
    assert_eq!(story.say(70, "car", hold(true, true)), ["stage held"]);
    assert_eq!(story.pass(119), NOTHING);
}

#[test]
fn a_hold_that_has_failed_before_the_raise_rings_at_once() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    story.say(-9, "car", hold(true, false));
    story.say(0, "cam", bike(0.93));
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P2 3/2/lift-B hold_failed", "ring wu zhao"]);
}

#[test]
fn a_hold_that_ends_with_the_bike_inside_rings() {
    let mut story = held(site());
    assert_eq!(story.say(20, "car", hold(false, false)), ["stage released", "ring wu zhao"]);
    assert_eq!(story.say(25, "car", hold(true, true)), ["stage held", "show wu zhao"]);
    assert_eq!(story.pass(61.5), ["ring wu zhao"]);
}

#[test]
fn feedback_that_differs_from_the_command_for_three_seconds_is_a_failed_hold() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.93));
    story.pass(1.5);
    assert_eq!(story.say(2, "car", hold(true, false)), NOTHING);
    assert_eq!(story.pass(4.5), ["ring wu zhao"], "no hold is seen");
    assert_eq!(story.pass(5), ["stage hold_failed"]);
    assert_eq!(story.say(9, "car", hold(true, true)), ["stage held", "show wu zhao"]);
    // For less than three seconds it is the relay's own time.
    story.say(20, "car", hold(false, true));
    assert_eq!(story.say(22.9, "car", hold(false, false)), ["stage released", "ring wu zhao"]);
}

#[test]
fn a_defeated_hold_rings_and_reminds_whoever_has_it() {
    let mut story = held(site());
    assert_eq!(story.say(10, "car", door(LiftDoor::Closing)), ["stage defeated", "ring wu zhao"]);
    story.say(12, "car", car(true, 1));
    story.say(40, "car", car(false, 9));
    assert_eq!(story.say(41, "cam", gone()), NOTHING);
    assert_eq!(story.pass(46), ["stage left_at_floor", "clear ebike_gone"]);

    let mut story = held(site());
    let id = story.only_alarm().id.clone();
    story.command(5, "wu", &id, Op::Accept { eta_s: None });
    assert_eq!(story.say(10, "car", car(true, 1)), ["stage defeated", "remind wu defeated"]);

    // A hold that catches a door which is closing already has not been defeated.
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.93));
    story.pass(1.5);
    story.say(2, "car", door(LiftDoor::Closing));
    assert_eq!(story.say(2.5, "car", hold(true, true)), ["stage held"]);
    assert_eq!(story.say(3, "car", door(LiftDoor::Open)), NOTHING);

    // Nor one that begins with the very message in which the door closes.
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.93));
    story.pass(1.5);
    let both = Status { door: Some(LiftDoor::Closing), hold_feedback: Some(true), ..status() };
    assert_eq!(story.say(2, "car", both.into()), ["stage held"]);
}

#[test]
fn a_car_that_moved_while_the_camera_lost_the_bike_has_moved() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    story.say(0, "cam", bike(0.93));
    story.pass(1.5);
    story.say(10, "cam", gone());
    story.say(11, "car", car(true, 1));
    story.say(13, "car", car(false, 1));
    story.say(14, "cam", bike(0.93));
    story.say(20, "cam", gone());
    assert_eq!(story.pass(25), ["stage left_at_floor", "clear ebike_gone"]);
}

#[test]
fn a_hold_without_a_bike_is_a_lift_out_of_service() {
    let mut story = begin(site());
    assert_eq!(story.say(0, "car", hold(true, true)), NOTHING);
    assert_eq!(story.pass(59.999), NOTHING);
    assert_eq!(story.pass(60), ["raise lift_fault P2 3/2/lift-B", "ring wu zhao"]);
    assert_eq!(story.say(70, "car", hold(false, false)), ["clear hold_over"]);
    assert_eq!(
        story.engine.words("lift_fault").map(|words| words.title.en),
        Some("Lift out of order".into())
    );
    // What a person closed is not raised again by the same hold.
    let mut story = begin(site());
    story.say(0, "car", hold(true, true));
    story.pass(60);
    let id = story.only_alarm().id.clone();
    let resolve = Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] };
    story.command(70, "wu", &id, resolve);
    assert_eq!(story.say(80, "car", hold(true, true)), NOTHING);
    assert_eq!(story.pass(600), NOTHING);
    // A bike explains the hold.
    let mut story = begin(site());
    story.say(0, "car", hold(true, true));
    story.pass(60);
    assert_eq!(story.say(70, "cam", bike(0.93)), [SUSPECT, "clear hold_over"]);
    // After a bike the time counts from when it left.
    let mut story = held(site());
    story.say(20, "cam", gone());
    assert_eq!(story.pass(25), ["stage left", "clear ebike_gone"]);
    assert_eq!(story.pass(61.5), ["ring wu zhao"]);
    assert_eq!(story.pass(79.999), NOTHING);
    assert_eq!(story.pass(80), ["raise lift_fault P2 3/2/lift-B", "ring wu zhao"]);
}

#[test]
fn it_closes_itself_only_within_two_minutes() {
    let mut story = held(site());
    story.say(90, "cam", bike(0.9));
    story.say(116, "cam", gone());
    assert_eq!(story.pass(121), ["stage left", "clear ebike_gone"]);
    assert_eq!(story.say(121.6, "car", hold(false, false)), ["ring sun", "stage released"]);
    assert!(story.only_alarm().is_open());
}

#[test]
fn a_bike_that_comes_back_within_five_seconds_has_not_left() {
    let mut story = held(site());
    story.say(20, "cam", gone());
    assert_eq!(story.say(24.9, "cam", bike(0.9)), ["repeat +1"]);
    assert_eq!(story.pass(60), NOTHING);
    // And one that comes back after it left is active again.
    story.say(61, "cam", gone());
    assert_eq!(story.pass(66), ["ring wu zhao", "stage left", "clear ebike_gone"]);
    assert_eq!(story.say(70, "cam", bike(0.9)), NOTHING);
    assert_eq!(story.pass(71.5), ["repeat +1", "stage held", "reopen ActiveAgain", "show wu zhao"]);
}

#[test]
fn within_two_minutes_of_its_end_the_next_bike_is_the_same_alarm_and_later_another_one() {
    let mut story = held(site());
    story.say(20, "cam", gone());
    story.say(22, "car", hold(false, false));
    assert_eq!(story.pass(25), ["stage left", "clear ebike_gone", "close complied complied"]);
    story.say(100, "cam", bike(0.9));
    assert_eq!(story.pass(101.5), ["repeat +1", "stage present", "reopen ActiveAgain", "show wu zhao"]);
    story.say(102, "cam", gone());
    story.pass(110);
    let id = story.only_alarm().id.clone();
    let resolve = Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] };
    story.command(200, "wu", &id, resolve);
    story.say(330, "cam", bike(0.9));
    assert_eq!(story.pass(331.5)[0], "raise ebike_in_lift P2 3/2/lift-B present");
    assert_eq!(story.alarms().len(), 2);
}

#[test]
fn what_a_person_called_false_is_not_raised_again_while_it_stands_there() {
    let mut story = held(streaming());
    let id = story.only_alarm().id.clone();
    story.say(4, "cam", bike(0.9));
    let word = Op::FalseAlarm { note: "a stroller with a battery".into() };
    assert_eq!(
        story.command(5, "wu", &id, word),
        ["accepted wu", "resolved false_alarm", "close false_alarm resolved"]
    );
    for second in 3..=200 {
        assert_eq!(story.say(second * 2, "cam", bike(0.9)), NOTHING, "{second}");
    }
    // The next one is another story.
    story.say(410, "cam", gone());
    story.say(412, "car", hold(false, false));
    assert_eq!(story.say(420, "cam", bike(0.9)), [SUSPECT]);
    assert_eq!(story.pass(421.5)[0], "raise ebike_in_lift P2 3/2/lift-B present");
}

#[test]
fn a_bike_that_stays_well_after_somebody_resolved_it_is_raised_again() {
    let mut story = held(streaming());
    let id = story.only_alarm().id.clone();
    story.say(4, "cam", bike(0.9));
    let resolve = Op::Resolve { outcome: Outcome::Complied, note: String::new(), photos: vec![] };
    story.command(5, "wu", &id, resolve);
    let mut raised = vec![];
    for second in 3..=70 {
        let lines = story.say(second * 2, "cam", bike(0.9));
        raised.extend(lines.into_iter().map(|line| (second * 2, line)));
    }
    assert_eq!(raised[0], (126, "raise ebike_in_lift P2 3/2/lift-B held".to_owned()));
    assert_eq!(story.alarms().len(), 2);
}

#[test]
fn smoke_or_heat_in_the_lobby_makes_it_life_threatening() {
    let smoke = |active| Reading::Smoke { active, source: None };
    let p1 = ["repeat +1", "upgrade P1 fire_near_ebike", "reopen PriorityRose", "ring li sun wu zhao"];
    let rose = |lines: &[String]| lines.iter().any(|line| line.contains("fire_near_ebike"));
    let bike_alarm = |story: &Story| {
        let alarms = story.alarms();
        alarms.into_iter().find(|alarm| alarm.kind.as_str() == "ebike_in_lift").cloned().expect("one")
    };
    let mut story = held(site());
    assert!(!rose(&story.say(5, "smoke-1203", smoke(true))), "a home is no lobby");
    assert_eq!(story.say(10, "smoke-1F", smoke(true))[..4], p1);
    assert!(!rose(&story.say(11, "smoke-1F", smoke(true))));
    // The bike out and the hold over: never closed by itself any more.
    story.say(20, "cam", gone());
    story.say(26, "car", hold(false, false));
    assert!(bike_alarm(&story).is_open());

    let mut story = held(site());
    assert_eq!(story.say(10, "smoke-1F", Reading::Heat { celsius: Some(71.0), active: Some(true) })[..4], p1);

    // The smoke was first.
    let mut story = begin(site());
    story.say(0, "smoke-1F", smoke(true));
    story.say(5, "cam", bike(0.9));
    assert_eq!(story.pass(6.5), ["raise ebike_in_lift P1 3/2/lift-B present", "ring li sun wu zhao"]);
    // In another unit it is none of this alarm's business.
    let mut story = begin(site());
    story.say(0, "smoke-1F", smoke(true));
    story.say(5, "cam-1A", bike(0.9));
    assert_eq!(story.pass(6.5), ["raise ebike_in_lift P2 3/1/lift-A present", "ring wu zhao"]);
}

#[test]
fn a_battery_is_for_the_digest() {
    let battery = |present| seen(LiftClass::EbikeBattery, present, 0.9);
    let mut story = begin(site());
    assert_eq!(story.say(0, "cam", battery(true)), NOTHING);
    assert_eq!(story.pass(1.5), ["raise ebike_in_lift P4 3/2/lift-B", "show"]);
    assert_eq!(story.say(10, "car", car(false, 3)), NOTHING);
    assert_eq!(story.say(11, "cam", battery(true)), NOTHING);
    assert_eq!(story.say(30, "cam", battery(false)), ["clear ebike_gone"]);
    assert_eq!(story.pass(3600), NOTHING);
}

#[test]
fn two_lifts_of_one_building_within_five_minutes_are_one_incident() {
    let mut story = begin(site());
    for (second, camera) in [(0, "cam"), (200, "cam-1A"), (250, "cam-4")] {
        story.say(second, camera, bike(0.9));
    }
    story.pass(260);
    let incidents: Vec<_> = story.alarms().iter().map(|alarm| alarm.incident.clone()).collect();
    assert!(incidents[0].is_some());
    assert_eq!(incidents[0], incidents[1]);
    assert_ne!(incidents[0], incidents[2], "another building");
}

#[test]
fn news_from_long_ago_is_recorded_and_not_raised() {
    let mut story = begin(site());
    let mut old = observation("cam", bike(0.93));
    old.at_device = Some(at(-700));
    assert_eq!(story.observe(0, old), ["suppress late"]);
    // What the broker kept, a replay and a self-test are no events at all.
    let kept = Fed::Said { observations: vec![observation("cam", bike(0.93))], retain: true, dup: false };
    assert_eq!(told(&story.feed(at(1), kept)), NOTHING);
    for quality in [Quality::Replayed, Quality::Test] {
        let mut said = observation("cam", bike(0.93));
        said.quality = quality;
        assert_eq!(story.observe(2, said), NOTHING);
    }
    assert_eq!(story.pass(3600), NOTHING);
}

#[test]
fn a_start_and_a_stop_out_of_one_queue_are_measured_by_the_cameras_clock() {
    let dated = |reading, seconds| {
        let mut said = observation("cam", reading);
        said.at_device = Some(at(seconds));
        said
    };
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    let both = Fed::said(vec![dated(bike(0.93), -30.0), dated(gone(), -28.0)]);
    assert_eq!(
        told(&story.feed(at(0), both)),
        [SUSPECT, "raise ebike_in_lift P2 3/2/lift-B present", "show wu zhao"]
    );
    let glimpse = Fed::said(vec![dated(bike(0.91), 20.0), dated(gone(), 20.8)]);
    let mut story = begin(site());
    assert_eq!(told(&story.feed(at(30), glimpse)), [SUSPECT]);
}

#[test]
fn silence_is_not_judged_while_the_path_is_down() {
    let mut story = held(streaming());
    let path = |state| Input::Path(PathNews { lane: "alarm".into(), state });
    story.input(3, path(PathState::Down));
    assert_eq!(story.pass(40), NOTHING);
    story.input(50, path(PathState::Draining));
    story.input(51, path(PathState::Up));
    assert_eq!(story.pass(60.999), NOTHING);
    assert_eq!(story.pass(61), ["mark Unverified", "health cam bad no_frames"]);
}

#[test]
fn a_controller_that_is_offline_holds_nothing_that_is_known() {
    let mut story = held(site());
    let offline = Reading::Availability { online: false, scope: AvailabilityScope::Device };
    assert_eq!(story.say(10, "car", offline), ["health car bad offline", "stage released", "ring wu zhao"]);
    story.say(20, "cam", gone());
    assert_eq!(story.pass(25), ["stage left_at_floor", "clear ebike_gone"]);
}

#[test]
fn recovery_decides_nothing_and_a_snapshot_goes_on() {
    let mut story = held(streaming());
    let id = story.only_alarm().id.clone();
    for second in 3..=20 {
        story.say(second, "cam", bike(0.9));
        if second == 10 {
            story.restart_from_snapshot();
        }
    }
    story.command(21, "wu", &id, Op::Accept { eta_s: Some(60) });
    story.pass(40);
    story.say(41, "cam", seen(LiftClass::None, false, None));
    story.pass(50);
    let deaf =
        EbikeInLiftSettings { confidence: 1.1, present_ms: 3_600_000, absent_s: 1, ..Default::default() };
    story.replays_the_same_under(RuleSettings::default());
    story.replays_the_same_under(RuleSettings { ebike_in_lift: deaf, ..Default::default() });
    story.decides_the_same_again();
}

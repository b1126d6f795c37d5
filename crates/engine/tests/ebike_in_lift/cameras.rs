//! Cameras that fall silent, come back, or never say that it is over.

use crate::lift::{NOTHING, bike, car, gone, held, hold, seen, site, streaming};
use crate::story::*;
use wanglou_engine::{EbikeInLiftSettings, RuleSettings};
use wanglou_model::*;

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
fn a_start_without_a_stop_is_unverified_after_two_minutes() {
    let mut story = held(site());
    assert_eq!(story.pass(119.999), ["ring wu zhao"]);
    assert_eq!(story.pass(120), ["mark Unverified"]);
    assert!(story.only_alarm().is_open());
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

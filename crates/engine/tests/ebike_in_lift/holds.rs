//! A lift that is held: who is called beside it, what defeats it, and fire.

use crate::lift::{NOTHING, SUSPECT, Status, begin, bike, car, door, gone, held, hold, mode, site, status};
use wanglou_model::*;

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
fn a_controller_that_is_offline_holds_nothing_that_is_known() {
    let mut story = held(site());
    let offline = Reading::Availability { online: false, scope: AvailabilityScope::Device };
    assert_eq!(story.say(10, "car", offline), ["health car bad offline", "stage released", "ring wu zhao"]);
    story.say(20, "cam", gone());
    assert_eq!(story.pass(25), ["stage left_at_floor", "clear ebike_gone"]);
}

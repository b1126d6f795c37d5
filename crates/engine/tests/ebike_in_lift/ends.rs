//! How it ends, and when the next bike is another alarm.

use crate::lift::{
    NOTHING, SUSPECT, begin, bike, car, gone, held, hold, seen, site, streaming, without_hold,
};
use crate::story::*;
use wanglou_engine::{EbikeInLiftSettings, RuleSettings};
use wanglou_model::*;

#[test]
fn scenario_7_a_redelivery_leaves_the_count_as_it_was() {
    let mut story = begin(site());
    story.say(-10, "car", car(false, 1));
    let mut start = observation("cam", bike(0.93));
    start.event = Some("e-1".into());
    story.observe(0, start.clone());
    story.pass(1.5);
    assert_eq!(story.observe(3, start.clone()), NOTHING);
    let dup =
        Fed::Said { observations: vec![observation("cam", bike(0.93))], retain: false, dup: true, by: None };
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

//! What is a bike that stands there, and how grave it is.

use crate::lift::{NOTHING, SUSPECT, begin, bike, car, door, gone, held, hold, seen, site};
use crate::story::*;
use wanglou_model::*;

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
    let kept =
        Fed::Said { observations: vec![observation("cam", bike(0.93))], retain: true, dup: false, by: None };
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

/// The gateway was off for twelve minutes; each lane is back so many seconds after that. What a camera that says only
/// "start", without a time, says by the alarm lane.
fn seen_after_an_outage(alarm_lane_s: f64, bulk_s: f64, seen_s: f64) -> Vec<String> {
    let mut story = begin(site());
    let path = |lane: &str, state| Input::Path(PathNews { lane: lane.into(), state });
    for lane in ["alarm", "bulk"] {
        story.input(0, path(lane, PathState::Up));
    }
    story.input(720, Input::Start { version: "t".into(), boot_id: "b2".into(), at_minus_boot: Span::ZERO });
    let mut back = [(alarm_lane_s, "alarm"), (bulk_s, "bulk")];
    back.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (after, lane) in back {
        story.input(720.0 + after, path(lane, PathState::Draining));
        story.input(720.0 + after, path(lane, PathState::Up));
    }
    let by = Some(Way { lane: LaneName::Alarm, qos0: false });
    let said =
        Fed::Said { observations: vec![observation("cam", bike(0.93))], retain: false, dup: false, by };
    let lines = told(&story.feed(at(720.0 + seen_s), said));
    story.decides_the_same_again();
    lines
}

#[test]
fn a_bike_is_not_thrown_away_as_old_because_the_other_lane_came_back() {
    assert_eq!(seen_after_an_outage(1.0, 40.0, 45.0), [SUSPECT], "its own lane was back 44 s ago");
    assert_eq!(seen_after_an_outage(40.0, 1.0, 45.0), ["suppress late"], "its own was back 5 s ago");
    assert_eq!(seen_after_an_outage(1.0, 1.0, 5.0), ["suppress late"]);
}

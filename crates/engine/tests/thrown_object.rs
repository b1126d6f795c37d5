//! Thrown objects, as stories with exact times: what façade cameras say, and all that comes out.

mod story;

use std::collections::BTreeSet;
use story::*;
use wanglou_engine::{RuleSettings, ThrownObjectSettings};
use wanglou_model::*;

const EAST: &str = "facade/7/east";
const NOTHING: [&str; 0] = [];
/// 09:00 and 21:00.
const NIGHT: i32 = 12 * 3600;

/// Three cameras on the east façade of building 7, one on the west, and a weather station.
fn site() -> Site {
    let mut site = empty_site();
    add_place(&mut site, EAST, PlaceKind::Facade);
    add_place(&mut site, "facade/7/west", PlaceKind::Facade);
    add_place(&mut site, "roof", PlaceKind::Other);
    for (id, place, columns) in
        [("e1", EAST, (1, 5)), ("e2", EAST, (4, 8)), ("e3", EAST, (12, 14)), ("w1", "facade/7/west", (1, 5))]
    {
        add_device(&mut site, id, place, Purpose::FacadeCamera, |camera| camera.columns = Some(columns));
    }
    add_device(&mut site, "rain", "roof", Purpose::Weather, |_| {});
    add_team(&mut site);
    site
}

fn begin() -> Story {
    Story::begin(site(), RuleSettings::default())
}

/// What a camera says of a throw, as far as a test cares.
#[derive(Clone)]
struct Throw {
    active: bool,
    track: Option<&'static str>,
    drop_m: Option<f64>,
    zone: Option<&'static str>,
    floors: Option<(i32, i32)>,
    column: Option<i32>,
    size: Option<ObjectSize>,
    speed_mps: Option<f64>,
    horizontal_m: Option<f64>,
    upward: Option<bool>,
    confidence: Option<f64>,
    people_below: Option<bool>,
    clip: Option<Evidence>,
}

/// A hit without anything but itself: what most cameras give.
fn bare() -> Throw {
    Throw {
        active: true,
        track: None,
        drop_m: None,
        zone: None,
        floors: None,
        column: None,
        size: None,
        speed_mps: None,
        horizontal_m: None,
        upward: None,
        confidence: None,
        people_below: None,
        clip: None,
    }
}

fn sure(confidence: f64) -> Throw {
    Throw { confidence: Some(confidence), ..bare() }
}

fn clip(uri: &str, sha256: Option<&str>) -> Option<Evidence> {
    Some(Evidence { uri: Some(uri.into()), sha256: sha256.map(str::to_owned), bytes: None })
}

impl From<Throw> for Reading {
    fn from(throw: Throw) -> Self {
        let (floor_min, floor_max) =
            (throw.floors.map(|floors| floors.0), throw.floors.map(|floors| floors.1));
        Reading::ThrownObject {
            active: throw.active,
            track: throw.track.map(str::to_owned),
            from: None,
            until: None,
            drop_m: throw.drop_m,
            zone: throw.zone.map(str::to_owned),
            floor_min,
            floor_max,
            column: throw.column,
            size: throw.size,
            speed_mps: throw.speed_mps,
            horizontal_m: throw.horizontal_m,
            upward: throw.upward,
            confidence: throw.confidence,
            people_below: throw.people_below,
            clip: throw.clip,
            picture: None,
        }
    }
}

/// By the camera's own clock.
fn dated(camera: &str, seconds: impl Into<f64>, throw: Throw) -> Observation {
    Observation { at_device: Some(at(seconds)), ..observation(camera, throw.into()) }
}

fn detail(story: &Story, name: &str) -> serde_json::Value {
    story.only_alarm().details.get(name).cloned().unwrap_or_default()
}

const RAISED: [&str; 2] = ["raise thrown_object P2 facade/7/east detected", "ring wu zhao"];
const REVIEW: [&str; 2] = ["raise thrown_object P3 facade/7/east review", "show li"];

#[test]
fn scenario_1_a_bottle_that_two_cameras_see_is_one_alarm_with_two_clips() {
    for size in [Some(ObjectSize::M), None] {
        let mut story = begin();
        let bottle = |uri| Throw { size, floors: Some((14, 14)), clip: clip(uri, Some("aa")), ..sure(0.9) };
        assert_eq!(story.observe(1, dated("e1", 0, bottle("a.mp4"))), RAISED);
        assert_eq!(story.observe(2, dated("e2", 0.8, bottle("b.mp4"))), ["repeat +1", "stage merged"]);
        assert_eq!(story.pass(180), NOTHING);
        let alarm = story.only_alarm();
        assert_eq!((alarm.evidence.len(), alarm.count, alarm.devices.len()), (2, 2, 2));
        assert_eq!((alarm.first_at, alarm.raised_at), (at(0), at(1)));
        assert_eq!(detail(&story, "evidence"), "complete");
    }
}

#[test]
fn scenario_2_floors_are_what_both_cameras_agree_on_and_each_range_is_kept() {
    let mut story = begin();
    let floors = |floors| Throw { floors: Some(floors), ..sure(0.9) };
    story.say(0, "e1", floors((12, 14)).into());
    story.say(1, "e2", floors((13, 15)).into());
    assert_eq!(detail(&story, "floors"), serde_json::json!({"min": 13, "max": 14}));
    let each =
        serde_json::json!([{"camera": "e1", "min": 12, "max": 14}, {"camera": "e2", "min": 13, "max": 15}]);
    assert_eq!(detail(&story, "floor_ranges"), each);
    assert_eq!(detail(&story, "cameras_disagree"), serde_json::Value::Null);
}

#[test]
fn floors_that_nobody_shares_are_shown_as_all_of_them_and_as_a_disagreement() {
    let mut story = begin();
    let floors = |floors| Throw { floors: Some(floors), column: Some(4), ..sure(0.9) };
    story.say(0, "e1", floors((12, 13)).into());
    story.say(1, "e2", floors((13, 15)).into());
    story.say(2, "e1", floors((15, 16)).into());
    assert_eq!(detail(&story, "floors"), serde_json::json!({"min": 12, "max": 16}));
    assert_eq!(detail(&story, "cameras_disagree"), true);
}

#[test]
fn scenario_3_birds_leaves_and_laundry_are_nothing() {
    let shielded =
        ThrownObjectSettings { shield_zones: BTreeSet::from(["laundry".into()]), ..Default::default() };
    let mut story = Story::begin(site(), RuleSettings { thrown_object: shielded, ..Default::default() });
    let nothings = [
        Throw { upward: Some(true), ..sure(0.95) },
        Throw { drop_m: Some(5.9), ..sure(0.95) },
        Throw { drop_m: Some(10.0), horizontal_m: Some(10.1), ..sure(0.95) },
        Throw { speed_mps: Some(2.9), ..sure(0.95) },
        Throw { zone: Some("laundry"), ..sure(0.95) },
        Throw { upward: Some(true), ..bare() },
        sure(0.79),
    ];
    for (n, nothing) in nothings.into_iter().enumerate() {
        assert_eq!(story.say(n as f64 * 100.0, "e1", nothing.into()), NOTHING, "{n}");
    }
    assert_eq!(story.pass(900), NOTHING);
    let through = Throw {
        zone: Some("laundry"),
        drop_m: Some(18.0),
        horizontal_m: Some(2.0),
        speed_mps: Some(9.0),
        ..sure(0.95)
    };
    assert_eq!(story.say(1000, "e1", through.into()), RAISED);
}

#[test]
fn scenario_4_a_storm_of_weak_hits_is_one_fault_and_a_clear_throw_still_comes_through() {
    let mut story = begin();
    let rain = Reading::Weather { rain_mm_h: Some(6.0), wind_mps: None, celsius: None };
    assert_eq!(story.say(-10, "rain", rain), NOTHING);
    let mut came_out = vec![];
    for n in 0..25 {
        came_out.extend(story.say(n * 24, "e1", sure(0.85).into()));
    }
    assert_eq!(came_out, ["health e1 bad camera_storm"]);
    assert!(story.alarms().is_empty());
    let large = Throw { size: Some(ObjectSize::L), ..sure(0.95) };
    assert_eq!(story.say(601, "e1", large.clone().into()), RAISED);
    let people = Throw { people_below: Some(true), column: Some(1), floors: Some((3, 3)), ..large };
    assert_eq!(
        story.say(650, "e1", people.into()),
        ["raise thrown_object P1 facade/7/east detected", "ring li sun wu zhao"]
    );
}

#[test]
fn a_stormy_camera_without_confidence_is_shelved_for_half_an_hour() {
    let mut story = begin();
    for n in 0..10 {
        assert_eq!(story.say(n * 11, "e1", bare().into()), REVIEW, "{n}");
    }
    assert_eq!(story.say(110, "e1", bare().into()), ["health e1 bad camera_storm"]);
    assert_eq!(story.say(115, "e1", bare().into()), NOTHING);
    // It cannot make another camera's hit certain either: it sees something all the time.
    assert_eq!(story.say(117, "e2", bare().into()), REVIEW);
    let people = Throw { people_below: Some(true), ..bare() };
    assert_eq!(story.say(119, "e1", people.into()), ["repeat +1"]);
    assert_eq!(story.alarms().len(), 11);
    let loud =
        |lines: Vec<String>| lines.into_iter().filter(|line| !line.starts_with("show")).collect::<Vec<_>>();
    assert_eq!(loud(story.pass(110 + 1799)), NOTHING);
    assert_eq!(loud(story.pass(110 + 1800)), ["health e1 ok camera_storm_over"]);
    assert_eq!(loud(story.say(2200, "e1", bare().into())), [REVIEW[0]]);
}

#[test]
fn scenario_5_the_alarm_does_not_wait_for_its_clip() {
    let mut story = begin();
    let throw = Throw { clip: clip("https://nvr/7.mp4", None), track: Some("t7"), ..sure(0.9) };
    assert_eq!(story.say(0, "e1", throw.clone().into()), RAISED);
    assert_eq!(detail(&story, "evidence"), "pending");
    // The end of the event brings another clip: no hit of its own.
    let end = Throw { active: false, clip: clip("https://nvr/7-end.mp4", Some("ab")), ..throw };
    assert_eq!(story.say(20, "e1", end.into()), ["repeat +0"]);
    assert_eq!((story.only_alarm().count, story.only_alarm().evidence.len()), (1, 2));
}

#[test]
fn scenario_7_a_camera_without_confidence_is_reviewed_until_a_second_one_agrees() {
    let mut story = begin();
    assert_eq!(story.say(0, "e1", bare().into()), REVIEW);
    let second =
        ["repeat +1", "stage merged", "upgrade P2 throw_seen_twice", "reopen Confirmed", "ring wu zhao"];
    assert_eq!(story.say(4, "e2", bare().into()), second);
    assert_eq!(story.only_alarm().priority, Priority::P2);
    assert_eq!(story.pass(183), NOTHING);
    story.decides_the_same_again();
}

#[test]
fn a_third_camera_adds_to_what_two_have_agreed_on() {
    let mut story = begin();
    let small = Throw { size: Some(ObjectSize::S), column: Some(6), ..bare() };
    story.say(0, "e1", small.clone().into());
    // Small or not: two cameras that agree are no matter for the digest.
    let lines = story.say(2, "e2", small.clone().into());
    assert_eq!(
        lines,
        ["repeat +1", "stage merged", "upgrade P2 throw_seen_twice", "reopen Confirmed", "ring wu zhao"]
    );
    assert_eq!(story.say(4, "e3", small.clone().into()), ["repeat +1"]);
    // What a person has confirmed stays confirmed.
    let mut story = begin();
    story.say(0, "e1", small.clone().into());
    let id = story.only_alarm().id.clone();
    story.command(3, "li", &id, Op::Confirm);
    assert_eq!(story.say(5, "e2", small.into()), ["repeat +1"]);
    assert_eq!(story.only_alarm().stage.as_deref(), Some("confirmed"));
}

#[test]
fn a_bird_that_crosses_a_throw_is_no_part_of_it() {
    let mut story = begin();
    story.say(0, "e1", sure(0.9).into());
    assert_eq!(story.say(1, "e2", Throw { upward: Some(true), ..sure(0.95) }.into()), NOTHING);
    // A hit that is too weak to begin a throw is one more piece of evidence for it.
    assert_eq!(story.say(2, "e2", sure(0.5).into()), ["repeat +1"]);
    assert_eq!(story.only_alarm().stage.as_deref(), Some("detected"));
}

#[test]
fn a_backlog_is_no_storm() {
    let mut story = begin();
    for n in 0..30 {
        let lines = story.observe(0, dated("e1", -1000 - n * 20, sure(0.5)));
        assert_eq!(lines, NOTHING);
    }
}

#[test]
fn a_review_is_silent_however_long_nobody_looks() {
    let mut story = begin();
    assert_eq!(story.say(0, "e1", bare().into()), REVIEW);
    assert_eq!(story.pass(119), NOTHING);
    assert_eq!(story.pass(120), ["show li"]);
    assert_eq!(story.pass(300), ["show li qian"]);
    assert_eq!(story.pass(600), ["show li qian"]);
    let ringing = story
        .engine
        .book()
        .alarms
        .values()
        .flat_map(|alarm| alarm.followers.values())
        .filter(|told| told.ring);
    assert_eq!(ringing.count(), 0);
}

#[test]
fn a_reviewers_word_makes_it_an_alarm_that_must_be_accepted_anew() {
    let mut story = begin();
    story.say(0, "e1", bare().into());
    let id = story.only_alarm().id.clone();
    assert!(story.engine.actions(story.only_alarm(), &officer("li")).contains(&"confirm"));
    assert_eq!(story.command(30, "li", &id, Op::Accept { eta_s: None }), ["accepted li"]);
    assert_eq!(
        story.command(60, "li", &id, Op::Confirm),
        ["stage confirmed", "upgrade P2 confirmed", "reopen Confirmed", "ring wu zhao"]
    );
    assert!(story.only_alarm().is_unaccepted());
    assert!(!story.engine.actions(story.only_alarm(), &officer("li")).contains(&"confirm"));
    // The same about one that had rung is a remark.
    let mut story = begin();
    story.say(0, "e1", sure(0.9).into());
    let id = story.only_alarm().id.clone();
    assert_eq!(story.command(60, "wu", &id, Op::Confirm), ["stage confirmed"]);
}

#[test]
fn a_reviewer_who_finds_nothing_ends_it() {
    let mut story = begin();
    story.say(0, "e1", bare().into());
    let id = story.only_alarm().id.clone();
    let lines = story.command(60, "li", &id, Op::FalseAlarm { note: String::new() });
    assert_eq!(lines, ["accepted li", "resolved false_alarm", "close false_alarm resolved"]);
    assert_eq!(story.pass(3600), NOTHING);
}

#[test]
fn people_below_make_it_urgent_and_a_heavy_object_life_threatening() {
    let people = |size, confidence| Throw { people_below: Some(true), size, confidence, ..bare() };
    for (throw, line) in [
        (people(Some(ObjectSize::M), Some(0.9)), "raise thrown_object P1 facade/7/east detected"),
        (people(Some(ObjectSize::L), None), "raise thrown_object P1 facade/7/east detected"),
        (people(None, None), "raise thrown_object P2 facade/7/east detected"),
        (people(Some(ObjectSize::S), Some(0.9)), "raise thrown_object P3 facade/7/east detected"),
        (Throw { size: Some(ObjectSize::S), ..sure(0.9) }, "raise thrown_object P3 facade/7/east detected"),
    ] {
        assert_eq!(begin().say(0, "e1", throw.into())[0], line);
    }
    // The camera notices them a moment later.
    let mut story = begin();
    let heavy = Throw { size: Some(ObjectSize::L), track: Some("t"), ..sure(0.9) };
    story.say(0, "e1", heavy.clone().into());
    let lines = story.say(20, "e1", Throw { people_below: Some(true), active: false, ..heavy }.into());
    assert_eq!(lines, ["upgrade P1 throw_people_below", "reopen PriorityRose", "ring li sun wu zhao"]);
}

#[test]
fn hits_far_apart_in_time_column_floor_or_facade_are_throws_of_their_own() {
    let other = |second, camera: &str, throw: Throw| {
        let mut story = begin();
        story.say(0, "e1", Throw { floors: Some((5, 6)), ..sure(0.9) }.into());
        story.say(second, camera, throw.into());
        story.alarms().len()
    };
    assert_eq!(other(10.0, "e1", sure(0.9)), 1, "ten seconds by receive time");
    assert_eq!(other(10.001, "e1", sure(0.9)), 2);
    assert_eq!(other(1.0, "e3", sure(0.9)), 2, "columns 12–14 are not next to 1–5");
    assert_eq!(other(1.0, "e3", Throw { column: Some(6), ..sure(0.9) }), 1, "column 6 is");
    assert_eq!(other(1.0, "e2", Throw { floors: Some((7, 8)), ..sure(0.9) }), 2);
    assert_eq!(other(1.0, "w1", sure(0.9)), 2);
    // With clocks three seconds count, whenever the messages come.
    let clocks = |apart: f64, later: f64| {
        let mut story = begin();
        story.observe(0, dated("e1", -5, sure(0.9)));
        story.observe(later, dated("e2", -5.0 + apart, sure(0.9)));
        story.alarms().len()
    };
    assert_eq!((clocks(3.0, 1.0), clocks(3.001, 1.0), clocks(2.0, 60.0)), (1, 2, 1));
}

#[test]
fn a_wrong_clock_does_not_count() {
    let mut story = begin();
    story.observe(0, dated("e1", 0, sure(0.9)));
    let mut wrong = dated("e2", 500_000, sure(0.9));
    wrong.quality = Quality::SuspectClock;
    assert_eq!(story.observe(5, wrong), ["repeat +1", "stage merged"]);
}

#[test]
fn in_the_dark_and_in_the_rain_a_camera_must_be_surer() {
    let mut story = begin();
    assert_eq!(story.say(NIGHT, "e1", sure(0.89).into()), NOTHING);
    assert_eq!(story.say(NIGHT + 60, "e1", sure(0.9).into()), RAISED);
    let rain = |rain| Reading::Weather { rain_mm_h: Some(rain), wind_mps: None, celsius: None };
    let mut story = begin();
    story.say(0, "rain", rain(2.0));
    assert_eq!(story.say(10, "e1", sure(0.89).into()), NOTHING);
    story.say(20, "rain", rain(0.0));
    assert_eq!(story.say(30, "e1", sure(0.89).into()), RAISED);
    // A station that fell silent says nothing about the weather an hour later.
    let mut story = begin();
    story.say(0, "rain", rain(2.0));
    assert_eq!(story.say(3601, "e1", sure(0.89).into()), RAISED);
}

#[test]
fn old_news_is_reviewed_and_never_rings() {
    let mut story = begin();
    let throw = || Throw { people_below: Some(true), size: Some(ObjectSize::L), ..sure(0.95) };
    let lines = story.observe(0, dated("e1", -700, throw()));
    assert_eq!(lines, ["raise thrown_object P3 facade/7/east review Late", "show li"]);
    let mut stored = dated("e2", -699, throw());
    stored.quality = Quality::Replayed;
    assert_eq!(story.observe(1, stored), ["repeat +1", "stage merged"]);
    assert_eq!(story.pass(119), NOTHING);
}

#[test]
fn what_the_broker_kept_self_tests_and_redeliveries_are_no_throws() {
    let mut story = begin();
    let kept = Fed::Said {
        observations: vec![observation("e1", sure(0.9).into())],
        retain: true,
        dup: false,
        by: None,
    };
    assert_eq!(told(&story.feed(at(0), kept)), NOTHING);
    let mut test = observation("e1", sure(0.9).into());
    test.quality = Quality::Test;
    assert_eq!(story.observe(1, test), NOTHING);
    let throw = dated("e1", 2, sure(0.9));
    assert_eq!(story.observe(2, throw.clone()), RAISED);
    assert_eq!(story.observe(3, throw.clone()), NOTHING);
    let id = story.only_alarm().id.clone();
    story.command(60, "wu", &id, Op::FalseAlarm { note: String::new() });
    assert_eq!(story.observe(90, throw), NOTHING, "delivered again after the end");
    assert_eq!(story.only_alarm().count, 1);
}

#[test]
fn recovery_decides_nothing_and_a_snapshot_goes_on() {
    let mut story = begin();
    story.say(0, "e1", Throw { floors: Some((12, 14)), ..bare() }.into());
    story.restart_from_snapshot();
    story.say(4, "e2", Throw { floors: Some((13, 15)), ..bare() }.into());
    let id = story.only_alarm().id.clone();
    story.command(30, "wu", &id, Op::Accept { eta_s: None });
    for n in 0..12 {
        story.say(600 + n * 30, "e1", sure(0.5).into());
    }
    story.pass(4000);
    let blind =
        ThrownObjectSettings { confidence: 2.0, storm_hits: 1, merge_receive_s: 0, ..Default::default() };
    story.replays_the_same_under(RuleSettings::default());
    story.replays_the_same_under(RuleSettings { thrown_object: blind, ..Default::default() });
    story.decides_the_same_again();
}

//! Doors, lanes and noise through the engine's public face: what scenarios cannot show, and that recovery decides
//! nothing.

mod story;

use std::sync::Arc;
use story::*;
use wanglou_engine::{NoiseSettings, RuleSettings, Setup};
use wanglou_model::*;

fn site() -> Site {
    let mut site = empty_site();
    add_place(&mut site, "3", PlaceKind::Building);
    add_place(&mut site, "3/door", PlaceKind::Door);
    add_place(&mut site, "3/1F", PlaceKind::Floor);
    add_place(&mut site, "lane", PlaceKind::Road);
    add_place(&mut site, "square", PlaceKind::Zone);
    add_device(&mut site, "door", "3/door", Purpose::DoorAccess, |door| door.rex_wired = true);
    add_device(&mut site, "smoke", "3/1F", Purpose::Smoke, |_| {});
    add_device(&mut site, "smoke-2", "3/1F", Purpose::Smoke, |_| {});
    add_device(&mut site, "lane-cam", "lane", Purpose::LaneCamera, |_| {});
    add_device(&mut site, "meter", "square", Purpose::Noise, |_| {});
    add_team(&mut site);
    site
}

fn begin() -> Story {
    Story::begin(site(), RuleSettings::default())
}

fn open(open: bool) -> Reading {
    Reading::Contact { open: Some(open), opens: None }
}

fn access(result: &str) -> Reading {
    Reading::Access { result: result.into(), credential_hash: None, method: None, reason: None }
}

fn noise(db: f64) -> Reading {
    let (lmax_db, valid_s) = (Some(db + 3.0), Some(60.0));
    Reading::Noise { laeq_db: db, period_s: 60.0, lmax_db, valid_s, weighting: "A".into() }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_door_that_is_forced_is_told_three_seconds_later_and_a_late_grant_takes_it_back() {
    let mut story = begin();
    assert_eq!(story.say(0, "door", open(true)), NOTHING);
    assert_eq!(story.say(2, "door", access("granted")), NOTHING);
    assert_eq!(story.say(9, "door", open(false)), NOTHING);
    story.say(60, "door", open(true));
    story.restart_from_snapshot();
    assert_eq!(story.pass(63), ["raise access_forced P3 3/door", "ring wu zhao"]);
}

#[test]
fn a_held_door_is_told_in_steps_and_ends_by_itself() {
    let mut story = begin();
    story.say(0, "door", access("rex"));
    story.say(1, "door", open(true));
    assert_eq!(story.pass(31), ["watch beep 3/door"]);
    assert_eq!(story.pass(301), ["raise access_held P4 3/door", "show"]);
    let rose = ["repeat +1", "upgrade P3 held_long", "reopen PriorityRose", "ring wu zhao"];
    assert_eq!(story.pass(1801), rose);
    assert_eq!(story.say(1900, "door", open(false)), ["clear door_shut", "close ok door_shut"]);
    story.replays_the_same_under(RuleSettings::default());
    story.decides_the_same_again();
}

#[test]
fn a_confirmed_fire_makes_a_car_in_the_lane_life_threatening_at_once() {
    let mut story = begin();
    let car = Reading::Vehicle {
        plate_hash: Some("aa".into()),
        class: None,
        segment: "north".into(),
        present: true,
        attended: None,
    };
    story.say(0, "lane-cam", car);
    let smoke = || Reading::Smoke { active: true, source: None };
    story.say(30, "smoke", smoke());
    story.say(60, "smoke-2", smoke());
    let lines = story.pass(60);
    assert_eq!(lines, ["raise fire_lane P1 lane fire", "ring li sun wu zhao"]);
    story.replays_the_same_under(RuleSettings::default());
    story.decides_the_same_again();
}

#[test]
fn a_minute_is_judged_by_the_limit_that_held_when_it_began() {
    // 19:00 is ten hours after the story's zero.
    let evening = 36_000;
    let mut story = begin();
    story.say(evening + 60, "meter", noise(62.0));
    story.say(evening + 120, "meter", noise(63.0));
    let rules = RuleSettings {
        noise: NoiseSettings { limit_db: 65.0, ..NoiseSettings::default() },
        ..RuleSettings::default()
    };
    let changed = Setup::new(site(), rules, "c1".into(), vec![]).expect("a good zone");
    story.engine.reconfigure(at(evening + 150), Arc::new(changed));
    let lines = story.say(evening + 180, "meter", noise(62.5));
    assert_eq!(lines[0], "raise noise P3 square", "it began at a limit of 60");
    for minute in 4..=7 {
        let lines = story.say(evening + minute * 60, "meter", noise(62.0 + f64::from(minute) / 10.0));
        assert!(lines.iter().all(|line| !line.starts_with("repeat")), "{lines:?}");
    }
    assert_eq!(story.only_alarm().count, 1);
}

fn words_said(facts: &[Fact]) -> Vec<(&str, &str, bool)> {
    let commands = facts.iter().filter_map(|fact| {
        let Fact::Commanded(command) = fact else { return None };
        Some((command.device.as_str(), command.action.name(), command.alarm.is_some()))
    });
    commands.collect()
}

#[test]
fn the_loudspeaker_of_a_square_speaks_once_for_an_alarm_and_once_for_a_burst() {
    let mut site = site();
    add_device(&mut site, "horn", "square", Purpose::Speaker, |_| {});
    add_device(&mut site, "far-horn", "3", Purpose::Speaker, |_| {});
    let mut story = Story::begin(site, RuleSettings::default());
    let evening = 36_000;
    let mut hear = |seconds: i32, said: Reading| {
        story.feed(at(evening + seconds), Fed::said(vec![observation("meter", said)]))
    };
    let second = |db: f64| Reading::Noise {
        laeq_db: db,
        period_s: 1.0,
        lmax_db: Some(db),
        valid_s: Some(1.0),
        weighting: "A".into(),
    };
    let burst: Vec<Fact> = (1..40).flat_map(|s| hear(s, second(70.0 + f64::from(s % 7)))).collect();
    assert_eq!(words_said(&burst), [("horn", "voice", false)]);
    let minutes: Vec<Fact> = (1..8).flat_map(|m| hear(m * 60, noise(62.0 + f64::from(m % 5)))).collect();
    assert!(minutes.iter().any(|fact| matches!(fact, Fact::Raised(_))), "{minutes:?}");
    assert_eq!(words_said(&minutes), [("horn", "voice", true)]);
    story.decides_the_same_again();
}

#[test]
fn two_bursts_within_five_minutes_are_spoken_to_once_wherever_the_clock_stands() {
    let mut site = site();
    add_device(&mut site, "horn", "square", Purpose::Speaker, |_| {});
    let mut story = Story::begin(site, RuleSettings::default());
    // Bursts of ten seconds that end at 19:04:55, 19:05:10, 19:09:54 and 19:10:09.
    let said = [4 * 60 + 55, 5 * 60 + 10, 9 * 60 + 54, 10 * 60 + 9].map(|ends: i32| {
        let loud = |s: i32| {
            let db = if s == ends - 10 { 50.0 } else { 70.0 + f64::from(s % 7) };
            let second = Reading::Noise {
                laeq_db: db,
                period_s: 1.0,
                lmax_db: Some(db),
                valid_s: Some(1.0),
                weighting: "A".into(),
            };
            story.feed(at(36_000 + s), Fed::said(vec![observation("meter", second)]))
        };
        let facts: Vec<Fact> = (ends - 10..=ends).flat_map(loud).collect();
        for fact in &facts {
            if let Fact::Commanded(command) = fact {
                let (effect, ended) = (command.command.clone(), Some(Ended::Done));
                let done = Input::Channel(ChannelNews { effect, ended, detail: String::new() });
                story.feed(at(36_000 + ends + 1), Fed::Input(done));
            }
        }
        words_said(&facts).len()
    });
    assert_eq!(said, [1, 0, 0, 1]);
    story.decides_the_same_again();
}

//! Devices on probation: what they say is told to the property manager and to nobody else, until they are promoted,
//! or a trusted device agrees, or waiting might cost a life.

mod story;

use std::sync::Arc;
use story::*;
use wanglou_engine::{RuleSettings, Stimulus};
use wanglou_model::*;

/// Cover 17 with a trusted sensor and a new one, cover 18 with a new one, and the whole team.
fn site() -> Site {
    let mut site = empty_site();
    add_place(&mut site, "cover/17", PlaceKind::Cover);
    add_place(&mut site, "cover/18", PlaceKind::Cover);
    add_device(&mut site, "old-17", "cover/17", Purpose::Cover, |_| {});
    for (id, at) in [("new-17", "cover/17"), ("new-18", "cover/18")] {
        add_device(&mut site, id, at, Purpose::Cover, |cover| cover.probation = true);
    }
    add_team(&mut site);
    site
}

fn begin() -> Story {
    Story::begin(site(), RuleSettings::default())
}

fn tilt(deg: f64) -> Reading {
    Reading::Cover { tilt_deg: Some(deg), moved: None, open: None }
}

/// Reads the registry anew, with every device promoted.
fn promote_all(story: &mut Story, seconds: i32) -> Vec<String> {
    let mut site = story.engine.setup().site.clone();
    for device in site.devices.values_mut() {
        Arc::make_mut(device).probation = false;
    }
    story.engine.reconfigure(at(seconds), setup(site, RuleSettings::default()));
    story.input(seconds, Input::Config { hash: "c1".into(), who: "qian".into(), why: String::new() })
}

#[test]
fn a_trial_alarm_is_told_to_the_manager_and_to_nobody_else_however_long_it_waits() {
    let mut story = begin();
    story.say(0, "new-18", tilt(22.0));
    assert_eq!(story.pass(30), ["raise manhole P2 cover/18 open", "ring qian"]);
    assert!(story.only_alarm().is_trial());
    for line in story.pass(6 * 3600) {
        assert!(!line.starts_with("ring") || line == "ring qian", "{line}");
    }
    let boxes: Vec<&str> = story.engine.book().outboxes.keys().map(OfficerId::as_str).collect();
    assert_eq!(boxes, ["qian"], "nobody else even sees it");
    story.decides_the_same_again();
    story.replays_the_same_under(RuleSettings::default());
    assert!(story.restored().book().alarms.values().all(wanglou_engine::Alarm::is_trial));
}

#[test]
fn a_promotion_tells_the_officers_of_what_is_open() {
    let mut story = begin();
    story.say(0, "new-18", tilt(22.0));
    story.pass(30);
    let id = story.only_alarm().id.clone();
    story.command(40, "qian", &id, Op::Accept { eta_s: None });
    assert_eq!(promote_all(&mut story, 60), ["reopen Confirmed", "ring wu zhao"]);
    assert!(!story.only_alarm().is_trial());
    let boxes: Vec<&str> = story.engine.book().outboxes.keys().map(OfficerId::as_str).collect();
    assert_eq!(boxes, ["li", "qian", "wu", "zhao"]);
    assert_eq!(promote_all(&mut story, 70), [] as [&str; 0], "once");
}

#[test]
fn a_trusted_sensor_that_agrees_ends_the_trial() {
    let mut story = begin();
    story.say(0, "new-18", tilt(22.0));
    assert_eq!(story.pass(30), ["raise manhole P2 cover/18 open", "ring qian"]);
    // A trusted one is hung beside it; the new one stays on probation.
    let mut site = site();
    add_device(&mut site, "old-18", "cover/18", Purpose::Cover, |_| {});
    story.engine.reconfigure(at(35), setup(site, RuleSettings::default()));
    assert_eq!(
        story.input(35, Input::Config { hash: "c1".into(), who: "qian".into(), why: String::new() }),
        [] as [&str; 0]
    );
    let lines = story.say(40, "old-18", tilt(23.0));
    assert!(lines.ends_with(&["reopen Confirmed".to_owned(), "ring wu zhao".to_owned()]), "{lines:?}");
    assert!(!story.only_alarm().is_trial());
}

#[test]
fn beside_a_trusted_sensor_one_on_probation_cannot_say_that_all_is_well() {
    let mut story = begin();
    story.say(0, "old-17", tilt(22.0));
    story.say(10, "new-17", tilt(0.0));
    assert_eq!(story.pass(30), ["raise manhole P2 cover/17 open", "ring wu zhao"]);
    for minute in 1..30 {
        story.say(60 * minute, "new-17", tilt(0.0));
    }
    assert!(story.only_alarm().is_active(), "the cover is still open");
    let heard = story.engine.senses().heard(&device("new-17"));
    assert_eq!(heard, Some(at(60 * 29)), "it is seen to live all the same");
    story.say(1_800, "old-17", tilt(0.0));
    story.pass(1_800 + 660);
    assert!(!story.only_alarm().is_active(), "and now it is not");
}

#[test]
fn what_may_cost_a_life_goes_on_to_the_officers_when_no_manager_takes_it_in_time() {
    let mut story = begin();
    story.say(0, "new-18", tilt(70.0));
    assert_eq!(story.pass(0), [] as [&str; 0]);
    let first = story.pass(30);
    assert_eq!(story.only_alarm().priority, Priority::P1);
    assert!(first.iter().all(|line| !line.starts_with("ring") || line == "ring qian"), "{first:?}");
    let raised = story.only_alarm().raised_at;
    let wait = (raised - at(0)).as_secs_f64() as i32 + 60;
    let lines = story.pass(wait);
    let rings = lines.iter().find(|line| line.starts_with("ring")).expect("a rung");
    for officer in ["wu", "zhao", "li", "sun", "qian"] {
        assert!(rings.contains(officer), "{officer}: {lines:?}");
    }
}

#[test]
fn without_a_manager_who_can_be_told_a_grave_alarm_goes_out_at_once_and_another_waits_for_one() {
    let begin_without = || {
        let mut site = site();
        site.officers.retain(|id, _| id.as_str() != "qian");
        let mut site_with = site.clone();
        add_officer(&mut site_with, "qian", Role::Manager);
        let mut story = Story::begin(site, RuleSettings::default());
        story.engine.reconfigure(at(-1), setup(site_with, RuleSettings::default()));
        story
    };
    let mut story = begin_without();
    story.say(0, "new-18", tilt(70.0));
    let lines = [story.pass(0), story.pass(30)].concat();
    assert!(lines.iter().any(|line| line.starts_with("ring") && line.contains("wu")), "{lines:?}");
    let mut story = begin_without();
    story.say(0, "new-18", tilt(22.0));
    let lines = story.pass(6 * 3600);
    assert!(lines.iter().all(|line| !line.starts_with("ring") || line == "ring qian?"), "{lines:?}");
    let none = story.engine.step(at(6 * 3600), Stimulus::Input(&Input::Tick));
    assert_eq!(told(&none), [] as [&str; 0]);
}

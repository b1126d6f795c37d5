//! The manhole rule through the engine's public face: what goes in, what comes out, and that recovery decides nothing.

mod story;

use story::*;
use wanglou_engine::{ManholeSettings, RuleSettings, Stimulus};
use wanglou_model::*;

/// One cover; guard wu and control room li.
fn site() -> Site {
    let mut site = empty_site();
    add_place(&mut site, "cover", PlaceKind::Zone);
    add_place(&mut site, "cover/17", PlaceKind::Cover);
    add_device(&mut site, "cover-17", "cover/17", Purpose::Cover, |cover| {
        cover.interval = Some(Span::hours(24));
    });
    add_officer(&mut site, "wu", Role::Guard);
    add_officer(&mut site, "li", Role::ControlRoom);
    site
}

fn begin() -> Story {
    Story::begin(site(), RuleSettings::default())
}

fn tilt(deg: f64) -> Reading {
    Reading::Cover { tilt_deg: Some(deg), moved: None, open: None }
}

const NOTHING: [&str; 0] = [];

#[test]
fn a_truck_that_shakes_the_cover_is_no_alarm() {
    let mut story = begin();
    story.say(0, "cover-17", tilt(40.0));
    story.say(1, "cover-17", tilt(0.0));
    assert_eq!(story.pass(3600), NOTHING);
    assert!(story.alarms().is_empty());
}

#[test]
fn a_tilt_that_stands_for_thirty_seconds_is_told_to_the_guard() {
    let mut story = begin();
    story.say(0, "cover-17", tilt(22.0));
    assert_eq!(story.pass(29), NOTHING);
    assert_eq!(story.pass(30), ["raise manhole P2 cover/17 open", "ring wu"]);
    let alarm = story.only_alarm();
    assert_eq!((alarm.raised_at, alarm.first_at), (at(30), at(0)));
    assert_eq!(story.engine.book().outboxes[&officer("wu")].head, 1);
}

#[test]
fn an_unaccepted_alarm_climbs_and_repeats_and_an_accepted_one_rests() {
    let mut story = begin();
    story.say(0, "cover-17", tilt(22.0));
    assert_eq!(story.pass(30), ["raise manhole P2 cover/17 open", "ring wu"]);
    // There is no backup on duty, so that rung is skipped at once.
    assert_eq!(story.pass(209), NOTHING);
    assert_eq!(story.pass(210), ["ring", "ring li"]);
    let id = story.only_alarm().id.clone();
    story.command(300, "wu", &id, Op::Accept { eta_s: None });
    assert_eq!(story.pass(30 + 540), NOTHING);
    // Not on scene ten minutes after accepting: the next rung.
    let lines = story.pass(900);
    assert!(lines.contains(&"reopen NotOnScene".to_owned()), "{lines:?}");
    assert!(story.only_alarm().is_unaccepted());
}

#[test]
fn two_people_cannot_have_the_same_alarm_and_a_command_is_answered_once() {
    let mut story = begin();
    story.say(0, "cover-17", tilt(22.0));
    story.pass(30);
    let id = story.only_alarm().id.clone();
    story.command(40, "wu", &id, Op::Accept { eta_s: None });
    let lines = story.command(41, "li", &id, Op::Accept { eta_s: None });
    assert_eq!(lines, [format!("answer {:?}", Answer::Taken { by: officer("wu") })]);
    let (_, fed, _) = story.log.last().expect("the command").clone();
    assert_eq!(story.feed(at(42), fed), vec![], "the same cid is not decided on twice");
}

#[test]
fn chatter_around_the_threshold_is_one_alarm_and_it_ends_when_closed_and_a_person_says_so() {
    let mut story = begin();
    story.say(0, "cover-17", tilt(16.0));
    story.pass(31);
    for n in 0..20 {
        story.say(40 + n * 5, "cover-17", tilt(if n % 2 == 0 { 12.0 } else { 16.0 }));
    }
    story.pass(300);
    let id = story.only_alarm().id.clone();
    story.command(301, "wu", &id, Op::Guard { photos: vec!["p1".into()] });
    assert_eq!(story.only_alarm().stage.as_deref(), Some("guarded"));
    let resolve = Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] };
    assert_eq!(story.command(310, "wu", &id, resolve), ["resolved real"]);
    assert!(story.only_alarm().is_open(), "the cover still stands open");
    story.say(400, "cover-17", tilt(1.0));
    assert_eq!(story.pass(1000), ["clear cover_closed", "close real resolved_and_cleared"]);
}

#[test]
fn a_guarded_cover_that_opens_again_must_be_guarded_again() {
    let mut story = begin();
    story.say(0, "cover-17", tilt(22.0));
    story.pass(30);
    let id = story.only_alarm().id.clone();
    story.command(60, "wu", &id, Op::Guard { photos: vec![] });
    story.say(100, "cover-17", tilt(1.0));
    assert_eq!(story.pass(700), ["clear cover_closed"]);
    story.say(710, "cover-17", tilt(30.0));
    assert_eq!(story.pass(740), ["repeat +1", "stage open", "reopen ActiveAgain", "ring wu"]);
}

#[test]
fn recovery_applies_what_was_written_and_decides_nothing() {
    let mut story = begin();
    story.say(0, "cover-17", tilt(22.0));
    story.pass(30);
    let id = story.only_alarm().id.clone();
    story.command(45, "wu", &id, Op::Accept { eta_s: Some(120) });
    story.say(50, "cover-17", tilt(70.0));
    story.pass(700);
    // With the same rules, and with rules that would never have raised anything.
    let blind = ManholeSettings { open_deg: 89.0, wide_open_deg: 89.5, ..Default::default() };
    story.replays_the_same_under(RuleSettings::default());
    story.replays_the_same_under(RuleSettings { manhole: blind, ..Default::default() });
    story.decides_the_same_again();
}

#[test]
fn a_snapshot_goes_on_as_if_nothing_had_happened() {
    let mut story = begin();
    story.say(0, "cover-17", tilt(22.0));
    story.pass(45);
    let mut restored = story.restored();
    let tick = Input::Tick;
    assert_eq!(
        restored.step(at(210), Stimulus::Input(&tick)),
        story.engine.step(at(210), Stimulus::Input(&tick))
    );
    assert_eq!(restored.snapshot().expect("a snapshot"), story.engine.snapshot().expect("a snapshot"));
}

#[test]
fn a_part_of_a_flood_rings_for_nobody_and_stands_in_the_list_of_whoever_was_told_of_it() {
    let mut site = site();
    add_place(&mut site, "cover/18", PlaceKind::Cover);
    add_device(&mut site, "cover-18", "cover/18", Purpose::Cover, |_| {});
    for cover in ["cover/17", "cover/18"] {
        site.places.get_mut(&place(cover)).expect("a place").zone = Some(place("cover"));
    }
    let mut story = Story::begin(site, RuleSettings::default());
    let water = |mm| Reading::WaterLevel { mm_below_rim: Some(mm), mm: None, alarm: None };
    story.say(0, "cover-17", water(200.0));
    let second = story.say(60, "cover-18", water(150.0));
    assert!(!second.iter().any(|effect| effect.starts_with("ring")), "{second:?}");
    let outbox = &story.engine.book().outboxes[&officer("wu")];
    assert_eq!(outbox.of.len(), 2, "both are in the guard's list");
    story.decides_the_same_again();
}

#[test]
fn parts_of_a_flood_count_for_those_whom_a_rung_called_not_for_whoever_looks_on() {
    let mut site = site();
    for n in 20..35 {
        let (id, at) = (format!("cover-{n}"), format!("cover/{n}"));
        add_place(&mut site, &at, PlaceKind::Cover);
        add_device(&mut site, &id, &at, Purpose::Cover, |_| {});
        site.places.get_mut(&place(&at)).expect("a place").zone = Some(place("cover"));
    }
    let mut story = Story::begin(site, RuleSettings::default());
    for n in 20..35 {
        let wet = Reading::WaterLevel { mm_below_rim: Some(150.0), mm: None, alarm: None };
        story.say(f64::from(n), &format!("cover-{n}"), wet);
    }
    let book = story.engine.book();
    assert!(book.outboxes[&officer("li")].of.len() >= 15, "the control room sees them all");
    assert!(book.is_flooded(&officer("wu")), "the guard was called to the first");
    assert!(!book.is_flooded(&officer("li")), "nobody called the control room");
    assert!(!book.calls.contains_key(&officer("li")), "and nothing counts for them");
    story.decides_the_same_again();
}

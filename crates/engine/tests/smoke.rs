//! Smoke, heat and calls for help through the engine's public face: what scenarios cannot show, and that recovery
//! decides nothing.

mod story;

use story::*;
use wanglou_engine::RuleSettings;
use wanglou_model::*;

const HOME: &str = "3/2/1203";

/// A home whose resident can be called, its neighbour's detector, one in the corridor, and one in another building.
fn site() -> Site {
    let mut site = empty_site();
    add_place(&mut site, "3", PlaceKind::Building);
    add_place(&mut site, "4", PlaceKind::Building);
    add_place(&mut site, HOME, PlaceKind::Home);
    add_place(&mut site, "3/2/12F", PlaceKind::Floor);
    add_place(&mut site, "4/1/1F", PlaceKind::Floor);
    add_device(&mut site, "kitchen", HOME, Purpose::HomeSmoke, |_| {});
    add_device(&mut site, "bedroom", HOME, Purpose::HomeSmoke, |_| {});
    add_device(&mut site, "corridor", "3/2/12F", Purpose::Smoke, |_| {});
    add_device(&mut site, "elsewhere", "4/1/1F", Purpose::Smoke, |_| {});
    add_device(&mut site, "button", HOME, Purpose::HomeSos, |_| {});
    site.homes.insert(
        place(HOME),
        Home { high_risk: false, night_exit: false, consent: true, family: vec![], telephone: true },
    );
    add_team(&mut site);
    add_officer(&mut site, "pan", Role::Captain);
    add_officer(&mut site, "station", Role::Station);
    site
}

fn begin() -> Story {
    Story::begin(site(), RuleSettings::default())
}

fn smoke(active: bool) -> Reading {
    Reading::Smoke { active, source: None }
}

const NOTHING: [&str; 0] = [];

#[test]
fn smoke_at_home_calls_guard_and_control_room_then_the_captain() {
    let mut story = begin();
    let lines = story.say(0, "kitchen", smoke(true));
    assert_eq!(lines, ["raise smoke P1 3/2/1203 call", "ring li wu"]);
    assert_eq!(story.pass(59), NOTHING);
    assert_eq!(story.pass(60), ["ring pan zhao"]);
    assert_eq!(story.pass(299), NOTHING);
    assert_eq!(story.pass(300), ["ring qian station sun", "stage call_119"]);
    story.replays_the_same_under(RuleSettings::default());
    story.decides_the_same_again();
}

#[test]
fn the_resident_who_cooks_ends_it_once_the_smoke_is_gone() {
    let mut story = begin();
    story.say(0, "kitchen", smoke(true));
    let answer = CallNews { home: place(HOME), answer: CallAnswer::Cooking };
    assert_eq!(story.input(40, Input::Call(answer)), ["stage cooking", "ring"]);
    assert_eq!(story.pass(170), NOTHING, "the captain is not called meanwhile");
    story.restart_from_snapshot();
    assert_eq!(story.say(180, "kitchen", smoke(false)), ["clear smoke_gone", "close false_alarm cooking"]);
    assert_eq!(story.pass(7200), NOTHING);
}

#[test]
fn smoke_that_stays_after_cooking_rings_again_and_somebody_there_ends_it() {
    let mut story = begin();
    story.say(0, "kitchen", smoke(true));
    let id = story.only_alarm().id.clone();
    story.command(20, "wu", &id, Op::Arrive);
    let word = Op::FalseAlarm { note: "cooking".into() };
    assert_eq!(story.command(30, "wu", &id, word.clone()), ["resolved false_alarm"]);
    assert_eq!(story.pass(330), ["stage still_smoke", "reopen StillActive", "ring li wu"]);
    story.command(360, "wu", &id, Op::Arrive);
    assert_eq!(story.command(370, "wu", &id, word), ["resolved false_alarm", "close false_alarm resolved"]);
    // The detector is stuck, and says so all the time.
    assert_eq!(story.say(400, "kitchen", smoke(true)), NOTHING);
    // Another one is not.
    let lines = story.say(430, "bedroom", smoke(true));
    assert_eq!(lines[..3], ["repeat +1", "stage call", "reopen ActiveAgain"]);
}

#[test]
fn a_second_detector_of_the_building_confirms_it_at_once_and_one_elsewhere_does_not() {
    let mut story = begin();
    story.say(0, "kitchen", smoke(true));
    let id = story.only_alarm().id.clone();
    story.command(10, "wu", &id, Op::Accept { eta_s: None });
    assert_eq!(story.say(20, "elsewhere", smoke(true))[0], "raise smoke P1 4/1/1F");
    let lines = story.say(30, "corridor", smoke(true));
    assert_eq!(lines[0], "raise smoke P1 3/2/12F confirmed");
    let tail = ["upgrade P1 confirmed", "stage confirmed", "reopen Confirmed", "ring li pan sun wu zhao"];
    assert_eq!(lines[2..], tail);
    assert!(story.engine.book().alarms[&id].is_unaccepted(), "who had taken it had taken something else");
    let [first, _, third] = story.alarms()[..] else { panic!("three alarms") };
    assert_eq!(first.incident, third.incident);
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn a_test_and_a_redelivery_raise_nothing() {
    let mut story = begin();
    let test = Observation { quality: Quality::Test, ..observation("kitchen", smoke(true)) };
    assert_eq!(story.observe(0, test), ["suppress self_test"]);
    let said = Observation { event: Some("e1".into()), ..observation("kitchen", smoke(true)) };
    story.observe(10, said.clone());
    assert_eq!(story.observe(12, said), NOTHING);
    assert_eq!(story.only_alarm().count, 1);
}

#[test]
fn a_call_for_help_rings_whatever_its_age_and_presses_close_together_are_one() {
    let mut story = begin();
    let pressed = |active| Reading::Sos { active, source: None };
    let late = Observation { at_device: Some(at(-3600)), ..observation("button", pressed(true)) };
    assert_eq!(story.observe(0, late)[0], "raise sos P1 3/2/1203 Late");
    assert_eq!(story.say(30, "button", pressed(true)), ["repeat +1"]);
    story.pass(90);
    assert_eq!(story.say(91, "button", pressed(true))[0], "raise sos P1 3/2/1203");
    story.decides_the_same_again();
}

#[test]
fn smoke_that_comes_back_while_a_second_detector_says_so_is_confirmed_at_once() {
    let mut story = begin();
    story.say(0, "corridor", smoke(true));
    let first = story.only_alarm().id.clone();
    story.say(20, "corridor", smoke(false));
    story.command(
        30,
        "li",
        &first,
        Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] },
    );
    story.say(60, "kitchen", smoke(true));
    let again = story.say(90, "corridor", smoke(true));
    assert!(again.contains(&"upgrade P1 confirmed".to_owned()), "{again:?}");
    assert_eq!(story.engine.book().alarms[&first].stage.as_deref(), Some("confirmed"));
}

/// Somebody tells of a fire.
fn fire(at: &str, text: &str) -> Op {
    let (category, place) = (Category::Fire, Some(place(at)));
    Op::Report(Report { category, text: text.into(), place, position: None, photos: vec![] })
}

#[test]
fn what_people_tell_of_a_fire_stays_with_it_and_its_holder_hears_of_another_place() {
    let mut story = begin();
    story.say(0, "corridor", smoke(true));
    let id = story.only_alarm().id.clone();
    let confirmed = story.enter(10, "zhao", fire("3/2/12F", "thick smoke"));
    assert_eq!(confirmed[..2], ["repeat +1", "upgrade P1 confirmed"]);
    story.command(20, "wu", &id, Op::Accept { eta_s: None });
    let elsewhere = story.enter(30, "li", fire(HOME, "child trapped, 12th floor"));
    assert_eq!(elsewhere, ["repeat +1", "remind wu told_elsewhere"]);
    let again = story.enter(40, "qian", fire(HOME, "they are at the window"));
    assert_eq!(again, ["repeat +1"], "they know of that place");
    assert_eq!(story.enter(50, "sun", fire("3/2/12F", "")), ["repeat +1"], "its own place");
    assert_eq!(story.enter(60, "wu", fire("3", "up the stairs")), ["repeat +1"], "their own word");
    let details = &story.only_alarm().details;
    let texts = [
        "thick smoke",
        "3/2/1203: child trapped, 12th floor",
        "3/2/1203: they are at the window",
        "3: up the stairs",
    ];
    assert_eq!(details["texts"], serde_json::json!(texts));
    assert_eq!(details["reports"], 5);
    story.decides_the_same_again();
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn of_many_words_about_one_fire_the_latest_twenty_stay() {
    let mut story = begin();
    story.say(0, "corridor", smoke(true));
    for n in 0..30 {
        story.enter(10 + n, "zhao", fire("3/2/12F", &format!("word {n}")));
    }
    let texts = story.only_alarm().details["texts"].as_array().expect("texts").clone();
    assert_eq!((texts.len(), &texts[0], &texts[19]), (20, &"word 10".into(), &"word 29".into()));
}

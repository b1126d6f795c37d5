//! What a resident answered, by the word of a registered telephone service.

mod story;

use story::{Story, add_device, add_team, empty_site, observation, place};
use wanglou_engine::RuleSettings;
use wanglou_model::{CallAnswer, Fact, Home, PlaceKind, Purpose, Quality, Reading};

const HOME: &str = "3/1/1203";

/// A home with a smoke detector, a telephone on file and a service that calls.
fn story() -> Story {
    let mut site = empty_site();
    add_team(&mut site);
    story::add_place(&mut site, HOME, PlaceKind::Home);
    let home = Home { high_risk: false, night_exit: false, consent: true, family: vec![], telephone: true };
    site.homes.insert(place(HOME), home);
    add_device(&mut site, "smoke-1203", HOME, Purpose::HomeSmoke, |_| {});
    add_device(&mut site, "door-1203", HOME, Purpose::HomeDoor, |_| {});
    add_device(&mut site, "caller", "3/1", Purpose::Telephone, |_| {});
    Story::begin(site, RuleSettings::default())
}

fn answer(to: &str, answer: CallAnswer) -> Reading {
    Reading::CallResult { to: to.into(), answer }
}

#[test]
fn help_from_the_telephone_service_confirms_the_smoke() {
    let mut story = story();
    story.say(0, "smoke-1203", Reading::Smoke { active: true, source: None });
    assert_eq!(story.only_alarm().stage.as_deref(), Some("call"));
    story.say(20, "caller", answer(HOME, CallAnswer::Help));
    assert_eq!(story.only_alarm().stage.as_deref(), Some("confirmed"));
    story.decides_the_same_again();
}

#[test]
fn the_same_words_from_a_door_sensor_or_too_late_are_no_answer() {
    let mut story = story();
    story.say(0, "smoke-1203", Reading::Smoke { active: true, source: None });
    let before = story.only_alarm().clone();
    assert_eq!(story.say(20, "door-1203", answer(HOME, CallAnswer::Cooking)), Vec::<String>::new());
    let mut old = observation("caller", answer(HOME, CallAnswer::Cooking));
    old.quality = Quality::Replayed;
    assert_eq!(story.observe(21, old), Vec::<String>::new());
    assert_eq!(*story.only_alarm(), before);
}

#[test]
fn an_answer_for_a_home_that_nobody_registered_is_a_fault_of_the_service() {
    let mut story = story();
    let facts = story
        .feed(story::at(0), story::Fed::said(vec![observation("caller", answer("3/1/9", CallAnswer::Ok))]));
    let unknown =
        |fact: &Fact| matches!(fact, Fact::Health { ok: false, reason, .. } if reason.code == "unknown_home");
    assert!(facts.iter().any(unknown), "{facts:?}");
}

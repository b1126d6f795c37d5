//! From the call to the police: who is asked, what ends it, and what does not.

use crate::days::{HOME, Story, at, plain, resolve, setup};
use crate::story::{Fed, observation, place};
use std::collections::BTreeSet;
use wanglou_model::*;

#[test]
fn a_day_after_the_door_last_moved_the_resident_is_called_and_an_answer_ends_it() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    assert_eq!(story.stages(), vec![(at(1, 5, 0), "watch".to_owned())], "watched, silently");
    assert_eq!(story.calls(), vec![at(1, 9, 0)]);
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.priority, alarm.stage.as_deref()), (Priority::P3, Some("call")));
    assert_eq!(story.told_at(at(1, 9, 0)), vec![("kong".to_owned(), false), ("zhang".to_owned(), false)]);
    assert_eq!(story.rang_at(at(1, 9, 0)), BTreeSet::new(), "the resident's telephone, nobody else's");
    let calls = story.engine.book().effects.values().filter(|row| row.channel == Channel::Voice);
    assert_eq!(calls.map(|row| &row.to).collect::<Vec<_>>(), vec![&Recipient::Resident(place(HOME))]);

    story.answers(at(1, 9, 2), CallAnswer::Ok);
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.outcome, alarm.is_open()), (Some(Outcome::Ok), false));
    story.beat_until(at(2, 9, 1));
    assert_eq!(story.calls().len(), 1);
    story.beat_until(at(2, 10, 0));
    assert_eq!(story.calls().last(), Some(&at(2, 9, 2)), "the next day counts from the answer");
    story.recovers();
}

#[test]
fn unanswered_it_goes_to_family_captain_and_police_even_if_the_captain_took_it_and_did_nothing() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    let id = story.id();
    story.answers(at(1, 9, 1), CallAnswer::None);
    story.pass(at(1, 9, 5));
    let calls = story.log.iter().flat_map(|(_, _, facts)| facts);
    let calls = calls.filter(|fact| matches!(fact, Fact::EffectQueued { channel: Channel::Voice, .. }));
    assert_eq!(calls.count(), 2, "called a second time");
    story.pass(at(1, 9, 21));
    assert_eq!(
        story.command(at(1, 9, 21), "lou", &id, Op::Accept { eta_s: None }),
        Answer::Ok { alarm: id.clone() }
    );
    story.pass(at(1, 9, 59));
    assert_eq!(story.rang_at(at(1, 9, 50)), BTreeSet::from(["lou".to_owned()]), "there by now? asked again");
    story.beat_until(at(1, 10, 0));
    let ladder: Vec<_> = story.stages().into_iter().skip(1).collect();
    let expected = [(at(1, 9, 10), "family"), (at(1, 9, 20), "captain"), (at(1, 10, 0), "police")];
    assert_eq!(ladder, expected.map(|(when, stage)| (when, stage.to_owned())));
    let ring = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), true)).collect::<Vec<_>>();
    assert_eq!(story.told_at(at(1, 9, 10)), ring(&["anna"]));
    assert_eq!(story.told_at(at(1, 9, 20)), ring(&["lou", "zhang"]));
    assert_eq!(story.told_at(at(1, 10, 0)), ring(&["chen", "kong", "suo"]));
    let rang = story.rang_at(at(1, 10, 0));
    assert!(
        rang.contains("chen") && rang.contains("suo"),
        "the captain's acceptance keeps nobody silent: {rang:?}"
    );
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.priority, alarm.is_unaccepted()), (Priority::P1, true));
    story.recovers();
}

#[test]
fn the_police_may_take_it_from_the_captain_and_are_asked_for_after_three_quarters_of_an_hour() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    let id = story.id();
    story.command(at(1, 9, 21), "lou", &id, Op::Accept { eta_s: None });
    story.beat_until(at(1, 10, 0));
    assert_eq!(
        story.command(at(1, 10, 1), "chen", &id, Op::Accept { eta_s: None }),
        Answer::Ok { alarm: id.clone() }
    );
    story.pass(at(1, 10, 45));
    assert!(story.told_at(at(1, 10, 5)).is_empty(), "no repeats for what somebody has");
    assert!(!story.only("living_alone", "inactive:").is_unaccepted());
    story.pass(at(1, 10, 46));
    assert!(story.only("living_alone", "inactive:").is_unaccepted());
    assert_eq!(story.told_at(at(1, 10, 46)).len(), 3, "the police rung again, nothing earlier");
    story.recovers();
}

#[test]
fn motion_brings_everybody_back_but_a_stuck_sensor_does_not() {
    let mut story = plain(false);
    let motion = |active| Reading::Motion { active };
    for (hour, active) in [(9, false), (10, true), (11, true)] {
        story.says(at(0, hour, 5), "motion", motion(active));
    }
    story.beat_until(at(1, 9, 30));
    assert_eq!(story.calls(), vec![at(1, 9, 0)], "before the call motion moves nothing");
    story.says(at(1, 9, 31), "motion", motion(true));
    assert!(story.only("living_alone", "inactive:").is_open(), "stuck");
    story.says(at(1, 9, 32), "motion", motion(false));
    let state = Observation { repeats: Repeats::State, ..observation("motion", motion(true)) };
    story.feed(at(1, 9, 32), Fed::said(vec![state]));
    assert!(
        story.only("living_alone", "inactive:").is_open(),
        "a heartbeat that repeats a state is no life sign"
    );
    story.says(at(1, 9, 32), "motion", motion(false));
    story.says(at(1, 9, 33), "motion", motion(true));
    assert!(!story.only("living_alone", "inactive:").is_open());
    story.beat_until(at(2, 9, 32));
    assert_eq!(story.calls().len(), 1);
    story.beat_until(at(2, 9, 34));
    assert_eq!(story.calls().last(), Some(&at(2, 9, 33)));
    story.recovers();
}

#[test]
fn a_call_for_help_is_p1_at_once_and_no_moving_door_ends_it() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    story.answers(at(1, 9, 1), CallAnswer::Help);
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.priority, alarm.stage.as_deref()), (Priority::P1, Some("help")));
    let rang = story.rang_at(at(1, 9, 1));
    for who in ["anna", "chen", "kong", "lou", "wu", "zhang"] {
        assert!(rang.contains(who), "{who} is called at once: {rang:?}");
    }
    story.contact(at(1, 9, 5), true);
    story.answers(at(1, 9, 6), CallAnswer::Ok);
    assert!(story.only("living_alone", "inactive:").is_open());
    let id = story.id();
    story.command(at(1, 9, 8), "zhang", &id, resolve(Outcome::Real));
    assert!(!story.only("living_alone", "inactive:").is_open());
    story.recovers();
}

#[test]
fn answers_that_say_nothing_and_words_of_those_who_saw_nobody_stop_nothing() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    let id = story.id();
    for (minute, answer) in [(1, CallAnswer::OtherPerson), (2, CallAnswer::Unclear), (3, CallAnswer::None)] {
        story.answers(at(1, 9, minute), answer);
    }
    assert_eq!(story.only("living_alone", "inactive:").details["answer"], serde_json::json!("none"));
    story.command(at(1, 9, 12), "anna", &id, resolve(Outcome::Unverified));
    assert!(story.only("living_alone", "inactive:").is_open());
    story.beat_until(at(1, 10, 0));
    assert!(story.rang_at(at(1, 9, 20)).contains("lou"));
    assert!(story.rang_at(at(1, 10, 0)).contains("chen"));
    story.command(at(1, 10, 20), "chen", &id, resolve(Outcome::Ok));
    assert!(!story.only("living_alone", "inactive:").is_open());
    story.beat_until(at(2, 10, 20));
    assert_eq!(story.calls(), vec![at(1, 9, 0), at(2, 10, 20)], "a day after somebody saw them");
    story.recovers();
}

#[test]
fn at_night_the_call_waits_for_seven_unless_the_home_is_one_of_high_risk() {
    for (high_risk, expected) in [(false, at(1, 7, 0)), (true, at(1, 3, 0))] {
        let mut story = Story::new(setup(high_risk, 1));
        story.beat_until(at(0, 2, 0));
        story.contact(at(0, 2, 59), true);
        story.contact(at(0, 3, 0), false);
        story.beat_until(at(1, 8, 0));
        assert_eq!(story.calls(), vec![expected]);
        let family = story.stages().into_iter().find(|(_, stage)| stage == "family").map(|(when, _)| when);
        assert_eq!(family, Some(expected + Span::mins(10)), "counted from when the call was really made");
        story.recovers();
    }
}

#[test]
fn officers_see_the_stage_and_never_when_a_door_moved() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.first_at, alarm.last_at), (at(1, 9, 0), at(1, 9, 0)));
    assert!(alarm.details.is_empty() && alarm.devices.is_empty());
    let words = serde_json::to_string(&alarm.timeline).expect("JSON");
    assert!(!words.contains("09:00"), "{words}");
}

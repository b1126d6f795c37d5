//! From when the day counts: nights, late and retained news, wrong clocks, restarts, and time that nobody held for us.

use crate::days::{HOME, Story, at, contact, plain, setup};
use crate::story::{Fed, observation};
use std::collections::BTreeSet;
use std::sync::Arc;
use wanglou_engine::{Engine, Stimulus};
use wanglou_model::*;

#[test]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn a_late_opening_stands_everybody_down_and_counts_from_when_it_was() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 30));
    assert!(story.only("living_alone", "inactive:").is_open());
    let late = Observation { at_device: Some(at(1, 4, 30)), ..observation("door", contact(true)) };
    story.feed(at(1, 9, 31), Fed::said(vec![late]));
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.outcome, alarm.is_open()), (Some(Outcome::Ok), false));
    let (_, _, facts) = story.log.last().expect("was fed");
    let reason = facts.iter().find_map(|fact| match fact {
        Fact::Closed { reason, .. } => Some(reason.code.clone()),
        _ => None,
    });
    assert_eq!(reason.as_deref(), Some("stood_down"));
    let published = facts.iter().find_map(|fact| match fact {
        Fact::Published { to, .. } => {
            Some(to.iter().map(|row| row.officer.to_string()).collect::<BTreeSet<_>>())
        }
        _ => None,
    });
    let everybody = ["anna", "he", "kong", "lou", "zhang"].map(str::to_owned);
    assert_eq!(published, Some(BTreeSet::from(everybody)));
    story.beat_until(at(2, 8, 0));
    assert_eq!(story.calls(), vec![at(1, 9, 0), at(2, 7, 0)], "04:30 and quiet hours");
    story.recovers();
}

#[test]
fn a_retained_message_is_no_sign_of_life() {
    let mut story = plain(false);
    story.beat_until(at(0, 20, 0));
    for open in [true, false] {
        story.feed(at(0, 20, 1), Fed::retained(vec![observation("door", contact(open))]));
    }
    story.beat_until(at(1, 9, 0));
    assert_eq!(story.calls(), vec![at(1, 9, 0)]);
    story.recovers();
}

#[test]
fn the_first_reading_of_a_home_sets_its_state_and_starts_the_count() {
    let mut story = Story::new(setup(false, 1));
    story.feed(at(0, 7, 0), Fed::retained(vec![observation("door", contact(true))]));
    story.pass(at(0, 11, 0));
    story.beat_until(at(1, 23, 0));
    story.beat_until(at(2, 0, 0));
    let mut silent = Story::new(setup(false, 1));
    silent.pass(at(5, 0, 0));
    assert!(silent.engine.book().alarms.is_empty(), "never heard: nothing is known, and nothing is said");
    assert_eq!(story.calls(), vec![at(1, 12, 0)], "heard first at noon");
    story.recovers();
}

#[test]
fn a_device_whose_clock_is_eight_hours_ahead_counts_from_when_it_was_received() {
    let mut story = plain(false);
    story.beat_until(at(0, 15, 0));
    let ahead = Observation {
        at_device: Some(at(0, 23, 30)),
        quality: Quality::SuspectClock,
        ..observation("door", contact(true))
    };
    story.feed(at(0, 15, 30), Fed::said(vec![ahead]));
    story.contact(at(0, 15, 31), false);
    story.beat_until(at(1, 16, 0));
    assert_eq!(story.calls(), vec![at(1, 15, 31)]);
    story.recovers();
}

#[test]
fn a_counter_of_openings_counts_where_both_states_look_the_same() {
    let mut story = Story::new(setup(false, 1));
    story.beating = vec!["other-door"];
    let counted = |opens| Reading::Contact { open: Some(false), opens: Some(opens) };
    for hour in 6..=31 {
        let opens = if hour < 9 { 40 } else { 41 };
        // The device restarts in the afternoon and counts from nought: no opening.
        let opens = if hour < 15 { opens } else { opens - 41 };
        story.says(at(0, hour, 0), "door", counted(opens));
    }
    story.says(at(1, 8, 0), "door", counted(0));
    assert!(story.calls().is_empty());
    story.says(at(1, 9, 0), "door", counted(0));
    assert_eq!(story.calls(), vec![at(1, 9, 0)]);
    story.recovers();
}

#[test]
fn a_gateway_that_was_off_for_25_hours_judges_once_the_backlog_is_drained() {
    for opened in [true, false] {
        let mut story = plain(false);
        story.beat_until(at(0, 12, 0));
        story.path(at(0, 12, 1), PathState::Up);
        let back = at(1, 13, 1);
        story.start(back);
        story.path(back, PathState::Draining);
        for hour in 0..25 {
            let reading = contact(opened && hour == 20);
            story.feed(back, Fed::said(vec![observation("door", reading)]));
        }
        assert!(story.calls().is_empty(), "not before the drain");
        story.path(back + Span::secs(5), PathState::Up);
        story.pass(back + Span::secs(6));
        let expected = if opened { vec![] } else { vec![back + Span::secs(5)] };
        assert_eq!(story.calls(), expected);
        story.recovers();
    }
}

#[test]
fn the_deadline_survives_ten_restarts_with_the_brokers_session_kept() {
    let mut story = plain(false);
    story.path(at(0, 9, 1), PathState::Up);
    for restart in 1..=10 {
        story.beat_until(at(0, 9 + restart * 2, 0));
        let now = at(0, 9 + restart * 2, 30);
        let bytes = story.engine.snapshot().expect("a snapshot");
        story.engine = Engine::restore(Arc::clone(story.engine.setup()), &bytes).expect("restores");
        story.start(now);
        story.path(now + Span::secs(1), PathState::Draining);
        story.path(now + Span::secs(2), PathState::Up);
    }
    story.beat_until(at(1, 8, 59));
    assert!(story.calls().is_empty());
    story.beat_until(at(1, 9, 5));
    assert_eq!(story.calls(), vec![at(1, 9, 0)]);
}

#[test]
fn time_that_nobody_held_for_us_is_not_counted() {
    let mut story = plain(false);
    story.beat_until(at(0, 12, 0));
    story.path(at(0, 12, 1), PathState::Down);
    story.path(at(0, 15, 0), PathState::Draining);
    story.feed(
        at(0, 15, 0),
        Fed::Input(Input::Blind { from: at(0, 12, 0), until: at(0, 15, 0), lane: None, qos0: false }),
    );
    story.path(at(0, 15, 1), PathState::Up);
    story.beat_until(at(1, 11, 59));
    assert!(story.calls().is_empty());
    story.beat_until(at(1, 12, 0));
    assert_eq!(story.calls(), vec![at(1, 12, 0)]);
    story.recovers();
}

/// Both doors were moved on Monday at nine, and say every hour that they are shut, each by its own way, until `until`.
fn two_ways(ways: [Way; 2], blind: &Input, until: Timestamp) -> Vec<(String, Timestamp)> {
    let mut engine = Engine::new(setup(false, 1));
    let mut calls = Vec::new();
    let mut step = |engine: &mut Engine, now: Timestamp, stimulus: Stimulus| {
        while let Some(due) = engine.next_deadline().filter(|due| *due <= now) {
            calls.extend(engine.step(due, Stimulus::Input(&Input::Tick)).into_iter().map(|fact| (due, fact)));
        }
        calls.extend(engine.step(now, stimulus).into_iter().map(|fact| (now, fact)));
    };
    for hour in 0.. {
        let now = at(0, 8 + hour, 0);
        if now > until {
            break;
        }
        for (door, way) in ["door", "other-door"].into_iter().zip(ways) {
            let said = [observation(door, contact(hour == 0))];
            let by = Some(way);
            step(&mut engine, now, Stimulus::Said { observations: &said, retain: false, dup: false, by });
        }
        if hour == 7 {
            step(&mut engine, now, Stimulus::Input(blind));
        }
    }
    let raised = calls.into_iter().filter_map(|(now, fact)| {
        let Fact::Raised(raised) = fact else { return None };
        (raised.kind.as_str() == "living_alone").then(|| (raised.place.to_string(), now))
    });
    raised.collect()
}

#[test]
fn an_outage_moves_the_deadline_only_of_those_whose_messages_were_lost_in_it() {
    let way = |lane, qos0| Way { lane, qos0 };
    let [sure, loose] = [false, true].map(|qos0| way(LaneName::Alarm, qos0));
    let bulk = way(LaneName::Bulk, false);
    let blind = |lane, qos0| Input::Blind { from: at(0, 12, 0), until: at(0, 15, 0), lane: Some(lane), qos0 };
    let (home, neighbour) = (HOME.to_owned(), "3/1204".to_owned());
    let [on_time, later] = [9, 12].map(|hour| at(1, hour, 0));
    let end = at(1, 13, 0);
    let qos0 = two_ways([sure, loose], &blind(LaneName::Alarm, true), end);
    assert_eq!(qos0, [(home.clone(), on_time), (neighbour.clone(), later)]);
    let bulk_lost = two_ways([sure, bulk], &blind(LaneName::Bulk, false), end);
    assert_eq!(bulk_lost, [(home.clone(), on_time), (neighbour.clone(), later)]);
    let alarm_lost = two_ways([sure, loose], &blind(LaneName::Alarm, false), end);
    assert_eq!(alarm_lost, [(home, later), (neighbour, later)]);
}

#[test]
fn nobody_is_called_on_word_that_is_older_than_two_hours() {
    let mut story = plain(false);
    story.beat_until(at(1, 6, 0));
    story.beating.retain(|device| *device != "door");
    story.beat_until(at(1, 10, 30));
    assert!(story.calls().is_empty());
    story.contact(at(1, 10, 31), false);
    assert_eq!(story.calls(), vec![at(1, 10, 31)], "the first later message triggers it");
    story.recovers();
}

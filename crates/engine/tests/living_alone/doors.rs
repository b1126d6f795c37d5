//! Doors that stand open.

use crate::days::{Story, at, plain, resolve};
use wanglou_model::*;

#[test]
fn a_door_that_stands_open_is_told_and_withholds_the_call() {
    let mut story = plain(false);
    story.contact(at(0, 10, 0), true);
    story.beat_until(at(0, 10, 29));
    assert!(story.of("door_open", "").is_empty());
    story.beat_until(at(0, 12, 0));
    let alarm = story.only("door_open", "door:door");
    assert_eq!((alarm.raised_at, alarm.priority), (at(0, 10, 30), Priority::P2));
    assert_eq!(story.stages().last(), Some(&(at(0, 12, 0), "visit".to_owned())));
    story.beat_until(at(1, 13, 0));
    assert!(story.calls().is_empty());

    // Somebody looked: all is well, and the door stays open for the breeze. From here on it keeps no call back.
    let id = alarm_id(&story, "door_open");
    story.command(at(1, 14, 0), "wu", &id, resolve(Outcome::Ok));
    story.beat_until(at(2, 15, 0));
    assert_eq!(story.calls(), vec![at(2, 14, 0)]);
    assert_eq!(story.raised("door_open", "").len(), 1);
    story.recovers();
}

fn alarm_id(story: &Story, kind: &str) -> AlarmId {
    story.only(kind, "").id.clone()
}

#[test]
fn a_door_that_is_shut_ends_its_alarm_and_night_is_stricter() {
    let mut story = plain(false);
    // Night begins while it has stood open for 20 minutes.
    story.contact(at(0, 21, 40), true);
    story.beat_until(at(0, 22, 0));
    assert_eq!(story.only("door_open", "").raised_at, at(0, 22, 0));
    story.contact(at(0, 22, 10), false);
    assert!(!story.only("door_open", "").is_open());
    story.contact(at(0, 23, 10), true);
    story.beat_until(at(0, 23, 30));
    assert_eq!(story.of("door_open", "").last().map(|alarm| alarm.raised_at), Some(at(0, 23, 20)));
    story.recovers();
}

//! Alarms that leave an officer's scope, and rows that are dropped with their alarms.

mod story;

use std::sync::Arc;
use story::*;
use wanglou_engine::{RuleSettings, Setup};
use wanglou_model::*;

const NOTHING: [&str; 0] = [];

/// Two guards: wu serves the east, zhang the west. Li sits in the control room.
fn site() -> Site {
    let mut site = empty_site();
    for end in ["east", "west"] {
        add_place(&mut site, end, PlaceKind::Zone);
        add_place(&mut site, &format!("{end}/cover"), PlaceKind::Cover);
        add_device(&mut site, end, &format!("{end}/cover"), Purpose::Cover, |_| {});
    }
    for (guard, end) in [("wu", "east"), ("zhang", "west")] {
        add_officer(&mut site, guard, Role::Guard);
        serve(&mut site, guard, end);
    }
    add_officer(&mut site, "li", Role::ControlRoom);
    site
}

fn serve(site: &mut Site, guard: &str, end: &str) {
    let known = site.officers.get_mut(&officer(guard)).expect("an officer");
    known.places = [place(end)].into();
}

fn raised_in_the_east() -> (Story, AlarmId) {
    let mut story = Story::begin(site(), RuleSettings::default());
    let open = Reading::Cover { tilt_deg: Some(40.0), moved: None, open: None };
    story.say(0, "east", open);
    assert_eq!(story.pass(30), ["raise manhole P2 east/cover open", "ring wu"]);
    let id = story.only_alarm().id.clone();
    (story, id)
}

fn reload(story: &mut Story, seconds: i32, change: impl FnOnce(&mut Site)) -> Vec<String> {
    let mut site = story.engine.setup().site.clone();
    change(&mut site);
    let setup = Setup::new(site, RuleSettings::default(), "c1".into(), vec![]).expect("a good zone");
    story.engine.reconfigure(at(seconds), Arc::new(setup));
    story.input(seconds, Input::Config { hash: "c1".into(), who: "test".into(), why: String::new() })
}

#[test]
fn a_guard_who_is_moved_to_another_place_loses_the_alarm_and_the_ladder_does_not_notice() {
    let (mut story, id) = raised_in_the_east();
    let before = story.engine.book().outboxes[&officer("wu")].head;
    assert_eq!(reload(&mut story, 40, |site| serve(site, "wu", "west")), ["gone wu"]);
    let outbox = &story.engine.book().outboxes[&officer("wu")];
    assert_eq!(outbox.head, before + 1, "the numbers go on without a gap");
    assert_eq!((outbox.of[&id], outbox.gone.contains(&outbox.head)), (outbox.head, true));
    let alarm = story.only_alarm();
    assert!(!alarm.followers.contains_key(&officer("wu")) && alarm.followers.contains_key(&officer("li")));
    assert_eq!(story.command(41, "wu", &id, Op::Accept { eta_s: None }), ["answer Forbidden"]);
    assert_eq!(story.pass(209), NOTHING);
    assert!(story.pass(210)[0].starts_with("ring"), "the next rung comes at its time");
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn whoever_has_the_alarm_keeps_it_while_they_are_in_the_registry() {
    let (mut story, id) = raised_in_the_east();
    story.command(35, "wu", &id, Op::Accept { eta_s: None });
    assert_eq!(reload(&mut story, 40, |site| serve(site, "wu", "west")), NOTHING);
    let lines = reload(&mut story, 50, |site| {
        site.officers.remove(&officer("wu"));
    });
    assert_eq!(lines[..2], ["gone wu", "reopen HolderLeft"]);
    assert!(story.only_alarm().is_unaccepted(), "others are called: {lines:?}");
}

#[test]
fn somebody_who_oversees_the_compound_from_now_on_gets_what_is_open() {
    let (mut story, id) = raised_in_the_east();
    reload(&mut story, 40, |site| add_officer(site, "qian", Role::Manager));
    assert!(story.engine.book().outboxes[&officer("qian")].of.contains_key(&id));
    let rev = story.only_alarm().rev;
    reload(&mut story, 41, |_| {});
    assert_eq!(story.only_alarm().rev, rev, "a reload that changes nothing publishes nothing");
}

#[test]
fn rows_that_are_dropped_with_their_alarm_are_remembered_as_a_hole() {
    let (mut story, id) = raised_in_the_east();
    let resolve = Op::Resolve { outcome: Outcome::FalseAlarm, note: String::new(), photos: vec![] };
    story.command(40, "wu", &id, resolve);
    let last = story.engine.book().outboxes[&officer("wu")].of.get(&id).copied().expect("a row");
    assert_eq!(story.engine.book().outboxes[&officer("wu")].pruned, 0);
    story.pass(3 * 24 * 3600);
    assert!(story.alarms().is_empty());
    let outbox = &story.engine.book().outboxes[&officer("wu")];
    assert_eq!((outbox.pruned, outbox.rows.len(), outbox.head), (last, 0, last));
}

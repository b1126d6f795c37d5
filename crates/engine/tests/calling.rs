//! Who is called by a rung, and by what follows from it at once.

mod story;

use std::sync::Arc;
use story::*;
use wanglou_engine::{RuleSettings, Setup};
use wanglou_model::*;

fn lid(open: Option<bool>, tilt: Option<f64>) -> Reading {
    Reading::Cover { tilt_deg: tilt, moved: None, open }
}

/// A cover whose angle is told by `lid`, and one whose switch is told by `switch`, at once.
fn begin(people: &[(&str, Role)]) -> Story {
    let mut site = empty_site();
    for (place, device) in [("cover/1", "lid"), ("cover/2", "switch")] {
        add_place(&mut site, place, PlaceKind::Cover);
        add_device(&mut site, device, place, Purpose::Cover, |known| {
            known.debounced = device == "switch";
            known.interval = (device == "lid").then(|| Span::hours(1));
        });
    }
    for (id, role) in people {
        add_officer(&mut site, id, *role);
    }
    Story::begin(site, RuleSettings::default())
}

fn offline(story: &mut Story, who: &str) {
    let phone = PhoneId::parse(&format!("phone-{who}")).expect("a phone");
    story.input(0, Input::Phone(PhoneNews { officer: officer(who), phone, state: PhoneState::Offline }));
}

#[test]
fn whoever_a_skipped_rung_told_is_not_the_backup_of_the_same_moment() {
    let mut story = begin(&[("wu", Role::Guard), ("li", Role::ControlRoom)]);
    offline(&mut story, "wu");
    let told = story.say(1, "switch", lid(Some(true), None));
    assert_eq!(told, ["raise manhole P2 cover/2 open", "ring wu?", "ring", "ring li"]);
}

#[test]
fn who_declines_is_not_rung_by_what_follows_from_that() {
    let mut story = begin(&[("sun", Role::Officer)]);
    story.say(1, "switch", lid(Some(true), None));
    let id = story.only_alarm().id.clone();
    assert_eq!(story.only_alarm().rung, Some(3), "nobody else is there");
    assert_eq!(
        story.command(10, "sun", &id, Op::Decline { reason: "busy".into() }),
        ["declined sun", "ring"]
    );
    assert!(!story.only_alarm().followers[&officer("sun")].ring);
    assert_eq!(
        story.pass(10 + 30 * 60),
        ["ring sun?"],
        "when the last rung repeats there is nobody but them"
    );
}

#[test]
fn a_cover_that_says_open_after_somebody_ended_its_alarm_calls_anew() {
    let mut story = begin(&[("wu", Role::Guard)]);
    story.say(0, "switch", lid(Some(true), None));
    let first = story.only_alarm().id.clone();
    story.command(
        60,
        "wu",
        &first,
        Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] },
    );
    assert_eq!(
        story.say(1300, "switch", lid(Some(true), None)),
        ["raise manhole P2 cover/2 open", "ring wu"],
        "it stands open as before, and it is an alarm of its own"
    );
    assert_eq!(story.alarms().len(), 2);
}

#[test]
fn a_stuck_cover_that_is_told_of_after_a_day_has_an_alarm_of_its_own() {
    let mut story = begin(&[("wu", Role::Guard)]);
    story.say(0, "lid", lid(None, Some(40.0)));
    story.pass(31);
    let first = story.only_alarm().id.clone();
    story.command(60, "wu", &first, Op::FalseAlarm { note: String::new() });
    for hour in 1..25 {
        story.say(hour * 3600, "lid", lid(None, Some(40.0)));
    }
    assert!(story.alarms().iter().all(|alarm| !alarm.is_open()));
    story.say(25 * 3600, "lid", lid(None, Some(40.0)));
    assert_ne!(story.only_alarm().id, first, "the first one is forgotten, but not by the phones");
}

#[test]
fn that_a_cover_is_silent_is_told_once_however_often_the_path_comes_back() {
    let mut story = begin(&[("wu", Role::Guard)]);
    story.say(0, "lid", lid(None, Some(0.0)));
    story.pass(3 * 3600 + 1);
    let count = |story: &Story| story.only_alarm().count;
    assert_eq!(count(&story), 1);
    for n in 0..3 {
        for state in [PathState::Down, PathState::Draining, PathState::Up] {
            let news = PathNews { lane: "alarm".into(), state };
            story.input(4 * 3600 + n * 60, Input::Path(news));
        }
        story.pass(4 * 3600 + n * 60 + 30);
    }
    assert_eq!(count(&story), 1);
    story.say(5 * 3600, "lid", lid(None, Some(0.0)));
    story.pass(9 * 3600);
    assert_eq!(count(&story), 2, "it spoke, and is silent again");
}

#[test]
fn a_redelivery_after_the_end_of_an_alarm_raises_nothing() {
    let mut story = begin(&[("wu", Role::Guard)]);
    let high = || {
        let mut said =
            observation("lid", Reading::WaterLevel { mm_below_rim: Some(-5.0), mm: None, alarm: None });
        said.at_device = Some(at(0));
        said
    };
    story.observe(1, high());
    let id = story.only_alarm().id.clone();
    story.command(60, "wu", &id, Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] });
    let again = Fed::Said { observations: vec![high()], retain: false, dup: true, by: None };
    assert!(told(&story.feed(at(3000), again)).is_empty());
    assert_eq!((story.alarms().len(), story.only_alarm().count), (1, 1));
}

#[test]
fn a_telephone_that_is_entered_while_an_alarm_calls_is_called_in_its_time() {
    let mut story = begin(&[("wu", Role::Guard)]);
    story.say(0, "switch", lid(Some(true), None));
    let mut site = story.engine.setup().site.clone();
    site.officers.get_mut(&officer("wu")).expect("known").telephone = true;
    let setup = Setup::new(site, RuleSettings::default(), "c1".into(), vec![Channel::Voice]);
    story.engine.reconfigure(at(10), Arc::new(setup.expect("a good setup")));
    story.input(10, Input::Config { hash: "c1".into(), who: "qian".into(), why: String::new() });
    story.pass(60);
    let called = |(at, _, facts): &(Timestamp, Fed, Vec<Fact>)| {
        let queued = |fact: &Fact| matches!(fact, Fact::EffectQueued { channel: Channel::Voice, .. });
        facts.iter().any(queued).then_some(*at)
    };
    let calls: Vec<Timestamp> = story.log.iter().filter_map(called).collect();
    assert_eq!(calls, [at(60)], "60 s after the second priority rang, as if the number had been there");
}

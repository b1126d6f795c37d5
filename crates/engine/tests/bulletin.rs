//! Bulletins to groups outside: once for each alarm and text, again when it did not leave, and never of a home.

mod story;

use std::sync::Arc;
use story::*;
use wanglou_engine::{Engine, RuleSettings, Setup};
use wanglou_model::*;

/// A stairway, a home, a wing that lists its homes as places only; guard wu, control room li.
fn begin() -> Story {
    let mut site = empty_site();
    add_place(&mut site, "3", PlaceKind::Building);
    add_place(&mut site, "3/1", PlaceKind::Unit);
    add_place(&mut site, "3/1/301", PlaceKind::Home);
    add_place(&mut site, "3/1/301/kitchen", PlaceKind::Other);
    add_team(&mut site);
    let mut setup = Setup::new(site, RuleSettings::default(), "c0".into(), vec![]).expect("a good zone");
    setup.bulletins.insert("stairs".into());
    Story::told_to(Engine::new(Arc::new(setup)), at(-60))
}

fn report(story: &mut Story, at: i32, place_id: &str) -> AlarmId {
    let before: Vec<AlarmId> = story.alarms().iter().map(|alarm| alarm.id.clone()).collect();
    let category = Category::from(format!("broken {at}"));
    let place = Some(place(place_id));
    let told = Report { category, text: String::new(), place, position: None, photos: vec![] };
    story.enter(at, "wu", Op::Report(told));
    let new = story.alarms().into_iter().find(|alarm| !before.contains(&alarm.id)).expect("an alarm");
    new.id.clone()
}

fn tell(story: &mut Story, at: i32, alarm: &AlarmId) -> Vec<String> {
    story.command(at, "li", alarm, Op::Bulletin { name: "stairs".into() })
}

/// What becomes of the one effect that waits.
fn ends(story: &mut Story, at: i32, ended: Option<Ended>) {
    let effects = &story.engine.book().effects;
    let effect = effects.keys().next().expect("one waits").clone();
    assert_eq!(effects.len(), 1);
    story.input(at, Input::Channel(ChannelNews { effect, ended, detail: "HTTP 503".into() }));
}

const SENT: [&str; 2] = ["noted li", "queue webhook Group(\"stairs\")"];
const NOTHING: [&str; 0] = [];

#[test]
fn a_bulletin_that_did_not_leave_can_be_sent_again() {
    let mut story = begin();
    let alarm = report(&mut story, 0, "3/1");
    for (n, ended) in [Ended::Failed, Ended::Unknown, Ended::Done].into_iter().enumerate() {
        let at = 100 * (n as i32 + 1);
        assert_eq!(tell(&mut story, at, &alarm), SENT, "{ended:?}");
        assert_eq!(tell(&mut story, at + 1, &alarm), NOTHING, "it waits");
        ends(&mut story, at + 2, None);
        assert_eq!(tell(&mut story, at + 3, &alarm), NOTHING, "it is being sent");
        ends(&mut story, at + 4, Some(ended));
    }
    assert_eq!(tell(&mut story, 310, &alarm), NOTHING, "it went out");
    story.decides_the_same_again();
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn a_failure_of_another_text_takes_nothing_back() {
    let mut story = begin();
    let (alarm, other) = (report(&mut story, 0, "3/1"), report(&mut story, 1, "3"));
    assert_eq!(tell(&mut story, 10, &alarm), SENT);
    ends(&mut story, 11, Some(Ended::Done));
    assert_eq!(tell(&mut story, 12, &other), SENT);
    ends(&mut story, 13, Some(Ended::Failed));
    assert_eq!(tell(&mut story, 14, &alarm), NOTHING);
}

#[test]
fn what_happens_in_a_home_or_is_told_in_confidence_goes_to_no_group() {
    let mut story = begin();
    for (at, home) in [(0, "3/1/301"), (10, "3/1/301/kitchen")] {
        let alarm = report(&mut story, at, home);
        let refused = tell(&mut story, at + 1, &alarm);
        assert!(refused[0].contains("of_a_home"), "{home} is in no list of homes: {refused:?}");
    }
    let report = Report {
        category: Category::from("seen".to_owned()),
        text: "somebody".into(),
        place: Some(place("3/1")),
        position: None,
        photos: vec![],
    };
    let (source, id, kind, digest) = ("card".into(), "1".into(), NoteKind::Tip, "d".into());
    story.input(20, Input::Note(Note { source, id, kind, report, digest }));
    let alarms = story.alarms();
    let tip = alarms.iter().find(|alarm| alarm.kind.as_str() == "tip").expect("a tip").id.clone();
    let refused = story.command(21, "sun", &tip, Op::Bulletin { name: "stairs".into() });
    assert!(refused[0].contains("confidential"), "{refused:?}");
    assert!(story.engine.book().effects.is_empty());
}

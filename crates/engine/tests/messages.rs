//! Short messages and calls: when they are due, and what an acceptance does to those that wait.

mod story;

use std::sync::Arc;
use story::*;
use wanglou_engine::{Engine, RuleSettings, Setup};
use wanglou_model::*;

/// A cover, and the guard wu with a telephone and the app open; gateways for short messages and calls.
fn compound() -> Story {
    let mut site = empty_site();
    add_place(&mut site, "cover/1", PlaceKind::Cover);
    add_device(&mut site, "lid", "cover/1", Purpose::Cover, |_| {});
    add_officer(&mut site, "wu", Role::Guard);
    if let Some(wu) = site.officers.get_mut(&officer("wu")) {
        wu.telephone = true;
    }
    let mut story = Story::begin(site.clone(), RuleSettings::default());
    let channels = vec![Channel::Sms, Channel::Voice];
    let setup = Setup::new(site, RuleSettings::default(), "c0".into(), channels);
    let mut engine = Engine::new(Arc::new(setup.expect("a good zone")));
    for (at, fed, _) in &story.log {
        engine.step(*at, fed.stimulus());
    }
    story.engine = engine;
    story
}

fn queued(told: Vec<String>) -> Vec<String> {
    told.into_iter().filter(|line| line.starts_with("queue")).collect()
}

fn effects(story: &Story) -> Vec<(Channel, String)> {
    let rows = story.engine.book().effects.iter();
    rows.map(|(id, row)| (row.channel, id.clone())).collect()
}

/// What the timeline says of these channels.
fn said(story: &Story) -> Vec<String> {
    let lines = story.only_alarm().timeline.iter().filter(|entry| entry.what == "channel");
    let words = |entry: &wanglou_engine::Entry| {
        let text = entry.reason.as_ref().map(|reason| reason.text.en.clone());
        format!("{} {}", entry.channel.clone().unwrap_or_default(), text.unwrap_or_default())
    };
    lines.map(words).collect()
}

#[test]
fn a_short_message_goes_when_the_card_would_and_a_call_later() {
    let mut story = compound();
    story.say(0, "lid", Reading::Cover { tilt_deg: Some(40.0), moved: None, open: None });
    assert_eq!(queued(story.pass(59)), [""; 0], "raised at second 30 as P2");
    assert_eq!(queued(story.pass(60)), [r#"queue sms Officer("wu")"#]);
    assert_eq!(queued(story.pass(89)), [""; 0]);
    assert_eq!(queued(story.pass(90)), [r#"queue voice Officer("wu")"#]);
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn an_acceptance_takes_back_what_waits_and_says_so() {
    let mut story = compound();
    story.say(0, "lid", Reading::Cover { tilt_deg: Some(40.0), moved: None, open: None });
    story.pass(90);
    let mut waiting = effects(&story);
    waiting.sort_by_key(|(channel, _)| channel.name());
    let [(Channel::Sms, sms), (Channel::Voice, _)] = &waiting[..] else { panic!("{waiting:?}") };
    // The message has begun to leave, the call has not.
    let begun = ChannelNews { effect: sms.clone(), ended: None, detail: String::new() };
    story.input(91, Input::Channel(begun));
    let alarm = story.only_alarm().id.clone();
    story.command(92, "wu", &alarm, Op::Accept { eta_s: None });
    assert_eq!(effects(&story), [(Channel::Sms, sms.clone())], "what has begun is ended by whoever sends it");
    assert_eq!(
        said(&story),
        ["sms queued", "voice queued", "sms started", "voice failed: not needed any more"]
    );
    assert_eq!(queued(story.pass(300)), [""; 0]);
}

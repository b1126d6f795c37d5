//! Pushing to phones whose app is closed, and the drill of one's own phones.

mod story;

use std::sync::Arc;
use story::*;
use wanglou_engine::{Engine, RuleSettings, Setup};
use wanglou_model::*;

/// A cover, the guard wu, and a push channel. Wu has a phone, online.
fn compound() -> Story {
    let mut site = empty_site();
    add_place(&mut site, "cover/1", PlaceKind::Cover);
    add_device(&mut site, "lid", "cover/1", Purpose::Cover, |_| {});
    add_officer(&mut site, "wu", Role::Guard);
    add_officer(&mut site, "zhao", Role::GridWorker);
    let mut story = Story::begin(site.clone(), RuleSettings::default());
    let setup = Setup::new(site, RuleSettings::default(), "c0".into(), vec![Channel::Push]);
    let mut engine = Engine::new(Arc::new(setup.expect("a good zone")));
    for (at, fed, _) in &story.log {
        engine.step(*at, fed.stimulus());
    }
    story.engine = engine;
    story
}

fn phone(who: &str) -> PhoneId {
    PhoneId::parse(&format!("phone-{who}")).expect("a phone")
}

fn subscribed(story: &mut Story, second: i32, who: &str, on: bool) {
    story.input(second, Input::Push(PushNews { officer: officer(who), phone: phone(who), on }));
}

fn is(story: &mut Story, second: i32, who: &str, state: PhoneState) {
    story.input(second, Input::Phone(PhoneNews { officer: officer(who), phone: phone(who), state }));
}

/// The cover lies open; raised at second 30 as P2. Returns what was queued until then.
fn open(story: &mut Story) -> Vec<String> {
    story.say(0, "lid", Reading::Cover { tilt_deg: Some(40.0), moved: None, open: None });
    queued(story.pass(30))
}

fn queued(told: Vec<String>) -> Vec<String> {
    told.into_iter().filter(|line| line.starts_with("queue")).collect()
}

const TO_WU: &str = r#"queue push Officer("wu")"#;

#[test]
fn a_phone_whose_app_is_closed_is_pushed_to_at_once() {
    let mut story = compound();
    subscribed(&mut story, -50, "wu", true);
    is(&mut story, -40, "wu", PhoneState::Offline);
    assert_eq!(open(&mut story), [TO_WU]);
    assert_eq!(queued(story.pass(120)), [""; 0], "once");
}

#[test]
fn a_phone_in_the_hand_is_pushed_to_only_if_it_does_not_store_the_alarm() {
    let mut story = compound();
    subscribed(&mut story, -50, "wu", true);
    assert_eq!(open(&mut story), [""; 0]);
    assert_eq!(queued(story.pass(39)), [""; 0]);
    assert_eq!(queued(story.pass(40)), [TO_WU], "ten seconds after it was told");

    let mut story = compound();
    subscribed(&mut story, -50, "wu", true);
    open(&mut story);
    let alarm = story.only_alarm().id.clone();
    let delivered = Delivered::Stored;
    let receipt = Receipt { officer: officer("wu"), phone: phone("wu"), alarm, rev: 1, delivered };
    story.input(31, Input::Receipt(receipt));
    assert_eq!(queued(story.pass(100)), [""; 0]);
}

#[test]
fn acceptance_by_anybody_ends_it() {
    let mut story = compound();
    subscribed(&mut story, -50, "wu", true);
    open(&mut story);
    let alarm = story.only_alarm().id.clone();
    story.command(35, "zhao", &alarm, Op::Accept { eta_s: None });
    assert_eq!(queued(story.pass(100)), [""; 0]);
}

#[test]
fn a_subscription_reaches_somebody_for_a_day_after_the_phone_was_heard() {
    let mut story = compound();
    let reachable = |story: &Story| {
        let world = story.engine.world();
        world.is_reachable(&officer("wu"), &story.engine.setup().site.officers[&officer("wu")])
    };
    subscribed(&mut story, -50, "wu", true);
    is(&mut story, -40, "wu", PhoneState::Offline);
    assert!(reachable(&story));
    story.pass(24 * 3600 - 40);
    assert!(reachable(&story), "the phone was last heard at second -40");
    story.pass(24 * 3600 - 39);
    assert!(!reachable(&story));
    is(&mut story, 25 * 3600, "wu", PhoneState::Hidden);
    is(&mut story, 25 * 3600 + 1, "wu", PhoneState::Offline);
    assert!(reachable(&story), "it was heard again");
    subscribed(&mut story, 26 * 3600, "wu", false);
    assert!(!reachable(&story), "it ended");
}

#[test]
fn subscriptions_survive_a_snapshot_and_have_a_limit() {
    let mut story = compound();
    for n in 0..20 {
        let phone = PhoneId::parse(&format!("d{n}")).expect("a phone");
        story.input(n, Input::Push(PushNews { officer: officer("wu"), phone, on: true }));
    }
    let count = |engine: &Engine| engine.senses().push_phones(&officer("wu")).count();
    assert_eq!(count(&story.engine), 16);
    assert_eq!(count(&story.restored()), 16);
}

#[test]
fn a_drill_calls_nobody_but_whoever_asked_and_runs_once() {
    let mut story = compound();
    let drill = |cid: &str| Command {
        cid: CommandId::parse(cid).expect("an id"),
        officer: officer("wu"),
        phone: Some(phone("wu")),
        alarm: None,
        rev: None,
        op: Op::TestAlarm { place: place("cover/1"), priority: 2, own: true },
    };
    let told = story.input(0, Input::Command(drill("a")));
    assert_eq!(told, ["raise test P2 cover/1", "ring wu"]);
    assert!(story.only_alarm().test);
    assert_eq!(story.input(1, Input::Command(drill("b"))), [""; 0], "it is the same one");
    story.only_alarm();
    let later = story.pass(3600);
    assert!(later.iter().all(|line| !line.contains("zhao")), "{later:?}");
    // Somebody who is no manager may not call others.
    let op = Op::TestAlarm { place: place("cover/1"), priority: 2, own: false };
    let refused = story.input(3601, Input::Command(Command { op, ..drill("c") }));
    assert_eq!(refused, ["answer Forbidden"]);
}

//! Handing an alarm on, setting it aside, and leave to work: what is entered by people, and its limits.

mod story;

use story::*;
use wanglou_engine::RuleSettings;
use wanglou_model::*;

fn raised() -> (Story, AlarmId) {
    let mut site = empty_site();
    add_place(&mut site, "cover/1", PlaceKind::Cover);
    add_device(&mut site, "lid", "cover/1", Purpose::Cover, |_| {});
    add_team(&mut site);
    let mut story = Story::begin(site, RuleSettings::default());
    story.say(0, "lid", Reading::Cover { tilt_deg: Some(40.0), moved: None, open: None });
    story.pass(30);
    let id = story.only_alarm().id.clone();
    (story, id)
}

fn permit(until: i32) -> Op {
    let (device, zone) = (Some(device("lid")), None);
    Op::Permit { device, zone, from: None, until: at(until), crew: vec![] }
}

/// Enters it, and says whether it was taken.
fn entered(story: &mut Story, second: i32, id: &AlarmId, op: Op) -> bool {
    story.command(second, "wu", id, op).iter().any(|effect| effect == "answer Done")
}

#[test]
fn an_alarm_that_is_handed_on_is_off_the_shelf() {
    let (mut story, id) = raised();
    story.command(40, "wu", &id, Op::Accept { eta_s: None });
    story.command(50, "wu", &id, Op::Shelve { until: at(3600), reason: "the crew stands beside it".into() });
    assert!(story.only_alarm().shelved.is_some());
    story.command(60, "li", &id, Op::Transfer { to: officer("zhao"), reason: "the crew has left".into() });
    let alarm = story.only_alarm();
    assert_eq!(alarm.shelved, None, "whoever it is handed to is called, by every channel");
    assert!(alarm.followers[&officer("zhao")].ring && alarm.next_rung.is_some());
    story.pass(4000);
    let ended = |entry: &&wanglou_engine::Entry| {
        entry.reason.as_ref().is_some_and(|reason| reason.code == "shelf_ended")
    };
    assert_eq!(
        story.only_alarm().timeline.iter().filter(ended).count(),
        0,
        "and that shelf never ends again"
    );
}

#[test]
fn permits_have_a_limit_and_those_that_are_long_over_do_not_count() {
    let (mut story, id) = raised();
    for n in 0..256 {
        assert!(entered(&mut story, 100 + n, &id, permit(1000 + n)), "{n}");
    }
    assert!(!entered(&mut story, 400, &id, permit(2000)), "too many");
    let a_day_later = 2000 + 25 * 3600;
    let one_more = permit(a_day_later + 3600);
    assert!(entered(&mut story, a_day_later, &id, one_more), "all of them ended more than a day ago");
    assert_eq!(story.engine.senses().register.permits.len(), 1);
}

#[test]
fn a_permit_ends_within_a_week() {
    let (mut story, id) = raised();
    let week = 7 * 24 * 3600;
    assert!(!entered(&mut story, 100, &id, permit(101 + week)));
    assert!(entered(&mut story, 100, &id, permit(100 + week)));
}

#[test]
fn whoever_has_alarms_in_hand_cannot_sign_off_until_the_other_one_has_signed_for_them() {
    let (mut story, id) = raised();
    story.command(40, "wu", &id, Op::Accept { eta_s: None });
    assert!(!entered(&mut story, 50, &id, Op::SignOff), "wu has it");
    let on_scene = |story: &Story| {
        story.engine.world().timers.due(&wanglou_engine::Timer::OnScene(story.only_alarm().id.clone()))
    };
    let before = on_scene(&story);
    assert!(entered(&mut story, 60, &id, Op::Handover { to: officer("zhao") }));
    story.command(70, "zhao", &id, Op::Handover { to: officer("wu") });
    let holder = story.only_alarm().accepted.as_ref().map(|acceptance| acceptance.by.clone());
    assert_eq!(holder, Some(officer("zhao")), "handed over, and not closed");
    assert_eq!(on_scene(&story), before, "the timer runs on");
    assert!(entered(&mut story, 80, &id, Op::SignOff));
    story.replays_the_same_under(RuleSettings::default());
}

//! A dead sensor, or one that nobody has tried out, is never a silent person.

use crate::days::{Story, at, contact, plain, resolve, setup, site};
use crate::story::device;
use std::collections::BTreeSet;
use std::sync::Arc;
use wanglou_engine::{RuleSettings, Setup};
use wanglou_model::*;

#[test]
fn a_dead_battery_is_a_repair_and_then_a_visit_and_never_inactive() {
    let mut story = plain(false);
    story.beat_until(at(0, 12, 0));
    story.beating.retain(|device| *device != "door");
    story.beat_until(at(0, 19, 59));
    assert!(story.of("device_fault", "").is_empty());
    story.beat_until(at(0, 20, 0));
    let repair = story.only("device_fault", "silent:door");
    assert_eq!((repair.priority, repair.raised_at), (Priority::P3, at(0, 20, 0)));
    assert_eq!(
        story.told_at(at(0, 20, 0)),
        vec![("he".to_owned(), true), ("zhang".to_owned(), true)],
        "who maintains it, no guard and no police"
    );
    story.beat_until(at(1, 7, 59));
    assert!(story.of("living_alone", "").is_empty());
    story.beat_until(at(1, 9, 30));
    let visit = story.only("living_alone", "visit:");
    assert_eq!(
        (visit.priority, visit.raised_at, visit.stage.as_deref()),
        (Priority::P2, at(1, 8, 0), Some("visit"))
    );
    assert!(story.calls().is_empty());

    // They are well; the battery is changed at noon.
    let id = visit.id.clone();
    story.command(at(1, 9, 31), "wu", &id, resolve(Outcome::Ok));
    assert!(!story.only("living_alone", "visit:").is_open());
    story.contact(at(1, 12, 0), false);
    assert!(!story.only("device_fault", "silent:door").is_open(), "heard again: nobody has to say so");
    story.beating.push("door");
    story.beat_until(at(2, 11, 59));
    assert!(story.calls().is_empty());
    story.beat_until(at(2, 12, 0));
    assert_eq!(story.calls(), vec![at(2, 12, 0)], "a day after the sensor came back");
    story.recovers();
}

#[test]
fn a_hub_that_was_down_for_26_hours_gives_one_repair_one_list_and_no_instant_alarm() {
    let mut story = plain(false);
    story.beat_until(at(0, 15, 0));
    let hub = |online| Reading::Availability { online, scope: AvailabilityScope::Hub };
    story.says(at(0, 15, 30), "hub", hub(false));
    story.beating.clear();
    story.pass(at(0, 15, 39));
    assert!(story.of("device_fault", "").is_empty(), "a hub may restart");
    story.pass(at(1, 17, 29));
    assert_eq!(story.only("device_fault", "").raised_at, at(0, 15, 40));
    let list = story.only("living_alone", "visit");
    assert_eq!((list.raised_at, list.key.as_str()), (at(1, 3, 30), "visits:hub"));
    assert_eq!(list.details["homes"], serde_json::json!(["3/1203", "3/1204"]));
    assert!(story.calls().is_empty());

    story.says(at(1, 17, 30), "hub", hub(true));
    story.beating = vec!["door", "other-door"];
    story.beat_until(at(1, 19, 0));
    assert!(story.calls().is_empty(), "no instant alarm");
    assert!(!story.only("device_fault", "").is_open());
    assert!(!story.only("living_alone", "visits:").is_active(), "people end it, the sensors agree");
    // Six hours before the hub went, and from its first message at 18:00 on.
    story.beat_until(at(2, 11, 59));
    assert!(story.calls().is_empty());
    story.beat_until(at(2, 13, 0));
    assert_eq!(story.calls(), vec![at(2, 12, 0)], "twenty-four hours that were seen, no more and no fewer");
    story.recovers();
}

#[test]
fn a_short_loss_of_the_hub_is_not_counted_as_inactivity() {
    let mut story = plain(false);
    story.beat_until(at(1, 2, 0));
    let hub = |online| Reading::Availability { online, scope: AvailabilityScope::Hub };
    story.says(at(1, 2, 0), "hub", hub(false));
    story.beating.clear();
    story.says(at(1, 8, 30), "hub", hub(true));
    story.beating = vec!["door", "other-door"];
    story.beat_until(at(1, 15, 29));
    assert!(story.calls().is_empty());
    story.beat_until(at(1, 16, 0));
    assert_eq!(story.calls(), vec![at(1, 15, 30)]);
    story.recovers();
}

#[test]
fn a_door_sensor_on_probation_is_no_sign_of_life_beside_a_trusted_one() {
    let on_probation = |doors: &[&str]| {
        let mut site = site(false, 2);
        for door in doors {
            let device = site.devices.get_mut(&device(door)).expect("a door");
            Arc::make_mut(device).probation = true;
        }
        let voice = vec![Channel::Voice];
        Arc::new(Setup::new(site, RuleSettings::default(), "c0".into(), voice).expect("a good zone"))
    };
    let until_ten = |setup: Arc<Setup>| {
        let mut story = Story::new(setup);
        story.beating.push("back-door");
        story.beat_until(at(0, 8, 0));
        story.contact(at(0, 8, 59), true);
        story.contact(at(0, 9, 0), false);
        story.beat_until(at(0, 20, 0));
        // The new one says that somebody goes in and out; who knows what it is wired to.
        story.says(at(0, 20, 10), "back-door", contact(true));
        story.says(at(0, 20, 11), "back-door", contact(false));
        story.beat_until(at(1, 10, 0));
        story
    };
    assert_eq!(until_ten(on_probation(&[])).calls(), [], "a trusted one is believed");
    let story = until_ten(on_probation(&["back-door"]));
    assert_eq!(story.calls(), [at(1, 9, 0)], "a day after the trusted one moved");
    assert!(!story.only("living_alone", "inactive:").is_trial());
    story.recovers();
}

#[test]
fn somebody_silent_behind_a_door_on_probation_is_the_managers_first_and_everybodys_then() {
    let mut site = site(false, 1);
    for door in ["door", "motion"] {
        Arc::make_mut(site.devices.get_mut(&device(door)).expect("a device")).probation = true;
    }
    let setup = Setup::new(site, RuleSettings::default(), "c0".into(), vec![Channel::Voice]);
    let mut story = Story::quiet_since_nine(Arc::new(setup.expect("a good zone")));
    story.beat_until(at(1, 9, 0));
    assert!(story.only("living_alone", "inactive:").is_trial());
    assert_eq!(story.told_at(at(1, 9, 0)), [("he".to_owned(), false)], "the manager");
    story.beat_until(at(1, 12, 0));
    assert_eq!(story.only("living_alone", "inactive:").priority, Priority::P1, "it climbs all the same");
    let told: BTreeSet<&str> =
        story.only("living_alone", "inactive:").followers.keys().map(OfficerId::as_str).collect();
    assert!(["anna", "chen", "he", "lou"].iter().all(|who| told.contains(who)), "{told:?}");
    story.recovers();
}

#[test]
fn a_contact_that_flaps_is_broken_and_its_home_unknown() {
    let mut story = plain(false);
    story.beat_until(at(0, 15, 0));
    for n in 0..12 {
        story.contact(at(0, 15, 1) + Span::secs(n * 5), n % 2 == 0);
    }
    let repair = story.only("device_fault", "silent:door");
    assert_eq!(repair.reason.code, "contact_flapping");
    story.beat_until(at(0, 15, 40));
    assert!(!story.only("device_fault", "silent:door").is_open(), "calm for half an hour");
    story.beat_until(at(1, 16, 0));
    // Five seconds lie between the last movement that was believed and the one that was not.
    let calm = at(0, 15, 31) + Span::secs(55);
    assert_eq!(story.calls(), vec![calm + Span::hours(24) - Span::secs(5)]);
    story.recovers();
}

#[test]
fn both_doors_must_be_live() {
    let mut story = Story::new(setup(false, 2));
    story.beating.push("back-door");
    story.beat_until(at(0, 12, 0));
    story.beating.retain(|device| *device != "back-door");
    story.beat_until(at(0, 20, 0));
    assert_eq!(story.only("device_fault", "").key, "silent:back-door");
    // A sign of life by the other door puts the visit off.
    story.contact(at(1, 6, 0), true);
    story.contact(at(1, 6, 1), false);
    story.beat_until(at(1, 18, 0));
    assert!(story.of("living_alone", "").is_empty());
    story.beat_until(at(1, 18, 1));
    assert_eq!(story.only("living_alone", "visit:").raised_at, at(1, 18, 1));
    story.contact(at(1, 18, 30), true);
    assert!(!story.only("living_alone", "visit:").is_open(), "stood down");
    story.recovers();
}

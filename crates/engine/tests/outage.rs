//! Many devices silent at once are one alarm: power or network.

mod story;

use story::*;
use wanglou_engine::RuleSettings;
use wanglou_model::*;

/// Three buildings with ten devices each, each behind a hub of its own.
fn compound() -> Story {
    let mut site = empty_site();
    for building in ["1", "2", "3"] {
        add_place(&mut site, building, PlaceKind::Building);
        let hub = format!("hub-{building}");
        add_device(&mut site, &hub, building, Purpose::Hub, |hub| hub.interval = Some(Span::hours(1)));
        for n in 0..10 {
            let at = format!("{building}/{n}");
            add_place(&mut site, &at, PlaceKind::Room);
            add_device(&mut site, &format!("d-{building}-{n}"), &at, Purpose::Other, |one| {
                one.hub = Some(device(&hub));
            });
        }
    }
    add_team(&mut site);
    Story::begin(site, RuleSettings::default())
}

fn lost(story: &mut Story, second: i32, id: &str, online: bool) {
    let scope = AvailabilityScope::Device;
    story.say(second, id, Reading::Availability { online, scope });
}

fn outages(story: &Story) -> Vec<&wanglou_engine::Alarm> {
    story.alarms().into_iter().filter(|alarm| alarm.kind.as_str() == "outage").collect()
}

#[test]
fn five_of_ten_within_two_minutes_are_one_alarm_and_four_are_none() {
    let mut story = compound();
    for n in 0..4 {
        lost(&mut story, n, &format!("d-1-{n}"), false);
    }
    story.pass(100);
    assert!(outages(&story).is_empty());
    for n in 4..6 {
        lost(&mut story, 101, &format!("d-1-{n}"), false);
    }
    story.pass(140);
    let found = outages(&story);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].key, "building:1", "six of the eleven in the building, its hub among them");
}

#[test]
fn a_lost_hub_is_one_alarm_and_a_dark_compound_too() {
    let mut story = compound();
    lost(&mut story, 0, "hub-1", false);
    story.pass(40);
    let [first] = outages(&story)[..] else { panic!("one") };
    assert_eq!((first.key.as_str(), first.details["devices"].as_u64()), ("building:1", Some(11)));
    lost(&mut story, 60, "hub-2", false);
    story.pass(100);
    let found = outages(&story);
    let called = found.iter().filter(|alarm| alarm.shelved.is_none()).count();
    assert_eq!((found.len(), called), (2, 1), "the compound is dark: part of the same incident");
    lost(&mut story, 200, "hub-1", true);
    lost(&mut story, 201, "hub-2", true);
    story.pass(300);
    assert!(outages(&story).iter().all(|alarm| !alarm.is_active()), "cleared, for people to end");
    story.replays_the_same_under(RuleSettings::default());
    story.decides_the_same_again();
}

//! The same id with other content: a fault of senders that promise never to do that, and of no others.

mod story;

use story::*;
use wanglou_engine::RuleSettings;
use wanglou_model::*;

fn compound() -> Story {
    let mut site = empty_site();
    add_place(&mut site, "gate", PlaceKind::Door);
    add_device(&mut site, "box", "gate", Purpose::Other, |_| {});
    add_team(&mut site);
    Story::begin(site, RuleSettings::default())
}

fn tampers(story: &mut Story, second: i32, event: &str, active: bool, repeats: Repeats) -> Vec<String> {
    let said =
        Observation { event: Some(event.into()), repeats, ..observation("box", Reading::Tamper { active }) };
    story.observe(second, said);
    story.alarms().iter().map(|alarm| alarm.kind.to_string()).collect()
}

#[test]
fn another_content_under_a_known_id_is_told_to_the_operator_and_counts_all_the_same() {
    let mut story = compound();
    let unique = Repeats::UniqueIds;
    assert_eq!(tampers(&mut story, 0, "e1", false, unique), [""; 0]);
    assert_eq!(tampers(&mut story, 1, "e1", false, unique), [""; 0], "the same again is a redelivery");
    let mut kinds = tampers(&mut story, 2, "e1", true, unique);
    kinds.sort();
    assert_eq!(kinds, ["reused_id", "tamper"]);
    let fault = story.alarms().into_iter().find(|alarm| alarm.kind.as_str() == "reused_id").cloned();
    let fault = fault.expect("raised");
    assert_eq!(fault.priority, Priority::P3);
    let told: Vec<&str> = fault.followers.keys().map(OfficerId::as_str).collect();
    assert!(told.contains(&"qian") && !told.contains(&"wu"), "the manager, no guard: {told:?}");
    tampers(&mut story, 3, "e1", false, unique);
    assert_eq!(tampers(&mut story, 4, "e2", false, unique).len(), 2, "folded, and a new id is no fault");
    story.replays_the_same_under(RuleSettings::default());
}

#[test]
fn senders_that_reuse_ids_by_design_are_left_alone() {
    let mut story = compound();
    tampers(&mut story, 0, "e1", false, Repeats::Count);
    assert_eq!(tampers(&mut story, 1, "e1", true, Repeats::Count), ["tamper"]);
}

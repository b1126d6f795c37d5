//! The profiles that the project ships: they compile, and their own examples come out as they say.

use crate::support;
use wanglou_profiles::{Fault, Lane};

#[test]
fn every_shipped_profile_compiles_and_every_example_comes_out_as_it_says() {
    let set = support::shipped();
    assert_eq!(set.run_examples(), Vec::<Fault>::new());
}

#[test]
fn subscriptions_are_few_and_what_can_be_life_safety_is_on_the_alarm_lane() {
    let set = support::shipped();
    let all: Vec<_> = set.profiles().flat_map(|profile| profile.subscriptions).collect();
    let of = |filter: &str| all.iter().filter(|one| one.filter == filter).count();
    for filter in ["zigbee2mqtt/#", "wanglou/v1/in/#", "application/+/device/+/event/+", "elevator/+/fault"] {
        assert_eq!(of(filter), 1, "{filter} in {all:?}");
    }
    let bulk: Vec<_> =
        set.profiles().filter(|one| one.subscriptions.iter().any(|s| s.lane == Lane::Bulk)).collect();
    let names: Vec<_> = bulk.iter().map(|profile| profile.name).collect();
    assert_eq!(names, ["homeassistant_discovery", "lpr_vzenith"], "announcements and plates");
}

/// The first column of the table in a document of families.
fn families_of(document: &str) -> Vec<String> {
    let text = std::fs::read_to_string(support::workspace(document)).expect("the document is there");
    let cells = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    cells.map(|(family, _)| family.to_owned()).collect()
}

#[test]
fn the_tables_of_families_name_every_shipped_profile_in_order() {
    let set = support::shipped();
    let shipped: Vec<_> = set.profiles().map(|profile| profile.name.to_owned()).collect();
    for document in ["docs/families.md", "docs/families.zh-CN.md"] {
        assert_eq!(families_of(document), shipped, "{document}");
    }
}

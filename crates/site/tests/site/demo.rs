//! The demo compound must be what the rules call the seed compound, without a fault and without a gap.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use wanglou_model::{Device, OfficerId, PlaceId, PlaceKind, Purpose, Role, Span};
use wanglou_site::{Checked, Compound, read_folder};

fn demo() -> Checked {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/sites/demo");
    let files = read_folder(&folder).expect("the demo folder");
    Compound::check(&files).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    })
}

fn place(id: &str) -> PlaceId {
    PlaceId::parse(id).expect("a valid id")
}

fn officer(id: &str) -> OfficerId {
    OfficerId::parse(id).expect("a valid id")
}

fn count<K>(devices: &BTreeMap<K, Arc<Device>>, purpose: Purpose) -> usize {
    devices.values().filter(|device| device.purpose == purpose).count()
}

#[test]
fn the_demo_compound_checks_without_a_warning() {
    let warnings: Vec<String> = demo().warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, [] as [&str; 0]);
}

#[test]
fn it_has_the_places_of_the_seed_compound() {
    let checked = demo();
    let of_kind = |kind| checked.site.places.values().filter(|place| place.kind == kind).count();
    assert_eq!(of_kind(PlaceKind::Building), 11);
    assert_eq!(of_kind(PlaceKind::Lift), 22);
    assert_eq!(of_kind(PlaceKind::Cover), 180);
    assert_eq!(of_kind(PlaceKind::Home), 60);
    assert_eq!(of_kind(PlaceKind::Shed), 6);
    assert_eq!(checked.households, 1_443);
    assert_eq!(checked.grids.len(), 11);

    let drains = place("drain");
    let zones = checked.site.places.values().filter_map(|cover| cover.zone.as_ref());
    let mut covers: BTreeMap<&PlaceId, usize> = BTreeMap::new();
    zones.for_each(|zone| *covers.entry(zone).or_default() += 1);
    assert_eq!(covers.values().copied().collect::<Vec<_>>(), [30; 6]);
    assert!(covers.keys().all(|zone| zone.is_within(&drains)));
    let footpaths = checked.site.places.values().filter(|place| place.footpath).count();
    assert!((10..100).contains(&footpaths), "{footpaths} covers on footpaths");
}

#[test]
fn it_has_the_devices_of_the_seed_compound() {
    let devices = demo().site.devices;
    let cameras = |id: &str| id.ends_with("-cam");
    let other = |start: &str| {
        let of = |id: &&str| id.starts_with(start) && cameras(id);
        devices.keys().map(|id| id.as_str()).filter(of).count()
    };
    let cameras: [usize; 6] = [
        count(&devices, Purpose::LiftCamera),
        count(&devices, Purpose::FacadeCamera),
        other("door-"),
        count(&devices, Purpose::LaneCamera),
        other("gate-"),
        other("public-"),
    ];
    assert_eq!(cameras, [22, 44, 22, 18, 8, 22], "lift, façade, unit door, lane, gate, public");
    assert_eq!(cameras.iter().sum::<usize>(), 136);
    assert_eq!(count(&devices, Purpose::Other), 22 + 8 + 22, "cameras without a rule of their own");
    for (purpose, number) in [
        (Purpose::LiftController, 22),
        (Purpose::DoorAccess, 28),
        (Purpose::Cover, 180),
        (Purpose::HomeDoor, 60),
        (Purpose::HomeMotion, 60),
        (Purpose::HomeSos, 60),
        (Purpose::HomeSmoke, 60),
        (Purpose::HomeWater, 60),
        (Purpose::Smoke, 400),
        (Purpose::Noise, 5),
        (Purpose::Shed, 6),
        (Purpose::Weather, 1),
    ] {
        assert_eq!(count(&devices, purpose), number, "{purpose:?}");
    }
}

#[test]
fn what_other_parts_name_is_there() {
    let site = demo().site;
    let (id, door) = site.device_of("zigbee2mqtt", "home-3-1203/door").expect("the contact");
    assert_eq!(id.as_str(), "home-3-1203-door");
    assert_eq!((door.place.as_str(), door.purpose), ("3/2/1203", Purpose::HomeDoor));
    assert_eq!(door.interval, Some(Span::hours(1)));
    assert!(site.homes[&place("3/2/1203")].consent);

    let path: Vec<&str> = site.path_of(&place("3/2/lift-B")).iter().map(|name| name.zh.as_str()).collect();
    assert_eq!(path, ["3号楼", "2单元", "电梯B"]);
    let camera =
        |device: &Arc<Device>| device.purpose == Purpose::LiftCamera && device.place.as_str() == "3/2/lift-B";
    assert!(site.devices.values().any(camera));
    assert!(site.devices.contains_key("cover-17") && site.devices.contains_key("lift-3-2-B-cam"));
    assert_eq!(site.device_of("wanglou", "cover-17").map(|(id, _)| id.as_str()), Some("cover-17"));
}

#[test]
fn every_profile_that_a_device_names_is_in_the_folder_of_profiles() {
    let profiles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/profiles");
    let site = demo().site;
    for profile in site.identities.keys() {
        assert!(profiles.join(format!("{profile}.toml")).is_file(), "{profile}");
    }
    for profile in ["zigbee2mqtt", "chirpstack", "wanglou", "elevator_cn", "ai_box", "hikvision", "ipc_hapi"]
    {
        assert!(site.identities.contains_key(profile), "the demo shows {profile}");
    }
}

#[test]
fn the_log_ins_of_the_demo_are_who_they_should_be() {
    let checked = demo();
    let site = &checked.site;
    for (id, role) in [
        ("wu", Role::Guard),
        ("li", Role::Guard),
        ("zhang", Role::GridWorker),
        ("chen", Role::Officer),
        ("he", Role::Manager),
    ] {
        assert!(site.officers[&officer(id)].roles.contains(&role), "{id}");
        assert!(checked.people.officers.contains_key(&officer(id)), "{id} has a name");
    }
    assert!(site.officers[&officer("he")].admin);
    for weekday in 0..7 {
        assert!(site.rota.is_on_duty(&officer("wu"), weekday, 12 * 60), "wu by day");
        assert!(site.rota.is_on_duty(&officer("li"), weekday, 3 * 60), "li by night");
    }
}

#[test]
fn every_home_has_five_sensors_a_family_and_a_telephone() {
    let site = demo().site;
    assert_eq!(site.homes.len(), 60);
    for (id, home) in &site.homes {
        let purposes: Vec<Purpose> =
            site.devices.values().filter(|device| device.place == *id).map(|device| device.purpose).collect();
        assert_eq!(purposes.len(), 5, "{id}: {purposes:?}");
        assert!(home.consent && home.telephone && !home.family.is_empty(), "{id}");
    }
}

#[test]
fn every_number_of_the_demo_is_invented() {
    let people = demo().people;
    for person in people.officers.values().chain(people.homes.values()) {
        let number = person.telephone.as_deref().unwrap_or_default();
        assert!(number.starts_with("+86000"), "a number that could be dialled");
    }
}

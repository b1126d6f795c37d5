//! What other systems are not told. What is on a broker is read by everybody who may read there, kept by whoever likes,
//! and shown on walls: whose door opened when, who lives alone, who called for help, whose car it is are none of their business.

use wanglou_model::{Device, PlaceId, PlaceKind, Purpose, Reading, Site};

/// Kinds of alarm that say nothing of a person. One that is not listed is told of by its level alone.
const IMPERSONAL: [&str; 18] = [
    "alarm_flood",
    "co",
    "device_fault",
    "ebike_in_lift",
    "ebike_parked",
    "fire_lane",
    "gas",
    "leak",
    "lift_entrapment",
    "lift_fault",
    "manhole",
    "noise",
    "outage",
    "shed_heat",
    "smoke",
    "tamper",
    "test",
    "thrown_object",
];

/// May the kind and the place of such an alarm be told?
pub(super) fn is_public(site: &Site, kind: &str, place: &PlaceId) -> bool {
    IMPERSONAL.contains(&kind) && !is_of_a_home(site, place)
}

/// Is a place a home, or in one? All of them alike: were those left out who live alone, the gap would name them.
pub(super) fn is_of_a_home(site: &Site, place: &PlaceId) -> bool {
    let mut outer = Some(place.clone());
    while let Some(place) = outer {
        let home = site.places.get(&place).is_some_and(|found| found.kind == PlaceKind::Home);
        if home || site.homes.contains_key(&place) {
            return true;
        }
        outer = place.parent();
    }
    false
}

/// Does a device watch over a home?
#[expect(clippy::wildcard_enum_match_arm, reason = "the others watch over what is everybody's")]
pub(super) fn watches_a_home(site: &Site, device: &Device) -> bool {
    match device.purpose {
        Purpose::HomeDoor
        | Purpose::HomeMotion
        | Purpose::HomeWater
        | Purpose::HomeSos
        | Purpose::HomeSmoke => true,
        _ => is_of_a_home(site, &device.place),
    }
}

/// Does a reading tell of somebody, wherever it comes from? What nobody understood may hold anything.
pub(super) fn is_personal(reading: &Reading) -> bool {
    matches!(
        reading,
        Reading::Sos { .. }
            | Reading::Access { .. }
            | Reading::WatchHit { .. }
            | Reading::Vehicle { .. }
            | Reading::CallResult { .. }
            | Reading::Unknown { .. }
    )
}

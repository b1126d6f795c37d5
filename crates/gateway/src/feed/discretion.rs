//! What other systems are not told. What is told is read by everybody who may read there, kept by whoever likes, and shown
//! on walls: whose door opened when, who lives alone, who called for help, whose car it is are none of their business.
//!
//! One rule for all feeds: of an alarm of a home or a person the level and the building, by a name that does not lead back to
//! the alarm; of devices of homes, and of readings about people, nothing. `publish_personal` lifts it for one feed.

use wanglou_engine::Alarm;
use wanglou_model::{AlarmId, Device, PlaceId, Purpose, Reading, Site};

/// Kinds of alarm that say nothing of a person. One that is not listed is told of by level and building alone.
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

/// The building that a place is in, or the outermost place around it; none where that is a home itself.
pub(super) fn building_of(site: &Site, place: &PlaceId) -> Option<PlaceId> {
    let outer = place.parent().and_then(|outer| building_of(site, &outer));
    outer.or_else(|| Some(place.clone()).filter(|place| !site.is_of_a_home(place)))
}

/// What an alarm is called where its id would tell too much: ids are made of kind, place and moment, and could be guessed.
/// The same for each news of it, until a restore begins a new history.
pub(super) fn alias(history: &str, alarm: &AlarmId) -> String {
    let key = blake3::derive_key("wanglou 2026 names of alarms for other systems", history.as_bytes());
    format!("x_{}", &blake3::keyed_hash(&key, alarm.as_str().as_bytes()).to_hex()[..20])
}

/// May the kind and the place of such an alarm be told?
pub(super) fn is_public(site: &Site, kind: &str, place: &PlaceId) -> bool {
    IMPERSONAL.contains(&kind) && !site.is_of_a_home(place)
}

/// May it be seen that there is such an alarm at all, where anybody may stand before the screen? Not of somebody who opens a
/// door under threat, and not of what was told in confidence: whom it is about may be standing there.
pub(super) fn is_for_walls(alarm: &Alarm) -> bool {
    alarm.kind.as_str() != "access_duress" && !alarm.is_confidential()
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
        _ => site.is_of_a_home(&device.place),
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use wanglou_model::{Place, PlaceKind, Rota, SiteId, Text};

    fn place(id: &str) -> PlaceId {
        PlaceId::parse(id).expect("an id")
    }

    fn site() -> Site {
        let places = [
            ("3", PlaceKind::Building),
            ("3/2", PlaceKind::Unit),
            ("3/2/1203", PlaceKind::Home),
            ("3/2/1203/bath", PlaceKind::Zone),
            ("villa-7", PlaceKind::Home),
            ("villa-7/hall", PlaceKind::Zone),
        ];
        Site {
            id: SiteId::parse("s").expect("an id"),
            name: Text::default(),
            zone: "Asia/Shanghai".into(),
            places: places.into_iter().map(|(id, kind)| (place(id), Place::plain(kind))).collect(),
            devices: BTreeMap::new(),
            identities: BTreeMap::new(),
            officers: BTreeMap::new(),
            rota: Rota::default(),
            homes: BTreeMap::new(),
        }
    }

    #[test]
    fn of_a_home_the_building_is_told_at_most() {
        let site = site();
        let told = |id: &str| building_of(&site, &place(id)).map(|place| place.to_string());
        assert_eq!(told("3/2/1203"), Some("3".into()));
        assert_eq!(told("3/2/1203/bath"), Some("3".into()));
        assert_eq!(told("3"), Some("3".into()));
        assert_eq!(told("villa-7"), None, "the house is the home");
        assert_eq!(told("villa-7/hall"), None, "as is a room of it");
    }

    #[test]
    fn an_alias_is_stable_and_is_not_the_alarm() {
        let alarm = AlarmId::parse("al_7c2e").expect("an id");
        let told = alias("aa", &alarm);
        assert_eq!(told, alias("aa", &alarm));
        assert_ne!(told, alias("bb", &alarm), "another key");
        assert_ne!(told, alias("aa", &AlarmId::parse("al_7c2f").expect("an id")), "another alarm");
        assert!(!told.contains("7c2e"));
    }
}

//! Zigbee2MQTT with `last_seen: ISO_8601`: door contacts, and the bridge itself.

use super::{Message, Said};
use serde_json::json;
use wanglou_model::Reading;

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
pub(super) fn message(said: &Said<'_>) -> Message {
    match said.reading {
        Reading::Availability { online, .. } => bridge(*online),
        Reading::Contact { open, .. } => contact(said, open.unwrap_or_default()),
        _ => super::message(topic(said), &json!({"last_seen": said.utc()})),
    }
}

fn bridge(online: bool) -> Message {
    let state = if online { "online" } else { "offline" };
    Message {
        retain: true,
        ..super::message("zigbee2mqtt/bridge/state".to_owned(), &json!({"state": state}))
    }
}

fn contact(said: &Said<'_>, open: bool) -> Message {
    let battery = 35 + said.trait_of_device(1).below(65);
    let body = json!({
        "battery": battery,
        "battery_low": battery < 10,
        // true: the magnet is near, so the door is closed.
        "contact": !open,
        "last_seen": said.utc(),
        "linkquality": 40 + said.nonce % 140,
        "voltage": 2_500 + battery * 6,
    });
    super::message(topic(said), &body)
}

fn topic(said: &Said<'_>) -> String {
    format!("zigbee2mqtt/{}", said.sensor.identity)
}

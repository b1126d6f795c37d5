//! Messages as vendors' devices of the demo compound send them, stamped with the present.

use crate::deadline::wall;
use serde_json::{Value, json};

/// A message on its topic.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The topic.
    pub topic: String,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Sent {
    fn json(topic: impl Into<String>, payload: &Value) -> Self {
        Self { topic: topic.into(), payload: payload.to_string().into_bytes() }
    }
}

/// Wanglou's own format: the reed switch of a cover of zone 3 (`cover-61` … `cover-90`) opens or closes.
pub fn cover(device: &str, open: bool, event: &str) -> Sent {
    let payload = json!({"device": device, "kind": "cover", "value": {"open": open}, "event": event});
    Sent::json(format!("wanglou/v1/in/{device}"), &payload)
}

/// Milesight EM310-TILT behind ChirpStack: the cover `cover/91` was tilted past its threshold.
pub fn tilted_cover() -> Sent {
    let eui = "24e124713d21a27d";
    let payload = json!({
        "deduplicationId": format!("tilt-{}", wall().as_microsecond()), "time": wall().to_string(),
        "deviceInfo": {"deviceProfileName": "EM310-TILT", "devEui": eui}, "fCnt": 7, "fPort": 85, "data": "AXVk",
        "object": {"angle_x": 3.0, "angle_y": -1.5, "angle_z": 47.0, "battery": 88.0,
            "threshold_x": "normal", "threshold_y": "normal", "threshold_z": "trigger"},
        "rxInfo": [{"gatewayId": "24e124fffef0a101", "rssi": -84, "snr": 6.5}]});
    Sent::json(format!("application/7c0d/device/{eui}/event/up"), &payload)
}

/// The lift company's box of `1/1/lift-A`: an e-bike has come in.
pub fn ebike() -> Sent {
    let local = wall().in_tz("Asia/Shanghai").expect("a zone that is bundled");
    let payload = json!({
        "ST": "add", "TY": "Fault", "elevatorCode": "WL0101", "faultId": wall().as_nanosecond().to_string(),
        "faultName": "电动车乘梯", "fault_type": "37", "monitorMessage": {"floor": "1", "speed": 0.0},
        "sensorType": "SINGLEBOX", "time": local.strftime("%Y-%m-%d %H:%M:%S").to_string()});
    Sent::json("elevator/WL0101/fault", &payload)
}

/// Hikvision iSecure, camera of `facade/1/east`: something falls, and the camera is sure of it, even in the dark.
pub fn thrown_object() -> Sent {
    let now = wall().in_tz("Asia/Shanghai").expect("a zone that is bundled");
    let now = now.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    let payload = json!({"method": "OnEventNotify", "params": {"ability": "event_vss", "sendTime": now, "events": [{
        "eventId": format!("THROW-{}", wall().as_microsecond()), "eventType": "930335", "happenTime": now,
        "srcIndex": "isc-1", "status": 0, "data": {
            "eventState": "active", "isDataRetransmission": false,
            "targetAttrs": {"cameraIndexCode": "cam-1-east-1", "deviceIndexCode": "nvr-1"},
            "ObjectsThrownDetection": [{"startTime": now, "endTime": now,
                "Image": {"resourcesContentType": "url", "resourcesContent": "http://127.0.0.1:9/pic?id=1"},
                "RuleInfo": {"ruleID": 1, "ruleName": "east", "confidence": 97}}]}}]}});
    Sent::json("hikvision/isecure/events", &payload)
}

/// Zigbee2MQTT: the door of a person who lives alone, `1/1/201`, opens.
pub fn door() -> Sent {
    let payload = json!({"battery": 91, "battery_low": false, "contact": false, "linkquality": 96, "tamper": false,
        "voltage": 3005, "last_seen": wall().to_string()});
    Sent::json("zigbee2mqtt/home-1-201/door", &payload)
}

//! Cameras that look up façades: through Hikvision's platform, or by themselves over HAPI.

use super::{Message, Said, utc};
use serde_json::json;
use wanglou_model::{Reading, Span};

/// From letting go to hitting the ground.
const FALL: Span = Span::millis(2_300);

/// One notification with one event with one hit.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
pub(super) fn hikvision(said: &Said<'_>) -> Message {
    let confidence = match said.reading {
        Reading::ThrownObject { confidence, .. } => confidence.map(|of_one| (of_one * 100.0).round() as i64),
        _ => None,
    };
    let camera = &said.sensor.identity;
    let picture = format!("http://10.20.0.5:6120/pic?id={:x}", said.unique());
    let body = json!({
        "method": "OnEventNotify",
        "params": {
            "ability": "event_vss",
            "sendTime": said.utc(),
            "events": [{
                "eventId": format!("{:016X}", said.unique()),
                "eventType": "930335",
                "happenTime": said.utc(),
                "srcIndex": camera,
                "status": 0,
                "data": {
                    "eventState": "active",
                    "isDataRetransmission": false,
                    "targetAttrs": {"cameraIndexCode": camera},
                    "ObjectsThrownDetection": [{
                        "startTime": utc(said.at - FALL),
                        "endTime": said.utc(),
                        "Image": {"resourcesContentType": "url", "resourcesContent": picture},
                        "RuleInfo": {"ruleID": 1, "ruleName": said.sensor.place.as_str(), "confidence": confidence},
                    }],
                },
            }],
        },
    });
    super::message("hikvision/isecure/events".to_owned(), &body)
}

/// Yes or no, nothing else.
pub(super) fn ipc_hapi(said: &Said<'_>) -> Message {
    let serial = &said.sensor.identity;
    let active = matches!(said.reading, Reading::ThrownObject { active: true, .. });
    let body = json!({
        "AlarmType": "ObjectDetect",
        "AlarmSubType": "FallingObjectsDetectionAlarm",
        "TimeStamp": said.at.as_millis() / 1_000,
        "LocalTime": said.beijing(),
        "ChannelNo": 0,
        "OccurFlag": if active { "true" } else { "false" },
        "DeviceID": serial,
        "AlarmInfo": {"image": null},
    });
    super::message(format!("ipc/{serial}/hapi"), &body)
}

//! Boxes that look for e-bikes in lifts: the lift platforms' monitoring box, MegCube, Qingniao.

use super::{Message, Said};
use serde_json::json;
use wanglou_model::Reading;

fn present(said: &Said<'_>) -> bool {
    matches!(said.reading, Reading::LiftCamera { present: true, .. })
}

/// Serial number of the box and channel: `M0140…/3`.
fn box_and_channel<'a>(said: &'a Said<'_>) -> (&'a str, u32) {
    let (serial, channel) = said.sensor.identity.rsplit_once('/').unwrap_or((&said.sensor.identity, "1"));
    (serial, channel.parse().unwrap_or(1))
}

/// Fault 37 begins or disappears. The id is a number of 19 digits, written as text.
pub(super) fn elevator_cn(said: &Said<'_>) -> Message {
    let lift = &said.sensor.identity;
    let body = json!({
        "ST": if present(said) { "add" } else { "disappear" },
        "TY": "Fault",
        "elevatorCode": lift,
        "faultId": (1_000_000_000_000_000_000 + said.unique() % 8_000_000_000_000_000_000).to_string(),
        "faultName": "电动车乘梯",
        "fault_type": "37",
        "sensorType": "SINGLEBOX",
        "time": said.beijing(),
    });
    super::message(format!("elevator/{lift}/fault"), &body)
}

/// Sends a beginning and never an end.
pub(super) fn megcube(said: &Said<'_>) -> Message {
    let (serial, channel) = box_and_channel(said);
    let body = json!({
        "majorType": "alert_alarm",
        "minorType": "electric_bike_in_elevator",
        "deviceId": serial,
        "channelId": channel,
        "time": said.beijing(),
    });
    super::message("aibox/megcube/alarm".to_owned(), &body)
}

/// State 0 is the beginning, 1 the end. Without a time.
pub(super) fn qingniao(said: &Said<'_>) -> Message {
    let (serial, channel) = box_and_channel(said);
    let body = json!({
        "deviceId": serial,
        "channel": channel,
        "algorithmId": 8,
        "eventType": 8,
        "eventState": if present(said) { 0 } else { 1 },
        "picUrl": format!("http://10.20.0.9/pic/{:08x}.jpg", said.unique() >> 32),
    });
    super::message("aibox/qingniao/alarm".to_owned(), &body)
}

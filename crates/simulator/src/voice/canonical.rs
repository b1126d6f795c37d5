//! Wanglou's own format, `docs/canonical.md`.

use super::{Message, Said};
use serde::Serialize;
use wanglou_model::Reading;

#[derive(Serialize)]
struct Body<'a> {
    device: &'a str,
    #[serde(flatten)]
    reading: &'a Reading,
    at_device: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
}

pub(super) fn message(said: &Said<'_>) -> Message {
    let device = said.sensor.identity.as_str();
    let body = Body { device, reading: said.reading, at_device: said.utc(), event: event(said) };
    let payload = serde_json::to_vec(&body).unwrap_or_default();
    Message { topic: format!("wanglou/v1/in/{device}"), payload, retain: false }
}

/// What happened once has an id; what lasts is told by its state.
fn event(said: &Said<'_>) -> Option<String> {
    let once = matches!(
        said.reading,
        Reading::ThrownObject { .. } | Reading::Access { .. } | Reading::Sos { active: true, .. }
    );
    once.then(|| format!("{:016x}", said.unique()))
}

//! The same thing in each vendor's words. A format is written here the way the vendor's documents describe it, not by
//! reading our profiles backwards: that a profile understands it is what the tests find out.

mod canonical;
mod chirpstack;
mod facade_cameras;
mod lift_cameras;
mod zigbee2mqtt;

use crate::compound::Sensor;
use crate::random::Random;
use jiff::tz::{Offset, TimeZone};
use wanglou_model::{Device, LiftClass, Reading, Timestamp};

/// A message as it goes to the broker, always at QoS 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The MQTT topic.
    pub topic: String,
    /// The payload, byte for byte.
    pub payload: Vec<u8>,
    /// The broker is to keep it for later subscribers.
    pub retain: bool,
}

/// A vendor's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    Canonical,
    Zigbee2mqtt,
    Chirpstack,
    ElevatorCn,
    MegCube,
    Qingniao,
    Hikvision,
    IpcHapi,
}

impl Voice {
    /// The format of a device, by its profile; `None` for profiles that are not simulated.
    pub(crate) fn of(device: &Device) -> Option<Voice> {
        Some(match device.profile.as_str() {
            "wanglou" => Voice::Canonical,
            "zigbee2mqtt" => Voice::Zigbee2mqtt,
            "chirpstack" => Voice::Chirpstack,
            "elevator_cn" => Voice::ElevatorCn,
            // One profile for two brands; their serial numbers differ.
            "ai_box" if device.identity.starts_with("QN") => Voice::Qingniao,
            "ai_box" => Voice::MegCube,
            "hikvision" => Voice::Hikvision,
            "ipc_hapi" => Voice::IpcHapi,
            _ => return None,
        })
    }

    /// Has the vendor's format a word for it? What it has none for is not sent.
    pub(crate) fn can_say(self, reading: &Reading) -> bool {
        let contact = matches!(reading, Reading::Contact { open: Some(_), .. });
        let ebike = matches!(reading, Reading::LiftCamera { class: LiftClass::Ebike, .. });
        let gone = matches!(reading, Reading::LiftCamera { present: false, .. });
        match self {
            Voice::Canonical => true,
            Voice::Zigbee2mqtt => contact || matches!(reading, Reading::Availability { .. }),
            Voice::Chirpstack => contact || matches!(reading, Reading::Cover { tilt_deg: Some(_), .. }),
            Voice::ElevatorCn | Voice::Qingniao => ebike,
            Voice::MegCube => ebike && !gone,
            Voice::Hikvision | Voice::IpcHapi => matches!(reading, Reading::ThrownObject { .. }),
        }
    }

    /// Does it say how sure it is?
    pub(crate) fn has_confidence(self) -> bool {
        match self {
            Voice::Canonical | Voice::Hikvision => true,
            Voice::Zigbee2mqtt
            | Voice::Chirpstack
            | Voice::ElevatorCn
            | Voice::MegCube
            | Voice::Qingniao
            | Voice::IpcHapi => false,
        }
    }
}

impl Sensor {
    /// What it sends for `reading`, of which its voice can speak. `nonce` tells messages of one simulation apart.
    pub(crate) fn message(&self, reading: &Reading, at: Timestamp, nonce: u64) -> Message {
        let said = Said { sensor: self, reading, at, nonce };
        match self.voice {
            Voice::Canonical => canonical::message(&said),
            Voice::Zigbee2mqtt => zigbee2mqtt::message(&said),
            Voice::Chirpstack => chirpstack::message(&said),
            Voice::ElevatorCn => lift_cameras::elevator_cn(&said),
            Voice::MegCube => lift_cameras::megcube(&said),
            Voice::Qingniao => lift_cameras::qingniao(&said),
            Voice::Hikvision => facade_cameras::hikvision(&said),
            Voice::IpcHapi => facade_cameras::ipc_hapi(&said),
        }
    }
}

/// Who says what, when, by the device's clock.
struct Said<'a> {
    sensor: &'a Sensor,
    reading: &'a Reading,
    at: Timestamp,
    nonce: u64,
}

impl Said<'_> {
    /// Unlike any other message's, also of another run with the same seed: gateways take a repeated id for a repeat.
    fn unique(&self) -> u64 {
        Random::of(self.nonce, &[self.at.0.unsigned_abs()]).next()
    }

    /// Belongs to the device and does not change.
    fn trait_of_device(&self, which: u64) -> Random {
        let name =
            self.sensor.id.as_str().bytes().fold(0u64, |sum, byte| sum.wrapping_mul(31) + u64::from(byte));
        Random::of(name, &[which])
    }

    /// RFC 3339 in UTC, to the millisecond.
    fn utc(&self) -> String {
        utc(self.at)
    }

    /// `2026-03-02 09:00:00` in China, where such boxes keep their time without an offset.
    fn beijing(&self) -> String {
        let zone = TimeZone::fixed(Offset::constant(8));
        instant(self.at).to_zoned(zone).datetime().strftime("%Y-%m-%d %H:%M:%S").to_string()
    }
}

fn instant(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or_default()
}

fn utc(at: Timestamp) -> String {
    format!("{:.3}", instant(at))
}

/// A message that is not retained.
fn message(topic: String, body: &serde_json::Value) -> Message {
    Message { topic, payload: body.to_string().into_bytes(), retain: false }
}

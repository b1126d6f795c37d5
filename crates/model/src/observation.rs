//! What a sensor said, in one vocabulary for all vendors.
//!
//! An observation is a claim about one device at one moment; whether it matters is for the engine to decide.
//! A field that a message lacks is `None`, never a default: absent is not "normal".

use crate::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How far a message can be trusted in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// Fresh, and the clocks agree.
    #[default]
    Ok,
    /// Older than ten minutes, by its own time or because it came out of a blind time.
    Late,
    /// The device's clock is more than 120 s ahead or 7 days behind: the receive time rules.
    SuspectClock,
    /// Marked by its sender as stored earlier and sent again.
    Replayed,
    /// A self-test.
    Test,
}

/// A picture or a clip that belongs to an observation. Never the bytes themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Where it can be had; absent for one that came inside the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// SHA-256 of its bytes in lower-case hex, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Its length in bytes, when it came inside the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
}

/// What a repeated statement means, where the profile says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// Each message counts, but for those that the vendor or the broker delivered before.
    #[default]
    Count,
    /// The same content from the same device within so many milliseconds of the first is one statement: the device
    /// sends each of them several times.
    WithinMs(u32),
    /// It tells a state again and again: never the beginning of anything, still a sign that the device lives.
    State,
    /// Each message counts, and has an id of its own: the same id with other content is a fault of the sender.
    UniqueIds,
}

impl Repeats {
    /// Does each message count?
    pub fn count(&self) -> bool {
        *self == Repeats::Count
    }
}

/// One statement by one device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The vendor's own identity of the device, unique within the profile.
    pub device: String,
    /// What it said.
    #[serde(flatten)]
    pub reading: Reading,
    /// When, by the device's clock, if the message says so.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_micros::option")]
    pub at_device: Option<Timestamp>,
    /// How far its time can be trusted.
    #[serde(default)]
    pub quality: Quality,
    /// The vendor's id of the event, if it gives one: part of the alarm's identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The vendor's running number of the message, if it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
    /// Pictures and clips.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What saying it again means.
    #[serde(default, skip_serializing_if = "Repeats::count")]
    pub repeats: Repeats,
    /// The profile that made it.
    #[serde(default)]
    pub profile: Arc<str>,
}

impl Observation {
    /// A device says this and nothing beside it: no time, no id, no evidence, not for a second time.
    pub fn plain(profile: &str, device: &str, reading: Reading) -> Self {
        Self {
            device: device.to_owned(),
            reading,
            at_device: None,
            quality: Quality::Ok,
            event: None,
            sequence: None,
            evidence: Vec::new(),
            repeats: Repeats::Count,
            profile: profile.into(),
        }
    }
}

/// What a lift camera recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LiftClass {
    Ebike,
    EbikeBattery,
    Bicycle,
    Wheelchair,
    Stroller,
    Cart,
    Scooter,
    Person,
    None,
}

/// A lift door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LiftDoor {
    Open,
    Opening,
    Closing,
    Closed,
}

/// The mode that a lift's controller reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LiftMode {
    Normal,
    Inspection,
    Fire,
    OutOfService,
    Fault,
}

/// The size of a thrown object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "small, medium, large")]
pub enum ObjectSize {
    S,
    M,
    L,
}

/// A resident's answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum CallAnswer {
    Ok,
    Help,
    Cooking,
    OtherPerson,
    Unclear,
    None,
}

/// What an availability message speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AvailabilityScope {
    /// The device alone.
    Device,
    /// A hub, and so everything behind it.
    Hub,
    /// A vendor's server, and so everything behind it.
    Server,
}

/// The typed value of an observation. In JSON `{"kind": …, "value": {…}}`; units are in the field names.
///
/// Source of the kinds: the project's vocabulary of observations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
#[expect(missing_docs, reason = "field names carry meaning and unit; the vocabulary explains each kind")]
#[expect(
    clippy::large_enum_variant,
    reason = "one observation lives at a time; boxing would cost an allocation each"
)]
pub enum Reading {
    /// A door or window contact. `opens` counts openings since the device started.
    Contact {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        open: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        opens: Option<u64>,
    },
    Motion {
        active: bool,
    },
    Vibration {
        active: bool,
    },
    Tamper {
        active: bool,
    },
    Sos {
        active: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
    },
    Smoke {
        active: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<String>,
    },
    Leak {
        wet: bool,
    },
    /// A dry contact or button whose meaning the registry gives.
    Input {
        number: u32,
        active: bool,
    },
    Heat {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        celsius: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        active: Option<bool>,
    },
    Temperature {
        celsius: f64,
    },
    Gas {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        active: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lel_pct: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ch4_ppm: Option<f64>,
    },
    Co {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        active: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        ppm: Option<f64>,
    },
    H2s {
        ppm: f64,
    },
    /// A manhole cover: its angle from closed rest, and what the device made of it.
    Cover {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tilt_deg: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moved: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        open: Option<bool>,
    },
    WaterLevel {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mm_below_rim: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mm: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alarm: Option<bool>,
    },
    WaterMeter {
        litres: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interval_s: Option<f64>,
    },
    PowerMeter {
        kwh: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        interval_s: Option<f64>,
    },
    Noise {
        laeq_db: f64,
        period_s: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lmax_db: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        valid_s: Option<f64>,
        weighting: String,
    },
    LiftCamera {
        class: LiftClass,
        present: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picture: Option<Evidence>,
    },
    LiftStatus {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        door: Option<LiftDoor>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        moving: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mode: Option<LiftMode>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_command: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        hold_feedback: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        persons: Option<u32>,
    },
    LiftFault {
        code: String,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        active: bool,
        entrapment: bool,
    },
    ThrownObject {
        active: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        track: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_micros::option")]
        from: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_micros::option")]
        until: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        drop_m: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor_min: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        floor_max: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        column: Option<i32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        size: Option<ObjectSize>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        speed_mps: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        horizontal_m: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        upward: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        people_below: Option<bool>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        clip: Option<Evidence>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        picture: Option<Evidence>,
    },
    Object {
        class: String,
        active: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        confidence: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        track: Option<String>,
    },
    Intrusion {
        active: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
    },
    LineCrossed {
        active: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<String>,
    },
    Access {
        result: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        credential_hash: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        method: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    WatchHit {
        hit_id: String,
        score: f64,
    },
    Vehicle {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plate_hash: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<String>,
        segment: String,
        present: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attended: Option<bool>,
    },
    Parking {
        occupied: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dwell_s: Option<f64>,
    },
    Actuator {
        role: String,
        state: String,
    },
    CallResult {
        to: String,
        answer: CallAnswer,
    },
    Weather {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rain_mm_h: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        wind_mps: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        celsius: Option<f64>,
    },
    Count {
        #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
        entered: Option<u64>,
        #[serde(default, rename = "out", skip_serializing_if = "Option::is_none")]
        left: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        class: Option<String>,
    },
    Battery {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pct: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        volts: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        low: Option<bool>,
    },
    Link {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rssi_dbm: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        snr_db: Option<f64>,
    },
    Heartbeat {},
    Availability {
        online: bool,
        scope: AvailabilityScope,
    },
    DeviceFault {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        active: bool,
    },
    Clock {
        offset_s: f64,
    },
    SelfTest {
        result: String,
    },
    /// A code that no mapping knows, a failed coercion, a missing polarity: shown, counted, never "normal".
    Unknown {
        raw: String,
    },
}

impl Reading {
    /// The kind's name, as in JSON, in profiles and in metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Reading::Contact { .. } => "contact",
            Reading::Motion { .. } => "motion",
            Reading::Vibration { .. } => "vibration",
            Reading::Tamper { .. } => "tamper",
            Reading::Sos { .. } => "sos",
            Reading::Smoke { .. } => "smoke",
            Reading::Leak { .. } => "leak",
            Reading::Input { .. } => "input",
            Reading::Heat { .. } => "heat",
            Reading::Temperature { .. } => "temperature",
            Reading::Gas { .. } => "gas",
            Reading::Co { .. } => "co",
            Reading::H2s { .. } => "h2s",
            Reading::Cover { .. } => "cover",
            Reading::WaterLevel { .. } => "water_level",
            Reading::WaterMeter { .. } => "water_meter",
            Reading::PowerMeter { .. } => "power_meter",
            Reading::Noise { .. } => "noise",
            Reading::LiftCamera { .. } => "lift_camera",
            Reading::LiftStatus { .. } => "lift_status",
            Reading::LiftFault { .. } => "lift_fault",
            Reading::ThrownObject { .. } => "thrown_object",
            Reading::Object { .. } => "object",
            Reading::Intrusion { .. } => "intrusion",
            Reading::LineCrossed { .. } => "line_crossed",
            Reading::Access { .. } => "access",
            Reading::WatchHit { .. } => "watch_hit",
            Reading::Vehicle { .. } => "vehicle",
            Reading::Parking { .. } => "parking",
            Reading::Actuator { .. } => "actuator",
            Reading::CallResult { .. } => "call_result",
            Reading::Weather { .. } => "weather",
            Reading::Count { .. } => "count",
            Reading::Battery { .. } => "battery",
            Reading::Link { .. } => "link",
            Reading::Heartbeat {} => "heartbeat",
            Reading::Availability { .. } => "availability",
            Reading::DeviceFault { .. } => "device_fault",
            Reading::Clock { .. } => "clock",
            Reading::SelfTest { .. } => "self_test",
            Reading::Unknown { .. } => "unknown",
        }
    }
}

/// RFC 3339 for what people and other systems read: `2026-03-02T01:00:00.5Z`.
pub mod rfc3339_micros {
    use crate::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes a time in UTC, with as many digits of the fraction as it needs. Outside the years −9999 to 9999
    /// the nearest of the two ends is written.
    pub fn format(at: Timestamp) -> String {
        let bounded =
            at.0.clamp(jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_microsecond());
        jiff::Timestamp::from_microsecond(bounded).unwrap_or_default().to_string()
    }

    /// Reads RFC 3339 with any offset; `None` for anything else.
    pub fn parse(text: &str) -> Option<Timestamp> {
        text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_microsecond()))
    }

    /// For `#[serde(with)]` on a [`Timestamp`].
    ///
    /// # Errors
    /// The serializer's own.
    pub fn serialize<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format(*at))
    }

    /// For `#[serde(with)]` on a [`Timestamp`].
    ///
    /// # Errors
    /// When the text is not RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{text:?} is not an RFC 3339 time")))
    }

    /// The same for an optional field.
    pub mod option {
        use super::{Deserialize, Deserializer, Serializer, Timestamp};

        /// Writes a time, or null.
        ///
        /// # Errors
        /// The serializer's own.
        pub fn serialize<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
            match at {
                Some(at) => super::serialize(at, serializer),
                None => serializer.serialize_none(),
            }
        }

        /// Reads a time, or null.
        ///
        /// # Errors
        /// When the text is not RFC 3339.
        pub fn deserialize<'de, D: Deserializer<'de>>(
            deserializer: D,
        ) -> Result<Option<Timestamp>, D::Error> {
            let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
            let wrong = || serde::de::Error::custom(format!("{text:?} is not an RFC 3339 time"));
            super::parse(&text).map(Some).ok_or_else(wrong)
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn offsets_are_honoured_and_nonsense_is_not_a_time() {
            let utc = |text| parse(text).map(format);
            assert_eq!(utc("2026-03-02T09:00:00+08:00").as_deref(), Some("2026-03-02T01:00:00Z"));
            assert_eq!(
                utc("2026-03-02T07:41:09.215402+00:00").as_deref(),
                Some("2026-03-02T07:41:09.215402Z")
            );
            for bad in
                ["", "2026-02-29T00:00:00Z", "2026-03-02", "2026-03-02T09:00:00", "2026-13-02T09:00:00Z"]
            {
                assert_eq!(parse(bad), None, "{bad}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_observation_is_written_as_the_vocabulary_says() {
        let reading = Reading::Contact { open: Some(true), opens: None };
        let observation = Observation {
            at_device: rfc3339_micros::parse("2026-03-02T01:00:00Z"),
            ..Observation::plain("zigbee2mqtt", "home-3-1203/door", reading)
        };
        let json = serde_json::to_string(&observation).expect("serialises");
        let expected = r#"{"device":"home-3-1203/door","kind":"contact","value":{"open":true},"at_device":"2026-03-02T01:00:00Z","quality":"ok","profile":"zigbee2mqtt"}"#;
        assert_eq!(json, expected);
        assert_eq!(serde_json::from_str::<Observation>(&json).expect("parses"), observation);
    }

    #[test]
    fn every_kind_has_the_name_that_json_uses() {
        let json = serde_json::to_value(Reading::H2s { ppm: 1.0 }).expect("serialises");
        assert_eq!(json["kind"], Reading::H2s { ppm: 1.0 }.kind());
        let json = serde_json::to_value(Reading::Heartbeat {}).expect("serialises");
        assert_eq!(json["kind"], "heartbeat");
    }
}

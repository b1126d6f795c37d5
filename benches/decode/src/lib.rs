//! What the decode bench measures: profiles with their examples, and two messages as serde_json would read them.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use wanglou_model::{Decoded, RawMessage, Timestamp};
use wanglou_profiles::{DecodeState, ProfileSet};

/// A message of a family that somebody understands.
#[derive(Debug, Clone)]
pub struct Sample {
    /// The profile's name.
    pub family: String,
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Sample {
    /// As the gateway receives it.
    pub fn raw(&self) -> RawMessage<'_> {
        let at = Timestamp::from_millis(1_772_413_200_000);
        RawMessage { topic: &self.topic, payload: &self.payload, at, retain: false, dup: false }
    }

    /// Does the set make observations of it?
    pub fn is_observed(&self, set: &ProfileSet) -> bool {
        let decoding = set.decode_in(&self.raw(), &mut DecodeState::default());
        matches!(decoding.decoded, Decoded::Observations(_))
    }
}

/// The profiles that come with the program.
///
/// # Panics
/// When they are not there, or have faults.
pub fn shipped() -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/profiles");
    let paths =
        std::fs::read_dir(folder).expect("the profiles are there").flatten().map(|entry| entry.path());
    let toml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let named = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("readable"))
    };
    toml.map(named).collect()
}

/// A compiled set.
///
/// # Panics
/// When a file has faults.
pub fn compiled(files: &BTreeMap<String, Vec<u8>>) -> ProfileSet {
    match ProfileSet::compile(files) {
        Ok(set) => set,
        Err(faults) => panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

/// Of each profile the longest of its examples that says something.
///
/// # Panics
/// When a file is no TOML.
pub fn one_of_each(files: &BTreeMap<String, Vec<u8>>, set: &ProfileSet) -> Vec<Sample> {
    let of = |bytes: &Vec<u8>| {
        let file: toml::Table = toml::from_str(&String::from_utf8_lossy(bytes)).expect("TOML");
        let family = file.get("name").and_then(toml::Value::as_str).unwrap_or("?").to_owned();
        let examples = file.get("example").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let sample = |example: &toml::Value| {
            let text = |key: &str| example.get(key).and_then(toml::Value::as_str).map(str::to_owned);
            Some(Sample {
                family: family.clone(),
                topic: text("topic")?,
                payload: text("payload")?.into_bytes(),
            })
        };
        let samples = examples.iter().filter_map(sample).filter(|sample| sample.is_observed(set));
        samples.max_by_key(|sample| sample.payload.len())
    };
    files.values().filter_map(of).collect()
}

/// A door contact as Zigbee2MQTT sends it.
pub fn contact() -> Sample {
    Sample {
        family: "zigbee2mqtt".into(),
        topic: "zigbee2mqtt/home-5-0702/door".into(),
        payload: br#"{"battery":87,"battery_low":false,"contact":false,"linkquality":118,"tamper":false,"voltage":2985,"last_seen":"2026-03-02T08:59:58+08:00"}"#.to_vec(),
    }
}

/// The same, as a program for this one message would read it.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the vendor's names")]
pub struct Contact<'a> {
    pub contact: Option<bool>,
    pub battery: Option<f64>,
    pub battery_low: Option<bool>,
    pub tamper: Option<bool>,
    #[serde(borrow)]
    pub last_seen: Option<&'a str>,
}

/// An event of Frigate: what was, and what is, of one object; about 1.4 kB, with everything that nobody needs.
pub fn frigate() -> Sample {
    let half = |score: f64, end: &str| {
        format!(
            r#"{{"id":"1772413190.204117-k4m2zt","camera":"lift_5_cabin","frame_time":1772413191.402,"snapshot":{{"frame_time":1772413191.1,"box":[288,204,602,688],"area":151976,"region":[192,96,792,696],"score":{score},"attributes":[]}},"label":"motorcycle","sub_label":null,"top_score":0.86,"false_positive":false,"start_time":1772413190.204117,"end_time":{end},"score":{score},"box":[288,204,602,688],"area":151976,"ratio":0.65,"region":[192,96,792,696],"active":true,"stationary":false,"motionless_count":0,"position_changes":1,"current_zones":["cabin_floor"],"entered_zones":["cabin_floor"],"has_clip":true,"has_snapshot":true,"attributes":{{}},"current_attributes":[]}}"#
        )
    };
    let payload =
        format!(r#"{{"type":"update","before":{},"after":{}}}"#, half(0.81, "null"), half(0.86, "null"));
    Sample { family: "frigate".into(), topic: "frigate/events".into(), payload: payload.into_bytes() }
}

/// The same, as a program for this one message would read it.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the vendor's names")]
pub struct Event<'a> {
    #[serde(rename = "type", borrow)]
    pub what: &'a str,
    #[serde(borrow)]
    pub after: Tracked<'a>,
}

/// An object that Frigate follows.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the vendor's names")]
pub struct Tracked<'a> {
    pub id: &'a str,
    pub camera: &'a str,
    pub label: &'a str,
    pub score: f64,
    pub false_positive: bool,
    pub start_time: f64,
    pub frame_time: f64,
    pub end_time: Option<f64>,
    #[serde(borrow)]
    pub current_zones: Vec<&'a str>,
}

/// A profile for Frigate's events, for as long as none is shipped.
pub const FRIGATE: &str = r#"
format = 1
name = "frigate"
title = "Frigate"
title_zh = "Frigate"
lane = "alarm"
[[message]]
topic = "frigate/events"
device = "{/after/camera}"
time = { at = "/after/frame_time", as = "epoch_s" }
event = "/after/id"
[[message.rule]]
name = "object"
kind = "object"
value.class = { at = "/after/label" }
value.active = { at = "/type", true = ["new", "update"], false = ["end"] }
value.confidence = { at = "/after/score" }
value.track = { at = "/after/id" }
value.zone = { at = "/after/current_zones/0" }
[[example]]
topic = "frigate/events"
payload = '{"type":"new","after":{"id":"1","camera":"c","label":"car","score":0.9}}'
expect = [{ device = "c", kind = "object", value = { class = "car", active = true, confidence = 0.9, track = "1" }, event = "1" }]
"#;

/// So many door-contact profiles, each on a topic of its own, and a message for the last of them.
pub fn many(count: usize) -> (BTreeMap<String, Vec<u8>>, Sample) {
    let zigbee =
        shipped().remove("zigbee2mqtt.toml").map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let zigbee = zigbee.unwrap_or_default();
    let one = |number: usize| {
        let text = zigbee.replace("zigbee2mqtt/", &format!("family{number}/"));
        let text = text.replace("name = \"zigbee2mqtt\"", &format!("name = \"family{number}\""));
        (format!("family{number}.toml"), text.into_bytes())
    };
    let topic = format!("family{}/home-5-0702/door", count - 1);
    ((0..count).map(one).collect(), Sample { topic, ..contact() })
}

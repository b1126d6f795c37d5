//! One file of the folder: a message and what it means.

use base64::Engine;
use std::path::Path;
use wanglou_model::{Decoded, Observation, Quality, RawMessage, rfc3339_micros};
use wanglou_profiles::ProfileSet;

/// When the samples are received: one second after most of them were sent.
const RECEIVED: &str = "2026-03-02T15:41:10+08:00";

/// A message of the folder.
pub(crate) struct Sample {
    /// The subfolder.
    pub(crate) family: String,
    /// The file, without `.json`.
    pub(crate) file: String,
    /// What it means, for people.
    pub(crate) meaning: String,
    topic: String,
    payload: Vec<u8>,
    retain: bool,
}

/// Every file of every subfolder, by name.
pub(crate) fn all(folder: &Path) -> Vec<Sample> {
    let mut all: Vec<_> =
        entries(folder).iter().flat_map(|family| entries(family)).filter_map(|path| read(&path)).collect();
    all.sort_by(|a, b| (&a.family, &a.file).cmp(&(&b.family, &b.file)));
    all
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.expect("readable").path()).collect()
}

fn read(path: &Path) -> Option<Sample> {
    if path.extension()? != "json" {
        return None;
    }
    let name = |path: &Path| path.file_stem().map(|name| name.to_string_lossy().into_owned());
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let json: serde_json::Value =
        serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let text = |key: &str| json.get(key).and_then(|value| value.as_str());
    let payload = match (text("payload_base64"), text("payload_text")) {
        (Some(wire), _) => base64::engine::general_purpose::STANDARD.decode(wire).expect("base64"),
        (None, Some(text)) => text.into(),
        (None, None) => json.get("payload")?.to_string().into_bytes(),
    };
    Some(Sample {
        family: name(path.parent()?)?,
        file: name(path)?,
        meaning: text("meaning").unwrap_or_default().to_owned(),
        topic: text("topic")?.to_owned(),
        payload,
        retain: json.pointer("/mqtt/retain").and_then(serde_json::Value::as_bool).unwrap_or_default(),
    })
}

impl Sample {
    /// What the profiles make of it: a line for each observation, or the word for what else became of it.
    pub(crate) fn decoded(&self, set: &ProfileSet) -> (&'static str, Vec<String>) {
        let at = rfc3339_micros::parse(RECEIVED).expect("a time");
        let raw =
            RawMessage { topic: &self.topic, payload: &self.payload, at, retain: self.retain, dup: false };
        match set.decode(&raw) {
            Decoded::Observations(all) => ("decoded", all.iter().map(line).collect()),
            Decoded::Ignored(reason) => ("ignored", vec![reason]),
            Decoded::Unmatched(reason) => ("unmatched", vec![reason]),
            Decoded::Rejected { reason, .. } => ("rejected", vec![reason]),
        }
    }
}

/// `device: kind {value}`, with the quality where it is not "ok"; of what is unknown only that it is.
fn line(observation: &Observation) -> String {
    let json = serde_json::to_value(observation).expect("serialises");
    let quality = match observation.quality {
        Quality::Ok => String::new(),
        Quality::Late | Quality::SuspectClock | Quality::Replayed | Quality::Test => {
            format!(" {}", json["quality"].as_str().unwrap_or_default())
        }
    };
    let kind = observation.reading.kind();
    // What is unknown is shown raw, and the raw is the payload's.
    let value = if kind == "unknown" { String::new() } else { format!(" {}", json["value"]) };
    format!("{}: {kind}{value}{quality}", observation.device)
}

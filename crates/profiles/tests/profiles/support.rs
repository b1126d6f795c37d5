//! What the tests of this crate share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wanglou_model::{Decoded, Observation, Quality, RawMessage, Timestamp, rfc3339_micros};
use wanglou_profiles::{Fault, ProfileSet};

/// A folder of the workspace.
pub(crate) fn workspace(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
}

/// The files of `config/profiles`.
pub(crate) fn shipped_files() -> BTreeMap<String, Vec<u8>> {
    let folder = std::fs::read_dir(workspace("config/profiles")).expect("the profiles are there");
    let paths = folder.map(|entry| entry.expect("readable").path());
    let toml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("readable"))
    };
    toml.map(read).collect()
}

/// The shipped profiles, compiled.
pub(crate) fn shipped() -> ProfileSet {
    match ProfileSet::compile(&shipped_files()) {
        Ok(set) => set,
        Err(faults) => panic!("{}", shown(&faults)),
    }
}

/// A set of one profile file.
pub(crate) fn set_of(toml: &str) -> Result<ProfileSet, Vec<Fault>> {
    ProfileSet::compile(&BTreeMap::from([("test.toml".to_owned(), toml.as_bytes().to_vec())]))
}

/// The body of a `[[message]]` as a whole profile on the topic `t/{device}`, with the payloads as examples so
/// that every rule is reached.
pub(crate) fn message_set(message: &str, payloads: &[&str]) -> ProfileSet {
    let toml = profile_text(message, payloads);
    match set_of(&toml) {
        Ok(set) => set,
        Err(faults) => panic!("{}\n{toml}", shown(&faults)),
    }
}

/// The text of that profile.
pub(crate) fn profile_text(message: &str, payloads: &[&str]) -> String {
    let mut toml = String::from(
        "format = 1\nname = \"test\"\ntitle = \"Test\"\ntitle_zh = \"测试\"\n[[message]]\ntopic = \"t/{device}\"\n",
    );
    if !message.contains("device =") {
        toml.push_str("device = \"{device}\"\n");
    }
    toml.push_str(message);
    for payload in payloads {
        toml.push_str(&format!(
            "\n[[example]]\ntopic = \"t/d\"\npayload = '''{payload}'''\nignored = \"\"\n"
        ));
    }
    toml
}

/// Faults as people read them.
pub(crate) fn shown(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n")
}

/// When the tests' messages are received.
pub(crate) fn received() -> Timestamp {
    rfc3339_micros::parse("2026-03-02T09:00:00+08:00").expect("a time")
}

/// Decodes a payload that comes at [`received`].
pub(crate) fn decode(set: &ProfileSet, topic: &str, payload: &[u8]) -> Decoded {
    set.decode(&RawMessage { topic, payload, at: received(), retain: false, dup: false })
}

/// What one payload on `t/d` gives, as short lines: `kind {value}`, with quality, time and event where they say
/// something; or `ignored`, `unmatched`, `rejected` with the reason.
pub(crate) fn said(set: &ProfileSet, payload: &str) -> Vec<String> {
    lines(decode(set, "t/d", payload.as_bytes()))
}

/// The same of anything decoded.
pub(crate) fn lines(decoded: Decoded) -> Vec<String> {
    match decoded {
        Decoded::Observations(all) => all.iter().map(line).collect(),
        Decoded::Ignored(reason) => vec![format!("ignored: {reason}")],
        Decoded::Unmatched(reason) => vec![format!("unmatched: {reason}")],
        Decoded::Rejected { profile, reason } => vec![format!("rejected by {profile}: {reason}")],
    }
}

fn line(observation: &Observation) -> String {
    let json = serde_json::to_value(observation).expect("serialises");
    let mut line = format!("{} {}", observation.reading.kind(), json["value"]);
    if observation.quality != Quality::Ok {
        line.push_str(&format!(" {}", json["quality"].as_str().unwrap_or_default()));
    }
    for field in ["at_device", "event", "sequence"] {
        if let Some(value) = json.get(field) {
            line.push_str(&format!(" {field}={}", value.as_str().map_or(value.to_string(), str::to_owned)));
        }
    }
    if observation.device != "d" {
        line.push_str(&format!(" of {}", observation.device));
    }
    line
}

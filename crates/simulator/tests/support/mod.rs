//! The demo compound and the profiles that are shipped: what both tests of the traffic hold it against.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use wanglou_model::{Decoded, Observation, RawMessage, Site};
use wanglou_profiles::ProfileSet;
use wanglou_simulator::Event;
use wanglou_site::{Compound, read_folder};

pub(crate) static SITE: LazyLock<Site> = LazyLock::new(|| {
    let files = read_folder(&config().join("sites/demo")).expect("the demo site");
    Compound::check(&files).expect("without faults").site
});

static PROFILES: LazyLock<ProfileSet> = LazyLock::new(|| {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(config().join("profiles")).expect("the profiles") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        files.insert(name, std::fs::read(&path).expect("its text"));
    }
    ProfileSet::compile(&files).expect("without faults")
});

fn config() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config")
}

/// What the shipped profiles make of the event's message, which they must understand.
pub(crate) fn decoded(event: &Event) -> Vec<Observation> {
    let message = event.message(event.at);
    let raw = RawMessage {
        topic: &message.topic,
        payload: &message.payload,
        at: event.at,
        retain: message.retain,
        dup: false,
    };
    let decoded = PROFILES.decode(&raw);
    let text = || String::from_utf8_lossy(&message.payload);
    let Decoded::Observations(said) = decoded else { panic!("{} {}: {decoded:?}", message.topic, text()) };
    said
}

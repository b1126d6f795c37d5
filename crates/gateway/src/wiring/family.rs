//! Which of the profiles at hand speaks most like a sample: by the keys that its examples have.

use super::shape::leaves;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Two messages of one family share at least this part of their keys.
const ALIKE: f64 = 0.5;
/// Fewer keys say nothing.
const KEYS_MIN: usize = 3;

/// A family that a sample looks like.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Family {
    /// The profile's file.
    pub(super) file: String,
    /// Keys that sample and example share, and all that they have.
    pub(super) shared: usize,
    /// All keys of both.
    pub(super) all: usize,
}

/// The nearest family, if one is near. `files`: profile files by name.
pub(super) fn nearest(files: &BTreeMap<String, Vec<u8>>, body: &Value) -> Option<Family> {
    let keys = keys(body);
    if keys.len() < KEYS_MIN {
        return None;
    }
    let mut best: Option<Family> = None;
    for (file, bytes) in files {
        for example in examples(bytes) {
            let shared = keys.intersection(&example).count();
            let all = keys.union(&example).count();
            let found = Family { file: file.clone(), shared, all };
            let better = best.as_ref().is_none_or(|best| found.share() > best.share());
            if found.share() >= ALIKE && better {
                best = Some(found);
            }
        }
    }
    best
}

impl Family {
    fn share(&self) -> f64 {
        self.shared as f64 / self.all.max(1) as f64
    }
}

fn keys(body: &Value) -> BTreeSet<String> {
    leaves(body).into_iter().map(|leaf| leaf.pointer).collect()
}

/// The keys of each example that is JSON.
fn examples(bytes: &[u8]) -> Vec<BTreeSet<String>> {
    let text = String::from_utf8_lossy(bytes);
    let Ok(file) = toml::from_str::<toml::Table>(&text) else { return Vec::new() };
    let examples = file.get("example").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    let payloads = examples.iter().filter_map(|example| example.get("payload")?.as_str());
    payloads.filter_map(|payload| serde_json::from_str(payload).ok()).map(|body: Value| keys(&body)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_known_by_its_keys_and_strangers_are_not_taken_for_one() {
        let file = r#"
[[example]]
payload = '{"battery":87,"contact":false,"linkquality":118,"voltage":2985}'
[[example]]
payload = 'offline'
"#;
        let files = [("z.toml".to_owned(), file.as_bytes().to_vec())].into();
        let like = serde_json::json!({"battery": 1, "contact": true, "linkquality": 3});
        let family = nearest(&files, &like).expect("alike");
        assert_eq!((&*family.file, family.shared, family.all), ("z.toml", 3, 4));
        assert_eq!(nearest(&files, &serde_json::json!({"battery": 1, "b": 2, "c": 3})), None);
        assert_eq!(nearest(&files, &serde_json::json!({"battery": 1})), None, "one key says nothing");
    }
}

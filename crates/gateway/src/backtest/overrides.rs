//! What a scenario changes of the configuration before it begins.

use super::line::{Fault, Scenario};
use crate::configuration::Loaded;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use wanglou_engine::{RuleSettings, Setup};
use wanglou_model::{DeviceId, Site};

/// `{"set":{…}}`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overrides {
    /// The folder of another compound, relative to the gateway's file; or an object that is merged into the checked
    /// compound, where null takes a key away: `{"homes":{"3/2/1203":{"high_risk":true}}}`.
    #[serde(default)]
    site: Option<Value>,
    /// Merged into `rules.toml`: `{"manhole":{"open_deg":20}}`.
    #[serde(default)]
    rules: Option<Map<String, Value>>,
    /// In place of `rota.toml`, with the same keys: `{"shift":{…},"duty":[…]}`.
    #[serde(default)]
    rota: Option<Map<String, Value>>,
}

impl Overrides {
    /// These on top of others.
    pub fn over(&self, base: &Overrides) -> Overrides {
        let site = match (&base.site, &self.site) {
            (Some(base), Some(Value::Object(changes))) => {
                let mut both = base.clone();
                graft(&mut both, changes);
                Some(both)
            }
            (base, site) => site.clone().or(base.clone()),
        };
        let rules = match (&base.rules, &self.rules) {
            (Some(base), Some(changes)) => {
                let mut both = Value::Object(base.clone());
                graft(&mut both, changes);
                both.as_object().cloned()
            }
            (base, rules) => rules.clone().or(base.clone()),
        };
        Overrides { site, rules, rota: self.rota.clone().or(base.rota.clone()) }
    }
}

/// The configuration with a scenario's overrides.
///
/// # Errors
/// What is wrong with them.
pub fn apply(loaded: &Loaded, scenario: &Scenario) -> Result<Arc<Setup>, Vec<Fault>> {
    let Some((line, set)) = &scenario.set else { return Ok(Arc::clone(&loaded.decisive.setup)) };
    let fault = |message: String| vec![Fault { file: scenario.name.clone(), line: *line, message }];
    changed(loaded, set).map_err(fault)
}

fn changed(loaded: &Loaded, set: &Overrides) -> Result<Arc<Setup>, String> {
    let setup = &loaded.decisive.setup;
    let mut site = match (&set.site, &set.rota) {
        (None | Some(Value::Object(_)), None) => setup.site.clone(),
        (site, rota) => read_again(loaded, site.as_ref().and_then(Value::as_str), rota.as_ref())?,
    };
    match &set.site {
        None | Some(Value::String(_)) => {}
        Some(Value::Object(changes)) => site = with_identities(merged(&site, changes, "set.site")?),
        Some(other) => return Err(format!("set.site: {other} is neither a folder nor an object")),
    }
    let rules: RuleSettings = match &set.rules {
        Some(changes) => merged(&setup.rules, changes, "set.rules")?,
        None => setup.rules.clone(),
    };
    let hash = format!("{}+set", setup.hash);
    Setup::new(site, rules, hash, setup.channels.clone()).map(Arc::new).map_err(|error| error.to_string())
}

fn read_again(
    loaded: &Loaded,
    folder: Option<&str>,
    rota: Option<&Map<String, Value>>,
) -> Result<Site, String> {
    let folder = loaded.folder.join(folder.map_or(loaded.gateway.site.clone(), Into::into));
    let unread = |error: std::io::Error| format!("set.site: {}: {error}", folder.display());
    let mut files = wanglou_site::read_folder(&folder).map_err(unread)?;
    if let Some(rota) = rota {
        let text = toml::to_string(rota).map_err(|error| format!("set.rota: {error}"))?;
        files.insert(wanglou_site::ROTA.to_owned(), text.into_bytes());
    }
    let words = |faults: Vec<wanglou_site::Fault>| {
        let errors = faults.iter().filter(|fault| fault.severity == wanglou_site::Severity::Error);
        errors.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    wanglou_site::Compound::check(&files).map(|checked| checked.site).map_err(words)
}

fn merged<T>(value: &T, changes: &Map<String, Value>, what: &str) -> Result<T, String>
where
    T: serde::Serialize + DeserializeOwned,
{
    let mut whole = serde_json::to_value(value).map_err(|error| error.to_string())?;
    merge(&mut whole, &Value::Object(changes.clone()));
    serde_json::from_value(whole).map_err(|error| format!("{what}: {error}"))
}

fn merge(whole: &mut Value, changes: &Value) {
    let (Value::Object(whole), Value::Object(changes)) = (&mut *whole, changes) else {
        whole.clone_from(changes);
        return;
    };
    for (key, change) in changes {
        if change.is_null() {
            whole.remove(key);
        } else {
            merge(whole.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Puts changes into changes: here null stays, to take away what it finds later.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn graft(whole: &mut Value, changes: &Map<String, Value>) {
    let Value::Object(whole) = whole else {
        *whole = Value::Object(changes.clone());
        return;
    };
    for (key, change) in changes {
        match change {
            Value::Object(inner) => graft(whole.entry(key.clone()).or_insert(Value::Null), inner),
            other => {
                whole.insert(key.clone(), other.clone());
            }
        }
    }
}

/// Devices may have come, gone or been renamed.
fn with_identities(mut site: Site) -> Site {
    let mut identities: BTreeMap<String, BTreeMap<String, DeviceId>> = BTreeMap::new();
    for (id, device) in &site.devices {
        identities.entry(device.profile.clone()).or_default().insert(device.identity.clone(), id.clone());
    }
    site.identities = identities;
    site
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_is_merged_and_null_takes_away() {
        let mut whole = json!({"a": {"b": 1, "c": 2}, "d": [1, 2]});
        merge(&mut whole, &json!({"a": {"b": 5, "c": null, "e": {"f": 1}}, "d": [3]}));
        assert_eq!(whole, json!({"a": {"b": 5, "e": {"f": 1}}, "d": [3]}));
    }

    #[test]
    fn an_unknown_rule_key_is_refused() {
        let Value::Object(changes) = json!({"manhole": {"open_dge": 20}}) else { panic!("an object") };
        let error = merged(&RuleSettings::default(), &changes, "set.rules").expect_err("unknown");
        assert!(error.contains("open_dge"), "{error}");
    }
}

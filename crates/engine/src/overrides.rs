//! Thresholds that are other in a zone, or at some hours: `[[override]]` in `rules.toml`. Which of them hold is found each
//! time that a rule looks at a place, by that place and the compound's clock; later ones lie over earlier ones.
//!
//! ```toml
//! [[override]]
//! zone = "3"              # a place with all inside it, or that names it as its zone; absent: everywhere
//! from = "22:00"          # hours of the day; absent: always
//! until = "06:00"
//! manhole.open_deg = 10.0
//! ```

use crate::calendar::Local;
use crate::rules::RuleSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use wanglou_model::{MinuteOfDay, PlaceId, Site};

/// More of them than this are refused: each combination that occurs is kept.
pub const OVERRIDES_MAX: usize = 32;
/// Combinations that are kept; more are worked out each time.
const COMBINATIONS_MAX: usize = 1_024;

/// One override, as written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Override {
    /// Where: this place with all inside it, and places that name it as their zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<PlaceId>,
    /// From this time of day on, `HH:MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until this time of day, `HH:MM`; before `from` it runs past midnight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// By rule, the thresholds that are other.
    #[serde(flatten)]
    pub rules: Map<String, Value>,
}

/// What is wrong with an override.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// There are too many.
    #[error("{count} overrides, at most {OVERRIDES_MAX}")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// It names no place of the registry.
    #[error("override {number}: there is no place {zone:?}, and none names it as its zone")]
    UnknownZone {
        /// Which one, from 1.
        number: usize,
        /// As written.
        zone: String,
    },
    /// Its hours are none.
    #[error("override {number}: from and until go together, as times such as \"22:00\"")]
    Hours {
        /// Which one, from 1.
        number: usize,
    },
    /// It changes nothing, or something that no rule has.
    #[error("override {number}: {problem}")]
    Rules {
        /// Which one, from 1.
        number: usize,
        /// In words.
        problem: String,
    },
}

/// All of them, checked.
#[derive(Debug, Default)]
pub struct Overrides {
    parsed: Vec<Parsed>,
    /// What holds by which of them apply, one bit each.
    combined: Mutex<BTreeMap<u32, Arc<RuleSettings>>>,
}

#[derive(Debug)]
struct Parsed {
    zone: Option<PlaceId>,
    hours: Option<(MinuteOfDay, MinuteOfDay)>,
    rules: Map<String, Value>,
}

impl Overrides {
    /// Checks what `rules.toml` says.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(rules: &RuleSettings, site: &Site) -> Result<Self, OverrideError> {
        let count = rules.overrides.len();
        if count > OVERRIDES_MAX {
            return Err(OverrideError::TooMany { count });
        }
        let one = |(index, found): (usize, &Override)| parse(index + 1, found, rules, site);
        let parsed = rules.overrides.iter().enumerate().map(one).collect::<Result<_, _>>()?;
        Ok(Self { parsed, combined: Mutex::default() })
    }

    /// Are there none? Then nobody need ask.
    pub fn is_empty(&self) -> bool {
        self.parsed.is_empty()
    }

    /// The settings for a place at a time of the compound's day.
    pub(crate) fn at(
        &self,
        rules: &RuleSettings,
        site: &Site,
        place: &PlaceId,
        local: Local,
    ) -> Arc<RuleSettings> {
        let mut mask = 0_u32;
        for (bit, found) in self.parsed.iter().enumerate() {
            let here = found.zone.as_ref().is_none_or(|zone| is_in(site, place, zone));
            let now = found.hours.is_none_or(|(from, until)| local.is_between(from, until));
            mask |= u32::from(here && now) << bit;
        }
        let mut combined = self.combined.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = combined.get(&mask) {
            return Arc::clone(known);
        }
        let applying = self.parsed.iter().enumerate().filter(|(bit, _)| mask >> bit & 1 == 1);
        // Each was found to fit by itself; together they touch the same or other keys.
        let settings =
            merged(rules, applying.map(|(_, found)| &found.rules)).unwrap_or_else(|_| rules.clone());
        let settings = Arc::new(settings);
        if combined.len() < COMBINATIONS_MAX {
            combined.insert(mask, Arc::clone(&settings));
        }
        settings
    }
}

fn parse(
    number: usize,
    found: &Override,
    rules: &RuleSettings,
    site: &Site,
) -> Result<Parsed, OverrideError> {
    if let Some(zone) = &found.zone {
        let named = site.places.values().any(|place| place.zone.as_ref() == Some(zone));
        if !site.places.contains_key(zone) && !named {
            return Err(OverrideError::UnknownZone { number, zone: zone.to_string() });
        }
    }
    let hours = match (&found.from, &found.until) {
        (None, None) => None,
        (from, until) => {
            let minute = |text: &Option<String>| text.as_deref().and_then(minute_of);
            Some(minute(from).zip(minute(until)).ok_or(OverrideError::Hours { number })?)
        }
    };
    let problem = |problem: String| OverrideError::Rules { number, problem };
    if found.rules.is_empty() {
        return Err(problem("changes nothing: write a threshold, such as manhole.open_deg = 10.0".into()));
    }
    merged(rules, std::iter::once(&found.rules)).map_err(|error| problem(error.to_string()))?;
    Ok(Parsed { zone: found.zone.clone(), hours, rules: found.rules.clone() })
}

fn minute_of(text: &str) -> Option<MinuteOfDay> {
    let (hour, minute) =
        text.split_once(':').filter(|(hour, minute)| hour.len() == 2 && minute.len() == 2)?;
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (hour < 24 && minute < 60).then_some(MinuteOfDay(hour * 60 + minute))
}

/// Is a place in a zone: inside it, or does it, or one around it, name it?
fn is_in(site: &Site, place: &PlaceId, zone: &PlaceId) -> bool {
    let mut around = std::iter::successors(Some(place.clone()), PlaceId::parent);
    let names =
        |outer: &PlaceId| site.places.get(outer).is_some_and(|known| known.zone.as_ref() == Some(zone));
    place.is_within(zone) || around.any(|outer| names(&outer))
}

/// The settings with some changes on top. Unknown rules and keys are refused.
fn merged<'a>(
    rules: &RuleSettings,
    changes: impl Iterator<Item = &'a Map<String, Value>>,
) -> Result<RuleSettings, serde_json::Error> {
    let mut whole = serde_json::to_value(RuleSettings { overrides: Vec::new(), ..rules.clone() })?;
    for rule in changes {
        for (name, keys) in rule {
            match (whole.get_mut(name), keys) {
                (Some(Value::Object(known)), Value::Object(keys)) => {
                    known.extend(keys.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
                // Refused below, with the names that there are.
                _ => whole[name.as_str()] = keys.clone(),
            }
        }
    }
    serde_json::from_value(whole)
}

//! What a scenario expects of the effects: one line each.
//!
//! ```json
//! {"expect":{"effect":"raise","kind":"manhole","priority":"P2","from":"2026-03-02T09:00:30+08:00","until":"2026-03-02T09:00:31+08:00"}}
//! {"never":{"effect":"notify","to":"officer:chen"}}
//! {"count":{"effect":"raise"},"is":1}
//! ```

use super::Effect;
use serde_json::{Map, Value};
use std::fmt;
use wanglou_model::{Timestamp, rfc3339_micros};

/// How many effects are shown beside one that was expected in vain.
const SHOWN_MAX: usize = 12;
/// The fields of an effect: another name in a pattern would match nothing, and `never` would hold for ever.
const FIELDS: [&str; 23] = [
    "at", "effect", "alarm", "kind", "priority", "place", "stage", "outcome", "mark", "response", "by",
    "refused", "to", "rung", "channel", "command", "device", "incident", "count", "details", "late_s",
    "reason", "text",
];

/// One expectation.
#[derive(Debug, Clone)]
pub struct Expectation {
    /// The line that it stands in.
    pub line: usize,
    wanted: Wanted,
    pattern: Pattern,
}

#[derive(Debug, Clone, Copy)]
enum Wanted {
    AtLeastOne,
    Exactly(usize),
}

/// Fields that an effect must have, and the time within which it must fall, both ends included.
#[derive(Debug, Clone)]
struct Pattern {
    fields: Map<String, Value>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// An expectation that was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// The line that it stands in.
    pub line: usize,
    /// What was expected, and what there was.
    pub message: String,
}

impl fmt::Display for Unmet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

pub(super) fn parse(line: usize, mut object: Map<String, Value>) -> Result<Expectation, String> {
    let is = object.remove("is");
    let mut keys = object.into_iter();
    let (Some((kind, pattern)), None) = (keys.next(), keys.next()) else {
        return Err(
            "an expectation has one of \"expect\", \"never\", \"count\", and nothing beside it".into()
        );
    };
    let wanted = match (kind.as_str(), is.as_ref().and_then(Value::as_u64)) {
        ("count", Some(n)) => Wanted::Exactly(usize::try_from(n).unwrap_or(usize::MAX)),
        ("count", None) => return Err("\"count\" needs \"is\", a whole number".into()),
        (_, Some(_)) => return Err("\"is\" belongs to \"count\"".into()),
        ("never", None) => Wanted::Exactly(0),
        (_, None) => Wanted::AtLeastOne,
    };
    Ok(Expectation { line, wanted, pattern: Pattern::parse(pattern)? })
}

impl Pattern {
    fn parse(value: Value) -> Result<Self, String> {
        let Value::Object(mut fields) = value else { return Err("an expectation holds an object".into()) };
        let mut time = |name: &str| -> Result<Option<Timestamp>, String> {
            let Some(value) = fields.remove(name) else { return Ok(None) };
            let found = value.as_str().and_then(rfc3339_micros::parse);
            found.map(Some).ok_or_else(|| format!("{name:?}: {value} is not a time with an offset"))
        };
        let (from, until) = (time("from")?, time("until")?);
        if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
            return Err(format!("an effect has no field {unknown:?}; it has {}", FIELDS.join(", ")));
        }
        Ok(Self { fields, from, until })
    }

    fn matches(&self, effect: &Effect) -> bool {
        let in_time = self.from.is_none_or(|from| from <= effect.time)
            && self.until.is_none_or(|until| effect.time <= until);
        in_time && self.fields_match(effect)
    }

    fn fields_match(&self, effect: &Effect) -> bool {
        let Ok(Value::Object(has)) = serde_json::to_value(effect) else { return false };
        self.fields.iter().all(|(name, wanted)| match name.as_str() {
            "at" => wanted.as_str().and_then(rfc3339_micros::parse) == Some(effect.time),
            _ => holds(has.get(name).unwrap_or(&Value::Null), wanted),
        })
    }
}

/// The same value; of an object, at least what is wanted.
fn holds(has: &Value, wanted: &Value) -> bool {
    match (has, wanted) {
        (Value::Object(has), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| has.get(key).is_some_and(|has| holds(has, wanted)))
        }
        (has, wanted) => has == wanted,
    }
}

impl Expectation {
    /// Does it say something of this field?
    pub fn names(&self, field: &str) -> bool {
        self.pattern.fields.contains_key(field)
    }

    /// Why it is not met by these effects, if it is not.
    pub fn unmet(&self, effects: &[Effect]) -> Option<Unmet> {
        let found: Vec<&Effect> = effects.iter().filter(|effect| self.pattern.matches(effect)).collect();
        let met = match self.wanted {
            Wanted::AtLeastOne => !found.is_empty(),
            Wanted::Exactly(n) => found.len() == n,
        };
        if met {
            return None;
        }
        let fields = Value::Object(self.pattern.fields.clone());
        let message = match self.wanted {
            Wanted::AtLeastOne => {
                format!("expected {fields} in its time, and there was none. {}", self.near(effects))
            }
            Wanted::Exactly(n) => {
                format!("expected {n} × {fields}, and there were {}:{}", found.len(), listed(&found))
            }
        };
        Some(Unmet { line: self.line, message })
    }

    /// Effects of the same name, whenever they were.
    fn near(&self, effects: &[Effect]) -> String {
        let same = |effect: &&Effect| {
            let name = serde_json::to_value(effect.effect).ok();
            self.pattern.fields.get("effect") == name.as_ref()
        };
        let near: Vec<&Effect> = effects.iter().filter(same).collect();
        if near.is_empty() {
            "None of that name at all.".into()
        } else {
            format!("Of that name:{}", listed(&near))
        }
    }
}

fn listed(effects: &[&Effect]) -> String {
    let line = |effect: &&Effect| format!("\n    {}", serde_json::to_string(effect).unwrap_or_default());
    let more = effects.len().saturating_sub(SHOWN_MAX);
    let mut text: String = effects.iter().take(SHOWN_MAX).map(line).collect();
    if more > 0 {
        text.push_str(&format!("\n    … and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let Ok(Value::Object(object)) = serde_json::from_str(text) else { panic!("not an object") };
        parse(1, object).map(|_| ()).expect_err("faulty")
    }

    #[test]
    fn a_misspelt_field_is_refused_because_it_would_never_match() {
        assert!(fault(r#"{"never":{"efect":"raise"}}"#).contains("efect"));
        assert!(fault(r#"{"count":{"effect":"raise"}}"#).contains("needs \"is\""));
        assert!(fault(r#"{"expect":{"effect":"raise"},"is":1}"#).contains("belongs to"));
        assert!(fault(r#"{"expect":{"effect":"raise","from":"09:00"}}"#).contains("not a time"));
    }
}

//! Topics: patterns with named captures, the MQTT filters that they need, and the lookup from a topic to
//! whoever understands it.
//!
//! A pattern is a topic in which `{name}` stands for one level and `{name...}` for one or more. Lookup walks
//! a tree of levels and touches at most the levels of the topic, however many profiles there are; the most
//! specific pattern comes first (a word before `{one}` before `{many...}`, from left to right).

mod filter;
mod router;

use crate::limits::{CAPTURES_MAX, TOPIC_LEVELS_MAX};
pub(crate) use filter::{covers, overlap};
pub(crate) use router::{Captures, Levels, Router};
use serde::Serialize;
use std::fmt;

/// Which of the gateway's two connections subscribes to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Life safety and the four kinds of the mission: served first.
    Alarm,
    /// Everything else.
    Bulk,
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Lane::Alarm => "alarm",
            Lane::Bulk => "bulk",
        })
    }
}

/// One level of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Word(String),
    One(String),
    Many(String),
}

/// A parsed topic pattern; at most one `{many...}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pattern {
    levels: Vec<Level>,
}

impl Pattern {
    /// Parses `zigbee2mqtt/{device...}/availability`.
    ///
    /// # Errors
    /// Words for the author of the file.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("a topic must not be empty".into());
        }
        let levels = text.split('/').map(parse_level).collect::<Result<Vec<_>, _>>()?;
        if levels.len() > TOPIC_LEVELS_MAX {
            return Err(format!("a topic has at most {TOPIC_LEVELS_MAX} levels"));
        }
        let pattern = Self { levels };
        if pattern.levels.iter().filter(|level| matches!(level, Level::Many(_))).count() > 1 {
            return Err(
                "only one {name...} fits into a topic: two could share the levels out in many ways".into()
            );
        }
        let mut names = pattern.captures();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(format!("the capture {{{}}} occurs twice", twice[0]));
        }
        if names.len() > CAPTURES_MAX {
            return Err(format!("a topic has at most {CAPTURES_MAX} captures"));
        }
        Ok(pattern)
    }

    /// The names of its captures, from left to right.
    pub(crate) fn captures(&self) -> Vec<&str> {
        let names = self.levels.iter().filter_map(|level| match level {
            Level::Word(_) => None,
            Level::One(name) | Level::Many(name) => Some(name.as_str()),
        });
        names.collect()
    }

    /// The narrowest MQTT filter that covers it.
    pub(crate) fn filter(&self) -> String {
        let mut parts = vec![];
        for level in &self.levels {
            match level {
                Level::Word(word) => parts.push(word.as_str()),
                Level::One(_) => parts.push("+"),
                Level::Many(_) => {
                    parts.push("#");
                    break;
                }
            }
        }
        parts.join("/")
    }
}

fn parse_level(text: &str) -> Result<Level, String> {
    if text.contains(['+', '#', '\0']) {
        return Err(format!("{text:?} is no level of a topic; write {{name}} for +, {{name...}} for #"));
    }
    let Some(inner) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        return match text.contains(['{', '}']) {
            true => Err(format!("in {text:?} a capture must fill its level: {{name}} between two slashes")),
            false => Ok(Level::Word(text.to_owned())),
        };
    };
    let (name, many) = match inner.strip_suffix("...") {
        Some(name) => (name, true),
        None => (inner, false),
    };
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(good) {
        return Err(format!("{text:?}: a capture's name has lower-case letters, digits and _ only"));
    }
    Ok(if many { Level::Many(name.to_owned()) } else { Level::One(name.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::ControlFlow;

    fn router(patterns: &[&str]) -> Router<usize> {
        let mut router = Router::default();
        for (number, pattern) in patterns.iter().enumerate() {
            router.add(&Pattern::parse(pattern).expect("valid"), number);
        }
        router
    }

    fn found(router: &Router<usize>, topic: &str) -> Vec<(usize, Vec<String>)> {
        let levels = Levels::of(topic).expect("not too deep");
        let mut all = vec![];
        let _ = router.find(&levels, &mut |target, captures: Captures<'_>| {
            let values = captures.values.iter().filter(|value| !value.is_empty());
            all.push((target, values.map(|value| (*value).to_owned()).collect()));
            ControlFlow::<()>::Continue(())
        });
        all
    }

    #[test]
    fn captures_take_one_level_or_many() {
        let router = router(&[
            "application/{app}/device/{eui}/event/up",
            "zigbee2mqtt/{device...}",
            "a/{many...}/b/{one}",
            "/lead/{x}",
        ]);
        let values = |topic| found(&router, topic);
        assert_eq!(values("application/7/device/ab12/event/up"), [(0, vec!["7".into(), "ab12".into()])]);
        assert_eq!(values("zigbee2mqtt/home-3-1203/door"), [(1, vec!["home-3-1203/door".into()])]);
        assert_eq!(values("zigbee2mqtt/door"), [(1, vec!["door".into()])]);
        assert_eq!(values("a/x/y/b/z"), [(2, vec!["x/y".into(), "z".into()])]);
        assert_eq!(values("/lead/7"), [(3, vec!["7".into()])]);
        for none in ["zigbee2mqtt", "a/b/z", "application/7/device/ab12/event", "lead/7", ""] {
            assert_eq!(values(none), [], "{none}");
        }
    }

    #[test]
    fn the_most_specific_pattern_comes_first() {
        let router = router(&[
            "z/{device...}",
            "z/{device...}/availability",
            "z/bridge/{rest...}",
            "z/bridge/state",
            "z/{one}/state",
        ]);
        let order = |topic| found(&router, topic).into_iter().map(|(target, _)| target).collect::<Vec<_>>();
        assert_eq!(order("z/bridge/state"), [3, 2, 4, 0]);
        assert_eq!(order("z/home/door/availability"), [1, 0]);
        assert_eq!(order("z/availability"), [0]);
    }

    #[test]
    fn a_filter_is_as_narrow_as_mqtt_allows() {
        let filter = |text| Pattern::parse(text).map(|pattern| pattern.filter());
        assert_eq!(filter("z/{device...}/availability").as_deref(), Ok("z/#"));
        assert_eq!(filter("elevator/{lift}/fault").as_deref(), Ok("elevator/+/fault"));
        for bad in ["", "a/+/b", "a/#", "a/x{b}", "a/{}", "a/{B}", "a/{x}/{x}", "{a...}/{b...}"] {
            assert!(filter(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn filters_cover_and_overlap_as_mqtt_says() {
        assert!(covers("z/#", "z/+/x") && covers("z/#", "z") && covers("+/x", "a/x"));
        assert!(!covers("z/+", "z/#") && !covers("z/+/x", "z/#") && !covers("a/x", "a/+"));
        assert!(overlap("a/+", "+/b") && overlap("a/#", "a") && overlap("a/b/c", "a/#"));
        assert!(!overlap("a/+", "a/b/c") && !overlap("$sys/x", "#") && !overlap("a/b", "a/c"));
    }

    #[test]
    fn a_topic_of_a_thousand_levels_is_not_walked() {
        assert!(Levels::of(&"a/".repeat(1000)).is_none());
        assert!(Levels::of(&"a/".repeat(63)).is_some());
    }
}

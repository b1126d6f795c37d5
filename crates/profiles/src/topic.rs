//! Topics: patterns with named captures, the MQTT filters that they need, and the lookup from a topic to
//! whoever understands it.
//!
//! A pattern is a topic in which `{name}` stands for one level and `{name...}` for one or more. Lookup walks
//! a tree of levels and touches at most the levels of the topic, however many profiles there are; the most
//! specific pattern comes first (a word before `{one}` before `{many...}`, from left to right).

use crate::limits::{CAPTURES_MAX, TOPIC_LEVELS_MAX};
use foldhash::fast::FixedState;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;
use std::ops::ControlFlow;

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

    /// Where its captures stand in a topic that it matches.
    fn places(&self) -> Vec<Place> {
        let many = self.levels.iter().position(|level| matches!(level, Level::Many(_)));
        let edge = |at: usize| match many {
            Some(many) if at > many => Edge::Back(self.levels.len() - at),
            Some(_) | None => Edge::Front(at),
        };
        let captures = self.levels.iter().enumerate().filter(|(_, level)| !matches!(level, Level::Word(_)));
        captures.map(|(at, _)| Place { from: edge(at), until: edge(at + 1) }).collect()
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

/// Where a capture stands: its first level and the one after its last.
#[derive(Debug, Clone, Copy)]
struct Place {
    from: Edge,
    until: Edge,
}

/// A level of a topic, counted from the front, or (after a `{many...}`) from the back.
#[derive(Debug, Clone, Copy)]
enum Edge {
    Front(usize),
    Back(usize),
}

impl Edge {
    fn level(self, count: usize) -> usize {
        match self {
            Edge::Front(at) => at,
            Edge::Back(at) => count - at,
        }
    }
}

/// A topic with the places of its slashes.
pub(crate) struct Levels<'t> {
    topic: &'t str,
    /// Where each level begins; one more than there are levels, as if another slash followed.
    starts: [u32; TOPIC_LEVELS_MAX + 1],
    count: usize,
}

impl<'t> Levels<'t> {
    /// `None` when the topic has more levels than [`TOPIC_LEVELS_MAX`].
    pub(crate) fn of(topic: &'t str) -> Option<Self> {
        let mut starts = [0; TOPIC_LEVELS_MAX + 1];
        let mut count = 1;
        for (at, byte) in topic.bytes().enumerate() {
            if byte == b'/' {
                if count >= TOPIC_LEVELS_MAX {
                    return None;
                }
                starts[count] = u32::try_from(at).ok()? + 1;
                count += 1;
            }
        }
        starts[count] = u32::try_from(topic.len()).ok()? + 1;
        Some(Self { topic, starts, count })
    }

    /// The text from one level up to, not including, another.
    fn span(&self, from: usize, until: usize) -> &'t str {
        &self.topic[self.starts[from] as usize..self.starts[until] as usize - 1]
    }

    #[inline]
    fn level(&self, at: usize) -> &'t str {
        self.span(at, at + 1)
    }
}

/// What a topic gave for the captures of one pattern, in the pattern's order.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Captures<'t> {
    values: [&'t str; CAPTURES_MAX],
}

impl<'t> Captures<'t> {
    /// The capture with that number; empty for a number that the pattern does not have.
    pub(crate) fn value(&self, number: usize) -> &'t str {
        self.values.get(number).copied().unwrap_or_default()
    }
}

/// From topics to whoever understands them.
#[derive(Debug, Clone)]
pub(crate) struct Router<T> {
    nodes: Vec<Branch>,
    routes: Vec<(Vec<Place>, T)>,
}

#[derive(Debug, Clone, Default)]
struct Branch {
    words: HashMap<Box<str>, usize, FixedState>,
    one: Option<usize>,
    /// Patterns that end here.
    here: Vec<usize>,
    /// Patterns that go on with `{many...}`: what must follow it, and who.
    many: Vec<(Vec<Level>, usize)>,
}

impl<T> Default for Router<T> {
    fn default() -> Self {
        Self { nodes: vec![Branch::default()], routes: vec![] }
    }
}

impl<T: Copy> Router<T> {
    /// Adds a pattern. Of equal patterns the one that was added first is asked first.
    pub(crate) fn add(&mut self, pattern: &Pattern, target: T) {
        let route = self.routes.len();
        self.routes.push((pattern.places(), target));
        let mut at = 0;
        for (number, level) in pattern.levels.iter().enumerate() {
            at = match level {
                Level::Word(word) => match self.nodes[at].words.get(word.as_str()) {
                    Some(next) => *next,
                    None => {
                        let next = self.branch();
                        self.nodes[at].words.insert(word.as_str().into(), next);
                        next
                    }
                },
                Level::One(_) => match self.nodes[at].one {
                    Some(next) => next,
                    None => {
                        let next = self.branch();
                        self.nodes[at].one = Some(next);
                        next
                    }
                },
                Level::Many(_) => {
                    let many = &mut self.nodes[at].many;
                    many.push((pattern.levels[number + 1..].to_vec(), route));
                    // A longer ending is more specific, and words are more so than captures.
                    many.sort_by_key(|(ending, route)| {
                        let words = ending.iter().filter(|level| matches!(level, Level::Word(_))).count();
                        (std::cmp::Reverse((ending.len(), words)), *route)
                    });
                    return;
                }
            };
        }
        self.nodes[at].here.push(route);
    }

    fn branch(&mut self) -> usize {
        self.nodes.push(Branch::default());
        self.nodes.len() - 1
    }

    /// Offers the targets of all patterns that match, the most specific first, until `take` breaks.
    pub(crate) fn find<'t, B>(
        &self,
        levels: &Levels<'t>,
        take: &mut impl FnMut(T, Captures<'t>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.walk(0, 0, levels, take)
    }

    fn walk<'t, B>(
        &self,
        node: usize,
        depth: usize,
        levels: &Levels<'t>,
        take: &mut impl FnMut(T, Captures<'t>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let branch = &self.nodes[node];
        if depth == levels.count {
            return self.offer(branch.here.iter(), levels, take);
        }
        if let Some(next) = branch.words.get(levels.level(depth)) {
            self.walk(*next, depth + 1, levels, take)?;
        }
        if let Some(next) = branch.one {
            self.walk(next, depth + 1, levels, take)?;
        }
        let left = levels.count - depth;
        let fits = |(ending, _): &&(Vec<Level>, usize)| {
            let first = levels.count.saturating_sub(ending.len());
            ending.len() < left
                && ending.iter().enumerate().all(|(at, level)| match level {
                    Level::Word(word) => word == levels.level(first + at),
                    Level::One(_) | Level::Many(_) => true,
                })
        };
        self.offer(branch.many.iter().filter(fits).map(|(_, route)| route), levels, take)
    }

    fn offer<'r, 't, B>(
        &self,
        routes: impl Iterator<Item = &'r usize>,
        levels: &Levels<'t>,
        take: &mut impl FnMut(T, Captures<'t>) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        for route in routes {
            let (places, target) = &self.routes[*route];
            take(*target, bind(places, levels))?;
        }
        ControlFlow::Continue(())
    }
}

fn bind<'t>(places: &[Place], levels: &Levels<'t>) -> Captures<'t> {
    let mut captures = Captures::default();
    for (value, place) in captures.values.iter_mut().zip(places) {
        *value = levels.span(place.from.level(levels.count), place.until.level(levels.count));
    }
    captures
}

/// Does every topic of filter `inner` also match `outer`?
pub(crate) fn covers(outer: &str, inner: &str) -> bool {
    let (mut outer, mut inner) = (outer.split('/'), inner.split('/'));
    loop {
        match (outer.next(), inner.next()) {
            (Some("#"), _) | (None, None) => return true,
            (Some("+"), Some(level)) if level != "#" => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

/// Is there a topic that both filters match?
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    let system = |filter: &str| filter.starts_with('$');
    let wild = |filter: &str| filter.starts_with(['+', '#']);
    if (system(a) && wild(b)) || (system(b) && wild(a)) {
        return false;
    }
    let (mut a, mut b) = (a.split('/'), b.split('/'));
    loop {
        match (a.next(), b.next()) {
            (Some("#"), _) | (_, Some("#")) | (None, None) => return true,
            (Some("+"), Some(_)) | (Some(_), Some("+")) => {}
            (Some(a), Some(b)) if a == b => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

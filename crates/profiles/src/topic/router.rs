//! From a topic to the patterns that match it.

use super::{Level, Pattern};
use crate::limits::{CAPTURES_MAX, TOPIC_LEVELS_MAX};
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::ops::ControlFlow;

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

/// Where the captures of a pattern stand in a topic that it matches.
fn places(pattern: &Pattern) -> Vec<Place> {
    let levels = &pattern.levels;
    let many = levels.iter().position(|level| matches!(level, Level::Many(_)));
    let edge = |at: usize| match many {
        Some(many) if at > many => Edge::Back(levels.len() - at),
        Some(_) | None => Edge::Front(at),
    };
    let captures = levels.iter().enumerate().filter(|(_, level)| !matches!(level, Level::Word(_)));
    captures.map(|(at, _)| Place { from: edge(at), until: edge(at + 1) }).collect()
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
    pub(super) values: [&'t str; CAPTURES_MAX],
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
    /// Patterns that go on with `{many...}`.
    many: Vec<Many>,
}

/// A pattern that goes on with `{many...}`.
#[derive(Debug, Clone)]
struct Many {
    /// What must follow it.
    ending: Vec<Level>,
    /// The length of the last level, where that is a word: most topics fail this first.
    last_len: Option<usize>,
    route: usize,
}

impl Many {
    fn new(ending: &[Level], route: usize) -> Self {
        let last_len = match ending.last() {
            Some(Level::Word(word)) => Some(word.len()),
            Some(Level::One(_) | Level::Many(_)) | None => None,
        };
        Self { ending: ending.to_vec(), last_len, route }
    }

    /// Does a topic go on like this, with `left` levels of which `{many...}` takes at least one?
    #[inline]
    fn fits(&self, levels: &Levels<'_>, left: usize, last_len: usize) -> bool {
        if self.last_len.is_some_and(|len| len != last_len) || self.ending.len() >= left {
            return false;
        }
        let first = levels.count - self.ending.len();
        self.ending.iter().enumerate().all(|(at, level)| match level {
            Level::Word(word) => word == levels.level(first + at),
            Level::One(_) | Level::Many(_) => true,
        })
    }
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
        self.routes.push((places(pattern), target));
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
                    many.push(Many::new(&pattern.levels[number + 1..], route));
                    // A longer ending is more specific, and words are more so than captures.
                    many.sort_by_key(|Many { ending, route, .. }| {
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
        if branch.many.is_empty() {
            return ControlFlow::Continue(());
        }
        let left = levels.count - depth;
        let last_len = levels.level(levels.count - 1).len();
        let fitting = branch.many.iter().filter(|many| many.fits(levels, left, last_len));
        self.offer(fitting.map(|many| &many.route), levels, take)
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

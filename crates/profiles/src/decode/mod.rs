//! From a message and a plan to observations.
//!
//! One scan of the body fills the slots; conditions and fields then look at slots only. What a rule cannot
//! make sense of becomes an `unknown` observation with the raw value: never a guess, never "normal".

mod fields;
mod frames;
mod header;

use crate::json::{Elements, Malformed, Token, TokenKind, Trie, scan};
use crate::kinds::{FIELDS_MAX, Values};
use crate::limits::{Budget, FOR_EACH_MAX, TEXT_BYTES_MAX};
use crate::plan::{Body, FieldPlan, Group, Mapping, Otherwise, Rule};
use crate::topic::Captures;
use crate::value::shown;
use fields::{Found, raw_of, speaks, value_of};
use frames::Frames;
use header::Said;
pub(crate) use header::check_device;
use std::sync::Arc;
use wanglou_model::{Observation, Reading, Timestamp};

/// What one message plan made of a message.
#[derive(Debug)]
pub(crate) enum Outcome {
    Observations(Vec<Observation>),
    Ignored(String),
    /// Not this plan's message: its `when` does not hold.
    Passed,
    /// This plan's message, and nothing in it that a rule knows.
    Unmatched(String),
    Rejected(String),
}

/// Who watches a decoding: the examples' coverage, and later the explanation for people.
pub(crate) trait Trace {
    /// Message `message` of profile `profile` is tried; what follows is about it.
    fn message(&mut self, profile: usize, message: usize);
    /// Rule `number` of the message spoke.
    fn rule(&mut self, number: usize);
    /// Ignore clause `number` of the message held.
    fn ignore(&mut self, number: usize);
}

/// Nobody watches.
pub(crate) struct Unwatched;

impl Trace for Unwatched {
    fn message(&mut self, _profile: usize, _message: usize) {}
    fn rule(&mut self, _number: usize) {}
    fn ignore(&mut self, _number: usize) {}
}

/// A message on its way through one plan.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'a> {
    /// The profile's name.
    pub(crate) profile: &'a Arc<str>,
    /// Which of the plan's topics matched.
    pub(crate) topic_number: usize,
    pub(crate) captures: Captures<'a>,
    /// The payload, valid UTF-8, without a byte order mark.
    pub(crate) text: &'a str,
    pub(crate) at: Timestamp,
}

/// Slots on the stack; a plan with more pointers uses the heap.
const INLINE_SLOTS: usize = 32;

/// Runs a plan over a message.
pub(crate) fn decode(plan: &Mapping, message: &Incoming<'_>, trace: &mut impl Trace) -> Outcome {
    let mut inline = [Token::ABSENT; INLINE_SLOTS];
    let mut heap = vec![];
    let root = match inline.get_mut(..plan.trie.slots()) {
        Some(root) => root,
        None => {
            heap.resize(plan.trie.slots(), Token::ABSENT);
            &mut heap[..]
        }
    };
    if let Err(reason) = fill(plan, message.text, root) {
        return Outcome::Rejected(reason);
    }
    let frames = Frames::of(root);
    if plan.when.as_ref().is_some_and(|when| !frames.holds(when)) {
        return Outcome::Passed;
    }
    for (number, ignore) in plan.ignores.iter().enumerate() {
        if frames.holds(&ignore.when) {
            trace.ignore(number);
            return Outcome::Ignored(ignore.reason.clone());
        }
    }
    let mut run = Run {
        plan,
        message,
        out: vec![],
        understood: false,
        numbers: [0; FOR_EACH_MAX],
        budget: Budget::of(message.text.len()),
        memo: None,
        values: [const { None }; FIELDS_MAX],
        trace,
    };
    match run.all(&frames) {
        Ok(()) => run.finish(&frames),
        Err(reason) => Outcome::Rejected(reason),
    }
}

fn fill<'a>(plan: &Mapping, text: &'a str, root: &mut [Token<'a>]) -> Result<(), String> {
    let json = match plan.body {
        Body::Json => true,
        Body::Text => false,
        Body::JsonOrText => text.trim_start().starts_with(['{', '[']),
    };
    if json {
        return scan(text, &plan.trie, root).map_err(|malformed| malformed.to_string());
    }
    // A text that nobody reads may be anything.
    let Some(slot) = plan.trie.node(0).slot else { return Ok(()) };
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("a text of {} bytes; {TEXT_BYTES_MAX} are allowed", text.len()));
    }
    if let Some(at) = text.bytes().position(|byte| byte < 0x20) {
        return Err(format!("control character {:#04x} at byte {at} of the text", text.as_bytes()[at]));
    }
    root[usize::from(slot)] = Token::of_text(text);
    Ok(())
}

struct Run<'r, T> {
    plan: &'r Mapping,
    message: &'r Incoming<'r>,
    out: Vec<Observation>,
    understood: bool,
    budget: Budget,
    /// Which element of each `for_each` it is in.
    numbers: [usize; FOR_EACH_MAX],
    /// The header that was read last for the frames at hand, and the first observation that carries it.
    memo: Option<(usize, usize)>,
    /// The fields of the reading at hand; empty between rules.
    values: Values,
    trace: &'r mut T,
}

impl<T: Trace> Run<'_, T> {
    fn all(&mut self, frames: &Frames<'_, '_>) -> Result<(), String> {
        let plan = self.plan;
        plan.groups.iter().try_for_each(|group| self.group(group, frames, 0))
    }

    fn group(&mut self, group: &Group, frames: &Frames<'_, '_>, level: usize) -> Result<(), String> {
        let Some(each) = group.each.get(level) else {
            return group.rules.chunks(64).try_for_each(|rules| self.rules(rules, frames));
        };
        let array = frames.token(each.array);
        if array.kind != TokenKind::Array {
            return Ok(());
        }
        let outer = self.memo.take();
        let mut slots = vec![Token::ABSENT; each.trie.slots()];
        let mut elements = Elements::new(array.text);
        while next(&mut elements, &each.trie, &mut slots).map_err(|malformed| malformed.to_string())? {
            let mut inner = *frames;
            inner.levels[level + 1] = &slots;
            self.memo = None;
            self.group(group, &inner, level + 1)?;
            self.numbers[level] += 1;
        }
        self.numbers[level] = 0;
        self.memo = outer;
        Ok(())
    }

    /// At most 64 rules. First who speaks, so that the list of observations is made once, in its right size.
    fn rules(&mut self, rules: &[Rule], frames: &Frames<'_, '_>) -> Result<(), String> {
        let numbered = rules.iter().enumerate();
        let mut speaking =
            numbered.fold(0_u64, |bits, (at, rule)| bits | u64::from(speaks(rule, frames)) << at);
        self.out.reserve(speaking.count_ones() as usize);
        while speaking != 0 {
            self.rule(&rules[speaking.trailing_zeros() as usize], frames)?;
            speaking &= speaking - 1;
        }
        Ok(())
    }

    fn rule(&mut self, rule: &Rule, frames: &Frames<'_, '_>) -> Result<(), String> {
        self.trace.rule(rule.number);
        self.understood |= !rule.beside;
        let mut bytes = 0;
        let (mut any, mut trouble) = (rule.kind.schema().fields.is_empty(), vec![]);
        for (number, field) in &rule.fields {
            let found = match field {
                FieldPlan::Const(value) => Found::Value(value.clone()),
                FieldPlan::Read(read) => value_of(read, frames),
            };
            match found {
                Found::Absent => {}
                Found::Value(value) => {
                    bytes += value.bytes();
                    self.values[*number] = Some(value);
                    any = true;
                }
                Found::Unknown(raw) => trouble.push(raw_of(rule, *number, field, &raw)),
            }
        }
        let made = if any { rule.kind.build(&mut self.values).map(Some) } else { Ok(None) };
        match made {
            Ok(Some(reading)) => self.push(rule.header, reading, bytes, frames)?,
            Ok(None) if trouble.is_empty() => {
                trouble.push(format!("{}: none of its fields is there", rule.kind.schema().name));
            }
            Err(field) if trouble.is_empty() => {
                trouble.push(format!("{}.{field}: absent", rule.kind.schema().name));
            }
            Ok(None) | Err(_) => {}
        }
        trouble.into_iter().try_for_each(|raw| self.unknown(rule.header, raw, frames))
    }

    fn unknown(&mut self, header: usize, raw: String, frames: &Frames<'_, '_>) -> Result<(), String> {
        let bytes = raw.len();
        self.push(header, Reading::Unknown { raw }, bytes, frames)
    }

    /// Adds an observation; `bytes` are what its reading has on the heap.
    fn push(
        &mut self,
        header: usize,
        reading: Reading,
        bytes: usize,
        frames: &Frames<'_, '_>,
    ) -> Result<(), String> {
        let said = match self.memo {
            Some((known, at)) if known == header => Said::again(&self.out[at]),
            Some(_) | None => {
                self.memo = Some((header, self.out.len()));
                Said::read(&self.plan.headers[header], self.message, frames, self.numbers)?
            }
        };
        let profile = Arc::clone(self.message.profile);
        self.budget.spend(size_of::<Observation>() + bytes + said.bytes() + profile.len())?;
        self.out.push(said.observation(reading, profile));
        Ok(())
    }

    fn finish(mut self, frames: &Frames<'_, '_>) -> Outcome {
        if self.understood && !self.out.is_empty() {
            return Outcome::Observations(self.out);
        }
        let added = match &self.plan.otherwise {
            Otherwise::Unmatched(reason) => return Outcome::Unmatched(reason.clone()),
            Otherwise::Ignore(reason) => return Outcome::Ignored(reason.clone()),
            Otherwise::Heartbeat { header } => self.push(*header, Reading::Heartbeat {}, 0, frames),
            Otherwise::Unknown { header, source } => {
                let raw = format!("{}: {}", source.pointers, shown(&frames.first(source)));
                self.unknown(*header, raw, frames)
            }
        };
        match added {
            Ok(()) => Outcome::Observations(self.out),
            Err(reason) => Outcome::Rejected(reason),
        }
    }
}

fn next<'a>(
    elements: &mut Elements<'a>,
    trie: &Trie,
    slots: &mut [Token<'a>],
) -> Result<bool, Box<Malformed>> {
    slots.fill(Token::ABSENT);
    elements.next(trie, slots)
}

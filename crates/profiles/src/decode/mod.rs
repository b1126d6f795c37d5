//! From a message and a plan to observations.
//!
//! One scan of the body fills the slots; conditions and fields then look at slots only. What a rule cannot
//! make sense of becomes an `unknown` observation with the raw value: never a guess, never "normal".

mod fields;
mod frames;
mod header;
mod parts;
mod redact;

use crate::chain::Context;
use crate::json::{Elements, Malformed, Token, TokenKind, scan};
use crate::kinds::{FIELDS_MAX, Values};
use crate::limits::{Budget, CAPTURES_MAX, FOR_EACH_MAX, TEXT_BYTES_MAX};
use crate::plan::{Body, Each, FieldPlan, Group, Mapping, Otherwise, Rule};
use crate::topic::Captures;
use crate::value::{FieldType, Value, shown};
pub(crate) use fields::{Found, raw_of, speaks, value_of};
pub(crate) use frames::Frames;
pub(crate) use header::check_device;
use header::{Said, pair_of};
use parts::{Opened, Texts};
use redact::without;
use std::borrow::Cow;
use std::cell::OnceCell;
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

/// Who watches a decoding: the examples' coverage, and the explanation for people.
pub(crate) trait Trace {
    /// Message `message` of profile `profile` is tried; what follows is about it.
    fn message(&mut self, profile: usize, message: usize);
    /// The message's own condition was asked.
    fn when(&mut self, _plan: &Mapping, _held: bool, _frames: &Frames<'_, '_>) {}
    /// Part `number` of the message was decoded, or passed over, or could not be.
    fn part(&mut self, _plan: &Mapping, _number: usize, _found: Result<Option<&str>, &str>) {}
    /// Ignore clause `number` of the message held.
    fn ignore(&mut self, plan: &Mapping, number: usize);
    /// Rule `rule` is about to be asked; where it speaks, [`Self::rule`] follows.
    fn asked(
        &mut self,
        _rule: &Rule,
        _frames: &Frames<'_, '_>,
        _numbers: [usize; FOR_EACH_MAX],
        _loops: usize,
    ) {
    }
    /// Rule `number` of the message spoke.
    fn rule(&mut self, number: usize);
    /// A field of the rule that spoke was read.
    fn field(&mut self, _rule: &Rule, _field: usize, _plan: &FieldPlan, _found: &Found) {}
    /// A field of the rule that spoke was filled in from the beginning of what it tells of.
    fn filled(&mut self, _rule: &Rule, _field: &str, _text: &str) {}
    /// Is the one who watches interested in rules that do not speak?
    const ASKS: bool = false;
}

/// Nobody watches.
pub(crate) struct Unwatched;

impl Trace for Unwatched {
    fn message(&mut self, _profile: usize, _message: usize) {}
    fn rule(&mut self, _number: usize) {}
    fn ignore(&mut self, _plan: &Mapping, _number: usize) {}
}

/// A message on its way through one plan.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'a> {
    /// The profile's name.
    pub(crate) profile: &'a Arc<str>,
    /// Which of the plan's topics matched.
    pub(crate) topic_number: usize,
    pub(crate) captures: Captures<'a>,
    /// The payload, byte for byte.
    pub(crate) payload: &'a [u8],
    pub(crate) at: Timestamp,
    pub(crate) retain: bool,
}

/// Slots on the stack; a plan with more pointers uses the heap.
const INLINE_SLOTS: usize = 32;

/// Runs a plan over a message.
pub(crate) fn decode<'a>(
    plan: &Mapping,
    message: &Incoming<'a>,
    context: &mut Context<'_>,
    trace: &mut impl Trace,
) -> Outcome {
    let store = OnceCell::new();
    let mut inline = [Token::ABSENT; INLINE_SLOTS];
    let mut heap = vec![];
    let root = match inline.get_mut(..plan.trie.slots()) {
        Some(root) => root,
        None => {
            heap.resize(plan.trie.slots(), Token::ABSENT);
            &mut heap[..]
        }
    };
    if let Err(reason) = fill(plan, message, context, &store, root) {
        return Outcome::Rejected(reason);
    }
    let mut captures = [Token::ABSENT; CAPTURES_MAX];
    fill_captures(plan, message, &mut captures);
    let mut frames = Frames::of(root);
    frames.with_captures(&captures);
    if plan.parts.is_empty() {
        return judge(plan, message, &frames, vec![], context, trace);
    }
    if !plan.when_reads_parts && plan.when.as_ref().is_some_and(|when| !frames.holds(when)) {
        return judge(plan, message, &frames, vec![], context, trace);
    }
    let texts = Texts::default();
    let opened = Opened::default();
    let faults = opened.open(&texts, plan, &mut frames, context, trace);
    judge(plan, message, &frames, faults, context, trace)
}

/// All values stand in their slots: what do they say?
fn judge<'a>(
    plan: &Mapping,
    message: &Incoming<'a>,
    frames: &Frames<'_, 'a>,
    faults: Vec<String>,
    context: &mut Context<'_>,
    trace: &mut impl Trace,
) -> Outcome {
    if let Some(when) = &plan.when {
        let held = frames.holds(when);
        trace.when(plan, held, frames);
        if !held {
            return Outcome::Passed;
        }
    }
    if plan.retained_ignored && message.retain {
        return Outcome::Ignored("retained by the broker: this family keeps no state there".into());
    }
    for (number, ignore) in plan.ignores.iter().enumerate() {
        if frames.holds(&ignore.when) {
            trace.ignore(plan, number);
            return Outcome::Ignored(ignore.reason.clone());
        }
    }
    let mut run = Run {
        plan,
        message,
        out: vec![],
        understood: false,
        numbers: [0; FOR_EACH_MAX],
        budget: Budget::of(message.payload.len()),
        memo: None,
        taken: 0,
        values: [const { None }; FIELDS_MAX],
        context,
        trace,
    };
    let done = run.all(frames).and_then(|()| run.report(&faults, frames));
    match done {
        Ok(()) => run.finish(frames),
        Err(reason) => {
            let all = faults.iter().fold(reason, |all, fault| format!("{all}; {fault}"));
            Outcome::Rejected(without(&plan.redact, frames, all))
        }
    }
}

/// Scans the body. A text that is made on the way lives in `store`.
fn fill<'a>(
    plan: &Mapping,
    message: &Incoming<'a>,
    context: &mut Context<'_>,
    store: &'a OnceCell<String>,
    root: &mut [Token<'a>],
) -> Result<(), String> {
    let (text, json) = match &plan.body {
        Body::Json => (utf8(message.payload)?, true),
        Body::Text => (utf8(message.payload)?, false),
        Body::JsonOrText => {
            let text = utf8(message.payload)?;
            (text, text.trim_start().starts_with(['{', '[']))
        }
        Body::Chain(chain) => {
            let content = crate::chain::run(chain, Cow::Borrowed(message.payload), context)?;
            (kept(content.text, store), content.json)
        }
    };
    if json {
        return scan(text, &plan.trie, root).map_err(|malformed| malformed.to_string());
    }
    // A text that nobody reads may be anything.
    let Some(slot) = plan.trie.node(0).slot else { return Ok(()) };
    let text = text.trim();
    if matches!(plan.body, Body::Chain(_)) || plan.parts.iter().any(|part| part.from.is_body()) {
        root[usize::from(slot)] = Token::of_text(text);
        return Ok(());
    }
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("a text of {} bytes; {TEXT_BYTES_MAX} are allowed", text.len()));
    }
    if let Some(at) = text.bytes().position(|byte| byte < 0x20) {
        return Err(format!("control character {:#04x} at byte {at} of the text", text.as_bytes()[at]));
    }
    root[usize::from(slot)] = Token::of_text(text);
    Ok(())
}

/// A text as long as its store lives.
fn kept<'a>(text: Cow<'a, str>, store: &'a OnceCell<String>) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => store.get_or_init(|| text),
    }
}

fn fill_captures<'a>(plan: &Mapping, message: &Incoming<'a>, captures: &mut [Token<'a>]) {
    for (token, numbers) in captures.iter_mut().zip(&plan.captures) {
        let number = numbers.get(message.topic_number).copied().unwrap_or(usize::MAX);
        if number < CAPTURES_MAX {
            *token = Token::of_text(message.captures.value(number));
        }
    }
}

/// The payload as text, without a byte order mark.
pub(crate) fn utf8(payload: &[u8]) -> Result<&str, String> {
    match std::str::from_utf8(payload) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => Err(format!("not UTF-8 at byte {}", error.valid_up_to())),
    }
}

struct Run<'r, 'c, T> {
    plan: &'r Mapping,
    message: &'r Incoming<'r>,
    out: Vec<Observation>,
    understood: bool,
    budget: Budget,
    /// Which element of each `for_each` it is in.
    numbers: [usize; FOR_EACH_MAX],
    /// The header that was read last for the frames at hand, and the first observation that carries it.
    memo: Option<(usize, usize)>,
    /// Groups of which a rule has spoken, as bits, for the frames at hand.
    taken: u64,
    /// The fields of the reading at hand; empty between rules.
    values: Values,
    context: &'r mut Context<'c>,
    trace: &'r mut T,
}

impl<T: Trace> Run<'_, '_, T> {
    fn all(&mut self, frames: &Frames<'_, '_>) -> Result<(), String> {
        let plan = self.plan;
        plan.groups.iter().try_for_each(|group| self.group(group, frames, 0))
    }

    fn group(&mut self, group: &Group, frames: &Frames<'_, '_>, level: usize) -> Result<(), String> {
        let Some(each) = group.each.get(level) else {
            self.taken = 0;
            return group.rules.chunks(64).try_for_each(|rules| self.rules(rules, frames, level));
        };
        let list = frames.token(each.list);
        let mut elements = match (list.kind, each.entries) {
            (TokenKind::Array, None) => Elements::new(list.text),
            (TokenKind::Object, Some(_)) => Elements::of_object(list.text),
            (
                TokenKind::Array
                | TokenKind::Object
                | TokenKind::Absent
                | TokenKind::Null
                | TokenKind::True
                | TokenKind::False
                | TokenKind::Number
                | TokenKind::Text
                | TokenKind::EscapedText,
                _,
            ) => return Ok(()),
        };
        let outer = self.memo.take();
        let mut slots = vec![Token::ABSENT; each.trie.slots()];
        while next(&mut elements, each, &mut slots).map_err(|malformed| malformed.to_string())? {
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
    fn rules(&mut self, rules: &[Rule], frames: &Frames<'_, '_>, level: usize) -> Result<(), String> {
        if T::ASKS {
            rules.iter().for_each(|rule| self.trace.asked(rule, frames, self.numbers, level));
        }
        let numbered = rules.iter().enumerate();
        let mut speaking =
            numbered.fold(0_u64, |bits, (at, rule)| bits | u64::from(speaks(rule, frames)) << at);
        self.out.reserve(speaking.count_ones() as usize);
        while speaking != 0 {
            let rule = &rules[speaking.trailing_zeros() as usize];
            speaking &= speaking - 1;
            if let Some(group) = rule.first_of {
                let bit = 1 << group;
                if self.taken & bit != 0 {
                    continue;
                }
                self.taken |= bit;
            }
            self.rule(rule, frames)?;
        }
        Ok(())
    }

    fn rule(&mut self, rule: &Rule, frames: &Frames<'_, '_>) -> Result<(), String> {
        self.trace.rule(rule.number);
        self.understood |= !rule.beside;
        let (mut bytes, mut strange) = (0, 0);
        let (mut any, mut trouble) = (rule.kind.schema().fields.is_empty(), vec![]);
        for (number, field) in &rule.fields {
            let found = match field {
                FieldPlan::Const(value) => Found::Value(value.clone()),
                FieldPlan::Read(read) => value_of(read, frames, self.context),
            };
            if T::ASKS {
                self.trace.field(rule, *number, field, &found);
            }
            match found {
                Found::Absent => {}
                Found::Value(value) => {
                    bytes += value.bytes();
                    self.values[*number] = Some(value);
                    any = true;
                }
                Found::Unknown(raw) => {
                    strange |= 1_u32 << number;
                    trouble.push(raw_of(rule, *number, field, &raw));
                }
            }
        }
        let pair = pair_of(&self.plan.headers[rule.header], self.message, frames, self.numbers);
        let named =
            pair.as_ref().filter(|_| any).map_or_else(Vec::new, |pair| self.fill_in(rule, pair, strange));
        let made = if any { rule.kind.build(&mut self.values).map(Some) } else { Ok(None) };
        match made {
            Ok(Some(reading)) => {
                bytes += named.iter().map(|(_, text)| text.len()).sum::<usize>();
                self.push(rule.header, reading, bytes, frames)?;
                if let (Some(pair), Some(said)) = (pair, self.out.last()) {
                    let (profile, kind) = (self.message.profile, rule.kind.schema().name);
                    self.context.state.pairs.remember(profile, &pair, &said.device, kind, &named);
                }
            }
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

    /// Fills in what the beginning of the pair named and this message lacks: words alone, never a flag or a number.
    /// Returns all words that the reading has then. `strange` are fields, as bits, of which it says something that
    /// nobody knows: there nothing is filled in.
    fn fill_in(&mut self, rule: &Rule, pair: &str, strange: u32) -> Vec<(&'static str, String)> {
        let schema = rule.kind.schema();
        let known = self.context.state.pairs.get(self.message.profile, pair);
        let mut named = Vec::new();
        for (number, (field, value)) in schema.fields.iter().zip(&mut self.values).enumerate() {
            if field.ty != FieldType::Text || strange >> number & 1 == 1 {
                continue;
            }
            if value.is_none()
                && let Some(text) = known.and_then(|known| known.text(schema.name, field.name))
            {
                self.trace.filled(rule, field.name, text);
                *value = Some(Value::Text(text.to_owned()));
            }
            if let Some(Value::Text(text)) = value {
                named.push((field.name, text.clone()));
            }
        }
        named
    }

    fn unknown(&mut self, header: usize, raw: String, frames: &Frames<'_, '_>) -> Result<(), String> {
        let raw = without(&self.plan.redact, frames, raw);
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
                Said::read(&self.plan.headers[header], self.message, frames, self.numbers, self.context)?
            }
        };
        let profile = Arc::clone(self.message.profile);
        self.budget.spend(size_of::<Observation>() + bytes + said.bytes() + profile.len())?;
        self.out.push(said.observation(reading, profile));
        Ok(())
    }

    /// Parts that could not be decoded: the device said something, and nobody knows what.
    fn report(&mut self, faults: &[String], frames: &Frames<'_, '_>) -> Result<(), String> {
        let Some(header) = self.plan.usual else {
            return if faults.is_empty() { Ok(()) } else { Err("part of it cannot be decoded".into()) };
        };
        self.understood |= !faults.is_empty();
        faults.iter().try_for_each(|fault| self.unknown(header, fault.clone(), frames))
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
    each: &Each,
    slots: &mut [Token<'a>],
) -> Result<bool, Box<Malformed>> {
    slots.fill(Token::ABSENT);
    let more = elements.next(&each.trie, slots)?;
    if let Some(Some(slot)) = each.entries {
        slots[usize::from(slot)] = elements.key();
    }
    Ok(more)
}

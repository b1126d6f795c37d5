//! From a message and a plan to observations.
//!
//! One scan of the body fills the slots; conditions and fields then look at slots only. What a rule cannot
//! make sense of becomes an `unknown` observation with the raw value: never a guess, never "normal".

use crate::json::{Elements, Malformed, Token, TokenKind, Trie, scan};
use crate::kinds::{FIELDS_MAX, Kind, Values};
use crate::limits::{DEVICE_BYTES_MAX, TEXT_BYTES_MAX, observations_max};
use crate::plan::{
    At, Body, Condition, Convert, FieldPlan, FlagPlan, Group, Header, Mapping, Null, Otherwise, Piece, Read,
    Rule, Source, Test, TimeRead, TypeName,
};
use crate::time::DeviceTime;
use crate::topic::Captures;
use crate::value::{Case, Value, evidence_of, flag_of, number_of, shown, text_of, whole_from, whole_of};
use wanglou_model::{Evidence, Observation, Quality, Reading, Timestamp};

/// What one message plan made of a message.
#[derive(Debug)]
pub(crate) enum Outcome {
    Observations(Vec<Observation>),
    Ignored(String),
    /// Not this plan's message, or nothing in it that a rule knows.
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
    pub(crate) profile: &'a str,
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
    let frames = Frames { levels: [root, &[], &[]] };
    if plan.when.as_ref().is_some_and(|when| !frames.holds(when)) {
        return Outcome::Unmatched("its `when` does not hold".into());
    }
    for (number, ignore) in plan.ignores.iter().enumerate() {
        if frames.holds(&ignore.when) {
            trace.ignore(number);
            return Outcome::Ignored(ignore.reason.clone());
        }
    }
    let mut run = Run { plan, message, out: vec![], understood: false, numbers: [0; 2], memo: None, trace };
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
    let text = text.trim();
    if text.len() > TEXT_BYTES_MAX {
        return Err(format!("a text of {} bytes; {TEXT_BYTES_MAX} are allowed", text.len()));
    }
    if let Some(at) = text.bytes().position(|byte| byte < 0x20) {
        return Err(format!("control character {:#04x} at byte {at} of the text", text.as_bytes()[at]));
    }
    if let Some(slot) = plan.trie.node(0).slot {
        root[usize::from(slot)] = Token::of_text(text);
    }
    Ok(())
}

/// The slots that a rule can see: the body's, and those of the elements around it.
#[derive(Clone, Copy)]
struct Frames<'s, 'a> {
    levels: [&'s [Token<'a>]; 3],
}

impl<'a> Frames<'_, 'a> {
    #[inline]
    fn token(&self, at: At) -> Token<'a> {
        self.levels[usize::from(at.depth)].get(usize::from(at.slot)).copied().unwrap_or(Token::ABSENT)
    }

    /// The first of its places where anything stands.
    #[inline]
    fn first(&self, source: &Source) -> Token<'a> {
        let tokens = source.at.iter().map(|at| self.token(*at));
        tokens.into_iter().find(|token| !token.is_absent()).unwrap_or(Token::ABSENT)
    }

    fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(all) => all.iter().all(|condition| self.holds(condition)),
            Condition::Any(any) => any.iter().any(|condition| self.holds(condition)),
            Condition::Not(condition) => !self.holds(condition),
            Condition::Test(source, test) => answers(&self.first(source), test),
        }
    }
}

fn answers(token: &Token<'_>, test: &Test) -> bool {
    match test {
        Test::Exists(wanted) => token.is_absent() != *wanted,
        _ if token.is_absent() => false,
        Test::Null(wanted) => token.is_null() == *wanted,
        Test::Type(name) => type_of(token.kind) == Some(*name),
        Test::In(literals, case) => literals.iter().any(|literal| literal.equals(token, *case)),
        Test::Starts(part, case) => part_of(token, part, *case, |text, part| text.starts_with(part)),
        Test::Ends(part, case) => part_of(token, part, *case, |text, part| text.ends_with(part)),
        Test::Contains(part, case) => part_of(token, part, *case, |text, part| text.contains(part)),
        Test::Between((min, min_in), (max, max_in)) => number_of(token).is_some_and(|number| {
            (number > *min || (*min_in && number == *min)) && (number < *max || (*max_in && number == *max))
        }),
    }
}

fn part_of(token: &Token<'_>, part: &str, case: Case, question: impl Fn(&str, &str) -> bool) -> bool {
    let Some(text) = token.scalar() else { return false };
    match case {
        Case::Exact => question(&text, part),
        Case::Ignore => question(&text.to_lowercase(), &part.to_lowercase()),
    }
}

fn type_of(kind: TokenKind) -> Option<TypeName> {
    match kind {
        TokenKind::Absent => None,
        TokenKind::Null => Some(TypeName::Null),
        TokenKind::True | TokenKind::False => Some(TypeName::Flag),
        TokenKind::Number => Some(TypeName::Number),
        TokenKind::Text | TokenKind::EscapedText => Some(TypeName::Text),
        TokenKind::Array => Some(TypeName::Array),
        TokenKind::Object => Some(TypeName::Object),
    }
}

/// Who says it and when, as read.
#[derive(Clone)]
struct Said {
    device: String,
    at_device: Option<Timestamp>,
    quality: Quality,
    event: Option<String>,
    sequence: Option<u64>,
    evidence: Vec<Evidence>,
}

struct Run<'r, T> {
    plan: &'r Mapping,
    message: &'r Incoming<'r>,
    out: Vec<Observation>,
    understood: bool,
    /// Which element of each `for_each` it is in.
    numbers: [usize; 2],
    /// The header that was read last, for the frames at hand.
    memo: Option<(usize, Said)>,
    trace: &'r mut T,
}

impl<T: Trace> Run<'_, T> {
    fn all(&mut self, frames: &Frames<'_, '_>) -> Result<(), String> {
        let plan = self.plan;
        plan.groups.iter().try_for_each(|group| self.group(group, frames, 0))
    }

    fn group(&mut self, group: &Group, frames: &Frames<'_, '_>, level: usize) -> Result<(), String> {
        let Some(each) = group.each.get(level) else {
            return group.rules.iter().try_for_each(|rule| self.rule(rule, frames));
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

    fn rule(&mut self, rule: &Rule, frames: &Frames<'_, '_>) -> Result<(), String> {
        if rule.when.as_ref().is_some_and(|when| !frames.holds(when)) {
            return Ok(());
        }
        let mut values: Values = [const { None }; FIELDS_MAX];
        let mut trouble = vec![];
        let mut present = rule.when.is_some();
        let mut reads = false;
        for (number, field) in &rule.fields {
            match field {
                FieldPlan::Const(value) => values[*number] = Some(value.clone()),
                FieldPlan::Read(read) => {
                    reads = true;
                    match value_of(read, frames) {
                        Found::Absent => continue,
                        Found::Value(value) => values[*number] = Some(value),
                        Found::Unknown(raw) => trouble.push(raw_of(rule.kind, *number, &read.source, &raw)),
                    }
                    present = true;
                }
            }
        }
        if reads && !present {
            return Ok(());
        }
        self.trace.rule(rule.number);
        self.understood |= !rule.beside;
        self.speak(rule, values, trouble, frames)
    }

    fn speak(
        &mut self,
        rule: &Rule,
        mut values: Values,
        mut trouble: Vec<String>,
        frames: &Frames<'_, '_>,
    ) -> Result<(), String> {
        let empty = values.iter().all(Option::is_none) && !rule.kind.schema().fields.is_empty();
        if empty && trouble.is_empty() {
            trouble.push(format!("{}: none of its fields is there", rule.kind.schema().name));
        }
        if !empty {
            match rule.kind.build(&mut values) {
                Ok(reading) => self.push(rule.header, reading, frames)?,
                Err(field) if trouble.is_empty() => {
                    trouble.push(format!("{}.{field}: absent", rule.kind.schema().name));
                }
                Err(_) => {}
            }
        }
        trouble.into_iter().try_for_each(|raw| self.push(rule.header, Reading::Unknown { raw }, frames))
    }

    fn push(&mut self, header: usize, reading: Reading, frames: &Frames<'_, '_>) -> Result<(), String> {
        let max = observations_max(self.message.text.len());
        if self.out.len() >= max {
            return Err(format!("it says more than {max} things, too many for its length"));
        }
        let said = match &self.memo {
            Some((known, said)) if *known == header => said.clone(),
            Some(_) | None => {
                let said = self.said(header, frames)?;
                self.memo.insert((header, said)).1.clone()
            }
        };
        self.out.push(Observation {
            device: said.device,
            reading,
            at_device: said.at_device,
            quality: said.quality,
            event: said.event,
            sequence: said.sequence,
            evidence: said.evidence,
            profile: self.message.profile.to_owned(),
        });
        Ok(())
    }

    fn said(&self, header: usize, frames: &Frames<'_, '_>) -> Result<Said, String> {
        let plan = &self.plan.headers[header];
        let time = plan.time.as_ref().map_or(DeviceTime::None, |read| time_of(read, frames));
        let quality = time.quality(self.message.at, flag(&plan.replayed, frames), flag(&plan.test, frames));
        Ok(Said {
            device: self.device(plan, frames)?,
            at_device: time.at(),
            quality,
            event: plan.event.as_ref().and_then(|source| self.event(source, frames)),
            sequence: plan.sequence.as_ref().and_then(|source| sequence_of(&frames.first(source))),
            evidence: plan.evidence.iter().filter_map(|at| evidence_of(&frames.token(*at))).collect(),
        })
    }

    fn device(&self, plan: &Header, frames: &Frames<'_, '_>) -> Result<String, String> {
        let mut device = String::new();
        for piece in &plan.device {
            match piece {
                Piece::Word(word) => device.push_str(word),
                Piece::Capture(numbers) => {
                    let number = numbers.get(self.message.topic_number).copied().unwrap_or(usize::MAX);
                    device.push_str(self.message.captures.value(number));
                }
                Piece::Body(source) => {
                    let token = frames.first(source);
                    let part = text_of(&token).filter(|part| !part.is_empty());
                    let lacks = || format!("no device: {} is {}", source.pointers, shown(&token));
                    device.push_str(&part.ok_or_else(lacks)?);
                }
            }
        }
        check_device(&device)?;
        Ok(device)
    }

    /// The vendor's id; elements of one event that share it get their number, so that none passes for another.
    fn event(&self, source: &Source, frames: &Frames<'_, '_>) -> Option<String> {
        let at = source.at.iter().find(|at| !frames.token(**at).is_absent())?;
        let mut event = text_of(&frames.token(*at)).filter(|event| !event.is_empty())?;
        let inner = self.numbers.iter().skip(usize::from(at.depth));
        for number in inner.filter(|number| **number > 0) {
            event = format!("{event}/{}", number + 1);
        }
        Some(event)
    }

    fn finish(mut self, frames: &Frames<'_, '_>) -> Outcome {
        if self.understood && !self.out.is_empty() {
            return Outcome::Observations(self.out);
        }
        let added = match &self.plan.otherwise {
            Otherwise::Unmatched(reason) => return Outcome::Unmatched(reason.clone()),
            Otherwise::Ignore(reason) => return Outcome::Ignored(reason.clone()),
            Otherwise::Heartbeat { header } => self.push(*header, Reading::Heartbeat {}, frames),
            Otherwise::Unknown { header, source } => {
                let raw = format!("{}: {}", source.pointers, shown(&frames.first(source)));
                self.push(*header, Reading::Unknown { raw }, frames)
            }
        };
        match added {
            Ok(()) => Outcome::Observations(self.out),
            Err(reason) => Outcome::Rejected(reason),
        }
    }
}

fn next<'a>(elements: &mut Elements<'a>, trie: &Trie, slots: &mut [Token<'a>]) -> Result<bool, Malformed> {
    slots.fill(Token::ABSENT);
    elements.next(trie, slots)
}

/// An identity must be fit for a registry, a topic and a log line.
pub(crate) fn check_device(device: &str) -> Result<(), String> {
    let unsafe_char =
        |c: &char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if device.is_empty() {
        return Err("the device's identity is empty".into());
    }
    if device.len() > DEVICE_BYTES_MAX {
        let bytes = device.len();
        return Err(format!("the device's identity has {bytes} bytes; {DEVICE_BYTES_MAX} are allowed"));
    }
    match device.chars().find(unsafe_char) {
        Some(found) => Err(format!("the device's identity holds {found:?}")),
        None => Ok(()),
    }
}

/// What a field's place gave.
enum Found {
    Absent,
    Value(Value),
    /// Something, and not what the field needs: the raw value.
    Unknown(String),
}

fn value_of(read: &Read, frames: &Frames<'_, '_>) -> Found {
    let token = frames.first(&read.source);
    if token.is_absent() || (token.is_null() && read.null == Null::Absent) {
        return Found::Absent;
    }
    if read.sentinels.iter().any(|sentinel| sentinel.equals(&token, Case::Exact)) {
        return Found::Unknown(format!("{} (the device's word for unknown)", shown(&token)));
    }
    match convert(&read.convert, &token) {
        Some(value) => Found::Value(value),
        None => Found::Unknown(shown(&token)),
    }
}

fn convert(convert: &Convert, token: &Token<'_>) -> Option<Value> {
    match convert {
        Convert::Polarity { inverted } => flag_of(token).map(|flag| Value::Flag(flag != *inverted)),
        Convert::Sides { yes, no, case } => {
            let on =
                |side: &[_]| side.iter().any(|literal: &crate::value::Literal| literal.equals(token, *case));
            on(yes).then_some(Value::Flag(true)).or_else(|| on(no).then_some(Value::Flag(false)))
        }
        Convert::Map { table, case } => {
            table.iter().find(|(literal, _)| literal.equals(token, *case)).map(|(_, value)| value.clone())
        }
        Convert::Number { scale, offset, abs, min, max } => {
            let number = number_of(token)? * scale + offset;
            let number = if *abs { number.abs() } else { number };
            (number.is_finite() && (*min..=*max).contains(&number)).then_some(Value::Number(number))
        }
        Convert::Whole { min, max } => {
            whole_of(token).filter(|whole| (*min..=*max).contains(whole)).map(Value::Whole)
        }
        Convert::Text => text_of(token).map(Value::Text),
        Convert::Time(formats) => formats.iter().find_map(|format| format.read(token)).map(Value::Time),
        Convert::Evidence => evidence_of(token).map(|evidence| Value::Evidence(Box::new(evidence))),
    }
}

fn raw_of(kind: Kind, field: usize, source: &Source, raw: &str) -> String {
    let schema = kind.schema();
    let field = schema.fields.get(field).map_or("?", |field| field.name);
    format!("{}.{field}: {} is {raw}", schema.name, source.pointers)
}

fn time_of(read: &TimeRead, frames: &Frames<'_, '_>) -> DeviceTime {
    let token = frames.first(&read.source);
    let unset = |token: &Token<'_>| read.sentinels.iter().any(|sentinel| sentinel.equals(token, Case::Exact));
    if token.is_absent() || token.is_null() || unset(&token) {
        return DeviceTime::None;
    }
    let found = read.formats.iter().find_map(|format| format.read(&token));
    found.map_or(DeviceTime::Unreadable, DeviceTime::At)
}

fn flag(plan: &FlagPlan, frames: &Frames<'_, '_>) -> bool {
    match plan {
        FlagPlan::Const(flag) => *flag,
        FlagPlan::Read(read) => matches!(value_of(read, frames), Found::Value(Value::Flag(true))),
    }
}

fn sequence_of(token: &Token<'_>) -> Option<u64> {
    whole_of(token)
        .or_else(|| number_of(token).and_then(whole_from))
        .and_then(|whole| u64::try_from(whole).ok())
}

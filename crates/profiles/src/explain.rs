//! Why a message was understood as it was: which messages of which profiles were tried, which rules spoke, where
//! each value came from, and why the other rules did not speak.

use crate::chain::Context;
use crate::decode::{Found, Frames, Trace, speaks};
use crate::limits::FOR_EACH_MAX;
use crate::plan::{Condition, Decoder, FieldPlan, Mapping, Null, Rule, Source, Test};
use crate::set::ProfileSet;
use crate::state::DecodeState;
use crate::value::{FieldType, Literal, Value, cut, shown};
use serde::Serialize;
use std::fmt;
use wanglou_model::{Decoded, RawMessage, rfc3339_micros};

/// Rules shown of one message: a long list times many rules is more than anybody reads.
const RULES_MAX: usize = 500;

/// What was tried, in the order in which it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Messages of profiles whose topic matched.
    pub tried: Vec<Tried>,
}

/// A `[[message]]` that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// The profile's name.
    pub profile: String,
    /// Its file.
    pub file: String,
    /// The message's line in the file, from 1.
    pub line: u32,
    /// The message's name; empty if it has none.
    pub message: String,
    /// Its own condition did not hold, and why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub passed: Option<String>,
    /// Decoded parts: what stood in each, or why it could not be decoded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartTried>,
    /// The reason of the ignore clause that held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignored: Option<String>,
    /// Its rules, for each element again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<RuleTried>,
    /// Rules that are not shown, because there are too many.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

/// A part and what stood in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PartTried {
    /// Its name.
    pub name: String,
    /// Its beginning, once decoded; absent when there was nothing to decode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Why it could not be decoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A rule that was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleTried {
    /// Its name.
    pub name: String,
    /// Its line in the file, from 1.
    pub line: u32,
    /// For which element of its `for_each`, counted from 1; outermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub element: Vec<usize>,
    /// It gave an observation.
    pub spoke: bool,
    /// Why it did, or did not.
    pub because: String,
    /// Where its values came from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueTried>,
    #[serde(skip)]
    number: usize,
}

/// A field of a rule that spoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueTried {
    /// Its name.
    pub field: String,
    /// Where it was looked for; empty when the profile states it.
    pub at: String,
    /// What came of it.
    pub found: String,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

impl ProfileSet {
    /// Decodes a message and tells why it came out so. `profile` restricts it to one.
    pub fn explain(
        &self,
        profile: Option<&str>,
        message: &RawMessage<'_>,
        state: &mut DecodeState,
    ) -> (Decoded, Explanation) {
        let mut trace = Explainer { set: self, tried: vec![] };
        let decoded = match profile.map(|name| (name, self.number(name))) {
            Some((name, None)) => Decoded::Unmatched(format!("there is no profile {name:?}")),
            only => {
                let only = only.and_then(|(_, number)| number);
                self.decode_watched(only, message, &mut Context::of(message, state), &mut trace)
            }
        };
        (decoded, Explanation { tried: trace.tried })
    }
}

struct Explainer<'s> {
    set: &'s ProfileSet,
    tried: Vec<Tried>,
}

impl Explainer<'_> {
    fn last(&mut self) -> Option<&mut Tried> {
        self.tried.last_mut()
    }
}

impl Trace for Explainer<'_> {
    const ASKS: bool = true;

    fn message(&mut self, profile: usize, message: usize) {
        let plan = &self.set.plans()[profile];
        let found = &plan.messages[message];
        self.tried.push(Tried {
            profile: plan.name.to_string(),
            file: plan.file.clone(),
            line: found.line,
            message: found.name.clone(),
            passed: None,
            parts: vec![],
            ignored: None,
            rules: vec![],
            left_out: 0,
        });
        if let Decoder::Canonical = found.decoder {
            let rule = RuleTried {
                name: "the program's own decoder".into(),
                line: found.line,
                element: vec![],
                spoke: true,
                because: "the format is read by the program itself".into(),
                values: vec![],
                number: 0,
            };
            self.tried.last_mut().into_iter().for_each(|tried| tried.rules.push(rule.clone()));
        }
    }

    fn when(&mut self, plan: &Mapping, held: bool, frames: &Frames<'_, '_>) {
        let why = plan.when.as_ref().map(|when| why(when, frames).1);
        if let Some(tried) = self.last().filter(|_| !held) {
            tried.passed = why;
        }
    }

    fn part(&mut self, plan: &Mapping, number: usize, found: Result<Option<&str>, &str>) {
        let name = plan.parts[number].name.clone();
        let part = match found {
            Ok(text) => PartTried { name, text: text.map(|text| cut(text).into_owned()), fault: None },
            Err(fault) => PartTried { name, text: None, fault: Some(fault.to_owned()) },
        };
        if let Some(tried) = self.last() {
            tried.parts.push(part);
        }
    }

    fn ignore(&mut self, plan: &Mapping, number: usize) {
        let reason = plan.ignores[number].reason.clone();
        if let Some(tried) = self.last() {
            tried.ignored = Some(reason);
        }
    }

    fn asked(&mut self, rule: &Rule, frames: &Frames<'_, '_>, numbers: [usize; FOR_EACH_MAX], loops: usize) {
        let Some(tried) = self.last() else { return };
        if tried.rules.len() >= RULES_MAX {
            tried.left_out += 1;
            return;
        }
        let because = because(rule, frames);
        tried.rules.push(RuleTried {
            name: rule.name.clone(),
            line: rule.line,
            element: numbers.iter().take(loops).map(|number| number + 1).collect(),
            spoke: false,
            because,
            values: vec![],
            number: rule.number,
        });
    }

    fn rule(&mut self, number: usize) {
        if let Some(rule) = self.rule_of(number) {
            rule.spoke = true;
        }
    }

    fn field(&mut self, rule: &Rule, field: usize, plan: &FieldPlan, found: &Found) {
        let Some(known) = rule.kind.schema().fields.get(field) else { return };
        let at = match plan {
            FieldPlan::Const(_) => String::new(),
            FieldPlan::Read(read) => read.source.pointers.clone(),
        };
        let found = match found {
            Found::Absent => "nothing is there".to_owned(),
            Found::Value(value) => text_of(value, known.ty),
            Found::Unknown(raw) => format!("unknown: {raw}"),
        };
        self.value(rule, ValueTried { field: known.name.to_owned(), at, found });
    }

    fn filled(&mut self, rule: &Rule, field: &str, text: &str) {
        let at = "an earlier message of the pair".to_owned();
        self.value(rule, ValueTried { field: field.to_owned(), at, found: format!("{text:?}") });
    }
}

impl Explainer<'_> {
    /// Notes where a value came from.
    fn value(&mut self, rule: &Rule, value: ValueTried) {
        if let Some(rule) = self.rule_of(rule.number) {
            rule.values.push(value);
        }
    }

    /// The rule as it was asked last.
    fn rule_of(&mut self, number: usize) -> Option<&mut RuleTried> {
        self.last()?.rules.iter_mut().rev().find(|rule| rule.number == number)
    }
}

fn text_of(value: &Value, ty: FieldType) -> String {
    match value {
        Value::Flag(flag) => flag.to_string(),
        Value::Whole(whole) => whole.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Choice(number) => match ty {
            FieldType::Choice(names) => names.get(usize::from(*number)).copied().unwrap_or("?").to_owned(),
            FieldType::Flag
            | FieldType::Whole { .. }
            | FieldType::Number
            | FieldType::Text
            | FieldType::Time
            | FieldType::Evidence => "?".to_owned(),
        },
        Value::Time(at) => rfc3339_micros::format(*at),
        Value::Evidence(evidence) => {
            evidence.uri.clone().or_else(|| evidence.sha256.clone()).unwrap_or_default()
        }
    }
}

/// Why a rule speaks, or does not.
fn because(rule: &Rule, frames: &Frames<'_, '_>) -> String {
    if let Some(when) = &rule.when {
        let (holds, text) = why(when, frames);
        return match (holds, rule.first_of.is_some()) {
            (true, true) => format!("{text} (unless another rule of its group came first)"),
            (true | false, _) => text,
        };
    }
    let reads = rule.fields.iter().filter_map(|(_, field)| match field {
        FieldPlan::Const(_) => None,
        FieldPlan::Read(read) => Some(read),
    });
    let places: Vec<String> = reads
        .map(|read| {
            let null = if read.null == Null::Absent { " (null counts as absent)" } else { "" };
            format!("{}{null}", place(&read.source, frames))
        })
        .collect();
    match (places.is_empty(), speaks(rule, frames)) {
        (true, _) => "it has no condition".into(),
        (false, true) => format!("a value of it is there: {}", places.join(", ")),
        (false, false) => format!("no value of it is there: {}", places.join(", ")),
    }
}

fn place(source: &Source, frames: &Frames<'_, '_>) -> String {
    format!("{} is {}", source.pointers, shown(&frames.first(source)))
}

/// Whether a condition holds, and by which of its questions.
fn why(condition: &Condition, frames: &Frames<'_, '_>) -> (bool, String) {
    let each = |all: &[Condition]| all.iter().map(|one| why(one, frames)).collect::<Vec<_>>();
    let joined =
        |all: Vec<(bool, String)>| all.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; ");
    match condition {
        Condition::All(all) => {
            let answers = each(all);
            match answers.iter().find(|(holds, _)| !holds) {
                Some((_, text)) => (false, text.clone()),
                None => (true, joined(answers)),
            }
        }
        Condition::Any(any) => {
            let answers = each(any);
            match answers.iter().find(|(holds, _)| *holds) {
                Some((_, text)) => (true, text.clone()),
                None => (false, joined(answers)),
            }
        }
        Condition::Not(not) => {
            let (holds, text) = why(not, frames);
            (!holds, text)
        }
        Condition::Test(source, test) => {
            let holds = frames.holds(condition);
            let word = if holds { "as wished" } else { "wanted" };
            (holds, format!("{}, {word}: {}", place(source, frames), question(test)))
        }
    }
}

fn question(test: &Test) -> String {
    let list = |all: &[Literal]| all.iter().map(written).collect::<Vec<_>>().join(", ");
    match test {
        Test::Exists(true) => "anything".into(),
        Test::Exists(false) => "nothing".into(),
        Test::Null(null) => if *null { "null" } else { "anything but null" }.into(),
        Test::Type(name) => format!("{name:?}").to_lowercase(),
        Test::In(all, _) => list(all),
        Test::Starts(text, _) => format!("beginning with {text:?}"),
        Test::Ends(text, _) => format!("ending with {text:?}"),
        Test::Contains(text, _) => format!("with {text:?} in it"),
        Test::Matches(regex) => format!("matching {regex}"),
        Test::Has(all, _) => format!("a list with {}", list(all)),
        Test::Empty(empty) => if *empty { "empty" } else { "not empty" }.into(),
        Test::Bit(bit) => format!("bit {bit} set"),
        Test::Between((min, _), (max, _)) => format!("between {min} and {max}"),
    }
}

fn written(literal: &Literal) -> String {
    match literal {
        Literal::Flag(flag) => flag.to_string(),
        Literal::Number { text, .. } => text.clone(),
        Literal::Text(text) => format!("{text:?}"),
    }
}

/// For people: one line for each thing that was tried.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tried.is_empty() {
            return writeln!(f, "no profile has this topic");
        }
        self.tried.iter().try_for_each(|tried| write!(f, "{tried}"))
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {:?} ({}:{})", self.profile, self.message, self.file, self.line)?;
        if let Some(why) = &self.passed {
            return writeln!(f, "  not this message: {why}");
        }
        for part in &self.parts {
            let found = part.fault.as_deref().or(part.text.as_deref()).unwrap_or("nothing to decode");
            writeln!(f, "  part {:?}: {found}", part.name)?;
        }
        if let Some(reason) = &self.ignored {
            return writeln!(f, "  ignored: {reason}");
        }
        for rule in &self.rules {
            let mark = if rule.spoke { "+" } else { "-" };
            let element = rule.element.iter().map(|n| format!(" #{n}")).collect::<String>();
            writeln!(f, "  {mark} {:?}{element} (line {}): {}", rule.name, rule.line, rule.because)?;
            for value in &rule.values {
                writeln!(f, "      {} <- {}: {}", value.field, value.at, value.found)?;
            }
        }
        match self.left_out {
            0 => Ok(()),
            more => writeln!(f, "  … and {more} more"),
        }
    }
}

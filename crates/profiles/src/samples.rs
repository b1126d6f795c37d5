//! The examples that profiles carry: does every rule have one, and does each come out as it says.

use crate::decode::{Trace, Unwatched};
use crate::fault::Fault;
use crate::plan::{Decoder, Example, Expect, Mapping, ProfilePlan};
use crate::set::ProfileSet;
use crate::state::DecodeState;
use serde_json::Value;
use std::collections::BTreeSet;
use wanglou_model::{Decoded, Observation, RawMessage, rfc3339_micros};

/// Rules and ignore clauses that no example of their profile reaches.
pub(crate) fn uncovered(set: &ProfileSet) -> Vec<Fault> {
    let plans = set.plans().iter().enumerate();
    plans.flat_map(|(number, plan)| uncovered_of(set, number, plan)).collect()
}

fn uncovered_of(set: &ProfileSet, number: usize, plan: &ProfilePlan) -> Vec<Fault> {
    let mut reached = Reached::default();
    // In their order, so that one example may be the birth that the next one needs.
    let mut state = DecodeState::default();
    for example in &plan.examples {
        set.decode_alone(number, &message(example), &mut state, &mut reached);
    }
    let mut faults = vec![];
    for (at, found) in plan.messages.iter().enumerate() {
        let key_path = format!("message[{at}]");
        let mut fault = |line: u32, key_path: String, what: String| {
            let message =
                format!("no example reaches {what} of message {:?}; add an [[example]] for it", found.name);
            faults.push(Fault { file: plan.file.clone(), line, key_path, message });
        };
        match &found.decoder {
            Decoder::Canonical if !reached.messages.contains(&at) => {
                fault(found.line, key_path, "the decoder".into());
            }
            Decoder::Canonical => {}
            Decoder::Mapping(mapping) => {
                for (number, line, what) in parts(mapping, &reached, at) {
                    fault(line, format!("{key_path}.{number}"), what);
                }
            }
        }
    }
    faults
}

/// The parts of a message that were not reached: key, line, and what they are.
fn parts(mapping: &Mapping, reached: &Reached, message: usize) -> Vec<(String, u32, String)> {
    let rules = mapping.groups.iter().flat_map(|group| &group.rules);
    let rules = rules.filter(|rule| !reached.rules.contains(&(message, rule.number)));
    let rules =
        rules.map(|rule| (format!("rule[{}]", rule.number), rule.line, format!("the rule {:?}", rule.name)));
    let ignores = mapping.ignores.iter().enumerate();
    let ignores = ignores.filter(|(number, _)| !reached.ignores.contains(&(message, *number)));
    let ignores = ignores.map(|(number, ignore)| {
        (format!("ignore[{number}]"), ignore.line, format!("the ignore clause {:?}", ignore.reason))
    });
    rules.chain(ignores).collect()
}

/// What examples have reached.
#[derive(Default)]
struct Reached {
    message: usize,
    messages: BTreeSet<usize>,
    rules: BTreeSet<(usize, usize)>,
    ignores: BTreeSet<(usize, usize)>,
}

impl Trace for Reached {
    fn message(&mut self, _profile: usize, message: usize) {
        self.message = message;
        self.messages.insert(message);
    }
    fn rule(&mut self, number: usize) {
        self.rules.insert((self.message, number));
    }
    fn ignore(&mut self, _plan: &Mapping, number: usize) {
        self.ignores.insert((self.message, number));
    }
}

/// Runs all examples; what differs is a fault of the example's line.
pub(crate) fn run(set: &ProfileSet) -> Vec<Fault> {
    let mut faults = vec![];
    for (number, plan) in set.plans().iter().enumerate() {
        let (mut own, mut all) = (DecodeState::default(), DecodeState::default());
        for example in &plan.examples {
            let decoded = set.decode_alone(number, &message(example), &mut own, &mut Unwatched);
            let among_all = set.decode_in(&message(example), &mut all).decoded;
            let problem = differs(&example.expect, &decoded).or_else(|| taken(plan, &decoded, &among_all));
            faults.extend(problem.map(|message| Fault {
                file: plan.file.clone(),
                line: example.line,
                key_path: example.key_path.clone(),
                message,
            }));
        }
    }
    faults
}

fn message(example: &Example) -> RawMessage<'_> {
    RawMessage {
        topic: &example.topic,
        payload: &example.payload,
        at: example.at,
        retain: example.retain,
        dup: false,
    }
}

/// Among all profiles, does another one take this one's message?
fn taken(plan: &ProfilePlan, own: &Decoded, among_all: &Decoded) -> Option<String> {
    if !matches!(own, Decoded::Observations(_)) || among_all == own {
        return None;
    }
    let by = match among_all {
        Decoded::Observations(all) => all.first().map_or("nobody", |first| &*first.profile),
        Decoded::Ignored(_) => "a profile that ignores it",
        Decoded::Unmatched(_) | Decoded::Rejected { .. } => "nobody",
    };
    Some(format!("{} alone understands it, but among all profiles it goes to {by}", plan.name))
}

fn differs(expect: &Expect, decoded: &Decoded) -> Option<String> {
    let reason =
        |wanted: &str, found: &str| (!found.contains(wanted)).then(|| format!("the reason is {found:?}"));
    match (expect, decoded) {
        (Expect::Observations(expected), Decoded::Observations(found)) => observations(expected, found),
        (Expect::Ignored(wanted), Decoded::Ignored(found))
        | (Expect::Unmatched(wanted), Decoded::Unmatched(found)) => reason(wanted, found),
        (Expect::Rejected(wanted), Decoded::Rejected { reason: found, .. }) => reason(wanted, found),
        (
            Expect::Observations(_) | Expect::Ignored(_) | Expect::Unmatched(_) | Expect::Rejected(_),
            Decoded::Observations(_) | Decoded::Ignored(_) | Decoded::Unmatched(_) | Decoded::Rejected { .. },
        ) => Some(format!("it gives {}", described(decoded))),
    }
}

fn described(decoded: &Decoded) -> String {
    match decoded {
        Decoded::Observations(all) => {
            let all: Vec<_> = all.iter().map(|one| written(one).to_string()).collect();
            all.join(" ")
        }
        Decoded::Ignored(reason) => format!("ignored: {reason}"),
        Decoded::Unmatched(reason) => format!("unmatched: {reason}"),
        Decoded::Rejected { reason, .. } => format!("rejected: {reason}"),
    }
}

fn observations(expected: &[Value], found: &[Observation]) -> Option<String> {
    for (number, (expected, found)) in expected.iter().zip(found).enumerate() {
        let mut found = written(found);
        if expected.get("quality").is_none()
            && let Some(fields) = found.as_object_mut()
            && fields.get("quality") == Some(&Value::from("ok"))
        {
            fields.remove("quality");
        }
        if !same(expected, &found) {
            return Some(format!("observation {} is {found}", number + 1));
        }
    }
    let (wanted, got) = (expected.len(), found.len());
    (wanted != got).then(|| {
        let all: Vec<_> = found.iter().map(|one| written(one).to_string()).collect();
        format!("it gives {got} observations, not {wanted}: {}", all.join(" "))
    })
}

/// An observation as an example writes it: without its profile.
fn written(observation: &Observation) -> Value {
    let mut json = serde_json::to_value(observation).unwrap_or_default();
    if let Some(fields) = json.as_object_mut() {
        fields.remove("profile");
    }
    json
}

/// Equal, where 92 is 92.0 and times may have different offsets.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => a == b || (x - y).abs() <= 1e-9 * x.abs().max(1.0),
            _ => a == b,
        },
        (Value::String(a), Value::String(b)) => {
            a == b || rfc3339_micros::parse(a).is_some_and(|at| rfc3339_micros::parse(b) == Some(at))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

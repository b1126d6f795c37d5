//! From samples to a profile file, as a proposal that a person reviews. What can be read off the sample is filled
//! in; what only somebody who saw the device can know is left open, and `wanglou check` refuses the file until it is
//! filled in.

use super::family::{self, Family};
use super::hints::{self, Hint, How};
use super::sample::Sample;
use super::shape::{self, Leaf};
use super::written;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wanglou_model::{Decoded, RawMessage, Timestamp, rfc3339_micros};
use wanglou_profiles::ProfileSet;

/// Stands wherever a person must decide.
pub const FILL_IN: &str = "FILL IN";
const POLARITY: &str = "FILL IN: direct or inverted";
const TRUTH: &str = "FILL IN: true or false";
/// Values that are listed as not used.
const UNUSED_MAX: usize = 40;

/// A profile file, and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Its name, also the file's.
    pub name: String,
    /// The file.
    pub text: String,
    /// The device of the first sample, as the device list's `identity` must have it.
    pub identity: Option<String>,
    /// What a person has to fill in, in words.
    pub open: Vec<String>,
}

/// What a proposal is made from, beside the samples.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The profiles at hand: file names to contents.
    pub files: &'a BTreeMap<String, Vec<u8>>,
    /// The compound's zone, in which a device without one is taken to write its time.
    pub zone: &'a str,
    /// Now: examples are received then, so that their times are plausible.
    pub now: Timestamp,
    /// The profile's name, if somebody has chosen one.
    pub name: Option<&'a str>,
}

/// Proposes a profile for the first sample, and those of other topics that are like it.
///
/// # Errors
/// Words: there is nothing that can be proposed.
pub fn suggest(samples: &[Sample], known: &Known<'_>) -> Result<Proposal, String> {
    let first = samples.first().ok_or("there is no sample")?;
    if first.cut {
        return Err(format!(
            "only the beginning of {:?} was kept: give the whole message in a file, with --topic",
            first.topic
        ));
    }
    let body = Body::of(&first.payload)?;
    let leaves = shape::leaves(&body.value);
    let topic = Topic::of(samples, &leaves);
    let name = known.name.map_or_else(|| name_of(&first.topic, known.files), str::to_owned);
    let mut draft = Draft {
        name,
        body,
        device: topic.device(&leaves),
        pattern: topic.pattern(),
        time: leaves.iter().find_map(|leaf| time(leaf, known)),
        event: leaves
            .iter()
            .find(|leaf| EVENTS.contains(&leaf.key.as_str()))
            .map(|leaf| leaf.pointer.clone()),
        rules: Vec::new(),
        family: None,
        leaves,
    };
    draft.family = family::nearest(known.files, &draft.body.value);
    draft.rules = rules(&draft.leaves, hints::is_cover(&first.topic, &draft.leaves));
    draft.finish(first, known)
}

/// Bodies: JSON, or a bare text.
struct Body {
    value: Value,
    json: bool,
}

impl Body {
    fn of(payload: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(payload).map_err(|_| {
            "the message is bytes, not text: see \"Decoding\" in docs/profiles.md for base64, hex and bytes, and write it by hand"
        })?;
        match serde_json::from_str::<Value>(text) {
            Ok(value @ Value::Object(_)) => Ok(Self { value, json: true }),
            Ok(Value::Array(_)) => {
                Err("the message is a list: see `for_each` in docs/profiles.md, and write it by hand"
                    .to_owned())
            }
            Ok(_) | Err(_) => Ok(Self { value: Value::String(text.to_owned()), json: false }),
        }
    }
}

/// The topics of the samples, level by level.
struct Topic {
    levels: Vec<Level>,
}

#[derive(PartialEq)]
enum Level {
    Same(String),
    Device(String),
    Other,
}

/// The last levels of topics, which say what is told and not who tells it.
const TAILS: &[&str] = &[
    "state",
    "status",
    "event",
    "events",
    "up",
    "uplink",
    "data",
    "telemetry",
    "report",
    "alarm",
    "alarms",
    "sensor",
    "attributes",
    "post",
    "message",
    "info",
    "value",
    "property",
    "properties",
    "tele",
    "stat",
];
/// Keys of the body that name the device, the surest first.
const IDENTITIES: &[&str] = &[
    "deviceid",
    "devid",
    "deveui",
    "devicesn",
    "devicecode",
    "serialnumber",
    "serialno",
    "serial",
    "sn",
    "imei",
    "mac",
    "macaddress",
    "ieeeaddress",
    "device",
    "devicename",
    "id",
];
const EVENTS: &[&str] = &["eventid", "messageid", "msgid", "alarmid", "uuid"];

impl Topic {
    fn of(samples: &[Sample], leaves: &[Leaf]) -> Self {
        let split = |sample: &Sample| sample.topic.split('/').map(str::to_owned).collect::<Vec<_>>();
        let first = split(&samples[0]);
        let alike: Vec<Vec<String>> =
            samples.iter().map(split).filter(|levels| near(&first, levels)).collect();
        let differs = |n: usize| alike.iter().any(|levels| levels[n] != first[n]);
        let told = |text: &str| {
            identity(leaves).is_some_and(|leaf| leaf.value.as_str().is_some_and(|id| id == text))
        };
        let device = (0..first.len())
            .find(|n| told(&first[*n]))
            .or_else(|| (0..first.len()).rev().find(|n| differs(*n)))
            .or_else(|| (1..first.len()).rev().find(|n| !is_tail(&first[*n]) && identity(leaves).is_none()));
        let level = |(n, text): (usize, String)| match Some(n) == device {
            true => Level::Device(text),
            false if differs(n) => Level::Other,
            false => Level::Same(text),
        };
        Self { levels: first.iter().cloned().enumerate().map(level).collect() }
    }

    fn pattern(&self) -> String {
        let level = |(n, level): (usize, &Level)| match level {
            Level::Same(text) => text.clone(),
            Level::Device(_) => "{device}".to_owned(),
            Level::Other => format!("{{level{}}}", n + 1),
        };
        self.levels.iter().enumerate().map(level).collect::<Vec<_>>().join("/")
    }

    /// Who says so: how the profile finds it, and who it is in the sample.
    fn device(&self, leaves: &[Leaf]) -> (String, Option<String>) {
        for level in &self.levels {
            if let Level::Device(text) = level {
                return ("{device}".to_owned(), Some(text.clone()));
            }
        }
        match identity(leaves) {
            Some(leaf) => {
                let id = leaf.value.as_str().map_or_else(|| leaf.value.to_string(), str::to_owned);
                (format!("{{{}}}", leaf.pointer), Some(id))
            }
            None => (FILL_IN.to_owned(), None),
        }
    }
}

/// The same make: as many levels, and at most two of them differ.
fn near(a: &[String], b: &[String]) -> bool {
    a.len() == b.len() && a.iter().zip(b).filter(|(a, b)| a != b).count() <= 2
}

fn is_tail(level: &str) -> bool {
    TAILS.contains(&level.to_lowercase().as_str())
}

fn identity(leaves: &[Leaf]) -> Option<&Leaf> {
    let says = |leaf: &&Leaf| leaf.value.is_string() || leaf.value.is_u64();
    IDENTITIES.iter().find_map(|key| leaves.iter().filter(says).find(|leaf| leaf.key == *key))
}

/// The first levels of a topic name the make. A name that is taken gets a number.
fn name_of(topic: &str, files: &BTreeMap<String, Vec<u8>>) -> String {
    let fit = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let first = topic.split('/').find(|level| level.chars().any(|c| c.is_ascii_alphabetic()));
    let name: String = first.unwrap_or("new").chars().take(30).map(fit).collect();
    let name = name.trim_matches('_').to_owned();
    let name = if name.is_empty() { "new".to_owned() } else { name };
    let taken = |name: &str| files.contains_key(&format!("{name}.toml"));
    if !taken(&name) {
        return name;
    }
    (2..1_000).map(|n| format!("{name}_{n}")).find(|name| !taken(name)).unwrap_or(name)
}

/// The keys of a time, the event's own before that of the report.
const TIMES: &[&str] = &[
    "eventtime",
    "alarmtime",
    "occurtime",
    "timestamp",
    "ts",
    "time",
    "datetime",
    "lastseen",
    "createtime",
    "reporttime",
    "sendtime",
    "date",
];

/// How a value is read as the device's time, in TOML.
fn time(leaf: &Leaf, known: &Known<'_>) -> Option<String> {
    if !TIMES.contains(&leaf.key.as_str()) {
        return None;
    }
    let at = written::text(&leaf.pointer);
    let number = leaf.value.as_f64().or_else(|| leaf.value.as_str()?.parse().ok());
    if let Some(number) = number {
        let format = match number {
            n if (1e9..1e10).contains(&n) => "epoch_s",
            n if (1e12..1e13).contains(&n) => "epoch_ms",
            n if (1e15..1e16).contains(&n) => "epoch_us",
            _ => return None,
        };
        return Some(format!("{{ at = {at}, as = \"{format}\" }}"));
    }
    let text = leaf.value.as_str()?;
    if rfc3339_micros::parse(text).is_some() {
        return Some(format!("{{ at = {at}, as = \"rfc3339\" }}"));
    }
    let pattern = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S"]
        .into_iter()
        .find(|pattern| jiff::fmt::strtime::parse(pattern, text).is_ok_and(|at| at.to_datetime().is_ok()))?;
    let zone = written::text(known.zone);
    Some(format!("{{ at = {at}, as = \"pattern\", pattern = \"{pattern}\", zone = {zone} }}"))
}

/// One rule for each kind, with a field for each value.
struct Rule {
    kind: &'static str,
    fields: Vec<(Leaf, Hint)>,
}

fn rules(leaves: &[Leaf], cover: bool) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    for leaf in leaves {
        let Some(hint) = hints::of(leaf, cover) else { continue };
        match rules.iter_mut().find(|rule| rule.kind == hint.kind) {
            Some(rule) if rule.fields.iter().any(|(_, known)| known.field == hint.field) => {}
            Some(rule) => rule.fields.push((leaf.clone(), hint)),
            None => rules.push(Rule { kind: hint.kind, fields: vec![(leaf.clone(), hint)] }),
        }
    }
    rules
}

impl Rule {
    /// Alone it does not say that anything happened.
    fn is_beside(&self) -> bool {
        matches!(self.kind, "battery" | "link")
    }
}

struct Draft {
    name: String,
    body: Body,
    device: (String, Option<String>),
    pattern: String,
    time: Option<String>,
    event: Option<String>,
    rules: Vec<Rule>,
    family: Option<Family>,
    leaves: Vec<Leaf>,
}

impl Draft {
    fn finish(self, sample: &Sample, known: &Known<'_>) -> Result<Proposal, String> {
        let profile = self.profile();
        let example = self.example(sample, known, &profile)?;
        let open = self.open();
        let text = format!("{}\n{profile}\n{example}", self.heading(&open));
        Ok(Proposal { identity: self.device.1.clone(), name: self.name, text, open })
    }

    /// What a person must decide.
    fn open(&self) -> Vec<String> {
        let mut open = vec![];
        if self.device.1.is_none() {
            open.push("device: which part of the topic or of the message names the device".to_owned());
        }
        if self.rules.is_empty() {
            open.push("the rule: what a value means, and where it stands".to_owned());
        }
        for (leaf, hint) in self.rules.iter().flat_map(|rule| &rule.fields) {
            if hint.how == How::Ask {
                open.push(format!(
                    "{}.{}: what {} = {} means; and in the example, what was true when it was sent",
                    hint.kind, hint.field, leaf.pointer, leaf.value
                ));
            }
        }
        open
    }

    fn heading(&self, open: &[String]) -> String {
        let mut lines = vec![
            "A PROPOSAL, made from one sample by `wanglou profile suggest`: review every line before you use it.".to_owned(),
            "A guess is a guess: compare with the vendor's description, and try the device itself.".to_owned(),
        ];
        if let Some(Family { file, shared, all }) = &self.family {
            lines.push(format!(
                "It looks like a family that is known: {shared} of {all} keys are those of an example in {file}. Compare them."
            ));
        }
        if open.is_empty() {
            lines.push(
                "Nothing is left open. That it passes `wanglou check` does not make it right.".to_owned(),
            );
        } else {
            lines.push(format!("`wanglou check` refuses it until every \"{FILL_IN}\" is replaced:"));
            lines.extend(open.iter().map(|open| format!("  - {open}")));
        }
        lines.iter().map(|line| format!("# {}\n", one_line(line))).collect()
    }

    fn profile(&self) -> String {
        let name = written::text(&self.name);
        let lane = if self.rules.iter().all(Rule::is_beside) { "bulk" } else { "alarm" };
        let mut text = format!(
            "format = 1\nname = {name}\ntitle = {name}\ntitle_zh = {name}\n# Alarms first; what raises none: \"bulk\".\nlane = \"{lane}\"\n\n[[message]]\nname = \"state\"\ntopic = {}\ndevice = {}\n",
            written::text(&self.pattern),
            written::text(&self.device.0),
        );
        if !self.body.json {
            text += "# The message is a bare word or number: its pointer is \"\".\nbody = \"text\"\n";
        }
        text += &self.kind_of_message();
        if let Some(time) = &self.time {
            text += &format!("# The device's own time; check its zone.\ntime = {time}\n");
        }
        if let Some(event) = &self.event {
            text += &format!(
                "# The vendor's id of the event: the same id again is a repeat.\nevent = {}\n",
                written::text(event)
            );
        }
        text += "# Anything else on this topic goes on being shown as not understood.\notherwise = { unmatched = \"the proposal was made from one sample, and this is another message\" }\n";
        text += &self.rules_text();
        text + &self.unused()
    }

    /// A key that tells messages of one topic apart.
    fn kind_of_message(&self) -> String {
        const KINDS: &[&str] =
            &["type", "eventtype", "msgtype", "event", "method", "cmd", "alarmtype", "action"];
        let kind =
            self.leaves.iter().find(|leaf| KINDS.contains(&leaf.key.as_str()) && leaf.value.is_string());
        kind.map_or_else(String::new, |leaf| {
            format!(
                "# If the topic carries other messages too: when = {{ at = {}, is = {} }}\n",
                written::text(&leaf.pointer),
                written::inline(&leaf.value)
            )
        })
    }

    fn rules_text(&self) -> String {
        if self.rules.is_empty() {
            return format!(
                "\n[[message.rule]]\nname = \"{FILL_IN}\"\n# A kind of docs/profiles.md, such as \"contact\" or \"smoke\".\nkind = \"{FILL_IN}\"\nvalue.active = {{ at = \"{}\", polarity = \"{POLARITY}\" }}\n",
                if self.body.json { FILL_IN } else { "" }
            );
        }
        self.rules.iter().map(rule_text).collect()
    }

    fn unused(&self) -> String {
        let device = self.device.0.trim_matches(['{', '}']);
        let used = |leaf: &&Leaf| {
            let by_rule = self.rules.iter().flat_map(|rule| &rule.fields).any(|(used, _)| used == *leaf);
            let by_time = self.time.as_ref().is_some_and(|time| time.contains(&written::text(&leaf.pointer)));
            by_rule || by_time || device == leaf.pointer || self.event.as_ref() == Some(&leaf.pointer)
        };
        let unused: Vec<String> = self
            .leaves
            .iter()
            .filter(|leaf| self.body.json && !used(leaf))
            .take(UNUSED_MAX)
            .map(|leaf| format!("#   {} = {}\n", one_line(&leaf.pointer), one_line(&leaf.value.to_string())))
            .collect();
        if unused.is_empty() {
            return String::new();
        }
        format!("\n# Also in the sample, and not used here:\n{}", unused.concat())
    }

    /// The sample with what comes out of it; what depends on a person's answer is asked again there, as what was
    /// true at the time: the two answers must agree.
    fn example(&self, sample: &Sample, known: &Known<'_>, profile: &str) -> Result<String, String> {
        let at = Timestamp(sample.at.unwrap_or(known.now).0 / 1_000_000 * 1_000_000);
        let expect = match self.open().is_empty() || !self.rules.is_empty() && self.device.1.is_some() {
            true => self.expected(sample, at, profile)?,
            false => vec![
                json!({"device": self.device.1.as_deref().unwrap_or(FILL_IN), "kind": FILL_IN, "value": {}}),
            ],
        };
        let expect: Vec<String> = expect.iter().map(|one| format!("  {},\n", written::inline(one))).collect();
        Ok(format!(
            "# The sample itself. `wanglou check` decodes it and compares.\n[[example]]\ntitle = \"The sample\"\ntopic = {}\nat = \"{}\"\n{}\nexpect = [\n{}]\n",
            written::text(&sample.topic),
            rfc3339_micros::format(at),
            written::payload(&sample.payload),
            expect.concat(),
        ))
    }

    fn expected(&self, sample: &Sample, at: Timestamp, profile: &str) -> Result<Vec<Value>, String> {
        let answered = profile.replace(POLARITY, "direct");
        let trial = format!(
            "{answered}\n[[example]]\ntopic = {}\n{}\nignored = \"\"\n",
            written::text(&sample.topic),
            written::payload(&sample.payload)
        );
        let set = ProfileSet::compile(&[("proposal.toml".to_owned(), trial.into_bytes())].into()).map_err(
            |faults| faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("; "),
        )?;
        let raw =
            RawMessage { topic: &sample.topic, payload: &sample.payload, at, retain: false, dup: false };
        let found = match set.decode(&raw) {
            Decoded::Observations(found) => found,
            Decoded::Ignored(why) | Decoded::Unmatched(why) | Decoded::Rejected { reason: why, .. } => {
                return Err(why);
            }
        };
        Ok(found.iter().map(|one| self.asked(serde_json::to_value(one).unwrap_or_default())).collect())
    }

    /// An observation as an example has it, with what a person must say in it.
    fn asked(&self, mut one: Value) -> Value {
        if let Some(fields) = one.as_object_mut() {
            fields.remove("profile");
            if fields.get("quality") == Some(&json!("ok")) {
                fields.remove("quality");
            }
        }
        for (_, hint) in
            self.rules.iter().flat_map(|rule| &rule.fields).filter(|(_, hint)| hint.how == How::Ask)
        {
            let unknown = one["kind"] == "unknown"
                && one["value"]["raw"]
                    .as_str()
                    .is_some_and(|raw| raw.starts_with(&format!("{}.{}:", hint.kind, hint.field)));
            if unknown {
                one["kind"] = hint.kind.into();
                one["value"] = json!({});
            }
            if unknown || one["kind"] == hint.kind {
                one["value"][hint.field] = TRUTH.into();
            }
        }
        one
    }
}

fn rule_text(rule: &Rule) -> String {
    let mut text = format!("\n[[message.rule]]\nname = \"{}\"\nkind = \"{}\"\n", rule.kind, rule.kind);
    if rule.is_beside() {
        text += "# Alone it does not make the message understood.\nbeside = true\n";
    }
    for (leaf, Hint { kind, field, how }) in &rule.fields {
        let at = written::text(&leaf.pointer);
        let shown = one_line(&leaf.value.to_string());
        text += &match how {
            How::Direct => format!(
                "# {shown} in the sample. \"direct\": true, on, yes and 1 mean {field}; the key says so, the device must too.\nvalue.{field} = {{ at = {at}, polarity = \"direct\" }}\n"
            ),
            How::Sides(yes, no) => format!(
                "value.{field} = {{ at = {at}, true = {}, false = {}, case = \"ignore\" }}\n",
                written::inline(&json!(yes)),
                written::inline(&json!(no))
            ),
            How::Ask => format!(
                "# {shown} in the sample. Which value means {kind} {field}? Try the device, then write \"direct\" (true, on, yes, 1\n# mean {field}) or \"inverted\"; for other values, in place of polarity: true = [\"…\"], false = [\"…\"].\nvalue.{field} = {{ at = {at}, polarity = \"{POLARITY}\" }}\n"
            ),
            How::Number(more) => format!("value.{field} = {{ at = {at}{more} }}\n"),
        };
    }
    text
}

/// For a comment: what a device says must not end it.
fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match line.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests;

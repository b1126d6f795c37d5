//! The scenario format: one JSON object a line. Every fault of a file is reported at once, with its line.
//!
//! What a later version of the gateway will understand is refused with words that say so, never skipped: a
//! backtest that leaves lines out would be believed.

use super::effects::channel_named;
use super::expect::{self, Expectation};
use super::overrides::Overrides;
use base64::Engine as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::fmt;
use wanglou_model::{
    AlarmKind, CallAnswer, Category, Channel, CustodyEvent, NoteKind, Observation, OfficerId, Op, Outcome,
    PhoneState, PlaceId, Position, Recipient, Report, Span, Timestamp, rfc3339_micros,
};

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file, as it was named to us.
    pub file: String,
    /// Which line, from 1.
    pub line: usize,
    /// What, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.message)
    }
}

/// A scenario, read and found to be right.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    /// The file's name, for faults.
    pub name: String,
    /// The first line's overrides, and the line that they stand in.
    pub set: Option<(usize, Overrides)>,
    /// What happens, in the order of time.
    pub lines: Vec<Line>,
    /// What is expected of the effects.
    pub expectations: Vec<Expectation>,
    /// Red controls: with these overrides something that is expected must not come, else nothing is being tested.
    pub red: Vec<(usize, Overrides)>,
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub struct Line {
    /// Its number in the file, from 1.
    pub number: usize,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Debug, Clone)]
pub enum What {
    /// A message arrives.
    Message {
        /// Its topic.
        topic: String,
        /// Its payload.
        payload: Vec<u8>,
        /// Retained by the broker.
        retain: bool,
        /// Delivered before, says the broker.
        dup: bool,
    },
    /// The same, already understood.
    Observation {
        /// What is said.
        said: Box<Observation>,
        /// Retained by the broker.
        retain: bool,
        /// Delivered before, says the broker.
        dup: bool,
    },
    /// Somebody acts.
    Officer {
        /// Who.
        officer: OfficerId,
        /// What they do.
        op: Op,
        /// About which alarm; `None`: something about the compound is entered.
        alarm: Option<AlarmRef>,
    },
    /// News of somebody's phone.
    Phone {
        /// Whose.
        officer: OfficerId,
        /// What.
        news: PhoneNews,
    },
    /// A channel tells how it went.
    Channel {
        /// Which.
        channel: Channel,
        /// Who was to be told.
        to: Recipient,
        /// They were reached.
        reached: bool,
        /// What a resident said.
        said: CallAnswer,
    },
    /// Somebody who is no officer tells of something: a resident, a command room, a card at a door.
    Report {
        /// What they tell.
        report: Box<Report>,
        /// By which way.
        kind: NoteKind,
        /// Who sends it, and its id there; absent: the line's number.
        id: Option<(String, String)>,
    },
    /// What became of a picture or clip.
    Evidence {
        /// Which: an address, a SHA-256, `$n` for all of an alarm's, or `$n/k`.
        which: String,
        /// What became of it.
        event: CustodyEvent,
        /// The SHA-256 of its bytes, if the line says it.
        sha256: Option<String>,
    },
    /// The gateway stops or starts.
    Gateway(GatewayNews),
    /// The broker is lost (`true`), or back.
    Broker {
        /// Lost, or back.
        lost: bool,
        /// It kept our session, and what was published meanwhile.
        session: bool,
    },
    /// The wall clock moves against the timeline by so much.
    ClockStep(Span),
    /// Time passes.
    Note,
}

/// How a line names an alarm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmRef {
    /// `$n`: the n-th that was raised, from 1.
    Nth(usize),
    /// The latest open one of a kind at a place or inside it.
    Of {
        /// Its kind.
        kind: AlarmKind,
        /// Where.
        place: PlaceId,
    },
}

/// News of a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneNews {
    /// It comes, goes, or is put away.
    Is(PhoneState),
    /// It has stored everything that it got.
    Stored,
    /// It has shown it.
    Presented,
}

/// News of the gateway itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatewayNews {
    /// It stops in order.
    Stop,
    /// It starts again.
    Start,
    /// It is killed.
    Crash,
}

/// The keys that tell one kind of line from another.
const KINDS: [&str; 16] = [
    "set",
    "topic",
    "observation",
    "officer",
    "phone",
    "channel",
    "report",
    "evidence",
    "gateway",
    "broker",
    "clock_step_s",
    "note",
    "expect",
    "never",
    "count",
    "red",
];
/// Acts of people that a later version understands.
const LATER_OPS: [&str; 1] = ["station"];
/// Acts of people that are about no alarm, with the keys that each may have.
const ENTRIES: [(&str, &[&str]); 9] = [
    ("away", &["home", "status", "from", "until"]),
    ("consent", &["home", "on"]),
    ("permit", &["device", "zone", "from", "until", "crew"]),
    ("maintain", &["how", "device", "zone", "kind", "from", "until", "reason"]),
    ("end_maintenance", &["window"]),
    ("sign_on", &[]),
    ("sign_off", &[]),
    ("handover", &["to"]),
    ("position", &["place"]),
];

impl Scenario {
    /// Reads a file's text.
    ///
    /// # Errors
    /// Every fault that was found.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Fault>> {
        let mut scenario = Self { name: name.to_owned(), ..Self::default() };
        let mut faults = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let number = index + 1;
            if let Err(message) = scenario.take(number, line) {
                faults.push(Fault { file: name.to_owned(), line: number, message });
            }
        }
        if faults.is_empty() { Ok(scenario) } else { Err(faults) }
    }

    fn take(&mut self, number: usize, line: &str) -> Result<(), String> {
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("not a JSON object on one line: {error}"))?;
        let kind = kind_of(&object)?;
        match kind {
            "set" => self.take_set(number, object),
            "expect" | "never" | "count" => {
                self.expectations.push(expect::parse(number, object)?);
                Ok(())
            }
            "red" => {
                let Red { red } = shape(object)?;
                self.red.push((number, red));
                Ok(())
            }
            _ => {
                let line = Line { number, at: time_of(&object)?, what: what_of(kind, object)? };
                if let Some(before) = self.lines.last().filter(|before| line.at < before.at) {
                    return Err(format!(
                        "is earlier than line {}: put the lines in order of time",
                        before.number
                    ));
                }
                self.lines.push(line);
                Ok(())
            }
        }
    }

    fn take_set(&mut self, number: usize, mut object: Map<String, Value>) -> Result<(), String> {
        object.remove("at");
        let Set { set } = shape(object)?;
        if self.set.is_some() || !self.lines.is_empty() {
            return Err("\"set\" must be the first line, and the only one of its kind".into());
        }
        self.set = Some((number, set));
        Ok(())
    }
}

fn kind_of(object: &Map<String, Value>) -> Result<&'static str, String> {
    let known = KINDS.iter().find(|kind| object.contains_key(**kind));
    known.copied().ok_or_else(|| format!("says nothing that a scenario knows: one of {}", KINDS.join(", ")))
}

fn time_of(object: &Map<String, Value>) -> Result<Timestamp, String> {
    let text = object
        .get("at")
        .and_then(Value::as_str)
        .ok_or("needs \"at\", a time such as 2026-03-02T09:00:00+08:00")?;
    rfc3339_micros::parse(text).ok_or_else(|| {
        format!("\"at\": {text:?} is not a time with an offset, such as 2026-03-02T09:00:00+08:00")
    })
}

fn shape<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Set {
    set: Overrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Red {
    red: Overrides,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    topic: String,
    payload: Option<Value>,
    payload_text: Option<String>,
    payload_base64: Option<String>,
    #[serde(default)]
    retain: bool,
    #[serde(default)]
    dup: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Observed {
    observation: Box<Observation>,
    #[serde(default)]
    retain: bool,
    #[serde(default)]
    dup: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Act {
    officer: OfficerId,
    op: String,
    alarm: Option<Value>,
    outcome: Option<Outcome>,
    #[serde(default)]
    photos: Vec<String>,
    #[serde(default)]
    note: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    reason: String,
    eta_s: Option<u32>,
    to: Option<OfficerId>,
    /// Of a bulletin.
    name: Option<String>,
    until: Option<String>,
    number: Option<usize>,
    sha256: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Phone {
    phone: OfficerId,
    op: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Called {
    channel: String,
    to: String,
    result: String,
    said: Option<CallAnswer>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gateway {
    gateway: GatewayNews,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Broker {
    broker: String,
    #[serde(default = "kept")]
    session: bool,
}

fn kept() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockStep {
    clock_step_s: f64,
}

fn what_of(kind: &str, mut object: Map<String, Value>) -> Result<What, String> {
    object.remove("at");
    match kind {
        "topic" => message(shape(object)?),
        "observation" => {
            let Observed { observation, retain, dup } = shape(object)?;
            Ok(What::Observation { said: observation, retain, dup })
        }
        "officer" => act(object),
        "phone" => phone(shape(object)?),
        "report" => report(shape(object)?),
        "evidence" => evidence(&shape(object)?),
        "channel" => called(&shape(object)?),
        "gateway" => shape(object).map(|Gateway { gateway }| What::Gateway(gateway)),
        "broker" => broker(&shape(object)?),
        "clock_step_s" => {
            let ClockStep { clock_step_s } = shape(object)?;
            Ok(What::ClockStep(Span((clock_step_s * 1e6) as i64)))
        }
        _ => Ok(What::Note),
    }
}

fn message(line: Message) -> Result<What, String> {
    let json = line.payload.map(|payload| payload.to_string().into_bytes());
    let text = line.payload_text.map(String::into_bytes);
    let bytes = line.payload_base64.map(|text| base64::engine::general_purpose::STANDARD.decode(text));
    let bytes = bytes.transpose().map_err(|error| format!("\"payload_base64\" is not base64: {error}"))?;
    let mut given = [json, text, bytes].into_iter().flatten();
    let (Some(payload), None) = (given.next(), given.next()) else {
        return Err("needs exactly one of \"payload\", \"payload_text\", \"payload_base64\"".into());
    };
    Ok(What::Message { topic: line.topic, payload, retain: line.retain, dup: line.dup })
}

fn act(object: Map<String, Value>) -> Result<What, String> {
    let named = object.get("op").and_then(Value::as_str).ok_or("needs \"op\": what the officer does")?;
    if LATER_OPS.contains(&named) {
        return Err(format!("the op {named:?} is not understood yet: this version has no such command"));
    }
    match named {
        "create" => return created(shape(object)?),
        "report" => return told(object),
        _ => {}
    }
    if named == "shelve" && !object.contains_key("alarm") {
        return shelve_many(object);
    }
    if let Some((name, keys)) = ENTRIES.iter().find(|(name, _)| *name == named) {
        return entry(name, keys, object);
    }
    let act: Act = shape(object)?;
    let text = if act.text.is_empty() { &act.note } else { &act.text };
    let op = match act.op.as_str() {
        "accept" => Op::Accept { eta_s: act.eta_s },
        "undo" => Op::Undo,
        "decline" => Op::Decline { reason: act.reason.clone() },
        "en_route" => Op::EnRoute,
        "arrive" => Op::Arrive,
        "note" => Op::Note { text: text.clone() },
        "guard" => Op::Guard { photos: act.photos.clone() },
        "confirm" => Op::Confirm,
        "investigate" => Op::Investigate,
        "review" => Op::Review { outcome: act.outcome, note: text.clone() },
        "export" => Op::Export { number: act.number, sha256: act.sha256.clone() },
        "transfer" => {
            let to = act.to.clone().ok_or("transfer needs \"to\": an officer's id")?;
            Op::Transfer { to, reason: act.reason.clone() }
        }
        "bulletin" => Op::Bulletin { name: act.name.clone().ok_or("bulletin needs \"name\": which text")? },
        "shelve" => {
            let until = act.until.as_deref().and_then(rfc3339_micros::parse);
            let until = until.ok_or("shelve needs \"until\": a time with an offset")?;
            Op::Shelve { until, reason: act.reason.clone() }
        }
        "release" => Op::Release { reason: act.reason.clone() },
        "false_alarm" => Op::FalseAlarm { note: text.clone() },
        "resolve" => {
            let outcome = act.outcome.ok_or("resolve needs \"outcome\": real, false_alarm, ok, …")?;
            Op::Resolve { outcome, note: text.clone(), photos: act.photos.clone() }
        }
        unknown => return Err(format!("there is no op {unknown:?}")),
    };
    let alarm = alarm_ref(act.alarm.as_ref().ok_or("needs \"alarm\": \"$1\", or {\"kind\":…,\"place\":…}")?)?;
    Ok(What::Officer { officer: act.officer, op, alarm: Some(alarm) })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Created {
    officer: OfficerId,
    #[serde(rename = "op")]
    _op: String,
    #[serde(default, alias = "kind", alias = "category", alias = "type")]
    incident: String,
    place: PlaceId,
    #[serde(default, alias = "note")]
    text: String,
    #[serde(default)]
    photos: Vec<String>,
    photo: Option<String>,
}

/// An incident that an officer makes.
fn created(line: Created) -> Result<What, String> {
    let photos = line.photos.into_iter().chain(line.photo).collect();
    let op = Op::Create { incident: line.incident, place: line.place, text: line.text, photos };
    Ok(What::Officer { officer: line.officer, op, alarm: None })
}

/// A report as people write it in a scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    #[serde(alias = "kind", alias = "type")]
    category: String,
    #[serde(default, alias = "note", alias = "words")]
    text: String,
    #[serde(alias = "at_place", alias = "where")]
    place: Option<PlaceId>,
    position: Option<Position>,
    #[serde(default)]
    photos: Vec<Photo>,
    photo: Option<Photo>,
    #[serde(alias = "officer", alias = "reporter", alias = "from")]
    by: Option<String>,
    source: Option<String>,
    id: Option<String>,
}

/// A picture by its address or hash, as text or as an object.
#[derive(Deserialize)]
#[serde(untagged)]
enum Photo {
    Text(String),
    Of(wanglou_model::Evidence),
}

impl Photo {
    fn name(self) -> Option<String> {
        match self {
            Photo::Text(text) => Some(text),
            Photo::Of(evidence) => evidence.sha256.or(evidence.uri),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reported {
    report: Told,
}

impl Told {
    fn report(self) -> Result<Report, String> {
        let photos = self.photos.into_iter().chain(self.photo).filter_map(Photo::name).collect();
        let category = Category::from(self.category);
        let report = Report { category, text: self.text, place: self.place, position: self.position, photos };
        report.check().map_err(|error| format!("report: {error}"))?;
        Ok(report)
    }
}

/// `{"report":{…}}`: by an officer where `by` names one, else from outside; `source` says by which way.
fn report(Reported { report: told }: Reported) -> Result<What, String> {
    let officer = told.by.as_deref().map(|by| by.strip_prefix("officer:").unwrap_or(by));
    let officer = officer.and_then(|by| OfficerId::parse(by).ok());
    let kind = match told.source.as_deref() {
        None | Some("resident" | "person" | "app" | "snap") => NoteKind::Report,
        Some("dispatch" | "command_room" | "dispatch_note") => NoteKind::Dispatch,
        Some("hazard" | "patrol" | "patrol_brigade") => NoteKind::Hazard,
        Some("card" | "message" | "qr") => NoteKind::Message,
        Some("tip") => NoteKind::Tip,
        Some(unknown) => {
            return Err(format!(
                "report: there is no source {unknown:?}: resident, command_room, patrol, card or tip"
            ));
        }
    };
    let id = told.id.clone().map(|id| (told.source.clone().unwrap_or_else(|| "resident".into()), id));
    let report = told.report()?;
    match officer {
        Some(officer) => Ok(What::Officer { officer, op: Op::Report(report), alarm: None }),
        None => Ok(What::Report { report: Box::new(report), kind, id }),
    }
}

/// `{"officer":…,"op":"report",…}`.
fn told(mut object: Map<String, Value>) -> Result<What, String> {
    object.remove("op");
    report(Reported { report: shape(object)? })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EvidenceLine {
    evidence: String,
    result: String,
    sha256: Option<String>,
}

fn evidence(line: &EvidenceLine) -> Result<What, String> {
    let event = match line.result.as_str() {
        "ok" | "held" => CustodyEvent::Held,
        "failed" => CustodyEvent::Failed,
        "mismatch" => CustodyEvent::Mismatch,
        unknown => return Err(format!("\"result\": {unknown:?} is not ok, failed or mismatch")),
    };
    Ok(What::Evidence { which: line.evidence.clone(), event, sha256: line.sha256.clone() })
}

/// Shelving what is not one alarm but a device, a zone or a kind.
fn shelve_many(mut object: Map<String, Value>) -> Result<What, String> {
    object.insert("op".to_owned(), "maintain".into());
    object.insert("how".to_owned(), "shelved".into());
    let keys = &["how", "device", "zone", "kind", "from", "until", "reason"];
    entry("maintain", keys, object)
}

/// An entry about the compound: who is away, whose consent was taken back.
fn entry(name: &str, keys: &[&str], mut object: Map<String, Value>) -> Result<What, String> {
    let officer = object.remove("officer").ok_or("needs \"officer\": who enters it")?;
    let officer = OfficerId::deserialize(&officer).map_err(|error| format!("\"officer\": {error}"))?;
    if let Some(unknown) = object.keys().find(|key| *key != "op" && !keys.contains(&key.as_str())) {
        return Err(format!("the op {name:?} has no {unknown:?}; it has {}", keys.join(", ")));
    }
    if let Some(on) = object.get_mut("on") {
        match on.as_str() {
            Some("on") => *on = Value::Bool(true),
            Some("off") => *on = Value::Bool(false),
            _ => {}
        }
    }
    let op = serde_json::from_value(Value::Object(object)).map_err(|error| format!("{name}: {error}"))?;
    Ok(What::Officer { officer, op, alarm: None })
}

fn alarm_ref(value: &Value) -> Result<AlarmRef, String> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Of {
        kind: AlarmKind,
        place: PlaceId,
    }
    let wrong = || format!("\"alarm\": {value} is neither \"$n\" nor {{\"kind\":…,\"place\":…}}");
    match value {
        Value::String(text) => {
            let n = text.strip_prefix('$').and_then(|digits| digits.parse().ok()).filter(|n| *n > 0);
            n.map(AlarmRef::Nth).ok_or_else(wrong)
        }
        Value::Object(_) => {
            let Of { kind, place } = Of::deserialize(value).map_err(|_| wrong())?;
            Ok(AlarmRef::Of { kind, place })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(wrong()),
    }
}

fn phone(line: Phone) -> Result<What, String> {
    let news = match line.op.as_str() {
        "online" => PhoneNews::Is(PhoneState::Online),
        "hidden" => PhoneNews::Is(PhoneState::Hidden),
        "offline" => PhoneNews::Is(PhoneState::Offline),
        "stored" => PhoneNews::Stored,
        "presented" => PhoneNews::Presented,
        unknown => {
            return Err(format!(
                "a phone is not {unknown:?} but online, hidden, offline, stored or presented"
            ));
        }
    };
    Ok(What::Phone { officer: line.phone, news })
}

fn called(line: &Called) -> Result<What, String> {
    let channel = channel_named(&line.channel)
        .ok_or_else(|| format!("there is no channel {:?}: webhook or voice", line.channel))?;
    let reached = match line.result.as_str() {
        "answered" => true,
        "no_answer" | "busy" | "failed" => false,
        unknown => return Err(format!("\"result\": {unknown:?} is not answered, no_answer, busy or failed")),
    };
    let said = line.said.unwrap_or(if reached { CallAnswer::Unclear } else { CallAnswer::None });
    Ok(What::Channel { channel, to: recipient(&line.to)?, reached, said })
}

/// `officer:wu`, `resident:3/2/1203` or `home:3/2/1203`; without a prefix a place is a resident's home.
fn recipient(text: &str) -> Result<Recipient, String> {
    let place = |text: &str| PlaceId::parse(text).map(Recipient::Resident);
    let officer = |text: &str| OfficerId::parse(text).map(Recipient::Officer);
    let found = match text.split_once(':') {
        Some(("officer", id)) => officer(id),
        Some(("resident" | "home", id)) => place(id),
        Some(("group", name)) => return Ok(Recipient::Group(name.to_owned())),
        Some(_) => {
            return Err(format!("\"to\": {text:?} is none of officer:ID, resident:PLACE and group:NAME"));
        }
        None if text.contains('/') => place(text),
        None => officer(text),
    };
    found.map_err(|error| format!("\"to\": {text:?}: {error}"))
}

fn broker(line: &Broker) -> Result<What, String> {
    let lost = match line.broker.as_str() {
        "lost" => true,
        "back" => false,
        unknown => return Err(format!("a broker is not {unknown:?} but lost or back")),
    };
    Ok(What::Broker { lost, session: line.session })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let faults = Scenario::parse("s.jsonl", text).map(|_| ()).expect_err("faulty");
        faults.iter().map(Fault::to_string).collect()
    }

    #[test]
    fn every_faulty_line_is_named_at_once() {
        let text = concat!(
            r#"{"at":"2026-03-02T09:00:00+08:00","topic":"t","payload":{}}"#,
            "\n",
            r#"{"at":"2026-03-02T08:00:00+08:00","note":"earlier"}"#,
            "\n\n",
            r#"{"at":"09:00","note":"no date"}"#,
            "\n",
            r#"{"at":"2026-03-02T10:00:00+08:00","officer":"wu","op":"station"}"#,
            "\n",
            r#"{"at":"2026-03-02T10:00:00+08:00","report":{"category":"fire"}}"#,
            "\n",
            r#"{"at":"2026-03-02T10:00:00+08:00","topic":"t","payload":1,"payload_text":"1"}"#,
            "\n",
            r#"{"at":"2026-03-02T10:00:00+08:00","topic":"t","payload":1,"retian":true}"#,
            "\n",
            "not JSON\n",
            r#"{"at":"2026-03-02T10:00:00+08:00"}"#,
            "\n",
            r#"{"set":{}}"#,
            "\n",
        );
        let found = faults(text);
        let words = [
            "s.jsonl:2: is earlier than line 1",
            "s.jsonl:4: \"at\": \"09:00\" is not a time",
            "s.jsonl:5: the op \"station\" is not understood yet",
            "s.jsonl:6: report: place: say where",
            "s.jsonl:7: needs exactly one of",
            "s.jsonl:8: unknown field `retian`",
            "s.jsonl:9: not a JSON object",
            "s.jsonl:10: says nothing that a scenario knows",
            "s.jsonl:11: \"set\" must be the first line",
        ];
        assert_eq!(found.len(), words.len(), "{found:#?}");
        for (found, start) in found.iter().zip(words) {
            assert!(found.starts_with(start), "{found} / {start}");
        }
    }

    #[test]
    fn who_was_called_is_an_officer_or_a_home() {
        let home = Recipient::Resident(PlaceId::parse("3/2/1203").expect("a place"));
        for text in ["resident:3/2/1203", "home:3/2/1203", "3/2/1203"] {
            assert_eq!(recipient(text), Ok(home.clone()));
        }
        assert_eq!(recipient("wu"), recipient("officer:wu"));
        assert!(recipient("dog:rex").is_err());
    }

    #[test]
    fn an_alarm_is_named_by_its_number_or_by_kind_and_place() {
        assert_eq!(alarm_ref(&serde_json::json!("$2")), Ok(AlarmRef::Nth(2)));
        assert!(alarm_ref(&serde_json::json!({"kind": "manhole", "place": "cover/17"})).is_ok());
        for bad in [serde_json::json!("$0"), serde_json::json!("2"), serde_json::json!({"kind": "manhole"})] {
            assert!(alarm_ref(&bad).is_err(), "{bad}");
        }
    }
}

//! From facts to the effects that a backtest prints. A fact that nobody notices outside (a receipt, a timer, a row
//! in an outbox) gives no line.

use serde::Serialize;
use std::collections::BTreeMap;
use wanglou_engine::Engine;
use wanglou_model::{
    AlarmId, Answer, Channel, Entered, Fact, LiftCommand, Mark, OfficerId, Outcome, PlaceId, Priority,
    Raised, Reason, Recipient, Timestamp, Told,
};

/// The kinds of alarm that say that a device is broken: their raise is a fault too.
const FAULT_KINDS: [&str; 2] = ["device_fault", "lift_fault"];

/// What an effect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectName {
    /// A new alarm.
    Raise,
    /// It changed: a repeat, another priority, somebody took it, a command about it was refused.
    Update,
    /// The sensor says that it is over, or a device or the path is well again.
    Clear,
    /// Somebody is told.
    Notify,
    /// The ladder reached its next rung.
    Escalate,
    /// It entered a stage; without `alarm` a stage before there is one.
    Stage,
    /// Something is switched.
    Command,
    /// A device, or the path, is not well.
    Fault,
    /// Over.
    Close,
    /// Recorded, not pushed.
    Suppress,
}

/// One line of output. Fields are there where they apply; some are added with time, none is renamed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// When, for comparing.
    #[serde(skip)]
    pub time: Timestamp,
    /// When, in the site's zone with its offset.
    pub at: String,
    /// What.
    pub effect: EffectName,
    /// `$n`: the n-th alarm that was raised.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<String>,
    /// The alarm's kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceId>,
    /// Its stage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// How it ended, or how somebody says that it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Something unusual about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// What somebody did: `accepted`, `undone`, `declined`, `en_route`, `arrived`, `noted`, `resolved`;
    /// what became of its evidence: `held`, `failed`, `mismatch`, `exported`, `export_refused`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<&'static str>,
    /// Who did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why a command was refused: `taken`, `changed`, `gone`, `forbidden`, `invalid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<&'static str>,
    /// Who is told: `officer:ID` or `resident:PLACE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The rung of the ladder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rung: Option<usize>,
    /// By which channel: `ws`, `webhook`, `voice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<&'static str>,
    /// What a lift is asked for: `voice`, `hold`, `release`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<&'static str>,
    /// The device that is, or is not, well, or that a command is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// The incident that the alarm belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// How many events led to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What the rule remembers of it, or what changed of that: floors, an answer, a list of homes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, serde_json::Value>,
    /// How late the news was, seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late_s: Option<i64>,
    /// Why: a stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, for a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What is remembered of the alarms, also after the engine has forgotten them.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    alarms: BTreeMap<AlarmId, Known>,
    order: Vec<AlarmId>,
    commands: BTreeMap<String, LiftCommand>,
}

#[derive(Debug)]
struct Known {
    number: usize,
    kind: String,
    place: PlaceId,
    count: u64,
    rung: Option<usize>,
}

impl Ledger {
    /// The n-th alarm that was raised, from 1.
    pub(super) fn nth(&self, n: usize) -> Option<&AlarmId> {
        self.order.get(n.checked_sub(1)?)
    }

    fn raised(&mut self, raised: &Raised) {
        self.order.push(raised.alarm.clone());
        let known = Known {
            number: self.order.len(),
            kind: raised.kind.to_string(),
            place: raised.place.clone(),
            count: raised.count,
            rung: None,
        };
        self.alarms.insert(raised.alarm.clone(), known);
    }
}

/// The effects of one fact. `engine` stands where the fact left it.
pub(super) fn of(engine: &Engine, ledger: &mut Ledger, at: Timestamp, fact: &Fact) -> Vec<Effect> {
    let new = |effect| Effect::new(engine, at, effect);
    let about =
        |ledger: &Ledger, effect, alarm: &AlarmId| Effect::new(engine, at, effect).about(ledger, alarm);
    let did = |ledger: &Ledger, alarm: &AlarmId, response, by: &OfficerId| {
        let effect = Effect::new(engine, at, EffectName::Update).about(ledger, alarm);
        vec![Effect { response: Some(response), by: Some(by.to_string()), ..effect }]
    };
    match fact {
        Fact::Raised(raised) => {
            ledger.raised(raised);
            of_raise(new(EffectName::Raise).about(ledger, &raised.alarm), raised, at)
        }
        Fact::Repeated { alarm, count, .. } => {
            let total = ledger.alarms.get_mut(alarm).map(|known| {
                known.count += count;
                known.count
            });
            vec![Effect { count: total, ..about(ledger, EffectName::Update, alarm) }]
        }
        Fact::Upgraded { alarm, priority, reason, .. } => {
            vec![Effect {
                priority: Some(*priority),
                ..about(ledger, EffectName::Update, alarm).because(reason)
            }]
        }
        Fact::Reopened { alarm, why, .. } => {
            let why = serde_json::to_value(why).ok().and_then(|why| why.as_str().map(str::to_owned));
            vec![Effect { reason: why, ..about(ledger, EffectName::Update, alarm) }]
        }
        Fact::Detailed { alarm, details } => {
            vec![Effect { details: details.clone(), ..about(ledger, EffectName::Update, alarm) }]
        }
        Fact::Marked { alarm, mark, reason } => {
            vec![Effect { mark: Some(*mark), ..about(ledger, EffectName::Update, alarm).because(reason) }]
        }
        Fact::Staged { alarm, stage, reason } => {
            vec![Effect {
                stage: Some(stage.clone()),
                ..about(ledger, EffectName::Stage, alarm).because(reason)
            }]
        }
        Fact::Watched { kind, place, stage, reason } => {
            let (kind, place) = (Some(kind.to_string()), Some(place.clone()));
            vec![Effect { kind, place, stage: Some(stage.clone()), ..new(EffectName::Stage).because(reason) }]
        }
        Fact::Cleared { alarm, reason } => vec![about(ledger, EffectName::Clear, alarm).because(reason)],
        Fact::Closed { alarm, outcome, reason } => {
            vec![Effect {
                outcome: Some(*outcome),
                ..about(ledger, EffectName::Close, alarm).because(reason)
            }]
        }
        Fact::Rung { alarm, rung, told, ring, .. } => {
            let rings: Vec<&Told> =
                told.iter().filter(|told| *ring && !told.quiet && told.unreached.is_none()).collect();
            of_rung(engine, ledger, at, alarm, *rung, &rings)
        }
        Fact::Reminded { alarm, to, reason } => {
            let reminded = |officer: &OfficerId| Effect {
                to: Some(format!("officer:{officer}")),
                channel: Some("ws"),
                ..about(ledger, EffectName::Notify, alarm).because(reason)
            };
            to.iter().map(reminded).collect()
        }
        Fact::EffectQueued { alarm, to, channel, .. } => {
            let rung = ledger.alarms.get(alarm).and_then(|known| known.rung);
            vec![Effect {
                to: Some(name_of(to)),
                channel: Some(channel.name()),
                rung,
                ..about(ledger, EffectName::Notify, alarm)
            }]
        }
        Fact::Accepted { alarm, by, .. } => did(ledger, alarm, "accepted", by),
        Fact::Undone { alarm, by } => did(ledger, alarm, "undone", by),
        Fact::Declined { alarm, by, .. } => did(ledger, alarm, "declined", by),
        Fact::Transferred { alarm, by, to, .. } => {
            let mut effects = did(ledger, alarm, "transferred", by);
            effects.push(Effect {
                to: Some(format!("officer:{to}")),
                channel: Some("ws"),
                ..about(ledger, EffectName::Notify, alarm)
            });
            effects
        }
        Fact::Shelved { alarm, by, reason, how, .. } => {
            let effect = about(ledger, EffectName::Suppress, alarm);
            let (code, text) = (Some(how.name().to_owned()), Some(reason.clone()));
            vec![Effect { by: Some(by.to_string()), reason: code, text, ..effect }]
        }
        Fact::Custody { alarm, event, by, detail, .. } => {
            let reason = Some(detail.clone()).filter(|detail| !detail.is_empty());
            let by = by.as_ref().map(ToString::to_string);
            let effect = about(ledger, EffectName::Update, alarm);
            vec![Effect { response: Some(event.name()), by, reason, ..effect }]
        }
        Fact::EnRoute { alarm, by } => did(ledger, alarm, "en_route", by),
        Fact::Arrived { alarm, by } => did(ledger, alarm, "arrived", by),
        Fact::Noted { alarm, by, .. } => did(ledger, alarm, "noted", by),
        Fact::Resolved { alarm, by, outcome, .. } => {
            let mut effects = did(ledger, alarm, "resolved", by);
            effects.iter_mut().for_each(|effect| effect.outcome = Some(*outcome));
            effects
        }
        Fact::Suppressed { kind, place, reason } => {
            let (kind, place) = (Some(kind.to_string()), Some(place.clone()));
            vec![Effect { kind, place, ..new(EffectName::Suppress).because(reason) }]
        }
        Fact::Health { device, ok, reason } => {
            let effect = if *ok { EffectName::Clear } else { EffectName::Fault };
            let place = device.as_ref().and_then(|id| engine.setup().site.devices.get(id));
            let place = place.map(|device| device.place.clone());
            vec![Effect {
                device: device.as_ref().map(ToString::to_string),
                place,
                ..new(effect).because(reason)
            }]
        }
        Fact::Erased { alarm, .. } => {
            vec![Effect { reason: Some("erased".to_owned()), ..about(ledger, EffectName::Update, alarm) }]
        }
        Fact::Commanded(command) => {
            let effect = match &command.alarm {
                Some(alarm) => about(ledger, EffectName::Command, alarm),
                None => new(EffectName::Command),
            };
            let by = command.by.as_ref().map(ToString::to_string);
            ledger.commands.insert(command.command.clone(), (**command).clone());
            vec![Effect { by, ..effect.for_lift(command).because(&command.reason) }]
        }
        Fact::CommandNews { command, state, .. } => {
            let known = ledger.commands.get(command).filter(|_| state.is_end());
            let about = |known: &LiftCommand| match &known.alarm {
                Some(alarm) => Effect::new(engine, at, EffectName::Update).about(ledger, alarm),
                None => Effect::new(engine, at, EffectName::Update),
            };
            let effect = known.map(|known| about(known).for_lift(known));
            effect.map(|effect| Effect { response: Some(state.name()), ..effect }).into_iter().collect()
        }
        Fact::Entered(entry) => of_entry(engine, ledger, at, entry),
        Fact::Again { .. }
        | Fact::Published { .. }
        | Fact::Withdrawn { .. }
        | Fact::Answered { .. }
        | Fact::Delivered { .. }
        | Fact::EffectStarted { .. }
        | Fact::EffectEnded { .. }
        | Fact::Armed { .. }
        | Fact::Away { .. }
        | Fact::Consent { .. }
        | Fact::Permit(_)
        | Fact::Noticed { .. }
        | Fact::Canary(_)
        | Fact::Forgotten { .. } => Vec::new(),
    }
}

/// A list that was handed over, a flood of alarms for one person; other entries change nothing that is seen at once.
fn of_entry(engine: &Engine, ledger: &Ledger, at: Timestamp, entry: &Entered) -> Vec<Effect> {
    let whom = |officer: &OfficerId| Some(format!("officer:{officer}"));
    let plain =
        |effect, code: &str| Effect { reason: Some(code.to_owned()), ..Effect::new(engine, at, effect) };
    match entry {
        Entered::HandedOver { from, to, alarms } => {
            let moved = |alarm: &AlarmId| {
                let by = Some(from.to_string());
                let effect = plain(EffectName::Update, "handed_over").about(ledger, alarm);
                let update = Effect { by, to: whom(to), ..effect.clone() };
                let calls = engine.book().alarms.get(alarm).is_some_and(wanglou_engine::Alarm::is_unaccepted);
                let notify =
                    Effect { effect: EffectName::Notify, to: whom(to), channel: Some("ws"), ..effect };
                std::iter::once(update).chain(calls.then_some(notify)).collect::<Vec<_>>()
            };
            alarms.iter().flat_map(moved).collect()
        }
        Entered::Flood { officer, on: true } => {
            vec![Effect { to: whom(officer), ..plain(EffectName::Suppress, "flood") }]
        }
        Entered::Flood { officer, on: false } => {
            vec![Effect { to: whom(officer), ..plain(EffectName::Update, "flood_over") }]
        }
        Entered::Window(_)
        | Entered::WindowEnded { .. }
        | Entered::Duty { .. }
        | Entered::Position { .. }
        | Entered::HandoverOffered { .. } => Vec::new(),
    }
}

/// A raise, and what it is at the same time: the first stage, a device fault.
fn of_raise(raise: Effect, raised: &Raised, at: Timestamp) -> Vec<Effect> {
    let late = (raised.mark == Some(Mark::Late)).then(|| (at - raised.first_at).0 / 1_000_000);
    let raise = Effect {
        priority: Some(raised.priority),
        stage: raised.stage.clone(),
        mark: raised.mark,
        details: raised.details.clone(),
        late_s: late,
        count: Some(raised.count).filter(|count| *count > 1),
        incident: raised.incident.as_ref().map(ToString::to_string),
        ..raise.because(&raised.reason)
    };
    let plain = |effect| Effect {
        effect,
        priority: None,
        stage: None,
        mark: None,
        details: BTreeMap::new(),
        late_s: None,
        count: None,
        incident: None,
        ..raise.clone()
    };
    let stage = raised.stage.clone().map(|stage| Effect { stage: Some(stage), ..plain(EffectName::Stage) });
    let is_fault = FAULT_KINDS.contains(&raised.kind.as_str());
    let device = raised.devices.first().map(ToString::to_string);
    let fault = is_fault.then(|| Effect { device, ..plain(EffectName::Fault) });
    std::iter::once(raise).chain(stage).chain(fault).collect()
}

fn of_rung(
    engine: &Engine,
    ledger: &mut Ledger,
    at: Timestamp,
    alarm: &AlarmId,
    rung: usize,
    rings: &[&Told],
) -> Vec<Effect> {
    let before = ledger.alarms.get_mut(alarm).and_then(|known| known.rung.replace(rung));
    if rings.is_empty() {
        return Vec::new();
    }
    let about = |effect| Effect { rung: Some(rung), ..Effect::new(engine, at, effect).about(ledger, alarm) };
    let is_next = rung > 0 && before != Some(rung);
    let escalate = is_next.then(|| about(EffectName::Escalate));
    // Whoever has no socket is told by another channel, which is an effect of its own.
    let by_socket = rings.iter().filter(|told| engine.senses().sockets(&told.officer) > 0);
    let notify = |told: &&Told| Effect {
        to: Some(format!("officer:{}", told.officer)),
        channel: Some("ws"),
        ..about(EffectName::Notify)
    };
    escalate.into_iter().chain(by_socket.map(notify)).collect()
}

/// A command that was refused, if it was.
pub(super) fn of_answer(
    engine: &Engine,
    ledger: &Ledger,
    at: Timestamp,
    alarm: Option<&AlarmId>,
    officer: &OfficerId,
    answer: &Answer,
) -> Option<Effect> {
    let (refused, by, reason) = match answer {
        Answer::Ok { .. } | Answer::Done => return None,
        Answer::Taken { by } => ("taken", Some(by.to_string()), None),
        Answer::Changed => ("changed", None, None),
        Answer::Gone => ("gone", None, None),
        Answer::Forbidden => ("forbidden", None, None),
        Answer::Invalid { reason } => ("invalid", None, Some(reason)),
    };
    let effect = Effect::new(engine, at, EffectName::Update);
    let effect = alarm.map_or(effect.clone(), |alarm| effect.about(ledger, alarm));
    let effect = reason.map_or(effect.clone(), |reason| effect.because(reason));
    Some(Effect { refused: Some(refused), by, to: Some(format!("officer:{officer}")), ..effect })
}

fn name_of(to: &Recipient) -> String {
    match to {
        Recipient::Officer(officer) => format!("officer:{officer}"),
        Recipient::Resident(home) => format!("resident:{home}"),
        Recipient::Group(name) => format!("group:{name}"),
    }
}

/// A channel by its name.
pub(super) fn channel_named(name: &str) -> Option<Channel> {
    [Channel::Webhook, Channel::Voice, Channel::Push, Channel::Sms]
        .into_iter()
        .find(|channel| channel.name() == name)
}

impl Effect {
    fn new(engine: &Engine, at: Timestamp, effect: EffectName) -> Self {
        Self {
            time: at,
            at: engine.setup().calendar.format(at),
            effect,
            alarm: None,
            kind: None,
            priority: None,
            place: None,
            stage: None,
            outcome: None,
            mark: None,
            response: None,
            by: None,
            refused: None,
            to: None,
            rung: None,
            channel: None,
            command: None,
            device: None,
            incident: None,
            count: None,
            details: BTreeMap::new(),
            late_s: None,
            reason: None,
            text: None,
        }
    }

    fn for_lift(self, command: &LiftCommand) -> Self {
        let (device, place) = (command.device.to_string(), command.lift.clone());
        let asked = Some(command.action.name());
        Self { command: asked, device: Some(device), place: Some(place), ..self }
    }

    /// An alarm that was raised before we looked goes by its id.
    fn about(mut self, ledger: &Ledger, alarm: &AlarmId) -> Self {
        self.alarm = Some(alarm.to_string());
        if let Some(known) = ledger.alarms.get(alarm) {
            self.alarm = Some(format!("${}", known.number));
            self.kind = Some(known.kind.clone());
            self.place = Some(known.place.clone());
        }
        self
    }

    fn because(mut self, reason: &Reason) -> Self {
        (self.reason, self.text) = (Some(reason.code.clone()), Some(reason.text.en.clone()));
        self
    }
}

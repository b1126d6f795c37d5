//! One run: the engine, the reference model beside it, and a process that dies.
//!
//! Everything that the engine would find again after a crash goes through bytes: the snapshot, and inputs and facts as the journal has them.

#![expect(clippy::wildcard_enum_match_arm, reason = "a few variants matter here, and no other")]

use crate::checks::Checks;
use crate::compound::site;
use crate::deed::{Deed, Message, Timed, Who};
use crate::dice::Dice;
use crate::model::{Model, Notice, Seen};
use std::collections::BTreeMap;
use std::sync::Arc;
use wanglou_engine::lifecycle::Phase;
use wanglou_engine::{Alarm, Engine, Setup, Stimulus, Timer};
use wanglou_model::*;

/// An input as it is journaled.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub(crate) enum Fed {
    Said { said: Vec<Observation>, retain: bool, dup: bool, by: Option<(LaneName, bool)> },
    Input(Input),
}

impl Fed {
    fn stimulus(&self) -> Stimulus<'_> {
        match self {
            Fed::Said { said, retain, dup, by } => {
                let by = by.map(|(lane, qos0)| Way { lane, qos0 });
                Stimulus::Said { observations: said, retain: *retain, dup: *dup, by }
            }
            Fed::Input(input) => Stimulus::Input(input),
        }
    }
}

/// One record of the journal.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct Record {
    at: Timestamp,
    fed: Fed,
    facts: Vec<Fact>,
}

/// When the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crashes {
    Never,
    /// After one commit in so many.
    OneIn(u64),
    /// After every single one.
    Always,
}

/// Something that a run did wrong.
#[derive(Debug, Clone)]
pub(crate) struct Fault(pub(crate) String);

/// How much happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) inputs: u64,
    pub(crate) alarms: u64,
    pub(crate) notices: u64,
    pub(crate) crashes: u64,
    pub(crate) comparisons: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Figures) {
        self.inputs += other.inputs;
        self.alarms += other.alarms;
        self.notices += other.notices;
        self.crashes += other.crashes;
        self.comparisons += other.comparisons;
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { inputs, alarms, notices, crashes, comparisons } = self;
        write!(
            f,
            "{inputs} inputs, {alarms} alarms, {notices} notices, {crashes} crashes, {comparisons} comparisons"
        )
    }
}

/// A break of the engine on purpose, between it and what it is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// None.
    No,
    /// Recovery forgets a deadline, and nobody compares the bytes.
    ForgetsADeadline,
    /// Recovery leaves facts about acceptance out, and nobody compares the bytes.
    ForgetsAcceptance,
    /// A rung's message leaves a second time.
    TellsTwice,
    /// An effect is queued a second time.
    SendsTwice,
    /// Redeliveries are taken for new events.
    BelievesDoubles,
    /// Each message is said twice inside: counted in two places.
    CountsTwice,
}

/// A run.
pub(crate) struct World {
    setup: Arc<Setup>,
    pub(crate) engine: Engine,
    model: Model,
    checks: Checks,
    sabotage: Sabotage,
    /// Every record, as bytes.
    pub(crate) journal: Vec<u8>,
    /// Where the records since the snapshot begin.
    tail: Vec<(usize, usize)>,
    snapshot: Vec<u8>,
    crashes: Crashes,
    dice: Dice,
    /// What senders will say of effects, and when.
    senders: BTreeMap<(Timestamp, u64), ChannelNews>,
    sent: u64,
    commands: u64,
    last_command: Option<Command>,
    pub(crate) figures: Figures,
    /// The latest inputs, in words.
    trace: Vec<String>,
    pub(crate) all_traced: bool,
}

impl World {
    pub(crate) fn new(setup: Arc<Setup>, crashes: Crashes, dice: Dice, sabotage: Sabotage) -> Self {
        let engine = Engine::new(Arc::clone(&setup));
        let snapshot = engine.snapshot().expect("a snapshot");
        Self {
            model: Model::new(site(), &setup.channels),
            checks: Checks::default(),
            setup,
            engine,
            sabotage,
            journal: Vec::new(),
            tail: Vec::new(),
            snapshot,
            crashes,
            dice,
            senders: BTreeMap::new(),
            sent: 0,
            commands: 0,
            last_command: None,
            figures: Figures::default(),
            trace: Vec::new(),
            all_traced: false,
        }
    }

    /// The latest inputs, one a line.
    pub(crate) fn trace(&self) -> String {
        let from = if self.all_traced { 0 } else { self.trace.len().saturating_sub(30) };
        self.trace[from..].join("\n")
    }

    /// Everything up to the end of the deeds.
    pub(crate) fn run(&mut self, deeds: &[Timed]) -> Result<(), Fault> {
        for (at, deed) in deeds {
            self.happens(*at, deed)?;
        }
        Ok(())
    }

    pub(crate) fn happens(&mut self, at: Timestamp, deed: &Deed) -> Result<(), Fault> {
        if !matches!(deed, Deed::Start { .. }) {
            self.until(at)?;
        }
        let at = at.max(self.engine.senses().at);
        match deed {
            Deed::Say(message) => self.say(at, message),
            Deed::News(input) => self.input(at, input.clone()),
            Deed::Act { who, open, nth, op, again } => self.act(at, who, (*open, *nth), op, *again),
            Deed::Enter { who, op } => {
                let command = self.new_command(who.clone(), None, op.clone());
                self.input(at, Input::Command(command))
            }
            Deed::Receive { nth, told, phone, delivered } => {
                self.receive(at, (*nth, *told), *phone, *delivered)
            }
            Deed::Start { .. } => self.start(at),
        }
    }

    /// Deadlines and senders, each at its time.
    pub(crate) fn until(&mut self, at: Timestamp) -> Result<(), Fault> {
        loop {
            let engine = self.engine.next_deadline();
            let deadline =
                engine.into_iter().chain(self.model.next_deadline()).min().filter(|due| *due <= at);
            let sender = self.senders.first_key_value().map(|(key, _)| *key).filter(|(due, _)| *due <= at);
            let now = self.engine.senses().at;
            match (deadline, sender) {
                (Some(due), sender) if sender.is_none_or(|(then, _)| due <= then) => {
                    self.input(due.max(now), Input::Tick)?;
                }
                (_, Some(key)) => {
                    if let Some(news) = self.senders.remove(&key) {
                        self.input(key.0.max(now), Input::Channel(news))?;
                    }
                }
                (Some(_) | None, None) => return Ok(()),
            }
        }
    }

    pub(crate) fn say(&mut self, at: Timestamp, message: &Message) -> Result<(), Fault> {
        let by = message.by.map(|way| (way.lane, way.qos0));
        let said = match self.sabotage {
            Sabotage::CountsTwice => vec![message.said.clone(); 2],
            _ => vec![message.said.clone()],
        };
        let mut fed = Fed::Said { said, retain: message.retain, dup: message.dup, by };
        if let (Sabotage::BelievesDoubles, Fed::Said { said, dup, .. }) = (self.sabotage, &mut fed) {
            *dup = false;
            for said in said {
                (said.event, said.at_device) = (None, None);
            }
        }
        self.feed(at, &fed, |model| model.say(at, &message.said, message.retain, message.dup, message.by))
    }

    pub(crate) fn input(&mut self, at: Timestamp, input: Input) -> Result<(), Fault> {
        let fed = Fed::Input(input);
        let Fed::Input(input) = &fed else { return Ok(()) };
        self.feed(at, &fed, |model| model.input(at, input))
    }

    fn start(&mut self, at: Timestamp) -> Result<(), Fault> {
        let before = self.engine.senses().at;
        let input = Input::Start { version: "sim".into(), boot_id: String::new(), at_minus_boot: Span::ZERO };
        let at = at.max(before);
        self.checks.before_start(&self.engine);
        self.feed(at, &Fed::Input(input), |model| model.started(at, before))?;
        self.checks.after_start(&self.engine).map_err(Fault)?;
        // What was being sent when the gateway died is unknown; what waited is sent now.
        let started = self
            .engine
            .book()
            .effects
            .iter()
            .filter(|(_, row)| row.state == wanglou_engine::EffectState::Started);
        let unknown: Vec<String> = started.map(|(id, _)| id.clone()).collect();
        self.senders.retain(|_, news| !unknown.contains(&news.effect));
        for effect in unknown {
            let news = ChannelNews { effect, ended: Some(Ended::Unknown), detail: String::new() };
            self.input(at, Input::Channel(news))?;
        }
        self.until(at)
    }

    pub(crate) fn new_command(&mut self, officer: OfficerId, alarm: Option<AlarmId>, op: Op) -> Command {
        self.commands += 1;
        let cid = CommandId::parse(&format!("c{}", self.commands)).expect("an id");
        let command = Command { cid, officer, phone: None, alarm, rev: None, op };
        self.last_command = Some(command.clone());
        command
    }

    /// Alarms in the order in which they were raised.
    pub(crate) fn alarms(&self, open: bool) -> Vec<Alarm> {
        let mut alarms: Vec<Alarm> =
            self.engine.book().alarms.values().filter(|alarm| alarm.is_open() || !open).cloned().collect();
        alarms.sort_by_key(|alarm| (alarm.raised_at, alarm.id.clone()));
        alarms
    }

    fn act(
        &mut self,
        at: Timestamp,
        who: &Who,
        (open, nth): (bool, usize),
        op: &Op,
        again: bool,
    ) -> Result<(), Fault> {
        if let Some(command) = self.last_command.clone().filter(|_| again) {
            return self.input(at, Input::Command(command));
        }
        let alarms = self.alarms(open);
        if alarms.is_empty() {
            return Ok(());
        }
        let alarm = &alarms[nth % alarms.len()];
        let told: Vec<&OfficerId> = alarm
            .followers
            .iter()
            .filter(|(_, follower)| follower.rung.is_some())
            .map(|(id, _)| id)
            .collect();
        let named = |nth: usize| if told.is_empty() { None } else { Some(told[nth % told.len()].clone()) };
        let officer = match who {
            Who::Holder(nth) => alarm.accepted.as_ref().map(|held| held.by.clone()).or_else(|| named(*nth)),
            Who::Told(nth) => named(*nth),
            Who::Named(id) => Some(id.clone()),
        };
        let Some(officer) = officer else { return Ok(()) };
        let command = self.new_command(officer, Some(alarm.id.clone()), op.clone());
        self.input(at, Input::Command(command))
    }

    fn receive(
        &mut self,
        at: Timestamp,
        (nth, told): (usize, usize),
        phone: u64,
        delivered: Delivered,
    ) -> Result<(), Fault> {
        let alarms = self.alarms(true);
        if alarms.is_empty() {
            return Ok(());
        }
        let alarm = &alarms[nth % alarms.len()];
        let followers: Vec<&OfficerId> = alarm.followers.keys().collect();
        if followers.is_empty() {
            return Ok(());
        }
        let officer = followers[told % followers.len()].clone();
        let phone = crate::compound::phone(&officer, phone);
        let receipt = Receipt { officer, phone, alarm: alarm.id.clone(), rev: alarm.rev, delivered };
        self.input(at, Input::Receipt(receipt))
    }

    fn feed(&mut self, at: Timestamp, fed: &Fed, model: impl FnOnce(&mut Model)) -> Result<(), Fault> {
        self.trace.push(format!("{:>12.3}  {}", (at - crate::compound::MONDAY).as_secs_f64(), words(fed)));
        let mut facts = self.engine.step(at, fed.stimulus());
        self.figures.inputs += 1;
        self.commit(at, fed, &facts);
        self.send(at, &facts);
        self.sabotaged(&mut facts);
        self.checks.step(at, fed, &facts, &self.engine).map_err(Fault)?;
        model(&mut self.model);
        self.compare(&facts)?;
        self.maybe_die()
    }

    fn sabotaged(&self, facts: &mut Vec<Fact>) {
        let twice = match self.sabotage {
            Sabotage::TellsTwice => {
                facts.iter().find(|fact| matches!(fact, Fact::Rung { told, .. } if !told.is_empty()))
            }
            Sabotage::SendsTwice => facts.iter().find(|fact| matches!(fact, Fact::EffectQueued { .. })),
            _ => None,
        };
        let twice = twice.cloned();
        facts.extend(twice);
    }

    fn commit(&mut self, at: Timestamp, fed: &Fed, facts: &[Fact]) {
        let from = self.journal.len();
        let record = Record { at, fed: fed.clone(), facts: facts.to_vec() };
        serde_json::to_writer(&mut self.journal, &record).expect("a record");
        self.tail.push((from, self.journal.len()));
    }

    /// Whoever sends effects: some are done, some fail, some are never heard of until they are given up.
    fn send(&mut self, at: Timestamp, facts: &[Fact]) {
        for fact in facts {
            let Fact::EffectQueued { effect, .. } = fact else { continue };
            self.sent += 1;
            let n = self.sent;
            let news = |ended| ChannelNews { effect: effect.clone(), ended, detail: String::new() };
            let begins = at + Span::millis(20 + (n as i64 * 37) % 900);
            let ends = begins + Span::millis(50 + (n as i64 * 7919) % 30_000);
            let end = [Ended::Done, Ended::Failed, Ended::Done, Ended::Done][(n % 4) as usize];
            self.senders.insert((begins, n), news(None));
            self.senders.insert((ends, n), news(Some(end)));
        }
    }

    fn compare(&mut self, facts: &[Fact]) -> Result<(), Fault> {
        self.figures.comparisons += 1;
        for fact in facts {
            if let Fact::Raised(raised) = fact {
                self.figures.alarms += 1;
                let (kind, which) = (raised.kind.as_str(), which_of(raised.kind.as_str(), &raised.key));
                let subject = subject_of(kind, &raised.key, &raised.place);
                self.model.name(&raised.alarm, (kind, which), &subject, self.engine.senses().at);
            }
        }
        let engine = seen_by(&self.engine);
        let model: Vec<Seen> = self.model.seen();
        if engine != model {
            return Err(Fault(differ("open alarms", &engine, &model)));
        }
        let engine = self.notices(facts);
        let model: Vec<Notice> = self.model.notices();
        self.figures.notices += engine.len() as u64;
        if engine != model {
            return Err(Fault(differ("who was told", &engine, &model)));
        }
        let engine = answers(facts);
        if engine != self.model.answers() {
            return Err(Fault(differ("answers", &engine, self.model.answers())));
        }
        Ok(())
    }

    fn notices(&self, facts: &[Fact]) -> Vec<Notice> {
        let alarm = |id: &AlarmId| {
            let known = self.engine.book().alarms.get(id).expect("a known alarm");
            let which = which_of(known.kind.as_str(), &known.key);
            let subject = subject_of(known.kind.as_str(), &known.key, &known.place);
            (known.kind.to_string(), format!("{which} {subject}"), known.raised_at)
        };
        let mut notices = Vec::new();
        for fact in facts {
            match fact {
                Fact::Rung { alarm: id, rung, told, ring, .. } if !told.is_empty() => {
                    let mut told: Vec<_> = told
                        .iter()
                        .map(|one| (one.officer.clone(), one.unreached.is_none(), *ring && !one.quiet))
                        .collect();
                    told.sort();
                    notices.push(Notice { alarm: alarm(id), rung: Some(*rung), told });
                }
                Fact::Reminded { alarm: id, to, .. } => {
                    let mut told: Vec<_> = to.iter().map(|who| (who.clone(), true, true)).collect();
                    told.sort();
                    notices.push(Notice { alarm: alarm(id), rung: None, told });
                }
                _ => {}
            }
        }
        notices.sort();
        notices
    }

    fn maybe_die(&mut self) -> Result<(), Fault> {
        let dies = match self.crashes {
            Crashes::Never => false,
            Crashes::OneIn(n) => self.dice.once_in(n),
            Crashes::Always => true,
        };
        if dies { self.die() } else { Ok(()) }
    }

    /// The process dies, and another one begins from the snapshot and the journal's tail. It is the one that died, byte
    /// for byte.
    pub(crate) fn die(&mut self) -> Result<(), Fault> {
        self.figures.crashes += 1;
        let mut again = Engine::restore(Arc::clone(&self.setup), &self.snapshot)
            .map_err(|fault| Fault(fault.to_string()))?;
        for (from, until) in &self.tail {
            let record: Record = serde_json::from_slice(&self.journal[*from..*until])
                .map_err(|fault| Fault(fault.to_string()))?;
            let mut facts = record.facts;
            if self.sabotage == Sabotage::ForgetsAcceptance {
                facts.retain(|fact| !matches!(fact, Fact::Accepted { .. }));
            }
            if self.sabotage == Sabotage::ForgetsADeadline {
                facts.iter_mut().for_each(forget_next);
            }
            again.replay(record.at, record.fed.stimulus(), &facts);
        }
        let (then, now) =
            (self.engine.snapshot().expect("a snapshot"), again.snapshot().expect("a snapshot"));
        let blind = matches!(self.sabotage, Sabotage::ForgetsADeadline | Sabotage::ForgetsAcceptance);
        if !blind && then != now {
            return Err(Fault(otherwise(&then, &now)));
        }
        if !blind && again.next_deadline() != self.engine.next_deadline() {
            return Err(Fault("after the crash the next deadline is another".into()));
        }
        self.engine = again;
        if self.dice.once_in(4) || self.tail.len() > 40 || blind {
            (self.snapshot, self.tail) = (now, Vec::new());
        }
        Ok(())
    }
}

fn forget_next(fact: &mut Fact) {
    if let Fact::Rung { next, .. } = fact {
        *next = None;
    }
}

/// Which of a kind's alarms it is: `open`, `water`.
pub(crate) fn which_of<'a>(kind: &str, key: &'a str) -> &'a str {
    match kind {
        "manhole" | "living_alone" => key.split(':').next().unwrap_or_default(),
        _ => "",
    }
}

/// What it is about: a place; a device; of a flood of alarms, whose.
fn subject_of(kind: &str, key: &str, place: &PlaceId) -> String {
    match kind {
        "alarm_flood" => key.to_owned(),
        // `silent:door-101`, `door:door-101`.
        "device_fault" | "door_open" => key.rsplit(':').next().unwrap_or_default().to_owned(),
        _ => place.to_string(),
    }
}

/// The open alarms of the engine.
fn seen_by(engine: &Engine) -> Vec<Seen> {
    let world = engine.world();
    let due = |timer: Timer| world.timers.due(&timer);
    let see = |alarm: &Alarm| {
        let id = alarm.id.clone();
        let deadline = match alarm.phase() {
            Phase::Called => due(Timer::Ladder(id)),
            Phase::Aside(_) => due(Timer::Shelf(id)),
            Phase::Accepted | Phase::EnRoute | Phase::Arrived | Phase::Resolved => due(Timer::OnScene(id)),
            Phase::Nothing | Phase::Closed => None,
        };
        let phase = match alarm.phase() {
            Phase::Aside(_) => "aside",
            phase => phase.name(),
        };
        Seen {
            kind: alarm.kind.to_string(),
            which: which_of(alarm.kind.as_str(), &alarm.key).to_owned(),
            place: subject_of(alarm.kind.as_str(), &alarm.key, &alarm.place),
            raised_at: alarm.raised_at,
            priority: alarm.priority,
            count: alarm.count,
            active: alarm.is_active(),
            phase: phase.to_owned(),
            taken_by: alarm.accepted.as_ref().map(|held| held.by.clone()),
            deadline,
            rung: alarm.rung,
        }
    };
    let mut seen: Vec<Seen> = engine.book().open_alarms().map(see).collect();
    seen.sort();
    seen
}

fn answers(facts: &[Fact]) -> Vec<String> {
    let answer = |fact: &Fact| {
        let Fact::Answered { answer, .. } = fact else { return None };
        Some(match answer {
            Answer::Ok { .. } => "ok",
            Answer::Done => "done",
            Answer::Taken { .. } => "taken",
            Answer::Changed => "changed",
            Answer::Gone => "gone",
            Answer::Forbidden => "forbidden",
            Answer::Invalid { .. } => "invalid",
        })
    };
    facts.iter().filter_map(answer).map(str::to_owned).collect()
}

fn differ<T: std::fmt::Debug + PartialEq>(of: &str, engine: &[T], model: &[T]) -> String {
    let only = |these: &[T], those: &[T]| {
        let lines: Vec<String> =
            these.iter().filter(|one| !those.contains(one)).map(|one| format!("    {one:?}")).collect();
        lines.join("\n")
    };
    format!(
        "{of} differ\n  the engine alone:\n{}\n  the model alone:\n{}",
        only(engine, model),
        only(model, engine)
    )
}

fn otherwise(then: &[u8], now: &[u8]) -> String {
    let (then, now) = (String::from_utf8_lossy(then), String::from_utf8_lossy(now));
    let at = then.bytes().zip(now.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(200);
    let part = |text: &str| text.get(at..(at + 500).min(text.len())).unwrap_or_default().to_owned();
    format!("recovered otherwise:\n  before …{}\n  after  …{}", part(&then), part(&now))
}

fn words(fed: &Fed) -> String {
    match fed {
        Fed::Said { said, retain, dup, by } => {
            let one = &said[0];
            let wall = one.at_device.map(|wall| (wall - crate::compound::MONDAY).as_secs_f64());
            let flags = [("retained", *retain), ("dup", *dup), ("state", one.repeats == Repeats::State)];
            let flags: Vec<&str> = flags.iter().filter(|(_, on)| *on).map(|(name, _)| *name).collect();
            format!(
                "{} {:?} device time {wall:?} {:?} event {:?} {} {by:?}",
                one.device,
                one.reading,
                one.quality,
                one.event,
                flags.join(" ")
            )
        }
        Fed::Input(Input::Command(command)) => {
            format!(
                "{} {} {:?} about {:?}",
                command.cid,
                command.officer,
                command.op,
                command.alarm.as_ref().map(AlarmId::as_str)
            )
        }
        Fed::Input(input) => format!("{input:?}"),
    }
}

//! Simulated time: deadlines fire exactly when they are due, and each line happens at its own time. What the broker
//! holds while the gateway is off comes out of it when it is back, as after a real start.

use super::diff::Telling;
use super::effects::{self, Effect, Ledger};
use super::line::{AlarmRef, GatewayNews, Line, PhoneNews, What};
use crate::configuration::Decisive;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use wanglou_engine::{Engine, Setup, Stimulus};
use wanglou_model::{
    AlarmId, CallAnswer, CallNews, Channel, ChannelNews, Command, CommandId, CustodyEvent, Decoded,
    Delivered, Ended, EvidenceNews, Fact, Input, Note, NoteKind, Observation, OfficerId, Op, OutboxRow,
    PathNews, PathState, PhoneId, PhoneState, Quality, RawMessage, Receipt, Recipient, Report, Span,
    Timestamp,
};
use wanglou_profiles::{DecodeState, ProfileSet};

/// Deadlines that armed new ones which were due at once: more rounds than this are a fault of a rule.
const TICKS_MAX: usize = 10_000;
/// The lane by which the lines' messages come.
const LANE: &str = "alarm";
/// A device whose clock is further ahead than this, or further behind than the other, is not believed.
const AHEAD_MAX: Span = Span::secs(120);
const BEHIND_MAX: Span = Span::hours(7 * 24);

/// Something that the author of a scenario, or the reader of a journal, should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// The line, or the journal's record, that it is about.
    pub line: usize,
    /// What.
    pub text: String,
    /// It is about a command that was refused, which is an effect too.
    pub refusal: bool,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// A gateway in simulated time.
#[derive(Debug)]
pub struct Simulation {
    engine: Engine,
    profiles: Arc<ProfileSet>,
    decoding: DecodeState,
    ledger: Ledger,
    now: Timestamp,
    began: bool,
    /// Phones store what they get by themselves.
    phones_store: bool,
    /// The gateway is off: its state as it was left.
    off: Option<Vec<u8>>,
    /// The broker is lost, since then.
    lost: Option<Timestamp>,
    /// What waits until gateway and broker are back.
    held: Vec<Line>,
    effects: Vec<Effect>,
    telling: Telling,
    remarks: Vec<Remark>,
    line: usize,
}

impl Simulation {
    /// A gateway that was never on before. On-duty phones are online and store at once; nobody accepts by themselves.
    pub fn new(setup: Arc<Setup>, profiles: Arc<ProfileSet>) -> Self {
        Self {
            engine: Engine::new(setup),
            profiles,
            decoding: DecodeState::default(),
            ledger: Ledger::default(),
            now: Timestamp(0),
            began: false,
            phones_store: true,
            off: None,
            lost: None,
            held: Vec::new(),
            effects: Vec::new(),
            telling: Telling::default(),
            remarks: Vec::new(),
            line: 0,
        }
    }

    /// Goes on from an engine, without phones of its own: what they do is fed, as everything else.
    /// Its messages come decoded.
    pub(super) fn bare(engine: Engine, current: &Decisive, from: Option<Timestamp>) -> Self {
        let now = from.unwrap_or(engine.senses().at);
        let setup = Arc::clone(engine.setup());
        Self { engine, now, began: true, phones_store: false, ..Self::new(setup, current.profiles.clone()) }
    }

    /// Lets time pass up to the line's, and the line happen.
    pub fn feed(&mut self, line: &Line) {
        self.line = line.number;
        self.begin(line.at);
        self.pass(line.at);
        match &line.what {
            What::Gateway(news) => self.gateway(line.at, *news),
            What::Broker { lost: true, .. } => self.lose_broker(line.at),
            What::Broker { lost: false, session } => self.find_broker(line.at, *session),
            What::Message { .. } | What::Observation { .. } if self.off.is_some() || self.lost.is_some() => {
                self.held.push(line.clone());
            }
            // Phones try again until the gateway is back.
            What::Officer { .. }
            | What::Phone { .. }
            | What::Channel { .. }
            | What::Report { .. }
            | What::Evidence { .. }
                if self.off.is_some() =>
            {
                self.held.push(line.clone());
            }
            What::Message { .. }
            | What::Observation { .. }
            | What::Officer { .. }
            | What::Phone { .. }
            | What::Report { .. }
            | What::Evidence { .. }
            | What::Channel { .. } => self.happen(line.at, &line.what),
            What::ClockStep(step) => {
                let wall_minus_at = self.engine.senses().wall_minus_at + *step;
                self.input(line.at, Input::ClockStep { wall_minus_at });
            }
            What::Note => {}
        }
    }

    /// Everything that came out since it was asked last.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// The engine as it stands.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Who was told what up to now.
    pub fn take_telling(&mut self) -> Telling {
        std::mem::take(&mut self.telling)
    }

    /// Everything that came out.
    pub fn end(self) -> (Vec<Effect>, Vec<Remark>) {
        (self.effects, self.remarks)
    }

    /// What is fed from here on is named so in remarks.
    pub(super) fn at_line(&mut self, line: usize) {
        self.line = line;
    }

    /// The first start: the path is up, everybody's phone is online. Nothing of it is an effect.
    fn begin(&mut self, at: Timestamp) {
        if std::mem::replace(&mut self.began, true) {
            return;
        }
        self.now = at;
        self.started(at);
        self.path(at, PathState::Up);
        self.phones_online(at);
        self.effects.clear();
    }

    fn started(&mut self, at: Timestamp) {
        let start =
            Input::Start { version: "backtest".into(), boot_id: String::new(), at_minus_boot: Span::ZERO };
        self.input(at, start);
    }

    fn phones_online(&mut self, at: Timestamp) {
        let officers: Vec<OfficerId> = self.engine.setup().site.officers.keys().cloned().collect();
        let gone: BTreeSet<OfficerId> = self
            .engine
            .senses()
            .phones
            .iter()
            .filter(|(_, phones)| phones.values().all(|phone| phone.state == PhoneState::Offline))
            .map(|(officer, _)| officer.clone())
            .collect();
        for officer in officers.iter().filter(|officer| !gone.contains(*officer)) {
            self.phone(at, officer, PhoneState::Online);
        }
    }

    fn phone(&mut self, at: Timestamp, officer: &OfficerId, state: PhoneState) {
        let news = wanglou_model::PhoneNews { officer: officer.clone(), phone: phone_of(officer), state };
        self.input(at, Input::Phone(news));
    }

    fn path(&mut self, at: Timestamp, state: PathState) {
        self.input(at, Input::Path(PathNews { lane: LANE.into(), state }));
    }

    /// Fires every deadline up to `until`, each exactly when it is due.
    pub fn pass(&mut self, until: Timestamp) {
        let mut rounds = 0;
        while self.off.is_none()
            && let Some(due) = self.engine.next_deadline().filter(|due| *due <= until)
        {
            rounds = if due > self.now { 0 } else { rounds + 1 };
            if rounds > TICKS_MAX {
                self.remark("a deadline is due again and again at the same moment: a fault of a rule".into());
                break;
            }
            self.input(due.max(self.now), Input::Tick);
        }
        self.now = self.now.max(until);
    }

    fn input(&mut self, at: Timestamp, input: Input) {
        self.step(at, Stimulus::Input(&input));
    }

    pub(super) fn step(&mut self, at: Timestamp, stimulus: Stimulus) {
        self.now = self.now.max(at);
        let facts = self.engine.step(at, stimulus);
        for fact in &facts {
            let found = effects::of(&self.engine, &mut self.ledger, at, fact);
            self.effects.extend(found);
            self.telling.take(at, fact);
        }
        for fact in &facts {
            if let Fact::Published { alarm, rev, to } = fact
                && self.phones_store
            {
                self.store(at, alarm, *rev, to);
            }
            if let Fact::Commanded(command) = fact
                && self.phones_store
            {
                self.send(at, &command.command);
            }
        }
    }

    /// Phones that are online store what they get, at once.
    fn store(&mut self, at: Timestamp, alarm: &AlarmId, rev: u64, to: &[OutboxRow]) {
        for row in to.iter().filter(|row| row.ring) {
            if self.engine.senses().sockets(&row.officer) > 0 {
                self.receipt(at, alarm, rev, &row.officer, Delivered::Stored);
            }
        }
    }

    /// The broker takes a command at once.
    fn send(&mut self, at: Timestamp, command: &str) {
        for ended in [None, Some(Ended::Done)] {
            let news = ChannelNews { effect: command.to_owned(), ended, detail: String::new() };
            self.input(at, Input::Channel(news));
        }
    }

    fn receipt(
        &mut self,
        at: Timestamp,
        alarm: &AlarmId,
        rev: u64,
        officer: &OfficerId,
        delivered: Delivered,
    ) {
        let (officer, phone, alarm) = (officer.clone(), phone_of(officer), alarm.clone());
        self.input(at, Input::Receipt(Receipt { officer, phone, alarm, rev, delivered }));
    }

    pub(super) fn remark(&mut self, text: String) {
        self.remarks.push(Remark { line: self.line, text, refusal: false });
    }
}

/// What a message turned out to say.
#[derive(Debug)]
pub(super) enum Heard {
    Said(Vec<Observation>),
    Nothing,
    /// Why it says nothing to anybody.
    Remark(String),
}

pub(super) fn hear(profiles: &ProfileSet, raw: &RawMessage<'_>, state: &mut DecodeState) -> Heard {
    match profiles.decode_in(raw, state).decoded {
        Decoded::Observations(said) => Heard::Said(said),
        Decoded::Ignored(_) => Heard::Nothing,
        Decoded::Unmatched(why) => Heard::Remark(format!("no profile knows {}: {why}", raw.topic)),
        Decoded::Rejected { profile, reason } => {
            Heard::Remark(format!("profile {profile} rejects it: {reason}"))
        }
    }
}

fn phone_of(officer: &OfficerId) -> PhoneId {
    let text = format!("d_{officer}");
    PhoneId::parse(&text[..text.len().min(wanglou_model::ID_BYTES_MAX)])
        .expect("an officer's id makes a phone's")
}

// What goes on and off.
impl Simulation {
    fn gateway(&mut self, at: Timestamp, news: GatewayNews) {
        match (news, self.off.take()) {
            (GatewayNews::Stop | GatewayNews::Crash, None) => match self.engine.snapshot() {
                Ok(left) => self.off = Some(left),
                Err(error) => self.remark(format!("the gateway cannot be stopped: {error}")),
            },
            (GatewayNews::Start, Some(left)) => self.start(at, &left),
            (GatewayNews::Stop | GatewayNews::Crash, Some(left)) => {
                self.off = Some(left);
                self.remark("the gateway is off already".into());
            }
            (GatewayNews::Start, None) => self.remark("the gateway is on already".into()),
        }
    }

    fn start(&mut self, at: Timestamp, left: &[u8]) {
        match Engine::restore(Arc::clone(self.engine.setup()), left) {
            Ok(engine) => self.engine = engine,
            Err(error) => self.remark(format!("the gateway cannot be started: {error}")),
        }
        self.started(at);
        if self.lost.is_none() {
            self.drain(at, true);
        }
        self.phones_online(at);
        self.pass(at);
        let waiting = std::mem::take(&mut self.held);
        for line in waiting {
            self.line = line.number;
            self.happen(at, &line.what);
        }
    }

    fn lose_broker(&mut self, at: Timestamp) {
        self.lost.get_or_insert(at);
        if self.off.is_none() {
            self.path(at, PathState::Down);
        }
    }

    fn find_broker(&mut self, at: Timestamp, session: bool) {
        let Some(since) = self.lost.take() else {
            self.remark("the broker is there already".into());
            return;
        };
        if !session {
            self.held.retain(|line| !matches!(line.what, What::Message { .. } | What::Observation { .. }));
        }
        if self.off.is_some() {
            return;
        }
        if !session {
            self.path(at, PathState::Draining);
            self.input(at, Input::Blind { from: since, until: at, lane: None, qos0: false });
        }
        self.drain(at, session);
    }

    /// What the broker held comes first; then the path is up.
    fn drain(&mut self, at: Timestamp, session: bool) {
        if session {
            self.path(at, PathState::Draining);
        }
        let is_message = |line: &Line| matches!(line.what, What::Message { .. } | What::Observation { .. });
        let (messages, others): (Vec<Line>, Vec<Line>) =
            std::mem::take(&mut self.held).into_iter().partition(is_message);
        self.held = others;
        for line in messages {
            self.line = line.number;
            self.happen(at, &line.what);
        }
        self.path(at, PathState::Up);
    }
}

// What happens.
impl Simulation {
    fn happen(&mut self, at: Timestamp, what: &What) {
        match what {
            What::Message { topic, payload, retain, dup } => self.message(at, topic, payload, *retain, *dup),
            What::Observation { said, retain, dup } => self.observation(at, said, *retain, *dup),
            What::Officer { officer, op, alarm } => self.act(at, officer, op, alarm.as_ref()),
            What::Phone { officer, news } => self.phone_news(at, officer, *news),
            What::Channel { channel, to, reached, said } => self.channel(at, *channel, to, *reached, *said),
            What::Report { report, kind, id } => self.report(at, report, *kind, id.as_ref()),
            What::Evidence { which, event, sha256 } => self.evidence(at, which, *event, sha256.as_ref()),
            What::Gateway(_) | What::Broker { .. } | What::ClockStep(_) | What::Note => {}
        }
    }

    fn message(&mut self, at: Timestamp, topic: &str, payload: &[u8], retain: bool, dup: bool) {
        let raw = RawMessage { topic, payload, at, retain, dup };
        let heard = hear(&self.profiles, &raw, &mut self.decoding);
        self.heard(at, heard, retain, dup);
    }

    pub(super) fn heard(&mut self, at: Timestamp, heard: Heard, retain: bool, dup: bool) {
        match heard {
            Heard::Said(said) => self.said(at, &said, retain, dup),
            Heard::Nothing => {}
            Heard::Remark(text) => self.remark(text),
        }
    }

    fn said(&mut self, at: Timestamp, said: &[Observation], retain: bool, dup: bool) {
        let setup = self.engine.setup();
        let stranger = said.iter().find(|said| setup.device_of(said).is_none());
        if let Some(stranger) = stranger {
            self.remark(format!(
                "device {:?} of profile {} is not in the registry",
                stranger.device, stranger.profile
            ));
        }
        self.step(at, Stimulus::Said { observations: said, retain, dup, by: None });
    }

    fn observation(&mut self, at: Timestamp, said: &Observation, retain: bool, dup: bool) {
        let mut said = said.clone();
        if said.profile.is_empty() {
            self.identify(&mut said);
        }
        let wall = self.engine.senses().wall(at);
        let unbelievable = |device: &Timestamp| *device - wall > AHEAD_MAX || wall - *device > BEHIND_MAX;
        if said.quality == Quality::Ok && said.at_device.as_ref().is_some_and(unbelievable) {
            said.quality = Quality::SuspectClock;
        }
        self.said(at, &[said], retain, dup);
    }

    /// Whose identity it is; the registry's own id of a device will do, too.
    fn identify(&self, said: &mut Observation) {
        let site = &self.engine.setup().site;
        let by_vendor = site.identities.iter().find(|(_, known)| known.contains_key(&said.device));
        if let Some((profile, _)) = by_vendor {
            said.profile = profile.as_str().into();
        } else if let Some(device) = site.devices.get(said.device.as_str()) {
            (said.profile, said.device) = (device.profile.as_str().into(), device.identity.clone());
        }
    }

    fn act(&mut self, at: Timestamp, officer: &OfficerId, op: &Op, alarm: Option<&AlarmRef>) {
        if !self.engine.setup().site.officers.contains_key(officer) {
            self.remark(format!("there is no officer {officer}"));
            return;
        }
        let found = alarm.map(|alarm| self.find(alarm));
        if found == Some(None) {
            self.remark(format!("{officer} cannot {}: there is no such alarm now", op.name()));
            return;
        }
        let alarm = found.flatten();
        let cid = CommandId::parse(&format!("line-{}", self.line)).expect("a line's number makes an id");
        let input = Input::Command(Command {
            cid: cid.clone(),
            officer: officer.clone(),
            phone: Some(phone_of(officer)),
            alarm: alarm.clone(),
            rev: None,
            op: op.clone(),
        });
        self.input(at, input);
        let answer = self.engine.book().answers.get(&cid).map(|(_, answer)| answer.clone());
        let refused = answer.as_ref().and_then(|answer| {
            effects::of_answer(&self.engine, &self.ledger, at, alarm.as_ref(), officer, answer)
        });
        if let Some(effect) = refused {
            let text = format!("{officer} cannot {}: {}", op.name(), effect.refused.unwrap_or_default());
            self.remarks.push(Remark { line: self.line, text, refusal: true });
            self.effects.push(effect);
        }
    }

    fn report(&mut self, at: Timestamp, report: &Report, kind: NoteKind, id: Option<&(String, String)>) {
        if let Some(reason) = self.engine.refuses(report) {
            self.remark(format!("the report is refused: {}", reason.text.en));
            return;
        }
        let line = ("scenario".to_owned(), format!("line-{}", self.line));
        let (source, id) = id.cloned().unwrap_or(line);
        let digest = serde_json::to_string(report).unwrap_or_default();
        let digest = wanglou_journal::BlobId::of(digest.as_bytes()).to_string();
        self.input(at, Input::Note(Note { source, id, digest, kind, report: report.clone() }));
    }

    /// Every piece that the line names: by address or hash, or by the number of its alarm.
    fn evidence(&mut self, at: Timestamp, which: &str, event: CustodyEvent, sha256: Option<&String>) {
        let (alarm, number) = which.split_once('/').unwrap_or((which, ""));
        let nth = alarm.strip_prefix('$').and_then(|n| self.ledger.nth(n.parse().ok()?)).cloned();
        let number: Option<usize> = number.parse().ok();
        let is_named = |id: &AlarmId, n: usize, piece: &wanglou_model::Evidence| match &nth {
            Some(nth) => nth == id && number.is_none_or(|number| number == n),
            None => [&piece.uri, &piece.sha256].into_iter().flatten().any(|name| name == which),
        };
        let of = |id: &AlarmId, n: usize, piece: &wanglou_model::Evidence| EvidenceNews {
            alarm: id.clone(),
            number: n,
            event,
            sha256: (event != CustodyEvent::Failed).then(|| {
                let own = || wanglou_journal::BlobId::of(which.as_bytes()).to_string();
                sha256.cloned().or_else(|| piece.sha256.clone()).unwrap_or_else(own)
            }),
            detail: String::new(),
        };
        let mut found = Vec::new();
        for alarm in self.engine.book().alarms.values() {
            let pieces = alarm.evidence.iter().enumerate();
            let named = pieces.filter(|(n, piece)| is_named(&alarm.id, *n, piece));
            found.extend(named.map(|(n, piece)| of(&alarm.id, n, piece)));
        }
        if found.is_empty() {
            self.remark(format!("no alarm has the evidence {which:?}"));
        }
        for news in found {
            self.input(at, Input::Evidence(news));
        }
    }

    fn find(&self, alarm: &AlarmRef) -> Option<AlarmId> {
        match alarm {
            AlarmRef::Nth(n) => self.ledger.nth(*n).cloned(),
            AlarmRef::Of { kind, place } => {
                let open = self.engine.book().open_at(kind.as_str(), place);
                open.max_by_key(|alarm| alarm.raised_at).map(|alarm| alarm.id.clone())
            }
        }
    }

    fn phone_news(&mut self, at: Timestamp, officer: &OfficerId, news: PhoneNews) {
        let delivered = match news {
            PhoneNews::Is(state) => return self.phone(at, officer, state),
            PhoneNews::Stored => Delivered::Stored,
            PhoneNews::Presented => Delivered::Presented,
        };
        let follows = self.engine.book().open_alarms().filter(|alarm| alarm.followers.contains_key(officer));
        let shown: Vec<(AlarmId, u64)> = follows.map(|alarm| (alarm.id.clone(), alarm.rev)).collect();
        for (alarm, rev) in shown {
            self.receipt(at, &alarm, rev, officer, delivered);
        }
    }

    fn channel(&mut self, at: Timestamp, channel: Channel, to: &Recipient, reached: bool, said: CallAnswer) {
        let waiting =
            self.engine.book().effects.iter().filter(|(_, row)| row.channel == channel && row.to == *to);
        let waiting: Vec<String> = waiting.map(|(id, _)| id.clone()).collect();
        let ended = Some(if reached { Ended::Done } else { Ended::Failed });
        for effect in waiting {
            self.input(at, Input::Channel(ChannelNews { effect, ended, detail: String::new() }));
        }
        if let (Channel::Voice, Recipient::Resident(home)) = (channel, to) {
            self.input(at, Input::Call(CallNews { home: home.clone(), answer: said }));
        }
    }
}

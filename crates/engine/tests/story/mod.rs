//! What the rules' tests share: a compound put together by hand, and a story told to the engine. Every step gives
//! back what came out, one line per fact, so that a test can say "this, and then nothing else".

#![allow(dead_code, reason = "each test binary uses a part of it, so an expectation fails in one of them")]
#![expect(unreachable_pub, reason = "a module of test binaries")]

use std::collections::BTreeMap;
use std::sync::Arc;
use wanglou_engine::{Alarm, Engine, RuleSettings, Setup, Stimulus};
use wanglou_model::*;

pub fn place(text: &str) -> PlaceId {
    PlaceId::parse(text).expect("a place")
}

pub fn officer(text: &str) -> OfficerId {
    OfficerId::parse(text).expect("an officer")
}

pub fn device(text: &str) -> DeviceId {
    DeviceId::parse(text).expect("a device")
}

/// 2026-03-02 09:00 in Shanghai, a Monday, plus so many seconds.
pub fn at(seconds: impl Into<f64>) -> Timestamp {
    Timestamp(1_772_413_200_000_000) + Span((seconds.into() * 1e6).round() as i64)
}

/// A compound without anything in it.
pub fn empty_site() -> Site {
    Site {
        id: SiteId::parse("test").expect("a site"),
        name: Text::default(),
        zone: "Asia/Shanghai".into(),
        places: BTreeMap::new(),
        identities: BTreeMap::new(),
        devices: BTreeMap::new(),
        officers: BTreeMap::new(),
        rota: Rota::default(),
        homes: BTreeMap::new(),
    }
}

/// Adds a place, and those around it that are missing.
pub fn add_place(site: &mut Site, id: &str, kind: PlaceKind) {
    let id = place(id);
    if let Some(outer) = id.parent().filter(|outer| !site.places.contains_key(outer)) {
        add_place(site, outer.as_str(), PlaceKind::Other);
    }
    site.places.insert(id, Place::plain(kind));
}

/// Adds a device of the canonical profile, whose identity is its id.
pub fn add_device(site: &mut Site, id: &str, at: &str, purpose: Purpose, change: impl FnOnce(&mut Device)) {
    let mut added = Device::plain("wanglou", id, place(at), purpose);
    change(&mut added);
    site.identities.entry("wanglou".into()).or_default().insert(id.to_owned(), device(id));
    site.devices.insert(device(id), Arc::new(added));
}

/// Adds somebody who is always on duty, everywhere.
pub fn add_officer(site: &mut Site, id: &str, role: Role) {
    let added = Officer { always_on_duty: true, ..Officer::plain(role) };
    site.officers.insert(officer(id), added);
}

/// One of each who is told of an alarm: guard wu, grid worker zhao, control room li, manager qian, officer sun.
pub fn add_team(site: &mut Site) {
    for (id, role) in [
        ("wu", Role::Guard),
        ("zhao", Role::GridWorker),
        ("li", Role::ControlRoom),
        ("qian", Role::Manager),
        ("sun", Role::Officer),
    ] {
        add_officer(site, id, role);
    }
}

pub fn setup(site: Site, rules: RuleSettings) -> Arc<Setup> {
    Arc::new(Setup::new(site, rules, "c0".into(), vec![]).expect("a good zone"))
}

pub fn engine(site: Site, rules: RuleSettings) -> Engine {
    Engine::new(setup(site, rules))
}

pub fn observation(device: &str, reading: Reading) -> Observation {
    Observation::plain("wanglou", device, reading)
}

/// One input, as it was fed.
#[derive(Debug, Clone)]
pub enum Fed {
    Said { observations: Vec<Observation>, retain: bool, dup: bool, by: Option<Way> },
    Input(Input),
}

impl Fed {
    pub fn said(observations: Vec<Observation>) -> Self {
        Fed::Said { observations, retain: false, dup: false, by: None }
    }

    /// Kept by the broker.
    pub fn retained(observations: Vec<Observation>) -> Self {
        Fed::Said { observations, retain: true, dup: false, by: None }
    }

    pub fn stimulus(&self) -> Stimulus<'_> {
        match self {
            Fed::Said { observations, retain, dup, by } => {
                Stimulus::Said { observations, retain: *retain, dup: *dup, by: *by }
            }
            Fed::Input(input) => Stimulus::Input(input),
        }
    }
}

/// A story: what went in with its facts, so that it can be replayed.
pub struct Story {
    pub engine: Engine,
    pub log: Vec<(Timestamp, Fed, Vec<Fact>)>,
    commands: u32,
}

impl Story {
    /// Everybody's phone is online.
    pub fn begin(site: Site, rules: RuleSettings) -> Self {
        Self::told_to(engine(site, rules), at(-60))
    }

    /// The same, told to an engine that was set up otherwise, from another time on.
    pub fn told_to(engine: Engine, begin: Timestamp) -> Self {
        let mut story = Self { engine, log: vec![], commands: 0 };
        let officers: Vec<OfficerId> = story.engine.setup().site.officers.keys().cloned().collect();
        for officer in officers {
            let phone = PhoneId::parse(&format!("phone-{officer}")).expect("a phone");
            let news = PhoneNews { officer, phone, state: PhoneState::Online };
            story.feed(begin, Fed::Input(Input::Phone(news)));
        }
        story
    }

    /// Fires what is due until then, and feeds.
    pub fn feed(&mut self, at: Timestamp, fed: Fed) -> Vec<Fact> {
        let mut all = Vec::new();
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= at) {
            all.extend(self.one(due.max(self.engine.senses().at), Fed::Input(Input::Tick)));
        }
        all.extend(self.one(at, fed));
        all
    }

    /// Feeds without firing what is due.
    pub fn one(&mut self, at: Timestamp, fed: Fed) -> Vec<Fact> {
        let facts = self.engine.step(at, fed.stimulus());
        self.log.push((at, fed, facts.clone()));
        facts
    }

    pub fn input(&mut self, seconds: impl Into<f64>, input: Input) -> Vec<String> {
        told(&self.feed(at(seconds), Fed::Input(input)))
    }

    /// A device says something, without a time and without an id.
    pub fn say(&mut self, seconds: impl Into<f64>, device: &str, reading: Reading) -> Vec<String> {
        self.observe(seconds, observation(device, reading))
    }

    pub fn observe(&mut self, seconds: impl Into<f64>, observation: Observation) -> Vec<String> {
        told(&self.feed(at(seconds), Fed::said(vec![observation])))
    }

    /// Time passes.
    pub fn pass(&mut self, seconds: impl Into<f64>) -> Vec<String> {
        self.input(seconds, Input::Tick)
    }

    pub fn command(&mut self, seconds: impl Into<f64>, who: &str, alarm: &AlarmId, op: Op) -> Vec<String> {
        self.commands += 1;
        let cid = CommandId::parse(&format!("c{}", self.commands)).expect("an id");
        let (officer, alarm) = (officer(who), Some(alarm.clone()));
        self.input(seconds, Input::Command(Command { cid, officer, phone: None, alarm, rev: None, op }))
    }

    /// A command about no alarm: an entry, a report.
    pub fn enter(&mut self, seconds: impl Into<f64>, who: &str, op: Op) -> Vec<String> {
        self.commands += 1;
        let cid = CommandId::parse(&format!("c{}", self.commands)).expect("an id");
        let officer = officer(who);
        self.input(seconds, Input::Command(Command { cid, officer, phone: None, alarm: None, rev: None, op }))
    }

    /// Every alarm, in the order in which they were raised.
    pub fn alarms(&self) -> Vec<&Alarm> {
        let mut alarms: Vec<&Alarm> = self.engine.book().alarms.values().collect();
        alarms.sort_by_key(|alarm| (alarm.raised_at, alarm.id.clone()));
        alarms
    }

    pub fn only_alarm(&self) -> &Alarm {
        let alarms = self.alarms();
        assert_eq!(alarms.len(), 1, "exactly one alarm: {alarms:#?}");
        alarms[0]
    }

    /// Recovery: what went in is observed, the facts are applied as written. The book must be the same, whatever
    /// the rules of today would decide.
    pub fn replays_the_same_under(&self, rules: RuleSettings) {
        let mut recovered = engine(self.engine.setup().site.clone(), rules);
        for (at, fed, facts) in &self.log {
            recovered.replay(*at, fed.stimulus(), facts);
        }
        let (then, now) = (self.engine.book(), recovered.book());
        assert_eq!(now.alarms, then.alarms);
        assert_eq!(now.outboxes, then.outboxes);
        assert_eq!(now.unhealthy, then.unhealthy);
    }

    /// Deciding again on the same inputs gives the same facts, and the same state byte for byte.
    pub fn decides_the_same_again(&self) {
        let mut again = Engine::new(Arc::clone(self.engine.setup()));
        for (at, fed, facts) in &self.log {
            assert_eq!(again.step(*at, fed.stimulus()), *facts, "at {at:?}");
        }
        assert_eq!(again.snapshot().expect("a snapshot"), self.engine.snapshot().expect("a snapshot"));
    }

    /// A snapshot taken now, restored.
    pub fn restored(&self) -> Engine {
        let bytes = self.engine.snapshot().expect("a snapshot");
        let restored = Engine::restore(Arc::clone(self.engine.setup()), &bytes).expect("restores");
        assert_eq!(restored.snapshot().expect("a snapshot"), bytes);
        assert_eq!(restored.next_deadline(), self.engine.next_deadline());
        restored
    }

    /// Goes on from a snapshot of now.
    pub fn restart_from_snapshot(&mut self) {
        self.engine = self.restored();
    }
}

/// One line per fact. What follows mechanically (revisions, receipts, answers that went well) is left out.
pub fn told(facts: &[Fact]) -> Vec<String> {
    facts.iter().filter_map(line).collect()
}

fn line(fact: &Fact) -> Option<String> {
    let names = |told: &[Told]| {
        let name = |told: &Told| match told.unreached {
            None => told.officer.to_string(),
            Some(_) => format!("{}?", told.officer),
        };
        told.iter().map(name).collect::<Vec<_>>().join(" ")
    };
    Some(match fact {
        Fact::Raised(raised) => {
            let stage = raised.stage.as_deref().map(|stage| format!(" {stage}")).unwrap_or_default();
            let mark = raised.mark.map(|mark| format!(" {mark:?}")).unwrap_or_default();
            format!("raise {} {} {}{stage}{mark}", raised.kind, raised.priority, raised.place)
        }
        Fact::Repeated { count, .. } => format!("repeat +{count}"),
        Fact::Upgraded { priority, reason, .. } => format!("upgrade {priority} {}", reason.code),
        Fact::Reopened { why, .. } => format!("reopen {why:?}"),
        Fact::Staged { stage, .. } => format!("stage {stage}"),
        Fact::Marked { mark, .. } => format!("mark {mark:?}"),
        Fact::Cleared { reason, .. } => format!("clear {}", reason.code),
        Fact::Rung { told, ring: true, .. } => format!("ring {}", names(told)).trim_end().to_owned(),
        Fact::Rung { told, ring: false, .. } => format!("show {}", names(told)).trim_end().to_owned(),
        Fact::Reminded { to, reason, .. } => {
            let to: Vec<_> = to.iter().map(OfficerId::as_str).collect();
            format!("remind {} {}", to.join(" "), reason.code)
        }
        Fact::Accepted { by, .. } => format!("accepted {by}"),
        Fact::Undone { by, .. } => format!("undone {by}"),
        Fact::Declined { by, .. } => format!("declined {by}"),
        Fact::EnRoute { by, .. } => format!("en_route {by}"),
        Fact::Arrived { by, .. } => format!("arrived {by}"),
        Fact::Noted { by, .. } => format!("noted {by}"),
        Fact::Resolved { outcome, .. } => format!("resolved {}", outcome.name()),
        Fact::Closed { outcome, reason, .. } => format!("close {} {}", outcome.name(), reason.code),
        Fact::Answered { answer: Answer::Ok { .. }, .. } => return None,
        Fact::Answered { answer, .. } => format!("answer {answer:?}"),
        Fact::EffectQueued { to, channel, .. } => format!("queue {} {to:?}", channel.name()),
        Fact::Suppressed { reason, .. } => format!("suppress {}", reason.code),
        Fact::Health { device, ok, reason } => {
            let whose = device.as_ref().map_or("path", DeviceId::as_str);
            format!("health {whose} {} {}", if *ok { "ok" } else { "bad" }, reason.code)
        }
        Fact::Watched { stage, place, .. } => format!("watch {stage} {place}"),
        Fact::Withdrawn { from, .. } => {
            let names: Vec<_> = from.iter().map(|row| row.officer.as_str()).collect();
            format!("gone {}", names.join(" "))
        }
        Fact::Custody { event, .. } => format!("custody {}", event.name()),
        Fact::Erased { .. } => "erased".to_owned(),
        Fact::Noticed { id, .. } => format!("noticed {id}"),
        Fact::Detailed { .. }
        | Fact::Published { .. }
        | Fact::Delivered { .. }
        | Fact::EffectStarted { .. }
        | Fact::EffectEnded { .. }
        | Fact::Armed { .. }
        | Fact::Away { .. }
        | Fact::Consent { .. }
        | Fact::Permit(_)
        | Fact::Entered(_)
        | Fact::Commanded(_)
        | Fact::Transferred { .. }
        | Fact::Shelved { .. }
        | Fact::Again { .. }
        | Fact::CommandNews { .. }
        | Fact::Canary(_)
        | Fact::Forgotten { .. } => return None,
    })
}

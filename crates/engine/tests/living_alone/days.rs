//! Two homes behind one hub, everybody who is called about them, and a story told to the engine by day and hour.

use crate::story::{
    Fed, add_device, add_officer, add_place, device, empty_site, observation, officer, place,
};
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use wanglou_engine::{Alarm, Engine, RuleSettings, Setup};
use wanglou_model::*;

pub(crate) const HOME: &str = "3/1203";

pub(crate) const PEOPLE: [(&str, Role); 8] = [
    ("anna", Role::Family),
    ("chen", Role::Officer),
    ("he", Role::Manager),
    ("kong", Role::ControlRoom),
    ("lou", Role::Captain),
    ("suo", Role::Station),
    ("wu", Role::Guard),
    ("zhang", Role::GridWorker),
];

/// Two homes of one building behind one hub; the first has two doors when asked for.
pub(crate) fn site(high_risk: bool, doors: usize) -> Site {
    let home = |high_risk| Home {
        high_risk,
        night_exit: false,
        consent: true,
        family: vec![officer("anna")],
        telephone: true,
    };
    let mut site = empty_site();
    add_place(&mut site, "3", PlaceKind::Building);
    for (id, high_risk) in [(HOME, high_risk), ("3/1204", false)] {
        add_place(&mut site, id, PlaceKind::Home);
        site.homes.insert(place(id), home(high_risk));
    }
    let mut add = |id: &str, at: &str, purpose| {
        add_device(&mut site, id, at, purpose, |added| {
            added.interval = (purpose == Purpose::HomeDoor).then_some(Span::hours(1));
            added.hub = (purpose != Purpose::Hub).then(|| device("hub"));
        });
    };
    add("door", HOME, Purpose::HomeDoor);
    add("motion", HOME, Purpose::HomeMotion);
    add("other-door", "3/1204", Purpose::HomeDoor);
    add("hub", "3", Purpose::Hub);
    if doors == 2 {
        add("back-door", HOME, Purpose::HomeDoor);
    }
    for (id, role) in PEOPLE {
        add_officer(&mut site, id, role);
    }
    site
}

pub(crate) fn setup(high_risk: bool, doors: usize) -> Arc<Setup> {
    let rules = RuleSettings::default();
    let channels = vec![Channel::Voice];
    Arc::new(Setup::new(site(high_risk, doors), rules, "c0".into(), channels).expect("a good zone"))
}

/// Day 0 is Monday 2026-03-02, Shanghai time.
pub(crate) fn at(day: i64, hour: i64, minute: i64) -> Timestamp {
    let monday = Timestamp(1_772_380_800_000_000);
    monday + Span::hours(day * 24 + hour) + Span::mins(minute)
}

/// A story told by day and hour, of a home whose door sensors report every hour.
pub(crate) struct Story {
    story: crate::story::Story,
    /// Whose door sensor sends its state every hour.
    pub(crate) beating: Vec<&'static str>,
    pub(crate) open: bool,
}

impl Deref for Story {
    type Target = crate::story::Story;

    fn deref(&self) -> &Self::Target {
        &self.story
    }
}

impl DerefMut for Story {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.story
    }
}

impl Story {
    pub(crate) fn new(setup: Arc<Setup>) -> Self {
        let story = crate::story::Story::told_to(Engine::new(setup), at(0, 0, 0));
        Self { story, beating: vec!["door", "other-door"], open: false }
    }

    /// The door was last opened and shut on Monday at nine; both sensors report every hour.
    pub(crate) fn quiet_since_nine(setup: Arc<Setup>) -> Self {
        let mut story = Self::new(setup);
        story.beat_until(at(0, 8, 0));
        story.contact(at(0, 8, 59), true);
        story.contact(at(0, 9, 0), false);
        story
    }

    pub(crate) fn pass(&mut self, now: Timestamp) {
        self.feed(now, Fed::Input(Input::Tick));
    }

    pub(crate) fn says(&mut self, now: Timestamp, device: &str, reading: Reading) {
        self.feed(now, Fed::said(vec![observation(device, reading)]));
    }

    pub(crate) fn contact(&mut self, now: Timestamp, open: bool) {
        self.open = open;
        self.says(now, "door", contact(open));
    }

    /// Hourly reports of the sensors that still work, up to and with `until`.
    pub(crate) fn beat_until(&mut self, until: Timestamp) {
        let hour = Span::hours(1).0;
        let first = self.log.last().map_or(0, |(now, _, _)| now.0 / hour + 1);
        for n in first..=until.0 / hour {
            for device in self.beating.clone() {
                let open = self.open && device == "door";
                // The neighbours are out and about.
                let opens = (device == "other-door").then_some(n as u64);
                self.says(Timestamp(n * hour), device, Reading::Contact { open: Some(open), opens });
            }
        }
        self.pass(until);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    pub(crate) fn command(&mut self, now: Timestamp, who: &str, alarm: &AlarmId, op: Op) -> Answer {
        let cid = CommandId::parse(&format!("c{}{who}{}", now.0, op.name())).expect("an id");
        let command =
            Command { cid, officer: officer(who), phone: None, alarm: Some(alarm.clone()), rev: None, op };
        self.feed(now, Fed::Input(Input::Command(command)));
        let (_, _, facts) = self.log.last().expect("was fed");
        let answer = facts.iter().find_map(|fact| match fact {
            Fact::Answered { answer, .. } => Some(answer.clone()),
            _ => None,
        });
        answer.expect("every command is answered")
    }

    pub(crate) fn answers(&mut self, now: Timestamp, answer: CallAnswer) {
        self.feed(now, Fed::Input(Input::Call(CallNews { home: place(HOME), answer })));
    }

    pub(crate) fn path(&mut self, now: Timestamp, state: PathState) {
        self.feed(now, Fed::Input(Input::Path(PathNews { lane: "alarm".into(), state })));
    }

    pub(crate) fn start(&mut self, now: Timestamp) {
        let input = serde_json::from_value(serde_json::json!({"input": "start", "version": "test"}));
        // A gateway that was off fires its deadlines after the start, not before.
        self.one(now, Fed::Input(input.expect("an input")));
    }

    pub(crate) fn of(&self, kind: &str, key: &str) -> Vec<&Alarm> {
        let book = self.engine.book();
        let mut found: Vec<&Alarm> = book
            .alarms
            .values()
            .filter(|alarm| alarm.kind.as_str() == kind && alarm.key.starts_with(key))
            .collect();
        found.sort_by_key(|alarm| alarm.raised_at);
        found
    }

    pub(crate) fn only(&self, kind: &str, key: &str) -> &Alarm {
        match self.of(kind, key)[..] {
            [alarm] => alarm,
            ref found => panic!("{} of {kind} {key}: {:?}", found.len(), self.engine.book().alarms.keys()),
        }
    }

    /// When alarms were raised, those that are over and forgotten too.
    pub(crate) fn raised(&self, kind: &str, key: &str) -> Vec<Timestamp> {
        let is = |fact: &&Fact| matches!(fact, Fact::Raised(raised) if raised.kind.as_str() == kind && raised.key.starts_with(key));
        self.log.iter().flat_map(|(now, _, facts)| facts.iter().filter(is).map(|_| *now)).collect()
    }

    pub(crate) fn calls(&self) -> Vec<Timestamp> {
        self.raised("living_alone", "inactive:")
    }

    pub(crate) fn id(&self) -> AlarmId {
        self.only("living_alone", "inactive:").id.clone()
    }

    /// Everything that the facts say about stages: when, which, whom it told, and with what priority after it.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    pub(crate) fn stages(&self) -> Vec<(Timestamp, String)> {
        let mut stages = Vec::new();
        for (now, _, facts) in &self.log {
            for fact in facts {
                match fact {
                    Fact::Watched { stage, .. } | Fact::Staged { stage, .. } => {
                        stages.push((*now, stage.clone()));
                    }
                    _ => {}
                }
            }
        }
        stages
    }

    /// Whom the rungs told, and whether their telephones rang.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    pub(crate) fn told_at(&self, when: Timestamp) -> Vec<(String, bool)> {
        let facts = self.log.iter().filter(|(now, _, _)| *now == when).flat_map(|(_, _, facts)| facts);
        let told = facts.filter_map(|fact| match fact {
            Fact::Rung { told, ring, .. } => Some(told.iter().map(|told| (told.officer.to_string(), *ring))),
            _ => None,
        });
        told.flatten().collect()
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    pub(crate) fn rang_at(&self, when: Timestamp) -> BTreeSet<String> {
        let facts = self.log.iter().filter(|(now, _, _)| *now == when).flat_map(|(_, _, facts)| facts);
        let rows = facts.filter_map(|fact| match fact {
            Fact::Published { to, .. } => Some(to),
            _ => None,
        });
        rows.flatten().filter(|row| row.ring).map(|row| row.officer.to_string()).collect()
    }

    /// Recovery comes to the same state, without deciding.
    pub(crate) fn recovers(&self) {
        let mut recovered = Engine::new(Arc::clone(self.engine.setup()));
        for (now, fed, facts) in &self.log {
            recovered.replay(*now, fed.stimulus(), facts);
        }
        let kept = |engine: &Engine| engine.snapshot().expect("a snapshot");
        assert!(kept(&recovered) == kept(&self.engine), "another state");
    }
}

pub(crate) fn contact(open: bool) -> Reading {
    Reading::Contact { open: Some(open), opens: None }
}

pub(crate) fn plain(high_risk: bool) -> Story {
    Story::quiet_since_nine(setup(high_risk, 1))
}

pub(crate) fn resolve(outcome: Outcome) -> Op {
    Op::Resolve { outcome, note: String::new(), photos: vec![] }
}

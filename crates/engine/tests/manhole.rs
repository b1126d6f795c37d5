//! The manhole rule through the engine's public face: what goes in, what comes out, and that recovery decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wanglou_engine::{Engine, RuleSettings, Setup, Stimulus};
use wanglou_model::*;

fn place(text: &str) -> PlaceId {
    PlaceId::parse(text).expect("a place")
}

fn officer(text: &str) -> OfficerId {
    OfficerId::parse(text).expect("an officer")
}

fn site() -> Site {
    let cover = Device {
        profile: "wanglou".into(),
        identity: "cover-17".into(),
        place: place("cover/17"),
        purpose: Purpose::Cover,
        model: String::new(),
        interval: Some(Span::hours(24)),
        hub: None,
        streaming: false,
        debounced: false,
        follow_up: None,
        columns: None,
        hold_wired: false,
    };
    let id = DeviceId::parse("cover-17").expect("a device");
    let named = |kind| Place { kind, name: Text::default(), grid: None, zone: None, footpath: false };
    let person = |role| Officer {
        roles: BTreeSet::from([role]),
        grids: BTreeSet::new(),
        places: BTreeSet::new(),
        always_on_duty: true,
        telephone: false,
        webhook: false,
        admin: false,
    };
    Site {
        id: SiteId::parse("test").expect("a site"),
        name: Text::default(),
        zone: "Asia/Shanghai".into(),
        places: BTreeMap::from([
            (place("cover"), named(PlaceKind::Zone)),
            (place("cover/17"), named(PlaceKind::Cover)),
        ]),
        identities: BTreeMap::from([(
            "wanglou".into(),
            BTreeMap::from([("cover-17".to_owned(), id.clone())]),
        )]),
        devices: BTreeMap::from([(id, cover)]),
        officers: BTreeMap::from([
            (officer("wu"), person(Role::Guard)),
            (officer("li"), person(Role::ControlRoom)),
        ]),
        rota: Rota::default(),
        homes: BTreeMap::new(),
    }
}

fn engine(rules: RuleSettings) -> Engine {
    Engine::new(Arc::new(Setup::new(site(), rules, "c0".into(), vec![]).expect("a good zone")))
}

/// 2026-03-02 09:00 in Shanghai, plus so many seconds.
fn at(seconds: i64) -> Timestamp {
    Timestamp(1_772_413_200_000_000) + Span::secs(seconds)
}

fn tilt(deg: f64) -> Vec<Observation> {
    let reading = Reading::Cover { tilt_deg: Some(deg), moved: None, open: None };
    vec![Observation {
        device: "cover-17".into(),
        reading,
        at_device: None,
        quality: Quality::Ok,
        event: None,
        sequence: None,
        evidence: vec![],
        profile: "wanglou".into(),
    }]
}

fn said(observations: &[Observation]) -> Stimulus<'_> {
    Stimulus::Said { observations, retain: false, dup: false }
}

/// A run: what went in with its facts, so that it can be replayed.
struct Run {
    engine: Engine,
    log: Vec<(Timestamp, Fed, Vec<Fact>)>,
}

enum Fed {
    Said(Vec<Observation>),
    Input(Input),
}

impl Fed {
    fn stimulus(&self) -> Stimulus<'_> {
        match self {
            Fed::Said(observations) => said(observations),
            Fed::Input(input) => Stimulus::Input(input),
        }
    }
}

impl Run {
    fn new() -> Self {
        let mut run = Self { engine: engine(RuleSettings::default()), log: vec![] };
        for (who, phone) in [("wu", "d1"), ("li", "d2")] {
            let phone = PhoneId::parse(phone).expect("a phone");
            run.feed(
                at(-60),
                Fed::Input(Input::Phone(PhoneNews {
                    officer: officer(who),
                    phone,
                    state: PhoneState::Online,
                })),
            );
        }
        run
    }

    fn feed(&mut self, at: Timestamp, fed: Fed) -> Vec<Fact> {
        let mut all = Vec::new();
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= at) {
            all.extend(self.one(due, Fed::Input(Input::Tick)));
        }
        all.extend(self.one(at, fed));
        all
    }

    fn one(&mut self, at: Timestamp, fed: Fed) -> Vec<Fact> {
        let facts = self.engine.step(at, fed.stimulus());
        self.log.push((at, fed, facts.clone()));
        facts
    }

    fn tilt(&mut self, seconds: i64, deg: f64) -> Vec<Fact> {
        self.feed(at(seconds), Fed::Said(tilt(deg)))
    }

    fn pass(&mut self, seconds: i64) -> Vec<Fact> {
        self.feed(at(seconds), Fed::Input(Input::Tick))
    }

    fn command(&mut self, seconds: i64, who: &str, alarm: &AlarmId, op: Op) -> Vec<Fact> {
        let cid = CommandId::parse(&format!("c{seconds}{who}")).expect("an id");
        let command =
            Command { cid, officer: officer(who), phone: None, alarm: Some(alarm.clone()), rev: None, op };
        self.feed(at(seconds), Fed::Input(Input::Command(command)))
    }

    fn only_alarm(&self) -> &wanglou_engine::Alarm {
        let mut alarms = self.engine.book().alarms.values();
        let first = alarms.next().expect("an alarm");
        assert!(alarms.next().is_none(), "exactly one");
        first
    }
}

#[test]
fn a_truck_that_shakes_the_cover_is_no_alarm() {
    let mut run = Run::new();
    run.tilt(0, 40.0);
    run.tilt(1, 0.0);
    let facts = run.pass(3600);
    assert_eq!(facts, vec![]);
    assert!(run.engine.book().alarms.is_empty());
}

#[test]
fn a_tilt_that_stands_for_thirty_seconds_is_told_to_the_guard() {
    let mut run = Run::new();
    run.tilt(0, 22.0);
    assert_eq!(run.pass(29), vec![]);
    let facts = run.pass(30);
    let told = facts.iter().find_map(|fact| match fact {
        Fact::Rung { told, ring: true, .. } => {
            Some(told.iter().map(|told| told.officer.to_string()).collect::<Vec<_>>())
        }
        _ => None,
    });
    assert_eq!(told, Some(vec!["wu".to_owned()]));
    let alarm = run.only_alarm();
    assert_eq!((alarm.priority, alarm.raised_at, alarm.first_at), (Priority::P2, at(30), at(0)));
    assert_eq!(run.engine.book().outboxes[&officer("wu")].head, 1);
}

#[test]
fn an_unaccepted_alarm_climbs_and_repeats_and_an_accepted_one_rests() {
    let mut run = Run::new();
    run.tilt(0, 22.0);
    let rungs = |facts: &[Fact]| -> Vec<usize> {
        facts
            .iter()
            .filter_map(|fact| if let Fact::Rung { rung, .. } = fact { Some(*rung) } else { None })
            .collect()
    };
    assert_eq!(rungs(&run.pass(30)), vec![0]);
    // There is no backup on duty, so that rung is skipped at once.
    assert_eq!(rungs(&run.pass(209)), Vec::<usize>::new());
    assert_eq!(rungs(&run.pass(210)), vec![1, 2]);
    let id = run.only_alarm().id.clone();
    run.command(300, "wu", &id, Op::Accept { eta_s: None });
    assert_eq!(rungs(&run.pass(30 + 540)), Vec::<usize>::new());
    // Not on scene ten minutes after accepting: the next rung.
    let facts = run.pass(900);
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Reopened { why: Reopening::NotOnScene, .. })));
    assert!(run.only_alarm().is_unaccepted());
}

#[test]
fn two_people_cannot_have_the_same_alarm_and_a_command_is_answered_once() {
    let mut run = Run::new();
    run.tilt(0, 22.0);
    run.pass(30);
    let id = run.only_alarm().id.clone();
    run.command(40, "wu", &id, Op::Accept { eta_s: None });
    let facts = run.command(41, "li", &id, Op::Accept { eta_s: None });
    let answers: Vec<_> = facts
        .iter()
        .filter_map(|fact| if let Fact::Answered { answer, .. } = fact { Some(answer.clone()) } else { None })
        .collect();
    assert_eq!(answers, vec![Answer::Taken { by: officer("wu") }]);
    let again = run.command(41, "li", &id, Op::Accept { eta_s: None });
    assert_eq!(again, vec![], "the same cid is not decided on twice");
}

#[test]
fn chatter_around_the_threshold_is_one_alarm_and_it_ends_when_closed_and_a_person_says_so() {
    let mut run = Run::new();
    run.tilt(0, 16.0);
    run.pass(31);
    for n in 0..20 {
        run.tilt(40 + n * 5, if n % 2 == 0 { 12.0 } else { 16.0 });
    }
    run.pass(300);
    let id = run.only_alarm().id.clone();
    run.command(301, "wu", &id, Op::Guard { photos: vec!["p1".into()] });
    assert_eq!(run.only_alarm().stage.as_deref(), Some("guarded"));
    run.command(310, "wu", &id, Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] });
    assert!(run.only_alarm().is_open(), "the cover still stands open");
    run.tilt(400, 1.0);
    let facts = run.pass(1000);
    assert!(facts.iter().any(|fact| matches!(fact, Fact::Closed { outcome: Outcome::Real, .. })));
}

#[test]
fn recovery_applies_what_was_written_and_decides_nothing() {
    let mut run = Run::new();
    run.tilt(0, 22.0);
    run.pass(30);
    let id = run.only_alarm().id.clone();
    run.command(45, "wu", &id, Op::Accept { eta_s: Some(120) });
    run.tilt(50, 70.0);
    run.pass(700);
    // With the same rules, and with rules that would never have raised anything.
    let blind = RuleSettings {
        manhole: wanglou_engine::ManholeSettings {
            open_deg: 89.0,
            wide_open_deg: 89.5,
            ..Default::default()
        },
    };
    for rules in [RuleSettings::default(), blind] {
        let mut recovered = engine(rules);
        for (at, fed, facts) in &run.log {
            recovered.replay(*at, fed.stimulus(), facts);
        }
        assert_eq!(recovered.book().alarms, run.engine.book().alarms);
        assert_eq!(recovered.book().outboxes, run.engine.book().outboxes);
    }
}

#[test]
fn a_snapshot_goes_on_as_if_nothing_had_happened() {
    let mut run = Run::new();
    run.tilt(0, 22.0);
    run.pass(45);
    let bytes = run.engine.snapshot().expect("a snapshot");
    let mut restored = Engine::restore(Arc::clone(run.engine.setup()), &bytes).expect("restores");
    assert_eq!(restored.next_deadline(), run.engine.next_deadline());
    let tick = Input::Tick;
    assert_eq!(
        restored.step(at(210), Stimulus::Input(&tick)),
        run.engine.step(at(210), Stimulus::Input(&tick))
    );
    assert_eq!(restored.snapshot().expect("a snapshot"), run.engine.snapshot().expect("a snapshot"));
}

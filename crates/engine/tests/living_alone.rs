//! The living-alone rule through the engine's public face: the scenarios of the alarm rules, §3, and that neither a
//! restart nor a dead sensor is ever mistaken for a silent person.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wanglou_engine::{Alarm, Engine, RuleSettings, Setup, Stimulus};
use wanglou_model::*;

const HOME: &str = "3/1203";

fn place(text: &str) -> PlaceId {
    PlaceId::parse(text).expect("a place")
}

fn officer(text: &str) -> OfficerId {
    OfficerId::parse(text).expect("an officer")
}

fn device_id(text: &str) -> DeviceId {
    DeviceId::parse(text).expect("a device")
}

fn device(id: &str, at: &str, purpose: Purpose, hub: Option<&str>) -> (DeviceId, Device) {
    let interval = (purpose == Purpose::HomeDoor).then_some(Span::hours(1));
    let hub = hub.map(device_id);
    (device_id(id), Device { interval, hub, ..Device::plain("wanglou", id, place(at), purpose) })
}

fn person(role: Role) -> Officer {
    Officer { always_on_duty: true, ..Officer::plain(role) }
}

const PEOPLE: [(&str, Role); 8] = [
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
fn site(high_risk: bool, doors: usize) -> Site {
    let home = |high_risk| Home {
        high_risk,
        night_exit: false,
        consent: true,
        family: vec![officer("anna")],
        telephone: true,
    };
    let mut devices = BTreeMap::from([
        device("door", HOME, Purpose::HomeDoor, Some("hub")),
        device("motion", HOME, Purpose::HomeMotion, Some("hub")),
        device("other-door", "3/1204", Purpose::HomeDoor, Some("hub")),
        device("hub", "3", Purpose::Hub, None),
    ]);
    if doors == 2 {
        devices.extend([device("back-door", HOME, Purpose::HomeDoor, Some("hub"))]);
    }
    let identities = devices.keys().map(|id| (id.to_string(), id.clone())).collect();
    Site {
        id: SiteId::parse("test").expect("a site"),
        name: Text::default(),
        zone: "Asia/Shanghai".into(),
        places: BTreeMap::from([
            (place("3"), Place::plain(PlaceKind::Building)),
            (place(HOME), Place::plain(PlaceKind::Home)),
            (place("3/1204"), Place::plain(PlaceKind::Home)),
        ]),
        devices: devices.into_iter().map(|(id, device)| (id, Arc::new(device))).collect(),
        identities: BTreeMap::from([("wanglou".to_owned(), identities)]),
        officers: PEOPLE.iter().map(|(id, role)| (officer(id), person(*role))).collect(),
        rota: Rota::default(),
        homes: BTreeMap::from([(place(HOME), home(high_risk)), (place("3/1204"), home(false))]),
    }
}

fn setup(high_risk: bool, doors: usize) -> Arc<Setup> {
    let rules = RuleSettings::default();
    let channels = vec![Channel::Voice];
    Arc::new(Setup::new(site(high_risk, doors), rules, "c0".into(), channels).expect("a good zone"))
}

/// Day 0 is Monday 2026-03-02, Shanghai time.
fn at(day: i64, hour: i64, minute: i64) -> Timestamp {
    let monday = Timestamp(1_772_380_800_000_000);
    monday + Span::hours(day * 24 + hour) + Span::mins(minute)
}

enum Fed {
    Said(Vec<Observation>, bool),
    Input(Input),
}

impl Fed {
    fn stimulus(&self) -> Stimulus<'_> {
        match self {
            Fed::Said(observations, retain) => {
                Stimulus::Said { observations, retain: *retain, dup: false, by: None }
            }
            Fed::Input(input) => Stimulus::Input(input),
        }
    }
}

/// A story: what was fed, and what came of it.
struct Story {
    engine: Engine,
    log: Vec<(Timestamp, Fed, Vec<Fact>)>,
    /// Whose door sensor sends its state every hour.
    beating: Vec<&'static str>,
    open: bool,
}

impl Story {
    fn new(setup: Arc<Setup>) -> Self {
        let mut story = Self {
            engine: Engine::new(setup),
            log: vec![],
            beating: vec!["door", "other-door"],
            open: false,
        };
        for (who, _) in PEOPLE {
            let phone = PhoneId::parse(&format!("d-{who}")).expect("a phone");
            let news = PhoneNews { officer: officer(who), phone, state: PhoneState::Online };
            story.feed(at(0, 0, 0), Fed::Input(Input::Phone(news)));
        }
        story
    }

    /// The door was last opened and shut on Monday at nine; both sensors report every hour.
    fn quiet_since_nine(setup: Arc<Setup>) -> Self {
        let mut story = Self::new(setup);
        story.beat_until(at(0, 8, 0));
        story.contact(at(0, 8, 59), true);
        story.contact(at(0, 9, 0), false);
        story
    }

    fn feed(&mut self, now: Timestamp, fed: Fed) {
        while let Some(due) = self.engine.next_deadline().filter(|due| *due <= now) {
            self.one(due, Fed::Input(Input::Tick));
        }
        self.one(now, fed);
    }

    fn one(&mut self, now: Timestamp, fed: Fed) {
        let facts = self.engine.step(now, fed.stimulus());
        self.log.push((now, fed, facts));
    }

    fn pass(&mut self, now: Timestamp) {
        self.feed(now, Fed::Input(Input::Tick));
    }

    fn observation(device: &str, reading: Reading) -> Observation {
        Observation::plain("wanglou", device, reading)
    }

    fn says(&mut self, now: Timestamp, device: &str, reading: Reading) {
        self.feed(now, Fed::Said(vec![Self::observation(device, reading)], false));
    }

    fn contact(&mut self, now: Timestamp, open: bool) {
        self.open = open;
        self.says(now, "door", contact(open));
    }

    /// Hourly reports of the sensors that still work, up to and with `until`.
    fn beat_until(&mut self, until: Timestamp) {
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
    fn command(&mut self, now: Timestamp, who: &str, alarm: &AlarmId, op: Op) -> Answer {
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

    fn answers(&mut self, now: Timestamp, answer: CallAnswer) {
        self.feed(now, Fed::Input(Input::Call(CallNews { home: place(HOME), answer })));
    }

    fn path(&mut self, now: Timestamp, state: PathState) {
        self.feed(now, Fed::Input(Input::Path(PathNews { lane: "alarm".into(), state })));
    }

    fn start(&mut self, now: Timestamp) {
        let input = serde_json::from_value(serde_json::json!({"input": "start", "version": "test"}));
        // A gateway that was off fires its deadlines after the start, not before.
        self.one(now, Fed::Input(input.expect("an input")));
    }

    fn of(&self, kind: &str, key: &str) -> Vec<&Alarm> {
        let book = self.engine.book();
        let mut found: Vec<&Alarm> = book
            .alarms
            .values()
            .filter(|alarm| alarm.kind.as_str() == kind && alarm.key.starts_with(key))
            .collect();
        found.sort_by_key(|alarm| alarm.raised_at);
        found
    }

    fn only(&self, kind: &str, key: &str) -> &Alarm {
        match self.of(kind, key)[..] {
            [alarm] => alarm,
            ref found => panic!("{} of {kind} {key}: {:?}", found.len(), self.engine.book().alarms.keys()),
        }
    }

    /// When alarms were raised, those that are over and forgotten too.
    fn raised(&self, kind: &str, key: &str) -> Vec<Timestamp> {
        let is = |fact: &&Fact| matches!(fact, Fact::Raised(raised) if raised.kind.as_str() == kind && raised.key.starts_with(key));
        self.log.iter().flat_map(|(now, _, facts)| facts.iter().filter(is).map(|_| *now)).collect()
    }

    fn calls(&self) -> Vec<Timestamp> {
        self.raised("living_alone", "inactive:")
    }

    fn id(&self) -> AlarmId {
        self.only("living_alone", "inactive:").id.clone()
    }

    /// Everything that the facts say about stages: when, which, whom it told, and with what priority after it.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn stages(&self) -> Vec<(Timestamp, String)> {
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
    fn told_at(&self, when: Timestamp) -> Vec<(String, bool)> {
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
    fn rang_at(&self, when: Timestamp) -> BTreeSet<String> {
        let facts = self.log.iter().filter(|(now, _, _)| *now == when).flat_map(|(_, _, facts)| facts);
        let rows = facts.filter_map(|fact| match fact {
            Fact::Published { to, .. } => Some(to),
            _ => None,
        });
        rows.flatten().filter(|row| row.ring).map(|row| row.officer.to_string()).collect()
    }

    /// Recovery comes to the same state, without deciding.
    fn recovers(&self) {
        let mut recovered = Engine::new(Arc::clone(self.engine.setup()));
        for (now, fed, facts) in &self.log {
            recovered.replay(*now, fed.stimulus(), facts);
        }
        let kept = |engine: &Engine| engine.snapshot().expect("a snapshot");
        assert!(kept(&recovered) == kept(&self.engine), "another state");
    }
}

fn contact(open: bool) -> Reading {
    Reading::Contact { open: Some(open), opens: None }
}

fn plain(high_risk: bool) -> Story {
    Story::quiet_since_nine(setup(high_risk, 1))
}

fn resolve(outcome: Outcome) -> Op {
    Op::Resolve { outcome, note: String::new(), photos: vec![] }
}

#[test]
fn a_day_after_the_door_last_moved_the_resident_is_called_and_an_answer_ends_it() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    assert_eq!(story.stages(), vec![(at(1, 5, 0), "watch".to_owned())], "watched, silently");
    assert_eq!(story.calls(), vec![at(1, 9, 0)]);
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.priority, alarm.stage.as_deref()), (Priority::P3, Some("call")));
    assert_eq!(story.told_at(at(1, 9, 0)), vec![("kong".to_owned(), false), ("zhang".to_owned(), false)]);
    assert_eq!(story.rang_at(at(1, 9, 0)), BTreeSet::new(), "the resident's telephone, nobody else's");
    let calls = story.engine.book().effects.values().filter(|row| row.channel == Channel::Voice);
    assert_eq!(calls.map(|row| &row.to).collect::<Vec<_>>(), vec![&Recipient::Resident(place(HOME))]);

    story.answers(at(1, 9, 2), CallAnswer::Ok);
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.outcome, alarm.is_open()), (Some(Outcome::Ok), false));
    story.beat_until(at(2, 9, 1));
    assert_eq!(story.calls().len(), 1);
    story.beat_until(at(2, 10, 0));
    assert_eq!(story.calls().last(), Some(&at(2, 9, 2)), "the next day counts from the answer");
    story.recovers();
}

#[test]
fn unanswered_it_goes_to_family_captain_and_police_even_if_the_captain_took_it_and_did_nothing() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    let id = story.id();
    story.answers(at(1, 9, 1), CallAnswer::None);
    story.pass(at(1, 9, 5));
    let calls = story.log.iter().flat_map(|(_, _, facts)| facts);
    let calls = calls.filter(|fact| matches!(fact, Fact::EffectQueued { channel: Channel::Voice, .. }));
    assert_eq!(calls.count(), 2, "called a second time");
    story.pass(at(1, 9, 21));
    assert_eq!(
        story.command(at(1, 9, 21), "lou", &id, Op::Accept { eta_s: None }),
        Answer::Ok { alarm: id.clone() }
    );
    story.pass(at(1, 9, 59));
    assert_eq!(story.rang_at(at(1, 9, 50)), BTreeSet::from(["lou".to_owned()]), "there by now? asked again");
    story.beat_until(at(1, 10, 0));
    let ladder: Vec<_> = story.stages().into_iter().skip(1).collect();
    let expected = [(at(1, 9, 10), "family"), (at(1, 9, 20), "captain"), (at(1, 10, 0), "police")];
    assert_eq!(ladder, expected.map(|(when, stage)| (when, stage.to_owned())));
    let ring = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), true)).collect::<Vec<_>>();
    assert_eq!(story.told_at(at(1, 9, 10)), ring(&["anna"]));
    assert_eq!(story.told_at(at(1, 9, 20)), ring(&["lou", "zhang"]));
    assert_eq!(story.told_at(at(1, 10, 0)), ring(&["chen", "kong", "suo"]));
    let rang = story.rang_at(at(1, 10, 0));
    assert!(
        rang.contains("chen") && rang.contains("suo"),
        "the captain's acceptance keeps nobody silent: {rang:?}"
    );
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.priority, alarm.is_unaccepted()), (Priority::P1, true));
    story.recovers();
}

#[test]
fn the_police_may_take_it_from_the_captain_and_are_asked_for_after_three_quarters_of_an_hour() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    let id = story.id();
    story.command(at(1, 9, 21), "lou", &id, Op::Accept { eta_s: None });
    story.beat_until(at(1, 10, 0));
    assert_eq!(
        story.command(at(1, 10, 1), "chen", &id, Op::Accept { eta_s: None }),
        Answer::Ok { alarm: id.clone() }
    );
    story.pass(at(1, 10, 45));
    assert!(story.told_at(at(1, 10, 5)).is_empty(), "no repeats for what somebody has");
    assert!(!story.only("living_alone", "inactive:").is_unaccepted());
    story.pass(at(1, 10, 46));
    assert!(story.only("living_alone", "inactive:").is_unaccepted());
    assert_eq!(story.told_at(at(1, 10, 46)).len(), 3, "the police rung again, nothing earlier");
    story.recovers();
}

#[test]
fn a_dead_battery_is_a_repair_and_then_a_visit_and_never_inactive() {
    let mut story = plain(false);
    story.beat_until(at(0, 12, 0));
    story.beating.retain(|device| *device != "door");
    story.beat_until(at(0, 19, 59));
    assert!(story.of("device_fault", "").is_empty());
    story.beat_until(at(0, 20, 0));
    let repair = story.only("device_fault", "silent:door");
    assert_eq!((repair.priority, repair.raised_at), (Priority::P3, at(0, 20, 0)));
    assert_eq!(
        story.told_at(at(0, 20, 0)),
        vec![("he".to_owned(), true), ("zhang".to_owned(), true)],
        "who maintains it, no guard and no police"
    );
    story.beat_until(at(1, 7, 59));
    assert!(story.of("living_alone", "").is_empty());
    story.beat_until(at(1, 9, 30));
    let visit = story.only("living_alone", "visit:");
    assert_eq!(
        (visit.priority, visit.raised_at, visit.stage.as_deref()),
        (Priority::P2, at(1, 8, 0), Some("visit"))
    );
    assert!(story.calls().is_empty());

    // They are well; the battery is changed at noon.
    let id = visit.id.clone();
    story.command(at(1, 9, 31), "wu", &id, resolve(Outcome::Ok));
    assert!(!story.only("living_alone", "visit:").is_open());
    story.contact(at(1, 12, 0), false);
    assert!(!story.only("device_fault", "silent:door").is_open(), "heard again: nobody has to say so");
    story.beating.push("door");
    story.beat_until(at(2, 11, 59));
    assert!(story.calls().is_empty());
    story.beat_until(at(2, 12, 0));
    assert_eq!(story.calls(), vec![at(2, 12, 0)], "a day after the sensor came back");
    story.recovers();
}

#[test]
fn a_hub_that_was_down_for_26_hours_gives_one_repair_one_list_and_no_instant_alarm() {
    let mut story = plain(false);
    story.beat_until(at(0, 15, 0));
    let hub = |online| Reading::Availability { online, scope: AvailabilityScope::Hub };
    story.says(at(0, 15, 30), "hub", hub(false));
    story.beating.clear();
    story.pass(at(0, 15, 39));
    assert!(story.of("device_fault", "").is_empty(), "a hub may restart");
    story.pass(at(1, 17, 29));
    assert_eq!(story.only("device_fault", "").raised_at, at(0, 15, 40));
    let list = story.only("living_alone", "visit");
    assert_eq!((list.raised_at, list.key.as_str()), (at(1, 3, 30), "visits:hub"));
    assert_eq!(list.details["homes"], serde_json::json!(["3/1203", "3/1204"]));
    assert!(story.calls().is_empty());

    story.says(at(1, 17, 30), "hub", hub(true));
    story.beating = vec!["door", "other-door"];
    story.beat_until(at(1, 19, 0));
    assert!(story.calls().is_empty(), "no instant alarm");
    assert!(!story.only("device_fault", "").is_open());
    assert!(!story.only("living_alone", "visits:").is_active(), "people end it, the sensors agree");
    // Six hours before the hub went, and from its first message at 18:00 on.
    story.beat_until(at(2, 11, 59));
    assert!(story.calls().is_empty());
    story.beat_until(at(2, 13, 0));
    assert_eq!(story.calls(), vec![at(2, 12, 0)], "twenty-four hours that were seen, no more and no fewer");
    story.recovers();
}

#[test]
fn a_short_loss_of_the_hub_is_not_counted_as_inactivity() {
    let mut story = plain(false);
    story.beat_until(at(1, 2, 0));
    let hub = |online| Reading::Availability { online, scope: AvailabilityScope::Hub };
    story.says(at(1, 2, 0), "hub", hub(false));
    story.beating.clear();
    story.says(at(1, 8, 30), "hub", hub(true));
    story.beating = vec!["door", "other-door"];
    story.beat_until(at(1, 15, 29));
    assert!(story.calls().is_empty());
    story.beat_until(at(1, 16, 0));
    assert_eq!(story.calls(), vec![at(1, 15, 30)]);
    story.recovers();
}

#[test]
fn at_night_the_call_waits_for_seven_unless_the_home_is_one_of_high_risk() {
    for (high_risk, expected) in [(false, at(1, 7, 0)), (true, at(1, 3, 0))] {
        let mut story = Story::new(setup(high_risk, 1));
        story.beat_until(at(0, 2, 0));
        story.contact(at(0, 2, 59), true);
        story.contact(at(0, 3, 0), false);
        story.beat_until(at(1, 8, 0));
        assert_eq!(story.calls(), vec![expected]);
        let family = story.stages().into_iter().find(|(_, stage)| stage == "family").map(|(when, _)| when);
        assert_eq!(family, Some(expected + Span::mins(10)), "counted from when the call was really made");
        story.recovers();
    }
}

#[test]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn a_late_opening_stands_everybody_down_and_counts_from_when_it_was() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 30));
    assert!(story.only("living_alone", "inactive:").is_open());
    let late = Observation { at_device: Some(at(1, 4, 30)), ..Story::observation("door", contact(true)) };
    story.feed(at(1, 9, 31), Fed::Said(vec![late], false));
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.outcome, alarm.is_open()), (Some(Outcome::Ok), false));
    let (_, _, facts) = story.log.last().expect("was fed");
    let reason = facts.iter().find_map(|fact| match fact {
        Fact::Closed { reason, .. } => Some(reason.code.clone()),
        _ => None,
    });
    assert_eq!(reason.as_deref(), Some("stood_down"));
    let published = facts.iter().find_map(|fact| match fact {
        Fact::Published { to, .. } => {
            Some(to.iter().map(|row| row.officer.to_string()).collect::<BTreeSet<_>>())
        }
        _ => None,
    });
    let everybody = ["anna", "he", "kong", "lou", "zhang"].map(str::to_owned);
    assert_eq!(published, Some(BTreeSet::from(everybody)));
    story.beat_until(at(2, 8, 0));
    assert_eq!(story.calls(), vec![at(1, 9, 0), at(2, 7, 0)], "04:30 and quiet hours");
    story.recovers();
}

#[test]
fn a_retained_message_is_no_sign_of_life() {
    let mut story = plain(false);
    story.beat_until(at(0, 20, 0));
    for open in [true, false] {
        story.feed(at(0, 20, 1), Fed::Said(vec![Story::observation("door", contact(open))], true));
    }
    story.beat_until(at(1, 9, 0));
    assert_eq!(story.calls(), vec![at(1, 9, 0)]);
    story.recovers();
}

#[test]
fn the_first_reading_of_a_home_sets_its_state_and_starts_the_count() {
    let mut story = Story::new(setup(false, 1));
    story.feed(at(0, 7, 0), Fed::Said(vec![Story::observation("door", contact(true))], true));
    story.pass(at(0, 11, 0));
    story.beat_until(at(1, 23, 0));
    story.beat_until(at(2, 0, 0));
    let mut silent = Story::new(setup(false, 1));
    silent.pass(at(5, 0, 0));
    assert!(silent.engine.book().alarms.is_empty(), "never heard: nothing is known, and nothing is said");
    assert_eq!(story.calls(), vec![at(1, 12, 0)], "heard first at noon");
    story.recovers();
}

#[test]
fn a_device_whose_clock_is_eight_hours_ahead_counts_from_when_it_was_received() {
    let mut story = plain(false);
    story.beat_until(at(0, 15, 0));
    let ahead = Observation {
        at_device: Some(at(0, 23, 30)),
        quality: Quality::SuspectClock,
        ..Story::observation("door", contact(true))
    };
    story.feed(at(0, 15, 30), Fed::Said(vec![ahead], false));
    story.contact(at(0, 15, 31), false);
    story.beat_until(at(1, 16, 0));
    assert_eq!(story.calls(), vec![at(1, 15, 31)]);
    story.recovers();
}

#[test]
fn a_counter_of_openings_counts_where_both_states_look_the_same() {
    let mut story = Story::new(setup(false, 1));
    story.beating = vec!["other-door"];
    let counted = |opens| Reading::Contact { open: Some(false), opens: Some(opens) };
    for hour in 6..=31 {
        let opens = if hour < 9 { 40 } else { 41 };
        // The device restarts in the afternoon and counts from nought: no opening.
        let opens = if hour < 15 { opens } else { opens - 41 };
        story.says(at(0, hour, 0), "door", counted(opens));
    }
    story.says(at(1, 8, 0), "door", counted(0));
    assert!(story.calls().is_empty());
    story.says(at(1, 9, 0), "door", counted(0));
    assert_eq!(story.calls(), vec![at(1, 9, 0)]);
    story.recovers();
}

#[test]
fn a_gateway_that_was_off_for_25_hours_judges_once_the_backlog_is_drained() {
    for opened in [true, false] {
        let mut story = plain(false);
        story.beat_until(at(0, 12, 0));
        story.path(at(0, 12, 1), PathState::Up);
        let back = at(1, 13, 1);
        story.start(back);
        story.path(back, PathState::Draining);
        for hour in 0..25 {
            let reading = contact(opened && hour == 20);
            story.feed(back, Fed::Said(vec![Story::observation("door", reading)], false));
        }
        assert!(story.calls().is_empty(), "not before the drain");
        story.path(back + Span::secs(5), PathState::Up);
        story.pass(back + Span::secs(6));
        let expected = if opened { vec![] } else { vec![back + Span::secs(5)] };
        assert_eq!(story.calls(), expected);
        story.recovers();
    }
}

#[test]
fn the_deadline_survives_ten_restarts_with_the_brokers_session_kept() {
    let mut story = plain(false);
    story.path(at(0, 9, 1), PathState::Up);
    for restart in 1..=10 {
        story.beat_until(at(0, 9 + restart * 2, 0));
        let now = at(0, 9 + restart * 2, 30);
        let bytes = story.engine.snapshot().expect("a snapshot");
        story.engine = Engine::restore(Arc::clone(story.engine.setup()), &bytes).expect("restores");
        story.start(now);
        story.path(now + Span::secs(1), PathState::Draining);
        story.path(now + Span::secs(2), PathState::Up);
    }
    story.beat_until(at(1, 8, 59));
    assert!(story.calls().is_empty());
    story.beat_until(at(1, 9, 5));
    assert_eq!(story.calls(), vec![at(1, 9, 0)]);
}

#[test]
fn a_door_sensor_on_probation_is_no_sign_of_life_beside_a_trusted_one() {
    let on_probation = |doors: &[&str]| {
        let mut site = site(false, 2);
        for door in doors {
            let device = site.devices.get_mut(&device_id(door)).expect("a door");
            Arc::make_mut(device).probation = true;
        }
        let voice = vec![Channel::Voice];
        Arc::new(Setup::new(site, RuleSettings::default(), "c0".into(), voice).expect("a good zone"))
    };
    let until_ten = |setup: Arc<Setup>| {
        let mut story = Story::new(setup);
        story.beating.push("back-door");
        story.beat_until(at(0, 8, 0));
        story.contact(at(0, 8, 59), true);
        story.contact(at(0, 9, 0), false);
        story.beat_until(at(0, 20, 0));
        // The new one says that somebody goes in and out; who knows what it is wired to.
        story.says(at(0, 20, 10), "back-door", contact(true));
        story.says(at(0, 20, 11), "back-door", contact(false));
        story.beat_until(at(1, 10, 0));
        story
    };
    assert_eq!(until_ten(on_probation(&[])).calls(), [], "a trusted one is believed");
    let story = until_ten(on_probation(&["back-door"]));
    assert_eq!(story.calls(), [at(1, 9, 0)], "a day after the trusted one moved");
    assert!(!story.only("living_alone", "inactive:").is_trial());
    story.recovers();
}

#[test]
fn somebody_silent_behind_a_door_on_probation_is_the_managers_first_and_everybodys_then() {
    let mut site = site(false, 1);
    for door in ["door", "motion"] {
        Arc::make_mut(site.devices.get_mut(&device_id(door)).expect("a device")).probation = true;
    }
    let setup = Setup::new(site, RuleSettings::default(), "c0".into(), vec![Channel::Voice]);
    let mut story = Story::quiet_since_nine(Arc::new(setup.expect("a good zone")));
    story.beat_until(at(1, 9, 0));
    assert!(story.only("living_alone", "inactive:").is_trial());
    assert_eq!(story.told_at(at(1, 9, 0)), [("he".to_owned(), false)], "the manager");
    story.beat_until(at(1, 12, 0));
    assert_eq!(story.only("living_alone", "inactive:").priority, Priority::P1, "it climbs all the same");
    let told: BTreeSet<&str> =
        story.only("living_alone", "inactive:").followers.keys().map(OfficerId::as_str).collect();
    assert!(["anna", "chen", "he", "lou"].iter().all(|who| told.contains(who)), "{told:?}");
    story.recovers();
}

#[test]
fn time_that_nobody_held_for_us_is_not_counted() {
    let mut story = plain(false);
    story.beat_until(at(0, 12, 0));
    story.path(at(0, 12, 1), PathState::Down);
    story.path(at(0, 15, 0), PathState::Draining);
    story.feed(
        at(0, 15, 0),
        Fed::Input(Input::Blind { from: at(0, 12, 0), until: at(0, 15, 0), lane: None, qos0: false }),
    );
    story.path(at(0, 15, 1), PathState::Up);
    story.beat_until(at(1, 11, 59));
    assert!(story.calls().is_empty());
    story.beat_until(at(1, 12, 0));
    assert_eq!(story.calls(), vec![at(1, 12, 0)]);
    story.recovers();
}

/// Both doors were moved on Monday at nine, and say every hour that they are shut, each by its own way, until `until`.
fn two_ways(ways: [Way; 2], blind: &Input, until: Timestamp) -> Vec<(String, Timestamp)> {
    let mut engine = Engine::new(setup(false, 1));
    let mut calls = Vec::new();
    let mut step = |engine: &mut Engine, now: Timestamp, stimulus: Stimulus| {
        while let Some(due) = engine.next_deadline().filter(|due| *due <= now) {
            calls.extend(engine.step(due, Stimulus::Input(&Input::Tick)).into_iter().map(|fact| (due, fact)));
        }
        calls.extend(engine.step(now, stimulus).into_iter().map(|fact| (now, fact)));
    };
    for hour in 0.. {
        let now = at(0, 8 + hour, 0);
        if now > until {
            break;
        }
        for (door, way) in ["door", "other-door"].into_iter().zip(ways) {
            let said = [Story::observation(door, contact(hour == 0))];
            let by = Some(way);
            step(&mut engine, now, Stimulus::Said { observations: &said, retain: false, dup: false, by });
        }
        if hour == 7 {
            step(&mut engine, now, Stimulus::Input(blind));
        }
    }
    let raised = calls.into_iter().filter_map(|(now, fact)| {
        let Fact::Raised(raised) = fact else { return None };
        (raised.kind.as_str() == "living_alone").then(|| (raised.place.to_string(), now))
    });
    raised.collect()
}

#[test]
fn an_outage_moves_the_deadline_only_of_those_whose_messages_were_lost_in_it() {
    let way = |lane, qos0| Way { lane, qos0 };
    let [sure, loose] = [false, true].map(|qos0| way(LaneName::Alarm, qos0));
    let bulk = way(LaneName::Bulk, false);
    let blind = |lane, qos0| Input::Blind { from: at(0, 12, 0), until: at(0, 15, 0), lane: Some(lane), qos0 };
    let (home, neighbour) = (HOME.to_owned(), "3/1204".to_owned());
    let [on_time, later] = [9, 12].map(|hour| at(1, hour, 0));
    let end = at(1, 13, 0);
    let qos0 = two_ways([sure, loose], &blind(LaneName::Alarm, true), end);
    assert_eq!(qos0, [(home.clone(), on_time), (neighbour.clone(), later)]);
    let bulk_lost = two_ways([sure, bulk], &blind(LaneName::Bulk, false), end);
    assert_eq!(bulk_lost, [(home.clone(), on_time), (neighbour.clone(), later)]);
    let alarm_lost = two_ways([sure, loose], &blind(LaneName::Alarm, false), end);
    assert_eq!(alarm_lost, [(home, later), (neighbour, later)]);
}

#[test]
fn nobody_is_called_on_word_that_is_older_than_two_hours() {
    let mut story = plain(false);
    story.beat_until(at(1, 6, 0));
    story.beating.retain(|device| *device != "door");
    story.beat_until(at(1, 10, 30));
    assert!(story.calls().is_empty());
    story.contact(at(1, 10, 31), false);
    assert_eq!(story.calls(), vec![at(1, 10, 31)], "the first later message triggers it");
    story.recovers();
}

#[test]
fn motion_brings_everybody_back_but_a_stuck_sensor_does_not() {
    let mut story = plain(false);
    let motion = |active| Reading::Motion { active };
    for (hour, active) in [(9, false), (10, true), (11, true)] {
        story.says(at(0, hour, 5), "motion", motion(active));
    }
    story.beat_until(at(1, 9, 30));
    assert_eq!(story.calls(), vec![at(1, 9, 0)], "before the call motion moves nothing");
    story.says(at(1, 9, 31), "motion", motion(true));
    assert!(story.only("living_alone", "inactive:").is_open(), "stuck");
    story.says(at(1, 9, 32), "motion", motion(false));
    let state = Observation { repeats: Repeats::State, ..Story::observation("motion", motion(true)) };
    story.feed(at(1, 9, 32), Fed::Said(vec![state], false));
    assert!(
        story.only("living_alone", "inactive:").is_open(),
        "a heartbeat that repeats a state is no life sign"
    );
    story.says(at(1, 9, 32), "motion", motion(false));
    story.says(at(1, 9, 33), "motion", motion(true));
    assert!(!story.only("living_alone", "inactive:").is_open());
    story.beat_until(at(2, 9, 32));
    assert_eq!(story.calls().len(), 1);
    story.beat_until(at(2, 9, 34));
    assert_eq!(story.calls().last(), Some(&at(2, 9, 33)));
    story.recovers();
}

#[test]
fn a_call_for_help_is_p1_at_once_and_no_moving_door_ends_it() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    story.answers(at(1, 9, 1), CallAnswer::Help);
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.priority, alarm.stage.as_deref()), (Priority::P1, Some("help")));
    let rang = story.rang_at(at(1, 9, 1));
    for who in ["anna", "chen", "kong", "lou", "wu", "zhang"] {
        assert!(rang.contains(who), "{who} is called at once: {rang:?}");
    }
    story.contact(at(1, 9, 5), true);
    story.answers(at(1, 9, 6), CallAnswer::Ok);
    assert!(story.only("living_alone", "inactive:").is_open());
    let id = story.id();
    story.command(at(1, 9, 8), "zhang", &id, resolve(Outcome::Real));
    assert!(!story.only("living_alone", "inactive:").is_open());
    story.recovers();
}

#[test]
fn answers_that_say_nothing_and_words_of_those_who_saw_nobody_stop_nothing() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    let id = story.id();
    for (minute, answer) in [(1, CallAnswer::OtherPerson), (2, CallAnswer::Unclear), (3, CallAnswer::None)] {
        story.answers(at(1, 9, minute), answer);
    }
    assert_eq!(story.only("living_alone", "inactive:").details["answer"], serde_json::json!("none"));
    story.command(at(1, 9, 12), "anna", &id, resolve(Outcome::Unverified));
    assert!(story.only("living_alone", "inactive:").is_open());
    story.beat_until(at(1, 10, 0));
    assert!(story.rang_at(at(1, 9, 20)).contains("lou"));
    assert!(story.rang_at(at(1, 10, 0)).contains("chen"));
    story.command(at(1, 10, 20), "chen", &id, resolve(Outcome::Ok));
    assert!(!story.only("living_alone", "inactive:").is_open());
    story.beat_until(at(2, 10, 20));
    assert_eq!(story.calls(), vec![at(1, 9, 0), at(2, 10, 20)], "a day after somebody saw them");
    story.recovers();
}

#[test]
fn a_door_that_stands_open_is_told_and_withholds_the_call() {
    let mut story = plain(false);
    story.contact(at(0, 10, 0), true);
    story.beat_until(at(0, 10, 29));
    assert!(story.of("door_open", "").is_empty());
    story.beat_until(at(0, 12, 0));
    let alarm = story.only("door_open", "door:door");
    assert_eq!((alarm.raised_at, alarm.priority), (at(0, 10, 30), Priority::P2));
    assert_eq!(story.stages().last(), Some(&(at(0, 12, 0), "visit".to_owned())));
    story.beat_until(at(1, 13, 0));
    assert!(story.calls().is_empty());

    // Somebody looked: all is well, and the door stays open for the breeze. From here on it keeps no call back.
    let id = alarm_id(&story, "door_open");
    story.command(at(1, 14, 0), "wu", &id, resolve(Outcome::Ok));
    story.beat_until(at(2, 15, 0));
    assert_eq!(story.calls(), vec![at(2, 14, 0)]);
    assert_eq!(story.raised("door_open", "").len(), 1);
    story.recovers();
}

fn alarm_id(story: &Story, kind: &str) -> AlarmId {
    story.only(kind, "").id.clone()
}

#[test]
fn a_door_that_is_shut_ends_its_alarm_and_night_is_stricter() {
    let mut story = plain(false);
    // Night begins while it has stood open for 20 minutes.
    story.contact(at(0, 21, 40), true);
    story.beat_until(at(0, 22, 0));
    assert_eq!(story.only("door_open", "").raised_at, at(0, 22, 0));
    story.contact(at(0, 22, 10), false);
    assert!(!story.only("door_open", "").is_open());
    story.contact(at(0, 23, 10), true);
    story.beat_until(at(0, 23, 30));
    assert_eq!(story.of("door_open", "").last().map(|alarm| alarm.raised_at), Some(at(0, 23, 20)));
    story.recovers();
}

#[test]
fn a_contact_that_flaps_is_broken_and_its_home_unknown() {
    let mut story = plain(false);
    story.beat_until(at(0, 15, 0));
    for n in 0..12 {
        story.contact(at(0, 15, 1) + Span::secs(n * 5), n % 2 == 0);
    }
    let repair = story.only("device_fault", "silent:door");
    assert_eq!(repair.reason.code, "contact_flapping");
    story.beat_until(at(0, 15, 40));
    assert!(!story.only("device_fault", "silent:door").is_open(), "calm for half an hour");
    story.beat_until(at(1, 16, 0));
    // Five seconds lie between the last movement that was believed and the one that was not.
    let calm = at(0, 15, 31) + Span::secs(55);
    assert_eq!(story.calls(), vec![calm + Span::hours(24) - Span::secs(5)]);
    story.recovers();
}

#[test]
fn both_doors_must_be_live() {
    let mut story = Story::new(setup(false, 2));
    story.beating.push("back-door");
    story.beat_until(at(0, 12, 0));
    story.beating.retain(|device| *device != "back-door");
    story.beat_until(at(0, 20, 0));
    assert_eq!(story.only("device_fault", "").key, "silent:back-door");
    // A sign of life by the other door puts the visit off.
    story.contact(at(1, 6, 0), true);
    story.contact(at(1, 6, 1), false);
    story.beat_until(at(1, 18, 0));
    assert!(story.of("living_alone", "").is_empty());
    story.beat_until(at(1, 18, 1));
    assert_eq!(story.only("living_alone", "visit:").raised_at, at(1, 18, 1));
    story.contact(at(1, 18, 30), true);
    assert!(!story.only("living_alone", "visit:").is_open(), "stood down");
    story.recovers();
}

#[test]
fn officers_see_the_stage_and_never_when_a_door_moved() {
    let mut story = plain(false);
    story.beat_until(at(1, 9, 0));
    let alarm = story.only("living_alone", "inactive:");
    assert_eq!((alarm.first_at, alarm.last_at), (at(1, 9, 0), at(1, 9, 0)));
    assert!(alarm.details.is_empty() && alarm.devices.is_empty());
    let words = serde_json::to_string(&alarm.timeline).expect("JSON");
    assert!(!words.contains("09:00"), "{words}");
}

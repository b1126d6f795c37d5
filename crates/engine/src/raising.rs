//! From a rule's proposal to facts: a new alarm, a repeat of one, an upgrade, or one that must be accepted anew.

use crate::alarm::Alarm;
use crate::book::{Book, CLOSED_STAYS};
use crate::flood::may_be_grouped;
use crate::ladder;
use crate::routing_settings;
use crate::rules::{Raise, is_gap};
use crate::trial;
use crate::windows::{SHELF_MAX, never_aside};
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{
    AlarmId, AlarmKind, Aside, Audience, Command, Device, DeviceId, Fact, IncidentId, Ladder, Mark,
    OfficerId, Owner, PlaceId, PlaceKind, Priority, Purpose, Raised, Reason, Reopening, Response, Role, Rung,
    Span,
};

/// What a proposal comes to.
pub(crate) fn conclude(world: &World, rule: &str, raise: &Raise) -> Vec<Fact> {
    let kind = kind_of(raise.kind.unwrap_or(rule));
    let id = alarm_id(world, &kind, raise);
    if let Some(current) = world.book.current(&kind, &raise.key, world.at) {
        return fold(world, current, raise);
    }
    match world.book.alarms.get(&id) {
        // What the broker kept of the very event that made an alarm which is over by now: never a second alarm.
        Some(before) if raise.mark == Some(Mark::FoundAtStart) => vec![repeated(before, raise)],
        // It is so still, or again under an id that its sender uses twice; redeliveries do not come here.
        Some(_) => {
            let anew = id_of(&[id.as_str(), &world.at.0.to_string()]);
            begin(world, raised(world, kind, anew, raise))
        }
        None => begin(world, raised(world, kind, id, raise)),
    }
}

/// A new alarm; one that something else explains is set aside at once.
fn begin(world: &World, raised: Raised) -> Vec<Fact> {
    let (id, device) = (raised.alarm.clone(), raised.devices.first());
    let new = Alarm::raised(world.at, &raised);
    let never = never_aside(raised.priority, &raised.ladder);
    let window = world.window_over(&raised.kind, device, &raised.place).filter(|_| !never);
    let parent = world.book.parent_of(&new).filter(|_| may_be_grouped(&new));
    let aside = match (window, parent) {
        (Some(window), _) => Some(world.set_aside(&id, window)),
        (None, Some(_)) => Some(part_of_incident(world, &id)),
        (None, None) => None,
    };
    std::iter::once(Fact::Raised(Box::new(raised))).chain(aside).collect()
}

/// The first alarm of the incident is told instead.
pub(crate) fn part_of_incident(world: &World, alarm: &AlarmId) -> Fact {
    Fact::Shelved {
        alarm: alarm.clone(),
        by: Owner::rule("incident"),
        until: world.at + SHELF_MAX,
        reason: "incident".to_owned(),
        how: Aside::ByDesign,
    }
}

/// A rule's name, or another that is written in the program.
pub(crate) fn kind_of(name: &str) -> AlarmKind {
    AlarmKind::parse(name).expect("the kinds of alarms are written in the program and are ids")
}

/// A repeat of an alarm that is open, or closed so lately that it belongs to it.
fn fold(world: &World, alarm: &Alarm, raise: &Raise) -> Vec<Fact> {
    let mut facts = vec![repeated(alarm, raise)];
    let on_trial = world.on_trial(raise.device.as_ref(), &alarm.place);
    let confirmed = alarm.is_trial() && !on_trial;
    // Over, and begun anew by a device on probation: that is on trial like any other word of it.
    if confirmed || (on_trial && !alarm.is_open()) {
        facts.push(Fact::Detailed { alarm: alarm.id.clone(), details: trial::details(on_trial) });
    }
    if !raise.details.is_empty() {
        facts.push(Fact::Detailed { alarm: alarm.id.clone(), details: raise.details.clone() });
    }
    let rose = raise.priority < alarm.priority;
    if rose {
        let ladder = ladder_of(world, &alarm.kind, raise);
        let (priority, reason) = (raise.priority, raise.reason.clone());
        facts.push(Fact::Upgraded { alarm: alarm.id.clone(), priority, ladder, reason });
    }
    let again = !alarm.is_active() || alarm.response == Response::Closed;
    let why = match (again, rose) {
        _ if confirmed => Some(Reopening::Confirmed),
        (true, _) => Some(Reopening::ActiveAgain),
        (false, true) => Some(Reopening::PriorityRose),
        (false, false) => world.spreads(alarm, raise.device.as_ref()),
    };
    if again {
        facts.extend(staged_anew(alarm, raise));
    }
    let Some(why) = why else { return facts };
    match quiet(world, alarm, raise, why) {
        Quiet::No => facts.push(Fact::Reopened { alarm: alarm.id.clone(), why, rung: 0 }),
        Quiet::Stays => facts.push(Fact::Again { alarm: alarm.id.clone() }),
        Quiet::Shelved => {
            if !alarm.is_open() {
                facts.push(Fact::Reopened { alarm: alarm.id.clone(), why, rung: 0 });
            }
            facts.push(Fact::Again { alarm: alarm.id.clone() });
            facts.push(chattering(world, &alarm.id));
        }
    }
    facts
}

/// Whether what would call people again calls nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quiet {
    /// It calls.
    No,
    /// It stays as it is: set aside, or with somebody who has it.
    Stays,
    /// From now on it is shelved: its sensor chatters.
    Shelved,
}

/// So often active again within [`CHATTER_WITHIN`], a sensor chatters.
const CHATTER_TIMES: usize = 3;
const CHATTER_WITHIN: Span = Span::mins(10);
/// What is shelved by itself is so for this long.
const CHATTER_SHELF: Span = Span::mins(30);

fn chattering(world: &World, alarm: &AlarmId) -> Fact {
    Fact::Shelved {
        alarm: alarm.clone(),
        by: Owner::rule("chatter"),
        until: world.at + CHATTER_SHELF,
        reason: "chatter".to_owned(),
        how: Aside::Shelved,
    }
}

/// A higher priority, a new place and another kind of sensor always call; so does being active again, unless the alarm
/// is out of service, is part of an incident, or has been so too often.
fn quiet(world: &World, alarm: &Alarm, raise: &Raise, why: Reopening) -> Quiet {
    let priority = alarm.priority.min(raise.priority);
    if never_aside(priority, &alarm.ladder) || why == Reopening::Confirmed {
        return Quiet::No;
    }
    let again = why == Reopening::ActiveAgain && raise.priority >= alarm.priority;
    let in_window = || world.window_over(&alarm.kind, raise.device.as_ref(), &alarm.place).is_some();
    match &alarm.shelved {
        Some(shelf) if shelf.how == Aside::OutOfService && in_window() => return Quiet::Stays,
        Some(shelf) if shelf.how == Aside::ByDesign && again => return Quiet::Stays,
        Some(shelf) if shelf.by.officer().is_none() && shelf.how == Aside::Shelved && again => {
            return Quiet::Stays;
        }
        Some(_) => return Quiet::No,
        None => {}
    }
    let lately = alarm.again_at.iter().filter(|at| **at + CHATTER_WITHIN > world.at).count();
    match (again && lately >= CHATTER_TIMES, alarm.accepted.is_some()) {
        (true, true) => Quiet::Stays,
        (true, false) => Quiet::Shelved,
        (false, _) => Quiet::No,
    }
}

impl World<'_> {
    /// Another building, or a second kind of sensor, for the first time: whoever took the alarm took something else.
    fn spreads(&self, alarm: &Alarm, device: Option<&DeviceId>) -> Option<Reopening> {
        let devices = &self.setup.site.devices;
        let new =
            devices.get(device?).filter(|_| !alarm.devices.iter().any(|known| Some(known) == device))?;
        let known: Vec<&Device> =
            alarm.devices.iter().filter_map(|id| devices.get(id)).map(|known| &**known).collect();
        if known.is_empty() || !is_sensor(new.purpose) {
            return None;
        }
        let building = |device: &Device| self.building_of(&device.place);
        if building(new).is_some() && known.iter().all(|known| building(known) != building(new)) {
            return Some(Reopening::AnotherPlace);
        }
        let first = known.first().map(|known| known.purpose).filter(|purpose| is_sensor(*purpose))?;
        let second = known.iter().all(|known| known.purpose == first) && new.purpose != first;
        second.then_some(Reopening::SecondSensor)
    }

    /// The building that a place is in.
    pub(crate) fn building_of(&self, place: &PlaceId) -> Option<PlaceId> {
        let mut at = Some(place.clone());
        while let Some(here) = at {
            let kind = self.setup.site.places.get(&here).map(|known| known.kind);
            if kind == Some(PlaceKind::Building) {
                return Some(here);
            }
            at = here.parent();
        }
        None
    }
}

/// Does it sense by itself what alarms are about? A controller or the weather only adds to it.
fn is_sensor(purpose: Purpose) -> bool {
    !matches!(purpose, Purpose::LiftController | Purpose::Weather | Purpose::Hub | Purpose::Other)
}

/// The site's own ladder, else the rule's, else that of the priority.
fn ladder_of(world: &World, kind: &AlarmKind, raise: &Raise) -> Ladder {
    let usual = raise.ladder.clone().unwrap_or_else(|| ladder::default_ladder(raise.priority));
    let mut ladder = routing_settings::own(
        world.setup,
        (kind, raise.priority, &raise.place),
        world.local_at(world.at),
        usual,
    );
    // Nobody is there to be called: the police are, as the last rungs would. Frozen like every rung.
    let first = ladder.rungs.first_mut().filter(|_| raise.priority <= Priority::P2);
    if let Some(first) = first.filter(|rung| calls_guards(rung))
        && is_gap(world.senses, world.setup, &raise.place)
    {
        first.tell.push(Audience::Anywhere(Role::Station));
    }
    ladder
}

fn calls_guards(rung: &Rung) -> bool {
    [Role::Guard, Role::GridWorker].map(Audience::OnDuty).iter().any(|who| rung.tell.contains(who))
}

/// What is active again begins at its first stage again: a cover that was guarded is not, once it opened anew.
fn staged_anew(alarm: &Alarm, raise: &Raise) -> Option<Fact> {
    let stage = raise.stage.clone().filter(|stage| alarm.stage.as_ref() != Some(stage))?;
    Some(Fact::Staged { alarm: alarm.id.clone(), stage, reason: raise.reason.clone() })
}

fn repeated(alarm: &Alarm, raise: &Raise) -> Fact {
    Fact::Repeated {
        alarm: alarm.id.clone(),
        count: 1,
        last_at: raise.first_at,
        device: raise.device.clone(),
        evidence: raise.evidence.clone(),
    }
}

fn raised(world: &World, kind: AlarmKind, alarm: AlarmId, raise: &Raise) -> Raised {
    let mut details = raise.details.clone();
    let ladder = ladder_of(world, &kind, raise);
    if world.on_trial(raise.device.as_ref(), &raise.place) {
        details.extend(trial::details(true));
    }
    Raised {
        alarm,
        kind,
        key: raise.key.clone(),
        place: raise.place.clone(),
        priority: raise.priority,
        reason: raise.reason.clone(),
        first_at: raise.first_at,
        count: 1,
        stage: raise.stage.clone(),
        ladder,
        merge: raise.merge,
        mark: raise.mark,
        test: false,
        devices: raise.device.iter().cloned().collect(),
        evidence: raise.evidence.clone(),
        details,
        incident: raise.incident.clone(),
        config: world.setup.hash.clone(),
    }
}

/// Made from what triggered the alarm: compound, rule, subject, event. A message with neither an id nor a time is
/// told from the next one by when the condition began; what has stood for longer than closed alarms are remembered,
/// by when it is raised: there may have been an alarm of its begin.
fn alarm_id(world: &World, kind: &AlarmKind, raise: &Raise) -> AlarmId {
    let remembered = world.at - raise.first_at < CLOSED_STAYS;
    let began = if remembered { raise.first_at } else { world.at };
    let event = raise.event_key.clone().unwrap_or_else(|| format!("at {}", began.0));
    id_of(&[world.setup.site.id.as_str(), kind.as_str(), &raise.key, &event])
}

pub(crate) fn id_of(parts: &[&str]) -> AlarmId {
    AlarmId::parse(&format!("al_{}", digest(parts))).expect("hexadecimal digits are an id")
}

/// Made from what the first of a group of alarms was about.
pub(crate) fn incident_of(parts: &[&str]) -> IncidentId {
    IncidentId::parse(&format!("in_{}", digest(parts))).expect("hexadecimal digits are an id")
}

fn digest(parts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(part.as_bytes()).update(&[0]);
    }
    hasher.finalize().to_hex()[..20].to_owned()
}

fn drill_key(officer: &OfficerId) -> String {
    format!("drill:{officer}")
}

/// The drill that an officer's own phones are in, if there is one.
pub(crate) fn drill_of<'a>(book: &'a Book, officer: &OfficerId) -> Option<&'a Alarm> {
    let key = drill_key(officer);
    book.open_alarms().find(|alarm| alarm.test && alarm.key == key)
}

fn drill_ladder(priority: Priority, officer: &OfficerId) -> Ladder {
    let alone = vec![Audience::People(vec![officer.clone()])];
    Ladder { rungs: vec![ladder::rung(Span::ZERO, alone)], ..ladder::default_ladder(priority) }
}

/// An alarm marked TEST, through the real ladder.
/// With `own` its ladder has one rung, and calls nobody but whoever asked for it.
pub(crate) fn test_alarm(
    world: &World,
    command: &Command,
    place: &PlaceId,
    priority: u8,
    own: bool,
) -> Raised {
    let priority = match priority {
        1 => Priority::P1,
        2 => Priority::P2,
        _ => Priority::P3,
    };
    Raised {
        alarm: id_of(&[world.setup.site.id.as_str(), "test", command.cid.as_str()]),
        kind: kind_of("test"),
        key: if own { drill_key(&command.officer) } else { format!("test:{}", command.cid) },
        place: place.clone(),
        priority,
        reason: Reason::new("test", "测试告警，无需处置", "a test: nothing is the matter"),
        first_at: world.at,
        count: 1,
        stage: None,
        ladder: if own { drill_ladder(priority, &command.officer) } else { ladder::default_ladder(priority) },
        merge: Span::ZERO,
        mark: None,
        test: true,
        devices: Vec::new(),
        evidence: Vec::new(),
        details: BTreeMap::new(),
        incident: None,
        config: world.setup.hash.clone(),
    }
}

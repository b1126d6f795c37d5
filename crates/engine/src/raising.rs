//! From a rule's proposal to facts: a new alarm, a repeat of one, an upgrade, or one that must be accepted anew.

use crate::alarm::Alarm;
use crate::book::Book;
use crate::ladder;
use crate::rules::Raise;
use crate::trial;
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{
    AlarmId, AlarmKind, Audience, Command, Fact, IncidentId, Ladder, OfficerId, PlaceId, Priority, Raised,
    Reason, Reopening, Response, Span,
};

/// What a proposal comes to.
pub(crate) fn conclude(world: &World, rule: &str, raise: &Raise) -> Vec<Fact> {
    let kind = kind_of(raise.kind.unwrap_or(rule));
    let id = alarm_id(world, &kind, raise);
    if let Some(current) = world.book.current(&kind, &raise.key, world.at) {
        return fold(world, current, raise);
    }
    match world.book.alarms.get(&id) {
        // The very event that made an alarm which is over by now: a repeat, never a second alarm.
        Some(before) => vec![repeated(before, raise)],
        None => vec![Fact::Raised(Box::new(raised(world, kind, id, raise)))],
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
        let ladder = raise.ladder.clone().unwrap_or_else(|| ladder::default_ladder(raise.priority));
        let (priority, reason) = (raise.priority, raise.reason.clone());
        facts.push(Fact::Upgraded { alarm: alarm.id.clone(), priority, ladder, reason });
    }
    let again = !alarm.is_active() || alarm.response == Response::Closed;
    let why = match (again, rose) {
        _ if confirmed => Some(Reopening::Confirmed),
        (true, _) => Some(Reopening::ActiveAgain),
        (false, true) => Some(Reopening::PriorityRose),
        (false, false) => None,
    };
    if again {
        facts.extend(staged_anew(alarm, raise));
    }
    facts.extend(why.map(|why| Fact::Reopened { alarm: alarm.id.clone(), why, rung: 0 }));
    facts
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
        ladder: raise.ladder.clone().unwrap_or_else(|| ladder::default_ladder(raise.priority)),
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
/// told from the next one by when the condition began.
fn alarm_id(world: &World, kind: &AlarmKind, raise: &Raise) -> AlarmId {
    let event = raise.event_key.clone().unwrap_or_else(|| format!("at {}", raise.first_at.0));
    id_of(&[world.setup.site.id.as_str(), kind.as_str(), &raise.key, &event])
}

fn id_of(parts: &[&str]) -> AlarmId {
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

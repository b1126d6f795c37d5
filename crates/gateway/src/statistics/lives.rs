//! From facts to the life of each alarm and to what rang whose phone.

use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{AlarmId, Fact, OfficerId, Outcome, PlaceId, Priority, Raised, Span, Timestamp};

/// Alarms whose lives are kept; more than this in a report's times are counted as left out.
const LIVES_MAX: usize = 1_000_000;
/// Pushes that are kept.
const PUSHES_MAX: usize = 4_000_000;
/// So many events within a minute are chatter (ISA-18.2: three or more).
pub(super) const CHATTER: usize = 3;

/// The life of one alarm, in wall time.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// Its kind.
    pub kind: String,
    /// Where.
    pub place: PlaceId,
    /// Its priority when it was raised.
    pub priority: Priority,
    /// A test, a drill, or on trial: left out of every figure.
    pub excluded: bool,
    /// The devices that said so.
    pub devices: BTreeSet<String>,
    /// When it was raised.
    pub raised: Timestamp,
    /// When it was first accepted.
    pub accepted: Option<Timestamp>,
    /// When somebody first set out, or was there.
    pub set_out: Option<Timestamp>,
    /// When somebody said how it ended, else when it closed by itself.
    pub resolved: Option<Timestamp>,
    /// When it closed last, and how; `None` while it is open.
    pub closed: Option<(Timestamp, Outcome)>,
    /// The most events within one minute.
    pub busiest_minute: usize,
    latest: Vec<Timestamp>,
}

/// Somebody's phone rang.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// Whose.
    pub officer: OfficerId,
    /// When, wall time.
    pub at: Timestamp,
}

/// The lives of alarms that were raised within some spans of time, and the pushes within the first of them.
#[derive(Debug)]
pub struct Lives {
    within: Vec<(Timestamp, Timestamp)>,
    wall_minus_at: Span,
    lives: BTreeMap<AlarmId, Life>,
    /// Alarms of other times, as far as their rings matter: those to be left out.
    excluded: BTreeSet<AlarmId>,
    pushes: Vec<Push>,
    dropped: u64,
}

impl Lives {
    /// For alarms raised in any of these times (wall time, the end not included); pushes of the first.
    pub fn within(within: Vec<(Timestamp, Timestamp)>) -> Self {
        Self {
            within,
            wall_minus_at: Span::ZERO,
            lives: BTreeMap::new(),
            excluded: BTreeSet::new(),
            pushes: Vec::new(),
            dropped: 0,
        }
    }

    /// The wall clock moved against the timeline: from now on wall time is the record's plus this.
    pub fn clock_stepped(&mut self, wall_minus_at: Span) {
        self.wall_minus_at = wall_minus_at;
    }

    /// Every life, in the order of the alarms' ids.
    pub fn all(&self) -> impl Iterator<Item = &Life> {
        self.lives.values()
    }

    /// Everything that rang, in the order of the journal.
    pub fn pushes(&self) -> &[Push] {
        &self.pushes
    }

    /// What was not kept because there was too much of it.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes a fact in, with the time of its record.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    pub fn take(&mut self, at: Timestamp, fact: &Fact) {
        let at = at + self.wall_minus_at;
        match fact {
            Fact::Raised(raised) => self.raised(at, raised),
            Fact::Detailed { alarm, details } if details.contains_key("trial") => {
                let trial = details["trial"] == true;
                self.change(alarm, |life| life.excluded = trial);
                if trial {
                    self.excluded.insert(alarm.clone());
                } else {
                    self.excluded.remove(alarm);
                }
            }
            Fact::Repeated { alarm, count, device, .. } => self.change(alarm, |life| {
                life.devices.extend(device.iter().map(ToString::to_string));
                (0..(*count).min(CHATTER as u64)).for_each(|_| life.event(at));
            }),
            Fact::Accepted { alarm, .. } => self.change(alarm, |life| {
                life.accepted.get_or_insert(at);
            }),
            Fact::EnRoute { alarm, .. } | Fact::Arrived { alarm, .. } => self.change(alarm, |life| {
                life.set_out.get_or_insert(at);
            }),
            Fact::Resolved { alarm, .. } => self.change(alarm, |life| life.resolved = Some(at)),
            Fact::Reopened { alarm, .. } => {
                self.change(alarm, |life| (life.closed, life.resolved) = (None, None));
            }
            Fact::Closed { alarm, outcome, .. } => self.change(alarm, |life| {
                life.closed = Some((at, *outcome));
                life.resolved.get_or_insert(at);
            }),
            Fact::Rung { alarm, told, ring: true, .. } => {
                let reached = told.iter().filter(|told| told.unreached.is_none() && !told.quiet);
                self.push(at, alarm, reached.map(|told| &told.officer));
            }
            Fact::Reminded { alarm, to, .. } => self.push(at, alarm, to.iter()),
            Fact::Transferred { alarm, to, .. } => self.push(at, alarm, std::iter::once(to)),
            _ => {}
        }
    }

    fn raised(&mut self, at: Timestamp, raised: &Raised) {
        let is = |name: &str| raised.details.get(name).is_some_and(|value| value == true);
        let excluded = raised.test || is("trial") || is("drill");
        if excluded {
            self.excluded.insert(raised.alarm.clone());
        }
        if !self.within.iter().any(|(from, until)| (*from..*until).contains(&at)) {
            return;
        }
        if self.lives.len() >= LIVES_MAX {
            self.dropped += 1;
            return;
        }
        let mut life = Life {
            kind: raised.kind.to_string(),
            place: raised.place.clone(),
            priority: raised.priority,
            excluded,
            devices: raised.devices.iter().map(ToString::to_string).collect(),
            raised: at,
            accepted: None,
            set_out: None,
            resolved: None,
            closed: None,
            busiest_minute: 0,
            latest: Vec::new(),
        };
        life.event(at);
        self.lives.insert(raised.alarm.clone(), life);
    }

    fn change(&mut self, alarm: &AlarmId, change: impl FnOnce(&mut Life)) {
        if let Some(life) = self.lives.get_mut(alarm) {
            change(life);
        }
    }

    fn push<'a>(&mut self, at: Timestamp, alarm: &AlarmId, to: impl Iterator<Item = &'a OfficerId>) {
        let wanted = self.within.first().is_some_and(|(from, until)| (*from..*until).contains(&at));
        if !wanted || self.excluded.contains(alarm) {
            return;
        }
        for officer in to {
            if self.pushes.len() >= PUSHES_MAX {
                self.dropped += 1;
                return;
            }
            self.pushes.push(Push { officer: officer.clone(), at });
        }
    }
}

impl Life {
    fn event(&mut self, at: Timestamp) {
        self.latest.retain(|event| at - *event < Span::mins(1));
        if self.latest.len() < CHATTER {
            self.latest.push(at);
        }
        self.busiest_minute = self.busiest_minute.max(self.latest.len());
    }
}

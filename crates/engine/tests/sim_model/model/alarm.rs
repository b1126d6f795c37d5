//! An alarm of the reference model, and the ladders that it can have, written down from the tables of the rules.

use super::news::{Age, Told};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::*;

/// Whom a rung names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tell {
    Role(Role),
    Backup,
    People(Vec<OfficerId>),
}

/// A rung.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Step {
    pub(crate) after: Span,
    pub(crate) tell: Vec<Tell>,
    pub(crate) rings: bool,
    pub(crate) stage: Option<&'static str>,
    pub(crate) priority: Option<Priority>,
}

/// A ladder.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Steps {
    pub(crate) rungs: Vec<Step>,
    pub(crate) repeat: Span,
    pub(crate) on_scene: Span,
    /// Acceptance does not stop it.
    pub(crate) staged: bool,
}

pub(crate) fn step(after: Span, tell: Vec<Tell>) -> Step {
    Step { after, tell, rings: true, stage: None, priority: None }
}

pub(crate) fn roles(roles: &[Role]) -> Vec<Tell> {
    roles.iter().copied().map(Tell::Role).collect()
}

/// "Priorities": until somebody accepts.
pub(crate) fn accept_time(priority: Priority) -> Span {
    match priority {
        Priority::P1 => Span::secs(60),
        Priority::P2 => Span::secs(180),
        Priority::P3 => Span::mins(15),
        Priority::P4 => Span::hours(24),
    }
}

/// "Ladder: two clocks", as the table has it.
pub(crate) fn usual(priority: Priority) -> Steps {
    use Role::{ControlRoom, GridWorker, Guard, Leader, Manager, Officer, Station};
    let n = |times: i64| Span(accept_time(priority).0 * times);
    let (rungs, repeat, on_scene) = match priority {
        Priority::P1 => (
            vec![
                step(n(0), roles(&[Guard, GridWorker, ControlRoom, Officer])),
                step(n(1), vec![Tell::Backup]),
                step(n(2), roles(&[ControlRoom, Manager, Station])),
                step(n(3), roles(&[Leader])),
            ],
            Span::mins(5),
            Span::mins(3),
        ),
        Priority::P2 => (
            vec![
                step(n(0), roles(&[Guard, GridWorker])),
                step(n(1), vec![Tell::Backup]),
                step(n(2), roles(&[ControlRoom, Manager])),
                step(n(3), roles(&[Officer])),
            ],
            Span::mins(30),
            Span::mins(10),
        ),
        Priority::P3 => (
            vec![step(n(0), roles(&[Guard, GridWorker])), step(n(1), vec![Tell::Backup])],
            Span::hours(2),
            Span::hours(2),
        ),
        Priority::P4 => (vec![], Span::hours(24), Span::hours(24)),
    };
    Steps { rungs, repeat, on_scene, staged: false }
}

/// Somebody who has it in the list.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Follower {
    pub(crate) rung: Option<usize>,
    pub(crate) rings: bool,
    pub(crate) declined: bool,
    pub(crate) stored: BTreeSet<PhoneId>,
}

/// Why nobody is called for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aside {
    ByPerson,
    Chatter,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Alarm {
    /// Its kind, and which of the kind's alarms: `manhole`, `open`.
    pub(crate) what: (&'static str, &'static str),
    /// What repeats are folded by.
    pub(crate) key: String,
    pub(crate) place: PlaceId,
    pub(crate) raised_at: Timestamp,
    pub(crate) priority: Priority,
    pub(crate) count: u64,
    pub(crate) active: bool,
    pub(crate) response: Response,
    /// Who has it, and where the ladder stood.
    pub(crate) taken: Option<(OfficerId, Option<(usize, Timestamp)>)>,
    /// Somebody has, or had, it.
    pub(crate) was_taken: bool,
    /// The fire that set it off, by the number of its first alarm.
    pub(crate) fire: Option<usize>,
    pub(crate) seen_to_by: Option<OfficerId>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) closed_at: Option<Timestamp>,
    pub(crate) stage: Option<&'static str>,
    pub(crate) ladder: Steps,
    pub(crate) from: Timestamp,
    pub(crate) rung: Option<usize>,
    pub(crate) next: Option<(usize, Timestamp)>,
    /// Whoever has it should be on scene, or have ended it.
    pub(crate) overdue_at: Option<Timestamp>,
    pub(crate) aside: Option<(Aside, Timestamp)>,
    pub(crate) followers: BTreeMap<OfficerId, Follower>,
    pub(crate) again_at: Vec<Timestamp>,
    pub(crate) merge: Span,
    /// The rule's own deadlines on it.
    pub(crate) own: BTreeMap<Own, Timestamp>,
    pub(crate) confirmed: bool,
    pub(crate) cooking: bool,
    pub(crate) rang_again: bool,
    pub(crate) helps: bool,
    pub(crate) event: String,
}

/// A deadline that a rule has on an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Own {
    /// An open cover is remembered; word from a fire is missing; somebody should be at the door of a home.
    First,
    /// The smoke of the cooking should be gone.
    Cooking,
}

/// What a rule wants to raise.
#[derive(Debug, Clone)]
pub(crate) struct Raise {
    pub(crate) what: (&'static str, &'static str),
    pub(crate) key: String,
    pub(crate) place: PlaceId,
    pub(crate) priority: Priority,
    pub(crate) ladder: Steps,
    pub(crate) stage: Option<&'static str>,
    pub(crate) merge: Span,
    pub(crate) confirmed: bool,
    /// What tells the event from others of the key.
    pub(crate) event: String,
    /// The broker kept it: never a second alarm of the same event.
    pub(crate) kept: bool,
}

impl Raise {
    /// Because of what a device said, or else because of what began then.
    pub(crate) fn because(mut self, told: Option<&Told>, began: Timestamp) -> Self {
        let event = told.and_then(|told| told.event.clone());
        self.event = event.unwrap_or_else(|| format!("at {}", began.0));
        self.kept = told.is_some_and(|told| told.age == Age::Retained);
        self
    }

    pub(crate) fn new(
        what: (&'static str, &'static str),
        key: String,
        place: &PlaceId,
        priority: Priority,
    ) -> Self {
        Self {
            what,
            key,
            place: place.clone(),
            priority,
            ladder: usual(priority),
            stage: None,
            merge: Span::mins(10),
            confirmed: false,
            event: String::new(),
            kept: false,
        }
    }
}

impl Alarm {
    pub(crate) fn begin(raise: Raise, at: Timestamp) -> Self {
        Self {
            what: raise.what,
            key: raise.key,
            place: raise.place,
            raised_at: at,
            priority: raise.priority,
            count: 1,
            active: true,
            response: Response::Unaccepted,
            taken: None,
            was_taken: false,
            fire: None,
            seen_to_by: None,
            outcome: None,
            closed_at: None,
            stage: raise.stage,
            ladder: raise.ladder,
            from: at,
            rung: None,
            next: None,
            overdue_at: None,
            aside: None,
            followers: BTreeMap::new(),
            again_at: vec![],
            merge: raise.merge,
            own: BTreeMap::new(),
            confirmed: raise.confirmed,
            cooking: false,
            rang_again: false,
            helps: false,
            event: raise.event,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.response != Response::Closed
    }

    pub(crate) fn is_fire(&self) -> bool {
        self.what.0 == "smoke"
    }

    /// Nobody may be silenced about it.
    pub(crate) fn is_grave(&self) -> bool {
        self.priority == Priority::P1 || self.ladder.staged
    }

    pub(crate) fn holder(&self) -> Option<&OfficerId> {
        self.taken.as_ref().map(|(by, _)| by)
    }

    /// May a flood of alarms hold it back?
    pub(crate) fn may_be_held_back(&self) -> bool {
        let cover = self.what.0 == "manhole" && self.what.1 != "water";
        !(self.is_grave() || cover || self.what.0 == "alarm_flood")
    }
}

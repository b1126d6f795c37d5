//! One alarm: the sensor's axis, the people's axis, its ladder and who knows of it. Changed by facts only.

mod changes;

use crate::custody::CustodyLine;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{
    AlarmId, AlarmKind, Aside, DeviceId, Evidence, IncidentId, Ladder, Mark, NextRung, OfficerId, Outcome,
    Owner, PhoneId, PlaceId, Priority, Raised, Reason, Response, Span, Timestamp,
};

/// How many lines a timeline keeps; the first ones stay, the oldest of the later ones go.
pub(crate) const TIMELINE_MAX: usize = 400;
/// How many lines at the start of a timeline are never dropped.
const TIMELINE_KEPT: usize = 40;

/// The sensor's axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It is so.
    Active,
    /// It is no longer so, since then.
    Cleared {
        /// When.
        at: Timestamp,
    },
}

/// What somebody who was told of an alarm did and got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Follower {
    /// Since when they are told.
    pub since: Timestamp,
    /// The rung that told them; `None` for those who watch without being called (control room, managers).
    pub rung: Option<usize>,
    /// Their phones ring.
    pub ring: bool,
    /// They said that they cannot.
    #[serde(default)]
    pub declined: bool,
    /// Phones that stored it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stored: BTreeSet<PhoneId>,
    /// It was shown on one of their phones.
    #[serde(default)]
    pub presented: bool,
    /// Steps of the channel clock that were taken for them.
    #[serde(default)]
    pub channel_steps: u8,
}

/// One line of a timeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What, as the timeline of the screens names it.
    pub what: String,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OfficerId>,
    /// To whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<OfficerId>,
    /// By which channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// Why, or what was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Where the input that it came of lies in the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<u64>,
}

/// Why nobody is called, until when, and who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shelf {
    /// Who.
    pub by: Owner,
    /// Until then.
    pub until: Timestamp,
    /// In their words; of the program: which of its reasons.
    pub reason: String,
    /// In which way it is set aside.
    #[serde(default)]
    pub how: Aside,
}

/// An acceptance, with what an undo restores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Who.
    pub by: OfficerId,
    /// When.
    pub at: Timestamp,
    /// When they will be there.
    pub eta_s: Option<u32>,
    /// Where the ladder stood.
    pub stopped: Option<NextRung>,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alarm {
    /// Its id.
    pub id: AlarmId,
    /// Its rule.
    pub kind: AlarmKind,
    /// What repeats are folded by.
    pub key: String,
    /// Where.
    pub place: PlaceId,
    /// How urgent.
    pub priority: Priority,
    /// Why it was raised, or last upgraded.
    pub reason: Reason,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// The first event.
    pub first_at: Timestamp,
    /// The latest event.
    pub last_at: Timestamp,
    /// How many events.
    pub count: u64,
    /// The sensor's axis.
    pub condition: Condition,
    /// What people did.
    pub response: Response,
    /// Who has it.
    pub accepted: Option<Acceptance>,
    /// Somebody has, or had, it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_held: bool,
    /// Who is, or was, there.
    pub arrived_by: Option<OfficerId>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// The stage of its rule.
    pub stage: Option<String>,
    /// Something unusual.
    pub mark: Option<Mark>,
    /// A test.
    pub test: bool,
    /// Which devices said so.
    pub devices: Vec<DeviceId>,
    /// Pictures and clips.
    pub evidence: Vec<Evidence>,
    /// What the rule remembers.
    pub details: BTreeMap<String, serde_json::Value>,
    /// Its incident.
    pub incident: Option<IncidentId>,
    /// Who is told when.
    pub ladder: Ladder,
    /// When the ladder began: at the raise, or when acceptance was cleared.
    pub ladder_from: Timestamp,
    /// The last rung that was reached.
    pub rung: Option<usize>,
    /// When the ladder moves next; `None` while it is stopped.
    pub next_rung: Option<NextRung>,
    /// Repeats within this time after its end belong to it.
    pub merge: Span,
    /// Everybody who has it in their outbox.
    pub followers: BTreeMap<OfficerId, Follower>,
    /// The latest revision that was published; 0 before the first.
    pub rev: u64,
    /// When that was.
    pub published_at: Timestamp,
    /// The revision of the latest upgrade: who saw an earlier one accepts something else than they think.
    pub upgraded_rev: u64,
    /// Something changed that is not published yet.
    pub dirty: bool,
    /// Its history.
    pub timeline: Vec<Entry>,
    /// The configuration that it was raised with.
    pub config: String,
    /// Where the latest input that raised it, or made more of it, lies in the journal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<u64>,
    /// When it became active again, lately: a sensor that chatters is told by it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub again_at: Vec<Timestamp>,
    /// Nobody is called for some time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shelved: Option<Shelf>,
    /// What became of its evidence, line by line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub custody: Vec<CustodyLine>,
}

/// The longest list of devices or of pictures that one alarm keeps; more are counted only.
pub(crate) const LIST_MAX: usize = 64;

impl Alarm {
    pub(crate) fn raised(at: Timestamp, raised: &Raised) -> Self {
        let raised = raised.clone();
        Self {
            id: raised.alarm,
            kind: raised.kind,
            key: raised.key,
            place: raised.place,
            priority: raised.priority,
            reason: raised.reason.clone(),
            raised_at: at,
            first_at: raised.first_at,
            last_at: raised.first_at,
            count: raised.count,
            condition: Condition::Active,
            response: Response::Unaccepted,
            accepted: None,
            was_held: false,
            arrived_by: None,
            outcome: None,
            closed_at: None,
            stage: raised.stage,
            mark: raised.mark,
            test: raised.test,
            devices: raised.devices,
            evidence: raised.evidence,
            details: raised.details,
            incident: raised.incident,
            ladder: raised.ladder,
            ladder_from: at,
            rung: None,
            next_rung: None,
            merge: raised.merge,
            followers: BTreeMap::new(),
            rev: 0,
            published_at: Timestamp(0),
            upgraded_rev: 0,
            dirty: true,
            timeline: vec![Entry::new(at, "raised").because(raised.reason)],
            config: raised.config,
            trace: None,
            again_at: Vec::new(),
            shelved: None,
            custody: Vec::new(),
        }
    }

    /// People are not done with it.
    pub fn is_open(&self) -> bool {
        self.response != Response::Closed
    }

    /// The sensor still says so.
    pub fn is_active(&self) -> bool {
        self.condition == Condition::Active
    }

    /// Nobody has it yet, and somebody should.
    pub fn is_unaccepted(&self) -> bool {
        self.response == Response::Unaccepted
    }

    pub(crate) fn write(&mut self, entry: Entry) {
        if self.timeline.len() >= TIMELINE_MAX {
            self.timeline.remove(TIMELINE_KEPT);
        }
        self.timeline.push(entry);
        self.dirty = true;
    }
}

impl Entry {
    pub(crate) fn new(at: Timestamp, what: &str) -> Self {
        Self { at, what: what.to_owned(), by: None, to: None, channel: None, reason: None, trace: None }
    }

    pub(crate) fn owned(self, owner: &Owner) -> Self {
        match owner {
            Owner::Officer(officer) => self.by(officer),
            Owner::Rule { .. } => self,
        }
    }

    pub(crate) fn by(mut self, officer: &OfficerId) -> Self {
        self.by = Some(officer.clone());
        self
    }

    pub(crate) fn to(mut self, officer: &OfficerId) -> Self {
        self.to = Some(officer.clone());
        self
    }

    pub(crate) fn over(mut self, channel: &str) -> Self {
        self.channel = Some(channel.to_owned());
        self
    }

    pub(crate) fn because(mut self, reason: Reason) -> Self {
        self.reason = Some(reason);
        self
    }
}

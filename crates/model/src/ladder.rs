//! Who is told of an alarm, and when, until somebody accepts it.

use crate::{OfficerId, Priority, Role, Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Whom a rung tells. Names are looked up when the rung is reached, not when the alarm is raised.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Everybody on duty in this role who serves the alarm's place.
    OnDuty(Role),
    /// Everybody on duty in this role, whatever they serve.
    Anywhere(Role),
    /// Guards and grid workers on duty anywhere in the compound who were not told yet.
    Backup,
    /// These people, on duty or not.
    People(Vec<OfficerId>),
}

/// One step of a ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// How long after the ladder's start, microseconds.
    pub after: Span,
    /// Whom it tells.
    pub tell: Vec<Audience>,
    /// Their phones ring; otherwise the alarm is only shown.
    pub ring: bool,
    /// The stage that the alarm enters with this rung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The priority that the alarm has from this rung on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The resident of the home is called.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub call_resident: bool,
}

/// What stops a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopsAt {
    /// Somebody accepted: the people clock stops.
    Acceptance,
    /// Only the end of the alarm: acceptance stops the ringing, the stages go on.
    Closure,
}

/// A ladder, frozen into its alarm when it is raised: a changed configuration does not change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ladder {
    /// Its steps in time order. Empty: nobody is interrupted (P4).
    pub rungs: Vec<Rung>,
    /// After the last rung, it is repeated this often, microseconds.
    pub repeat: Span,
    /// Accepted but not on scene within this time: reopened, microseconds.
    pub on_scene: Span,
    /// What stops it.
    pub stops_at: StopsAt,
}

/// Why somebody whom a rung names was not reached by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreached {
    /// No fresh socket, no push, no webhook, no telephone.
    NoChannel,
    /// Said that they cannot come.
    Declined,
}

/// Somebody whom a rung tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Who.
    pub officer: OfficerId,
    /// Why this does not count as reached; the row is in their outbox all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreached: Option<Unreached>,
    /// In a flood of alarms: it is in their list, and their phone does not ring.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub quiet: bool,
}

/// When the ladder moves next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextRung {
    /// Index into the ladder's rungs; the last one again when it is repeated.
    pub rung: usize,
    /// When.
    pub at: Timestamp,
}

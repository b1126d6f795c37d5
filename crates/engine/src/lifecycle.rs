//! The lifecycle of an alarm after ISA-18.2 / IEC 62682: the one table of what may follow what.
//!
//! Two axes. The sensor's: active, or cleared; cleared and still open is *latched*, because a person has not ended it.
//! People's: called, accepted (acknowledged) and what they do then, or set aside in one of three ways. Applying a fact
//! goes along a row of [`TABLE`]; deciding on one that has no row is a fault of the program. `docs/lifecycle.md` shows
//! the same table, and a test compares the two.

use crate::alarm::{Alarm, Condition};
use wanglou_model::{Aside, Fact, Reopening, Response};

/// Where an alarm stands on the people's axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// There is no alarm, or it is forgotten.
    Nothing,
    /// People are being called: unacknowledged.
    Called,
    /// Nobody is called, in one of three ways, until a time that is armed.
    Aside(Aside),
    /// Somebody has it: acknowledged.
    Accepted,
    /// They are on their way.
    EnRoute,
    /// They are there.
    Arrived,
    /// They said how it ended; the sensor, or the rule, has still to agree.
    Resolved,
    /// Over: normal.
    Closed,
}

/// What takes an alarm from one phase to another. Each is made by one kind of fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Move {
    /// A rule raises it.
    Raise,
    /// It must be accepted anew.
    Reopen,
    /// The sensor says so again, and that calls nobody: it is set aside, or somebody has it while it chatters.
    Again,
    /// The sensor no longer says so.
    Clear,
    /// Somebody takes it.
    Accept,
    /// They give it back.
    Undo,
    /// They hand it on.
    Transfer,
    /// It is set aside.
    SetAside(Aside),
    /// They set out.
    SetOut,
    /// They are there.
    Arrive,
    /// They say how it ended.
    Resolve,
    /// It ends.
    Close,
    /// Memory lets go of it.
    Forget,
}

/// What a move does to the sensor's axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sensor {
    /// Nothing.
    Same,
    /// It is so.
    Active,
    /// It is no longer so.
    Cleared,
    /// It is so, if that is why.
    ActiveIfAgain,
}

/// Which deadline must be armed in a phase, so that nothing is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// The next rung of its ladder.
    Ladder,
    /// Whoever has it should be on scene, or have ended it.
    OnScene,
    /// The time for which it is set aside ends.
    Shelf,
    /// Memory lets go of it.
    Forget,
}

/// One row: this move leads from each of these phases to that one.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The move.
    pub by: Move,
    /// From any of these.
    pub from: &'static [Phase],
    /// To this one; `None`: the phase stays.
    pub to: Option<Phase>,
    /// What becomes of the sensor's axis.
    pub sensor: Sensor,
}

use Aside::{ByDesign, OutOfService, Shelved};

const ASIDE: [Phase; 3] = [Phase::Aside(Shelved), Phase::Aside(ByDesign), Phase::Aside(OutOfService)];
const HELD: [Phase; 4] = [Phase::Accepted, Phase::EnRoute, Phase::Arrived, Phase::Resolved];
const FREE: [Phase; 4] = [Phase::Called, ASIDE[0], ASIDE[1], ASIDE[2]];
const OPEN: [Phase; 8] = [FREE[0], FREE[1], FREE[2], FREE[3], HELD[0], HELD[1], HELD[2], HELD[3]];
const KNOWN: [Phase; 9] =
    [OPEN[0], OPEN[1], OPEN[2], OPEN[3], OPEN[4], OPEN[5], OPEN[6], OPEN[7], Phase::Closed];

const fn row(by: Move, from: &'static [Phase], to: Option<Phase>, sensor: Sensor) -> Row {
    Row { by, from, to, sensor }
}

/// Every move there is. No phase has two rows for one move.
pub const TABLE: [Row; 15] = [
    row(Move::Raise, &[Phase::Nothing], Some(Phase::Called), Sensor::Active),
    row(Move::Reopen, &KNOWN, Some(Phase::Called), Sensor::ActiveIfAgain),
    row(Move::Again, &OPEN, None, Sensor::Active),
    row(Move::Clear, &OPEN, None, Sensor::Cleared),
    row(Move::Accept, &FREE, Some(Phase::Accepted), Sensor::Same),
    row(Move::Undo, &HELD, Some(Phase::Called), Sensor::Same),
    row(Move::Transfer, &OPEN, Some(Phase::Called), Sensor::Same),
    row(Move::SetAside(Shelved), &OPEN, Some(ASIDE[0]), Sensor::Same),
    row(Move::SetAside(ByDesign), &FREE, Some(ASIDE[1]), Sensor::Same),
    row(Move::SetAside(OutOfService), &FREE, Some(ASIDE[2]), Sensor::Same),
    row(Move::SetOut, &HELD, Some(Phase::EnRoute), Sensor::Same),
    row(Move::Arrive, &HELD, Some(Phase::Arrived), Sensor::Same),
    row(Move::Resolve, &HELD, Some(Phase::Resolved), Sensor::Same),
    row(Move::Close, &OPEN, Some(Phase::Closed), Sensor::Same),
    row(Move::Forget, &[Phase::Closed], Some(Phase::Nothing), Sensor::Same),
];

/// The row of a move from a phase, if the table has one.
pub fn row_of(from: Phase, by: Move) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.by == by && row.from.contains(&from))
}

impl Phase {
    /// All of them, in the order of the drawing.
    pub const ALL: [Phase; 10] = [
        Phase::Nothing,
        Phase::Called,
        ASIDE[0],
        ASIDE[1],
        ASIDE[2],
        Phase::Accepted,
        Phase::EnRoute,
        Phase::Arrived,
        Phase::Resolved,
        Phase::Closed,
    ];

    /// What must be armed in it.
    pub fn deadline(self) -> Option<Deadline> {
        match self {
            Phase::Nothing => None,
            Phase::Called => Some(Deadline::Ladder),
            Phase::Aside(_) => Some(Deadline::Shelf),
            Phase::Accepted | Phase::EnRoute | Phase::Arrived | Phase::Resolved => Some(Deadline::OnScene),
            Phase::Closed => Some(Deadline::Forget),
        }
    }

    /// The response that goes with it.
    pub(crate) fn response(self) -> Response {
        match self {
            Phase::Nothing | Phase::Closed => Response::Closed,
            Phase::Called | Phase::Aside(_) => Response::Unaccepted,
            Phase::Accepted => Response::Accepted,
            Phase::EnRoute => Response::EnRoute,
            Phase::Arrived => Response::Arrived,
            Phase::Resolved => Response::Resolved,
        }
    }

    /// The name in the drawing.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Nothing => "nothing",
            Phase::Called => "called",
            Phase::Aside(aside) => aside.name(),
            Phase::Accepted => "accepted",
            Phase::EnRoute => "en_route",
            Phase::Arrived => "arrived",
            Phase::Resolved => "resolved",
            Phase::Closed => "closed",
        }
    }
}

impl Move {
    /// The name in the drawing.
    pub fn name(self) -> &'static str {
        match self {
            Move::Raise => "raise",
            Move::Reopen => "reopen",
            Move::Again => "again",
            Move::Clear => "clear",
            Move::Accept => "accept",
            Move::Undo => "undo",
            Move::Transfer => "transfer",
            Move::SetAside(Shelved) => "shelve",
            Move::SetAside(ByDesign) => "suppress by design",
            Move::SetAside(OutOfService) => "take out of service",
            Move::SetOut => "set out",
            Move::Arrive => "arrive",
            Move::Resolve => "resolve",
            Move::Close => "close",
            Move::Forget => "forget",
        }
    }
}

/// The move that a fact makes, if it makes one.
pub(crate) fn move_of(fact: &Fact) -> Option<Move> {
    Some(match fact {
        Fact::Raised(_) => Move::Raise,
        Fact::Reopened { .. } => Move::Reopen,
        Fact::Again { .. } => Move::Again,
        Fact::Cleared { .. } => Move::Clear,
        Fact::Accepted { .. } => Move::Accept,
        Fact::Undone { .. } => Move::Undo,
        Fact::Transferred { .. } => Move::Transfer,
        Fact::Shelved { how, .. } => Move::SetAside(*how),
        Fact::EnRoute { .. } => Move::SetOut,
        Fact::Arrived { .. } => Move::Arrive,
        Fact::Resolved { .. } => Move::Resolve,
        Fact::Closed { .. } => Move::Close,
        Fact::Forgotten { .. } => Move::Forget,
        Fact::Canary(_)
        | Fact::Repeated { .. }
        | Fact::Upgraded { .. }
        | Fact::Staged { .. }
        | Fact::Detailed { .. }
        | Fact::Marked { .. }
        | Fact::Rung { .. }
        | Fact::Reminded { .. }
        | Fact::Published { .. }
        | Fact::Withdrawn { .. }
        | Fact::Declined { .. }
        | Fact::Noted { .. }
        | Fact::Answered { .. }
        | Fact::Delivered { .. }
        | Fact::EffectQueued { .. }
        | Fact::EffectStarted { .. }
        | Fact::EffectEnded { .. }
        | Fact::Armed { .. }
        | Fact::Suppressed { .. }
        | Fact::Health { .. }
        | Fact::Watched { .. }
        | Fact::Away { .. }
        | Fact::Consent { .. }
        | Fact::Permit(_)
        | Fact::Entered(_)
        | Fact::Commanded(_)
        | Fact::Custody { .. }
        | Fact::Noticed { .. }
        | Fact::Erased { .. }
        | Fact::CommandNews { .. } => return None,
    })
}

impl Alarm {
    /// Where it stands.
    pub fn phase(&self) -> Phase {
        match (self.response, &self.shelved) {
            (Response::Unaccepted, Some(shelf)) => Phase::Aside(shelf.how),
            (Response::Unaccepted, None) => Phase::Called,
            (Response::Accepted, _) => Phase::Accepted,
            (Response::EnRoute, _) => Phase::EnRoute,
            (Response::Arrived, _) => Phase::Arrived,
            (Response::Resolved, _) => Phase::Resolved,
            (Response::Closed, _) => Phase::Closed,
        }
    }

    /// The sensor has let go and no person has ended it.
    pub fn is_latched(&self) -> bool {
        self.is_open() && !self.is_active()
    }

    /// Goes along the table. A fact that is written is applied although the table has no row for it (an earlier one
    /// was lost to a damaged record): it happened.
    pub(crate) fn go(&mut self, at: wanglou_model::Timestamp, fact: &Fact) {
        let Some(by) = move_of(fact) else { return };
        let row = row_of(self.phase(), by).or_else(|| TABLE.iter().find(|row| row.by == by));
        let Some(row) = row else { return };
        let again = matches!(fact, Fact::Reopened { why: Reopening::ActiveAgain, .. });
        match row.sensor {
            Sensor::Active => self.condition = Condition::Active,
            Sensor::Cleared => self.condition = Condition::Cleared { at },
            Sensor::ActiveIfAgain if again => self.condition = Condition::Active,
            Sensor::ActiveIfAgain | Sensor::Same => {}
        }
        if let Some(to) = row.to {
            self.response = to.response();
        }
    }
}

/// The table as Markdown, as `docs/lifecycle.md` shows it.
pub fn drawing() -> String {
    let names = |phases: &[Phase]| {
        let names: Vec<&str> = phases.iter().map(|phase| phase.name()).collect();
        names.join(", ")
    };
    let mut text = String::from("| move | from | to | the sensor's axis |\n|---|---|---|---|\n");
    for row in &TABLE {
        let sensor = match row.sensor {
            Sensor::Same => "stays",
            Sensor::Active => "active",
            Sensor::Cleared => "cleared",
            Sensor::ActiveIfAgain => "active, if that is why",
        };
        let to = row.to.map_or("stays", Phase::name);
        text.push_str(&format!("| {} | {} | {to} | {sensor} |\n", row.by.name(), names(row.from)));
    }
    text.push_str("\n| phase | what is armed in it |\n|---|---|\n");
    for phase in Phase::ALL {
        let armed = match phase.deadline() {
            None => "nothing",
            Some(Deadline::Ladder) => "the next rung",
            Some(Deadline::OnScene) => "on scene, or ended",
            Some(Deadline::Shelf) => "its end",
            Some(Deadline::Forget) => "forgetting",
        };
        text.push_str(&format!("| {} | {armed} |\n", phase.name()));
    }
    text
}

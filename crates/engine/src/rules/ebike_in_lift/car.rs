//! The car and its hold, as the controller tells them.

use serde::{Deserialize, Serialize};
use wanglou_model::{LiftDoor, LiftMode, Timestamp};

/// What the controller said last; what it never said is unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Car {
    pub(super) door: Option<LiftDoor>,
    pub(super) moving: Option<bool>,
    pub(super) floor: Option<i32>,
    pub(super) mode: Option<LiftMode>,
    pub(super) hold_command: Option<bool>,
    pub(super) hold_feedback: Option<bool>,
    /// Known to move, or not to have its door open.
    pub(super) shut: bool,
    /// Since when it is not.
    pub(super) opened_at: Timestamp,
    pub(super) held_since: Option<Timestamp>,
    pub(super) mismatch_since: Option<Timestamp>,
    pub(super) fire_since: Option<Timestamp>,
    pub(super) failed: bool,
    pub(super) overdue: bool,
    pub(super) idle: bool,
    pub(super) in_fire: bool,
}

/// A status of the car; what it does not say stays as it was.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Status {
    pub(super) door: Option<LiftDoor>,
    pub(super) moving: Option<bool>,
    pub(super) floor: Option<i32>,
    pub(super) mode: Option<LiftMode>,
    pub(super) hold_command: Option<bool>,
    pub(super) hold_feedback: Option<bool>,
}

impl Car {
    /// Is the door held, as far as is known? The feedback counts, else the command.
    pub(super) fn is_held(&self) -> bool {
        self.hold_feedback.or(self.hold_command) == Some(true)
    }

    /// Is it known whether the car moves?
    pub(super) fn is_known(&self) -> bool {
        self.moving.is_some() || self.floor.is_some() || self.door == Some(LiftDoor::Open) || self.is_held()
    }

    pub(super) fn take(&mut self, at: Timestamp, status: Status) {
        self.door = status.door.or(self.door);
        self.moving = status.moving.or(self.moving);
        self.floor = status.floor.or(self.floor);
        self.mode = status.mode.or(self.mode);
        self.hold_command = status.hold_command.or(self.hold_command);
        self.hold_feedback = status.hold_feedback.or(self.hold_feedback);
        self.follow(at);
    }

    /// What follows from the state, with the time since when it is so.
    fn follow(&mut self, at: Timestamp) {
        let shut = self.moving == Some(true) || self.door.is_some_and(|door| door != LiftDoor::Open);
        if self.shut && !shut {
            self.opened_at = at;
        }
        self.shut = shut;
        let held = self.is_held();
        let mismatch = matches!((self.hold_command, self.hold_feedback), (Some(a), Some(b)) if a != b);
        since(&mut self.held_since, held, at);
        since(&mut self.mismatch_since, mismatch, at);
        since(&mut self.fire_since, held && self.mode == Some(LiftMode::Fire), at);
        self.failed &= mismatch;
        self.overdue &= held;
        self.idle &= held;
        self.in_fire &= self.fire_since.is_some();
    }
}

fn since(slot: &mut Option<Timestamp>, holds: bool, at: Timestamp) {
    *slot = if holds { slot.or(Some(at)) } else { None };
}

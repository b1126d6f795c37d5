//! Thresholds of the rule, and the ladder that it has of its own.

use crate::ladder::{rung, times};
use serde::{Deserialize, Serialize};
use wanglou_model::{Audience, Ladder, PlaceId, Priority, Role, Span, StopsAt};

/// Thresholds of the rule. Defaults: the project's alarm rules, §1; those without a published source are marked (A).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EbikeInLiftSettings {
    /// From this confidence on a hit counts, 0 to 1. A hit without one counts: the vendor's threshold is met.
    pub confidence: f64,
    /// A bike that was seen stays seen from this confidence on, 0 to 1 (A).
    pub stay_confidence: f64,
    /// So long it must be there, the car standing with its door open, milliseconds (A).
    pub present_ms: i64,
    /// A hit of a streaming camera holds so long, seconds.
    pub hit_holds_s: i64,
    /// Absent so long it has left, seconds.
    pub absent_s: i64,
    /// It closes itself only within this time from the raise, seconds.
    pub complied_within_s: i64,
    /// Feedback may differ from the hold command so long, seconds.
    pub hold_failed_s: i64,
    /// Where a hold is wired it must be seen within this time from the raise, seconds; else phones ring (A).
    pub hold_expected_s: i64,
    /// A hold is overdue after this time, seconds (A).
    pub held_overdue_s: i64,
    /// A hold without anything detected is a lift out of service after this time, seconds.
    pub hold_idle_s: i64,
    /// A hold must be over this long after the controller reports fire mode, seconds.
    pub hold_in_fire_s: i64,
    /// A streaming camera without any message for this time has failed, seconds.
    pub no_frames_s: i64,
    /// A start without a stop for this time is unverified, seconds.
    pub no_stop_s: i64,
    /// Repeats within this time after the end belong to the same alarm, seconds.
    pub merge_s: i64,
    /// Alarms of one building within this time from the first are one incident, seconds.
    pub incident_s: i64,
    /// So many bikes in one lift are told to the officer in a summary.
    pub summary_hits: u32,
    /// Within so many days.
    pub summary_days: i64,
    /// Lifts whose maintainer has signed on that an open door is held on request, by place. Without it nothing is
    /// held from here, only released.
    pub hold_on_request: Vec<PlaceId>,
    /// It is asked for only if the controller spoke within this time, seconds (A).
    pub hold_status_s: i64,
    /// The guard's phone rings at the latest after this time, seconds from the raise.
    pub ring_s: i64,
    /// The officer is told after this time, seconds from the raise.
    pub officer_s: i64,
    /// The manager is told after this time, seconds from the raise.
    pub manager_s: i64,
}

impl Default for EbikeInLiftSettings {
    fn default() -> Self {
        Self {
            confidence: 0.80,
            stay_confidence: 0.50,
            present_ms: 1_500,
            hit_holds_s: 3,
            absent_s: 5,
            complied_within_s: 120,
            hold_failed_s: 3,
            hold_expected_s: 3,
            held_overdue_s: 300,
            hold_idle_s: 60,
            hold_in_fire_s: 3,
            no_frames_s: 10,
            no_stop_s: 120,
            merge_s: 120,
            incident_s: 300,
            summary_hits: 3,
            summary_days: 30,
            hold_on_request: Vec::new(),
            hold_status_s: 90,
            ring_s: 60,
            officer_s: 120,
            manager_s: 300,
        }
    }
}

impl EbikeInLiftSettings {
    /// The officer's list, without ringing.
    pub(super) fn summary_ladder(&self) -> Ladder {
        let shown =
            wanglou_model::Rung { ring: false, ..rung(Span::ZERO, vec![Audience::OnDuty(Role::Officer)]) };
        let times = times(Priority::P4);
        Ladder {
            rungs: vec![shown],
            repeat: times.repeat,
            on_scene: times.on_scene,
            stops_at: StopsAt::Acceptance,
        }
    }

    /// Who is told when: the guard's list at once, silently while the lift is held; then phones ring.
    pub(super) fn ladder(&self, silent: bool) -> Ladder {
        let guards = || vec![Audience::OnDuty(Role::Guard), Audience::OnDuty(Role::GridWorker)];
        let at = |seconds, tell| rung(Span::secs(seconds), tell);
        let mut first = at(0, guards());
        first.ring = !silent;
        let times = times(Priority::P2);
        Ladder {
            rungs: vec![
                first,
                at(self.ring_s, guards()),
                at(self.officer_s, vec![Audience::OnDuty(Role::Officer)]),
                at(self.manager_s, vec![Audience::OnDuty(Role::Manager)]),
            ],
            repeat: times.repeat,
            on_scene: times.on_scene,
            stops_at: StopsAt::Acceptance,
        }
    }
}

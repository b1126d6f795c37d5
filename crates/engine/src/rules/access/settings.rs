//! Thresholds of the rule about doors.

use crate::rules::time_of_day;
use serde::{Deserialize, Serialize};
use wanglou_model::{MinuteOfDay, OfficerId};

/// Thresholds of the rule. Defaults: the project's alarm rules, §5.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessSettings {
    /// A grant or a request to exit allows an opening so long after it, seconds.
    pub grant_before_s: i64,
    /// And one that arrives so long after the opening, seconds.
    pub grant_after_s: i64,
    /// Opened again so soon after an allowed opening was closed: allowed, seconds.
    pub reopen_s: i64,
    /// Open for so long: the controller beeps, seconds.
    pub beep_s: i64,
    /// Open for so long: P4, seconds.
    pub held_s: i64,
    /// Open for so long: P3, seconds.
    pub held_long_s: i64,
    /// So many denials…
    pub denials: usize,
    /// …within so long are P3, seconds.
    pub denials_s: i64,
    /// Repeats within this time after the end belong to the same alarm, seconds.
    pub merge_s: i64,
    /// So many movements within a minute are a broken contact…
    pub flapping_edges: usize,
    /// …which is not believed for so long, seconds.
    pub shelved_s: i64,
    /// So many doors that open within seconds of each other without a grant were released, not forced.
    pub release_doors: usize,
    /// Who alone sees hits of watch-lists. Nobody named: nobody sees them.
    pub reviewers: Vec<OfficerId>,
    /// A hit that nobody reviewed expires after so long, with its picture, seconds.
    pub hit_expires_s: i64,
    /// Night begins: a forced door is P2, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub night_from: MinuteOfDay,
    /// Night ends, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub night_until: MinuteOfDay,
}

impl Default for AccessSettings {
    fn default() -> Self {
        Self {
            grant_before_s: 5,
            grant_after_s: 3,
            reopen_s: 10,
            beep_s: 30,
            held_s: 300,
            held_long_s: 1800,
            denials: 5,
            denials_s: 60,
            merge_s: 600,
            flapping_edges: 10,
            shelved_s: 1800,
            release_doors: 3,
            reviewers: Vec::new(),
            hit_expires_s: 600,
            night_from: MinuteOfDay(22 * 60),
            night_until: MinuteOfDay(6 * 60),
        }
    }
}

//! Thresholds of the rule, and the silent ladder of a review.

use crate::ladder::{rung, times};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wanglou_model::{Audience, Ladder, Priority, Role, Span, StopsAt};

/// Thresholds of the rule. Defaults: the project's alarm rules, §2; those without a published source are marked (A).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThrownObjectSettings {
    /// From this confidence on a hit is certain, 0 to 1 (A).
    pub confidence: f64,
    /// The same in rain or in the dark, 0 to 1 (A).
    pub confidence_poor_sight: f64,
    /// From this much on it rains, millimetres an hour (A).
    pub rain_mm_h: f64,
    /// A report of rain holds so long, seconds (A).
    pub rain_holds_s: i64,
    /// What is known to fall less far is no throw, metres.
    pub drop_m: f64,
    /// What is known to be slower flutters, metres a second.
    pub flutter_mps: f64,
    /// Zones of the cameras, such as laundry racks, where only what is known to fall through counts.
    pub shield_zones: BTreeSet<String>,
    /// Hits so near to each other by the cameras' clocks are one throw, seconds.
    pub merge_device_s: i64,
    /// The same by receive time, where a clock is missing or wrong, seconds.
    pub merge_receive_s: i64,
    /// Columns so near to each other are one throw.
    pub merge_columns: i32,
    /// More hits than this from one camera within the storm's time are a storm.
    pub storm_hits: u32,
    /// The storm's time, seconds.
    pub storm_s: i64,
    /// The camera's weak hits are shelved so long, seconds.
    pub shelved_s: i64,
    /// Hits in so many buildings at the same moment are rain or fireworks; two at least, less counts as two (A).
    pub sky_buildings: usize,
    /// Two cameras that are not sure prove nothing for so long after such a moment, seconds (A).
    pub sky_s: i64,
    /// A report of somebody hurt so soon after a throw belongs to it, seconds.
    pub hurt_within_s: i64,
    /// A report of something burning so soon after a throw belongs to it, seconds.
    pub fire_within_s: i64,
    /// And so near to it, metres, where positions are known; else in the same building.
    pub report_within_m: f64,
    /// A review that nobody has taken is shown again after these times, seconds from its begin.
    pub review_s: [i64; 3],
}

impl Default for ThrownObjectSettings {
    fn default() -> Self {
        Self {
            confidence: 0.80,
            confidence_poor_sight: 0.90,
            rain_mm_h: 0.1,
            rain_holds_s: 3_600,
            drop_m: 6.0,
            flutter_mps: 3.0,
            shield_zones: BTreeSet::new(),
            merge_device_s: 3,
            merge_receive_s: 10,
            merge_columns: 1,
            storm_hits: 10,
            storm_s: 600,
            shelved_s: 1_800,
            sky_buildings: 4,
            sky_s: 600,
            hurt_within_s: 600,
            fire_within_s: 300,
            report_within_m: 30.0,
            review_s: [120, 300, 600],
        }
    }
}

impl ThrownObjectSettings {
    /// The ladder of a review: shown to the control room, later to the manager too; no phone rings.
    pub(super) fn review_ladder(&self) -> Ladder {
        let silent = |seconds, roles: &[Role]| {
            let tell = roles.iter().copied().map(Audience::OnDuty).collect();
            wanglou_model::Rung { ring: false, ..rung(Span::secs(seconds), tell) }
        };
        let [second, third, last] = self.review_s;
        let times = times(Priority::P3);
        Ladder {
            rungs: vec![
                silent(0, &[Role::ControlRoom]),
                silent(second, &[Role::ControlRoom]),
                silent(third, &[Role::ControlRoom, Role::Manager]),
                silent(last, &[Role::ControlRoom, Role::Manager]),
            ],
            repeat: times.repeat,
            on_scene: times.on_scene,
            stops_at: StopsAt::Acceptance,
        }
    }
}

//! Thresholds of the rule.

use serde::{Deserialize, Serialize};

/// Thresholds of the rule. Defaults: the project's alarm rules, §4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManholeSettings {
    /// From this angle on a cover counts as open, degrees from closed rest.
    pub open_deg: f64,
    /// From this angle on it is life-threatening at any hour, degrees.
    pub wide_open_deg: f64,
    /// Below this angle it counts as closed, degrees.
    pub closed_deg: f64,
    /// So long the angle must stand uncontradicted, seconds.
    pub settle_s: i64,
    /// So long it must rest closed, seconds.
    pub rest_s: i64,
    /// Water this far below the rim, or less, is P3, millimetres.
    pub water_mm_below_rim: f64,
    /// Methane, percent of the lower explosive limit: P2 from the first, P1 from the second.
    pub ch4_lel_pct: [f64; 2],
    /// Hydrogen sulphide, parts per million: P2 from the first, P1 from the second.
    pub h2s_ppm: [f64; 2],
    /// A reminder this often until the cover is guarded, seconds.
    pub remind_s: i64,
    /// And this often afterwards, seconds.
    pub remind_guarded_s: i64,
    /// A follow-up that a moved cover promised may be this late, seconds.
    pub follow_up_grace_s: i64,
    /// A permit mutes the angle for so long after its end, seconds.
    pub permit_grace_s: i64,
    /// Water alarms of one zone within this time share one notification, seconds.
    pub flood_s: i64,
    /// From so many covers on it is named a flood.
    pub flood_covers: usize,
}

impl Default for ManholeSettings {
    fn default() -> Self {
        Self {
            open_deg: 15.0,
            wide_open_deg: 60.0,
            closed_deg: 5.0,
            settle_s: 30,
            rest_s: 600,
            water_mm_below_rim: 300.0,
            ch4_lel_pct: [10.0, 25.0],
            h2s_ppm: [10.0, 50.0],
            remind_s: 600,
            remind_guarded_s: 7200,
            follow_up_grace_s: 600,
            permit_grace_s: 900,
            flood_s: 600,
            flood_covers: 5,
        }
    }
}

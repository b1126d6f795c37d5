//! Thresholds and times of the living-alone rule.

use crate::rules::time_of_day;
use serde::{Deserialize, Serialize};
use wanglou_model::{MinuteOfDay, Span};

/// Thresholds of the rule. Defaults: the project's alarm rules, §3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LivingAloneSettings {
    /// So long without a door moving: the home is watched, silently, hours.
    pub watch_h: u32,
    /// So long without a door moving: the resident is called, hours.
    pub call_h: u32,
    /// A door sensor that was not heard for so long tells nothing any more, hours. Slower devices: one and a half
    /// of their intervals.
    pub live_h: u32,
    /// Nobody is called on word older than this, hours. Slower devices: their interval.
    pub fresh_h: u32,
    /// So long unknown: somebody goes and looks, hours.
    pub visit_h: u32,
    /// And again so long after somebody looked, hours.
    pub visit_again_h: u32,
    /// The second call after the first one, seconds.
    pub second_call_s: u32,
    /// The family after the first call, seconds.
    pub family_s: u32,
    /// The captain or the grid worker knocks after the first call, seconds.
    pub captain_s: u32,
    /// And is there by this time after the first call, seconds.
    pub there_by_s: u32,
    /// The police look after the first call, seconds.
    pub police_s: u32,
    /// Nobody is called from this time of day on, `HH:MM`, unless the home is one of high risk.
    #[serde(with = "time_of_day")]
    pub quiet_from: MinuteOfDay,
    /// Until this time of day, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub quiet_until: MinuteOfDay,
    /// So many movements of a door within a minute are a broken sensor, at most 64.
    pub flapping_edges: u8,
    /// A broken contact is believed again after so long without a movement, seconds.
    pub flapping_calm_s: u32,
    /// A hub may be gone for so long before its repair is asked for, seconds.
    pub hub_grace_s: u32,
    /// A door stands open for so long by day, seconds.
    pub door_open_s: u32,
    /// And for so long at night, seconds.
    pub door_open_night_s: u32,
    /// It stands open for so long that somebody goes and looks, seconds.
    pub door_open_visit_s: u32,
    /// A sign of life other than a door counts before the call if it is younger than this, hours.
    pub sign_h: u32,
    /// So much water within an hour is a sign of life, litres; what always runs is taken off.
    pub water_l: f64,
    /// The family is told so long after the last movement of a door, where motion sensor and water meter are silent
    /// for as long, hours.
    pub shortcut_h: u32,
    /// Both must have shown life within this time, hours.
    pub shortcut_active_h: u32,
    /// A water meter that reports less often than this corroborates nothing, hours.
    pub shortcut_meter_h: u32,
    /// Only from this time of day on, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub shortcut_from: MinuteOfDay,
    /// Until this time of day, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub shortcut_until: MinuteOfDay,
    /// Somebody who may not find back goes out from this time of night on, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub exit_from: MinuteOfDay,
    /// Until this time, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub exit_until: MinuteOfDay,
    /// And is not back within this time, seconds.
    pub exit_return_s: u32,
    /// Away for so long without an end: somebody asks, days.
    pub away_days: u32,
    /// Night begins, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub night_from: MinuteOfDay,
    /// Night ends, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub night_until: MinuteOfDay,
}

impl Default for LivingAloneSettings {
    fn default() -> Self {
        Self {
            watch_h: 20,
            call_h: 24,
            live_h: 8,
            fresh_h: 2,
            visit_h: 12,
            visit_again_h: 24,
            second_call_s: 300,
            family_s: 600,
            captain_s: 1200,
            there_by_s: 3000,
            police_s: 3600,
            quiet_from: MinuteOfDay(22 * 60),
            quiet_until: MinuteOfDay(7 * 60),
            flapping_edges: 10,
            flapping_calm_s: 1800,
            hub_grace_s: 600,
            door_open_s: 1800,
            door_open_night_s: 600,
            door_open_visit_s: 7200,
            sign_h: 12,
            water_l: 1.0,
            shortcut_h: 12,
            shortcut_active_h: 48,
            shortcut_meter_h: 2,
            shortcut_from: MinuteOfDay(9 * 60),
            shortcut_until: MinuteOfDay(22 * 60),
            exit_from: MinuteOfDay(0),
            exit_until: MinuteOfDay(5 * 60),
            exit_return_s: 1200,
            away_days: 14,
            night_from: MinuteOfDay(22 * 60),
            night_until: MinuteOfDay(6 * 60),
        }
    }
}

pub(super) fn hours(n: u32) -> Span {
    Span::hours(i64::from(n))
}

pub(super) fn secs(n: u32) -> Span {
    Span::secs(i64::from(n))
}

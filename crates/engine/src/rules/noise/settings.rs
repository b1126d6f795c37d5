//! Limits and times of the rule about noise.

use crate::rules::time_of_day;
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{MinuteOfDay, OfficerId, PlaceId, Timestamp};

/// A time of day in which a zone has a limit of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoiseWindow {
    /// The zone.
    pub place: PlaceId,
    /// From this time of day on, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub from: MinuteOfDay,
    /// Until this time of day, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub until: MinuteOfDay,
    /// The limit, dB(A).
    pub limit_db: f64,
}

/// Limits and times of the rule. Defaults: the project's alarm rules, §7.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoiseSettings {
    /// The convention's limit in its window, dB(A), for zones without windows of their own.
    pub limit_db: f64,
    /// The window begins, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub from: MinuteOfDay,
    /// The window ends, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub until: MinuteOfDay,
    /// Windows of single zones, in place of that one.
    pub windows: Vec<NoiseWindow>,
    /// Outside every window: the limit of the class by day, dB(A)…
    pub day_db: f64,
    /// …and by night, dB(A).
    pub night_db: f64,
    /// Night begins, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub night_from: MinuteOfDay,
    /// Night ends, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub night_until: MinuteOfDay,
    /// Zones where that is not for the digest only.
    pub outside: Vec<PlaceId>,
    /// So far above the limit it is P2, and short noise calls for the voice on the spot, dB.
    pub above_db: f64,
    /// So many minutes…
    pub minutes: usize,
    /// …of the last so many must be too loud.
    pub of_minutes: usize,
    /// A minute whose maximum is so far above its mean is a firecracker's, dB.
    pub impulse_db: f64,
    /// So long above `above_db`: the voice on the spot, seconds.
    pub burst_s: f64,
    /// A meter with this period or a longer one needs one report only, seconds.
    pub long_period_s: f64,
    /// So much of a period must be valid, as a fraction.
    pub valid: f64,
    /// More wind than this makes a report invalid, metres a second.
    pub wind_mps: f64,
    /// From this much rain on a report is invalid, millimetres an hour.
    pub rain_mm_h: f64,
    /// A meter that varies less than this over ten reports is stuck, dB.
    pub sigma_db: f64,
    /// It is over when all but one of the minutes are so far below the limit, dB.
    pub clear_db: f64,
    /// It is not raised again within so long after its end, seconds.
    pub again_s: i64,
    /// Who leads the dance in a zone, and is told first.
    pub leaders: BTreeMap<PlaceId, OfficerId>,
    /// The leader is told after so long, seconds.
    pub leader_s: i64,
    /// The property manager is told after so long, seconds.
    pub property_s: i64,
    /// From this breach of an evening on the officer is told.
    pub officer_breach: u32,
    /// Zones side by side: begun within `incident_s`, their alarms are one incident.
    pub adjacent: Vec<[PlaceId; 2]>,
    /// How close together that is, seconds.
    pub incident_s: i64,
}

impl Default for NoiseSettings {
    fn default() -> Self {
        Self {
            limit_db: 60.0,
            from: MinuteOfDay(19 * 60),
            until: MinuteOfDay(21 * 60),
            windows: Vec::new(),
            day_db: 60.0,
            night_db: 50.0,
            night_from: MinuteOfDay(22 * 60),
            night_until: MinuteOfDay(6 * 60),
            outside: Vec::new(),
            above_db: 5.0,
            minutes: 3,
            of_minutes: 5,
            impulse_db: 15.0,
            burst_s: 10.0,
            long_period_s: 180.0,
            valid: 0.8,
            wind_mps: 5.0,
            rain_mm_h: 0.1,
            sigma_db: 0.2,
            clear_db: 2.0,
            again_s: 900,
            leaders: BTreeMap::new(),
            leader_s: 180,
            property_s: 600,
            officer_breach: 3,
            adjacent: Vec::new(),
            incident_s: 120,
        }
    }
}

/// What holds at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Limit {
    pub(super) db: f64,
    /// Outside every window: for the digest only.
    pub(super) outside: bool,
}

impl NoiseSettings {
    /// The limit of a zone at a wall time.
    pub(super) fn limit(&self, setup: &Setup, place: &PlaceId, wall: Timestamp) -> Limit {
        let local = setup.calendar.local(wall);
        let mut own = self.windows.iter().filter(|window| window.place == *place).peekable();
        let in_window = match own.peek() {
            Some(_) => {
                own.find(|window| local.is_between(window.from, window.until)).map(|window| window.limit_db)
            }
            None => local.is_between(self.from, self.until).then_some(self.limit_db),
        };
        let night = local.is_between(self.night_from, self.night_until);
        let class = if night { self.night_db } else { self.day_db };
        let outside = in_window.is_none() && !self.outside.contains(place);
        Limit { db: in_window.unwrap_or(class), outside }
    }

    pub(super) fn are_adjacent(&self, one: &PlaceId, other: &PlaceId) -> bool {
        self.adjacent.iter().any(|[a, b]| (a, b) == (one, other) || (a, b) == (other, one))
    }
}

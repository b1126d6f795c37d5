//! Times of the rule about fire lanes.

use serde::{Deserialize, Serialize};

/// Times of the rule. Defaults: the project's alarm rules, §6.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FireLaneSettings {
    /// Parked for so long: P3, the owner is told, seconds.
    pub owner_s: i64,
    /// Parked for so long: P2, a guard goes there, seconds.
    pub guard_s: i64,
    /// Parked for so long: the station is told, seconds.
    pub station_s: i64,
    /// Loading with somebody beside it is left alone for so long, seconds.
    pub attended_s: i64,
    /// Hidden for so long it is still there, seconds.
    pub hidden_s: i64,
    /// The segment must be empty for so long, seconds.
    pub empty_s: i64,
    /// From this time on within `times_days` the officer's summary names it.
    pub times: usize,
    /// So many days are counted.
    pub times_days: i64,
    /// Classes of vehicles that may stand there.
    pub exempt: Vec<String>,
}

impl Default for FireLaneSettings {
    fn default() -> Self {
        let exempt = ["ambulance", "fire", "police"];
        Self {
            owner_s: 180,
            guard_s: 600,
            station_s: 1800,
            attended_s: 600,
            hidden_s: 120,
            empty_s: 60,
            times: 3,
            times_days: 30,
            exempt: exempt.map(str::to_owned).to_vec(),
        }
    }
}

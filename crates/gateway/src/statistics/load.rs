//! What officers had to bear, after ISA-18.2: how often phones rang, how much of the time that was a flood, which alarms
//! chatter, which stay open.

use super::figures::percent;
use super::lives::{CHATTER, Life, Push};
use super::month::Month;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;
use wanglou_model::Span;

/// ISA-18.2 counts in intervals of ten minutes.
const INTERVAL: Span = Span::mins(10);
/// An interval with so many pushes to one person begins a flood, one with fewer than the other ends it.
const FLOOD: u64 = 10;
const FLOOD_ENDS: u64 = 5;
/// Open for so long is stale.
const STALE: Span = Span::hours(24);

/// One officer's month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfficerLoad {
    /// Who, by id.
    pub officer: String,
    /// How often their phone rang.
    pub pushes: u64,
    /// A day, on average over the month, to a tenth.
    pub per_day: f64,
    /// The most within one interval of ten minutes.
    pub busiest_10_min: u64,
    /// Minutes in flood: from an interval with ten or more to the first with fewer than five.
    pub flood_min: u64,
    /// Of the month, percent, to a tenth.
    pub flood_pct: Option<f64>,
}

/// The month's load.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// By officer, those who were called at all.
    pub officers: Vec<OfficerLoad>,
    /// Shares of P1 to P4, percent, to a tenth; `None` without alarms. The standard's aim for three levels is 5, 15, 80.
    pub priority_pct: [Option<f64>; 4],
    /// Alarms that came three times or more within a minute, by kind and place, with how many alarms did.
    pub chattering: BTreeMap<String, u64>,
    /// Alarms that were open for more than a day, or still are at the journal's end.
    pub stale: u64,
}

/// The load of a month.
pub(super) fn of(month: Month, zone: &TimeZone, lives: &[&Life], pushes: &[Push]) -> Load {
    let (from, until) = month.bounds(zone);
    let mut by_officer: BTreeMap<&str, BTreeMap<i64, u64>> = BTreeMap::new();
    for push in pushes.iter().filter(|push| (from..until).contains(&push.at)) {
        let interval = (push.at - from).0 / INTERVAL.0;
        *by_officer.entry(push.officer.as_str()).or_default().entry(interval).or_default() += 1;
    }
    let mut priorities = [0_u64; 4];
    let mut chattering: BTreeMap<String, u64> = BTreeMap::new();
    for life in lives {
        priorities[usize::from(life.priority.level()) - 1] += 1;
        if life.busiest_minute >= CHATTER {
            *chattering.entry(format!("{} {}", life.kind, life.place)).or_default() += 1;
        }
    }
    let is_stale = |life: &&&Life| life.closed.is_none_or(|(closed, _)| closed - life.raised > STALE);
    let officers =
        by_officer.iter().map(|(officer, intervals)| load(month, (until - from).0, officer, intervals));
    Load {
        officers: officers.collect(),
        priority_pct: priorities.map(|count| percent(count as f64, lives.len() as u64)),
        chattering,
        stale: lives.iter().filter(is_stale).count() as u64,
    }
}

fn load(month: Month, micros: i64, officer: &str, intervals: &BTreeMap<i64, u64>) -> OfficerLoad {
    let pushes: u64 = intervals.values().sum();
    let flooded = flooded(intervals);
    let whole = u64::try_from(micros / INTERVAL.0).unwrap_or(0);
    OfficerLoad {
        officer: officer.to_owned(),
        pushes,
        per_day: (pushes as f64 * 10.0 / month.days() as f64).round() / 10.0,
        busiest_10_min: intervals.values().copied().max().unwrap_or(0),
        flood_min: flooded * 10,
        flood_pct: percent(flooded as f64, whole),
    }
}

/// Intervals in flood. One without any push ends it.
fn flooded(intervals: &BTreeMap<i64, u64>) -> u64 {
    let (mut count, mut before) = (0, None);
    for (interval, pushes) in intervals {
        let goes_on = before == Some(interval - 1) && *pushes >= FLOOD_ENDS;
        if *pushes >= FLOOD || goes_on {
            count += 1;
            before = Some(*interval);
        }
    }
    count
}

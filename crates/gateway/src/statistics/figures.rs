//! The figures of one month.

use super::lives::{Life, Lives};
use super::load::{self, Load};
use super::month::{Month, week};
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{Outcome, Priority, Span, Timestamp};

/// The buckets that officers must report, seconds from the raise: acceptance, setting out, end.
const ACCEPT_S: [i64; 4] = [30, 60, 120, 180];
const SET_OUT_S: [i64; 4] = [300, 600, 900, 1_800];
const RESOLVE_S: [i64; 4] = [1_800, 3_600, 7_200, 14_400];

/// How long something took, from the raise, in the official buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Buckets {
    /// The upper ends of the buckets, seconds.
    pub limits_s: [i64; 4],
    /// How many were done by each end, that end included: 90 s counts for 120 and 180.
    pub within: [u64; 4],
    /// How many took longer than the last end.
    pub later: u64,
    /// How many were not done at all, as far as the journal reaches.
    pub never: u64,
}

impl Buckets {
    fn new(limits_s: [i64; 4]) -> Self {
        Self { limits_s, within: [0; 4], later: 0, never: 0 }
    }

    fn count(&mut self, took: Option<Span>) {
        let Some(took) = took else {
            self.never += 1;
            return;
        };
        for (limit, within) in self.limits_s.iter().zip(&mut self.within) {
            *within += u64::from(took <= Span::secs(*limit));
        }
        self.later += u64::from(took > Span::secs(self.limits_s[3]));
    }
}

/// What is told of one kind, or of all.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindFigures {
    /// The kind; `all` for the sum.
    pub kind: String,
    /// Alarms raised in the month.
    pub alarms: u64,
    /// By priority at the raise, P1 to P4.
    pub priorities: [u64; 4],
    /// The same month a year before.
    pub last_year: u64,
    /// Change against it, percent, to a tenth; `None` ("n/a") when there were none then.
    #[serde(serialize_with = "or_na")]
    pub change_pct: Option<f64>,
    /// From the raise to the first acceptance; P4, which interrupts nobody, is left out of the times.
    pub accepted: Buckets,
    /// From the raise until somebody was on the way, or there.
    pub set_out: Buckets,
    /// From the raise until somebody said how it ended, or it closed by itself.
    pub resolved: Buckets,
}

/// One week of the month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeekFigures {
    /// By ISO 8601: `2026-W40`; only its days within the month count.
    pub week: String,
    /// Alarms raised in it.
    pub alarms: u64,
    /// The same by kind.
    pub kinds: BTreeMap<String, u64>,
}

/// How much of what was raised was nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rate {
    /// A rule, or a device.
    pub name: String,
    /// Ended as false alarm or unfounded.
    pub false_alarms: u64,
    /// Ended with a finding: real, complied, ok, false alarm, unfounded. Open ones, duplicates and unverified ones are not judged.
    pub judged: u64,
    /// Percent, to a tenth; `None` ("n/a") when nothing was judged.
    #[serde(serialize_with = "or_na")]
    pub rate_pct: Option<f64>,
}

/// A month.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Which.
    pub month: String,
    /// The zone whose midnights bound it.
    pub zone: String,
    /// The journal's first record, wall time; what was before it is not known.
    pub journal_from: Option<String>,
    /// Tests, drills and alarms on trial, left out of everything else.
    pub left_out: u64,
    /// All kinds together.
    pub all: KindFigures,
    /// By kind, in the order of their names.
    pub kinds: Vec<KindFigures>,
    /// By week.
    pub weeks: Vec<WeekFigures>,
    /// False alarms by rule.
    pub false_by_rule: Vec<Rate>,
    /// False alarms by device, the worst first.
    pub false_by_device: Vec<Rate>,
    /// What officers had to bear (ISA-18.2).
    pub load: Load,
}

/// The figures of a month, from lives of that month and of the same month a year before.
pub fn of(
    month: Month,
    zone: &TimeZone,
    zone_name: &str,
    journal_from: Option<String>,
    lives: &Lives,
) -> Figures {
    let in_month = |month: Month| {
        let (from, until) = month.bounds(zone);
        lives.all().filter(move |life| (from..until).contains(&life.raised))
    };
    let counted = |month: Month| in_month(month).filter(|life| !life.excluded).collect::<Vec<&Life>>();
    let (now, before) = (counted(month), counted(month.last_year()));
    let names: BTreeSet<&str> = now.iter().chain(&before).map(|life| life.kind.as_str()).collect();
    let of_kind = |name: &str| {
        let only = |lives: &[&'_ Life]| lives.iter().filter(|life| life.kind == name).count() as u64;
        let here: Vec<&Life> = now.iter().copied().filter(|life| life.kind == name).collect();
        kind(name, &here, only(&before))
    };
    Figures {
        month: month.to_string(),
        zone: zone_name.to_owned(),
        journal_from,
        left_out: in_month(month).filter(|life| life.excluded).count() as u64,
        all: kind("all", &now, before.len() as u64),
        kinds: names.into_iter().map(of_kind).collect(),
        weeks: weeks(zone, &now),
        false_by_rule: rates(now.iter().map(|life| (vec![life.kind.clone()], *life))),
        false_by_device: by_worst(rates(
            now.iter().map(|life| (life.devices.iter().cloned().collect(), *life)),
        )),
        load: load::of(month, zone, &now, lives.pushes()),
    }
}

fn kind(name: &str, lives: &[&Life], last_year: u64) -> KindFigures {
    let mut figures = KindFigures {
        kind: name.to_owned(),
        alarms: lives.len() as u64,
        priorities: [0; 4],
        last_year,
        change_pct: percent(lives.len() as f64 - last_year as f64, last_year),
        accepted: Buckets::new(ACCEPT_S),
        set_out: Buckets::new(SET_OUT_S),
        resolved: Buckets::new(RESOLVE_S),
    };
    for life in lives {
        figures.priorities[usize::from(life.priority.level()) - 1] += 1;
        if life.priority == Priority::P4 {
            continue;
        }
        let took = |end: Option<Timestamp>| end.map(|end| end - life.raised);
        figures.accepted.count(took(life.accepted));
        figures.set_out.count(took(life.set_out));
        figures.resolved.count(took(life.resolved));
    }
    figures
}

fn weeks(zone: &TimeZone, lives: &[&Life]) -> Vec<WeekFigures> {
    let mut weeks: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for life in lives {
        *weeks.entry(week(zone, life.raised)).or_default().entry(life.kind.clone()).or_default() += 1;
    }
    let one = |(week, kinds): (String, BTreeMap<String, u64>)| WeekFigures {
        week,
        alarms: kinds.values().sum(),
        kinds,
    };
    weeks.into_iter().map(one).collect()
}

fn rates<'a>(lives: impl Iterator<Item = (Vec<String>, &'a Life)>) -> Vec<Rate> {
    let mut counts: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (names, life) in lives {
        let (false_alarm, judged) = match life.closed {
            Some((_, Outcome::FalseAlarm | Outcome::Unfounded)) => (1, 1),
            Some((_, Outcome::Real | Outcome::Complied | Outcome::Ok)) => (0, 1),
            Some((_, Outcome::Test | Outcome::Duplicate | Outcome::Unverified)) | None => (0, 0),
        };
        for name in names {
            let count = counts.entry(name).or_default();
            (count.0, count.1) = (count.0 + false_alarm, count.1 + judged);
        }
    }
    let rate = |(name, (false_alarms, judged))| Rate {
        name,
        false_alarms,
        judged,
        rate_pct: percent(false_alarms as f64, judged),
    };
    counts.into_iter().map(rate).collect()
}

/// Devices that had a false alarm, the most first.
fn by_worst(mut rates: Vec<Rate>) -> Vec<Rate> {
    rates.retain(|rate| rate.false_alarms > 0);
    rates.sort_by(|a, b| b.false_alarms.cmp(&a.false_alarms).then_with(|| a.name.cmp(&b.name)));
    rates
}

/// A number, or "n/a" where there is nothing to compare with: zero would say something else.
pub(super) fn or_na<S: serde::Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.serialize_f64(*value),
        None => serializer.serialize_str("n/a"),
    }
}

/// Percent to a tenth; `None` of nothing.
pub(super) fn percent(part: f64, of: u64) -> Option<f64> {
    (of > 0).then(|| (part * 1_000.0 / of as f64).round() / 10.0)
}

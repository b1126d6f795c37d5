//! Ordinary days of the seed compound, with people who do their work.

use crate::people::People;
use crate::rehearsal::Rehearsal;
use crate::{LOADED, time};
use std::collections::BTreeMap;
use wanglou_model::{OfficerId, Role, Span, Timestamp};
use wanglou_simulator::{Options, Traffic, reports};

/// Pushes a day at most, as stated.
pub(crate) const GUARD_MAX: usize = 30;
pub(crate) const OFFICER_MAX: usize = 6;
const DAY: Span = Span::hours(24);

/// Monday 2 March 2026, midnight.
pub(crate) fn start() -> Timestamp {
    time("2026-03-02T00:00:00+08:00")
}

pub(crate) fn run(days: i64, seed: u64) -> Rehearsal {
    let site = &LOADED.decisive.setup.site;
    let (start, until) = (start(), start() + Span(DAY.0 * days));
    let traffic = Traffic::new(site, Options::new(seed, start)).expect("traffic");
    let mut run = Rehearsal::new(&LOADED, Some(People::new(site, seed)));
    run.plan_acts(reports(site, seed, start, until));
    run.run(traffic, until, |_, _| {});
    run
}

/// By role: person, and pushes on each day.
pub(crate) fn per_day(run: &Rehearsal, role: Role, days: i64) -> BTreeMap<String, Vec<usize>> {
    let mut found: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let officers = &LOADED.decisive.setup.site.officers;
    let has = |id: &str| {
        let known = OfficerId::parse(id).ok().and_then(|id| officers.get(&id));
        known.is_some_and(|officer| officer.roles.contains(&role))
    };
    for push in run.pushes.all.iter().filter(|push| has(&push.to)) {
        let day = ((push.at - start()).0 / DAY.0).clamp(0, days - 1) as usize;
        let days = usize::try_from(days).unwrap_or(1);
        found.entry(push.to.clone()).or_insert_with(|| vec![0; days])[day] += 1;
    }
    found
}

pub(crate) fn holds(run: &Rehearsal, days: i64, seed: u64) {
    for (role, most) in [(Role::Guard, GUARD_MAX), (Role::Officer, OFFICER_MAX)] {
        for (person, each) in per_day(run, role, days) {
            let days_held = each.iter().all(|pushes| *pushes <= most);
            assert!(days_held, "seed {seed}: {person} got {each:?} a day");
        }
    }
    let kinds: BTreeMap<&str, usize> = run.pushes.all.iter().fold(BTreeMap::new(), |mut kinds, push| {
        *kinds.entry(push.kind.as_str()).or_default() += 1;
        kinds
    });
    for kind in ["ebike_in_lift", "sos", "fire_lane"] {
        assert!(kinds.contains_key(kind), "seed {seed}: an ordinary day has some of {kind}: {kinds:?}");
    }
    let open = run.engine().book().open_alarms();
    let old = open.filter(|alarm| run.engine().senses().at - alarm.raised_at > Span::hours(12));
    let old: Vec<String> = old.map(|alarm| format!("{} at {}", alarm.kind, alarm.place)).collect();
    assert!(old.is_empty(), "seed {seed}: nobody ended {old:?}");
}

#[test]
fn two_ordinary_days_ring_guards_30_times_a_day_and_the_officer_6_times_at_most() {
    let days = 2;
    holds(&run(days, 1), days, 1);
}

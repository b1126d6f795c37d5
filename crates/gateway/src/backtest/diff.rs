//! Two runs over the same past, side by side: who would have been told more, less, earlier, later. An alarm is the same
//! in both if it has the same id; else if it is of the same kind at the same place and was raised within the hour.

use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use wanglou_engine::Calendar;
use wanglou_model::{AlarmId, Fact, OfficerId, Priority, Recipient, Span, Timestamp};

/// Alarms that were raised so near to each other may be the same, told by another message.
const SAME_WITHIN: Span = Span::hours(1);

/// One alarm, as far as people were told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Alarm {
    kind: String,
    place: String,
    raised: Timestamp,
    priority: Priority,
    /// By person: when they were told.
    told: BTreeMap<String, Vec<Timestamp>>,
}

/// What one run told whom.
#[derive(Debug, Default)]
pub struct Telling {
    alarms: BTreeMap<AlarmId, Alarm>,
    order: Vec<AlarmId>,
}

impl Telling {
    /// Takes a fact in. A person is told by a ring that reaches them, by a reminder, or when an alarm is handed to them.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    pub fn take(&mut self, at: Timestamp, fact: &Fact) {
        match fact {
            Fact::Raised(raised) => {
                let alarm = Alarm {
                    kind: raised.kind.to_string(),
                    place: raised.place.to_string(),
                    raised: at,
                    priority: raised.priority,
                    told: BTreeMap::new(),
                };
                self.order.push(raised.alarm.clone());
                self.alarms.insert(raised.alarm.clone(), alarm);
            }
            Fact::Upgraded { alarm, priority, .. } => {
                if let Some(alarm) = self.alarms.get_mut(alarm) {
                    alarm.priority = alarm.priority.min(*priority);
                }
            }
            Fact::Rung { alarm, told, ring: true, .. } => {
                let reached = told.iter().filter(|told| told.unreached.is_none() && !told.quiet);
                self.told(at, alarm, reached.map(|told| named(&told.officer)));
            }
            Fact::Reminded { alarm, to, .. } => self.told(at, alarm, to.iter().map(named)),
            Fact::Transferred { alarm, to, .. } => self.told(at, alarm, std::iter::once(named(to))),
            Fact::EffectQueued { alarm, to: Recipient::Resident(home), .. } => {
                self.told(at, alarm, std::iter::once(format!("resident:{home}")));
            }
            _ => {}
        }
    }

    fn told(&mut self, at: Timestamp, alarm: &AlarmId, to: impl Iterator<Item = String>) {
        let Some(alarm) = self.alarms.get_mut(alarm) else { return };
        for person in to {
            alarm.told.entry(person).or_default().push(at);
        }
    }

    fn in_order(&self) -> impl Iterator<Item = (&AlarmId, &Alarm)> {
        self.order.iter().filter_map(|id| self.alarms.get_key_value(id))
    }
}

fn named(officer: &OfficerId) -> String {
    format!("officer:{officer}")
}

/// What became of an alarm, or of telling a person of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only in the second run.
    New,
    /// Only in the first run.
    Gone,
    /// In both, and somebody is told otherwise.
    Changed,
}

/// How one person is told of one alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PersonChange {
    /// `officer:ID` or `resident:PLACE`.
    pub person: String,
    /// How often they were told before.
    pub before: usize,
    /// How often after.
    pub after: usize,
    /// When first, before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_before: Option<String>,
    /// When first, after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_after: Option<String>,
    /// So many seconds later, negative: earlier; absent where they are told in one run only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub later_s: Option<i64>,
}

/// How one alarm differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmChange {
    /// What became of it.
    pub change: Change,
    /// Its kind.
    pub kind: String,
    /// Where.
    pub place: String,
    /// When it was raised, before; absent for a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_before: Option<String>,
    /// When it was raised, after; absent for one that is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_after: Option<String>,
    /// Its highest priority, before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_before: Option<Priority>,
    /// The same, after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_after: Option<Priority>,
    /// Those who are told otherwise.
    pub people: Vec<PersonChange>,
}

/// What changes for one person over all alarms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct PersonSum {
    /// How often they were told before.
    pub before: usize,
    /// How often after.
    pub after: usize,
    /// Alarms that they are told of more often, or only now.
    pub more: usize,
    /// Alarms that they are told of less often, or not any more.
    pub less: usize,
    /// Alarms that they hear of earlier.
    pub earlier: usize,
    /// Alarms that they hear of later.
    pub later: usize,
}

/// The difference between two runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diff {
    /// Alarms before.
    pub alarms_before: usize,
    /// Alarms after.
    pub alarms_after: usize,
    /// Those that differ, in the order of time.
    pub alarms: Vec<AlarmChange>,
    /// Everybody who was told anything in either run.
    pub people: BTreeMap<String, PersonSum>,
}

/// Lays two runs side by side. Times are shown by the calendar.
pub fn diff(before: &Telling, after: &Telling, calendar: &Calendar) -> Diff {
    let pairs = pairs(before, after);
    let mut people: BTreeMap<String, PersonSum> = BTreeMap::new();
    let mut alarms: Vec<(Timestamp, AlarmChange)> = Vec::new();
    for (old, new) in pairs {
        let changes = told(old, new, calendar, &mut people);
        let upgraded = old.zip(new).is_some_and(|(old, new)| old.priority != new.priority);
        let change = match (old, new) {
            (None, _) => Change::New,
            (_, None) => Change::Gone,
            (Some(_), Some(_)) if changes.is_empty() && !upgraded => continue,
            (Some(_), Some(_)) => Change::Changed,
        };
        let Some(known) = new.or(old) else { continue };
        let raised = |alarm: Option<&Alarm>| alarm.map(|alarm| calendar.format(alarm.raised));
        alarms.push((
            old.unwrap_or(known).raised,
            AlarmChange {
                change,
                kind: known.kind.clone(),
                place: known.place.clone(),
                raised_before: raised(old),
                raised_after: raised(new),
                priority_before: old.map(|alarm| alarm.priority),
                priority_after: new.map(|alarm| alarm.priority),
                people: changes,
            },
        ));
    }
    alarms.sort_by_key(|(raised, _)| *raised);
    Diff {
        alarms_before: before.alarms.len(),
        alarms_after: after.alarms.len(),
        alarms: alarms.into_iter().map(|(_, change)| change).collect(),
        people,
    }
}

/// Which alarm of one run is which of the other.
fn pairs<'a>(before: &'a Telling, after: &'a Telling) -> Vec<(Option<&'a Alarm>, Option<&'a Alarm>)> {
    let mut left: Vec<&Alarm> = Vec::new();
    let mut pairs = Vec::new();
    let mut taken: BTreeSet<&AlarmId> = BTreeSet::new();
    for (id, old) in before.in_order() {
        match after.alarms.get_key_value(id) {
            Some((id, new)) => {
                taken.insert(id);
                pairs.push((Some(old), Some(new)));
            }
            None => left.push(old),
        }
    }
    let mut rest: Vec<&Alarm> =
        after.in_order().filter(|(id, _)| !taken.contains(*id)).map(|(_, alarm)| alarm).collect();
    for old in left {
        let gap = |new: &Alarm| (new.raised - old.raised).0.abs();
        let same = |new: &Alarm| new.kind == old.kind && new.place == old.place && gap(new) <= SAME_WITHIN.0;
        let nearest = (0..rest.len()).filter(|n| same(rest[*n])).min_by_key(|n| gap(rest[*n]));
        pairs.push((Some(old), nearest.map(|n| rest.remove(n))));
    }
    pairs.extend(rest.into_iter().map(|new| (None, Some(new))));
    pairs
}

fn told(
    old: Option<&Alarm>,
    new: Option<&Alarm>,
    calendar: &Calendar,
    people: &mut BTreeMap<String, PersonSum>,
) -> Vec<PersonChange> {
    let names: BTreeSet<&String> =
        [old, new].into_iter().flatten().flat_map(|alarm| alarm.told.keys()).collect();
    let of = |alarm: Option<&Alarm>, name: &String| {
        alarm.and_then(|alarm| alarm.told.get(name)).cloned().unwrap_or_default()
    };
    let mut changes = Vec::new();
    for name in names {
        let (was, is) = (of(old, name), of(new, name));
        let (first_was, first_is) = (was.first().copied(), is.first().copied());
        let later = first_was.zip(first_is).map(|(was, is)| is - was);
        let sum = people.entry(name.clone()).or_default();
        (sum.before, sum.after) = (sum.before + was.len(), sum.after + is.len());
        sum.more += usize::from(is.len() > was.len());
        sum.less += usize::from(is.len() < was.len());
        sum.earlier += usize::from(later.is_some_and(|later| later < Span::ZERO));
        sum.later += usize::from(later.is_some_and(|later| later > Span::ZERO));
        if was.len() != is.len() || later.is_some_and(|later| later != Span::ZERO) {
            changes.push(PersonChange {
                person: name.clone(),
                before: was.len(),
                after: is.len(),
                first_before: first_was.map(|at| calendar.format(at)),
                first_after: first_is.map(|at| calendar.format(at)),
                later_s: later.map(|later| later.0 / 1_000_000),
            });
        }
    }
    changes
}

impl Diff {
    /// For people.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let count = |change| self.alarms.iter().filter(|alarm| alarm.change == change).count();
        let _ = writeln!(
            out,
            "{} alarms before, {} after: {} new, {} gone, {} told otherwise",
            self.alarms_before,
            self.alarms_after,
            count(Change::New),
            count(Change::Gone),
            count(Change::Changed)
        );
        for alarm in &self.alarms {
            out.push_str(&line_of(alarm));
        }
        if !self.people.is_empty() {
            let _ = writeln!(
                out,
                "\n{:<28}{:>8}{:>8}{:>7}{:>7}{:>9}{:>7}",
                "told", "before", "after", "more", "less", "earlier", "later"
            );
        }
        for (person, sum) in &self.people {
            let PersonSum { before, after, more, less, earlier, later } = sum;
            let _ =
                writeln!(out, "{person:<28}{before:>8}{after:>8}{more:>7}{less:>7}{earlier:>9}{later:>7}");
        }
        out
    }
}

fn line_of(alarm: &AlarmChange) -> String {
    let name = |priority: Option<Priority>| priority.map_or("", Priority::name);
    let (was, is) = (name(alarm.priority_before), name(alarm.priority_after));
    let priority = match (was, is) {
        ("", now) => now.to_owned(),
        (then, "") => then.to_owned(),
        (then, now) if then == now => now.to_owned(),
        (then, now) => format!("{then} → {now}"),
    };
    let change = match alarm.change {
        Change::New => "new",
        Change::Gone => "gone",
        Change::Changed => "changed",
    };
    let raised = alarm.raised_before.as_ref().or(alarm.raised_after.as_ref());
    let raised = raised.map(String::as_str).unwrap_or_default();
    let mut out = format!("\n{change:<8} {raised}  {} {priority} at {}\n", alarm.kind, alarm.place);
    if let (Some(before), Some(after)) = (&alarm.raised_before, &alarm.raised_after)
        && before != after
    {
        let _ = writeln!(out, "         raised {before} → {after}");
    }
    for person in &alarm.people {
        let words = match (person.before, person.after, person.later_s) {
            (0, _, _) => format!("told {}, before never", person.first_after.as_deref().unwrap_or_default()),
            (_, 0, _) => {
                format!("told {} before, now never", person.first_before.as_deref().unwrap_or_default())
            }
            (before, after, Some(later)) if later != 0 => {
                let (seconds, which) = (later.abs(), if later < 0 { "earlier" } else { "later" });
                format!("{seconds} s {which} ({before}× → {after}×)")
            }
            (before, after, _) => format!("{before}× → {after}×"),
        };
        let _ = writeln!(out, "         {:<24} {words}", person.person);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::{NextRung, Reason, Told};

    fn at(seconds: i64) -> Timestamp {
        Timestamp(1_772_413_200_000_000) + Span::secs(seconds)
    }

    fn id(text: &str) -> AlarmId {
        AlarmId::parse(text).expect("an id")
    }

    /// Alarms by id, when each was raised, and who was told when.
    type Rings<'a> = &'a [(&'a str, i64, &'a [(&'a str, i64)])];

    fn run(rings: Rings) -> Telling {
        let mut telling = Telling::default();
        for (name, raised, told) in rings {
            telling.order.push(id(name));
            telling.alarms.insert(
                id(name),
                Alarm {
                    kind: "manhole".into(),
                    place: "cover/17".into(),
                    raised: at(*raised),
                    priority: Priority::P2,
                    told: BTreeMap::new(),
                },
            );
            for (officer, seconds) in *told {
                let told = vec![Told {
                    officer: OfficerId::parse(officer).expect("an id"),
                    unreached: None,
                    quiet: false,
                }];
                let next = Some(NextRung { rung: 1, at: at(*seconds) });
                telling.take(at(*seconds), &Fact::Rung { alarm: id(name), rung: 0, told, ring: true, next });
            }
        }
        telling
    }

    #[test]
    fn everybody_is_told_more_less_earlier_or_later() {
        let before = run(&[("a", 0, &[("wu", 0), ("li", 180)]), ("b", 9_000, &[("wu", 9_000)])]);
        // Another message raises it a minute later; li hears twice, wu later; the second alarm is gone, one is new.
        let after =
            run(&[("c", 60, &[("wu", 60), ("li", 100), ("li", 700)]), ("d", 20_000, &[("zhou", 20_000)])]);
        let calendar = Calendar::new("Asia/Shanghai").expect("a zone");
        let found = diff(&before, &after, &calendar);
        let sum = |person: &str| {
            let sum = &found.people[person];
            (sum.before, sum.after, sum.more, sum.less, sum.earlier, sum.later)
        };
        assert_eq!(sum("officer:wu"), (2, 1, 0, 1, 0, 1));
        assert_eq!(sum("officer:li"), (1, 2, 1, 0, 1, 0));
        assert_eq!(sum("officer:zhou"), (0, 1, 1, 0, 0, 0));
        let changes: Vec<Change> = found.alarms.iter().map(|alarm| alarm.change).collect();
        assert_eq!(changes, [Change::Changed, Change::Gone, Change::New]);
        let text = found.text();
        for line in [
            "2 alarms before, 2 after: 1 new, 1 gone, 1 told otherwise",
            "         raised 2026-03-02T09:00:00+08:00 → 2026-03-02T09:01:00+08:00",
            "         officer:wu               60 s later (1× → 1×)",
            "         officer:li               80 s earlier (1× → 2×)",
            "         officer:zhou             told 2026-03-02T14:33:20+08:00, before never",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn the_same_twice_is_no_difference() {
        let one = run(&[("a", 0, &[("wu", 0)])]);
        let calendar = Calendar::new("Asia/Shanghai").expect("a zone");
        let found = diff(&one, &run(&[("a", 0, &[("wu", 0)])]), &calendar);
        assert!(found.alarms.is_empty());
        let silent = Reason::new("r", "r", "r");
        let mut reminded = run(&[("a", 0, &[("wu", 0)])]);
        let to = vec![OfficerId::parse("wu").expect("an id")];
        reminded.take(at(900), &Fact::Reminded { alarm: id("a"), to, reason: silent });
        assert_eq!(diff(&one, &reminded, &calendar).alarms.len(), 1);
    }
}

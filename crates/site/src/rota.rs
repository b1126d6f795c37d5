//! `rota.toml`: shifts, and who works which of them on which days.

use crate::document::{Document, Node, Table};
use crate::fault::{At, Faults};
use crate::folder::ROTA;
use crate::officers::Officers;
use crate::words;
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{Day, Duty, MinuteOfDay, OfficerId, Override, Rota, Shift};

/// Most shifts.
const SHIFTS_MAX: usize = 100;
/// Most pairs of officer and duty.
const DUTIES_MAX: usize = 20_000;
/// Most holidays, and most shifts of one day that are worked by others.
const OVERRIDES_MAX: usize = 1_000;
/// Minutes of a week.
const WEEK: u32 = 7 * 1_440;

/// The rota, and where its first duty and its shifts stand.
pub(crate) struct Read {
    pub(crate) rota: Rota,
    pub(crate) line: Option<u32>,
    pub(crate) shift_lines: BTreeMap<String, Option<u32>>,
}

/// `officers`: none when that file could not be read, and then they are not checked.
pub(crate) fn read(text: &str, officers: Option<&Officers>, faults: &mut Faults) -> Option<Read> {
    let document = Document::parse(ROTA, text, faults)?;
    let [shift, duty, holidays, changed] =
        document.root().only(&At::file(ROTA), ["shift", "duty", "holidays", "override"], faults);
    let shifts = shift.map(|node| read_shifts(&node, faults)).unwrap_or_default();
    let shift_lines = shifts.iter().map(|(name, (_, line))| (name.clone(), *line)).collect();
    let shifts = shifts.into_iter().map(|(name, (shift, _))| (name, shift)).collect();
    let mut rota = Rota { shifts, ..Rota::default() };
    rota.holidays = holidays.map(|node| read_days_off(&node, faults)).unwrap_or_default();
    let line = duty.as_ref().and_then(|node| node.at.line);
    let mut taken = Taken::default();
    for (table, at) in duty.and_then(|node| node.tables(faults)).unwrap_or_default() {
        read_duty(table, &at, &mut rota, officers, &mut taken, faults);
        if rota.duties.len() > DUTIES_MAX {
            faults.error(&at, format!("the rota has more than {DUTIES_MAX} duties; the rest is not read"));
            break;
        }
    }
    let changed = changed.and_then(|node| node.tables(faults)).unwrap_or_default();
    if let Some((_, at)) = changed.get(OVERRIDES_MAX) {
        faults.error(
            at,
            format!("the rota has more than {OVERRIDES_MAX} overrides; take out those of the past"),
        );
    }
    for (table, at) in changed.into_iter().take(OVERRIDES_MAX) {
        rota.overrides.extend(read_override(table, &at, &rota.shifts, officers, faults));
    }
    Some(Read { rota, line, shift_lines })
}

/// `["2026-10-01", …]`.
fn read_days_off(node: &Node<'_>, faults: &mut Faults) -> BTreeSet<Day> {
    let texts = node.texts(faults).unwrap_or_default();
    if texts.len() > OVERRIDES_MAX {
        faults.error(&node.at, format!("has more than {OVERRIDES_MAX} days; take out those of the past"));
        return BTreeSet::new();
    }
    texts.into_iter().filter_map(|(text, at)| read_date(text, &at, faults)).collect()
}

fn read_date(text: &str, at: &At, faults: &mut Faults) -> Option<Day> {
    Day::parse(text).map_err(|message| faults.error(at, message)).ok()
}

/// One shift of one day, worked by others.
fn read_override(
    table: Table<'_>,
    at: &At,
    shifts: &BTreeMap<String, Shift>,
    officers: Option<&Officers>,
    faults: &mut Faults,
) -> Option<Override> {
    let [date, shift, who] = table.only(at, ["date", "shift", "officers"], faults);
    for (key, example, node) in [
        ("date", "\"2026-10-01\"", &date),
        ("shift", "\"night\"", &shift),
        ("officers", "[\"wu\"]; an empty list: nobody", &who),
    ] {
        if node.is_none() {
            faults.error(at, format!("lacks the key {key}; write {key} = {example}, say"));
        }
    }
    let day = date.and_then(|node| read_date(node.text(faults)?, &node.at, faults));
    let shift = shift.and_then(|node| read_shift_name(&node, shifts, faults));
    let who = who.map(|node| read_officers(&node, officers, faults));
    let officers = who?.into_iter().map(|(id, _)| id).collect();
    Some(Override { day: day?, shift: shift?, officers })
}

/// Shifts by name, each with its line.
fn read_shifts(node: &Node<'_>, faults: &mut Faults) -> BTreeMap<String, (Shift, Option<u32>)> {
    let entries = node.table(faults).map(|table| table.entries(&node.at)).unwrap_or_default();
    if entries.len() > SHIFTS_MAX {
        faults.error(&node.at, format!("has more than {SHIFTS_MAX} shifts"));
        return BTreeMap::new();
    }
    let mut found = BTreeMap::new();
    for entry in &entries {
        let Some(text) = entry.text(faults) else { continue };
        // A faulty one keeps its name, so that the duties that name it are not faults too.
        let shift = words::shift(text).unwrap_or_else(|message| {
            faults.error(&entry.at, message);
            Shift { from: MinuteOfDay(0), until: MinuteOfDay(0) }
        });
        found.insert(entry.key.to_owned(), (shift, entry.at.line));
    }
    found
}

fn read_duty(
    table: Table<'_>,
    at: &At,
    rota: &mut Rota,
    officers: Option<&Officers>,
    taken: &mut Taken,
    faults: &mut Faults,
) {
    let keys = ["shift", "officers", "days"];
    let [shift, who, days] = table.only(at, keys, faults);
    for (key, example, node) in
        [("shift", "\"day\"", &shift), ("officers", "[\"wu\"]", &who), ("days", "\"daily\"", &days)]
    {
        if node.is_none() {
            faults.error(at, format!("lacks the key {key}; write {key} = {example}, say"));
        }
    }
    let shift = shift.and_then(|node| read_shift_name(&node, &rota.shifts, faults));
    let weekdays = days.and_then(|node| read_days(&node, faults));
    let who = who.map(|node| read_officers(&node, officers, faults)).unwrap_or_default();
    let (Some(shift), Some(weekdays)) = (shift, weekdays) else { return };
    for (officer, at) in who {
        let duty = Duty { officer, shift: shift.clone(), weekdays };
        taken.add(&duty, rota, &at, faults);
        rota.duties.push(duty);
    }
}

fn read_shift_name(node: &Node<'_>, shifts: &BTreeMap<String, Shift>, faults: &mut Faults) -> Option<String> {
    let text = node.text(faults)?;
    if !shifts.contains_key(text) {
        faults.unknown(&node.at, "shift", text, shifts.keys().map(String::as_str));
        return None;
    }
    Some(text.to_owned())
}

/// `"mon-fri"`, or a list such as `["mon", "sat-sun"]`.
fn read_days(node: &Node<'_>, faults: &mut Faults) -> Option<[bool; 7]> {
    let texts =
        if node.is_list() { node.texts(faults)? } else { vec![(node.text(faults)?, node.at.clone())] };
    if texts.is_empty() {
        faults.error(&node.at, "is empty; write \"daily\", \"weekdays\", \"mon-wed\" or a list of such");
        return None;
    }
    let mut all = [false; 7];
    for (text, at) in texts {
        match words::days(text) {
            Ok(days) => all.iter_mut().zip(days).for_each(|(day, more)| *day |= more),
            Err(message) => faults.error(&at, message),
        }
    }
    Some(all)
}

fn read_officers(node: &Node<'_>, officers: Option<&Officers>, faults: &mut Faults) -> Vec<(OfficerId, At)> {
    let texts = node.texts(faults).unwrap_or_default();
    let mut found = Vec::new();
    for (text, at) in texts {
        let id = match officers {
            Some(officers) => officers.find(text, &at, faults).map(|(id, _)| id),
            None => OfficerId::parse(text).ok(),
        };
        found.extend(id.map(|id| (id, at)));
    }
    found
}

/// Minutes of the week for which each officer is on the rota already, with the place of that line.
#[derive(Default)]
struct Taken {
    minutes: BTreeMap<OfficerId, Vec<(u32, u32, Option<u32>)>>,
}

impl Taken {
    /// Remembers a duty, and warns when its officer works at that time already: two lines for one time are
    /// mostly a swap of shifts of which one half was forgotten.
    fn add(&mut self, duty: &Duty, rota: &Rota, at: &At, faults: &mut Faults) {
        let Some(shift) = rota.shifts.get(&duty.shift) else { return };
        let spans = spans_of(shift, duty.weekdays);
        let taken = self.minutes.entry(duty.officer.clone()).or_default();
        let overlap =
            taken.iter().find(|(from, until, _)| spans.iter().any(|span| span.0 < *until && *from < span.1));
        match overlap {
            Some((_, _, line)) => {
                let line = line.map_or_else(String::new, |line| format!(" in line {line}"));
                let message = format!(
                    "{:?} is on duty at that time already{line}; is one of the two too many?",
                    duty.officer
                );
                faults.warn(at, message);
            }
            // Only what does not overlap is kept, so that the list stays short however long the rota is.
            None => taken.extend(spans.into_iter().map(|(from, until)| (from, until, at.line))),
        }
    }
}

/// The minutes of the week, 0 to 10,080, that a shift takes on these days; one over the week's end is two.
fn spans_of(shift: &Shift, weekdays: [bool; 7]) -> Vec<(u32, u32)> {
    let (from, until) = (u32::from(shift.from.0), u32::from(shift.until.0));
    let length = if until > from { until - from } else { 1_440 - from + until };
    let mut spans = Vec::new();
    for (day, _) in (0_u32..).zip(weekdays).filter(|(_, begins)| *begins) {
        let begin = day * 1_440 + from;
        spans.push((begin, (begin + length).min(WEEK)));
        if begin + length > WEEK {
            spans.push((0, begin + length - WEEK));
        }
    }
    spans
}

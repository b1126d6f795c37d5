//! The coverage lint: every place with a device, at every priority, in every hour of the week, must reach
//! somebody on duty (rules: dispatch). Gaps are told in words: which grid, which roles, which hours.

use crate::fault::{At, Faults};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{Day, GridId, Officer, OfficerId, PlaceId, Role, Rota, Site, Text};

/// Minutes of a day and of a week.
const DAY: u32 = 1_440;
const WEEK: u32 = 7 * DAY;

/// Most windows that one warning lists.
const WINDOWS_MAX: usize = 7;

/// Whom the first rung of each priority tells. P4 is a digest and tells nobody at once.
const RUNGS: [(&str, &[Role]); 2] = [
    ("P1", &[Role::Guard, Role::GridWorker, Role::ControlRoom, Role::Officer]),
    ("P2 and P3", &[Role::Guard, Role::GridWorker]),
];

/// A stretch of the week without anybody: from and until, in minutes since Monday 00:00; until may lie past
/// the week's end.
type Window = (u32, u32);

/// Warns of each grid's gaps. `at`: where the rota's duties stand.
pub(crate) fn lint(site: &Site, grids: &BTreeMap<GridId, Text>, at: &At, faults: &mut Faults) {
    let slots = Slots::of(&site.rota);
    for ((grid, officers), places) in groups(site) {
        let mut told: Vec<(Vec<&str>, &[Role], Vec<Window>)> = Vec::new();
        for (priority, roles) in RUNGS {
            let windows = slots.gaps(&site.officers, &officers, roles);
            match told.iter_mut().find(|(_, _, same)| *same == windows) {
                Some((priorities, _, _)) => priorities.push(priority),
                None => told.push((vec![priority], roles, windows)),
            }
        }
        let place = || where_in_words(grid.as_ref(), grids, &places);
        let [all, others] = RUNGS.map(|(_, roles)| slots.odd_days(&site.officers, &officers, roles));
        let odd = if all == others {
            vec![("P1, P2 and P3", RUNGS[0].1, all)]
        } else {
            vec![(RUNGS[0].0, RUNGS[0].1, all), (RUNGS[1].0, RUNGS[1].1, others)]
        };
        for (priority, roles, days) in odd.iter().filter(|(_, _, days)| !days.is_empty()) {
            faults.warn(at, odd_days_in_words(&place(), priority, roles, days));
        }
        for (priorities, roles, windows) in told.iter().filter(|(_, _, windows)| !windows.is_empty()) {
            let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            faults.warn(
                at,
                format!(
                    "{}: nobody with the role {} is on duty {}; alarms of {} go straight to the backup",
                    place(),
                    roles.join(" or "),
                    in_words(windows),
                    priorities.join(", "),
                ),
            );
        }
    }
}

/// Places with devices, by grid and by the officers who serve them.
fn groups(site: &Site) -> BTreeMap<(Option<GridId>, Vec<OfficerId>), Vec<PlaceId>> {
    let with_devices: BTreeSet<&PlaceId> = site.devices.values().map(|device| &device.place).collect();
    let mut groups: BTreeMap<_, Vec<PlaceId>> = BTreeMap::new();
    for place in with_devices {
        let grid = site.grid_of(place);
        let serves = |officer: &&Officer| officer.serves(place, grid);
        let officers = site.officers.iter().filter(|(_, officer)| first_told(officer) && serves(officer));
        let key = (grid.cloned(), officers.map(|(id, _)| id.clone()).collect());
        groups.entry(key).or_default().push(place.clone());
    }
    groups
}

fn first_told(officer: &Officer) -> bool {
    RUNGS.iter().any(|(_, roles)| roles.iter().any(|role| officer.roles.contains(role)))
}

/// The week, cut where any shift begins or ends; between two cuts nothing changes.
struct Slots<'r> {
    /// Minutes since Monday 00:00 at which a slot begins; the first is 0.
    begins: Vec<u32>,
    rota: &'r Rota,
}

impl Slots<'_> {
    fn of(rota: &Rota) -> Slots<'_> {
        let ends = rota.shifts.values().flat_map(|shift| [shift.from.0, shift.until.0]);
        let cuts: BTreeSet<u32> = ends.map(|minute| u32::from(minute) % DAY).chain([0]).collect();
        let begins = (0..7).flat_map(|day| cuts.iter().map(move |cut| day * DAY + cut)).collect();
        Slots { begins, rota }
    }

    /// When none of `officers` who has one of `roles` is on duty.
    fn gaps(
        &self,
        all: &BTreeMap<OfficerId, Officer>,
        officers: &[OfficerId],
        roles: &[Role],
    ) -> Vec<Window> {
        let mut covered = vec![false; self.begins.len()];
        for id in officers {
            let Some(officer) = all.get(id) else { continue };
            if roles.iter().any(|role| officer.roles.contains(role)) {
                self.cover(id, officer, &mut covered);
            }
        }
        let ends = self.begins.iter().skip(1).copied().chain([WEEK]);
        let slots = self.begins.iter().copied().zip(ends).zip(covered);
        join(slots.filter(|(_, covered)| !covered).map(|(slot, _)| slot))
    }

    /// Holidays and days of which a shift is worked by others, and the days after them, with the minutes of the day from
    /// which on nobody is there who usually is.
    fn odd_days(
        &self,
        all: &BTreeMap<OfficerId, Officer>,
        officers: &[OfficerId],
        roles: &[Role],
    ) -> BTreeMap<Day, Vec<u32>> {
        let wanted = |id: &&OfficerId| {
            all.get(*id).is_some_and(|officer| roles.iter().any(|role| officer.roles.contains(role)))
        };
        let officers: Vec<&OfficerId> = officers.iter().filter(wanted).collect();
        let always = officers.iter().any(|id| all.get(*id).is_some_and(|officer| officer.always_on_duty));
        if always {
            return BTreeMap::new();
        }
        let changed = self.rota.overrides.iter().map(|one| one.day).chain(self.rota.holidays.iter().copied());
        // A night shift runs into the next day.
        let days: BTreeSet<Day> = changed.flat_map(|day| [day, Day(day.0.saturating_add(1))]).collect();
        let cuts: Vec<u32> = self.begins.iter().copied().filter(|begin| *begin < DAY).collect();
        let gone = |day: Day| -> Vec<u32> {
            let minute = |cut: u32| u16::try_from(cut).unwrap_or_default();
            let there = |cut: u32| officers.iter().any(|id| self.rota.is_on_duty_at(id, day, minute(cut)));
            let usually =
                |cut: u32| officers.iter().any(|id| self.rota.is_on_duty(id, day.weekday(), minute(cut)));
            cuts.iter().copied().filter(|cut| usually(*cut) && !there(*cut)).collect()
        };
        days.into_iter().map(|day| (day, gone(day))).filter(|(_, gone)| !gone.is_empty()).collect()
    }

    fn cover(&self, id: &OfficerId, officer: &Officer, covered: &mut [bool]) {
        let duties = self.rota.duties.iter().filter(|duty| duty.officer == *id).cloned().collect();
        let own = Rota { shifts: self.rota.shifts.clone(), duties, ..Rota::default() };
        for (covered, begin) in covered.iter_mut().zip(&self.begins) {
            let weekday = usize::try_from(begin / DAY).unwrap_or_default();
            let minute = u16::try_from(begin % DAY).unwrap_or_default();
            *covered |= officer.always_on_duty || own.is_on_duty(id, weekday, minute);
        }
    }
}

/// Joins slots that touch, over the end of the week too.
fn join(slots: impl Iterator<Item = Window>) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for (from, until) in slots {
        match windows.last_mut() {
            Some(last) if last.1 == from => last.1 = until,
            Some(_) | None => windows.push((from, until)),
        }
    }
    let over_the_end = windows.len() > 1
        && windows.first().is_some_and(|first| first.0 == 0)
        && windows.last().is_some_and(|last| last.1 == WEEK);
    if over_the_end {
        let first = windows.remove(0);
        windows.iter_mut().last().into_iter().for_each(|last| last.1 += first.1);
    }
    windows
}

fn where_in_words(grid: Option<&GridId>, grids: &BTreeMap<GridId, Text>, places: &[PlaceId]) -> String {
    let example = places.first().map_or("", PlaceId::as_str);
    let count = match places.len() {
        1 => "1 place with devices".to_owned(),
        more => format!("{more} places with devices"),
    };
    match grid {
        Some(grid) => {
            let name = grids.get(grid).map_or("", |name| name.en.as_str());
            format!("grid {grid} ({name}; {count}, such as {example})")
        }
        None => format!("outside every grid ({count}, such as {example})"),
    }
}

fn odd_days_in_words(place: &str, priority: &str, roles: &[Role], days: &BTreeMap<Day, Vec<u32>>) -> String {
    let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
    let listed: Vec<String> = days
        .iter()
        .take(WINDOWS_MAX)
        .map(|(day, from)| {
            let from: Vec<String> = from.iter().map(|minute| clock(*minute)).collect();
            format!("{day} from {}", from.join(" and "))
        })
        .collect();
    let rest = days.len().saturating_sub(WINDOWS_MAX);
    let more = if rest > 0 { format!(" and {rest} days more") } else { String::new() };
    format!(
        "{place}: on a holiday or by an override nobody with the role {} is on duty {}{more}; alarms of {priority} go \
         straight to the backup",
        roles.join(" or "),
        listed.join(", "),
    )
}

/// `every day 20:00–08:00`, `at any time`, or `on Sat 20:00–Sun 08:00, …`.
fn in_words(windows: &[Window]) -> String {
    if windows == [(0, WEEK)] {
        return "at any time".to_owned();
    }
    if let Some((from, until)) = daily(windows) {
        return format!("every day {}–{}", clock(from % DAY), clock(until % DAY));
    }
    let listed: Vec<String> = windows.iter().take(WINDOWS_MAX).map(window_in_words).collect();
    let rest = windows.len().saturating_sub(WINDOWS_MAX);
    let more = if rest > 0 { format!(" and {rest} times more") } else { String::new() };
    format!("on {}{more}", listed.join(", "))
}

/// The window, if there is the same on all seven days.
fn daily(windows: &[Window]) -> Option<Window> {
    let first = *windows.first()?;
    let same = |window: &Window| window.0 % DAY == first.0 % DAY && window.1 - window.0 == first.1 - first.0;
    (windows.len() == 7 && windows.iter().all(same)).then_some(first)
}

fn window_in_words((from, until): &Window) -> String {
    let day = |minute: u32| {
        const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let index = usize::try_from(minute % WEEK / DAY).unwrap_or_default();
        NAMES.get(index).copied().unwrap_or_default()
    };
    let same_day = (until - 1) / DAY == from / DAY;
    if same_day {
        let end = if until % DAY == 0 { "24:00".to_owned() } else { clock(until % DAY) };
        return format!("{} {}–{end}", day(*from), clock(from % DAY));
    }
    format!("{} {}–{} {}", day(*from), clock(from % DAY), day(*until), clock(until % DAY))
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_that_touch_become_one_window_even_over_sunday_night() {
        let slots = [(0, 480), (480, 500), (2_000, 2_100), (10_000, WEEK)];
        assert_eq!(join(slots.into_iter()), [(2_000, 2_100), (10_000, WEEK + 500)]);
        assert_eq!(join([(0, WEEK)].into_iter()), [(0, WEEK)]);
    }

    #[test]
    fn a_window_is_told_as_people_say_it() {
        assert_eq!(in_words(&[(0, WEEK)]), "at any time");
        assert_eq!(in_words(&[(1_200, 1_440)]), "on Mon 20:00–24:00");
        assert_eq!(in_words(&[(8_400, 9_120)]), "on Sat 20:00–Sun 08:00");
        assert_eq!(in_words(&[(9_840, 10_560)]), "on Sun 20:00–Mon 08:00");
        let nights: Vec<Window> = (0..7).map(|day| (day * DAY + 1_320, day * DAY + 1_800)).collect();
        assert_eq!(in_words(&nights), "every day 22:00–06:00");
        let odd: Vec<Window> = (0..7)
            .flat_map(|day| [(day * DAY, day * DAY + 60), (day * DAY + 120, day * DAY + 180)])
            .collect();
        assert!(in_words(&odd).ends_with(" and 7 times more"), "{}", in_words(&odd));
    }
}

//! The checked registry of one compound, as the engine reads it. The `site` crate makes it from files and
//! reports what is wrong in them; nothing here can be half right.
//!
//! No names of people and no telephone numbers: those are in a file of their own, and only the edge reads them.

use crate::{DeviceId, GridId, OfficerId, PlaceId, Position, SiteId, Span};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A text in the two languages of the screens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Text {
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// One compound: everything the engine must know of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Its id, part of every alarm's id.
    pub id: SiteId,
    /// Its name on the screens.
    pub name: Text,
    /// Its time zone, an IANA name such as `Asia/Shanghai`; checked at load.
    pub zone: String,
    /// Every place; each one's parent is here too.
    pub places: BTreeMap<PlaceId, Place>,
    /// Every device.
    pub devices: BTreeMap<DeviceId, Arc<Device>>,
    /// From profile and the vendor's identity to the device.
    pub identities: BTreeMap<String, BTreeMap<String, DeviceId>>,
    /// Everybody who can receive alarms.
    pub officers: BTreeMap<OfficerId, Officer>,
    /// Who is on duty when.
    pub rota: Rota,
    /// Homes that the living-alone rule watches.
    pub homes: BTreeMap<PlaceId, Home>,
}

/// What a place is; screens and rules use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PlaceKind {
    Site,
    Building,
    Unit,
    Floor,
    Lift,
    Home,
    Facade,
    Corridor,
    Door,
    Zone,
    Road,
    Footpath,
    Cover,
    Shed,
    Room,
    Garage,
    PumpRoom,
    Other,
}

/// A place inside the compound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// What it is.
    pub kind: PlaceKind,
    /// Its name on the screens.
    pub name: Text,
    /// The grid it belongs to; a place without one belongs to its parent's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grid: Option<GridId>,
    /// The zone that groups it with others for floods and merging, such as the drainage zone of a cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<PlaceId>,
    /// People walk here: an open cover at night is then life-threatening.
    #[serde(default)]
    pub footpath: bool,
    /// Where it is on the ground, for reports that come with a position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
}

/// What a device is there for. One device has one purpose; a camera that watches two things is two devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Purpose {
    LiftCamera,
    LiftController,
    FacadeCamera,
    HomeDoor,
    HomeMotion,
    HomeWater,
    HomeSos,
    HomeSmoke,
    Cover,
    DoorAccess,
    DoorContact,
    LaneCamera,
    Noise,
    Smoke,
    Shed,
    Weather,
    ManualPoint,
    FireRelay,
    Valve,
    Breaker,
    /// A loudspeaker of a place, or of its zone, that has its own recorded words.
    Speaker,
    /// A service that calls residents: what it says of their answers counts.
    Telephone,
    Hub,
    Other,
}

/// A sensor, as the property manager listed it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// The profile that understands it.
    pub profile: String,
    /// The vendor's identity, unique within the profile.
    pub identity: String,
    /// Where it is.
    pub place: PlaceId,
    /// What it is there for.
    pub purpose: Purpose,
    /// Model name, for people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// How often it speaks when nothing happens, microseconds; `None` means it speaks only on events, and its
    /// silence says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Span>,
    /// The hub that it speaks through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<DeviceId>,
    /// A camera that repeats its hit while it sees something, instead of sending a start and a stop.
    #[serde(default)]
    pub streaming: bool,
    /// The device debounces by itself: its word holds at once.
    #[serde(default)]
    pub debounced: bool,
    /// After a movement it promises another message within this time, microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<Span>,
    /// Columns of a façade that it sees, inclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<(i32, i32)>,
    /// A lift's hold output is wired to this controller.
    #[serde(default)]
    pub hold_wired: bool,
    /// The buttons and bars that open this door from inside are wired to it: it tells of each such request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rex_wired: bool,
    /// New: what it says is on trial, and the property manager alone is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probation: bool,
}

/// A role, as duty lists in a compound know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// 保安.
    Guard,
    /// 网格员.
    GridWorker,
    /// 楼栋长.
    Captain,
    /// 消控室, around the clock.
    ControlRoom,
    /// 物业经理.
    Manager,
    /// 民警.
    Officer,
    /// 派出所.
    Station,
    /// 领导.
    Leader,
    /// Whoever maintains a device; a contact, not a user.
    Maintainer,
    /// A relative of a resident; a contact, not a user.
    Family,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 10] = [
        Role::Guard,
        Role::GridWorker,
        Role::Captain,
        Role::ControlRoom,
        Role::Manager,
        Role::Officer,
        Role::Station,
        Role::Leader,
        Role::Maintainer,
        Role::Family,
    ];

    /// The role's name in files, metrics and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Role::Guard => "guard",
            Role::GridWorker => "grid_worker",
            Role::Captain => "captain",
            Role::ControlRoom => "control_room",
            Role::Manager => "manager",
            Role::Officer => "officer",
            Role::Station => "station",
            Role::Leader => "leader",
            Role::Maintainer => "maintainer",
            Role::Family => "family",
        }
    }
}

/// Somebody who receives alarms, without a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Officer {
    /// What they are; at least one.
    pub roles: BTreeSet<Role>,
    /// The grids they serve; empty means the whole compound.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub grids: BTreeSet<GridId>,
    /// Places they serve whatever the grid (a captain's building, a relative's home); empty means by grid.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub places: BTreeSet<PlaceId>,
    /// May be told without a shift, day and night (control room, leader, station).
    #[serde(default)]
    pub always_on_duty: bool,
    /// A telephone number is on file, so that voice and SMS can reach them.
    #[serde(default)]
    pub telephone: bool,
    /// A webhook (a chat group, an SMS or voice gateway) is on file, so that the second channel can reach them.
    #[serde(default)]
    pub webhook: bool,
    /// What a maintainer keeps in order, by the purpose of the devices; empty: everything.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub maintains: BTreeSet<Purpose>,
    /// Hashes of the number plates of their cars; no plate itself is kept anywhere.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub vehicles: BTreeSet<String>,
    /// May see the admin page and change the configuration.
    #[serde(default)]
    pub admin: bool,
}

/// Minutes after local midnight, 0–1440.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MinuteOfDay(pub u16);

/// Who is on duty when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Rota {
    /// Shifts by name; one whose end is not after its start runs past midnight.
    pub shifts: BTreeMap<String, Shift>,
    /// Who works which shift on which days.
    pub duties: Vec<Duty>,
    /// Days on which the rota of a Sunday holds.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holidays: BTreeSet<Day>,
    /// Shifts that are worked by others on one day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overrides: Vec<Override>,
}

/// A day of the compound's calendar, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct Day(pub i32);

impl Day {
    /// Of a civil date such as `2026-10-01`.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let date: jiff::civil::Date =
            text.parse().map_err(|_| format!("{text:?} is not a date such as 2026-10-01"))?;
        Ok(Self::of(date))
    }

    /// Of a civil date.
    pub fn of(date: jiff::civil::Date) -> Self {
        let days = date.since(jiff::civil::date(1970, 1, 1)).map_or(0, |span| span.get_days());
        Self(days)
    }

    /// 0 is Monday.
    pub fn weekday(self) -> usize {
        usize::try_from((i64::from(self.0) + 3).rem_euclid(7)).unwrap_or_default()
    }

    /// So many days before it.
    fn before(self, days: u32) -> Self {
        Self(self.0.saturating_sub(i32::try_from(days).unwrap_or(i32::MAX)))
    }
}

/// As in the rota: `2026-10-01`.
impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(self.0));
        match date {
            Ok(date) => write!(f, "{date}"),
            Err(_) => write!(f, "day {}", self.0),
        }
    }
}

/// One shift of one day, worked by others than usually: a swap, an illness, a reinforced night.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The day on which the shift begins.
    pub day: Day,
    /// Which shift, by name.
    pub shift: String,
    /// Everybody who works it, in the place of those who usually do.
    pub officers: BTreeSet<OfficerId>,
}

/// A part of the day that somebody works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shift {
    /// First minute.
    pub from: MinuteOfDay,
    /// First minute after it; equal to `from` means the whole day.
    pub until: MinuteOfDay,
}

/// One line of the rota.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Who.
    pub officer: OfficerId,
    /// Which shift, by name.
    pub shift: String,
    /// On which days the shift begins, Monday first.
    pub weekdays: [bool; 7],
}

/// A home that the living-alone rule watches, with its resident's consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// Quiet hours do not delay the call.
    #[serde(default)]
    pub high_risk: bool,
    /// The resident may not find back: an exit at night is told. In scenarios also `dementia`.
    #[serde(default, alias = "dementia", skip_serializing_if = "std::ops::Not::not")]
    pub night_exit: bool,
    /// The resident, or whoever may say so, agreed. Without consent the rule is off.
    pub consent: bool,
    /// Whom to tell after the resident does not answer: ids of officers with role `family`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub family: Vec<OfficerId>,
    /// A telephone number of the resident is on file.
    #[serde(default)]
    pub telephone: bool,
}

impl Place {
    /// A place of this kind of which nothing else is known: no name, no grid or zone of its own.
    pub fn plain(kind: PlaceKind) -> Self {
        Self { kind, name: Text::default(), grid: None, zone: None, footpath: false, position: None }
    }
}

impl Device {
    /// A device of which the list says only this: it speaks on events, through no hub, and is trusted.
    pub fn plain(profile: &str, identity: &str, place: PlaceId, purpose: Purpose) -> Self {
        Self {
            profile: profile.to_owned(),
            identity: identity.to_owned(),
            place,
            purpose,
            model: String::new(),
            interval: None,
            hub: None,
            streaming: false,
            debounced: false,
            follow_up: None,
            columns: None,
            hold_wired: false,
            rex_wired: false,
            probation: false,
        }
    }
}

impl Officer {
    /// Somebody in this role who serves the whole compound by the rota, with the app as the only way to them.
    pub fn plain(role: Role) -> Self {
        Self {
            roles: BTreeSet::from([role]),
            grids: BTreeSet::new(),
            places: BTreeSet::new(),
            always_on_duty: false,
            telephone: false,
            webhook: false,
            maintains: BTreeSet::new(),
            vehicles: BTreeSet::new(),
            admin: false,
        }
    }

    /// Is `place`, which lies in `grid` ([`Site::grid_of`]), theirs to serve?
    ///
    /// Listed places are theirs with all that is inside them, whatever the grid. Apart from those: with grids,
    /// what lies in one of them; with neither grids nor places, the whole compound; with places only, nothing.
    pub fn serves(&self, place: &PlaceId, grid: Option<&GridId>) -> bool {
        if self.places.iter().any(|outer| place.is_within(outer)) {
            return true;
        }
        match (self.grids.is_empty(), grid) {
            (true, _) => self.places.is_empty(),
            (false, Some(grid)) => self.grids.contains(grid),
            (false, None) => false,
        }
    }
}

impl Shift {
    /// Minutes from its begin to its end, 1–1440.
    fn minutes(self) -> u32 {
        let (from, until) = (u32::from(self.from.0), u32::from(self.until.0));
        if until > from { until - from } else { 1_440_u32.saturating_sub(from) + until }
    }

    /// Does it run at `minute` of a day `days_ago` days after the one on which it began?
    fn covers(self, minute: u16, days_ago: u32) -> bool {
        let since_midnight = u32::from(minute) + days_ago * 1_440;
        since_midnight.checked_sub(u32::from(self.from.0)).is_some_and(|elapsed| elapsed < self.minutes())
    }
}

impl Rota {
    /// Is `officer` on duty at this minute of the site's local week?
    ///
    /// `weekday` is 0 for Monday to 6 for Sunday, `minute` counts from local midnight, 0–1439. A shift past
    /// midnight belongs to the day on which it begins. An officer who is always on duty
    /// ([`Officer::always_on_duty`]) needs no line here, and this does not know of it. A duty whose shift is
    /// unknown never counts.
    pub fn is_on_duty(&self, officer: &OfficerId, weekday: usize, minute: u16) -> bool {
        let begins_on = |duty: &Duty, day: usize| duty.weekdays.get(day % 7).copied().unwrap_or(false);
        self.duties.iter().filter(|duty| duty.officer == *officer).any(|duty| {
            self.shifts.get(&duty.shift).is_some_and(|shift| {
                begins_on(duty, weekday) && shift.covers(minute, 0)
                    || begins_on(duty, weekday + 6) && shift.covers(minute, 1)
            })
        })
    }

    /// Is `officer` on duty at this minute of this day? Knows of holidays and of what was changed for one day, beside
    /// what [`Rota::is_on_duty`] knows.
    pub fn is_on_duty_at(&self, officer: &OfficerId, day: Day, minute: u16) -> bool {
        if self.holidays.is_empty() && self.overrides.is_empty() {
            return self.is_on_duty(officer, day.weekday(), minute);
        }
        self.shifts.iter().any(|(name, shift)| {
            let runs = |ago: u32| shift.covers(minute, ago) && self.works(officer, name, day.before(ago));
            runs(0) || runs(1)
        })
    }

    /// Does `officer` work this shift when it begins on this day?
    fn works(&self, officer: &OfficerId, shift: &str, day: Day) -> bool {
        const SUNDAY: usize = 6;
        let mut changed = self.overrides.iter().filter(|one| one.day == day && one.shift == shift).peekable();
        if changed.peek().is_some() {
            return changed.any(|one| one.officers.contains(officer));
        }
        let weekday = if self.holidays.contains(&day) { SUNDAY } else { day.weekday() };
        let mut duties = self.duties.iter().filter(|duty| duty.officer == *officer && duty.shift == shift);
        duties.any(|duty| duty.weekdays.get(weekday).copied().unwrap_or(false))
    }

    /// Minutes after midnight at which any shift begins or ends, each once, in order; 0 is always one of them.
    pub fn changes(&self) -> BTreeSet<MinuteOfDay> {
        let ends = self.shifts.values().flat_map(|shift| [shift.from, shift.until]);
        ends.map(|minute| MinuteOfDay(minute.0 % 1_440)).chain([MinuteOfDay(0)]).collect()
    }
}

impl Site {
    /// The device behind a vendor's identity, if it is registered.
    pub fn device_of(&self, profile: &str, identity: &str) -> Option<(&DeviceId, &Device)> {
        let id = self.identities.get(profile)?.get(identity)?;
        self.devices.get_key_value(id).map(|(id, device)| (id, &**device))
    }

    /// The grid that a place belongs to: its own, or that of the nearest place around it.
    pub fn grid_of(&self, place: &PlaceId) -> Option<&GridId> {
        let found = self.places.get(place)?;
        match &found.grid {
            Some(grid) => Some(grid),
            None => place.parent().and_then(|outer| self.grid_of(&outer)),
        }
    }

    /// The building that a place is, or lies in. A façade stands beside its building in the registry: it belongs to
    /// the one that it names as its zone, else to the one that its path names, as `facade/3/east` names building 3.
    pub fn building_of(&self, place: &PlaceId) -> Option<PlaceId> {
        let kind = |place: &PlaceId| self.places.get(place).map(|known| known.kind);
        let around = std::iter::successors(Some(place.clone()), PlaceId::parent);
        let own = around.clone().find(|outer| kind(outer) == Some(PlaceKind::Building));
        if own.is_some() || kind(place) != Some(PlaceKind::Facade) {
            return own;
        }
        let is_building = |named: &PlaceId| kind(named) == Some(PlaceKind::Building);
        let zones = around.filter_map(|outer| self.places.get(&outer)?.zone.clone());
        let parts = place.as_str().split('/').filter_map(|part| PlaceId::parse(part).ok());
        zones.chain(parts).find(is_building)
    }

    /// Is a place a home, or in one? All of them alike, whether or not somebody who lives alone is registered there: were
    /// those others left out, the gap would name them.
    pub fn is_of_a_home(&self, place: &PlaceId) -> bool {
        let is_home = |place: &PlaceId| {
            let kind = self.places.get(place).map(|known| known.kind);
            kind == Some(PlaceKind::Home) || self.homes.contains_key(place)
        };
        std::iter::successors(Some(place.clone()), PlaceId::parent).any(|outer| is_home(&outer))
    }

    /// The names from the outermost place to this one, for a screen: `["3号楼", "2单元", "电梯B"]`.
    pub fn path_of(&self, place: &PlaceId) -> Vec<&Text> {
        let mut path = place.parent().map_or_else(Vec::new, |outer| self.path_of(&outer));
        path.extend(self.places.get(place).map(|found| &found.name));
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MON: usize = 0;
    const TUE: usize = 1;
    const WED: usize = 2;
    const SUN: usize = 6;

    /// A rota with one officer `wu` on one shift, beginning on `days`.
    fn rota(from: u16, until: u16, days: &[usize]) -> Rota {
        let mut weekdays = [false; 7];
        days.iter().for_each(|day| weekdays[*day] = true);
        let shift = Shift { from: MinuteOfDay(from), until: MinuteOfDay(until) };
        let duty = Duty { officer: officer("wu"), shift: "s".to_owned(), weekdays };
        Rota { shifts: BTreeMap::from([("s".to_owned(), shift)]), duties: vec![duty], ..Rota::default() }
    }

    fn officer(id: &str) -> OfficerId {
        OfficerId::parse(id).expect("a valid id")
    }

    /// The minutes of `weekday` on which `wu` is on duty, as (first, first after) runs.
    fn runs(rota: &Rota, weekday: usize) -> Vec<(u16, u16)> {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for minute in 0..1_440 {
            if !rota.is_on_duty(&officer("wu"), weekday, minute) {
                continue;
            }
            match runs.last_mut() {
                Some(run) if run.1 == minute => run.1 = minute + 1,
                Some(_) | None => runs.push((minute, minute + 1)),
            }
        }
        runs
    }

    #[test]
    fn a_day_shift_runs_from_its_first_minute_to_the_one_before_its_end() {
        let rota = rota(480, 1_200, &[MON]);
        assert_eq!(runs(&rota, MON), [(480, 1_200)]);
        assert_eq!(runs(&rota, TUE), []);
        assert_eq!(runs(&rota, SUN), []);
    }

    #[test]
    fn a_shift_past_midnight_belongs_to_the_day_it_begins_on() {
        let rota = rota(1_200, 480, &[MON]);
        assert_eq!(runs(&rota, MON), [(1_200, 1_440)]);
        assert_eq!(runs(&rota, TUE), [(0, 480)]);
        assert_eq!(runs(&rota, WED), []);
    }

    #[test]
    fn a_sunday_night_shift_ends_on_monday_morning() {
        assert_eq!(runs(&rota(1_320, 360, &[SUN]), MON), [(0, 360)]);
    }

    #[test]
    fn equal_ends_mean_a_whole_day_from_that_minute() {
        assert_eq!(runs(&rota(0, 0, &[TUE]), TUE), [(0, 1_440)]);
        assert_eq!(runs(&rota(0, 0, &[TUE]), WED), []);
        assert_eq!(runs(&rota(480, 480, &[TUE]), TUE), [(480, 1_440)]);
        assert_eq!(runs(&rota(480, 480, &[TUE]), WED), [(0, 480)]);
        assert_eq!(runs(&rota(0, 1_440, &[TUE]), TUE), [(0, 1_440)]);
    }

    #[test]
    fn an_officer_serves_their_places_else_their_grids_else_everything() {
        let place = |text: &str| PlaceId::parse(text).expect("a valid id");
        let grid = |text: &str| GridId::parse(text).expect("a valid id");
        let mut wu = Officer::plain(Role::Guard);
        assert!(wu.serves(&place("3/2"), None), "the whole compound");

        wu.places.insert(place("3"));
        assert!(wu.serves(&place("3/2"), Some(&grid("g9"))), "inside a place of theirs");
        assert!(!wu.serves(&place("4/2"), Some(&grid("g1"))), "a captain of one building");

        wu.grids.insert(grid("g1"));
        assert!(wu.serves(&place("4/2"), Some(&grid("g1"))), "in a grid of theirs");
        assert!(!wu.serves(&place("5/1"), Some(&grid("g2"))));
        assert!(!wu.serves(&place("5/1"), None), "no grid is nobody's grid");
    }

    #[test]
    fn a_holiday_has_the_rota_of_a_sunday_and_one_day_may_be_changed() {
        let mut rota = rota(1_320, 360, &[MON, TUE]);
        let day = |text: &str| Day::parse(text).expect("a date");
        let wu = officer("wu");
        let (mon, tue, wed) = (day("2026-03-02"), day("2026-03-03"), day("2026-03-04"));
        assert_eq!([mon, tue, wed].map(Day::weekday), [MON, TUE, WED]);
        let nights = |rota: &Rota| [mon, tue, wed].map(|day| rota.is_on_duty_at(&wu, day, 60));
        assert_eq!(nights(&rota), [false, true, true]);
        rota.holidays.insert(mon);
        assert_eq!(nights(&rota), [false, false, true], "Monday's night shift ends on Tuesday");
        let others = BTreeSet::from([wu.clone()]);
        rota.overrides.push(Override { day: mon, shift: "s".into(), officers: others });
        assert_eq!(nights(&rota), [false, true, true], "but this one is worked");
        rota.overrides.push(Override { day: tue, shift: "s".into(), officers: BTreeSet::new() });
        assert_eq!(nights(&rota), [false, true, false]);
        assert_eq!(rota.changes(), [0, 360, 1_320].map(MinuteOfDay).into_iter().collect());
        assert!(Day::parse("2026-02-30").is_err());
    }

    #[test]
    fn nobody_else_and_no_unknown_shift_counts() {
        let mut rota = rota(0, 0, &[MON]);
        assert!(!rota.is_on_duty(&officer("li"), MON, 0));
        rota.duties[0].shift = "gone".to_owned();
        assert!(!rota.is_on_duty(&officer("wu"), MON, 0));
    }
}

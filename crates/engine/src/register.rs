//! What people enter about the compound: who is away, whose consent was taken back, who works where. Each entry is a command, journaled
//! as a fact with who made it; rules read the register wherever they look. Changed by facts only.

use crate::command::{Outcomes, invalid};
use crate::duty;
use crate::setup::Setup;
use crate::windows::{self, WINDOWS_STAY};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{
    AlarmId, AlarmKind, Answer, Command, DeviceId, Entered, Fact, Officer, OfficerId, Op, Outcome, Permit,
    PlaceId, Presence, Reason, Role, Span, Timestamp, Window,
};

/// An entry of the register of absences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// Away, or in hospital; for a visitor: that one is announced.
    pub status: Presence,
    /// When it was entered, on the timeline: tells one absence from the next.
    pub entered: Timestamp,
    /// From this wall time on.
    pub from: Timestamp,
    /// Until this wall time; `None`: nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who said so.
    pub by: OfficerId,
}

impl Absence {
    /// Does it hold at a wall time?
    pub fn holds(&self, wall: Timestamp) -> bool {
        self.from <= wall && self.until.is_none_or(|until| wall < until)
    }
}

/// Somebody signed on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedDuty {
    /// On, or off.
    pub on: bool,
    /// From then on the rota holds again.
    pub until: Timestamp,
}

/// Where somebody said that they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Where.
    pub place: PlaceId,
    /// When they said so, on the timeline.
    pub at: Timestamp,
}

/// A list that was signed by whoever hands over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// Who hands over.
    pub from: OfficerId,
    /// To whom.
    pub to: OfficerId,
    /// What was on the list.
    pub alarms: Vec<AlarmId>,
    /// It is void from then on.
    pub until: Timestamp,
}

/// The register. One entry of each sort per home: the registry of homes is its limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Register {
    /// Homes whose resident is, or was lately, away.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub away: BTreeMap<PlaceId, Absence>,
    /// Homes where a visitor is announced.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub visitors: BTreeMap<PlaceId, Absence>,
    /// Homes whose consent was taken back after the file of homes said yes.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub withdrawn: BTreeSet<PlaceId>,
    /// Homes whose recorded messages are to be erased, and up to when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub erase: BTreeMap<PlaceId, Timestamp>,
    /// Times in which nobody is called, in the order of entering; those that ended a day ago go with the next entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// Who signed on or off, whatever the rota says. One entry each: the registry of officers is the limit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub duty: BTreeMap<OfficerId, SignedDuty>,
    /// Where people said that they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub positions: BTreeMap<OfficerId, Position>,
    /// Lists that were signed by whoever hands over, and not yet by the other one. One of each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub offers: Vec<Offer>,
    /// Leave to work somewhere, in the order of entering; those that ended a day ago go with the next entry.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub permits: Vec<Permit>,
}

/// More permits than this, those of the last day among them, are refused.
const PERMITS_MAX: usize = 256;
/// The longest that a permit may run: what mutes a cover is looked at again by somebody.
const PERMIT_MAX: Span = Span::hours(7 * 24);
/// A permit that ended so long ago is forgotten.
const PERMITS_STAY: Span = Span::hours(24);

impl Register {
    /// Is nothing entered?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Takes an entry in. Returns whether the fact was one.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    pub(crate) fn apply(&mut self, at: Timestamp, wall_minus_at: Span, fact: &Fact) -> bool {
        match fact {
            Fact::Away { home, status, from, until, by } => {
                let entry =
                    Absence { status: *status, entered: at, from: *from, until: *until, by: by.clone() };
                match status {
                    Presence::Visitor => {
                        self.visitors.insert(home.clone(), entry);
                    }
                    Presence::Away | Presence::Hospital => {
                        self.away.insert(home.clone(), entry);
                    }
                    Presence::Home => self.back(home, *from),
                }
                true
            }
            Fact::Consent { home, on, .. } => {
                if *on {
                    self.withdrawn.remove(home);
                } else {
                    self.withdrawn.insert(home.clone());
                    self.erase.insert(home.clone(), at);
                }
                true
            }
            Fact::Permit(permit) => {
                let wall = at + wall_minus_at;
                self.permits.retain(|permit| stays(permit, wall));
                self.permits.push(permit.clone());
                true
            }
            Fact::Entered(entry) => self.enter(at, at + wall_minus_at, entry),
            _ => false,
        }
    }

    fn enter(&mut self, at: Timestamp, wall: Timestamp, entry: &Entered) -> bool {
        match entry {
            Entered::Window(window) => {
                self.windows.retain(|window| window.until + WINDOWS_STAY > wall);
                self.windows.push(window.clone());
            }
            Entered::WindowEnded { window, .. } => {
                let known = self.windows.iter_mut().filter(|known| known.window == *window);
                known.for_each(|known| known.until = known.until.min(wall));
            }
            Entered::Duty { officer, on, until } => {
                self.duty.insert(officer.clone(), SignedDuty { on: *on, until: *until });
            }
            Entered::Position { officer, place } => {
                self.positions.insert(officer.clone(), Position { place: place.clone(), at });
            }
            Entered::HandoverOffered { from, to, alarms, until } => {
                self.offers.retain(|offer| offer.from != *from && offer.until > at);
                let (from, to, alarms) = (from.clone(), to.clone(), alarms.clone());
                self.offers.push(Offer { from, to, alarms, until: *until });
            }
            Entered::HandedOver { from, .. } => self.offers.retain(|offer| offer.from != *from),
            Entered::Flood { .. } => return false,
        }
        true
    }

    /// Permits for a device that hold at a wall time, or held until `grace` before it.
    pub(crate) fn permits_for<'a>(
        &'a self,
        setup: &'a Setup,
        device: &'a DeviceId,
        wall: Timestamp,
        grace: Span,
    ) -> impl Iterator<Item = &'a Permit> + 'a {
        let held =
            self.permits.iter().filter(move |permit| permit.from <= wall && wall < permit.until + grace);
        held.filter(move |permit| covers(setup, permit, device))
    }

    fn back(&mut self, home: &PlaceId, wall: Timestamp) {
        self.visitors.remove(home);
        if let Some(absence) = self.away.get_mut(home)
            && absence.until.is_none_or(|until| until > wall)
        {
            absence.until = Some(wall);
        }
    }
}

/// Is a permit remembered at a wall time?
fn stays(permit: &Permit, wall: Timestamp) -> bool {
    permit.until + PERMITS_STAY > wall
}

/// Is a permit for this device?
pub(crate) fn covers(setup: &Setup, permit: &Permit, device: &DeviceId) -> bool {
    let Some(known) = setup.site.devices.get(device) else { return false };
    let in_zone = |zone: &PlaceId| within(setup, &known.place, zone);
    permit.device.as_ref() == Some(device) || permit.zone.as_ref().is_some_and(in_zone)
}

/// Is a place inside another one, or does it name it as its zone?
pub(crate) fn within(setup: &Setup, place: &PlaceId, zone: &PlaceId) -> bool {
    let named = setup.site.places.get(place).and_then(|place| place.zone.as_ref());
    place.is_within(zone) || named == Some(zone)
}

/// Is it a place of the compound, or what one of its places names as its zone?
pub(crate) fn is_zone(world: &World, zone: &PlaceId) -> bool {
    let places = &world.setup.site.places;
    places.contains_key(zone) || places.values().any(|place| place.zone.as_ref() == Some(zone))
}

/// Everybody who works here.
pub(crate) const STAFF: &[Role] = &[
    Role::Guard,
    Role::GridWorker,
    Role::Captain,
    Role::ControlRoom,
    Role::Manager,
    Role::Officer,
    Role::Station,
    Role::Leader,
];
/// Who answers for the whole compound.
pub(crate) const MANAGES: [Role; 5] =
    [Role::ControlRoom, Role::Manager, Role::Officer, Role::Station, Role::Leader];

/// Has somebody one of these roles, or are they an admin?
pub(crate) fn is_one_of(world: &World, id: &OfficerId, roles: &[Role]) -> bool {
    let known = world.setup.site.officers.get(id);
    known.is_some_and(|officer| officer.admin || roles.iter().any(|role| officer.roles.contains(role)))
}

/// Decides on an entry.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
pub(crate) fn decide(world: &World, command: &Command) -> Outcomes {
    if let Some(outcomes) = of_people(world, command) {
        return outcomes;
    }
    if let Op::Permit { device, zone, from, until, crew } = &command.op {
        let asked = Asked { device, zone, from: *from, until: *until, crew };
        return permit(world, &command.officer, &asked);
    }
    let (Op::Away { home, .. } | Op::Consent { home, .. }) = &command.op else {
        return invalid("not_an_entry", "不是登记命令", "this command enters nothing");
    };
    let Some(known) = world.setup.site.homes.get(home) else {
        let (zh, en) = (format!("登记表中没有这户：{home}"), format!("there is no home {home} on the list"));
        return invalid("unknown_home", &zh, &en);
    };
    let officer = world.setup.site.officers.get(&command.officer);
    if !officer.is_some_and(|officer| may_enter(world, &command.officer, officer, home)) {
        return Outcomes::refused(Answer::Forbidden);
    }
    let by = &command.officer;
    match &command.op {
        Op::Away { status, from, until, .. } => away(world, home, *status, *from, *until, by),
        Op::Consent { on: true, .. } if !known.consent => invalid(
            "consent_not_on_file",
            "名单上没有书面同意：请先在 homes.csv 中登记",
            "the list has no written consent: enter it in homes.csv first",
        ),
        Op::Consent { on, .. } => consent(world, home, *on, by),
        _ => invalid("not_an_entry", "不是登记命令", "this command enters nothing"),
    }
}

/// Windows, and who is on duty and where.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn of_people(world: &World, command: &Command) -> Option<Outcomes> {
    let by = &command.officer;
    Some(match &command.op {
        Op::Maintain { how, device, zone, kind, from, until, reason } => {
            let asked = windows::Asked { how: *how, device, zone, kind, from: *from, until: *until, reason };
            windows::open(world, command, &asked)
        }
        Op::EndMaintenance { window } => windows::end(world, by, window),
        Op::SignOn => duty::sign_on(world, by),
        Op::SignOff => duty::sign_off(world, by),
        Op::Handover { to } => duty::handover(world, by, to),
        Op::Position { place } => position(world, by, place),
        _ => return None,
    })
}

fn position(world: &World, by: &OfficerId, place: &PlaceId) -> Outcomes {
    let site = &world.setup.site;
    if !site.officers.contains_key(by) {
        return Outcomes::refused(Answer::Forbidden);
    }
    if !site.places.contains_key(place) {
        return invalid("unknown_place", &format!("没有地点 {place}"), &format!("there is no place {place}"));
    }
    let (officer, place) = (by.clone(), place.clone());
    done(vec![windows::entered(Entered::Position { officer, place })])
}

/// Staff who serve the place, and the family of the home itself.
fn may_enter(world: &World, id: &OfficerId, officer: &Officer, home: &PlaceId) -> bool {
    let family = world.setup.site.homes.get(home).is_some_and(|known| known.family.contains(id));
    let staff = officer.roles.iter().any(|role| !matches!(role, Role::Family | Role::Maintainer));
    family || (staff && world.serves(officer, home)) || officer.admin
}

pub(crate) fn done(facts: Vec<Fact>) -> Outcomes {
    Outcomes { facts, answer: Answer::Done }
}

fn away(
    world: &World,
    home: &PlaceId,
    status: Presence,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    by: &OfficerId,
) -> Outcomes {
    let now = world.senses.wall(world.at);
    let from = from.unwrap_or(now).max(now);
    if until.is_some_and(|until| until <= from) {
        return invalid(
            "until_is_over",
            "结束时间已过",
            "\"until\" must be later than now and than \"from\"",
        );
    }
    if status == Presence::Home && !world.senses.register.away.contains_key(home) {
        return invalid("was_not_away", "没有外出登记", "nobody entered that this resident was away");
    }
    done(vec![Fact::Away { home: home.clone(), status, from, until, by: by.clone() }])
}

/// Without consent the rule is off, and what it raised is over; a call for help is not.
fn consent(world: &World, home: &PlaceId, on: bool, by: &OfficerId) -> Outcomes {
    let mut facts = vec![Fact::Consent { home: home.clone(), on, by: by.clone() }];
    let of_the_rule = |kind: &AlarmKind| matches!(kind.as_str(), "living_alone" | "door_open");
    let over = world.book.open_alarms().filter(|alarm| {
        alarm.place == *home && of_the_rule(&alarm.kind) && alarm.stage.as_deref() != Some("help")
    });
    for alarm in over.filter(|_| !on) {
        facts.extend(crate::command::stood_down(alarm, Some(by)));
        facts.push(Fact::Closed {
            alarm: alarm.id.clone(),
            outcome: Outcome::Unverified,
            reason: Reason::new("consent_withdrawn", "本人撤回同意，已停用", "the resident withdrew consent"),
        });
    }
    done(facts)
}

/// A permit as it was asked for.
struct Asked<'a> {
    device: &'a Option<DeviceId>,
    zone: &'a Option<PlaceId>,
    from: Option<Timestamp>,
    until: Timestamp,
    crew: &'a [OfficerId],
}

fn permit(world: &World, by: &OfficerId, asked: &Asked) -> Outcomes {
    let site = &world.setup.site;
    let is_staff = |officer: &Officer| {
        officer.admin || officer.roles.iter().any(|role| !matches!(role, Role::Family | Role::Maintainer))
    };
    if !site.officers.get(by).is_some_and(is_staff) {
        return Outcomes::refused(Answer::Forbidden);
    }
    let now = world.senses.wall(world.at);
    let from = asked.from.unwrap_or(now);
    let stranger = asked.crew.iter().find(|id| !site.officers.contains_key(*id));
    match (asked.device, asked.zone) {
        (Some(_), Some(_)) | (None, None) => {
            return invalid("one_of_both", "请填设备或区域之一", "a permit is for a device or for a zone");
        }
        (Some(device), None) if !site.devices.contains_key(device) => {
            return invalid(
                "unknown_device",
                &format!("没有设备 {device}"),
                &format!("there is no device {device}"),
            );
        }
        (None, Some(zone)) if !is_zone(world, zone) => {
            return invalid("unknown_zone", &format!("没有区域 {zone}"), &format!("there is no zone {zone}"));
        }
        _ => {}
    }
    if let Some(stranger) = stranger {
        let (zh, en) = (format!("没有人员 {stranger}"), format!("there is no officer {stranger}"));
        return invalid("unknown_crew", &zh, &en);
    }
    if asked.until <= from.max(now) {
        return invalid(
            "until_is_over",
            "结束时间已过",
            "\"until\" must be later than now and than \"from\"",
        );
    }
    if asked.until - from.max(now) > PERMIT_MAX {
        return invalid(
            "permit_too_long",
            "作业登记最长七天",
            "a permit runs for 7 days at most: enter another one when it ends",
        );
    }
    if world.senses.register.permits.iter().filter(|permit| stays(permit, now)).count() >= PERMITS_MAX {
        return invalid(
            "too_many_permits",
            "作业登记过多（含一天内结束的）",
            "too many permits are open, or ended within the last day",
        );
    }
    let crew = if asked.crew.is_empty() { vec![by.clone()] } else { asked.crew.to_vec() };
    let (device, zone) = (asked.device.clone(), asked.zone.clone());
    done(vec![Fact::Permit(Permit { device, zone, from, until: asked.until, crew, by: by.clone() })])
}

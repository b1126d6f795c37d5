//! E-bikes in lifts (`ebike_in_lift`): a battery that burns in a lift kills in half a minute.
//!
//! Subject: the place of the lift, with its cameras and its controller. The hold belongs to the controller; it is
//! observed here. What may be asked of the controller, and when it may not, is in `commands`: never a moving car.
//!
//! ```text
//!   suspect ─ there 1.5 s, car standing, door open ─► P2 ─► held ─► left ─► released ─► closed (complied)
//!      (silent, no alarm)                             │       ├─► hold_failed, held_overdue, defeated
//!                                                     └───────┴─► left_at_floor: a person looks and closes
//! ```
//!
//! The third bike of one lift within 30 days: a summary for the officer, kind `ebike_summary`.
//!
//! Keys: the lift's place for bikes; `battery:`, and for kind `lift_fault` `idle:` and `fire:`, each with the place.

mod bike;
mod camera;
mod car;
mod commands;
mod faults;
mod follow;
mod judge;
mod settings;
mod state;
mod words;

pub use settings::EbikeInLiftSettings;

use super::{Cause, KindWords, Proposal, Rule, RuleSettings, RuleTimers};
use crate::alarm::Alarm;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use state::Lift;
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{
    AlarmKind, Command, Device, DeviceId, Fact, Op, Outcome, PlaceId, Purpose, Reading, Reason, Timestamp,
};

/// The rule.
#[derive(Debug)]
pub(crate) struct EbikeInLift {
    kind: AlarmKind,
    settings: EbikeInLiftSettings,
    /// Lifts whose hold output is wired to a controller that we hear.
    wired: BTreeSet<PlaceId>,
    /// The controller of each lift.
    controllers: BTreeMap<PlaceId, DeviceId>,
    kept: Kept,
}

/// What goes into the snapshot.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    lifts: BTreeMap<PlaceId, Lift>,
    /// Smoke and heat detectors that are active, with their places.
    fires: BTreeMap<DeviceId, PlaceId>,
}

impl EbikeInLift {
    pub(crate) fn new(settings: EbikeInLiftSettings) -> Self {
        let kind = crate::raising::kind_of("ebike_in_lift");
        let (wired, controllers) = (BTreeSet::new(), BTreeMap::new());
        Self { kind, settings, wired, controllers, kept: Kept::default() }
    }
}

impl Rule for EbikeInLift {
    fn name(&self) -> &'static str {
        "ebike_in_lift"
    }

    fn words(&self) -> KindWords {
        words::ebike()
    }

    fn words_of(&self, kind: &str) -> Option<KindWords> {
        match kind {
            "ebike_in_lift" => Some(words::ebike()),
            words::SUMMARY => Some(words::summary_kind()),
            words::LIFT_FAULT => Some(words::lift_fault()),
            _ => None,
        }
    }

    fn listens(&self, device: &Device) -> bool {
        matches!(
            device.purpose,
            Purpose::LiftCamera | Purpose::LiftController | Purpose::Smoke | Purpose::Hub
        )
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.ebike_in_lift);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, timers: &mut RuleTimers) {
        self.settings = setup.rules.ebike_in_lift.clone();
        let devices = setup.site.devices.values();
        self.wired = devices.filter(|device| device.hold_wired).map(|device| device.place.clone()).collect();
        let of_lifts =
            setup.site.devices.iter().filter(|(_, known)| known.purpose == Purpose::LiftController);
        self.controllers = of_lifts.map(|(id, known)| (known.place.clone(), id.clone())).collect();
        self.kept.lifts.retain(|place, _| setup.site.places.contains_key(place));
        self.kept.fires.retain(|device, _| setup.site.devices.contains_key(device));
        for (place, lift) in &self.kept.lifts {
            arm(place, &[], lift, &self.settings, timers);
        }
    }

    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        if matches!(sighting.freshness, Freshness::Replayed | Freshness::Test) {
            return None;
        }
        let place = &sighting.device.place;
        match (sighting.device.purpose, &sighting.said.reading) {
            (_, Reading::Availability { online, .. }) => {
                self.availability(senses, setup, sighting, *online, timers)
            }
            (Purpose::Smoke, reading) => self.detector(sighting, reading)?,
            (Purpose::Hub, _) => return None,
            _ => self.with_lift(senses.at, place, timers, |lift, settings| {
                camera::see(lift, settings, senses, sighting)
            }),
        }
        Some(place.clone())
    }

    fn due(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        subject: &Subject,
        slot: u8,
        timers: &mut RuleTimers,
    ) -> bool {
        let judge = senses.may_judge_absence();
        if !self.kept.lifts.contains_key(subject) {
            return false;
        }
        self.with_lift(senses.at, subject, timers, |lift, _| lift.due(senses.at, slot, judge))
    }

    fn resumed(&mut self, senses: &Senses, _setup: &Setup, timers: &mut RuleTimers) -> Vec<Subject> {
        for (place, lift) in &mut self.kept.lifts {
            let before = lift.deadlines(&self.settings);
            lift.resumed(senses.at);
            arm(place, &before, lift, &self.settings, timers);
        }
        Vec::new()
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        match self.kept.lifts.get(subject) {
            Some(lift) => self.judge(world, subject, lift, cause),
            // A detector or a hub concerns every lift near it.
            None => self
                .kept
                .lifts
                .iter()
                .flat_map(|(place, lift)| self.judge(world, place, lift, cause))
                .collect(),
        }
    }

    fn alarm_due(&self, world: &World, alarm: &Alarm, slot: u8) -> Vec<Proposal> {
        self.hold_is_missing(world, alarm, slot).into_iter().collect()
    }

    fn after_raise(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        self.expect_hold(world, alarm).into_iter().chain(self.after(world, alarm)).collect()
    }

    fn actions(&self, _world: &World, alarm: &Alarm) -> Vec<&'static str> {
        if self.can_release(&alarm.place) { vec!["release"] } else { Vec::new() }
    }

    fn command(&self, world: &World, alarm: &Alarm, command: &Command) -> Option<Result<Vec<Fact>, Reason>> {
        let Op::Release { reason } = &command.op else { return None };
        Some(self.release_by(world, alarm, command, reason))
    }

    fn ended(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        alarm: &Alarm,
        _reason: &Reason,
        _timers: &mut RuleTimers,
    ) {
        let lift = self.kept.lifts.get_mut(&alarm.place).filter(|_| alarm.kind == self.kind);
        if let Some(bike) = lift.and_then(|lift| lift.bike.as_mut()) {
            bike.ended = Some((senses.at, alarm.outcome.unwrap_or(Outcome::Unverified)));
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

// Observing.
impl EbikeInLift {
    /// Changes what is known of a lift, and moves the deadlines that follow from it.
    fn with_lift<T>(
        &mut self,
        at: Timestamp,
        place: &PlaceId,
        timers: &mut RuleTimers,
        change: impl FnOnce(&mut Lift, &EbikeInLiftSettings) -> T,
    ) -> T {
        let lift = self.kept.lifts.entry(place.clone()).or_default();
        let before = lift.deadlines(&self.settings);
        let result = change(lift, &self.settings);
        lift.count_bike(at, &self.settings);
        arm(place, &before, lift, &self.settings, timers);
        result
    }

    /// A device, or what devices speak through, came or went.
    fn availability(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        online: bool,
        timers: &mut RuleTimers,
    ) {
        let concerned =
            |id: &DeviceId, device: &Device| id == sighting.id || device.hub.as_ref() == Some(sighting.id);
        let here = setup.behind.get(sighting.id).into_iter().flatten().chain([sighting.id]);
        let devices: Vec<(&DeviceId, &Device)> = here
            .filter_map(|id| setup.site.devices.get_key_value(id))
            .map(|(id, device)| (id, &**device))
            .filter(|(id, device)| concerned(id, device))
            .collect();
        for (id, device) in devices {
            let change = |lift: &mut Lift, _: &EbikeInLiftSettings| match (device.purpose, online) {
                (Purpose::LiftCamera, true) => lift.frame(senses.at, id),
                (Purpose::LiftCamera, false) => lift.camera_lost(id),
                (Purpose::LiftController, false) => lift.car_lost(senses.at),
                _ => {}
            };
            if matches!(device.purpose, Purpose::LiftCamera | Purpose::LiftController) {
                self.with_lift(senses.at, &device.place, timers, change);
            }
        }
    }

    /// A smoke or heat detector. `None` when it says nothing of the kind.
    fn detector(&mut self, sighting: &Sighting, reading: &Reading) -> Option<()> {
        let smoke = if let Reading::Smoke { active, .. } = reading { Some(*active) } else { None };
        let heat = if let Reading::Heat { active, .. } = reading { *active } else { None };
        match smoke.or(heat)? {
            true => self.kept.fires.insert(sighting.id.clone(), sighting.device.place.clone()),
            false => self.kept.fires.remove(sighting.id),
        };
        Some(())
    }
}

/// Sets the deadlines that changed.
fn arm(
    place: &PlaceId,
    before: &[(u8, Option<Timestamp>)],
    lift: &Lift,
    settings: &EbikeInLiftSettings,
    timers: &mut RuleTimers,
) {
    for (slot, due) in lift.deadlines(settings) {
        match due {
            _ if before.contains(&(slot, due)) => {}
            Some(due) => timers.arm(place, slot, due),
            None => timers.disarm(place, slot),
        }
    }
}

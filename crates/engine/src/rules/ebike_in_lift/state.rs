//! What is known of one lift: the car by its controller, the bike by its camera. Changed by observing only.
//!
//! ```text
//!            hit              1.5 s standing, door open          no hit 5 s
//!   nothing ─────► suspect ─────────────────────────────► ripe ────────────► left
//!      ▲              │ gone                               │  camera silent, offline, or start without stop
//!      └──────────────┘                                    └────────────────────► unverified
//! ```

use super::bike::{Bike, Doubt, Hit};
use super::car::{Car, Status};
use super::settings::EbikeInLiftSettings;
use serde::{Deserialize, Serialize};
use wanglou_model::{DeviceId, Evidence, LiftDoor, Span, Timestamp};

/// Slots of the rule's timers on a lift.
pub(super) const RIPE: u8 = 0;
pub(super) const HIT_EXPIRED: u8 = 1;
pub(super) const LEFT: u8 = 2;
pub(super) const SILENT: u8 = 3;
pub(super) const HOLD_FAILED: u8 = 4;
pub(super) const HOLD_OVERDUE: u8 = 5;
pub(super) const HOLD_IDLE: u8 = 6;
pub(super) const HOLD_IN_FIRE: u8 = 7;
pub(super) const BATTERY: u8 = 8;

/// One lift.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Lift {
    #[serde(default)]
    pub(super) car: Car,
    /// The bike that is in the car, or was there last.
    #[serde(default)]
    pub(super) bike: Option<Bike>,
    #[serde(default)]
    pub(super) battery: Option<Battery>,
    /// A streaming camera that went silent with a bike in the car.
    #[serde(default)]
    pub(super) silent_camera: Option<DeviceId>,
    /// When bikes were found in it, since the latest summary; no more than make one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) found: Vec<Timestamp>,
    /// When there were enough of them for a summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) summary: Option<Timestamp>,
    /// Absence was due while it could not be judged.
    #[serde(default)]
    deferred: bool,
    /// Absence is not judged by what is before this.
    #[serde(default)]
    judge_from: Timestamp,
}

/// A battery carried by hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Battery {
    pub(super) hit: BatteryHit,
    pub(super) since: Timestamp,
    pub(super) last_hit: Timestamp,
    pub(super) ripe: bool,
}

/// The hit that a battery was first seen by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BatteryHit {
    pub(super) device: DeviceId,
    pub(super) first_at: Timestamp,
    pub(super) event_key: Option<String>,
    pub(super) evidence: Vec<Evidence>,
}

impl Lift {
    /// A hit that counts.
    pub(super) fn hit(&mut self, at: Timestamp, hit: Hit) {
        self.silent_camera = self.silent_camera.take().filter(|silent| *silent != hit.device);
        self.car.idle = false;
        match &mut self.bike {
            Some(bike) if !bike.left && bike.doubt != Some(Doubt::NoStop) => bike.again(at, hit, &self.car),
            Some(_) | None => self.bike = Some(Bike::new(at, hit, &self.car)),
        }
    }

    /// The very message of an earlier hit again: a streaming camera is alive and still sees the bike.
    pub(super) fn hit_repeated(&mut self, at: Timestamp, device: &DeviceId) {
        let same = |bike: &&mut Bike| bike.streaming && bike.is_inside() && bike.device == *device;
        if let Some(bike) = self.bike.as_mut().filter(same) {
            (bike.last_hit, bike.last_frame, bike.stale) = (at, at, false);
        }
    }

    /// Any message of a camera that is no hit: it is alive.
    pub(super) fn frame(&mut self, at: Timestamp, device: &DeviceId) {
        self.silent_camera = self.silent_camera.take().filter(|silent| silent != device);
        let Some(bike) = self.bike.as_mut().filter(|bike| bike.device == *device) else { return };
        bike.last_frame = at;
        if bike.stale {
            bike.gone(at);
        }
    }

    /// The camera says that there is no bike. `occurred` is when, if the camera's clock tells.
    pub(super) fn stop(
        &mut self,
        at: Timestamp,
        device: &DeviceId,
        occurred: Option<Timestamp>,
        settings: &EbikeInLiftSettings,
    ) {
        self.frame(at, device);
        let Some(bike) = self.bike.as_mut().filter(|bike| bike.device == *device) else { return };
        if occurred.is_some_and(|occurred| occurred < bike.first_at) {
            return;
        }
        // Start and stop may come out of a queue together: then the camera's clock says how long it was there.
        let stayed = occurred.filter(|_| bike.dated).map(|occurred| occurred - bike.first_at);
        bike.ripe |= !self.car.shut && stayed.is_some_and(|stayed| stayed >= settings.present());
        bike.gone(at);
        if !bike.ripe {
            self.bike = None;
        }
    }

    /// The controller said something.
    pub(super) fn status(&mut self, at: Timestamp, status: Status) {
        let before = (self.car.is_held(), self.car.door, self.car.moving);
        self.car.take(at, status);
        self.ride(before);
    }

    /// The controller is offline: all of the car is unknown, and what is unknown is judged as standing and open.
    pub(super) fn car_lost(&mut self, at: Timestamp) {
        let opened_at = if self.car.shut { at } else { self.car.opened_at };
        self.car = Car { opened_at, ..Car::default() };
        if let Some(bike) = &mut self.bike {
            bike.ride(&self.car);
        }
    }

    fn ride(&mut self, (was_held, was_door, was_moving): (bool, Option<LiftDoor>, Option<bool>)) {
        let Some(bike) = self.bike.as_mut().filter(|bike| !bike.left) else { return };
        bike.ride(&self.car);
        let closes = |door| matches!(door, Some(LiftDoor::Closing | LiftDoor::Closed));
        let closed_now = closes(self.car.door) && !closes(was_door);
        let moved_now = self.car.moving == Some(true) && was_moving != Some(true);
        let held = was_held && self.car.is_held();
        bike.defeated |= held && bike.ripe && bike.is_inside() && (closed_now || moved_now);
    }

    /// The camera, or what it speaks through, is offline.
    pub(super) fn camera_lost(&mut self, device: &DeviceId) {
        let watched = |bike: &&mut Bike| bike.device == *device && bike.is_inside() && bike.doubt.is_none();
        if let Some(bike) = self.bike.as_mut().filter(watched) {
            (bike.doubt, bike.sure) = (Some(Doubt::Offline), false);
        }
    }

    /// A battery in somebody's hands.
    pub(super) fn battery_hit(&mut self, at: Timestamp, hit: Hit, settings: &EbikeInLiftSettings) {
        let same = |battery: &&mut Battery| at - battery.last_hit < Span::secs(settings.no_stop_s);
        if let Some(battery) = self.battery.as_mut().filter(same) {
            battery.last_hit = at;
            return;
        }
        let Hit { device, occurred: first_at, event_key, evidence, .. } = hit;
        let hit = BatteryHit { device, first_at, event_key, evidence };
        self.battery = Some(Battery { hit, since: at, last_hit: at, ripe: false });
    }

    /// Absence may be judged again: nothing from before counts as silence.
    pub(super) fn resumed(&mut self, at: Timestamp) {
        (self.deferred, self.judge_from) = (false, at);
    }

    /// A bike counts once it was there long enough; so many of them within some days are told in a summary.
    pub(super) fn count_bike(&mut self, at: Timestamp, settings: &EbikeInLiftSettings) {
        let Some(bike) = self.bike.as_mut().filter(|bike| bike.ripe && !bike.counted) else { return };
        bike.counted = true;
        let again = self.found.last().is_some_and(|last| at - *last <= Span::secs(settings.merge_s));
        if again {
            return;
        }
        self.found.push(at);
        self.found.retain(|found| at - *found <= Span::hours(24 * settings.summary_days));
        if self.found.len() >= settings.summary_hits.max(1) as usize {
            self.found.clear();
            self.summary = Some(at);
        }
    }

    /// One of its deadlines is due. Returns whether there is anything to decide.
    pub(super) fn due(&mut self, at: Timestamp, slot: u8, may_judge_absence: bool) -> bool {
        if matches!(slot, LEFT | SILENT | HOLD_IDLE) && !may_judge_absence {
            self.deferred = true;
            return false;
        }
        match slot {
            RIPE => self.bike.iter_mut().for_each(|bike| bike.ripe = true),
            HIT_EXPIRED => self.hit_expired(at),
            LEFT => self.bike.iter_mut().for_each(|bike| bike.left = true),
            SILENT => self.silent(),
            HOLD_FAILED => self.car.failed = true,
            HOLD_OVERDUE => self.car.overdue = true,
            HOLD_IDLE => self.car.idle = true,
            HOLD_IN_FIRE => self.car.in_fire = true,
            BATTERY => self.battery.iter_mut().for_each(|battery| battery.ripe = true),
            _ => return false,
        }
        true
    }

    /// The latest hit of a streaming camera does not hold any more. Whether the bike has gone, or the camera, only
    /// the camera's next message can tell.
    fn hit_expired(&mut self, at: Timestamp) {
        let Some(bike) = &mut self.bike else { return };
        bike.stale = true;
        if !bike.ripe {
            self.bike = None;
        } else if bike.last_frame > bike.last_hit {
            bike.gone(at);
        }
    }

    fn silent(&mut self) {
        let held = self.car.is_held();
        let Some(bike) = &mut self.bike else { return };
        bike.doubt = Some(if bike.streaming { Doubt::NoFrames } else { Doubt::NoStop });
        if bike.streaming {
            bike.sure = false;
        }
        if bike.streaming && (bike.ripe || held) {
            self.silent_camera = Some(bike.device.clone());
        }
        if !bike.ripe {
            self.bike = None;
        }
    }

    /// Every deadline that follows from what is known, by slot.
    pub(super) fn deadlines(&self, settings: &EbikeInLiftSettings) -> [(u8, Option<Timestamp>); 9] {
        let (bike, car) = (self.bike.as_ref(), &self.car);
        let inside = bike.filter(|bike| bike.is_inside());
        let after = |since: Option<Timestamp>, seconds| since.map(|since| since + Span::secs(seconds));
        let absence = |due: Option<Timestamp>| due.filter(|_| !self.deferred);
        let ripe = inside
            .filter(|bike| !bike.ripe && !car.shut)
            .map(|bike| bike.since.max(car.opened_at) + settings.present());
        let watched = inside.filter(|bike| bike.doubt.is_none());
        let expires = watched.filter(|bike| bike.streaming && !bike.stale).map(|bike| bike.last_hit);
        let leaves = bike.filter(|bike| !bike.left).and_then(|bike| bike.absent_since);
        let silent = watched.map(|bike| match bike.streaming {
            true => bike.last_frame.max(self.judge_from) + Span::secs(settings.no_frames_s),
            false => bike.last_hit.max(self.judge_from) + Span::secs(settings.no_stop_s),
        });
        let gone = bike.map_or(Some(Timestamp(0)), |bike| bike.absent_since);
        let idle = car.held_since.zip(gone).map(|(held, gone)| held.max(gone).max(self.judge_from));
        [
            (RIPE, ripe),
            (HIT_EXPIRED, after(expires, settings.hit_holds_s)),
            (LEFT, absence(after(leaves, settings.absent_s).map(|due| due.max(self.judge_from)))),
            (SILENT, absence(silent)),
            (HOLD_FAILED, after(car.mismatch_since.filter(|_| !car.failed), settings.hold_failed_s)),
            (HOLD_OVERDUE, after(car.held_since.filter(|_| !car.overdue), settings.held_overdue_s)),
            (HOLD_IDLE, absence(after(idle.filter(|_| !car.idle), settings.hold_idle_s))),
            (HOLD_IN_FIRE, after(car.fire_since.filter(|_| !car.in_fire), settings.hold_in_fire_s)),
            (
                BATTERY,
                self.battery
                    .as_ref()
                    .filter(|battery| !battery.ripe)
                    .map(|battery| battery.since + settings.present()),
            ),
        ]
    }
}

impl EbikeInLiftSettings {
    pub(super) fn present(&self) -> Span {
        Span::millis(self.present_ms)
    }
}

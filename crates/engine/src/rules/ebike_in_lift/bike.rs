//! One stay of a bike in the car, as the cameras tell it.

use super::car::Car;
use serde::{Deserialize, Serialize};
use wanglou_model::{DeviceId, Evidence, Outcome, Timestamp};

/// Why it is not known any more whether the bike is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Doubt {
    /// The streaming camera fell silent.
    NoFrames,
    /// The camera, its hub or its server is offline.
    Offline,
    /// The camera said "start" and never "stop".
    NoStop,
}

/// A hit of a camera.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    pub(super) device: DeviceId,
    pub(super) streaming: bool,
    pub(super) confidence: Option<f64>,
    /// When it was so, by the camera's clock if that can be trusted.
    pub(super) occurred: Timestamp,
    pub(super) dated: bool,
    pub(super) event_key: Option<String>,
    pub(super) evidence: Vec<Evidence>,
}

/// One stay of a bike in the car.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Bike {
    /// Told in the count of this lift's bikes.
    #[serde(default)]
    pub(super) counted: bool,
    pub(super) device: DeviceId,
    pub(super) streaming: bool,
    pub(super) event_key: Option<String>,
    pub(super) evidence: Vec<Evidence>,
    /// The best confidence; `None`: the camera gives none.
    pub(super) confidence: Option<f64>,
    /// First hit, by receive time and as it occurred.
    pub(super) since: Timestamp,
    pub(super) first_at: Timestamp,
    pub(super) dated: bool,
    pub(super) hits: u64,
    pub(super) last_hit: Timestamp,
    pub(super) last_frame: Timestamp,
    /// The latest hit does not hold any more.
    pub(super) stale: bool,
    /// The floor of the first detection.
    pub(super) floor: Option<i32>,
    /// The car moved since the first detection.
    pub(super) moved: bool,
    moved_while_absent: bool,
    /// All the time it was known whether the car moves.
    pub(super) sure: bool,
    /// It was there long enough while the car stood open.
    pub(super) ripe: bool,
    pub(super) absent_since: Option<Timestamp>,
    pub(super) left: bool,
    pub(super) doubt: Option<Doubt>,
    /// The door closed or the car moved with it inside, although the lift was held.
    pub(super) defeated: bool,
    /// Its alarm was ended, then and so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<(Timestamp, Outcome)>,
}

impl Bike {
    pub(super) fn new(at: Timestamp, hit: Hit, car: &Car) -> Self {
        Self {
            counted: false,
            device: hit.device,
            streaming: hit.streaming,
            event_key: hit.event_key,
            evidence: hit.evidence,
            confidence: hit.confidence,
            since: at,
            first_at: hit.occurred,
            dated: hit.dated,
            hits: 1,
            last_hit: at,
            last_frame: at,
            stale: false,
            floor: car.floor,
            moved: car.moving == Some(true),
            moved_while_absent: false,
            sure: car.is_known(),
            ripe: false,
            absent_since: None,
            left: false,
            doubt: None,
            defeated: false,
            ended: None,
        }
    }

    /// As far as is known it is in the car.
    pub(super) fn is_inside(&self) -> bool {
        self.absent_since.is_none()
    }

    pub(super) fn again(&mut self, at: Timestamp, hit: Hit, car: &Car) {
        (self.hits, self.last_hit, self.last_frame) = (self.hits + 1, at, at);
        (self.stale, self.absent_since, self.doubt) = (false, None, None);
        (self.device, self.streaming) = (hit.device, hit.streaming);
        self.confidence = match (self.confidence, hit.confidence) {
            (Some(best), Some(now)) => Some(best.max(now)),
            (best, now) => best.or(now),
        };
        self.moved |= std::mem::take(&mut self.moved_while_absent);
        self.ride(car);
    }

    pub(super) fn ride(&mut self, car: &Car) {
        let elsewhere = matches!((self.floor, car.floor), (Some(first), Some(now)) if first != now);
        let moved = car.moving == Some(true) || elsewhere;
        if !self.is_inside() {
            self.moved_while_absent |= moved;
            return;
        }
        self.moved |= moved;
        self.sure &= car.is_known();
        if !self.moved {
            self.floor = self.floor.or(car.floor);
        }
    }

    pub(super) fn gone(&mut self, at: Timestamp) {
        self.absent_since.get_or_insert(at);
        if self.doubt == Some(Doubt::NoStop) {
            self.doubt = None;
        }
    }
}

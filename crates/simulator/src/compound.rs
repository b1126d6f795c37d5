//! The site's devices, sorted by what happens to them.

use crate::voice::Voice;
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{Device, DeviceId, PlaceId, Purpose, Site, Span};

/// Which device: its number in [`Compound::devices`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At(pub(crate) u32);

/// A device that speaks.
#[derive(Debug, Clone)]
pub(crate) struct Sensor {
    pub(crate) id: DeviceId,
    pub(crate) identity: String,
    pub(crate) place: PlaceId,
    pub(crate) purpose: Purpose,
    pub(crate) voice: Voice,
    pub(crate) interval: Option<Span>,
    /// It says `open` by itself instead of an angle.
    pub(crate) debounced: bool,
    pub(crate) follow_up: Option<Span>,
    /// What it speaks through.
    pub(crate) hub: Option<DeviceId>,
    /// Columns of the façade that it sees.
    pub(crate) columns: (i32, i32),
    /// It reads number plates.
    pub(crate) plates: bool,
}

/// A lift with its sensors.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lift {
    pub(crate) camera: Option<At>,
    pub(crate) controller: Option<At>,
}

/// A home with its sensors.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Home {
    pub(crate) door: Option<At>,
    pub(crate) motion: Option<At>,
    pub(crate) water: Option<At>,
    pub(crate) sos: Option<At>,
}

/// A door with access control, and the camera that looks at it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Door {
    pub(crate) reader: At,
    pub(crate) camera: Option<At>,
}

/// Everything that can speak, and what belongs together. In the order of the device list's ids, so that the same
/// site gives the same numbers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compound {
    pub(crate) devices: Vec<Sensor>,
    pub(crate) lifts: Vec<Lift>,
    pub(crate) homes: Vec<Home>,
    pub(crate) doors: Vec<Door>,
    /// The cameras of each façade.
    pub(crate) facades: Vec<Vec<At>>,
    pub(crate) covers: Vec<At>,
    pub(crate) lanes: Vec<At>,
    /// Cameras that see people pass.
    pub(crate) passers_by: Vec<At>,
    /// Cameras that see cars pass.
    pub(crate) gates: Vec<At>,
    pub(crate) smoke: Vec<At>,
    pub(crate) noise: Vec<At>,
    pub(crate) hubs: Vec<At>,
    /// Devices to which nothing happens by itself.
    pub(crate) left_alone: Vec<At>,
    /// Devices in whose profile nothing can be said here.
    pub(crate) mute: Vec<DeviceId>,
}

impl Compound {
    /// What is at places `left_alone` speaks, but nothing happens to it.
    pub(crate) fn of(site: &Site, left_alone: &BTreeSet<PlaceId>) -> Compound {
        let mut compound = Compound::default();
        let mut gather = Gather::default();
        for (id, device) in &site.devices {
            let Some(voice) = Voice::of(device) else {
                compound.mute.push(id.clone());
                continue;
            };
            let at = At(compound.devices.len() as u32);
            compound.devices.push(sensor(id, device, voice));
            if left_alone.contains(&device.place) {
                compound.left_alone.push(at);
            } else {
                gather.take(at, device, &mut compound);
            }
        }
        gather.hand_over(&mut compound);
        compound
    }

    pub(crate) fn sensor(&self, at: At) -> &Sensor {
        &self.devices[at.0 as usize]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = At> + use<> {
        (0..self.devices.len() as u32).map(At)
    }
}

fn sensor(id: &DeviceId, device: &Device, voice: Voice) -> Sensor {
    Sensor {
        id: id.clone(),
        identity: device.identity.clone(),
        place: device.place.clone(),
        purpose: device.purpose,
        voice,
        interval: device.interval,
        debounced: device.debounced,
        follow_up: device.follow_up,
        hub: device.hub.clone(),
        columns: device.columns.unwrap_or((1, 6)),
        plates: device.model.contains("plate"),
    }
}

/// Devices by place, until all have been seen.
#[derive(Default)]
struct Gather {
    lifts: BTreeMap<PlaceId, Lift>,
    homes: BTreeMap<PlaceId, Home>,
    readers: Vec<(PlaceId, At)>,
    cameras: Vec<(PlaceId, At)>,
    facades: BTreeMap<PlaceId, Vec<At>>,
}

impl Gather {
    fn take(&mut self, at: At, device: &Device, compound: &mut Compound) {
        let place = || device.place.clone();
        match device.purpose {
            Purpose::LiftCamera => self.lifts.entry(place()).or_default().camera = Some(at),
            Purpose::LiftController => self.lifts.entry(place()).or_default().controller = Some(at),
            Purpose::HomeDoor => self.homes.entry(place()).or_default().door = Some(at),
            Purpose::HomeMotion => self.homes.entry(place()).or_default().motion = Some(at),
            Purpose::HomeWater => self.homes.entry(place()).or_default().water = Some(at),
            Purpose::HomeSos => self.homes.entry(place()).or_default().sos = Some(at),
            Purpose::FacadeCamera => self.facades.entry(place()).or_default().push(at),
            Purpose::DoorAccess => self.readers.push((place(), at)),
            Purpose::Other if device.interval.is_some() => self.cameras.push((place(), at)),
            Purpose::Cover => compound.covers.push(at),
            Purpose::LaneCamera => compound.lanes.push(at),
            Purpose::HomeSmoke | Purpose::Smoke => compound.smoke.push(at),
            Purpose::Noise => compound.noise.push(at),
            Purpose::Hub => compound.hubs.push(at),
            // They have no episodes, only beats.
            Purpose::DoorContact
            | Purpose::Shed
            | Purpose::Weather
            | Purpose::ManualPoint
            | Purpose::FireRelay
            | Purpose::Valve
            | Purpose::Breaker
            | Purpose::Speaker
            | Purpose::Telephone
            | Purpose::Other => {}
        }
    }

    fn hand_over(self, compound: &mut Compound) {
        let plates = |at: At| compound.devices[at.0 as usize].plates;
        let camera_at = |place: &PlaceId| {
            self.cameras.iter().find(|(found, at)| found == place && !plates(*at)).map(|(_, at)| *at)
        };
        let doors =
            self.readers.iter().map(|(place, reader)| Door { reader: *reader, camera: camera_at(place) });
        let doors: Vec<Door> = doors.collect();
        let (gates, passers_by) = self.cameras.iter().map(|(_, at)| *at).partition(|at| plates(*at));
        compound.doors = doors;
        compound.gates = gates;
        compound.passers_by = passers_by;
        compound.lifts = self.lifts.into_values().collect();
        compound.homes = self.homes.into_values().collect();
        compound.facades = self.facades.into_values().collect();
    }
}

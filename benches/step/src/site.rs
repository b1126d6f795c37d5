//! The seed compound's mix of devices, at any size.

use std::collections::BTreeMap;
use std::sync::Arc;
use wanglou_model::{
    Device, DeviceId, Home, Observation, Officer, OfficerId, Place, PlaceId, PlaceKind, Purpose, Reading,
    Role, Rota, Site, SiteId, Span, Text,
};

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Door,
    Motion,
    Water,
    Sos,
    HomeSmoke,
    Smoke,
    Cover,
    Camera,
}

/// In the order of twenty devices: one home with its five sensors, seven corridor smoke detectors, three covers, and
/// cameras and the like. So it is in the seed compound: 60 homes, 400 smoke detectors, 180 covers, 240 others.
const TWENTY: [Kind; 20] = {
    use Kind::{Camera, Cover, Door, HomeSmoke, Motion, Smoke, Sos, Water};
    [
        Door, Motion, Water, Sos, HomeSmoke, Smoke, Smoke, Cover, Smoke, Camera, Smoke, Smoke, Cover, Camera,
        Smoke, Camera, Smoke, Cover, Camera, Camera,
    ]
};

impl Kind {
    pub(crate) fn of(index: usize) -> Self {
        TWENTY[index % TWENTY.len()]
    }

    /// The index of the n-th device of this kind.
    pub(crate) fn nth(self, n: usize) -> usize {
        let places: Vec<usize> = (0..TWENTY.len()).filter(|place| TWENTY[*place] == self).collect();
        n / places.len() * TWENTY.len() + places[n % places.len()]
    }

    fn purpose(self) -> Purpose {
        match self {
            Kind::Door => Purpose::HomeDoor,
            Kind::Motion => Purpose::HomeMotion,
            Kind::Water => Purpose::HomeWater,
            Kind::Sos => Purpose::HomeSos,
            Kind::HomeSmoke => Purpose::HomeSmoke,
            Kind::Smoke => Purpose::Smoke,
            Kind::Cover => Purpose::Cover,
            Kind::Camera => Purpose::FacadeCamera,
        }
    }

    fn is_at_home(self) -> bool {
        matches!(self, Kind::Door | Kind::Motion | Kind::Water | Kind::Sos | Kind::HomeSmoke)
    }

    fn place(self, index: usize) -> PlaceId {
        let group = index / TWENTY.len();
        let place = match self {
            Kind::Cover => format!("cover/{index}"),
            Kind::Smoke => format!("{}/1/{index}F", group / 50),
            Kind::Camera => format!("{}/facade-{index}", group / 50),
            Kind::Door | Kind::Motion | Kind::Water | Kind::Sos | Kind::HomeSmoke => {
                format!("{}/1/{group}", group / 50)
            }
        };
        PlaceId::parse(&place).expect("a place")
    }

    fn place_kind(self) -> PlaceKind {
        match self {
            Kind::Cover => PlaceKind::Cover,
            Kind::Smoke => PlaceKind::Corridor,
            Kind::Camera => PlaceKind::Facade,
            Kind::Door | Kind::Motion | Kind::Water | Kind::Sos | Kind::HomeSmoke => PlaceKind::Home,
        }
    }

    /// What it says when all is well.
    pub(crate) fn quiet(self) -> Reading {
        match self {
            Kind::Door => Reading::Contact { open: Some(false), opens: None },
            Kind::Motion => Reading::Motion { active: false },
            Kind::Water => Reading::WaterMeter { litres: 100.0, interval_s: Some(3_600.0) },
            Kind::HomeSmoke | Kind::Smoke => Reading::Smoke { active: false, source: None },
            Kind::Cover => Reading::Cover { tilt_deg: Some(1.0), moved: None, open: None },
            Kind::Sos | Kind::Camera => Reading::Heartbeat {},
        }
    }
}

fn name(index: usize) -> String {
    format!("sensor-{index:07}")
}

/// The vendor's words for device `index`, decoded.
pub(crate) fn observation(index: usize, reading: Reading) -> Observation {
    Observation::plain("wanglou", &name(index), reading)
}

pub(crate) fn site(devices: usize) -> Site {
    let mut site = Site {
        id: SiteId::parse("bench").expect("an id"),
        name: Text::default(),
        zone: "Asia/Shanghai".into(),
        places: BTreeMap::new(),
        identities: BTreeMap::new(),
        devices: BTreeMap::new(),
        officers: BTreeMap::from([guard()]),
        rota: Rota::default(),
        homes: BTreeMap::new(),
    };
    let mut identities = BTreeMap::new();
    for index in 0..devices {
        let kind = Kind::of(index);
        let place = kind.place(index);
        site.places.entry(place.clone()).or_insert_with(|| Place::plain(kind.place_kind()));
        if kind.is_at_home() {
            site.homes.entry(place.clone()).or_insert_with(home);
        }
        let id = DeviceId::parse(&name(index)).expect("an id");
        identities.insert(name(index), id.clone());
        site.devices.insert(id, Arc::new(device(index, place, kind.purpose())));
    }
    site.identities.insert("wanglou".into(), identities);
    site
}

fn home() -> Home {
    Home { high_risk: false, night_exit: false, consent: true, family: Vec::new(), telephone: true }
}

fn guard() -> (OfficerId, Officer) {
    let officer = Officer { always_on_duty: true, ..Officer::plain(Role::Guard) };
    (OfficerId::parse("guard").expect("an id"), officer)
}

fn device(index: usize, place: PlaceId, purpose: Purpose) -> Device {
    Device { interval: Some(Span::hours(1)), ..Device::plain("wanglou", &name(index), place, purpose) }
}

//! The small compound that the simulation plays in: two buildings, two homes of people living alone, three covers, and
//! everybody whom a ladder can name.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use wanglou_engine::{RuleSettings, Setup};
use wanglou_model::*;

/// Midnight in the compound at the begin of Monday, 2 March 2026: the compound's clocks are eight hours ahead of UTC
/// the whole year.
pub(crate) const MONDAY: Timestamp = Timestamp(1_772_380_800_000_000);

pub(crate) fn place(text: &str) -> PlaceId {
    PlaceId::parse(text).expect("a place")
}

pub(crate) fn officer(text: &str) -> OfficerId {
    OfficerId::parse(text).expect("an officer")
}

pub(crate) fn device(text: &str) -> DeviceId {
    DeviceId::parse(text).expect("a device")
}

/// A phone of somebody.
pub(crate) fn phone(officer: &OfficerId, number: u64) -> PhoneId {
    PhoneId::parse(&format!("{officer}-{number}")).expect("a phone")
}

const PLACES: [(&str, PlaceKind, Option<&str>); 13] = [
    ("1", PlaceKind::Building, Some("g1")),
    ("1/101", PlaceKind::Home, None),
    ("1/lobby", PlaceKind::Corridor, None),
    ("1/top", PlaceKind::Corridor, None),
    ("2", PlaceKind::Building, Some("g2")),
    ("2/201", PlaceKind::Home, None),
    ("2/lobby", PlaceKind::Corridor, None),
    ("2/pumps", PlaceKind::PumpRoom, None),
    ("cover", PlaceKind::Other, None),
    ("cover/1", PlaceKind::Cover, Some("g1")),
    ("cover/2", PlaceKind::Cover, Some("g2")),
    ("cover/3", PlaceKind::Cover, Some("g1")),
    ("gate", PlaceKind::Other, Some("g1")),
];

const DEVICES: [(&str, &str, Purpose); 19] = [
    ("lid-1", "cover/1", Purpose::Cover),
    ("lid-2", "cover/2", Purpose::Cover),
    ("lid-3", "cover/3", Purpose::Cover),
    ("smoke-1", "1/lobby", Purpose::Smoke),
    ("smoke-2", "1/top", Purpose::Smoke),
    ("smoke-3", "2/lobby", Purpose::Smoke),
    ("smoke-101", "1/101", Purpose::HomeSmoke),
    ("sos-101", "1/101", Purpose::HomeSos),
    ("sos-102", "1/101", Purpose::HomeSos),
    ("sos-gate", "gate", Purpose::HomeSos),
    ("gas-101", "1/101", Purpose::Other),
    ("gas-201", "2/201", Purpose::Other),
    ("leak-pumps", "2/pumps", Purpose::Other),
    ("leak-101", "1/101", Purpose::Other),
    ("leak-201", "2/201", Purpose::Other),
    ("door-101", "1/101", Purpose::HomeDoor),
    ("door-201", "2/201", Purpose::HomeDoor),
    ("back-201", "2/201", Purpose::HomeDoor),
    ("hub", "2", Purpose::Hub),
];

/// Everybody: id, roles, grid, always there, webhook, telephone.
type Person = (&'static str, &'static [Role], Option<&'static str>, bool, bool, bool);
/// With `ma` somebody is always on duty: what a gap in the rota leads to, the model does not know.
const PEOPLE: [Person; 13] = [
    ("wu", &[Role::Guard], None, false, false, false),
    ("he", &[Role::Guard], None, false, false, false),
    ("zhao", &[Role::GridWorker], Some("g1"), false, false, false),
    ("chen", &[Role::GridWorker], Some("g2"), false, false, false),
    ("ma", &[Role::GridWorker], None, true, false, false),
    ("li", &[Role::ControlRoom], None, true, false, false),
    ("qian", &[Role::Manager], None, false, false, true),
    ("sun", &[Role::Officer], None, false, false, false),
    ("station", &[Role::Station], None, true, true, false),
    ("boss", &[Role::Leader], None, true, false, true),
    ("cap", &[Role::Captain], None, true, false, false),
    ("son", &[Role::Family], None, false, false, false),
    ("aunt", &[Role::Family], None, false, true, false),
];

pub(crate) fn people() -> Vec<OfficerId> {
    PEOPLE.iter().map(|person| officer(person.0)).collect()
}

/// The registry.
pub(crate) fn site() -> Site {
    let mut site = Site {
        id: SiteId::parse("sim").expect("a site"),
        name: Text::default(),
        zone: "Asia/Shanghai".into(),
        places: BTreeMap::new(),
        identities: BTreeMap::new(),
        devices: BTreeMap::new(),
        officers: BTreeMap::new(),
        rota: rota(),
        homes: BTreeMap::from([
            (place("1/101"), home(false, &["son"])),
            (place("2/201"), home(true, &["aunt", "son"])),
        ]),
    };
    for (id, kind, grid) in PLACES {
        let grid = grid.map(|grid| GridId::parse(grid).expect("a grid"));
        let (name, footpath) = (Text::default(), id == "cover/2");
        site.places.insert(place(id), Place { kind, name, grid, zone: None, footpath, position: None });
    }
    for (id, at, purpose) in DEVICES {
        site.identities.entry("wanglou".into()).or_default().insert(id.to_owned(), device(id));
        site.devices.insert(device(id), Arc::new(sensor(id, at, purpose)));
    }
    site.officers.extend(PEOPLE.iter().map(|person| (officer(person.0), known(person))));
    site
}

/// The registry with these rules, and with or without channels beside the socket.
pub(crate) fn setup(rules: RuleSettings, channels: &[Channel]) -> Arc<Setup> {
    Arc::new(Setup::new(site(), rules, "c0".into(), channels.to_vec()).expect("a good compound"))
}

fn home(high_risk: bool, family: &[&str]) -> Home {
    let family = family.iter().map(|id| officer(id)).collect();
    Home { high_risk, night_exit: false, consent: true, family, telephone: true }
}

fn sensor(id: &str, at: &str, purpose: Purpose) -> Device {
    let interval = match id {
        "lid-1" => Some(Span::mins(30)),
        "door-101" | "door-201" | "back-201" => Some(Span::hours(1)),
        _ => None,
    };
    Device {
        interval,
        hub: (id == "back-201").then(|| device("hub")),
        debounced: matches!(id, "lid-3" | "leak-101"),
        follow_up: (id == "lid-3").then(|| Span::mins(5)),
        ..Device::plain("wanglou", id, place(at), purpose)
    }
}

fn known((id, roles, grid, always, webhook, telephone): &Person) -> Officer {
    Officer {
        roles: roles.iter().copied().collect(),
        grids: grid.iter().map(|grid| GridId::parse(grid).expect("a grid")).collect(),
        places: if *id == "cap" { BTreeSet::from([place("1")]) } else { BTreeSet::new() },
        always_on_duty: *always,
        telephone: *telephone,
        webhook: *webhook,
        maintains: BTreeSet::new(),
        vehicles: BTreeSet::new(),
        admin: *id == "qian",
    }
}

/// By day wu, zhao, chen (not on Sundays), qian, sun; at night he. The last hour before midnight has two guards.
fn rota() -> Rota {
    let shift =
        |from: u16, until: u16| Shift { from: MinuteOfDay(from * 60), until: MinuteOfDay(until * 60) };
    let every = [true; 7];
    let duty = |id: &str, shift: &str, weekdays| Duty { officer: officer(id), shift: shift.into(), weekdays };
    let mut but_sunday = every;
    but_sunday[6] = false;
    Rota {
        shifts: BTreeMap::from([
            ("day".to_owned(), shift(7, 19)),
            ("late".to_owned(), shift(12, 0)),
            ("night".to_owned(), shift(19, 7)),
        ]),
        duties: vec![
            duty("wu", "day", every),
            duty("wu", "late", every),
            duty("he", "night", every),
            duty("zhao", "day", every),
            duty("chen", "late", but_sunday),
            duty("qian", "day", but_sunday),
            duty("sun", "day", every),
        ],
        ..Rota::default()
    }
}

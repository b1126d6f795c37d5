//! `homes.csv`: homes of people who live alone, whom the living-alone rule watches with their consent.

use crate::devices::Devices;
use crate::fault::{At, Faults};
use crate::folder::HOMES;
use crate::officers::Officers;
use crate::places::{Places, flag};
use crate::sheet::{Cell, Column, Record, Sheet};
use crate::words;
use std::collections::BTreeMap;
use wanglou_model::{Home, OfficerId, PlaceId, PlaceKind, Purpose, Role};

pub(crate) const COLUMNS: &[Column] = &[
    Column { name: "place", also: &["位置", "房间", "住户"], required: true },
    Column { name: "high_risk", also: &["高风险"], required: false },
    Column { name: "night_exit", also: &["夜间外出"], required: false },
    Column { name: "consent", also: &["同意", "已同意", "知情同意"], required: true },
    Column { name: "family", also: &["家属"], required: false },
    Column { name: "telephone", also: &["可致电", "电话"], required: false },
];

/// Most relatives of one home.
const FAMILY_MAX: usize = 10;

/// The homes, where each stands in the file, and whether their residents may be called.
pub(crate) struct Homes {
    pub(crate) homes: BTreeMap<PlaceId, Home>,
    pub(crate) lines: BTreeMap<PlaceId, u32>,
    /// What the telephone column says; none when it says nothing.
    pub(crate) may_call: BTreeMap<PlaceId, Option<bool>>,
}

/// What homes are checked against; none of a file that could not be read.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) places: Option<&'a Places>,
    pub(crate) devices: Option<&'a Devices>,
    pub(crate) officers: Option<&'a Officers>,
}

pub(crate) fn read(text: &str, known: Known<'_>, faults: &mut Faults) -> Option<Homes> {
    let sheet = Sheet::read(HOMES, text, COLUMNS, faults)?;
    let mut found = Homes::none();
    for record in sheet.records() {
        let Some((id, home)) = read_home(record, known, faults) else { continue };
        if let Some(line) = found.lines.get(&id) {
            faults.error(&record.at("place"), format!("{id:?} is in line {line} already"));
            continue;
        }
        check_door(record, &id, &home, known.devices, faults);
        found.may_call.insert(id.clone(), read_may_call(&record.cell("telephone"), faults));
        found.lines.insert(id.clone(), record.line());
        found.homes.insert(id, home);
    }
    Some(found)
}

impl Homes {
    /// A compound without the file.
    pub(crate) fn none() -> Homes {
        Homes { homes: BTreeMap::new(), lines: BTreeMap::new(), may_call: BTreeMap::new() }
    }

    /// Where a home stands in the file.
    pub(crate) fn at(&self, id: &PlaceId, column: &str) -> At {
        At::key(HOMES, format!("[{id}].{column}"), self.lines.get(id).copied())
    }
}

fn read_home(record: Record<'_>, known: Known<'_>, faults: &mut Faults) -> Option<(PlaceId, Home)> {
    let cell = record.required("place", faults)?;
    let id = match known.places {
        Some(places) => {
            let (id, place) = places.find(&cell, faults)?;
            if place.kind != PlaceKind::Home {
                let kind = words::kind_name(place.kind);
                faults.error(&cell.at, format!("{id:?} is of kind {kind}, not home"));
            }
            id
        }
        None => PlaceId::parse(cell.text).ok()?,
    };
    let home = Home {
        high_risk: flag(&record.cell("high_risk"), faults),
        night_exit: flag(&record.cell("night_exit"), faults),
        consent: read_consent(record, faults),
        family: read_family(&record.cell("family"), known.officers, faults),
        telephone: false, // taken from people.toml once it is read
    };
    Some((id, home))
}

/// Consent is never assumed: an empty cell is a fault, not a no that somebody forgot to fill in.
fn read_consent(record: Record<'_>, faults: &mut Faults) -> bool {
    let Some(cell) = record.required("consent", faults) else { return false };
    flag(&cell, faults)
}

/// Ids of officers with the role family, separated by blanks or semicolons.
fn read_family(cell: &Cell<'_>, officers: Option<&Officers>, faults: &mut Faults) -> Vec<OfficerId> {
    let separators = [' ', ';', '；', '、', '|'];
    let mut found = Vec::new();
    for text in cell.text.split(separators).filter(|text| !text.is_empty()) {
        let Some(officers) = officers else { continue };
        let Some((id, officer)) = officers.find(text, &cell.at, faults) else { continue };
        if !officer.roles.contains(&Role::Family) {
            faults.error(&cell.at, format!("{id:?} does not have the role family in officers.toml"));
        }
        if found.contains(&id) {
            faults.error(&cell.at, format!("{id:?} is there twice"));
        }
        found.push(id);
    }
    if found.len() > FAMILY_MAX {
        faults.error(&cell.at, format!("has more than {FAMILY_MAX} relatives"));
    }
    found
}

fn read_may_call(cell: &Cell<'_>, faults: &mut Faults) -> Option<bool> {
    if cell.text.is_empty() {
        return None;
    }
    if cell.text.bytes().filter(u8::is_ascii_digit).count() >= 5 {
        // The number itself is not repeated here: faults are logged.
        faults.error(
            &cell.at,
            "looks like a telephone number; numbers belong in people.toml, here write yes or no",
        );
        return None;
    }
    Some(flag(cell, faults))
}

fn check_door(record: Record<'_>, id: &PlaceId, home: &Home, devices: Option<&Devices>, faults: &mut Faults) {
    let Some(devices) = devices else { return };
    let door = |purpose: Purpose| purpose == Purpose::HomeDoor;
    let has_door = devices.devices.values().any(|device| door(device.purpose) && device.place.is_within(id));
    if home.consent && !has_door {
        let message = "has consent but no device with the purpose home_door; \
                       the living-alone rule cannot see whether the resident is well";
        faults.error(&record.at("consent"), message);
    }
}

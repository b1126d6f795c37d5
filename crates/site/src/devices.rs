//! `devices.csv`: every sensor, camera, controller and hub.

use crate::fault::Faults;
use crate::folder::DEVICES;
use crate::places::{Places, flag};
use crate::sheet::{Cell, Column, Record, Sheet};
use crate::text::{id, name_fault};
use crate::words;
use std::collections::BTreeMap;
use wanglou_model::{Device, DeviceId, PlaceId, PlaceKind, Purpose, Span};

pub(crate) const COLUMNS: &[Column] = &[
    Column { name: "id", also: &["编号", "设备编号"], required: true },
    Column { name: "profile", also: &["接入方式", "协议"], required: true },
    Column { name: "identity", also: &["设备标识", "厂家编号", "序列号"], required: false },
    Column { name: "place", also: &["位置", "安装位置"], required: true },
    Column { name: "purpose", also: &["用途"], required: true },
    Column { name: "model", also: &["型号"], required: false },
    Column { name: "interval", also: &["上报间隔", "心跳间隔", "心跳"], required: false },
    Column { name: "hub", also: &["网关"], required: false },
    Column { name: "streaming", also: &["持续上报"], required: false },
    Column { name: "debounced", also: &["自带去抖", "去抖"], required: false },
    Column { name: "follow_up", also: &["后续上报"], required: false },
    Column { name: "columns", also: &["列", "房间列"], required: false },
    Column { name: "hold_wired", also: &["已接梯控", "梯控接线"], required: false },
    Column { name: "rex_wired", also: &["已接出门按钮", "出门按钮"], required: false },
    Column { name: "state_polling", also: &["轮询状态", "轮询"], required: false },
    Column { name: "probation", also: &["试运行", "试用"], required: false },
];

/// How often a device may speak.
const INTERVAL: (Span, Span) = (Span::secs(1), Span::hours(7 * 24));
/// How late the message after a movement may be promised.
const FOLLOW_UP: (Span, Span) = (Span::secs(1), Span::hours(24));

/// The devices, and where each one stands in the file.
pub(crate) struct Devices {
    pub(crate) devices: BTreeMap<DeviceId, Device>,
    pub(crate) identities: BTreeMap<String, BTreeMap<String, DeviceId>>,
    pub(crate) lines: BTreeMap<DeviceId, u32>,
}

/// `places`: none when that file could not be read, and then they are not checked.
pub(crate) fn read(text: &str, places: Option<&Places>, faults: &mut Faults) -> Option<Devices> {
    let sheet = Sheet::read(DEVICES, text, COLUMNS, faults)?;
    let mut found = Devices { devices: BTreeMap::new(), identities: BTreeMap::new(), lines: BTreeMap::new() };
    for record in sheet.records() {
        let Some((id, device)) = read_device(record, places, faults) else { continue };
        if let Some(line) = found.lines.get(&id) {
            faults
                .error(&record.at("id"), format!("{id:?} is in line {line} already; an id names one device"));
            continue;
        }
        found.add_identity(record, &id, &device, faults);
        found.lines.insert(id.clone(), record.line());
        found.devices.insert(id, device);
    }
    check_hubs(&sheet, &found, faults);
    Some(found)
}

impl Devices {
    fn add_identity(&mut self, record: Record<'_>, id: &DeviceId, device: &Device, faults: &mut Faults) {
        if device.profile.is_empty() || device.identity.is_empty() {
            return; // a fault of its own
        }
        let known = self.identities.entry(device.profile.clone()).or_default();
        match known.get(&device.identity) {
            Some(other) => {
                let line = self.lines.get(other).copied().unwrap_or_default();
                let message = format!(
                    "{:?} is {other:?} of line {line} already; two devices of one profile cannot share an identity",
                    device.identity
                );
                faults.error(&record.at("identity"), message);
            }
            None => {
                known.insert(device.identity.clone(), id.clone());
            }
        }
    }
}

fn read_device(
    record: Record<'_>,
    places: Option<&Places>,
    faults: &mut Faults,
) -> Option<(DeviceId, Device)> {
    let id_cell = record.required("id", faults)?;
    let device_id = id(DeviceId::parse, id_cell.text, &id_cell.at, faults)?;
    let profile = read_profile(record, faults);
    let identity = read_identity(record, &device_id, faults);
    let purpose = read_purpose(record, faults);
    let place = read_place(record, places, purpose, faults);
    let device = Device {
        profile: profile.unwrap_or_default(),
        identity: identity.unwrap_or_default(),
        // Whatever stands in for a fault is never used: one error refuses the whole registry.
        place: place.or_else(|| PlaceId::parse("?").ok())?,
        purpose: purpose.unwrap_or(Purpose::Other),
        model: read_model(&record.cell("model"), faults),
        interval: read_span(&record.cell("interval"), INTERVAL, "between 1s and 7d", faults),
        hub: DeviceId::parse(record.cell("hub").text).ok(),
        streaming: flag(&record.cell("streaming"), faults),
        debounced: flag(&record.cell("debounced"), faults),
        follow_up: read_span(&record.cell("follow_up"), FOLLOW_UP, "between 1s and 24h", faults),
        columns: read_columns(record, purpose, faults),
        hold_wired: read_hold_wired(record, purpose, faults),
        rex_wired: read_rex_wired(record, purpose, faults),
        probation: read_probation(record, faults),
    };
    check_polling(record, purpose, faults);
    warn_of_silence(record, &device, faults);
    Some((device_id, device))
}

/// The name of a profile; whether there is one of this name is the gateway's to check, which knows them.
fn read_profile(record: Record<'_>, faults: &mut Faults) -> Option<String> {
    let cell = record.required("profile", faults)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    if !cell.text.bytes().all(plain) {
        faults.error(
            &cell.at,
            "must be the name of a profile, such as zigbee2mqtt: lower-case letters, digits, _ and -",
        );
        return None;
    }
    Some(cell.text.to_owned())
}

/// What the vendor calls the device; empty means its own id, as in Wanglou's canonical format.
fn read_identity(record: Record<'_>, device: &DeviceId, faults: &mut Faults) -> Option<String> {
    let cell = record.cell("identity");
    if cell.text.is_empty() {
        return Some(device.as_str().to_owned());
    }
    id(DeviceId::parse, cell.text, &cell.at, faults).map(String::from)
}

fn read_purpose(record: Record<'_>, faults: &mut Faults) -> Option<Purpose> {
    let cell = record.required("purpose", faults)?;
    let purpose = words::purpose(cell.text);
    if purpose.is_none() {
        faults.unknown(&cell.at, "purpose", cell.text, words::purposes());
    }
    purpose
}

fn read_place(
    record: Record<'_>,
    places: Option<&Places>,
    purpose: Option<Purpose>,
    faults: &mut Faults,
) -> Option<PlaceId> {
    let cell = record.required("place", faults)?;
    let Some(places) = places else { return PlaceId::parse(cell.text).ok() };
    let (id, place) = places.find(&cell, faults)?;
    let needed = purpose.and_then(place_kind_of);
    if let (Some(purpose), Some(needed)) = (purpose, needed.filter(|needed| *needed != place.kind)) {
        let message = format!(
            "{id:?} is of kind {}; a {} must be at a place of kind {}",
            words::kind_name(place.kind),
            words::purpose_name(purpose),
            words::kind_name(needed)
        );
        faults.error(&cell.at, message);
    }
    Some(id)
}

/// The kind of place that a rule takes for granted when it reads such a device.
fn place_kind_of(purpose: Purpose) -> Option<PlaceKind> {
    match purpose {
        Purpose::LiftCamera | Purpose::LiftController => Some(PlaceKind::Lift),
        Purpose::FacadeCamera => Some(PlaceKind::Facade),
        Purpose::HomeDoor
        | Purpose::HomeMotion
        | Purpose::HomeWater
        | Purpose::HomeSos
        | Purpose::HomeSmoke => Some(PlaceKind::Home),
        Purpose::Cover => Some(PlaceKind::Cover),
        Purpose::DoorAccess
        | Purpose::DoorContact
        | Purpose::LaneCamera
        | Purpose::Noise
        | Purpose::Smoke
        | Purpose::Shed
        | Purpose::Weather
        | Purpose::ManualPoint
        | Purpose::FireRelay
        | Purpose::Valve
        | Purpose::Breaker
        | Purpose::Speaker
        | Purpose::Telephone
        | Purpose::Hub
        | Purpose::Other => None,
    }
}

fn read_model(cell: &Cell<'_>, faults: &mut Faults) -> String {
    if let Some(message) = name_fault(cell.text) {
        faults.error(&cell.at, message);
    }
    cell.text.to_owned()
}

fn read_span(cell: &Cell<'_>, (min, max): (Span, Span), range: &str, faults: &mut Faults) -> Option<Span> {
    if cell.text.is_empty() {
        return None;
    }
    match words::span(cell.text) {
        Ok(span) if span >= min && span <= max => Some(span),
        Ok(_) => {
            faults.error(&cell.at, format!("must be {range}"));
            None
        }
        Err(message) => {
            faults.error(&cell.at, message);
            None
        }
    }
}

fn read_columns(record: Record<'_>, purpose: Option<Purpose>, faults: &mut Faults) -> Option<(i32, i32)> {
    let cell = record.cell("columns");
    if cell.text.is_empty() {
        return None;
    }
    if purpose.is_some_and(|purpose| purpose != Purpose::FacadeCamera) {
        faults.error(&cell.at, "only a facade_camera has columns; leave it empty");
        return None;
    }
    words::columns(cell.text).map_err(|message| faults.error(&cell.at, message)).ok()
}

fn read_hold_wired(record: Record<'_>, purpose: Option<Purpose>, faults: &mut Faults) -> bool {
    let cell = record.cell("hold_wired");
    let wired = flag(&cell, faults);
    if wired && purpose.is_some_and(|purpose| purpose != Purpose::LiftController) {
        faults.error(&cell.at, "only a lift_controller can be wired to hold a lift; leave it empty");
    }
    wired
}

/// Whether a door was forced can be told only where leaving by its button is told, too.
fn read_rex_wired(record: Record<'_>, purpose: Option<Purpose>, faults: &mut Faults) -> bool {
    let cell = record.cell("rex_wired");
    let wired = flag(&cell, faults);
    if wired && purpose.is_some_and(|purpose| purpose != Purpose::DoorAccess) {
        faults.error(&cell.at, "only a door_access controller has a request-to-exit input; leave it empty");
    }
    wired
}

/// A device on probation is easily forgotten there, and then nobody but the manager is told of what it sees.
fn read_probation(record: Record<'_>, faults: &mut Faults) -> bool {
    let cell = record.cell("probation");
    let probation = flag(&cell, faults);
    if probation {
        faults.warn(
            &cell.at,
            "on probation: its alarms are on trial and go to the property manager; once it is tried out, run `wanglou profile promote`",
        );
    }
    probation
}

/// A contact that is only asked for its state misses every opening between two questions, so a person who
/// goes in and out looks like one who does not move.
fn check_polling(record: Record<'_>, purpose: Option<Purpose>, faults: &mut Faults) {
    let cell = record.cell("state_polling");
    if flag(&cell, faults) && purpose == Some(Purpose::HomeDoor) {
        faults.error(
            &cell.at,
            "a contact that is only polled misses openings, and the living-alone rule would see nobody; \
             use one that reports each opening, or counts them",
        );
    }
}

/// Silence of a device without an interval says nothing, and two rules live on silence.
fn warn_of_silence(record: Record<'_>, device: &Device, faults: &mut Faults) {
    let silent = record.cell("interval").text.is_empty();
    if silent && matches!(device.purpose, Purpose::HomeDoor | Purpose::Cover) {
        let name = words::purpose_name(device.purpose);
        let message = format!(
            "a {name} without an interval is never missed when it dies; write how often it reports by itself, such as 1h"
        );
        faults.warn(&record.at("interval"), message);
    }
}

fn check_hubs(sheet: &Sheet, found: &Devices, faults: &mut Faults) {
    for record in sheet.records() {
        let cell = record.cell("hub");
        if cell.text.is_empty() {
            continue;
        }
        let Some(hub) = found.devices.get(cell.text) else {
            let hubs = found.devices.iter().filter(|(_, device)| device.purpose == Purpose::Hub);
            faults.unknown(&cell.at, "hub", cell.text, hubs.map(|(id, _)| id.as_str()));
            continue;
        };
        let device = found.devices.get(record.cell("id").text);
        if device.is_some_and(|device| device.purpose == Purpose::Hub) {
            faults.error(&cell.at, "a hub cannot stand behind another; leave it empty");
        } else if hub.purpose != Purpose::Hub {
            let purpose = words::purpose_name(hub.purpose);
            faults.error(&cell.at, format!("{:?} has the purpose {purpose}, not hub", cell.text));
        }
    }
}

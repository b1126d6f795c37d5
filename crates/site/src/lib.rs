//! The registry of one compound: places, devices, people, grids, rota, as files that a property manager keeps.
//!
//! Raw bytes in, a checked [`Site`] out, or every fault at once with file, key path and line. Not here: the
//! profiles that devices name (the gateway checks that each exists), gateway configuration, and any decision.
//! The files and their columns are described in `docs/site.md`.

mod cell;
mod compound;
mod coverage;
mod devices;
mod document;
#[cfg(test)]
mod documented;
mod fault;
mod folder;
mod homes;
mod lint;
mod officers;
mod people;
mod places;
mod promote;
mod rota;
mod sheet;
mod suggest;
mod template;
mod text;
mod words;

pub use compound::Language;
pub use fault::{FAULTS_MAX, Fault, Severity};
pub use folder::{DEVICES, FILE_BYTES_MAX, FILES, HOMES, OFFICERS, PEOPLE, PLACES, ROTA, SITE, read_folder};
pub use people::{People, Person};
pub use promote::{Promoted, promote};
pub use template::template;

use crate::fault::Faults;
use crate::homes::Homes;
use crate::lint::Lines;
use crate::officers::Officers;
use std::collections::BTreeMap;
use std::sync::Arc;
use wanglou_model::{DeviceId, GridId, OfficerId, Site, Text};

/// The files of one compound, to be checked.
#[derive(Debug, Clone, Copy)]
pub struct Compound;

/// A compound without errors.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What engine and journal know: no names, no numbers.
    pub site: Site,
    /// Names and telephone numbers, for the edge only. `Debug` does not print them.
    pub people: People,
    /// Every grid with its name.
    pub grids: BTreeMap<GridId, Text>,
    /// The language of the compound's screens, for whoever has none of their own.
    pub language: Language,
    /// Households in the whole compound, from the households column; 0 when nobody filled it in.
    pub households: u32,
    /// Line of each device in `devices.csv`, for faults that only the gateway can see, such as a profile
    /// that does not exist.
    pub device_lines: BTreeMap<DeviceId, u32>,
    /// Line of each officer's webhook in `people.toml` (key path `officer.ID.webhook`), for the same reason.
    pub webhook_lines: BTreeMap<OfficerId, u32>,
    /// What somebody should look at, such as hours in which nobody is on duty.
    pub warnings: Vec<Fault>,
}

impl Compound {
    /// Checks the files of a site folder: file name to bytes, as [`read_folder`] reads them.
    ///
    /// # Errors
    /// Every fault that was found, warnings included, by file and line; at least one of them an error. At most
    /// [`FAULTS_MAX`] of each severity and a note how many more there are. A file that cannot be read at all is one fault; what
    /// other files say about it is then not judged.
    pub fn check(files: &BTreeMap<String, Vec<u8>>) -> Result<Checked, Vec<Fault>> {
        let mut faults = Faults::default();
        let checked = read_all(files, &mut faults);
        match checked {
            Some((mut checked, lines)) if !faults.has_errors() => {
                lint::lint(&checked, &lines, &mut faults);
                checked.warnings = faults.into_sorted();
                Ok(checked)
            }
            Some(_) | None => Err(faults.into_sorted()),
        }
    }
}

/// Reads file after file; each is checked against those before it, as far as they could be read. Nothing comes
/// back only if a fault says why.
fn read_all(files: &BTreeMap<String, Vec<u8>>, faults: &mut Faults) -> Option<(Checked, Lines)> {
    folder::check_names(files, faults);
    let texts = Texts::of(files, faults);

    let head = texts.get(SITE).and_then(|text| compound::read(text, faults));
    let grids = head.as_ref().map(|head| &head.grids);
    let places = texts.get(PLACES).and_then(|text| places::read(text, grids, faults));
    let devices = texts.get(DEVICES).and_then(|text| devices::read(text, places.as_ref(), faults));
    let known = officers::Known { grids, places: places.as_ref() };
    let officers = texts.get(OFFICERS).and_then(|text| officers::read(text, known, faults));
    let rota = texts.get(ROTA).and_then(|text| rota::read(text, officers.as_ref(), faults));
    let known =
        homes::Known { places: places.as_ref(), devices: devices.as_ref(), officers: officers.as_ref() };
    let homes = match texts.get(HOMES) {
        Some(text) => homes::read(text, known, faults),
        None => (!files.contains_key(HOMES)).then(Homes::none),
    };
    let language = head.as_ref().map(|head| head.language).unwrap_or_default();
    let known = people::Known { officers: officers.as_ref(), homes: homes.as_ref(), language };
    let read = texts.get(PEOPLE).and_then(|text| people::read(text, known, faults)).unwrap_or_default();
    let people::Read { people, webhook_lines } = read;

    let (head, places, devices, rota) = (head?, places?, devices?, rota?);
    let (mut officers, mut homes) = (officers?, homes?);
    reach(&people, &mut officers, &mut homes, faults);
    let lines =
        Lines { officers: officers.lines, homes: homes.lines, duty: rota.line, shifts: rota.shift_lines };
    let site = Site {
        id: head.id?,
        name: head.name?,
        zone: head.zone?,
        places: places.places,
        devices: devices.devices.into_iter().map(|(id, device)| (id, Arc::new(device))).collect(),
        identities: devices.identities,
        officers: officers.officers,
        rota: rota.rota,
        homes: homes.homes,
    };
    let checked = Checked {
        site,
        people,
        grids: head.grids,
        language,
        households: places.households,
        device_lines: devices.lines,
        webhook_lines,
        warnings: Vec::new(),
    };
    Some((checked, lines))
}

/// Notes in the registry who can be reached how, without the numbers themselves.
fn reach(people: &People, officers: &mut Officers, homes: &mut Homes, faults: &mut Faults) {
    for (id, officer) in &mut officers.officers {
        let person = people.officers.get(id);
        officer.telephone = person.is_some_and(|person| person.telephone.is_some());
        officer.webhook = person.is_some_and(|person| person.webhook.is_some());
    }
    let on_file = |id| people.homes.get(id).is_some_and(|person: &Person| person.telephone.is_some());
    let lacking: Vec<_> = homes
        .may_call
        .iter()
        .filter(|(id, may)| **may == Some(true) && !on_file(*id))
        .map(|(id, _)| id)
        .collect();
    for id in lacking {
        let message = format!("says yes, but people.toml has no telephone for [home.\"{id}\"]");
        faults.error(&homes.at(id, "telephone"), message);
    }
    for (id, home) in &mut homes.homes {
        let may_call = homes.may_call.get(id).copied().flatten().unwrap_or(true);
        home.telephone = may_call && on_file(id);
    }
}

/// The files' texts, as far as they are text.
struct Texts(BTreeMap<&'static str, String>);

impl Texts {
    fn of(files: &BTreeMap<String, Vec<u8>>, faults: &mut Faults) -> Texts {
        let mut texts = BTreeMap::new();
        for file in FILES {
            let text = files.get(file).and_then(|bytes| folder::text(file, bytes, faults));
            texts.extend(text.map(|text| (file, text)));
        }
        Texts(texts)
    }

    fn get(&self, file: &str) -> Option<&str> {
        self.0.get(file).map(String::as_str)
    }
}

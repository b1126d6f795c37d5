//! `officers.toml`: who receives alarms, by id. Names and telephone numbers are in `people.toml`.

use crate::document::{Document, Node};
use crate::fault::{At, Faults};
use crate::folder::OFFICERS;
use crate::places::Places;
use crate::text::id;
use crate::words;
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{GridId, Officer, OfficerId, PlaceId, Purpose, Role, Text};

/// Most officers of one compound.
const OFFICERS_MAX: usize = 5_000;

/// The officers, and where each one stands in the file.
pub(crate) struct Officers {
    pub(crate) officers: BTreeMap<OfficerId, Officer>,
    pub(crate) lines: BTreeMap<OfficerId, Option<u32>>,
}

/// What an officer's grids and places are checked against; none of a file that could not be read.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) grids: Option<&'a BTreeMap<GridId, Text>>,
    pub(crate) places: Option<&'a Places>,
}

pub(crate) fn read(text: &str, known: Known<'_>, faults: &mut Faults) -> Option<Officers> {
    let document = Document::parse(OFFICERS, text, faults)?;
    let [officer] = document.root().only(&At::file(OFFICERS), ["officer"], faults);
    let Some(officer) = officer else {
        faults.error(&At::file(OFFICERS), "has nobody; write a table [officer.ID] for each");
        return None;
    };
    let entries = officer.table(faults)?.entries(&officer.at);
    if entries.len() > OFFICERS_MAX {
        faults.error(&officer.at, format!("has more than {OFFICERS_MAX} officers"));
        return None;
    }
    let mut found = Officers { officers: BTreeMap::new(), lines: BTreeMap::new() };
    for entry in &entries {
        let Some(id) = officer_id(entry, faults) else { continue };
        found.lines.insert(id.clone(), entry.at.line);
        found.officers.insert(id, read_officer(entry, known, faults));
    }
    Some(found)
}

impl Officers {
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.officers.keys().map(OfficerId::as_str)
    }

    /// The officer of this id, or a fault with the nearest.
    pub(crate) fn find(&self, text: &str, at: &At, faults: &mut Faults) -> Option<(OfficerId, &Officer)> {
        let found = self.officers.get_key_value(text);
        if found.is_none() {
            faults.unknown(at, "officer", text, self.names());
        }
        found.map(|(id, officer)| (id.clone(), officer))
    }
}

/// Ids are typed into commands and show in logs: lower-case letters, digits, hyphens.
fn officer_id(entry: &Node<'_>, faults: &mut Faults) -> Option<OfficerId> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if !entry.key.bytes().all(plain) {
        let message =
            "an officer's id must be lower-case letters, digits and hyphens, and never a name in full";
        faults.error(&entry.at, message);
        return None;
    }
    id(OfficerId::parse, entry.key, &entry.at, faults)
}

fn read_officer(entry: &Node<'_>, known: Known<'_>, faults: &mut Faults) -> Officer {
    let keys = ["roles", "grids", "places", "always_on_duty", "maintains", "vehicles", "admin"];
    let [roles, grids, places, always, maintains, vehicles, admin] = match entry.table(faults) {
        Some(table) => table.only(&entry.at, keys, faults),
        None => std::array::from_fn(|_| None),
    };
    let mut flag = |node: Option<Node<'_>>| node.and_then(|node| node.flag(faults)).unwrap_or(false);
    let (always_on_duty, admin) = (flag(always), flag(admin));
    Officer {
        roles: read_roles(entry, roles, faults),
        grids: grids.map(|node| read_grids(&node, known, faults)).unwrap_or_default(),
        places: places.map(|node| read_places(&node, known, faults)).unwrap_or_default(),
        always_on_duty,
        // Both are taken from people.toml once it is read.
        telephone: false,
        webhook: false,
        maintains: maintains.map(|node| read_maintains(&node, faults)).unwrap_or_default(),
        vehicles: vehicles
            .and_then(|node| node.texts(faults))
            .unwrap_or_default()
            .into_iter()
            .map(|(hash, _)| hash.to_owned())
            .collect(),
        admin,
    }
}

fn read_roles(entry: &Node<'_>, roles: Option<Node<'_>>, faults: &mut Faults) -> BTreeSet<Role> {
    let Some(node) = roles else {
        faults.error(&entry.at, "has no roles; write roles = [\"guard\"], say");
        return BTreeSet::new();
    };
    let Some(texts) = node.texts(faults) else { return BTreeSet::new() };
    if texts.is_empty() {
        faults.error(&node.at, "is empty; an officer needs at least one role");
    }
    let mut found = BTreeSet::new();
    for (text, at) in texts {
        match words::role(text) {
            Some(role) => _ = found.insert(role),
            None => faults.unknown(&at, "role", text, words::roles()),
        }
    }
    found
}

/// Purposes of devices.
fn read_maintains(node: &Node<'_>, faults: &mut Faults) -> BTreeSet<Purpose> {
    let mut found = BTreeSet::new();
    for (text, at) in node.texts(faults).unwrap_or_default() {
        match words::purpose(text) {
            Some(purpose) => _ = found.insert(purpose),
            None => faults.unknown(&at, "purpose", text, words::purposes()),
        }
    }
    found
}

fn read_grids(node: &Node<'_>, known: Known<'_>, faults: &mut Faults) -> BTreeSet<GridId> {
    let mut found = BTreeSet::new();
    for (text, at) in node.texts(faults).unwrap_or_default() {
        let Some(grid) = id(GridId::parse, text, &at, faults) else { continue };
        if let Some(grids) = known.grids.filter(|grids| !grids.contains_key(&grid)) {
            faults.unknown(&at, "grid", text, grids.keys().map(GridId::as_str));
        }
        found.insert(grid);
    }
    found
}

fn read_places(node: &Node<'_>, known: Known<'_>, faults: &mut Faults) -> BTreeSet<PlaceId> {
    let mut found = BTreeSet::new();
    for (text, at) in node.texts(faults).unwrap_or_default() {
        let Some(place) = id(PlaceId::parse, text, &at, faults) else { continue };
        if let Some(places) = known.places.filter(|known| !known.places.contains_key(&place)) {
            faults.unknown(&at, "place", text, places.names());
        }
        found.insert(place);
    }
    found
}

//! `places.csv`: buildings, units, floors, lifts, homes, façades, covers, and everything else with a position.

use crate::fault::Faults;
use crate::folder::PLACES;
use crate::sheet::{Cell, Column, Record, Sheet};
use crate::text::{id, name_text};
use crate::words;
use std::collections::BTreeMap;
use wanglou_model::{GridId, Place, PlaceId, PlaceKind, Position, Text};

pub(crate) const COLUMNS: &[Column] = &[
    Column { name: "id", also: &["编号", "位置编号"], required: true },
    Column { name: "kind", also: &["类型", "种类"], required: true },
    Column { name: "name_zh", also: &["名称", "中文名", "名称中文"], required: false },
    Column { name: "name_en", also: &["英文名", "名称英文"], required: false },
    Column { name: "grid", also: &["网格"], required: false },
    Column { name: "zone", also: &["分区", "片区", "排水区"], required: false },
    Column { name: "footpath", also: &["人行", "人行道"], required: false },
    Column { name: "households", also: &["户数"], required: false },
    Column { name: "lat", also: &["纬度"], required: false },
    Column { name: "lon", also: &["lng", "经度"], required: false },
];

/// Most households that one row may count.
const HOUSEHOLDS_MAX: u32 = 10_000;

/// The places, and where each one stands in the file.
pub(crate) struct Places {
    pub(crate) places: BTreeMap<PlaceId, Place>,
    pub(crate) lines: BTreeMap<PlaceId, u32>,
    /// Sum of the households column.
    pub(crate) households: u32,
}

/// `grids`: the grids of `site.toml`; none when that file could not be read, and then they are not checked.
pub(crate) fn read(
    text: &str,
    grids: Option<&BTreeMap<GridId, Text>>,
    faults: &mut Faults,
) -> Option<Places> {
    let sheet = Sheet::read(PLACES, text, COLUMNS, faults)?;
    let mut found = Places { places: BTreeMap::new(), lines: BTreeMap::new(), households: 0 };
    for record in sheet.records() {
        let Some((id, place)) = read_place(record, grids, faults) else { continue };
        if let Some(line) = found.lines.get(&id) {
            faults
                .error(&record.at("id"), format!("{id:?} is in line {line} already; an id names one place"));
            continue;
        }
        let households = read_households(&record.cell("households"), faults);
        found.households = found.households.saturating_add(households);
        found.lines.insert(id.clone(), record.line());
        found.places.insert(id, place);
    }
    check_parents(&sheet, &found, faults);
    check_zones(&sheet, &found, faults);
    Some(found)
}

impl Places {
    /// The place that a cell names, or a fault with the nearest.
    pub(crate) fn find(&self, cell: &Cell<'_>, faults: &mut Faults) -> Option<(PlaceId, &Place)> {
        let found = self.places.get_key_value(cell.text);
        if found.is_none() {
            faults.unknown(&cell.at, "place", cell.text, self.names());
        }
        found.map(|(id, place)| (id.clone(), place))
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(PlaceId::as_str)
    }
}

fn read_place(
    record: Record<'_>,
    grids: Option<&BTreeMap<GridId, Text>>,
    faults: &mut Faults,
) -> Option<(PlaceId, Place)> {
    let cell = record.required("id", faults)?;
    let id = place_id(&cell, faults)?;
    let kind = read_kind(record, faults);
    let name =
        name_text(record.cell("name_zh").text, record.cell("name_en").text, &record.at("name_zh"), faults);
    let place = Place {
        kind: kind.unwrap_or(PlaceKind::Other),
        name: name.unwrap_or_default(),
        grid: read_grid(&record.cell("grid"), grids, faults),
        // Zones may stand below the places in them; check_zones looks at them once all rows are read.
        zone: PlaceId::parse(record.cell("zone").text).ok(),
        footpath: flag(&record.cell("footpath"), faults),
        position: read_position(record, faults),
    };
    Some((id, place))
}

/// A path such as `3/2/lift-B`: no empty parts, no blanks, since it is typed into commands and topics.
fn place_id(cell: &Cell<'_>, faults: &mut Faults) -> Option<PlaceId> {
    if cell.text.contains(char::is_whitespace) {
        faults.error(&cell.at, "must not contain blanks; a path such as 3/2/lift-B");
        return None;
    }
    if cell.text.split('/').any(str::is_empty) {
        faults.error(
            &cell.at,
            "must be a path such as 3/2/lift-B, without a slash at the ends or two in a row",
        );
        return None;
    }
    id(PlaceId::parse, cell.text, &cell.at, faults)
}

/// WGS 84 degrees, both or neither.
fn read_position(record: Record<'_>, faults: &mut Faults) -> Option<Position> {
    let (lat, lon) = (record.cell("lat"), record.cell("lon"));
    if lat.text.is_empty() && lon.text.is_empty() {
        return None;
    }
    let position = lat.text.parse().ok().zip(lon.text.parse().ok()).map(|(lat, lon)| Position { lat, lon });
    let position = position.filter(|position| position.is_valid());
    if position.is_none() {
        faults.error(&lat.at, "lat and lon go together, in degrees, such as 31.2304 and 121.4737");
    }
    position
}

fn read_kind(record: Record<'_>, faults: &mut Faults) -> Option<PlaceKind> {
    let cell = record.required("kind", faults)?;
    let kind = words::kind(cell.text);
    if kind.is_none() {
        faults.unknown(&cell.at, "kind of place", cell.text, words::kinds());
    }
    kind
}

fn read_grid(cell: &Cell<'_>, grids: Option<&BTreeMap<GridId, Text>>, faults: &mut Faults) -> Option<GridId> {
    if cell.text.is_empty() {
        return None;
    }
    let grid = id(GridId::parse, cell.text, &cell.at, faults)?;
    if let Some(grids) = grids.filter(|grids| !grids.contains_key(&grid)) {
        faults.unknown(&cell.at, "grid", cell.text, grids.keys().map(GridId::as_str));
    }
    Some(grid)
}

/// Yes or no, or a fault.
pub(crate) fn flag(cell: &Cell<'_>, faults: &mut Faults) -> bool {
    words::flag(cell.text).unwrap_or_else(|message| {
        faults.error(&cell.at, message);
        false
    })
}

fn read_households(cell: &Cell<'_>, faults: &mut Faults) -> u32 {
    if cell.text.is_empty() {
        return 0;
    }
    let households = cell.text.parse().ok().filter(|n| *n <= HOUSEHOLDS_MAX);
    households.unwrap_or_else(|| {
        faults.error(&cell.at, format!("must be a whole number from 0 to {HOUSEHOLDS_MAX}"));
        0
    })
}

fn check_parents(sheet: &Sheet, found: &Places, faults: &mut Faults) {
    for record in sheet.records() {
        let cell = record.cell("id");
        let Some(outer) = PlaceId::parse(cell.text).ok().and_then(|id| id.parent()) else { continue };
        if found.places.contains_key(&outer) || cell.text.split('/').any(str::is_empty) {
            continue;
        }
        let hint = faults.hint(outer.as_str(), found.names());
        let message = format!("lies in {outer:?}, which has no row; add one{hint}");
        faults.error(&cell.at, message);
    }
}

fn check_zones(sheet: &Sheet, found: &Places, faults: &mut Faults) {
    for record in sheet.records() {
        let cell = record.cell("zone");
        if cell.text.is_empty() {
            continue;
        }
        let Some((_, place)) = found.find(&cell, faults) else { continue };
        if place.kind != PlaceKind::Zone {
            let kind = words::kind_name(place.kind);
            faults.error(&cell.at, format!("{:?} is of kind {kind}; a zone must be of kind zone", cell.text));
        }
    }
}

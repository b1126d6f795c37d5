//! What lets doors go without anybody opening them: the fire relay, a fire, a lift on fire recall, a power failure; and
//! many doors at once, where nothing else tells of it.

use super::settings::AccessSettings;
use crate::rules::sensing::building_of;
use crate::rules::smoke::is_fire;
use crate::senses::Sighting;
use crate::setup::Setup;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use wanglou_model::{DeviceId, LiftMode, PlaceId, PlaceKind, Purpose, Reading, Reason, Span, Timestamp};

/// Openings without a grant that are kept; the oldest goes first.
const OPENINGS_MAX: usize = 64;
/// Doors that open so close together were let go together.
const TOGETHER: Span = Span::secs(5);

/// What lets doors go now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Releases {
    /// Fire relays that are on, lifts on fire recall, controllers without power: with their places.
    by: BTreeMap<DeviceId, PlaceId>,
    /// Openings that nobody allowed.
    openings: VecDeque<(Timestamp, PlaceId)>,
}

impl Releases {
    /// Takes a reading in, if it tells of a release. Returns whether it tells of nothing else.
    #[expect(clippy::wildcard_enum_match_arm, reason = "a few kinds of reading matter here")]
    pub(super) fn see(&mut self, said: &Sighting) -> bool {
        let relay = said.device.purpose == Purpose::FireRelay;
        let on = match &said.said.reading {
            Reading::Input { active, .. } if relay => *active,
            Reading::Contact { open: Some(open), .. } if relay => *open,
            Reading::Actuator { state, .. } if relay => {
                matches!(state.as_str(), "on" | "active" | "released" | "open")
            }
            Reading::LiftStatus { mode: Some(mode), .. } => *mode == LiftMode::Fire,
            Reading::DeviceFault { code, text, active } if is_power(code.as_deref(), text) => *active,
            Reading::Access { reason: Some(reason), .. } if is_fire_release(reason) => true,
            // It has power, and lets people in by itself.
            Reading::Access { .. } => {
                self.by.remove(said.id);
                return false;
            }
            Reading::Contact { .. } | Reading::WatchHit { .. } => return false,
            _ => return true,
        };
        if on {
            self.by.insert(said.id.clone(), said.device.place.clone());
        } else {
            self.by.remove(said.id);
        }
        true
    }

    /// A door was opened, and nobody has allowed it yet.
    pub(super) fn opened(&mut self, place: &PlaceId, at: Timestamp) {
        self.openings.push_back((at, place.clone()));
        if self.openings.len() > OPENINGS_MAX {
            self.openings.pop_front();
        }
    }

    pub(super) fn forget_gone(&mut self, setup: &Setup) {
        self.by.retain(|id, _| setup.site.devices.contains_key(id));
        self.openings.retain(|(_, place)| setup.site.places.contains_key(place));
    }

    /// Why a door was let go at a time, if it was.
    pub(super) fn of(
        &self,
        world: &World,
        settings: &AccessSettings,
        place: &PlaceId,
        at: Timestamp,
    ) -> Option<Reason> {
        let building = building_of(world.setup, place);
        let burns = || {
            let fires = world.book.open_alarms().filter(|alarm| is_fire(alarm) && alarm.is_active());
            fires.into_iter().any(|alarm| building_of(world.setup, &alarm.place) == building)
        };
        if self.by.values().any(|by| covers(world.setup, by, place, &building)) || burns() {
            let zh = "消防联动或断电释放，不是强行开门";
            return Some(Reason::new("released", zh, "let go by the fire relay or a power failure"));
        }
        let together =
            self.openings.iter().filter(|(other, _)| *other - at <= TOGETHER && at - *other <= TOGETHER);
        let mut doors: Vec<&PlaceId> = together.map(|(_, place)| place).collect();
        doors.sort_unstable();
        doors.dedup();
        (doors.len() >= settings.release_doors.max(2)).then(|| {
            let zh = format!("{} 扇门同时打开，视为释放", doors.len());
            Reason::new(
                "released_together",
                zh,
                format!("{} doors opened at once: let go, not forced", doors.len()),
            )
        })
    }
}

/// Does what is at `by` let the door at `place` go? A relay in a building lets that building's doors go; one anywhere
/// else, such as in a control room, every door.
fn covers(setup: &Setup, by: &PlaceId, place: &PlaceId, building: &PlaceId) -> bool {
    let kind = setup.site.places.get(by).map(|place| place.kind);
    let local = matches!(
        kind,
        Some(
            PlaceKind::Building
                | PlaceKind::Unit
                | PlaceKind::Floor
                | PlaceKind::Lift
                | PlaceKind::Door
                | PlaceKind::Corridor
        )
    );
    if kind == Some(PlaceKind::Door) {
        return place == by;
    }
    !local || building_of(setup, by) == *building
}

fn is_power(code: Option<&str>, text: &str) -> bool {
    let tells = |text: &str| ["power", "mains", "断电", "失电"].iter().any(|word| text.contains(word));
    code.is_some_and(tells) || tells(text)
}

fn is_fire_release(reason: &str) -> bool {
    matches!(reason, "fire" | "fire_release" | "fire_relay")
}

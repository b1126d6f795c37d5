//! E-bikes left in corridors (`ebike_parked`): what charges there burns there, and it stands in the way out.
//!
//! Subject: a corridor, landing, lobby or unit that a camera looks at. One that comes and goes does not matter; ten
//! minutes do. People end it; the camera's word that it is gone only clears it.
//!
//! ```text
//!   nothing ─► there ──10 min──► P3 ─► cleared (gone for a minute) ─► closed, by people
//!      ▲_______│ gone for a minute
//! ```

use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{
    Device, DeviceId, Evidence, Fact, LiftClass, PlaceId, PlaceKind, Priority, Purpose, Reading, Reason,
    Span, Timestamp,
};

const NAME: &str = "ebike_parked";
/// Slots of the rule's timers on a place: it is there for long; it is gone.
const STAYS: u8 = 0;
const GONE: u8 = 1;

/// Thresholds of the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EbikeParkedSettings {
    /// From this confidence on a hit counts, 0 to 1; one without confidence counts.
    pub confidence: f64,
    /// There for so long it is parked, seconds.
    pub parked_s: i64,
    /// Unseen for so long it is gone, seconds; somebody may stand before it for less (A).
    pub gone_s: i64,
    /// What the camera may call it.
    pub classes: BTreeSet<String>,
}

impl Default for EbikeParkedSettings {
    fn default() -> Self {
        let classes = ["ebike", "electric_bicycle", "motorcycle"].map(str::to_owned).into();
        Self { confidence: 0.80, parked_s: 600, gone_s: 60, classes }
    }
}

/// What stands at a place, as its cameras see it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Spot {
    since: Option<Timestamp>,
    /// Cameras whose latest word is that it is there, with that word's time.
    seen_by: BTreeMap<DeviceId, Timestamp>,
    /// Since when no camera sees it.
    unseen_since: Option<Timestamp>,
    camera: Option<DeviceId>,
    event_key: Option<String>,
    evidence: Vec<Evidence>,
    /// There for long.
    parked: bool,
}

/// The rule.
#[derive(Debug)]
pub(crate) struct EbikeParked {
    settings: EbikeParkedSettings,
    spots: BTreeMap<PlaceId, Spot>,
}

impl EbikeParked {
    pub(crate) fn new(settings: EbikeParkedSettings) -> Self {
        Self { settings, spots: BTreeMap::new() }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    /// Does the message say that a bike is there, or that it is not? `None`: it is about something else.
    fn says(&self, reading: &Reading) -> Option<bool> {
        let (counts, active, confidence) = match reading {
            Reading::Object { class, active, confidence, .. } => {
                (self.settings.classes.contains(&class.to_lowercase()), *active, *confidence)
            }
            Reading::LiftCamera { class, present, confidence, .. } => {
                (*class == LiftClass::Ebike, *present, *confidence)
            }
            _ => return None,
        };
        let sure = confidence.is_none_or(|confidence| confidence >= self.settings.confidence);
        (counts && (sure || !active)).then_some(active)
    }
}

/// Where people must be able to get out.
fn is_way_out(site: &wanglou_model::Site, place: &PlaceId) -> bool {
    let kind = site.places.get(place).map(|known| known.kind);
    matches!(kind, Some(PlaceKind::Corridor | PlaceKind::Floor | PlaceKind::Unit | PlaceKind::Door))
}

impl Rule for EbikeParked {
    fn name(&self) -> &'static str {
        NAME
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("电动车停放楼道", "E-bike in a corridor"),
            advice: vec![
                text("请车主推到充电车棚，语气平和", "Ask the owner, calmly, to take it to the shed"),
                text("正在充电的先断电", "If it is charging, unplug it first"),
                text("挪走后拍照，点“处理结果”", "Once it is gone take a photo, and tap Resolve"),
            ],
        }
    }

    fn listens(&self, device: &Device) -> bool {
        matches!(device.purpose, Purpose::Other | Purpose::DoorAccess | Purpose::LiftCamera)
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.ebike_parked);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.ebike_parked.clone();
        self.spots.retain(|place, _| setup.site.places.contains_key(place));
    }

    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let place = &sighting.device.place;
        // What was there long ago, or is only kept by the broker, says nothing of how long it stands.
        if sighting.freshness != Freshness::Fresh || !is_way_out(&setup.site, place) {
            return None;
        }
        let there = self.says(&sighting.said.reading)?;
        let (at, settings) = (senses.at, &self.settings);
        let spot = self.spots.entry(place.clone()).or_default();
        if there {
            let since = *spot.since.get_or_insert(at);
            spot.seen_by.insert(sighting.id.clone(), at);
            spot.unseen_since = None;
            if spot.camera.is_none() {
                spot.camera = Some(sighting.id.clone());
                spot.event_key = sighting.event_key();
                spot.evidence.clone_from(&sighting.said.evidence);
            }
            timers.arm(place, STAYS, since + Span::secs(settings.parked_s));
            // A streaming camera says so again and again; another one says when it ends.
            let silent = sighting.device.streaming.then(|| at + Span::secs(settings.gone_s));
            match silent {
                Some(gone) => timers.arm(place, GONE, gone),
                None => timers.disarm(place, GONE),
            }
        } else if spot.seen_by.remove(sighting.id).is_some() && spot.seen_by.is_empty() {
            spot.unseen_since = Some(at);
            timers.arm(place, GONE, at + Span::secs(settings.gone_s));
        }
        None
    }

    fn due(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        place: &Subject,
        slot: u8,
        timers: &mut RuleTimers,
    ) -> bool {
        let Some(spot) = self.spots.get_mut(place) else { return false };
        match slot {
            STAYS => {
                let seen = spot.unseen_since.is_none();
                if !seen {
                    // Somebody may stand before it: looked at again when that is known.
                    timers.arm(place, STAYS, senses.at + Span::secs(self.settings.gone_s));
                }
                spot.parked |= seen;
                seen
            }
            _ if !senses.may_judge_absence() => {
                timers.arm(place, GONE, senses.at + Span::secs(self.settings.gone_s));
                false
            }
            _ => {
                timers.disarm(place, STAYS);
                self.spots.remove(place);
                true
            }
        }
    }

    fn decide(&self, world: &World, place: &Subject, cause: Cause) -> Vec<Proposal> {
        let Cause::Due { slot } = cause else { return Vec::new() };
        let open = world.book.open(&kind_of(NAME), place.as_str());
        match (self.spots.get(place), slot) {
            (Some(spot), STAYS) if spot.parked && open.is_none_or(|alarm| !alarm.is_active()) => {
                vec![Proposal::Raise(Box::new(self.raise(world, place, spot)))]
            }
            (None, GONE) => {
                let gone = Reason::new("ebike_gone", "电动车已不在楼道", "the e-bike is not there any more");
                let active = open.filter(|alarm| alarm.is_active());
                let cleared = active.map(|alarm| Fact::Cleared { alarm: alarm.id.clone(), reason: gone });
                cleared.map(Proposal::Fact).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.spots)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.spots = snapshot::read(kept)?;
        Ok(())
    }
}

impl EbikeParked {
    fn raise(&self, world: &World, place: &PlaceId, spot: &Spot) -> Raise {
        let minutes = self.settings.parked_s / 60;
        let reason = Reason::new(
            "parked_in_corridor",
            format!("电动车在楼道停放超过{minutes}分钟"),
            format!("an e-bike has stood in the corridor for {minutes} minutes"),
        );
        let first_at = spot.since.unwrap_or(world.at);
        let mut raise = Raise::new(place.as_str(), place, Priority::P3, first_at, reason);
        raise.device.clone_from(&spot.camera);
        raise.event_key.clone_from(&spot.event_key);
        raise.evidence.clone_from(&spot.evidence);
        raise
    }
}

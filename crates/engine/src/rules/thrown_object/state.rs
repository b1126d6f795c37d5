//! What is known of throws: which hits are one throw, and which cameras are in a storm. Changed by observing only.

use super::settings::ThrownObjectSettings;
use super::throw::{Hit, How, Throw, Worth};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use wanglou_model::{DeviceId, PlaceId, Span, Timestamp};

/// Throws of one façade that are remembered for merging; at the limit the oldest is forgotten.
pub(super) const THROWS_MAX: usize = 64;
/// A throw is remembered so long after its latest hit, by receive time.
const REMEMBERED: Span = Span::mins(2);

/// What goes into the snapshot.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) facades: BTreeMap<PlaceId, Facade>,
    /// By weather station, since when it has reported rain last; absent while it is dry.
    pub(super) rain: BTreeMap<DeviceId, Timestamp>,
    #[serde(default, skip_serializing_if = "Sky::is_clear")]
    pub(super) sky: Sky,
}

/// Whether all façades see something at once, as they do rain and fireworks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sky {
    /// The latest hits of any worth, each with its building.
    hits: VecDeque<(Timestamp, PlaceId)>,
    /// Not clear until then.
    until: Option<Timestamp>,
}

impl Sky {
    fn is_clear(&self) -> bool {
        *self == Sky::default()
    }

    /// Takes a hit in. Is the sky full of them?
    pub(super) fn sees(
        &mut self,
        at: Timestamp,
        building: &PlaceId,
        settings: &ThrownObjectSettings,
    ) -> bool {
        let moment = Span::secs(settings.merge_device_s);
        self.hits.retain(|(then, known)| at - *then <= moment && known != building);
        self.hits.push_back((at, building.clone()));
        if self.hits.len() >= settings.sky_buildings.max(2) {
            self.until = Some(at + Span::secs(settings.sky_s));
        }
        self.until.is_some_and(|until| at < until)
    }
}

/// One façade.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Facade {
    pub(super) cameras: BTreeMap<DeviceId, Camera>,
    pub(super) throws: Vec<Throw>,
    /// What the latest message came to; decided on right after it was observed.
    pub(super) latest: Option<Placed>,
}

/// Where a message belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Placed {
    pub(super) key: String,
    pub(super) how: How,
}

/// One camera's hits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Camera {
    /// The latest, no more of them than tell a storm.
    hits: VecDeque<Timestamp>,
    pub(super) shelved_until: Option<Timestamp>,
    /// When the latest shelf ended.
    pub(super) unshelved_at: Option<Timestamp>,
}

impl Facade {
    /// Finds or begins the throw that a message belongs to.
    pub(super) fn place(&mut self, name: &PlaceId, hit: &Hit, worth: Worth, settings: &ThrownObjectSettings) {
        self.throws.retain(|throw| hit.at - throw.last_at <= REMEMBERED);
        if hit.active && worth == Worth::NoThrow {
            self.latest = None;
            return;
        }
        let known = self.throws.iter_mut().rev().find(|throw| throw.is_of(hit, settings));
        self.latest = match known {
            Some(throw) => Some(Placed { how: throw.add(hit, worth), key: throw.key.clone() }),
            None if hit.active && matches!(worth, Worth::Certain | Worth::Unsure) => {
                Some(self.begin(name, hit, worth))
            }
            None => None,
        };
    }

    fn begin(&mut self, name: &PlaceId, hit: &Hit, worth: Worth) -> Placed {
        let first_at = hit.seen_at.unwrap_or(hit.at).0;
        let keys = (0..).map(|n| match n {
            0 => format!("{name}@{first_at}"),
            n => format!("{name}@{first_at}/{n}"),
        });
        let taken = |key: &String| self.throws.iter().any(|throw| throw.key == *key);
        let key = keys.into_iter().find(|key| !taken(key)).unwrap_or_default();
        let mut throw = Throw::new(key.clone(), hit);
        let how = throw.add(hit, worth);
        if self.throws.len() >= THROWS_MAX {
            self.throws.remove(0);
        }
        self.throws.push(throw);
        Placed { key, how }
    }

    /// The throw that the latest message belongs to.
    pub(super) fn of_latest(&self) -> Option<(&Throw, How)> {
        let placed = self.latest.as_ref()?;
        let throw = self.throws.iter().find(|throw| throw.key == placed.key)?;
        Some((throw, placed.how))
    }
}

impl Camera {
    /// Counts a hit; too many of them are a storm, and the camera is shelved.
    pub(super) fn count(&mut self, at: Timestamp, settings: &ThrownObjectSettings) {
        if self.is_shelved() {
            return;
        }
        self.hits.push_back(at);
        let limit = settings.storm_hits as usize;
        while self.hits.len() > limit + 1 {
            self.hits.pop_front();
        }
        let storm = self.hits.len() > limit
            && self.hits.front().is_some_and(|first| at - *first <= Span::secs(settings.storm_s));
        if storm {
            self.shelved_until = Some(at + Span::secs(settings.shelved_s));
            self.hits.clear();
        }
    }

    pub(super) fn is_shelved(&self) -> bool {
        self.shelved_until.is_some()
    }

    /// Ends the shelf if its time is over.
    pub(super) fn unshelve(&mut self, at: Timestamp) {
        if self.shelved_until.is_some_and(|until| until <= at) {
            (self.shelved_until, self.unshelved_at) = (None, Some(at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::throw::hit_at;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_storm_is_more_than_ten_hits_within_ten_minutes() {
        let settings = ThrownObjectSettings::default();
        let mut slow = Camera::default();
        (0..100).for_each(|n| slow.count(Timestamp(0) + Span::secs(n * 61), &settings));
        assert!(!slow.is_shelved());
        let mut fast = Camera::default();
        (0..10).for_each(|n| fast.count(Timestamp(0) + Span::secs(n * 60), &settings));
        assert!(!fast.is_shelved());
        fast.count(Timestamp(0) + Span::secs(600), &settings);
        assert_eq!(fast.shelved_until, Some(Timestamp(0) + Span::secs(600 + 1_800)));
    }

    #[test]
    fn the_oldest_throw_is_forgotten_at_the_limit() {
        let (mut facade, name) = (Facade::default(), PlaceId::parse("facade/7/east").expect("a place"));
        let settings = ThrownObjectSettings::default();
        for column in 0..=THROWS_MAX as i32 {
            let mut hit = hit_at(column * 3);
            hit.track = Some(column.to_string());
            facade.place(&name, &hit, Worth::Unsure, &settings);
        }
        assert_eq!(facade.throws.len(), THROWS_MAX);
        assert!(facade.throws.iter().all(|throw| throw.hits[0].columns != Some((0, 0))));
        let keys: BTreeSet<&str> = facade.throws.iter().map(|throw| throw.key.as_str()).collect();
        assert_eq!(keys.len(), THROWS_MAX, "throws at the same time have keys of their own");
    }
}

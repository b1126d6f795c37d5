//! Which devices of a place say that a condition is there: the latest word of each counts, whatever its age.

use super::sensing::mark_of;
use crate::senses::Sighting;
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{DeviceId, Mark, PlaceId, Timestamp};

/// Places where a condition is there, or was until just now. No place that is quiet takes room.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Places(BTreeMap<PlaceId, Standing>);

/// What a word changed at a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// It is there, and was not before.
    Began,
    /// It is no longer there.
    Ended,
    /// As before.
    Same,
}

impl Places {
    /// A device says that it is there, or not. `None` when nobody spoke of it at this place before, and it is not.
    pub(super) fn say(&mut self, place: &PlaceId, said: &Sighting, there: bool) -> Option<Change> {
        if !there && !self.0.contains_key(place) {
            return None;
        }
        let standing = self.0.entry(place.clone()).or_default();
        let before = standing.since();
        standing.say(said, there);
        let after = standing.since();
        if standing.is_empty() {
            self.0.remove(place);
        }
        Some(match (before, after) {
            (None, Some(_)) => Change::Began,
            (Some(_), None) => Change::Ended,
            _ => Change::Same,
        })
    }

    /// Since when it is there, and how the news of it came, if it is.
    pub(super) fn at(&self, place: &PlaceId) -> Option<(Timestamp, Option<Mark>)> {
        let standing = self.0.get(place)?;
        Some((standing.since()?, standing.mark))
    }

    /// A person ended the alarm of a place.
    pub(super) fn dismiss(&mut self, place: &PlaceId) {
        if let Some(standing) = self.0.get_mut(place) {
            standing.dismiss();
        }
    }

    /// Leaves those behind whose devices are no longer registered.
    pub(super) fn forget_gone(&mut self, setup: &Setup) {
        self.0.values_mut().for_each(|standing| standing.forget_gone(setup));
        self.0.retain(|_, standing| !standing.is_empty());
    }
}

/// One device's word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Word {
    since: Timestamp,
    /// A person ended the alarm while it said so: not believed until it has said otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dismissed: bool,
}

/// The words of a place's devices that say so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Standing {
    words: BTreeMap<DeviceId, Word>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
}

impl Standing {
    /// A device says so, or no longer.
    fn say(&mut self, said: &Sighting, there: bool) {
        if there {
            self.mark = mark_of(said.freshness);
            let fresh = Word { since: said.occurred, dismissed: false };
            self.words.entry(said.id.clone()).or_insert(fresh);
        } else {
            self.words.remove(said.id);
        }
    }

    /// Since when any device says so that is believed.
    fn since(&self) -> Option<Timestamp> {
        self.words.values().filter(|word| !word.dismissed).map(|word| word.since).min()
    }

    /// A person ended the alarm: what says the same all the time is stuck.
    fn dismiss(&mut self) {
        self.words.values_mut().for_each(|word| word.dismissed = true);
    }

    fn forget_gone(&mut self, setup: &Setup) {
        self.words.retain(|id, _| setup.site.devices.contains_key(id));
    }

    fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

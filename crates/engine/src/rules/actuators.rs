//! Valves and breakers that are registered near a place, and whether they say that they shut it off.

use crate::alarm::Alarm;
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{DeviceId, Fact, OfficerId, PlaceId, Purpose, Reading, Reason};

/// What actuators said last: only those that are registered as such, or have spoken as one, are asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Actuators {
    /// Is it shut?
    shut: BTreeMap<DeviceId, bool>,
}

impl Actuators {
    /// Takes a reading in, if it is an actuator's. Returns whether it was.
    pub(super) fn see(&mut self, device: &DeviceId, reading: &Reading) -> bool {
        let Reading::Actuator { role, state } = reading else { return false };
        let shut = match role.as_str() {
            "valve" => matches!(state.as_str(), "closed" | "shut" | "off"),
            "breaker" => matches!(state.as_str(), "off" | "open" | "tripped" | "cut"),
            _ => return false,
        };
        self.shut.insert(device.clone(), shut);
        true
    }

    /// Those that shut off what a place is fed with: in it, or around it.
    fn of<'a>(&'a self, setup: &'a Setup, place: &'a PlaceId) -> impl Iterator<Item = &'a DeviceId> + 'a {
        let near = move |at: &PlaceId| at.is_within(place) || place.is_within(at);
        let acts = |id: &DeviceId, purpose| {
            matches!(purpose, Purpose::Valve | Purpose::Breaker) || self.shut.contains_key(id)
        };
        let known = setup.site.devices.iter();
        known.filter(move |(id, device)| near(&device.place) && acts(id, device.purpose)).map(|(id, _)| id)
    }

    /// Is there any whose word is to be expected?
    pub(super) fn any(&self, setup: &Setup, place: &PlaceId) -> bool {
        self.of(setup, place).next().is_some()
    }

    /// Did one of them say that it is shut?
    pub(super) fn is_shut(&self, setup: &Setup, place: &PlaceId) -> bool {
        self.of(setup, place).any(|id| self.shut.get(id) == Some(&true))
    }

    /// Leaves those behind that are no longer registered.
    pub(super) fn forget_gone(&mut self, setup: &Setup) {
        self.shut.retain(|id, _| setup.site.devices.contains_key(id));
    }
}

/// The alarm says that its actuator did not do its part, and those who were called are told.
pub(super) fn failed(alarm: &Alarm, reason: &Reason) -> Vec<Fact> {
    let staged = Fact::Staged { alarm: alarm.id.clone(), stage: reason.code.clone(), reason: reason.clone() };
    let called = alarm.followers.iter().filter(|(_, follower)| follower.ring && !follower.declined);
    let to: Vec<OfficerId> = called.map(|(officer, _)| officer.clone()).collect();
    let told =
        (!to.is_empty()).then(|| Fact::Reminded { alarm: alarm.id.clone(), to, reason: reason.clone() });
    std::iter::once(staged).chain(told).collect()
}

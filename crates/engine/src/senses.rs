//! What the gateway has seen: devices, phones, the path and the clock. Changed by observing only, never by
//! deciding; rebuilt on recovery by observing the same inputs again.

use crate::calendar::Local;
use crate::recent::Recent;
use crate::setup::Setup;
use crate::table::Table;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{
    Device, DeviceId, Observation, OfficerId, PathState, PhoneId, PhoneState, PlaceId, Quality, Repeats,
    Span, Timestamp,
};

/// Older news than this is recorded, not pushed, unless it is a condition that still holds.
pub const LATE_AFTER: Span = Span::mins(10);
/// How long a phone that was connected before a restart counts as reachable until it is back.
pub const PHONE_RETURNS_WITHIN: Span = Span::secs(45);
/// How many blind times are remembered; older ones are merged into one.
const BLINDS_MAX: usize = 64;

/// How news stands to the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Just now.
    Fresh,
    /// It is, or may be, older than ten minutes.
    Late,
    /// Kept by the broker: a state, no edge, no sign of life.
    Retained,
    /// Marked by its sender as stored and sent again.
    Replayed,
    /// A self-test.
    Test,
}

/// One observation of a registered device, with what the gateway knows about its delivery.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'a> {
    /// The device's id in the registry.
    pub id: &'a DeviceId,
    /// Its entry in the registry.
    pub device: &'a Device,
    /// What it said.
    pub said: &'a Observation,
    /// When it was so, as well as is known: the device's time where it can be trusted, else the receive time.
    pub occurred: Timestamp,
    /// How it stands to the present.
    pub freshness: Freshness,
    /// The broker or the vendor delivered the same thing before.
    pub duplicate: bool,
}

impl Sighting<'_> {
    /// May it count as an edge, a start of something?
    pub fn is_news(&self) -> bool {
        self.is_alive() && self.said.repeats != Repeats::State
    }

    /// Does it show that the device lives?
    pub fn is_alive(&self) -> bool {
        !self.duplicate && matches!(self.freshness, Freshness::Fresh | Freshness::Late)
    }

    /// Does the message carry what tells its event from others? See [`Self::event_key`].
    pub(crate) fn has_event_key(&self) -> bool {
        self.said.event.is_some() || self.trusted_time().is_some()
    }

    fn trusted_time(&self) -> Option<Timestamp> {
        self.said.at_device.filter(|_| self.said.quality != Quality::SuspectClock)
    }

    /// What tells this event from others of the device: the vendor's id, else the device's time and the values.
    /// `None` when the message carries neither.
    pub fn event_key(&self) -> Option<String> {
        if let Some(event) = &self.said.event {
            return Some(event.clone());
        }
        let at = self.trusted_time()?;
        Some(format!("{}:{}", at.0, content(self.said)))
    }
}

/// The content of an observation as text, for telling a repeat.
pub(crate) fn content(said: &Observation) -> String {
    serde_json::to_string(&said.reading).unwrap_or_default()
}

/// What is known of one device.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct DeviceSeen {
    /// The latest live message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Timestamp>,
    /// What its last will, or its server, said of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub online: Option<bool>,
    /// It has been silent for too long: its state is UNKNOWN.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// Its silence has a deadline, set by an earlier message: when it is due, it looks at `heard`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) watched: bool,
    /// Battery in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery_pct: Option<f32>,
    /// The battery is low, by its own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery_low: Option<bool>,
}

/// Where a phone was last.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PhoneSeen {
    /// Where.
    pub state: PhoneState,
    /// Since when.
    pub since: Timestamp,
    /// It was connected before a restart and has not come back yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returning: bool,
}

/// The state that observing changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Senses {
    /// The time of the latest input.
    pub at: Timestamp,
    /// Wall time minus `at`.
    pub wall_minus_at: Span,
    /// The clock can be trusted.
    pub clock_trusted: bool,
    /// The machine's start in which the gateway started last.
    #[serde(default)]
    pub boot_id: String,
    /// The time of that start of the gateway, minus the time since the machine was started.
    #[serde(default)]
    pub at_minus_boot: Span,
    /// When the configuration in force came into force; `None` in a snapshot of an older program.
    #[serde(default)]
    pub configured_at: Option<Timestamp>,
    /// The state of each lane's path; empty when messages are fed directly.
    pub lanes: BTreeMap<String, PathState>,
    /// Since when some lane has been without its messages.
    pub outage_from: Option<Timestamp>,
    /// Times that nobody held for us, in order, not overlapping.
    pub blinds: Vec<(Timestamp, Timestamp)>,
    /// Devices that were heard or spoken of.
    pub(crate) devices: Table<DeviceId, DeviceSeen>,
    /// Phones.
    pub phones: BTreeMap<OfficerId, BTreeMap<PhoneId, PhoneSeen>>,
    /// Events seen lately, to tell a redelivery.
    pub recent: Recent,
}

impl Default for Senses {
    fn default() -> Self {
        Self {
            at: Timestamp(0),
            configured_at: None,
            wall_minus_at: Span::ZERO,
            clock_trusted: true,
            boot_id: String::new(),
            at_minus_boot: Span::ZERO,
            lanes: BTreeMap::new(),
            outage_from: None,
            blinds: Vec::new(),
            devices: Table::default(),
            phones: BTreeMap::new(),
            recent: Recent::default(),
        }
    }
}

impl Senses {
    /// Wall time at a point of the timeline.
    pub fn wall(&self, at: Timestamp) -> Timestamp {
        at + self.wall_minus_at
    }

    /// A point of the timeline at a wall time.
    pub fn from_wall(&self, wall: Timestamp) -> Timestamp {
        wall - self.wall_minus_at
    }

    /// What the compound's clocks show now.
    pub fn local(&self, setup: &Setup) -> Local {
        setup.calendar.local(self.wall(self.at))
    }

    /// May silence be judged: the clock is trusted, and whatever the broker held has arrived?
    pub fn may_judge_absence(&self) -> bool {
        self.clock_trusted && self.lanes.values().all(|state| *state == PathState::Up)
    }

    /// How much of a time nobody held for us.
    pub fn blind_between(&self, from: Timestamp, until: Timestamp) -> Span {
        let overlap = |(a, b): &(Timestamp, Timestamp)| (until.min(*b) - from.max(*a)).max(Span::ZERO);
        self.blinds.iter().map(overlap).fold(Span::ZERO, |sum, part| sum + part)
    }

    /// How long a time was, without what was blind of it.
    pub fn seen_between(&self, from: Timestamp, until: Timestamp) -> Span {
        (until - from).max(Span::ZERO) - self.blind_between(from, until)
    }

    /// When so much time will have passed since `from` that was not blind.
    pub fn after(&self, from: Timestamp, span: Span) -> Timestamp {
        from + span + self.blind_between(from, self.at.max(from))
    }

    pub(crate) fn blind(&mut self, from: Timestamp, until: Timestamp) {
        if until <= from {
            return;
        }
        let (mut a, mut b) = (from, until);
        self.blinds.retain(|(x, y)| {
            let apart = *y < a || b < *x;
            if !apart {
                (a, b) = (a.min(*x), b.max(*y));
            }
            apart
        });
        self.blinds.push((a, b));
        self.blinds.sort_unstable();
        if self.blinds.len() > BLINDS_MAX {
            self.blinds.remove(0);
        }
    }

    /// The gateway was off since the last input: what was held is still to come, phones have to come back.
    pub(crate) fn started(&mut self, before: Timestamp) {
        self.outage_from.get_or_insert(before);
        for state in self.lanes.values_mut() {
            *state = PathState::Down;
        }
        let since = self.at;
        for phone in self.phones.values_mut().flat_map(BTreeMap::values_mut) {
            if phone.state != PhoneState::Offline {
                (phone.since, phone.returning) = (since, true);
            }
        }
    }

    pub(crate) fn path(&mut self, lane: &str, state: PathState) {
        self.lanes.insert(lane.to_owned(), state);
        let all_up = self.lanes.values().all(|state| *state == PathState::Up);
        if all_up {
            self.outage_from = None;
        } else {
            self.outage_from.get_or_insert(self.at);
        }
    }

    /// A message without a time of its own may be as old as the outage that it comes out of.
    pub(crate) fn undated_may_be_late(&self) -> bool {
        let draining = self.lanes.values().any(|state| *state == PathState::Draining);
        draining && self.outage_from.is_some_and(|from| self.at - from > LATE_AFTER)
    }

    /// When it was so, and how that stands to the present.
    pub(crate) fn place_in_time(&self, said: &Observation, retain: bool) -> (Timestamp, Freshness) {
        let trusted = said.at_device.filter(|_| said.quality != Quality::SuspectClock);
        let occurred = trusted.map_or(self.at, |wall| self.from_wall(wall).min(self.at));
        let freshness = match said.quality {
            _ if retain => Freshness::Retained,
            Quality::Test => Freshness::Test,
            Quality::Replayed => Freshness::Replayed,
            Quality::Late => Freshness::Late,
            Quality::Ok | Quality::SuspectClock => match trusted {
                Some(_) if self.at - occurred > LATE_AFTER => Freshness::Late,
                Some(_) => Freshness::Fresh,
                None if self.undated_may_be_late() => Freshness::Late,
                None => Freshness::Fresh,
            },
        };
        (occurred, freshness)
    }

    /// The phones of somebody that have a fresh socket, or had one before the gateway was restarted just now.
    pub fn sockets(&self, officer: &OfficerId) -> usize {
        let phones = self.phones.get(officer).into_iter().flat_map(BTreeMap::values);
        phones.filter(|phone| phone.state != PhoneState::Offline).count()
    }

    /// Is a device behind a hub that is known to be down, or known to be offline itself, or silent?
    pub fn is_unknown(&self, id: &DeviceId, device: &Device) -> bool {
        let down = |id: &DeviceId| {
            self.devices.get(id).is_some_and(|seen| seen.unknown || seen.online == Some(false))
        };
        down(id) || device.hub.as_ref().is_some_and(down)
    }

    /// What is known of a device that was heard or spoken of.
    pub fn device(&self, id: &DeviceId) -> Option<&DeviceSeen> {
        self.devices.get(id)
    }

    /// The latest live message of a device.
    pub fn heard(&self, id: &DeviceId) -> Option<Timestamp> {
        self.devices.get(id).and_then(|seen| seen.heard)
    }
}

/// The subject that a place stands for.
pub type Subject = PlaceId;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blind_times_merge_and_are_left_out_of_durations() {
        let mut senses = Senses::default();
        senses.blind(Timestamp(10), Timestamp(20));
        senses.blind(Timestamp(40), Timestamp(50));
        senses.blind(Timestamp(15), Timestamp(30));
        assert_eq!(senses.blinds, vec![(Timestamp(10), Timestamp(30)), (Timestamp(40), Timestamp(50))]);
        assert_eq!(senses.seen_between(Timestamp(0), Timestamp(45)), Span(20));
    }

    #[test]
    fn absence_is_not_judged_while_the_backlog_is_still_coming() {
        let mut senses = Senses::default();
        assert!(senses.may_judge_absence());
        senses.path("alarm", PathState::Draining);
        assert!(!senses.may_judge_absence());
        senses.path("alarm", PathState::Up);
        assert!(senses.may_judge_absence());
        senses.clock_trusted = false;
        assert!(!senses.may_judge_absence());
    }
}

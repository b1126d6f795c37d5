//! What the gateway has seen: devices, phones, the path and the clock. Changed by observing only, never by
//! deciding; rebuilt on recovery by observing the same inputs again.

use crate::calendar::Local;
use crate::recent::Recent;
use crate::register::Register;
use crate::seen::DevicesSeen;
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{
    Device, DeviceId, LaneName, Observation, OfficerId, PathState, PhoneId, PhoneState, PlaceId, PushNews,
    Quality, Repeats, Span, Timestamp, Way,
};

/// Older news than this is recorded, not pushed, unless it is a condition that still holds.
pub const LATE_AFTER: Span = Span::mins(10);
/// Devices that were cut off from the broker too send what they kept within so long of its return (A).
const AFTERMATH: Span = Span::secs(15);
/// How long a phone that was connected before a restart counts as reachable until it is back.
pub const PHONE_RETURNS_WITHIN: Span = Span::secs(45);
/// How many blind times of one kind are remembered; the oldest is forgotten first.
const BLINDS_MAX: usize = 64;
/// A device that sent something at QoS 0 in so long a time before an outage lost what it sent in it. One that was set
/// to QoS 1 since then is believed again.
const QOS0_FOR: Span = Span::hours(7 * 24);

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
    /// The registered home that it is in.
    pub home: Option<&'a PlaceId>,
    /// What it said.
    pub said: &'a Observation,
    /// When it was so, as well as is known: the device's time where it can be trusted, else the receive time.
    pub occurred: Timestamp,
    /// How it stands to the present.
    pub freshness: Freshness,
    /// The broker or the vendor delivered the same thing before.
    pub duplicate: bool,
    /// Its id was another event's before, and its profile says that this never happens.
    pub reused_id: bool,
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
    /// By which lane its latest live message came, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lane: Option<LaneName>,
    /// Its latest live message that came at QoS 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qos0: Option<Timestamp>,
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

impl DeviceSeen {
    /// A live message came in.
    pub(crate) fn came(&mut self, at: Timestamp, by: Option<Way>) {
        (self.heard, self.unknown) = (Some(at), false);
        let Some(Way { lane, qos0 }) = by else { return };
        self.lane = Some(lane);
        if qos0 {
            self.qos0 = Some(at);
        }
    }

    fn sends_qos0(&self, at: Timestamp) -> bool {
        self.qos0.is_some_and(|last| last >= at - QOS0_FOR)
    }
}

/// Phones of one officer that can be pushed to; one more is not taken.
const PUSHABLE_MAX: usize = 16;
/// A push subscription counts as a way to reach somebody for so long after the phone was heard.
const PUSH_TRUSTED_FOR: Span = Span::hours(24);

/// Times that nobody held for us of what comes by one lane, or of what comes by it at QoS 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaneBlind {
    /// The lane.
    pub lane: LaneName,
    /// Only what was sent at QoS 0.
    pub qos0: bool,
    /// In order, not overlapping.
    pub times: Vec<(Timestamp, Timestamp)>,
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
    /// The same of each lane.
    #[serde(default)]
    pub outages: BTreeMap<String, Timestamp>,
    /// The latest outage of each lane that is over, or a longer one whose aftermath still ran then: from, until.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) outages_over: BTreeMap<String, (Timestamp, Timestamp)>,
    /// In a snapshot of an older version: the latest outage that is over, of whichever lane.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outage_over: Option<(Timestamp, Timestamp)>,
    /// Times that nobody held for us, whatever it was, in order, not overlapping.
    pub blinds: Vec<(Timestamp, Timestamp)>,
    /// Times that nobody held for us of what comes by one lane.
    #[serde(default)]
    pub lane_blinds: Vec<LaneBlind>,
    /// Devices that were heard or spoken of.
    pub(crate) devices: DevicesSeen,
    /// Phones.
    pub phones: BTreeMap<OfficerId, BTreeMap<PhoneId, PhoneSeen>>,
    /// Phones that can be pushed to while their app is closed, and when each gave its latest sign of life.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pushable: BTreeMap<OfficerId, BTreeMap<PhoneId, Timestamp>>,
    /// Events seen lately, to tell a redelivery.
    pub recent: Recent,
    /// What people entered about the compound.
    #[serde(default, skip_serializing_if = "Register::is_empty")]
    pub register: Register,
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
            outages: BTreeMap::new(),
            outages_over: BTreeMap::new(),
            outage_over: None,
            blinds: Vec::new(),
            lane_blinds: Vec::new(),
            devices: DevicesSeen::default(),
            phones: BTreeMap::new(),
            pushable: BTreeMap::new(),
            recent: Recent::default(),
            register: Register::default(),
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

    /// How much of a time nobody held for us of what these devices sent, or one of them.
    pub fn blind_between(&self, of: &[DeviceId], from: Timestamp, until: Timestamp) -> Span {
        if self.blinds.is_empty() && self.lane_blinds.is_empty() {
            return Span::ZERO;
        }
        let by_lane = self.lane_blinds.iter().flat_map(|blind| {
            let lost = |(from, _): &&(Timestamp, Timestamp)| of.iter().any(|id| self.lost(id, blind, *from));
            blind.times.iter().filter(lost)
        });
        let clip = |(a, b): &(Timestamp, Timestamp)| (from.max(*a), until.min(*b));
        let mut times: Vec<_> = self.blinds.iter().chain(by_lane).map(clip).collect();
        times.sort_unstable();
        let (mut sum, mut end) = (Span::ZERO, from);
        for (a, b) in times {
            sum = sum + (b - a.max(end)).max(Span::ZERO);
            end = end.max(b);
        }
        sum
    }

    /// Did a device lose what it sent in a blind time? One of which nobody knows by which way it comes: perhaps.
    fn lost(&self, id: &DeviceId, blind: &LaneBlind, from: Timestamp) -> bool {
        let Some((seen, lane)) = self.devices.get(id).and_then(|seen| Some((seen, seen.lane?))) else {
            return true;
        };
        lane == blind.lane && (!blind.qos0 || seen.sends_qos0(from))
    }

    /// Does any device of a lane send at QoS 0, as far as was known at a time?
    pub fn has_qos0(&self, lane: LaneName, at: Timestamp) -> bool {
        self.devices.sorted().iter().any(|(_, seen)| seen.lane == Some(lane) && seen.sends_qos0(at))
    }

    /// How long a time was, without what was blind of it.
    pub fn seen_between(&self, of: &[DeviceId], from: Timestamp, until: Timestamp) -> Span {
        (until - from).max(Span::ZERO) - self.blind_between(of, from, until)
    }

    /// When so much time will have passed since `from` that was not blind.
    pub fn after(&self, of: &[DeviceId], from: Timestamp, span: Span) -> Timestamp {
        from + span + self.blind_between(of, from, self.at.max(from))
    }

    pub(crate) fn blind(&mut self, from: Timestamp, until: Timestamp, way: Option<Way>) {
        let Some(Way { lane, qos0 }) = way else { return merge(&mut self.blinds, from, until) };
        let known = self.lane_blinds.iter().position(|blind| (blind.lane, blind.qos0) == (lane, qos0));
        let index = known.unwrap_or_else(|| {
            self.lane_blinds.push(LaneBlind { lane, qos0, times: Vec::new() });
            self.lane_blinds.len() - 1
        });
        merge(&mut self.lane_blinds[index].times, from, until);
    }

    /// Since when a lane has been without its messages; `None` while they come, or if it was never there.
    pub fn outage_of(&self, lane: LaneName) -> Option<Timestamp> {
        self.outage_since(lane.name())
    }

    fn outage_since(&self, lane: &str) -> Option<Timestamp> {
        let state = self.lanes.get(lane)?;
        // A snapshot of an older version knows of one outage only.
        let from = self.outages.get(lane).copied().or(self.outage_from);
        from.filter(|_| *state != PathState::Up)
    }

    /// A lane that fails again for a moment does not end the aftermath of a longer outage.
    fn outage_ended(&mut self, lane: &str, from: Timestamp) {
        let (over, at) = ((from, self.at), self.at);
        let longer = |(a, b): &(Timestamp, Timestamp)| at - *b <= AFTERMATH && *b - *a > at - from;
        let before = self.outages_over.get(lane).copied().filter(longer);
        self.outages_over.insert(lane.to_owned(), before.unwrap_or(over));
    }

    /// Did a long outage of the lane by which something came, or of any if that is not known, end just now?
    fn is_aftermath(&self, by: Option<Way>) -> bool {
        let is_of = |lane: &str| by.is_none_or(|way| way.lane.name() == lane);
        let of_lanes = self.outages_over.iter().filter(|(lane, _)| is_of(lane)).map(|(_, over)| over);
        let mut over = of_lanes.chain(&self.outage_over);
        over.any(|(from, until)| *until - *from > LATE_AFTER && self.at - *until <= AFTERMATH)
    }

    /// The gateway was off since the last input: what was held is still to come, phones have to come back.
    pub(crate) fn started(&mut self, before: Timestamp) {
        self.outage_from.get_or_insert(before);
        for (lane, state) in &mut self.lanes {
            *state = PathState::Down;
            self.outages.entry(lane.clone()).or_insert(before);
        }
        let since = self.at;
        for phone in self.phones.values_mut().flat_map(BTreeMap::values_mut) {
            if phone.state != PhoneState::Offline {
                (phone.since, phone.returning) = (since, true);
            }
        }
    }

    pub(crate) fn path(&mut self, lane: &str, state: PathState) {
        if state == PathState::Up {
            if let Some(from) = self.outage_since(lane) {
                self.outage_ended(lane, from);
            }
            self.outages.remove(lane);
        } else {
            self.outages.entry(lane.to_owned()).or_insert(self.at);
        }
        self.lanes.insert(lane.to_owned(), state);
        let all_up = self.lanes.values().all(|state| *state == PathState::Up);
        if all_up {
            self.outage_from = None;
        } else {
            self.outage_from.get_or_insert(self.at);
        }
    }

    /// A message without a time of its own may be as old as the outage of its lane that it comes out of: while the broker
    /// gives out what it held, and right after that, when devices send what they could not.
    pub(crate) fn undated_may_be_late(&self, by: Option<Way>) -> bool {
        let (draining, outage) = match by {
            Some(Way { lane, .. }) => {
                (self.lanes.get(lane.name()) == Some(&PathState::Draining), self.outage_of(lane))
            }
            None => (self.lanes.values().any(|state| *state == PathState::Draining), self.outage_from),
        };
        self.is_aftermath(by) || (draining && outage.is_some_and(|from| self.at - from > LATE_AFTER))
    }

    /// When it was so, and how that stands to the present.
    pub(crate) fn place_in_time(
        &self,
        said: &Observation,
        retain: bool,
        by: Option<Way>,
    ) -> (Timestamp, Freshness) {
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
                None if self.undated_may_be_late(by) => Freshness::Late,
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

    /// A phone subscribed to push messages, or its subscription ended.
    pub(crate) fn push(&mut self, news: &PushNews) {
        let mine = self.pushable.entry(news.officer.clone()).or_default();
        if !news.on {
            mine.remove(&news.phone);
        } else if mine.len() < PUSHABLE_MAX || mine.contains_key(&news.phone) {
            mine.insert(news.phone.clone(), self.at);
        }
        if mine.is_empty() {
            self.pushable.remove(&news.officer);
        }
    }

    /// A phone was heard: what is pushed to it arrives, as far as anybody can know.
    pub(crate) fn phone_heard(&mut self, officer: &OfficerId, phone: &PhoneId) {
        let at = self.at;
        if let Some(heard) = self.pushable.get_mut(officer).and_then(|mine| mine.get_mut(phone)) {
            *heard = at;
        }
    }

    /// Was one of this officer's phones that can be pushed to heard within the last day?
    pub fn is_pushable(&self, officer: &OfficerId) -> bool {
        let phones = self.pushable.get(officer).into_iter().flat_map(BTreeMap::values);
        phones.into_iter().any(|heard| self.at - *heard <= PUSH_TRUSTED_FOR)
    }

    /// The phones of an officer that can be pushed to, each with whether somebody looks at the app on it now.
    pub fn push_phones(&self, officer: &OfficerId) -> impl Iterator<Item = (&PhoneId, bool)> {
        let seen = self.phones.get(officer);
        let visible = move |phone: &PhoneId| {
            let seen = seen.and_then(|phones| phones.get(phone));
            seen.is_some_and(|seen| seen.state == PhoneState::Online && !seen.returning)
        };
        let phones = self.pushable.get(officer).into_iter().flat_map(BTreeMap::keys);
        phones.map(move |phone| (phone, visible(phone)))
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

/// Adds a time; those that touch become one.
fn merge(times: &mut Vec<(Timestamp, Timestamp)>, from: Timestamp, until: Timestamp) {
    if until <= from {
        return;
    }
    let (mut a, mut b) = (from, until);
    times.retain(|(x, y)| {
        let apart = *y < a || b < *x;
        if !apart {
            (a, b) = (a.min(*x), b.max(*y));
        }
        apart
    });
    times.push((a, b));
    times.sort_unstable();
    if times.len() > BLINDS_MAX {
        times.remove(0);
    }
}

/// The subject that a place stands for.
pub type Subject = PlaceId;

#[cfg(test)]
mod tests {
    use super::*;

    const ALARM: Way = Way { lane: LaneName::Alarm, qos0: false };
    const ALARM_QOS0: Way = Way { lane: LaneName::Alarm, qos0: true };
    const BULK: Way = Way { lane: LaneName::Bulk, qos0: false };

    fn id(name: &str) -> DeviceId {
        DeviceId::parse(name).expect("an id")
    }

    /// `sure` sends by the alarm lane at QoS 1, `loose` at QoS 0, `bulky` by the bulk lane.
    fn senses() -> Senses {
        let mut senses = Senses::default();
        for (name, way) in [("sure", ALARM), ("loose", ALARM_QOS0), ("bulky", BULK)] {
            senses.devices.entry(&id(name)).came(Timestamp(1), Some(way));
        }
        senses
    }

    fn blind(senses: &Senses, of: &[&str]) -> i64 {
        let of: Vec<DeviceId> = of.iter().map(|name| id(name)).collect();
        senses.blind_between(&of, Timestamp(0), Timestamp(100)).0
    }

    #[test]
    fn blind_times_merge_and_are_left_out_of_durations() {
        let mut senses = Senses::default();
        for (from, until) in [(10, 20), (40, 50), (15, 30)] {
            senses.blind(Timestamp(from), Timestamp(until), None);
        }
        assert_eq!(senses.blinds, vec![(Timestamp(10), Timestamp(30)), (Timestamp(40), Timestamp(50))]);
        assert_eq!(senses.seen_between(&[id("any")], Timestamp(0), Timestamp(45)), Span(20));
    }

    #[test]
    fn an_outage_is_blind_only_for_what_was_lost_in_it() {
        let mut senses = senses();
        senses.blind(Timestamp(10), Timestamp(20), Some(ALARM_QOS0));
        let each =
            |senses: &Senses| ["sure", "loose", "bulky", "stranger"].map(|name| blind(senses, &[name]));
        assert_eq!(each(&senses), [0, 10, 0, 10], "of a stranger nobody knows");
        senses.blind(Timestamp(15), Timestamp(25), Some(ALARM));
        assert_eq!(each(&senses), [10, 15, 0, 15], "overlaps count once");
        senses.blind(Timestamp(24), Timestamp(30), Some(BULK));
        assert_eq!(blind(&senses, &["sure", "bulky"]), 15, "one of two is enough");
        senses.blind(Timestamp(90), Timestamp(200), None);
        assert_eq!(each(&senses), [20, 25, 16, 30], "an older version wrote no lane");
        assert!(
            senses.has_qos0(LaneName::Alarm, Timestamp(9)) && !senses.has_qos0(LaneName::Bulk, Timestamp(9))
        );
    }

    #[test]
    fn a_device_that_was_set_to_qos_1_long_ago_is_believed() {
        let mut senses = senses();
        let later = Timestamp(1) + QOS0_FOR + Span(1);
        senses.blind(later, later + Span(10), Some(ALARM_QOS0));
        assert_eq!(senses.blind_between(&[id("loose")], Timestamp(0), later + Span(10)), Span::ZERO);
    }

    #[test]
    fn senses_of_an_older_version_are_read() {
        let mut old = serde_json::to_value(senses()).expect("json");
        let fields = old.as_object_mut().expect("an object");
        fields.remove("outages").expect("new");
        fields.remove("lane_blinds").expect("new");
        fields.insert("lanes".into(), serde_json::json!({"alarm": "down"}));
        fields.insert("outage_from".into(), serde_json::json!(7));
        let senses: Senses = serde_json::from_value(old).expect("reads");
        assert_eq!(senses.outage_of(LaneName::Alarm), Some(Timestamp(7)));
    }

    #[test]
    fn a_lane_that_is_up_again_makes_nothing_late_while_the_other_drains() {
        let mut senses = senses();
        for lane in ["alarm", "bulk"] {
            senses.path(lane, PathState::Down);
        }
        senses.at = Timestamp(0) + Span::hours(1);
        for lane in ["alarm", "bulk"] {
            senses.path(lane, PathState::Draining);
        }
        assert!(senses.undated_may_be_late(Some(ALARM)));
        senses.path("alarm", PathState::Up);
        assert!(senses.undated_may_be_late(Some(ALARM)), "devices send what they kept");
        senses.at = senses.at + AFTERMATH + Span(1);
        let late = [Some(ALARM), Some(BULK), None].map(|by| senses.undated_may_be_late(by));
        assert_eq!(late, [false, true, true]);
        assert_eq!(senses.outage_of(LaneName::Alarm), None);
        assert_eq!(senses.outage_of(LaneName::Bulk), Some(Timestamp(0)));
    }

    /// Both lanes down at zero, back at these seconds; the present is `now`. Is what comes by each late?
    fn late_after(back: [i64; 2], now: i64) -> [bool; 2] {
        let mut senses = senses();
        senses.at = Timestamp(1);
        for lane in ["alarm", "bulk"] {
            senses.path(lane, PathState::Down);
        }
        let mut back: Vec<_> = back.into_iter().zip(["alarm", "bulk"]).collect();
        back.sort_unstable();
        for (at, lane) in back {
            senses.at = Timestamp(1) + Span::secs(at);
            senses.path(lane, PathState::Draining);
            senses.path(lane, PathState::Up);
        }
        senses.at = Timestamp(1) + Span::secs(now);
        [ALARM, BULK].map(|by| senses.undated_may_be_late(Some(by)))
    }

    #[test]
    fn a_lane_that_recovers_makes_nothing_of_the_other_lane_late() {
        assert_eq!(late_after([721, 721], 725), [true, true]);
        assert_eq!(late_after([721, 760], 765), [false, true], "the alarm lane was back 44 s ago");
        assert_eq!(late_after([2, 601], 605), [false, true], "only the bulk lane was away for long");
    }

    #[test]
    fn a_flap_does_not_end_the_aftermath_of_a_long_outage() {
        let mut senses = senses();
        let mut turn = |at: i64, state| {
            senses.at = Timestamp(1) + Span::secs(at);
            senses.path("alarm", state);
            senses.undated_may_be_late(Some(ALARM))
        };
        turn(0, PathState::Down);
        assert!(turn(721, PathState::Up));
        assert!(turn(723, PathState::Down));
        assert!(turn(724, PathState::Up), "the second outage was short, the first was not");
        assert!(turn(736, PathState::Up));
        assert!(!turn(737, PathState::Up), "but not for ever");
        turn(800, PathState::Down);
        assert!(!turn(802, PathState::Up), "a short one alone is none");
    }

    #[test]
    fn an_outage_that_an_older_version_saw_the_end_of_counts_for_every_lane() {
        let mut old = serde_json::to_value(senses()).expect("json");
        let fields = old.as_object_mut().expect("an object");
        fields.insert("outage_over".into(), serde_json::json!([1, 700_000_000]));
        fields.insert("at".into(), serde_json::json!(710_000_000));
        let senses: Senses = serde_json::from_value(old).expect("reads");
        assert!([Some(ALARM), Some(BULK), None].iter().all(|by| senses.undated_may_be_late(*by)));
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

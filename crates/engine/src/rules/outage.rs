//! Many devices silent at once (`outage`): power or network, not so many broken sensors. One alarm tells of it.
//!
//! Subject: the compound, under one name. Alarms by key: the hub, the building or the whole compound that is dark.
//!
//! ```text
//!  a device, or its hub, is lost ─► ≥ 5 and ≥ 50 % of a hub's, a building's or the compound's within 2 min
//!       (of those that would be missed by then: a detector that speaks twice a day tells nothing by its silence)
//!       ─► 30 s later, of those groups the widest: one alarm; others of the same ten minutes are parts of it
//!       ─► cleared when fewer are dark; people end it
//! ```

use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::raising::{incident_of, kind_of};
use crate::senses::{Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{
    Device, DeviceId, Fact, IncidentId, PlaceId, PlaceKind, Priority, Reason, Span, Timestamp,
};

/// Thresholds of the rule. Defaults: the project's alarm rules, §0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutageSettings {
    /// So many devices at least.
    pub devices: usize,
    /// And so much of those behind one hub, in one building or in the compound, per cent.
    pub share_pct: usize,
    /// Lost within so long of each other, seconds.
    pub within_s: i64,
    /// A device with a longer interval is not due to speak, and tells nothing by its silence, seconds (A).
    pub quick_s: i64,
    /// Judged so long after the threshold was reached, so that the widest group is told of, seconds (A).
    pub settle_s: i64,
}

impl Default for OutageSettings {
    fn default() -> Self {
        Self { devices: 5, share_pct: 50, within_s: 120, quick_s: 300, settle_s: 30 }
    }
}

/// Outages that begin within so long of each other are one incident.
const INCIDENT: Span = Span::mins(10);
/// The only timer.
const JUDGE: u8 = 0;

/// Devices that go dark together.
#[derive(Debug, Clone)]
struct Group {
    key: String,
    place: PlaceId,
    zh: String,
    en: String,
    of: BTreeSet<DeviceId>,
    /// Those of them that would be missed within minutes.
    quick: BTreeSet<DeviceId>,
}

/// The rule.
#[derive(Debug)]
pub(crate) struct Outage {
    settings: OutageSettings,
    subject: Subject,
    /// The widest first.
    groups: Vec<Group>,
    /// Lost devices, and since when.
    lost: BTreeMap<DeviceId, Timestamp>,
}

impl Outage {
    pub(crate) fn new(settings: OutageSettings) -> Self {
        let subject = PlaceId::parse("outage").expect("a plain word is an id");
        Self { settings, subject, groups: Vec::new(), lost: BTreeMap::new() }
    }

    /// Half of a group is dark, or half of those in it that would be missed by now.
    fn is_dark(&self, group: &Group, since: Timestamp) -> bool {
        self.most(&group.of, since).or_else(|| self.most(&group.quick, since)).is_some()
    }

    /// How many of these are lost, and of how many, if that is most of them.
    fn most(&self, of: &BTreeSet<DeviceId>, since: Timestamp) -> Option<(usize, usize)> {
        let lost = of.iter().filter(|id| self.lost.get(*id).is_some_and(|at| *at >= since)).count();
        let most = lost >= self.settings.devices && lost * 100 >= of.len() * self.settings.share_pct;
        most.then_some((lost, of.len()))
    }

    /// The widest groups that are dark, none inside another.
    fn dark(&self, since: Timestamp) -> Vec<&Group> {
        let mut found: Vec<&Group> = Vec::new();
        for group in self.groups.iter().filter(|group| self.is_dark(group, since)) {
            if !found.iter().any(|wider| group.of.is_subset(&wider.of)) {
                found.push(group);
            }
        }
        found
    }

    fn since(&self, at: Timestamp) -> Timestamp {
        at - Span::secs(self.settings.within_s + self.settings.settle_s)
    }

    fn begin(&self, world: &World, group: &Group, incident: &IncidentId) -> Proposal {
        let since = self.since(world.at);
        let most = self.most(&group.of, since).or_else(|| self.most(&group.quick, since));
        let (lost, all) = most.unwrap_or((0, group.of.len()));
        let reason = Reason::new(
            "outage",
            format!("{}：{all} 台设备中 {lost} 台两分钟内失联，疑似停电或断网", group.zh),
            format!("{}: {lost} of {all} devices lost within two minutes, power or network", group.en),
        );
        let mut raise = Raise::new(group.key.clone(), &group.place, Priority::P2, world.at, reason);
        raise.incident = Some(incident.clone());
        raise.details = BTreeMap::from([("devices".to_owned(), lost.into()), ("of".to_owned(), all.into())]);
        Proposal::Raise(Box::new(raise))
    }

    fn over(&self, alarm: &Alarm) -> Option<Proposal> {
        let group = self.groups.iter().find(|group| group.key == alarm.key);
        let dark = group.is_some_and(|group| self.is_dark(group, Timestamp(i64::MIN)));
        let reason = Reason::new("devices_back", "设备已陆续恢复", "the devices are back");
        (!dark && alarm.is_active())
            .then(|| Proposal::Fact(Fact::Cleared { alarm: alarm.id.clone(), reason }))
    }
}

fn groups_of(setup: &Setup, quick_s: i64) -> Vec<Group> {
    let site = &setup.site;
    let is_quick = |device: &Device| device.interval.is_some_and(|interval| interval <= Span::secs(quick_s));
    let can_be_lost = |device: &Device| device.interval.is_some() || device.hub.is_some();
    let watched: BTreeMap<&DeviceId, &Device> = site
        .devices
        .iter()
        .filter(|(_, device)| can_be_lost(device))
        .map(|(id, device)| (id, &**device))
        .collect();
    let mut groups = Vec::new();
    let root = site.places.keys().min_by_key(|place| place.as_str().len());
    if let Some(root) = root {
        let of = watched.keys().map(|id| (*id).clone()).collect();
        let quick = watched.iter().filter(|(_, device)| is_quick(device));
        let quick = quick.map(|(id, _)| (*id).clone()).collect();
        let (zh, en) = ("小区".to_owned(), "the compound".to_owned());
        groups.push(Group { key: "site".into(), place: root.clone(), zh, en, of, quick });
    }
    for (id, place) in site.places.iter().filter(|(_, place)| place.kind == PlaceKind::Building) {
        let inside = || watched.iter().filter(|(_, device)| device.place.is_within(id));
        let of = inside().map(|(id, _)| (*id).clone()).collect();
        let quick = inside().filter(|(_, device)| is_quick(device)).map(|(id, _)| (*id).clone()).collect();
        let (zh, en) = (place.name.zh.clone(), place.name.en.clone());
        groups.push(Group { key: format!("building:{id}"), place: id.clone(), zh, en, of, quick });
    }
    for (hub, behind) in &setup.behind {
        let Some(known) = site.devices.get(hub) else { continue };
        let (zh, en) = (format!("网关 {hub}"), format!("hub {hub}"));
        let of: BTreeSet<DeviceId> = behind.iter().cloned().collect();
        let quick = BTreeSet::new();
        groups.push(Group { key: format!("hub:{hub}"), place: known.place.clone(), zh, en, of, quick });
    }
    groups
}

impl Rule for Outage {
    fn name(&self) -> &'static str {
        "outage"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("大面积失联", "Many devices lost"),
            advice: vec![
                text("先看是否停电：电梯里有没有人", "Look whether the power is out: is anybody in a lift?"),
                text("联系物业电工和网络维护", "Call the electrician and whoever maintains the network"),
                text("其间这些设备看不到情况，请增加巡逻", "Nothing is seen there meanwhile: patrol more"),
            ],
        }
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.outage);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.outage.clone();
        self.groups = groups_of(setup, self.settings.quick_s);
        self.lost.retain(|id, _| setup.site.devices.contains_key(id));
    }

    fn observe(
        &mut self,
        _senses: &Senses,
        _setup: &Setup,
        _sighting: &Sighting,
        _timers: &mut RuleTimers,
    ) -> Option<Subject> {
        None
    }

    fn health(&mut self, senses: &Senses, setup: &Setup, device: &DeviceId, timers: &mut RuleTimers) {
        let behind = setup.behind.get(device).into_iter().flatten();
        let mut changed = false;
        for id in std::iter::once(device).chain(behind) {
            let Some(known) = setup.site.devices.get(id) else { continue };
            changed |= if senses.is_unknown(id, known) {
                let before = self.lost.len();
                self.lost.entry(id.clone()).or_insert(senses.at);
                self.lost.len() > before
            } else {
                self.lost.remove(id).is_some()
            };
        }
        let settle = senses.at + Span::secs(self.settings.settle_s);
        if changed && timers.due(&self.subject, JUDGE).is_none() {
            timers.arm(&self.subject, JUDGE, settle);
        }
    }

    fn decide(&self, world: &World, _subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let Cause::Due { slot: JUDGE } = cause else { return Vec::new() };
        let kind = kind_of(self.name());
        let open: Vec<&Alarm> = world.book.open_alarms().filter(|alarm| alarm.kind == kind).collect();
        let recent = open.iter().filter(|alarm| world.at - alarm.raised_at <= INCIDENT);
        let incident = recent.filter_map(|alarm| alarm.incident.clone()).next();
        let incident = incident.unwrap_or_else(|| {
            incident_of(&[world.setup.site.id.as_str(), self.name(), &world.at.0.to_string()])
        });
        let known = |group: &&&Group| !open.iter().any(|alarm| alarm.key == group.key && alarm.is_active());
        let dark = self.dark(self.since(world.at));
        let begun = dark.iter().filter(known).map(|group| self.begin(world, group, &incident));
        begun.chain(open.iter().filter_map(|alarm| self.over(alarm))).collect()
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.lost)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.lost = snapshot::read(kept)?;
        Ok(())
    }
}

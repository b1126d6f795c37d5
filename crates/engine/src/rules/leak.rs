//! Water where none should be (`leak`): a pump room or an underground garage floods fast and takes the power with it.
//!
//! Subject and key: the home, or else the place of the sensor.

use super::sensing::{gone, self_tested, subject_of, there};
use super::standing::{Change, Places};
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wanglou_model::{Device, PlaceId, PlaceKind, Priority, Reading, Reason, Span};

/// The slot of its timer on a subject: it has been wet for long enough.
const WET: u8 = 0;

/// Thresholds of the rule. Defaults: the project's alarm rules, §8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeakSettings {
    /// So long it must be wet, seconds. A device that debounces by itself is believed at once.
    pub wet_s: i64,
    /// Parts of places' ids that name a pump room or an underground garage, beside places of those kinds: P2 there.
    pub urgent: Vec<String>,
}

impl Default for LeakSettings {
    fn default() -> Self {
        let urgent = ["garage", "pump", "pump-room", "pump_room"];
        Self { wet_s: 30, urgent: urgent.map(str::to_owned).to_vec() }
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct Leak {
    settings: LeakSettings,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    wet: Places,
    /// Places where it has been wet for long enough.
    settled: BTreeSet<PlaceId>,
}

impl Leak {
    pub(crate) fn new(settings: LeakSettings) -> Self {
        Self { settings, kept: Kept::default() }
    }

    fn is_urgent(&self, world: &World, place: &PlaceId) -> bool {
        let kind = world.setup.site.places.get(place).map(|place| place.kind);
        let named = place
            .as_str()
            .rsplit('/')
            .next()
            .is_some_and(|part| self.settings.urgent.iter().any(|name| name == part));
        let here = named || matches!(kind, Some(PlaceKind::Garage | PlaceKind::PumpRoom));
        here || place.parent().is_some_and(|outer| self.is_urgent(world, &outer))
    }

    fn raise(&self, world: &World, subject: &Subject, said: Option<&Sighting>) -> Option<Proposal> {
        let (since, mark) = self.kept.wet.at(subject).filter(|_| self.kept.settled.contains(subject))?;
        let urgent = self.is_urgent(world, subject);
        let (priority, reason) = if urgent {
            (
                Priority::P2,
                Reason::new(
                    "leak_urgent",
                    "水泵房或地下车库进水",
                    "water in a pump room or an underground garage",
                ),
            )
        } else {
            (Priority::P3, Reason::new("leak", "水浸传感器告警", "a leak sensor is wet"))
        };
        let mut raise = Raise::new(subject.as_str(), subject, priority, since, reason);
        if let Some(said) = said {
            raise = raise.seen_by(said);
        }
        raise.first_at = since;
        raise.mark = mark;
        there(world, &kind_of("leak"), said, raise)
    }
}

impl Rule for Leak {
    fn name(&self) -> &'static str {
        "leak"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("漏水告警", "Water leak"),
            advice: vec![
                text(
                    "先看有无触电危险：积水处不要碰电器",
                    "Look for electric danger first: touch nothing electric in the water",
                ),
                text(
                    "关闭上游阀门，联系住户或水泵房",
                    "Close the valve upstream; call the resident or the pump room",
                ),
                text("车库进水：放沙袋，通知车主移车", "Garage: sandbags; have cars moved"),
                text("处理完点“处理结果”", "When done, tap Resolve"),
            ],
        }
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn hears(&self, _device: &Device, reading: &Reading) -> bool {
        matches!(reading, Reading::Leak { .. })
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.leak);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.leak.clone();
        self.kept.wet.forget_gone(setup);
    }

    fn observe(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let Reading::Leak { wet } = sighting.said.reading else { return None };
        if sighting.duplicate {
            return None;
        }
        let subject = subject_of(sighting);
        if sighting.freshness == Freshness::Test {
            return wet.then_some(subject);
        }
        match self.kept.wet.say(&subject, sighting, wet)? {
            Change::Began if !sighting.device.debounced => {
                timers.arm(
                    &subject,
                    WET,
                    (sighting.occurred + Span::secs(self.settings.wet_s)).max(senses.at),
                );
            }
            Change::Began => _ = self.kept.settled.insert(subject.clone()),
            Change::Ended => {
                timers.disarm(&subject, WET);
                self.kept.settled.remove(&subject);
            }
            Change::Same => {}
        }
        Some(subject)
    }

    fn due(&mut self, _: &Senses, _: &Setup, subject: &Subject, _slot: u8, _: &mut RuleTimers) -> bool {
        self.kept.wet.at(subject).is_some() && self.kept.settled.insert(subject.clone())
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let said = match cause {
            Cause::Said(said) => Some(said),
            Cause::Due { .. } => None,
            Cause::Resumed => return Vec::new(),
        };
        if said.is_some_and(|said| said.freshness == Freshness::Test) {
            return vec![self_tested(&kind_of("leak"), subject)];
        }
        if self.kept.wet.at(subject).is_none() {
            let reason = Reason::new("dry", "已恢复干燥", "dry again");
            return gone(world, &kind_of("leak"), subject.as_str(), reason);
        }
        let wet = said.is_none_or(|said| matches!(said.said.reading, Reading::Leak { wet: true }));
        self.raise(world, subject, said).filter(|_| wet).into_iter().collect()
    }

    fn ended(&mut self, _: &Senses, _: &Setup, alarm: &Alarm, _: &Reason, _: &mut RuleTimers) {
        if alarm.kind.as_str() == self.name() {
            self.kept.wet.dismiss(&alarm.place);
            self.kept.settled.remove(&alarm.place);
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

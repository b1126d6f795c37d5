//! What a device says of itself that somebody should see to: it is being opened (`tamper`, P3), or its battery is low
//! (`low_battery`, P4; P3 where a life may hang on it).
//!
//! Subject: the place of the device. Key: the device.

use super::sensing::{gone, over, self_tested, there};
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, maintainers, text};
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use wanglou_model::{Device, DeviceId, Outcome, Priority, Purpose, Reading, Reason};

const LOW_BATTERY: &str = "low_battery";
const REUSED_ID: &str = "reused_id";

/// Thresholds of the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceCareSettings {
    /// A device that tells percent only: its battery is low below this, %.
    pub battery_pct: f64,
    /// And good again from here on, %.
    pub battery_good_pct: f64,
}

impl Default for DeviceCareSettings {
    fn default() -> Self {
        Self { battery_pct: 10.0, battery_good_pct: 20.0 }
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct DeviceCare {
    settings: DeviceCareSettings,
    /// Devices that have told of smoke, heat, gas, CO or a call for help, whatever they are registered for.
    life_safety: BTreeSet<DeviceId>,
}

impl DeviceCare {
    pub(crate) fn new(settings: DeviceCareSettings) -> Self {
        Self { settings, life_safety: BTreeSet::new() }
    }

    fn is_life_safety(&self, said: &Sighting) -> bool {
        let by_purpose = matches!(
            said.device.purpose,
            Purpose::HomeSos
                | Purpose::HomeSmoke
                | Purpose::Smoke
                | Purpose::Shed
                | Purpose::ManualPoint
                | Purpose::HomeDoor
        );
        by_purpose || self.life_safety.contains(said.id)
    }

    /// Is the battery low? `None`: it is neither low nor good.
    fn is_low(&self, reading: &Reading) -> Option<bool> {
        let Reading::Battery { pct, low, .. } = reading else { return None };
        let by_pct = pct.and_then(|pct| match () {
            () if pct < self.settings.battery_pct => Some(true),
            () if pct >= self.settings.battery_good_pct => Some(false),
            () => None,
        });
        low.or(by_pct)
    }

    fn battery(&self, world: &World, place: &Subject, said: &Sighting) -> Vec<Proposal> {
        let (kind, key) = (kind_of(LOW_BATTERY), said.id.as_str());
        match self.is_low(&said.said.reading) {
            Some(true) => {
                let grave = self.is_life_safety(said);
                let priority = if grave { Priority::P3 } else { Priority::P4 };
                let reason = Reason::new(LOW_BATTERY, "电池电量低，请更换", "the battery is low: replace it");
                let mut raise = Raise::new(key, place, priority, said.occurred, reason).seen_by(said);
                raise.kind = Some(LOW_BATTERY);
                raise.ladder = grave.then(|| maintainers::repair(world, place, said.device.purpose));
                there(world, &kind, Some(said), raise).into_iter().collect()
            }
            Some(false) => {
                let reason = Reason::new("battery_good", "电量已恢复", "the battery is good again");
                over(world, &kind, key, Outcome::Ok, &reason)
            }
            None => Vec::new(),
        }
    }

    fn tamper(&self, world: &World, place: &Subject, said: &Sighting, active: bool) -> Vec<Proposal> {
        let (kind, key) = (kind_of("tamper"), said.id.as_str());
        if !active {
            let reason = Reason::new("tamper_over", "防拆已恢复", "no longer being opened");
            return gone(world, &kind, key, reason);
        }
        if said.freshness != Freshness::Fresh {
            return Vec::new();
        }
        let reason = Reason::new("tamper", "设备被拆动", "the device is being opened or removed");
        let mut raise = Raise::new(key, place, Priority::P3, said.occurred, reason).seen_by(said);
        raise.kind = Some("tamper");
        there(world, &kind, Some(said), raise).into_iter().collect()
    }
}

impl DeviceCare {
    fn about_itself(&self, world: &World, subject: &Subject, said: &Sighting) -> Vec<Proposal> {
        let test = said.freshness == Freshness::Test;
        if let Reading::Tamper { active } = said.said.reading {
            return match (test, active) {
                (true, true) => vec![self_tested(&kind_of("tamper"), subject)],
                (true, false) => Vec::new(),
                (false, active) => self.tamper(world, subject, said, active),
            };
        }
        if test { Vec::new() } else { self.battery(world, subject, said) }
    }
}

/// The message itself counts like any other: which of the two is right nobody knows, and a missed one is worse.
fn reused_id(world: &World, place: &Subject, said: &Sighting) -> Vec<Proposal> {
    let reason = Reason::new(
        REUSED_ID,
        "设备用同一编号发来不同内容，请核对其设置或平台",
        "a device sent another content under an id it had used: check it, or its platform",
    );
    let mut raise = Raise::new(said.id.as_str(), place, Priority::P3, said.occurred, reason);
    raise.kind = Some(REUSED_ID);
    raise.device = Some(said.id.clone());
    raise.ladder = Some(maintainers::operators(world));
    vec![Proposal::Raise(Box::new(raise))]
}

impl Rule for DeviceCare {
    fn name(&self) -> &'static str {
        "device_care"
    }

    fn words(&self) -> KindWords {
        KindWords { title: text("设备维护", "A device needs care"), advice: Vec::new() }
    }

    fn words_of(&self, kind: &str) -> Option<KindWords> {
        match kind {
            "tamper" => Some(KindWords {
                title: text("设备被拆动", "Device tampered with"),
                advice: vec![text(
                    "到现场看设备是否被拆、被挡",
                    "Look whether it was opened, moved or covered",
                )],
            }),
            LOW_BATTERY => Some(KindWords {
                title: text("电池电量低", "Battery low"),
                advice: vec![text(
                    "更换电池，换好后按自检键",
                    "Replace the battery, then press the test button",
                )],
            }),
            REUSED_ID => Some(KindWords {
                title: text("消息编号重复", "Message id used twice"),
                advice: vec![text(
                    "查看设备日志；若该型号会重复使用编号，去掉模板里的 repeats = \"unique_ids\"",
                    "See the device's log; if its kind reuses ids, take repeats = \"unique_ids\" out of the profile",
                )],
            }),
            "device_care" => Some(self.words()),
            _ => None,
        }
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn looks_after_senders(&self) -> bool {
        true
    }

    fn hears(&self, _device: &Device, reading: &Reading) -> bool {
        matches!(
            reading,
            Reading::Tamper { .. }
                | Reading::Battery { .. }
                | Reading::Smoke { .. }
                | Reading::Heat { .. }
                | Reading::Gas { .. }
                | Reading::Co { .. }
                | Reading::Sos { .. }
        )
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.device_care);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.device_care.clone();
        self.life_safety.retain(|id| setup.site.devices.contains_key(id));
    }

    fn observe(&mut self, _: &Senses, _: &Setup, sighting: &Sighting, _: &mut RuleTimers) -> Option<Subject> {
        let care = matches!(sighting.said.reading, Reading::Tamper { .. } | Reading::Battery { .. });
        if !care {
            let known = self.is_life_safety(sighting) || sighting.device.purpose == Purpose::Cover;
            if !known {
                self.life_safety.insert(sighting.id.clone());
            }
            return None;
        }
        (!sighting.duplicate).then(|| sighting.device.place.clone())
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let Cause::Said(said) = cause else { return Vec::new() };
        let mut proposals = self.about_itself(world, subject, said);
        if said.reused_id {
            proposals.extend(reused_id(world, subject, said));
        }
        proposals
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.life_safety)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.life_safety = snapshot::read(kept)?;
        Ok(())
    }
}

//! Combustible gas (`gas`): the device's own alarm is P1, and where a valve or breaker is registered it must say within
//! seconds that it has shut off.
//!
//! Subject and key: the home, or else the place of the detector. Covers have a rule of their own.

use super::actuators::{self, Actuators};
use super::sensing::{gone, self_tested, subject_of, there, word_ends_it};
use super::standing::{Change, Places};
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::ladder::default_ladder;
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use wanglou_model::{Audience, Device, Ladder, Outcome, Priority, Purpose, Reading, Reason, Role, Span};

/// The slot of its timer on a subject: the valve should have shut.
const SHUT: u8 = 0;
/// Of methane, 10 % of the lower explosive limit are 5,000 ppm.
const PPM_PER_LEL: f64 = 500.0;

/// Thresholds of the rule. Defaults: the project's alarm rules, §8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GasSettings {
    /// A detector that gives no alarm of its own, but a concentration: from here on, % of the lower explosive limit.
    pub lel_pct: f64,
    /// A registered valve or breaker must say so soon that it has shut off, seconds.
    pub shut_s: i64,
}

impl Default for GasSettings {
    fn default() -> Self {
        Self { lel_pct: 10.0, shut_s: 10 }
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct Gas {
    settings: GasSettings,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    places: Places,
    actuators: Actuators,
}

impl Gas {
    pub(crate) fn new(settings: GasSettings) -> Self {
        Self { settings, kept: Kept::default() }
    }

    fn is_gas(&self, reading: &Reading) -> Option<bool> {
        let Reading::Gas { active, lel_pct, ch4_ppm } = reading else { return None };
        let measured = lel_pct.or(ch4_ppm.map(|ppm| ppm / PPM_PER_LEL));
        // Either is enough: a detector with a high threshold of its own is not the safer one.
        let measured = measured.map(|lel| lel >= self.settings.lel_pct);
        measured.filter(|alarm| *alarm || active.is_none()).or(*active)
    }

    fn raise(&self, world: &World, subject: &Subject, said: &Sighting) -> Option<Proposal> {
        let (since, mark) = self.kept.places.at(subject)?;
        let reason =
            Reason::new("gas", "可燃气体报警器告警：不要开关电器", "a gas alarm: switch nothing on or off");
        let mut raise = Raise::new(subject.as_str(), subject, Priority::P1, since, reason).seen_by(said);
        raise.mark = mark;
        raise.ladder = Some(with_captain(true));
        there(world, &kind_of("gas"), Some(said), raise)
    }

    fn not_shut(&self, world: &World, subject: &Subject) -> Vec<Proposal> {
        let open = world.book.open(&kind_of("gas"), subject.as_str()).filter(|alarm| alarm.is_active());
        let Some(alarm) = open.filter(|_| !self.kept.actuators.is_shut(world.setup, subject)) else {
            return Vec::new();
        };
        let zh = "阀门未关或没有反馈：请到总阀处关气";
        let reason = Reason::new(
            "valve_failed",
            zh,
            "the valve does not say that it shut: close the main valve by hand",
        );
        actuators::failed(alarm, &reason).into_iter().map(Proposal::Fact).collect()
    }
}

/// The ladder of a P1 in somebody's home: the neighbour who has the keys is told, too.
pub(super) fn with_captain(call_resident: bool) -> Ladder {
    let mut ladder = default_ladder(Priority::P1);
    if let Some(first) = ladder.rungs.first_mut() {
        first.tell.push(Audience::OnDuty(Role::Captain));
        first.call_resident = call_resident;
    }
    ladder
}

impl Rule for Gas {
    fn name(&self) -> &'static str {
        "gas"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("燃气泄漏", "Gas leak"),
            advice: vec![
                text("不开灯、不按门铃、不用手机：敲门", "No light, no doorbell, no telephone there: knock"),
                text("关总阀，开窗通风，疏散同层住户", "Close the main valve, open windows, clear the floor"),
                text(
                    "气味浓或有人不适：拨打119、120和燃气公司",
                    "Strong smell or anybody unwell: call 119, 120 and the gas company",
                ),
                text(
                    "气体散尽、查明原因后点“处理结果”",
                    "When it is gone and the cause is known, tap Resolve",
                ),
            ],
        }
    }

    fn listens(&self, device: &Device) -> bool {
        matches!(device.purpose, Purpose::Valve | Purpose::Breaker)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "two kinds of reading matter here")]
    fn hears(&self, device: &Device, reading: &Reading) -> bool {
        match reading {
            Reading::Gas { .. } => device.purpose != Purpose::Cover,
            Reading::Actuator { .. } => true,
            _ => false,
        }
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.gas);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.gas.clone();
        self.kept.actuators.forget_gone(setup);
        self.kept.places.forget_gone(setup);
    }

    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        if sighting.duplicate || self.kept.actuators.see(sighting.id, &sighting.said.reading) {
            return None;
        }
        let subject = subject_of(sighting);
        let there = self.is_gas(&sighting.said.reading)?;
        if sighting.freshness == Freshness::Test {
            return there.then_some(subject);
        }
        let change = self.kept.places.say(&subject, sighting, there)?;
        if change == Change::Began && self.kept.actuators.any(setup, &subject) {
            timers.arm(&subject, SHUT, senses.at + Span::secs(self.settings.shut_s));
        }
        Some(subject)
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let said = match cause {
            Cause::Said(said) => said,
            Cause::Due { .. } => return self.not_shut(world, subject),
            Cause::Resumed => return Vec::new(),
        };
        if said.freshness == Freshness::Test {
            return vec![self_tested(&kind_of("gas"), subject)];
        }
        if self.kept.places.at(subject).is_none() {
            let reason = Reason::new("gas_gone", "报警器已恢复", "the detector is quiet again");
            return gone(world, &kind_of("gas"), subject.as_str(), reason);
        }
        let there = self.is_gas(&said.said.reading) == Some(true);
        self.raise(world, subject, said).filter(|_| there).into_iter().collect()
    }

    fn ended(&mut self, _: &Senses, _: &Setup, alarm: &Alarm, _: &Reason, _: &mut RuleTimers) {
        if alarm.kind.as_str() == self.name() {
            self.kept.places.dismiss(&alarm.place);
        }
    }

    fn word_is_enough(&self, _world: &World, alarm: &Alarm, outcome: Outcome) -> bool {
        word_ends_it(alarm, outcome)
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methane_is_measured_against_its_limit_and_either_verdict_is_enough() {
        let gas = Gas::new(GasSettings::default());
        let verdict = |active, lel_pct, ch4_ppm| gas.is_gas(&Reading::Gas { active, lel_pct, ch4_ppm });
        assert_eq!(verdict(None, Some(9.0), None), Some(false));
        assert_eq!(verdict(None, None, Some(5_000.0)), Some(true));
        assert_eq!(verdict(Some(false), Some(30.0), None), Some(true));
        assert_eq!(verdict(Some(true), Some(1.0), None), Some(true));
        assert_eq!(verdict(None, None, None), None);
    }
}

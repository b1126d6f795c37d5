//! People shut in a lift (`lift_entrapment`), and other faults that a lift reports of itself (`lift_fault`).
//!
//! Subject: the lift. Keys: its place for an entrapment; `code:`, the place and the code for any other fault.

use super::sensing::{gone, over, self_tested, there, word_ends_it};
use super::standing::Places;
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, maintainers, text};
use crate::alarm::Alarm;
use crate::ladder::{default_ladder, rung};
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use wanglou_model::{
    Audience, Device, Ladder, Outcome, Priority, Purpose, Reading, Reason, Role, Rung, Span,
};

/// Times of the rule. Defaults: the project's alarm rules, §8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiftEntrapmentSettings {
    /// Nobody accepted for so long: 96333 is prompted, seconds.
    pub call_96333_s: i64,
    /// Somebody must be there so soon after accepting, seconds.
    pub on_scene_s: i64,
}

impl Default for LiftEntrapmentSettings {
    fn default() -> Self {
        Self { call_96333_s: 60, on_scene_s: 1800 }
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct LiftEntrapment {
    settings: LiftEntrapmentSettings,
    trapped: Places,
}

impl LiftEntrapment {
    pub(crate) fn new(settings: LiftEntrapmentSettings) -> Self {
        Self { settings, trapped: Places::default() }
    }

    fn ladder(&self, world: &World, lift: &Subject) -> Ladder {
        let on_duty = |roles: &[Role]| roles.iter().copied().map(Audience::OnDuty).collect::<Vec<_>>();
        let maintainer = maintainers::of(world, lift, Purpose::LiftController);
        let first = maintainer.into_iter().chain(on_duty(&[Role::Guard, Role::ControlRoom])).collect();
        let prompt = Span::secs(self.settings.call_96333_s);
        let second = Rung {
            stage: Some("call_96333".into()),
            ..rung(prompt, [on_duty(&[Role::ControlRoom, Role::Manager]), vec![Audience::Backup]].concat())
        };
        let rungs = vec![
            rung(Span::ZERO, first),
            second,
            rung(Span(prompt.0 * 2), on_duty(&[Role::Officer, Role::Station])),
            rung(Span(prompt.0 * 3), on_duty(&[Role::Leader])),
        ];
        Ladder { rungs, on_scene: Span::secs(self.settings.on_scene_s), ..default_ladder(Priority::P1) }
    }

    fn entrapment(&self, world: &World, lift: &Subject, said: &Sighting, active: bool) -> Option<Proposal> {
        let (since, mark) = self.trapped.at(lift).filter(|_| active)?;
        let reason = Reason::new("entrapment", "电梯困人", "people are shut in the lift");
        let mut raise = Raise::new(lift.as_str(), lift, Priority::P1, since, reason).seen_by(said);
        (raise.stage, raise.mark) = (Some("trapped".into()), mark);
        raise.ladder = Some(self.ladder(world, lift));
        there(world, &kind_of("lift_entrapment"), Some(said), raise)
    }

    fn fault(&self, world: &World, lift: &Subject, said: &Sighting) -> Vec<Proposal> {
        let Reading::LiftFault { code, text, active, .. } = &said.said.reading else { return Vec::new() };
        let (kind, key) = (kind_of("lift_fault"), format!("code:{lift}:{code}"));
        if !active {
            let reason = Reason::new("mended", "故障已恢复", "the fault is gone");
            return over(world, &kind, &key, Outcome::Ok, &reason);
        }
        if matches!(said.freshness, Freshness::Late | Freshness::Replayed | Freshness::Retained) {
            return Vec::new();
        }
        let words = if text.is_empty() { code } else { text };
        let reason = Reason::new("lift_fault", format!("电梯故障：{words}"), format!("lift fault: {words}"));
        let mut raise = Raise::new(key, lift, Priority::P3, said.occurred, reason).seen_by(said);
        raise.kind = Some("lift_fault");
        raise.ladder = Some(maintainers::repair(world, lift, Purpose::LiftController));
        there(world, &kind, Some(said), raise).into_iter().collect()
    }
}

impl Rule for LiftEntrapment {
    fn name(&self) -> &'static str {
        "lift_entrapment"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("电梯困人", "Shut in a lift"),
            advice: vec![
                text(
                    "先与轿厢通话：安抚，问人数和身体状况",
                    "Talk to the car first: calm them, ask how many and how they are",
                ),
                text(
                    "切勿扒门、不要自行盘车：等维保",
                    "Never force the door, never move the car by hand: wait for the maintainer",
                ),
                text(
                    "无人接警或有人不适：拨打96333，必要时120、119",
                    "Nobody takes it, or anybody unwell: call 96333, and 120 or 119 if needed",
                ),
                text("人员救出后点“处理结果”", "When everybody is out, tap Resolve"),
            ],
        }
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn hears(&self, _device: &Device, reading: &Reading) -> bool {
        matches!(reading, Reading::LiftFault { .. })
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.lift_entrapment);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.lift_entrapment.clone();
        self.trapped.forget_gone(setup);
    }

    fn observe(
        &mut self,
        _senses: &Senses,
        _setup: &Setup,
        sighting: &Sighting,
        _timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let Reading::LiftFault { active, entrapment, .. } = &sighting.said.reading else { return None };
        let subject = sighting.device.place.clone();
        if sighting.duplicate {
            return None;
        }
        if sighting.freshness == Freshness::Test {
            return active.then_some(subject);
        }
        if *entrapment {
            self.trapped.say(&subject, sighting, *active)?;
        }
        Some(subject)
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let Cause::Said(said) = cause else { return Vec::new() };
        if said.freshness == Freshness::Test {
            return vec![self_tested(&kind_of("lift_entrapment"), subject)];
        }
        let Reading::LiftFault { active, entrapment: true, .. } = &said.said.reading else {
            return self.fault(world, subject, said);
        };
        if self.trapped.at(subject).is_none() {
            let reason = Reason::new("freed", "轿厢报告已无困人", "the lift says that nobody is shut in");
            return gone(world, &kind_of("lift_entrapment"), subject.as_str(), reason);
        }
        self.entrapment(world, subject, said, *active).into_iter().collect()
    }

    fn ended(&mut self, _: &Senses, _: &Setup, alarm: &Alarm, _: &Reason, _: &mut RuleTimers) {
        if alarm.kind.as_str() == self.name() {
            self.trapped.dismiss(&alarm.place);
        }
    }

    fn word_is_enough(&self, _world: &World, alarm: &Alarm, outcome: Outcome) -> bool {
        word_ends_it(alarm, outcome)
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.trapped)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.trapped = snapshot::read(kept)?;
        Ok(())
    }
}

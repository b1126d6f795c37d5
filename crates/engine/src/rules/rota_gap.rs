//! Alarms for which nobody is on duty (`rota_gap`): the police station hears of them at once (`raising::ladder_of`), and
//! whoever makes the rota hears that it has a gap, from this rule.
//!
//! One alarm for the compound; it names the parts of it that alarms were raised in while no guard and no grid worker who
//! serves them was on duty. Key and place: those of the first. It ends by itself once somebody is there: that is looked
//! at where a shift begins or ends, and when somebody signs on. Where nobody ever serves there is no gap of the rota but
//! a fault of the configuration: `wanglou check` tells of it.

use super::sensing::over;
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::ladder::{default_ladder, rung};
use crate::raising::kind_of;
use crate::routing::{is_on_duty, serves};
use crate::senses::{Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{
    Audience, Device, Entered, Fact, Ladder, OfficerId, Outcome, PlaceId, Priority, Reason, Role, Span,
};

const NAME: &str = "rota_gap";
/// The slot of its timer: is anybody there?
const LOOK: u8 = 0;
/// So many places are named; a night without anybody has as many alarms as other nights.
const PLACES_MAX: usize = 64;

/// Thresholds of the rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RotaGapSettings {
    /// Nobody has taken it after this time: every manager, on duty or not, seconds (A).
    pub managers_s: i64,
}

impl Default for RotaGapSettings {
    fn default() -> Self {
        Self { managers_s: 900 }
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct RotaGap {
    settings: RotaGapSettings,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// The first place that an alarm was raised for in this gap.
    subject: Option<PlaceId>,
    /// All of them, that one among them.
    places: BTreeSet<PlaceId>,
}

impl RotaGap {
    pub(crate) fn new(settings: RotaGapSettings) -> Self {
        Self { settings, kept: Kept::default() }
    }

    fn ladder(&self, world: &World) -> Ladder {
        let officers = world.setup.site.officers.iter();
        let managers = officers.filter(|(_, officer)| officer.roles.contains(&Role::Manager));
        let managers: Vec<OfficerId> = managers.map(|(id, _)| id.clone()).collect();
        let rungs = vec![
            rung(Span::ZERO, vec![Audience::OnDuty(Role::ControlRoom), Audience::OnDuty(Role::Manager)]),
            rung(Span::secs(self.settings.managers_s), vec![Audience::People(managers)]),
        ];
        Ladder { rungs, ..default_ladder(Priority::P3) }
    }
}

/// Do guards or grid workers serve the place, and is none of them on duty?
pub(crate) fn is_gap(senses: &Senses, setup: &Setup, place: &PlaceId) -> bool {
    let answers = |roles: &BTreeSet<Role>| roles.contains(&Role::Guard) || roles.contains(&Role::GridWorker);
    let officers = setup.site.officers.iter();
    let mut serve = officers.filter(|(_, who)| answers(&who.roles) && serves(setup, who, place)).peekable();
    serve.peek().is_some() && !serve.any(|(id, who)| is_on_duty(senses, setup, senses.at, id, who))
}

/// A place as people who make rotas know it: its grid, if it is in one.
fn name_of(setup: &Setup, place: &PlaceId) -> String {
    setup.site.grid_of(place).map_or_else(|| place.to_string(), ToString::to_string)
}

impl Rule for RotaGap {
    fn name(&self) -> &'static str {
        NAME
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("当前无人值班", "Nobody on duty"),
            advice: vec![
                text("马上安排人签到上岗", "Have somebody sign on now"),
                text("修改排班表，补上这个时段", "Mend the rota for these hours"),
                text(
                    "在此之前一、二级告警直接通知派出所",
                    "Until then P1 and P2 go straight to the police station",
                ),
            ],
        }
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.rota_gap);
    }

    fn configure(&mut self, senses: &Senses, setup: &Setup, timers: &mut RuleTimers) {
        self.settings = setup.rules.rota_gap.clone();
        // Perhaps the rota was mended.
        if let Some(subject) = &self.kept.subject {
            timers.arm(subject, LOOK, senses.at + Span(1));
        }
    }

    fn observe(&mut self, _: &Senses, _: &Setup, _: &Sighting, _: &mut RuleTimers) -> Option<Subject> {
        None
    }

    fn staged(&mut self, senses: &Senses, setup: &Setup, alarm: &Alarm, timers: &mut RuleTimers) {
        let calls = !alarm.ladder.rungs.is_empty() && !alarm.test && alarm.kind.as_str() != NAME;
        let new = calls && alarm.raised_at == senses.at && self.kept.places.len() < PLACES_MAX;
        if new && is_gap(senses, setup, &alarm.place) && self.kept.places.insert(alarm.place.clone()) {
            let subject = self.kept.subject.get_or_insert_with(|| alarm.place.clone());
            timers.arm(subject, LOOK, senses.at);
        }
    }

    fn registered(&mut self, senses: &Senses, _: &Setup, entry: &Fact, timers: &mut RuleTimers) {
        let Fact::Entered(entry) = entry else { return };
        if let (Entered::Duty { .. }, Some(subject)) = (&**entry, &self.kept.subject) {
            timers.arm(subject, LOOK, senses.at);
        }
    }

    fn due(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        subject: &Subject,
        _slot: u8,
        timers: &mut RuleTimers,
    ) -> bool {
        if self.kept.subject.as_ref() != Some(subject) {
            return false;
        }
        self.kept.places.retain(|place| is_gap(senses, setup, place));
        if self.kept.places.is_empty() {
            self.kept.subject = None;
            return true;
        }
        let wall = senses.wall(senses.at) + Span(1);
        let changes = setup.site.rota.changes();
        let next = changes.iter().map(|minute| setup.calendar.next(wall, *minute)).min();
        timers.arm(subject, LOOK, senses.from_wall(next.unwrap_or(wall + Span::hours(1))));
        true
    }

    fn decide(&self, world: &World, subject: &Subject, _cause: Cause) -> Vec<Proposal> {
        let kind = kind_of(NAME);
        if self.kept.subject.as_ref() != Some(subject) {
            let reason = Reason::new("on_duty_again", "已有人在岗", "somebody is on duty again");
            return over(world, &kind, subject.as_str(), Outcome::Ok, &reason);
        }
        let parts: BTreeSet<String> =
            self.kept.places.iter().map(|place| name_of(world.setup, place)).collect();
        let parts: Vec<String> = parts.into_iter().collect();
        let details = BTreeMap::from([("parts".to_owned(), parts.clone().into())]);
        if let Some(open) = world.book.open(&kind, subject.as_str()) {
            let same = open.details.get("parts") == details.get("parts");
            let changed = Fact::Detailed { alarm: open.id.clone(), details };
            return (!same).then_some(Proposal::Fact(changed)).into_iter().collect();
        }
        let reason = Reason::new(
            NAME,
            format!("当前没有保安或网格员在岗：{}", parts.join("、")),
            format!("no guard and no grid worker is on duty: {}", parts.join(", ")),
        );
        let mut raise = Raise::new(subject.as_str(), subject, Priority::P3, world.at, reason);
        raise.ladder = Some(self.ladder(world));
        raise.details = details;
        vec![Proposal::Raise(Box::new(raise))]
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

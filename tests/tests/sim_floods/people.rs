//! People who do their work: whoever is called takes it within a minute or two, goes there, sees to it and says what it
//! was. The desk looks through the reviews; the manager ends what waits for nobody in particular.

use crate::rehearsal::{Rehearsal, number_of};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_gateway::backtest::{Effect, EffectName};
use wanglou_model::{OfficerId, Op, Outcome, Priority, Role, Site, Span, Timestamp};

/// They take it within so many seconds.
const TAKES_S: (u64, u64) = (20, 110);
/// They are there so many seconds later.
const WALKS_S: (u64, u64) = (60, 170);
/// And done so many seconds after that.
const SEES_TO_IT_S: (u64, u64) = (120, 900);
/// The desk looks at a review after so many seconds.
const REVIEWS_S: (u64, u64) = (30, 110);
/// What calls nobody is ended so many seconds later, in the office.
const OFFICE_S: (u64, u64) = (3_600, 14_400);
/// Cones and a photo take so long.
const BESIDE: Span = Span::mins(2);
/// What did not end with the first word is looked at again.
const AGAIN: Span = Span::mins(20);

/// They follow from a seed.
#[derive(Debug)]
pub(crate) struct People {
    seed: u64,
    roles: BTreeMap<String, BTreeSet<Role>>,
    /// Alarms that somebody is about to take, and until when that is so.
    taken: BTreeMap<usize, Timestamp>,
    /// Who stands beside an open cover.
    beside: BTreeMap<usize, OfficerId>,
    /// Alarms that the office will end.
    filed: BTreeSet<usize>,
}

impl People {
    /// The people of a compound.
    pub(crate) fn new(site: &Site, seed: u64) -> Self {
        let roles = site.officers.iter().map(|(id, officer)| (id.to_string(), officer.roles.clone()));
        Self {
            seed,
            roles: roles.collect(),
            taken: BTreeMap::new(),
            beside: BTreeMap::new(),
            filed: BTreeSet::new(),
        }
    }

    pub(crate) fn react(&mut self, effects: &[Effect], run: &mut Rehearsal) {
        for effect in effects {
            let Some(alarm) = number_of(effect) else { continue };
            match effect.effect {
                EffectName::Raise => self.raised(effect, alarm, run),
                EffectName::Notify => self.called(effect, alarm, run),
                EffectName::Close => {
                    self.taken.remove(&alarm);
                }
                EffectName::Clear => self.cleared(effect, alarm, run),
                // Whoever had it has to take it again.
                EffectName::Update if effect.reason.is_some() && effect.response.is_none() => {
                    self.taken.remove(&alarm);
                }
                EffectName::Update
                | EffectName::Escalate
                | EffectName::Stage
                | EffectName::Command
                | EffectName::Fault
                | EffectName::Suppress => {}
            }
        }
    }

    /// What calls nobody still needs an end.
    fn raised(&mut self, effect: &Effect, alarm: usize, run: &mut Rehearsal) {
        if effect.stage.as_deref() == Some("review")
            && let Some(desk) = self.with_role(Role::ControlRoom)
        {
            let at = effect.time + self.seconds(REVIEWS_S);
            let note = "鸟".to_owned();
            run.plan_act(at, desk, alarm, Op::Review { outcome: Some(Outcome::FalseAlarm), note });
        } else if self.filed.insert(alarm)
            && let Some(office) = self.with_role(Role::Manager)
        {
            let at = effect.time + self.seconds(OFFICE_S);
            run.plan_act(at, office, alarm, ends(Outcome::Ok));
        }
    }

    fn called(&mut self, effect: &Effect, alarm: usize, run: &mut Rehearsal) {
        let person = effect.to.as_deref().and_then(|to| to.strip_prefix("officer:"));
        let Some(officer) = person.and_then(|id| OfficerId::parse(id).ok()) else { return };
        let busy = self.taken.get(&alarm).is_some_and(|until| effect.time < *until);
        // An officer leaves to the guards what the guards are called for too.
        if busy || !self.goes(officer.as_str()) || effect.kind.as_deref() == Some("alarm_flood") {
            return;
        }
        let takes = effect.time + self.seconds(TAKES_S);
        let there = takes + self.seconds(WALKS_S);
        let done = there + self.seconds(SEES_TO_IT_S);
        self.taken.insert(alarm, done + AGAIN);
        let outcome =
            outcome_of(effect.kind.as_deref().unwrap_or_default(), run.pushes.priority(&format!("${alarm}")));
        run.plan_act(takes, officer.clone(), alarm, Op::Accept { eta_s: None });
        run.plan_act(there, officer.clone(), alarm, Op::Arrive);
        if effect.kind.as_deref() == Some("manhole") {
            // They stay beside it until it is shut.
            run.plan_act(there + BESIDE, officer.clone(), alarm, Op::Guard { photos: vec!["0".repeat(64)] });
            self.beside.insert(alarm, officer);
            return;
        }
        run.plan_act(done, officer.clone(), alarm, ends(outcome));
        run.plan_act(done + AGAIN, officer, alarm, ends(outcome));
    }

    /// The cover rests closed: whoever stands beside it says so.
    fn cleared(&mut self, effect: &Effect, alarm: usize, run: &mut Rehearsal) {
        if let Some(officer) = self.beside.remove(&alarm) {
            run.plan_act(effect.time + self.seconds(TAKES_S), officer, alarm, ends(Outcome::Real));
        }
    }

    fn goes(&self, person: &str) -> bool {
        let stays = [Role::Officer, Role::Station, Role::Leader, Role::ControlRoom, Role::Manager];
        self.roles.get(person).is_some_and(|roles| !roles.iter().any(|role| stays.contains(role)))
    }

    fn with_role(&self, role: Role) -> Option<OfficerId> {
        let found = self.roles.iter().find(|(_, roles)| roles.contains(&role));
        found.and_then(|(id, _)| OfficerId::parse(id).ok())
    }

    fn seconds(&mut self, (from, until): (u64, u64)) -> Span {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.seed;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Span::millis((from * 1_000 + (mixed ^ (mixed >> 31)) % ((until - from) * 1_000)) as i64)
    }
}

fn ends(outcome: Outcome) -> Op {
    Op::Resolve { outcome, note: String::new(), photos: vec!["0".repeat(64)] }
}

/// What it usually was.
fn outcome_of(kind: &str, priority: Option<Priority>) -> Outcome {
    match kind {
        "ebike_in_lift" => Outcome::Complied,
        "living_alone" | "sos" => Outcome::Ok,
        "smoke" => Outcome::FalseAlarm,
        _ if priority == Some(Priority::P1) => Outcome::Real,
        _ => Outcome::Ok,
    }
}

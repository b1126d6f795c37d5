//! A flood of alarms, for each person by themselves (ISA-18.2: ten in ten minutes). While it lasts their phone rings for
//! what may never be grouped away, for the first alarms of incidents, and for one digest with the count of the rest,
//! which is in their list all the while. What is held back keeps its ladder, and so calls others if nobody takes it.
//!
//! Alarms count whether they ring or are only shown, so that a storm is known by the tenth wet cover although one rang
//! for all of a zone. The digest rings in the place of the first alarm that is held back. Incidents may be many, too: once
//! five of what rings in a flood have rung within ten minutes, further first alarms of incidents are counted like the rest.

use crate::Engine;
use crate::alarm::Alarm;
use crate::book::Book;
use crate::ladder::rung;
use crate::raising::{self, kind_of};
use crate::timers::Timer;
use crate::windows::{entered, never_aside};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use wanglou_model::{
    AlarmId, Aside, Audience, Entered, Fact, Ladder, OfficerId, Outcome, PlaceId, Priority, Raised, Reason,
    Span, StopsAt, Timestamp, Told,
};

/// So many alarms within [`WITHIN`] are a flood for one person.
pub const FLOOD_FROM: usize = 10;
/// It is over when there were fewer than this.
pub const FLOOD_BELOW: usize = 5;
/// The time over which alarms are counted.
pub const WITHIN: Span = Span::mins(10);
/// The kind of the digest.
pub(crate) const DIGEST: &str = "alarm_flood";
/// How many calls of one person are remembered: more than a flood needs.
const CALLS_MAX: usize = 64;

/// What called one person lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// The latest alarms that called them, each once, the oldest first.
    pub lately: VecDeque<(Timestamp, AlarmId)>,
    /// When their phone rang lately for what rings in a flood too.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub rang: VecDeque<Timestamp>,
    /// Since when they are in a flood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood: Option<Timestamp>,
}

impl Calls {
    fn add(&mut self, at: Timestamp, alarm: &AlarmId) {
        while self.lately.front().is_some_and(|(then, _)| *then + WITHIN <= at) {
            self.lately.pop_front();
        }
        if self.lately.iter().any(|(_, known)| known == alarm) {
            return;
        }
        if self.lately.len() == CALLS_MAX {
            self.lately.pop_front();
        }
        self.lately.push_back((at, alarm.clone()));
    }

    fn within(&self, at: Timestamp) -> usize {
        self.lately.iter().filter(|(then, _)| *then + WITHIN > at).count()
    }

    fn ring(&mut self, at: Timestamp) {
        self.rang.retain(|then| *then + WITHIN > at);
        if self.rang.len() == CALLS_MAX {
            self.rang.pop_front();
        }
        self.rang.push_back(at);
    }

    /// Have so many rung that the first alarms of incidents are counted too?
    fn is_full(&self, at: Timestamp) -> bool {
        self.rang.iter().filter(|then| **then + WITHIN > at).count() >= FLOOD_BELOW
    }

    /// Is this alarm the one with which a flood begins?
    fn is_tenth(&self, at: Timestamp, alarm: &AlarmId) -> bool {
        let known = self.lately.iter().any(|(_, known)| known == alarm);
        self.flood.is_none() && !known && self.within(at) + 1 >= FLOOD_FROM
    }

    /// When fewer than [`FLOOD_BELOW`] will be left, if no more come.
    fn ebbs_at(&self) -> Option<Timestamp> {
        let fifth = self.lately.len().checked_sub(FLOOD_BELOW)?;
        self.lately.get(fifth).map(|(then, _)| *then + WITHIN)
    }
}

impl Book {
    /// A rung called these people, or showed it to them.
    pub(crate) fn called(&mut self, at: Timestamp, id: &AlarmId, told: &[Told], ring: bool) {
        let Some(alarm) = self.alarms.get(id) else { return };
        let digest = alarm.kind.as_str() == DIGEST;
        let grave = digest || !may_be_grouped(alarm) || is_whole(alarm);
        for told in told {
            let calls = self.calls.entry(told.officer.clone()).or_default();
            if !digest {
                calls.add(at, id);
            }
            if ring && grave && !told.quiet && told.unreached.is_none() {
                calls.ring(at);
            }
        }
    }

    /// A new alarm was set aside as a part of an incident: it counts for those whom a rung told of the whole.
    pub(crate) fn part(&mut self, at: Timestamp, id: &AlarmId) {
        let Some(alarm) = self.alarms.get(id).filter(|alarm| alarm.raised_at == at) else { return };
        for officer in self.called_to_whole(alarm) {
            self.calls.entry(officer).or_default().add(at, id);
        }
    }

    pub(crate) fn flooded(&mut self, at: Timestamp, officer: &OfficerId, on: bool) {
        self.calls.entry(officer.clone()).or_default().flood = on.then_some(at);
    }

    /// Is this person in a flood?
    pub fn is_flooded(&self, officer: &OfficerId) -> bool {
        self.calls.get(officer).is_some_and(|calls| calls.flood.is_some())
    }

    /// Another alarm of the same incident that is told in place of this one.
    pub(crate) fn parent_of(&self, alarm: &Alarm) -> Option<&Alarm> {
        let incident = alarm.incident.as_ref()?;
        let told = |other: &&Alarm| {
            let aside = other.shelved.is_some();
            other.id != alarm.id
                && other.incident.as_ref() == Some(incident)
                && !aside
                && other.priority <= alarm.priority
        };
        self.open_alarms().filter(told).min_by_key(|other| (other.priority, other.raised_at))
    }

    /// A part of an incident rings for nobody. Whoever was told of the incident has it in the list all the same.
    pub(crate) fn told_of_whole(&self, alarm: &Alarm) -> impl Iterator<Item = &OfficerId> {
        self.whole_of(alarm).into_iter().flat_map(|whole| whole.followers.keys())
    }

    /// Those whom a rung told of it, ringing or not. Who only looks on, as the control room does, was called to nothing.
    fn called_to_whole(&self, alarm: &Alarm) -> Vec<OfficerId> {
        let followers = self.whole_of(alarm).into_iter().flat_map(|whole| &whole.followers);
        followers
            .filter(|(_, follower)| follower.rung.is_some())
            .map(|(officer, _)| officer.clone())
            .collect()
    }

    /// What is told in place of an alarm that is a part of an incident.
    fn whole_of(&self, alarm: &Alarm) -> Option<&Alarm> {
        let part = alarm.shelved.as_ref().is_some_and(|shelf| shelf.how == Aside::ByDesign);
        part.then(|| self.parent_of(alarm)).flatten()
    }
}

/// May an alarm be folded into an incident, or held back in a flood? Never what threatens a life, an open cover, a lift
/// whose hold was defeated, a test, or the digest itself.
pub(crate) fn may_be_grouped(alarm: &Alarm) -> bool {
    let stage = alarm.stage.as_deref().unwrap_or_default();
    let alone = match alarm.kind.as_str() {
        "manhole" => !alarm.key.starts_with("water:"),
        "ebike_in_lift" => stage == "defeated",
        DIGEST => true,
        _ => false,
    };
    !(never_aside(alarm.priority, &alarm.ladder) || alone || alarm.test)
}

/// Is it what is told of an incident, not one of its parts?
fn is_whole(alarm: &Alarm) -> bool {
    let part = alarm.shelved.as_ref().is_some_and(|shelf| shelf.how == Aside::ByDesign);
    alarm.incident.is_some() && !part
}

impl World<'_> {
    /// Is this person's phone to be left alone about this alarm?
    pub(crate) fn holds_back(&self, alarm: &Alarm, officer: &OfficerId) -> bool {
        let Some(calls) = self.book.calls.get(officer).filter(|_| may_be_grouped(alarm)) else {
            return false;
        };
        let flooded = calls.flood.is_some() || calls.is_tenth(self.at, &alarm.id);
        flooded && (!is_whole(alarm) || calls.is_full(self.at))
    }
}

impl Engine {
    /// A new part of an incident that is told by another alarm: it counts for those who were told of that.
    pub(crate) fn count_part(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book().alarms.get(id) else { return };
        for officer in self.book().called_to_whole(alarm) {
            self.judge_flood(at, &officer, facts);
        }
    }

    /// After a rung: who is in a flood from now on, and what was held back for whom.
    pub(crate) fn judge_floods(
        &mut self,
        at: Timestamp,
        id: &AlarmId,
        (told, ring): (&[Told], bool),
        facts: &mut Vec<Fact>,
    ) {
        for told in told {
            self.judge_flood(at, &told.officer, facts);
            if told.quiet && ring {
                self.count_in_digest(at, id, &told.officer, facts);
            }
        }
    }

    fn judge_flood(&mut self, at: Timestamp, officer: &OfficerId, facts: &mut Vec<Fact>) {
        let many = self.book().calls.get(officer).is_some_and(|calls| calls.within(at) >= FLOOD_FROM);
        if many && !self.book().is_flooded(officer) {
            self.note(at, entered(Entered::Flood { officer: officer.clone(), on: true }), facts);
        }
    }

    /// The first alarm that is held back rings the digest in its place; further ones are counted in it.
    fn count_in_digest(&mut self, at: Timestamp, held: &AlarmId, officer: &OfficerId, facts: &mut Vec<Fact>) {
        let Some(digest) = self.book().open(&kind_of(DIGEST), officer.as_str()) else {
            let place = self.book().alarms.get(held).map(|alarm| alarm.place.clone());
            if let Some(place) = place {
                let raised = digest(&self.world(), officer, &place);
                self.conclude(at, Fact::Raised(Box::new(raised)), facts);
            }
            return;
        };
        let fact = Fact::Repeated {
            alarm: digest.id.clone(),
            count: 1,
            last_at: at,
            device: None,
            evidence: Vec::new(),
        };
        self.note(at, fact, facts);
    }

    /// The flood may be over.
    pub(crate) fn ebb(&mut self, at: Timestamp, officer: &OfficerId, facts: &mut Vec<Fact>) {
        let calls = self.book().calls.get(officer);
        if !calls.is_some_and(|calls| calls.flood.is_some() && calls.within(at) < FLOOD_BELOW) {
            return;
        }
        self.note(at, entered(Entered::Flood { officer: officer.clone(), on: false }), facts);
        let open = self.book().open_alarms().filter(|alarm| {
            alarm.is_unaccepted() && alarm.kind.as_str() != DIGEST && alarm.followers.contains_key(officer)
        });
        let open = open.count();
        let Some(digest) = self.book().open(&kind_of(DIGEST), officer.as_str()) else { return };
        let (alarm, held) = (digest.id.clone(), digest.count);
        let (zh, en) = (
            format!("告警高峰结束：其间 {held} 条未响铃，现有 {open} 条待接警"),
            format!("the flood is over: {held} were held back, {open} wait to be accepted"),
        );
        let reason = Reason::new("flood_over", zh, en);
        let reminded =
            Fact::Reminded { alarm: alarm.clone(), to: vec![officer.clone()], reason: reason.clone() };
        self.note(at, reminded, facts);
        self.conclude(at, Fact::Closed { alarm, outcome: Outcome::Ok, reason }, facts);
    }

    /// When a flood is looked at again follows from the calls alone.
    pub(crate) fn arm_ebb(&mut self, officer: &OfficerId) {
        let flooded = self.book().calls.get(officer).filter(|calls| calls.flood.is_some());
        match flooded.map(|calls| calls.ebbs_at().unwrap_or(self.senses().at)) {
            Some(due) => self.timers.arm(Timer::Flood(officer.clone()), due),
            None => self.timers.disarm(&Timer::Flood(officer.clone())),
        }
    }
}

fn digest(world: &World, officer: &OfficerId, place: &PlaceId) -> Raised {
    let (zh, en) = (
        format!("十分钟内超过 {FLOOD_FROM} 条告警：现在只有最严重的会响铃，其余在列表中"),
        format!(
            "{FLOOD_FROM} alarms in ten minutes: only the gravest ring from now on, the others are in the list"
        ),
    );
    let began = world.at.0.to_string();
    Raised {
        alarm: raising::id_of(&[world.setup.site.id.as_str(), DIGEST, officer.as_str(), &began]),
        kind: kind_of(DIGEST),
        key: officer.to_string(),
        place: place.clone(),
        priority: Priority::P3,
        reason: Reason::new("flood", zh, en),
        first_at: world.at,
        count: 1,
        stage: None,
        ladder: Ladder {
            rungs: vec![rung(Span::ZERO, vec![Audience::People(vec![officer.clone()])])],
            repeat: Span::mins(30),
            on_scene: Span::hours(2),
            stops_at: StopsAt::Acceptance,
        },
        merge: Span::ZERO,
        mark: None,
        test: false,
        devices: Vec::new(),
        evidence: Vec::new(),
        // How many alarms ring for somebody is for nobody else's list.
        details: BTreeMap::from([("confidential".to_owned(), true.into())]),
        incident: None,
        config: world.setup.hash.clone(),
    }
}

//! Who is told when.

use super::alarm::{Alarm, Raise, Step, Steps, Tell};
use super::{Model, Notice, oversees_all};
use std::collections::BTreeSet;
use wanglou_model::*;

impl Model {
    fn serves(&self, known: &Officer, place: &PlaceId) -> bool {
        let everywhere = known.grids.is_empty() && known.places.is_empty();
        everywhere
            || known.places.iter().any(|served| place.is_within(served))
            || self.grid(place).is_some_and(|grid| known.grids.contains(&grid))
    }

    fn grid(&self, place: &PlaceId) -> Option<GridId> {
        let known = self.site.places.get(place)?;
        known.grid.clone().or_else(|| self.grid(&place.parent()?))
    }

    /// Whom a rung names now.
    fn named(&self, alarm: &Alarm, step: &Step) -> BTreeSet<OfficerId> {
        let mut named = BTreeSet::new();
        for tell in &step.tell {
            for (id, known) in &self.site.officers {
                let called = alarm.followers.get(id).is_some_and(|follower| follower.rung.is_some());
                let stands_in = known.roles.contains(&Role::Guard) || known.roles.contains(&Role::GridWorker);
                let is_named = match tell {
                    Tell::Role(role) => {
                        known.roles.contains(role) && self.is_on_duty(id) && self.serves(known, &alarm.place)
                    }
                    Tell::Backup => stands_in && self.is_on_duty(id) && !called,
                    Tell::People(people) => people.contains(id),
                };
                if is_named {
                    named.insert(id.clone());
                }
            }
        }
        named
    }

    /// The ladder reaches a rung; "rungs with nobody on duty and reachable are skipped at once".
    /// Who has just declined is not called by what follows from that.
    pub(crate) fn climb(&mut self, n: usize, from: usize, but: Option<&OfficerId>) {
        let now = self.now;
        if self.alarms[n].ladder.rungs.is_empty() {
            let repeat = self.alarms[n].ladder.repeat;
            (self.alarms[n].rung, self.alarms[n].next) = (Some(0), Some((0, now + repeat)));
            return;
        }
        let last = self.alarms[n].ladder.rungs.len() - 1;
        let mut index = from.min(last);
        loop {
            let step = self.alarms[n].ladder.rungs[index].clone();
            let mut named = self.named(&self.alarms[n], &step);
            named.retain(|who| Some(who) != but);
            let told: Vec<(OfficerId, bool, bool)> = named
                .into_iter()
                .map(|who| {
                    let declined =
                        self.alarms[n].followers.get(&who).is_some_and(|follower| follower.declined);
                    let reached = !declined && self.reaches(&who);
                    let flood = self.flooded.contains(&who) || self.is_tenth(n, &who);
                    let held_back = flood && self.alarms[n].may_be_held_back();
                    (who, reached, step.rings && !held_back)
                })
                .collect();
            let waits =
                index == last || self.alarms[n].ladder.staged || told.iter().any(|(_, reached, _)| *reached);
            let next = match index {
                _ if index == last => (last, now + self.alarms[n].ladder.repeat),
                _ if waits => {
                    let due = self.alarms[n].from + self.alarms[n].ladder.rungs[index + 1].after;
                    (index + 1, due.max(now))
                }
                _ => (index + 1, now),
            };
            self.enter(n, index, &step);
            self.reached(n, index, &step, told, next);
            if waits {
                return;
            }
            index += 1;
        }
    }

    /// A stage that acceptance does not stop: others are called, whoever took an earlier one.
    fn enter(&mut self, n: usize, index: usize, step: &Step) {
        let now = self.now;
        let alarm = &mut self.alarms[n];
        if let Some(priority) = step.priority.filter(|priority| *priority < alarm.priority) {
            alarm.priority = priority;
        }
        let staged = step.stage.is_some() && step.stage != alarm.stage;
        if staged {
            alarm.stage = step.stage;
        }
        if staged && alarm.ladder.staged && alarm.response != Response::Unaccepted {
            self.reopened(n, "next stage", index);
            self.alarms[n].next = Some((index, now));
        }
    }

    fn reached(
        &mut self,
        n: usize,
        index: usize,
        step: &Step,
        told: Vec<(OfficerId, bool, bool)>,
        next: (usize, Timestamp),
    ) {
        let now = self.now;
        for (who, _, rings) in &told {
            let follower = self.alarms[n].followers.entry(who.clone()).or_default();
            *follower = super::alarm::Follower { rung: Some(index), rings: *rings, ..Default::default() };
        }
        (self.alarms[n].rung, self.alarms[n].next) = (Some(index), Some(next));
        let counts = self.alarms[n].what.0 != "alarm_flood";
        for (who, _, _) in told.iter().filter(|_| counts) {
            let calls = self.calls.entry(who.clone()).or_default();
            calls.retain(|(at, _)| *at + Span::mins(10) > now);
            if !calls.iter().any(|(_, known)| *known == n) {
                calls.push((now, n));
            }
        }
        if !told.is_empty() {
            self.notice(n, Some(index), told.clone());
        }
        self.judge_floods(n, step, &told);
    }

    /// The tenth within ten minutes: the digest rings in its place.
    fn is_tenth(&self, n: usize, who: &OfficerId) -> bool {
        let lately =
            self.calls.get(who).into_iter().flatten().filter(|(at, _)| *at + Span::mins(10) > self.now);
        let known = lately.clone().any(|(_, known)| *known == n);
        !known && lately.count() + 1 >= 10
    }

    pub(crate) fn notice(&mut self, n: usize, rung: Option<usize>, mut told: Vec<(OfficerId, bool, bool)>) {
        told.sort();
        let alarm = &self.alarms[n];
        let alarm = (
            alarm.what.0.to_owned(),
            format!("{} {}", alarm.what.1, super::subject_of(alarm)),
            alarm.raised_at,
        );
        self.notices.push(Notice { alarm, rung, told });
    }

    /// "≥ 10 alarms in 10 min for one person … until below 5 in 10 min."
    fn judge_floods(&mut self, n: usize, step: &Step, told: &[(OfficerId, bool, bool)]) {
        for (who, _, rings) in told {
            let lately = self.calls.get(who).map_or(0, Vec::len);
            if lately >= 10 && !self.flooded.contains(who) {
                self.flooded.insert(who.clone());
            }
            if step.rings && !rings {
                match self.open_one(("alarm_flood", ""), who.as_str()) {
                    Some(digest) => self.alarms[digest].count += 1,
                    None => {
                        let place = self.alarms[n].place.clone();
                        self.raise_digest(who, &place);
                    }
                }
            }
        }
        for (who, _, _) in told {
            self.plan_ebb(who);
        }
    }

    fn plan_ebb(&mut self, who: &OfficerId) {
        if !self.flooded.contains(who) {
            return;
        }
        let calls = self.calls.get(who).cloned().unwrap_or_default();
        let fifth = calls.len().checked_sub(5).and_then(|index| calls.get(index));
        let due = fifth.map_or(self.now, |(at, _)| *at + Span::mins(10));
        self.ebbs_at.insert(who.clone(), due);
    }

    fn raise_digest(&mut self, who: &OfficerId, place: &PlaceId) {
        let mut raise = Raise::new(("alarm_flood", ""), who.to_string(), place, Priority::P3);
        raise.merge = Span::ZERO;
        raise.ladder = Steps {
            rungs: vec![super::alarm::step(Span::ZERO, vec![Tell::People(vec![who.clone()])])],
            repeat: Span::mins(30),
            on_scene: Span::hours(2),
            staged: false,
        };
        let n = self.alarms.len();
        self.alarms.push(Alarm::begin(raise, self.now));
        self.climb(n, 0, None);
    }

    pub(crate) fn ebb(&mut self, who: &OfficerId) {
        let now = self.now;
        let left = self
            .calls
            .get(who)
            .map_or(0, |calls| calls.iter().filter(|(at, _)| *at + Span::mins(10) > now).count());
        if !self.flooded.contains(who) || left >= 5 {
            return;
        }
        self.flooded.remove(who);
        if let Some(n) = self.open_one(("alarm_flood", ""), who.as_str()) {
            self.notice(n, None, vec![(who.clone(), true, true)]);
            self.close(n, Outcome::Ok, false);
        }
    }

    /// "Accepted but not on scene in time: reopened, next rung told."
    pub(crate) fn overdue(&mut self, n: usize) {
        let alarm = &mut self.alarms[n];
        alarm.overdue_at = None;
        match alarm.response {
            // Its next stage comes anyway.
            Response::Accepted | Response::EnRoute if alarm.next.is_some() => self.remind(n),
            Response::Accepted | Response::EnRoute => {
                let stood = alarm.taken.as_ref().and_then(|(_, stood)| *stood);
                let rung = stood.map_or(alarm.rung.unwrap_or(0), |(rung, _)| rung);
                self.reopen(n, "not on scene", rung);
            }
            Response::Arrived => self.remind(n),
            Response::Resolved if alarm.active => {
                let rung = if alarm.next.is_some() { alarm.rung.unwrap_or(0) } else { 0 };
                self.reopen(n, "still active", rung);
            }
            Response::Resolved => {
                let outcome = alarm.outcome.unwrap_or(Outcome::Unverified);
                self.close(n, outcome, true);
            }
            Response::Unaccepted | Response::Closed => {}
        }
    }

    /// Whoever has it is asked again.
    pub(crate) fn remind(&mut self, n: usize) {
        let now = self.now;
        let alarm = &mut self.alarms[n];
        match alarm.response {
            Response::Arrived | Response::Resolved => alarm.overdue_at = Some(now + Span::hours(2)),
            Response::Accepted | Response::EnRoute => {
                let on_scene = now + alarm.ladder.on_scene;
                alarm.overdue_at.get_or_insert(on_scene);
            }
            Response::Unaccepted | Response::Closed => {}
        }
        if let Some(holder) = alarm.holder().cloned() {
            self.notice(n, None, vec![(holder, true, true)]);
        }
    }

    /// The next rung of those that wait for one, at once.
    fn hurry(&mut self, which: Vec<usize>) {
        for n in which {
            let alarm = &self.alarms[n];
            if let Some((rung, _)) = alarm.next.filter(|(rung, _)| Some(*rung) != alarm.rung) {
                self.climb(n, rung, None);
            }
        }
    }

    fn waits(&self, n: usize) -> bool {
        let alarm = &self.alarms[n];
        alarm.is_open()
            && alarm.response == Response::Unaccepted
            && alarm.aside.is_none()
            && !alarm.ladder.staged
    }

    /// "Declined or unreachable: at once": nobody who was called has it, or can be reached any more.
    pub(crate) fn move_on_without_phones(&mut self) {
        let lost = |n: &usize| {
            let called = self.alarms[*n].followers.iter().filter(|(_, follower)| follower.rung.is_some());
            let mut gone = called.map(|(who, follower)| follower.stored.is_empty() && !self.reaches(who));
            self.waits(*n) && gone.all(|gone| gone)
        };
        let which = (0..self.alarms.len()).filter(lost).collect();
        self.hurry(which);
    }

    /// "Officer offline 60 s: next channel and backup."
    pub(crate) fn call_backup_of(&mut self, who: &OfficerId) {
        if self.connected(who) {
            return;
        }
        let missed = |n: &usize| {
            let alarm = &self.alarms[*n];
            let missed = alarm.followers.get(who).is_some_and(|follower| {
                follower.rings
                    && follower.rung == alarm.rung
                    && follower.stored.is_empty()
                    && !follower.declined
            });
            self.waits(*n) && missed
        };
        let which = (0..self.alarms.len()).filter(missed).collect();
        self.hurry(which);
    }

    /// Somebody signed off: what calls them and nobody else who is there.
    pub(crate) fn move_on_without(&mut self, gone: &OfficerId) {
        let alone = |n: &usize| {
            let followers = &self.alarms[*n].followers;
            let called = followers.get(gone).is_some_and(|follower| follower.rings);
            let others = followers.iter().any(|(who, follower)| {
                who != gone
                    && follower.rings
                    && !follower.declined
                    && self.is_on_duty(who)
                    && self.reaches(who)
            });
            self.waits(*n) && called && !others
        };
        let which = (0..self.alarms.len()).filter(alone).collect();
        self.hurry(which);
    }

    /// May this person see the alarm?
    pub(crate) fn sees(&self, n: usize, who: &OfficerId) -> bool {
        let Some(known) = self.site.officers.get(who) else { return false };
        let oversees = known.admin || known.roles.contains(&Role::ControlRoom);
        let confidential = self.alarms[n].what.0 == "alarm_flood";
        debug_assert!(!oversees || oversees_all(known));
        self.alarms[n].followers.contains_key(who) || (oversees && !confidential)
    }
}

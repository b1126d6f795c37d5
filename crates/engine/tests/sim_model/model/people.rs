//! What people do about alarms, and what comes of it.

#![expect(clippy::wildcard_enum_match_arm, reason = "a few variants matter here, and no other")]

use super::alarm::{Aside, accept_time};
use super::{Model, Own};
use wanglou_model::*;

impl Model {
    pub(crate) fn command(&mut self, command: &Command) {
        if !self.answered.insert(command.cid.clone()) {
            return;
        }
        let answer = match (&command.op, &command.alarm) {
            (Op::SignOn, _) => self.sign_on(&command.officer),
            (Op::SignOff, _) => self.sign_off(&command.officer),
            (Op::Handover { to }, _) => self.handover(&command.officer, to),
            (op, Some(id)) => match self.names.get(id).copied() {
                Some(n) => self.act(n, &command.officer, op),
                None => "gone",
            },
            (_, None) => "invalid",
        };
        self.answers.push(answer.to_owned());
    }

    fn act(&mut self, n: usize, by: &OfficerId, op: &Op) -> &'static str {
        // Memory lets go of an alarm a day after its end.
        let forgotten = self.alarms[n].closed_at.is_some_and(|ended| self.now - ended >= Span::hours(24));
        if forgotten {
            return "gone";
        }
        if !self.sees(n, by) {
            return "forbidden";
        }
        if !self.alarms[n].is_open() {
            return "gone";
        }
        let others = self.alarms[n].holder().is_some_and(|holder| holder != by);
        match op {
            Op::Accept { .. } | Op::Undo | Op::Decline { .. } | Op::EnRoute | Op::Arrive if others => "taken",
            Op::Resolve { .. } | Op::FalseAlarm { .. } if others => "taken",
            Op::Accept { .. } => {
                if self.alarms[n].taken.is_none() {
                    self.take_fire(n, by);
                }
                "ok"
            }
            Op::Undo => self.undo(n, by),
            Op::Decline { .. } => {
                self.decline(n, by);
                "ok"
            }
            Op::EnRoute => {
                self.take_fire(n, by);
                self.alarms[n].response = Response::EnRoute;
                "ok"
            }
            Op::Arrive => {
                self.take_fire(n, by);
                self.arrive(n, by);
                for other in self.same_fire(n) {
                    let theirs = &self.alarms[other];
                    let on_the_way = matches!(theirs.response, Response::Accepted | Response::EnRoute);
                    if on_the_way && theirs.holder() == Some(by) {
                        self.arrive(other, by);
                    }
                }
                "ok"
            }
            Op::Note { .. } => "ok",
            Op::Guard { .. } => self.guard(n, by),
            Op::Confirm if !self.alarms[n].is_fire() => "invalid",
            Op::Confirm => {
                if !self.alarms[n].confirmed {
                    self.confirm(n);
                }
                "ok"
            }
            Op::Resolve { outcome, .. } => self.resolve(n, by, *outcome),
            Op::FalseAlarm { .. } => self.resolve(n, by, Outcome::FalseAlarm),
            Op::Transfer { to, .. } => self.transfer(n, by, to),
            Op::Shelve { until, reason } => self.shelve(n, by, *until, reason),
            _ => "invalid",
        }
    }

    /// There are no stages to come that nobody's acceptance stops.
    fn acceptance_stops(&self, n: usize) -> bool {
        let alarm = &self.alarms[n];
        !alarm.ladder.staged || alarm.rung == Some(alarm.ladder.rungs.len().saturating_sub(1))
    }

    /// Whoever acts on an alarm that nobody has, has it.
    fn take_it(&mut self, n: usize, by: &OfficerId) {
        if self.alarms[n].taken.is_some() {
            return;
        }
        let (now, stops) = (self.now, self.acceptance_stops(n));
        let alarm = &mut self.alarms[n];
        alarm.response = Response::Accepted;
        (alarm.aside, alarm.was_taken) = (None, true);
        alarm.taken = Some((by.clone(), alarm.next));
        if stops {
            alarm.next = None;
        }
        alarm.overdue_at = Some(now + alarm.ladder.on_scene);
    }

    /// Whoever takes one alarm of a fire takes those of the others that nobody has.
    fn take_fire(&mut self, n: usize, by: &OfficerId) {
        self.take_it(n, by);
        for other in self.same_fire(n) {
            if self.alarms[other].response == Response::Unaccepted && self.sees(other, by) {
                self.take_it(other, by);
            }
        }
    }

    /// The other open alarms that the same fire has set off.
    fn same_fire(&self, n: usize) -> Vec<usize> {
        let fire = self.alarms[n].fire;
        let of_it =
            |other: &usize| *other != n && self.alarms[*other].is_open() && self.alarms[*other].fire == fire;
        (0..self.alarms.len()).filter(|_| fire.is_some()).filter(of_it).collect()
    }

    /// The next rung of an alarm is due, and somebody has the fire that set it off: it is theirs, in place of the rung.
    /// Returns whether.
    pub(crate) fn goes_with_fire(&mut self, n: usize) -> bool {
        let alarm = &self.alarms[n];
        let rang_once = alarm.rung == Some(0) && alarm.aside.is_none() && !alarm.was_taken;
        if alarm.response != Response::Unaccepted || !rang_once || alarm.ladder.staged {
            return false;
        }
        // Who has the first of those that are open has the fire.
        let confirmed = self.same_fire(n).into_iter().filter(|other| self.alarms[*other].confirmed);
        let id_of = |n: usize| self.names.iter().find(|(_, number)| **number == n).map(|(id, _)| id.clone());
        let whose = |other: &usize| (self.alarms[*other].raised_at, id_of(*other));
        let Some(first) = confirmed.min_by_key(whose) else { return false };
        let Some(by) = self.alarms[first].holder().cloned() else { return false };
        let declined = self.alarms[n].followers.get(&by).is_some_and(|follower| follower.declined);
        if declined || !self.sees(n, &by) {
            return false;
        }
        let there = self.same_fire(n).into_iter().any(|other| {
            let other = &self.alarms[other];
            other.response == Response::Arrived && other.seen_to_by.as_ref() == Some(&by)
        });
        self.take_it(n, &by);
        if there {
            self.arrive(n, &by);
        }
        true
    }

    /// All of the fire that somebody has and has not reached; without this one.
    fn held_with(&self, n: usize, by: &OfficerId) -> Vec<usize> {
        let mut held = self.same_fire(n);
        held.retain(|other| {
            let theirs = &self.alarms[*other];
            theirs.holder() == Some(by) && matches!(theirs.response, Response::Accepted | Response::EnRoute)
        });
        held
    }

    fn give_back(&mut self, n: usize) {
        let now = self.now;
        let alarm = &mut self.alarms[n];
        let stood = alarm.taken.take().and_then(|(_, stood)| stood);
        (alarm.seen_to_by, alarm.outcome, alarm.overdue_at) = (None, None, None);
        alarm.next = alarm.next.or(stood).or(Some((alarm.rung.unwrap_or(0), now)));
        alarm.response = Response::Unaccepted;
    }

    fn undo(&mut self, n: usize, by: &OfficerId) -> &'static str {
        let mine = self.alarms[n].holder() == Some(by);
        if !mine || !matches!(self.alarms[n].response, Response::Accepted | Response::EnRoute) {
            return "invalid";
        }
        for held in self.held_with(n, by) {
            self.give_back(held);
        }
        self.give_back(n);
        "ok"
    }

    /// "Declined: next rung at once"; not to whoever has just declined.
    fn decline(&mut self, n: usize, by: &OfficerId) {
        let mine = self.alarms[n].holder() == Some(by);
        let with = if mine { self.held_with(n, by) } else { Vec::new() };
        self.decline_one(n, by);
        for held in with {
            self.decline_one(held, by);
        }
    }

    fn decline_one(&mut self, n: usize, by: &OfficerId) {
        if self.alarms[n].holder() == Some(by) {
            self.give_back(n);
        }
        if let Some(follower) = self.alarms[n].followers.get_mut(by) {
            (follower.declined, follower.rings) = (true, false);
        }
        if !self.alarms[n].ladder.staged
            && let Some((rung, _)) = self.alarms[n].next
        {
            self.climb(n, rung, Some(by));
        }
    }

    fn arrive(&mut self, n: usize, by: &OfficerId) {
        let now = self.now;
        let alarm = &mut self.alarms[n];
        alarm.response = Response::Arrived;
        alarm.seen_to_by = Some(by.clone());
        alarm.overdue_at = Some(now + Span::hours(2));
    }

    fn guard(&mut self, n: usize, by: &OfficerId) -> &'static str {
        if self.alarms[n].what != ("manhole", "open") {
            return "invalid";
        }
        self.take_it(n, by);
        if self.alarms[n].response != Response::Arrived {
            self.arrive(n, by);
        }
        self.alarms[n].stage = Some("guarded");
        let due = self.now + Span::hours(2);
        self.alarms[n].own.insert(Own::First, due);
        "ok"
    }

    fn resolve(&mut self, n: usize, by: &OfficerId, outcome: Outcome) -> &'static str {
        let enough = match self.alarms[n].what.0 {
            "manhole" => self.word_ends_cover(n, outcome),
            "smoke" => self.word_ends_fire(n, outcome),
            "gas" => {
                let alarm = &self.alarms[n];
                !alarm.active || alarm.seen_to_by.is_some() || outcome == Outcome::Test
            }
            "living_alone" => {
                matches!(outcome, Outcome::Ok | Outcome::Real | Outcome::FalseAlarm | Outcome::Unfounded)
            }
            _ => true,
        };
        self.take_it(n, by);
        let (now, stops) = (self.now, self.acceptance_stops(n));
        let alarm = &mut self.alarms[n];
        alarm.response = Response::Resolved;
        alarm.outcome = Some(outcome);
        if stops {
            alarm.next = None;
        }
        alarm.overdue_at = Some(now + Span::hours(2));
        if enough {
            self.stand_down(n, Some(by));
            self.close(n, outcome, true);
        } else if self.alarms[n].is_fire() {
            self.fire_waits(n, outcome);
        }
        "ok"
    }

    /// Those whom stages called are told that it is over.
    pub(crate) fn stand_down(&mut self, n: usize, by: Option<&OfficerId>) {
        if !self.alarms[n].ladder.staged {
            return;
        }
        // Of what is not urgent those called together with whoever has it saw who goes.
        let alarm = &self.alarms[n];
        let holder = alarm.holder().and_then(|holder| alarm.followers.get(holder));
        let together = holder.and_then(|held| held.rung).filter(|_| alarm.priority >= Priority::P3);
        let called = |(who, follower): &(&OfficerId, &super::alarm::Follower)| {
            let knows = together.is_some() && follower.rung == together;
            follower.rung.is_some() && follower.rings && !follower.declined && Some(*who) != by && !knows
        };
        let told: Vec<_> = self.alarms[n]
            .followers
            .iter()
            .filter(called)
            .map(|(who, _)| (who.clone(), true, true))
            .collect();
        if !told.is_empty() {
            self.notice(n, None, told);
        }
    }

    fn oversees(&self, by: &OfficerId) -> bool {
        let roles = [Role::ControlRoom, Role::Manager, Role::Officer, Role::Station, Role::Leader];
        let known = self.site.officers.get(by);
        known.is_some_and(|known| known.admin || roles.iter().any(|role| known.roles.contains(role)))
    }

    fn transfer(&mut self, n: usize, by: &OfficerId, to: &OfficerId) -> &'static str {
        let holder = self.alarms[n].holder().cloned();
        if holder.as_ref() != Some(by) && !self.oversees(by) {
            return if holder.is_some() { "taken" } else { "forbidden" };
        }
        if !self.is_on_duty(to) || !self.reaches(to) {
            return "invalid";
        }
        if holder.as_ref() == Some(to) {
            return "ok";
        }
        let at_latest = self.now + accept_time(self.alarms[n].priority);
        let alarm = &mut self.alarms[n];
        let last = alarm.ladder.rungs.len().saturating_sub(1);
        let following = alarm.rung.map_or(0, |rung| (rung + 1).min(last));
        alarm.next = match alarm.next {
            Some(next) if alarm.ladder.staged => Some(next),
            Some((rung, at)) => Some((rung, at.min(at_latest))),
            None => Some((following, at_latest)),
        };
        (alarm.taken, alarm.seen_to_by, alarm.aside, alarm.overdue_at) = (None, None, None, None);
        alarm.response = Response::Unaccepted;
        if let Some(theirs) = alarm.followers.get_mut(by) {
            theirs.rings = false;
        }
        let rung = Some(alarm.rung.unwrap_or(0));
        alarm
            .followers
            .insert(to.clone(), super::alarm::Follower { rung, rings: true, ..Default::default() });
        "ok"
    }

    fn shelve(&mut self, n: usize, by: &OfficerId, until: Timestamp, reason: &str) -> &'static str {
        if self.alarms[n].holder() != Some(by) && !self.oversees(by) {
            return "forbidden";
        }
        let until = until - self.wall_minus_at;
        let too_long = until <= self.now || until - self.now > Span::hours(8);
        if self.alarms[n].is_grave() || reason.is_empty() || too_long {
            return "invalid";
        }
        self.put_aside(n, Aside::ByPerson, until);
        "ok"
    }

    pub(crate) fn receipt(&mut self, receipt: &Receipt) {
        self.phone_heard(&receipt.officer, &receipt.phone);
        let Some(n) = self.names.get(&receipt.alarm).copied() else { return };
        if let Some(follower) = self.alarms[n].followers.get_mut(&receipt.officer)
            && receipt.delivered == Delivered::Stored
        {
            follower.stored.insert(receipt.phone.clone());
        }
    }

    /// What the resident said at the telephone.
    pub(crate) fn answer(&mut self, home: &PlaceId, answer: CallAnswer) {
        self.home_answered(home, answer);
        self.fire_answered(home, answer);
    }

    fn sign_on(&mut self, by: &OfficerId) -> &'static str {
        let Some(known) = self.site.officers.get(by) else { return "forbidden" };
        if known.roles.iter().all(|role| matches!(role, Role::Maintainer | Role::Family)) {
            return "forbidden";
        }
        self.signed.insert(by.clone(), (true, self.now + Span::hours(16)));
        "done"
    }

    /// "Whoever has alarms in hand cannot sign off."
    fn sign_off(&mut self, by: &OfficerId) -> &'static str {
        let holds = self.alarms.iter().any(|alarm| alarm.is_open() && alarm.holder() == Some(by));
        if !self.is_on_duty(by) || holds {
            return "invalid";
        }
        // Until the next shift: minute by minute, from the first in which the rota does not say so.
        let wall = self.wall(self.now);
        let until = (0..=24 * 60).map(|n| if n == 0 { wall } else { full_minute(wall) + Span::mins(n) });
        let free = until.into_iter().find(|at| !self.works(by, *at)).unwrap_or(wall + Span::hours(24));
        let free = free.min(wall + Span::hours(24));
        self.signed.insert(by.clone(), (false, free - self.wall_minus_at));
        self.move_on_without(by);
        "done"
    }

    /// "Both sign the open list, unaccepted alarms move, timers continue, nothing closes."
    fn handover(&mut self, by: &OfficerId, to: &OfficerId) -> &'static str {
        if by == to {
            return "invalid";
        }
        let now = self.now;
        let offered = self.offers.iter().any(|(from, whom, until)| from == to && whom == by && now < *until);
        if !offered {
            self.offers.retain(|(from, _, until)| from != by && *until > now);
            self.offers.push((by.clone(), to.clone(), now + Span::mins(30)));
            return "done";
        }
        if !self.is_on_duty(by) || !self.reaches(by) {
            return "invalid";
        }
        self.offers.retain(|(from, _, _)| from != to);
        for alarm in self.alarms.iter_mut().filter(|alarm| alarm.is_open()) {
            let called = alarm.response == Response::Unaccepted;
            let theirs = alarm.followers.get(to).is_some_and(|follower| follower.rung.is_some());
            let held = alarm.holder() == Some(to);
            if !(held || (called && theirs)) {
                continue;
            }
            if let Some((holder, _)) = alarm.taken.as_mut().filter(|_| held) {
                *holder = by.clone();
            }
            if let Some(follower) = alarm.followers.get_mut(to) {
                follower.rings = false;
            }
            let rung = Some(alarm.rung.unwrap_or(0));
            let new = alarm.followers.entry(by.clone()).or_default();
            if new.rung.is_none() {
                *new = super::alarm::Follower { rung, rings: called, ..Default::default() };
            }
        }
        "done"
    }
}

fn full_minute(at: Timestamp) -> Timestamp {
    Timestamp(at.0.div_euclid(60_000_000) * 60_000_000)
}

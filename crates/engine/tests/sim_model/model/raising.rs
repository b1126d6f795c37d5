//! New alarms, repeats, acceptance that is cleared, and the end.

use super::alarm::{Alarm, Aside, Own, Raise};
use super::{Model, by_chatter};
use wanglou_model::*;

impl Model {
    /// The latest alarm of this kind and key, if it is open, or so lately closed that a repeat belongs to it.
    pub(crate) fn current(&self, what: (&str, &str), key: &str) -> Option<usize> {
        let latest = (0..self.alarms.len())
            .rev()
            .find(|n| self.alarms[*n].what == what && self.alarms[*n].key == key)?;
        let ended = self.alarms[latest].closed_at;
        ended.is_none_or(|ended| self.now - ended <= self.alarms[latest].merge).then_some(latest)
    }

    pub(crate) fn open_one(&self, what: (&str, &str), key: &str) -> Option<usize> {
        self.current(what, key).filter(|n| self.alarms[*n].is_open())
    }

    pub(crate) fn active_one(&self, what: (&str, &str), key: &str) -> Option<usize> {
        self.open_one(what, key).filter(|n| self.alarms[*n].active)
    }

    /// Something is the matter.
    pub(crate) fn raise(&mut self, raise: Raise) {
        let Some(n) = self.current(raise.what, &raise.key) else {
            let known = |alarm: &&Alarm| {
                (alarm.what, &alarm.key, &alarm.event) == (raise.what, &raise.key, &raise.event)
            };
            let remembered =
                |alarm: &Alarm| alarm.closed_at.is_some_and(|ended| self.now - ended < Span::hours(24));
            if raise.kept && self.alarms.iter().filter(known).any(remembered) {
                return;
            }
            let n = self.alarms.len();
            let fire = (raise.what.0 == "smoke").then(|| self.fire_here(&raise.place).unwrap_or(n));
            self.alarms.push(Alarm { fire, ..Alarm::begin(raise, self.now) });
            self.climb(n, 0, None);
            self.after_raise(n);
            return;
        };
        let now = self.now;
        let alarm = &mut self.alarms[n];
        alarm.count += 1;
        let rose = raise.priority < alarm.priority;
        let again = !alarm.active || !alarm.is_open();
        let downgrade = raise.priority > alarm.priority;
        if rose {
            (alarm.priority, alarm.ladder) = (raise.priority, raise.ladder);
        }
        if again && raise.stage.is_some() {
            alarm.stage = raise.stage;
        }
        if !rose && !again {
            return;
        }
        let calms = again && (!rose || downgrade);
        if !alarm.is_grave() {
            // A sensor that chatters: shelved by itself, and it stays so; whoever has it is left alone.
            if by_chatter(alarm) && calms {
                alarm.active = true;
                return;
            }
            let lately = alarm.again_at.iter().filter(|at| **at + Span::mins(10) > now).count();
            if alarm.aside.is_none() && calms && lately >= 3 {
                if alarm.taken.is_some() {
                    alarm.active = true;
                    return;
                }
                if !alarm.is_open() {
                    self.reopened(n, "active again", 0);
                }
                self.alarms[n].active = true;
                self.put_aside(n, Aside::Chatter, now + Span::mins(30));
                self.after_raise_if_reopened(n);
                return;
            }
        }
        self.reopen(n, if again { "active again" } else { "priority rose" }, 0);
        self.after_raise(n);
    }

    fn after_raise_if_reopened(&mut self, n: usize) {
        if self.alarms[n].again_at.last() == Some(&self.now) {
            self.after_raise(n);
        }
    }

    /// What a rule arms on an alarm that begins, or begins again.
    fn after_raise(&mut self, n: usize) {
        let alarm = &self.alarms[n];
        let wait = match alarm.what {
            ("manhole", "open") if alarm.stage == Some("guarded") => Span::hours(2),
            ("manhole", "open") => Span::mins(10),
            ("smoke", _) => self.fire_times().1,
            ("living_alone", "inactive") => Span::mins(50),
            _ => return,
        };
        let due = self.now + wait;
        self.alarms[n].own.insert(Own::First, due);
    }

    pub(crate) fn put_aside(&mut self, n: usize, why: Aside, until: Timestamp) {
        let alarm = &mut self.alarms[n];
        alarm.response = Response::Unaccepted;
        (alarm.taken, alarm.next, alarm.overdue_at) = (None, None, None);
        alarm.followers.values_mut().for_each(|follower| follower.rings = false);
        alarm.aside = Some((why, until));
    }

    /// "Acceptance is cleared": the ladder starts again from that rung.
    pub(crate) fn reopen(&mut self, n: usize, why: &str, rung: usize) {
        self.reopened(n, why, rung);
        self.climb(n, rung, None);
    }

    pub(crate) fn reopened(&mut self, n: usize, why: &str, rung: usize) {
        let now = self.now;
        let alarm = &mut self.alarms[n];
        if why == "active again" {
            alarm.active = true;
            alarm.again_at.push(now);
        }
        if !alarm.ladder.staged || why == "active again" {
            let reached = alarm.ladder.rungs.get(rung).map_or(Span::ZERO, |step| step.after);
            alarm.from = now - reached;
        }
        alarm.response = Response::Unaccepted;
        (alarm.taken, alarm.seen_to_by, alarm.outcome, alarm.closed_at) = (None, None, None, None);
        (alarm.aside, alarm.overdue_at) = (None, None);
        alarm.rung = rung.checked_sub(1);
        alarm.next = Some((rung, now));
        alarm.followers.values_mut().for_each(|follower| follower.declined = false);
    }

    /// The sensor no longer says so. What a person has ended, ends.
    pub(crate) fn clear(&mut self, what: (&str, &str), key: &str) {
        let Some(n) = self.active_one(what, key) else { return };
        self.alarms[n].active = false;
        if self.alarms[n].response == Response::Resolved {
            let outcome = self.alarms[n].outcome.unwrap_or(Outcome::Real);
            self.close(n, outcome, true);
        }
    }

    /// The end. `seen`: a person, or the resident, brought it about.
    pub(crate) fn close(&mut self, n: usize, outcome: Outcome, seen: bool) {
        let now = self.now;
        let alarm = &mut self.alarms[n];
        alarm.response = Response::Closed;
        (alarm.outcome, alarm.closed_at) = (Some(outcome), Some(now));
        (alarm.next, alarm.overdue_at, alarm.aside) = (None, None, None);
        alarm.own.clear();
        let (what, place) = (alarm.what, alarm.place.clone());
        match what.0 {
            "smoke" => self.dismiss_fire(&place),
            "gas" => self.dismiss_gas(&place),
            "leak" => self.dismiss_leak(&place),
            "living_alone" | "door_open" if seen => self.was_visited(&place),
            _ => {}
        }
    }
}

//! Who is on duty beside what the rota says: signing on and off, and handing the open list over, signed by both.
//! Nothing closes by it, and no timer begins anew.

use crate::Engine;
use crate::alarm::Alarm;
use crate::command::{Outcomes, invalid};
use crate::register::done;
use crate::windows::entered;
use crate::world::World;
use wanglou_model::{AlarmId, Answer, Entered, Fact, OfficerId, Role, Span, StopsAt, Timestamp};

/// Whoever signed on is on duty for so long, unless they sign off.
const SIGNED_ON: Span = Span::hours(16);
/// Whoever signed off is off duty for so long at most; earlier, their next shift begins.
const SIGNED_OFF_MAX: Span = Span::hours(24);
/// So long an offer to hand over waits for the other signature.
const OFFER: Span = Span::mins(30);

/// Decides on signing on.
pub(crate) fn sign_on(world: &World, by: &OfficerId) -> Outcomes {
    let Some(known) = world.setup.site.officers.get(by) else { return Outcomes::refused(Answer::Forbidden) };
    if known.roles.iter().all(|role| matches!(role, Role::Maintainer | Role::Family)) {
        return Outcomes::refused(Answer::Forbidden);
    }
    done(vec![duty(by, true, world.at + SIGNED_ON)])
}

/// Decides on signing off: not with alarms in hand.
pub(crate) fn sign_off(world: &World, by: &OfficerId) -> Outcomes {
    let Some(known) = world.setup.site.officers.get(by) else { return Outcomes::refused(Answer::Forbidden) };
    if !world.is_on_duty(by, known) {
        return invalid("not_on_duty", "当前不在岗", "you are not on duty");
    }
    let held = world.book.open_alarms().filter(|alarm| is_held_by(alarm, by)).count();
    if held > 0 {
        let zh = format!("你手上还有 {held} 条告警，请先交接");
        return invalid("hand_over_first", &zh, &format!("you have {held} alarms: hand them over first"));
    }
    done(vec![duty(by, false, world.shift_ends(by))])
}

fn duty(officer: &OfficerId, on: bool, until: Timestamp) -> Fact {
    entered(Entered::Duty { officer: officer.clone(), on, until })
}

/// Decides on a signature under the open list.
pub(crate) fn handover(world: &World, by: &OfficerId, to: &OfficerId) -> Outcomes {
    let officers = &world.setup.site.officers;
    let (Some(known), Some(_)) = (officers.get(by), officers.get(to)) else {
        return invalid("unknown_officer", "没有这位人员", "there is no such officer");
    };
    if by == to {
        return invalid("to_yourself", "不能交接给自己", "somebody else has to take over");
    }
    let offered = world
        .senses
        .register
        .offers
        .iter()
        .find(|offer| offer.from == *to && offer.to == *by && world.at < offer.until);
    let Some(offer) = offered else {
        let (from, to, alarms) = (by.clone(), to.clone(), open_list(world, by));
        return done(vec![entered(Entered::HandoverOffered { from, to, alarms, until: world.at + OFFER })]);
    };
    if !world.is_on_duty(by, known) || !world.is_reachable(by, known) {
        return invalid(
            "sign_on_first",
            "请先签到上岗并保持手机在线，再签收",
            "sign on, with your phone online, before you take over",
        );
    }
    // What came since the first signature moves too: nothing is left with somebody who goes home.
    let (from, to, alarms) = (offer.from.clone(), offer.to.clone(), open_list(world, &offer.from));
    done(vec![entered(Entered::HandedOver { from, to, alarms })])
}

fn is_held_by(alarm: &Alarm, officer: &OfficerId) -> bool {
    alarm.accepted.as_ref().is_some_and(|acceptance| acceptance.by == *officer)
}

/// What somebody has, and what calls them.
fn open_list(world: &World, officer: &OfficerId) -> Vec<AlarmId> {
    let theirs = |alarm: &&Alarm| {
        let called = alarm.followers.get(officer).is_some_and(|follower| follower.rung.is_some());
        is_held_by(alarm, officer) || (called && alarm.is_unaccepted())
    };
    world.book.open_alarms().filter(theirs).map(|alarm| alarm.id.clone()).collect()
}

impl World<'_> {
    /// When the shift that somebody works now ends.
    fn shift_ends(&self, officer: &OfficerId) -> Timestamp {
        let rota = &self.setup.site.rota;
        let (changes, mut wall) = (rota.changes(), self.senses.wall(self.at));
        let limit = wall + SIGNED_OFF_MAX;
        while wall < limit {
            let local = self.setup.calendar.local(wall);
            if !rota.is_on_duty_at(officer, local.day, local.minute.0) {
                return self.senses.from_wall(wall);
            }
            let next = changes.iter().map(|minute| self.setup.calendar.next(wall + Span(1), *minute)).min();
            wall = next.unwrap_or(limit).max(wall + Span(1));
        }
        self.senses.from_wall(limit)
    }
}

impl Engine {
    /// Somebody went off duty: what calls them and nobody else who is there moves on.
    pub(crate) fn move_on_without(&mut self, at: Timestamp, officer: &OfficerId, facts: &mut Vec<Fact>) {
        let world = self.world();
        let others = |alarm: &Alarm| {
            let mut called =
                alarm.followers.iter().filter(|(_, follower)| follower.ring && !follower.declined);
            called.any(|(id, _)| {
                let known = world.setup.site.officers.get(id);
                id != officer
                    && known.is_some_and(|known| world.is_on_duty(id, known) && world.is_reachable(id, known))
            })
        };
        let alone = |alarm: &&Alarm| {
            let called = alarm.followers.get(officer).is_some_and(|follower| follower.ring);
            let waits = alarm.phase() == crate::lifecycle::Phase::Called;
            called && waits && alarm.ladder.stops_at == StopsAt::Acceptance && !others(alarm)
        };
        let due = next_rungs(self.book().open_alarms().filter(alone));
        for (id, rung) in due {
            self.climb(at, &id, rung, facts);
        }
    }

    /// Somebody's phones have been gone for a minute: what called them, and is on none of their phones, calls the next.
    pub(crate) fn call_backup_of(&mut self, at: Timestamp, officer: &OfficerId, facts: &mut Vec<Fact>) {
        if self.senses().sockets(officer) > 0 {
            return;
        }
        let missed = |alarm: &&Alarm| {
            let follower = alarm.followers.get(officer);
            let missed = follower.is_some_and(|follower| {
                follower.ring
                    && follower.rung == alarm.rung
                    && follower.stored.is_empty()
                    && !follower.declined
            });
            let waits = alarm.phase() == crate::lifecycle::Phase::Called;
            missed && waits && alarm.ladder.stops_at == StopsAt::Acceptance
        };
        let due = next_rungs(self.book().open_alarms().filter(missed));
        for (id, rung) in due {
            self.climb(at, &id, rung, facts);
        }
    }
}

/// Those whose ladder has another rung to come, with that rung.
fn next_rungs<'a>(alarms: impl Iterator<Item = &'a Alarm>) -> Vec<(AlarmId, usize)> {
    let next = |alarm: &Alarm| {
        let next = alarm.next_rung.filter(|next| Some(next.rung) != alarm.rung)?;
        Some((alarm.id.clone(), next.rung))
    };
    alarms.filter_map(next).collect()
}

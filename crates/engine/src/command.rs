//! What people may do about an alarm, and what comes of it. Every command is answered, and answered the same
//! however often it arrives.

use crate::alarm::{Alarm, Condition, Follower};
use crate::custody;
use crate::fire;
use crate::ladder;
use crate::rules::{Rule, knows};
use crate::windows::{SHELF_MAX, never_aside};
use crate::world::World;
use wanglou_model::{
    Answer, Aside, Command, Fact, NextRung, OfficerId, Op, Outcome, Owner, Priority, Reason, Reopening,
    Response, Role, StopsAt, Timestamp,
};

/// What comes of a command.
pub(crate) struct Outcomes {
    pub(crate) facts: Vec<Fact>,
    pub(crate) answer: Answer,
}

impl Outcomes {
    pub(crate) fn refused(answer: Answer) -> Self {
        Self { facts: Vec::new(), answer }
    }

    pub(crate) fn done(alarm: &Alarm, facts: Vec<Fact>) -> Self {
        Self { facts, answer: Answer::Ok { alarm: alarm.id.clone() } }
    }
}

pub(crate) fn invalid(code: &str, zh: &str, en: &str) -> Outcomes {
    Outcomes::refused(Answer::Invalid { reason: Reason::new(code, zh, en) })
}

/// Decides on a command about an alarm that exists. Making an alarm is decided elsewhere.
pub(crate) fn decide(world: &World, rules: &[Box<dyn Rule>], command: &Command) -> Outcomes {
    let Some(alarm) = command.alarm.as_ref().and_then(|id| world.book.alarms.get(id)) else {
        return Outcomes::refused(Answer::Gone);
    };
    let by = &command.officer;
    if !may_see(world, alarm, by) {
        return Outcomes::refused(Answer::Forbidden);
    }
    if let Op::Export { number, sha256 } = &command.op {
        return custody::export(world, alarm, by, *number, sha256.as_ref());
    }
    if !alarm.is_open() {
        return Outcomes::refused(Answer::Gone);
    }
    match &command.op {
        Op::Accept { eta_s } => accept(world, alarm, by, command.rev, *eta_s),
        Op::Undo => undo(world, alarm, by),
        Op::Decline { reason } => decline(world, alarm, by, reason),
        Op::EnRoute => on_the_way(world, alarm, by),
        Op::Arrive => arrive(world, rules, alarm, by),
        Op::Note { text } => note(alarm, by, text),
        Op::Guard { .. } | Op::Confirm | Op::Investigate | Op::Release { .. } => {
            by_rule(world, rules, alarm, command)
        }
        Op::Review { outcome, note } => review(world, rules, alarm, command, *outcome, note),
        Op::Transfer { to, reason } => transfer(world, alarm, by, to, reason),
        Op::Bulletin { name } => crate::bulletin::decide(world, alarm, by, name),
        Op::Shelve { until, reason } => shelve(world, alarm, by, *until, reason),
        Op::Resolve { outcome, note, photos } => resolve(world, rules, alarm, by, *outcome, note, photos),
        Op::FalseAlarm { note } => resolve(world, rules, alarm, by, Outcome::FalseAlarm, note, &[]),
        Op::TestAlarm { .. }
        | Op::Away { .. }
        | Op::Consent { .. }
        | Op::Permit { .. }
        | Op::Report(_)
        | Op::Create { .. }
        | Op::Export { .. }
        | Op::Maintain { .. }
        | Op::EndMaintenance { .. }
        | Op::SignOn
        | Op::SignOff
        | Op::Handover { .. }
        | Op::Position { .. } => {
            invalid("not_about_an_alarm", "此命令不针对已有告警", "this command is not about an alarm")
        }
    }
}

/// May this officer see, and so act on, this alarm?
pub fn may_see(world: &World, alarm: &Alarm, officer: &OfficerId) -> bool {
    let follows =
        alarm.followers.contains_key(officer) || world.book.told_of_whole(alarm).any(|told| told == officer);
    let oversees = |known: &wanglou_model::Officer| known.admin || known.roles.contains(&Role::ControlRoom);
    let open = |known| oversees(known) && !alarm.is_confidential();
    world.setup.site.officers.get(officer).is_some_and(|known| follows || open(known))
}

/// What this officer may do about this alarm now, as the screens offer it.
pub(crate) fn actions(
    world: &World,
    rules: &[Box<dyn Rule>],
    alarm: &Alarm,
    officer: &OfficerId,
) -> Vec<&'static str> {
    if !alarm.is_open() {
        return Vec::new();
    }
    let mine = alarm.accepted.as_ref().is_some_and(|acceptance| acceptance.by == *officer);
    let mut actions = match alarm.response {
        Response::Unaccepted => vec!["accept", "decline"],
        Response::Accepted if mine => vec!["undo", "arrive", "resolve", "false_alarm"],
        Response::EnRoute if mine => vec!["arrive", "resolve", "false_alarm"],
        Response::Arrived | Response::Resolved if mine => vec!["resolve", "false_alarm"],
        Response::Accepted
        | Response::EnRoute
        | Response::Arrived
        | Response::Resolved
        | Response::Closed => vec![],
    };
    if let Some(rule) = knows(rules, alarm.kind.as_str()) {
        actions.extend(rule.actions(world, alarm));
    }
    actions.push("note");
    actions
}

fn holder(alarm: &Alarm) -> Option<&OfficerId> {
    alarm.accepted.as_ref().map(|acceptance| &acceptance.by)
}

fn held_by_another(alarm: &Alarm, by: &OfficerId) -> Option<Outcomes> {
    let other = holder(alarm).filter(|holder| *holder != by)?;
    Some(Outcomes::refused(Answer::Taken { by: other.clone() }))
}

fn accept(world: &World, alarm: &Alarm, by: &OfficerId, seen: Option<u64>, eta_s: Option<u32>) -> Outcomes {
    if let Some(taken) = held_by_another(alarm, by) {
        return taken;
    }
    if holder(alarm) == Some(by) {
        return Outcomes::done(alarm, Vec::new());
    }
    if seen.is_some_and(|seen| seen < alarm.upgraded_rev) {
        return Outcomes::refused(Answer::Changed);
    }
    let first = Fact::Accepted { alarm: alarm.id.clone(), by: by.clone(), eta_s };
    let others = fire::accepted_with(world, alarm, by, eta_s);
    Outcomes::done(alarm, std::iter::once(first).chain(others).collect())
}

fn undo(world: &World, alarm: &Alarm, by: &OfficerId) -> Outcomes {
    if let Some(taken) = held_by_another(alarm, by) {
        return taken;
    }
    match alarm.response {
        Response::Accepted | Response::EnRoute if holder(alarm) == Some(by) => {
            let undone = |alarm: &Alarm| Fact::Undone { alarm: alarm.id.clone(), by: by.clone() };
            let all = std::iter::once(alarm).chain(fire::left_with(world.book, alarm));
            Outcomes::done(alarm, all.map(undone).collect())
        }
        Response::Accepted
        | Response::EnRoute
        | Response::Unaccepted
        | Response::Arrived
        | Response::Resolved
        | Response::Closed => {
            invalid("nothing_to_undo", "没有可撤销的接警", "there is no acceptance to undo")
        }
    }
}

fn decline(world: &World, alarm: &Alarm, by: &OfficerId, reason: &str) -> Outcomes {
    if let Some(taken) = held_by_another(alarm, by) {
        return taken;
    }
    let all = std::iter::once(alarm).chain(fire::left_with(world.book, alarm));
    Outcomes::done(alarm, all.flat_map(|alarm| declined(world, alarm, by, reason)).collect())
}

/// The next rung at once, without whoever declines.
fn declined(world: &World, alarm: &Alarm, by: &OfficerId, reason: &str) -> Vec<Fact> {
    let mut facts = Vec::new();
    if holder(alarm) == Some(by) {
        facts.push(Fact::Undone { alarm: alarm.id.clone(), by: by.clone() });
    }
    facts.push(Fact::Declined { alarm: alarm.id.clone(), by: by.clone(), reason: reason.to_owned() });
    if alarm.ladder.stops_at == wanglou_model::StopsAt::Acceptance {
        let left = alarm.after(world.at, &facts);
        let climb = |next: NextRung| ladder::climb_without(world, &left, next.rung, Some(by));
        facts.extend(left.next_rung.map(climb).unwrap_or_default());
    }
    facts
}

pub(crate) fn oversees(world: &World, by: &OfficerId) -> bool {
    let roles = [Role::ControlRoom, Role::Manager, Role::Officer, Role::Station, Role::Leader];
    let known = world.setup.site.officers.get(by);
    known.is_some_and(|officer| officer.admin || roles.iter().any(|role| officer.roles.contains(role)))
}

/// Hands it to somebody who can be reached. They have to take it: until then the ladder runs on.
fn transfer(world: &World, alarm: &Alarm, by: &OfficerId, to: &OfficerId, reason: &str) -> Outcomes {
    if holder(alarm) != Some(by) && !oversees(world, by) {
        return match holder(alarm) {
            Some(other) => Outcomes::refused(Answer::Taken { by: other.clone() }),
            None => Outcomes::refused(Answer::Forbidden),
        };
    }
    let Some(known) = world.setup.site.officers.get(to) else {
        return invalid("unknown_officer", &format!("没有人员 {to}"), &format!("there is no officer {to}"));
    };
    if !world.is_on_duty(to, known) || !world.is_reachable(to, known) {
        let (zh, en) =
            ("对方不在岗或无法联系，未转交", "they are not on duty or cannot be reached: not handed on");
        return invalid("not_reachable", zh, en);
    }
    if holder(alarm) == Some(to) {
        return Outcomes::done(alarm, Vec::new());
    }
    let last = alarm.ladder.rungs.len().saturating_sub(1);
    let rung = alarm.rung.map_or(0, |rung| (rung + 1).min(last));
    let by_then = world.at + ladder::times(alarm.priority).accept;
    // Stages that acceptance does not stop keep their times.
    let next = alarm.next_rung.unwrap_or(NextRung { rung, at: by_then });
    let next = NextRung { at: next.at.min(by_then), ..next };
    let next = if alarm.ladder.stops_at == StopsAt::Closure { alarm.next_rung.unwrap_or(next) } else { next };
    let (alarm_id, by, to, reason) = (alarm.id.clone(), by.clone(), to.clone(), reason.to_owned());
    Outcomes::done(alarm, vec![Fact::Transferred { alarm: alarm_id, by, to, next, reason }])
}

/// Nobody is called for a while. Never for what threatens a life: that can be ended, not silenced.
fn shelve(world: &World, alarm: &Alarm, by: &OfficerId, until: Timestamp, reason: &str) -> Outcomes {
    if holder(alarm) != Some(by) && !oversees(world, by) {
        return Outcomes::refused(Answer::Forbidden);
    }
    let until = world.senses.from_wall(until);
    let never = never_aside(alarm.priority, &alarm.ladder);
    match () {
        () if never => invalid(
            "cannot_be_shelved",
            "危及生命的告警不能搁置，只能处置",
            "what threatens a life cannot be shelved: see to it, or end it",
        ),
        () if reason.trim().is_empty() => {
            invalid("needs_a_reason", "请写明搁置原因", "say why it is shelved")
        }
        () if until <= world.at || until - world.at > SHELF_MAX => invalid(
            "shelf_time",
            "搁置时间应在八小时以内",
            "\"until\" must be later than now, by 8 hours at most",
        ),
        () => {
            let (id, by, reason) = (alarm.id.clone(), Owner::Officer(by.clone()), reason.to_owned());
            Outcomes::done(alarm, vec![Fact::Shelved { alarm: id, by, until, reason, how: Aside::Shelved }])
        }
    }
}

fn on_the_way(world: &World, alarm: &Alarm, by: &OfficerId) -> Outcomes {
    if let Some(taken) = held_by_another(alarm, by) {
        return taken;
    }
    let mut facts = accepted_first(world, alarm, by);
    facts.push(Fact::EnRoute { alarm: alarm.id.clone(), by: by.clone() });
    Outcomes::done(alarm, facts)
}

fn arrive(world: &World, rules: &[Box<dyn Rule>], alarm: &Alarm, by: &OfficerId) -> Outcomes {
    if let Some(taken) = held_by_another(alarm, by) {
        return taken;
    }
    let mut facts = accepted_first(world, alarm, by);
    for alarm in std::iter::once(alarm).chain(fire::there_with(world, alarm, by)) {
        facts.push(Fact::Arrived { alarm: alarm.id.clone(), by: by.clone() });
        let rule = knows(rules, alarm.kind.as_str());
        facts.extend(rule.map(|rule| rule.arrived(world, alarm)).unwrap_or_default());
    }
    Outcomes::done(alarm, facts)
}

/// Whoever acts on an alarm that nobody has, has it.
fn taken_first(alarm: &Alarm, by: &OfficerId) -> Vec<Fact> {
    match holder(alarm) {
        Some(_) => Vec::new(),
        None => vec![Fact::Accepted { alarm: alarm.id.clone(), by: by.clone(), eta_s: None }],
    }
}

/// Whoever goes there takes the whole fire, if it is one.
fn accepted_first(world: &World, alarm: &Alarm, by: &OfficerId) -> Vec<Fact> {
    let others = fire::accepted_with(world, alarm, by, None);
    taken_first(alarm, by).into_iter().chain(others).collect()
}

fn note(alarm: &Alarm, by: &OfficerId, text: &str) -> Outcomes {
    if text.trim().is_empty() {
        return invalid("empty_note", "备注不能为空", "a note must not be empty");
    }
    Outcomes::done(
        alarm,
        vec![Fact::Noted { alarm: alarm.id.clone(), by: by.clone(), text: text.to_owned() }],
    )
}

fn by_rule(world: &World, rules: &[Box<dyn Rule>], alarm: &Alarm, command: &Command) -> Outcomes {
    let facts = knows(rules, alarm.kind.as_str()).and_then(|rule| rule.command(world, alarm, command));
    match facts {
        Some(Ok(facts)) => Outcomes::done(alarm, facts),
        Some(Err(reason)) => Outcomes::refused(Answer::Invalid { reason }),
        None => invalid("not_for_this_kind", "此类告警没有这个操作", "this kind of alarm has no such action"),
    }
}

/// What a reviewer found: it is real, there was nothing, or they are still looking.
fn review(
    world: &World,
    rules: &[Box<dyn Rule>],
    alarm: &Alarm,
    command: &Command,
    outcome: Option<Outcome>,
    note: &str,
) -> Outcomes {
    match outcome {
        None | Some(Outcome::Unverified) => accept(world, alarm, &command.officer, command.rev, None),
        Some(Outcome::Real) => by_rule(world, rules, alarm, &Command { op: Op::Confirm, ..command.clone() }),
        Some(nothing) => resolve(world, rules, alarm, &command.officer, nothing, note, &[]),
    }
}

fn resolve(
    world: &World,
    rules: &[Box<dyn Rule>],
    alarm: &Alarm,
    by: &OfficerId,
    outcome: Outcome,
    note: &str,
    photos: &[String],
) -> Outcomes {
    if let Some(taken) = held_by_another(alarm, by) {
        return taken;
    }
    let mut facts = taken_first(alarm, by);
    facts.push(Fact::Resolved {
        alarm: alarm.id.clone(),
        by: by.clone(),
        outcome,
        note: note.to_owned(),
        photos: photos.to_vec(),
    });
    match knows(rules, alarm.kind.as_str()).filter(|rule| !rule.word_is_enough(world, alarm, outcome)) {
        Some(rule) => facts.extend(rule.awaits(world, alarm, outcome)),
        None => {
            facts.extend(stood_down(alarm, Some(by)));
            facts.push(closed(alarm, outcome, "resolved", "处置完毕", "resolved by the person on scene"));
        }
    }
    Outcomes::done(alarm, facts)
}

/// Those whom the stages of an alarm called are told that it is over: acceptance did not stop those, and somebody may
/// be on the way. Of what is not urgent those who were called together with whoever took it are not rung for that: they
/// saw who goes.
pub(crate) fn stood_down(alarm: &Alarm, by: Option<&OfficerId>) -> Option<Fact> {
    let taken_at = holder(alarm).and_then(|holder| alarm.followers.get(holder)).and_then(|held| held.rung);
    let saw_who_goes = |follower: &Follower| {
        alarm.priority >= Priority::P3 && taken_at.is_some() && follower.rung == taken_at
    };
    let called = |follower: &Follower| {
        follower.rung.is_some() && follower.ring && !follower.declined && !saw_who_goes(follower)
    };
    let to: Vec<OfficerId> = alarm
        .followers
        .iter()
        .filter(|(officer, follower)| called(follower) && Some(*officer) != by)
        .map(|(officer, _)| officer.clone())
        .collect();
    let reason = Reason::new("stood_down", "已解除，不用再去，谢谢", "stood down: no need to go, thank you");
    let staged = alarm.ladder.stops_at == StopsAt::Closure && !to.is_empty();
    staged.then(|| Fact::Reminded { alarm: alarm.id.clone(), to, reason })
}

/// The end of an alarm.
pub(crate) fn closed(alarm: &Alarm, outcome: Outcome, code: &str, zh: &str, en: &str) -> Fact {
    Fact::Closed { alarm: alarm.id.clone(), outcome, reason: Reason::new(code, zh, en) }
}

/// What follows when somebody who accepted should be on scene, or should have ended it.
pub(crate) fn overdue(alarm: &Alarm) -> Vec<Fact> {
    match alarm.response {
        // Its next stage comes anyway, and calls others.
        Response::Accepted | Response::EnRoute if alarm.next_rung.is_some() => vec![remind_holder(alarm)],
        Response::Accepted | Response::EnRoute => not_on_scene(alarm),
        Response::Arrived => vec![remind_holder(alarm)],
        Response::Resolved if alarm.condition == Condition::Active => {
            let rung = if alarm.next_rung.is_some() { alarm.rung.unwrap_or(0) } else { 0 };
            vec![reopened(alarm, Reopening::StillActive, rung)]
        }
        Response::Resolved => vec![closed(
            alarm,
            alarm.outcome.unwrap_or(Outcome::Unverified),
            "resolved_and_cleared",
            "已处置且传感器已恢复",
            "resolved, and the sensor agrees",
        )],
        Response::Unaccepted | Response::Closed => Vec::new(),
    }
}

fn not_on_scene(alarm: &Alarm) -> Vec<Fact> {
    let stopped = alarm.accepted.as_ref().and_then(|acceptance| acceptance.stopped);
    let rung = stopped.map_or(alarm.rung.unwrap_or(0), |next| next.rung);
    vec![reopened(alarm, Reopening::NotOnScene, rung)]
}

/// Whoever has the alarm is asked again.
pub(crate) fn remind_holder(alarm: &Alarm) -> Fact {
    let to = alarm.accepted.iter().map(|acceptance| acceptance.by.clone()).collect();
    let reason = Reason::new("still_open", "尚未结束，请处理", "still open: please see to it");
    Fact::Reminded { alarm: alarm.id.clone(), to, reason }
}

/// An alarm that must be accepted anew.
pub(crate) fn reopened(alarm: &Alarm, why: Reopening, rung: usize) -> Fact {
    Fact::Reopened { alarm: alarm.id.clone(), why, rung }
}

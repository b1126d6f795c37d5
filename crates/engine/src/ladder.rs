//! The ladders of rules.md §0, and the step from one rung to the next.

use crate::alarm::Alarm;
use crate::world::World;
use std::borrow::Cow;
use wanglou_model::{
    Audience, Fact, Ladder, NextRung, OfficerId, Priority, Reason, Reopening, Role, Rung, Span, StopsAt,
    Timestamp,
};

/// Accept and on-scene times, and how often the last rung repeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Between two rungs.
    pub accept: Span,
    /// From acceptance to arrival.
    pub on_scene: Span,
    /// Between two repeats of the last rung.
    pub repeat: Span,
}

/// The times of a priority.
pub fn times(priority: Priority) -> Times {
    let (accept, on_scene, repeat) = match priority {
        Priority::P1 => (Span::secs(60), Span::mins(3), Span::mins(5)),
        Priority::P2 => (Span::mins(3), Span::mins(10), Span::mins(30)),
        Priority::P3 => (Span::mins(15), Span::hours(2), Span::hours(2)),
        Priority::P4 => (Span::hours(24), Span::hours(24), Span::hours(24)),
    };
    Times { accept, on_scene, repeat }
}

/// One rung that rings.
pub(crate) fn rung(after: Span, tell: Vec<Audience>) -> Rung {
    Rung { after, tell, ring: true, stage: None, priority: None, call_resident: false }
}

/// The people clock of a priority, where a rule has none of its own.
pub fn default_ladder(priority: Priority) -> Ladder {
    use Audience::{Backup, OnDuty};
    let Times { accept, on_scene, repeat } = times(priority);
    let step = |n: i64| Span(accept.0 * n);
    let first = vec![OnDuty(Role::Guard), OnDuty(Role::GridWorker)];
    let second = vec![OnDuty(Role::ControlRoom), OnDuty(Role::Manager)];
    let rungs = match priority {
        Priority::P1 => vec![
            rung(step(0), [first, vec![OnDuty(Role::ControlRoom), OnDuty(Role::Officer)]].concat()),
            rung(step(1), vec![Backup]),
            rung(step(2), [second, vec![OnDuty(Role::Station)]].concat()),
            rung(step(3), vec![OnDuty(Role::Leader)]),
        ],
        Priority::P2 => vec![
            rung(step(0), first),
            rung(step(1), vec![Backup]),
            rung(step(2), second),
            rung(step(3), vec![OnDuty(Role::Officer)]),
        ],
        Priority::P3 => vec![rung(step(0), first), rung(step(1), vec![Backup])],
        Priority::P4 => Vec::new(),
    };
    Ladder { rungs, repeat, on_scene, stops_at: StopsAt::Acceptance }
}

/// What follows when an alarm's ladder is due: the rung, and those after it that are reached at once because
/// nobody can be told by the ones before.
///
/// Each of them sees what the ones before did: who was told by one of them is nobody's backup.
pub(crate) fn climb(world: &World, alarm: &Alarm, from: usize) -> Vec<Fact> {
    climb_without(world, alarm, from, None)
}

/// The same, because somebody said that they cannot come: nothing that follows from that calls them.
pub(crate) fn climb_without(
    world: &World,
    alarm: &Alarm,
    from: usize,
    declined: Option<&OfficerId>,
) -> Vec<Fact> {
    let Some(last) = alarm.ladder.rungs.len().checked_sub(1) else {
        return vec![nobody_to_call(world, alarm)];
    };
    let mut facts = Vec::new();
    let mut alarm = Cow::Borrowed(alarm);
    for index in from.min(last)..=last {
        let rung = &alarm.ladder.rungs[index];
        let mut told = world.told_by(&alarm, index);
        told.retain(|told| Some(&told.officer) != declined);
        let reached = told.iter().any(|told| told.unreached.is_none());
        let wait = reached || index == last || alarm.ladder.stops_at == StopsAt::Closure;
        let next = Some(next_rung(&alarm, index, last, wait, world.at));
        let begun = facts.len();
        facts.extend(entering(&alarm, index, rung));
        facts.push(Fact::Rung { alarm: alarm.id.clone(), rung: index, told, ring: rung.ring, next });
        if wait {
            break;
        }
        alarm = Cow::Owned(alarm.after(world.at, &facts[begun..]));
    }
    facts
}

fn next_rung(alarm: &Alarm, index: usize, last: usize, wait: bool, at: Timestamp) -> NextRung {
    if index == last {
        return NextRung { rung: last, at: at + alarm.ladder.repeat };
    }
    let due = alarm.ladder_from + alarm.ladder.rungs[index + 1].after;
    NextRung { rung: index + 1, at: if wait { due.max(at) } else { at } }
}

/// What a rung changes beside whom it tells. Stages that acceptance does not stop are accepted one by one: who
/// took an earlier one keeps nobody's telephone silent.
fn entering(alarm: &Alarm, index: usize, rung: &Rung) -> Vec<Fact> {
    let mut facts = Vec::new();
    let staged = rung.stage.is_some() && rung.stage != alarm.stage;
    if let Some(priority) = rung.priority.filter(|priority| *priority < alarm.priority) {
        facts.push(Fact::Upgraded {
            alarm: alarm.id.clone(),
            priority,
            ladder: alarm.ladder.clone(),
            reason: still(&alarm.reason),
        });
    }
    if let Some(stage) = rung.stage.clone().filter(|_| staged) {
        let reason =
            wanglou_model::Reason::new("ladder", format!("进入阶段 {stage}"), format!("stage {stage}"));
        facts.push(Fact::Staged { alarm: alarm.id.clone(), stage, reason });
    }
    if staged && alarm.ladder.stops_at == StopsAt::Closure && !alarm.is_unaccepted() {
        facts.push(Fact::Reopened { alarm: alarm.id.clone(), why: Reopening::NextStage, rung: index });
    }
    facts
}

/// Why it was raised, and that nobody has stood it down since: whoever comes late must know both.
fn still(reason: &Reason) -> Reason {
    const CODE: &str = "stage_reached";
    if reason.code == CODE {
        return reason.clone();
    }
    let zh = format!("{}；无人处理，已升级", reason.text.zh);
    Reason::new(CODE, zh, format!("{}; nobody stood it down: raised", reason.text.en))
}

/// P4 interrupts nobody, and still has a deadline.
fn nobody_to_call(world: &World, alarm: &Alarm) -> Fact {
    let next = NextRung { rung: 0, at: world.at + alarm.ladder.repeat };
    Fact::Rung { alarm: alarm.id.clone(), rung: 0, told: Vec::new(), ring: false, next: Some(next) }
}

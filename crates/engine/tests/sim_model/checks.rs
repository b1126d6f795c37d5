//! What must hold whatever happens, seen from outside: the invariants I2 to I7 of the promises, as far as they show in
//! facts and book. They know nothing of the rules.

#![expect(clippy::wildcard_enum_match_arm, reason = "a few variants matter here, and no other")]

use crate::world::Fed;
use std::collections::{BTreeMap, BTreeSet};
use wanglou_engine::lifecycle::{Deadline, Phase};
use wanglou_engine::{Engine, Timer};
use wanglou_model::*;

/// What was seen of one alarm's ladder.
#[derive(Debug, Default, Clone)]
struct Climbed {
    /// Accepted, and nothing has cleared that since.
    accepted: bool,
    staged: bool,
    /// Who was rung by which rung since the ladder began, but for the last rung, which repeats.
    rung: BTreeSet<(OfficerId, usize)>,
    last: usize,
    /// When the last rung may be repeated.
    repeats_at: Option<Timestamp>,
    counted: u64,
}

/// The checks' own memory.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    heads: BTreeMap<OfficerId, u64>,
    effects: BTreeSet<String>,
    alarms: BTreeMap<AlarmId, Climbed>,
    commands: BTreeSet<CommandId>,
    /// When each alarm's ladder moves next, before a start.
    ladders: BTreeMap<AlarmId, Timestamp>,
}

type Checked = Result<(), String>;

fn must(holds: bool, what: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(what()) }
}

impl Checks {
    pub(crate) fn step(&mut self, at: Timestamp, fed: &Fed, facts: &[Fact], engine: &Engine) -> Checked {
        for fact in facts {
            self.outbox(fact)?;
            self.sent_once(fact)?;
            self.rings(at, fact, facts)?;
        }
        rung_out(facts)?;
        counted_once(fed, facts)?;
        self.counts(engine)?;
        not_left_alone(engine)?;
        bounded(engine)
    }

    /// Rows are numbered without gaps, and each is there once.
    fn outbox(&mut self, fact: &Fact) -> Checked {
        let (Fact::Published { to: rows, alarm, .. } | Fact::Withdrawn { from: rows, alarm }) = fact else {
            return Ok(());
        };
        for row in rows {
            let head = self.heads.entry(row.officer.clone()).or_default();
            must(row.seq == *head + 1, || {
                format!("row {} of {} after {head} ({alarm})", row.seq, row.officer)
            })?;
            *head = row.seq;
        }
        Ok(())
    }

    /// No effect is queued, and no command answered, a second time.
    fn sent_once(&mut self, fact: &Fact) -> Checked {
        if let Fact::EffectQueued { effect, .. } = fact {
            must(self.effects.insert(effect.clone()), || format!("effect {effect} is queued twice"))?;
        }
        if let Fact::Answered { cid, .. } = fact {
            must(self.commands.insert(cid.clone()), || format!("command {cid} is answered twice"))?;
        }
        Ok(())
    }

    /// I5: who accepted is not rung again without a reason on record; nobody is rung twice by one rung.
    fn rings(&mut self, at: Timestamp, fact: &Fact, facts: &[Fact]) -> Checked {
        let Some(id) = fact.alarm() else { return Ok(()) };
        let used = matches!(fact, Fact::Raised(_)) && self.alarms.contains_key(id);
        must(!used, || format!("{id} is the id of an earlier alarm"))?;
        let known = self.alarms.entry(id.clone()).or_default();
        match fact {
            Fact::Raised(raised) => {
                known.staged = raised.ladder.stops_at == StopsAt::Closure;
                known.last = raised.ladder.rungs.len().saturating_sub(1);
                known.counted = raised.count;
            }
            Fact::Repeated { count, .. } => known.counted += count,
            Fact::Upgraded { ladder, .. } => {
                known.staged = ladder.stops_at == StopsAt::Closure;
                known.last = ladder.rungs.len().saturating_sub(1);
            }
            Fact::Accepted { .. } => (known.accepted, known.repeats_at) = (true, None),
            Fact::Reopened { .. } => {
                (known.accepted, known.repeats_at) = (false, None);
                known.rung.clear();
            }
            Fact::Undone { .. } | Fact::Transferred { .. } | Fact::Shelved { .. } => {
                known.accepted = false;
                known.repeats_at = None;
            }
            Fact::Rung { rung, told, ring: true, next, .. } => {
                let new = |one: &&Told| !one.quiet;
                must(!known.accepted || known.staged || told.is_empty(), || {
                    format!("{id} rings although it is accepted: {facts:?}")
                })?;
                let again =
                    told.iter().filter(new).find(|one| known.rung.contains(&(one.officer.clone(), *rung)));
                let may_repeat = *rung == known.last && known.repeats_at.is_none_or(|due| at >= due);
                let declined =
                    facts.iter().any(|fact| matches!(fact, Fact::Declined { alarm, .. } if alarm == id));
                must(again.is_none() || may_repeat || declined, || {
                    format!("{id}: rung {rung} rings {again:?} again")
                })?;
                known.rung.extend(told.iter().map(|one| (one.officer.clone(), *rung)));
                known.repeats_at =
                    next.filter(|next| next.rung == *rung && !told.is_empty()).map(|next| next.at);
            }
            _ => {}
        }
        Ok(())
    }

    /// I2: an alarm's count is what its facts say.
    fn counts(&self, engine: &Engine) -> Checked {
        for alarm in engine.book().alarms.values() {
            let counted = self.alarms.get(&alarm.id).map_or(0, |known| known.counted);
            must(alarm.count == counted, || {
                format!("{} counts {}, its facts {counted}", alarm.id, alarm.count)
            })?;
        }
        Ok(())
    }

    pub(crate) fn before_start(&mut self, engine: &Engine) {
        let open = engine.book().open_alarms();
        self.ladders = open.filter_map(|alarm| Some((alarm.id.clone(), alarm.next_rung?.at))).collect();
    }

    /// I6: a start moves no ladder.
    pub(crate) fn after_start(&self, engine: &Engine) -> Checked {
        for (id, before) in &self.ladders {
            let after = engine.book().alarms.get(id).and_then(|alarm| alarm.next_rung).map(|next| next.at);
            must(after == Some(*before), || {
                format!("the start moved the ladder of {id} from {before:?} to {after:?}")
            })?;
        }
        Ok(())
    }
}

/// I2: one event is counted in one alarm of a kind at most.
fn counted_once(fed: &Fed, facts: &[Fact]) -> Checked {
    let Fed::Said { .. } = fed else { return Ok(()) };
    let counts = |fact: &&Fact| match fact {
        Fact::Raised(raised) => {
            !matches!(raised.kind.as_str(), "alarm_flood" | "device_fault" | "door_open" | "living_alone")
        }
        Fact::Repeated { device, .. } => device.is_some(),
        _ => false,
    };
    let counted = facts.iter().filter(counts).count();
    must(counted <= 1, || format!("one message is counted {counted} times: {facts:?}"))
}

/// I3: whatever is open has the deadline of its phase, armed in what a snapshot keeps.
fn not_left_alone(engine: &Engine) -> Checked {
    let world = engine.world();
    for alarm in engine.book().alarms.values() {
        let id = alarm.id.clone();
        let timer = match alarm.phase().deadline() {
            Some(Deadline::Ladder) => Timer::Ladder(id),
            Some(Deadline::OnScene) => Timer::OnScene(id),
            Some(Deadline::Shelf) => Timer::Shelf(id),
            Some(Deadline::Forget) => Timer::Forget(id),
            None => continue,
        };
        must(world.timers.due(&timer).is_some(), || {
            format!("{} waits for nothing: {:?}", alarm.id, alarm.phase())
        })?;
        // I4: whom nobody has, is told of further on: there is a rung to come.
        must(alarm.phase() != Phase::Called || alarm.next_rung.is_some(), || {
            format!("{} has no rung to come", alarm.id)
        })?;
    }
    Ok(())
}

/// I7, of the engine's memory: what it keeps is bounded by what there is.
fn bounded(engine: &Engine) -> Checked {
    let (book, senses) = (engine.book(), engine.senses());
    let alarms = book.alarms.len();
    let rows = book.outboxes.values().map(|outbox| outbox.rows.len()).max().unwrap_or_default();
    must(rows <= alarms, || format!("{rows} rows of {alarms} alarms"))?;
    must(book.alarms.values().all(|alarm| alarm.timeline.len() <= 400), || "a timeline is too long".into())?;
    must(senses.blinds.len() <= 64, || "too many blind times are kept".into())?;
    must(book.calls.values().all(|calls| calls.lately.len() <= 64), || "too many calls are kept".into())
}

/// Whom a rung rings has a row in their outbox that rings, in the same step; but for an alarm that ends in it.
fn rung_out(facts: &[Fact]) -> Checked {
    for (index, fact) in facts.iter().enumerate() {
        let Fact::Rung { alarm: id, rung, told, ring: true, .. } = fact else { continue };
        let after = facts[index..].iter().filter(|after| after.alarm() == Some(id));
        let ends = |after: &Fact| matches!(after, Fact::Closed { .. } | Fact::Shelved { .. });
        if after.clone().any(ends) {
            continue;
        }
        let rows =
            after.filter_map(|after| if let Fact::Published { to, .. } = after { Some(to) } else { None });
        let ringing: BTreeSet<&OfficerId> =
            rows.flatten().filter(|row| row.ring).map(|row| &row.officer).collect();
        let silent = told.iter().find(|one| !one.quiet && !ringing.contains(&one.officer));
        must(silent.is_none(), || format!("{id}: rung {rung} does not ring {silent:?}: {facts:?}"))?;
    }
    Ok(())
}

//! Publishing: what changed gets a revision and a row in the outboxes of all who follow it; and what follows from
//! book and phones alone is armed.

use crate::{Alarm, Book, Engine, RungClocks, Stimulus, Timer, channels};
use std::collections::BTreeSet;
use wanglou_model::{
    AlarmId, Aside, Entered, Fact, Input, OfficerId, OutboxRow, PhoneNews, PushNews, Span, Timestamp,
};

/// A count that changes alone is published at most this often.
const COUNT_EVERY: Span = Span::secs(10);

impl Engine {
    /// Gives every changed alarm a new revision and a row in the outboxes of all who follow it. A count that
    /// changes alone waits, so that a chattering sensor does not keep phones awake.
    ///
    /// A message can only have changed what its facts name; a count that waited is due at a tick.
    pub(crate) fn publish(&mut self, at: Timestamp, stimulus: &Stimulus, facts: &mut Vec<Fact>) {
        if facts.is_empty() && matches!(stimulus, Stimulus::Said { .. }) {
            return;
        }
        let changed: BTreeSet<AlarmId> = match stimulus {
            Stimulus::Said { .. } => {
                let named = facts.iter().filter_map(Fact::alarm);
                named.filter(|id| self.book.dirty.contains(*id)).cloned().collect()
            }
            Stimulus::Input(_) => self.book.dirty.clone(),
        };
        let weighty: BTreeSet<AlarmId> = facts
            .iter()
            .filter(|fact| !matches!(fact, Fact::Repeated { .. }))
            .flat_map(named)
            .cloned()
            .collect();
        for id in changed {
            let Some(alarm) = self.book.alarms.get(&id) else { continue };
            if alarm.rev > 0 && !weighty.contains(&id) && alarm.published_at + COUNT_EVERY > at {
                continue;
            }
            let fact = self.publication(alarm, facts);
            self.note(at, fact, facts);
        }
    }

    /// Arms what follows from the book and the phones alone, the same after deciding and after recovery: the
    /// next step of the channel clocks, and counts that wait to be published.
    pub(crate) fn settle(&mut self, stimulus: &Stimulus, facts: &[Fact]) {
        let RungClocks { clocks, all } = std::mem::take(&mut self.rang);
        // A configuration may bring a channel, or a number to call.
        let anew = matches!(stimulus, Stimulus::Input(Input::Start { .. } | Input::Config { .. }));
        let all_phones = all || anew;
        let quiet = matches!(stimulus, Stimulus::Said { .. }) && facts.is_empty();
        if quiet && clocks.is_empty() && !all_phones {
            return;
        }
        // A receipt only takes steps away: the clock may look too early, and finds nothing.
        let moves = |fact: &&Fact| !matches!(fact, Fact::Delivered { .. });
        let mut touched: BTreeSet<AlarmId> =
            facts.iter().filter(moves).filter_map(Fact::alarm).cloned().collect();
        touched.extend(clocks);
        if all_phones {
            touched.extend(
                self.book.open_alarms().filter(|alarm| alarm.is_unaccepted()).map(|alarm| alarm.id.clone()),
            );
        }
        if let Stimulus::Input(
            Input::Phone(PhoneNews { officer, .. }) | Input::Push(PushNews { officer, .. }),
        ) = stimulus
        {
            self.look_sooner(officer);
        }
        let parts = facts.iter().any(|fact| matches!(fact, Fact::Shelved { how: Aside::ByDesign, .. }));
        let flooded = |book: &Book| -> Vec<OfficerId> {
            let flooded = book.calls.iter().filter(|(_, calls)| calls.flood.is_some());
            flooded.map(|(officer, _)| officer.clone()).collect()
        };
        let all_flooded = if parts { flooded(&self.book) } else { Vec::new() };
        for officer in flooded_by(facts).into_iter().chain(all_flooded) {
            self.arm_ebb(&officer);
        }
        for id in touched {
            let alarm = self.book.alarms.get(&id);
            if let Some(alarm) = alarm.filter(|_| self.book.dirty.contains(&id)) {
                self.timers.arm(Timer::Count(id.clone()), alarm.published_at + COUNT_EVERY);
            }
            match alarm.and_then(|alarm| channels::next(&self.world(), alarm)) {
                Some(next) => self.timers.arm(Timer::Channel(id), next),
                None => self.timers.disarm(&Timer::Channel(id)),
            }
        }
    }

    /// One person's phone came or went: their next step may be sooner than what each alarm's clock waits for.
    fn look_sooner(&mut self, officer: &OfficerId) {
        let world = self.world();
        let calling = self.book.open_alarms().filter(|alarm| alarm.is_unaccepted());
        let sooner = calling.filter_map(|alarm| {
            let next = channels::next_to(&world, alarm, officer)?;
            let timer = Timer::Channel(alarm.id.clone());
            let waits = world.timers.due(&timer);
            waits.is_none_or(|due| next < due).then_some((timer, next))
        });
        let sooner: Vec<(Timer, Timestamp)> = sooner.collect();
        for (timer, next) in sooner {
            self.timers.arm(timer, next);
        }
    }

    pub(crate) fn publication(&self, alarm: &Alarm, facts: &[Fact]) -> Fact {
        let reminded = |officer: &OfficerId| {
            facts.iter().any(|fact| matches!(fact, Fact::Reminded { alarm: id, to, .. } if *id == alarm.id && to.contains(officer)))
        };
        let rings = |officer: &OfficerId| {
            let called = alarm.followers.get(officer).is_some_and(|follower| follower.ring);
            (called && alarm.is_unaccepted()) || reminded(officer)
        };
        let world = self.world();
        let reporters = alarm.reporters();
        let called = alarm.followers.keys().chain(self.book.told_of_whole(alarm));
        let watching: BTreeSet<&OfficerId> =
            world.watchers_of(alarm).chain(called).chain(&reporters).collect();
        let row = |officer: &&OfficerId| OutboxRow {
            officer: (*officer).clone(),
            seq: self.book.outboxes.get(*officer).map_or(1, |outbox| outbox.head + 1),
            ring: rings(officer),
        };
        Fact::Published {
            alarm: alarm.id.clone(),
            rev: alarm.rev + 1,
            to: watching.iter().map(row).collect(),
        }
    }
}

/// The alarms that a fact changes.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn named(fact: &Fact) -> Vec<&AlarmId> {
    let handed = match fact {
        Fact::Entered(entry) => match &**entry {
            Entered::HandedOver { alarms, .. } => alarms.iter().collect(),
            Entered::Window(_)
            | Entered::WindowEnded { .. }
            | Entered::Duty { .. }
            | Entered::Position { .. }
            | Entered::HandoverOffered { .. }
            | Entered::Flood { .. } => Vec::new(),
        },
        _ => Vec::new(),
    };
    fact.alarm().into_iter().chain(handed).collect()
}

/// Whose flood may end at another time because of these facts.
fn flooded_by(facts: &[Fact]) -> BTreeSet<OfficerId> {
    let mut officers = BTreeSet::new();
    for fact in facts {
        if let Fact::Rung { told, .. } = fact {
            officers.extend(told.iter().map(|told| told.officer.clone()));
        }
        if let Fact::Entered(entry) = fact
            && let Entered::Flood { officer, .. } = &**entry
        {
            officers.insert(officer.clone());
        }
    }
    officers
}

//! Who may still see what, after the registry changed: alarms that left an officer's scope are taken away from them,
//! and those who oversee the compound from now on get what is open.

use crate::Engine;
use crate::alarm::Alarm;
use crate::command;
use wanglou_model::{AlarmId, Fact, OfficerId, OutboxRow, Reopening, Timestamp};

impl Engine {
    /// Judges every alarm by the registry that is in force now.
    pub(crate) fn rescope(&mut self, at: Timestamp, facts: &mut Vec<Fact>) {
        let all: Vec<AlarmId> = self.book().alarms.keys().cloned().collect();
        for id in all {
            self.promote(at, &id, facts);
            self.withdraw(at, &id, facts);
            self.reopen_without_holder(at, &id, facts);
            self.show_new_watchers(at, &id, facts);
        }
    }

    fn withdraw(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book().alarms.get(id) else { return };
        let world = self.world();
        let strangers = alarm.followers.keys().filter(|officer| !world.in_scope(alarm, officer));
        let row = |officer: &OfficerId| OutboxRow {
            officer: officer.clone(),
            seq: self.book().outboxes.get(officer).map_or(1, |outbox| outbox.head + 1),
            ring: false,
        };
        let from: Vec<OutboxRow> = strangers.map(row).collect();
        if !from.is_empty() {
            self.note(at, Fact::Withdrawn { alarm: id.clone(), from }, facts);
        }
    }

    /// Somebody has it who is not there any more: others are called.
    fn reopen_without_holder(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book().alarms.get(id).filter(|alarm| alarm.is_open()) else { return };
        let Some(holder) = alarm.accepted.as_ref().map(|acceptance| &acceptance.by) else { return };
        if !self.setup().site.officers.contains_key(holder) {
            let rung = alarm.accepted.as_ref().and_then(|acceptance| acceptance.stopped);
            let rung = rung.map_or(alarm.rung.unwrap_or(0), |next| next.rung);
            self.conclude(at, command::reopened(alarm, Reopening::HolderLeft, rung), facts);
        }
    }

    fn show_new_watchers(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book().alarms.get(id).filter(|alarm| alarm.is_open() && alarm.rev > 0) else {
            return;
        };
        let is_new = |alarm: &Alarm, officer: &OfficerId| !alarm.followers.contains_key(officer);
        if !alarm.dirty && self.world().watchers_of(alarm).any(|officer| is_new(alarm, officer)) {
            let fact = self.publication(alarm, facts);
            self.note(at, fact, facts);
        }
    }
}

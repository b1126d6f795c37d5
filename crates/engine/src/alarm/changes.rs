//! What each fact does to an alarm: its axes, its ladder, who knows of it, its timers and its timeline. Called by the book
//! alone, when it applies facts.

use super::{Acceptance, Alarm, Entry, Follower, LIST_MAX, Shelf};
use crate::book::{CLOSED_STAYS, STILL_OPEN_AFTER};
use crate::custody::CustodyLine;
use crate::reports::evidence;
use crate::timers::{Timer, Timers};
use std::collections::BTreeSet;
use wanglou_model::{
    Delivered, DeviceId, Fact, NextRung, OfficerId, Owner, PhoneId, Reason, Reopening, Response, Span,
    StopsAt, Timestamp, Told,
};

impl Follower {
    /// Somebody who sees the alarm without being called.
    pub(crate) fn watching(at: Timestamp) -> Self {
        Self {
            since: at,
            rung: None,
            ring: false,
            declined: false,
            stored: BTreeSet::new(),
            presented: false,
            channel_steps: 0,
        }
    }

    fn called(at: Timestamp, rung: usize, ring: bool) -> Self {
        Self { rung: Some(rung), ring, ..Self::watching(at) }
    }
}

impl Alarm {
    /// As it will be once these facts are applied: for deciding on what follows from them.
    pub(crate) fn after(&self, at: Timestamp, facts: &[Fact]) -> Self {
        let (mut alarm, mut timers) = (self.clone(), Timers::default());
        facts.iter().for_each(|fact| alarm.change(at, fact, &mut timers));
        alarm
    }

    /// Goes along the table of the lifecycle, and keeps what the fact says beside that.
    pub(crate) fn change(&mut self, at: Timestamp, fact: &Fact, timers: &mut Timers) {
        self.go(at, fact);
        match fact {
            Fact::Repeated { count, last_at, device, evidence, .. } => {
                self.repeated(*count, *last_at, device.as_ref(), evidence)
            }
            Fact::Upgraded { priority, ladder, reason, .. } => {
                (self.priority, self.ladder, self.reason) = (*priority, ladder.clone(), reason.clone());
                self.upgraded_rev = self.rev + 1;
                self.write(Entry::new(at, "upgraded").because(reason.clone()));
            }
            Fact::Reopened { why, rung, .. } => self.reopened(at, *why, *rung, timers),
            Fact::Staged { stage, reason, .. } => {
                self.stage = Some(stage.clone());
                self.write(Entry::new(at, "stage").because(reason.clone()));
            }
            Fact::Detailed { details, .. } => {
                for (name, value) in details {
                    if value.is_null() {
                        self.details.remove(name);
                    } else {
                        self.details.insert(name.clone(), value.clone());
                    }
                }
                self.dirty = true;
            }
            Fact::Marked { mark, reason, .. } => {
                self.mark = Some(*mark);
                self.write(Entry::new(at, "stage").because(reason.clone()));
            }
            Fact::Again { .. } => self.dirty = true,
            Fact::Cleared { reason, .. } => {
                self.write(Entry::new(at, "cleared").because(reason.clone()));
            }
            Fact::Rung { rung, told, ring, next, .. } => {
                self.rung_reached(at, *rung, told, *ring, *next, timers)
            }
            Fact::Reminded { to, reason, .. } => {
                self.asked_again(at, timers);
                for officer in to {
                    self.write(Entry::new(at, "notified").to(officer).over("ws").because(reason.clone()));
                }
            }
            Fact::Accepted { by, eta_s, .. } => self.accepted_by(at, by, *eta_s, timers),
            Fact::Undone { by, .. } => self.undone(at, by, timers),
            Fact::Declined { by, reason, .. } => {
                if let Some(follower) = self.followers.get_mut(by) {
                    (follower.declined, follower.ring) = (true, false);
                }
                self.write(Entry::new(at, "declined").by(by).because(Reason::new(
                    "declined",
                    reason.clone(),
                    reason.clone(),
                )));
            }
            Fact::Transferred { by, to, next, reason, .. } => {
                self.transferred(at, (by, to), *next, reason, timers);
            }
            Fact::Shelved { by, until, reason, how, .. } => {
                let shelf = Shelf { by: by.clone(), until: *until, reason: reason.clone(), how: *how };
                self.put_on(at, shelf, timers);
            }
            Fact::EnRoute { by, .. } => {
                self.write(Entry::new(at, "en_route").by(by));
            }
            Fact::Arrived { by, .. } => {
                self.arrived_by = Some(by.clone());
                timers.arm(Timer::OnScene(self.id.clone()), at + STILL_OPEN_AFTER);
                self.write(Entry::new(at, "arrived").by(by));
            }
            Fact::Noted { by, text, .. } => {
                self.write(Entry::new(at, "noted").by(by).because(Reason::new(
                    "note",
                    text.clone(),
                    text.clone(),
                )));
            }
            Fact::Resolved { by, outcome, note, photos, .. } => {
                self.outcome = Some(*outcome);
                let room = LIST_MAX.saturating_sub(self.evidence.len());
                self.evidence.extend(evidence(photos).into_iter().take(room));
                if self.acceptance_stops_it() {
                    (self.next_rung, _) = (None, timers.disarm(&Timer::Ladder(self.id.clone())));
                }
                timers.arm(Timer::OnScene(self.id.clone()), at + STILL_OPEN_AFTER);
                let said = if note.is_empty() {
                    outcome.name().to_owned()
                } else {
                    format!("{}: {note}", outcome.name())
                };
                self.write(Entry::new(at, "resolved").by(by).because(Reason::new(
                    outcome.name(),
                    said.clone(),
                    said,
                )));
            }
            Fact::Custody { number, event, sha256, by, detail, .. } => {
                let (sha256, by, detail) = (sha256.clone(), by.clone(), detail.clone());
                self.keep_custody(CustodyLine { at, number: *number, event: *event, sha256, by, detail });
            }
            Fact::Erased { .. } => self.erase(),
            Fact::Closed { outcome, reason, .. } => self.closed(at, *outcome, reason, timers),
            Fact::Delivered { officer, phone, delivered, .. } => {
                self.delivered(at, officer, phone, *delivered)
            }
            Fact::Armed { timer, at: due, .. } => {
                timers.arm(Timer::Alarm { alarm: self.id.clone(), slot: *timer }, *due)
            }
            Fact::Raised(_)
            | Fact::Noticed { .. }
            | Fact::Published { .. }
            | Fact::Withdrawn { .. }
            | Fact::Answered { .. }
            | Fact::EffectQueued { .. }
            | Fact::EffectStarted { .. }
            | Fact::EffectEnded { .. }
            | Fact::Suppressed { .. }
            | Fact::Health { .. }
            | Fact::Watched { .. }
            | Fact::Away { .. }
            | Fact::Consent { .. }
            | Fact::Permit(_)
            | Fact::Entered(_)
            | Fact::Commanded(_)
            | Fact::CommandNews { .. }
            | Fact::Canary(_)
            | Fact::Forgotten { .. } => {}
        }
    }

    /// Both signed: whoever takes over has what the other had, and is called for what called them. Every timer runs on.
    pub(crate) fn handed_over(&mut self, at: Timestamp, from: &OfficerId, to: &OfficerId) {
        let called = self.is_unaccepted();
        if let Some(acceptance) = self.accepted.as_mut().filter(|acceptance| acceptance.by == *from) {
            acceptance.by = to.clone();
        }
        let rung = self.rung.unwrap_or(0);
        if let Some(theirs) = self.followers.get_mut(from) {
            theirs.ring = false;
        }
        let known = self.followers.get(to).is_some_and(|follower| follower.rung.is_some());
        if !known {
            self.call(at, to, rung, called);
        }
        let why = Reason::new("handed_over", "交接班：双方已签字", "handed over: signed by both");
        self.write(Entry::new(at, "handed_over").by(from).to(to).because(why));
    }

    fn repeated(
        &mut self,
        count: u64,
        last_at: Timestamp,
        device: Option<&DeviceId>,
        evidence: &[wanglou_model::Evidence],
    ) {
        self.count += count;
        self.last_at = self.last_at.max(last_at);
        if let Some(device) = device
            && !self.devices.contains(device)
            && self.devices.len() < LIST_MAX
        {
            self.devices.push(device.clone());
        }
        let room = LIST_MAX.saturating_sub(self.evidence.len());
        self.evidence.extend(evidence.iter().take(room).cloned());
        self.dirty = true;
    }

    fn reopened(&mut self, at: Timestamp, why: Reopening, rung: usize, timers: &mut Timers) {
        (self.accepted, self.arrived_by) = (None, None);
        (self.outcome, self.closed_at) = (None, None);
        if why == Reopening::ActiveAgain {
            self.again_at.push(at);
            let surplus = self.again_at.len().saturating_sub(AGAIN_MAX);
            self.again_at.drain(..surplus);
        }
        self.off_the_shelf(timers);
        // Stages that acceptance does not stop keep their times, whoever takes the alarm and gives it back.
        if self.ladder.stops_at == StopsAt::Acceptance || why == Reopening::ActiveAgain {
            let reached = self.ladder.rungs.get(rung).map_or(Span::ZERO, |rung| rung.after);
            self.ladder_from = at - reached;
        }
        self.rung = rung.checked_sub(1);
        self.next_rung = Some(NextRung { rung, at });
        self.upgraded_rev = self.rev + 1;
        timers.disarm(&Timer::OnScene(self.id.clone()));
        timers.disarm(&Timer::Forget(self.id.clone()));
        timers.arm(Timer::Ladder(self.id.clone()), at);
        for follower in self.followers.values_mut() {
            follower.declined = false;
        }
        let (zh, en) = reopening_words(why);
        self.write(Entry::new(at, "upgraded").because(Reason::new("reopened", zh, en)));
    }

    fn rung_reached(
        &mut self,
        at: Timestamp,
        rung: usize,
        told: &[Told],
        ring: bool,
        next: Option<NextRung>,
        timers: &mut Timers,
    ) {
        for told in told {
            let ring = ring && !told.quiet;
            self.call(at, &told.officer, rung, ring);
            let what = if ring { "notified" } else { "shown" };
            let entry = Entry::new(at, what).to(&told.officer).over("ws");
            self.write(match told.unreached {
                Some(_) => entry.because(Reason::new("unreached", "此刻无法送达", "cannot be reached now")),
                None => entry,
            });
        }
        (self.rung, self.next_rung) = (Some(rung), next);
        match next {
            Some(next) => timers.arm(Timer::Ladder(self.id.clone()), next.at),
            None => timers.disarm(&Timer::Ladder(self.id.clone())),
        }
        self.dirty = true;
    }

    /// Somebody is called. Two rungs of one moment, as after a night without the gateway, are one call: what was
    /// sent at that moment is not sent again.
    fn call(&mut self, at: Timestamp, officer: &OfficerId, rung: usize, ring: bool) {
        let mut called = Follower::called(at, rung, ring);
        let before = self.followers.get(officer).filter(|before| before.rung.is_some() && before.since == at);
        called.channel_steps = before.map_or(0, |before| before.channel_steps);
        self.followers.insert(officer.clone(), called);
    }

    /// Somebody else is called; nobody has it until they take it.
    fn transferred(
        &mut self,
        at: Timestamp,
        (by, to): (&OfficerId, &OfficerId),
        next: NextRung,
        reason: &str,
        timers: &mut Timers,
    ) {
        (self.accepted, self.arrived_by) = (None, None);
        self.off_the_shelf(timers);
        let rung = self.rung.unwrap_or(0);
        if let Some(theirs) = self.followers.get_mut(by) {
            theirs.ring = false;
        }
        self.call(at, to, rung, true);
        self.next_rung = Some(next);
        timers.disarm(&Timer::OnScene(self.id.clone()));
        timers.arm(Timer::Ladder(self.id.clone()), next.at);
        let why = Reason::new("transferred", reason, reason);
        self.write(Entry::new(at, "transferred").by(by).to(to).because(why));
        self.write(Entry::new(at, "notified").to(to).over("ws"));
    }

    /// Its ladder stands still until the shelf's end.
    fn put_on(&mut self, at: Timestamp, shelf: Shelf, timers: &mut Timers) {
        self.accepted = None;
        self.next_rung = None;
        for timer in
            [Timer::Ladder(self.id.clone()), Timer::OnScene(self.id.clone()), Timer::Channel(self.id.clone())]
        {
            timers.disarm(&timer);
        }
        for follower in self.followers.values_mut() {
            follower.ring = false;
        }
        timers.arm(Timer::Shelf(self.id.clone()), shelf.until);
        let why = why_aside(&shelf);
        self.write(Entry::new(at, shelf.how.name()).owned(&shelf.by).because(why));
        self.shelved = Some(shelf);
    }

    /// Whoever has it is reminded: they are asked once more later. A rule's own reminders do not put off that somebody
    /// who accepted should be on scene.
    fn asked_again(&mut self, at: Timestamp, timers: &mut Timers) {
        let timer = Timer::OnScene(self.id.clone());
        match self.response {
            Response::Arrived | Response::Resolved => timers.arm(timer, at + STILL_OPEN_AFTER),
            Response::Accepted | Response::EnRoute if timers.due(&timer).is_none() => {
                timers.arm(timer, at + self.ladder.on_scene);
            }
            Response::Accepted | Response::EnRoute | Response::Unaccepted | Response::Closed => {}
        }
    }

    fn off_the_shelf(&mut self, timers: &mut Timers) {
        if self.shelved.take().is_some() {
            timers.disarm(&Timer::Shelf(self.id.clone()));
        }
    }

    fn accepted_by(&mut self, at: Timestamp, by: &OfficerId, eta_s: Option<u32>, timers: &mut Timers) {
        self.off_the_shelf(timers);
        self.accepted = Some(Acceptance { by: by.clone(), at, eta_s, stopped: self.next_rung });
        self.was_held = true;
        if self.acceptance_stops_it() {
            self.next_rung = None;
            timers.disarm(&Timer::Ladder(self.id.clone()));
        }
        timers.disarm(&Timer::Channel(self.id.clone()));
        timers.arm(Timer::OnScene(self.id.clone()), at + self.ladder.on_scene);
        self.write(Entry::new(at, "accepted").by(by));
    }

    /// There are no stages to come that nobody's acceptance stops: only repeats of the last rung.
    fn acceptance_stops_it(&self) -> bool {
        let last = self.ladder.rungs.len().saturating_sub(1);
        self.ladder.stops_at == StopsAt::Acceptance || self.rung == Some(last)
    }

    fn undone(&mut self, at: Timestamp, by: &OfficerId, timers: &mut Timers) {
        let stopped = self.accepted.take().and_then(|acceptance| acceptance.stopped);
        (self.arrived_by, self.outcome) = (None, None);
        // Taken from the shelf its ladder stood still, and there is no time to go back to: at once.
        let next = self.next_rung.or(stopped).unwrap_or(NextRung { rung: self.rung.unwrap_or(0), at });
        self.next_rung = Some(next);
        timers.arm(Timer::Ladder(self.id.clone()), next.at);
        timers.disarm(&Timer::OnScene(self.id.clone()));
        self.write(Entry::new(at, "undone").by(by));
    }

    fn closed(
        &mut self,
        at: Timestamp,
        outcome: wanglou_model::Outcome,
        reason: &Reason,
        timers: &mut Timers,
    ) {
        (self.outcome, self.closed_at) = (Some(outcome), Some(at));
        self.off_the_shelf(timers);
        self.next_rung = None;
        for timer in
            [Timer::Ladder(self.id.clone()), Timer::OnScene(self.id.clone()), Timer::Channel(self.id.clone())]
        {
            timers.disarm(&timer);
        }
        for slot in 0..RULE_TIMERS {
            timers.disarm(&Timer::Alarm { alarm: self.id.clone(), slot });
        }
        timers.arm(Timer::Forget(self.id.clone()), at + CLOSED_STAYS);
        self.write(Entry::new(at, "closed").because(reason.clone()));
    }

    fn delivered(&mut self, at: Timestamp, officer: &OfficerId, phone: &PhoneId, delivered: Delivered) {
        let Some(follower) = self.followers.get_mut(officer) else { return };
        let what = match delivered {
            Delivered::Stored => {
                if follower.stored.len() < PHONES_MAX {
                    follower.stored.insert(phone.clone());
                }
                "stored"
            }
            Delivered::Presented => {
                follower.presented = true;
                "presented"
            }
        };
        let dirty = self.dirty;
        self.write(Entry::new(at, what).by(officer).over("ws"));
        // A receipt changes nothing that another phone shows.
        self.dirty = dirty;
    }
}

/// How many times of becoming active again an alarm remembers: more than chatter needs.
const AGAIN_MAX: usize = 8;
/// Timers that a rule may keep per alarm: slots 0 to 7.
const RULE_TIMERS: u8 = 8;
/// Phones of one officer that an alarm remembers.
const PHONES_MAX: usize = 16;

/// Why nobody is called: in its owner's words, or in the program's.
fn why_aside(shelf: &Shelf) -> Reason {
    match (&shelf.by, shelf.reason.as_str()) {
        (Owner::Rule { .. }, "chatter") => {
            Reason::new("chatter", "传感器反复跳变，自动搁置", "the sensor chatters: shelved by itself")
        }
        (Owner::Rule { .. }, "incident") => Reason::new(
            "incident",
            "已并入同一事件，由主告警通知",
            "part of an incident: its first alarm is told instead",
        ),
        (Owner::Officer(_) | Owner::Rule { .. }, words) => Reason::new(shelf.how.name(), words, words),
    }
}

fn reopening_words(why: Reopening) -> (&'static str, &'static str) {
    match why {
        Reopening::ActiveAgain => ("再次出现，需重新接警", "active again: accept anew"),
        Reopening::PriorityRose => ("级别升高，需重新接警", "priority rose: accept anew"),
        Reopening::Confirmed => ("已核实，需重新接警", "confirmed: accept anew"),
        Reopening::AnotherPlace => ("波及另一处，需重新接警", "another place concerned: accept anew"),
        Reopening::SecondSensor => {
            ("另一种传感器也告警，需重新接警", "a second kind of sensor agrees: accept anew")
        }
        Reopening::NotOnScene => ("接警后未按时到场，重新派警", "accepted, but nobody on scene in time"),
        Reopening::NextStage => ("进入下一阶段，需重新接警", "next stage: accept anew"),
        Reopening::HolderLeft => ("接警人已不在名册，重新派警", "whoever had it has left the registry"),
        Reopening::ShelfEnded => ("搁置到期，重新派警", "the shelf has ended: called again"),
        Reopening::StillActive => ("已处理但传感器仍告警", "resolved, but the sensor still says so"),
    }
}

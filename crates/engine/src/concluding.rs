//! Concluding: what was decided is noted as facts, each with what always follows from it: the ladder that starts,
//! the incident that needs another voice, the part that rings out.

use crate::rules::{self, Proposal, RuleName, RuleTimers};
use crate::{Alarm, Book, Engine, channels, command, flood, ladder, lifecycle, raising, windows};
use wanglou_model::{
    AlarmId, Aside, Channel, Entered, Fact, IncidentId, OfficerId, Recipient, Reopening, Span, Timestamp,
};

impl Engine {
    /// Applies a fact, and what always follows from it. What was decided goes along the table of the lifecycle.
    pub(crate) fn note(&mut self, at: Timestamp, fact: Fact, facts: &mut Vec<Fact>) {
        debug_assert!(self.has_row(&fact), "no row in the lifecycle's table for {fact:?}");
        self.book.apply(at, &fact, &mut self.timers);
        self.trace(at, &fact);
        self.after(&fact);
        facts.push(fact);
    }

    /// What applying leaves to the engine: nothing that decides.
    pub(crate) fn after(&mut self, fact: &Fact) {
        if let Fact::EffectQueued { alarm, to: Recipient::Officer(officer), channel, .. } = fact
            && let Some(follower) =
                self.book.alarms.get_mut(alarm).and_then(|alarm| alarm.followers.get_mut(officer))
        {
            follower.take_step(*channel);
        }
        if self.senses.register.apply(self.senses.at, self.senses.wall_minus_at, fact) {
            for (index, rule) in self.rules.iter_mut().enumerate() {
                let mut timers = RuleTimers { rule: RuleName::nth(index), timers: &mut self.timers };
                rule.registered(&self.senses, &self.setup, fact, &mut timers);
            }
        }
        let entered = fact.alarm().filter(|_| matches!(fact, Fact::Staged { .. } | Fact::Raised(_)));
        if let Some(alarm) = entered.and_then(|id| self.book.alarms.get(id)) {
            for (index, rule) in self.rules.iter_mut().enumerate() {
                let mut timers = RuleTimers { rule: RuleName::nth(index), timers: &mut self.timers };
                rule.staged(&self.senses, &self.setup, alarm, &mut timers);
            }
        }
        if let Fact::Closed { alarm, reason, .. } = fact
            && let Some(alarm) = self.book.alarms.get(alarm)
        {
            for (index, rule) in self.rules.iter_mut().enumerate() {
                let mut timers = RuleTimers { rule: RuleName::nth(index), timers: &mut self.timers };
                rule.ended(&self.senses, &self.setup, alarm, reason, &mut timers);
            }
        }
    }

    pub(crate) fn propose(
        &mut self,
        at: Timestamp,
        rule: usize,
        proposals: Vec<Proposal>,
        facts: &mut Vec<Fact>,
    ) {
        let before = facts.len();
        for proposal in proposals {
            match proposal {
                Proposal::Raise(raise) => self.raise(at, rule, &raise, facts),
                // All were made of one look: what is said of an alarm that an earlier one has closed is void.
                Proposal::Fact(fact) if closes(&facts[before..], fact.alarm()) => {}
                Proposal::Fact(fact) => self.conclude(at, fact, facts),
                Proposal::Climb { alarm, rung } => {
                    // Its rule does not know that it is set aside.
                    let aside = self.book.alarms.get(&alarm).is_some_and(|alarm| alarm.shelved.is_some());
                    if !aside {
                        self.climb(at, &alarm, rung, facts);
                    }
                }
            }
        }
    }

    fn raise(&mut self, at: Timestamp, rule: usize, raise: &rules::Raise, facts: &mut Vec<Fact>) {
        let concluded = raising::conclude(&self.world(), self.rules[rule].name(), raise);
        let began = concluded.iter().any(|fact| matches!(fact, Fact::Raised(_) | Fact::Reopened { .. }));
        let new = concluded.iter().any(|fact| matches!(fact, Fact::Raised(_)));
        let id = concluded.iter().find_map(Fact::alarm).cloned();
        let rung = concluded.iter().find_map(start_of);
        for fact in concluded {
            self.note(at, fact, facts);
        }
        let Some(alarm) = id.as_ref().filter(|_| began).and_then(|id| self.book.alarms.get(id)) else {
            return;
        };
        if let Some(rung) = rung.filter(|_| alarm.phase() == lifecycle::Phase::Called) {
            let id = alarm.id.clone();
            self.climb(at, &id, rung, facts);
        } else if let Some(id) = id.as_ref().filter(|_| new) {
            self.count_part(at, id, facts);
        }
        let Some(alarm) = id.and_then(|id| self.book.alarms.get(&id)) else { return };
        for fact in self.rules[rule].after_raise(&self.world(), alarm) {
            self.note(at, fact, facts);
        }
    }

    /// Notes a fact, and starts the ladder where it begins or begins again.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    pub(crate) fn conclude(&mut self, at: Timestamp, fact: Fact, facts: &mut Vec<Fact>) {
        let id = fact.alarm().cloned();
        let start = start_of(&fact);
        let ended = match &fact {
            Fact::Closed { alarm, .. } => {
                self.book.alarms.get(alarm).and_then(|alarm| alarm.incident.clone())
            }
            _ => None,
        };
        let handed = match &fact {
            Fact::Entered(entry) => Some(entry.clone()),
            _ => None,
        };
        let over = if let Fact::Closed { alarm, .. } = &fact { Some(alarm.clone()) } else { None };
        match &id {
            Some(id) if self.moves_on(id, &fact) => self.note_rung(at, id, fact, facts),
            Some(_) | None => self.note(at, fact, facts),
        }
        if let Some(alarm) = over {
            self.after_closing(at, &alarm, facts);
        }
        if let (Some(alarm), Some(rung)) = (&id, start) {
            self.climb(at, alarm, rung, facts);
        }
        if let Some(id) = &id {
            self.ring_out(at, id, facts);
        }
        if let Some(incident) = ended {
            self.next_parent(at, &incident, facts);
        }
        if let Some(entry) = handed {
            self.after_entry(at, &entry, facts);
        }
    }

    /// What is set aside and has become too grave for it, by a stage or a priority that its rule gave it, calls.
    fn ring_out(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book.alarms.get(id).filter(|alarm| alarm.is_open()) else { return };
        let by_design = alarm.shelved.as_ref().is_some_and(|shelf| shelf.how == Aside::ByDesign);
        let grave = windows::never_aside(alarm.priority, &alarm.ladder)
            || (by_design && !flood::may_be_grouped(alarm));
        if alarm.shelved.is_some() && grave {
            let reopened = command::reopened(alarm, Reopening::PriorityRose, 0);
            self.conclude(at, reopened, facts);
        }
    }

    /// The alarm that was told for an incident is over: the gravest, then the earliest, of the others takes its place.
    fn next_parent(&mut self, at: Timestamp, incident: &IncidentId, facts: &mut Vec<Fact>) {
        let of_it = |alarm: &&Alarm| alarm.incident.as_ref() == Some(incident);
        let by_design =
            |alarm: &&Alarm| alarm.shelved.as_ref().is_some_and(|shelf| shelf.how == Aside::ByDesign);
        if self.book.open_alarms().filter(of_it).any(|alarm| !by_design(&alarm)) {
            return;
        }
        let children = self.book.open_alarms().filter(of_it).filter(by_design);
        let next = children.min_by_key(|alarm| (alarm.priority, alarm.raised_at, &alarm.id));
        if let Some(fact) = next.map(|alarm| command::reopened(alarm, Reopening::ShelfEnded, 0)) {
            self.conclude(at, fact, facts);
        }
    }

    /// What an entry brings about at once.
    fn after_entry(&mut self, at: Timestamp, entry: &Entered, facts: &mut Vec<Fact>) {
        match entry {
            Entered::WindowEnded { .. } => self.after_window(at, facts),
            Entered::Duty { officer, on: false, .. } => self.move_on_without(at, officer, facts),
            Entered::HandedOver { alarms, .. } => {
                for id in alarms {
                    self.run_channels(at, id, facts);
                }
            }
            Entered::Window(_)
            | Entered::Duty { on: true, .. }
            | Entered::Position { .. }
            | Entered::HandoverOffered { .. }
            | Entered::Flood { .. } => {}
        }
    }

    /// The end of a time for which an alarm was set aside. A part of an incident that is still told stays so.
    pub(crate) fn off_the_shelf(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book.alarms.get(id).filter(|alarm| alarm.shelved.is_some()) else { return };
        let by_design = alarm.shelved.as_ref().is_some_and(|shelf| shelf.how == Aside::ByDesign);
        let fact = match self.book.parent_of(alarm).filter(|_| by_design) {
            Some(_) => raising::part_of_incident(&self.world(), id),
            None => command::reopened(alarm, Reopening::ShelfEnded, 0),
        };
        self.conclude(at, fact, facts);
    }

    pub(crate) fn climb(&mut self, at: Timestamp, id: &AlarmId, rung: usize, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book.alarms.get(id) else { return };
        let climbed = ladder::climb(&self.world(), alarm, rung);
        for fact in climbed {
            self.note_rung(at, id, fact, facts);
        }
        self.run_channels(at, id, facts);
    }

    /// Is it a rung that is reached, not the present one with another deadline?
    fn moves_on(&self, id: &AlarmId, fact: &Fact) -> bool {
        let Fact::Rung { rung, told, .. } = fact else { return false };
        let now = self.book.alarms.get(id).and_then(|alarm| alarm.rung);
        !told.is_empty() || now != Some(*rung)
    }

    /// Notes a fact of a ladder. Where it is a rung: whose flood begins with it, what is held back for whom, whether
    /// the resident is called.
    fn note_rung(&mut self, at: Timestamp, id: &AlarmId, fact: Fact, facts: &mut Vec<Fact>) {
        let Fact::Rung { rung, told, ring, .. } = &fact else { return self.note(at, fact, facts) };
        let (told, ring, called) = (told.clone(), *ring, alarm_calls(&self.book, id, *rung));
        self.note(at, fact, facts);
        self.judge_floods(at, id, (&told, ring), facts);
        if called {
            self.call_resident(at, id, facts);
        }
    }

    fn call_resident(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book.alarms.get(id) else { return };
        let on_file = self.setup.site.homes.get(&alarm.place).is_some_and(|home| home.telephone);
        if !on_file || !self.setup.channels.contains(&Channel::Voice) {
            return;
        }
        let effect = channels::effect_id(id, alarm.place.as_str(), Channel::Voice, at, 0);
        if self.book.effects.contains_key(&effect) {
            // Two rungs of one moment: one call.
            return;
        }
        let to = Recipient::Resident(alarm.place.clone());
        let fact = Fact::EffectQueued {
            effect,
            alarm: id.clone(),
            to,
            channel: Channel::Voice,
            expires_at: at + Span::mins(5),
        };
        self.note(at, fact, facts);
    }

    pub(crate) fn run_channels_to(
        &mut self,
        at: Timestamp,
        id: &AlarmId,
        officer: &OfficerId,
        facts: &mut Vec<Fact>,
    ) {
        let Some(alarm) = self.book.alarms.get(id) else { return };
        for fact in channels::due_to(&self.world(), alarm, officer) {
            self.note(at, fact, facts);
        }
    }

    pub(crate) fn run_channels(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book.alarms.get(id) else { return };
        for fact in channels::due(&self.world(), alarm) {
            self.note(at, fact, facts);
        }
    }
}

/// From which rung a fact starts the ladder, if it does.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn start_of(fact: &Fact) -> Option<usize> {
    match fact {
        Fact::Raised(_) => Some(0),
        Fact::Reopened { rung, .. } => Some(*rung),
        _ => None,
    }
}

fn closes(facts: &[Fact], id: Option<&AlarmId>) -> bool {
    facts.iter().any(|fact| matches!(fact, Fact::Closed { alarm, .. } if Some(alarm) == id))
}

fn alarm_calls(book: &Book, id: &AlarmId, rung: usize) -> bool {
    let rungs = book.alarms.get(id).map(|alarm| &alarm.ladder.rungs);
    rungs.and_then(|rungs| rungs.get(rung)).is_some_and(|rung| rung.call_resident)
}

//! The alarm engine: what sensors, people and time say goes in, facts come out. It does no IO, reads no clock and
//! draws no random numbers, so the same inputs always give the same facts.
//!
//! `step` = observe(input), decide → facts, apply(facts). Observing changes what was *seen* ([`Senses`] and what
//! each rule keeps); applying facts changes the alarm *book* ([`Book`]). Recovery observes later inputs and
//! applies their facts as written: it decides nothing, so an upgraded engine never re-invents the past.
//!
//! Not here: decoding (profiles), durability (journal), sockets and screens (gateway).

mod alarm;
mod book;
mod bulletin;
mod calendar;
mod channels;
mod command;
mod concluding;
mod custody;
mod deciding;
mod duty;
mod few;
mod fire;
mod flood;
mod ladder;
pub mod lifecycle;
mod lift_command;
mod observing;
mod overrides;
mod publishing;
mod raising;
mod recent;
mod register;
mod reports;
mod routing;
mod routing_settings;
pub mod rules;
mod scope;
mod seen;
mod senses;
mod setup;
mod snapshot;
mod table;
mod timers;
mod traces;
mod trial;
mod windows;
mod world;

pub use alarm::{Acceptance, Alarm, Condition, Entry, Follower, Shelf};
pub use book::{Book, EffectRow, EffectState, Outbox};
pub use calendar::{Calendar, Local};
pub use command::may_see;
pub use custody::CustodyLine;
pub use flood::{Calls, FLOOD_BELOW, FLOOD_FROM, WITHIN as FLOOD_WITHIN};
pub use ladder::{Times, default_ladder, times};
pub use lift_command::CommandRow;
pub use overrides::{OVERRIDES_MAX, Override, OverrideError, Overrides};
pub use register::{Absence, Offer, Position, Register, SignedDuty};
pub use reports::{NoteRow, Source, Word, note_key};
pub use routing_settings::{Hours, LadderSettings, RoutingSettings, RungSettings, Tell};
pub use rules::settings::*;
pub use rules::{ArmedZone, KindWords, NoiseWindow, RuleSettings};
pub use senses::{
    DeviceSeen, Freshness, LATE_AFTER, LaneBlind, PHONE_RETURNS_WITHIN, PhoneSeen, Senses, Sighting, Subject,
};
pub use setup::{Setup, SetupError};
pub use snapshot::SnapshotError;
pub use timers::{Timer, Timers};
pub use world::World;

use crate::observing::Delivery;
use crate::rules::{Rule, RuleName, RuleTimers};
use std::sync::Arc;
use wanglou_model::{
    AlarmId, DeviceId, Fact, Input, Observation, OfficerId, PlaceId, Reason, Timestamp, Way,
};

/// What the engine is fed, after its time.
#[derive(Debug, Clone, Copy)]
pub enum Stimulus<'a> {
    /// One decoded message.
    Said {
        /// What it says; the devices are looked up in the registry.
        observations: &'a [Observation],
        /// Retained by the broker.
        retain: bool,
        /// Delivered before, says the broker.
        dup: bool,
        /// How it came in; `None` when it was fed directly, or nobody remembers.
        by: Option<Way>,
    },
    /// Anything else.
    Input(&'a Input),
}

/// The engine.
#[derive(Debug)]
pub struct Engine {
    setup: Arc<Setup>,
    senses: Senses,
    book: Book,
    timers: Timers,
    rules: Vec<Box<dyn Rule>>,
    /// Where the input under way lies in the journal; no part of the state.
    cause: Option<u64>,
    /// Whose channel clock rang in the input under way.
    rang: RungClocks,
}

/// Which channel clocks rang within a step, and are to be set anew at its end.
#[derive(Debug, Clone, Default)]
struct RungClocks {
    clocks: Vec<AlarmId>,
    /// Phones that did not come back are gone: every clock may be another.
    all: bool,
}

/// Something to decide on, found while observing.
#[derive(Debug, Clone)]
enum Trigger {
    Said { rule: usize, subject: PlaceId },
    Due { rule: usize, subject: PlaceId, slot: u8 },
    Resumed { rule: usize, subject: PlaceId },
    Timer(Timer),
    Health { device: DeviceId, ok: bool, reason: Reason },
    Input,
}

impl Engine {
    /// An engine that has seen nothing yet.
    pub fn new(setup: Arc<Setup>) -> Self {
        let rules = rules::all(&setup.rules);
        let mut engine = Self {
            setup,
            senses: Senses::default(),
            book: Book::default(),
            timers: Timers::default(),
            rules,
            cause: None,
            rang: RungClocks::default(),
        };
        engine.configure();
        engine
    }

    /// The configuration in force.
    pub fn setup(&self) -> &Arc<Setup> {
        &self.setup
    }

    /// What was seen.
    pub fn senses(&self) -> &Senses {
        &self.senses
    }

    /// The alarm book.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// Words for a kind of alarm.
    pub fn words(&self, kind: &str) -> Option<KindWords> {
        self.rules.iter().find_map(|rule| rule.words_of(kind))
    }

    /// What an officer may do about an alarm now.
    pub fn actions(&self, alarm: &Alarm, officer: &OfficerId) -> Vec<&'static str> {
        command::actions(&self.world(), &self.rules, alarm, officer)
    }

    /// The view that decisions have.
    pub fn world(&self) -> World<'_> {
        World {
            at: self.senses.at,
            setup: &self.setup,
            senses: &self.senses,
            book: &self.book,
            timers: &self.timers,
        }
    }

    /// When the engine must be given a [`Input::Tick`] at the latest.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// From `at` on this configuration holds. Open alarms keep what was frozen into them; the
    /// [`Input::Config`] that follows decides who may still see them.
    pub fn reconfigure(&mut self, at: Timestamp, setup: Arc<Setup>) {
        self.advance(at);
        self.setup = setup;
        self.configure();
    }

    fn configure(&mut self) {
        self.senses.devices.number_by(&self.setup.devices);
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let mut timers = RuleTimers { rule: RuleName::nth(index), timers: &mut self.timers };
            rule.configure(&self.senses, &self.setup, &mut timers);
        }
    }

    /// One input: observe, decide, apply. Returns the facts, in the order in which they were applied.
    ///
    /// `at` must not be before an earlier one; deadlines due at or before it are to be fired first, by a
    /// [`Input::Tick`] of their own.
    pub fn step(&mut self, at: Timestamp, stimulus: Stimulus) -> Vec<Fact> {
        let mut facts = Vec::new();
        match stimulus {
            Stimulus::Said { observations, retain, dup, by } => {
                for observation in observations {
                    self.step_said(at, observation, &Delivery { retain, dup, by }, &mut facts);
                }
            }
            Stimulus::Input(Input::Tick) => self.step_due(at, &mut facts),
            Stimulus::Input(input) => {
                for trigger in self.observe_input(at, input) {
                    self.decide(at, &trigger, None, Some(input), &mut facts);
                }
            }
        }
        self.publish(at, &stimulus, &mut facts);
        self.settle(&stimulus, &facts);
        self.cause = None;
        debug_assert_eq!(self.in_limbo(facts.iter().filter_map(Fact::alarm)), None, "without a deadline");
        facts
    }

    /// The first of these alarms whose phase has no armed deadline. There is never one.
    pub fn in_limbo<'a>(&self, mut of: impl Iterator<Item = &'a AlarmId>) -> Option<AlarmId> {
        let alone = |id: &&AlarmId| {
            let Some(alarm) = self.book.alarms.get(*id) else { return false };
            let timer = match alarm.phase().deadline() {
                None => return false,
                Some(lifecycle::Deadline::Ladder) => Timer::Ladder(alarm.id.clone()),
                Some(lifecycle::Deadline::OnScene) => Timer::OnScene(alarm.id.clone()),
                Some(lifecycle::Deadline::Shelf) => Timer::Shelf(alarm.id.clone()),
                Some(lifecycle::Deadline::Forget) => Timer::Forget(alarm.id.clone()),
            };
            self.timers.due(&timer).is_none()
        };
        of.find(alone).cloned()
    }

    fn has_row(&self, fact: &Fact) -> bool {
        let Some(by) = lifecycle::move_of(fact) else { return true };
        let known = fact.alarm().and_then(|id| self.book.alarms.get(id));
        let from = known.map_or(lifecycle::Phase::Nothing, Alarm::phase);
        lifecycle::row_of(from, by).is_some()
    }

    /// One input whose facts are known: observe, apply. Nothing is decided.
    pub fn replay(&mut self, at: Timestamp, stimulus: Stimulus, facts: &[Fact]) {
        match stimulus {
            Stimulus::Said { observations, retain, dup, by } => {
                for observation in observations {
                    self.observe_said(at, observation, &Delivery { retain, dup, by });
                }
            }
            Stimulus::Input(Input::Tick) => {
                self.advance(at);
                while self.observe_due(at).is_some() {}
            }
            Stimulus::Input(input) => {
                self.observe_input(at, input);
            }
        }
        for fact in facts {
            self.book.apply(at, fact, &mut self.timers);
            self.trace(at, fact);
            self.after(fact);
        }
        self.settle(&stimulus, facts);
        self.cause = None;
    }

    /// The thresholds that hold at a place now.
    fn tune(&mut self, rule: usize, place: &PlaceId) {
        if self.setup.overrides.is_empty() {
            return;
        }
        let setup = &self.setup;
        let local = setup.calendar.local(self.senses.wall(self.senses.at));
        let settings = setup.overrides.at(&setup.rules, &setup.site, place, local);
        self.rules[rule].tune(&settings);
    }

    fn advance(&mut self, at: Timestamp) {
        self.senses.at = self.senses.at.max(at);
    }

    fn step_said(
        &mut self,
        at: Timestamp,
        observation: &Observation,
        delivery: &Delivery,
        facts: &mut Vec<Fact>,
    ) {
        let (triggers, sighted) = self.observe_said(at, observation, delivery);
        let Some(sighted) = sighted else { return };
        for trigger in triggers {
            self.decide(at, &trigger, Some((&sighted, observation)), None, facts);
        }
        self.take_answer(at, &sighted, observation, facts);
    }

    fn step_due(&mut self, at: Timestamp, facts: &mut Vec<Fact>) {
        self.advance(at);
        while let Some(triggers) = self.observe_due(at) {
            for trigger in triggers {
                self.decide(at, &trigger, None, None, facts);
            }
        }
    }
}

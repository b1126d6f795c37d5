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
mod calendar;
mod channels;
mod command;
mod custody;
mod duty;
mod few;
mod fire;
mod flood;
mod ladder;
pub mod lifecycle;
mod lift_command;
mod overrides;
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

use crate::rules::{Cause, Proposal, Rule, RuleName, RuleTimers};
use crate::setup::Registered;
use std::collections::BTreeSet;
use std::sync::Arc;
use wanglou_model::{
    AlarmId, Answer, Aside, AvailabilityScope, Channel, Delivered, Device, DeviceId, Entered, Fact,
    IncidentId, Input, Observation, OfficerId, Op, OutboxRow, PathState, PhoneState, PlaceId, Reading,
    Reason, Recipient, Reopening, Repeats, Span, StopsAt, Timestamp, Way,
};

/// Somebody whose phones are all gone for so long is called by another way, and their backup too.
const OFFLINE_AFTER: Span = Span::secs(60);
/// A count that changes alone is published at most this often.
const COUNT_EVERY: Span = Span::secs(10);
/// A device is UNKNOWN when it was silent for so many of its intervals.
const SILENT_INTERVALS: i64 = 2;

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
            self.after(fact);
        }
        self.settle(&stimulus, facts);
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

/// What the broker says of a message beside its content.
#[derive(Debug, Clone, Copy)]
struct Delivery {
    retain: bool,
    dup: bool,
    by: Option<Way>,
}

/// What is known of a sighting beside the observation itself.
#[derive(Debug, Clone)]
struct Sighted {
    id: DeviceId,
    occurred: Timestamp,
    freshness: Freshness,
    duplicate: bool,
    reused_id: bool,
}

// Observing: changes senses and what rules keep, never the book.
impl Engine {
    fn observe_said(
        &mut self,
        at: Timestamp,
        said: &Observation,
        delivery: &Delivery,
    ) -> (Vec<Trigger>, Option<Sighted>) {
        let Delivery { retain, dup, by } = *delivery;
        self.advance(at);
        let setup = Arc::clone(&self.setup);
        let Some(Registered { id, device, number, home }) = setup.registered(said) else {
            return (Vec::new(), None);
        };
        let (occurred, freshness) = self.senses.place_in_time(said, retain, by);
        let home = home.as_ref();
        let mut sighting =
            Sighting { id, device, home, said, occurred, freshness, duplicate: false, reused_id: false };
        let unheard = device.probation && setup.unheard.contains(id);
        let listening =
            if unheard { Listening(0) } else { Listening::to(&self.rules, device, &said.reading) };
        let matters = (listening.any() && says_something(said)) || said.repeats == Repeats::UniqueIds;
        sighting.duplicate = matters && !retain && self.is_duplicate(&sighting, dup);
        if let (Repeats::UniqueIds, Some(event)) = (said.repeats, &said.event) {
            let known = self.senses.recent.is_id_known(&sighting, event, at);
            sighting.reused_id = known && !sighting.duplicate && !retain;
        }
        let mut triggers = self.observe_device(*number, &sighting, by);
        self.pass_on_health(&triggers);
        for rule in (0..self.rules.len()).filter(|rule| listening.has(*rule)) {
            self.tune(rule, &sighting.device.place);
            let mut timers = RuleTimers { rule: RuleName::nth(rule), timers: &mut self.timers };
            if let Some(subject) = self.rules[rule].observe(&self.senses, &setup, &sighting, &mut timers) {
                triggers.push(Trigger::Said { rule, subject });
            }
        }
        if sighting.reused_id
            && let Some(rule) = self.rules.iter().position(|rule| rule.looks_after_senders())
        {
            triggers.push(Trigger::Said { rule, subject: device.place.clone() });
        }
        let Sighting { duplicate, reused_id, .. } = sighting;
        let sighted = Sighted { id: id.clone(), occurred, freshness, duplicate, reused_id };
        (triggers, Some(sighted))
    }

    fn is_duplicate(&mut self, sighting: &Sighting, dup: bool) -> bool {
        let at = self.senses.at;
        if let Repeats::WithinMs(ms) = sighting.said.repeats
            && self.senses.recent.is_echo(sighting, Span::millis(i64::from(ms)), at)
        {
            return true;
        }
        match sighting.has_event_key() {
            // Begin and end of one event carry the same id; a redelivery carries the same content too.
            true => self.senses.recent.is_repeat(sighting, at),
            false => self.senses.recent.is_redelivery(sighting, dup, at),
        }
    }

    /// Life, health and battery of the device.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn observe_device(&mut self, number: u32, sighting: &Sighting, by: Option<Way>) -> Vec<Trigger> {
        let at = self.senses.at;
        let alive = sighting.is_alive();
        let seen = self.senses.devices.numbered(number);
        let was_unhealthy = seen.unknown || seen.online == Some(false);
        match &sighting.said.reading {
            Reading::Availability {
                online,
                scope: AvailabilityScope::Device | AvailabilityScope::Hub | AvailabilityScope::Server,
            } => {
                seen.online = Some(*online);
            }
            Reading::Battery { pct, low, .. } => {
                seen.battery_pct = pct.map(|pct| pct as f32).or(seen.battery_pct);
                seen.battery_low = low.or(seen.battery_low);
            }
            _ if alive => seen.online = seen.online.map(|_| true),
            _ => {}
        }
        if alive {
            seen.came(at, by);
        }
        let is_unhealthy = seen.unknown || seen.online == Some(false);
        if let Some(interval) = sighting.device.interval.filter(|_| alive && !seen.watched) {
            seen.watched = true;
            let due = at + Span(interval.0 * SILENT_INTERVALS);
            self.timers.arm(Timer::Silence(sighting.id.clone()), due);
        }
        match (was_unhealthy, is_unhealthy) {
            (false, true) => vec![health(sighting.id, false, "offline", "设备离线", "the device is offline")],
            (true, false) => {
                vec![health(sighting.id, true, "heard", "设备恢复", "the device is heard again")]
            }
            (true, true) | (false, false) => Vec::new(),
        }
    }

    /// Takes one due deadline. `None` when there is none left.
    fn observe_due(&mut self, at: Timestamp) -> Option<Vec<Trigger>> {
        let (_, timer) = self.timers.pop(at)?;
        Some(match timer {
            Timer::Rule { rule, subject, slot } => self.observe_rule_due(rule.index(), subject, slot),
            Timer::Silence(device) => {
                let triggers = self.observe_silence(device);
                self.pass_on_health(&triggers);
                triggers
            }
            Timer::PhonesReturn => {
                self.drop_absent_phones();
                vec![Trigger::Timer(Timer::PhonesReturn)]
            }
            Timer::Ladder(_)
            | Timer::OnScene(_)
            | Timer::Count(_)
            | Timer::Channel(_)
            | Timer::Alarm { .. }
            | Timer::Command(_)
            | Timer::Shelf(_)
            | Timer::Offline(_)
            | Timer::Flood(_)
            | Timer::Forget(_) => vec![Trigger::Timer(timer)],
        })
    }

    fn pass_on_health(&mut self, triggers: &[Trigger]) {
        for trigger in triggers {
            let Trigger::Health { device, .. } = trigger else { continue };
            for (index, rule) in self.rules.iter_mut().enumerate() {
                let mut timers = RuleTimers { rule: RuleName::nth(index), timers: &mut self.timers };
                rule.health(&self.senses, &self.setup, device, &mut timers);
            }
        }
    }

    fn observe_rule_due(&mut self, rule: usize, subject: PlaceId, slot: u8) -> Vec<Trigger> {
        if rule >= self.rules.len() {
            return Vec::new();
        }
        self.tune(rule, &subject);
        let mut timers = RuleTimers { rule: RuleName::nth(rule), timers: &mut self.timers };
        let decide = self.rules[rule].due(&self.senses, &self.setup, &subject, slot, &mut timers);
        if decide { vec![Trigger::Due { rule, subject, slot }] } else { Vec::new() }
    }

    /// The timer is not moved with each message; it looks, when it is due, at when the device was heard last.
    fn observe_silence(&mut self, id: DeviceId) -> Vec<Trigger> {
        let at = self.senses.at;
        self.senses.devices.entry(&id).watched = false;
        let Some(interval) = self.setup.site.devices.get(&id).and_then(|device| device.interval) else {
            return Vec::new();
        };
        let Some(heard) = self.senses.heard(&id) else { return Vec::new() };
        let due = self.senses.after(std::slice::from_ref(&id), heard, Span(interval.0 * SILENT_INTERVALS));
        let judge = self.senses.may_judge_absence();
        let seen = self.senses.devices.entry(&id);
        if due > at || !judge {
            seen.watched = true;
            self.timers.arm(Timer::Silence(id), if judge { due } else { at + Span::mins(1) });
            return Vec::new();
        }
        let known = seen.unknown || seen.online == Some(false);
        seen.unknown = true;
        if known {
            Vec::new()
        } else {
            vec![health(&id, false, "silent", "设备失联，状态未知", "silent: its state is unknown")]
        }
    }

    fn drop_absent_phones(&mut self) {
        let (at, limit) = (self.senses.at, PHONE_RETURNS_WITHIN);
        for phone in self.senses.phones.values_mut().flat_map(|phones| phones.values_mut()) {
            if phone.state != PhoneState::Offline && phone.since <= at - limit && phone.returning {
                (phone.state, phone.since, phone.returning) = (PhoneState::Offline, at, false);
            }
        }
    }

    fn observe_input(&mut self, at: Timestamp, input: &Input) -> Vec<Trigger> {
        let before = self.senses.at;
        self.advance(at);
        let judged = self.senses.may_judge_absence();
        match input {
            Input::Phone(news) => {
                let phones = self.senses.phones.entry(news.officer.clone()).or_default();
                let seen = PhoneSeen { state: news.state, since: at, returning: false };
                phones.insert(news.phone.clone(), seen);
                limit_phones(phones);
                self.senses.phone_heard(&news.officer, &news.phone);
                let timer = Timer::Offline(news.officer.clone());
                match self.senses.sockets(&news.officer) {
                    0 => self.timers.arm(timer, at + OFFLINE_AFTER),
                    _ => self.timers.disarm(&timer),
                }
            }
            Input::Push(news) => self.senses.push(news),
            Input::Receipt(receipt) => self.senses.phone_heard(&receipt.officer, &receipt.phone),
            Input::Path(news) => self.senses.path(&news.lane, news.state),
            Input::Blind { from, until, lane, qos0 } => {
                self.senses.blind(*from, *until, lane.map(|lane| Way { lane, qos0: *qos0 }));
            }
            Input::ClockStep { wall_minus_at } => self.senses.wall_minus_at = *wall_minus_at,
            Input::Clock { trusted, .. } => self.senses.clock_trusted = *trusted,
            Input::Start { boot_id, at_minus_boot, .. } => {
                (self.senses.boot_id, self.senses.at_minus_boot) = (boot_id.clone(), *at_minus_boot);
                self.senses.started(before);
                self.timers.arm(Timer::PhonesReturn, at + PHONE_RETURNS_WITHIN);
            }
            Input::Config { .. } => self.senses.configured_at = Some(at),
            Input::Tick
            | Input::Command(_)
            | Input::Channel(_)
            | Input::Call(_)
            | Input::Note(_)
            | Input::Canary(_)
            | Input::CanaryReceipt(_)
            | Input::Evidence(_) => {}
        }
        let mut triggers = vec![Trigger::Input];
        // A calendar that jumps may have made it night, or morning.
        let stepped = matches!(input, Input::ClockStep { .. });
        if (!judged || stepped) && self.senses.may_judge_absence() {
            triggers.extend(self.observe_resumed());
        }
        triggers
    }

    fn observe_resumed(&mut self) -> Vec<Trigger> {
        let mut triggers = Vec::new();
        for (index, rule) in self.rules.iter_mut().enumerate() {
            let mut timers = RuleTimers { rule: RuleName::nth(index), timers: &mut self.timers };
            let subjects = rule.resumed(&self.senses, &self.setup, &mut timers);
            triggers.extend(subjects.into_iter().map(|subject| Trigger::Resumed { rule: index, subject }));
        }
        triggers
    }
}

/// A sign of life without content may come twice: nothing counts it.
fn says_something(said: &Observation) -> bool {
    !matches!(said.reading, Reading::Heartbeat {} | Reading::Link { .. })
}

/// Phones of one officer that are remembered; the one that has been offline longest is forgotten first.
const PHONES_MAX: usize = 16;

fn limit_phones(phones: &mut std::collections::BTreeMap<wanglou_model::PhoneId, PhoneSeen>) {
    if phones.len() <= PHONES_MAX {
        return;
    }
    let oldest = phones.iter().min_by_key(|(_, seen)| (seen.state != PhoneState::Offline, seen.since));
    if let Some(id) = oldest.map(|(id, _)| id.clone()) {
        phones.remove(&id);
    }
}

fn health(device: &DeviceId, ok: bool, code: &str, zh: &str, en: &str) -> Trigger {
    Trigger::Health { device: device.clone(), ok, reason: Reason::new(code, zh, en) }
}

// Deciding: reads everything, changes nothing but through facts.
impl Engine {
    fn decide(
        &mut self,
        at: Timestamp,
        trigger: &Trigger,
        said: Option<(&Sighted, &Observation)>,
        input: Option<&Input>,
        facts: &mut Vec<Fact>,
    ) {
        match trigger {
            Trigger::Said { rule, subject } => {
                let Some((sighted, observation)) = said else { return };
                let setup = Arc::clone(&self.setup);
                let Some(known) = setup.registered(observation) else { return };
                let sighting = sighted.with(known, observation);
                self.tune(*rule, subject);
                let proposals = self.rules[*rule].decide(&self.world(), subject, Cause::Said(&sighting));
                self.propose(at, *rule, proposals, facts);
            }
            Trigger::Due { rule, subject, slot } => {
                self.tune(*rule, subject);
                let proposals = self.rules[*rule].decide(&self.world(), subject, Cause::Due { slot: *slot });
                self.propose(at, *rule, proposals, facts);
            }
            Trigger::Resumed { rule, subject } => {
                self.tune(*rule, subject);
                let proposals = self.rules[*rule].decide(&self.world(), subject, Cause::Resumed);
                self.propose(at, *rule, proposals, facts);
            }
            Trigger::Health { device, ok, reason } => {
                self.note(
                    at,
                    Fact::Health { device: Some(device.clone()), ok: *ok, reason: reason.clone() },
                    facts,
                );
            }
            Trigger::Timer(timer) => self.decide_timer(at, timer, facts),
            Trigger::Input => {
                if let Some(input) = input {
                    self.decide_input(at, input, facts);
                }
            }
        }
    }

    /// Applies a fact, and what always follows from it. What was decided goes along the table of the lifecycle.
    fn note(&mut self, at: Timestamp, fact: Fact, facts: &mut Vec<Fact>) {
        debug_assert!(self.has_row(&fact), "no row in the lifecycle's table for {fact:?}");
        self.book.apply(at, &fact, &mut self.timers);
        self.after(&fact);
        facts.push(fact);
    }

    /// What applying leaves to the engine: nothing that decides.
    fn after(&mut self, fact: &Fact) {
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

    fn propose(&mut self, at: Timestamp, rule: usize, proposals: Vec<Proposal>, facts: &mut Vec<Fact>) {
        for proposal in proposals {
            match proposal {
                Proposal::Raise(raise) => self.raise(at, rule, &raise, facts),
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
            if new {
                self.take_with_fire(at, &id, facts);
            }
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
    fn conclude(&mut self, at: Timestamp, fact: Fact, facts: &mut Vec<Fact>) {
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
        self.note(at, fact, facts);
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
    fn off_the_shelf(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book.alarms.get(id).filter(|alarm| alarm.shelved.is_some()) else { return };
        let by_design = alarm.shelved.as_ref().is_some_and(|shelf| shelf.how == Aside::ByDesign);
        let fact = match self.book.parent_of(alarm).filter(|_| by_design) {
            Some(_) => raising::part_of_incident(&self.world(), id),
            None => command::reopened(alarm, Reopening::ShelfEnded, 0),
        };
        self.conclude(at, fact, facts);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn climb(&mut self, at: Timestamp, id: &AlarmId, rung: usize, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book.alarms.get(id) else { return };
        let climbed = ladder::climb(&self.world(), alarm, rung);
        for fact in climbed {
            let called = match &fact {
                Fact::Rung { rung, .. } => alarm_calls(&self.book, id, *rung),
                _ => false,
            };
            let (told, ring) = match &fact {
                Fact::Rung { told, ring, .. } => (told.clone(), *ring),
                _ => (Vec::new(), false),
            };
            self.note(at, fact, facts);
            self.judge_floods(at, id, (&told, ring), facts);
            if called {
                self.call_resident(at, id, facts);
            }
        }
        self.run_channels(at, id, facts);
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

    fn run_channels(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book.alarms.get(id) else { return };
        for fact in channels::due(&self.world(), alarm) {
            self.note(at, fact, facts);
        }
    }

    fn decide_timer(&mut self, at: Timestamp, timer: &Timer, facts: &mut Vec<Fact>) {
        match timer {
            Timer::Ladder(id) => {
                if let Some(next) = self.book.alarms.get(id).and_then(|alarm| alarm.next_rung) {
                    self.climb(at, id, next.rung, facts);
                }
            }
            Timer::OnScene(id) => {
                let overdue = self.book.alarms.get(id).map(command::overdue).unwrap_or_default();
                for fact in overdue {
                    self.conclude(at, fact, facts);
                }
            }
            Timer::Channel(id) => self.run_channels(at, id, facts),
            Timer::Alarm { alarm: id, slot } => {
                let Some(alarm) = self.book.alarms.get(id).filter(|alarm| alarm.is_open()) else { return };
                let kind = alarm.kind.as_str();
                let own = self.rules.iter().position(|rule| rule.name() == kind);
                let beside = || self.rules.iter().position(|rule| rule.words_of(kind).is_some());
                let Some(rule) = own.or_else(beside) else { return };
                let proposals = self.rules[rule].alarm_due(&self.world(), alarm, *slot);
                self.propose(at, rule, proposals, facts);
            }
            Timer::Forget(id) => self.note(at, Fact::Forgotten { alarm: id.clone() }, facts),
            // A count that was held back is published with everything else at the end of the step.
            Timer::Count(_) => {}
            Timer::Shelf(id) => self.off_the_shelf(at, id, facts),
            Timer::Offline(officer) => self.call_backup_of(at, officer, facts),
            Timer::Flood(officer) => self.ebb(at, officer, facts),
            Timer::Command(id) => {
                if let Some(fact) = lift_command::overdue(&self.book, id) {
                    self.note(at, fact, facts);
                }
            }
            Timer::PhonesReturn => self.move_on_without_phones(at, facts),
            Timer::Rule { .. } | Timer::Silence(_) => {}
        }
    }

    fn decide_input(&mut self, at: Timestamp, input: &Input, facts: &mut Vec<Fact>) {
        match input {
            Input::Command(command) => self.decide_command(at, command, facts),
            Input::Receipt(receipt) => self.decide_receipt(at, receipt, facts),
            Input::Phone(news) => {
                if news.state == PhoneState::Offline {
                    self.move_on_without_phones(at, facts);
                }
            }
            Input::Push(news) => {
                if !news.on {
                    self.move_on_without_phones(at, facts);
                }
            }
            Input::Channel(news) => {
                let known = self.book.effects.contains_key(&news.effect);
                let fact = match news.ended {
                    None => Fact::EffectStarted { effect: news.effect.clone() },
                    Some(ended) => {
                        Fact::EffectEnded { effect: news.effect.clone(), ended, detail: news.detail.clone() }
                    }
                };
                if known {
                    self.note(at, fact, facts);
                } else if let Some(fact) = lift_command::news(&self.book, news) {
                    self.note(at, fact, facts);
                }
            }
            Input::Call(news) => {
                for rule in 0..self.rules.len() {
                    let proposals = self.rules[rule].answered(&self.world(), &news.home, news.answer);
                    self.propose(at, rule, proposals, facts);
                }
            }
            Input::Note(note) => self.take_note(at, note, facts),
            Input::Evidence(news) => {
                for fact in custody::news(&self.world(), news) {
                    self.note(at, fact, facts);
                }
            }
            Input::Path(news) => {
                let ok = news.state == PathState::Up;
                let reason = match news.state {
                    PathState::Up => Reason::new("path_up", "消息通道正常", "the path is up"),
                    PathState::Draining => {
                        Reason::new("path_draining", "正在接收积压消息", "the backlog is coming in")
                    }
                    PathState::Quiet => Reason::new("path_quiet", "消息通道无任何消息", "the path is quiet"),
                    PathState::Down => Reason::new("path_down", "与消息服务器断开", "the path is down"),
                };
                self.note(at, Fact::Health { device: None, ok, reason }, facts);
            }
            Input::Clock { trusted, why } => {
                let code = if *trusted { "clock_trusted" } else { "clock_untrusted" };
                let reason = Reason::new(code, why.clone(), why.clone());
                self.note(at, Fact::Health { device: None, ok: *trusted, reason }, facts);
            }
            Input::Config { .. } => self.rescope(at, facts),
            Input::Canary(canary) if canary.is_new_after(self.book.canary) => {
                self.note(at, Fact::Canary(*canary), facts);
            }
            Input::Tick
            | Input::Blind { .. }
            | Input::ClockStep { .. }
            | Input::Canary(_)
            | Input::CanaryReceipt(_)
            | Input::Start { .. } => {}
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn decide_command(&mut self, at: Timestamp, command: &wanglou_model::Command, facts: &mut Vec<Fact>) {
        if self.book.answers.contains_key(&command.cid) {
            return;
        }
        let answer = match &command.op {
            Op::TestAlarm { place, priority, own } => {
                self.test_alarm(at, command, place, *priority, *own, facts)
            }
            Op::Report(report) => self.report(at, command, report, facts),
            Op::Create { incident, place, text, photos } => {
                let made = rules::Made { id: command.cid.as_str(), incident, place, text, photos };
                self.create(at, &command.officer, &made, facts)
            }
            Op::Away { .. }
            | Op::Consent { .. }
            | Op::Permit { .. }
            | Op::Maintain { .. }
            | Op::EndMaintenance { .. }
            | Op::SignOn
            | Op::SignOff
            | Op::Handover { .. }
            | Op::Position { .. } => {
                let outcome = register::decide(&self.world(), command);
                for fact in outcome.facts {
                    self.conclude(at, fact, facts);
                }
                outcome.answer
            }
            _ => {
                let outcome = command::decide(&self.world(), &self.rules, command);
                for fact in outcome.facts {
                    self.conclude(at, fact, facts);
                }
                if let Some(id) = &command.alarm {
                    self.run_channels(at, id, facts);
                }
                outcome.answer
            }
        };
        let fact = Fact::Answered { cid: command.cid.clone(), officer: command.officer.clone(), answer };
        self.note(at, fact, facts);
    }

    fn test_alarm(
        &mut self,
        at: Timestamp,
        command: &wanglou_model::Command,
        place: &PlaceId,
        priority: u8,
        own: bool,
        facts: &mut Vec<Fact>,
    ) -> Answer {
        let known = self.setup.site.officers.get(&command.officer);
        if !known.is_some_and(|officer| own || officer.admin) {
            return Answer::Forbidden;
        }
        // One drill of their own at a time: asked for again, it is the one that runs.
        let running = raising::drill_of(&self.book, &command.officer).filter(|_| own);
        if let Some(alarm) = running {
            return Answer::Ok { alarm: alarm.id.clone() };
        }
        if !self.setup.site.places.contains_key(place) {
            let (zh, en) = (format!("没有地点 {place}"), format!("there is no place {place}"));
            return Answer::Invalid { reason: Reason::new("unknown_place", zh, en) };
        }
        let raised = raising::test_alarm(&self.world(), command, place, priority, own);
        let alarm = raised.alarm.clone();
        self.conclude(at, Fact::Raised(Box::new(raised)), facts);
        Answer::Ok { alarm }
    }

    fn decide_receipt(&mut self, at: Timestamp, receipt: &wanglou_model::Receipt, facts: &mut Vec<Fact>) {
        let follower =
            self.book.alarms.get(&receipt.alarm).and_then(|alarm| alarm.followers.get(&receipt.officer));
        let news = follower.is_some_and(|follower| match receipt.delivered {
            Delivered::Stored => !follower.stored.contains(&receipt.phone),
            Delivered::Presented => !follower.presented,
        });
        if news {
            let fact = Fact::Delivered {
                alarm: receipt.alarm.clone(),
                officer: receipt.officer.clone(),
                phone: receipt.phone.clone(),
                rev: receipt.rev,
                delivered: receipt.delivered,
            };
            self.note(at, fact, facts);
        }
    }

    /// Whoever a rung told cannot be reached any more, and nobody has stored the alarm: the ladder moves on.
    fn move_on_without_phones(&mut self, at: Timestamp, facts: &mut Vec<Fact>) {
        let world = self.world();
        let stuck = |alarm: &&Alarm| {
            let called: Vec<_> =
                alarm.followers.iter().filter(|(_, follower)| follower.rung.is_some()).collect();
            let lost = |(id, follower): &(&OfficerId, &Follower)| {
                let known = world.setup.site.officers.get(*id);
                follower.stored.is_empty() && !known.is_some_and(|officer| world.is_reachable(id, officer))
            };
            let moves = alarm.next_rung.is_some_and(|next| Some(next.rung) != alarm.rung);
            alarm.is_unaccepted()
                && alarm.ladder.stops_at == StopsAt::Acceptance
                && moves
                && called.iter().all(lost)
        };
        let due: Vec<(AlarmId, usize)> = self
            .book
            .open_alarms()
            .filter(stuck)
            .filter_map(|alarm| alarm.next_rung.map(|next| (alarm.id.clone(), next.rung)))
            .collect();
        let offline: Vec<AlarmId> = self
            .book
            .open_alarms()
            .filter(|alarm| alarm.is_unaccepted())
            .map(|alarm| alarm.id.clone())
            .collect();
        for (id, rung) in due {
            self.climb(at, &id, rung, facts);
        }
        for id in offline {
            self.run_channels(at, &id, facts);
        }
    }

    /// Gives every changed alarm a new revision and a row in the outboxes of all who follow it. A count that
    /// changes alone waits, so that a chattering sensor does not keep phones awake.
    ///
    /// A message can only have changed what its facts name; a count that waited is due at a tick.
    fn publish(&mut self, at: Timestamp, stimulus: &Stimulus, facts: &mut Vec<Fact>) {
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
    fn settle(&mut self, stimulus: &Stimulus, facts: &[Fact]) {
        let phones_changed = matches!(
            stimulus,
            Stimulus::Input(Input::Phone(_) | Input::Push(_) | Input::Start { .. } | Input::Tick)
        );
        let mut touched: BTreeSet<AlarmId> = facts.iter().filter_map(Fact::alarm).cloned().collect();
        if phones_changed {
            touched.extend(
                self.book.open_alarms().filter(|alarm| alarm.is_unaccepted()).map(|alarm| alarm.id.clone()),
            );
        }
        let parts = facts.iter().any(|fact| matches!(fact, Fact::Shelved { how: Aside::ByDesign, .. }));
        let all_flooded = self.book.calls.iter().filter(|(_, calls)| parts && calls.flood.is_some());
        let all_flooded: Vec<OfficerId> = all_flooded.map(|(officer, _)| officer.clone()).collect();
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

    fn publication(&self, alarm: &Alarm, facts: &[Fact]) -> Fact {
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

/// Which rules what a device says matters to, one bit each.
#[derive(Debug, Clone, Copy)]
struct Listening(u64);

impl Listening {
    fn to(rules: &[Box<dyn Rule>], device: &Device, reading: &Reading) -> Self {
        debug_assert!(rules.len() <= 64, "one bit each");
        let bits = rules.iter().enumerate().map(|(n, rule)| u64::from(rule.hears(device, reading)) << n);
        Self(bits.fold(0, std::ops::BitOr::bitor))
    }

    fn any(self) -> bool {
        self.0 != 0
    }

    fn has(self, rule: usize) -> bool {
        self.0 >> rule & 1 == 1
    }
}

fn alarm_calls(book: &Book, id: &AlarmId, rung: usize) -> bool {
    let rungs = book.alarms.get(id).map(|alarm| &alarm.ladder.rungs);
    rungs.and_then(|rungs| rungs.get(rung)).is_some_and(|rung| rung.call_resident)
}

impl Sighted {
    fn with<'a>(&'a self, known: &'a Registered, said: &'a Observation) -> Sighting<'a> {
        Sighting {
            id: &self.id,
            device: &known.device,
            home: known.home.as_ref(),
            said,
            occurred: self.occurred,
            freshness: self.freshness,
            duplicate: self.duplicate,
            reused_id: self.reused_id,
        }
    }
}

//! Observing: what is said changes what was *seen* and what each rule keeps, never the book; it finds what is to be
//! decided. Recovery observes too.

use crate::rules::{Rule, RuleName, RuleTimers};
use crate::setup::Registered;
use crate::{Engine, Freshness, PHONE_RETURNS_WITHIN, PhoneSeen, Sighting, Timer, Trigger};
use std::sync::Arc;
use wanglou_model::{
    AvailabilityScope, Device, DeviceId, Input, Observation, PhoneId, PhoneState, PlaceId, Reading, Reason,
    Repeats, Span, Timestamp, Way,
};

/// Somebody whose phones are all gone for so long is called by another way, and their backup too.
const OFFLINE_AFTER: Span = Span::secs(60);

/// A device is UNKNOWN when it was silent for so many of its intervals.
const SILENT_INTERVALS: i64 = 2;

/// What the broker says of a message beside its content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    pub(crate) retain: bool,
    pub(crate) dup: bool,
    pub(crate) by: Option<Way>,
}

/// What is known of a sighting beside the observation itself.
#[derive(Debug, Clone)]
pub(crate) struct Sighted {
    pub(crate) id: DeviceId,
    pub(crate) occurred: Timestamp,
    pub(crate) freshness: Freshness,
    pub(crate) duplicate: bool,
    pub(crate) reused_id: bool,
}

impl Engine {
    pub(crate) fn observe_said(
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
        let answers = matches!(said.reading, Reading::CallResult { .. });
        let matters =
            (listening.any() && says_something(said)) || answers || said.repeats == Repeats::UniqueIds;
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
    pub(crate) fn observe_due(&mut self, at: Timestamp) -> Option<Vec<Trigger>> {
        let (_, timer) = self.timers.pop(at)?;
        if let Timer::Channel(id) = &timer {
            self.rang.clocks.push(id.clone());
        }
        Some(match timer {
            Timer::Rule { rule, subject, slot } => self.observe_rule_due(rule.index(), subject, slot),
            Timer::Silence(device) => {
                let triggers = self.observe_silence(device);
                self.pass_on_health(&triggers);
                triggers
            }
            Timer::PhonesReturn => {
                self.drop_absent_phones();
                self.rang.all = true;
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

    pub(crate) fn observe_input(&mut self, at: Timestamp, input: &Input) -> Vec<Trigger> {
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

fn limit_phones(phones: &mut std::collections::BTreeMap<PhoneId, PhoneSeen>) {
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

impl Sighted {
    pub(crate) fn with<'a>(&'a self, known: &'a Registered, said: &'a Observation) -> Sighting<'a> {
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

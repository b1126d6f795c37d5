//! The compound's traffic through the gateway's core (profiles, then engine) in simulated time, with people who act or do
//! not, and a count of what their phones do. The core is that of `wanglou backtest`.

use crate::people::People;
use crate::pushes::Pushes;
use std::collections::BTreeMap;
use std::sync::Arc;
use wanglou_engine::Engine;
use wanglou_gateway::backtest::{AlarmRef, Effect, EffectName, Line, PhoneNews, Simulation, What};
use wanglou_gateway::configuration::Loaded;
use wanglou_model::{NoteKind, OfficerId, Op, PhoneState, Span, Timestamp};
use wanglou_simulator::{Act, Event};

/// One run.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    simulation: Simulation,
    /// Everything that came out, except what is said of devices' health.
    pub(crate) effects: Vec<Effect>,
    /// Every time that a phone rang.
    pub(crate) pushes: Pushes,
    /// Messages that went in.
    pub(crate) messages: u64,
    people: Option<People>,
    plans: BTreeMap<(Timestamp, usize), What>,
    number: usize,
}

impl Rehearsal {
    /// Everybody's phone is online and stores what it gets. Without `people` nobody does anything.
    pub(crate) fn new(loaded: &Loaded, people: Option<People>) -> Self {
        let decisive = &loaded.decisive;
        Self {
            simulation: Simulation::new(Arc::clone(&decisive.setup), Arc::clone(&decisive.profiles)),
            effects: Vec::new(),
            pushes: Pushes::default(),
            messages: 0,
            people,
            plans: BTreeMap::new(),
            number: 0,
        }
    }

    /// The engine as it stands.
    pub(crate) fn engine(&self) -> &Engine {
        self.simulation.engine()
    }

    /// Somebody does something at a time.
    pub(crate) fn plan(&mut self, at: Timestamp, what: What) {
        self.number += 1;
        self.plans.insert((at, self.number), what);
    }

    /// What no sensor says, at its times.
    pub(crate) fn plan_acts(&mut self, acts: impl IntoIterator<Item = (Timestamp, Act)>) {
        for (at, act) in acts {
            match act {
                Act::Broker(lost) => self.plan(at, What::Broker { lost, session: true }),
                Act::Phone(officer, state) => self.plan_phone(at, officer, state),
                Act::Report(report, id) => {
                    let id = Some(("card".to_owned(), id));
                    self.plan(at, What::Report { report: Box::new(report), kind: NoteKind::Report, id });
                }
                Act::Handover(from, to) => {
                    for (n, (officer, to)) in [(from.clone(), to.clone()), (to, from)].into_iter().enumerate()
                    {
                        let op = Op::Handover { to };
                        self.plan(at + Span::secs(8 * n as i64), What::Officer { officer, op, alarm: None });
                    }
                }
            }
        }
    }

    /// Somebody's phone comes or goes at a time.
    pub(crate) fn plan_phone(&mut self, at: Timestamp, officer: OfficerId, state: PhoneState) {
        self.plan(at, What::Phone { officer, news: PhoneNews::Is(state) });
    }

    /// Somebody does something about an alarm at a time.
    pub(crate) fn plan_act(&mut self, at: Timestamp, officer: OfficerId, alarm: usize, op: Op) {
        self.plan(at, What::Officer { officer, op, alarm: Some(AlarmRef::Nth(alarm)) });
    }

    /// Lets the events happen up to `until`. `watch` sees the engine after whatever had an effect.
    pub(crate) fn run(
        &mut self,
        events: impl Iterator<Item = Event>,
        until: Timestamp,
        mut watch: impl FnMut(&mut Rehearsal, &[Effect]),
    ) {
        for event in events.take_while(|event| event.at < until) {
            self.catch_up(event.at, &mut watch);
            let message = event.message(event.at);
            let (topic, payload) = (message.topic, message.payload);
            self.messages += 1;
            let what = What::Message { topic, payload, retain: message.retain, dup: false };
            self.feed(event.at, what, &mut watch);
        }
        self.catch_up(until, &mut watch);
        self.simulation.pass(until);
        self.after(&mut watch);
    }

    /// Whatever was planned up to a time.
    fn catch_up(&mut self, until: Timestamp, watch: &mut impl FnMut(&mut Rehearsal, &[Effect])) {
        while let Some(entry) = self.plans.first_entry().filter(|entry| entry.key().0 <= until) {
            let ((at, _), what) = entry.remove_entry();
            self.feed(at, what, watch);
        }
    }

    fn feed(&mut self, at: Timestamp, what: What, watch: &mut impl FnMut(&mut Rehearsal, &[Effect])) {
        self.number += 1;
        self.simulation.feed(&Line { number: self.number, at, what });
        self.after(watch);
    }

    fn after(&mut self, watch: &mut impl FnMut(&mut Rehearsal, &[Effect])) {
        let effects = self.simulation.take_effects();
        if effects.is_empty() {
            return;
        }
        self.pushes.take(&effects);
        if let Some(mut people) = self.people.take() {
            people.react(&effects, self);
            self.people = Some(people);
        }
        watch(self, &effects);
        let is_health = |effect: &Effect| effect.effect == EffectName::Fault && effect.kind.is_none();
        self.effects.extend(effects.into_iter().filter(|effect| !is_health(effect)));
    }
}

/// The number of an alarm, `$n`.
pub(crate) fn number_of(effect: &Effect) -> Option<usize> {
    effect.alarm.as_ref()?.strip_prefix('$')?.parse().ok()
}

//! What phones do, counted.
//!
//! **A push** is one moment at which one alarm makes one person's phone ring: a rung of a ladder that names them and
//! reaches them, a reminder, a stand-down, an alarm that is handed or transferred to them, or a digest. The same rung by a
//! second channel (a card, a call, because the first was not taken) is the same push. What is shown without ringing (a
//! review, a part of an incident, a count) is none, and what rings residents is theirs.

use std::collections::BTreeMap;
use wanglou_gateway::backtest::{Effect, EffectName};
use wanglou_model::{Priority, Span, Timestamp};

/// The channels of one rung follow each other within so long.
const ONE_RUNG: Span = Span::secs(60);

/// One ring of one phone.
#[derive(Debug, Clone)]
pub(crate) struct Push {
    /// When.
    pub(crate) at: Timestamp,
    /// Whose, an officer's id.
    pub(crate) to: String,
    /// About which alarm, `$n`.
    pub(crate) alarm: String,
    /// Its kind.
    pub(crate) kind: String,
}

/// All of them, in order.
#[derive(Debug, Default)]
pub(crate) struct Pushes {
    /// In order.
    pub(crate) all: Vec<Push>,
    latest: BTreeMap<(String, String), Timestamp>,
    priorities: BTreeMap<String, Priority>,
}

impl Pushes {
    pub(crate) fn take(&mut self, effects: &[Effect]) {
        for effect in effects {
            let Some(alarm) = effect.alarm.clone() else { continue };
            if let Some(priority) = effect.priority {
                self.priorities.insert(alarm.clone(), priority);
            }
            let to = effect.to.as_deref().and_then(|to| to.strip_prefix("officer:"));
            let (EffectName::Notify, Some(to)) = (effect.effect, to) else { continue };
            let key = (to.to_owned(), alarm.clone());
            let within = if effect.channel == Some("ws") { Span::ZERO } else { ONE_RUNG };
            let again = self.latest.get(&key).is_some_and(|then| effect.time - *then <= within);
            self.latest.insert(key, effect.time);
            if again {
                continue;
            }
            self.all.push(Push {
                at: effect.time,
                to: to.to_owned(),
                alarm,
                kind: effect.kind.clone().unwrap_or_default(),
            });
        }
    }

    /// The latest priority of an alarm.
    pub(crate) fn priority(&self, alarm: &str) -> Option<Priority> {
        self.priorities.get(alarm).copied()
    }

    /// By person: how many there were, and the most in any time of this length.
    pub(crate) fn by_person(
        &self,
        window: Span,
        counts: impl Fn(&Push) -> bool,
    ) -> BTreeMap<String, (usize, usize)> {
        let mut times: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
        for push in self.all.iter().filter(|push| counts(push)) {
            times.entry(push.to.clone()).or_default().push(push.at);
        }
        let most = |times: &[Timestamp]| {
            let within =
                |from: &Timestamp| times.iter().filter(|at| (*from..*from + window).contains(at)).count();
            times.iter().map(within).max().unwrap_or(0)
        };
        times.into_iter().map(|(person, times)| (person, (times.len(), most(&times)))).collect()
    }

    /// Those of one alarm.
    pub(crate) fn of<'a>(&'a self, alarm: &'a str) -> impl Iterator<Item = &'a Push> {
        self.all.iter().filter(move |push| push.alarm == alarm)
    }
}

//! §8: calls for help, gas, water where none should be.

use super::alarm::{Raise, Tell};
use super::news::{Age, Told};
use super::{Due, Model};
use std::collections::BTreeSet;
use wanglou_model::*;

/// The latest call for help from a place.
#[derive(Debug, Clone)]
pub(crate) struct SosCall {
    first: Timestamp,
    latest: Timestamp,
    pressed: BTreeSet<DeviceId>,
}

/// A detector that says that there is gas, or water.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    device: DeviceId,
    place: PlaceId,
    since: Timestamp,
    /// A person ended the alarm meanwhile: not believed until it has said otherwise.
    disbelieved: bool,
    /// It has stood for long enough, or from when on it will have.
    settles_at: Option<Timestamp>,
}

const GAS: (&str, &str) = ("gas", "");
const LEAK: (&str, &str) = ("leak", "");

impl Model {
    /// "SOS P1 always; presses within 60 s merge."
    pub(crate) fn sos_said(&mut self, told: &Told) {
        let Reading::Sos { active, .. } = told.reading else { return };
        if told.double || told.age == Age::Test {
            return;
        }
        let (place, now) = (told.known.place.clone(), self.now);
        let known = self.sos.contains_key(&place);
        if !active {
            if let Some(call) = self.sos.get_mut(&place) {
                call.pressed.remove(&told.device);
            }
            return;
        }
        let call = self.sos.entry(place.clone()).or_insert(SosCall {
            first: now,
            latest: now,
            pressed: BTreeSet::new(),
        });
        // A button that tells its state again is no second press.
        let state = told.age == Age::Retained || told.state_only;
        if !call.pressed.insert(told.device.clone()) && state {
            return;
        }
        if known && now - call.latest > Span::secs(60) {
            call.first = now;
        }
        call.latest = now;
        let key = format!("{place} {}", call.first.0);
        let mut raise = Raise::new(("sos", ""), key, &place, Priority::P1);
        raise.merge = Span::secs(60);
        raise.ladder.rungs[0].tell.push(Tell::Role(Role::Captain));
        if let Some(home) = self.site.homes.get(&place) {
            raise.ladder.rungs[0].tell.push(Tell::People(home.family.clone()));
        }
        self.raise(raise.because(Some(told), told.when));
    }

    /// "Gas: device alarm P1"; one that only measures from 10 %LEL on.
    pub(crate) fn gas_said(&mut self, told: &Told) {
        let Reading::Gas { active, lel_pct, .. } = told.reading else { return };
        if told.double || told.age == Age::Test {
            return;
        }
        let there = active == Some(true) || lel_pct.is_some_and(|pct| pct >= 10.0);
        let place = told.known.place.clone();
        let spoke = self.gas.iter().any(|word| word.place == place);
        if !hold(&mut self.gas, told, there, None) && !spoke {
            return;
        }
        if !believed(&self.gas, &place) {
            return self.clear(GAS, place.as_str());
        }
        if there && (told.is_news() || self.active_one(GAS, place.as_str()).is_none()) {
            let mut raise = Raise::new(GAS, place.to_string(), &place, Priority::P1);
            raise.ladder.rungs[0].tell.push(Tell::Role(Role::Captain));
            let began = began(&self.gas, &place).unwrap_or(self.now);
            self.raise(raise.because(Some(told), began));
        }
    }

    /// "Leak: wet 30 s P3, pump room or underground garage P2."
    pub(crate) fn leak_said(&mut self, told: &Told) {
        let Reading::Leak { wet } = told.reading else { return };
        if told.double || told.age == Age::Test {
            return;
        }
        let settle = if told.known.debounced { Span::ZERO } else { Span::secs(30) };
        let settles_at = (told.when + settle).max(self.now);
        let place = told.known.place.clone();
        hold(&mut self.leaks, told, wet, Some(settles_at));
        if told.known.debounced {
            self.leaks
                .iter_mut()
                .filter(|word| word.place == place && word.settles_at == Some(settles_at))
                .for_each(settle_now);
        }
        if !believed(&self.leaks, &place) {
            return self.clear(LEAK, place.as_str());
        }
        if wet {
            self.judge_leak(&place, Some(told));
        }
    }

    fn judge_leak(&mut self, place: &PlaceId, told: Option<&Told>) {
        let settled = |word: &Word| word.place == *place && !word.disbelieved && word.settles_at.is_none();
        if !self.leaks.iter().any(settled) {
            return;
        }
        let kind = self.site.places.get(place).map(|place| place.kind);
        let urgent = matches!(kind, Some(PlaceKind::PumpRoom | PlaceKind::Garage));
        let priority = if urgent { Priority::P2 } else { Priority::P3 };
        let again = told.is_some_and(Told::is_news);
        if again || self.active_one(LEAK, place.as_str()).is_none() {
            let began = began(&self.leaks, place).unwrap_or(self.now);
            self.raise(Raise::new(LEAK, place.to_string(), place, priority).because(told, began));
        }
    }

    pub(crate) fn leak_dues(&self, dues: &mut Vec<(Timestamp, Due)>) {
        for word in self.leaks.iter().filter(|word| !word.disbelieved) {
            dues.extend(word.settles_at.map(|at| (at, Due::Wet(word.place.clone()))));
        }
    }

    pub(crate) fn wet_due(&mut self, place: &PlaceId) {
        self.leaks.iter_mut().filter(|word| word.place == *place).for_each(settle_now);
        self.judge_leak(place, None);
    }

    pub(crate) fn dismiss_gas(&mut self, place: &PlaceId) {
        self.gas.iter_mut().filter(|word| word.place == *place).for_each(|word| word.disbelieved = true);
    }

    pub(crate) fn dismiss_leak(&mut self, place: &PlaceId) {
        self.leaks.iter_mut().filter(|word| word.place == *place).for_each(|word| word.disbelieved = true);
    }
}

fn settle_now(word: &mut Word) {
    word.settles_at = None;
}

/// A detector's word, as it stands now. Returns whether it says so.
fn hold(words: &mut Vec<Word>, told: &Told, there: bool, settles_at: Option<Timestamp>) -> bool {
    if !there {
        words.retain(|word| word.device != told.device);
        return false;
    }
    if !words.iter().any(|word| word.device == told.device) {
        words.push(Word {
            device: told.device.clone(),
            place: told.known.place.clone(),
            since: told.when,
            disbelieved: false,
            settles_at,
        });
    }
    true
}

fn began(words: &[Word], place: &PlaceId) -> Option<Timestamp> {
    words.iter().filter(|word| word.place == *place && !word.disbelieved).map(|word| word.since).min()
}

fn believed(words: &[Word], place: &PlaceId) -> bool {
    words.iter().any(|word| word.place == *place && !word.disbelieved)
}

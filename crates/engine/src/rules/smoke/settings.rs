//! Times of the rule about smoke.

use crate::rules::time_of_day;
use crate::senses::Senses;
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use wanglou_model::{MinuteOfDay, Span};

/// Times of the rule. Defaults: the project's alarm rules, §8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmokeSettings {
    /// Neither the resident answers nor anybody accepts for so long: the captain and the backup, seconds.
    pub answer_s: i64,
    /// The same at night, seconds.
    pub answer_night_s: i64,
    /// No word from the spot for so long: the station, and 119 is prompted, seconds.
    pub word_s: i64,
    /// The same at night, seconds.
    pub word_night_s: i64,
    /// Night begins, when most people die in fires, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub night_from: MinuteOfDay,
    /// Night ends, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub night_until: MinuteOfDay,
    /// "Cooking" is believed if the smoke is gone so soon after it was said, seconds.
    pub cooking_s: i64,
    /// Smoke again so long after it was gone is a new alarm, and a second detector agrees within it, seconds.
    pub anew_s: i64,
    /// A heat detector that tells degrees only: from here on it is an alarm, °C.
    pub heat_celsius: f64,
}

impl Default for SmokeSettings {
    fn default() -> Self {
        Self {
            answer_s: 60,
            answer_night_s: 30,
            word_s: 300,
            word_night_s: 180,
            night_from: MinuteOfDay(20 * 60),
            night_until: MinuteOfDay(6 * 60),
            cooking_s: 300,
            anew_s: 600,
            heat_celsius: 60.0,
        }
    }
}

impl SmokeSettings {
    fn is_night(&self, senses: &Senses, setup: &Setup) -> bool {
        senses.local(setup).is_between(self.night_from, self.night_until)
    }

    /// How long an answer is waited for.
    pub(super) fn answer(&self, senses: &Senses, setup: &Setup) -> Span {
        Span::secs(if self.is_night(senses, setup) { self.answer_night_s } else { self.answer_s })
    }

    /// How long word from the spot is waited for.
    pub(super) fn word(&self, senses: &Senses, setup: &Setup) -> Span {
        Span::secs(if self.is_night(senses, setup) { self.word_night_s } else { self.word_s })
    }
}

//! What is known of one zone: its last minutes, and the breaches of the evening.

use super::settings::{Limit, NoiseSettings};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use wanglou_model::{Priority, Span, Timestamp};

/// Reports that tell whether a meter is stuck.
const STUCK_AFTER: usize = 10;

/// One report, as far as it counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Minute {
    pub(super) from: Timestamp,
    pub(super) period: Span,
    pub(super) db: f64,
    pub(super) limit: Limit,
    /// Its maximum stands out: too loud by one bang.
    pub(super) impulse: bool,
}

impl Minute {
    fn is_over(&self, above: f64) -> bool {
        !self.impulse && self.db > self.limit.db + above
    }
}

/// What is to be decided on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum News {
    Loud { priority: Priority, again: bool },
    Quiet,
    Burst,
    Invalid(String),
}

/// What is known of a zone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Zone {
    pub(super) minutes: VecDeque<Minute>,
    levels: VecDeque<f64>,
    /// So long it has been far above the limit, seconds.
    burst_s: f64,
    /// The evening that is counted, by its date.
    pub(super) evening: String,
    /// Its breaches so far.
    pub(super) breaches: u32,
    /// The breach that goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) loud: bool,
    /// When the latest breach ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) news: Option<News>,
}

impl Zone {
    /// A meter that tells the same all the time hears nothing.
    pub(super) fn is_stuck(&mut self, settings: &NoiseSettings, db: f64) -> bool {
        self.levels.push_back(db);
        if self.levels.len() > STUCK_AFTER {
            self.levels.pop_front();
        }
        if self.levels.len() < STUCK_AFTER {
            return false;
        }
        let n = self.levels.len() as f64;
        let mean = self.levels.iter().sum::<f64>() / n;
        let variance = self.levels.iter().map(|level| (level - mean).powi(2)).sum::<f64>() / n;
        variance.sqrt() < settings.sigma_db
    }

    /// A short report. Returns nothing else than that the voice is called for.
    pub(super) fn short(&mut self, settings: &NoiseSettings, minute: &Minute) {
        let before = self.burst_s;
        self.burst_s =
            if minute.is_over(settings.above_db) { before + minute.period.as_secs_f64() } else { 0.0 };
        if before < settings.burst_s && self.burst_s >= settings.burst_s {
            self.news = Some(News::Burst);
        }
    }

    /// A minute, or a longer period.
    pub(super) fn hear(&mut self, settings: &NoiseSettings, evening: &str, minute: Minute) {
        if self.evening != evening {
            (self.evening, self.breaches) = (evening.to_owned(), 0);
        }
        let long = minute.period.as_secs_f64() >= settings.long_period_s;
        let at = minute.from + minute.period;
        let window = Span::mins(settings.of_minutes as i64).max(minute.period);
        self.minutes.push_back(minute);
        self.minutes.retain(|minute| at - minute.from <= window);
        while self.minutes.len() > settings.of_minutes.max(1) {
            self.minutes.pop_front();
        }
        let needed = if long { 1 } else { settings.minutes };
        let latest_only = |n: usize| if long { 1 } else { n };
        let of = latest_only(self.minutes.len());
        let over =
            |above: f64| self.minutes.iter().rev().take(of).filter(|minute| minute.is_over(above)).count();
        let calm = |minute: &&Minute| minute.db <= minute.limit.db - settings.clear_db;
        let quiet = self.minutes.iter().rev().take(of).filter(calm).count();
        let quiet_needed = latest_only(settings.of_minutes.saturating_sub(1).max(1));
        let outside = self.minutes.back().is_some_and(|minute| minute.limit.outside);
        let news_now = self.minutes.back().is_some_and(|minute| minute.is_over(0.0));
        let priority = match () {
            () if over(0.0) < needed => None,
            () if outside => Some(Priority::P4),
            () if over(settings.above_db) >= needed => Some(Priority::P2),
            () => Some(Priority::P3),
        };
        match priority {
            Some(priority) if news_now => self.loud(settings, at, priority),
            _ if self.loud && quiet >= quiet_needed => {
                (self.loud, self.ended, self.news) = (false, Some(at), Some(News::Quiet));
            }
            _ => {}
        }
    }

    fn loud(&mut self, settings: &NoiseSettings, at: Timestamp, priority: Priority) {
        if self.loud {
            self.news = Some(News::Loud { priority, again: true });
            return;
        }
        if self.ended.is_some_and(|ended| at - ended < Span::secs(settings.again_s)) {
            return;
        }
        self.loud = true;
        self.breaches += 1;
        self.news = Some(News::Loud { priority, again: false });
    }
}

//! What is known of one door.

use super::settings::AccessSettings;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use wanglou_model::{Mark, Span, Timestamp};

/// Grants, denials and movements of one door that are kept; the oldest goes first.
const KEPT_MAX: usize = 32;

/// What is to be decided on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum News {
    /// It was opened, and nobody allowed it.
    Forced {
        at: Timestamp,
    },
    /// It stands open for so long that the controller beeps.
    Beep,
    Held,
    HeldLong,
    Shut,
    Denied,
    Granted,
    Duress,
    Flapping,
}

/// What is known of one door.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Door {
    /// Open since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) open_since: Option<Timestamp>,
    /// Held is not judged before: what was buffered may say the contrary at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    judged_from: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<Mark>,
    /// The opening that is to be judged once no grant can follow any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Timestamp>,
    /// This opening is allowed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    allowed: bool,
    /// When an allowed opening was closed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    closed: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    grants: VecDeque<Timestamp>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    denials: VecDeque<Timestamp>,
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    edges: VecDeque<Timestamp>,
    /// The contact is not believed until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) shelved: Option<Timestamp>,
    /// When the controller was online again last: what it buffered is older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) back_at: Option<Timestamp>,
    /// The furthest step of the held clock that was told.
    #[serde(default)]
    pub(super) told: u8,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) news: Vec<News>,
}

fn keep(list: &mut VecDeque<Timestamp>, at: Timestamp) {
    list.push_back(at);
    if list.len() > KEPT_MAX {
        list.pop_front();
    }
}

impl Door {
    /// Somebody may open it, or asked to be let out. Returns whether that settles an opening which was to be judged.
    pub(super) fn granted(&mut self, settings: &AccessSettings, at: Timestamp) {
        keep(&mut self.grants, at);
        let after = Span::secs(settings.grant_after_s);
        let before = Span::secs(settings.grant_before_s);
        if self.pending.is_some_and(|opened| at - opened <= after && opened - at <= before) {
            (self.pending, self.allowed) = (None, true);
        }
    }

    fn is_allowed(&self, settings: &AccessSettings, opened: Timestamp) -> bool {
        let (before, after) = (Span::secs(settings.grant_before_s), Span::secs(settings.grant_after_s));
        let near = |grant: &Timestamp| opened - *grant <= before && *grant - opened <= after;
        let again = self
            .closed
            .is_some_and(|closed| opened >= closed && opened - closed <= Span::secs(settings.reopen_s));
        again || self.grants.iter().any(near)
    }

    /// It is opened. `judge`: may this be judged as forced?
    pub(super) fn opened(&mut self, settings: &AccessSettings, at: Timestamp, now: Timestamp, judge: bool) {
        if self.open_since.is_some() {
            return;
        }
        (self.open_since, self.told) = (Some(at), 0);
        let stale = now - at > Span::secs(settings.beep_s);
        self.judged_from = stale.then(|| now + Span::mins(1));
        self.allowed = self.is_allowed(settings, at);
        self.pending = (judge && !self.allowed).then_some(at);
    }

    pub(super) fn shut(&mut self, at: Timestamp) {
        if self.open_since.take().is_none() {
            return;
        }
        self.news.push(News::Shut);
        if self.allowed {
            self.closed = Some(at);
        }
        (self.allowed, self.judged_from) = (false, None);
    }

    /// The contact moved. Too often within a minute it is broken.
    pub(super) fn moved(&mut self, settings: &AccessSettings, at: Timestamp, now: Timestamp) {
        keep(&mut self.edges, at);
        self.edges.retain(|edge| at - *edge <= Span::mins(1));
        if self.edges.len() >= settings.flapping_edges.min(KEPT_MAX) && !self.is_shelved(now) {
            self.shelved = Some(now + Span::secs(settings.shelved_s));
            self.pending = None;
            self.edges.clear();
            self.news.push(News::Flapping);
        }
    }

    pub(super) fn is_shelved(&self, now: Timestamp) -> bool {
        self.shelved.is_some_and(|until| now < until)
    }

    pub(super) fn denied(&mut self, settings: &AccessSettings, at: Timestamp) {
        keep(&mut self.denials, at);
        self.denials.retain(|denial| at - *denial <= Span::secs(settings.denials_s));
        if self.denials.len() >= settings.denials.min(KEPT_MAX) {
            self.news.push(News::Denied);
        }
    }

    pub(super) fn valid_grant(&mut self) {
        self.denials.clear();
        self.news.push(News::Granted);
    }

    /// When it is to be judged next for standing open.
    pub(super) fn next_look(&self, settings: &AccessSettings, now: Timestamp) -> Option<Timestamp> {
        let since = self.open_since?;
        let steps = [settings.beep_s, settings.held_s, settings.held_long_s].map(|s| since + Span::secs(s));
        let next = steps.get(usize::from(self.told)).copied().unwrap_or(now + Span::mins(10));
        Some(next.max(self.judged_from.unwrap_or(next)).max(self.shelved.unwrap_or(next)))
    }

    /// How long it stands open now, as news.
    pub(super) fn look(&mut self, settings: &AccessSettings, now: Timestamp) {
        let Some(since) = self.open_since else { return };
        let stood = |s: i64| now - since >= Span::secs(s);
        let (told, news) = match () {
            () if stood(settings.held_long_s) => (3, News::HeldLong),
            () if stood(settings.held_s) => (2, News::Held),
            () if stood(settings.beep_s) => (1, News::Beep),
            () => return,
        };
        self.told = told;
        self.news.push(news);
    }
}

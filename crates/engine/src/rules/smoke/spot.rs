//! What is known of one place: which senses say that something burns there, and since when.

use serde::{Deserialize, Serialize};
use wanglou_model::{DeviceId, Mark, Span, Timestamp};

/// By what a fire is noticed. Two of them, or two detectors, are never one false alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Sense {
    Smoke,
    Heat,
    ManualPoint,
    Flame,
    /// Raises nothing here, but agrees with what does.
    Co,
}

/// One detector that says so, or did until lately.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Witness {
    pub(super) device: DeviceId,
    pub(super) sense: Sense,
    /// Since when it is silent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Timestamp>,
    /// A person ended the alarm while it still said so: not believed until it has said otherwise.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) dismissed: bool,
}

impl Witness {
    fn says_so(&self) -> bool {
        self.ended.is_none() && !self.dismissed
    }

    /// Does it say so now, or did it within `anew` before?
    pub(super) fn counts(&self, at: Timestamp, anew: Span) -> bool {
        !self.dismissed && self.ended.is_none_or(|ended| at - ended < anew)
    }
}

/// A fire, or what looks like one, from its first sign on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Episode {
    pub(super) at: Timestamp,
    pub(super) sense: Sense,
}

/// What is known of a place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Spot {
    pub(super) witnesses: Vec<Witness>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) episode: Option<Episode>,
    /// Since when none of them says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) quiet_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<Mark>,
}

impl Spot {
    /// Does anything that raises say that something burns?
    pub(super) fn burns(&self) -> bool {
        self.witnesses.iter().any(|witness| witness.sense != Sense::Co && witness.says_so())
    }

    /// A detector says so.
    pub(super) fn begin(&mut self, at: Timestamp, anew: Span, device: &DeviceId, sense: Sense) {
        let burnt = self.burns();
        match self.witness(device, sense) {
            Some(known) if known.ended.is_none() => return,
            Some(known) => (known.ended, known.dismissed) = (None, false),
            None => {
                let (device, ended) = (device.clone(), None);
                self.witnesses.push(Witness { device, sense, ended, dismissed: false });
            }
        }
        if burnt || sense == Sense::Co {
            return;
        }
        let lately = self.quiet_since.take().is_some_and(|since| at - since < anew);
        if !lately || self.episode.is_none() {
            self.episode = Some(Episode { at, sense });
        }
    }

    /// A detector says that it is over.
    pub(super) fn end(&mut self, at: Timestamp, device: &DeviceId, sense: Sense) {
        let burnt = self.burns();
        if let Some(known) = self.witness(device, sense) {
            known.ended.get_or_insert(at);
            known.dismissed = false;
        }
        if burnt && !self.burns() {
            self.quiet_since = Some(at);
        }
    }

    /// A person ended the alarm. A detector that says the same all the time is stuck.
    pub(super) fn dismiss(&mut self, at: Timestamp) {
        if self.burns() {
            self.quiet_since = Some(at);
        }
        self.witnesses.iter_mut().filter(|witness| witness.ended.is_none()).for_each(|witness| {
            witness.dismissed = true;
        });
    }

    /// Forgets detectors that have been silent for long. Is anything left to remember?
    pub(super) fn tidy(&mut self, at: Timestamp, anew: Span) -> bool {
        self.witnesses.retain(|witness| witness.ended.is_none_or(|ended| at - ended < anew));
        !self.witnesses.is_empty()
    }

    fn witness(&mut self, device: &DeviceId, sense: Sense) -> Option<&mut Witness> {
        self.witnesses.iter_mut().find(|known| known.device == *device && known.sense == sense)
    }
}

//! Carbon monoxide (`co`): nobody smells it, and whoever is poisoned does not help themselves. The device's own alarm
//! is P1, and so is a concentration that has stood for long enough to harm.
//!
//! Subject and key: the home, or else the place of the detector.

use super::gas::with_captain;
use super::sensing::{gone, mark_of, self_tested, subject_of, there, word_ends_it};
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{Device, DeviceId, Mark, Outcome, PlaceId, Priority, Reading, Reason, Span, Timestamp};

/// The slot of its timer on a subject: a concentration has stood for long enough.
const STOOD: u8 = 0;

/// Thresholds of the rule. Defaults: the project's alarm rules, §8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CoSettings {
    /// Concentrations, parts per million, the highest first.
    pub ppm: [f64; 3],
    /// For how long each of them must stand, seconds.
    pub stands_s: [i64; 3],
}

impl Default for CoSettings {
    fn default() -> Self {
        Self { ppm: [300.0, 100.0, 50.0], stands_s: [180, 600, 3600] }
    }
}

/// What one detector says. A reading holds until the next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Detector {
    /// Its own alarm, since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alarm: Option<Timestamp>,
    /// Since when each of the concentrations is reached.
    since: [Option<Timestamp>; 3],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
    /// A person ended the alarm while it said so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dismissed: bool,
}

impl Detector {
    fn is_quiet(&self) -> bool {
        self.alarm.is_none() && self.since.iter().all(Option::is_none)
    }

    /// From when on it is an alarm, and since when that began.
    fn alarming(&self, settings: &CoSettings) -> Option<(Timestamp, Timestamp)> {
        let stands = settings.stands_s.iter().map(|s| Span::secs(*s));
        let levels =
            self.since.iter().zip(stands).filter_map(|(since, stands)| Some((since.as_ref()?, stands)));
        let by_level = levels.map(|(since, stands)| (*since + stands, *since));
        by_level.chain(self.alarm.map(|since| (since, since))).min().filter(|_| !self.dismissed)
    }

    fn see(&mut self, settings: &CoSettings, at: Timestamp, active: Option<bool>, ppm: Option<f64>) {
        match active {
            Some(true) => _ = self.alarm.get_or_insert(at),
            Some(false) => self.alarm = None,
            None => {}
        }
        let Some(ppm) = ppm else { return };
        for (since, level) in self.since.iter_mut().zip(settings.ppm) {
            if ppm >= level {
                since.get_or_insert(at);
            } else {
                *since = None;
            }
        }
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct Co {
    settings: CoSettings,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// Detectors that say something, by place. A quiet one takes no room.
    places: BTreeMap<PlaceId, BTreeMap<DeviceId, Detector>>,
}

impl Co {
    pub(crate) fn new(settings: CoSettings) -> Self {
        Self { settings, kept: Kept::default() }
    }

    /// The earliest of a place's detectors: from when on, since when, and how the news came.
    fn alarming(&self, place: &PlaceId) -> Option<(Timestamp, Timestamp, Option<Mark>)> {
        let detectors = self.kept.places.get(place)?.values();
        let all =
            detectors.filter_map(|one| one.alarming(&self.settings).map(|(at, since)| (at, since, one.mark)));
        all.min()
    }

    fn raise(&self, world: &World, subject: &Subject, said: Option<&Sighting>) -> Option<Proposal> {
        let (from, since, mark) = self.alarming(subject)?;
        if from > world.at {
            return None;
        }
        let reason =
            Reason::new("co", "一氧化碳超标：立即开窗、撤出", "carbon monoxide: open the windows, get out");
        let mut raise = Raise::new(subject.as_str(), subject, Priority::P1, since, reason);
        if let Some(said) = said {
            raise = raise.seen_by(said);
        } else {
            raise.device = self.kept.places.get(subject)?.keys().next().cloned();
        }
        (raise.first_at, raise.mark) = (since, mark);
        raise.ladder = Some(with_captain(true));
        there(world, &kind_of("co"), said, raise)
    }
}

impl Rule for Co {
    fn name(&self) -> &'static str {
        "co"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("一氧化碳告警", "Carbon monoxide"),
            advice: vec![
                text("先开窗通风再进屋，不要独自进入", "Open windows before going in; never go in alone"),
                text("把人移到户外，拨打120", "Bring people outside and call 120"),
                text("关热水器、炉灶，查邻户", "Turn off heater and stove; check the neighbours"),
                text("降下来并查明原因后点“处理结果”", "When it is down and the cause is known, tap Resolve"),
            ],
        }
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn hears(&self, _device: &Device, reading: &Reading) -> bool {
        matches!(reading, Reading::Co { .. })
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.co);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.co.clone();
        for detectors in self.kept.places.values_mut() {
            detectors.retain(|id, _| setup.site.devices.contains_key(id));
        }
    }

    fn observe(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let Reading::Co { active, ppm } = &sighting.said.reading else { return None };
        let subject = subject_of(sighting);
        if sighting.duplicate {
            return None;
        }
        if sighting.freshness == Freshness::Test {
            return (*active == Some(true)).then_some(subject);
        }
        let detectors = self.kept.places.entry(subject.clone()).or_default();
        let mut detector = detectors.remove(sighting.id).unwrap_or_default();
        let was_quiet = detector.is_quiet();
        detector.see(&self.settings, sighting.occurred, *active, *ppm);
        detector.mark = mark_of(sighting.freshness);
        let is_quiet = detector.is_quiet();
        if !is_quiet {
            detectors.insert(sighting.id.clone(), detector);
        }
        if detectors.is_empty() {
            self.kept.places.remove(&subject);
        }
        match self.alarming(&subject) {
            Some((from, ..)) if from > senses.at => timers.arm(&subject, STOOD, from),
            _ => timers.disarm(&subject, STOOD),
        }
        (!was_quiet || !is_quiet).then_some(subject)
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let said = match cause {
            Cause::Said(said) => Some(said),
            Cause::Due { .. } => None,
            Cause::Resumed => return Vec::new(),
        };
        if said.is_some_and(|said| said.freshness == Freshness::Test) {
            return vec![self_tested(&kind_of("co"), subject)];
        }
        if self.alarming(subject).is_none_or(|(from, ..)| from > world.at) {
            let reason = Reason::new("co_gone", "浓度已回落", "the concentration is down again");
            return gone(world, &kind_of("co"), subject.as_str(), reason);
        }
        self.raise(world, subject, said).into_iter().collect()
    }

    fn ended(&mut self, _: &Senses, _: &Setup, alarm: &Alarm, _: &Reason, _: &mut RuleTimers) {
        if alarm.kind.as_str() == self.name() {
            let detectors = self.kept.places.get_mut(&alarm.place).into_iter().flat_map(BTreeMap::values_mut);
            detectors.for_each(|detector| detector.dismissed = true);
        }
    }

    fn word_is_enough(&self, _world: &World, alarm: &Alarm, outcome: Outcome) -> bool {
        word_ends_it(alarm, outcome)
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

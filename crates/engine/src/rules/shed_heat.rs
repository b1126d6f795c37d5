//! Heat in a charging shed (`shed_heat`): a battery that runs away is out of hand within minutes.
//!
//! Subject and key: the shed. P1 at a temperature, at a rise, or by the detector's own word; the breaker must say within
//! seconds that the power is cut, where one is registered.

use super::actuators::{self, Actuators};
use super::sensing::{gone, mark_of, self_tested, there, word_ends_it};
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::ladder::default_ladder;
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use wanglou_model::{
    Device, DeviceId, Mark, Outcome, PlaceId, PlaceKind, Priority, Purpose, Reading, Reason, Span, Timestamp,
};

/// The slot of its timer on a subject: the power should be cut.
const CUT: u8 = 0;
/// Samples of one detector that are kept; the oldest goes first.
const SAMPLES_MAX: usize = 64;
/// Samples closer together than this are not both kept.
const SAMPLE_EVERY: Span = Span::secs(3);

/// Thresholds of the rule. Defaults: the project's alarm rules, §8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShedHeatSettings {
    /// From here on it is an alarm, °C.
    pub celsius: f64,
    /// So fast a rise is one, °C a minute.
    pub rise_celsius_min: f64,
    /// Over two samples that are at most so far apart, seconds.
    pub rise_s: i64,
    /// A smaller rise than this is noise, however fast, °C.
    pub rise_celsius: f64,
    /// Below it, and no longer rising, it is over, °C.
    pub clear_celsius: f64,
    /// A registered breaker must say so soon that the power is cut, seconds.
    pub cut_s: i64,
}

impl Default for ShedHeatSettings {
    fn default() -> Self {
        Self {
            celsius: 60.0,
            rise_celsius_min: 8.0,
            rise_s: 180,
            rise_celsius: 4.0,
            clear_celsius: 50.0,
            cut_s: 5,
        }
    }
}

/// What one detector says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Detector {
    /// Samples of the last minutes, the oldest first.
    samples: VecDeque<(Timestamp, f64)>,
    /// It is hot since then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hot: Option<Hot>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Hot {
    since: Timestamp,
    reason: Reason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
    /// A person ended the alarm while it was so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    dismissed: bool,
}

impl Detector {
    fn see(
        &mut self,
        settings: &ShedHeatSettings,
        said: &Sighting,
        celsius: Option<f64>,
        active: Option<bool>,
    ) {
        let at = said.occurred;
        let rise = celsius.and_then(|celsius| self.rise(settings, at, celsius));
        if let Some(celsius) = celsius.filter(|_| is_dated(said)) {
            self.keep(settings, at, celsius);
        }
        let hot = celsius.filter(|celsius| *celsius >= settings.celsius).map(|celsius| {
            Reason::new(
                "shed_hot",
                format!("充电棚温度 {celsius:.0} ℃"),
                format!("{celsius:.0} °C in the shed"),
            )
        });
        let rising = rise.filter(|_| is_dated(said)).map(|rise| {
            let zh = format!("充电棚每分钟升温 {rise:.0} ℃");
            Reason::new("shed_heating", zh, format!("the shed heats by {rise:.0} °C a minute"))
        });
        let own = (active == Some(true))
            .then(|| Reason::new("heat", "感温探测器告警", "the heat detector says so"));
        let cool = celsius.is_none_or(|celsius| celsius < settings.clear_celsius) && active != Some(true);
        let told = celsius.is_some() || active.is_some();
        match hot.or(rising).or(own) {
            Some(reason) if self.hot.is_none() => {
                self.hot = Some(Hot { since: at, reason, mark: mark_of(said.freshness), dismissed: false });
            }
            None if cool && told => self.hot = None,
            _ => {}
        }
    }

    /// How fast it rises, °C a minute, where that is too fast: against any sample of the last minutes.
    fn rise(&self, settings: &ShedHeatSettings, at: Timestamp, celsius: f64) -> Option<f64> {
        let near =
            self.samples.iter().filter(|(then, _)| *then < at && at - *then <= Span::secs(settings.rise_s));
        let rises = near.filter(|(_, before)| celsius - before >= settings.rise_celsius);
        let speeds = rises.map(|(then, before)| (celsius - before) / ((at - *then).0 as f64 / 60e6));
        speeds.filter(|speed| *speed >= settings.rise_celsius_min).reduce(f64::max)
    }

    fn keep(&mut self, settings: &ShedHeatSettings, at: Timestamp, celsius: f64) {
        self.samples.retain(|(then, _)| at - *then <= Span::secs(settings.rise_s));
        if self.samples.back().is_none_or(|(latest, _)| at - *latest >= SAMPLE_EVERY) {
            self.samples.push_back((at, celsius));
        }
        if self.samples.len() > SAMPLES_MAX {
            self.samples.pop_front();
        }
    }
}

/// Is it known when it was measured? What comes out of an outage without a time of its own is not.
fn is_dated(said: &Sighting) -> bool {
    said.freshness == Freshness::Fresh || (said.freshness == Freshness::Late && said.said.at_device.is_some())
}

/// The rule.
#[derive(Debug)]
pub(crate) struct ShedHeat {
    settings: ShedHeatSettings,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    sheds: BTreeMap<PlaceId, BTreeMap<DeviceId, Detector>>,
    breakers: Actuators,
}

impl ShedHeat {
    pub(crate) fn new(settings: ShedHeatSettings) -> Self {
        Self { settings, kept: Kept::default() }
    }

    fn hottest(&self, shed: &PlaceId) -> Option<(&DeviceId, &Hot)> {
        let detectors = self.kept.sheds.get(shed)?.iter();
        let hot =
            detectors.filter_map(|(id, one)| Some((id, one.hot.as_ref()?))).filter(|(_, hot)| !hot.dismissed);
        hot.min_by_key(|(id, hot)| (hot.since, *id))
    }

    /// Not only told: the next people are called at once.
    fn not_cut(&self, world: &World, shed: &Subject) -> Vec<Proposal> {
        let open = world.book.open(&kind_of("shed_heat"), shed.as_str()).filter(|alarm| alarm.is_active());
        let Some(alarm) = open.filter(|_| !self.kept.breakers.is_shut(world.setup, shed)) else {
            return Vec::new();
        };
        let zh = "断路器没有反馈断电：请到现场拉闸";
        let reason = Reason::new(
            "power_cut_failed",
            zh,
            "the breaker does not say that the power is cut: cut it by hand",
        );
        let next = alarm.next_rung.map(|next| Proposal::Climb { alarm: alarm.id.clone(), rung: next.rung });
        actuators::failed(alarm, &reason).into_iter().map(Proposal::Fact).chain(next).collect()
    }
}

impl Rule for ShedHeat {
    fn name(&self) -> &'static str {
        "shed_heat"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("充电棚高温", "Heat in a charging shed"),
            advice: vec![
                text("先拉闸断电，人站上风处", "Cut the power first; stay upwind"),
                text(
                    "见烟见火：拨打119，疏散楼下和两侧",
                    "Smoke or fire: call 119, clear the ground around it",
                ),
                text("电池起火不要靠近，等消防", "A burning battery: keep away, wait for the brigade"),
                text("降温并排除原因后点“处理结果”", "When it is cool and the cause is gone, tap Resolve"),
            ],
        }
    }

    fn listens(&self, device: &Device) -> bool {
        device.purpose == Purpose::Shed
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a few kinds of reading matter here")]
    fn hears(&self, device: &Device, reading: &Reading) -> bool {
        match reading {
            Reading::Heat { .. } | Reading::Temperature { .. } => device.purpose == Purpose::Shed,
            Reading::Actuator { .. } => true,
            _ => false,
        }
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.shed_heat);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.shed_heat.clone();
        self.kept.breakers.forget_gone(setup);
        for detectors in self.kept.sheds.values_mut() {
            detectors.retain(|id, _| setup.site.devices.contains_key(id));
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "a few kinds of reading matter here")]
    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        if sighting.duplicate || self.kept.breakers.see(sighting.id, &sighting.said.reading) {
            return None;
        }
        let (celsius, active) = match &sighting.said.reading {
            Reading::Heat { celsius, active } => (*celsius, *active),
            Reading::Temperature { celsius } => (Some(*celsius), None),
            _ => return None,
        };
        let subject = shed_of(setup, &sighting.device.place);
        if sighting.freshness == Freshness::Test {
            return Some(subject).filter(|_| active == Some(true));
        }
        let before = self.hottest(&subject).is_some();
        let detectors = self.kept.sheds.entry(subject.clone()).or_default();
        let was_hot = detectors.get(sighting.id).is_some_and(|one| one.hot.is_some());
        detectors.entry(sighting.id.clone()).or_default().see(&self.settings, sighting, celsius, active);
        let after = self.hottest(&subject).is_some();
        if after && !before && self.kept.breakers.any(setup, &subject) {
            timers.arm(&subject, CUT, senses.at + Span::secs(self.settings.cut_s));
        }
        (after || before || was_hot).then_some(subject)
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let said = match cause {
            Cause::Said(said) => said,
            Cause::Due { .. } => return self.not_cut(world, subject),
            Cause::Resumed => return Vec::new(),
        };
        let kind = kind_of("shed_heat");
        if said.freshness == Freshness::Test {
            return vec![self_tested(&kind, subject)];
        }
        let Some((_, hot)) = self.hottest(subject) else {
            let reason = Reason::new("cooled", "温度已回落", "it has cooled down");
            return gone(world, &kind, subject.as_str(), reason);
        };
        let here = self
            .kept
            .sheds
            .get(subject)
            .and_then(|shed| shed.get(said.id))
            .is_some_and(|one| one.hot.is_some());
        let mut raise =
            Raise::new(subject.as_str(), subject, Priority::P1, hot.since, hot.reason.clone()).seen_by(said);
        raise.mark = hot.mark;
        raise.ladder = Some(default_ladder(Priority::P1));
        there(world, &kind, Some(said), raise).filter(|_| here).into_iter().collect()
    }

    fn ended(&mut self, _: &Senses, _: &Setup, alarm: &Alarm, _: &Reason, _: &mut RuleTimers) {
        if alarm.kind.as_str() == self.name() {
            let shed = self.kept.sheds.get_mut(&alarm.place).into_iter().flat_map(BTreeMap::values_mut);
            shed.filter_map(|one| one.hot.as_mut()).for_each(|hot| hot.dismissed = true);
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

/// The shed that a detector hangs in.
fn shed_of(setup: &Setup, place: &PlaceId) -> PlaceId {
    let is_shed =
        |place: &PlaceId| setup.site.places.get(place).is_some_and(|known| known.kind == PlaceKind::Shed);
    match place.parent() {
        Some(outer) if !is_shed(place) && is_shed(&outer) => outer,
        _ => place.clone(),
    }
}

//! Somebody calls for help (`sos`): always P1, always rings, whatever the news' age. Presses close together are one.
//!
//! Subject: the home, or else the place of the button. Key: the place and the first press of the call.

use super::gas::with_captain;
use super::sensing::{mark_of, self_tested, subject_of};
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{
    Audience, CallAnswer, Device, DeviceId, Fact, PlaceId, Priority, Purpose, Reading, Reason, Repeats, Span,
    Timestamp,
};

/// Times of the rule. Defaults: the project's alarm rules, §8.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SosSettings {
    /// Presses within so long of the one before are one call, seconds. Later ones ring anew.
    pub merge_s: i64,
}

impl Default for SosSettings {
    fn default() -> Self {
        Self { merge_s: 60 }
    }
}

/// The latest call from a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Call {
    first: Timestamp,
    latest: Timestamp,
    /// Buttons that say that they are pressed still.
    pressed: BTreeMap<DeviceId, Timestamp>,
}

/// The rule.
#[derive(Debug)]
pub(crate) struct Sos {
    settings: SosSettings,
    calls: BTreeMap<PlaceId, Call>,
}

impl Sos {
    pub(crate) fn new(settings: SosSettings) -> Self {
        Self { settings, calls: BTreeMap::new() }
    }

    fn key(&self, place: &PlaceId) -> Option<String> {
        Some(format!("{place}@{}", self.calls.get(place)?.first.0))
    }
}

/// Is it pressed? A button behind a dry contact says so by its input.
#[expect(clippy::wildcard_enum_match_arm, reason = "two kinds of reading matter here")]
fn is_pressed(reading: &Reading) -> Option<bool> {
    match reading {
        Reading::Sos { active, .. } | Reading::Input { active, .. } => Some(*active),
        _ => None,
    }
}

impl Rule for Sos {
    fn name(&self) -> &'static str {
        "sos"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("紧急求助", "Call for help"),
            advice: vec![
                text("立即回拨，同时有人出发", "Call back at once, and somebody sets out"),
                text(
                    "没人接：上门，敲门无应答按预案进入",
                    "No answer: go there; if nobody opens, enter as agreed",
                ),
                text("有人受伤或发病：拨打120", "Anybody hurt or ill: call 120"),
                text("见到本人后再点“处理结果”", "Tap Resolve only after seeing the person"),
            ],
        }
    }

    fn listens(&self, device: &Device) -> bool {
        device.purpose == Purpose::HomeSos
    }

    fn hears(&self, device: &Device, reading: &Reading) -> bool {
        let by_contact = matches!(reading, Reading::Input { .. }) && device.purpose == Purpose::HomeSos;
        matches!(reading, Reading::Sos { .. }) || by_contact
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.sos);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.sos.clone();
        self.calls.retain(|place, _| setup.site.places.contains_key(place));
    }

    fn observe(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        sighting: &Sighting,
        _timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let pressed = is_pressed(&sighting.said.reading)?;
        let subject = subject_of(sighting);
        if sighting.duplicate {
            return None;
        }
        if sighting.freshness == Freshness::Test {
            return pressed.then_some(subject);
        }
        if !pressed {
            self.calls.get_mut(&subject)?.pressed.remove(sighting.id);
            return None;
        }
        let (at, merge) = (senses.at, Span::secs(self.settings.merge_s));
        let told_again = sighting.freshness == Freshness::Retained || sighting.said.repeats == Repeats::State;
        let call = self.calls.entry(subject.clone()).or_insert_with(|| Call {
            first: at,
            latest: at,
            pressed: BTreeMap::new(),
        });
        // A state that is told again is no second press.
        if call.pressed.insert(sighting.id.clone(), at).is_some() && told_again {
            return None;
        }
        if at - call.latest > merge {
            call.first = at;
        }
        call.latest = at;
        Some(subject)
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let Cause::Said(said) = cause else { return Vec::new() };
        if said.freshness == Freshness::Test {
            return vec![self_tested(&kind_of("sos"), subject)];
        }
        let Some(key) = self.key(subject) else { return Vec::new() };
        let reason = Reason::new("sos", "有人按下紧急求助", "somebody calls for help");
        let mut raise = Raise::new(key, subject, Priority::P1, said.occurred, reason).seen_by(said);
        raise.mark = mark_of(said.freshness);
        raise.merge = Span::secs(self.settings.merge_s);
        let mut ladder = with_captain(true);
        let family = world.setup.site.homes.get(subject).map(|home| home.family.clone());
        if let Some((family, first)) =
            family.filter(|family| !family.is_empty()).zip(ladder.rungs.first_mut())
        {
            first.tell.push(Audience::People(family));
        }
        raise.ladder = Some(ladder);
        vec![Proposal::Raise(Box::new(raise))]
    }

    /// What the person said is shown to whoever goes; it ends nothing: they may not be alone.
    fn answered(&self, world: &World, home: &PlaceId, answer: CallAnswer) -> Vec<Proposal> {
        let open = world.book.open_at("sos", home);
        let said = serde_json::to_value(answer).unwrap_or_default();
        let noted = |alarm: &Alarm| Fact::Detailed {
            alarm: alarm.id.clone(),
            details: BTreeMap::from([("answer".to_owned(), said.clone())]),
        };
        open.map(noted).map(Proposal::Fact).collect()
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.calls)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.calls = snapshot::read(kept)?;
        Ok(())
    }
}

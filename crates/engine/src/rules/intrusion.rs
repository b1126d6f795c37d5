//! Somebody where nobody should be (`intrusion`, `line_crossed`): P2 while the zone is armed, else recorded only.
//!
//! Subject: the place of the device. Key: the place and the device's own zone.

use super::sensing::self_tested;
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text, time_of_day};
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::SnapshotError;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{Device, Fact, MinuteOfDay, PlaceId, Priority, Reading, Reason};

/// Where nobody should be, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmedZone {
    /// A place, with all that is inside it.
    pub place: PlaceId,
    /// One zone of the device's own; absent: all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// From this time of day on, `HH:MM`; equal to `until`: always.
    #[serde(with = "time_of_day")]
    pub from: MinuteOfDay,
    /// Until this time of day, `HH:MM`.
    #[serde(with = "time_of_day")]
    pub until: MinuteOfDay,
}

/// Settings of the rule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct IntrusionSettings {
    /// Armed zones. What happens elsewhere, or at another time, is recorded and not pushed.
    pub armed: Vec<ArmedZone>,
}

/// The rule.
#[derive(Debug)]
pub(crate) struct Intrusion {
    settings: IntrusionSettings,
}

impl Intrusion {
    pub(crate) fn new(settings: IntrusionSettings) -> Self {
        Self { settings }
    }

    fn is_armed(&self, world: &World, place: &PlaceId, zone: Option<&str>, said: &Sighting) -> bool {
        let local = world.local_at(said.occurred);
        self.settings.armed.iter().any(|armed| {
            let there = place.is_within(&armed.place)
                && armed.zone.as_deref().is_none_or(|wanted| zone == Some(wanted));
            there && (armed.from == armed.until || local.is_between(armed.from, armed.until))
        })
    }
}

/// The kind, whether it is so, and the device's own zone.
#[expect(clippy::wildcard_enum_match_arm, reason = "two kinds of reading matter here")]
fn seen(reading: &Reading) -> Option<(&'static str, bool, Option<&str>)> {
    match reading {
        Reading::Intrusion { active, zone } => Some(("intrusion", *active, zone.as_deref())),
        Reading::LineCrossed { active, zone } => Some(("line_crossed", *active, zone.as_deref())),
        _ => None,
    }
}

impl Rule for Intrusion {
    fn name(&self) -> &'static str {
        "intrusion"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("入侵告警", "Intrusion"),
            advice: vec![
                text("先看画面，再派人，不要单独处置", "Look at the picture first; then go there, not alone"),
                text("确有入侵：拨打110并保留录像", "A real one: call 110 and keep the recording"),
            ],
        }
    }

    fn words_of(&self, kind: &str) -> Option<KindWords> {
        match kind {
            "intrusion" => Some(self.words()),
            "line_crossed" => Some(KindWords { title: text("越界告警", "Line crossed"), ..self.words() }),
            _ => None,
        }
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn hears(&self, _device: &Device, reading: &Reading) -> bool {
        seen(reading).is_some()
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.intrusion);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.intrusion.clone();
    }

    fn observe(&mut self, _: &Senses, _: &Setup, sighting: &Sighting, _: &mut RuleTimers) -> Option<Subject> {
        let (_, active, _) = seen(&sighting.said.reading)?;
        (active && !sighting.duplicate).then(|| sighting.device.place.clone())
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let Cause::Said(said) = cause else { return Vec::new() };
        let Some((kind, _, zone)) = seen(&said.said.reading) else { return Vec::new() };
        if said.freshness == Freshness::Test {
            return vec![self_tested(&kind_of(kind), subject)];
        }
        if said.freshness != Freshness::Fresh || !said.is_news() {
            return Vec::new();
        }
        if !self.is_armed(world, subject, zone, said) {
            let reason = Reason::new("not_armed", "未布防，仅记录", "not armed: recorded only");
            return vec![Proposal::Fact(Fact::Suppressed {
                kind: kind_of(kind),
                place: subject.clone(),
                reason,
            })];
        }
        let reason = if kind == "intrusion" {
            Reason::new(kind, "布防区域有人闯入", "somebody is in an armed zone")
        } else {
            Reason::new(kind, "布防区域有人越界", "somebody crossed the line of an armed zone")
        };
        let key = format!("{subject}:{}", zone.unwrap_or_default());
        let mut raise = Raise::new(key, subject, Priority::P2, said.occurred, reason).seen_by(said);
        raise.kind = (kind != self.name()).then_some("line_crossed");
        raise.details =
            zone.map(|zone| BTreeMap::from([("zone".to_owned(), zone.into())])).unwrap_or_default();
        vec![Proposal::Raise(Box::new(raise))]
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        Ok(Vec::new())
    }

    fn restore(&mut self, _kept: &[u8]) -> Result<(), SnapshotError> {
        Ok(())
    }
}

//! Smoke, heat, manual call points and flames on a camera (`smoke`, `heat`): most are cooking, and the few that are
//! not kill, at night above all. So people look, at once; nobody calls the fire brigade or ends it but a person.
//!
//! Subject: the home, or else the place of the detector. Key: the place and when the episode began, so that smoke which
//! comes back ten minutes after it was gone is a new alarm.
//!
//! ```text
//!  smoke ─► CALL: the resident is called; guard and control room ring ─60 s (night 30)─► captain, backup
//!             │        "cooking" and clear within 5 min ─► false alarm        5 min (3) without word ─► station, "call 119"
//!             └── a second detector, heat, CO, call point, flame, or a person says so ─► CONFIRMED: "call 119"
//! ```

mod judge;
mod settings;
mod spot;
mod words;

pub use settings::SmokeSettings;

use super::sensing::{mark_of, subject_of};
use super::{Cause, KindWords, Proposal, Rule, RuleSettings, RuleTimers};
use crate::alarm::Alarm;
use crate::raising::kind_of;
use crate::reports::Word;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use spot::{Sense, Spot};
use std::collections::BTreeMap;
use wanglou_model::{
    AlarmKind, CallAnswer, Command, Device, Fact, Op, Outcome, PlaceId, Purpose, Reading, Reason, Span,
};

/// The kind of alarms that a heat detector alone begins.
const HEAT: &str = "heat";
/// Slots of its timers on an alarm: word from the spot is missing; the smoke of the cooking should be gone.
const WORD: u8 = 0;
const COOKING: u8 = 1;

/// The rule.
#[derive(Debug)]
pub(crate) struct Smoke {
    settings: SmokeSettings,
    kept: Kept,
}

/// What goes into the snapshot: places where something says that it burns, or did lately.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    spots: BTreeMap<PlaceId, Spot>,
}

impl Smoke {
    pub(crate) fn new(settings: SmokeSettings) -> Self {
        Self { settings, kept: Kept::default() }
    }

    fn anew(&self) -> Span {
        Span::secs(self.settings.anew_s)
    }
}

/// The kind of alarm that a sense begins.
fn kind_by(sense: Sense) -> AlarmKind {
    match sense {
        Sense::Heat => kind_of(HEAT),
        Sense::Smoke | Sense::ManualPoint | Sense::Flame | Sense::Co => kind_of("smoke"),
    }
}

/// What a device says of a fire, if it says anything of the kind.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants tell of fire; a new one does where it says so"
)]
fn sense_of(settings: &SmokeSettings, device: &Device, reading: &Reading) -> Option<(Sense, bool)> {
    match reading {
        Reading::Smoke { active, source } => {
            let sense = match source.as_deref() {
                Some("camera_flame") => Sense::Flame,
                Some("manual_point") => Sense::ManualPoint,
                _ => Sense::Smoke,
            };
            Some((sense, *active))
        }
        Reading::Heat { active, celsius } => {
            let hot = celsius.map(|celsius| celsius >= settings.heat_celsius);
            active.or(hot).map(|active| (Sense::Heat, active))
        }
        Reading::Object { class, active, .. } => Some((Sense::Flame, *active)).filter(|_| is_flame(class)),
        Reading::Co { active, .. } => active.map(|active| (Sense::Co, active)),
        Reading::Input { active, .. } => match device.purpose {
            Purpose::ManualPoint => Some((Sense::ManualPoint, *active)),
            Purpose::Smoke | Purpose::HomeSmoke => Some((Sense::Smoke, *active)),
            _ => None,
        },
        _ => None,
    }
}

fn is_flame(class: &str) -> bool {
    matches!(class, "fire" | "flame" | "smoke")
}

impl Rule for Smoke {
    fn name(&self) -> &'static str {
        "smoke"
    }

    fn words(&self) -> KindWords {
        words::smoke()
    }

    fn words_of(&self, kind: &str) -> Option<KindWords> {
        match kind {
            "smoke" => Some(words::smoke()),
            HEAT => Some(words::heat()),
            _ => None,
        }
    }

    fn listens(&self, device: &Device) -> bool {
        matches!(device.purpose, Purpose::Smoke | Purpose::HomeSmoke | Purpose::ManualPoint)
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants tell of fire; a new one does where it says so"
    )]
    fn hears(&self, device: &Device, reading: &Reading) -> bool {
        match reading {
            // The charging sheds' heat has a rule of its own.
            Reading::Heat { .. } => device.purpose != Purpose::Shed,
            Reading::Smoke { .. } | Reading::Co { .. } => true,
            Reading::Object { class, .. } => is_flame(class),
            Reading::Input { .. } | Reading::SelfTest { .. } => self.listens(device),
            _ => false,
        }
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.smoke);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.smoke.clone();
        for spot in self.kept.spots.values_mut() {
            spot.witnesses.retain(|witness| setup.site.devices.contains_key(&witness.device));
        }
    }

    fn observe(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        sighting: &Sighting,
        _timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let subject = subject_of(sighting);
        let tested = matches!(sighting.said.reading, Reading::SelfTest { .. });
        if sighting.duplicate {
            return None;
        }
        if tested {
            return Some(subject);
        }
        let (sense, active) = sense_of(&self.settings, sighting.device, &sighting.said.reading)?;
        if sighting.freshness == Freshness::Test {
            return Some(subject).filter(|_| active && sense != Sense::Co);
        }
        let (at, anew) = (senses.at, self.anew());
        if active {
            let spot = self.kept.spots.entry(subject.clone()).or_default();
            spot.mark = mark_of(sighting.freshness);
            spot.begin(at, anew, sighting.id, sense);
        } else {
            self.kept.spots.get_mut(&subject)?.end(at, sighting.id, sense);
        }
        Some(subject)
    }

    fn ended(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        alarm: &Alarm,
        _reason: &Reason,
        _timers: &mut RuleTimers,
    ) {
        if self.words_of(alarm.kind.as_str()).is_none() {
            return;
        }
        let (at, anew) = (senses.at, self.anew());
        if let Some(spot) = self.kept.spots.get_mut(&alarm.place) {
            spot.dismiss(at);
        }
        self.kept
            .spots
            .retain(|_, spot| spot.tidy(at, anew) || spot.quiet_since.is_some_and(|since| at - since < anew));
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        match cause {
            Cause::Said(sighting) => self.judge(world, subject, sighting),
            Cause::Due { .. } | Cause::Resumed => Vec::new(),
        }
    }

    fn alarm_due(&self, world: &World, alarm: &Alarm, slot: u8) -> Vec<Proposal> {
        match slot {
            WORD => self.no_word(alarm),
            COOKING => self.still_smoke(world, alarm),
            _ => Vec::new(),
        }
    }

    fn after_raise(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        let at = world.at + self.settings.word(world.senses, world.setup);
        vec![Fact::Armed { alarm: alarm.id.clone(), timer: WORD, at }]
    }

    fn answered(&self, world: &World, home: &PlaceId, answer: CallAnswer) -> Vec<Proposal> {
        self.answer(world, home, answer)
    }

    fn reported(&self, world: &World, word: &Word) -> Option<Vec<Proposal>> {
        self.told(world, word)
    }

    fn actions(&self, _world: &World, alarm: &Alarm) -> Vec<&'static str> {
        if judge::is_confirmed(alarm) { Vec::new() } else { vec!["confirm"] }
    }

    fn command(&self, _world: &World, alarm: &Alarm, command: &Command) -> Option<Result<Vec<Fact>, Reason>> {
        let Op::Confirm = &command.op else { return None };
        let known = judge::is_confirmed(alarm);
        Some(Ok(if known { Vec::new() } else { judge::confirm(alarm, &words::person_says_so()) }))
    }

    /// "Cooking" counts once the smoke is gone. Whoever is there, and has said it twice, is believed.
    fn word_is_enough(&self, _world: &World, alarm: &Alarm, outcome: Outcome) -> bool {
        judge::word_ends(alarm, outcome)
    }

    fn awaits(&self, world: &World, alarm: &Alarm, outcome: Outcome) -> Vec<Fact> {
        judge::after_a_word(alarm, outcome, world.at + Span::secs(self.settings.cooking_s))
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

/// Is it an alarm about a fire that is known to be one?
pub(crate) fn is_confirmed_fire(alarm: &Alarm) -> bool {
    is_fire(alarm) && judge::is_confirmed(alarm)
}

pub(crate) use judge::is_told_fire;

/// Is it an alarm about a fire?
pub(crate) fn is_fire(alarm: &Alarm) -> bool {
    matches!(alarm.kind.as_str(), "smoke" | HEAT)
}

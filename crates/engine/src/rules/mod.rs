//! The rules: each in a file of its own, each in the list below. A rule watches subjects (a cover, a lift, a
//! home), keeps what it saw of them, and proposes; the engine folds repeats, moves ladders and fills outboxes.
//!
//! What a rule keeps is changed by observing only, so that recovery can observe again without deciding.

mod actuators;
mod maintainers;
mod sensing;
mod standing;
mod time_of_day;

use crate::alarm::Alarm;
use crate::overrides::Override;
use crate::reports::Word;
use crate::routing_settings::{LadderSettings, RoutingSettings};
use crate::senses::{Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::SnapshotError;
use crate::timers::{Timer, Timers};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use wanglou_model::{
    AlarmId, CallAnswer, Command, Device, DeviceId, Evidence, Fact, IncidentId, Ladder, Mark, Outcome,
    PlaceId, Priority, Reading, Reason, Span, Text, Timestamp,
};

/// Makes of the list below what follows from it: each rule's module, its table in `rules.toml`, its place in [`all`].
/// (`cargo fmt` does not see modules that a macro declares; `cargo xtask test --only fmt` does.)
macro_rules! rules {
    ($($module:ident: $rule:ident, $settings:ident, $about:literal;)*) => {
        $(mod $module;)*

        /// The thresholds of each rule.
        pub mod settings {
            $(pub use super::$module::$settings;)*
        }

        /// Every rule's thresholds. One table each in `rules.toml`, under the rule's name; unknown keys are refused.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct RuleSettings {
            $(#[doc = $about] pub $module: settings::$settings,)*
            /// Where and when thresholds are other, in order; later ones lie over earlier ones.
            #[serde(rename = "override", skip_serializing_if = "Vec::is_empty")]
            pub overrides: Vec<Override>,
            /// Who is told first where several could be.
            pub routing: RoutingSettings,
            /// Ladders of the site's own, the first that fits holds.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            pub ladder: Vec<LadderSettings>,
        }

        /// Their names, in that order.
        const NAMES: &[&str] = &[$(stringify!($module)),*];

        /// The rules, in the order in which they are asked.
        pub(crate) fn all(settings: &RuleSettings) -> Vec<Box<dyn Rule>> {
            vec![$(Box::new($module::$rule::new(settings.$module.clone()))),*]
        }
    };
}

// The list. A new rule is one line here: its file, its type, its thresholds, what they are about.
rules! {
    access: Access, AccessSettings, "Doors, and hits of watch-lists.";
    co: Co, CoSettings, "Carbon monoxide.";
    device_care: DeviceCare, DeviceCareSettings, "What a device says of itself.";
    ebike_in_lift: EbikeInLift, EbikeInLiftSettings, "E-bikes in lifts.";
    fire_lane: FireLane, FireLaneSettings, "Cars in fire lanes.";
    gas: Gas, GasSettings, "Combustible gas.";
    intrusion: Intrusion, IntrusionSettings, "Somebody where nobody should be.";
    leak: Leak, LeakSettings, "Water where none should be.";
    lift_entrapment: LiftEntrapment, LiftEntrapmentSettings, "People shut in a lift.";
    home_temperature: HomeTemperature, HomeTemperatureSettings, "Homes too cold or too hot.";
    ebike_parked: EbikeParked, EbikeParkedSettings, "E-bikes left in corridors.";
    living_alone: LivingAlone, LivingAloneSettings, "People living alone.";
    manhole: Manhole, ManholeSettings, "Manhole covers.";
    outage: Outage, OutageSettings, "Many devices silent at once.";
    noise: Noise, NoiseSettings, "Noise on the squares.";
    report: PeoplesReport, ReportSettings, "What people tell.";
    rota_gap: RotaGap, RotaGapSettings, "Alarms for which nobody is on duty.";
    shed_heat: ShedHeat, ShedHeatSettings, "Heat in a charging shed.";
    smoke: Smoke, SmokeSettings, "Smoke, heat and manual call points.";
    sos: Sos, SosSettings, "Calls for help.";
    thrown_object: ThrownObject, ThrownObjectSettings, "Objects thrown from buildings.";
}

pub use intrusion::ArmedZone;
pub use noise::NoiseWindow;
pub(crate) use report::{Made, incident, is_erased_at_close, is_peoples_word, reused_id};
pub(crate) use rota_gap::is_gap;
pub(crate) use smoke::{is_confirmed_fire, is_fire, is_told_fire};

/// The name of a rule, in the room of one byte: there is one with every deadline. Ordered and written as its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Cow<'static, str>", into = "&'static str")]
pub struct RuleName(u8);

impl RuleName {
    /// One that this program does not have, from a snapshot of another one: nobody answers to it.
    const UNKNOWN: Self = Self(u8::MAX);

    /// The rule that stands at this place of the list.
    pub(crate) fn nth(index: usize) -> Self {
        u8::try_from(index).map_or(Self::UNKNOWN, Self)
    }

    /// Its place in the list.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    fn text(self) -> &'static str {
        NAMES.get(self.index()).copied().unwrap_or("unknown")
    }
}

impl From<Cow<'static, str>> for RuleName {
    fn from(text: Cow<'static, str>) -> Self {
        NAMES.iter().position(|name| *name == text).map_or(Self::UNKNOWN, Self::nth)
    }
}

impl From<RuleName> for &'static str {
    fn from(name: RuleName) -> Self {
        name.text()
    }
}

impl Ord for RuleName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text().cmp(other.text())
    }
}

impl PartialOrd for RuleName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The rule of a kind of alarm.
pub(crate) fn rule_of<'a>(rules: &'a [Box<dyn Rule>], kind: &str) -> Option<&'a dyn Rule> {
    rules.iter().find(|rule| rule.name() == kind).map(|rule| &**rule)
}

/// The rule of a kind, or the one that raises alarms of that kind beside its own.
pub(crate) fn knows<'a>(rules: &'a [Box<dyn Rule>], kind: &str) -> Option<&'a dyn Rule> {
    let beside = || rules.iter().find(|rule| rule.words_of(kind).is_some()).map(|rule| &**rule);
    rule_of(rules, kind).or_else(beside)
}

/// Words for a kind of alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KindWords {
    /// Its name on the screens.
    pub title: Text,
    /// What to do, step by step.
    pub advice: Vec<Text>,
}

/// A text in both languages.
pub(crate) fn text(zh: &str, en: &str) -> Text {
    Text { zh: zh.to_owned(), en: en.to_owned() }
}

/// Why a rule looks at a subject.
#[derive(Debug, Clone, Copy)]
pub enum Cause<'a> {
    /// One of its devices said something.
    Said(&'a Sighting<'a>),
    /// One of its timers is due.
    Due {
        /// Which one.
        slot: u8,
    },
    /// Absence may be judged again: the backlog is behind us, or the clock is trusted again.
    Resumed,
}

/// A rule's deadlines, while it observes one subject.
pub struct RuleTimers<'a> {
    pub(crate) rule: RuleName,
    pub(crate) timers: &'a mut Timers,
}

impl RuleTimers<'_> {
    fn key(&self, subject: &Subject, slot: u8) -> Timer {
        Timer::Rule { rule: self.rule, subject: subject.clone(), slot }
    }

    /// Looks at the subject again at `at`.
    pub fn arm(&mut self, subject: &Subject, slot: u8, at: Timestamp) {
        self.timers.arm(self.key(subject, slot), at);
    }

    /// When it looks at the subject again, if it is armed.
    pub fn due(&self, subject: &Subject, slot: u8) -> Option<Timestamp> {
        self.timers.due(&self.key(subject, slot))
    }

    /// Not any more.
    pub fn disarm(&mut self, subject: &Subject, slot: u8) {
        self.timers.disarm(&self.key(subject, slot));
    }
}

/// What a rule proposes to raise. Whether it becomes an alarm, or is folded into one, the engine decides.
#[derive(Debug, Clone)]
pub struct Raise {
    /// Another kind than the rule's own, for a fault that it noticed.
    pub kind: Option<&'static str>,
    /// What repeats are folded by.
    pub key: String,
    /// Where.
    pub place: PlaceId,
    /// How urgent.
    pub priority: Priority,
    /// Why.
    pub reason: Reason,
    /// What tells this event from others of the same key: part of the alarm's id.
    pub event_key: Option<String>,
    /// When it began.
    pub first_at: Timestamp,
    /// The first stage.
    pub stage: Option<String>,
    /// The ladder; `None` for that of the priority.
    pub ladder: Option<Ladder>,
    /// For how long after its end a repeat still belongs to it.
    pub merge: Span,
    /// Something unusual.
    pub mark: Option<Mark>,
    /// The device that said so.
    pub device: Option<DeviceId>,
    /// Pictures and clips.
    pub evidence: Vec<Evidence>,
    /// What to remember.
    pub details: BTreeMap<String, serde_json::Value>,
    /// The related group of alarms that it belongs to.
    pub incident: Option<IncidentId>,
}

impl Raise {
    /// A plain one.
    pub fn new(
        key: impl Into<String>,
        place: &PlaceId,
        priority: Priority,
        first_at: Timestamp,
        reason: Reason,
    ) -> Self {
        Self {
            kind: None,
            key: key.into(),
            place: place.clone(),
            priority,
            reason,
            event_key: None,
            first_at,
            stage: None,
            ladder: None,
            merge: Span::mins(10),
            mark: None,
            device: None,
            evidence: Vec::new(),
            details: BTreeMap::new(),
            incident: None,
        }
    }

    /// Because of what a device said.
    pub fn seen_by(mut self, sighting: &Sighting) -> Self {
        self.device = Some(sighting.id.clone());
        self.event_key = sighting.event_key();
        self.evidence = sighting.said.evidence.clone();
        self
    }
}

/// What a rule wants.
#[derive(Debug, Clone)]
pub enum Proposal {
    /// Something is the matter. Folded into the open alarm of the same key, if there is one.
    Raise(Box<Raise>),
    /// A conclusion as it is: a stage, a clear, an end.
    Fact(Fact),
    /// The ladder of an alarm that nobody has accepted goes to this rung now. Later rungs keep their times.
    Climb {
        /// Which alarm.
        alarm: AlarmId,
        /// To which rung.
        rung: usize,
    },
}

/// A rule.
pub trait Rule: Send + std::fmt::Debug {
    /// Its name: the kind of its alarms, its table in `rules.toml`.
    fn name(&self) -> &'static str;

    /// Words for its alarms.
    fn words(&self) -> KindWords;

    /// Words for alarms of another kind that it raises, for a fault that it noticed.
    fn words_of(&self, kind: &str) -> Option<KindWords> {
        (kind == self.name()).then(|| self.words())
    }

    /// Does it want to hear this device?
    fn listens(&self, device: &Device) -> bool;

    /// Does it want to hear this of a device? For rules that know what they want by what is said, not by who says it.
    fn hears(&self, device: &Device, _reading: &Reading) -> bool {
        self.listens(device)
    }

    /// Is it the one that decides on messages whose id was another event's before?
    fn looks_after_senders(&self) -> bool {
        false
    }

    /// A new configuration: thresholds, and subjects that came or went.
    fn configure(&mut self, senses: &Senses, setup: &Setup, timers: &mut RuleTimers);

    /// The thresholds that hold for what it looks at next: they may differ by zone and hour.
    fn tune(&mut self, settings: &RuleSettings);

    /// Keeps what a device said. Returns the subject to decide on, if there is anything to decide.
    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject>;

    /// Keeps that one of its timers is due. Returns whether there is anything to decide.
    fn due(
        &mut self,
        _senses: &Senses,
        _setup: &Setup,
        _subject: &Subject,
        _slot: u8,
        _timers: &mut RuleTimers,
    ) -> bool {
        true
    }

    /// Absence may be judged again. Returns the subjects to decide on.
    fn resumed(&mut self, _senses: &Senses, _setup: &Setup, _timers: &mut RuleTimers) -> Vec<Subject> {
        Vec::new()
    }

    /// The health of a device changed, or that of a hub that devices are behind. It may arm its timers.
    fn health(&mut self, _senses: &Senses, _setup: &Setup, _device: &DeviceId, _timers: &mut RuleTimers) {}

    /// An alarm is over, its own or another rule's, after deciding as in recovery. What it keeps may follow; what
    /// it arms is due later than now.
    fn ended(
        &mut self,
        _senses: &Senses,
        _setup: &Setup,
        _alarm: &Alarm,
        _reason: &Reason,
        _timers: &mut RuleTimers,
    ) {
    }

    /// An alarm entered a stage, its own or another rule's, after deciding as in recovery. What it arms may be due now.
    fn staged(&mut self, _senses: &Senses, _setup: &Setup, _alarm: &Alarm, _timers: &mut RuleTimers) {}

    /// Somebody entered something about the compound: an absence, a consent. What it keeps may follow.
    fn registered(&mut self, _senses: &Senses, _setup: &Setup, _entry: &Fact, _timers: &mut RuleTimers) {}

    /// Decides on a subject.
    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal>;

    /// A timer that it armed on an alarm is due.
    fn alarm_due(&self, _world: &World, _alarm: &Alarm, _slot: u8) -> Vec<Proposal> {
        Vec::new()
    }

    /// After one of its alarms was raised or reopened: what it arms on it.
    fn after_raise(&self, _world: &World, _alarm: &Alarm) -> Vec<Fact> {
        Vec::new()
    }

    /// The resident of a home answered a call, or did not.
    fn answered(&self, _world: &World, _home: &PlaceId, _answer: CallAnswer) -> Vec<Proposal> {
        Vec::new()
    }

    /// A person tells of something. `None`: it is about none of its alarms.
    fn reported(&self, _world: &World, _word: &Word) -> Option<Vec<Proposal>> {
        None
    }

    /// Somebody who has one of its alarms is there.
    fn arrived(&self, _world: &World, _alarm: &Alarm) -> Vec<Fact> {
        Vec::new()
    }

    /// Actions that only this rule knows.
    fn actions(&self, _world: &World, _alarm: &Alarm) -> Vec<&'static str> {
        Vec::new()
    }

    /// A command that only this rule knows; `None` when it does not. The error says why it cannot be done now.
    fn command(
        &self,
        _world: &World,
        _alarm: &Alarm,
        _command: &Command,
    ) -> Option<Result<Vec<Fact>, Reason>> {
        None
    }

    /// May a person's word end the alarm, or must the sensor agree?
    fn word_is_enough(&self, _world: &World, _alarm: &Alarm, _outcome: Outcome) -> bool {
        true
    }

    /// A person said how it ended, and their word is not enough: what is to be waited for.
    fn awaits(&self, _world: &World, _alarm: &Alarm, _outcome: Outcome) -> Vec<Fact> {
        Vec::new()
    }

    /// What it keeps, for the snapshot.
    ///
    /// # Errors
    /// When it cannot be written, which is a fault of the program.
    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError>;

    /// Takes back what [`Rule::snapshot`] gave.
    ///
    /// # Errors
    /// When the snapshot is of another shape.
    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_answers_to_the_name_that_the_list_gives_it() {
        let names: Vec<&str> = all(&RuleSettings::default()).iter().map(|rule| rule.name()).collect();
        assert_eq!(names, NAMES);
        for (index, name) in NAMES.iter().enumerate() {
            let written = serde_json::to_string(&RuleName::nth(index)).expect("json");
            assert_eq!(written, format!("{name:?}"));
            assert_eq!(serde_json::from_str::<RuleName>(&written).expect("reads"), RuleName::nth(index));
        }
        let gone: RuleName = serde_json::from_str(r#""of_another_program""#).expect("reads");
        assert!(gone.index() >= NAMES.len());
    }
}

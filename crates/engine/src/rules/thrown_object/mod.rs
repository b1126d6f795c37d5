//! Objects thrown from buildings (`thrown_object`): nobody can be warned in three seconds; what counts is to look for
//! injured people, and evidence with a range of floors that holds in court.
//!
//! Subject: the façade. A throw is a moment: each is an alarm of its own, and only hits that are near to each other
//! in time, column and floor are one throw. Key: the façade and the moment.
//!
//! ```text
//!   certain ──────────────► detected ──second camera──► merged ──┐
//!                              P2 (small P3, people below P1)    ├─► confirmed ─► closed, by people
//!   no confidence, or late ─► review (silent) ──agreement, people below, a report, a reviewer's word ──┘
//! ```
//!
//! Somebody hit, or something burning, says a person: P1, the same alarm. Who arrives, or says so, investigates.

mod judge;
mod people;
mod settings;
mod state;
mod throw;
mod words;
mod worth;

pub use settings::ThrownObjectSettings;

use super::{Cause, KindWords, Proposal, Rule, RuleSettings, RuleTimers};
use crate::alarm::Alarm;
use crate::reports::Word;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use state::{Facade, Kept};
use throw::{Hit, Worth};
use wanglou_model::{
    AlarmKind, Command, Device, Fact, MinuteOfDay, Op, PlaceId, Purpose, Quality, Reading, Span, Timestamp,
};

/// Slot of the rule's timer on a façade: the shelf of one of its cameras ends.
const SHELF: u8 = 0;
/// In the dark, 18:30 to 06:30, cameras see less.
const DARK: (MinuteOfDay, MinuteOfDay) = (MinuteOfDay(18 * 60 + 30), MinuteOfDay(6 * 60 + 30));

/// The rule.
#[derive(Debug)]
pub(crate) struct ThrownObject {
    kind: AlarmKind,
    settings: ThrownObjectSettings,
    kept: Kept,
}

impl ThrownObject {
    pub(crate) fn new(settings: ThrownObjectSettings) -> Self {
        Self { kind: crate::raising::kind_of("thrown_object"), settings, kept: Kept::default() }
    }
}

impl Rule for ThrownObject {
    fn name(&self) -> &'static str {
        "thrown_object"
    }

    fn words(&self) -> KindWords {
        words::kind()
    }

    fn listens(&self, device: &Device) -> bool {
        matches!(device.purpose, Purpose::FacadeCamera | Purpose::Weather)
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.thrown_object);
    }

    fn configure(&mut self, _senses: &Senses, setup: &Setup, timers: &mut RuleTimers) {
        self.settings = setup.rules.thrown_object.clone();
        let site = &setup.site;
        self.kept.facades.retain(|place, _| site.places.contains_key(place));
        self.kept.rain.retain(|device, _| site.devices.contains_key(device));
        for (place, facade) in &mut self.kept.facades {
            facade.cameras.retain(|device, _| site.devices.contains_key(device));
            arm(place, facade, timers);
        }
    }

    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        match (&sighting.said.reading, sighting.freshness) {
            (_, Freshness::Retained | Freshness::Test) => None,
            (Reading::Weather { rain_mm_h: Some(rain_mm_h), .. }, Freshness::Fresh) => {
                self.rain(senses, sighting, *rain_mm_h);
                None
            }
            (Reading::ThrownObject { active, .. }, _) if !sighting.duplicate => {
                let place = sighting.device.place.clone();
                let worth = self.worth(senses, setup, sighting, *active);
                let in_sky = *active && self.in_sky(senses, setup, sighting);
                let facade = self.kept.facades.entry(place.clone()).or_default();
                let hit = Hit { in_sky, ..hit(senses, sighting)? };
                facade.place(&place, &hit, worth, &self.settings);
                arm(&place, facade, timers);
                Some(place)
            }
            _ => None,
        }
    }

    fn due(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        subject: &Subject,
        _slot: u8,
        timers: &mut RuleTimers,
    ) -> bool {
        let Some(facade) = self.kept.facades.get_mut(subject) else { return false };
        facade.cameras.values_mut().for_each(|camera| camera.unshelve(senses.at));
        arm(subject, facade, timers);
        true
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        match cause {
            Cause::Said(sighting) => {
                let mut proposals: Vec<Proposal> = self.storm(world, subject, sighting).into_iter().collect();
                proposals.extend(self.judge(world, subject, sighting));
                proposals
            }
            Cause::Due { .. } => self.storms_over(world, subject),
            Cause::Resumed => Vec::new(),
        }
    }

    fn actions(&self, _world: &World, alarm: &Alarm) -> Vec<&'static str> {
        match alarm.stage.as_deref() {
            Some("review") => vec!["confirm"],
            Some("detected" | "merged") => vec!["confirm", "investigate"],
            Some("confirmed") => vec!["investigate"],
            _ => Vec::new(),
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn command(
        &self,
        _world: &World,
        alarm: &Alarm,
        command: &Command,
    ) -> Option<Result<Vec<Fact>, wanglou_model::Reason>> {
        match command.op {
            Op::Confirm => Some(Ok(judge::confirmed(alarm))),
            Op::Investigate if people::may_investigate(alarm) => Some(Ok(people::investigate(alarm))),
            Op::Investigate => Some(Err(words::review_first())),
            _ => None,
        }
    }

    fn reported(&self, world: &World, word: &Word) -> Option<Vec<Proposal>> {
        self.told(world, word)
    }

    fn arrived(&self, _world: &World, alarm: &Alarm) -> Vec<Fact> {
        if people::may_investigate(alarm) { people::investigate(alarm) } else { Vec::new() }
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

// Observing.
impl ThrownObject {
    fn rain(&mut self, senses: &Senses, sighting: &Sighting, rain_mm_h: f64) {
        if rain_mm_h >= self.settings.rain_mm_h {
            self.kept.rain.insert(sighting.id.clone(), senses.at);
        } else {
            self.kept.rain.remove(sighting.id);
        }
    }

    /// What a message is worth, now that its camera's record is known.
    fn worth(&mut self, senses: &Senses, setup: &Setup, sighting: &Sighting, active: bool) -> Worth {
        let poor_sight = self.rains(senses.at) || is_dark(senses, setup, sighting.occurred);
        let worth = worth::worth(&sighting.said.reading, &self.settings, poor_sight);
        let facade = self.kept.facades.entry(sighting.device.place.clone()).or_default();
        let camera = facade.cameras.entry(sighting.id.clone()).or_default();
        camera.unshelve(senses.at);
        if active && sighting.freshness == Freshness::Fresh {
            camera.count(senses.at, &self.settings);
        }
        match worth {
            Worth::Unsure if camera.is_shelved() => Worth::Weak,
            Worth::Certain | Worth::Unsure | Worth::Weak | Worth::NoThrow => worth,
        }
    }

    /// Do façades all over the compound see something at this moment?
    fn in_sky(&mut self, senses: &Senses, setup: &Setup, sighting: &Sighting) -> bool {
        let fresh = sighting.freshness == Freshness::Fresh;
        let building = setup.site.building_of(&sighting.device.place).filter(|_| fresh);
        building.is_some_and(|building| self.kept.sky.sees(senses.at, &building, &self.settings))
    }

    fn rains(&self, at: Timestamp) -> bool {
        let holds = Span::secs(self.settings.rain_holds_s);
        self.kept.rain.values().any(|since| at - *since <= holds)
    }
}

/// Looks again when the first shelf of a camera of the façade ends.
fn arm(place: &PlaceId, facade: &Facade, timers: &mut RuleTimers) {
    match facade.cameras.values().filter_map(|camera| camera.shelved_until).min() {
        Some(until) => timers.arm(place, SHELF, until),
        None => timers.disarm(place, SHELF),
    }
}

fn is_dark(senses: &Senses, setup: &Setup, at: Timestamp) -> bool {
    setup.calendar.local(senses.wall(at)).is_between(DARK.0, DARK.1)
}

fn hit(senses: &Senses, sighting: &Sighting) -> Option<Hit> {
    let said = sighting.said;
    let Reading::ThrownObject {
        active,
        track,
        from,
        floor_min,
        floor_max,
        column,
        size,
        confidence,
        people_below,
        ..
    } = &said.reading
    else {
        return None;
    };
    let by_camera = from.or(said.at_device).filter(|_| said.quality != Quality::SuspectClock);
    Some(Hit {
        device: sighting.id.clone(),
        active: *active,
        at: senses.at,
        seen_at: by_camera.map(|wall| senses.from_wall(wall).min(senses.at)),
        late: sighting.freshness != Freshness::Fresh,
        track: track.clone(),
        floors: throw::range(*floor_min, *floor_max),
        columns: column.map(|column| (column, column)).or(sighting.device.columns),
        size: *size,
        people_below: *people_below == Some(true),
        confidence: *confidence,
        event_key: sighting.event_key(),
        in_sky: false,
    })
}

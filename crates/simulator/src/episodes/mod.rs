//! What the sensors say when something happens.
//!
//! Alarm-worthy episodes are *staged*: their inner times are stretched, so that at 60-fold pace an e-bike still stands
//! in the lift for forty seconds of real time. What only makes up the rhythm runs at the pace of everything else.

mod covers;
mod doors;
mod facades;
mod homes;
mod lifts;
mod streets;

pub(crate) use covers::cover_says;
pub(crate) use facades::{false_hit, rocket_hit, thrown_hit};

use crate::compound::{At, Compound};
use crate::random::Random;
use crate::traffic::State;
use wanglou_model::{Reading, Span, Timestamp};

/// Something that happens; subjects are numbers in the lists of [`Compound`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Episode {
    /// Somebody calls a lift and rides.
    Trip { lift: usize },
    /// Somebody brings an e-bike.
    Ebike { lift: usize },
    /// The camera takes a wheelchair for an e-bike, for less than a second.
    LookAlike { lift: usize },
    /// Somebody passes a door, with a card inwards, with the button outwards.
    Passage { door: usize, inward: bool },
    /// A door refuses a card.
    Denied { door: usize },
    /// Somebody holds a door open.
    Held { door: usize },
    /// A door opens without card or button.
    Forced { door: usize },
    /// A person or a car in front of a camera.
    PasserBy { camera: At },
    /// A car stops in a fire lane.
    LaneBlocked { camera: At },
    /// A façade camera reports something that nobody threw.
    FacadeHit { facade: usize },
    /// Something was thrown; every camera of the façade sees it.
    Thrown { facade: usize },
    /// A lorry shakes a cover.
    CoverShaken { cover: At },
    /// A cover is opened, and put back half an hour later.
    CoverOpen { cover: At },
    /// Smoke sets off a detector.
    Smoke { detector: At },
    /// Somebody presses SOS.
    Sos { home: usize },
    /// Somebody moves at home.
    Motion { home: usize },
    /// Somebody leaves home and comes back.
    Outing { home: usize },
}

impl Episode {
    /// The lift that it needs for itself.
    pub(crate) fn lift(self) -> Option<usize> {
        match self {
            Episode::Trip { lift } | Episode::Ebike { lift } | Episode::LookAlike { lift } => Some(lift),
            Episode::Passage { .. }
            | Episode::Denied { .. }
            | Episode::Held { .. }
            | Episode::Forced { .. }
            | Episode::PasserBy { .. }
            | Episode::LaneBlocked { .. }
            | Episode::FacadeHit { .. }
            | Episode::Thrown { .. }
            | Episode::CoverShaken { .. }
            | Episode::CoverOpen { .. }
            | Episode::Smoke { .. }
            | Episode::Sos { .. }
            | Episode::Motion { .. }
            | Episode::Outing { .. } => None,
        }
    }
}

/// Who says what, and when.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) device: At,
    pub(crate) reading: Reading,
}

/// The lines of one episode, being written.
#[derive(Debug)]
pub(crate) struct Script {
    begin: Timestamp,
    stretch: f64,
    pub(crate) lines: Vec<Line>,
}

impl Script {
    /// So many seconds after the beginning; nothing if the place has no such device.
    fn say(&mut self, after_s: f64, device: Option<At>, reading: Reading) {
        let Some(device) = device else { return };
        self.lines.push(Line { at: self.after(after_s), device, reading });
    }

    fn after(&self, seconds: f64) -> Timestamp {
        self.begin + Span((seconds * self.stretch * 1e6) as i64)
    }

    /// From here on inner times are real ones.
    fn stage(&mut self, stretch: f64) {
        self.stretch = stretch;
    }
}

/// What is needed to play.
pub(crate) struct Stage<'a> {
    pub(crate) compound: &'a Compound,
    pub(crate) state: &'a mut State,
    pub(crate) random: Random,
    /// How much the inner times of staged episodes are stretched.
    pub(crate) stretch: f64,
}

/// Plays an episode that begins at `begin`: the lines it gives, and what it leaves behind in the state.
pub(crate) fn play(episode: Episode, begin: Timestamp, stage: &mut Stage<'_>) -> Vec<Line> {
    let mut script = Script { begin, stretch: 1.0, lines: Vec::new() };
    match episode {
        Episode::Trip { lift } => lifts::trip(lift, stage, &mut script),
        Episode::Ebike { lift } => lifts::ebike(lift, stage, &mut script),
        Episode::LookAlike { lift } => lifts::look_alike(lift, stage, &mut script),
        Episode::Passage { door, inward } => doors::passage(door, inward, stage, &mut script),
        Episode::Denied { door } => doors::denied(door, stage, &mut script),
        Episode::Held { door } => doors::held(door, stage, &mut script),
        Episode::Forced { door } => doors::forced(door, stage, &mut script),
        Episode::PasserBy { camera } => streets::passer_by(camera, stage, &mut script),
        Episode::LaneBlocked { camera } => streets::lane_blocked(camera, stage, &mut script),
        Episode::FacadeHit { facade } => facades::hit(facade, stage, &mut script),
        Episode::Thrown { facade } => facades::thrown(facade, stage, &mut script),
        Episode::CoverShaken { cover } => covers::shaken(cover, stage, &mut script),
        Episode::CoverOpen { cover } => covers::open(cover, stage, &mut script),
        Episode::Smoke { detector } => homes::smoke(detector, stage, &mut script),
        Episode::Sos { home } => homes::sos(home, stage, &mut script),
        Episode::Motion { home } => homes::motion(home, stage, &mut script),
        Episode::Outing { home } => homes::outing(home, stage, &mut script),
    }
    script.lines
}

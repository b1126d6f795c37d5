//! What is kept of one home, and what looking at it tells. It is changed by what was seen, by the passing of time,
//! and by the end of its alarms; nothing is raised here.
//!
//! `seen` takes in what doors say, `exit` who went out at night, `signs` motion and water, `time` what their silence tells, `away` the absences.
//!
//! *T*, the time without a door moving, counts only while every door sensor of the home is live:
//!
//! ```text
//!            all live                 one is not: T stops at its last message
//!   counting ◄─────────────► UNKNOWN
//!   T = banked + (now − since, without blind time)      T = banked
//! ```

mod away;
mod exit;
mod seen;
mod signs;
mod time;

use super::settings::{LivingAloneSettings, hours};
use crate::few::Few;
use crate::senses::Senses;
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use wanglou_model::{DeviceId, PlaceId, Span, Timestamp};

/// What a look at a home found, for the decision that follows it. Forgotten at the next look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum News {
    /// A sign of life, young enough to stand everybody down.
    Life,
    /// Watched from now on, silently.
    Watch,
    /// The resident is to be called.
    Call,
    /// Unknown for so long that somebody must look.
    Visit,
    /// No longer unknown.
    Back,
    /// A door sensor tells nothing any more.
    Broken { door: DeviceId, trouble: Trouble },
    /// It does again.
    Mended { door: DeviceId },
    /// A door stands open for too long; `visit`: so long that somebody must look.
    Open { door: DeviceId, visit: bool },
    /// It does not any more; `moved`: it was seen to move.
    Shut { door: DeviceId, moved: bool },
    /// Door, motion and water have all been silent: the family at once.
    Shortcut,
    /// A door moved although the resident is away.
    PerhapsBack,
    /// Away for long, and nobody said until when.
    AwayLong,
    /// Gone out at night, and not back in time.
    Wandered,
    /// Back from there.
    Returned,
}

/// Why a door sensor tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Trouble {
    /// Not heard for too long.
    Silent,
    /// Its hub is gone.
    Hub,
    /// It moves more often than a door can.
    Flapping,
}

/// What a look needs beside the home itself.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    pub(super) settings: &'a LivingAloneSettings,
    pub(super) senses: &'a Senses,
    pub(super) setup: &'a Setup,
    pub(super) place: &'a PlaceId,
    /// The home's door sensors, by the registry.
    pub(super) doors: &'a [DeviceId],
    /// All that the registry says of the home.
    pub(super) sensors: &'a Sensors,
}

/// A home by the registry, looked up once for each configuration: a look comes with every message of the home.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sensors {
    pub(super) doors: Vec<DeviceId>,
    pub(super) motion: Vec<DeviceId>,
    pub(super) water: Vec<DeviceId>,
    /// Each of them: how often it speaks, and its hub.
    pub(super) known: Vec<(DeviceId, Option<Span>, Option<DeviceId>)>,
    pub(super) high_risk: bool,
    pub(super) night_exit: bool,
}

impl Look<'_> {
    fn at(&self) -> Timestamp {
        self.senses.at
    }

    fn hub_is_down(&self, door: &DeviceId) -> bool {
        let known = self.sensors.known.iter().find(|(id, _, _)| id == door);
        let hub = known.and_then(|(_, _, hub)| hub.as_ref());
        let seen = hub.and_then(|hub| self.senses.devices.get(hub));
        seen.is_some_and(|seen| seen.unknown || seen.online == Some(false))
    }

    fn interval(&self, sensor: &DeviceId) -> Option<Span> {
        self.sensors.known.iter().find(|(id, _, _)| id == sensor).and_then(|(_, interval, _)| *interval)
    }

    /// So long a sensor may be silent and still count as live.
    fn live_for(&self, door: &DeviceId) -> Span {
        let interval = self.interval(door).unwrap_or(Span::ZERO);
        hours(self.settings.live_h).max(Span(interval.0 + interval.0 / 2))
    }

    /// So old its latest message may be when the resident is called.
    fn fresh_for(&self, door: &DeviceId) -> Span {
        hours(self.settings.fresh_h).max(self.interval(door).unwrap_or(Span::ZERO))
    }

    fn is_quiet(&self) -> bool {
        let local = self.senses.local(self.setup);
        !self.sensors.high_risk && local.is_between(self.settings.quiet_from, self.settings.quiet_until)
    }

    fn is_night(&self, at: Timestamp) -> bool {
        let local = self.setup.calendar.local(self.senses.wall(at));
        local.is_between(self.settings.night_from, self.settings.night_until)
    }

    fn next_time_of_day(&self, from: Timestamp, minute: wanglou_model::MinuteOfDay) -> Timestamp {
        self.senses.from_wall(self.setup.calendar.next(self.senses.wall(from), minute))
    }
}

/// A door sensor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Door {
    /// The latest live message, by its own time where that can be trusted.
    pub(super) heard: Option<Timestamp>,
    /// What the next reading is compared with; never set by a retained message.
    open: Option<bool>,
    opens: Option<u64>,
    /// The time of the reading that set them.
    as_of: Option<Timestamp>,
    /// The latest movements, to tell a broken contact.
    moves: Vec<Timestamp>,
    /// The latest movement of a contact that is broken.
    flapping: Option<Timestamp>,
    trouble: Option<(Trouble, Timestamp)>,
    /// Its trouble was reported.
    reported: bool,
    pub(super) open_since: Option<Timestamp>,
    /// How far the open door was told: 0 not, 1 reported, 2 somebody is to look.
    told_open: u8,
    /// Somebody looked while it stood open: it no longer keeps the resident from being called.
    pub(super) excused: bool,
}

/// A motion sensor.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Motion {
    active: Option<bool>,
    says_false: bool,
    /// The latest message.
    #[serde(skip_serializing_if = "Option::is_none")]
    heard: Option<Timestamp>,
    /// The latest movement.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved: Option<Timestamp>,
}

/// Since when a home is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unknown {
    pub(super) since: Timestamp,
    /// The last message before it: T stands still from here.
    stopped: Timestamp,
}

/// One home.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Home {
    pub(super) doors: Few<DeviceId, Door>,
    motion: Few<DeviceId, Motion>,
    /// The first message of any of its doors; before it nothing is judged.
    pub(super) first_heard: Option<Timestamp>,
    /// T counts from here on; `None` while unknown.
    since: Option<Timestamp>,
    /// T before `since`.
    banked: Span,
    /// Where T stood still last before `since`: what came between did not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    froze: Option<Timestamp>,
    /// The latest sign of life.
    life: Option<Timestamp>,
    /// When somebody said that they had seen or spoken to the resident.
    visited: Option<Timestamp>,
    pub(super) unknown: Option<Unknown>,
    watched: bool,
    called: bool,
    visit_told: bool,
    #[serde(skip_serializing_if = "Few::is_empty")]
    water: Few<DeviceId, signs::Meter>,
    /// The latest sign of life other than a door.
    #[serde(skip_serializing_if = "Option::is_none")]
    sign: Option<Timestamp>,
    /// It put the call off until then; that happens once.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_to: Option<Timestamp>,
    /// A door moved during an absence.
    #[serde(skip_serializing_if = "Option::is_none")]
    back_at: Option<Timestamp>,
    /// The absence (by when it was entered) whose end was seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    away_ended: Option<Timestamp>,
    /// The absence that was asked about because it is long.
    #[serde(skip_serializing_if = "Option::is_none")]
    away_asked: Option<Timestamp>,
    /// Somebody who may not find back went out at night.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit: Option<exit::Exit>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) news: Vec<News>,
    /// A look is armed for then, or earlier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) looks_at: Option<Timestamp>,
}

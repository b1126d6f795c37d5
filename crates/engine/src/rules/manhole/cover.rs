//! What is known of one cover, and what its sensor's messages and its silence change about it. Changed by observing only.

use super::{LOST, ManholeSettings, RESTED, SETTLED, SILENT};
use crate::rules::RuleTimers;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use serde::{Deserialize, Serialize};
use wanglou_model::{Device, DeviceId, Mark, Reading, Span, Timestamp};

/// What is known of one cover.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Cover {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<DeviceId>,
    /// The latest angle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tilt_deg: Option<f64>,
    /// The device's own verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) open: Option<bool>,
    /// Since when it says that it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) open_since: Option<Timestamp>,
    /// Since when the angle is that of an open cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tilted_since: Option<Timestamp>,
    /// Since when the cover rests closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rested_since: Option<Timestamp>,
    /// The angle has stood long enough.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) settled: bool,
    /// The latest reading was found at start, or late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mark: Option<Mark>,
    /// It moved, and the message that should follow has not come: since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) moved_at: Option<Timestamp>,
    /// Its silence has a deadline, set by an earlier message: when it is due, it looks at `heard`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) watched: bool,
    /// That it is lost, or silent, was told, and it has said nothing since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) lost_told: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) silent_told: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) heard: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) water_mm_below_rim: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) water_alarm: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lel_pct: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) h2s_ppm: Option<f64>,
}

impl Cover {
    /// Since when the cover counts as open, if it does.
    pub(super) fn since(&self) -> Option<Timestamp> {
        let tilted = self.tilted_since.filter(|_| self.settled);
        [self.open_since, tilted].into_iter().flatten().min()
    }

    pub(super) fn is_open(&self) -> bool {
        self.since().is_some()
    }
}

/// A sign of life of the cover's sensor: its silence is counted from here.
pub(super) fn hear(
    cover: &mut Cover,
    settings: &ManholeSettings,
    senses: &Senses,
    sighting: &Sighting,
    subject: &Subject,
    timers: &mut RuleTimers,
) {
    cover.heard = Some(senses.at);
    (cover.lost_told, cover.silent_told) = (false, false);
    let was_moved = cover.moved_at.take().is_some();
    let moved = matches!(sighting.said.reading, Reading::Cover { moved: Some(true), .. });
    let tilted = matches!(sighting.said.reading, Reading::Cover { tilt_deg: Some(deg), .. } if deg >= settings.open_deg);
    if moved || tilted {
        cover.moved_at = Some(senses.at);
    }
    if was_moved || cover.moved_at.is_some() {
        arm_lost(cover, settings, sighting.device, senses, subject, timers);
    }
    if !cover.watched {
        watch(cover, sighting.device, senses, subject, timers);
    }
}

/// Soon after a movement silence means that the cover may be gone.
pub(super) fn arm_lost(
    cover: &Cover,
    settings: &ManholeSettings,
    device: &Device,
    senses: &Senses,
    subject: &Subject,
    timers: &mut RuleTimers,
) {
    let grace = Span::secs(settings.follow_up_grace_s);
    let promised = device.follow_up.map(|span| span + grace);
    let heartbeat = device.interval.map(|interval| Span(interval.0 + interval.0 / 2));
    timers.disarm(subject, LOST);
    let limit = cover.moved_at.and(promised.or(heartbeat)).filter(|_| !cover.lost_told);
    if let (Some(limit), Some(heard)) = (limit, cover.heard) {
        timers.arm(subject, LOST, senses.after(cover.device.as_slice(), heard, limit).max(senses.at));
    }
}

/// From when on silence means that the sensor is dead: three of its intervals.
pub(super) fn silent_from(cover: &Cover, device: &Device, senses: &Senses) -> Option<Timestamp> {
    Some(senses.after(cover.device.as_slice(), cover.heard?, Span(device.interval?.0 * 3)))
}

/// Sets the deadline of its silence. Later messages leave it where it is.
pub(super) fn watch(
    cover: &mut Cover,
    device: &Device,
    senses: &Senses,
    subject: &Subject,
    timers: &mut RuleTimers,
) {
    if let Some(until) = silent_from(cover, device, senses).filter(|_| !cover.silent_told) {
        timers.arm(subject, SILENT, until.max(senses.at));
        cover.watched = true;
    }
}

/// The deadline is due: was it heard since that was set?
pub(super) fn is_silent(
    cover: &mut Cover,
    setup: &Setup,
    senses: &Senses,
    subject: &Subject,
    timers: &mut RuleTimers,
) -> bool {
    cover.watched = false;
    let Some(device) = cover.device.as_ref().and_then(|id| setup.site.devices.get(id)) else { return false };
    match silent_from(cover, device, senses) {
        None => false,
        Some(until) if until > senses.at => {
            watch(cover, device, senses, subject, timers);
            false
        }
        Some(_) => {
            cover.silent_told = senses.may_judge_absence();
            cover.silent_told
        }
    }
}

/// Takes a reading in. Returns whether the rule should decide.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
pub(super) fn see(
    cover: &mut Cover,
    settings: &ManholeSettings,
    senses: &Senses,
    sighting: &Sighting,
    subject: &Subject,
    timers: &mut RuleTimers,
) -> bool {
    match &sighting.said.reading {
        Reading::Cover { tilt_deg, open, .. } => {
            cover.mark = mark_of(sighting.freshness);
            if open.is_some() {
                cover.open_since =
                    if *open == Some(true) { cover.open_since.or(Some(sighting.occurred)) } else { None };
                cover.open = *open;
            }
            if let Some(deg) = tilt_deg {
                see_angle(cover, settings, senses, sighting, *deg, subject, timers);
            } else if *open == Some(false) {
                cover.rested_since = Some(senses.at - Span::secs(settings.rest_s));
            } else if *open == Some(true) {
                cover.rested_since = None;
            }
            true
        }
        Reading::WaterLevel { mm_below_rim, alarm, .. } => {
            cover.mark = mark_of(sighting.freshness);
            cover.water_mm_below_rim = mm_below_rim.or(cover.water_mm_below_rim);
            cover.water_alarm = alarm.or(cover.water_alarm);
            true
        }
        Reading::Gas { lel_pct, ch4_ppm, .. } => {
            cover.mark = mark_of(sighting.freshness);
            // 10 % of the lower explosive limit of methane is 5,000 ppm.
            cover.lel_pct = lel_pct.or(ch4_ppm.map(|ppm| ppm / 500.0)).or(cover.lel_pct);
            true
        }
        Reading::H2s { ppm } => {
            cover.mark = mark_of(sighting.freshness);
            cover.h2s_ppm = Some(*ppm);
            true
        }
        _ => false,
    }
}

fn mark_of(freshness: Freshness) -> Option<Mark> {
    match freshness {
        Freshness::Late => Some(Mark::Late),
        Freshness::Retained => Some(Mark::FoundAtStart),
        Freshness::Fresh | Freshness::Replayed | Freshness::Test => None,
    }
}

fn see_angle(
    cover: &mut Cover,
    settings: &ManholeSettings,
    senses: &Senses,
    sighting: &Sighting,
    deg: f64,
    subject: &Subject,
    timers: &mut RuleTimers,
) {
    cover.tilt_deg = Some(deg);
    if deg >= settings.open_deg {
        let since = *cover.tilted_since.get_or_insert(senses.at);
        if cover.rested_since.take().is_some() {
            timers.disarm(subject, RESTED);
        }
        if sighting.device.debounced {
            cover.settled = true;
        } else if !cover.settled {
            timers.arm(subject, SETTLED, since + Span::secs(settings.settle_s));
        }
        return;
    }
    cover.settled = false;
    if cover.tilted_since.take().is_some() {
        timers.disarm(subject, SETTLED);
    }
    if deg < settings.closed_deg {
        if cover.open == Some(true)
            && !matches!(sighting.said.reading, Reading::Cover { open: Some(true), .. })
        {
            (cover.open, cover.open_since) = (None, None);
        }
        if cover.rested_since.is_none() {
            cover.rested_since = Some(senses.at);
            timers.arm(subject, RESTED, senses.at + Span::secs(settings.rest_s));
        }
    } else if cover.rested_since.take().is_some() {
        timers.disarm(subject, RESTED);
    }
}

//! What sensors say when nothing happens: measurements, states, signs of life.

use crate::compound::{At, Compound, Sensor};
use crate::day::Loud;
use crate::random::Random;
use crate::rhythm::clock;
use crate::traffic::State;
use wanglou_model::{AvailabilityScope, LiftDoor, LiftMode, Purpose, Reading, Span, Timestamp};

/// A device speaks a little more often than it promises, so that an ordinary delay is no silence.
pub(crate) fn pause(interval: Span, random: &mut Random) -> Span {
    Span((interval.0 as f64 * random.between(0.94, 0.99)) as i64)
}

/// One decimal is what such sensors have.
pub(crate) fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The moment of a beat.
pub(crate) struct Now<'a> {
    /// Since the day's midnight.
    pub(crate) of_day: Span,
    pub(crate) at: Timestamp,
    pub(crate) loud: &'a [Loud],
}

/// What `device` says by itself now.
pub(crate) fn reading(
    device: At,
    compound: &Compound,
    state: &State,
    now: &Now<'_>,
    random: &mut Random,
) -> Reading {
    let sensor = compound.sensor(device);
    match sensor.purpose {
        Purpose::LiftController => {
            let waits_open = compound.left_alone.contains(&device);
            standing(state.floor_of(device), if waits_open { LiftDoor::Open } else { LiftDoor::Closed })
        }
        Purpose::HomeDoor => Reading::Contact { open: Some(false), opens: None },
        Purpose::HomeWater => {
            Reading::WaterMeter { litres: tenths(state.litres_of(device)), interval_s: interval_s(sensor) }
        }
        Purpose::Cover if sensor.debounced => {
            Reading::Cover { tilt_deg: None, moved: None, open: Some(state.is_open(device)) }
        }
        Purpose::Cover => {
            Reading::Cover { tilt_deg: Some(tilt(state.is_open(device), random)), moved: None, open: None }
        }
        Purpose::Noise => noise(compound.noise.first() == Some(&device), now, random),
        Purpose::Shed => {
            Reading::Temperature { celsius: tenths(shed_celsius(now.of_day) + random.normal(0.0, 0.2)) }
        }
        Purpose::Weather => weather(now.of_day, random),
        Purpose::Hub => Reading::Availability { online: true, scope: AvailabilityScope::Hub },
        Purpose::LiftCamera
        | Purpose::FacadeCamera
        | Purpose::HomeMotion
        | Purpose::HomeSos
        | Purpose::HomeSmoke
        | Purpose::DoorAccess
        | Purpose::DoorContact
        | Purpose::LaneCamera
        | Purpose::Smoke
        | Purpose::ManualPoint
        | Purpose::FireRelay
        | Purpose::Valve
        | Purpose::Breaker
        | Purpose::Other => Reading::Heartbeat {},
    }
}

/// A lift that waits.
pub(crate) fn standing(floor: i32, door: LiftDoor) -> Reading {
    Reading::LiftStatus {
        door: Some(door),
        moving: Some(false),
        floor: Some(floor),
        mode: Some(LiftMode::Normal),
        hold_command: Some(false),
        hold_feedback: Some(false),
        persons: Some(0),
    }
}

fn interval_s(sensor: &Sensor) -> Option<f64> {
    sensor.interval.map(Span::as_secs_f64)
}

fn tilt(open: bool, random: &mut Random) -> f64 {
    tenths(if open { random.between(30.0, 50.0) } else { random.between(0.0, 2.5) })
}

/// A minute's noise. The square is where people dance from seven to nine.
fn noise(square: bool, now: &Now<'_>, random: &mut Random) -> Reading {
    let night = now.of_day < clock(6, 0) || now.of_day >= clock(22, 0);
    let dancing = square && (clock(19, 0)..clock(21, 0)).contains(&now.of_day);
    let excess = now.loud.iter().find(|(from, until, _)| square && (*from..*until).contains(&now.at));
    let usual = match (dancing, night) {
        (true, _) => 57.0 + excess.map_or(0.0, |(_, _, db)| *db),
        (false, true) => 41.0,
        (false, false) => 48.0,
    };
    let spread = if dancing { 0.8 } else { 2.0 };
    let laeq_db = tenths(random.normal(usual, spread));
    Reading::Noise {
        laeq_db,
        period_s: 60.0,
        lmax_db: Some(tenths(laeq_db + random.between(3.0, 9.0))),
        valid_s: Some(60.0),
        weighting: "A".to_owned(),
    }
}

/// A wave over the day, highest at three in the afternoon.
fn warmth(of_day: Span) -> f64 {
    let hour = of_day.as_secs_f64() / 3_600.0;
    ((hour - 9.0) / 24.0 * std::f64::consts::TAU).sin()
}

/// Charging warms the sheds from nine in the evening to six.
fn shed_celsius(of_day: Span) -> f64 {
    let charging = of_day < clock(6, 0) || of_day >= clock(21, 0);
    21.0 + 5.0 * warmth(of_day) + if charging { 9.0 } else { 0.0 }
}

fn weather(of_day: Span, random: &mut Random) -> Reading {
    Reading::Weather {
        rain_mm_h: Some(0.0),
        wind_mps: Some(tenths(random.between(0.2, 3.5))),
        celsius: Some(tenths(18.0 + 6.0 * warmth(of_day))),
    }
}

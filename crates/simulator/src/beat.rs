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

/// What a flood has made of the weather and of the night.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Sky {
    /// Rain, mm/h.
    pub(crate) rain_mm_h: f64,
    pub(crate) fireworks: bool,
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
        Purpose::Noise if state.sky.fireworks => bangs(random),
        Purpose::Noise => noise(compound.noise.first() == Some(&device), now, random),
        Purpose::Shed => {
            Reading::Temperature { celsius: tenths(shed_celsius(now.of_day) + random.normal(0.0, 0.2)) }
        }
        Purpose::Weather => weather(now.of_day, state.sky.rain_mm_h, random),
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
        | Purpose::Speaker
        | Purpose::Telephone
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

/// A minute of fireworks: mostly single bangs, at times a barrage.
fn bangs(random: &mut Random) -> Reading {
    let laeq_db = tenths(random.normal(72.0, 4.0));
    let above = if random.chance(0.7) { random.between(16.0, 26.0) } else { random.between(8.0, 14.0) };
    Reading::Noise {
        laeq_db,
        period_s: 60.0,
        lmax_db: Some(tenths(laeq_db + above)),
        valid_s: Some(60.0),
        weighting: "A".to_owned(),
    }
}

/// A wave over the day, highest at three in the afternoon.
fn warmth(of_day: Span) -> f64 {
    let hour = of_day.as_secs_f64() / 3_600.0;
    ((hour - 9.0) / 24.0 * std::f64::consts::TAU).sin()
}

/// Charging warms the sheds from nine in the evening to six: by and by, as bikes are plugged in and are full.
fn shed_celsius(of_day: Span) -> f64 {
    let since = |begin: Span| ((of_day - begin).as_secs_f64() / 3_600.0).clamp(0.0, 1.0);
    let charging = if of_day < clock(12, 0) { 1.0 - since(clock(5, 0)) } else { since(clock(20, 30)) };
    21.0 + 5.0 * warmth(of_day) + 9.0 * charging
}

fn weather(of_day: Span, rain_mm_h: f64, random: &mut Random) -> Reading {
    Reading::Weather {
        rain_mm_h: Some(rain_mm_h),
        wind_mps: Some(tenths(random.between(0.2, 3.5))),
        celsius: Some(tenths(18.0 + 6.0 * warmth(of_day))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shed_warms_no_faster_than_charging_does() {
        let minute = |n: i64| shed_celsius(Span::mins(n));
        for n in 0..24 * 60 {
            let change = (minute((n + 1) % (24 * 60)) - minute(n)).abs();
            assert!(change < 0.5, "{change} degrees in minute {n}");
        }
        assert!(shed_celsius(clock(23, 0)) > shed_celsius(clock(12, 0)));
    }
}

//! Heavy rain: drains fill and covers float up, while every façade camera takes drops for throws.

use super::{Does, Plot};
use crate::beat::tenths;
use crate::compound::At;
use crate::episodes::{cover_says, false_hit};
use wanglou_model::{Purpose, Reading};

/// Covers that say something within [`RISES_S`].
const COVERS: usize = 110;
/// Of those, covers that the water lifts off for good.
const OPEN: usize = 4;
const RISES_S: f64 = 900.0;
/// Of the wells that fill, so many fill up to the rim.
const TO_THE_RIM: f64 = 0.4;
/// False hits of each façade camera.
const HITS_A_MINUTE: usize = 20;

/// Sensors with a float tell of water. Those that only know their tilt tell that the surge rocks the lid, within its angle.
/// Four lids are lifted off. (A LoRa sensor that says "beyond my angle" is an open cover for the rule, so none of those
/// that rock says it.)
pub(super) fn plot(plot: &mut Plot<'_>) {
    plot.step(0.0, Does::Rain(42.0));
    plot.step(RISES_S + 120.0, Does::Rain(0.0));
    let compound = plot.compound;
    let has_float = |at: &At| compound.sensor(*at).voice.can_say(&water(0.0));
    let (floats, tilts): (Vec<At>, Vec<At>) = compound.covers.iter().copied().partition(has_float);
    let open = [plot.some(&floats, OPEN / 2), plot.some(&tilts, OPEN / 2)].concat();
    let rest = |of: &[At]| of.iter().copied().filter(|at| !open.contains(at)).collect::<Vec<_>>();
    let (floats, tilts) = (rest(&floats), rest(&tilts));
    let filling = plot.some(&floats, COVERS - OPEN);
    let rocking = plot.some(&tilts, COVERS - OPEN - filling.len());
    for cover in &filling {
        fills(plot, *cover);
    }
    for cover in &rocking {
        rocks(plot, *cover);
    }
    for (number, cover) in open.iter().enumerate() {
        lifts_off(plot, *cover, 240.0 + 150.0 * number as f64);
    }
    for camera in compound.facades.iter().flatten() {
        rained_on(plot, *camera);
    }
}

fn water(mm_below_rim: f64) -> Reading {
    Reading::WaterLevel { mm_below_rim: Some(tenths(mm_below_rim)), mm: None, alarm: None }
}

fn fills(plot: &mut Plot<'_>, cover: At) {
    let begin = plot.random.between(0.0, RISES_S - 30.0);
    let level = plot.random.between(180.0, 290.0);
    plot.say(begin, cover, water(level));
    if plot.random.chance(TO_THE_RIM) {
        let full = (begin + plot.random.between(120.0, 420.0)).min(RISES_S);
        plot.say(full, cover, water(-5.0));
    }
    let fallen = RISES_S + plot.random.between(0.0, 280.0);
    plot.say(fallen, cover, water(520.0));
}

fn rocks(plot: &mut Plot<'_>, cover: At) {
    let debounced = plot.compound.sensor(cover).debounced;
    let begin = plot.random.between(0.0, RISES_S);
    for hop in 0..3 {
        let tilt = plot.random.between(4.0, 12.0);
        plot.say(begin + 20.0 * f64::from(hop), cover, cover_says(debounced, tilt, false));
    }
    plot.say(begin + 90.0, cover, cover_says(debounced, 1.1, false));
}

fn lifts_off(plot: &mut Plot<'_>, cover: At, after_s: f64) {
    let debounced = plot.compound.sensor(cover).debounced;
    let tilt = plot.random.between(24.0, 52.0);
    let shut = 3_000.0;
    let until = plot.after(shut);
    plot.step(after_s, Does::CoverOpen(cover, until));
    plot.say(after_s, cover, cover_says(debounced, tilt, true));
    plot.say(shut + 1.0, cover, cover_says(debounced, 0.9, false));
}

fn rained_on(plot: &mut Plot<'_>, camera: At) {
    debug_assert_eq!(plot.compound.sensor(camera).purpose, Purpose::FacadeCamera);
    for _ in 0..HITS_A_MINUTE * (RISES_S as usize / 60) {
        let moment = plot.random.between(0.0, RISES_S);
        let hit = false_hit(&mut plot.random);
        plot.say(moment, camera, hit);
    }
}

//! One camera that never stops, and what others see meanwhile.

use super::Plot;
use crate::compound::At;
use crate::episodes::{false_hit, thrown_hit};
use wanglou_model::{Purpose, Reading};

const A_SECOND: usize = 50;
const LASTS_S: f64 = 180.0;

/// The first camera of the first façade. The second camera there, and both of another façade, see something fall; a
/// detector smells smoke.
pub(super) fn plot(plot: &mut Plot<'_>) {
    let compound = plot.compound;
    let Some([broken, neighbour, ..]) = compound.facades.first().map(Vec::as_slice) else { return };
    for number in 0..A_SECOND * LASTS_S as usize {
        let hit = false_hit(&mut plot.random);
        plot.say(number as f64 / A_SECOND as f64, *broken, hit);
    }
    let hit = thrown_hit(&mut plot.random, 14);
    plot.say(120.0, *neighbour, hit);
    for (number, camera) in compound.facades.iter().skip(5).take(1).flatten().enumerate() {
        let hit = thrown_hit(&mut plot.random, 7);
        plot.say(60.0 + number as f64 * 0.8, *camera, hit);
    }
    let corridor = |at: &&At| compound.sensor(**at).purpose == Purpose::Smoke;
    if let Some(detector) = compound.smoke.iter().filter(corridor).nth(200) {
        plot.say(90.0, *detector, Reading::Smoke { active: true, source: None });
        plot.say(250.0, *detector, Reading::Smoke { active: false, source: None });
    }
}

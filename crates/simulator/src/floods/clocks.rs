//! Sixty clocks that are wrong: a bridge whose host lost its time zone, and devices that begin again in 1970.

use super::{Does, Plot};
use crate::compound::At;
use crate::episodes::cover_says;
use crate::voice::Voice;
use wanglou_model::{Purpose, Reading, Span};

const CLOCKS: usize = 60;
const DAY_H: i64 = 24;

/// All doors behind one bridge are eight hours ahead; the others are a day or a year ahead, or decades behind. One of
/// those is a cover that opens, and one a detector that smells smoke.
pub(super) fn plot(plot: &mut Plot<'_>) {
    let compound = plot.compound;
    let bridged = |at: &At| compound.sensor(*at).voice == Voice::Zigbee2mqtt;
    let doors: Vec<At> = compound.homes.iter().filter_map(|home| home.door).filter(bridged).collect();
    for door in &doors {
        plot.step(0.0, Does::ClockWrong(*door, Span::hours(8)));
    }
    let canonical = |at: &At| compound.sensor(*at).voice == Voice::Canonical;
    let smoke = compound.smoke.iter().copied().find(|at| compound.sensor(*at).purpose == Purpose::Smoke);
    let cover = compound.covers.iter().copied().find(|at| canonical(at) && !compound.sensor(*at).debounced);
    let others: Vec<At> = compound.homes.iter().filter_map(|home| home.motion).filter(canonical).collect();
    let others = plot.some(&others, CLOCKS.saturating_sub(doors.len() + 2));
    let wrong = [DAY_H, 365 * DAY_H, -20_454 * DAY_H, -30 * DAY_H].map(Span::hours);
    for (number, device) in smoke.into_iter().chain(cover).chain(others).enumerate() {
        plot.step(0.0, Does::ClockWrong(device, wrong[number % wrong.len()]));
    }
    if let Some(detector) = smoke {
        plot.say(600.0, detector, Reading::Smoke { active: true, source: None });
        plot.say(800.0, detector, Reading::Smoke { active: false, source: None });
    }
    if let Some(cover) = cover {
        let until = plot.after(3_500.0);
        plot.step(900.0, Does::CoverOpen(cover, until));
        plot.say(900.0, cover, cover_says(false, 33.0, true));
    }
}

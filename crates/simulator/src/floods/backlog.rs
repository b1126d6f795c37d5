//! A broker that was out: what happened meanwhile comes when it is over, all at once, with the time at which it was.

use super::{Does, Plot};
use crate::episodes::thrown_hit;
use crate::traffic::Event;
use wanglou_model::{LiftClass, Purpose, Reading, Span, Timestamp};

/// So long the broker is gone.
pub(super) const OUT_S: f64 = 600.0;
/// So long before it takes nothing any more: what happens then is older than ten minutes when it comes.
const FAILING_S: f64 = 60.0;
/// So many messages come when it is over; devices without a PUBACK say the same again.
const BACKLOG: usize = 5_000;
/// Within so long.
const WITHIN: Span = Span::secs(10);

/// While the broker fails, something is thrown, a door is forced, and a pram is taken for an e-bike: all that
/// is over when anybody hears of it. A cover opens, a detector smells smoke, and somebody presses SOS: that is not.
pub(super) fn plot(plot: &mut Plot<'_>) {
    let back = plot.after(OUT_S);
    plot.step(-FAILING_S, Does::Outage(back));
    let compound = plot.compound;
    if let Some(cameras) = compound.facades.get(3) {
        for (number, camera) in cameras.iter().enumerate() {
            let hit = thrown_hit(&mut plot.random, 9);
            plot.say(-50.0 + number as f64 * 0.8, *camera, hit);
        }
    }
    if let Some(door) = compound.doors.first().copied() {
        let contact = |open| Reading::Contact { open: Some(open), opens: None };
        plot.say(-40.0, door.reader, contact(true));
        plot.say(-20.0, door.reader, contact(false));
    }
    if let Some(camera) = compound.lifts.iter().filter_map(|lift| lift.camera).nth(3) {
        let seen = |present| Reading::LiftCamera {
            class: LiftClass::Ebike,
            present,
            confidence: None,
            picture: None,
        };
        plot.say(-45.0, camera, seen(true));
        plot.say(-15.0, camera, seen(false));
    }
    if let Some(cover) = compound.covers.iter().copied().find(|at| compound.sensor(*at).debounced) {
        let until = plot.after(OUT_S + 1_800.0);
        plot.step(-35.0, Does::CoverOpen(cover, until));
        plot.say(-35.0, cover, Reading::Cover { tilt_deg: None, moved: None, open: Some(true) });
    }
    let corridor = |at: &&_| compound.sensor(**at).purpose == Purpose::Smoke;
    if let Some(detector) = compound.smoke.iter().filter(corridor).nth(40) {
        plot.say(-30.0, *detector, Reading::Smoke { active: true, source: None });
        plot.say(OUT_S + 300.0, *detector, Reading::Smoke { active: false, source: None });
    }
    if let Some(button) = compound.homes.iter().filter_map(|home| home.sos).nth(8) {
        plot.say(-25.0, button, Reading::Sos { active: true, source: Some("pendant".to_owned()) });
    }
}

/// What the devices had kept, in the order in which it was said, from `back` on.
pub(crate) fn drained(mut kept: Vec<Event>, back: Timestamp) -> Vec<Event> {
    kept.sort_by_key(|event| event.at);
    let again = BACKLOG.saturating_sub(kept.len());
    let mut all: Vec<Event> = Vec::with_capacity(BACKLOG);
    // Said again by those who were not acknowledged: spread over all, each right after the first time.
    let every = kept.len().div_ceil(again.max(1)).max(1);
    let surplus = kept.len().saturating_sub(BACKLOG);
    let times = again.div_ceil(kept.len().max(1));
    for (number, event) in kept.into_iter().enumerate() {
        if number < surplus && !event.is_worth_keeping() {
            continue;
        }
        let room = BACKLOG.saturating_sub(all.len() + 1);
        let repeats = if number % every == 0 { times.min(room) } else { 0 };
        all.extend(std::iter::repeat_n(event, 1 + repeats));
    }
    let step = Span(WITHIN.0 / (all.len().max(1) as i64));
    let late = all.into_iter().enumerate().map(|(number, event)| {
        let at = back + Span(step.0 * number as i64);
        event.delivered_at(at)
    });
    late.collect()
}

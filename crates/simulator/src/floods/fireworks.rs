//! New Year's Eve: rockets over every roof, kitchens in full use, and doors that are not heard.

use super::{Does, Plot};
use crate::compound::At;
use crate::episodes::rocket_hit;
use wanglou_model::Reading;

const SMOKE: usize = 30;
const SILENT_DOORS: usize = 25;
const ROCKETS: usize = 90;
/// The rockets go up within so long, from a quarter of an hour after the begin on.
const SHOW_S: (f64, f64) = (900.0, 2_700.0);
/// The doors stay silent so long: longer than two of their intervals.
const SILENT_S: f64 = 9_000.0;

/// Each rocket is seen by about a quarter of the façade cameras at the same moment.
pub(super) fn plot(plot: &mut Plot<'_>) {
    let compound = plot.compound;
    let doors: Vec<At> = compound.homes.iter().filter_map(|home| home.door).collect();
    let until = plot.after(SILENT_S);
    for door in plot.some(&doors, SILENT_DOORS) {
        plot.step(0.0, Does::Dark(door, until));
    }
    plot.step(SHOW_S.0, Does::Fireworks(true));
    plot.step(SHOW_S.1, Does::Fireworks(false));
    let cameras: Vec<At> = compound.facades.iter().flatten().copied().collect();
    for _ in 0..ROCKETS {
        let moment = plot.random.between(SHOW_S.0, SHOW_S.1);
        for camera in &cameras {
            if plot.random.chance(0.25) {
                let hit = rocket_hit(&mut plot.random);
                let after = plot.random.between(0.0, 1.5);
                plot.say(moment + after, *camera, hit);
            }
        }
    }
    for detector in plot.some(&compound.smoke, SMOKE) {
        let begin = plot.random.between(SHOW_S.0, SHOW_S.1);
        let lasts = plot.random.between(120.0, 300.0);
        plot.say(begin, detector, Reading::Smoke { active: true, source: None });
        plot.say(begin + lasts, detector, Reading::Smoke { active: false, source: None });
    }
}

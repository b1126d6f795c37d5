//! Manhole covers.

use super::{Script, Stage};
use crate::beat::tenths;
use crate::compound::At;
use wanglou_model::Reading;

/// Two seconds of tilt that the next sample contradicts. A reed switch debounces it away and says nothing.
pub(super) fn shaken(cover: At, stage: &mut Stage<'_>, script: &mut Script) {
    script.stage(stage.stretch);
    if stage.compound.sensor(cover).debounced {
        return;
    }
    let tilt = stage.random.between(16.0, 40.0);
    script.say(0.0, Some(cover), tilted(tilt, true));
    script.say(stage.random.between(1.0, 2.0), Some(cover), tilted(0.8, false));
}

/// Open for half an hour or so; sensors that promise it repeat themselves meanwhile.
pub(super) fn open(cover: At, stage: &mut Stage<'_>, script: &mut Script) {
    script.stage(stage.stretch);
    let sensor = stage.compound.sensor(cover);
    let (debounced, follow_up) = (sensor.debounced, sensor.follow_up);
    let tilt = stage.random.between(25.0, 55.0);
    let state = |open: bool| cover_says(debounced, if open { tilt } else { 1.2 }, open);
    let open_s = stage.random.between(900.0, 2_700.0);
    script.say(0.0, Some(cover), state(true));
    if let Some(follow_up) = follow_up {
        let every_s = follow_up.as_secs_f64() * 0.9;
        let times = (open_s / every_s) as usize;
        (1..=times).for_each(|n| script.say(n as f64 * every_s, Some(cover), state(true)));
    }
    script.say(open_s, Some(cover), state(false));
    stage.state.open.insert(cover, script.after(open_s));
}

/// What a cover's sensor says of its lid, by whether it debounces by itself.
pub(crate) fn cover_says(debounced: bool, tilt_deg: f64, open: bool) -> Reading {
    match debounced {
        true => Reading::Cover { tilt_deg: None, moved: None, open: Some(open) },
        false => tilted(tilt_deg, open),
    }
}

/// `triggered`: the sensor says itself that its threshold was passed, where its format has a word for it.
fn tilted(tilt_deg: f64, triggered: bool) -> Reading {
    Reading::Cover { tilt_deg: Some(tenths(tilt_deg)), moved: triggered.then_some(true), open: None }
}

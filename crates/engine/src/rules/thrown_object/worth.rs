//! What one message is worth by itself: a throw, perhaps one, or a bird.

use super::settings::ThrownObjectSettings;
use super::throw::Worth;
use wanglou_model::{Evidence, Reading};

/// What one message is worth, before the camera's own record is looked at. `poor_sight`: rain or dark.
pub(super) fn worth(reading: &Reading, settings: &ThrownObjectSettings, poor_sight: bool) -> Worth {
    let Reading::ThrownObject { drop_m, zone, speed_mps, horizontal_m, upward, confidence, .. } = reading
    else {
        return Worth::NoThrow;
    };
    let shielded = zone.as_ref().is_some_and(|zone| settings.shield_zones.contains(zone));
    let sideways = drop_m.zip(*horizontal_m).is_some_and(|(down, aside)| aside > down);
    let short = drop_m.is_some_and(|metres| metres < settings.drop_m);
    let flutters = speed_mps.is_some_and(|speed| speed < settings.flutter_mps);
    if *upward == Some(true) || short || sideways || flutters || (shielded && drop_m.is_none()) {
        return Worth::NoThrow;
    }
    let enough = if poor_sight { settings.confidence_poor_sight } else { settings.confidence };
    match confidence {
        None => Worth::Unsure,
        Some(confidence) if *confidence >= enough => Worth::Certain,
        Some(_) => Worth::Weak,
    }
}

/// Every picture and clip of a message, each once.
pub(super) fn evidence(said: &[Evidence], reading: &Reading) -> Vec<Evidence> {
    let Reading::ThrownObject { clip, picture, .. } = reading else { return said.to_vec() };
    let more = clip.iter().chain(picture).filter(|found| !said.contains(found));
    said.iter().chain(more).cloned().collect()
}

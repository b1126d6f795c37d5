//! A power cut: what hangs on the mains is dark, and so is what speaks through it.

use super::{Does, Plot};
use crate::compound::At;
use wanglou_model::{AvailabilityScope, Purpose, Reading};

const DEVICES: usize = 300;
const DARK_S: f64 = 1_500.0;

/// Two of three hubs with all behind them, then whatever hangs on the mains, up to 300 devices. The broker says of the
/// bridge that it is gone; of the others nobody says anything.
pub(super) fn plot(plot: &mut Plot<'_>) {
    let compound = plot.compound;
    let kept = compound.hubs.iter().copied().find(|hub| compound.sensor(*hub).id.as_str().ends_with("north"));
    let hubs: Vec<At> = compound.hubs.iter().copied().filter(|hub| Some(*hub) != kept).collect();
    let behind = |at: &At| {
        let hub = compound.sensor(*at).hub.as_ref();
        hubs.iter().any(|known| Some(&compound.sensor(*known).id) == hub)
    };
    let mains =
        |at: &At| !hubs.contains(at) && Some(*at) != kept && is_on_mains(compound.sensor(*at).purpose);
    let order =
        [hubs.clone(), compound.all().filter(behind).collect(), compound.all().filter(mains).collect()];
    let dark: Vec<At> = order.concat().into_iter().take(DEVICES).collect();
    for hub in &hubs {
        let online = |online| Reading::Availability { online, scope: AvailabilityScope::Hub };
        plot.say(0.0, *hub, online(false));
        plot.say(DARK_S + 5.0, *hub, online(true));
    }
    let until = plot.after(DARK_S);
    for device in dark {
        plot.step(0.5, Does::Dark(device, until));
    }
}

fn is_on_mains(purpose: Purpose) -> bool {
    matches!(
        purpose,
        Purpose::LiftController
            | Purpose::LiftCamera
            | Purpose::DoorAccess
            | Purpose::FacadeCamera
            | Purpose::LaneCamera
            | Purpose::Noise
            | Purpose::Shed
            | Purpose::Weather
            | Purpose::Other
    )
}

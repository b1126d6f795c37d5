//! Work under a permit: the crew opens the cover, so its angle says nothing; gas below it is then about them.

use super::{Cover, Manhole, ManholeSettings, UNMUTED};
use crate::ladder::default_ladder;
use crate::rules::{Proposal, RuleTimers};
use crate::senses::{Senses, Subject};
use crate::setup::Setup;
use crate::world::World;
use wanglou_model::{
    AlarmKind, Audience, DeviceId, Fact, Ladder, OfficerId, PlaceId, Priority, Reason, Span, Timestamp,
};

/// Looks at the cover again when the last permit for it has ended, with its grace.
pub(super) fn arm(
    settings: &ManholeSettings,
    senses: &Senses,
    setup: &Setup,
    device: &DeviceId,
    place: &PlaceId,
    timers: &mut RuleTimers,
) {
    if senses.register.permits.is_empty() {
        return;
    }
    let wall = senses.wall(senses.at);
    let grace = Span::secs(settings.permit_grace_s);
    let running = senses.register.permits.iter().filter(|permit| wall < permit.until + grace);
    let ends = running.filter(|permit| crate::register::covers(setup, permit, device));
    if let Some(end) = ends.map(|permit| senses.from_wall(permit.until + grace)).max() {
        timers.arm(place, UNMUTED, end.max(senses.at));
    }
}

/// Until when permits that hold now, with their grace, mute the cover.
pub(super) fn muted_until(
    settings: &ManholeSettings,
    senses: &Senses,
    setup: &Setup,
    device: &DeviceId,
) -> Option<Timestamp> {
    let grace = Span::secs(settings.permit_grace_s);
    let permits = senses.register.permits_for(setup, device, senses.wall(senses.at), grace);
    permits.map(|permit| senses.from_wall(permit.until + grace)).max()
}

impl Manhole {
    /// Is the cover's angle muted by a permit, or by one that ended just now?
    pub(super) fn is_muted(&self, world: &World, cover: &Cover) -> bool {
        let until = |device| muted_until(&self.settings, world.senses, world.setup, device);
        cover.device.as_ref().and_then(until).is_some()
    }

    /// Who works there now, or did until a moment ago: they may still be below.
    pub(super) fn crew_below(&self, world: &World, cover: &Cover) -> Vec<OfficerId> {
        let Some(device) = &cover.device else { return Vec::new() };
        let grace = Span::secs(self.settings.permit_grace_s);
        let wall = world.senses.wall(world.at);
        let permits = world.senses.register.permits_for(world.setup, device, wall, grace);
        let mut crew: Vec<OfficerId> = permits.flat_map(|permit| permit.crew.iter().cloned()).collect();
        crew.sort_unstable();
        crew.dedup();
        crew
    }
}

/// Everybody whom a P1 calls, and the crew with them.
pub(super) fn ladder(crew: Vec<OfficerId>) -> Ladder {
    let mut ladder = default_ladder(Priority::P1);
    if let Some(first) = ladder.rungs.first_mut() {
        first.tell.push(Audience::People(crew));
    }
    ladder
}

/// An opening that is the crew's.
pub(super) fn suppressed(kind: &AlarmKind, place: &Subject) -> Proposal {
    let reason =
        Reason::new("permit", "有作业登记，开盖不告警", "work is permitted here: the open cover is theirs");
    Proposal::Fact(Fact::Suppressed { kind: kind.clone(), place: place.clone(), reason })
}

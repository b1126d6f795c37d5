//! Who keeps a device in order: contacts, not users, so no rota knows them.

use crate::ladder::{default_ladder, rung, times};
use crate::world::World;
use wanglou_model::{Audience, Ladder, OfficerId, PlaceId, Priority, Purpose, Role, Span};

/// Maintainers of a sort of devices at a place; those who keep everything in order where nobody is named for it.
pub(super) fn of(world: &World, place: &PlaceId, purpose: Purpose) -> Option<Audience> {
    let serving = || {
        let officers = world.setup.site.officers.iter();
        officers
            .filter(|(_, officer)| officer.roles.contains(&Role::Maintainer) && world.serves(officer, place))
    };
    let named: Vec<OfficerId> = serving()
        .filter(|(_, officer)| officer.maintains.contains(&purpose))
        .map(|(id, _)| id.clone())
        .collect();
    let all =
        || serving().filter(|(_, officer)| officer.maintains.is_empty()).map(|(id, _)| id.clone()).collect();
    let people: Vec<OfficerId> = if named.is_empty() { all() } else { named };
    (!people.is_empty()).then_some(Audience::People(people))
}

/// A repair: whoever maintains it, or the manager where nobody does; then those who must know.
pub(super) fn repair(world: &World, place: &PlaceId, purpose: Purpose) -> Ladder {
    let first = of(world, place, purpose).unwrap_or(Audience::OnDuty(Role::Manager));
    let second = vec![Audience::OnDuty(Role::Manager), Audience::OnDuty(Role::ControlRoom)];
    let rungs = vec![rung(Span::ZERO, vec![first]), rung(Span::mins(15), second)];
    Ladder { rungs, ..default_ladder(Priority::P3) }
}

/// What is wrong with a sender: whoever runs the gateway and the manager, then the control room.
pub(super) fn operators(world: &World) -> Ladder {
    let officers = world.setup.site.officers.iter().filter(|(_, officer)| officer.admin);
    let operators = Audience::People(officers.map(|(id, _)| id.clone()).collect());
    let rungs = vec![
        rung(Span::ZERO, vec![operators, Audience::OnDuty(Role::Manager)]),
        rung(times(Priority::P3).accept, vec![Audience::OnDuty(Role::ControlRoom)]),
    ];
    Ladder { rungs, ..default_ladder(Priority::P3) }
}

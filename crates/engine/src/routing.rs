//! Who is told: role, then on duty, then the place they serve, then whether they can be reached at all.

use crate::alarm::Alarm;
use crate::senses::Senses;
use crate::setup::Setup;
use crate::world::World;
use std::collections::BTreeSet;
use wanglou_model::{
    Audience, Channel, Officer, OfficerId, PlaceId, Priority, Role, Span, Timestamp, Told, Unreached,
};

impl World<'_> {
    /// Is this officer on duty now?
    pub fn is_on_duty(&self, id: &OfficerId, officer: &Officer) -> bool {
        is_on_duty(self.senses, self.setup, self.at, id, officer)
    }

    /// Does this officer serve this place: by grid, by place, or because they serve the whole compound?
    pub fn serves(&self, officer: &Officer, place: &PlaceId) -> bool {
        serves(self.setup, officer, place)
    }

    /// Can anything reach this officer now: a fresh socket, a webhook, a telephone, or a push subscription of a phone
    /// that was heard within a day?
    pub fn is_reachable(&self, id: &OfficerId, officer: &Officer) -> bool {
        let usable = |channel| self.setup.channels.contains(&channel);
        self.senses.sockets(id) > 0
            || (officer.webhook && usable(Channel::Webhook))
            || (officer.telephone && (usable(Channel::Voice) || usable(Channel::Sms)))
            || (usable(Channel::Push) && self.senses.is_pushable(id))
    }

    /// Everybody whom a rung's audiences name for this alarm, each once: the nearest first, then those with the least in
    /// hand, then in the order of their ids.
    pub(crate) fn audience(&self, alarm: &Alarm, audiences: &[Audience]) -> Vec<Told> {
        let mut chosen: BTreeSet<&OfficerId> = BTreeSet::new();
        for audience in audiences {
            match audience {
                Audience::OnDuty(role) => {
                    chosen.extend(
                        self.nearest(alarm, self.on_duty(std::slice::from_ref(role), Some(&alarm.place))),
                    );
                }
                Audience::Anywhere(role) => chosen.extend(self.on_duty(std::slice::from_ref(role), None)),
                Audience::Backup => {
                    let others = self.on_duty(&BACKUP, None);
                    chosen.extend(others.filter(|id| {
                        alarm.followers.get(*id).is_none_or(|follower| follower.rung.is_none())
                    }));
                }
                Audience::People(people) => {
                    chosen.extend(people.iter().filter(|id| self.setup.site.officers.contains_key(*id)));
                }
            }
        }
        let mut chosen: Vec<&OfficerId> = chosen.into_iter().collect();
        if chosen.len() > 1 {
            chosen.sort_by_cached_key(|id| self.rank(alarm, id));
        }
        let told = |id: &OfficerId| Told {
            officer: id.clone(),
            unreached: self.unreached(alarm, id),
            quiet: self.holds_back(alarm, id),
        };
        chosen.into_iter().map(told).collect()
    }

    /// Of those in one role the nearest, if enough of them said just now where they are. Nobody is left out for good:
    /// the backup comes with the next rung. P1 is told to all.
    fn nearest<'s>(&'s self, alarm: &Alarm, all: impl Iterator<Item = &'s OfficerId>) -> Vec<&'s OfficerId> {
        let mut all: Vec<&OfficerId> = all.collect();
        let wanted = self.setup.rules.routing.nearest;
        let known = |id: &&OfficerId| {
            let here = self.distance(id, &alarm.place).is_some() && self.unreached(alarm, id).is_none();
            let officer = self.setup.site.officers.get(*id);
            here && officer.is_some_and(|officer| self.is_on_duty(id, officer))
        };
        if alarm.priority == Priority::P1 || wanted == 0 || all.iter().filter(|id| known(id)).count() < wanted
        {
            return all;
        }
        all.retain(known);
        all.sort_by_cached_key(|id| self.rank(alarm, id));
        all.truncate(wanted);
        all
    }

    /// Nearest first; who did not say where they are comes last. Then the least in hand.
    fn rank(&self, alarm: &Alarm, id: &OfficerId) -> (usize, usize) {
        (self.distance(id, &alarm.place).unwrap_or(usize::MAX), self.load(id))
    }

    /// How far somebody is from a place: the steps from one to the other in the tree of places. `None` when nobody knows,
    /// or their last word is too old.
    pub fn distance(&self, id: &OfficerId, place: &PlaceId) -> Option<usize> {
        let position = self.senses.register.positions.get(id)?;
        let fresh = self.at - position.at < Span::secs(self.setup.rules.routing.position_s);
        fresh.then(|| steps(&position.place, place))
    }

    /// How many open alarms somebody has taken.
    pub fn load(&self, id: &OfficerId) -> usize {
        let theirs = |alarm: &&Alarm| alarm.accepted.as_ref().is_some_and(|acceptance| acceptance.by == *id);
        self.book.open_alarms().filter(theirs).count()
    }

    fn on_duty<'s>(
        &'s self,
        roles: &'s [Role],
        place: Option<&'s PlaceId>,
    ) -> impl Iterator<Item = &'s OfficerId> {
        let wanted = move |(id, officer): &(&OfficerId, &Officer)| {
            roles.iter().any(|role| officer.roles.contains(role))
                && self.is_on_duty(id, officer)
                && place.is_none_or(|place| self.serves(officer, place))
        };
        self.setup.site.officers.iter().filter(wanted).map(|(id, _)| id)
    }

    fn unreached(&self, alarm: &Alarm, id: &OfficerId) -> Option<Unreached> {
        let officer = self.setup.site.officers.get(id)?;
        if alarm.followers.get(id).is_some_and(|follower| follower.declined) {
            return Some(Unreached::Declined);
        }
        (!self.is_reachable(id, officer)).then_some(Unreached::NoChannel)
    }

    /// Those who see every alarm of the compound without being called: the control room and the managers.
    pub(crate) fn watchers(&self) -> impl Iterator<Item = &OfficerId> {
        self.setup.site.officers.iter().filter(|(_, officer)| watches(officer)).map(|(id, _)| id)
    }

    /// Is an alarm that this officer was told of still theirs to see? They oversee the compound, or have taken it,
    /// or a rung that was reached names them by a role of theirs, for a place that they serve. Whether they are on
    /// duty does not matter: the end of a shift takes nothing away.
    pub(crate) fn in_scope(&self, alarm: &Alarm, id: &OfficerId) -> bool {
        let Some(officer) = self.setup.site.officers.get(id) else { return false };
        let holds = alarm.accepted.as_ref().is_some_and(|acceptance| acceptance.by == *id);
        let told_by = alarm.followers.get(id).and_then(|follower| follower.rung);
        let reached = alarm.rung.max(told_by).map_or(0, |rung| rung + 1);
        let mut audiences = alarm.ladder.rungs.iter().take(reached).flat_map(|rung| &rung.tell);
        (watches(officer) && !alarm.is_confidential())
            || alarm.reporters().contains(id)
            || holds
            || audiences.any(|audience| self.names(audience, id, officer, &alarm.place))
    }

    fn names(&self, audience: &Audience, id: &OfficerId, officer: &Officer, place: &PlaceId) -> bool {
        match audience {
            Audience::OnDuty(role) => officer.roles.contains(role) && self.serves(officer, place),
            Audience::Anywhere(role) => officer.roles.contains(role),
            Audience::Backup => BACKUP.iter().any(|role| officer.roles.contains(role)),
            Audience::People(people) => people.contains(id),
        }
    }
}

/// Is this officer on duty: signed on, or not signed off and on the rota?
pub(crate) fn is_on_duty(
    senses: &Senses,
    setup: &Setup,
    at: Timestamp,
    id: &OfficerId,
    officer: &Officer,
) -> bool {
    if let Some(signed) = senses.register.duty.get(id).filter(|signed| at < signed.until) {
        return signed.on;
    }
    let local = senses.local(setup);
    officer.always_on_duty || setup.site.rota.is_on_duty_at(id, local.day, local.minute.0)
}

pub(crate) fn serves(setup: &Setup, officer: &Officer, place: &PlaceId) -> bool {
    let everywhere = officer.grids.is_empty() && officer.places.is_empty();
    let by_grid = || setup.site.grid_of(place).is_some_and(|grid| officer.grids.contains(grid));
    let by_place = || officer.places.iter().any(|served| place.is_within(served));
    everywhere || by_grid() || by_place()
}

/// Steps up from one place to what both are in, and down to the other.
fn steps(from: &PlaceId, to: &PlaceId) -> usize {
    let parts = |place: &PlaceId| place.as_str().split('/').count();
    let common = from.as_str().split('/').zip(to.as_str().split('/')).take_while(|(a, b)| a == b).count();
    parts(from) + parts(to) - 2 * common
}

/// Who can stand in for those whom the first rung told.
const BACKUP: [Role; 2] = [Role::Guard, Role::GridWorker];

fn watches(officer: &Officer) -> bool {
    officer.admin || officer.roles.contains(&Role::ControlRoom) || officer.roles.contains(&Role::Manager)
}

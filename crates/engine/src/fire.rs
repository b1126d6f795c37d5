//! What one fire sets off in a building is one tree: detectors, a report, a car in the lane. Each of them rings, since none
//! is folded into another. Whoever takes or leaves the fire, by one of its detectors or by a report of it, does so with all of
//! the tree. Once the fire is confirmed and somebody has it, what it sets off later rings its first rung like any other; where
//! nobody took it until the next is due, it is theirs in place of the next, so that nobody has to accept a fire twelve times
//! on the way there.
//!
//! Only what a person says of a place holds for it: who takes a car in the lane has taken a car, who ended one alarm has ended
//! that one, and who reached a floor has reached its staircase, with what the fire set off outside, not another staircase.

use crate::Engine;
use crate::alarm::Alarm;
use crate::book::Book;
use crate::command::may_see;
use crate::rules::{is_confirmed_fire, is_fire, is_told_fire};
use crate::world::World;
use wanglou_model::{AlarmId, Fact, OfficerId, PlaceId, PlaceKind, Response, StopsAt, Timestamp};

impl Book {
    /// The other open alarms that the same fire has set off; none when it is about no fire.
    fn of_same_fire<'a>(&'a self, alarm: &'a Alarm) -> Vec<&'a Alarm> {
        let Some(incident) = alarm.incident.as_ref().filter(|_| !alarm.test) else { return Vec::new() };
        let of_it = |other: &&Alarm| other.incident.as_ref() == Some(incident) && !other.test;
        let all: Vec<&Alarm> = self.open_alarms().filter(of_it).collect();
        if !all.iter().any(|other| is_fire(other)) {
            return Vec::new();
        }
        all.into_iter().filter(|other| other.id != alarm.id).collect()
    }

    /// Who has the confirmed fire that an alarm belongs to: whoever has the first of its alarms that are still open. Where
    /// that one calls again, because nobody came, nobody has the fire.
    fn holder_of_fire<'a>(&'a self, alarm: &'a Alarm) -> Option<&'a OfficerId> {
        let all = self.of_same_fire(alarm).into_iter().filter(|other| is_confirmed_fire(other));
        let first = all.min_by_key(|other| (other.raised_at, &other.id))?;
        first.accepted.as_ref().map(|held| &held.by)
    }
}

/// Does it say by itself that something burns? What a fire only sets off, such as a car that stands in its lane, does not.
fn tells_of_fire(alarm: &Alarm) -> bool {
    is_fire(alarm) || is_told_fire(alarm)
}

/// Accepting the fire accepts all of it that nobody has, and that this person sees: what they were never told of they cannot
/// end.
pub(crate) fn accepted_with<'a>(
    world: &World<'a>,
    alarm: &'a Alarm,
    by: &'a OfficerId,
    eta_s: Option<u32>,
) -> impl Iterator<Item = Fact> + 'a {
    let others = if tells_of_fire(alarm) { world.book.of_same_fire(alarm) } else { Vec::new() };
    let sees = |other: &&Alarm| other.is_unaccepted() && may_see(world, other, by);
    let free: Vec<&Alarm> = others.into_iter().filter(sees).collect();
    free.into_iter().map(move |other| Fact::Accepted { alarm: other.id.clone(), by: by.clone(), eta_s })
}

/// Leaving the fire leaves all of it that this person has and has not reached.
pub(crate) fn left_with<'a>(book: &'a Book, alarm: &'a Alarm) -> Vec<&'a Alarm> {
    let Some(mine) = alarm.accepted.as_ref().filter(|_| tells_of_fire(alarm)) else { return Vec::new() };
    let same = |other: &&Alarm| {
        other.accepted.as_ref().is_some_and(|theirs| theirs.by == mine.by)
            && matches!(other.response, Response::Accepted | Response::EnRoute)
    };
    book.of_same_fire(alarm).into_iter().filter(same).collect()
}

/// What of the same fire is where this person is now, and theirs, or nobody's and taken by being there.
pub(crate) fn there_with<'a>(world: &World<'a>, alarm: &'a Alarm, by: &OfficerId) -> Vec<&'a Alarm> {
    let theirs = |other: &&Alarm| {
        let mine = match &other.accepted {
            Some(acceptance) => acceptance.by == *by,
            None => may_see(world, other, by),
        };
        let not_yet = matches!(other.response, Response::Unaccepted | Response::Accepted | Response::EnRoute);
        mine && not_yet && world.is_reached_with(other, alarm)
    };
    world.book.of_same_fire(alarm).into_iter().filter(theirs).collect()
}

impl World<'_> {
    /// Has whoever is at one alarm of a fire reached another one too: a detector of the same staircase, a car outside?
    fn is_reached_with(&self, other: &Alarm, there: &Alarm) -> bool {
        let same = || self.staircase_of(&other.place) == self.staircase_of(&there.place);
        is_fire(there) && (!is_fire(other) || same())
    }

    /// The unit of a building that a place is in; where the registry has none, the building.
    fn staircase_of(&self, place: &PlaceId) -> PlaceId {
        let kind = self.setup.site.places.get(place).map(|known| known.kind);
        match place.parent() {
            _ if matches!(kind, Some(PlaceKind::Unit | PlaceKind::Building | PlaceKind::Shed)) => {
                place.clone()
            }
            Some(outer) => self.staircase_of(&outer),
            None => place.clone(),
        }
    }
}

impl Engine {
    /// The next rung of an alarm is due. Whoever has the fire that set it off has it too, in place of that rung, unless they
    /// declined it or somebody had it before. Returns whether it is theirs now.
    pub(crate) fn goes_with_fire(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) -> bool {
        let Some(alarm) = self.book().alarms.get(id).filter(|alarm| alarm.is_unaccepted()) else {
            return false;
        };
        let rang_once = alarm.rung == Some(0) && alarm.shelved.is_none() && !alarm.was_held;
        if !rang_once || alarm.ladder.stops_at != StopsAt::Acceptance {
            return false;
        }
        let declined = |by: &OfficerId| alarm.followers.get(by).is_some_and(|follower| follower.declined);
        let world = self.world();
        let holder =
            world.book.holder_of_fire(alarm).filter(|by| !declined(by) && may_see(&world, alarm, by));
        let Some(by) = holder.cloned() else { return false };
        let at_it =
            |other: &&Alarm| other.arrived_by.as_ref() == Some(&by) && other.response == Response::Arrived;
        let mut others = world.book.of_same_fire(alarm).into_iter().filter(at_it);
        let there = others.any(|other| world.is_reached_with(alarm, other));
        self.note(at, Fact::Accepted { alarm: id.clone(), by: by.clone(), eta_s: None }, facts);
        if there {
            self.note(at, Fact::Arrived { alarm: id.clone(), by }, facts);
        }
        true
    }
}

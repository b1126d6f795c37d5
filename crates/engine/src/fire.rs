//! What one fire sets off in a building is one tree: detectors, a report, a car in the lane. Each of them rings, since none
//! is folded into another; whoever takes one of them takes all. Once the fire is confirmed and somebody has it, what it
//! sets off later rings once and is theirs too, so that nobody has to accept a fire twelve times on the way there.

use crate::Engine;
use crate::alarm::Alarm;
use crate::book::Book;
use crate::command::may_see;
use crate::rules::{is_confirmed_fire, is_fire};
use crate::world::World;
use wanglou_model::{AlarmId, Fact, OfficerId, Response, Timestamp};

impl Book {
    /// The other open alarms that the same fire has set off; none when it is about no fire.
    pub(crate) fn of_same_fire<'a>(&'a self, alarm: &'a Alarm) -> Vec<&'a Alarm> {
        let Some(incident) = alarm.incident.as_ref().filter(|_| !alarm.test) else { return Vec::new() };
        let of_it = |other: &&Alarm| other.incident.as_ref() == Some(incident) && !other.test;
        let all: Vec<&Alarm> = self.open_alarms().filter(of_it).collect();
        if !all.iter().any(|other| is_fire(other)) {
            return Vec::new();
        }
        all.into_iter().filter(|other| other.id != alarm.id).collect()
    }

    /// Who has the confirmed fire that an alarm belongs to, and whether they are there: the first who took it.
    fn holder_of_fire(&self, alarm: &Alarm) -> Option<(OfficerId, bool)> {
        let all = self.of_same_fire(alarm);
        let held = |other: &&Alarm| other.accepted.clone().filter(|_| is_confirmed_fire(other));
        let first = all.iter().filter_map(held).min_by(|a, b| (a.at, &a.by).cmp(&(b.at, &b.by)))?;
        let theirs = |other: &&&Alarm| other.accepted.as_ref().is_some_and(|held| held.by == first.by);
        let there = all.iter().filter(theirs).any(|other| other.response == Response::Arrived);
        Some((first.by, there))
    }
}

/// Accepting one alarm of a fire accepts the others that nobody has, and that this person sees: what they were never told of
/// they cannot end.
pub(crate) fn accepted_with<'a>(
    world: &World<'a>,
    alarm: &'a Alarm,
    by: &'a OfficerId,
    eta_s: Option<u32>,
) -> impl Iterator<Item = Fact> + 'a {
    let sees = |other: &&Alarm| may_see(world, other, by);
    let free: Vec<&Alarm> = world.book.of_same_fire(alarm).into_iter().filter(sees).collect();
    let free = free.into_iter().filter(|other| other.is_unaccepted());
    free.map(move |other| Fact::Accepted { alarm: other.id.clone(), by: by.clone(), eta_s })
}

/// Those of the same fire that this person took at the same moment.
pub(crate) fn taken_with<'a>(book: &'a Book, alarm: &'a Alarm) -> Vec<&'a Alarm> {
    let Some(mine) = &alarm.accepted else { return Vec::new() };
    let same = |other: &&Alarm| {
        other.accepted.as_ref().is_some_and(|theirs| theirs.by == mine.by && theirs.at == mine.at)
    };
    book.of_same_fire(alarm).into_iter().filter(same).collect()
}

/// Those of the same fire that this person has, or that nobody has and they take by being there.
pub(crate) fn there_with<'a>(world: &World<'a>, alarm: &'a Alarm, by: &OfficerId) -> Vec<&'a Alarm> {
    let theirs = |other: &&Alarm| {
        let mine = match &other.accepted {
            Some(acceptance) => acceptance.by == *by,
            None => may_see(world, other, by),
        };
        mine && matches!(other.response, Response::Unaccepted | Response::Accepted | Response::EnRoute)
    };
    world.book.of_same_fire(alarm).into_iter().filter(theirs).collect()
}

impl Engine {
    /// A new alarm of a fire that somebody has: it has rung, and it is theirs.
    pub(crate) fn take_with_fire(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book().alarms.get(id).filter(|alarm| alarm.is_unaccepted()) else { return };
        let holder = self.book().holder_of_fire(alarm);
        let Some((by, there)) = holder.filter(|(by, _)| may_see(&self.world(), alarm, by)) else { return };
        let alarm = id.clone();
        self.note(at, Fact::Accepted { alarm, by: by.clone(), eta_s: None }, facts);
        if there {
            self.note(at, Fact::Arrived { alarm: id.clone(), by }, facts);
        }
    }
}

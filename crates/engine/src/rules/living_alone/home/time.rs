//! What the passing of time tells of a home: which of its sensors are dead, how long its doors have not moved, and
//! when to look again.

use super::{Door, Home, Look, News, Trouble, Unknown};
use crate::rules::living_alone::settings::{hours, secs};
use wanglou_model::{DeviceId, Timestamp};

impl Home {
    /// Looks at the home as it stands now. Nothing is judged by silence while messages may still be on their way.
    pub(in super::super) fn review(&mut self, look: &Look) {
        self.review_absence_register(look);
        if self.first_heard.is_none() || !look.senses.may_judge_absence() {
            return;
        }
        for door in look.doors {
            self.review_door(look, door);
        }
        self.review_liveness(look);
        self.review_open_doors(look);
        self.review_exit(look);
        if self.is_away(look) {
            return;
        }
        self.review_shortcut(look);
        self.review_absence(look);
        if self.visit_due(look).is_some_and(|due| due <= look.at()) {
            self.visit_told = true;
            self.news.push(News::Visit);
        }
    }

    /// When the next look can find anything new, if no device says something before.
    pub(in super::super) fn next_look(&self, look: &Look) -> Option<Timestamp> {
        let away = self.away_due(look);
        if self.first_heard.is_none() {
            return away.filter(|time| *time > look.at());
        }
        let doors = look.doors.iter().flat_map(|id| self.door_times(look, id));
        let quiet_ends = (self.call_due(look).is_some_and(|due| due <= look.at()) && look.is_quiet())
            .then(|| look.next_time_of_day(look.at(), look.settings.quiet_until));
        let times = [
            self.watch_due(look),
            self.call_due(look),
            self.visit_due(look),
            self.shortcut_due(look),
            self.exit_due(look),
            quiet_ends,
            away,
        ];
        doors.chain(times.into_iter().flatten()).filter(|time| *time > look.at()).min()
    }

    fn last_word(&self, door: &DeviceId) -> Option<Timestamp> {
        self.doors.get(door).and_then(|door| door.heard).or(self.first_heard)
    }

    fn silent_from(&self, look: &Look, door: &DeviceId) -> Option<Timestamp> {
        self.last_word(door)
            .map(|heard| look.senses.after(std::slice::from_ref(door), heard, look.live_for(door)))
    }

    fn trouble(&self, look: &Look, id: &DeviceId) -> Option<(Trouble, Timestamp)> {
        let calm = self.doors.get(id).and_then(|door| door.calm_from(look.settings));
        let silent = self.silent_from(look, id).filter(|from| *from <= look.at());
        let hub = || look.hub_is_down(id).then_some((Trouble::Hub, look.at()));
        let flapping = || calm.filter(|calm| *calm > look.at()).map(|_| (Trouble::Flapping, look.at()));
        hub().or(silent.map(|from| (Trouble::Silent, from))).or_else(flapping)
    }

    fn review_door(&mut self, look: &Look, id: &DeviceId) {
        let trouble = self.trouble(look, id);
        let door = self.doors.entry(id);
        let Some((kind, since)) = trouble else {
            if door.flapping.take().is_some() {
                door.moves.clear();
            }
            door.trouble = None;
            if std::mem::take(&mut door.reported) {
                self.news.push(News::Mended { door: id.clone() });
            }
            return;
        };
        let since = door.trouble.map_or(since, |(_, since)| since);
        door.trouble = Some((kind, since));
        if !door.reported && report_due(look, kind, since) <= look.at() {
            door.reported = true;
            self.news.push(News::Broken { door: id.clone(), trouble: kind });
        }
    }

    fn review_liveness(&mut self, look: &Look) {
        let troubles: Vec<(&DeviceId, Trouble, Timestamp)> = look
            .doors
            .iter()
            .filter_map(|id| {
                self.doors.get(id).and_then(|door| door.trouble).map(|(kind, at)| (id, kind, at))
            })
            .collect();
        let stops = |(id, kind, since): &(&DeviceId, Trouble, Timestamp)| match kind {
            Trouble::Flapping => *since,
            Trouble::Silent | Trouble::Hub => self.last_word(id).unwrap_or(*since),
        };
        let stopped = troubles.iter().map(stops).min();
        let since = troubles.iter().map(|(_, _, since)| *since).min();
        match (stopped.zip(since), self.unknown) {
            (Some((stopped, since)), None) => {
                if let Some(from) = self.since.take() {
                    self.banked = self.banked + look.senses.seen_between(look.doors, from, stopped);
                }
                self.unknown = Some(Unknown { since, stopped });
            }
            (None, Some(unknown)) => {
                self.froze = Some(unknown.stopped);
                (self.unknown, self.since, self.visit_told) = (None, Some(look.at()), false);
                self.news.push(News::Back);
            }
            (None, None) if self.since.is_none() => self.since = self.first_heard.max(self.life),
            (Some(_), Some(_)) | (None, None) => {}
        }
    }

    fn review_open_doors(&mut self, look: &Look) {
        for id in look.doors {
            let Some((visit, due)) = self.doors.get(id).and_then(|door| open_due(look, door)) else {
                continue;
            };
            if due > look.at() {
                continue;
            }
            if let Some(door) = self.doors.get_mut(id) {
                door.told_open = if visit { 2 } else { 1 };
            }
            self.news.push(News::Open { door: id.clone(), visit });
        }
    }

    fn review_absence(&mut self, look: &Look) {
        let is_due = |due: Option<Timestamp>| due.is_some_and(|due| due <= look.at());
        if is_due(self.watch_due(look)) {
            self.watched = true;
            self.news.push(News::Watch);
        }
        if is_due(self.call_due(look)) && !self.put_off(look) && self.may_call(look) {
            self.called = true;
            self.news.push(News::Call);
        }
    }

    /// The resident is called on fresh word of every door, all of them shut, and not at night.
    pub(super) fn may_call(&self, look: &Look) -> bool {
        let is_fresh = |id: &DeviceId| {
            let heard = self.doors.get(id).and_then(|door| door.heard);
            heard.is_some_and(|heard| look.at() - heard <= look.fresh_for(id))
        };
        let stands_open =
            |id: &DeviceId| self.doors.get(id).is_some_and(|door| door.open_since.is_some() && !door.excused);
        look.doors.iter().all(|id| is_fresh(id) && !stands_open(id)) && !look.is_quiet()
    }

    pub(super) fn counted_to(&self, look: &Look, hours_without: u32) -> Option<Timestamp> {
        let rest = hours(hours_without) - self.banked;
        self.since.map(|since| look.senses.after(look.doors, since, rest))
    }

    fn watch_due(&self, look: &Look) -> Option<Timestamp> {
        self.counted_to(look, look.settings.watch_h).filter(|_| !self.watched)
    }

    fn call_due(&self, look: &Look) -> Option<Timestamp> {
        let due = self.counted_to(look, look.settings.call_h).filter(|_| !self.called)?;
        Some(due.max(self.moved_to.unwrap_or(due)))
    }

    fn visit_due(&self, look: &Look) -> Option<Timestamp> {
        let unknown = self.unknown.filter(|_| !self.visit_told)?;
        let from = unknown.since.max(self.life.unwrap_or(unknown.since));
        let due = look.senses.after(look.doors, from, hours(look.settings.visit_h));
        let again = self.visited.map(|seen| seen + hours(look.settings.visit_again_h));
        Some(due.max(again.unwrap_or(due)))
    }

    fn door_times(&self, look: &Look, id: &DeviceId) -> impl Iterator<Item = Timestamp> {
        let door = self.doors.get(id);
        let report = door
            .filter(|door| !door.reported)
            .and_then(|door| door.trouble)
            .map(|(kind, since)| report_due(look, kind, since));
        let open = door.and_then(|door| open_due(look, door)).map(|(_, due)| due);
        let calm = door.and_then(|door| door.calm_from(look.settings));
        [self.silent_from(look, id), report, open, calm].into_iter().flatten()
    }
}

fn report_due(look: &Look, kind: Trouble, since: Timestamp) -> Timestamp {
    match kind {
        Trouble::Hub => since + secs(look.settings.hub_grace_s),
        Trouble::Silent | Trouble::Flapping => since,
    }
}

/// When an open door is next told, and whether somebody is then to look.
fn open_due(look: &Look, door: &Door) -> Option<(bool, Timestamp)> {
    let since = door.open_since?;
    let visit = since + secs(look.settings.door_open_visit_s);
    match door.told_open {
        // Late news of a door that has stood open for that long already.
        0 if visit <= look.at() => Some((true, visit)),
        0 => Some((false, first_told(look, since))),
        1 => Some((true, visit)),
        _ => None,
    }
}

/// A door may stand open longer by day than at night; night may begin meanwhile.
fn first_told(look: &Look, since: Timestamp) -> Timestamp {
    let by_day = since + secs(look.settings.door_open_s);
    let at_night = since + secs(look.settings.door_open_night_s);
    if look.is_night(at_night) {
        return at_night;
    }
    by_day.min(look.next_time_of_day(at_night, look.settings.night_from))
}

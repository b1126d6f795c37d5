//! Time, duplicates, the path, the clock, and who can be reached.

#![expect(clippy::wildcard_enum_match_arm, reason = "a few variants matter here, and no other")]

use super::Model;
use wanglou_model::*;

/// A message that was heard, to tell what comes twice.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    device: String,
    /// The vendor's id of the event, else the device's time.
    event: Option<String>,
    content: String,
    at: Timestamp,
}

/// What is known of a device's life.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeviceLife {
    lane: Option<LaneName>,
    qos0: Option<Timestamp>,
}

/// Time that nobody held for us.
#[derive(Debug, Clone)]
pub(crate) struct BlindTime {
    from: Timestamp,
    until: Timestamp,
    lane: Option<LaneName>,
    qos0: bool,
}

/// A phone.
#[derive(Debug, Clone)]
pub(crate) struct PhoneLife {
    pub(crate) officer: OfficerId,
    phone: PhoneId,
    state: PhoneState,
    since: Timestamp,
    returning: bool,
}

/// How a message stands to the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Fresh,
    Late,
    Retained,
    Replayed,
    Test,
}

/// A message with what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) device: DeviceId,
    pub(crate) known: Device,
    pub(crate) reading: Reading,
    pub(crate) when: Timestamp,
    pub(crate) age: Age,
    pub(crate) double: bool,
    pub(crate) state_only: bool,
    /// It says by itself when it was so.
    pub(crate) dated: bool,
    /// What tells the event from others: its id, else its time and content.
    pub(crate) event: Option<String>,
}

impl Told {
    /// A sign of life of the device.
    pub(crate) fn alive(&self) -> bool {
        !self.double && matches!(self.age, Age::Fresh | Age::Late)
    }

    /// May it begin something?
    pub(crate) fn is_news(&self) -> bool {
        self.alive() && !self.state_only
    }
}

impl Model {
    pub(crate) fn wall(&self, at: Timestamp) -> Timestamp {
        at + self.wall_minus_at
    }

    /// Minutes after midnight on the compound's clocks.
    pub(crate) fn minute(&self, at: Timestamp) -> i64 {
        let local = self.wall(at) + Span::hours(8);
        local.0.div_euclid(60_000_000).rem_euclid(1_440)
    }

    pub(crate) fn is_between(&self, at: Timestamp, from: i64, until: i64) -> bool {
        let minute = self.minute(at);
        if from <= until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    }

    /// The next time, not before `at`, at which the clocks show that minute.
    pub(crate) fn next_time(&self, at: Timestamp, minute: i64) -> Timestamp {
        let local = (self.wall(at) + Span::hours(8)).0;
        let midnight = local - local.rem_euclid(86_400_000_000);
        let today = midnight + minute * 60_000_000;
        let local_next = if today >= local { today } else { today + 86_400_000_000 };
        at + Span(local_next - local)
    }

    /// "Live socket, valid push, or telephone": can anything reach this person?
    pub(crate) fn reaches(&self, who: &OfficerId) -> bool {
        let Some(known) = self.site.officers.get(who) else { return false };
        let has = |channel| self.channels.contains(&channel);
        let heard_today = |at: Timestamp| self.now - at <= Span::hours(24);
        self.connected(who)
            || (known.webhook && has(Channel::Webhook))
            || (known.telephone && has(Channel::Voice))
            || (has(Channel::Push) && self.pushable.iter().any(|(of, _, at)| of == who && heard_today(*at)))
    }

    pub(crate) fn connected(&self, who: &OfficerId) -> bool {
        self.phones.iter().any(|phone| phone.officer == *who && phone.state != PhoneState::Offline)
    }

    /// By rota, unless they signed on or off.
    pub(crate) fn is_on_duty(&self, who: &OfficerId) -> bool {
        match self.signed.get(who) {
            Some((on, until)) if self.now < *until => *on,
            _ => {
                self.site.officers.get(who).is_some_and(|known| known.always_on_duty)
                    || self.works(who, self.wall(self.now))
            }
        }
    }

    /// Does the rota say so at a wall time?
    pub(crate) fn works(&self, who: &OfficerId, wall: Timestamp) -> bool {
        let local = wall + Span::hours(8);
        let minute = local.0.div_euclid(60_000_000).rem_euclid(1_440);
        // 1 January 1970 was a Thursday.
        let weekday = (local.0.div_euclid(86_400_000_000) + 3).rem_euclid(7) as usize;
        self.site.rota.duties.iter().filter(|duty| duty.officer == *who).any(|duty| {
            let Some(shift) = self.site.rota.shifts.get(&duty.shift) else { return false };
            let (from, until) = (i64::from(shift.from.0), i64::from(shift.until.0));
            let over_midnight = until <= from;
            let begun_today = duty.weekdays[weekday] && minute >= from && (over_midnight || minute < until);
            let begun_yesterday = duty.weekdays[(weekday + 6) % 7] && over_midnight && minute < until;
            begun_today || begun_yesterday
        })
    }

    pub(crate) fn may_judge_silence(&self) -> bool {
        self.clock_trusted && self.lanes.values().all(|(state, _)| *state == PathState::Up)
    }

    /// How much of a time nobody held for us of what any of these devices sends.
    pub(crate) fn blind_in(&self, of: &[DeviceId], from: Timestamp, until: Timestamp) -> Span {
        let mut lost: Vec<(Timestamp, Timestamp)> = Vec::new();
        for blind in &self.blinds {
            let concerns = |id: &DeviceId| {
                let Some(lane) = blind.lane else { return true };
                let life = self.lives.get(id);
                match life.and_then(|life| life.lane) {
                    None => true,
                    Some(theirs) => {
                        let loose = life
                            .and_then(|life| life.qos0)
                            .is_some_and(|last| last >= blind.from - Span::hours(168));
                        theirs == lane && (!blind.qos0 || loose)
                    }
                }
            };
            if of.iter().any(concerns) {
                lost.push((blind.from.max(from), blind.until.min(until)));
            }
        }
        lost.sort_unstable();
        let (mut sum, mut end) = (Span::ZERO, from);
        for (a, b) in lost {
            sum = sum + (b - a.max(end)).max(Span::ZERO);
            end = end.max(b);
        }
        sum
    }

    /// When so much time will have passed that was not blind.
    pub(crate) fn later(&self, of: &[DeviceId], from: Timestamp, span: Span) -> Timestamp {
        from + span + self.blind_in(of, from, self.now.max(from))
    }

    pub(crate) fn take(&mut self, said: &Observation, retain: bool, dup: bool, by: Option<Way>) {
        let Some((device, known)) = self.site.device_of(&said.profile, &said.device) else { return };
        let (device, known) = (device.clone(), known.clone());
        let time = said.at_device.filter(|_| said.quality != Quality::SuspectClock);
        let when = time.map_or(self.now, |wall| (wall - self.wall_minus_at).min(self.now));
        let old = self.now - when > Span::mins(10);
        let age = match said.quality {
            _ if retain => Age::Retained,
            Quality::Test => Age::Test,
            Quality::Replayed => Age::Replayed,
            Quality::Late => Age::Late,
            Quality::Ok | Quality::SuspectClock if time.is_some() && old => Age::Late,
            Quality::Ok | Quality::SuspectClock if time.is_none() && self.may_be_old(by) => Age::Late,
            Quality::Ok | Quality::SuspectClock => Age::Fresh,
        };
        // A sign of life without content may come twice.
        let plain = matches!(said.reading, Reading::Heartbeat {} | Reading::Link { .. });
        let double = !retain && !plain && self.is_double(said, time, dup);
        let told = Told {
            device: device.clone(),
            known,
            reading: said.reading.clone(),
            when,
            age,
            double,
            state_only: said.repeats == Repeats::State,
            dated: time.is_some(),
            event: event_of(said, time),
        };
        if told.alive()
            && let Some(way) = by
        {
            let life = self.lives.entry(device.clone()).or_default();
            life.lane = Some(way.lane);
            if way.qos0 {
                life.qos0 = Some(self.now);
            }
        }
        self.lives.entry(device).or_default();
        self.hub_said(&told);
        self.cover_said(&told);
        self.gas_said(&told);
        self.leak_said(&told);
        self.home_said(&told);
        self.smoke_said(&told);
        self.sos_said(&told);
    }

    /// "Redelivery, retained replay, vendor repeats": the same event by its id or its time and content; without both, the same content
    /// within ten minutes that the broker calls a repeat.
    fn is_double(&mut self, said: &Observation, time: Option<Timestamp>, dup: bool) -> bool {
        let content = serde_json::to_string(&said.reading).expect("a reading");
        let event = match (&said.event, time) {
            (Some(id), _) => Some(format!("id {id}")),
            (None, Some(time)) => Some(format!("at {}", time.0)),
            (None, None) => None,
        };
        let now = self.now;
        let same =
            |known: &&Heard| known.device == said.device && known.content == content && known.event == event;
        let latest = self.heard.iter().rev().find(same);
        let double = match (&event, latest) {
            (_, None) => false,
            (Some(_), Some(_)) => true,
            (None, Some(latest)) => dup && now - latest.at <= Span::mins(10),
        };
        self.heard.push(Heard { device: said.device.clone(), event, content, at: now });
        double
    }

    /// Out of an outage of more than ten minutes, or within 15 s of its end, without a time of its own. What the lanes that it
    /// did not come by went through is nothing to it.
    fn may_be_old(&self, by: Option<Way>) -> bool {
        let just_over = self.outages_over.iter().any(|(lane, from, until)| {
            let its_lane = by.is_none_or(|way| way.lane.name() == lane);
            its_lane && *until - *from > Span::mins(10) && self.now - *until <= Span::secs(15)
        });
        just_over || self.comes_out_of_an_outage(by)
    }

    fn comes_out_of_an_outage(&self, by: Option<Way>) -> bool {
        let (draining, from) = match by {
            Some(way) => {
                let lane = self.lanes.get(way.lane.name());
                (
                    lane.is_some_and(|(state, _)| *state == PathState::Draining),
                    lane.and_then(|(_, from)| *from),
                )
            }
            None => {
                let any = self.lanes.values().any(|(state, _)| *state == PathState::Draining);
                (any, self.any_outage_from)
            }
        };
        draining && from.is_some_and(|from| self.now - from > Span::mins(10))
    }

    pub(crate) fn phone_news(&mut self, input: &Input) {
        if let Input::Push(news) = input {
            self.pushable.retain(|(who, phone, _)| (who, phone) != (&news.officer, &news.phone));
            if news.on {
                self.pushable.push((news.officer.clone(), news.phone.clone(), self.now));
            } else {
                self.move_on_without_phones();
            }
        }
        let Input::Phone(news) = input else { return };
        self.phones.retain(|phone| (&phone.officer, &phone.phone) != (&news.officer, &news.phone));
        let (officer, phone) = (news.officer.clone(), news.phone.clone());
        self.phones.push(PhoneLife { officer, phone, state: news.state, since: self.now, returning: false });
        self.phone_heard(&news.officer, &news.phone);
        if self.connected(&news.officer) {
            self.offline_at.remove(&news.officer);
        } else {
            self.offline_at.insert(news.officer.clone(), self.now + Span::secs(60));
        }
        if news.state == PhoneState::Offline {
            self.move_on_without_phones();
        }
    }

    pub(crate) fn phone_heard(&mut self, who: &OfficerId, phone: &PhoneId) {
        let now = self.now;
        for known in self.pushable.iter_mut().filter(|(of, with, _)| (of, with) == (who, phone)) {
            known.2 = now;
        }
    }

    /// After a start a phone has 45 s to come back.
    pub(crate) fn phones_return(&mut self) {
        self.phones_return_at = None;
        let now = self.now;
        for phone in self.phones.iter_mut().filter(|phone| phone.returning) {
            if phone.state != PhoneState::Offline && now - phone.since >= Span::secs(45) {
                (phone.state, phone.since, phone.returning) = (PhoneState::Offline, now, false);
            }
        }
        self.move_on_without_phones();
    }

    pub(crate) fn path_news(&mut self, input: &Input) {
        let judged = self.may_judge_silence();
        match input {
            Input::Path(news) => {
                let since = self.lanes.get(&news.lane).and_then(|(_, since)| *since);
                if let Some(from) = since.filter(|_| news.state == PathState::Up) {
                    self.outages_over.push((news.lane.clone(), from, self.now));
                }
                let since = since.unwrap_or(self.now);
                let since = (news.state != PathState::Up).then_some(since);
                self.lanes.insert(news.lane.clone(), (news.state, since));
                let all_up = self.lanes.values().all(|(state, _)| *state == PathState::Up);
                self.any_outage_from =
                    if all_up { None } else { Some(self.any_outage_from.unwrap_or(self.now)) };
            }
            Input::Blind { from, until, lane, qos0 } if until > from => {
                self.blinds.push(BlindTime { from: *from, until: *until, lane: *lane, qos0: *qos0 });
            }
            Input::ClockStep { wall_minus_at } => self.wall_minus_at = *wall_minus_at,
            Input::Clock { trusted, .. } => self.clock_trusted = *trusted,
            Input::Start { .. } => {}
            _ => {}
        }
        // A calendar that jumps may have made it night, or morning.
        let stepped = matches!(input, Input::ClockStep { .. });
        if (!judged || stepped) && self.may_judge_silence() {
            self.resumed();
        }
    }

    /// The gateway starts again; its last input was then.
    pub(crate) fn started(&mut self, at: Timestamp, before: Timestamp) {
        self.begin(at);
        self.any_outage_from = Some(self.any_outage_from.unwrap_or(before));
        for (state, since) in self.lanes.values_mut() {
            *state = PathState::Down;
            *since = Some(since.unwrap_or(before));
        }
        let now = self.now;
        for phone in self.phones.iter_mut().filter(|phone| phone.state != PhoneState::Offline) {
            (phone.since, phone.returning) = (now, true);
        }
        self.phones_return_at = Some(now + Span::secs(45));
        self.end();
    }
}

fn event_of(said: &Observation, time: Option<Timestamp>) -> Option<String> {
    let content = || serde_json::to_string(&said.reading).expect("a reading");
    said.event.clone().or_else(|| time.map(|time| format!("{} {}", time.0, content())))
}

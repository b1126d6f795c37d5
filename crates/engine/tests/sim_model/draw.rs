//! Draws what happens in a run from its seed: hours of messages with duplicates, wrong clocks, retained and late ones,
//! silence and bursts; a hub, a path and a gateway that go and come back; phones that vanish; people who do what
//! people do, at the wrong moment.

use crate::compound::{MONDAY, people, phone, place};
use crate::deed::{Deed, Message, Timed, Who};
use crate::dice::Dice;
use std::collections::BTreeMap;
use wanglou_model::*;

/// How dense a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// Everything at once, for an hour or two.
    Dense,
    /// Half a day.
    Usual,
    /// Two days, mostly the heartbeats of doors: the time that the rule about living alone needs.
    Long,
}

/// Draws one run.
pub(crate) struct Draw {
    dice: Dice,
    pace: Pace,
    now: Timestamp,
    end: Timestamp,
    wall_minus_at: Span,
    deeds: Vec<Timed>,
    /// By which way each device's messages come: lanes are disjoint, so it is the same all the time.
    ways: BTreeMap<String, Option<Way>>,
    /// Messages sent lately, for what comes twice.
    sent: Vec<Message>,
    hub_up: bool,
    commands: u32,
}

/// The deeds of a run, in order.
pub(crate) fn run(seed: u64) -> Vec<Timed> {
    let mut dice = Dice::new(seed);
    let pace = [Pace::Dense, Pace::Usual, Pace::Long][dice.weighed(&[12, 5, 2])];
    let minutes = match pace {
        Pace::Dense => dice.between(20, 80),
        Pace::Usual => dice.between(90, 360),
        Pace::Long => dice.between(26 * 60, 50 * 60),
    };
    let begin = MONDAY + Span::mins(dice.between(0, 7 * 24 * 60)) + Span(dice.between(0, 60_000_000));
    let end = begin + Span::mins(minutes);
    let mut draw = Draw {
        dice,
        pace,
        now: begin,
        end,
        wall_minus_at: Span::ZERO,
        deeds: Vec::new(),
        ways: BTreeMap::new(),
        sent: Vec::new(),
        hub_up: true,
        commands: 0,
    };
    draw.phones_at_first();
    while draw.now < draw.end {
        draw.next();
    }
    draw.heartbeats(begin);
    let mut deeds = draw.deeds;
    deeds.sort_by_key(|(at, _)| *at);
    deeds
}

impl Draw {
    fn put(&mut self, deed: Deed) {
        self.deeds.push((self.now, deed));
    }

    fn phones_at_first(&mut self) {
        for who in people() {
            let state = match self.dice.roll(8) {
                0 => continue,
                1 => PhoneState::Hidden,
                _ => PhoneState::Online,
            };
            self.put(Deed::News(Input::Phone(PhoneNews {
                phone: phone(&who, 0),
                officer: who.clone(),
                state,
            })));
            if self.dice.once_in(3) {
                self.put(Deed::News(Input::Push(PushNews { phone: phone(&who, 0), officer: who, on: true })));
            }
        }
    }

    fn next(&mut self) {
        let gap = match (self.pace, self.dice.roll(12)) {
            (_, 0..=2) => self.dice.between(1, 2_000),
            (Pace::Dense, _) => self.dice.between(500, 60_000),
            (Pace::Usual, _) => self.dice.between(500, 600_000),
            (Pace::Long, _) => self.dice.between(60_000, 4_000_000),
        };
        self.now = self.now + Span::millis(gap) + Span(self.dice.between(0, 1_000));
        match self.dice.weighed(&[50, 26, 4, 5, 3, 2, 2, 1, 6]) {
            0 => self.sensor(),
            1 => self.person(),
            2 => self.receipts(),
            3 => self.phone(),
            4 => self.entry(),
            5 => self.answer(),
            6 => self.path(),
            7 => self.clock(),
            _ => self.round(),
        }
    }

    fn sensor(&mut self) {
        let (name, reading) = self.reading();
        let message = self.message(name, reading);
        self.say(message.clone());
        let doubles = match self.dice.roll(10) {
            0 => 3,
            1 | 2 => 1,
            _ => 0,
        };
        let before = self.now;
        for _ in 0..doubles {
            self.now = self.now + Span::millis(self.dice.between(1, 20_000));
            let dup = !self.dice.once_in(3);
            self.say(Message { dup, ..message.clone() });
        }
        if doubles == 0 && self.dice.once_in(20) && !self.sent.is_empty() {
            let old = self.dice.one(&self.sent);
            let dup = !self.dice.once_in(3);
            self.say(Message { dup, ..old });
        }
        if !self.dice.once_in(4) {
            self.now = self.now.max(before);
        }
        self.sent.push(message);
        if self.sent.len() > 12 {
            self.sent.remove(0);
        }
    }

    fn say(&mut self, message: Message) {
        self.put(Deed::Say(Box::new(message)));
    }

    fn reading(&mut self) -> (&'static str, Reading) {
        let active = !self.dice.once_in(3);
        let weights = match self.pace {
            Pace::Long => [4, 1, 1, 1, 1, 1, 30, 3, 2],
            Pace::Dense | Pace::Usual => [14, 3, 8, 8, 4, 6, 6, 3, 1],
        };
        match self.dice.weighed(&weights) {
            0 => {
                let lid = self.dice.one(&["lid-1", "lid-1", "lid-2", "lid-2", "lid-3"]);
                let tilts = [0.0, 0.0, 0.0, 3.0, 8.0, 14.9, 15.0, 17.0, 19.5, 22.0, 40.0, 59.9, 60.0, 75.0];
                let tilt_deg = Some(self.dice.one(&tilts));
                let moved = self.dice.one(&[None, None, None, Some(false), Some(true)]);
                let open =
                    if lid == "lid-3" { self.dice.one(&[None, Some(true), Some(false)]) } else { None };
                let only_says = open.is_some() && self.dice.once_in(2);
                (lid, Reading::Cover { tilt_deg: tilt_deg.filter(|_| !only_says), moved, open })
            }
            1 => {
                let mm = self.dice.one(&[
                    Some(900.0),
                    Some(900.0),
                    Some(301.0),
                    Some(300.0),
                    Some(120.0),
                    Some(-10.0),
                    None,
                ]);
                let alarm =
                    if mm.is_none() || self.dice.once_in(4) { Some(self.dice.once_in(2)) } else { None };
                (
                    self.dice.one(&["lid-1", "lid-2"]),
                    Reading::WaterLevel { mm_below_rim: mm, mm: None, alarm },
                )
            }
            2 => {
                let who =
                    self.dice.one(&["smoke-1", "smoke-1", "smoke-2", "smoke-3", "smoke-101", "smoke-101"]);
                (who, Reading::Smoke { active, source: None })
            }
            3 => (self.dice.one(&["sos-101", "sos-102", "sos-gate"]), Reading::Sos { active, source: None }),
            4 => {
                let gas = |active, lel_pct| Reading::Gas { active, lel_pct, ch4_ppm: None };
                let reading = match self.dice.roll(4) {
                    0 => gas(None, Some(self.dice.one(&[2.0, 9.9, 10.0, 30.0]))),
                    _ => gas(Some(active), None),
                };
                (self.dice.one(&["gas-101", "gas-201"]), reading)
            }
            5 => (self.dice.one(&["leak-pumps", "leak-101", "leak-201"]), Reading::Leak { wet: active }),
            6 => {
                let door = self.dice.one(&["door-101", "door-201", "back-201"]);
                if self.pace == Pace::Long && !self.dice.once_in(3) {
                    return (door, Reading::Heartbeat {});
                }
                (door, Reading::Contact { open: Some(self.dice.once_in(2)), opens: None })
            }
            7 => {
                (self.dice.one(&["lid-1", "lid-2", "smoke-1", "gas-101", "door-101"]), Reading::Heartbeat {})
            }
            _ => {
                self.hub_up = !self.hub_up;
                ("hub", Reading::Availability { online: self.hub_up, scope: AvailabilityScope::Hub })
            }
        }
    }

    /// A message now, by a clock that is right, wrong, or not there.
    fn message(&mut self, name: &str, reading: Reading) -> Message {
        let wall = self.now + self.wall_minus_at;
        let at_device = match self.dice.roll(16) {
            0..=7 => None,
            8..=11 => Some(wall - Span::millis(self.dice.between(0, 3_000))),
            12 => Some(wall - Span::secs(self.dice.between(3, 599))),
            13 => Some(wall - Span::secs(self.dice.between(601, 20_000))),
            14 => Some(wall + Span::secs(self.dice.between(1, 120))),
            _ => Some(wall + self.dice.one(&[Span::secs(200), Span::hours(8), Span::hours(-24 * 9)])),
        };
        let quality = match (at_device, self.dice.roll(40)) {
            (_, 0) => Quality::Test,
            (_, 1) => Quality::Replayed,
            (Some(time), _) if time > wall + Span::secs(120) || time < wall - Span::hours(7 * 24) => {
                Quality::SuspectClock
            }
            (Some(time), _) if time < wall - Span::mins(10) => Quality::Late,
            _ => Quality::Ok,
        };
        self.commands += 1;
        let event = match self.dice.roll(12) {
            0 => Some(format!("e{}", self.commands)),
            1 => Some(format!("r{}", self.dice.roll(3))),
            _ => None,
        };
        let repeats = if self.dice.once_in(25) { Repeats::State } else { Repeats::Count };
        let drawn = match self.dice.roll(3) {
            0 => None,
            1 => Some(Way { lane: LaneName::Alarm, qos0: false }),
            _ => Some(Way { lane: LaneName::Bulk, qos0: self.dice.once_in(4) }),
        };
        let by = *self.ways.entry(name.to_owned()).or_insert(drawn);
        let said = Observation {
            at_device,
            quality,
            event,
            repeats,
            ..Observation::plain("wanglou", name, reading)
        };
        Message { said, retain: self.dice.once_in(25), dup: self.dice.once_in(30), by }
    }

    fn who(&mut self) -> Who {
        let nth = self.dice.roll(6) as usize;
        match self.dice.roll(8) {
            0..=3 => Who::Holder(nth),
            4..=6 => Who::Told(nth),
            _ => Who::Named(self.dice.one(&people())),
        }
    }

    fn person(&mut self) {
        let who = self.who();
        let wall = self.now + self.wall_minus_at;
        let outcomes = [
            Outcome::Real,
            Outcome::Real,
            Outcome::Ok,
            Outcome::FalseAlarm,
            Outcome::Test,
            Outcome::Duplicate,
            Outcome::Unverified,
            Outcome::Unfounded,
        ];
        let op = match self.dice.weighed(&[24, 6, 8, 3, 10, 1, 4, 4, 14, 5, 5, 5]) {
            0 => Op::Accept { eta_s: None },
            1 => Op::Undo,
            2 => Op::Decline { reason: String::new() },
            3 => Op::EnRoute,
            4 => Op::Arrive,
            5 => Op::Note { text: "seen".into() },
            6 => Op::Guard { photos: vec![] },
            7 => Op::Confirm,
            8 => Op::Resolve { outcome: self.dice.one(&outcomes), note: String::new(), photos: vec![] },
            9 => Op::FalseAlarm { note: String::new() },
            10 => Op::Transfer { to: self.dice.one(&people()), reason: String::new() },
            _ => {
                let until = wall + Span::secs(self.dice.between(-100, 32_000));
                Op::Shelve { until, reason: self.dice.one(&["", "known", "known", "known"]).into() }
            }
        };
        let (open, nth) = (!self.dice.once_in(10), self.dice.roll(12) as usize);
        let again = self.dice.once_in(15);
        self.put(Deed::Act { who, open, nth, op, again });
    }

    /// Somebody sees to a few alarms, one after the other.
    fn round(&mut self) {
        for _ in 0..self.dice.between(1, 5) {
            let outcome = self.dice.one(&[Outcome::Real, Outcome::Ok, Outcome::FalseAlarm]);
            for op in [Op::Arrive, Op::Resolve { outcome, note: String::new(), photos: vec![] }] {
                self.now = self.now + Span::secs(self.dice.between(1, 90));
                self.put(Deed::Act { who: Who::Holder(0), open: true, nth: 0, op, again: false });
            }
        }
    }

    fn receipts(&mut self) {
        let delivered = if self.dice.once_in(3) { Delivered::Presented } else { Delivered::Stored };
        let (nth, told) = (self.dice.roll(6) as usize, self.dice.roll(8) as usize);
        let phone = self.dice.roll(2);
        self.put(Deed::Receive { nth, told, phone, delivered });
    }

    fn phone(&mut self) {
        let officer = self.dice.one(&people());
        let phone = phone(&officer, u64::from(self.dice.once_in(5)));
        if self.dice.once_in(6) {
            let on = self.dice.once_in(2);
            return self.put(Deed::News(Input::Push(PushNews { officer, phone, on })));
        }
        let states = [PhoneState::Offline, PhoneState::Offline, PhoneState::Online, PhoneState::Hidden];
        let state = self.dice.one(&states);
        self.put(Deed::News(Input::Phone(PhoneNews { officer, phone, state })));
    }

    fn entry(&mut self) {
        let who = self.dice.one(&people());
        let op = match self.dice.roll(4) {
            0 => Op::SignOn,
            1 => Op::SignOff,
            _ => {
                let to = self.dice.one(&people());
                self.put(Deed::Enter { who: who.clone(), op: Op::Handover { to: to.clone() } });
                self.now = self.now + Span::secs(self.dice.between(1, 2_400));
                if self.dice.once_in(3) {
                    return;
                }
                return self.put(Deed::Enter { who: to, op: Op::Handover { to: who } });
            }
        };
        self.put(Deed::Enter { who, op });
    }

    fn answer(&mut self) {
        let home = place(self.dice.one(&["1/101", "2/201"]));
        let answers = [
            CallAnswer::Ok,
            CallAnswer::Ok,
            CallAnswer::Help,
            CallAnswer::Cooking,
            CallAnswer::OtherPerson,
            CallAnswer::Unclear,
            CallAnswer::None,
        ];
        let answer = self.dice.one(&answers);
        self.put(Deed::News(Input::Call(CallNews { home, answer })));
    }

    fn lane(&mut self, lane: &str, state: PathState) {
        self.put(Deed::News(Input::Path(PathNews { lane: lane.into(), state })));
    }

    /// The path goes, or the gateway does; what the broker held comes afterwards, or nobody held it.
    fn path(&mut self) {
        let since = self.now;
        let dies = self.dice.once_in(2);
        if !dies {
            for lane in ["alarm", "bulk"] {
                let state = self.dice.one(&[PathState::Down, PathState::Quiet]);
                self.lane(lane, state);
            }
        }
        let away = match self.dice.roll(4) {
            0 => Span::secs(self.dice.between(1, 40)),
            1 => Span::secs(self.dice.between(40, 600)),
            2 => Span::mins(self.dice.between(10, 90)),
            _ => Span::mins(self.dice.between(1, 30)),
        };
        self.now = self.now + away + Span(self.dice.between(0, 1_000));
        if dies {
            self.put(Deed::Start { dead_since: since });
        }
        if self.dice.once_in(3) {
            let lane = self.dice.one(&[None, Some(LaneName::Alarm), Some(LaneName::Bulk)]);
            let qos0 = lane.is_some() && self.dice.once_in(2);
            self.put(Deed::News(Input::Blind { from: since, until: self.now, lane, qos0 }));
        }
        for lane in ["alarm", "bulk"] {
            self.lane(lane, PathState::Draining);
        }
        for _ in 0..self.dice.roll(6) {
            self.now = self.now + Span::millis(self.dice.between(1, 300));
            self.sensor();
        }
        self.now = self.now + Span::millis(self.dice.between(1, 3_000));
        for lane in ["alarm", "bulk"] {
            self.lane(lane, PathState::Up);
        }
    }

    fn clock(&mut self) {
        if self.dice.once_in(3) {
            let trusted = self.dice.once_in(2);
            self.put(Deed::News(Input::Clock { trusted, why: String::new() }));
            if !trusted {
                let until = self.now + Span::mins(self.dice.between(1, 40));
                self.deeds.push((until, Deed::News(Input::Clock { trusted: true, why: String::new() })));
            }
            return;
        }
        let steps =
            [Span::secs(3), Span::secs(-90), Span::hours(1), Span::hours(-1), Span::hours(9), Span::ZERO];
        self.wall_minus_at = self.dice.one(&steps);
        self.put(Deed::News(Input::ClockStep { wall_minus_at: self.wall_minus_at }));
    }

    /// The doors' hourly signs of life, with times in which one of them is silent.
    fn heartbeats(&mut self, begin: Timestamp) {
        for door in ["door-101", "door-201", "back-201", "lid-1"] {
            if self.dice.once_in(4) {
                continue;
            }
            let silent_from = begin + Span::mins(self.dice.between(0, 5_000));
            let silent_until = silent_from + Span::mins(self.dice.between(60, 1_500));
            self.now = begin + Span::mins(self.dice.between(0, 60)) + Span(self.dice.between(0, 1_000_000));
            let every = if door == "lid-1" { Span::mins(30) } else { Span::hours(1) };
            while self.now < self.end {
                if self.now < silent_from || self.now > silent_until {
                    let heartbeat = Observation::plain("wanglou", door, Reading::Heartbeat {});
                    let alarm = Some(Way { lane: LaneName::Alarm, qos0: false });
                    let by = *self.ways.entry(heartbeat.device.clone()).or_insert(alarm);
                    let message = Message { said: heartbeat, retain: false, dup: false, by };
                    self.put(Deed::Say(Box::new(message)));
                }
                self.now = self.now + every + Span(self.dice.between(0, 1_000_000));
            }
        }
    }
}

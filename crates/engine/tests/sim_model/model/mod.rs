//! The reference model: the rules again, written from their text and from nothing of the engine's code. It is slow and
//! obvious on purpose: lists that are searched from end to end, and every deadline looked for anew each time.
//!
//! It covers: manholes (angle, the device's own word, water, lost and silent sensors), smoke, calls for help, gas,
//! water leaks; people living alone by their doors (calls, stages, repairs, visits, doors that stand open); duplicates and time;
//! who is on duty and can be reached, the ladders, floods of alarms, and everything that people do about an alarm.

mod alarm;
mod covers;
mod fires;
mod homes;
mod ladder;
mod news;
mod people;
mod raising;
mod standing;

pub(crate) use alarm::Alarm;
use alarm::{Aside, Own};
use covers::Cover;
use fires::Detector;
use homes::HomeState;
use news::{BlindTime, DeviceLife, Heard, PhoneLife};
use standing::{SosCall, Word};
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::*;

/// One rung that was reached, as people noticed it: whom it told, and whose phone rang.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Notice {
    pub(crate) alarm: (String, String, Timestamp),
    /// The rung; `None` for a reminder.
    pub(crate) rung: Option<usize>,
    /// Who, whether this counts as reached, and whether their phone rings.
    pub(crate) told: Vec<(OfficerId, bool, bool)>,
}

/// One alarm as both sides see it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Seen {
    pub(crate) kind: String,
    pub(crate) which: String,
    pub(crate) place: String,
    pub(crate) raised_at: Timestamp,
    pub(crate) priority: Priority,
    pub(crate) count: u64,
    pub(crate) active: bool,
    pub(crate) phase: String,
    pub(crate) taken_by: Option<OfficerId>,
    /// The next deadline of its phase.
    pub(crate) deadline: Option<Timestamp>,
    pub(crate) rung: Option<usize>,
}

/// The model.
#[derive(Debug)]
pub(crate) struct Model {
    site: Site,
    channels: Vec<Channel>,
    now: Timestamp,
    wall_minus_at: Span,
    clock_trusted: bool,
    lanes: BTreeMap<String, (PathState, Option<Timestamp>)>,
    any_outage_from: Option<Timestamp>,
    outages_over: Vec<(String, Timestamp, Timestamp)>,
    blinds: Vec<BlindTime>,
    lives: BTreeMap<DeviceId, DeviceLife>,
    heard: Vec<Heard>,
    phones: Vec<PhoneLife>,
    pushable: Vec<(OfficerId, PhoneId, Timestamp)>,
    phones_return_at: Option<Timestamp>,
    offline_at: BTreeMap<OfficerId, Timestamp>,
    signed: BTreeMap<OfficerId, (bool, Timestamp)>,
    offers: Vec<(OfficerId, OfficerId, Timestamp)>,
    covers: BTreeMap<PlaceId, Cover>,
    detectors: Vec<Detector>,
    /// When the latest fire of a place began, and since when it is quiet there.
    fires: BTreeMap<PlaceId, (Timestamp, Option<Timestamp>)>,
    sos: BTreeMap<PlaceId, SosCall>,
    gas: Vec<Word>,
    leaks: Vec<Word>,
    homes: BTreeMap<PlaceId, HomeState>,
    hub_online: Option<bool>,
    alarms: Vec<Alarm>,
    names: BTreeMap<AlarmId, usize>,
    answered: BTreeSet<CommandId>,
    /// What called each person lately, the oldest first.
    calls: BTreeMap<OfficerId, Vec<(Timestamp, usize)>>,
    flooded: BTreeSet<OfficerId>,
    ebbs_at: BTreeMap<OfficerId, Timestamp>,
    notices: Vec<Notice>,
    answers: Vec<String>,
}

/// Something that is due, in the order in which things of one moment happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Due {
    Home(PlaceId),
    Wet(PlaceId),
    Settled(PlaceId),
    Rested(PlaceId),
    Lost(PlaceId),
    Silent(PlaceId),
    Ladder(usize),
    Overdue(usize),
    Own(usize, Own),
    Shelf(usize),
    Offline(OfficerId),
    Ebb(OfficerId),
    PhonesReturn,
}

impl Model {
    pub(crate) fn new(site: Site, channels: &[Channel]) -> Self {
        Self {
            site,
            channels: channels.to_vec(),
            now: Timestamp(0),
            wall_minus_at: Span::ZERO,
            clock_trusted: true,
            lanes: BTreeMap::new(),
            any_outage_from: None,
            outages_over: Vec::new(),
            blinds: vec![],
            lives: BTreeMap::new(),
            heard: vec![],
            phones: vec![],
            pushable: vec![],
            phones_return_at: None,
            offline_at: BTreeMap::new(),
            signed: BTreeMap::new(),
            offers: vec![],
            covers: BTreeMap::new(),
            detectors: vec![],
            fires: BTreeMap::new(),
            sos: BTreeMap::new(),
            gas: vec![],
            leaks: vec![],
            homes: BTreeMap::new(),
            hub_online: None,
            alarms: vec![],
            names: BTreeMap::new(),
            answered: BTreeSet::new(),
            calls: BTreeMap::new(),
            flooded: BTreeSet::new(),
            ebbs_at: BTreeMap::new(),
            notices: vec![],
            answers: vec![],
        }
    }

    /// A message arrives.
    pub(crate) fn say(
        &mut self,
        at: Timestamp,
        said: &Observation,
        retain: bool,
        dup: bool,
        by: Option<Way>,
    ) {
        self.begin(at);
        self.take(said, retain, dup, by);
        self.end();
    }

    /// Anything else arrives.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the model knows of these inputs and of no other")]
    pub(crate) fn input(&mut self, at: Timestamp, input: &Input) {
        self.begin(at);
        match input {
            Input::Tick => self.tick(),
            Input::Command(command) => self.command(command),
            Input::Call(news) => self.answer(&news.home, news.answer),
            Input::Receipt(receipt) => self.receipt(receipt),
            Input::Phone(_) | Input::Push(_) => self.phone_news(input),
            Input::Path(_)
            | Input::Blind { .. }
            | Input::ClockStep { .. }
            | Input::Clock { .. }
            | Input::Start { .. } => {
                self.path_news(input);
            }
            _ => {}
        }
        self.end();
    }

    fn begin(&mut self, at: Timestamp) {
        self.now = self.now.max(at);
        self.notices.clear();
        self.answers.clear();
    }

    /// At the end of a step whoever oversees the compound has every open alarm in the list.
    fn end(&mut self) {
        let overseers: Vec<OfficerId> = self
            .site
            .officers
            .iter()
            .filter(|(_, known)| oversees_all(known))
            .map(|(id, _)| id.clone())
            .collect();
        for alarm in self.alarms.iter_mut().filter(|alarm| alarm.what.0 != "alarm_flood") {
            for id in &overseers {
                alarm.followers.entry(id.clone()).or_default();
            }
        }
    }

    /// Fires everything that is due now, the earliest first.
    fn tick(&mut self) {
        for _ in 0..10_000 {
            let Some((_, due)) = self.dues().into_iter().filter(|(at, _)| *at <= self.now).min() else {
                return;
            };
            self.fire(due);
        }
        panic!("the model's deadlines never end");
    }

    fn dues(&self) -> Vec<(Timestamp, Due)> {
        let mut dues = Vec::new();
        self.cover_dues(&mut dues);
        self.leak_dues(&mut dues);
        self.home_dues(&mut dues);
        for (n, alarm) in self.alarms.iter().enumerate().filter(|(_, alarm)| alarm.is_open()) {
            dues.extend(alarm.next.map(|(_, at)| (at, Due::Ladder(n))));
            dues.extend(alarm.overdue_at.map(|at| (at, Due::Overdue(n))));
            dues.extend(alarm.aside.map(|(_, at)| (at, Due::Shelf(n))));
            dues.extend(alarm.own.iter().map(|(own, at)| (*at, Due::Own(n, *own))));
        }
        dues.extend(self.offline_at.iter().map(|(who, at)| (*at, Due::Offline(who.clone()))));
        dues.extend(self.ebbs_at.iter().map(|(who, at)| (*at, Due::Ebb(who.clone()))));
        dues.extend(self.phones_return_at.map(|at| (at, Due::PhonesReturn)));
        dues
    }

    fn fire(&mut self, due: Due) {
        match due {
            Due::Home(place) => self.home_due(&place),
            Due::Wet(place) => self.wet_due(&place),
            Due::Settled(place) => self.settled_due(&place),
            Due::Rested(place) => self.rested_due(&place),
            Due::Lost(place) => self.lost_due(&place),
            Due::Silent(place) => self.silent_due(&place),
            Due::Ladder(n) => {
                if let Some((rung, _)) = self.alarms[n].next
                    && !self.goes_with_fire(n)
                {
                    self.climb(n, rung, None);
                }
            }
            Due::Overdue(n) => self.overdue(n),
            Due::Own(n, own) => {
                self.alarms[n].own.remove(&own);
                self.own_due(n, own);
            }
            Due::Shelf(n) => {
                self.alarms[n].aside = None;
                self.reopen(n, "shelf ended", 0);
            }
            Due::Offline(who) => {
                self.offline_at.remove(&who);
                self.call_backup_of(&who);
            }
            Due::Ebb(who) => {
                self.ebbs_at.remove(&who);
                self.ebb(&who);
            }
            Due::PhonesReturn => self.phones_return(),
        }
    }

    fn own_due(&mut self, n: usize, own: Own) {
        match (self.alarms[n].what.0, own) {
            ("manhole", _) => self.remember_cover(n),
            ("smoke", Own::First) => self.no_word(n),
            ("smoke", Own::Cooking) => self.still_smoke(n),
            ("living_alone", _) => self.there_by(n),
            _ => {}
        }
    }

    /// When it must look again at the latest.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.dues().into_iter().map(|(at, _)| at).min()
    }

    /// The engine's name of an alarm that both raised.
    pub(crate) fn name(&mut self, id: &AlarmId, what: (&str, &str), subject: &str, raised_at: Timestamp) {
        let named: BTreeSet<usize> = self.names.values().copied().collect();
        let same = |alarm: &Alarm| {
            alarm.what == what && subject_of(alarm) == subject && alarm.raised_at == raised_at
        };
        let found = (0..self.alarms.len()).find(|n| !named.contains(n) && same(&self.alarms[*n]));
        if let Some(n) = found {
            self.names.insert(id.clone(), n);
        }
    }

    /// Every open alarm.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let mut seen: Vec<Seen> = self.alarms.iter().filter(|alarm| alarm.is_open()).map(see).collect();
        seen.sort();
        seen
    }

    /// Who noticed what in the latest step.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let mut notices = self.notices.clone();
        notices.sort();
        notices
    }

    /// What answered the latest command.
    pub(crate) fn answers(&self) -> &[String] {
        &self.answers
    }
}

fn see(alarm: &Alarm) -> Seen {
    let (phase, deadline) = match (alarm.response, alarm.aside) {
        (Response::Unaccepted, Some((_, until))) => ("aside", Some(until)),
        (Response::Unaccepted, None) => ("called", alarm.next.map(|(_, at)| at)),
        (Response::Accepted, _) => ("accepted", alarm.overdue_at),
        (Response::EnRoute, _) => ("en_route", alarm.overdue_at),
        (Response::Arrived, _) => ("arrived", alarm.overdue_at),
        (Response::Resolved, _) => ("resolved", alarm.overdue_at),
        (Response::Closed, _) => ("closed", None),
    };
    Seen {
        kind: alarm.what.0.into(),
        which: alarm.what.1.into(),
        place: subject_of(alarm),
        raised_at: alarm.raised_at,
        priority: alarm.priority,
        count: alarm.count,
        active: alarm.active,
        phase: phase.into(),
        taken_by: alarm.holder().cloned(),
        deadline,
        rung: alarm.rung,
    }
}

/// What it is about: a place; a device; of a flood of alarms, whose.
fn subject_of(alarm: &Alarm) -> String {
    match alarm.what.0 {
        "alarm_flood" | "device_fault" | "door_open" => alarm.key.clone(),
        _ => alarm.place.to_string(),
    }
}

/// Those who see every alarm without being called.
fn oversees_all(known: &Officer) -> bool {
    known.admin || known.roles.contains(&Role::ControlRoom) || known.roles.contains(&Role::Manager)
}

/// Why an alarm is aside.
fn by_chatter(alarm: &Alarm) -> bool {
    alarm.aside.is_some_and(|(why, _)| why == Aside::Chatter)
}

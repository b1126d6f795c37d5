//! The endless stream of what the compound says, in order of simulated time.

use crate::beat::{self, Now, Sky};
use crate::compound::{At, Compound};
use crate::day::{self, Day, Loud};
use crate::episodes::{self, Episode, Stage};
use crate::floods::{self, Does, Flood};
use crate::random::Random;
use crate::voice::Message;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;
use wanglou_model::{DeviceId, PlaceId, Purpose, Reading, Site, Span, Timestamp};

/// Somebody waits so long for a lift, then takes the stairs.
const PATIENCE: Span = Span::mins(10);

/// What the traffic is a function of, beside the site.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Other seed, other days.
    pub seed: u64,
    /// Simulated time begins here; what is usual at that hour of the site's day happens first.
    pub start: Timestamp,
    /// How much longer the inner times of alarm-worthy episodes are than in life, at least 1: the pace at which the
    /// traffic will be published, so that they last as long as in life after all.
    pub stretch: f64,
    /// Within this time from the start every device speaks once, as after a power cut. Zero: each when its time comes.
    pub roll_call: Span,
    /// Places that are left to people who try things: nothing happens there by itself. Sensors there report once, at
    /// the start, and never contradict what is tried; a lift waits on the ground floor with its door open.
    pub left_alone: BTreeSet<PlaceId>,
    /// A flood, and when it begins.
    pub flood: Option<(Flood, Timestamp)>,
}

impl Options {
    /// In simulated time as it is, without a roll call.
    pub fn new(seed: u64, start: Timestamp) -> Options {
        Options { seed, start, stretch: 1.0, roll_call: Span::ZERO, left_alone: BTreeSet::new(), flood: None }
    }

    /// For publishing at `pace`-fold speed: episodes last as long as in life, and every device reports within the
    /// first twenty real seconds.
    pub fn live(seed: u64, start: Timestamp, pace: f64) -> Options {
        let pace = pace.max(1.0);
        Options { stretch: pace, roll_call: Span((20e6 * pace) as i64), ..Options::new(seed, start) }
    }
}

/// Why a site gives no traffic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoTraffic {
    /// No such time zone.
    #[error("the site's time zone {0:?} is unknown")]
    Zone(String),
    /// Nobody there to speak.
    #[error("none of the site's {devices} devices has a profile that the simulator speaks")]
    NoVoice {
        /// How many devices the site lists.
        devices: usize,
    },
}

/// The compound's traffic: an endless iterator, in order of [`Event::at`].
#[derive(Debug)]
pub struct Traffic {
    compound: Arc<Compound>,
    zone: TimeZone,
    options: Options,
    state: State,
    first_day: Day,
    today: Day,
    loud: Vec<Loud>,
    coming: BinaryHeap<Reverse<Coming>>,
    /// What devices keep while nothing gets through.
    kept: Vec<Event>,
    /// Counts whatever was put into `coming`: equal times come in that order.
    serial: u64,
}

/// One message to be: which device says what at which simulated time.
#[derive(Debug, Clone)]
pub struct Event {
    /// Simulated time.
    pub at: Timestamp,
    /// What is said, before it is put into the vendor's words.
    pub reading: Reading,
    device: At,
    nonce: u64,
    /// How far the device's clock is ahead of what happens.
    clock: Span,
    compound: Arc<Compound>,
}

impl Event {
    /// The device that says it.
    pub fn device(&self) -> &DeviceId {
        &self.compound.sensor(self.device).id
    }

    /// The message in the vendor's format, with `at_device` as the device's clock: [`Event::at`], or the real time
    /// when it is published.
    pub fn message(&self, at_device: Timestamp) -> Message {
        self.compound.sensor(self.device).message(&self.reading, at_device + self.clock, self.nonce)
    }

    /// The same, said at its time and delivered at another.
    pub(crate) fn delivered_at(self, at: Timestamp) -> Event {
        Event { clock: self.clock + (self.at - at), at, ..self }
    }

    /// Something happened: devices that keep only so much drop what is none.
    pub(crate) fn is_worth_keeping(&self) -> bool {
        !matches!(self.reading, Reading::Heartbeat {} | Reading::LiftStatus { .. } | Reading::Object { .. })
    }
}

/// What a message in the heap is.
#[derive(Debug)]
enum What {
    Day(Day),
    Episode {
        episode: Episode,
        wanted: Timestamp,
    },
    Beat(At),
    Say(At, Box<Reading>),
    Flood(Box<Does>),
    /// What was kept while nothing got through goes out.
    Drain,
    Sent(Box<Event>),
}

#[derive(Debug)]
struct Coming {
    at: Timestamp,
    serial: u64,
    what: What,
}

impl PartialEq for Coming {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Coming {}

impl PartialOrd for Coming {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Coming {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.serial).cmp(&(other.at, other.serial))
    }
}

impl Traffic {
    /// The traffic of `site` from `options.start` on.
    ///
    /// # Errors
    /// [`NoTraffic`] when the site has no known zone or no device that can be simulated.
    pub fn new(site: &Site, options: Options) -> Result<Traffic, NoTraffic> {
        let unknown = |_| NoTraffic::Zone(site.zone.clone());
        let zone = TimeZoneDatabase::bundled().get(&site.zone).map_err(unknown)?;
        let compound = Arc::new(Compound::of(site, &options.left_alone));
        if compound.devices.is_empty() {
            return Err(NoTraffic::NoVoice { devices: site.devices.len() });
        }
        let today = Day::of(options.start, &zone);
        let state = State::new(&compound, options.start);
        let mut traffic = Traffic {
            compound,
            zone,
            options,
            state,
            first_day: today,
            today,
            loud: Vec::new(),
            coming: BinaryHeap::new(),
            kept: Vec::new(),
            serial: 0,
        };
        traffic.begin_beats();
        traffic.begin_day(today);
        traffic.begin_flood();
        Ok(traffic)
    }

    /// Devices that stay silent because their profile has no voice here.
    pub fn mute(&self) -> &[DeviceId] {
        &self.compound.mute
    }

    fn push(&mut self, at: Timestamp, what: What) {
        self.serial += 1;
        self.coming.push(Reverse(Coming { at, serial: self.serial, what }));
    }

    /// Every device has a phase of its own; those without an interval speak at the roll call only.
    fn begin_beats(&mut self) {
        let Options { seed, start, roll_call, .. } = self.options;
        let compound = Arc::clone(&self.compound);
        for device in compound.all() {
            let mut random = Random::of(seed, &[1, u64::from(device.0)]);
            let at_once = compound.hubs.contains(&device) || compound.left_alone.contains(&device);
            let within = match compound.sensor(device).interval {
                _ if at_once => Span::ZERO,
                _ if roll_call > Span::ZERO => roll_call,
                Some(interval) => interval,
                None => continue,
            };
            self.push(start + random.seconds(0.0, within.as_secs_f64()), What::Beat(device));
        }
    }

    fn begin_day(&mut self, day: Day) {
        let since_first = day.number().saturating_sub(self.first_day.number());
        let plan = day::plan(&self.compound, day, since_first, self.options.seed);
        self.today = day;
        self.loud = plan.loud;
        let start = self.options.start;
        for (at, episode) in plan.episodes.into_iter().filter(|(at, _)| *at >= start) {
            self.push(at, What::Episode { episode, wanted: at });
        }
        let next = day.next(&self.zone);
        self.push(next.start, What::Day(next));
    }

    fn begin_flood(&mut self) {
        let Options { seed, stretch, flood: Some((flood, begin)), .. } = self.options else { return };
        let compound = Arc::clone(&self.compound);
        for (at, does) in floods::plot(flood, &compound, begin, seed, stretch) {
            self.push(at, What::Flood(Box::new(does)));
        }
    }

    /// One step of a flood; what is said may have to wait.
    fn flood(&mut self, does: Does, at: Timestamp, serial: u64) -> Option<Event> {
        match does {
            Does::Say(device, reading) => {
                let event = self.event(at, device, serial, *reading);
                return self.let_through(event);
            }
            Does::Rain(rain_mm_h) => self.state.sky.rain_mm_h = rain_mm_h,
            Does::Fireworks(on) => self.state.sky.fireworks = on,
            Does::Dark(device, until) => drop(self.state.dark.insert(device, until)),
            Does::ClockWrong(device, by) => drop(self.state.clocks.insert(device, by)),
            Does::CoverOpen(cover, until) => drop(self.state.open.insert(cover, until)),
            Does::LiftTaken(lift, until) => self.state.lifts[lift] = Car { floor: 1, free_at: until },
            Does::Outage(until) => {
                self.state.out_until = until;
                self.push(until, What::Drain);
            }
        }
        None
    }

    fn drain(&mut self, at: Timestamp) {
        for event in floods::drained(std::mem::take(&mut self.kept), at) {
            self.push(event.at, What::Sent(Box::new(event)));
        }
    }

    /// What a dark device would have said is lost; while nothing gets through it is kept.
    fn let_through(&mut self, event: Event) -> Option<Event> {
        if self.state.dark.get(&event.device).is_some_and(|until| event.at < *until) {
            return None;
        }
        if event.at < self.state.out_until {
            self.kept.push(event);
            return None;
        }
        Some(event)
    }

    fn play(&mut self, episode: Episode, wanted: Timestamp, at: Timestamp, serial: u64) {
        if let Some(free_at) =
            episode.lift().map(|lift| self.state.lifts[lift].free_at).filter(|free| *free > at)
        {
            if free_at - wanted < PATIENCE || !matches!(episode, Episode::Trip { .. }) {
                self.push(free_at, What::Episode { episode, wanted });
            }
            return;
        }
        let compound = Arc::clone(&self.compound);
        let random = Random::of(self.options.seed, &[2, serial]);
        let mut stage =
            Stage { compound: &compound, state: &mut self.state, random, stretch: self.options.stretch };
        for line in episodes::play(episode, at, &mut stage) {
            if compound.sensor(line.device).voice.can_say(&line.reading) {
                self.push(line.at, What::Say(line.device, Box::new(line.reading)));
            }
        }
    }

    fn beat(&mut self, device: At, at: Timestamp, serial: u64) -> Option<Reading> {
        let mut random = Random::of(self.options.seed, &[3, serial]);
        self.state.advance(at);
        let now = Now { of_day: at - self.today.start, at, loud: &self.loud };
        let reading = beat::reading(device, &self.compound, &self.state, &now, &mut random);
        let sensor = self.compound.sensor(device);
        // A car under way reports each of its changes; a beat in between would contradict them.
        let says = sensor.voice.can_say(&reading) && !self.state.is_under_way(device, at);
        let once = self.compound.left_alone.contains(&device) && sensor.purpose != Purpose::LiftController;
        if let Some(interval) = sensor.interval.filter(|_| !once) {
            let next = at + beat::pause(interval, &mut random);
            self.push(next, What::Beat(device));
        }
        says.then_some(reading)
    }

    fn event(&self, at: Timestamp, device: At, serial: u64, reading: Reading) -> Event {
        let nonce = Random::of(self.options.seed, &[4, serial]).next();
        let clock = self.state.clocks.get(&device).copied().unwrap_or(Span::ZERO);
        Event { at, reading, device, nonce, clock, compound: Arc::clone(&self.compound) }
    }
}

impl Iterator for Traffic {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            let Reverse(Coming { at, serial, what }) = self.coming.pop()?;
            match what {
                What::Day(day) => self.begin_day(day),
                What::Episode { episode, wanted } => self.play(episode, wanted, at, serial),
                What::Say(device, reading) => {
                    let event = self.event(at, device, serial, *reading);
                    if let Some(event) = self.let_through(event) {
                        return Some(event);
                    }
                }
                What::Beat(device) => {
                    let event = self.beat(device, at, serial);
                    let event = event.map(|reading| self.event(at, device, serial, reading));
                    if let Some(event) = event.and_then(|event| self.let_through(event)) {
                        return Some(event);
                    }
                }
                What::Flood(does) => {
                    if let Some(event) = self.flood(*does, at, serial) {
                        return Some(event);
                    }
                }
                What::Drain => self.drain(at),
                What::Sent(event) => return Some(*event),
            }
        }
    }
}

/// A car, between its trips.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Car {
    pub(crate) floor: i32,
    pub(crate) free_at: Timestamp,
}

/// What lasts from one message to the next.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) lifts: Vec<Car>,
    controllers: BTreeMap<At, usize>,
    litres: BTreeMap<At, f64>,
    /// Open covers, and until when.
    pub(crate) open: BTreeMap<At, Timestamp>,
    pub(crate) sky: Sky,
    /// Devices that are dark, and until when.
    dark: BTreeMap<At, Timestamp>,
    /// By how much a device's clock is ahead.
    clocks: BTreeMap<At, Span>,
    /// Nothing gets through until then.
    out_until: Timestamp,
}

impl State {
    fn new(compound: &Compound, start: Timestamp) -> State {
        let lifts = compound.lifts.iter().map(|_| Car { floor: 1, free_at: start }).collect();
        let controllers = compound
            .lifts
            .iter()
            .enumerate()
            .filter_map(|(at, lift)| lift.controller.map(|device| (device, at)));
        // A meter that has run since 2020 at the usual 100 litres a day, so that a later start has a higher total.
        let days = (start.0 / 86_400_000_000 - 18_262).max(0);
        let meters = compound.homes.iter().filter_map(|home| home.water);
        State {
            lifts,
            controllers: controllers.collect(),
            litres: meters.map(|meter| (meter, days as f64 * 100.0)).collect(),
            open: BTreeMap::new(),
            sky: Sky::default(),
            dark: BTreeMap::new(),
            clocks: BTreeMap::new(),
            out_until: start,
        }
    }

    pub(crate) fn floor_of(&self, controller: At) -> i32 {
        self.controllers.get(&controller).map_or(1, |lift| self.lifts[*lift].floor)
    }

    fn is_under_way(&self, controller: At, at: Timestamp) -> bool {
        self.controllers.get(&controller).is_some_and(|lift| self.lifts[*lift].free_at > at)
    }

    pub(crate) fn litres_of(&self, meter: At) -> f64 {
        self.litres.get(&meter).copied().unwrap_or_default()
    }

    pub(crate) fn use_water(&mut self, meter: Option<At>, litres: f64) {
        if let Some(total) = meter.and_then(|meter| self.litres.get_mut(&meter)) {
            *total += litres;
        }
    }

    pub(crate) fn is_open(&self, cover: At) -> bool {
        self.open.contains_key(&cover)
    }

    /// Covers whose time has come are closed again.
    fn advance(&mut self, at: Timestamp) {
        self.open.retain(|_, until| *until > at);
    }
}

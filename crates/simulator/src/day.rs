//! One day drawn up in advance: which episode when. Each kind of episode has numbers of its own, so that more of one
//! does not move the others.

use crate::compound::Compound;
use crate::episodes::Episode;
use crate::random::Random;
use crate::rhythm::{self, Rhythm, clock, per_day};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use wanglou_model::{Span, Timestamp};

/// A local day of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Day {
    /// Its midnight.
    pub(crate) start: Timestamp,
    date: Date,
}

impl Day {
    /// The day that `at` is in.
    pub(crate) fn of(at: Timestamp, zone: &TimeZone) -> Day {
        let instant = jiff::Timestamp::from_microsecond(at.0).unwrap_or_default();
        Day::on(zone.to_datetime(instant).date(), zone)
    }

    pub(crate) fn next(self, zone: &TimeZone) -> Day {
        Day::on(self.date.saturating_add(jiff::Span::new().days(1)), zone)
    }

    fn on(date: Date, zone: &TimeZone) -> Day {
        let start = date.to_zoned(zone.clone()).map(|zoned| zoned.timestamp()).unwrap_or_default();
        Day { start: Timestamp(start.as_microsecond()), date }
    }

    /// Tells days apart, for random streams.
    pub(crate) fn number(self) -> u64 {
        let days = self.date.since(Date::constant(1970, 1, 1)).map(|span| span.get_days());
        u64::from(days.unwrap_or(0).unsigned_abs())
    }
}

/// Music that is too loud: from, until, dB above what is usual.
pub(crate) type Loud = (Timestamp, Timestamp, f64);

/// What happens on a day.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Episodes with their beginnings, in no order.
    pub(crate) episodes: Vec<(Timestamp, Episode)>,
    /// When the dancing is louder than the neighbours agreed to.
    pub(crate) loud: Vec<Loud>,
}

/// Draws up a day, the `since_first`-th since the simulation began.
pub(crate) fn plan(compound: &Compound, day: Day, since_first: u64, seed: u64) -> Plan {
    let mut draft = Draft { day, seed, streams: 0, plan: Plan::default() };
    people_move(compound, &mut draft);
    things_go_wrong(compound, since_first, &mut draft);
    for home in 0..compound.homes.len() {
        draft.home(home);
    }
    draft.dancing();
    draft.plan
}

fn people_move(compound: &Compound, draft: &mut Draft) {
    let (lifts, doors) = (compound.lifts.len(), compound.doors.len());
    let going = &rhythm::COMING_AND_GOING;
    draft.often(per_day::TRIPS, going, lifts, |at, _| Episode::Trip { lift: at });
    draft.often(per_day::PASSAGES, going, doors, |at, random| Episode::Passage {
        door: at,
        inward: random.chance(0.5),
    });
    draft.often(per_day::DENIED, going, doors, |at, _| Episode::Denied { door: at });
    draft.often(per_day::HELD, going, doors, |at, _| Episode::Held { door: at });
    draft.often(per_day::FORCED, going, doors, |at, _| Episode::Forced { door: at });
    let cameras = [&compound.passers_by[..], &compound.lanes, &compound.gates].concat();
    draft.often(per_day::PASSERS_BY, going, cameras.len(), |at, _| Episode::PasserBy { camera: cameras[at] });
}

fn things_go_wrong(compound: &Compound, since_first: u64, draft: &mut Draft) {
    let (at_first, at_last) = per_day::EBIKES;
    let fallen = (-(since_first as f64) / per_day::EBIKES_FALL_DAYS).exp();
    let ebikes = at_last + (at_first - at_last) * fallen;
    let lifts = compound.lifts.len();
    draft.often(ebikes, &rhythm::EBIKES, lifts, |at, _| Episode::Ebike { lift: at });
    draft.often(per_day::LOOK_ALIKES, &rhythm::COMING_AND_GOING, lifts, |at, _| Episode::LookAlike {
        lift: at,
    });
    draft.often(per_day::LANE_BLOCKED, &rhythm::COMING_AND_GOING, compound.lanes.len(), |at, _| {
        Episode::LaneBlocked { camera: compound.lanes[at] }
    });
    let facades = compound.facades.len();
    let (fewest, most) = per_day::FACADE_HITS;
    let hits = draft.stream().between(fewest, most);
    draft.exactly(hits as usize, &rhythm::FACADES, facades, |at, _| Episode::FacadeHit { facade: at });
    draft.often(per_day::THROWN, &rhythm::FACADES, facades, |at, _| Episode::Thrown { facade: at });
    let covers = compound.covers.len();
    draft.often(per_day::COVER_NUISANCE, &rhythm::LORRIES, covers, |at, _| Episode::CoverShaken {
        cover: compound.covers[at],
    });
    draft.often(per_day::COVER_OPEN, &rhythm::LORRIES, covers, |at, _| Episode::CoverOpen {
        cover: compound.covers[at],
    });
    draft.often(per_day::SMOKE, &rhythm::SMOKE, compound.smoke.len(), |at, _| Episode::Smoke {
        detector: compound.smoke[at],
    });
    draft.often(per_day::SOS, &rhythm::AWAKE, compound.homes.len(), |at, _| Episode::Sos { home: at });
}

struct Draft {
    day: Day,
    seed: u64,
    streams: u64,
    plan: Plan,
}

impl Draft {
    /// Numbers for the next kind of episode.
    fn stream(&mut self) -> Random {
        self.streams += 1;
        Random::of(self.seed, &[self.day.number(), self.streams])
    }

    fn often(
        &mut self,
        mean: f64,
        rhythm: &Rhythm,
        subjects: usize,
        episode: impl Fn(usize, &mut Random) -> Episode,
    ) {
        let n = self.stream().count(mean);
        self.exactly(n, rhythm, subjects, episode);
    }

    fn exactly(
        &mut self,
        n: usize,
        rhythm: &Rhythm,
        subjects: usize,
        episode: impl Fn(usize, &mut Random) -> Episode,
    ) {
        let mut random = self.stream();
        if subjects == 0 {
            return;
        }
        for moment in rhythm.moments(n, &mut random) {
            let subject = random.below(subjects);
            self.add(moment, episode(subject, &mut random));
        }
    }

    fn add(&mut self, moment: Span, episode: Episode) {
        self.plan.episodes.push((self.day.start + moment, episode));
    }

    /// Somebody who lives alone: shopping in the morning, a walk before and after noon, or a day indoors.
    fn home(&mut self, home: usize) {
        let mut random = self.stream();
        for moment in rhythm::AWAKE.moments(random.count(per_day::MOTION_OF_HOME), &mut random) {
            self.add(moment, Episode::Motion { home });
        }
        if random.chance(per_day::STAYS_IN) {
            return;
        }
        for usual in [clock(6, 30), clock(9, 0), clock(16, 0)] {
            if random.chance(0.8) {
                let moment = usual.as_secs_f64() + random.normal(0.0, 1_500.0);
                self.add(Span::secs(moment.max(0.0) as i64), Episode::Outing { home });
            }
        }
    }

    /// Dancing is every evening; sometimes somebody turns it up.
    fn dancing(&mut self) {
        let mut random = self.stream();
        for _ in 0..random.below(per_day::LOUD_EVENINGS + 1) {
            let from = self.day.start + clock(19, 0) + random.seconds(0.0, 105.0 * 60.0);
            self.plan.loud.push((from, from + random.seconds(240.0, 720.0), random.between(4.0, 9.0)));
        }
    }
}

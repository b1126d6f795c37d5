//! Noise on the squares (`noise`): a convention among neighbours, with its limit and its hours, and what the class of the
//! area allows outside of them. Levels only; nothing is ever recorded.
//!
//! Subject: the zone. Key: zone, evening and the breach of that evening. It ends by itself.
//!
//! ```text
//!  ≥ 3 of 5 minutes above the limit ─► P3 (5 dB above: P2): voice 0 ─ dance leader 3 min ─ property 10 min
//!     ▲                                                                 third breach of the evening: the officer
//!     └── not within 15 min after the end ◄── ≥ 4 of 5 minutes 2 dB below it
//! ```

mod settings;
mod voice;
mod zone;

pub use settings::{NoiseSettings, NoiseWindow};

use super::sensing::over;
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::ladder::{default_ladder, rung};
use crate::raising::{incident_of, kind_of};
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{
    Audience, Device, DeviceId, Fact, IncidentId, Ladder, Outcome, PlaceId, Priority, Purpose, Reading,
    Reason, Role, Rung, Span, Timestamp,
};
use zone::{Minute, News, Zone};

/// A report of the weather holds so long.
const WEATHER_HOLDS: Span = Span::hours(1);

/// The rule.
#[derive(Debug)]
pub(crate) struct Noise {
    settings: NoiseSettings,
    /// The loudspeaker of a place or zone.
    speakers: BTreeMap<PlaceId, DeviceId>,
    kept: Kept,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    zones: BTreeMap<PlaceId, Zone>,
    /// When the limits changed last, and what held before: a minute is judged by the limit at its start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<(Timestamp, NoiseSettings)>,
    /// Too much wind or rain to measure, until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weather: Option<Timestamp>,
}

impl Noise {
    pub(crate) fn new(settings: NoiseSettings) -> Self {
        Self { settings, speakers: BTreeMap::new(), kept: Kept::default() }
    }

    /// Why a report says nothing, if it does not.
    fn invalid(&mut self, said: &Sighting, report: &Report) -> Option<&'static str> {
        let zone = self.kept.zones.entry(said.device.place.clone()).or_default();
        let short = report.period_s <= self.settings.burst_s;
        let stuck = !short && zone.is_stuck(&self.settings, report.db);
        let bad_weather = self.kept.weather.is_some_and(|until| said.occurred < until);
        match () {
            () if report.weighting != "A" => Some("weighting"),
            () if report.valid_s.is_some_and(|valid| valid < report.period_s * self.settings.valid) => {
                Some("too_little_valid")
            }
            () if bad_weather => Some("weather"),
            () if stuck => Some("stuck"),
            () => None,
        }
    }

    fn weather(&mut self, said: &Sighting, rain: Option<f64>, wind: Option<f64>) {
        let bad = rain.is_some_and(|mm| mm >= self.settings.rain_mm_h)
            || wind.is_some_and(|mps| mps > self.settings.wind_mps);
        if bad {
            self.kept.weather = Some(said.occurred + WEATHER_HOLDS);
        } else if rain.is_some() || wind.is_some() {
            self.kept.weather = None;
        }
    }

    fn report(&mut self, senses: &Senses, setup: &Setup, said: &Sighting, report: &Report) {
        let place = &said.device.place;
        let period = Span((report.period_s.max(0.0) * 1e6) as i64);
        let from = said.occurred - period;
        let settings = match &self.kept.before {
            Some((changed, before)) if from < *changed => before,
            _ => &self.settings,
        };
        let limit = settings.limit(setup, place, senses.wall(from));
        let invalid = self.invalid(said, report);
        let impulse = report.lmax_db.is_some_and(|max| max - report.db >= self.settings.impulse_db);
        let zone = self.kept.zones.entry(place.clone()).or_default();
        zone.news = None;
        if let Some(why) = invalid {
            zone.news = (report.db > limit.db).then(|| News::Invalid(why.to_owned()));
            return;
        }
        let minute = Minute { from, period, db: report.db, limit, impulse };
        if report.period_s <= self.settings.burst_s {
            return zone.short(&self.settings, &minute);
        }
        let date = setup.calendar.format(senses.wall(from));
        zone.hear(&self.settings, date.get(..10).unwrap_or_default(), minute);
    }

    fn ladder(&self, zone: &PlaceId, priority: Priority, breaches: u32) -> Ladder {
        if priority == Priority::P4 {
            return default_ladder(Priority::P4);
        }
        let voice = Rung {
            ring: false,
            stage: Some("voice".into()),
            ..rung(Span::ZERO, vec![Audience::OnDuty(Role::Guard)])
        };
        let officer = (breaches >= self.settings.officer_breach)
            .then(|| rung(Span::ZERO, vec![Audience::OnDuty(Role::Officer)]));
        let leader = self.settings.leaders.get(zone).map(|leader| {
            rung(Span::secs(self.settings.leader_s), vec![Audience::People(vec![leader.clone()])])
        });
        let property = rung(
            Span::secs(self.settings.property_s),
            vec![Audience::OnDuty(Role::Manager), Audience::OnDuty(Role::Guard)],
        );
        let rungs = [Some(voice), officer, leader, Some(property)].into_iter().flatten().collect();
        Ladder { rungs, ..default_ladder(priority) }
    }

    fn loud(
        &self,
        world: &World,
        place: &Subject,
        zone: &Zone,
        priority: Priority,
        said: &Sighting,
    ) -> Option<Proposal> {
        let minute = zone.minutes.back()?;
        let zh = format!("社区公约：{:.0} 分贝，限值 {:.0} 分贝", minute.db, minute.limit.db);
        let en = format!("community convention: {:.0} dB(A), the limit is {:.0}", minute.db, minute.limit.db);
        let reason = Reason::new("too_loud", zh, en);
        let mut raise = Raise::new(key_of(place, zone), place, priority, minute.from, reason).seen_by(said);
        raise.merge = Span::ZERO;
        raise.ladder = Some(self.ladder(place, priority, zone.breaches));
        raise.incident = Some(self.incident(world, place, zone));
        raise.details = BTreeMap::from([
            ("label".to_owned(), "community convention".into()),
            ("limit_db".to_owned(), minute.limit.db.into()),
            ("breach".to_owned(), zone.breaches.into()),
        ]);
        Some(Proposal::Raise(Box::new(raise)))
    }

    fn incident(&self, world: &World, place: &Subject, zone: &Zone) -> IncidentId {
        let near = |alarm: &&Alarm| {
            alarm.kind.as_str() == "noise"
                && self.settings.are_adjacent(&alarm.place, place)
                && world.at - alarm.raised_at <= Span::secs(self.settings.incident_s)
        };
        let joined = world.book.open_alarms().filter(near).find_map(|alarm| alarm.incident.clone());
        joined.unwrap_or_else(|| incident_of(&[world.setup.site.id.as_str(), &key_of(place, zone)]))
    }
}

fn key_of(place: &Subject, zone: &Zone) -> String {
    format!("{place}:{}:{}", zone.evening, zone.breaches)
}

/// A report, as it came.
struct Report {
    db: f64,
    period_s: f64,
    lmax_db: Option<f64>,
    valid_s: Option<f64>,
    weighting: String,
}

impl Rule for Noise {
    fn name(&self) -> &'static str {
        "noise"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("噪声超限", "Noise"),
            advice: vec![
                text(
                    "这是社区公约，先劝导，不是执法",
                    "This is a convention among neighbours: ask, do not enforce",
                ),
                text("请领队调低音量或换到一侧", "Ask the leader to turn it down or to move"),
                text("只记录分贝，不录音", "Only levels are kept, never sound"),
            ],
        }
    }

    fn listens(&self, device: &Device) -> bool {
        device.purpose == Purpose::Noise
    }

    fn hears(&self, _device: &Device, reading: &Reading) -> bool {
        matches!(reading, Reading::Noise { .. } | Reading::Weather { .. })
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.noise);
    }

    fn configure(&mut self, senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        let new = setup.rules.noise.clone();
        if new != self.settings && senses.at > Timestamp(0) {
            self.kept.before = Some((senses.at, std::mem::replace(&mut self.settings, new)));
        } else {
            self.settings = new;
        }
        self.kept.zones.retain(|place, _| setup.site.places.contains_key(place));
        self.speakers = voice::speakers(setup);
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "two kinds of reading matter here")]
    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        _timers: &mut RuleTimers,
    ) -> Option<Subject> {
        if sighting.freshness != Freshness::Fresh || sighting.duplicate {
            return None;
        }
        match &sighting.said.reading {
            Reading::Weather { rain_mm_h, wind_mps, .. } => {
                self.weather(sighting, *rain_mm_h, *wind_mps);
                None
            }
            Reading::Noise { laeq_db, period_s, lmax_db, valid_s, weighting } => {
                let (db, weighting) = (*laeq_db, weighting.clone());
                let report =
                    Report { db, period_s: *period_s, lmax_db: *lmax_db, valid_s: *valid_s, weighting };
                self.report(senses, setup, sighting, &report);
                let place = &sighting.device.place;
                self.kept.zones.get(place)?.news.is_some().then(|| place.clone())
            }
            _ => None,
        }
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let Cause::Said(said) = cause else { return Vec::new() };
        let Some(zone) = self.kept.zones.get(subject) else { return Vec::new() };
        let (kind, place) = (kind_of("noise"), subject.clone());
        match &zone.news {
            Some(News::Loud { priority, again }) => {
                let open = world.book.open(&kind, &key_of(subject, zone));
                // A person ended this breach; the next one is another.
                let dismissed = *again && open.is_none();
                self.loud(world, subject, zone, *priority, said).filter(|_| !dismissed).into_iter().collect()
            }
            Some(News::Quiet) => {
                let reason = Reason::new("quiet", "音量已降下来", "it is quiet again");
                over(world, &kind, &key_of(subject, zone), Outcome::Complied, &reason)
            }
            Some(News::Burst) => {
                let reason = Reason::new(
                    "burst",
                    "短时过响，现场语音提醒",
                    "loud for a moment: the voice on the spot",
                );
                let spoken = self.speak(world, subject, None, &reason);
                let watched = Fact::Watched { kind, place, stage: "voice".into(), reason };
                std::iter::once(watched).chain(spoken).map(Proposal::Fact).collect()
            }
            Some(News::Invalid(why)) => {
                let zh = "测量无效，不作判断";
                let reason = Reason::new(why, zh, format!("not a valid measurement: {why}"));
                vec![Proposal::Fact(Fact::Suppressed { kind, place, reason })]
            }
            None => Vec::new(),
        }
    }

    fn after_raise(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        let aloud = alarm.priority != Priority::P4 && alarm.shelved.is_none();
        aloud
            .then(|| self.speak(world, &alarm.place, Some(alarm), &alarm.reason))
            .flatten()
            .into_iter()
            .collect()
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.kept)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.kept = snapshot::read(kept)?;
        Ok(())
    }
}

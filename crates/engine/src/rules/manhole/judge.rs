//! From what is known of a cover to alarms: open, water, gas, lost, silent.

use super::cover::Cover;
use super::{Manhole, permits, was_nothing};
use crate::alarm::Alarm;
use crate::rules::{Proposal, Raise};
use crate::senses::{Sighting, Subject};
use crate::world::World;
use std::sync::LazyLock;
use wanglou_model::{AlarmKind, Fact, Outcome, Priority, Reading, Reason, Response, Span, Timestamp};

impl Manhole {
    pub(super) fn kind(&self) -> &'static AlarmKind {
        static KIND: LazyLock<AlarmKind> =
            LazyLock::new(|| AlarmKind::parse("manhole").expect("a rule's name is an id"));
        &KIND
    }

    pub(super) fn opening(
        &self,
        world: &World,
        subject: &Subject,
        cover: &Cover,
        said: Option<&Sighting>,
    ) -> Vec<Proposal> {
        let key = format!("open:{subject}");
        let alarm = world.book.open(self.kind(), &key);
        if cover.is_open() {
            return self.open(world, subject, cover, said, alarm, key);
        }
        let rested =
            cover.rested_since.is_some_and(|since| world.at - since >= Span::secs(self.settings.rest_s));
        match alarm.filter(|alarm| rested && alarm.is_active()) {
            Some(alarm) => self.closed_again(alarm),
            None => Vec::new(),
        }
    }

    fn open(
        &self,
        world: &World,
        subject: &Subject,
        cover: &Cover,
        said: Option<&Sighting>,
        alarm: Option<&Alarm>,
        key: String,
    ) -> Vec<Proposal> {
        let (priority, reason) = self.opening_priority(world, subject, cover);
        if let Some(alarm) = alarm.filter(|alarm| alarm.is_active()) {
            let repeat =
                said.is_some_and(|said| said.is_news() && matches!(said.said.reading, Reading::Cover { .. }));
            if !repeat && priority >= alarm.priority {
                return Vec::new();
            }
        }
        let first_at = cover.since().unwrap_or(world.at);
        if self.is_muted(world, cover) {
            let new = said.is_none_or(|_| first_at == world.at);
            return new.then(|| permits::suppressed(self.kind(), subject)).into_iter().collect();
        }
        if self.was_dismissed(world, &key, first_at) {
            return Vec::new();
        }
        let mut raise = Raise::new(key, subject, priority, first_at, reason);
        if let Some(said) = said {
            raise = raise.seen_by(said);
        }
        raise.device = cover.device.clone();
        raise.stage = Some("open".into());
        raise.mark = cover.mark;
        vec![Proposal::Raise(Box::new(raise))]
    }

    /// A person found nothing, and the sensor has said the same ever since: it is stuck, and asking again with each
    /// of its reports would teach people to look away.
    fn was_dismissed(&self, world: &World, key: &str, since: Timestamp) -> bool {
        let latest = world.book.keys.get(self.kind()).and_then(|keys| keys.get(key));
        let ended = latest.and_then(|id| world.book.alarms.get(id));
        ended.is_some_and(|alarm| {
            let dismissed = alarm.outcome.is_some_and(was_nothing);
            dismissed && alarm.closed_at.is_some_and(|closed| since <= closed)
        })
    }

    fn opening_priority(&self, world: &World, subject: &Subject, cover: &Cover) -> (Priority, Reason) {
        let deg = cover.tilt_deg.unwrap_or(0.0);
        if deg >= self.settings.wide_open_deg {
            let reason = Reason::new(
                "cover_wide_open",
                format!("井盖倾斜 {deg:.0}°，完全打开"),
                format!("cover wide open, {deg:.0}°"),
            );
            return (Priority::P1, reason);
        }
        let footpath = world.setup.site.places.get(subject).is_some_and(|place| place.footpath);
        if footpath && world.is_dark(world.at) {
            let reason = Reason::new(
                "cover_open_footpath_dark",
                "人行道上井盖打开，天黑",
                "cover open on a footpath in the dark",
            );
            return (Priority::P1, reason);
        }
        let reason = match cover.tilt_deg.filter(|deg| *deg >= self.settings.open_deg) {
            Some(deg) => {
                Reason::new("cover_tilted", format!("井盖倾斜 {deg:.0}°"), format!("cover tilted {deg:.0}°"))
            }
            None => Reason::new("cover_open", "井盖打开", "cover open"),
        };
        (Priority::P2, reason)
    }

    fn closed_again(&self, alarm: &Alarm) -> Vec<Proposal> {
        let reason = Reason::new("cover_closed", "井盖已复位", "the cover rests closed again");
        let mut facts = vec![Fact::Cleared { alarm: alarm.id.clone(), reason }];
        if alarm.response == Response::Resolved {
            let outcome = alarm.outcome.unwrap_or(Outcome::Real);
            facts.push(crate::command::closed(
                alarm,
                outcome,
                "resolved_and_cleared",
                "已处置且井盖已复位",
                "resolved, and the cover is closed",
            ));
        }
        facts.into_iter().map(Proposal::Fact).collect()
    }

    pub(super) fn water(
        &self,
        world: &World,
        subject: &Subject,
        cover: &Cover,
        said: &Sighting,
    ) -> Vec<Proposal> {
        if !matches!(said.said.reading, Reading::WaterLevel { .. }) {
            return Vec::new();
        }
        let below = cover.water_mm_below_rim;
        let (priority, reason) = if cover.water_alarm == Some(true) || below.is_some_and(|mm| mm <= 0.0) {
            (Priority::P2, Reason::new("water_at_rim", "水位到达井口", "water at the rim"))
        } else if let Some(mm) = below.filter(|mm| *mm <= self.settings.water_mm_below_rim) {
            (
                Priority::P3,
                Reason::new(
                    "water_high",
                    format!("水位距井口 {mm:.0} 毫米"),
                    format!("water {mm:.0} mm below the rim"),
                ),
            )
        } else {
            return self.ended(
                world,
                format!("water:{subject}"),
                "water_low",
                "水位已回落",
                "the water has gone down",
            );
        };
        let raise = self.reading(format!("water:{subject}"), subject, priority, reason, cover, said);
        self.in_flood(world, subject, raise)
    }

    pub(super) fn gas(
        &self,
        world: &World,
        subject: &Subject,
        cover: &Cover,
        said: &Sighting,
    ) -> Vec<Proposal> {
        if !matches!(said.said.reading, Reading::Gas { .. } | Reading::H2s { .. }) {
            return Vec::new();
        }
        let level = |value: Option<f64>, [p2, p1]: [f64; 2]| match value {
            Some(value) if value >= p1 => Some(Priority::P1),
            Some(value) if value >= p2 => Some(Priority::P2),
            Some(_) | None => None,
        };
        let worst =
            [level(cover.lel_pct, self.settings.ch4_lel_pct), level(cover.h2s_ppm, self.settings.h2s_ppm)];
        let crew = self.crew_below(world, cover);
        let raised = |priority| if crew.is_empty() { priority } else { Priority::P1 };
        let Some(priority) = worst.into_iter().flatten().min().map(raised) else {
            return self.ended(
                world,
                format!("gas:{subject}"),
                "gas_low",
                "气体浓度已回落",
                "the gas has gone down",
            );
        };
        let (lel, ppm) = (cover.lel_pct.unwrap_or(0.0), cover.h2s_ppm.unwrap_or(0.0));
        let zh = format!("井下气体：甲烷 {lel:.0} %LEL，硫化氢 {ppm:.0} ppm，切勿下井");
        let en = format!("gas below: methane {lel:.0} %LEL, hydrogen sulphide {ppm:.0} ppm; do not climb in");
        let reason = Reason::new("gas_below", zh, en);
        let mut raise = self.reading(format!("gas:{subject}"), subject, priority, reason, cover, said);
        raise.ladder = (!crew.is_empty()).then(|| permits::ladder(crew));
        vec![Proposal::Raise(Box::new(raise))]
    }

    fn reading(
        &self,
        key: String,
        subject: &Subject,
        priority: Priority,
        reason: Reason,
        cover: &Cover,
        said: &Sighting,
    ) -> Raise {
        let mut raise = Raise::new(key, subject, priority, said.occurred, reason).seen_by(said);
        raise.mark = cover.mark;
        raise
    }

    fn ended(&self, world: &World, key: String, code: &str, zh: &str, en: &str) -> Vec<Proposal> {
        let open = world.book.open(self.kind(), &key).filter(|alarm| alarm.is_active());
        let cleared =
            |alarm: &Alarm| Fact::Cleared { alarm: alarm.id.clone(), reason: Reason::new(code, zh, en) };
        open.map(cleared).into_iter().map(Proposal::Fact).collect()
    }

    pub(super) fn lost(&self, world: &World, subject: &Subject, cover: &Cover) -> Vec<Proposal> {
        let Some(moved_at) = cover.moved_at else { return Vec::new() };
        if cover.is_open() && world.book.open(self.kind(), &format!("open:{subject}")).is_some() {
            return Vec::new();
        }
        let reason = Reason::new(
            "lost_after_movement",
            "井盖移动后失联，需现场查看",
            "moved, then lost: somebody must look",
        );
        let mut raise = Raise::new(format!("lost:{subject}"), subject, Priority::P2, moved_at, reason);
        raise.device = cover.device.clone();
        vec![Proposal::Raise(Box::new(raise))]
    }

    pub(super) fn silent(&self, _world: &World, subject: &Subject, cover: &Cover) -> Vec<Proposal> {
        let Some(heard) = cover.heard else { return Vec::new() };
        let reason = Reason::new("sensor_silent", "井盖传感器失联", "the cover's sensor is silent");
        let mut raise = Raise::new(format!("silent:{subject}"), subject, Priority::P4, heard, reason);
        raise.device = cover.device.clone();
        vec![Proposal::Raise(Box::new(raise))]
    }
}

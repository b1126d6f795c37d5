//! Local time of the compound: what people mean by "night", "07:00" and "Monday". Zone data is bundled.

use jiff::tz::TimeZone;
use wanglou_model::{Day, MinuteOfDay, Span, Timestamp};

/// A moment on the compound's clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local {
    /// The day of the calendar.
    pub day: Day,
    /// Minutes after midnight.
    pub minute: MinuteOfDay,
}

impl Local {
    /// Is it between the two, where `until` before `from` runs past midnight?
    pub fn is_between(self, from: MinuteOfDay, until: MinuteOfDay) -> bool {
        if from <= until {
            (from..until).contains(&self.minute)
        } else {
            self.minute >= from || self.minute < until
        }
    }
}

/// The compound's zone.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
}

impl Calendar {
    /// By IANA name; `None` when the bundled data has no such zone.
    pub fn new(zone: &str) -> Option<Self> {
        TimeZone::get(zone).ok().map(|zone| Self { zone })
    }

    fn zoned(&self, wall: Timestamp) -> jiff::Zoned {
        let bounded =
            wall.0.clamp(jiff::Timestamp::MIN.as_microsecond(), jiff::Timestamp::MAX.as_microsecond());
        jiff::Timestamp::from_microsecond(bounded).unwrap_or_default().to_zoned(self.zone.clone())
    }

    /// What the compound's clocks show at a wall time.
    pub fn local(&self, wall: Timestamp) -> Local {
        let zoned = self.zoned(wall);
        let minute = zoned.hour() as u16 * 60 + zoned.minute() as u16;
        Local { day: Day::of(zoned.date()), minute: MinuteOfDay(minute) }
    }

    /// The next wall time, not before `wall`, at which the clocks show `minute`. A time that the clocks skip
    /// (DST) is taken at the moment of the jump.
    pub fn next(&self, wall: Timestamp, minute: MinuteOfDay) -> Timestamp {
        let zoned = self.zoned(wall);
        let time = jiff::civil::time((minute.0 / 60) as i8, (minute.0 % 60) as i8, 0, 0);
        let on = |date: jiff::civil::Date| {
            let found = date.to_datetime(time).to_zoned(self.zone.clone());
            found.ok().map(|at| Timestamp(at.timestamp().as_microsecond()))
        };
        let today = on(zoned.date()).filter(|at| *at >= wall);
        let tomorrow = || zoned.date().tomorrow().ok().and_then(on);
        today.or_else(tomorrow).unwrap_or(wall + Span::hours(24))
    }

    /// RFC 3339 with the compound's offset, to the millisecond when it has a fraction: for scenarios and reports.
    pub fn format(&self, wall: Timestamp) -> String {
        let zoned = self.zoned(wall);
        let pattern = if wall.0.rem_euclid(1_000_000) == 0 {
            "%Y-%m-%dT%H:%M:%S%:z"
        } else {
            "%Y-%m-%dT%H:%M:%S%.3f%:z"
        };
        zoned.strftime(pattern).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::rfc3339_micros::parse;

    fn at(text: &str) -> Timestamp {
        parse(text).expect("a time")
    }

    #[test]
    fn local_time_is_that_of_the_compound() {
        let calendar = Calendar::new("Asia/Shanghai").expect("bundled");
        let local = calendar.local(at("2026-03-01T22:30:00Z"));
        assert_eq!((local.day.weekday(), local.minute), (0, MinuteOfDay(6 * 60 + 30)));
        assert_eq!(calendar.format(at("2026-03-02T00:00:01.5Z")), "2026-03-02T08:00:01.500+08:00");
    }

    #[test]
    fn a_window_may_run_past_midnight() {
        let local = |minute| Local { day: Day(4), minute: MinuteOfDay(minute) };
        let (from, until) = (MinuteOfDay(22 * 60), MinuteOfDay(7 * 60));
        assert!(local(23 * 60).is_between(from, until) && local(0).is_between(from, until));
        assert!(!local(7 * 60).is_between(from, until) && !local(12 * 60).is_between(from, until));
    }

    #[test]
    fn the_next_seven_o_clock_respects_daylight_saving() {
        let calendar = Calendar::new("Europe/Berlin").expect("bundled");
        let next = calendar.next(at("2026-03-28T12:00:00Z"), MinuteOfDay(7 * 60));
        assert_eq!(next, at("2026-03-29T05:00:00Z"));
        assert_eq!(calendar.next(next, MinuteOfDay(7 * 60)), next);
    }
}

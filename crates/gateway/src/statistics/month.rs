//! A month on the compound's calendar.

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;
use wanglou_model::Timestamp;

/// A month, such as `2026-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month {
    year: i16,
    month: i8,
}

/// Why a text is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a month: write the year and the month, such as 2026-10")]
pub struct MonthError {
    text: String,
}

impl FromStr for Month {
    type Err = MonthError;

    fn from_str(text: &str) -> Result<Self, MonthError> {
        let wrong = || MonthError { text: text.to_owned() };
        let shaped = text.len() == 7
            && text.bytes().enumerate().all(|(n, byte)| match n {
                4 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let (year, month) = text.split_once('-').filter(|_| shaped).ok_or_else(wrong)?;
        let found =
            Self { year: year.parse().map_err(|_| wrong())?, month: month.parse().map_err(|_| wrong())? };
        if found.year >= 1970 && (1..=12).contains(&found.month) { Ok(found) } else { Err(wrong()) }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

impl Month {
    /// The same month of the year before.
    pub fn last_year(self) -> Self {
        Self { year: self.year - 1, ..self }
    }

    fn first(self) -> Date {
        date(self.year, self.month, 1)
    }

    /// How many days it has.
    pub fn days(self) -> i64 {
        i64::from(self.first().days_in_month())
    }

    /// Its first moment, and the first one after it, wall time.
    pub fn bounds(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let next = match self.month {
            12 => Self { year: self.year + 1, month: 1 },
            month => Self { month: month + 1, ..self },
        };
        let start = |month: Self| {
            let midnight = month.first().to_zoned(zone.clone());
            midnight.map_or(Timestamp(0), |at| Timestamp(at.timestamp().as_microsecond()))
        };
        (start(self), start(next))
    }
}

/// The week that a wall time falls into, by ISO 8601: `2026-W40`. Weeks begin on Monday.
pub(super) fn week(zone: &TimeZone, wall: Timestamp) -> String {
    let at = jiff::Timestamp::from_microsecond(wall.0).unwrap_or_default();
    let week = at.to_zoned(zone.clone()).date().iso_week_date();
    format!("{:04}-W{:02}", week.year(), week.week())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::rfc3339_micros::parse;

    #[test]
    fn a_month_is_written_in_one_way() {
        assert_eq!("2026-10".parse::<Month>().map(|month| month.to_string()), Ok("2026-10".to_owned()));
        for bad in ["2026-13", "2026-1", "26-10", "2026/10", "2026-10-01", "", "2026-00", "+026-10"] {
            assert!(bad.parse::<Month>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_month_begins_and_ends_at_local_midnight() {
        let zone = TimeZone::get("Asia/Shanghai").expect("a zone");
        let (from, until) = "2026-12".parse::<Month>().expect("a month").bounds(&zone);
        assert_eq!(Some(from), parse("2026-12-01T00:00:00+08:00"));
        assert_eq!(Some(until), parse("2027-01-01T00:00:00+08:00"));
        let sunday = parse("2026-10-04T23:59:59+08:00").expect("a time");
        let monday = parse("2026-10-05T00:00:00+08:00").expect("a time");
        assert_eq!((week(&zone, sunday), week(&zone, monday)), ("2026-W40".into(), "2026-W41".into()));
    }
}

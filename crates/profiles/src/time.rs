//! Device times: the spellings that vendors use, and whether a clock can be believed.

use crate::json::{Token, TokenKind};
use crate::value::number_of;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use wanglou_model::{Quality, Span, Timestamp, rfc3339_micros};

/// A device clock may be ahead of the receive time by so much.
const AHEAD_MAX: Span = Span::secs(120);
/// A device time older than this is a clock that was never set.
const BEHIND_MAX: Span = Span::hours(7 * 24);
/// A message older than this is late.
const FRESH_MAX: Span = Span::mins(10);

/// One way to write a time.
#[derive(Debug, Clone)]
pub(crate) enum TimeFormat {
    /// A number of units since 1970, with or without a fraction, as a number or as text.
    Epoch {
        /// Microseconds in a unit.
        micros: f64,
    },
    /// The same, in seconds, milliseconds, microseconds or nanoseconds: its size tells.
    EpochOfAnySize,
    /// How many seconds ago.
    Age,
    /// RFC 3339, with an offset.
    Rfc3339,
    /// A strptime pattern; without an offset of its own it is local time in `zone`.
    Pattern {
        /// Such as `%Y-%m-%d %H:%M:%S`.
        pattern: String,
        /// Where the device's wall clock hangs.
        zone: TimeZone,
    },
}

impl TimeFormat {
    /// The point in time that a token says, if it is written this way. The message was received at `received`.
    pub(crate) fn read(&self, token: &Token<'_>, received: Timestamp) -> Option<Timestamp> {
        match self {
            TimeFormat::Epoch { micros } => epoch(token, *micros),
            TimeFormat::EpochOfAnySize => epoch(token, micros_in(number_of(token)?)),
            TimeFormat::Age => {
                let age = number_of(token).filter(|seconds| (0.0..3.2e9).contains(seconds))?;
                #[expect(clippy::cast_possible_truncation, reason = "in range, and rounded")]
                Some(received - Span((age * 1e6).round() as i64))
            }
            TimeFormat::Rfc3339 => match token.kind {
                TokenKind::Text => rfc3339(token.text.trim()),
                TokenKind::EscapedText => rfc3339_micros::parse(&token.scalar()?),
                TokenKind::Absent
                | TokenKind::Null
                | TokenKind::True
                | TokenKind::False
                | TokenKind::Number
                | TokenKind::Array
                | TokenKind::Object => None,
            },
            TimeFormat::Pattern { pattern, zone } => local(&token.scalar()?, pattern, zone),
        }
    }
}

fn rfc3339(text: &str) -> Option<Timestamp> {
    usual_rfc3339(text.as_bytes()).or_else(|| rfc3339_micros::parse(text))
}

/// The usual way to write it, `2026-03-02T09:00:00.215+08:00` with up to nine digits or none after the point and
/// an offset or Z, in a few nanoseconds. `None` for everything else, right or wrong: leap seconds, lower case,
/// dates that do not exist.
fn usual_rfc3339(text: &[u8]) -> Option<Timestamp> {
    let (head, rest) = text.split_at_checked(19)?;
    if [head[4], head[7], head[10], head[13], head[16]] != *b"--T::" {
        return None;
    }
    let two = |at: usize| pair(head[at], head[at + 1]);
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    // The 29th and later are left to the one who knows calendars.
    if !(1970..2100).contains(&year) || !(1..=12).contains(&month) || !(1..=28).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (micros, zone) = fraction(rest)?;
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset(zone)?;
    Some(Timestamp(seconds * 1_000_000 + micros))
}

fn pair(tens: u8, ones: u8) -> Option<i64> {
    let good = tens.is_ascii_digit() && ones.is_ascii_digit();
    good.then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

/// Microseconds after the point, rounded down, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let digit = |at: usize| if at < count { i64::from(digits[at] - b'0') } else { 0 };
    Some(((0..6).fold(0, |micros, at| micros * 10 + digit(at)), &digits[count..]))
}

/// Seconds that local time is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (pair(h1, h2)?, pair(m1, m2)?);
            let ahead = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

/// Days from 1970-01-01 to a day from 1970 to 2099, where every fourth year is a leap year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leap_days = (year - 1969) / 4 + i64::from(year % 4 == 0 && month > 2);
    let before = usize::try_from(month - 1).ok().and_then(|month| BEFORE.get(month)).copied().unwrap_or(0);
    (year - 1970) * 365 + leap_days + before + day - 1
}

fn epoch(token: &Token<'_>, micros: f64) -> Option<Timestamp> {
    let at = number_of(token)? * micros;
    // Year 1 to 9999: anything else is no time.
    if !(-6.2e16..2.6e17).contains(&at) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "in range, and rounded")]
    Some(Timestamp(at.round() as i64))
}

/// Microseconds in the unit of a number since 1970, for times from 1973 on: seconds have ten digits until 2286.
fn micros_in(number: f64) -> f64 {
    match number.abs() {
        size if size < 1e11 => 1e6,
        size if size < 1e14 => 1e3,
        size if size < 1e17 => 1.0,
        _ => 1e-3,
    }
}

/// Year, month, day, hour, minute, second where a zone's clocks hang.
pub(crate) fn civil(fields: [i64; 6], millis: i64, zone: &TimeZone) -> Option<Timestamp> {
    let [year, month, day, hour, minute, second] = fields;
    let small = |field: i64| i8::try_from(field).ok();
    let nanos = i32::try_from(millis).ok().filter(|millis| (0..1000).contains(millis))? * 1_000_000;
    let year = i16::try_from(year).ok()?;
    let at =
        DateTime::new(year, small(month)?, small(day)?, small(hour)?, small(minute)?, small(second)?, nanos);
    Some(Timestamp(zone.to_timestamp(at.ok()?).ok()?.as_microsecond()))
}

fn local(text: &str, pattern: &str, zone: &TimeZone) -> Option<Timestamp> {
    let parsed = BrokenDownTime::parse(pattern, text.trim()).ok()?;
    let at = match parsed.offset() {
        Some(_) => parsed.to_timestamp().ok()?,
        None => zone.to_timestamp(parsed.to_datetime().ok()?).ok()?,
    };
    Some(Timestamp(at.as_microsecond()))
}

/// What a message says about its own time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeviceTime {
    /// Nothing.
    None,
    /// This.
    At(Timestamp),
    /// Something that is no time in any of the spellings that its profile names.
    Unreadable,
}

impl DeviceTime {
    /// The time itself, believable or not.
    pub(crate) fn at(self) -> Option<Timestamp> {
        match self {
            DeviceTime::At(at) => Some(at),
            DeviceTime::None | DeviceTime::Unreadable => None,
        }
    }

    /// How far it can be trusted, given when the message came. What the sender says of itself (a test, a
    /// replay) comes first; then a clock that cannot be right; then age.
    pub(crate) fn quality(self, received: Timestamp, replayed: bool, test: bool) -> Quality {
        if test {
            return Quality::Test;
        }
        if replayed {
            return Quality::Replayed;
        }
        match self {
            DeviceTime::None => Quality::Ok,
            DeviceTime::Unreadable => Quality::SuspectClock,
            DeviceTime::At(at) if at > received + AHEAD_MAX || at < received - BEHIND_MAX => {
                Quality::SuspectClock
            }
            DeviceTime::At(at) if at < received - FRESH_MAX => Quality::Late,
            DeviceTime::At(_) => Quality::Ok,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_772_413_200_000);

    fn text(text: &str) -> Token<'_> {
        Token { kind: TokenKind::Text, text }
    }

    fn number(text: &str) -> Token<'_> {
        Token { kind: TokenKind::Number, text }
    }

    fn utc(text: &str) -> Option<Timestamp> {
        rfc3339_micros::parse(text)
    }

    #[test]
    fn epochs_come_as_seconds_milliseconds_floats_and_text() {
        let seconds = TimeFormat::Epoch { micros: 1e6 };
        let millis = TimeFormat::Epoch { micros: 1e3 };
        let expected = utc("2026-03-02T01:00:00.5Z");
        assert_eq!(seconds.read(&number("1772413200.5"), NOW), expected);
        assert_eq!(seconds.read(&text("1772413200.5"), NOW), expected);
        assert_eq!(millis.read(&number("1772413200500"), NOW), expected);
        for none in
            [number("1e300"), text("2026-03-02"), text(""), Token { kind: TokenKind::Null, text: "null" }]
        {
            assert_eq!(seconds.read(&none, NOW), None, "{none:?}");
        }
    }

    #[test]
    fn the_short_way_agrees_with_the_long_one() {
        let mut usual = 0;
        for text in [
            "2026-03-02T09:00:00+08:00",
            "2026-03-02T01:00:00Z",
            "2024-02-28T23:59:59.999999999-11:30",
            "2024-02-29T12:00:00Z",
            "2025-02-29T12:00:00Z",
            "2026-03-02T01:00:00.1Z",
            "2026-03-02T01:00:00.Z",
            "2026-03-02T01:00:00.1234567890Z",
            "1970-01-01T00:00:00Z",
            "2099-12-28T23:59:59+23:59",
            "2100-03-01T00:00:00Z",
            "2026-03-02T24:00:00Z",
            "2026-03-02T23:59:60Z",
            "2026-03-02t01:00:00z",
            "2026-03-02 01:00:00Z",
            "2026-03-02T01:00:00",
            "2026-03-02T01:00:00+0800",
            "2026-03-02T01:00:00+08",
            "2026-00-02T01:00:00Z",
            "",
        ] {
            let short = usual_rfc3339(text.as_bytes());
            usual += usize::from(short.is_some());
            assert_eq!(short.or(utc(text)), utc(text), "{text}");
        }
        assert_eq!(usual, 6);
        for day in 0..(130 * 365) {
            let at = Timestamp(day * 86_400_000_000 + 45_296_000_007);
            let text = rfc3339_micros::format(at);
            let short = usual_rfc3339(text.as_bytes());
            assert!(short.is_none_or(|short| short == at), "{text}");
            assert_eq!(rfc3339(&text), Some(at), "{text}");
        }
    }

    #[test]
    fn a_local_time_needs_the_zone_where_the_clock_hangs() {
        let zone = |name| TimeZone::get(name).expect("bundled");
        let of = |name| TimeFormat::Pattern { pattern: "%Y-%m-%d %H:%M:%S".into(), zone: zone(name) };
        let read = of("Asia/Shanghai").read(&text("2026-03-02 09:00:00"), NOW);
        assert_eq!(read, utc("2026-03-02T01:00:00Z"));
        // 02:30 does not exist on this night; the clock was on its way to 03:30.
        let gap = of("Europe/Berlin").read(&text("2026-03-29 02:30:00"), NOW);
        assert_eq!(gap, utc("2026-03-29T01:30:00Z"));
        assert_eq!(of("Asia/Shanghai").read(&text("2026-02-29 09:00:00"), NOW), None);
    }

    #[test]
    fn a_clock_is_believed_from_seven_days_behind_to_two_minutes_ahead() {
        let received = Timestamp::from_millis(1_772_413_200_000);
        let quality =
            |seconds: i64| DeviceTime::At(received + Span::secs(seconds)).quality(received, false, false);
        assert_eq!(quality(120), Quality::Ok);
        assert_eq!(quality(121), Quality::SuspectClock);
        assert_eq!(quality(-600), Quality::Ok);
        assert_eq!(quality(-601), Quality::Late);
        assert_eq!(quality(-604_800), Quality::Late);
        assert_eq!(quality(-604_801), Quality::SuspectClock);
        assert_eq!(DeviceTime::None.quality(received, false, false), Quality::Ok);
        assert_eq!(DeviceTime::Unreadable.quality(received, false, false), Quality::SuspectClock);
        assert_eq!(DeviceTime::Unreadable.quality(received, true, false), Quality::Replayed);
        assert_eq!(DeviceTime::At(received).quality(received, true, true), Quality::Test);
    }
}

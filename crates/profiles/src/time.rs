//! Device times: the spellings that vendors use, and whether a clock can be believed.

use crate::json::{Token, TokenKind};
use crate::value::number_of;
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
    /// The point in time that a token says, if it is written this way.
    pub(crate) fn read(&self, token: &Token<'_>) -> Option<Timestamp> {
        match self {
            TimeFormat::Epoch { micros } => epoch(token, *micros),
            TimeFormat::Rfc3339 => match token.kind {
                TokenKind::Text => rfc3339_micros::parse(token.text.trim()),
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

fn epoch(token: &Token<'_>, micros: f64) -> Option<Timestamp> {
    let at = number_of(token)? * micros;
    // Year 1 to 9999: anything else is no time.
    if !(-6.2e16..2.6e17).contains(&at) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "in range, and rounded")]
    Some(Timestamp(at.round() as i64))
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
        assert_eq!(seconds.read(&number("1772413200.5")), expected);
        assert_eq!(seconds.read(&text("1772413200.5")), expected);
        assert_eq!(millis.read(&number("1772413200500")), expected);
        for none in
            [number("1e300"), text("2026-03-02"), text(""), Token { kind: TokenKind::Null, text: "null" }]
        {
            assert_eq!(seconds.read(&none), None, "{none:?}");
        }
    }

    #[test]
    fn a_local_time_needs_the_zone_where_the_clock_hangs() {
        let zone = |name| TimeZone::get(name).expect("bundled");
        let of = |name| TimeFormat::Pattern { pattern: "%Y-%m-%d %H:%M:%S".into(), zone: zone(name) };
        let read = of("Asia/Shanghai").read(&text("2026-03-02 09:00:00"));
        assert_eq!(read, utc("2026-03-02T01:00:00Z"));
        // 02:30 does not exist on this night; the clock was on its way to 03:30.
        let gap = of("Europe/Berlin").read(&text("2026-03-29 02:30:00"));
        assert_eq!(gap, utc("2026-03-29T01:30:00Z"));
        assert_eq!(of("Asia/Shanghai").read(&text("2026-02-29 09:00:00")), None);
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

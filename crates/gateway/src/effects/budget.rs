//! How often a webhook may be used, altogether and for one callee, and at which hours: group robots and telephone
//! companies shut out whoever calls too much, and a person who is rung at night for nothing stops answering.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::Instant;
use wanglou_model::MinuteOfDay;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Uses that are remembered; a busy hour has fewer.
const USES_MAX: usize = 10_000;

/// The most that is allowed; `None` for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) per_minute: u32,
    pub(super) per_hour: Option<u32>,
    pub(super) per_callee_minute: Option<u32>,
    pub(super) per_callee_hour: Option<u32>,
}

/// What was used lately.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    /// When, and for whom, oldest first.
    used: VecDeque<(Instant, String)>,
}

impl Budget {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, used: VecDeque::new() }
    }

    /// Takes one use, or says which limit is reached.
    pub(super) fn spend(&mut self, now: Instant, callee: &str) -> Result<(), &'static str> {
        while self.used.front().is_some_and(|(at, _)| now.duration_since(*at) >= HOUR) {
            self.used.pop_front();
        }
        let within = |span: Duration, callee: Option<&str>| {
            let recent = self.used.iter().rev().take_while(|(at, _)| now.duration_since(*at) < span);
            recent.filter(|(_, who)| callee.is_none_or(|callee| callee == who)).count()
        };
        let full = |limit: Option<u32>, used: usize| limit.is_some_and(|limit| used >= limit as usize);
        let Limits { per_minute, per_hour, per_callee_minute, per_callee_hour } = self.limits;
        if full(Some(per_minute), within(MINUTE, None)) || full(per_hour, within(HOUR, None)) {
            return Err("over budget");
        }
        if full(per_callee_minute, within(MINUTE, Some(callee)))
            || full(per_callee_hour, within(HOUR, Some(callee)))
        {
            return Err("over this person's budget");
        }
        if self.used.len() >= USES_MAX {
            self.used.pop_front();
        }
        self.used.push_back((now, callee.to_owned()));
        Ok(())
    }
}

/// Hours at which a webhook is left alone, on the compound's clock: `22:00-07:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    from: MinuteOfDay,
    until: MinuteOfDay,
}

impl FromStr for Quiet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("{text:?} is no pair of times; write \"22:00-07:00\"");
        let minute = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(MinuteOfDay(hour * 60 + minute))
        };
        let (from, until) = text.split_once('-').ok_or_else(bad)?;
        let (from, until) = minute(from).zip(minute(until)).ok_or_else(bad)?;
        if from == until {
            return Err(format!("{text:?}: begin and end are the same"));
        }
        Ok(Self { from, until })
    }
}

impl Quiet {
    /// Is it quiet at this minute of the day?
    pub(super) fn holds(self, minute: u16) -> bool {
        let (from, until) = (self.from.0, self.until.0);
        if from < until { (from..until).contains(&minute) } else { minute >= from || minute < until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(limits: Limits) -> Budget {
        Budget::new(limits)
    }

    const ROBOT: Limits =
        Limits { per_minute: 2, per_hour: Some(3), per_callee_minute: None, per_callee_hour: None };
    const VOICE: Limits =
        Limits { per_minute: 20, per_hour: None, per_callee_minute: Some(1), per_callee_hour: Some(5) };

    #[tokio::test(start_paused = true)]
    async fn a_robot_is_used_so_often_a_minute_and_so_often_an_hour() {
        let (mut robot, now) = (budget(ROBOT), Instant::now());
        assert_eq!(robot.spend(now, "a"), Ok(()));
        assert_eq!(robot.spend(now, "b"), Ok(()));
        assert_eq!(robot.spend(now, "c"), Err("over budget"));
        assert_eq!(robot.spend(now + MINUTE, "c"), Ok(()));
        assert_eq!(robot.spend(now + 2 * MINUTE, "c"), Err("over budget"), "three this hour");
        assert_eq!(robot.spend(now + HOUR, "c"), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_rung_more_than_once_a_minute_and_five_times_an_hour() {
        let (mut voice, now) = (budget(VOICE), Instant::now());
        for minute in 0..5 {
            let at = now + minute * MINUTE;
            assert_eq!(voice.spend(at, "wu"), Ok(()));
            assert_eq!(voice.spend(at, "wu"), Err("over this person's budget"));
            assert_eq!(voice.spend(at, "li"), Ok(()), "somebody else");
        }
        assert_eq!(voice.spend(now + 10 * MINUTE, "wu"), Err("over this person's budget"));
        assert_eq!(voice.spend(now + HOUR, "wu"), Ok(()));
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let quiet: Quiet = "22:00-07:00".parse().expect("a pair");
        let hours = |quiet: Quiet| -> Vec<u16> { (0..24).filter(|hour| quiet.holds(hour * 60)).collect() };
        assert_eq!(hours(quiet), [0, 1, 2, 3, 4, 5, 6, 22, 23]);
        assert_eq!(hours("12:00-14:00".parse().expect("a pair")), [12, 13]);
        for bad in ["", "22:00", "22:00-25:00", "22:00-22:00", "ten-six"] {
            assert!(bad.parse::<Quiet>().is_err(), "{bad:?}");
        }
    }
}

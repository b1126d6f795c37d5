//! Floods: what a compound says when everything happens at once. Each is a function of the site, the seed and its
//! begin, and goes on among the ordinary traffic: what it touches behaves accordingly until it is over.
//!
//! | where | what |
//! |---|---|
//! | `storm` | F1 heavy rain, and F8 the same in the middle of a handover |
//! | `backlog` | F2 a broker that was out, and what the devices had kept meanwhile |
//! | `fire` | F3 a fire in one building |
//! | `fireworks` | F4 New Year's Eve |
//! | `camera` | F5 one camera that never stops |
//! | `clocks` | F6 sixty clocks that are wrong |
//! | `power` | F7 a power cut |
//! | `acts` | what people and phones do meanwhile, which no sensor says |

mod acts;
mod backlog;
mod camera;
mod clocks;
mod fire;
mod fireworks;
mod power;
mod storm;

pub use acts::{Act, acts, reports};
pub(crate) use backlog::drained;

use crate::compound::{At, Compound};
use crate::random::Random;
use std::str::FromStr;
use wanglou_model::{Reading, Span, Timestamp};

/// A flood of the project's alarm rules, §11.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flood {
    /// A storm: 110 covers in 15 min, and 20 false hits a minute from each of the façade cameras.
    F1,
    /// The broker is out for 10 min; then 5,000 messages that are as old as that come in 10 s.
    F2,
    /// A fire in building 7: 12 detectors, lifts recalled, doors freed, the lane blocked, 40 reports.
    F3,
    /// New Year's Eve: fireworks, 30 smoke alarms, 25 doors that have fallen silent.
    F4,
    /// One camera sends 50 events a second.
    F5,
    /// 60 clocks are wrong.
    F6,
    /// A power cut: 300 devices are dark.
    F7,
    /// The storm during a handover; the officer's phone is off.
    F8,
}

impl Flood {
    /// All of them, in order.
    pub const ALL: [Flood; 8] =
        [Flood::F1, Flood::F2, Flood::F3, Flood::F4, Flood::F5, Flood::F6, Flood::F7, Flood::F8];

    /// `f1` to `f8`.
    pub fn name(self) -> &'static str {
        match self {
            Flood::F1 => "f1",
            Flood::F2 => "f2",
            Flood::F3 => "f3",
            Flood::F4 => "f4",
            Flood::F5 => "f5",
            Flood::F6 => "f6",
            Flood::F7 => "f7",
            Flood::F8 => "f8",
        }
    }

    /// What happens, in a few words.
    pub fn about(self) -> &'static str {
        match self {
            Flood::F1 => "a storm: 110 covers in 15 min, 20 false hits a minute from each façade camera",
            Flood::F2 => "the broker is out for 10 min, then 5,000 old messages in 10 s",
            Flood::F3 => "a fire in building 7: 12 detectors, lifts, doors, the lane, 40 reports",
            Flood::F4 => "New Year's Eve: fireworks, 30 smoke alarms, 25 silent doors",
            Flood::F5 => "one camera sends 50 events a second",
            Flood::F6 => "60 clocks are wrong",
            Flood::F7 => "a power cut: 300 devices are dark",
            Flood::F8 => "the storm during a handover, the officer's phone off",
        }
    }

    /// From its begin until its last message.
    pub fn lasts(self) -> Span {
        match self {
            Flood::F1 | Flood::F8 => Span::mins(20),
            Flood::F2 => Span::mins(11),
            Flood::F3 => Span::mins(40),
            Flood::F4 => Span::mins(150),
            Flood::F5 => Span::mins(5),
            Flood::F6 => Span::mins(60),
            Flood::F7 => Span::mins(27),
        }
    }
}

impl FromStr for Flood {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Flood::ALL.into_iter().find(|flood| flood.name().eq_ignore_ascii_case(text));
        known.ok_or_else(|| format!("{text:?} is no flood: choose one of f1 to f8"))
    }
}

/// What a flood does at a time.
#[derive(Debug, Clone)]
pub(crate) enum Does {
    /// A device says something.
    Say(At, Box<Reading>),
    /// It rains so hard, mm/h.
    Rain(f64),
    /// Fireworks begin or end.
    Fireworks(bool),
    /// A device is dark until then.
    Dark(At, Timestamp),
    /// A device's clock is wrong by so much from now on.
    ClockWrong(At, Span),
    /// A cover stays open until then.
    CoverOpen(At, Timestamp),
    /// A lift does nothing of its own until then.
    LiftTaken(usize, Timestamp),
    /// Nothing gets through until then; the devices keep it.
    Outage(Timestamp),
}

/// The steps of a flood, being written.
pub(crate) struct Plot<'a> {
    pub(crate) compound: &'a Compound,
    pub(crate) random: Random,
    begin: Timestamp,
    stretch: f64,
    pub(crate) steps: Vec<(Timestamp, Does)>,
}

impl Plot<'_> {
    fn after(&self, seconds: f64) -> Timestamp {
        self.begin + Span((seconds * self.stretch * 1e6) as i64)
    }

    fn step(&mut self, after_s: f64, does: Does) {
        self.steps.push((self.after(after_s), does));
    }

    fn say(&mut self, after_s: f64, device: At, reading: Reading) {
        self.step(after_s, Does::Say(device, Box::new(reading)));
    }

    /// So many of a list, each once, in no order.
    fn some(&mut self, of: &[At], n: usize) -> Vec<At> {
        let mut rest = of.to_vec();
        let mut chosen = Vec::new();
        while chosen.len() < n && !rest.is_empty() {
            let at = self.random.below(rest.len());
            chosen.push(rest.swap_remove(at));
        }
        chosen
    }
}

/// The steps of a flood that begins at `begin`, in no order.
pub(crate) fn plot(
    flood: Flood,
    compound: &Compound,
    begin: Timestamp,
    seed: u64,
    stretch: f64,
) -> Vec<(Timestamp, Does)> {
    let random = Random::of(seed, &[5, flood as u64]);
    let mut plot = Plot { compound, random, begin, stretch, steps: Vec::new() };
    match flood {
        Flood::F1 | Flood::F8 => storm::plot(&mut plot),
        Flood::F2 => backlog::plot(&mut plot),
        Flood::F3 => fire::plot(&mut plot),
        Flood::F4 => fireworks::plot(&mut plot),
        Flood::F5 => camera::plot(&mut plot),
        Flood::F6 => clocks::plot(&mut plot),
        Flood::F7 => power::plot(&mut plot),
    }
    plot.steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floods_are_called_by_their_names() {
        for flood in Flood::ALL {
            assert_eq!(flood.name().parse(), Ok(flood));
        }
        assert_eq!("F3".parse(), Ok(Flood::F3));
        assert!("f9".parse::<Flood>().is_err());
    }
}

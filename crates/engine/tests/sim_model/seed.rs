//! One seed: drawn, played twice with other crashes, healed; and what is shown when something is wrong.

use crate::compound;
use crate::deed::{Deed, Timed};
use crate::dice::Dice;
use crate::draw;
use crate::world::{Crashes, Fault, Figures, Sabotage, World};
use std::panic::{AssertUnwindSafe, catch_unwind};
use wanglou_engine::RuleSettings;
use wanglou_model::{Channel, Span, Timestamp};

/// How a run is played.
#[derive(Debug, Clone)]
pub(crate) struct Play {
    pub(crate) seed: u64,
    /// What the engine is given for rules; the model always has those of the text.
    pub(crate) rules: RuleSettings,
    pub(crate) sabotage: Sabotage,
    pub(crate) all_traced: bool,
}

/// What came of it.
pub(crate) struct Played {
    pub(crate) figures: Figures,
    journal: Vec<u8>,
    snapshot: Vec<u8>,
    trace: String,
}

impl Play {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, rules: RuleSettings::default(), sabotage: Sabotage::No, all_traced: false }
    }

    pub(crate) fn deeds(&self) -> Vec<Timed> {
        after_starts(draw::run(self.seed))
    }

    /// Twice: once with crashes, once with others or none. Both must write the same bytes.
    pub(crate) fn twice(&self) -> Result<Figures, String> {
        let first = if self.seed.is_multiple_of(400) { Crashes::Always } else { Crashes::OneIn(200) };
        let second = if self.seed.is_multiple_of(2) { Crashes::Never } else { Crashes::OneIn(400) };
        let deeds = self.deeds();
        let one = self.once(&deeds, first, 1).map_err(|fault| self.shown(&deeds, first, &fault))?;
        let two = self.once(&deeds, second, 2).map_err(|fault| self.shown(&deeds, second, &fault))?;
        if one.journal != two.journal {
            return Err(self.tail(
                &one.trace,
                "two runs wrote other journals: a crash, or something that is not in the inputs, decides",
            ));
        }
        if one.snapshot != two.snapshot {
            return Err(self.tail(&one.trace, "two runs ended in other states"));
        }
        if self.all_traced {
            println!("{}", one.trace);
        }
        Ok(one.figures)
    }

    /// One run of these deeds, with what heals after them.
    pub(crate) fn once(
        &self,
        deeds: &[Timed],
        crashes: Crashes,
        nth: u64,
    ) -> Result<Played, (Fault, String)> {
        let channels: &[Channel] = match self.seed % 3 {
            0 => &[],
            _ => &[Channel::Webhook, Channel::Voice, Channel::Push],
        };
        let setup = compound::setup(self.rules.clone(), channels);
        let mut world = World::new(setup, crashes, Dice::new(self.seed * 2 + nth), self.sabotage);
        world.all_traced = self.all_traced;
        let ended = catch_unwind(AssertUnwindSafe(|| {
            world.run(deeds).and_then(|()| world.heal(self.seed.is_multiple_of(4)))
        }));
        let trace = world.trace();
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => return Err((fault, trace)),
            Err(panic) => {
                let words = panic.downcast_ref::<String>().map(String::as_str);
                let words = words.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
                return Err((Fault(format!("panicked: {words}")), trace));
            }
        }
        let snapshot = world.engine.snapshot().expect("a snapshot");
        Ok(Played { figures: world.figures, journal: world.journal, snapshot, trace })
    }

    /// The fault with as few deeds as still lead to it.
    fn shown(&self, deeds: &[Timed], crashes: Crashes, (fault, trace): &(Fault, String)) -> String {
        if self.sabotage != Sabotage::No || self.rules != RuleSettings::default() {
            return fault.0.clone();
        }
        let like = |text: &str| text.lines().next().unwrap_or_default().chars().take(24).collect::<String>();
        let mut least = deeds.to_vec();
        let mut last = (fault.clone(), trace.clone());
        let (mut size, mut tries) = (deeds.len() / 2, 0);
        while size > 0 && tries < 300 {
            let mut from = 0;
            while from < least.len() && tries < 300 {
                tries += 1;
                let mut fewer = least.clone();
                fewer.drain(from..(from + size).min(least.len()));
                match self.once(&fewer, crashes, 1) {
                    Err(again) if like(&again.0.0) == like(&fault.0) => (least, last) = (fewer, again),
                    Ok(_) | Err(_) => from += size,
                }
            }
            size /= 2;
        }
        let (fault, trace) = last;
        self.tail(&trace, &format!("{} ({} of {} deeds are left)", fault.0, least.len(), deeds.len()))
    }

    fn tail(&self, trace: &str, fault: &str) -> String {
        let seed = self.seed;
        format!(
            "seed {seed}: {fault}\nthe latest inputs, by seconds since a Monday:\n{trace}\nreplay: cargo xtask sim --seed {seed}"
        )
    }
}

/// Deeds of a time in which the gateway is dead come when it is there again.
fn after_starts(mut deeds: Vec<Timed>) -> Vec<Timed> {
    let start = |(at, deed): &Timed| {
        if let Deed::Start { dead_since } = deed { Some((*dead_since, *at)) } else { None }
    };
    let starts: Vec<(Timestamp, Timestamp)> = deeds.iter().filter_map(start).collect();
    for (dead, up) in starts {
        let mut waiting = 0;
        for (at, _) in deeds.iter_mut().filter(|(at, _)| dead <= *at && *at < up) {
            waiting += 1;
            *at = up + Span(waiting);
        }
        deeds.sort_by_key(|(at, _)| *at);
    }
    deeds
}

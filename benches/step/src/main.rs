//! What a step of the engine costs, by the number of registered devices, all of them with a deadline of their own:
//!
//! ```sh
//! cargo run --profile bench -p wanglou-bench-step                        # 1,000 to 1,000,000 devices
//! cargo run --profile bench -p wanglou-bench-step -- 100000 --rounds=21  # one size, more rounds
//! cargo run --profile bench -p wanglou-bench-step -- 100000 --only=shut   # the step whose name has this word
//! ```
//!
//! Sizes alternate in one run (A B C D A B …), devices are taken in no order, so that each step finds its device
//! outside the processor's caches as traffic would. Figures are medians over rounds.

#![expect(clippy::disallowed_methods, reason = "time is what it measures")]

mod counted;
mod site;

use counted::Counted;
use site::Kind;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wanglou_engine::{Engine, RuleSettings, Setup, Stimulus};
use wanglou_model::{Input, Observation, Reading, Span, Timestamp};

#[global_allocator]
static MEMORY: Counted = Counted::new();

/// Monday 2 March 2026, 10:00 in Shanghai.
const START: Timestamp = Timestamp::from_millis(1_772_416_800_000);
const SIZES: [usize; 4] = [1_000, 10_000, 100_000, 1_000_000];
const ROUNDS: usize = 9;
/// So much later each figure of a round is taken than the one before it.
const BETWEEN: Span = Span::secs(15);
/// The engine's time in which one figure is taken, at most.
const FIGURE: Span = Span::secs(1);
/// Steps that one figure of one round is made of.
const STEPS: usize = 4_000;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let rounds = words.iter().find_map(|word| word.strip_prefix("--rounds=")?.parse().ok()).unwrap_or(ROUNDS);
    let only = words.iter().find_map(|word| word.strip_prefix("--only=")).unwrap_or_default();
    let sizes = if asked.is_empty() { SIZES.to_vec() } else { asked };
    let mut worlds = Vec::new();
    for size in sizes {
        eprintln!("{size} devices: registering, hearing each once");
        worlds.push(World::new(size));
    }
    println!(
        "| devices | deadlines | registry, B each | engine, B each | snapshot, MB | taken, s | restored, s |"
    );
    println!("|---|---|---|---|---|---|---|");
    for world in &mut worlds {
        println!("{}", world.snapshots());
    }
    let mut figures = vec![[const { Vec::new() }; Step::ALL.len()]; worlds.len()];
    for round in 0..rounds {
        for (world, of_world) in worlds.iter_mut().zip(&mut figures) {
            for (step, of_step) in Step::ALL.into_iter().zip(of_world.iter_mut()) {
                if !step.name().contains(only) {
                    continue;
                }
                of_step.push(world.time(step, round));
            }
        }
    }
    println!(
        "\n| step, ns | {} |",
        worlds.iter().map(|w| w.size.to_string()).collect::<Vec<_>>().join(" | ")
    );
    println!("|---|{}", "---|".repeat(worlds.len()));
    for (index, step) in Step::ALL.into_iter().enumerate().filter(|(_, step)| step.name().contains(only)) {
        let medians: Vec<String> = figures.iter_mut().map(|of_world| spread(&mut of_world[index])).collect();
        println!("| {} | {} |", step.name(), medians.join(" | "));
    }
    ExitCode::SUCCESS
}

/// The median, and in brackets the least: what it costs while nobody else uses the machine.
fn spread(values: &mut [f64]) -> String {
    values.sort_unstable_by(f64::total_cmp);
    format!("{:.0} ({:.0})", values[values.len() / 2], values[0])
}

/// What is measured.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// A smoke detector lives: the most frequent message of all.
    Heartbeat,
    /// A smoke detector says once more that there is no smoke.
    NoSmoke,
    /// A door of somebody living alone says once more that it is shut.
    Shut,
    /// A door of somebody living alone opens or closes: a sign of life, a new deadline.
    Door,
    /// A cover tilts, or lies again: a candidate and its deadline come and go.
    Tilt,
}

impl Step {
    const ALL: [Step; 5] = [Step::Heartbeat, Step::NoSmoke, Step::Shut, Step::Door, Step::Tilt];

    fn name(self) -> &'static str {
        match self {
            Step::Heartbeat => "nothing changes: a smoke detector's heartbeat",
            Step::NoSmoke => "nothing changes: still no smoke",
            Step::Shut => "nothing changes: a resident's door, still shut",
            Step::Door => "a resident's door opens or closes",
            Step::Tilt => "a cover tilts, or lies again",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Step::Heartbeat | Step::NoSmoke => Kind::Smoke,
            Step::Shut | Step::Door => Kind::Door,
            Step::Tilt => Kind::Cover,
        }
    }

    fn reading(self, odd: bool) -> Reading {
        match self {
            Step::Heartbeat => Reading::Heartbeat {},
            Step::NoSmoke => Reading::Smoke { active: false, source: None },
            Step::Shut => Reading::Contact { open: Some(false), opens: None },
            Step::Door => Reading::Contact { open: Some(odd), opens: None },
            Step::Tilt => {
                Reading::Cover { tilt_deg: Some(if odd { 20.0 } else { 1.0 }), moved: None, open: None }
            }
        }
    }
}

struct World {
    size: usize,
    engine: Engine,
    at: Timestamp,
    registry: usize,
    state: usize,
}

impl World {
    fn new(size: usize) -> Self {
        let before = MEMORY.used();
        let setup = Setup::new(site::site(size), RuleSettings::default(), "bench".into(), vec![]);
        let setup = Arc::new(setup.unwrap_or_else(|error| panic!("{error}")));
        let registered = MEMORY.used();
        let engine = Engine::new(setup);
        let mut world = Self { size, engine, at: START, registry: registered - before, state: 0 };
        for index in 0..size {
            let kind = Kind::of(index);
            world.say(index, kind.quiet());
        }
        world.state = MEMORY.used() - registered;
        world
    }

    fn say(&mut self, index: usize, reading: Reading) {
        self.at = self.at + Span(20);
        let said = site::observation(index, reading);
        self.feed(&said);
    }

    fn feed(&mut self, said: &Observation) {
        let observations = std::slice::from_ref(said);
        let facts =
            self.engine.step(self.at, Stimulus::Said { observations, retain: false, dup: false, by: None });
        std::hint::black_box(facts);
    }

    fn snapshots(&mut self) -> String {
        let begun = Instant::now();
        let bytes = self.engine.snapshot().unwrap_or_else(|error| panic!("{error}"));
        let taken = begun.elapsed();
        let begun = Instant::now();
        let restored = Engine::restore(Arc::clone(self.engine.setup()), &bytes);
        let restored = restored.unwrap_or_else(|error| panic!("{error}"));
        let restoring = begun.elapsed();
        assert_eq!(restored.next_deadline(), self.engine.next_deadline());
        format!(
            "| {} | {} | {} | {} | {:.1} | {:.2} | {:.2} |",
            self.size,
            self.engine.world().timers.len(),
            self.registry / self.size,
            self.state / self.size,
            bytes.len() as f64 / 1e6,
            taken.as_secs_f64(),
            restoring.as_secs_f64(),
        )
    }

    /// Nanoseconds of one step.
    fn time(&mut self, step: Step, round: usize) -> f64 {
        // A contact that moves ten times in a minute is a broken one, and its home an unknown one: each step would look at
        // all of it. What is due meanwhile is taken, and not timed.
        loop {
            self.at = self.at + BETWEEN;
            std::hint::black_box(self.engine.step(self.at, Stimulus::Input(&Input::Tick)));
            if self.engine.next_deadline().is_none_or(|due| due > self.at + FIGURE) {
                break;
            }
        }
        let of_kind = (0..self.size).filter(|index| Kind::of(*index) == step.kind()).count();
        let mut dice = round as u64 * 7_919 + 17;
        let mut chosen = Vec::with_capacity(STEPS);
        for _ in 0..STEPS {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let nth = (dice >> 33) as usize % of_kind;
            let index = step.kind().nth(nth);
            chosen.push(index);
        }
        chosen.sort_unstable();
        chosen.dedup();
        let mut order: Vec<usize> = (0..chosen.len()).collect();
        order.sort_unstable_by_key(|n| (*n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        // What is said is made beforehand, a few at a time, so that it is as near as decoding leaves it.
        let all: Vec<(usize, bool)> =
            [true, false].into_iter().flat_map(|odd| order.iter().map(move |n| (*n, odd))).collect();
        let mut spent = Duration::ZERO;
        for few in all.chunks(32) {
            let said: Vec<Observation> =
                few.iter().map(|(n, odd)| site::observation(chosen[*n], step.reading(*odd))).collect();
            let begun = Instant::now();
            for said in &said {
                self.at = self.at + Span(20);
                self.feed(said);
            }
            spent += begun.elapsed();
        }
        // Nothing may be due meanwhile: ticks are another matter.
        assert!(self.engine.next_deadline().is_none_or(|due| due > self.at));
        spent.as_nanos() as f64 / all.len() as f64
    }
}

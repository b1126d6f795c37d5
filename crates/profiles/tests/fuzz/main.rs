//! The decoder against messages that nobody would send: `cargo xtask fuzz`.
//!
//! Examples of all shipped profiles, and of one that uses everything the language has, are taken apart and put
//! together wrongly ([`mutate`]); each result is decoded. It must not panic, must not take more than eight times
//! the message's length beyond a fixed allowance, must say the same twice, and nothing that it says may be longer
//! than its bound. Now and then a message is made four times as long, and must not take sixteen times as long.
//!
//! `WANGLOU_EXECUTIONS` says how many (a few thousand without it), `WANGLOU_SEED` which ones. On failure the seed
//! and the message are printed.

#![expect(unsafe_code, reason = "an allocator that counts cannot be written without")]

mod corpus;
mod counting;
mod mutate;

use corpus::Seed;
use mutate::Dice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wanglou_model::{Decoded, RawMessage, Timestamp};
use wanglou_profiles::{DecodeState, ProfileSet};

/// What every message may take, however short.
const ALLOWANCE: usize = 288 << 10;
/// Executions without being told.
const FEW: u64 = 4_000;
/// Long runs say how far they are.
const PROGRESS_EVERY: u64 = 250_000;
/// The longest message that is made.
const BYTES_MAX: usize = 96 << 10;

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => otherwise,
    }
}

fn message<'a>(topic: &'a str, payload: &'a [u8], retain: bool) -> RawMessage<'a> {
    RawMessage { topic, payload, at: Timestamp::from_millis(1_772_413_200_000), retain, dup: false }
}

#[test]
fn no_message_makes_the_decoder_panic_or_take_more_than_its_share() {
    let executions = number("WANGLOU_EXECUTIONS", FEW);
    let seed = number("WANGLOU_SEED", 1);
    let threads = if executions > 1_000_000 {
        std::thread::available_parallelism().map_or(1, |n| u64::try_from(n.get()).unwrap_or(1))
    } else {
        1
    };
    let (set, seeds) = corpus::load();
    let each = executions / threads;
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let start = |thread: u64| {
            let (set, seeds) = (&set, &seeds);
            scope.spawn(move || run(set, seeds, seed + thread, each))
        };
        let handles: Vec<_> = (0..threads).map(start).collect();
        handles.into_iter().map(|handle| handle.join().expect("a failure is printed above")).collect()
    });
    let sum = |of: fn(&Tally) -> u64| tallies.iter().map(of).sum::<u64>();
    let observed = sum(|tally| tally.observed);
    println!(
        "{} executions from {} examples: {observed} observed, {} ignored, {} unmatched, {} rejected; {} with unknown; {} grown; at most {} bytes of memory beyond 8 times the message",
        each * threads,
        seeds.len(),
        sum(|tally| tally.ignored),
        sum(|tally| tally.unmatched),
        sum(|tally| tally.rejected),
        sum(|tally| tally.unknown),
        sum(|tally| tally.grown),
        tallies.iter().map(|tally| tally.beyond).max().unwrap_or(0),
    );
    // Mutants that nobody understands would test nothing.
    assert!(observed * 20 > each * threads, "only {observed} of {} say anything", each * threads);
}

/// What came of one thread's executions.
#[derive(Default)]
struct Tally {
    observed: u64,
    ignored: u64,
    unmatched: u64,
    rejected: u64,
    unknown: u64,
    grown: u64,
    beyond: usize,
}

fn run(set: &ProfileSet, seeds: &[Seed], seed: u64, executions: u64) -> Tally {
    let mut dice = Dice::new(seed);
    let mut state = DecodeState::default();
    let mut tally = Tally::default();
    for execution in 0..executions {
        counting::at(seed, execution);
        if execution > 0 && execution.is_multiple_of(PROGRESS_EVERY) {
            println!("seed {seed}: {execution} of {executions} executions");
        }
        let (topic, payload) = mutate::message(seeds, &mut dice, BYTES_MAX);
        let raw = message(&topic, &payload, dice.one_in(16));
        let checked = catch_unwind(AssertUnwindSafe(|| {
            check(set, &raw, &mut state, &mut tally, execution);
            if execution.is_multiple_of(512) {
                tally.grown += u64::from(grows_linearly(set, seeds, &mut dice));
            }
        }));
        if let Err(panic) = checked {
            let shown = payload.iter().take(4096).copied().collect::<Vec<u8>>();
            eprintln!(
                "seed {seed}, execution {execution}, topic {topic:?}, {} bytes: {:?}",
                payload.len(),
                String::from_utf8_lossy(&shown)
            );
            eprintln!("again: WANGLOU_SEED={seed} cargo xtask fuzz --executions {}", execution + 1);
            std::panic::resume_unwind(panic);
        }
    }
    tally
}

fn check(set: &ProfileSet, raw: &RawMessage<'_>, state: &mut DecodeState, tally: &mut Tally, execution: u64) {
    // What is remembered grows to megabytes: not copied for every message.
    let before = execution.is_multiple_of(64).then(|| state.clone());
    let (peak, decoding) = counting::peak(|| set.decode_in(raw, state));
    let bound = ALLOWANCE + 8 * raw.payload.len();
    assert!(peak <= bound, "{peak} bytes of memory for a message of {}", raw.payload.len());
    tally.beyond = tally.beyond.max(peak.saturating_sub(8 * raw.payload.len()));
    match &decoding.decoded {
        Decoded::Observations(all) => {
            tally.observed += 1;
            assert!(!all.is_empty() && all.len() <= 256, "{} observations", all.len());
            for said in all {
                let json = serde_json::to_string(said).expect("what is observed can be written");
                assert!(json.len() < 64 << 10, "an observation of {} bytes", json.len());
                assert!((1..=128).contains(&said.device.len()), "device {:?}", said.device);
                tally.unknown += u64::from(said.reading.kind() == "unknown");
            }
        }
        Decoded::Ignored(_) => tally.ignored += 1,
        Decoded::Unmatched(_) => tally.unmatched += 1,
        Decoded::Rejected { reason, .. } => {
            assert!(reason.len() < 16 << 10, "a reason of {} bytes", reason.len());
            tally.rejected += 1;
        }
    }
    if let Some(mut again) = before {
        assert_eq!(set.decode_in(raw, &mut again), decoding, "the same message says the same");
        assert_eq!(again, *state, "and leaves the same state");
    }
}

/// Four times the length in not much more than four times the time.
fn grows_linearly(set: &ProfileSet, seeds: &[Seed], dice: &mut Dice) -> bool {
    let Some((topic, short, long)) = mutate::grown(seeds, dice, 48 << 10) else { return false };
    let best = |payload: &[u8]| {
        let once = || {
            let mut state = DecodeState::default();
            let start = counting::cpu_us();
            std::hint::black_box(set.decode_in(&message(&topic, payload, false), &mut state));
            counting::cpu_us() - start
        };
        (0..3).map(|_| once()).fold(f64::INFINITY, f64::min)
    };
    let (few, many) = (best(&short), best(&long));
    // A square would be sixteen times; caches, limits that are reached and noise get their part.
    let slow = |few: f64, many: f64| many > few * 9.0 + 2_000.0;
    // What is really slow is slow again.
    let is_slow = slow(few, many) && slow(best(&short), best(&long));
    assert!(!is_slow, "{} bytes {few:.0} µs, {} bytes {many:.0} µs", short.len(), long.len());
    true
}

//! The gateway's clock, the only place that reads one.
//!
//! The timeline `at` never decreases. It starts at wall time, advances with CLOCK_BOOTTIME (which runs on while
//! the machine sleeps), and is slewed towards wall time by at most 500 ppm. When the two differ by more than 2 s
//! the clock was set: the timeline goes on, and the difference is handed out once, to be journaled.
//!
//! Trust is about the time for which the machine was off, which only the wall clock knows. After another start of
//! the machine a wall clock that went back, or that nothing has synchronised yet, is not trusted until it has been set
//! right; then the timeline catches up with the time that was missing. While the machine runs, elapsed time
//! needs no wall clock: losing the time servers then changes the metric, and no judgement.

mod source;

pub(crate) use source::ask as ask_kernel;
pub use source::{Shifted, Source, System};

use wanglou_model::{Span, Timestamp};

/// At most this much of the time that passed is used for catching up with the wall clock.
const SLEW_PPM: i64 = 500;
/// A larger difference is a step, not drift.
const STEP: Span = Span::secs(2);
/// The source is asked this often whether the wall clock is synchronised.
const ASK_EVERY: Span = Span::secs(10);

/// Wall time, for what people and browsers compare with their own clocks: expiries, `now`.
pub fn wall() -> Timestamp {
    System::default().wall()
}

/// What is remembered of an earlier run, so that the timeline can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The last time that was stamped.
    pub at: Timestamp,
    /// Wall time minus `at`, as last journaled.
    pub wall_minus_at: Span,
    /// The machine's start that it belongs to.
    pub boot_id: String,
    /// `at` minus boot time, when that run started.
    pub at_minus_boot: Span,
    /// The wall clock was trusted.
    pub trusted: bool,
}

/// Why the clock cannot be trusted after a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    /// The wall clock shows a time before the last one that was stamped.
    WallBeforeLast,
    /// The machine was started anew, and nothing has synchronised its clock since then.
    Unsynchronised,
}

/// May an unsynchronised wall clock tell for how long the machine was off?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// It must be synchronised.
    Synchronised,
    /// Whatever it shows is taken: for demos, and for machines whose clock is set in another way.
    Any,
}

/// A reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// The time to stamp.
    pub at: Timestamp,
    /// The wall clock was set: wall time is now `at` plus this.
    pub stepped: Option<Span>,
}

/// The timeline.
pub struct Clock {
    source: Box<dyn Source>,
    last: Timestamp,
    /// Boot time of the last reading.
    boot: Span,
    wall_minus_at: Span,
    at_minus_boot: Span,
    demand: Demand,
    distrust: Option<Distrust>,
    /// Wall time minus `at` while the wall clock was trusted.
    trusted_wall_minus_at: Span,
    synchronised: bool,
    asked_at: Span,
}

impl Clock {
    /// Starts the timeline, or goes on with an earlier one.
    pub fn start(mut source: Box<dyn Source>, earlier: Option<&Earlier>, demand: Demand) -> Self {
        let (wall, boot) = (source.wall(), source.boot());
        let synchronised = source.is_synchronised();
        let unknown = (demand == Demand::Synchronised && !synchronised).then_some(Distrust::Unsynchronised);
        let same_boot =
            earlier.filter(|earlier| !earlier.boot_id.is_empty() && earlier.boot_id == source.boot_id());
        let bridged = same_boot.map(|earlier| (Timestamp(0) + boot + earlier.at_minus_boot).max(earlier.at));
        let (at, wall_minus_at, distrust) = match (bridged, earlier) {
            (Some(at), Some(earlier)) => (at, earlier.wall_minus_at, unknown.filter(|_| !earlier.trusted)),
            (None, Some(earlier)) if wall + STEP < earlier.at + earlier.wall_minus_at => {
                (earlier.at, earlier.wall_minus_at, Some(Distrust::WallBeforeLast))
            }
            (None, Some(earlier)) => {
                ((wall - earlier.wall_minus_at).max(earlier.at), earlier.wall_minus_at, unknown)
            }
            (_, None) => (wall, Span::ZERO, None),
        };
        let at_minus_boot = Span((at - boot).0);
        let trusted_wall_minus_at = wall_minus_at;
        Self {
            source,
            last: at,
            boot,
            wall_minus_at,
            at_minus_boot,
            demand,
            distrust,
            trusted_wall_minus_at,
            synchronised,
            asked_at: boot,
        }
    }

    /// Why the wall clock is not to be trusted, if it is not.
    pub fn distrust(&self) -> Option<Distrust> {
        self.distrust
    }

    /// Does the kernel say that something keeps the wall clock right? As of the latest reading, 10 s old at most.
    pub fn is_synchronised(&self) -> bool {
        self.synchronised
    }

    /// What the next run needs to go on.
    pub fn earlier(&self) -> Earlier {
        Earlier {
            at: self.last,
            wall_minus_at: self.wall_minus_at,
            boot_id: self.source.boot_id(),
            at_minus_boot: self.at_minus_boot,
            trusted: self.distrust.is_none(),
        }
    }

    /// Reads the clock.
    pub fn now(&mut self) -> Now {
        let (wall, boot) = (self.source.wall(), self.source.boot());
        let passed = (boot - self.boot).max(Span::ZERO);
        self.boot = boot;
        let mut at = self.last + passed;
        if boot - self.asked_at >= ASK_EVERY {
            (self.synchronised, self.asked_at) = (self.source.is_synchronised(), boot);
        }
        if self.distrust.is_some() && self.is_set_right(wall, at) {
            self.distrust = None;
            // The machine was off for longer than the clock that was not right had shown.
            at = at.max(wall - self.trusted_wall_minus_at);
        }
        let ahead = wall - (at + self.wall_minus_at);
        let stepped = (ahead.0.abs() > STEP.0).then(|| wall - at);
        match stepped {
            Some(difference) => self.wall_minus_at = difference,
            None => {
                let most = passed.0 * SLEW_PPM / 1_000_000;
                at = at + Span(ahead.0.clamp(-most, most));
            }
        }
        self.last = self.last.max(at);
        self.at_minus_boot = Span((self.last - boot).0);
        Now { at: self.last, stepped }
    }

    fn is_set_right(&self, wall: Timestamp, at: Timestamp) -> bool {
        let goes_on = wall + STEP >= at + self.trusted_wall_minus_at;
        let known = self.synchronised || self.demand == Demand::Any;
        known && (goes_on || self.distrust == Some(Distrust::Unsynchronised))
    }

    /// How long from now until a point of the timeline; zero when it is past.
    pub fn until(&mut self, at: Timestamp) -> std::time::Duration {
        let passed = (self.source.boot() - self.boot).max(Span::ZERO);
        let left = (at - (self.last + passed)).max(Span::ZERO);
        std::time::Duration::from_micros(left.0.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Debug, Clone, Copy)]
    struct Times {
        wall_s: i64,
        boot_s: i64,
        boot_id: &'static str,
        synchronised: bool,
    }

    #[derive(Clone)]
    struct Fake(Arc<Mutex<Times>>);

    impl Fake {
        fn new(wall_s: i64, boot_s: i64) -> Self {
            Self(Arc::new(Mutex::new(Times { wall_s, boot_s, boot_id: "b1", synchronised: true })))
        }
        fn pass(&self, wall_s: i64, boot_s: i64) {
            let mut times = self.0.lock().unwrap();
            (times.wall_s, times.boot_s) = (times.wall_s + wall_s, times.boot_s + boot_s);
        }
        fn synchronised(&self, synchronised: bool) {
            self.0.lock().unwrap().synchronised = synchronised;
        }
    }

    impl Source for Fake {
        fn wall(&mut self) -> Timestamp {
            s(self.0.lock().unwrap().wall_s)
        }
        fn boot(&mut self) -> Span {
            Span::secs(self.0.lock().unwrap().boot_s)
        }
        fn boot_id(&self) -> String {
            self.0.lock().unwrap().boot_id.to_owned()
        }
        fn is_synchronised(&mut self) -> bool {
            self.0.lock().unwrap().synchronised
        }
    }

    fn start(fake: &Fake, earlier: Option<&Earlier>) -> Clock {
        Clock::start(Box::new(fake.clone()), earlier, Demand::Synchronised)
    }

    /// The last that is known of a run in another start of the machine.
    fn before_the_power_cut(at: Timestamp) -> Earlier {
        let (wall_minus_at, at_minus_boot) = (Span::ZERO, Span::secs(1));
        Earlier { at, wall_minus_at, boot_id: "other".into(), at_minus_boot, trusted: true }
    }

    fn s(n: i64) -> Timestamp {
        Timestamp(n * 1_000_000)
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_turn_the_timeline_back() {
        let fake = Fake::new(1000, 50);
        let mut clock = start(&fake, None);
        fake.pass(-3600 + 10, 10);
        let now = clock.now();
        assert_eq!(now, Now { at: s(1010), stepped: Some(Span::secs(-3600)) });
        fake.pass(5, 5);
        assert_eq!(clock.now(), Now { at: s(1015), stepped: None }, "handed out once");
    }

    #[test]
    fn drift_is_slewed_by_at_most_500_ppm() {
        let fake = Fake::new(1000, 0);
        let mut clock = start(&fake, None);
        fake.pass(101, 100);
        assert_eq!(clock.now(), Now { at: Timestamp(1_100_000_000 + 50_000), stepped: None });
    }

    #[test]
    fn a_restart_in_the_same_boot_is_bridged_whatever_the_wall_clock_says() {
        let fake = Fake::new(1000, 50);
        let mut clock = start(&fake, None);
        fake.pass(10, 10);
        clock.now();
        let earlier = clock.earlier();
        fake.pass(-500, 90_000);
        let mut again = start(&fake, Some(&earlier));
        assert_eq!(again.distrust(), None);
        assert_eq!(again.now().at, s(1010 + 90_000));
    }

    #[test]
    fn a_shift_moves_both_clocks_so_that_time_passes_and_no_step_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ahead");
        assert!(Shifted::open(System::default(), file.clone()).is_err(), "no such file");
        std::fs::write(&file, "0").expect("a file");
        let mut clock = Clock::start(
            Box::new(Shifted::open(System::default(), file.clone()).expect("a number")),
            None,
            Demand::Any,
        );
        let before = clock.now().at;
        std::fs::write(&file, "86400\n").expect("a file");
        let now = clock.now();
        let passed = now.at - before;
        assert!(passed >= Span::hours(24) && passed < Span::hours(24) + Span::mins(1), "{passed:?}");
        assert_eq!(now.stepped, None);
        std::fs::write(&file, "soon").expect("a file");
        assert!(clock.now().at - before < Span::hours(25), "what is no number moves nothing");
    }

    #[test]
    fn after_another_boot_a_wall_clock_that_went_back_is_not_trusted_until_it_goes_on() {
        let earlier = before_the_power_cut(s(5000));
        let fake = Fake::new(1000, 5);
        let mut clock = start(&fake, Some(&earlier));
        assert_eq!(clock.distrust(), Some(Distrust::WallBeforeLast));
        assert!(clock.now().at >= s(5000));
        assert_eq!(clock.distrust(), Some(Distrust::WallBeforeLast));
        fake.pass(7000, 10);
        let caught_up = Now { at: s(8000), stepped: Some(Span::ZERO) };
        assert_eq!(clock.now(), caught_up, "with the time that was missing");
        assert_eq!(clock.distrust(), None);
        let good = start(&Fake::new(9000, 5), Some(&earlier));
        assert_eq!((good.distrust(), good.last), (None, s(9000)));
    }

    #[test]
    fn after_another_boot_a_clock_that_nothing_keeps_right_is_not_trusted_until_something_does() {
        let earlier = before_the_power_cut(s(5000));
        let fake = Fake::new(6000, 5);
        fake.synchronised(false);
        let mut clock = start(&fake, Some(&earlier));
        fake.pass(10, 10);
        assert_eq!(clock.now().at, s(6010), "time goes on all the same");
        assert_eq!(clock.distrust(), Some(Distrust::Unsynchronised));
        assert!(!clock.earlier().trusted);
        let again = start(&fake, Some(&clock.earlier()));
        assert_eq!(again.distrust(), Some(Distrust::Unsynchronised), "a restart alone mends nothing");

        fake.synchronised(true);
        fake.pass(3610, 10);
        assert_eq!(clock.now(), Now { at: s(9620), stepped: None }, "an hour was missing");
        assert_eq!(clock.distrust(), None);
        let any = Clock::start(Box::new(fake.clone()), Some(&earlier), Demand::Any);
        assert_eq!(any.distrust(), None);
    }

    #[test]
    fn a_clock_that_was_ahead_is_set_back_without_turning_the_timeline_back() {
        let fake = Fake::new(9000, 5);
        fake.synchronised(false);
        let mut clock = start(&fake, Some(&before_the_power_cut(s(5000))));
        fake.synchronised(true);
        fake.pass(-2990, 10);
        let now = clock.now();
        assert_eq!((now.at, clock.distrust()), (s(9010), None));
        assert_eq!(clock.earlier().wall_minus_at, Span::secs(-3000));
    }

    #[test]
    fn losing_the_time_servers_while_the_machine_runs_changes_no_judgement() {
        let fake = Fake::new(1000, 5);
        let mut clock = start(&fake, None);
        fake.synchronised(false);
        fake.pass(20, 20);
        clock.now();
        assert_eq!((clock.is_synchronised(), clock.distrust()), (false, None));
        let again = start(&fake, Some(&clock.earlier()));
        assert_eq!(again.distrust(), None, "in the same start of the machine nothing depends on it");
    }
}

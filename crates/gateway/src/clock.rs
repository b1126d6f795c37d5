//! The gateway's clock, the only place that reads one.
//!
//! The timeline `at` never decreases. It starts at wall time, advances with CLOCK_BOOTTIME (which runs on while
//! the machine sleeps), and is slewed towards wall time by at most 500 ppm. When the two differ by more than 2 s
//! the clock was set: the timeline goes on, and the difference is handed out once, to be journaled.

use std::path::{Path, PathBuf};
use wanglou_model::{Span, Timestamp};

/// At most this much of the time that passed is used for catching up with the wall clock.
const SLEW_PPM: i64 = 500;
/// A larger difference is a step, not drift.
const STEP: Span = Span::secs(2);

/// Where the raw times come from.
pub trait Source: Send {
    /// Wall time, microseconds since the epoch.
    fn wall(&mut self) -> Timestamp;
    /// Time since the machine was started, sleep included.
    fn boot(&mut self) -> Span;
    /// Tells one start of the machine from another.
    fn boot_id(&self) -> String;
}

/// The system's clocks.
#[derive(Debug)]
pub struct System;

impl Source for System {
    fn wall(&mut self) -> Timestamp {
        micros(rustix::time::clock_gettime(rustix::time::ClockId::Realtime)).into_timestamp()
    }

    fn boot(&mut self) -> Span {
        Span(micros(rustix::time::clock_gettime(rustix::time::ClockId::Boottime)).0)
    }

    fn boot_id(&self) -> String {
        let id = std::fs::read_to_string(Path::new("/proc/sys/kernel/random/boot_id"));
        id.map(|text| text.trim().to_owned()).unwrap_or_default()
    }
}

/// The system's clocks, moved ahead by the seconds that a file holds. For tests of long deadlines only: the file is
/// read anew with each look at the wall clock, and both clocks move together, as if so much time had passed.
#[derive(Debug)]
pub struct Shifted {
    file: PathBuf,
    ahead: Span,
}

impl Shifted {
    /// Reads the file, which holds one whole number of seconds.
    ///
    /// # Errors
    /// When it cannot be read, or holds anything else.
    pub fn open(file: PathBuf) -> std::io::Result<Self> {
        let mut shifted = Self { file, ahead: Span::ZERO };
        shifted.ahead = shifted.read()?;
        Ok(shifted)
    }

    fn read(&self) -> std::io::Result<Span> {
        let text = std::fs::read_to_string(&self.file)?;
        text.trim().parse().map(Span::secs).map_err(std::io::Error::other)
    }
}

impl Source for Shifted {
    fn wall(&mut self) -> Timestamp {
        // Half a file is no reason to move: the next look finds it whole.
        self.ahead = self.read().unwrap_or(self.ahead);
        System.wall() + self.ahead
    }

    fn boot(&mut self) -> Span {
        System.boot() + self.ahead
    }

    fn boot_id(&self) -> String {
        System.boot_id()
    }
}

/// Wall time, for what people and browsers compare with their own clocks: expiries, `now`.
pub fn wall() -> Timestamp {
    System.wall()
}

struct Micros(i64);

impl Micros {
    fn into_timestamp(self) -> Timestamp {
        Timestamp(self.0)
    }
}

fn micros(time: rustix::time::Timespec) -> Micros {
    Micros(time.tv_sec.saturating_mul(1_000_000).saturating_add(time.tv_nsec / 1_000))
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
}

/// Why the clock cannot be trusted after a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    /// The wall clock shows a time before the last one that was stamped.
    WallBeforeLast,
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
    distrust: Option<Distrust>,
}

impl Clock {
    /// Starts the timeline, or goes on with an earlier one.
    pub fn start(mut source: Box<dyn Source>, earlier: Option<&Earlier>) -> Self {
        let (wall, boot) = (source.wall(), source.boot());
        let same_boot =
            earlier.filter(|earlier| !earlier.boot_id.is_empty() && earlier.boot_id == source.boot_id());
        let bridged = same_boot.map(|earlier| (Timestamp(0) + boot + earlier.at_minus_boot).max(earlier.at));
        let (at, wall_minus_at, distrust) = match (bridged, earlier) {
            (Some(at), Some(earlier)) => (at, earlier.wall_minus_at, None),
            (None, Some(earlier)) if wall + STEP < earlier.at + earlier.wall_minus_at => {
                (earlier.at, earlier.wall_minus_at, Some(Distrust::WallBeforeLast))
            }
            (None, Some(earlier)) => {
                ((wall - earlier.wall_minus_at).max(earlier.at), earlier.wall_minus_at, None)
            }
            (_, None) => (wall, Span::ZERO, None),
        };
        let at_minus_boot = Span((at - boot).0);
        Self { source, last: at, boot, wall_minus_at, at_minus_boot, distrust }
    }

    /// Why the wall clock is not to be trusted, if it is not.
    pub fn distrust(&self) -> Option<Distrust> {
        self.distrust
    }

    /// What the next run needs to go on.
    pub fn earlier(&self) -> Earlier {
        Earlier {
            at: self.last,
            wall_minus_at: self.wall_minus_at,
            boot_id: self.source.boot_id(),
            at_minus_boot: self.at_minus_boot,
        }
    }

    /// Reads the clock.
    pub fn now(&mut self) -> Now {
        let (wall, boot) = (self.source.wall(), self.source.boot());
        let passed = (boot - self.boot).max(Span::ZERO);
        self.boot = boot;
        let mut at = self.last + passed;
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

    #[derive(Clone)]
    struct Fake(Arc<Mutex<(i64, i64, &'static str)>>);

    impl Fake {
        fn new(wall_s: i64, boot_s: i64) -> Self {
            Self(Arc::new(Mutex::new((wall_s * 1_000_000, boot_s * 1_000_000, "b1"))))
        }
        fn pass(&self, wall_s: i64, boot_s: i64) {
            let mut inner = self.0.lock().unwrap();
            inner.0 += wall_s * 1_000_000;
            inner.1 += boot_s * 1_000_000;
        }
    }

    impl Source for Fake {
        fn wall(&mut self) -> Timestamp {
            Timestamp(self.0.lock().unwrap().0)
        }
        fn boot(&mut self) -> Span {
            Span(self.0.lock().unwrap().1)
        }
        fn boot_id(&self) -> String {
            self.0.lock().unwrap().2.to_owned()
        }
    }

    fn s(n: i64) -> Timestamp {
        Timestamp(n * 1_000_000)
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_turn_the_timeline_back() {
        let fake = Fake::new(1000, 50);
        let mut clock = Clock::start(Box::new(fake.clone()), None);
        fake.pass(-3600 + 10, 10);
        let now = clock.now();
        assert_eq!(now, Now { at: s(1010), stepped: Some(Span::secs(-3600)) });
        fake.pass(5, 5);
        assert_eq!(clock.now(), Now { at: s(1015), stepped: None }, "handed out once");
    }

    #[test]
    fn drift_is_slewed_by_at_most_500_ppm() {
        let fake = Fake::new(1000, 0);
        let mut clock = Clock::start(Box::new(fake.clone()), None);
        fake.pass(101, 100);
        assert_eq!(clock.now(), Now { at: Timestamp(1_100_000_000 + 50_000), stepped: None });
    }

    #[test]
    fn a_restart_in_the_same_boot_is_bridged_whatever_the_wall_clock_says() {
        let fake = Fake::new(1000, 50);
        let mut clock = Clock::start(Box::new(fake.clone()), None);
        fake.pass(10, 10);
        clock.now();
        let earlier = clock.earlier();
        fake.pass(-500, 90_000);
        let mut again = Clock::start(Box::new(fake.clone()), Some(&earlier));
        assert_eq!(again.distrust(), None);
        assert_eq!(again.now().at, s(1010 + 90_000));
    }

    #[test]
    fn a_shift_moves_both_clocks_so_that_time_passes_and_no_step_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ahead");
        assert!(Shifted::open(file.clone()).is_err(), "no such file");
        std::fs::write(&file, "0").expect("a file");
        let mut clock = Clock::start(Box::new(Shifted::open(file.clone()).expect("a number")), None);
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
    fn after_another_boot_a_wall_clock_that_went_back_is_not_trusted() {
        let earlier = Earlier {
            at: s(5000),
            wall_minus_at: Span::ZERO,
            boot_id: "other".into(),
            at_minus_boot: Span::secs(1),
        };
        let mut clock = Clock::start(Box::new(Fake::new(1000, 5)), Some(&earlier));
        assert_eq!(clock.distrust(), Some(Distrust::WallBeforeLast));
        assert!(clock.now().at >= s(5000));
        let good = Clock::start(Box::new(Fake::new(9000, 5)), Some(&earlier));
        assert_eq!((good.distrust(), good.last), (None, s(9000)));
    }
}

//! The only clock of the harness: bounded polling, and time stamps for what devices send.

use std::time::{Duration, Instant, SystemTime};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// For whatever is not measured: long enough for a machine that does something else beside the tests.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A point of time that can be measured from.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    #[expect(clippy::disallowed_methods, reason = "tests of programs measure real time")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Looks again and again until there is something, and fails in words after [`PATIENCE`].
///
/// # Panics
/// When the time is over.
pub fn eventually<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, probe)
}

/// The same with a limit of its own.
///
/// # Panics
/// When the time is over.
pub fn within<T>(limit: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let began = Stopwatch::start();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        pause(LOOK_EVERY);
    }
}

/// Waits: to pace a load, or between two looks at something that cannot call us.
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}

/// The wall clock.
///
/// # Panics
/// When the clock stands before 1970 or far in the future.
#[expect(clippy::disallowed_methods, reason = "devices stamp what they send with their own clock")]
pub fn wall() -> jiff::Timestamp {
    jiff::Timestamp::try_from(SystemTime::now()).expect("the clock shows a usual time")
}

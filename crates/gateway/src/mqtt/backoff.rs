//! How long to wait before the next attempt: full jitter over a range that doubles, so that a hundred gateways do
//! not return to a restarted broker in step.

use std::time::Duration;

/// Where jitter comes from: a number from 0 (inclusive) to 1 (exclusive).
pub type Jitter = Box<dyn FnMut() -> f64 + Send + Sync>;

const SHORTEST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(10);

/// The waits between attempts: each uniformly drawn from 0.2 s to a ceiling of 0.4, 0.8, 1.6 … 10 s.
pub struct Backoff {
    jitter: Jitter,
    failures: u32,
}

impl Backoff {
    /// Draws from the operating system.
    pub fn from_system() -> Backoff {
        Backoff::new(Box::new(system_jitter))
    }

    /// Draws from a source of one's own.
    pub fn new(jitter: Jitter) -> Backoff {
        Backoff { jitter, failures: 0 }
    }

    /// The wait after one more failure.
    pub fn next_wait(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let ceiling = SHORTEST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        SHORTEST + (ceiling - SHORTEST).mul_f64((self.jitter)().clamp(0.0, 1.0))
    }

    /// The path has proven good; the next failure waits briefly again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

impl std::fmt::Debug for Backoff {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backoff").field("failures", &self.failures).finish_non_exhaustive()
    }
}

fn system_jitter() -> f64 {
    // Without randomness every wait is the longest of its range: slower, never a tight loop.
    getrandom::u32().map_or(1.0, |n| f64::from(n) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits_ms(jitter: f64, n: usize) -> Vec<u128> {
        let mut backoff = Backoff::new(Box::new(move || jitter));
        (0..n).map(|_| backoff.next_wait().as_millis()).collect()
    }

    #[test]
    fn the_ceiling_doubles_up_to_ten_seconds() {
        assert_eq!(waits_ms(1.0, 8), [400, 800, 1600, 3200, 6400, 10_000, 10_000, 10_000]);
    }

    #[test]
    fn even_the_luckiest_draw_waits_a_fifth_of_a_second() {
        assert_eq!(waits_ms(0.0, 40), [200; 40]);
    }

    #[test]
    fn after_a_reset_waits_are_short_again() {
        let mut backoff = Backoff::new(Box::new(|| 1.0));
        for _ in 0..9 {
            backoff.next_wait();
        }
        backoff.reset();
        assert_eq!(backoff.next_wait().as_millis(), 400);
    }
}

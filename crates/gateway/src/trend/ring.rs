//! Samples of the last hour, each quarter of a minute, and of the last day, each five minutes: so many and no more.

use super::sample::Sample;
use std::collections::VecDeque;
use std::time::Duration;

/// From one sample to the next.
pub const SAMPLE_EVERY: Duration = Duration::from_secs(15);
/// Every so many samples one is kept for the day.
const DAY_EVERY: usize = 20;
/// An hour of samples, and the five minutes before it that its first quantile looks back over.
pub const HOUR_SAMPLES: usize = 4 * 60 + DAY_EVERY + 1;
/// A day of samples, and one before it.
pub const DAY_SAMPLES: usize = 24 * 12 + 2;

/// How far back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The last hour.
    Hour,
    /// The last day.
    Day,
}

impl Span {
    /// How long it is.
    pub fn length(self) -> Duration {
        match self {
            Span::Hour => Duration::from_secs(3_600),
            Span::Day => Duration::from_secs(24 * 3_600),
        }
    }
}

/// Samples of the last hour and of the last day; about 300 kB when full.
#[derive(Debug, Default)]
pub struct Ring {
    hour: VecDeque<Sample>,
    day: VecDeque<Sample>,
    pushed: usize,
}

impl Ring {
    /// Takes one in; the oldest goes where it is full.
    pub fn push(&mut self, sample: Sample) {
        if self.pushed.is_multiple_of(DAY_EVERY) {
            put(&mut self.day, sample, DAY_SAMPLES);
        }
        put(&mut self.hour, sample, HOUR_SAMPLES);
        self.pushed = self.pushed.wrapping_add(1);
    }

    /// The samples of a span, the oldest first.
    pub fn of(&self, span: Span) -> Vec<Sample> {
        match span {
            Span::Hour => self.hour.iter().copied().collect(),
            Span::Day => self.day.iter().copied().collect(),
        }
    }
}

fn put(into: &mut VecDeque<Sample>, sample: Sample, at_most: usize) {
    if into.len() >= at_most {
        into.pop_front();
    }
    into.push_back(sample);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_an_hour_and_a_day_and_grows_no_further() {
        let mut ring = Ring::default();
        // Three days.
        for n in 0..3 * 24 * 240_u64 {
            ring.push(Sample::of(SAMPLE_EVERY * u32::try_from(n).expect("few"), &[]));
        }
        let (hour, day) = (ring.of(Span::Hour), ring.of(Span::Day));
        assert_eq!((hour.len(), day.len()), (HOUR_SAMPLES, DAY_SAMPLES));
        let reach = |samples: &[Sample]| samples[samples.len() - 1].up_s - samples[0].up_s;
        assert!(reach(&hour) >= Span::Hour.length().as_secs_f64() + 300.0);
        assert!(reach(&day) >= Span::Day.length().as_secs_f64());
        assert_eq!(day[1].up_s - day[0].up_s, 300.0);
        let bytes = (ring.hour.capacity() + ring.day.capacity()) * size_of::<Sample>();
        assert!(bytes < 1 << 20, "{bytes} bytes");
    }
}

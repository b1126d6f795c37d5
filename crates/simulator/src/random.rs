//! Numbers that look random and are the same for the same seed, on every machine and in every version of every
//! library: SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).

use wanglou_model::Span;

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// The stream for `seed` and what it is used for: streams for different words have nothing in common.
    pub(crate) fn of(seed: u64, words: &[u64]) -> Self {
        words.iter().fold(Self(seed), |stream, word| Self(Self(stream.0 ^ mix(*word)).next()))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// From 0 up to 1, without 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 up to `n`, without `n`; 0 if `n` is 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f64) as usize
    }

    pub(crate) fn between(&mut self, from: f64, until: f64) -> f64 {
        from + self.unit() * (until - from)
    }

    /// Seconds as a span, to the millisecond.
    pub(crate) fn seconds(&mut self, from: f64, until: f64) -> Span {
        Span::millis((self.between(from, until) * 1_000.0) as i64)
    }

    pub(crate) fn chance(&mut self, of_one: f64) -> bool {
        self.unit() < of_one
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }

    /// About normal, cut off at six deviations: the sum of twelve numbers (Irwin–Hall).
    pub(crate) fn normal(&mut self, mean: f64, deviation: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.unit()).sum();
        mean + (sum - 6.0) * deviation
    }

    /// How often something happens that happens `mean` times on average, independently.
    pub(crate) fn count(&mut self, mean: f64) -> usize {
        if mean > 30.0 {
            return self.normal(mean, mean.sqrt()).max(0.0).round() as usize;
        }
        let (limit, mut product, mut count) = ((-mean).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }
}

fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_the_published_one() {
        // The first numbers of SplitMix64 with seed 1234567, as the reference implementation prints them.
        let mut random = Random(1_234_567);
        assert_eq!([random.next(), random.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn streams_differ_by_seed_and_by_every_word() {
        let first = |seed, words: &[u64]| Random::of(seed, words).next();
        let all =
            [first(1, &[1, 2]), first(2, &[1, 2]), first(1, &[2, 2]), first(1, &[1, 1]), first(1, &[2, 1])];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{all:?}");
        }
    }

    #[test]
    fn counts_have_their_mean_and_a_spread() {
        for mean in [0.3, 10.0, 150.0] {
            let mut random = Random::of(7, &[]);
            let counts: Vec<usize> = (0..2_000).map(|_| random.count(mean)).collect();
            let average = counts.iter().sum::<usize>() as f64 / 2_000.0;
            assert!((average - mean).abs() < mean.sqrt() * 0.15, "mean {mean}: {average}");
            assert!(counts.iter().min() < counts.iter().max());
        }
    }
}

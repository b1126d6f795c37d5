//! Where random bytes come from: the operating system, or a counter in simulations.

use std::fmt;
use std::io;

/// A source of bytes nobody can guess.
///
/// Injected, so that a simulation can repeat a run byte for byte.
pub trait SaltSource: Send + fmt::Debug {
    /// Fills `salt`.
    ///
    /// # Errors
    /// When the system's source fails; the journal then stops.
    fn fill(&mut self, salt: &mut [u8]) -> io::Result<()>;
}

const POOL_BYTES: usize = 4096;

/// The operating system's random source, drawn in blocks: one system call for 256 salts.
pub struct OsSalt {
    pool: Box<[u8; POOL_BYTES]>,
    used: usize,
}

impl Default for OsSalt {
    fn default() -> Self {
        Self { pool: Box::new([0; POOL_BYTES]), used: POOL_BYTES }
    }
}

impl fmt::Debug for OsSalt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OsSalt") // never the pool: those salts are still to be used
    }
}

impl SaltSource for OsSalt {
    fn fill(&mut self, salt: &mut [u8]) -> io::Result<()> {
        assert!(salt.len() <= POOL_BYTES, "a salt is a few bytes");
        if self.used + salt.len() > POOL_BYTES {
            getrandom::fill(&mut self.pool[..]).map_err(io::Error::other)?;
            self.used = 0;
        }
        let taken = self.used..self.used + salt.len();
        salt.copy_from_slice(&self.pool[taken.clone()]);
        self.pool[taken.clone()].fill(0); // a salt that is erased on disk must not stay in memory
        self.used = taken.end;
        Ok(())
    }
}

/// A counter: the same bytes in every run. For simulations and tests only.
#[derive(Debug, Clone, Default)]
pub struct CounterSalt(u64);

impl SaltSource for CounterSalt {
    fn fill(&mut self, salt: &mut [u8]) -> io::Result<()> {
        for chunk in salt.chunks_mut(8) {
            self.0 += 1;
            let mixed = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes();
            chunk.copy_from_slice(&mixed[..chunk.len()]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salts_of_the_system_differ() {
        let mut source = OsSalt::default();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let mut salt = [0; 16];
            source.fill(&mut salt).expect("the system has random bytes");
            assert!(seen.insert(salt), "a salt came twice");
        }
    }

    #[test]
    fn salts_of_two_counters_are_equal() {
        let (mut a, mut b) = ([0; 16], [0; 16]);
        CounterSalt::default().fill(&mut a).expect("infallible");
        CounterSalt::default().fill(&mut b).expect("infallible");
        assert_eq!(a, b);
        assert_ne!(a[..8], a[8..]);
    }
}

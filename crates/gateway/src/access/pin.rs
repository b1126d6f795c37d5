//! An officer's PIN: four to eight digits, kept as argon2id only. It guards the app on a phone that was left lying, and
//! what is known of a home; it is never asked for before an alarm is accepted.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

/// Memory of one hash, KiB; passes; lanes: what OWASP recommends at least for argon2id.
const COST: (u32, u32, u32) = (19 << 10, 2, 1);
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// A PIN as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// Memory in KiB, passes and lanes of argon2id.
    cost: (u32, u32, u32),
    /// Base64.
    salt: String,
    /// Base64.
    hash: String,
    /// Too many wrong ones were tried.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
}

/// Why something cannot be a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PinFault {
    /// Not four to eight digits.
    Digits,
    /// The first ones that anybody tries: all the same, or up or down by one.
    Guessable,
    /// The system gives no random numbers, or no memory.
    System,
}

impl Pin {
    /// A PIN that was chosen. Takes some ten milliseconds and 19 MiB.
    ///
    /// # Errors
    /// [`PinFault`].
    pub fn choose(digits: &str) -> Result<Self, PinFault> {
        check(digits)?;
        let mut salt = [0u8; SALT_BYTES];
        getrandom::fill(&mut salt).map_err(|_| PinFault::System)?;
        let hash = hash(COST, digits, &salt).ok_or(PinFault::System)?;
        let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash));
        Ok(Self { cost: COST, salt, hash, locked: false })
    }

    /// Is it this one? Takes as long as choosing it.
    pub fn is(&self, digits: &str) -> bool {
        let Ok(salt) = STANDARD_NO_PAD.decode(&self.salt) else { return false };
        let Ok(kept) = STANDARD_NO_PAD.decode(&self.hash) else { return false };
        let given = hash(self.cost, digits, &salt);
        // BLAKE3's hashes are compared in constant time.
        given.is_some_and(|given| blake3::hash(&given) == blake3::hash(&kept))
    }
}

fn check(digits: &str) -> Result<(), PinFault> {
    if !(4..=8).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(PinFault::Digits);
    }
    let steps: Vec<i16> =
        digits.as_bytes().windows(2).map(|two| i16::from(two[1]) - i16::from(two[0])).collect();
    let guessable = (-1..=1).any(|step| steps.iter().all(|found| *found == step));
    if guessable { Err(PinFault::Guessable) } else { Ok(()) }
}

fn hash((memory, passes, lanes): (u32, u32, u32), digits: &str, salt: &[u8]) -> Option<[u8; HASH_BYTES]> {
    let params = Params::new(memory, passes, lanes, Some(HASH_BYTES)).ok()?;
    let mut hash = [0u8; HASH_BYTES];
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon.hash_password_into(digits.as_bytes(), salt, &mut hash).ok()?;
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_known_again_and_is_nowhere_in_what_is_kept() {
        let pin = Pin::choose("739146").expect("a good one");
        assert!(pin.is("739146") && !pin.is("739147") && !pin.is(""));
        let kept = serde_json::to_string(&pin).expect("JSON");
        assert!(!kept.contains("739146"));
        let again: Pin = serde_json::from_str(&kept).expect("read");
        assert!(again.is("739146"));
        assert_ne!(Pin::choose("739146").expect("salted").hash, pin.hash);
    }

    #[test]
    fn what_anybody_tries_first_is_no_pin() {
        for bad in ["", "123", "123456789", "12a4", "１２３４"] {
            assert_eq!(Pin::choose(bad).err(), Some(PinFault::Digits), "{bad:?}");
        }
        for bad in ["0000", "1234", "8765", "56789"] {
            assert_eq!(Pin::choose(bad).err(), Some(PinFault::Guessable), "{bad:?}");
        }
    }

    /// What the first program that had PINs made of one, should anybody change the algorithm unawares.
    #[test]
    fn a_pin_of_today_is_read_by_tomorrow_s_program() {
        let made = hash(COST, "739146", b"saltsaltsaltsalt").expect("a hash");
        assert_eq!(STANDARD_NO_PAD.encode(made), "8QJOTZC4E1A4XvRAotya8jKx4rk1lZqGIp6G0voIJpA");
    }
}

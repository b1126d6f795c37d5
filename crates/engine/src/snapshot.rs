//! The engine's whole state as bytes, and back. A snapshot belongs to a journal position; what follows it is
//! observed and applied again.
//!
//! Format 2: `WLS2`, then sections, each as the length of its name (1 byte), its name, the length of its content (8
//! bytes, little endian), its content as MessagePack with field names. A million devices are written and read in
//! seconds; the JSON of format 1, which is still read, took three times as long.

use crate::book::Book;
use crate::rules::{self, RuleName};
use crate::senses::Senses;
use crate::setup::Setup;
use crate::timers::Timers;
use crate::{Engine, RuleTimers};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

const MAGIC: &[u8; 4] = b"WLS2";
/// Formats end with this number; a newer one is refused, older ones are read.
const FORMAT: u32 = 2;

/// Why a snapshot cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It was written by a newer program.
    #[error(
        "the snapshot has format {found}, this program reads up to {FORMAT}: start the newer program, or an older snapshot"
    )]
    Newer {
        /// Its format.
        found: u32,
    },
    /// It ends in the middle of a section, or lacks one.
    #[error("the snapshot is incomplete: {0}")]
    Incomplete(&'static str),
    /// It is not one.
    #[error("the snapshot cannot be read: {0}")]
    Shape(String),
}

impl From<serde_json::Error> for SnapshotError {
    fn from(error: serde_json::Error) -> Self {
        Self::Shape(error.to_string())
    }
}

impl From<rmp_serde::encode::Error> for SnapshotError {
    fn from(error: rmp_serde::encode::Error) -> Self {
        Self::Shape(error.to_string())
    }
}

impl From<rmp_serde::decode::Error> for SnapshotError {
    fn from(error: rmp_serde::decode::Error) -> Self {
        Self::Shape(error.to_string())
    }
}

/// What is kept, as a section's content.
pub(crate) fn write<T: Serialize + ?Sized>(kept: &T) -> Result<Vec<u8>, SnapshotError> {
    Ok(rmp_serde::to_vec_named(kept)?)
}

/// A section's content.
pub(crate) fn read<T: DeserializeOwned>(content: &[u8]) -> Result<T, SnapshotError> {
    Ok(rmp_serde::from_slice(content)?)
}

fn section(bytes: &mut Vec<u8>, name: &str, content: &[u8]) {
    bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(&(content.len() as u64).to_le_bytes());
    bytes.extend_from_slice(content);
}

/// The sections by their names.
fn sections(mut rest: &[u8]) -> Result<BTreeMap<&str, &[u8]>, SnapshotError> {
    const CUT: SnapshotError = SnapshotError::Incomplete("it is cut short");
    let mut found = BTreeMap::new();
    while let Some((length, after)) = rest.split_first() {
        let (name, after) = after.split_at_checked(usize::from(*length)).ok_or(CUT)?;
        let (length, after) = after.split_first_chunk::<8>().ok_or(CUT)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| CUT)?;
        let (content, after) = after.split_at_checked(length).ok_or(CUT)?;
        let name = std::str::from_utf8(name).map_err(|error| SnapshotError::Shape(error.to_string()))?;
        found.insert(name, content);
        rest = after;
    }
    Ok(found)
}

/// What a snapshot holds.
struct Parts {
    senses: Senses,
    book: Book,
    timers: Timers,
    /// By rule.
    rules: BTreeMap<String, Vec<u8>>,
}

impl Parts {
    fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        if let Some(rest) = bytes.strip_prefix(MAGIC) {
            return Self::from_sections(sections(rest)?);
        }
        match bytes {
            [b'W', b'L', b'S', digit @ b'3'..=b'9', ..] => {
                Err(SnapshotError::Newer { found: u32::from(digit - b'0') })
            }
            _ => Self::from_json(bytes),
        }
    }

    fn from_sections(sections: BTreeMap<&str, &[u8]>) -> Result<Self, SnapshotError> {
        let part =
            |name| sections.get(name).copied().ok_or(SnapshotError::Incomplete("a section is missing"));
        let (senses, book, timers) = (read(part("senses")?)?, read(part("book")?)?, read(part("timers")?)?);
        let rules = sections
            .into_iter()
            .filter_map(|(name, content)| Some((name.strip_prefix("rule:")?.to_owned(), content.to_owned())));
        Ok(Self { senses, book, timers, rules: rules.collect() })
    }

    /// Format 1.
    fn from_json(bytes: &[u8]) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        #[derive(Deserialize)]
        struct Whole {
            senses: Senses,
            book: Book,
            timers: Timers,
            rules: BTreeMap<String, serde_json::Value>,
        }
        let head: Head = serde_json::from_slice(bytes)?;
        if head.format > FORMAT {
            return Err(SnapshotError::Newer { found: head.format });
        }
        let Whole { senses, book, timers, rules } = serde_json::from_slice(bytes)?;
        let rules = rules.into_iter().map(|(name, kept)| Ok((name, write(&kept)?)));
        Ok(Self { senses, book, timers, rules: rules.collect::<Result<_, SnapshotError>>()? })
    }
}

impl Engine {
    /// Everything that is not configuration.
    ///
    /// # Errors
    /// [`SnapshotError::Shape`], which is a fault of the program.
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        let mut bytes = MAGIC.to_vec();
        section(&mut bytes, "senses", &write(&self.senses)?);
        section(&mut bytes, "book", &write(&self.book)?);
        section(&mut bytes, "timers", &write(&self.timers)?);
        for rule in &self.rules {
            section(&mut bytes, &format!("rule:{}", rule.name()), &rule.snapshot()?);
        }
        Ok(bytes)
    }

    /// An engine as it was when the snapshot was taken. A rule that the snapshot does not know starts empty.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn restore(setup: Arc<Setup>, bytes: &[u8]) -> Result<Self, SnapshotError> {
        let Parts { mut senses, book, mut timers, rules: kept } = Parts::read(bytes)?;
        senses.devices.number_by(&setup.devices);
        let mut rules = rules::all(&setup.rules);
        for rule in &mut rules {
            if let Some(kept) = kept.get(rule.name()) {
                rule.restore(kept)?;
            }
        }
        for (index, rule) in rules.iter_mut().enumerate() {
            let mut timers = RuleTimers { rule: RuleName::nth(index), timers: &mut timers };
            rule.configure(&senses, &setup, &mut timers);
        }
        Ok(Self { setup, senses, book, timers, rules, cause: None, rang: crate::RungClocks::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_cut_anywhere_is_refused_with_words() {
        let mut bytes = MAGIC.to_vec();
        section(&mut bytes, "senses", &write(&Senses::default()).expect("written"));
        section(&mut bytes, "book", &write(&Book::default()).expect("written"));
        section(&mut bytes, "timers", &write(&Timers::default()).expect("written"));
        assert!(Parts::read(&bytes).is_ok());
        for length in 0..bytes.len() {
            let error = Parts::read(&bytes[..length]).err().unwrap_or_else(|| panic!("{length} bytes do"));
            assert!(error.to_string().starts_with("the snapshot "), "{error}");
        }
        bytes[3] = b'7';
        assert!(matches!(Parts::read(&bytes), Err(SnapshotError::Newer { found: 7 })));
    }

    #[test]
    fn the_json_of_the_first_format_is_read() {
        let senses = Senses { boot_id: "b1".into(), ..Senses::default() };
        let old = serde_json::json!({
            "format": 1, "senses": senses, "book": Book::default(), "timers": Timers::default(),
            "rules": { "leak": { "wet": {}, "settled": ["1/2"] } },
        });
        let parts = Parts::read(old.to_string().as_bytes()).expect("reads");
        assert_eq!(parts.senses.boot_id, "b1");
        let leak: BTreeMap<String, serde_json::Value> = read(&parts.rules["leak"]).expect("MessagePack");
        assert_eq!(leak["settled"], serde_json::json!(["1/2"]));
    }
}

//! The engine's whole state as bytes, and back. A snapshot belongs to a journal position; what follows it is
//! observed and applied again.

use crate::book::Book;
use crate::rules;
use crate::senses::Senses;
use crate::setup::Setup;
use crate::timers::Timers;
use crate::{Engine, RuleTimers};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The format of snapshots. One that is newer than the program is refused; older ones are read.
const FORMAT: u32 = 1;

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
    /// It is not one.
    #[error("the snapshot cannot be read: {0}")]
    Shape(#[from] serde_json::Error),
}

#[derive(Serialize, Deserialize)]
struct Snapshot<'a> {
    format: u32,
    senses: Cow<'a, Senses>,
    book: Cow<'a, Book>,
    timers: Cow<'a, Timers>,
    rules: BTreeMap<String, serde_json::Value>,
}

impl Engine {
    /// Everything that is not configuration.
    ///
    /// # Errors
    /// [`SnapshotError::Shape`], which is a fault of the program.
    pub fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        let kept = self.rules.iter().map(|rule| Ok((rule.name().to_owned(), rule.snapshot()?)));
        let snapshot = Snapshot {
            format: FORMAT,
            senses: Cow::Borrowed(&self.senses),
            book: Cow::Borrowed(&self.book),
            timers: Cow::Borrowed(&self.timers),
            rules: kept.collect::<Result<_, serde_json::Error>>()?,
        };
        Ok(serde_json::to_vec(&snapshot)?)
    }

    /// An engine as it was when the snapshot was taken. A rule that the snapshot does not know starts empty.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn restore(setup: Arc<Setup>, bytes: &[u8]) -> Result<Self, SnapshotError> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_slice(bytes)?;
        if head.format > FORMAT {
            return Err(SnapshotError::Newer { found: head.format });
        }
        let mut snapshot: Snapshot = serde_json::from_slice(bytes)?;
        let mut rules = rules::all(&setup.rules);
        for rule in &mut rules {
            if let Some(kept) = snapshot.rules.remove(rule.name()) {
                rule.restore(kept)?;
            }
        }
        let (senses, book, mut timers) =
            (snapshot.senses.into_owned(), snapshot.book.into_owned(), snapshot.timers.into_owned());
        for rule in &mut rules {
            let mut timers = RuleTimers { rule: rule.name(), timers: &mut timers };
            rule.configure(&senses, &setup, &mut timers);
        }
        Ok(Self { setup, senses, book, timers, rules })
    }
}

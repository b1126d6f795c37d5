//! Is the gateway well, and if not, why: red before it lies.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Something that can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Recovery is not finished.
    Starting,
    /// The alarm lane is not connected, or its backlog is still coming.
    AlarmPath,
    /// The same of the bulk lane.
    BulkPath,
    /// No room for intake.
    Disk,
    /// Records were lost to damage.
    Journal,
    /// The wall clock cannot be trusted.
    Clock,
    /// An alarm found nobody who can be reached.
    Reachability,
    /// The views could not be kept.
    Views,
    /// The latest reload was refused.
    Reload,
}

impl Concern {
    /// All of them.
    pub const ALL: [Concern; 9] = [
        Concern::Starting,
        Concern::AlarmPath,
        Concern::BulkPath,
        Concern::Disk,
        Concern::Journal,
        Concern::Clock,
        Concern::Reachability,
        Concern::Views,
        Concern::Reload,
    ];

    /// The name in metrics and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Concern::Starting => "starting",
            Concern::AlarmPath => "alarm_path",
            Concern::BulkPath => "bulk_path",
            Concern::Disk => "disk",
            Concern::Journal => "journal",
            Concern::Clock => "clock",
            Concern::Reachability => "reachability",
            Concern::Views => "views",
            Concern::Reload => "reload",
        }
    }

    /// While it lasts the gateway does not count as ready.
    fn unready(self) -> bool {
        matches!(self, Concern::Starting | Concern::AlarmPath | Concern::Disk)
    }
}

/// The present concerns, with words.
#[derive(Debug, Default)]
pub struct Health {
    concerns: Mutex<BTreeMap<Concern, String>>,
}

impl Health {
    /// Something is wrong.
    pub fn raise(&self, concern: Concern, words: impl Into<String>) {
        let words = words.into();
        let mut concerns = self.concerns.lock().unwrap_or_else(PoisonError::into_inner);
        if concerns.insert(concern, words.clone()).is_none() {
            tracing::warn!(concern = concern.name(), words, "health");
        }
    }

    /// It is well again.
    pub fn clear(&self, concern: Concern) {
        if self.concerns.lock().unwrap_or_else(PoisonError::into_inner).remove(&concern).is_some() {
            tracing::info!(concern = concern.name(), "health restored");
        }
    }

    /// What is wrong now.
    pub fn concerns(&self) -> Vec<(Concern, String)> {
        let concerns = self.concerns.lock().unwrap_or_else(PoisonError::into_inner);
        concerns.iter().map(|(concern, words)| (*concern, words.clone())).collect()
    }

    /// Are messages taken in, on disk, and judged?
    pub fn is_ready(&self) -> bool {
        !self.concerns().iter().any(|(concern, _)| concern.unready())
    }
}

//! Where things lie in a data directory.
//!
//! ```text
//!  data/LOCK                    who has it open
//!  data/journal/meta-0, meta-1  history, partition, epoch
//!  data/journal/clean           where the last clean close left off
//!  data/journal/<base>.seg      segments, by the position of their first record
//!  data/journal/spare-<n>       room reserved for the segments to come
//!  data/snapshots/<position>    the newest two
//!  data/blobs/<sha256>          bodies too long for a record
//!  data/config/<hash>           configurations still needed
//! ```

use std::path::{Path, PathBuf};

pub(crate) const LOCK: &str = "LOCK";
pub(crate) const JOURNAL: &str = "journal";
pub(crate) const SNAPSHOTS: &str = "snapshots";
pub(crate) const BLOBS: &str = "blobs";
pub(crate) const CONFIG: &str = "config";

/// The directories below a data directory.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) data: PathBuf,
    pub(crate) journal: PathBuf,
    pub(crate) snapshots: PathBuf,
}

impl Layout {
    pub(crate) fn of(data: &Path) -> Self {
        Self { data: data.to_path_buf(), journal: data.join(JOURNAL), snapshots: data.join(SNAPSHOTS) }
    }

    /// A path as it is named in reports: relative to the data directory.
    pub(crate) fn named(&self, path: &Path) -> String {
        path.strip_prefix(&self.data).unwrap_or(path).display().to_string()
    }
}

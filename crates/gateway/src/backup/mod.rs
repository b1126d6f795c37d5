//! Backups, made while the gateway runs.
//!
//! ```text
//!  INTO/wanglou-<site>-<time>/
//!    backup.json      what it is of, and by when it must be thrown away
//!    SHA256SUMS       of every file
//!    data/            journal up to a whole batch, newest snapshot, blobs, configurations, the key of push messages
//!    config/          the gateway's file and what it names: rules, profiles, the compound's folder
//! ```
//!
//! What is not in it: the files with passwords and keys that the configuration names, the views (written anew from
//! the journal), the quarantine. The age limit of what people and sensors said binds a backup too: bodies that would
//! pass it before the backup is thrown away are left out.

pub mod manifest;
pub mod restore;
mod schedule;

pub(crate) use schedule::Schedule;

use crate::configuration::GatewayFile;
use crate::writer::{Refused, WriterHandle};
use manifest::{Flaw, Manifest};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;
use wanglou_journal::files::disk::DiskFiles;
use wanglou_journal::{CopyError, Reader};
use wanglou_model::{Span, Timestamp, rfc3339_micros};

/// What a backup's folder begins with, before the compound's id.
const PREFIX: &str = "wanglou-";
/// What is not finished ends so; the next backup removes it.
const UNFINISHED: &str = ".partial";
/// In the data directory of a restored gateway, until its first start.
pub const RESTORED: &str = "restored";
/// Room beside what is copied, bytes.
const ROOM_BESIDE: u64 = 32 << 20;

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// One is being made.
    #[error("a backup is being made already: wait for it")]
    UnderWay,
    /// It would lie in what it is of, or is no absolute path.
    #[error("{}: {why}", path.display())]
    Place {
        /// Where it was to go.
        path: PathBuf,
        /// What is wrong with that.
        why: &'static str,
    },
    /// It would be kept for too long, or not at all.
    #[error("{days} days: a backup is kept for 1 to {max} days (retention.bodies_days)")]
    Days {
        /// What was asked for.
        days: u32,
        /// What is allowed.
        max: u32,
    },
    /// There is not enough room.
    #[error("{}: {free} bytes are free, up to {needed} are needed", path.display())]
    Room {
        /// Where it was to go.
        path: PathBuf,
        /// What may be needed, bytes.
        needed: u64,
        /// What there is, bytes.
        free: u64,
    },
    /// The writer has too much to do, or stops.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The journal could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// What was written is not what is read.
    #[error("the backup cannot be read back: {0}")]
    Flawed(String),
    /// A fault of the program.
    #[error("the backup's thread ended: {0}")]
    Thread(#[from] tokio::task::JoinError),
}

/// Puts the path to an error of the system.
trait At<T> {
    fn at(self, path: &Path) -> Result<T, BackupError>;
}

impl<T> At<T> for std::io::Result<T> {
    fn at(self, path: &Path) -> Result<T, BackupError> {
        self.map_err(|source| BackupError::File { path: path.to_owned(), source })
    }
}

/// A backup that was made.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its folder.
    pub path: PathBuf,
    /// What it is of.
    pub manifest: Manifest,
}

/// What backups are made of.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) reader: Reader,
    pub(crate) writer: WriterHandle,
    /// The data directory.
    pub(crate) data: PathBuf,
    /// The gateway's file.
    pub(crate) config: PathBuf,
    /// The folder that it lies in.
    pub(crate) folder: PathBuf,
    pub(crate) gateway: GatewayFile,
    pub(crate) site: String,
}

/// Makes backups, one at a time. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backups {
    sources: Arc<Sources>,
    under_way: Arc<Mutex<()>>,
}

impl Backups {
    pub(crate) fn new(sources: Sources) -> Self {
        Self { sources: Arc::new(sources), under_way: Arc::default() }
    }

    /// Makes one in a folder, to be thrown away after so many days. It is there as a whole, or not at all.
    ///
    /// # Errors
    /// [`BackupError`]; nothing is left then.
    pub async fn make(&self, into: &Path, days: u32, now: Timestamp) -> Result<Made, BackupError> {
        let _alone = self.under_way.try_lock().map_err(|_| BackupError::UnderWay)?;
        let max = self.sources.gateway.retention.bodies_days;
        if !(1..=max).contains(&days) {
            return Err(BackupError::Days { days, max });
        }
        self.sources.writer.snapshot().await?;
        let (sources, into) = (Arc::clone(&self.sources), into.to_owned());
        tokio::task::spawn_blocking(move || sources.copy(&into, days, now)).await?
    }

    /// The compound that they are of.
    pub fn site(&self) -> &str {
        &self.sources.site
    }
}

impl Sources {
    fn copy(&self, into: &Path, days: u32, now: Timestamp) -> Result<Made, BackupError> {
        self.check_place(into)?;
        private_folder(into).at(into)?;
        self.check_room(into)?;
        let name = format!("{PREFIX}{}-{}", self.site, compact(now));
        let (partial, path) = (into.join(format!("{name}{UNFINISHED}")), into.join(&name));
        if path.exists() {
            return Err(BackupError::Place { path, why: "is there already" });
        }
        let made = self.fill(&partial, days, now).and_then(|manifest| {
            std::fs::rename(&partial, &path).at(&path)?;
            std::fs::File::open(into).and_then(|folder| folder.sync_all()).at(into)?;
            Ok(Made { path, manifest })
        });
        if made.is_err() {
            // Best effort: the first error tells more, and the next backup tries again.
            let _ = std::fs::remove_dir_all(&partial);
        }
        made
    }

    fn check_place(&self, into: &Path) -> Result<(), BackupError> {
        let place = |why| Err(BackupError::Place { path: into.to_owned(), why });
        if !into.is_absolute() {
            return place("must begin with /");
        }
        let data = std::path::absolute(&self.data).at(&self.data)?;
        let (data, into) = (real(&data), real(into));
        if into.starts_with(&data) {
            return place("lies in the data directory, which the backup is of: name a folder elsewhere");
        }
        Ok(())
    }

    fn check_room(&self, into: &Path) -> Result<(), BackupError> {
        let bytes = |folder: &str| -> u64 {
            let below = self.data.join(folder);
            let files = manifest::files_below(&below).unwrap_or_default();
            let kept = files.iter().filter(|file| !file.to_string_lossy().starts_with("spare-"));
            kept.filter_map(|file| std::fs::metadata(below.join(file)).ok()).map(|found| found.len()).sum()
        };
        let needed = ["journal", "snapshots", "blobs", "config"].map(bytes).iter().sum::<u64>() + ROOM_BESIDE;
        let space = rustix::fs::statvfs(into).map_err(std::io::Error::from).at(into)?;
        let free = space.f_bavail.saturating_mul(space.f_frsize);
        if free < needed {
            return Err(BackupError::Room { path: into.to_owned(), needed, free });
        }
        Ok(())
    }

    fn fill(&self, folder: &Path, days: u32, now: Timestamp) -> Result<Manifest, BackupError> {
        if folder.exists() {
            std::fs::remove_dir_all(folder).at(folder)?;
        }
        private_folder(folder).at(folder)?;
        let data = folder.join("data");
        private_folder(&data).at(&data)?;
        let kept = Span::hours(24 * i64::from(days));
        let old = now + kept - Span::hours(24 * i64::from(self.gateway.retention.bodies_days));
        let copied = self.reader.copy_into(&data, old.0)?;
        let key = crate::push::KEY_FILE;
        if self.data.join(key).exists() {
            copy_file(&self.data.join(key), &data.join(key))?;
        }
        let (config, moved) = self.copy_config(&folder.join("config"))?;
        // Damage that the journal had is copied with it: better than nothing, and said.
        let report = wanglou_journal::verify(&DiskFiles, &data).map_err(CopyError::from)?;
        let delete_by = now + kept;
        let manifest = Manifest {
            format: manifest::FORMAT,
            site: self.site.clone(),
            program: env!("CARGO_PKG_VERSION").into(),
            made_at: rfc3339_micros::format(now),
            made_at_s: now.0.div_euclid(1_000_000),
            delete_by: rfc3339_micros::format(delete_by),
            delete_by_s: delete_by.0.div_euclid(1_000_000),
            history: copied.history.to_string(),
            first: copied.first.0,
            position: copied.end.0,
            bodies_left_out: copied.erased,
            config,
            moved,
            damaged: report.bad.iter().map(ToString::to_string).collect(),
            files: 0,
            bytes: 0,
        };
        manifest::seal(folder, manifest).at(folder)
    }

    /// The gateway's file and what it names; secrets stay where they are.
    fn copy_config(&self, to: &Path) -> Result<(PathBuf, BTreeMap<String, PathBuf>), BackupError> {
        private_folder(to).at(to)?;
        let name = PathBuf::from(self.config.file_name().unwrap_or_default());
        copy_file(&self.config, &to.join(&name))?;
        let mut moved = BTreeMap::new();
        for (key, named) in [
            ("rules", &self.gateway.rules),
            ("profiles", &self.gateway.profiles),
            ("site", &self.gateway.site),
        ] {
            let place = if manifest::is_inside(named) {
                named.clone()
            } else {
                let place = Path::new("moved").join(key);
                moved.insert(key.to_owned(), place.clone());
                place
            };
            copy_all(&self.folder.join(named), &to.join(place))?;
        }
        Ok((name, moved))
    }
}

/// Copies a file, or a folder with all below it, durably.
fn copy_all(from: &Path, to: &Path) -> Result<(), BackupError> {
    if !from.is_dir() {
        return copy_file(from, to);
    }
    for file in manifest::files_below(from).at(from)? {
        copy_file(&from.join(&file), &to.join(&file))?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), BackupError> {
    if let Some(above) = to.parent() {
        private_folder(above).at(above)?;
    }
    std::fs::copy(from, to).at(from)?;
    std::fs::File::open(to).and_then(|file| file.sync_all()).at(to)
}

/// What is in a backup is as personal as the journal: nobody else on the machine reads it.
fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The path with links resolved, as far as it is there.
fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|above| above.canonicalize().ok().map(|real| (above, real)));
    let Some((above, real)) = there else { return path.to_owned() };
    path.strip_prefix(above).map_or(real.clone(), |rest| real.join(rest))
}

/// A time as part of a name: `20260302T090000Z`.
fn compact(at: Timestamp) -> String {
    let text = rfc3339_micros::format(at);
    let seconds = text.split(['.', 'Z']).next().unwrap_or_default();
    format!("{}Z", seconds.replace(['-', ':'], ""))
}

/// The finished backups of a compound in a folder, the newest first. What cannot be read is left out: it is not ours.
pub fn list(into: &Path, site: &str) -> Vec<(PathBuf, Manifest)> {
    let Ok(entries) = std::fs::read_dir(into) else { return Vec::new() };
    let ours = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with(&format!("{PREFIX}{site}-")) && !name.ends_with(UNFINISHED)
    };
    let mut found: Vec<(PathBuf, Manifest)> = entries
        .flatten()
        .filter(ours)
        .filter_map(|entry| Some((entry.path(), manifest::read(&entry.path()).ok()?)))
        .filter(|(_, manifest)| manifest.site == site)
        .collect();
    found.sort_by_key(|(path, manifest)| std::cmp::Reverse((manifest.made_at_s, path.clone())));
    found
}

/// Every flaw as one line of text.
pub(crate) fn said(flaws: &[Flaw]) -> String {
    flaws.iter().map(|flaw| format!("  {flaw}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_part_of_the_name() {
        assert_eq!(compact(Timestamp(1_772_442_000_000_000)), "20260302T090000Z");
        assert_eq!(compact(Timestamp(1_772_442_000_123_456)), "20260302T090000Z");
    }

    #[test]
    fn links_do_not_hide_where_a_folder_lies() {
        let folder = tempfile::tempdir().expect("a folder");
        let (data, link) = (folder.path().join("data"), folder.path().join("link"));
        std::fs::create_dir(&data).expect("a folder");
        std::os::unix::fs::symlink(&data, &link).expect("a link");
        assert!(real(&link.join("not/there")).starts_with(real(&data)));
    }
}

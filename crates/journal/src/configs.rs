//! Configurations by content: every set of files the gateway ever ran with, while something
//! still needs it.
//!
//! Records are decoded with the configuration that was in force at their position, so it is kept
//! as long as a body, a snapshot or an open alarm refers to it. One configuration is one file,
//! so that it is there as a whole or not at all:
//!
//! ```text
//!  WLCONF 0 1 │ number of files (4) │ per file, by name: name bytes (4) │ content bytes (8) │ name │ content
//! ```
//!
//! Its name is the BLAKE3 of all of that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{self, Doing, Files};
use crate::layout::CONFIG;
use crate::record::{Position, write_hex};
use crate::store::{Damage, FileError, SYNC};

const MAGIC: &[u8; 8] = b"WLCONF\0\x01";

/// Files by name.
pub type FileSet = BTreeMap<String, Vec<u8>>;

/// The name of a configuration: a hash of names and contents.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigHash(pub [u8; 32]);

impl ConfigHash {
    /// The name of these files.
    #[must_use]
    pub fn of(set: &FileSet) -> Self {
        Self(blake3::hash(&encode(set)).into())
    }
}

impl fmt::Display for ConfigHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(out, &self.0)
    }
}

impl fmt::Debug for ConfigHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(out, &self.0)
    }
}

/// The configurations of a data directory.
#[derive(Debug, Clone)]
pub struct Configs {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

/// What was found under a configuration's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config {
    /// The files, checked against their name.
    Whole(FileSet),
    /// Never put, or no longer needed.
    Absent,
    /// Bytes that are not what was put.
    Damaged,
}

impl Configs {
    /// The configurations below `data`; makes the directory if it is not there.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn open(files: Arc<dyn Files>, data: &Path) -> Result<Self, FileError> {
        let dir = data.join(CONFIG);
        files.create_dir(&dir).doing("make the directory", &dir)?;
        files::remove_unfinished(&*files, &dir)?;
        Ok(Self { files, dir })
    }

    /// Stores a configuration. On return it is durable.
    ///
    /// # Errors
    /// [`FileError::is_no_space`]: ask again later. Anything else: stop.
    pub fn put(&self, set: &FileSet) -> Result<ConfigHash, FileError> {
        let bytes = encode(set);
        let hash = ConfigHash(blake3::hash(&bytes).into());
        let name = hash.to_string();
        if files::read_whole(&*self.files, &self.dir.join(&name))?.as_ref() != Some(&bytes) {
            files::write_whole(&*self.files, &self.dir, &name, &[&bytes])?;
        }
        Ok(hash)
    }

    /// The configuration of that name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, hash: ConfigHash) -> Result<Config, FileError> {
        let Some(bytes) = files::read_whole(&*self.files, &self.dir.join(hash.to_string()))? else {
            return Ok(Config::Absent);
        };
        let sound = blake3::hash(&bytes) == hash.0;
        Ok(decode(&bytes).filter(|_| sound).map_or(Config::Damaged, Config::Whole))
    }

    /// Removes every configuration that is not needed any more; returns how many.
    ///
    /// # Errors
    /// When the directory cannot be read or changed.
    pub fn remove_all_but(&self, needed: &BTreeSet<ConfigHash>) -> Result<u64, FileError> {
        let needed: BTreeSet<_> = needed.iter().map(ToString::to_string).collect();
        let mut removed = 0;
        for name in names(&*self.files, &self.dir)? {
            if !needed.contains(&name) {
                let path = self.dir.join(name);
                self.files.remove(&path).doing("remove", &path)?;
                removed += 1;
            }
        }
        if removed > 0 {
            self.files.sync_dir(&self.dir).doing(SYNC, &self.dir)?;
        }
        Ok(removed)
    }
}

fn encode(set: &FileSet) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(length(set.len()).to_le_bytes());
    for (name, content) in set {
        bytes.extend(length(name.len()).to_le_bytes());
        bytes.extend((content.len() as u64).to_le_bytes());
        bytes.extend(name.as_bytes());
        bytes.extend(content);
    }
    bytes
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("a configuration has fewer than 2^32 files, with shorter names")
}

fn decode(bytes: &[u8]) -> Option<FileSet> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (count, mut rest) = rest.split_first_chunk::<4>()?;
    let mut set = FileSet::new();
    for _ in 0..u32::from_le_bytes(*count) {
        let (name_bytes, after) = rest.split_first_chunk::<4>()?;
        let (content_bytes, after) = after.split_first_chunk::<8>()?;
        let name_bytes = usize::try_from(u32::from_le_bytes(*name_bytes)).ok()?;
        let content_bytes = usize::try_from(u64::from_le_bytes(*content_bytes)).ok()?;
        let (name, after) = after.split_at_checked(name_bytes)?;
        let (content, after) = after.split_at_checked(content_bytes)?;
        set.insert(String::from_utf8(name.to_vec()).ok()?, content.to_vec());
        rest = after;
    }
    rest.is_empty().then_some(set)
}

/// The names of the configurations in a directory; none when there is no directory.
pub(crate) fn names(files: &dyn Files, dir: &Path) -> Result<Vec<String>, FileError> {
    let mut names = files::list_if_there(files, dir)?;
    names.retain(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    Ok(names)
}

/// How many configurations there are; adds those that are not what their name says.
pub(crate) fn verify(files: &dyn Files, data: &Path, bad: &mut Vec<Damage>) -> Result<u64, FileError> {
    let dir = data.join(CONFIG);
    let names = names(files, &dir)?;
    for name in &names {
        let Some(bytes) = files::read_whole(files, &dir.join(name))? else {
            continue; // removed since it was listed
        };
        if blake3::hash(&bytes).to_hex().as_str() != name {
            bad.push(Damage {
                file: format!("{CONFIG}/{name}"),
                offset: 0,
                bytes: bytes.len() as u64,
                position: Position::FIRST,
                lost: 0,
                what: "the configuration's BLAKE3 is not its name",
            });
        }
    }
    Ok(names.len() as u64)
}

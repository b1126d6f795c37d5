//! Bodies too long for a record, each in a file named by its SHA-256.
//!
//! The file holds the bytes and nothing else, so that `sha256sum` proves them. Put before the
//! record that names it is committed; removed by age, together with the records' bodies. Its
//! file time is when it was last put, as the writer stamped it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::files::{self, Doing, Files};
use crate::layout::BLOBS;
use crate::record::{Position, write_hex};
use crate::store::{Damage, FileError, SYNC};

/// The SHA-256 of a blob, which is its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 32]);

impl BlobId {
    /// The name of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(out, &self.0)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(out, &self.0)
    }
}

/// The blobs of a data directory.
#[derive(Debug, Clone)]
pub struct Blobs {
    files: Arc<dyn Files>,
    dir: PathBuf,
}

/// What was found under a blob's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blob {
    /// The bytes, checked against their name.
    Whole(Vec<u8>),
    /// Never put, or removed by age.
    Absent,
    /// Bytes that are not what was put.
    Damaged,
}

impl Blobs {
    /// The blobs below `data`; makes the directory if it is not there.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn open(files: Arc<dyn Files>, data: &Path) -> Result<Self, FileError> {
        let dir = data.join(BLOBS);
        files.create_dir(&dir).doing("make the directory", &dir)?;
        files::remove_unfinished(&*files, &dir)?;
        Ok(Self { files, dir })
    }

    /// Stores bytes that were needed at `at_micros`. On return they are durable.
    ///
    /// Bytes that are there already are checked, and mended if they rotted.
    ///
    /// # Errors
    /// [`FileError::is_no_space`]: ask again later. Anything else: stop.
    pub fn put(&self, bytes: &[u8], at_micros: i64) -> Result<BlobId, FileError> {
        let id = BlobId::of(bytes);
        let path = self.path(id);
        let last_needed = match self.held(&path)? {
            Some(held) if held == bytes => self.files.modified(&path).doing("read the time of", &path)?,
            Some(_) | None => {
                files::write_whole(&*self.files, &self.dir, &id.to_string(), &[bytes])?;
                i64::MIN
            }
        };
        if at_micros > last_needed {
            self.files.set_modified(&path, at_micros).doing("set the time of", &path)?;
        }
        Ok(id)
    }

    /// The bytes of that name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self, id: BlobId) -> Result<Blob, FileError> {
        Ok(match self.held(&self.path(id))? {
            None => Blob::Absent,
            Some(bytes) if BlobId::of(&bytes) == id => Blob::Whole(bytes),
            Some(_) => Blob::Damaged,
        })
    }

    /// Removes one, for good. Returns whether it was there.
    ///
    /// # Errors
    /// When the directory cannot be changed.
    pub fn remove(&self, id: BlobId) -> Result<bool, FileError> {
        let path = self.path(id);
        if self.held(&path)?.is_none() {
            return Ok(false);
        }
        self.files.remove(&path).doing("remove", &path)?;
        self.files.sync_dir(&self.dir).doing(SYNC, &self.dir)?;
        Ok(true)
    }

    /// Removes what was last needed before `before_micros`; returns how many. The caller sees to
    /// it that no record newer than that names them.
    ///
    /// # Errors
    /// When the directory cannot be read or changed.
    pub fn remove_before(&self, before_micros: i64) -> Result<u64, FileError> {
        let mut removed = 0;
        for name in names(&*self.files, &self.dir)? {
            let path = self.dir.join(name);
            if self.files.modified(&path).doing("read the time of", &path)? < before_micros {
                self.files.remove(&path).doing("remove", &path)?;
                removed += 1;
            }
        }
        if removed > 0 {
            self.files.sync_dir(&self.dir).doing(SYNC, &self.dir)?;
        }
        Ok(removed)
    }

    fn held(&self, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
        files::read_whole(&*self.files, path)
    }

    fn path(&self, id: BlobId) -> PathBuf {
        self.dir.join(id.to_string())
    }
}

/// The names of the blobs in a directory; none when there is no directory.
fn names(files: &dyn Files, dir: &Path) -> Result<Vec<String>, FileError> {
    let mut names = files::list_if_there(files, dir)?;
    names.retain(|name| name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()));
    Ok(names)
}

/// The blobs last needed at or after `since_micros`, with when that was.
pub(crate) fn kept_since(
    files: &dyn Files,
    data: &Path,
    since_micros: i64,
) -> Result<Vec<(PathBuf, i64)>, FileError> {
    let dir = data.join(BLOBS);
    let mut kept = Vec::new();
    for name in names(files, &dir)? {
        let path = dir.join(name);
        match files.modified(&path) {
            Ok(at_micros) if at_micros >= since_micros => kept.push((path, at_micros)),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).doing("read the time of", &path),
        }
    }
    Ok(kept)
}

/// How many blobs there are; adds those that are not what their name says.
pub(crate) fn verify(files: &dyn Files, data: &Path, bad: &mut Vec<Damage>) -> Result<u64, FileError> {
    let dir = data.join(BLOBS);
    let names = names(files, &dir)?;
    for name in &names {
        let Some(bytes) = files::read_whole(files, &dir.join(name))? else {
            continue; // removed since it was listed
        };
        if BlobId::of(&bytes).to_string() != *name {
            bad.push(Damage {
                file: format!("{BLOBS}/{name}"),
                offset: 0,
                bytes: bytes.len() as u64,
                position: Position::FIRST,
                lost: 0,
                what: "the blob's SHA-256 is not its name",
            });
        }
    }
    Ok(names.len() as u64)
}

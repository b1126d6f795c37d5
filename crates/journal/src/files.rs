//! Every touch of the file system goes through here.
//!
//! [`Files`] is as small as the journal's needs, so that [`memory`] can record each operation
//! and replay what a power cut may leave of them, and [`faulty`] can refuse, fail or lie.

pub mod disk;
pub mod faulty;
pub mod memory;

use std::fmt;
use std::io;
use std::path::Path;

use crate::store::{FileError, SYNC};

/// A file system, as far as the journal needs one.
///
/// A name is durable only after [`Files::sync_dir`] of its directory, content only after
/// [`File::fdatasync`].
pub trait Files: Send + Sync + fmt::Debug {
    /// Makes a new file for reading and writing; fails if the name is taken.
    ///
    /// # Errors
    /// As the system says.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;

    /// Opens an existing file for reading and, unless `read_only`, writing.
    ///
    /// # Errors
    /// As the system says; `NotFound` when there is none.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>>;

    /// Gives a file another name, replacing what had it, at once.
    ///
    /// # Errors
    /// As the system says.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// As the system says; `NotFound` when there is none.
    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The names of the files in a directory, sorted.
    ///
    /// # Errors
    /// As the system says; `NotFound` when there is no such directory.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;

    /// Makes a directory and those above it, durably; fine if it is there.
    ///
    /// # Errors
    /// As the system says.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// As the system says; the journal then stops.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Takes a lock that lasts as long as the answer lives, and leaves `owner` in the file.
    ///
    /// # Errors
    /// As the system says. That somebody else holds it is no error but [`Lock::HeldBy`].
    fn lock(&self, path: &Path, owner: &str) -> io::Result<Lock>;

    /// Sets the time a file was last needed, in microseconds since 1970 UTC.
    ///
    /// # Errors
    /// As the system says.
    fn set_modified(&self, path: &Path, at_micros: i64) -> io::Result<()>;

    /// The time a file was last needed, in microseconds since 1970 UTC.
    ///
    /// # Errors
    /// As the system says.
    fn modified(&self, path: &Path) -> io::Result<i64>;
}

/// An open file.
pub trait File: Send + Sync + fmt::Debug {
    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// As the system says; a part may then be written.
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Reads from `offset` until `into` is full or the file ends; returns how many bytes.
    ///
    /// # Errors
    /// As the system says.
    fn pread(&self, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Makes the content and length durable.
    ///
    /// # Errors
    /// As the system says; nothing written since the last success can be trusted then.
    fn fdatasync(&self) -> io::Result<()>;

    /// Reserves room for the first `len` bytes; the file is that long afterwards, and what was
    /// not written reads as zeros.
    ///
    /// # Errors
    /// As the system says; `StorageFull` when there is no room.
    fn fallocate(&self, len: u64) -> io::Result<()>;

    /// Cuts the file to `len` bytes, or extends it with zeros.
    ///
    /// # Errors
    /// As the system says.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// How long the file is, in bytes.
    ///
    /// # Errors
    /// As the system says.
    fn len(&self) -> io::Result<u64>;

    /// Whether the file has no bytes.
    ///
    /// # Errors
    /// As the system says.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
}

/// What a file is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Reading only.
    Read,
    /// Reading and writing.
    Write,
}

/// The answer to an attempt to lock.
#[derive(Debug)]
pub enum Lock {
    /// Held until this is dropped.
    Taken(Box<dyn LockGuard>),
    /// Somebody else holds it; the words they left.
    HeldBy(String),
}

/// Holds a lock while it lives.
pub trait LockGuard: Send + Sync + fmt::Debug {}

/// Puts the verb and the path to an error.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, FileError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, FileError> {
        self.map_err(|source| FileError { doing, path: path.to_path_buf(), source })
    }
}

/// Writes a small file so that it is there as a whole or not at all: beside its place, synced,
/// renamed, directory synced.
pub(crate) fn write_whole(
    files: &dyn Files,
    dir: &Path,
    name: &str,
    parts: &[&[u8]],
) -> Result<(), FileError> {
    let beside = dir.join(format!("{name}{UNFINISHED}"));
    let place = dir.join(name);
    let written = write_beside(files, &beside, parts);
    if written.is_err() {
        // Best effort: what is left is removed at the next open, and the first error tells more.
        let _ = files.remove(&beside);
        return written;
    }
    files.rename(&beside, &place).doing("rename to", &place)?;
    files.sync_dir(dir).doing(SYNC, dir)
}

/// The ending of files that are being written; an open removes them.
pub(crate) const UNFINISHED: &str = ".tmp";

fn write_beside(files: &dyn Files, beside: &Path, parts: &[&[u8]]) -> Result<(), FileError> {
    remove_if_there(files, beside)?;
    let file = files.create(beside).doing("create", beside)?;
    let mut offset = 0;
    for part in parts {
        file.pwrite(offset, part).doing("write", beside)?;
        offset += part.len() as u64;
    }
    file.fdatasync().doing(SYNC, beside)
}

/// Reads a whole file; `None` when there is none.
pub(crate) fn read_whole(files: &dyn Files, path: &Path) -> Result<Option<Vec<u8>>, FileError> {
    let file = match files.open(path, Access::Read) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).doing("open", path),
    };
    let len = file.len().doing("measure", path)?;
    let mut bytes = vec![0; usize::try_from(len).expect("files that are read whole fit in memory")];
    let read = file.pread(0, &mut bytes).doing("read", path)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}

/// Removes a file that may not be there.
pub(crate) fn remove_if_there(files: &dyn Files, path: &Path) -> Result<(), FileError> {
    match files.remove(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other.doing("remove", path),
    }
}

/// Removes what an interrupted [`write_whole`] left in a directory.
pub(crate) fn remove_unfinished(files: &dyn Files, dir: &Path) -> Result<(), FileError> {
    let names = files.list(dir).doing("list", dir)?;
    for name in names.iter().filter(|name| name.ends_with(UNFINISHED)) {
        remove_if_there(files, &dir.join(name))?;
    }
    Ok(())
}

/// The files in a directory; none when there is no directory.
pub(crate) fn list_if_there(files: &dyn Files, dir: &Path) -> Result<Vec<String>, FileError> {
    match files.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        other => other.doing("list", dir),
    }
}

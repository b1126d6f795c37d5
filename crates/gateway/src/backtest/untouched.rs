//! A data directory that is read and left as it is. Opening a journal writes: a lock, an epoch, the repair of a torn
//! end. For a backtest all of that stays in memory, so that it can look at the journal of a gateway that is running,
//! or of one that crashed and has not been started again.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wanglou_journal::files::disk::DiskFiles;
use wanglou_journal::files::{Access, File, Files, Lock, LockGuard};

/// The files of a machine, under a layer that is thrown away.
#[derive(Debug, Default)]
pub(super) struct Untouched {
    disk: DiskFiles,
    /// What was changed; `None`: gone, as far as we are concerned.
    layer: Mutex<BTreeMap<PathBuf, Option<Arc<Layered>>>>,
}

/// A file: what the disk has, and what was written over it.
#[derive(Debug)]
struct Layered {
    below: Option<Box<dyn File>>,
    above: Mutex<Above>,
}

#[derive(Debug, Default)]
struct Above {
    len: u64,
    /// How much of what is below still shows: a cut file does not get its old end back.
    below_len: u64,
    /// What was written, by offset; later entries lie over earlier ones.
    writes: Vec<(u64, Vec<u8>)>,
}

fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} is not there", path.display()))
}

impl Untouched {
    fn find(&self, path: &Path) -> io::Result<Arc<Layered>> {
        let mut layer = hold(&self.layer);
        match layer.get(path) {
            Some(Some(file)) => return Ok(Arc::clone(file)),
            Some(None) => return Err(not_found(path)),
            None => {}
        }
        let below = self.disk.open(path, Access::Read)?;
        let len = below.len()?;
        let above = Mutex::new(Above { len, below_len: len, writes: Vec::new() });
        let file = Arc::new(Layered { below: Some(below), above });
        layer.insert(path.to_owned(), Some(Arc::clone(&file)));
        Ok(file)
    }
}

impl Files for Untouched {
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        if self.find(path).is_ok() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, format!("{} is there", path.display())));
        }
        let file = Arc::new(Layered { below: None, above: Mutex::default() });
        hold(&self.layer).insert(path.to_owned(), Some(Arc::clone(&file)));
        Ok(Box::new(Open(file)))
    }

    fn open(&self, path: &Path, _access: Access) -> io::Result<Box<dyn File>> {
        Ok(Box::new(Open(self.find(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let file = self.find(from)?;
        let mut layer = hold(&self.layer);
        layer.insert(from.to_owned(), None);
        layer.insert(to.to_owned(), Some(file));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.find(path)?;
        hold(&self.layer).insert(path.to_owned(), None);
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let mut names = match self.disk.list(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            found => found?,
        };
        for (path, file) in hold(&self.layer).iter().filter(|(path, _)| path.parent() == Some(dir)) {
            let Some(name) = path.file_name().map(|name| name.to_string_lossy().into_owned()) else {
                continue;
            };
            names.retain(|known| *known != name);
            if file.is_some() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        Ok(())
    }

    /// Nobody is kept out, and nobody keeps us out: what the writer adds meanwhile is not seen.
    fn lock(&self, _path: &Path, _owner: &str) -> io::Result<Lock> {
        Ok(Lock::Taken(Box::new(NoLock)))
    }

    fn set_modified(&self, _path: &Path, _at_micros: i64) -> io::Result<()> {
        Ok(())
    }

    fn modified(&self, path: &Path) -> io::Result<i64> {
        self.disk.modified(path).or(Ok(0))
    }
}

#[derive(Debug)]
struct NoLock;

impl LockGuard for NoLock {}

#[derive(Debug)]
struct Open(Arc<Layered>);

impl File for Open {
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut above = hold(&self.0.above);
        above.len = above.len.max(offset + bytes.len() as u64);
        above.writes.push((offset, bytes.to_vec()));
        Ok(())
    }

    fn pread(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let above = hold(&self.0.above);
        let wanted = above.len.saturating_sub(offset).min(into.len() as u64) as usize;
        let into = &mut into[..wanted];
        into.fill(0);
        if let Some(below) = &self.0.below {
            let shows = above.below_len.saturating_sub(offset).min(wanted as u64) as usize;
            below.pread(offset, &mut into[..shows])?;
        }
        for (at, bytes) in &above.writes {
            lay_over(into, offset, *at, bytes);
        }
        Ok(wanted)
    }

    fn fdatasync(&self) -> io::Result<()> {
        Ok(())
    }

    fn fallocate(&self, len: u64) -> io::Result<()> {
        let mut above = hold(&self.0.above);
        above.len = above.len.max(len);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut above = hold(&self.0.above);
        above.below_len = above.below_len.min(len);
        above.writes.retain(|(at, _)| *at < len);
        for (at, bytes) in &mut above.writes {
            bytes.truncate((len - *at) as usize);
        }
        above.len = len;
        Ok(())
    }

    fn len(&self) -> io::Result<u64> {
        Ok(hold(&self.0.above).len)
    }
}

/// Copies the part of `bytes`, which lie at `at`, that falls into the window at `offset`.
fn lay_over(window: &mut [u8], offset: u64, at: u64, bytes: &[u8]) {
    let from = at.max(offset);
    let until = (at + bytes.len() as u64).min(offset + window.len() as u64);
    if from < until {
        let (to, of) = ((from - offset) as usize, (from - at) as usize);
        let count = (until - from) as usize;
        window[to..to + count].copy_from_slice(&bytes[of..of + count]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &Untouched, path: &Path) -> Vec<u8> {
        let file = files.open(path, Access::Read).expect("opens");
        let mut bytes = vec![0; file.len().expect("a length") as usize + 8];
        let count = file.pread(0, &mut bytes).expect("reads");
        bytes.truncate(count);
        bytes
    }

    #[test]
    fn what_is_written_is_read_back_and_the_disk_keeps_what_it_had() {
        let folder = tempfile::tempdir().expect("a folder");
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        std::fs::write(&old, b"0123456789").expect("writes");
        let files = Untouched::default();

        let file = files.open(&old, Access::Write).expect("opens");
        file.pwrite(8, b"abc").expect("writes");
        assert_eq!(read(&files, &old), b"01234567abc");
        file.set_len(4).expect("cuts");
        file.fallocate(6).expect("reserves");
        assert_eq!(read(&files, &old), b"0123\0\0");
        file.pwrite(1, b"x").expect("writes");
        files.rename(&old, &new).expect("renames");
        assert_eq!(files.list(folder.path()).expect("lists"), ["new"]);
        assert_eq!(read(&files, &new), b"0x23\0\0");
        assert!(files.open(&old, Access::Read).is_err());
        files.create(&old).expect("the name is free again");
        files.remove(&new).expect("removes");

        assert_eq!(std::fs::read(&old).expect("there"), b"0123456789");
        assert!(!new.exists());
    }
}

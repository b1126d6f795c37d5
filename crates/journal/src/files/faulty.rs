//! A file system that refuses, fails or lies when told to.
//!
//! For tests and for `cargo xtask fault`: it stands in front of another one.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Access, File, Files, Lock};

/// In front of another file system, with [`Faults`] that can be changed at any time.
#[derive(Debug, Clone)]
pub struct FaultyFiles {
    inner: Arc<dyn Files>,
    faults: Arc<Faults>,
}

/// What goes wrong from now on.
#[derive(Debug)]
pub struct Faults {
    full: AtomicBool,
    writes_full: AtomicBool,
    lying_syncs: AtomicBool,
    lying_dir_syncs: AtomicBool,
    /// How many syncs still succeed.
    syncs_left: AtomicU64,
    writes_left: AtomicU64,
    fails_with: Mutex<io::ErrorKind>,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            full: AtomicBool::new(false),
            writes_full: AtomicBool::new(false),
            lying_syncs: AtomicBool::new(false),
            lying_dir_syncs: AtomicBool::new(false),
            syncs_left: AtomicU64::new(u64::MAX),
            writes_left: AtomicU64::new(u64::MAX),
            fails_with: Mutex::new(io::ErrorKind::Other),
        }
    }
}

impl Faults {
    /// No room can be reserved any more; or it can again.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Writes fail half way for want of space, although it had been reserved; or do not.
    pub fn set_writes_full(&self, full: bool) {
        self.writes_full.store(full, Ordering::SeqCst);
    }

    /// Syncs of files claim success and do nothing; or are honest.
    pub fn set_lying_syncs(&self, lying: bool) {
        self.lying_syncs.store(lying, Ordering::SeqCst);
    }

    /// Syncs of directories claim success and do nothing; or are honest.
    pub fn set_lying_dir_syncs(&self, lying: bool) {
        self.lying_dir_syncs.store(lying, Ordering::SeqCst);
    }

    /// After `after` more successes, every sync fails with EIO.
    pub fn fail_syncs(&self, after: u64) {
        self.syncs_left.store(after, Ordering::SeqCst);
    }

    /// After `after` more successes, every write fails with EIO.
    pub fn fail_writes(&self, after: u64) {
        self.writes_left.store(after, Ordering::SeqCst);
    }

    /// Which error failing syncs and writes give; [`io::ErrorKind::Other`] is EIO.
    pub fn fail_with(&self, kind: io::ErrorKind) {
        *self.fails_with.lock().unwrap_or_else(PoisonError::into_inner) = kind;
    }

    fn failure(&self) -> io::Error {
        let kind = *self.fails_with.lock().unwrap_or_else(PoisonError::into_inner);
        if kind == io::ErrorKind::Other {
            return io::Error::from_raw_os_error(5); // EIO, as the kernel says it
        }
        kind.into()
    }

    fn count_down(&self, left: &AtomicU64) -> io::Result<()> {
        let step = |left: u64| match left {
            0 => None,
            u64::MAX => Some(u64::MAX),
            left => Some(left - 1),
        };
        let counted = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, step);
        counted.map(drop).map_err(|_| self.failure())
    }

    fn sync(&self, lying: &AtomicBool, honest: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.count_down(&self.syncs_left)?;
        if lying.load(Ordering::SeqCst) {
            return Ok(());
        }
        honest()
    }
}

impl FaultyFiles {
    /// In front of `inner`, without faults for now.
    #[must_use]
    pub fn new(inner: Arc<dyn Files>) -> Self {
        Self { inner, faults: Arc::default() }
    }

    /// The switches.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    fn wrap(&self, inner: Box<dyn File>) -> Box<dyn File> {
        Box::new(FaultyFile { inner, faults: Arc::clone(&self.faults) })
    }
}

impl Files for FaultyFiles {
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        Ok(self.wrap(self.inner.create(path)?))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        Ok(self.wrap(self.inner.open(path, access)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.inner.remove(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.inner.list(dir)
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.inner.create_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.faults.sync(&self.faults.lying_dir_syncs, || self.inner.sync_dir(dir))
    }

    fn lock(&self, path: &Path, owner: &str) -> io::Result<Lock> {
        self.inner.lock(path, owner)
    }

    fn set_modified(&self, path: &Path, at_micros: i64) -> io::Result<()> {
        self.inner.set_modified(path, at_micros)
    }

    fn modified(&self, path: &Path) -> io::Result<i64> {
        self.inner.modified(path)
    }
}

#[derive(Debug)]
struct FaultyFile {
    inner: Box<dyn File>,
    faults: Arc<Faults>,
}

impl File for FaultyFile {
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.faults.writes_full.load(Ordering::SeqCst) {
            self.inner.pwrite(offset, &bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.faults.count_down(&self.faults.writes_left)?;
        self.inner.pwrite(offset, bytes)
    }

    fn pread(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.inner.pread(offset, into)
    }

    fn fdatasync(&self) -> io::Result<()> {
        self.faults.sync(&self.faults.lying_syncs, || self.inner.fdatasync())
    }

    fn fallocate(&self, len: u64) -> io::Result<()> {
        if self.faults.full.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.inner.fallocate(len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }
}

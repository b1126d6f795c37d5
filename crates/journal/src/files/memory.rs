//! A file system in memory that knows what a power cut would leave of it.
//!
//! Content is durable after `fdatasync`, names after a sync of their directory, nothing earlier.
//! A recording one keeps every operation; [`Replay`] goes through them again, and after each it
//! gives the disks a power cut at that moment may leave: see [`Cut`].

mod replay;

pub use replay::{Cut, NamesKept, Replay};

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Access, File, Files, Lock, LockGuard};

/// A file system in memory; clones share it.
#[derive(Debug, Clone, Default)]
pub struct MemoryFiles(Arc<Mutex<State>>);

#[derive(Debug, Clone, Default)]
struct State {
    /// What programs see.
    seen: Tree,
    locked: BTreeMap<PathBuf, String>,
    next_inode: u64,
    ops: Option<Vec<Op>>,
}

/// Files and names.
#[derive(Debug, Clone, Default)]
struct Tree {
    content: BTreeMap<u64, Inode>,
    names: BTreeMap<PathBuf, u64>,
    dirs: BTreeSet<PathBuf>,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    bytes: Arc<Vec<u8>>,
    modified_micros: i64,
}

/// One change of the file system.
#[derive(Debug, Clone)]
pub enum Op {
    /// A directory was made, durably.
    MakeDir(PathBuf),
    /// A change of names in a directory, durable once that is synced.
    Name(NameOp),
    /// A change of content, durable once the file is synced.
    Content(u64, ContentOp),
    /// A file's content and length are durable.
    Sync(u64),
    /// A directory's names are durable.
    SyncDir(PathBuf),
    /// A file's time, durable.
    Modified(u64, i64),
}

/// A change of names.
#[derive(Debug, Clone)]
pub enum NameOp {
    /// A new, empty file.
    Create(PathBuf, u64),
    /// From, to.
    Rename(PathBuf, PathBuf),
    /// Gone.
    Remove(PathBuf),
}

/// A change of content.
#[derive(Debug, Clone)]
pub enum ContentOp {
    /// Bytes at an offset.
    Write(u64, Arc<Vec<u8>>),
    /// The length, cut or extended with zeros.
    Len(u64),
}

impl MemoryFiles {
    /// One that keeps every operation.
    #[must_use]
    pub fn recording() -> Self {
        Self(Arc::new(Mutex::new(State { ops: Some(Vec::new()), ..State::default() })))
    }

    /// The operations so far; none unless recording.
    #[must_use]
    pub fn ops(&self) -> Vec<Op> {
        self.state().ops.clone().unwrap_or_default()
    }

    /// How many operations were recorded so far.
    #[must_use]
    pub fn ops_len(&self) -> usize {
        self.state().ops.as_ref().map_or(0, Vec::len)
    }

    /// A copy that shares nothing: what a kill of the process leaves, which is everything.
    #[must_use]
    pub fn copy(&self) -> Self {
        let State { seen, next_inode, .. } = self.state().clone();
        Self(Arc::new(Mutex::new(State { seen, next_inode, ..State::default() })))
    }

    /// Every file's path and content.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let state = self.state();
        let content = |inode: &u64| state.seen.content[inode].bytes.to_vec();
        state.seen.names.iter().map(|(path, inode)| (path.clone(), content(inode))).collect()
    }

    /// Changes a byte in place, as a failing disk would.
    ///
    /// # Panics
    /// When there is no such file or byte.
    pub fn flip(&self, path: &Path, offset: u64, bits: u8) {
        let mut state = self.state();
        let inode = state.seen.names[path];
        let bytes = &mut state.seen.content.get_mut(&inode).expect("named").bytes;
        Arc::make_mut(bytes)[usize::try_from(offset).expect("in memory")] ^= bits;
    }

    /// Replaces a file's content in place, as a failing disk would.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn overwrite(&self, path: &Path, bytes: Vec<u8>) {
        let mut state = self.state();
        let inode = state.seen.names[path];
        state.seen.content.get_mut(&inode).expect("named").bytes = Arc::new(bytes);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, inode: u64, access: Access) -> Box<dyn File> {
        Box::new(MemoryFile { files: self.clone(), inode, access })
    }

    fn change(&self, op: Op) -> io::Result<()> {
        let mut state = self.state();
        state.seen.apply(&op)?;
        if let Some(ops) = &mut state.ops {
            ops.push(op);
        }
        Ok(())
    }
}

impl Tree {
    fn apply(&mut self, op: &Op) -> io::Result<()> {
        match op {
            Op::MakeDir(dir) => {
                self.dirs.insert(dir.clone());
                Ok(())
            }
            Op::Name(op) => self.rename(op),
            Op::Content(inode, op) => self.content.entry(*inode).or_default().change(op),
            Op::Modified(inode, at) => {
                self.content.entry(*inode).or_default().modified_micros = *at;
                Ok(())
            }
            Op::Sync(_) | Op::SyncDir(_) => Ok(()),
        }
    }

    fn rename(&mut self, op: &NameOp) -> io::Result<()> {
        match op {
            NameOp::Create(path, inode) => {
                if self.names.contains_key(path) {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                self.content.entry(*inode).or_default();
                self.names.insert(path.clone(), *inode);
            }
            NameOp::Rename(from, to) => {
                let inode = self.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
                self.names.insert(to.clone(), inode);
            }
            NameOp::Remove(path) => {
                self.names.remove(path).ok_or(io::ErrorKind::NotFound)?;
            }
        }
        Ok(())
    }
}

impl Inode {
    fn change(&mut self, op: &ContentOp) -> io::Result<()> {
        let bytes = Arc::make_mut(&mut self.bytes);
        match op {
            ContentOp::Len(len) => bytes.resize(index(*len), 0),
            ContentOp::Write(offset, written) => {
                let (start, end) = (index(*offset), index(*offset) + written.len());
                bytes.resize(bytes.len().max(end), 0);
                bytes[start..end].copy_from_slice(written);
            }
        }
        Ok(())
    }
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).expect("files fit in memory")
}

impl Files for MemoryFiles {
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let inode = {
            let mut state = self.state();
            if !path.parent().is_some_and(|dir| state.seen.dirs.contains(dir) || dir == Path::new("/")) {
                return Err(io::ErrorKind::NotFound.into());
            }
            state.next_inode += 1;
            state.next_inode
        };
        self.change(Op::Name(NameOp::Create(path.to_path_buf(), inode)))?;
        Ok(self.handle(inode, Access::Write))
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        let found = self.state().seen.names.get(path).copied();
        Ok(self.handle(found.ok_or(io::ErrorKind::NotFound)?, access))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Op::Name(NameOp::Rename(from.to_path_buf(), to.to_path_buf())))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Op::Name(NameOp::Remove(path.to_path_buf())))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        if !state.seen.dirs.contains(dir) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside = state.seen.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect())
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        for dir in dir.ancestors() {
            if !self.state().seen.dirs.contains(dir) {
                self.change(Op::MakeDir(dir.to_path_buf()))?;
            }
        }
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.change(Op::SyncDir(dir.to_path_buf()))
    }

    fn lock(&self, path: &Path, owner: &str) -> io::Result<Lock> {
        let mut state = self.state();
        if let Some(holder) = state.locked.get(path) {
            return Ok(Lock::HeldBy(holder.clone()));
        }
        state.locked.insert(path.to_path_buf(), owner.to_owned());
        drop(state);
        Ok(Lock::Taken(Box::new(MemoryLock { files: self.clone(), path: path.to_path_buf() })))
    }

    fn set_modified(&self, path: &Path, at_micros: i64) -> io::Result<()> {
        let found = self.state().seen.names.get(path).copied();
        self.change(Op::Modified(found.ok_or(io::ErrorKind::NotFound)?, at_micros))
    }

    fn modified(&self, path: &Path) -> io::Result<i64> {
        let state = self.state();
        let inode = state.seen.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(state.seen.content[inode].modified_micros)
    }
}

#[derive(Debug)]
struct MemoryLock {
    files: MemoryFiles,
    path: PathBuf,
}

impl LockGuard for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        self.files.state().locked.remove(&self.path);
    }
}

#[derive(Debug)]
struct MemoryFile {
    files: MemoryFiles,
    inode: u64,
    access: Access,
}

impl MemoryFile {
    fn change(&self, op: ContentOp) -> io::Result<()> {
        if self.access == Access::Read {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.files.change(Op::Content(self.inode, op))
    }

    fn bytes(&self) -> Arc<Vec<u8>> {
        Arc::clone(&self.files.state().seen.content[&self.inode].bytes)
    }
}

impl File for MemoryFile {
    fn pwrite(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.change(ContentOp::Write(offset, Arc::new(bytes.to_vec())))
    }

    fn pread(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.bytes();
        let rest = bytes.get(index(offset)..).unwrap_or_default();
        let read = rest.len().min(into.len());
        into[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }

    fn fdatasync(&self) -> io::Result<()> {
        self.files.change(Op::Sync(self.inode))
    }

    fn fallocate(&self, len: u64) -> io::Result<()> {
        self.change(ContentOp::Len(len.max(self.len()?)))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(ContentOp::Len(len))
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes().len() as u64)
    }
}

impl NameOp {
    fn path(&self) -> &Path {
        match self {
            Self::Create(path, _) | Self::Rename(path, _) | Self::Remove(path) => path,
        }
    }
}

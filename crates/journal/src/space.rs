//! Room that is already ours: spare segments, and the reserve that intake never uses.
//!
//! The reserve is a number of whole spare segments. Intake may write only while all of them are
//! there: when its batch needs another segment, one more spare is made first. Ticks, receipts and
//! commands may use them up; the next intake then waits until they could be made again.
//!
//! A spare holds nothing but zeros, always: it gets another name, and that name is synced,
//! before the first byte goes into it.

use std::path::{Path, PathBuf};

use crate::files::{self, Access, Doing, Files, UNFINISHED};
use crate::store::{FileError, SYNC};

const SPARE: &str = "spare-";

/// The spare segments of a journal.
#[derive(Debug)]
pub(crate) struct Spares {
    dir: PathBuf,
    segment_bytes: u64,
    ready: Vec<PathBuf>,
    next_number: u64,
}

impl Spares {
    /// Takes over the spares an earlier run left; what is unfinished or of another size goes.
    pub(crate) fn take_over(files: &dyn Files, dir: &Path, segment_bytes: u64) -> Result<Self, FileError> {
        let mut spares = Self { dir: dir.to_path_buf(), segment_bytes, ready: Vec::new(), next_number: 0 };
        for name in files.list(dir).doing("list", dir)? {
            let Some(number) = number_of(&name) else {
                continue;
            };
            let path = dir.join(&name);
            spares.next_number = spares.next_number.max(number + 1);
            match len(files, &path)? == segment_bytes {
                true => spares.ready.push(path),
                false => files::remove_if_there(files, &path)?,
            }
        }
        Ok(spares)
    }

    /// Length of every spare.
    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    /// Makes spares until `count` are ready.
    pub(crate) fn ensure(&mut self, files: &dyn Files, count: usize) -> Result<(), FileError> {
        while self.ready.len() < count {
            let path = self.fresh_path();
            let beside = beside(&path);
            let made = reserve(files, &beside, self.segment_bytes);
            if made.is_err() {
                // Half a reservation would keep others from space; the first error tells more.
                let _ = files.remove(&beside);
                return made;
            }
            files.rename(&beside, &path).doing("rename to", &path)?;
            files.sync_dir(&self.dir).doing(SYNC, &self.dir)?;
            self.ready.push(path);
        }
        Ok(())
    }

    /// Gives one out under another name, durably; makes one if none is ready.
    pub(crate) fn take(&mut self, files: &dyn Files, to: &Path) -> Result<(), FileError> {
        self.ensure(files, 1)?;
        let spare = self.ready.pop().expect("one was made ready");
        files.rename(&spare, to).doing("rename to", to)?;
        files.sync_dir(&self.dir).doing(SYNC, &self.dir)
    }

    fn fresh_path(&mut self) -> PathBuf {
        let number = self.next_number;
        self.next_number += 1;
        self.dir.join(format!("{SPARE}{number:08}"))
    }
}

/// Makes a file of `bytes` zeros whose room nobody else can take.
pub(crate) fn reserve(files: &dyn Files, path: &Path, bytes: u64) -> Result<(), FileError> {
    files::remove_if_there(files, path)?;
    let file = files.create(path).doing("create", path)?;
    file.fallocate(bytes).doing("reserve room for", path)?;
    file.fdatasync().doing(SYNC, path)
}

fn len(files: &dyn Files, path: &Path) -> Result<u64, FileError> {
    files.open(path, Access::Read).doing("open", path)?.len().doing("measure", path)
}

/// The number in a spare's name; `None` when it is no spare.
pub(crate) fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(SPARE)?.parse().ok()
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(UNFINISHED);
    name.into()
}

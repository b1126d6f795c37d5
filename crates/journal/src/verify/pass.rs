//! One pass over the frames of a segment.

use std::path::Path;

use crate::batches::{Batches, Stage};
use crate::files::{Doing, File};
use crate::frame::{Header, Link, What};
use crate::read;
use crate::scan::Found;
use crate::segment::FRAMES_START;
use crate::store::{Damage, FileError};
use crate::walk::{Step, Walk};

/// One pass over the frames of a segment.
pub(super) struct Pass<'f> {
    pub(super) walk: Walk<'f>,
    pub(super) batches: Batches,
    path: &'f Path,
    pub(super) file_name: String,
    pub(super) bad: Vec<Damage>,
    /// Something was bad since the last frame, so a missing seal needs no further word.
    explained: bool,
    pub(super) batches_whole: u64,
    pub(super) records: u64,
    pub(super) erased: u64,
}

impl<'f> Pass<'f> {
    pub(super) fn new(
        found: &'f Found,
        file_name: String,
        link: Option<Link>,
        end: u64,
        file: &'f dyn File,
    ) -> Self {
        Self {
            walk: Walk::new(file, found.id, (found.base, FRAMES_START), end),
            batches: Batches::new(FRAMES_START, found.base, link, [0; 32]),
            path: &found.path,
            file_name,
            bad: Vec::new(),
            explained: false,
            batches_whole: 0,
            records: 0,
            erased: 0,
        }
    }

    pub(super) fn run(&mut self) -> Result<(), FileError> {
        loop {
            match self.walk.step().doing("read", self.path)? {
                Step::End => return Ok(()),
                Step::Frame { offset, header } => self.frame(offset, &header)?,
                Step::Bad(bad) => {
                    self.batches.bad(&bad);
                    self.bad.push(read::damage(self.file_name.clone(), &bad));
                    self.explained = true;
                }
            }
        }
    }

    fn frame(&mut self, offset: u64, header: &Header) -> Result<(), FileError> {
        let last = self.batches.last();
        if last.stage == Stage::Open && last.first != header.first_of_batch() {
            self.end_of_batches();
        }
        self.explained = false;
        if let Err(broken) = self.batches.frame(offset, header) {
            self.bad.push(broken.damage(self.file_name.clone()));
        }
        match header.what {
            What::Seal => self.batches_whole += u64::from(self.batches.last().is_whole()),
            What::Erased => {
                self.records += 1;
                self.erased += 1;
            }
            What::Whole(_) => {
                self.records += 1;
                self.digest(offset, header)?;
            }
        }
        Ok(())
    }

    /// The CRC catches rot; the digest catches whoever computed a new CRC.
    fn digest(&mut self, offset: u64, header: &Header) -> Result<(), FileError> {
        let body = self.walk.body().doing("read", self.path)?;
        if blake3::hash(body) != header.digest {
            self.bad.push(Damage {
                file: self.file_name.clone(),
                offset,
                bytes: header.frame_bytes(),
                position: header.position,
                lost: 0,
                what: "the body is not the one the chain vouches for",
            });
        }
        Ok(())
    }

    /// No frame of the current batch follows.
    pub(super) fn end_of_batches(&mut self) {
        let last = *self.batches.last();
        if last.stage == Stage::Open && !self.explained {
            self.bad.push(Damage {
                file: self.file_name.clone(),
                offset: last.end,
                bytes: 0,
                position: last.next,
                lost: 0,
                what: "the seal of a batch is missing",
            });
        }
        self.batches.close();
    }
}

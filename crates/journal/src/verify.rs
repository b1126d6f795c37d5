//! Checks a data directory frame by frame and link by link, and changes nothing.
//!
//! It reads what an open does not: every segment however old, every digest, snapshots, blobs,
//! configurations and spares. A half-written last batch is what a crash leaves and an open cuts
//! off, or what a gateway is writing at this moment; it is told apart from damage.

mod pass;

use std::path::Path;

use self::pass::Pass;

use crate::batches::Stage;
use crate::files::{Access, Doing, Files};
use crate::frame::Link;
use crate::layout::Layout;
use crate::meta::Clean;
use crate::read;
use crate::record::Position;
use crate::scan::{self, Found, LeftBehind};
use crate::segment::{self, FRAMES_START};
use crate::space;
use crate::store::{Damage, FileError};
use crate::walk::{Bad, Step, Walk};
use crate::{blobs, configs, snapshots};

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// How many segments there are.
    pub segments: u64,
    /// How many whole batches.
    pub batches: u64,
    /// How many sound records, erased ones included.
    pub records: u64,
    /// How many of these without their body, by age.
    pub erased: u64,
    /// How many bytes of frames were read.
    pub bytes: u64,
    /// How many snapshots, sound or not.
    pub snapshots: u64,
    /// How many blobs, sound or not.
    pub blobs: u64,
    /// How many configurations, sound or not.
    pub configs: u64,
    /// The first position that is still kept.
    pub first: Position,
    /// The end of the last whole batch.
    pub end: Position,
    /// A last batch that is not whole: no damage, unless somebody was told it was stored.
    pub torn: Option<Damage>,
    /// Every region that is not what was written, in order of file and offset.
    pub bad: Vec<Damage>,
}

impl VerifyReport {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.bad.is_empty()
    }

    /// How many records are lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.bad.iter().map(|bad| bad.lost).sum()
    }
}

/// Checks everything below a data directory, also while a gateway is writing to it.
///
/// # Errors
/// When a file cannot be read at all; what can be read and is wrong is in the report.
pub fn verify(files: &dyn Files, data: &Path) -> Result<VerifyReport, FileError> {
    let layout = Layout::of(data);
    for _ in 0..TRIES {
        let behind = scan::look(files, &layout)?;
        let checked = check(files, &layout, &behind);
        let is_sound = checked.as_ref().is_ok_and(VerifyReport::is_sound);
        if is_sound || scan::look(files, &layout)?.is_same_as(&behind) {
            return checked;
        }
        // Segments came, went or were written again meanwhile: what was seen is a mixture.
    }
    check(files, &layout, &scan::look(files, &layout)?)
}

const TRIES: usize = 3;

fn check(files: &dyn Files, layout: &Layout, behind: &LeftBehind) -> Result<VerifyReport, FileError> {
    let mut verifying = Verifying { files, layout, behind, report: VerifyReport::default() };
    verifying.report.bad.clone_from(&behind.damaged);
    verifying.segments()?;
    verifying.spares()?;
    verifying.snapshots()?;
    let mut report = verifying.report;
    report.blobs = blobs::verify(files, &layout.data, &mut report.bad)?;
    report.configs = configs::verify(files, &layout.data, &mut report.bad)?;
    report.bad.sort();
    report.bad.dedup();
    Ok(report)
}

struct Verifying<'v> {
    files: &'v dyn Files,
    layout: &'v Layout,
    behind: &'v LeftBehind,
    report: VerifyReport,
}

impl Verifying<'_> {
    fn segments(&mut self) -> Result<(), FileError> {
        let behind = self.behind;
        let mut link = None;
        self.report.first = behind.segments.first().map_or(Position::FIRST, |found| found.base);
        self.report.end = self.report.first;
        for (index, found) in behind.segments.iter().enumerate() {
            link = self.segment(index, found, link)?;
            self.report.segments += 1;
        }
        Ok(())
    }

    /// Checks one segment; answers with the link at its end.
    fn segment(
        &mut self,
        index: usize,
        found: &Found,
        before: Option<Link>,
    ) -> Result<Option<Link>, FileError> {
        let end = self.behind.end_offset(index);
        let next = self.behind.segments.get(index + 1).map(|next| next.base);
        let file = segment::open(self.files, &found.path, Access::Read)?;
        self.header(found, before);
        let says = found.header.map(|header| header.link_before);
        let pass = || {
            let mut pass = Pass::new(found, self.named(found), says.or(before), end, &*file);
            pass.run().map(|()| pass)
        };
        let mut checked = pass()?;
        if !checked.bad.is_empty() {
            // A gateway may have been writing here; what was half written is whole by now.
            checked = pass()?;
        }
        self.report.bytes += end.saturating_sub(FRAMES_START);
        self.report.batches += checked.batches_whole;
        self.report.records += checked.records;
        self.report.erased += checked.erased;
        match next {
            Some(next) => self.sealed(found, checked, next, end),
            None => self.last(checked),
        }
    }

    fn header(&mut self, found: &Found, before: Option<Link>) {
        let Some(header) = found.header else {
            return;
        };
        if header.base != found.base {
            self.bad_header(found, "the segment's name is not the position it starts at");
        }
        if before.is_some_and(|before| before != header.link_before) {
            self.bad_header(found, "the chain does not continue from the segment before");
        }
    }

    fn bad_header(&mut self, found: &Found, what: &'static str) {
        let (file, position) = (self.named(found), found.base);
        self.report.bad.push(Damage { file, offset: 0, bytes: FRAMES_START, position, lost: 0, what });
    }

    /// A segment with others behind it must be whole up to where they start.
    fn sealed(
        &mut self,
        found: &Found,
        mut pass: Pass<'_>,
        next: Position,
        end: u64,
    ) -> Result<Option<Link>, FileError> {
        pass.end_of_batches();
        self.report.bad.append(&mut pass.bad);
        let position = pass.walk.next_position();
        if position < next {
            self.report.bad.push(Damage {
                file: self.named(found),
                offset: end,
                bytes: 0,
                position,
                lost: next.0 - position.0,
                what: "records are missing at the end of this segment",
            });
        }
        self.report.end = next;
        Ok(pass.batches.known_link())
    }

    /// In the last segment the last batch may be half there.
    fn last(&mut self, mut pass: Pass<'_>) -> Result<Option<Link>, FileError> {
        let last = *pass.batches.last();
        let proven = self.proven();
        let kept_whole = last.is_whole() || last.stage == Stage::Nothing;
        let torn_from = if kept_whole { last.end } else { last.boundary };
        let damaged = self.closed_cleanly() || (!kept_whole && last.first < proven);
        if damaged {
            pass.end_of_batches();
        } else {
            let torn: Vec<_> = pass.bad.extract_if(.., |bad| bad.offset >= torn_from).collect();
            self.report.torn = torn_region(pass.file_name.clone(), torn_from, &torn, &pass);
        }
        self.report.end = if kept_whole || damaged { pass.walk.next_position() } else { last.first };
        self.report.bad.append(&mut pass.bad);
        let end = self.report.end;
        if end < proven {
            self.report.bad.push(Damage {
                file: pass.file_name.clone(),
                offset: last.end,
                bytes: 0,
                position: end,
                lost: proven.0 - end.0,
                what: "records are missing at the end of the journal",
            });
        }
        Ok(None)
    }

    fn closed_cleanly(&self) -> bool {
        self.clean().is_some()
    }

    fn clean(&self) -> Option<Clean> {
        let epoch = self.behind.meta?.epoch;
        self.behind.clean.filter(|clean| clean.epoch == epoch)
    }

    fn proven(&self) -> Position {
        let closed_at = self.clean().map_or(Position::FIRST, |clean| clean.position);
        closed_at.max(self.behind.snapshot.unwrap_or(Position::FIRST))
    }

    /// A spare is zeros.
    fn spares(&mut self) -> Result<(), FileError> {
        let dir = &self.layout.journal;
        for name in self.files.list(dir).doing("list", dir)? {
            if space::number_of(&name).is_none() {
                continue;
            }
            let path = dir.join(&name);
            let file = segment::open(self.files, &path, Access::Read)?;
            let len = file.len().doing("measure", &path)?;
            let nothing = crate::frame::FrameId::new(crate::record::HistoryId([0; 16]), 0);
            let mut walk = Walk::new(&*file, nothing, (Position::FIRST, 0), len);
            if let Step::Bad(bad) = walk.step().doing("read", &path)? {
                let bad = Bad { what: "a spare segment that is not zeros", ..bad };
                self.report.bad.push(read::damage(self.layout.named(&path), &bad));
            }
        }
        Ok(())
    }

    fn snapshots(&mut self) -> Result<(), FileError> {
        for found in snapshots::all(self.files, &self.layout.snapshots)? {
            self.report.snapshots += 1;
            self.report.bad.extend(found.err());
        }
        Ok(())
    }

    fn named(&self, found: &Found) -> String {
        self.layout.named(&found.path)
    }
}

fn torn_region(file: String, offset: u64, bad: &[Damage], pass: &Pass<'_>) -> Option<Damage> {
    let last = pass.batches.last();
    let frames_end = if last.is_whole() { offset } else { last.end };
    let end = bad.iter().map(|bad| bad.offset + bad.bytes).max().unwrap_or(0).max(frames_end);
    let position = if last.is_whole() { last.next } else { last.first };
    let what = "the last batch is half written; an open cuts it off";
    (end > offset).then_some(Damage { file, offset, bytes: end - offset, position, lost: 0, what })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Arc;

    use super::*;
    use crate::files::memory::MemoryFiles;
    use crate::frame::Header;
    use crate::frame::{self, FrameId, HEADER_BYTES};
    use crate::{Batch, Class, CounterSalt, Draft, Options, Purpose, SegmentLog, Store};

    const PAYLOAD: &[u8] = b"the door of 1203 was opened";

    /// A closed journal of three batches, and the offset of the second one's frame.
    fn journal() -> (MemoryFiles, PathBuf, u64) {
        let files = MemoryFiles::default();
        let options = Options {
            segment_bytes: 4096,
            files: Arc::new(files.clone()),
            salts: Box::new(CounterSalt::default()),
            ..Options::new("/data")
        };
        let (mut log, _) = SegmentLog::open(options).expect("opens");
        let mut offset = 0;
        for position in 0..3 {
            if position == 1 {
                offset = log.active.end_offset;
            }
            let mut batch = Batch::new();
            let draft = Draft { kind: 0, at_micros: 0, class: Class::Kept, head: b"", payload: PAYLOAD };
            batch.push(draft).expect("short");
            log.append(log.claim(), Purpose::Intake, &batch).expect("appended");
        }
        log.close().expect("closed");
        (files, PathBuf::from("/data/journal/00000000000000000000.seg"), offset)
    }

    /// Somebody who knows the format and computes every CRC anew.
    fn forge(change: impl Fn(&mut Header, &mut [u8])) -> Vec<Damage> {
        let (files, path, offset) = journal();
        let mut bytes = files.contents().remove(&path).expect("there");
        let copies = segment::read_header(&*files.open(&path, Access::Read).expect("there"), &path);
        let id: FrameId = copies.expect("readable").header.expect("sound").frame_id();
        let start = usize::try_from(offset).expect("small");
        let mut header = frame::decode(id, &bytes[start..]).expect("a frame");
        let body_start = start + HEADER_BYTES as usize;
        let body = &mut bytes[body_start..body_start + PAYLOAD.len()];
        change(&mut header, body);
        header.body_crc = crc32c::crc32c(body);
        bytes[start..body_start].copy_from_slice(&frame::encoded(id, &header));
        files.overwrite(&path, bytes);
        verify(&files, Path::new("/data")).expect("readable").bad
    }

    #[test]
    fn a_forged_body_is_not_the_one_the_chain_vouches_for() {
        let bad = forge(|_, body| body[0] = b'T');
        assert_eq!(bad.len(), 1, "{bad:?}");
        assert_eq!(
            (bad[0].position, bad[0].what),
            (Position(1), "the body is not the one the chain vouches for")
        );
    }

    #[test]
    fn a_forged_digest_breaks_the_chain() {
        let bad = forge(|header, body| {
            body[0] = b'T';
            header.digest = blake3::hash(body).into();
        });
        assert_eq!(bad.len(), 1, "{bad:?}");
        assert_eq!(
            (bad[0].position, bad[0].what),
            (Position(1), "the chain does not continue at this batch")
        );
    }

    #[test]
    fn a_forged_time_breaks_the_chain() {
        let bad = forge(|header, _| header.at += 1);
        assert_eq!(bad.len(), 1, "{bad:?}");
        assert_eq!(bad[0].what, "the chain does not continue at this batch");
    }

    #[test]
    fn nothing_forged_is_nothing_bad() {
        assert_eq!(forge(|_, _| {}), []);
    }
}

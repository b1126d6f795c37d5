//! Goes through a recording and cuts the power.

use std::sync::{Arc, Mutex};

use super::{ContentOp, MemoryFiles, NameOp, Op, State, Tree};

/// Goes through recorded operations again, knowing at each what is durable.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    durable: Tree,
    contents: Vec<(u64, ContentOp)>,
    names: Vec<NameOp>,
}

/// What of the changes that were not synced a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    Drops,
    /// Everything.
    Keeps,
    /// Everything but the last change of content, of which the first bytes landed; where the
    /// rest should be is what was there before.
    Tears(usize),
    /// As `Tears`, but zeros are where the rest should be.
    TearsToZeros(usize),
    /// As `Tears`, but the last bytes landed and these first did not.
    LandsFrom(usize),
    /// As `Keeps`, and the last write landed a second time right behind itself.
    Doubles,
    /// Only this one of the changes of content.
    KeepsOnly(usize),
    /// All changes of content but this one.
    Skips(usize),
}

/// What of the changes of names that were not synced a power cut leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamesKept {
    /// So many of the first, as the journals of file systems keep their order.
    First(usize),
    /// So many of the last, as nothing that is promised forbids.
    Last(usize),
}

impl Replay {
    /// Applies the next operation.
    pub fn step(&mut self, op: &Op) {
        match op {
            Op::MakeDir(_) | Op::Modified(..) => self.make_durable(op),
            Op::Name(op) => self.names.push(op.clone()),
            Op::Content(inode, op) => self.contents.push((*inode, op.clone())),
            Op::Sync(inode) => {
                let (synced, rest) =
                    std::mem::take(&mut self.contents).into_iter().partition(|(of, _)| of == inode);
                self.contents = rest;
                let synced: Vec<_> = synced;
                synced.into_iter().for_each(|(inode, op)| self.make_durable(&Op::Content(inode, op)));
            }
            Op::SyncDir(dir) => {
                let inside = |op: &NameOp| op.path().parent() == Some(dir);
                let (synced, rest) = std::mem::take(&mut self.names).into_iter().partition(inside);
                self.names = rest;
                let synced: Vec<_> = synced;
                synced.into_iter().for_each(|op| self.make_durable(&Op::Name(op)));
            }
        }
    }

    /// The ways of keeping names that make a difference now.
    #[must_use]
    pub fn names_kept(&self) -> Vec<NamesKept> {
        let pending = self.names.len();
        (0..=pending).map(NamesKept::First).chain((1..pending).map(NamesKept::Last)).collect()
    }

    /// The kinds of cut that make a difference now; every byte of the last write when `op`, the
    /// operation just applied, is one.
    #[must_use]
    pub fn cuts(&self, op: &Op) -> Vec<Cut> {
        let mut cuts = vec![Cut::Drops, Cut::Keeps];
        let pending = self.contents.len();
        if pending > 1 {
            cuts.extend((0..pending).flat_map(|at| [Cut::KeepsOnly(at), Cut::Skips(at)]));
        }
        if let Op::Content(_, ContentOp::Write(_, bytes)) = op {
            cuts.push(Cut::Doubles);
            let torn = |at| [Cut::Tears(at), Cut::TearsToZeros(at), Cut::LandsFrom(at)];
            cuts.extend((1..bytes.len()).flat_map(torn));
        }
        cuts
    }

    /// The disk after a power cut.
    #[must_use]
    pub fn disk(&self, cut: Cut, names: NamesKept) -> MemoryFiles {
        let mut tree = self.durable.clone();
        for op in self.names_left(names) {
            // A rename whose file was never durable under its first name finds nothing.
            let _ = tree.rename(op);
        }
        for (inode, op) in self.left(cut) {
            let changed = tree.content.entry(inode).or_default().change(&op);
            changed.expect("memory takes every change");
        }
        let next_inode = tree.content.keys().max().map_or(0, |inode| inode + 1);
        let files = State { seen: tree, next_inode, ..State::default() };
        MemoryFiles(Arc::new(Mutex::new(files)))
    }

    fn make_durable(&mut self, op: &Op) {
        // A name that was replaced before it was ever durable is no error here.
        let _ = self.durable.apply(op);
    }

    fn names_left(&self, kept: NamesKept) -> &[NameOp] {
        let pending = self.names.len();
        match kept {
            NamesKept::First(count) => &self.names[..count.min(pending)],
            NamesKept::Last(count) => &self.names[pending - count.min(pending)..],
        }
    }

    fn left(&self, cut: Cut) -> Vec<(u64, ContentOp)> {
        let mut left = self.contents.clone();
        match cut {
            Cut::Drops => left.clear(),
            Cut::Keeps => {}
            Cut::KeepsOnly(at) => left = vec![left[at].clone()],
            Cut::Skips(at) => drop(left.remove(at)),
            Cut::Tears(_) | Cut::TearsToZeros(_) | Cut::LandsFrom(_) | Cut::Doubles => {
                let last = left.pop();
                left.extend(last.into_iter().flat_map(|(inode, op)| torn(cut, inode, op)));
            }
        }
        left
    }
}

fn torn(cut: Cut, inode: u64, op: ContentOp) -> Vec<(u64, ContentOp)> {
    let ContentOp::Write(offset, bytes) = &op else {
        return vec![(inode, op)];
    };
    let write = |offset: u64, bytes: &[u8]| (inode, ContentOp::Write(offset, Arc::new(bytes.to_vec())));
    match cut {
        Cut::Tears(at) => vec![write(*offset, &bytes[..at])],
        Cut::TearsToZeros(at) => {
            let mut torn = bytes.to_vec();
            torn[at..].fill(0);
            vec![write(*offset, &torn)]
        }
        Cut::LandsFrom(at) => vec![write(offset + at as u64, &bytes[at..])],
        Cut::Doubles => vec![write(*offset, bytes), write(offset + bytes.len() as u64, bytes)],
        Cut::Drops | Cut::Keeps | Cut::KeepsOnly(_) | Cut::Skips(_) => vec![(inode, op)],
    }
}

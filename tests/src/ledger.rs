//! The ledger of a publisher, and its checker: what became of each event, read from the journal's bytes.
//!
//! The publisher writes (number, SHA-256 of the payload) and syncs before it sends. Afterwards each number must be
//! found counted in exactly one alarm if its message was acknowledged; if not, it may be missing. The checker shares
//! no code with the gateway except the journal's reader: heads and facts are taken apart here anew.

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use wanglou_journal::{Body, Options, Position, SegmentLog, Store};

/// Kinds of the journal's records.
const MESSAGE: u8 = 1;
const FACT: u8 = 3;
/// A message's head before its topic, bytes.
const HEAD_BYTES: usize = 8;

/// The publisher's book.
#[derive(Debug)]
pub struct Ledger {
    file: File,
    path: PathBuf,
}

impl Ledger {
    /// A new one.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn create(path: &Path) -> Self {
        let file = File::create_new(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { file, path: path.to_path_buf() }
    }

    /// Notes events, and returns once they are on disk: only then may they be sent.
    ///
    /// # Panics
    /// When the disk fails.
    pub fn note<'a>(&mut self, events: impl IntoIterator<Item = (u64, &'a [u8])>) {
        let lines: String =
            events.into_iter().map(|(event, payload)| format!("{event} {}\n", hex(payload))).collect();
        self.file.write_all(lines.as_bytes()).expect("the ledger can be written");
        self.file.sync_data().expect("the ledger can be synced");
    }

    fn read(&self) -> BTreeMap<u64, String> {
        let text = std::fs::read_to_string(&self.path).expect("the ledger can be read");
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(event, hash)| (event.parse().expect("a number"), hash.to_owned())).collect()
    }
}

fn hex(payload: &[u8]) -> String {
    Sha256::digest(payload).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What became of the events.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Acknowledged and counted in exactly one alarm.
    pub ok: usize,
    /// Acknowledged and counted nowhere.
    pub lost: Vec<u64>,
    /// Counted more than once.
    pub duplicated: Vec<u64>,
    /// In the journal, and never sent.
    pub phantom: Vec<u64>,
    /// In the journal with another payload than the one that was sent.
    pub altered: Vec<u64>,
    /// Never acknowledged: counted once, or not at all; both are right.
    pub indeterminate: usize,
    /// Everything that any alarm counts, whether acknowledged or not.
    pub counted: u64,
}

impl Verdict {
    /// Nothing lost, doubled, invented or changed?
    pub fn is_clean(&self) -> bool {
        [&self.lost, &self.duplicated, &self.phantom, &self.altered].into_iter().all(Vec::is_empty)
    }
}

/// Holds a ledger against the journal of a gateway that has ended.
pub fn check(ledger: &Ledger, acknowledged: &BTreeSet<u64>, data: &Path) -> Verdict {
    judge(&ledger.read(), acknowledged, &read(data))
}

/// What the journal says of one event.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Found {
    /// By how much alarms count it.
    counted: u64,
    /// SHA-256 of each payload under which it came.
    hashes: BTreeSet<String>,
}

fn judge(
    sent: &BTreeMap<u64, String>,
    acknowledged: &BTreeSet<u64>,
    found: &BTreeMap<u64, Found>,
) -> Verdict {
    let mut verdict =
        Verdict { counted: found.values().map(|found| found.counted).sum(), ..Verdict::default() };
    verdict.phantom = found.keys().filter(|event| !sent.contains_key(event)).copied().collect();
    for (event, hash) in sent {
        let seen = found.get(event);
        let counted = seen.map_or(0, |seen| seen.counted);
        if seen.is_some_and(|seen| seen.hashes.iter().any(|other| other != hash)) {
            verdict.altered.push(*event);
        }
        match (acknowledged.contains(event), counted) {
            (_, 2..) => verdict.duplicated.push(*event),
            (true, 1) => verdict.ok += 1,
            (true, _) => verdict.lost.push(*event),
            (false, _) => verdict.indeterminate += 1,
        }
    }
    verdict
}

/// Every event of the journal. The facts that follow a message are what came of it.
fn read(data: &Path) -> BTreeMap<u64, Found> {
    let (log, _) =
        SegmentLog::open(Options::new(data)).unwrap_or_else(|error| panic!("the journal: {error}"));
    let mut found: BTreeMap<u64, Found> = BTreeMap::new();
    let mut current = None;
    let end = log.read_from(Position::FIRST, &mut |record| {
        let Body::Whole { head, payload } = record.body else { panic!("a body is gone: {record:?}") };
        match record.kind {
            MESSAGE => {
                current = event_of(head, payload);
                if let Some(event) = current {
                    found.entry(event).or_default().hashes.insert(hex(payload));
                }
            }
            FACT => {
                if let Some(event) = current {
                    found.entry(event).or_default().counted += count_of(payload);
                }
            }
            _ => current = None,
        }
        ControlFlow::Continue(())
    });
    let end = end.unwrap_or_else(|error| panic!("the journal: {error}"));
    assert!(end.skipped.is_empty(), "damaged: {:?}", end.skipped);
    log.close().unwrap_or_else(|error| panic!("the journal: {error}"));
    found
}

/// The number of the event that a message carries; `None` for markers and everything else.
fn event_of(head: &[u8], payload: &[u8]) -> Option<u64> {
    let topic = std::str::from_utf8(head.get(HEAD_BYTES..)?).ok()?;
    if !topic.starts_with("wanglou/v1/in/") {
        return None;
    }
    let body: Value = serde_json::from_slice(payload).ok()?;
    body["event"].as_str()?.strip_prefix("e-")?.parse().ok()
}

/// By how much a fact makes an alarm count.
fn count_of(fact: &[u8]) -> u64 {
    let fact: Value = serde_json::from_slice(fact).unwrap_or_default();
    if fact["kind"] == "alarm_flood" {
        return 0;
    }
    match fact["fact"].as_str() {
        Some("raised" | "repeated") => fact["count"].as_u64().unwrap_or(1),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(counted: u64, payload: &[u8]) -> Found {
        Found { counted, hashes: BTreeSet::from([hex(payload)]) }
    }

    #[test]
    fn each_event_is_told_from_the_others_by_what_became_of_it() {
        let sent = (1..=6).map(|event| (event, hex(b"x"))).collect();
        let acknowledged = BTreeSet::from([1, 2, 3, 4]);
        let journal = BTreeMap::from([
            (1, found(1, b"x")),
            (2, found(0, b"x")),
            (4, found(2, b"x")),
            (5, found(1, b"y")),
            (9, found(1, b"x")),
        ]);
        let verdict = judge(&sent, &acknowledged, &journal);
        let expected = Verdict {
            ok: 1,
            lost: vec![2, 3],
            duplicated: vec![4],
            phantom: vec![9],
            altered: vec![5],
            indeterminate: 2,
            counted: 5,
        };
        assert_eq!(verdict, expected);
        assert!(!verdict.is_clean());
    }

    #[test]
    fn an_event_is_read_from_a_canonical_message_only() {
        let head = |topic: &str| [&[1, 4, 0, 0, 1, 0, 0, 0], topic.as_bytes()].concat();
        let payload = br#"{"device":"cover-61","kind":"cover","value":{"open":true},"event":"e-42"}"#;
        assert_eq!(event_of(&head("wanglou/v1/in/cover-61"), payload), Some(42));
        assert_eq!(event_of(&head("wanglou/v1/self/alarm"), payload), None);
        assert_eq!(count_of(br#"{"fact":"raised","alarm":"al_1","count":1}"#), 1);
        assert_eq!(count_of(br#"{"fact":"published","alarm":"al_1"}"#), 0);
    }
}

//! What a gateway that has ended wrote down, as JSON, with the time of each record.

use serde_json::Value;
use std::ops::ControlFlow;
use std::path::Path;
use wanglou_journal::{Body, Options, Position, SegmentLog, Store};

/// Kinds of the journal's records.
const INPUT: u8 = 2;
const FACT: u8 = 3;

/// A record.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// Its time on the gateway's timeline, microseconds.
    pub at_micros: i64,
    /// What it says.
    pub said: Value,
}

/// The inputs of one name other than messages, such as `blind`, in order.
pub fn inputs(data: &Path, name: &str) -> Vec<Written> {
    read(data, INPUT).into_iter().filter(|written| written.said["input"] == name).collect()
}

/// The facts of one name, such as `raised`, in order.
pub fn facts(data: &Path, name: &str) -> Vec<Written> {
    read(data, FACT).into_iter().filter(|written| written.said["fact"] == name).collect()
}

/// Whether these bytes stand anywhere in the data directory, whatever the gateway is doing.
pub fn holds(data: &Path, bytes: &[u8]) -> bool {
    let entries = std::fs::read_dir(data).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            return holds(&path, bytes);
        }
        std::fs::read(&path).is_ok_and(|found| found.windows(bytes.len()).any(|window| window == bytes))
    })
}

fn read(data: &Path, kind: u8) -> Vec<Written> {
    let (log, _) =
        SegmentLog::open(Options::new(data)).unwrap_or_else(|error| panic!("the journal: {error}"));
    let mut found = Vec::new();
    let end = log.read_from(Position::FIRST, &mut |record| {
        if let (true, Body::Whole { payload, .. }) = (record.kind == kind, &record.body) {
            let said = serde_json::from_slice(payload).expect("inputs and facts are JSON");
            found.push(Written { at_micros: record.at_micros, said });
        }
        ControlFlow::Continue(())
    });
    let end = end.unwrap_or_else(|error| panic!("the journal: {error}"));
    assert!(end.skipped.is_empty(), "damaged: {:?}", end.skipped);
    log.close().unwrap_or_else(|error| panic!("the journal: {error}"));
    found
}

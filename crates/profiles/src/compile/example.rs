//! `[[example]]`: a message with what should come out of it.

use super::reader::{Node, Table};
use crate::chain::{base64, hex};
use crate::plan::{Example, Expect};
use wanglou_model::{Timestamp, rfc3339_micros};

/// When an example was received, if it does not say: 2026-03-02T09:00:00+08:00.
const RECEIVED: Timestamp = Timestamp::from_millis(1_772_413_200_000);

/// Compiles an example.
pub(crate) fn example(node: &Node<'_>) -> Option<Example> {
    let table = node.table()?;
    table.get("title").map(|node| node.text());
    let topic = table.need("topic", "the topic of the message").and_then(|node| node.text());
    let payload = payload(&table);
    let at = table.get("at").map_or(Some(RECEIVED), |node| {
        let at = rfc3339_micros::parse(node.text()?);
        if at.is_none() {
            node.fault("not an RFC 3339 time, such as \"2026-03-02T09:00:00+08:00\"");
        }
        at
    });
    let retain = table.get("retain").map_or(Some(false), |node| node.flag());
    let expect = expect(&table);
    table.finish();
    Some(Example {
        line: node.line(),
        key_path: node.path.clone(),
        topic: topic?.to_owned(),
        payload: payload?,
        at: at?,
        retain: retain?,
        expect: expect?,
    })
}

/// `payload` as text, or `payload_base64`, `payload_hex` for what is no text.
fn payload(table: &Table<'_>) -> Option<Vec<u8>> {
    if let Some(node) = table.get("payload_base64") {
        return node.ok(base64(node.text()?.as_bytes()));
    }
    if let Some(node) = table.get("payload_hex") {
        return node.ok(hex(node.text()?.as_bytes()));
    }
    let node = table.need("payload", "the message, in ''' … '''; or payload_base64, payload_hex")?;
    Some(node.text()?.as_bytes().to_vec())
}

fn expect(table: &Table<'_>) -> Option<Expect> {
    let mut found = vec![];
    if let Some(node) = table.get("expect") {
        let observations = node.list()?.iter().map(Node::json).collect::<Option<Vec<_>>>()?;
        if observations.is_empty() {
            node.fault("an empty list; write `ignored`, `unmatched` or `rejected` with a part of the reason");
        }
        found.push(Expect::Observations(observations));
    }
    for (key, make) in [
        ("ignored", Expect::Ignored as fn(String) -> Expect),
        ("unmatched", Expect::Unmatched),
        ("rejected", Expect::Rejected),
    ] {
        if let Some(node) = table.get(key) {
            found.push(make(node.text()?.to_owned()));
        }
    }
    if found.len() != 1 {
        table.node.fault("an example says one of: expect, ignored, unmatched, rejected");
        return None;
    }
    found.pop()
}

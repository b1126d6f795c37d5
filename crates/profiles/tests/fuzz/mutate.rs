//! Good messages made bad: by their structure where they have one, else by their bytes.

use crate::corpus::Seed;
use serde_json::{Map, Value};

/// What a part that is repeated may come to, in bytes: repeated again and again it would grow beyond every machine, and
/// is cut off in the end anyway.
const REPEATED_BYTES_MAX: usize = 256 << 10;

/// A source of chance that gives the same from the same seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// From 0 up to, not including, `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() >> 1).unwrap_or(0) % n.max(1)
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// A mutant and the topic that it is sent on.
pub(crate) fn message(seeds: &[Seed], dice: &mut Dice, bytes_max: usize) -> (String, Vec<u8>) {
    let seed = dice.pick(seeds);
    let mut topic = seed.topic.clone();
    if dice.one_in(24) {
        topic = dice.pick(seeds).topic.clone();
    } else if dice.one_in(32) {
        topic = odd_topic(&topic, dice);
    }
    let mut payload = match serde_json::from_slice::<Value>(&seed.payload) {
        Ok(mut value) if !dice.one_in(6) => {
            for _ in 0..=dice.below(4) {
                tree(&mut value, seeds, dice);
            }
            let mut text = value.to_string();
            if dice.one_in(8) {
                text = twice(&text, dice);
            }
            text.into_bytes()
        }
        Ok(_) | Err(_) => seed.payload.clone(),
    };
    if dice.one_in(3) {
        for _ in 0..=dice.below(3) {
            bytes(&mut payload, seeds, dice);
        }
    }
    payload.truncate(bytes_max);
    (topic, payload)
}

fn odd_topic(topic: &str, dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => format!("{topic}/{}", "x/".repeat(dice.below(80))),
        1 => topic.replace('/', "//"),
        2 => topic.chars().map(|c| if dice.one_in(8) { '\u{202e}' } else { c }).collect(),
        3 => format!("{topic}{}", "é".repeat(dice.below(200))),
        _ => topic.split('/').rev().collect::<Vec<_>>().join("/"),
    }
}

/// One change somewhere in the tree.
fn tree(value: &mut Value, seeds: &[Seed], dice: &mut Dice) {
    let deeper = !dice.one_in(4);
    match value {
        Value::Object(fields) if deeper && !fields.is_empty() => {
            let key = dice.below(fields.len());
            if let Some((_, field)) = fields.iter_mut().nth(key) {
                tree(field, seeds, dice);
            }
        }
        Value::Array(items) if deeper && !items.is_empty() => {
            let at = dice.below(items.len());
            tree(&mut items[at], seeds, dice);
        }
        Value::String(text) if deeper && text.starts_with(['{', '[']) => {
            // JSON in a string has a structure too.
            if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                tree(&mut inner, seeds, dice);
                *text = inner.to_string();
            }
        }
        Value::String(text) if deeper => *text = bent(text, dice),
        Value::Object(fields) => object(fields, seeds, dice),
        Value::Array(items) => array(items, dice),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => *value = odd_value(seeds, dice),
    }
}

fn object(fields: &mut Map<String, Value>, seeds: &[Seed], dice: &mut Dice) {
    let keys: Vec<String> = fields.keys().cloned().collect();
    match dice.below(6) {
        0 | 1 if !keys.is_empty() => {
            fields.remove(dice.pick(&keys));
        }
        2 if !keys.is_empty() => {
            let found = fields.remove(dice.pick(&keys)).unwrap_or_default();
            fields.insert(odd_text(dice), found);
        }
        3 if keys.len() > 1 => {
            let (a, b) = (dice.pick(&keys).clone(), dice.pick(&keys).clone());
            if let (Some(x), Some(y)) = (fields.remove(&a), fields.remove(&b)) {
                fields.insert(a, y);
                fields.insert(b, x);
            }
        }
        4 => {
            let count = dice.below(600);
            fields.extend((0..count).map(|n| (format!("k{n}"), Value::from(n))));
        }
        _ => {
            fields.insert(odd_text(dice), odd_value(seeds, dice));
        }
    }
}

fn array(items: &mut Vec<Value>, dice: &mut Dice) {
    match dice.below(4) {
        0 => items.clear(),
        1 if !items.is_empty() => {
            let one = dice.pick(items).clone();
            let count = dice.below(400).min(REPEATED_BYTES_MAX / one.to_string().len().max(1));
            items.extend(std::iter::repeat_n(one, count));
        }
        2 => items.reverse(),
        _ => items.push(Value::Null),
    }
}

fn odd_value(seeds: &[Seed], dice: &mut Dice) -> Value {
    match dice.below(14) {
        0 => Value::Null,
        1 => Value::Bool(dice.one_in(2)),
        2 => Value::from(0),
        3 => Value::from(-1),
        4 => Value::from(u64::MAX),
        5 => Value::from(1e308),
        6 => Value::from(f64::MIN_POSITIVE),
        7 => Value::from(1_772_413_140_123_u64),
        8 => (0..dice.below(80)).fold(Value::Null, |inside, _| Value::Array(vec![inside])),
        9 => Value::Object(Map::new()),
        10 => Value::from(String::from_utf8_lossy(&dice.pick(seeds).payload).into_owned()),
        11 => Value::from("AAECAwQFBgcICQoLDA0ODw".repeat(dice.below(200))),
        12 => Value::from(vec![Value::from("x"); dice.below(50)]),
        _ => Value::from(odd_text(dice)),
    }
}

fn odd_text(dice: &mut Dice) -> String {
    const TEXTS: [&str; 18] = [
        "",
        " ",
        "undefined",
        "NaN",
        "-1",
        "1e999",
        "0x",
        "true",
        "OPEN",
        "2026-02-30T25:00:00Z",
        "1970-01-01T00:00:00Z",
        "\0",
        "\u{202e}",
        "\u{1f600}",
        "<a><b/></a>",
        "a=1;b=2&&c~3",
        "====",
        "data:image/png;base64,iVBORw0KGgo=",
    ];
    match dice.below(4) {
        0 => "x".repeat(dice.below(3000)),
        1 => "\\u0061".repeat(dice.below(300)),
        _ => (*dice.pick(&TEXTS)).to_owned(),
    }
}

/// A text with something cut out, doubled or changed.
fn bent(text: &str, dice: &mut Dice) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (a, b) = (dice.below(chars.len() + 1), dice.below(chars.len() + 1));
    let (from, until) = (a.min(b), a.max(b));
    let part = |from: usize, until: usize| chars[from..until].iter().collect::<String>();
    match dice.below(6) {
        0 => part(from, until),
        1 => part(0, from) + &part(until, chars.len()),
        2 => {
            part(0, until)
                + &part(from, until).repeat(dice.below(60).min(REPEATED_BYTES_MAX / chars.len().max(1)))
                + &part(until, chars.len())
        }
        3 => chars.iter().map(|c| if dice.one_in(10) { '<' } else { *c }).collect(),
        4 => text.to_uppercase(),
        _ => part(0, from) + &odd_text(dice) + &part(from, chars.len()),
    }
}

/// One of its keys a second time.
fn twice(text: &str, dice: &mut Dice) -> String {
    let colons: Vec<usize> = text.match_indices("\":").map(|(at, _)| at).collect();
    if colons.is_empty() {
        return text.to_owned();
    }
    let end = *dice.pick(&colons);
    let start = text[..end].rfind('"').unwrap_or(0);
    let key = text[start..end].to_owned();
    format!("{}{key}\":1,{}", &text[..start], &text[start..])
}

fn bytes(payload: &mut Vec<u8>, seeds: &[Seed], dice: &mut Dice) {
    let at = dice.below(payload.len() + 1);
    match dice.below(7) {
        0 => payload.truncate(at),
        1 if at < payload.len() => payload[at] ^= 1 << dice.below(8),
        2 => payload.insert(at, *dice.pick(b"\"\\{}[],:<>&;=#\0\x80\xff%0")),
        3 if at < payload.len() => {
            let until = (at + dice.below(40)).min(payload.len());
            payload.drain(at..until);
        }
        4 => {
            let other = &dice.pick(seeds).payload;
            let from = dice.below(other.len() + 1);
            payload.splice(at.., other[from..].iter().copied());
        }
        5 => {
            let until = (at + dice.below(64)).min(payload.len());
            let again = payload[at..until].repeat(dice.below(500));
            payload.splice(at..at, again);
        }
        _ => {
            let opening = *dice.pick(b"[{<\"");
            payload.splice(at..at, std::iter::repeat_n(opening, dice.below(3000)));
        }
    }
}

/// A message at about `bytes` and four times that, by repeating a part of it.
pub(crate) fn grown(seeds: &[Seed], dice: &mut Dice, bytes: usize) -> Option<(String, Vec<u8>, Vec<u8>)> {
    let seed = dice.pick(seeds);
    let payload = &seed.payload;
    if payload.len() < 8 {
        return None;
    }
    let (a, b) = (dice.below(payload.len()), dice.below(payload.len()));
    let (from, until) = (a.min(b), a.max(b) + 1);
    // Repeating from a comma to a comma keeps many formats whole.
    let comma = |at: usize| payload[..at].iter().rposition(|byte| matches!(byte, b',' | b';'));
    let (from, until) = match (comma(from), comma(until)) {
        (Some(from), Some(until)) if from < until && dice.one_in(2) => (from, until),
        _ => (from, until),
    };
    let part = &payload[from..until];
    let times = |bytes: usize| {
        let repeated = part.repeat(bytes / part.len());
        [&payload[..from], &repeated, &payload[from..]].concat()
    };
    Some((seed.topic.clone(), times(bytes), times(4 * bytes)))
}

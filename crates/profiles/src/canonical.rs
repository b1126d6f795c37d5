//! Wanglou's own format: what an integrator or a simulator publishes when no vendor's format is given.
//!
//! Topic `wanglou/v1/in/<device>`, body one observation of the vocabulary or a list of them:
//!
//! ```json
//! {"device":"cover-17","kind":"cover","value":{"tilt_deg":22.5},"at_device":"2026-03-02T09:00:00+08:00"}
//! ```
//!
//! Unlike a vendor's format, which is taken as it comes, this one is strict: a wrong type or an unknown field is
//! refused by name, because its author is there to correct it. Only a kind that this build does not know yet
//! is let through, as `unknown`. The format is described for integrators in `docs/canonical.md`.

use crate::decode::{Incoming, Outcome, check_device, utf8};
use crate::json::{Elements, Pointer, Token, TokenKind, Trie, scan};
use crate::kinds::{FIELDS_MAX, Field, Kind, Values};
use crate::limits::{Budget, TEXT_BYTES_MAX};
use crate::time::DeviceTime;
use crate::value::{FieldType, Value, evidence_of, finite, shown, text_of};
use std::sync::{Arc, LazyLock};
use wanglou_model::{Evidence, Observation, Reading, Repeats, Timestamp, rfc3339_micros};

/// The fields of an observation, in the order of their slots.
const ENVELOPE: [&str; 8] =
    ["device", "kind", "value", "at_device", "event", "sequence", "evidence", "quality"];
/// The fields of a picture or clip, in the order of their slots.
const EVIDENCE: [&str; 3] = ["uri", "sha256", "bytes"];

static ROOT: LazyLock<Trie> = LazyLock::new(|| closed(&[]));
static WHOLE: LazyLock<Trie> = LazyLock::new(|| {
    let mut trie = Trie::default();
    let slot = trie.slot(&Pointer::default());
    debug_assert_eq!(slot, Ok(0));
    trie.seal();
    trie
});
static ENVELOPE_TRIE: LazyLock<Trie> = LazyLock::new(|| closed(&ENVELOPE));
static EVIDENCE_TRIE: LazyLock<Trie> = LazyLock::new(|| closed(&EVIDENCE));
static VALUE_TRIES: LazyLock<Vec<Trie>> = LazyLock::new(|| {
    let names = |kind: &Kind| kind.schema().fields.iter().map(|field| field.name).collect::<Vec<_>>();
    Kind::ALL.iter().map(|kind| closed(&names(kind))).collect()
});

/// A trie of an object's keys that lets no other key pass. Slots are in the order of the names.
fn closed(names: &[&str]) -> Trie {
    let mut trie = Trie::default();
    for name in names {
        // A handful of short names always has room.
        let slot = trie.slot(&Pointer(vec![(*name).to_owned()]));
        debug_assert!(slot.is_ok(), "{name}");
    }
    if !names.is_empty() {
        trie.close();
    }
    trie.seal();
    trie
}

/// Decodes a message whose topic named the device in its first capture.
pub(crate) fn decode(message: &Incoming<'_>) -> Outcome {
    match all(message) {
        Ok(observations) => Outcome::Observations(observations),
        Err(reason) => Outcome::Rejected(reason),
    }
}

fn all(message: &Incoming<'_>) -> Result<Vec<Observation>, String> {
    let text = utf8(message.payload)?.trim();
    if !text.starts_with('[') {
        let mut slots = [Token::ABSENT; ENVELOPE.len()];
        scan(text, &ENVELOPE_TRIE, &mut slots).map_err(|malformed| malformed.to_string())?;
        if !text.starts_with('{') {
            return Err("an observation is an object, or a list of objects".into());
        }
        return Ok(vec![observation(message, &slots)?]);
    }
    // First all of it, so that nothing of a malformed list is taken.
    scan(text, &ROOT, &mut []).map_err(|malformed| malformed.to_string())?;
    list(message, text)
}

fn list(message: &Incoming<'_>, text: &str) -> Result<Vec<Observation>, String> {
    let mut budget = Budget::of(text.len());
    let mut elements = Elements::new(text);
    let mut out = vec![];
    loop {
        let mut slots = [Token::ABSENT; ENVELOPE.len()];
        let numbered = |reason: String| format!("observation {}: {reason}", out.len() + 1);
        let more =
            elements.next(&ENVELOPE_TRIE, &mut slots).map_err(|malformed| numbered(malformed.to_string()))?;
        if !more {
            break;
        }
        // Each text of it stands in the body once, so that its size alone counts.
        budget.spend(size_of::<Observation>())?;
        let found = observation(message, &slots).map_err(numbered)?;
        out.push(found);
    }
    match out.is_empty() {
        true => Err("an empty list".into()),
        false => Ok(out),
    }
}

fn observation(message: &Incoming<'_>, slots: &[Token<'_>; ENVELOPE.len()]) -> Result<Observation, String> {
    let [device, kind, value, at_device, event, sequence, evidence, quality] = slots;
    let device = text(device, "device")?;
    check_device(&device).map_err(|reason| format!("device: {reason}"))?;
    let topic_device = message.captures.value(0);
    if device != topic_device {
        return Err(format!("device: the body says {device:?}, the topic {topic_device:?}"));
    }
    let time = match optional(at_device) {
        None => DeviceTime::None,
        Some(token) => DeviceTime::At(time(token, "at_device")?),
    };
    let (replayed, test) = match optional(quality).map(|token| text(token, "quality")).transpose()?.as_deref()
    {
        None | Some("ok") => (false, false),
        Some("replayed") => (true, false),
        Some("test") => (false, true),
        Some(other) => {
            return Err(format!("quality: \"replayed\" or \"test\", or leave it out; not {other:?}"));
        }
    };
    Ok(Observation {
        reading: reading(&text(kind, "kind")?, value)?,
        at_device: time.at(),
        quality: time.quality(message.at, replayed, test),
        event: optional(event).map(|token| text(token, "event")).transpose()?,
        sequence: optional(sequence).map(sequence_of).transpose()?,
        evidence: optional(evidence).map(|token| evidences(token)).transpose()?.unwrap_or_default(),
        repeats: Repeats::Count,
        profile: Arc::clone(message.profile),
        device,
    })
}

/// null is as good as absent, where a field may be absent.
fn optional<'t, 'a>(token: &'t Token<'a>) -> Option<&'t Token<'a>> {
    (!token.is_absent() && !token.is_null()).then_some(token)
}

fn text(token: &Token<'_>, name: &str) -> Result<String, String> {
    match token.kind {
        TokenKind::Absent => Err(format!("{name}: missing")),
        TokenKind::Text | TokenKind::EscapedText => match text_of(token) {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) => Err(format!("{name}: empty")),
            None => Err(format!("{name}: longer than {TEXT_BYTES_MAX} bytes, or half of a surrogate pair")),
        },
        TokenKind::Null
        | TokenKind::True
        | TokenKind::False
        | TokenKind::Number
        | TokenKind::Array
        | TokenKind::Object => Err(format!("{name}: text expected, not {}", shown(token))),
    }
}

fn time(token: &Token<'_>, name: &str) -> Result<Timestamp, String> {
    let text = text(token, name)?;
    rfc3339_micros::parse(&text)
        .ok_or_else(|| format!("{name}: an RFC 3339 time with its offset expected, not {text:?}"))
}

fn sequence_of(token: &Token<'_>) -> Result<u64, String> {
    let wrong = || format!("sequence: a whole number from 0 expected, not {}", shown(token));
    if token.kind != TokenKind::Number {
        return Err(wrong());
    }
    token.text.parse().map_err(|_| wrong())
}

fn reading(name: &str, value: &Token<'_>) -> Result<Reading, String> {
    let Some(number) = Kind::ALL.iter().position(|kind| kind.schema().name == name) else {
        return Ok(Reading::Unknown { raw: format!("kind {name:?}: {}", shown(value)) });
    };
    let (kind, trie) = (Kind::ALL[number], &VALUE_TRIES[number]);
    let schema = kind.schema();
    let mut slots = [Token::ABSENT; FIELDS_MAX];
    let slots = &mut slots[..trie.slots()];
    match value.kind {
        TokenKind::Object => scan(value.text, trie, slots)
            .map_err(|malformed| format!("value: {malformed}; {name} has {}", schema.field_names()))?,
        TokenKind::Absent | TokenKind::Null if schema.fields.is_empty() => {}
        TokenKind::Absent => return Err(format!("value: missing; {name} has {}", schema.field_names())),
        TokenKind::Null
        | TokenKind::True
        | TokenKind::False
        | TokenKind::Number
        | TokenKind::Text
        | TokenKind::EscapedText
        | TokenKind::Array => return Err(format!("value: an object expected, not {}", shown(value))),
    }
    let mut values: Values = [const { None }; FIELDS_MAX];
    for ((slot, field), value) in slots.iter().zip(schema.fields).zip(&mut values) {
        if let Some(token) = optional(slot) {
            *value = Some(strict(token, field)?);
        }
    }
    if values.iter().all(Option::is_none) && !schema.fields.is_empty() {
        return Err(format!("value: empty; {name} has {}", schema.field_names()));
    }
    kind.build(&mut values).map_err(|field| format!("value.{field}: missing"))
}

/// A field's value, exactly as its type is written in JSON.
fn strict(token: &Token<'_>, field: &Field) -> Result<Value, String> {
    let name = format!("value.{}", field.name);
    let wrong = |what: &str| Err(format!("{name}: {what} expected, not {}", shown(token)));
    match field.ty {
        FieldType::Flag if token.kind == TokenKind::True => Ok(Value::Flag(true)),
        FieldType::Flag if token.kind == TokenKind::False => Ok(Value::Flag(false)),
        FieldType::Flag => wrong("true or false"),
        FieldType::Whole { min, max } => match token.text.parse::<i64>() {
            Ok(whole) if token.kind == TokenKind::Number && (min..=max).contains(&whole) => {
                Ok(Value::Whole(whole))
            }
            Ok(_) | Err(_) => wrong(&format!("a whole number from {min} to {max}")),
        },
        FieldType::Number => match finite(token.text) {
            Some(number) if token.kind == TokenKind::Number => Ok(Value::Number(number)),
            Some(_) | None => wrong("a finite number"),
        },
        FieldType::Text => text(token, &name).map(Value::Text),
        FieldType::Choice(names) => {
            let found = text(token, &name)?;
            let at = names.iter().position(|name| *name == found).and_then(|at| u8::try_from(at).ok());
            at.map_or_else(|| wrong(&format!("one of {}", names.join(", "))), |at| Ok(Value::Choice(at)))
        }
        FieldType::Time => time(token, &name).map(Value::Time),
        FieldType::Evidence => evidence(token, &name).map(|evidence| Value::Evidence(Box::new(evidence))),
    }
}

fn evidences(token: &Token<'_>) -> Result<Vec<Evidence>, String> {
    if token.kind != TokenKind::Array {
        return Err(format!("evidence: a list expected, not {}", shown(token)));
    }
    let mut elements = Elements::new(token.text);
    let mut out = vec![];
    loop {
        let mut slots = [Token::ABSENT];
        if !elements.next(&WHOLE, &mut slots).map_err(|malformed| format!("evidence: {malformed}"))? {
            return Ok(out);
        }
        if out.len() == 16 {
            return Err("evidence: at most 16 pieces".into());
        }
        let one = evidence(&slots[0], &format!("evidence[{}]", out.len()))?;
        out.push(one);
    }
}

fn evidence(token: &Token<'_>, name: &str) -> Result<Evidence, String> {
    if token.kind != TokenKind::Object {
        return Err(format!("{name}: an object with uri, sha256 or bytes expected, not {}", shown(token)));
    }
    let mut slots = [Token::ABSENT; EVIDENCE.len()];
    scan(token.text, &EVIDENCE_TRIE, &mut slots).map_err(|malformed| format!("{name}: {malformed}"))?;
    let [uri, sha256, bytes] = &slots;
    let uri = optional(uri).map(|token| address(token, name)).transpose()?;
    let sha256 = optional(sha256).map(|token| digest(token, name)).transpose()?;
    let wrong = |token: &Token<'_>| format!("{name}.bytes: a whole number expected, not {}", shown(token));
    let bytes =
        optional(bytes).map(|token| token.text.parse::<u64>().map_err(|_| wrong(token))).transpose()?;
    if uri.is_none() && sha256.is_none() {
        return Err(format!("{name}: uri or sha256 is missing"));
    }
    Ok(Evidence { uri, sha256, bytes })
}

fn address(token: &Token<'_>, name: &str) -> Result<String, String> {
    let found = evidence_of(token).and_then(|evidence| evidence.uri);
    found.ok_or_else(|| format!("{name}.uri: an address expected, not {}", shown(token)))
}

fn digest(token: &Token<'_>, name: &str) -> Result<String, String> {
    let found = text(token, &format!("{name}.sha256"))?;
    let hex = found.len() == 64 && found.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match hex {
        true => Ok(found),
        false => Err(format!("{name}.sha256: 64 lower-case hexadecimal digits expected")),
    }
}

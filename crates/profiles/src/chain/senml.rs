//! SenML in JSON (RFC 8428): records inherit from the ones before them.
//!
//! ```text
//! [{"bn":"urn:dev:7:","bt":1772437269,"n":"door","vb":true},{"n":"battery","u":"%EL","t":-5,"v":14}]
//! [{"name":"urn:dev:7:door","base":"urn:dev:7:","own":"door","value":true,"time":1772437269},
//!  {"name":"urn:dev:7:battery","base":"urn:dev:7:","own":"battery","unit":"%EL","value":14,"time":1772437264}]
//! ```
//!
//! `time` is seconds since 1970; a record without any time has none. Base values and sums are added.

use super::{Context, Out};
use crate::json::{Elements, Pointer, Token, TokenKind, Trie, scan};
use crate::value::{finite, shown};
use std::sync::LazyLock;

const KEYS: [&str; 14] = ["bn", "bt", "bu", "bv", "bs", "bver", "n", "u", "v", "vs", "vb", "vd", "s", "t"];

static TRIE: LazyLock<Trie> = LazyLock::new(|| {
    let mut trie = Trie::default();
    for key in KEYS {
        let slot = trie.slot(&Pointer(vec![key.to_owned()]));
        debug_assert!(slot.is_ok(), "{key}");
    }
    trie.seal();
    trie
});
static ROOT: LazyLock<Trie> = LazyLock::new(|| {
    let mut trie = Trie::default();
    trie.seal();
    trie
});

/// The version of SenML that RFC 8428 describes, and the latest that may be read as it.
const VERSION_MAX: f64 = 10.0;
/// Times below this are relative to now (RFC 8428, section 4.5.3).
const RELATIVE_BELOW: f64 = 268_435_456.0;

/// What later records inherit.
#[derive(Default)]
struct Base<'a> {
    name: Option<Token<'a>>,
    unit: Option<Token<'a>>,
    time: f64,
    dated: bool,
    value: Option<f64>,
    sum: Option<f64>,
}

pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Vec<u8>, String> {
    let text = super::utf8(bytes)?.trim();
    scan(text, &ROOT, &mut []).map_err(|malformed| malformed.to_string())?;
    if !text.starts_with('[') {
        return Err("SenML is a list of records".into());
    }
    let now = context.at.0 as f64 / 1e6;
    let mut out = context.out();
    let mut base = Base::default();
    let mut elements = Elements::new(text);
    out.raw("[");
    loop {
        let mut slots = [Token::ABSENT; KEYS.len()];
        if !elements.next(&TRIE, &mut slots).map_err(|malformed| malformed.to_string())? || out.is_over() {
            break;
        }
        record(&slots, &mut base, now, &mut out)?;
    }
    out.raw("]");
    out.finish()
}

fn record<'a>(
    slots: &[Token<'a>; KEYS.len()],
    base: &mut Base<'a>,
    now: f64,
    out: &mut Out,
) -> Result<(), String> {
    let [bn, bt, bu, bv, bs, bver, n, u, v, vs, vb, vd, s, t] = slots;
    if number(bver, "bver")?.is_some_and(|version| version > VERSION_MAX) {
        return Err(format!("SenML of version {}: only up to {VERSION_MAX} is known", bver.text));
    }
    base.name = present(bn).or(base.name);
    base.unit = present(bu).or(base.unit);
    if let Some(time) = number(bt, "bt")? {
        (base.time, base.dated) = (time, true);
    }
    base.value = number(bv, "bv")?.or(base.value);
    base.sum = number(bs, "bs")?.or(base.sum);
    let values = [v, vs, vb, vd];
    if values.iter().all(|token| token.is_absent()) && s.is_absent() {
        // A record of base fields alone.
        return Ok(());
    }
    out.comma();
    out.raw("{\"name\":\"");
    let base_name = base.name.filter(|name| is_text(name));
    for name in [base_name, present(n).filter(is_text)].into_iter().flatten() {
        // What stands between quotes in the one text may stand between quotes in the other.
        out.raw(name.text);
    }
    out.raw("\"");
    for (key, token) in [("base", base_name), ("own", present(n)), ("unit", present(u).or(base.unit))] {
        if let Some(token) = token.filter(is_text) {
            out.key(key);
            out.raw("\"");
            out.raw(token.text);
            out.raw("\"");
        }
    }
    value(values, base.value, out)?;
    if let Some(sum) = number(s, "s")? {
        out.key("sum");
        out.raw(&(sum + base.sum.unwrap_or(0.0)).to_string());
    }
    let own = number(t, "t")?;
    if base.dated || own.is_some() {
        let time = base.time + own.unwrap_or(0.0);
        out.key("time");
        out.raw(&(if time < RELATIVE_BELOW { now + time } else { time }).to_string());
    }
    out.raw("}");
    Ok(())
}

fn value(values: [&Token<'_>; 4], base: Option<f64>, out: &mut Out) -> Result<(), String> {
    let [v, vs, vb, vd] = values;
    if let Some(base) = base.filter(|_| !v.is_absent()) {
        out.key("value");
        out.raw(&(base + number(v, "v")?.unwrap_or(0.0)).to_string());
        return Ok(());
    }
    let found = [v, vs, vb, vd].into_iter().find(|token| !token.is_absent());
    let Some(token) = found else { return Ok(()) };
    out.key("value");
    match token.kind {
        TokenKind::Text | TokenKind::EscapedText => {
            out.raw("\"");
            out.raw(token.text);
            out.raw("\"");
        }
        TokenKind::Null
        | TokenKind::True
        | TokenKind::False
        | TokenKind::Number
        | TokenKind::Array
        | TokenKind::Object => out.raw(token.text),
        TokenKind::Absent => {}
    }
    Ok(())
}

fn present<'a>(token: &Token<'a>) -> Option<Token<'a>> {
    (!token.is_absent()).then_some(*token)
}

fn is_text(token: &Token<'_>) -> bool {
    matches!(token.kind, TokenKind::Text | TokenKind::EscapedText)
}

fn number(token: &Token<'_>, name: &str) -> Result<Option<f64>, String> {
    match token.kind {
        TokenKind::Absent => Ok(None),
        TokenKind::Number => finite(token.text).map(Some).ok_or_else(|| format!("{name}: {}", shown(token))),
        TokenKind::Null
        | TokenKind::True
        | TokenKind::False
        | TokenKind::Text
        | TokenKind::EscapedText
        | TokenKind::Array
        | TokenKind::Object => Err(format!("{name}: a number expected, not {}", shown(token))),
    }
}

//! A value as it stands in the text.

use std::borrow::Cow;

/// What kind of value a [`Token`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// Nothing stands there.
    Absent,
    Null,
    True,
    False,
    Number,
    /// A string without escapes: its text is its value.
    Text,
    /// A string with escapes.
    EscapedText,
    Array,
    Object,
}

/// A value of the body, borrowed. For strings the text is what stands between the quotes, for everything else
/// all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind,
    pub(crate) text: &'a str,
}

impl<'a> Token<'a> {
    /// Nothing stands there.
    pub(crate) const ABSENT: Token<'static> = Token { kind: TokenKind::Absent, text: "" };

    /// A body that is text, not JSON.
    pub(crate) fn of_text(text: &'a str) -> Self {
        Token { kind: TokenKind::Text, text }
    }

    pub(crate) fn is_absent(&self) -> bool {
        self.kind == TokenKind::Absent
    }

    pub(crate) fn is_null(&self) -> bool {
        self.kind == TokenKind::Null
    }

    /// A string's value, a number's digits, `true` or `false`; `None` for null, objects, arrays, absence, and
    /// strings that name half of a surrogate pair.
    pub(crate) fn scalar(&self) -> Option<Cow<'a, str>> {
        match self.kind {
            TokenKind::Text | TokenKind::Number | TokenKind::True | TokenKind::False => {
                Some(Cow::Borrowed(self.text))
            }
            TokenKind::EscapedText => unescape(self.text).map(Cow::Owned),
            TokenKind::Absent | TokenKind::Null | TokenKind::Array | TokenKind::Object => None,
        }
    }
}

/// The value of a string whose escapes the scanner has checked. `None` for a lone surrogate.
pub(crate) fn unescape(inside: &str) -> Option<String> {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = *rest.as_bytes().get(at + 1)?;
        rest = rest.get(at + 2..)?;
        match code {
            b'b' => out.push('\u{8}'),
            b'f' => out.push('\u{c}'),
            b'n' => out.push('\n'),
            b'r' => out.push('\r'),
            b't' => out.push('\t'),
            b'u' => {
                let (found, used) = unescape_u(rest)?;
                out.push(found);
                rest = rest.get(used..)?;
            }
            other => out.push(char::from(other)),
        }
    }
    out.push_str(rest);
    Some(out)
}

/// The character after `\u`, and how many bytes of `rest` it took.
fn unescape_u(rest: &str) -> Option<(char, usize)> {
    let unit = |from: usize| u32::from_str_radix(rest.get(from..from + 4)?, 16).ok();
    let first = unit(0)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first)?, 4));
    }
    if rest.get(4..6)? != "\\u" {
        return None;
    }
    let second = unit(6)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let joined = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(joined)?, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_what_rfc_8259_says_and_half_a_pair_is_nothing() {
        let value = |inside| unescape(inside);
        assert_eq!(value(r#"a\"\\\/\n\t\u0041"#).as_deref(), Some("a\"\\/\n\tA"));
        assert_eq!(value(r"\ud83d\ude00!").as_deref(), Some("😀!"));
        for half in [r"\ud83d", r"\ud83dx", r"\ud83d\u0041", r"\ude00"] {
            assert_eq!(value(half), None, "{half}");
        }
    }
}

//! What a token says, as a number, a flag, a text, an address.

use crate::json::{Token, TokenKind};
use crate::limits::{RAW_BYTES_MAX, TEXT_BYTES_MAX};

/// Doubles hold every whole number up to here.
pub(super) const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// `27` of `27`, `27.0` and `27.000`; `None` when there is a real fraction or an exponent.
pub(crate) fn whole_digits(number: &str) -> Option<&str> {
    match number.split_once('.') {
        None => number.bytes().all(|b| b.is_ascii_digit() || b == b'-').then_some(number),
        Some((whole, fraction)) => fraction.bytes().all(|b| b == b'0').then_some(whole),
    }
}

/// A finite number in plain decimal or with an exponent. `inf`, `nan` and numbers beyond a double are none.
pub(crate) fn finite(text: &str) -> Option<f64> {
    if !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E')) {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// The number that a token says, as a JSON number or as text. true is 1, false is 0 nowhere: a flag is no number.
pub(crate) fn number_of(token: &Token<'_>) -> Option<f64> {
    match token.kind {
        TokenKind::Number => finite(token.text),
        TokenKind::Text => finite(token.text.trim()),
        TokenKind::Absent
        | TokenKind::Null
        | TokenKind::True
        | TokenKind::False
        | TokenKind::EscapedText
        | TokenKind::Array
        | TokenKind::Object => None,
    }
}

/// The whole number that a token says; all digits count.
pub(crate) fn whole_of(token: &Token<'_>) -> Option<i64> {
    let text = match token.kind {
        TokenKind::Number => token.text,
        TokenKind::Text => token.text.trim(),
        TokenKind::Absent
        | TokenKind::Null
        | TokenKind::True
        | TokenKind::False
        | TokenKind::EscapedText
        | TokenKind::Array
        | TokenKind::Object => return None,
    };
    if let Some(whole) = whole_digits(text).and_then(|digits| digits.parse().ok()) {
        return Some(whole);
    }
    whole_from(finite(text)?)
}

/// A double that is a whole number, if it is one and exact.
pub(crate) fn whole_from(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2^53")]
    (number.fract() == 0.0 && number.abs() <= EXACT_MAX).then_some(number as i64)
}

/// true and false in the spellings that everybody uses: true, on, yes, 1 and their opposites, in any case, as
/// text, number or JSON literal.
pub(crate) fn flag_of(token: &Token<'_>) -> Option<bool> {
    match token.kind {
        TokenKind::True => Some(true),
        TokenKind::False => Some(false),
        TokenKind::Number => match whole_digits(token.text)? {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        },
        TokenKind::Text => flag_word(token.text.trim()),
        TokenKind::Absent
        | TokenKind::Null
        | TokenKind::EscapedText
        | TokenKind::Array
        | TokenKind::Object => None,
    }
}

fn flag_word(word: &str) -> Option<bool> {
    let is = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is(&["true", "on", "yes", "1"]) {
        return Some(true);
    }
    is(&["false", "off", "no", "0"]).then_some(false)
}

/// The text that a token says; `None` when it is no scalar or longer than [`TEXT_BYTES_MAX`].
pub(crate) fn text_of(token: &Token<'_>) -> Option<String> {
    if token.text.len() > TEXT_BYTES_MAX {
        return None;
    }
    token.scalar().map(std::borrow::Cow::into_owned)
}

/// The address of a picture or clip; `None` for anything else, such as the picture itself in base64.
pub(crate) fn evidence_of(token: &Token<'_>) -> Option<wanglou_model::Evidence> {
    let uri = text_of(token)?;
    // A JPEG in base64 begins with a slash too; it holds neither a dot nor a question mark.
    let address = uri.contains("://") || (uri.starts_with('/') && uri.contains(['.', '?']));
    let clean = !uri.chars().any(|c| c.is_control() || c == ' ');
    (address && clean).then_some(wanglou_model::Evidence { uri: Some(uri), sha256: None, bytes: None })
}

/// A raw value as people are shown it: cut after [`RAW_BYTES_MAX`] bytes.
pub(crate) fn shown(token: &Token<'_>) -> String {
    match token.kind {
        TokenKind::Absent => "absent".into(),
        TokenKind::Text | TokenKind::EscapedText => format!("\"{}\"", cut(token.text)),
        TokenKind::Null
        | TokenKind::True
        | TokenKind::False
        | TokenKind::Number
        | TokenKind::Array
        | TokenKind::Object => cut(token.text).into(),
    }
}

/// At most [`RAW_BYTES_MAX`] bytes of a text, cut between characters.
pub(crate) fn cut(text: &str) -> std::borrow::Cow<'_, str> {
    if text.len() <= RAW_BYTES_MAX {
        return text.into();
    }
    let mut end = RAW_BYTES_MAX;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… ({} bytes)", &text[..end], text.len()).into()
}

//! Values that a profile compares the body with.

use super::read::{EXACT_MAX, finite, whole_digits};
use crate::json::{Token, TokenKind};

/// A value written in a profile, to compare the body with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Flag(bool),
    /// A number and its text, so that long ids are compared digit by digit.
    Number {
        value: f64,
        text: String,
    },
    Text(String),
}

/// Does the case of letters count?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Case {
    Exact,
    Ignore,
}

impl Literal {
    /// Is it what the body says? Loose about how the vendor wrote it: 37, 37.0 and "37" are equal, and so are
    /// true and "true".
    pub(crate) fn equals(&self, token: &Token<'_>, case: Case) -> bool {
        match (self, token.kind) {
            (Literal::Flag(flag), TokenKind::True | TokenKind::False) => {
                *flag == (token.kind == TokenKind::True)
            }
            (Literal::Flag(flag), TokenKind::Text) => {
                token.text.trim().eq_ignore_ascii_case(if *flag { "true" } else { "false" })
            }
            (Literal::Number { value, text }, TokenKind::Number | TokenKind::Text) => {
                same_number(token.text.trim(), *value, text)
            }
            (Literal::Text(text), TokenKind::Text) => same_text(text, token.text, case),
            // An escape has at most six bytes for one of the text: a longer token need not be unescaped.
            (Literal::Text(text), TokenKind::EscapedText) if token.text.len() <= text.len() * 6 => {
                token.scalar().is_some_and(|found| same_text(text, &found, case))
            }
            (Literal::Text(text), TokenKind::Number) => {
                same_text(text, whole_digits(token.text).unwrap_or(token.text), case)
            }
            (Literal::Text(text), TokenKind::True | TokenKind::False) => same_text(text, token.text, case),
            (
                Literal::Flag(_) | Literal::Number { .. } | Literal::Text(_),
                TokenKind::Absent
                | TokenKind::Null
                | TokenKind::Array
                | TokenKind::Object
                | TokenKind::EscapedText
                | TokenKind::Number
                | TokenKind::True
                | TokenKind::False,
            ) => false,
        }
    }
}

fn same_text(a: &str, b: &str, case: Case) -> bool {
    match case {
        Case::Exact => a == b,
        Case::Ignore => a.eq_ignore_ascii_case(b),
    }
}

fn same_number(found: &str, value: f64, text: &str) -> bool {
    if found == text {
        return true;
    }
    value.abs() < EXACT_MAX && finite(found) == Some(value)
}

//! One pass over a text, driven by a trie.

use super::lex::{Scanner, Step};
use super::malformed::{Malformed, What};
use super::token::{Token, TokenKind, unescape};
use super::trie::Trie;
use crate::value::cut;

/// Walks `text`, which must be one JSON value, and puts what the trie names into `out`, whose length is
/// `trie.slots()` and which the caller has set to [`Token::ABSENT`].
///
/// Time is linear in the text; nothing is allocated unless a key has escapes.
///
/// # Errors
/// [`Malformed`] when the text is not JSON, is too deep, or repeats a key that the trie goes through.
pub(crate) fn scan<'a>(text: &'a str, trie: &Trie, out: &mut [Token<'a>]) -> Step<()> {
    let mut scanner = Scanner::new(text);
    scanner.space();
    scanner.visit(trie, 0, out)?;
    scanner.space();
    match scanner.at == text.len() {
        true => Ok(()),
        false => scanner.fail(What::Trailing),
    }
}

/// The elements of an array, or the values of an object, that [`scan`] found, one after the other.
pub(crate) struct Elements<'a> {
    scanner: Scanner<'a>,
    first: bool,
    end: u8,
    /// The key of the value at hand, for an object.
    key: Token<'a>,
}

impl<'a> Elements<'a> {
    /// Over the text of an array token.
    pub(crate) fn new(array: &'a str) -> Self {
        let mut scanner = Scanner::new(array);
        scanner.at = 1;
        Self { scanner, first: true, end: b']', key: Token::ABSENT }
    }

    /// Over the text of an object token.
    pub(crate) fn of_object(object: &'a str) -> Self {
        Self { end: b'}', ..Self::new(object) }
    }

    /// The key of the value that the last step gave; absent in an array.
    pub(crate) fn key(&self) -> Token<'a> {
        self.key
    }

    /// Fills `out` from the next element; `false` at the end.
    ///
    /// # Errors
    /// [`Malformed`] when the element repeats a key that the trie goes through; offsets count from the list's
    /// own beginning.
    pub(crate) fn next(&mut self, trie: &Trie, out: &mut [Token<'a>]) -> Step<bool> {
        let scanner = &mut self.scanner;
        scanner.space();
        match scanner.peek()? {
            end if end == self.end => return Ok(false),
            b',' if !self.first => {
                scanner.at += 1;
                scanner.space();
            }
            _ => {}
        }
        self.first = false;
        if self.end == b'}' {
            let key = scanner.key()?;
            let kind = if key.escaped { TokenKind::EscapedText } else { TokenKind::Text };
            self.key = Token { kind, text: key.inside };
        }
        scanner.visit(trie, 0, out)?;
        Ok(true)
    }
}

/// The part of the scanner that knows where pointers lead.
impl<'a> Scanner<'a> {
    /// One value that a pointer may lead into. Recursion is as deep as the longest pointer.
    fn visit(&mut self, trie: &Trie, node: u16, out: &mut [Token<'a>]) -> Step<()> {
        let step = trie.node(node);
        let from = self.at;
        let token = match self.peek()? {
            b'{' if step.has_keys() => {
                self.object(trie, node, out)?;
                Token { kind: TokenKind::Object, text: &self.text[from..self.at] }
            }
            b'[' if step.has_indices() => {
                self.array(trie, node, out)?;
                Token { kind: TokenKind::Array, text: &self.text[from..self.at] }
            }
            _ => self.skip()?,
        };
        if let Some(slot) = step.slot {
            out[usize::from(slot)] = token;
        }
        Ok(())
    }

    fn object(&mut self, trie: &Trie, node: u16, out: &mut [Token<'a>]) -> Step<()> {
        let step = trie.node(node);
        let mut seen = 0_u128;
        self.enter()?;
        if self.peek()? == b'}' {
            return self.leave();
        }
        loop {
            let key_at = self.at;
            let key = self.key()?;
            let found = match key.escaped {
                false => step.key(key.inside),
                true => unescape(key.inside).and_then(|key| step.key(&key)),
            };
            match found {
                Some((number, next)) => {
                    let bit = 1_u128 << number;
                    if seen & bit != 0 {
                        let what = What::Twice(cut(key.inside).into_owned());
                        return Err(Box::new(Malformed { at: key_at, what }));
                    }
                    seen |= bit;
                    self.visit(trie, next, out)?;
                }
                None if step.closed => {
                    let what = What::Unknown(cut(key.inside).into_owned());
                    return Err(Box::new(Malformed { at: key_at, what }));
                }
                None => {
                    self.skip()?;
                }
            }
            if !self.more(b'}')? {
                return self.leave();
            }
        }
    }

    fn array(&mut self, trie: &Trie, node: u16, out: &mut [Token<'a>]) -> Step<()> {
        self.enter()?;
        if self.peek()? == b']' {
            return self.leave();
        }
        let mut index = 0_u32;
        loop {
            match trie.node(node).index(index) {
                Some(next) => self.visit(trie, next, out)?,
                None => {
                    self.skip()?;
                }
            }
            index = index.saturating_add(1);
            if !self.more(b']')? {
                return self.leave();
            }
        }
    }
}

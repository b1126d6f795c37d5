//! The grammar: white space, strings, numbers, words, and any value at all, unread.

use super::malformed::{Malformed, What};
use super::token::{Token, TokenKind};
use crate::limits::DEPTH_MAX;

/// What a step of the scanner gives. The error is boxed so that a step without one fits into registers.
pub(super) type Step<T> = Result<T, Box<Malformed>>;

/// A text and how far it has been read.
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    depth: u32,
}

/// A string's place: what stands between its quotes.
pub(super) struct Quoted<'a> {
    pub(super) inside: &'a str,
    pub(super) escaped: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    pub(super) fn fail<T>(&self, what: What) -> Step<T> {
        Err(Box::new(Malformed { at: self.at, what }))
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    #[inline]
    pub(super) fn peek(&self) -> Step<u8> {
        match self.bytes().get(self.at) {
            Some(byte) => Ok(*byte),
            None => self.fail(What::Ended),
        }
    }

    #[inline]
    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes().get(self.at) {
            self.at += 1;
        }
    }

    #[inline]
    fn expect(&mut self, byte: u8, what: &'static str) -> Step<()> {
        if self.peek()? != byte {
            return self.fail(What::Expected(what));
        }
        self.at += 1;
        Ok(())
    }

    pub(super) fn enter(&mut self) -> Step<()> {
        if self.depth >= DEPTH_MAX {
            return self.fail(What::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        Ok(())
    }

    /// After a value: a comma, and so another one, or the end.
    #[inline]
    pub(super) fn more(&mut self, end: u8) -> Step<bool> {
        self.space();
        let found = self.peek()?;
        if found == end {
            return Ok(false);
        }
        if found != b',' {
            return self.fail(What::Expected("a comma or the end of the object or array"));
        }
        self.at += 1;
        self.space();
        Ok(true)
    }

    pub(super) fn leave(&mut self) -> Step<()> {
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// A key and its colon.
    #[inline]
    pub(super) fn key(&mut self) -> Step<Quoted<'a>> {
        if self.peek()? != b'"' {
            return self.fail(What::Expected("a key in quotes"));
        }
        let key = self.string()?;
        self.space();
        self.expect(b':', "a colon")?;
        self.space();
        Ok(key)
    }

    /// Any value, unread. Not recursive: a text can only be as deep as [`DEPTH_MAX`], one bit for each level.
    pub(super) fn skip(&mut self) -> Step<Token<'a>> {
        let from = self.at;
        let kind = match self.peek()? {
            b'"' => {
                let found = self.string()?;
                let kind = if found.escaped { TokenKind::EscapedText } else { TokenKind::Text };
                return Ok(Token { kind, text: found.inside });
            }
            b'{' => {
                self.skip_nested()?;
                TokenKind::Object
            }
            b'[' => {
                self.skip_nested()?;
                TokenKind::Array
            }
            _ => self.scalar()?,
        };
        Ok(Token { kind, text: &self.text[from..self.at] })
    }

    fn skip_nested(&mut self) -> Step<()> {
        let base = self.depth;
        // Bit n: the n-th level inside is an object.
        let mut objects = 0_u64;
        loop {
            // A value begins here.
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    self.enter()?;
                    let object = open == b'{';
                    objects = (objects << 1) | u64::from(object);
                    if self.peek()? != closing(objects) {
                        if object {
                            self.key()?;
                        }
                        continue;
                    }
                    self.leave()?;
                    objects >>= 1;
                }
                b'"' => {
                    self.string()?;
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value has ended.
            while self.depth > base {
                if self.more(closing(objects))? {
                    if objects & 1 == 1 {
                        self.key()?;
                    }
                    break;
                }
                self.leave()?;
                objects >>= 1;
            }
            if self.depth == base {
                return Ok(());
            }
        }
    }

    /// A string; `at` is on its opening quote.
    #[inline]
    fn string(&mut self) -> Step<Quoted<'a>> {
        self.at += 1;
        let from = self.at;
        let mut escaped = false;
        loop {
            self.at += plain_bytes(&self.bytes()[self.at..]);
            match self.peek()? {
                b'"' => {
                    let inside = &self.text[from..self.at];
                    self.at += 1;
                    return Ok(Quoted { inside, escaped });
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                control => return self.fail(What::Control(control)),
            }
        }
    }

    fn escape(&mut self) -> Step<()> {
        self.at += 1;
        let code = self.peek()?;
        match code {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek()?.is_ascii_hexdigit() {
                        return self.fail(What::Expected("four hexadecimal digits"));
                    }
                    self.at += 1;
                }
            }
            _ => return self.fail(What::Expected("an escape that JSON knows")),
        }
        Ok(())
    }

    #[inline]
    fn scalar(&mut self) -> Step<TokenKind> {
        match self.peek()? {
            b't' => self.word("true", TokenKind::True),
            b'f' => self.word("false", TokenKind::False),
            b'n' => self.word("null", TokenKind::Null),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.fail(What::Expected("a value")),
        }
    }

    fn word(&mut self, word: &'static str, kind: TokenKind) -> Step<TokenKind> {
        if !self.bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.fail(What::Expected("true, false or null"));
        }
        self.at += word.len();
        Ok(kind)
    }

    fn number(&mut self) -> Step<TokenKind> {
        if self.peek()? == b'-' {
            self.at += 1;
        }
        match self.peek()? {
            b'0' => self.at += 1,
            _ => self.digits()?,
        }
        if self.bytes().get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes().get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.bytes().get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(TokenKind::Number)
    }

    fn digits(&mut self) -> Step<()> {
        let from = self.at;
        while let Some(b'0'..=b'9') = self.bytes().get(self.at) {
            self.at += 1;
        }
        match self.at > from {
            true => Ok(()),
            false => self.fail(What::Expected("a digit")),
        }
    }
}

/// What ends the innermost level.
#[inline]
fn closing(objects: u64) -> u8 {
    if objects & 1 == 1 { b'}' } else { b']' }
}

/// How many bytes from the beginning are neither a quote, a backslash nor a control character.
///
/// Eight at a time: a byte is marked by its high bit if it is less than 0x20, or equal to one of the two (exact
/// for the lowest marked byte, which is all that is asked).
#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let equal = |word: u64, byte: u8| {
        let differs = word ^ (ONES * u64::from(byte));
        differs.wrapping_sub(ONES) & !differs
    };
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..at + 8) {
        let word = u64::from_le_bytes(chunk.try_into().unwrap_or([0; 8]));
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let marked = (control | equal(word, b'"') | equal(word, b'\\')) & HIGH;
        if marked != 0 {
            return at + (marked.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let plain = |byte: &u8| *byte >= 0x20 && *byte != b'"' && *byte != b'\\';
    at + bytes[at..].iter().take_while(|byte| plain(byte)).count()
}

//! The scanner. See the module above for what it promises.

use super::token::{Token, TokenKind, unescape};
use super::trie::Trie;
use crate::limits::DEPTH_MAX;
use std::fmt;

/// Why a text is refused, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Offset of the byte where it goes wrong, from 0.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) what: What,
}

/// What can be wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The text ends in the middle of a value.
    Ended,
    /// Something else should stand here.
    Expected(&'static str),
    /// A control character inside a string.
    Control(u8),
    /// Deeper than [`DEPTH_MAX`].
    TooDeep,
    /// A key that a rule reads, twice in one object.
    Twice(String),
    /// A key that this format does not have.
    Unknown(String),
    /// Something after the end of the body.
    Trailing,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.what {
            What::Ended => write!(f, "not JSON: the text ends at byte {at}, in the middle of a value"),
            What::Expected(what) => write!(f, "not JSON: {what} expected at byte {at}"),
            What::Control(0) => write!(f, "not JSON: a NUL at byte {at}"),
            What::Control(byte) => write!(f, "not JSON: control character {byte:#04x} at byte {at}"),
            What::TooDeep => write!(f, "nested deeper than {DEPTH_MAX} levels at byte {at}"),
            What::Twice(key) => write!(f, "the key {key:?} occurs twice in one object, at byte {at}"),
            What::Unknown(key) => write!(f, "there is no field {key:?} (at byte {at})"),
            What::Trailing => write!(f, "not JSON: something follows the end of the body at byte {at}"),
        }
    }
}

type Step<T> = Result<T, Malformed>;

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

/// The elements of an array that [`scan`] found, one after the other.
pub(crate) struct Elements<'a> {
    scanner: Scanner<'a>,
    first: bool,
}

impl<'a> Elements<'a> {
    /// Over the text of an array token.
    pub(crate) fn new(array: &'a str) -> Self {
        let mut scanner = Scanner::new(array);
        scanner.at = 1;
        Self { scanner, first: true }
    }

    /// Fills `out` from the next element; `false` at the end.
    ///
    /// # Errors
    /// [`Malformed`] when the element repeats a key that the trie goes through; offsets count from the array's
    /// own beginning.
    pub(crate) fn next(&mut self, trie: &Trie, out: &mut [Token<'a>]) -> Step<bool> {
        let scanner = &mut self.scanner;
        scanner.space();
        match scanner.peek()? {
            b']' => return Ok(false),
            b',' if !self.first => {
                scanner.at += 1;
                scanner.space();
            }
            _ => {}
        }
        self.first = false;
        scanner.visit(trie, 0, out)?;
        Ok(true)
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
}

/// A string's place: what stands between its quotes.
struct Quoted<'a> {
    inside: &'a str,
    escaped: bool,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    fn fail<T>(&self, what: What) -> Step<T> {
        Err(Malformed { at: self.at, what })
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    #[inline]
    fn peek(&self) -> Step<u8> {
        match self.bytes().get(self.at) {
            Some(byte) => Ok(*byte),
            None => self.fail(What::Ended),
        }
    }

    #[inline]
    fn space(&mut self) {
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

    fn enter(&mut self) -> Step<()> {
        if self.depth >= DEPTH_MAX {
            return self.fail(What::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        self.space();
        Ok(())
    }

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
                        let what = What::Twice(key.inside.to_owned());
                        return Err(Malformed { at: key_at, what });
                    }
                    seen |= bit;
                    self.visit(trie, next, out)?;
                }
                None if step.closed => {
                    return Err(Malformed { at: key_at, what: What::Unknown(key.inside.to_owned()) });
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

    /// After a value: a comma, and so another one, or the end.
    #[inline]
    fn more(&mut self, end: u8) -> Step<bool> {
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

    fn leave(&mut self) -> Step<()> {
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    /// A key and its colon.
    #[inline]
    fn key(&mut self) -> Step<Quoted<'a>> {
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
    fn skip(&mut self) -> Step<Token<'a>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Pointer;
    use proptest::prelude::*;

    fn trie(pointers: &[&str]) -> Trie {
        let mut trie = Trie::default();
        for pointer in pointers {
            trie.slot(&Pointer::parse(pointer).expect("valid")).expect("room");
        }
        trie.seal();
        trie
    }

    fn found<'a>(text: &'a str, pointers: &[&str]) -> Result<Vec<Token<'a>>, Malformed> {
        let trie = trie(pointers);
        let mut out = vec![Token::ABSENT; trie.slots()];
        scan(text, &trie, &mut out).map(|()| out)
    }

    #[test]
    fn each_pointer_gets_its_value_and_the_rest_is_skipped() {
        let text = r#" { "a" : [ 1, {"b": "x\n"}, [] ], "c\u0064": 12345678901234567890123, "e": null, "f": {"g": true} } "#;
        let out = found(text, &["/a/1/b", "/cd", "/e", "/f", "/f/g", "/missing", "/a"]).expect("JSON");
        let shown: Vec<_> = out.iter().map(|token| (token.kind, token.text)).collect();
        let expected = [
            (TokenKind::EscapedText, r"x\n"),
            (TokenKind::Number, "12345678901234567890123"),
            (TokenKind::Null, "null"),
            (TokenKind::Object, r#"{"g": true}"#),
            (TokenKind::True, "true"),
            (TokenKind::Absent, ""),
            (TokenKind::Array, r#"[ 1, {"b": "x\n"}, [] ]"#),
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_key_that_is_read_must_not_occur_twice_and_others_may() {
        let twice = found(r#"{"a":1,"b":2,"a":3}"#, &["/a"]).expect_err("ambiguous");
        assert_eq!(twice, Malformed { at: 13, what: What::Twice("a".into()) });
        assert!(found(r#"{"a":1,"b":2,"b":3}"#, &["/a"]).is_ok());
        // An escape does not hide it.
        assert!(found(r#"{"a":1,"\u0061":3}"#, &["/a"]).is_err());
    }

    #[test]
    fn depth_is_limited_whether_a_pointer_leads_there_or_not() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        for pointers in [&["/x"][..], &["/0/0/0"], &[]] {
            assert!(found(&nested(64), pointers).is_ok());
            let refused = found(&nested(65), pointers).expect_err("too deep");
            assert_eq!(refused, Malformed { at: 64, what: What::TooDeep });
        }
        let objects = format!("{}1{}", "{\"a\":".repeat(65), "}".repeat(65));
        assert!(matches!(found(&objects, &[]), Err(Malformed { what: What::TooDeep, .. })));
        assert!(found(&"[".repeat(1 << 20), &[]).is_err());
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        let refused = |text| found(text, &["/a"]).expect_err(text);
        assert_eq!(refused("").what, What::Ended);
        assert_eq!(refused(r#"{"a":"#), Malformed { at: 5, what: What::Ended });
        assert_eq!(refused(r#"{"a":1}x"#), Malformed { at: 7, what: What::Trailing });
        assert_eq!(refused("{\"b\":\"x\0y\"}"), Malformed { at: 7, what: What::Control(0) });
        for text in [
            "{a:1}",
            "{'a':1}",
            "[1,]",
            "{\"a\":1,}",
            "[1 2]",
            "nul",
            "NaN",
            "01",
            "1.",
            "-",
            ".5",
            "1e",
            "+1",
            "\"\\x\"",
            "\"\\u12g4\"",
            "{\"a\" 1}",
            "[}",
            "{]",
            "tru",
            "\"abc",
            "[[]",
            "{\"a\":{}",
        ] {
            assert!(found(text, &["/a"]).is_err(), "{text}");
            assert!(found(text, &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn a_closed_object_names_the_key_that_it_does_not_have() {
        let mut trie = trie(&["/tilt_deg"]);
        trie.close();
        let mut out = [Token::ABSENT];
        let refused = scan(r#"{"tilt":3}"#, &trie, &mut out).expect_err("unknown key");
        assert_eq!(refused.what, What::Unknown("tilt".into()));
    }

    #[test]
    fn elements_come_one_by_one() {
        let trie = trie(&["/n"]);
        let mut elements = Elements::new(r#"[ {"n":1} , {}, 7, {"n":[2]} ]"#);
        let mut seen = vec![];
        loop {
            let mut out = [Token::ABSENT];
            if !elements.next(&trie, &mut out).expect("valid") {
                break;
            }
            seen.push(out[0].text);
        }
        assert_eq!(seen, ["1", "", "", "[2]"]);
        assert!(!Elements::new("[]").next(&trie, &mut [Token::ABSENT]).expect("valid"));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<i32>().prop_map(|quarters| (f64::from(quarters) / 4.0).into()),
            "[ -~\u{0}-\u{1f}\u{80}-\u{fff}]{0,12}".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                proptest::collection::btree_map("[a-c]{0,2}", inner, 0..5)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_accepts_exactly_what_serde_json_accepts(text in "[\\[\\]{}\":,0-9eE.+\\-truefalsn \\\\u\t\n]{0,24}") {
            let reference = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
            // serde_json skips `\u` escapes of a skipped string as loosely as the scanner does.
            prop_assert_eq!(found(&text, &[]).is_ok(), reference, "{}", text);
        }

        #[test]
        fn it_finds_what_serde_json_finds(value in json(), pointer in "(/[a-c]{0,2}|/[0-3]){0,4}") {
            let text = value.to_string();
            let out = found(&text, &[&pointer, ""]).expect("JSON");
            let token = out[0];
            let expected = value.pointer(&pointer);
            prop_assert_eq!(token.is_absent(), expected.is_none());
            if let Some(expected) = expected {
                let quoted = matches!(token.kind, TokenKind::Text | TokenKind::EscapedText);
                let read = match quoted {
                    true => token.scalar().map(|text| serde_json::Value::String(text.into_owned())),
                    false => serde_json::from_str(token.text).ok(),
                };
                prop_assert_eq!(read.as_ref(), Some(expected));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,64}", cut in 0_usize..200) {
            let _ = found(&text, &["/a/0", "/0/a"]);
            let nested = format!("{{\"a\":[{{\"b\":\"{text}\"}},1e9,null]}}");
            let cut = nested.char_indices().map(|(at, _)| at).take_while(|at| *at <= cut).last().unwrap_or(0);
            let _ = found(&nested[..cut], &["/a/0/b", "/0/a"]);
        }
    }
}

//! Values on their way from a token of the body to a field of a reading.

use crate::json::{Token, TokenKind};
use crate::limits::{RAW_BYTES_MAX, TEXT_BYTES_MAX};
use wanglou_model::{AvailabilityScope, CallAnswer, LiftClass, LiftDoor, LiftMode, ObjectSize, Timestamp};

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum FieldType {
    /// true or false.
    Flag,
    /// A whole number in a range.
    Whole { min: i64, max: i64 },
    /// A finite number.
    Number,
    /// Text, at most [`TEXT_BYTES_MAX`] bytes.
    Text,
    /// One of these names.
    Choice(&'static [&'static str]),
    /// A point in time.
    Time,
    /// A picture or a clip by its address.
    Evidence,
}

/// A value of a field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Flag(bool),
    Whole(i64),
    Number(f64),
    Text(String),
    /// The number of the name in its type's list.
    Choice(u8),
    Time(Timestamp),
    Evidence(Box<wanglou_model::Evidence>),
}

/// How a field of the model is made from a [`Value`].
pub(crate) trait How {
    /// The field's type in the model.
    type Out;
    const TYPE: FieldType;
    const REQUIRED: bool;

    /// `None` when a required value lacks.
    fn take(value: Option<Value>) -> Option<Self::Out>;
}

macro_rules! how {
    ($(#[$doc:meta])* $marker:ident, $variant:ident, $out:ty, $read:expr) => {
        $(#[$doc])*
        pub(crate) struct $marker;
        impl How for $marker {
            type Out = $out;
            const TYPE: FieldType = FieldType::$variant;
            const REQUIRED: bool = true;
            fn take(value: Option<Value>) -> Option<$out> {
                match value {
                    Some(Value::$variant(found)) => Some($read(found)),
                    _ => None,
                }
            }
        }
    };
}

how!(
    /// true or false.
    Flag, Flag, bool, std::convert::identity
);
how!(
    /// A finite number.
    Number, Number, f64, std::convert::identity
);
how!(
    /// Text.
    Text, Text, String, std::convert::identity
);
how!(
    /// A point in time.
    Time, Time, Timestamp, std::convert::identity
);
how!(
    /// A picture or clip.
    Evidence, Evidence, wanglou_model::Evidence, |evidence: Box<wanglou_model::Evidence>| *evidence
);

/// An optional field.
pub(crate) struct Maybe<H>(std::marker::PhantomData<H>);
impl<H: How> How for Maybe<H> {
    type Out = Option<H::Out>;
    const TYPE: FieldType = H::TYPE;
    const REQUIRED: bool = false;
    fn take(value: Option<Value>) -> Option<Self::Out> {
        Some(H::take(value))
    }
}

/// An optional text that is empty when it lacks.
pub(crate) struct OrEmpty;
impl How for OrEmpty {
    type Out = String;
    const TYPE: FieldType = FieldType::Text;
    const REQUIRED: bool = false;
    fn take(value: Option<Value>) -> Option<String> {
        Some(Text::take(value).unwrap_or_default())
    }
}

/// A whole number.
pub(crate) struct Whole<N>(std::marker::PhantomData<N>);
macro_rules! whole {
    ($number:ty, $min:expr, $max:expr) => {
        impl How for Whole<$number> {
            type Out = $number;
            const TYPE: FieldType = FieldType::Whole { min: $min, max: $max };
            const REQUIRED: bool = true;
            fn take(value: Option<Value>) -> Option<$number> {
                match value {
                    Some(Value::Whole(found)) => <$number>::try_from(found).ok(),
                    _ => None,
                }
            }
        }
    };
}
whole!(u64, 0, i64::MAX);
whole!(u32, 0, u32::MAX as i64);
whole!(i32, i32::MIN as i64, i32::MAX as i64);

/// One of a list of names.
pub(crate) struct Named<E>(std::marker::PhantomData<E>);
macro_rules! named {
    ($ty:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        impl How for Named<$ty> {
            type Out = $ty;
            const TYPE: FieldType = FieldType::Choice(&[$($name),*]);
            const REQUIRED: bool = true;
            fn take(value: Option<Value>) -> Option<$ty> {
                const ALL: &[$ty] = &[$($ty::$variant),*];
                match value {
                    Some(Value::Choice(number)) => ALL.get(usize::from(number)).copied(),
                    _ => None,
                }
            }
        }
    };
}
named!(LiftClass {
    Ebike = "ebike", EbikeBattery = "ebike_battery", Bicycle = "bicycle", Wheelchair = "wheelchair",
    Stroller = "stroller", Cart = "cart", Scooter = "scooter", Person = "person", None = "none",
});
named!(LiftDoor { Open = "open", Opening = "opening", Closing = "closing", Closed = "closed" });
named!(LiftMode {
    Normal = "normal", Inspection = "inspection", Fire = "fire", OutOfService = "out_of_service",
    Fault = "fault",
});
named!(ObjectSize { S = "S", M = "M", L = "L" });
named!(CallAnswer {
    Ok = "ok", Help = "help", OtherPerson = "other_person", Unclear = "unclear", None = "none",
});
named!(AvailabilityScope { Device = "device", Hub = "hub", Server = "server" });

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
            (Literal::Text(text), TokenKind::EscapedText) => {
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

/// Doubles hold every whole number up to here.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

fn same_number(found: &str, value: f64, text: &str) -> bool {
    if found == text {
        return true;
    }
    value.abs() < EXACT_MAX && finite(found) == Some(value)
}

/// `27` of `27`, `27.0` and `27.000`; `None` when there is a real fraction or an exponent.
fn whole_digits(number: &str) -> Option<&str> {
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

/// Some value of a type.
#[cfg(test)]
pub(crate) fn sample(ty: FieldType) -> Value {
    match ty {
        FieldType::Flag => Value::Flag(true),
        FieldType::Whole { .. } => Value::Whole(3),
        FieldType::Number => Value::Number(1.5),
        FieldType::Text => Value::Text("x".into()),
        FieldType::Choice(_) => Value::Choice(0),
        FieldType::Time => Value::Time(Timestamp(0)),
        FieldType::Evidence => Value::Evidence(Box::new(wanglou_model::Evidence {
            uri: Some("http://example.invalid/p.jpg".into()),
            sha256: None,
            bytes: None,
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;

    fn token(kind: TokenKind, text: &str) -> Token<'_> {
        Token { kind, text }
    }

    fn number(text: &str) -> Token<'_> {
        token(TokenKind::Number, text)
    }

    fn names_agree<E: DeserializeOwned + PartialEq + std::fmt::Debug>()
    where
        Named<E>: How<Out = E>,
    {
        let FieldType::Choice(names) = <Named<E> as How>::TYPE else { panic!("a list of names") };
        for (number, name) in names.iter().enumerate() {
            let by_number = Named::<E>::take(u8::try_from(number).ok().map(Value::Choice));
            let by_name = serde_json::from_value(serde_json::Value::from(*name)).expect("the model knows it");
            assert_eq!(by_number, Some(by_name));
        }
    }

    #[test]
    fn the_names_of_choices_are_the_model_s() {
        names_agree::<LiftClass>();
        names_agree::<LiftDoor>();
        names_agree::<LiftMode>();
        names_agree::<ObjectSize>();
        names_agree::<CallAnswer>();
        names_agree::<AvailabilityScope>();
    }

    #[test]
    fn equality_is_loose_about_spelling_and_strict_about_value() {
        let of = |value: f64, text: &str| Literal::Number { value, text: text.into() };
        let text = |text: &str| Literal::Text(text.into());
        let same = |literal: &Literal, token| literal.equals(&token, Case::Exact);
        for spelled in [number("37"), number("37.0"), number("3.7e1"), token(TokenKind::Text, "37")] {
            assert!(same(&of(37.0, "37"), spelled), "{spelled:?}");
        }
        assert!(same(&text("37"), number("37.0")) && same(&text("true"), token(TokenKind::True, "true")));
        assert!(
            !same(&of(37.0, "37"), number("37.5")) && !same(&of(1.0, "1"), token(TokenKind::True, "true"))
        );
        assert!(!same(&text("OPEN"), token(TokenKind::Text, "open")));
        assert!(text("OPEN").equals(&token(TokenKind::Text, "open"), Case::Ignore));
        // Two ids that are one and the same double.
        let id = of(8_099_132_193_508_491_999.0, "8099132193508491999");
        assert!(same(&id, number("8099132193508491999")) && !same(&id, number("8099132193508492000")));
    }

    #[test]
    fn numbers_must_be_finite_and_whole_ones_keep_their_digits() {
        assert_eq!(number_of(&token(TokenKind::Text, " 37.2 ")), Some(37.2));
        for none in ["1e999", "-1e999"] {
            assert_eq!(number_of(&number(none)), None, "{none}");
        }
        for none in ["inf", "nan", "", "37°", "0x10", "1,5"] {
            assert_eq!(number_of(&token(TokenKind::Text, none)), None, "{none}");
        }
        assert_eq!(whole_of(&number("9007199254740993")), Some(9_007_199_254_740_993));
        assert_eq!(whole_of(&number("27.0")), Some(27));
        assert_eq!(whole_of(&number("2.7e1")), Some(27));
        assert_eq!(whole_of(&number("27.5")), None);
        assert_eq!(whole_of(&number("99999999999999999999")), None);
    }

    #[test]
    fn flags_have_many_spellings_and_open_is_not_one_of_them() {
        for (text, flag) in
            [("ON", true), ("True", true), ("yes", true), ("1", true), ("off", false), ("0", false)]
        {
            assert_eq!(flag_of(&token(TokenKind::Text, text)), Some(flag), "{text}");
        }
        assert_eq!(flag_of(&number("1.0")), Some(true));
        assert_eq!(flag_of(&number("2")), None);
        for none in ["open", "", "alarm"] {
            assert_eq!(flag_of(&token(TokenKind::Text, none)), None, "{none}");
        }
    }

    #[test]
    fn a_picture_itself_is_no_address() {
        let of = |text| evidence_of(&token(TokenKind::Text, text)).and_then(|evidence| evidence.uri);
        assert_eq!(of("http://10.0.0.5/p.jpg").as_deref(), Some("http://10.0.0.5/p.jpg"));
        assert_eq!(of("/9j/4AAQSkZJRg=="), None);
        assert_eq!(of("iVBORw0KGgo"), None);
    }
}

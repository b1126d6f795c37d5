//! What tokens say, and what they do not.

use super::*;
use crate::json::{Token, TokenKind};
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
    assert!(!same(&of(37.0, "37"), number("37.5")) && !same(&of(1.0, "1"), token(TokenKind::True, "true")));
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

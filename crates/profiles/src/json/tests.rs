//! The scanner: what it finds, what it refuses, and that it agrees with serde_json.

use super::Pointer;
use super::malformed::What;
use super::{Elements, Malformed, Token, TokenKind, Trie, scan};
use proptest::prelude::*;

fn trie(pointers: &[&str]) -> Trie {
    let mut trie = Trie::default();
    for pointer in pointers {
        trie.slot(&Pointer::parse(pointer).expect("valid")).expect("room");
    }
    trie.seal();
    trie
}

fn found<'a>(text: &'a str, pointers: &[&str]) -> Result<Vec<Token<'a>>, Box<Malformed>> {
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
    assert_eq!(*twice, Malformed { at: 13, what: What::Twice("a".into()) });
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
        assert_eq!(*refused, Malformed { at: 64, what: What::TooDeep });
    }
    let objects = format!("{}1{}", "{\"a\":".repeat(65), "}".repeat(65));
    assert_eq!(found(&objects, &[]).expect_err("too deep").what, What::TooDeep);
    assert!(found(&"[".repeat(1 << 20), &[]).is_err());
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    let refused = |text| found(text, &["/a"]).expect_err(text);
    assert_eq!(refused("").what, What::Ended);
    assert_eq!(*refused(r#"{"a":"#), Malformed { at: 5, what: What::Ended });
    assert_eq!(*refused(r#"{"a":1}x"#), Malformed { at: 7, what: What::Trailing });
    assert_eq!(*refused("{\"b\":\"x\0y\"}"), Malformed { at: 7, what: What::Control(0) });
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
    fn it_accepts_exactly_what_serde_json_accepts(text in "[\\[\\]{}\":,0-9eE.+\\-truefalsn \\\\u\t\n\u{1}门]{0,40}") {
        let reference = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
        // serde_json skips `\u` escapes of a skipped string as loosely as the scanner does.
        prop_assert_eq!(found(&text, &[]).is_ok(), reference, "{}", text);
    }

    #[test]
    fn strings_end_where_serde_json_says(inside in "[a门\"\\\\n\u{0}\u{1f} ]{0,30}", after in "[ \"]{0,3}") {
        let text = format!("\"{inside}{after}");
        let reference = serde_json::from_str::<String>(&text).is_ok();
        prop_assert_eq!(found(&text, &[]).is_ok(), reference, "{:?}", text);
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

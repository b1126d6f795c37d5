//! Which message of which profile gets the word.

use crate::support::{decode, lines, message_set, said};
use wanglou_model::Decoded;

#[test]
fn one_topic_may_be_two_families_told_apart_by_when() {
    let toml = |name: &str, maker: &str| {
        format!(
            "format = 1\nname = \"{name}\"\ntitle = \"x\"\ntitle_zh = \"x\"\n[[message]]\ntopic = \"shared/{{d}}\"\ndevice = \"{{d}}\"\n\
             when = {{ at = \"/maker\", is = \"{maker}\" }}\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"\n\
             [[example]]\ntopic = \"shared/1\"\npayload = '''{{\"maker\":\"{maker}\"}}'''\nexpect = [{{ device = \"1\", kind = \"heartbeat\", value = {{}} }}]"
        )
    };
    let files = [("a.toml", toml("a", "acme")), ("b.toml", toml("b", "bolt"))];
    let files = files.map(|(name, text)| (name.to_owned(), text.into_bytes())).into();
    let set = wanglou_profiles::ProfileSet::compile(&files).expect("compiles");
    assert_eq!(set.run_examples(), vec![]);
    let profile = |maker: &str| {
        let payload = format!("{{\"maker\":\"{maker}\"}}");
        match decode(&set, "shared/1", payload.as_bytes()) {
            Decoded::Observations(all) => all[0].profile.to_string(),
            Decoded::Unmatched(reason) => reason,
            Decoded::Ignored(_) | Decoded::Rejected { .. } => "something else".into(),
        }
    };
    assert_eq!(profile("acme"), "a");
    assert_eq!(profile("bolt"), "b");
    assert_eq!(profile("cog"), "no profile knows such a message on this topic");
    // Asked alone, a profile does not answer for another one.
    let message = wanglou_model::RawMessage {
        topic: "shared/1",
        payload: br#"{"maker":"bolt"}"#,
        at: crate::support::received(),
        retain: false,
        dup: false,
    };
    assert!(matches!(set.decode_with(Some("a"), &message), Decoded::Unmatched(_)));
    assert!(matches!(set.decode_with(Some("b"), &message), Decoded::Observations(_)));
    assert_eq!(lines(set.decode_with(Some("c"), &message)), ["unmatched: there is no profile \"c\""]);
}

#[test]
fn a_topic_that_nobody_knows_is_unmatched() {
    let set = message_set("otherwise = { heartbeat = true }", &["{}"]);
    assert_eq!(lines(decode(&set, "elsewhere", b"{}")), ["unmatched: no profile knows this topic"]);
    assert_eq!(
        lines(decode(&set, &"a/".repeat(80), b"{}")),
        ["unmatched: the topic has more than 64 levels"]
    );
}

#[test]
fn what_is_malformed_is_not_swallowed_by_a_less_specific_ignore() {
    let rules = "[[message.rule]]\nname = \"it\"\nkind = \"tamper\"\nvalue.active = { at = \"/t\", polarity = \"direct\" }\n\
                 [[message]]\ntopic = \"t/{rest...}\"\nbody = \"text\"\notherwise = { ignore = \"the rest\" }";
    let set = message_set(rules, &[r#"{"t":1}"#]);
    assert_eq!(said(&set, r#"{"t":1}"#), [r#"tamper {"active":true}"#]);
    assert!(said(&set, r#"{"t":1"#)[0].starts_with("rejected by test: not JSON"));
    assert!(said(&set, r#"{"u":1}"#)[0].starts_with("unmatched: test: no rule"));
    assert_eq!(lines(decode(&set, "t/d/e", b"{")), ["ignored: the rest"]);
}

#[test]
fn several_topics_of_one_message_may_put_the_capture_elsewhere() {
    let toml = crate::support::profile_text("[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"", &["{}"])
        .replace("topic = \"t/{device}\"", "topic = [\"t/{device}\", \"u/{site}/{device...}/v\"]");
    let set = crate::support::set_of(&toml).expect("compiles");
    assert_eq!(lines(decode(&set, "t/d", b"{}")), ["heartbeat {}"]);
    assert_eq!(lines(decode(&set, "u/7/a/b/v", b"{}")), ["heartbeat {} of a/b"]);
}

#[test]
fn five_hundred_profiles_do_not_get_in_each_other_s_way() {
    let one = |number: usize| {
        let text =
            crate::support::profile_text("[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"", &["{}"]);
        let text = text.replace("name = \"test\"", &format!("name = \"p{number}\""));
        let text = text.replace("\"t/", &format!("\"v{number}/"));
        (format!("p{number}.toml"), text.into_bytes())
    };
    let set = wanglou_profiles::ProfileSet::compile(&(0..500).map(one).collect()).expect("compiles");
    assert_eq!(set.profiles().count(), 500);
    for number in [0, 77, 499] {
        let Decoded::Observations(all) = decode(&set, &format!("v{number}/d"), b"{}") else {
            panic!("{number}")
        };
        assert_eq!(*all[0].profile, *format!("p{number}"));
    }
}

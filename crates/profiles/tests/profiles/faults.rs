//! What is wrong with a file is said: all of it, with key path and line.

use crate::support::{profile_text, set_of, shown};
use std::collections::BTreeMap;
use wanglou_profiles::{Fault, ProfileSet};

fn faults(toml: &str) -> Vec<Fault> {
    set_of(toml).err().unwrap_or_default()
}

/// The one fault of a message with this text.
fn fault(message: &str) -> String {
    let faults = faults(&profile_text(message, &["{}"]));
    let faults: Vec<_> = faults.into_iter().filter(|fault| !fault.message.contains("no example")).collect();
    assert_eq!(faults.len(), 1, "{message}\n{}", shown(&faults));
    format!("{}: {}", faults[0].key_path, faults[0].message)
}

#[test]
fn every_fault_is_reported_at_once_with_its_line() {
    let toml = "format = 1\nname = \"Bad Name\"\ntitle = 7\nlane = \"fast\"\ncolour = \"red\"\n\n[[message]]\ntopic = \"a/#\"\n\n[[message.rule]]\nname = \"x\"\nkind = \"smell\"\nvalu = 1\n";
    let found: Vec<_> = faults(toml).iter().map(|fault| (fault.line, fault.key_path.clone())).collect();
    let expected = [
        (1, ""),
        (1, ""),
        (2, "name"),
        (3, "title"),
        (4, "lane"),
        (5, "colour"),
        (8, "message[0].topic"),
        (10, "message[0].rule[0]"),
        (12, "message[0].rule[0].kind"),
        (13, "message[0].rule[0].valu"),
    ];
    let expected: Vec<_> = expected.map(|(line, path)| (line, path.to_owned())).into();
    assert_eq!(found, expected, "{}", shown(&faults(toml)));
}

#[test]
fn a_mistyped_key_is_refused_with_the_one_that_was_meant() {
    let rule = "[[message.rule]]\nname = \"x\"\nkind = \"contact\"\nvalue.open = { at = \"/c\", polarty = \"direct\", polarity = \"direct\" }";
    assert_eq!(
        fault(rule),
        "message[0].rule[0].value.open.polarty: there is no key `polarty` here; did you mean `polarity`?"
    );
}

#[test]
fn a_flag_without_polarity_is_refused() {
    let rule = "[[message.rule]]\nname = \"x\"\nkind = \"contact\"\nvalue.open = { at = \"/c\" }";
    assert!(fault(rule).contains("say which value means true"));
}

#[test]
fn every_kind_of_mistake_has_its_words() {
    let rule = |kind: &str, rest: &str| format!("[[message.rule]]\nname = \"x\"\nkind = \"{kind}\"\n{rest}");
    for (message, part) in [
        (rule("contact", "value.opened = true"), "`contact` has no field `opened`; it has open, opens"),
        (rule("lift_camera", "value.class = \"ebike\""), "`lift_camera` needs `value.present`"),
        (rule("lift_camera", "value.class = \"moped\"\nvalue.present = true"), "one of ebike, ebike_battery"),
        (
            rule("lift_camera", "value.class = { at = \"/c\" }\nvalue.present = true"),
            "say what the vendor's values mean",
        ),
        (
            rule("lift_camera", "value.class = { at = \"/c\", map = { a = \"b\" } }\nvalue.present = true"),
            "value.class.map.a: one of",
        ),
        (rule("contact", ""), "`contact` needs a value"),
        (rule("contact", "value.open = 1"), "true or false expected"),
        (rule("temperature", "value.celsius = { at = \"c\" }"), "must begin with a slash"),
        (
            rule("temperature", "value.celsius = { at = \"past:/c\" }"),
            "there is no for_each of the name \"past\"",
        ),
        (rule("temperature", "value.celsius = { at = [] }"), "at least one pointer"),
        (
            rule("temperature", "value.celsius = { at = \"/c\", scale = \"x\" }"),
            "a finite number expected, not text",
        ),
        (rule("heartbeat", "when = { at = \"/a\" }"), "a condition needs a question"),
        (
            rule("heartbeat", "when = { at = \"/a\", is = \"x\", case = \"any\" }"),
            "`case` is \"exact\" or \"ignore\"",
        ),
        (rule("heartbeat", "when = { any = [] }"), "an empty list"),
        (rule("heartbeat", "time = { at = \"/t\", as = \"iso\" }"), "not \"iso\""),
        (rule("heartbeat", "time = { at = \"/t\", as = \"pattern\" }"), "a pattern needs `pattern`"),
        (
            rule(
                "heartbeat",
                "time = { at = \"/t\", as = \"pattern\", pattern = \"%H:%M\", zone = \"Asia/Shanghai\" }",
            ),
            "a whole date and time",
        ),
        (
            rule(
                "heartbeat",
                "time = { at = \"/t\", as = \"pattern\", pattern = \"%Y\", zone = \"Asia/Nowhere\" }",
            ),
            "no such time zone",
        ),
        (
            rule("heartbeat", "time = { at = \"/t\", as = \"rfc3339\", zone = \"Asia/Shanghai\" }"),
            "belongs to as = \"pattern\"",
        ),
        (rule("heartbeat", "device = \"{serial}\""), "is no capture of the topic"),
        (rule("heartbeat", "device = \"{/serial\""), "a brace is not closed"),
        (
            rule("heartbeat", "for_each = [{ name = \"a\", in = \"/a\" }, { name = \"a\", in = \"a:/b\" }]"),
            "is taken",
        ),
        ("otherwise = { shrug = true }".into(), "`otherwise` says one of"),
        ("body = \"yaml\"\notherwise = { ignore = \"x\" }".into(), "a stage is json"),
        ("decoder = \"magic\"".into(), "native decoders are"),
    ] {
        let toml = profile_text(&message, &["{}"]);
        let all = shown(&faults(&toml));
        assert!(all.contains(part), "{message}\n{part}\n{all}");
        assert!(all.lines().all(|line| line.starts_with("test.toml:")), "{all}");
    }
}

#[test]
fn a_rule_without_an_example_is_refused() {
    let rules = "[[message.ignore]]\nwhen = { at = \"/i\", exists = true }\nreason = \"r\"\n\
                 [[message.rule]]\nname = \"one\"\nkind = \"temperature\"\nvalue.celsius = { at = \"/a\" }\n\
                 [[message.rule]]\nname = \"two\"\nkind = \"temperature\"\nvalue.celsius = { at = \"/b\" }";
    let all = shown(&faults(&profile_text(rules, &[r#"{"a":1}"#])));
    assert!(all.contains("message[0].rule[1]: no example reaches the rule \"two\""), "{all}");
    assert!(all.contains("message[0].ignore[0]: no example reaches the ignore clause"), "{all}");
    assert_eq!(all.lines().count(), 2, "{all}");
    let none = shown(&faults(&profile_text(rules, &[])));
    assert!(none.contains("a profile needs an [[example]]"), "{none}");
}

#[test]
fn syntax_errors_and_odd_files_are_named() {
    let text = |bytes: &[u8]| {
        let files = BTreeMap::from([("f.toml".to_owned(), bytes.to_vec())]);
        shown(&ProfileSet::compile(&files).err().unwrap_or_default())
    };
    assert!(text(b"format = 1\nname = \"x\nlane =").starts_with("f.toml:2: : not TOML"));
    assert!(text(b"format = 1\nname = \"x\"\nname = \"y\"").contains("f.toml:3"));
    assert!(text(b"\xff").contains("not UTF-8"));
    assert!(text(&vec![b'#'; 2 << 20]).contains("at most 1048576 bytes"));
    assert!(text(b"format = 2\nwhatever = true").contains("`format = 1` only"));
    assert!(text(b"").contains("`format` is missing"));
    // Nothing that nests deep or is large makes it fall over.
    assert!(!text("a=".repeat(5000).as_bytes()).is_empty());
    assert!(!text(format!("x = {}1{}", "[".repeat(5000), "]".repeat(5000)).as_bytes()).is_empty());
}

#[test]
fn faults_of_all_files_come_together_and_files_are_checked_against_each_other() {
    let file = |name: &str, topic: &str, lane: &str| {
        format!(
            "format = 1\nname = \"{name}\"\ntitle = \"x\"\ntitle_zh = \"x\"\nlane = \"{lane}\"\n[[message]]\ntopic = \"{topic}\"\ndevice = \"d\"\notherwise = {{ heartbeat = true }}\n\
             [[example]]\ntopic = \"{topic}\"\npayload = \"{{}}\"\nexpect = []\n"
        )
        .replace("expect = []", "expect = [{ device = \"d\", kind = \"heartbeat\", value = {} }]")
    };
    let compile = |files: &[(&str, String)]| {
        let files =
            files.iter().map(|(name, text)| ((*name).to_owned(), text.clone().into_bytes())).collect();
        shown(&ProfileSet::compile(&files).err().unwrap_or_default())
    };
    let both = compile(&[("a.toml", "format = 1".into()), ("b.toml", "format = 1".into())]);
    assert!(both.contains("a.toml:") && both.contains("b.toml:"), "{both}");
    let twice = compile(&[("a.toml", file("same", "x/1", "bulk")), ("b.toml", file("same", "x/2", "bulk"))]);
    assert!(twice.contains("the name \"same\" is taken by a.toml"), "{twice}");
    let lanes =
        compile(&[("a.toml", file("a", "x/{d...}", "alarm")), ("b.toml", file("b", "x/2/y", "bulk"))]);
    assert!(
        lanes.contains("b.toml:6: lane: the bulk filter x/2/y overlaps the alarm filter x/# of a.toml:6"),
        "{lanes}"
    );
    assert_eq!(compile(&[("a.toml", file("a", "x/1", "alarm")), ("b.toml", file("b", "x/2", "bulk"))]), "");
}

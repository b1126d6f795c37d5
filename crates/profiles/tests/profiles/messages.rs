//! The profile language: conditions, messages, rules and lists, one feature per test.

use crate::support::{message_set, said};

/// A condition holds for some payloads and not for others.
fn asks(condition: &str, yes: &[&str], no: &[&str]) {
    let rule = format!(
        "otherwise = {{ ignore = \"no\" }}\n[[message.rule]]\nname = \"it\"\nwhen = {condition}\nkind = \"heartbeat\""
    );
    let set = message_set(&rule, yes);
    for payload in yes {
        assert_eq!(said(&set, payload), ["heartbeat {}"], "{condition} {payload}");
    }
    for payload in no {
        assert_eq!(said(&set, payload), ["ignored: no"], "{condition} {payload}");
    }
}

#[test]
fn conditions_ask_what_they_say() {
    let null = r#"{"a":null}"#;
    asks(r#"{ at = "/a", exists = true }"#, &[null, r#"{"a":0}"#], &["{}"]);
    asks(r#"{ at = "/a", exists = false }"#, &["{}"], &[null]);
    asks(r#"{ at = "/a", null = true }"#, &[null], &["{}", r#"{"a":0}"#]);
    asks(r#"{ at = "/a", null = false }"#, &[r#"{"a":""}"#], &["{}", null]);
    asks(r#"{ at = "/a", type = "object" }"#, &[r#"{"a":{"b":null}}"#], &[null, r#"{"a":[]}"#, "{}"]);
    asks(r#"{ at = "/a", type = "list" }"#, &[r#"{"a":[]}"#], &[r#"{"a":{}}"#]);
    asks(r#"{ at = "/a", is = "up" }"#, &[r#"{"a":"up"}"#, r#"{"a":"\u0075p"}"#], &[r#"{"a":"UP"}"#, "{}"]);
    asks(r#"{ at = "/a", is = "up", case = "ignore" }"#, &[r#"{"a":"UP"}"#], &[r#"{"a":"upper"}"#]);
    asks(r#"{ at = "/a", is = false }"#, &[r#"{"a":"false"}"#, r#"{"a":false}"#], &[r#"{"a":0}"#, null]);
    asks(
        r#"{ at = "/a", in = [1, "x"] }"#,
        &[r#"{"a":"x"}"#, r#"{"a":"1"}"#],
        &[r#"{"a":"y"}"#, r#"{"a":true}"#],
    );
    asks(r#"{ at = "/a", starts_with = "ab" }"#, &[r#"{"a":"abc"}"#], &[r#"{"a":"cab"}"#]);
    asks(r#"{ at = "/a", ends_with = "BC", case = "ignore" }"#, &[r#"{"a":"abc"}"#], &[r#"{"a":"bcd"}"#]);
    asks(r#"{ at = "/a", contains = "b" }"#, &[r#"{"a":"abc"}"#], &[r#"{"a":["b"]}"#]);
    asks(
        r#"{ at = "/a", above = 1, at_most = 3 }"#,
        &[r#"{"a":"3"}"#, r#"{"a":1.1}"#],
        &[r#"{"a":1}"#, r#"{"a":3.1}"#],
    );
    asks(
        r#"{ at = "/a", at_least = 1, below = 3 }"#,
        &[r#"{"a":1.0}"#],
        &[r#"{"a":3}"#, r#"{"a":"x"}"#, null],
    );
    let both = &[r#"{"a":1,"b":2}"#][..];
    asks(r#"[{ at = "/a", is = 1 }, { at = "/b", is = 2 }]"#, both, &[r#"{"a":1,"b":3}"#]);
    asks(r#"{ all = [{ at = "/a", is = 1 }, { at = "/b", is = 2 }] }"#, both, &[r#"{"a":1,"b":3}"#]);
    asks(r#"{ any = [{ at = "/a", is = 1 }, { at = "/b", is = 2 }] }"#, &[r#"{"b":2}"#], &[r#"{"b":1}"#]);
    asks(r#"{ not = { at = "/a", is = 1 } }"#, &["{}", r#"{"a":2}"#], &[r#"{"a":1}"#]);
}

#[test]
fn times_come_in_every_spelling_that_the_profile_lists() {
    let rule = "time = { at = [\"/t\", \"/u\"], as = [\"rfc3339\", \"epoch_ms\", \"pattern\"], pattern = \"%Y-%m-%d %H:%M:%S\", zone = \"Asia/Shanghai\", unknown_when = [0] }\n\
                [[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let set = message_set(rule, &["{}"]);
    let at = "heartbeat {} at_device=2026-03-02T00:59:00Z";
    for payload in [
        r#"{"t":"2026-03-02T08:59:00+08:00"}"#,
        r#"{"t":"2026-03-02T00:59:00.000000000Z"}"#,
        r#"{"t":1772413140000}"#,
        r#"{"u":"1772413140000"}"#,
        r#"{"t":"2026-03-02 08:59:00"}"#,
    ] {
        assert_eq!(said(&set, payload), [at], "{payload}");
    }
    for none in ["{}", r#"{"t":null}"#, r#"{"t":0}"#] {
        assert_eq!(said(&set, none), ["heartbeat {}"], "{none}");
    }
    assert_eq!(said(&set, r#"{"t":"yesterday"}"#), ["heartbeat {} suspect_clock"]);
    assert_eq!(
        said(&set, r#"{"t":"2026-03-02T09:02:01+08:00"}"#),
        ["heartbeat {} suspect_clock at_device=2026-03-02T01:02:01Z"]
    );
    assert_eq!(
        said(&set, r#"{"t":"2026-03-02T08:49:59+08:00"}"#),
        ["heartbeat {} late at_device=2026-03-02T00:49:59Z"]
    );
    assert_eq!(
        said(&set, r#"{"t":"1970-01-01T00:00:09Z"}"#),
        ["heartbeat {} suspect_clock at_device=1970-01-01T00:00:09Z"]
    );
}

#[test]
fn a_replay_and_a_test_say_so() {
    let rule = "replayed = { at = \"/old\", polarity = \"direct\" }\ntest = { at = \"/mode\", true = [\"drill\"] }\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let set = message_set(rule, &["{}"]);
    assert_eq!(said(&set, r#"{"old":true}"#), ["heartbeat {} replayed"]);
    assert_eq!(said(&set, r#"{"old":true,"mode":"drill"}"#), ["heartbeat {} test"]);
    assert_eq!(said(&set, r#"{"old":"no","mode":"live"}"#), ["heartbeat {}"]);
}

#[test]
fn for_each_gives_one_observation_per_element_with_its_own_fields() {
    let rule = "time = { at = \"/time\", as = \"rfc3339\" }\nevent = \"/id\"\n\
        [[message.rule]]\nname = \"live\"\nkind = \"contact\"\nvalue.open = { at = \"/open\", polarity = \"direct\" }\n\
        [[message.rule]]\nname = \"past\"\nfor_each = [{ name = \"past\", in = \"/history\" }]\nkind = \"contact\"\n\
        value.open = { at = \"past:/open\", polarity = \"direct\" }\ntime = { at = \"past:/ts\", as = \"epoch_s\" }\nreplayed = true";
    let set = message_set(rule, &[r#"{"open":1,"history":[{"open":1}]}"#]);
    let payload = r#"{"id":"e","time":"2026-03-02T09:00:00+08:00","history":[{"open":0,"ts":1772413140},{"ts":5},"x",{"open":1,"ts":1772413141.5}],"open":true}"#;
    let expected = [
        "contact {\"open\":true} at_device=2026-03-02T01:00:00Z event=e",
        "contact {\"open\":false} replayed at_device=2026-03-02T00:59:00Z event=e",
        "contact {\"open\":true} replayed at_device=2026-03-02T00:59:01.5Z event=e/4",
    ];
    assert_eq!(said(&set, payload), expected);
    for nothing in [r#"{"history":{}}"#, r#"{"history":null}"#, r#"{"history":[]}"#] {
        assert!(said(&set, nothing)[0].starts_with("unmatched"), "{nothing}");
    }
}

#[test]
fn for_each_inside_for_each_sees_both() {
    let rule = "[[message.rule]]\nname = \"hit\"\nfor_each = [{ name = \"camera\", in = \"/cameras\" }, { name = \"hit\", in = \"camera:/hits\" }]\n\
        device = \"{camera:/id}\"\nevent = \"camera:/event\"\nkind = \"object\"\nvalue.class = { at = \"hit:/class\" }\nvalue.active = { at = \"/on\", polarity = \"direct\" }";
    let set = message_set(rule, &[r#"{"on":1,"cameras":[{"id":"c","hits":[{"class":"x"}]}]}"#]);
    let payload = r#"{"on":true,"cameras":[{"id":"c1","event":"e1","hits":[{"class":"a"},{"class":"b"}]},{"id":"c2","event":"e2","hits":[{"class":"c"}]}]}"#;
    let expected = [
        r#"object {"active":true,"class":"a"} event=e1 of c1"#,
        r#"object {"active":true,"class":"b"} event=e1/2 of c1"#,
        r#"object {"active":true,"class":"c"} event=e2 of c2"#,
    ];
    assert_eq!(said(&set, payload), expected);
}

#[test]
fn an_identity_is_put_together_and_must_be_there() {
    let rule = "device = \"box-{/id|/serial}/{/ch}\"\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let set = message_set(rule, &[r#"{"id":1,"ch":2}"#]);
    assert_eq!(said(&set, r#"{"serial":"A","ch":3}"#), ["heartbeat {} of box-A/3"]);
    for (payload, part) in [
        (r#"{"id":"A"}"#, "no device: /ch is absent"),
        (r#"{"id":null,"serial":"B","ch":1}"#, "no device: /id or /serial is null"),
        (r#"{"id":"","ch":1}"#, "no device"),
        (r#"{"id":"a\u0000b","ch":1}"#, "holds '\\0'"),
        (r#"{"id":"a\u202eb","ch":1}"#, "holds"),
    ] {
        let said = said(&set, payload);
        assert!(said[0].starts_with("rejected by test: ") && said[0].contains(part), "{payload}: {said:?}");
    }
    let long = format!("{{\"id\":\"{}\",\"ch\":1}}", "x".repeat(130));
    assert!(said(&set, &long)[0].contains("128 are allowed"));
}

#[test]
fn an_ignored_message_is_ignored_before_anything_else() {
    let rule = "[[message.ignore]]\nwhen = { at = \"/op\", is = \"echo\" }\nreason = \"our own command\"\n\
                [[message.rule]]\nname = \"h\"\nkind = \"contact\"\nvalue.open = { at = \"/o\", polarity = \"direct\" }";
    let set = message_set(rule, &[r#"{"op":"echo"}"#, r#"{"o":1}"#]);
    assert_eq!(said(&set, r#"{"op":"echo","o":1}"#), ["ignored: our own command"]);
    assert_eq!(said(&set, ""), ["ignored: an empty payload: the broker forgot a retained message"]);
}

#[test]
fn what_no_rule_knows_becomes_what_otherwise_says() {
    let of = |otherwise: &str| {
        let rule = format!(
            "otherwise = {otherwise}\n[[message.rule]]\nname = \"l\"\nbeside = true\nkind = \"link\"\nvalue.rssi_dbm = {{ at = \"/rssi\" }}"
        );
        said(&message_set(&rule, &[r#"{"rssi":-7}"#]), r#"{"rssi":-7,"x":{"y":1}}"#)
    };
    let link = r#"link {"rssi_dbm":-7.0}"#;
    assert_eq!(of("{ unmatched = \"what?\" }"), ["unmatched: test: what?"]);
    assert_eq!(of("{ ignore = \"noise\" }"), ["ignored: noise"]);
    assert_eq!(of("{ heartbeat = true }"), [link, "heartbeat {}"]);
    assert_eq!(of("{ unknown = \"/x\" }"), [link, r#"unknown {"raw":"/x: {\"y\":1}"}"#]);
}

#[test]
fn text_bodies_are_one_value() {
    let rule = |body: &str| {
        format!(
            "body = \"{body}\"\n[[message.rule]]\nname = \"a\"\nkind = \"availability\"\nvalue.scope = \"hub\"\nvalue.online = {{ at = [\"/state\", \"\"], true = [\"online\"], false = [\"offline\"] }}"
        )
    };
    let either = message_set(&rule("json_or_text"), &["online"]);
    let offline = [r#"availability {"online":false,"scope":"hub"}"#];
    assert_eq!(said(&either, "offline\n"), offline);
    assert_eq!(said(&either, r#" {"state":"offline"}"#), offline);
    assert_eq!(
        said(&either, "asleep"),
        [r#"unknown {"raw":"availability.online: /state or the body is \"asleep\""}"#]
    );
    assert!(said(&either, "{offline").first().is_some_and(|said| said.starts_with("rejected")));
    let text = message_set(&rule("text"), &["online"]);
    assert_eq!(said(&text, "offline"), offline);
    assert!(said(&text, "off\u{0}line")[0].contains("control character 0x00 at byte 3"));
    assert!(said(&text, &"x".repeat(3000))[0].contains("3000 bytes"));
}

#[test]
fn entries_of_an_object_know_their_key_and_what_is_around_them() {
    let rule = "[[message.rule]]\nname = \"input\"\nfor_each = [{ name = \"part\", entries = \"/params\" }, { name = \"one\", entries = \"part:/inputs\" }]\n\
        when = { at = \"one:@key\", starts_with = \"in:\" }\ndevice = \"{part:@key}\"\nkind = \"device_fault\"\n\
        value.code = { at = \"one:@key\" }\nvalue.text = { at = [\"one:/s\", \"one:\"] }\nvalue.active = { at = \"/on\", polarity = \"direct\" }";
    let payload = r#"{"on":1,"params":{"a\u0062":{"inputs":{"in:0":{"s":"x"},"out":1,"in:1":"y"}},"c":{"inputs":["z"]},"d":5}}"#;
    let set = message_set(rule, &[payload]);
    let expected = [
        r#"device_fault {"active":true,"code":"in:0","text":"x"} of ab"#,
        r#"device_fault {"active":true,"code":"in:1","text":"y"} of ab"#,
    ];
    assert_eq!(said(&set, payload), expected);
    assert!(said(&set, r#"{"on":1,"params":[{"inputs":{"in:0":1}}]}"#)[0].starts_with("unmatched"));
}

#[test]
fn captures_of_the_topic_are_values_too() {
    let toml = "format = 1\nname = \"t\"\ntitle = \"t\"\ntitle_zh = \"t\"\n[[message]]\ntopic = [\"a/{device}/input/{n}\", \"b/{n}/{device}\"]\nbody = \"text\"\ndevice = \"{device}\"\n\
        [[message.rule]]\nname = \"input\"\nwhen = { at = \"{n}\", below = 8 }\nkind = \"input\"\nvalue.number = { at = \"{n}\" }\nvalue.active = { at = \"\", polarity = \"direct\" }\n\
        [[example]]\ntopic = \"a/d/input/1\"\npayload = \"1\"\nexpect = [{ device = \"d\", kind = \"input\", value = { number = 1, active = true } }]\n\
        [[example]]\ntopic = \"b/2/e\"\npayload = \"off\"\nexpect = [{ device = \"e\", kind = \"input\", value = { number = 2, active = false } }]\n\
        [[example]]\ntopic = \"b/9/e\"\npayload = \"off\"\nunmatched = \"\"\n";
    let set =
        crate::support::set_of(toml).unwrap_or_else(|faults| panic!("{}", crate::support::shown(&faults)));
    assert_eq!(set.run_examples(), []);
}

#[test]
fn more_questions_are_answered() {
    asks(
        r#"{ at = "/a", matches = "^in:[0-9]+$" }"#,
        &[r#"{"a":"in:07"}"#],
        &[r#"{"a":"in:x"}"#, r#"{"a":["in:0"]}"#],
    );
    asks(r#"{ at = "/a", matches = "ABC", case = "ignore" }"#, &[r#"{"a":"xabc"}"#], &[r#"{"a":"ab"}"#]);
    asks(
        r#"{ at = "/a", has = ["car", 7] }"#,
        &[r#"{"a":["x","car"]}"#, r#"{"a":[7.0]}"#],
        &[r#"{"a":"car"}"#, r#"{"a":[]}"#],
    );
    asks(
        r#"{ at = "/a", empty = true }"#,
        &[r#"{"a":""}"#, r#"{"a":[ ]}"#, r#"{"a":{}}"#],
        &[r#"{"a":0}"#, r#"{"a":null}"#, "{}"],
    );
    asks(
        r#"{ at = "/a", bit = 4 }"#,
        &[r#"{"a":16}"#, r#"{"a":"0x10"}"#],
        &[r#"{"a":15}"#, r#"{"a":"x"}"#, r#"{"a":-1}"#],
    );
}

#[test]
fn of_a_group_only_the_first_rule_that_speaks_is_heard() {
    let rule = "[[message.rule]]\nname = \"fire\"\nfirst_of = \"alarm\"\nwhen = { at = \"/t\", is = 7 }\nkind = \"smoke\"\nvalue.active = true\n\
        [[message.rule]]\nname = \"battery\"\nkind = \"battery\"\nvalue.pct = { at = \"/b\" }\n\
        [[message.rule]]\nname = \"any\"\nfirst_of = \"alarm\"\nkind = \"device_fault\"\nvalue.code = { at = \"/t\" }\nvalue.active = true";
    let set = message_set(rule, &[r#"{"t":7,"b":5}"#, r#"{"t":8}"#]);
    assert_eq!(said(&set, r#"{"t":7,"b":5}"#), [r#"smoke {"active":true}"#, r#"battery {"pct":5.0}"#]);
    assert_eq!(said(&set, r#"{"t":8}"#), [r#"device_fault {"active":true,"code":"8"}"#]);
}

#[test]
fn times_tell_their_unit_by_their_size_or_stand_in_fields_or_say_how_long_ago() {
    let heartbeat = "\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let any = message_set(&format!("time = {{ at = \"/t\", as = \"epoch\" }}{heartbeat}"), &["{}"]);
    for t in ["1772413140", "1772413140000", "1772413140000000", "1772413140000000000", "\"1772413140.0\""] {
        assert_eq!(
            said(&any, &format!("{{\"t\":{t}}}")),
            ["heartbeat {} at_device=2026-03-02T00:59:00Z"],
            "{t}"
        );
    }
    let age = message_set(&format!("time = {{ at = \"/t\", as = \"age_s\" }}{heartbeat}"), &["{}"]);
    assert_eq!(said(&age, r#"{"t":"60"}"#), ["heartbeat {} at_device=2026-03-02T00:59:00Z"]);
    assert_eq!(said(&age, r#"{"t":-60}"#), ["heartbeat {} suspect_clock"]);
    let fields = "time = { fields = { year = \"/u/y\", month = \"/u/mo\", day = \"/u/d\", hour = \"/u/h\", minute = \"/u/mi\", second = \"/u/s\", millisecond = \"/u/ms\" }, zone = \"Asia/Shanghai\" }";
    let set = message_set(&format!("{fields}{heartbeat}"), &["{}"]);
    let payload = r#"{"u":{"y":2026,"mo":"3","d":2,"h":8,"mi":59,"s":0,"ms":250}}"#;
    assert_eq!(said(&set, payload), ["heartbeat {} at_device=2026-03-02T00:59:00.25Z"]);
    assert_eq!(said(&set, "{}"), ["heartbeat {}"]);
    assert_eq!(said(&set, &payload.replace("\"3\"", "13")), ["heartbeat {} suspect_clock"]);
    let two = "time = { at = \"/t\", as = \"pattern\", pattern = [\"%Y%m%dT%H%M%SZ\", \"%Y%m%d%H%M%S\"], zone = \"UTC\" }";
    let set = message_set(&format!("{two}{heartbeat}"), &["{}"]);
    for t in ["20260302T005900Z", "20260302005900"] {
        assert_eq!(
            said(&set, &format!("{{\"t\":\"{t}\"}}")),
            ["heartbeat {} at_device=2026-03-02T00:59:00Z"],
            "{t}"
        );
    }
}

#[test]
fn a_replay_may_be_told_by_a_condition() {
    let rule = "replayed = { when = { at = \"/t\", starts_with = \"1970\" } }\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let set = message_set(rule, &["{}"]);
    assert_eq!(said(&set, r#"{"t":"1970-01-01"}"#), ["heartbeat {} replayed"]);
    assert_eq!(said(&set, r#"{"t":"2026-03-02"}"#), ["heartbeat {}"]);
}

#[test]
fn an_event_may_be_put_together_from_several_values() {
    let rule = "event = \"{/serial}-{/n}\"\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let set = message_set(rule, &["{}"]);
    assert_eq!(said(&set, r#"{"serial":"A","n":7}"#), ["heartbeat {} event=A-7"]);
    assert_eq!(said(&set, r#"{"serial":"A"}"#), ["heartbeat {}"]);
}

#[test]
fn a_profile_says_what_saying_it_again_means() {
    let rule = "repeats = { within_s = 0.65 }\n[[message.rule]]\nname = \"h\"\nkind = \"motion\"\nvalue.active = { at = \"/m\", polarity = \"direct\" }\n\
        [[message.rule]]\nname = \"beat\"\nrepeats = \"state\"\nkind = \"contact\"\nvalue.open = { at = \"/c\", polarity = \"direct\" }";
    let set = message_set(rule, &[r#"{"m":1,"c":1}"#]);
    let wanglou_model::Decoded::Observations(all) = crate::support::decode(&set, "t/d", br#"{"m":1,"c":1}"#)
    else {
        panic!("understood")
    };
    let repeats: Vec<_> =
        all.iter().map(|one| serde_json::to_value(one).expect("JSON")["repeats"].clone()).collect();
    assert_eq!(repeats, [serde_json::json!({"within_ms": 650}), serde_json::json!("state")]);
}

#[test]
fn retained_messages_may_be_ignored() {
    let rule = "retained = \"ignore\"\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let set = message_set(rule, &["{}"]);
    let of = |retain| {
        let raw = wanglou_model::RawMessage {
            topic: "t/d",
            payload: b"{}",
            at: crate::support::received(),
            retain,
            dup: false,
        };
        crate::support::lines(set.decode(&raw)).remove(0)
    };
    assert_eq!(of(false), "heartbeat {}");
    assert!(of(true).starts_with("ignored: retained"), "{}", of(true));
}

//! The profile language: what a value is, one feature per test.

use crate::support::{message_set, said};

/// A message with one rule of one field.
fn field(kind: &str, field: &str, payload: &str) -> Vec<String> {
    let message = format!("[[message.rule]]\nname = \"it\"\nkind = \"{kind}\"\n{field}");
    said(&message_set(&message, &[payload]), payload)
}

#[test]
fn the_polarity_that_the_profile_states_decides() {
    let of = |polarity: &str, payload: &str| {
        field("contact", &format!("value.open = {{ at = \"/c\", polarity = \"{polarity}\" }}"), payload)
    };
    for (payload, open) in [
        (r#"{"c":true}"#, true),
        (r#"{"c":"ON"}"#, true),
        (r#"{"c":1}"#, true),
        (r#"{"c":"1"}"#, true),
        (r#"{"c":1.0}"#, true),
        (r#"{"c":"off"}"#, false),
        (r#"{"c":0}"#, false),
    ] {
        assert_eq!(of("direct", payload), [format!("contact {{\"open\":{open}}}")], "{payload}");
        assert_eq!(of("inverted", payload), [format!("contact {{\"open\":{}}}", !open)], "{payload}");
    }
}

#[test]
fn what_cannot_be_read_is_unknown_with_the_raw_value_and_never_normal() {
    let of = |payload: &str| {
        field("contact", "value.open = { at = \"/c\", true = [\"open\", 1], false = [\"close\"] }", payload)
    };
    assert_eq!(of(r#"{"c":"open"}"#), [r#"contact {"open":true}"#]);
    for (raw, shown) in [
        ("\"ajar\"", "\"ajar\""),
        ("null", "null"),
        ("2", "2"),
        ("0", "0"),
        ("{}", "{}"),
        ("[1]", "[1]"),
        ("\"\"", "\"\""),
    ] {
        let payload = format!("{{\"c\":{raw}}}");
        let raw = serde_json::Value::from(format!("contact.open: /c is {shown}"));
        assert_eq!(of(&payload), [format!("unknown {{\"raw\":{raw}}}")], "{payload}");
    }
}

#[test]
fn absent_is_not_null() {
    let rule = "[[message.rule]]\nname = \"b\"\nkind = \"battery\"\nvalue.pct = { at = \"/b\", null = \"absent\" }\n\
                [[message.rule]]\nname = \"c\"\nkind = \"contact\"\nvalue.open = { at = \"/c\", polarity = \"direct\" }";
    let set = message_set(rule, &[r#"{"b":1,"c":true}"#]);
    assert_eq!(said(&set, r#"{"b":null,"c":true}"#), [r#"contact {"open":true}"#]);
    assert_eq!(said(&set, r#"{"b":7}"#), [r#"battery {"pct":7.0}"#]);
    assert_eq!(said(&set, r#"{"c":null}"#), [r#"unknown {"raw":"contact.open: /c is null"}"#]);
    assert_eq!(said(&set, r#"{"x":1}"#), ["unmatched: test: no rule of this profile knows what it says"]);
}

#[test]
fn the_first_pointer_that_is_present_wins_even_if_it_is_null() {
    let of = |payload: &str| field("temperature", "value.celsius = { at = [\"/new\", \"/old\"] }", payload);
    assert_eq!(of(r#"{"old":1,"new":2}"#), [r#"temperature {"celsius":2.0}"#]);
    assert_eq!(of(r#"{"old":1}"#), [r#"temperature {"celsius":1.0}"#]);
    assert_eq!(
        of(r#"{"old":1,"new":null}"#),
        [r#"unknown {"raw":"temperature.celsius: /new or /old is null"}"#]
    );
}

#[test]
fn pointers_go_into_objects_and_arrays_and_through_odd_keys() {
    let of = |pointer: &str, payload: &str| {
        field("temperature", &format!("value.celsius = {{ at = {pointer:?} }}"), payload)
    };
    let found = [r#"temperature {"celsius":5.0}"#];
    assert_eq!(of("/a/1/b", r#"{"a":[0,{"b":5}]}"#), found);
    assert_eq!(of("/a~1b/c~0d", r#"{"a/b":{"c~d":5}}"#), found);
    assert_eq!(of("/温度/ 值", r#"{"温度":{" 值":5}}"#), found);
    assert_eq!(of("/0", r#"{"0":5}"#), found);
    assert_eq!(of("/ab", r#"{"\u0061b":5}"#), found);
    assert_eq!(of("", "5"), found);
}

#[test]
fn numbers_are_scaled_bounded_and_may_be_text() {
    let of = |options: &str, payload: &str| {
        field("cover", &format!("value.tilt_deg = {{ at = \"/z\"{options} }}"), payload)
    };
    let tilt = ", scale = -1, offset = 90, abs = true";
    assert_eq!(of(tilt, r#"{"z":51.5}"#), [r#"cover {"tilt_deg":38.5}"#]);
    assert_eq!(of(tilt, r#"{"z":"128.5"}"#), [r#"cover {"tilt_deg":38.5}"#]);
    assert_eq!(
        of(", min = 0, max = 180", r#"{"z":181}"#),
        [r#"unknown {"raw":"cover.tilt_deg: /z is 181"}"#]
    );
    assert_eq!(of("", r#"{"z":1e999}"#), [r#"unknown {"raw":"cover.tilt_deg: /z is 1e999"}"#]);
    assert_eq!(of("", r#"{"z":true}"#), [r#"unknown {"raw":"cover.tilt_deg: /z is true"}"#]);
}

#[test]
fn a_sentinel_is_unknown_whatever_its_spelling() {
    let of = |payload: &str| {
        field("battery", "value.pct = { at = \"/b\", unknown_when = [-1, 255, \"undefined\"] }", payload)
    };
    for raw in ["-1", "255", "255.0", "\"255\"", "\"undefined\""] {
        let said = of(&format!("{{\"b\":{raw}}}"));
        assert!(
            said[0].starts_with("unknown") && said[0].contains("the device's word for unknown"),
            "{said:?}"
        );
    }
    assert_eq!(of(r#"{"b":100}"#), [r#"battery {"pct":100.0}"#]);
}

#[test]
fn maps_match_numbers_and_text_alike_and_know_no_default() {
    let of = |options: &str, payload: &str| {
        let map = format!(
            "value.class = {{ at = \"/t\", map = {{ \"37\" = \"ebike\", \"BIKE\" = \"bicycle\" }}{options} }}\nvalue.present = true"
        );
        field("lift_camera", &map, payload)
    };
    let ebike = [r#"lift_camera {"class":"ebike","present":true}"#];
    for code in ["37", "\"37\"", "37.0"] {
        assert_eq!(of("", &format!("{{\"t\":{code}}}")), ebike, "{code}");
    }
    assert_eq!(of("", r#"{"t":38}"#), [r#"unknown {"raw":"lift_camera.class: /t is 38"}"#]);
    assert_eq!(of("", r#"{"t":"bike"}"#), [r#"unknown {"raw":"lift_camera.class: /t is \"bike\""}"#]);
    assert_eq!(
        of(", case = \"ignore\"", r#"{"t":"bike"}"#),
        [r#"lift_camera {"class":"bicycle","present":true}"#]
    );
}

#[test]
fn a_field_that_fails_does_not_take_the_others_with_it() {
    let fields = "value.open = { at = \"/o\", polarity = \"direct\" }\nvalue.tilt_deg = { at = \"/t\" }";
    let of = |payload: &str| field("cover", fields, payload);
    assert_eq!(
        of(r#"{"o":true,"t":"x"}"#),
        [r#"cover {"open":true}"#, r#"unknown {"raw":"cover.tilt_deg: /t is \"x\""}"#]
    );
    // A required one does: half a statement would be a guess.
    let camera = "value.class = \"ebike\"\nvalue.present = { at = \"/p\", polarity = \"direct\" }\nvalue.confidence = { at = \"/c\" }";
    let of = |payload: &str| field("lift_camera", camera, payload);
    assert_eq!(of(r#"{"p":"?","c":0.9}"#), [r#"unknown {"raw":"lift_camera.present: /p is \"?\""}"#]);
    assert_eq!(of(r#"{"c":0.9}"#), [r#"unknown {"raw":"lift_camera.present: absent"}"#]);
    assert_eq!(of(r#"{"p":true,"c":"?"}"#).len(), 2);
}

#[test]
fn long_ids_keep_every_digit() {
    let rule = "event = \"/id\"\nsequence = \"/n\"\ndevice = \"{/dev}\"\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let set = message_set(rule, &[r#"{"dev":1}"#]);
    let payload = r#"{"id":8099132193508491999,"n":9007199254740993,"dev":12345678901234567890123}"#;
    assert_eq!(
        said(&set, payload),
        ["heartbeat {} event=8099132193508491999 sequence=9007199254740993 of 12345678901234567890123"]
    );
}

#[test]
fn polarity_may_be_stated_for_each_model_and_another_model_is_unknown() {
    let field_text = "value.open = { at = \"/c\", polarity = { by = \"/m\", direct = [\"A\", \"B\"], inverted = [\"C\"], case = \"ignore\" } }";
    let of = |payload: &str| field("contact", field_text, payload);
    assert_eq!(of(r#"{"m":"b","c":"on"}"#), [r#"contact {"open":true}"#]);
    assert_eq!(of(r#"{"m":"C","c":"on"}"#), [r#"contact {"open":false}"#]);
    assert_eq!(
        of(r#"{"m":"D","c":"on"}"#),
        [r#"unknown {"raw":"contact.open: /c is \"on\", and no polarity is stated for \"D\""}"#]
    );
    assert!(of(r#"{"c":"on"}"#)[0].contains("no polarity is stated for absent"));
    let bit = |polarity: &str, n: u32| {
        field(
            "contact",
            &format!("value.open = {{ at = \"/c\", bit = 5, polarity = \"{polarity}\" }}"),
            &format!("{{\"c\":{n}}}"),
        )
    };
    assert_eq!(bit("direct", 32), [r#"contact {"open":true}"#]);
    assert_eq!(bit("inverted", 31), [r#"contact {"open":true}"#]);
}

#[test]
fn a_map_may_take_several_inputs() {
    let text = "value.result = { of = [\"/major\", \"/minor\"], map = { \"5/21\" = \"granted\", \"5/\" = \"denied\" } }";
    let of = |payload: &str| field("access", text, payload);
    assert_eq!(of(r#"{"major":5.0,"minor":"21"}"#), [r#"access {"result":"granted"}"#]);
    assert_eq!(of(r#"{"major":5}"#), [r#"access {"result":"denied"}"#]);
    assert_eq!(
        of(r#"{"major":5,"minor":22}"#),
        [r#"unknown {"raw":"access.result: /major and /minor is 5/22"}"#]
    );
}

#[test]
fn units_are_named_and_converted() {
    let of = |kind: &str, name: &str, unit: &str, value: f64| {
        field(
            kind,
            &format!("value.{name} = {{ at = \"/v\", unit = \"{unit}\" }}"),
            &format!("{{\"v\":{value}}}"),
        )
    };
    assert_eq!(of("temperature", "celsius", "fahrenheit", 212.0), [r#"temperature {"celsius":100.0}"#]);
    assert_eq!(of("water_level", "mm_below_rim", "cm", 2.5), [r#"water_level {"mm_below_rim":25.0}"#]);
    assert_eq!(of("battery", "volts", "millivolts", 2985.0), [r#"battery {"volts":2.985}"#]);
    assert_eq!(of("battery", "pct", "fraction", 0.07), [r#"battery {"pct":7.0}"#]);
}

#[test]
fn a_picture_inside_of_the_message_becomes_its_hash_and_never_its_bytes() {
    use wanglou_model::{RawMessage, Reading};
    let rule = "evidence = [\"/url\", { inline = \"/image\" }]\n[[message.rule]]\nname = \"bike\"\nwhen = { at = [\"/image\", \"/x\"], exists = true }\nkind = \"lift_camera\"\n\
        value.class = \"ebike\"\nvalue.present = true\nvalue.picture = { at = \"/image\", inline = true }";
    let set = message_set(rule, &[r#"{"x":1}"#]);
    let payload = br#"{"url":"http://a.invalid/1.jpg","image":"\/9j\/4AAQ"}"#;
    let raw = |payload| RawMessage {
        topic: "t/d",
        payload,
        at: crate::support::received(),
        retain: false,
        dup: false,
    };
    let decoding = set.decode_in(&raw(payload), &mut wanglou_profiles::DecodeState::default());
    let wanglou_model::Decoded::Observations(all) = &decoding.decoded else { panic!("{decoding:?}") };
    let Reading::LiftCamera { picture: Some(picture), .. } = &all[0].reading else { panic!("{all:?}") };
    assert_eq!((picture.bytes, picture.uri.as_deref()), (Some(6), None));
    assert_eq!(all[0].evidence.len(), 2);
    assert_eq!(all[0].evidence[1], *picture);
    assert_eq!(decoding.blobs.len(), 1, "hashed and kept once");
    assert_eq!(decoding.blobs[0].bytes, [0xff, 0xd8, 0xff, 0xe0, 0, 0x10]);
    assert_eq!(Some(&decoding.blobs[0].sha256), picture.sha256.as_ref());
    assert!(said(&set, r#"{"image":""}"#)[0].starts_with(r#"lift_camera {"class":"ebike","present":true}"#));
    assert!(said(&set, r#"{"image":"?"}"#)[1].contains("lift_camera.picture: /image is"));
    let none = set.decode_in(
        &raw(br#"{"url":"http://a.invalid/1.jpg","x":1}"#),
        &mut wanglou_profiles::DecodeState::default(),
    );
    assert_eq!(none.blobs.capacity(), 0);
}

#[test]
fn what_nobody_shall_read_is_in_no_raw_value_and_no_reason() {
    let rule = "redact = [\"/name\", \"/card\"]\notherwise = { unknown = \"\" }\ndevice = \"{/id|/name}\"\n[[message.rule]]\nname = \"c\"\nkind = \"contact\"\nvalue.open = { at = [\"/open\", \"/card\"], polarity = \"direct\" }";
    let set = message_set(rule, &[r#"{"id":"d","open":1}"#]);
    assert_eq!(
        said(&set, r#"{"id":"d","card":"0012345"}"#),
        [r#"unknown {"raw":"contact.open: /open or /card is \"(redacted)\""}"#]
    );
    let whole = said(&set, r#"{"id":"d","name":"Wang Fang","x":1}"#);
    assert_eq!(whole, [r#"unknown {"raw":"the body: {\"id\":\"d\",\"name\":\"(redacted)\",\"x\":1}"}"#]);
    let long = said(&set, &format!(r#"{{"id":"d","x":"{}","name":"Wang Fang"}}"#, "x".repeat(140)));
    assert!(!long[0].contains("Wang"), "{long:?}");
    let rejected = said(&set, &format!(r#"{{"name":"Wang\u202eFang{}"}}"#, "x".repeat(200)));
    assert!(!rejected[0].contains("Wang"), "{rejected:?}");
}

#[test]
fn a_key_that_nobody_shall_read_is_hidden_in_every_element_of_a_list() {
    let rule = "redact = \"key:name\"\ndevice = \"d\"\n[[message.rule]]\nname = \"c\"\nkind = \"contact\"\nfor_each = [{ name = \"p\", in = \"/people\" }]\nvalue.open = { at = [\"p:/door\", \"p:\"], polarity = \"direct\" }";
    let set = message_set(rule, &[r#"{"people":[{"door":1}]}"#]);
    let shown = said(&set, r#"{"people":[{"name":"Wang","x":1},{"door":{"name":"Li"}}]}"#);
    let hidden = |at: &str| format!(r#"unknown {{"raw":"contact.open: p:/door or p: is {at}"}}"#);
    assert_eq!(shown, [hidden(r#"{\"name\":(redacted),\"x\":1}"#), hidden(r#"{\"name\":(redacted)}"#)]);
}

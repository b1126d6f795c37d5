//! Documents inside of values: parts, bodies that are no JSON, fields that are decoded by themselves.

use crate::support::{decode, lines, message_set, said};

/// One temperature read at `at` from a body that is decoded so.
fn number_in(body: &str, at: &str, payload: &str) -> Vec<String> {
    let message = format!(
        "body = {body}\n[[message.rule]]\nname = \"it\"\nkind = \"temperature\"\nvalue.celsius = {{ at = \"{at}\" }}"
    );
    said(&message_set(&message, &[payload]), payload)
}

/// One text read from a part of `/d` that is decoded so, shown as the code of a fault.
fn code_in(decode: &str, at: &str, payload: &str) -> Vec<String> {
    let message = format!(
        "[[message.part]]\nname = \"p\"\nfrom = \"/d\"\ndecode = {decode}\n\
         [[message.rule]]\nname = \"it\"\nwhen = {{ at = \"{at}\", exists = true }}\nkind = \"device_fault\"\nvalue.code = {{ at = \"{at}\" }}\nvalue.active = true"
    );
    let set = message_set(&message, &[payload]);
    said(&set, payload)
}

fn code(code: &str) -> [String; 1] {
    [format!("device_fault {{\"active\":true,\"code\":{}}}", serde_json::Value::from(code))]
}

const FIVE: [&str; 1] = [r#"temperature {"celsius":5.0}"#];

#[test]
fn json_in_a_string_is_a_document() {
    let payload = r#"{"d":"{\"a\":[{\"b\":\"x\\ny\"}]}"}"#;
    assert_eq!(code_in(r#""json""#, "p:/a/0/b", payload), code("x\ny"));
    assert_eq!(code_in(r#""json""#, "p:", r#"{"d":"\"word\""}"#), code("word"));
}

#[test]
fn base64_comes_with_both_alphabets_and_any_padding() {
    let of = |text: &str| code_in(r#"["base64", "text"]"#, "p:", &format!("{{\"d\":\"{text}\"}}"));
    for text in ["dGVzdD8_", "dGVzdD8/", "dGVz\\ndD8/", "data:text/plain;base64,dGVzdD8/"] {
        assert_eq!(of(text), code("test??"), "{text}");
    }
    assert_eq!(of("YQ=="), code("a"));
    assert_eq!(of("YQ"), code("a"));
    for (wrong, part) in [("Y", "middle of a byte"), ("Y*==", "byte 1"), ("YQ==YQ", "follows the padding")] {
        let said = of_unknown(r#"["base64", "text"]"#, &format!("{{\"d\":\"{wrong}\"}}"));
        assert!(said.contains(part), "{wrong}: {said}");
    }
}

/// What is said of a part that cannot be decoded.
fn of_unknown(decode: &str, payload: &str) -> String {
    let message = format!(
        "[[message.part]]\nname = \"p\"\nfrom = \"/d\"\ndecode = {decode}\n\
         [[message.rule]]\nname = \"h\"\nkind = \"contact\"\nvalue.open = {{ at = [\"/o\", \"p:/x\"], polarity = \"direct\" }}"
    );
    let found = said(&message_set(&message, &[r#"{"o":1}"#]), payload);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("unknown {\"raw\":\"part"), "{found:?}");
    found[0].clone()
}

#[test]
fn a_part_that_cannot_be_decoded_is_unknown_beside_what_the_rest_says() {
    let parts = |optional: &str| {
        format!(
            "[[message.part]]\nname = \"p\"\nfrom = \"/d\"\ndecode = \"json\"\n{optional}\
             [[message.rule]]\nname = \"h\"\nkind = \"contact\"\nvalue.open = {{ at = \"/o\", polarity = \"direct\" }}\n\
             [[message.rule]]\nname = \"t\"\nkind = \"temperature\"\nvalue.celsius = {{ at = \"p:/t\" }}"
        )
    };
    let payloads = [r#"{"o":1,"d":"{\"t\":5}"}"#];
    let set = message_set(&parts(""), &payloads);
    assert_eq!(said(&set, payloads[0]), [r#"contact {"open":true}"#, FIVE[0]]);
    let both = said(&set, r#"{"o":1,"d":"{oops"}"#);
    assert_eq!(both[0], r#"contact {"open":true}"#);
    assert!(both[1].starts_with(r#"unknown {"raw":"part \"p\": /d is \"{oops\": not JSON"#), "{both:?}");
    let optional = message_set(&parts("optional = true\n"), &payloads);
    assert_eq!(said(&optional, r#"{"o":1,"d":"{oops"}"#), [r#"contact {"open":true}"#]);
    for absent in [r#"{"o":1}"#, r#"{"o":1,"d":null}"#, r#"{"o":1,"d":""}"#] {
        assert_eq!(said(&set, absent), [r#"contact {"open":true}"#], "{absent}");
    }
}

#[test]
fn parts_come_out_of_parts_and_only_when_asked_for() {
    let message = "[[message.part]]\nname = \"outer\"\nfrom = \"/d\"\ndecode = [\"base64\", { pairs = \";\", last = \"data\" }]\n\
         [[message.part]]\nname = \"inner\"\nfrom = \"outer:/data\"\nwhen = { at = \"outer:/code\", is = \"T\" }\ndecode = \"json\"\n\
         [[message.rule]]\nname = \"t\"\nkind = \"temperature\"\nvalue.celsius = { at = \"inner:/t\" }";
    // code=T; data={"t":5;}: a semicolon inside of the last value is part of it.
    let payload = |code: &str| {
        let text = format!("code={code}; data={{\"t\":5,\"x\":\";\"}}");
        let mut out = String::new();
        for chunk in text.as_bytes().chunks(3) {
            let bits = (0..3).fold(0, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
            for at in 0..=chunk.len() {
                let index = (bits >> (18 - 6 * at) & 63) as usize;
                out.push(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[index] as char);
            }
        }
        format!("{{\"d\":\"{out}\"}}")
    };
    let set = message_set(message, &[&payload("T")]);
    assert_eq!(said(&set, &payload("T")), FIVE);
    assert!(said(&set, &payload("U"))[0].starts_with("unmatched"));
}

#[test]
fn bytes_become_numbers_bits_and_texts_and_short_frames_say_less() {
    let of = |field: &str, hex: &str| {
        code_in(
            &format!("[\"hex\", {{ bytes = {{ x = {field} }} }}]"),
            "p:/x",
            &format!("{{\"d\":\"{hex}\"}}"),
        )
    };
    for (field, hex, found) in [
        (r#"{ at = 0, as = "u8" }"#, "8C0B", "140"),
        (r#"{ at = 0, as = "i8" }"#, "8C0B", "-116"),
        (r#"{ at = 0, as = "u16be" }"#, "0x8c0b", "35851"),
        (r#"{ at = 0, as = "u16be", bits = [0, 14] }"#, "8C 0B", "3083"),
        (r#"{ at = 0, as = "u16le" }"#, "8C:0B", "2956"),
        (r#"{ at = 1, as = "i24be" }"#, "00FFFFFE", "-2"),
        (r#"{ at = -1, as = "u8" }"#, "000007", "7"),
        (r#"{ at = 0, as = "u64be" }"#, "FFFFFFFFFFFFFFFF", "18446744073709551615"),
        (r#"{ at = 0, as = "f32be" }"#, "41200000", "1e1"),
        (r#"{ at = 0, as = "f64le" }"#, "0000000000001440", "5e0"),
        (r#"{ at = 0, as = "bcd", length = 3 }"#, "012345", "012345"),
        (r#"{ at = 0, as = "hex", length = 2 }"#, "00AF", "00af"),
        (r#"{ at = 0, as = "text", length = 4 }"#, "41420000", "AB"),
        (r#"{ at = 0, bit = 7 }"#, "80", "true"),
        (r#"{ at = 0, bit = 0 }"#, "80", "false"),
    ] {
        assert_eq!(of(field, hex), code(found), "{field}");
    }
}

#[test]
fn a_short_frame_does_not_say_closed() {
    let message = "[[message.part]]\nname = \"f\"\nfrom = \"/d\"\ndecode = [\"hex\", { bytes = { open = { at = 2, bit = 0 } } }]\n\
        [[message.rule]]\nname = \"door\"\nkind = \"contact\"\nvalue.open = { at = \"f:/open\", polarity = \"direct\" }";
    let set = message_set(message, &[r#"{"d":"000000"}"#]);
    assert_eq!(said(&set, r#"{"d":"000000"}"#), [r#"contact {"open":false}"#]);
    assert!(said(&set, r#"{"d":"0000"}"#)[0].starts_with("unmatched"));
}

#[test]
fn tagged_items_are_walked_up_to_the_first_unknown_tag() {
    let chain = r#"["hex", { items = { "0175" = { name = "battery", as = "u8" }, "0600" = { name = "open", as = "u8" }, "03cf" = { length = 4, fields = { x = { at = 0, as = "i16le" }, y = { at = 2, as = "i16le" } } } } }]"#;
    let of = |at: &str, hex: &str| code_in(chain, at, &format!("{{\"d\":\"{hex}\"}}"));
    assert_eq!(of("p:/battery", "01755C060001"), code("92"));
    assert_eq!(of("p:/open", "01755C060001"), code("1"));
    assert_eq!(of("p:/y", "03CF0100FEFF"), code("-2"));
    assert_eq!(of("p:/@rest", "01755C99990001"), code("99990001"));
    assert_eq!(of("p:/@rest", "0175"), code("0175"));
}

#[test]
fn bits_of_a_number_are_flags() {
    let of = |value: &str| {
        code_in("{ bits = { open = 0, tamper = 2 } }", "p:/open", &format!("{{\"d\":{value}}}"))
    };
    assert_eq!(of("49"), code("true"));
    assert_eq!(of("\"0x30\""), code("false"));
    assert!(of_unknown("{ bits = { open = 0 } }", r#"{"d":"many"}"#).contains("no whole number"));
}

#[test]
fn texts_are_split_and_cut() {
    assert_eq!(code_in(r##"{ split = "#" }"##, "p:/1", r#"{"d":"GB#x y"}"#), code("x y"));
    assert_eq!(code_in(r#"{ split = [";", "&&"] }"#, "p:/2", r#"{"d":"a;b&&c"}"#), code("c"));
    let cut = r#"[{ cut = { after = "CP=&&", before = "&&", skip = 1, take = 3 } }, "text"]"#;
    assert_eq!(code_in(cut, "p:", r#"{"d":"x;CP=&&abcdef&&99"}"#), code("bcd"));
    assert!(of_unknown(r#"{ cut = { after = "!" } }"#, r#"{"d":"abc"}"#).contains("there is no"));
    let pairs = r#"{ pairs = ",", equals = "~" }"#;
    assert_eq!(
        code_in(pairs, "p:/access control Ver", r#"{"d":"devIP~1.2,access control Ver~9.4~x,"}"#),
        code("9.4~x")
    );
}

#[test]
fn xml_elements_become_keys_attributes_get_an_at_and_repeats_a_list() {
    let payload = "<?xml version=\"1.0\"?>\n<!-- c --><a:Alert xmlns:a=\"urn:x\" ver='2'>\n <id>7</id><t> 5 </t><empty/><port n=\"1\">x</port><port n=\"2\"/><s>a &amp;&#x41;<![CDATA[<b>]]></s></a:Alert>";
    let text = |at: &str| {
        let message = format!(
            "body = \"xml\"\n[[message.rule]]\nname = \"x\"\nkind = \"device_fault\"\nvalue.code = {{ at = \"{at}\" }}\nvalue.active = true"
        );
        lines(decode(&message_set(&message, &[payload]), "t/d", payload.as_bytes()))
    };
    assert_eq!(number_in(r#""xml""#, "/Alert/t", payload), FIVE);
    for (at, found) in [
        ("/Alert/@ver", "2"),
        ("/Alert/id", "7"),
        ("/Alert/port/0/#text", "x"),
        ("/Alert/port/1/@n", "2"),
        ("/Alert/s", "a &A<b>"),
        ("/Alert/empty", ""),
    ] {
        assert_eq!(text(at), code(found), "{at}");
    }
}

#[test]
fn xml_that_is_broken_or_dangerous_is_rejected_with_words() {
    let deep = "<a>".repeat(70);
    let many = format!("<a>{}</a>", "<b/>".repeat(1100));
    for (payload, part) in [
        ("<a><b></a>", "end tag without its beginning"),
        ("<a>", "ends before its elements do"),
        ("<a/><b/>", "a second document"),
        ("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "document type"),
        ("<a>&bomb;</a>", "there is no entity &bomb;"),
        ("<a b=1/>", "a quote expected"),
        ("<a b=\"1\" b=\"2\"/>", "the same attribute twice"),
        ("<a><b", "a name expected"),
        ("plain", "text outside of the element"),
        (&deep, "nested deeper than 64"),
        (&many, "more than 1024 elements"),
    ] {
        let set = message_set("body = \"xml\"\notherwise = { heartbeat = true }", &["<a/>"]);
        let said = said(&set, payload);
        assert!(said[0].starts_with("rejected") && said[0].contains(part), "{payload}: {said:?}");
    }
}

#[test]
fn gzip_is_inflated_to_its_bound_and_no_further() {
    let zip = |text: &[u8]| {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(vec![], flate2::Compression::best());
        encoder.write_all(text).expect("in memory");
        encoder.finish().expect("in memory")
    };
    let message = "body = [\"gzip\", \"json\"]\n[[message.rule]]\nname = \"it\"\nkind = \"temperature\"\nvalue.celsius = { at = \"/t\" }";
    let toml = crate::support::profile_text(message, &[])
        + "\n[[example]]\ntopic = \"t/d\"\npayload_hex = \"1f8b0800000000000003ab562a51b2305.\"\nrejected = \"\"\n";
    assert!(crate::support::set_of(&toml).is_err(), "the example is no hexadecimal");
    let hex: String = zip(br#"{"t":5}"#).iter().map(|byte| format!("{byte:02x}")).collect();
    let toml = crate::support::profile_text(message, &[])
        + &format!(
            "\n[[example]]\ntopic = \"t/d\"\npayload_hex = \"{hex}\"\nexpect = [{{ device = \"d\", kind = \"temperature\", value = {{ celsius = 5 }} }}]\n"
        );
    let set = crate::support::set_of(&toml).expect("good");
    assert_eq!(set.run_examples(), []);
    let of = |bytes: &[u8]| lines(decode(&set, "t/d", bytes)).remove(0);
    let bomb = zip(&vec![b' '; 30 << 20]);
    assert!(of(&bomb).contains("too long when it is decoded"), "{}", of(&bomb));
    assert!(of(b"{}").contains("not gzip"));
    let good = zip(br#"{"t":5}"#);
    assert!(of(&good[..good.len() - 3]).contains("not gzip"));
}

#[test]
fn a_field_may_be_decoded_by_itself_in_each_element() {
    let message = "[[message.rule]]\nname = \"plate\"\nfor_each = [{ name = \"p\", in = \"/plates\" }]\nkind = \"vehicle\"\nvalue.present = true\nvalue.segment = \"gate\"\n\
        value.plate_hash = { at = \"p:/license\", decode = [\"base64\", \"text\"], hash = true }";
    let payload = r#"{"plates":[{"license":"6LWjR1o3UzEz"},{"license":"***"}]}"#;
    let found = said(&message_set(message, &[payload]), payload);
    // printf '%s' 赣GZ7S13 | sha256sum
    assert_eq!(
        found[0],
        r#"vehicle {"plate_hash":"4abfc1fa638e8ae76de4f8cd5c724814","present":true,"segment":"gate"}"#
    );
    assert!(
        found[2].starts_with(
            r#"unknown {"raw":"vehicle.plate_hash: p:/license is \"***\": not base64 at byte 0"#
        ),
        "{found:?}"
    );
}

#[test]
fn what_is_over_the_bound_when_decoded_is_refused() {
    let message = "[[message.part]]\nname = \"p\"\nfrom = \"/d\"\ndecode = { split = \";\" }\n[[message.rule]]\nname = \"h\"\nkind = \"heartbeat\"";
    let set = message_set(message, &["{}"]);
    let payload = format!("{{\"d\":\"{}\"}}", ";".repeat(400_000));
    let found = said(&set, &payload);
    assert!(found[1].contains("too long when it is decoded"), "{found:?}");
}

#[test]
fn senml_records_inherit_from_the_ones_before_them() {
    let message = "body = \"senml\"\n[[message.rule]]\nname = \"t\"\nfor_each = [{ name = \"r\", in = \"\" }]\nkind = \"device_fault\"\n\
        device = \"{r:/name}\"\nvalue.code = { at = \"r:/value\" }\nvalue.text = { at = \"r:/unit\" }\nvalue.active = true\ntime = { at = \"r:/time\", as = \"epoch_s\" }";
    let payload = r#"[{"bn":"d:","bt":1772413190,"bu":"Cel","n":"a","v":5,"bv":2},{"n":"b","t":-5,"u":"%EL","v":14},{"n":"c","vb":true},{"n":"e","vs":"x\"y"},{"bn":"f","bt":-3,"bver":10},{"v":1}]"#;
    let set = message_set(message, &[payload]);
    let expected = [
        r#"device_fault {"active":true,"code":"7","text":"Cel"} at_device=2026-03-02T00:59:50Z of d:a"#,
        r#"device_fault {"active":true,"code":"16","text":"%EL"} at_device=2026-03-02T00:59:45Z of d:b"#,
        r#"device_fault {"active":true,"code":"true","text":"Cel"} at_device=2026-03-02T00:59:50Z of d:c"#,
        r#"device_fault {"active":true,"code":"x\"y","text":"Cel"} at_device=2026-03-02T00:59:50Z of d:e"#,
        r#"device_fault {"active":true,"code":"3","text":"Cel"} at_device=2026-03-02T00:59:57Z of f"#,
    ];
    assert_eq!(said(&set, payload), expected);
    assert!(said(&set, r#"[{"bver":11,"n":"x","v":1}]"#)[0].contains("version 11"));
    assert!(said(&set, r#"{"n":"x"}"#)[0].contains("a list of records"));
}

#[test]
fn hj212_is_taken_apart_and_its_check_sum_told() {
    let message = "body = \"hj212\"\ndevice = \"{/MN}\"\n[[message.rule]]\nname = \"level\"\nwhen = { at = \"/sum_good\", is = true }\nkind = \"temperature\"\nvalue.celsius = { at = \"/values/LA/Rtd\" }\n\
        [[message.rule]]\nname = \"damaged\"\nwhen = { at = \"/sum_good\", is = false }\nkind = \"unknown\"\nvalue.raw = \"damaged\"";
    let body = "QN=20260302090000001;ST=22;CN=2011;MN=X1;Flag=5;CP=&&DataTime=20260302090000;LA-Rtd=58.5,LA-Flag=N&&";
    let sum = body.bytes().fold(0xffff_u16, |sum, byte| {
        (0..8).fold(
            sum >> 8 ^ u16::from(byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xa001 } else { sum >> 1 },
        )
    });
    let good = format!("##{:04}{body}{sum:04X}\r\n", body.len());
    let wrong = format!("##{:04}{body}{:04X}\r\n", body.len(), sum ^ 1);
    let set = message_set(message, &[&good, &wrong]);
    assert_eq!(said(&set, &good), [r#"temperature {"celsius":58.5} of X1"#]);
    assert_eq!(said(&set, &wrong), [r#"unknown {"raw":"damaged"} of X1"#]);
    assert!(said(&set, &good.replace("##0", "##9"))[0].contains("bytes promised"));
}

/// A protobuf field.
fn field(number: u64, wire: u64, value: &[u8]) -> Vec<u8> {
    let mut out = varint(number << 3 | wire);
    if wire == 2 {
        out.extend(varint(value.len() as u64));
    }
    out.extend_from_slice(value);
    out
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut out = vec![];
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).expect("seven bits") | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).expect("seven bits"));
    out
}

/// A metric: name, alias, data type, and its value as a field.
fn metric(name: Option<&str>, alias: Option<u64>, datatype: u64, value: &[u8]) -> Vec<u8> {
    let name = name.map(|name| field(1, 2, name.as_bytes())).unwrap_or_default();
    let alias = alias.map(|alias| field(2, 0, &varint(alias))).unwrap_or_default();
    let datatype = if datatype == 0 { vec![] } else { field(4, 0, &varint(datatype)) };
    field(2, 2, &[name, alias, field(3, 0, &varint(1_772_413_140_000)), datatype, value.to_vec()].concat())
}

fn sparkplug() -> wanglou_profiles::ProfileSet {
    let toml = "format = 1\nname = \"sp\"\ntitle = \"s\"\ntitle_zh = \"s\"\n\
        [[message]]\ntopic = [\"spBv1.0/{group}/DDATA/{node}/{device}\", \"spBv1.0/{group}/DBIRTH/{node}/{device}\"]\nbody = \"sparkplug_b\"\ndevice = \"{group}/{node}/{device}\"\n\
        [[message.rule]]\nname = \"fault\"\nfor_each = [{ name = \"m\", in = \"/metrics\" }]\nkind = \"device_fault\"\nvalue.code = { at = [\"m:/name\", \"m:/alias\"] }\nvalue.text = { at = \"m:/value\" }\nvalue.active = true\ntime = { at = \"m:/timestamp\", as = \"epoch_ms\" }\n\
        [[message]]\ntopic = [\"spBv1.0/{group}/NBIRTH/{node}\", \"spBv1.0/{group}/NDEATH/{node}\"]\nbody = \"sparkplug_b\"\ndevice = \"{group}/{node}\"\n\
        [[message.ignore]]\nwhen = { at = \"/stale\", is = true }\nreason = \"a death of an earlier birth\"\n\
        [[message.rule]]\nname = \"node\"\nkind = \"availability\"\nvalue.online = { at = \"/type\", true = [\"NBIRTH\"], false = [\"NDEATH\"] }\nvalue.scope = \"hub\"\n\
        [[example]]\ntopic = \"spBv1.0/g/DDATA/n/d\"\npayload = '{\"metrics\":[{\"name\":\"A\",\"value\":1,\"timestamp\":1}]}'\nunmatched = \"\"\n\
        [[example]]\ntopic = \"spBv1.0/g/NDEATH/n\"\npayload = '{\"stale\":true}'\nignored = \"\"\n\
        [[example]]\ntopic = \"spBv1.0/g/NDEATH/n\"\npayload = '{\"type\":\"NDEATH\"}'\nunmatched = \"\"\n";
    crate::support::set_of(toml).unwrap_or_else(|faults| panic!("{}", crate::support::shown(&faults)))
}

#[test]
fn sparkplug_aliases_are_explained_by_births_and_deaths_belong_to_one() {
    let set = sparkplug();
    let mut state = wanglou_profiles::DecodeState::default();
    let mut tell = |topic: &str, parts: &[Vec<u8>]| {
        let payload = parts.concat();
        let raw = wanglou_model::RawMessage {
            topic,
            payload: &payload,
            at: crate::support::received(),
            retain: false,
            dup: false,
        };
        // What is kept with a snapshot is the same afterwards.
        let json = serde_json::to_string(&state).expect("JSON");
        state = serde_json::from_str(&json).expect("the same");
        lines(set.decode_in(&raw, &mut state).decoded)
    };
    let bd_seq = |number: u64| metric(Some("bdSeq"), None, 8, &field(11, 0, &varint(number)));
    let data = metric(None, Some(7), 0, &field(14, 0, &[1]));
    let before = tell("spBv1.0/g/DDATA/n/d", std::slice::from_ref(&data));
    assert!(before[0].contains(r#""code":"7","text":"true""#), "{before:?}");
    tell("spBv1.0/g/DBIRTH/m/d", &[metric(Some("B"), Some(7), 11, &field(14, 0, &[0]))]);
    let said = tell("spBv1.0/g/DDATA/m/d", std::slice::from_ref(&data));
    assert!(said[0].contains(r#""code":"B""#), "a node that was born before anybody listened: {said:?}");
    tell("spBv1.0/g/NBIRTH/n", &[bd_seq(3)]);
    let birth = [
        metric(Some("Inputs/A"), Some(7), 11, &field(14, 0, &[0])),
        metric(Some("T"), Some(8), 3, &field(10, 0, &varint(4_294_967_291))),
    ];
    let said = tell("spBv1.0/g/DBIRTH/n/d", &birth);
    assert_eq!(
        said[1],
        r#"device_fault {"active":true,"code":"T","text":"-5"} at_device=2026-03-02T00:59:00Z of g/n/d"#
    );
    let said = tell("spBv1.0/g/DDATA/n/d", &[data, metric(None, Some(8), 0, &field(10, 0, &varint(6)))]);
    assert_eq!(
        said[0],
        r#"device_fault {"active":true,"code":"Inputs/A","text":"true"} at_device=2026-03-02T00:59:00Z of g/n/d"#
    );
    assert!(said[1].contains(r#""code":"T","text":"6""#), "{said:?}");
    assert_eq!(tell("spBv1.0/g/NDEATH/n", &[bd_seq(2)]), ["ignored: a death of an earlier birth"]);
    assert_eq!(
        tell("spBv1.0/g/NDEATH/n", &[bd_seq(3)]),
        [r#"availability {"online":false,"scope":"hub"} of g/n"#]
    );
    // A new birth forgets the aliases of the one before.
    tell("spBv1.0/g/NBIRTH/n", &[bd_seq(4)]);
    let said = tell("spBv1.0/g/DDATA/n/d", &[metric(None, Some(8), 7, &field(10, 0, &varint(6)))]);
    assert!(said[0].contains(r#""code":"8""#), "{said:?}");
}

#[test]
fn sparkplug_that_lies_about_its_lengths_is_rejected() {
    let set = sparkplug();
    let of = |payload: &[u8]| lines(decode(&set, "spBv1.0/g/DDATA/n/d", payload)).remove(0);
    for (payload, part) in [
        (&[0x12, 0x7f, 0x00][..], "bytes promised"),
        (&[0x80; 11], "more than ten bytes"),
        (&[0x13], "wire type 3"),
        (&[0x08], "a number ends"),
        (&[0x12, 0x03, 0x0a, 0x01, 0xff], "not UTF-8"),
    ] {
        assert!(
            of(payload).starts_with("rejected") && of(payload).contains(part),
            "{payload:?}: {}",
            of(payload)
        );
    }
    // Written out, each of them is many times as long.
    let many = [0x12, 0].repeat(40_000);
    assert!(of(&many).contains("too long when it is decoded"), "{}", of(&many));
}

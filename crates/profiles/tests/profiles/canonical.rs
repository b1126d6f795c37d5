//! Wanglou's own format: strict, and refusing with the name of the field.

use crate::support::{decode, lines, shipped};
use wanglou_model::Decoded;
use wanglou_profiles::ProfileSet;

fn said(set: &ProfileSet, payload: &str) -> Vec<String> {
    lines(decode(set, "wanglou/v1/in/d", payload.as_bytes()))
}

/// An observation of a kind with this value.
fn body(kind: &str, value: &str) -> String {
    format!(r#"{{"device":"d","kind":"{kind}","value":{value}}}"#)
}

#[test]
fn every_field_of_the_envelope_is_taken() {
    let set = shipped();
    let payload = r#"{"device":"d","kind":"cover","value":{"tilt_deg":22.5,"moved":true,"open":null},"at_device":"2026-03-02T08:59:59.5+08:00","event":"e-7","sequence":18446744073709551615,"evidence":[{"uri":"https://x.invalid/a.jpg"},{"sha256":"0000000000000000000000000000000000000000000000000000000000000abc","bytes":1234}],"quality":"replayed"}"#;
    assert_eq!(
        said(&set, payload),
        [
            r#"cover {"moved":true,"tilt_deg":22.5} replayed at_device=2026-03-02T00:59:59.5Z event=e-7 sequence=18446744073709551615"#
        ]
    );
    let Decoded::Observations(all) = decode(&set, "wanglou/v1/in/d", payload.as_bytes()) else {
        panic!("observations")
    };
    assert_eq!(all[0].evidence.len(), 2);
    assert_eq!(all[0].evidence[1].bytes, Some(1234));
    assert_eq!(&*all[0].profile, "wanglou");
}

#[test]
fn a_list_gives_its_observations_in_order_or_nothing_at_all() {
    let set = shipped();
    let (one, two) = (body("tamper", r#"{"active":true}"#), body("heartbeat", "{}"));
    assert_eq!(said(&set, &format!(" [ {one} , {two} ] ")), [r#"tamper {"active":true}"#, "heartbeat {}"]);
    let bad = body("tamper", r#"{"active":1}"#);
    assert_eq!(
        said(&set, &format!("[{one},{bad}]")),
        ["rejected by wanglou: observation 2: value.active: true or false expected, not 1"]
    );
    assert_eq!(said(&set, "[]"), ["rejected by wanglou: an empty list"]);
    assert!(said(&set, &format!("[{one},7]"))[0].contains("observation 2"));
    assert!(said(&set, &format!("[{one}"))[0].contains("the text ends"));
}

#[test]
fn a_mistake_is_refused_by_the_name_of_its_field() {
    let set = shipped();
    let envelope = |rest: &str| format!(r#"{{"device":"d","kind":"contact","value":{{"open":true}}{rest}}}"#);
    for (payload, part) in [
        (envelope(r#","colour":1"#), "there is no field \"colour\""),
        (envelope(r#","profile":"x""#), "there is no field \"profile\""),
        (envelope(r#","device":"d""#), "the key \"device\" occurs twice"),
        (envelope(r#","at_device":"2026-03-02 09:00:00""#), "at_device: an RFC 3339 time"),
        (envelope(r#","at_device":1772413200"#), "at_device: text expected, not 1772413200"),
        (envelope(r#","sequence":-1"#), "sequence: a whole number from 0"),
        (envelope(r#","sequence":"7""#), "sequence: a whole number from 0"),
        (envelope(r#","event":7"#), "event: text expected"),
        (envelope(r#","event":"""#), "event: empty"),
        (envelope(r#","evidence":{}"#), "evidence: a list expected"),
        (envelope(r#","evidence":["x"]"#), "evidence[0]: an object"),
        (envelope(r#","evidence":[{"uri":"aGVsbG8="}]"#), "evidence[0].uri: an address expected"),
        (envelope(r#","evidence":[{"bytes":7}]"#), "evidence[0]: uri or sha256 is missing"),
        (envelope(r#","evidence":[{"sha256":"ABC"}]"#), "evidence[0].sha256: 64"),
        (envelope(r#","evidence":[{"url":"http://x/y.jpg"}]"#), "there is no field \"url\""),
        (envelope(r#","quality":"suspect_clock""#), "quality: "),
        (r#"{"kind":"heartbeat"}"#.into(), "device: missing"),
        (r#"{"device":7,"kind":"heartbeat"}"#.into(), "device: text expected, not 7"),
        (r#"{"device":"e","kind":"heartbeat"}"#.into(), "device: the body says \"e\", the topic \"d\""),
        (r#"{"device":"d"}"#.into(), "kind: missing"),
        (body("contact", "{}"), "value: empty; contact has open, opens"),
        (body("contact", "true"), "value: an object expected, not true"),
        (r#"{"device":"d","kind":"contact"}"#.into(), "value: missing; contact has open, opens"),
        (body("contact", r#"{"open":"yes"}"#), "value.open: true or false expected, not \"yes\""),
        (body("contact", r#"{"open":true,"opened":true}"#), "there is no field \"opened\""),
        (body("contact", r#"{"open":true,"open":false}"#), "the key \"open\" occurs twice"),
        (body("contact", r#"{"opens":1.5}"#), "value.opens: a whole number"),
        (body("contact", r#"{"opens":-1}"#), "value.opens: a whole number from 0"),
        (body("temperature", r#"{"celsius":"21"}"#), "value.celsius: a finite number expected"),
        (body("temperature", r#"{"celsius":1e999}"#), "value.celsius: a finite number expected"),
        (body("lift_camera", r#"{"class":"ebike"}"#), "value.present: missing"),
        (body("lift_camera", r#"{"class":"moped","present":true}"#), "value.class: one of ebike"),
        (
            body("lift_camera", r#"{"class":"ebike","present":true,"picture":"http://x/y.jpg"}"#),
            "value.picture: an object",
        ),
        (body("availability", r#"{"online":false}"#), "value.scope: missing"),
        (body("thrown_object", r#"{"active":true,"from":"noon"}"#), "value.from: an RFC 3339 time"),
        ("7".into(), "an observation is an object"),
        ("{".into(), "the text ends"),
    ] {
        let said = said(&set, &payload);
        assert!(
            said[0].starts_with("rejected by wanglou: ") && said[0].contains(part),
            "{payload}\n{said:?}"
        );
    }
}

#[test]
fn a_kind_of_a_later_version_is_unknown_and_not_lost() {
    assert_eq!(
        said(&shipped(), &body("odour", r#"{"x":1}"#)),
        [r#"unknown {"raw":"kind \"odour\": {\"x\":1}"}"#]
    );
}

#[test]
fn the_device_of_the_topic_may_have_slashes() {
    let set = shipped();
    let payload = br#"{"device":"lift/3-2-B","kind":"heartbeat"}"#;
    assert_eq!(lines(decode(&set, "wanglou/v1/in/lift/3-2-B", payload)), ["heartbeat {} of lift/3-2-B"]);
    assert_eq!(lines(decode(&set, "wanglou/v1/in", payload)), ["unmatched: no profile knows this topic"]);
    assert_eq!(lines(decode(&set, "wanglou/v1/out/x", payload)), ["unmatched: no profile knows this topic"]);
}

/// One value of every kind, all fields filled, as `docs/canonical.md` describes them.
const KINDS: &[(&str, &str)] = &[
    ("contact", r#"{"open":true,"opens":12}"#),
    ("motion", r#"{"active":true}"#),
    ("vibration", r#"{"active":true}"#),
    ("tamper", r#"{"active":true}"#),
    ("sos", r#"{"active":true,"source":"button"}"#),
    ("smoke", r#"{"active":true,"source":"detector"}"#),
    ("leak", r#"{"wet":true}"#),
    ("input", r#"{"active":true,"number":2}"#),
    ("heat", r#"{"active":true,"celsius":61.5}"#),
    ("temperature", r#"{"celsius":21.5}"#),
    ("gas", r#"{"active":true,"ch4_ppm":5000.0,"lel_pct":10.0}"#),
    ("co", r#"{"active":true,"ppm":50.0}"#),
    ("h2s", r#"{"ppm":10.0}"#),
    ("cover", r#"{"moved":true,"open":true,"tilt_deg":22.5}"#),
    ("water_level", r#"{"alarm":true,"mm":1200.0,"mm_below_rim":300.0}"#),
    ("water_meter", r#"{"interval_s":3600.0,"litres":1234.5}"#),
    ("power_meter", r#"{"interval_s":900.0,"kwh":812.25}"#),
    ("noise", r#"{"laeq_db":61.5,"lmax_db":70.5,"period_s":60.0,"valid_s":58.0,"weighting":"A"}"#),
    (
        "lift_camera",
        r#"{"class":"ebike","confidence":0.93,"picture":{"uri":"https://x.invalid/a.jpg"},"present":true}"#,
    ),
    (
        "lift_status",
        r#"{"door":"open","floor":-1,"hold_command":true,"hold_feedback":false,"mode":"normal","moving":false,"persons":2}"#,
    ),
    ("lift_fault", r#"{"active":true,"code":"7","entrapment":true,"text":"平层困人"}"#),
    (
        "thrown_object",
        r#"{"active":true,"clip":{"uri":"https://x.invalid/a.mp4"},"column":4,"confidence":0.9,"drop_m":18.5,"floor_max":14,"floor_min":12,"from":"2026-03-02T01:00:00Z","horizontal_m":1.5,"people_below":false,"picture":{"uri":"https://x.invalid/a.jpg"},"size":"M","speed_mps":12.5,"track":"t-1","until":"2026-03-02T01:00:02Z","upward":false,"zone":"east"}"#,
    ),
    ("object", r#"{"active":true,"class":"person","confidence":0.8,"track":"t","zone":"yard"}"#),
    ("intrusion", r#"{"active":true,"zone":"roof"}"#),
    ("line_crossed", r#"{"active":true,"zone":"gate"}"#),
    ("access", r#"{"credential_hash":"h","method":"card","reason":"expired","result":"denied"}"#),
    ("watch_hit", r#"{"hit_id":"x","score":0.75}"#),
    ("vehicle", r#"{"attended":false,"class":"van","plate_hash":"h","present":true,"segment":"lane-2"}"#),
    ("parking", r#"{"dwell_s":180.5,"occupied":true}"#),
    ("actuator", r#"{"role":"valve","state":"closed"}"#),
    ("call_result", r#"{"answer":"ok","to":"resident"}"#),
    ("weather", r#"{"celsius":4.5,"rain_mm_h":2.5,"wind_mps":6.5}"#),
    ("count", r#"{"class":"person","in":3,"out":2}"#),
    ("battery", r#"{"low":false,"pct":87.5,"volts":3.05}"#),
    ("link", r#"{"rssi_dbm":-71.5,"snr_db":8.5}"#),
    ("heartbeat", "{}"),
    ("availability", r#"{"online":false,"scope":"hub"}"#),
    ("device_fault", r#"{"active":true,"code":"E7","text":"sensor blocked"}"#),
    ("clock", r#"{"offset_s":-1.5}"#),
    ("self_test", r#"{"result":"ok"}"#),
    ("unknown", r#"{"raw":"?"}"#),
];

#[test]
fn every_kind_comes_out_as_it_went_in() {
    let set = shipped();
    for (kind, value) in KINDS {
        assert_eq!(said(&set, &body(kind, value)), [format!("{kind} {value}")]);
    }
}

#[test]
fn the_guide_describes_every_kind_and_field_in_both_languages() {
    for guide in ["docs/canonical.md", "docs/canonical.zh-CN.md"] {
        let text = std::fs::read_to_string(crate::support::workspace(guide)).expect("the guide is there");
        for (kind, value) in KINDS {
            let row = text.lines().find(|line| line.starts_with(&format!("| `{kind}` |")));
            let row = row.unwrap_or_else(|| panic!("{guide} has no row for {kind}"));
            let fields: serde_json::Value = serde_json::from_str(value).expect("JSON");
            for field in fields.as_object().expect("an object").keys() {
                assert!(row.contains(&format!("`{field}`")), "{guide}: {kind} lacks {field}");
            }
        }
    }
}

#[test]
fn every_json_example_of_the_guide_decodes() {
    let set = shipped();
    for guide in ["docs/canonical.md", "docs/canonical.zh-CN.md"] {
        let text = std::fs::read_to_string(crate::support::workspace(guide)).expect("the guide is there");
        let published: Vec<_> = text.lines().filter_map(published).collect();
        assert!(published.len() >= 4, "{guide}: {published:?}");
        for (topic, payload) in published {
            let decoded = decode(&set, topic, payload.as_bytes());
            assert!(matches!(decoded, Decoded::Observations(_)), "{guide}: {topic} {payload}\n{decoded:?}");
        }
    }
}

/// Topic and payload of a `mosquitto_pub … -t 'topic' -m 'payload'` line.
fn published(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.strip_prefix("mosquitto_pub")?.split_once("-t '")?;
    let (topic, rest) = rest.split_once("' -m '")?;
    Some((topic, rest.strip_suffix('\'')?))
}

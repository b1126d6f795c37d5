//! Bytes that nobody meant well: a reason comes back, nothing else happens.

use crate::support::{decode, shipped};
use proptest::prelude::*;
use wanglou_model::Decoded;
use wanglou_profiles::ProfileSet;

/// A topic of each shipped profile, with a payload that it understands.
const GOOD: &[(&str, &str)] = &[
    ("zigbee2mqtt/a/b", r#"{"contact":false,"battery":88,"last_seen":"2026-03-02T08:59:00+08:00"}"#),
    ("zigbee2mqtt/a/availability", r#"{"state":"offline"}"#),
    ("zigbee2mqtt/bridge/event", r#"{"type":"device_leave","data":{"friendly_name":"x"}}"#),
    (
        "application/1/device/ab/event/up",
        r#"{"time":"2026-03-02T00:59:00.123456789+00:00","fCnt":7,"object":{"magnet_status":"open","history":[{"timestamp":1772413140,"magnet_status":"close"}]},"rxInfo":[{"rssi":-50,"snr":7.5}]}"#,
    ),
    (
        "elevator/x/fault",
        r#"{"elevatorCode":"MX1","ST":"add","fault_type":37,"faultId":"1234567890123456789","time":"2026-03-02 09:00:00"}"#,
    ),
    (
        "aibox/megcube/alarm",
        r#"{"minorType":"FALLING_GOODS","deviceId":"M","channelId":9,"time":1772413200}"#,
    ),
    (
        "ipc/x/hapi",
        r#"{"AlarmSubType":"ElectricbicycleDetect","TimeStamp":1772413200,"DeviceID":"D","AlarmInfo":{"a":1}}"#,
    ),
    (
        "hikvision/isecure/events",
        r#"{"params":{"events":[{"eventId":"1","eventType":"930335","data":{"eventState":"active","targetAttrs":{"cameraIndexCode":"c"},"ObjectsThrownDetection":[{"endTime":"2026-03-02T09:00:00+08:00","RuleInfo":{"confidence":92}}]}}]}}"#,
    ),
    (
        "wanglou/v1/in/d",
        r#"[{"device":"d","kind":"cover","value":{"tilt_deg":3.5},"evidence":[{"uri":"http://x/y.jpg"}]}]"#,
    ),
];

fn rejected(set: &ProfileSet, payload: &[u8]) -> Option<String> {
    match decode(set, "zigbee2mqtt/d", payload) {
        Decoded::Rejected { profile, reason } if profile == "zigbee2mqtt" => Some(reason),
        Decoded::Rejected { .. } | Decoded::Observations(_) | Decoded::Ignored(_) | Decoded::Unmatched(_) => {
            None
        }
    }
}

#[test]
fn the_good_payloads_are_understood() {
    let set = shipped();
    for (topic, payload) in GOOD {
        let decoded = decode(&set, topic, payload.as_bytes());
        assert!(matches!(decoded, Decoded::Observations(_)), "{topic} {payload} {decoded:?}");
    }
}

#[test]
fn malformed_bodies_are_rejected_with_what_and_where() {
    let set = shipped();
    let nested = |n: usize| format!("{{\"x\":{}{}}}", "[".repeat(n), "]".repeat(n));
    for (payload, part) in [
        (b"{\"contact\":fal".to_vec(), "true, false or null expected at byte 11"),
        (b"{\"contact\":".to_vec(), "the text ends at byte 11"),
        (b"{\"contact\":false}}".to_vec(), "something follows"),
        (b"{\"contact\":\xff}".to_vec(), "not UTF-8 at byte 11"),
        (b"{\"contact\":\"\xc3\x28\"}".to_vec(), "not UTF-8 at byte 12"),
        (b"{\"contact\":false}\0".to_vec(), "something follows"),
        (b"{\"conta\0ct\":false}".to_vec(), "a NUL at byte 7"),
        (b"\0\0\0\0".to_vec(), "a value expected at byte 0"),
        (b"{\"contact\":true,\"contact\":false}".to_vec(), "the key \"contact\" occurs twice"),
        (nested(64).into_bytes(), "nested deeper than 64"),
        (nested(100_000).into_bytes(), "nested deeper than 64"),
        (b"{\"contact\":NaN}".to_vec(), "a value expected"),
        (b"online".to_vec(), "a value expected"),
        (vec![b'x'; (4 << 20) + 1], "4194305 bytes"),
    ] {
        let reason = rejected(&set, &payload).unwrap_or_default();
        assert!(
            reason.contains(part),
            "{:?}: {reason}",
            String::from_utf8_lossy(&payload[..payload.len().min(80)])
        );
    }
    assert_eq!(rejected(&set, nested(63).as_bytes()), None);
}

#[test]
fn huge_numbers_are_read_or_unknown_and_never_wrong() {
    let set = shipped();
    let battery =
        |number: &str| decode(&set, "zigbee2mqtt/d", format!("{{\"battery\":{number}}}").as_bytes());
    for number in
        ["1e999", "-1e999", "99999999999999999999999999", &"9".repeat(5000), "1e-5000000000000000000000"]
    {
        let Decoded::Observations(all) = battery(number) else { panic!("{number}") };
        let kind = all[0].reading.kind();
        assert_eq!(kind, if number.starts_with("1e-") { "battery" } else { "unknown" }, "{number}");
        assert!(serde_json::to_string(&all).expect("serialises").len() < 600);
    }
}

#[test]
fn bodies_of_every_size_up_to_the_limit_are_read() {
    let set = shipped();
    for size in [10 * 1024 - 1, 10 * 1024, 10 * 1024 + 1, 256 * 1024, 1 << 20, 4 << 20] {
        let head = r#"{"contact":false,"junk":""#;
        let payload = format!("{head}{}\"}}", "j".repeat(size - head.len() - 2));
        assert_eq!(payload.len(), size);
        let Decoded::Observations(all) = decode(&set, "zigbee2mqtt/d", payload.as_bytes()) else {
            panic!("{size}")
        };
        assert_eq!(all.len(), 1);
    }
}

#[test]
fn a_message_cannot_say_more_than_its_length_allows() {
    let set = shipped();
    let many =
        |n: usize| format!("{{\"object\":{{\"history\":[{}]}}}}", vec!["{\"magnet_status\":1}"; n].join(","));
    let up = "application/1/device/ab/event/up";
    let Decoded::Observations(all) = decode(&set, up, many(40).as_bytes()) else { panic!("forty are fine") };
    assert_eq!(all.len(), 40);
    let too_many = decode(&set, up, many(4000).as_bytes());
    assert!(
        matches!(&too_many, Decoded::Rejected { reason, .. } if reason.contains("it says too much")),
        "{too_many:?}"
    );
    let list = format!("[{}]", vec![r#"{"device":"d","kind":"heartbeat"}"#; 4000].join(","));
    let too_many = decode(&set, "wanglou/v1/in/d", list.as_bytes());
    assert!(
        matches!(&too_many, Decoded::Rejected { reason, .. } if reason.contains("it says too much")),
        "{too_many:?}"
    );
}

#[test]
fn a_raw_value_is_shown_cut_between_characters() {
    let set = shipped();
    let payload = format!("{{\"contact\":\"{}\"}}", "门".repeat(2000));
    let Decoded::Observations(all) = decode(&set, "zigbee2mqtt/d", payload.as_bytes()) else {
        panic!("unknown")
    };
    assert_eq!(all[0].reading.kind(), "unknown");
    assert!(format!("{:?}", all[0].reading).len() < 300);
}

/// A good payload after a few random injuries.
fn injured() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let injury = (0_usize..400, any::<u8>(), 0_u8..4);
    (0..GOOD.len(), proptest::collection::vec(injury, 1..6)).prop_map(|(which, injuries)| {
        let mut bytes = GOOD[which].1.as_bytes().to_vec();
        for (at, byte, how) in injuries {
            let at = at % bytes.len().max(1);
            match how {
                0 if at < bytes.len() => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if at < bytes.len() => {
                    bytes.remove(at);
                }
                _ => {
                    let again = bytes[at..].to_vec();
                    bytes.extend(again);
                }
            }
        }
        (which, bytes)
    })
}

thread_local! {
    static SET: ProfileSet = shipped();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_on_random_topics_never_panic(topic in "[a-z0-9/+#$ ]{0,40}", payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        SET.with(|set| {
            decode(set, &topic, &payload);
            for (topic, _) in GOOD {
                decode(set, topic, &payload);
            }
        });
    }

    #[test]
    fn injured_payloads_never_panic_and_what_is_observed_can_be_written((which, payload) in injured()) {
        SET.with(|set| {
            if let Decoded::Observations(all) = decode(set, GOOD[which].0, &payload) {
                assert!(!all.is_empty());
                for one in &all {
                    let json = serde_json::to_string(one).expect("serialises");
                    let back: wanglou_model::Observation = serde_json::from_str(&json).expect("and reads back");
                    assert_eq!(back.device, one.device);
                }
            }
        });
    }

    #[test]
    fn a_profile_file_of_any_text_is_refused_and_never_panics(text in "(\\[\\[?(message|example|message\\.rule|liveness)\\]?\\]|[a-z_.]{1,9} = (1|\"[/{}a-z:|]{0,9}\"|\\{ at = \"/x\" \\}|\\[\\])|\n){0,12}") {
        let text = text.replace("][", "]\n[").replace(" = ", "= ");
        prop_assert!(crate::support::set_of(&text).is_err());
        let head = "format = 1\nname = \"n\"\ntitle = \"t\"\ntitle_zh = \"t\"\n";
        let whole = format!("{head}{text}");
        prop_assert!(crate::support::set_of(&whole).is_err());
    }
}

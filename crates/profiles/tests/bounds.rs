//! Decoding takes memory and time in proportion to the message: at most eight times its length, plus a fixed
//! allowance; and four times the length takes about four times as long.

#![expect(unsafe_code, reason = "an allocator that counts cannot be written without")]

#[path = "fuzz/counting.rs"]
mod counting;
#[path = "profiles/support.rs"]
#[expect(dead_code, reason = "this program needs a part of it")]
mod support;

use support::{decode, shipped};
use wanglou_model::Decoded;

/// What every message may take, however short: the answer's first observations and the growth of its list.
const ALLOWANCE: usize = 160 << 10;

/// The most bytes that were allocated at one time while decoding, beyond what was before.
fn peak(set: &wanglou_profiles::ProfileSet, topic: &str, payload: &str) -> (usize, Decoded) {
    counting::peak(|| decode(set, topic, payload.as_bytes()))
}

#[test]
fn memory_stays_in_proportion_whatever_the_message() {
    let set = shipped();
    let long = "x".repeat(2000);
    let escaped = "\\u0061".repeat(60_000);
    let up = "application/1/device/ab/event/up";
    let history = |n: usize, entry: &str| {
        format!(
            "{{\"deduplicationId\":\"{long}\",\"object\":{{\"history\":[{}]}}}}",
            vec![entry; n].join(",")
        )
    };
    let hits = |n: usize| {
        let hit = "{\"RuleInfo\":{\"ruleName\":\"r\"}}";
        format!(
            "{{\"params\":{{\"events\":[{{\"eventId\":\"{long}\",\"eventType\":\"930335\",\"status\":0,\"srcIndex\":\"c\",\"data\":{{\"ObjectsThrownDetection\":[{}]}}}}]}}}}",
            vec![hit; n].join(",")
        )
    };
    let list = |n: usize| format!("[{}]", vec![r#"{"device":"d","kind":"heartbeat"}"#; n].join(","));
    let cases = [
        ("zigbee2mqtt/d", format!("{{\"contact\":\"{escaped}\",\"action\":\"{escaped}\"}}")),
        ("zigbee2mqtt/d", format!("{{\"{escaped}\":1,\"last_seen\":\"{escaped}\"}}")),
        ("zigbee2mqtt/d", format!("{{\"x\":{}}}", "[".repeat(300_000))),
        (up, history(20, "{\"magnet_status\":1}")),
        (up, history(250, "{\"magnet_status\":1}")),
        (up, history(20_000, "{\"magnet_status\":\"?\"}")),
        (up, history(20_000, "{}")),
        ("hikvision/isecure/events", hits(30)),
        ("hikvision/isecure/events", hits(10_000)),
        (
            "elevator/x/fault",
            format!("{{\"elevatorCode\":\"e\",\"ST\":\"add\",\"fault_type\":9,\"faultName\":\"{escaped}\"}}"),
        ),
        ("wanglou/v1/in/d", list(250)),
        ("wanglou/v1/in/d", list(50_000)),
    ];
    for (topic, payload) in &cases {
        let (peak, decoded) = peak(&set, topic, payload);
        let bound = ALLOWANCE + 8 * payload.len();
        let outcome = match &decoded {
            Decoded::Observations(all) => format!("{} observations", all.len()),
            Decoded::Ignored(reason) | Decoded::Unmatched(reason) | Decoded::Rejected { reason, .. } => {
                reason.clone()
            }
        };
        assert!(peak <= bound, "{topic}, {} bytes: {peak} > {bound} ({outcome})", payload.len());
    }
}

#[test]
fn an_ordinary_message_takes_little() {
    let set = shipped();
    let (peak, decoded) =
        peak(&set, "zigbee2mqtt/home/door", r#"{"contact":false,"battery":90,"tamper":false}"#);
    assert!(matches!(decoded, Decoded::Observations(_)));
    assert!(peak < 4096, "{peak}");
}

/// A name, a topic, and a payload of about so many bytes.
type Shape<'a> = (&'a str, &'a str, &'a dyn Fn(usize) -> String);

#[test]
fn time_grows_with_the_length_and_not_with_its_square() {
    let set = shipped();
    let repeat = |part: &str, bytes: usize| part.repeat(bytes / part.len());
    let shapes: [Shape<'_>; 8] = [
        ("many keys", "zigbee2mqtt/d", &|n| format!("{{{}\"z\":1}}", repeat("\"key\":12345,", n))),
        ("a long text", "zigbee2mqtt/d", &|n| format!("{{\"contact\":\"{}\"}}", repeat("x", n))),
        ("escapes", "zigbee2mqtt/d", &|n| format!("{{\"contact\":\"{}\"}}", repeat("\\u0041\\n", n))),
        ("escaped keys", "zigbee2mqtt/d", &|n| format!("{{\"{}\":1}}", repeat("\\u0041", n))),
        ("a long number", "zigbee2mqtt/d", &|n| format!("{{\"battery\":{}}}", repeat("9", n))),
        ("a flat list", "application/a/device/b/event/up", &|n| {
            format!("{{\"object\":{{\"history\":[{}0]}}}}", repeat("0,", n))
        }),
        ("lists in lists", "hikvision/isecure/events", &|n| {
            format!(
                "{{\"params\":{{\"events\":[{}0]}}}}",
                repeat("{\"data\":{\"ObjectsThrownDetection\":[0,0,0,0]}},", n)
            )
        }),
        ("unclosed", "zigbee2mqtt/d", &|n| repeat("[", n)),
    ];
    for (name, topic, shape) in shapes {
        let best = |bytes: usize| {
            let payload = shape(bytes);
            let once = || {
                let start = counting::cpu_us();
                std::hint::black_box(decode(&set, topic, payload.as_bytes()));
                counting::cpu_us() - start
            };
            (0..7).map(|_| once()).fold(f64::INFINITY, f64::min)
        };
        let (short, long) = (best(200_000), best(800_000));
        // Sixteen times would be a square; caches and noise get their part.
        assert!(long < short * 8.0 + 500.0, "{name}: {short:.0} µs, then {long:.0} µs");
    }
}

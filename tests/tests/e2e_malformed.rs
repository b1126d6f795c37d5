//! Whatever a broken or hostile device publishes: it is set aside with a reason, the connection holds, and the next
//! good message is an alarm.

use serde_json::{Value, json};
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::{Phone, Seen, Session};
use wanglou_tests::vendors;

/// `mqtt.packet_bytes_max` of the shipped configuration.
const PACKET_BYTES_MAX: usize = 1 << 20;

/// One hostile message and where its reason must point.
struct Hostile {
    topic: String,
    payload: Vec<u8>,
    /// How it is set aside: `rejected`, `unmatched`, `unregistered`.
    kind: &'static str,
    /// In the reason.
    says: &'static str,
}

/// A canonical message whose topic names the device `name`.
fn canonical(name: &str, payload: impl Into<Vec<u8>>, says: &'static str) -> Hostile {
    Hostile { topic: format!("wanglou/v1/in/{name}"), payload: payload.into(), kind: "rejected", says }
}

fn corpus() -> Vec<Hostile> {
    let open =
        |name: &str, value: &str| format!(r#"{{"device":"{name}","kind":"cover","value":{{{value}}}}}"#);
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    let very_deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let nul_inside = b"{\"device\":\"nul-in\",\"kind\":\"co\0ver\",\"value\":{\"open\":true}}".to_vec();
    let long_name = "x".repeat(300);
    vec![
        canonical("blank", "   \n ", "JSON"),
        canonical("text", "door open!", "JSON"),
        canonical("half", r#"{"device":"half","kind":"co"#, "ends"),
        canonical("trailing", format!("{} x", open("trailing", r#""open":true"#)), "follows"),
        canonical("not-utf8", b"{\"device\":\"\xff\xfe\"}".to_vec(), "UTF-8"),
        canonical("nul", vec![0; 64], "JSON"),
        canonical("nul-in", nul_inside, "NUL"),
        canonical("deep", open("deep", &format!(r#""tilt_deg":{deep}"#)), "deeper"),
        canonical("very-deep", very_deep, "deeper"),
        canonical(
            "twice",
            r#"{"device":"twice","device":"other","kind":"cover","value":{"open":true}}"#,
            "twice",
        ),
        canonical("twice-in", open("twice-in", r#""open":true,"open":false"#), "twice"),
        canonical("huge", open("huge", r#""tilt_deg":1e999"#), "tilt_deg"),
        canonical("digits", open("digits", &format!(r#""tilt_deg":{}"#, "9".repeat(5_000))), "tilt_deg"),
        canonical("nan", open("nan", r#""tilt_deg":NaN"#), "JSON"),
        canonical("yes", open("yes", r#""open":"yes""#), "value.open"),
        canonical("unknown-field", open("unknown-field", r#""opne":true"#), "opne"),
        canonical("liar", open("cover-61", r#""open":true"#), "device"),
        canonical("markup", open("<script>alert(1)</script>", r#""open":true"#), "device"),
        canonical("long-name", open(&long_name, r#""open":true"#), "device"),
        canonical("padded-64k", padded("padded-64k", 64 << 10), "opne"),
        canonical("padded-256k", padded("padded-256k", 256 << 10), "opne"),
        canonical("almost-1m", padded("almost-1m", PACKET_BYTES_MAX - 100), "opne"),
        canonical("over-1m", padded("over-1m", PACKET_BYTES_MAX), "packet_bytes_max"),
        canonical("3m", padded("3m", 3 << 20), "packet_bytes_max"),
        Hostile {
            topic: "wanglou/v1/in/stranger".into(),
            payload: open("stranger", r#""open":true"#).into(),
            kind: "unregistered",
            says: "devices.csv",
        },
        Hostile {
            topic: "unknown-vendor/\u{202e}rood/\u{661f}".into(),
            payload: br#"{"state":"<b>open</b>"}"#.to_vec(),
            kind: "unmatched",
            says: "profile",
        },
        Hostile {
            topic: "hikvision/isecure/events".into(),
            payload: br#"{"method":"OnEventNotify","params":{"events":[{"eventType":"999"}]}}"#.to_vec(),
            kind: "unmatched",
            says: "not wired in",
        },
    ]
}

/// A message of exactly so many bytes with a misspelt field.
fn padded(name: &str, bytes: usize) -> String {
    exactly(&format!(r#"{{"device":"{name}","kind":"cover","value":{{"opne":true}}}}"#), bytes)
}

/// JSON, blown up by white space to exactly so many bytes.
fn exactly(json: &str, bytes: usize) -> String {
    assert!(json.len() <= bytes);
    format!("{json}{}", " ".repeat(bytes - json.len()))
}

fn entry(overview: &Value, topic: &str) -> Option<Value> {
    overview["unmatched"].as_array()?.iter().find(|entry| entry["topic"] == topic).cloned()
}

fn assert_set_aside(gateway: &Gateway, he: &Session, hostile: &Hostile) {
    let topic = &hostile.topic;
    let found =
        gateway.overview_shows(he, &format!("{topic} is set aside"), |overview| entry(overview, topic));
    let reason = found["reason"]["text"]["en"].as_str().unwrap_or_default();
    assert_eq!(found["kind"], hostile.kind, "{topic}: {reason}");
    assert!(reason.contains(hostile.says), "{topic}: {reason:?} should say {:?}", hostile.says);
    assert_eq!(found["bytes"], json!(hostile.payload.len()), "{topic}");
    assert!(
        found["sample"].as_str().is_some_and(|sample| sample.len() <= 4 << 10),
        "{topic}: a sample of bounded size"
    );
}

#[test]
fn hostile_messages_are_set_aside_with_a_reason_and_the_next_one_flows() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let mut gateway = Gateway::start(Compound::new(&address));
    let (wu, he) = (gateway.enrol("wu"), gateway.enrol("he"));
    let phone = Phone::fresh(&wu);
    let corpus = corpus();
    for (n, hostile) in corpus.iter().enumerate() {
        broker.publish(&hostile.topic, &hostile.payload);
        // A good one behind each bad one, on the same connection.
        let cover = format!("cover-{}", 61 + n);
        let good = vendors::cover(&cover, true, "good");
        broker.publish(&good.topic, &good.payload);
        phone.alarm("manhole", &cover.replace("cover-", "cover/"));
        assert_set_aside(&gateway, &he, hostile);
    }
    // What a broker publishes to forget a retained message is not even that.
    broker.publish("wanglou/v1/in/forgotten", b"");
    let forgotten = || gateway.metric("wanglou_messages_total", &["result=\"ignored\""]);
    eventually("the empty message is ignored", || (forgotten() > 0.0).then_some(()));
    assert_eq!(phone.look(Seen::count), corpus.len(), "nothing hostile became an alarm");
    assert_eq!(broker.connects_of("wanglou-demo-alarm"), 1, "the connection held");
    assert_eq!(broker.connects_of("wanglou-demo-discovery"), 1, "the one that samples too");
    drop(phone);

    // What is in the journal now can be recovered.
    gateway.kill();
    gateway.restart();
    let good = vendors::cover("cover-90", true, "after");
    broker.publish(&good.topic, &good.payload);
    let phone = Phone::fresh(&wu);
    phone.alarm("manhole", "cover/90");
    assert_eq!(phone.look(Seen::count), corpus.len() + 1);
}

/// The traps of usual MQTT clients: a default limit of 10 KiB, a buffer of 64 KiB, a limit of 1 MiB to the byte.
#[test]
fn large_messages_are_read_whole_and_counted_like_small_ones() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let gateway = Gateway::start(Compound::new(&address));
    let wu = gateway.enrol("wu");
    let phone = Phone::fresh(&wu);
    let sizes = [10_239, 10_240, 10_241, 65_535, 65_536, 65_537, 256 << 10, PACKET_BYTES_MAX - 64];
    for (n, bytes) in sizes.into_iter().enumerate() {
        let cover = format!("cover-{}", 61 + n);
        let sent = vendors::cover(&cover, true, "large");
        let text = String::from_utf8(sent.payload).expect("JSON");
        broker.publish(&sent.topic, exactly(&text, bytes).as_bytes());
        let raised = phone.alarm("manhole", &cover.replace("cover-", "cover/"));
        assert_eq!(raised["count"], 1, "{bytes} bytes");
    }
    assert_eq!(broker.connects_of("wanglou-demo-alarm"), 1, "the connection held");
}

//! What decoding learns from one message to the next, and pictures that come inside of messages, over a `kill -9`.

use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::Phone;

const DEVICES: &str = "sites/demo/devices.csv";
const PROFILE: &str = "profiles/edge_node.toml";
/// An edge node whose metrics have numbers in place of names once it is born, and which sends pictures along.
const VENDOR: &str = r#"
format = 1
name = "edge_node"
title = "Covers behind an edge node"
title_zh = "边缘节点后的井盖"
lane = "alarm"
[[message]]
name = "metrics"
topic = ["spBv1.0/{group}/DBIRTH/{node}/{device}", "spBv1.0/{group}/DDATA/{node}/{device}"]
body = "sparkplug_b"
device = "{device}"
otherwise = { heartbeat = true }
[[message.rule]]
name = "cover"
for_each = [{ name = "m", in = "/metrics" }]
when = { at = "m:/name", is = "Cover/Open" }
kind = "cover"
value.open = { at = "m:/value", polarity = "direct" }
[[message]]
name = "picture"
topic = "edge/{device}/picture"
device = "{device}"
evidence = [{ inline = "/jpeg" }]
[[message.rule]]
name = "picture"
kind = "heartbeat"
[[example]]
topic = "spBv1.0/g/DDATA/n/s1"
payload = '{"metrics":[{"name":"Cover/Open","value":true}]}'
expect = [{ device = "s1", kind = "cover", value = { open = true } }]
[[example]]
topic = "edge/s1/picture"
payload = '{}'
expect = [{ device = "s1", kind = "heartbeat", value = {} }]
"#;
const SWITCH: &str = "cover-9001,edge_node,s1,cover/92,cover,switch,24h,,,yes,,,,";

const PICTURE: &str = "ae0e381fa858d6782d6859eb9337b80e670dc0021361fdd55d49299f1b4c26fd";

/// A metric of a birth: the name `Cover/Open`, the alias 9, Boolean, false.
const BIRTH: &[u8] = b"\x12\x12\x0a\x0aCover/Open\x10\x09\x20\x0b\x70\x00";
/// The alias 9, true.
const OPENS: &[u8] = b"\x12\x04\x10\x09\x70\x01";

#[test]
fn a_metric_without_a_name_is_understood_after_a_crash_and_pictures_are_with_the_evidence() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    std::fs::write(compound.path(PROFILE), VENDOR).expect("a file can be written");
    compound.append(DEVICES, SWITCH);
    let mut gateway = Gateway::start(compound);
    let he = gateway.enrol("he");
    broker.publish("spBv1.0/g/DBIRTH/n/s1", BIRTH);
    broker.publish("edge/s1/picture", br#"{"jpeg":"/9j/4AAQSkZJRgABAQ=="}"#);
    // SHA-256 of the picture's 13 bytes, taken by another program.
    let kept = gateway.compound.data().join("blobs").join(PICTURE);
    eventually("the picture is kept", || kept.exists().then_some(()));
    gateway.kill();
    gateway.restart();
    gateway.wait_ready();
    broker.publish("spBv1.0/g/DDATA/n/s1", OPENS);
    let phone = Phone::fresh(&he);
    assert_eq!(phone.alarm("manhole", "cover/92")["count"], 1);
}

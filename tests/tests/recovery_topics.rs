//! A change of the topics that are subscribed to, while the gateway runs and over a restart: the session at the
//! broker follows, and nothing is lost on the way.

use serde_json::json;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::journal;
use wanglou_tests::phone::{Phone, Session};
use wanglou_tests::vendors;

const DEVICES: &str = "sites/demo/devices.csv";
const PROFILE: &str = "profiles/corner_shop.toml";
/// A vendor of whom nobody has heard before, and the switch that was bought from them.
const VENDOR: &str = r#"
format = 1
name = "corner_shop"
title = "Reed switches from the corner shop"
title_zh = "街角小店的门磁"
lane = "alarm"
[[message]]
name = "state"
topic = "corner-shop/{device}/state"
device = "{device}"
[[message.rule]]
name = "cover"
kind = "cover"
value.open = { at = "/open", polarity = "direct" }
[[example]]
title = "open"
topic = "corner-shop/s1/state"
payload = '{"open":true}'
expect = [{ device = "s1", kind = "cover", value = { open = true } }]
"#;
const SWITCH: &str = "cover-9001,corner_shop,s1,cover/92,cover,reed switch,24h,,,yes,,,,";

fn start(prepare: fn(&Compound)) -> (Mosquitto, Gateway, Session) {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    prepare(&compound);
    let gateway = Gateway::start(compound);
    let he = gateway.enrol("he");
    (broker, gateway, he)
}

fn open(broker: &Mosquitto, cover: u32) {
    let sent = vendors::cover(&format!("cover-{cover}"), true, "e");
    broker.publish(&sent.topic, &sent.payload);
}

fn switch_opens(broker: &Mosquitto) {
    broker.publish("corner-shop/s1/state", json!({"open": true}).to_string().as_bytes());
}

fn wire_in(compound: &Compound) {
    std::fs::write(compound.path(PROFILE), VENDOR).expect("a file can be written");
    compound.append(DEVICES, SWITCH);
}

fn take_out(gateway: &Gateway) {
    std::fs::remove_file(gateway.compound.path(PROFILE)).expect("a file can be removed");
    gateway.compound.replace(DEVICES, &format!("{SWITCH}\n"), "");
}

fn reload(he: &Session) {
    let answer = he.post("/api/admin/reload", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Messages that came in though no profile knows them.
fn strangers(gateway: &Gateway) -> f64 {
    gateway.metric("wanglou_messages_total", &["result=\"unmatched\""])
}

fn connects(broker: &Mosquitto) -> usize {
    broker.connects_of("wanglou-demo-alarm")
}

#[test]
fn a_vendor_who_is_wired_in_is_heard_after_sighup_and_one_who_is_taken_out_no_longer() {
    let (broker, mut gateway, he) = start(|_| {});
    let phone = Phone::fresh(&he);
    wire_in(&gateway.compound);
    gateway.hang_up();
    // What comes meanwhile is held by the broker, or taken in before or after it: each once.
    (61..=80).for_each(|cover| open(&broker, cover));
    eventually("the new topic is subscribed to", || (connects(&broker) == 2).then_some(()));
    gateway.wait_ready();
    switch_opens(&broker);
    assert_eq!(phone.alarm("manhole", "cover/92")["count"], 1);
    for cover in 61..=80 {
        assert_eq!(phone.alarm("manhole", &format!("cover/{cover}"))["count"], 1, "cover {cover}");
    }

    take_out(&gateway);
    reload(&he);
    eventually("the old topic is dropped", || (connects(&broker) == 3).then_some(()));
    gateway.wait_ready();
    switch_opens(&broker);
    open(&broker, 81);
    phone.alarm("manhole", "cover/81");
    assert_eq!(strangers(&gateway), 0.0, "the broker no longer sends what nobody wants");

    // A change of something else leaves the connection alone.
    gateway.compound.replace("rules.toml", "open_deg = 15.0  ", "open_deg = 20.0  ");
    reload(&he);
    open(&broker, 82);
    phone.alarm("manhole", "cover/82");
    assert_eq!(connects(&broker), 3);
    gateway.stop();
    assert_eq!(journal::inputs(&gateway.compound.data(), "blind"), [], "the session was kept all along");
}

#[test]
fn a_vendor_who_is_taken_out_while_the_gateway_is_stopped_is_dropped_at_the_start() {
    let (broker, mut gateway, he) = start(wire_in);
    gateway.stop();
    take_out(&gateway);
    gateway.restart();
    switch_opens(&broker);
    open(&broker, 61);
    Phone::fresh(&he).alarm("manhole", "cover/61");
    assert_eq!(strangers(&gateway), 0.0);
}

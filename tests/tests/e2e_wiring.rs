//! A sensor that nobody knows: kept, shown, wired in, and gone from the list of the unknown.

use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::{Gateway, run, wanglou};

const TOPIC: &str = "lidmaker/lid-7/state";

const PROFILE: &str = r#"format = 1
name = "lidmaker"
title = "Lidmaker switches"
title_zh = "Lidmaker 开关"
lane = "alarm"

[[message]]
topic = "lidmaker/{device}/state"
device = "{device}"

[[message.rule]]
name = "lid"
kind = "cover"
value.open = { at = "/lid", map = { up = true, down = false } }

[[example]]
topic = "lidmaker/1/state"
payload = '{"lid":"up"}'
expect = [{ device = "1", kind = "cover", value = { open = true } }]
"#;

fn start() -> (Mosquitto, Gateway) {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let gateway = Gateway::start(Compound::new(&address));
    (broker, gateway)
}

/// Topics that `wanglou quarantine list` prints, whether the gateway runs or not.
fn listed(compound: &Compound) -> String {
    let output = run(wanglou(&["quarantine", "list", "--config"]).arg(compound.gateway_file()));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn reload(compound: &Compound) -> (bool, String) {
    let output = run(wanglou(&["reload", "--config"]).arg(compound.gateway_file()));
    let words = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&words).into_owned())
}

/// Puts an unknown message in, by the connection that looks for what is not wired in.
fn unknown(broker: &Mosquitto, gateway: &Gateway) {
    eventually("the unknown topic is listed", || {
        broker.publish(TOPIC, br#"{"lid":"up"}"#);
        listed(&gateway.compound).contains(TOPIC).then_some(())
    });
}

#[test]
fn what_was_heard_in_the_minute_before_a_stop_is_still_listed_after_it() {
    let (broker, mut gateway) = start();
    unknown(&broker, &gateway);
    gateway.stop();
    assert!(listed(&gateway.compound).contains(TOPIC), "{}", listed(&gateway.compound));
}

#[test]
fn a_topic_leaves_the_list_once_it_is_wired_in_and_not_before() {
    let (broker, gateway) = start();
    let compound = &gateway.compound;
    unknown(&broker, &gateway);

    std::fs::write(compound.path("profiles/lidmaker.toml"), PROFILE).expect("a profile");
    assert!(reload(compound).0);
    assert!(listed(compound).contains(TOPIC), "understood, and its device is not registered");

    compound.append("sites/demo/devices.csv", "lid-7,lidmaker,lid-7,cover/7,cover,lid,24h,,,yes,,,,,yes");
    let (taken, words) = reload(compound);
    assert!(taken && words.starts_with("reloaded: configuration "), "{words}");
    assert!(!listed(compound).contains(TOPIC), "{}", listed(compound));

    compound
        .append("sites/demo/devices.csv", "lid-8,lidmaker,lid-8,no/such/place,cover,lid,24h,,,yes,,,,,yes");
    let (taken, words) = reload(compound);
    assert!(!taken, "{words}");
    assert!(words.contains("devices.csv:") && words.contains("no/such/place"), "it names the fault: {words}");
}

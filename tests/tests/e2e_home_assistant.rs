//! Home Assistant's discovery and what sensors say, on a real broker with the rights of deploy/: described, told, unavailable when
//! the gateway is, and gone with what they describe. And nothing about homes.

use serde_json::Value;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::program::Program;
use wanglou_tests::vendors;

const OWN: &str = "wanglou/v1/out/ha/demo/";

/// What was said last on a topic, if anything was.
fn last(heard: &Program, topic: &str) -> Option<String> {
    let log = heard.log();
    let said = log.lines().filter_map(|line| line.split_once(' ')?.1.split_once(' '));
    said.rev().find(|(found, _)| *found == topic).map(|(_, payload)| payload.to_owned())
}

fn json(heard: &Program, topic: &str) -> Option<Value> {
    last(heard, topic).and_then(|payload| serde_json::from_str(&payload).ok())
}

fn comes(heard: &Program, topic: &str, payload: &str) {
    eventually(&format!("{payload:?} on {topic}"), || {
        (last(heard, topic).as_deref() == Some(payload)).then_some(())
    });
}

fn config(component: &str, object: &str) -> String {
    format!("homeassistant/{component}/wanglou_demo/{object}/config")
}

#[test]
fn entities_come_with_devices_and_go_with_them_and_nothing_tells_of_homes() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.replace("gateway.toml", "# on = false\n# prefix", "on = true\n# prefix");
    compound.replace("gateway.toml", "# publish_observations = false", "publish_observations = true");
    let heard = broker.listen("listener", &["homeassistant/#", "wanglou/v1/out/#"]);
    let mut gateway = Gateway::start(compound);

    comes(&heard, &format!("{OWN}status"), "online");
    let described =
        eventually("a cover is described", || json(&heard, &config("binary_sensor", "cover-61_alarm")));
    assert_eq!(described["state_topic"], format!("{OWN}device/cover-61"));
    assert_eq!(described["availability_topic"], format!("{OWN}status"));
    assert_eq!(described["value_template"], "{{ value_json.alarm }}");
    comes(&heard, &format!("{OWN}device/cover-61"), r#"{"alarm":"OFF","problem":"OFF"}"#);
    let sensor = eventually("the count is described", || json(&heard, &config("sensor", "open_p1")));
    assert_eq!(sensor["value_template"], "{{ value_json.p1 }}");
    assert!(
        json(&heard, &config("event", "alarms")).is_some_and(|event| event["event_types"][0] == "raised")
    );

    // A cover opens: its device, the count, an event, and what it said.
    let sent = vendors::cover("cover-61", true, "ha");
    broker.publish(&sent.topic, &sent.payload);
    comes(&heard, &format!("{OWN}device/cover-61"), r#"{"alarm":"ON","problem":"OFF"}"#);
    let event = eventually("an event", || json(&heard, &format!("{OWN}event")));
    assert_eq!((&event["event_type"], &event["place"]), (&"raised".into(), &"cover/61".into()));
    let counted =
        eventually("it is counted", || json(&heard, &format!("{OWN}open")).filter(|open| open["p2"] == 1));
    assert_eq!(counted["p1"], 0);
    let said = eventually("what it said", || json(&heard, "wanglou/v1/out/observations/cover-61"));
    assert_eq!(
        (&said["kind"], &said["value"]["open"], &said["place"]),
        (&"cover".into(), &true.into(), &"cover/61".into())
    );

    // A door of a home moves, and its resident calls for help: neither is told, but that an alarm is on.
    broker.publish(
        "zigbee2mqtt/home-3-1203/door",
        br#"{"battery":93,"contact":false,"linkquality":110,"voltage":3010}"#,
    );
    broker.publish(
        "wanglou/v1/in/home-1-201-sos",
        br#"{"device":"home-1-201-sos","kind":"sos","value":{"active":true}}"#,
    );
    let sent = vendors::cover("cover-62", true, "ha-2");
    broker.publish(&sent.topic, &sent.payload);
    eventually("what came after it", || json(&heard, "wanglou/v1/out/observations/cover-62"));
    let log = heard.log();
    let homes = std::fs::read_to_string(gateway.compound.path("sites/demo/homes.csv")).expect("the homes");
    let homes: Vec<&str> = homes
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split(',').next())
        .filter(|id| id.contains('/'))
        .collect();
    assert!(homes.len() > 10, "{homes:?}");
    for home in homes {
        assert!(!log.contains(&format!("\"{home}\"")), "{home}");
    }
    for word in ["home-3-1203", "home-1-201", "sos", "living_alone", "王", "李"] {
        let line = log.lines().find(|line| line.contains(word));
        assert_eq!(line, None, "{word}");
    }

    // Without a word of its own: the broker says it.
    gateway.kill();
    comes(&heard, &format!("{OWN}status"), "offline");
    gateway.restart();
    comes(&heard, &format!("{OWN}status"), "online");

    // A device that left the registry.
    gateway.compound.edit("sites/demo/devices.csv", |text| {
        text.lines().filter(|line| !line.starts_with("cover-61,")).map(|line| format!("{line}\n")).collect()
    });
    gateway.hang_up();
    for topic in [
        config("binary_sensor", "cover-61_alarm"),
        config("binary_sensor", "cover-61_problem"),
        format!("{OWN}device/cover-61"),
    ] {
        comes(&heard, &topic, "");
    }

    // Stopped in order it is unavailable too; switched off, nothing of it stays on the broker.
    gateway.stop();
    comes(&heard, &format!("{OWN}status"), "offline");
    gateway.compound.replace("gateway.toml", "on = true\n# prefix", "on = false\n# prefix");
    gateway.restart();
    comes(&heard, &config("sensor", "open_p4"), "");
    comes(&heard, &format!("{OWN}status"), "");
    let late = broker.listen("late", &["homeassistant/#", &format!("{OWN}#"), "wanglou/v1/self/#"]);
    eventually("everything retained came before this", || {
        late.log().contains("wanglou/v1/self/").then_some(())
    });
    assert!(!late.log().lines().any(|line| line.starts_with('1')), "{}", late.log());
}

//! `deploy/mosquitto.acl` and the password file: who may do what at the broker.

mod mqtt_support;

use mqtt_support::intake::{start, text};
use mqtt_support::mosquitto::Mosquitto;
use wanglou_gateway::intake::Lane;
use wanglou_gateway::mqtt::{Consumer, ConsumerOptions};

/// Which of these publishes get through, seen by the gateway, which may read all.
async fn seen(broker: &Mosquitto, publishes: &[(&str, &str)]) -> Vec<String> {
    let lane = ConsumerOptions::new("t", Lane::Alarm, vec!["#".to_owned()], 7);
    let mut running = start(Consumer::new(broker.as_user("gateway"), lane), 8);
    running.up().await;
    for (user, topic) in publishes {
        // To MQTT 3.1.1 clients mosquitto acknowledges also what its ACL makes it drop.
        assert!(broker.publish(user, topic, user));
    }
    assert!(broker.publish("zigbee2mqtt", "zigbee2mqtt/last", "last"));
    let mut topics: Vec<String> = Vec::new();
    while topics.last().is_none_or(|last| last != "zigbee2mqtt/last") {
        topics.extend(running.take(1).await.iter().map(|message| text(message).0));
    }
    topics.pop();
    topics
}

#[tokio::test]
async fn a_device_may_publish_its_own_input_and_nothing_else() {
    let broker = Mosquitto::start().await;
    let publishes = [
        ("cover-7", "wanglou/v1/in/cover-7"),
        ("cover-7", "wanglou/v1/in/cover-7/tilt"),
        ("cover-7", "wanglou/v1/in/cover-8"),
        ("cover-7", "wanglou/v1/in/cover-7x"),
        ("cover-7", "wanglou/v1/cmd/cover-7"),
        ("cover-7", "wanglou/v1/out/alarms"),
        ("cover-7", "zigbee2mqtt/door"),
        ("cover-7", "anything"),
    ];
    assert_eq!(seen(&broker, &publishes).await, ["wanglou/v1/in/cover-7", "wanglou/v1/in/cover-7/tilt"]);
}

#[tokio::test]
async fn a_bridge_keeps_to_its_tree_and_the_gateway_writes_only_its_own_topics() {
    let broker = Mosquitto::start().await;
    let publishes = [
        ("zigbee2mqtt", "zigbee2mqtt/door"),
        ("zigbee2mqtt", "wanglou/v1/in/cover-7"),
        ("zigbee2mqtt", "wanglou/v1/self/alarm/1"),
        ("gateway", "wanglou/v1/cmd/lift-b"),
        ("gateway", "wanglou/v1/out/alarms"),
        ("gateway", "wanglou/v1/in/cover-7"),
        ("gateway", "zigbee2mqtt/door/set"),
    ];
    let expected = ["zigbee2mqtt/door", "wanglou/v1/cmd/lift-b", "wanglou/v1/out/alarms"];
    assert_eq!(seen(&broker, &publishes).await, expected);
}

#[tokio::test]
async fn a_device_hears_its_own_commands_and_no_other_devices_input() {
    let broker = Mosquitto::start().await;
    let mut lane = ConsumerOptions::new("t", Lane::Alarm, vec!["#".to_owned()], 7);
    lane.client_id = "device".to_owned();
    let mut device = start(Consumer::new(broker.as_user("cover-7"), lane), 8);
    device.path().await;
    broker.publish("cover-8", "wanglou/v1/in/cover-8", "private");
    broker.publish("gateway", "wanglou/v1/cmd/cover-8/beep", "not for it");
    broker.publish("gateway", "wanglou/v1/cmd/cover-7/beep", "for it");
    assert_eq!(text(&device.take(1).await[0]).0, "wanglou/v1/cmd/cover-7/beep");
}

#[tokio::test]
async fn nobody_comes_in_without_a_password_or_with_a_wrong_one() {
    let broker = Mosquitto::start().await;
    assert!(broker.publish_as(Some(("cover-7", "7-revoc")), "wanglou/v1/in/cover-7"));
    assert!(!broker.publish_as(Some(("cover-7", "7-revo")), "wanglou/v1/in/cover-7"));
    assert!(!broker.publish_as(Some(("nobody", "x")), "wanglou/v1/in/cover-7"));
    assert!(!broker.publish_as(None, "wanglou/v1/in/cover-7"));
}

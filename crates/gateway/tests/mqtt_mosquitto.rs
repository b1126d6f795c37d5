//! The consumer against Debian's mosquitto with `deploy/mosquitto.conf`.

mod mqtt_support;

use mqtt_support::intake::{acknowledge, down, start, text, texts};
use mqtt_support::mosquitto::{Mosquitto, write};
use std::sync::Arc;
use wanglou_gateway::intake::{Body, Lane, PathEvent};
use wanglou_gateway::mqtt::{Address, Consumer, ConsumerOptions, Network, Sampling};

fn consumer(broker: &Mosquitto, filters: &[&str]) -> Consumer<Network> {
    let filters = filters.iter().map(|f| (*f).to_owned()).collect();
    Consumer::new(broker.as_user("gateway"), ConsumerOptions::new("t", Lane::Alarm, filters, 7))
}

#[tokio::test]
async fn a_message_published_by_a_device_arrives_and_is_acknowledged() {
    let broker = Mosquitto::start().await;
    let mut running = start(consumer(&broker, &["wanglou/v1/in/#"]), 8);
    assert!(!running.up().await, "no session yet");
    assert!(broker.publish("cover-7", "wanglou/v1/in/cover-7", "{\"open\":true}"));
    let batch = running.batch().await;
    assert_eq!(texts(&batch), [("wanglou/v1/in/cover-7".to_owned(), "{\"open\":true}".to_owned())]);
    assert_eq!(batch.lane, Lane::Alarm);
    assert!(acknowledge(&batch, 1));
    assert_eq!(running.stop().await, Ok(()));

    let mut again = start(consumer(&broker, &["wanglou/v1/in/#"]), 8);
    assert!(again.up().await, "the session was kept, and nothing unacknowledged was left in it");
}

#[tokio::test]
async fn what_was_not_acknowledged_before_a_crash_comes_again_marked_dup() {
    let broker = Mosquitto::start().await;
    let mut running = start(consumer(&broker, &["wanglou/v1/in/#"]), 8);
    running.up().await;
    broker.publish("cover-7", "wanglou/v1/in/cover-7", "1");
    assert_eq!(running.batch().await.messages.len(), 1);
    running.crash().await;

    let mut again = start(consumer(&broker, &["wanglou/v1/in/#"]), 8);
    let taken = again.take(1).await;
    assert_eq!(text(&taken[0]).1, "1");
    assert!(taken[0].dup);
}

#[tokio::test]
async fn what_was_published_meanwhile_comes_in_order_before_drained() {
    let broker = Mosquitto::start().await;
    let mut running = start(consumer(&broker, &["wanglou/v1/in/#"]), 8);
    running.up().await;
    running.stop().await.expect("stopped");
    let lines: Vec<String> = (0..50).map(|n| n.to_string()).collect();
    broker.publish_lines("cover-7", "wanglou/v1/in/cover-7", &lines);

    let mut again = start(consumer(&broker, &["wanglou/v1/in/#"]), 8);
    let (mut came, mut up) = (Vec::new(), false);
    while !again
        .next_taking(|batch| {
            acknowledge(batch, 1);
            came.extend(batch.messages.iter().map(|message| text(message).1));
        })
        .await
        .is_some_and(|event| {
            up |= event == PathEvent::Up { session_present: true };
            event == PathEvent::Drained
        })
    {}
    assert!(up);
    assert_eq!(came, lines);
}

#[tokio::test]
async fn sizes_around_every_limit_pass_through_the_broker_on_one_connection() {
    let broker = Mosquitto::start().await;
    let source = consumer(&broker, &["wanglou/v1/in/#"]);
    let counters = source.counters();
    let mut running = start(source, 8);
    running.up().await;
    for bytes in [0, 1, 10 * 1024 - 1, 10 * 1024, 10 * 1024 + 1, 256 << 10, 1 << 20, 3 << 20] {
        let file = write(broker.dir(), "payload", &"x".repeat(bytes));
        let file = file.to_str().expect("UTF-8");
        assert!(broker.publish_with("cover-7", &["-q", "1", "-t", "wanglou/v1/in/cover-7", "-f", file]));
        let batch = running.batch().await;
        acknowledge(&batch, 1);
        match &batch.messages[0].body {
            Body::Whole(payload) => assert!(payload.len() == bytes && bytes < 1 << 20),
            Body::Oversize { bytes: length, .. } => assert!(*length == bytes as u64 && bytes >= 1 << 20),
        }
    }
    assert_eq!((counters.oversize.value(), counters.disconnects.value()), (2, 0));
}

#[tokio::test]
async fn topics_in_chinese_retained_messages_and_qos_0_are_told_as_they_are() {
    let broker = Mosquitto::start().await;
    broker.publish_with("zigbee2mqtt", &["-r", "-q", "1", "-t", "zigbee2mqtt/门", "-m", "retained"]);
    let source = consumer(&broker, &["zigbee2mqtt/#"]);
    let counters = source.counters();
    let mut running = start(source, 8);
    let taken = running.take(1).await;
    assert_eq!(text(&taken[0]), ("zigbee2mqtt/门".to_owned(), "retained".to_owned()));
    assert!(taken[0].retain && taken[0].packet_id.is_some());
    broker.publish_with("zigbee2mqtt", &["-q", "0", "-t", "zigbee2mqtt/门", "-m", "at QoS 0"]);
    let taken = running.take(1).await;
    assert_eq!((taken[0].retain, taken[0].packet_id), (false, None));
    assert_eq!(counters.qos0_by_filter().collect::<Vec<_>>(), [("zigbee2mqtt/#", 1)]);
}

#[tokio::test]
async fn a_wrong_password_is_told_in_words_and_a_corrected_file_is_read_at_the_next_attempt() {
    let broker = Mosquitto::start().await;
    let options = broker.as_user("gateway");
    write(broker.dir(), "gateway.password", "guessed\n");
    let lane = ConsumerOptions::new("t", Lane::Alarm, vec!["wanglou/v1/in/#".to_owned()], 7);
    let mut running = start(Consumer::new(options.clone(), lane), 8);
    let reason = down(running.path().await);
    assert!(reason.contains("did not authorise us") && reason.contains("password"), "{reason}");
    broker.login("gateway");
    running.up().await;
}

#[tokio::test]
async fn a_missing_or_empty_password_file_is_named() {
    let broker = Mosquitto::start().await;
    let options = broker.as_user("gateway");
    let file = broker.path("gateway.password");
    let lane = ConsumerOptions::new("t", Lane::Alarm, vec!["wanglou/v1/in/#".to_owned()], 7);
    std::fs::write(&file, "\n").expect("written");
    let mut running = start(Consumer::new(options.clone(), lane), 8);
    let reason = down(running.path().await);
    assert!(reason.contains("gateway.password is empty"), "{reason}");
    std::fs::remove_file(&file).expect("it is there");
    let reason = down(running.path().await);
    assert!(
        reason.contains("cannot read the broker login from") && reason.contains("gateway.password"),
        "{reason}"
    );
    broker.login("gateway");
    running.up().await;
}

#[tokio::test]
async fn the_gateway_can_come_by_a_unix_domain_socket() {
    // Before the other listener, which tells that the broker is ready.
    let socket = |conf: String| conf.replace("\nlistener ", "\nlistener 0 mqtt.sock\nlistener ");
    let broker = Mosquitto::start_with(socket).await;
    let mut options = broker.as_user("gateway");
    options.address = Address::Unix(broker.path("mqtt.sock"));
    let lane = ConsumerOptions::new("t", Lane::Alarm, vec!["wanglou/v1/in/#".to_owned()], 7);
    let mut running = start(Consumer::new(options, lane), 8);
    running.up().await;
    broker.publish("cover-7", "wanglou/v1/in/cover-7", "x");
    assert_eq!(running.take(1).await.len(), 1);
}

#[tokio::test]
async fn a_qos_2_message_that_another_client_left_in_our_session_is_refused_with_words() {
    let broker = Mosquitto::start().await;
    broker.subscribe_once_and_leave("gateway", "wanglou-t-alarm", "wanglou/v1/in/#", "2");
    broker.publish_with("cover-7", &["-q", "2", "-t", "wanglou/v1/in/cover-7", "-m", "x"]);
    let source = consumer(&broker, &["wanglou/v1/in/#"]);
    let counters = source.counters();
    let mut running = start(source, 8);
    let reason = down(running.path().await);
    assert!(reason.contains("«wanglou/v1/in/cover-7» at QoS 2"), "{reason}");
    assert_eq!(counters.qos2.value(), 1);
    running.stop().await.expect("stopped");

    // What deploy/README.md says to do about it.
    broker.drop_session("gateway", "wanglou-t-alarm");
    let mut running = start(consumer(&broker, &["wanglou/v1/in/#"]), 8);
    assert!(!running.up().await);
}

#[tokio::test]
async fn discovery_sees_unknown_topics_but_neither_known_nor_own_nor_system_ones() {
    let broker = Mosquitto::start().await;
    let known: Arc<dyn Fn(&str) -> bool + Send + Sync> =
        Arc::new(|topic| topic.starts_with("wanglou/v1/in/"));
    let lane = ConsumerOptions::discovery("t", 7, Sampling::new(known));
    let mut running = start(Consumer::new(broker.as_user("gateway"), lane), 8);
    assert!(!running.up().await);
    broker.publish("cover-7", "wanglou/v1/in/cover-7", "known");
    broker.publish("gateway", "wanglou/v1/cmd/lift", "own");
    broker.publish("zigbee2mqtt", "zigbee2mqtt/new", "unknown");
    let batch = running.batch().await;
    assert_eq!(texts(&batch), [("zigbee2mqtt/new".to_owned(), "unknown".to_owned())]);
    assert_eq!((batch.lane, batch.messages[0].packet_id), (Lane::Discovery, None));
}

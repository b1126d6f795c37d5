//! The publisher against Debian's mosquitto, and against brokers that misbehave.

mod mqtt_support;

use bytes::Bytes;
use mqtt_support::intake::{start, text};
use mqtt_support::mosquitto::Mosquitto;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;
use wanglou_gateway::intake::Lane;
use wanglou_gateway::mqtt::{
    Address, BrokerOptions, Consumer, ConsumerOptions, NotQueued, Outbound, Outcome, Publisher,
    PublisherOptions,
};

const LONG: Duration = Duration::from_secs(3600);

fn outbound(topic: &str, payload: impl Into<Bytes>, within: Duration) -> Outbound {
    Outbound { topic: topic.into(), payload: payload.into(), expires_at: Instant::now() + within }
}

fn start_publisher(broker: BrokerOptions, options: PublisherOptions) -> (Publisher, watch::Sender<bool>) {
    let (stop, stopped) = watch::channel(false);
    let (publisher, task) = Publisher::new(broker, options, stopped);
    tokio::spawn(task);
    (publisher, stop)
}

async fn outcome(told: oneshot::Receiver<Outcome>) -> Outcome {
    tokio::time::timeout(Duration::from_secs(60), told).await.expect("within a minute").expect("an outcome")
}

#[tokio::test]
async fn a_command_is_done_when_the_broker_has_taken_it() {
    let broker = Mosquitto::start().await;
    let mut lane = ConsumerOptions::new("t", Lane::Alarm, vec!["wanglou/v1/cmd/#".into()], 7);
    lane.client_id = "lift".into();
    let mut lift = start(Consumer::new(broker.as_user("gateway"), lane), 8);
    lift.up().await;
    let (publisher, _stop) = start_publisher(broker.as_user("gateway"), PublisherOptions::new("t"));
    let told = publisher.publish(outbound("wanglou/v1/cmd/lift-b/release", "now", LONG)).expect("queued");
    assert_eq!(outcome(told).await, Outcome::Done);
    let taken = lift.take(1).await;
    assert_eq!(text(&taken[0]), ("wanglou/v1/cmd/lift-b/release".into(), "now".into()));
    assert!(!taken[0].retain);
    assert_eq!(publisher.counters().done.value(), 1);
}

#[tokio::test]
async fn a_payload_over_rumqttcs_default_limit_of_10_kib_is_published() {
    let broker = Mosquitto::start().await;
    let (publisher, _stop) = start_publisher(broker.as_user("gateway"), PublisherOptions::new("t"));
    for bytes in [10 * 1024 - 1, 10 * 1024 + 1, 256 << 10] {
        let told = publisher.publish(outbound("wanglou/v1/out/x", vec![b'x'; bytes], LONG)).expect("queued");
        assert_eq!(outcome(told).await, Outcome::Done, "{bytes} bytes");
    }
    assert_eq!(publisher.counters().connects.value(), 1);
}

#[tokio::test]
async fn what_finds_no_broker_before_it_expires_fails_and_is_never_sent_late() {
    let mut broker = Mosquitto::start().await;
    broker.kill();
    let (publisher, _stop) = start_publisher(broker.as_user("gateway"), PublisherOptions::new("t"));
    let late = publisher.publish(outbound("wanglou/v1/cmd/lift-b", "late", Duration::from_millis(50)));
    let Outcome::Failed { reason } = outcome(late.expect("queued")).await else { panic!("not failed") };
    assert!(reason.contains("expired"), "{reason}");

    let in_time = publisher.publish(outbound("wanglou/v1/cmd/lift-b", "in time", LONG)).expect("queued");
    broker.restart().await;
    assert_eq!(outcome(in_time).await, Outcome::Done);
    assert_eq!((publisher.counters().failed.value(), publisher.counters().done.value()), (1, 1));
}

/// A broker that says CONNACK, then hands the socket to the test.
async fn accept(listener: &TcpListener) -> TcpStream {
    let (mut socket, _) = listener.accept().await.expect("a connection");
    let mut connect = [0; 512];
    assert_ne!(socket.read(&mut connect).await.expect("CONNECT"), 0);
    socket.write_all(&[0x20, 2, 0, 0]).await.expect("CONNACK");
    socket
}

async fn first_publish(socket: &mut TcpStream) -> Vec<u8> {
    let mut packet = vec![0; 512];
    let bytes = socket.read(&mut packet).await.expect("a packet");
    assert_eq!(packet[0] & 0xF0, 0x30, "PUBLISH");
    packet.truncate(bytes);
    packet
}

#[tokio::test]
async fn publishes_of_a_dead_connection_are_unknown_and_do_not_surface_after_the_reconnect() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let broker = BrokerOptions::new(Address::Tcp { host: "127.0.0.1".into(), port });
    let (publisher, _stop) = start_publisher(broker, PublisherOptions::new("t"));

    let mut first = accept(&listener).await;
    let lost = publisher.publish(outbound("wanglou/v1/cmd/lift-b", "first", LONG)).expect("queued");
    first_publish(&mut first).await;
    drop(first);
    assert!(matches!(outcome(lost).await, Outcome::Unknown { .. }));

    let mut second = accept(&listener).await;
    let next = publisher.publish(outbound("wanglou/v1/cmd/lift-b", "second", LONG)).expect("queued");
    let packet = first_publish(&mut second).await;
    assert!(packet.ends_with(b"second"), "{packet:?}");
    let id_at = packet.len() - "second".len() - 2;
    second.write_all(&[0x40, 2, packet[id_at], packet[id_at + 1]]).await.expect("PUBACK");
    assert_eq!(outcome(next).await, Outcome::Done);
}

#[tokio::test]
async fn a_broker_that_keeps_its_puback_leaves_the_outcome_unknown_after_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let broker = BrokerOptions::new(Address::Tcp { host: "127.0.0.1".into(), port });
    let mut options = PublisherOptions::new("t");
    options.puback_timeout = Duration::from_millis(50);
    let (publisher, _stop) = start_publisher(broker, options);
    let _silent = accept(&listener).await;
    let told = publisher.publish(outbound("wanglou/v1/cmd/lift-b", "x", LONG)).expect("queued");
    let Outcome::Unknown { reason } = outcome(told).await else { panic!("not unknown") };
    assert!(reason.contains("PUBACK"), "{reason}");
}

#[tokio::test]
async fn a_full_queue_a_bad_topic_and_a_large_payload_are_refused_at_once() {
    let broker = BrokerOptions::new(Address::Tcp { host: "127.0.0.1".into(), port: 1 });
    let mut options = PublisherOptions::new("t");
    (options.queue_max, options.payload_bytes_max) = (2, 10);
    let (publisher, stop) = start_publisher(broker, options);
    let waiting: Vec<_> =
        (0..2).map(|_| publisher.publish(outbound("t", "x", LONG)).expect("queued")).collect();
    assert_eq!(publisher.publish(outbound("t", "x", LONG)).map(|_| ()), Err(NotQueued::Full(2)));
    assert_eq!(publisher.publish(outbound("t/+", "x", LONG)).map(|_| ()), Err(NotQueued::Topic));
    assert_eq!(
        publisher.publish(outbound("t", vec![0; 11], LONG)).map(|_| ()),
        Err(NotQueued::TooLarge { bytes: 11, max: 10 })
    );
    stop.send(true).expect("it runs");
    for told in waiting {
        assert!(matches!(outcome(told).await, Outcome::Failed { .. }));
    }
}

#[tokio::test]
async fn a_stop_waits_for_the_puback_of_what_is_on_its_way() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let broker = BrokerOptions::new(Address::Tcp { host: "127.0.0.1".into(), port });
    let (publisher, stop) = start_publisher(broker, PublisherOptions::new("t"));
    let mut socket = accept(&listener).await;
    let told = publisher.publish(outbound("t", "x", LONG)).expect("queued");
    let packet = first_publish(&mut socket).await;
    stop.send(true).expect("it runs");
    let id_at = packet.len() - 3;
    socket.write_all(&[0x40, 2, packet[id_at], packet[id_at + 1]]).await.expect("PUBACK");
    assert_eq!(outcome(told).await, Outcome::Done);
    let mut goodbye = [0; 2];
    socket.read_exact(&mut goodbye).await.expect("DISCONNECT");
    assert_eq!(goodbye, [0xE0, 0]);
}

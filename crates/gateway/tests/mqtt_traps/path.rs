//! The path: markers, drained, quiet, dead.

use crate::mqtt_support::intake::{acknowledge, start, texts};
use crate::mqtt_support::scripted::{consumer, publish};
use crate::{S, pairs};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Publish, SubscribeReasonCode};
use tokio::time::Instant;
use wanglou_gateway::intake::{Arrival, Lane, PathEvent};

#[tokio::test(start_paused = true)]
async fn drained_comes_after_the_backlog_and_only_by_the_marker_of_this_connection_and_process() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    let (_, mut peer) = broker.accept().await;
    peer.connect().await;
    peer.connack(true).await;
    peer.publish(Some(1), "in/a", "backlog, before SUBACK").await;
    acknowledge(&running.batch().await, 1);
    assert!(matches!(peer.packet().await, Packet::Subscribe(_)));
    peer.pubacks_in_one_write(&[1]).await;
    let mut subscribe = rumqttc::mqttbytes::v4::Subscribe::new("", QoS::AtLeastOnce);
    subscribe.pkid = 1;
    subscribe.filters = vec![subscribe.filters[0].clone(); 2];
    peer.suback(&subscribe, |_| SubscribeReasonCode::Success(QoS::AtLeastOnce)).await;
    assert_eq!(running.path().await, PathEvent::Up { session_present: true });
    let ours = peer.marker().await;

    let mut other_process = ours.clone();
    other_process.payload = "ffffffffffffffff 1".into();
    peer.send(&Packet::Publish(other_process)).await;
    assert!(matches!(peer.packet().await, Packet::PubAck(_)));
    let mut other_connection = ours.clone();
    other_connection.topic = "wanglou/v1/self/alarm/0".into();
    peer.send(&Packet::Publish(other_connection)).await;
    assert!(matches!(peer.packet().await, Packet::PubAck(_)));
    assert!(running.arrivals.try_recv().is_err(), "neither is this connection's");

    let mut bytes = bytes::BytesMut::new();
    for packet in
        [publish(Some(2), "in/a", "before"), Packet::Publish(ours), publish(Some(3), "in/a", "after")]
    {
        packet.write(&mut bytes, usize::MAX).expect("it fits");
    }
    peer.send_bytes(&bytes).await;
    assert_eq!(texts(&running.batch().await), pairs(&[("in/a", "before")]));
    assert_eq!(running.path().await, PathEvent::Drained);
    let last = running.batch().await;
    assert_eq!(texts(&last), pairs(&[("in/a", "after")]));
    acknowledge(&last, 2);
    peer.pubacks_in_one_write(&[2, 60_000, 3]).await;
    assert_eq!((counters.markers.value(), counters.foreign_markers.value()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_marker_that_a_full_queue_swallowed_is_sent_again_under_traffic_until_one_is_back() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 64);
    let mut peer = broker.welcome(true).await;
    let swallowed = peer.marker().await;
    let sent = Instant::now();
    let again = loop {
        peer.publish(None, "in/a", "traffic, at least once a second").await;
        if let Ok(packet) = tokio::time::timeout(S, peer.packet()).await {
            let Packet::Publish(marker) = packet else { panic!("expected a marker, got {packet:?}") };
            break marker;
        }
        assert!(sent.elapsed() < 20 * S, "no marker under traffic");
    };
    assert_eq!((again.topic.as_str(), &again.payload), (swallowed.topic.as_str(), &swallowed.payload));
    peer.send(&Packet::Publish(Publish { pkid: 1, ..again })).await;
    loop {
        if let Arrival::Path { event: PathEvent::Drained, .. } = running.next().await {
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_carries_nothing_is_quiet_after_ten_seconds_and_heard_with_the_next_message() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    let from = Instant::now();
    let event = tokio::select! {
        event = running.path() => event,
        () = peer.answer_pings_only() => panic!("the consumer closed"),
    };
    assert_eq!((event, from.elapsed()), (PathEvent::Quiet, 10 * S));
    peer.publish(None, "in/a", "x").await;
    assert_eq!(running.path().await, PathEvent::Heard);
    assert_eq!(texts(&running.batch().await), pairs(&[("in/a", "x")]));
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_leaves_a_ping_unanswered_is_noticed_within_ten_seconds() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let _peer = broker.welcome_and_drain(true).await;
    running.up().await;
    let from = Instant::now();
    let reason = loop {
        if let PathEvent::Down { reason } = running.path().await {
            break reason;
        }
    };
    assert!(reason.contains("silent"), "{reason}");
    assert!(from.elapsed() <= 10 * S, "{:?}", from.elapsed());
}

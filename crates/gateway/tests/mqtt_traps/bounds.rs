//! What is read ahead is bounded, and a stop waits for it no longer than it may.

use crate::mqtt_support::intake::{Running, acknowledge, start, texts};
use crate::mqtt_support::scripted::{Peer, consumer, pass, publish};
use crate::{S, WriteTo, pairs};
use rumqttc::mqttbytes::v4::Packet;
use tokio::time::Instant;
use wanglou_gateway::intake::{Arrival, Lane};

/// Publishes one message at a time, each in a read of its own, until the consumer takes no more.
async fn publish_singly(peer: &mut Peer, running: &mut Running, count: u16) -> usize {
    let mut batches = 0;
    for id in 1..=count {
        peer.publish(Some(id), "in/a", &"x".repeat(100)).await;
        match tokio::time::timeout(S, running.arrivals.recv()).await {
            Ok(Some(Arrival::Messages(_))) => batches += 1,
            Ok(other) => panic!("expected a batch, got {other:?}"),
            Err(_) => break,
        }
    }
    batches
}

#[tokio::test(start_paused = true)]
async fn reading_stops_at_the_limit_of_batches_and_goes_on_when_they_are_durable() {
    let (consumer, mut broker) =
        consumer(Lane::Alarm, &["in/#"], |options| options.in_flight_batches_max = 3);
    let counters = consumer.counters();
    let mut running = start(consumer, 100);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    peer.publish(Some(99), "in/a", "x").await;
    let held = running.batch().await;
    assert_eq!(publish_singly(&mut peer, &mut running, 10).await, 2);
    assert_eq!(counters.in_flight_batches.value(), 3);
    acknowledge(&held, 3);
    assert_eq!(texts(&running.batch().await), pairs(&[("in/a", &"x".repeat(100))]));
}

#[tokio::test(start_paused = true)]
async fn reading_stops_at_the_limit_of_bytes() {
    let (consumer, mut broker) =
        consumer(Lane::Alarm, &["in/#"], |options| options.in_flight_bytes_max = 416);
    let mut running = start(consumer, 100);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    assert_eq!(publish_singly(&mut peer, &mut running, 10).await, 4, "104 bytes each, with the topic");
}

#[tokio::test(start_paused = true)]
async fn while_the_intake_has_no_room_nothing_is_read_and_pings_keep_the_session() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 1);
    let (mut peer, _) = tokio::join!(broker.welcome_and_drain(true), running.up());
    peer.publish(Some(1), "in/a", "fills the intake").await;
    pass(S).await;
    peer.publish(Some(2), "in/a", "waits for room").await;
    pass(S).await;
    peer.publish(Some(3), "in/a", "stays with the broker").await;
    let from = Instant::now();
    while from.elapsed() < 60 * S {
        assert!(matches!(peer.packet_or_ping().await, Packet::PingReq));
        // Not answered: we would not read the answer, and must not take that for silence.
    }
    assert_eq!(texts(&running.batch().await), pairs(&[("in/a", "fills the intake")]));
    assert_eq!(texts(&running.batch().await), pairs(&[("in/a", "waits for room")]));
    let last = running.batch().await;
    assert_eq!(texts(&last), pairs(&[("in/a", "stays with the broker")]));
    acknowledge(&last, 3);
    assert!(matches!(peer.packet().await, Packet::PubAck(ack) if ack.pkid == 1));
}

#[tokio::test(start_paused = true)]
async fn a_large_read_is_handed_over_in_batches_of_bounded_size_and_acknowledged_by_batch() {
    let (consumer, mut broker) = consumer(Lane::Bulk, &["in/#"], |options| options.batch_bytes_max = 1000);
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    let mut bytes = bytes::BytesMut::new();
    for id in 1..=25 {
        publish(Some(id), "in/a", &"x".repeat(96)).write_to(&mut bytes);
    }
    peer.send_bytes(&bytes).await;
    let mut batches = Vec::new();
    while batches.len() < 3 {
        batches.push(running.batch().await);
    }
    assert_eq!(batches.iter().map(|batch| batch.messages.len()).collect::<Vec<_>>(), [10, 10, 5]);
    acknowledge(&batches[0], 1);
    peer.pubacks_in_one_write(&(1..=10).collect::<Vec<_>>()).await;
    acknowledge(&batches[0], 2);
    peer.pubacks_in_one_write(&(11..=25).collect::<Vec<_>>()).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_outstanding_acknowledgements_and_says_goodbye() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    peer.publish(Some(1), "in/a", "x").await;
    let batch = running.batch().await;
    running.ask_to_stop();
    pass(S).await;
    peer.publish(Some(2), "in/a", "not taken any more").await;
    acknowledge(&batch, 1);
    assert!(matches!(peer.packet().await, Packet::PubAck(ack) if ack.pkid == 1));
    assert_eq!(peer.packet().await, Packet::Disconnect);
    assert!(peer.try_packet().await.is_none());
    assert_eq!(running.ended().await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_stop_does_not_wait_longer_than_its_grace() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    peer.publish(Some(1), "in/a", "x").await;
    let _never_acknowledged = running.batch().await;
    let from = Instant::now();
    assert_eq!(running.stop().await, Ok(()));
    assert_eq!(from.elapsed(), 5 * S);
    assert_eq!(peer.packet().await, Packet::Disconnect);
}

#[tokio::test(start_paused = true)]
async fn a_source_whose_writer_is_gone_ends() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    running.arrivals.close();
    peer.publish(Some(1), "in/a", "x").await;
    assert!(running.ended().await.is_err());
    assert!(peer.try_packet().await.is_none(), "and acknowledges nothing");
}

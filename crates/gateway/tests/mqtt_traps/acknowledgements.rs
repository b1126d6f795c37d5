//! What is acknowledged, when, and to whom.

use crate::mqtt_support::intake::{acknowledge, down, start, texts};
use crate::mqtt_support::scripted::consumer;
use crate::{S, pairs};
use rumqttc::mqttbytes::v4::Packet;
use wanglou_gateway::intake::{Lane, PathEvent};

#[tokio::test(start_paused = true)]
async fn trap_stale_acks_the_acknowledgement_of_a_dead_connection_cannot_hit_a_message_of_the_next() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let mut first = broker.welcome_and_drain(true).await;
    running.up().await;
    first.publish(Some(1), "in/a", "of the first connection").await;
    let old = running.batch().await;
    drop(first);
    down(running.path().await);

    let mut second = broker.welcome_and_drain(true).await;
    running.up().await;
    second.publish(Some(1), "in/b", "another message under the same identifier").await;
    let new = running.batch().await;
    assert!(new.generation > old.generation);
    assert!(!acknowledge(&old, 1), "its connection is gone, and the acknowledgement with it");
    assert!(second.is_silent_for(4 * S).await);
    assert!(acknowledge(&new, 1));
    assert!(matches!(second.packet().await, Packet::PubAck(ack) if ack.pkid == 1));
}

#[tokio::test(start_paused = true)]
async fn trap_gated_acks_a_publish_of_ours_in_flight_does_not_hold_up_acknowledgements() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome(true).await;
    let _marker_without_puback = peer.marker().await;
    assert_eq!(running.path().await, PathEvent::Up { session_present: true });
    peer.publish(Some(3), "in/a", "1").await;
    acknowledge(&running.batch().await, 1);
    peer.pubacks_in_one_write(&[3]).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_acknowledged_before_the_writer_says_so_and_then_in_receive_order_in_one_write() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    for (first, second) in [(5, 2), (9, 1)] {
        peer.publish(Some(first), "in/a", "x").await;
        peer.publish(Some(second), "in/b", "y").await;
        peer.publish(None, "in/c", "at QoS 0").await;
        let batch = running.batch().await;
        assert_eq!(
            texts(&batch),
            pairs(&[("in/a", "x"), ("in/b", "y"), ("in/c", "at QoS 0")]),
            "one read, one batch"
        );
        assert_eq!(batch.messages[2].packet_id, None);
        assert!(peer.is_silent_for(2 * S).await, "not durable yet");
        if first == 9 {
            acknowledge(&batch, 2);
        }
    }
    peer.pubacks_in_one_write(&[5, 2, 9, 1]).await;
}

#[tokio::test(start_paused = true)]
async fn a_writer_that_acknowledges_more_than_it_was_given_acknowledges_nothing() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    peer.publish(Some(1), "in/a", "x").await;
    acknowledge(&running.batch().await, 2);
    assert!(down(running.path().await).contains("acknowledged"));
    assert!(peer.try_packet().await.is_none());
}

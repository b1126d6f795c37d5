//! Sizes, topics, and packets that are malformed.

use crate::S;
use crate::mqtt_support::intake::{acknowledge, down, start};
use crate::mqtt_support::scripted::consumer;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{Packet, Publish};
use sha2::{Digest, Sha256};
use wanglou_gateway::intake::{Body, Lane};

#[tokio::test(start_paused = true)]
async fn trap_10_kib_limit_messages_around_it_and_over_our_own_limit_pass_on_one_connection() {
    const MAX: usize = 300 << 10;
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |options| options.packet_bytes_max = MAX);
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    let sizes = [10 * 1024 - 1, 10 * 1024, 10 * 1024 + 1, 256 << 10, 300 << 10, 1 << 20, 3];
    for (id, bytes) in (1..).zip(sizes) {
        let payload = "x".repeat(bytes);
        peer.publish(Some(id), "in/a", &payload).await;
        let batch = running.batch().await;
        let expected = match bytes < MAX {
            true => Body::Whole(payload.clone().into()),
            false => Body::Oversize { bytes: bytes as u64, sha256: Sha256::digest(&payload).into() },
        };
        assert_eq!(batch.messages.len(), 1);
        assert_eq!(batch.messages[0].body, expected, "{bytes} bytes");
        acknowledge(&batch, 1);
        peer.pubacks_in_one_write(&[id]).await;
    }
    assert_eq!(
        (counters.oversize.value(), counters.connects.value(), counters.disconnects.value()),
        (2, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_with_a_forbidden_topic_is_acknowledged_in_its_turn_and_not_handed_over() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    peer.send_bytes(b"\x32\x06\x00\x02a\0\x00\x07").await;
    peer.pubacks_in_one_write(&[7]).await;
    peer.publish(Some(8), "in/a", "x").await;
    let held = running.batch().await;
    peer.send_bytes(b"\x32\x05\x00\x01\xFF\x00\x09").await;
    assert!(peer.is_silent_for(4 * S).await, "its turn is behind the message before it");
    acknowledge(&held, 1);
    peer.pubacks_in_one_write(&[8, 9]).await;
    assert_eq!(
        (counters.rejected.value(), counters.messages.value(), counters.disconnects.value()),
        (2, 1, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_malformed_packet_what_came_before_it_is_acknowledged_and_the_connection_made_anew() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    let mut peer = broker.welcome_and_drain(true).await;
    running.up().await;
    peer.publish(Some(1), "in/a", "x").await;
    peer.send_bytes(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x01]).await;
    acknowledge(&running.batch().await, 1);
    peer.pubacks_in_one_write(&[1]).await;
    assert!(down(running.path().await).contains("remaining length"));
    assert_eq!(counters.malformed.value(), 1);
    broker.welcome_and_drain(true).await;
    running.up().await;
}

#[tokio::test(start_paused = true)]
async fn a_qos_2_message_is_refused_with_words_and_tried_again_ever_more_slowly() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    let mut came = Vec::new();
    for attempt in 0..8 {
        let (at, mut peer) = broker.accept().await;
        came.push(at);
        peer.connect().await;
        peer.connack(true).await;
        // The queue of a session comes before SUBACK: this one was left there by someone else's subscription.
        let mut stuck = Publish::new("in/a", QoS::ExactlyOnce, "x");
        stuck.pkid = 1;
        peer.send(&Packet::Publish(stuck)).await;
        peer.closed().await;
        if attempt == 0 {
            assert!(down(running.path().await).contains("«in/a» at QoS 2"));
        }
    }
    let waits: Vec<u64> = came.windows(2).map(|two| (two[1] - two[0]).as_millis() as u64).collect();
    assert_eq!(waits, [400, 800, 1600, 3200, 6400, 10_000, 10_000], "no tight loop");
    assert_eq!(counters.qos2.value(), 8);
    assert!(running.arrivals.try_recv().is_err(), "told once");
}

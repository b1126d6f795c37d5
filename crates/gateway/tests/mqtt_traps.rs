//! The traps of MQTT consumers, one test each, against a broker that the test plays.

mod mqtt_support;

use mqtt_support::intake::{acknowledge, down, start, texts};
use mqtt_support::scripted::{Peer, consumer, pass, publish};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet, Publish, SubscribeReasonCode};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tokio::time::Instant;
use wanglou_gateway::intake::{Arrival, Body, Lane, PathEvent};

const S: Duration = Duration::from_secs(1);

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(topic, payload)| ((*topic).to_owned(), (*payload).to_owned())).collect()
}

// ---- acknowledgements -------------------------------------------------------------------------------------------

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

// ---- sizes, topics, malformed packets ---------------------------------------------------------------------------

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

// ---- connecting and subscribing ---------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn the_session_is_kept_under_a_fixed_client_id_and_everything_asked_at_qos_1() {
    let (consumer, mut broker) = consumer(Lane::Bulk, &["in/#", "z/+"], |_| {});
    let _running = start(consumer, 8);
    for _ in 0..2 {
        let (_, mut peer) = broker.accept().await;
        let connect = peer.connect().await;
        assert_eq!((connect.client_id.as_str(), connect.clean_session), ("wanglou-t-bulk", false));
        assert_eq!(connect.keep_alive, 5);
        peer.connack(true).await;
        let asked = peer.grant().await;
        let asked: Vec<_> = asked.filters.iter().map(|filter| (filter.path.as_str(), filter.qos)).collect();
        let qos = QoS::AtLeastOnce;
        assert_eq!(asked, [("wanglou/v1/self/bulk/+", qos), ("in/#", qos), ("z/+", qos)]);
    }
}

#[tokio::test(start_paused = true)]
async fn trap_suback_failure_a_refused_filter_is_named_and_tried_again_with_backoff() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#", "secret/#"], |_| {});
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    let mut came = Vec::new();
    for attempt in 0..4 {
        let (at, mut peer) = broker.accept().await;
        came.push(at);
        peer.connect().await;
        peer.connack(false).await;
        let asked = peer.subscribe().await;
        peer.suback(&asked, |filter| match filter {
            "secret/#" => SubscribeReasonCode::Failure,
            _ => SubscribeReasonCode::Success(QoS::AtLeastOnce),
        })
        .await;
        peer.closed().await;
        if attempt == 0 {
            let reason = down(running.path().await);
            assert!(reason.contains("refused to subscribe «secret/#»"), "{reason}");
        }
    }
    let waits: Vec<u64> = came.windows(2).map(|two| (two[1] - two[0]).as_millis() as u64).collect();
    assert_eq!(waits, [400, 800, 1600]);
    assert_eq!((counters.subscriptions_refused.value(), counters.connects.value()), (4, 0));
    assert!(running.arrivals.try_recv().is_err(), "never Up, and told once");
}

#[tokio::test(start_paused = true)]
async fn a_filter_granted_at_qos_0_only_is_counted_and_served() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    let (_, mut peer) = broker.accept().await;
    peer.connect().await;
    peer.connack(true).await;
    let asked = peer.subscribe().await;
    peer.suback(&asked, |filter| match filter {
        "in/#" => SubscribeReasonCode::Success(QoS::AtMostOnce),
        _ => SubscribeReasonCode::Success(QoS::AtLeastOnce),
    })
    .await;
    assert_eq!(running.path().await, PathEvent::Up { session_present: true });
    assert_eq!(counters.subscriptions_downgraded.value(), 1);
}

#[tokio::test(start_paused = true)]
async fn trap_session_present_0_all_is_subscribed_anew_at_each_connect_and_the_loss_is_told() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    for (session_present, lost) in [(false, 1), (true, 1), (false, 2)] {
        let (_, mut peer) = broker.accept().await;
        peer.connect().await;
        peer.connack(session_present).await;
        assert_eq!(peer.grant().await.filters.len(), 2, "subscribed whatever the broker remembers");
        assert_eq!(running.path().await, PathEvent::Up { session_present });
        assert_eq!(counters.sessions_lost.value(), lost);
        drop(peer);
        down(running.path().await);
    }
}

#[tokio::test(start_paused = true)]
async fn trap_no_backoff_attempts_are_spaced_and_only_a_connection_that_was_good_shortens_the_wait() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 64);
    let mut last = Instant::now();
    let mut waits = Vec::new();
    for kind in ["refuse", "refuse", "drop", "up", "drain", "drain and last", "refuse"] {
        let (at, mut peer) = broker.accept().await;
        waits.push((at - last).as_millis());
        peer.connect().await;
        match kind {
            "refuse" => peer.refuse(ConnectReturnCode::ServiceUnavailable).await,
            "drop" => {}
            _ => {
                peer.connack(true).await;
                peer.grant().await;
                let marker = peer.marker().await;
                if kind.starts_with("drain") {
                    peer.send(&Packet::Publish(marker)).await;
                    peer.packet().await;
                }
                if kind.ends_with("last") {
                    pass(2 * S).await;
                }
            }
        }
        last = Instant::now();
        drop(peer);
    }
    assert_eq!(waits, [0, 400, 800, 1600, 3200, 6400, 400]);
    drop(broker);
    while running.arrivals.try_recv().is_ok() {}
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_told_once_in_words_that_say_where_to_look() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    for _ in 0..3 {
        let (_, mut peer) = broker.accept().await;
        peer.connect().await;
        peer.refuse(ConnectReturnCode::NotAuthorized).await;
    }
    let reason = down(running.path().await);
    assert!(reason.contains("user and password files"), "{reason}");
    let (_, mut peer) = broker.accept().await;
    peer.connect().await;
    assert!(running.arrivals.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_accepts_and_says_nothing_is_given_up_after_the_connect_timeout() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let (at, _peer) = broker.accept().await;
    assert!(down(running.path().await).contains("no CONNACK"));
    assert_eq!(at.elapsed(), 5 * S);
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_leaves_subscribe_unanswered_is_given_up() {
    let (consumer, mut broker) = consumer(Lane::Alarm, &["in/#"], |_| {});
    let mut running = start(consumer, 8);
    let (at, mut peer) = broker.accept().await;
    peer.connect().await;
    peer.connack(true).await;
    peer.subscribe().await;
    peer.answer_pings_only().await;
    assert!(down(running.path().await).contains("SUBSCRIBE"));
    assert_eq!(at.elapsed(), 10 * S);
}

#[tokio::test(start_paused = true)]
async fn filters_of_an_earlier_configuration_are_unsubscribed() {
    let (consumer, mut broker) =
        consumer(Lane::Alarm, &["in/#"], |options| options.retired = vec!["old/#".to_owned()]);
    let _running = start(consumer, 8);
    let (_, mut peer) = broker.accept().await;
    peer.connect().await;
    peer.connack(true).await;
    peer.subscribe().await;
    let Packet::Unsubscribe(unsubscribe) = peer.packet().await else { panic!("no UNSUBSCRIBE") };
    assert_eq!(unsubscribe.topics, ["old/#"]);
}

// ---- the path: markers, drained, quiet, dead --------------------------------------------------------------------

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

// ---- bounds -----------------------------------------------------------------------------------------------------

/// Publishes one message at a time, each in a read of its own, until the consumer takes no more.
async fn publish_singly(peer: &mut Peer, running: &mut mqtt_support::intake::Running, count: u16) -> usize {
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

// ---- stopping ---------------------------------------------------------------------------------------------------

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

// ---- discovery --------------------------------------------------------------------------------------------------

#[tokio::test(start_paused = true)]
async fn discovery_asks_for_everything_at_qos_0_in_a_clean_session_and_keeps_samples_of_the_unknown() {
    let known = std::sync::Arc::new(|topic: &str| topic.starts_with("known/"));
    let sampling = wanglou_gateway::mqtt::Sampling { messages_per_second_max: 3, topic_every: 5 * S, known };
    let (consumer, mut broker) =
        consumer(Lane::Discovery, &["#"], |options| options.sampling = Some(sampling));
    let counters = consumer.counters();
    let mut running = start(consumer, 8);
    let (_, mut peer) = broker.accept().await;
    let connect = peer.connect().await;
    assert_eq!((connect.client_id.as_str(), connect.clean_session), ("wanglou-t-discovery", true));
    peer.connack(false).await;
    let asked = peer.subscribe().await;
    assert_eq!(asked.filters.len(), 1);
    assert_eq!((asked.filters[0].path.as_str(), asked.filters[0].qos), ("#", QoS::AtMostOnce));
    peer.suback(&asked, |_| SubscribeReasonCode::Success(QoS::AtMostOnce)).await;
    assert_eq!(running.path().await, PathEvent::Up { session_present: false });
    assert_eq!(counters.subscriptions_downgraded.value(), 0);

    let mut bytes = bytes::BytesMut::new();
    for topic in ["known/door", "new/a", "new/a", "wanglou/v1/cmd/lift", "new/b", "new/c", "new/d"] {
        publish(None, topic, "x").write_to(&mut bytes);
    }
    peer.send_bytes(&bytes).await;
    assert_eq!(texts(&running.batch().await), pairs(&[("new/a", "x"), ("new/b", "x"), ("new/c", "x")]));
    assert_eq!(counters.unsampled.value(), 4);
}

trait WriteTo {
    fn write_to(&self, bytes: &mut bytes::BytesMut);
}

impl WriteTo for Packet {
    fn write_to(&self, bytes: &mut bytes::BytesMut) {
        self.write(bytes, usize::MAX).expect("it fits");
    }
}

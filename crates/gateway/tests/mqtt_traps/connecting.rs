//! Connecting and subscribing.

use crate::S;
use crate::mqtt_support::intake::{down, start};
use crate::mqtt_support::scripted::{consumer, pass};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::{ConnectReturnCode, Packet, SubscribeReasonCode};
use tokio::time::Instant;
use wanglou_gateway::intake::{Lane, PathEvent};

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

//! Discovery takes samples of what nobody knows.

use crate::mqtt_support::intake::{start, texts};
use crate::mqtt_support::scripted::{consumer, publish};
use crate::{S, WriteTo, pairs};
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::SubscribeReasonCode;
use wanglou_gateway::intake::{Lane, PathEvent};

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

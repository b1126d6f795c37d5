//! The consumer against Debian's mosquitto with `deploy/mosquitto.conf`.

mod mqtt_support;

use mqtt_support::intake::{acknowledge, start, text, texts};
use mqtt_support::mosquitto::Mosquitto;
use wanglou_gateway::intake::Lane;
use wanglou_gateway::mqtt::{Consumer, ConsumerOptions, Network};

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

//! What survives when mosquitto is stopped, frozen, killed or has forgotten us. Where something is lost, the test
//! says how much: the gap that `deploy/mosquitto.conf` states.

mod mqtt_support;

use mqtt_support::intake::{Running, acknowledge, down, start, text};
use mqtt_support::mosquitto::Mosquitto;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wanglou_gateway::intake::{Arrival, Lane, PathEvent};
use wanglou_gateway::mqtt::{
    Consumer, ConsumerOptions, Network, Outbound, Outcome, Publisher, PublisherOptions,
};

const TOPIC: &str = "wanglou/v1/in/cover-7";

fn consumer(broker: &Mosquitto) -> Consumer<Network> {
    let mut options = broker.as_user("gateway");
    options.keep_alive = Duration::from_secs(1);
    let lane = ConsumerOptions::new("t", Lane::Alarm, vec!["wanglou/v1/in/#".to_owned()], 7);
    Consumer::new(options, lane)
}

/// Waits for the next news of the path for which `wanted` is true; messages are acknowledged and left out.
async fn until(running: &mut Running, wanted: impl Fn(&PathEvent) -> bool) -> PathEvent {
    loop {
        match running.next().await {
            Arrival::Path { event, .. } if wanted(&event) => return event,
            Arrival::Path { .. } => {}
            Arrival::Messages(batch) => drop(acknowledge(&batch, 1)),
        }
    }
}

/// All payloads up to the marker of this connect.
async fn backlog(running: &mut Running) -> BTreeSet<u32> {
    let mut numbers = BTreeSet::new();
    let mut take = |batch: &wanglou_gateway::intake::Batch| {
        acknowledge(batch, 1);
        numbers.extend(batch.messages.iter().filter_map(|message| text(message).1.parse::<u32>().ok()));
    };
    while running.next_taking(&mut take).await != Some(PathEvent::Drained) {}
    numbers
}

fn numbers(from: u32, to: u32) -> Vec<String> {
    (from..to).map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn trap_session_present_0_a_broker_restarted_without_its_session_is_subscribed_anew() {
    let mut broker = Mosquitto::start().await;
    let mut running = start(consumer(&broker), 8);
    running.up().await;
    broker.publish("cover-7", TOPIC, "before");
    let old = running.batch().await;
    broker.kill();
    broker.forget();
    let reason = down(running.path().await);
    assert!(reason.contains("closed"), "{reason}");
    broker.restart().await;
    let up = until(&mut running, |event| matches!(event, PathEvent::Up { .. })).await;
    assert_eq!(up, PathEvent::Up { session_present: false });
    assert_eq!(running.path().await, PathEvent::Drained);
    assert!(!acknowledge(&old, 1), "no stale acknowledgement");
    broker.publish("cover-7", TOPIC, "after");
    let new = running.batch().await;
    assert_eq!(text(&new.messages[0]).1, "after");
    assert!(new.generation > old.generation);
}

#[tokio::test]
async fn a_broker_stopped_in_order_keeps_session_and_queue() {
    let mut broker = Mosquitto::start().await;
    let mut running = start(consumer(&broker), 8);
    running.up().await;
    running.stop().await.expect("stopped");
    broker.publish_lines("cover-7", TOPIC, &numbers(0, 100));
    broker.terminate();
    broker.restart().await;
    let mut again = start(consumer(&broker), 8);
    assert_eq!(backlog(&mut again).await.len(), 100);
}

#[tokio::test]
async fn a_frozen_broker_is_noticed_by_its_silence_and_taken_up_again() {
    let broker = Mosquitto::start().await;
    let mut running = start(consumer(&broker), 8);
    running.up().await;
    broker.signal("-STOP");
    let from = Instant::now();
    let reason = down(until(&mut running, |event| matches!(event, PathEvent::Down { .. })).await);
    assert!(reason.contains("silent"), "{reason}");
    assert!(from.elapsed() < Duration::from_secs(10), "keep-alive of 1 s: {:?}", from.elapsed());
    broker.signal("-CONT");
    let up = until(&mut running, |event| matches!(event, PathEvent::Up { .. })).await;
    assert_eq!(up, PathEvent::Up { session_present: true });
}

/// Publishes numbers, many at once, through everything that happens to the broker, until `stop`; each number that
/// is not done is tried again. Returns the numbers that the broker said it had taken, in order.
async fn publish_numbers(
    broker: wanglou_gateway::mqtt::BrokerOptions,
    stop: watch::Receiver<bool>,
) -> Vec<u32> {
    let (_running, publisher_stop) = watch::channel(false);
    let mut options = PublisherOptions::new("t");
    options.client_id = "numbers".to_owned();
    options.puback_timeout = Duration::from_secs(2);
    let (publisher, task) = Publisher::new(broker, options, publisher_stop);
    tokio::spawn(task);
    let mut taken = Vec::new();
    let mut waiting: std::collections::VecDeque<(u32, tokio::sync::oneshot::Receiver<Outcome>)> =
        Default::default();
    let mut next = 0;
    let publish = |n: u32| {
        let expires_at = Instant::now() + Duration::from_secs(60);
        let payload = n.to_string().into();
        publisher.publish(Outbound { topic: TOPIC.to_owned(), payload, expires_at }).expect("room")
    };
    while !*stop.borrow() {
        while waiting.len() < 30 {
            waiting.push_back((next, publish(next)));
            next += 1;
        }
        let Some((n, told)) = waiting.pop_front() else { break };
        match told.await.expect("an outcome") {
            Outcome::Done => taken.push(n),
            Outcome::Failed { .. } | Outcome::Unknown { .. } => waiting.push_front((n, publish(n))),
        }
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_of_the_broker_in_a_burst_loses_nothing_that_reached_us_and_at_most_what_was_between_us() {
    let mut broker = Mosquitto::start().await;
    let mut running = start(consumer(&broker), 1024);
    running.up().await;
    let (stop, stopped) = watch::channel(false);
    let publishing = tokio::spawn(publish_numbers(broker.as_user("cover-7"), stopped));
    let mut arrived = BTreeSet::new();
    let take = |batch: &wanglou_gateway::intake::Batch, arrived: &mut BTreeSet<u32>| {
        acknowledge(batch, 1);
        arrived.extend(batch.messages.iter().filter_map(|message| text(message).1.parse::<u32>().ok()));
    };
    for kill in 1..=3 {
        let from = arrived.len();
        while arrived.len() < from + 1500 {
            running.next_taking(|batch| take(batch, &mut arrived)).await;
        }
        broker.kill();
        broker.restart().await;
        println!("kill {kill}: {} arrived", arrived.len());
    }
    let from = arrived.len();
    while arrived.len() < from + 500 {
        running.next_taking(|batch| take(batch, &mut arrived)).await;
    }
    stop.send(true).expect("it runs");
    let taken =
        tokio::time::timeout(Duration::from_secs(60), publishing).await.expect("in time").expect("no panic");
    let last = taken.iter().max().copied().unwrap_or(0);
    while arrived.last().is_none_or(|newest| *newest < last) {
        running.next_taking(|batch| take(batch, &mut arrived)).await;
    }
    let lost: Vec<u32> = taken.iter().copied().filter(|n| !arrived.contains(n)).collect();
    println!("{} taken by the broker, {} arrived, lost: {lost:?}", taken.len(), arrived.len());
    // What the broker had acknowledged from memory and not handed on dies with it: one stretch of numbers for each
    // kill, as long as we lagged behind. Anything lost elsewhere would have been lost by us. The publisher has 30
    // on their way, which may arrive in another order.
    let stretches = 1 + lost.windows(2).filter(|pair| pair[1] - pair[0] > 2 * 30).count();
    assert!(lost.is_empty() || stretches <= 3, "{} of {} in {stretches}: {lost:?}", lost.len(), taken.len());
}

#[tokio::test]
async fn kill_9_of_the_broker_while_we_are_away_loses_at_most_one_autosave_and_all_without_persistence() {
    const SENT: u32 = 2500;
    const AUTOSAVE: u32 = 1000;
    for persistence in [true, false] {
        let keep = |conf: String| conf.replace("persistence true", &format!("persistence {persistence}"));
        let mut broker = Mosquitto::start_with(keep).await;
        let mut running = start(consumer(&broker), 8);
        running.up().await;
        running.stop().await.expect("stopped");
        broker.publish_lines("cover-7", TOPIC, &numbers(0, SENT));
        broker.kill();
        broker.restart().await;
        let mut again = start(consumer(&broker), 8);
        let kept = backlog(&mut again).await;
        println!("persistence {persistence}: {} of {SENT} kept", kept.len());
        match persistence {
            true => assert!(kept.len() as u32 >= SENT - AUTOSAVE - 20, "{} kept", kept.len()),
            false => assert!(kept.is_empty(), "the control: nothing on disk, nothing kept"),
        }
    }
}

//! The path to the broker breaks in every way it can: the gateway says so in time, and nothing is lost or doubled by it.

use std::time::Duration;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::{pause, within};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::{Phone, Seen, Session};
use wanglou_tests::vendors;

/// The promise for a broken path.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);
/// Longer than the keep-alive of 5 s allows: the other side has given the connection up.
const FROZEN: Duration = Duration::from_secs(12);

fn start() -> (Mosquitto, Gateway, Session) {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let gateway = Gateway::start(Compound::new(&address));
    let he = gateway.enrol("he");
    (broker, gateway, he)
}

fn open(broker: &Mosquitto, cover: u32) {
    let sent = vendors::cover(&format!("cover-{cover}"), true, "e");
    broker.publish(&sent.topic, &sent.payload);
}

/// Each of these covers has one alarm that counts one event, and there is no other alarm.
fn each_once(phone: &Phone, covers: std::ops::RangeInclusive<u32>) {
    let count = covers.clone().count();
    for cover in covers {
        assert_eq!(phone.alarm("manhole", &format!("cover/{cover}"))["count"], 1, "cover {cover}");
    }
    assert_eq!(phone.look(Seen::count), count);
}

fn turns_red(gateway: &Gateway, why: &str) {
    let reasons = within(NOTICED_WITHIN, why, || {
        let answer = gateway.get("/readyz");
        (answer.status == 503).then(|| answer.text())
    });
    assert!(reasons.contains("alarm_path"), "{reasons}");
}

#[test]
fn a_broker_that_dies_is_missed_at_once_and_found_again_with_and_without_its_sessions() {
    let (mut broker, gateway, he) = start();
    let phone = Phone::fresh(&he);
    open(&broker, 61);
    each_once(&phone, 61..=61);

    broker.kill();
    turns_red(&gateway, "the killed broker is missed");
    broker.restart();
    gateway.wait_ready();
    open(&broker, 62);
    each_once(&phone, 61..=62);

    broker.stop();
    turns_red(&gateway, "the stopped broker is missed");
    broker.forget();
    broker.restart();
    gateway.wait_ready();
    open(&broker, 63);
    each_once(&phone, 61..=63);
}

#[test]
fn a_broker_that_stands_still_is_noticed_within_ten_seconds() {
    let (broker, gateway, he) = start();
    let phone = Phone::fresh(&he);
    broker.freeze();
    turns_red(&gateway, "the frozen broker is noticed");
    pause(FROZEN - NOTICED_WITHIN);
    broker.thaw();
    gateway.wait_ready();
    open(&broker, 61);
    each_once(&phone, 61..=61);
}

#[test]
fn a_gateway_that_stood_still_takes_in_what_came_meanwhile_once() {
    let (broker, gateway, he) = start();
    open(&broker, 61);
    each_once(&Phone::fresh(&he), 61..=61);
    gateway.freeze();
    (62..=66).for_each(|cover| open(&broker, cover));
    pause(FROZEN);
    (67..=70).for_each(|cover| open(&broker, cover));
    gateway.thaw();
    gateway.wait_ready();
    let phone = Phone::fresh(&he);
    each_once(&phone, 61..=70);
    assert!(broker.connects_of("wanglou-demo-alarm") >= 2, "the broker had given the connection up");
    assert_eq!(gateway.metric("wanglou_clock_trusted", &[]), 1.0, "standing still is no step of the clock");
}

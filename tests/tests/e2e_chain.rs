//! From a sensor's message at a real mosquitto to an officer's phone and back, through every crash in between.

use serde_json::json;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::{Phone, Place};
use wanglou_tests::vendors::{self, Sent};

fn start() -> (Mosquitto, Gateway) {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let gateway = Gateway::start(Compound::new(&address));
    (broker, gateway)
}

fn publish(broker: &Mosquitto, sent: &Sent) {
    broker.publish(&sent.topic, &sent.payload);
}

#[test]
fn an_alarm_is_there_once_and_its_acceptance_too_whenever_the_gateway_is_killed() {
    let (broker, mut gateway) = start();
    let (wu, he) = (gateway.enrol("wu"), gateway.enrol("he"));
    let phone = Phone::fresh(&wu);
    assert_eq!(phone.look(|seen| seen.latest.len()), 0, "a new compound has no alarms");

    publish(&broker, &vendors::cover("cover-61", true, "first"));
    let raised = phone.alarm("manhole", "cover/61");
    assert_eq!(
        (&raised["state"], &raised["count"], &raised["active"]),
        (&json!("open"), &json!(1), &json!(true))
    );
    assert!(
        raised["actions"].as_array().is_some_and(|actions| actions.contains(&json!("accept"))),
        "{raised}"
    );
    let place = phone.place();

    gateway.kill();
    assert_eq!(
        phone.closed_within(wanglou_tests::deadline::PATIENCE),
        0,
        "no farewell from a killed gateway"
    );
    gateway.restart();
    let phone = Phone::connect(&wu, &place);
    assert_eq!(phone.look(|seen| seen.welcome["resume"].clone()), "delta");
    let again = phone.alarm("manhole", "cover/61");
    assert_eq!((&again["id"], &again["count"]), (&raised["id"], &json!(1)));
    assert_eq!(
        phone.look(|seen| (seen.alarms.len(), seen.latest.len())),
        (1, 1),
        "sent once, and nothing else"
    );

    let ok = phone.command("01890000-0000-7000-8000-000000000001", "accept", &again);
    assert_eq!(ok["t"], "ok", "{ok}");
    let office = Phone::fresh(&he);
    let seen = office.alarm("manhole", "cover/61");
    assert_eq!((&seen["state"], &seen["accepted_by"]["id"]), (&json!("accepted"), &json!("wu")));
    drop((phone, office));

    gateway.kill();
    gateway.restart();
    for (session, who) in [(&wu, "the guard"), (&he, "the manager")] {
        let phone = Phone::fresh(session);
        let kept = phone.alarm("manhole", "cover/61");
        assert_eq!((&kept["id"], &kept["state"]), (&raised["id"], &json!("accepted")), "{who}");
        assert_eq!(phone.look(|seen| seen.latest.len()), 1, "{who}");
    }
    let phone = Phone::fresh(&wu);
    let repeated = phone.command("01890000-0000-7000-8000-000000000001", "accept", &again);
    assert_eq!(repeated["t"], "ok", "a command is answered as before, however often it comes: {repeated}");
    assert_eq!(broker.connects_of("wanglou-demo-alarm"), 3, "one connection for each start");
}

#[test]
fn a_message_of_each_mission_kind_in_a_vendors_format_reaches_a_phone() {
    let (broker, gateway) = start();
    let (wu, he) = (gateway.enrol("wu"), gateway.enrol("he"));
    let (phone, office) = (Phone::fresh(&wu), Phone::fresh(&he));
    for (sent, kind, place) in [
        (vendors::tilted_cover(), "manhole", "cover/91"),
        (vendors::ebike(), "ebike_in_lift", "1/1/lift-A"),
        (vendors::thrown_object(), "thrown_object", "facade/1/east"),
    ] {
        publish(&broker, &sent);
        let raised = phone.alarm(kind, place);
        assert_eq!(raised["state"], "open", "{raised}");
        assert!(raised["prio"].as_u64().is_some_and(|prio| prio <= 2), "{raised}");
        let ok = phone.command(&format!("cid-{kind}"), "accept", &raised);
        assert_eq!(ok["t"], "ok", "{ok}");
        office.wait("the manager sees it accepted", |seen| {
            seen.alarm(kind, place).filter(|a| a["accepted_by"]["id"] == "wu")
        });
    }

    // A person who lives alone is asked after a day later: here only that the opening was taken in.
    publish(&broker, &vendors::door());
    let device = gateway.overview_shows(&he, "the door was heard", |overview| {
        let mut devices = overview["devices"].as_array().into_iter().flatten();
        devices.find(|device| device["id"] == "home-1-201-door" && device["liveness"] == "live").cloned()
    });
    assert_eq!(device["battery_pct"], 91.0);
    assert_eq!(gateway.metric("wanglou_observations_total", &["kind=\"contact\""]), 1.0);
    let unmatched = gateway.overview(&he)["unmatched"].clone();
    assert_eq!(unmatched, json!([]), "everything was understood");
}

#[test]
fn a_phone_with_another_history_gets_the_whole_list() {
    let (broker, gateway) = start();
    let wu = gateway.enrol("wu");
    publish(&broker, &vendors::cover("cover-62", true, "e"));
    Phone::fresh(&wu).alarm("manhole", "cover/62");
    let elsewhere = Place { cursor: 9_999, history: "restored-from-a-backup".into() };
    let phone = Phone::connect(&wu, &elsewhere);
    assert_eq!(phone.look(|seen| seen.welcome["resume"].clone()), "full");
    assert_eq!(phone.look(|seen| seen.latest.len()), 1);
}

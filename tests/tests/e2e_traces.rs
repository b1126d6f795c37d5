//! An alarm and its log lines find each other: one trace from the message to the acceptance, also after a crash.

use serde_json::Value;
use std::collections::BTreeSet;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::Phone;
use wanglou_tests::vendors;

/// The log lines of a trace: what each says, and its fields.
fn traced(gateway: &Gateway, trace: &str) -> Vec<(String, Value)> {
    let log = gateway.log();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mine = lines.filter(|line| line["fields"]["trace"] == trace);
    mine.map(|line| {
        (line["fields"]["message"].as_str().unwrap_or_default().to_owned(), line["fields"].clone())
    })
    .collect()
}

#[test]
fn one_trace_leads_from_the_message_to_the_acceptance_and_outlives_a_crash() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.replace("gateway.toml", "# format = \"text\"", "format = \"json\"");
    let mut gateway = Gateway::start_in(compound, &[], &[("RUST_LOG", "info,wanglou_gateway=debug")]);
    let session = gateway.enrol("wu");
    let phone = Phone::fresh(&session);
    let open = |cover: u32| {
        let sent = vendors::cover(&format!("cover-{cover}"), true, "t");
        broker.publish(&sent.topic, &sent.payload);
    };
    open(61);
    let alarm = phone.alarm("manhole", "cover/61");
    open(62);
    let other = phone.alarm("manhole", "cover/62");
    phone.command("t-accept", "accept", &alarm);
    let detail =
        |alarm: &Value| session.get(&format!("/api/alarms/{}", alarm["id"].as_str().expect("an id"))).json();

    let shown = detail(&alarm);
    let trace = shown["trace"].as_str().expect("a trace").to_owned();
    assert_ne!(detail(&other)["trace"], shown["trace"], "each message has its own");
    let id = alarm["id"].as_str().expect("an id");
    let all: BTreeSet<String> =
        ["received", "raised", "rung", "sent", "stored", "accepted"].map(String::from).into();
    let lines = eventually("every line of its life", || {
        let lines = traced(&gateway, &trace);
        let said: BTreeSet<String> = lines.iter().map(|(said, _)| said.clone()).collect();
        said.is_superset(&all).then_some(lines)
    });
    for (said, fields) in &lines {
        // A message may raise more than one alarm, so the line about it names none.
        assert!(said == "received" || fields["alarm"] == id, "{said}: {fields}");
    }
    let received = &lines.iter().find(|(said, _)| said == "received").expect("it was").1;
    let seconds = |name: &str| received[name].as_f64().expect("seconds");
    assert!(seconds("queued_s") >= 0.0 && seconds("committed_s") >= seconds("queued_s"), "{received}");
    assert!(lines.iter().filter(|(said, _)| said != "sent" && said != "delivered").count() < 10, "{lines:?}");

    // The timeline: what the message brought has its trace, what a person did has another.
    let traces = |detail: &Value, what: &str| {
        let line = detail["timeline"]
            .as_array()
            .and_then(|lines| lines.iter().find(|line| line["what"] == what).cloned());
        line.unwrap_or_else(|| panic!("no line {what}: {detail}"))["trace"].clone()
    };
    assert_eq!(traces(&shown, "raised"), trace.as_str());
    let accepted = traces(&shown, "accepted");
    assert!(accepted.is_string() && accepted != trace.as_str(), "{accepted}");

    gateway.kill();
    gateway.restart();
    let again =
        eventually("it is there again", || Some(detail(&alarm)).filter(|detail| detail["a"]["id"] == id));
    assert_eq!(again["trace"], trace.as_str(), "recovered from the journal");
    let pairs = |detail: &Value| -> Vec<(Value, Value)> {
        let lines = detail["timeline"].as_array().cloned().unwrap_or_default();
        lines.into_iter().map(|line| (line["what"].clone(), line["trace"].clone())).collect()
    };
    let (before, after) = (pairs(&shown), pairs(&again));
    assert_eq!(after[..before.len()], before[..]);
    assert!(before.iter().all(|(_, trace)| trace.is_string()), "{before:?}");
}

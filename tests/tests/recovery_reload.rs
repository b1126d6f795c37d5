//! Changing the configuration while the gateway runs: a good change holds from then on, a bad one changes nothing and
//! is told with every fault.

use serde_json::{Value, json};
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::{Phone, Session};
use wanglou_tests::scripted::ScriptedBroker;
use wanglou_tests::vendors;

const DEVICES: &str = "sites/demo/devices.csv";
/// A reed switch that is delivered but not in the list yet.
const NEW_ROW: &str = "cover-9001,wanglou,,cover/92,cover,NB reed switch,24h,,,yes,,,,";

fn start() -> (ScriptedBroker, Gateway, Session) {
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    let gateway = Gateway::start(compound);
    let he = gateway.enrol("he");
    (broker, gateway, he)
}

fn publish(broker: &ScriptedBroker, device: &str, event: u64) {
    let sent = vendors::cover(device, true, &format!("e-{event}"));
    broker.publish(&sent.topic, &sent.payload, event);
}

fn hash(gateway: &Gateway, he: &Session) -> String {
    gateway.overview(he)["config"]["hash"].as_str().expect("a hash").to_owned()
}

fn reasons(gateway: &Gateway) -> String {
    gateway.get("/readyz").json()["reasons"].to_string()
}

#[test]
fn a_device_that_is_added_while_the_gateway_runs_is_known_after_sighup() {
    let (broker, mut gateway, he) = start();
    let phone = Phone::fresh(&he);
    publish(&broker, "cover-9001", 1);
    gateway.overview_shows(&he, "the device is a stranger", |overview| {
        overview["unmatched"].as_array()?.iter().find(|entry| entry["kind"] == "unregistered").map(|_| ())
    });
    let before = hash(&gateway, &he);
    gateway.compound.append(DEVICES, NEW_ROW);
    gateway.hang_up();
    eventually("the new configuration holds", || (hash(&gateway, &he) != before).then_some(()));
    publish(&broker, "cover-9001", 2);
    let raised = phone.alarm("manhole", "cover/92");
    assert_eq!(raised["count"], 1, "what was said before it was known is not invented afterwards");

    // Recovery decodes each record with the configuration of its time.
    gateway.kill();
    gateway.restart();
    let again = Phone::fresh(&he).alarm("manhole", "cover/92");
    assert_eq!((&again["id"], &again["count"]), (&raised["id"], &json!(1)));
}

#[test]
fn an_alarm_that_left_a_guards_scope_is_gone_at_once_and_on_resume() {
    let (broker, mut gateway, he) = start();
    let (wu, li) = (gateway.enrol("wu"), gateway.enrol("li"));
    let (phone, away) = (Phone::fresh(&wu), Phone::fresh(&li));
    publish(&broker, "cover-61", 1);
    // Somebody has it: else the ladder would call both guards again, as backup from another grid.
    let overseer = Phone::fresh(&he);
    let raised = overseer.alarm("manhole", "cover/61");
    assert_eq!(overseer.command("he-takes-it", "accept", &raised)["t"], "ok");
    for phone in [&phone, &away] {
        phone.wait("taken", |seen| seen.alarm("manhole", "cover/61").filter(|a| a["state"] == "accepted"));
    }
    let place = Phone::connect(&li, &away.place()).place();
    drop(away);

    for guard in ["wu", "li"] {
        let from = format!("[officer.{guard}]");
        gateway.compound.edit("sites/demo/officers.toml", |text| {
            let at = text.find(&from).expect("a guard");
            let line = at + text[at..].find('\n').expect("a line's end");
            format!("{}\ngrids = [\"g6\"]{}", &text[..line], &text[line..])
        });
    }
    let answer = he.post("/api/admin/reload", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    phone.wait("gone", |seen| seen.latest.is_empty().then_some(()));
    assert_eq!(wu.get(&format!("/api/alarms/{}", raised["id"].as_str().expect("an id"))).status, 404);

    let gone = |phone: &Phone| {
        phone.look(|seen| (seen.welcome["resume"].clone(), seen.gone.clone(), seen.latest.len()))
    };
    let id = raised["id"].as_str().expect("an id").to_owned();
    assert_eq!(gone(&Phone::connect(&li, &place)), (json!("delta"), vec![id.clone()], 0));
    gateway.kill();
    gateway.restart();
    assert_eq!(gone(&Phone::connect(&li, &place)), (json!("delta"), vec![id], 0));
    assert_eq!(Phone::fresh(&he).alarm("manhole", "cover/61")["id"], raised["id"]);
}

#[test]
fn a_bad_change_is_refused_with_every_fault_and_the_old_one_runs_on() {
    let (broker, gateway, he) = start();
    let phone = Phone::fresh(&he);
    let before = hash(&gateway, &he);
    gateway.compound.append(DEVICES, "cover-9001,wanglou,,no/such/place,cover,reed,24h,,,yes,,,,");
    gateway.compound.append(DEVICES, "cover-9002,no-such-vendor,,cover/93,cover,reed,24h,,,yes,,,,");
    gateway.compound.append("rules.toml", "[manhole-covers]\nopen_deg = 3");

    gateway.hang_up();
    eventually("the log tells of the refusal", || gateway.log().contains("no/such/place").then_some(()));
    eventually("health tells of it", || reasons(&gateway).contains("reload").then_some(()));
    assert_eq!(gateway.get("/readyz").status, 200, "the old one runs on, and is ready");

    let answer = he.post("/api/admin/reload", &json!({}));
    assert_eq!(answer.status, 422);
    let faults = answer.json()["faults"].to_string();
    for fault in ["no/such/place", "manhole-covers"] {
        assert!(faults.contains(fault), "{fault} in {faults}");
    }
    assert_eq!(hash(&gateway, &he), before);
    publish(&broker, "cover-61", 1);
    phone.alarm("manhole", "cover/61");

    // Set right, it is taken, and health is well again.
    for (name, from) in [
        (DEVICES, "cover-9001,wanglou,,no/such/place,cover,reed,24h,,,yes,,,,\n"),
        (DEVICES, "cover-9002,no-such-vendor,,cover/93,cover,reed,24h,,,yes,,,,\n"),
        ("rules.toml", "[manhole-covers]\nopen_deg = 3\n"),
    ] {
        gateway.compound.replace(name, from, "");
    }
    gateway.compound.replace("rules.toml", "open_deg = 15.0  ", "open_deg = 20.0  ");
    let answer = he.post("/api/admin/reload", &json!({}));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_ne!(hash(&gateway, &he), before);
    assert!(!reasons(&gateway).contains("reload"));
    let guard = gateway.enrol("wu");
    assert_eq!(guard.post("/api/admin/reload", &Value::Null).status, 403, "a guard may not");
}

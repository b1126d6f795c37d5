//! Commands to lifts over a real broker: the voice, the release that a person asks for, the lift's own word; and that
//! none is ever given twice, whatever dies while it is on its way.

use serde_json::{Value, json};
use std::time::Duration;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::{eventually, within};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::journal;
use wanglou_tests::phone::{Phone, Session};
use wanglou_tests::program::Program;
use wanglou_tests::vendors;

/// The lift of the box in [`vendors::ebike`], and its controller.
const LIFT: &str = "1/1/lift-A";
const CONTROLLER: &str = "lift-1-1-A-ctl";

struct Scene {
    broker: Mosquitto,
    gateway: Gateway,
    lift: Program,
    desk: Session,
}

impl Scene {
    fn start() -> Self {
        let broker = Mosquitto::start();
        let gateway = Gateway::start(Compound::new(&BrokerAddress {
            port: broker.port,
            login: Some(broker.gateway_login()),
        }));
        let lift = broker.controller("lift-company", "wanglou/v1/cmd/#");
        let desk = gateway.enrol("control-room");
        Self { broker, gateway, lift, desk }
    }

    /// The controller's own word.
    fn says(&self, status: &Value) {
        let topic = format!("wanglou/v1/in/{CONTROLLER}");
        let payload = json!({"device": CONTROLLER, "kind": "lift_status", "value": status});
        self.broker.publish(&topic, payload.to_string().as_bytes());
    }

    /// Commands that reached the lift: the action, and the body.
    fn orders(&self) -> Vec<(String, Value)> {
        let log = self.lift.log();
        let orders = log.lines().filter_map(|line| {
            let (topic, body) = line.split_once(' ')?;
            let action = topic.strip_prefix(&format!("wanglou/v1/cmd/{CONTROLLER}/"))?;
            Some((action.to_owned(), serde_json::from_str(body).expect("JSON")))
        });
        orders.collect()
    }

    /// An e-bike stands in the open lift, which its controller holds; the control room's phone has the alarm.
    fn held(&self) -> String {
        let phone = Phone::fresh(&self.desk);
        self.says(&json!({"door": "open", "moving": false, "mode": "normal", "floor": 1}));
        let sent = vendors::ebike();
        self.broker.publish(&sent.topic, &sent.payload);
        let alarm = phone.alarm("ebike_in_lift", LIFT);
        self.says(&json!({"door": "open", "moving": false, "mode": "normal", "floor": 1,
            "hold_command": true, "hold_feedback": true}));
        alarm["id"].as_str().expect("an id").to_owned()
    }

    fn release(&self, cid: &str, alarm: &str) -> Value {
        let body = json!({"cid": cid, "op": "release", "id": alarm, "reason": "the bike is out"});
        self.desk.post("/api/cmd", &body).json()
    }

    /// What became of commands, from the journal of a gateway that has ended.
    fn states(&mut self) -> Vec<String> {
        self.gateway.kill();
        let news = journal::facts(&self.gateway.compound.data(), "command_news");
        news.iter().map(|written| written.said["state"].as_str().expect("a state").to_owned()).collect()
    }
}

#[test]
fn a_release_reaches_the_lift_once_and_its_own_word_confirms_it() {
    let mut scene = Scene::start();
    let alarm = scene.held();
    let answer = scene.release("0190a1b2-0000-7000-8000-000000000001", &alarm);
    assert_eq!(answer["t"], "ok", "{answer}");
    let order = eventually("the release is there", || scene.orders().first().cloned());
    assert_eq!(order.0, "release");
    assert_eq!((&order.1["lift"], &order.1["action"]), (&json!(LIFT), &json!("release")));
    let again = scene.release("0190a1b2-0000-7000-8000-000000000001", &alarm);
    assert_eq!(again["t"], "ok", "the same command, sent twice by a phone: {again}");
    scene.says(&json!({"door": "open", "moving": false, "mode": "normal", "floor": 1,
        "hold_command": false, "hold_feedback": false}));
    let shown = |scene: &Scene| scene.desk.get(&format!("/api/alarms/{alarm}")).text();
    eventually("it is confirmed", || shown(&scene).contains("电梯已执行").then_some(()));
    assert_eq!(scene.orders().len(), 1, "{:?}", scene.orders());
    assert_eq!(scene.states(), ["started", "taken", "confirmed"]);
}

#[test]
fn a_release_on_its_way_when_the_gateway_dies_is_not_given_again() {
    let mut scene = Scene::start();
    let alarm = scene.held();
    // The broker stands still: the command is begun, written to the socket, and nobody says that it arrived.
    scene.broker.freeze();
    let answer = scene.release("0190a1b2-0000-7000-8000-000000000002", &alarm);
    assert_eq!(answer["t"], "ok", "{answer}");
    let data = scene.gateway.compound.data();
    eventually("it is begun on disk", || journal::holds(&data, br#""state":"started""#).then_some(()));
    scene.gateway.kill();
    scene.broker.thaw();
    scene.gateway.restart();
    // What comes after it shows that the path works, and that a repeat would have been there by now.
    let shown = |scene: &Scene| scene.desk.get(&format!("/api/alarms/{alarm}")).text();
    within(Duration::from_secs(30), "its end is known", || {
        ["不再重发", "电梯未按时执行"].iter().any(|end| shown(&scene).contains(end)).then_some(())
    });
    let second = scene.release("0190a1b2-0000-7000-8000-000000000003", &alarm);
    let orders = eventually("the path works", || Some(scene.orders()).filter(|orders| !orders.is_empty()));
    let mut ids: Vec<&Value> = orders.iter().map(|(_, body)| &body["id"]).collect();
    let all = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), all, "given twice: {orders:?}, after {second}");
}

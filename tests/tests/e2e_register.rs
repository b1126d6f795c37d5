//! What people enter beside alarms: signing on and off, handing over with two signatures, works, absences; and what a
//! lift was told.

use serde_json::{Value, json};
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::{eventually, wall};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::http::Answer;
use wanglou_tests::phone::{Phone, Session};
use wanglou_tests::vendors;

const HOME: &str = "1/1/201";

fn start() -> (Mosquitto, Gateway) {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    (broker, Gateway::start(Compound::new(&address)))
}

fn enter(session: &Session, cid: &str, op: &str, fields: Value) -> Answer {
    let mut body = json!({"cid": cid, "op": op});
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    session.post("/api/cmd", &body)
}

fn code(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["code"].clone())
}

/// A wall time so many minutes from now, as a page sends it.
fn in_minutes(minutes: i64) -> String {
    (wall() + jiff::SignedDuration::from_mins(minutes)).to_string()
}

fn duty(session: &Session) -> Value {
    let answer = session.get("/api/duty");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn a_list_is_handed_over_by_two_signatures_and_nobody_signs_off_with_alarms_in_hand() {
    let (broker, gateway) = start();
    let (wu, li) = (gateway.enrol("wu"), gateway.enrol("li"));
    let (phone, other) = (Phone::fresh(&wu), Phone::fresh(&li));
    assert_eq!(enter(&wu, "on-wu", "sign_on", json!({})).status, 200);
    assert_eq!(duty(&wu)["me"]["on_duty"], true);
    assert!(duty(&wu)["me"]["signed_until"].is_string());

    let sent = vendors::cover("cover-61", true, "r-1");
    broker.publish(&sent.topic, &sent.payload);
    let raised = phone.alarm("manhole", "cover/61");
    phone.command("r-accept", "accept", &raised);
    eventually("the acceptance is answered", || {
        phone.look(|seen| seen.alarm("manhole", "cover/61").filter(|a| a["state"] == "accepted"))
    });
    let refused = enter(&wu, "off-1", "sign_off", json!({}));
    assert_eq!(code(&refused), (400, json!("invalid")), "{}", refused.text());

    assert_eq!(enter(&wu, "hand-1", "handover", json!({"to": "li"})).status, 200);
    for session in [&wu, &li] {
        let offer = duty(session)["offers"][0].clone();
        assert_eq!(
            (&offer["from"]["id"], &offer["to"]["id"], &offer["alarms"]),
            (&json!("wu"), &json!("li"), &json!(1))
        );
    }
    assert_eq!(duty(&gateway.enrol("he"))["offers"], json!([]), "nobody else's");
    assert_eq!(enter(&li, "on-li", "sign_on", json!({})).status, 200);
    assert_eq!(enter(&li, "take-1", "handover", json!({"to": "wu"})).status, 200);
    other.wait("it is theirs", |seen| {
        seen.alarm("manhole", "cover/61").filter(|a| a["accepted_by"]["id"] == "li")
    });
    assert_eq!(duty(&wu)["offers"], json!([]));
    // Chen has a rota: wu and li are always on duty here.
    let chen = gateway.enrol("chen");
    assert_eq!(enter(&chen, "on-chen", "sign_on", json!({})).status, 200);
    assert_eq!(duty(&chen)["me"]["on_duty"], true);
    assert_eq!(enter(&chen, "off-chen", "sign_off", json!({})).status, 200);
    assert_eq!(duty(&chen)["me"]["on_duty"], false);
}

#[test]
fn works_are_listed_with_their_place_until_they_end() {
    let (_broker, gateway) = start();
    let he = gateway.enrol("he");
    let works = || he.get("/api/works").json();
    assert_eq!((&works()["permits"], &works()["windows"]), (&json!([]), &json!([])));
    let permit = json!({"device": "cover-61", "until": in_minutes(60), "crew": ["wu"]});
    assert_eq!(enter(&he, "w-1", "permit", permit).status, 200);
    let window = json!({"how": "out_of_service", "zone": "3/2", "from": in_minutes(30), "until": in_minutes(90), "reason": "dust"});
    assert_eq!(enter(&he, "w-2", "maintain", window.clone()).status, 200);
    assert_eq!(enter(&he, "w-2", "maintain", window).status, 200, "tapped twice, entered once");
    let late = enter(&he, "w-3", "permit", json!({"device": "cover-61", "until": in_minutes(-5)}));
    assert_eq!(code(&late), (400, json!("invalid")));
    let found = works();
    let permit = &found["permits"][0];
    assert_eq!((&permit["device"], &permit["crew"][0]["id"]), (&json!("cover-61"), &json!("wu")), "{found}");
    assert!(permit["path"].as_array().is_some_and(|path| !path.is_empty()), "{found}");
    let window = &found["windows"][0];
    assert_eq!(
        (&window["id"], &window["zone"], &window["reason"]),
        (&json!("w-2"), &json!("3/2"), &json!("dust"))
    );
    assert_eq!(found["windows"].as_array().map(Vec::len), Some(1));
    assert_eq!(enter(&he, "w-4", "end_maintenance", json!({"window": "w-2"})).status, 200);
    assert_eq!(works()["windows"], json!([]));
    assert_eq!(gateway.get("/api/works").status, 401);
}

#[test]
fn who_is_away_is_shown_on_duty_after_the_pin_and_each_look_is_written_down() {
    let (_broker, gateway) = start();
    let he = gateway.enrol("he");
    assert_eq!(code(&he.get("/api/absences")), (403, json!("pin_missing")));
    assert_eq!(he.post("/api/pin", &json!({"pin": "739146", "old": ""})).status, 204);
    let second = gateway.enrol("he");
    assert_eq!(code(&second.get("/api/absences")), (403, json!("pin_needed")), "on each phone");
    assert_eq!(second.post("/api/pin/unlock", &json!({"pin": "739146"})).status, 204);
    let until = in_minutes(3 * 24 * 60);
    let away = json!({"home": HOME, "status": "hospital", "until": until});
    assert_eq!(enter(&second, "a-1", "away", away).status, 200);
    let homes = second.get("/api/absences");
    assert_eq!(homes.status, 200, "{}", homes.text());
    let homes = homes.json();
    let mine = |homes: &Value| {
        let rows = homes.as_array().expect("homes").iter();
        rows.clone().find(|row| row["home"] == HOME).expect("the home").clone()
    };
    assert_eq!(
        (&mine(&homes)["status"], &mine(&homes)["absence"]["by"]["id"]),
        (&json!("hospital"), &json!("he"))
    );
    assert!(homes[0].get("name").is_none(), "no names");
    assert!(wanglou_tests::journal::holds(&gateway.compound.data(), b"absences_read"), "written down");
    assert_eq!(enter(&second, "a-2", "away", json!({"home": HOME, "status": "home"})).status, 200);
    assert_eq!(mine(&second.get("/api/absences").json())["status"], "home");

    let chen = gateway.enrol("chen");
    if duty(&chen)["me"]["on_duty"] == true {
        assert_eq!(enter(&chen, "a-off", "sign_off", json!({})).status, 200);
    }
    assert_eq!(code(&chen.get("/api/absences")), (403, json!("off_duty")));
}

#[test]
fn a_person_releases_a_held_lift_and_sees_what_became_of_it() {
    let (broker, gateway) = start();
    let he = gateway.enrol("he");
    let phone = Phone::fresh(&he);
    let status = |held: bool| {
        let value = json!({"floor": 1, "door": "open", "moving": false, "mode": "normal",
            "hold_command": held, "hold_feedback": held});
        let payload = json!({"device": "lift-1-1-A-ctl", "kind": "lift_status", "value": value});
        broker.publish("wanglou/v1/in/lift-1-1-A-ctl", payload.to_string().as_bytes());
    };
    status(true);
    let sent = vendors::ebike();
    broker.publish(&sent.topic, &sent.payload);
    let alarm = phone.wait("it can be released", |seen| {
        let found = seen.alarm("ebike_in_lift", "1/1/lift-A")?;
        found["actions"].as_array()?.contains(&json!("release")).then_some(found)
    });
    let id = alarm["id"].as_str().expect("an id");
    let released = enter(&he, "l-1", "release", json!({"id": id, "reason": "the bike is out"}));
    assert_eq!(released.status, 200, "{}", released.text());
    let row = || {
        let detail = he.get(&format!("/api/alarms/{id}")).json();
        let rows = detail["lift"].as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["action"] == "release")
    };
    let first = row().expect("a release");
    assert_eq!(first["by"]["id"], "he", "{first}");
    assert!(first["text"]["en"].as_str().is_some_and(|text| !text.is_empty()), "{first}");
    eventually("it left", || row().filter(|row| row["state"] != "pending" && row["state"] != "started"));
    status(false);
    eventually("the lift did it", || row().filter(|row| row["state"] == "confirmed"));
}

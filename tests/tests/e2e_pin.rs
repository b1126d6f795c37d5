//! The PIN: chosen, asked for, guessed at, taken away; and what is known of a home, which is shown after it alone.

use serde_json::{Value, json};
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::http::{Answer, Ask};
use wanglou_tests::phone::{Phone, Session};
use wanglou_tests::scripted::ScriptedBroker;

/// A home of the demo compound with a resident on file.
const HOME: &str = "1/1/201";

fn start() -> (ScriptedBroker, Gateway) {
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    compound.append("sites/demo/officers.toml", "[officer.auditor]\nroles = [\"manager\"]\nadmin = true");
    (broker, Gateway::start(compound))
}

fn code(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["code"].clone())
}

fn choose(session: &Session, pin: &str, old: &str) -> Answer {
    session.post("/api/pin", &json!({"pin": pin, "old": old}))
}

fn unlock(session: &Session, pin: &str) -> Answer {
    session.post("/api/pin/unlock", &json!({"pin": pin}))
}

/// An alarm at a place, marked TEST.
fn alarm_at(gateway: &Gateway, place: &str) -> String {
    let secret = std::fs::read_to_string(gateway.compound.data().join("local-secret")).expect("the secret");
    let ask = Ask::post("/api/local/test-alarm", &json!({"place": place})).header("x-wanglou-local", &secret);
    let answer = ask.send(gateway.compound.http_port).expect("an answer");
    answer.json()["alarm"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

#[test]
fn a_pin_is_chosen_once_asked_for_on_every_phone_and_outlives_a_crash() {
    let (_broker, mut gateway) = start();
    let (wu, second) = (gateway.enrol("wu"), gateway.enrol("wu"));
    let state = |session: &Session| session.get("/api/session").json()["pin"].clone();
    assert_eq!(state(&wu), json!({"set": false, "required": false, "lock_after_s": 900}));
    assert_eq!(code(&unlock(&wu, "739146")), (403, json!("pin_missing")));
    assert_eq!(code(&choose(&wu, "12", "")), (400, json!("pin_digits")));
    assert_eq!(code(&choose(&wu, "1234", "")), (400, json!("pin_guessable")));
    assert_eq!(choose(&wu, "739146", "").status, 204);
    assert_eq!(state(&second)["set"], true, "of the officer, not of the phone");
    assert_eq!(
        code(&choose(&second, "5050", "")),
        (403, json!("pin_wrong")),
        "another one only with the old one"
    );
    assert_eq!(choose(&second, "5050", "739146").status, 204);
    gateway.kill();
    gateway.restart();
    assert_eq!(code(&unlock(&wu, "739146")), (403, json!("pin_wrong")));
    assert_eq!(unlock(&wu, "5050").status, 204);
    let journal = gateway.compound.data();
    assert!(!wanglou_tests::journal::holds(&journal, b"739146"), "the digits are nowhere on disk");
}

#[test]
fn guessing_waits_over_all_phones_and_the_manager_takes_a_forgotten_one_away() {
    let (_broker, gateway) = start();
    let (wu, second, he) = (gateway.enrol("wu"), gateway.enrol("wu"), gateway.enrol("he"));
    assert_eq!(choose(&wu, "739146", "").status, 204);
    for left in (1..5).rev() {
        let wrong = unlock(&wu, "0001");
        assert_eq!(code(&wrong), (403, json!("pin_wrong")));
        assert!(wrong.text().contains(&format!("{left} more tries")), "{}", wrong.text());
    }
    assert_eq!(code(&unlock(&wu, "0001")), (429, json!("slow_down")));
    let right = unlock(&second, "739146");
    assert_eq!(code(&right), (429, json!("slow_down")), "the right one too, on another phone too");
    assert!(right.json()["retry_s"].as_u64().is_some_and(|wait| wait > 200), "{}", right.text());
    assert_eq!(wu.get("/api/duty").status, 200, "alarms and the rest go on");

    let reset = |session: &Session| {
        session.send(Ask::delete("/api/admin/pin?officer=wu").header("origin", &session.origin()))
    };
    assert_eq!(reset(&wu).status, 403, "not by themselves");
    assert_eq!(reset(&he).status, 204);
    assert_eq!(code(&reset(&he)), (404, json!("gone")));
    assert_eq!(choose(&wu, "5050", "").status, 204, "they choose another one");
    assert_eq!(unlock(&second, "5050").status, 204);
}

#[test]
fn who_lives_in_a_home_is_shown_to_those_on_duty_after_their_pin_and_written_down_first() {
    let (_broker, gateway) = start();
    let (wu, chen) = (gateway.enrol("wu"), gateway.enrol("chen"));
    let phone = Phone::fresh(&wu);
    let id = alarm_at(&gateway, HOME);
    phone.wait("the alarm", |seen| seen.latest.contains_key(&id).then_some(()));
    let resident = |session: &Session| session.get(&format!("/api/alarms/{id}/resident"));
    assert_eq!(code(&resident(&wu)), (403, json!("pin_missing")));
    assert_eq!(choose(&wu, "739146", "").status, 204);
    // Choosing it is giving it.
    let shown = resident(&wu);
    assert_eq!(shown.status, 200, "{}", shown.text());
    assert!(shown.json()["name"].as_str().is_some_and(|name| !name.is_empty()), "{}", shown.text());
    assert_eq!(gateway.metric("wanglou_home_reads_total", &[]), 1.0);
    assert!(wanglou_tests::journal::holds(&gateway.compound.data(), b"home_read"), "the audit is on disk");

    let fresh = gateway.enrol("wu");
    assert_eq!(code(&resident(&fresh)), (403, json!("pin_needed")), "on each phone");
    assert_eq!(code(&resident(&chen)), (404, json!("gone")), "somebody who was not told");
    let elsewhere = alarm_at(&gateway, "3/2/lift-B");
    let no_home = wu.get(&format!("/api/alarms/{elsewhere}/resident"));
    assert_eq!(code(&no_home), (404, json!("gone")));

    // Somebody who sees every alarm and is not on the rota sees no home, PIN or not.
    let auditor = gateway.enrol("auditor");
    assert_eq!(choose(&auditor, "739146", "").status, 204);
    assert_eq!(auditor.get(&format!("/api/alarms/{id}")).status, 200);
    assert_eq!(code(&resident(&auditor)), (403, json!("off_duty")));
    assert_eq!(gateway.metric("wanglou_home_reads_total", &[]), 1.0, "what was refused is no look");
}

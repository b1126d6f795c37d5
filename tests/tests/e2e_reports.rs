//! What people and other systems send, over HTTP against the running gateway: reports, signed notes, pictures, and
//! evidence that is handed out only as it came in.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::http::{Answer, Ask};
use wanglou_tests::phone::Session;
use wanglou_tests::scripted::ScriptedBroker;

const SECRET: &[u8] = b"a secret of the command room";

fn start() -> (ScriptedBroker, Gateway) {
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    let secret = compound.beside("command-room");
    std::fs::write(&secret, SECRET).expect("writes");
    let tables = format!(
        "[notes.command-room]\nsecret_file = {secret:?}\nkind = \"dispatch\"\n\n[cards.gate-3]\nplace = \"3/1/door\""
    );
    compound.append("gateway.toml", &tables);
    (broker, Gateway::start(compound))
}

fn hmac(secret: &[u8], text: &[u8]) -> String {
    let mut key = secret.to_vec();
    key.resize(64, 0);
    let pad = |byte: u8| key.iter().map(|k| k ^ byte).collect::<Vec<u8>>();
    let inner = Sha256::digest([pad(0x36), text.to_vec()].concat());
    let outer = Sha256::digest([pad(0x5c), inner.to_vec()].concat());
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[expect(clippy::disallowed_methods, reason = "a signature has the time of day")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

fn note(gateway: &Gateway, secret: &[u8], seconds_ago: u64, body: &Value) -> Answer {
    let timestamp = (now() - seconds_ago).to_string();
    let signature = format!("sha256={}", hmac(secret, format!("{timestamp}.{body}").as_bytes()));
    let ask = Ask::post("/api/notes/command-room", body)
        .header("x-wanglou-timestamp", &timestamp)
        .header("x-wanglou-signature", &signature);
    ask.send(gateway.compound.http_port).expect("an answer")
}

fn code(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json()["code"].clone())
}

#[test]
fn a_signed_note_is_an_alarm_once_also_after_a_kill() {
    let (_broker, mut gateway) = start();
    let body = json!({"id": "2026-1187", "category": "dispute", "place": "3/1", "text": "quarrel"});
    assert_eq!(code(&note(&gateway, b"guessed, but long enough", 0, &body)), (401, json!("signature")));
    assert_eq!(
        code(&note(&gateway, SECRET, 400, &body)),
        (401, json!("signature")),
        "recorded and sent again"
    );
    let nowhere = json!({"id": "1", "category": "dispute", "place": "moon"});
    let refused = note(&gateway, SECRET, 0, &nowhere);
    assert_eq!(code(&refused), (400, json!("invalid")));
    assert!(refused.text().contains("there is no place moon"), "{}", refused.text());
    let misspelt = note(&gateway, SECRET, 0, &json!({"id": "1", "categry": "dispute", "place": "3/1"}));
    assert!(misspelt.text().contains("categry"), "{}", misspelt.text());

    let taken = note(&gateway, SECRET, 0, &body).json();
    assert_eq!((&taken["t"], &taken["duplicate"]), (&json!("ok"), &json!(false)), "{taken}");
    gateway.kill();
    gateway.restart();
    let again = note(&gateway, SECRET, 0, &body).json();
    assert_eq!((&again["alarm"], &again["duplicate"]), (&taken["alarm"], &json!(true)), "it was on disk");
    let reused = json!({"id": "2026-1187", "category": "dispute", "place": "5"});
    assert_eq!(code(&note(&gateway, SECRET, 0, &reused)), (409, json!("reused_id")));
    let manager = gateway.enrol("he");
    let alarm = manager.get(&format!("/api/alarms/{}", taken["alarm"].as_str().expect("an id"))).json();
    assert_eq!((&alarm["a"]["kind"], &alarm["a"]["prio"]), (&json!("dispatch_note"), &json!(2)));
}

#[test]
fn a_card_takes_a_tip_without_a_log_in_and_not_too_many() {
    let (_broker, gateway) = start();
    let write = |id: usize, kind: &str| {
        let body = json!({"id": format!("p-{id}"), "kind": kind, "text": "somebody sells"});
        Ask::post("/api/cards/gate-3", &body).send(gateway.compound.http_port).expect("an answer")
    };
    let tip = write(1, "tip").json();
    assert_eq!(tip["t"], "ok", "{tip}");
    let manager = gateway.enrol("he");
    let path = format!("/api/alarms/{}", tip["alarm"].as_str().expect("an id"));
    assert_eq!(manager.get(&path).status, 404, "no overseer sees a tip");
    assert_eq!(code(&write(2, "gossip")), (400, json!("invalid")));
    (3..7).for_each(|id| assert_eq!(write(id, "message").status, 200));
    assert_eq!(code(&write(7, "message")), (429, json!("slow_down")));
    let unknown = Ask::post("/api/cards/nowhere", &json!({})).send(gateway.compound.http_port);
    assert_eq!(unknown.expect("an answer").status, 404);
}

fn hand_in(session: &Session, bytes: &[u8]) -> Answer {
    session.send(Ask::post_bytes("/api/photos", bytes).header("origin", &session.origin()))
}

#[test]
fn a_report_with_a_picture_is_answered_once_and_its_picture_is_handed_out_as_it_came_in() {
    let (_broker, gateway) = start();
    let (wu, manager) = (gateway.enrol("wu"), gateway.enrol("he"));
    let picture = b"\xff\xd8\xff\xe0 a heap of rubbish";
    let kept = hand_in(&wu, picture).json();
    let sha256: String = Sha256::digest(picture).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(kept["sha256"], json!(sha256), "{kept}");
    assert_eq!(code(&hand_in(&wu, b"<svg onload=alert(1)>")), (400, json!("not_a_picture")));

    let report = json!({"cid": "r-1", "op": "report", "category": "rubbish", "place": "garden",
        "text": "by the bench", "photos": [sha256]});
    let first = wu.post("/api/cmd", &report).json();
    assert_eq!(first["t"], "ok", "{first}");
    assert_eq!(wu.post("/api/cmd", &report).json()["id"], first["id"], "answered once");
    let nowhere = wu.post("/api/cmd", &json!({"cid": "r-2", "op": "report", "category": "rubbish"}));
    assert!(nowhere.status == 400 && nowhere.text().contains("say where"), "{}", nowhere.text());

    let id = first["id"].as_str().expect("an id");
    let export = |session: &Session| session.post(&format!("/api/evidence/{id}/0/export"), &json!({}));
    assert_eq!(export(&wu).status, 403, "a guard does not hand evidence out");
    let given = export(&manager);
    assert_eq!((given.status, given.header("x-wanglou-sha256")), (200, Some(sha256.as_str())));
    assert_eq!(given.body, picture);
    // Somebody changes the file on the machine.
    std::fs::write(gateway.compound.data().join("blobs").join(&sha256), b"\xff\xd8\xff\xe0 another")
        .expect("writes");
    assert!(matches!(export(&manager).status, 404 | 409), "what differs from its hash is not handed out");
}

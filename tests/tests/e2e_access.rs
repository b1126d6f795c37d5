//! Who may come in: enrolment, Origin, tickets, revocation; and who has an alarm when two take it at once.

use serde_json::{Value, json};
use std::time::Duration;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::http::Ask;
use wanglou_tests::phone::Phone;
use wanglou_tests::scripted::ScriptedBroker;
use wanglou_tests::vendors;

/// The promise for a revoked session.
const REVOKED_WITHIN: Duration = Duration::from_secs(1);

fn start() -> (ScriptedBroker, Gateway) {
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    (broker, Gateway::start(compound))
}

fn code(answer: &wanglou_tests::http::Answer) -> (u16, Value) {
    (answer.status, answer.json()["code"].clone())
}

#[test]
fn every_answer_carries_the_headers_that_browsers_heed() {
    let (_broker, gateway) = start();
    for path in ["/", "/api/session", "/api/docs", "/nothing/here"] {
        let answer = Ask::get(path).send(gateway.compound.http_port).expect("an answer");
        for (name, part) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("x-frame-options", "DENY"),
            ("permissions-policy", "microphone=()"),
            ("cross-origin-opener-policy", "same-origin"),
            ("content-security-policy", "'none'"),
        ] {
            let found = answer.header(name).unwrap_or_default();
            assert!(found.contains(part), "{path}: {name}: {found:?}");
        }
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(!policy.contains("unsafe") && policy.contains("default-src"), "{path}: {policy}");
        // Only where phones come by https: on loopback a browser must not be told so.
        assert_eq!(answer.header("strict-transport-security"), None, "{path}");
    }
}

#[test]
fn an_enrolment_link_serves_one_phone_and_only_our_own_page() {
    let (_broker, gateway) = start();
    let token = gateway.invite("wu");
    let port = gateway.compound.http_port;
    let body = json!({"token": token, "name": "phone"});
    for origin in [None, Some("null"), Some("http://evil.example"), Some("https://127.0.0.1")] {
        let ask = Ask::post("/api/enrol", &body);
        let ask = origin.map_or(ask.clone(), |origin| ask.header("origin", origin));
        let refused = ask.send(port).expect("an answer");
        assert_eq!(code(&refused), (403, json!("origin")), "{origin:?}");
    }
    // As somebody would type it.
    let typed = token.to_lowercase().replace('-', " ");
    assert_eq!(gateway.redeem(&typed).status, 200);
    assert_eq!(code(&gateway.redeem(&token)), (403, json!("token_used")), "it serves one phone");
    let stranger = gateway.redeem("0000-1111-2222-3333-4444");
    assert_eq!(code(&stranger), (403, json!("token_unknown")));
    let wrong = Ask::post("/api/local/enrol", &json!({"officer": "wu"})).header("x-wanglou-local", "guessed");
    assert_eq!(wrong.send(port).expect("an answer").status, 401);
    assert_eq!(gateway.get("/api/session").status, 401);

    for _ in 0..25 {
        gateway.redeem("0000-0000-0000-0000-0000");
    }
    let slow = gateway.redeem("0000-0000-0000-0000-0000");
    assert_eq!(code(&slow), (429, json!("slow_down")));
    assert!(slow.json()["retry_s"].as_u64().is_some_and(|wait| wait > 0));
}

#[test]
fn a_socket_opens_for_our_own_page_with_a_session_and_for_nobody_else() {
    let (_broker, gateway) = start();
    let wu = gateway.enrol("wu");
    let refused = |opening: wanglou_tests::phone::Opening| opening.connect().err();
    assert_eq!(refused(wu.opening()), None);
    assert_eq!(refused(wu.opening().without("origin")), Some(403), "missing");
    for origin in ["null", "http://evil.example", "http://127.0.0.1", "http://localhost"] {
        assert_eq!(refused(wu.opening().with("origin", origin)), Some(403), "{origin}");
    }
    assert_eq!(refused(wu.opening().without("cookie")), Some(401), "without a session");
    assert_eq!(refused(wu.opening().with("cookie", "sid=made-up")), Some(401), "with somebody's guess");
    for protocols in ["wanglou.v2", "chat", "wanglou.v1x"] {
        assert_eq!(refused(wu.opening().offering(protocols)), Some(400), "{protocols}");
    }
    for origin in [None, Some("null"), Some("http://evil.example")] {
        let ask = Ask::post("/api/cmd", &json!({"cid": "c", "op": "accept", "id": "al_1"}));
        let ask = origin.map_or(ask.clone(), |origin| ask.header("origin", origin));
        assert_eq!(code(&wu.send(ask)), (403, json!("origin")), "{origin:?}");
    }
    assert_eq!(wu.get("/api/admin/overview").status, 403, "a guard is no admin");
}

#[test]
fn a_ticket_opens_one_socket_without_a_cookie() {
    let (_broker, gateway) = start();
    let wu = gateway.enrol("wu");
    let ticket = wu.post("/api/ticket", &json!({})).json()["ticket"].as_str().expect("a ticket").to_owned();
    let bare = wu.opening().without("origin").without("cookie");
    let with_ticket = bare.offering(&format!("wanglou.v1, wanglou.ticket.{ticket}"));
    let line = with_ticket.connect().expect("the ticket is good");
    Phone::on(line, &Default::default());
    assert_eq!(with_ticket.connect().err(), Some(401), "used");
    let invented = with_ticket.offering("wanglou.v1, wanglou.ticket.AAAA");
    assert_eq!(invented.connect().err(), Some(401), "invented");
}

#[test]
fn a_revoked_session_loses_its_socket_within_a_second() {
    let (_broker, mut gateway) = start();
    let (wu, he) = (gateway.enrol("wu"), gateway.enrol("he"));
    let phone = Phone::fresh(&wu);
    let sessions = he.get("/api/admin/sessions").json();
    let rows = sessions.as_array().expect("a list");
    let mine = rows.iter().find(|row| row["officer"] == "wu").expect("the guard's session");
    let id = mine["id"].as_str().expect("an id");
    let ask = Ask::delete(&format!("/api/admin/sessions?id={id}")).header("origin", &he.origin());
    assert_eq!(he.send(ask).status, 204);
    assert_eq!(phone.closed_within(REVOKED_WITHIN), 4401);
    assert_eq!(wu.opening().connect().err(), Some(401));
    assert_eq!(wu.get("/api/session").status, 401);

    let second = gateway.enrol("wu");
    let phone = Phone::fresh(&second);
    assert_eq!(second.post("/api/logout", &json!({})).status, 204);
    assert_eq!(phone.closed_within(REVOKED_WITHIN), 4401, "logging out ends the socket too");
    gateway.kill();
    gateway.restart();
    assert_eq!(second.get("/api/session").status, 401, "and it stays so after a crash");
    assert_eq!(he.get("/api/session").status, 200);
}

#[test]
fn of_two_who_accept_at_once_one_has_it_and_the_other_is_told_who() {
    let (broker, gateway) = start();
    let (wu, li) = (gateway.enrol("wu"), gateway.enrol("li"));
    let phones = [("wu", Phone::fresh(&wu)), ("li", Phone::fresh(&li))];
    for round in 0..10 {
        let cover = format!("cover-{}", 61 + round);
        let sent = vendors::cover(&cover, true, "e");
        broker.publish(&sent.topic, &sent.payload, round);
        let place = cover.replace("cover-", "cover/");
        let alarms = phones.each_ref().map(|(_, phone)| phone.alarm("manhole", &place));
        assert_eq!(alarms[0]["id"], alarms[1]["id"]);
        let cid = |who: &str| format!("cid-{round}-{who}");
        for ((who, phone), alarm) in phones.iter().zip(&alarms) {
            phone.say(
                json!({"t": "cmd", "cid": cid(who), "op": "accept", "id": alarm["id"], "rev": alarm["rev"]}),
            );
        }
        let answers = phones
            .each_ref()
            .map(|(who, phone)| phone.wait("an answer", |seen| seen.answers.get(&cid(who)).cloned()));
        let winner =
            phones.iter().zip(&answers).find(|(_, answer)| answer["t"] == "ok").map(|((who, _), _)| *who);
        let loser = answers.iter().find(|answer| answer["t"] == "err").expect("one is too late");
        let winner = winner.expect("one has it");
        assert_eq!((&loser["code"], &loser["by"]["id"]), (&json!("taken"), &json!(winner)), "round {round}");
        for (who, phone) in &phones {
            phone.wait(&format!("{who} sees who has it"), |seen| {
                seen.alarm("manhole", &place).filter(|a| a["accepted_by"]["id"] == winner)
            });
        }
    }
}

#[test]
fn a_picture_is_shown_by_our_own_address_to_whoever_may_see_the_alarm() {
    let (broker, gateway) = start();
    let (he, feng) = (gateway.enrol("he"), gateway.enrol("feng"));
    let phone = Phone::fresh(&he);
    let sent = vendors::thrown_object();
    broker.publish(&sent.topic, &sent.payload, 1);
    let alarm = phone.alarm("thrown_object", "facade/1/east");
    assert!(!alarm.to_string().contains("pic?id=1"), "the vendor's address stays here: {alarm}");
    let url = alarm["evidence"][0]["url"].as_str().expect("an address").to_owned();
    assert_eq!(url, format!("/api/evidence/{}/0", alarm["id"].as_str().expect("an id")));

    assert_eq!(code(&he.get(&url)), (404, json!("host_not_allowed")));
    assert_eq!(code(&feng.get(&url)), (404, json!("gone")), "another grid's guard");
    assert_eq!(gateway.get(&url).status, 401, "nobody");
    assert_eq!(code(&he.get(&url.replace("/0", "/9"))), (404, json!("gone")));
    assert!(gateway.metric("wanglou_evidence_reads_total", &["host_not_allowed"]) >= 1.0);
    assert!(gateway.log().contains("officer=he"), "each look is logged");

    // Listed, it is asked for, and what it does not give is told apart.
    gateway.compound.replace(
        "gateway.toml",
        "# hosts = [\"10.8.0.21\", \"nvr.lan:8443\"]",
        "hosts = [\"127.0.0.1:9\"]",
    );
    let mut gateway = gateway;
    gateway.stop();
    gateway.restart();
    assert_eq!(code(&he.get(&url)), (404, json!("not_given")));
}

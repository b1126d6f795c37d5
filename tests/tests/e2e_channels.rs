//! Short messages and calls by a gateway's webhook: what leaves, each attempt on the timeline, and an acceptance that
//! takes back what waits to be tried again.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::http::Ask;
use wanglou_tests::phone::Session;
use wanglou_tests::scripted::ScriptedBroker;

/// Longer than the gateway waits before it tries a post again.
const RETRIED_WITHIN: Duration = Duration::from_secs(8);

/// A gateway of short messages: answers each post with the next status, the last one for ever; tells what it got.
fn sms_gateway(statuses: &'static [u16]) -> (u16, Receiver<Value>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let (tell, got) = channel();
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().flatten().enumerate() {
            let mut reader = BufReader::new(stream);
            let (mut length, mut line) = (0, String::new());
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap_or(0);
                }
                line.clear();
            }
            let mut body = vec![0; length];
            let _ = reader.read_exact(&mut body);
            let status = statuses.get(n).or(statuses.last()).copied().unwrap_or(200);
            let answer = format!(
                "HTTP/1.1 {status} x\r\ncontent-length: 10\r\nconnection: close\r\n\r\n{{\"code\":0}}"
            );
            let _ = reader.get_mut().write_all(answer.as_bytes());
            if tell.send(serde_json::from_slice(&body).unwrap_or_default()).is_err() {
                return;
            }
        }
    });
    (port, got)
}

fn start(port: u16) -> (ScriptedBroker, Gateway) {
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    compound.append(
        "gateway.toml",
        &format!(
            "[webhooks.sms]\nurl = \"http://127.0.0.1:{port}/send\"\nchannel = \"sms\"\ntemplate = \"text\"\n\
             body = '{{\"to\":\"{{phone}}\",\"say\":\"{{text}}\"}}'\nok = \"/code=0\""
        ),
    );
    (broker, Gateway::start(compound))
}

/// An alarm marked TEST that calls nobody but whoever asks for it.
fn drill(session: &Session) -> String {
    let answer = session.post("/api/drill", &json!({"cid": "drill-1"}));
    answer.json()["id"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

/// What the timeline says of short messages, in order.
fn attempts(session: &Session, alarm: &str) -> Vec<String> {
    let detail = session.get(&format!("/api/alarms/{alarm}")).json();
    let lines = detail["timeline"].as_array().cloned().unwrap_or_default();
    let ours = lines.iter().filter(|line| line["channel"] == "sms");
    ours.filter_map(|line| line["text"]["en"].as_str().map(str::to_owned)).collect()
}

#[test]
fn somebody_without_an_open_app_gets_a_short_message_that_names_nobody() {
    let (port, got) = sms_gateway(&[200]);
    let (_broker, gateway) = start(port);
    let wu = gateway.enrol("wu");
    let alarm = drill(&wu);
    let said = got.recv_timeout(RETRIED_WITHIN).expect("a message");
    assert_eq!(said["to"], "+8600000000001");
    let words = said["say"].as_str().unwrap_or_default();
    assert!(words.starts_with("【演练 TEST】") && words.contains(&alarm), "{words}");
    assert!(!words.contains("吴样例"), "nobody's name: {words}");
    eventually("its end is on the timeline", || {
        (attempts(&wu, &alarm) == ["queued", "started", "done"]).then_some(())
    });
}

#[test]
fn an_acceptance_takes_back_what_waits_to_be_tried_again() {
    let (port, got) = sms_gateway(&[503]);
    let (_broker, gateway) = start(port);
    let wu = gateway.enrol("wu");
    let alarm = drill(&wu);
    got.recv_timeout(RETRIED_WITHIN).expect("the first try");
    let accepted = wu.post("/api/cmd", &json!({"cid": "a-1", "op": "accept", "id": alarm, "rev": 1}));
    assert_eq!(accepted.json()["t"], "ok", "{}", accepted.text());
    eventually("it is taken back", || {
        (attempts(&wu, &alarm) == ["queued", "started", "failed: not needed any more"]).then_some(())
    });
    assert!(got.try_recv().is_err(), "nothing more has left");
}

#[test]
fn what_nobody_accepts_is_tried_again_and_each_try_is_on_the_timeline() {
    let (port, got) = sms_gateway(&[503, 503, 200]);
    let (_broker, gateway) = start(port);
    let wu = gateway.enrol("wu");
    let alarm = drill(&wu);
    for _ in 0..3 {
        got.recv_timeout(RETRIED_WITHIN).expect("a try");
    }
    eventually("three tries and the end are on the timeline", || {
        (attempts(&wu, &alarm) == ["queued", "started", "started", "started", "done"]).then_some(())
    });
}

#[test]
fn a_body_that_is_no_json_is_refused_before_the_night_it_is_needed() {
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    let table = "[webhooks.sms]\nurl = \"https://sms.example\"\nchannel = \"sms\"\ntemplate = \"text\"\nbody = '{\"to\":'\nquiet = \"night\"";
    compound.append("gateway.toml", table);
    let mut check = wanglou_tests::gateway::wanglou(&["check", "--config"]);
    check.arg(compound.gateway_file());
    let said = wanglou_tests::gateway::run(&mut check);
    let words = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said.status.code(), Some(1), "{words}");
    assert!(words.contains("webhooks.sms.body") && words.contains("{phone}"), "{words}");
    assert!(words.contains("webhooks.sms.quiet") && words.contains("22:00-07:00"), "{words}");
    let asked = Ask::get("/").send(compound.http_port);
    assert!(asked.is_err(), "nothing runs");
}

/// A hazard that somebody reports; answered with the alarm that it made.
fn report(session: &Session, cid: &str, place: &str) -> String {
    let body =
        json!({"cid": cid, "op": "report", "category": "broken_light", "text": "dark", "place": place});
    let answer = session.post("/api/cmd", &body);
    answer.json()["id"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
}

#[test]
fn a_group_outside_is_told_once_by_a_text_that_names_the_building_alone() {
    let (port, got) = sms_gateway(&[200]);
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    compound.append(
        "gateway.toml",
        &format!(
            "[webhooks.residents]\nurl = \"http://127.0.0.1:{port}/send\"\ntemplate = \"wecom\"\n\
             [bulletins.stairs]\nwebhook = \"residents\"\ntext = \"【物业通知】{{place}}楼道正在抢修，请慢行。\""
        ),
    );
    let gateway = Gateway::start(compound);
    let (wu, he) = (gateway.enrol("wu"), gateway.enrol("he"));
    let alarm = report(&wu, "r-1", "3/1");
    let tell = |session: &Session, cid: &str, alarm: &str, name: &str| {
        let body = json!({"cid": cid, "op": "bulletin", "id": alarm, "name": name});
        session.post("/api/cmd", &body).json()
    };
    assert_eq!(tell(&wu, "b-0", &alarm, "stairs")["code"], "forbidden", "a guard speaks for nobody");
    let unknown = tell(&he, "b-1", &alarm, "stares").to_string();
    assert!(unknown.contains("\"invalid\"") && unknown.contains("there are: stairs"), "{unknown}");
    assert_eq!(tell(&he, "b-2", &alarm, "stairs")["t"], "ok");
    let said = got.recv_timeout(RETRIED_WITHIN).expect("a post");
    assert_eq!(said["text"]["content"], "【物业通知】3号楼楼道正在抢修，请慢行。");
    eventually("its end is on the timeline", || {
        let detail = he.get(&format!("/api/alarms/{alarm}")).text();
        detail.contains("\"done\"").then_some(())
    });
    assert_eq!(tell(&he, "b-3", &alarm, "stairs")["t"], "ok", "asked for again, it is the one that went out");
    let at_home = report(&wu, "r-2", "1/1/201");
    let refused = tell(&he, "b-4", &at_home, "stairs").to_string();
    assert!(refused.contains("\"invalid\"") && refused.contains("what happens in a home"), "{refused}");
    // Posts leave in order: had any of those left, it would come before this one.
    let elsewhere = report(&wu, "r-3", "4/1");
    assert_eq!(tell(&he, "b-5", &elsewhere, "stairs")["t"], "ok");
    let next = got.recv_timeout(RETRIED_WITHIN).expect("a post");
    assert_eq!(next["text"]["content"], "【物业通知】4号楼楼道正在抢修，请慢行。", "nothing else has left");
}

//! What becomes of alarms, told to other systems: in order, signed, and also what came while they were away.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::Phone;
use wanglou_tests::vendors;

/// A request's head, in small letters, and its body.
type Post = (String, Vec<u8>);

/// An address that refuses a few times, then takes everything.
struct Far {
    port: u16,
    taken: Arc<Mutex<Vec<Post>>>,
    refuse: Arc<Mutex<u32>>,
}

impl Far {
    fn start(refuse: u32) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let far = Self { port, taken: Arc::default(), refuse: Arc::new(Mutex::new(refuse)) };
        let (taken, refuse) = (Arc::clone(&far.taken), Arc::clone(&far.refuse));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut stream = stream;
                while let Some(post) = request(&mut stream) {
                    let mut left = refuse.lock().expect("no panic");
                    let status = if *left > 0 { "503 Busy" } else { "202 Accepted" };
                    if *left > 0 {
                        *left -= 1;
                    } else {
                        taken.lock().expect("no panic").push(post);
                    }
                    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            }
        });
        far
    }

    fn events(&self) -> Vec<Value> {
        let taken = self.taken.lock().expect("no panic");
        taken.iter().map(|(_, body)| serde_json::from_slice(body).expect("JSON")).collect()
    }

    fn types(&self) -> Vec<String> {
        self.events().iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
    }
}

fn request(stream: &mut std::net::TcpStream) -> Option<Post> {
    let mut bytes = Vec::new();
    let mut held = [0; 4096];
    loop {
        let read = stream.read(&mut held).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&held[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok())?;
        if bytes.len() >= end + 4 + length {
            return Some((head, bytes[end + 4..end + 4 + length].to_vec()));
        }
    }
}

/// HMAC-SHA-256 by openssl, which shares no code with the product.
fn hmac(secret: &str, body: &[u8]) -> String {
    let mut command = std::process::Command::new("openssl");
    command.args(["dgst", "-sha256", "-hmac", secret, "-r"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().expect("apt install openssl");
    child.stdin.take().expect("piped").write_all(body).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8_lossy(&output.stdout).split(' ').next().expect("digits").to_owned()
}

#[test]
fn another_system_hears_of_each_step_in_order_whatever_happens_in_between() {
    let far = Far::start(2);
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    std::fs::write(compound.path("events-secret"), "a-secret-of-16-bytes\n").expect("written");
    let url = format!("url = \"http://127.0.0.1:{}/events\"", far.port);
    compound.replace("gateway.toml", "# url = \"https://example.org/events\"", &url);
    compound.replace(
        "gateway.toml",
        "# secret_file = \"secrets/cloudevents\"",
        "secret_file = \"events-secret\"",
    );
    compound.replace("gateway.toml", "# publish_alarms = false", "publish_alarms = true");
    let mut gateway = Gateway::start(compound);
    let phone = Phone::fresh(&gateway.enrol("wu"));
    let open = |cover: u32| {
        let sent = vendors::cover(&format!("cover-{cover}"), true, "f");
        broker.publish(&sent.topic, &sent.payload);
    };
    open(61);
    let alarm = phone.alarm("manhole", "cover/61");
    phone.command("f-accept", "accept", &alarm);
    let both = ["wanglou.alarm.raised.v1", "wanglou.alarm.accepted.v1"];
    eventually("both are told, after two refusals", || (far.types() == both).then_some(()));
    assert_eq!(*far.refuse.lock().expect("no panic"), 0, "it was refused first");
    let event = far.events().remove(1);
    assert_eq!((&event["subject"], &event["data"]["by"]), (&alarm["id"], &"wu".into()));
    assert_eq!((&event["specversion"], &event["source"]), (&"1.0".into(), &"/wanglou/demo".into()));
    for (head, body) in &*far.taken.lock().expect("no panic") {
        assert!(head.contains("application/cloudevents+json"), "{head}");
        let signature = format!("x-wanglou-signature: sha256={}", hmac("a-secret-of-16-bytes", body));
        assert!(head.contains(&signature), "{head}\n{signature}");
    }
    eventually("the broker was told too", || {
        (gateway.metric("wanglou_feed_news_total", &["mqtt", "told"]) >= 2.0).then_some(())
    });

    // While it is away, and over a crash of the gateway: nothing is left out.
    *far.refuse.lock().expect("no panic") = u32::MAX;
    open(62);
    phone.alarm("manhole", "cover/62");
    eventually("it is behind", || {
        let turned_away = *far.refuse.lock().expect("no panic") < u32::MAX;
        turned_away.then_some(())
    });
    drop(phone);
    gateway.kill();
    *far.refuse.lock().expect("no panic") = 0;
    gateway.restart();
    eventually("the one that waited is told", || (far.types().len() >= 3).then_some(()));
    let events = far.events();
    assert_eq!(events.last().map(|event| event["data"]["place"].clone()), Some("cover/62".into()));
    let mut ids: Vec<String> =
        events.iter().map(|event| event["id"].as_str().expect("an id").to_owned()).collect();
    let count = ids.len();
    ids.dedup();
    assert!(count - ids.len() <= 1, "told twice only around the crash");
    assert_eq!(gateway.metric("wanglou_feed_news_total", &["dropped"]), 0.0);
}

/// In one run: an address that was allowed to know, and a broker that was not.
#[test]
fn of_a_home_others_are_told_the_building_unless_it_was_allowed() {
    let far = Far::start(0);
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    let url = format!("url = \"http://127.0.0.1:{}/events\"", far.port);
    compound.replace("gateway.toml", "# url = \"https://example.org/events\"", &url);
    compound.replace(
        "gateway.toml",
        "# publish_personal = false                      # also flat",
        "publish_personal = true # also flat",
    );
    compound.replace("gateway.toml", "# publish_alarms = false", "publish_alarms = true");
    let heard = broker.listen("listener", &["wanglou/v1/out/#"]);
    let gateway = Gateway::start(compound);
    broker.publish(
        "wanglou/v1/in/home-1-201-sos",
        br#"{"device":"home-1-201-sos","kind":"sos","value":{"active":true}}"#,
    );
    let whole = eventually("the address is told", || far.events().into_iter().next());
    assert_eq!((&whole["data"]["kind"], &whole["data"]["place"]), (&"sos".into(), &"1/1/201".into()));
    let alarm = whole["data"]["alarm"].as_str().expect("an id");

    let told = eventually("the broker is told", || {
        let log = heard.log();
        let line = log.lines().find(|line| line.contains("wanglou/v1/out/alarms/"))?;
        let (topic, payload) = line.split_once(' ')?.1.split_once(' ')?;
        Some((topic.to_owned(), serde_json::from_str::<Value>(payload).ok()?))
    });
    let (topic, news) = told;
    assert_eq!((&news["what"], &news["level"], &news["place"]), (&"raised".into(), &1.into(), &"1".into()));
    assert!(news.get("kind").is_none() && news.get("title").is_none(), "{news}");
    assert_eq!(topic, format!("wanglou/v1/out/alarms/{}", news["alarm"].as_str().expect("a name")));
    for word in ["1/1/201", "sos", alarm] {
        assert!(!heard.log().contains(word), "{word}: {}", heard.log());
    }
    drop(gateway);
}

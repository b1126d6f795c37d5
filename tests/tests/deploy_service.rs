//! The unit of `deploy/`, and what a service manager is told.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::{PATIENCE, Stopwatch, eventually};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::Phone;
use wanglou_tests::scripted::ScriptedBroker;
use wanglou_tests::vendors;

/// What docs/deploy.md and the unit promise of a stop.
const DRAINED_WITHIN: Duration = Duration::from_secs(5);

fn unit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/wanglou.service")
}

fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; apt install systemd"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// The unit with a program that exists on this machine, under the name that systemd asks for.
fn with_a_program(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wanglou.service");
    assert!(
        text.contains("/usr/local/bin/wanglou "),
        "the unit starts the program that docs/deploy.md installs"
    );
    std::fs::write(&path, text.replace("/usr/local/bin/wanglou ", "/bin/true ")).expect("a file");
    (folder, path)
}

fn verified(text: &str) -> (bool, String) {
    let (_folder, path) = with_a_program(text);
    output(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(path))
}

#[test]
fn systemd_understands_the_unit_and_would_name_what_it_does_not() {
    let text = std::fs::read_to_string(unit()).expect("the unit");
    let (good, words) = verified(&text);
    assert!(good && !words.contains("wanglou.service"), "{words}");
    let (_, words) = verified(&text.replace("NoNewPrivileges=yes", "NoNewPriviliges=yes"));
    assert!(words.contains("NoNewPriviliges"), "a slip would be seen: {words}");
}

#[test]
fn the_unit_is_as_closed_as_it_says() {
    let rate = |text: &str| {
        let (_folder, path) = with_a_program(text);
        let (good, words) = output(
            Command::new("systemd-analyze").args(["security", "--offline=true", "--threshold=20"]).arg(path),
        );
        (good, words.lines().last().unwrap_or_default().to_owned())
    };
    let text = std::fs::read_to_string(unit()).expect("the unit");
    let (good, words) = rate(&text);
    assert!(good, "an exposure of 2.0 at most: {words}");
    let (good, words) =
        rate(&text.replace("ProtectSystem=strict", "").replace("CapabilityBoundingSet=\n", ""));
    assert!(!good, "an open unit would be seen: {words}");
}

#[test]
fn the_service_manager_hears_of_readiness_of_life_and_of_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a limit");
    let heard = || {
        let mut words = [0; 512];
        let length = socket.recv(&mut words).expect("systemd is told something");
        String::from_utf8_lossy(&words[..length]).into_owned()
    };
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    let notify = path.display().to_string();
    let mut gateway =
        Gateway::start_in(compound, &[], &[("NOTIFY_SOCKET", &notify), ("WATCHDOG_USEC", "300000")]);
    let first = heard();
    assert!(first.contains("READY=1") && first.contains(&gateway.compound.http_port.to_string()), "{first}");
    for _ in 0..3 {
        assert_eq!(heard().trim(), "WATCHDOG=1", "fed by the writer, three times in a watchdog's time");
    }
    gateway.stop();
    let last = std::iter::from_fn(|| Some(heard())).find(|words| !words.contains("WATCHDOG=1"));
    assert!(last.is_some_and(|words| words.contains("STOPPING=1")));
}

fn stops_in_time(gateway: &mut Gateway, when: &str) {
    let began = Stopwatch::start();
    gateway.stop();
    let took = began.elapsed();
    assert!(took < DRAINED_WITHIN, "stopped {when} it took {took:?}");
}

#[test]
fn a_stop_drains_within_five_seconds_under_load() {
    let broker = ScriptedBroker::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    let mut gateway = Gateway::start(compound);
    for n in 0..20_000 {
        let sent = vendors::cover(&format!("cover-{}", 61 + n % 30), n % 60 < 30, &format!("s-{n}"));
        broker.publish(&sent.topic, &sent.payload, n);
    }
    eventually("it is in the midst of it", || (broker.acknowledged().len() > 100).then_some(()));
    assert!(broker.waiting() > 1_000, "more waits than it can take in at once");
    stops_in_time(&mut gateway, "under load");
    assert_eq!(broker.faults(), [] as [&str; 0]);
}

#[test]
fn a_stop_does_not_wait_for_a_broker_that_stands_still() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.sing();
    compound.replace("gateway.toml", "# publish_observations = false", "publish_observations = true");
    let mut gateway = Gateway::start(compound);
    let phone = Phone::fresh(&gateway.enrol("wu"));
    eventually("it speaks with the broker", || {
        (gateway.metric("wanglou_canary_seconds_count", &[]) >= 1.0).then_some(())
    });
    broker.freeze();
    stops_in_time(&mut gateway, "with a frozen broker");
    assert_eq!(phone.closed_within(PATIENCE), 1012, "phones are told to come back");
    broker.thaw();
}

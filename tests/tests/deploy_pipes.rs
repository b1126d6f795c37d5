//! Commands whose reader goes away: `wanglou check | head`. A quiet end, and no panic.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::{run, wanglou};
use wanglou_tests::http::Ask;

/// What shells say of a program that a closed pipe ended.
const CLOSED: i32 = 141;
/// What a panic leaves.
const PANICKED: i32 = 101;

/// A pipe that nobody reads.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[test]
fn a_command_that_nobody_listens_to_ends_quietly() {
    let compound = Compound::new(&BrokerAddress { port: 1, login: None });
    let file = compound.gateway_file().display().to_string();
    let scenario = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/manhole-1-truck.jsonl");
    let into = compound.beside("begun").display().to_string();
    for arguments in [
        &["check", "--config", &file][..],
        &["check", "--json", "--config", &file],
        &["config"],
        &["config", "--explain", "mqtt"],
        &["metrics"],
        &["metrics", "--markdown"],
        &["backtest", "--config", &file, scenario],
        &["decode", "--config", &file, "--topic", "nobody/knows"],
        &["doctor", "--config", &file],
        &["init", "--into", &into],
        &["--help"],
    ] {
        let heard = run(wanglou(arguments).stdin(Stdio::null())).status.code();
        if arguments[0] == "init" {
            std::fs::remove_dir_all(&into).expect("it was made");
        }
        let unheard = run(wanglou(arguments).stdin(Stdio::null()).stdout(unread()));
        let words = String::from_utf8_lossy(&unheard.stderr).into_owned();
        assert!(!words.contains("panicked") && !words.contains("roken pipe"), "{arguments:?}: {words}");
        let code = unheard.status.code();
        assert!(code == heard || code == Some(CLOSED), "{arguments:?}: {code:?}, heard it is {heard:?}");
        if arguments[0] == "init" {
            std::fs::remove_dir_all(&into).expect("it was made although nobody listened");
        }
        let deaf = run(wanglou(arguments).stdin(Stdio::null()).stdout(unread()).stderr(unread()));
        assert_ne!(deaf.status.code(), Some(PANICKED), "{arguments:?}, with standard error closed too");
    }
}

#[test]
fn a_full_disk_is_not_taken_for_a_reader_that_went() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let output = run(wanglou(&["config"]).stdout(full));
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains("No space left"), "{words}");
}

/// Ends with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_gateway_outlives_whoever_reads_its_log() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    let mut command: Command = wanglou(&["run", "--config"]);
    command.arg(compound.gateway_file()).env("RUST_LOG", "debug");
    let mut gateway = Ended(command.stdout(unread()).stderr(Stdio::piped()).spawn().expect("it starts"));
    let mut log = BufReader::new(gateway.0.stderr.take().expect("piped"));
    let mut line = String::new();
    while !line.contains("ready for phones") {
        line.clear();
        assert!(log.read_line(&mut line).expect("UTF-8") > 0, "it ended before it was ready");
    }
    drop(log);
    let ready = || Ask::get("/readyz").send(compound.http_port).ok().filter(|answer| answer.status == 200);
    eventually("the gateway is ready", ready);
    // Each message is a line that cannot be written, in the writer's thread and in others.
    for number in 0..20 {
        broker.publish("wanglou/v1/in/nobody", format!("{{\"n\":{number}}}").as_bytes());
    }
    let pid = rustix::process::Pid::from_child(&gateway.0);
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("it runs");
    eventually("it took the reload", || {
        let page = Ask::get("/metrics").send(compound.metrics_port).ok()?.text();
        page.lines()
            .any(|line| line.starts_with("wanglou_messages_total") && !line.ends_with(" 0"))
            .then_some(())
    });
    eventually("the gateway is ready", ready);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it still runs");
    let status = eventually("it ends", || gateway.0.try_wait().expect("our own child can be asked"));
    assert!(status.success(), "it ended with {status}");
}

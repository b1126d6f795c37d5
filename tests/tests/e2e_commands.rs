//! The commands that scripts and people rely on, as the README has them.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::{redeem, run, wanglou};
use wanglou_tests::phone::{Phone, Session};
use wanglou_tests::program::{Program, free_port};

fn text(output: &Output) -> (Option<i32>, String) {
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), out + &String::from_utf8_lossy(&output.stderr))
}

fn decode(config: &Path, topic: &str, payload: &[u8]) -> (Option<i32>, String) {
    let mut command = wanglou(&["decode", "--topic", topic, "--config"]);
    let command = command.arg(config).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    child.stdin.take().expect("piped").write_all(payload).expect("it reads");
    text(&child.wait_with_output().expect("it ends"))
}

#[test]
fn a_folder_that_init_wrote_passes_check_and_decodes() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let mine = folder.path().join("mine");
    let (code, words) = text(&run(wanglou(&["init", "--into"]).arg(&mine)));
    assert_eq!(code, Some(0), "{words}");
    let config = mine.join("gateway.toml");
    let (code, words) = text(&run(wanglou(&["check", "--config"]).arg(&config)));
    assert_eq!(code, Some(0), "{words}");
    let (code, words) = text(&run(wanglou(&["init", "--into"]).arg(&mine)));
    assert_eq!(code, Some(1), "what is there is not written over: {words}");

    let (code, words) = decode(&config, "zigbee2mqtt/somewhere/door", br#"{"contact":false}"#);
    assert_eq!(code, Some(0), "{words}");
    let said: serde_json::Value = serde_json::from_str(words.trim()).expect("one JSON line");
    assert_eq!((&said["device"], &said["kind"]), (&"somewhere/door".into(), &"contact".into()));
    let (code, words) = decode(&config, "nobody/knows", b"{}");
    assert_eq!(code, Some(3), "{words}");
    assert!(words.contains("unmatched"), "{words}");
    let (code, words) = decode(&config, "zigbee2mqtt/somewhere/door", b"{\"contact\":");
    assert_eq!(code, Some(4), "{words}");
    assert!(words.contains("rejected"), "{words}");
}

#[test]
fn what_needs_a_folder_says_so_when_it_is_missing() {
    for arguments in [
        &["run", "--config", "no/such/gateway.toml"][..],
        &["check", "--config", "no/such/gateway.toml"],
        &["enrol", "--officer", "wu", "--config", "no/such/gateway.toml"],
    ] {
        let (code, words) = text(&run(&mut wanglou(arguments)));
        assert_eq!(code, Some(1), "{arguments:?}: {words}");
        assert!(
            words.contains("no/such/gateway.toml") && !words.contains("panicked"),
            "{arguments:?}: {words}"
        );
    }
}

/// Two commands bring a newcomer to an alarm on a phone; the rest of what the demo prints works as printed.
#[test]
fn the_demo_does_what_it_prints() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let (http, mqtt) = (free_port(), free_port());
    let log = folder.path().join("log");
    let start = || {
        let mut command = wanglou(&["demo", "--pace", "off", "--data", "data"]);
        command.args(["--http", &format!("127.0.0.1:{http}"), "--mqtt", &format!("127.0.0.1:{mqtt}")]);
        Program::start(command.current_dir(&folder), "the demo", &log, "build the gateway")
    };
    let mut demo = start();
    let printed = eventually("the demo is ready", || {
        let words = demo.log();
        (words.contains("Ctrl-C") || demo.ended().is_some()).then_some(words)
    });
    if printed.contains("built without the demo") {
        println!("left out: {}", printed.trim());
        return;
    }
    let link =
        printed.lines().find(|line| line.trim_start().starts_with("he ")).expect("the manager's log-in");
    let token = link.rsplit_once("#enrol=").expect("a link").1;
    let session = Session::from(&redeem(http, token.trim()), http);
    let phone = Phone::fresh(&session);
    let commands: Vec<&str> = printed.lines().map(str::trim).filter(|line| is_command(line)).collect();
    assert_eq!(commands.len(), 4, "{printed}");
    for command in commands {
        let (code, words) = text(&run(Command::new("sh").args(["-c", command]).current_dir(&folder)));
        assert_eq!(code, Some(0), "{command}: {words}");
    }
    phone.alarm("ebike_in_lift", "3/2/lift-B");
    phone.alarm("thrown_object", "facade/11/east");
    let test = phone.alarm("test", "3/2/lift-B");
    assert_eq!(test["test"], true);
    let cover = phone.alarm("manhole", "cover/17");
    drop(phone);

    demo.signal(rustix::process::Signal::TERM);
    assert!(demo.wait().success(), "it stops in order");
    let demo = start();
    eventually("the demo is ready again", || {
        (demo.log().matches("Ctrl-C ends everything").count() == 2).then_some(())
    });
    let again = Phone::fresh(&session).alarm("manhole", "cover/17");
    assert_eq!(again["id"], cover["id"], "it goes on where it ended, and people are still logged in");
}

/// A line that can be pasted into a shell: the program as it was started, and what it shall do.
fn is_command(line: &str) -> bool {
    let program = line.split(' ').next().unwrap_or_default();
    Path::new(program).file_name().is_some_and(|name| name == "wanglou")
}

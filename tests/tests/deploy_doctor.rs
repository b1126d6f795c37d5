//! The doctor against a real mosquitto: what is well is said to be well, and each fault is found.

use std::path::PathBuf;
use std::process::Command;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::gateway::{Gateway, run, wanglou};
use wanglou_tests::phone::Phone;
use wanglou_tests::program::{Program, free_port};

/// What it says, and with which exit code.
fn doctor(compound: &Compound, more: &[&str]) -> (String, i32) {
    let mut command = wanglou(&["doctor"]);
    let output = run(command.arg("--config").arg(compound.gateway_file()).args(more));
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (said, output.status.code().expect("it ends"))
}

fn line<'a>(said: &'a str, part: &str) -> &'a str {
    said.lines()
        .find(|line| line.contains(part))
        .unwrap_or_else(|| panic!("no line with {part:?} in:\n{said}"))
}

#[test]
fn a_broker_as_deployed_is_well_and_a_user_with_too_many_rights_is_found() {
    let broker = Mosquitto::start();
    let login = broker.gateway_login();
    let address = BrokerAddress { port: broker.port, login: Some(login.clone()) };
    let compound = Compound::new(&address);
    compound.replace("gateway.toml", "# require_sync = true", "require_sync = false");
    let gateway = Gateway::start(compound);
    let phone = Phone::fresh(&gateway.enrol("wu"));
    // The metrics page is counted anew every five seconds.
    wanglou_tests::deadline::eventually("its own page says that it has started", || {
        (gateway.metric("wanglou_concern", &["starting"]) == 0.0).then_some(())
    });
    let (said, _) = doctor(&gateway.compound, &[]);
    for well in [
        "lets us in",
        "our own messages come back",
        "the gateway's user cannot speak for another device",
        "keeps strangers out",
        "synced writes of 4 KiB",
        "MiB of the disk are free",
        "1 phones are logged in, 1 are connected",
        "runs and is well",
    ] {
        let found = line(&said, well);
        assert!(found.starts_with("ok ") || well.contains("disk") || well.contains("4 KiB"), "{found}");
    }
    assert!(line(&said, "push is off").starts_with("warn"));
    assert!(line(&said, "no backups are made").starts_with("warn"));
    assert!(
        said.lines().filter(|line| line.starts_with("warn") || line.starts_with("fault")).count()
            <= said.matches("→").count(),
        "each says what to do: {said}"
    );
    let (chinese, _) = doctor(&gateway.compound, &["--lang", "zh"]);
    assert!(chinese.contains("自检主题可读写") && !chinese.contains("our own"), "{chinese}");

    // The tests' own user may write everywhere, as a badly kept list lets a device do.
    let file = |name: &str, text: &str| -> PathBuf {
        let path = gateway.compound.beside(name);
        std::fs::write(&path, text).expect("written");
        path
    };
    let (user, password) = (file("device.user", "sensors\n"), file("device.password", "srosnes\n"));
    let arguments = [
        "--device-user-file",
        &user.display().to_string(),
        "--device-password-file",
        &password.display().to_string(),
    ];
    let (said, code) = doctor(&gateway.compound, &arguments);
    assert!(line(&said, "this device's user can speak for another device").starts_with("fault"), "{said}");
    assert_eq!(code, 1);
    drop(phone);
}

#[test]
fn a_broker_that_admits_anybody_is_a_fault() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let conf = folder.path().join("open.conf");
    std::fs::write(&conf, format!("listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n"))
        .expect("written");
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new("mosquitto");
    let _broker = Program::start(
        command.env("PATH", path).arg("-c").arg(&conf),
        "mosquitto",
        &folder.path().join("log"),
        "apt install mosquitto",
    );
    wanglou_tests::deadline::eventually("it listens", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).ok()
    });
    let compound = Compound::new(&BrokerAddress { port, login: None });
    let (said, code) = doctor(&compound, &[]);
    assert!(line(&said, "lets in whoever has no account").starts_with("fault"), "{said}");
    assert!(line(&said, "the gateway's user can speak for another device").starts_with("fault"), "{said}");
    assert!(line(&said, "no gateway runs").starts_with("warn"), "{said}");
    assert_eq!(code, 1);
}

#[test]
fn a_broker_that_is_not_there_and_a_faulty_configuration_are_said() {
    let compound = Compound::new(&BrokerAddress { port: free_port(), login: None });
    let (said, code) = doctor(&compound, &[]);
    assert!(line(&said, "the broker at 127.0.0.1").starts_with("fault"), "{said}");
    assert_eq!(code, 1);
    compound.append("rules.toml", "[no-such-rule]\nx = 1");
    let (said, code) = doctor(&compound, &[]);
    assert!(
        line(&said, "the configuration has").starts_with("fault") && said.contains("wanglou check"),
        "{said}"
    );
    assert_eq!(code, 1);
}

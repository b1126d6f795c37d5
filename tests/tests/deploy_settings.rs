//! Settings: explained, and set by the environment where a deployment needs it.

use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::gateway::{Gateway, run, wanglou};
use wanglou_tests::http::Ask;
use wanglou_tests::program::free_port;

#[test]
fn the_environment_stands_above_the_file() {
    let broker = Mosquitto::start();
    let (user, password) = broker.gateway_login();
    // The file names a broker that is not there, without a login.
    let compound = Compound::new(&BrokerAddress { port: free_port(), login: None });
    let (data, metrics) = (compound.beside("elsewhere"), free_port());
    let url = format!("mqtt://127.0.0.1:{}", broker.port);
    let (listen, metrics_listen) =
        (format!("127.0.0.1:{}", compound.http_port), format!("127.0.0.1:{metrics}"));
    compound.replace("gateway.toml", &format!("listen = \"{listen}\""), "listen = \"127.0.0.1:1\"");
    let (user, password) = (user.display().to_string(), password.display().to_string());
    let gateway = Gateway::start_in(
        compound,
        &[],
        &[
            ("WANGLOU_DATA", &data.display().to_string()),
            ("WANGLOU_MQTT_URL", &url),
            ("WANGLOU_MQTT_USER_FILE", &user),
            ("WANGLOU_MQTT_PASSWORD_FILE", &password),
            ("WANGLOU_LISTEN", &listen),
            ("WANGLOU_METRICS_LISTEN", &metrics_listen),
        ],
    );
    assert!(data.join("journal").is_dir() && !gateway.compound.data().exists());
    let page = Ask::get("/metrics").send(metrics).expect("the metrics answer").text();
    assert!(page.contains("wanglou_broker_path_up{lane=\"alarm\"} 1"), "{page}");
}

#[test]
fn a_variable_that_cannot_be_meant_is_refused_by_its_name() {
    let compound = Compound::new(&BrokerAddress { port: 1, login: None });
    let mut command = wanglou(&["check", "--config"]);
    let output =
        run(command.arg(compound.gateway_file()).env("WANGLOU_MQTT_URL", "mqtt://user:secret@broker"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("WANGLOU_MQTT_URL") && said.contains("files"), "{said}");
}

#[test]
fn a_key_is_explained_and_a_slip_is_helped() {
    let output = run(&mut wanglou(&["config", "--explain", "backup.every_h"]));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for part in ["From one backup to the next.", "default  24", "unit     hours", "range    1 to 168"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = run(&mut wanglou(&["config", "--explain", "http.listen"]));
    assert!(String::from_utf8_lossy(&output.stdout).contains("variable WANGLOU_LISTEN"));
    let output = run(&mut wanglou(&["config", "--explain", "backup.evry_h"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("backup.every_h"));
    let output = run(&mut wanglou(&["config"]));
    assert!(String::from_utf8_lossy(&output.stdout).lines().count() > 50, "all of them");
    let output = run(&mut wanglou(&["metrics", "--markdown"]));
    let docs = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md")).expect("the docs");
    assert!(
        output.stdout == docs,
        "docs/metrics.md is not what the program says: wanglou metrics --markdown"
    );
}

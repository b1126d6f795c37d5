//! Alerts that fire in a real Prometheus because their fault was caused in a real gateway; and that do not before.

use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::phone::Phone;
use wanglou_tests::prometheus::Prometheus;
use wanglou_tests::tls::{certificate, install};
use wanglou_tests::vendors;

fn start() -> (Mosquitto, Compound) {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    (broker, Compound::new(&address))
}

fn firing(alert: &str) -> String {
    format!("ALERTS{{alertname=\"{alert}\",alertstate=\"firing\"}}")
}

fn fires(prometheus: &Prometheus, alert: &str) {
    eventually(&format!("{alert} fires"), || prometheus.has(&firing(alert)).then_some(()));
}

fn is_over(prometheus: &Prometheus, alert: &str) {
    eventually(&format!("{alert} is over"), || (!prometheus.has(&firing(alert))).then_some(()));
}

/// None of them fires, in an evaluation that has seen the gateway.
fn are_silent(prometheus: &Prometheus, alerts: &[&str]) {
    eventually("the gateway is scraped", || prometheus.has("up{job=\"wanglou\"} == 1").then_some(()));
    for alert in alerts {
        assert!(!prometheus.has(&firing(alert)), "{alert} fires before its fault");
    }
}

#[test]
fn faults_of_broker_people_files_and_program_are_alerts() {
    let (mut broker, compound) = start();
    let inside = compound.data().join("backups").display().to_string();
    compound.replace("gateway.toml", "# into = \"/var/backups/wanglou\"", &format!("into = \"{inside}\""));
    let mut gateway = Gateway::start(compound);
    let wu = gateway.enrol("wu");
    let phone = Phone::fresh(&wu);
    let prometheus = Prometheus::start_hasty(gateway.compound.metrics_port);
    are_silent(
        &prometheus,
        &[
            "WanglouNoPhones",
            "WanglouReloadRefused",
            "WanglouAlarmsWait",
            "WanglouBrokerLost",
            "WanglouRestartsOften",
            "WanglouDown",
        ],
    );

    // A backup that would lie in what it copies.
    fires(&prometheus, "WanglouBackupFails");
    // The last phone goes, and comes back.
    drop(phone);
    fires(&prometheus, "WanglouNoPhones");
    let phone = Phone::fresh(&wu);
    is_over(&prometheus, "WanglouNoPhones");
    // A change with a fault, and the fault mended.
    let rules = std::fs::read_to_string(gateway.compound.path("rules.toml")).expect("the rules");
    gateway.compound.append("rules.toml", "[no-such-rule]\nx = 1");
    gateway.hang_up();
    fires(&prometheus, "WanglouReloadRefused");
    gateway.compound.edit("rules.toml", |_| rules);
    gateway.hang_up();
    is_over(&prometheus, "WanglouReloadRefused");
    // Somebody calls for help, and nobody goes.
    broker.publish(
        "wanglou/v1/in/home-1-201-sos",
        br#"{"device":"home-1-201-sos","kind":"sos","value":{"active":true}}"#,
    );
    phone.alarm("sos", "1/1/201");
    fires(&prometheus, "WanglouAlarmsWait");
    // The broker goes, and comes back.
    broker.stop();
    fires(&prometheus, "WanglouBrokerLost");
    broker.restart();
    is_over(&prometheus, "WanglouBrokerLost");
    // The gateway goes, again and again, and then for good.
    drop(phone);
    for start in 1..=3 {
        gateway.stop();
        gateway.restart();
        let query = format!("changes(wanglou_start_time_seconds[30m]) >= {start}");
        eventually("the new start is scraped", || prometheus.has(&query).then_some(()));
    }
    fires(&prometheus, "WanglouRestartsOften");
    gateway.stop();
    fires(&prometheus, "WanglouDown");
}

#[test]
fn a_certificate_that_ends_soon_and_one_that_is_no_good_are_alerts() {
    let (_broker, compound) = start();
    let folder = compound.gateway_file().parent().expect("a folder").to_path_buf();
    certificate(&folder, "sound", 200);
    certificate(&folder, "old", 20);
    certificate(&folder, "last", 1);
    install(&folder, "sound.pem", "sound.key");
    compound.speak_https("https.pem", "https.key");
    let gateway = Gateway::start_unasked(compound);
    let prometheus = Prometheus::start_hasty(gateway.compound.metrics_port);
    let told = "wanglou_certificate_end_time_seconds{certificate=\"https\"} - time() > 190 * 86400";
    eventually("its end is told", || prometheus.has(told).then_some(()));
    are_silent(&prometheus, &["WanglouCertificateEnds", "WanglouCertificateEndsSoon", "WanglouCertificate"]);

    install(&folder, "old.pem", "old.key");
    fires(&prometheus, "WanglouCertificateEnds");
    assert!(!prometheus.has(&firing("WanglouCertificateEndsSoon")), "nobody is woken three weeks before");
    install(&folder, "last.pem", "last.key");
    fires(&prometheus, "WanglouCertificateEndsSoon");
    install(&folder, "sound.pem", "last.key");
    fires(&prometheus, "WanglouCertificate");
    install(&folder, "sound.pem", "sound.key");
    for alert in ["WanglouCertificate", "WanglouCertificateEnds", "WanglouCertificateEndsSoon"] {
        is_over(&prometheus, alert);
    }
}

#[test]
fn an_alarm_that_reaches_nobody_is_an_alert() {
    let (broker, compound) = start();
    let ahead = compound.beside("clock-ahead");
    std::fs::write(&ahead, "0").expect("written");
    let gateway = Gateway::start_with(compound, &["--clock-ahead-file", &ahead.display().to_string()]);
    let prometheus = Prometheus::start_hasty(gateway.compound.metrics_port);
    are_silent(&prometheus, &["WanglouNobodyReachable"]);
    // Nobody has a phone. An hour later its ladder is at its end.
    let sent = vendors::cover("cover-61", true, "n-1");
    broker.publish(&sent.topic, &sent.payload);
    eventually("it is raised", || (gateway.metric("wanglou_alarms_open", &["P2"]) >= 1.0).then_some(()));
    std::fs::write(&ahead, "3600").expect("written");
    fires(&prometheus, "WanglouNobodyReachable");
}

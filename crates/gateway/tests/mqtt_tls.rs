//! TLS to a real mosquitto, with an authority made as `deploy/README.md` says.

mod mqtt_support;

use mqtt_support::intake::{Running, down, start};
use mqtt_support::mosquitto::{Mosquitto, write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;
use wanglou_gateway::intake::{Lane, PathEvent};
use wanglou_gateway::mqtt::{
    Address, BrokerOptions, ClientCertificate, Consumer, ConsumerOptions, Outbound, Outcome, Publisher,
    PublisherOptions, Tls,
};

fn openssl(dir: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    let done = command.current_dir(dir).args(arguments.split(' ')).output().expect("openssl is installed");
    assert!(done.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&done.stderr));
}

/// An authority of that name, as `<name>.crt` and `<name>.key`.
fn authority(dir: &Path, name: &str) {
    openssl(
        dir,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN={name} \
             -addext keyUsage=critical,keyCertSign,cRLSign -keyout {name}.key -out {name}.crt"
        ),
    );
}

/// A certificate signed by the authority `by`, for that name.
fn certificate(dir: &Path, by: &str, file: &str, subject_alt_name: &str) {
    std::fs::write(dir.join("ext"), format!("subjectAltName={subject_alt_name}\n")).expect("written");
    openssl(
        dir,
        &format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={file} -keyout {file}.key -out {file}.csr"
        ),
    );
    openssl(
        dir,
        &format!(
            "x509 -req -in {file}.csr -CA {by}.crt -CAkey {by}.key -CAcreateserial -days 825 -extfile ext -out {file}.crt"
        ),
    );
}

/// A broker whose only listener speaks TLS, with a certificate for `broker.example` and nothing else.
async fn broker(more: &str) -> Mosquitto {
    let tls = format!("cafile ca.crt\ncertfile broker.crt\nkeyfile broker.key\n{more}");
    let edit = |conf: String, dir: &Path| {
        authority(dir, "ca");
        certificate(dir, "ca", "broker", "DNS:broker.example");
        let listener =
            conf.lines().find(|line| line.starts_with("listener ")).expect("a listener").to_owned();
        conf.replace(&listener, &format!("{listener}\n{tls}"))
    };
    Mosquitto::start_in(edit).await
}

fn options(broker: &Mosquitto, server_name: Option<&str>) -> BrokerOptions {
    let mut options = broker.as_user("gateway");
    let server_name = server_name.map(str::to_owned);
    options.tls = Some(Tls { ca_file: broker.path("ca.crt"), client: None, server_name });
    options
}

fn run(options: BrokerOptions) -> Running {
    let lane = ConsumerOptions::new("t", Lane::Alarm, vec!["wanglou/v1/in/#".to_owned()], 7);
    start(Consumer::new(options, lane), 8)
}

#[tokio::test]
async fn consumer_and_publisher_come_by_tls_under_the_name_in_the_certificate() {
    let broker = broker("").await;
    let options = options(&broker, Some("broker.example"));
    let mut running = run(options.clone());
    running.up().await;

    let (_run, stop) = watch::channel(false);
    let (publisher, task) = Publisher::new(options, PublisherOptions::new("t"), stop);
    tokio::spawn(task);
    let expires_at = Instant::now() + Duration::from_secs(60);
    let message = Outbound { topic: "wanglou/v1/cmd/lift-b".into(), payload: "x".into(), expires_at };
    let told = publisher.publish(message).expect("queued");
    assert_eq!(told.await, Ok(Outcome::Done));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_by_both() {
    let broker = broker("").await;
    let options = options(&broker, None);
    let reason = down(run(options.clone()).path().await);
    assert!(reason.contains("TLS handshake with 127.0.0.1"), "{reason}");
    assert!(reason.contains("not valid for name"), "{reason}");

    for server_name in [None, Some("other.example".to_owned())] {
        let mut options = options.clone();
        options.tls.as_mut().expect("TLS").server_name = server_name;
        let (_run, stop) = watch::channel(false);
        let (publisher, task) = Publisher::new(options, PublisherOptions::new("t"), stop);
        tokio::spawn(task);
        let expires_at = Instant::now() + Duration::from_millis(300);
        let message = Outbound { topic: "wanglou/v1/cmd/lift-b".into(), payload: "x".into(), expires_at };
        let told = publisher.publish(message).expect("queued").await;
        assert!(matches!(told, Ok(Outcome::Failed { .. })), "{told:?}");
        assert_eq!(publisher.counters().connects.value(), 0);
    }
}

#[tokio::test]
async fn a_broker_of_another_authority_is_refused_and_our_file_named() {
    let broker = broker("").await;
    authority(broker.dir(), "stranger");
    let mut options = options(&broker, Some("broker.example"));
    options.tls.as_mut().expect("TLS").ca_file = broker.path("stranger.crt");
    let reason = down(run(options).path().await);
    assert!(reason.contains("UnknownIssuer") && reason.contains("stranger.crt"), "{reason}");
}

#[tokio::test]
async fn a_certificate_file_that_is_missing_or_holds_none_is_named_and_read_again_once_it_is_right() {
    let broker = broker("").await;
    let options = options(&broker, Some("broker.example"));
    let file = broker.path("ca.crt");
    let right = std::fs::read_to_string(&file).expect("it is there");
    std::fs::remove_file(&file).expect("it is there");
    let mut running = run(options);
    let reason = down(running.path().await);
    assert!(reason.contains("no certificate authority in") && reason.contains("ca.crt"), "{reason}");
    write(broker.dir(), "ca.crt", "not PEM");
    let reason = down(running.path().await);
    assert!(reason.contains("no CERTIFICATE section"), "{reason}");
    write(broker.dir(), "ca.crt", &right);
    running.up().await;
}

#[tokio::test]
async fn a_broker_that_asks_for_a_client_certificate_gets_it() {
    let broker = broker("require_certificate true").await;
    certificate(broker.dir(), "ca", "gateway", "DNS:gateway.example");
    let mut options = options(&broker, Some("broker.example"));
    let mut without = run(options.clone());
    down(without.path().await);
    without.stop().await.expect("stopped");

    options.tls.as_mut().expect("TLS").client = Some(ClientCertificate {
        chain_file: broker.path("gateway.crt"),
        key_file: broker.path("gateway.key"),
    });
    assert!(matches!(run(options).path().await, PathEvent::Up { .. }));
}

#[tokio::test]
async fn plain_text_to_a_tls_listener_and_tls_to_nobody_are_told_and_not_waited_for() {
    let broker = broker("").await;
    let mut plain = broker.as_user("gateway");
    plain.connect_timeout = Duration::from_secs(2);
    down(run(plain).path().await);

    let mut nobody = options(&broker, None);
    nobody.address = Address::Tcp { host: "127.0.0.1".to_owned(), port: 1 };
    let reason = down(run(nobody).path().await);
    assert!(reason.contains("cannot connect to the broker at 127.0.0.1:1"), "{reason}");
}

//! https of the gateway's own: a renewed certificate is shown without a restart, a bad one is not.

use std::path::Path;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::{Gateway, run, wanglou};
use wanglou_tests::tls::{certificate, install, openssl};

/// The name in the certificate that the gateway shows now.
fn shown(folder: &Path, port: u16) -> String {
    let said = openssl(folder, &format!("s_client -connect 127.0.0.1:{port} -alpn h2"));
    let name =
        said.lines().find_map(|line| line.trim().strip_prefix("subject=")).unwrap_or_default().to_owned();
    assert!(name.is_empty() || said.contains("ALPN protocol: h2"), "{said}");
    name
}

#[test]
fn a_renewed_certificate_is_shown_within_seconds_and_a_bad_one_never() {
    let broker = Mosquitto::start();
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) });
    let folder = compound.gateway_file().parent().expect("a folder").to_path_buf();
    certificate(&folder, "first", 30);
    certificate(&folder, "second", 30);
    install(&folder, "first.pem", "first.key");
    compound.speak_https("https.pem", "https.key");
    let port = compound.http_port;
    let gateway = Gateway::start_unasked(compound);
    eventually("the first is shown", || shown(&folder, port).contains("first").then_some(()));
    // The machine's own commands know the gateway by its file.
    let mut enrol = wanglou(&["enrol", "--officer", "wu", "--config"]);
    enrol.arg(gateway.compound.gateway_file());
    let enrolled = run(&mut enrol);
    let said = String::from_utf8_lossy(&enrolled.stdout).into_owned();
    assert!(said.contains(&format!("https://127.0.0.1:{port}/#enrol=")), "{said}");

    let page = wanglou_tests::tls::page(&folder, port);
    assert!(page.contains("strict-transport-security: max-age=31536000"), "{page}");

    // Only half of it has come: the certificate from before stays, and health says so.
    install(&folder, "second.pem", "first.key");
    eventually("health says so", || {
        (gateway.metric("wanglou_concern", &["certificate"]) > 0.0).then_some(())
    });
    assert!(shown(&folder, port).contains("first"));
    install(&folder, "second.pem", "second.key");
    eventually("the second is shown", || shown(&folder, port).contains("second").then_some(()));
    eventually("health is well again", || {
        (gateway.metric("wanglou_concern", &["certificate"]) == 0.0).then_some(())
    });
}

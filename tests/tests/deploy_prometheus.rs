//! Prometheus' side of `deploy/`: configuration, alerts with their own tests, and a real one that scrapes a gateway.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use wanglou_gateway::metrics::catalogue;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::Gateway;
use wanglou_tests::http::Ask;
use wanglou_tests::prometheus::{Prometheus, deploy, read};
use wanglou_tests::vendors;

fn promtool(arguments: &[&str], folder: &Path) -> (bool, String) {
    let mut command = Command::new("promtool");
    let output = command.args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|error| panic!("promtool: {error}; apt install prometheus"));
    (output.status.success(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// Names of the alerts, in the order of the file.
fn alerts() -> Vec<String> {
    let text = read(&deploy("prometheus/wanglou.rules.yml"));
    text.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).map(str::to_owned).collect()
}

#[test]
fn configuration_and_alerts_are_sound() {
    let folder = deploy("prometheus");
    for arguments in [["check", "config", "prometheus.yml"], ["check", "rules", "wanglou.rules.yml"]] {
        let (good, words) = promtool(&arguments, &folder);
        assert!(good, "{words}");
    }
}

#[test]
fn every_alert_fires_when_it_should_and_not_when_it_nearly_should() {
    let folder = deploy("prometheus");
    let (good, words) = promtool(&["test", "rules", "wanglou.rules.test.yml"], &folder);
    assert!(good, "{words}");
    let tests = read(&folder.join("wanglou.rules.test.yml"));
    for alert in alerts() {
        for ending in ["fires", "does not"] {
            assert!(tests.contains(&format!("- name: {alert} {ending}\n")), "no case: {alert} {ending}");
        }
    }
    // And the tests can fail: with every threshold of time gone, what nearly fires does.
    let copy = tempfile::tempdir().expect("a folder");
    let hasty: String = read(&folder.join("wanglou.rules.yml"))
        .lines()
        .filter(|line| !line.trim_start().starts_with("for: "))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::write(copy.path().join("wanglou.rules.yml"), hasty).expect("a file");
    std::fs::write(copy.path().join("wanglou.rules.test.yml"), tests).expect("a file");
    assert!(!promtool(&["test", "rules", "wanglou.rules.test.yml"], copy.path()).0);
}

#[test]
fn every_alert_has_its_entry_in_the_runbook_with_three_things_to_do() {
    let runbook = read(&deploy("../docs/runbook.md"));
    for alert in alerts() {
        let heading = format!("\n## {alert}\n");
        let entry =
            runbook.split(&heading).nth(1).unwrap_or_else(|| panic!("docs/runbook.md has no {alert}"));
        let entry = entry.split("\n## ").next().unwrap_or_default();
        let steps = entry.lines().filter(|line| line.starts_with(['1', '2', '3'])).count();
        assert!(steps >= 3, "{alert}: {steps} things to do");
    }
    let anchors = read(&deploy("prometheus/wanglou.rules.yml"));
    for alert in alerts() {
        assert!(anchors.contains(&format!("runbook: docs/runbook.md#{}\n", alert.to_lowercase())), "{alert}");
    }
}

/// Every query of the dashboard, with its panel.
fn panels() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(&read(&deploy("grafana/wanglou.json"))).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let of = |panel: &Value| -> Vec<(String, String)> {
        let title = panel["title"].as_str().expect("a title").to_owned();
        let targets = panel["targets"].as_array().expect("targets").iter();
        targets.map(|target| (title.clone(), target["expr"].as_str().expect("a query").to_owned())).collect()
    };
    panels.iter().filter(|panel| panel["type"] != "row").flat_map(of).collect()
}

/// Every label of the page has a value that is bounded, after alarms, phones and messages that nobody understands.
fn labels_hold_nothing_from_outside(gateway: &Gateway) {
    let page = Ask::get("/metrics").send(gateway.compound.metrics_port).expect("the metrics answer").text();
    let mut looked_at = 0;
    for line in page.lines().filter(|line| line.starts_with("wanglou_")) {
        let Some((name, rest)) = line.split_once('{') else { continue };
        let metric =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        let labels = rest.rsplit_once('}').expect("an end").0;
        for pair in labels.split(',').filter(|pair| !pair.starts_with("le=")) {
            let (label, value) = pair.split_once('=').unwrap_or_else(|| panic!("{line}"));
            let values = catalogue::values(metric, label).unwrap_or_else(|| panic!("no bound: {line}"));
            assert!(values.allow(value.trim_matches('"')), "{line}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 50, "{looked_at}");
}

#[test]
fn a_real_prometheus_scrapes_the_gateway_and_every_panel_has_data() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.sing();
    let gateway = Gateway::start(compound);
    let wu = gateway.enrol("wu");
    let phone = wanglou_tests::phone::Phone::fresh(&wu);
    let prometheus = Prometheus::start(gateway.compound.metrics_port);
    eventually("the gateway is scraped", || prometheus.has("up{job=\"wanglou\"} == 1").then_some(()));
    let sent = vendors::cover("cover-61", true, "p-1");
    broker.publish(&sent.topic, &sent.payload);
    let raised = phone.alarm("manhole", "cover/61");
    phone.command("p-accept", "accept", &raised);
    broker.publish("nobody/knows/this", b"{}");
    let panels = panels();
    assert!(panels.len() >= 12, "{} queries", panels.len());
    for (title, query) in &panels {
        // A minute of rates is enough here; on the dashboard it is Grafana's own interval.
        let query = query.replace("$__rate_interval", "1m").replace("$__range", "5m");
        eventually(&format!("data for the panel {title:?}: {query}"), || {
            let sent = vendors::door();
            broker.publish(&sent.topic, &sent.payload);
            prometheus.has(&query).then_some(())
        });
    }
    let queried: BTreeSet<&str> = panels.iter().map(|(_, query)| query.as_str()).collect();
    assert_eq!(queried.len(), panels.len(), "no query twice");

    labels_hold_nothing_from_outside(&gateway);

    // Two faults, caused: the broker goes, and the gateway itself. The alerts are pending or firing at once.
    drop(broker);
    let alert = |name: &str| format!("ALERTS{{alertname=\"{name}\"}}");
    eventually("the lost broker is an alert", || prometheus.has(&alert("WanglouBrokerLost")).then_some(()));
    gateway.compound.append("rules.toml", "[no-such-rule]\nx = 1");
    gateway.hang_up();
    eventually("the refused reload is one", || prometheus.has(&alert("WanglouReloadRefused")).then_some(()));
    drop(phone);
    drop(gateway);
    eventually("the lost gateway is one", || prometheus.has(&alert("WanglouDown")).then_some(()));
}

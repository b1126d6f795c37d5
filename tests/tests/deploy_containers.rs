//! compose and Kubernetes files. Neither runs here: what is held is their shape, and that they fit the program.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use wanglou_gateway::configuration::environment::VARIABLES;
use wanglou_tests::prometheus::deploy;

/// The documents of a YAML file; none, said aloud, where python3 has no yaml.
fn documents(name: &str) -> Option<Vec<Value>> {
    let script = "import json,sys,yaml; print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";
    let output = Command::new("python3").args(["-c", script]).arg(deploy(name)).output();
    let output = output.unwrap_or_else(|error| panic!("python3: {error}; apt install python3-yaml"));
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("No module named 'yaml'") {
        println!("skipped: {name} was not looked at; apt install python3-yaml");
        return None;
    }
    assert!(output.status.success(), "{name}: {said}");
    Some(serde_json::from_slice(&output.stdout).expect("JSON"))
}

fn known(names: impl Iterator<Item = String>) {
    let variables: BTreeSet<&str> = VARIABLES.iter().map(|variable| variable.name).collect();
    let mut count = 0;
    for name in names {
        assert!(variables.contains(name.as_str()), "{name} is no variable of the gateway");
        count += 1;
    }
    assert!(count >= 5);
}

#[test]
fn compose_shares_one_namespace_publishes_on_loopback_and_mounts_what_is_there() {
    let Some(mut compose) = documents("compose.yml") else { return };
    let compose = compose.remove(0);
    let services = compose["services"].as_object().expect("services");
    assert_eq!(services.keys().collect::<Vec<_>>(), ["broker", "gateway", "grafana", "prometheus"]);
    let volumes = compose["volumes"].as_object().expect("volumes");
    for (name, service) in services {
        assert_eq!(service["cap_drop"], serde_json::json!(["ALL"]), "{name}");
        assert!(service["security_opt"].to_string().contains("no-new-privileges"), "{name}");
        let image = service["image"].as_str().expect("an image");
        assert!(image.rsplit_once(':').is_some_and(|(_, tag)| tag != "latest"), "{image} is not pinned");
        if name != "broker" {
            assert_eq!(service["network_mode"], "service:broker", "{name}");
            assert!(service["ports"].is_null(), "{name}: the namespace is the broker's");
        }
        for port in service["ports"].as_array().into_iter().flatten() {
            assert!(port.as_str().is_some_and(|port| port.starts_with("127.0.0.1:")), "{port}");
        }
        for volume in service["volumes"].as_array().into_iter().flatten() {
            let source = volume.as_str().and_then(|volume| volume.split(':').next()).expect("a source");
            // What a site makes itself lies in ./site.
            let there = source.starts_with("./site/") || deploy(source).exists();
            assert!(there || volumes.contains_key(source), "{name}: {source} is not there");
        }
    }
    let environment = services["gateway"]["environment"].as_object().expect("variables");
    known(environment.keys().cloned());
}

#[test]
fn kubernetes_has_one_writer_that_may_do_nothing_else() {
    let Some(documents) = documents("kubernetes/wanglou.yaml") else { return };
    let kinds: Vec<&str> =
        documents.iter().map(|document| document["kind"].as_str().expect("a kind")).collect();
    assert_eq!(
        kinds,
        ["Namespace", "ServiceAccount", "Service", "StatefulSet", "PodDisruptionBudget", "NetworkPolicy"]
    );
    let of = |kind: &str| documents.iter().find(|document| document["kind"] == kind).expect("there");
    let set = &of("StatefulSet")["spec"];
    assert_eq!(set["replicas"], 1, "a journal has one writer");
    let pod = &set["template"]["spec"];
    let gateway = &pod["containers"][0];
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
    assert_eq!(gateway["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(gateway["securityContext"]["capabilities"]["drop"], serde_json::json!(["ALL"]));
    assert!(gateway["resources"]["limits"]["memory"].is_string());
    let ports: BTreeSet<&str> =
        gateway["ports"].as_array().expect("ports").iter().filter_map(|port| port["name"].as_str()).collect();
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let asks = &gateway[probe]["httpGet"];
        assert_eq!(asks["path"], "/healthz", "{probe}");
        assert!(ports.contains(asks["port"].as_str().expect("a name")), "{probe}");
    }
    for port in of("Service")["spec"]["ports"].as_array().expect("ports") {
        assert!(ports.contains(port["targetPort"].as_str().expect("a name")), "{port}");
    }
    let volumes: BTreeSet<&str> = pod["volumes"]
        .as_array()
        .expect("volumes")
        .iter()
        .chain(set["volumeClaimTemplates"].as_array().expect("claims").iter().map(|claim| &claim["metadata"]))
        .filter_map(|volume| volume["name"].as_str())
        .collect();
    for mount in gateway["volumeMounts"].as_array().expect("mounts") {
        assert!(volumes.contains(mount["name"].as_str().expect("a name")), "{mount}");
    }
    known(
        gateway["env"]
            .as_array()
            .expect("variables")
            .iter()
            .map(|one| one["name"].as_str().expect("a name").to_owned()),
    );
    let labels = &set["template"]["metadata"]["labels"];
    for selector in [
        &of("Service")["spec"]["selector"],
        &set["selector"]["matchLabels"],
        &of("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        &of("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
    ] {
        assert_eq!(selector, labels);
    }
    let file = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/Containerfile"));
    assert!(file.expect("a file").contains("USER nonroot"), "65532 is distroless' nonroot");
}

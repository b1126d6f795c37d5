use super::examples::{COMMANDS, command};
use super::*;
use crate::http::commands::CommandBody;
use std::collections::BTreeSet;
use wanglou_model::{OfficerId, PhoneId};

fn each(of: &Value) -> impl Iterator<Item = (&String, &Value)> {
    of.as_object().into_iter().flatten()
}

#[test]
fn every_operation_says_who_may_use_it_what_it_answers_and_what_an_answer_looks_like() {
    let mut ids = BTreeSet::new();
    for (path, item) in each(&document()["paths"]) {
        for (method, said) in each(item) {
            let at = format!("{method} {path}");
            assert!(
                ids.insert(said["operationId"].as_str().expect("an id").to_owned()),
                "{at}: a second one"
            );
            assert!(
                said["security"].is_array() && said["summary"].as_str().is_some_and(|words| words.len() > 5),
                "{at}"
            );
            let answers: Vec<_> = each(&said["responses"]).collect();
            assert!(
                answers.iter().any(|(status, _)| status.starts_with(['1', '2'])),
                "{at}: how does it end well?"
            );
            for (status, answer) in answers {
                for (kind, content) in each(&answer["content"]) {
                    if kind == "application/json" {
                        assert!(each(&content["examples"]).next().is_some(), "{at} {status}: no example");
                    }
                }
            }
            for part in path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
                let named = said["parameters"].as_array().into_iter().flatten();
                assert!(
                    named.filter(|one| one["name"] == part && one["in"] == "path").count() == 1,
                    "{at}: {part}"
                );
            }
        }
    }
    assert!(ids.len() > 30, "{ids:?}");
}

#[test]
fn nothing_is_named_that_is_not_there() {
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|inner| references(inner, found));
            }
            Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut found = BTreeSet::new();
    references(document(), &mut found);
    assert!(found.contains("#/components/schemas/Problem") && found.contains("#/components/schemas/Alarm"));
    for reference in &found {
        let there = document().pointer(reference.trim_start_matches('#'));
        assert!(there.is_some(), "{reference} is not there");
    }
    let schemes = document()["components"]["securitySchemes"].as_object().expect("an object");
    for (_, item) in each(&document()["paths"]) {
        for (_, said) in each(item) {
            for (scheme, _) in said["security"].as_array().into_iter().flatten().flat_map(each) {
                assert!(schemes.contains_key(scheme), "{scheme}");
            }
        }
    }
}

#[test]
fn a_route_is_added_together_with_what_is_said_of_it_and_in_no_other_way() {
    let sources = concat!(env!("CARGO_MANIFEST_DIR"), "/src");
    let mut adding = Vec::new();
    let mut folders = vec![std::path::PathBuf::from(sources).join("http")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path())
        {
            if entry.is_dir() {
                folders.push(entry);
            } else if !entry.ends_with("openapi/tests.rs") {
                let text = std::fs::read_to_string(&entry).unwrap_or_default();
                adding.extend((0..text.matches(".route(").count()).map(|_| entry.clone()));
            }
        }
    }
    assert!(matches!(&adding[..], [one] if one.ends_with("openapi/mod.rs")), "{adding:?}");
}

#[test]
fn the_examples_of_commands_are_read_and_no_operation_is_missing() {
    for (op, text) in COMMANDS {
        let body: CommandBody = serde_json::from_str(text).unwrap_or_else(|error| panic!("{op}: {error}"));
        assert_eq!(command(text)["op"], op);
        let (wu, phone) = (OfficerId::parse("wu").expect("an id"), PhoneId::parse("d_1").expect("an id"));
        crate::http::commands::parse(&wu, &phone, body).unwrap_or_else(|(_, error)| panic!("{op}: {error}"));
    }
    // serde names every operation that it knows when it is given one that it does not.
    let unknown = serde_json::from_str::<wanglou_model::Op>(r#"{"op":"?"}"#)
        .expect_err("no such operation")
        .to_string();
    let known: BTreeSet<&str> = unknown.split('`').skip(3).step_by(2).collect();
    assert!(known.len() > 20, "{unknown}");
    // Those that people do not send as commands: by the command line, and by an operation of its own.
    let shown: BTreeSet<&str> = COMMANDS.iter().map(|(op, _)| *op).chain(["test_alarm", "export"]).collect();
    assert_eq!(known, shown);
}

#[test]
fn the_page_holds_every_operation_and_no_script() {
    let html = page::write(document());
    for (path, item) in each(&document()["paths"]) {
        for (method, said) in each(item) {
            let id = said["operationId"].as_str().expect("an id");
            assert!(html.contains(&format!("<article id=\"{id}\">")), "{method} {path}");
        }
    }
    assert!(
        !html.contains("<script")
            && !html.contains("style=")
            && !html.contains("http://")
            && !html.contains("onclick")
    );
}

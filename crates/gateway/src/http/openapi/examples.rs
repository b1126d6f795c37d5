//! Examples that a test holds to the code that reads them.

use serde_json::Value;

/// Each operation of a command, with a body.
pub(in crate::http) const COMMANDS: [(&str, &str); 27] = [
    ("accept", r#"{"cid":"018f-1","op":"accept","id":"al_7c2e","rev":3,"eta_s":180}"#),
    ("undo", r#"{"cid":"018f-2","op":"undo","id":"al_7c2e"}"#),
    ("decline", r#"{"cid":"018f-3","op":"decline","id":"al_7c2e","reason":"at another alarm"}"#),
    ("en_route", r#"{"cid":"018f-4","op":"en_route","id":"al_7c2e"}"#),
    ("arrive", r#"{"cid":"018f-5","op":"arrive","id":"al_7c2e"}"#),
    ("note", r#"{"cid":"018f-6","op":"note","id":"al_7c2e","text":"the lid is cracked"}"#),
    ("guard", r#"{"cid":"018f-7","op":"guard","id":"al_7c2e","photos":[]}"#),
    ("confirm", r#"{"cid":"018f-8","op":"confirm","id":"al_7c2e"}"#),
    ("investigate", r#"{"cid":"018f-9","op":"investigate","id":"al_7c2e"}"#),
    (
        "review",
        r#"{"cid":"018f-10","op":"review","id":"al_7c2e","outcome":"unfounded","note":"a bag in the wind"}"#,
    ),
    (
        "resolve",
        r#"{"cid":"018f-11","op":"resolve","id":"al_7c2e","outcome":"real","note":"new lid ordered"}"#,
    ),
    ("false_alarm", r#"{"cid":"018f-12","op":"false_alarm","id":"al_7c2e","note":"sensor knocked over"}"#),
    ("transfer", r#"{"cid":"018f-13","op":"transfer","id":"al_7c2e","to":"li","reason":"nearer"}"#),
    (
        "shelve",
        r#"{"cid":"018f-14","op":"shelve","id":"al_7c2e","until":"2026-03-02T12:00:00Z","reason":"works there"}"#,
    ),
    ("bulletin", r#"{"cid":"018f-27","op":"bulletin","id":"al_7c2e","name":"water-off"}"#),
    ("release", r#"{"cid":"018f-15","op":"release","id":"al_7c2e","reason":"the bike is out"}"#),
    (
        "report",
        r#"{"cid":"018f-16","op":"report","category":"broken_light","text":"dark stairs","place":"3/1"}"#,
    ),
    (
        "create",
        r#"{"cid":"018f-17","op":"create","incident":"lost_child","place":"3/1","text":"red coat, six years"}"#,
    ),
    (
        "away",
        r#"{"cid":"018f-18","op":"away","home":"3/2/1203","status":"away","until":"2026-03-09T12:00:00Z"}"#,
    ),
    ("consent", r#"{"cid":"018f-19","op":"consent","home":"3/2/1203","on":false}"#),
    ("permit", r#"{"cid":"018f-20","op":"permit","device":"cover-17","until":"2026-03-02T12:00:00Z"}"#),
    (
        "maintain",
        r#"{"cid":"018f-21","op":"maintain","device":"cover-17","until":"2026-03-02T12:00:00Z","reason":"being changed"}"#,
    ),
    ("end_maintenance", r#"{"cid":"018f-22","op":"end_maintenance","window":"018f-21"}"#),
    ("sign_on", r#"{"cid":"018f-23","op":"sign_on"}"#),
    ("sign_off", r#"{"cid":"018f-24","op":"sign_off"}"#),
    ("handover", r#"{"cid":"018f-25","op":"handover","to":"li"}"#),
    ("position", r#"{"cid":"018f-26","op":"position","place":"3/1"}"#),
];

/// The body of a command's example.
pub(in crate::http) fn command(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

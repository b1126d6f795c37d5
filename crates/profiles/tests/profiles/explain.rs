//! Why a message was understood as it was.

use crate::support::{message_set, received};
use wanglou_model::RawMessage;
use wanglou_profiles::{DecodeState, Explanation, ProfileSet};

const MESSAGE: &str = r#"
when = { at = "/type", is = "state" }
[[message.part]]
name = "frame"
from = "/data"
decode = ["base64", { bytes = { open = { at = 0, bit = 7 } } }]
[[message.ignore]]
when = { at = "/cmd", exists = true }
reason = "our own command"
[[message.rule]]
name = "door"
first_of = "door"
kind = "contact"
value.open = { at = ["/contact", "frame:/open"], polarity = "inverted" }
[[message.rule]]
name = "lamp"
when = [{ at = "/kind", in = ["lamp", 7] }, { not = { at = "/off", exists = true } }]
kind = "heartbeat"
[[message.rule]]
name = "past"
for_each = [{ name = "past", in = "/history" }]
kind = "temperature"
value.celsius = { at = "past:/t" }
"#;

fn explain(set: &ProfileSet, topic: &str, payload: &str) -> Explanation {
    let raw = RawMessage { topic, payload: payload.as_bytes(), at: received(), retain: false, dup: false };
    let (decoded, explanation) = set.explain(None, &raw, &mut DecodeState::default());
    assert_eq!(decoded, set.decode(&raw), "watching changes nothing");
    explanation
}

fn set() -> ProfileSet {
    let door = r#"{"type":"state","contact":false,"kind":"lamp","history":[{"t":1}]}"#;
    message_set(MESSAGE, &[door, r#"{"type":"state","cmd":1}"#])
}

#[test]
fn rules_that_spoke_say_where_their_values_came_from_and_the_others_why_not() {
    let payload = r#"{"type":"state","data":"gA==","kind":"fan","history":[{"x":1},{"t":"hot"}]}"#;
    let text = explain(&set(), "t/d", payload).to_string();
    let expected = r#"test "" (test.toml:5)
  part "frame": {"open":true,"@length":1}
  + "door" (line 17): a value of it is there: /contact or frame:/open is true
      open <- /contact or frame:/open: false
  - "lamp" (line 22): /kind is "fan", wanted: "lamp", 7
  - "past" #1 (line 26): no value of it is there: past:/t is absent
  + "past" #2 (line 26): a value of it is there: past:/t is "hot"
      celsius <- past:/t: unknown: "hot"
"#;
    assert_eq!(text, expected);
}

#[test]
fn a_message_that_is_not_this_one_or_is_ignored_says_by_what() {
    let set = set();
    let text = explain(&set, "t/d", r#"{"type":"config"}"#).to_string();
    assert!(text.contains(r#"not this message: /type is "config", wanted: "state""#), "{text}");
    let text = explain(&set, "t/d", r#"{"type":"state","cmd":1,"data":"?"}"#).to_string();
    assert!(text.contains("not base64 at byte 0") && text.contains("ignored: our own command"), "{text}");
    assert_eq!(explain(&set, "x", "{}").to_string(), "no profile has this topic\n");
}

#[test]
fn an_explanation_is_data_too_and_has_a_bound() {
    let payload = format!(r#"{{"type":"state","history":[{}1]}}"#, "1,".repeat(2000));
    let json = serde_json::to_value(explain(&set(), "t/d", &payload)).expect("JSON");
    let tried = &json["tried"][0];
    assert_eq!(tried["rules"].as_array().map(Vec::len), Some(500));
    assert_eq!(tried["left_out"], 2003 - 500);
    assert_eq!(tried["rules"][2]["element"], serde_json::json!([1]));
}

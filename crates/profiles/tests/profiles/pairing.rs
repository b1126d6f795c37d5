//! An end that leaves out what its beginning named.

use crate::support::{lines, message_set, profile_text, received, set_of, shown};
use wanglou_model::RawMessage;
use wanglou_profiles::{DecodeState, ProfileSet};

const RULES: &str = r#"device = "{/camera}"
pair = "/alarm"

[[message.rule]]
name = "object"
when = { at = "/type", is = "object" }
kind = "object"
value.class = { at = "/class", map = { car = "car", bike = "bicycle" } }
value.active = { at = "/on", polarity = "direct" }
value.zone = { at = "/zone" }
value.confidence = { at = "/score" }

[[message.rule]]
name = "fault"
when = { at = "/type", is = "fault" }
kind = "device_fault"
value.code = { at = "/code" }
value.active = { at = "/on", polarity = "direct" }
"#;

const BEGIN: &str =
    r#"{"alarm":"A-7","type":"object","camera":"east","class":"car","zone":"lane 2","score":0.9,"on":1}"#;
const FAULT: &str = r#"{"alarm":"F-1","type":"fault","camera":"east","code":"lens","on":1}"#;

fn set() -> ProfileSet {
    message_set(RULES, &[BEGIN, FAULT])
}

/// What these messages say one after the other.
fn told(set: &ProfileSet, state: &mut DecodeState, payloads: &[&str]) -> Vec<String> {
    let one = |payload: &&str| {
        let raw = RawMessage {
            topic: "t/d",
            payload: payload.as_bytes(),
            at: received(),
            retain: false,
            dup: false,
        };
        lines(set.decode_in(&raw, state).decoded).join(", ")
    };
    payloads.iter().map(one).collect()
}

#[test]
fn an_end_is_given_the_device_and_the_words_of_its_beginning() {
    let end = r#"{"alarm":"A-7","type":"object","on":0}"#;
    let all = told(&set(), &mut DecodeState::default(), &[BEGIN, end]);
    assert_eq!(
        all,
        [
            r#"object {"active":true,"class":"car","confidence":0.9,"zone":"lane 2"} of east"#,
            r#"object {"active":false,"class":"car","zone":"lane 2"} of east"#,
        ],
        "words alone: a number of the beginning says nothing of the end"
    );
}

#[test]
fn an_end_without_a_known_beginning_is_not_guessed() {
    let set = set();
    let mut state = DecodeState::default();
    told(&set, &mut state, &[BEGIN]);
    let of = |payload: &str| told(&set, &mut state.clone(), &[payload]).concat();
    assert!(of(r#"{"alarm":"A-8","type":"object","on":0}"#).contains("no device: /camera is absent"));
    assert!(of(r#"{"type":"object","on":0}"#).contains("no device"), "no pair, no memory");
    let without_class = of(r#"{"alarm":"A-9","type":"object","camera":"east","on":0}"#);
    assert!(without_class.contains("object.class: absent"), "{without_class}");
    let other_kind = of(r#"{"alarm":"A-7","type":"fault","on":0}"#);
    assert_eq!(
        other_kind, r#"device_fault {"active":false} of east"#,
        "words of another kind are not its own"
    );
}

#[test]
fn what_a_message_says_itself_is_never_replaced() {
    let set = set();
    let own = r#"{"alarm":"A-7","type":"object","camera":"west","class":"bike","zone":"","on":0}"#;
    let strange = r#"{"alarm":"A-7","type":"object","class":"tank","on":0}"#;
    let no_flag = r#"{"alarm":"A-7","type":"object"}"#;
    let mut state = DecodeState::default();
    let all = told(&set, &mut state, &[BEGIN, own]);
    assert_eq!(all[1], r#"object {"active":false,"class":"bicycle","zone":""} of west"#);
    let all = told(&set, &mut DecodeState::default(), &[BEGIN, strange, no_flag]);
    assert!(all[1].contains("unknown") && !all[1].contains("object {"), "{}", all[1]);
    assert!(all[2].starts_with("unknown"), "a flag is not remembered: {}", all[2]);
}

#[test]
fn another_profile_s_pair_is_another_pair_and_a_snapshot_keeps_them() {
    let set = set();
    let mut state = DecodeState::default();
    told(&set, &mut state, &[BEGIN]);
    let kept = serde_json::to_string(&state).expect("serialises");
    let mut state: DecodeState = serde_json::from_str(&kept).expect("reads");
    let end = r#"{"alarm":"A-7","type":"object","on":0}"#;
    assert!(told(&set, &mut state, &[end])[0].ends_with(" of east"));
    let toml = profile_text(RULES, &[BEGIN, FAULT]).replacen("name = \"test\"", "name = \"other\"", 1);
    let other = set_of(&toml).unwrap_or_else(|faults| panic!("{}", shown(&faults)));
    assert!(told(&other, &mut state, &[end])[0].contains("no device"));
}

#[test]
fn an_explanation_says_what_came_from_the_beginning() {
    let set = set();
    let mut state = DecodeState::default();
    told(&set, &mut state, &[BEGIN]);
    let payload = br#"{"alarm":"A-7","type":"object","on":0}"#;
    let raw = RawMessage { topic: "t/d", payload, at: received(), retain: false, dup: false };
    let (_, explanation) = set.explain(None, &raw, &mut state);
    let text = explanation.to_string();
    assert!(text.contains("zone <- an earlier message of the pair: \"lane 2\""), "{text}");
}

//! What a changed profile would make of messages that came in earlier, against what is made of them now.

use serde::Serialize;
use std::sync::Arc;
use wanglou_model::{Decoded, RawMessage};
use wanglou_profiles::{DecodeState, ProfileSet};

/// Examples that are kept of each difference.
const EXAMPLES_MAX: usize = 5;
/// Of a payload an example shows so many bytes.
const SHOWN_BYTES: usize = 300;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Nobody understood it, and now somebody does.
    NewlyUnderstood,
    /// Understood before and now, otherwise.
    Changed,
    /// Understood before, and not any more.
    NoLongerUnderstood,
}

/// A message with another outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Example {
    /// Its topic.
    pub topic: String,
    /// Its beginning.
    pub payload: String,
    /// What is made of it now.
    pub before: String,
    /// What would be.
    pub after: String,
}

/// How many, and some of them: each from another topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// Messages.
    pub count: u64,
    /// The first ones.
    pub examples: Vec<Example>,
}

/// Everything that was compared.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Comparison {
    /// Messages that were decoded both ways.
    pub messages: u64,
    /// See [`Difference::NewlyUnderstood`].
    pub newly_understood: Found,
    /// See [`Difference::Changed`].
    pub changed: Found,
    /// See [`Difference::NoLongerUnderstood`].
    pub no_longer_understood: Found,
}

/// Compares message by message. Each side remembers on its own what earlier messages told.
#[derive(Debug)]
pub struct Comparing {
    sides: [(Arc<ProfileSet>, DecodeState); 2],
    found: Comparison,
}

impl Comparing {
    /// From the profiles of now to those that would be.
    pub fn new(before: Arc<ProfileSet>, after: Arc<ProfileSet>) -> Self {
        let sides = [before, after].map(|profiles| (profiles, DecodeState::default()));
        Self { sides, found: Comparison::default() }
    }

    /// Decodes a message both ways.
    pub fn message(&mut self, raw: &RawMessage<'_>) {
        self.found.messages += 1;
        let [before, after] = self.sides.each_mut().map(|(set, state)| set.decode_in(raw, state).decoded);
        let difference = match (is_understood(&before), is_understood(&after)) {
            (false, true) => Difference::NewlyUnderstood,
            (true, false) => Difference::NoLongerUnderstood,
            (true, true) if before != after => Difference::Changed,
            (true, true) | (false, false) => return,
        };
        let found = match difference {
            Difference::NewlyUnderstood => &mut self.found.newly_understood,
            Difference::Changed => &mut self.found.changed,
            Difference::NoLongerUnderstood => &mut self.found.no_longer_understood,
        };
        found.count += 1;
        let known = found.examples.iter().any(|example| example.topic == raw.topic);
        if !known && found.examples.len() < EXAMPLES_MAX {
            let payload = &raw.payload[..raw.payload.len().min(SHOWN_BYTES)];
            found.examples.push(Example {
                topic: raw.topic.to_owned(),
                payload: String::from_utf8_lossy(payload).into_owned(),
                before: in_words(&before),
                after: in_words(&after),
            });
        }
    }

    /// What was found.
    pub fn end(self) -> Comparison {
        self.found
    }
}

fn is_understood(decoded: &Decoded) -> bool {
    match decoded {
        Decoded::Observations(_) | Decoded::Ignored(_) => true,
        Decoded::Unmatched(_) | Decoded::Rejected { .. } => false,
    }
}

/// As `wanglou decode` prints it.
fn in_words(decoded: &Decoded) -> String {
    match decoded {
        Decoded::Observations(all) => {
            all.iter().filter_map(|one| serde_json::to_string(one).ok()).collect::<Vec<_>>().join(" ")
        }
        Decoded::Ignored(why) => format!("ignored: {why}"),
        Decoded::Unmatched(why) => format!("unmatched: {why}"),
        Decoded::Rejected { reason, .. } => format!("rejected: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wanglou_model::Timestamp;

    fn set(topic: &str, pointer: &str) -> Arc<ProfileSet> {
        let text = format!(
            "format = 1\nname = \"p\"\ntitle = \"p\"\ntitle_zh = \"p\"\nlane = \"alarm\"\n[[message]]\ntopic = \"{topic}/{{d}}\"\ndevice = \"{{d}}\"\n[[message.rule]]\nname = \"r\"\nkind = \"leak\"\nvalue.wet = {{ at = \"{pointer}\", polarity = \"direct\" }}\n[[example]]\ntopic = \"{topic}/1\"\npayload = '{{\"{0}\":true}}'\nexpect = [{{ device = \"1\", kind = \"leak\", value = {{ wet = true }} }}]\n",
            &pointer[1..]
        );
        Arc::new(ProfileSet::compile(&[("p.toml".to_owned(), text.into_bytes())].into()).expect("compiles"))
    }

    #[test]
    fn each_message_is_counted_once_for_what_became_of_it() {
        let mut comparing = Comparing::new(set("old/{x}", "/a"), set("{any}/new", "/b"));
        let mut say = |topic: &str, payload: &str| {
            let (payload, at) = (payload.as_bytes(), Timestamp(1_772_413_200_000_000));
            comparing.message(&RawMessage { topic, payload, at, retain: false, dup: false });
        };
        say("old/x/1", r#"{"a":true}"#);
        say("z/new/1", r#"{"b":true}"#);
        say("z/new/1", r#"{"b":false}"#);
        say("old/new/1", r#"{"a":true,"b":false}"#);
        say("nobody", "{}");
        let found = comparing.end();
        assert_eq!(found.messages, 5);
        let count = |found: &Found| (found.count, found.examples.len());
        assert_eq!(count(&found.newly_understood), (2, 1), "one example for each topic");
        assert_eq!(count(&found.changed), (1, 1));
        assert_eq!(count(&found.no_longer_understood), (1, 1));
        let changed = &found.changed.examples[0];
        assert!(
            changed.before.contains("\"wet\":true") && changed.after.contains("\"wet\":false"),
            "{changed:?}"
        );
    }
}

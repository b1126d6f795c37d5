//! From a vendor's bytes to observations, driven by declarative profile files.
//!
//! A profile is one TOML file that a property manager can read: which topics it understands, where in the body
//! a value stands, what it means. Files are compiled once into plans ([`ProfileSet::compile`]); decoding a
//! message then walks its bytes once, keeps only what a rule asks for, and builds no tree of the body.
//!
//! Not here: no IO, no clock, no registry. A device that nobody registered decodes like any other; whether it
//! matters is for the engine. Data comes from the gateway (topic, payload, receive time) and goes to the engine
//! as [`wanglou_model::Decoded`].
//!
//! # The language, `format = 1`
//!
//! ```toml
//! format = 1
//! name = "acme"                                # as the device list uses it
//! title = "Acme door contacts"
//! title_zh = "Acme 门磁"
//! lane = "alarm"                               # or "bulk", what holds without it
//! [liveness]
//! interval_s = 3600                            # optional: how often a device speaks when nothing happens
//!
//! [[message]]                                  # some topics, and what their bodies mean
//! topic = "acme/{site}/{device...}/state"      # or a list; {one} level, {many...} levels
//! when = { at = "/type", is = "state" }        # optional: otherwise another message may have it
//! body = "json"                                # or "text", "json_or_text": then "" is the pointer of the text
//! device = "{device}"                          # captures, pointers "{/dev/sn|/serial}", words
//! time = { at = "/ts", as = ["epoch_ms", "rfc3339"] }
//! event = ["/id", "/eventId"]                  # the vendor's id of the event
//! sequence = "/n"
//! evidence = "/picUrl"
//! repeats = "count"                            # or "state", or { within_s = 1.5 }
//! retained = "state"                           # or "ignore"
//! replayed = { at = "/stored", polarity = "direct" }
//! test = false
//! otherwise = { heartbeat = true }             # or { ignore = "why" }, { unmatched = "why" }, { unknown = "/x" }
//!
//! [[message.ignore]]                           # before any rule
//! when = { at = "/cmd", exists = true }
//! reason = "our own command"
//!
//! [[message.rule]]                             # one observation each; every rule that has something to say
//! name = "door"
//! when = { not = { at = "/kind", in = ["lamp", "fan"] } } # without it: when any of its fields is present
//! kind = "contact"                             # a kind of the vocabulary
//! value.open = { at = ["/contact", "/door"], polarity = "inverted" }
//! beside = false                               # true: alone it does not make the message understood
//!
//! [[message.rule]]
//! name = "stored openings"
//! for_each = [{ name = "past", in = "/history" }]   # up to two levels, the second one in = "past:/hits"
//! kind = "contact"
//! value.open = { at = "past:/state", true = ["open", 1], false = ["close", 0] }
//! time = { at = "past:/t", as = "epoch_s" }    # a rule may say its own device, time, event, evidence…
//! replayed = true
//!
//! [[example]]                                  # at least one for each rule and ignore clause
//! topic = "acme/7/front/state"
//! payload = '''{"type":"state","contact":false}'''
//! expect = [{ device = "front", kind = "contact", value = { open = true } }] # or ignored, unmatched, rejected = "part"
//! ```
//!
//! | where | keys |
//! |---|---|
//! | value | a pointer, `word:/pointer` (element of a `for_each`, or part), `word:@key`, `{capture}`; a list: the first that is present |
//! | condition | `at` with `exists`, `null`, `empty`, `type`, `is`, `in`, `starts_with`, `ends_with`, `contains`, `matches`, `has`, `bit`, `above`, `at_least`, `below`, `at_most`; `case = "ignore"`; `all`, `any`, `not`; a list means `all` |
//! | any field | `at`, or `of` with a map by several inputs; `unknown_when = [-1, "undefined"]`; `null = "absent"` (else null is unknown); `map = { "37" = "ebike" }` with `case`; `decode` |
//! | true or false | `polarity` (also by model), or `true` and `false`, which are mandatory; `bit` |
//! | number | `unit`, or `scale` and `offset`; `abs`, `min`, `max` |
//! | text | `hash` |
//! | picture | `inline` |
//! | time | `as` = `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`, `epoch`, `age_s`, `rfc3339`, `pattern` with `pattern` and `zone`; a list is tried in order; or `fields` with `zone` |
//! | rule | `first_of`: of a group the first one that speaks; `for_each` with `in` (a list) or `entries` (an object) |
//! | part, body | `decode`, `body`: stages `json`, `text`, `base64`, `hex`, `gzip`, `xml`, `senml`, `sparkplug_b`, `hj212`, and tables `split`, `pairs`, `cut`, `bytes`, `items`, `bits` |
//!
//! All of it, for people who write profiles: `docs/profiles.md`. Later formats add keys and decoders; a file of
//! `format = 1` keeps its meaning.
//!
//! # The code
//!
//! | where | what |
//! |---|---|
//! | `json` | one pass over the text, driven by a trie of pointers |
//! | `topic` | patterns, captures, MQTT filters, lookup |
//! | `kinds` | the vocabulary as a schema: which kind has which fields |
//! | `compile` | TOML to plans, every fault with file, key path and line |
//! | `chain` | documents inside of values: base64, XML, bytes, Sparkplug B… |
//! | `decode` | plans and a message to observations |
//! | `state` | what decoding remembers between messages |
//! | `blob` | pictures that stand inside of messages |
//! | `explain` | why a message was understood as it was |
//! | `canonical` | the native decoder of Wanglou's own format |

mod blob;
mod canonical;
mod chain;
mod compile;
mod decode;
mod explain;
mod fault;
mod json;
mod kinds;
mod limits;
mod plan;
mod samples;
mod set;
mod state;
mod time;
mod topic;
mod value;

pub use blob::Blob;
pub use explain::{Explanation, PartTried, RuleTried, Tried, ValueTried};
pub use fault::Fault;
pub use set::{Decoding, Profile, ProfileSet, Subscription};
pub use state::DecodeState;
pub use topic::Lane;

#[cfg(test)]
mod tests {
    use crate::ProfileSet;

    /// The profile in this crate's documentation.
    fn documented() -> String {
        let lines = include_str!("lib.rs").lines().skip_while(|line| *line != "//! ```toml").skip(1);
        let lines = lines.take_while(|line| *line != "//! ```");
        lines.map(|line| line.trim_start_matches("//!").to_owned() + "\n").collect()
    }

    #[test]
    fn the_documented_profile_compiles_but_for_examples_that_it_leaves_out() {
        let files = [("doc.toml".to_owned(), documented().into_bytes())].into();
        let faults = ProfileSet::compile(&files).expect_err("two examples lack");
        assert!(faults.iter().all(|fault| fault.message.starts_with("no example reaches")), "{faults:?}");
        assert_eq!(faults.len(), 2, "{faults:?}");
    }
}

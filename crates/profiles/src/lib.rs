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
//! | where | what |
//! |---|---|
//! | `json` | one pass over the text, driven by a trie of pointers |
//! | `topic` | patterns, captures, MQTT filters, lookup |
//! | `kinds` | the vocabulary as a schema: which kind has which fields |
//! | `compile` | TOML to plans, every fault with file, key path and line |
//! | `decode` | plans and a message to observations |
//! | `canonical` | the native decoder of Wanglou's own format |

mod canonical;
mod compile;
mod decode;
mod fault;
mod json;
mod kinds;
mod limits;
mod plan;
mod samples;
mod set;
mod time;
mod topic;
mod value;

pub use fault::Fault;
pub use set::{Profile, ProfileSet, Subscription};
pub use topic::Lane;

//! What decoding one message gives: the contract between the profiles and everything that uses them.

use crate::{Observation, Timestamp};

/// One message as it came, before anybody understood it.
#[derive(Debug, Clone, Copy)]
pub struct RawMessage<'a> {
    /// The MQTT topic.
    pub topic: &'a str,
    /// The payload, byte for byte.
    pub payload: &'a [u8],
    /// When the gateway received it.
    pub at: Timestamp,
    /// The broker marked it as retained: it sets state, it is no edge and no sign of life.
    pub retain: bool,
    /// The broker marked it as delivered before.
    pub dup: bool,
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Decoded {
    /// It says these things; at least one.
    Observations(Vec<Observation>),
    /// It is understood, and nothing in it is kept; with the reason.
    Ignored(String),
    /// No profile knows it: to quarantine, for the property manager to wire in.
    Unmatched(String),
    /// A profile knows it and it is malformed: to quarantine, with the reason.
    Rejected {
        /// The profile whose rule matched.
        profile: String,
        /// What is wrong with it, for a person.
        reason: String,
    },
}

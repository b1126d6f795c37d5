//! Why a text is no JSON, or not JSON that can be relied on.

use crate::limits::DEPTH_MAX;
use std::fmt;

/// Why a text is refused, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Offset of the byte where it goes wrong, from 0.
    pub(crate) at: usize,
    /// What is wrong there.
    pub(crate) what: What,
}

/// What can be wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The text ends in the middle of a value.
    Ended,
    /// Something else should stand here.
    Expected(&'static str),
    /// A control character inside a string.
    Control(u8),
    /// Deeper than [`DEPTH_MAX`].
    TooDeep,
    /// A key that a rule reads, twice in one object.
    Twice(String),
    /// A key that this format does not have.
    Unknown(String),
    /// Something after the end of the body.
    Trailing,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        match &self.what {
            What::Ended => write!(f, "not JSON: the text ends at byte {at}, in the middle of a value"),
            What::Expected(what) => write!(f, "not JSON: {what} expected at byte {at}"),
            What::Control(0) => write!(f, "not JSON: a NUL at byte {at}"),
            What::Control(byte) => write!(f, "not JSON: control character {byte:#04x} at byte {at}"),
            What::TooDeep => write!(f, "nested deeper than {DEPTH_MAX} levels at byte {at}"),
            What::Twice(key) => write!(f, "the key {key:?} occurs twice in one object, at byte {at}"),
            What::Unknown(key) => write!(f, "there is no field {key:?} (at byte {at})"),
            What::Trailing => write!(f, "not JSON: something follows the end of the body at byte {at}"),
        }
    }
}

//! Decoders of this crate's own, by name: for formats that a mapping cannot express, because a value depends on
//! another record, on an earlier message, or on a check sum.
//!
//! Each one turns bytes into a JSON document; rules then read that document as any other. To add one: a file
//! beside this one with a function of the type [`Decode`], its line in [`ALL`], its tests in that file, its
//! paragraph in `docs/profiles.md`. It must be pure: time comes as `context.at`, what earlier messages told lives
//! in [`DecodeState`](crate::DecodeState), with a bound. It must stop at the bound of its [`Out`](super::Out), and
//! take time in proportion to its input.

use super::{Context, hj212, senml, sparkplug};

/// From bytes to a JSON document.
pub(crate) type Decode = fn(&[u8], &mut Context<'_>) -> Result<Vec<u8>, String>;

/// A decoder and its name in profiles.
#[derive(Debug)]
pub(crate) struct Native {
    pub(crate) name: &'static str,
    pub(crate) decode: Decode,
}

/// All of them.
pub(crate) const ALL: &[Native] = &[
    Native { name: "senml", decode: senml::decode },
    Native { name: "sparkplug_b", decode: sparkplug::decode },
    Native { name: "hj212", decode: hj212::decode },
];

/// The decoder of that name.
pub(crate) fn named(name: &str) -> Option<&'static Native> {
    ALL.iter().find(|native| native.name == name)
}

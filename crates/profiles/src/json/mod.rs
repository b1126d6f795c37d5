//! One pass over a JSON text that checks all of it and keeps only what somebody asked for.
//!
//! A [`Trie`] of JSON Pointers says which values matter; [`scan`] walks the text, validates every byte of it
//! (RFC 8259, at most [`DEPTH_MAX`](crate::limits::DEPTH_MAX) deep) and puts a borrowed [`Token`] into the slot
//! of each pointer. Nothing is copied, nothing is built, whatever no pointer names is skipped. Numbers keep
//! their text, so that an id of 20 digits survives. A key that a pointer goes through must not occur twice in
//! its object: which of the two values counts would be a guess.

mod lex;
mod malformed;
mod scan;
#[cfg(test)]
mod tests;
mod token;
mod trie;

pub(crate) use malformed::Malformed;
pub(crate) use scan::{Elements, scan};
pub(crate) use token::{Token, TokenKind};
pub(crate) use trie::{Pointer, Trie};

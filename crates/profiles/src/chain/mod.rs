//! From bytes to a document or a text, stage by stage: what is inside a value that is no JSON by itself.
//!
//! Every stage that makes a document writes JSON, so that pointers, conditions and `for_each` work in it as they
//! do in a body that was JSON from the beginning. What all stages of a message put out together has a bound
//! ([`decoded_bytes_max`](crate::limits::decoded_bytes_max)); what is over it is refused.

mod bytes;
mod cut;
mod encoding;
mod gzip;
mod hj212;
pub(crate) mod native;
mod out;
mod pairs;
mod senml;
pub(crate) mod sparkplug;
#[cfg(test)]
mod tests;
mod xml;

use crate::blob::Pictures;
use crate::json::Token;
use crate::limits::decoded_bytes_max;
use crate::state::DecodeState;
pub(crate) use bytes::{ByteField, ByteRead, Item, Number, whole as whole_of_text};
pub(crate) use cut::Cut;
pub(crate) use encoding::{base64, hex};
pub(crate) use native::Native;
pub(crate) use out::Out;
pub(crate) use pairs::Pairs;
use std::borrow::Cow;
use wanglou_model::{Evidence, RawMessage, Timestamp};

/// What is done to bytes on their way to a document or a text, in order.
#[derive(Debug, Clone)]
pub(crate) struct Chain(pub(crate) Vec<Stage>);

/// One step of it.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// The text is JSON.
    Json,
    /// The text is JSON if it begins with a brace or bracket.
    JsonOrText,
    /// The bytes are UTF-8.
    Text,
    /// RFC 4648, both alphabets, padded or not.
    Base64,
    /// Hexadecimal digits, with or without 0x and separators.
    Hex,
    /// RFC 1952.
    Gzip,
    /// Elements become keys.
    Xml,
    /// A text between separators becomes a list.
    Split(Vec<String>),
    /// `key=value;key=value` becomes an object.
    Pairs(Pairs),
    /// A part of the bytes.
    Cut(Cut),
    /// Numbers, bits and texts at fixed places become an object.
    Bytes(Vec<ByteField>),
    /// Tag and value, again and again, become an object.
    Items { tag_bytes: usize, items: Vec<Item> },
    /// Bits of a whole number become true and false.
    Bits(Vec<(String, u8)>),
    /// A decoder of this crate's own.
    Native(&'static Native),
}

/// What the stages may use of what surrounds them.
pub(crate) struct Context<'c> {
    /// What earlier messages told.
    pub(crate) state: &'c mut DecodeState,
    pub(crate) topic: &'c str,
    /// When the message was received.
    pub(crate) at: Timestamp,
    /// Pictures that were taken out.
    pub(crate) pictures: Pictures,
    /// Bytes that the message's stages may still put out.
    left: usize,
}

impl<'c> Context<'c> {
    /// For a message with a body of so many bytes.
    pub(crate) fn of(message: &RawMessage<'c>, state: &'c mut DecodeState) -> Self {
        let left = decoded_bytes_max(message.payload.len());
        Self { state, topic: message.topic, at: message.at, pictures: Pictures::default(), left }
    }

    /// An address, or the picture itself, in base64.
    pub(crate) fn picture(&mut self, token: &Token<'_>) -> Option<Evidence> {
        self.pictures.take(token, &mut self.left)
    }

    /// A place for so many bytes at most.
    fn out(&self) -> Out {
        Out::with_limit(self.left)
    }

    fn spend(&mut self, bytes: usize) -> Result<(), String> {
        self.left = self.left.checked_sub(bytes).ok_or_else(out::too_much)?;
        Ok(())
    }
}

/// What a chain gives.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    pub(crate) text: Cow<'a, str>,
    /// It is a document, not a text.
    pub(crate) json: bool,
}

/// Runs a chain.
///
/// # Errors
/// What is wrong at which stage, in words.
pub(crate) fn run<'a>(
    chain: &Chain,
    input: Cow<'a, [u8]>,
    context: &mut Context<'_>,
) -> Result<Content<'a>, String> {
    let mut bytes = input;
    let mut json = false;
    for stage in &chain.0 {
        (bytes, json) = one(stage, bytes, context)?;
    }
    Ok(Content { text: text(bytes)?, json })
}

fn one<'a>(
    stage: &Stage,
    bytes: Cow<'a, [u8]>,
    context: &mut Context<'_>,
) -> Result<(Cow<'a, [u8]>, bool), String> {
    let made = match stage {
        Stage::Json => return Ok((bytes, true)),
        Stage::JsonOrText => {
            let json = bytes.trim_ascii_start().first().is_some_and(|first| matches!(first, b'{' | b'['));
            return Ok((bytes, json));
        }
        Stage::Text => return text(bytes).map(|text| (into_bytes(text), false)),
        Stage::Cut(cut) => return cut.of(bytes).map(|bytes| (bytes, false)),
        Stage::Base64 => (encoding::base64(&bytes)?, false),
        Stage::Hex => (encoding::hex(&bytes)?, false),
        Stage::Gzip => (gzip::inflate(&bytes, context.left)?, false),
        Stage::Xml => (xml::to_json(utf8(&bytes)?, context.out())?, true),
        Stage::Split(separators) => (pairs::split(utf8(&bytes)?, separators, context.out())?, true),
        Stage::Pairs(pairs) => (pairs.to_json(utf8(&bytes)?, context.out())?, true),
        Stage::Bytes(fields) => (bytes::to_json(&bytes, fields, context.out())?, true),
        Stage::Items { tag_bytes, items } => {
            (bytes::items_to_json(&bytes, *tag_bytes, items, context.out())?, true)
        }
        Stage::Bits(bits) => (bytes::bits_to_json(utf8(&bytes)?, bits, context.out())?, true),
        Stage::Native(native) => ((native.decode)(&bytes, context)?, true),
    };
    context.spend(made.0.len())?;
    Ok((Cow::Owned(made.0), made.1))
}

/// The bytes as text, without a byte order mark.
fn utf8(bytes: &[u8]) -> Result<&str, String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Err(error) => Err(format!("not UTF-8 at byte {}", error.valid_up_to())),
    }
}

fn text(bytes: Cow<'_, [u8]>) -> Result<Cow<'_, str>, String> {
    match bytes {
        Cow::Borrowed(bytes) => utf8(bytes).map(Cow::Borrowed),
        Cow::Owned(bytes) => match String::from_utf8(bytes) {
            Ok(mut text) => {
                if text.starts_with('\u{feff}') {
                    text.drain(..'\u{feff}'.len_utf8());
                }
                Ok(Cow::Owned(text))
            }
            Err(error) => Err(format!("not UTF-8 at byte {}", error.utf8_error().valid_up_to())),
        },
    }
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

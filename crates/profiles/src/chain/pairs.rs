//! Texts with separators: lists, and keys with values.

use super::Out;

/// How a text of keys and values is written.
#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    /// What stands between two pairs.
    pub(crate) separators: Vec<String>,
    /// What stands between a key and its value.
    pub(crate) equals: String,
    /// The value of this key goes on to the end of the text, whatever stands in it.
    pub(crate) last: Option<String>,
}

impl Pairs {
    /// An object of texts. White space around keys and values is cut off; a piece without a value is skipped.
    ///
    /// # Errors
    /// When it becomes too long.
    pub(super) fn to_json(&self, text: &str, mut out: Out) -> Result<Vec<u8>, String> {
        out.raw("{");
        let mut rest = Some(text);
        while let Some(all) = rest {
            let (piece, after) = next(all, &self.separators);
            rest = after.filter(|_| !out.is_over());
            let Some((key, mut value)) = piece.split_once(self.equals.as_str()) else { continue };
            let key = key.trim();
            if self.last.as_deref() == Some(key) {
                value = &all[piece.len() - value.len()..];
                rest = None;
            }
            out.key(key);
            out.quoted(value.trim());
        }
        out.raw("}");
        out.finish()
    }
}

/// The pieces of a text as a list of texts, white space around them cut off.
///
/// # Errors
/// When it becomes too long.
pub(super) fn split(text: &str, separators: &[String], mut out: Out) -> Result<Vec<u8>, String> {
    out.raw("[");
    let mut rest = Some(text);
    while let Some(all) = rest {
        let (piece, after) = next(all, separators);
        rest = after.filter(|_| !out.is_over());
        out.comma();
        out.quoted(piece.trim());
    }
    out.raw("]");
    out.finish()
}

/// The text before the first separator, and the text behind it.
fn next<'t>(text: &'t str, separators: &[String]) -> (&'t str, Option<&'t str>) {
    let bytes = text.as_bytes();
    for at in 0..bytes.len() {
        // A separator that begins another one has been put behind it.
        let found = separators.iter().find(|separator| bytes[at..].starts_with(separator.as_bytes()));
        if let Some(separator) = found {
            return (&text[..at], Some(&text[at + separator.len()..]));
        }
    }
    (text, None)
}

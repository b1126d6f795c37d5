//! Ids and names, checked where they are read.

use crate::fault::{At, Faults};
use wanglou_model::{IdError, Text};

/// Longest name, in characters: it has to fit on a phone.
const NAME_CHARS_MAX: usize = 60;

/// Parses an id, or says what is wrong with it.
pub(crate) fn id<T>(
    parse: impl Fn(&str) -> Result<T, IdError>,
    text: &str,
    at: &At,
    faults: &mut Faults,
) -> Option<T> {
    parse(text).map_err(|error| faults.error(at, error.to_string())).ok()
}

/// A name in both languages; one that is missing takes the other's place.
pub(crate) fn name_text(zh: &str, en: &str, at: &At, faults: &mut Faults) -> Option<Text> {
    if zh.is_empty() && en.is_empty() {
        faults.error(at, "needs a name, in Chinese, English or both");
        return None;
    }
    for name in [zh, en] {
        if let Some(message) = name_fault(name) {
            faults.error(at, message);
            return None;
        }
    }
    let or = |name: &str, other: &str| if name.is_empty() { other.to_owned() } else { name.to_owned() };
    Some(Text { zh: or(zh, en), en: or(en, zh) })
}

/// What is wrong with a name that goes to screens, without quoting it: it may be a person's.
pub(crate) fn name_fault(name: &str) -> Option<String> {
    let length = name.chars().count();
    if length > NAME_CHARS_MAX {
        return Some(format!("has {length} characters, more than the {NAME_CHARS_MAX} that fit on a phone"));
    }
    let invisible =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    name.chars().any(invisible).then(|| "holds an invisible control character; type it anew".to_owned())
}

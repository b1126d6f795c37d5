//! Values that nobody shall read, taken out of what people are shown: raw values and reasons.

use super::Frames;
use crate::plan::Redact;

/// What stands in the place of such a value.
const REDACTED: &str = "(redacted)";

/// A text for people without them.
pub(super) fn without(redact: &Redact, frames: &Frames<'_, '_>, text: String) -> String {
    let secrets = redact.at.iter().map(|at| frames.token(*at).text).filter(|secret| !secret.is_empty());
    let text = secrets.fold(text, |text, secret| {
        let shown = text.replace(secret, REDACTED);
        // A text that was cut may hold the beginning of one.
        match shown.contains("… (") {
            true => shown.split(" is ").next().unwrap_or_default().to_owned() + " is " + REDACTED,
            false => shown,
        }
    });
    redact.keys.iter().fold(text, |text, key| without_key(key, text))
}

/// Without the values of a key, wherever they stand in the text, and without what a pointer to that key gave.
fn without_key(key: &str, text: String) -> String {
    if let Some((pointers, _)) = text.split_once(" is ")
        && pointers.split([' ', ',']).any(|pointer| pointer.rsplit('/').next() == Some(key))
    {
        return format!("{pointers} is {REDACTED}");
    }
    let needle = format!("\"{key}\"");
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text.as_str());
    while let Some(at) = rest.find(&needle) {
        let (before, after) = rest.split_at(at + needle.len());
        shown.push_str(before);
        rest = after;
        let Some(value) = after.trim_start().strip_prefix(':').map(str::trim_start) else { continue };
        shown.push(':');
        shown.push_str(REDACTED);
        rest = &value[end_of(value)..];
    }
    if shown.is_empty() {
        return text;
    }
    shown.push_str(rest);
    shown
}

/// Where a JSON value at the beginning of a text ends; the text may have been cut inside of it.
fn end_of(value: &str) -> usize {
    let (mut depth, mut inside, mut escaped) = (0_usize, false, false);
    for (at, byte) in value.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' if inside && depth == 0 => return at + 1,
            b'"' => inside = !inside,
            _ if inside => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 1 => return at + 1,
            b',' | b'}' | b']' if depth == 0 => return at,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_hidden_wherever_it_stands_also_where_the_text_was_cut() {
        for (text, shown) in [
            (r#"/list is [{"name":"Wang","n":1},{"name" : "L\"i","n":2}]"#, None),
            (r#"the body: {"a":[{"name":{"first":"W","x":[1]}}],"b":"name"}"#, None),
            (r#"the body: {"name":12,"n":3}"#, None),
            (
                r#"the body: {"n":3,"name":"Wang Fa… (900 bytes)"#,
                Some(r#"the body: {"n":3,"name":(redacted)"#),
            ),
            (
                "contact.open: hit:/person/name is \"Wang\"",
                Some("contact.open: hit:/person/name is (redacted)"),
            ),
            ("contact.open: /a or /name is 7", Some("contact.open: /a or /name is (redacted)")),
            ("contact.open: /names is 7", Some("contact.open: /names is 7")),
        ] {
            let found = without_key("name", text.to_owned());
            assert!(!found.contains("Wang") && !found.contains("L\\") && !found.contains("12"), "{found}");
            assert!(shown.is_none_or(|shown| shown == found), "{found}");
        }
        let kept = r#"the body: {"a":[{"name":(redacted)}],"b":"name"}"#;
        assert_eq!(
            without_key("name", r#"the body: {"a":[{"name":{"x":[1]}}],"b":"name"}"#.to_owned()),
            kept
        );
    }
}

//! What stands where in a JSON body.

use serde_json::Value;

/// Values that are looked at; a body with more is no sensor's state.
const LEAVES_MAX: usize = 200;
/// How deep values are looked for.
const DEPTH_MAX: usize = 6;

/// A value that holds no others, and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Leaf {
    /// Such as `/data/contact`.
    pub(super) pointer: String,
    /// Its key in lower-case letters and digits, for comparing.
    pub(super) key: String,
    /// Itself.
    pub(super) value: Value,
}

/// The values of a body, in the order in which they stand; lists are left out, since nobody can say from one sample
/// what their elements are.
pub(super) fn leaves(body: &Value) -> Vec<Leaf> {
    let mut found = Vec::new();
    walk(body, "", "", 0, &mut found);
    found
}

fn walk(value: &Value, pointer: &str, key: &str, depth: usize, found: &mut Vec<Leaf>) {
    if depth > DEPTH_MAX || found.len() >= LEAVES_MAX {
        return;
    }
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                walk(value, &format!("{pointer}/{escaped}"), name, depth + 1, found);
            }
        }
        Value::Array(_) => {}
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            found.push(Leaf { pointer: pointer.to_owned(), key: plain(key), value: value.clone() });
        }
    }
}

/// A key without case, blanks, underscores and hyphens.
pub(super) fn plain(key: &str) -> String {
    key.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_pointer_and_lists_are_left_alone() {
        let body = serde_json::json!({"a/b": {"Door_Open": true}, "list": [1], "n": null});
        let found: Vec<_> = leaves(&body).into_iter().map(|leaf| (leaf.pointer, leaf.key)).collect();
        let expected = [("/a~1b/Door_Open", "dooropen"), ("/n", "n")];
        assert_eq!(found, expected.map(|(pointer, key)| (pointer.to_owned(), key.to_owned())));
    }
}

//! JSON and texts as a TOML file has them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A text in quotes.
pub(super) fn text(text: &str) -> String {
    toml::Value::String(text.replace('\n', " ")).to_string()
}

/// `payload = '''…'''`, or in base64 what would not come out of that as it is.
pub(super) fn payload(payload: &[u8]) -> String {
    let odd = |c: char| c.is_control() && c != '\t' && c != '\n';
    let plain = std::str::from_utf8(payload).ok().filter(|text| {
        !text.contains("'''") && !text.starts_with('\n') && !text.ends_with('\'') && !text.contains(odd)
    });
    match plain {
        Some(text) => format!("payload = '''{text}'''"),
        None => format!("payload_base64 = \"{}\"", STANDARD.encode(payload)),
    }
}

/// A value on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Null => "\"null\"".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(string) => text(string),
        Value::Array(all) => format!("[{}]", all.iter().map(inline).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) if fields.is_empty() => "{}".to_owned(),
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(key, value)| format!("{} = {}", name(key), inline(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
    }
}

fn name(key: &str) -> String {
    let bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if bare { key.to_owned() } else { text(key) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_reads_back_the_same() {
        let value = serde_json::json!({"a b": [1, 2.5, true], "c": {"d": "x\"y"}, "e": {}});
        let back: Value = toml::from_str(&format!("v = {}", inline(&value))).expect("TOML");
        assert_eq!(back["v"], value);
        for bytes in [&b"{\"a\":1}"[..], b"'", b"a'''b", b"\nx", b"\xff\0", b"a\r\nb", "井盖".as_bytes()] {
            let back: Value = toml::from_str(&payload(bytes)).expect("TOML");
            let found = match back.get("payload") {
                Some(text) => text.as_str().expect("a text").as_bytes().to_vec(),
                None => STANDARD.decode(back["payload_base64"].as_str().expect("a text")).expect("base64"),
            };
            assert_eq!(found, bytes);
        }
    }
}

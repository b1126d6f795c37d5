//! Messages that somebody kept: exported from the quarantine, written by hand, or a bare payload in a file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use wanglou_model::{Timestamp, rfc3339_micros};

/// Samples that are read of one file; more are of no use for a proposal.
pub const SAMPLES_MAX: usize = 1_000;

/// A message.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The topic that it came by.
    pub topic: String,
    /// Byte for byte, or its beginning.
    pub payload: Vec<u8>,
    /// When it came, where that is known.
    pub at: Option<Timestamp>,
    /// Only its beginning was kept.
    pub cut: bool,
}

/// Why there is no sample.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SampleError {
    /// A payload without a topic.
    #[error("this is a bare payload: say which topic it came by, with --topic")]
    NoTopic,
    /// A line that names a topic has no payload that can be read.
    #[error("line {0}: a sample needs `payload`, `payload_text` or `payload_base64` beside its topic")]
    NoPayload(usize),
    /// Nothing at all.
    #[error("there is nothing in it")]
    Empty,
}

/// Reads samples: JSON lines or one JSON object with `topic` and `payload`, `payload_text` or `payload_base64`, as
/// `wanglou quarantine export` writes them and scenarios have them; or a bare payload, for which `topic` is needed.
///
/// # Errors
/// [`SampleError`].
pub fn read(bytes: &[u8], topic: Option<&str>) -> Result<Vec<Sample>, SampleError> {
    if bytes.trim_ascii().is_empty() {
        return Err(SampleError::Empty);
    }
    if let Some(topic) = topic {
        // A payload that is typed or echoed ends with a line break that no device sends.
        let payload =
            bytes.strip_suffix(b"\n").filter(|_| std::str::from_utf8(bytes).is_ok()).unwrap_or(bytes);
        return Ok(vec![Sample { topic: topic.to_owned(), payload: payload.to_vec(), at: None, cut: false }]);
    }
    if let Ok(whole) = serde_json::from_slice::<Value>(bytes)
        && whole["topic"].is_string()
    {
        return Ok(vec![one(&whole).ok_or(SampleError::NoPayload(1))?]);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| SampleError::NoTopic)?;
    let mut samples = Vec::new();
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let value: Value = serde_json::from_str(line).map_err(|_| SampleError::NoTopic)?;
        if !value["topic"].is_string() {
            return Err(SampleError::NoTopic);
        }
        samples.push(one(&value).ok_or(SampleError::NoPayload(number + 1))?);
        if samples.len() == SAMPLES_MAX {
            break;
        }
    }
    Ok(samples)
}

fn one(line: &Value) -> Option<Sample> {
    let payload = match (&line["payload_text"], &line["payload_base64"], &line["payload"]) {
        (Value::String(text), _, _) => text.clone().into_bytes(),
        (_, Value::String(base64), _) => STANDARD.decode(base64).ok()?,
        (_, _, Value::Null) => return None,
        (_, _, payload) => payload.to_string().into_bytes(),
    };
    let at = ["at", "last_at"].iter().find_map(|key| line[key].as_str());
    Some(Sample {
        topic: line["topic"].as_str()?.to_owned(),
        payload,
        at: at.and_then(rfc3339_micros::parse),
        cut: line["cut"] == true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exported_lines_scenario_lines_and_bare_payloads_are_samples() {
        let lines = "{\"topic\":\"a\",\"payload_text\":\"{\\\"x\\\":1}\",\"last_at\":\"2026-03-02T01:00:00Z\",\"cut\":true}\n\n{\"topic\":\"b\",\"payload\":{\"y\":2}}\n{\"topic\":\"c\",\"payload_base64\":\"/wA=\"}\n";
        let read_ = read(lines.as_bytes(), None).expect("samples");
        let found: Vec<_> = read_.iter().map(|one| (&*one.topic, &*one.payload, one.cut)).collect();
        assert_eq!(
            found,
            [("a", &b"{\"x\":1}"[..], true), ("b", b"{\"y\":2}", false), ("c", b"\xff\0", false)]
        );
        assert_eq!(read_[0].at, rfc3339_micros::parse("2026-03-02T01:00:00Z"));
        let pretty = b"{\n  \"topic\": \"a\",\n  \"payload\": {\"x\": 1}\n}\n";
        assert_eq!(read(pretty, None).expect("a sample")[0].payload, b"{\"x\":1}");
        assert_eq!(read(b"{\"x\":1}\n", Some("t")).expect("a sample")[0].payload, b"{\"x\":1}");
    }

    #[test]
    fn what_is_no_sample_says_what_is_missing() {
        assert_eq!(read(b" \n", None), Err(SampleError::Empty));
        assert_eq!(read(b"{\"contact\":true}", None), Err(SampleError::NoTopic));
        assert_eq!(read(b"\xff\x01", None), Err(SampleError::NoTopic));
        let error = read(b"{\"topic\":\"a\",\"payload\":1}\n{\"topic\":\"a\"}", None);
        assert_eq!(error, Err(SampleError::NoPayload(2)));
    }
}

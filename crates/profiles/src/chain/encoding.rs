//! Bytes that were written as text.

/// Decodes base64 (RFC 4648): both alphabets, white space between, padding or none, `data:…;base64,` before it.
///
/// # Errors
/// Where something else stands.
pub(crate) fn base64(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = without_data_uri(text);
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut held, mut padded) = (0_u32, 0_u32, false);
    for (at, byte) in text.iter().enumerate() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                padded = true;
                continue;
            }
            b' ' | b'\n' | b'\r' | b'\t' => continue,
            _ => return Err(format!("not base64 at byte {at}")),
        };
        if padded {
            return Err(format!("not base64: something follows the padding at byte {at}"));
        }
        bits = (bits << 6) | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            #[expect(clippy::cast_possible_truncation, reason = "the lowest eight bits are meant")]
            out.push((bits >> held) as u8);
        }
    }
    match held {
        6 => Err("not base64: it ends in the middle of a byte".into()),
        _ => Ok(out),
    }
}

fn without_data_uri(text: &[u8]) -> &[u8] {
    const MARK: &[u8] = b";base64,";
    let text = text.trim_ascii();
    if !text.starts_with(b"data:") {
        return text;
    }
    // The media type before it is short.
    let head = &text[..text.len().min(128)];
    let at = head.windows(MARK.len()).position(|window| window == MARK);
    at.map_or(text, |at| &text[at + MARK.len()..])
}

/// Decodes hexadecimal digits, with or without `0x` before them and spaces, colons or dashes between them.
///
/// # Errors
/// Where something else stands, or when a digit lacks.
pub(crate) fn hex(text: &[u8]) -> Result<Vec<u8>, String> {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"0x").or_else(|| text.strip_prefix(b"0X")).unwrap_or(text);
    let mut out = Vec::with_capacity(digits.len() / 2);
    let mut half = None;
    for (at, byte) in digits.iter().enumerate() {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            b' ' | b':' | b'-' if half.is_none() => continue,
            _ => return Err(format!("not hexadecimal at byte {}", at + text.len() - digits.len())),
        };
        match half.take() {
            None => half = Some(value),
            Some(high) => out.push(high << 4 | value),
        }
    }
    match half {
        Some(_) => Err("an odd number of hexadecimal digits".into()),
        None => Ok(out),
    }
}

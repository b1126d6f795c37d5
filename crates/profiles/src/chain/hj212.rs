//! HJ 212 (Chinese environmental monitoring, HJ 212-2017): a framed text with a length and a check sum.
//!
//! ```text
//! ##0101QN=20260302090000001;ST=22;CN=2011;MN=X1;Flag=5;CP=&&DataTime=20260302090000;LA-Rtd=58.4,LA-Flag=N&&1A2B
//! {"sum_good":true,"QN":"20260302090000001","ST":"22","CN":"2011","MN":"X1","Flag":"5",
//!  "DataTime":"20260302090000","values":{"LA":{"Rtd":"58.4","Flag":"N"}}}
//! ```
//!
//! A mapping could take the text apart; it could not check the sum. A wrong length is refused; a wrong sum is told
//! as `sum_good`, for the profile to judge: bridges that change the address in it often leave the old sum.

use super::{Context, Out};

pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Vec<u8>, String> {
    let text = super::utf8(bytes)?.trim();
    let (body, sum_good) = framed(text)?;
    let mut out = context.out();
    out.raw(if sum_good { "{\"sum_good\":true" } else { "{\"sum_good\":false" });
    let (head, data) = body.split_once("CP=&&").unwrap_or((body, ""));
    let data = data.strip_suffix("&&").unwrap_or(data);
    for (key, value) in head.split(';').filter_map(|piece| piece.split_once('=')) {
        out.key(key);
        out.quoted(value);
    }
    // Factors are `code-name=value`; everything else of the data is a word of its own.
    let pieces = || data.split([';', ',']).filter_map(|piece| piece.split_once('='));
    for (key, value) in pieces().filter(|(key, _)| !key.contains('-')) {
        out.key(key);
        out.quoted(value);
    }
    out.key("values");
    factors(
        pieces().filter_map(|(key, value)| key.split_once('-').map(|(code, name)| (code, name, value))),
        &mut out,
    );
    out.raw("}");
    out.finish()
}

/// Neighbours with one code form one object; a code that comes again later is a key twice, which its reader
/// refuses.
fn factors<'t>(all: impl Iterator<Item = (&'t str, &'t str, &'t str)>, out: &mut Out) {
    let mut code_at_hand = None;
    out.raw("{");
    for (code, name, value) in all {
        if code_at_hand != Some(code) {
            if code_at_hand.is_some() {
                out.raw("}");
            }
            out.key(code);
            out.raw("{");
            code_at_hand = Some(code);
        }
        out.key(name);
        out.quoted(value);
    }
    out.raw(if code_at_hand.is_some() { "}}" } else { "}" });
}

/// What stands between the length and the check sum, and whether they agree.
fn framed(text: &str) -> Result<(&str, bool), String> {
    let Some(rest) = text.strip_prefix("##") else { return Err("HJ 212 begins with ##".into()) };
    let length: usize = match rest.get(..4).and_then(|digits| digits.parse().ok()) {
        Some(length) => length,
        None => return Err("four digits of length expected after ##".into()),
    };
    let rest = &rest[4..];
    let (Some(body), Some(sum)) = (rest.get(..length), rest.get(length..)) else {
        return Err(format!("{length} bytes promised, {} there", rest.len()));
    };
    let found =
        u16::from_str_radix(sum.trim(), 16).map_err(|_| "four digits of check sum expected at the end")?;
    Ok((body, found == check_sum(body.as_bytes())))
}

/// The CRC of HJ 212-2017, annex A.
fn check_sum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xffff, |sum, byte| {
        (0..8).fold(sum >> 8 ^ u16::from(*byte), |sum, _| sum >> 1 ^ (0xa001 & 0u16.wrapping_sub(sum & 1)))
    })
}

//! Numbers, bits and texts at fixed places, and chains of tagged items, as an object.
//!
//! ```text
//! byte      0    1    2    3    4          at = 3, as = "u16be"   bytes 3 and 4, the first one counts 256
//!          8C   0B   01   00   1B          at = 0, bit = 7        the highest bit of byte 0
//!                                          at = 0, as = "u16be", bits = [0, 14]   the lowest 14 of 16 bits
//!                                          at = -1, as = "u8"     the last byte
//! ```
//!
//! What lies outside of the bytes is absent, never zero: a short frame says less, it does not say "closed".

use super::Out;

/// A named value in bytes.
#[derive(Debug, Clone)]
pub(crate) struct ByteField {
    pub(crate) name: String,
    /// Its first byte; a negative one is counted from the end.
    pub(crate) at: i32,
    pub(crate) read: ByteRead,
}

/// What stands there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ByteRead {
    Number(Number),
    /// Two digits in each byte, as text.
    Bcd {
        bytes: usize,
    },
    /// Hexadecimal digits, as text.
    Hex {
        bytes: usize,
    },
    /// UTF-8 up to the first NUL, as text.
    Text {
        bytes: usize,
    },
    /// true or false.
    Bit {
        bit: u8,
    },
}

/// A number of one to eight bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    pub(crate) bytes: usize,
    pub(crate) signed: bool,
    pub(crate) float: bool,
    pub(crate) little: bool,
    /// The lowest bit and how many bits, of an unsigned number.
    pub(crate) bits: Option<(u8, u8)>,
}

impl ByteRead {
    /// How many bytes it reads.
    pub(crate) fn len(self) -> usize {
        match self {
            ByteRead::Number(number) => number.bytes,
            ByteRead::Bcd { bytes } | ByteRead::Hex { bytes } | ByteRead::Text { bytes } => bytes,
            ByteRead::Bit { .. } => 1,
        }
    }

    fn write(self, bytes: &[u8], out: &mut Out) {
        match self {
            ByteRead::Number(number) => number.write(bytes, out),
            ByteRead::Bcd { .. } => digits(bytes, out, true),
            ByteRead::Hex { .. } => digits(bytes, out, false),
            ByteRead::Text { .. } => {
                let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
                match std::str::from_utf8(text) {
                    Ok(text) => out.quoted(text.trim()),
                    Err(_) => out.raw("null"),
                }
            }
            ByteRead::Bit { bit } => {
                let set = bytes.first().is_some_and(|byte| byte >> bit.min(7) & 1 == 1);
                out.raw(if set { "true" } else { "false" });
            }
        }
    }
}

impl Number {
    /// `u8`, `i16le`, `u24be`, `f32be`.
    ///
    /// # Errors
    /// Words for the author.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?}: write u8, i8, u16be, i16le, u24be, u32le, u64be, f32be, f64le and the like (be: the first byte counts most, le: the last one), or bcd, hex, text"
            )
        };
        let mut chars = text.chars();
        let (signed, float) = match chars.next() {
            Some('u') => (false, false),
            Some('i') => (true, false),
            Some('f') => (true, true),
            Some(_) | None => return Err(wrong()),
        };
        let rest = chars.as_str();
        let (width, little) = match (rest.strip_suffix("le"), rest.strip_suffix("be")) {
            (Some(width), _) => (width, true),
            (None, Some(width)) => (width, false),
            (None, None) if rest == "8" => (rest, false),
            (None, None) => return Err(wrong()),
        };
        let bits: usize = width.parse().map_err(|_| wrong())?;
        let good =
            if float { matches!(bits, 32 | 64) } else { bits.is_multiple_of(8) && (8..=64).contains(&bits) };
        match good {
            true => Ok(Self { bytes: bits / 8, signed, float, little, bits: None }),
            false => Err(wrong()),
        }
    }

    fn raw(self, bytes: &[u8]) -> u64 {
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }

    fn write(self, bytes: &[u8], out: &mut Out) {
        let raw = self.raw(bytes);
        if self.float {
            #[expect(clippy::cast_possible_truncation, reason = "four bytes have 32 bits")]
            let value = match self.bytes {
                4 => f64::from(f32::from_bits(raw as u32)),
                _ => f64::from_bits(raw),
            };
            // Not a number is no reading.
            return match value.is_finite() {
                true => out.raw(&format!("{value:e}")),
                false => out.raw("null"),
            };
        }
        if let Some((lowest, count)) = self.bits {
            let mask = if count >= 64 { u64::MAX } else { (1 << count) - 1 };
            return out.raw(&(raw >> lowest & mask).to_string());
        }
        if !self.signed {
            return out.raw(&raw.to_string());
        }
        let unused = 64 - 8 * self.bytes;
        #[expect(clippy::cast_possible_wrap, reason = "two's complement")]
        let value = (raw << unused) as i64 >> unused;
        out.raw(&value.to_string());
    }
}

fn digits(bytes: &[u8], out: &mut Out, decimal: bool) {
    let nibbles = || bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    if decimal && nibbles().any(|nibble| nibble > 9) {
        return out.raw("null");
    }
    let text: String = nibbles().filter_map(|nibble| char::from_digit(u32::from(nibble), 16)).collect();
    out.quoted(&text);
}

/// An object of the fields that lie inside of the bytes, and their number as `@length`.
///
/// # Errors
/// When it becomes too long.
pub(super) fn to_json(bytes: &[u8], fields: &[ByteField], mut out: Out) -> Result<Vec<u8>, String> {
    out.raw("{");
    write(bytes, fields, &mut out);
    out.key("@length");
    out.raw(&bytes.len().to_string());
    out.raw("}");
    out.finish()
}

fn write(bytes: &[u8], fields: &[ByteField], out: &mut Out) {
    for field in fields {
        let from = match usize::try_from(field.at) {
            Ok(from) => Some(from),
            Err(_) => bytes.len().checked_sub(field.at.unsigned_abs() as usize),
        };
        let Some(found) = from.and_then(|from| bytes.get(from..from.checked_add(field.read.len())?)) else {
            continue;
        };
        out.key(&field.name);
        field.read.write(found, out);
    }
}

/// What follows a tag.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) tag: Vec<u8>,
    pub(crate) length: usize,
    pub(crate) fields: Vec<ByteField>,
}

/// Walks tag after tag. What follows a tag that is not known has no known length: the walk ends there, and the
/// rest is the hexadecimal text `@rest`.
///
/// # Errors
/// When it becomes too long.
pub(super) fn items_to_json(
    bytes: &[u8],
    tag_bytes: usize,
    items: &[Item],
    mut out: Out,
) -> Result<Vec<u8>, String> {
    out.raw("{");
    let mut rest = bytes;
    while let Some((tag, after)) = rest.split_at_checked(tag_bytes) {
        let Some(item) = items.iter().find(|item| item.tag == tag) else { break };
        let Some((value, after)) = after.split_at_checked(item.length) else { break };
        if rest.is_empty() || out.is_over() {
            break;
        }
        write(value, &item.fields, &mut out);
        rest = after;
    }
    if !rest.is_empty() {
        out.key("@rest");
        digits(&rest[..rest.len().min(80)], &mut out, false);
    }
    out.raw("}");
    out.finish()
}

/// Bits of a whole number, in decimal or with 0x.
///
/// # Errors
/// When it is no whole number from 0.
pub(super) fn bits_to_json(text: &str, bits: &[(String, u8)], mut out: Out) -> Result<Vec<u8>, String> {
    let number =
        whole(text).ok_or_else(|| format!("{:?} is no whole number from 0", crate::value::cut(text)))?;
    out.raw("{");
    for (name, bit) in bits {
        out.key(name);
        out.raw(if number >> bit & 1 == 1 { "true" } else { "false" });
    }
    out.raw("}");
    out.finish()
}

/// A whole number from 0, in decimal or with 0x.
pub(crate) fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.strip_suffix(".0").unwrap_or(text).parse().ok(),
    }
}

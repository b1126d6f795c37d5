//! Sparkplug B (Eclipse Sparkplug 3.0): protobuf, with aliases that only a birth explains.
//!
//! Topic `spBv1.0/<group>/<type>/<node>[/<device>]`. The document has the shape that bridges use which publish
//! the same as JSON (such a payload, beginning with a brace, is taken as it is):
//!
//! ```text
//! {"type":"DDATA","timestamp":1486144502122,"seq":3,"metrics":[
//!   {"name":"Inputs/A","alias":7,"timestamp":1486144502122,"dataType":"Boolean","value":true}]}
//! ```
//!
//! | key | |
//! |---|---|
//! | `value` | null when the metric is null, or is a data set, a template, a file |
//! | `historical` | true when the edge node kept it while it was offline |
//! | `name` | absent when the birth that explains the alias was not seen |
//! | `bdSeq`, `stale` | of births and deaths: the number of the birth; a death of another birth than the last one is stale |
//!
//! The wire format is read here, not by a library: five field types, every length checked, nothing copied.

use super::{Context, Out};
use crate::state::Births;

/// Decodes a payload by the topic that it came on.
pub(super) fn decode(bytes: &[u8], context: &mut Context<'_>) -> Result<Vec<u8>, String> {
    if bytes.trim_ascii_start().starts_with(b"{") {
        return Ok(bytes.to_vec());
    }
    let address = Address::of(context.topic)?;
    let payload = Payload::read(bytes)?;
    let left = context.left;
    let births = match address.kind {
        "NBIRTH" => Some(context.state.born(&address.node)),
        // The node may have been born before anybody listened.
        "DBIRTH" if !context.state.knows(&address.node) => Some(context.state.born(&address.node)),
        _ => context.state.births_of(&address.node),
    };
    let mut blank = Births::default();
    let born = births.is_some();
    let births = births.unwrap_or(&mut blank);
    if matches!(address.kind, "NBIRTH" | "DBIRTH") {
        payload.remember(births)?;
    }
    let mut out = Out::with_limit(left);
    out.raw("{\"type\":");
    out.quoted(address.kind);
    for (key, value) in [("timestamp", payload.timestamp), ("seq", payload.seq), ("bdSeq", payload.bd_seq)] {
        if let Some(value) = value {
            out.key(key);
            out.raw(&value.to_string());
        }
    }
    if address.kind == "NDEATH" {
        let stale = born && births.bd_seq.is_some() && payload.bd_seq != births.bd_seq;
        out.key("stale");
        out.raw(if stale { "true" } else { "false" });
    }
    out.key("metrics");
    out.raw("[");
    for metric in payload.metrics() {
        if out.is_over() {
            break;
        }
        out.comma();
        metric.write(births, &mut out);
    }
    out.raw("]}");
    out.finish()
}

/// Who speaks about what.
struct Address<'t> {
    kind: &'t str,
    /// Group and node.
    node: String,
}

impl<'t> Address<'t> {
    fn of(topic: &'t str) -> Result<Self, String> {
        let mut levels = topic.split('/').skip_while(|level| *level != "spBv1.0").skip(1);
        match (levels.next(), levels.next(), levels.next()) {
            (Some(group), Some(kind), Some(node)) => Ok(Self { kind, node: format!("{group}/{node}") }),
            _ => Err("no Sparkplug topic: spBv1.0/<group>/<type>/<node> expected".into()),
        }
    }
}

/// A payload that has been read once from end to end; its metrics are read again where they are used, so that
/// nothing is kept of them.
#[derive(Default)]
struct Payload<'p> {
    timestamp: Option<u64>,
    seq: Option<u64>,
    bd_seq: Option<u64>,
    bytes: &'p [u8],
}

/// A metric on the wire.
#[derive(Default, Clone, Copy)]
struct Metric<'p> {
    name: Option<&'p str>,
    alias: Option<u64>,
    timestamp: Option<u64>,
    datatype: u32,
    historical: bool,
    null: bool,
    value: Value<'p>,
}

#[derive(Default, Clone, Copy)]
enum Value<'p> {
    #[default]
    None,
    Whole(u64),
    Float(f64),
    Flag(bool),
    Text(&'p str),
}

impl<'p> Payload<'p> {
    fn read(bytes: &'p [u8]) -> Result<Self, String> {
        let mut payload = Self { bytes, ..Self::default() };
        let mut wire = Wire { bytes, at: 0 };
        while let Some((field, found)) = wire.next()? {
            match (field, found) {
                (1, Found::Whole(value)) => payload.timestamp = Some(value),
                (2, Found::Bytes(bytes)) => {
                    let metric = Metric::read(bytes)?;
                    if let (Some("bdSeq"), Value::Whole(value)) = (metric.name, metric.value) {
                        payload.bd_seq = Some(value);
                    }
                }
                (3, Found::Whole(value)) => payload.seq = Some(value),
                (_, Found::Whole(_) | Found::Four(_) | Found::Eight(_) | Found::Bytes(_)) => {}
            }
        }
        Ok(payload)
    }

    fn metrics(&self) -> impl Iterator<Item = Metric<'p>> {
        let mut wire = Wire { bytes: self.bytes, at: 0 };
        // All of it has been read before, without a fault.
        std::iter::from_fn(move || wire.next().ok().flatten()).filter_map(|(field, found)| match found {
            Found::Bytes(bytes) if field == 2 => Metric::read(bytes).ok(),
            Found::Bytes(_) | Found::Whole(_) | Found::Four(_) | Found::Eight(_) => None,
        })
    }

    fn remember(&self, births: &mut Births) -> Result<(), String> {
        births.bd_seq = self.bd_seq.or(births.bd_seq);
        for metric in self.metrics() {
            if let (Some(alias), Some(name)) = (metric.alias, metric.name) {
                births.remember(alias, name, metric.datatype)?;
            }
        }
        Ok(())
    }
}

impl<'p> Metric<'p> {
    fn read(bytes: &'p [u8]) -> Result<Self, String> {
        let mut metric = Self::default();
        let mut wire = Wire { bytes, at: 0 };
        while let Some((field, found)) = wire.next()? {
            match (field, found) {
                (1, Found::Bytes(name)) => metric.name = Some(text(name)?),
                (2, Found::Whole(alias)) => metric.alias = Some(alias),
                (3, Found::Whole(at)) => metric.timestamp = Some(at),
                (4, Found::Whole(datatype)) => metric.datatype = u32::try_from(datatype).unwrap_or(u32::MAX),
                (5, Found::Whole(flag)) => metric.historical = flag != 0,
                (7, Found::Whole(flag)) => metric.null = flag != 0,
                (10 | 11, Found::Whole(value)) => metric.value = Value::Whole(value),
                (12, Found::Four(bits)) => metric.value = Value::Float(f64::from(f32::from_bits(bits))),
                (13, Found::Eight(bits)) => metric.value = Value::Float(f64::from_bits(bits)),
                (14, Found::Whole(flag)) => metric.value = Value::Flag(flag != 0),
                (15, Found::Bytes(value)) => metric.value = Value::Text(text(value)?),
                (_, Found::Whole(_) | Found::Four(_) | Found::Eight(_) | Found::Bytes(_)) => {}
            }
        }
        Ok(metric)
    }

    /// Its name and type, from itself or from its birth.
    fn named<'b>(&'b self, births: &'b Births) -> (Option<&'b str>, u32) {
        let birth = self.alias.and_then(|alias| births.aliases.get(&alias));
        let name = self.name.or_else(|| birth.map(|birth| birth.name.as_str()));
        let datatype = match (self.datatype, birth) {
            (0, Some(birth)) => birth.datatype,
            (datatype, _) => datatype,
        };
        (name, datatype)
    }

    fn write(&self, births: &Births, out: &mut Out) {
        let (name, datatype) = self.named(births);
        out.raw("{");
        if let Some(name) = name {
            out.key("name");
            out.quoted(name);
        }
        for (key, value) in [("alias", self.alias), ("timestamp", self.timestamp)] {
            if let Some(value) = value {
                out.key(key);
                out.raw(&value.to_string());
            }
        }
        if let Some(name) = usize::try_from(datatype).ok().and_then(|number| TYPES.get(number)) {
            out.key("dataType");
            out.quoted(name);
        }
        if self.historical {
            out.key("historical");
            out.raw("true");
        }
        out.key("value");
        match self.value {
            _ if self.null => out.raw("null"),
            Value::Whole(value) => out.raw(&whole(value, datatype)),
            Value::Float(value) if value.is_finite() => out.raw(&format!("{value:e}")),
            Value::Flag(flag) => out.raw(if flag { "true" } else { "false" }),
            Value::Text(text) => out.quoted(text),
            Value::None | Value::Float(_) => out.raw("null"),
        }
        out.raw("}");
    }
}

/// Names of the data types, by their numbers.
const TYPES: [&str; 20] = [
    "Unknown", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float", "Double",
    "Boolean", "String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template",
];

/// Signed types come in two's complement of 32 or 64 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the bits are meant, in the width that the type says"
)]
fn whole(value: u64, datatype: u32) -> String {
    match datatype {
        1..=3 => (value as u32 as i32).to_string(),
        4 => (value as i64).to_string(),
        _ => value.to_string(),
    }
}

fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a name or text that is not UTF-8".into())
}

/// A protobuf message, field after field.
struct Wire<'p> {
    bytes: &'p [u8],
    at: usize,
}

enum Found<'p> {
    Whole(u64),
    Four(u32),
    Eight(u64),
    Bytes(&'p [u8]),
}

impl<'p> Wire<'p> {
    fn next(&mut self) -> Result<Option<(u64, Found<'p>)>, String> {
        if self.at == self.bytes.len() {
            return Ok(None);
        }
        let key = self.varint()?;
        let found = match key & 7 {
            0 => Found::Whole(self.varint()?),
            1 => Found::Eight(self.take(8)?.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte))),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                Found::Bytes(self.take(length)?)
            }
            5 => Found::Four(self.take(4)?.iter().rev().fold(0, |bits, byte| bits << 8 | u32::from(*byte))),
            other => return Err(format!("not Sparkplug B: wire type {other} at byte {}", self.at)),
        };
        Ok(Some((key >> 3, found)))
    }

    fn take(&mut self, length: usize) -> Result<&'p [u8], String> {
        let found = self.at.checked_add(length).and_then(|until| self.bytes.get(self.at..until));
        let found =
            found.ok_or_else(|| format!("not Sparkplug B: {length} bytes promised at byte {}", self.at))?;
        self.at += length;
        Ok(found)
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let Some(byte) = self.bytes.get(self.at) else {
                return Err(format!("not Sparkplug B: a number ends at byte {}", self.at));
            };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(format!("not Sparkplug B: a number of more than ten bytes at byte {}", self.at))
    }
}

//! `decode` and `body`: the stages between bytes and a document or a text.

use super::reader::{Node, Table};
use crate::chain::{ByteField, ByteRead, Chain, Cut, Item, Number, Pairs, Stage, hex, native};
use crate::limits::STAGES_MAX;

/// What a stage takes or gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Bytes,
    Text,
    /// JSON, or one of JSON and text: nothing may follow.
    Document,
}

/// What a chain must end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// A document or a text.
    Any,
    /// A text, for a field.
    Text,
}

/// Compiles `"base64"` or `["base64", "json"]` or `["hex", { bytes = {…} }]`.
pub(crate) fn chain(node: &Node<'_>, end: End) -> Option<Chain> {
    let nodes = node.one_or_more();
    if nodes.is_empty() || nodes.len() > STAGES_MAX {
        node.fault(format!("between 1 and {STAGES_MAX} stages"));
        return None;
    }
    let mut shape = Shape::Text;
    let mut stages = vec![];
    for node in &nodes {
        if shape == Shape::Document {
            node.fault("nothing can follow a document: put what looks into it into a part of its own");
            return None;
        }
        let stage = stage(node)?;
        shape = gives(&stage, shape);
        stages.push(stage);
    }
    match (shape, end) {
        (Shape::Bytes, _) => node.fault("it ends with bytes: add \"text\", \"json\", or { bytes = {…} }"),
        (Shape::Document, End::Text) => {
            node.fault("a field needs a text: for a document write a [[message.part]] and point into it");
        }
        (Shape::Text | Shape::Document, _) => return Some(Chain(stages)),
    }
    None
}

fn gives(stage: &Stage, taken: Shape) -> Shape {
    match stage {
        Stage::Base64 | Stage::Hex | Stage::Gzip => Shape::Bytes,
        Stage::Text => Shape::Text,
        Stage::Cut(_) => taken,
        Stage::Json
        | Stage::JsonOrText
        | Stage::Xml
        | Stage::Split(_)
        | Stage::Pairs(_)
        | Stage::Bytes(_)
        | Stage::Items { .. }
        | Stage::Bits(_)
        | Stage::Native(_) => Shape::Document,
    }
}

fn stage(node: &Node<'_>) -> Option<Stage> {
    if node.is_table() {
        return tabled(&node.table()?);
    }
    let name = node.text()?;
    Some(match name {
        "json" => Stage::Json,
        "json_or_text" => Stage::JsonOrText,
        "text" => Stage::Text,
        "base64" => Stage::Base64,
        "hex" => Stage::Hex,
        "gzip" => Stage::Gzip,
        "xml" => Stage::Xml,
        other => match native::named(other) {
            Some(native) => Stage::Native(native),
            None => {
                let natives: Vec<_> = native::ALL.iter().map(|native| native.name).collect();
                node.fault(format!(
                    "a stage is json, json_or_text, text, base64, hex, gzip, xml, {}, or a table with split, pairs, cut, bytes, items or bits; not {other:?}",
                    natives.join(", ")
                ));
                return None;
            }
        },
    })
}

fn tabled(table: &Table<'_>) -> Option<Stage> {
    let found = if let Some(node) = table.get("split") {
        separators(&node).map(Stage::Split)
    } else if let Some(node) = table.get("pairs") {
        pairs(table, &node).map(Stage::Pairs)
    } else if let Some(node) = table.get("cut") {
        node.table().and_then(|table| cut(&table)).map(Stage::Cut)
    } else if let Some(node) = table.get("bytes") {
        node.table().and_then(|table| byte_fields(&table)).map(Stage::Bytes)
    } else if let Some(node) = table.get("items") {
        items(&node)
    } else if let Some(node) = table.get("bits") {
        node.table().and_then(|table| bits(&table)).map(Stage::Bits)
    } else {
        table.node.fault("a stage is a word, or a table with split, pairs, cut, bytes, items or bits");
        None
    };
    table.finish();
    found
}

/// One separator or several; of two that begin alike the longer one counts.
fn separators(node: &Node<'_>) -> Option<Vec<String>> {
    let mut all = vec![];
    for item in node.one_or_more() {
        let text = item.text()?;
        if text.is_empty() || text.len() > 16 {
            item.fault("a separator has 1 to 16 bytes");
            return None;
        }
        all.push(text.to_owned());
    }
    if all.is_empty() || all.len() > 8 {
        node.fault("1 to 8 separators");
        return None;
    }
    all.sort_by_key(|text| std::cmp::Reverse(text.len()));
    Some(all)
}

fn pairs(table: &Table<'_>, node: &Node<'_>) -> Option<Pairs> {
    let separators = separators(node);
    let equals = table.get("equals").map_or(Some("="), |node| node.text());
    let last = match table.get("last") {
        None => None,
        Some(node) => Some(node.text()?.to_owned()),
    };
    let equals = equals.filter(|equals| !equals.is_empty());
    if equals.is_none() {
        table.node.fault("`equals` is what stands between a key and its value, such as \"=\"");
    }
    Some(Pairs { separators: separators?, equals: equals?.to_owned(), last })
}

fn cut(table: &Table<'_>) -> Option<Cut> {
    let mark = |key: &'static str| match table.get(key) {
        None => Some(None),
        Some(node) => match node.text()? {
            text if text.is_empty() || text.len() > 64 => {
                node.fault("a mark has 1 to 64 bytes");
                None
            }
            text => Some(Some(text.to_owned())),
        },
    };
    let (after, before) = (mark("after"), mark("before"));
    let count = |key: &'static str| match table.get(key) {
        None => Some(None),
        Some(node) => node.whole().and_then(|whole| usize::try_from(whole).ok()).map(Some),
    };
    let (skip, take) = (count("skip"), count("take"));
    if !["after", "before", "skip", "take"].iter().any(|key| table.has(key)) {
        table.node.fault("`cut` says one or more of: after, before, skip, take");
        return None;
    }
    table.finish();
    Some(Cut { after: after?, before: before?, skip: skip?.unwrap_or(0), take: take? })
}

fn byte_fields(table: &Table<'_>) -> Option<Vec<ByteField>> {
    let entries = table.entries();
    if entries.is_empty() {
        table.node.fault("`bytes` is empty: write such as { open = { at = 0, bit = 7 } }");
        return None;
    }
    let all: Vec<_> = entries.iter().map(|(name, node)| byte_field(name, node)).collect();
    all.into_iter().collect()
}

/// `{ at = 0, as = "u16be" }`.
fn byte_field(name: &str, node: &Node<'_>) -> Option<ByteField> {
    let table = node.table()?;
    let at = table.need("at", "the first byte, counted from 0; -1 is the last one").and_then(|node| {
        let at = node.whole().and_then(|at| i32::try_from(at).ok()).filter(|at| at.abs() < 1 << 20);
        if at.is_none() {
            node.fault("a whole number of bytes");
        }
        at
    });
    let read = byte_read(&table);
    table.finish();
    Some(ByteField { name: name.to_owned(), at: at?, read: read? })
}

fn byte_read(table: &Table<'_>) -> Option<ByteRead> {
    if let Some(node) = table.get("bit") {
        return small(&node, 7).map(|bit| ByteRead::Bit { bit });
    }
    let node = table.need("as", "what stands there, such as \"u16be\"; or `bit`, such as bit = 7")?;
    let length = |what: &'static str| {
        let node = table.need("length", "how many bytes")?;
        let length = node.whole().and_then(|whole| usize::try_from(whole).ok());
        let length = length.filter(|length| (1..=256).contains(length));
        if length.is_none() {
            node.fault(format!("{what}: 1 to 256 bytes"));
        }
        length
    };
    match node.text()? {
        "bcd" => length("bcd").map(|bytes| ByteRead::Bcd { bytes }),
        "hex" => length("hex").map(|bytes| ByteRead::Hex { bytes }),
        "text" => length("text").map(|bytes| ByteRead::Text { bytes }),
        other => {
            let mut number = node.ok(Number::parse(other))?;
            if let Some(bits) = table.get("bits") {
                number.bits = Some(bit_range(&bits, number)?);
            }
            Some(ByteRead::Number(number))
        }
    }
}

/// `bits = [0, 14]`: from bit 0, 14 bits.
fn bit_range(node: &Node<'_>, number: Number) -> Option<(u8, u8)> {
    let list = node.list()?;
    let [lowest, count] = list.as_slice() else {
        node.fault("write bits = [0, 14] for 14 bits from the lowest one on");
        return None;
    };
    let (lowest, count) = (small(lowest, 63)?, small(count, 64)?);
    let there = usize::from(lowest) + usize::from(count) <= number.bytes * 8;
    if !there || count == 0 || number.signed {
        node.fault("these bits are not there: they are counted from 0, in an unsigned number");
        return None;
    }
    Some((lowest, count))
}

fn small(node: &Node<'_>, max: u8) -> Option<u8> {
    let found = node.whole().and_then(|whole| u8::try_from(whole).ok()).filter(|whole| *whole <= max);
    if found.is_none() {
        node.fault(format!("a whole number from 0 to {max}"));
    }
    found
}

/// `items = { "0175" = { name = "battery", as = "u8" } }`: what follows each tag.
fn items(node: &Node<'_>) -> Option<Stage> {
    let entries = node.table()?.entries();
    let all: Vec<_> = entries.iter().map(|(tag, node)| item(tag, node)).collect();
    let items = all.into_iter().collect::<Option<Vec<_>>>()?;
    let tag_bytes = items.first().map_or(0, |item| item.tag.len());
    if tag_bytes == 0 || tag_bytes > 8 || items.iter().any(|item| item.tag.len() != tag_bytes) {
        node.fault("tags are hexadecimal and all of one length, such as \"0175\"");
        return None;
    }
    Some(Stage::Items { tag_bytes, items })
}

fn item(tag: &str, node: &Node<'_>) -> Option<Item> {
    let table = node.table()?;
    let tag = node.ok(hex(tag.as_bytes()));
    let found = if let Some(fields) = table.get("fields") {
        let length = table.need("length", "how many bytes follow the tag").and_then(|node| small(&node, 255));
        let fields = fields.table().and_then(|table| byte_fields(&table));
        table.finish();
        length.map(usize::from).zip(fields)
    } else {
        let name = table.need("name", "the key in the document").and_then(|node| node.text());
        let field = name.and_then(|name| byte_field_named(name, &table));
        field.map(|field| (field.read.len(), vec![field]))
    };
    let (length, fields) = found?;
    Some(Item { tag: tag?, length, fields })
}

fn byte_field_named(name: &str, table: &Table<'_>) -> Option<ByteField> {
    let read = byte_read(table);
    table.finish();
    Some(ByteField { name: name.to_owned(), at: 0, read: read? })
}

fn bits(table: &Table<'_>) -> Option<Vec<(String, u8)>> {
    let entries = table.entries();
    if entries.is_empty() {
        table.node.fault("`bits` is empty: write such as { open = 0, tamper = 2 }");
        return None;
    }
    let all: Vec<_> =
        entries.iter().map(|(name, node)| Some(((*name).to_owned(), small(node, 63)?))).collect();
    all.into_iter().collect()
}

//! Fields of readings, times and flags: where the value stands and how it becomes what the field needs.

use super::condition::{case, literals};
use super::reader::{Node, Table};
use super::scope::{GroupId, Scopes};
use crate::plan::{Convert, FieldPlan, FlagPlan, Null, Read, TimeRead};
use crate::time::TimeFormat;
use crate::value::{FieldType, Literal, Value, whole_from};
use jiff::tz::TimeZone;
use wanglou_model::rfc3339_micros;

/// Compiles a field: a value that the profile states, or `{ at = "/pointer", … }`.
pub(crate) fn field(
    scopes: &mut Scopes,
    group: GroupId,
    node: &Node<'_>,
    ty: FieldType,
) -> Option<FieldPlan> {
    if !node.is_table() {
        return stated(node, ty).map(FieldPlan::Const);
    }
    read(scopes, group, node, ty).map(FieldPlan::Read)
}

/// `replayed = true`, or a flag of the body.
pub(crate) fn flag(scopes: &mut Scopes, group: GroupId, node: &Node<'_>) -> Option<FlagPlan> {
    if !node.is_table() {
        return node.flag().map(FlagPlan::Const);
    }
    read(scopes, group, node, FieldType::Flag).map(FlagPlan::Read)
}

/// `time = { at = "/time", as = "rfc3339" }`.
pub(crate) fn time(scopes: &mut Scopes, group: GroupId, node: &Node<'_>) -> Option<TimeRead> {
    let table = node.table()?;
    let source = table.need("at", "the pointer of the time").and_then(|node| scopes.source(group, &node));
    let sentinels = table.get("unknown_when").map_or(Some(vec![]), |node| literals(&node));
    let formats = formats(&table);
    table.finish();
    Some(TimeRead { source: source?, sentinels: sentinels?, formats: formats? })
}

fn read(scopes: &mut Scopes, group: GroupId, node: &Node<'_>, ty: FieldType) -> Option<Read> {
    let table = node.table()?;
    let source = table.need("at", "the pointer of the value, such as \"/contact\"");
    let source = source.and_then(|node| scopes.source(group, &node));
    let sentinels = table.get("unknown_when").map_or(Some(vec![]), |node| literals(&node));
    let null = null(&table);
    let convert = convert(&table, ty);
    table.finish();
    Some(Read { source: source?, sentinels: sentinels?, null: null?, convert: convert? })
}

fn null(table: &Table<'_>) -> Option<Null> {
    let Some(node) = table.get("null") else { return Some(Null::Unknown) };
    match node.text()? {
        "unknown" => Some(Null::Unknown),
        "absent" => Some(Null::Absent),
        other => {
            node.fault(format!("null means \"unknown\" or \"absent\", not {other:?}"));
            None
        }
    }
}

fn convert(table: &Table<'_>, ty: FieldType) -> Option<Convert> {
    if table.has("map") {
        return map(table, ty);
    }
    match ty {
        FieldType::Flag => polarity(table),
        FieldType::Number => number(table),
        FieldType::Whole { min, max } => Some(Convert::Whole { min, max }),
        FieldType::Text => Some(Convert::Text),
        FieldType::Choice(names) => {
            let names = names.join(", ");
            table.node.fault(format!(
                "say what the vendor's values mean: map = {{ \"37\" = \"…\" }}, with one of {names}"
            ));
            None
        }
        FieldType::Time => formats(table).map(Convert::Time),
        FieldType::Evidence => Some(Convert::Evidence),
    }
}

/// A flag states its polarity: nobody may guess whether `contact = false` is an open door.
fn polarity(table: &Table<'_>) -> Option<Convert> {
    if let Some(node) = table.get("polarity") {
        return match node.text()? {
            "direct" => Some(Convert::Polarity { inverted: false }),
            "inverted" => Some(Convert::Polarity { inverted: true }),
            other => {
                node.fault(format!("the polarity is \"direct\" or \"inverted\", not {other:?}"));
                None
            }
        };
    }
    let case = case(table)?;
    let yes = table.get("true").map(|node| literals(&node));
    let no = table.get("false").map(|node| literals(&node));
    if yes.is_none() && no.is_none() {
        table.node.fault(
            "say which value means true: polarity = \"direct\" (true, on, 1 mean true) or \"inverted\", or lists: true = [\"open\"], false = [\"close\"]",
        );
        return None;
    }
    let (yes, no) = (yes.unwrap_or(Some(vec![]))?, no.unwrap_or(Some(vec![]))?);
    if let Some(both) = yes.iter().find(|literal| no.contains(literal)) {
        table.node.fault(format!("{both:?} stands in both lists"));
        return None;
    }
    Some(Convert::Sides { yes, no, case })
}

fn number(table: &Table<'_>) -> Option<Convert> {
    let get = |key, default| table.get(key).map_or(Some(default), |node| node.number());
    let scale = get("scale", 1.0);
    let offset = get("offset", 0.0);
    let min = get("min", f64::NEG_INFINITY);
    let max = get("max", f64::INFINITY);
    let abs = table.get("abs").map_or(Some(false), |node| node.flag());
    Some(Convert::Number { scale: scale?, offset: offset?, abs: abs?, min: min?, max: max? })
}

fn map(table: &Table<'_>, ty: FieldType) -> Option<Convert> {
    let case = case(table)?;
    let entries = table.get("map")?.table()?.entries();
    if entries.is_empty() {
        table.node.fault("`map` is empty");
        return None;
    }
    let pair = |(key, node): &(&str, Node<'_>)| Some((Literal::Text((*key).to_owned()), stated(node, ty)?));
    let pairs: Vec<_> = entries.iter().map(pair).collect();
    Some(Convert::Map { table: pairs.into_iter().collect::<Option<_>>()?, case })
}

/// A value that stands in the profile itself.
fn stated(node: &Node<'_>, ty: FieldType) -> Option<Value> {
    let literal = node.literal()?;
    let value = match (ty, &literal) {
        (FieldType::Flag, Literal::Flag(flag)) => Some(Value::Flag(*flag)),
        (FieldType::Number, Literal::Number { value, .. }) => Some(Value::Number(*value)),
        (FieldType::Whole { min, max }, Literal::Number { value, .. }) => {
            whole_from(*value).filter(|whole| (min..=max).contains(whole)).map(Value::Whole)
        }
        (FieldType::Text, Literal::Text(text)) => Some(Value::Text(text.clone())),
        (FieldType::Choice(names), Literal::Text(text)) => {
            names.iter().position(|name| name == text).and_then(|at| u8::try_from(at).ok()).map(Value::Choice)
        }
        (FieldType::Time, Literal::Text(text)) => rfc3339_micros::parse(text).map(Value::Time),
        (
            FieldType::Flag
            | FieldType::Number
            | FieldType::Whole { .. }
            | FieldType::Text
            | FieldType::Choice(_)
            | FieldType::Time
            | FieldType::Evidence,
            Literal::Flag(_) | Literal::Number { .. } | Literal::Text(_),
        ) => None,
    };
    if value.is_none() {
        node.fault(format!("{} expected", described(ty)));
    }
    value
}

/// A field's type for people.
pub(crate) fn described(ty: FieldType) -> String {
    match ty {
        FieldType::Flag => "true or false".into(),
        FieldType::Number => "a number".into(),
        FieldType::Whole { min, max } => format!("a whole number from {min} to {max}"),
        FieldType::Text => "text in quotes".into(),
        FieldType::Choice(names) => format!("one of {}", names.join(", ")),
        FieldType::Time => "an RFC 3339 time in quotes".into(),
        FieldType::Evidence => "a pointer to an address: { at = \"/pictureUrl\" }".into(),
    }
}

fn formats(table: &Table<'_>) -> Option<Vec<TimeFormat>> {
    let names = table.need("as", "how the time is written: epoch_s, epoch_ms, rfc3339 or pattern");
    let pattern = table.get("pattern");
    let zone = table.get("zone");
    let mut formats = vec![];
    let mut patterns = false;
    for name in names?.one_or_more() {
        formats.push(match name.text()? {
            "epoch_s" => TimeFormat::Epoch { micros: 1e6 },
            "epoch_ms" => TimeFormat::Epoch { micros: 1e3 },
            "epoch_us" => TimeFormat::Epoch { micros: 1.0 },
            "epoch_ns" => TimeFormat::Epoch { micros: 1e-3 },
            "rfc3339" => TimeFormat::Rfc3339,
            "pattern" => {
                patterns = true;
                local(table, pattern.as_ref(), zone.as_ref())?
            }
            other => {
                name.fault(format!("a time is written as epoch_s, epoch_ms, epoch_us, epoch_ns, rfc3339 or pattern, not {other:?}"));
                return None;
            }
        });
    }
    if !patterns && let Some(node) = pattern.or(zone) {
        node.fault("it belongs to as = \"pattern\"");
        return None;
    }
    Some(formats)
}

fn local(table: &Table<'_>, pattern: Option<&Node<'_>>, zone: Option<&Node<'_>>) -> Option<TimeFormat> {
    let (Some(pattern), Some(zone)) = (pattern, zone) else {
        table.node.fault(
            "a pattern needs `pattern`, such as \"%Y-%m-%d %H:%M:%S\", and `zone`, such as \"Asia/Shanghai\"",
        );
        return None;
    };
    let zone = TimeZone::get(zone.text()?)
        .map_err(|_| zone.fault("no such time zone; write one such as \"Asia/Shanghai\""))
        .ok()?;
    let text = pattern.text()?;
    // A pattern is good when it reads back what it writes.
    let sample = jiff::civil::date(2026, 3, 2).at(13, 14, 15, 0).to_zoned(zone.clone()).ok()?;
    let good = jiff::fmt::strtime::format(text, &sample)
        .and_then(|written| jiff::fmt::strtime::parse(text, written))
        .and_then(|read| read.to_datetime())
        .is_ok_and(|read| read == sample.datetime());
    if !good {
        pattern.fault("the pattern must hold a whole date and time to the second: %Y %m %d %H %M %S");
        return None;
    }
    Some(TimeFormat::Pattern { pattern: text.to_owned(), zone })
}

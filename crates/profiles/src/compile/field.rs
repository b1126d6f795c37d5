//! Fields of readings, times and flags: where the value stands and how it becomes what the field needs.

use super::chain::{End, chain};
use super::condition::{case, condition, literals};
use super::reader::{Node, Table};
use super::scope::{GroupId, Scopes};
use crate::kinds::Field;
use crate::plan::{Convert, FieldPlan, FlagPlan, Null, Read, Source, TimeFields, TimeRead};
use crate::time::TimeFormat;
use crate::value::{FieldType, Literal, Value, whole_from};
use jiff::tz::TimeZone;
use wanglou_model::rfc3339_micros;

/// Compiles a field: a value that the profile states, or `{ at = "/pointer", … }`.
pub(crate) fn field(
    scopes: &mut Scopes<'_>,
    group: GroupId,
    node: &Node<'_>,
    known: &Field,
) -> Option<FieldPlan> {
    if !node.is_table() {
        return stated(node, known.ty).map(FieldPlan::Const);
    }
    read(scopes, group, node, known).map(FieldPlan::Read)
}

/// A yes or no that is no field of a reading.
const FLAG: Field = Field { name: "", ty: FieldType::Flag, required: false };

/// `replayed = true`, or a flag of the body.
pub(crate) fn flag(scopes: &mut Scopes<'_>, group: GroupId, node: &Node<'_>) -> Option<FlagPlan> {
    if !node.is_table() {
        return node.flag().map(FlagPlan::Const);
    }
    if let Some(table) = node.table().filter(|table| table.has("when")) {
        let when = table.get("when").and_then(|node| condition(scopes, group, &node));
        table.finish();
        return when.map(FlagPlan::When);
    }
    read(scopes, group, node, &FLAG).map(FlagPlan::Read)
}

/// `time = { at = "/time", as = "rfc3339" }`, or `time = { fields = { year = "/y", … }, zone = "UTC" }`.
pub(crate) fn time(scopes: &mut Scopes<'_>, group: GroupId, node: &Node<'_>) -> Option<TimeRead> {
    let table = node.table()?;
    if let Some(node) = table.get("fields") {
        let fields = time_fields(scopes, group, &node);
        let zone = table.need("zone", "where this clock hangs, such as \"Asia/Shanghai\" or \"UTC\"");
        let zone = zone.and_then(|node| time_zone(&node));
        table.finish();
        let (fields, millis) = fields?;
        return Some(TimeRead::Fields(Box::new(TimeFields { fields, millis, zone: zone? })));
    }
    let source = table.need("at", "the pointer of the time").and_then(|node| scopes.source(group, &node));
    let sentinels = table.get("unknown_when").map_or(Some(vec![]), |node| literals(&node));
    let formats = formats(&table);
    table.finish();
    Some(TimeRead::Written { source: source?, sentinels: sentinels?, formats: formats? })
}

fn time_fields(
    scopes: &mut Scopes<'_>,
    group: GroupId,
    node: &Node<'_>,
) -> Option<([Source; 6], Option<Source>)> {
    let table = node.table()?;
    let names = ["year", "month", "day", "hour", "minute", "second"];
    let found = names.map(|name| {
        table.need(name, "its pointer, such as \"/UTC/year\"").and_then(|node| scopes.source(group, &node))
    });
    let millis = match table.get("millisecond") {
        None => None,
        Some(node) => Some(scopes.source(group, &node)?),
    };
    table.finish();
    let [year, month, day, hour, minute, second] = found;
    Some(([year?, month?, day?, hour?, minute?, second?], millis))
}

fn read(scopes: &mut Scopes<'_>, group: GroupId, node: &Node<'_>, known: &Field) -> Option<Read> {
    let table = node.table()?;
    let sentinels = table.get("unknown_when").map_or(Some(vec![]), |node| literals(&node));
    let null = null(&table);
    let chain = match table.get("decode") {
        None => Some(None),
        Some(node) => chain(&node, End::Text).map(|chain| Some(Box::new(chain))),
    };
    if let Some(of) = table.get("of") {
        let found = map_of(scopes, group, &table, &of, known.ty);
        table.finish();
        let (source, convert) = found?;
        return Some(Read { source, sentinels: sentinels?, null: null?, chain: chain?, convert });
    }
    let source = table.need("at", "the pointer of the value, such as \"/contact\"");
    let source = source.and_then(|node| scopes.source(group, &node));
    let convert = convert(scopes, group, &table, known);
    table.finish();
    Some(Read { source: source?, sentinels: sentinels?, null: null?, chain: chain?, convert: convert? })
}

/// `{ of = ["/major", "/minor"], map = { "5/21" = "granted" } }`: a table by several inputs.
fn map_of(
    scopes: &mut Scopes<'_>,
    group: GroupId,
    table: &Table<'_>,
    of: &Node<'_>,
    ty: FieldType,
) -> Option<(Source, Convert)> {
    let all: Vec<_> = of.one_or_more().iter().map(|node| scopes.source(group, node)).collect();
    let all = all.into_iter().collect::<Option<Vec<_>>>()?;
    if !(2..=4).contains(&all.len()) || table.has("at") || table.has("decode") {
        of.fault("`of` names two to four pointers, in place of `at`; `decode` does not go with it");
        return None;
    }
    if !table.has("map") {
        table.node.fault("`of` needs a `map`, with keys such as \"5/21\"");
        return None;
    }
    let Convert::Map { table: entries, case } = map(table, ty)? else { return None };
    let source = Source {
        at: all.iter().flat_map(|source| source.at.iter().copied()).collect(),
        pointers: all.iter().map(|source| source.pointers.as_str()).collect::<Vec<_>>().join(" and "),
    };
    Some((source, Convert::MapOf { of: all, table: entries, case }))
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

fn convert(scopes: &mut Scopes<'_>, group: GroupId, table: &Table<'_>, known: &Field) -> Option<Convert> {
    let ty = known.ty;
    if table.has("map") {
        return map(table, ty);
    }
    match ty {
        FieldType::Flag => polarity(scopes, group, table),
        FieldType::Number => number(table, known),
        FieldType::Whole { min, max } => Some(Convert::Whole { min, max }),
        FieldType::Text => text(table, known),
        FieldType::Choice(names) => {
            let names = names.join(", ");
            table.node.fault(format!(
                "say what the vendor's values mean: map = {{ \"37\" = \"…\" }}, with one of {names}"
            ));
            None
        }
        FieldType::Time => formats(table).map(Convert::Time),
        FieldType::Evidence => match table.get("inline").map(|node| node.flag()) {
            None | Some(Some(false)) => Some(Convert::Evidence),
            Some(Some(true)) => Some(Convert::Picture),
            Some(None) => None,
        },
    }
}

/// What names a person or a car is not kept as it stands.
fn text(table: &Table<'_>, known: &Field) -> Option<Convert> {
    match table.get("hash").map(|node| node.flag()) {
        Some(Some(true)) => Some(Convert::Hashed),
        Some(Some(false)) => Some(Convert::Text),
        Some(None) => None,
        None if known.name.ends_with("_hash") => {
            table.node.fault(format!(
                "`{}` is kept as a hash: write hash = true; hash = false if the vendor has hashed it already",
                known.name
            ));
            None
        }
        None => Some(Convert::Text),
    }
}

/// A flag states its polarity: nobody may guess whether `contact = false` is an open door.
fn polarity(scopes: &mut Scopes<'_>, group: GroupId, table: &Table<'_>) -> Option<Convert> {
    let bit = match table.get("bit") {
        None => None,
        Some(node) => match node.whole().and_then(|bit| u8::try_from(bit).ok()).filter(|bit| *bit < 64) {
            Some(bit) => Some(bit),
            None => {
                node.fault("a bit from 0 (the lowest) to 63");
                return None;
            }
        },
    };
    if let Some(node) = table.get("polarity") {
        if node.is_table() {
            return polarity_by(scopes, group, &node.table()?);
        }
        let inverted = match node.text()? {
            "direct" => false,
            "inverted" => true,
            other => {
                node.fault(format!(
                    "the polarity is \"direct\" or \"inverted\", or a table that says it by model; not {other:?}"
                ));
                return None;
            }
        };
        return Some(match bit {
            Some(bit) => Convert::Bit { bit, inverted },
            None => Convert::Polarity { inverted },
        });
    }
    if bit.is_some() {
        table.node.fault("a bit needs its polarity: \"direct\" (set means true) or \"inverted\"");
        return None;
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

/// `polarity = { by = "/model", direct = ["A"], inverted = ["B", "C"] }`.
fn polarity_by(scopes: &mut Scopes<'_>, group: GroupId, table: &Table<'_>) -> Option<Convert> {
    let model = table.need("by", "the pointer of the model's name, or a capture");
    let model = model.and_then(|node| scopes.source(group, &node));
    let case = case(table)?;
    let side = |key: &'static str| table.get(key).map_or(Some(vec![]), |node| literals(&node));
    let (direct, inverted) = (side("direct"), side("inverted"));
    table.finish();
    let (direct, inverted) = (direct?, inverted?);
    if direct.is_empty() && inverted.is_empty() {
        table.node.fault("which models? direct = [\"…\"], inverted = [\"…\"]");
        return None;
    }
    if let Some(both) = direct.iter().find(|literal| inverted.contains(literal)) {
        table.node.fault(format!("{both:?} stands in both lists"));
        return None;
    }
    Some(Convert::PolarityBy { model: model?, direct, inverted, case })
}

fn number(table: &Table<'_>, known: &Field) -> Option<Convert> {
    let get = |key, default| table.get(key).map_or(Some(default), |node| node.number());
    let (mut scale, mut offset) = (get("scale", 1.0), get("offset", 0.0));
    let min = get("min", f64::NEG_INFINITY);
    let max = get("max", f64::INFINITY);
    let abs = table.get("abs").map_or(Some(false), |node| node.flag());
    if let Some(node) = table.get("unit") {
        // The last word of the name that is a unit: mm_below_rim, rain_mm_h.
        let own = known.name.rsplit('_').find(|word| UNITS.iter().any(|(to, ..)| to == word)).unwrap_or("");
        let found = node.text().and_then(|unit| factor(own, unit));
        if found.is_none() || table.has("scale") || table.has("offset") {
            node.fault(format!(
                "`{}` can be made from {}; for other units write scale and offset, without `unit`",
                known.name,
                units(own)
            ));
            return None;
        }
        (scale, offset) = found.map(|(scale, offset)| (Some(scale), Some(offset)))?;
    }
    Some(Convert::Number { scale: scale?, offset: offset?, abs: abs?, min: min?, max: max? })
}

/// Units that vendors use: the field's own, the vendor's, scale and offset.
const UNITS: &[(&str, &str, f64, f64)] = &[
    ("celsius", "celsius", 1.0, 0.0),
    ("celsius", "fahrenheit", 5.0 / 9.0, -160.0 / 9.0),
    ("celsius", "kelvin", 1.0, -273.15),
    ("celsius", "decicelsius", 0.1, 0.0),
    ("celsius", "centicelsius", 0.01, 0.0),
    ("mm", "mm", 1.0, 0.0),
    ("mm", "cm", 10.0, 0.0),
    ("mm", "m", 1000.0, 0.0),
    ("m", "m", 1.0, 0.0),
    ("m", "cm", 0.01, 0.0),
    ("m", "mm", 0.001, 0.0),
    ("pct", "pct", 1.0, 0.0),
    ("pct", "fraction", 100.0, 0.0),
    ("pct", "permille", 0.1, 0.0),
    ("volts", "volts", 1.0, 0.0),
    ("volts", "millivolts", 0.001, 0.0),
    ("volts", "centivolts", 0.01, 0.0),
    ("litres", "litres", 1.0, 0.0),
    ("litres", "m3", 1000.0, 0.0),
    ("litres", "decilitres", 0.1, 0.0),
    ("litres", "millilitres", 0.001, 0.0),
    ("kwh", "kwh", 1.0, 0.0),
    ("kwh", "wh", 0.001, 0.0),
    ("kwh", "mwh", 1000.0, 0.0),
    ("ppm", "ppm", 1.0, 0.0),
    ("ppm", "pct", 10_000.0, 0.0),
    ("ppm", "ppb", 0.001, 0.0),
    ("s", "s", 1.0, 0.0),
    ("s", "ms", 0.001, 0.0),
    ("s", "min", 60.0, 0.0),
    ("s", "h", 3600.0, 0.0),
    ("mps", "mps", 1.0, 0.0),
    ("mps", "kmh", 1.0 / 3.6, 0.0),
    ("db", "db", 1.0, 0.0),
    ("db", "decidb", 0.1, 0.0),
    ("deg", "deg", 1.0, 0.0),
    ("deg", "decideg", 0.1, 0.0),
    ("deg", "rad", 180.0 / std::f64::consts::PI, 0.0),
    ("h", "mmh", 1.0, 0.0),
];

fn factor(own: &str, unit: &str) -> Option<(f64, f64)> {
    let found = UNITS.iter().find(|(to, from, ..)| *to == own && *from == unit)?;
    Some((found.2, found.3))
}

fn units(own: &str) -> String {
    let all: Vec<_> = UNITS.iter().filter(|(to, ..)| *to == own).map(|(_, from, ..)| *from).collect();
    if all.is_empty() { "no other unit by name".into() } else { all.join(", ") }
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
            "epoch" => TimeFormat::EpochOfAnySize,
            "age_s" => TimeFormat::Age,
            "rfc3339" => TimeFormat::Rfc3339,
            "pattern" => {
                patterns = true;
                let (Some(pattern), Some(zone)) = (&pattern, &zone) else {
                    table.node.fault("a pattern needs `pattern`, such as \"%Y-%m-%d %H:%M:%S\", and `zone`, such as \"Asia/Shanghai\"");
                    return None;
                };
                let zone = time_zone(zone)?;
                for pattern in pattern.one_or_more() {
                    formats.push(local(&pattern, &zone)?);
                }
                continue;
            }
            other => {
                name.fault(format!("a time is written as epoch_s, epoch_ms, epoch_us, epoch_ns, epoch, age_s, rfc3339 or pattern, not {other:?}"));
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

fn time_zone(node: &Node<'_>) -> Option<TimeZone> {
    let found = TimeZone::get(node.text()?);
    found.map_err(|_| node.fault("no such time zone; write one such as \"Asia/Shanghai\"")).ok()
}

fn local(pattern: &Node<'_>, zone: &TimeZone) -> Option<TimeFormat> {
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
    Some(TimeFormat::Pattern { pattern: text.to_owned(), zone: zone.clone() })
}

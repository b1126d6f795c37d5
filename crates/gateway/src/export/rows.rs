//! A fact as a line of JSON, or as a row of a table.

use super::Told;
use serde_json::{Map, Value};
use wanglou_engine::Calendar;

/// The columns of a row, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns;

impl Columns {
    /// Their names.
    pub const NAMES: [&'static str; 8] =
        ["time", "fact", "alarm", "kind", "priority", "place", "test", "said"];
}

/// One JSON object: its `time` with the compound's offset (some facts have an `at` of their own), then the fact as the journal has it.
///
/// # Errors
/// A fault of the program: facts are JSON.
pub fn json_line(calendar: &Calendar, told: &Told<'_>) -> Result<String, serde_json::Error> {
    let mut object = Map::from_iter([("time".to_owned(), Value::String(calendar.format(told.wall)))]);
    if let Value::Object(fact) = serde_json::to_value(told.fact)? {
        object.extend(fact);
    }
    serde_json::to_string(&object)
}

/// The same as the columns of [`Columns::NAMES`]; `said` is what is left of the fact, as JSON.
///
/// # Errors
/// A fault of the program: facts are JSON.
pub fn csv_row(calendar: &Calendar, told: &Told<'_>) -> Result<[String; 8], serde_json::Error> {
    let Value::Object(mut fact) = serde_json::to_value(told.fact)? else { return Ok(Default::default()) };
    let name = fact.remove("fact").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
    fact.remove("alarm");
    let alarm = told.fact.alarm().map(ToString::to_string).unwrap_or_default();
    let of = |look: &dyn Fn(&wanglou_model::Raised) -> String| told.raised.map(look).unwrap_or_default();
    let raised = matches!(told.fact, wanglou_model::Fact::Raised(_));
    if raised {
        ["kind", "place", "priority", "test"].iter().for_each(|key| drop(fact.remove(*key)));
    }
    let test = of(&|raised| if raised.test { "yes".into() } else { String::new() });
    Ok([
        calendar.format(told.wall),
        name,
        alarm,
        of(&|raised| raised.kind.to_string()),
        of(&|raised| raised.priority.to_string()),
        of(&|raised| raised.place.to_string()),
        test,
        serde_json::to_string(&fact)?,
    ])
}

//! From a profile file to plans, with every fault it has.

mod chain;
mod condition;
mod example;
mod field;
mod message;
mod reader;
mod scope;

use crate::fault::Fault;
use crate::limits::FILE_BYTES_MAX;
use crate::plan::ProfilePlan;
use crate::topic::Lane;
use reader::{File, Node, Table};
use toml::de::{DeTable, DeValue};
use wanglou_model::Span;

/// Compiles one file.
///
/// # Errors
/// Every fault of the file.
pub(crate) fn compile(name: &str, bytes: &[u8]) -> Result<ProfilePlan, Vec<Fault>> {
    let whole =
        |message: String| vec![Fault { file: name.into(), line: 0, key_path: String::new(), message }];
    if bytes.len() > FILE_BYTES_MAX {
        return Err(whole(format!(
            "a profile has at most {FILE_BYTES_MAX} bytes, this one has {}",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        whole(format!("not UTF-8 after byte {}; save the file as UTF-8", error.valid_up_to()))
    })?;
    let (document, errors) = DeTable::parse_recoverable(text);
    let file = File::new(name, text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        file.fault("", at, format!("not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return Err(file.into_faults());
    }
    let root = DeValue::Table(document.into_inner());
    let plan = Table::root(&file, &root).and_then(|table| profile(name, table));
    let faults = file.into_faults();
    match plan {
        Some(plan) if faults.is_empty() => Ok(plan),
        Some(_) | None => Err(faults),
    }
}

fn profile(file: &str, table: Table<'_>) -> Option<ProfilePlan> {
    if let Some(format) = table.need("format", "write `format = 1`")
        && format.whole().is_some_and(|format| format != 1)
    {
        // A later format may mean other things by the same keys: say only this.
        format.fault("this build reads `format = 1` only");
        return None;
    }
    let name = table
        .need("name", "the profile's name, as the device list uses it")
        .and_then(|node| profile_name(&node));
    let title = table.need("title", "what it is for, in English").and_then(|node| node.text());
    let title_zh = table.need("title_zh", "what it is for, in Chinese (中文)").and_then(|node| node.text());
    let lane = table.get("lane").map_or(Some(Lane::Bulk), |node| lane(&node));
    let interval = liveness(&table);
    let messages =
        table.need("message", "at least one [[message]]").and_then(|node| node.list()).unwrap_or_default();
    let messages: Vec<_> =
        messages.iter().filter_map(|node| message::message(node, lane.unwrap_or(Lane::Bulk))).collect();
    let examples = match table.get("example") {
        None => vec![],
        Some(list) => list.list().unwrap_or_default().iter().filter_map(example::example).collect(),
    };
    if examples.is_empty() {
        table.node.fault("a profile needs an [[example]] for each of its rules");
    }
    table.finish();
    Some(ProfilePlan {
        file: file.into(),
        name: name?.into(),
        title: title?.into(),
        title_zh: title_zh?.into(),
        interval,
        messages,
        examples,
    })
}

fn profile_name<'f>(node: &Node<'f>) -> Option<&'f str> {
    let name = node.text()?;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 64 || !name.chars().all(good) {
        node.fault("a profile's name has 1 to 64 lower-case letters, digits and _");
        return None;
    }
    Some(name)
}

/// `lane = "alarm"` or `"bulk"`.
fn lane(node: &Node<'_>) -> Option<Lane> {
    match node.text()? {
        "alarm" => Some(Lane::Alarm),
        "bulk" => Some(Lane::Bulk),
        other => {
            node.fault(format!("the lane is \"alarm\" or \"bulk\", not {other:?}"));
            None
        }
    }
}

/// `[liveness]`: how often a device of this family speaks when nothing happens.
fn liveness(table: &Table<'_>) -> Option<Span> {
    let liveness = table.get("liveness")?.table()?;
    let interval = liveness.need("interval_s", "how often a device speaks when nothing happens, in seconds");
    let interval = interval.and_then(|node| match node.whole()? {
        seconds @ 1..=31_536_000 => Some(Span::secs(seconds)),
        _ => {
            node.fault("between one second and a year (31536000)");
            None
        }
    });
    liveness.finish();
    interval
}

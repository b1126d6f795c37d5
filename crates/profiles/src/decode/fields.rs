//! From slots to values of fields.

use super::frames::Frames;
use crate::json::Token;
use crate::plan::{Convert, FieldPlan, FlagPlan, Null, Read, Rule, TimeRead};
use crate::time::DeviceTime;
use crate::value::{
    Case, Literal, Value, evidence_of, flag_of, number_of, shown, text_of, whole_from, whole_of,
};

/// Does a rule have anything to say? By its condition; without one, if any value that it reads is there.
#[inline]
pub(super) fn speaks(rule: &Rule, frames: &Frames<'_, '_>) -> bool {
    if rule.needs.is_some_and(|slots| !frames.any(slots)) {
        return false;
    }
    if let Some(when) = &rule.when {
        return frames.holds(when);
    }
    let mut reads = rule.fields.iter().filter_map(|(_, field)| match field {
        FieldPlan::Const(_) => None,
        FieldPlan::Read(read) => Some(read),
    });
    match reads.next() {
        None => true,
        Some(first) => there(first, frames) || reads.any(|read| there(read, frames)),
    }
}

#[inline]
fn there(read: &Read, frames: &Frames<'_, '_>) -> bool {
    let token = frames.first(&read.source);
    let unset = token.is_null() && read.null == Null::Absent;
    !token.is_absent() && !unset
}

/// What a field's place gave.
pub(super) enum Found {
    Absent,
    Value(Value),
    /// Something, and not what the field needs: the raw value.
    Unknown(String),
}

pub(super) fn value_of(read: &Read, frames: &Frames<'_, '_>) -> Found {
    let token = frames.first(&read.source);
    if token.is_absent() || (token.is_null() && read.null == Null::Absent) {
        return Found::Absent;
    }
    if read.sentinels.iter().any(|sentinel| sentinel.equals(&token, Case::Exact)) {
        return Found::Unknown(format!("{} (the device's word for unknown)", shown(&token)));
    }
    match convert(&read.convert, &token) {
        Some(value) => Found::Value(value),
        None => Found::Unknown(shown(&token)),
    }
}

fn convert(convert: &Convert, token: &Token<'_>) -> Option<Value> {
    match convert {
        Convert::Polarity { inverted } => flag_of(token).map(|flag| Value::Flag(flag != *inverted)),
        Convert::Sides { yes, no, case } => {
            let on = |side: &[_]| side.iter().any(|literal: &Literal| literal.equals(token, *case));
            on(yes).then_some(Value::Flag(true)).or_else(|| on(no).then_some(Value::Flag(false)))
        }
        Convert::Map { table, case } => {
            table.iter().find(|(literal, _)| literal.equals(token, *case)).map(|(_, value)| value.clone())
        }
        Convert::Number { scale, offset, abs, min, max } => {
            let number = scaled(number_of(token)?, *scale, *offset);
            let number = if *abs { number.abs() } else { number };
            (number.is_finite() && (*min..=*max).contains(&number)).then_some(Value::Number(number))
        }
        Convert::Whole { min, max } => {
            whole_of(token).filter(|whole| (*min..=*max).contains(whole)).map(Value::Whole)
        }
        Convert::Text => text_of(token).map(Value::Text),
        Convert::Time(formats) => formats.iter().find_map(|format| format.read(token)).map(Value::Time),
        Convert::Evidence => evidence_of(token).map(|evidence| Value::Evidence(Box::new(evidence))),
    }
}

/// × scale + offset. 90 − 89.82 is 0.18: what binary fractions leave beyond the ninth decimal is cut off.
fn scaled(number: f64, scale: f64, offset: f64) -> f64 {
    const NINTH: f64 = 1e9;
    #[expect(clippy::float_cmp, reason = "exactly what a profile without scale and offset has")]
    let plain = scale == 1.0 && offset == 0.0;
    let scaled = number * scale + offset;
    if plain || scaled.abs() >= 1e6 { scaled } else { (scaled * NINTH).round() / NINTH }
}

pub(super) fn raw_of(rule: &Rule, number: usize, field: &FieldPlan, raw: &str) -> String {
    let schema = rule.kind.schema();
    let name = schema.fields.get(number).map_or("?", |field| field.name);
    let pointers = match field {
        FieldPlan::Const(_) => "",
        FieldPlan::Read(read) => &read.source.pointers,
    };
    format!("{}.{name}: {pointers} is {raw}", schema.name)
}

pub(super) fn time_of(read: &TimeRead, frames: &Frames<'_, '_>) -> DeviceTime {
    let token = frames.first(&read.source);
    let unset = |token: &Token<'_>| read.sentinels.iter().any(|sentinel| sentinel.equals(token, Case::Exact));
    if token.is_absent() || token.is_null() || unset(&token) {
        return DeviceTime::None;
    }
    let found = read.formats.iter().find_map(|format| format.read(&token));
    found.map_or(DeviceTime::Unreadable, DeviceTime::At)
}

pub(super) fn flag(plan: &FlagPlan, frames: &Frames<'_, '_>) -> bool {
    match plan {
        FlagPlan::Const(flag) => *flag,
        FlagPlan::Read(read) => matches!(value_of(read, frames), Found::Value(Value::Flag(true))),
    }
}

pub(super) fn sequence_of(token: &Token<'_>) -> Option<u64> {
    whole_of(token)
        .or_else(|| number_of(token).and_then(whole_from))
        .and_then(|whole| u64::try_from(whole).ok())
}

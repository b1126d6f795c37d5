//! From slots to values of fields.

use super::frames::Frames;
use crate::blob::sha256;
use crate::chain::{Chain, Context, run, whole_of_text};
use crate::json::{Token, TokenKind};
use crate::limits::TEXT_BYTES_MAX;
use crate::plan::{Convert, FieldPlan, FlagPlan, Null, Read, Rule, Source, TimeFields, TimeRead};
use crate::time::{DeviceTime, civil};
use crate::value::{
    Case, Literal, Value, evidence_of, flag_of, number_of, shown, text_of, whole_digits, whole_from, whole_of,
};
use std::borrow::Cow;
use wanglou_model::Timestamp;

/// Does a rule have anything to say? By its condition; without one, if any value that it reads is there.
#[inline]
pub(crate) fn speaks(rule: &Rule, frames: &Frames<'_, '_>) -> bool {
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
#[derive(Debug)]
pub(crate) enum Found {
    Absent,
    Value(Value),
    /// Something, and not what the field needs: the raw value.
    Unknown(String),
}

pub(crate) fn value_of(read: &Read, frames: &Frames<'_, '_>, context: &mut Context<'_>) -> Found {
    let token = frames.first(&read.source);
    if token.is_absent() || (token.is_null() && read.null == Null::Absent) {
        return Found::Absent;
    }
    if let Some(chain) = &read.chain {
        return match decoded(chain, &token, context) {
            Ok(text) => converted(read, &Token::of_text(&text), frames, context),
            Err(reason) => Found::Unknown(format!("{}: {reason}", shown(&token))),
        };
    }
    converted(read, &token, frames, context)
}

fn decoded<'a>(chain: &Chain, token: &Token<'a>, context: &mut Context<'_>) -> Result<Cow<'a, str>, String> {
    let input = bytes_of(token).ok_or("no text")?;
    Ok(run(chain, input, context)?.text)
}

/// What a chain begins with: a string's value, anything else as it stands in the body.
pub(super) fn bytes_of<'a>(token: &Token<'a>) -> Option<Cow<'a, [u8]>> {
    match token.kind {
        TokenKind::EscapedText => token.scalar().map(|text| Cow::Owned(text.into_owned().into_bytes())),
        TokenKind::Absent | TokenKind::Null => None,
        TokenKind::Text
        | TokenKind::Number
        | TokenKind::True
        | TokenKind::False
        | TokenKind::Array
        | TokenKind::Object => Some(Cow::Borrowed(token.text.as_bytes())),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "three ways look at more than the token; a new one says so"
)]
fn converted(read: &Read, token: &Token<'_>, frames: &Frames<'_, '_>, context: &mut Context<'_>) -> Found {
    if read.sentinels.iter().any(|sentinel| sentinel.equals(token, Case::Exact)) {
        return Found::Unknown(format!("{} (the device's word for unknown)", shown(token)));
    }
    match &read.convert {
        Convert::MapOf { of, table, case } => {
            let joined = joined(of, frames);
            let found = joined.as_ref().and_then(|joined| among(table, &Token::of_text(joined), *case));
            found.map_or_else(|| Found::Unknown(joined.unwrap_or_else(|| shown(token))), Found::Value)
        }
        Convert::Picture if token.text.is_empty() => Found::Absent,
        Convert::PolarityBy { model, direct, inverted, case } => {
            let model = frames.first(model);
            let among = |side: &[Literal]| side.iter().any(|literal| literal.equals(&model, *case));
            match (among(direct), among(inverted), flag_of(token)) {
                (false, false, _) => Found::Unknown(format!(
                    "{}, and no polarity is stated for {}",
                    shown(token),
                    shown(&model)
                )),
                (direct, _, Some(flag)) => Found::Value(Value::Flag(flag == direct)),
                (_, _, None) => Found::Unknown(shown(token)),
            }
        }
        other => convert(other, token, context).map_or_else(|| Found::Unknown(shown(token)), Found::Value),
    }
}

/// Several inputs as one text, `5/21`; `None` when one of them is no scalar.
fn joined(of: &[Source], frames: &Frames<'_, '_>) -> Option<String> {
    let mut text = String::new();
    for (number, source) in of.iter().enumerate() {
        if number > 0 {
            text.push('/');
        }
        let token = frames.first(source);
        if token.text.len() > TEXT_BYTES_MAX {
            return None;
        }
        match token.kind {
            TokenKind::Number => text.push_str(whole_digits(token.text).unwrap_or(token.text)),
            TokenKind::Absent | TokenKind::Null => {}
            TokenKind::True
            | TokenKind::False
            | TokenKind::Text
            | TokenKind::EscapedText
            | TokenKind::Array
            | TokenKind::Object => text.push_str(&token.scalar()?),
        }
    }
    Some(text)
}

fn among(table: &[(Literal, Value)], token: &Token<'_>, case: Case) -> Option<Value> {
    table.iter().find(|(literal, _)| literal.equals(token, case)).map(|(_, value)| value.clone())
}

fn convert(convert: &Convert, token: &Token<'_>, context: &mut Context<'_>) -> Option<Value> {
    match convert {
        Convert::Polarity { inverted } => flag_of(token).map(|flag| Value::Flag(flag != *inverted)),
        Convert::Bit { bit, inverted } => {
            let number = token.scalar().and_then(|text| whole_of_text(&text))?;
            Some(Value::Flag((number >> bit & 1 == 1) != *inverted))
        }
        Convert::Sides { yes, no, case } => {
            let on = |side: &[_]| side.iter().any(|literal: &Literal| literal.equals(token, *case));
            on(yes).then_some(Value::Flag(true)).or_else(|| on(no).then_some(Value::Flag(false)))
        }
        Convert::Map { table, case } => among(table, token, *case),
        Convert::Number { scale, offset, abs, min, max } => {
            let number = scaled(number_of(token)?, *scale, *offset);
            let number = if *abs { number.abs() } else { number };
            (number.is_finite() && (*min..=*max).contains(&number)).then_some(Value::Number(number))
        }
        Convert::Whole { min, max } => {
            whole_of(token).filter(|whole| (*min..=*max).contains(whole)).map(Value::Whole)
        }
        Convert::Text => text_of(token).map(Value::Text),
        Convert::Hashed => text_of(token).filter(|text| !text.is_empty()).map(|text| {
            let mut hash = sha256(text.as_bytes());
            hash.truncate(32);
            Value::Text(hash)
        }),
        Convert::Time(formats) => {
            formats.iter().find_map(|format| format.read(token, context.at)).map(Value::Time)
        }
        Convert::Evidence => evidence_of(token).map(|evidence| Value::Evidence(Box::new(evidence))),
        Convert::Picture => context.picture(token).map(|evidence| Value::Evidence(Box::new(evidence))),
        // These look at more than one token.
        Convert::PolarityBy { .. } | Convert::MapOf { .. } => None,
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

pub(crate) fn raw_of(rule: &Rule, number: usize, field: &FieldPlan, raw: &str) -> String {
    let schema = rule.kind.schema();
    let name = schema.fields.get(number).map_or("?", |field| field.name);
    let pointers = match field {
        FieldPlan::Const(_) => "",
        FieldPlan::Read(read) => &read.source.pointers,
    };
    format!("{}.{name}: {pointers} is {raw}", schema.name)
}

pub(crate) fn time_of(read: &TimeRead, frames: &Frames<'_, '_>, received: Timestamp) -> DeviceTime {
    let (source, sentinels, formats) = match read {
        TimeRead::Written { source, sentinels, formats } => (source, sentinels, formats),
        TimeRead::Fields(fields) => return fields_time(fields, frames),
    };
    let token = frames.first(source);
    let unset = |token: &Token<'_>| sentinels.iter().any(|sentinel| sentinel.equals(token, Case::Exact));
    if token.is_absent() || token.is_null() || unset(&token) {
        return DeviceTime::None;
    }
    let found = formats.iter().find_map(|format| format.read(&token, received));
    found.map_or(DeviceTime::Unreadable, DeviceTime::At)
}

fn fields_time(time: &TimeFields, frames: &Frames<'_, '_>) -> DeviceTime {
    if time.fields.iter().all(|source| frames.first(source).is_absent()) {
        return DeviceTime::None;
    }
    let mut fields = [0; 6];
    for (field, source) in fields.iter_mut().zip(&time.fields) {
        match whole_of(&frames.first(source)) {
            Some(whole) => *field = whole,
            None => return DeviceTime::Unreadable,
        }
    }
    let millis = time.millis.as_ref().and_then(|source| whole_of(&frames.first(source))).unwrap_or(0);
    civil(fields, millis, &time.zone).map_or(DeviceTime::Unreadable, DeviceTime::At)
}

pub(super) fn flag(plan: &FlagPlan, frames: &Frames<'_, '_>, context: &mut Context<'_>) -> bool {
    match plan {
        FlagPlan::Const(flag) => *flag,
        FlagPlan::Read(read) => matches!(value_of(read, frames, context), Found::Value(Value::Flag(true))),
        FlagPlan::When(condition) => frames.holds(condition),
    }
}

pub(super) fn sequence_of(token: &Token<'_>) -> Option<u64> {
    whole_of(token)
        .or_else(|| number_of(token).and_then(whole_from))
        .and_then(|whole| u64::try_from(whole).ok())
}

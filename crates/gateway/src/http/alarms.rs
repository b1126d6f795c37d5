//! One alarm in full: what to do, and everything that happened to it.

use super::openapi::Words;
use super::session::Caller;
use super::{PhoneSide, Problem};
use crate::plans::{Pin, Plans};
use crate::view::{self, Angle, Person};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use wanglou_engine::{Alarm, CommandRow, Engine, Entry, may_see};
use wanglou_model::{AlarmId, OfficerId, Text, rfc3339_micros};
use wanglou_site::People;

#[derive(Serialize, JsonSchema)]
pub(super) struct Detail {
    #[schemars(with = "view::Body<'static>")]
    a: Box<RawValue>,
    /// What to do, step by step.
    advice: Advice,
    /// Of the latest input that raised it, or made more of it: the same on the log lines of what followed.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
    /// Where it is on a plan, `/api/plans/{plan}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Pin>,
    /// What lifts were told because of it, the latest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    lift: Vec<LiftRow>,
    /// Everything that happened to it, the oldest first.
    timeline: Vec<Line>,
}

/// A command to a lift, and what became of it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "LiftCommand")]
struct LiftRow {
    at: String,
    /// `voice`, `hold` or `release`.
    action: &'static str,
    /// `pending`, `started`, `taken`, `confirmed`, `failed`, `timed_out` or `unknown`.
    state: &'static str,
    /// Whoever asked for it; absent: a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Person>,
    #[schemars(with = "Words")]
    text: Text,
}

#[derive(Serialize, JsonSchema)]
struct Advice {
    zh: Vec<String>,
    en: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TimelineLine")]
struct Line {
    at: String,
    /// `raised`, `rung`, `stored`, `accepted`, …
    what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Person>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Words>")]
    text: Option<Text>,
    /// Of the input that it came of: the same on its log lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<String>,
}

pub(super) async fn detail(
    State(side): State<PhoneSide>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "gone", "没有这条告警", "there is no such alarm");
    let id = AlarmId::parse(&id).map_err(|_| gone())?;
    let (officer, people) = (caller.id().clone(), side.hub.people());
    let plans = Arc::clone(&side.plans);
    let found = side.writer.read(move |engine| look(engine, &people, &plans, &id, &officer)).await?;
    let text = found.ok_or_else(gone)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

/// An alarm that the officer may not see is not there for them.
fn look(
    engine: &Engine,
    people: &People,
    plans: &Plans,
    id: &AlarmId,
    officer: &OfficerId,
) -> Option<String> {
    let alarm = engine.book().alarms.get(id)?;
    if !may_see(&engine.world(), alarm, officer) {
        return None;
    }
    let angle = Angle::of(engine, alarm, officer);
    let body = view::alarm_json(engine, people, alarm, alarm.rev, &angle);
    let advice = view::advice(engine, alarm);
    let detail = Detail {
        a: RawValue::from_string(body).ok()?,
        advice: Advice {
            zh: advice.iter().map(|step| step.zh.clone()).collect(),
            en: advice.iter().map(|step| step.en.clone()).collect(),
        },
        plan: plans.pin(&alarm.place),
        lift: lift(engine, people, alarm),
        trace: alarm.trace.map(view::trace),
        timeline: timeline(engine, people, alarm),
    };
    serde_json::to_string(&detail).ok()
}

fn lift(engine: &Engine, people: &People, alarm: &Alarm) -> Vec<LiftRow> {
    let mine = |row: &&CommandRow| row.command.alarm.as_ref() == Some(&alarm.id);
    let mut rows: Vec<&CommandRow> = engine.book().commands.values().filter(mine).collect();
    rows.sort_by_key(|row| row.at);
    let shown = |row: &CommandRow| LiftRow {
        at: rfc3339_micros::format(engine.senses().wall(row.at)),
        action: row.command.action.name(),
        state: row.state.name(),
        by: row.command.by.as_ref().map(|id| view::person(people, id)),
        text: row.command.reason.text.clone(),
    };
    rows.into_iter().map(shown).collect()
}

fn timeline(engine: &Engine, people: &People, alarm: &Alarm) -> Vec<Line> {
    let line = |entry: &Entry| Line {
        at: rfc3339_micros::format(engine.senses().wall(entry.at)),
        what: entry.what.clone(),
        by: entry.by.as_ref().map(|id| view::person(people, id)),
        to: entry.to.as_ref().map(|id| view::person(people, id)),
        channel: entry.channel.clone(),
        text: entry.reason.as_ref().map(|reason| reason.text.clone()).filter(|text| !text.zh.is_empty()),
        trace: entry.trace.map(view::trace),
    };
    alarm.timeline.iter().map(line).collect()
}

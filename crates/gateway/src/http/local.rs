//! For the machine's own command line, which shows that it may read the data directory: test alarms, backups, the quarantine.

use super::session::{self, secret};
use super::{PhoneSide, Problem};
use crate::clock;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanglou_model::{Answer, Command, CommandId, Fact, Input, Op, PlaceId};

#[derive(Deserialize, JsonSchema)]
pub(super) struct TestAlarm {
    place: String,
    #[serde(default = "priority")]
    priority: u8,
}

fn priority() -> u8 {
    2
}

/// Where a backup goes, and for how long.
#[derive(Deserialize, JsonSchema)]
pub(super) struct BackupInto {
    into: std::path::PathBuf,
    keep_days: u32,
}

/// Makes a backup; only for the machine's own command line.
pub(super) async fn backup(
    State(side): State<PhoneSide>,
    headers: HeaderMap,
    Json(body): Json<BackupInto>,
) -> Result<Response, Problem> {
    session::local(&side, &headers)?;
    let made = side.backups.make(&body.into, body.keep_days, clock::wall()).await.map_err(|error| {
        let en = error.to_string();
        Problem::new(StatusCode::CONFLICT, "backup", &format!("备份失败：{en}"), &en)
    })?;
    let manifest = made.manifest;
    let shown = serde_json::json!({
        "path": made.path, "files": manifest.files, "bytes": manifest.bytes, "position": manifest.position,
        "delete_by": manifest.delete_by, "damaged": manifest.damaged,
    });
    Ok(Json(shown).into_response())
}

/// A test alarm that was raised.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "TestAlarmRaised")]
pub(super) struct TestRaised {
    /// Its id.
    alarm: String,
    /// Officers who were told at once.
    told: Vec<String>,
}

/// An alarm marked TEST, through the real ladder; for the machine's own command line.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
pub(super) async fn test_alarm(
    State(side): State<PhoneSide>,
    headers: HeaderMap,
    Json(body): Json<TestAlarm>,
) -> Result<Response, Problem> {
    session::local(&side, &headers)?;
    let invalid = |zh: &str, en: &str| Problem::new(StatusCode::BAD_REQUEST, "invalid", zh, en);
    let place = PlaceId::parse(&body.place).map_err(|error| invalid("地点无效", &error.to_string()))?;
    if !(1..=3).contains(&body.priority) {
        return Err(invalid("级别为 1 至 3", "the priority is 1, 2 or 3"));
    }
    let admin = side.writer.read(|engine| {
        let officers = &engine.setup().site.officers;
        officers.iter().find(|(_, officer)| officer.admin).map(|(id, _)| id.clone())
    });
    let officer = admin.await?.ok_or_else(|| invalid("没有管理员", "no officer has admin = true"))?;
    let cid = CommandId::parse(&format!("test-{}", secret()?))
        .map_err(|error| invalid("编号无效", &error.to_string()))?;
    let op = Op::TestAlarm { place, priority: body.priority, own: false };
    let command = Command { cid, officer, phone: None, alarm: None, rev: None, op };
    let committed = side.writer.submit(Input::Command(command)).await?;
    let answer = committed.facts.iter().find_map(|fact| match fact {
        Fact::Answered { answer, .. } => Some(answer.clone()),
        _ => None,
    });
    match answer {
        Some(Answer::Ok { alarm }) => {
            Ok(Json(TestRaised { alarm: alarm.to_string(), told: told(&committed.facts) }).into_response())
        }
        Some(Answer::Invalid { reason }) => Err(invalid(&reason.text.zh, &reason.text.en)),
        Some(Answer::Done | Answer::Taken { .. } | Answer::Changed | Answer::Gone | Answer::Forbidden)
        | None => Err(Problem::forbidden()),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn told(facts: &[Fact]) -> Vec<String> {
    let rungs = facts.iter().filter_map(|fact| match fact {
        Fact::Rung { told, .. } => Some(told),
        _ => None,
    });
    rungs.flatten().map(|told| told.officer.to_string()).collect()
}

/// What nobody understood, whole samples, for the machine's own command line.
pub(super) async fn quarantine(
    State(side): State<PhoneSide>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    session::local(&side, &headers)?;
    Ok(Json(side.quarantine.entries()).into_response())
}

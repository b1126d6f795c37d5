//! Pictures and clips of an alarm, for whoever may see it. Each look is counted and logged.

use super::session::Caller;
use super::{PhoneSide, Problem};
use crate::evidence::Missing;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use wanglou_engine::{Engine, may_see};
use wanglou_journal::BlobId;
use wanglou_model::{AlarmId, Answer, Command, CommandId, Evidence, Fact, Input, Op};

/// The alarm's piece of evidence with that number, counted from 0.
pub(super) async fn show(
    State(side): State<PhoneSide>,
    caller: Caller,
    Path((id, number)): Path<(String, usize)>,
) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "gone", "没有这份证据", "there is no such evidence");
    let alarm = AlarmId::parse(&id).map_err(|_| gone())?;
    let Some(wanted) = named(&side, &caller, &alarm, number).await? else {
        audit(&side, &caller, &alarm, number, "gone");
        return Err(gone());
    };
    match side.evidence.picture(&wanted).await {
        Ok(picture) => {
            audit(&side, &caller, &alarm, number, "shown");
            Ok(([(header::CONTENT_TYPE, picture.mime)], picture.bytes).into_response())
        }
        Err(missing) => {
            audit(&side, &caller, &alarm, number, missing.code());
            Err(problem(missing))
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
/// Hands a piece of evidence out, to a court or the police: the bytes as they are now must be those of the hash at ingest.
/// Both ways it is a line of the custody list, which is on disk before anything is answered.
pub(super) async fn export(
    State(side): State<PhoneSide>,
    caller: Caller,
    Path((id, number)): Path<(String, usize)>,
) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "gone", "没有这份证据", "there is no such evidence");
    let alarm = AlarmId::parse(&id).map_err(|_| gone())?;
    let wanted = named(&side, &caller, &alarm, number).await?.ok_or_else(gone)?;
    let picture = side.evidence.picture(&wanted).await;
    let sha256 = match &picture {
        Ok(picture) => BlobId::of(&picture.bytes).to_string(),
        Err(Missing::Mismatch) => Missing::Mismatch.code().to_owned(),
        Err(missing) => return Err(problem(*missing)),
    };
    let cid = CommandId::parse(&format!("export-{}", super::session::secret()?)).map_err(|_| gone())?;
    let command = Command {
        cid: cid.clone(),
        officer: caller.id().clone(),
        phone: Some(caller.phone().clone()),
        alarm: Some(alarm.clone()),
        rev: None,
        op: Op::Export { number: Some(number), sha256: Some(sha256.clone()) },
    };
    let committed = side.writer.submit(Input::Command(command)).await?;
    let answer = committed.facts.into_iter().find_map(|fact| match fact {
        Fact::Answered { answer, .. } => Some(answer),
        _ => None,
    });
    match (answer, picture) {
        (Some(Answer::Ok { .. }), Ok(picture)) => {
            audit(&side, &caller, &alarm, number, "exported");
            let name = format!("attachment; filename=\"{alarm}-{number}\"");
            let headers = [
                (header::CONTENT_TYPE, picture.mime.to_owned()),
                (header::CONTENT_DISPOSITION, name),
                (header::HeaderName::from_static("x-wanglou-sha256"), sha256),
            ];
            Ok((headers, picture.bytes).into_response())
        }
        (Some(Answer::Invalid { reason }), _) => {
            audit(&side, &caller, &alarm, number, "export_refused");
            Err(Problem::new(StatusCode::CONFLICT, "export_refused", &reason.text.zh, &reason.text.en))
        }
        (Some(Answer::Forbidden), _) => Err(Problem::forbidden()),
        _ => Err(gone()),
    }
}

/// The piece with that number, if the alarm is there and the caller may see it.
async fn named(
    side: &PhoneSide,
    caller: &Caller,
    alarm: &AlarmId,
    number: usize,
) -> Result<Option<Evidence>, Problem> {
    let (asked, officer) = (alarm.clone(), caller.id().clone());
    let look = move |engine: &Engine| {
        let alarm = engine.book().alarms.get(&asked)?;
        let seen = may_see(&engine.world(), alarm, &officer);
        alarm.evidence.get(number).filter(|_| seen).cloned()
    };
    Ok(side.writer.read(look).await?)
}

fn problem(missing: Missing) -> Problem {
    let words = missing.words();
    let status =
        if missing == Missing::Busy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NOT_FOUND };
    Problem::new(status, missing.code(), &words.zh, &words.en)
}

fn audit(side: &PhoneSide, caller: &Caller, alarm: &AlarmId, number: usize, result: &str) {
    side.metrics.evidence_reads.with_label_values(&[result]).inc();
    let (officer, phone) = (caller.id(), caller.phone());
    tracing::info!(%officer, %phone, %alarm, number, result, "evidence");
}

//! Pictures and clips of an alarm, for whoever may see it. Each look is counted and logged.

use super::session::Caller;
use super::{PhoneSide, Problem};
use crate::evidence::Missing;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use wanglou_engine::may_see;
use wanglou_model::AlarmId;

/// The alarm's piece of evidence with that number, counted from 0.
pub(super) async fn show(
    State(side): State<PhoneSide>,
    caller: Caller,
    Path((id, number)): Path<(String, usize)>,
) -> Result<Response, Problem> {
    let gone = || Problem::new(StatusCode::NOT_FOUND, "gone", "没有这份证据", "there is no such evidence");
    let alarm = AlarmId::parse(&id).map_err(|_| gone())?;
    let (asked, officer) = (alarm.clone(), caller.id().clone());
    let found = side.writer.read(move |engine| {
        let alarm = engine.book().alarms.get(&asked)?;
        let seen = may_see(&engine.world(), alarm, &officer);
        alarm.evidence.get(number).filter(|_| seen).cloned()
    });
    let Some(wanted) = found.await? else {
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

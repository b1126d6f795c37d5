//! For probes and Prometheus: is it alive, is it ready, what does it count?

use super::PhoneSide;
use crate::clock;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use wanglou_model::{Timestamp, rfc3339_micros};

/// Alive: the process answers, and the writer too.
pub(super) async fn healthz(State(side): State<PhoneSide>) -> Response {
    match side.writer.read(|engine| engine.senses().at).await {
        Ok(Timestamp(_)) => (StatusCode::OK, "ok\n").into_response(),
        Err(refused) => (StatusCode::SERVICE_UNAVAILABLE, format!("{refused}\n")).into_response(),
    }
}

/// Whether messages are taken in, on disk, and judged.
#[derive(Serialize, JsonSchema)]
pub(super) struct Readiness {
    ready: bool,
    /// Why not.
    reasons: Vec<String>,
    now: String,
}

/// Ready: messages are taken in, on disk, and judged; with the reasons where not.
pub(super) async fn readyz(State(side): State<PhoneSide>) -> Response {
    let concerns = side.health.concerns();
    let status = if side.health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let reasons: Vec<String> =
        concerns.iter().map(|(concern, words)| format!("{}: {}", concern.name(), words.en)).collect();
    let now = rfc3339_micros::format(clock::wall());
    (status, Json(Readiness { ready: status == StatusCode::OK, reasons, now })).into_response()
}

pub(super) async fn metrics(State(side): State<PhoneSide>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], side.metrics.page())
        .into_response()
}

//! Plans as pictures, for whoever is logged in.

use super::session::Caller;
use super::{PhoneSide, Problem};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// Whatever an SVG holds, it runs nothing and loads nothing, even if somebody opens it by itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

pub(super) async fn show(
    State(side): State<PhoneSide>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let plans = Arc::clone(&side.plans);
    let svg = tokio::task::spawn_blocking(move || plans.svg(&name)).await.ok().flatten();
    let gone = || Problem::new(StatusCode::NOT_FOUND, "gone", "没有这张平面图", "there is no such plan");
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    Ok((headers, svg.ok_or_else(gone)?).into_response())
}

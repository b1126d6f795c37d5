//! What people report: the places they can choose from, and the pictures that they hand in before the report that
//! names them. The report itself is a command like any other.

use super::session::Caller;
use super::{PhoneSide, Problem};
use crate::evidence::Missing;
use crate::view;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use wanglou_engine::Engine;
use wanglou_model::{PlaceId, PlaceKind};

/// The largest picture that a phone hands in, bytes; phones make them much smaller before.
pub(super) const PHOTO_BYTES_MAX: usize = 4 << 20;

#[derive(Serialize, JsonSchema)]
pub(super) struct PlaceRow {
    id: String,
    path: Vec<String>,
    path_en: Vec<String>,
}

/// Every place but homes: who lives where is nobody's choice from a list.
pub(super) async fn places(State(side): State<PhoneSide>, _caller: Caller) -> Result<Response, Problem> {
    Ok(Json(side.writer.read(rows).await?).into_response())
}

/// What a report names a picture by.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PictureKept")]
pub(super) struct Kept {
    sha256: String,
}

fn rows(engine: &Engine) -> Vec<PlaceRow> {
    let site = &engine.setup().site;
    let row = |id: &PlaceId| {
        let (path, path_en) = view::names(&site.path_of(id));
        PlaceRow { id: id.to_string(), path, path_en }
    };
    let public = |id: &PlaceId| {
        let mut outer = Some(id.clone());
        while let Some(place) = outer {
            if site.places.get(&place).is_some_and(|found| found.kind == PlaceKind::Home) {
                return false;
            }
            outer = place.parent();
        }
        true
    };
    site.places.keys().filter(|id| public(id)).map(row).collect()
}

/// Takes a picture; the answer is its SHA-256, which a report then names. The same picture is kept once.
pub(super) async fn photo(
    State(side): State<PhoneSide>,
    caller: Caller,
    body: Bytes,
) -> Result<Response, Problem> {
    if !side.door.try_photo(tokio::time::Instant::now(), caller.phone()) {
        return Err(Problem::slow_down(60));
    }
    match side.evidence.take(body, crate::clock::wall()).await {
        Ok(sha256) => Ok(Json(Kept { sha256: sha256.to_string() }).into_response()),
        // The disk is full: the phone tries again later.
        Err(Missing::Busy) => Err(crate::writer::Refused::Busy.into()),
        Err(missing) => {
            let words = missing.words();
            Err(Problem::new(StatusCode::BAD_REQUEST, missing.code(), &words.zh, &words.en))
        }
    }
}

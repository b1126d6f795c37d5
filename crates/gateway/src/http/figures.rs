//! For the console: the figures of the last hour or day, which devices are silent, and which say too much.

use super::admin::liveness;
use super::session::Caller;
use super::{PhoneSide, Problem};
use crate::trend::{Chart, Span};
use crate::view;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tokio::time::Instant;
use wanglou_engine::Engine;
use wanglou_model::{DeviceId, rfc3339_micros};

/// So many devices of each sort are named.
const NAMED_MAX: usize = 8;

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    span: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Figures {
    #[serde(flatten)]
    chart: Chart,
    span: &'static str,
    /// Devices that should have spoken, the longest silent first.
    silent: Vec<Quiet>,
    /// Devices that say the most.
    chatty: Vec<Chatty>,
    /// The time that `chatty` was counted over, seconds.
    chatty_over_s: u64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SilentDevice")]
struct Quiet {
    #[serde(flatten)]
    named: Named,
    last_at: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ChattyDevice")]
struct Chatty {
    #[serde(flatten)]
    named: Named,
    per_min: f64,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "NamedDevice")]
struct Named {
    id: String,
    place: String,
    place_path: Vec<String>,
    place_path_en: Vec<String>,
}

/// `?span=hour` or `?span=day`.
pub(super) async fn show(
    State(side): State<PhoneSide>,
    caller: Caller,
    Query(Asked { span }): Query<Asked>,
) -> Result<Response, Problem> {
    caller.admin()?;
    let (span, name) = match span.as_str() {
        "" | "hour" => (Span::Hour, "hour"),
        "day" => (Span::Day, "day"),
        _ => {
            let (zh, en) = ("时段填 hour 或 day", "span: write hour or day");
            return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid", zh, en));
        }
    };
    let now = Instant::now();
    let (talkers, over) = side.metrics.talk.chattiest(now, NAMED_MAX);
    let read = side.writer.read(move |engine| (silent(engine), chatty(engine, talkers)));
    let (silent, chatty) = read.await?;
    let chart = side.trend.chart(span, now);
    Ok(Json(Figures { chart, span: name, silent, chatty, chatty_over_s: over.as_secs() }).into_response())
}

fn silent(engine: &Engine) -> Vec<Quiet> {
    let senses = engine.senses();
    let site = &engine.setup().site;
    let unheard = site.devices.iter().filter(|(id, device)| liveness(engine, id, device) == "unknown");
    // Those that were never heard come last: nobody knows for how long.
    let mut by_silence: BTreeMap<_, &DeviceId> = BTreeMap::new();
    for (id, _) in unheard {
        let heard = senses.heard(id);
        by_silence.insert((heard.is_none(), heard, id), id);
    }
    let quiet = |((_, heard, _), id): ((bool, Option<_>, &DeviceId), &DeviceId)| Quiet {
        named: named(engine, id),
        last_at: heard.map(|at| rfc3339_micros::format(senses.wall(at))),
    };
    by_silence.into_iter().take(NAMED_MAX).map(quiet).collect()
}

fn chatty(engine: &Engine, talkers: Vec<(DeviceId, f64)>) -> Vec<Chatty> {
    let row = |(id, per_min): (DeviceId, f64)| Chatty { named: named(engine, &id), per_min };
    talkers.into_iter().map(row).collect()
}

fn named(engine: &Engine, id: &DeviceId) -> Named {
    let site = &engine.setup().site;
    let place = site.devices.get(id).map(|device| &device.place);
    let path = place.map(|place| site.path_of(place)).unwrap_or_default();
    let (place_path, place_path_en) = view::names(&path);
    let place = place.map(ToString::to_string).unwrap_or_default();
    Named { id: id.to_string(), place, place_path, place_path_en }
}

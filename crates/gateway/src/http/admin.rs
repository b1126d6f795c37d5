//! For the property manager and the operator: what is not understood, what is silent, who can be reached, and
//! whether the gateway is well. Read-only, but for reload and revocation.

use super::openapi::{ReasonShape, RoleWord, Words};
use super::session::{self, Caller};
use super::{PhoneSide, Problem};
use crate::access::TokenHash;
use crate::quarantine::Entry;
use crate::view;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wanglou_engine::Engine;
use wanglou_model::{Officer, OfficerId, PathState, rfc3339_micros};
use wanglou_site::People;

#[derive(Serialize, JsonSchema)]
pub(super) struct Overview {
    unmatched: Vec<Unmatched>,
    devices: Vec<DeviceRow>,
    people: Vec<PersonRow>,
    path: PathRow,
    health: HealthRow,
    clock: ClockRow,
    config: ConfigRow,
}

#[derive(Serialize, JsonSchema)]
struct Unmatched {
    topic: String,
    count: u64,
    first_at: String,
    last_at: String,
    rate_per_min: f64,
    #[schemars(with = "ReasonShape")]
    reason: wanglou_model::Reason,
    sample: String,
    bytes: u64,
    kind: &'static str,
    profile: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct DeviceRow {
    id: String,
    place: String,
    place_path: Vec<String>,
    place_path_en: Vec<String>,
    /// As in devices.csv.
    #[schemars(with = "String")]
    purpose: wanglou_model::Purpose,
    profile: String,
    liveness: &'static str,
    last_at: Option<String>,
    interval_s: Option<i64>,
    battery_pct: Option<f32>,
}

#[derive(Serialize, JsonSchema)]
struct PersonRow {
    id: String,
    name: String,
    #[schemars(with = "Vec<RoleWord>")]
    roles: Vec<&'static str>,
    on_duty: bool,
    reachable: bool,
    how: Vec<&'static str>,
    phones: usize,
}

#[derive(Serialize, JsonSchema)]
struct PathRow {
    alarm: &'static str,
    bulk: &'static str,
    since: Option<String>,
}

#[derive(Serialize, JsonSchema)]
struct HealthRow {
    ready: bool,
    reasons: Vec<Concerned>,
}

#[derive(Serialize, JsonSchema)]
struct Concerned {
    code: &'static str,
    zh: String,
    en: String,
}

#[derive(Serialize, JsonSchema)]
struct ClockRow {
    trusted: bool,
}

#[derive(Serialize, JsonSchema)]
struct ConfigRow {
    hash: String,
    since: Option<String>,
}

pub(super) async fn overview(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    caller.admin()?;
    let people = side.hub.people();
    let unmatched = side.quarantine.entries().iter().map(unmatched).collect();
    let health = HealthRow {
        ready: side.health.is_ready(),
        reasons: side
            .health
            .concerns()
            .into_iter()
            .map(|(concern, words)| Concerned { code: concern.name(), zh: words.zh, en: words.en })
            .collect(),
    };
    let overview = side.writer.read(move |engine| Overview {
        unmatched,
        devices: devices(engine),
        people: persons(engine, &people),
        path: path(engine),
        health,
        clock: ClockRow { trusted: engine.senses().clock_trusted },
        config: config(engine),
    });
    Ok(Json(overview.await?).into_response())
}

fn config(engine: &Engine) -> ConfigRow {
    let senses = engine.senses();
    let since = senses.configured_at.map(|at| rfc3339_micros::format(senses.wall(at)));
    ConfigRow { hash: engine.setup().hash.chars().take(12).collect(), since }
}

fn unmatched(entry: &Entry) -> Unmatched {
    Unmatched {
        topic: entry.topic.clone(),
        count: entry.count,
        first_at: rfc3339_micros::format(entry.first_at),
        last_at: rfc3339_micros::format(entry.last_at),
        rate_per_min: entry.rate_per_min(),
        reason: entry.reason.clone(),
        sample: entry.text().map_or_else(|hex| hex, str::to_owned),
        bytes: entry.bytes,
        kind: entry.why.name(),
        profile: entry.profile.clone(),
    }
}

fn devices(engine: &Engine) -> Vec<DeviceRow> {
    let senses = engine.senses();
    let row = |(id, device): (&wanglou_model::DeviceId, &Arc<wanglou_model::Device>)| {
        let seen = senses.device(id);
        let (place_path, place_path_en) = view::names(&engine.setup().site.path_of(&device.place));
        DeviceRow {
            id: id.to_string(),
            place: device.place.to_string(),
            place_path,
            place_path_en,
            purpose: device.purpose,
            profile: device.profile.clone(),
            liveness: liveness(engine, id, device),
            last_at: seen.and_then(|seen| seen.heard).map(|at| rfc3339_micros::format(senses.wall(at))),
            interval_s: device.interval.map(|interval| interval.0 / 1_000_000),
            battery_pct: seen.and_then(|seen| seen.battery_pct),
        }
    };
    engine.setup().site.devices.iter().map(row).collect()
}

/// Is a device heard? One that speaks only on events says nothing by its silence.
pub fn liveness(
    engine: &Engine,
    id: &wanglou_model::DeviceId,
    device: &wanglou_model::Device,
) -> &'static str {
    let senses = engine.senses();
    match senses.heard(id) {
        _ if senses.is_unknown(id, device) => "unknown",
        None => "never_heard",
        Some(_) if device.interval.is_none() => "event_only",
        Some(_) => "live",
    }
}

fn persons(engine: &Engine, people: &People) -> Vec<PersonRow> {
    let world = engine.world();
    let row = |(id, officer): (&OfficerId, &Officer)| {
        let phones = engine.senses().sockets(id);
        let ways = [("socket", phones > 0), ("webhook", officer.webhook), ("telephone", officer.telephone)];
        PersonRow {
            id: id.to_string(),
            name: crate::view::person(people, id).name,
            roles: officer.roles.iter().map(|role| role.name()).collect(),
            on_duty: world.is_on_duty(id, officer),
            reachable: world.is_reachable(id, officer),
            how: ways.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect(),
            phones,
        }
    };
    engine.setup().site.officers.iter().map(row).collect()
}

fn path(engine: &Engine) -> PathRow {
    let senses = engine.senses();
    let word = |lane: &str| match senses.lanes.get(lane) {
        Some(PathState::Up) => "up",
        Some(PathState::Draining) => "draining",
        Some(PathState::Quiet) => "quiet",
        Some(PathState::Down) => "down",
        None => "unused",
    };
    let since = senses.outage_from.map(|at| rfc3339_micros::format(senses.wall(at)));
    PathRow { alarm: word("alarm"), bulk: word("bulk"), since }
}

/// A configuration that was taken.
#[derive(Serialize, JsonSchema)]
pub(super) struct Reloaded {
    /// Its hash.
    config: String,
}

/// A configuration that was not taken.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FaultyConfiguration")]
pub(super) struct Faulty {
    /// Always `faults`.
    code: &'static str,
    /// Each with its file and place.
    faults: Vec<String>,
    #[schemars(with = "Words")]
    text: wanglou_model::Text,
}

pub(super) async fn reload(
    State(side): State<PhoneSide>,
    headers: HeaderMap,
    caller: Result<Caller, Problem>,
    body: axum::body::Bytes,
) -> Result<Response, Problem> {
    let who = match caller {
        Ok(caller) => {
            caller.admin()?;
            caller.id().to_string()
        }
        Err(problem) => {
            session::local(&side, &headers).map_err(|_| problem)?;
            "command line".to_owned()
        }
    };
    let why = why_of(&body)?;
    match (side.reload)(super::Asked { who, why }).await {
        Ok(config) => Ok(Json(Reloaded { config }).into_response()),
        Err(faults) => {
            let (zh, en) = ("配置有误，仍在使用原配置", "the configuration has faults; the old one runs on");
            let text = wanglou_model::Text { zh: zh.to_owned(), en: en.to_owned() };
            let body = Faulty { code: "faults", faults, text };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response())
        }
    }
}

/// The longest reason for a change, characters.
const WHY_CHARS_MAX: usize = 500;

/// Why a configuration is changed.
#[derive(Deserialize, JsonSchema)]
pub(super) struct Change {
    /// At most 500 characters.
    #[serde(default)]
    why: String,
}

/// `{"why":…}`; an empty body gives no reason.
fn why_of(body: &[u8]) -> Result<String, Problem> {
    if body.is_empty() {
        return Ok(String::new());
    }
    let invalid = |en: &str| Problem::new(StatusCode::BAD_REQUEST, "invalid", "内容有误", en);
    let Change { why } = serde_json::from_slice(body).map_err(|error| invalid(&error.to_string()))?;
    if why.chars().count() > WHY_CHARS_MAX {
        return Err(invalid(&format!("why: at most {WHY_CHARS_MAX} characters")));
    }
    Ok(why)
}

#[derive(Deserialize)]
pub(super) struct Day {
    day: String,
}

/// The largest number of lines of a day that is shown.
const HISTORY_LINES_MAX: usize = 1_000;

/// The alarms of a day, from the views.
pub(super) async fn history(
    State(side): State<PhoneSide>,
    caller: Caller,
    Query(Day { day }): Query<Day>,
) -> Result<Response, Problem> {
    caller.admin()?;
    let dated = day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !dated {
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid",
            "日期格式：2026-03-02",
            "write the day as 2026-03-02",
        ));
    }
    let views = side.views.clone();
    let lines = tokio::task::spawn_blocking(move || views.day(&day, HISTORY_LINES_MAX)).await;
    Ok(Json(lines.unwrap_or_default()).into_response())
}

#[derive(Serialize, JsonSchema)]
pub(super) struct SessionRow {
    id: String,
    officer: String,
    phone: String,
    name: String,
    since: String,
    expires_at: String,
    /// `none`, `set` or `locked`: of the officer, on all their phones.
    pin: &'static str,
}

pub(super) async fn sessions(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    caller.admin()?;
    let access = side.writer.access();
    let pin = |officer: &OfficerId| match access.pins.get(officer) {
        None => "none",
        Some(pin) if pin.locked => "locked",
        Some(_) => "set",
    };
    let row = |(token, session): (&TokenHash, &crate::access::Session)| SessionRow {
        pin: pin(&session.officer),
        id: token.0.clone(),
        officer: session.officer.to_string(),
        phone: session.phone.to_string(),
        name: session.name.clone(),
        since: rfc3339_micros::format(session.since),
        expires_at: rfc3339_micros::format(session.expires_at),
    };
    let rows: Vec<SessionRow> = access.sessions.iter().map(row).collect();
    drop(access);
    Ok(Json(rows).into_response())
}

#[derive(Deserialize)]
pub(super) struct Which {
    id: String,
}

/// Ends a session; its socket closes within a second.
pub(super) async fn revoke(
    State(side): State<PhoneSide>,
    caller: Caller,
    Query(which): Query<Which>,
) -> Result<StatusCode, Problem> {
    caller.admin()?;
    let token = TokenHash(which.id);
    let session = side.session(&token);
    let gone = || Problem::new(StatusCode::NOT_FOUND, "gone", "没有这个登录", "there is no such session");
    session::end(&side, &token, &session.ok_or_else(gone)?, "revoked", caller.id().as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

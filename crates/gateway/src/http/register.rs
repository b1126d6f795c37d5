//! What people entered about the compound: where somebody works, where nobody is to be called, and, after the PIN, who
//! that lives alone is away. Entering is a command like any other (`/api/cmd`).

use super::openapi::Words;
use super::session::Caller;
use super::{PhoneSide, Problem, pin};
use crate::access::AccessEvent;
use crate::view::{self, Person};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use wanglou_engine::{Absence, Engine};
use wanglou_model::{
    AlarmKind, DeviceId, Officer, OfficerId, Permit, PlaceId, Presence, Role, Text, Timestamp, Window,
    rfc3339_micros,
};
use wanglou_site::People;

/// What of a family's list an officer sees at once; a compound has hundreds of homes, not more.
const HOMES_MAX: usize = 2_000;

#[derive(Serialize, JsonSchema)]
pub(super) struct Works {
    permits: Vec<PermitRow>,
    windows: Vec<WindowRow>,
    now: String,
}

/// What it is about: a device, or a place.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WorkSubject")]
struct Subject {
    device: Option<String>,
    zone: Option<String>,
    path: Vec<String>,
    path_en: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Permit")]
struct PermitRow {
    #[serde(flatten)]
    subject: Subject,
    from: String,
    until: String,
    crew: Vec<Person>,
    by: Person,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Window")]
struct WindowRow {
    id: String,
    how: &'static str,
    #[serde(flatten)]
    subject: Subject,
    kind: Option<String>,
    #[schemars(with = "Option<Words>")]
    kind_title: Option<Text>,
    from: String,
    until: String,
    reason: String,
    by: Person,
}

fn is_staff(officer: &Officer) -> bool {
    officer.admin || officer.roles.iter().any(|role| !matches!(role, Role::Family | Role::Maintainer))
}

/// Permits and windows that run or are to come; for everybody who works here.
pub(super) async fn works(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    if !is_staff(&caller.officer) {
        return Err(Problem::forbidden());
    }
    let people = side.hub.people();
    Ok(Json(side.writer.read(move |engine| entered(engine, &people)).await?).into_response())
}

fn entered(engine: &Engine, people: &People) -> Works {
    let senses = engine.senses();
    let now = senses.wall(senses.at);
    let register = &senses.register;
    let permit = |permit: &Permit| PermitRow {
        subject: subject(engine, permit.device.as_ref(), permit.zone.as_ref()),
        from: rfc3339_micros::format(permit.from),
        until: rfc3339_micros::format(permit.until),
        crew: permit.crew.iter().map(|id| view::person(people, id)).collect(),
        by: view::person(people, &permit.by),
    };
    let window = |window: &Window| WindowRow {
        id: window.window.clone(),
        how: window.how.name(),
        subject: subject(engine, window.device.as_ref(), window.zone.as_ref()),
        kind: window.kind.as_ref().map(ToString::to_string),
        kind_title: window.kind.as_ref().map(|kind: &AlarmKind| view::kind_title(engine, kind.as_str())),
        from: rfc3339_micros::format(window.from),
        until: rfc3339_micros::format(window.until),
        reason: window.reason.clone(),
        by: view::person(people, &window.by),
    };
    Works {
        permits: register.permits.iter().filter(|permit| permit.until > now).map(permit).collect(),
        windows: register.windows.iter().filter(|window| window.until > now).map(window).collect(),
        now: rfc3339_micros::format(now),
    }
}

fn subject(engine: &Engine, device: Option<&DeviceId>, zone: Option<&PlaceId>) -> Subject {
    let site = &engine.setup().site;
    let of_device = device.and_then(|id| site.devices.get(id)).map(|device| &device.place);
    let path = zone.or(of_device).map(|place| site.path_of(place)).unwrap_or_default();
    let (path, path_en) = view::names(&path);
    Subject { device: device.map(ToString::to_string), zone: zone.map(ToString::to_string), path, path_en }
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HomeAbsence")]
pub(super) struct HomeRow {
    home: String,
    path: Vec<String>,
    path_en: Vec<String>,
    /// `home`, `away` or `hospital`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    absence: Option<AbsenceRow>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<AbsenceRow>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Absence")]
struct AbsenceRow {
    from: String,
    until: Option<String>,
    by: Person,
}

/// Homes of people who live alone that the caller serves, and who is away. An empty flat is nobody else's business:
/// on duty, after the PIN, and each look is in the journal before anything is shown.
pub(super) async fn absences(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    let officer = caller.id().clone();
    let people = side.hub.people();
    let found = side.writer.read(move |engine| homes(engine, &people, &officer)).await?;
    let Some(homes) = found else {
        let (zh, en) = ("不在岗，不能查看外出登记", "you are off duty: absences are not shown");
        return Err(Problem::new(StatusCode::FORBIDDEN, "off_duty", zh, en));
    };
    if side.pin_of(caller.id()).is_none() {
        return Err(pin::missing());
    }
    if !side.guard.is_unlocked(Instant::now(), &caller.token) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "pin_needed", "请输入 PIN", "give your PIN"));
    }
    let (officer, phone) = (caller.id().clone(), caller.phone().clone());
    side.writer.admit(AccessEvent::AbsencesRead { officer, phone, homes: homes.len() as u64 }).await?;
    side.metrics.home_reads.inc();
    Ok(Json(homes).into_response())
}

/// `None` while the officer is off duty. Family see their own home alone.
fn homes(engine: &Engine, people: &People, id: &OfficerId) -> Option<Vec<HomeRow>> {
    let (world, site) = (engine.world(), &engine.setup().site);
    let officer = site.officers.get(id)?;
    let family = officer.roles.iter().all(|role| matches!(role, Role::Family)) && !officer.admin;
    if !family && !world.is_on_duty(id, officer) {
        return None;
    }
    let serves = |place: &PlaceId| officer.admin || (is_staff(officer) && world.serves(officer, place));
    let theirs = site.homes.iter().filter(|(place, home)| home.family.contains(id) || serves(place));
    Some(theirs.take(HOMES_MAX).map(|(place, _)| home_row(engine, people, place)).collect())
}

fn home_row(engine: &Engine, people: &People, place: &PlaceId) -> HomeRow {
    let senses = engine.senses();
    let (register, now) = (&senses.register, senses.wall(senses.at));
    let row = |absence: &Absence| AbsenceRow {
        from: rfc3339_micros::format(absence.from),
        until: absence.until.map(rfc3339_micros::format),
        by: view::person(people, &absence.by),
    };
    let lasts = |absence: &&Absence| absence.until.is_none_or(|until: Timestamp| now < until);
    let away = register.away.get(place).filter(lasts);
    let (path, path_en) = view::names(&engine.setup().site.path_of(place));
    HomeRow {
        home: place.to_string(),
        path,
        path_en,
        status: match away.map(|absence| absence.status) {
            Some(Presence::Hospital) => "hospital",
            Some(Presence::Away | Presence::Visitor) => "away",
            Some(Presence::Home) | None => "home",
        },
        absence: away.map(row),
        visitor: register.visitors.get(place).filter(lasts).map(row),
    }
}

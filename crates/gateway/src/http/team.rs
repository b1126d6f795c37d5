//! For everybody who is logged in: who is on duty, the rota, and the alarms of past days that are theirs to know.

use super::openapi::{RoleWord, Words};
use super::session::Caller;
use super::{PhoneSide, Problem};
use crate::view::{self, Person};
use crate::views::Line;
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wanglou_engine::{Engine, Offer};
use wanglou_model::{Duty, OfficerId, PlaceId, Priority, Role, Text, rfc3339_micros};
use wanglou_site::People;

#[derive(Serialize, JsonSchema)]
pub(super) struct Team {
    people: Vec<Colleague>,
    shifts: Vec<ShiftRow>,
    /// 0 for Monday, on the compound's clock.
    today: usize,
    me: Me,
    /// Lists that one signed to hand over, and the other one not yet: those of the caller.
    offers: Vec<OfferRow>,
}

/// The caller's own duty.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OwnDuty")]
struct Me {
    on_duty: bool,
    /// They signed on or off, whatever the rota says, until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_until: Option<String>,
}

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "HandoverOffer")]
struct OfferRow {
    from: Person,
    to: Person,
    /// How many alarms were on the list when it was signed.
    alarms: usize,
    /// The first signature is void from then on.
    until: String,
}

#[derive(Serialize, JsonSchema)]
struct Colleague {
    id: String,
    name: String,
    #[schemars(with = "Vec<RoleWord>")]
    roles: Vec<&'static str>,
    on_duty: bool,
    reachable: bool,
}

/// One line of the rota, minutes since midnight.
#[derive(Serialize, JsonSchema)]
struct ShiftRow {
    officer: String,
    from_min: u16,
    until_min: u16,
    weekdays: [bool; 7],
}

/// Colleagues by name and role, never by telephone number.
pub(super) async fn duty(State(side): State<PhoneSide>, caller: Caller) -> Result<Response, Problem> {
    let (people, me) = (side.hub.people(), caller.id().clone());
    let team = side.writer.read(move |engine| team(engine, &people, &me)).await?;
    Ok(Json(team).into_response())
}

fn team(engine: &Engine, people: &People, me: &OfficerId) -> Team {
    let (world, site) = (engine.world(), &engine.setup().site);
    let colleague = |(id, officer): (&OfficerId, &wanglou_model::Officer)| Colleague {
        id: id.to_string(),
        name: view::person(people, id).name,
        roles: officer.roles.iter().map(|role| role.name()).collect(),
        on_duty: world.is_on_duty(id, officer),
        reachable: world.is_reachable(id, officer),
    };
    let shift = |duty: &Duty| {
        let shift = site.rota.shifts.get(&duty.shift)?;
        let (from_min, until_min) = (shift.from.0, shift.until.0);
        Some(ShiftRow { officer: duty.officer.to_string(), from_min, until_min, weekdays: duty.weekdays })
    };
    let senses = engine.senses();
    let signed = senses.register.duty.get(me).filter(|signed| senses.at < signed.until);
    let mine = |offer: &&Offer| senses.at < offer.until && (offer.from == *me || offer.to == *me);
    let offer = |offer: &Offer| OfferRow {
        from: view::person(people, &offer.from),
        to: view::person(people, &offer.to),
        alarms: offer.alarms.len(),
        until: rfc3339_micros::format(senses.wall(offer.until)),
    };
    Team {
        me: Me {
            on_duty: site.officers.get(me).is_some_and(|officer| world.is_on_duty(me, officer)),
            signed_until: signed.map(|signed| rfc3339_micros::format(senses.wall(signed.until))),
        },
        offers: senses.register.offers.iter().filter(mine).map(offer).collect(),
        people: site.officers.iter().map(colleague).collect(),
        shifts: site.rota.duties.iter().filter_map(shift).collect(),
        today: engine.senses().local(engine.setup()).day.weekday(),
    }
}

#[derive(Deserialize)]
pub(super) struct Day {
    day: String,
}

/// The largest number of alarms of a day that is looked through, and that is shown.
const LINES_MAX: usize = 5_000;
const SHOWN_MAX: usize = 500;

#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PastAlarm")]
pub(super) struct Past {
    alarm: String,
    kind: String,
    prio: u8,
    #[schemars(with = "Words")]
    title: Text,
    path: Vec<String>,
    path_en: Vec<String>,
    raised_at: String,
    accepted_by: Option<Person>,
    outcome: Option<String>,
    closed_at: Option<String>,
    test: bool,
}

/// The alarms of a day: all of them for those who oversee the compound, else those that the officer accepted.
pub(super) async fn history(
    State(side): State<PhoneSide>,
    caller: Caller,
    Query(Day { day }): Query<Day>,
) -> Result<Response, Problem> {
    let dated = day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    if !dated {
        let (zh, en) = ("日期格式：2026-03-02", "write the day as 2026-03-02");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid", zh, en));
    }
    let views = side.views.clone();
    let lines = tokio::task::spawn_blocking(move || views.day(&day, LINES_MAX)).await.unwrap_or_default();
    let roles = &caller.officer.roles;
    let all = caller.officer.admin || roles.contains(&Role::ControlRoom) || roles.contains(&Role::Manager);
    let me = caller.id().to_string();
    let mine = |line: &Line| all || line.accepted_by.as_ref() == Some(&me);
    // The latest of the day, should there be too many.
    let mut lines: Vec<Line> = lines.into_iter().filter(mine).collect();
    lines.drain(..lines.len().saturating_sub(SHOWN_MAX));
    let people = side.hub.people();
    let read = side
        .writer
        .read(move |engine| lines.into_iter().map(|line| past(engine, &people, line)).collect::<Vec<_>>());
    Ok(Json(read.await?).into_response())
}

fn past(engine: &Engine, people: &People, line: Line) -> Past {
    let place = PlaceId::parse(&line.place).ok();
    let path = place.as_ref().map(|place| engine.setup().site.path_of(place)).unwrap_or_default();
    let (path, path_en) = view::names(&path);
    let prio = Priority::ALL.into_iter().find(|priority| priority.name() == line.priority);
    let by = line.accepted_by.as_deref().and_then(|id| OfficerId::parse(id).ok());
    Past {
        title: view::kind_title(engine, &line.kind),
        path,
        path_en,
        prio: prio.map_or(1, Priority::level),
        accepted_by: by.map(|id| view::person(people, &id)),
        alarm: line.alarm,
        kind: line.kind,
        raised_at: line.raised_at,
        outcome: line.outcome,
        closed_at: line.closed_at,
        test: line.test,
    }
}

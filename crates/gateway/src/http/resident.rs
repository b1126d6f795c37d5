//! Who lives in a home that an alarm is about, and whom to call: for whoever is on duty and sees the alarm, after their
//! PIN, while the alarm is open. Each look is in the journal before anything is shown.

use super::session::Caller;
use super::{PhoneSide, Problem, pin};
use crate::access::AccessEvent;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use wanglou_engine::{Engine, may_see};
use wanglou_model::{AlarmId, OfficerId, PlaceId};

#[derive(Serialize, JsonSchema)]
pub(super) struct Resident {
    name: String,
    telephone: Option<String>,
    family: Vec<Contact>,
}

#[derive(Serialize, JsonSchema)]
struct Contact {
    name: String,
    telephone: Option<String>,
}

/// Why a home is not shown.
enum Hidden {
    Gone,
    OffDuty,
}

pub(super) async fn show(
    State(side): State<PhoneSide>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let gone = || {
        Problem::new(StatusCode::NOT_FOUND, "gone", "没有住户资料", "nothing is on file about a home here")
    };
    let alarm = AlarmId::parse(&id).map_err(|_| gone())?;
    let (asked, officer) = (alarm.clone(), caller.id().clone());
    let home = side.writer.read(move |engine| home(engine, &asked, &officer)).await?;
    let (place, family) = match home {
        Ok(home) => home,
        Err(Hidden::Gone) => return Err(gone()),
        Err(Hidden::OffDuty) => {
            let (zh, en) = ("不在岗，不能查看住户资料", "you are off duty: homes are not shown");
            return Err(Problem::new(StatusCode::FORBIDDEN, "off_duty", zh, en));
        }
    };
    if side.pin_of(caller.id()).is_none() {
        return Err(pin::missing());
    }
    if !side.guard.is_unlocked(Instant::now(), &caller.token) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "pin_needed", "请输入 PIN", "give your PIN"));
    }
    let people = side.hub.people();
    let resident = people.homes.get(&place).ok_or_else(gone)?;
    let event =
        AccessEvent::HomeRead { officer: caller.id().clone(), phone: caller.phone().clone(), place, alarm };
    side.writer.admit(event).await?;
    side.metrics.home_reads.inc();
    let contact = |id: &OfficerId| {
        let person = people.officers.get(id)?;
        Some(Contact { name: person.name.clone(), telephone: person.telephone.clone() })
    };
    let shown = Resident {
        name: resident.name.clone(),
        telephone: resident.telephone.clone(),
        family: family.iter().filter_map(contact).collect(),
    };
    Ok(Json(shown).into_response())
}

/// The home that an open alarm is about, with the family to call.
fn home(engine: &Engine, id: &AlarmId, officer: &OfficerId) -> Result<(PlaceId, Vec<OfficerId>), Hidden> {
    let world = engine.world();
    let alarm = engine.book().alarms.get(id).filter(|alarm| alarm.is_open()).ok_or(Hidden::Gone)?;
    let known = world.setup.site.officers.get(officer).ok_or(Hidden::Gone)?;
    let home = world.setup.site.homes.get(&alarm.place).filter(|_| may_see(&world, alarm, officer));
    let home = home.ok_or(Hidden::Gone)?;
    if !world.is_on_duty(officer, known) {
        return Err(Hidden::OffDuty);
    }
    Ok((alarm.place.clone(), home.family.clone()))
}

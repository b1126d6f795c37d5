//! What is no error and still deserves a look: people whom nobody can reach, rungs with nobody on them, homes
//! without relatives, hours without anybody on duty.

use crate::Checked;
use crate::coverage;
use crate::fault::{At, Faults};
use crate::folder::{HOMES, OFFICERS, PEOPLE, ROTA};
use std::collections::BTreeMap;
use wanglou_model::{Home, Officer, OfficerId, PlaceId, Role, Site};

/// Lines of what warnings point at.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) officers: BTreeMap<OfficerId, Option<u32>>,
    pub(crate) homes: BTreeMap<PlaceId, u32>,
    /// The first duty of the rota.
    pub(crate) duty: Option<u32>,
    pub(crate) shifts: BTreeMap<String, Option<u32>>,
}

/// Roles of the later rungs: without them an alarm that nobody takes climbs into nothing.
const LATER_RUNGS: [(Role, &str); 5] = [
    (Role::ControlRoom, "it is told of every P1 and takes over what the guards do not"),
    (Role::Manager, "the third rung of P1 and P2 reaches nobody"),
    (Role::Officer, "the last rung of P2 reaches nobody"),
    (Role::Station, "the third rung of P1, and police welfare checks, reach nobody"),
    (Role::Leader, "the last rung of P1 reaches nobody"),
];

pub(crate) fn lint(checked: &Checked, lines: &Lines, faults: &mut Faults) {
    let site = &checked.site;
    for (id, officer) in &site.officers {
        let at = At::key(OFFICERS, format!("officer.{id}"), lines.officers.get(id).copied().flatten());
        lint_officer(checked, id, officer, &at, faults);
    }
    lint_roles(site, faults);
    for (id, home) in &site.homes {
        let line = lines.homes.get(id).copied();
        lint_home(site, id, home, line, faults);
    }
    lint_shifts(site, lines, faults);
    coverage::lint(site, &checked.grids, &At::key(ROTA, "duty", lines.duty), faults);
}

fn lint_officer(checked: &Checked, id: &OfficerId, officer: &Officer, at: &At, faults: &mut Faults) {
    let people = &checked.people.officers;
    if !people.is_empty() && !people.contains_key(id) {
        faults.warn(at, "has no name in people.toml; screens will show the id");
    }
    let on_rota = checked.site.rota.duties.iter().any(|duty| duty.officer == *id);
    if !is_contact(officer) && !officer.always_on_duty && !on_rota {
        faults.warn(
            at,
            "is never on duty and will never be told; add a [[duty]] to rota.toml, or always_on_duty = true",
        );
    }
    if is_contact(officer) && officer.admin {
        faults.warn(at, "is a contact outside the compound and an admin; take one of the two away");
    }
    let outside = is_contact(officer) && !officer.telephone && !officer.webhook;
    if outside && checked.people.officers.contains_key(id) {
        faults.warn(
            at,
            "is a contact without a telephone number or webhook in people.toml, and cannot be reached",
        );
    }
}

/// Relatives and maintainers have no shifts: they are called when a rule says so.
fn is_contact(officer: &Officer) -> bool {
    officer.roles.iter().all(|role| matches!(role, Role::Family | Role::Maintainer))
}

fn lint_roles(site: &Site, faults: &mut Faults) {
    let at = At::file(OFFICERS);
    for (role, why) in LATER_RUNGS {
        if !site.officers.values().any(|officer| officer.roles.contains(&role)) {
            faults.warn(&at, format!("nobody has the role {}: {why}", role.name()));
        }
    }
    if !site.officers.values().any(|officer| officer.admin) {
        faults.warn(&at, "nobody is admin = true: nobody can see the admin page");
    }
    if !site.officers.values().any(|officer| officer.telephone || officer.webhook) {
        let message = "nobody has a telephone number or webhook: when a phone's app sleeps, nobody is told";
        faults.warn(&At::file(PEOPLE), message);
    }
}

fn lint_shifts(site: &Site, lines: &Lines, faults: &mut Faults) {
    for name in site.rota.shifts.keys() {
        if !site.rota.duties.iter().any(|duty| duty.shift == *name) {
            let at = At::key(ROTA, format!("shift.{name}"), lines.shifts.get(name).copied().flatten());
            faults.warn(&at, "nobody works this shift; remove it, or add a [[duty]]");
        }
    }
}

fn lint_home(site: &Site, id: &PlaceId, home: &Home, line: Option<u32>, faults: &mut Faults) {
    let mut warn = |column: &str, message: &str| {
        faults.warn(&At::key(HOMES, format!("[{id}].{column}"), line), message);
    };
    if !home.consent {
        return; // the rule is off
    }
    if home.family.is_empty() {
        warn("family", "has nobody: a resident who does not answer is first visited by the captain");
    }
    if !home.telephone {
        warn(
            "telephone",
            "no number in people.toml: the resident cannot be called, and the ladder begins with the family",
        );
    }
    let grid = site.grid_of(id);
    let knocks = |officer: &Officer| {
        let role = officer.roles.contains(&Role::Captain) || officer.roles.contains(&Role::GridWorker);
        role && officer.serves(id, grid)
    };
    if !site.officers.values().any(knocks) {
        warn("place", "no captain and no grid_worker serves this home: nobody would knock at the door");
    }
}

//! Devices on probation: new ones, whose word nobody has tried out yet. What they alone say becomes an alarm on
//! trial, which the property manager is told of and nobody else.
//!
//! Where it is open which reading is right, it is the one that is safer for the person at risk: beside a trusted device
//! one on probation is not believed, so that it cannot say that all is well; a trusted one that says the same ends the
//! trial; and what may cost a life goes up its ordinary ladder when no manager takes it in time.

use crate::Engine;
use crate::alarm::Alarm;
use crate::command;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};
use wanglou_model::{
    AlarmId, Audience, Device, DeviceId, Fact, OfficerId, PlaceId, Priority, Purpose, Reopening, Role, Site,
    StopsAt, Timestamp, Told,
};

/// The detail of an alarm that says so: part of the facts, so that it is what it was after every recovery.
const TRIAL: &str = "trial";

impl Alarm {
    /// Only devices on probation said so.
    pub fn is_trial(&self) -> bool {
        self.details.get(TRIAL).is_some_and(|trial| trial == true)
    }

    /// Waiting may cost a life: nobody but a person may hold it back.
    fn is_grave(&self) -> bool {
        self.priority == Priority::P1 || self.ladder.stops_at == StopsAt::Closure
    }
}

/// Details that put an alarm on trial, or end that.
pub(crate) fn details(trial: bool) -> BTreeMap<String, serde_json::Value> {
    let value = if trial { true.into() } else { serde_json::Value::Null };
    BTreeMap::from([(TRIAL.to_owned(), value)])
}

impl World<'_> {
    /// Is what a device says on trial? Where no device said it (somebody is silent), what counts is whether there is
    /// any at the place that is not.
    pub(crate) fn on_trial(&self, device: Option<&DeviceId>, place: &PlaceId) -> bool {
        let devices = &self.setup.site.devices;
        if let Some(device) = device {
            return devices.get(device).is_some_and(|device| device.probation);
        }
        let mut there = devices
            .values()
            .filter(|device| device.purpose != Purpose::Hub && device.place.is_within(place))
            .peekable();
        there.peek().is_some() && there.all(|device| device.probation)
    }

    /// Is there nothing left of an alarm but devices on probation? One that is gone from the registry was no better.
    fn still_on_trial(&self, alarm: &Alarm) -> bool {
        let trusted = |id: &DeviceId| self.setup.site.devices.get(id).is_some_and(|device| !device.probation);
        match alarm.devices.as_slice() {
            [] => self.on_trial(None, &alarm.place),
            devices => !devices.iter().any(trusted),
        }
    }

    /// Whom a rung of an alarm tells.
    pub(crate) fn told_by(&self, alarm: &Alarm, rung: usize) -> Vec<Told> {
        let tell =
            |index: usize| alarm.ladder.rungs.get(index).map(|rung| rung.tell.as_slice()).unwrap_or_default();
        if !alarm.is_trial() {
            return self.audience(alarm, tell(rung));
        }
        let managers = self.managers(alarm);
        if managers.is_empty() {
            return self.audience(alarm, tell(rung));
        }
        if rung == 0 || !alarm.is_grave() {
            return self.audience(alarm, &managers);
        }
        // Nobody took it: those whom the first rung would have told come with the second.
        let first = if rung == 1 { tell(0) } else { &[] };
        self.audience(alarm, &[&managers, first, tell(rung)].concat())
    }

    /// The managers on duty who can be reached; all of them, if there is none.
    fn managers(&self, alarm: &Alarm) -> Vec<Audience> {
        let on_duty = vec![Audience::OnDuty(Role::Manager)];
        if self.audience(alarm, &on_duty).iter().any(|told| told.unreached.is_none()) {
            return on_duty;
        }
        let officers = self.setup.site.officers.iter();
        let all: Vec<OfficerId> = officers
            .filter(|(_, officer)| officer.roles.contains(&Role::Manager))
            .map(|(id, _)| id.clone())
            .collect();
        if all.is_empty() { Vec::new() } else { vec![Audience::People(all)] }
    }

    /// Who sees an alarm without being called.
    pub(crate) fn watchers_of(&self, alarm: &Alarm) -> impl Iterator<Item = &OfficerId> {
        let trial = alarm.is_trial();
        self.watchers().filter(move |id| {
            let officer = self.setup.site.officers.get(*id);
            let manages =
                officer.is_some_and(|officer| officer.admin || officer.roles.contains(&Role::Manager));
            !alarm.is_confidential() && (!trial || manages)
        })
    }
}

/// Devices on probation that rules do not hear: a trusted one of the same purpose watches the same place. What a rule
/// keeps is of the place, and a new sensor that says "closed" would take back what the trusted one is seeing.
pub(crate) fn unheard(site: &Site) -> BTreeSet<DeviceId> {
    let on_probation = site.devices.iter().filter(|(_, device)| device.probation);
    let beside = |new: &Device| {
        let same = |old: &&std::sync::Arc<Device>| {
            !old.probation && old.purpose == new.purpose && old.place == new.place
        };
        site.devices.values().any(|old| same(&old))
    };
    on_probation.filter(|(_, device)| beside(device)).map(|(id, _)| id.clone()).collect()
}

impl Engine {
    /// The registry changed: an alarm whose device was promoted is one like any other, and is told anew.
    pub(crate) fn promote(&mut self, at: Timestamp, id: &AlarmId, facts: &mut Vec<Fact>) {
        let Some(alarm) = self.book().alarms.get(id).filter(|alarm| alarm.is_open() && alarm.is_trial())
        else {
            return;
        };
        if self.world().still_on_trial(alarm) {
            return;
        }
        let reopened = command::reopened(alarm, Reopening::Confirmed, 0);
        self.note(at, Fact::Detailed { alarm: id.clone(), details: details(false) }, facts);
        self.conclude(at, reopened, facts);
    }
}

//! Water in many covers of one zone is one event: the first one rings for all of them. An open cover is never part
//! of it, so that the one that kills is still seen among eighty that are wet.

use super::Manhole;
use crate::alarm::Alarm;
use crate::ladder::{default_ladder, rung};
use crate::raising::incident_of;
use crate::rules::{Proposal, Raise};
use crate::senses::Subject;
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{Audience, Fact, Ladder, PlaceId, Priority, Reason, Role, Span};

impl Manhole {
    /// A water alarm, as one of those of its zone.
    pub(super) fn in_flood(&self, world: &World, subject: &Subject, mut raise: Raise) -> Vec<Proposal> {
        let Some(zone) = zone_of(world, subject) else { return vec![Proposal::Raise(Box::new(raise))] };
        let group = self.group(world, &zone);
        let others = || group.iter().filter(|alarm| alarm.place != *subject);
        let told = |alarm: &&&Alarm| {
            let rings = alarm.ladder.rungs.iter().any(|rung| rung.ring);
            alarm.is_open() && rings && alarm.priority <= raise.priority
        };
        let quiet = others().any(|alarm| told(&alarm));
        let joined = others().find_map(|alarm| alarm.incident.clone());
        raise.incident = joined.or_else(|| {
            let first = raise.first_at.0.to_string();
            Some(incident_of(&[
                world.setup.site.id.as_str(),
                "water",
                zone.as_str(),
                subject.as_str(),
                &first,
            ]))
        });
        raise.ladder = quiet.then(|| silent(raise.priority));
        let is_new = !group.iter().any(|alarm| alarm.place == *subject && alarm.is_open());
        let covers = others().filter(|alarm| alarm.is_open()).count() + 1;
        let parent = others().find(|alarm| told(alarm)).copied();
        let mut proposals = vec![Proposal::Raise(Box::new(raise))];
        proposals
            .extend(parent.filter(|_| is_new).into_iter().flat_map(|parent| self.counted(parent, covers)));
        proposals
    }

    /// The water alarms of a zone that belong together, the first one first.
    fn group<'w>(&self, world: &World<'w>, zone: &PlaceId) -> Vec<&'w Alarm> {
        let water = |alarm: &&Alarm| {
            alarm.kind == *self.kind()
                && alarm.key.starts_with("water:")
                && zone_of(world, &alarm.place).as_ref() == Some(zone)
        };
        let all: Vec<&Alarm> = world.book.alarms.values().filter(water).collect();
        let recent = |alarm: &&&Alarm| world.at - alarm.raised_at <= Span::secs(self.settings.flood_s);
        let latest = all.iter().filter(recent).max_by_key(|alarm| alarm.raised_at);
        let Some(incident) = latest.map(|alarm| alarm.incident.clone()) else { return Vec::new() };
        let mut group: Vec<&Alarm> = all.into_iter().filter(|alarm| alarm.incident == incident).collect();
        group.sort_by_key(|alarm| (alarm.raised_at, &alarm.id));
        group
    }

    fn counted(&self, parent: &Alarm, covers: usize) -> Vec<Proposal> {
        let details = BTreeMap::from([("covers".to_owned(), covers.into())]);
        let counted = Fact::Detailed { alarm: parent.id.clone(), details };
        let named =
            (covers >= self.settings.flood_covers && parent.stage.as_deref() != Some("flood")).then(|| {
                let zh = format!("本片区 {covers} 处井盖进水，按内涝处置");
                let reason =
                    Reason::new("flood", zh, format!("{covers} covers of this zone report water: a flood"));
                Fact::Staged { alarm: parent.id.clone(), stage: "flood".to_owned(), reason }
            });
        std::iter::once(counted).chain(named).map(Proposal::Fact).collect()
    }
}

fn zone_of(world: &World, place: &PlaceId) -> Option<PlaceId> {
    world.setup.site.places.get(place).and_then(|place| place.zone.clone())
}

/// Shown to those whom the first one rings.
fn silent(priority: Priority) -> Ladder {
    let mut shown = rung(Span::ZERO, vec![Audience::OnDuty(Role::Guard), Audience::OnDuty(Role::GridWorker)]);
    shown.ring = false;
    Ladder { rungs: vec![shown], ..default_ladder(priority) }
}

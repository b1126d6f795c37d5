//! What people tell of a throw: somebody hit, something burning, or the throw itself.

use super::judge::{is_in_review, staged, upgraded};
use super::throw::Throw;
use super::{ThrownObject, words};
use crate::alarm::Alarm;
use crate::raising::incident_of;
use crate::reports::Word;
use crate::rules::Proposal;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wanglou_model::{Category, Fact, IncidentId, Outcome, PlaceId, Priority, Reason, Reopening, Span};

impl ThrownObject {
    /// What somebody tells changes the latest throw that it may be about. `None`: it is about none.
    pub(super) fn told(&self, world: &World, word: &Word) -> Option<Vec<Proposal>> {
        let within = self.within(&word.report.category)?;
        let open =
            |alarm: &&Alarm| alarm.kind == self.kind && !alarm.test && alarm.outcome != Some(Outcome::Test);
        let soon = |alarm: &&Alarm| world.at - alarm.last_at.max(alarm.first_at) <= within;
        let near = |alarm: &&Alarm| word.is_near(world, &alarm.place, self.settings.report_within_m);
        let throws = world.book.alarms.values().filter(open).filter(soon).filter(near);
        let throw = throws.max_by_key(|alarm| alarm.last_at)?;
        Some(belongs(world, throw, word).into_iter().map(Proposal::Fact).collect())
    }

    fn within(&self, category: &Category) -> Option<Span> {
        match category {
            Category::Injury | Category::ThrownObject => Some(Span::secs(self.settings.hurt_within_s)),
            Category::Fire => Some(Span::secs(self.settings.fire_within_s)),
            Category::Other(_) => None,
        }
    }

    /// Somebody told of a person hit, or of burning, before the camera did: the throw is P1 from its begin.
    pub(super) fn told_before(
        &self,
        world: &World,
        facade: &PlaceId,
        throw: &Throw,
    ) -> Option<(IncidentId, Reason)> {
        let found =
            world.book.open_alarms().filter(|alarm| alarm.kind.as_str() == "report").find(|alarm| {
                let category: Option<Category> =
                    alarm.details.get("category").and_then(Value::as_str).map(|name| name.to_owned().into());
                let grave = category.filter(Category::is_grave);
                let within = grave.and_then(|category| self.within(&category));
                let soon = within.is_some_and(|within| throw.last_at - alarm.last_at <= within);
                soon && self.is_beside(world, alarm, facade)
            })?;
        let burns = found.reason.code == "fire";
        let reason = if burns { words::burning() } else { words::person_hit() };
        let site = world.setup.site.id.as_str();
        Some((incident_of(&[site, "report", found.id.as_str()]), reason))
    }

    fn is_beside(&self, world: &World, report: &Alarm, facade: &PlaceId) -> bool {
        let site = &world.setup.site;
        let here = report.details.get("position").cloned().and_then(|here| serde_json::from_value(here).ok());
        let there = site.places.get(facade).and_then(|known| known.position);
        let by_metres = here.zip(there).map(|(here, there): (wanglou_model::Position, _)| {
            here.metres_to(there) <= self.settings.report_within_m
        });
        let building = site.building_of(facade);
        let same = building.is_some() && site.building_of(&report.place) == building;
        by_metres == Some(true) || same || report.place.is_within(facade)
    }
}

/// What a person's word changes about a throw.
fn belongs(world: &World, alarm: &Alarm, word: &Word) -> Vec<Fact> {
    let id = || alarm.id.clone();
    let evidence = word.evidence();
    let mut facts = vec![Fact::Repeated { alarm: id(), count: 1, last_at: world.at, device: None, evidence }];
    let (reason, detail) = match word.report.category {
        Category::Injury => (words::person_hit(), Some("person_hit")),
        Category::Fire => (words::burning(), Some("burning")),
        Category::ThrownObject | Category::Other(_) => (words::told_of(), None),
    };
    let mut details: BTreeMap<String, Value> = BTreeMap::new();
    details.extend(detail.map(|name| (name.to_owned(), json!(true))));
    if !word.report.text.is_empty() {
        details.insert("report".to_owned(), json!(word.report.text));
    }
    if !details.is_empty() {
        facts.push(Fact::Detailed { alarm: id(), details });
    }
    let grave = word.report.category.is_grave();
    let priority = if grave { Priority::P1 } else { alarm.priority.min(Priority::P2) };
    if matches!(alarm.stage.as_deref(), Some("detected" | "review")) || !alarm.is_open() {
        facts.push(staged(alarm, "merged", reason.clone()));
    }
    let again = match () {
        () if !alarm.is_open() => Some(Reopening::ActiveAgain),
        () if is_in_review(alarm) => Some(Reopening::Confirmed),
        () if priority < alarm.priority => Some(Reopening::PriorityRose),
        () => None,
    };
    facts.extend(again.map(|why| upgraded(alarm, priority, reason, why)).into_iter().flatten());
    facts
}

/// It is known to be real, or at least seen by more than one silent camera.
pub(super) fn may_investigate(alarm: &Alarm) -> bool {
    matches!(alarm.stage.as_deref(), Some("detected" | "merged" | "confirmed")) && alarm.is_open()
}

/// Who it was, what fell: from now on people look into it.
pub(super) fn investigate(alarm: &Alarm) -> Vec<Fact> {
    vec![staged(alarm, "investigate", words::investigate())]
}

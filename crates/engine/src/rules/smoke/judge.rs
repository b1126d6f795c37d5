//! From what detectors and people say to facts.

use super::spot::{Episode, Sense, Spot};
use super::{COOKING, HEAT, Smoke, WORD, kind_by, sense_of, words};
use crate::alarm::{Alarm, Condition};
use crate::command::closed;
use crate::ladder::{default_ladder, rung};
use crate::raising::{incident_of, kind_of};
use crate::reports::{Source, Word, texts_with};
use crate::rules::sensing::{building_of, gone, self_tested, was_nothing};
use crate::rules::{Proposal, Raise};
use crate::senses::{Freshness, Sighting, Subject};
use crate::setup::home_of;
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use wanglou_model::{
    Audience, CallAnswer, Category, Fact, IncidentId, Ladder, NextRung, NoteKind, Outcome, PlaceId, Priority,
    Reading, Reason, Reopening, Response, Role, Rung, Span, StopsAt, Timestamp,
};

/// Details of an alarm that this rule reads again.
const CONFIRMED: &str = "confirmed";
const COOKS: &str = "cooking";
const RANG_AGAIN: &str = "rang_again";
const PROMPT: &str = "prompt";
/// How many people have told of it.
const REPORTS: &str = "reports";
/// Other places than its own that people told of, and how many of them are kept.
const PLACES: &str = "places";
const PLACES_MAX: usize = 20;

/// Is it known to be a fire?
pub(super) fn is_confirmed(alarm: &Alarm) -> bool {
    has(alarm, CONFIRMED)
}

fn has(alarm: &Alarm, detail: &str) -> bool {
    alarm.details.get(detail).is_some_and(|value| value == true)
}

fn details<const N: usize>(of: [(&str, Value); N]) -> BTreeMap<String, Value> {
    of.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn on_duty(roles: &[Role]) -> Vec<Audience> {
    roles.iter().copied().map(Audience::OnDuty).collect()
}

impl Smoke {
    pub(super) fn judge(&self, world: &World, subject: &Subject, said: &Sighting) -> Vec<Proposal> {
        if said.freshness == Freshness::Test || matches!(said.said.reading, Reading::SelfTest { .. }) {
            return vec![self_tested(&kind_of("smoke"), subject)];
        }
        let Some(spot) = self.kept.spots.get(subject) else { return Vec::new() };
        let Some((sense, active)) = sense_of(&self.settings, said.device, &said.said.reading) else {
            return Vec::new();
        };
        if !active {
            return self.quiet(world, subject, spot);
        }
        let agreed = self.witnesses_near(world, subject) >= 2;
        let mut proposals = Vec::new();
        if sense != Sense::Co && spot.burns() {
            proposals.extend(self.burning(world, subject, spot, said, sense, agreed));
            proposals.extend(self.begun_anew(world, subject, spot).filter(|_| agreed).into_iter().flatten());
        }
        if agreed {
            proposals.extend(self.confirm_near(world, subject));
        }
        proposals
    }

    /// How many detectors of the building say so: a second one, of whatever kind, is no coincidence.
    fn witnesses_near(&self, world: &World, subject: &Subject) -> usize {
        let building = building_of(world.setup, subject);
        let near = self.kept.spots.iter().filter(|(place, _)| building_of(world.setup, place) == building);
        near.flat_map(|(_, spot)| &spot.witnesses)
            .filter(|witness| witness.counts(world.at, self.anew()))
            .count()
    }

    fn burning(
        &self,
        world: &World,
        subject: &Subject,
        spot: &Spot,
        said: &Sighting,
        sense: Sense,
        agreed: bool,
    ) -> Option<Proposal> {
        let episode = spot.episode?;
        let key = key_of(subject, episode.at);
        let kind = kind_by(episode.sense);
        let open = world.book.open(&kind, &key).filter(|alarm| alarm.is_active());
        // Another detector of the same place agrees: that is told as a confirmation.
        if open.is_some() && !said.is_news() {
            return None;
        }
        let mut raise =
            Raise::new(key, subject, Priority::P1, said.occurred, words::sensed(sense)).seen_by(said);
        raise.kind = (episode.sense == Sense::Heat).then_some(HEAT);
        raise.mark = spot.mark;
        raise.incident = Some(self.incident(world, subject, episode.at));
        let new = world.book.current(&kind, &raise.key, world.at).is_none();
        if agreed && new {
            raise.reason = words::agreed();
            raise.stage = Some("confirmed".into());
            raise.ladder = Some(confirmed_ladder());
            raise.details = details([(CONFIRMED, true.into()), (PROMPT, "119".into())]);
        } else {
            raise.stage = home_of(&world.setup.site, subject).map(|_| "call".to_owned());
            raise.ladder = Some(self.ladder(world));
        }
        Some(Proposal::Raise(Box::new(raise)))
    }

    /// An alarm that is over and begins anew now is not among those that are open yet.
    fn begun_anew(&self, world: &World, subject: &Subject, spot: &Spot) -> Option<Vec<Proposal>> {
        let episode = spot.episode?;
        let alarm = world.book.current(&kind_by(episode.sense), &key_of(subject, episode.at), world.at)?;
        let over = !alarm.is_open() && !is_confirmed(alarm);
        over.then(|| confirm(alarm, &words::agreed()).into_iter().map(Proposal::Fact).collect())
    }

    /// All that burns in one building is one incident.
    fn incident(&self, world: &World, subject: &Subject, since: Timestamp) -> IncidentId {
        let building = building_of(world.setup, subject);
        let near = world
            .book
            .open_alarms()
            .filter(|alarm| super::is_fire(alarm) || is_told_fire(alarm))
            .filter(|alarm| building_of(world.setup, &alarm.place) == building);
        let joined = near.filter_map(|alarm| alarm.incident.clone()).min();
        joined.unwrap_or_else(|| {
            incident_of(&[world.setup.site.id.as_str(), "fire", building.as_str(), &since.0.to_string()])
        })
    }

    fn confirm_near(&self, world: &World, subject: &Subject) -> Vec<Proposal> {
        let building = building_of(world.setup, subject);
        let quiet_lately = |spot: &Spot| spot.quiet_since.is_some_and(|since| world.at - since < self.anew());
        // What begins anew with this very message is still cleared in the book.
        let again = |spot: &Spot, alarm: &Alarm| {
            let of_it = |episode: Episode| alarm.key == key_of(&alarm.place, episode.at);
            spot.burns() && spot.episode.is_some_and(of_it)
        };
        let lately = |alarm: &&Alarm| {
            let spot = self.kept.spots.get(&alarm.place);
            alarm.is_active() || spot.is_some_and(|spot| quiet_lately(spot) || again(spot, alarm))
        };
        let unconfirmed =
            world.book.open_alarms().filter(|alarm| super::is_fire(alarm) && !is_confirmed(alarm));
        let near = unconfirmed.filter(|alarm| building_of(world.setup, &alarm.place) == building);
        near.filter(lately).flat_map(|alarm| confirm(alarm, &words::agreed())).map(Proposal::Fact).collect()
    }

    /// One place is quiet again. What was said to be cooking was just that, if nothing else agrees.
    fn quiet(&self, world: &World, subject: &Subject, spot: &Spot) -> Vec<Proposal> {
        let Some(episode) = spot.episode.filter(|_| !spot.burns()) else { return Vec::new() };
        let (kind, key) = (kind_by(episode.sense), key_of(subject, episode.at));
        let Some(alarm) = world.book.open(&kind, &key) else { return Vec::new() };
        let cooked = has(alarm, COOKS) && alarm.response != Response::Resolved;
        let mut proposals = gone(world, &kind, &key, words::clear());
        if cooked && !is_confirmed(alarm) {
            proposals.push(Proposal::Fact(was_cooking(alarm)));
        }
        proposals
    }

    /// Whom smoke calls, until somebody accepts.
    fn ladder(&self, world: &World) -> Ladder {
        let answer = self.settings.answer(world.senses, world.setup);
        let word = self.settings.word(world.senses, world.setup);
        let first =
            Rung { call_resident: true, ..rung(Span::ZERO, on_duty(&[Role::Guard, Role::ControlRoom])) };
        let second = rung(answer, [on_duty(&[Role::Captain]), vec![Audience::Backup]].concat());
        let third = rung(word, on_duty(&[Role::Station, Role::Officer, Role::Manager]));
        let last = rung(word + answer, on_duty(&[Role::Leader]));
        Ladder { rungs: vec![first, second, third, last], ..default_ladder(Priority::P1) }
    }

    /// Nobody has been there yet, whoever took it: the station is told, and 119 is prompted.
    pub(super) fn no_word(&self, alarm: &Alarm) -> Vec<Proposal> {
        let word = alarm.arrived_by.is_some() || has(alarm, COOKS) || alarm.response == Response::Resolved;
        if word {
            return Vec::new();
        }
        let reason = words::no_word();
        let mut facts = vec![
            Fact::Detailed { alarm: alarm.id.clone(), details: details([(PROMPT, "119".into())]) },
            Fact::Staged { alarm: alarm.id.clone(), stage: "call_119".into(), reason },
        ];
        let station =
            alarm.ladder.rungs.iter().position(|rung| rung.tell.contains(&Audience::OnDuty(Role::Station)));
        let Some(rung) = station.filter(|rung| alarm.rung.is_none_or(|reached| reached < *rung)) else {
            return facts.into_iter().map(Proposal::Fact).collect();
        };
        if !alarm.is_unaccepted() {
            facts.push(Fact::Reopened { alarm: alarm.id.clone(), why: Reopening::NextStage, rung });
            return facts.into_iter().map(Proposal::Fact).collect();
        }
        let climb = Proposal::Climb { alarm: alarm.id.clone(), rung };
        facts.into_iter().map(Proposal::Fact).chain([climb]).collect()
    }

    /// Somebody tells of a fire where there is an alarm about one: it is that fire. Two that do not know of each other are
    /// no coincidence, so it is confirmed by it, if it was not; else it counts.
    pub(super) fn told(&self, world: &World, word: &Word) -> Option<Vec<Proposal>> {
        let by_people = match word.source {
            Source::Officer(_) => true,
            Source::Note(note) => note.kind == NoteKind::Report,
        };
        if word.report.category != Category::Fire || !by_people {
            return None;
        }
        let building = building_of(world.setup, word.place);
        let burns = |alarm: &&Alarm| {
            let lately = matches!(alarm.condition, Condition::Cleared { at } if world.at - at < self.anew());
            super::is_fire(alarm)
                && !alarm.test
                && (alarm.is_active() || lately)
                && alarm.response != Response::Resolved
                && building_of(world.setup, &alarm.place) == building
        };
        let fire = world.book.open_alarms().filter(burns);
        let fire = fire.min_by_key(|alarm| (!is_confirmed(alarm), alarm.raised_at, &alarm.id))?;
        let evidence = word.evidence();
        let mut facts = vec![
            Fact::Repeated { alarm: fire.id.clone(), count: 1, last_at: world.at, device: None, evidence },
            Fact::Detailed { alarm: fire.id.clone(), details: words_kept(fire, word) },
        ];
        if is_confirmed(fire) {
            facts.extend(elsewhere(world, fire, word));
        } else {
            facts.extend(confirm(fire, &words::told_too()));
        }
        Some(facts.into_iter().map(Proposal::Fact).collect())
    }

    /// What the resident said.
    pub(super) fn answer(&self, world: &World, home: &PlaceId, answer: CallAnswer) -> Vec<Proposal> {
        let at_home = world.book.open_alarms().filter(|alarm| super::is_fire(alarm) && alarm.place == *home);
        let facts = at_home.flat_map(|alarm| {
            let said = serde_json::to_value(answer).unwrap_or_default();
            let noted = Fact::Detailed { alarm: alarm.id.clone(), details: details([("answer", said)]) };
            let rest = match answer {
                CallAnswer::Ok | CallAnswer::Cooking if !is_confirmed(alarm) => self.cooking(world, alarm),
                CallAnswer::Help if !is_confirmed(alarm) => confirm(alarm, &words::asked_for_help()),
                CallAnswer::Ok
                | CallAnswer::Cooking
                | CallAnswer::Help
                | CallAnswer::OtherPerson
                | CallAnswer::Unclear
                | CallAnswer::None => Vec::new(),
            };
            std::iter::once(noted).chain(rest)
        });
        facts.map(Proposal::Fact).collect()
    }

    /// The resident says that it is nothing. The ladder waits for the smoke to go, with its end armed.
    fn cooking(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        let by = world.at + Span::secs(self.settings.cooking_s);
        if !alarm.is_active() {
            return vec![was_cooking(alarm)];
        }
        let mut facts = waiting(alarm, by);
        facts.push(Fact::Staged {
            alarm: alarm.id.clone(),
            stage: "cooking".into(),
            reason: words::cooking(),
        });
        if let (true, Some(next)) = (alarm.is_unaccepted(), alarm.next_rung) {
            facts.push(Fact::Rung {
                alarm: alarm.id.clone(),
                rung: alarm.rung.unwrap_or(0),
                told: Vec::new(),
                ring: true,
                next: Some(NextRung { rung: next.rung, at: by + Span::mins(1) }),
            });
        }
        facts
    }

    /// Cooking, they said, and it still smokes: it rings again, from the beginning.
    pub(super) fn still_smoke(&self, world: &World, alarm: &Alarm) -> Vec<Proposal> {
        if !alarm.is_active() || !has(alarm, COOKS) {
            return Vec::new();
        }
        let (id, reason) = (alarm.id.clone(), words::still_there());
        let again = details([(COOKS, Value::Null), (RANG_AGAIN, true.into())]);
        let at = world.at + self.settings.word(world.senses, world.setup);
        let facts = vec![
            Fact::Detailed { alarm: id.clone(), details: again },
            Fact::Staged { alarm: id.clone(), stage: "still_smoke".into(), reason },
            Fact::Armed { alarm: id.clone(), timer: WORD, at },
            Fact::Reopened { alarm: id, why: Reopening::StillActive, rung: 0 },
        ];
        facts.into_iter().map(Proposal::Fact).collect()
    }
}

/// Somebody told of a fire before any detector did.
pub(crate) fn is_told_fire(alarm: &Alarm) -> bool {
    alarm.kind.as_str() == "report" && alarm.details.get("category") == Some(&Value::from("fire"))
}

/// What somebody tells of a fire stays with it, with the place where that is another than the detector's.
fn words_kept(fire: &Alarm, word: &Word) -> BTreeMap<String, Value> {
    let told = fire.details.get(REPORTS).and_then(Value::as_u64).unwrap_or(0) + 1;
    let text = match (*word.place == fire.place, word.report.text.as_str()) {
        (true, text) => text.to_owned(),
        (false, "") => word.place.to_string(),
        (false, text) => format!("{}: {text}", word.place),
    };
    let mut kept = texts_with(fire, &text);
    kept.insert(REPORTS.to_owned(), told.into());
    if let Some(places) = one_more_place(fire, word.place) {
        kept.insert(PLACES.to_owned(), places.into());
    }
    kept
}

/// The other places that were told of, with this one if it is new and there is room.
fn one_more_place(fire: &Alarm, place: &PlaceId) -> Option<Vec<Value>> {
    let mut places = fire.details.get(PLACES).and_then(Value::as_array).cloned().unwrap_or_default();
    let known = *place == fire.place || places.iter().any(|known| known == place.as_str());
    if known || places.len() >= PLACES_MAX {
        return None;
    }
    places.push(place.as_str().into());
    Some(places)
}

/// Whoever has the fire hears that somebody tells of another place, once of each; not of one in which a detector has rung.
fn elsewhere(world: &World, fire: &Alarm, word: &Word) -> Option<Fact> {
    let holder = &fire.accepted.as_ref()?.by;
    let by_holder = matches!(word.source, Source::Officer(by) if by == holder);
    let rang = |alarm: &Alarm| super::is_fire(alarm) && alarm.place.is_within(word.place);
    let known = world.book.open_alarms().any(rang);
    let new = !by_holder && !known && one_more_place(fire, word.place).is_some();
    let to = vec![holder.clone()];
    let reason = words::told_elsewhere(&world.setup.site, word.place);
    new.then(|| Fact::Reminded { alarm: fire.id.clone(), to, reason })
}

fn key_of(subject: &Subject, since: Timestamp) -> String {
    format!("{subject}@{}", since.0)
}

/// It is a fire: everybody at once, whoever had taken it.
pub(super) fn confirm(alarm: &Alarm, reason: &Reason) -> Vec<Fact> {
    let id = alarm.id.clone();
    let known = details([(CONFIRMED, true.into()), (PROMPT, "119".into()), (COOKS, Value::Null)]);
    vec![
        Fact::Detailed { alarm: id.clone(), details: known },
        Fact::Upgraded {
            alarm: id.clone(),
            priority: Priority::P1,
            ladder: confirmed_ladder(),
            reason: reason.clone(),
        },
        Fact::Staged { alarm: id.clone(), stage: "confirmed".into(), reason: reason.clone() },
        Fact::Reopened { alarm: id, why: Reopening::Confirmed, rung: 0 },
    ]
}

fn confirmed_ladder() -> Ladder {
    let at_once = [Role::Guard, Role::ControlRoom, Role::GridWorker, Role::Captain, Role::Officer];
    let first = Rung {
        call_resident: true,
        ..rung(Span::ZERO, [on_duty(&at_once), vec![Audience::Backup]].concat())
    };
    let rungs = vec![
        first,
        rung(Span::mins(1), on_duty(&[Role::Station, Role::Manager])),
        rung(Span::mins(2), on_duty(&[Role::Leader])),
    ];
    Ladder { rungs, stops_at: StopsAt::Acceptance, ..default_ladder(Priority::P1) }
}

fn was_cooking(alarm: &Alarm) -> Fact {
    closed(alarm, Outcome::FalseAlarm, "cooking", "做饭所致，烟已散", "it was cooking, and the smoke is gone")
}

/// Somebody says that it is nothing; the smoke should be gone by then.
fn waiting(alarm: &Alarm, by: Timestamp) -> Vec<Fact> {
    let waits = details([(COOKS, true.into())]);
    vec![
        Fact::Detailed { alarm: alarm.id.clone(), details: waits },
        Fact::Armed { alarm: alarm.id.clone(), timer: COOKING, at: by },
    ]
}

fn is_nothing(outcome: Outcome) -> bool {
    was_nothing(outcome) || outcome == Outcome::Ok
}

pub(super) fn word_ends(alarm: &Alarm, outcome: Outcome) -> bool {
    let there = alarm.arrived_by.is_some();
    match outcome {
        _ if !alarm.is_active() => true,
        Outcome::Test | Outcome::Duplicate => true,
        Outcome::FalseAlarm | Outcome::Unfounded | Outcome::Ok => there && has(alarm, RANG_AGAIN),
        Outcome::Real | Outcome::Complied | Outcome::Unverified => there,
    }
}

/// Whoever says that it was nothing, and is not believed yet.
pub(super) fn after_a_word(alarm: &Alarm, outcome: Outcome, by: Timestamp) -> Vec<Fact> {
    if is_nothing(outcome) { waiting(alarm, by) } else { Vec::new() }
}

//! What is told: one step in an alarm's life, with what a program needs to act on it. Ids only: no names; of homes and
//! people no more than [`discretion`] lets out.

use super::discretion;
use serde::Serialize;
use wanglou_engine::Engine;
use wanglou_model::{Fact, Text, Timestamp, rfc3339_micros};

/// One step in an alarm's life.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct News {
    /// The same for the same news, however often it is told.
    #[serde(skip)]
    pub id: String,
    /// The compound.
    #[serde(skip)]
    pub site: String,
    /// `raised`, `upgraded`, `accepted`, `arrived`, `resolved`, `closed`.
    pub what: &'static str,
    /// When: RFC 3339, UTC.
    pub at: String,
    /// The alarm; of homes and people another name for it, the same in all news of it.
    pub alarm: String,
    /// Its kind; not of homes and people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// 1 to 4.
    pub level: u8,
    /// What it is; not of homes and people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// Where, as in places.csv; of homes and people the building at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// When it was raised: RFC 3339, UTC.
    pub raised_at: String,
    /// A test or a drill.
    pub test: bool,
    /// Who did it: an officer's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// May be seen where anybody may stand before the screen.
    #[serde(skip)]
    pub for_walls: bool,
}

impl News {
    /// What a fact is to others; `None` where it stays inside, and where the alarm is forgotten by now. `personal`: to
    /// others who are told of homes and people in full.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "six facts are told; a new one stays inside until it is added"
    )]
    pub fn of(
        engine: &Engine,
        site: &str,
        (history, position): (&str, u64),
        at: Timestamp,
        fact: &Fact,
        personal: bool,
    ) -> Option<Self> {
        let (what, by, outcome) = match fact {
            Fact::Raised(_) => ("raised", None, None),
            Fact::Upgraded { .. } => ("upgraded", None, None),
            Fact::Accepted { by, .. } => ("accepted", Some(by.to_string()), None),
            Fact::Arrived { by, .. } => ("arrived", Some(by.to_string()), None),
            Fact::Resolved { outcome, .. } => ("resolved", None, Some(outcome.name())),
            Fact::Closed { outcome, .. } => ("closed", None, Some(outcome.name())),
            _ => return None,
        };
        let alarm = engine.book().alarms.get(fact.alarm()?)?;
        let time = |at| rfc3339_micros::format(engine.senses().wall(at));
        let registry = &engine.setup().site;
        let whole = personal || discretion::is_public(registry, alarm.kind.as_str(), &alarm.place);
        let place =
            if whole { Some(alarm.place.clone()) } else { discretion::building_of(registry, &alarm.place) };
        Some(Self {
            id: format!("{}-{position}", history.get(..8).unwrap_or(history)),
            site: site.to_owned(),
            what,
            at: time(at),
            alarm: if whole { alarm.id.to_string() } else { discretion::alias(history, &alarm.id) },
            kind: whole.then(|| alarm.kind.to_string()),
            level: alarm.priority.level(),
            title: whole.then(|| crate::view::title(engine, alarm)),
            place: place.map(|place| place.to_string()),
            raised_at: time(alarm.raised_at),
            test: alarm.test,
            by,
            outcome,
            for_walls: discretion::is_for_walls(alarm),
        })
    }
}

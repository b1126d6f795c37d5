//! What is told: one step in an alarm's life, with what a program needs to act on it. Ids only: no names.

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
    /// The alarm.
    pub alarm: String,
    /// Its kind.
    pub kind: String,
    /// 1 to 4.
    pub level: u8,
    /// What it is.
    pub title: Text,
    /// Where, as in places.csv.
    pub place: String,
    /// When it was raised: RFC 3339, UTC.
    pub raised_at: String,
    /// Kind and place say nothing of a person or a home.
    #[serde(skip)]
    pub public: bool,
    /// A test or a drill.
    pub test: bool,
    /// Who did it: an officer's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
}

impl News {
    /// What a fact is to others; `None` where it stays inside, and where the alarm is forgotten by now.
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
        Some(Self {
            id: format!("{}-{position}", history.get(..8).unwrap_or(history)),
            site: site.to_owned(),
            what,
            at: time(at),
            alarm: alarm.id.to_string(),
            kind: alarm.kind.to_string(),
            level: alarm.priority.level(),
            title: crate::view::title(engine, alarm),
            place: alarm.place.to_string(),
            raised_at: time(alarm.raised_at),
            public: super::discretion::is_public(&engine.setup().site, alarm.kind.as_str(), &alarm.place),
            test: alarm.test,
            by,
            outcome,
        })
    }
}

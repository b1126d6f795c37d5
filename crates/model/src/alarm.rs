//! What an alarm is, on its two axes (ISA-18.2 / IEC 62682) and in people's hands.

use crate::OfficerId;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How soon somebody must act. P1 first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Priority {
    /// Life: accepted within a minute, on scene within three.
    P1,
    /// Danger: three minutes, ten.
    P2,
    /// Attention: a quarter of an hour, two hours.
    P3,
    /// For the digest only; nobody is interrupted.
    P4,
}

impl Priority {
    /// All of them, the most urgent first.
    pub const ALL: [Priority; 4] = [Priority::P1, Priority::P2, Priority::P3, Priority::P4];

    /// 1 to 4.
    pub fn level(self) -> u8 {
        match self {
            Priority::P1 => 1,
            Priority::P2 => 2,
            Priority::P3 => 3,
            Priority::P4 => 4,
        }
    }

    /// The name in JSON, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Priority::P1 => "P1",
            Priority::P2 => "P2",
            Priority::P3 => "P3",
            Priority::P4 => "P4",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What people did about an alarm, beside its two axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Nobody has it.
    Unaccepted,
    /// Somebody has it: acknowledged.
    Accepted,
    /// They are on their way.
    EnRoute,
    /// They are there.
    Arrived,
    /// They said how it ended.
    Resolved,
    /// Over.
    Closed,
}

/// Why nobody is called of an alarm that is open, each with an owner, a reason and an end (ISA-18.2, clause 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aside {
    /// Somebody, or a sensor's chatter, set it aside for a while.
    #[default]
    Shelved,
    /// Something graver explains it: the incident that it belongs to is told in its place.
    ByDesign,
    /// Somebody works there.
    OutOfService,
}

impl Aside {
    /// All of them.
    pub const ALL: [Aside; 3] = [Aside::Shelved, Aside::ByDesign, Aside::OutOfService];

    /// The name in JSON, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Aside::Shelved => "shelved",
            Aside::ByDesign => "by_design",
            Aside::OutOfService => "out_of_service",
        }
    }
}

/// Who answers for something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Owner {
    /// A person.
    Officer(OfficerId),
    /// The program itself.
    Rule {
        /// Which part of it: `chatter`, `incident`.
        rule: String,
    },
}

impl Owner {
    /// A part of the program.
    pub fn rule(name: &str) -> Self {
        Owner::Rule { rule: name.to_owned() }
    }

    /// The person, if it is one.
    pub fn officer(&self) -> Option<&OfficerId> {
        match self {
            Owner::Officer(officer) => Some(officer),
            Owner::Rule { .. } => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Officer(officer) => officer.fmt(f),
            Owner::Rule { rule } => f.write_str(rule),
        }
    }
}

/// How an alarm ended, as the person who was there says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Outcome {
    Real,
    FalseAlarm,
    Test,
    Duplicate,
    Complied,
    Unfounded,
    Ok,
    Unverified,
}

impl Outcome {
    /// The name in JSON, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Real => "real",
            Outcome::FalseAlarm => "false_alarm",
            Outcome::Test => "test",
            Outcome::Duplicate => "duplicate",
            Outcome::Complied => "complied",
            Outcome::Unfounded => "unfounded",
            Outcome::Ok => "ok",
            Outcome::Unverified => "unverified",
        }
    }
}

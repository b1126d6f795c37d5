//! Ladders of the site's own, in place of a rule's or of the priority's: per kind, priority, place and time of day. And
//! how many of those who qualify are told at once.

use crate::calendar::Local;
use crate::register::within;
use crate::setup::Setup;
use crate::windows::never_aside;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use wanglou_model::{
    AlarmKind, Audience, Ladder, MinuteOfDay, OfficerId, PlaceId, Priority, Role, Rung, Span, StopsAt,
};

/// Most ladders of a site's own.
const LADDERS_MAX: usize = 100;
/// Most rungs of one.
const RUNGS_MAX: usize = 20;

/// Who is told first where several could be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoutingSettings {
    /// Of those in one role whose position is known, the nearest so many are told of P2 and P3 first; 0 tells all.
    pub nearest: usize,
    /// A position is known for so long, seconds.
    pub position_s: i64,
}

impl Default for RoutingSettings {
    fn default() -> Self {
        Self { nearest: 3, position_s: 120 }
    }
}

/// One ladder of the site's own: `[[ladder]]` in `rules.toml`. The first that fits holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LadderSettings {
    /// Of this kind of alarm; absent: of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AlarmKind>,
    /// Of this priority; absent: of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// At this place and inside it, or where it is named as the zone; absent: anywhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<PlaceId>,
    /// Raised within these hours, such as `"22:00-06:00"`; absent: at any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<Hours>,
    /// Who is told when, the first one at once.
    pub rung: Vec<RungSettings>,
    /// The last rung repeats this often, seconds; absent: as the priority says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_s: Option<u32>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RungSettings {
    /// After the raise, seconds.
    pub after_s: u32,
    /// Roles (`guard`: who serves the place; `anywhere:guard`), `backup`, or `officer:ID`.
    pub tell: Vec<Tell>,
    /// Their phones ring; otherwise it is only shown.
    #[serde(default = "yes")]
    pub ring: bool,
}

fn yes() -> bool {
    true
}

/// Whom a step tells, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tell(Audience);

impl Serialize for Tell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Audience::OnDuty(role) => serializer.serialize_str(role.name()),
            Audience::Anywhere(role) => serializer.serialize_str(&format!("anywhere:{}", role.name())),
            Audience::Backup => serializer.serialize_str("backup"),
            Audience::People(people) => {
                let one = people.first().map(ToString::to_string).unwrap_or_default();
                serializer.serialize_str(&format!("officer:{one}"))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let named = |text: &str| Role::ALL.into_iter().find(|role| role.name() == text);
        if let Some(role) = text.strip_prefix("anywhere:").and_then(named) {
            return Ok(Self(Audience::Anywhere(role)));
        }
        let role = named(&text);
        let person = text.strip_prefix("officer:").and_then(|id| OfficerId::parse(id).ok());
        match (role, person) {
            (Some(role), _) => Ok(Self(Audience::OnDuty(role))),
            (None, Some(officer)) => Ok(Self(Audience::People(vec![officer]))),
            (None, None) if text == "backup" => Ok(Self(Audience::Backup)),
            (None, None) => Err(serde::de::Error::custom(format!(
                "{text:?} is no role such as \"guard\" (who serves the place) or \"anywhere:guard\", not \"backup\", and not \"officer:ID\""
            ))),
        }
    }
}

/// Hours of the day; an end before the begin is on the next morning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: MinuteOfDay,
    until: MinuteOfDay,
}

impl Hours {
    fn parse(text: &str) -> Option<Self> {
        let (from, until) = text.split_once('-')?;
        Some(Self { from: minute(from)?, until: minute(until)? })
    }
}

fn minute(text: &str) -> Option<MinuteOfDay> {
    let (hour, minute) = text.trim().split_once(':')?;
    let number = |digits: &str, max: u16| {
        let plain = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|n: &u16| plain && *n <= max)
    };
    Some(MinuteOfDay(number(hour, 23)? * 60 + number(minute, 59)?))
}

impl Serialize for Hours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = |minute: MinuteOfDay| format!("{:02}:{:02}", minute.0 / 60, minute.0 % 60);
        serializer.serialize_str(&format!("{}-{}", text(self.from), text(self.until)))
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || serde::de::Error::custom(format!("{text:?} are no hours such as \"22:00-06:00\""));
        Self::parse(&text).ok_or_else(wrong)
    }
}

impl LadderSettings {
    fn fits(
        &self,
        setup: &Setup,
        kind: &AlarmKind,
        priority: Priority,
        place: &PlaceId,
        local: Local,
    ) -> bool {
        self.kind.as_ref().is_none_or(|of| of == kind)
            && self.priority.is_none_or(|of| of == priority)
            && self.zone.as_ref().is_none_or(|zone| within(setup, place, zone))
            && self.hours.is_none_or(|hours| local.is_between(hours.from, hours.until))
    }

    fn ladder(&self, instead_of: &Ladder) -> Ladder {
        let rung = |rung: &RungSettings| Rung {
            after: Span::secs(i64::from(rung.after_s)),
            tell: rung.tell.iter().map(|tell| tell.0.clone()).collect(),
            ring: rung.ring,
            stage: None,
            priority: None,
            call_resident: false,
        };
        Ladder {
            rungs: self.rung.iter().map(rung).collect(),
            repeat: self.repeat_s.map_or(instead_of.repeat, |seconds| Span::secs(i64::from(seconds))),
            on_scene: instead_of.on_scene,
            stops_at: StopsAt::Acceptance,
        }
    }

    /// What is wrong with it, in words.
    fn fault(&self) -> Option<&'static str> {
        let first_at_once = self.rung.first().is_some_and(|rung| rung.after_s == 0);
        let in_order = self.rung.is_sorted_by(|a, b| a.after_s < b.after_s);
        match () {
            () if self.rung.is_empty() || self.rung.len() > RUNGS_MAX => Some("needs 1 to 20 rungs"),
            () if !first_at_once || !in_order => {
                Some("its rungs begin at after_s = 0 and each is later than the last")
            }
            () if self.rung.iter().any(|rung| rung.tell.is_empty()) => {
                Some("each rung tells somebody: tell = [\"guard\"]")
            }
            () if !self.rung.iter().any(|rung| rung.ring) => {
                Some("no rung rings: nobody would ever be called")
            }
            () if self.repeat_s.is_some_and(|seconds| !(60..=86_400).contains(&seconds)) => {
                Some("repeat_s is 60 to 86400")
            }
            () if self.kind.as_ref().is_some_and(|kind| kind.as_str() == "living_alone") => {
                Some("the stages of living_alone are the rule's own: change them in [living_alone]")
            }
            () => None,
        }
    }
}

/// What is wrong with the ladders of a site, in words.
pub(crate) fn fault(ladders: &[LadderSettings]) -> Option<String> {
    if ladders.len() > LADDERS_MAX {
        return Some(format!("more than {LADDERS_MAX} ladders"));
    }
    ladders.iter().enumerate().find_map(|(n, ladder)| Some(format!("ladder[{n}]: {}", ladder.fault()?)))
}

/// The site's own ladder for an alarm, in the place of another one. Stages that only their end stops stay as they are.
pub(crate) fn own(
    setup: &Setup,
    (kind, priority, place): (&AlarmKind, Priority, &PlaceId),
    local: Local,
    instead_of: Ladder,
) -> Ladder {
    let staged =
        instead_of.stops_at == StopsAt::Closure || instead_of.rungs.iter().any(|rung| rung.stage.is_some());
    let silent = !instead_of.rungs.is_empty() && instead_of.rungs.iter().all(|rung| !rung.ring);
    if staged || (silent && !never_aside(priority, &instead_of)) {
        return instead_of;
    }
    let found = setup.rules.ladder.iter().find(|ladder| ladder.fits(setup, kind, priority, place, local));
    found.map_or(instead_of.clone(), |found| found.ladder(&instead_of))
}

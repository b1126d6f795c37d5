//! Homes too cold or too hot (`home_temperature`): with the windows shut in a heat wave, or with the heating off, an old
//! person comes to harm without opening, or not opening, any door.
//!
//! Subject: the home of somebody living alone, with consent. Only what all its thermometers say counts: one beside the
//! stove, or in the fridge, proves nothing. A reading holds for two hours; then nothing is known, which is neither
//! warm nor cold. People end it; mild air only clears it.
//!
//! ```text
//!   mild ─► cold or hot ──1 h──► P3 ─► cleared (one degree milder) ─► closed, by people
//!    ▲________│ milder, or silent
//! ```

use super::sensing::gone;
use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::ladder::{default_ladder, rung};
use crate::raising::kind_of;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wanglou_model::{
    Audience, Device, DeviceId, Fact, Ladder, PlaceId, Priority, Reading, Reason, Role, Span, Timestamp,
};

const NAME: &str = "home_temperature";
/// The slot of its timer on a home: it has been so for long.
const LONG: u8 = 0;

/// Thresholds of the rule. All are the project's own assumptions; the World Health Organization advises 18 °C at least.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HomeTemperatureSettings {
    /// Cold from here down, °C.
    pub cold_celsius: f64,
    /// Hot from here up, °C.
    pub hot_celsius: f64,
    /// So long it must be, seconds.
    pub long_s: i64,
    /// A reading holds so long, seconds.
    pub holds_s: i64,
    /// So much milder it must become to clear, °C.
    pub clear_celsius: f64,
    /// Nobody has accepted it after this time: control room and manager, seconds.
    pub manager_s: i64,
}

impl Default for HomeTemperatureSettings {
    fn default() -> Self {
        Self {
            cold_celsius: 12.0,
            hot_celsius: 35.0,
            long_s: 3_600,
            holds_s: 7_200,
            clear_celsius: 1.0,
            manager_s: 900,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Side {
    Cold,
    Hot,
}

/// What is known of a home's air.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Air {
    /// The latest word of each thermometer, and when it came.
    words: BTreeMap<DeviceId, (f64, Timestamp)>,
    /// Too cold or too hot, and since when.
    extreme: Option<(Side, Timestamp)>,
    /// It has been so for long.
    long: bool,
}

impl Air {
    fn forget_old(&mut self, at: Timestamp, holds: Span) {
        self.words.retain(|_, (_, heard)| *heard + holds > at);
    }

    /// Which extreme all thermometers agree on; one that it already is ends a little later than it begins.
    fn side(&self, settings: &HomeTemperatureSettings) -> Option<Side> {
        let stays = |side| match self.extreme {
            Some((is, _)) if is == side => settings.clear_celsius,
            _ => 0.0,
        };
        let (cold, hot) =
            (settings.cold_celsius + stays(Side::Cold), settings.hot_celsius - stays(Side::Hot));
        let all = |is: &dyn Fn(f64) -> bool| {
            !self.words.is_empty() && self.words.values().all(|(celsius, _)| is(*celsius))
        };
        match () {
            () if all(&|celsius| celsius <= cold) => Some(Side::Cold),
            () if all(&|celsius| celsius >= hot) => Some(Side::Hot),
            () => None,
        }
    }

    /// The reading nearest to mild.
    fn mildest(&self, side: Side) -> f64 {
        let all = self.words.values().map(|(celsius, _)| *celsius);
        match side {
            Side::Cold => all.fold(f64::NEG_INFINITY, f64::max),
            Side::Hot => all.fold(f64::INFINITY, f64::min),
        }
    }
}

/// The rule.
#[derive(Debug)]
pub(crate) struct HomeTemperature {
    settings: HomeTemperatureSettings,
    homes: BTreeMap<PlaceId, Air>,
}

impl HomeTemperature {
    pub(crate) fn new(settings: HomeTemperatureSettings) -> Self {
        Self { settings, homes: BTreeMap::new() }
    }

    fn ladder(&self) -> Ladder {
        let on_duty = |roles: [Role; 2]| roles.into_iter().map(Audience::OnDuty).collect();
        let rungs = vec![
            rung(Span::ZERO, on_duty([Role::GridWorker, Role::Captain])),
            rung(Span::secs(self.settings.manager_s), on_duty([Role::ControlRoom, Role::Manager])),
        ];
        Ladder { rungs, ..default_ladder(Priority::P3) }
    }

    fn raise(&self, home: &PlaceId, air: &Air) -> Option<Raise> {
        let (side, since) = air.extreme.filter(|_| air.long)?;
        let celsius = air.mildest(side);
        let reason = match side {
            Side::Cold => Reason::new(
                "home_cold",
                format!("家中室温只有{celsius:.0}℃，已超过一小时"),
                format!("only {celsius:.0} °C at home for over an hour"),
            ),
            Side::Hot => Reason::new(
                "home_hot",
                format!("家中室温达{celsius:.0}℃，已超过一小时"),
                format!("{celsius:.0} °C at home for over an hour"),
            ),
        };
        let mut raise = Raise::new(home.as_str(), home, Priority::P3, since, reason);
        raise.ladder = Some(self.ladder());
        raise.details = BTreeMap::from([("celsius".to_owned(), celsius.into())]);
        Some(raise)
    }
}

/// Is anybody there to come to harm?
fn is_lived_in(world: &World, home: &PlaceId) -> bool {
    let away = world.senses.register.away.get(home);
    !away.is_some_and(|absence| absence.holds(world.senses.wall(world.at)))
}

/// Did they agree to be watched over, and still do?
fn agreed(senses: &Senses, setup: &Setup, home: &PlaceId) -> bool {
    setup.site.homes.get(home).is_some_and(|known| known.consent) && !senses.register.withdrawn.contains(home)
}

impl Rule for HomeTemperature {
    fn name(&self) -> &'static str {
        NAME
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("独居家中过冷或过热", "Home too cold or too hot"),
            advice: vec![
                text("先打电话，问人是否舒服", "Call first; ask whether they feel well"),
                text("无人接听就上门看望", "Nobody answers: go and see"),
                text(
                    "过热：开窗通风、喝水；头晕呕吐拨打120",
                    "Hot: windows, water; dizzy or vomiting: call 120",
                ),
                text(
                    "过冷：查暖气和空调，添衣；发抖迷糊拨打120",
                    "Cold: heating, clothes; confused: call 120",
                ),
            ],
        }
    }

    fn listens(&self, _device: &Device) -> bool {
        false
    }

    fn hears(&self, _device: &Device, reading: &Reading) -> bool {
        matches!(reading, Reading::Temperature { .. })
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.home_temperature);
    }

    fn configure(&mut self, senses: &Senses, setup: &Setup, _timers: &mut RuleTimers) {
        self.settings = setup.rules.home_temperature.clone();
        self.homes.retain(|home, _| agreed(senses, setup, home));
        for air in self.homes.values_mut() {
            air.words.retain(|id, _| setup.site.devices.contains_key(id));
        }
    }

    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        let Reading::Temperature { celsius } = sighting.said.reading else { return None };
        if sighting.freshness != Freshness::Fresh || sighting.duplicate {
            return None;
        }
        let home = sighting.home.filter(|home| agreed(senses, setup, home))?;
        let air = self.homes.entry(home.clone()).or_default();
        air.words.insert(sighting.id.clone(), (celsius, senses.at));
        air.forget_old(senses.at, Span::secs(self.settings.holds_s));
        let (before, side) = (air.extreme.map(|(side, _)| side), air.side(&self.settings));
        if before == side {
            return None;
        }
        air.extreme = side.map(|side| (side, senses.at));
        air.long = false;
        match side {
            Some(_) => timers.arm(home, LONG, senses.at + Span::secs(self.settings.long_s)),
            None => timers.disarm(home, LONG),
        }
        before.map(|_| home.clone())
    }

    fn due(
        &mut self,
        senses: &Senses,
        _setup: &Setup,
        home: &Subject,
        _slot: u8,
        _timers: &mut RuleTimers,
    ) -> bool {
        let Some(air) = self.homes.get_mut(home) else { return false };
        air.forget_old(senses.at, Span::secs(self.settings.holds_s));
        air.long = !air.words.is_empty();
        if !air.long {
            air.extreme = None;
        }
        air.long
    }

    fn registered(&mut self, senses: &Senses, setup: &Setup, _: &Fact, _: &mut RuleTimers) {
        self.homes.retain(|home, _| agreed(senses, setup, home));
    }

    fn decide(&self, world: &World, home: &Subject, cause: Cause) -> Vec<Proposal> {
        match (cause, self.homes.get(home)) {
            (Cause::Said(_), _) => {
                let reason = Reason::new("home_mild", "室温已恢复", "mild again");
                gone(world, &kind_of(NAME), home.as_str(), reason)
            }
            (Cause::Due { .. }, Some(air)) if is_lived_in(world, home) => {
                let raise = self.raise(home, air).map(Box::new);
                raise.map(Proposal::Raise).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.homes)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.homes = snapshot::read(kept)?;
        Ok(())
    }
}

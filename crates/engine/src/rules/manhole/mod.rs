//! Manhole covers (`manhole`): an open one kills at night; water and gas below it are told apart from that.
//!
//! Subject: the place of the cover. Alarms by key: `open`, `water`, `gas`, `lost`, each with the cover's place.
//!
//! ```text
//!            tilt ≥ 15°, uncontradicted 30 s, or the device's own "open"
//!   closed ────────────────────────────────────────────────────────────► OPEN ──guard──► guarded
//!      ▲                                                                   │                │
//!      └──── tilt < 5° for 10 min (or the device's own "closed") and a person says so ◄─────┘
//! ```

mod cover;
mod flood;
mod judge;
mod permits;
mod settings;

pub use settings::ManholeSettings;

use super::{Cause, KindWords, Proposal, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::table::Table;
use crate::world::World;
use cover::{Cover, arm_lost, hear, is_silent, see, silent_from, watch};
use wanglou_model::{
    Command, Device, Fact, Op, Outcome, Purpose, Reading, Reason, Reopening, Response, Span,
};

/// Slots of this rule's timers on a subject.
const SETTLED: u8 = 0;
const RESTED: u8 = 1;
const LOST: u8 = 2;
const SILENT: u8 = 3;
/// A permit that muted the cover has ended.
const UNMUTED: u8 = 4;
/// Slot of its timer on an alarm.
const REMIND: u8 = 0;

/// The rule.
#[derive(Debug)]
pub(crate) struct Manhole {
    settings: ManholeSettings,
    covers: Table<Subject, Box<Cover>>,
    /// Not the first configuration since the start.
    configured: bool,
}

impl Manhole {
    pub(crate) fn new(settings: ManholeSettings) -> Self {
        Self { settings, covers: Table::default(), configured: false }
    }
}

impl Rule for Manhole {
    fn name(&self) -> &'static str {
        "manhole"
    }

    fn words(&self) -> KindWords {
        KindWords {
            title: text("窨井盖异常", "Manhole"),
            advice: vec![
                text("先到现场，拦住行人和车辆", "Go there first; keep people and vehicles away"),
                text(
                    "放好锥桶或留人看守，拍照后点“已看守”",
                    "Put out cones or stay; take a photo, then tap Guarded",
                ),
                text("切勿下井：井下可能有毒气", "Never climb in: there may be poisonous gas"),
                text("盖好后拍照，点“处理结果”", "When it is closed again take a photo and resolve"),
            ],
        }
    }

    fn listens(&self, device: &Device) -> bool {
        device.purpose == Purpose::Cover
    }

    fn tune(&mut self, settings: &RuleSettings) {
        self.settings.clone_from(&settings.manhole);
    }

    fn configure(&mut self, senses: &Senses, setup: &Setup, timers: &mut RuleTimers) {
        self.settings = setup.rules.manhole.clone();
        // After a start the deadlines are those of the snapshot.
        if !std::mem::replace(&mut self.configured, true) {
            return;
        }
        self.covers.each_mut(|subject, cover| {
            let device = cover.device.as_ref().and_then(|id| setup.site.devices.get(id));
            let device = device.filter(|_| !cover.silent_told);
            let Some(until) = device.and_then(|device| silent_from(cover, device, senses)) else { return };
            if timers.due(subject, SILENT).is_none_or(|armed| armed > until) && until > senses.at {
                timers.arm(subject, SILENT, until);
                cover.watched = true;
            }
        });
    }

    fn observe(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        sighting: &Sighting,
        timers: &mut RuleTimers,
    ) -> Option<Subject> {
        if matches!(sighting.freshness, Freshness::Replayed | Freshness::Test) {
            return None;
        }
        permits::arm(&self.settings, senses, setup, sighting.id, &sighting.device.place, timers);
        let subject = sighting.device.place.clone();
        let cover = self.covers.entry(&subject);
        cover.device = Some(sighting.id.clone());
        if sighting.is_news() {
            hear(cover, &self.settings, senses, sighting, &subject, timers);
        }
        let relevant = see(cover, &self.settings, senses, sighting, &subject, timers);
        // A redelivery tells the state, and is no reason to raise anything a second time.
        (relevant && !sighting.duplicate).then_some(subject)
    }

    fn due(
        &mut self,
        senses: &Senses,
        setup: &Setup,
        subject: &Subject,
        slot: u8,
        timers: &mut RuleTimers,
    ) -> bool {
        let Some(cover) = self.covers.get_mut(subject) else { return false };
        match slot {
            SETTLED => cover.settled = cover.tilted_since.is_some(),
            LOST => {
                let muted = cover
                    .device
                    .as_ref()
                    .and_then(|id| permits::muted_until(&self.settings, senses, setup, id));
                if let Some(end) = muted {
                    // An opening is told first; it stands for the lost sensor, too.
                    timers.arm(subject, LOST, end + Span::secs(1));
                    return false;
                }
                cover.lost_told = senses.may_judge_absence();
                return cover.lost_told;
            }
            SILENT => return is_silent(cover, setup, senses, subject, timers),
            _ => {}
        }
        true
    }

    fn resumed(&mut self, senses: &Senses, setup: &Setup, timers: &mut RuleTimers) -> Vec<Subject> {
        let settings = &self.settings;
        self.covers.each_mut(|subject, cover| {
            if let Some(device) = cover.device.as_ref().and_then(|id| setup.site.devices.get(id)) {
                arm_lost(cover, settings, device, senses, subject, timers);
                watch(cover, device, senses, subject, timers);
            }
        });
        Vec::new()
    }

    fn decide(&self, world: &World, subject: &Subject, cause: Cause) -> Vec<Proposal> {
        let Some(cover) = self.covers.get(subject) else { return Vec::new() };
        match cause {
            Cause::Said(sighting) => {
                let tells = matches!(sighting.said.reading, Reading::Cover { .. });
                let mut proposals =
                    if tells { self.opening(world, subject, cover, Some(sighting)) } else { Vec::new() };
                proposals.extend(self.water(world, subject, cover, sighting));
                proposals.extend(self.gas(world, subject, cover, sighting));
                proposals
            }
            Cause::Due { slot: SETTLED | RESTED | UNMUTED } => self.opening(world, subject, cover, None),
            Cause::Due { slot: LOST } => self.lost(world, subject, cover),
            Cause::Due { slot: SILENT } => self.silent(world, subject, cover),
            Cause::Due { .. } | Cause::Resumed => Vec::new(),
        }
    }

    fn registered(&mut self, senses: &Senses, setup: &Setup, entry: &Fact, timers: &mut RuleTimers) {
        let Fact::Permit(permit) = entry else { return };
        let covers = setup.site.devices.iter().filter(|(_, device)| device.purpose == Purpose::Cover);
        for (id, device) in covers.filter(|(id, _)| crate::register::covers(setup, permit, id)) {
            permits::arm(&self.settings, senses, setup, id, &device.place, timers);
        }
    }

    fn alarm_due(&self, world: &World, alarm: &Alarm, slot: u8) -> Vec<Proposal> {
        if slot != REMIND || !alarm.key.starts_with("open:") {
            return Vec::new();
        }
        let rests = self.covers.get(&alarm.place).is_some_and(|cover| cover.rested_since.is_some());
        let mut facts = match alarm.response {
            Response::Unaccepted | Response::Closed => Vec::new(),
            // Shut, and said so: it ends by itself unless the cover moves again.
            Response::Resolved if rests => Vec::new(),
            Response::Resolved if alarm.is_active() => {
                vec![Fact::Reopened { alarm: alarm.id.clone(), why: Reopening::StillActive, rung: 0 }]
            }
            Response::Accepted | Response::EnRoute | Response::Arrived | Response::Resolved => {
                vec![crate::command::remind_holder(alarm)]
            }
        };
        facts.extend(self.after_raise(world, alarm));
        let mut proposals: Vec<Proposal> = facts.into_iter().map(Proposal::Fact).collect();
        if let Some(cover) = self.covers.get(&alarm.place).filter(|_| alarm.is_active()) {
            proposals.extend(self.opening(world, &alarm.place, cover, None));
        }
        proposals
    }

    fn after_raise(&self, world: &World, alarm: &Alarm) -> Vec<Fact> {
        if !alarm.key.starts_with("open:") {
            return Vec::new();
        }
        let guarded = alarm.stage.as_deref() == Some("guarded");
        let wait = if guarded { self.settings.remind_guarded_s } else { self.settings.remind_s };
        vec![Fact::Armed { alarm: alarm.id.clone(), timer: REMIND, at: world.at + Span::secs(wait) }]
    }

    fn actions(&self, _world: &World, alarm: &Alarm) -> Vec<&'static str> {
        let open = alarm.key.starts_with("open:") && alarm.stage.as_deref() == Some("open");
        if open { vec!["guard"] } else { Vec::new() }
    }

    fn command(&self, world: &World, alarm: &Alarm, command: &Command) -> Option<Result<Vec<Fact>, Reason>> {
        let Op::Guard { .. } = &command.op else { return None };
        if !alarm.key.starts_with("open:") {
            return None;
        }
        let by = command.officer.clone();
        let mut facts = Vec::new();
        if alarm.accepted.is_none() {
            facts.push(Fact::Accepted { alarm: alarm.id.clone(), by: by.clone(), eta_s: None });
        }
        if alarm.response != Response::Arrived {
            facts.push(Fact::Arrived { alarm: alarm.id.clone(), by });
        }
        facts.push(staged(alarm, "guarded", "现场已看守", "guarded on the spot"));
        let at = world.at + Span::secs(self.settings.remind_guarded_s);
        facts.push(Fact::Armed { alarm: alarm.id.clone(), timer: REMIND, at });
        Some(Ok(facts))
    }

    /// An open cover ends when it is closed *and* a person says so; nobody's word closes a cover that still
    /// stands open, unless they say that there was nothing.
    fn word_is_enough(&self, _world: &World, alarm: &Alarm, outcome: Outcome) -> bool {
        let tells_angle = self.covers.get(&alarm.place).is_some_and(|cover| cover.tilt_deg.is_some());
        was_nothing(outcome) || !alarm.key.starts_with("open:") || !alarm.is_active() || !tells_angle
    }

    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(&self.covers)
    }

    fn restore(&mut self, kept: &[u8]) -> Result<(), SnapshotError> {
        self.covers = snapshot::read(kept)?;
        Ok(())
    }
}

fn was_nothing(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::FalseAlarm | Outcome::Test | Outcome::Duplicate | Outcome::Unfounded)
}

fn staged(alarm: &Alarm, stage: &str, zh: &str, en: &str) -> Fact {
    Fact::Staged { alarm: alarm.id.clone(), stage: stage.to_owned(), reason: Reason::new(stage, zh, en) }
}

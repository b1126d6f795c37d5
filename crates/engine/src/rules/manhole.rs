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

mod flood;
mod permits;

use super::{Cause, KindWords, Proposal, Raise, Rule, RuleSettings, RuleTimers, text};
use crate::alarm::Alarm;
use crate::senses::{Freshness, Senses, Sighting, Subject};
use crate::setup::Setup;
use crate::snapshot::{self, SnapshotError};
use crate::table::Table;
use crate::world::World;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;
use wanglou_model::{
    AlarmKind, Command, Device, DeviceId, Fact, Mark, Op, Outcome, Priority, Purpose, Reading, Reason,
    Reopening, Response, Span, Timestamp,
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

/// Thresholds of the rule. Defaults: the project's alarm rules, §4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManholeSettings {
    /// From this angle on a cover counts as open, degrees from closed rest.
    pub open_deg: f64,
    /// From this angle on it is life-threatening at any hour, degrees.
    pub wide_open_deg: f64,
    /// Below this angle it counts as closed, degrees.
    pub closed_deg: f64,
    /// So long the angle must stand uncontradicted, seconds.
    pub settle_s: i64,
    /// So long it must rest closed, seconds.
    pub rest_s: i64,
    /// Water this far below the rim, or less, is P3, millimetres.
    pub water_mm_below_rim: f64,
    /// Methane, percent of the lower explosive limit: P2 from the first, P1 from the second.
    pub ch4_lel_pct: [f64; 2],
    /// Hydrogen sulphide, parts per million: P2 from the first, P1 from the second.
    pub h2s_ppm: [f64; 2],
    /// A reminder this often until the cover is guarded, seconds.
    pub remind_s: i64,
    /// And this often afterwards, seconds.
    pub remind_guarded_s: i64,
    /// A follow-up that a moved cover promised may be this late, seconds.
    pub follow_up_grace_s: i64,
    /// A permit mutes the angle for so long after its end, seconds.
    pub permit_grace_s: i64,
    /// Water alarms of one zone within this time share one notification, seconds.
    pub flood_s: i64,
    /// From so many covers on it is named a flood.
    pub flood_covers: usize,
}

impl Default for ManholeSettings {
    fn default() -> Self {
        Self {
            open_deg: 15.0,
            wide_open_deg: 60.0,
            closed_deg: 5.0,
            settle_s: 30,
            rest_s: 600,
            water_mm_below_rim: 300.0,
            ch4_lel_pct: [10.0, 25.0],
            h2s_ppm: [10.0, 50.0],
            remind_s: 600,
            remind_guarded_s: 7200,
            follow_up_grace_s: 600,
            permit_grace_s: 900,
            flood_s: 600,
            flood_covers: 5,
        }
    }
}

/// What is known of one cover.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Cover {
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<DeviceId>,
    /// The latest angle.
    #[serde(skip_serializing_if = "Option::is_none")]
    tilt_deg: Option<f64>,
    /// The device's own verdict.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<bool>,
    /// Since when it says that it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    open_since: Option<Timestamp>,
    /// Since when the angle is that of an open cover.
    #[serde(skip_serializing_if = "Option::is_none")]
    tilted_since: Option<Timestamp>,
    /// Since when the cover rests closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    rested_since: Option<Timestamp>,
    /// The angle has stood long enough.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    settled: bool,
    /// The latest reading was found at start, or late.
    #[serde(skip_serializing_if = "Option::is_none")]
    mark: Option<Mark>,
    /// It moved, and the message that should follow has not come: since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    moved_at: Option<Timestamp>,
    /// Its silence has a deadline, set by an earlier message: when it is due, it looks at `heard`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    watched: bool,
    /// That it is lost, or silent, was told, and it has said nothing since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    lost_told: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    silent_told: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    heard: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    water_mm_below_rim: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    water_alarm: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lel_pct: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    h2s_ppm: Option<f64>,
}

impl Cover {
    /// Since when the cover counts as open, if it does.
    fn since(&self) -> Option<Timestamp> {
        let tilted = self.tilted_since.filter(|_| self.settled);
        [self.open_since, tilted].into_iter().flatten().min()
    }

    fn is_open(&self) -> bool {
        self.since().is_some()
    }
}

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

/// A sign of life of the cover's sensor: its silence is counted from here.
fn hear(
    cover: &mut Cover,
    settings: &ManholeSettings,
    senses: &Senses,
    sighting: &Sighting,
    subject: &Subject,
    timers: &mut RuleTimers,
) {
    cover.heard = Some(senses.at);
    (cover.lost_told, cover.silent_told) = (false, false);
    let was_moved = cover.moved_at.take().is_some();
    let moved = matches!(sighting.said.reading, Reading::Cover { moved: Some(true), .. });
    let tilted = matches!(sighting.said.reading, Reading::Cover { tilt_deg: Some(deg), .. } if deg >= settings.open_deg);
    if moved || tilted {
        cover.moved_at = Some(senses.at);
    }
    if was_moved || cover.moved_at.is_some() {
        arm_lost(cover, settings, sighting.device, senses, subject, timers);
    }
    if !cover.watched {
        watch(cover, sighting.device, senses, subject, timers);
    }
}

/// Soon after a movement silence means that the cover may be gone.
fn arm_lost(
    cover: &Cover,
    settings: &ManholeSettings,
    device: &Device,
    senses: &Senses,
    subject: &Subject,
    timers: &mut RuleTimers,
) {
    let grace = Span::secs(settings.follow_up_grace_s);
    let promised = device.follow_up.map(|span| span + grace);
    let heartbeat = device.interval.map(|interval| Span(interval.0 + interval.0 / 2));
    timers.disarm(subject, LOST);
    let limit = cover.moved_at.and(promised.or(heartbeat)).filter(|_| !cover.lost_told);
    if let (Some(limit), Some(heard)) = (limit, cover.heard) {
        timers.arm(subject, LOST, senses.after(cover.device.as_slice(), heard, limit).max(senses.at));
    }
}

/// From when on silence means that the sensor is dead: three of its intervals.
fn silent_from(cover: &Cover, device: &Device, senses: &Senses) -> Option<Timestamp> {
    Some(senses.after(cover.device.as_slice(), cover.heard?, Span(device.interval?.0 * 3)))
}

/// Sets the deadline of its silence. Later messages leave it where it is.
fn watch(cover: &mut Cover, device: &Device, senses: &Senses, subject: &Subject, timers: &mut RuleTimers) {
    if let Some(until) = silent_from(cover, device, senses).filter(|_| !cover.silent_told) {
        timers.arm(subject, SILENT, until.max(senses.at));
        cover.watched = true;
    }
}

/// The deadline is due: was it heard since that was set?
fn is_silent(
    cover: &mut Cover,
    setup: &Setup,
    senses: &Senses,
    subject: &Subject,
    timers: &mut RuleTimers,
) -> bool {
    cover.watched = false;
    let Some(device) = cover.device.as_ref().and_then(|id| setup.site.devices.get(id)) else { return false };
    match silent_from(cover, device, senses) {
        None => false,
        Some(until) if until > senses.at => {
            watch(cover, device, senses, subject, timers);
            false
        }
        Some(_) => {
            cover.silent_told = senses.may_judge_absence();
            cover.silent_told
        }
    }
}

/// Takes a reading in. Returns whether the rule should decide.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn see(
    cover: &mut Cover,
    settings: &ManholeSettings,
    senses: &Senses,
    sighting: &Sighting,
    subject: &Subject,
    timers: &mut RuleTimers,
) -> bool {
    match &sighting.said.reading {
        Reading::Cover { tilt_deg, open, .. } => {
            cover.mark = mark_of(sighting.freshness);
            if open.is_some() {
                cover.open_since =
                    if *open == Some(true) { cover.open_since.or(Some(sighting.occurred)) } else { None };
                cover.open = *open;
            }
            if let Some(deg) = tilt_deg {
                see_angle(cover, settings, senses, sighting, *deg, subject, timers);
            } else if *open == Some(false) {
                cover.rested_since = Some(senses.at - Span::secs(settings.rest_s));
            } else if *open == Some(true) {
                cover.rested_since = None;
            }
            true
        }
        Reading::WaterLevel { mm_below_rim, alarm, .. } => {
            cover.mark = mark_of(sighting.freshness);
            cover.water_mm_below_rim = mm_below_rim.or(cover.water_mm_below_rim);
            cover.water_alarm = alarm.or(cover.water_alarm);
            true
        }
        Reading::Gas { lel_pct, ch4_ppm, .. } => {
            cover.mark = mark_of(sighting.freshness);
            // 10 % of the lower explosive limit of methane is 5,000 ppm.
            cover.lel_pct = lel_pct.or(ch4_ppm.map(|ppm| ppm / 500.0)).or(cover.lel_pct);
            true
        }
        Reading::H2s { ppm } => {
            cover.mark = mark_of(sighting.freshness);
            cover.h2s_ppm = Some(*ppm);
            true
        }
        _ => false,
    }
}

fn mark_of(freshness: Freshness) -> Option<Mark> {
    match freshness {
        Freshness::Late => Some(Mark::Late),
        Freshness::Retained => Some(Mark::FoundAtStart),
        Freshness::Fresh | Freshness::Replayed | Freshness::Test => None,
    }
}

fn see_angle(
    cover: &mut Cover,
    settings: &ManholeSettings,
    senses: &Senses,
    sighting: &Sighting,
    deg: f64,
    subject: &Subject,
    timers: &mut RuleTimers,
) {
    cover.tilt_deg = Some(deg);
    if deg >= settings.open_deg {
        let since = *cover.tilted_since.get_or_insert(senses.at);
        if cover.rested_since.take().is_some() {
            timers.disarm(subject, RESTED);
        }
        if sighting.device.debounced {
            cover.settled = true;
        } else if !cover.settled {
            timers.arm(subject, SETTLED, since + Span::secs(settings.settle_s));
        }
        return;
    }
    cover.settled = false;
    if cover.tilted_since.take().is_some() {
        timers.disarm(subject, SETTLED);
    }
    if deg < settings.closed_deg {
        if cover.open == Some(true)
            && !matches!(sighting.said.reading, Reading::Cover { open: Some(true), .. })
        {
            (cover.open, cover.open_since) = (None, None);
        }
        if cover.rested_since.is_none() {
            cover.rested_since = Some(senses.at);
            timers.arm(subject, RESTED, senses.at + Span::secs(settings.rest_s));
        }
    } else if cover.rested_since.take().is_some() {
        timers.disarm(subject, RESTED);
    }
}

impl Manhole {
    fn kind(&self) -> &'static AlarmKind {
        static KIND: LazyLock<AlarmKind> =
            LazyLock::new(|| AlarmKind::parse("manhole").expect("a rule's name is an id"));
        &KIND
    }

    fn opening(
        &self,
        world: &World,
        subject: &Subject,
        cover: &Cover,
        said: Option<&Sighting>,
    ) -> Vec<Proposal> {
        let key = format!("open:{subject}");
        let alarm = world.book.open(self.kind(), &key);
        if cover.is_open() {
            return self.open(world, subject, cover, said, alarm, key);
        }
        let rested =
            cover.rested_since.is_some_and(|since| world.at - since >= Span::secs(self.settings.rest_s));
        match alarm.filter(|alarm| rested && alarm.is_active()) {
            Some(alarm) => self.closed_again(alarm),
            None => Vec::new(),
        }
    }

    fn open(
        &self,
        world: &World,
        subject: &Subject,
        cover: &Cover,
        said: Option<&Sighting>,
        alarm: Option<&Alarm>,
        key: String,
    ) -> Vec<Proposal> {
        let (priority, reason) = self.opening_priority(world, subject, cover);
        if let Some(alarm) = alarm.filter(|alarm| alarm.is_active()) {
            let repeat =
                said.is_some_and(|said| said.is_news() && matches!(said.said.reading, Reading::Cover { .. }));
            if !repeat && priority >= alarm.priority {
                return Vec::new();
            }
        }
        let first_at = cover.since().unwrap_or(world.at);
        if self.is_muted(world, cover) {
            let new = said.is_none_or(|_| first_at == world.at);
            return new.then(|| permits::suppressed(self.kind(), subject)).into_iter().collect();
        }
        if self.was_dismissed(world, &key, first_at) {
            return Vec::new();
        }
        let mut raise = Raise::new(key, subject, priority, first_at, reason);
        if let Some(said) = said {
            raise = raise.seen_by(said);
        }
        raise.device = cover.device.clone();
        raise.stage = Some("open".into());
        raise.mark = cover.mark;
        vec![Proposal::Raise(Box::new(raise))]
    }

    /// A person found nothing, and the sensor has said the same ever since: it is stuck, and asking again with each
    /// of its reports would teach people to look away.
    fn was_dismissed(&self, world: &World, key: &str, since: Timestamp) -> bool {
        let latest = world.book.keys.get(self.kind()).and_then(|keys| keys.get(key));
        let ended = latest.and_then(|id| world.book.alarms.get(id));
        ended.is_some_and(|alarm| {
            let dismissed = alarm.outcome.is_some_and(was_nothing);
            dismissed && alarm.closed_at.is_some_and(|closed| since <= closed)
        })
    }

    fn opening_priority(&self, world: &World, subject: &Subject, cover: &Cover) -> (Priority, Reason) {
        let deg = cover.tilt_deg.unwrap_or(0.0);
        if deg >= self.settings.wide_open_deg {
            let reason = Reason::new(
                "cover_wide_open",
                format!("井盖倾斜 {deg:.0}°，完全打开"),
                format!("cover wide open, {deg:.0}°"),
            );
            return (Priority::P1, reason);
        }
        let footpath = world.setup.site.places.get(subject).is_some_and(|place| place.footpath);
        if footpath && world.is_dark(world.at) {
            let reason = Reason::new(
                "cover_open_footpath_dark",
                "人行道上井盖打开，天黑",
                "cover open on a footpath in the dark",
            );
            return (Priority::P1, reason);
        }
        let reason = match cover.tilt_deg.filter(|deg| *deg >= self.settings.open_deg) {
            Some(deg) => {
                Reason::new("cover_tilted", format!("井盖倾斜 {deg:.0}°"), format!("cover tilted {deg:.0}°"))
            }
            None => Reason::new("cover_open", "井盖打开", "cover open"),
        };
        (Priority::P2, reason)
    }

    fn closed_again(&self, alarm: &Alarm) -> Vec<Proposal> {
        let reason = Reason::new("cover_closed", "井盖已复位", "the cover rests closed again");
        let mut facts = vec![Fact::Cleared { alarm: alarm.id.clone(), reason }];
        if alarm.response == Response::Resolved {
            let outcome = alarm.outcome.unwrap_or(Outcome::Real);
            facts.push(crate::command::closed(
                alarm,
                outcome,
                "resolved_and_cleared",
                "已处置且井盖已复位",
                "resolved, and the cover is closed",
            ));
        }
        facts.into_iter().map(Proposal::Fact).collect()
    }

    fn water(&self, world: &World, subject: &Subject, cover: &Cover, said: &Sighting) -> Vec<Proposal> {
        if !matches!(said.said.reading, Reading::WaterLevel { .. }) {
            return Vec::new();
        }
        let below = cover.water_mm_below_rim;
        let (priority, reason) = if cover.water_alarm == Some(true) || below.is_some_and(|mm| mm <= 0.0) {
            (Priority::P2, Reason::new("water_at_rim", "水位到达井口", "water at the rim"))
        } else if let Some(mm) = below.filter(|mm| *mm <= self.settings.water_mm_below_rim) {
            (
                Priority::P3,
                Reason::new(
                    "water_high",
                    format!("水位距井口 {mm:.0} 毫米"),
                    format!("water {mm:.0} mm below the rim"),
                ),
            )
        } else {
            return self.ended(
                world,
                format!("water:{subject}"),
                "water_low",
                "水位已回落",
                "the water has gone down",
            );
        };
        let raise = self.reading(format!("water:{subject}"), subject, priority, reason, cover, said);
        self.in_flood(world, subject, raise)
    }

    fn gas(&self, world: &World, subject: &Subject, cover: &Cover, said: &Sighting) -> Vec<Proposal> {
        if !matches!(said.said.reading, Reading::Gas { .. } | Reading::H2s { .. }) {
            return Vec::new();
        }
        let level = |value: Option<f64>, [p2, p1]: [f64; 2]| match value {
            Some(value) if value >= p1 => Some(Priority::P1),
            Some(value) if value >= p2 => Some(Priority::P2),
            Some(_) | None => None,
        };
        let worst =
            [level(cover.lel_pct, self.settings.ch4_lel_pct), level(cover.h2s_ppm, self.settings.h2s_ppm)];
        let crew = self.crew_below(world, cover);
        let raised = |priority| if crew.is_empty() { priority } else { Priority::P1 };
        let Some(priority) = worst.into_iter().flatten().min().map(raised) else {
            return self.ended(
                world,
                format!("gas:{subject}"),
                "gas_low",
                "气体浓度已回落",
                "the gas has gone down",
            );
        };
        let (lel, ppm) = (cover.lel_pct.unwrap_or(0.0), cover.h2s_ppm.unwrap_or(0.0));
        let zh = format!("井下气体：甲烷 {lel:.0} %LEL，硫化氢 {ppm:.0} ppm，切勿下井");
        let en = format!("gas below: methane {lel:.0} %LEL, hydrogen sulphide {ppm:.0} ppm; do not climb in");
        let reason = Reason::new("gas_below", zh, en);
        let mut raise = self.reading(format!("gas:{subject}"), subject, priority, reason, cover, said);
        raise.ladder = (!crew.is_empty()).then(|| permits::ladder(crew));
        vec![Proposal::Raise(Box::new(raise))]
    }

    fn reading(
        &self,
        key: String,
        subject: &Subject,
        priority: Priority,
        reason: Reason,
        cover: &Cover,
        said: &Sighting,
    ) -> Raise {
        let mut raise = Raise::new(key, subject, priority, said.occurred, reason).seen_by(said);
        raise.mark = cover.mark;
        raise
    }

    fn ended(&self, world: &World, key: String, code: &str, zh: &str, en: &str) -> Vec<Proposal> {
        let open = world.book.open(self.kind(), &key).filter(|alarm| alarm.is_active());
        let cleared =
            |alarm: &Alarm| Fact::Cleared { alarm: alarm.id.clone(), reason: Reason::new(code, zh, en) };
        open.map(cleared).into_iter().map(Proposal::Fact).collect()
    }

    fn lost(&self, world: &World, subject: &Subject, cover: &Cover) -> Vec<Proposal> {
        let Some(moved_at) = cover.moved_at else { return Vec::new() };
        if cover.is_open() && world.book.open(self.kind(), &format!("open:{subject}")).is_some() {
            return Vec::new();
        }
        let reason = Reason::new(
            "lost_after_movement",
            "井盖移动后失联，需现场查看",
            "moved, then lost: somebody must look",
        );
        let mut raise = Raise::new(format!("lost:{subject}"), subject, Priority::P2, moved_at, reason);
        raise.device = cover.device.clone();
        vec![Proposal::Raise(Box::new(raise))]
    }

    fn silent(&self, _world: &World, subject: &Subject, cover: &Cover) -> Vec<Proposal> {
        let Some(heard) = cover.heard else { return Vec::new() };
        let reason = Reason::new("sensor_silent", "井盖传感器失联", "the cover's sensor is silent");
        let mut raise = Raise::new(format!("silent:{subject}"), subject, Priority::P4, heard, reason);
        raise.device = cover.device.clone();
        vec![Proposal::Raise(Box::new(raise))]
    }
}

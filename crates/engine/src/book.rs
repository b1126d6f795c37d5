//! The alarm book: alarms, outboxes, answers and effects. It changes only here, by applying facts; what decided
//! on them is elsewhere. Applying the same facts always gives the same book.

use crate::alarm::{Alarm, Entry, Follower};
use crate::flood::Calls;
use crate::lift_command::CommandRow;
use crate::reports::NoteRow;
use crate::timers::{Timer, Timers};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wanglou_model::{
    AlarmId, AlarmKind, Answer, Aside, Canary, Channel, CommandId, DeviceId, Ended, Entered, Fact, OfficerId,
    OutboxRow, PlaceId, Reason, Recipient, Span, Timestamp,
};

/// How many answered commands are remembered; the oldest is forgotten first.
pub(crate) const ANSWERS_MAX: usize = 20_000;
/// How long a closed alarm stays in memory, for phones that resume.
pub(crate) const CLOSED_STAYS: Span = Span::hours(24);
/// Somebody on scene is asked again after this time whether it is over.
pub(crate) const STILL_OPEN_AFTER: Span = Span::hours(2);

/// What waits for one officer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Outbox {
    /// The latest row's number; rows are numbered from 1 without gaps.
    pub head: u64,
    /// The latest row of each alarm.
    pub rows: BTreeMap<u64, AlarmId>,
    /// The same by alarm.
    pub of: BTreeMap<AlarmId, u64>,
    /// Those of the rows that say that the alarm is gone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub gone: BTreeSet<u64>,
    /// The highest row that was dropped together with its alarm. Who stands before it cannot be told what they
    /// missed row by row.
    #[serde(default)]
    pub pruned: u64,
}

impl Outbox {
    /// Puts the alarm's latest row in the place of the one before it.
    fn put(&mut self, seq: u64, id: &AlarmId) {
        self.head = seq;
        if let Some(before) = self.of.insert(id.clone(), seq) {
            self.rows.remove(&before);
            self.gone.remove(&before);
        }
        self.rows.insert(seq, id.clone());
    }

    fn prune(&mut self, id: &AlarmId) {
        let Some(seq) = self.of.remove(id) else { return };
        self.rows.remove(&seq);
        self.gone.remove(&seq);
        self.pruned = self.pruned.max(seq);
    }
}

/// Where an effect stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectState {
    /// To be sent.
    Pending,
    /// Being sent, or begun before a crash.
    Started,
}

/// Something that is to leave by a channel other than the socket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EffectRow {
    /// Because of which alarm.
    pub alarm: AlarmId,
    /// To whom.
    pub to: Recipient,
    /// By which channel.
    pub channel: Channel,
    /// Not sent after this.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: EffectState,
}

/// The book.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Book {
    /// Open alarms, and those that closed lately.
    pub alarms: BTreeMap<AlarmId, Alarm>,
    /// The latest alarm of each kind and key.
    pub keys: BTreeMap<AlarmKind, BTreeMap<String, AlarmId>>,
    /// What waits for whom.
    pub outboxes: BTreeMap<OfficerId, Outbox>,
    /// Answers to commands.
    pub answers: BTreeMap<CommandId, (OfficerId, Answer)>,
    /// In which order they were given.
    pub answer_order: VecDeque<CommandId>,
    /// What is to leave by other channels, or is on its way.
    pub effects: BTreeMap<String, EffectRow>,
    /// Commands to lifts: under way, or ended lately, so that none is given twice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub commands: BTreeMap<String, CommandRow>,
    /// Notes from outside that were taken, by source and id.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub notes: BTreeMap<String, NoteRow>,
    /// In which order they came.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    pub note_order: VecDeque<String>,
    /// What called each person lately, and who is in a flood of alarms.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub calls: BTreeMap<OfficerId, Calls>,
    /// Devices that are not healthy, and since when.
    pub unhealthy: BTreeMap<DeviceId, Timestamp>,
    /// Alarms with changes that are not in the outboxes yet.
    #[serde(default)]
    pub dirty: BTreeSet<AlarmId>,
    /// The latest canary that went out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
}

impl Book {
    /// The alarm of this kind and key: open, or closed so lately that a repeat still belongs to it.
    pub fn current(&self, kind: &AlarmKind, key: &str, at: Timestamp) -> Option<&Alarm> {
        let alarm = self.alarms.get(self.keys.get(kind)?.get(key)?)?;
        let mergeable = alarm.closed_at.is_none_or(|closed| at - closed <= alarm.merge);
        mergeable.then_some(alarm)
    }

    /// The open alarm of this kind and key.
    pub fn open(&self, kind: &AlarmKind, key: &str) -> Option<&Alarm> {
        let alarm = self.alarms.get(self.keys.get(kind)?.get(key)?)?;
        alarm.is_open().then_some(alarm)
    }

    /// Every open alarm, in the order of their ids.
    pub fn open_alarms(&self) -> impl Iterator<Item = &Alarm> {
        self.alarms.values().filter(|alarm| alarm.is_open())
    }

    /// Open alarms of a kind at a place or inside it.
    pub fn open_at<'a>(&'a self, kind: &'a str, place: &'a PlaceId) -> impl Iterator<Item = &'a Alarm> {
        self.open_alarms().filter(move |alarm| alarm.kind.as_str() == kind && alarm.place.is_within(place))
    }

    /// Applies one fact. A fact about an alarm that is not here (its raise was lost to a damaged record) is left
    /// out: the damage is reported by whoever read the journal.
    pub fn apply(&mut self, at: Timestamp, fact: &Fact, timers: &mut Timers) {
        match fact {
            Fact::Raised(raised) => {
                let alarm = Alarm::raised(at, raised);
                self.keys.entry(alarm.kind.clone()).or_default().insert(alarm.key.clone(), alarm.id.clone());
                self.dirty.insert(alarm.id.clone());
                self.alarms.insert(alarm.id.clone(), alarm);
            }
            Fact::Answered { cid, officer, answer } => self.answered(cid, officer, answer),
            Fact::EffectQueued { effect, alarm, to, channel, expires_at } => {
                let row = EffectRow {
                    alarm: alarm.clone(),
                    to: to.clone(),
                    channel: *channel,
                    expires_at: *expires_at,
                    state: EffectState::Pending,
                };
                self.note_effect(at, &row, "queued", "");
                self.effects.insert(effect.clone(), row);
            }
            Fact::EffectStarted { effect } => {
                if let Some(row) = self.effects.get_mut(effect) {
                    row.state = EffectState::Started;
                    let row = row.clone();
                    self.note_effect(at, &row, "started", "");
                }
            }
            Fact::EffectEnded { effect, ended, detail } => {
                if let Some(row) = self.effects.remove(effect) {
                    let how = match ended {
                        Ended::Done => "done",
                        Ended::Failed => "failed",
                        Ended::Unknown => "unknown",
                    };
                    self.note_effect(at, &row, how, detail);
                    self.bulletin_ended(&row, *ended);
                }
            }
            Fact::Health { device: Some(device), ok, .. } => {
                if *ok {
                    self.unhealthy.remove(device);
                } else {
                    self.unhealthy.entry(device.clone()).or_insert(at);
                }
            }
            Fact::Health { device: None, .. }
            | Fact::Suppressed { .. }
            | Fact::Watched { .. }
            | Fact::Away { .. }
            | Fact::Consent { .. }
            | Fact::Permit(_) => {}
            Fact::Entered(entry) => self.entered(at, entry),
            Fact::Commanded(command) => self.commanded(at, command, timers),
            Fact::CommandNews { command, state, detail } => {
                self.command_news(at, command, *state, detail, timers);
            }
            Fact::Published { alarm, rev, to } => self.published(at, alarm, *rev, to, timers),
            Fact::Withdrawn { alarm, from } => self.withdrawn(alarm, from),
            Fact::Noticed { source, id, digest, alarm } => {
                let row = NoteRow { digest: digest.clone(), alarm: alarm.clone() };
                self.noticed(crate::reports::note_key(source, id), row);
            }
            Fact::Forgotten { alarm } => self.forget(alarm, timers),
            Fact::Canary(canary) => self.canary = Some(*canary),
            Fact::Repeated { .. }
            | Fact::Upgraded { .. }
            | Fact::Reopened { .. }
            | Fact::Staged { .. }
            | Fact::Detailed { .. }
            | Fact::Marked { .. }
            | Fact::Cleared { .. }
            | Fact::Rung { .. }
            | Fact::Reminded { .. }
            | Fact::Accepted { .. }
            | Fact::Undone { .. }
            | Fact::Declined { .. }
            | Fact::Transferred { .. }
            | Fact::Shelved { .. }
            | Fact::Again { .. }
            | Fact::EnRoute { .. }
            | Fact::Arrived { .. }
            | Fact::Noted { .. }
            | Fact::Resolved { .. }
            | Fact::Closed { .. }
            | Fact::Delivered { .. }
            | Fact::Custody { .. }
            | Fact::Erased { .. }
            | Fact::Armed { .. } => self.change(at, fact, timers),
        }
    }

    fn change(&mut self, at: Timestamp, fact: &Fact, timers: &mut Timers) {
        let Some(alarm) = fact.alarm().and_then(|id| self.alarms.get_mut(id)) else { return };
        alarm.change(at, fact, timers);
        if alarm.dirty {
            self.dirty.insert(alarm.id.clone());
        }
        if let Fact::Shelved { alarm, how: Aside::ByDesign, .. } = fact {
            self.part(at, alarm);
        }
        if let Fact::Rung { alarm, told, ring, .. } = fact {
            self.called(at, alarm, told, *ring);
        }
        if let Fact::Accepted { alarm, .. } = fact {
            // Who took it need not be rung any more; the resident is still to be called.
            let needless = |row: &EffectRow| {
                let to_officer = matches!(row.to, Recipient::Officer(_));
                row.alarm == *alarm && row.state == EffectState::Pending && to_officer
            };
            let cancelled: Vec<EffectRow> =
                self.effects.values().filter(|row| needless(row)).cloned().collect();
            self.effects.retain(|_, row| !needless(row));
            for row in cancelled {
                self.note_effect(at, &row, "failed", "not needed any more");
            }
        }
    }

    fn entered(&mut self, at: Timestamp, entry: &Entered) {
        match entry {
            Entered::Flood { officer, on } => self.flooded(at, officer, *on),
            Entered::HandedOver { from, to, alarms } => {
                for id in alarms {
                    if let Some(alarm) = self.alarms.get_mut(id) {
                        alarm.handed_over(at, from, to);
                        self.dirty.insert(id.clone());
                    }
                }
            }
            Entered::Window(_)
            | Entered::WindowEnded { .. }
            | Entered::Duty { .. }
            | Entered::Position { .. }
            | Entered::HandoverOffered { .. } => {}
        }
    }

    fn answered(&mut self, cid: &CommandId, officer: &OfficerId, answer: &Answer) {
        if self.answers.insert(cid.clone(), (officer.clone(), answer.clone())).is_none() {
            self.answer_order.push_back(cid.clone());
        }
        if self.answer_order.len() > ANSWERS_MAX
            && let Some(oldest) = self.answer_order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }

    fn noticed(&mut self, key: String, row: NoteRow) {
        if self.notes.insert(key.clone(), row).is_none() {
            self.note_order.push_back(key);
        }
        if self.note_order.len() > crate::reports::NOTES_MAX
            && let Some(oldest) = self.note_order.pop_front()
        {
            self.notes.remove(&oldest);
        }
    }

    fn published(&mut self, at: Timestamp, id: &AlarmId, rev: u64, to: &[OutboxRow], timers: &mut Timers) {
        for row in to {
            self.outboxes.entry(row.officer.clone()).or_default().put(row.seq, id);
        }
        self.dirty.remove(id);
        timers.disarm(&Timer::Count(id.clone()));
        let Some(alarm) = self.alarms.get_mut(id) else { return };
        for row in to {
            alarm.followers.entry(row.officer.clone()).or_insert_with(|| Follower::watching(at));
        }
        (alarm.rev, alarm.published_at, alarm.dirty) = (rev, at, false);
    }

    fn withdrawn(&mut self, id: &AlarmId, from: &[OutboxRow]) {
        for row in from {
            let outbox = self.outboxes.entry(row.officer.clone()).or_default();
            outbox.put(row.seq, id);
            outbox.gone.insert(row.seq);
            if let Some(alarm) = self.alarms.get_mut(id) {
                alarm.followers.remove(&row.officer);
            }
            let theirs = Recipient::Officer(row.officer.clone());
            self.effects
                .retain(|_, row| row.alarm != *id || row.state == EffectState::Started || row.to != theirs);
        }
    }

    fn forget(&mut self, id: &AlarmId, timers: &mut Timers) {
        let Some(alarm) = self.alarms.remove(id) else { return };
        if let Some(keys) = self.keys.get_mut(&alarm.kind)
            && keys.get(&alarm.key) == Some(id)
        {
            keys.remove(&alarm.key);
        }
        for outbox in self.outboxes.values_mut() {
            outbox.prune(id);
        }
        self.dirty.remove(id);
        timers.disarm(&Timer::Forget(id.clone()));
    }

    fn note_effect(&mut self, at: Timestamp, row: &EffectRow, how: &str, detail: &str) {
        let Some(alarm) = self.alarms.get_mut(&row.alarm) else { return };
        let text = if detail.is_empty() { how.to_owned() } else { format!("{how}: {detail}") };
        let entry =
            Entry::new(at, "channel").over(row.channel.name()).because(Reason::new(how, text.clone(), text));
        alarm.write(match &row.to {
            Recipient::Officer(officer) => entry.to(officer),
            Recipient::Resident(_) | Recipient::Group(_) => entry,
        });
        self.dirty.insert(row.alarm.clone());
    }
}

//! What the engine concluded. Journaled facts are what happened: recovery applies them as written and decides
//! nothing. In the journal each is one JSON object; fields are added, never renamed.

use crate::{
    AlarmId, AlarmKind, Aside, Canary, CommandId, CustodyEvent, Delivered, DeviceId, Ended, Evidence,
    IncidentId, Ladder, NextRung, OfficerId, Outcome, Owner, PhoneId, PlaceId, Presence, Priority, Reason,
    Span, Timestamp, Told,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Something unusual about how an alarm came to be, shown with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// The news is older than ten minutes.
    Late,
    /// The condition was already there when the gateway started.
    FoundAtStart,
    /// The sensor that raised it has failed since.
    Unverified,
}

/// Beginning of an alarm, with everything that is frozen into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raised {
    /// Its id.
    pub alarm: AlarmId,
    /// The rule.
    pub kind: AlarmKind,
    /// What repeats are folded by; unique among open alarms of the kind.
    pub key: String,
    /// Where.
    pub place: PlaceId,
    /// How urgent.
    pub priority: Priority,
    /// Why.
    pub reason: Reason,
    /// The first thing that led to it, by its own time.
    pub first_at: Timestamp,
    /// How many events led to it.
    pub count: u64,
    /// Its first stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Who is told when.
    pub ladder: Ladder,
    /// For how long after its end a repeat still belongs to it, microseconds.
    pub merge: Span,
    /// Something unusual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// A test or a drill.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub test: bool,
    /// Which devices said so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub devices: Vec<DeviceId>,
    /// Pictures and clips.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// What the rule wants to remember and show, such as a range of floors.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub details: BTreeMap<String, serde_json::Value>,
    /// The incident that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    /// The content hash of the configuration that it was raised with.
    pub config: String,
}

/// One row of an officer's outbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Whose.
    pub officer: OfficerId,
    /// Contiguous per officer, from 1.
    pub seq: u64,
    /// Their phone rings; otherwise the alarm is only shown.
    pub ring: bool,
}

/// Why an alarm must be accepted anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reopening {
    /// Active again after it had cleared or ended.
    ActiveAgain,
    /// Its priority rose.
    PriorityRose,
    /// It was unverified and is now confirmed.
    Confirmed,
    /// Another building is concerned.
    AnotherPlace,
    /// A second kind of sensor agrees.
    SecondSensor,
    /// Accepted, but nobody was on scene in time.
    NotOnScene,
    /// A ladder that acceptance does not stop reached its next stage: others are called now.
    NextStage,
    /// Resolved, but the sensor still says so.
    StillActive,
    /// Whoever had it is no longer in the registry.
    HolderLeft,
    /// The time for which it was shelved is over.
    ShelfEnded,
}

/// What a lift's controller may be asked for. Nothing here stops a car: what moves goes on moving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LiftAction {
    /// A voice in the car asks that the bike be taken out.
    Voice,
    /// Keep the open door of a standing car open.
    Hold,
    /// Let go of the door.
    Release,
}

impl LiftAction {
    /// The name in JSON, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            LiftAction::Voice => "voice",
            LiftAction::Hold => "hold",
            LiftAction::Release => "release",
        }
    }
}

/// A command to a lift's controller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftCommand {
    /// Its id, made from what it follows from: the same is never queued twice.
    pub command: String,
    /// The controller.
    pub device: DeviceId,
    /// The lift.
    pub lift: PlaceId,
    /// What it is asked for.
    pub action: LiftAction,
    /// Because of which alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<AlarmId>,
    /// Who asked for it; absent: the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OfficerId>,
    /// Why.
    pub reason: Reason,
    /// Not sent after this.
    pub expires_at: Timestamp,
}

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// To be sent.
    Pending,
    /// Being sent: journaled before it leaves.
    Started,
    /// The broker has it.
    Taken,
    /// The lift did it.
    Confirmed,
    /// It did not leave.
    Failed,
    /// The lift did not say in time that it did it.
    TimedOut,
    /// It may have left before the gateway stopped. It is not sent again.
    Unknown,
}

impl CommandState {
    /// Nothing more can come of it.
    pub fn is_end(self) -> bool {
        matches!(
            self,
            CommandState::Confirmed | CommandState::Failed | CommandState::TimedOut | CommandState::Unknown
        )
    }

    /// The name in JSON, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            CommandState::Pending => "pending",
            CommandState::Started => "started",
            CommandState::Taken => "taken",
            CommandState::Confirmed => "confirmed",
            CommandState::Failed => "failed",
            CommandState::TimedOut => "timed_out",
            CommandState::Unknown => "unknown",
        }
    }
}

/// Leave to work at a device, or in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permit {
    /// One device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// Or a place with all that is inside it, or that names it as its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<PlaceId>,
    /// From this wall time on, microseconds.
    pub from: Timestamp,
    /// Until this wall time, microseconds.
    pub until: Timestamp,
    /// Whom a gas alarm there calls.
    pub crew: Vec<OfficerId>,
    /// Who entered it.
    pub by: OfficerId,
}

/// A time in which nobody is called about something that is not P1, because somebody works there or knows why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Its id: that of the command that entered it.
    pub window: String,
    /// Shelved, or out of service.
    pub how: Aside,
    /// One device; what is given beside it must hold too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceId>,
    /// A place with all that is inside it, or that names it as its zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<PlaceId>,
    /// One kind of alarm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<AlarmKind>,
    /// From this wall time on, microseconds.
    pub from: Timestamp,
    /// Until this wall time, microseconds.
    pub until: Timestamp,
    /// Why, in their words.
    pub reason: String,
    /// Who answers for it.
    pub by: OfficerId,
}

/// What somebody entered, or the program noted, about the compound and its people rather than about one alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entered {
    /// A window began, or will.
    Window(Window),
    /// It was ended before its time.
    WindowEnded {
        /// Which one.
        window: String,
        /// By whom.
        by: OfficerId,
    },
    /// Somebody signed on to duty, or off it, whatever the rota says.
    Duty {
        /// Who.
        officer: OfficerId,
        /// On, or off.
        on: bool,
        /// From then on the rota holds again.
        until: Timestamp,
    },
    /// Somebody is at a place.
    Position {
        /// Who.
        officer: OfficerId,
        /// Where.
        place: PlaceId,
    },
    /// Somebody signed the list of what is open, to hand it over.
    HandoverOffered {
        /// Who hands over.
        from: OfficerId,
        /// To whom.
        to: OfficerId,
        /// The list that was signed.
        alarms: Vec<AlarmId>,
        /// The offer is void from then on.
        until: Timestamp,
    },
    /// The other one signed it too.
    HandedOver {
        /// Who handed over.
        from: OfficerId,
        /// To whom.
        to: OfficerId,
        /// The list that both signed.
        alarms: Vec<AlarmId>,
    },
    /// More alarms call one person than anybody can take in, or no longer so many.
    Flood {
        /// Whom.
        officer: OfficerId,
        /// Begun, or over.
        on: bool,
    },
}

/// What answers a command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// Done.
    Ok {
        /// The alarm that it was about, or that it made.
        alarm: AlarmId,
    },
    /// Done; it was about no alarm.
    Done,
    /// Somebody else has it.
    Taken {
        /// Who.
        by: OfficerId,
    },
    /// It was upgraded after what the person saw.
    Changed,
    /// It is over, or was never there for this person.
    Gone,
    /// This person may not do that.
    Forbidden,
    /// It makes no sense now, with the reason in words.
    Invalid {
        /// For the person.
        reason: Reason,
    },
}

/// A channel other than the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A POST to an address on file.
    Webhook,
    /// A telephone call, by a voice gateway behind a webhook.
    Voice,
    /// A message to the phone's push service, for when the app is closed.
    Push,
    /// A short message, by an SMS gateway behind a webhook.
    Sms,
}

impl Channel {
    /// The name in JSON, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Webhook => "webhook",
            Channel::Voice => "voice",
            Channel::Push => "push",
            Channel::Sms => "sms",
        }
    }
}

/// Whom an effect is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// An officer.
    Officer(OfficerId),
    /// The resident of a home.
    Resident(PlaceId),
    /// A group outside, by the name of the bulletin that is written for it.
    Group(String),
}

/// A conclusion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Fact {
    /// An alarm began.
    Raised(Box<Raised>),
    /// It happened again while the alarm is open.
    Repeated {
        /// Which alarm.
        alarm: AlarmId,
        /// How many events.
        count: u64,
        /// The latest, by its own time.
        last_at: Timestamp,
        /// A device that had not spoken before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
        /// More pictures and clips.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<Evidence>,
    },
    /// Its priority rose.
    Upgraded {
        /// Which alarm.
        alarm: AlarmId,
        /// To what.
        priority: Priority,
        /// The ladder from now on.
        ladder: Ladder,
        /// Why.
        reason: Reason,
    },
    /// It must be accepted anew; its ladder starts again.
    Reopened {
        /// Which alarm.
        alarm: AlarmId,
        /// Why.
        why: Reopening,
        /// The rung that the ladder starts from.
        rung: usize,
    },
    /// It entered a stage of its rule.
    Staged {
        /// Which alarm.
        alarm: AlarmId,
        /// Which stage.
        stage: String,
        /// Why.
        reason: Reason,
    },
    /// What the rule remembers of it.
    Detailed {
        /// Which alarm.
        alarm: AlarmId,
        /// New or changed details; null removes one.
        details: BTreeMap<String, serde_json::Value>,
    },
    /// Something unusual about it.
    Marked {
        /// Which alarm.
        alarm: AlarmId,
        /// What.
        mark: Mark,
        /// Why.
        reason: Reason,
    },
    /// The sensor's axis: it is no longer so.
    Cleared {
        /// Which alarm.
        alarm: AlarmId,
        /// Why.
        reason: Reason,
    },
    /// The ladder reached a rung.
    Rung {
        /// Which alarm.
        alarm: AlarmId,
        /// Which rung.
        rung: usize,
        /// Who is told by it.
        told: Vec<Told>,
        /// Their phones ring.
        ring: bool,
        /// When it moves next; `None` only for a ladder without rungs.
        next: Option<NextRung>,
    },
    /// Somebody who has it is asked again.
    Reminded {
        /// Which alarm.
        alarm: AlarmId,
        /// Whom.
        to: Vec<OfficerId>,
        /// Why.
        reason: Reason,
    },
    /// The officers' outboxes have a new revision of it.
    Published {
        /// Which alarm.
        alarm: AlarmId,
        /// The revision.
        rev: u64,
        /// The rows.
        to: Vec<OutboxRow>,
    },
    /// It is no longer for these officers to see: their outboxes say that it is gone.
    Withdrawn {
        /// Which alarm.
        alarm: AlarmId,
        /// The rows; they never ring.
        from: Vec<OutboxRow>,
    },
    /// Somebody took it.
    Accepted {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        by: OfficerId,
        /// When they will be there, seconds from now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta_s: Option<u32>,
    },
    /// They took it back.
    Undone {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        by: OfficerId,
    },
    /// They cannot.
    Declined {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        by: OfficerId,
        /// In their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// It was handed to somebody else, who has to accept it; until then the ladder runs on.
    Transferred {
        /// Which alarm.
        alarm: AlarmId,
        /// Who handed it on.
        by: OfficerId,
        /// To whom.
        to: OfficerId,
        /// When the ladder moves next.
        next: NextRung,
        /// In their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Nobody is called for some time.
    Shelved {
        /// Which alarm.
        alarm: AlarmId,
        /// Who answers for it.
        by: Owner,
        /// Until then.
        until: Timestamp,
        /// In their words; of the program: which of its reasons.
        reason: String,
        /// In which way it is set aside.
        #[serde(default)]
        how: Aside,
    },
    /// The sensor says so again while nobody is called: nothing but that changes.
    Again {
        /// Which alarm.
        alarm: AlarmId,
    },
    /// On the way.
    EnRoute {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        by: OfficerId,
    },
    /// On scene.
    Arrived {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        by: OfficerId,
    },
    /// A remark.
    Noted {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        by: OfficerId,
        /// In their words.
        text: String,
    },
    /// How it ended, says somebody.
    Resolved {
        /// Which alarm.
        alarm: AlarmId,
        /// Who.
        by: OfficerId,
        /// How.
        outcome: Outcome,
        /// In their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        /// Pictures that show it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        photos: Vec<String>,
    },
    /// Over.
    Closed {
        /// Which alarm.
        alarm: AlarmId,
        /// How it ended.
        outcome: Outcome,
        /// Why now.
        reason: Reason,
    },
    /// A command was answered.
    Answered {
        /// Which one.
        cid: CommandId,
        /// Whose.
        officer: OfficerId,
        /// With what.
        answer: Answer,
    },
    /// A phone has it, or showed it.
    Delivered {
        /// Which alarm.
        alarm: AlarmId,
        /// Whose phone.
        officer: OfficerId,
        /// Which one.
        phone: PhoneId,
        /// Which revision.
        rev: u64,
        /// How far.
        #[serde(rename = "as")]
        delivered: Delivered,
    },
    /// Something is to leave by another channel.
    EffectQueued {
        /// Its id, made from alarm, recipient, channel and step: the far end may use it against doubles.
        effect: String,
        /// Because of which alarm.
        alarm: AlarmId,
        /// To whom.
        to: Recipient,
        /// By which channel.
        channel: Channel,
        /// Not sent after this.
        expires_at: Timestamp,
    },
    /// It is being sent.
    EffectStarted {
        /// Which one.
        effect: String,
    },
    /// What became of it.
    EffectEnded {
        /// Which one.
        effect: String,
        /// How.
        ended: Ended,
        /// In words; no personal data.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// A timer of the alarm's rule.
    Armed {
        /// Which alarm.
        alarm: AlarmId,
        /// Which timer; the rule knows what for.
        timer: u8,
        /// When.
        at: Timestamp,
    },
    /// Something happened that is recorded, not pushed.
    Suppressed {
        /// The rule.
        kind: AlarmKind,
        /// Where.
        place: PlaceId,
        /// Why it is not pushed.
        reason: Reason,
    },
    /// The device's health, or that of the path, changed.
    Health {
        /// Which device; `None`: the path between broker and gateway.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
        /// Healthy or not.
        ok: bool,
        /// Why.
        reason: Reason,
    },
    /// A stage of a rule before there is an alarm, such as the silent watch over a home.
    Watched {
        /// The rule.
        kind: AlarmKind,
        /// Where.
        place: PlaceId,
        /// Which stage.
        stage: String,
        /// Why.
        reason: Reason,
    },
    /// Somebody entered whether the resident of a home is there.
    Away {
        /// The home.
        home: PlaceId,
        /// How it stands.
        status: Presence,
        /// From this wall time on, microseconds.
        from: Timestamp,
        /// Until this wall time, microseconds; absent: nobody knows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// Who said so.
        by: OfficerId,
    },
    /// The consent of a resident was taken back, or given again. What was recorded of the home up to now is to be
    /// erased when it was taken back.
    Consent {
        /// The home.
        home: PlaceId,
        /// Given again, or taken back.
        on: bool,
        /// Who entered it.
        by: OfficerId,
    },
    /// Work was permitted.
    Permit(Permit),
    /// Something was entered about the compound or its people.
    Entered(Box<Entered>),
    /// A lift's controller is asked for something.
    Commanded(Box<LiftCommand>),
    /// News of such a command.
    CommandNews {
        /// Which one.
        command: String,
        /// Where it stands.
        state: CommandState,
        /// In words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// What became of a piece of its evidence: a line of its custody list.
    Custody {
        /// Which alarm.
        alarm: AlarmId,
        /// Which piece, counted from 0.
        number: usize,
        /// What became of it.
        event: CustodyEvent,
        /// The SHA-256 of its bytes, where they were had.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
        /// Who did it; absent: the gateway.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<OfficerId>,
        /// In words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        detail: String,
    },
    /// A note from outside was taken, so that it is taken once.
    Noticed {
        /// Who sent it.
        source: String,
        /// Its sender's id of it.
        id: String,
        /// What tells its content from another.
        digest: String,
        /// The alarm that it made, or belongs to.
        alarm: AlarmId,
    },
    /// Its pictures and what was said of a person are gone from memory and views; their files are erased.
    Erased {
        /// Which alarm.
        alarm: AlarmId,
        /// The SHA-256 of the files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        files: Vec<String>,
    },
    /// An alarm that ended long ago was dropped from memory; its facts stay in the journal.
    Forgotten {
        /// Which alarm.
        alarm: AlarmId,
    },
    /// A canary goes out to its receiver. It is no alarm: nobody sees it, and nothing counts it.
    Canary(Canary),
}

impl Fact {
    /// The alarm that it is about, if it is about one.
    pub fn alarm(&self) -> Option<&AlarmId> {
        match self {
            Fact::Raised(raised) => Some(&raised.alarm),
            Fact::Commanded(command) => command.alarm.as_ref(),
            Fact::Repeated { alarm, .. }
            | Fact::Upgraded { alarm, .. }
            | Fact::Reopened { alarm, .. }
            | Fact::Staged { alarm, .. }
            | Fact::Detailed { alarm, .. }
            | Fact::Marked { alarm, .. }
            | Fact::Cleared { alarm, .. }
            | Fact::Rung { alarm, .. }
            | Fact::Reminded { alarm, .. }
            | Fact::Published { alarm, .. }
            | Fact::Withdrawn { alarm, .. }
            | Fact::Accepted { alarm, .. }
            | Fact::Undone { alarm, .. }
            | Fact::Declined { alarm, .. }
            | Fact::Transferred { alarm, .. }
            | Fact::Shelved { alarm, .. }
            | Fact::Again { alarm }
            | Fact::EnRoute { alarm, .. }
            | Fact::Arrived { alarm, .. }
            | Fact::Noted { alarm, .. }
            | Fact::Resolved { alarm, .. }
            | Fact::Closed { alarm, .. }
            | Fact::Delivered { alarm, .. }
            | Fact::EffectQueued { alarm, .. }
            | Fact::Armed { alarm, .. }
            | Fact::Custody { alarm, .. }
            | Fact::Noticed { alarm, .. }
            | Fact::Erased { alarm, .. }
            | Fact::Forgotten { alarm } => Some(alarm),
            Fact::Answered { .. }
            | Fact::EffectStarted { .. }
            | Fact::EffectEnded { .. }
            | Fact::Suppressed { .. }
            | Fact::Health { .. }
            | Fact::Away { .. }
            | Fact::Consent { .. }
            | Fact::Permit(_)
            | Fact::Entered(_)
            | Fact::CommandNews { .. }
            | Fact::Canary(_)
            | Fact::Watched { .. } => None,
        }
    }
}

//! What reaches the engine from outside, beside what sensors say. Journaled before anything is done about it.

use crate::{
    AlarmId, AlarmKind, Aside, CommandId, DeviceId, EvidenceNews, Note, OfficerId, Outcome, PhoneId, PlaceId,
    Report, Span, Text, Timestamp, rfc3339_micros,
};
use serde::{Deserialize, Serialize};

/// An input other than a sensor's message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub enum Input {
    /// Deadlines at or before the record's time are due.
    Tick,
    /// Somebody did something about an alarm.
    Command(Command),
    /// A phone says how far an alarm came.
    Receipt(Receipt),
    /// A phone came, went, or was put away.
    Phone(PhoneNews),
    /// A phone can be pushed to while its app is closed, or no longer.
    Push(PushNews),
    /// A channel other than the socket says what became of an effect.
    Channel(ChannelNews),
    /// Somebody answered, or did not, when the resident of a home was called.
    Call(CallNews),
    /// Something came from outside, by a signed webhook or a QR card.
    Note(Note),
    /// What became of a picture or clip.
    Evidence(EvidenceNews),
    /// News of the path between broker and gateway.
    Path(PathNews),
    /// A canary came in from the broker: a message of our own that proves the path, never an alarm.
    Canary(Canary),
    /// The canary's receiver has it.
    CanaryReceipt(Canary),
    /// Time that nobody held for us: absence is not judged by it.
    Blind {
        /// Its beginning.
        from: Timestamp,
        /// Its end.
        until: Timestamp,
        /// Only what comes by this lane was lost; absent: everything, as older versions wrote it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lane: Option<LaneName>,
        /// The broker held the session: only what is sent at QoS 0 was lost.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        qos0: bool,
    },
    /// The wall clock moved against the timeline by more than 2 s: wall time is now the record's time plus this.
    ClockStep {
        /// Wall time minus the record's time, microseconds.
        wall_minus_at: Span,
    },
    /// The clock became trustworthy, or stopped being so. While it is not, absence is UNKNOWN.
    Clock {
        /// Can it be trusted?
        trusted: bool,
        /// Why, for the log and the health page.
        why: String,
    },
    /// From here on this configuration holds.
    Config {
        /// The content hash of its files.
        hash: String,
        /// Who changed it.
        who: String,
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        why: String,
    },
    /// The gateway started.
    Start {
        /// Its version.
        version: String,
        /// Tells one start of the machine from another, so that time can be bridged.
        #[serde(default)]
        boot_id: String,
        /// The record's time minus the time since the machine was started, microseconds.
        #[serde(default)]
        at_minus_boot: Span,
    },
}

/// One canary: a message that the gateway sends to itself by the broker, to see that an alarm would come through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Tells the canaries of one run of the gateway from those of another.
    pub run: u32,
    /// Counted from 1 in each run.
    pub n: u64,
}

impl Canary {
    /// Whether it follows this one, or is of another run; otherwise it is a redelivery.
    pub fn is_new_after(self, last: Option<Canary>) -> bool {
        last.is_none_or(|last| last.run != self.run || last.n < self.n)
    }
}

/// What a person does about an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Command {
    /// Made by the phone; answered once, however often it comes.
    pub cid: CommandId,
    /// Who.
    pub officer: OfficerId,
    /// From which phone; absent when it came from the console or the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<PhoneId>,
    /// Which alarm; absent for those that make one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alarm: Option<AlarmId>,
    /// The revision that the person saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rev: Option<u64>,
    /// What.
    #[serde(flatten)]
    pub op: Op,
}

/// What can be done about an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// I take it.
    Accept {
        /// When I shall be there, in seconds from now.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta_s: Option<u32>,
    },
    /// I take my acceptance back.
    Undo,
    /// I cannot: the next rung at once.
    Decline {
        /// In their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// I am on my way.
    EnRoute,
    /// I am there.
    Arrive,
    /// A remark on the timeline.
    Note {
        /// In their words.
        text: String,
    },
    /// The place is secured (cones, a person beside it).
    Guard {
        /// Pictures that show it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        photos: Vec<String>,
    },
    /// It is real, says somebody who reviewed the evidence or is there.
    Confirm,
    /// How it ended.
    Resolve {
        /// Its outcome.
        outcome: Outcome,
        /// In their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
        /// Pictures that show it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        photos: Vec<String>,
    },
    /// There was nothing.
    FalseAlarm {
        /// In their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// An alarm marked TEST, through the real ladder.
    TestAlarm {
        /// Where.
        place: PlaceId,
        /// 1 to 3.
        priority: u8,
        /// Only whoever asks for it is called: a drill of their own phones.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        own: bool,
    },
    /// Somebody else is to take it.
    Transfer {
        /// Who.
        to: OfficerId,
        /// In their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// A group outside, such as the residents' chat, is told by a text that was written beforehand.
    Bulletin {
        /// Which text, by its name in the configuration.
        name: String,
    },
    /// Nobody is to be called for some time, because the reason is known.
    Shelve {
        /// Until this wall time.
        #[serde(with = "rfc3339_micros")]
        until: Timestamp,
        /// Why, in their words.
        reason: String,
    },
    /// The lift's door is not to be held any longer.
    Release {
        /// Why, in their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Somebody looked at the evidence of a silent review.
    Review {
        /// What they found: real, or that there was nothing. Absent: they are looking.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outcome: Option<Outcome>,
        /// In their words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        note: String,
    },
    /// It is being looked into: who it was, what fell.
    Investigate,
    /// Evidence is to be handed to somebody, such as a court.
    Export {
        /// Which piece, counted from 0; absent: all of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        number: Option<usize>,
        /// The SHA-256 of the bytes that would be handed out, as they are now; filled in by the gateway.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sha256: Option<String>,
    },
    /// Somebody tells of a hazard.
    Report(Report),
    /// An officer makes an incident of their own, and everybody is told.
    Create {
        /// What it is, such as `lost_child`.
        #[serde(default)]
        incident: String,
        /// Where.
        place: PlaceId,
        /// In their words; erased with the pictures when it is over.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        text: String,
        /// Pictures: the SHA-256 of what was handed in, or an address.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        photos: Vec<String>,
    },
    /// Whether the resident of a home is there.
    Away {
        /// The home.
        home: PlaceId,
        /// How it stands.
        #[serde(default)]
        status: Presence,
        /// From this wall time on; absent: from now on.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_micros::option")]
        from: Option<Timestamp>,
        /// Until this wall time; absent: nobody knows.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_micros::option")]
        until: Option<Timestamp>,
    },
    /// The resident of a home takes the consent to be watched over back, or gives it again.
    Consent {
        /// The home.
        home: PlaceId,
        /// Given again, or taken back.
        on: bool,
    },
    /// Somebody works at a cover, or in a zone, for some time: a cover that opens there is theirs.
    Permit {
        /// One device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
        /// Or a place with all that is inside it, or that names it as its zone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<PlaceId>,
        /// From this wall time on; absent: from now on.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_micros::option")]
        from: Option<Timestamp>,
        /// Until this wall time.
        #[serde(with = "rfc3339_micros")]
        until: Timestamp,
        /// Whom a gas alarm there calls; nobody named: whoever enters the permit.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        crew: Vec<OfficerId>,
    },
    /// Nobody is to be called about a device, a zone or a kind of alarm for some time. What is given together must hold
    /// together. P1 is called all the same.
    Maintain {
        /// Shelved, or out of service.
        #[serde(default = "out_of_service")]
        how: Aside,
        /// One device.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        device: Option<DeviceId>,
        /// A place with all that is inside it, or that names it as its zone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        zone: Option<PlaceId>,
        /// One kind of alarm.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<AlarmKind>,
        /// From this wall time on; absent: from now on.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "rfc3339_micros::option")]
        from: Option<Timestamp>,
        /// Until this wall time.
        #[serde(with = "rfc3339_micros")]
        until: Timestamp,
        /// Why, in their words.
        reason: String,
    },
    /// Such a time is over before its end.
    EndMaintenance {
        /// The id of the command that began it.
        window: String,
    },
    /// I am on duty from now on, whatever the rota says.
    SignOn,
    /// I am off duty until my next shift.
    SignOff,
    /// I sign the list of what is open: to hand it over to this person, or to take it over, if they signed first.
    Handover {
        /// The other one.
        to: OfficerId,
    },
    /// I am here.
    Position {
        /// Where.
        place: PlaceId,
    },
}

fn out_of_service() -> Aside {
    Aside::OutOfService
}

/// Whether somebody who lives alone is at home, as somebody entered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Back at home.
    Home,
    /// Away.
    #[default]
    Away,
    /// In hospital.
    Hospital,
    /// A visitor is announced: during an absence a moving door is theirs.
    Visitor,
}

impl Op {
    /// The name in JSON, metrics and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Accept { .. } => "accept",
            Op::Undo => "undo",
            Op::Decline { .. } => "decline",
            Op::EnRoute => "en_route",
            Op::Arrive => "arrive",
            Op::Note { .. } => "note",
            Op::Guard { .. } => "guard",
            Op::Confirm => "confirm",
            Op::Resolve { .. } => "resolve",
            Op::FalseAlarm { .. } => "false_alarm",
            Op::TestAlarm { .. } => "test_alarm",
            Op::Transfer { .. } => "transfer",
            Op::Bulletin { .. } => "bulletin",
            Op::Shelve { .. } => "shelve",
            Op::Release { .. } => "release",
            Op::Review { .. } => "review",
            Op::Investigate => "investigate",
            Op::Export { .. } => "export",
            Op::Report(_) => "report",
            Op::Create { .. } => "create",
            Op::Away { .. } => "away",
            Op::Consent { .. } => "consent",
            Op::Permit { .. } => "permit",
            Op::Maintain { .. } => "maintain",
            Op::EndMaintenance { .. } => "end_maintenance",
            Op::SignOn => "sign_on",
            Op::SignOff => "sign_off",
            Op::Handover { .. } => "handover",
            Op::Position { .. } => "position",
        }
    }
}

/// How far an alarm came on a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    /// In the phone's own storage.
    Stored,
    /// Visible to a person, or shown as a notification.
    Presented,
}

/// A receipt from a phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Whose phone.
    pub officer: OfficerId,
    /// Which one.
    pub phone: PhoneId,
    /// Of which alarm.
    pub alarm: AlarmId,
    /// Of which revision.
    pub rev: u64,
    /// How far.
    #[serde(rename = "as")]
    pub delivered: Delivered,
}

/// Where a phone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhoneState {
    /// A fresh socket, the app visible.
    Online,
    /// A fresh socket, the app in the background.
    Hidden,
    /// No socket, or one that stopped reading.
    Offline,
}

/// A phone came, went, or was put away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneNews {
    /// Whose.
    pub officer: OfficerId,
    /// Which one.
    pub phone: PhoneId,
    /// Where it is now.
    pub state: PhoneState,
}

/// A phone subscribed to push messages, or its subscription ended. Where they go to is known to whoever sends them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushNews {
    /// Whose.
    pub officer: OfficerId,
    /// Which one.
    pub phone: PhoneId,
    /// Subscribed, or not any more.
    pub on: bool,
}

/// What became of an effect that left by a channel other than the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The far end took it.
    Done,
    /// The far end refused it, or could not be reached.
    Failed,
    /// It was begun, and nobody knows.
    Unknown,
}

/// News of an effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelNews {
    /// Which effect.
    pub effect: String,
    /// What became of it; `None`: it is being sent.
    pub ended: Option<Ended>,
    /// In words, for the timeline; no personal data.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

/// How a call to a resident went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallNews {
    /// The home.
    pub home: PlaceId,
    /// What was said, or [`crate::CallAnswer::None`].
    pub answer: crate::CallAnswer,
}

/// One of the two connections that bring messages in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LaneName {
    /// Life safety and the kinds of the mission.
    Alarm,
    /// Everything else.
    Bulk,
}

impl LaneName {
    /// The name in journals, metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            LaneName::Alarm => "alarm",
            LaneName::Bulk => "bulk",
        }
    }
}

/// How a message came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// By which lane.
    pub lane: LaneName,
    /// At QoS 0: such a message is lost while nobody is connected.
    pub qos0: bool,
}

/// Which lane's path, and what happened to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathNews {
    /// `alarm` or `bulk`.
    pub lane: String,
    /// What happened.
    pub state: PathState,
}

/// The state of the path between broker and gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathState {
    /// Connected; what the broker held is still coming.
    Draining,
    /// The backlog is behind us.
    Up,
    /// Neither marker nor traffic for ten seconds.
    Quiet,
    /// Not connected.
    Down,
}

/// Why something was decided: shared by log, metric, timeline and test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// A stable word for metrics and tests: `cover_open`.
    pub code: String,
    /// One line for people.
    pub text: Text,
}

impl Reason {
    /// A reason with its words.
    pub fn new(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code: code.to_owned(), text: Text { zh: zh.into(), en: en.into() } }
    }
}

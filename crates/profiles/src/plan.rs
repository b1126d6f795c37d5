//! What a profile file is compiled to: plain data that [`decode`](crate::decode) walks. Nothing here branches.
//!
//! A value is named by an [`At`]: the level where it is found (the body, an element of a `for_each`, a decoded part,
//! the topic's captures) and its slot there.

use crate::chain::Chain;
use crate::json::Trie;
use crate::kinds::Kind;
use crate::limits::{FOR_EACH_MAX, PARTS_MAX};
use crate::time::TimeFormat;
use crate::topic::{Lane, Pattern};
use crate::value::{Case, Literal, Value};
use std::sync::Arc;
use wanglou_model::{Repeats, Span, Timestamp};

/// A compiled profile.
#[derive(Debug, Clone)]
pub(crate) struct ProfilePlan {
    /// The file it came from.
    pub(crate) file: String,
    pub(crate) name: Arc<str>,
    pub(crate) title: String,
    pub(crate) title_zh: String,
    pub(crate) interval: Option<Span>,
    pub(crate) messages: Vec<MessagePlan>,
    pub(crate) examples: Vec<Example>,
}

/// One `[[message]]`: some topics, and what their bodies mean.
#[derive(Debug, Clone)]
pub(crate) struct MessagePlan {
    pub(crate) name: String,
    pub(crate) line: u32,
    pub(crate) topics: Vec<Pattern>,
    pub(crate) lane: Lane,
    pub(crate) decoder: Decoder,
}

/// Who turns the body into observations.
#[derive(Debug, Clone)]
pub(crate) enum Decoder {
    /// The rules of the file.
    Mapping(Box<Mapping>),
    /// [`canonical`](crate::canonical): Wanglou's own format.
    Canonical,
}

/// How to read a body by rules.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    pub(crate) body: Body,
    /// Every pointer from the root of the body.
    pub(crate) trie: Trie,
    /// Values inside values, in the order in which they are decoded; at most [`PARTS_MAX`].
    pub(crate) parts: Vec<Part>,
    /// Captures of the topic that rules read; for each its number in each of the message's topics.
    pub(crate) captures: Vec<Vec<usize>>,
    /// The message is this one's only if it holds.
    pub(crate) when: Option<Condition>,
    /// Values that no raw value and no reason may show.
    pub(crate) redact: Redact,
    /// Retained messages are not taken.
    pub(crate) retained_ignored: bool,
    /// It looks into decoded parts; else these need not be decoded where it does not hold.
    pub(crate) when_reads_parts: bool,
    pub(crate) ignores: Vec<Ignore>,
    /// Rules that share a `for_each`; the first group has none.
    pub(crate) groups: Vec<Group>,
    /// Who, when and which event: each rule names one of these.
    pub(crate) headers: Vec<Header>,
    /// The message's own header, which a part that cannot be decoded is reported with.
    pub(crate) usual: Option<usize>,
    pub(crate) otherwise: Otherwise,
}

/// Values that nobody shall read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Redact {
    pub(crate) at: Vec<At>,
    /// Keys whose values are hidden wherever they stand.
    pub(crate) keys: Vec<String>,
}

/// A value of the body that holds a document of its own.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) from: Source,
    pub(crate) when: Option<Condition>,
    pub(crate) chain: Chain,
    /// What cannot be decoded counts as absent, and nobody is told.
    pub(crate) optional: bool,
    /// Every pointer into it.
    pub(crate) trie: Trie,
}

/// What a payload is.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Json,
    /// The whole payload is one text, at the pointer "".
    Text,
    /// JSON if it begins with a brace or bracket, else text.
    JsonOrText,
    /// What comes out of these stages.
    Chain(Chain),
}

/// The level of the topic's captures, after the body and the elements of `for_each`.
pub(crate) const CAPTURES_LEVEL: usize = 1 + FOR_EACH_MAX;
/// The level of the first decoded part.
pub(crate) const PARTS_LEVEL: usize = CAPTURES_LEVEL + 1;
/// All levels: the body 0, elements of `for_each` 1 and 2, captures, parts.
pub(crate) const LEVELS: usize = PARTS_LEVEL + PARTS_MAX;

/// Where a value is found: slot `slot` of the level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) level: u8,
    pub(crate) slot: u16,
}

impl At {
    /// How many `for_each` are around it.
    pub(crate) fn loops(self) -> usize {
        let level = usize::from(self.level);
        if level <= FOR_EACH_MAX { level } else { 0 }
    }
}

/// Places of a value, the first one that is present counts.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) at: Vec<At>,
    /// The pointers as they stand in the file, for messages.
    pub(crate) pointers: String,
}

impl Source {
    /// The whole body and nothing else.
    pub(crate) fn is_body(&self) -> bool {
        self.pointers == WHOLE_BODY
    }
}

/// How the pointer "" is named in messages.
pub(crate) const WHOLE_BODY: &str = "the body";

/// A message that is understood and not kept.
#[derive(Debug, Clone)]
pub(crate) struct Ignore {
    pub(crate) when: Condition,
    pub(crate) reason: String,
    pub(crate) line: u32,
}

/// Rules for each element of an array, or of an array in each element of an array; or for the body itself.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    /// At most [`FOR_EACH_MAX`].
    pub(crate) each: Vec<Each>,
    pub(crate) rules: Vec<Rule>,
}

/// One `for_each`.
#[derive(Debug, Clone)]
pub(crate) struct Each {
    /// The array, or the object whose entries are meant.
    pub(crate) list: At,
    /// Every pointer into its elements.
    pub(crate) trie: Trie,
    /// The entries of an object: its keys stand in this slot, if anybody reads them.
    pub(crate) entries: Option<Option<u16>>,
}

/// One observation to make.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    /// Counted over all rules of the message, to know which ones the examples reach.
    pub(crate) number: usize,
    pub(crate) name: String,
    pub(crate) line: u32,
    /// Without a condition the rule speaks when any of its fields is present.
    pub(crate) when: Option<Condition>,
    /// Bits of the body's first 64 slots: if none of these is filled, the rule has nothing to say. `None`: ask it.
    pub(crate) needs: Option<u64>,
    pub(crate) kind: Kind,
    pub(crate) fields: Vec<(usize, FieldPlan)>,
    pub(crate) header: usize,
    /// Alone it does not make the message understood.
    pub(crate) beside: bool,
    /// Of the rules with the same number only the first one that has something to say is heard.
    pub(crate) first_of: Option<u8>,
}

/// Where a field gets its value.
#[derive(Debug, Clone)]
pub(crate) enum FieldPlan {
    /// From the profile.
    Const(Value),
    /// From the body.
    Read(Read),
}

/// How a token becomes a value.
#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) source: Source,
    /// What the device writes when it does not know.
    pub(crate) sentinels: Vec<Literal>,
    pub(crate) null: Null,
    /// What is done to the text before it is converted.
    pub(crate) chain: Option<Box<Chain>>,
    pub(crate) convert: Convert,
}

/// What null means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Null {
    /// The device does not know: an `unknown` observation.
    Unknown,
    /// As if the key were not there.
    Absent,
}

/// From a token to a value of the field's type.
#[derive(Debug, Clone)]
pub(crate) enum Convert {
    /// true, on, yes, 1 and their opposites; inverted or not.
    Polarity {
        inverted: bool,
    },
    /// The polarity of each model; a model in neither list is unknown.
    PolarityBy {
        model: Source,
        direct: Vec<Literal>,
        inverted: Vec<Literal>,
        case: Case,
    },
    /// A bit of a whole number, counted from 0; inverted or not.
    Bit {
        bit: u8,
        inverted: bool,
    },
    /// Lists of what means true and what means false.
    Sides {
        yes: Vec<Literal>,
        no: Vec<Literal>,
        case: Case,
    },
    /// A table; what is not in it is unknown.
    Map {
        table: Vec<(Literal, Value)>,
        case: Case,
    },
    /// A table by several inputs, joined with slashes.
    MapOf {
        of: Vec<Source>,
        table: Vec<(Literal, Value)>,
        case: Case,
    },
    /// A number: × scale + offset, then its absolute value if so wished; outside the bounds it is unknown.
    Number {
        scale: f64,
        offset: f64,
        abs: bool,
        min: f64,
        max: f64,
    },
    /// The same, and whole.
    Whole {
        min: i64,
        max: i64,
    },
    Text,
    /// The SHA-256 of a text that nobody shall read, shortened to 32 digits.
    Hashed,
    Time(Vec<TimeFormat>),
    /// By its address.
    Evidence,
    /// By its address, or itself in base64.
    Picture,
}

/// Who says it, when, and in which event.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) device: Vec<Piece>,
    pub(crate) time: Option<TimeRead>,
    pub(crate) event: Option<EventPlan>,
    /// What the beginning and the end of something share.
    pub(crate) pair: Option<EventPlan>,
    pub(crate) sequence: Option<Source>,
    /// Addresses; where `true`, also pictures themselves.
    pub(crate) evidence: Vec<(At, bool)>,
    pub(crate) repeats: Repeats,
    pub(crate) replayed: FlagPlan,
    pub(crate) test: FlagPlan,
}

/// The vendor's id of an event.
#[derive(Debug, Clone)]
pub(crate) enum EventPlan {
    /// As it stands in the body.
    Place(Source),
    /// Put together; without one of its pieces there is no id.
    Pieces(Vec<Piece>),
}

/// A piece of an identity.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Word(String),
    /// A capture of the topic, by its number in each of the message's topics.
    Capture(Vec<usize>),
    Body(Source),
}

/// Where the device's own time stands, and how it may be written.
#[derive(Debug, Clone)]
pub(crate) enum TimeRead {
    /// In one place.
    Written { source: Source, sentinels: Vec<Literal>, formats: Vec<TimeFormat> },
    /// As whole numbers.
    Fields(Box<TimeFields>),
}

/// Year, month, day, hour, minute, second as whole numbers of the body, and the zone where that clock hangs.
#[derive(Debug, Clone)]
pub(crate) struct TimeFields {
    pub(crate) fields: [Source; 6],
    pub(crate) millis: Option<Source>,
    pub(crate) zone: jiff::tz::TimeZone,
}

/// A yes or no about the message.
#[derive(Debug, Clone)]
pub(crate) enum FlagPlan {
    Const(bool),
    Read(Read),
    When(Condition),
}

/// Something that holds or does not.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    Test(Source, Test),
}

/// Places as bits of the body's first 64 slots; `None` when one of them has no bit.
pub(crate) fn slots_of(mut at: impl Iterator<Item = At>) -> Option<u64> {
    let bit = |at: At| (at.level == 0 && at.slot < 64).then(|| 1 << at.slot);
    at.try_fold(0, |bits, at| Some(bits | bit(at)?))
}

impl Condition {
    /// Slots of the body, as bits: if none of these is filled, it does not hold. `None`: it must be asked.
    pub(crate) fn needs(&self) -> Option<u64> {
        match self {
            Condition::All(all) => all.iter().find_map(Condition::needs),
            Condition::Any(any) => any.iter().try_fold(0, |bits, one| Some(bits | one.needs()?)),
            Condition::Not(_) | Condition::Test(_, Test::Exists(false)) => None,
            Condition::Test(source, _) => slots_of(source.at.iter().copied()),
        }
    }

    /// Does it look into decoded parts?
    pub(crate) fn reads_parts(&self) -> bool {
        match self {
            Condition::All(all) | Condition::Any(all) => all.iter().any(Condition::reads_parts),
            Condition::Not(condition) => condition.reads_parts(),
            Condition::Test(source, _) => source.at.iter().any(|at| usize::from(at.level) >= PARTS_LEVEL),
        }
    }
}

/// A question about one value. An absent value answers no to all but `Exists(false)`.
#[derive(Debug, Clone)]
pub(crate) enum Test {
    Exists(bool),
    Null(bool),
    Type(TypeName),
    /// Equal to one of these.
    In(Vec<Literal>, Case),
    Starts(String, Case),
    Ends(String, Case),
    Contains(String, Case),
    /// A regular expression, in linear time.
    Matches(regex::Regex),
    /// A list one of whose elements is equal to one of these.
    Has(Vec<Literal>, Case),
    /// "", [] or {}.
    Empty(bool),
    /// A bit of a whole number is set.
    Bit(u8),
    /// Both bounds; `true` when the bound itself belongs to it.
    Between((f64, bool), (f64, bool)),
}

/// The type of a JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TypeName {
    Object,
    Array,
    Text,
    Number,
    Flag,
    Null,
}

/// What becomes of a message of which no rule said anything.
#[derive(Debug, Clone)]
pub(crate) enum Otherwise {
    Unmatched(String),
    Ignore(String),
    /// At least it is a sign of life.
    Heartbeat {
        header: usize,
    },
    /// A device that is known says something that is not.
    Unknown {
        header: usize,
        source: Source,
    },
}

/// A message with what should come out of it.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub(crate) line: u32,
    pub(crate) key_path: String,
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) at: Timestamp,
    pub(crate) retain: bool,
    pub(crate) expect: Expect,
}

/// What should come out.
#[derive(Debug, Clone)]
pub(crate) enum Expect {
    /// Exactly these, in this order, without their profile.
    Observations(Vec<serde_json::Value>),
    /// Ignored, with a reason that contains this.
    Ignored(String),
    Unmatched(String),
    Rejected(String),
}

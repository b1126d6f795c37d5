//! All profiles of a site together: which one understands a topic, and what it makes of the message.

use crate::blob::Blob;
use crate::canonical;
use crate::chain::Context;
use crate::compile;
use crate::decode::{self, Incoming, Outcome, Trace, Unwatched};
use crate::fault::Fault;
use crate::limits::{BODY_BYTES_MAX, TOPIC_LEVELS_MAX};
use crate::plan::{Decoder, MessagePlan, ProfilePlan};
use crate::samples;
use crate::state::DecodeState;
use crate::topic::{Captures, Lane, Levels, Router, covers, overlap};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use wanglou_model::{Decoded, RawMessage, Span};

/// Every profile of a site, compiled. Immutable: share it in an `Arc`, replace it as a whole.
#[derive(Debug)]
pub struct ProfileSet {
    profiles: Vec<ProfilePlan>,
    subscriptions: Vec<Vec<Subscription>>,
    router: Router<Target>,
}

/// What a message says, and the pictures that stood inside of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoding {
    /// What it says.
    pub decoded: Decoded,
    /// Pictures and clips by their SHA-256; nearly always none, and then nothing was allocated for them.
    pub blobs: Vec<Blob>,
}

/// What a profile is, for lists and for the gateway's subscriptions.
#[derive(Debug, Clone, Copy)]
pub struct Profile<'a> {
    /// Its name, as devices of the registry and observations use it.
    pub name: &'a str,
    /// What it is for, in English.
    pub title: &'a str,
    /// The same in Chinese.
    pub title_zh: &'a str,
    /// How often a device of this family speaks when nothing happens, if the profile promises it; microseconds.
    pub interval: Option<Span>,
    /// What must be subscribed for it; no filter covers another one of the same lane.
    pub subscriptions: &'a [Subscription],
}

/// An MQTT filter and the connection that subscribes to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subscription {
    /// Such as `zigbee2mqtt/#`.
    pub filter: String,
    /// Which connection.
    pub lane: Lane,
}

/// A message of a profile, by their numbers, and which of its topics.
#[derive(Debug, Clone, Copy)]
struct Target {
    profile: usize,
    message: usize,
    topic: usize,
}

impl ProfileSet {
    /// Compiles profile files: names (for faults) to contents.
    ///
    /// A file is refused when it is not TOML, has an unknown key, a wrong value, or lacks an example for one of
    /// its rules; two files when they share a name, or when one lane would get the other's messages.
    /// Whether the examples come out as expected is for [`Self::run_examples`].
    ///
    /// # Errors
    /// Every fault of every file, sorted by file and line.
    pub fn compile(files: &BTreeMap<String, Vec<u8>>) -> Result<ProfileSet, Vec<Fault>> {
        let mut faults = vec![];
        let mut profiles = vec![];
        for (name, bytes) in files {
            match compile::compile(name, bytes) {
                Ok(plan) => profiles.push(plan),
                Err(found) => faults.extend(found),
            }
        }
        profiles.sort_by(|a, b| a.name.cmp(&b.name));
        faults.extend(names_taken_twice(&profiles));
        faults.extend(lanes_that_overlap(&profiles));
        let set = Self::route(profiles);
        faults.extend(samples::uncovered(&set));
        faults.sort();
        faults.dedup();
        if faults.is_empty() { Ok(set) } else { Err(faults) }
    }

    fn route(profiles: Vec<ProfilePlan>) -> Self {
        let mut router = Router::default();
        for (profile, plan) in profiles.iter().enumerate() {
            for (message, plan) in plan.messages.iter().enumerate() {
                for (topic, pattern) in plan.topics.iter().enumerate() {
                    router.add(pattern, Target { profile, message, topic });
                }
            }
        }
        let subscriptions = profiles.iter().map(subscriptions).collect();
        Self { profiles, subscriptions, router }
    }

    /// What a message says, to whichever profile understands it.
    ///
    /// The most specific topic pattern is asked first. One that knows nothing of the message passes it on. Nothing
    /// is remembered, and pictures inside of the message are hashed and dropped: see [`Self::decode_in`].
    pub fn decode(&self, message: &RawMessage<'_>) -> Decoded {
        self.decode_in(message, &mut DecodeState::default()).decoded
    }

    /// The same, with what earlier messages told, for formats that need it; and with the pictures that stood inside
    /// of the message, for the evidence store.
    ///
    /// The same messages in the same order, from the same state, give the same.
    pub fn decode_in(&self, message: &RawMessage<'_>, state: &mut DecodeState) -> Decoding {
        let mut context = Context::of(message, state);
        let decoded = self.decode_watched(None, message, &mut context, &mut Unwatched);
        Decoding { decoded, blobs: context.pictures.blobs }
    }

    /// The same as [`Self::decode`] with one profile alone; `None` asks all.
    pub fn decode_with(&self, profile: Option<&str>, message: &RawMessage<'_>) -> Decoded {
        let Some(name) = profile else { return self.decode(message) };
        match self.number(name) {
            Some(only) => self.decode_alone(only, message, &mut DecodeState::default(), &mut Unwatched),
            None => Decoded::Unmatched(format!("there is no profile {name:?}")),
        }
    }

    /// The number of the profile of that name.
    pub(crate) fn number(&self, name: &str) -> Option<usize> {
        self.profiles.iter().position(|plan| &*plan.name == name)
    }

    /// One profile alone, under somebody's eyes.
    pub(crate) fn decode_alone(
        &self,
        only: usize,
        message: &RawMessage<'_>,
        state: &mut DecodeState,
        trace: &mut impl Trace,
    ) -> Decoded {
        self.decode_watched(Some(only), message, &mut Context::of(message, state), trace)
    }

    /// Decodes the examples of every profile and reports what comes out otherwise than they say; empty when all
    /// is well.
    pub fn run_examples(&self) -> Vec<Fault> {
        samples::run(self)
    }

    /// Every profile, by name.
    pub fn profiles(&self) -> impl Iterator<Item = Profile<'_>> {
        self.profiles.iter().zip(&self.subscriptions).map(|(plan, subscriptions)| Profile {
            name: &plan.name,
            title: &plan.title,
            title_zh: &plan.title_zh,
            interval: plan.interval,
            subscriptions,
        })
    }

    pub(crate) fn plans(&self) -> &[ProfilePlan] {
        &self.profiles
    }

    /// Decodes under somebody's eyes. `only` restricts it to the profile of that number.
    ///
    /// The first profile that observes or ignores has the word. One that knows the topic and not the body has
    /// spoken too: its less specific messages are not asked, or "ignore the rest" would swallow what is
    /// malformed; another profile may still understand it.
    pub(crate) fn decode_watched(
        &self,
        only: Option<usize>,
        raw: &RawMessage<'_>,
        context: &mut Context<'_>,
        trace: &mut impl Trace,
    ) -> Decoded {
        let Some(levels) = Levels::of(raw.topic) else {
            return Decoded::Unmatched(format!("the topic has more than {TOPIC_LEVELS_MAX} levels"));
        };
        let mut trouble = Trouble::default();
        let found = self.router.find(&levels, &mut |target: Target, captures| {
            let asked = only.is_none_or(|only| only == target.profile);
            if !asked || trouble.spoken.contains(&target.profile) {
                return ControlFlow::Continue(());
            }
            trace.message(target.profile, target.message);
            let plan = &self.profiles[target.profile];
            let outcome = match raw.payload {
                b"" | b"\xef\xbb\xbf" => {
                    Outcome::Ignored("an empty payload: the broker forgot a retained message".into())
                }
                payload if payload.len() > BODY_BYTES_MAX => {
                    Outcome::Rejected(format!("{} bytes; a body has at most {BODY_BYTES_MAX}", payload.len()))
                }
                _ => read(
                    &plan.messages[target.message],
                    &incoming(plan, target, captures, raw),
                    context,
                    trace,
                ),
            };
            match outcome {
                Outcome::Observations(all) => return ControlFlow::Break(Decoded::Observations(all)),
                Outcome::Ignored(reason) => return ControlFlow::Break(Decoded::Ignored(reason)),
                Outcome::Passed => trouble.passed = true,
                Outcome::Unmatched(reason) => trouble.unmatched(target.profile, plan, &reason),
                Outcome::Rejected(reason) => trouble.rejected(target.profile, plan, reason),
            }
            ControlFlow::Continue(())
        });
        match found {
            ControlFlow::Break(decoded) => decoded,
            ControlFlow::Continue(()) => trouble.decoded(),
        }
    }
}

/// What those said who know the topic and not the message.
#[derive(Default)]
struct Trouble {
    /// Profiles that have said something.
    spoken: Vec<usize>,
    /// Some message's `when` did not hold.
    passed: bool,
    rejected: Option<Decoded>,
    unmatched: Option<String>,
}

impl Trouble {
    fn unmatched(&mut self, profile: usize, plan: &ProfilePlan, reason: &str) {
        self.spoken.push(profile);
        self.unmatched.get_or_insert_with(|| format!("{}: {reason}", plan.name));
    }

    fn rejected(&mut self, profile: usize, plan: &ProfilePlan, reason: String) {
        self.spoken.push(profile);
        self.rejected.get_or_insert_with(|| Decoded::Rejected { profile: plan.name.to_string(), reason });
    }

    /// The worst that was said: a known topic with a malformed body, an unknown body, an unknown topic.
    fn decoded(self) -> Decoded {
        let nobody = if self.passed {
            "no profile knows such a message on this topic"
        } else {
            "no profile knows this topic"
        };
        self.rejected.unwrap_or_else(|| Decoded::Unmatched(self.unmatched.unwrap_or_else(|| nobody.into())))
    }
}

fn incoming<'a>(
    plan: &'a ProfilePlan,
    target: Target,
    captures: Captures<'a>,
    raw: &RawMessage<'a>,
) -> Incoming<'a> {
    let payload = raw.payload;
    Incoming {
        profile: &plan.name,
        topic_number: target.topic,
        captures,
        payload,
        at: raw.at,
        retain: raw.retain,
    }
}

fn read(
    plan: &MessagePlan,
    incoming: &Incoming<'_>,
    context: &mut Context<'_>,
    trace: &mut impl Trace,
) -> Outcome {
    match &plan.decoder {
        Decoder::Mapping(mapping) => decode::decode(mapping, incoming, context, trace),
        Decoder::Canonical => canonical::decode(incoming),
    }
}

fn subscriptions(plan: &ProfilePlan) -> Vec<Subscription> {
    let each = |message: &MessagePlan| {
        let lane = message.lane;
        message
            .topics
            .iter()
            .map(move |topic| Subscription { filter: topic.filter(), lane })
            .collect::<Vec<_>>()
    };
    let mut all: Vec<_> = plan.messages.iter().flat_map(each).collect();
    all.sort();
    all.dedup();
    let needed = |one: &&Subscription| {
        !all.iter().any(|other| other != *one && other.lane == one.lane && covers(&other.filter, &one.filter))
    };
    all.iter().filter(needed).cloned().collect()
}

fn names_taken_twice(profiles: &[ProfilePlan]) -> Vec<Fault> {
    let twice = profiles.windows(2).filter(|pair| pair[0].name == pair[1].name);
    let fault = |pair: &[ProfilePlan]| Fault {
        file: pair[1].file.clone(),
        line: 0,
        key_path: "name".into(),
        message: format!("the name {:?} is taken by {}", pair[1].name, pair[0].file),
    };
    twice.map(fault).collect()
}

/// A message must not come by both connections: it would be journaled twice and out of order.
fn lanes_that_overlap(profiles: &[ProfilePlan]) -> Vec<Fault> {
    let each = |plan: &ProfilePlan| {
        let of = |message: &MessagePlan| {
            let place = (plan.file.clone(), message.line, message.lane);
            message.topics.iter().map(|topic| (topic.filter(), place.clone())).collect::<Vec<_>>()
        };
        plan.messages.iter().flat_map(of).collect::<Vec<_>>()
    };
    let all: Vec<_> = profiles.iter().flat_map(each).collect();
    let mut faults = vec![];
    for (bulk, (file, line, _)) in all.iter().filter(|(_, place)| place.2 == Lane::Bulk) {
        let other = all.iter().find(|(alarm, place)| place.2 == Lane::Alarm && overlap(bulk, alarm));
        if let Some((alarm, (other_file, other_line, _))) = other {
            faults.push(Fault {
                file: file.clone(),
                line: *line,
                key_path: "lane".into(),
                message: format!(
                    "the bulk filter {bulk} overlaps the alarm filter {alarm} of {other_file}:{other_line}; put both on one lane"
                ),
            });
        }
    }
    faults
}

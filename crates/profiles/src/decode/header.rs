//! Who says it, when, and in which event.

use super::Incoming;
use super::fields::{flag, sequence_of, time_of};
use super::frames::Frames;
use crate::chain::Context;
use crate::json::Token;
use crate::limits::{DEVICE_BYTES_MAX, FOR_EACH_MAX};
use crate::plan::{At, EventPlan, Header, Piece};
use crate::time::DeviceTime;
use crate::value::{evidence_of, shown, text_of};
use std::sync::Arc;
use wanglou_model::{Evidence, Observation, Quality, Reading, Repeats, Timestamp};

/// Who says it and when, as read.
pub(super) struct Said {
    pub(super) device: String,
    pub(super) at_device: Option<Timestamp>,
    pub(super) quality: Quality,
    pub(super) event: Option<String>,
    pub(super) sequence: Option<u64>,
    pub(super) evidence: Vec<Evidence>,
    pub(super) repeats: Repeats,
}

impl Said {
    /// Reads a header. `numbers` are those of the elements around the rule.
    pub(super) fn read(
        plan: &Header,
        message: &Incoming<'_>,
        frames: &Frames<'_, '_>,
        numbers: [usize; FOR_EACH_MAX],
        context: &mut Context<'_>,
    ) -> Result<Self, String> {
        let time = plan.time.as_ref().map_or(DeviceTime::None, |read| time_of(read, frames, message.at));
        let replayed = flag(&plan.replayed, frames, context);
        let test = flag(&plan.test, frames, context);
        let device = match identity(&plan.device, message, frames) {
            Ok(device) => device,
            Err(lacks) => paired_device(plan, message, frames, numbers, context).ok_or(lacks)?,
        };
        check_device(&device)?;
        let mut piece = |(at, inside): &(At, bool)| {
            let token = frames.token(*at);
            if *inside { context.picture(&token) } else { evidence_of(&token) }
        };
        Ok(Said {
            device,
            at_device: time.at(),
            quality: time.quality(message.at, replayed, test),
            event: plan.event.as_ref().and_then(|plan| event(plan, message, frames, numbers)),
            sequence: plan.sequence.as_ref().and_then(|source| sequence_of(&frames.first(source))),
            evidence: plan.evidence.iter().filter_map(&mut piece).collect(),
            repeats: plan.repeats,
        })
    }

    /// The same as another observation of the message.
    pub(super) fn again(observation: &Observation) -> Self {
        Said {
            device: observation.device.clone(),
            at_device: observation.at_device,
            quality: observation.quality,
            event: observation.event.clone(),
            sequence: observation.sequence,
            evidence: observation.evidence.clone(),
            repeats: observation.repeats,
        }
    }

    /// Says this.
    pub(super) fn observation(self, reading: Reading, profile: Arc<str>) -> Observation {
        Observation {
            device: self.device,
            reading,
            at_device: self.at_device,
            quality: self.quality,
            event: self.event,
            sequence: self.sequence,
            evidence: self.evidence,
            repeats: self.repeats,
            profile,
        }
    }

    /// Bytes on the heap that a copy takes.
    pub(super) fn bytes(&self) -> usize {
        let uris = self.evidence.iter().filter_map(|evidence| evidence.uri.as_ref());
        self.device.len()
            + self.event.as_ref().map_or(0, String::len)
            + self.evidence.len() * size_of::<Evidence>()
            + uris.map(String::len).sum::<usize>()
    }
}

fn identity(pieces: &[Piece], message: &Incoming<'_>, frames: &Frames<'_, '_>) -> Result<String, String> {
    let mut identity = String::new();
    for piece in pieces {
        match piece {
            Piece::Word(word) => identity.push_str(word),
            Piece::Capture(numbers) => {
                let number = numbers.get(message.topic_number).copied().unwrap_or(usize::MAX);
                identity.push_str(message.captures.value(number));
            }
            Piece::Body(source) => {
                let token = frames.first(source);
                let part = text_of(&token).filter(|part| !part.is_empty());
                let lacks = || format!("no device: {} is {}", source.pointers, shown(&token));
                identity.push_str(&part.ok_or_else(lacks)?);
            }
        }
    }
    Ok(identity)
}

/// The device that an earlier message of the pair named, where this one does not say.
fn paired_device(
    plan: &Header,
    message: &Incoming<'_>,
    frames: &Frames<'_, '_>,
    numbers: [usize; FOR_EACH_MAX],
    context: &Context<'_>,
) -> Option<String> {
    let pair = pair_of(plan, message, frames, numbers)?;
    context.state.pairs.get(message.profile, &pair).map(|named| named.device.clone())
}

/// What a message shares with the beginning of what it tells of.
pub(super) fn pair_of(
    plan: &Header,
    message: &Incoming<'_>,
    frames: &Frames<'_, '_>,
    numbers: [usize; FOR_EACH_MAX],
) -> Option<String> {
    event(plan.pair.as_ref()?, message, frames, numbers)
}

/// The vendor's id; elements of one event that share it get their number, so that none passes for another.
fn event(
    plan: &EventPlan,
    message: &Incoming<'_>,
    frames: &Frames<'_, '_>,
    numbers: [usize; FOR_EACH_MAX],
) -> Option<String> {
    let (mut event, loops) = match plan {
        EventPlan::Place(source) => {
            let at = source.at.iter().find(|at| !frames.token(**at).is_absent())?;
            (event_text(&frames.token(*at))?, at.loops())
        }
        EventPlan::Pieces(pieces) => {
            let bodies = pieces.iter().filter_map(|piece| match piece {
                Piece::Body(source) => Some(source),
                Piece::Word(_) | Piece::Capture(_) => None,
            });
            let loops = bodies.flat_map(|source| &source.at).map(|at| at.loops()).max();
            (identity(pieces, message, frames).ok()?, loops.unwrap_or(0))
        }
    };
    for number in numbers.iter().skip(loops).filter(|number| **number > 0) {
        event = format!("{event}/{}", number + 1);
    }
    Some(event)
}

fn event_text(token: &Token<'_>) -> Option<String> {
    text_of(token).filter(|event| !event.is_empty())
}

/// An identity must be fit for a registry, a topic and a log line.
pub(crate) fn check_device(device: &str) -> Result<(), String> {
    let unsafe_char =
        |c: &char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if device.is_empty() {
        return Err("the device's identity is empty".into());
    }
    if device.len() > DEVICE_BYTES_MAX {
        let bytes = device.len();
        return Err(format!("the device's identity has {bytes} bytes; {DEVICE_BYTES_MAX} are allowed"));
    }
    // Nearly all are plain ASCII.
    if device.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(());
    }
    match device.chars().find(unsafe_char) {
        Some(found) => Err(format!("the device's identity holds {found:?}")),
        None => Ok(()),
    }
}

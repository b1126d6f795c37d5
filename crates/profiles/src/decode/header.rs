//! Who says it, when, and in which event.

use super::Incoming;
use super::fields::{flag, sequence_of, time_of};
use super::frames::Frames;
use crate::limits::{DEVICE_BYTES_MAX, FOR_EACH_MAX};
use crate::plan::{Header, Piece, Source};
use crate::time::DeviceTime;
use crate::value::{evidence_of, shown, text_of};
use std::sync::Arc;
use wanglou_model::{Evidence, Observation, Quality, Reading, Timestamp};

/// Who says it and when, as read.
pub(super) struct Said {
    pub(super) device: String,
    pub(super) at_device: Option<Timestamp>,
    pub(super) quality: Quality,
    pub(super) event: Option<String>,
    pub(super) sequence: Option<u64>,
    pub(super) evidence: Vec<Evidence>,
}

impl Said {
    /// Reads a header. `numbers` are those of the elements around the rule.
    pub(super) fn read(
        plan: &Header,
        message: &Incoming<'_>,
        frames: &Frames<'_, '_>,
        numbers: [usize; FOR_EACH_MAX],
    ) -> Result<Self, String> {
        let time = plan.time.as_ref().map_or(DeviceTime::None, |read| time_of(read, frames));
        Ok(Said {
            device: device(plan, message, frames)?,
            at_device: time.at(),
            quality: time.quality(message.at, flag(&plan.replayed, frames), flag(&plan.test, frames)),
            event: plan.event.as_ref().and_then(|source| event(source, frames, numbers)),
            sequence: plan.sequence.as_ref().and_then(|source| sequence_of(&frames.first(source))),
            evidence: plan.evidence.iter().filter_map(|at| evidence_of(&frames.token(*at))).collect(),
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

fn device(plan: &Header, message: &Incoming<'_>, frames: &Frames<'_, '_>) -> Result<String, String> {
    let mut device = String::new();
    for piece in &plan.device {
        match piece {
            Piece::Word(word) => device.push_str(word),
            Piece::Capture(numbers) => {
                let number = numbers.get(message.topic_number).copied().unwrap_or(usize::MAX);
                device.push_str(message.captures.value(number));
            }
            Piece::Body(source) => {
                let token = frames.first(source);
                let part = text_of(&token).filter(|part| !part.is_empty());
                let lacks = || format!("no device: {} is {}", source.pointers, shown(&token));
                device.push_str(&part.ok_or_else(lacks)?);
            }
        }
    }
    check_device(&device)?;
    Ok(device)
}

/// The vendor's id; elements of one event that share it get their number, so that none passes for another.
fn event(source: &Source, frames: &Frames<'_, '_>, numbers: [usize; FOR_EACH_MAX]) -> Option<String> {
    let at = source.at.iter().find(|at| !frames.token(**at).is_absent())?;
    let mut event = text_of(&frames.token(*at)).filter(|event| !event.is_empty())?;
    let inner = numbers.iter().skip(usize::from(at.depth));
    for number in inner.filter(|number| **number > 0) {
        event = format!("{event}/{}", number + 1);
    }
    Some(event)
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

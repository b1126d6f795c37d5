//! Doors with access control.

use super::{Script, Stage};
use crate::random::Random;
use wanglou_model::Reading;

pub(super) fn passage(door: usize, inward: bool, stage: &mut Stage<'_>, script: &mut Script) {
    let door = stage.compound.doors[door];
    let random = &mut stage.random;
    script.say(0.0, door.camera, person(true));
    let opened = random.between(1.0, 4.0);
    let word = if inward { granted(random) } else { access("rex", None) };
    script.say(opened, Some(door.reader), word);
    script.say(opened + 0.7, Some(door.reader), contact(true));
    script.say(opened + random.between(5.0, 11.0), Some(door.reader), contact(false));
    script.say(opened + random.between(2.0, 9.0), door.camera, person(false));
}

pub(super) fn denied(door: usize, stage: &mut Stage<'_>, script: &mut Script) {
    let reader = Some(stage.compound.doors[door].reader);
    let reason = if stage.random.chance(0.7) { "unknown card" } else { "card has expired" };
    script.say(0.0, reader, access("denied", Some(reason)));
}

pub(super) fn held(door: usize, stage: &mut Stage<'_>, script: &mut Script) {
    let reader = Some(stage.compound.doors[door].reader);
    let held_s = stage.random.between(35.0, 150.0);
    script.say(0.0, reader, granted(&mut stage.random));
    script.say(0.7, reader, contact(true));
    script.say(30.7, reader, access("held_open", None));
    script.say(held_s, reader, contact(false));
}

pub(super) fn forced(door: usize, stage: &mut Stage<'_>, script: &mut Script) {
    let reader = Some(stage.compound.doors[door].reader);
    script.say(0.0, reader, contact(true));
    script.say(0.2, reader, access("forced", None));
    script.say(stage.random.between(4.0, 12.0), reader, contact(false));
}

fn access(result: &str, reason: Option<&str>) -> Reading {
    Reading::Access {
        result: result.to_owned(),
        credential_hash: None,
        method: None,
        reason: reason.map(str::to_owned),
    }
}

/// One of the 4,000 people who live here, by a hash of the card.
fn granted(random: &mut Random) -> Reading {
    let card = random.below(4_000) as u64;
    Reading::Access {
        result: "granted".to_owned(),
        credential_hash: Some(format!("{:016x}", Random::of(card, &[]).next())),
        method: Some("card".to_owned()),
        reason: None,
    }
}

fn contact(open: bool) -> Reading {
    Reading::Contact { open: Some(open), opens: None }
}

fn person(active: bool) -> Reading {
    Reading::Object { class: "person".to_owned(), active, zone: None, confidence: None, track: None }
}

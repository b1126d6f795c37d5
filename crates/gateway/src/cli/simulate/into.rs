//! Simulated traffic written into a journal, without broker and gateway: a past to try rules and rotas on.

use crate::clock;
use crate::intake::{Body, Inbound, Lane};
use crate::record::Encoder;
use anyhow::{Context, ensure};
use std::path::Path;
use wanglou_journal::{Batch, Options as JournalOptions, Purpose, SegmentLog, Store};
use wanglou_model::{
    Command, CommandId, Input, Note, NoteKind, OfficerId, Op, PathNews, PathState, PhoneId, PhoneNews,
    PhoneState, Site, Span, Timestamp,
};
use wanglou_simulator::{Act, Flood, Options, Traffic, acts, reports};

/// A flood begins so long after the beginning.
const NOON: Span = Span::hours(12);
/// The lane by which everything comes.
const LANE: &str = "alarm";
/// Messages in one batch of the journal.
const BATCH: usize = 4_096;

/// Writes a compound's traffic of some time, and returns how many messages they are. Everybody's phone is online from
/// the beginning; nobody does anything.
///
/// # Errors
/// When the folder has a journal already, or cannot be written.
pub(super) fn write(
    site: &Site,
    seed: u64,
    (from, until): (Timestamp, Timestamp),
    flood: Option<Flood>,
    folder: &Path,
) -> anyhow::Result<u64> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let (mut log, _) = SegmentLog::open(JournalOptions::new(folder))?;
    ensure!(
        log.position().0 <= 1,
        "{} has a journal already: name a folder that is empty, or not there yet",
        folder.display()
    );
    let (mut batch, mut encoder) = (Batch::new(), Encoder::default());
    for input in beginning(site) {
        encoder.input(&mut batch, from, &input)?;
    }
    let flood = flood.map(|flood| (flood, from + NOON));
    let traffic = Traffic::new(site, Options { flood, ..Options::new(seed, from) })?;
    let mut beside = beside(site, seed, (from, until), flood).into_iter().peekable();
    let mut messages = 0;
    for event in traffic.take_while(|event| event.at < until) {
        while let Some((at, input)) = beside.next_if(|(at, _)| *at <= event.at) {
            encoder.input(&mut batch, at, &input)?;
        }
        let message = event.message(event.at);
        let (topic, body) = (message.topic, Body::Whole(message.payload.into()));
        let inbound = Inbound { topic, body, retain: message.retain, dup: false, packet_id: Some(1) };
        encoder.message(&mut batch, event.at, (Lane::Alarm, 1), &inbound, None)?;
        messages += 1;
        if batch.len() >= BATCH {
            log.append(log.claim(), Purpose::Intake, &batch)?;
            batch.clear();
        }
    }
    for (at, input) in beside {
        encoder.input(&mut batch, at, &input)?;
    }
    // The end of the time is part of it: what comes due until then is told.
    encoder.input(&mut batch, until, &Input::Tick)?;
    log.append(log.claim(), Purpose::Intake, &batch)?;
    log.close()?;
    Ok(messages)
}

/// What no sensor says: two reports a day, and what people do in a flood.
fn beside(
    site: &Site,
    seed: u64,
    (from, until): (Timestamp, Timestamp),
    flood: Option<(Flood, Timestamp)>,
) -> Vec<(Timestamp, Input)> {
    let in_flood = flood.map(|(flood, begin)| acts(flood, site, seed, begin)).unwrap_or_default();
    let mut all: Vec<(Timestamp, Input)> = reports(site, seed, from, until)
        .into_iter()
        .chain(in_flood)
        .filter(|(at, _)| (from..until).contains(at))
        .flat_map(|(at, act)| inputs(act).into_iter().map(move |input| (at, input)))
        .collect();
    all.sort_by_key(|(at, _)| *at);
    all
}

fn inputs(act: Act) -> Vec<Input> {
    match act {
        Act::Broker(lost) => {
            let state = if lost { PathState::Down } else { PathState::Up };
            vec![Input::Path(PathNews { lane: LANE.into(), state })]
        }
        Act::Phone(officer, state) => vec![Input::Phone(PhoneNews { officer, phone: phone(), state })],
        Act::Report(report, id) => {
            let digest = wanglou_journal::BlobId::of(report.text.as_bytes()).to_string();
            vec![Input::Note(Note { source: "card".to_owned(), id, digest, kind: NoteKind::Report, report })]
        }
        Act::Handover(from, to) => {
            let sign = |officer: &OfficerId, other: &OfficerId| {
                let cid =
                    CommandId::parse(&format!("handover-{officer}-{other}")).expect("two ids make an id");
                let op = Op::Handover { to: other.clone() };
                let (officer, phone) = (officer.clone(), Some(phone()));
                Input::Command(Command { cid, officer, phone, alarm: None, rev: None, op })
            };
            vec![sign(&from, &to), sign(&to, &from)]
        }
    }
}

fn phone() -> PhoneId {
    PhoneId::parse("simulated").expect("an id")
}

fn beginning(site: &Site) -> Vec<Input> {
    let start =
        Input::Start { version: "simulated".into(), boot_id: String::new(), at_minus_boot: Span::ZERO };
    let path = PathNews { lane: LANE.into(), state: PathState::Up };
    let online = |officer: &OfficerId| {
        Input::Phone(PhoneNews { officer: officer.clone(), phone: phone(), state: PhoneState::Online })
    };
    [start, Input::Path(path)].into_iter().chain(site.officers.keys().map(online)).collect()
}

/// The latest midnight of the compound that is so many whole days ago.
pub(super) fn days_ago(site: &Site, days: u32) -> anyhow::Result<Timestamp> {
    let now = jiff::Timestamp::from_microsecond(clock::wall().0)?;
    let today = now.in_tz(&site.zone)?.start_of_day()?;
    Ok(Timestamp(today.checked_sub(jiff::Span::new().days(days))?.timestamp().as_microsecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest;
    use wanglou_model::rfc3339_micros::parse;

    #[test]
    fn a_written_hour_is_read_back_message_by_message() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/gateway.toml");
        let loaded = crate::configuration::load(&path).expect("the shipped configuration");
        let site = &loaded.decisive.setup.site;
        let folder = tempfile::tempdir().expect("a folder");
        let from = parse("2026-03-02T00:00:00+08:00").expect("a time");
        let hour = (from, from + Span::hours(1));
        let count = write(site, 1, hour, None, folder.path()).expect("writes");
        let mut seen = 0;
        backtest::messages(folder.path(), u64::MAX, &mut |message| {
            assert!(from <= message.at && message.at < hour.1);
            seen += 1;
        })
        .expect("reads");
        assert_eq!(seen, count);
        assert!(count > 1_000, "an hour of the seed compound: {count}");
        let again = write(site, 1, hour, None, folder.path()).expect_err("not twice");
        assert!(again.to_string().contains("has a journal already"), "{again}");
    }

    #[test]
    fn a_flood_brings_what_people_do_into_the_journal() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/gateway.toml");
        let loaded = crate::configuration::load(&path).expect("the shipped configuration");
        let site = &loaded.decisive.setup.site;
        let from = parse("2026-03-02T00:00:00+08:00").expect("a time");
        let of = |flood| beside(site, 1, (from, from + Span::hours(24)), Some((flood, from + NOON)));
        let notes = |inputs: &[(Timestamp, Input)]| {
            inputs.iter().filter(|(_, input)| matches!(input, Input::Note(_))).count()
        };
        assert!(notes(&of(Flood::F3)) >= 40, "the reports of a fire");
        let handover = of(Flood::F8);
        let signed = handover.iter().filter(|(_, input)| matches!(input, Input::Command(_))).count();
        assert_eq!(signed, 4, "two posts hand over, and both sign: {handover:?}");
        assert!(handover.iter().any(|(_, input)| matches!(input, Input::Phone(_))), "the officer's phone");
        assert!(of(Flood::F2).iter().any(|(_, input)| matches!(input, Input::Path(_))), "the broker");
        assert!(handover.windows(2).all(|two| two[0].0 <= two[1].0));
    }
}

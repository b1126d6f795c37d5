//! Simulated traffic written into a journal, without broker and gateway: a past to try rules and rotas on.

use crate::clock;
use crate::intake::{Body, Inbound, Lane};
use crate::record::Encoder;
use anyhow::{Context, ensure};
use std::path::Path;
use wanglou_journal::{Batch, Options as JournalOptions, Purpose, SegmentLog, Store};
use wanglou_model::{
    Input, OfficerId, PathNews, PathState, PhoneId, PhoneNews, PhoneState, Site, Span, Timestamp,
};
use wanglou_simulator::{Options, Traffic};

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
    let traffic = Traffic::new(site, Options::new(seed, from))?;
    let mut messages = 0;
    for event in traffic.take_while(|event| event.at < until) {
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
    // The end of the time is part of it: what comes due until then is told.
    encoder.input(&mut batch, until, &Input::Tick)?;
    log.append(log.claim(), Purpose::Intake, &batch)?;
    log.close()?;
    Ok(messages)
}

fn beginning(site: &Site) -> Vec<Input> {
    let start =
        Input::Start { version: "simulated".into(), boot_id: String::new(), at_minus_boot: Span::ZERO };
    let path = PathNews { lane: "alarm".into(), state: PathState::Up };
    let online = |officer: &OfficerId| {
        let phone = PhoneId::parse("simulated").expect("an id");
        Input::Phone(PhoneNews { officer: officer.clone(), phone, state: PhoneState::Online })
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
        let count = write(site, 1, hour, folder.path()).expect("writes");
        let mut seen = 0;
        backtest::messages(folder.path(), u64::MAX, &mut |message| {
            assert!(from <= message.at && message.at < hour.1);
            seen += 1;
        })
        .expect("reads");
        assert_eq!(seen, count);
        assert!(count > 1_000, "an hour of the seed compound: {count}");
        let again = write(site, 1, hour, folder.path()).expect_err("not twice");
        assert!(again.to_string().contains("has a journal already"), "{again}");
    }
}

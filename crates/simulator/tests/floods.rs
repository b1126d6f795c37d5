//! Every flood: as much as is stated, in words that the shipped profiles understand, and the same again.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use support::{SITE, decoded};
use wanglou_model::{LiftMode, Purpose, Quality, Reading, Span, Timestamp};
use wanglou_simulator::{Act, Event, Flood, Options, Traffic, acts};

/// Tuesday 3 March 2026, six in the evening in Shanghai.
const BEGIN: Timestamp = Timestamp::from_millis(1_772_532_000_000);

/// From five minutes before to its end.
fn events(flood: Flood, seed: u64) -> impl Iterator<Item = Event> {
    let options = Options { flood: Some((flood, BEGIN)), ..Options::new(seed, BEGIN - Span::mins(5)) };
    let traffic = Traffic::new(&SITE, options).expect("traffic");
    traffic.take_while(move |event| event.at < BEGIN + flood.lasts())
}

fn within(flood: Flood, from_s: i64, until_s: i64) -> Vec<Event> {
    let time = BEGIN + Span::secs(from_s)..BEGIN + Span::secs(until_s);
    events(flood, 1).filter(|event| time.contains(&event.at)).collect()
}

fn devices(events: &[Event], wanted: impl Fn(&Event) -> bool) -> BTreeSet<String> {
    events.iter().filter(|event| wanted(event)).map(|event| event.device().to_string()).collect()
}

fn purpose(event: &Event) -> Purpose {
    SITE.devices[event.device()].purpose
}

#[test]
fn every_message_is_understood_in_order_and_the_same_again() {
    for flood in Flood::ALL {
        let mut last = BEGIN - Span::mins(5);
        let mut first = Vec::new();
        for event in events(flood, 7) {
            assert!(event.at >= last, "{}", flood.name());
            last = event.at;
            assert!(!decoded(&event).is_empty(), "{}: {:?}", flood.name(), event.reading);
            first.push(event.message(event.at));
        }
        let again: Vec<_> = events(flood, 7).map(|event| event.message(event.at)).collect();
        assert!(first == again, "{}", flood.name());
    }
}

#[test]
fn f1_fills_110_covers_and_every_camera_hits_20_times_a_minute() {
    let storm = within(Flood::F1, 0, 900);
    let covers = devices(&storm, |event| purpose(event) == Purpose::Cover);
    // A few more report by themselves in a quarter of an hour.
    assert!((110..125).contains(&covers.len()), "{}", covers.len());
    let mut hits: BTreeMap<String, usize> = BTreeMap::new();
    for event in storm.iter().filter(|event| purpose(event) == Purpose::FacadeCamera) {
        if matches!(event.reading, Reading::ThrownObject { .. }) {
            *hits.entry(event.device().to_string()).or_default() += 1;
        }
    }
    assert_eq!(hits.len(), 44);
    assert!(hits.values().all(|hits| *hits >= 300), "{hits:?}");
    let rains =
        |event: &Event| matches!(event.reading, Reading::Weather { rain_mm_h: Some(mm), .. } if mm > 10.0);
    assert!(!devices(&storm, rains).is_empty());
}

#[test]
fn f2_is_silent_for_ten_minutes_then_5_000_old_messages_come_in_ten_seconds() {
    assert_eq!(within(Flood::F2, 0, 600).len(), 0);
    let burst = within(Flood::F2, 600, 610);
    assert!((5_000..5_200).contains(&burst.len()), "{}", burst.len());
    let back = BEGIN + Span::secs(600);
    let old = burst.iter().flat_map(decoded).filter(|said| said.at_device.is_some_and(|at| at <= back));
    assert!(old.count() > 4_700, "nearly all tell when it was");
    let smoke = burst.iter().find(|event| matches!(event.reading, Reading::Smoke { active: true, .. }));
    let said = decoded(smoke.expect("smoke"));
    assert_eq!(said[0].at_device, Some(BEGIN - Span::secs(30)), "when it began");
}

#[test]
fn f3_is_twelve_detectors_lifts_doors_a_lane_and_forty_reports() {
    let fire = within(Flood::F3, 0, 900);
    let inside = |event: &Event| SITE.devices[event.device()].place.as_str().starts_with("7/");
    let smoke =
        devices(&fire, |event| inside(event) && matches!(event.reading, Reading::Smoke { active: true, .. }));
    assert_eq!(smoke.len(), 12);
    let recalled = devices(&fire, |event| {
        matches!(event.reading, Reading::LiftStatus { mode: Some(LiftMode::Fire), .. })
    });
    assert_eq!(recalled.len(), 2);
    let normal = fire.iter().filter(|event| event.at > BEGIN + Span::secs(60) && inside(event));
    let normal = normal
        .filter(|event| matches!(event.reading, Reading::LiftStatus { mode: Some(LiftMode::Normal), .. }));
    assert_eq!(normal.count(), 0, "a recalled lift does nothing else");
    let reports = acts(Flood::F3, &SITE, 1, BEGIN);
    assert_eq!(reports.len(), 40);
    assert!(reports.iter().all(|(_, act)| matches!(act, Act::Report(..))), "{reports:?}");
}

#[test]
fn f4_is_thirty_smoke_alarms_and_rockets_that_many_cameras_see_at_once() {
    let eve = within(Flood::F4, 0, 3_600);
    let smoke = devices(&eve, |event| matches!(event.reading, Reading::Smoke { active: true, .. }));
    assert!((30..33).contains(&smoke.len()), "{}", smoke.len());
    let loud = |event: &Event| matches!(event.reading, Reading::Noise { laeq_db, .. } if laeq_db > 60.0);
    assert_eq!(devices(&eve, loud).len(), 5);
    let hits = |event: &Event| matches!(event.reading, Reading::ThrownObject { .. });
    assert_eq!(devices(&eve, hits).len(), 44);
}

#[test]
fn f5_is_one_camera_with_fifty_events_a_second() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for event in within(Flood::F5, 0, 180) {
        *counts.entry(event.device().to_string()).or_default() += 1;
    }
    let most = counts.values().max().copied();
    assert!(most.is_some_and(|most| (9_000..9_010).contains(&most)), "{most:?}");
}

#[test]
fn f6_is_sixty_clocks_that_nobody_believes() {
    let heard = within(Flood::F6, 0, 3_600);
    let wrong: BTreeSet<String> = heard
        .iter()
        .filter(|event| decoded(event).iter().any(|said| said.quality == Quality::SuspectClock))
        .map(|event| event.device().to_string())
        .collect();
    // Two of them speak twice a day only.
    assert!((56..=60).contains(&wrong.len()), "{}", wrong.len());
}

#[test]
fn f7_leaves_the_mains_dark_and_brings_them_back() {
    let lanes = |events: &[Event]| devices(events, |event| purpose(event) == Purpose::LaneCamera).len();
    assert_eq!(lanes(&within(Flood::F7, -120, 0)), 18);
    assert_eq!(lanes(&within(Flood::F7, 2, 1_500)), 0);
    assert_eq!(lanes(&within(Flood::F7, 1_500, 1_620)), 18);
    let smoke = |event: &Event| matches!(purpose(event), Purpose::Smoke | Purpose::HomeSmoke);
    assert!(!devices(&within(Flood::F7, 2, 1_500), smoke).is_empty(), "batteries last");
}

#[test]
fn f8_is_the_storm_with_a_handover_and_the_officer_away() {
    let beside = acts(Flood::F8, &SITE, 1, BEGIN);
    assert!(beside.iter().any(|(_, act)| matches!(act, Act::Handover(..))), "{beside:?}");
    let off =
        beside.iter().filter(|(_, act)| matches!(act, Act::Phone(officer, _) if officer.as_str() == "chen"));
    assert_eq!(off.count(), 1);
    assert!(beside.windows(2).all(|two| two[0].0 <= two[1].0));
}

//! A whole day of the demo compound: how much of what, understood by the profiles that are shipped, and the same again.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use support::{SITE, decoded};
use wanglou_model::{LiftDoor, PlaceId, Quality, Reading, Site, Span, Timestamp};
use wanglou_simulator::{Event, Message, NoTraffic, Options, Traffic};

/// Monday 2 March 2026, midnight in Shanghai.
const MIDNIGHT: Timestamp = Timestamp::from_millis(1_772_380_800_000);
const DAY: Span = Span::hours(24);

fn traffic(seed: u64, start: Timestamp) -> Traffic {
    Traffic::new(&SITE, Options::new(seed, start)).expect("traffic")
}

fn one_day(seed: u64) -> impl Iterator<Item = Event> {
    traffic(seed, MIDNIGHT).take_while(|event| event.at < MIDNIGHT + DAY)
}

/// What a reading counts as: its kind, and for alarms whether it begins.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a few variants matter here; a new one does where it says so"
)]
fn kind(reading: &Reading) -> &'static str {
    match reading {
        Reading::LiftCamera { present: true, .. } => "ebike",
        Reading::Smoke { active: true, .. } => "smoke begins",
        Reading::Sos { active: true, .. } => "sos pressed",
        Reading::Access { result, .. } if result != "granted" => match result.as_str() {
            "rex" => "rex",
            "denied" => "denied",
            "forced" => "forced",
            "held_open" => "held",
            _ => "other access",
        },
        other => other.kind(),
    }
}

fn counts(seed: u64) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    one_day(seed).for_each(|event| *counts.entry(kind(&event.reading)).or_default() += 1);
    counts
}

#[test]
fn every_message_is_understood_as_a_registered_device_says_it() {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (number, event) in one_day(1).enumerate() {
        let rare = !matches!(
            event.reading,
            Reading::LiftStatus { .. }
                | Reading::Heartbeat {}
                | Reading::Object { .. }
                | Reading::Noise { .. }
        );
        // Of what is frequent a sample is enough, of what is rare none may be missing.
        if !rare && number % 50 != 0 {
            continue;
        }
        let message = event.message(event.at);
        let text = || format!("{} {}", message.topic, String::from_utf8_lossy(&message.payload));
        let observations = decoded(&event);
        let first = &observations[0];
        let device = SITE.device_of(&first.profile, &first.device).map(|(id, _)| id);
        assert_eq!(device, Some(event.device()), "{}", text());
        assert_eq!(first.reading.kind(), event.reading.kind(), "{}", text());
        assert_eq!(first.quality, Quality::Ok, "{}", text());
        for observation in observations {
            assert!(!matches!(observation.reading, Reading::Unknown { .. }), "{}: {observation:?}", text());
            *seen.entry(format!("{} {}", observation.profile, observation.reading.kind())).or_default() += 1;
        }
    }
    let profiles: BTreeSet<&str> = seen.keys().filter_map(|key| key.split(' ').next()).collect();
    assert!(profiles.is_superset(&["chirpstack", "hikvision", "wanglou", "zigbee2mqtt"].into()), "{seen:?}");
}

#[test]
fn states_survive_the_vendors_words() {
    let mut checked = BTreeSet::new();
    for event in (1..=4).flat_map(one_day) {
        let vendor = SITE.devices[event.device()].profile.clone();
        if vendor == "wanglou" {
            continue;
        }
        let message = event.message(event.at);
        let state = match (&event.reading, &decoded(&event)[0].reading) {
            (Reading::Contact { open: said, .. }, Reading::Contact { open: understood, .. }) => {
                assert_eq!(said, understood, "{message:?}");
                said == &Some(true)
            }
            (Reading::LiftCamera { present: said, .. }, Reading::LiftCamera { present: understood, .. }) => {
                assert_eq!(said, understood, "{message:?}");
                *said
            }
            (Reading::Cover { tilt_deg: said, .. }, Reading::Cover { tilt_deg: understood, .. }) => {
                let difference = said.unwrap_or_default() - understood.unwrap_or_default();
                assert!(difference.abs() < 0.01, "{message:?}");
                said > &Some(15.0)
            }
            (Reading::ThrownObject { confidence: said, .. }, Reading::ThrownObject { confidence, .. }) => {
                assert!(confidence.is_none() || confidence == said, "{message:?}");
                confidence.is_some()
            }
            (said, understood) => {
                assert_eq!(said.kind(), understood.kind());
                continue;
            }
        };
        checked.insert((vendor, state));
    }
    let expected = [
        ("ai_box", false),
        ("ai_box", true),
        ("chirpstack", false),
        ("chirpstack", true),
        ("elevator_cn", false),
        ("elevator_cn", true),
        ("hikvision", true),
        ("ipc_hapi", false),
        ("zigbee2mqtt", false),
        ("zigbee2mqtt", true),
    ];
    let expected: BTreeSet<(String, bool)> =
        expected.map(|(vendor, state)| (vendor.to_owned(), state)).into();
    assert_eq!(checked, expected);
}

#[test]
fn a_day_has_what_the_compound_has() {
    let seeds = 1..=5;
    let days: Vec<_> = seeds.map(counts).collect();
    for day in &days {
        let between = |kind: &str, least: usize, most: usize| {
            let count = day.get(kind).copied().unwrap_or_default();
            assert!((least..=most).contains(&count), "{kind}: {count} is not {least}–{most} in {day:?}");
        };
        let all: usize = day.values().sum();
        assert!((430_000..=470_000).contains(&all), "{all} messages: {day:?}");
        between("thrown_object", 70, 230);
        between("ebike", 4, 26);
        between("forced", 1, 18);
        between("held", 75, 150);
        between("denied", 110, 195);
        between("sos pressed", 0, 24);
        between("smoke begins", 0, 4);
        between("noise", 7_200, 7_800);
        between("contact", 10_000, 30_000);
    }
    let mean =
        |kind: &str| days.iter().filter_map(|day| day.get(kind)).sum::<usize>() as f64 / days.len() as f64;
    assert!((8.0..=18.0).contains(&mean("ebike")), "with look-alikes: {}", mean("ebike"));
}

#[test]
fn messages_peak_in_the_morning_and_stay_in_the_broker_s_reach() {
    let mut minutes: BTreeMap<i64, usize> = BTreeMap::new();
    one_day(3).for_each(|event| *minutes.entry((event.at - MIDNIGHT).0 / 60_000_000).or_default() += 1);
    let per_second = |from: i64, until: i64| {
        let sum: usize = minutes.range(from * 60..until * 60).map(|(_, count)| count).sum();
        sum as f64 / ((until - from) * 3_600) as f64
    };
    assert!(per_second(1, 4) < 3.5, "night: {}", per_second(1, 4));
    assert!((7.0..=16.0).contains(&per_second(7, 8)), "morning: {}", per_second(7, 8));
    let peak = minutes.values().max().copied().unwrap_or_default() as f64 / 60.0;
    assert!((10.0..=18.0).contains(&peak), "busiest minute: {peak} a second");
}

#[test]
fn elderly_people_s_doors_open_in_the_morning_and_mostly_every_day() {
    let mut opened: BTreeMap<String, usize> = BTreeMap::new();
    let mut hours = [0usize; 24];
    let homes: BTreeSet<&str> = SITE.homes.keys().map(|place| place.as_str()).collect();
    for event in one_day(9) {
        let place = &SITE.devices[event.device()].place;
        if homes.contains(place.as_str())
            && matches!(event.reading, Reading::Contact { open: Some(true), .. })
        {
            *opened.entry(place.to_string()).or_default() += 1;
            hours[((event.at - MIDNIGHT).0 / 3_600_000_000) as usize] += 1;
        }
    }
    assert!(homes.len() - opened.len() <= 5, "{} of {} opened", opened.len(), homes.len());
    assert!(hours[1..5].iter().sum::<usize>() <= 2, "{hours:?}");
    assert!(hours[6] + hours[7] > 20 && hours[16] + hours[17] > 20, "{hours:?}");
}

fn bytes(seed: u64, n: usize) -> Vec<Message> {
    traffic(seed, MIDNIGHT + Span::hours(7)).take(n).map(|event| event.message(event.at)).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_others() {
    assert_eq!(bytes(4, 20_000), bytes(4, 20_000));
    assert_ne!(bytes(4, 20_000), bytes(5, 20_000));
}

#[test]
fn time_never_runs_backwards_also_past_midnight() {
    let start = MIDNIGHT + Span::hours(23) + Span::mins(50);
    let mut before = start;
    for event in traffic(6, start).take_while(|event| event.at < start + Span::mins(40)) {
        assert!(event.at >= before);
        before = event.at;
    }
    assert!(before > MIDNIGHT + DAY + Span::mins(29), "it went on after midnight");
}

#[test]
fn a_later_run_with_the_same_seed_gives_no_event_the_same_id() {
    let events =
        traffic(4, MIDNIGHT).filter(|event| matches!(event.reading, Reading::Access { .. })).take(50);
    for event in events {
        let (first, later) = (event.message(event.at), event.message(event.at + DAY));
        let id = |message: &Message| {
            let body: serde_json::Value = serde_json::from_slice(&message.payload).expect("JSON");
            body["event"].as_str().map(str::to_owned).expect("an id")
        };
        assert_ne!(id(&first), id(&later));
    }
}

#[test]
fn at_the_roll_call_every_device_that_can_speaks_once() {
    let mut options = Options::new(2, MIDNIGHT);
    options.roll_call = Span::secs(20);
    let heard: BTreeSet<_> = Traffic::new(&SITE, options)
        .expect("traffic")
        .take_while(|event| event.at <= MIDNIGHT + Span::secs(20))
        .map(|event| event.device().clone())
        .collect();
    let silent: Vec<_> = SITE.devices.iter().filter(|(id, _)| !heard.contains(*id)).collect();
    // Cameras that speak only when they see something, and LoRaWAN gateways.
    assert!(silent.iter().all(|(_, device)| device.interval.is_none()), "{silent:?}");
}

#[test]
fn episodes_last_as_long_as_in_life_at_any_pace() {
    let held = |pace: f64| {
        let options = Options { stretch: pace, ..Options::new(11, MIDNIGHT) };
        let mut since: BTreeMap<String, Timestamp> = BTreeMap::new();
        let mut spans = vec![];
        let day =
            Traffic::new(&SITE, options).expect("traffic").take_while(|event| event.at < MIDNIGHT + DAY);
        for event in day {
            let Reading::LiftCamera { present, .. } = event.reading else { continue };
            let device = event.device().to_string();
            match present {
                true => drop(since.insert(device, event.at)),
                false => {
                    spans.extend(since.remove(&device).map(|from| (event.at - from).as_secs_f64() / pace))
                }
            }
        }
        spans
    };
    for pace in [1.0, 60.0] {
        let spans = held(pace);
        assert!(spans.iter().any(|span| *span > 10.0), "pace {pace}: {spans:?}");
        assert!(spans.iter().all(|span| *span < 300.0), "pace {pace}: {spans:?}");
    }
}

#[test]
fn nothing_happens_by_itself_where_people_try_things() {
    let [lift, cover] = ["3/2/lift-B", "cover/17"].map(|place| PlaceId::parse(place).expect("a place"));
    let options = Options { left_alone: [lift.clone(), cover.clone()].into(), ..Options::new(3, MIDNIGHT) };
    let day = Traffic::new(&SITE, options).expect("traffic").take_while(|event| event.at < MIDNIGHT + DAY);
    let (mut beats, mut cover_at) = (0, vec![]);
    for event in day {
        let place = &SITE.devices[event.device()].place;
        if *place == lift {
            let Reading::LiftStatus { door, moving, floor, .. } = event.reading else {
                panic!("{:?}", event.reading)
            };
            assert_eq!((door, moving, floor), (Some(LiftDoor::Open), Some(false), Some(1)));
            beats += 1;
        } else if *place == cover {
            cover_at.push(event.at);
        }
    }
    assert!(beats > 1_400, "its controller goes on: {beats}");
    assert_eq!(cover_at, [MIDNIGHT], "the cover speaks once and contradicts nobody");
}

#[test]
fn a_site_without_devices_or_zone_says_so() {
    let mut site = SITE.clone();
    site.zone = "Moon/Tranquility".to_owned();
    let options = Options::new(1, MIDNIGHT);
    let refused = |site: &Site| Traffic::new(site, options.clone()).expect_err("no traffic");
    assert_eq!(refused(&site), NoTraffic::Zone("Moon/Tranquility".to_owned()));
    site.zone = "Asia/Shanghai".to_owned();
    site.devices.clear();
    assert_eq!(refused(&site), NoTraffic::NoVoice { devices: 0 });
}

#[test]
fn devices_of_other_profiles_are_named_and_left_out() {
    let mut site = SITE.clone();
    let (id, device) = site.devices.iter_mut().next().expect("a device");
    Arc::make_mut(device).profile = "acme".to_owned();
    let id = id.clone();
    let traffic = Traffic::new(&site, Options::new(1, MIDNIGHT)).expect("traffic");
    assert_eq!(traffic.mute(), [id]);
}

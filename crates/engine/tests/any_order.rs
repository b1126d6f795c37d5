//! Whatever sensors, people and the path do, in whatever order: recovery gives the same book, deciding again the
//! same facts, and no open alarm is left without a deadline.

mod story;

use story::*;
use wanglou_engine::{EbikeInLiftSettings, RuleSettings, ThrownObjectSettings};
use wanglou_model::*;

const SEEDS: u64 = 60;
const STEPS: u32 = 150;

/// xorshift64*: the same numbers for the same seed, everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % sides
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.roll(of.len() as u64) as usize].clone()
    }

    fn maybe<T>(&mut self, value: T) -> Option<T> {
        (self.roll(2) == 0).then_some(value)
    }
}

fn site() -> Site {
    let mut site = empty_site();
    for (id, kind) in [
        ("3", PlaceKind::Building),
        ("3/2", PlaceKind::Unit),
        ("3/2/lift-B", PlaceKind::Lift),
        ("3/2/1F", PlaceKind::Floor),
        ("facade/3/east", PlaceKind::Facade),
        ("cover/17", PlaceKind::Cover),
    ] {
        add_place(&mut site, id, kind);
    }
    add_device(&mut site, "lift", "3/2/lift-B", Purpose::LiftCamera, |camera| {
        camera.hub = Some(device("hub"));
        camera.interval = Some(Span::mins(5));
    });
    add_device(&mut site, "stream", "3/2/lift-B", Purpose::LiftCamera, |camera| camera.streaming = true);
    add_device(&mut site, "car", "3/2/lift-B", Purpose::LiftController, |car| car.hold_wired = true);
    add_device(&mut site, "smoke", "3/2/1F", Purpose::Smoke, |_| {});
    add_device(&mut site, "hub", "3", Purpose::Hub, |_| {});
    add_device(&mut site, "e1", "facade/3/east", Purpose::FacadeCamera, |camera| {
        camera.columns = Some((1, 5))
    });
    add_device(&mut site, "e2", "facade/3/east", Purpose::FacadeCamera, |_| {});
    add_device(&mut site, "rain", "3", Purpose::Weather, |_| {});
    add_device(&mut site, "cover", "cover/17", Purpose::Cover, |_| {});
    add_team(&mut site);
    site
}

fn reading(dice: &mut Dice) -> (&'static str, Reading) {
    let clip =
        Evidence { uri: Some("https://nvr/1.mp4".into()), sha256: dice.maybe("ab".into()), bytes: None };
    match dice.roll(12) {
        0..=3 => {
            let camera = dice.one(&["lift", "stream", "stream"]);
            let class = dice.one(&[
                LiftClass::Ebike,
                LiftClass::Ebike,
                LiftClass::Ebike,
                LiftClass::EbikeBattery,
                LiftClass::Person,
                LiftClass::None,
            ]);
            let present = dice.roll(3) > 0;
            let confidence = dice.one(&[None, Some(0.4), Some(0.85), Some(0.95), Some(f64::NAN)]);
            (camera, Reading::LiftCamera { class, present, confidence, picture: dice.maybe(clip) })
        }
        4..=5 => {
            let doors = [LiftDoor::Open, LiftDoor::Open, LiftDoor::Closing, LiftDoor::Closed];
            let door = dice.one(&doors);
            let status = Reading::LiftStatus {
                door: dice.maybe(door),
                moving: dice.one(&[None, Some(false), Some(true)]),
                floor: dice.one(&[None, Some(1), Some(12)]),
                mode: dice.one(&[None, None, Some(LiftMode::Normal), Some(LiftMode::Fire)]),
                hold_command: dice.one(&[None, Some(false), Some(true)]),
                hold_feedback: dice.one(&[None, Some(false), Some(true)]),
                persons: None,
            };
            ("car", status)
        }
        6..=8 => {
            let floor = dice.one(&[None, Some(3), Some(14), Some(i32::MAX), Some(i32::MIN)]);
            let throw = Reading::ThrownObject {
                active: dice.roll(4) > 0,
                track: dice.one(&[None, Some("t1".into()), Some("t2".into())]),
                from: None,
                until: None,
                drop_m: dice.one(&[None, Some(3.0), Some(30.0)]),
                zone: None,
                floor_min: floor,
                floor_max: dice.one(&[None, Some(5), Some(16)]),
                column: dice.one(&[None, Some(1), Some(4), Some(i32::MAX)]),
                size: dice.one(&[None, Some(ObjectSize::S), Some(ObjectSize::L)]),
                speed_mps: None,
                horizontal_m: None,
                upward: dice.one(&[None, Some(false), Some(true)]),
                confidence: dice.one(&[None, None, Some(0.7), Some(0.95)]),
                people_below: dice.one(&[None, Some(false), Some(true)]),
                clip: dice.maybe(clip),
                picture: None,
            };
            (dice.one(&["e1", "e2"]), throw)
        }
        9 => ("smoke", Reading::Smoke { active: dice.roll(2) == 0, source: None }),
        10 => {
            let scope = AvailabilityScope::Device;
            let online = dice.roll(2) == 0;
            (dice.one(&["lift", "stream", "car", "hub", "e1"]), Reading::Availability { online, scope })
        }
        _ => {
            let tilt_deg = Some(dice.one(&[0.0, 20.0, 70.0]));
            dice.one(&[
                ("rain", Reading::Weather { rain_mm_h: Some(4.0), wind_mps: None, celsius: None }),
                ("cover", Reading::Cover { tilt_deg, moved: None, open: None }),
            ])
        }
    }
}

fn said(dice: &mut Dice, at: Timestamp) -> Fed {
    let (device, reading) = reading(dice);
    let mut said = observation(device, reading);
    let ages = [Span::ZERO, Span::secs(2), Span::mins(3), Span::mins(15), Span::secs(-30)];
    let age = dice.one(&ages);
    said.at_device = dice.maybe(at - age);
    said.event = dice.one(&[None, None, Some("e-1".into()), Some("e-2".into())]);
    let qualities =
        [Quality::Ok, Quality::Ok, Quality::Ok, Quality::SuspectClock, Quality::Replayed, Quality::Test];
    said.quality = dice.one(&qualities);
    Fed::Said { observations: vec![said], retain: dice.roll(10) == 0, dup: dice.roll(5) == 0, by: None }
}

fn by_a_person(dice: &mut Dice, story: &Story, n: u32) -> Option<Fed> {
    let alarms = story.alarms();
    let alarm = (!alarms.is_empty()).then(|| alarms[dice.roll(alarms.len() as u64) as usize].id.clone())?;
    let op = dice.one(&[
        Op::Accept { eta_s: None },
        Op::Undo,
        Op::Decline { reason: "busy".into() },
        Op::Arrive,
        Op::Confirm,
        Op::Guard { photos: vec![] },
        Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] },
        Op::FalseAlarm { note: String::new() },
    ]);
    let cid = CommandId::parse(&format!("c{n}")).expect("an id");
    let officer = officer(dice.one(&["wu", "li", "sun"]));
    Some(Fed::Input(Input::Command(Command { cid, officer, phone: None, alarm: Some(alarm), rev: None, op })))
}

fn of_the_path(dice: &mut Dice) -> Fed {
    let state = dice.one(&[PathState::Up, PathState::Up, PathState::Draining, PathState::Down]);
    Fed::Input(Input::Path(PathNews { lane: "alarm".into(), state }))
}

fn tell(seed: u64) -> Story {
    let mut dice = Dice(seed * 2 + 1);
    let mut story = Story::begin(site(), RuleSettings::default());
    let mut now = at(0);
    for n in 0..STEPS {
        now = now + dice.one(&[Span::ZERO, Span::millis(700), Span::secs(2), Span::secs(7), Span::secs(70)]);
        let fed = match dice.roll(20) {
            0 => of_the_path(&mut dice),
            1..=3 => by_a_person(&mut dice, &story, n).unwrap_or(Fed::Input(Input::Tick)),
            4 => Fed::Input(Input::Tick),
            _ => said(&mut dice, now),
        };
        story.feed(now, fed);
        nobody_is_forgotten(&story, seed);
        if dice.roll(50) == 0 {
            story.restart_from_snapshot();
        }
    }
    story
}

/// An open alarm always has the deadline of its phase.
fn nobody_is_forgotten(story: &Story, seed: u64) {
    let book = story.engine.book();
    assert_eq!(story.engine.in_limbo(book.alarms.keys()), None, "seed {seed}");
}

#[test]
fn whatever_happens_recovery_and_a_second_run_come_to_the_same() {
    let deaf = RuleSettings {
        ebike_in_lift: EbikeInLiftSettings {
            confidence: 0.99,
            present_ms: 60_000,
            no_frames_s: 1,
            ..Default::default()
        },
        thrown_object: ThrownObjectSettings {
            confidence: 0.99,
            storm_hits: 2,
            merge_receive_s: 0,
            ..Default::default()
        },
        ..Default::default()
    };
    let mut raised = 0;
    for seed in 0..SEEDS {
        let story = tell(seed);
        raised += story.alarms().len();
        story.replays_the_same_under(RuleSettings::default());
        story.replays_the_same_under(deaf.clone());
        story.decides_the_same_again();
    }
    assert!(raised as u64 > SEEDS, "the stories are about something: {raised} alarms");
}

//! A day of restarts: a deadline of 24 hours is kept over all of them, as long as the broker holds what was said
//! meanwhile. The day is simulated: a file moves the clocks of the gateway ahead, and the sensors follow.

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::json;
use std::path::PathBuf;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::{eventually, wall};
use wanglou_tests::gateway::Gateway;
use wanglou_tests::journal::{self, Written};
use wanglou_tests::vendors;

/// Two homes of people who live alone, by the names of their door sensors.
const HOME: (&str, &str) = ("home-1-201/door", "1/1/201");
const NEIGHBOUR: (&str, &str) = ("home-1-804/door", "1/1/804");
/// The resident is called after so long without a door moving, and not later than so long after that.
const CALL_AFTER: SignedDuration = SignedDuration::from_hours(24);
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);

/// The simulated clock of gateway and sensors.
struct Ahead {
    file: PathBuf,
    by: SignedDuration,
    /// Which start of the machine it is, and whether its clock is synchronised, if not as they really are.
    machine: &'static str,
}

impl Ahead {
    /// Ten in the morning of tomorrow: the deadline is far from the hours in which nobody is called.
    fn at_ten(file: PathBuf) -> Self {
        let local = wall().in_tz("Asia/Shanghai").expect("a zone that is bundled");
        let ten = (local.date() + 1.day()).at(10, 0, 0, 0).in_tz("Asia/Shanghai").expect("no gap at ten");
        let mut ahead = Self { file, by: SignedDuration::ZERO, machine: "" };
        ahead.to(ten.timestamp());
        ahead
    }

    fn now(&self) -> Timestamp {
        wall() + self.by
    }

    fn to(&mut self, time: Timestamp) {
        let seconds = time.duration_since(wall()).as_secs();
        assert!(seconds >= self.by.as_secs(), "the simulated clock only goes forward");
        self.by = SignedDuration::from_secs(seconds);
        let new = self.file.with_extension("new");
        std::fs::write(&new, format!("{seconds} {}", self.machine)).expect("a file can be written");
        std::fs::rename(&new, &self.file).expect("a file can be replaced");
    }
}

/// A broker, a gateway and a day.
struct Day {
    broker: Mosquitto,
    gateway: Gateway,
    clock: Ahead,
    covers: u32,
    /// Whose sensors send at QoS 0.
    loose: Option<(&'static str, &'static str)>,
}

impl Day {
    fn start() -> Self {
        let broker = Mosquitto::start();
        let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
        let compound = Compound::new(&address);
        let clock = Ahead::at_ten(compound.beside("ahead"));
        let file = clock.file.display().to_string();
        let gateway = Gateway::start_with(compound, &["--clock-ahead-file", &file]);
        Self { broker, gateway, clock, covers: 60, loose: None }
    }

    fn says(&self, home: (&str, &str), open: bool) -> Timestamp {
        let now = self.clock.now();
        let payload = json!({"battery": 91, "contact": !open, "last_seen": now.to_string()}).to_string();
        let topic = format!("zigbee2mqtt/{}", home.0);
        if self.loose == Some(home) {
            self.broker.publish_qos0(&topic, payload.as_bytes());
        } else {
            self.broker.publish(&topic, payload.as_bytes());
        }
        now
    }

    /// Somebody goes out or comes home. Returns when the door moved last.
    fn moves(&self, home: (&str, &str)) -> Timestamp {
        self.says(home, true);
        self.says(home, false)
    }

    /// The sensors live, and their doors stay shut.
    fn beat(&self) {
        for home in [HOME, NEIGHBOUR] {
            self.says(home, false);
        }
    }

    /// Forward to a time, with the sensors heard every hour.
    fn pass(&mut self, until: Timestamp) {
        while self.clock.now() + 1.hour() < until {
            self.clock.to(self.clock.now() + 1.hour());
            self.beat();
            self.settle();
        }
        self.clock.to(until);
        self.settle();
    }

    /// Returns once the gateway has looked at the present time, and judged what was due.
    fn settle(&mut self) {
        self.covers = if self.covers == 90 { 61 } else { self.covers + 1 };
        let event = format!("e-{}", self.clock.now().as_microsecond());
        let cover = vendors::cover(&format!("cover-{}", self.covers), true, &event);
        let before = self.taken_in();
        self.broker.publish(&cover.topic, &cover.payload);
        eventually("the gateway has taken in what was sent last", || {
            (self.taken_in() > before).then_some(())
        });
    }

    fn taken_in(&self) -> f64 {
        self.gateway.metric("wanglou_observations_total", &["kind=\"cover\""])
    }

    fn calls(&self) -> f64 {
        self.gateway.metric("wanglou_alarms_raised_total", &["kind=\"living_alone\""])
    }
}

/// What was raised about people who live alone: where, and when.
fn raised(day: &Day) -> Vec<(String, Timestamp)> {
    let raised = journal::facts(&day.gateway.compound.data(), "raised");
    let mine = raised.iter().filter(|written| written.said["kind"] == "living_alone");
    mine.map(|written| (written.said["place"].as_str().expect("a place").to_owned(), time(written))).collect()
}

fn time(written: &Written) -> Timestamp {
    Timestamp::from_microsecond(written.at_micros).expect("a usual time")
}

fn assert_called(raised: &(String, Timestamp), home: (&str, &str), due: Timestamp) {
    assert_eq!(raised.0, home.1);
    let late = raised.1.duration_since(due);
    assert!(late >= SignedDuration::ZERO && late <= TOLERANCE, "{} called {late:?} after it was due", home.1);
    println!("{} called {late:?} after it was due", home.1);
}

#[test]
fn a_deadline_of_a_day_is_kept_across_ten_restarts_and_what_the_broker_held_counts_as_life() {
    let mut day = Day::start();
    day.moves(NEIGHBOUR);
    let last = day.moves(HOME);
    let mut neighbour = last;
    for restart in 1..=10 {
        day.beat();
        if restart % 2 == 0 {
            day.gateway.stop()
        } else {
            day.gateway.kill()
        }
        day.clock.to(day.clock.now() + 70.minutes());
        day.beat();
        if restart == 5 {
            neighbour = day.moves(NEIGHBOUR);
        }
        day.gateway.restart();
        day.clock.to(last + (143 * restart).minutes());
    }
    day.beat();
    day.pass(last + CALL_AFTER - SignedDuration::from_secs(30));
    assert_eq!(day.calls(), 0.0, "not before its time");
    day.clock.to(last + CALL_AFTER);
    eventually("the resident is called", || (day.calls() == 1.0).then_some(()));

    day.gateway.kill();
    day.gateway.restart();
    day.pass(neighbour + CALL_AFTER - SignedDuration::from_secs(30));
    assert_eq!(day.calls(), 0.0, "nobody a second time, and the neighbour not before their time");
    day.clock.to(neighbour + CALL_AFTER);
    eventually("the neighbour is called", || (day.calls() == 1.0).then_some(()));
    day.gateway.stop();

    let raised = raised(&day);
    assert_eq!(raised.len(), 2, "{raised:?}");
    assert_called(&raised[0], HOME, last + CALL_AFTER);
    assert_called(&raised[1], NEIGHBOUR, neighbour + CALL_AFTER);
    assert_eq!(journal::inputs(&day.gateway.compound.data(), "start").len(), 12);
    assert_eq!(journal::inputs(&day.gateway.compound.data(), "blind"), []);
    assert_eq!(journal::inputs(&day.gateway.compound.data(), "clock_step"), []);
}

/// The red control of the test above: without the broker's session nobody knows what happened meanwhile.
#[test]
fn time_that_a_broker_without_a_session_did_not_hold_moves_the_deadline() {
    let mut day = Day::start();
    let last = day.moves(HOME);
    day.pass(last + 6.hours());
    day.gateway.stop();
    day.broker.stop();
    day.broker.forget();
    day.broker.restart();
    day.clock.to(last + 9.hours());
    day.gateway.restart();
    day.pass(last + CALL_AFTER + TOLERANCE);
    assert_eq!(day.calls(), 0.0, "three hours are unknown");
    day.pass(last + 27.hours());
    eventually("the resident is called", || (day.calls() == 1.0).then_some(()));
    day.gateway.stop();

    let blind = journal::inputs(&day.gateway.compound.data(), "blind");
    let micros = |written: &Written, key: &str| written.said[key].as_i64().expect("a time");
    // Each lane was without its session for a time of its own; the door's messages come by this one.
    let of_the_door = blind.iter().filter(|written| written.said["lane"] == "alarm");
    let longest = of_the_door.map(|written| micros(written, "until") - micros(written, "from")).max();
    let blind = SignedDuration::from_micros(longest.expect("a blind time"));
    assert!(blind >= SignedDuration::from_secs(3 * 3600 - 60), "{blind:?}");
    let raised = raised(&day);
    assert_eq!(raised.len(), 1, "{raised:?}");
    assert_called(&raised[0], HOME, last + CALL_AFTER + blind);
}

#[test]
fn what_came_at_qos_0_while_the_gateway_was_off_is_unknown_and_the_rest_is_not() {
    let mut day = Day::start();
    day.loose = Some(NEIGHBOUR);
    let neighbour = day.moves(NEIGHBOUR);
    let last = day.moves(HOME);
    day.pass(last + 6.hours());
    day.gateway.stop();
    day.clock.to(last + 9.hours());
    day.gateway.restart();
    day.pass(last + CALL_AFTER);
    eventually("the resident is called", || (day.calls() == 1.0).then_some(()));
    assert_eq!(day.calls(), 1.0, "the neighbour may have moved meanwhile");
    day.pass(last + 27.hours());
    eventually("the neighbour is called", || (day.calls() == 2.0).then_some(()));
    day.gateway.stop();

    let raised = raised(&day);
    assert_eq!(raised.len(), 2, "{raised:?}");
    assert_called(&raised[0], HOME, last + CALL_AFTER);
    let blind = journal::inputs(&day.gateway.compound.data(), "blind");
    assert_eq!(blind.len(), 1, "{blind:?}");
    assert_eq!((&blind[0].said["lane"], &blind[0].said["qos0"]), (&json!("alarm"), &json!(true)));
    let micros = |key: &str| blind[0].said[key].as_i64().expect("a time");
    let unknown = SignedDuration::from_micros(micros("until") - micros("from"));
    assert_called(&raised[1], NEIGHBOUR, neighbour + CALL_AFTER + unknown);
}

#[test]
fn after_a_power_cut_silence_is_unknown_until_the_clock_is_synchronised() {
    let mut day = Day::start();
    let last = day.moves(HOME);
    day.pass(last + 6.hours());
    let trusted = |day: &Day| day.gateway.metric("wanglou_clock_trusted", &[]);
    assert_eq!(trusted(&day), 1.0, "the first start has nothing to bridge");
    day.gateway.kill();
    day.clock.machine = "started-anew unsynchronised";
    day.clock.to(last + 8.hours());
    day.gateway.restart();
    assert_eq!(trusted(&day), 0.0);
    let reasons = day.gateway.get("/readyz").json()["reasons"].to_string();
    assert!(reasons.contains("clock") && reasons.contains("timedatectl"), "{reasons}");
    day.pass(last + CALL_AFTER + TOLERANCE);
    assert_eq!(day.calls(), 0.0, "nobody knows for how long the power was off");

    day.clock.machine = "started-anew synchronised";
    day.clock.to(last + CALL_AFTER + 2.minutes());
    eventually("the clock is trusted again, and the resident is called", || {
        (trusted(&day) == 1.0 && day.calls() == 1.0).then_some(())
    });
    let reasons = day.gateway.get("/readyz").json()["reasons"].to_string();
    assert!(!reasons.contains("timedatectl"), "{reasons}");
}

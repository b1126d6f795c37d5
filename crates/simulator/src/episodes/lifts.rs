//! Lifts: trips, e-bikes, and what cameras take for e-bikes.

use super::{Script, Stage};
use crate::beat::standing;
use wanglou_model::{LiftClass, LiftDoor, LiftMode, Reading};

/// The demo compound's buildings have so many floors.
const FLOORS: i32 = 18;
const SECONDS_PER_FLOOR: f64 = 2.0;
/// A controller that holds repeats itself after so many seconds.
const REPEATS_S: f64 = 45.0;

/// The car goes to where it is called from, and to where somebody wants to go.
pub(super) fn trip(lift: usize, stage: &mut Stage<'_>, script: &mut Script) {
    let random = &mut stage.random;
    let upstairs = 2 + random.below(FLOORS as usize - 1) as i32;
    let (from, to) = if random.chance(0.5) { (1, upstairs) } else { (upstairs, 1) };
    let persons = 1 + random.below(3) as u32;
    let mut ride = Ride::begin(lift, stage);
    ride.go_to(from, 0, script);
    ride.board(persons, script);
    ride.go_to(to, persons, script);
    ride.board(0, script);
    ride.end(lift, stage, script);
}

/// Seven in ten take the e-bike out again; two ride up with it; one argues for a while first.
pub(super) fn ebike(lift: usize, stage: &mut Stage<'_>, script: &mut Script) {
    script.stage(stage.stretch);
    let camera = stage.compound.lifts[lift].camera;
    let mut ride = Ride::begin(lift, stage);
    ride.floor = 1;
    ride.say(Doing { door: LiftDoor::Open, ..Doing::default() }, script);
    ride.wait(1.0);
    script.say(ride.clock, camera, seen(true));
    let how = stage.random.unit();
    if how < 0.2 {
        ride.wait(6.0);
        let floor = 2 + stage.random.below(FLOORS as usize - 1) as i32;
        ride.go_to(floor, 1, script);
        ride.say(Doing { door: LiftDoor::Open, persons: 1, ..Doing::default() }, script);
        ride.wait(3.0);
        script.say(ride.clock, camera, seen(false));
    } else {
        ride.wait(0.5);
        let (shortest, longest) = if how < 0.3 { (100.0, 240.0) } else { (15.0, 50.0) };
        ride.hold(stage.random.between(shortest, longest), script);
        script.say(ride.clock, camera, seen(false));
        ride.wait(6.0);
    }
    ride.end(lift, stage, script);
}

pub(super) fn look_alike(lift: usize, stage: &mut Stage<'_>, script: &mut Script) {
    script.stage(stage.stretch);
    let camera = stage.compound.lifts[lift].camera;
    // A camera that never takes its word back would turn every pram into an alarm.
    let takes_back = camera.is_some_and(|at| stage.compound.sensor(at).voice.can_say(&seen(false)));
    if !takes_back {
        return;
    }
    let mut ride = Ride::begin(lift, stage);
    ride.say(Doing { door: LiftDoor::Open, persons: 1, ..Doing::default() }, script);
    ride.wait(1.5);
    script.say(ride.clock, camera, seen(true));
    script.say(ride.clock + stage.random.between(0.3, 1.0), camera, seen(false));
    ride.wait(5.0);
    ride.end(lift, stage, script);
}

fn seen(present: bool) -> Reading {
    Reading::LiftCamera { class: LiftClass::Ebike, present, confidence: None, picture: None }
}

/// What a car does, besides being on a floor.
#[derive(Clone, Copy)]
struct Doing {
    door: LiftDoor,
    moving: bool,
    persons: u32,
    hold: bool,
}

impl Default for Doing {
    fn default() -> Self {
        Self { door: LiftDoor::Closed, moving: false, persons: 0, hold: false }
    }
}

/// A car under way, and its controller that reports each change.
struct Ride {
    controller: Option<crate::compound::At>,
    floor: i32,
    /// Seconds since the episode began.
    clock: f64,
}

impl Ride {
    fn begin(lift: usize, stage: &Stage<'_>) -> Ride {
        let floor = stage.state.lifts[lift].floor;
        Ride { controller: stage.compound.lifts[lift].controller, floor, clock: 0.0 }
    }

    fn wait(&mut self, seconds: f64) {
        self.clock += seconds;
    }

    fn say(&self, doing: Doing, script: &mut Script) {
        let reading = Reading::LiftStatus {
            door: Some(doing.door),
            moving: Some(doing.moving),
            floor: Some(self.floor),
            mode: Some(LiftMode::Normal),
            hold_command: Some(doing.hold),
            hold_feedback: Some(doing.hold),
            persons: Some(doing.persons),
        };
        script.say(self.clock, self.controller, reading);
    }

    /// Reports each floor on the way.
    fn go_to(&mut self, floor: i32, persons: u32, script: &mut Script) {
        while self.floor != floor {
            self.say(Doing { moving: true, persons, ..Doing::default() }, script);
            self.wait(SECONDS_PER_FLOOR);
            self.floor += (floor - self.floor).signum();
        }
        self.say(Doing { persons, ..Doing::default() }, script);
        self.wait(0.5);
    }

    /// The door opens; when it has closed, so many are inside.
    fn board(&mut self, persons: u32, script: &mut Script) {
        self.say(Doing { door: LiftDoor::Open, persons, ..Doing::default() }, script);
        self.wait(4.0);
        self.say(Doing { persons, ..Doing::default() }, script);
        self.wait(0.5);
    }

    /// The lift's own controller holds the door open, and says so again and again.
    fn hold(&mut self, seconds: f64, script: &mut Script) {
        let until = self.clock + seconds;
        while self.clock < until {
            self.say(Doing { door: LiftDoor::Open, persons: 1, hold: true, ..Doing::default() }, script);
            self.wait(REPEATS_S.min(until - self.clock));
        }
    }

    fn end(self, lift: usize, stage: &mut Stage<'_>, script: &mut Script) {
        script.say(self.clock, self.controller, standing(self.floor, LiftDoor::Closed));
        let state = &mut stage.state.lifts[lift];
        state.floor = self.floor;
        state.free_at = script.after(self.clock + 1.0);
    }
}

//! `wanglou backtest`: who would have been told what, and when. Messages and people's acts from a file (or from a
//! journal) go through the real profiles and the real engine in simulated time, and every effect comes out as a
//! line of JSON. Nothing leaves the machine: no broker, no phone, no clock.
//!
//! ```text
//!  lines ─► Scenario::parse ─► Simulation: deadlines that are due, then the line ─► facts ─► effects::of ─► lines
//! ```
//!
//! A scenario may also say what it expects of the effects; the scenario tests are such files.

mod ahead;
mod diff;
mod effects;
mod expect;
mod journal;
mod line;
mod overrides;
mod simulation;
mod untouched;

pub use diff::{AlarmChange, Change, Diff, PersonChange, PersonSum, Telling, diff};
pub use effects::{Effect, EffectName};
pub use expect::{Expectation, Unmet};
pub use journal::{JournalError, Replayed, Written, facts, messages, recorded, replay};
pub use line::{AlarmRef, Fault, GatewayNews, Line, PhoneNews, Scenario, What};
pub use overrides::{Overrides, apply};
pub use simulation::{Remark, Simulation};

use crate::configuration::Loaded;

impl Scenario {
    /// The same scenario with one more set of overrides on top: a red control.
    pub fn with(&self, line: usize, overrides: &Overrides) -> Scenario {
        let base = self.set.as_ref().map(|(_, set)| set.clone()).unwrap_or_default();
        Scenario { set: Some((line, overrides.over(&base))), ..self.clone() }
    }
}

/// What became of a scenario.
#[derive(Debug)]
pub struct Outcome {
    /// Every effect, in order.
    pub effects: Vec<Effect>,
    /// What the scenario's author should know: a topic that nobody decodes, a command that was refused.
    pub remarks: Vec<Remark>,
    /// What the scenario expects and did not get.
    pub unmet: Vec<Unmet>,
    /// Who was told what.
    pub telling: Telling,
}

/// Runs a whole scenario with a configuration.
///
/// # Errors
/// What is wrong with the scenario's overrides.
pub fn run(loaded: &Loaded, scenario: &Scenario) -> Result<Outcome, Vec<Fault>> {
    let setup = apply(loaded, scenario)?;
    let mut simulation = Simulation::new(setup, loaded.decisive.profiles.clone());
    for line in &scenario.lines {
        simulation.feed(line);
    }
    let telling = simulation.take_telling();
    let (effects, remarks) = simulation.end();
    let unmet = scenario.expectations.iter().filter_map(|expected| expected.unmet(&effects)).collect();
    Ok(Outcome { effects, remarks, unmet, telling })
}

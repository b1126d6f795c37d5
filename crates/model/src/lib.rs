//! The vocabulary of Wanglou: what everything else talks about.
//!
//! Ids, time, observations, the checked registry of a compound, alarms, inputs and facts. Not here: any
//! IO, any clock, any decision. Data comes from the decoder (observations) and the registry (places, devices,
//! people) and goes to the alarm engine, the journal and the screens.

mod alarm;
mod decode;
mod fact;
mod ids;
mod input;
mod ladder;
mod observation;
mod registry;
mod report;
mod time;

pub use alarm::*;
pub use decode::*;
pub use fact::*;
pub use ids::*;
pub use input::*;
pub use ladder::*;
pub use observation::*;
pub use registry::*;
pub use report::*;
pub use time::*;

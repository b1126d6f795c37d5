//! The seed compound as traffic: what its sensors would say in the course of a day, in the vendors' own formats.
//!
//! [`Traffic`] is an endless iterator over simulated time: lifts that travel, doors that open, covers that report,
//! now and then an e-bike in a lift or something that falls from a façade. It is a function of the site, the seed
//! and the start alone: no clock and no random source is read, and the same seed gives the same bytes. [`publish`]
//! hands it to a broker at a chosen pace, over MQTT at QoS 1.
//!
//! Not here: any judgement of what is an alarm; how often what happens is in `rhythm`. Messages of devices whose
//! profile has no voice here are left out ([`Traffic::mute`]).
//!
//! | where | what |
//! |---|---|
//! | `rhythm` | how often what happens on a day, and at which hours |
//! | `compound` | the site's devices, sorted by what happens to them |
//! | `day` | one day drawn up in advance: which episode when |
//! | `episodes` | what the sensors say when one of them happens |
//! | `floods` | what they say when everything happens at once |
//! | `beat` | what they say when nothing happens |
//! | `voice` | the same in each vendor's words |
//! | `publish` | to a broker, in real time; the only part that knows tokio |

mod beat;
mod compound;
mod day;
mod episodes;
mod floods;
pub mod publish;
mod random;
mod rhythm;
mod traffic;
mod voice;

pub use floods::{Act, Flood, acts, reports};
pub use traffic::{Event, NoTraffic, Options, Traffic};
pub use voice::Message;

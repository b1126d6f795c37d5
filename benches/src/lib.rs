//! What the benches are made of: a feeder that plays the broker, a bare consumer, the gateway's own pipeline; phones in
//! great number, and a bare broadcast.

pub mod apart;
pub mod bare;
pub mod broadcast;
pub mod crowd;
pub mod feeder;
pub mod ours;
pub mod phone;
pub mod stats;

//! What the load bench is made of: a feeder that plays the broker, a bare consumer, and the gateway's own pipeline.

pub mod bare;
pub mod feeder;
pub mod ours;
pub mod phone;
pub mod stats;

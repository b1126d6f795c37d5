//! What the MQTT tests share: a real mosquitto with the configuration of `deploy/`, a scripted broker in memory,
//! and an intake that lists what arrives.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

pub mod intake;
pub mod mosquitto;
pub mod scripted;

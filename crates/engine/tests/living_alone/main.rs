//! The living-alone rule through the engine's public face: the scenarios of the alarm rules, §3, and that neither a
//! restart nor a dead sensor is ever mistaken for a silent person.

#[path = "../story/mod.rs"]
mod story;

mod days;
mod doors;
mod sensors;
mod stages;
mod time;

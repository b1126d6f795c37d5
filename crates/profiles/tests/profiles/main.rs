//! Profiles from outside: files in, messages in, observations out.

mod canonical;
mod chain;
mod examples;
mod explain;
mod faults;
mod hostile;
mod messages;
mod pairing;
mod routing;
mod shipped;
mod support;
mod values;

//! The gateway: the only async crate. It connects the broker, the journal, the engine and the phones.

// They panic when nobody reads any more: `cli::say` has what to use.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod access;
pub mod backtest;
pub mod backup;
pub mod canary;
pub mod cli;
pub mod clock;
pub mod configuration;
pub mod device_commands;
pub mod doctor;
pub mod effects;
pub mod evidence;
mod expiry;
pub mod export;
pub mod feed;
pub mod health;
pub mod http;
pub mod hub;
pub mod ingest;
pub mod intake;
mod lanes;
pub mod metrics;
pub mod mqtt;
pub mod observe;
pub mod plans;
pub mod push;
pub mod quarantine;
pub mod record;
pub mod recovery;
pub mod run;
pub mod service_manager;
pub mod snapshot;
pub mod statistics;
pub mod trend;
mod verifier;
pub mod view;
pub mod views;
pub mod wiring;
pub mod writer;

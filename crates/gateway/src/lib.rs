//! The gateway: the only async crate. It connects the broker, the journal, the engine and the phones.

pub mod access;
pub mod backtest;
pub mod cli;
pub mod clock;
pub mod configuration;
pub mod effects;
pub mod evidence;
pub mod health;
pub mod http;
pub mod hub;
pub mod intake;
mod lanes;
pub mod lift_commands;
pub mod metrics;
pub mod mqtt;
pub mod observe;
pub mod push;
pub mod quarantine;
pub mod record;
pub mod recovery;
pub mod run;
pub mod service_manager;
pub mod snapshot;
pub mod view;
pub mod views;
pub mod wiring;
pub mod writer;

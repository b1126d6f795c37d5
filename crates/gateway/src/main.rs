//! `wanglou`: sensors in, the right officer's phone out, and proof that it arrived.

#![warn(clippy::print_stdout, clippy::print_stderr)]

#[cfg(test)]
mod documents;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use wanglou_gateway::cli::{self, Ended, say};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Wanglou (望楼): the event-ingestion gateway of a residential compound.
#[derive(Debug, Parser)]
#[command(name = "wanglou", version, arg_required_else_help = true)]
struct Wanglou {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(cli::demo::Args),
    Run(cli::run::Args),
    Reload(cli::reload::Args),
    Check(cli::check::Args),
    Decode(cli::decode::Args),
    Backtest(cli::backtest::Args),
    Report(cli::report::Args),
    Metrics(cli::metrics::Args),
    Config(cli::config::Args),
    Export(cli::export::Args),
    Doctor(cli::doctor::Args),
    Backup(cli::backup::Args),
    Restore(cli::restore::Args),
    Init(cli::init::Args),
    Enrol(cli::enrol::Args),
    TestAlarm(cli::test_alarm::Args),
    Verify(cli::verify::Args),
    Publish(cli::publish::Args),
    Simulate(cli::simulate::Args),
    Quarantine(cli::quarantine::Args),
    Profile(cli::profile::Args),
}

fn main() -> ExitCode {
    // One provider for all of TLS; another one installed before can only be this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(Wanglou::parse().command) {
        Ok(ended) => ended.into(),
        // `wanglou export | head`: the reader has what it wanted.
        Err(error) if say::is_unheard(&error) => ExitCode::from(say::CLOSED),
        Err(error) => {
            say::to_error(format_args!("wanglou: {error:#}\n"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<Ended> {
    match command {
        Command::Check(args) => args.run(),
        Command::Decode(args) => args.run(),
        Command::Backtest(args) => args.run(),
        Command::Report(args) => args.run(),
        Command::Metrics(args) => args.run(),
        Command::Config(args) => args.run(),
        Command::Export(args) => args.run(),
        Command::Doctor(args) => runtime()?.block_on(args.run()),
        Command::Restore(args) => args.run(),
        Command::Init(args) => args.run(),
        Command::Verify(args) => args.run(),
        Command::Run(args) => runtime()?.block_on(args.run()),
        Command::Reload(args) => runtime()?.block_on(args.run()),
        Command::Backup(args) => runtime()?.block_on(args.run()),
        Command::Enrol(args) => runtime()?.block_on(args.run()),
        Command::TestAlarm(args) => runtime()?.block_on(args.run()),
        Command::Demo(args) => runtime()?.block_on(args.run()),
        Command::Publish(args) => runtime()?.block_on(args.run()),
        Command::Profile(args) => runtime()?.block_on(args.run()),
        Command::Quarantine(args) => runtime()?.block_on(args.run()),
        Command::Simulate(args) => runtime()?.block_on(args.run()),
    }
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

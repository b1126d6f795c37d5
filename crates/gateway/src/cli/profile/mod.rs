//! `wanglou profile`: wiring a vendor in.

mod suggest;

use super::Ended;
use clap::{Args as ClapArgs, Subcommand};

/// Wire a vendor in: propose a profile from a sample.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Suggest(suggest::Args),
}

impl Args {
    /// Does what was asked.
    ///
    /// # Errors
    /// With words, when it cannot.
    pub fn run(self) -> anyhow::Result<Ended> {
        match self.verb {
            Verb::Suggest(args) => args.run(),
        }
    }
}

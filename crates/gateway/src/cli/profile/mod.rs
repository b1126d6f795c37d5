//! `wanglou profile`: wiring a vendor in.

mod promote;
mod suggest;
mod test;

use super::Ended;
use clap::{Args as ClapArgs, Subcommand};

/// Wire a vendor in: propose a profile from a sample, try it on what came in, and let its devices speak to officers.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Suggest(suggest::Args),
    Test(test::Args),
    Promote(promote::Args),
}

impl Args {
    /// Does what was asked.
    ///
    /// # Errors
    /// With words, when it cannot.
    pub async fn run(self) -> anyhow::Result<Ended> {
        match self.verb {
            Verb::Suggest(args) => args.run(),
            Verb::Test(args) => args.run().await,
            Verb::Promote(args) => args.run().await,
        }
    }
}

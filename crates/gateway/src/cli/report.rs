//! `wanglou report`: the statistics of a month.

use super::Ended;
use crate::backtest;
use crate::cli::say::{out, remark};
use crate::configuration;
use crate::statistics::{self, Lives, Month};
use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use std::io::Write;
use std::path::PathBuf;

/// The statistics of a month: by type, week and year, official times, false alarms, load of each officer.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  wanglou report --config config/gateway.toml --month 2026-10\n  wanglou report --config config/gateway.toml --month 2026-10 --format csv > october.csv\n  wanglou report --config config/gateway.toml --month 2026-10 --format json | jq '.kinds[] | {kind, alarms, change_pct}'\n  wanglou report --config config/gateway.toml --data /backup/data --month 2025-10\n\nReads the facts of the journal and changes nothing: the gateway may be running. Tests, drills and alarms on trial are\nleft out of every figure but their own count. Times count from the raise. A change against last year is \"n/a\" when there\nwas nothing then; journal_from says from when on anything is known."
)]
pub struct Args {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The month, by the compound's calendar.
    #[arg(long, value_name = "YYYY-MM")]
    month: Month,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// The data folder of the journal, in place of the configuration's.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables for people.
    Text,
    /// One figure a line, for spreadsheets.
    Csv,
    /// One object, for programs.
    Json,
}

impl Args {
    /// Prints the report.
    ///
    /// # Errors
    /// When the configuration has faults, or the journal cannot be read.
    pub fn run(self) -> anyhow::Result<Ended> {
        let loaded = configuration::load(&self.config).map_err(super::run::faults)?;
        let data =
            super::data_folder(&loaded, self.data.as_deref(), "name the gateway's data folder with --data")?;
        let setup = &loaded.decisive.setup;
        let name = &setup.site.zone;
        let zone = jiff::tz::TimeZone::get(name).with_context(|| format!("{name:?} is no time zone"))?;
        let months = [self.month, self.month.last_year()];
        let mut lives = Lives::within(months.map(|month| month.bounds(&zone)).to_vec());
        let first = backtest::facts(&data, &mut |news| match news {
            backtest::Written::Fact(at, fact) => lives.take(at, &fact),
            backtest::Written::ClockStep(step) => lives.clock_stepped(step),
        })?;
        let from = first.map(|at| setup.calendar.format(at));
        let figures = statistics::of(self.month, &zone, name, from, &lives);
        let text = match self.format {
            Format::Text => statistics::text(&figures),
            Format::Csv => statistics::csv(&figures),
            Format::Json => statistics::json(&figures)?,
        };
        out().write_all(text.as_bytes())?;
        if lives.dropped() > 0 {
            remark!(
                "wanglou: {} alarms or pushes more than are counted at once were left out",
                lives.dropped()
            );
        }
        Ok(Ended::Well)
    }
}

//! `wanglou export`: facts for other programs.

use super::Ended;
use crate::backtest;
use crate::cli::say::{out, remark};
use crate::configuration::{self, Decisive};
use crate::export::{Columns, Follow, Wanted, cap, csv_row, json_line};
use crate::view::kind_title;
use anyhow::Context;
use clap::{Args as ClapArgs, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wanglou_engine::Engine;
use wanglou_model::{PlaceId, Text, Timestamp, rfc3339_micros};

/// Write the facts of the journal as JSON lines, CSV, or CAP 1.2 messages. Changes nothing; the gateway may be running.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou export --config config/gateway.toml --from 2026-10-01T00:00:00+08:00 > october.jsonl
  wanglou export --config config/gateway.toml --format csv > facts.csv
  wanglou export --config config/gateway.toml --format cap --into cap/

Facts name officers, places and devices by id; names and telephone numbers are not in them. CAP is one file for each
message: an alarm raised (Alert), more urgent or over (Update). A backup is read with --data BACKUP/data.")]
pub struct Args {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    format: Format,
    /// From this time on, RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<Timestamp>,
    /// Before this time, RFC 3339.
    #[arg(long, value_name = "TIME", value_parser = time)]
    until: Option<Timestamp>,
    /// The folder for CAP messages.
    #[arg(long, value_name = "DIR", required_if_eq("format", "cap"))]
    into: Option<PathBuf>,
    /// The data folder of the journal, in place of the configuration's.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object a line.
    Jsonl,
    /// A table.
    Csv,
    /// Common Alerting Protocol 1.2, one XML file a message.
    Cap,
}

fn time(text: &str) -> Result<Timestamp, String> {
    rfc3339_micros::parse(text).ok_or_else(|| "write it as 2026-10-01T00:00:00+08:00".to_owned())
}

struct Names(Engine);

impl cap::Compound for Names {
    fn id(&self) -> String {
        self.0.setup().site.id.to_string()
    }

    fn name(&self) -> Text {
        self.0.setup().site.name.clone()
    }

    fn title(&self, kind: &str) -> Text {
        kind_title(&self.0, kind)
    }

    fn area(&self, place: &PlaceId) -> Text {
        let path = self.0.setup().site.path_of(place);
        // A place that is not in the registry any more has its id only.
        if path.is_empty() {
            return Text { zh: place.to_string(), en: place.to_string() };
        }
        let join =
            |of: &dyn Fn(&Text) -> String| path.iter().map(|name| of(name)).collect::<Vec<_>>().join(" ");
        Text { zh: join(&|name| name.zh.clone()), en: join(&|name| name.en.clone()) }
    }
}

impl Args {
    /// Writes them.
    ///
    /// # Errors
    /// When the configuration has faults, the journal cannot be read, or there is nowhere to write.
    pub fn run(self) -> anyhow::Result<Ended> {
        let loaded = configuration::load(&self.config).map_err(super::run::faults)?;
        let data =
            super::data_folder(&loaded, self.data.as_deref(), "name the gateway's data folder with --data")?;
        let wanted = Wanted { from: self.from, until: self.until };
        let count = match (self.format, &self.into) {
            (Format::Cap, Some(into)) => messages(&loaded.decisive, &data, wanted, into)?,
            (Format::Cap, None) => anyhow::bail!("name a folder for the messages with --into"),
            (Format::Jsonl, _) => lines(&loaded.decisive, &data, wanted)?,
            (Format::Csv, _) => rows(&loaded.decisive, &data, wanted)?,
        };
        remark!("{count} written");
        Ok(Ended::Well)
    }
}

/// Follows the journal; the first error ends what is written, and is told.
fn follow(
    data: &Path,
    wanted: Wanted,
    mut tell: impl FnMut(&crate::export::Told<'_>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let (mut follow, mut ended) = (Follow::default(), Ok(()));
    backtest::facts(data, &mut |news| match news {
        backtest::Written::Fact(at, fact) if ended.is_ok() => {
            ended = follow.take(at, &fact, wanted, &mut tell)
        }
        backtest::Written::Fact(..) => {}
        backtest::Written::ClockStep(step) => follow.clock_stepped(step),
    })?;
    ended
}

fn lines(decisive: &Decisive, data: &Path, wanted: Wanted) -> anyhow::Result<u64> {
    let mut out = std::io::BufWriter::new(out());
    let mut count = 0;
    follow(data, wanted, |told| {
        writeln!(out, "{}", json_line(&decisive.setup.calendar, told)?)?;
        count += 1;
        Ok(())
    })?;
    out.flush()?;
    Ok(count)
}

fn rows(decisive: &Decisive, data: &Path, wanted: Wanted) -> anyhow::Result<u64> {
    let mut out = csv::Writer::from_writer(out());
    out.write_record(Columns::NAMES)?;
    let mut count = 0;
    follow(data, wanted, |told| {
        out.write_record(csv_row(&decisive.setup.calendar, told)?)?;
        count += 1;
        Ok(())
    })?;
    out.flush()?;
    Ok(count)
}

fn messages(decisive: &Decisive, data: &Path, wanted: Wanted, into: &Path) -> anyhow::Result<u64> {
    std::fs::create_dir_all(into).with_context(|| format!("{} cannot be made", into.display()))?;
    let names = Names(Engine::new(Arc::clone(&decisive.setup)));
    let mut messages = cap::Messages::new(names, decisive.setup.calendar.clone());
    let mut count = 0;
    // All are followed, so that a message is called the same in every export and refers to those before it.
    follow(data, Wanted { from: None, until: None }, |told| {
        let message = messages.take(told.wall, told.fact, told.raised);
        if let Some(message) = message.filter(|_| wanted.holds(told.wall)) {
            let file = into.join(format!("{}.xml", message.identifier));
            std::fs::write(&file, message.xml)
                .with_context(|| format!("{} cannot be written", file.display()))?;
            count += 1;
        }
        Ok(())
    })?;
    Ok(count)
}

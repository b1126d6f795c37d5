//! `wanglou backtest`: who would have been told what, and when.

use super::Ended;
use crate::backtest::{self, Effect, Scenario, Telling};
use crate::cli::say::{out, remark};
use crate::configuration::{self, Instead, Loaded};
use anyhow::Context;
use clap::Args as ClapArgs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use wanglou_model::{Timestamp, rfc3339_micros};

/// The largest scenario, bytes.
const BYTES_MAX: u64 = 256 << 20;

/// Replay a scenario, or the journal, in simulated time, and print every effect as one JSON line.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  wanglou backtest --config config/gateway.toml tests/scenarios/manhole-2-guarded.jsonl\n  wanglou backtest --config config/gateway.toml - < evening.jsonl\n  wanglou backtest --config config/gateway.toml --from 2026-03-02T00:00:00+08:00 --until 2026-03-03T00:00:00+08:00\n  wanglou backtest --config config/gateway.toml --rules stricter.toml --diff           what other rules would change\n  wanglou backtest --config config/gateway.toml --site site-with-new-rota --diff --json evening.jsonl\n  wanglou backtest --config config/gateway.toml --diff                                 today's files against what happened\n\nWithout FILE it is the journal of the gateway's data folder, which may be running: its past, decided on again with\nthe configuration given here. --diff prints who would have been told more, less, earlier or later: with --rules, --profiles\nor --site against the configuration without them; without any of these against what the journal says was done. Exit\ncode 1 if the scenario expects something that did not come (said on standard error)."
)]
pub struct Args {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Other thresholds than the configuration's.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Other profiles than the configuration's.
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    /// Another folder of the compound than the configuration's: devices, people, rota.
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
    /// Print who would have been told otherwise, in place of every effect.
    #[arg(long)]
    diff: bool,
    /// The difference as one JSON object.
    #[arg(long, requires = "diff")]
    json: bool,
    /// Begin here, with the state that the journal had then.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "scenario")]
    from: Option<Timestamp>,
    /// End here.
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "scenario")]
    until: Option<Timestamp>,
    /// The data folder of the journal, in place of the configuration's.
    #[arg(long, value_name = "DIR", conflicts_with = "scenario")]
    data: Option<PathBuf>,
    /// The scenario, JSON lines; `-` is standard input.
    #[arg(value_name = "FILE")]
    scenario: Option<PathBuf>,
}

/// A time with an offset.
pub(super) fn time(text: &str) -> Result<Timestamp, String> {
    let wrong = || format!("{text:?} is not a time with an offset, such as 2026-03-02T09:00:00+08:00");
    rfc3339_micros::parse(text).ok_or_else(wrong)
}

impl Args {
    /// Prints the effects, or the difference; remarks and unmet expectations go to standard error.
    ///
    /// # Errors
    /// When the configuration or the scenario has faults, or a file cannot be read.
    pub fn run(self) -> anyhow::Result<Ended> {
        let instead =
            Instead { rules: self.rules.clone(), profiles: self.profiles.clone(), site: self.site.clone() };
        let loaded = configuration::load_instead(&self.config, &instead).map_err(super::run::faults)?;
        let before = (self.diff && !instead.is_empty())
            .then(|| configuration::load(&self.config).map_err(super::run::faults))
            .transpose()?;
        match (&self.scenario, self.diff) {
            (Some(path), false) => scenario(&loaded, path),
            (None, false) => self.journal(&loaded),
            (Some(path), true) => self.scenario_diff(&loaded, before.as_ref(), path),
            (None, true) => self.journal_diff(&loaded, before.as_ref()),
        }
    }

    fn data(&self, loaded: &Loaded) -> anyhow::Result<PathBuf> {
        super::data_folder(loaded, self.data.as_deref(), "name a data folder, or a scenario")
    }

    fn journal(&self, loaded: &Loaded) -> anyhow::Result<Ended> {
        let data = self.data(loaded)?;
        let mut out = std::io::BufWriter::new(out());
        let mut written = Ok(());
        let replayed = backtest::replay(&data, &loaded.decisive, self.from, self.until, &mut |effect| {
            if written.is_ok() {
                written = line(&mut out, &effect);
            }
        })?;
        written?;
        out.flush()?;
        remarks(&data, &replayed.remarks);
        Ok(Ended::Well)
    }

    fn journal_diff(&self, loaded: &Loaded, before: Option<&Loaded>) -> anyhow::Result<Ended> {
        let data = self.data(loaded)?;
        let run =
            |loaded: &Loaded| backtest::replay(&data, &loaded.decisive, self.from, self.until, &mut |_| {});
        let old = match before {
            Some(before) => run(before)?.telling,
            None => backtest::recorded(&data, self.from, self.until)?,
        };
        let new = run(loaded)?;
        remarks(&data, &new.remarks);
        self.print(loaded, &old, &new.telling)
    }

    fn scenario_diff(&self, loaded: &Loaded, before: Option<&Loaded>, path: &Path) -> anyhow::Result<Ended> {
        let before = before.context(
            "--diff of a scenario compares two configurations: name what is other, with --rules, --profiles or --site",
        )?;
        let name = path.display().to_string();
        let scenario = Scenario::parse(&name, &read(path)?).map_err(|found| faults(&found))?;
        let run = |loaded: &Loaded| backtest::run(loaded, &scenario).map_err(|found| faults(&found));
        let (old, new) = (run(before)?, run(loaded)?);
        new.remarks.iter().for_each(|remark| remark!("{name}: {remark}"));
        self.print(loaded, &old.telling, &new.telling)
    }

    fn print(&self, loaded: &Loaded, old: &Telling, new: &Telling) -> anyhow::Result<Ended> {
        let diff = backtest::diff(old, new, &loaded.decisive.setup.calendar);
        let text = if self.json { serde_json::to_string_pretty(&diff)? + "\n" } else { diff.text() };
        out().write_all(text.as_bytes())?;
        Ok(Ended::Well)
    }
}

/// A month may have a million of them: the first are shown, the others counted.
const REMARKS_MAX: usize = 20;

fn remarks(data: &Path, remarks: &[backtest::Remark]) {
    let name = data.display();
    for remark in remarks.iter().take(REMARKS_MAX) {
        remark!("{name}: record {}: {}", remark.line, remark.text);
    }
    if remarks.len() > REMARKS_MAX {
        remark!("{name}: {} more remarks", remarks.len() - REMARKS_MAX);
    }
}

fn line(out: &mut impl Write, effect: &Effect) -> anyhow::Result<()> {
    serde_json::to_writer(&mut *out, effect)?;
    Ok(out.write_all(b"\n")?)
}

fn scenario(loaded: &Loaded, path: &Path) -> anyhow::Result<Ended> {
    let name = path.display().to_string();
    let scenario = Scenario::parse(&name, &read(path)?).map_err(|found| faults(&found))?;
    let outcome = backtest::run(loaded, &scenario).map_err(|found| faults(&found))?;
    let mut out = std::io::BufWriter::new(out());
    for effect in &outcome.effects {
        line(&mut out, effect)?;
    }
    out.flush()?;
    for remark in &outcome.remarks {
        remark!("{name}: {remark}");
    }
    for unmet in &outcome.unmet {
        remark!("{name}: {unmet}");
    }
    Ok(if outcome.unmet.is_empty() { Ended::Well } else { Ended::Faulty })
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin().take(BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text))
    };
    let bytes = read.with_context(|| format!("{} cannot be read as UTF-8 text", path.display()))?;
    anyhow::ensure!((bytes as u64) < BYTES_MAX, "{} is larger than 256 MiB: split it", path.display());
    Ok(text)
}

fn faults(found: &[backtest::Fault]) -> anyhow::Error {
    let lines: Vec<String> = found.iter().map(|fault| format!("  {fault}")).collect();
    anyhow::anyhow!("the scenario has faults:\n{}", lines.join("\n"))
}

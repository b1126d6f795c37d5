//! `wanglou profile test`: what a new or changed profile would have made of what came in.

use super::suggest::profile_files;
use crate::backtest;
use crate::cli::Ended;
use crate::cli::quarantine::{entries, safe};
use crate::cli::say::{out, remark, say};
use crate::configuration;
use crate::wiring::compare::{Comparing, Comparison, Found};
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use wanglou_model::RawMessage;
use wanglou_profiles::ProfileSet;

/// Progress is told after so many messages.
const TELL_EVERY: u64 = 100_000;

/// Run a new or changed profile over the messages that are kept, and show what would be understood otherwise.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou profile test --config config/gateway.toml --profile-file acme.toml
  wanglou profile test --config config/gateway.toml --profile-file acme.toml --records 5000000 --json

It decodes the messages of the journal (those whose bodies are kept) and the whole samples of the quarantine twice: with
the profiles that are there, and with FILE beside them, or in the place of the one of its name. Nothing is changed, and
the gateway may be running. Looked at are the journal's latest records (--records); examples are at most five each.")]
pub(super) struct Args {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The new or changed profile.
    #[arg(long, value_name = "FILE")]
    profile_file: PathBuf,
    /// The data directory, if it is not the configuration's.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// So many of the journal's latest records are looked at.
    #[arg(long, default_value_t = 1_000_000)]
    records: u64,
    /// One JSON object, for other programs.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Compares and prints.
    ///
    /// # Errors
    /// When a file has faults, or the journal cannot be read.
    pub(super) async fn run(self) -> anyhow::Result<Ended> {
        let loaded = configuration::load(&self.config).map_err(crate::cli::run::faults)?;
        let mut files = profile_files(&loaded);
        let new = std::fs::read(&self.profile_file)
            .with_context(|| format!("{} cannot be read", self.profile_file.display()))?;
        let name = name_of(&new);
        files.retain(|_, bytes| name.is_none() || name_of(bytes) != name);
        let file = self.profile_file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(file.clone(), new);
        let after = match ProfileSet::compile(&files) {
            Ok(after) => after,
            Err(faults) => return refused(&faults),
        };
        let mut wrong = after.run_examples();
        wrong.retain(|fault| fault.file == file);
        if !wrong.is_empty() {
            return refused(&wrong);
        }
        let comparing = Comparing::new(Arc::clone(&loaded.decisive.profiles), Arc::new(after));
        let found = self.compare(&loaded, comparing).await?;
        if self.json {
            say!("{}", serde_json::to_string(&found)?)?;
        } else {
            out().write_all(shown(&found).as_bytes())?;
        }
        Ok(Ended::Well)
    }

    async fn compare(
        &self,
        loaded: &configuration::Loaded,
        mut comparing: Comparing,
    ) -> anyhow::Result<Comparison> {
        let data = self.data.clone().unwrap_or_else(|| loaded.folder.join(&loaded.gateway.data));
        if !data.is_dir() {
            bail!(
                "{} is no data directory: let the gateway run first, or name one with --data",
                data.display()
            );
        }
        let mut count = 0_u64;
        backtest::messages(&data, self.records, &mut |raw| {
            comparing.message(raw);
            count += 1;
            if count.is_multiple_of(TELL_EVERY) {
                remark!("{count} messages");
            }
        })?;
        // Another data directory is a copy: its samples are not those of the gateway that runs here.
        let samples = match &self.data {
            None => entries(&self.config).await?,
            Some(data) => crate::cli::quarantine::left(data)?,
        };
        for entry in samples.iter().filter(|entry| !entry.is_cut()) {
            let (topic, payload) = (entry.topic.as_str(), entry.sample.as_slice());
            comparing.message(&RawMessage { topic, payload, at: entry.last_at, retain: false, dup: false });
        }
        Ok(comparing.end())
    }
}

fn name_of(bytes: &[u8]) -> Option<String> {
    let file: toml::Table = toml::from_str(&String::from_utf8_lossy(bytes)).ok()?;
    Some(file.get("name")?.as_str()?.to_owned())
}

fn refused(faults: &[wanglou_profiles::Fault]) -> anyhow::Result<Ended> {
    for fault in faults {
        remark!("{}:{}: {}: {}", fault.file, fault.line, fault.key_path, safe(&fault.message));
    }
    remark!("the profile has {} faults: nothing was compared", faults.len());
    Ok(Ended::Faulty)
}

fn shown(found: &Comparison) -> String {
    let mut text = format!("{} messages and samples compared\n", found.messages);
    for (name, found) in [
        ("newly understood", &found.newly_understood),
        ("changed", &found.changed),
        ("no longer understood", &found.no_longer_understood),
    ] {
        text += &group(name, found);
    }
    text
}

fn group(name: &str, found: &Found) -> String {
    let mut text = format!("{name}: {}\n", found.count);
    for example in &found.examples {
        text += &format!(
            "  {}\n    {}\n    now:   {}\n    then:  {}\n",
            safe(&example.topic),
            safe(&example.payload).replace('\n', " "),
            safe(&example.before),
            safe(&example.after)
        );
    }
    text
}

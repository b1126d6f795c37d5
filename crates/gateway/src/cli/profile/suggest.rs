//! `wanglou profile suggest`: a profile file to start from.

use crate::cli::Ended;
use crate::cli::quarantine::safe;
use crate::cli::say::{out, remark};
use crate::clock;
use crate::configuration::{self, Loaded};
use crate::wiring::sample::{self, Sample};
use crate::wiring::suggest::{Known, Proposal, suggest};
use anyhow::{Context, anyhow, bail};
use clap::Args as ClapArgs;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use wanglou_model::{Decoded, RawMessage};

/// The largest file with samples, bytes.
const BYTES_MAX: u64 = 16 << 20;

/// Propose a profile file from a sample of what a device says.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou profile suggest --sample message.json --topic acme/7/front/state
  wanglou profile suggest --sample samples.jsonl --config config/gateway.toml --out config/profiles/acme.toml
  wanglou quarantine export --config config/gateway.toml acme/7/front/state | wanglou profile suggest --sample -

FILE is a bare message (then say --topic), or what `wanglou quarantine export` writes; - is standard input. With --config
it first asks the profiles that are there, and names a known family that speaks alike.

It is a proposal. Kinds are guessed from the names of keys, which can mislead. What nobody can know from a message (is
`contact: false` an open door?) is left as \"FILL IN\", and `wanglou check` refuses the file until a person has replaced
it. Exit code 3: a profile that is there understands the sample already.")]
pub(super) struct Args {
    /// The sample, or - for standard input.
    #[arg(long, value_name = "FILE")]
    sample: PathBuf,
    /// The topic that it came by, where FILE is a bare message; of several samples: only this one.
    #[arg(long)]
    topic: Option<String>,
    /// The gateway's file: its profiles are asked first.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The profile's name: lower-case letters, digits and _. Without it: the first word of the topic.
    #[arg(long)]
    name: Option<String>,
    /// Into this file, which must not be there yet; otherwise to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Args {
    /// Proposes.
    ///
    /// # Errors
    /// When there is no sample, or nothing can be proposed.
    pub(super) fn run(self) -> anyhow::Result<Ended> {
        let samples = self.samples()?;
        let loaded = match &self.config {
            Some(config) => Some(configuration::load(config).map_err(crate::cli::run::faults)?),
            None => None,
        };
        if let Some(words) = loaded.as_ref().and_then(|loaded| understood(loaded, &samples[0])) {
            remark!("{words}");
            return Ok(Ended::Unmatched);
        }
        let files = loaded.as_ref().map(profile_files).unwrap_or_default();
        if let Some(name) = &self.name {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            if name.is_empty() || !name.chars().all(fits) {
                bail!("--name {name:?}: lower-case letters, digits and _ only, such as acme_door");
            }
        }
        let zone = loaded.as_ref().map_or("Asia/Shanghai", |loaded| &loaded.decisive.setup.site.zone);
        let known = Known { files: &files, zone, now: clock::wall(), name: self.name.as_deref() };
        let proposal = suggest(&samples, &known).map_err(|words| anyhow!("no proposal: {words}"))?;
        self.put(&proposal)?;
        tell(&proposal);
        Ok(Ended::Well)
    }

    fn samples(&self) -> anyhow::Result<Vec<Sample>> {
        let mut bytes = Vec::new();
        if self.sample.as_os_str() == "-" {
            std::io::stdin().take(BYTES_MAX).read_to_end(&mut bytes)?;
        } else {
            let file = std::fs::File::open(&self.sample);
            let file = file.with_context(|| format!("{} cannot be read", self.sample.display()))?;
            file.take(BYTES_MAX).read_to_end(&mut bytes)?;
        }
        let name = self.sample.display();
        // A file of several samples has topics of its own; --topic chooses there.
        if let (Ok(mut several), Some(topic)) = (sample::read(&bytes, None), &self.topic) {
            several.retain(|sample| sample.topic == *topic);
            if several.is_empty() {
                bail!("{name}: no sample of it came by {topic:?}");
            }
            return Ok(several);
        }
        sample::read(&bytes, self.topic.as_deref()).with_context(|| name.to_string())
    }

    fn put(&self, proposal: &Proposal) -> anyhow::Result<()> {
        let Some(path) = &self.out else {
            return Ok(out().write_all(proposal.text.as_bytes())?);
        };
        let file = std::fs::File::create_new(path);
        let mut file = file.with_context(|| format!("{} cannot be made", path.display()))?;
        file.write_all(proposal.text.as_bytes())?;
        remark!("{} is a proposal: review it", path.display());
        Ok(())
    }
}

/// What stands in the gateway's profile folder, by file name.
pub(super) fn profile_files(loaded: &Loaded) -> BTreeMap<String, Vec<u8>> {
    let files = loaded.decisive.bundle.iter();
    let files = files.filter_map(|(name, bytes)| Some((name.strip_prefix("profiles/")?, bytes)));
    files.map(|(name, bytes)| (name.to_owned(), bytes.clone())).collect()
}

/// Which profile understands the sample already.
fn understood(loaded: &Loaded, sample: &Sample) -> Option<String> {
    let at = sample.at.unwrap_or_else(clock::wall);
    let raw = RawMessage { topic: &sample.topic, payload: &sample.payload, at, retain: false, dup: false };
    match loaded.decisive.profiles.decode(&raw) {
        Decoded::Observations(said) => said.first().map(|first| {
            let (profile, device) = (&first.profile, safe(&first.device));
            let known = loaded.decisive.setup.device_of(first).map(|(id, _)| id.to_string());
            match known {
                Some(id) => format!("the profile {profile} understands it already, and it is the device {id}"),
                None => format!(
                    "the profile {profile} understands it already; what lacks is a line in devices.csv with profile {profile} and identity {device}"
                ),
            }
        }),
        Decoded::Ignored(why) => Some(format!("a profile that is there ignores it: {why}")),
        Decoded::Unmatched(_) | Decoded::Rejected { .. } => None,
    }
}

/// What comes next, beside the file.
fn tell(proposal: &Proposal) {
    for open in &proposal.open {
        remark!("to fill in: {}", safe(open));
    }
    if let Some(identity) = &proposal.identity {
        remark!("for devices.csv: profile {}, identity {}", proposal.name, safe(identity));
    }
}

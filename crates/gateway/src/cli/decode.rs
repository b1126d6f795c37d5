//! `wanglou decode`: what a payload means.

use super::Ended;
use crate::cli::say::say;
use crate::clock;
use crate::configuration;
use clap::Args as ClapArgs;
use std::io::Read;
use std::path::PathBuf;
use wanglou_model::{Decoded, RawMessage};
use wanglou_profiles::DecodeState;

/// Decode a payload from standard input, and print each observation as one JSON line.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  echo '{\"contact\":false}' | wanglou decode --config config/gateway.toml --topic zigbee2mqtt/home-3-1203/door\n  echo '{\"contact\":null}' | wanglou decode --config config/gateway.toml --topic zigbee2mqtt/home-3-1203/door --explain\n\nExit code 3: no profile knows it ({\"unmatched\": why}); 4: it is malformed ({\"rejected\": why})."
)]
pub struct Args {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The topic that it came by.
    #[arg(long)]
    topic: String,
    /// Only this profile.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// As if the broker had retained it.
    #[arg(long)]
    retain: bool,
    /// Tell on standard error which rules matched, which pointer gave which value, and why others did not.
    #[arg(long)]
    explain: bool,
    /// With --explain: the explanation as one JSON object, the last line of standard output.
    #[arg(long, requires = "explain")]
    json: bool,
}

impl Args {
    /// Reads standard input and prints.
    ///
    /// # Errors
    /// When the configuration has faults, or standard input cannot be read.
    pub fn run(self) -> anyhow::Result<Ended> {
        let loaded = configuration::load(&self.config).map_err(super::run::faults)?;
        let mut payload = Vec::new();
        std::io::stdin().take(16 << 20).read_to_end(&mut payload)?;
        // A payload that is typed or echoed ends with a line break that no device sends.
        if payload.ends_with(b"\n") && std::str::from_utf8(&payload).is_ok() {
            payload.pop();
        }
        let raw = RawMessage {
            topic: &self.topic,
            payload: &payload,
            at: clock::wall(),
            retain: self.retain,
            dup: false,
        };
        let profiles = &loaded.decisive.profiles;
        if self.explain {
            let (_, explanation) =
                profiles.explain(self.profile.as_deref(), &raw, &mut DecodeState::default());
            if self.json {
                let ended = print(&profiles.decode_with(self.profile.as_deref(), &raw))?;
                say!("{}", serde_json::json!({"explain": explanation}))?;
                return Ok(ended);
            }
            super::say::to_error(format_args!("{}", super::quarantine::safe(&explanation.to_string())));
        }
        print(&profiles.decode_with(self.profile.as_deref(), &raw))
    }
}

/// One line for each observation, or one for why there is none.
fn print(decoded: &Decoded) -> anyhow::Result<Ended> {
    match decoded {
        Decoded::Observations(said) => {
            for said in said {
                say!("{}", serde_json::to_string(&said)?)?;
            }
            Ok(Ended::Well)
        }
        Decoded::Ignored(why) => {
            say!("{}", serde_json::json!({"ignored": why}))?;
            Ok(Ended::Well)
        }
        Decoded::Unmatched(why) => {
            say!("{}", serde_json::json!({"unmatched": why}))?;
            Ok(Ended::Unmatched)
        }
        Decoded::Rejected { reason, .. } => {
            say!("{}", serde_json::json!({"rejected": reason}))?;
            Ok(Ended::Rejected)
        }
    }
}

//! `wanglou check`: everything that is wrong with a configuration, at once.

use super::Ended;
use crate::cli::say::say;
use crate::configuration::{self, Fault, Severity};
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Check a configuration: load everything, run every profile's own examples, and look for gaps in the rota.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  wanglou check --config config/gateway.toml\n  wanglou check --config config/gateway.toml --json\n\nExit code 1 if anything is an error."
)]
pub struct Args {
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// One JSON object a line, for other programs.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Prints every fault.
    ///
    /// # Errors
    /// When standard output is gone.
    pub fn run(self) -> anyhow::Result<Ended> {
        let (faults, summary) = match configuration::load(&self.config) {
            Err(faults) => (faults, None),
            Ok(loaded) => {
                let mut faults = loaded.warnings.clone();
                let examples = loaded.decisive.profiles.run_examples();
                let folder = loaded.folder.join(&loaded.gateway.profiles);
                faults.extend(examples.into_iter().map(|fault| {
                    let file = folder.join(&fault.file).display().to_string();
                    Fault::error(
                        &file,
                        &fault.key_path,
                        Some(fault.line).filter(|line| *line > 0),
                        fault.message,
                    )
                }));
                let site = &loaded.decisive.setup.site;
                let words = format!(
                    "{}: {} places, {} devices, {} officers, {} homes watched; {} profiles",
                    site.id,
                    site.places.len(),
                    site.devices.len(),
                    site.officers.len(),
                    site.homes.values().filter(|home| home.consent).count(),
                    loaded.decisive.profiles.profiles().count(),
                );
                (faults, Some(words))
            }
        };
        for fault in &faults {
            if self.json {
                say!("{}", serde_json::to_string(fault)?)?;
            } else {
                say!("{fault}")?;
            }
        }
        let errors = faults.iter().filter(|fault| fault.severity == Severity::Error).count();
        if !self.json {
            if let Some(summary) = summary {
                say!("{summary}")?;
            }
            say!("{errors} errors, {} warnings", faults.len() - errors)?;
        }
        Ok(if errors == 0 { Ended::Well } else { Ended::Faulty })
    }
}

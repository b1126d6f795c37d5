//! `wanglou backup`: a copy of everything, while the gateway runs.

use super::{Ended, local};
use crate::cli::say::tell;
use crate::configuration::GatewayFile;
use anyhow::Context;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Back the gateway up while it runs: journal, blobs, configurations, and the files that it was configured with.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou backup --config /etc/wanglou/gateway.toml --into /mnt/backup
  wanglou backup --config /etc/wanglou/gateway.toml --into /mnt/backup --check /mnt/backup/wanglou-demo-20260302T090000Z

The gateway writes it, so its user must be able to write there. It is a folder of its own with SHA256SUMS, whole or not
there. Files with passwords and keys that the configuration names are not in it. What sensors and people said is left
out where it would pass retention.bodies_days before the backup is thrown away. By itself every day: [backup] in
gateway.toml. To get it back: wanglou restore.")]
pub struct Args {
    /// The file of the gateway that runs on this machine.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The folder to put it in; without: backup.into of the gateway's file.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// After so many days you throw it away.
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    keep_days: u32,
    /// Make none: hold this one against its sums.
    #[arg(long, value_name = "BACKUP")]
    check: Option<PathBuf>,
}

impl Args {
    /// Asks the gateway and prints what it made.
    ///
    /// # Errors
    /// When no gateway runs, or it could not make one.
    pub async fn run(self) -> anyhow::Result<Ended> {
        if let Some(backup) = &self.check {
            return Ok(check(backup));
        }
        let into = match self.into {
            Some(into) => into,
            None => configured(&self.config)?,
        };
        let into = std::path::absolute(&into).with_context(|| format!("{} is no path", into.display()))?;
        let body = serde_json::json!({"into": into, "keep_days": self.keep_days});
        let answer = local::post(&self.config, "/api/local/backup", &body).await?;
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        let number = |key: &str| answer[key].as_u64().unwrap_or_default();
        tell!("{}", text("path"));
        tell!("{} files, {} bytes, up to position {}", number("files"), number("bytes"), number("position"));
        tell!("throw it away by {}", text("delete_by"));
        let damaged: Vec<&str> =
            answer["damaged"].as_array().into_iter().flatten().filter_map(|line| line.as_str()).collect();
        for line in &damaged {
            tell!("damaged in the journal itself, and copied so: {line}");
        }
        Ok(if damaged.is_empty() { Ended::Well } else { Ended::Faulty })
    }
}

fn configured(config: &std::path::Path) -> anyhow::Result<PathBuf> {
    let text =
        std::fs::read_to_string(config).with_context(|| format!("{} cannot be read", config.display()))?;
    let gateway = GatewayFile::parse(&config.display().to_string(), &text)
        .map_err(|fault| anyhow::anyhow!("{fault}"))?;
    let into =
        gateway.backup.into.context("name a folder with --into, or set backup.into in the gateway's file")?;
    Ok(config.parent().unwrap_or(std::path::Path::new("")).join(into))
}

fn check(backup: &std::path::Path) -> Ended {
    match crate::backup::manifest::check(backup) {
        Ok(manifest) => {
            tell!(
                "sound: {} of {}, {} files, {} bytes",
                manifest.site,
                manifest.made_at,
                manifest.files,
                manifest.bytes
            );
            Ended::Well
        }
        Err(flaws) => {
            tell!("{} is damaged:\n{}", backup.display(), crate::backup::said(&flaws));
            Ended::Faulty
        }
    }
}

//! `wanglou restore`: from a backup to a gateway that can be started.

use super::Ended;
use crate::backup::restore::restore;
use crate::cli::say::tell;
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// Restore a backup into a new folder: data and configuration, ready to be started.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou restore --from /mnt/backup/wanglou-demo-20260302T090000Z --into /var/lib/wanglou-restored

Every file is held against its sum first; a damaged backup is refused with each bad file named, and nothing is written
over. The journal gets a new history, so that phones notice and fetch their list anew. Time between the backup and the
first start counts as blind: nobody is taken for silent because of it. Stop the old gateway first: two would take the
broker's messages from each other.")]
pub struct Args {
    /// The backup's folder.
    #[arg(long, value_name = "BACKUP")]
    from: PathBuf,
    /// A folder that is not there yet.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

impl Args {
    /// Restores, and prints what to do next.
    ///
    /// # Errors
    /// When the backup is damaged, the folder is there, or the disk is full. Nothing is left then.
    pub fn run(self) -> anyhow::Result<Ended> {
        let done = restore(&self.from, &self.into)?;
        let was = done.manifest.history.get(..8).unwrap_or_default().to_owned();
        let is = done.history.get(..8).unwrap_or_default();
        tell!(
            "restored {} of {}, position {}; history {was} is now {is}",
            done.manifest.site,
            done.manifest.made_at,
            done.manifest.position
        );
        for (key, place) in &done.manifest.moved {
            tell!(
                "set {key} = {:?} in {}: it lay outside of the gateway's folder",
                place.display().to_string(),
                done.config.display()
            );
        }
        for (key, file) in &done.missing {
            tell!("put back {key}: {} is not there (secrets are not in a backup)", file.display());
        }
        tell!("check it:  wanglou check --config {}", done.config.display());
        let absolute = std::path::absolute(&done.data).unwrap_or_else(|_| done.data.clone());
        let same = done.expected_data.canonicalize().ok() == absolute.canonicalize().ok();
        let prefix = if same { String::new() } else { format!("WANGLOU_DATA={} ", absolute.display()) };
        tell!("start it:  {prefix}wanglou run --config {}", done.config.display());
        Ok(Ended::Well)
    }
}

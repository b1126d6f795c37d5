//! `wanglou profile promote`: a vendor's devices have been tried out.

use crate::cli::Ended;
use crate::cli::local::Place;
use crate::cli::say::tell;
use crate::configuration::{self, Loaded};
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use wanglou_model::DeviceId;
use wanglou_site::{DEVICES, Promoted, promote};

/// End the probation of a profile's devices: from now on officers are told of their alarms.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou profile promote acme --config config/gateway.toml
  wanglou profile promote acme --device front-door --config config/gateway.toml

It empties the cell `probation` of these devices in devices.csv, leaves every other byte as it is, checks the whole
configuration, and has the gateway that runs here reload it; without one it holds from the next start. Alarms of these
devices that are open now are told to the officers at once. To put a device back on probation, write yes into the cell
and reload.")]
pub(super) struct Args {
    /// The profile, as devices.csv names it.
    name: String,
    /// The gateway's file.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only this device of it.
    #[arg(long, value_name = "ID")]
    device: Option<String>,
}

impl Args {
    /// Promotes, and says whom.
    ///
    /// # Errors
    /// When the configuration has faults, or nothing of the profile is on probation.
    pub(super) async fn run(self) -> anyhow::Result<Ended> {
        let loaded = configuration::load(&self.config).map_err(crate::cli::run::faults)?;
        let device = match &self.device {
            Some(id) => Some(self.device(&loaded, id)?),
            None => None,
        };
        if !loaded.decisive.profiles.profiles().any(|profile| profile.name == self.name) {
            bail!("there is no profile {:?}", self.name);
        }
        let path = loaded.folder.join(&loaded.gateway.site).join(DEVICES);
        let before =
            std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let which = device.as_ref().map_or(Promoted::Profile(&self.name), Promoted::Device);
        let (after, promoted) =
            promote(&before, &which).map_err(|words| anyhow::anyhow!("{}: {words}", path.display()))?;
        if promoted.is_empty() {
            tell!("nothing of {} is on probation", self.name);
            return Ok(Ended::Well);
        }
        replace(&path, &after)?;
        if let Err(faults) = configuration::load(&self.config) {
            replace(&path, &before)?;
            return Err(crate::cli::run::faults(faults)).context("nothing was changed");
        }
        let names: Vec<&str> = promoted.iter().map(DeviceId::as_str).collect();
        tell!("off probation: {}", names.join(", "));
        self.reload().await?;
        Ok(Ended::Well)
    }

    fn device(&self, loaded: &Loaded, id: &str) -> anyhow::Result<DeviceId> {
        let known = loaded.decisive.setup.site.devices.iter().find(|(known, _)| known.as_str() == id);
        match known {
            Some((known, device)) if device.profile == self.name => Ok(known.clone()),
            Some((_, device)) => {
                bail!("{id} is a device of the profile {}, not of {}", device.profile, self.name)
            }
            None => bail!("devices.csv has no device {id:?}"),
        }
    }

    async fn reload(&self) -> anyhow::Result<()> {
        let place = Place::of(&self.config)?;
        if !place.is_running().await {
            tell!("no gateway runs here: it holds from the next start");
            return Ok(());
        }
        let told = "devices.csv is changed, and the gateway did not take it: reload it when that is mended";
        place.post("/api/admin/reload", &json!({})).await.context(told)?;
        tell!("reloaded: officers are told of their alarms from now on");
        Ok(())
    }
}

/// Writes a file anew, whole or not at all.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let beside = path.with_extension("csv.new");
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&beside)?;
        file.set_permissions(std::fs::metadata(path)?.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    write().with_context(|| format!("{} cannot be written", path.display()))
}

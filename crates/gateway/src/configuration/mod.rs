//! From files to what the gateway runs on: everything is read, everything is checked, and every fault is
//! reported at once, with file, key path and line.
//!
//! What decides about alarms (the checked site, the rules, the profiles) is kept by its content hash, so that an
//! old record can be read with the configuration of its time. Names and telephone numbers are not part of that.

mod checks;
pub mod environment;
mod fault;
mod file;
pub mod keys;

pub use fault::{Fault, Severity};
pub use file::{
    BackupTable, BulletinTable, CanaryTable, CardTable, CloudEventsTable, GatewayFile, HttpTable, LogFormat,
    MqttTable, NoteSort, NoteTable, WebhookTable,
};

use crate::http::Certificate;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wanglou_engine::{RuleSettings, Setup};
use wanglou_model::{Channel, Site};
use wanglou_profiles::ProfileSet;
use wanglou_site::{Compound, People};

/// A named set of files, as the journal's configuration store keeps it.
pub type Bundle = BTreeMap<String, Vec<u8>>;

/// Everything that was read and found to be right.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The gateway's own file.
    pub gateway: GatewayFile,
    /// The folder that it lies in; relative paths in it begin there.
    pub folder: PathBuf,
    /// What decides about alarms.
    pub decisive: Decisive,
    /// Names and telephone numbers.
    pub people: Arc<People>,
    /// What is not wrong, and should be looked at.
    pub warnings: Vec<Fault>,
}

/// What decides about alarms, and is kept by its content hash.
#[derive(Debug, Clone)]
pub struct Decisive {
    /// For the engine.
    pub setup: Arc<Setup>,
    /// For decoding.
    pub profiles: Arc<ProfileSet>,
    /// The same as files.
    pub bundle: Bundle,
}

impl Decisive {
    /// The content hash, in hexadecimal digits.
    pub fn hash(&self) -> &str {
        &self.setup.hash
    }

    /// Makes it again from a bundle that was kept.
    ///
    /// # Errors
    /// The faults, which mean that the bundle was written by a newer program or is damaged.
    pub fn from_bundle(bundle: Bundle) -> Result<Self, Vec<Fault>> {
        let part = |name: &str| bundle.get(name).map(Vec::as_slice).unwrap_or_default();
        let broken =
            |name: &str, error: serde_json::Error| vec![Fault::error(name, "", None, error.to_string())];
        let site: Site = serde_json::from_slice(part(SITE)).map_err(|error| broken(SITE, error))?;
        let rules: RuleSettings =
            serde_json::from_slice(part(RULES)).map_err(|error| broken(RULES, error))?;
        let channels: Vec<Channel> =
            serde_json::from_slice(part(CHANNELS)).map_err(|error| broken(CHANNELS, error))?;
        let profiles = bundle.iter().filter_map(|(name, bytes)| {
            name.strip_prefix(PROFILES).map(|name| (name.to_owned(), bytes.clone()))
        });
        let profiles = ProfileSet::compile(&profiles.collect()).map_err(fault::of_profiles)?;
        // Bundles of before there were bulletins have none.
        let bulletins: BTreeSet<String> = match part(BULLETINS) {
            [] => BTreeSet::new(),
            names => serde_json::from_slice(names).map_err(|error| broken(BULLETINS, error))?,
        };
        let mut setup = Setup::new(site, rules, hash_of(&bundle), channels)
            .map_err(|error| vec![Fault::error(SITE, "zone", None, error.to_string())])?;
        setup.bulletins = bulletins;
        Ok(Self { setup: Arc::new(setup), profiles: Arc::new(profiles), bundle })
    }
}

const SITE: &str = "site.json";
const RULES: &str = "rules.json";
const CHANNELS: &str = "channels.json";
const BULLETINS: &str = "bulletins.json";
const PROFILES: &str = "profiles/";

/// The content hash of a bundle in hexadecimal digits, as the journal's configuration store computes it.
pub fn hash_of(bundle: &Bundle) -> String {
    wanglou_journal::ConfigHash::of(bundle).to_string()
}

/// Files that are read in place of those that the gateway's file names: to try a change out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Instead {
    /// The rules' thresholds.
    pub rules: Option<PathBuf>,
    /// The folder of the profiles.
    pub profiles: Option<PathBuf>,
    /// The folder of the compound.
    pub site: Option<PathBuf>,
}

impl Instead {
    /// Is nothing replaced?
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Reads and checks everything that a gateway file names.
///
/// # Errors
/// Every fault that was found, warnings among them.
pub fn load(path: &Path) -> Result<Loaded, Vec<Fault>> {
    load_instead(path, &Instead::default())
}

/// The same with other files in place of some; their paths begin at the working directory.
///
/// # Errors
/// Every fault that was found, warnings among them.
pub fn load_instead(path: &Path, instead: &Instead) -> Result<Loaded, Vec<Fault>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| {
        vec![Fault::error(
            &name,
            "",
            None,
            format!("cannot be read: {error}; `wanglou init` writes a commented start"),
        )]
    })?;
    let mut gateway = GatewayFile::parse(&name, &text).map_err(|fault| vec![fault])?;
    for (named, other) in [
        (&mut gateway.rules, &instead.rules),
        (&mut gateway.profiles, &instead.profiles),
        (&mut gateway.site, &instead.site),
    ] {
        if let Some(other) = other {
            *named = std::path::absolute(other).unwrap_or_else(|_| other.clone());
        }
    }
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    load_parts(gateway, folder, &name)
}

fn load_parts(gateway: GatewayFile, folder: PathBuf, name: &str) -> Result<Loaded, Vec<Fault>> {
    let mut faults = gateway.check(name);
    let rules = read_rules(&folder.join(&gateway.rules), &mut faults);
    let profile_files = read_profiles(&folder.join(&gateway.profiles), &mut faults);
    let site_folder = folder.join(&gateway.site);
    let checked = read_site(&site_folder, &mut faults);
    let profiles = match ProfileSet::compile(&profile_files) {
        Ok(profiles) => Some(profiles),
        Err(found) => {
            faults.extend(fault::of_profiles(found).into_iter().map(|fault| fault.under(&gateway.profiles)));
            None
        }
    };
    let (Some(rules), Some(profiles), Some(checked)) = (rules, profiles, checked) else {
        return Err(faults);
    };
    if let Err(error) = wanglou_engine::Overrides::new(&rules, &checked.site) {
        let file = folder.join(&gateway.rules).display().to_string();
        faults.push(Fault::error(&file, "override", None, error.to_string()));
    }
    faults.extend(unknown_profiles(&site_folder, &checked, &profiles));
    faults.extend(unknown_webhooks(&site_folder, &checked.people, &gateway));
    faults.extend(cards_nowhere(name, &checked.site, &gateway));
    faults.extend(crate::plans::check(&site_folder, &checked.site));
    faults.extend(unusable_certificate(name, &folder, &gateway));
    if faults.iter().any(|fault| fault.severity == Severity::Error) {
        return Err(faults);
    }
    let mut bundle: Bundle =
        profile_files.into_iter().map(|(name, bytes)| (format!("{PROFILES}{name}"), bytes)).collect();
    let channels = gateway.channels();
    let unwritable = |error: serde_json::Error| vec![Fault::error(name, "", None, error.to_string())];
    bundle.insert(SITE.into(), serde_json::to_vec(&checked.site).map_err(unwritable)?);
    bundle.insert(RULES.into(), serde_json::to_vec(&rules).map_err(unwritable)?);
    bundle.insert(CHANNELS.into(), serde_json::to_vec(&channels).map_err(unwritable)?);
    if !gateway.bulletins.is_empty() {
        let names: BTreeSet<&String> = gateway.bulletins.keys().collect();
        bundle.insert(BULLETINS.into(), serde_json::to_vec(&names).map_err(unwritable)?);
    }
    let decisive = Decisive::from_bundle(bundle)?;
    Ok(Loaded { gateway, folder, decisive, people: Arc::new(checked.people), warnings: faults })
}

fn read_rules(path: &Path, faults: &mut Vec<Fault>) -> Option<RuleSettings> {
    let name = path.display().to_string();
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            faults.push(Fault::error(&name, "", None, format!("cannot be read: {error}")));
            return None;
        }
    };
    match toml::from_str(&text) {
        Ok(rules) => Some(rules),
        Err(error) => {
            faults.push(Fault::toml(&name, &text, &error));
            None
        }
    }
}

/// The largest profile file, in bytes; and how many there may be.
const PROFILE_BYTES_MAX: u64 = 1 << 20;
const PROFILES_MAX: usize = 500;

fn read_profiles(folder: &Path, faults: &mut Vec<Fault>) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            faults.push(Fault::unreadable(folder, &error));
            return files;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".toml") {
            continue;
        }
        if files.len() == PROFILES_MAX {
            let text = format!(
                "holds more than {PROFILES_MAX} profiles; take out those of families that you do not have"
            );
            faults.push(Fault::error(&folder.display().to_string(), "", None, text));
            break;
        }
        let small = entry.metadata().is_ok_and(|found| found.len() <= PROFILE_BYTES_MAX);
        match std::fs::read(entry.path()) {
            Ok(bytes) if small => {
                files.insert(name, bytes);
            }
            Ok(_) => {
                faults.push(Fault::error(&entry.path().display().to_string(), "", None, "larger than 1 MiB"))
            }
            Err(error) => faults.push(Fault::unreadable(&entry.path(), &error)),
        }
    }
    files
}

fn read_site(folder: &Path, faults: &mut Vec<Fault>) -> Option<wanglou_site::Checked> {
    let files = match wanglou_site::read_folder(folder) {
        Ok(files) => files,
        Err(error) => {
            faults.push(Fault::unreadable(folder, &error));
            return None;
        }
    };
    match Compound::check(&files) {
        Ok(checked) => {
            faults.extend(checked.warnings.iter().map(|fault| fault::of_site(fault, folder)));
            Some(checked)
        }
        Err(found) => {
            faults.extend(found.iter().map(|fault| fault::of_site(fault, folder)));
            None
        }
    }
}

fn unknown_profiles(folder: &Path, checked: &wanglou_site::Checked, profiles: &ProfileSet) -> Vec<Fault> {
    let known: Vec<&str> = profiles.profiles().map(|profile| profile.name).collect();
    let missing = checked.site.devices.iter().filter(|(_, device)| !known.contains(&device.profile.as_str()));
    let file = folder.join(wanglou_site::DEVICES).display().to_string();
    let fault = |(id, device): (&wanglou_model::DeviceId, &Arc<wanglou_model::Device>)| {
        let line = checked.device_lines.get(id).copied();
        let text = format!("there is no profile {:?}; there are {}", device.profile, known.join(", "));
        Fault::error(&file, &format!("[{id}].profile"), line, text)
    };
    missing.map(fault).collect()
}

/// What is wrong with the files of our own https.
fn unusable_certificate(name: &str, folder: &Path, gateway: &GatewayFile) -> Option<Fault> {
    let (cert, key) = gateway.http.tls(folder)?;
    let fault = Certificate::open(cert, key).err()?;
    Some(Fault::error(name, "http.tls_cert", None, fault.to_string()))
}

/// A card hangs at a place of the registry.
fn cards_nowhere(name: &str, site: &Site, gateway: &GatewayFile) -> Vec<Fault> {
    let lost = gateway.cards.iter().filter(|(_, card)| !site.places.contains_key(&card.place));
    let fault = |(card, table): (&String, &CardTable)| {
        let text = format!("there is no place {:?} in places.csv", table.place.as_str());
        Fault::error(name, &format!("cards.{card}.place"), None, text)
    };
    lost.map(fault).collect()
}

fn unknown_webhooks(folder: &Path, people: &People, gateway: &GatewayFile) -> Vec<Fault> {
    let file = folder.join(wanglou_site::PEOPLE).display().to_string();
    let named = people
        .officers
        .iter()
        .filter_map(|(id, person)| person.webhook.as_ref().map(|webhook| (id, webhook)));
    let missing = named.filter(|(_, webhook)| !gateway.webhooks.contains_key(*webhook));
    let fault = |(id, webhook): (&wanglou_model::OfficerId, &String)| {
        let text = format!(
            "there is no [webhooks.{webhook}] in the gateway's file; add it, or take the webhook away"
        );
        Fault::error(&file, &format!("officers.{id}.webhook"), None, text)
    };
    missing.map(fault).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_more_profiles_than_are_read_is_refused_with_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: String| std::fs::write(folder.path().join(name), "").expect("written");
        (0..PROFILES_MAX).for_each(|n| write(format!("p{n}.toml")));
        (0..PROFILES_MAX).for_each(|n| write(format!("p{n}.toml.bak")));
        let mut faults = Vec::new();
        assert_eq!(read_profiles(folder.path(), &mut faults).len(), PROFILES_MAX, "other files do not count");
        assert!(faults.is_empty(), "{faults:?}");
        write("one-more.toml".to_owned());
        read_profiles(folder.path(), &mut faults);
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(said.len() == 1 && said[0].contains("more than 500 profiles"), "{said:?}");
    }
}

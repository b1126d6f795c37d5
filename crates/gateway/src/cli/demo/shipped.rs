//! The configuration of the demo: built into the program, written out on the first start, so that people can change
//! it and reload.

use anyhow::Context;
use rust_embed::RustEmbed;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the repository ships, but for two vendors: their topics begin with `$`, and the demo's broker refuses such a
/// subscription, where mosquitto grants it.
#[derive(RustEmbed)]
#[folder = "../../config"]
#[include = "profiles/*.toml"]
#[exclude = "profiles/huawei_iotda.toml"]
#[exclude = "profiles/onenet.toml"]
#[include = "rules.toml"]
#[include = "sites/demo/*"]
#[include = "sites/demo/plans/*"]
struct Shipped;

/// The gateway's own file.
pub(super) const GATEWAY: &str = "gateway.toml";
/// Which content was written last: what differs from it was changed by somebody, and stays.
const WRITTEN: &str = ".written.json";
const SITE: &str = "sites/demo/";

/// The files of the demo compound.
pub(in crate::cli) fn demo_site() -> BTreeMap<String, Vec<u8>> {
    let files = Shipped::iter().filter_map(|path| {
        let name = path.strip_prefix(SITE).filter(|name| !name.contains('/'))?.to_owned();
        Some((name, Shipped::get(&path)?.data.into_owned()))
    });
    files.collect()
}

/// Where the demo's web app answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Door {
    /// Its address.
    pub(super) listen: SocketAddr,
    /// Its certificate and key, where it speaks https.
    pub(super) tls: Option<(PathBuf, PathBuf)>,
}

impl Door {
    /// Its address as browsers know it.
    pub(super) fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.listen)
    }
}

/// Every file of the demo's configuration by its path, the gateway's own among them.
pub(super) fn files(door: &Door, mqtt: SocketAddr) -> BTreeMap<String, Vec<u8>> {
    let shipped = Shipped::iter().filter_map(|path| {
        let data = Shipped::get(&path)?.data.into_owned();
        Some((path.into_owned(), data))
    });
    let mut files: BTreeMap<String, Vec<u8>> = shipped.collect();
    files.insert(GATEWAY.to_owned(), gateway(door, mqtt).into_bytes());
    files
}

fn gateway(door: &Door, mqtt: SocketAddr) -> String {
    let tls = door.tls.as_ref().map(|(cert, key)| {
        // As TOML writes them: paths may hold anything.
        let [cert, key] = [cert, key].map(|path| toml::Value::from(path.display().to_string()));
        format!("tls_cert = {cert}\ntls_key = {key}\n")
    });
    format!(
        "\
# The demo's gateway file, written by `wanglou demo` with the addresses of its latest start. The broker is inside the
# same program. A commented file with every key is made by `wanglou init`.
# Change rules.toml, profiles/ or sites/demo/ beside it and reload (admin page, or SIGHUP); changed files are kept.
# 演示用配置：改动规则、厂家格式或小区文件后重新加载即可；改过的文件不会被覆盖。
site = \"sites/demo\"
profiles = \"profiles\"
rules = \"rules.toml\"
data = \"../journal\"

[mqtt]
host = \"{}\"
port = {}

[http]
listen = \"{}\"
public_url = \"{}\"
{}serve_metrics = {}    # /metrics on the same address, for whoever can reach it

[clock]
require_sync = false    # whatever this machine's clock shows is good enough to try things

[metrics]
listen = \"127.0.0.1:0\"  # any free port
",
        mqtt.ip(),
        mqtt.port(),
        door.listen,
        door.origin(),
        tls.unwrap_or_default(),
        door.listen.ip().is_loopback(),
    )
}

/// What became of the files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Unpacked {
    /// Changed by somebody since they were written, so left as they are.
    pub(super) kept: Vec<PathBuf>,
}

/// Writes `files` into `folder`. Files that somebody has changed are kept; others are brought up to date.
pub(super) fn unpack(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> anyhow::Result<Unpacked> {
    let record = folder.join(WRITTEN);
    // Without a readable record every file that differs counts as changed, and is kept.
    let mut written: BTreeMap<String, String> =
        std::fs::read(&record).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    let mut unpacked = Unpacked::default();
    for (name, data) in files {
        let path = folder.join(name);
        let present = std::fs::read(&path).ok();
        let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
        let own =
            present.as_deref().is_none_or(|bytes| bytes == data || written.get(name) == Some(&hash(bytes)));
        if !own {
            unpacked.kept.push(path);
            continue;
        }
        if present.as_ref() != Some(data) {
            write(&path, data)?;
        }
        written.insert(name.clone(), hash(data));
    }
    write(&record, &serde_json::to_vec_pretty(&written)?)?;
    Ok(unpacked)
}

fn write(path: &Path, data: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    std::fs::write(path, data).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pairs: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_somebody_changed_stays_and_the_rest_is_brought_up_to_date() {
        let folder = tempfile::tempdir().expect("a folder");
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a file");
        let unpacked = unpack(folder.path(), &set(&[("rules.toml", "1"), ("profiles/a.toml", "1")]));
        assert_eq!(unpacked.expect("written"), Unpacked::default());

        std::fs::write(folder.path().join("rules.toml"), "mine").expect("changed");
        let next = set(&[("rules.toml", "2"), ("profiles/a.toml", "2")]);
        let unpacked = unpack(folder.path(), &next).expect("written");
        assert_eq!(unpacked.kept, [folder.path().join("rules.toml")]);
        assert_eq!((read("rules.toml"), read("profiles/a.toml")), ("mine".into(), "2".into()));

        std::fs::write(folder.path().join("rules.toml"), "2").expect("changed back");
        assert_eq!(unpack(folder.path(), &next).expect("written"), Unpacked::default());
    }

    #[test]
    fn the_demo_s_configuration_has_no_faults() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let door = Door { listen: address(8080), tls: None };
        unpack(folder.path(), &files(&door, address(1883))).expect("written");
        let loaded = crate::configuration::load(&folder.path().join(GATEWAY)).expect("no faults");
        assert!(loaded.gateway.http.serve_metrics);
        assert_eq!((loaded.gateway.mqtt.port, loaded.gateway.http.listen), (1883, address(8080)));
        assert_eq!(loaded.decisive.setup.site.id.as_str(), "demo");
        assert!(demo_site().contains_key("devices.csv"));
    }
}

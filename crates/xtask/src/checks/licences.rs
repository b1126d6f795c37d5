//! Licences, banned crates and sources of all dependencies, as `deny.toml` allows them.
//!
//! cargo-deny does it all, advisories included, where it is installed and can get the advisory
//! database. It takes minutes to build, so it is not installed on the way; without it the same file
//! is held against `cargo metadata` here, and advisories are skipped aloud.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{files, spdx};
use crate::log::Log;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// The one registry that packages may come from, as cargo names it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// What is built for; others' dependencies are neither fetched nor judged.
const PLATFORMS: [&str; 2] = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"];

/// Licences, bans and sources.
pub(crate) fn check(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    if workspace.has_cargo("deny") {
        log.must(&mut workspace.cargo("deny --all-features check --allow duplicate licenses bans sources"))?;
        return Ok(Outcome::passed("by cargo-deny"));
    }
    let policy =
        Policy::read(&std::fs::read_to_string(workspace.root.join("deny.toml")).context("deny.toml")?)?;
    let mut metadata = workspace.cargo("metadata --format-version 1 --locked --all-features");
    metadata.args(PLATFORMS.map(|platform| format!("--filter-platform={platform}")));
    // Standard error stays out of the JSON.
    let output = metadata.output().context("cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let packages = packages(&output.stdout)?;
    let faults: Vec<String> = packages.iter().filter_map(|package| policy.fault(package)).collect();
    files::none_of(&faults, "dependencies that deny.toml does not allow:")?;
    Ok(Outcome::passed(format!("{} packages", packages.len())))
}

/// Known vulnerabilities.
pub(crate) fn advisories(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    if !workspace.has_cargo("deny") {
        return Ok(Outcome::skipped("cargo-deny is not installed (`cargo install cargo-deny --locked`)"));
    }
    let done = log.run(&mut workspace.cargo("deny --all-features check advisories"))?;
    if done.status.success() {
        return Ok(Outcome::passed(""));
    }
    if lacks_database(&done.output) {
        return Ok(Outcome::skipped("the advisory database cannot be had from here"));
    }
    bail!("known vulnerabilities, or yanked or unmaintained crates")
}

fn lacks_database(output: &str) -> bool {
    output.contains("failed to fetch advisory database")
        || output.contains("failed to load advisory database")
}

/// One dependency, as far as the policy asks.
#[derive(Debug)]
struct Package {
    name: String,
    version: String,
    licence: Option<String>,
    /// Absent for the workspace's own.
    source: Option<String>,
}

fn packages(metadata: &[u8]) -> Result<Vec<Package>> {
    let metadata: Value = serde_json::from_slice(metadata).context("cargo metadata printed no JSON")?;
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("cargo metadata has no packages")?;
    let text = |package: &Value, field: &str| package.get(field).and_then(Value::as_str).map(str::to_owned);
    let read = |package: &Value| Package {
        name: text(package, "name").unwrap_or_default(),
        version: text(package, "version").unwrap_or_default(),
        licence: text(package, "license"),
        source: text(package, "source"),
    };
    Ok(packages.iter().map(read).collect())
}

/// What deny.toml says, as far as it is read here.
#[derive(Debug, PartialEq, Eq)]
struct Policy {
    /// `[licenses] allow`.
    allowed: Vec<String>,
    /// `[bans] deny`.
    banned: Vec<String>,
}

impl Policy {
    /// Reads the two lists. Not a TOML parser: a list is `key = [`, strings (bare or as
    /// `{ crate = "…", … }`) and `]`, with comments at will. A list that is not there is an error.
    fn read(text: &str) -> Result<Self> {
        Ok(Self { allowed: list(text, "licenses", "allow")?, banned: list(text, "bans", "deny")? })
    }

    fn fault(&self, package: &Package) -> Option<String> {
        let source = package.source.as_deref()?;
        let reason = if source != CRATES_IO {
            format!("comes from {source}")
        } else if self.banned.contains(&package.name) {
            "is banned".to_owned()
        } else {
            self.licence_fault(package)?
        };
        Some(format!("{} {} {reason}", package.name, package.version))
    }

    fn licence_fault(&self, package: &Package) -> Option<String> {
        let Some(licence) = &package.licence else {
            return Some("names no licence".to_owned());
        };
        match spdx::is_allowed(licence, &self.allowed) {
            Ok(true) => None,
            Ok(false) => Some(format!("has the licence {licence}")),
            Err(error) => Some(format!("has an unreadable licence: {error}")),
        }
    }
}

fn list(text: &str, table: &str, key: &str) -> Result<Vec<String>> {
    let mut current = String::new();
    let mut items = None;
    for line in text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if let Some(items) = &mut items {
            if line.starts_with(']') {
                return Ok(std::mem::take(items));
            }
            items.extend(first_string(line));
        } else if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            header.clone_into(&mut current);
        } else if current == table && line.strip_prefix(key).is_some_and(|rest| rest.trim() == "= [") {
            items = Some(Vec::new());
        }
    }
    bail!("deny.toml: no list `{key} = [` … `]` (one item a line) in [{table}]")
}

fn first_string(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('"')?;
    Some(rest.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = r#"
[licenses]
# weak copyleft is not needed
allow = [
    "MIT",
    "ISC", # ring
]
[bans]
multiple-versions = "warn"
deny = [
    { crate = "openssl", reason = "one TLS provider" },
]
"#;

    fn package(name: &str, licence: Option<&str>, source: Option<&str>) -> Package {
        Package {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            licence: licence.map(str::to_owned),
            source: source.map(str::to_owned),
        }
    }

    #[test]
    fn both_lists_are_read() {
        let policy = Policy::read(DENY).expect("two lists");
        assert_eq!(policy.allowed, ["MIT", "ISC"]);
        assert_eq!(policy.banned, ["openssl"]);
        assert!(Policy::read("[licenses]\nallow = [\n\"MIT\",\n]").is_err());
    }

    #[test]
    fn the_projects_own_file_is_read() {
        let text = include_str!("../../../../deny.toml");
        let policy = Policy::read(text).expect("two lists");
        assert!(policy.allowed.iter().any(|licence| licence == "MIT"));
        assert!(policy.banned.iter().any(|name| name == "openssl"));
    }

    #[test]
    fn a_licence_a_ban_and_a_source_are_faults_and_own_packages_are_not() {
        let policy = Policy::read(DENY).expect("two lists");
        let fault = |name, licence, source| policy.fault(&package(name, licence, source));
        assert_eq!(fault("serde", Some("MIT OR Apache-2.0"), Some(CRATES_IO)), None);
        assert_eq!(fault("wanglou-model", Some("Apache-2.0"), None), None);
        assert!(fault("copyleft", Some("GPL-3.0"), Some(CRATES_IO)).is_some());
        assert!(fault("nameless", None, Some(CRATES_IO)).is_some());
        assert!(fault("openssl", Some("MIT"), Some(CRATES_IO)).is_some());
        assert!(fault("serde", Some("MIT"), Some("git+ssh://host.example/serde")).is_some());
    }

    #[test]
    fn a_database_that_cannot_be_had_is_told_from_a_vulnerability() {
        assert!(lacks_database("[ERROR] failed to fetch advisory database"));
        assert!(!lacks_database("error[vulnerability]: use after free"));
    }
}

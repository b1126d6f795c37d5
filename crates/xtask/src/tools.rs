//! The programs that building and testing need: found, installed through apt, or named.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::log::Log;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// The oldest Node.js that the web app's build tools start on.
const NODE_MIN: (u32, u32) = (20, 19);

/// Something a machine may lack.
struct Tool {
    /// A program on the path, or an absolute path that must exist; the first found is enough.
    any_of: &'static [&'static str],
    /// The Debian package that brings it.
    package: &'static str,
    /// Who needs it.
    used: Use,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Build,
    Test,
}

const CHROMIUM: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

const TOOLS: &[Tool] = &[
    Tool { any_of: &["cc", "gcc", "clang"], package: "build-essential", used: Use::Build },
    Tool { any_of: &["mosquitto"], package: "mosquitto", used: Use::Test },
    Tool { any_of: &["mosquitto_pub"], package: "mosquitto-clients", used: Use::Test },
    Tool { any_of: &["xmllint"], package: "libxml2-utils", used: Use::Test },
    Tool { any_of: &["promtool"], package: "prometheus", used: Use::Test },
    Tool { any_of: &["systemd-analyze"], package: "systemd", used: Use::Test },
    Tool { any_of: CHROMIUM, package: "chromium", used: Use::Test },
    Tool {
        any_of: &["/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"],
        package: "fonts-noto-cjk",
        used: Use::Test,
    },
];

/// Brings what building needs.
pub(crate) fn for_building(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    provide(workspace, log, &[Use::Build])
}

/// Brings what building and testing need.
pub(crate) fn for_testing(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    provide(workspace, log, &[Use::Build, Use::Test])
}

/// The browser for the tests and screenshots, if there is one.
pub(crate) fn chromium() -> Option<PathBuf> {
    CHROMIUM.iter().find_map(|name| find(name))
}

fn provide(workspace: &Workspace, log: &Log, uses: &[Use]) -> Result<Outcome> {
    // First what cannot be installed from here, so that nobody waits for the rest in vain.
    check_node()?;
    let missing = missing_packages(uses);
    if !missing.is_empty() {
        install(workspace, log, &missing)?;
        let still = missing_packages(uses);
        if !still.is_empty() {
            bail!("apt installed {} but its programs are still not found", still.join(" "));
        }
    }
    Ok(Outcome::passed(if missing.is_empty() {
        String::new()
    } else {
        format!("installed {}", missing.join(" "))
    }))
}

fn missing_packages(uses: &[Use]) -> Vec<&'static str> {
    let needed = TOOLS.iter().filter(|tool| uses.contains(&tool.used));
    needed
        .filter(|tool| tool.any_of.iter().all(|name| find(name).is_none()))
        .map(|tool| tool.package)
        .collect()
}

fn install(workspace: &Workspace, log: &Log, packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    if find("apt-get").is_none() {
        bail!(
            "missing: {list} (names of Debian packages). There is no apt-get here: install their equivalents, then run this again"
        );
    }
    if !is_root() {
        bail!(
            "missing: {list}. Run `sudo apt-get install {list}`, or this command as root, then run this again"
        );
    }
    log.must(&mut apt_get(workspace, &["update"]))?;
    log.must(apt_get(workspace, &["install", "-y", "--no-install-recommends"]).args(packages))?;
    Ok(())
}

fn apt_get(workspace: &Workspace, words: &[&str]) -> Command {
    let mut command = workspace.command("apt-get", &workspace.root);
    command.args(["-q", "-o", "DPkg::Lock::Timeout=300"]).args(words);
    // RUNLEVEL=1 keeps a package's own service from starting where there is no service manager:
    // tests start their own mosquitto on their own port.
    command.env("DEBIAN_FRONTEND", "noninteractive").env("RUNLEVEL", "1");
    command
}

fn check_node() -> Result<()> {
    let hint =
        format!("install Node.js {}.{} or later with npm; Debian's own may be older", NODE_MIN.0, NODE_MIN.1);
    if find("npm").is_none() {
        bail!("npm is missing: {hint}");
    }
    let output =
        Command::new("node").arg("--version").output().with_context(|| format!("node is missing: {hint}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version =
        node_version(&text).with_context(|| format!("`node --version` printed {:?}: {hint}", text.trim()))?;
    if version < NODE_MIN {
        bail!("node is {}.{}: {hint}", version.0, version.1);
    }
    Ok(())
}

/// `v20.19.2` as major and minor.
fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|me| me.uid() == 0)
}

/// Where a program lies, on the path or among the daemons.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    if name.starts_with('/') {
        return Some(PathBuf::from(name)).filter(|path| path.exists());
    }
    let path = path_with_sbin();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| is_program(file))
}

/// `PATH` with the folder of daemons, which Debian leaves out of an ordinary user's.
pub(crate) fn path_with_sbin() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin");
    path
}

fn is_program(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|meta| meta.is_file() && meta.mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_by_name_and_by_path() {
        assert!(find("sh").is_some());
        assert!(find("/bin/sh").is_some());
        assert_eq!(find("wanglou-no-such-program"), None);
        assert_eq!(find("/bin/wanglou-no-such-program"), None);
    }

    #[test]
    fn a_file_that_cannot_be_executed_is_no_program() {
        assert!(!is_program(Path::new("/etc/passwd")));
        assert!(is_program(Path::new("/bin/sh")));
    }

    #[test]
    fn node_versions_are_compared_by_number() {
        assert_eq!(node_version("v20.19.2\n"), Some((20, 19)));
        assert!(node_version("v20.9.0").expect("a version") < NODE_MIN);
        assert!(node_version("v104.0.0").expect("a version") > NODE_MIN);
        assert_eq!(node_version("zsh: not found"), None);
    }
}

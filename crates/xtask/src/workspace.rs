//! Where the workspace lies, and how its commands are started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The feature that gives the gateway its embedded broker. Demo, tests and lints all build with it,
/// so that dependencies build once for all of them.
const FEATURES: &str = "wanglou-gateway/demo";

/// What `cargo run` tells the program it starts. Build scripts (ring's among them) watch these, so
/// handing them on would rebuild half the tree on every change between cargo and xtask.
const CARGO_RUN_ONLY: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE"];

/// The checkout.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// The folder of the root Cargo.toml.
    pub(crate) root: PathBuf,
    /// Where cargo builds to.
    pub(crate) target: PathBuf,
    /// The gateway's binary, as the dev profile builds it.
    pub(crate) binary: PathBuf,
}

impl Workspace {
    /// Finds the workspace this program was built in.
    pub(crate) fn find() -> Result<Self> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest
            .ancestors()
            .nth(2)
            .context("xtask must lie two folders below the workspace's root")?
            .to_owned();
        // Cargo put this program where it puts the gateway, whatever its configuration says.
        let own = std::env::current_exe().context("where does this program lie?")?;
        let target = own.ancestors().nth(2).context("a program must lie in target/debug")?.to_owned();
        Ok(Self { root, target, binary: own.with_file_name("wanglou") })
    }

    /// The folder for logs and stamps.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.target.join("xtask")
    }

    /// The web app's folder.
    pub(crate) fn web(&self) -> PathBuf {
        self.root.join("crates/web")
    }

    /// The browser tests' folder.
    pub(crate) fn browser(&self) -> PathBuf {
        self.root.join("tests/browser")
    }

    /// `cargo` with the given words, in the root.
    pub(crate) fn cargo(&self, words: &str) -> Command {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = self.command(program, &self.root);
        command.args(words.split_whitespace());
        command
    }

    /// Whether cargo has that sub-command here.
    pub(crate) fn has_cargo(&self, name: &str) -> bool {
        self.cargo(&format!("{name} --version")).output().is_ok_and(|output| output.status.success())
    }

    /// `cargo` with words that compile: with the lock file as it is, and with [`FEATURES`].
    pub(crate) fn building(&self, words: &str) -> Command {
        let mut command = self.cargo(words);
        command.arg("--locked");
        if has_feature(&self.root.join("crates/gateway/Cargo.toml"), "demo") {
            command.args(["--features", FEATURES]);
        }
        command
    }

    /// Any program, in `folder`, with an environment that is the same however xtask was started.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| CARGO_RUN_ONLY.iter().any(|only| name.starts_with(only))) {
                command.env_remove(name);
            }
        }
        command.env("PATH", crate::tools::path_with_sbin());
        command.env("WANGLOU_BIN", &self.binary);
        if let Some(chromium) = crate::tools::chromium() {
            command.env("CHROMIUM", chromium);
        }
        command
    }
}

/// Whether the manifest declares a feature.
fn has_feature(manifest: &Path, feature: &str) -> bool {
    let text = std::fs::read_to_string(manifest).unwrap_or_default();
    text.lines().any(|line| line.split('=').next().is_some_and(|name| name.trim() == feature))
}

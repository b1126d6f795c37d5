//! `wanglou init`: a commented start.

use super::Ended;
use crate::cli::say::tell;
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use rust_embed::RustEmbed;
use std::path::{Path, PathBuf};

/// What the repository ships, built into the program.
#[derive(RustEmbed)]
#[folder = "../../config"]
#[include = "profiles/*.toml"]
#[include = "rules.toml"]
#[include = "gateway.toml"]
struct Shipped;

/// Write a commented start: the gateway's file, rules, the shipped profiles, and the folder of a small compound.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Examples:\n  wanglou init --into my-compound\n  wanglou check --config my-compound/gateway.toml"
)]
pub struct Args {
    /// A folder that does not exist yet, or is empty.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
}

impl Args {
    /// Writes the files.
    ///
    /// # Errors
    /// When the folder holds something, or cannot be written.
    pub fn run(self) -> anyhow::Result<Ended> {
        let taken = std::fs::read_dir(&self.into).is_ok_and(|mut entries| entries.next().is_some());
        if taken {
            bail!(
                "{} is not empty; nothing was written. Name another folder with --into",
                self.into.display()
            );
        }
        for name in Shipped::iter() {
            let Some(file) = Shipped::get(&name) else { continue };
            let data = if name == "gateway.toml" { own_site(&file.data) } else { file.data.into_owned() };
            write(&self.into.join(&*name), &data)?;
        }
        for (name, data) in wanglou_site::template() {
            write(&self.into.join("site").join(name), &data)?;
        }
        tell!("Written to {}. Now:", self.into.display());
        tell!("  1. read and change the files; each says what it is for");
        tell!("  2. wanglou check --config {}", self.into.join("gateway.toml").display());
        tell!("  3. wanglou run --config {}", self.into.join("gateway.toml").display());
        Ok(Ended::Well)
    }
}

/// The shipped file names the demo compound; a start of one's own lies beside it.
fn own_site(shipped: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(shipped);
    text.replace("site = \"sites/demo\"", "site = \"site\"")
        .replace("data = \"../data\"", "data = \"data\"")
        .into_bytes()
}

fn write(path: &Path, data: &[u8]) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    std::fs::write(path, data).with_context(|| format!("{} cannot be written", path.display()))
}

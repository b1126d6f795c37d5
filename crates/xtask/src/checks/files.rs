//! Lists the files that people wrote, and finds text in them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Folders that programs write, wherever they lie.
const GENERATED: [&str; 7] = [".git", "data", "dist", "node_modules", "paraglide", "screenshots", "target"];

/// All files below `folder`, without what programs generate.
pub(crate) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_file() {
                found.push(entry.path());
            } else if kind.is_dir() && !GENERATED.iter().any(|name| entry.file_name() == *name) {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// `file:line: what` for each line of the files below `folders` in which `fault` finds one.
pub(crate) fn faults(
    root: &Path,
    folders: &[PathBuf],
    mut fault: impl FnMut(&Path, &str) -> Option<String>,
) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for folder in folders {
        for file in below(folder)? {
            let bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let shown = file.strip_prefix(root).unwrap_or(&file);
            for (number, line) in String::from_utf8_lossy(&bytes).lines().enumerate() {
                if let Some(what) = fault(shown, line) {
                    faults.push(format!("{}:{}: {what}", shown.display(), number + 1));
                }
            }
        }
    }
    Ok(faults)
}

/// Fails with all faults, one a line.
pub(crate) fn none_of(faults: &[String], meaning: &str) -> Result<()> {
    if faults.is_empty() {
        return Ok(());
    }
    bail!("{meaning}\n{}", faults.join("\n"))
}

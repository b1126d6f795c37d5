//! The web app: packages by lock file, checks, tests, build.
//!
//! npm and the build are skipped when nothing they depend on has changed; what they last worked on
//! is kept as a stamp.

use std::hash::{DefaultHasher, Hasher};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::checks::files;
use crate::counts::Counts;
use crate::log::Log;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Installs the web app's packages.
pub(crate) fn install(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    install_in(workspace, log, &workspace.web())
}

/// Installs a folder's npm packages exactly as its lock file says, unless they are there already.
pub(crate) fn install_in(workspace: &Workspace, log: &Log, folder: &Path) -> Result<Outcome> {
    let lock_file = folder.join("package-lock.json");
    let lock = std::fs::read(&lock_file).with_context(|| format!("reading {}", lock_file.display()))?;
    let stamp = folder.join("node_modules/.xtask-lock");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(Outcome::passed("up to date"));
    }
    log.must(workspace.command("npm", folder).args(["ci", "--no-audit", "--no-fund"]))?;
    std::fs::create_dir_all(folder.join("node_modules"))?;
    std::fs::write(&stamp, lock).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(Outcome::passed(""))
}

/// Types and templates: the package's `check` script.
pub(crate) fn check(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    log.must(workspace.command("npm", &workspace.web()).args(["run", "check"]))?;
    Ok(Outcome::passed(""))
}

/// The limit on what a phone loads: the package's `size` script.
pub(crate) fn size(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    log.must(workspace.command("npm", &workspace.web()).args(["run", "size"]))?;
    Ok(Outcome::passed(""))
}

/// Pictures of every page, each checked for accessibility: the package's `screens` script.
pub(crate) fn screens(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    log.must(workspace.command("npm", &workspace.web()).args(["run", "screens"]))?;
    Ok(Outcome::passed("pictures in crates/web/screenshots"))
}

/// The web app's own tests.
pub(crate) fn test(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    let report = workspace.scratch().join("vitest.json");
    let mut command = workspace.command("npx", &workspace.web());
    command.args(["--no-install", "vitest", "run", "--reporter=default", "--reporter=json"]);
    command.arg(format!("--outputFile.json={}", report.display()));
    // A report of an earlier run must not be read as this one's.
    if report.exists() {
        std::fs::remove_file(&report)?;
    }
    let done = log.run(&mut command)?;
    let text = std::fs::read_to_string(&report)
        .with_context(|| format!("vitest left no report ({})", done.status))?;
    let counts = Counts::from_vitest(&text)?;
    if !done.status.success() && counts.failed == 0 {
        bail!("vitest failed outside of its tests ({}; {counts})", done.status);
    }
    Outcome::tests(counts)
}

/// Builds the app that the gateway embeds, unless what is there was built from the same sources.
pub(crate) fn build(workspace: &Workspace, log: &Log) -> Result<Outcome> {
    let web = workspace.web();
    let stamp = workspace.scratch().join("web.stamp");
    let sources = fingerprint(&web)?;
    let is_built = web.join("dist/index.html").exists();
    if is_built && std::fs::read_to_string(&stamp).is_ok_and(|built| built == sources) {
        return Ok(Outcome::passed("up to date"));
    }
    log.must(workspace.command("npm", &web).args(["run", "build"]))?;
    if !web.join("dist/index.html").exists() {
        bail!("the build left no dist/index.html");
    }
    std::fs::write(&stamp, sources).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(Outcome::passed(""))
}

/// One text for all sources of the app, names and contents. Modification times would not do: a
/// checkout sets them all.
fn fingerprint(web: &Path) -> Result<String> {
    let mut hasher = DefaultHasher::new();
    let mut paths: Vec<PathBuf> = files::below(web)?;
    paths.sort();
    for path in &paths {
        let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        hasher.write(path.strip_prefix(web)?.as_os_str().as_encoded_bytes());
        hasher.write_usize(bytes.len());
        hasher.write(&bytes);
    }
    Ok(format!("{:016x} {}\n", hasher.finish(), paths.len()))
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn a_changed_renamed_or_new_file_changes_the_fingerprint() {
        let folder = std::env::temp_dir().join(format!("wanglou-xtask-web-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("src")).expect("a folder");
        std::fs::write(folder.join("src/a.ts"), "1").expect("a file");
        let first = fingerprint(&folder).expect("a fingerprint");
        assert_eq!(first, fingerprint(&folder).expect("a fingerprint"));
        std::fs::write(folder.join("src/a.ts"), "2").expect("a file");
        let changed = fingerprint(&folder).expect("a fingerprint");
        std::fs::rename(folder.join("src/a.ts"), folder.join("src/b.ts")).expect("a rename");
        let renamed = fingerprint(&folder).expect("a fingerprint");
        std::fs::create_dir_all(folder.join("dist")).expect("a folder");
        std::fs::write(folder.join("dist/index.html"), "built").expect("a file");
        let with_output = fingerprint(&folder).expect("a fingerprint");
        std::fs::remove_dir_all(&folder).expect("removed");
        assert_ne!(first, changed);
        assert_ne!(changed, renamed);
        assert_eq!(renamed, with_output, "what the build writes is not a source");
    }
}

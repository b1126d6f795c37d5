//! Nothing in the repository may name the machine it was written on, nor tie a lock file to one
//! registry's address.

use std::path::Path;

use anyhow::Result;

use super::files;
use crate::log::Log;
use crate::report::Outcome;
use crate::workspace::Workspace;

/// Parents of a checkout that are named for good reasons elsewhere.
const COMMON: [&str; 8] = ["/", "/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var/tmp"];
/// What precedes a person's name in a path.
const HOMES: [&str; 2] = ["/home/", "/Users/"];

/// Fails with each place that names this machine's folders, somebody's home, or a registry.
pub(crate) fn check(workspace: &Workspace, _: &Log) -> Result<Outcome> {
    let own = own_folders(&workspace.root, std::env::var("HOME").ok().as_deref());
    let faults = files::faults(&workspace.root, std::slice::from_ref(&workspace.root), |file, line| {
        folder_fault(&own, line).or_else(|| lock_fault(file, line))
    })?;
    files::none_of(&faults, "paths or addresses of one machine:")?;
    Ok(Outcome::passed(""))
}

/// The checkout, what it lies in, and the home folder, each with a closing slash.
fn own_folders(root: &Path, home: Option<&str>) -> Vec<String> {
    let parent = root.parent().and_then(Path::to_str).filter(|parent| !COMMON.contains(parent));
    let mut folders = Vec::new();
    for folder in [root.to_str(), parent, home].into_iter().flatten() {
        let folder = folder.trim_end_matches('/');
        if !folder.is_empty() {
            folders.push(format!("{folder}/"));
        }
    }
    folders
}

fn folder_fault(own: &[String], line: &str) -> Option<String> {
    let found = own.iter().map(String::as_str).find(|folder| starts_a_path(line, folder));
    let home = || HOMES.into_iter().find(|prefix| names_a_person(line, prefix));
    found.or_else(home).map(|folder| format!("names a folder of one machine ({folder}…)"))
}

/// Whether `folder` stands in the line as the start of a path, not inside a longer one.
fn starts_a_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "/._-}".contains(c))
    })
}

fn names_a_person(line: &str, prefix: &str) -> bool {
    starts_a_path(line, prefix)
        && line.split(prefix).skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
}

fn lock_fault(file: &Path, line: &str) -> Option<String> {
    let is_lock = file.file_name().is_some_and(|name| name == "package-lock.json");
    let has_address = is_lock && line.contains("\"resolved\": \"http");
    has_address.then(|| {
        "a registry's address in the lock file: put `omit-lockfile-registry-resolved=true` into .npmrc and lock again"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checkout_its_parent_and_the_home_folder_are_found() {
        let own = own_folders(Path::new("/builds/wanglou"), Some("/builder"));
        for line in ["cd /builds/wanglou/crates", "see /builds/notes.md", "\"/builder/.cargo\""] {
            assert!(folder_fault(&own, line).is_some(), "{line}");
        }
        for line in ["cd crates/builds/wanglou/", "https://host.example/builds/x", "/var/lib/wanglou"] {
            assert_eq!(folder_fault(&own, line), None, "{line}");
        }
    }

    #[test]
    fn a_common_parent_may_be_named() {
        let own = own_folders(Path::new("/tmp/clone"), None);
        assert_eq!(folder_fault(&own, "data in /tmp/wanglou"), None);
        assert!(folder_fault(&own, "/tmp/clone/Cargo.toml").is_some());
    }

    #[test]
    fn a_lock_file_may_not_hold_addresses() {
        let line = "      \"resolved\": \"https://registry.example/svelte.tgz\",";
        assert!(lock_fault(Path::new("crates/web/package-lock.json"), line).is_some());
        assert_eq!(lock_fault(Path::new("docs.json"), line), None);
    }
}

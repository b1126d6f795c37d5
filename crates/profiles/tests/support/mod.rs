//! What the tests of this crate share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wanglou_profiles::ProfileSet;

/// A folder of the workspace.
pub(crate) fn workspace(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
}

/// The files of `config/profiles`.
pub(crate) fn shipped_files() -> BTreeMap<String, Vec<u8>> {
    let folder = std::fs::read_dir(workspace("config/profiles")).expect("the profiles are there");
    let paths = folder.map(|entry| entry.expect("readable").path());
    let toml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("readable"))
    };
    toml.map(read).collect()
}

/// The shipped profiles, compiled.
pub(crate) fn shipped() -> ProfileSet {
    match ProfileSet::compile(&shipped_files()) {
        Ok(set) => set,
        Err(faults) => panic!("{}", faults.iter().map(|f| f.to_string()).collect::<Vec<_>>().join("\n")),
    }
}

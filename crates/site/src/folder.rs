//! The files of a site folder: which there are, how large they may be, how their bytes become text.

use crate::fault::{At, Faults};
use crate::suggest;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

/// The compound itself: id, name, zone, language, grids.
pub const SITE: &str = "site.toml";
/// Every place.
pub const PLACES: &str = "places.csv";
/// Every device.
pub const DEVICES: &str = "devices.csv";
/// Who receives alarms, without names.
pub const OFFICERS: &str = "officers.toml";
/// Who is on duty when.
pub const ROTA: &str = "rota.toml";
/// Homes that the living-alone rule watches; may be missing.
pub const HOMES: &str = "homes.csv";
/// Names and telephone numbers: personal data, a file of its own; may be missing.
pub const PEOPLE: &str = "people.toml";

/// All of them, in the order in which they are read.
pub const FILES: [&str; 7] = [SITE, PLACES, DEVICES, OFFICERS, ROTA, HOMES, PEOPLE];

/// Largest file, in bytes.
pub const FILE_BYTES_MAX: u64 = 8 << 20;

/// Reads the files of a site folder, for [`Compound::check`](crate::Compound::check).
///
/// Only what looks like a file of a site is read: `*.toml` and `*.csv` directly in the folder, neither hidden
/// nor a spreadsheet's lock file. Anything else (plans, notes) is left alone.
///
/// # Errors
/// When the folder or a file cannot be read, a file is larger than [`FILE_BYTES_MAX`], a name is not UTF-8, or
/// a link leads out of the folder.
pub fn read_folder(folder: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let root = folder.canonicalize().map_err(|error| named(folder, &error))?;
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(&root).map_err(|error| named(folder, &error))? {
        let path = entry?.path();
        let Some(name) = path.file_name() else { continue };
        let Some(name) = name.to_str() else {
            return Err(refused(&path, "its name is not UTF-8; rename it"));
        };
        if is_kept(name) && path.is_file() {
            files.insert(name.to_owned(), read_file(&root, &path)?);
        }
    }
    Ok(files)
}

fn is_kept(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ours = lower.ends_with(".toml") || lower.ends_with(".csv");
    ours && !name.starts_with(['.', '~'])
}

fn read_file(root: &Path, path: &Path) -> io::Result<Vec<u8>> {
    let real = path.canonicalize().map_err(|error| named(path, &error))?;
    if !real.starts_with(root) {
        return Err(refused(path, "it is a link that leads out of the site folder; copy the file instead"));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&real).map_err(|error| named(path, &error))?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| named(path, &error))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(refused(path, &format!("it is larger than {} MiB", FILE_BYTES_MAX >> 20)));
    }
    Ok(bytes)
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn refused(path: &Path, why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()))
}

/// Names files that nothing reads, and those that must be there and are not.
pub(crate) fn check_names(files: &BTreeMap<String, Vec<u8>>, faults: &mut Faults) {
    for missing in FILES.iter().filter(|file| !files.contains_key(**file)) {
        match *missing {
            HOMES => {}
            PEOPLE => faults.warn(
                &At::file(PEOPLE),
                "is missing: nobody has a name or a telephone number, so only apps can be told",
            ),
            other => faults.error(
                &At::file(other),
                "is missing; `wanglou init` writes a commented folder to start from",
            ),
        }
    }
    for extra in files.keys().filter(|name| !FILES.contains(&name.as_str())) {
        let hint =
            suggest::nearest(extra, FILES).map_or_else(String::new, |near| format!("; did you mean {near}?"));
        let fault = At::file("site folder");
        faults.warn(&fault, format!("{extra:?} is not a file of a site and is not read{hint}"));
    }
}

/// The text of a file: UTF-8, with or without byte order mark, line ends made `\n`.
///
/// Anything else is a fault that says how to save the file. Nothing is guessed: text read in the wrong
/// encoding would put wrong places on the screen.
pub(crate) fn text(file: &'static str, bytes: &[u8], faults: &mut Faults) -> Option<String> {
    if bytes.len() as u64 > FILE_BYTES_MAX {
        faults.error(&At::file(file), format!("is larger than {} MiB", FILE_BYTES_MAX >> 20));
        return None;
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        faults.error(&At::file(file), format!("is UTF-16, not UTF-8; {}", how_to_save(file)));
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            Some(text.replace("\r\n", "\n").replace('\r', "\n"))
        }
        Err(error) => {
            let line = line_of(bytes, error.valid_up_to());
            let message = format!("is not UTF-8 (GBK perhaps?); {}", how_to_save(file));
            faults.error(&At::key(file, "", Some(line)), message);
            None
        }
    }
}

fn how_to_save(file: &str) -> &'static str {
    if file.ends_with(".csv") {
        "in the spreadsheet choose Save as, \"CSV UTF-8 (comma delimited)\" (另存为“CSV UTF-8(逗号分隔)”)"
    } else {
        "save it as UTF-8 in the editor (用编辑器另存为 UTF-8)"
    }
}

fn line_of(bytes: &[u8], offset: usize) -> u32 {
    let before = bytes.iter().take(offset).filter(|byte| **byte == b'\n').count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_gbk_is_refused_with_the_line_and_how_to_save_it() {
        let mut faults = Faults::default();
        let gbk = [b"id,name_zh\n1,".as_slice(), &[0xb5, 0xe7, 0xcc, 0xdd]].concat();
        assert_eq!(text(PLACES, &gbk, &mut faults), None);
        let found = faults.into_sorted();
        assert_eq!(found[0].line, Some(2));
        assert!(found[0].message.contains("CSV UTF-8"), "{}", found[0]);
    }

    #[test]
    fn byte_order_mark_and_line_ends_of_a_spreadsheet_are_taken() {
        let mut faults = Faults::default();
        assert_eq!(text(PLACES, b"\xef\xbb\xbfa\r\nb\rc", &mut faults).as_deref(), Some("a\nb\nc"));
        assert!(!faults.has_errors());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_folder_is_not_followed() {
        let outside = tempfile::tempdir().expect("a folder");
        std::fs::write(outside.path().join("secret.csv"), b"x").expect("a file");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("real.toml"), b"y").expect("a file");
        std::os::unix::fs::symlink("real.toml", folder.path().join("site.toml")).expect("a link inside");
        let inside = read_folder(folder.path()).expect("links inside are fine");
        assert_eq!(inside.get("site.toml").map(Vec::as_slice), Some(b"y".as_slice()));

        let target = outside.path().join("secret.csv");
        std::os::unix::fs::symlink(target, folder.path().join("places.csv")).expect("a link out");
        let error = read_folder(folder.path()).expect_err("a link out is refused");
        assert!(error.to_string().contains("places.csv"), "{error}");
    }

    #[test]
    fn only_files_of_a_site_are_read_and_none_beyond_the_limit() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["site.toml", "Places.CSV", ".hidden.toml", "~$devices.csv", "plan.svg"] {
            std::fs::write(folder.path().join(name), b"x").expect("a file");
        }
        let names: Vec<String> = read_folder(folder.path()).expect("a folder").into_keys().collect();
        assert_eq!(names, ["Places.CSV", "site.toml"]);

        let huge = std::fs::File::create(folder.path().join("devices.csv")).expect("a file");
        huge.set_len(FILE_BYTES_MAX + 1).expect("a sparse file");
        let error = read_folder(folder.path()).expect_err("too large");
        assert!(error.to_string().contains("larger than 8 MiB"), "{error}");
    }
}

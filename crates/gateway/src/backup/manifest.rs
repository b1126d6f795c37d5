//! What a backup says of itself: `backup.json`, and a SHA-256 for each file in `SHA256SUMS`, in the format that
//! `sha256sum -c` reads.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};
use std::path::{Component, Path, PathBuf};

/// The file that tells what the backup is of.
pub const MANIFEST: &str = "backup.json";
/// The file with the sums.
pub const SUMS: &str = "SHA256SUMS";
/// The format that this program writes; newer ones are refused.
pub const FORMAT: u32 = 1;

/// What a backup is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The compound.
    pub site: String,
    /// The program's version.
    pub program: String,
    /// When it was made: RFC 3339.
    pub made_at: String,
    /// The same, seconds since 1970.
    pub made_at_s: i64,
    /// When it must be thrown away, because what people said in it becomes too old: RFC 3339.
    pub delete_by: String,
    /// The same, seconds since 1970.
    pub delete_by_s: i64,
    /// The journal's history.
    pub history: String,
    /// The first position that is in it.
    pub first: u64,
    /// The position that the next record would have had.
    pub position: u64,
    /// How many bodies were left out, because they would have become too old in it.
    pub bodies_left_out: u64,
    /// The gateway's file, relative to `config/`.
    pub config: PathBuf,
    /// What its keys name outside of its folder, and where that lies in the backup.
    pub moved: BTreeMap<String, PathBuf>,
    /// Damage of the journal that was copied with it.
    pub damaged: Vec<String>,
    /// How many files there are, beside this one and the sums.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What is wrong with a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There is no such file, or it cannot be read.
    Unreadable(PathBuf, String),
    /// Its bytes are not those that were written.
    Changed(PathBuf),
    /// It is not in the sums.
    Unlisted(PathBuf),
    /// A line of the sums is none.
    Line(usize),
    /// The manifest is none, or of a newer program.
    Manifest(String),
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Flaw::Unreadable(path, why) => write!(f, "{}: cannot be read: {why}", path.display()),
            Flaw::Changed(path) => write!(f, "{}: is not what was written (SHA-256)", path.display()),
            Flaw::Unlisted(path) => write!(f, "{}: is not in {SUMS}", path.display()),
            Flaw::Line(number) => {
                write!(f, "{SUMS}: line {number} is not a sum and a path inside of the backup")
            }
            Flaw::Manifest(why) => write!(f, "{MANIFEST}: {why}"),
        }
    }
}

/// Every file below a folder, relative to it, in order. Anything that is neither file nor folder is an error.
///
/// # Errors
/// As the system says.
pub fn files_below(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let (mut files, mut open) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(below) = open.pop() {
        for entry in std::fs::read_dir(folder.join(&below))? {
            let entry = entry?;
            let (path, kind) = (below.join(entry.file_name()), entry.file_type()?);
            if kind.is_dir() {
                open.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The SHA-256 of a file in hexadecimal digits, and its length.
pub(super) fn sum(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut held, mut bytes) = (Sha256::new(), vec![0; 1 << 20], 0);
    loop {
        let read = file.read(&mut held)?;
        if read == 0 {
            break;
        }
        hash.update(&held[..read]);
        bytes += read as u64;
    }
    Ok((hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), bytes))
}

/// Writes manifest and sums of the files that lie in a folder, durably.
///
/// # Errors
/// As the system says.
pub fn seal(folder: &Path, mut manifest: Manifest) -> std::io::Result<Manifest> {
    let mut lines = String::new();
    (manifest.files, manifest.bytes) = (0, 0);
    for path in files_below(folder)? {
        let (sum, bytes) = sum(&folder.join(&path))?;
        lines.push_str(&format!("{sum}  {}\n", path.display()));
        manifest.files += 1;
        manifest.bytes += bytes;
    }
    let json = serde_json::to_vec_pretty(&manifest)?;
    write_durably(&folder.join(MANIFEST), &json)?;
    let (sum, _) = sum(&folder.join(MANIFEST))?;
    lines.push_str(&format!("{sum}  {MANIFEST}\n"));
    write_durably(&folder.join(SUMS), lines.as_bytes())?;
    Ok(manifest)
}

pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The manifest alone, without a look at the files.
///
/// # Errors
/// [`Flaw::Unreadable`], [`Flaw::Manifest`].
pub fn read(folder: &Path) -> Result<Manifest, Flaw> {
    let path = PathBuf::from(MANIFEST);
    let bytes =
        std::fs::read(folder.join(&path)).map_err(|error| Flaw::Unreadable(path, error.to_string()))?;
    let manifest: Manifest =
        serde_json::from_slice(&bytes).map_err(|error| Flaw::Manifest(error.to_string()))?;
    if manifest.format > FORMAT {
        let (found, known) = (manifest.format, FORMAT);
        let why = format!("it has format {found}, this program reads up to {known}: use the newer program");
        return Err(Flaw::Manifest(why));
    }
    Ok(manifest)
}

/// Reads every file and holds it against its sum.
///
/// # Errors
/// Every flaw, each with its file.
pub fn check(folder: &Path) -> Result<Manifest, Vec<Flaw>> {
    let manifest = read(folder).map_err(|flaw| vec![flaw])?;
    let mut flaws = Vec::new();
    let listed = listed(folder, &mut flaws)?;
    for (path, expected) in &listed {
        match sum(&folder.join(path)) {
            Ok((found, _)) if found == *expected => {}
            Ok(_) => flaws.push(Flaw::Changed(path.clone())),
            Err(error) => flaws.push(Flaw::Unreadable(path.clone(), error.to_string())),
        }
    }
    let there =
        files_below(folder).map_err(|error| vec![Flaw::Unreadable(PathBuf::new(), error.to_string())])?;
    let unlisted = there.into_iter().filter(|path| path != Path::new(SUMS) && !listed.contains_key(path));
    flaws.extend(unlisted.map(Flaw::Unlisted));
    if flaws.is_empty() && listed.len() as u64 != manifest.files + 1 {
        let (written, found) = (manifest.files, listed.len() as u64 - 1);
        flaws.push(Flaw::Manifest(format!("{written} files were written, {SUMS} has {found}")));
    }
    if flaws.is_empty() { Ok(manifest) } else { Err(flaws) }
}

fn listed(folder: &Path, flaws: &mut Vec<Flaw>) -> Result<BTreeMap<PathBuf, String>, Vec<Flaw>> {
    let text = std::fs::read_to_string(folder.join(SUMS))
        .map_err(|error| vec![Flaw::Unreadable(SUMS.into(), error.to_string())])?;
    let mut listed = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        match line.split_once("  ").filter(|(sum, path)| is_sum(sum) && is_inside(Path::new(path))) {
            Some((sum, path)) => {
                listed.insert(PathBuf::from(path), sum.to_owned());
            }
            None => flaws.push(Flaw::Line(number + 1)),
        }
    }
    Ok(listed)
}

fn is_sum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a path stays below the folder that it begins in.
pub(super) fn is_inside(path: &Path) -> bool {
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            format: FORMAT,
            site: "demo".into(),
            program: "0".into(),
            made_at: String::new(),
            made_at_s: 0,
            delete_by: String::new(),
            delete_by_s: 0,
            history: "aa".into(),
            first: 0,
            position: 7,
            bodies_left_out: 0,
            config: "gateway.toml".into(),
            moved: BTreeMap::new(),
            damaged: Vec::new(),
            files: 0,
            bytes: 0,
        }
    }

    fn backup() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(folder.path().join("data/journal")).expect("a folder");
        for (name, text) in [("data/journal/0.seg", "frames"), ("data/push-key", "key")] {
            std::fs::write(folder.path().join(name), text).expect("a file");
        }
        let sealed = seal(folder.path(), manifest()).expect("sealed");
        assert_eq!((sealed.files, sealed.bytes), (2, 9));
        folder
    }

    #[test]
    fn a_sound_backup_is_read_again_and_sha256sum_agrees() {
        let folder = backup();
        assert_eq!(check(folder.path()).map(|found| found.position), Ok(7));
        let mut theirs = std::process::Command::new("sha256sum");
        let theirs =
            theirs.args(["-c", "--quiet", SUMS]).current_dir(folder.path()).status().expect("coreutils");
        assert!(theirs.success());
    }

    #[test]
    fn whatever_happened_to_it_is_named() {
        let sums = |change: &dyn Fn(String) -> String| {
            let folder = backup();
            let path = folder.path().join(SUMS);
            std::fs::write(&path, change(std::fs::read_to_string(&path).expect("sums"))).expect("written");
            check(folder.path()).expect_err("damaged").iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let files = |change: &dyn Fn(&Path)| {
            let folder = backup();
            change(folder.path());
            check(folder.path()).expect_err("damaged").iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let seg = "data/journal/0.seg";
        assert_eq!(
            files(&|folder| std::fs::write(folder.join(seg), "framed").expect("written")),
            ["data/journal/0.seg: is not what was written (SHA-256)"]
        );
        assert!(files(&|folder| std::fs::remove_file(folder.join(seg)).expect("gone"))[0].starts_with(seg));
        assert_eq!(
            files(&|folder| std::fs::write(folder.join("data/more"), "x").expect("written")),
            ["data/more: is not in SHA256SUMS"]
        );
        let newer = files(&|folder| {
            let text = std::fs::read_to_string(folder.join(MANIFEST)).expect("read");
            std::fs::write(folder.join(MANIFEST), text.replace("\"format\": 1", "\"format\": 2"))
                .expect("written");
        });
        assert_eq!(
            newer,
            ["backup.json: it has format 2, this program reads up to 1: use the newer program"]
        );
        assert_eq!(
            sums(&|text| text.lines().skip(1).map(|line| format!("{line}\n")).collect()),
            ["data/journal/0.seg: is not in SHA256SUMS"]
        );
        assert!(sums(&|text| text.replace("data/push-key", "../../etc/passwd"))[0].contains("line 2"));
        assert!(sums(&|_| String::new()).len() == 3, "nothing is listed");
    }

    #[test]
    fn a_file_that_is_gone_from_folder_and_sums_is_missed() {
        let folder = backup();
        let path = folder.path().join(SUMS);
        let text = std::fs::read_to_string(&path).expect("sums");
        let fewer: String =
            text.lines().filter(|line| !line.contains("push-key")).map(|line| format!("{line}\n")).collect();
        std::fs::write(&path, fewer).expect("written");
        std::fs::remove_file(folder.path().join("data/push-key")).expect("gone");
        let flaws = check(folder.path()).expect_err("damaged");
        assert_eq!(flaws, [Flaw::Manifest("2 files were written, SHA256SUMS has 1".into())]);
    }
}

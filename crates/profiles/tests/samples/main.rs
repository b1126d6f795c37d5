//! What the shipped profiles make of a folder of real payloads, against what each of them means.
//!
//! The folder has one subfolder for each family, and in it one JSON file for each message: `topic`, and
//! `payload`, `payload_text` or `payload_base64`. It is no part of the project. `WANGLOU_SAMPLES` names it;
//! without one this test says aloud that it is skipped, and passes. `cargo xtask samples --dir DIR` runs it.
//!
//! What is expected stands in `expected.toml`, by family and file name: what comes out, no payload. A file that
//! has no expectation, and an expectation that has no file, are wrong too.
//! `WANGLOU_SAMPLES_SHOW=family` prints what comes out instead, in that file's format.

mod expected;
mod sample;

use expected::{Expected, Verdict};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wanglou_profiles::ProfileSet;

/// The profiles in `config/profiles`, compiled.
fn shipped() -> ProfileSet {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/profiles");
    let folder = std::fs::read_dir(folder).expect("the profiles are there");
    let paths = folder.map(|entry| entry.expect("readable").path());
    let toml = paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
    let read = |path: PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(&path).expect("readable"))
    };
    ProfileSet::compile(&toml.map(read).collect()).unwrap_or_else(|faults| panic!("{faults:#?}"))
}

/// How many samples of a family came out how.
#[derive(Default)]
struct Tally {
    by_verdict: BTreeMap<Verdict, usize>,
}

impl Tally {
    fn row(&self, name: &str) -> String {
        let cells = Verdict::ALL.iter().map(|verdict| {
            let count = self.by_verdict.get(verdict).copied().unwrap_or_default();
            format!("{count:>12}")
        });
        format!("{name:<26}{}", cells.collect::<String>())
    }
}

fn heading() -> String {
    let names = Verdict::ALL.iter().map(|verdict| format!("{:>12}", verdict.name()));
    format!("{:<26}{}", "family", names.collect::<String>())
}

fn check(folder: &Path) {
    let (set, expected) = (shipped(), expected::load());
    let samples = sample::all(folder);
    assert!(!samples.is_empty(), "{} holds no samples", folder.display());
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut whole = Tally::default();
    let mut wrong = vec![];
    for sample in &samples {
        let found = sample.decoded(&set);
        let wanted = expected.get(&(sample.family.clone(), sample.file.clone()));
        let verdict = wanted.map_or(Verdict::Wrong, |wanted| wanted.verdict(&found));
        if verdict == Verdict::Wrong {
            let name = format!("{}/{}", sample.family, sample.file);
            wrong
                .push(format!("{name}\n  means: {}\n  gives: {found:#?}\n  not: {wanted:?}", sample.meaning));
        }
        for tally in [tallies.entry(&sample.family).or_default(), &mut whole] {
            *tally.by_verdict.entry(verdict).or_default() += 1;
        }
    }
    println!("{}", heading());
    for (family, tally) in &tallies {
        println!("{}", tally.row(family));
    }
    println!("{}", whole.row("all"));
    let known = |one: &(String, String)| samples.iter().any(|s| (&s.family, &s.file) == (&one.0, &one.1));
    let gone: Vec<_> = expected.keys().filter(|one| !known(one)).collect();
    assert!(wrong.is_empty(), "{} samples are WRONG:\n{}", wrong.len(), wrong.join("\n"));
    assert!(gone.is_empty(), "expectations without a sample: {gone:?}");
}

/// Prints what comes out of the samples of some families, to be read against their meaning.
fn show(folder: &Path, families: &str) {
    let set = shipped();
    for sample in sample::all(folder) {
        if families != "all" && !families.split(',').any(|family| family == sample.family) {
            continue;
        }
        println!("# {}\n{}", sample.meaning, Expected::of(&sample.decoded(&set)).toml(&sample));
    }
}

#[test]
fn every_sample_comes_out_as_it_means() {
    let Some(folder) = std::env::var_os("WANGLOU_SAMPLES").map(PathBuf::from) else {
        println!("SKIPPED: no samples; name their folder: cargo xtask samples --dir DIR");
        return;
    };
    if !folder.is_dir() {
        println!("SKIPPED: there is no folder {}", folder.display());
        return;
    }
    match std::env::var("WANGLOU_SAMPLES_SHOW") {
        Ok(families) => show(&folder, &families),
        Err(_) => check(&folder),
    }
}

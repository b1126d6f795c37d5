//! Whatever bytes the files hold, a check answers and never panics, and a compound that checks is whole.

use crate::support::{Files, small};
use proptest::prelude::*;
use wanglou_site::{Compound, FILES, Severity};

/// Pieces that files are made of, and some that they should not be made of.
const PIECES: [&str; 42] = [
    "id",
    "place",
    ",",
    ",,",
    "\n",
    "\r\n",
    "\"",
    "\"\"",
    "#",
    " ",
    "\u{feff}",
    "\t",
    "=",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    ".",
    "'",
    "\"\"\"",
    "officer",
    "duty",
    "shift",
    "grid",
    "roles",
    "3/2/1203",
    "cover/17",
    "1h",
    "99999999999d",
    "00:00-24:00",
    "25:61-0",
    "mon-",
    "是",
    "，",
    "\u{202e}",
    "\0",
    "2.4E+15",
    "-1-",
    "wu",
    "𝄞",
];

fn noise() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)
        .prop_map(|all| all.concat().into_bytes());
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    prop_oneof![3 => pieces, 1 => bytes]
}

/// One file of the small compound with noise put in place of a stretch of it.
fn damaged() -> impl Strategy<Value = Files> {
    (0..FILES.len(), 0.0..1.0_f64, 0..40_usize, noise()).prop_map(|(file, at, length, noise)| {
        let mut files = small();
        let bytes = files.get_mut(FILES[file]).expect("there");
        let from = (bytes.len() as f64 * at) as usize;
        let until = (from + length).min(bytes.len());
        bytes.splice(from..until, noise);
        files
    })
}

/// What holds of every answer: an error among the faults, or a registry whose references all lead somewhere.
fn is_sound(files: &Files) {
    match Compound::check(files) {
        Err(faults) => {
            assert!(faults.iter().any(|fault| fault.severity == Severity::Error));
            for fault in faults {
                let shown = fault.to_string();
                assert!(!shown.contains(char::is_control) && shown.len() < 4_000, "{shown:?}");
            }
        }
        Ok(checked) => {
            let site = checked.site;
            for device in site.devices.values() {
                assert!(site.places.contains_key(&device.place));
                assert!(device.hub.as_ref().is_none_or(|hub| site.devices.contains_key(hub)));
                assert!(site.device_of(&device.profile, &device.identity).is_some());
            }
            for id in site.places.keys() {
                assert!(id.parent().is_none_or(|outer| site.places.contains_key(&outer)));
            }
            for duty in &site.rota.duties {
                assert!(site.rota.shifts.contains_key(&duty.shift));
                assert!(site.officers.contains_key(&duty.officer));
            }
            assert!(site.officers.values().all(|officer| !officer.roles.is_empty()));
            assert!(site.homes.keys().all(|home| site.places.contains_key(home)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn noise_in_a_good_file_gets_an_answer(files in damaged()) {
        is_sound(&files);
    }

    #[test]
    fn noise_instead_of_every_file_gets_an_answer(noise in prop::collection::vec(noise(), FILES.len())) {
        is_sound(&FILES.iter().map(|file| (*file).to_owned()).zip(noise).collect());
    }
}

#[test]
fn brackets_without_end_get_an_answer() {
    let mut files = small();
    for file in ["site.toml", "officers.toml", "rota.toml", "people.toml"] {
        files.insert(file.to_owned(), format!("id = {}", "[".repeat(100_000)).into_bytes());
        is_sound(&files);
        files.insert(file.to_owned(), format!("{}x", "a.".repeat(100_000)).into_bytes());
        is_sound(&files);
    }
}

#[test]
fn fifty_thousand_wrong_rows_end_at_the_limit_of_faults() {
    let mut rows = String::from("id,kind,name_zh,zone\n");
    for row in 0..50_000 {
        rows.push_str(&format!("place-{row},other,x,place-x{row}\n"));
    }
    let mut files = small();
    files.insert("places.csv".to_owned(), rows.into_bytes());
    let faults = Compound::check(&files).expect_err("every zone is wrong");
    assert_eq!(faults.len(), wanglou_site::FAULTS_MAX + 1);
    let last = faults.last().expect("the note").to_string();
    assert!(last.ends_with("more errors are not listed; mend these first"), "{last}");
}

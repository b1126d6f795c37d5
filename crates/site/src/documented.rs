//! What `docs/site.md` and its Chinese twin promise must be what the code reads.

use crate::compound::Language;
use crate::fault::Faults;
use crate::sheet::Column;
use crate::{compound, devices, homes, officers, people, places, rota, words};

const DOCS: [&str; 2] = [include_str!("../../../docs/site.md"), include_str!("../../../docs/site.zh-CN.md")];

/// The fenced TOML examples of a document, in order.
fn examples(doc: &str) -> Vec<&str> {
    doc.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// Headings that a document's tables give: the name, and what may stand in its place.
fn headings(doc: &str) -> Vec<(&str, Vec<&str>)> {
    doc.lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let name = cells.next()?.split('`').nth(1)?;
            Some((name, cells.next()?.split([',', '、', ' ']).filter(|part| !part.is_empty()).collect()))
        })
        .collect()
}

#[test]
fn every_column_is_documented_in_both_languages() {
    for doc in DOCS {
        for column in [places::COLUMNS, devices::COLUMNS, homes::COLUMNS].into_iter().flatten() {
            assert!(doc.contains(&format!("`{}`", column.name)), "{} is not documented", column.name);
        }
    }
}

#[test]
fn every_other_name_of_a_column_that_is_documented_is_understood() {
    let all: Vec<&Column> =
        [places::COLUMNS, devices::COLUMNS, homes::COLUMNS].into_iter().flatten().collect();
    let mut compared = 0;
    for doc in DOCS {
        // Rows about files and folders are no columns.
        for (name, others) in headings(doc).into_iter().filter(|(name, _)| !name.contains(['.', '/'])) {
            let known = all.iter().filter(|column| column.name == name);
            let also: Vec<&str> = known.flat_map(|column| column.also.iter().copied()).collect();
            // name_zh and name_en share a row.
            let shared = |other: &&str| name == "name_zh" && *other == "英文名";
            for other in others.iter().filter(|other| !shared(other)) {
                assert!(also.contains(other), "{name} is said to be called {other}");
                compared += 1;
            }
        }
    }
    assert!(compared > 60, "the tables were not found: {compared}");
}

#[test]
fn every_word_of_the_closed_lists_is_documented() {
    for doc in DOCS {
        for word in words::kinds().chain(words::purposes()).chain(words::roles()) {
            assert!(doc.contains(&format!("`{word}`")), "{word} is not documented");
        }
    }
}

#[test]
fn every_example_is_read_without_a_fault() {
    for doc in DOCS {
        let mut faults = Faults::default();
        let [site, officers, rota, people] = examples(doc)[..] else { panic!("four examples") };
        let nobody = officers::Known { grids: None, places: None };
        let anybody = people::Known { officers: None, homes: None, language: Language::Zh };
        assert!(compound::read(site, &mut faults).is_some_and(|head| head.grids.len() == 1));
        assert!(officers::read(officers, nobody, &mut faults).is_some_and(|found| found.officers.len() == 1));
        assert!(rota::read(rota, None, &mut faults).is_some_and(|read| read.rota.duties.len() == 2));
        assert!(people::read(people, anybody, &mut faults).is_some_and(|read| read.people.homes.len() == 1));
        assert_eq!(faults.into_sorted(), []);
    }
}

//! The start that `wanglou init` writes must be one.

use wanglou_site::{Compound, FILES, template};

#[test]
fn the_template_checks_without_errors_and_without_warnings() {
    let checked = Compound::check(&template()).unwrap_or_else(|faults| {
        let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    });
    assert_eq!(checked.warnings, []);
    assert_eq!(checked.site.devices.len(), 2);
    assert_eq!(checked.site.officers.len(), 2);
    assert_eq!(checked.households, 48);
}

#[test]
fn every_file_of_the_template_is_commented_in_both_languages() {
    let files = template();
    assert!(files.keys().map(String::as_str).eq({
        let mut names = FILES;
        names.sort_unstable();
        names
    }));
    for (name, bytes) in files {
        let text = String::from_utf8(bytes).expect("UTF-8");
        let comments: String = text.lines().filter(|line| line.starts_with('#')).collect();
        assert!(comments.chars().any(|c| matches!(c, '\u{4e00}'..='\u{9fff}')), "{name} lacks 中文");
        assert!(comments.contains(|c: char| c.is_ascii_alphabetic()), "{name} lacks English");
    }
}

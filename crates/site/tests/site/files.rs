//! Files that are missing, misnamed or unreadable, and faults in all of them at once.

use crate::support::{checked, faults, small, with};

#[test]
fn the_small_compound_itself_has_no_fault() {
    assert_eq!(checked(&small()).warnings, []);
}

#[test]
fn missing_and_misnamed_files() {
    let mut files = small();
    let places = files.remove("places.csv").expect("there");
    files.insert("place.csv".to_owned(), places);
    assert_eq!(
        faults(&files),
        [
            "places.csv: is missing; `wanglou init` writes a commented folder to start from",
            "site folder: warning: \"place.csv\" is not a file of a site and is not read; did you mean places.csv?",
        ]
    );

    let mut files = small();
    files.remove("people.toml");
    let missing =
        "people.toml: warning: is missing: nobody has a name or a telephone number, so only apps can be told";
    assert!(faults(&files).iter().any(|fault| fault == missing));
    assert!(checked(&files).people.officers.is_empty());

    let mut files = small();
    files.remove("homes.csv");
    assert_eq!(faults(&files), ["people.toml:13: home.\"3/2/1203\": home \"3/2/1203\" is not known"]);
}

#[test]
fn a_file_that_cannot_be_read_is_one_fault_and_no_echo_in_the_others() {
    let mut files = small();
    files.insert("places.csv".to_owned(), b"id,kind,name_zh\n3,building,3\xba\xc5\xc2\xa5\n".to_vec());
    assert_eq!(
        faults(&files),
        ["places.csv:2: is not UTF-8 (GBK perhaps?); in the spreadsheet choose Save as, \
          \"CSV UTF-8 (comma delimited)\" (另存为“CSV UTF-8(逗号分隔)”)"]
    );
    let files = with(small(), "officers.toml", "[officer.li]", "[officer.li");
    let found = faults(&files);
    assert!(found.iter().all(|fault| fault.starts_with("officers.toml:4: is not valid TOML: ")), "{found:?}");
}

#[test]
fn faults_of_all_files_come_at_once() {
    let files = with(small(), "site.toml", "Asia/Shanghai", "Mars");
    let files = with(files, "places.csv", "3/2,unit", "3/2,unti");
    let files = with(files, "devices.csv", "12h", "often");
    let files = with(files, "officers.toml", "[\"guard\"]", "[]");
    let files = with(files, "rota.toml", "[\"li\"]", "[\"nobody\"]");
    let files = with(files, "homes.csv", "no,yes", "no,");
    let files = with(files, "people.toml", "[officer.li]", "[officer.nobody]");
    let found = faults(&files);
    let where_: Vec<&str> = found.iter().filter_map(|fault| fault.split(": ").next()).collect();
    assert_eq!(
        where_,
        [
            "devices.csv:4",
            "homes.csv:2",
            "officers.toml:2",
            "people.toml:4",
            "places.csv:3",
            "rota.toml:5",
            "site.toml:3"
        ]
    );
}

#[test]
fn faults_of_one_file_come_in_the_order_of_its_lines() {
    // What lies in a missing place is noticed after all rows are read, and told before what stands below it.
    let files = with(small(), "places.csv", "3/2,unit", "4/2,unit");
    let files = with(files, "places.csv", "cover/17,cover", "cover/17,covr");
    let found = faults(&files);
    let lines: Vec<&str> =
        found.iter().filter_map(|fault| fault.strip_prefix("places.csv:")?.split(':').next()).collect();
    assert_eq!(lines, ["3", "4", "5", "8"]);
}

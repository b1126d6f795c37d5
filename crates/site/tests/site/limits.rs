//! What happens at each limit: one fault that names it, and an end.

use crate::support::{Files, checked, faults, small, with};
use std::fmt::Write;
use wanglou_site::FILE_BYTES_MAX;

/// The small compound with text added to the end of a file.
fn longer(file: &str, text: &str) -> Files {
    let mut files = small();
    files.get_mut(file).expect("a known file").extend(text.as_bytes());
    files
}

/// `count` lines, each made from its number.
fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut all, number| {
        writeln!(all, "{}", line(number)).expect("a String takes everything");
        all
    })
}

#[test]
fn a_file_may_have_fifty_thousand_rows_and_not_one_more() {
    let rows = |count| lines(count, |row| format!("extra-{row},other,甲,A,g1,,"));
    let own = 7;
    assert_eq!(checked(&longer("places.csv", &rows(50_000 - own))).site.places.len(), 50_000);
    assert_eq!(
        faults(&longer("places.csv", &rows(50_001 - own))),
        ["places.csv:50002: has more than 50000 rows; the rest is not read"]
    );
}

#[test]
fn a_file_beyond_the_limit_of_bytes_is_not_read() {
    let bytes = usize::try_from(FILE_BYTES_MAX).expect("fits");
    let files = longer("rota.toml", &"#".repeat(bytes));
    assert_eq!(faults(&files), ["rota.toml: is larger than 8 MiB"]);
}

#[test]
fn too_many_officers_shifts_or_duties_are_refused() {
    let officers = lines(5_000, |n| format!("[officer.x{n}]\nroles = [\"guard\"]"));
    assert_eq!(
        faults(&longer("officers.toml", &officers)),
        ["officers.toml:1: officer: has more than 5000 officers"]
    );
    let shifts = lines(100, |n| format!("s{n} = \"08:00-20:00\""));
    assert_eq!(
        faults(&with(small(), "rota.toml", "[shift]\n", &format!("[shift]\n{shifts}")))[0],
        "rota.toml:1: shift: has more than 100 shifts"
    );
    let everybody = vec!["\"li\""; 20_000].join(", ");
    let duty = format!("[[duty]]\nshift = \"day\"\nofficers = [{everybody}]\ndays = \"daily\"\n");
    let found = faults(&longer("rota.toml", &duty));
    let limit = "rota.toml:7: duty[1]: the rota has more than 20000 duties; the rest is not read";
    assert!(found.iter().any(|fault| fault == limit), "{:?}", found.last());
}

#[test]
fn numbers_and_lists_of_a_row_have_limits() {
    let households = |count: &str| {
        let files = with(small(), "places.csv", "zone,footpath", "zone,footpath,households");
        with(files, "places.csv", "Unit 2,,,", &format!("Unit 2,,,,{count}"))
    };
    assert_eq!(checked(&households("10000")).households, 10_000);
    for bad in ["10001", "many", "1.5"] {
        assert_eq!(
            faults(&households(bad)),
            ["places.csv:3: [3/2].households: must be a whole number from 0 to 10000"]
        );
    }
    let long = "x".repeat(257);
    assert_eq!(
        faults(&with(small(), "devices.csv", "lift-cam,wanglou,", &format!("lift-cam,wanglou,{long}")))[0],
        "devices.csv:5: cell 3: has 257 bytes, more than 256"
    );
    assert_eq!(faults(&with(small(), "places.csv", "2单元", &"楼".repeat(60))), [] as [&str; 0]);
    let name = "楼".repeat(61);
    assert_eq!(
        faults(&with(small(), "places.csv", "2单元", &name)),
        ["places.csv:3: [3/2].name_zh: has 61 characters, more than the 60 that fit on a phone"]
    );
}

#[test]
fn a_home_has_at_most_ten_relatives() {
    let ids: Vec<String> = (0..11).map(|n| format!("r{n}")).collect();
    let officers = lines(11, |n| format!("[officer.r{n}]\nroles = [\"family\"]"));
    let files = with(longer("officers.toml", &officers), "homes.csv", "family-1", &ids.join(" "));
    assert_eq!(faults(&files)[0], "homes.csv:2: [3/2/1203].family: has more than 10 relatives");
}

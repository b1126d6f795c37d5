//! What is no error and still warned of: gaps of the rota, empty rungs, people whom nobody reaches.

use crate::support::{Files, checked, faults, small, with};

/// The warnings of the small compound with a text in one of its files replaced.
fn warns(file: &str, old: &str, new: &str, expected: &[&str]) {
    assert_eq!(faults(&with(small(), file, old, new)), expected, "{file}: {old:?} -> {new:?}");
}

/// The small compound whose only guard works the shift of the rota.
fn by_rota_only(rota: &str) -> Files {
    let files =
        with(small(), "officers.toml", "roles = [\"guard\"]\nalways_on_duty = true", "roles = [\"guard\"]");
    let files = with(files, "rota.toml", "officers = [\"li\"]", "officers = [\"li\", \"wu\"]");
    with(files, "rota.toml", "[shift]\nday = \"08:00-20:00\"", rota)
}

#[test]
fn hours_without_a_guard_are_told_in_words() {
    assert_eq!(
        faults(&by_rota_only("[shift]\nday = \"08:00-20:00\"")),
        [
            "rota.toml:3: warning: duty: grid g1 (Grid one; 4 places with devices, such as 3): nobody with the role \
          guard or grid_worker or control_room or officer is on duty every day 20:00–08:00; alarms of P1, P2 and P3 \
          go straight to the backup"
        ]
    );
    // With a control room at night, only the lower priorities have nobody.
    let files = by_rota_only("[shift]\nday = \"08:00-20:00\"");
    assert_eq!(
        faults(&with(files, "officers.toml", "[\"manager\",", "[\"control_room\", \"manager\",")),
        [
            "rota.toml:3: warning: duty: grid g1 (Grid one; 4 places with devices, such as 3): nobody with the role \
          guard or grid_worker is on duty every day 20:00–08:00; alarms of P2 and P3 go straight to the backup"
        ]
    );
    // Around the clock, by two shifts or by one of a whole day: no gap.
    assert_eq!(faults(&by_rota_only("[shift]\nday = \"08:00-08:00\"")), [] as [&str; 0]);
    let two = "[[duty]]\nshift = \"night\"\nofficers = [\"wu\"]\ndays = \"daily\"\n";
    let mut files = by_rota_only("[shift]\nday = \"08:00-20:00\"\nnight = \"20:00-08:00\"");
    files.get_mut("rota.toml").expect("there").extend(two.as_bytes());
    assert_eq!(faults(&files), [] as [&str; 0]);
}

#[test]
fn holidays_and_overrides_that_leave_nobody_there_are_told_by_their_dates() {
    let two = "[shift]\nday = \"08:00-20:00\"\nnight = \"20:00-08:00\"";
    let nights = "[[duty]]\nshift = \"night\"\nofficers = [\"wu\"]\ndays = \"mon-sat\"\n\
                  [[duty]]\nshift = \"night\"\nofficers = [\"li\"]\ndays = \"sun\"\n";
    let with_days = |days: &str| {
        let mut files = by_rota_only(&format!("{days}\n{two}"));
        files.get_mut("rota.toml").expect("there").extend(nights.as_bytes());
        files
    };
    assert_eq!(faults(&with_days("")), [] as [&str; 0]);
    let nobody = "[[override]]\ndate = \"2026-10-01\"\nshift = \"night\"\nofficers = []\n";
    let mut files = with_days("");
    files.get_mut("rota.toml").expect("there").extend(nobody.as_bytes());
    let told = "rota.toml:5: warning: duty: grid g1 (Grid one; 4 places with devices, such as 3): on a holiday or by an \
                override nobody with the role guard or grid_worker or control_room or officer is on duty 2026-10-01 \
                from 20:00, 2026-10-02 from 00:00; alarms of P1, P2 and P3 go straight to the backup";
    assert_eq!(faults(&files), [told]);
}

#[test]
fn a_gap_of_one_weekend_names_its_hours() {
    let files = with(by_rota_only("[shift]\nday = \"08:00-08:00\""), "rota.toml", "daily", "mon-fri");
    let found = faults(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found.iter().all(|line| line.contains("is on duty on Sat 08:00–Mon 08:00; alarms")), "{found:?}");
}

#[test]
fn a_guard_of_another_grid_does_not_close_a_gap() {
    let files = with(small(), "site.toml", "g1 = \"Grid one\"", "g1 = \"Grid one\"\ng2 = \"Grid two\"");
    let files =
        with(files, "officers.toml", "always_on_duty = true", "always_on_duty = true\ngrids = [\"g2\"]");
    let found = faults(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains("every day 20:00–08:00"), "{found:?}");
}

#[test]
fn places_outside_every_grid_are_named_as_such() {
    let files = with(small(), "places.csv", "cover,other,井盖,Covers,g1", "cover,other,井盖,Covers,");
    let files =
        with(files, "officers.toml", "always_on_duty = true", "always_on_duty = true\ngrids = [\"g1\"]");
    let found = faults(&files);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found.iter().all(|line| line.contains("outside every grid (1 place with devices, such as cover/17)")),
        "{found:?}"
    );
}

#[test]
fn people_whom_nobody_tells_or_reaches_are_named() {
    warns(
        "officers.toml",
        "places = [\"3\"]\nalways_on_duty = true",
        "places = [\"3\"]",
        &["officers.toml:10: warning: officer.zhang: is never on duty and will never be told; \
           add a [[duty]] to rota.toml, or always_on_duty = true"],
    );
    warns(
        "people.toml",
        "[officer.zhang]\nname = \"张样例\"\n",
        "",
        &["officers.toml:10: warning: officer.zhang: has no name in people.toml; screens will show the id"],
    );
    warns(
        "people.toml",
        "telephone = \"+86 000 0000 0002\"",
        "",
        &[
            "officers.toml:14: warning: officer.family-1: is a contact without a telephone number or webhook in \
           people.toml, and cannot be reached",
        ],
    );
    warns(
        "officers.toml",
        "roles = [\"family\"]",
        "roles = [\"family\"]\nadmin = true",
        &["officers.toml:14: warning: officer.family-1: is a contact outside the compound and an admin; \
           take one of the two away"],
    );
    warns(
        "officers.toml",
        "admin = true",
        "admin = false",
        &["officers.toml: warning: nobody is admin = true: nobody can see the admin page"],
    );
    warns(
        "officers.toml",
        "\"station\", \"leader\"",
        "\"station\"",
        &["officers.toml: warning: nobody has the role leader: the last rung of P1 reaches nobody"],
    );
}

#[test]
fn homes_whose_ladder_leads_nowhere_are_named() {
    warns(
        "people.toml",
        "telephone = \"+86 000 0000 0003\"",
        "",
        &[
            "homes.csv:2: warning: [3/2/1203].telephone: no number in people.toml: the resident cannot be called, \
           and the ladder begins with the family",
        ],
    );
    warns(
        "officers.toml",
        "places = [\"3\"]",
        "places = [\"cover\"]",
        &["homes.csv:2: warning: [3/2/1203].place: no captain and no grid_worker serves this home: \
           nobody would knock at the door"],
    );
}

#[test]
fn a_shift_that_nobody_works_is_named() {
    warns(
        "rota.toml",
        "[shift]",
        "[shift]\nnoon = \"11:00-13:00\"",
        &["rota.toml:2: warning: shift.noon: nobody works this shift; remove it, or add a [[duty]]"],
    );
}

#[test]
fn debug_prints_no_name_and_no_number() {
    let checked = checked(&small());
    assert!(checked.people.officers.values().any(|person| person.name == "吴样例"));
    let printed = format!("{checked:?} {:?}", checked.people.officers);
    for secret in ["吴样例", "赵虚构", "+86"] {
        assert!(!printed.contains(secret), "Debug prints {secret}");
    }
}

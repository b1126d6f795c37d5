//! Bad TOML files, and exactly what is said about each: file, line, key path, words.

use crate::support::{checked, faults, says, small, with};
use wanglou_site::Language;

#[test]
fn bad_site_files() {
    for (old, new, expected) in [
        (
            "id = \"small\"",
            "id = \"Small\"",
            "site.toml:1: id: must be lower-case letters, digits and hyphens, such as \"west-lake-2\"",
        ),
        ("id = \"small\"", "", "site.toml: id: is missing; write id = \"demo\", say"),
        (
            "Asia/Shanghai",
            "Asia/Shangai",
            "site.toml:3: zone: time zone \"Asia/Shangai\" is not known; did you mean \"Asia/Shanghai\"?",
        ),
        (
            "zone =",
            "zoen = \"x\"\nzone =",
            "site.toml:3: zoen: key \"zoen\" is not known; did you mean \"zone\"?",
        ),
        ("[grid]", "language = \"fr\"\n[grid]", "site.toml:4: language: must be \"zh\" or \"en\""),
        ("name = {", "name = { fr = \"x\",", "site.toml:2: name.fr: key \"fr\" is not known"),
        (
            "{ zh = \"小小区\", en = \"Small\" }",
            "\"\"",
            "site.toml:2: name: needs a name, in Chinese, English or both",
        ),
        ("g1 = \"Grid one\"", "g1 = 1", "site.toml:5: grid.g1: must be text in quotes, not integer"),
    ] {
        says("site.toml", old, new, &[expected]);
    }
}

#[test]
fn bad_officers() {
    for (old, new, expected) in [
        (
            "roles = [\"guard\"]",
            "roles = [\"gaurd\"]",
            "officers.toml:2: officer.wu.roles[0]: role \"gaurd\" is not known; did you mean \"guard\"?",
        ),
        (
            "roles = [\"guard\"]",
            "roles = []",
            "officers.toml:2: officer.wu.roles: is empty; an officer needs at least one role",
        ),
        (
            "roles = [\"guard\"]",
            "",
            "officers.toml:1: officer.wu: has no roles; write roles = [\"guard\"], say",
        ),
        (
            "places = [\"3\"]",
            "places = [\"4\"]",
            "officers.toml:12: officer.zhang.places[0]: place \"4\" is not known; did you mean \"3\"?",
        ),
        (
            "places = [\"3\"]",
            "grids = [\"g9\"]",
            "officers.toml:12: officer.zhang.grids[0]: grid \"g9\" is not known; did you mean \"g1\"?",
        ),
        (
            "admin = true",
            "admin = \"yes\"",
            "officers.toml:9: officer.he.admin: must be true or false, not string",
        ),
        (
            "admin = true",
            "admin = true\nname = \"x\"",
            "officers.toml:10: officer.he.name: key \"name\" is not known",
        ),
        (
            "[officer.family-1]",
            "[officer.family-1]\nroles = [\"family\"]\n[officer.\"Wang Wu\"]",
            "officers.toml:16: officer.\"Wang Wu\": an officer's id must be lower-case letters, digits and hyphens, \
             and never a name in full",
        ),
    ] {
        says("officers.toml", old, new, &[expected]);
    }
}

#[test]
fn bad_rotas() {
    for (old, new, expected) in [
        (
            "08:00-20:00",
            "8-20",
            "rota.toml:2: shift.day: must be from and until as HH:MM-HH:MM, such as 08:00-20:00 or 20:00-08:00",
        ),
        (
            "[\"li\"]",
            "[\"lo\"]",
            "rota.toml:5: duty[0].officers[0]: officer \"lo\" is not known; did you mean \"li\"?",
        ),
        (
            "days = \"daily\"",
            "days = [\"mon\", \"tus\"]",
            "rota.toml:6: duty[0].days[1]: must be days such as mon, mon-fri, daily, weekdays or weekend",
        ),
        ("days = \"daily\"", "", "rota.toml:3: duty[0]: lacks the key days; write days = \"daily\", say"),
        ("[[duty]]", "[duty]", "rota.toml:3: duty: must be a list of tables, each under [[…]], not table"),
    ] {
        says("rota.toml", old, new, &[expected]);
    }
    says(
        "rota.toml",
        "shift = \"day\"",
        "shift = \"dya\"",
        &["rota.toml:4: duty[0].shift: shift \"dya\" is not known; did you mean \"day\"?"],
    );
}

#[test]
fn an_officer_on_duty_twice_at_one_time_is_warned_of() {
    let second = "days = \"daily\"\n[[duty]]\nshift = \"night\"\nofficers = [\"li\"]\ndays = \"sun\"\n";
    let files = with(small(), "rota.toml", "[shift]", "[shift]\nnight = \"19:00-07:00\"");
    assert_eq!(
        faults(&with(files, "rota.toml", "days = \"daily\"", second)),
        [
            "rota.toml:10: warning: duty[1].officers[0]: \"li\" is on duty at that time already in line 6; is one of the two too many?"
        ]
    );
    let after = with(small(), "rota.toml", "[shift]", "[shift]\nnight = \"20:00-08:00\"");
    assert_eq!(faults(&with(after, "rota.toml", "days = \"daily\"", second)), [] as [&str; 0]);
}

#[test]
fn a_sunday_night_that_reaches_into_monday_morning_is_seen() {
    let monday = "days = \"daily\"\n[[duty]]\nshift = \"night\"\nofficers = [\"li\"]\ndays = \"sun\"\n";
    let files = with(small(), "rota.toml", "[shift]", "[shift]\nnight = \"20:00-09:00\"");
    let files = with(files, "rota.toml", "days = \"daily\"", "days = \"mon\"");
    let found = faults(&with(files, "rota.toml", "days = \"mon\"", &monday.replace("daily", "mon")));
    assert!(found.iter().any(|fault| fault.contains("duty[1].officers[0]: \"li\" is on duty at that time")));
}

#[test]
fn bad_people() {
    for (old, new, expected) in [
        (
            "[officer.li]",
            "[officer.lie]",
            "people.toml:4: officer.lie: officer \"lie\" is not known; did you mean \"li\"?",
        ),
        (
            "name = \"李样例\"",
            "",
            "people.toml:4: officer.li: lacks the key name; write what screens shall show, such as \"王师傅\"",
        ),
        ("name = \"李样例\"", "name = \" \"", "people.toml:5: officer.li.name: is empty"),
        (
            "name = \"李样例\"",
            "name = \"李\"\nlanguage = \"de\"",
            "people.toml:6: officer.li.language: must be \"zh\" or \"en\"",
        ),
        (
            "\"+86 000 0000 0001\"",
            "\"call me\"",
            "people.toml:3: officer.wu.telephone: must be a telephone number of 3 to 15 digits, in quotes, such as \"+86 10 0000 0000\"",
        ),
        (
            "name = \"李样例\"",
            "name = \"李样例\"\nwebhook = \"https://example.com/secret\"",
            "people.toml:6: officer.li.webhook: must be the name of a webhook of the gateway's configuration, such as \
             \"duty-group\", never an address: lower-case letters, digits and hyphens",
        ),
    ] {
        let found = faults(&with(small(), "people.toml", old, new));
        assert_eq!(found, [expected]);
        for secret in ["李样例", "call me", "example.com"] {
            assert!(!found[0].contains(secret), "{found:?} quotes what is nobody's business");
        }
    }
}

#[test]
fn lines_are_kept_for_faults_that_only_the_gateway_can_see() {
    let files =
        with(small(), "people.toml", "name = \"李样例\"", "name = \"李样例\"\nwebhook = \"duty-group\"");
    let checked = checked(&files);
    let li = checked.site.officers.get_key_value("li").expect("li");
    assert!(li.1.webhook && !li.1.telephone);
    assert_eq!(checked.people.officers["li"].webhook.as_deref(), Some("duty-group"));
    assert_eq!(checked.webhook_lines.get("li"), Some(&6));
    assert_eq!(checked.device_lines.get("cover-17"), Some(&4));
}

#[test]
fn whoever_has_no_language_of_their_own_has_that_of_the_compound() {
    let files = with(small(), "site.toml", "zone =", "language = \"en\"\nzone =");
    let files = with(files, "people.toml", "name = \"李样例\"", "name = \"李样例\"\nlanguage = \"zh-CN\"");
    let people = checked(&files).people;
    assert_eq!(people.officers["li"].language, Language::Zh);
    assert_eq!(people.officers["wu"].language, Language::En);
    assert!(people.homes.values().all(|person| person.language == Language::En));
}

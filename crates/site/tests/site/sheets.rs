//! Bad CSV files, and exactly what is said about each: file, line, key path, words.

use crate::support::{checked, faults, says, small, with};

#[test]
fn bad_places() {
    for (old, new, expected) in [
        (
            "3/2,unit",
            "3/2,unti",
            "places.csv:3: [3/2].kind: kind of place \"unti\" is not known; did you mean \"unit\"?",
        ),
        (
            "cover,other,井盖,Covers,g1",
            "cover,other,井盖,Covers,g2",
            "places.csv:7: [cover].grid: grid \"g2\" is not known; did you mean \"g1\"?",
        ),
        (
            "Cover 17,,drain",
            "Cover 17,,drian",
            "places.csv:8: [cover/17].zone: place \"drian\" is not known; did you mean \"drain\"?",
        ),
        (
            "Cover 17,,drain",
            "Cover 17,,3/2",
            "places.csv:8: [cover/17].zone: \"3/2\" is of kind unit; a zone must be of kind zone",
        ),
        ("drain,yes", "drain,maybe", "places.csv:8: [cover/17].footpath: must be yes or no (是 or 否)"),
        (
            "drain,zone,排水区,Drains",
            "drain,zone,,",
            "places.csv:6: [drain].name_zh: needs a name, in Chinese, English or both",
        ),
        (
            "drain,zone,排水区,Drains,g1,,\n",
            "drain,zone,排水区,Drains,g1,,\ndrain,zone,排水区,Drains,g1,,\n",
            "places.csv:7: [drain].id: \"drain\" is in line 6 already; an id names one place",
        ),
        (
            "drain,zone,排水区,Drains,g1,,\n",
            "drain,zone,排水区,Drains,g1,,\nshed//2,shed,棚,Shed,,,\n",
            "places.csv:7: [shed//2].id: must be a path such as 3/2/lift-B, without a slash at the ends or two in a row",
        ),
        (
            "drain,zone,排水区,Drains,g1,,\n",
            "drain,zone,排水区,Drains,g1,,\nsheds/2,shed,棚,Shed,,,\n",
            "places.csv:7: [sheds/2].id: lies in \"sheds\", which has no row; add one",
        ),
        (
            "drain,zone,排水区,Drains,g1,,\n",
            "drain,zone,排水区,Drains,g1,,\n,shed,棚,Shed,,,\n",
            "places.csv:7: id: is empty",
        ),
        (
            "drain,zone,排水区,Drains,g1,,\n",
            "drain,zone,排水区,Drains,g1,,\n3月2日,shed,棚,Shed,,,\n",
            "places.csv:7: cell 1: \"3月2日\" looks like a date that a spreadsheet made of something else; \
             format the column as text (文本) and type it anew",
        ),
    ] {
        says("places.csv", old, new, &[expected]);
    }
}

#[test]
fn bad_devices() {
    for (old, new, expected) in [
        (
            "wanglou,,cover/17",
            "wanglou,,cover/71",
            "devices.csv:4: [cover-17].place: place \"cover/71\" is not known; did you mean \"cover/17\"?",
        ),
        (
            "3/2/lift-B,lift_camera",
            "3/2/lift-B,lift_camra",
            "devices.csv:5: [lift-cam].purpose: purpose \"lift_camra\" is not known; did you mean \"lift_camera\"?",
        ),
        (
            "3/2/lift-B,lift_camera",
            "3/2/1203,lift_camera",
            "devices.csv:5: [lift-cam].place: \"3/2/1203\" is of kind home; a lift_camera must be at a place of kind lift",
        ),
        (
            "12h",
            "12",
            "devices.csv:4: [cover-17].interval: must be a whole number with a unit, such as 30s, 10min, 1h or 1d",
        ),
        ("12h", "8d", "devices.csv:4: [cover-17].interval: must be between 1s and 7d"),
        ("5min", "25h", "devices.csv:4: [cover-17].follow_up: must be between 1s and 24h"),
        (
            "1h,hub-1",
            "1h,hub-2",
            "devices.csv:3: [door-1].hub: hub \"hub-2\" is not known; did you mean \"hub-1\"?",
        ),
        (
            "1h,hub-1",
            "1h,cover-17",
            "devices.csv:3: [door-1].hub: \"cover-17\" has the purpose cover, not hub",
        ),
        (
            "3,hub,,,",
            "3,hub,,hub-1,",
            "devices.csv:2: [hub-1].hub: a hub cannot stand behind another; leave it empty",
        ),
        (
            "lift-cam,wanglou,",
            "lift-cam,Wang Lou,",
            "devices.csv:5: [lift-cam].profile: must be the name of a profile, such as zigbee2mqtt: \
             lower-case letters, digits, _ and -",
        ),
        (
            "lift-cam,wanglou,",
            "lift-cam,wanglou,cover-17",
            "devices.csv:5: [lift-cam].identity: \"cover-17\" is \"cover-17\" of line 4 already; \
             two devices of one profile cannot share an identity",
        ),
        (
            "lift-cam,wanglou,",
            "lift-cam,wanglou,a+b",
            "devices.csv:5: [lift-cam].identity: an id must not contain '+'",
        ),
        (
            "lift_camera,1min,,,,,",
            "lift_camera,1min,,,1-4,,",
            "devices.csv:5: [lift-cam].columns: only a facade_camera has columns; leave it empty",
        ),
        (
            "lift_camera,1min,,,,,",
            "lift_camera,1min,,,,yes,",
            "devices.csv:5: [lift-cam].hold_wired: only a lift_controller can be wired to hold a lift; leave it empty",
        ),
        (
            "1h,hub-1,,,,",
            "1h,hub-1,,,,yes",
            "devices.csv:3: [door-1].state_polling: a contact that is only polled misses openings, and the living-alone \
             rule would see nobody; use one that reports each opening, or counts them",
        ),
        (
            "lift-cam,wanglou",
            "cover-17,wanglou",
            "devices.csv:5: [cover-17].id: \"cover-17\" is in line 4 already; an id names one device",
        ),
        (
            "12h",
            "",
            "devices.csv:4: warning: [cover-17].interval: a cover without an interval is never missed when it dies; \
             write how often it reports by itself, such as 1h",
        ),
    ] {
        says("devices.csv", old, new, &[expected]);
    }
    says(
        "devices.csv",
        "lift-cam,wanglou,",
        "lift-cam,wanglou,2.4E+15",
        &[
            "devices.csv:5: cell 3: \"2.4E+15\" looks like a power of ten that a spreadsheet made of something else; \
             format the column as text (文本) and type it anew",
            "devices.csv:5: [lift-cam].identity: an id must not contain '+'",
        ],
    );
}

#[test]
fn bad_homes() {
    for (old, new, expected) in [
        ("no,yes", "no,", "homes.csv:2: [3/2/1203].consent: is empty"),
        (
            "yes,family-1",
            "yes,family-2",
            "homes.csv:2: [3/2/1203].family: officer \"family-2\" is not known; did you mean \"family-1\"?",
        ),
        (
            "yes,family-1",
            "yes,wu",
            "homes.csv:2: [3/2/1203].family: \"wu\" does not have the role family in officers.toml",
        ),
        (
            "yes,family-1",
            "yes,family-1 family-1",
            "homes.csv:2: [3/2/1203].family: \"family-1\" is there twice",
        ),
        (
            "yes,family-1",
            "yes,",
            "homes.csv:2: warning: [3/2/1203].family: has nobody: a resident who does not answer is first visited by the captain",
        ),
    ] {
        says("homes.csv", old, new, &[expected]);
    }
    says(
        "homes.csv",
        "3/2/1203,",
        "3/2,",
        &[
            "homes.csv:2: [3/2].place: \"3/2\" is of kind unit, not home",
            "people.toml:13: home.\"3/2/1203\": home \"3/2/1203\" is not known",
        ],
    );
    says(
        "homes.csv",
        "yes,family-1",
        "yes,family-1,x",
        &["homes.csv:2: has 5 cells under 4 headings; put a cell that holds a comma in double quotes"],
    );
}

#[test]
fn a_home_with_consent_needs_a_door_contact() {
    says(
        "devices.csv",
        "home_door",
        "home_motion",
        &["homes.csv:2: [3/2/1203].consent: has consent but no device with the purpose home_door; \
           the living-alone rule cannot see whether the resident is well"],
    );
    let without_consent = with(small(), "homes.csv", "no,yes,", "no,no,");
    assert_eq!(faults(&with(without_consent, "devices.csv", "home_door", "home_motion")), [] as [&str; 0]);
}

#[test]
fn a_resident_may_be_called_if_a_number_is_on_file_and_nobody_says_no() {
    let column = |cell: &str| {
        let files = with(small(), "homes.csv", "consent,family", "consent,telephone,family");
        with(files, "homes.csv", "yes,family-1", &format!("yes,{cell},family-1"))
    };
    let may_call = |files| checked(&files).site.homes.values().all(|home| home.telephone);
    assert!(may_call(small()) && may_call(column("")) && may_call(column("yes")));
    assert!(!may_call(column("no")));

    let nothing_on_file = with(column("yes"), "people.toml", "telephone = \"+86 000 0000 0003\"", "");
    assert_eq!(
        faults(&nothing_on_file),
        [
            "homes.csv:2: [3/2/1203].telephone: says yes, but people.toml has no telephone for [home.\"3/2/1203\"]"
        ]
    );
    assert_eq!(
        faults(&column("13800138000")),
        [
            "homes.csv:2: [3/2/1203].telephone: looks like a telephone number; numbers belong in people.toml, here write yes or no"
        ]
    );
}

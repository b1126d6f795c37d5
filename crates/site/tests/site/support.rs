//! A small compound without faults, and ways to break it.

use std::collections::BTreeMap;
use wanglou_site::{Checked, Compound};

/// The files of a site folder.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

const FILES: [(&str, &str); 7] = [
    (
        "site.toml",
        r#"id = "small"
name = { zh = "小小区", en = "Small" }
zone = "Asia/Shanghai"
[grid]
g1 = "Grid one"
"#,
    ),
    (
        "places.csv",
        "\
id,kind,name_zh,name_en,grid,zone,footpath
3,building,3号楼,Building 3,g1,,
3/2,unit,2单元,Unit 2,,,
3/2/lift-B,lift,电梯B,Lift B,,,
3/2/1203,home,1203室,Flat 1203,,,
drain,zone,排水区,Drains,g1,,
cover,other,井盖,Covers,g1,,
cover/17,cover,17号井盖,Cover 17,,drain,yes
",
    ),
    (
        "devices.csv",
        "\
id,profile,identity,place,purpose,interval,hub,follow_up,columns,hold_wired,state_polling
hub-1,zigbee2mqtt,bridge,3,hub,,,,,,
door-1,zigbee2mqtt,home-3-1203/door,3/2/1203,home_door,1h,hub-1,,,,
cover-17,wanglou,,cover/17,cover,12h,,5min,,,
lift-cam,wanglou,,3/2/lift-B,lift_camera,1min,,,,,
",
    ),
    (
        "officers.toml",
        r#"[officer.wu]
roles = ["guard"]
always_on_duty = true
[officer.li]
roles = ["guard", "control_room", "officer"]
[officer.he]
roles = ["manager", "station", "leader"]
always_on_duty = true
admin = true
[officer.zhang]
roles = ["captain"]
places = ["3"]
always_on_duty = true
[officer.family-1]
roles = ["family"]
"#,
    ),
    (
        "rota.toml",
        r#"[shift]
day = "08:00-20:00"
[[duty]]
shift = "day"
officers = ["li"]
days = "daily"
"#,
    ),
    ("homes.csv", "place,high_risk,consent,family\n3/2/1203,no,yes,family-1\n"),
    (
        "people.toml",
        r#"[officer.wu]
name = "吴样例"
telephone = "+86 000 0000 0001"
[officer.li]
name = "李样例"
[officer.he]
name = "何样例"
[officer.zhang]
name = "张样例"
[officer.family-1]
name = "家属"
telephone = "+86 000 0000 0002"
[home."3/2/1203"]
name = "赵虚构"
telephone = "+86 000 0000 0003"
"#,
    ),
];

/// The compound itself.
pub(crate) fn small() -> Files {
    FILES.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).into()
}

/// The compound with a text in one of its files replaced; it must be there, else the test tests nothing.
pub(crate) fn with(mut files: Files, file: &str, old: &str, new: &str) -> Files {
    let text =
        files.get(file).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).expect("a known file");
    assert!(text.contains(old), "{file} does not contain {old:?}");
    files.insert(file.to_owned(), text.replacen(old, new, 1).into_bytes());
    files
}

/// What a check says, one line for each fault; warnings too.
pub(crate) fn faults(files: &Files) -> Vec<String> {
    let found = match Compound::check(files) {
        Ok(checked) => checked.warnings,
        Err(faults) => faults,
    };
    found.iter().map(ToString::to_string).collect()
}

/// The checked compound, or a panic with its faults.
pub(crate) fn checked(files: &Files) -> Checked {
    Compound::check(files).unwrap_or_else(|_| panic!("{}", faults(files).join("\n")))
}

/// Replaces a text in a file of the small compound and compares everything that is said.
pub(crate) fn says(file: &str, old: &str, new: &str, expected: &[&str]) {
    assert_eq!(faults(&with(small(), file, old, new)), expected, "{file}: {old:?} -> {new:?}");
}

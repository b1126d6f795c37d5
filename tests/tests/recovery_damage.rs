//! Damage and mistakes an operator meets: a flipped byte, a broken configuration, a second gateway.

use std::path::{Path, PathBuf};
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::gateway::{Gateway, refused, run, wanglou};
use wanglou_tests::phone::Phone;
use wanglou_tests::scripted::ScriptedBroker;
use wanglou_tests::vendors;

fn compound(broker: &ScriptedBroker) -> Compound {
    let compound = Compound::new(&BrokerAddress { port: broker.port, login: None });
    compound.replace("gateway.toml", "# discovery = true ", "discovery = false ");
    compound
}

fn verify(data: &Path) -> (Option<i32>, String) {
    let output = run(wanglou(&["verify", "--data"]).arg(data));
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The journal's first segment.
fn segment(data: &Path) -> PathBuf {
    let entries = std::fs::read_dir(data.join("journal")).expect("the journal");
    let paths = entries.flatten().map(|entry| entry.path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "seg")).min().expect("a segment")
}

/// Flips one bit in the payload of the cover's message; returns where it lies.
fn flip(path: &Path, needle: &[u8]) -> u64 {
    let mut bytes = std::fs::read(path).expect("a segment");
    let at = bytes.windows(needle.len()).position(|window| window == needle).expect("the message is in it");
    bytes[at] ^= 1;
    std::fs::write(path, bytes).expect("a segment");
    at as u64
}

#[test]
fn a_flipped_bit_is_named_and_costs_no_more_than_its_record() {
    let broker = ScriptedBroker::start();
    let mut gateway = Gateway::start(compound(&broker));
    let he = gateway.enrol("he");
    let phone = Phone::fresh(&he);
    for (n, cover) in ["cover-61", "cover-62", "cover-63"].iter().enumerate() {
        let sent = vendors::cover(cover, true, &format!("e-{n}"));
        broker.publish(&sent.topic, &sent.payload, n as u64);
        phone.alarm("manhole", &cover.replace("cover-", "cover/"));
    }
    drop(phone);
    gateway.stop();
    let data = gateway.compound.data();
    let (code, words) = verify(&data);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains(" 0 bad places"), "{words}");

    let path = segment(&data);
    let at = flip(&path, br#""event":"e-1""#);
    let (code, words) = verify(&data);
    assert_eq!(code, Some(1), "{words}");
    let name = format!("journal/{}", path.file_name().expect("a name").to_string_lossy());
    let bad = words.lines().find(|line| line.starts_with("bad: ")).expect("a bad place");
    let place = bad.strip_prefix(&format!("bad: {name}: ")).unwrap_or_else(|| panic!("{bad} names {name}"));
    let numbers: Vec<u64> =
        place.split(|c: char| !c.is_ascii_digit()).filter_map(|word| word.parse().ok()).collect();
    let (bytes, offset) = (numbers[0], numbers[1]);
    assert!((offset..offset + bytes).contains(&at), "{bad}: the flipped byte is {at}");
    assert!(bad.contains("lost the record"), "{bad}");

    gateway.restart();
    let phone = Phone::fresh(&he);
    assert_eq!(phone.look(|seen| seen.latest.len()), 3, "facts of all three alarms were kept");
    let sent = vendors::cover("cover-64", true, "e-9");
    broker.publish(&sent.topic, &sent.payload, 9);
    phone.alarm("manhole", "cover/64");
}

#[test]
fn check_names_every_fault_of_a_broken_configuration_with_its_line() {
    let broker = ScriptedBroker::start();
    let compound = compound(&broker);
    let check = |compound: &Compound| {
        let output = run(wanglou(&["check", "--config"]).arg(compound.gateway_file()));
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, words) = check(&compound);
    assert_eq!(code, Some(0), "the shipped configuration is sound: {words}");

    compound.append("sites/demo/devices.csv", "cover-9001,wanglou,,no/such/place,cover,reed,24h,,,yes,,,,");
    compound.append("sites/demo/places.csv", "nowhere/1,cover,孤井,Lost cover,g99,,,,");
    compound.append("rules.toml", "[manhole-covers]\nopen_deg = 3");
    compound.replace(
        "profiles/ai_box.toml",
        "name = \"thrown object\"\nwhen = { at = \"/minorType\", is = \"FALLING_GOODS\", case = \"ignore\" }\nkind = \"thrown_object\"",
        "name = \"thrown object\"\nwhen = { at = \"/minorType\", is = \"FALLING_GOODS\", case = \"ignore\" }\nkind = \"thrown_objekt\"",
    );
    compound.replace("gateway.toml", "# keep_alive_s = 5", "keep_alive_s = 500");
    let (code, words) = check(&compound);
    assert_eq!(code, Some(1), "{words}");
    for (file, says) in [
        ("devices.csv:", "no/such/place"),
        ("places.csv:", "g99"),
        ("rules.toml:", "manhole-covers"),
        ("ai_box.toml:", "thrown_objekt"),
        ("gateway.toml: ", "keep_alive_s"),
    ] {
        let found =
            words.lines().any(|line| line.contains(file) && line.contains(says) && line.contains("error"));
        assert!(found, "{file} … {says} in:\n{words}");
    }
    assert!(refused(&compound).contains("no/such/place"), "and the gateway does not start with it");
}

#[test]
fn a_second_gateway_on_the_same_data_is_refused_with_words() {
    let broker = ScriptedBroker::start();
    let gateway = Gateway::start(compound(&broker));
    let second = compound(&broker);
    let data = format!("data = \"{}\"", gateway.compound.data().display());
    second.replace("gateway.toml", "data = \"../data\"", &data);
    let words = refused(&second);
    assert!(words.contains("LOCK") || words.contains("in use") || words.contains("another"), "{words}");
    assert!(words.contains(&data[8..data.len() - 1]), "it names the directory: {words}");
    assert_eq!(gateway.get("/readyz").status, 200, "the first one runs on");
}

//! A backup that is made under load, and what a gateway is after it was restored.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::{AtomicBool, Ordering};
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::{Gateway, run, wanglou};
use wanglou_tests::journal;
use wanglou_tests::phone::{Phone, Seen};
use wanglou_tests::vendors;

fn start() -> (Mosquitto, Gateway) {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let gateway = Gateway::start(Compound::new(&address));
    (broker, gateway)
}

fn open(broker: &Mosquitto, cover: u32) {
    let sent = vendors::cover(&format!("cover-{cover}"), true, "b");
    broker.publish(&sent.topic, &sent.payload);
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), &output.stderr].concat()).into_owned()
}

fn backup(gateway: &Gateway, into: &Path, days: &str) -> Output {
    let mut command = wanglou(&["backup", "--keep-days", days]);
    run(command.arg("--config").arg(gateway.compound.gateway_file()).arg("--into").arg(into))
}

/// A backup that was made: its folder, and what it says of itself.
fn made(gateway: &Gateway, into: &Path, days: &str) -> (PathBuf, Value) {
    let output = backup(gateway, into, days);
    assert!(output.status.success(), "{}", said(&output));
    let path = PathBuf::from(said(&output).lines().next().expect("its path"));
    let manifest = std::fs::read(path.join("backup.json")).expect("a manifest");
    (path, serde_json::from_slice(&manifest).expect("JSON"))
}

fn restore(from: &Path, into: &Path) -> Output {
    run(wanglou(&["restore"]).arg("--from").arg(from).arg("--into").arg(into))
}

/// All files below a folder with their bytes.
fn copy(from: &Path, to: &Path) {
    let copied = std::process::Command::new("cp").arg("-r").args([from, to]).status().expect("cp");
    assert!(copied.success());
}

#[test]
fn a_restored_gateway_goes_on_with_open_alarms_and_their_deadlines_and_phones_fetch_all_anew() {
    let (broker, mut gateway) = start();
    let wu = gateway.enrol("wu");
    let phone = Phone::fresh(&wu);
    open(&broker, 61);
    open(&broker, 62);
    let waits = phone.alarm("manhole", "cover/61");
    let taken = phone.alarm("manhole", "cover/62");
    phone.command("b-accept", "accept", &taken);

    // Under load.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let stop = AtomicBool::new(false);
    let (path, manifest) = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let sent = vendors::door();
                broker.publish(&sent.topic, &sent.payload);
            }
        });
        let before = gateway.metric("wanglou_messages_total", &[]);
        eventually("the load is there", || {
            (gateway.metric("wanglou_messages_total", &[]) > before + 5.0).then_some(())
        });
        let made = made(&gateway, elsewhere.path(), "7");
        stop.store(true, Ordering::Relaxed);
        made
    });
    assert_eq!((&manifest["site"], &manifest["bodies_left_out"]), (&"demo".into(), &0.into()));
    assert!(
        gateway.metric("wanglou_journal_position", &[]) >= manifest["position"].as_f64().expect("a number")
    );
    open(&broker, 63);
    phone.alarm("manhole", "cover/63");
    let waits = phone.alarm("manhole", waits["place"]["id"].as_str().expect("a place"));
    phone.say(serde_json::json!({"t": "resync", "cursor": 0, "history": phone.place().history}));
    let place = phone.place();
    drop(phone);
    gateway.kill();

    let output = run(wanglou(&["backup", "--config", "none", "--check"]).arg(&path));
    assert!(output.status.success() && said(&output).starts_with("sound: demo"), "{}", said(&output));

    // One that was damaged is refused by the name of the file, and nothing is left.
    let damaged = elsewhere.path().join("damaged");
    copy(&path, &damaged);
    let segment = damaged.join("data/journal/00000000000000000000.seg");
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[5_000] ^= 1;
    std::fs::write(&segment, bytes).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    let refused = restore(&damaged, &folder.path().join("new"));
    assert!(!refused.status.success());
    assert!(
        said(&refused).contains("data/journal/00000000000000000000.seg: is not what was written"),
        "{}",
        said(&refused)
    );
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0, "nothing is left");
    let refused = restore(&path, folder.path());
    assert!(said(&refused).contains("is there already"), "{}", said(&refused));

    // A sound one starts, knows its phones, and is another history.
    std::fs::remove_dir(folder.path()).expect("empty");
    let output = restore(&path, folder.path());
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("start it:  wanglou run --config"), "{}", said(&output));
    let mut again = Gateway::start(gateway.compound.moved_to(folder));
    let phone = Phone::connect(&wu, &place);
    let (resume, history) =
        phone.look(|seen| (seen.welcome["resume"].clone(), seen.welcome["history"].clone()));
    assert_eq!(resume, "full");
    assert_ne!(history, place.history.as_str());
    assert_eq!(phone.look(Seen::count), 2, "what came after the backup is not there");
    let still = phone.alarm("manhole", "cover/61");
    assert_eq!((&still["state"], &still["raised_at"]), (&waits["state"], &waits["raised_at"]));
    assert!(!waits["esc"]["next_at"].is_null(), "{waits}");
    if still["esc"]["step"] == waits["esc"]["step"] {
        assert_eq!(still["esc"]["next_at"], waits["esc"]["next_at"], "its deadline is the one it had");
    }
    assert_eq!(phone.alarm("manhole", "cover/62")["accepted_by"]["id"], "wu");
    open(&broker, 64);
    phone.alarm("manhole", "cover/64");
    drop(phone);

    // What the lost journal took in is nobody's silence; and that is said once.
    again.stop();
    again.restart();
    again.stop();
    let blind = journal::inputs(&again.compound.data(), "blind");
    assert_eq!(blind.len(), 1, "{blind:?}");
    let report = run(wanglou(&["verify", "--data"]).arg(again.compound.data()));
    assert!(report.status.success(), "{}", said(&report));
}

#[test]
fn what_would_become_too_old_in_a_backup_is_left_out() {
    let (broker, gateway) = start();
    let phone = Phone::fresh(&gateway.enrol("wu"));
    open(&broker, 61);
    phone.alarm("manhole", "cover/61");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let (_, manifest) = made(&gateway, &elsewhere.path().join("week"), "7");
    assert_eq!(manifest["bodies_left_out"], 0);
    // Kept for as long as bodies may be at all, every one of them would be too old on its last day.
    let (path, manifest) = made(&gateway, &elsewhere.path().join("month"), "30");
    assert!(manifest["bodies_left_out"].as_u64() > Some(2), "{manifest}");
    let report = run(wanglou(&["verify", "--data"]).arg(path.join("data")));
    assert!(report.status.success(), "{}", said(&report));
    let refused = backup(&gateway, elsewhere.path(), "31");
    assert!(said(&refused).contains("1 to 30 days"), "{}", said(&refused));
    let refused = backup(&gateway, &gateway.compound.data().join("backups"), "7");
    assert!(said(&refused).contains("lies in the data directory"), "{}", said(&refused));
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).expect("there").permissions());
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn they_are_made_by_themselves_and_one_that_cannot_be_made_turns_the_page_red() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    let into = compound.beside("backups");
    let shipped = "# into = \"/var/backups/wanglou\"";
    compound.replace("gateway.toml", shipped, &format!("into = \"{}\"", into.display()));
    let mut gateway = Gateway::start(compound);
    // One that is being written has another name.
    let whole = |entry: &std::fs::DirEntry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        !name.ends_with(".partial") && entry.path().join("SHA256SUMS").exists()
    };
    let found = || std::fs::read_dir(&into).ok()?.flatten().find(whole);
    let backup = eventually("a first backup", found).path();
    eventually("its size is shown", || (gateway.metric("wanglou_backup_bytes", &[]) > 1000.0).then_some(()));
    assert_eq!(gateway.metric("wanglou_backup_every_seconds", &[]), 86_400.0);
    assert!(gateway.metric("wanglou_backup_age_seconds", &[]) < 600.0);
    assert_eq!(gateway.metric("wanglou_backup_failures_total", &[]), 0.0);
    assert!(run(wanglou(&["backup", "--config", "none", "--check"]).arg(&backup)).status.success());

    gateway.stop();
    let inside = gateway.compound.data().join("backups");
    let (from, to) = (format!("into = \"{}\"", into.display()), format!("into = \"{}\"", inside.display()));
    gateway.compound.replace("gateway.toml", &from, &to);
    gateway.restart();
    eventually("it fails", || (gateway.metric("wanglou_backup_failures_total", &[]) >= 1.0).then_some(()));
    eventually("the page is red", || (gateway.metric("wanglou_concern", &["backup"]) == 1.0).then_some(()));
}

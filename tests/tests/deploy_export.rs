//! Facts for other programs, from the journal of a gateway that runs.

use serde_json::Value;
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::gateway::{Gateway, run, wanglou};
use wanglou_tests::phone::Phone;
use wanglou_tests::vendors;

#[test]
fn an_alarm_is_told_in_every_format() {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.sing();
    let gateway = Gateway::start(compound);
    let phone = Phone::fresh(&gateway.enrol("wu"));
    let sent = vendors::cover("cover-61", true, "x-1");
    broker.publish(&sent.topic, &sent.payload);
    let alarm = phone.alarm("manhole", "cover/61");
    phone.command("x-accept", "accept", &alarm);
    let id = alarm["id"].as_str().expect("an id");
    let export = |format: &str, more: &[&str]| {
        let mut command = wanglou(&["export", "--format", format]);
        let output = run(command.arg("--config").arg(gateway.compound.gateway_file()).args(more));
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{format}: {words}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };

    let lines: Vec<Value> =
        export("jsonl", &[]).lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let named = |name: &str| lines.iter().filter(|line| line["fact"] == name && line["alarm"] == id).count();
    assert_eq!((named("raised"), named("accepted")), (1, 1));
    assert!(lines.iter().all(|line| line["fact"] != "canary"), "canaries are nobody's facts");
    assert!(lines.iter().all(|line| line["time"].as_str().is_some_and(|time| time.ends_with("+08:00"))));

    let table = export("csv", &[]);
    assert!(table.starts_with("time,fact,alarm,kind,priority,place,test,said\n"), "{table}");
    let row = table.lines().find(|line| line.contains(",accepted,")).expect("a row");
    assert!(row.contains(&format!(",accepted,{id},manhole,")) && row.contains(",cover/61,"), "{row}");
    assert_eq!(export("csv", &["--until", "2020-01-01T00:00:00Z"]).lines().count(), 1, "nothing was before");

    let into = gateway.compound.beside("cap");
    export("cap", &["--into", &into.display().to_string()]);
    let xml = std::fs::read_to_string(into.join(format!("{id}-1.xml"))).expect("a message");
    assert!(xml.contains("<msgType>Alert</msgType>") && xml.contains("cover/61"), "{xml}");
    assert_eq!(std::fs::read_dir(&into).expect("a folder").count(), 1);

    let mut command = wanglou(&["export", "--from", "yesterday"]);
    let refused = run(command.arg("--config").arg(gateway.compound.gateway_file()));
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("write it as"),
        "what a time looks like is said"
    );
}

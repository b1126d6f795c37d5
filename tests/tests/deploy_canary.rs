//! The canary: a message of the gateway's own by the whole path of an alarm, which somebody is woken by when it fails
//! to come back, and which nobody sees while it does not.

use wanglou_journal::{Options, Position, SegmentLog, Store};
use wanglou_tests::broker::Mosquitto;
use wanglou_tests::compound::{BrokerAddress, Compound};
use wanglou_tests::deadline::eventually;
use wanglou_tests::gateway::{Gateway, run, wanglou};
use wanglou_tests::http::Ask;
use wanglou_tests::phone::{Phone, Seen};
use wanglou_tests::prometheus::Prometheus;
use wanglou_tests::vendors;

const CAME_BACK: &str = "wanglou_canary_seconds_count";
const FAILED: &str = "wanglou_canary_failures_total";
/// What docs/deploy.md says that one costs, bytes of the journal's file.
const BYTES_EACH_MAX: u64 = 640;

fn start() -> (Mosquitto, Gateway) {
    let broker = Mosquitto::start();
    let address = BrokerAddress { port: broker.port, login: Some(broker.gateway_login()) };
    let compound = Compound::new(&address);
    compound.sing();
    (broker, Gateway::start(compound))
}

fn come_back(gateway: &Gateway, count: f64) {
    eventually("canaries come back", || (gateway.metric(CAME_BACK, &[]) >= count).then_some(()));
}

#[test]
fn somebody_is_woken_when_the_broker_stands_still() {
    let (broker, gateway) = start();
    let prometheus = Prometheus::start(gateway.compound.metrics_port);
    let firing = "ALERTS{alertname=\"WanglouCanaryFails\",alertstate=\"firing\",severity=\"page\"}";
    eventually("the share that fails is known", || {
        prometheus.has("wanglou:canary_errors:ratio_rate5m >= 0").then_some(())
    });
    come_back(&gateway, 5.0);
    assert_eq!(gateway.metric(FAILED, &[]), 0.0, "all is well");
    assert!(!prometheus.has(firing), "and nobody is woken");

    broker.freeze();
    eventually("canaries fail at the broker", || (gateway.metric(FAILED, &["publish"]) >= 3.0).then_some(()));
    eventually("somebody is woken", || prometheus.has(firing).then_some(()));
    eventually("the gateway's own page is red", || {
        (gateway.metric("wanglou_concern", &["canary"]) == 1.0).then_some(())
    });
    broker.thaw();
    let before = gateway.metric(CAME_BACK, &[]);
    come_back(&gateway, before + 1.0);
    eventually("the page is well again", || {
        (gateway.metric("wanglou_concern", &["canary"]) == 0.0).then_some(())
    });
}

#[test]
fn nobody_sees_them_and_nothing_counts_them() {
    let (broker, mut gateway) = start();
    let phone = Phone::fresh(&gateway.enrol("wu"));
    come_back(&gateway, 4.0);
    for counted in [
        "wanglou_messages_total",
        "wanglou_observations_total",
        "wanglou_alarms_raised_total",
        "wanglou_alarms_open",
        "wanglou_ladder_rungs_total",
        "wanglou_ingest_seconds_count",
        "wanglou_alarm_receipt_seconds_count",
        "wanglou_quarantine_topics",
    ] {
        assert_eq!(gateway.metric(counted, &[]), 0.0, "{counted}");
    }
    assert_eq!(phone.look(Seen::count), 0, "no phone shows one");
    let history =
        Ask::get("/api/history").header("cookie", &phone_cookie(&gateway)).send(gateway.compound.http_port);
    assert!(!history.expect("an answer").text().contains("canary"));

    // A restart goes on, and a real alarm is told beside them.
    drop(phone);
    gateway.stop();
    gateway.restart();
    come_back(&gateway, 2.0);
    let phone = Phone::fresh(&gateway.enrol("wu"));
    let sent = vendors::cover("cover-61", true, "c-1");
    broker.publish(&sent.topic, &sent.payload);
    phone.alarm("manhole", "cover/61");
    assert_eq!(phone.look(Seen::count), 1);
    gateway.stop();
    let month = wanglou_tests::deadline::wall().to_string();
    let mut report = wanglou(&["report", "--format", "json", "--month", &month[..7]]);
    let report = run(report.arg("--config").arg(gateway.compound.gateway_file()));
    assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stderr));
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("manhole") && !report.contains("canary"), "{report}");
}

fn phone_cookie(gateway: &Gateway) -> String {
    gateway.enrol("he").cookie
}

#[test]
fn one_costs_the_journal_no_more_than_the_docs_say() {
    let (_broker, mut gateway) = start();
    come_back(&gateway, 8.0);
    gateway.stop();
    let data = gateway.compound.data();
    let (log, _) = SegmentLog::open(Options::new(&data)).expect("the journal");
    let (mut records, mut bytes) = (0, 0);
    let end = log.read_from(Position::FIRST, &mut |record| {
        if let wanglou_journal::Body::Whole { head, payload, .. } = &record.body
            && payload.windows(8).any(|found| found == b"\"canary\"" || found == b"\"canary_")
        {
            records += 1;
            bytes +=
                wanglou_journal::frame_bytes(wanglou_journal::Class::Erasable, head.len(), payload.len());
        }
        std::ops::ControlFlow::Continue(())
    });
    end.expect("readable");
    // Each: it came, it goes out, its receipt; and the seals of two batches.
    let each = bytes * 3 / records + 2 * wanglou_journal::SEAL_BYTES;
    println!("{records} records, {each} bytes for each canary, {} MB a day", each * 8640 / 1_000_000);
    assert!(records >= 24, "{records}");
    assert!(each <= BYTES_EACH_MAX, "{each} bytes for each canary");
}

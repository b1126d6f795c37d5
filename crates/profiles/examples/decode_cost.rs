//! What decoding costs: CPU µs per message and family, beside serde_json on the same bytes in the same run.
//!
//! `cargo run --profile bench -p wanglou-profiles --example decode_cost`
//!
//! With a part of a case's name it decodes that one alone, a few million times: for a profiler.
//!
//! Rounds are short and interleaved; the best one and the median are printed, because this kind of machine is noisy.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::hint::black_box;
use wanglou_model::{RawMessage, Timestamp};
use wanglou_profiles::ProfileSet;

/// What the gateway allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 201;
const MESSAGES: u32 = 1_000;

/// What a program that knows only this one sensor would write.
#[derive(Deserialize)]
#[expect(dead_code, reason = "it is parsed, not used")]
struct Contact<'a> {
    #[serde(borrow)]
    last_seen: Option<&'a str>,
    contact: Option<bool>,
    battery: Option<f64>,
    battery_low: Option<bool>,
    tamper: Option<bool>,
}

fn contact_334() -> String {
    let mut body = String::from(
        r#"{"battery":100,"battery_low":false,"contact":false,"device_temperature":23,"last_seen":"2026-03-02T01:00:00.215Z","linkquality":143,"power_outage_count":12,"tamper":false,"trigger_count":3,"update":{"installed_version":8704,"latest_version":8704,"state":"idle"},"update_available":null,"voltage":3100,"note":""#,
    );
    while body.len() < 332 {
        body.push('x');
    }
    body.push_str("\"}");
    body
}

fn uplink() -> String {
    r#"{"deduplicationId":"3ac7e3c4-0000-4b8d-9386-a5c902f9202d","time":"2026-03-02T00:59:59.215402+00:00","deviceInfo":{"tenantId":"52f14cd4-0000-4fbd-8f87-4025e1d49242","tenantName":"ChirpStack","applicationId":"17c82e96-0000-4f38-aef3-f83d48582d97","applicationName":"Compound","deviceProfileId":"14855bf7-0000-4aee-b618-ebfcb64dc7ad","deviceProfileName":"EM300-MCS","deviceName":"cabinet-3","devEui":"24e124aa00bb0001","tags":{"building":"7","unit":"1203"}},"devAddr":"00189440","adr":true,"dr":5,"fCnt":1187,"fPort":85,"data":"AXVcA2c0AQRoZQYAAQ==","object":{"battery":92.0,"temperature":30.8,"humidity":50.5,"magnet_status":"open"},"rxInfo":[{"gatewayId":"0016c001f153a14c","uplinkId":4217106255,"rssi":-36,"snr":10.5,"context":"E3OWOQ==","metadata":{"region_name":"eu868","region_common_name":"EU868"},"crcStatus":"CRC_OK"}],"txInfo":{"frequency":867100000,"modulation":{"lora":{"bandwidth":125000,"spreadingFactor":11,"codeRate":"CR_4_5"}}}}"#.into()
}

fn main() {
    println!("an observation has {} bytes", size_of::<wanglou_model::Observation>());
    let set = ProfileSet::compile(&shipped()).unwrap_or_else(|faults| panic!("{faults:?}"));
    let cases = [
        ("zigbee2mqtt 334 B", "zigbee2mqtt/home-3-1203/door", contact_334()),
        ("zigbee2mqtt, contact only", "zigbee2mqtt/home-3-1203/door", r#"{"contact":false,"linkquality":80}"#.into()),
        ("chirpstack", "application/17c82e96/device/24e124aa00bb0001/event/up", uplink()),
        (
            "elevator_cn",
            "elevator/MX5601/fault",
            r#"{"ST":"add","TY":"Fault","elevatorCode":"MX5601","faultId":"9123456789012345671","fault_type":"37","time":"2026-03-02 08:59:58"}"#.into(),
        ),
        (
            "canonical",
            "wanglou/v1/in/cover-17",
            r#"{"device":"cover-17","kind":"cover","value":{"tilt_deg":22.5},"at_device":"2026-03-02T08:59:58+08:00","sequence":412}"#.into(),
        ),
        ("unknown topic", "somebody/else/7", r#"{"a":1}"#.into()),
    ];
    let only = std::env::args().nth(1);
    for (name, topic, body) in &cases {
        let at = Timestamp::from_millis(1_772_413_200_000);
        let message = RawMessage { topic, payload: body.as_bytes(), at, retain: false, dup: false };
        if let Some(only) = &only {
            if name.contains(only) {
                let all = (0..3000).map(|_| timed(&|| drop(black_box(set.decode(black_box(&message))))));
                println!("{name:28} best {:6.3} µs", all.fold(f64::INFINITY, f64::min));
            }
            continue;
        }
        let [ours, value, typed] = costs([
            &|| drop(black_box(set.decode(black_box(&message)))),
            &|| drop(black_box(serde_json::from_slice::<serde_json::Value>(black_box(body.as_bytes())))),
            &|| drop(black_box(serde_json::from_slice::<Contact<'_>>(black_box(body.as_bytes())))),
        ]);
        println!(
            "{name:28} {:5} B  decode {ours}   serde_json Value {value}   serde_json typed {typed}",
            body.len()
        );
    }
}

/// CPU µs per call: the best round, which nobody disturbed, and the median.
struct Cost {
    best: f64,
    median: f64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:6.3} µs (median {:6.3})", self.best, self.median)
    }
}

/// The cost of each, in interleaved rounds.
fn costs<const N: usize>(runs: [&dyn Fn(); N]) -> [Cost; N] {
    let mut all = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for (run, times) in runs.iter().zip(&mut all) {
            times.push(timed(*run));
        }
    }
    all.map(|mut times| {
        times.sort_by(f64::total_cmp);
        Cost { best: times[0], median: times[times.len() / 2] }
    })
}

/// CPU time of this thread: what others do on the machine does not count.
fn timed(run: &dyn Fn()) -> f64 {
    let now = || {
        let spent = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        spent.tv_sec as f64 * 1e6 + spent.tv_nsec as f64 / 1e3
    };
    let start = now();
    for _ in 0..MESSAGES {
        run();
    }
    (now() - start) / f64::from(MESSAGES)
}

fn shipped() -> BTreeMap<String, Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/profiles");
    let entries = std::fs::read_dir(folder).expect("the profiles are there");
    let paths = entries.map(|entry| entry.expect("readable").path());
    let read =
        |path: std::path::PathBuf| (path.display().to_string(), std::fs::read(&path).expect("readable"));
    paths.filter(|path| path.extension().is_some_and(|ending| ending == "toml")).map(read).collect()
}

//! A look at a folder of real payloads, if it lies beside the workspace: what the shipped profiles make of the
//! families that they know. Nothing in the project needs the folder; without it this test says so and passes.

use crate::support::{lines, shipped, workspace};
use std::path::Path;
use wanglou_model::{RawMessage, rfc3339_micros};
use wanglou_profiles::ProfileSet;

/// File and what comes out: kind, value and quality of each observation, in order.
const EXPECTED: &[(&str, &[&str])] = &[
    ("zigbee2mqtt/availability_offline_legacy_text", &[r#"availability {"online":false,"scope":"device"}"#]),
    ("zigbee2mqtt/bridge_event_device_leave", &[r#"availability {"online":false,"scope":"device"}"#]),
    ("zigbee2mqtt/bridge_state_offline_lwt", &[r#"availability {"online":false,"scope":"hub"}"#]),
    (
        "zigbee2mqtt/mccgq01lm_heartbeat_wrong_contact",
        &[r#"contact {"open":true}"#, r#"battery {"pct":83.0}"#],
    ),
    ("zigbee2mqtt/mccgq11lm_flapping", &[r#"contact {"open":false}"#, r#"battery {"pct":100.0}"#]),
    ("zigbee2mqtt/mccgq11lm_missing_battery_iso_utc", &[r#"contact {"open":false} suspect_clock"#]),
    ("zigbee2mqtt/mccgq11lm_stuck_open", &[r#"contact {"open":true}"#, r#"battery {"pct":100.0}"#]),
    (
        "zigbee2mqtt/mccgq13lm_contact_null",
        &[r#"unknown {"raw":"contact.open: /contact is null"}"#, r#"battery {"pct":100.0}"#],
    ),
    (
        "zigbee2mqtt/snzb04_open_legacy",
        &[r#"contact {"open":true}"#, r#"tamper {"active":false}"#, r#"battery {"low":false}"#],
    ),
    (
        "zigbee2mqtt/snzb04p_closed_iso_local",
        &[
            r#"contact {"open":false} suspect_clock"#,
            r#"tamper {"active":false} suspect_clock"#,
            r#"battery {"low":false,"pct":100.0} suspect_clock"#,
        ],
    ),
    (
        "zigbee2mqtt/visonic_device_object_offline",
        &[
            r#"contact {"open":false} suspect_clock"#,
            r#"tamper {"active":false} suspect_clock"#,
            r#"battery {"low":false} suspect_clock"#,
            r#"availability {"online":false,"scope":"device"} suspect_clock"#,
        ],
    ),
    (
        "chirpstack/em300_mcs_history_replay",
        &[r#"link {"rssi_dbm":-36.0,"snr_db":10.5}"#, r#"contact {"open":true} replayed"#],
    ),
    (
        "chirpstack/em300_mcs_open",
        &[r#"contact {"open":true}"#, r#"battery {"pct":92.0}"#, r#"link {"rssi_dbm":-36.0,"snr_db":10.5}"#],
    ),
    (
        "chirpstack/em310_tilt_alarm",
        &[
            r#"cover {"open":true,"tilt_deg":0.0}"#,
            r#"battery {"pct":90.0}"#,
            r#"link {"rssi_dbm":-36.0,"snr_db":10.5}"#,
        ],
    ),
    (
        "chirpstack/em310_tilt_normal",
        &[r#"cover {"tilt_deg":0.18}"#, r#"link {"rssi_dbm":-36.0,"snr_db":10.5}"#],
    ),
    ("chirpstack/lds02_codec_drops_open", &["link", "unknown"]),
    (
        "chirpstack/lds02_codec_v15_open",
        &[r#"contact {"open":true,"opens":27}"#, r#"battery {"volts":3.083}"#, "link"],
    ),
    (
        "chirpstack/lds02_codec_v182_fport7",
        &[r#"contact {"open":true,"opens":27}"#, r#"battery {"volts":3.083}"#, "link"],
    ),
    (
        "chirpstack/lds02_codec_v182_open",
        &[r#"contact {"open":true,"opens":27}"#, r#"battery {"volts":3.083}"#, "link"],
    ),
    ("chirpstack/log_uplink_codec_error", &[r#"device_fault {"active":true,"code":"UPLINK_MIC""#]),
    ("chirpstack/up_docs_no_object", &["link", "unknown"]),
    (
        "chirpstack/ws301_closed_tamper_low_battery",
        &[r#"contact {"open":false}"#, r#"tamper {"active":true}"#, r#"battery {"pct":5.0}"#, "link"],
    ),
    ("chirpstack/ws301_edge_only", &[r#"contact {"open":true}"#, "link"]),
    (
        "chirpstack/ws301_raw_values",
        &[r#"contact {"open":true}"#, r#"tamper {"active":false}"#, r#"battery {"pct":100.0}"#, "link"],
    ),
    // Devices of this family that are not wired in yet say so; none of them is silent.
    ("chirpstack/gs101_gas_alarm", &["link", "unknown"]),
    ("chirpstack/gs101_device_fault", &["link", "unknown"]),
    ("chirpstack/em400_udl_distance_alarm", &["link", "unknown"]),
    ("chirpstack/em500_swl_water_level_old_codec", &["battery", "link", "unknown"]),
    ("chirpstack/ws302_noise_a_weighted", &["battery", "link", "unknown"]),
    ("chirpstack/ws302_noise_z_weighted", &["link", "unknown"]),
    ("elevator_cn/alternate_id_key", &[r#"lift_fault {"active":true,"code":"38","entrapment":false,"#]),
    ("elevator_cn/clear_command_echo", &["ignored: "]),
    (
        "elevator_cn/ebike_in_elevator_add_string_code",
        &[r#"lift_camera {"class":"ebike","present":true} suspect_clock"#],
    ),
    (
        "elevator_cn/ebike_in_elevator_disappear",
        &[r#"lift_camera {"class":"ebike","present":false} suspect_clock"#],
    ),
    ("elevator_cn/entrapment_add", &[r#"lift_fault {"active":true,"code":"7","entrapment":true,"#]),
    ("elevator_cn/minimal_fault_no_id", &[r#"lift_fault {"active":true,"code":"20","entrapment":false}"#]),
    ("ai_box/megcube_ebike_in_elevator", &[r#"lift_camera {"class":"ebike","present":true}"#]),
    ("ai_box/megcube_falling_goods", &[r#"thrown_object {"active":true}"#]),
    ("ai_box/qingniao_box_ebike", &[r#"lift_camera {"class":"ebike","picture":"#]),
    ("ai_box/aidrive_helmet_alert", &["unmatched: no profile knows this topic"]),
    ("ipc_hapi/ebike_always_false_flag", &[r#"lift_camera {"class":"ebike","present":true}"#]),
    ("ipc_hapi/falling_object_end", &[r#"thrown_object {"active":false}"#]),
    ("hikvision/objects_thrown_isecure_930335", &[r#"thrown_object {"active":true,"confidence":0.92,"#]),
    ("uniview/aibox_misnamed_electricbicycle", &["unmatched: no profile knows this topic"]),
];

fn decoded(set: &ProfileSet, path: &Path) -> Vec<String> {
    let sample = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let sample: serde_json::Value = serde_json::from_slice(&sample).expect("JSON");
    let payload = match sample.get("payload") {
        Some(payload) => payload.to_string(),
        None => sample["payload_text"].as_str().expect("text").to_owned(),
    };
    let at = rfc3339_micros::parse("2026-03-02T15:41:10+08:00").expect("a time");
    let topic = sample["topic"].as_str().expect("a topic");
    lines(set.decode(&RawMessage { topic, payload: payload.as_bytes(), at, retain: false, dup: false }))
}

#[test]
fn known_families_decode_to_what_they_mean() {
    let folder = workspace("../shared/samples");
    if !folder.is_dir() {
        println!("skipped: there is no {}", folder.display());
        return;
    }
    let set = shipped();
    for (file, expected) in EXPECTED {
        let found = decoded(&set, &folder.join(format!("{file}.json")));
        let agree = found.len() == expected.len()
            && found.iter().zip(*expected).all(|(found, part)| found.starts_with(part));
        assert!(agree, "{file}\n{found:#?}\n{expected:#?}");
    }
}

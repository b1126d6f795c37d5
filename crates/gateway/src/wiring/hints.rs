//! What keys usually mean. A hint is a guess about which kind of reading stands there, never about which of two
//! values is the alarm, unless the key itself says so.

use super::shape::Leaf;
use serde_json::Value;

/// A field of a reading, and how its value is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hint {
    /// The kind of reading.
    pub(super) kind: &'static str,
    /// Its field.
    pub(super) field: &'static str,
    /// How the value is read.
    pub(super) how: How,
}

/// How a value is read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum How {
    /// The key names the state, so that "true" is it.
    Direct,
    /// Texts that say it themselves.
    Sides(&'static [&'static str], &'static [&'static str]),
    /// Nobody can know which value means what: a person says so.
    Ask,
    /// A number, with more keys for it.
    Number(&'static str),
}

/// Keys whose meaning is the state.
const STATES: &[(&[&str], &str, &str)] = &[
    (&["motion", "occupancy", "presence", "pir", "humandetected"], "motion", "active"),
    (&["vibration", "vibrate", "shock"], "vibration", "active"),
    (&["tamper", "tampered", "tamperalarm"], "tamper", "active"),
    (&["sos", "panic", "emergency", "sosalarm"], "sos", "active"),
    (&["smoke", "smokealarm", "smokedetected"], "smoke", "active"),
    (&["leak", "waterleak", "waterleakage", "flood", "wet", "waterimmersion"], "leak", "wet"),
    (&["gas", "gasalarm", "gasleak"], "gas", "active"),
    (&["co", "carbonmonoxide", "coalarm"], "co", "active"),
    (&["batterylow", "lowbattery", "lowbat", "batlow", "lowpower"], "battery", "low"),
    (&["online", "isonline", "reachable"], "availability", "online"),
];
/// Keys of a door, a window, a lid: open by their name.
const OPEN: &[&str] = &["open", "opened", "isopen", "dooropen", "windowopen", "coveropen", "lidopen"];
/// Keys of the same that do not say which side is open.
const CONTACT: &[&str] = &[
    "contact",
    "contactstate",
    "contactstatus",
    "magnet",
    "reed",
    "door",
    "doorstate",
    "doorstatus",
    "doorcontact",
    "window",
    "windowstate",
    "magnetstatus",
    "coverstate",
    "coverstatus",
    "lid",
    "lidstatus",
];
const TILT: &[&str] = &["tilt", "tiltdeg", "angle", "tiltangle", "inclination", "inclinationangle"];
const BATTERY: &[&str] =
    &["battery", "batterypct", "batterylevel", "batterypercentage", "batterypercent", "bat", "batt", "soc"];
const VOLTAGE: &[&str] = &["voltage", "batteryvoltage", "batv", "vbat", "batvoltage", "battv"];

/// What a value may be. `cover`: the sample speaks of a manhole cover.
pub(super) fn of(leaf: &Leaf, cover: bool) -> Option<Hint> {
    let key = leaf.key.as_str();
    if let Some((_, kind, field)) = STATES.iter().find(|(keys, _, _)| keys.contains(&key)) {
        return state(leaf, kind, field);
    }
    let kind = if cover { "cover" } else { "contact" };
    if OPEN.contains(&key) {
        return flag(leaf).map(|how| Hint { kind, field: "open", how });
    }
    if CONTACT.contains(&key) {
        let how = match flag(leaf)? {
            sides @ How::Sides(..) => sides,
            How::Direct | How::Ask | How::Number(_) => How::Ask,
        };
        return Some(Hint { kind, field: "open", how });
    }
    number(leaf)
}

/// Whether the sample speaks of a manhole cover.
pub(super) fn is_cover(topic: &str, leaves: &[Leaf]) -> bool {
    let topic = topic.to_lowercase();
    ["cover", "manhole", "jinggai", "井盖"].iter().any(|word| topic.contains(word))
        || leaves.iter().any(|leaf| TILT.contains(&leaf.key.as_str()) || leaf.key.contains("cover"))
}

fn state(leaf: &Leaf, kind: &'static str, field: &'static str) -> Option<Hint> {
    // A gas detector may give its reading under the same key.
    if let (Some(value), "co") = (leaf.value.as_f64(), kind)
        && value > 1.0
    {
        return Some(Hint { kind, field: "ppm", how: How::Number("") });
    }
    flag(leaf).map(|how| Hint { kind, field, how })
}

/// How a value that says yes or no is read; `None` if it says something else.
fn flag(leaf: &Leaf) -> Option<How> {
    const OPEN: How = How::Sides(&["open", "opened"], &["close", "closed"]);
    const ALARM: How = How::Sides(&["alarm"], &["normal"]);
    match &leaf.value {
        Value::Bool(_) => Some(How::Direct),
        Value::Number(number) => {
            Some(if matches!(number.as_f64(), Some(0.0 | 1.0)) { How::Direct } else { How::Ask })
        }
        Value::String(text) => Some(match text.to_lowercase().as_str() {
            "open" | "opened" | "close" | "closed" => OPEN,
            "alarm" | "normal" => ALARM,
            "true" | "false" | "on" | "off" | "yes" | "no" | "0" | "1" => How::Direct,
            _ => How::Ask,
        }),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number(leaf: &Leaf) -> Option<Hint> {
    let value = leaf.value.as_f64()?;
    let key = leaf.key.as_str();
    let hint = |kind, field, keys| Some(Hint { kind, field, how: How::Number(keys) });
    if TILT.contains(&key) {
        return hint("cover", "tilt_deg", "");
    }
    if BATTERY.contains(&key) && (0.0..=100.0).contains(&value) {
        return hint("battery", "pct", ", min = 0, max = 100");
    }
    // Mains voltage is no battery's.
    if VOLTAGE.contains(&key) && (1.0..=15.0).contains(&value) {
        return hint("battery", "volts", "");
    }
    if VOLTAGE.contains(&key) && (1_000.0..=15_000.0).contains(&value) {
        return hint("battery", "volts", ", unit = \"millivolts\"");
    }
    match key {
        "temperature" | "temp" | "celsius" if (-60.0..=200.0).contains(&value) => {
            hint("temperature", "celsius", "")
        }
        "rssi" | "rssidbm" if value < 0.0 => hint("link", "rssi_dbm", ""),
        "snr" | "lorasnr" => hint("link", "snr_db", ""),
        "ch4" | "methane" | "ch4ppm" => hint("gas", "ch4_ppm", ""),
        "lel" | "lelpct" => hint("gas", "lel_pct", ""),
        "coppm" => hint("co", "ppm", ""),
        "h2s" | "h2sppm" => hint("h2s", "ppm", ""),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wiring::shape::leaves;

    fn hint(body: Value) -> Option<Hint> {
        of(&leaves(&body)[0], false)
    }

    #[test]
    fn a_key_that_names_the_state_is_direct_and_one_that_does_not_is_asked() {
        let how = |body| hint(body).map(|hint| (hint.kind, hint.field, hint.how));
        assert_eq!(how(serde_json::json!({"isOpen": 1})), Some(("contact", "open", How::Direct)));
        assert_eq!(how(serde_json::json!({"contact": true})), Some(("contact", "open", How::Ask)));
        assert_eq!(how(serde_json::json!({"water_leak": false})), Some(("leak", "wet", How::Direct)));
        assert_eq!(how(serde_json::json!({"smoke": 7})), Some(("smoke", "active", How::Ask)), "a code");
        let how = how(serde_json::json!({"doorStatus": "closed"})).expect("a hint").2;
        assert!(matches!(how, How::Sides(..)), "the word says it");
    }

    #[test]
    fn numbers_are_taken_only_where_they_can_be_what_the_key_says() {
        assert_eq!(hint(serde_json::json!({"voltage": 230})), None, "mains");
        let millivolts = hint(serde_json::json!({"voltage": 2985})).expect("a battery");
        assert_eq!(millivolts.how, How::Number(", unit = \"millivolts\""));
        assert_eq!(hint(serde_json::json!({"battery": 255})), None, "a sentinel");
        assert_eq!(
            hint(serde_json::json!({"ElectricBicycleIntrusionDetection": 1})),
            None,
            "no name is trusted"
        );
    }
}

//! Every key of the gateway's file: what it is, its unit and range. Defaults are not written here: they are taken from
//! the code that reads the file, and a test holds the commented example to both.

use super::GatewayFile;

/// One key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key {
    /// Its path, such as `mqtt.port`; `NAME` stands for a name of one's own.
    pub path: &'static str,
    /// What it is, in a sentence.
    pub what: &'static str,
    /// In what it is measured, or what it holds.
    pub unit: &'static str,
    /// What is allowed.
    pub range: &'static str,
}

const fn key(path: &'static str, unit: &'static str, range: &'static str, what: &'static str) -> Key {
    Key { path, what, unit, range }
}

/// All of them, in the order of the file.
pub const KEYS: &[Key] = &[
    key("site", "path", "a folder with places.csv and the other sheets", "The folder of the compound."),
    key(
        "profiles",
        "path",
        "a folder, at most 500 files of 1 MiB",
        "The folder of the profiles, one file for each family of devices.",
    ),
    key("rules", "path", "a file", "The thresholds of the alarm rules."),
    key(
        "data",
        "path",
        "a folder that only the gateway writes",
        "Where journal, snapshots and blobs live. One gateway at a time.",
    ),
    key("mqtt.host", "name or address", "", "The broker's host."),
    key("mqtt.port", "port", "1 to 65535", "The broker's port: 1883 plain, 8883 with TLS as a rule."),
    key("mqtt.unix_socket", "path", "", "A Unix-domain socket of the broker, in place of host and port."),
    key(
        "mqtt.user_file",
        "path",
        "a file of one line; with password_file",
        "Holds the gateway's user at the broker; read anew at each connect.",
    ),
    key(
        "mqtt.password_file",
        "path",
        "a file of one line; with user_file",
        "Holds the password; read anew at each connect.",
    ),
    key(
        "mqtt.ca_file",
        "path",
        "PEM",
        "The authorities of the broker's certificate. Set, and the connection is encrypted.",
    ),
    key("mqtt.server_name", "name", "", "The name in the broker's certificate, where it is not the host."),
    key("mqtt.packet_bytes_max", "bytes", "10240 to 16777216", "Larger messages are hashed and skipped."),
    key(
        "mqtt.discovery",
        "true or false",
        "",
        "Sample topics that nobody has wired in yet, for the admin page.",
    ),
    key(
        "mqtt.keep_alive_s",
        "seconds",
        "1 to 60",
        "Between pings: a dead broker is noticed within twice that.",
    ),
    key(
        "mqtt.publish_alarms",
        "true or false",
        "",
        "Tell other systems on wanglou/v1/out/alarms/… what becomes of alarms: of homes and people level and building alone.",
    ),
    key(
        "mqtt.publish_observations",
        "true or false",
        "",
        "Tell other systems on wanglou/v1/out/observations/… what sensors say, but for homes and people.",
    ),
    key(
        "mqtt.publish_personal",
        "true or false",
        "with publish_alarms or publish_observations",
        "Also what is said of homes and people: the flat and the kind of their alarms; calls for help, doors of flats, cards, \
         vehicles, and what nobody understood. For a broker that nobody reads who may not know who comes and goes.",
    ),
    key(
        "http.listen",
        "address:port",
        "",
        "Where phones, admin page and API are served. Other than loopback only behind a proxy that speaks https.",
    ),
    key(
        "http.tls_cert",
        "path",
        "PEM; with tls_key",
        "Our certificate and its chain: set, the address speaks https. Read anew when it changes.",
    ),
    key("http.tls_key", "path", "PEM; with tls_cert", "Its private key."),
    key(
        "http.public_url",
        "origin",
        "https://…, or http:// on loopback",
        "What phones have in their address bar; decides Origin, cookies and links.",
    ),
    key("http.serve_metrics", "true or false", "", "Answer /metrics on this address too, without a log-in."),
    key("http.sockets_max", "sockets", "", "Open WebSockets at once; one more gets 429."),
    key("http.sockets_per_officer_max", "sockets", "", "Open WebSockets of one officer at once."),
    key("metrics.listen", "address:port", "", "Where Prometheus scrapes. No log-in: keep it inside."),
    key("journal.segment_bytes", "bytes", "1048576 to 1073741824", "The size of a journal file."),
    key(
        "journal.reserve_bytes",
        "bytes",
        "",
        "Kept free for receipts and commands when the disk is full; rounded up to whole segments.",
    ),
    key(
        "journal.snapshot_records",
        "records",
        "1 or more",
        "A snapshot after so many records: fewer start faster, more write less.",
    ),
    key(
        "retention.bodies_days",
        "days",
        "1 to facts_days",
        "How long what sensors and people said is kept word for word; binds quarantine, pictures and backups too.",
    ),
    key(
        "retention.facts_days",
        "days",
        "bodies_days or more",
        "How long what was concluded is kept: 25 months, for year-on-year.",
    ),
    key(
        "clock.require_sync",
        "true or false",
        "",
        "After the machine was started anew, judge nothing by silence until its clock is synchronised.",
    ),
    key(
        "canary.on",
        "true or false",
        "",
        "Send a message of the gateway's own by the whole path of an alarm.",
    ),
    key("canary.every_s", "seconds", "1 to 3600", "From one canary to the next."),
    key("canary.within_s", "seconds", "1 to every_s", "A canary that is not back by then has failed."),
    key(
        "backup.into",
        "path",
        "a folder that the gateway may write, not in data",
        "Where backups go by themselves; without it none is made.",
    ),
    key("backup.every_h", "hours", "1 to 168", "From one backup to the next."),
    key(
        "backup.keep",
        "backups",
        "1 to 366; every_h times keep within bodies_days",
        "How many backups are kept.",
    ),
    key(
        "evidence.hosts",
        "list of host or host:port",
        "",
        "Cameras and recorders whose pictures may be fetched. Without a port: 80 and 443.",
    ),
    key(
        "cloudevents.url",
        "URL",
        "https://…, or http:// on loopback",
        "An address that takes what becomes of alarms as CloudEvents 1.0.",
    ),
    key(
        "cloudevents.secret_file",
        "path",
        "a file",
        "Signs each event with HMAC-SHA-256 in X-Wanglou-Signature.",
    ),
    key(
        "cloudevents.publish_personal",
        "true or false",
        "with url",
        "Also the flat and the kind of alarms of homes and people, else told by level and building alone. For a system that has \
         to act on them, and whose keeper answers for who reads it.",
    ),
    key(
        "sessions.lock_after_min",
        "minutes",
        "0 (never) to 1440",
        "The app asks for the PIN after so long away. Alarms ring, and are accepted, without it.",
    ),
    key("sessions.require_pin", "true or false", "", "Everybody chooses a PIN when their phone is linked."),
    key(
        "home_assistant.on",
        "true or false",
        "",
        "Show alarms and devices, but for those of homes, to Home Assistant by MQTT discovery. Off, and what was there is removed.",
    ),
    key("home_assistant.prefix", "topic", "without + # and blanks", "The prefix of its discovery."),
    key("log.format", "word", "text, json", "How logs are written to standard error."),
    key(
        "push.contact",
        "address",
        "mailto:… or https://…, 200 characters",
        "Whom the operator of a push service can write to. Set, and phones are pushed to while their app is closed.",
    ),
    key(
        "push.hosts",
        "list of hosts",
        "*. in front stands for any name below",
        "The push services that are spoken to.",
    ),
    key(
        "webhooks.NAME.url",
        "URL",
        "https://…, or http:// on loopback",
        "An address that alarms are posted to; people.toml names it.",
    ),
    key("webhooks.NAME.secret_file", "path", "a file", "Signs the body with HMAC-SHA-256."),
    key("webhooks.NAME.template", "word", "json, wecom, dingtalk, feishu, ntfy, text", "Who reads it."),
    key(
        "webhooks.NAME.channel",
        "word",
        "webhook, sms, voice",
        "A card in a chat, a short message, or a telephone call.",
    ),
    key("webhooks.NAME.per_minute_max", "posts a minute", "1 or more", "More wait."),
    key(
        "webhooks.NAME.body",
        "text",
        "with {phone}, {text}, {level}, {title}, {title_en}, {place}, {link}, {id}",
        "Of template text: what is posted.",
    ),
    key("webhooks.NAME.content_type", "media type", "", "Of template text: as what it is posted."),
    key(
        "webhooks.NAME.ok",
        "pointer=value",
        "such as /code=0",
        "Of template text: where the answer says yes; without it every status of 2xx does.",
    ),
    key("webhooks.NAME.per_hour_max", "posts an hour", "1 or more", "The same an hour."),
    key(
        "webhooks.NAME.per_callee_minute_max",
        "posts a minute",
        "1 or more",
        "The same for one person; a voice gateway rings nobody more than once a minute unless it is said.",
    ),
    key(
        "webhooks.NAME.per_callee_hour_max",
        "posts an hour",
        "1 or more",
        "The same an hour; five by a voice gateway unless it is said.",
    ),
    key("webhooks.NAME.quiet", "hours", "HH:MM-HH:MM, on the compound's clock", "When it is left alone."),
    key("webhooks.NAME.quiet_up_to_level", "level", "0 to 4", "But for alarms of these levels."),
    key(
        "bulletins.NAME.webhook",
        "word",
        "the name of a webhook",
        "Leads to the group outside that is told, such as the residents' chat.",
    ),
    key(
        "bulletins.NAME.text",
        "text",
        "500 characters, with {title}, {title_en}, {place}, {place_en}",
        "What the group is told: the building, never a flat or a name.",
    ),
    key(
        "notes.NAME.secret_file",
        "path",
        "a file of 16 bytes or more",
        "Signs what a system outside posts to /api/notes/NAME.",
    ),
    key("notes.NAME.kind", "word", "dispatch, hazard", "What it sends: dispatch notes (P2) or hazards (P3)."),
    key("cards.NAME.place", "place", "as in places.csv", "Where the QR card of /api/cards/NAME hangs."),
];

/// The keys that an operator means: one, or all of a table.
pub fn find(asked: &str) -> Vec<&'static Key> {
    let asked: Vec<&str> = asked.split('.').collect();
    let named = |key: &&Key| {
        let parts: Vec<&str> = key.path.split('.').collect();
        parts.len() >= asked.len()
            && parts.iter().zip(&asked).all(|(part, asked)| part == asked || *part == "NAME")
    };
    KEYS.iter().filter(named).collect()
}

/// The keys whose names are most like what was asked.
pub fn like(asked: &str) -> Vec<&'static str> {
    let last = asked.rsplit('.').next().unwrap_or(asked);
    let score = |path: &str| {
        strsim::jaro_winkler(path.rsplit('.').next().unwrap_or(path), last)
            .max(strsim::jaro_winkler(path, asked))
    };
    let mut scored: Vec<_> =
        KEYS.iter().map(|key| (score(key.path), key.path)).filter(|(s, _)| *s > 0.8).collect();
    scored.sort_by(|one, other| other.0.total_cmp(&one.0));
    scored.into_iter().take(3).map(|(_, path)| path).collect()
}

/// The default of a key as it would be written; `None` where there is none.
pub fn default_of(path: &str) -> Option<String> {
    let webhook = match path {
        "webhooks.NAME.template" => Some("\"json\"".to_owned()),
        "webhooks.NAME.channel" => Some("\"webhook\"".to_owned()),
        "webhooks.NAME.content_type" => Some("\"application/json\"".to_owned()),
        "webhooks.NAME.quiet_up_to_level" => Some(super::file::quiet_up_to_level().to_string()),
        "webhooks.NAME.per_minute_max" => Some(super::file::per_minute_max().to_string()),
        _ => None,
    };
    let defaults = toml::Value::try_from(GatewayFile::default()).ok()?;
    let found = path.split('.').try_fold(&defaults, |value, part| value.get(part));
    webhook.or_else(|| found.map(ToString::to_string))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    const EXAMPLE: &str = include_str!("../../../../config/gateway.toml");
    /// Keys without a default: the example shows how they are written.
    const EXAMPLES: [&str; 24] = [
        "bulletins.NAME.webhook",
        "bulletins.NAME.text",
        "http.tls_cert",
        "http.tls_key",
        "webhooks.NAME.body",
        "webhooks.NAME.ok",
        "webhooks.NAME.per_hour_max",
        "webhooks.NAME.per_callee_minute_max",
        "webhooks.NAME.per_callee_hour_max",
        "webhooks.NAME.quiet",
        "cloudevents.url",
        "cloudevents.secret_file",
        "mqtt.unix_socket",
        "mqtt.user_file",
        "mqtt.password_file",
        "mqtt.ca_file",
        "mqtt.server_name",
        "backup.into",
        "evidence.hosts",
        "push.contact",
        "webhooks.NAME.url",
        "webhooks.NAME.secret_file",
        "notes.NAME.secret_file",
        "notes.NAME.kind",
    ];
    /// Set in the example, for the demo compound.
    const SET: [&str; 4] = ["site", "profiles", "rules", "data"];

    /// The keys of the example with their values, commented out or not.
    fn example() -> BTreeMap<String, String> {
        let (mut table, mut found) = (String::new(), BTreeMap::new());
        for line in EXAMPLE.lines() {
            let line = line.trim_start_matches('#').trim();
            let header = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
            if let Some(header) = header
                .filter(|header| header.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)))
            {
                table = match header.split_once('.') {
                    Some((table, _)) => format!("{table}.NAME."),
                    None => format!("{header}."),
                };
                continue;
            }
            let Some((key, value)) = line.split_once(" = ") else { continue };
            if !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                let value = value.split("  #").next().unwrap_or(value).trim();
                // The first table of a name shows the defaults; later ones are examples of their own.
                found.entry(format!("{table}{key}")).or_insert_with(|| value.to_owned());
            }
        }
        found
    }

    #[test]
    fn the_example_has_every_key_with_its_default() {
        let example = example();
        let known: BTreeSet<&str> = KEYS.iter().map(|key| key.path).collect();
        for path in example.keys() {
            assert!(known.contains(path.as_str()), "config/gateway.toml: {path} is no key");
        }
        for path in known {
            let shown =
                example.get(path).unwrap_or_else(|| panic!("config/gateway.toml does not show {path}"));
            match default_of(path) {
                Some(default) if !SET.contains(&path) && !EXAMPLES.contains(&path) => {
                    let parsed =
                        |text: &str| toml::from_str::<toml::Table>(&format!("x = {text}")).expect("a value");
                    assert_eq!(parsed(shown), parsed(&default), "{path}");
                }
                Some(_) => {}
                None => {
                    assert!(EXAMPLES.contains(&path) || path == "cards.NAME.place", "{path} has no default")
                }
            }
        }
    }

    /// serde names the fields that it knows when it meets one that it does not.
    fn fields_of(table: &str) -> BTreeSet<String> {
        let fault =
            GatewayFile::parse("g", &format!("{table}\nzz-none = 1\n")).expect_err("no such key").message;
        let expected = fault.split("expected").nth(1).unwrap_or_else(|| panic!("{fault}")).to_owned();
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_key_that_is_read_is_explained() {
        let tables: BTreeSet<&str> =
            KEYS.iter().filter_map(|key| Some(key.path.split_once('.')?.0)).collect();
        let top: BTreeSet<String> =
            KEYS.iter().map(|key| key.path.split('.').next().unwrap_or_default().to_owned()).collect();
        assert_eq!(fields_of(""), top);
        for table in tables {
            let named = KEYS.iter().any(|key| key.path.starts_with(&format!("{table}.NAME.")));
            let header = if named { format!("[{table}.x]") } else { format!("[{table}]") };
            let explained: BTreeSet<String> = KEYS
                .iter()
                .filter(|key| key.path.split('.').next() == Some(table))
                .map(|key| key.path.rsplit('.').next().unwrap_or_default().to_owned())
                .collect();
            assert_eq!(fields_of(&header), explained, "[{table}]");
        }
    }

    #[test]
    fn a_key_a_table_and_a_slip_are_found() {
        let paths = |asked: &str| find(asked).iter().map(|key| key.path).collect::<Vec<_>>();
        assert_eq!(paths("mqtt.port"), ["mqtt.port"]);
        assert_eq!(paths("canary"), ["canary.on", "canary.every_s", "canary.within_s"]);
        assert_eq!(paths("webhooks.duty-room.url"), ["webhooks.NAME.url"]);
        assert!(paths("mqtt.prot").is_empty());
        assert_eq!(like("mqtt.prot").first(), Some(&"mqtt.port"));
        assert_eq!(default_of("mqtt.port").as_deref(), Some("1883"));
        assert_eq!(default_of("mqtt.ca_file"), None);
        assert_eq!(default_of("backup.every_h").as_deref(), Some("24"));
    }
}

//! The gateway's own file, `gateway.toml`. Every default is stated here, once.

use super::{Fault, environment};
use crate::clock::Demand;
use crate::effects::Template;
use crate::http::Locking;
use crate::mqtt::{Address, BrokerOptions, Login, Tls};
use crate::push::SERVICES;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wanglou_model::{Channel, NoteKind, PlaceId};

/// `gateway.toml`. Relative paths begin at the folder that it lies in.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayFile {
    /// The folder of the compound.
    pub site: PathBuf,
    /// The folder of the profiles.
    pub profiles: PathBuf,
    /// The file with the rules' thresholds.
    pub rules: PathBuf,
    /// Where journal, snapshots and blobs live. One gateway at a time.
    pub data: PathBuf,
    /// The broker.
    pub mqtt: MqttTable,
    /// Phones, console and API.
    pub http: HttpTable,
    /// Where Prometheus scrapes.
    pub metrics: MetricsTable,
    /// The journal.
    pub journal: JournalTable,
    /// How long what is kept.
    pub retention: RetentionTable,
    /// The wall clock.
    pub clock: ClockTable,
    /// Pictures and clips.
    pub evidence: EvidenceTable,
    /// A message of its own that proves the path.
    pub canary: CanaryTable,
    /// Phones that are logged in.
    pub sessions: SessionsTable,
    /// Backups by themselves.
    pub backup: BackupTable,
    /// Alarms, told to an address as CloudEvents.
    pub cloudevents: CloudEventsTable,
    /// Alarms and devices as entities of Home Assistant.
    pub home_assistant: HomeAssistantTable,
    /// Logs.
    pub log: LogTable,
    /// Push messages to phones whose app is closed.
    pub push: PushTable,
    /// Addresses that alarms are posted to, by name.
    pub webhooks: BTreeMap<String, WebhookTable>,
    /// Texts for groups outside, by name.
    pub bulletins: BTreeMap<String, BulletinTable>,
    /// Systems outside that send notes, by name: a command room, a patrol brigade.
    pub notes: BTreeMap<String, NoteTable>,
    /// QR cards at doors, by name.
    pub cards: BTreeMap<String, CardTable>,
}

impl Default for GatewayFile {
    fn default() -> Self {
        Self {
            site: "sites/demo".into(),
            profiles: "profiles".into(),
            rules: "rules.toml".into(),
            data: "data".into(),
            mqtt: MqttTable::default(),
            http: HttpTable::default(),
            metrics: MetricsTable::default(),
            journal: JournalTable::default(),
            retention: RetentionTable::default(),
            clock: ClockTable::default(),
            evidence: EvidenceTable::default(),
            canary: CanaryTable::default(),
            sessions: SessionsTable::default(),
            backup: BackupTable::default(),
            cloudevents: CloudEventsTable::default(),
            home_assistant: HomeAssistantTable::default(),
            log: LogTable::default(),
            push: PushTable::default(),
            webhooks: BTreeMap::new(),
            bulletins: BTreeMap::new(),
            notes: BTreeMap::new(),
            cards: BTreeMap::new(),
        }
    }
}

/// `[mqtt]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MqttTable {
    /// Name or address of the broker.
    pub host: String,
    /// Its port: 1883 plain, 8883 with TLS as a rule.
    pub port: u16,
    /// A Unix-domain socket in place of host and port.
    pub unix_socket: Option<PathBuf>,
    /// A file that holds the user's name; with `password_file`.
    pub user_file: Option<PathBuf>,
    /// A file that holds the password; with `user_file`.
    pub password_file: Option<PathBuf>,
    /// PEM file of the authorities; set, the connection is encrypted.
    pub ca_file: Option<PathBuf>,
    /// The name that the broker's certificate must carry; by default `host`.
    pub server_name: Option<String>,
    /// Larger packets are hashed and skipped, bytes. 10 KiB to 16 MiB.
    pub packet_bytes_max: usize,
    /// Sample topics that nobody has wired in.
    pub discovery: bool,
    /// Seconds between pings, 1 to 60.
    pub keep_alive_s: u64,
    /// Tell what becomes of alarms on `wanglou/v1/out/alarms/…`.
    pub publish_alarms: bool,
    /// Tell what sensors say on `wanglou/v1/out/observations/…`, but for homes and people.
    pub publish_observations: bool,
    /// In both, also what is said of homes and people, with flat and kind.
    pub publish_personal: bool,
}

impl Default for MqttTable {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".into(),
            port: 1883,
            unix_socket: None,
            user_file: None,
            password_file: None,
            ca_file: None,
            server_name: None,
            packet_bytes_max: 1 << 20,
            discovery: true,
            keep_alive_s: 5,
            publish_alarms: false,
            publish_observations: false,
            publish_personal: false,
        }
    }
}

impl MqttTable {
    /// The options of the connections, with paths made absolute.
    pub fn broker(&self, folder: &Path) -> BrokerOptions {
        let address = match &self.unix_socket {
            Some(path) => Address::Unix(folder.join(path)),
            None => Address::Tcp { host: self.host.clone(), port: self.port },
        };
        let login = self.user_file.as_ref().zip(self.password_file.as_ref()).map(|(user, password)| Login {
            user_file: folder.join(user),
            password_file: folder.join(password),
        });
        let tls = self.ca_file.as_ref().map(|ca| Tls {
            ca_file: folder.join(ca),
            client: None,
            server_name: self.server_name.clone(),
        });
        let keep_alive = Duration::from_secs(self.keep_alive_s);
        BrokerOptions { tls, login, keep_alive, ..BrokerOptions::new(address) }
    }
}

/// `[http]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpTable {
    /// Where to listen: on loopback without a certificate; elsewhere only with one, or behind a proxy that speaks https.
    pub listen: SocketAddr,
    /// PEM file of our certificate and its chain; with `tls_key`. Set, the address speaks https. Read anew when it changes.
    pub tls_cert: Option<PathBuf>,
    /// PEM file of its private key; with `tls_cert`.
    pub tls_key: Option<PathBuf>,
    /// What phones have in their address bar; decides Origin, cookies and links. `https://…`, or `http://` on
    /// loopback.
    pub public_url: String,
    /// `/metrics` answers here too (the demo).
    pub serve_metrics: bool,
    /// How many sockets at once.
    pub sockets_max: usize,
    /// How many sockets of one officer at once.
    pub sockets_per_officer_max: usize,
}

impl Default for HttpTable {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            tls_cert: None,
            tls_key: None,
            public_url: "http://127.0.0.1:8080".into(),
            serve_metrics: false,
            sockets_max: 12_000,
            sockets_per_officer_max: 8,
        }
    }
}

impl HttpTable {
    /// Our certificate and its key with paths made absolute, where https is spoken here.
    pub fn tls(&self, folder: &Path) -> Option<(PathBuf, PathBuf)> {
        let (cert, key) = self.tls_cert.as_ref().zip(self.tls_key.as_ref())?;
        Some((folder.join(cert), folder.join(key)))
    }
}

/// `[metrics]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsTable {
    /// Where to listen; no log-in, so keep it inside.
    pub listen: SocketAddr,
}

impl Default for MetricsTable {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9464)) }
    }
}

/// `[journal]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct JournalTable {
    /// The size of a segment, bytes. 1 MiB to 1 GiB.
    pub segment_bytes: u64,
    /// Kept free for ticks, receipts and commands when the disk is full, bytes.
    pub reserve_bytes: u64,
    /// A snapshot after so many records.
    pub snapshot_records: u64,
}

impl Default for JournalTable {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, reserve_bytes: 64 << 20, snapshot_records: 200_000 }
    }
}

/// `[retention]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetentionTable {
    /// What sensors and people said, word for word, days.
    pub bodies_days: u32,
    /// What was concluded, days: 25 months, for year-on-year.
    pub facts_days: u32,
}

impl Default for RetentionTable {
    fn default() -> Self {
        Self { bodies_days: 30, facts_days: 761 }
    }
}

/// `[evidence]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct EvidenceTable {
    /// Cameras and recorders whose pictures may be fetched: `10.8.0.21`, `nvr.lan:8443`. None by default.
    pub hosts: Vec<String>,
}

/// `[push]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PushTable {
    /// Whom the operator of a push service can write to: `mailto:…` or `https://…`. Without it nothing is pushed.
    pub contact: Option<String>,
    /// The push services that are spoken to.
    pub hosts: Vec<String>,
}

impl Default for PushTable {
    fn default() -> Self {
        Self { contact: None, hosts: SERVICES.map(str::to_owned).to_vec() }
    }
}

/// `[canary]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct CanaryTable {
    /// Send them.
    pub on: bool,
    /// Seconds from one to the next, 1 to 3600.
    pub every_s: u64,
    /// One that is not back after so many seconds has failed; 1 to `every_s`.
    pub within_s: u64,
}

impl Default for CanaryTable {
    fn default() -> Self {
        Self { on: true, every_s: 10, within_s: 5 }
    }
}

/// `[sessions]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionsTable {
    /// The app asks for the PIN after it was away for so many minutes, 0 for never, at most a day. Alarms ring, and are
    /// accepted, without it.
    pub lock_after_min: u32,
    /// Everybody chooses a PIN when their phone is linked.
    pub require_pin: bool,
}

impl Default for SessionsTable {
    fn default() -> Self {
        Self { lock_after_min: 15, require_pin: false }
    }
}

impl SessionsTable {
    /// As phones are told.
    pub fn locking(&self) -> Locking {
        Locking {
            after: Duration::from_secs(60 * u64::from(self.lock_after_min)),
            required: self.require_pin,
        }
    }
}

/// `[backup]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackupTable {
    /// The folder that they go to; without it none is made.
    pub into: Option<PathBuf>,
    /// Hours from one to the next, 1 to 168.
    pub every_h: u32,
    /// How many are kept, 1 to 366. Together no longer than `retention.bodies_days`.
    pub keep: u32,
}

impl Default for BackupTable {
    fn default() -> Self {
        Self { into: None, every_h: 24, keep: 7 }
    }
}

impl BackupTable {
    /// How long one is kept, days, begun ones counted.
    pub fn kept_days(&self) -> u32 {
        self.every_h.saturating_mul(self.keep).div_ceil(24)
    }
}

/// `[cloudevents]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct CloudEventsTable {
    /// `https://…`, or `http://` on loopback; without it nothing is told.
    pub url: Option<String>,
    /// A file with a secret; the body is then signed with HMAC-SHA-256 in `X-Wanglou-Signature`.
    pub secret_file: Option<PathBuf>,
    /// Of alarms of homes and people kind, title and flat too; else level and building alone.
    pub publish_personal: bool,
}

/// `[home_assistant]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HomeAssistantTable {
    /// Off takes off the broker what an earlier run left there.
    pub on: bool,
    /// The prefix of its discovery.
    pub prefix: String,
}

impl Default for HomeAssistantTable {
    fn default() -> Self {
        Self { on: false, prefix: "homeassistant".into() }
    }
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct LogTable {
    /// `text` or `json`.
    pub format: LogFormat,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[webhooks.NAME]`: an address that alarms are posted to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookTable {
    /// `https://…`, or `http://` on loopback.
    pub url: String,
    /// A file with a secret; the body is then signed with HMAC-SHA-256 in `X-Wanglou-Signature`.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// Who reads it: a program, or the robot of WeCom, DingTalk or Feishu.
    #[serde(default)]
    pub template: Template,
    /// What it is: a card in a chat, a short message, or a telephone call.
    #[serde(default = "webhook")]
    pub channel: Channel,
    /// Of template `text`: what is posted, with `{phone}`, `{text}`, `{level}`, `{title}`, `{title_en}`, `{place}`, `{link}`
    /// and `{id}` filled in.
    #[serde(default)]
    pub body: Option<String>,
    /// Of template `text`: as what it is posted; JSON, or a form.
    #[serde(default = "json")]
    pub content_type: String,
    /// Of template `text`: where the answer says yes, `/code=0`; without it every status of 2xx does.
    #[serde(default)]
    pub ok: Option<String>,
    /// At most so many posts a minute; more fail, and the ladder moves on.
    #[serde(default = "per_minute_max")]
    pub per_minute_max: u32,
    /// The same an hour.
    #[serde(default)]
    pub per_hour_max: Option<u32>,
    /// The same a minute for one person; a voice gateway rings nobody more than once.
    #[serde(default)]
    pub per_callee_minute_max: Option<u32>,
    /// The same an hour; five by a voice gateway.
    #[serde(default)]
    pub per_callee_hour_max: Option<u32>,
    /// Hours on the compound's clock at which it is left alone: `22:00-07:00`.
    #[serde(default)]
    pub quiet: Option<String>,
    /// But for these levels, 0 to 4.
    #[serde(default = "quiet_up_to_level")]
    pub quiet_up_to_level: u8,
}

/// `[bulletins.NAME]`: a text for a group outside, such as the residents' chat.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BulletinTable {
    /// The webhook that leads to the group, by its name under `[webhooks]`.
    pub webhook: String,
    /// What is said, with `{title}`, `{title_en}`, `{place}` and `{place_en}` filled in: the building, never a flat.
    pub text: String,
}

/// `[notes.NAME]`: a system outside that posts notes to `/api/notes/NAME`, each signed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NoteTable {
    /// A file with the secret that signs them, 16 bytes or more.
    pub secret_file: PathBuf,
    /// What they are.
    pub kind: NoteSort,
}

/// What a system outside sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteSort {
    /// Dispatch notes of a command room: P2.
    Dispatch,
    /// Hazards of a patrol brigade: P3.
    Hazard,
}

impl From<NoteSort> for NoteKind {
    fn from(sort: NoteSort) -> Self {
        match sort {
            NoteSort::Dispatch => NoteKind::Dispatch,
            NoteSort::Hazard => NoteKind::Hazard,
        }
    }
}

/// `[cards.NAME]`: a QR card on a wall; what people write by it comes in at `/api/cards/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct CardTable {
    /// Where it hangs.
    pub place: PlaceId,
}

fn webhook() -> Channel {
    Channel::Webhook
}

fn json() -> String {
    "application/json".to_owned()
}

pub(super) fn quiet_up_to_level() -> u8 {
    1
}

pub(super) fn per_minute_max() -> u32 {
    20
}

/// `[clock]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClockTable {
    /// After the machine was started anew, nothing is judged by silence until its clock is synchronised.
    pub require_sync: bool,
}

impl Default for ClockTable {
    fn default() -> Self {
        Self { require_sync: true }
    }
}

impl ClockTable {
    /// What it asks of the clock.
    pub fn demand(&self) -> Demand {
        if self.require_sync { Demand::Synchronised } else { Demand::Any }
    }
}

impl GatewayFile {
    /// Reads the file's text; what the environment says stands above it.
    ///
    /// # Errors
    /// The first fault: unknown key, wrong type, bad syntax.
    pub fn parse(name: &str, text: &str) -> Result<Self, Fault> {
        let mut gateway = toml::from_str(text).map_err(|error| Fault::toml(name, text, &error))?;
        environment::apply(&mut gateway, &|name| std::env::var(name).ok())?;
        Ok(gateway)
    }

    /// The channels that it offers.
    pub fn channels(&self) -> Vec<Channel> {
        let used = |channel| self.webhooks.values().any(|webhook| webhook.channel == channel);
        let mut channels: Vec<Channel> = [Channel::Webhook, Channel::Voice, Channel::Sms]
            .into_iter()
            .filter(|channel| used(*channel))
            .collect();
        channels.extend(self.push.contact.is_some().then_some(Channel::Push));
        channels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let fault =
            GatewayFile::parse("g.toml", "site = \"s\"\n[mqtt]\nhots = \"x\"\n").expect_err("unknown key");
        assert_eq!((fault.line, fault.file.as_str()), (Some(3), "g.toml"));
        assert!(fault.message.contains("hots"), "{}", fault.message);
    }
}

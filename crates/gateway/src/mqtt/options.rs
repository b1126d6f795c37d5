//! What a connection to the broker needs to know. Checked here only for what no configuration file can express;
//! faults in a file are the configuration's to report.

use crate::intake::Lane;
use crate::mqtt::topic;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// The broker, and who we are to it.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// Where it listens.
    pub address: Address,
    /// Encryption; `None` is plain text, for loopback and Unix-domain sockets.
    pub tls: Option<Tls>,
    /// User and password; `None` for a broker that admits anybody (the demo's).
    pub login: Option<Login>,
    /// Interval between pings, and how long the broker may leave one unanswered. Default 5 s, so that a dead path
    /// is noticed within 10 s. Whole seconds, at least 1.
    pub keep_alive: Duration,
    /// For TCP, TLS and CONNACK together. Default 5 s.
    pub connect_timeout: Duration,
}

impl BrokerOptions {
    /// A broker in plain text without a login, with the default times.
    pub fn new(address: Address) -> BrokerOptions {
        BrokerOptions {
            address,
            tls: None,
            login: None,
            keep_alive: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// Where a broker listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// By TCP.
    Tcp {
        /// Name or address.
        host: String,
        /// Usually 1883, with TLS 8883.
        port: u16,
    },
    /// By a Unix-domain socket at this path.
    Unix(PathBuf),
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Address::Tcp { host, port } => write!(f, "{host}:{port}"),
            Address::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Encryption. The files are read anew at each connect, so a renewed certificate needs no restart.
#[derive(Debug, Clone)]
pub struct Tls {
    /// PEM with the authorities that may have signed the broker's certificate. For a public authority name the
    /// system's bundle, `/etc/ssl/certs/ca-certificates.crt` on Debian.
    pub ca_file: PathBuf,
    /// Our own certificate, if the broker asks for one.
    pub client: Option<ClientCertificate>,
    /// The name that the broker's certificate must carry; by default the host.
    pub server_name: Option<String>,
}

/// A certificate that tells the broker who we are.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// PEM: our certificate, then those between it and the authority.
    pub chain_file: PathBuf,
    /// PEM: its private key.
    pub key_file: PathBuf,
}

/// User and password, each in a file of its own, read anew at each connect. A line end after the text is ignored.
#[derive(Debug, Clone)]
pub struct Login {
    /// Holds the user's name.
    pub user_file: PathBuf,
    /// Holds the password.
    pub password_file: PathBuf,
}

/// One lane's consumer.
#[derive(Debug, Clone)]
pub struct ConsumerOptions {
    /// Alarm and bulk keep their session at the broker and subscribe at QoS 1; discovery does neither.
    pub lane: Lane,
    /// Fixed, so that the broker finds the session again; no other client may use it.
    pub client_id: String,
    /// What to subscribe to, besides the lane's markers.
    pub filters: Vec<String>,
    /// Filters of an earlier configuration: the session still holds them, so they are unsubscribed.
    pub retired: Vec<String>,
    /// Larger packets are hashed and skipped, not kept. Whole packet in bytes; default 1 MiB.
    pub packet_bytes_max: usize,
    /// At most this much is read at once, in bytes; default 256 KiB.
    pub read_bytes: usize,
    /// What one read brought is handed over in batches that end with the message which reaches this many bytes of
    /// topics and payloads; default 64 KiB, so that the writer can put an alarm between two of them.
    pub batch_bytes_max: usize,
    /// Reading stops while this many batches wait for the writer; default 64.
    pub in_flight_batches_max: usize,
    /// Reading stops while batches of this many bytes wait for the writer; default 8 MiB. One batch may exceed it.
    pub in_flight_bytes_max: usize,
    /// Drawn at random once per process start: tells our markers from those of an earlier process.
    pub nonce: u64,
    /// Counts the lane's connections. Share it between consumers of one lane that follow each other in a process.
    pub generations: Arc<AtomicU64>,
    /// A marker is sent after this long without a message, and repeated until the first has come back; default 5 s.
    pub marker_every: Duration,
    /// The path counts as quiet after this long without marker or message; default 10 s.
    pub quiet_after: Duration,
    /// How long the broker may take to answer a SUBSCRIBE; default 10 s.
    pub suback_timeout: Duration,
    /// How long a stop waits for batches that the writer still holds; default 5 s.
    pub stop_grace: Duration,
    /// What to keep of a lane that is only sampled. `None` keeps everything.
    pub sampling: Option<Sampling>,
}

impl ConsumerOptions {
    /// A lane of the site with the default limits. The client id is `wanglou-<site>-<lane>`.
    pub fn new(site: &str, lane: Lane, filters: Vec<String>, nonce: u64) -> ConsumerOptions {
        ConsumerOptions {
            lane,
            client_id: format!("wanglou-{site}-{}", lane.name()),
            filters,
            retired: Vec::new(),
            packet_bytes_max: 1 << 20,
            read_bytes: 256 << 10,
            batch_bytes_max: 64 << 10,
            in_flight_batches_max: 64,
            in_flight_bytes_max: 8 << 20,
            nonce,
            generations: Arc::new(AtomicU64::new(0)),
            marker_every: Duration::from_secs(5),
            quiet_after: Duration::from_secs(10),
            suback_timeout: Duration::from_secs(10),
            stop_grace: Duration::from_secs(5),
            sampling: None,
        }
    }

    /// The discovery lane of the site: `#`, sampled, without topics that are wired in.
    pub fn discovery(site: &str, nonce: u64, sampling: Sampling) -> ConsumerOptions {
        let mut options = ConsumerOptions::new(site, Lane::Discovery, vec!["#".to_owned()], nonce);
        options.sampling = Some(sampling);
        options
    }

    /// All that is subscribed to: the lane's filters and, where they do not bring them anyway, its markers.
    pub(super) fn subscriptions(&self) -> Vec<String> {
        let marker = topic::marker_filter(self.lane);
        let mut all = Vec::with_capacity(self.filters.len() + 1);
        if !self.filters.iter().any(|filter| filter == "#") {
            all.push(marker);
        }
        all.extend(self.filters.iter().cloned());
        all
    }

    /// True if the broker keeps a session for this lane.
    pub(super) fn keeps_session(&self) -> bool {
        match self.lane {
            Lane::Alarm | Lane::Bulk => true,
            Lane::Discovery => false,
        }
    }
}

/// What to keep of the discovery lane.
#[derive(Clone)]
pub struct Sampling {
    /// At most this many messages a second, over all topics; default 50.
    pub messages_per_second_max: u32,
    /// At most one message of a topic in this time; default 5 s.
    pub topic_every: Duration,
    /// True for topics that are wired in: they come by their own lane.
    pub known: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

impl Sampling {
    /// The default rates, without the topics that `known` names.
    pub fn new(known: Arc<dyn Fn(&str) -> bool + Send + Sync>) -> Sampling {
        Sampling { messages_per_second_max: 50, topic_every: Duration::from_secs(5), known }
    }
}

impl std::fmt::Debug for Sampling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sampling")
            .field("messages_per_second_max", &self.messages_per_second_max)
            .field("topic_every", &self.topic_every)
            .finish_non_exhaustive()
    }
}

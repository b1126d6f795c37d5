//! Why a connection ended or did not come about, in words that say what to do. The text of a fault is stable while
//! its cause stays the same, so that a repeated one is reported once.

use super::decode::DecodeFault;
use rumqttc::mqttbytes::v4::ConnectReturnCode;
use std::path::PathBuf;
use std::time::Duration;

/// Why no byte stream to the broker came about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFault {
    /// TCP or the Unix-domain socket failed.
    #[error("cannot connect to the broker at {address}: {cause}")]
    Socket {
        /// Where we tried.
        address: String,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Certificates or the handshake failed.
    #[error(transparent)]
    Tls(#[from] TlsFault),
}

/// Why encryption did not come about.
#[derive(Debug, thiserror::Error)]
pub enum TlsFault {
    /// A PEM file could not be read, or holds nothing of use.
    #[error("{what} in {file}: {cause}")]
    File {
        /// What was looked for.
        what: &'static str,
        /// Where.
        file: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// The name to check cannot stand in a certificate.
    #[error("«{name}» is no name a certificate can carry; set the TLS server name")]
    Name {
        /// The host, or the name configured.
        name: String,
    },
    /// Certificate and key do not go together, or the like.
    #[error("TLS cannot be set up: {0}")]
    Setup(#[from] rustls::Error),
    /// The handshake failed: wrong authority, wrong name, expired, or not TLS at all.
    #[error("TLS handshake with {address} failed: {cause} (checked against {ca_file})")]
    Handshake {
        /// Where we tried.
        address: String,
        /// What rustls says.
        cause: std::io::Error,
        /// The authorities we trust.
        ca_file: PathBuf,
    },
}

/// Why user and password could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoginFault {
    /// The file cannot be read as text.
    #[error("cannot read the broker login from {file}: {cause}")]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Nothing in it.
    #[error("{file} is empty: it must hold the {what} for the broker")]
    Empty {
        /// Which file.
        file: PathBuf,
        /// User or password.
        what: &'static str,
    },
}

/// Why a connection, once tried, is no more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Lost {
    #[error(transparent)]
    Connect(#[from] ConnectFault),
    #[error(transparent)]
    Login(#[from] LoginFault),
    #[error("no CONNACK from the broker within {0:?}")]
    ConnectTimeout(Duration),
    #[error("{}", refusal(*.0))]
    Refused(ConnectReturnCode),
    #[error("the broker answered CONNECT with {0}")]
    NotConnAck(&'static str),
    #[error(
        "the broker refused to subscribe {}: check its ACL, and that it takes so many subscriptions",
        .filters.join(", ")
    )]
    SubscriptionsRefused { filters: Vec<String> },
    #[error("the broker did not answer SUBSCRIBE within {0:?}")]
    NoSuback(Duration),
    #[error("the broker's SUBACK answers {answers} of {asked} filters")]
    SubackLength { asked: usize, answers: usize },
    #[error(
        "the broker closed the connection; another client with our client id, or a restart, would look so"
    )]
    Closed,
    #[error("the connection broke: {0}")]
    Broken(std::io::Error),
    #[error("the broker was silent for {0:?} after a ping")]
    Silent(Duration),
    #[error("the broker took no bytes for {0:?}")]
    Stalled(Duration),
    #[error(transparent)]
    Decode(#[from] DecodeFault),
    #[error("a packet could not be written: {0}")]
    Encode(String),
    #[error("the writer acknowledged {0} batches more than it was handed; nothing of them is acknowledged")]
    Overacknowledged(usize),
}

pub(super) fn refusal(code: ConnectReturnCode) -> &'static str {
    match code {
        ConnectReturnCode::Success => "the broker accepted and refused at once",
        ConnectReturnCode::RefusedProtocolVersion => {
            "the broker refused MQTT 3.1.1: enable that protocol version on its listener"
        }
        ConnectReturnCode::BadClientId => "the broker refused our client id: allow it there",
        ConnectReturnCode::ServiceUnavailable => "the broker says it is unavailable",
        ConnectReturnCode::BadUserNamePassword => {
            "the broker refused user or password: compare our two files with its password file"
        }
        ConnectReturnCode::NotAuthorized => {
            "the broker did not authorise us: compare our user and password files with its password file"
        }
    }
}

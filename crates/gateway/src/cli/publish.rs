//! `wanglou publish`: one message, so that trying things needs no other tool.

use super::Ended;
use crate::cli::say::tell;
use anyhow::{Context, bail};
use clap::Args as ClapArgs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use wanglou_simulator::Message;
use wanglou_simulator::publish::{Broker, Delivery, once};

/// Publish one message over MQTT, and wait until the broker has it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "\
Examples:
  wanglou publish --topic zigbee2mqtt/home-3-1203/door --payload '{\"contact\":false}'
  wanglou publish --topic wanglou/v1/in/cover-17 --payload '{\"device\":\"cover-17\",\"kind\":\"cover\",\"value\":{\"tilt_deg\":41}}'
  wanglou publish --mqtt broker.local:1883 --user-file user --password-file password --topic test --file message.json
  echo '{\"contact\":true}' | wanglou publish --topic zigbee2mqtt/home-3-1203/door

A broker may acknowledge a message and drop it all the same when its access list forbids the topic: MQTT 3.1.1 has no
other answer.")]
pub struct Args {
    /// Where to publish.
    #[arg(long, value_name = "TOPIC")]
    topic: String,
    /// The message itself; without this and --file it is read from standard input.
    #[arg(long, value_name = "TEXT", conflicts_with = "file")]
    payload: Option<String>,
    /// A file that holds the message, byte for byte.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// 0: sent, nothing more. 1: acknowledged.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=1))]
    qos: u8,
    /// The broker keeps it for later subscribers.
    #[arg(long)]
    retain: bool,
    #[command(flatten)]
    broker: BrokerArgs,
}

/// Which broker, and as whom.
#[derive(Debug, ClapArgs)]
pub(super) struct BrokerArgs {
    /// The broker.
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:1883")]
    pub(super) mqtt: HostPort,
    /// A file that holds the user's name.
    #[arg(long, value_name = "FILE", requires = "password_file")]
    user_file: Option<PathBuf>,
    /// A file that holds the password.
    #[arg(long, value_name = "FILE", requires = "user_file")]
    password_file: Option<PathBuf>,
}

/// A name or address with a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HostPort {
    pub(super) host: String,
    pub(super) port: u16,
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not HOST:PORT, such as 127.0.0.1:1883 or [::1]:1883");
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let host = match bare {
            Some(address) => address,
            None if host.contains(':') => return Err(wrong()),
            None => host,
        };
        let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
        if host.is_empty() {
            return Err(wrong());
        }
        Ok(HostPort { host: host.to_owned(), port })
    }
}

impl BrokerArgs {
    /// The broker, with `role` in the client id: two of one kind may run side by side.
    pub(super) fn broker(&self, role: &str) -> anyhow::Result<Broker> {
        let login = match (&self.user_file, &self.password_file) {
            (Some(user), Some(password)) => Some((one_line(user)?, one_line(password)?)),
            (Some(_), None) | (None, Some(_)) | (None, None) => None,
        };
        let HostPort { host, port } = self.mqtt.clone();
        Ok(Broker { host, port, login, client_id: format!("wanglou-{role}-{}", std::process::id()) })
    }
}

fn one_line(path: &Path) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() || line.contains('\n') {
        bail!("{} must hold one line and nothing else", path.display());
    }
    Ok(line.to_owned())
}

impl Args {
    /// Publishes and says so.
    ///
    /// # Errors
    /// When there is nothing to read, no broker answers, or it does not acknowledge.
    pub async fn run(self) -> anyhow::Result<Ended> {
        let payload = self.read()?;
        let bytes = payload.len();
        let message = Message { topic: self.topic, payload, retain: self.retain };
        let topic = message.topic.clone();
        let delivery = if self.qos == 0 { Delivery::AtMostOnce } else { Delivery::AtLeastOnce };
        once(&self.broker.broker("publish")?, message, delivery).await?;
        let HostPort { host, port } = &self.broker.mqtt;
        let what = if self.qos == 0 { "sent to" } else { "acknowledged by" };
        tell!("{bytes} bytes to {topic}, {what} {host}:{port}");
        Ok(Ended::Well)
    }

    fn read(&self) -> anyhow::Result<Vec<u8>> {
        match (&self.payload, &self.file) {
            (Some(text), _) => Ok(text.clone().into_bytes()),
            (None, Some(file)) => {
                std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
            }
            (None, None) => {
                let mut payload = Vec::new();
                std::io::stdin().read_to_end(&mut payload).context("standard input cannot be read")?;
                Ok(payload)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let parsed = |text: &str| text.parse::<HostPort>().map(|address| (address.host, address.port));
        assert_eq!(parsed("127.0.0.1:1883"), Ok(("127.0.0.1".into(), 1883)));
        assert_eq!(parsed("[::1]:8883"), Ok(("::1".into(), 8883)));
        assert_eq!(parsed("broker.local:1"), Ok(("broker.local".into(), 1)));
        for bad in ["127.0.0.1", "host:", ":1883", "host:0", "host:99999", "::1:1883", "host:mqtt"] {
            let error = parsed(bad).expect_err(bad);
            assert!(error.contains("HOST:PORT"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_password_file_holds_one_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |text: &str| {
            let path = folder.path().join("secret");
            std::fs::write(&path, text).expect("written");
            one_line(&path)
        };
        assert_eq!(write("pass word \n").expect("one line"), "pass word ");
        assert!(write("").is_err());
        assert!(write("a\nb\n").is_err());
        assert!(one_line(&folder.path().join("none")).is_err());
    }
}

//! Where a phone's push messages go, as its browser named it; and which push services are spoken to at all.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The longest address of a subscription, bytes.
const ENDPOINT_BYTES_MAX: usize = 1_024;
/// An uncompressed point of P-256.
const KEY_BYTES: usize = 65;
const AUTH_BYTES: usize = 16;
/// The push services of the browsers: Chrome and Edge, Firefox, Safari, Windows.
pub const SERVICES: [&str; 4] =
    ["fcm.googleapis.com", "updates.push.services.mozilla.com", "*.push.apple.com", "*.notify.windows.com"];

/// A phone's push subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The address at its push service; whoever knows it can send there, so it is nobody else's business.
    pub endpoint: String,
    /// The phone's public key, base64url.
    pub p256dh: String,
    /// The phone's secret, base64url.
    pub auth: String,
}

impl Subscription {
    /// The phone's public key and secret as bytes, if they are such.
    pub(super) fn keys(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let (key, auth) = (decoded(&self.p256dh)?, decoded(&self.auth)?);
        (key.len() == KEY_BYTES && auth.len() == AUTH_BYTES).then_some((key, auth))
    }
}

/// Why a subscription is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is no address, or too long.
    #[error("the subscription's address is not usable")]
    Address,
    /// A push service that is not on the list.
    #[error("the push service {0} is not on the list push.hosts")]
    Host(String),
    /// The keys are not those of a phone.
    #[error("the subscription's keys are not usable")]
    Keys,
}

/// Where a message goes.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) url: Url,
    /// The service's origin, for the token.
    pub(super) audience: String,
}

/// The push services that are spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    hosts: Vec<String>,
}

impl Endpoints {
    /// From the configuration's list: `fcm.googleapis.com`, `*.push.apple.com`, or `http://127.0.0.1:PORT` for tests.
    ///
    /// # Errors
    /// What is wrong with which entry, in words.
    pub fn parse(hosts: &[String]) -> Result<Self, String> {
        for host in hosts {
            let bare = host.strip_prefix("*.").unwrap_or(host);
            let loopback = is_loopback_url(host);
            let named = !bare.is_empty()
                && bare.contains('.')
                && bare
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-');
            if !loopback && !named {
                return Err(format!(
                    "{host:?} is no host: write fcm.googleapis.com, or *.push.apple.com for all below it"
                ));
            }
        }
        Ok(Self { hosts: hosts.to_vec() })
    }

    /// Whether a subscription can be used.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn check(&self, subscription: &Subscription) -> Result<(), Unusable> {
        self.target(&subscription.endpoint)?;
        subscription.keys().map(|_| ()).ok_or(Unusable::Keys)
    }

    pub(super) fn target(&self, endpoint: &str) -> Result<Target, Unusable> {
        if endpoint.len() > ENDPOINT_BYTES_MAX {
            return Err(Unusable::Address);
        }
        let url = Url::parse(endpoint).map_err(|_| Unusable::Address)?;
        let host = url.host_str().ok_or(Unusable::Address)?.to_owned();
        let audience = url.origin().ascii_serialization();
        let plain = url.username().is_empty() && url.password().is_none();
        let secure = url.scheme() == "https" && url.port().is_none();
        let listed = self.hosts.iter().any(|entry| match entry.strip_prefix("*.") {
            Some(above) => {
                secure
                    && host.strip_suffix(above).is_some_and(|below| below.len() > 1 && below.ends_with('.'))
            }
            None => (secure && host == *entry) || (is_loopback_url(entry) && audience == *entry),
        });
        if !plain {
            return Err(Unusable::Address);
        }
        if listed { Ok(Target { url, audience }) } else { Err(Unusable::Host(host)) }
    }
}

/// A push service of a test's own, on this machine.
fn is_loopback_url(text: &str) -> bool {
    let port = text.strip_prefix("http://127.0.0.1:");
    port.is_some_and(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> Endpoints {
        Endpoints::parse(&SERVICES.map(str::to_owned)).expect("hosts")
    }

    #[test]
    fn only_the_listed_services_are_spoken_to() {
        let endpoints = listed();
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc",
            "https://web.push.apple.com/QKz",
            "https://updates.push.services.mozilla.com/wpush/v2/x",
        ] {
            assert!(endpoints.target(good).is_ok(), "{good}");
        }
        for bad in [
            "http://fcm.googleapis.com/x",
            "https://fcm.googleapis.com:8443/x",
            "https://fcm.googleapis.com.evil.example/x",
            "https://evilpush.apple.com/x",
            "https://push.apple.com/x",
            "https://user@fcm.googleapis.com/x",
            "https://127.0.0.1/x",
            "http://127.0.0.1:9000/x",
            "https://[::1]/x",
            "file:///etc/passwd",
            "fcm.googleapis.com",
        ] {
            assert!(endpoints.target(bad).is_err(), "{bad}");
        }
        let long = format!("https://fcm.googleapis.com/{}", "x".repeat(ENDPOINT_BYTES_MAX));
        assert_eq!(endpoints.target(&long).err(), Some(Unusable::Address));
    }

    #[test]
    fn a_test_may_name_a_service_on_this_machine_with_its_port() {
        let endpoints = Endpoints::parse(&["http://127.0.0.1:9000".into()]).expect("hosts");
        assert!(endpoints.target("http://127.0.0.1:9000/p/1").is_ok());
        assert!(endpoints.target("http://127.0.0.1:9001/p/1").is_err());
        assert!(endpoints.target("https://fcm.googleapis.com/x").is_err());
    }

    #[test]
    fn a_list_with_what_is_no_host_is_refused() {
        for bad in
            ["", "https://fcm.googleapis.com", "*", "*.", "http://10.0.0.1:80", "localhost", "A.example"]
        {
            assert!(Endpoints::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn keys_have_their_length() {
        let subscription = |p256dh: &str, auth: &str| Subscription {
            endpoint: "https://fcm.googleapis.com/x".into(),
            p256dh: p256dh.into(),
            auth: auth.into(),
        };
        let (key, auth) = (URL_SAFE_NO_PAD.encode([4u8; 65]), URL_SAFE_NO_PAD.encode([1u8; 16]));
        assert_eq!(listed().check(&subscription(&key, &auth)), Ok(()));
        assert_eq!(listed().check(&subscription(&auth, &auth)), Err(Unusable::Keys));
        assert_eq!(listed().check(&subscription(&key, "")), Err(Unusable::Keys));
    }
}

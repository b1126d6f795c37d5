//! Web Push: what reaches a phone whose app is closed. A message goes to the push service that the phone's browser
//! named (RFC 8030), encrypted for that phone (RFC 8291) and signed with our own key (RFC 8292).
//!
//! A push service is somebody else's machine: it learns that this phone was told something, when and how urgently, and
//! nothing more. Only services on the list are spoken to, so that nobody who is logged in can make the gateway call an
//! address of theirs.

mod endpoint;
mod message;
mod outgoing;
mod vapid;

pub use endpoint::{Endpoints, SERVICES, Subscription, Unusable};
pub use outgoing::Outgoing;
pub(crate) use outgoing::unsubscribe;
pub(crate) use vapid::FILE as KEY_FILE;
pub use vapid::{KeyError, Keys};

use message::encrypt;
use reqwest::StatusCode;
use reqwest::header::RETRY_AFTER;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;
use wanglou_model::{Priority, Text};

/// A push service must answer within this time.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The longest that a push service may ask us to wait; more counts as a refusal for this time.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);
/// A body that is larger is refused by some services, bytes before encryption.
pub const BODY_BYTES_MAX: usize = 3_000;

/// What is pushed: level, type and building; never a name, never a flat number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Message {
    /// The alarm; empty for a trial.
    pub alarm: String,
    /// Its revision, for the receipt.
    pub rev: u64,
    /// 1 to 4.
    pub level: u8,
    /// What it is.
    pub title: Text,
    /// The building, or the outermost place.
    pub place: Text,
    /// A test.
    pub test: bool,
    /// A trial of one phone, by the id that the app waits for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub trial: String,
}

/// How a message is to be carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carriage {
    /// Whether it wakes the phone.
    pub urgency: &'static str,
    /// After so many seconds it is not worth delivering any more.
    pub ttl_s: u64,
    /// A later message with the same topic takes the place of one that was not delivered yet: at most 32 characters of
    /// the alphabet of base64url.
    pub topic: String,
}

impl Carriage {
    /// For an alarm of this priority. The topic is a hash: the service learns no id of ours.
    pub fn new(priority: Priority, alarm: &str, ttl_s: u64) -> Self {
        let urgency = match priority {
            Priority::P1 | Priority::P2 => "high",
            Priority::P3 => "normal",
            Priority::P4 => "low",
        };
        let topic = blake3::hash(alarm.as_bytes()).to_hex()[..32].to_owned();
        Self { urgency, ttl_s, topic }
    }
}

/// What a push service said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// It has taken the message.
    Taken,
    /// The subscription is no more: 404 or 410.
    Gone,
    /// Not now: too many messages, a fault of its own, or no answer. Perhaps after so long.
    Later(Option<Duration>, String),
    /// Never: what we sent is not what it takes.
    Refused(String),
}

/// The sending side: our key, our address for complaints, and the services that we speak to.
#[derive(Debug)]
pub struct Push {
    keys: Keys,
    contact: String,
    endpoints: Endpoints,
    client: reqwest::Client,
}

impl Push {
    /// With the key in this folder, made at the first start.
    ///
    /// # Errors
    /// [`KeyError`]: without its key nothing can be pushed.
    pub fn open(data: &Path, contact: &str, endpoints: Endpoints) -> Result<Self, KeyError> {
        let client = reqwest::Client::builder()
            .timeout(ANSWER_WITHIN)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| KeyError::Client(error.to_string()))?;
        Ok(Self { keys: Keys::open(data)?, contact: contact.to_owned(), endpoints, client })
    }

    /// What phones subscribe with: our public key, base64url.
    pub fn public_key(&self) -> String {
        self.keys.public()
    }

    /// Whether a subscription is one that we can use.
    ///
    /// # Errors
    /// [`Unusable`], in words for the person.
    pub fn check(&self, subscription: &Subscription) -> Result<(), Unusable> {
        self.endpoints.check(subscription)
    }

    /// Sends once.
    pub async fn send(&self, to: &Subscription, message: &Message, how: &Carriage) -> Said {
        let Ok(target) = self.endpoints.target(&to.endpoint) else {
            return Said::Refused("its push service is not on the list".into());
        };
        let body = serde_json::to_vec(message).unwrap_or_default();
        if body.len() > BODY_BYTES_MAX {
            return Said::Refused(format!("{} bytes are too many", body.len()));
        }
        let (sealed, token) = match (encrypt(to, &body), self.keys.token(&target.audience, &self.contact)) {
            (Ok(sealed), Ok(token)) => (sealed, token),
            (Err(error), _) | (_, Err(error)) => return Said::Refused(error.to_string()),
        };
        let request = self
            .client
            .post(target.url)
            .header("authorization", format!("vapid t={token}, k={}", self.keys.public()))
            .header("content-encoding", "aes128gcm")
            .header("content-type", "application/octet-stream")
            .header("ttl", how.ttl_s.to_string())
            .header("urgency", how.urgency)
            .header("topic", &how.topic)
            .body(sealed);
        match request.send().await {
            Ok(answer) => said(answer.status(), wait(&answer)),
            Err(error) if error.is_timeout() => Said::Later(None, "no answer in time".into()),
            Err(_) => Said::Later(None, "not reachable".into()),
        }
    }
}

fn wait(answer: &reqwest::Response) -> Option<Duration> {
    let seconds: u64 = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}

fn said(status: StatusCode, wait: Option<Duration>) -> Said {
    let words = format!("status {}", status.as_u16());
    match status {
        StatusCode::NOT_FOUND | StatusCode::GONE => Said::Gone,
        status if status.is_success() => Said::Taken,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Said::Later(wait, words),
        status if status.is_server_error() => Said::Later(wait, words),
        _ => Said::Refused(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_of_a_push_service_has_its_meaning() {
        let ten = Some(Duration::from_secs(10));
        let code = |code| StatusCode::from_u16(code).expect("a status");
        assert_eq!(said(code(201), None), Said::Taken);
        assert_eq!(said(code(404), None), Said::Gone);
        assert_eq!(said(code(410), None), Said::Gone);
        assert_eq!(said(code(429), ten), Said::Later(ten, "status 429".into()));
        assert_eq!(said(code(503), None), Said::Later(None, "status 503".into()));
        for refused in [301, 400, 403, 413] {
            assert_eq!(said(code(refused), None), Said::Refused(format!("status {refused}")));
        }
    }

    #[test]
    fn what_is_urgent_wakes_the_phone_and_the_topic_names_nothing() {
        let one = Carriage::new(Priority::P1, "al_1", 300);
        assert_eq!((one.urgency, one.topic.len()), ("high", 32));
        assert!(!one.topic.contains("al_1"));
        assert_eq!(Carriage::new(Priority::P3, "al_1", 300), Carriage { urgency: "normal", ..one.clone() });
        assert_ne!(one.topic, Carriage::new(Priority::P1, "al_2", 300).topic);
    }
}

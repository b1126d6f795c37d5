//! Phones in great number: a compound with enough officers, their sessions, and what comes by their sockets.

use crate::stats::now;
use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt, stream};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

/// The gateway is ready, and all phones have what they are to have, within this time.
const PATIENCE: Duration = Duration::from_secs(120);
/// Requests at once while phones are linked.
const AT_ONCE: usize = 64;

/// A compound of its own, wired to free ports.
#[derive(Debug)]
pub struct Compound {
    /// The gateway's file.
    pub config: PathBuf,
    data: PathBuf,
    port: u16,
    officers: usize,
    client: reqwest::Client,
}

/// A free port of loopback.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// Copies the configuration and adds so many guards, always on duty. There is no broker: alarms come as tests.
///
/// # Errors
/// When a file cannot be copied.
pub fn compound(config: &Path, into: &Path, officers: usize) -> anyhow::Result<Compound> {
    let copy = into.join("config");
    let done = std::process::Command::new("cp").arg("-r").arg(config).arg(&copy).status()?;
    if !done.success() {
        bail!("{} cannot be copied", config.display());
    }
    let port = free_port()?;
    let file = copy.join("gateway.toml");
    let text = std::fs::read_to_string(&file)?
        .replace("# listen = \"127.0.0.1:8080\"", &format!("listen = \"127.0.0.1:{port}\""))
        .replace(
            "# public_url = \"http://127.0.0.1:8080\"",
            &format!("public_url = \"http://127.0.0.1:{port}\""),
        )
        .replace("# listen = \"127.0.0.1:9464\"", "listen = \"127.0.0.1:0\"")
        .replace("# port = 1883", &format!("port = {}", free_port()?));
    std::fs::write(&file, text)?;
    let list = copy.join("sites/demo/officers.toml");
    let mut text = std::fs::read_to_string(&list)?;
    for n in 0..officers {
        let _ = write!(text, "\n[officer.crowd-{n}]\nroles = [\"guard\"]\nalways_on_duty = true\n");
    }
    std::fs::write(&list, text)?;
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
    Ok(Compound { config: file, data: into.join("data"), port, officers, client })
}

impl Compound {
    /// Waits until it answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ready(&self) -> anyhow::Result<()> {
        let until = now() + PATIENCE;
        while self.client.get(format!("{}/healthz", self.origin())).send().await.is_err() {
            if now() > until {
                bail!("the gateway does not answer");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn local(&self, path: &str, body: serde_json::Value) -> anyhow::Result<serde_json::Value> {
        let secret = std::fs::read_to_string(self.data.join("local-secret"))?;
        let request =
            self.client.post(format!("{}{path}", self.origin())).header("x-wanglou-local", secret.trim());
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await?;
        let text = answer.text().await?;
        serde_json::from_str(&text).with_context(|| text)
    }

    /// Links so many phones, one officer after the other.
    ///
    /// # Errors
    /// When the gateway refuses one.
    pub async fn link(&self, phones: usize) -> anyhow::Result<Vec<Door>> {
        let linking =
            stream::iter(0..phones).map(|n| self.link_one(n % self.officers)).buffer_unordered(AT_ONCE);
        linking.collect::<Vec<_>>().await.into_iter().collect()
    }

    async fn link_one(&self, officer: usize) -> anyhow::Result<Door> {
        let invited = self
            .local("/api/local/enrol", serde_json::json!({"officer": format!("crowd-{officer}")}))
            .await?;
        let token = invited["token"].as_str().with_context(|| invited.to_string())?;
        let body = serde_json::json!({"token": token, "name": "crowd"});
        let request =
            self.client.post(format!("{}/api/enrol", self.origin())).header("origin", self.origin());
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await?;
        let cookie = answer.headers().get("set-cookie").context("no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        Ok(Door { port: self.port, cookie: Some(cookie) })
    }

    /// Raises an alarm that everybody on duty is told of, at another place each time.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub async fn raise(&self, round: usize) -> anyhow::Result<()> {
        let body = serde_json::json!({"place": format!("cover/{}", round + 1), "priority": 1});
        // "Busy" is an answer too: whoever asks tries again, and the time runs.
        loop {
            let answer = self.local("/api/local/test-alarm", body.clone()).await?;
            match answer["code"].as_str() {
                Some("busy") => tokio::time::sleep(Duration::from_millis(20)).await,
                Some(_) => bail!("{answer}"),
                None => return Ok(()),
            }
        }
    }
}

/// Where one phone connects, and as whom.
#[derive(Debug, Clone)]
pub struct Door {
    port: u16,
    cookie: Option<String>,
}

impl Door {
    /// At the bare server, as nobody.
    pub fn bare(port: u16) -> Self {
        Self { port, cookie: None }
    }
}

#[derive(Debug, Default)]
struct Seen {
    synced: AtomicUsize,
    /// When the last `synced` came, microseconds.
    synced_at: AtomicU64,
    alarms: AtomicUsize,
    alarm_at: AtomicU64,
    body: Mutex<String>,
    failed: Mutex<Option<String>>,
}

/// Open sockets; closed when dropped.
#[derive(Debug)]
pub struct Crowd {
    seen: Arc<Seen>,
    count: usize,
    body: String,
    _phones: JoinSet<()>,
}

impl Crowd {
    /// Opens a socket at each door, spread over this time, and waits until all are synced.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub async fn open(doors: &[Door], over: Duration) -> anyhow::Result<Self> {
        let seen = Arc::new(Seen::default());
        let mut phones = JoinSet::new();
        for (n, door) in doors.iter().cloned().enumerate() {
            let wait = over.mul_f64(n as f64 / doors.len() as f64);
            let seen = Arc::clone(&seen);
            phones.spawn(async move {
                tokio::time::sleep(wait).await;
                if let Err(error) = listen(&door, &seen).await {
                    seen.failed
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .get_or_insert(error.to_string());
                }
            });
        }
        let crowd = Self { seen, count: doors.len(), body: String::new(), _phones: phones };
        crowd.wait("synced", |seen| seen.synced.load(Ordering::Relaxed) >= doors.len()).await?;
        Ok(crowd)
    }

    async fn wait(&self, what: &str, done: impl Fn(&Seen) -> bool) -> anyhow::Result<()> {
        let until = now() + PATIENCE;
        while !done(&self.seen) {
            if let Some(error) = self.seen.failed.lock().unwrap_or_else(PoisonError::into_inner).clone() {
                bail!("a phone: {error}");
            }
            if now() > until {
                let (synced, alarms) =
                    (self.seen.synced.load(Ordering::Relaxed), self.seen.alarms.load(Ordering::Relaxed));
                bail!("not {what} in time: {synced} synced, {alarms} alarms of {}", self.count);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// When the last of all was synced.
    ///
    /// # Errors
    /// Never, once [`open`](Self::open) has returned.
    pub fn synced(&self) -> anyhow::Result<Duration> {
        Ok(Duration::from_micros(self.seen.synced_at.load(Ordering::Relaxed)))
    }

    /// Waits until everybody had so many alarms; when the last one came.
    ///
    /// # Errors
    /// When somebody had not, in time.
    pub async fn last_alarm(&mut self, each: usize) -> anyhow::Result<Duration> {
        let wanted = each * self.count;
        self.wait("told", |seen| seen.alarms.load(Ordering::Relaxed) >= wanted).await?;
        self.body = self.seen.body.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Duration::from_micros(self.seen.alarm_at.load(Ordering::Relaxed)))
    }

    /// The latest alarm as it came, for the bare server to send the same.
    pub fn body(&self) -> &str {
        &self.body
    }
}

/// One phone: hello, then listen; alarms are receipted as the app does, and pings answered.
async fn listen(door: &Door, seen: &Seen) -> anyhow::Result<()> {
    let mut request = format!("ws://127.0.0.1:{}/ws", door.port).into_client_request()?;
    if let Some(cookie) = &door.cookie {
        let headers = request.headers_mut();
        headers.insert("origin", format!("http://127.0.0.1:{}", door.port).parse()?);
        headers.insert("cookie", cookie.parse()?);
        headers.insert("sec-websocket-protocol", "wanglou.v1".parse()?);
    }
    let stream = tokio::net::TcpStream::connect(("127.0.0.1", door.port)).await?;
    stream.set_nodelay(true)?;
    let (mut socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    if door.cookie.is_some() {
        socket
            .send(Message::text(r#"{"t":"hello","dev":"d","cursor":0,"history":"","vis":"visible"}"#))
            .await?;
    }
    let micros = || u64::try_from(now().as_micros()).unwrap_or(u64::MAX);
    while let Some(message) = socket.next().await {
        let message = message?;
        let Ok(text) = message.to_text() else { continue };
        if text.starts_with(r#"{"t":"alarm""#) {
            // Later revisions say who was reached; each phone counts the first.
            if text.contains(r#""replay":true"#) || !text.contains(r#""rev":1,"#) {
                continue;
            }
            seen.alarm_at.fetch_max(micros(), Ordering::Relaxed);
            if seen.alarms.fetch_add(1, Ordering::Relaxed) == 0 {
                text.clone_into(&mut seen.body.lock().unwrap_or_else(PoisonError::into_inner));
            }
            if door.cookie.is_some() {
                let said: serde_json::Value = serde_json::from_str(text)?;
                let got = serde_json::json!({"t": "got", "id": said["a"]["id"], "rev": said["a"]["rev"], "as": "stored"});
                socket.send(Message::text(got.to_string())).await?;
            }
        } else if text.contains(r#""t":"synced""#) {
            seen.synced_at.fetch_max(micros(), Ordering::Relaxed);
            seen.synced.fetch_add(1, Ordering::Relaxed);
        } else if text.contains(r#""t":"ping""#) {
            socket.send(Message::text(r#"{"t":"pong"}"#)).await?;
        }
    }
    anyhow::bail!("the socket was closed")
}

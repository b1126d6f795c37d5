//! A phone as the protocol sees it: a session, a WebSocket, and an honest memory of everything that came by it.
//!
//! A thread of its own reads, answers pings and sends a receipt for each alarm, as the app does; the test waits for
//! what it wants to see.

use crate::deadline::{PATIENCE, Stopwatch};
use crate::http::{Answer, Ask};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::{Error, HandshakeError, Message, WebSocket, client};

/// Between two looks at what the test wants to say.
const LISTEN: Duration = Duration::from_millis(10);

/// A log-in on one phone.
#[derive(Debug, Clone)]
pub struct Session {
    port: u16,
    /// The cookie, name and value.
    pub cookie: String,
    /// The phone's id.
    pub device: String,
}

impl Session {
    /// From the answer to a redeemed token.
    ///
    /// # Panics
    /// When it sets no cookie.
    pub fn from(answer: &Answer, port: u16) -> Self {
        let cookie = answer.header("set-cookie").expect("a cookie");
        let cookie = cookie.split(';').next().expect("a cookie").to_owned();
        Self { port, cookie, device: answer.json()["dev"].as_str().expect("a phone").to_owned() }
    }

    /// The one Origin that may act.
    pub fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A GET.
    pub fn get(&self, path: &str) -> Answer {
        self.send(Ask::get(path))
    }

    /// A POST from our own page.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Ask::post(path, body).header("origin", &self.origin()))
    }

    /// Any request with the cookie.
    ///
    /// # Panics
    /// When the gateway does not answer.
    pub fn send(&self, ask: Ask) -> Answer {
        ask.header("cookie", &self.cookie).send(self.port).expect("the gateway answers")
    }

    /// What a page of ours sends when it opens the socket.
    pub fn opening(&self) -> Opening {
        let headers = vec![("origin".to_owned(), self.origin()), ("cookie".to_owned(), self.cookie.clone())];
        Opening { port: self.port, headers, protocols: "wanglou.v1".to_owned() }
    }
}

/// The handshake of a socket, to be bent as a test likes.
#[derive(Debug, Clone)]
pub struct Opening {
    port: u16,
    headers: Vec<(String, String)>,
    protocols: String,
}

impl Opening {
    /// Without that header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| found != name);
        self
    }

    /// With another value of that header.
    #[must_use]
    pub fn with(self, name: &str, value: &str) -> Self {
        let mut opening = self.without(name);
        opening.headers.push((name.to_owned(), value.to_owned()));
        opening
    }

    /// Offering these subprotocols.
    #[must_use]
    pub fn offering(mut self, protocols: &str) -> Self {
        protocols.clone_into(&mut self.protocols);
        self
    }

    /// Opens the socket, or says with which status it was refused.
    ///
    /// # Errors
    /// The HTTP status of a refusal.
    ///
    /// # Panics
    /// When there is no answer at all.
    pub fn connect(&self) -> Result<Line, u16> {
        let mut request =
            format!("ws://127.0.0.1:{}/ws", self.port).into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", HeaderValue::from_str(&self.protocols).expect("a header"));
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            headers.insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the gateway listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        match client(request, stream) {
            Ok((socket, response)) => {
                let chosen = response.headers().get("sec-websocket-protocol");
                assert_eq!(chosen.map(HeaderValue::as_bytes), Some(&b"wanglou.v1"[..]), "only v1 is echoed");
                Ok(Line(socket))
            }
            Err(HandshakeError::Failure(Error::Http(response))) => Err(response.status().as_u16()),
            Err(error) => panic!("no handshake: {error}"),
        }
    }
}

/// An open socket on which nothing was said yet.
#[derive(Debug)]
pub struct Line(WebSocket<TcpStream>);

/// Where a phone stands in its list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The last `synced`.
    pub cursor: u64,
    /// Which history it counts in.
    pub history: String,
}

/// Everything that came by a socket.
#[derive(Debug, Default)]
pub struct Seen {
    /// The answer to hello.
    pub welcome: Value,
    /// Each `synced`, with its number.
    pub synced: Vec<u64>,
    /// Each alarm message in order.
    pub alarms: Vec<Value>,
    /// The latest body of each alarm by its id.
    pub latest: BTreeMap<String, Value>,
    /// Alarms that were taken away, in order.
    pub gone: Vec<String>,
    /// Answers to commands by their cid.
    pub answers: BTreeMap<String, Value>,
    /// Set once the socket is closed: the code, or 0 when it broke.
    pub closed: Option<u16>,
}

impl Seen {
    /// How many alarms there are. What tells somebody of a flood of them is none.
    pub fn count(&self) -> usize {
        self.ids().len()
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<String> {
        let alarms = self.latest.iter().filter(|(_, alarm)| alarm["kind"] != "alarm_flood");
        alarms.map(|(id, _)| id.clone()).collect()
    }

    /// The latest body of an alarm of this kind at this place.
    pub fn alarm(&self, kind: &str, place: &str) -> Option<Value> {
        let found = self.latest.values().find(|a| a["kind"] == kind && a["place"]["id"] == place);
        found.cloned()
    }

    fn take(&mut self, said: Value) {
        match said["t"].as_str().unwrap_or_default() {
            "welcome" => self.welcome = said,
            "synced" => self.synced.extend(said["seq"].as_u64()),
            "ok" | "err" => {
                let cid = said["cid"].as_str().unwrap_or_default().to_owned();
                self.answers.insert(cid, said);
            }
            "gone" => {
                let id = said["id"].as_str().unwrap_or_default();
                self.latest.remove(id);
                self.gone.push(id.to_owned());
            }
            "alarm" => {
                let a = &said["a"];
                let id = a["id"].as_str().unwrap_or_default().to_owned();
                let newer =
                    self.latest.get(&id).is_none_or(|known| known["rev"].as_u64() < a["rev"].as_u64());
                if newer {
                    self.latest.insert(id, a.clone());
                }
                self.alarms.push(said);
            }
            _ => {}
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    seen: Mutex<Seen>,
    news: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.lock());
        self.news.notify_all();
    }
}

/// A phone that is connected; closed when dropped.
#[derive(Debug)]
pub struct Phone {
    shared: Arc<Shared>,
    say: Option<Sender<Value>>,
    thread: Option<JoinHandle<()>>,
}

impl Phone {
    /// Opens the socket, says hello, and waits until the list is complete.
    ///
    /// # Panics
    /// When the gateway refuses.
    pub fn connect(session: &Session, place: &Place) -> Self {
        let line = session.opening().connect().unwrap_or_else(|status| panic!("refused with {status}"));
        Self::on(line, place)
    }

    /// A phone that has nothing yet.
    pub fn fresh(session: &Session) -> Self {
        Self::connect(session, &Place::default())
    }

    /// Says hello on an open socket, and waits until the list is complete.
    pub fn on(line: Line, place: &Place) -> Self {
        let shared = Arc::new(Shared::default());
        let (say, sayings) = channel();
        let _ = say.send(json!({"t": "hello", "dev": "test", "app": "0", "cursor": place.cursor,
            "history": place.history, "vis": "visible", "push": "none", "audio": true, "locale": "zh-CN"}));
        let theirs = Arc::clone(&shared);
        let thread = std::thread::spawn(move || listen(line.0, &theirs, &sayings));
        let phone = Self { shared, say: Some(say), thread: Some(thread) };
        phone.wait("synced", |seen| (!seen.synced.is_empty()).then_some(()));
        phone
    }

    /// Waits until something was seen.
    ///
    /// # Panics
    /// When it is not in time; with all that was.
    pub fn wait<T>(&self, what: &str, look: impl FnMut(&Seen) -> Option<T>) -> T {
        self.wait_within(PATIENCE, what, look)
    }

    /// The same with a limit of its own.
    ///
    /// # Panics
    /// When it is not in time; with all that was.
    pub fn wait_within<T>(&self, limit: Duration, what: &str, mut look: impl FnMut(&Seen) -> Option<T>) -> T {
        let began = Stopwatch::start();
        let mut seen = self.shared.lock();
        loop {
            if let Some(found) = look(&seen) {
                return found;
            }
            let left = limit.checked_sub(began.elapsed());
            let Some(left) = left else { panic!("not within {limit:?}: {what}; seen: {seen:#?}") };
            let waited = self.shared.news.wait_timeout(seen, left);
            seen = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Looks at what was seen so far.
    pub fn look<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.lock())
    }

    /// Waits for an alarm and returns its latest body.
    pub fn alarm(&self, kind: &str, place: &str) -> Value {
        self.wait(&format!("alarm {kind} at {place}"), |seen| seen.alarm(kind, place))
    }

    /// Says something without waiting.
    pub fn say(&self, message: Value) {
        // A socket that is closed by now shows in what the test waits for.
        let _ = self.say.as_ref().map(|say| say.send(message));
    }

    /// Gives a command and waits for its answer.
    pub fn command(&self, cid: &str, op: &str, alarm: &Value) -> Value {
        self.say(json!({"t": "cmd", "cid": cid, "op": op, "id": alarm["id"], "rev": alarm["rev"]}));
        self.wait(&format!("the answer to {op}"), |seen| seen.answers.get(cid).cloned())
    }

    /// Where to resume from.
    pub fn place(&self) -> Place {
        self.look(|seen| Place {
            cursor: seen.synced.last().copied().unwrap_or_default(),
            history: seen.welcome["history"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Waits until the gateway closes the socket; returns the code.
    pub fn closed_within(&self, limit: Duration) -> u16 {
        self.wait_within(limit, "the socket is closed", |seen| seen.closed)
    }
}

impl Drop for Phone {
    fn drop(&mut self) {
        self.say.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Reads until the socket ends, or the test has let go of the phone.
fn listen(mut socket: WebSocket<TcpStream>, shared: &Shared, sayings: &Receiver<Value>) {
    // A time-out that cannot be set would only make the phone deaf to the test.
    let _ = socket.get_ref().set_read_timeout(Some(LISTEN));
    let code = loop {
        match speak(&mut socket, sayings) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => break 0,
        }
        match socket.read() {
            Ok(Message::Text(text)) => {
                let said: Value = serde_json::from_str(&text).unwrap_or_default();
                if answer(&mut socket, &said).is_err() {
                    break 0;
                }
                shared.change(|seen| seen.take(said));
            }
            Ok(Message::Close(frame)) => break frame.map_or(0, |frame| frame.code.into()),
            Ok(_) => {}
            Err(Error::Io(error)) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break 0,
        }
    };
    shared.change(|seen| seen.closed = Some(code));
}

/// Sends what the test wants to say; false once it has let go of the phone.
fn speak(socket: &mut WebSocket<TcpStream>, sayings: &Receiver<Value>) -> Result<bool, Error> {
    loop {
        match sayings.try_recv() {
            Ok(message) => socket.send(Message::text(message.to_string()))?,
            Err(std::sync::mpsc::TryRecvError::Empty) => return Ok(true),
            Err(std::sync::mpsc::TryRecvError::Disconnected) => {
                let _ = socket.close(None);
                let _ = socket.flush();
                return Ok(false);
            }
        }
    }
}

/// What the app says by itself.
fn answer(socket: &mut WebSocket<TcpStream>, said: &Value) -> Result<(), Error> {
    let reply = match said["t"].as_str() {
        Some("ping") => json!({"t": "pong", "n": said["n"], "cursor": 0}),
        Some("alarm") => json!({"t": "got", "id": said["a"]["id"], "rev": said["a"]["rev"], "as": "stored"}),
        _ => return Ok(()),
    };
    socket.send(Message::text(reply.to_string()))
}

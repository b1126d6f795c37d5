//! A broker that keeps every promise of MQTT and remembers what was acknowledged.
//!
//! The promise that is tested concerns what the gateway PUBACKs: a real broker hides that. This one keeps sessions
//! over reconnects, redelivers what was not acknowledged in order and with DUP, echoes the gateway's own markers, and
//! can kill the gateway at the very PUBACK.

use crate::mqtt::{self, Packet};
use crate::program::Handle;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Unacknowledged messages on their way to one client, as `deploy/mosquitto.conf` allows.
pub const IN_FLIGHT_MAX: usize = 1_000;
/// A gateway that does not read for so long has lost its connection.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// What a test publishes. Markers that the gateway publishes to itself have no number.
#[derive(Debug, Clone)]
struct Message {
    topic: String,
    payload: Vec<u8>,
    event: Option<u64>,
}

#[derive(Debug, Default)]
struct Session {
    filters: BTreeSet<String>,
    queue: VecDeque<Message>,
    in_flight: VecDeque<(u16, Message)>,
    last_id: u16,
    stream: Option<TcpStream>,
    connection: u64,
}

#[derive(Debug, Default)]
struct Core {
    sessions: BTreeMap<String, Session>,
    connections: u64,
    acknowledged: BTreeSet<u64>,
    faults: Vec<String>,
    deadly: Option<(u64, Handle)>,
    killed: bool,
    stopped: bool,
}

/// The broker; ends when dropped.
#[derive(Debug)]
pub struct ScriptedBroker {
    core: Arc<Mutex<Core>>,
    /// Where it listens on loopback.
    pub port: u16,
}

impl ScriptedBroker {
    /// Starts one.
    ///
    /// # Panics
    /// When nothing can be bound.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port of loopback");
        let port = listener.local_addr().expect("it is bound").port();
        let core = Arc::new(Mutex::new(Core::default()));
        let theirs = Arc::clone(&core);
        std::thread::spawn(move || accept(&listener, &theirs));
        Self { core, port }
    }

    /// Queues a message for whoever subscribed to its topic, session kept or not connected.
    pub fn publish(&self, topic: &str, payload: &[u8], event: u64) {
        let message = Message { topic: topic.to_owned(), payload: payload.to_vec(), event: Some(event) };
        self.lock().route(&message);
    }

    /// How many messages wait in queues or for their PUBACK.
    pub fn waiting(&self) -> usize {
        self.lock().sessions.values().map(|session| session.queue.len() + session.in_flight.len()).sum()
    }

    /// Has somebody subscribed to this topic?
    pub fn is_subscribed(&self, topic: &str) -> bool {
        self.lock().sessions.values().any(|session| session.wants(topic))
    }

    /// Numbers of the events that the gateway acknowledged.
    pub fn acknowledged(&self) -> BTreeSet<u64> {
        self.lock().acknowledged.clone()
    }

    /// What the gateway did against the protocol: a PUBACK out of order, or for nothing.
    pub fn faults(&self) -> Vec<String> {
        self.lock().faults.clone()
    }

    /// Kills the gateway at the n-th PUBACK of an event from now on, counted from 1.
    pub fn kill_at_puback(&self, nth: u64, gateway: Handle) {
        let mut core = self.lock();
        (core.deadly, core.killed) = (Some((nth, gateway)), false);
    }

    /// Has the gateway been killed at its PUBACK?
    pub fn has_killed(&self) -> bool {
        self.lock().killed
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }
}

impl Drop for ScriptedBroker {
    fn drop(&mut self) {
        let mut core = self.lock();
        core.stopped = true;
        for session in core.sessions.values_mut() {
            session.hang_up();
        }
        drop(core);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn lock(core: &Mutex<Core>) -> MutexGuard<'_, Core> {
    core.lock().unwrap_or_else(PoisonError::into_inner)
}

fn accept(listener: &TcpListener, core: &Arc<Mutex<Core>>) {
    for stream in listener.incoming().flatten() {
        if lock(core).stopped {
            return;
        }
        let core = Arc::clone(core);
        std::thread::spawn(move || serve(stream, &core));
    }
}

/// One connection, until it ends.
fn serve(mut stream: TcpStream, core: &Mutex<Core>) {
    let _ = stream.set_nodelay(true);
    let _ = stream.set_write_timeout(Some(WRITE_WITHIN));
    let mut who: Option<(String, u64)> = None;
    let mut buffer = Vec::new();
    let mut chunk = [0; 16 << 10];
    loop {
        while let Some(packet) = mqtt::take(&mut buffer) {
            match (&who, packet) {
                (None, Packet::Connect { client, clean }) => {
                    let Ok(theirs) = stream.try_clone() else { return };
                    let connection = lock(core).connect(&client, clean, theirs);
                    who = Some((client, connection));
                }
                (Some((client, connection)), packet) => lock(core).take(client, *connection, packet),
                (None, packet) => lock(core).faults.push(format!("{packet:?} before CONNECT")),
            }
        }
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(length) => buffer.extend_from_slice(&chunk[..length]),
        }
    }
    if let Some((client, connection)) = who {
        lock(core).disconnect(&client, connection);
    }
}

impl Core {
    fn connect(&mut self, client: &str, clean: bool, stream: TcpStream) -> u64 {
        self.connections += 1;
        let connection = self.connections;
        if clean {
            self.sessions.remove(client);
        }
        let present = self.sessions.contains_key(client);
        let session = self.sessions.entry(client.to_owned()).or_default();
        session.hang_up();
        (session.stream, session.connection) = (Some(stream), connection);
        session.write(&mqtt::connack(present));
        session.redeliver();
        connection
    }

    fn take(&mut self, client: &str, connection: u64, packet: Packet) {
        let Some(session) = self.sessions.get_mut(client).filter(|session| session.connection == connection)
        else {
            return;
        };
        match packet {
            Packet::PubAck(id) => self.acknowledge(client, id),
            Packet::Ping => session.write(&mqtt::pong()),
            Packet::Subscribe { id, filters } => {
                session.write(&mqtt::suback(id, filters.len()));
                session.filters.extend(filters);
            }
            Packet::Unsubscribe(id) => session.write(&mqtt::unsuback(id)),
            Packet::Publish { topic, payload, id } => {
                id.into_iter().for_each(|id| session.write(&mqtt::puback(id)));
                self.route(&Message { topic, payload, event: None });
            }
            Packet::Disconnect => session.hang_up(),
            Packet::Connect { .. } => self.faults.push("a second CONNECT".to_owned()),
        }
    }

    fn acknowledge(&mut self, client: &str, id: u16) {
        let Some(session) = self.sessions.get_mut(client) else { return };
        let Some(at) = session.in_flight.iter().position(|(waits, _)| *waits == id) else {
            self.faults.push(format!("PUBACK {id}, which is not in flight"));
            return;
        };
        if at != 0 {
            self.faults.push(format!("PUBACK {id} before that of {}", session.in_flight[0].0));
        }
        let event = session.in_flight.remove(at).and_then(|(_, message)| message.event);
        session.fill();
        if let Some(event) = event {
            self.acknowledged.insert(event);
            self.strike();
        }
    }

    /// One more PUBACK of an event: perhaps the deadly one.
    fn strike(&mut self) {
        let Some((left, gateway)) = &mut self.deadly else { return };
        *left -= 1;
        if *left == 0 {
            gateway.kill();
            (self.deadly, self.killed) = (None, true);
        }
    }

    fn route(&mut self, message: &Message) {
        for session in self.sessions.values_mut().filter(|session| session.wants(&message.topic)) {
            session.queue.push_back(message.clone());
            session.fill();
        }
    }

    fn disconnect(&mut self, client: &str, connection: u64) {
        if let Some(session) =
            self.sessions.get_mut(client).filter(|session| session.connection == connection)
        {
            session.hang_up();
        }
    }
}

impl Session {
    fn wants(&self, topic: &str) -> bool {
        self.filters.iter().any(|filter| mqtt::matches(topic, filter))
    }

    fn write(&mut self, bytes: &[u8]) {
        let failed = self.stream.as_mut().is_some_and(|stream| stream.write_all(bytes).is_err());
        if failed {
            self.hang_up();
        }
    }

    fn hang_up(&mut self) {
        if let Some(stream) = self.stream.take() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// What was sent and never acknowledged comes again, in its order, as a repeat.
    fn redeliver(&mut self) {
        let again: Vec<u8> = self
            .in_flight
            .iter()
            .flat_map(|(id, message)| mqtt::publish(&message.topic, &message.payload, *id, true))
            .collect();
        self.write(&again);
        self.fill();
    }

    /// Sends what waits, as far as the window allows.
    fn fill(&mut self) {
        while self.stream.is_some() && self.in_flight.len() < IN_FLIGHT_MAX {
            let Some(message) = self.queue.pop_front() else { return };
            let id = self.next_id();
            let bytes = mqtt::publish(&message.topic, &message.payload, id, false);
            self.in_flight.push_back((id, message));
            self.write(&bytes);
        }
    }

    /// An identifier that is not in flight.
    fn next_id(&mut self) -> u16 {
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1);
            if !self.in_flight.iter().any(|(id, _)| *id == self.last_id) {
                return self.last_id;
            }
        }
    }
}

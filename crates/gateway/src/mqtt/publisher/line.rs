//! The publisher's task: one connection after the other, each with a client of its own.

use super::{LastWill, Outcome, PublisherOptions, Request};
use crate::mqtt::backoff::Backoff;
use crate::mqtt::connection::stopped;
use crate::mqtt::counters::PublisherCounters;
use crate::mqtt::fault::{ConnectFault, Lost, refusal};
use crate::mqtt::options::{Address, BrokerOptions};
use crate::mqtt::tls::client_config_for_fixed_name;
use crate::mqtt::wire::read_login;
use rumqttc::mqttbytes::QoS;
use rumqttc::mqttbytes::v4::Packet;
use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, TlsConfiguration, Transport,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

/// Packet identifiers that rumqttc cycles through. Far more than are ever in flight, so that none meets an
/// earlier use of itself.
const PACKET_IDS: u16 = 1000;

/// The line between the queue and the broker.
pub(super) struct Line {
    broker: BrokerOptions,
    options: PublisherOptions,
    counters: Arc<PublisherCounters>,
    incoming: mpsc::UnboundedReceiver<Request>,
    /// What waits for a connection, oldest first.
    queue: VecDeque<Request>,
    stop: watch::Receiver<bool>,
    backoff: Backoff,
    /// The last fault that was logged: each is told once.
    told: Option<String>,
}

/// One connection, and the requests that went to it.
struct Sent {
    client: AsyncClient,
    events: mpsc::Receiver<Result<Event, ConnectionError>>,
    /// Given to the client, which numbers them in this order.
    unnumbered: VecDeque<(Request, Instant)>,
    /// By packet identifier. With each the time at which its PUBACK is overdue.
    numbered: BTreeMap<u16, (Request, Instant)>,
    connected: bool,
    /// Runs rumqttc's event loop, whose `poll` must not be dropped half-way; ends with the connection.
    _pump: JoinSet<()>,
}

/// Why the line ends.
struct Stopped;

impl Line {
    pub(super) fn new(
        broker: BrokerOptions,
        options: PublisherOptions,
        counters: Arc<PublisherCounters>,
        incoming: mpsc::UnboundedReceiver<Request>,
        stop: watch::Receiver<bool>,
        backoff: Backoff,
    ) -> Line {
        Line { broker, options, counters, incoming, queue: VecDeque::new(), stop, backoff, told: None }
    }

    /// Runs until stopped, or until nobody can publish any more.
    pub(super) async fn run(mut self) {
        while let Ok(reason) = self.connection().await {
            self.counters.up.set(0);
            self.tell(reason);
            let until = Instant::now() + self.backoff.next_wait();
            if self.pause(until).await.is_err() {
                break;
            }
        }
        self.counters.up.set(0);
        self.incoming.close();
        while let Ok(request) = self.incoming.try_recv() {
            self.queue.push_back(request);
        }
        for request in std::mem::take(&mut self.queue) {
            self.fail(request, "the gateway stopped first");
        }
    }

    /// One connection, from its attempt to the reason of its end.
    async fn connection(&mut self) -> Result<String, Stopped> {
        let mqtt = match mqtt_options(&self.broker, &self.options) {
            Ok(mqtt) => mqtt,
            Err(fault) => return Ok(fault.to_string()),
        };
        let mut sent = Sent::open(mqtt, &self.broker, self.options.in_flight_max);
        let ended = self.serve(&mut sent).await;
        let reason = match &ended {
            Ok(reason) => reason.as_str(),
            Err(Stopped) => "the gateway stopped before the broker's PUBACK",
        };
        for request in sent.into_requests() {
            self.counters.unknown.one();
            request.end(Outcome::Unknown { reason: reason.to_owned() });
        }
        ended
    }

    async fn serve(&mut self, sent: &mut Sent) -> Result<String, Stopped> {
        loop {
            self.send_what_fits(sent);
            let wake = [self.first_expiry(), sent.first_overdue()].into_iter().flatten().min();
            select! {
                biased;
                event = sent.events.recv() => match event {
                    Some(Ok(event)) => if let Some(reason) = self.on_event(event, sent) { return Ok(reason) },
                    Some(Err(cause)) => return Ok(words(&cause)),
                    None => return Ok("the client's event loop ended".to_owned()),
                },
                () = stopped(&mut self.stop) => return self.finish(sent).await,
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {
                    self.expire(Instant::now());
                    if sent.first_overdue().is_some_and(|at| at <= Instant::now()) {
                        return Ok(format!("the broker sent no PUBACK within {:?}", self.options.puback_timeout));
                    }
                }
                request = self.incoming.recv() => match request {
                    Some(request) => self.queue.push_back(request),
                    None => return self.finish(sent).await,
                },
            }
        }
    }

    /// Waits between two connections; what expires meanwhile fails on time.
    async fn pause(&mut self, until: Instant) -> Result<(), Stopped> {
        while Instant::now() < until {
            let wake = self.first_expiry().map_or(until, |expiry| expiry.min(until));
            select! {
                biased;
                () = stopped(&mut self.stop) => return Err(Stopped),
                () = sleep_until(wake) => self.expire(Instant::now()),
                request = self.incoming.recv() => self.queue.push_back(request.ok_or(Stopped)?),
            }
        }
        Ok(())
    }

    fn send_what_fits(&mut self, sent: &mut Sent) {
        let now = Instant::now();
        self.expire(now);
        while sent.connected && sent.count() < self.options.in_flight_max.max(1) {
            let Some(request) = self.queue.pop_front() else { return };
            if let Err(request) = sent.send(request, now + self.options.puback_timeout) {
                self.fail(request, "the client did not take it");
            }
        }
    }

    /// What an event means; a reason if it ends the connection.
    fn on_event(&mut self, event: Event, sent: &mut Sent) -> Option<String> {
        match event {
            Event::Incoming(Packet::ConnAck(_)) => {
                sent.connected = true;
                self.told = None;
                self.counters.connects.one();
                self.counters.up.set(1);
                tracing::info!(client_id = self.options.client_id, "publisher connected");
            }
            Event::Outgoing(Outgoing::Publish(id)) => {
                if let Some(request) = sent.unnumbered.pop_front() {
                    sent.numbered.insert(id, request);
                }
            }
            Event::Outgoing(Outgoing::AwaitAck(id)) => {
                return Some(format!("packet identifier {id} came round before its PUBACK"));
            }
            Event::Incoming(Packet::PubAck(ack)) => {
                self.backoff.reset();
                if let Some((request, _)) = sent.numbered.remove(&ack.pkid) {
                    self.counters.done.one();
                    request.end(Outcome::Done);
                }
            }
            Event::Incoming(_) | Event::Outgoing(_) => {}
        }
        None
    }

    /// Stops in order: what is on its way may still be acknowledged, then goodbye.
    async fn finish(&mut self, sent: &mut Sent) -> Result<String, Stopped> {
        let until = Instant::now() + self.options.stop_grace;
        while sent.count() > 0 {
            let Ok(Some(Ok(event))) = timeout_at(until, sent.events.recv()).await else { break };
            if self.on_event(event, sent).is_some() {
                break;
            }
        }
        // A goodbye would take the last will back, and nobody would say that the gateway is gone.
        let goodbye = self.options.last_will.is_none();
        if goodbye && sent.connected && sent.client.try_disconnect().is_ok() {
            while let Ok(Some(Ok(_))) = timeout_at(until, sent.events.recv()).await {}
        }
        Err(Stopped)
    }

    fn first_expiry(&self) -> Option<Instant> {
        self.queue.iter().map(|request| request.message.expires_at).min()
    }

    fn expire(&mut self, now: Instant) {
        if self.first_expiry().is_none_or(|first| first > now) {
            return;
        }
        let queue = std::mem::take(&mut self.queue);
        let (expired, rest) = queue.into_iter().partition(|request| request.message.expires_at <= now);
        self.queue = rest;
        let expired: VecDeque<Request> = expired;
        for request in expired {
            self.fail(request, "it expired before the broker could be reached");
        }
    }

    fn fail(&self, request: Request, reason: &str) {
        self.counters.failed.one();
        request.end(Outcome::Failed { reason: reason.to_owned() });
    }

    fn tell(&mut self, reason: String) {
        if self.told.as_ref() != Some(&reason) {
            tracing::warn!(reason, "publisher has no connection to the broker; trying again");
            self.told = Some(reason);
        }
    }
}

impl Sent {
    fn open(mqtt: MqttOptions, broker: &BrokerOptions, in_flight_max: usize) -> Sent {
        let room = in_flight_max.max(1);
        // One more for the goodbye.
        let (client, mut polled) = AsyncClient::new(mqtt, room + 1);
        polled.network_options.set_tcp_nodelay(true);
        polled.network_options.set_connection_timeout(broker.connect_timeout.as_secs().max(1));
        let (to_line, events) = mpsc::channel(room);
        let mut pump = JoinSet::new();
        pump.spawn(forward(polled, to_line));
        Sent {
            client,
            events,
            unnumbered: VecDeque::new(),
            numbered: BTreeMap::new(),
            connected: false,
            _pump: pump,
        }
    }

    fn send(&mut self, mut request: Request, overdue: Instant) -> Result<(), Request> {
        let (topic, payload) = (request.message.topic.clone(), request.message.payload.clone());
        // rumqttc takes no `Bytes` here; commands are short.
        match self.client.try_publish(topic, QoS::AtLeastOnce, request.retain, payload) {
            Err(_) => Err(request),
            Ok(()) => {
                request.place = None;
                self.unnumbered.push_back((request, overdue));
                Ok(())
            }
        }
    }

    fn count(&self) -> usize {
        self.unnumbered.len() + self.numbered.len()
    }

    fn first_overdue(&self) -> Option<Instant> {
        self.unnumbered.iter().chain(self.numbered.values()).map(|(_, overdue)| *overdue).min()
    }

    fn into_requests(self) -> impl Iterator<Item = Request> {
        self.unnumbered.into_iter().chain(self.numbered.into_values()).map(|(request, _)| request)
    }
}

async fn forward(mut polled: EventLoop, to_line: mpsc::Sender<Result<Event, ConnectionError>>) {
    loop {
        let event = polled.poll().await;
        let ended = event.is_err();
        if to_line.send(event).await.is_err() || ended {
            return;
        }
    }
}

fn mqtt_options(broker: &BrokerOptions, options: &PublisherOptions) -> Result<MqttOptions, Lost> {
    let mut mqtt = match &broker.address {
        Address::Tcp { host, port } => MqttOptions::new(&options.client_id, host, *port),
        // rumqttc wants a port and does not use it.
        Address::Unix(path) => MqttOptions::new(&options.client_id, path.to_string_lossy(), 1),
    };
    mqtt.set_transport(transport(broker)?);
    mqtt.set_keep_alive(broker.keep_alive.max(std::time::Duration::from_secs(1)));
    mqtt.set_clean_session(true);
    mqtt.set_inflight(PACKET_IDS);
    if let Some(LastWill { topic, payload }) = &options.last_will {
        mqtt.set_last_will(rumqttc::LastWill::new(topic, payload.clone(), QoS::AtLeastOnce, true));
    }
    // The default of 10 KiB would end the connection with each larger message, for ever.
    let packet_bytes_max = options.payload_bytes_max + HEAD_BYTES_MAX;
    mqtt.set_max_packet_size(packet_bytes_max, packet_bytes_max);
    if let Some(login) = &broker.login {
        let (user, password) = read_login(login)?;
        mqtt.set_credentials(user, password);
    }
    Ok(mqtt)
}

/// Fixed header, topic and packet identifier at their longest.
const HEAD_BYTES_MAX: usize = 5 + 2 + u16::MAX as usize + 2;

fn transport(broker: &BrokerOptions) -> Result<Transport, Lost> {
    match (&broker.address, &broker.tls) {
        (Address::Unix(_), _) => Ok(Transport::Unix),
        (Address::Tcp { .. }, None) => Ok(Transport::Tcp),
        (Address::Tcp { .. }, Some(tls)) => {
            let config = client_config_for_fixed_name(tls).map_err(ConnectFault::Tls)?;
            Ok(Transport::Tls(TlsConfiguration::Rustls(Arc::new(config))))
        }
    }
}

/// A fault of rumqttc's in our words, where it has none that say what to do.
fn words(cause: &ConnectionError) -> String {
    match cause {
        ConnectionError::ConnectionRefused(code) => refusal(*code).to_owned(),
        ConnectionError::NetworkTimeout => "the broker did not answer CONNECT in time".to_owned(),
        ConnectionError::MqttState(_)
        | ConnectionError::FlushTimeout
        | ConnectionError::Tls(_)
        | ConnectionError::Io(_)
        | ConnectionError::NotConnAck(_)
        | ConnectionError::RequestsDone => format!("the publisher's connection ended: {cause}"),
    }
}

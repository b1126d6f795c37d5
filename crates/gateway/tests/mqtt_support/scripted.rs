//! A broker played by the test, over streams in memory: the test says what the broker sends and checks what it
//! gets, and tokio's clock can be moved, since nothing waits for a real socket.

use bytes::BytesMut;
use rumqttc::mqttbytes::v4::{
    ConnAck, Connect, ConnectReturnCode, Packet, PubAck, Publish, SubAck, Subscribe, SubscribeReasonCode,
};
use rumqttc::mqttbytes::{Error, QoS};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use wanglou_gateway::intake::Lane;
use wanglou_gateway::mqtt::{
    Address, Backoff, BrokerOptions, ConnectFault, Consumer, ConsumerOptions, Dial, Stream,
};

/// Bytes that the stream between broker and consumer holds in each direction.
const PIPE_BYTES: usize = 4 << 20;

/// Hands one end of each new stream to the test.
pub struct InMemory {
    dialled: mpsc::UnboundedSender<(Instant, DuplexStream)>,
}

impl Dial for InMemory {
    async fn dial(&self) -> Result<Box<dyn Stream>, ConnectFault> {
        let (ours, brokers) = duplex(PIPE_BYTES);
        let refused = |_| ConnectFault::Socket {
            address: "memory".into(),
            cause: std::io::ErrorKind::ConnectionRefused.into(),
        };
        self.dialled.send((Instant::now(), brokers)).map_err(refused)?;
        Ok(Box::new(ours))
    }
}

/// The broker's side of all connections to come.
pub struct Scripted {
    dialled: mpsc::UnboundedReceiver<(Instant, DuplexStream)>,
}

/// A consumer of the lane that dials a scripted broker; all waits are the longest of their range.
pub fn consumer(
    lane: Lane,
    filters: &[&str],
    edit: impl FnOnce(&mut ConsumerOptions),
) -> (Consumer<InMemory>, Scripted) {
    let filters = filters.iter().map(|filter| (*filter).to_owned()).collect();
    let mut options = ConsumerOptions::new("t", lane, filters, 7);
    edit(&mut options);
    let (dialled, accepts) = mpsc::unbounded_channel();
    let broker = BrokerOptions::new(Address::Unix("memory".into()));
    let consumer = Consumer::with_dial(InMemory { dialled }, broker, options);
    (consumer.with_backoff(Backoff::new(Box::new(|| 1.0))), Scripted { dialled: accepts })
}

impl Scripted {
    /// The next attempt to connect, and when it came.
    pub async fn accept(&mut self) -> (Instant, Peer) {
        let dialled =
            timeout(Duration::from_secs(3600), self.dialled.recv()).await.expect("a connect within the hour");
        let (at, stream) = dialled.expect("the consumer runs");
        (at, Peer { stream, input: BytesMut::new() })
    }

    /// Accepts, and brings the connection as far as Up: all granted at QoS 1. The marker is still to come.
    pub async fn welcome(&mut self, session_present: bool) -> Peer {
        let (_, mut peer) = self.accept().await;
        peer.connect().await;
        peer.connack(session_present).await;
        peer.grant().await;
        peer
    }

    /// The same, and the first marker goes back: Drained.
    pub async fn welcome_and_drain(&mut self, session_present: bool) -> Peer {
        let mut peer = self.welcome(session_present).await;
        let marker = peer.marker().await;
        peer.send(&Packet::Publish(marker)).await;
        assert!(matches!(peer.packet().await, Packet::PubAck(_)), "the marker is acknowledged");
        peer
    }
}

/// The broker's side of one connection.
pub struct Peer {
    stream: DuplexStream,
    input: BytesMut,
}

impl Peer {
    /// The next packet of the consumer; `None` when it has closed.
    pub async fn try_packet(&mut self) -> Option<Packet> {
        loop {
            match Packet::read(&mut self.input, usize::MAX) {
                Ok(packet) => return Some(packet),
                Err(Error::InsufficientBytes(_)) => {}
                Err(fault) => panic!("the consumer sent something malformed: {fault}"),
            }
            if self.stream.read_buf(&mut self.input).await.expect("a stream in memory") == 0 {
                return None;
            }
        }
    }

    /// The next packet of the consumer, pings answered and left out.
    pub async fn packet(&mut self) -> Packet {
        loop {
            let packet = self.packet_or_ping().await;
            if packet != Packet::PingReq {
                return packet;
            }
            self.send(&Packet::PingResp).await;
        }
    }

    /// The next packet, without answering pings.
    pub async fn packet_or_ping(&mut self) -> Packet {
        self.try_packet().await.expect("the consumer keeps the connection")
    }

    pub async fn connect(&mut self) -> Connect {
        let Packet::Connect(connect) = self.packet().await else { panic!("no CONNECT") };
        connect
    }

    pub async fn connack(&mut self, session_present: bool) {
        self.send(&Packet::ConnAck(ConnAck::new(ConnectReturnCode::Success, session_present))).await;
    }

    pub async fn refuse(&mut self, code: ConnectReturnCode) {
        self.send(&Packet::ConnAck(ConnAck::new(code, false))).await;
    }

    pub async fn subscribe(&mut self) -> Subscribe {
        let Packet::Subscribe(subscribe) = self.packet().await else { panic!("no SUBSCRIBE") };
        subscribe
    }

    /// Takes a SUBSCRIBE and grants all at QoS 1.
    pub async fn grant(&mut self) -> Subscribe {
        let subscribe = self.subscribe().await;
        self.suback(&subscribe, |_| SubscribeReasonCode::Success(QoS::AtLeastOnce)).await;
        subscribe
    }

    pub async fn suback(&mut self, subscribe: &Subscribe, code: impl Fn(&str) -> SubscribeReasonCode) {
        let codes = subscribe.filters.iter().map(|filter| code(&filter.path)).collect();
        self.send(&Packet::SubAck(SubAck::new(subscribe.pkid, codes))).await;
    }

    /// Takes a marker, as it would come back: with a packet identifier of ours.
    pub async fn marker(&mut self) -> Publish {
        let Packet::Publish(mut marker) = self.packet().await else { panic!("no marker") };
        assert!(marker.topic.starts_with("wanglou/v1/self/"), "{}", marker.topic);
        marker.pkid = 60_000;
        marker
    }

    /// A message at QoS 1, or at QoS 0 without an identifier.
    pub async fn publish(&mut self, packet_id: Option<u16>, topic: &str, payload: &str) {
        self.send(&publish(packet_id, topic, payload)).await;
    }

    /// PUBACKs must come now, all in one read, with these identifiers in this order.
    pub async fn pubacks_in_one_write(&mut self, expected: &[u16]) {
        assert!(self.input.is_empty(), "nothing else came before");
        let mut bytes = vec![0; 1 << 16];
        let count = self.stream.read(&mut bytes).await.expect("a stream in memory");
        let mut wanted = BytesMut::new();
        for id in expected {
            PubAck::new(*id).write(&mut wanted).expect("it fits");
        }
        assert_eq!(bytes[..count], wanted[..], "PUBACKs of {expected:?}");
    }

    pub async fn send(&mut self, packet: &Packet) {
        let mut bytes = BytesMut::new();
        packet.write(&mut bytes, usize::MAX).expect("it fits");
        self.send_bytes(&bytes).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the consumer keeps the connection");
    }

    /// True if the consumer sends nothing within this time.
    pub async fn is_silent_for(&mut self, time: Duration) -> bool {
        timeout(time, self.try_packet()).await.is_err()
    }

    /// Waits until the consumer has closed the connection; what it says before that is skipped.
    pub async fn closed(&mut self) {
        while self.try_packet().await.is_some() {}
    }

    /// Answers pings and swallows everything else, until the consumer closes or the future is dropped.
    pub async fn answer_pings_only(&mut self) {
        while let Some(packet) = self.try_packet().await {
            if packet == Packet::PingReq {
                self.send(&Packet::PingResp).await;
            }
        }
    }
}

/// Lets this much time pass; the clock is paused, so this waits for nothing.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

/// A PUBLISH at QoS 1, or at QoS 0 without an identifier.
pub fn publish(packet_id: Option<u16>, topic: &str, payload: &str) -> Packet {
    let qos = if packet_id.is_some() { QoS::AtLeastOnce } else { QoS::AtMostOnce };
    let mut publish = Publish::new(topic, qos, payload);
    publish.pkid = packet_id.unwrap_or(0);
    Packet::Publish(publish)
}

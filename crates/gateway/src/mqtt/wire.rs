//! One byte stream to the broker with its two buffers, and the first exchange on it: CONNECT and CONNACK.

use super::decode::{Decoder, Incoming};
use super::dial::{Dial, Stream};
use super::fault::{LoginFault, Lost};
use super::options::{BrokerOptions, ConsumerOptions, Login};
use bytes::{BufMut, BytesMut};
use rumqttc::mqttbytes::v4::{self, ConnectReturnCode, Packet};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Below this much room the read buffer gets a new stretch.
const ROOM_MIN: usize = 16 << 10;

/// A connected stream.
pub(super) struct Wire {
    stream: Box<dyn Stream>,
    /// What was read and not decoded yet.
    pub(super) input: BytesMut,
    output: BytesMut,
    read_bytes: usize,
    write_timeout: Duration,
}

/// What CONNACK said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Welcome {
    pub(super) session_present: bool,
}

impl Wire {
    /// Dials and introduces us, within the connect time-out.
    pub(super) async fn open(
        dial: &impl Dial,
        broker: &BrokerOptions,
        options: &ConsumerOptions,
        decoder: &mut Decoder,
    ) -> Result<(Wire, Welcome), Lost> {
        let connect = connect_packet(broker, options)?;
        let opening = async {
            let stream = dial.dial().await?;
            let mut wire = Wire::new(stream, options.read_bytes, broker.keep_alive);
            wire.put(&Packet::Connect(connect))?;
            wire.flush().await?;
            let welcome = wire.welcome(decoder).await?;
            Ok((wire, welcome))
        };
        timeout(broker.connect_timeout, opening)
            .await
            .unwrap_or(Err(Lost::ConnectTimeout(broker.connect_timeout)))
    }

    fn new(stream: Box<dyn Stream>, read_bytes: usize, write_timeout: Duration) -> Wire {
        let input = BytesMut::with_capacity(read_bytes);
        Wire { stream, input, output: BytesMut::new(), read_bytes, write_timeout }
    }

    async fn welcome(&mut self, decoder: &mut Decoder) -> Result<Welcome, Lost> {
        loop {
            match decoder.next(&mut self.input)? {
                None => self.read(None).await?,
                Some(Incoming::ConnAck(ack)) if ack.code == ConnectReturnCode::Success => {
                    return Ok(Welcome { session_present: ack.session_present });
                }
                Some(Incoming::ConnAck(ack)) => return Err(Lost::Refused(ack.code)),
                Some(other) => return Err(Lost::NotConnAck(other.name())),
            };
        }
    }

    /// Reads what the socket gives, at most `read_bytes`. `wanted` is the length of a packet that
    /// has begun. Returns the number of bytes, never 0. Safe to drop while it waits.
    pub(super) async fn read(&mut self, wanted: Option<usize>) -> Result<usize, Lost> {
        if self.input.capacity() - self.input.len() < ROOM_MIN {
            self.input.reserve(self.read_bytes);
        }
        if let Some(missing) = wanted.and_then(|bytes| bytes.checked_sub(self.input.len())) {
            self.input.reserve(missing);
        }
        // A buffer that has grown must not make reads, and with them batches, grow too.
        let mut room = (&mut self.input).limit(self.read_bytes);
        match self.stream.read_buf(&mut room).await {
            Ok(0) => Err(Lost::Closed),
            Ok(bytes) => Ok(bytes),
            Err(cause) => Err(Lost::Broken(cause)),
        }
    }

    /// Appends a packet to what the next flush writes.
    pub(super) fn put(&mut self, packet: &Packet) -> Result<(), Lost> {
        let written = packet.write(&mut self.output, usize::MAX);
        written.map(|_| ()).map_err(|cause| Lost::Encode(cause.to_string()))
    }

    /// Appends an acknowledgement.
    pub(super) fn put_puback(&mut self, packet_id: u16) {
        let [high, low] = packet_id.to_be_bytes();
        self.output.extend_from_slice(&[0x40, 2, high, low]);
    }

    /// Writes what was put, in one go.
    pub(super) async fn flush(&mut self) -> Result<(), Lost> {
        if self.output.is_empty() {
            return Ok(());
        }
        let writing = async {
            self.stream.write_all_buf(&mut self.output).await?;
            self.stream.flush().await
        };
        match timeout(self.write_timeout, writing).await {
            Ok(written) => written.map_err(Lost::Broken),
            Err(_) => Err(Lost::Stalled(self.write_timeout)),
        }
    }

    /// Says goodbye; whether it arrives makes no difference.
    pub(super) async fn close(&mut self) {
        let goodbye = async {
            self.put(&Packet::Disconnect)?;
            self.flush().await?;
            self.stream.shutdown().await.map_err(Lost::Broken)
        };
        if let Err(fault) = goodbye.await {
            tracing::debug!(%fault, "could not disconnect in order");
        }
    }
}

fn connect_packet(broker: &BrokerOptions, options: &ConsumerOptions) -> Result<v4::Connect, LoginFault> {
    let mut connect = v4::Connect::new(options.client_id.clone());
    connect.clean_session = !options.keeps_session();
    connect.keep_alive = u16::try_from(broker.keep_alive.as_secs()).unwrap_or(u16::MAX).max(1);
    if let Some(login) = &broker.login {
        let (user, password) = read_login(login)?;
        connect.set_login(user, password);
    }
    Ok(connect)
}

/// User and password as the files hold them now.
pub(super) fn read_login(login: &Login) -> Result<(String, String), LoginFault> {
    Ok((read_word(&login.user_file, "user")?, read_word(&login.password_file, "password")?))
}

fn read_word(file: &Path, what: &'static str) -> Result<String, LoginFault> {
    let text = std::fs::read_to_string(file)
        .map_err(|cause| LoginFault::Unreadable { file: file.to_owned(), cause })?;
    let word = text.trim_end_matches(['\r', '\n']);
    if word.is_empty() {
        return Err(LoginFault::Empty { file: file.to_owned(), what });
    }
    Ok(word.to_owned())
}

//! How a byte stream to the broker comes about: TCP or a Unix-domain socket, with TLS or without. The consumer
//! takes any [`Dial`], so that tests hand it a stream in memory, where time can be moved.

use super::fault::{ConnectFault, TlsFault};
use super::options::{Address, BrokerOptions, Tls};
use super::tls::{client_config, server_name};
use rustls_pki_types::CertificateDer;
use std::future::Future;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// A byte stream to a broker.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Opens byte streams to one broker.
pub trait Dial: Send + Sync + 'static {
    /// Opens one. The caller bounds the time it may take.
    ///
    /// # Errors
    /// [`ConnectFault`] says what failed and where.
    fn dial(&self) -> impl Future<Output = Result<Box<dyn Stream>, ConnectFault>> + Send;
}

/// Dials the broker of the options over the network.
#[derive(Debug, Clone)]
pub struct Network {
    options: BrokerOptions,
}

impl Network {
    /// Dials that broker.
    pub fn new(options: BrokerOptions) -> Network {
        Network { options }
    }
}

impl Dial for Network {
    async fn dial(&self) -> Result<Box<dyn Stream>, ConnectFault> {
        let address = &self.options.address;
        let socket = |cause| ConnectFault::Socket { address: address.to_string(), cause };
        let (plain, host): (Box<dyn Stream>, &str) = match address {
            Address::Unix(path) => (Box::new(UnixStream::connect(path).await.map_err(socket)?), "localhost"),
            Address::Tcp { host, port } => {
                let stream = TcpStream::connect((host.as_str(), *port)).await.map_err(socket)?;
                // One write carries a whole batch of acknowledgements; none must wait for company.
                stream.set_nodelay(true).map_err(socket)?;
                (Box::new(stream), host)
            }
        };
        match &self.options.tls {
            None => Ok(plain),
            Some(tls) => encrypt(plain, tls, host, &address.to_string()).await,
        }
    }
}

async fn encrypt(
    plain: Box<dyn Stream>,
    tls: &Tls,
    host: &str,
    address: &str,
) -> Result<Box<dyn Stream>, ConnectFault> {
    let config = client_config(tls)?;
    let server = server_name(tls.server_name.as_deref().unwrap_or(host))?;
    let stream =
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(server, plain).await.map_err(|cause| {
            TlsFault::Handshake { address: address.to_owned(), cause, ca_file: tls.ca_file.clone() }
        })?;
    Ok(Box::new(stream))
}

/// The certificate that a host shows, checked as for a connection; its whole way is dialled and thrown away.
///
/// # Errors
/// [`ConnectFault`] says what failed and where.
pub async fn certificate(host: &str, port: u16, tls: &Tls) -> Result<CertificateDer<'static>, ConnectFault> {
    let address = format!("{host}:{port}");
    let socket = |cause| ConnectFault::Socket { address: address.clone(), cause };
    let plain = TcpStream::connect((host, port)).await.map_err(socket)?;
    let config = client_config(tls)?;
    let server = server_name(tls.server_name.as_deref().unwrap_or(host))?;
    let handshake =
        |cause| TlsFault::Handshake { address: address.clone(), cause, ca_file: tls.ca_file.clone() };
    let stream =
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(server, plain).await.map_err(handshake)?;
    let shown = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first().cloned());
    let none = || handshake(std::io::Error::other("it shows no certificate"));
    Ok(shown.ok_or_else(none)?.into_owned())
}

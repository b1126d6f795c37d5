//! How a byte stream to the broker comes about: TCP or a Unix-domain socket, with TLS or without. The consumer
//! takes any [`Dial`], so that tests hand it a stream in memory, where time can be moved.

use super::fault::{ConnectFault, TlsFault};
use super::options::{Address, BrokerOptions, ClientCertificate, Tls};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::future::Future;
use std::path::Path;
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
    let name = tls.server_name.as_deref().unwrap_or(host);
    let server =
        ServerName::try_from(name.to_owned()).map_err(|_| TlsFault::Name { name: name.to_owned() })?;
    let stream =
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(server, plain).await.map_err(|cause| {
            TlsFault::Handshake { address: address.to_owned(), cause, ca_file: tls.ca_file.clone() }
        })?;
    Ok(Box::new(stream))
}

/// What rustls needs, from the files as they are now.
///
/// # Errors
/// [`TlsFault`] names the file.
pub(super) fn client_config(tls: &Tls) -> Result<ClientConfig, TlsFault> {
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authorities(&tls.ca_file)?);
    match &tls.client {
        None => Ok(builder.with_no_client_auth()),
        Some(ClientCertificate { chain_file, key_file }) => {
            let chain = certificates(chain_file, "no certificate of ours")?;
            let key = PrivateKeyDer::from_pem_file(key_file)
                .map_err(|cause| file_fault("no private key of ours", key_file, &cause.to_string()))?;
            Ok(builder.with_client_auth_cert(chain, key)?)
        }
    }
}

fn authorities(file: &Path) -> Result<RootCertStore, TlsFault> {
    let mut store = RootCertStore::empty();
    for certificate in certificates(file, "no certificate authority")? {
        store
            .add(certificate)
            .map_err(|cause| file_fault("a certificate authority of no use", file, &cause.to_string()))?;
    }
    Ok(store)
}

fn certificates(file: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsFault> {
    let read = || CertificateDer::pem_file_iter(file)?.collect::<Result<Vec<_>, _>>();
    let all = read().map_err(|cause| file_fault(what, file, &cause.to_string()))?;
    if all.is_empty() {
        return Err(file_fault(what, file, "no CERTIFICATE section in it"));
    }
    Ok(all)
}

fn file_fault(what: &'static str, file: &Path, cause: &str) -> TlsFault {
    TlsFault::File { what, file: file.to_owned(), cause: cause.to_owned() }
}

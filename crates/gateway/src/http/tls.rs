//! https of our own: the certificate and its key come from two files, and are read anew when those change, so that a
//! renewed certificate needs no restart. Without the files the gateway speaks plain http, on loopback, behind a proxy.

use crate::health::{Concern, Health};
use rustls::ServerConfig;
use rustls::crypto::ring::{default_provider, sign::any_supported_type};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The largest file that is read, bytes.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What is wrong with certificate or key; names the file and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsFault(String);

/// A certificate with its key, as the files were when they were last read and found to be good.
pub struct Certificate {
    cert: PathBuf,
    key: PathBuf,
    current: RwLock<Current>,
}

struct Current {
    certified: Arc<CertifiedKey>,
    /// Of both files, so that a look is cheap and a file that was only touched changes nothing.
    hash: blake3::Hash,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificate({})", self.cert.display())
    }
}

impl Certificate {
    /// Reads both files: PEM, the certificate's chain with our own first, and its private key.
    ///
    /// # Errors
    /// [`TlsFault`] when a file cannot be read or is no such thing, or the two do not belong together.
    pub fn open(cert: PathBuf, key: PathBuf) -> Result<Self, TlsFault> {
        let current = read(&cert, &key)?;
        Ok(Self { cert, key, current: RwLock::new(current) })
    }

    /// Reads the files again; returns whether another certificate is shown from now on.
    ///
    /// # Errors
    /// [`TlsFault`]; the certificate from before stays.
    pub fn look(&self) -> Result<bool, TlsFault> {
        let next = read(&self.cert, &self.key)?;
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let changed = current.hash != next.hash;
        if changed {
            *current = next;
        }
        Ok(changed)
    }

    /// The certificate that is shown now, then its chain.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.certified.cert.clone()
    }

    /// Looks at the files until the gateway stops. While they are no good the certificate from before is shown, and
    /// health says so.
    pub async fn follow(self: Arc<Self>, health: Arc<Health>, mut stopping: watch::Receiver<bool>) {
        let mut look = interval(LOOK_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = look.tick() => {}
                _ = stopping.wait_for(|stop| *stop) => return,
            }
            let certificate = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || certificate.look()).await {
                Ok(Ok(changed)) => {
                    health.clear(Concern::Certificate);
                    if changed {
                        tracing::info!(certificate = %self.cert.display(), "another certificate is shown from now on");
                    }
                }
                Ok(Err(fault)) => health.raise(Concern::Certificate, fault.to_string()),
                Err(error) => health.raise(Concern::Certificate, error.to_string()),
            }
        }
    }

    /// What accepts connections with whatever certificate is the current one: HTTP/2 where the client offers it, else
    /// HTTP/1.1, by TLS 1.2 or later.
    ///
    /// # Errors
    /// [`TlsFault`] if rustls was built without what it needs.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsFault> {
        let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsFault(error.to_string()))?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(Arc::clone(self) as _);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&current.certified))
    }
}

fn read(cert: &Path, key: &Path) -> Result<Current, TlsFault> {
    let (chain_pem, key_pem) = (text(cert, "the certificate")?, text(key, "its private key")?);
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&chain_pem)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsFault(format!("{}: not a certificate in PEM: {error}", cert.display())))?;
    if chain.is_empty() {
        return Err(TlsFault(format!("{}: no CERTIFICATE section in it", cert.display())));
    }
    let private = PrivateKeyDer::from_pem_slice(&key_pem)
        .map_err(|error| TlsFault(format!("{}: not a private key in PEM: {error}", key.display())))?;
    let signing = any_supported_type(&private)
        .map_err(|error| TlsFault(format!("{}: a key of no use: {error}", key.display())))?;
    let certified = CertifiedKey::new(chain, signing);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {}
        Err(error) => {
            let (cert, key) = (cert.display(), key.display());
            return Err(TlsFault(format!(
                "{cert} and {key} do not belong together ({error}); is one of them still the old one?"
            )));
        }
    }
    let hash = blake3::Hasher::new().update(&chain_pem).update(&key_pem).finalize();
    Ok(Current { certified: Arc::new(certified), hash })
}

fn text(path: &Path, what: &str) -> Result<Vec<u8>, TlsFault> {
    let fault = |words: String| TlsFault(format!("{}: {what} {words}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| fault(format!("cannot be read: {error}")))?.len();
    if size > FILE_BYTES_MAX {
        return Err(fault("is larger than 1 MiB".into()));
    }
    std::fs::read(path).map_err(|error| fault(format!("cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};

    /// Writes a new pair; returns the certificate.
    fn pair(folder: &Path) -> CertificateDer<'static> {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["w.example".to_owned()]).expect("a name");
        let cert = params.self_signed(&key).expect("a certificate");
        std::fs::write(folder.join("cert.pem"), cert.pem()).expect("written");
        std::fs::write(folder.join("key.pem"), key.serialize_pem()).expect("written");
        cert.der().clone()
    }

    fn open(folder: &Path) -> Result<Certificate, TlsFault> {
        Certificate::open(folder.join("cert.pem"), folder.join("key.pem"))
    }

    fn shown(certificate: &Certificate) -> CertificateDer<'static> {
        certificate.current.read().expect("not poisoned").certified.cert[0].clone()
    }

    #[test]
    fn a_renewed_certificate_is_shown_once_its_key_is_there_too() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = pair(folder.path());
        let certificate = open(folder.path()).expect("a good pair");
        assert_eq!(certificate.look(), Ok(false), "nothing has changed");
        let old_key = std::fs::read(folder.path().join("key.pem")).expect("read");
        let second = pair(folder.path());
        let new_key = std::fs::read(folder.path().join("key.pem")).expect("read");
        // Half of a renewal: the certificate is new already, the key is not.
        std::fs::write(folder.path().join("key.pem"), old_key).expect("written");
        let fault = certificate.look().expect_err("they do not match").to_string();
        assert!(fault.contains("do not belong together"), "{fault}");
        assert_eq!(shown(&certificate), first, "the one from before stays");
        std::fs::write(folder.path().join("key.pem"), new_key).expect("written");
        assert_eq!(certificate.look(), Ok(true));
        assert_eq!(shown(&certificate), second);
    }

    #[test]
    fn what_is_no_certificate_and_what_is_no_key_are_told_by_their_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let words = |folder: &Path| open(folder).expect_err("refused").to_string();
        assert!(words(folder.path()).contains("cert.pem: the certificate cannot be read"));
        pair(folder.path());
        std::fs::write(folder.path().join("key.pem"), "no key").expect("written");
        assert!(words(folder.path()).contains("key.pem: not a private key"), "{}", words(folder.path()));
        std::fs::write(folder.path().join("cert.pem"), "no certificate").expect("written");
        assert!(words(folder.path()).contains("cert.pem: no CERTIFICATE section"));
    }
}

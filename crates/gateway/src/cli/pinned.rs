//! Speaking TLS with a gateway whose certificate file lies before us: it must show just that certificate, whatever name
//! is in it.

use crate::verifier::{Shown, Verifier};
use anyhow::Context;
use rustls::client::danger::ServerCertVerified;
use rustls::crypto::ring;
use rustls::{CertificateError, ClientConfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;

/// What rustls needs to know the certificate of this file, and no other.
///
/// # Errors
/// When the file cannot be read or holds no certificate.
pub(super) fn config(file: &Path) -> anyhow::Result<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(file)
        .with_context(|| format!("{}: the gateway's certificate cannot be read", file.display()))?;
    let provider = Arc::new(ring::default_provider());
    let check = move |shown: &Shown<'_>| {
        if *shown.certificate == certificate {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    };
    let verifier = Arc::new(Verifier(check, Arc::clone(&provider)));
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair};
    use rustls::crypto::ring::sign::any_supported_type;
    use rustls::server::{ClientHello, ResolvesServerCert};
    use rustls::sign::CertifiedKey;
    use rustls::{ClientConnection, ConnectionCommon, ServerConfig, ServerConnection, SideData};
    use rustls_pki_types::PrivateKeyDer;

    /// What a server shows, and what it signs with.
    #[derive(Debug)]
    struct Shows(Arc<CertifiedKey>);

    impl ResolvesServerCert for Shows {
        fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }

    fn made() -> (KeyPair, rcgen::Certificate) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["gateway.example".to_owned()]).expect("a name");
        let certificate = params.self_signed(&key).expect("a certificate");
        (key, certificate)
    }

    fn sends<A: SideData, B: SideData>(
        from: &mut ConnectionCommon<A>,
        to: &mut ConnectionCommon<B>,
    ) -> Result<(), rustls::Error> {
        let mut wire = Vec::new();
        while from.wants_write() {
            from.write_tls(&mut wire).expect("memory");
        }
        let mut wire = wire.as_slice();
        while !wire.is_empty() {
            to.read_tls(&mut wire).expect("memory");
            to.process_new_packets()?;
        }
        Ok(())
    }

    /// Shakes hands with a server that shows `certificate` and signs with `key`; by the file `pinned`.
    fn shakes_hands(
        pinned: &Path,
        certificate: &rcgen::Certificate,
        key: &KeyPair,
    ) -> Result<(), rustls::Error> {
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let shown = CertifiedKey::new(vec![certificate.der().clone()], any_supported_type(&key)?);
        let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Shows(Arc::new(shown))));
        let mut server = ServerConnection::new(Arc::new(server))?;
        let name = "127.0.0.1".try_into().expect("a name that is not in the certificate");
        let mut client = ClientConnection::new(Arc::new(config(pinned).expect("a certificate")), name)?;
        while client.is_handshaking() {
            sends(&mut client, &mut server)?;
            sends(&mut server, &mut client)?;
        }
        Ok(())
    }

    #[test]
    fn only_whoever_has_the_very_certificate_and_its_key_is_spoken_to() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("https.pem");
        let ((key, ours), (other_key, another)) = (made(), made());
        std::fs::write(&file, ours.pem()).expect("written");
        assert_eq!(shakes_hands(&file, &ours, &key), Ok(()), "whatever name is in it");
        let refused = rustls::Error::from(CertificateError::ApplicationVerificationFailure);
        assert_eq!(
            shakes_hands(&file, &another, &other_key),
            Err(refused),
            "the same name, another certificate"
        );
        let forged = rustls::Error::from(CertificateError::BadSignature);
        assert_eq!(shakes_hands(&file, &ours, &other_key), Err(forged), "ours, shown without its key");
    }
}

//! What rustls needs to know, from the files as they are now: one provider (ring), our authorities, our certificate.

use super::fault::TlsFault;
use super::options::{ClientCertificate, Tls};
use crate::verifier::{Shown, Verifier};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::path::Path;
use std::sync::Arc;

/// What rustls needs, from the files as they are now.
///
/// # Errors
/// [`TlsFault`] names the file.
pub(super) fn client_config(tls: &Tls) -> Result<ClientConfig, TlsFault> {
    let builder = ClientConfig::builder_with_provider(provider())
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

/// The same for a client that always checks the host's name: the name from the options is checked instead.
///
/// # Errors
/// [`TlsFault`] names the file, or the name that cannot be one.
pub(super) fn client_config_for_fixed_name(tls: &Tls) -> Result<ClientConfig, TlsFault> {
    let mut config = client_config(tls)?;
    if let Some(name) = &tls.server_name {
        let roots = Arc::new(authorities(&tls.ca_file)?);
        let web_pki =
            WebPkiServerVerifier::builder_with_provider(roots, provider()).build().map_err(|cause| {
                file_fault("no certificate authority of use", &tls.ca_file, &cause.to_string())
            })?;
        let name = server_name(name)?;
        // The usual verification in full, against this name.
        let check = move |shown: &Shown<'_>| {
            let Shown { certificate, intermediates, ocsp_response, now } = *shown;
            web_pki.verify_server_cert(certificate, intermediates, &name, ocsp_response, now)
        };
        config.dangerous().set_certificate_verifier(Arc::new(Verifier(check, provider())));
    }
    Ok(config)
}

/// A name as certificates carry it.
///
/// # Errors
/// [`TlsFault::Name`] if none can.
pub(super) fn server_name(name: &str) -> Result<ServerName<'static>, TlsFault> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsFault::Name { name: name.to_owned() })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
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

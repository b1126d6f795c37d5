//! The demo's own authority of certificates: made at the first `--lan`, kept, and used again, so that a phone that
//! trusts it once goes on doing so. It can vouch for private addresses only, whoever gets hold of its key.

use anyhow::{Context, bail};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, PublicKeyData, SanType,
    date_time_ymd,
};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use wanglou_model::{Span, Timestamp};

/// The authority is good for so long: a phone need not trust another one while anybody remembers the demo.
const AUTHORITY_LASTS: Span = Span::hours(24 * 3_650);
/// A certificate of an address is good for so long, and made anew at each start. iPhones take at most 825 days.
const CERTIFICATE_LASTS: Span = Span::hours(24 * 390);
/// Phones whose clock is behind ours believe it all the same.
const BACKDATED: Span = Span::hours(48);

/// What the authority may vouch for: addresses that cannot be reached from outside, and names of no domain.
const NETWORKS: [(IpAddr, u8); 8] = [
    (v4(10, 0, 0, 0), 8),
    (v4(172, 16, 0, 0), 12),
    (v4(192, 168, 0, 0), 16),
    (v4(100, 64, 0, 0), 10),
    (v4(169, 254, 0, 0), 16),
    (v4(127, 0, 0, 0), 8),
    (v6(0xfc00), 7),
    (v6(0xfe80), 10),
];
const NAME: &str = "local";

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(std::net::Ipv4Addr::new(a, b, c, d))
}

const fn v6(first: u16) -> IpAddr {
    IpAddr::V6(std::net::Ipv6Addr::new(first, 0, 0, 0, 0, 0, 0, 0))
}

/// Whether the authority may vouch for this address.
pub(super) fn vouches_for(address: IpAddr) -> bool {
    NETWORKS.iter().any(|(network, bits)| match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (u32::from(*network) ^ u32::from(address)).leading_zeros() >= u32::from(*bits)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            (u128::from(*network) ^ u128::from(address)).leading_zeros() >= u32::from(*bits)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    })
}

/// The authority, with its key.
pub(super) struct Authority {
    folder: PathBuf,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The authority of this folder; a new one where there is none.
    ///
    /// # Errors
    /// When the folder cannot be written, or holds a key or a certificate that is none.
    pub(super) fn open(folder: &Path, now: Timestamp) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let key = key(&folder.join("ca.key.pem"))?;
        let params = authority(&key, now)?;
        let file = folder.join("ca.pem");
        let certificate = match std::fs::read(&file) {
            Ok(pem) => CertificateDer::from_pem_slice(&pem).with_context(|| damaged(&file, folder))?,
            Err(_) => {
                let made = params.self_signed(&key)?;
                std::fs::write(&file, made.pem())
                    .with_context(|| format!("{} cannot be written", file.display()))?;
                made.der().clone()
            }
        };
        Ok(Self { folder: folder.to_path_buf(), certificate, issuer: Issuer::new(params, key) })
    }

    /// Makes a certificate for this address; returns the files of certificate and key, in PEM.
    ///
    /// # Errors
    /// When a file cannot be written, or the address is none that it may vouch for.
    pub(super) fn certify(&self, address: IpAddr, now: Timestamp) -> anyhow::Result<(PathBuf, PathBuf)> {
        if !vouches_for(address) {
            bail!("{address} can be reached from outside: the demo is for private networks only");
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        lasts(&mut params, now, CERTIFICATE_LASTS)?;
        params.distinguished_name = named("Wanglou demo");
        params.subject_alt_names = vec![SanType::IpAddress(address)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let made = params.signed_by(&key, &self.issuer)?;
        let (cert_file, key_file) = (self.folder.join("https.pem"), self.folder.join("https.key.pem"));
        write_private(&key_file, &key.serialize_pem())?;
        std::fs::write(&cert_file, made.pem())
            .with_context(|| format!("{} cannot be written", cert_file.display()))?;
        Ok((cert_file, key_file))
    }

    /// The authority's own certificate, which phones are to trust.
    pub(super) fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its SHA-256, as phones show it.
    pub(super) fn fingerprint(&self) -> String {
        let digits: Vec<String> =
            Sha256::digest(&self.certificate).iter().map(|byte| format!("{byte:02X}")).collect();
        digits.join(":")
    }
}

/// The key of this file, or a new one in it. Nobody but the file's owner may read it.
fn key(file: &Path) -> anyhow::Result<KeyPair> {
    let folder = file.parent().unwrap_or(file);
    match std::fs::read_to_string(file) {
        Ok(pem) => {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))
                .with_context(|| format!("{} must not be readable by others", file.display()))?;
            KeyPair::from_pem(&pem).with_context(|| damaged(file, folder))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            write_private(file, &key.serialize_pem())?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", file.display())),
    }
}

fn damaged(file: &Path, folder: &Path) -> String {
    format!(
        "{} is damaged; delete {}, and a new authority is made, which phones have to trust anew",
        file.display(),
        folder.display()
    )
}

/// Whole or not at all, and never readable by others in between.
fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be written", file.display());
    let new = file.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error).with_context(cannot),
        Ok(()) | Err(_) => {}
    }
    let opened = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new);
    opened.and_then(|mut opened| opened.write_all(text.as_bytes())).with_context(cannot)?;
    std::fs::rename(&new, file).with_context(cannot)
}

/// The same for the same key, but for its dates: what it signed stays good if its certificate has to be written anew.
fn authority(key: &KeyPair, now: Timestamp) -> anyhow::Result<CertificateParams> {
    let hash: String =
        Sha256::digest(key.der_bytes()).iter().take(3).map(|byte| format!("{byte:02X}")).collect();
    let mut params = CertificateParams::default();
    lasts(&mut params, now, AUTHORITY_LASTS)?;
    params.distinguished_name = named(&format!("Wanglou demo authority {hash}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let networks = NETWORKS
        .iter()
        .map(|(network, bits)| GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(*network, *bits)));
    let permitted_subtrees = networks.chain([GeneralSubtree::DnsName(NAME.to_owned())]).collect();
    params.name_constraints = Some(NameConstraints { permitted_subtrees, excluded_subtrees: Vec::new() });
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

/// From a little before now for so long, in whole days, UTC.
fn lasts(params: &mut CertificateParams, now: Timestamp, span: Span) -> anyhow::Result<()> {
    let ymd = |at: Timestamp| -> anyhow::Result<(i32, u8, u8)> {
        let date = jiff::Timestamp::from_microsecond(at.0)?.to_zoned(jiff::tz::TimeZone::UTC).date();
        Ok((i32::from(date.year()), u8::try_from(date.month())?, u8::try_from(date.day())?))
    };
    let (from, until) = (ymd(now - BACKDATED)?, ymd(now + span)?);
    params.not_before = date_time_ymd(from.0, from.1, from.2);
    params.not_after = date_time_ymd(until.0, until.1, until.2);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Certificate;
    use rustls::RootCertStore;
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::ServerCertVerifier;
    use rustls_pki_types::{ServerName, UnixTime};
    use std::sync::Arc;
    use std::time::Duration;

    /// Monday 2 March 2026.
    const NOW: Timestamp = Timestamp(1_772_413_200_000_000);

    fn believed(authority: &Authority, cert_file: &Path, dialled: &str) -> Result<(), rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate().clone())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().expect("roots");
        let certificate = CertificateDer::from_pem_file(cert_file).expect("a certificate");
        let name = ServerName::try_from(dialled.to_owned()).expect("a name");
        let at = UnixTime::since_unix_epoch(Duration::from_micros(NOW.0.unsigned_abs()));
        verifier.verify_server_cert(&certificate, &[], &name, &[], at).map(drop)
    }

    #[test]
    fn a_phone_that_trusts_the_authority_trusts_the_demo_at_its_address_and_after_a_second_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = Authority::open(folder.path(), NOW).expect("made");
        let (cert, key) = first.certify(v4(192, 168, 1, 5), NOW).expect("certified");
        assert_eq!(believed(&first, &cert, "192.168.1.5"), Ok(()));
        assert!(believed(&first, &cert, "192.168.1.6").is_err(), "another address");
        Certificate::open(cert.clone(), key.clone()).expect("of use to the gateway");
        let mode = |file: &Path| std::fs::metadata(file).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&folder.path().join("ca.key.pem")), mode(&key)), (0o600, 0o600));

        let again = Authority::open(folder.path(), NOW + Span::hours(24)).expect("read");
        assert_eq!(again.fingerprint(), first.fingerprint());
        let (cert, _) = again.certify(v4(10, 1, 2, 3), NOW).expect("certified");
        assert_eq!(believed(&first, &cert, "10.1.2.3"), Ok(()), "by those who trusted it before");
    }

    #[test]
    fn the_authority_can_vouch_for_nothing_outside() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::open(folder.path(), NOW).expect("made");
        let error = authority.certify(v4(8, 8, 8, 8), NOW).expect_err("public").to_string();
        assert!(error.contains("private networks"), "{error}");
        // Whoever has the key and signs all the same is not believed.
        for (name, san) in [
            ("8.8.8.8", SanType::IpAddress(v4(8, 8, 8, 8))),
            ("bank.example", SanType::DnsName("bank.example".try_into().expect("a name"))),
        ] {
            let key = KeyPair::generate().expect("a key");
            let mut params = CertificateParams::default();
            params.subject_alt_names = vec![san];
            let stolen = params.signed_by(&key, &authority.issuer).expect("signed");
            let file = folder.path().join("stolen.pem");
            std::fs::write(&file, stolen.pem()).expect("written");
            let error = believed(&authority, &file, name).expect_err("not believed").to_string();
            assert!(error.contains("NameConstraint"), "{error}");
        }
    }

    #[test]
    fn a_damaged_key_says_what_to_delete() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.key.pem"), "nothing").expect("written");
        let error = format!("{:#}", Authority::open(folder.path(), NOW).err().expect("refused"));
        assert!(error.contains("ca.key.pem is damaged; delete"), "{error}");
    }

    #[test]
    fn private_addresses_are_told_from_others() {
        for good in
            ["10.0.0.1", "172.31.255.1", "192.168.0.9", "100.100.1.1", "127.0.0.1", "fd00::5", "fe80::1"]
        {
            assert!(vouches_for(good.parse().expect("an address")), "{good}");
        }
        for bad in ["8.8.8.8", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2001:db8::1"] {
            assert!(!vouches_for(bad.parse().expect("an address")), "{bad}");
        }
    }
}
